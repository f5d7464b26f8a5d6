"""Points of a search: every seed draws points of its own, evenly, and ranges are exact at their ends."""

import doctest
import importlib
import itertools
import math

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from labcode.search import Choice, IntRange
from labcode.search.space import Range, grid_points, random_point

SPACE = {"l2": Range(1e-4, 1.0, log=True), "rate": Range(0.0, 0.8)}


def test_no_two_seeds_share_a_point():
    """seed + place, in the place of the pair, would give seed 1 all points of seed 0 but one."""
    points = [
        tuple(random_point(SPACE, p, seed=s).values()) for s, p in itertools.product(range(20), repeat=2)
    ]
    assert len(set(points)) == len(points)


def test_points_of_neighbouring_seeds_and_numbers_are_independent():
    shares = np.array([[random_point(SPACE, p, seed=s)["rate"] / 0.8 for p in range(30)] for s in range(30)])
    for along in (shares, shares.T):
        assert stats.kstest(along[0], "uniform").pvalue > 0.001
        for neighbour in (along[1:], np.roll(along, 1, axis=1)[1:], np.roll(along, -1, axis=1)[1:]):
            assert abs(stats.spearmanr(along[:-1].ravel(), neighbour.ravel()).statistic) < 0.12


def test_a_point_does_not_depend_on_the_ranges_after_it():
    first = {"l2": SPACE["l2"]}
    assert [random_point(first, p, seed=1)["l2"] for p in range(5)] == [
        random_point(SPACE, p, seed=1)["l2"] for p in range(5)
    ]


@pytest.mark.parametrize("seed", range(3))
def test_a_grid_that_is_cut_short_has_not_only_seen_one_side(seed):
    half = [point["l2"] for point in grid_points(SPACE, 36, seed=seed)[:18]]
    assert len(set(half)) >= 5


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(("low", "high"), [(0.1, 0.3), (1e-7, 3.3), (0.7, 0.7000001)])
def test_the_ends_are_met_exactly_and_never_passed(low, high, log):
    part = Range(low, high, log)
    assert (part.at(0.0), part.at(1.0)) == (low, high)
    assert (part.levels(7)[0], part.levels(7)[-1]) == (low, high)
    assert part.near(low, 0.5).low == low
    assert part.near(high, 0.5).high == high
    for share in (-1e-12, 1 + 1e-12, math.nan):
        with pytest.raises(ValueError, match=r"share: expected .* received"):
            part.at(share)
    for value in (np.nextafter(low, 0), np.nextafter(high, 9)):
        with pytest.raises(ValueError, match=r"value: expected .* received"):
            part.near(float(value), 0.5)
    with pytest.raises(ValueError, match=r"share: expected a number in \(0, 1\], received"):
        part.near(low, 1 + 1e-12)


@pytest.mark.parametrize("seed", [-1, 0.5, None])
def test_a_seed_is_a_whole_number(seed):
    for draw in (lambda: random_point(SPACE, 0, seed=seed), lambda: grid_points(SPACE, 4, seed=seed)):
        with pytest.raises(ValueError, match=r"seed: expected .* received"):
            draw()


# Whole numbers and categories


@settings(deadline=None, derandomize=True)
@given(low=st.integers(-5, 20), count=st.integers(2, 9), step=st.integers(1, 4), wanted=st.integers(1, 12))
def test_whole_numbers_are_those_of_optuna_s_distribution(low, count, step, wanted):
    high = low + (count - 1) * step
    part, theirs = IntRange(low, high, step=step), optuna.distributions.IntDistribution(low, high, step=step)
    found = [part.at(share) for share in np.linspace(0, 1, 50)]
    assert sorted(set(found)) == list(range(low, high + 1, step))
    assert all(type(value) is int and theirs._contains(value) for value in [*found, *part.levels(wanted)])
    levels = part.levels(wanted)
    assert len(levels) == len(set(levels)) == min(wanted, count)
    assert wanted == 1 or (levels[0], levels[-1]) == (low, high)


