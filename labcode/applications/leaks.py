"""Three ways to flatter a forecast of stocks, made on purpose, so that each can be measured.

Nobody should split or scale like this; chapter 6.4 compares what each of them promises with what later years
bring.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from labcode._checks import check_given, check_integer, check_number, expect
from labcode.data.dataset import Dataset, Split


def mean_of_next(split: Split, days: int) -> Split:
    """Replace each target by the mean of the stock's next targets: those of neighbours overlap.

    Args:
        split: windows of stocks, items "TICKER DATE".
        days: how many targets make a mean; a stock's last windows, which have fewer, are left out.

    Returns:
        The split with new targets, in the order in which it was.

    Raises:
        ValueError: more days than a stock has, or windows without items.

    Chapter 6.4.
    """
    days = check_integer("days", days, low=1)
    items = check_given("split.items", split.items, "stocks' tickers and dates")
    tickers = np.array([item.partition(" ")[0] for item in items])
    y, whole = np.array(split.y, dtype=np.float64), np.zeros(len(split.y), dtype=bool)
    for ticker in np.unique(tickers):
        rows = np.flatnonzero(tickers == ticker)
        expect(days <= len(rows), "days", f"at most {len(rows)}", days)
        means = np.lib.stride_tricks.sliding_window_view(y[rows], days, axis=0).mean(axis=-1)
        y[rows[: len(means)]], whole[rows[: len(means)]] = means, True
    return replace(split, y=y.astype(np.float32)).subset(whole)


def hold_out(
    split: Split, share: float, *, ahead: int = 1, rng: np.random.Generator | None = None
) -> tuple[Split, Split]:
    """Hold a part of the windows out: the last days, as it should be, or windows drawn anywhere, which leaks.

    Args:
        split: windows in order of time.
        share: share of the days, or of the windows, that is held out, in (0, 1).
        ahead: days that a target covers. By time, windows whose target reaches into the part that is held
            out are left out on both sides.
        rng: draws the windows; None holds out the last days.

    Returns:
        What is left for training, and what is held out.

    Raises:
        ValueError: a share outside (0, 1), or a split by time of samples that have no dates.

    Chapter 6.4.
    """
    share, ahead = check_number("share", share, low=0.0, high=1.0), check_integer("ahead", ahead, low=1)
    expect(0 < share < 1, "share", "a share in (0, 1)", share)
    if rng is not None:
        drawn = rng.random(len(split.y)) < share
        return split.subset(~drawn), split.subset(drawn)
    dates = check_given("split.dates", split.dates, "days to split by, or a generator")
    days, day = np.unique(dates, return_inverse=True)
    first = round(len(days) * (1 - share))
    return split.subset(day <= first - ahead), split.subset(day >= first)


@dataclass(frozen=True)
class Rescaled:
    """A dataset that was scaled on all of its data, and the way back to honest units.

    Attributes:
        dataset: inputs and targets in the units of all three parts together.
        level, unit: a prediction p means ``level + unit * p`` in the units of the training part.
    """

    dataset: Dataset
    level: float
    unit: float


def scale_on_all(dataset: Dataset) -> Rescaled:
    """Scale inputs and targets with the mean and deviation of all parts, the test part included.

    Args:
        dataset: a regression with one target, scaled on its training part.

    Returns:
        The same windows, scaled again.

    Raises:
        ValueError: another kind of task, several targets, or tokens.

    Chapter 6.4.
    """
    fits = dataset.task == "regression" and dataset.train.y.shape[1] == 1 and not dataset.vocabulary
    expect(fits, "dataset", "a regression with one target, from windows of features", dataset)
    last_days = np.concatenate([part.x[:, -1] for part in dataset.splits.values()]).astype(np.float64)
    mean, std = last_days.mean(axis=0), last_days.std(axis=0)
    targets = np.concatenate([part.y for part in dataset.splits.values()]).astype(np.float64)
    level, unit = float(targets.mean()), float(targets.std())
    parts: dict[str, Any] = {
        name: replace(
            part,
            x=((part.x - mean) / std).astype(np.float32),
            y=((part.y - level) / unit).astype(np.float32),
        )
        for name, part in dataset.splits.items()
    }
    return Rescaled(replace(dataset, **parts), level, unit)
