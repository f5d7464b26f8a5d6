"""Weather: the change of temperature by tomorrow in Seattle or, as second data, in six hours in New York."""

import csv
from functools import cache
from itertools import pairwise

import numpy as np

from labcode._checks import check_integer, check_one_of
from labcode.applications.baselines import no_change, ridge, ridge_on_windows
from labcode.data import load_weather
from labcode.data.dataset import DATA, Dataset, Split, provenance, read_verified
from labcode.data.messages import PARTS

NEW_YORK_SHA256 = "36ca8a839c5097aa1a5d2c55d3e986a6c2d0a119c28e6a1a58608fc23098d86d"
FEATURES = {
    "temperature": "°C",
    "dew_point": "°C",
    "wind_speed": "m/s",
    "log1p_precipitation": "log(1 + mm)",
    "pressure": "hPa",
    "sin_hour": "1",
    "cos_hour": "1",
}
WINDOW, AHEAD, EVERY = 24, 6, 3  # hours: seen, looked ahead, from one window to the next
BOUNDS = np.array(["2013-01-01", "2013-07-01", "2013-10-01", "2014-01-01"], dtype="datetime64[h]")
SETTINGS = {"hidden_size": 64, "epochs": 40, "learning_rate": 3e-3, "batch_size": 32}


def load(seed: int = 0, part: str = "first") -> Dataset:
    """Load Seattle's days, as :func:`labcode.data.load_weather` does, or New York's hours.

    New York: 24 hours of weather, every third hour; the target is the temperature in 6 hours minus that of
    now. Targets from January to June are for training, to September for validation, to December for testing.
    An hour without pressure has the last one observed; windows with a missing hour are left out.

    Args:
        seed: not used: time runs in one direction, so the parts stay as they are.
        part: "first" for Seattle, "second" for New York.

    Returns:
        The dataset; inputs (N, 14, 6) or (N, 24, 7), targets (N, 1) in training standard deviations.

    Raises:
        ValueError: a bad argument, or a data file that is damaged.
        FileNotFoundError: the data file is missing.

    Source: NOAA; see the texts in labcode/data/files/. Chapter 6.5.
    """
    check_integer("seed", seed)
    if check_one_of("part", part, PARTS) == "first":
        return load_weather()
    return _new_york_dataset(*_read_new_york())


def usual_temperature(dataset: Dataset, split: str) -> np.ndarray:
    """Predict the change to the temperature that is usual at this time of the year (of the day in New York).

    The usual temperature is a sine wave, fitted to the training part; the prediction is (N, 1).
    """
    train, part = dataset.train, dataset.splits[split]
    usual = ridge(train.x[:, -1, -2:], train.x[:, -1, :1], part.x[:, -1, -2:], 1e-3)
    return (usual - part.x[:, -1, :1]) * (dataset.std[0] / dataset.target_std)


def usual_change(dataset: Dataset, split: str) -> np.ndarray:
    """Predict the change that is usual at this time of the year (of the day in New York), a sine wave."""
    train, part = dataset.train, dataset.splits[split]
    return ridge(train.x[:, -1, -2:], train.y, part.x[:, -1, -2:], 1e-3)


BASELINES = {
    "persistence": no_change,
    "usual temperature": usual_temperature,
    "usual change": usual_change,
    "ridge": ridge_on_windows,
}


@cache
def _read_new_york() -> tuple[np.ndarray, np.ndarray]:
    """Return the hours observed, (D,) datetime64[h], and their features, (D, 7), NaN where missing."""
    content = read_verified(DATA / "new_york_weather.csv.gz", NEW_YORK_SHA256).decode()
    rows = list(csv.DictReader(content.splitlines()))
    hours = np.array([row["time_hour"].removesuffix(":00:00Z") for row in rows], dtype="datetime64[h]")
    names = ("temp", "dewp", "wind_speed", "precip", "pressure")
    temp, dewp, wind, rain, pressure = (
        np.array([np.nan if row[name] == "NA" else float(row[name]) for row in rows]) for name in names
    )
    angle = 2 * np.pi * (hours - hours.astype("datetime64[D]")).astype(int) / 24
    celsius = (temp - 32) / 1.8, (dewp - 32) / 1.8
    metric = (wind * 0.44704, np.log1p(rain * 25.4), _last_observed(pressure))
    return hours, np.column_stack([*celsius, *metric, np.sin(angle), np.cos(angle)])


def _last_observed(values: np.ndarray) -> np.ndarray:
    at = np.maximum.accumulate(np.where(np.isnan(values), 0, np.arange(len(values))))
    return values[at]


def _new_york_dataset(hours: np.ndarray, features: np.ndarray) -> Dataset:
    whole = np.full((int((BOUNDS[-1] - BOUNDS[0]).astype(int)), features.shape[1]), np.nan)
    whole[(hours - BOUNDS[0]).astype(int)] = features
    now = np.arange(WINDOW - 1, len(whole) - AHEAD, EVERY)
    change = whole[now + AHEAD, 0] - whole[now, 0]
    windows = np.lib.stride_tricks.sliding_window_view(whole, WINDOW, axis=0)[now - WINDOW + 1]
    kept = np.isfinite(windows).all(axis=(1, 2)) & np.isfinite(change)
    windows, change = windows[kept].transpose(0, 2, 1), change[kept]
    target_hours = BOUNDS[0] + now[kept] + AHEAD
    training = whole[: int((BOUNDS[1] - BOUNDS[0]).astype(int))]
    mean, std = np.nanmean(training, axis=0), np.nanstd(training, axis=0)
    unit = float(change[target_hours < BOUNDS[1]].std())
    x, y = ((windows - mean) / std).astype(np.float32), (change[:, None] / unit).astype(np.float32)

    def split(first, last):
        at = (target_hours >= first) & (target_hours < last)
        items = np.array([f"{hour}:00 UTC" for hour in target_hours[at]])
        return Split(
            np.ascontiguousarray(x[at]), y[at], target_hours[at].astype("datetime64[D]"), items=items
        )

    parts = [split(first, last) for first, last in pairwise(BOUNDS)]
    return Dataset(
        name="new_york_weather",
        title="how much warmer or colder will it be in New York in six hours?",
        task="regression",
        feature_names=tuple(FEATURES),
        feature_units=tuple(FEATURES.values()),
        target_name="change of temperature in 6 hours",
        target_unit=f"training standard deviations of {unit:.2f} °C",
        train=parts[0],
        validation=parts[1],
        test=parts[2],
        mean=mean,
        std=std,
        target_std=unit,
        licence="public domain (observations of the US National Oceanic and Atmospheric Administration)",
        provenance=provenance("new_york_weather"),
        step="hour",
    )
