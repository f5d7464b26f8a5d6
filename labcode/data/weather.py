"""The course's main task: Seattle's weather, as windows of past days to learn from, split by time.

The loader returns a :class:`Dataset`; its splits unpack into the arrays that training takes. The file is part
of the course: nothing is downloaded. The data of the other tasks are in ``labcode/applications/``.
"""

import csv
from collections.abc import Mapping

import numpy as np

from labcode._checks import check_integer, expect
from labcode.data.dataset import DATA, Dataset, Split, provenance, read_verified

WEATHER_FILE = DATA / "seattle_weather.csv.gz"
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

    Source: NOAA daily summaries; see labcode/data/files/seattle_weather.txt. Chapter 1.
    """
    window = check_integer("window", window, low=1)
    expect(window < 366, "window", "fewer than 366 days", window)
    dates, columns = _read_weather()
    return _weather_dataset(dates, columns, window)


def persistence_loss(split: Split) -> float:
    """Return the mean squared error of predicting no change, the rule that any model has to beat."""
    return float(np.mean(np.square(split.y, dtype=np.float64)))


def _read_weather() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    rows = list(csv.DictReader(read_verified(WEATHER_FILE, WEATHER_SHA256).decode().splitlines()))
    dates = np.array([row["date"].replace("/", "-") for row in rows], dtype="datetime64[D]")
    names = ("temp_max", "temp_min", "precipitation", "wind")
    return dates, {name: np.array([float(row[name]) for row in rows]) for name in names}


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
        provenance=provenance("seattle_weather"),
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
