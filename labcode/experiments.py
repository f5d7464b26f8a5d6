"""What an experiment needs around the training loop: honest intervals, and results kept as JSON."""

import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from labcode.arrays import floating_array
from labcode.data import Dataset
from labcode.lstm import SequenceModel
from labcode.training import History, fit, seeded
from labcode.validate import expect, integer, number, one_of

RESULTS = Path(__file__).resolve().parent.parent / "evidence" / "results"


def train_once(
    dataset: Dataset,
    *,
    seed: int,
    hidden: int = 64,
    epochs: int = 40,
    learning_rate: float = 3e-3,
    train: tuple | None = None,
    model_options: Mapping | None = None,
    **options,
) -> tuple[SequenceModel, History]:
    """Train one LSTM on a dataset, with everything random drawn from one seed.

    Two calls with the same seed start from the same weights and see the same batches, so that what differs
    between them is the setting that differs: they are a pair.

    Args:
        dataset: what to learn; its test split is not touched.
        seed: draws the initial weights, the order of the batches and the dropout masks.
        hidden: hidden units of the LSTM.
        epochs: passes over the training data.
        learning_rate: of the Adam optimizer.
        train: inputs and targets to use in place of ``dataset.train``.
        model_options: keyword arguments of the model, such as ``{"recurrent_dropout": 0.25}``.
        options: anything else that `labcode.training.fit` takes: a penalty, early stopping, clipping.

    Returns:
        The model as training left it, and the history of its losses.

    Chapter: 1.1.
    """
    with seeded(seed):
        sizes = (dataset.train.x.shape[2], hidden, dataset.train.y.shape[1])
        model = SequenceModel(*sizes, **(model_options or {}))
        history = fit(
            model,
            dataset.train if train is None else train,
            dataset.validation,
            optimizer=torch.optim.Adam(model.parameters(), lr=learning_rate),
            epochs=epochs,
            generator=torch.Generator().manual_seed(seed),
            **options,
        )
    return model, history


def paired_interval(
    differences: np.ndarray,
    *,
    rng: np.random.Generator,
    block: int = 1,
    level: float = 0.95,
    draws: int = 4000,
) -> tuple[float, float]:
    """Bootstrap an interval for a mean paired difference that covers the seeds and the test items.

    Each draw resamples seeds, and blocks of neighbouring items, both with replacement. Blocks keep the
    dependence between neighbours of a time series (the circular block bootstrap); ``block=1`` resamples
    single items, which is right where they are independent.

    Args:
        differences: method minus baseline, one loss difference for each seed and test item: (seeds, items).
            A single column of means, (seeds, 1), gives an interval over seeds alone.
        rng: NumPy generator that draws the resamples.
        block: neighbouring items that are resampled together.
        level: coverage that the interval aims at, in [0, 1].
        draws: number of resamples.

    Returns:
        The lower and the upper end, in units of the loss.

    Raises:
        ValueError: not (seeds, items), a block longer than the items, or a level outside [0, 1].

    Source: Politis and Romano (1992), A circular block-resampling procedure for stationary data.
    Chapter: 1.2.
    """
    expect(isinstance(rng, np.random.Generator), "rng", "a NumPy Generator", rng)
    differences = floating_array("differences", differences)
    expect(
        differences.ndim == 2 and differences.size > 0,
        "differences",
        "shape (seeds, items)",
        differences.shape,
    )
    seeds, items = differences.shape
    block = integer("block", block, low=1)
    expect(block <= items, "block", f"at most {items}, the number of items", block)
    level = number("level", level, low=0.0, high=1.0)
    draws = integer("draws", draws, low=1)

    means = np.empty(draws)
    for draw in range(draws):
        rows = rng.integers(seeds, size=seeds)
        starts = rng.integers(items, size=-(-items // block))
        columns = (starts[:, None] + np.arange(block)).ravel()[:items] % items
        means[draw] = differences[rows].mean(axis=0)[columns].mean()
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def save_result(name: str, result: dict, folder: Path = RESULTS) -> Path:
    """Write a result as JSON, whole or not at all, with the versions and the machine that made it.

    Args:
        name: the file's name without its ending, for example "01_background".
        result: what to keep; made of dicts, lists, strings and numbers.
        folder: where results live.

    Returns:
        The file's path.
    """
    made_with = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }
    path = Path(folder) / f"{name}.json"
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(
        json.dumps({"made_with": made_with, **result}, separators=(",", ":")) + "\n", encoding="utf-8"
    )
    os.replace(part, path)
    return path


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
    one_of("epoch", epoch, ("last", "best"))
    train = np.array([runs["train"] for runs in curves.values()])
    validation = np.array([runs["validation"] for runs in curves.values()])
    chosen = validation.argmin(axis=2) if epoch == "best" else np.full(validation.shape[:2], -1)
    rows = chosen[:, :, None]
    losses = (np.take_along_axis(array, rows, axis=2)[:, :, 0] for array in (train, validation))
    return [float(setting) for setting in curves], *losses
