"""The leaks do what they are said to do, and their honest counterparts do not."""

from dataclasses import replace

import numpy as np
import pytest

from labcode.applications.leaks import hold_out, mean_of_next, scale_on_all
from labcode.data import join, speech, stocks


@pytest.fixture(scope="module")
def raw():
    return stocks.load(target="raw_volatility")


@pytest.fixture(scope="module")
def known(raw):
    return join(raw.train, raw.validation)


def test_a_mean_is_that_of_the_stocks_own_next_targets(known):
    month = mean_of_next(known, 22)
    for ticker in ("AAPL", "IBM", "MSFT"):
        one, all_of_it = (part.subset(np.char.startswith(part.items, ticker)) for part in (month, known))
        assert len(one.y) == len(all_of_it.y) - 21
        for at in (0, 17, len(one.y) - 1):
            assert one.dates[at] == all_of_it.dates[at]
            np.testing.assert_allclose(one.y[at], all_of_it.y[at : at + 22].mean(), rtol=1e-5)
            np.testing.assert_array_equal(one.x[at], all_of_it.x[at])


def test_one_day_is_the_target_itself(known):
    same = mean_of_next(known, 1)
    np.testing.assert_array_equal(same.y, known.y)
    np.testing.assert_array_equal(same.items, known.items)


@pytest.mark.parametrize("ahead", [1, 22])
def test_by_time_no_target_reaches_into_what_is_held_out(known, ahead):
    train, held_out = hold_out(known, 0.2, ahead=ahead)
    days = np.unique(known.dates)
    last = np.searchsorted(days, train.dates.max()) + ahead - 1  # the last day that a target covers
    assert days[last] < held_out.dates.min()
    assert days[last + 1] == held_out.dates.min()
    assert len(held_out.y) == pytest.approx(0.2 * len(known.y), rel=0.01)


def test_windows_drawn_anywhere_lie_between_those_for_training(known):
    train, held_out = hold_out(known, 0.2, rng=np.random.default_rng(0))
    assert len(train.y) + len(held_out.y) == len(known.y)
    assert not set(train.items) & set(held_out.items)
    assert np.isin(held_out.dates, train.dates).mean() > 0.9
    assert held_out.dates.min() < known.dates[100] < known.dates[-100] < held_out.dates.max()


def test_scaled_on_all_the_windows_mean_the_same_and_the_test_years_are_in_the_scale(raw):
    again = scale_on_all(raw)
    for name, part in again.dataset.splits.items():
        np.testing.assert_allclose(again.level + again.unit * part.y, raw.splits[name].y, atol=1e-5)
    every = np.concatenate([part.x[:, -1] for part in again.dataset.splits.values()])
    np.testing.assert_allclose(every.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(every.std(axis=0), 1, atol=1e-4)
    targets = np.concatenate([part.y for part in again.dataset.splits.values()])
    np.testing.assert_allclose([targets.mean(), targets.std()], [0, 1], atol=1e-4)


@pytest.mark.parametrize(
    "call",
    [
        lambda split: hold_out(split, 0.0),
        lambda split: hold_out(split, 1.0),
        lambda split: hold_out(split, 0.2, ahead=0),
        lambda split: mean_of_next(split, 0),
        lambda split: mean_of_next(split, 10**6),
        lambda split: scale_on_all(speech.load()),
        lambda split: hold_out(speech.load().train, 0.2),
        lambda split: mean_of_next(replace(split, items=None), 2),
    ],
)
def test_bad_arguments_are_refused_in_words(call, known):
    with pytest.raises(ValueError, match=r"expected .* received"):
        call(known)
