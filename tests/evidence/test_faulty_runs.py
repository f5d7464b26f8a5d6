"""Planted faults are where they are said to be, and nothing of the test part is used."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from labcode.data import speech, weather
from labcode.experiments.faulty_runs import (
    DropoutLeftOn,
    known_errors,
    redrawn,
    run_with_fault,
    simple_item_losses,
    simple_losses,
)
from labcode.experiments.planted_faults import FAULTS, SOUND
from labcode.lstm.sequence_model import SequenceModel
from labcode.training import evaluate
from labcode.training.diagnose import CASES, diagnose
from labcode.training.history import History

VOWELS = speech.load(0, "second")
DAYS = weather.load()


def parts(data):
    return [set(split.groups) for split in data.splits.values()]


@pytest.mark.parametrize("data", [VOWELS, DAYS], ids=["recordings", "days"])
def test_no_group_is_in_two_parts_and_none_comes_from_the_test_part(data):
    new = redrawn(data, 3)
    first, second, third = parts(new)
    assert not first & (second | third)
    assert not second & third
    targets = np.concatenate([data.train.y, data.validation.y])
    assert sum(len(split.y) for split in new.splits.values()) <= len(targets)
    assert abs(len(new.train.y) / len(targets) - 0.5) < 0.12
    if data.train.dates is None:
        assert set().union(*parts(new)) == set(data.train.groups) | set(data.validation.groups)
    else:
        days = np.concatenate([split.dates for split in new.splits.values()])
        assert days.max() <= data.validation.dates.max()
        assert len(set(days)) == len(days)


def test_blocks_of_days_are_kept_apart_and_shuffled_days_are_not():
    def nearest(data):
        away = np.abs(data.test.dates[:, None] - data.train.dates).astype(int)
        return away.min(axis=1)

    assert nearest(redrawn(DAYS, 0)).min() >= 4
    assert nearest(redrawn(DAYS, 0, split="shuffled")).mean() < 2


def test_inputs_are_standardized_with_the_training_part_or_with_all():
    right, leaking = redrawn(DAYS, 0), redrawn(DAYS, 0, scale="all")
    np.testing.assert_allclose(right.train.x.mean(axis=(0, 1)), 0, atol=1e-4)
    everything = np.concatenate([split.x for split in leaking.splits.values()])
    np.testing.assert_allclose(everything.mean(axis=(0, 1)), 0, atol=1e-4)
    assert np.abs(right.test.x.mean(axis=(0, 1))).max() > 0.01
    real = redrawn(VOWELS, 0).train
    np.testing.assert_allclose(real.x[real.padding_mask].std(axis=0), 1, atol=1e-3)


@pytest.mark.parametrize("arguments", [{"split": "random"}, {"scale": "test"}])
def test_another_split_or_scale_is_refused(arguments):
    with pytest.raises(ValueError, match=r"expected one of .* received"):
        redrawn(DAYS, 0, **arguments)


def planted(case, seed, data=VOWELS):
    before = redrawn(data, seed)
    kind, settings, after = FAULTS[case](before, np.random.default_rng(seed))
    return before, kind, settings, after


def test_every_case_has_a_fault():
    assert set(FAULTS) == set(CASES)


@pytest.mark.parametrize("case", ["underfit", "learning rate too high", "dropout left on", "healthy"])
def test_faults_of_settings_leave_the_data_alone(case):
    before, _, settings, after = planted(case, 0)
    assert after is before
    assert settings.keys() >= SOUND.keys()
    assert (settings == SOUND) == (case == "healthy")


def test_a_shift_moves_validation_and_fresh_data_alike():
    before, kind, _, after = planted("shift", 0)
    assert after.train is before.train
    for name in ("validation", "test"):
        old, new = before.splits[name], after.splits[name]
        moved = (new.x - old.x)[old.padding_mask]
        np.testing.assert_allclose(moved, np.broadcast_to(moved[:1], moved.shape), atol=1e-5)
        assert f"{abs(moved[0, 0]):g} standard deviations" in kind
        assert not new.x[~old.padding_mask].any()


def test_leaks_are_duplicates_or_answers_and_spare_the_fresh_data():
    kinds = set()
    for seed in range(8):
        before, kind, _, after = planted("leak", seed)
        kinds.add("duplicates" if "samples" in kind else "answers")
        assert after.test is before.test
        if "samples" in kind:
            both = set(after.validation.groups) & set(after.train.groups)
            assert len(both) / len(after.validation.groups) > 0.55
        else:
            for split in (after.train, after.validation):
                first = split.x[:, 0, 0]
                assert np.corrcoef(first, split.y)[0, 1] > 0.999
    assert kinds == {"duplicates", "answers"}


def test_the_answer_to_a_regression_stands_in_its_last_step():
    for seed in range(8):
        before, kind, _, after = planted("leak", seed, DAYS)
        if "answer" in kind:
            np.testing.assert_array_equal(after.train.x[:, -1, 0], before.train.y[:, 0])
            return
    pytest.fail("no seed of eight drew it")


def test_a_small_validation_set_is_small_and_a_small_training_set_too():
    before, kind, _, after = planted("small validation set", 0)
    assert str(len(after.validation.y)) in kind
    assert set(after.validation.groups) <= set(before.validation.groups)
    before, _, _, after = planted("overfit", 0)
    assert len(after.train.y) < 0.5 * len(before.train.y)


def test_a_model_with_dropout_left_on_drops_in_evaluation():
    model = SequenceModel(6, 4, 1, output_dropout=0.5)
    losses = [{evaluate(m, DAYS.validation)["loss"] for _ in range(3)} for m in (model, DropoutLeftOn(model))]
    assert [len(found) for found in losses] == [1, 3]


def test_the_simple_model_has_no_gap_where_the_parts_are_alike():
    train, validation = simple_losses(redrawn(VOWELS, 0))
    assert 0 < train < validation < 2 * train
    shifted = simple_losses(planted("shift", 0)[3])
    assert shifted[0] == train
    assert shifted[1] > 2 * validation


def test_errors_are_those_of_blocks_of_days_and_one_block_has_none():
    data = redrawn(DAYS, 0)
    losses, parts = simple_item_losses(data), (data.train, data.validation)
    assert [float(of.mean()) for of in losses] == simple_losses(data)
    found = known_errors(baseline=(losses, parts))["baseline"]
    days = [replace(part, groups=part.dates.astype(str)) for part in parts]
    assert found > known_errors(baseline=(losses, days))["baseline"] > 0
    alone = parts[1].subset(parts[1].groups == parts[1].groups[0])
    assert known_errors(baseline=(losses, (parts[0], alone))) == {}


def test_a_run_has_every_check_and_comes_out_the_same_twice():
    one, two = (run_with_fault(VOWELS, "underfit", 1) for _ in range(2))
    assert one == two | {"history": two["history"] | {"seconds": one["history"]["seconds"]}}
    found = diagnose(History.from_dict(one["history"]), **one["checks"])
    assert found.unchecked == ()
    assert one["checks"]["errors"].keys() == {"fresh", "baseline"}
    assert torch.is_grad_enabled()


def test_another_case_is_refused():
    with pytest.raises(ValueError, match=r"case: expected one of .* received 'haunted'"):
        run_with_fault(VOWELS, "haunted", 0)
