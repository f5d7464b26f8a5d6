"""Stock prices: will tomorrow's return be positive? And how far apart will its highest and lowest price be?

The first is honestly near chance; the second, volatility, can be learned.
"""

import csv
from functools import cache
from itertools import pairwise

import numpy as np

from labcode._checks import check_integer, check_one_of, expect
from labcode.data.dataset import DATA, Dataset, Split, provenance, read_verified
from labcode.data.messages import PARTS

SHA256 = "531e8ac1ec983d23327aa31df387728a7271f72fcc9bba32a7c859d8464a09d4"
TICKERS = ("AAPL", "GOOG", "IBM", "MSFT")
TARGETS = ("volatility", "raw_volatility", "sign")
MONTH = 22  # trading days
BOUNDS = {  # first day of the training, validation and test targets, and the day after the last
    "first": ("2000-01-01", "2004-01-01", "2006-01-01", "2010-01-01"),
    "second": ("2003-01-01", "2007-01-01", "2010-01-01", "2013-04-01"),
}


def load(
    seed: int = 0,
    part: str = "first",
    *,
    target: str = "volatility",
    tickers: tuple[str, ...] = ("AAPL", "IBM", "MSFT"),
    window: int = MONTH,
    test_year: int | None = None,
) -> Dataset:
    """Load windows of past trading days, to predict the next day of the same stock.

    The log range of a day is v = log(log(high / low)). Inputs of a day: the return (difference of the logs of
    the adjusted close), its size, the range's surprise (v against its mean over the last 22 days, that day
    included), and the change of log volume. Targets of the next day:

    "volatility": its v against the mean of the last 22 days, so that the 22-day mean predicts 0;
    "raw_volatility": its v itself against the training mean (v takes the place of its surprise in the inputs,
    too): its level shifts between the years;
    "sign": class 1 if its return is positive, else 0.

    Args:
        seed: not used: time runs in one direction, so the parts stay as they are.
        part: "first" (training targets to 2003, validation to 2005, test to 2009) or "second" (2003 to
            2006, to 2009, to March 2013): no test day is in both.
        target: "volatility", "raw_volatility" or "sign".
        tickers: stocks to learn from together, out of AAPL, GOOG (from 2004 on), IBM, MSFT.
        window: days in a window, T, at most 250.
        test_year: a year, 2006 to 2012, that is tested in the place of the ``part``: the two years before it
            are for validation, the four before these for training.

    Returns:
        The dataset; inputs (N, T, 4); targets (N, 1) in training standard deviations, or (N,) of "sign".
        Samples are in order of time, those of one day side by side.

    Raises:
        ValueError: a bad argument, or a data file that is damaged.
        FileNotFoundError: the data file is missing.

    Source: Quandl WIKI Prices; see labcode/data/files/stocks.txt. Chapter 6.4.
    """
    check_integer("seed", seed)
    bounds = BOUNDS[check_one_of("part", part, PARTS)] if test_year is None else _rolling(test_year)
    check_one_of("target", target, TARGETS)
    received = tuple(tickers)
    known = len(received) > 0 and len(set(received)) == len(received) and set(received) <= set(TICKERS)
    expect(known, "tickers", f"some of {TICKERS}, each once", received)
    window = check_integer("window", window, low=1)
    expect(window <= 250, "window", "at most 250 days", window)
    return _dataset(_prices(), np.array(bounds, dtype="datetime64[D]"), target, received, window)


def _rolling(test_year: int) -> tuple[str, ...]:
    """Return the bounds of a test year's parts."""
    year = check_integer("test_year", test_year, low=2006)
    expect(year <= 2012, "test_year", "2006 to 2012", year)
    return tuple(f"{first}-01-01" for first in (year - 6, year - 2, year, year + 1))


@cache
def _prices() -> dict[str, dict[str, np.ndarray]]:
    """Return each ticker's columns in order of time."""
    rows = list(csv.DictReader(read_verified(DATA / "stocks.csv.gz", SHA256).decode().splitlines()))
    prices = {}
    for ticker in TICKERS:
        own = [row for row in rows if row["ticker"] == ticker]
        columns = {
            name: np.array([float(row[name]) for row in own]) for name in own[0] if name[0] not in "td"
        }
        prices[ticker] = {"date": np.array([row["date"] for row in own], dtype="datetime64[D]"), **columns}
    return prices


