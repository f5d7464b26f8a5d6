"""The figures and widgets of chapter 3, parts 1 and 3: penalties, constraints, early stopping."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from labcode import plots
from labcode.plots.penalties import MAGNITUDES, magnitude_shares
from labcode.plots.stopping import mark_stop
from labcode.widgets import MagnitudeExplorer, PatienceExplorer
from labcode.widgets.stopping import stop_and_best

EXAMPLES = settings(deadline=None, derandomize=True, max_examples=100)
NAN = float("nan")
TRACE = [1.0, 0.8, 0.7, 0.72, 0.71, 0.75, 0.6, 0.9]
WEIGHTS = {
    lam: {"in the loss": np.full(10, lam), "proximal": np.array([0.0] * int(10 * lam) + [0.1] * 3)}
    for lam in (0.1, 0.4, 1.0)
}
CURVES = {"λ = 0": (TRACE[::-1], TRACE), "λ = 1": (TRACE, TRACE)}
MATRIX = np.arange(6.0).reshape(3, 2) / 6


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def _figures():
    yield plots.magnitude_histogram(WEIGHTS[0.1])
    yield plots.curves_by_setting(CURVES, baseline=1.0)
    yield plots.losses_against_zeros([0.0, 0.1, 1.0], MATRIX, MATRIX, MATRIX)
    yield plots.norms_over_training({"max-norm": MATRIX + 1}, steps_per_epoch=2, limit=1.5)
    yield plots.stopped_trace(TRACE, stop=4, kept=2)
    yield plots.projections(MATRIX, {"unit": MATRIX})[0]


def test_every_figure_is_labelled():
    for ax in _figures():
        assert ax.get_xlabel()
        assert ax.get_ylabel()


@EXAMPLES
@given(arrays(np.float64, (4, 3), elements=st.sampled_from([0.0, -0.0, 1e-12, -3e-4, 0.5, 7.0, -40.0])))
def test_shares_count_every_weight_once_and_zeros_apart(w):
    zeros, shares = magnitude_shares(w)
    assert zeros == pytest.approx(np.mean(w == 0))
    assert zeros + shares.sum() == pytest.approx(1)
    middle = (np.abs(w) > 1e-4) & (np.abs(w) < 1e-3)
    among = (MAGNITUDES[:-1] >= -4) & (MAGNITUDES[:-1] < -3)
    assert shares[among].sum() == pytest.approx(middle.mean())


def test_the_bar_of_zeros_is_as_high_as_their_share():
    bar, line, other_bar, _ = plots.magnitude_histogram(WEIGHTS[0.4]).patches
    assert (bar.get_height(), other_bar.get_height()) == (0, pytest.approx(4 / 7))
    assert line.get_data().values.sum() == pytest.approx(1)


def test_norms_show_the_largest_and_the_median():
    ax = plots.norms_over_training({"run": MATRIX}, steps_per_epoch=2)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), MATRIX.max(axis=1))
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), np.median(MATRIX, axis=1))
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [0.5, 1.0, 1.5])


def test_zeros_are_drawn_in_percent_against_both_losses():
    ax = plots.losses_against_zeros([0.0, 0.1, 1.0], MATRIX, 1 + MATRIX, 2 + MATRIX)
    means = [line for line in ax.lines if "mean" in line.get_label()]
    for line, offset in zip(means, (1, 2), strict=True):
        np.testing.assert_allclose(line.get_xdata(), 100 * MATRIX.mean(axis=1))
        np.testing.assert_allclose(line.get_ydata(), offset + MATRIX.mean(axis=1))
    assert [text.get_text() for text in ax.texts] == ["0", "0.1", "1"]


def test_a_stopped_trace_is_cut_where_it_stops():
    run, never, line, star = plots.stopped_trace(TRACE, stop=4, kept=2).lines[:4]
    assert list(run.get_ydata()) == TRACE[:5]
    assert list(never.get_ydata()) == TRACE[4:]
    assert list(line.get_xdata()) == [4, 4]
    assert (list(star.get_xdata()), list(star.get_ydata())) == ([2], [TRACE[2]])


def test_a_trace_that_never_stops_has_no_stop():
    run, never, line, _ = plots.stopped_trace(TRACE, stop=None, kept=6).lines[:4]
    assert list(run.get_ydata()) == TRACE
    assert len(never.get_ydata()) == 1
    assert len(line.get_xdata()) == 0


def test_rules_are_drawn_below_their_trace():
    traces = {"plain": TRACE, "lost": [1.0, NAN, 0.5]}
    ends = {"plain": {"A": (4, 2), "B": (None, 6)}, "lost": {"A": (0, None), "B": (1, 1)}}
    three = traces | {"again": TRACE}
    (plain, lost), (_, empty) = plots.rules_on_traces(three, ends | {"again": ends["plain"]})
    rows = [line for line in plain.lines if len(line.get_xdata()) == 2 and line.get_linewidth() == 2]
    assert [list(row.get_xdata()) for row in rows] == [[0, 4], [0, 7]]
    stars = [
        line.get_xdata().item() for line in plain.lines if line.get_marker() == "*" and line.get_xdata().size
    ]
    assert stars == [2, 6]
    assert [line.get_xdata().tolist() for line in lost.lines if line.get_marker() == "x"] == [[1]]
    assert not empty.axison
    legend = {text.get_text() for text in plain.figure.legends[0].get_texts()}
    assert legend == {"trace", "stops here", "held for the best", "not finite"}


@EXAMPLES
@given(trace=st.lists(st.integers(0, 5).map(float), min_size=1, max_size=12), patience=st.integers(1, 5))
def test_longer_patience_never_stops_earlier_or_keeps_a_worse_epoch(trace, patience):
    stop, kept = stop_and_best(trace, patience)
    later, kept_later = stop_and_best(trace, patience + 1)
    last = len(trace) - 1
    assert (last if later is None else later) >= (last if stop is None else stop)
    assert trace[kept_later] <= trace[kept] == min(trace[: (last if stop is None else stop) + 1])


MAKE = {
    "magnitudes": lambda: MagnitudeExplorer(WEIGHTS, value=0.4),
    "patience": lambda: PatienceExplorer(TRACE, [1, 2, 3], value=2),
}


@pytest.mark.parametrize("make", MAKE.values(), ids=list(MAKE))
def test_the_slider_redraws_the_picture(make):
    explorer = make()
    slider, _, picture = explorer.widget().children
    assert slider.value == explorer.values[1]
    seen = {bytes(picture.value)}
    for value in (explorer.values[0], explorer.values[2]):
        slider.value = value
        assert bytes(picture.value) == explorer.draw(value)
        seen.add(bytes(picture.value))
    assert len(seen) == 3
    assert all(png.startswith(b"\x89PNG") for png in seen)
    assert plt.get_fignums() == []


def test_the_titles_say_what_the_picture_shows():
    magnitudes, patience = MAKE["magnitudes"](), MAKE["patience"]()
    magnitudes.update(1.0)
    title = magnitudes._axes.get_title()
    assert title == "strength λ = 1   exactly 0: in the loss 0%, proximal 77%"
    patience.update(3)
    assert patience._axes.get_title() == "patience 3: stops after epoch 5, keeps epoch 2 (loss 0.700)"


def test_the_slider_moves_what_was_drawn():
    magnitudes, patience = MAKE["magnitudes"](), MAKE["patience"]()
    magnitudes.update(1.0)
    assert magnitudes._axes.patches[2].get_height() == pytest.approx(10 / 13)
    assert magnitudes._axes.patches[3].get_data().values.sum() == pytest.approx(3 / 13)
    patience.update(1)
    run, _, line, star = patience._axes.lines[:4]
    assert (list(run.get_ydata()), list(line.get_xdata()), list(star.get_xdata())) == (TRACE[:4], [3, 3], [2])


@pytest.mark.parametrize(
    "call",
    [
        lambda: plots.magnitude_histogram({}),
        lambda: plots.magnitude_histogram({"a": np.zeros(0)}),
        lambda: plots.magnitude_histogram(dict.fromkeys("abcde", np.ones(2))),
        lambda: plots.curves_by_setting({}),
        lambda: plots.losses_against_zeros([1.0], MATRIX, MATRIX, MATRIX),
        lambda: plots.losses_against_zeros([1, 2, 3], MATRIX, MATRIX[:2], MATRIX),
        lambda: plots.losses_against_zeros([1, 2, 3], MATRIX, MATRIX, MATRIX.T),
        lambda: plots.norms_over_training({}, steps_per_epoch=1),
        lambda: plots.norms_over_training({"run": np.ones(3)}, steps_per_epoch=1),
        lambda: plots.projections(np.ones((2, 3)), {"a": np.ones((2, 3))}),
        lambda: plots.projections(np.ones((2, 2)), {}),
        lambda: plots.projections(np.ones((2, 2)), {"a": np.ones((3, 2))}),
        lambda: plots.stopped_trace([], stop=None, kept=0),
        lambda: plots.stopped_trace(TRACE, stop=8, kept=0),
        lambda: plots.stopped_trace(TRACE, stop=3, kept=4),
        lambda: mark_stop(plots.stopped_trace(TRACE, stop=3, kept=2), TRACE, stop=-1, kept=0),
        lambda: plots.rules_on_traces({"a": TRACE}, {"b": {}}),
        lambda: MagnitudeExplorer({}),
        lambda: MagnitudeExplorer({1: {"a": np.ones(2)}, 2: {"b": np.ones(2)}}),
        lambda: MagnitudeExplorer(WEIGHTS, value=0.2),
        lambda: PatienceExplorer(TRACE, []),
        lambda: PatienceExplorer(TRACE, [0.5]),
        lambda: PatienceExplorer(TRACE, [1, 2], value=3),
        lambda: PatienceExplorer([], [1]),
        lambda: PatienceExplorer([1.0, NAN], [1]),
        lambda: stop_and_best([], 1),
        lambda: stop_and_best([NAN, NAN, 1.0], 1),
    ],
)
def test_bad_input_says_what_was_expected(call):
    with pytest.raises(ValueError, match=r"expected .* received"):
        call()
