"""Effects: sizes in % of the reference, families, and results that were written before there were any."""

import json

import numpy as np
import pytest

from labcode.experiments.effects import Effect, adjusted_p, clear_side, compare, member, percent_of
from labcode.experiments.standard_error import cells, estimate

RNG = np.random.default_rng


def test_an_effect_says_its_size_its_certainty_and_both_in_percent():
    d = RNG(0).normal(-0.2, 0.1, (10, 40))
    effect, one = compare({"l2": d}, reference=2.0)["l2"], estimate(cells(d))
    assert effect["mean"] == pytest.approx(d.mean(), abs=1e-5)
    assert effect["interval"] == pytest.approx(one.interval(), abs=1e-5)
    assert effect["simultaneous"] == pytest.approx(one.interval(), abs=1e-5)  # a family of one
    assert (effect["p"], effect["p_adjusted"]) == (one.p, one.p)
    np.testing.assert_allclose(effect["by_seed"], d.mean(axis=1), atol=1e-5)
    assert effect["percent"] == pytest.approx(
        [50 * d.mean(), *(50 * end for end in one.interval())], abs=1e-3
    )
    assert json.loads(json.dumps(effect)) == effect
    assert "percent" not in compare({"l2": d})["l2"]


def test_a_family_widens_what_is_compared_together():
    rng = RNG(0)
    ds = {f"method {n}": rng.normal(-0.2, 1, (10, 40)) for n in range(6)}
    for label, effect in compare(ds).items():
        alone = compare({label: ds[label]})[label]
        assert effect["interval"] == alone["interval"]
        assert np.ptp(effect["simultaneous"]) > 1.1 * np.ptp(effect["interval"])
        assert effect["p_adjusted"] >= effect["p"]


def test_blocks_and_units_reach_the_standard_error():
    d = np.repeat(RNG(0).normal(size=(1, 10)), 10, axis=1) + RNG(1).normal(0, 0.1, (5, 100))
    blocks = compare({"a": d}, block=10)["a"]
    assert blocks["se"] > 2 * compare({"a": d})["a"]["se"]
    assert compare({"a": d}, units=np.arange(100) // 10)["a"] == blocks


def test_nothing_compared_is_no_effect():
    assert compare({}) == {}


def test_references_may_differ_by_name():
    d = np.ones((2, 1)) * [[1.0], [2.0]]
    found = compare({"a": d, "b": d}, reference={"a": 1.0, "b": 10.0})
    assert [found[name]["percent"][0] for name in "ab"] == [150, 15]


@pytest.mark.parametrize("reference", [0.0, -1.0, float("nan")])
def test_nothing_is_a_share_of_what_is_not_above_zero(reference):
    with pytest.raises(ValueError, match="reference: expected"):
        percent_of(reference, [1.0])


def test_an_effect_can_be_resampled_until_it_is_written_down():
    effect = compare({"a": RNG(0).normal(0.5, 1, (10, 30))})["a"]
    assert isinstance(effect, Effect)
    assert member(effect, "weather").cells is effect.cells
    read = json.loads(json.dumps(effect))
    assert member(read, "weather").cells is None
    assert member(read, "weather").z > 0


@pytest.mark.parametrize(
    ("effect", "side", "p"),
    [
        ({"mean": -0.2, "interval": [-0.3, -0.1], "p_holm": 0.01}, "lower", 0.01),
        ({"mean": -0.2, "interval": [-0.3, -0.1], "p_holm": 0.05}, "unclear", 0.05),
        ({"mean": 0.2, "interval": [0.1, 0.3], "p_holm": 0.01}, "higher", 0.01),
        ({"mean": 0.1, "interval": [-0.1, 0.3], "p_holm": 0.01}, "unclear", 0.01),
        ({"mean": -0.1, "interval": [0.1, 0.3], "p_holm": 0.01}, "unclear", 0.01),
        (
            {"mean": -0.2, "interval": [-0.3, -0.1], "simultaneous": [-0.4, 0.0], "p_adjusted": 0.05},
            "unclear",
            0.05,
        ),
        (
            {"mean": -0.2, "interval": [-0.3, -0.1], "simultaneous": [-0.4, -0.01], "p_adjusted": 0.04},
            "lower",
            0.04,
        ),
    ],
)
def test_a_side_is_clear_by_the_family_or_as_results_before_said_it(effect, side, p):
    assert clear_side(effect) == side
    assert adjusted_p(effect) == p
