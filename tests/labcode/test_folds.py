"""Test parts that are drawn anew: what each seed learns from, chooses by and is tested on stays apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcode.data import speech, stocks, text, translation, weather
from labcode.data.folds import FOLDS, redrawn_parts

REDRAWN = {
    "digits": lambda seed: speech.load(seed, redraw_test=True),
    "vowels": lambda seed: speech.load(seed, "second", redraw_test=True),
    "text": lambda seed: text.load(seed, redraw_test=True),
    "long text": lambda seed: text.load(seed, kind="long", redraw_test=True),
    "translation": lambda seed: translation.load(seed, redraw_test=True),
}


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=120, max_size=200), st.integers(0, 89))
def test_no_group_is_in_two_parts_and_no_tested_one_is_ever_learned_from(numbers, seed):
    groups = np.array([f"group {number}" for number in [*numbers, *range(61)]])
    tested, learned = [], []
    for one in range(seed, seed + FOLDS):
        train, validation, test = redrawn_parts(groups, seed=one, train_size=30, test_share=0.4)
        parts = [set(groups[at]) for at in (train, validation, test)]
        assert not parts[0] & parts[1]
        assert len(train) == 30
        tested.append(parts[2])
        learned.append(parts[0] | parts[1])
    assert len(set().union(*tested)) == sum(map(len, tested))  # ten folds without a group in common
    assert not set().union(*tested) & set().union(*learned)
    again = redrawn_parts(groups, seed=seed + FOLDS, train_size=30, test_share=0.4)
    assert set(groups[again[2]]) == tested[0]


def test_what_does_not_fit_is_refused_in_words():
    groups = np.arange(40)
    for wrong, message in {
        "seed": ({"seed": -1}, "seed: expected"),
        "share": ({"test_share": 1.0}, "test_share: expected a share"),
        "few": ({"test_share": 0.1}, "enough for 10 folds"),
        "many": ({"train_size": 40}, "train_size: expected fewer than"),
    }.values():
        with pytest.raises(ValueError, match=message):
            redrawn_parts(groups, **({"seed": 0, "train_size": 5, "test_share": 0.5} | wrong))


@pytest.mark.parametrize("name", REDRAWN)
def test_each_seed_has_a_test_part_of_its_own(name):
    data = [REDRAWN[name](seed) for seed in range(3)]
    tested = [set(one.test.groups) for one in data]
    assert len(set().union(*tested)) == sum(map(len, tested))
    assert len({len(one.test.y) for one in data}) == 1
    for one in data:
        learned = set(one.train.groups), set(one.validation.groups)
        assert not learned[0] & learned[1]
        assert not set().union(*tested) & set().union(*learned)
    assert not np.array_equal(data[0].train.items, data[1].train.items)


def test_a_redrawn_part_is_standardized_with_its_own_training_part():
    train = speech.load(1, redraw_test=True).train
    frames = train.x[train.padding_mask]
    assert frames.mean(axis=0) == pytest.approx(0, abs=1e-4)
    assert frames.std(axis=0) == pytest.approx(1, abs=1e-4)


def test_weeks_of_new_york_have_no_hour_in_common_and_only_the_learned_ones_are_drawn():
    data = [weather.load(seed, "second", redraw_weeks=True) for seed in range(3)]
    for one in data:
        hours = []
        for part in one.splits.values():
            last = np.array([item.removesuffix(":00 UTC") for item in part.items], dtype="datetime64[h]")
            spans = last[:, None] - np.arange(weather.WINDOW + weather.AHEAD)  # all that a sample touches
            hours.append(set(spans.ravel().tolist()))
        assert not hours[0] & hours[1]
        assert not hours[0] & hours[2]
        assert not hours[1] & hours[2]
    assert all(np.array_equal(one.test.items, data[0].test.items) for one in data)
    assert not np.array_equal(data[0].train.items, data[1].train.items)
    months = {day.astype("datetime64[M]") for day in data[0].test.dates}
    assert len(months) == 12
    assert data[0].train.y.std() == pytest.approx(1, abs=1e-5)


def test_test_years_follow_each_other_and_no_target_is_in_two_parts():
    seattle = [weather.load(test_year=year) for year in weather.TEST_YEARS]
    prices = [stocks.load(test_year=year) for year in (2006, 2008, 2010, 2012)]
    for data, years in ((seattle, weather.TEST_YEARS), (prices, (2006, 2008, 2010, 2012))):
        for one, year in zip(data, years, strict=True):
            train, validation, test = one.splits.values()
            assert train.dates.max() < validation.dates.min()
            assert validation.dates.max() < test.dates.min()
            assert {str(day)[:4] for day in test.dates} == {str(year)}
        tested = np.concatenate([np.unique(one.test.dates) for one in data])
        assert len(np.unique(tested)) == len(tested)
    assert seattle[0].train.dates.max() == np.datetime64("2012-12-31")


def test_a_changed_future_changes_nothing_that_is_learned_before_it():
    dates, columns = weather._read_weather()
    before = weather._weather_dataset(dates, columns, 14, 2014)
    later = dates >= np.datetime64("2014-01-01")
    spoiled = {name: np.where(later, -5.0 * values - 3, values) for name, values in columns.items()}
    spoiled["precipitation"] = np.abs(spoiled["precipitation"])
    after = weather._weather_dataset(dates, spoiled, 14, 2014)
    for name in ("train", "validation"):
        assert np.array_equal(getattr(before, name).x, getattr(after, name).x)
        assert np.array_equal(getattr(before, name).y, getattr(after, name).y)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: weather.load(test_year=2013), "test_year: expected one of 2014, 2015"),
        (lambda: weather.load_weather(300, test_year=2014), "window: expected fewer than 300 days"),
        (lambda: stocks.load(test_year=2013), "test_year: expected 2006 to 2012"),
        (lambda: stocks.load(test_year=2005), "test_year: expected"),
    ],
)
def test_years_that_cannot_be_tested_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
