"""What an experiment needs around the training loop: honest intervals, and results kept as JSON."""

import json
import os
import platform
from pathlib import Path

import numpy as np

from labcode.validate import expect, integer, number

RESULTS = Path(__file__).resolve().parent.parent / "evidence" / "results"


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
    differences = np.asarray(differences, dtype=float)
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
    import torch

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
