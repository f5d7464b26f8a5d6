"""Pictures of libraries side by side, and the slider over the steps."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcode import plots
from labcode.plots.libraries import FLOOR, distance
from labcode.widgets import LibraryExplorer

CURVES = {"a": np.linspace(1, 0.5, 20), "b": np.linspace(1, 0.5, 20) + 1e-6, "c": np.linspace(1, 0.4, 20)}
LOOK = {"reference": "a", "limit": 1e-4}
ROWS = {"torch.nn.LSTM": (1.0, 1.0, 1.0), "Keras on torch": (4.0, 3.5, 4.5), "fast": (0.8, 0.7, 0.9)}
GROWTH = {
    "one": {"values": [25, 50, 100], "ms": [1.0, 2.0, 4.0], "exponent": 1.0},
    "two": {"values": [25, 50, 100], "ms": [9.0, 17.0, 40.0], "exponent": None},
}


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@settings(deadline=None, derandomize=True, max_examples=30)
@given(values=st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=1, max_size=9))
def test_a_distance_is_absolute_and_never_below_the_floor(values):
    one, other = np.transpose(values)
    np.testing.assert_array_equal(distance(one, other), distance(other, one))
    expected = [max(abs(a - b), FLOOR) for a, b in values]
    np.testing.assert_allclose(distance(one, other), expected, rtol=1e-12)


def test_curves_and_distances_are_drawn_in_order():
    upper, lower = plots.curves_by_library(CURVES, **LOOK)
    assert [line.get_label() for line in upper.lines] == list(CURVES)
    for line, curve in zip(upper.lines, CURVES.values(), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), curve)
        np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 21))
    assert [line.get_label() for line in lower.lines[:2]] == ["b", "c"]
    assert lower.lines[0].get_color() == upper.lines[1].get_color()
    np.testing.assert_allclose(lower.lines[0].get_ydata(), 1e-6, rtol=1e-6)
    np.testing.assert_allclose(lower.lines[2].get_ydata(), 1e-4)
    assert lower.get_xlabel() == "step"
    assert upper.get_ylabel()
    assert "a" in lower.get_ylabel()
    looks = {(line.get_color(), str(line.get_linestyle())) for line in upper.lines}
    assert len(looks) == 3


def test_ratios_are_drawn_where_they_are_with_the_families_apart():
    ax = plots.time_ratios(ROWS, baseline="torch.nn.LSTM")
    points = [line for line in ax.lines if len(line.get_xdata()) == 1]
    assert [line.get_xdata()[0] for line in points] == [1.0, 4.0, 0.8]
    assert len({(line.get_color(), line.get_marker()) for line in points}) == 3
    assert [tick.get_text() for tick in ax.get_yticklabels()] == list(ROWS)
    low, high = ax.get_xlim()
    assert low < 0.7
    assert high > 4.5
    assert "torch.nn.LSTM = 1" in ax.get_xlabel()


def test_growth_is_drawn_with_its_powers():
    ax = plots.time_growth(GROWTH, xlabel="steps T")
    assert [line.get_label() for line in ax.lines] == ["one: power 1", "two"]
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), GROWTH["two"]["ms"])
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert ax.get_xlabel() == "steps T"
    assert "milliseconds" in ax.get_ylabel()


@pytest.mark.parametrize(
    "call",
    [
        lambda: plots.curves_by_library({}, **LOOK),
        lambda: plots.curves_by_library({"a": [1.0], "b": [1.0, 2.0]}, **LOOK),
        lambda: plots.curves_by_library(CURVES, reference="z", limit=1e-4),
        lambda: plots.time_ratios({}, baseline="a"),
        lambda: plots.time_growth({}, xlabel="steps"),
        lambda: LibraryExplorer(CURVES, **LOOK, value=21),
    ],
)
def test_bad_input_says_what_was_expected(call):
    with pytest.raises(ValueError, match=r"expected .* received"):
        call()


def test_the_slider_shows_every_curve_up_to_its_step():
    explorer = LibraryExplorer(CURVES, **LOOK)
    slider, _, picture = explorer.widget().children
    before = picture.value
    slider.value = 7
    assert picture.value != before
    assert bytes(picture.value) == explorer.draw(7)
    for line, curve in zip(explorer.axes[0].lines, CURVES.values(), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), curve[:7])
    np.testing.assert_allclose(explorer.axes[1].lines[1].get_ydata(), distance(CURVES["c"], CURVES["a"])[:7])
    largest = np.abs(CURVES["c"] - CURVES["a"])[:7].max()
    assert f"step 7, largest distance so far {largest:.1e}" == explorer.axes[0].get_title()
    np.testing.assert_allclose(explorer.axes[1].lines[2].get_ydata(), 1e-4)


def test_the_slider_starts_with_the_static_picture():
    explorer, (upper, lower) = LibraryExplorer(CURVES, **LOOK), plots.curves_by_library(CURVES, **LOOK)
    explorer.draw(explorer.value)
    for ours, theirs in zip(explorer.axes, (upper, lower), strict=True):
        np.testing.assert_allclose(ours.get_ylim(), theirs.get_ylim())
        for line, other in zip(ours.lines, theirs.lines, strict=True):
            np.testing.assert_array_equal(line.get_ydata(), other.get_ydata())


def test_no_figure_stays_open_behind_the_widget():
    LibraryExplorer(CURVES, **LOOK).draw(3)
    assert plt.get_fignums() == []
