"""Weather, as windows of the past: Seattle by the day, the course's main task, and New York by the hour.

The files are part of the course: nothing is downloaded.
"""

import csv
from collections.abc import Mapping
from functools import cache

import numpy as np

from labcode._checks import check_integer, check_one_of, expect
from labcode.data.dataset import DATA, Dataset, Split, provenance, read_verified
from labcode.data.messages import PARTS

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
TEST_YEARS = (2014, 2015)
NEW_YORK_SHA256 = "36ca8a839c5097aa1a5d2c55d3e986a6c2d0a119c28e6a1a58608fc23098d86d"
NEW_YORK_FEATURES = {
    "temperature": "°C",
    "dew_point": "°C",
    "wind_speed": "m/s",
    "log1p_precipitation": "log(1 + mm)",
    "pressure": "hPa",
    "sin_hour": "1",
    "cos_hour": "1",
}
WINDOW, AHEAD, EVERY = 24, 6, 3  # hours: seen, looked ahead, from one window to the next
WEEK, TESTED_WEEK = 7 * 24, 5  # hours; every fifth week is for testing where parts are weeks
NEW_YORK_BOUNDS = np.array(["2013-01-01", "2013-07-01", "2013-10-01", "2014-01-01"], dtype="datetime64[h]")


def load_weather(window: int = 14, *, test_year: int = 2015) -> Dataset:
    """Load Seattle's daily weather, 2012 to 2015, to predict tomorrow's change of the highest temperature.

    Each input is a window of the last days up to today; the target is temp_max tomorrow minus temp_max
    today, in training standard deviations, so that persistence ("as today") predicts 0. Targets of 2015 are
    for testing, of the year before for validation, of the years before that for training; a window may reach
    back into an earlier split, since the past is known.

    Args:
        window: days in a window, T; below 366, so that a year of training targets is left.
        test_year: 2015, or 2014 with one year for training; the window is then shorter than 300 days.

    Returns:
        The dataset; inputs (N, T, 6), targets (N, 1).

    Raises:
        ValueError: a window out of range, or a data file that is damaged.
        FileNotFoundError: the data file is missing.

    Source: NOAA daily summaries; see labcode/data/files/seattle_weather.txt. Chapter 1.
    """
    window = check_integer("window", window, low=1)
    longest = 366 if check_one_of("test_year", test_year, TEST_YEARS) == TEST_YEARS[-1] else 300
    expect(window < longest, "window", f"fewer than {longest} days", window)
    dates, columns = _read_weather()
    return _weather_dataset(dates, columns, window, test_year)


def persistence_loss(split: Split) -> float:
    """Return the mean squared error of predicting no change, the rule that any model has to beat."""
    return float(np.mean(np.square(split.y, dtype=np.float64)))


def _read_weather() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    rows = list(csv.DictReader(read_verified(WEATHER_FILE, WEATHER_SHA256).decode().splitlines()))
    dates = np.array([row["date"].replace("/", "-") for row in rows], dtype="datetime64[D]")
    names = ("temp_max", "temp_min", "precipitation", "wind")
    return dates, {name: np.array([float(row[name]) for row in rows]) for name in names}


def _weather_dataset(
    dates: np.ndarray, columns: Mapping[str, np.ndarray], window: int, test_year: int = 2015
) -> Dataset:
    features = _weather_features(dates, columns)
    bounds = [np.datetime64(f"{test_year + later}-01-01") for later in (-1, 0, 1)]
    training = dates < bounds[0]
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
        train=split(days < bounds[0]),
        validation=split((days >= bounds[0]) & (days < bounds[1])),
        test=split((days >= bounds[1]) & (days < bounds[2])),
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


