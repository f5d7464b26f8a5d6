"""The bootstrap by what it must be on average, and at its ends: every interval of the course rests on it."""

import numpy as np
import pytest

from labcode.experiments.intervals import bootstrap_p, interval_of, resample_weights, resamples


def drawn(seeds=3, items=30, block=7, draws=4000):
    rows, columns = zip(
        *resamples(seeds, items, rng=np.random.default_rng(0), block=block, draws=draws), strict=True
    )
    return np.array(rows), np.array(columns)


@pytest.mark.parametrize("block", [1, 7, 30])
def test_every_item_and_every_seed_is_drawn_as_often_as_any_other(block):
    """Without the circle the last items are drawn too often, and the first too seldom."""
    rows, columns = drawn(block=block)
    for numbers, count in ((rows, 3), (columns, 30)):
        shares = np.bincount(numbers.ravel(), minlength=count) / numbers.size
        error = np.sqrt(block / numbers.size / count)  # items of a block are drawn together
        np.testing.assert_allclose(shares, 1 / count, atol=4.5 * error)
    assert columns.shape == (4000, 30)
    assert rows.shape == (4000, 3)


def test_a_block_is_of_neighbours_and_goes_round_the_end():
    _, columns = drawn(block=7)
    for start in range(0, 30, 7):
        block = columns[:, start : start + 7]
        np.testing.assert_array_equal(np.diff(block, axis=1) % 30, 1)
    assert (np.diff(columns[:, :7], axis=1) == -29).any(axis=1).mean() == pytest.approx(6 / 30, abs=0.03)
    assert np.unique(columns[:, 0]).size == np.unique(columns[:, 7]).size == 30


def test_a_block_of_all_items_is_a_rotation():
    _, columns = drawn(block=30, draws=50)
    np.testing.assert_array_equal(np.sort(columns, axis=1), np.tile(np.arange(30), (50, 1)))


def test_seeds_and_items_are_drawn_independently_and_anew():
    rows, columns = drawn(block=1)
    assert abs(np.corrcoef(rows[:, 0], columns[:, 0])[0, 1]) < 0.06
    assert abs(np.corrcoef(rows[:-1, 0], rows[1:, 0])[0, 1]) < 0.06
    assert abs(np.corrcoef(columns[:, 0], columns[:, 1])[0, 1]) < 0.06


@pytest.mark.parametrize("block", [1, 5, 10])
def test_the_spread_of_a_mean_is_that_of_the_circular_block_bootstrap(block):
    """Politis and Romano (1992): the variance over block / items of the means of all circular blocks."""
    series = np.cumsum(np.random.default_rng(1).normal(size=30))
    _, by_item = resample_weights(2, 30, rng=np.random.default_rng(2), block=block, draws=20_000)
    circle = np.r_[series, series[: block - 1]]
    means = np.convolve(circle, np.full(block, 1 / block), mode="valid")
    assert len(means) == 30
    found = by_item @ series
    assert found.var() == pytest.approx(means.var() * block / 30, rel=0.05)
    assert found.mean() == pytest.approx(series.mean(), abs=4 * found.std() / np.sqrt(20_000))


def test_weights_are_shares():
    by_seed, by_item = resample_weights(4, 9, rng=np.random.default_rng(0), block=2, draws=20)
    for weights, count in ((by_seed, 4), (by_item, 9)):
        np.testing.assert_allclose(weights.sum(axis=1), 1)
        np.testing.assert_allclose(weights * count, np.round(weights * count))


@pytest.mark.parametrize(
    ("change", "name"),
    [({"block": 10}, "block"), ({"block": 0}, "block"), ({"draws": 0}, "draws"), ({"rng": 0}, "rng")],
    ids=str,
)
def test_what_cannot_be_drawn_is_refused(change, name):
    arguments = {"rng": np.random.default_rng(0), "block": 9, "draws": 1}
    assert len(list(resamples(2, 9, **arguments))) == 1
    with pytest.raises(ValueError, match=f"{name}: expected .* received"):
        next(resamples(2, 9, **arguments | change))


def test_an_interval_leaves_as_much_out_below_as_above():
    means = np.arange(101.0)
    assert interval_of(means, 0.9) == pytest.approx((5, 95))
    assert interval_of(means, 1.0) == (0, 100)
    assert interval_of(means, 0.0) == (50, 50)


def test_a_resample_at_zero_counts_for_both_sides():
    assert bootstrap_p(np.array([0.0, 1, 1, 1])) == pytest.approx(3 / 5)
    assert bootstrap_p(np.array([0.0, -1, -1, -1])) == pytest.approx(3 / 5)
    assert bootstrap_p(np.array([1.0, 1, 1, 1])) == pytest.approx(1 / 5)
