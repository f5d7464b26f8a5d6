"""Real data, kept in the course: windows of past days to learn from, split by time. Nothing is downloaded.

Each loader returns a :class:`Dataset`; its splits unpack into the arrays that training takes.
"""

import csv
import gzip
import hashlib
import textwrap
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labcode.validate import expect, integer, number

COURSE = Path(__file__).resolve().parent.parent
WEATHER_FILE = COURSE / "labcode" / "data" / "seattle_weather.csv.gz"
WEATHER_SHA256 = "62f0609f787158128aa2bd102967173a4953122dd4f872bf1d502cae1037df0b"  # of the unpacked content
FEATURES = {
    "temp_max": "°C",
    "temp_min": "°C",
    "log1p_precipitation": "log(1 + mm)",
    "wind": "m/s",
    "sin_day_of_year": "1",
    "cos_day_of_year": "1",
}
VALIDATION_START, TEST_START = np.datetime64("2014-01-01"), np.datetime64("2015-01-01")


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """One part of a dataset; ``x, y = split`` unpacks it.

    Attributes:
        x: inputs, (N, T, F) float32, standardized.
        y: targets, (N, 1) float32.
        dates: the day that each target belongs to, (N,) datetime64[D], in ascending order.
    """

    x: np.ndarray
    y: np.ndarray
    dates: np.ndarray

    def __post_init__(self):
        for array in (self.x, self.y, self.dates):
            array.flags.writeable = False

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter((self.x, self.y))

    def __repr__(self) -> str:
        n, steps, features = self.x.shape
        return f"Split({n} windows of {steps} x {features}, {self.dates[0]} to {self.dates[-1]})"

    def last(self, fraction: float) -> "Split":
        """Keep the most recent part of the split, to ask what fewer data would do.

        Args:
            fraction: share of the windows to keep, above 0 and at most 1 (at least one window is kept).

        Raises:
            ValueError: a fraction outside (0, 1].
        """
        fraction = number("fraction", fraction, low=0.0, high=1.0)
        expect(fraction > 0, "fraction", "a number above 0", fraction)
        first = len(self.x) - max(1, round(fraction * len(self.x)))
        return Split(self.x[first:], self.y[first:], self.dates[first:])


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A task with its three splits, in time order, and all that is needed to read its numbers.

    Attributes:
        name: short name.
        title: what is predicted, in one line.
        task: "regression".
        feature_names, feature_units: of the F inputs, before standardization.
        target_name, target_unit: of the target.
        train, validation, test: the splits; no target day is in two of them.
        mean, std: what the inputs were standardized with, (F,) float64, from the training years only.
        target_std: one unit of the target, in °C, from the training years only: an error of 1 is
            ``target_std`` degrees, a mean squared error of m is ``target_std * sqrt(m)`` degrees.
        licence, provenance: who may use the data, and where they come from.
    """

    name: str
    title: str
    task: str
    feature_names: tuple[str, ...]
    feature_units: tuple[str, ...]
    target_name: str
    target_unit: str
    train: Split
    validation: Split
    test: Split
    mean: np.ndarray
    std: np.ndarray
    target_std: float
    licence: str
    provenance: str

    def __post_init__(self):
        for array in (self.mean, self.std):
            array.flags.writeable = False

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {len(split.x)}" for name, split in self._splits().items())
        return f"Dataset({self.name!r}, {self.task}, windows of {self.train.x.shape[1]} days: {sizes})"

    def describe(self) -> str:
        """Return the dataset at a glance: sizes, dates, features with units, target and licence."""
        steps = self.train.x.shape[1]
        lines = [f"{self.name}: {self.title}", f"task        {self.task}, from windows of {steps} days"]
        for name, split in self._splits().items():
            lines.append(f"{name:<11} {len(split.x)} windows, targets {split.dates[0]} to {split.dates[-1]}")
        units = zip(self.feature_names, self.feature_units, strict=True)
        features = ", ".join(f"{name} [{unit}]" for name, unit in units)
        lines += [
            textwrap.fill(f"features    {features}", width=100, subsequent_indent=" " * 12),
            "            standardized with the mean and standard deviation of the training years",
            f"target      {self.target_name} [{self.target_unit}]",
            f"licence     {self.licence}",
        ]
        return "\n".join(lines)

    def _splits(self) -> dict[str, Split]:
        return {"train": self.train, "validation": self.validation, "test": self.test}


def load_weather(window: int = 14) -> Dataset:
    """Load Seattle's daily weather, 2012 to 2015, to predict tomorrow's change of the highest temperature.

    Each input is a window of the last days up to today; the target is temp_max tomorrow minus temp_max
    today, in training standard deviations, so that persistence ("as today") predicts 0. Targets of 2012-13
    are for training, of 2014 for validation, of 2015 for testing; a window may reach back into an earlier
    split, since the past is known.

    Args:
        window: days in a window, T; below 366, so that a year of training targets is left.

    Returns:
        The dataset; inputs (N, T, 6), targets (N, 1).

    Raises:
        ValueError: a window out of range, or a data file that is damaged.
        FileNotFoundError: the data file is missing.

    Source: NOAA daily summaries; see labcode/data/seattle_weather.txt. Chapter 1.
    """
    window = integer("window", window, low=1)
    expect(window < 366, "window", "fewer than 366 days", window)
    dates, columns = _read_weather()
    return _weather_dataset(dates, columns, window)


def persistence_loss(split: Split) -> float:
    """Return the mean squared error of predicting no change, the rule that any model has to beat."""
    return float(np.mean(np.square(split.y, dtype=np.float64)))


def _read_weather() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    rows = list(csv.DictReader(_verified(WEATHER_FILE, WEATHER_SHA256).decode().splitlines()))
    dates = np.array([row["date"].replace("/", "-") for row in rows], dtype="datetime64[D]")
    names = ("temp_max", "temp_min", "precipitation", "wind")
    return dates, {name: np.array([float(row[name]) for row in rows]) for name in names}


def _verified(path: Path, sha256: str) -> bytes:
    shown = path.relative_to(COURSE).as_posix() if path.is_relative_to(COURSE) else path.as_posix()
    remedy = f"restore it with: git checkout -- {shown} (or download the course again)"
    try:
        content = gzip.decompress(path.read_bytes())
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{shown}: expected this file of the course, it is missing; {remedy}"
        ) from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(
            f"{shown}: expected gzip data, received a damaged file ({error}); {remedy}"
        ) from error
    received = hashlib.sha256(content).hexdigest()
    if received != sha256:
        raise ValueError(f"{shown}: expected content with sha256 {sha256}, received {received}; {remedy}")
    return content


def _weather_dataset(dates: np.ndarray, columns: Mapping[str, np.ndarray], window: int) -> Dataset:
    features = _weather_features(dates, columns)
    training = dates < VALIDATION_START
    mean, std = features[training].mean(axis=0), features[training].std(axis=0)
    change = np.diff(columns["temp_max"])  # change[d - 1] leads from day d - 1 to day d
    target_std = float(change[training[1:]].std())

    standardized = ((features - mean) / std).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(standardized, window, axis=0)
    x = windows[:-1].transpose(0, 2, 1)  # the last window has no tomorrow
    y = (change[window - 1 :, None] / target_std).astype(np.float32)
    days = dates[window:]

    def split(chosen: np.ndarray) -> Split:
        return Split(np.ascontiguousarray(x[chosen]), y[chosen], days[chosen])

    return Dataset(
        name="seattle_weather",
        title="will tomorrow in Seattle be warmer or colder than today?",
        task="regression",
        feature_names=tuple(FEATURES),
        feature_units=tuple(FEATURES.values()),
        target_name="change of temp_max from today to tomorrow",
        target_unit=f"training standard deviations of {target_std:.2f} °C",
        train=split(days < VALIDATION_START),
        validation=split((days >= VALIDATION_START) & (days < TEST_START)),
        test=split(days >= TEST_START),
        mean=mean,
        std=std,
        target_std=target_std,
        licence="public domain (observations of the US National Oceanic and Atmospheric Administration)",
        provenance=WEATHER_FILE.with_name("seattle_weather.txt").read_text(encoding="utf-8"),
    )


def _weather_features(dates: np.ndarray, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    day_of_year = (dates - dates.astype("datetime64[Y]")).astype(int)
    angle = 2 * np.pi * day_of_year / 365.25
    return np.column_stack(
        [
            columns["temp_max"],
            columns["temp_min"],
            np.log1p(columns["precipitation"]),
            columns["wind"],
            np.sin(angle),
            np.cos(angle),
        ]
    )
