"""Frames, forecasts by day, claims beside the truth: labelled, and drawn as they were handed over."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from labcode import plots

DAYS = np.arange("2012-01-01", "2012-01-06", dtype="datetime64[D]")
FRAMES = np.arange(12.0).reshape(4, 3) - 5


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def test_a_recording_is_drawn_with_time_to_the_right_and_the_first_feature_below():
    panels = plots.feature_frames({"six": FRAMES, "nine": FRAMES[:2]}, feature="MFCC")
    assert [ax.get_title() for ax in panels] == ["six", "nine"]
    picture = panels[0].images[0]
    np.testing.assert_array_equal(picture.get_array(), FRAMES.T)
    assert picture.origin == "lower"
    assert picture.get_clim() == (-3, 3)
    assert (panels[0].get_xlabel(), panels[0].get_ylabel()) == ("frame", "MFCC")
    assert panels[1].images[0].colorbar.ax.get_ylabel() == "training standard deviations"


def test_forecasts_lie_on_their_days():
    ax = plots.forecast_days(DAYS, np.arange(5.0), {"LSTM": np.ones(5), "ridge": np.zeros(5)}, unit="°C")
    outcome, lstm, ridge = ax.lines
    np.testing.assert_array_equal(outcome.get_ydata(), np.arange(5.0))
    assert (lstm.get_label(), ridge.get_label()) == ("LSTM", "ridge")
    np.testing.assert_array_equal(lstm.get_xdata(), DAYS)
    assert lstm.get_linestyle() != ridge.get_linestyle()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("date", "°C")


def test_an_arrow_leads_from_the_claim_to_the_truth():
    pairs = {"shuffled": ([0.6, 0.8], [0.1, 0.3]), "by time": ([0.3, 0.3], [0.2, 0.2])}
    ax = plots.claim_and_truth(pairs, unit="skill", reference=0.0, reference_label="the rule")
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["shuffled", "by time"]
    arrow = ax.texts[0]
    np.testing.assert_allclose([arrow.xyann[0], arrow.xy[0]], [0.7, 0.2])
    labels = ax.get_legend_handles_labels()[1]
    assert labels == ["claimed, mean", "found on new data, mean", "the rule"]
    assert ax.get_xlabel() == "skill"


@pytest.mark.parametrize(
    "call",
    [
        lambda: plots.feature_frames({}, feature="MFCC"),
        lambda: plots.feature_frames({"six": FRAMES[0]}, feature="MFCC"),
        lambda: plots.forecast_days(DAYS, np.arange(4.0), {}, unit="°C"),
        lambda: plots.forecast_days(DAYS, np.arange(5.0), {"LSTM": np.ones((5, 1))}, unit="°C"),
        lambda: plots.claim_and_truth({}, unit="skill"),
        lambda: plots.claim_and_truth({"shuffled": ([0.6], [0.1, 0.3])}, unit="skill"),
    ],
)
def test_bad_input_says_what_was_expected(call):
    with pytest.raises(ValueError, match=r"expected .* received"):
        call()
