"""No wrong answer is praised: every mutant of every solution is refused, or is no mistake at all."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from answer_mutants import BEHAVIOUR, agrees, different, mutants, one_by_one, refused, solutions, survivors

from labcode import check

EQUIVALENT = tomllib.loads(Path(__file__).with_name("equivalent.toml").read_text(encoding="utf-8"))
TASKS = sorted(set(solutions()) - set(BEHAVIOUR))
KNOWN = [(task, change) for task, changes in EQUIVALENT.items() for change in changes]


def test_every_task_has_mutants():
    checkers = {name for name in check.__all__ if hasattr(getattr(check, name), "judge")}
    assert {*TASKS, *BEHAVIOUR} == checkers
    assert set(EQUIVALENT) <= set(TASKS)


@pytest.mark.parametrize("task", TASKS)
def test_every_mutant_is_refused_or_known_to_be_right(task):
    count, left = survivors(task)
    known = EQUIVALENT.get(task, {})
    assert count >= 10
    assert set(left) == set(known)
    assert len(known) <= count / 10


@pytest.mark.parametrize(("task", "change"), KNOWN)
def test_a_mutant_that_is_right_agrees_with_the_solution_on_a_thousand_random_inputs(task, change):
    mutant = {mutant.change: mutant.run for mutant in mutants(task)}[change]
    assert all(agrees(task, mutant, seed) for seed in different(task))


def test_a_check_whose_cases_are_too_easy_is_found_out(monkeypatch):
    """With one weight of 0 alone, every mutant of a penalty is praised."""
    checker = check.l2_penalty
    easy = replace(checker, cases=checker.cases[3:4], draw=None)
    monkeypatch.setattr(check, "l2_penalty", easy)
    assert len(survivors("l2_penalty")[1]) > 5
    assert not refused(one_by_one("l2_penalty"), solutions()["l2_penalty"][1]["l2_penalty"])


def test_a_mutant_that_never_ends_is_stopped():
    checks = one_by_one("search_with_beam")
    assert all(refused(checks, mutant.run) for mutant in mutants("search_with_beam")[:3])
