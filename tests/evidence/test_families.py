"""Several effects at once: a false alarm in the family is rare, and an effect alone is judged alone."""

import numpy as np
import pytest
from scipy import stats

from labcode.experiments.families import of_estimate, of_interval, resampled, simultaneous
from labcode.experiments.standard_error import cells, estimate

RNG = np.random.default_rng


def member(differences, data="weather", **options):
    found = cells(np.asarray(differences, dtype=float), **options)
    return of_estimate(estimate(found), found, data)


def test_one_effect_is_judged_by_itself():
    d = RNG(0).normal(0.3, size=(10, 1))
    (alone,), test = simultaneous([member(d)]), stats.ttest_1samp(d.ravel(), 0)
    low, high = test.confidence_interval(0.95)
    assert alone.reach == pytest.approx((d.mean() - low, high - d.mean()))
    assert alone.p == pytest.approx(test.pvalue)
    power = stats.t.ppf(0.8, 9) * stats.sem(d.ravel())
    assert alone.detectable == pytest.approx(alone.reach[0] + power)


def test_what_is_independent_is_widened_by_sidaks_rule():
    """Against statsmodels, which adjusts the same p-values."""
    multipletests = pytest.importorskip("statsmodels.stats.multitest").multipletests
    family = [member(RNG(n).normal(0.3, size=(10, 1)), data=f"task {n}") for n in range(4)]
    raw = [2 * stats.norm.sf(one.z) for one in family]
    found = simultaneous(family)
    np.testing.assert_allclose([one.p for one in found], multipletests(raw, method="sidak")[1], rtol=1e-6)
    level = 0.95 ** (1 / 4)
    assert found[0].reach[0] == pytest.approx(family[0].reach(stats.norm.ppf((1 + level) / 2))[0], rel=1e-4)


def test_what_is_the_same_counts_once():
    d = RNG(0).normal(0.3, size=(10, 30))
    alone, twice = simultaneous([member(d)]), simultaneous([member(d), member(d), member(-2 * d)])
    assert twice[0].reach[0] == pytest.approx(alone[0].reach[0], rel=0.03)
    assert twice[2].reach[0] == pytest.approx(2 * twice[0].reach[0])
    apart = simultaneous([member(d), member(d, data="speech"), member(d, data="text")])
    assert apart[0].reach[0] > 1.1 * twice[0].reach[0]


def test_other_seeds_or_units_are_other_data():
    d, rng = RNG(0).normal(0.3, size=(10, 30)), RNG(1)
    family = [member(d), member(d, block=3), member(d[:, :20]), member(rng.normal(size=(5, 30)))]
    apart = [member(d, data="a"), member(d, data="b"), member(d, data="c"), member(d, data="d")]
    assert simultaneous(family)[0].reach == pytest.approx(simultaneous(apart)[0].reach, rel=1e-4)


def test_resamples_are_shared_and_have_the_correlation_of_the_effects():
    rng = RNG(0)
    a, noise = rng.normal(size=(10, 40)), rng.normal(size=(10, 40))
    first, second = (resampled(cells(d), 4000) for d in (a, 0.8 * a + 0.6 * noise))
    assert np.std(first) == pytest.approx(1, rel=1e-3)
    assert abs(first.mean()) < 1e-3
    parts = [np.r_[d.mean(1) - d.mean(), (d.mean(0) - d.mean())] for d in (a, 0.8 * a + 0.6 * noise)]
    weights = np.r_[np.full(10, 1 / 10**2), np.full(40, 1 / 40**2)]
    covariance = np.array([[np.sum(weights * p * q) for q in parts] for p in parts])
    expected = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(expected, abs=0.06)
    np.testing.assert_array_equal(first, resampled(cells(a), 4000))


def test_seeds_and_units_each_move_the_resamples():
    units, seeds = RNG(0).normal(size=(1, 40)), RNG(1).normal(size=(8, 1))
    for differences in (np.tile(units, (8, 1)), np.tile(seeds, (1, 40))):
        assert np.std(resampled(cells(differences), 1000)) == pytest.approx(1, rel=1e-3)


def test_no_p_value_is_smaller_than_the_resamples_can_tell():
    d = 50 + RNG(0).normal(size=(10, 30))
    assert simultaneous([member(d), member(d)], draws=1000)[0].p == pytest.approx(1 / 1001)


@pytest.mark.parametrize("common", [0.0, 0.9])
def test_false_alarms_in_a_family_are_rare(common):
    """300 families of eight null effects, independent or alike: 5 %, with a standard error of 1.3."""
    rng, alarms, raw, covered = RNG(2), 0, 0, 0
    for _ in range(300):
        shared = rng.normal(size=(10, 1)) + rng.normal(size=(10, 40))
        differences = [
            np.sqrt(common) * shared
            + np.sqrt(1 - common) * (rng.normal(size=(10, 1)) + rng.normal(size=(10, 40)))
            for _ in range(8)
        ]
        family = [member(d) for d in differences]
        found = simultaneous(family, draws=1000)
        alarms += min(one.p for one in found) < 0.05
        raw += min(2 * stats.norm.sf(one.z) for one in family) < 0.05
        covered += all(abs(d.mean()) <= one.reach[0] for d, one in zip(differences, found, strict=True))
    assert 0.01 <= alarms / 300 <= 0.09
    assert raw / 300 > (0.2 if common == 0 else 0.05)
    assert covered / 300 == pytest.approx(1 - alarms / 300, abs=0.02)


def test_an_interval_read_from_a_file_is_a_member_of_its_own():
    one = of_interval(-0.2, (-0.4, -0.1))
    assert one.reach(stats.norm.ppf(0.975)) == pytest.approx((0.2, 0.1))
    assert one.z == pytest.approx(2 * stats.norm.ppf(0.975))  # by the side that looks at 0
    assert of_interval(0.2, (0.1, 0.6)).z == pytest.approx(2 * stats.norm.ppf(0.975))
    found = simultaneous([one, one])
    stretch = stats.norm.ppf((1 + 0.95**0.5) / 2) / stats.norm.ppf(0.975)
    assert found[0].reach == pytest.approx((0.2 * stretch, 0.1 * stretch), rel=1e-4)
    assert found[0].detectable > max(found[0].reach)
    with pytest.raises(ValueError, match="interval: expected the lower end first"):
        of_interval(0.0, (0.1, -0.1))


@pytest.mark.parametrize(("value", "p"), [(0.0, 1.0), (0.3, 0.0)])
def test_what_never_differs_has_no_width(value, p):
    constant, other = member(np.full((10, 4), value)), member(RNG(0).normal(size=(10, 4)))
    found = simultaneous([constant, other])
    assert found[0].reach == (0, 0)
    assert found[0].p == pytest.approx(p, abs=1e-3)
    assert of_interval(value, (value, value)).z == (np.inf if value else 0.0)


def test_no_family_without_a_member():
    with pytest.raises(ValueError, match="family: expected at least one effect"):
        simultaneous([])
