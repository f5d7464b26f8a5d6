"""Figures and widgets: labelled axes with units, a shaded gap, redraws that really change."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from labcode import plots
from labcode.widgets import CurveExplorer

TRAIN = np.linspace(1.0, 0.2, 12)
VALIDATION = 0.9 + 0.5 * np.linspace(-0.6, 1.0, 12) ** 2


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def _axes_by_function():
    yield plots.learning_curves(TRAIN, VALIDATION, baseline=1.0)
    yield plots.weight_histogram({"input": np.arange(-3.0, 4.0), "recurrent": np.ones((2, 2))})
    yield plots.losses_against(
        [4, 8], np.ones((2, 3)), np.full((2, 3), 2.0), xlabel="hidden units", baseline=1.5
    )
    yield plots.paired_differences({"L2": np.array([-1.0, 0.5])}, {"L2": (-1.0, 0.5)})
    days = np.arange("2012-01-01", "2012-01-13", dtype="datetime64[D]")
    yield plots.time_series({"training": (days, TRAIN), "test": (days, VALIDATION)}, unit="temperature [°C]")
    yield plots.forecasts({"training": (TRAIN, TRAIN), "test": (TRAIN, VALIDATION)}, unit="°C")[0]


def test_a_forecast_is_drawn_against_its_outcome():
    panel = plots.forecasts({"test": (TRAIN[:, None], VALIDATION[:, None])}, unit="°C")[0]
    np.testing.assert_array_equal(panel.lines[0].get_xdata(), TRAIN)
    np.testing.assert_array_equal(panel.lines[0].get_ydata(), VALIDATION)
    assert panel.get_title() == "test"


def test_every_figure_is_labelled():
    for ax in _axes_by_function():
        assert ax.get_xlabel()
        assert ax.get_ylabel() or [tick.get_text() for tick in ax.get_yticklabels()] == ["L2"]


def test_learning_curves_shade_the_gap_and_mark_the_best_epoch():
    ax = plots.learning_curves(TRAIN, VALIDATION, baseline=1.0)
    labels = ax.get_legend_handles_labels()[1]
    assert "generalization gap" in labels
    assert f"best epoch: {int(np.argmin(VALIDATION))}" in labels
    shade = ax.collections[0].get_datalim(ax.transData)
    assert shade.ymax == pytest.approx(VALIDATION.max())
    assert shade.ymin == pytest.approx(TRAIN.min())


def _luminance(colour: str) -> float:
    return float(np.dot(matplotlib.colors.to_rgb(colour), (0.299, 0.587, 0.114)))


def test_the_two_curves_differ_in_lightness_and_line_style():
    ax = plots.learning_curves(TRAIN, VALIDATION)
    train, validation = ax.lines[:2]
    assert abs(_luminance(train.get_color()) - _luminance(validation.get_color())) > 0.1
    assert train.get_linestyle() != validation.get_linestyle()


@pytest.mark.parametrize(
    "call",
    [
        lambda: plots.learning_curves(TRAIN, VALIDATION[:-1]),
        lambda: plots.learning_curves([], []),
        lambda: plots.weight_histogram({}),
        lambda: plots.losses_against([4], np.ones((2, 3)), np.ones((2, 3)), xlabel="x"),
        lambda: plots.paired_differences({"a": np.ones(2)}, {"b": (0.0, 1.0)}),
        lambda: CurveExplorer({1: ([1.0], [1.0, 2.0])}, setting="x"),
        lambda: CurveExplorer({1: ([1.0], [1.0])}, setting="x").draw(2),
    ],
)
def test_bad_input_says_what_was_expected(call):
    with pytest.raises(ValueError, match=r"expected .* received"):
        call()


@pytest.fixture
def explorer():
    return CurveExplorer(
        {hidden: (TRAIN / hidden, VALIDATION) for hidden in (1, 2, 4)}, setting="hidden units", baseline=1.0
    )


def test_the_slider_redraws_the_picture(explorer):
    slider, _, picture = explorer.widget().children
    before = picture.value
    slider.value = 1
    assert picture.value != before
    assert bytes(picture.value) == explorer.draw(1)
    assert bytes(picture.value).startswith(b"\x89PNG")


def test_no_figure_stays_open_behind_the_widget(explorer):
    explorer.draw(1)
    assert plt.get_fignums() == []
