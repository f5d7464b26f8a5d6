"""The weather data: what is in the file, what the windows hold, and that nothing of the future leaks back."""

import csv
import dataclasses
import datetime
import gzip
import hashlib
import re
import subprocess
import sys
import textwrap
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcode._files import HOME
from labcode.data import load_weather, persistence_loss
from labcode.data import weather as source
from labcode.data.dataset import read_verified

FAST = settings(deadline=None, derandomize=True, max_examples=25)


@pytest.fixture(scope="module")
def weather():
    return load_weather()


@pytest.fixture(scope="module")
def rows():
    with gzip.open(source.WEATHER_FILE, "rt", encoding="ascii") as file:
        return list(csv.DictReader(file))


def arrays(dataset):
    for split in (dataset.train, dataset.validation, dataset.test):
        yield from (split.x, split.y, split.dates)
    yield from (dataset.mean, dataset.std)


def test_the_file_is_the_one_its_provenance_describes(weather):
    packed = source.WEATHER_FILE.read_bytes()
    sums = re.findall(r"\b[0-9a-f]{64}\b", weather.provenance)
    assert hashlib.sha256(gzip.decompress(packed)).hexdigest() == source.WEATHER_SHA256 == sums[0]
    assert hashlib.sha256(packed).hexdigest() == sums[2]
    flags, mtime = packed[3], packed[4:8]
    assert flags == 0, "the gzip header holds a file name"
    assert mtime == bytes(4), "the gzip header holds a time"
    for word in ("NOAA", "Public domain", "vega_datasets", "2026-11-23", "mm", "°C", "m/s", "python -c"):
        assert word in weather.provenance


def test_the_provenance_command_makes_the_file_again(weather, tmp_path, rows):
    """Run the documented command on a wheel that holds the same table."""
    with zipfile.ZipFile(tmp_path / "vega_datasets-0.9.0-py3-none-any.whl", "w") as wheel:
        content = gzip.decompress(source.WEATHER_FILE.read_bytes())
        wheel.writestr("vega_datasets/_data/seattle-weather.csv", content)
    command = weather.provenance.split('python -c "')[1].rsplit('"', 1)[0]
    subprocess.run([sys.executable, "-c", textwrap.dedent(command)], cwd=tmp_path, check=True)
    made = (tmp_path / "seattle_weather.csv.gz").read_bytes()
    assert gzip.decompress(made) == content
    assert made[:10] == source.WEATHER_FILE.read_bytes()[:10]


def test_every_day_is_there_once(rows):
    days = [datetime.date(*map(int, row["date"].split("/"))) for row in rows]
    first = datetime.date(2012, 1, 1)
    assert days == [first + datetime.timedelta(days=n) for n in range(1461)]


@pytest.mark.parametrize("window", [1, 14, 365])
def test_sizes_and_dates(window):
    dataset = load_weather(window)
    assert dataset.train.x.shape == (731 - window, window, 6)
    assert dataset.validation.x.shape == dataset.test.x.shape == (365, window, 6)
    for split, years in ((dataset.train, {2012, 2013}), (dataset.validation, {2014}), (dataset.test, {2015})):
        assert split.y.shape == (len(split.x), 1)
        assert split.x.dtype == split.y.dtype == np.float32
        assert {day.year for day in split.dates.tolist()} <= years
        assert len(split.dates) == len(split.x)
        assert np.isfinite(split.x).all()
        assert np.isfinite(split.y).all()
    days = np.concatenate([dataset.train.dates, dataset.validation.dates, dataset.test.dates])
    assert (np.diff(days) == np.timedelta64(1, "D")).all(), "not chronological, or a shared or missing day"
    assert str(days[0]) == str(datetime.date(2012, 1, 1) + datetime.timedelta(days=window))
    assert str(days[-1]) == "2015-12-31"


@FAST
@given(
    split_name=st.sampled_from(["train", "validation", "test"]),
    pick=st.integers(0, 10**6),
    window=st.integers(1, 30),
)
def test_a_window_holds_the_days_before_its_target(rows, split_name, pick, window):
    """Compute one sample by hand, from the table and the calendar."""
    dataset = load_weather(window)
    split = getattr(dataset, split_name)
    pick %= len(split.x)
    by_day = {datetime.date(*map(int, row["date"].split("/"))): row for row in rows}
    target_day = split.dates[pick].item()
    before = [target_day - datetime.timedelta(days=window - step) for step in range(window)]
    expected = []
    for day in before:
        row = {name: float(value) for name, value in by_day[day].items() if name not in ("date", "weather")}
        angle = 2 * np.pi * (day.timetuple().tm_yday - 1) / 365.25
        rain = np.log(1 + row["precipitation"])
        expected.append([row["temp_max"], row["temp_min"], rain, row["wind"], np.sin(angle), np.cos(angle)])
    np.testing.assert_allclose(split.x[pick] * dataset.std + dataset.mean, expected, atol=1e-5)

    today, tomorrow = (float(by_day[day]["temp_max"]) for day in (before[-1], target_day))
    assert split.y[pick, 0] * dataset.target_std == pytest.approx(tomorrow - today, abs=1e-5)


def test_standardization_comes_from_the_training_years(weather, rows):
    training = [row for row in rows if row["date"] < "2014"]
    wind = np.array([float(row["wind"]) for row in training])
    assert len(training) == 731
    assert weather.mean[3] == pytest.approx(wind.mean(), rel=1e-12)
    assert weather.std[3] == pytest.approx(wind.std(), rel=1e-12)
    warmest = np.array([float(row["temp_max"]) for row in training])
    assert weather.target_std == pytest.approx(np.diff(warmest).std(), rel=1e-12)
    assert load_weather(3).target_std == weather.target_std


