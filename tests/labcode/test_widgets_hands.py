"""The figures for the hand: each draws what its formula says, speaks, and records its states."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import minimize_scalar

from labcode import widgets
from labcode.widgets.base import ControlledFigure, word
from labcode.widgets.basics import SEEDS
from labcode.widgets.stopping import read_trace, stop_and_best


@pytest.fixture(scope="module")
def made():
    names = ("OneWeight", "Chatter", "RidgeError", "DrawAgain", "UnrolledCell", "GateMemory", "SeedInterval")
    return {name: getattr(widgets, name)() for name in names}


@settings(deadline=None, derandomize=True, max_examples=20)
@given(z=st.floats(-1.4, 1.8), lam=st.floats(0, 2))
def test_the_minima_of_one_weight_are_those_of_a_search(z, lam):
    shown = widgets.OneWeight.minima(None, z, lam)
    for best, penalty in zip(shown, (lambda v: lam * abs(v), lambda v: lam / 2 * v**2), strict=True):
        found = minimize_scalar(
            lambda v, cost=penalty: (v - z) ** 2 / 2 + cost(v), bounds=(-3, 3), method="bounded"
        )
        assert best == pytest.approx(found.x, abs=1e-4)


def test_the_gradient_of_l1_never_rests_and_the_proximal_step_does(made):
    for lr, lam in ((0.01, 0.1), (0.2, 1.0), (0.1, 0.5)):
        rough, exact = made["Chatter"].paths(lr, lam)
        assert (rough != 0).all()
        below = np.flatnonzero(np.abs(exact) == 0)
        assert below.size == 0 or (exact[below[0] :] == 0).all()
        if below.size:
            assert (np.abs(rough[below[0] :]) <= lr * lam + 1e-12).all()


def test_the_error_of_ridge_is_that_of_drawn_data(made):
    s, n, lam, rng = 1.0, 10, 0.3, np.random.default_rng(0)
    truth = rng.standard_normal(20_000)
    seen = truth + s / n**0.5 * rng.standard_normal(20_000)
    drawn = np.square(seen / (1 + lam) - truth).mean()
    assert made["RidgeError"].error(lam, s, n) == pytest.approx(drawn, rel=0.05)
    strengths = np.linspace(0, 1, 1001)
    assert strengths[made["RidgeError"].error(strengths, s, n).argmin()] == pytest.approx(s**2 / n, abs=1e-3)


def test_a_draw_is_dropped_or_scaled_and_the_mean_comes_closer(made):
    one, mean = made["DrawAgain"].values(0.5, 12)
    x = made["DrawAgain"].x
    assert all(value == 0 or value == pytest.approx(2 * plain) for value, plain in zip(one, x, strict=True))
    first, _ = made["DrawAgain"].values(0.5, 1)
    assert np.abs(mean - x).mean() < np.abs(first - x).mean()
    np.testing.assert_allclose(made["DrawAgain"].values(0.0, 3)[0], x)


def test_a_locked_mask_is_the_same_at_every_step_and_a_new_one_is_not(made):
    cell = made["UnrolledCell"]
    locked = cell.mask("recurrent dropout on c, locked", 0.5, 2)
    new = cell.mask("recurrent dropout on c, new", 0.5, 2)
    assert (locked == locked[0]).all()
    assert not (new == new[0]).all()
    assert cell.left("zoneout on c", 0.5, 2).startswith("4 of 4")
    assert cell.left("recurrent dropout on c, new", 0.5, 2).startswith(f"{(~new.any(axis=0)).sum()} of 4")


def test_a_gates_memory_is_the_cells_own_recursion(made):
    for f, i in ((0.0, 1.0), (0.9, 0.5), (1.0, 0.0)):
        c, held = 1.0, [1.0]
        for t in range(1, 61):
            c = f * c + i * (t == 10)
            held.append(c)
        np.testing.assert_allclose(made["GateMemory"].cell(f, i), held, atol=1e-12)


def test_an_interval_is_students(made):
    for seeds in SEEDS:
        values, mean, half = made["SeedInterval"].interval(seeds, 0.5, 3)
        low, high = stats.t.interval(0.95, seeds - 1, values.mean(), stats.sem(values))
        assert (mean - half, mean + half) == (pytest.approx(low), pytest.approx(high))


def test_constraints_keep_the_angle_and_hold_their_norms():
    vector = widgets.VectorUnderConstraints()
    for length in (0.25, 2.0):
        norms = np.linalg.norm(vector.moved(length, 60, 1.0), axis=1)
        np.testing.assert_allclose(norms, [length, min(length, 1), 1, np.clip(length, 0.5, 1)], atol=1e-6)
        directions = vector.moved(length, 60, 1.0) / norms[:, None]
        np.testing.assert_allclose(directions, directions[:1].repeat(4, axis=0), atol=1e-6)


class Two(ControlledFigure):
    """A figure of a number and a word, of which the word changes nothing that is seen."""

    def __init__(self, **options):
        self.ax = plt.figure(figsize=(1, 1)).add_subplot()
        super().__init__(self.ax.figure, {"n": (1, 2, 3), "word": ("a", "b")}, **options)

    def change(self, n, _):
        self.ax.set_title(f"n is {n}")


def test_frames_record_every_state_with_its_words_and_alt_text():
    shell = Two(value=(2, "b"))
    controls, states = shell.frames()
    assert controls == {"n": (["1", "2", "3"], 1), "word": (["a", "b"], 1)}
    settings = [(n, w) for n in (1, 2, 3) for w in "ab"]
    assert [words for words, _, _ in states] == [f"n {n}, word {w}: n is {n}" for n, w in settings]
    for (n, w), (_, picture, alt) in zip(settings, states, strict=True):
        assert picture == shell.picture(n, w)
        assert f"n is {n}" in alt


class Many(Two):
    """A figure with more states than a page has pictures for."""

    def __init__(self, controls, value):
        self.ax = plt.figure(figsize=(1, 1)).add_subplot()
        ControlledFigure.__init__(self, self.ax.figure, controls, value=value)


@pytest.mark.parametrize(("n", "m"), [(41, 5), (40, 1), (200, 1)])
def test_frames_leave_out_numbers_where_there_are_too_many_but_no_word_and_not_the_first_state(n, m):
    controls = {"n": range(n), "word": tuple(f"w{i}" for i in range(m))}
    shell = Many(controls, (n - 2, "w0"))
    kept, states = shell.frames()
    numbers, at = kept["n"]
    assert kept["word"] == (list(controls["word"]), 0)
    assert numbers[at] == str(n - 2)
    assert 64 / 2 < len(states) == len(numbers) * m <= 64
    assert np.ptp(np.diff([int(number) for number in numbers])) == 0


def test_frames_leave_out_words_where_there_is_nothing_else():
    kept, states = Many({"n": [1], "word": [f"w{i}" for i in range(100)]}, (1, "w1")).frames()
    assert len(states) == 50
    assert kept["word"][1] == 0
    assert kept["word"][0][0] == "w1"


def test_a_control_moves_the_picture_and_says_where_it_stands():
    shell = Two(value=(1, "a"))
    number, letter, words, picture = shell.widget().children
    before = bytes(picture.value)
    number.value = 3
    assert bytes(picture.value) != before
    assert "<b>n 3, word a</b> n is 3" in words.value
    assert 'role="status"' in words.value
    assert "waiting" in words.value
    assert "n is 3" in picture.tooltip
    assert (number.description, letter.description) == ("n", "word")
    for bad in ({"value": (9, "a")}, {"value": (1,)}):
        with pytest.raises(ValueError, match=r"expected .* received"):
            Two(**bad)


def test_words_of_values():
    assert [word(value) for value in (0.1, 3, "L2", ("l2", 0.01))] == ["0.1", "3", "L2", "l2, 0.01"]


def test_a_trace_of_ones_own_is_read_or_refused_and_drawn():
    np.testing.assert_array_equal(read_trace(" 1, 0.5 2e-1"), [1, 0.5, 0.2])
    for bad in ("", "1", "1 two", "1 nan", "1 inf", "1 " * 101):
        with pytest.raises(ValueError, match="2 to 100 numbers"):
            read_trace(bad)
    field, slider, words, picture = widgets.OwnTrace(value=2).widget().children
    before = bytes(picture.value)
    field.value = "1 x"
    assert "expected" in words.value
    assert bytes(picture.value) == before
    field.value = "3 2 1 2 2 2 0"
    slider.value = 4
    stop, kept = stop_and_best([3, 2, 1, 2, 2, 2, 0], 4)
    assert stop is None
    assert f"never stops, keeps epoch {kept}" in words.value


def test_every_widget_has_words_and_frames():
    for name in widgets.__all__:
        assert issubclass(getattr(widgets, name), ControlledFigure), name
