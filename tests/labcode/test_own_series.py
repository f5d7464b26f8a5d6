"""A series of one's own: what is cut, scaled, split, refused; forecasts lead back to the data's unit."""

import doctest
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from statsmodels.datasets import co2, sunspots

from labcode.data import Dataset, Split, persistence_loss, windows
from labcode.lstm import SequenceModel
from labcode.training import evaluate, fit, forecast, load_model, predict, save_model, seeded

SERIES = np.cumsum(np.random.default_rng(0).normal(size=(120, 3)), axis=0)


class Constant(torch.nn.Module):
    """A model that always puts out one number."""

    def __init__(self, value):
        super().__init__()
        self.value = torch.nn.Parameter(torch.tensor([[float(value)]]))

    def forward(self, x):
        return self.value.expand(len(x), 1)


@settings(max_examples=60, deadline=None)
@given(
    window=st.integers(1, 8),
    ahead=st.integers(1, 5),
    target=st.integers(0, 2),
    predicts=st.sampled_from(["change", "level"]),
    shares=st.sampled_from([(0.7, 0.15, 0.15), (0.5, 0.25, 0.25), (0.8, 0.1, 0.1)]),
)
def test_every_window_and_target_is_where_it_was_in_the_series(window, ahead, target, predicts, shares):
    data = windows(SERIES, window=window, ahead=ahead, target=target, predicts=predicts, split=shares)
    x = np.concatenate([split.x for split in data.splits.values()])
    y = np.concatenate([split.y for split in data.splits.values()])[:, 0]
    rows = np.arange(len(SERIES) - window - ahead + 1)
    assert len(x) == len(y) == len(rows)
    own = x * data.std + data.mean
    for start in (0, len(rows) // 2, len(rows) - 1):
        assert_allclose(own[start], SERIES[start : start + window], atol=1e-4)
    last = SERIES[rows + window - 1, target]
    assert_allclose(data.scaling.unscale(y, last), SERIES[rows + window - 1 + ahead, target], atol=1e-4)


def test_scales_and_splits_know_nothing_of_what_comes_later():
    other = SERIES.copy()
    boundary = round(0.7 * len(SERIES))
    other[boundary:] = 1e3 * np.random.default_rng(1).normal(size=other[boundary:].shape)
    first, second = (windows(series, window=6, ahead=2) for series in (SERIES, other))
    assert_allclose(first.mean, SERIES[:boundary].mean(axis=0))
    assert_allclose(first.std, SERIES[:boundary].std(axis=0))
    assert np.array_equal(first.train.x, second.train.x)
    assert np.array_equal(first.train.y, second.train.y)
    assert first.scaling == second.scaling


def test_a_constant_column_is_no_division_by_zero():
    data = windows(np.column_stack([np.arange(50.0), np.full(50, 3.0)]), window=4)
    assert np.isfinite(data.train.x).all()
    assert not data.train.x[..., 1].any()


def test_yearly_sunspots_from_a_data_frame():
    frame = sunspots.load_pandas().data
    years = pd.to_datetime(frame["YEAR"].astype(int).astype(str) + "-01-01")
    data = windows(
        frame[["SUNACTIVITY"]], window=11, dates=years, predicts="level", split=("1930-01-01", "1970-01-01")
    )
    assert data.feature_names == ("SUNACTIVITY",)
    assert [len(split.x) for split in data.splits.values()] == [1930 - 1700 - 11, 40, 2008 - 1970 + 1]
    assert str(data.test.dates[0]) == "1970-01-01"
    values = frame["SUNACTIVITY"].to_numpy()
    assert_allclose(data.scaling.unscale(data.test.y[:, 0], 0.0), values[1970 - 1700 :], rtol=1e-5)
    assert "SUNACTIVITY 1 step ahead" in data.describe()


def test_weekly_co2_with_missing_weeks_and_its_index_as_dates():
    frame = co2.load_pandas().data
    with pytest.raises(ValueError, match=r"series: expected no missing value .* received 59 rows"):
        windows(frame, window=52)
    filled = windows(frame, window=52, missing="last", units=["ppm"])
    assert sum(len(split.x) for split in filled.splits.values()) == len(frame) - 52
    assert str(filled.test.dates[-1]) == "2001-12-29"
    assert "ppm" in filled.target_unit
    lost = frame["co2"].isna().to_numpy()
    touched = np.lib.stride_tricks.sliding_window_view(lost, 53).any(axis=1)
    dropped = windows(frame, window=52, missing="drop")
    assert sum(len(split.x) for split in dropped.splits.values()) == (~touched).sum()
    assert all(np.isfinite(split.x).all() for split in dropped.splits.values())


def test_missing_rows_are_found_by_their_dates():
    days = np.arange("2020-01-01", "2020-04-10", dtype="datetime64[D]")
    values = np.arange(100.0)
    kept = np.delete(np.arange(100), [50, 51])
    with pytest.raises(ValueError, match="received 2 rows with a missing value, the first at 50"):
        windows(values[kept], window=5, dates=days[kept])
    filled = windows(values[kept], window=5, dates=days[kept], missing="last")
    assert sum(len(split.x) for split in filled.splits.values()) == 95
    dropped = windows(values[kept], window=5, dates=days[kept], missing="drop")
    assert sum(len(split.x) for split in dropped.splits.values()) == 95 - 7


@pytest.mark.parametrize("unit", ["M", "D", "h", "m", "s"])
def test_a_regular_step_is_recognized_in_any_unit(unit):
    dates = np.datetime64("2001-03", unit) + 3 * np.arange(60)
    data = windows(np.arange(60.0), window=3, dates=dates)
    assert sum(len(split.x) for split in data.splits.values()) == 57


def test_the_15th_of_each_month_is_regular():
    dates = np.arange("2000-01", "2005-01", dtype="datetime64[M]").astype("datetime64[D]") + 14
    data = windows(np.arange(60.0), window=3, dates=dates)
    assert str(data.test.dates[-1]) == "2004-12-15"


BAD = {
    "text": ({"series": np.array(["a", "b"])}, "series: expected numbers in every column"),
    "axes": ({"series": np.zeros((9, 2, 2))}, r"series: expected shape \(T,\) or \(T, F\), received \(9, 2"),
    "infinite": ({"series": np.r_[np.arange(50.0), np.inf]}, "series: expected finite numbers"),
    "nothing known": ({"series": np.full(50, np.nan)}, "series: expected a number in every column"),
    "short": ({"series": np.arange(6.0)}, r"series: expected more than window \+ ahead = 6 rows, received 6"),
    "window": ({"window": 0}, "window: expected a whole number of at least 1, received 0"),
    "ahead": ({"ahead": 1.5}, "ahead: expected a whole number"),
    "column": ({"target": 3}, "target: expected a column's number below 1, received 3"),
    "name": ({"target": "temperature"}, r"target: expected a column's name, one of \('column 0',\)"),
    "what": ({"predicts": "sign"}, "predicts: expected one of 'change', 'level'"),
    "missing": ({"missing": "mean"}, "missing: expected one of 'refuse', 'last', 'drop'"),
    "shares": ({"split": (0.7, 0.2, 0.2)}, "split: expected three shares that add up to 1"),
    "no test": ({"split": (0.7, 0.3, 0.0)}, "split: expected at least one sample for test, received 0"),
    "no training": ({"split": (0.01, 0.5, 0.49)}, "split: expected at least two samples for training"),
    "dates for split": ({"split": ("2020-01-01", "2021-01-01")}, "split: expected three shares, where"),
    "dates": ({"dates": np.arange(7)}, "dates: expected one for each of 50 rows"),
    "twice": ({"dates": ["2020-01-01"] * 50}, "dates: expected ascending, none twice, received '2020-01-01"),
    "irregular": (
        {"dates": np.datetime64("2020-01-01T00:00:00") + np.cumsum(np.resize([50, 97], 50))},
        "dates: expected a regular step of time, received steps",
    ),
    "no date": ({"dates": ["x"] * 50}, "dates: expected what NumPy reads as datetime64"),
    "units": ({"units": ["m", "s"]}, "units: expected 1 texts"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_bad_arguments_say_what_was_expected(kind):
    changes, message = BAD[kind]
    with pytest.raises(ValueError, match=message):
        windows(**{"series": np.arange(50.0), "window": 5} | changes)


def test_a_forecast_is_in_the_unit_of_the_data():
    level = windows(SERIES, window=5, target=1, predicts="level")
    assert_allclose(forecast(Constant(0.0), level, SERIES), level.scaling.target_mean, rtol=1e-6)
    change = windows(SERIES, window=5, target=1)
    assert_allclose(forecast(Constant(0.0), change, SERIES), SERIES[-1, 1])
    step = forecast(Constant(2.0), change, SERIES) - SERIES[-1, 1]
    assert_allclose(step, 2 * change.target_std, rtol=1e-6)


def test_a_forecast_of_the_test_split_is_what_predict_says():
    data = windows(SERIES, window=5, ahead=2)
    model = SequenceModel(3, 4, 1)
    at = len(SERIES) - 3  # the last window whose target is known
    expected = data.scaling.unscale(predict(model, data.test.x)[-1, 0].item(), SERIES[at, 0])
    assert_allclose(forecast(model, data, SERIES[: at + 1]), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("latest", "message"),
    [
        (SERIES[:4], "latest: expected at least 5 rows, received 4"),
        (SERIES[:, :2], "latest: expected 3 columns"),
        (np.full((5, 3), np.nan), "series: expected a number in every column"),
        (np.where(np.arange(120)[:, None] == 118, np.nan, SERIES), "latest: expected no missing value"),
    ],
)
def test_a_forecast_refuses_what_it_cannot_read(latest, message):
    with pytest.raises(ValueError, match=message):
        forecast(Constant(0.0), windows(SERIES, window=5), latest)


def test_a_forecast_fills_missing_values_as_the_series_were_filled():
    data = windows(np.arange(60.0), window=5, missing="last")
    assert_allclose(forecast(Constant(0.0), data, [1.0, 2.0, 3.0, 4.0, 5.0, np.nan]), 5.0)


def test_a_dataset_without_a_scale_is_refused():
    split = Split(np.zeros((2, 3, 1)), np.zeros((2, 1)))
    data = Dataset(train=split, validation=split, test=split)
    assert "own data" in data.describe()
    with pytest.raises(
        ValueError, match=r"made by labcode\.data\.windows, received 'own data, without a scale'"
    ):
        forecast(Constant(0.0), data, SERIES)


def test_a_saved_model_forecasts_the_same_elsewhere(tmp_path):
    data = windows(SERIES, window=5)
    model = SequenceModel(3, 4, 1)
    save_model(tmp_path / "model.pt", model, data)
    again = SequenceModel(3, 4, 1)
    scaling = load_model(tmp_path / "model.pt", again)
    assert scaling == data.scaling
    assert forecast(again, scaling, SERIES) == forecast(model, data, SERIES)
    with pytest.raises(ValueError, match="model: expected the sizes of the one"):
        load_model(tmp_path / "model.pt", SequenceModel(3, 5, 1))
    (tmp_path / "other.pt").write_bytes(b"something else")
    with pytest.raises(ValueError, match="path: expected a file that save_model wrote"):
        load_model(tmp_path / "other.pt", again)
    torch.save({"weights": {}}, tmp_path / "other.pt")
    with pytest.raises(ValueError, match="path: expected a file that save_model wrote"):
        load_model(tmp_path / "other.pt", again)


@pytest.mark.parametrize("module", ["labcode.data.own_series", "labcode.training.forecasting"])
def test_the_examples_in_the_docstrings_run(module):
    result = doctest.testmod(import_module(module), extraglobs={"np": np})
    assert result.attempted > 0
    assert result.failed == 0


def test_an_lstm_learns_a_series_of_one_s_own():
    data = windows(np.sin(np.arange(400) / 4), window=12)
    with seeded(0):
        model = SequenceModel(1, 16, 1)
        fit(
            model,
            data.train,
            data.validation,
            optimizer=torch.optim.Adam(model.parameters(), lr=0.01),
            epochs=8,
            generator=torch.Generator().manual_seed(0),
            progress=False,
        )
    assert evaluate(model, data.test)["loss"] < 0.1 * persistence_loss(data.test)