def test_the_future_does_not_leak_into_training(weather):
    dates, columns = source._read_weather()
    later = dates >= np.datetime64("2014-01-01")
    rng = np.random.default_rng(0)
    for column in columns.values():
        column[later] = rng.uniform(0, 50, later.sum())
    changed = source._weather_dataset(dates, columns, 14)
    for name in ("x", "y", "dates"):
        assert getattr(changed.train, name).tobytes() == getattr(weather.train, name).tobytes()
    assert changed.mean.tobytes() == weather.mean.tobytes()
    assert changed.std.tobytes() == weather.std.tobytes()
    assert changed.target_std == weather.target_std
    assert not np.array_equal(changed.validation.x, weather.validation.x)
    assert not np.array_equal(changed.test.y, weather.test.y)


def test_the_test_year_does_not_leak_into_validation(weather):
    dates, columns = source._read_weather()
    for column in columns.values():
        column[dates >= np.datetime64("2015-01-01")] = 1.0
    changed = source._weather_dataset(dates, columns, 14)
    assert changed.validation.x.tobytes() == weather.validation.x.tobytes()
    assert changed.validation.y.tobytes() == weather.validation.y.tobytes()


def test_nothing_can_be_changed_by_accident(weather):
    for array in [*arrays(weather), *weather.train.last(0.5)]:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        weather.train = weather.test
    with pytest.raises(dataclasses.FrozenInstanceError):
        weather.train.x = weather.test.x


@FAST
@given(fraction=st.floats(0.0, 1.0, exclude_min=True))
def test_last_keeps_the_most_recent_windows(weather, fraction):
    part, whole = weather.train.last(fraction), weather.train
    n = len(part.x)
    assert n == max(1, round(fraction * 717))
    assert np.array_equal(part.x, whole.x[-n:])
    assert np.array_equal(part.y, whole.y[-n:])
    assert np.array_equal(part.dates, whole.dates[-n:])
    assert part.dates[-1] == np.datetime64("2013-12-31")


@pytest.mark.parametrize("fraction", [0, -0.1, 1.1, np.nan, "half", None, True])
def test_last_refuses_other_fractions(weather, fraction):
    with pytest.raises(ValueError, match=r"fraction: expected .* received"):
        weather.train.last(fraction)


@pytest.mark.parametrize("window", [0, -1, 366, 1.5, "14", None])
def test_a_bad_window_is_refused(window):
    with pytest.raises(ValueError, match=r"window: expected .* received"):
        load_weather(window)


def test_persistence_predicts_no_change(weather):
    for split in (weather.train, weather.validation):
        squares = [float(value) ** 2 for value in split.y[:, 0]]
        assert persistence_loss(split) == pytest.approx(sum(squares) / len(squares), rel=1e-9)
    assert persistence_loss(weather.train) == pytest.approx(1.0, abs=0.02)


def test_a_split_unpacks_into_what_training_takes(weather):
    x, y = weather.validation
    assert x is weather.validation.x
    assert y is weather.validation.y


def test_a_learner_can_read_it(weather):
    text = weather.describe()
    for part in (
        "717",
        "365",
        "2012-01-15",
        "2013-12-31",
        "2014-01-01",
        "2015-12-31",
        "temp_max [°C]",
        "wind [m/s]",
        "14 days",
        "change of temp_max",
        f"{weather.target_std:.2f} °C",
        "public domain",
    ):
        assert part in text
    assert max(map(len, text.splitlines())) <= 110
    assert len(repr(weather)) < 120
    assert "717" in repr(weather)
    assert repr(weather.train) == "Split(717 windows of 14 x 6, 2012-01-15 to 2013-12-31)"


def test_a_missing_file_is_named(monkeypatch):
    monkeypatch.setattr(source, "WEATHER_FILE", source.WEATHER_FILE.with_name("absent.csv.gz"))
    with pytest.raises(
        FileNotFoundError, match=r"^labcode/data/files/absent.csv.gz: expected .*missing.*git checkout"
    ):
        load_weather()


@FAST
@given(position=st.integers(0, 10**6), change=st.integers(1, 255), length=st.integers(0, 10**6))
def test_a_damaged_file_is_refused_or_harmless(tmp_path_factory, weather, position, change, length):
    """A changed byte and a lost end: either the content is the right one after all, or the error says so."""
    whole = source.WEATHER_FILE.read_bytes()
    whole_content = gzip.decompress(whole)
    flipped = bytearray(whole)
    flipped[position % len(whole)] ^= change
    for damaged in (bytes(flipped), whole[: length % len(whole)]):
        path = tmp_path_factory.mktemp("data") / "seattle_weather.csv.gz"
        path.write_bytes(damaged)
        try:
            content = read_verified(path, source.WEATHER_SHA256)
        except ValueError as error:
            says = r"expected (gzip data|content with sha256 62f0).*received.*restore"
            content = whole_content if re.search(says, str(error)) else None
        assert content == whole_content


def test_other_content_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "seattle_weather.csv.gz"
    path.write_bytes(gzip.compress(b"date,precipitation,temp_max,temp_min,wind\n2012/01/01,0,1,0,1\n"))
    monkeypatch.setattr(source, "WEATHER_FILE", path)
    with pytest.raises(ValueError, match=f"expected content with sha256 {source.WEATHER_SHA256}, received"):
        load_weather()


def test_loading_needs_numpy_alone():
    code = "import sys; from labcode.data import load_weather; load_weather(); print(*sys.modules)"
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, cwd=HOME, capture_output=True, text=True, check=True)
    assert {"torch", "pandas", "matplotlib"}.isdisjoint(done.stdout.split())