def _features(columns: dict[str, np.ndarray], target: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features (D, 4) of each day, the next day's target (D,) and its date, from the 23rd day on."""
    log_range = np.log(np.log(columns["high"] / columns["low"]))
    returns = np.diff(np.log(columns["adj_close"]))[MONTH - 2 :]
    volume = np.diff(np.log(columns["volume"]))[MONTH - 2 :]
    month = np.convolve(log_range, np.full(MONTH, 1 / MONTH), mode="valid")  # day by day, the day included
    today, dates = log_range[MONTH - 1 :], columns["date"][MONTH - 1 :]
    shown = today if target == "raw_volatility" else today - month
    features = np.column_stack([returns, np.abs(returns), shown, volume])[:-1]
    if target == "sign":
        return features, (returns[1:] > 0).astype(np.int64), dates[1:]
    return features, today[1:] - (0 if target == "raw_volatility" else month[:-1]), dates[1:]


def _dataset(prices, bounds, target, tickers, window) -> Dataset:
    features, targets, dates = zip(*(_features(prices[ticker], target) for ticker in tickers), strict=True)
    past = np.concatenate([f[d < bounds[1]] for f, d in zip(features, dates, strict=True)])
    known = np.concatenate(
        [y[(d >= bounds[0]) & (d < bounds[1])] for y, d in zip(targets, dates, strict=True)]
    )
    mean, std = past.mean(axis=0), past.std(axis=0)
    level, unit = _target_scale(known, target, mean, std)
    x = [np.lib.stride_tricks.sliding_window_view((f - mean) / std, window, axis=0) for f in features]
    x = np.concatenate(x).transpose(0, 2, 1).astype(np.float32)
    y = np.concatenate([y[window - 1 :] for y in targets])
    y = y if target == "sign" else ((y[:, None] - level) / unit).astype(np.float32)
    days = np.concatenate([d[window - 1 :] for d in dates])
    names = np.repeat(tickers, [len(d) - window + 1 for d in dates])
    order = np.argsort(days, kind="stable")

    def split(first, last):
        at = order[(days[order] >= first) & (days[order] < last)]
        items = np.array([f"{name} {day}" for name, day in zip(names[at], days[at], strict=True)])
        return Split(np.ascontiguousarray(x[at]), y[at], days[at], items=items, groups=days[at].astype(str))

    parts = [split(first, last) for first, last in pairwise(bounds)]
    return _described(parts, target, tickers, mean, std, unit)


def _target_scale(known, target, mean, std) -> tuple[float, float]:
    """Return what a target is measured from and in; the raw range is in the units of the inputs."""
    if target == "raw_volatility":
        return float(mean[2]), float(std[2])
    return 0.0, 1.0 if target == "sign" else float(known.std())


def _described(parts, target, tickers, mean, std, unit) -> Dataset:
    sign = target == "sign"
    shown = "log_range" if target == "raw_volatility" else "log_range_surprise"
    question = f"{'will' if sign else 'how much will'} {', '.join(tickers)} {'rise' if sign else 'move'}"
    names = {
        "volatility": "log range against its 22-day mean",
        "raw_volatility": "log range against its training mean",
        "sign": "sign of the return",
    }
    return Dataset(
        name=f"stocks_{target}",
        title=f"{question} tomorrow?",
        task="classification" if sign else "regression",
        feature_names=("return", "size_of_return", shown, "change_of_log_volume"),
        feature_units=("log",) * 4,
        target_name=f"{names[target]} tomorrow",
        target_unit="one of two" if sign else f"training standard deviations of {unit:.2f}",
        train=parts[0],
        validation=parts[1],
        test=parts[2],
        mean=mean,
        std=std,
        target_std=unit,
        licence="public domain (Quandl WIKI Prices)",
        provenance=provenance("stocks"),
        step="trading day",
        classes=("no rise", "rise") if sign else (),
    )
