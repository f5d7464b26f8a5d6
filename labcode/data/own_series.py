"""From a series of one's own to a dataset: windows, a target ahead of each, splits in time, one scale."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from labcode._checks import check_integer, check_number, check_one_of, expect
from labcode.data.dataset import Dataset, Split
from labcode.data.scaling import Scaling
from labcode.data.series import read_series, regular, without_missing

MISSING = ("refuse", "last", "drop")
PREDICTED = ("change", "level")


def windows(
    series: Any,
    *,
    window: int,
    ahead: int = 1,
    target: int | str = 0,
    predicts: str = "change",
    split: Sequence = (0.7, 0.15, 0.15),
    dates: Any = None,
    missing: str = "refuse",
    name: str = "own series",
    units: Sequence[str] | None = None,
) -> Dataset:
    """Cut a series into windows with the target ahead of each, split in time and scaled on training data.

    A sample belongs to the split in which its *target* lies, so no target is in two of them; a window of the
    validation split may begin in the training time, as it would in use. Scales come from the rows before the
    first target of validation, and from training targets.

    Args:
        series: (T,) or (T, F) numbers in the order of time, or a data frame of them (of pandas or any that
            has ``columns`` and ``to_numpy``), whose column names are kept.
        window: steps that the model reads.
        ahead: steps from the last of them to the target, at least 1.
        target: the column to predict, a number or a name.
        predicts: "change" from the last value read to the target, or the "level" itself.
        split: shares of training, validation and test in time, (0.7, 0.15, 0.15), or two dates: the first
            target of validation, and that of test.
        dates: (T,) of each row, anything that NumPy reads as datetime64, or the name of a column; None for
            the data frame's own dates, if its index has some, or else no dates.
        missing: what becomes of NaN, and of rows that the dates show to be missing: "refuse" them, take the
            "last" observed value, or "drop" the windows that hold one.
        name: of the dataset.
        units: of the columns, F texts; in describe() and forecasts.

    Returns:
        The dataset: x (N, window, F) and y (N, 1), standardized; ``scaling`` leads back (see
        :func:`labcode.training.forecast`).

    Raises:
        ValueError: what was expected and received: no numbers, dates that are not in order or not regular,
            missing values, a split without a sample.

    Example:
        >>> data = windows(np.sin(np.arange(200) / 5), window=20)
        >>> data
        Dataset('own series', regression, windows of 20 steps: train 120, validation 30, test 30)

    Chapter 5.
    """
    window, ahead = check_integer("window", window, low=1), check_integer("ahead", ahead, low=1)
    check_one_of("predicts", predicts, PREDICTED)
    check_one_of("missing", missing, MISSING)
    values, names, dates = read_series(series, dates)
    at = _column(target, names)
    units = ("",) * len(names) if units is None else tuple(units)
    expect(len(units) == len(names), "units", f"{len(names)} texts, one for each column", units)
    if dates is not None:
        values, dates = regular(values, dates)
    values = without_missing(values, missing, names)
    needed = window + ahead
    expect(len(values) > needed, "series", f"more than window + ahead = {needed} rows", len(values))

    first = _boundaries(split, len(values), dates)
    target_rows = np.arange(needed - 1, len(values))
    read = np.lib.stride_tricks.sliding_window_view(values, window, axis=0)[: len(target_rows)]
    read, targets = read.transpose(0, 2, 1), values[target_rows, at]
    if predicts == "change":
        targets = targets - read[:, -1, at]
    whole = np.isfinite(read).all(axis=(1, 2)) & np.isfinite(targets)
    read, targets, target_rows = read[whole], targets[whole], target_rows[whole]

    training = targets[target_rows < first[0]]
    expect(len(training) > 1, "split", "at least two samples for training", len(training))
    scaling = Scaling(
        window=window,
        ahead=ahead,
        target=at,
        predicts=predicts,
        mean=tuple(np.nanmean(values[: first[0]], axis=0).tolist()),
        std=tuple(_spread(values[: first[0]]).tolist()),
        target_mean=0.0 if predicts == "change" else float(training.mean()),
        target_std=float(_spread(training)),
        missing=missing,
    )
    x = scaling.scale(read)
    y = ((targets - scaling.target_mean) / scaling.target_std).astype(np.float32)[:, None]

    def part(label: str, low: int, high: int) -> Split:
        inside = (target_rows >= low) & (target_rows < high)
        expect(bool(inside.any()), "split", f"at least one sample for {label}", 0)
        days = None if dates is None else dates[target_rows[inside]].astype("datetime64[D]")
        return Split(np.ascontiguousarray(x[inside]), y[inside], days)

    then = f"{ahead} step{'s' if ahead > 1 else ''} ahead"
    what = f"{names[at]} {then}"
    return Dataset(
        train=part("training", 0, first[0]),
        validation=part("validation", *first),
        test=part("test", first[1], len(values)),
        name=name,
        title=f"what will {names[at]} be {then}?",
        feature_names=names,
        feature_units=units,
        target_name=f"change of {what}" if predicts == "change" else what,
        target_unit=f"training standard deviations of {scaling.target_std:.3g} {units[at]}".rstrip(),
        mean=np.array(scaling.mean),
        std=np.array(scaling.std),
        target_std=scaling.target_std,
        step="step",
        scaling=scaling,
    )


def _column(target: int | str, names: tuple[str, ...]) -> int:
    if isinstance(target, str):
        expect(target in names, "target", f"a column's name, one of {names}", target)
        return names.index(target)
    target = check_integer("target", target)
    expect(target < len(names), "target", f"a column's number below {len(names)}", target)
    return target


def _boundaries(split: Sequence, rows: int, dates: np.ndarray | None) -> tuple[int, int]:
    """Return the rows of the first target of validation and of test."""
    if len(split) == 3:
        shares = [check_number("split", share, low=0.0, high=1.0) for share in split]
        expect(abs(sum(shares) - 1) < 1e-9, "split", "three shares that add up to 1", tuple(split))
        return round(shares[0] * rows), round((shares[0] + shares[1]) * rows)
    expect(len(split) == 2, "split", "three shares, or two dates", split)
    expect(dates is not None, "split", "three shares, where there are no dates", split)
    assert dates is not None
    first, second = np.searchsorted(dates, np.array(split, dtype="datetime64[s]")).tolist()
    expect(first < second, "split", "the first date of validation, then that of test", split)
    return first, second


def _spread(values: np.ndarray) -> np.ndarray:
    """Return the standard deviation of each column, 1 where a column is constant."""
    std = np.nanstd(values, axis=0)
    return np.where(std > 0, std, 1.0)
