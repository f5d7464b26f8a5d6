"""Pictures of symptoms and of what is made of them, and the slider through a run."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from labcode import plots
from labcode.plots.style import FAINT
from labcode.training.diagnose import CASES
from labcode.widgets import DiagnosisExplorer

TRAIN = 0.1 + 0.9 * 0.8 ** np.arange(20)
VALIDATION = np.where(np.arange(20) < 8, TRAIN + 0.1, 0.35 + 0.05 * (np.arange(20) - 8))
RUN = {"train_loss": TRAIN, "validation_loss": VALIDATION}
CHECKS = {"baseline": (0.7, 0.75)}


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def explorer(**options):
    return DiagnosisExplorer(TRAIN, VALIDATION, CHECKS, steps=[2, 6, 12, 20], **options)


def test_every_figure_is_labelled():
    drawn = [
        *plots.symptoms(dict.fromkeys("abcde", RUN)).flat[:5],
        plots.named_cases(np.eye(3), ["a", "b", "c"]),
        plots.gain_by_gap({"weather": ([1, 2], [3, 4])}, xlabel="gap [%]"),
        plots.run_so_far(TRAIN, VALIDATION, 5, baseline=0.5),
    ]
    assert all(ax.get_xlabel() for ax in drawn)
    assert all(ax.get_ylabel() for ax in (drawn[0], drawn[3], *drawn[5:]))


def test_a_panel_shows_the_run_its_fresh_data_and_the_epoch_that_is_kept():
    axes = plots.symptoms({"one": RUN | {"fresh": 0.9, "baseline": 0.6, "kept": 7}, "two": RUN})
    lines = {line.get_label(): line.get_xydata() for line in axes[0, 0].lines}
    np.testing.assert_allclose(lines["fresh data"], [[7, 0.9]])
    np.testing.assert_allclose(lines["epoch that is kept"], [[7, VALIDATION[7]]])
    np.testing.assert_allclose(lines["training"][:, 1], TRAIN)
    assert axes[0, 0].get_title() == "one"
    assert {line.get_label() for line in axes[0, 1].lines} == {"training", "validation", "epoch that is kept"}
    assert [text.get_text() for text in axes[0, 0].figure.legends[0].get_texts()][:2] == [
        "training",
        "validation",
    ]


def test_confusion_is_in_percent_of_each_row():
    ax = plots.named_cases([[3, 1], [0, 2]], ["a", "b"])
    texts = {tuple(text.get_position()): text.get_text() for text in ax.texts}
    assert texts == {(0, 0): "75", (1, 0): "25", (1, 1): "100"}


def test_what_was_not_seen_yet_is_grey():
    ax = plots.run_so_far(TRAIN, VALIDATION, 5, baseline=0.5)
    lengths = {line.get_label(): len(line.get_xdata()) for line in ax.lines}
    assert lengths["training"] == lengths["validation"] == 5
    assert {len(line.get_xdata()) for line in ax.lines if line.get_color() == FAINT} == {20}


@pytest.mark.parametrize(
    "call",
    [
        lambda: plots.symptoms({}),
        lambda: plots.named_cases(np.eye(2), ["a"]),
        lambda: plots.run_so_far(TRAIN, VALIDATION[1:], 5, baseline=0.5),
        lambda: plots.run_so_far(TRAIN, VALIDATION, 21, baseline=0.5),
        lambda: explorer(value=5),
    ],
)
def test_bad_input_says_what_was_expected(call):
    with pytest.raises(ValueError, match=r"expected .* received"):
        call()


def test_the_slider_moves_the_curves_and_the_name():
    shown = explorer(value=2)
    slider, _, picture = shown.widget().children
    before = picture.value
    slider.value = 20
    assert picture.value != before
    assert bytes(picture.value) == shown.draw(20)
    assert len(shown.axes.lines[2].get_xdata()) == 20
    assert "overfit" in shown.axes.get_title()
    assert {shown.name(step) for step in shown.values} <= set(CASES)
