"""TensorFlow beside Keras on torch: in a process of its own where it is installed, else as recorded."""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from labcode._checks import expect
from labcode._files import HOME
from labcode.experiments import load_result
from labcode.libraries.recipe import Recipe

RECORD = "07_tools"
SECONDS = 1800  # far more than importing TensorFlow and a hundred steps take on a slow machine


@dataclass(frozen=True)
class TensorFlowRun:
    """What TensorFlow answered.

    Attributes:
        source: "run now", or "recorded".
        versions: of TensorFlow, Keras and Python, where it ran.
        same_class: whether ``tf.keras.layers.LSTM`` is the class ``keras.layers.LSTM``.
        curves: for each recipe's name the loss curves by contestant.
        offers: what was found in it for each feature of ``inventory.FEATURES``.
        decoupled: whether ``weight_decay`` is decoupled, by optimizer.
    """

    source: str
    versions: Mapping[str, str]
    same_class: bool
    curves: Mapping[str, Mapping[str, list[float]]]
    offers: Mapping[str, list[str]]
    decoupled: Mapping[str, bool]

    def __str__(self) -> str:
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return f"TensorFlow {self.source} ({versions})"


def load_tensorflow(recipes: Mapping[str, Recipe]) -> TensorFlowRun:
    """Run the recipes on TensorFlow where it is installed, or read what was recorded for the same recipes.

    Args:
        recipes: recipes by name.

    Returns:
        the curves and the rest.

    Raises:
        ValueError: TensorFlow is not installed and these recipes were not recorded.
        RuntimeError: the process failed; the message holds what it said.

    Chapter: 7.
    """
    if importlib.util.find_spec("tensorflow") is not None:
        return _read(run_tensorflow(recipes, sys.executable), "run now")
    recorded = load_result(RECORD)
    for name, recipe in recipes.items():
        known = recorded["recipes"].get(name)
        expect(known == asdict(recipe), f"recipe {name!r}", f"the recorded one, {known}", asdict(recipe))
    return _read(recorded, "recorded")


def run_tensorflow(recipes: Mapping[str, Recipe], python: str) -> dict:
    """Run the recipes in a process of a Python that has TensorFlow; return its answer.

    Args:
        recipes: recipes by name.
        python: the interpreter; it needs NumPy and PyTorch, too.

    Raises:
        RuntimeError: the process failed; the message holds what it said.
    """
    order = json.dumps({name: asdict(recipe) for name, recipe in recipes.items()})
    with tempfile.TemporaryDirectory() as home:
        settings = {"KERAS_BACKEND": "tensorflow", "KERAS_HOME": home, "PYTHONPATH": str(HOME)}
        settings |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "TF_ENABLE_ONEDNN_OPTS": "0"}
        done = subprocess.run(
            [python, "-m", "labcode.libraries"],
            input=order,
            env=os.environ | settings,
            cwd=HOME,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    if done.returncode != 0:
        raise RuntimeError(f"TensorFlow's process ended with {done.returncode}: {done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _read(answer, source):
    return TensorFlowRun(
        source,
        answer["versions"],
        answer["tf.keras is Keras 3"],
        answer["curves"],
        answer["offers"],
        answer["decoupled"],
    )
