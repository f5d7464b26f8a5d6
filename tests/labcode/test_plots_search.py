"""Figures of searches and the widget of budgets: what is drawn, and labels."""

import math

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from labcode import plots
from labcode.search.selection import scores_by_budget
from labcode.widgets import BudgetExplorer

BUDGETS = [1, 2, 3]
VALIDATION = {"grid": [0.5, 0.4, 0.3], "random": [0.6, 0.35, 0.25]}
FRESH = {"grid": [0.5, 0.45, 0.4], "random": [0.6, 0.45, 0.5]}


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def test_scores_belong_to_the_winner_that_was_paid_for():
    one = {
        "validation": [0.5, 0.1, None, 0.3, 0.4],
        "fresh": [0.6, None, None, 0.2, 0.1],
        "steps": [10, 5, 10, 10, 10],
        "pruned": [0, 1, 0, 0, 0],
    }
    validation, fresh = scores_by_budget([one, one], [9, 10, 34, 35, 100])
    np.testing.assert_array_equal(validation[1], [math.nan, 0.5, 0.5, 0.3, 0.3])
    np.testing.assert_array_equal(fresh[0], [math.nan, 0.6, 0.6, 0.2, 0.2])
    for bad in (([], [1]), ([one], [])):
        with pytest.raises(ValueError, match=r"expected at least one, received"):
            scores_by_budget(*bad)


def test_points_are_drawn_in_the_plane_with_their_winner():
    points = {"grid": np.array([[0.01, 0.1], [0.1, 0.5]]), "random": np.array([[0.02, 0.2], [1.0, 0.3]])}
    axes = plots.search_points(points, {"grid": 1, "random": 0})
    assert [ax.get_title() for ax in axes] == ["grid", "random"]
    assert [ax.get_xscale() for ax in axes] == ["log", "log"]
    np.testing.assert_allclose(axes[0].collections[0].get_offsets(), points["grid"])
    np.testing.assert_allclose(axes[1].lines[0].get_xydata(), [[0.02, 0.2]])
    assert axes[0].get_ylabel()
    assert axes[0].get_xlabel()


def test_the_winners_are_drawn_by_budget_and_at_one():
    left, right = plots.winners_by_budget(BUDGETS, VALIDATION, FRESH, budget=2, unit="loss unit")
    assert left.lines[0].get_xdata()[0] == 2
    np.testing.assert_array_equal(left.lines[2].get_ydata(), VALIDATION["random"])
    np.testing.assert_array_equal(right.lines[0].get_xdata(), [0.4, 0.35])
    np.testing.assert_array_equal(right.lines[1].get_xdata(), [0.45, 0.45])
    assert [tick.get_text() for tick in right.get_yticklabels()] == ["grid", "random"]
    assert "loss unit" in left.get_ylabel() + right.get_xlabel()


def test_the_curse_and_the_rule_are_labelled():
    curse = plots.winners_curse(BUDGETS, VALIDATION["grid"], FRESH["grid"], unit="loss unit")
    np.testing.assert_array_equal(curse.lines[0].get_ydata(), FRESH["grid"])
    path = plots.one_standard_error_path([0.1, 1.0, 10.0], [0.5, 0.3, 0.4], [0.1] * 3, 10.0, unit="loss unit")
    star, ring = path.lines[-2:]
    np.testing.assert_array_equal([star.get_xdata()[0], ring.get_xdata()[0]], [1.0, 10.0])
    scales = plots.curves_on_two_scales([0.1, 1.0], {"validation": [0.5, 0.3]}, unit="loss unit")
    assert [ax.get_xscale() for ax in scales] == ["linear", "log"]
    for ax in (curse, path, scales[0]):
        assert ax.get_xlabel()
        assert "loss unit" in ax.get_ylabel()


def test_of_scores_the_highest_is_marked_and_the_margin_lies_below():
    options = {"unit": "accuracy", "mode": "max"}
    path = plots.one_standard_error_path([0.1, 1.0, 10.0], [0.5, 0.7, 0.6], [0.1, 0.2, 0.1], 10.0, **options)
    star, ring = path.lines[-2:]
    assert (star.get_xdata()[0], ring.get_xdata()[0]) == (1.0, 10.0)
    margin = path.patches[0]
    np.testing.assert_allclose([margin.get_y(), margin.get_height()], [0.5, 0.2])
    assert star.get_label() == "highest"
    assert path.get_ylabel() == "validation score [accuracy]\nhigher is better →"


@pytest.mark.parametrize(
    "call",
    [
        lambda: plots.search_points({"grid": np.ones((2, 2))}, {"random": 0}),
        lambda: plots.search_points({"grid": np.array([["h", 0.1]])}, {"grid": 0}),
        lambda: plots.search_points({"grid": np.ones((2, 3))}, {"grid": 0}),
        lambda: plots.one_standard_error_path([1], [0.5], [0.1], 1, unit="", mode="maximize"),
        lambda: plots.winners_by_budget(BUDGETS, VALIDATION, {"grid": [1, 2, 3]}, budget=1, unit=""),
        lambda: plots.winners_by_budget(BUDGETS, VALIDATION, FRESH, budget=4, unit=""),
        lambda: plots.one_standard_error_path([0.1, 1.0], [0.5, 0.3], [0.1, 0.1], 0.5, unit=""),
        lambda: plots.curves_on_two_scales([0.1, 1.0], {"validation": [0.5]}, unit=""),
        lambda: BudgetExplorer(BUDGETS, VALIDATION, FRESH, unit="", value=7),
    ],
)
def test_bad_input_says_what_was_expected(call):
    with pytest.raises(ValueError, match=r"expected .* received"):
        call()


def test_the_slider_moves_the_marks_of_every_search():
    explorer = BudgetExplorer(BUDGETS, VALIDATION, FRESH, unit="loss unit")
    assert explorer.value == 3
    slider, _, picture = explorer.widget().children
    before = picture.value
    slider.value = 1
    assert picture.value != before
    assert bytes(picture.value) == explorer.draw(1)
    left, right = explorer.axes
    assert list(left.lines[0].get_xdata()) == [1, 1]
    np.testing.assert_array_equal(right.lines[0].get_xdata(), [0.5, 0.6])
    explorer.draw(2)
    np.testing.assert_array_equal(right.collections[0].get_segments()[1], [[0.35, 0], [0.45, 0]])
    assert "budget 2: mean optimism 0.075" in right.get_title()
