"""Runs of a study as arrays of its record, and back: one array for each number that a run returned."""

from collections.abc import Mapping, Sequence

import numpy as np

from labcode._checks import expect
from labcode.experiments.records import padded


def arrays_of_runs(runs: Sequence[Mapping]) -> dict[str, np.ndarray]:
    """Return each number and each list of numbers in the runs' tables, under its path: (runs, ...).

    Lists of different lengths are padded with NaN, which also stands for None.

    Args:
        runs: what a study's function returned, for each seed: tables of one form, in tables, with numbers.

    Raises:
        ValueError: no run, runs of different forms, or what is no number.

    >>> arrays_of_runs([{"last": {"train": 0.5}}, {"last": {"train": 0.25}}])
    {'last/train': array([0.5 , 0.25])}
    """
    expect(len(runs) > 0, "runs", "at least one", len(runs))
    leaves = [_leaves(run) for run in runs]
    names = list(leaves[0])
    for one in leaves:
        expect(list(one) == names, "runs", f"tables with {names}", list(one))
    return {name: _stacked(name, [one[name] for one in leaves]) for name in names}


def runs_of_arrays(arrays: Mapping[str, np.ndarray]) -> list[dict]:
    """Return the runs' tables, as ``arrays_of_runs`` took them; NaN at a list's end is left out.

    >>> runs_of_arrays({"last/train": np.array([0.5, 0.25])})
    [{'last': {'train': 0.5}}, {'last': {'train': 0.25}}]
    """
    runs: list[dict] = [{} for _ in range(min(map(len, arrays.values())))]
    for path, array in arrays.items():
        *tables, name = path.split("/")
        for run, values in zip(runs, array, strict=True):
            for table in tables:
                run = run.setdefault(table, {})
            run[name] = _plain(values)
    return runs


def _leaves(table: Mapping, prefix: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in table.items():
        path = f"{prefix}{name}"
        found |= _leaves(value, f"{path}/") if isinstance(value, Mapping) else {path: value}
    return found


def _stacked(name: str, values: list) -> np.ndarray:
    values = [np.nan if value is None else value for value in values]
    if len({np.shape(value) for value in values}) > 1:
        return padded(values)
    array = np.array(values)
    expect(array.dtype.kind in "fiub", name, "numbers", array.dtype)
    return array


def _plain(values: np.ndarray) -> object:
    """Return a number, None for NaN, or a list without the NaN at its end."""
    if values.dtype == np.uint8:  # a record's floats that are all 0 or 1
        values = values.astype(np.float64)
    if np.ndim(values) == 0:
        return None if np.isnan(values) else values.item()
    if np.ndim(values) == 1 and values.dtype.kind == "f":
        values = values[: len(values) - int(np.isnan(values[::-1]).cumprod().sum())]
    return values.tolist()
