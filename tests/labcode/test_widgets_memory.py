"""Pictures of masks, of what they leave of a memory and of what they cost, and the slider over them."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcode import plots
from labcode.recurrent_dropout import cell_dropout, zoneout
from labcode.widgets import MemoryExplorer
from labcode.widgets.memory import PLACES, RATES, memory_forms

BESIDE, LOCKED, NEW, ZONED = PLACES


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def outcomes(p, steps):
    """Every sequence of coins with its probability: True where a coin drops."""
    coins = np.array(list(np.ndindex(*(2,) * steps)), dtype=bool)
    return coins, np.prod(np.where(coins, p, 1 - p), axis=1)


@settings(deadline=None, derandomize=True, max_examples=25)
@given(p=st.floats(0.05, 0.6), forget=st.floats(0.3, 1.0), steps=st.integers(1, 6))
def test_the_closed_forms_are_the_means_over_every_sequence_of_coins(p, forget, steps):
    """Enumerate all coins and run the cell's own equations; no mean is estimated."""
    forms, (coins, probability) = memory_forms(p, steps=steps, forget=forget), outcomes(p, steps)
    ones = np.ones((len(coins), 1))
    new, locked, zoned = ones, ones, ones
    for t in range(1, steps + 1):
        coin, first = coins[:, t - 1 : t], coins[:, :1]
        new = cell_dropout(new, forget * ones, 0 * ones, ones, ~coin / (1 - p))
        locked = cell_dropout(locked, forget * ones, 0 * ones, ones, ~first / (1 - p))
        zoned = zoneout(zoned, forget * zoned, coin.astype(float))
        for place, cells in ((NEW, new), (LOCKED, locked), (ZONED, zoned)):
            alive = probability @ (cells[:, 0] > 0)
            np.testing.assert_allclose(forms[place][0][t], alive, rtol=1e-9)
            np.testing.assert_allclose(forms[place][1][t], probability @ cells[:, 0] / alive, rtol=1e-9)
        assert forms[BESIDE][0][t] == 1
        np.testing.assert_allclose(forms[BESIDE][1][t], forget**t, rtol=1e-12)


def test_without_dropout_all_places_leave_the_same():
    forms = memory_forms(0.0, steps=5, forget=0.9)
    for share, size in forms.values():
        np.testing.assert_array_equal(share, 1)
        np.testing.assert_allclose(size, 0.9 ** np.arange(6))


def test_every_figure_is_labelled():
    masks = plots.mask_panels({"new": np.eye(4), "locked": np.ones((4, 3))})
    assert all(ax.get_xlabel() and ax.get_title() for ax in masks)
    assert masks[0].get_ylabel() == "unit"
    means = plots.means_with_intervals(np.ones(3), np.full(3, 0.1), ylabel="distance")
    left = plots.memory_left(memory_forms(0.2, steps=3, forget=0.9))
    times = plots.relative_times({"a": [1.0], "b": [3.0]}, reference="a")
    for ax in (means, *left):
        assert ax.get_xlabel()
        assert ax.get_ylabel()
    assert "relative to a" in times.get_xlabel()
    assert [tick.get_text() for tick in times.get_yticklabels()] == ["a", "b"]


def test_a_mask_is_drawn_over_steps_and_units_with_holes_where_it_drops():
    mask = np.array([[0.0, 1.25, 1.25], [1.25, 0.0, 1.25]])
    (panel,) = plots.mask_panels({"mask": mask})
    drawn = panel.collections[0].get_array()
    assert drawn.shape == (3, 2)
    np.testing.assert_array_equal(np.ma.getmaskarray(drawn), mask.T == 0)


def test_an_interval_reaches_196_standard_errors_to_both_sides():
    ax = plots.means_with_intervals(np.array([2.0]), np.array([0.5]), ylabel="y")
    np.testing.assert_allclose(ax.collections[0].get_segments()[0][:, 1], [2 - 0.98, 2 + 0.98])


def test_measured_cells_are_dots_on_the_lines_of_their_place():
    forms = memory_forms(0.25, steps=4, forget=0.9)
    for number, ax in enumerate(plots.memory_left(forms, forms)):
        curves = [line for line in ax.lines if len(line.get_xdata()) == 5]
        lines, dots = curves[:4], curves[4:]
        assert [dot.get_color() for dot in dots] == [line.get_color() for line in lines]
        for line, dot, place in zip(lines, dots, forms.values(), strict=True):
            np.testing.assert_array_equal(line.get_ydata(), place[number])
            np.testing.assert_array_equal(dot.get_ydata(), place[number])
            assert dot.get_linestyle() == "None"


def test_times_are_ratios_of_the_fastest_runs():
    ax = plots.relative_times({"a": [2.0, 2.5, 90.0], "b": [7.0, 6.0, 8.0]}, reference="a")
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], [1, 3])


@pytest.mark.parametrize(
    "call",
    [
        lambda: plots.mask_panels({}),
        lambda: plots.mask_panels({"a": np.ones(3)}),
        lambda: plots.relative_times({"a": [1.0]}, reference="b"),
        lambda: memory_forms(1.0, steps=3, forget=0.9),
        lambda: memory_forms(0.5, steps=0, forget=0.9),
        lambda: memory_forms(0.5, steps=3, forget=0.0),
        lambda: MemoryExplorer(value=0.123),
    ],
)
def test_bad_input_says_what_was_expected(call):
    with pytest.raises(ValueError, match=r"expected .* received"):
        call()


def test_the_slider_moves_every_line_to_its_closed_form():
    explorer = MemoryExplorer(steps=6, forget=0.9, value=0.25)
    slider, _, picture = explorer.widget().children
    before = picture.value
    slider.value = 0.4
    assert picture.value != before
    assert bytes(picture.value) == explorer.draw(0.4)
    forms = memory_forms(0.4, steps=6, forget=0.9)
    for number, ax in enumerate(explorer.axes):
        for line, place in zip(ax.lines, forms.values(), strict=False):
            np.testing.assert_array_equal(line.get_ydata(), place[number])
    assert "0.4" in explorer.axes[0].get_title()


def test_the_axes_hold_every_rate():
    explorer = MemoryExplorer()
    low, high = explorer.axes[1].get_ylim()
    for rate in RATES:
        for _, size in memory_forms(rate, steps=20, forget=0.95).values():
            assert low <= size.min() <= size.max() <= high


def test_no_figure_stays_open_behind_the_widget():
    MemoryExplorer().draw(0.1)
    assert plt.get_fignums() == []
