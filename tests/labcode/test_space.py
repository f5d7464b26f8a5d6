"""Points of a search: every seed draws points of its own, evenly, and ranges are exact at their ends."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

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
