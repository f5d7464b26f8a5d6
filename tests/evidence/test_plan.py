"""A tuned experiment's file: what it may say, and the trials that follow from it."""

import numpy as np
import pytest
from evidence_tasks import PLAN, plan_of
from hypothesis import given
from hypothesis import strategies as st

from labcode.experiments.methods import METHODS
from labcode.experiments.plan import is_plan, read_plan
from labcode.experiments.tuning import Trial, choose_trial, lattice, place_in_range

WRONG = {
    "a title": ('title = "A toy"', 'title = ""', "title: expected some text"),
    "an unknown key": ('title = "A toy"', 'title = "A toy"\nwidth = 3', "also"),
    "few seeds": ("seeds = 10", "seeds = 9", "seeds: expected a whole number of at least 10"),
    "few that choose": ("choice_seeds = 3", "choice_seeds = 2", "choice_seeds: expected"),
    "more that choose": ("choice_seeds = 3", "choice_seeds = 11", "at most 10"),
    "a grid": ("l2 = [1e-3, 1.0]", "l2 = [1e-3, 1e-2, 1.0]", "l2: expected two numbers"),
    "a range that descends": ("l2 = [1e-3, 1.0]", "l2 = [1.0, 1e-3]", "expected two numbers"),
    "a rate of 1": ("l2 = [1e-3, 1.0]", "weight_drop = [0.1, 1.0]", "a rate in"),
    "an unknown method": ("l2 = [1e-3, 1.0]", "l3 = [1e-3, 1.0]", "one of 'l1'"),
    "no trials": ("trials = 3", "block = 2", "either trials or choices_of"),
    "both": ("trials = 2", 'trials = 2\nchoices_of = "evidence_tasks:NOISE"', "either trials or"),
    "a later place": ("trials = 3", 'choices_of = "evidence_tasks:SIGNAL"', "an earlier place"),
    "a task twice": ('task = "evidence_tasks:SIGNAL"', 'task = "evidence_tasks:NOISE"', "each task once"),
    "no reference": ('labels = ["none", "l2"]', 'labels = ["l2"]', "'none' as the first"),
    "an unknown label": ('labels = ["none", "l2"]', 'labels = ["none", "zoneout"]', "one of 'none'"),
    "a part left out": ('labels = ["none", "l2"]', 'labels = ["none", "both"]', "its methods among them"),
    "one method twice": ('["l2", "max_norm"]', '["l2", "l2"]', "two different methods"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_refused_in_words(case, tmp_path):
    right, wrong, message = WRONG[case]
    assert right in PLAN
    with pytest.raises(ValueError, match=message):
        plan_of(tmp_path, PLAN.replace(right, wrong))


def test_a_file_is_read_as_it_stands_and_its_hash_is_that_of_its_values(tmp_path):
    plan = plan_of(tmp_path)
    assert is_plan(tmp_path / "toy.toml")
    assert [place.task for place in plan.places] == ["evidence_tasks:NOISE", "evidence_tasks:SIGNAL"]
    assert plan.places[0].labels == ("none", "l2", "max_norm", "both")
    assert plan.places[1].labels == ("none", "l2")
    assert plan_of(tmp_path, "# a comment\n" + PLAN).hash == plan.hash
    assert plan_of(tmp_path, PLAN.replace("trials = 3", "trials = 4")).hash != plan.hash
    with pytest.raises(ValueError, match="a declaration"):
        read_plan(tmp_path / "none.toml")


def test_every_label_gets_the_same_trials_and_none_gets_as_many(tmp_path):
    plan = plan_of(tmp_path)
    for place in plan.places:
        tried = {label: plan.trials(place, label, {"l2": 0.1, "max_norm": 1.0}) for label in place.labels}
        assert {len(trials) for trials in tried.values()} == {place.trials}
        rates = {tuple(trial.learning_rate for trial in trials) for trials in tried.values()}
        assert len(rates) == 1  # and at the same learning rates
        assert all(trial.methods == {} for trial in tried["none"])


@given(st.integers(1, 40))
def test_the_lattice_leaves_no_wide_part_of_either_range_without_a_trial(trials):
    for values in zip(*lattice(trials), strict=True):
        inside = np.sort(values)
        assert 0 <= inside[0] <= inside[-1] < 1
        gaps = np.diff(np.concatenate([inside, [inside[0] + 1]]))  # round the circle
        assert gaps.max() <= 1.0 if trials == 1 else gaps.max() < 2.0 / trials + 1e-12


@given(st.floats(0, 1), st.floats(0, 1))
def test_strengths_stay_in_their_range_and_in_its_order(one, other):
    for method, ends in {"l2": (1e-5, 1.0), "weight_drop": (0.05, 0.95), "max_norm": (0.1, 2.0)}.items():
        low, high = sorted([one, other])
        found = [place_in_range(method, *ends, share) for share in (low, high)]
        assert ends[0] - 1e-9 <= found[0] <= found[1] + 1e-12
        assert found[1] <= ends[1] + 1e-9
    middle = place_in_range("weight_drop", 0.05, 0.95, 0.5)
    assert middle == pytest.approx(0.5)


def test_the_trial_is_the_one_of_lowest_mean_loss_and_says_what_lies_at_an_end():
    trials = [Trial(rate, s, {"l2": s}) for rate, s in ((0.1, 2.0), (0.2, 1.0), (0.3, 3.0), (0.4, 1.5))]
    spread = np.array([-0.01, 0.0, 0.01])

    def chosen(*means, none=2.0, **options):
        losses = np.array(means)[:, None] + spread
        return choose_trial(trials, losses, none + spread[::-1], **options)

    assert (chosen(0.9, 1, 1, 1).number, chosen(0.9, 1, 1, 1).edge) == (0, ("learning rate",))
    assert chosen(1, 0.9, 1, 1).edge == ("weakest",)
    assert chosen(1, 0.9, 1, 1, none=0.8).edge == ()  # no regularization is better still
    assert chosen(1, 0.9, 1, 1, none=0.8, more_is_weaker=True).edge == ("strongest",)
    assert chosen(1, 1, 0.9, 1).edge == ("strongest",)
    assert chosen(1, np.inf, 0.9, 1).number == 2
    with pytest.raises(ValueError, match="one at which all runs stay finite"):
        chosen(*[np.inf] * 4)


def test_a_limit_is_weaker_where_it_is_larger():
    assert {name for name, method in METHODS.items() if method.kind == "limit"} == {"max_norm", "sum_norm"}
