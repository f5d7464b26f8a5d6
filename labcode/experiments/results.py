"""Results, kept as JSON under ``evidence/results/``."""

import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from labcode._checks import check_one_of, expect
from labcode._files import course_folder, write_atomically

RESULTS = course_folder("evidence") / "results"


def save_result(name: str, result: dict, folder: Path = RESULTS) -> Path:
    """Write a result as JSON, whole or not at all, with the versions and the machine that made it.

    Args:
        name: the file's name without its ending, for example "01_background".
        result: what to keep; made of dicts, lists, strings and numbers.
        folder: where results live.

    Returns:
        The file's path.
    """
    return write_result(name, made_with() | result, folder)


def write_result(name: str, result: Mapping, folder: Path = RESULTS) -> Path:
    """Write a result as it is, whole or not at all; return the file's path."""
    path = Path(folder) / f"{name}.json"
    write_atomically(path, (json.dumps(result, separators=(",", ":")) + "\n").encode())
    return path


def made_with() -> dict[str, dict[str, str]]:
    """Return the versions and the machine at work, under "made_with"."""
    found = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }
    return {"made_with": found}


def load_result(name: str, folder: Path = RESULTS) -> dict:
    """Read a result that `save_result` has written.

    Args:
        name: the file's name without its ending.
        folder: where results live.

    Returns:
        The result as a dict.

    Raises:
        ValueError: there is no such result.
    """
    path = Path(folder) / f"{name}.json"
    expect(path.is_file(), "name", f"a result in {path.parent.name}/, made by `evidence/{name}.py`", name)
    return json.loads(path.read_text(encoding="utf-8"))


def losses_at(epoch: str, curves: Mapping[str, dict]) -> tuple[list[float], np.ndarray, np.ndarray]:
    """Read the losses at one epoch of every run off the curves of several settings.

    Args:
        epoch: "last", or "best" for each run's epoch of lowest validation loss.
        curves: for each setting, written as a number, the "train" and "validation" curves: (seeds, epochs).

    Returns:
        The settings as numbers, the training and the validation losses, (settings, seeds) each.

    Raises:
        ValueError: another epoch.
    """
    check_one_of("epoch", epoch, ("last", "best"))
    train = np.array([runs["train"] for runs in curves.values()])
    validation = np.array([runs["validation"] for runs in curves.values()])
    chosen = validation.argmin(axis=2) if epoch == "best" else np.full(validation.shape[:2], -1)
    rows = chosen[:, :, None]
    train, validation = (np.take_along_axis(array, rows, axis=2)[:, :, 0] for array in (train, validation))
    return [float(setting) for setting in curves], train, validation