def test_whole_numbers_are_drawn_as_evenly_as_optuna_draws_them():
    """Each number has its share, on a logarithmic scale that of the half numbers around it."""
    for part in (IntRange(1, 12), IntRange(1, 12, log=True), IntRange(8, 64, step=8)):
        space = {"units": part}
        ours = [random_point(space, place, seed=1)["units"] for place in range(3000)]
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        theirs = [part.suggest(study.ask(), "units") for _ in range(3000)]
        table = [[values.count(value) for value in sorted({*ours, *theirs})] for values in (ours, theirs)]
        assert stats.chi2_contingency(table).pvalue > 0.001


def test_categories_are_drawn_evenly_and_keep_their_type():
    options = ["h", None, True, 2, 0.5]
    space = {"on": Choice(options)}
    drawn = [random_point(space, place, seed=2)["on"] for place in range(2000)]
    counts = [sum(value is option or value == option != 1 for value in drawn) for option in options]
    assert stats.chisquare(counts).pvalue > 0.001
    assert {type(value) for value in drawn} == {type(option) for option in options}
    assert [type(v) for v in Choice(np.array([16, 32])).options] == [int, int]


def test_a_grid_has_all_categories_and_as_many_whole_numbers_as_there_are():
    space = {"l2": Range(0.0, 1.0), "num_layers": IntRange(1, 2), "on": Choice(["h", "g", "c"])}
    points = grid_points(space, 24, seed=0)
    wanted = itertools.product([0.0, 1 / 3, 2 / 3, 1.0], [1, 2], "hgc")
    assert sorted(tuple(p.values()) for p in points) == sorted(wanted)
    few = {"num_layers": IntRange(1, 3), "on": Choice(["h", "c"])}
    assert len(grid_points(few, 6, seed=0)) == 6
    for trials, such in ((5, 6), (7, 6), (1000, 6)):
        with pytest.raises(
            ValueError, match=rf"trials: expected .*full grid.* \(such as {such}\), rec.* {trials}"
        ):
            grid_points(few, trials, seed=0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: IntRange(1.5, 3), "low: expected a whole number"),
        (lambda: IntRange(1, 3.0), "high: expected a whole number"),
        (lambda: IntRange(True, 3), "low: expected a whole number"),
        (lambda: IntRange(3, 3), "low, high: expected two whole numbers, the lower one first"),
        (lambda: IntRange(0, 3, log=True), "low: expected a number above 0 on a logarithmic scale"),
        (lambda: IntRange(1, 4, step=2), "step: expected one that leads from low to high"),
        (lambda: IntRange(1, 5, log=True, step=2), "step: expected 1 on a logarithmic scale"),
        (lambda: IntRange(1, 5, step=0), "step: expected a whole number of at least 1"),
        (lambda: IntRange(1, 5, log="yes"), "log: expected True or False"),
        (lambda: IntRange(1, 5).levels(0), "count: expected a whole number"),
        (lambda: IntRange(1, 5).at(1.1), "share: expected"),
        (lambda: Choice("hgc"), "options: expected at least two different texts"),
        (lambda: Choice(["h"]), "options: expected at least two"),
        (lambda: Choice(["h", "h"]), "options: expected at least two"),
        (lambda: Choice([1, True]), "options: expected at least two different"),
        (lambda: Choice([(8, 8), (16,)]), "options: expected .*of other things their names"),
        (lambda: Choice([math.sin, math.cos]), "options: expected .*of other things their names"),
        (lambda: Choice([[8], [16]]), "options: expected .*of other things their names"),
        (lambda: Choice([0.1, math.nan]), "options: expected"),
        (lambda: Choice({"h": 1, "g": 2}), "options: expected"),
        (lambda: Choice([1, 2]).at(-0.1), "share: expected"),
    ],
)
def test_other_values_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("module", ["space", "trials", "selection"])
def test_the_examples_in_the_docstrings_run(module):
    module = importlib.import_module(f"labcode.search.{module}")
    result = doctest.testmod(module, extraglobs={"Choice": Choice, "IntRange": IntRange, "Range": Range})
    assert result.attempted > 0
    assert result.failed == 0
