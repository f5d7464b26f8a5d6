"""The standard error of a mean over seeds and items: against textbook formulas, and by its coverage."""

import numpy as np
import pytest
from coverage_simulation import REGIMES, covered
from scipy import stats

from labcode.experiments.standard_error import cells, estimate, gap_error

RNG = np.random.default_rng


def found(differences, **options):
    return estimate(cells(np.asarray(differences, dtype=float), **options))


@pytest.mark.parametrize("shape", [(10, 1), (1, 10)])
def test_one_direction_alone_is_students_test(shape):
    differences = RNG(0).normal(0.5, size=shape)
    one, scipys = found(differences), stats.ttest_1samp(differences.ravel(), 0)
    assert (one.mean, one.df) == (pytest.approx(differences.mean()), 9)
    assert one.p == pytest.approx(scipys.pvalue)
    assert one.interval(0.9) == pytest.approx(tuple(scipys.confidence_interval(0.9)))


def test_two_directions_are_the_mean_squares_of_a_two_way_table():
    """By statsmodels' analysis of variance: V = (MS_seeds + MS_items - MS_rest) / (S U)."""
    ols = pytest.importorskip("statsmodels.formula.api").ols
    anova_lm = pytest.importorskip("statsmodels.api").stats.anova_lm
    d = RNG(1).normal(size=(4, 6)) + RNG(2).normal(size=(4, 1)) + RNG(3).normal(size=6)
    rows, columns = np.indices(d.shape)
    table = anova_lm(ols("d ~ C(s) + C(u)", {"d": d.ravel(), "s": rows.ravel(), "u": columns.ravel()}).fit())
    seeds, items, rest = table["mean_sq"]
    one = found(d)
    assert one.se**2 == pytest.approx((seeds + items - rest) / d.size)
    df = (seeds + items - rest) ** 2 / (seeds**2 / 3 + items**2 / 5 + rest**2 / 15)
    assert one.df == pytest.approx(df)


def test_the_variance_is_not_below_that_of_either_direction():
    d = np.array([[1.0, -1, 0, 0], [-1, 1, 0, 0], [0, 0, 1, -1.0], [0, 0, -1, 2]])
    one, rows, columns = found(d), found(d.mean(axis=1)[:, None]), found(d.mean(axis=0)[None])
    assert one.se == pytest.approx(max(rows.se, columns.se))
    assert one.df >= 3


def test_blocks_are_neighbours_of_nearly_one_size():
    d = np.arange(14.0).reshape(2, 7)
    one = cells(d, block=2)
    np.testing.assert_array_equal(one.counts, [3, 2, 2])
    np.testing.assert_array_equal(one.totals, [[3, 7, 11], [24, 21, 25]])
    assert one.mean == pytest.approx(6.5)
    np.testing.assert_array_equal(cells(d).totals, d)
    assert cells(d, block=3).counts.tolist() == [4, 3]


def test_units_of_any_name_are_summed_wherever_their_items_stand():
    d = RNG(0).normal(size=(3, 6))
    one = cells(d, units=np.array(["b", "a", "b", "c", "a", "b"]))
    np.testing.assert_allclose(one.totals, np.c_[d[:, [1, 4]].sum(1), d[:, [0, 2, 5]].sum(1), d[:, 3]])
    np.testing.assert_array_equal(cells(d, units=np.array([[5, 3, 5, 9, 3, 5]])).totals, one.totals)
    repeated = np.tile([5, 3, 5, 9, 3, 5], (3, 1))
    np.testing.assert_array_equal(cells(d, units=repeated).totals, one.totals)


def test_units_of_unequal_size_weigh_as_their_items_do():
    d = RNG(0).normal(size=(1, 7))
    one = found(d, units=np.array([0, 0, 0, 0, 1, 2, 2]))
    assert one.mean == pytest.approx(d.mean())
    parts = np.array([(d[0, at] - d.mean()).sum() / 7 for at in ([0, 1, 2, 3], [4], [5, 6])])
    assert one.se**2 == pytest.approx(np.square(parts).sum() * 3 / 2)  # the ratio estimator's variance
    assert one.df == 2