def load(seed: int = 0, part: str = "first", *, test_year: int = 2015, redraw_weeks: bool = False) -> Dataset:
    """Load Seattle's days, as :func:`labcode.data.load_weather` does, or New York's hours.

    New York: 24 hours of weather, every third hour; the target is the temperature in 6 hours minus that of
    now. Targets from January to June are for training, to September for validation, to December for testing.
    An hour without pressure has the last one observed; windows with a missing hour are left out.

    Args:
        seed: draws the weeks of New York; otherwise not used: the parts of a series stay as they are.
        part: "first" for Seattle, "second" for New York.
        test_year: of Seattle, as in ``load_weather``.
        redraw_weeks: whether New York's parts are whole weeks: every fifth is for testing, of the others the
            seed draws two thirds for training. A window and its target lie in one week, so that no hour is in
            two parts.

    Returns:
        The dataset; inputs (N, 14, 6) or (N, 24, 7), targets (N, 1) in training standard deviations.

    Raises:
        ValueError: a bad argument, or a data file that is damaged.
        FileNotFoundError: the data file is missing.

    Source: NOAA; see the texts in labcode/data/files/. Chapter 6.5.
    """
    check_integer("seed", seed)
    if check_one_of("part", part, PARTS) == "first":
        return load_weather(test_year=test_year)
    return _new_york_dataset(*_read_new_york(), week_parts(seed) if redraw_weeks else None)


def week_parts(seed: int) -> np.ndarray:
    """Return the part of each week of New York's year: 0 for training, 1 for validation, 2 for testing."""
    hours = int((NEW_YORK_BOUNDS[-1] - NEW_YORK_BOUNDS[0]).astype(int))
    parts = np.full(hours // WEEK + 1, 2)
    others = np.flatnonzero(np.arange(len(parts)) % TESTED_WEEK != TESTED_WEEK // 2)
    drawn = np.random.default_rng(seed).permutation(others)
    parts[drawn], parts[drawn[: len(others) // 3]] = 0, 1
    return parts


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


def _new_york_dataset(hours: np.ndarray, features: np.ndarray, weeks: np.ndarray | None = None) -> Dataset:
    whole = np.full((int((NEW_YORK_BOUNDS[-1] - NEW_YORK_BOUNDS[0]).astype(int)), features.shape[1]), np.nan)
    whole[(hours - NEW_YORK_BOUNDS[0]).astype(int)] = features
    now = np.arange(WINDOW - 1, len(whole) - AHEAD, EVERY)
    change = whole[now + AHEAD, 0] - whole[now, 0]
    windows = np.lib.stride_tricks.sliding_window_view(whole, WINDOW, axis=0)[now - WINDOW + 1]
    kept = np.isfinite(windows).all(axis=(1, 2)) & np.isfinite(change)
    windows, change, now = windows[kept].transpose(0, 2, 1), change[kept], now[kept]
    part, part_of_hour = _new_york_parts(now, len(whole), weeks)
    training = whole[part_of_hour == 0]
    mean, std = np.nanmean(training, axis=0), np.nanstd(training, axis=0)
    unit = float(change[part == 0].std())
    x, y = ((windows - mean) / std).astype(np.float32), (change[:, None] / unit).astype(np.float32)
    target_hours = NEW_YORK_BOUNDS[0] + now + AHEAD

    def split(number):
        at = part == number
        items = np.array([f"{hour}:00 UTC" for hour in target_hours[at]])
        groups = None if weeks is None else (now[at] // WEEK).astype(str)
        days = target_hours[at].astype("datetime64[D]")
        return Split(np.ascontiguousarray(x[at]), y[at], days, items=items, groups=groups)

    parts = [split(number) for number in range(3)]
    return Dataset(
        name="new_york_weather",
        title="how much warmer or colder will it be in New York in six hours?",
        task="regression",
        feature_names=tuple(NEW_YORK_FEATURES),
        feature_units=tuple(NEW_YORK_FEATURES.values()),
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


def _new_york_parts(now, length: int, weeks: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the part of each window, -1 for none, and of each hour of the year, 0 to 2."""
    hours = np.arange(length)
    if weeks is None:
        bounds = (NEW_YORK_BOUNDS[1:-1] - NEW_YORK_BOUNDS[0]).astype(int)
        of_hour = np.searchsorted(bounds, hours, side="right")
        return of_hour[now + AHEAD], of_hour
    in_one_week = (now - WINDOW + 1) // WEEK == (now + AHEAD) // WEEK
    return np.where(in_one_week, weeks[now // WEEK], -1), weeks[hours // WEEK]
