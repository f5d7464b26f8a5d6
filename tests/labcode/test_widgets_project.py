"""The sweep of a project under its slider, and the figure beside it."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from labcode import plots
from labcode.widgets import StrengthExplorer

STRENGTHS = (0.0, 0.01, 0.1)
CURVES = {s: (np.linspace(1, 0.2 + s, 5), np.linspace(1, 0.8 + s, 5)) for s in STRENGTHS}
KEPT = {0.0: [0.9, 1.0], 0.01: [0.7, 0.8], 0.1: [0.8, 0.9]}


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def test_the_figure_is_labelled_and_marks_the_lowest_mean():
    left, right = plots.strength_choice(CURVES, KEPT, 0.1, reference=0.95, unit="loss")
    assert left.get_ylabel() == "loss\n← lower is better"
    assert left.get_xlabel() == "epoch"
    assert "λ" in right.get_xlabel()
    assert [tick.get_text() for tick in right.get_xticklabels()] == ["0", "0.01", "0.1"]
    stars = [line for line in right.lines if line.get_marker() == "*"]
    np.testing.assert_allclose([stars[0].get_xdata()[0], stars[0].get_ydata()[0]], [1, 0.75])
    np.testing.assert_allclose(right.lines[0].get_xydata(), [[2, 0.85]])
    np.testing.assert_array_equal(left.lines[0].get_ydata(), CURVES[0.1][0])


@pytest.mark.parametrize(
    "call",
    [
        lambda: plots.strength_choice(CURVES, KEPT, 0.5),
        lambda: plots.strength_choice({0.0: CURVES[0.0]}, KEPT, 0.0),
        lambda: StrengthExplorer(CURVES, KEPT, value=0.5),
    ],
)
def test_bad_input_says_what_was_expected(call):
    with pytest.raises(ValueError, match=r"expected .* received"):
        call()


def test_the_slider_moves_curves_and_circle():
    explorer = StrengthExplorer(CURVES, KEPT)
    assert explorer.value == 0.01
    slider, _, picture = explorer.widget().children
    before = picture.value
    slider.value = 0.1
    assert picture.value != before
    assert bytes(picture.value) == explorer.draw(0.1)
    left, right = explorer.axes
    np.testing.assert_array_equal(left.lines[0].get_ydata(), CURVES[0.1][0])
    np.testing.assert_array_equal(left.lines[1].get_ydata(), CURVES[0.1][1])
    np.testing.assert_allclose(right.lines[0].get_xydata(), [[2, 0.85]])
    assert "0.1" in left.get_title()
    assert "0.850" in right.get_title()