def test_seeds_that_decide_alone_have_their_own_degrees_of_freedom_whatever_the_units_sizes():
    by_seed = np.array([0.1, 0.4, -0.3, 0.2])
    one = found(np.repeat(by_seed[:, None], 7, axis=1), units=np.array([0, 0, 0, 0, 1, 2, 2]))
    assert one.se == pytest.approx(stats.sem(by_seed))
    assert one.df == pytest.approx(3)


def test_degrees_of_freedom_are_never_fewer_than_those_of_the_fewer_draws():
    d = np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 2]]) + np.array([[0.0], [0.3], [0.6]])
    one = found(d)
    assert one.df == 2  # Satterthwaite's alone would be below 1
    assert one.se > 0


def test_where_every_seed_has_items_of_its_own_the_seeds_say_all():
    d, units = RNG(0).normal(size=(5, 8)), np.arange(40).reshape(5, 8)
    assert found(d, units=units) == found(d.mean(axis=1)[:, None])


def test_what_never_differs_has_no_spread():
    for value, p in ((0.0, 1.0), (0.2, 0.0)):
        one = found(np.full((3, 4), value))
        assert (one.se, one.p) == (0, p)
        assert one.interval() == pytest.approx((value, value))


def test_the_error_of_a_gap_is_that_of_two_independent_means():
    """Welch's, by SciPy; of units, that of their means where all have one size."""
    a, b = RNG(0).normal(size=30), RNG(1).normal(2, 3, size=12)
    difference = stats.ttest_ind(a, b, equal_var=False)
    assert gap_error(a, b) == pytest.approx((a.mean() - b.mean()) / difference.statistic)
    units = np.arange(30) % 6, np.arange(12) // 3
    means = [
        np.array([x[of == u].mean() for u in np.unique(of)]) for x, of in zip((a, b), units, strict=True)
    ]
    assert gap_error(a, b, units) == pytest.approx(np.hypot(*map(stats.sem, means)))


@pytest.mark.parametrize(
    ("differences", "options", "message"),
    [
        (np.zeros(3), {}, r"differences, \(seeds, items\): expected shape"),
        (np.zeros((1, 1)), {}, "differences: expected several seeds or several items"),
        (np.full((2, 2), np.nan), {}, "differences: expected"),
        (np.zeros((2, 9)), {"block": 5}, "block: expected at most half of the 9 items, received 5"),
        (np.zeros((2, 9)), {"block": 0}, "block: expected a whole number of at least 1"),
        (np.zeros((2, 3)), {"units": np.zeros(3)}, "units: expected at least two of them, received 1"),
        (np.zeros((2, 3)), {"units": np.arange(4)}, "units: expected shape"),
        (np.zeros((2, 2)), {"units": np.array([[0, 1], [1, 2]])}, "units: expected the same for all seeds"),
    ],
)
def test_what_has_no_standard_error_is_refused(differences, options, message):
    with pytest.raises(ValueError, match=message):
        found(differences, **options)


def test_a_level_is_a_share():
    with pytest.raises(ValueError, match=r"level: expected a finite number in \[0, 1\], received 95"):
        found(RNG(0).normal(size=(3, 1))).interval(95)


@pytest.mark.parametrize("regime", ["items 500", "series 360", "speakers 10", "own parts"])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_intervals_cover_a_known_truth(regime, share):
    """A small version of the simulation; 300 repeats of 95 % have a standard error of 1.3 points."""
    hits = covered(REGIMES[regime], seeds=10, share=share, repeats=300, rng=RNG(0))
    assert 0.91 <= hits["rule"] <= 0.99
    if share == 1:
        assert hits["percentile"] < 0.93
