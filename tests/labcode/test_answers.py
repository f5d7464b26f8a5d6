"""Answers as learners write them: each wrong one is refused with its reason, each right one praised."""

from collections import Counter

import pytest
from answer_mutants import BEHAVIOUR, solutions
from answer_records import is_told_why, reason_of, records

from labcode.check.core import variants

WRONG = [record for record in records() if record.reason is not None]
RIGHT = [record for record in records() if record.reason is None]
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _no_hurry(monkeypatch):
    """Variants are tried to the end on a slow machine, too."""
    monkeypatch.setattr(variants, "SECONDS", 60.0)


@pytest.mark.parametrize("record", WRONG, ids=str)
def test_a_wrong_answer_is_refused_and_told_why(record):
    verdict = record.verdict()
    assert not verdict.right
    assert is_told_why(verdict), verdict.text
    assert record.reason
    assert record.reason in reason_of(verdict)


@pytest.mark.parametrize("record", RIGHT, ids=str)
def test_a_right_answer_is_praised_however_it_is_written(record):
    verdict = record.verdict()
    assert verdict.right, verdict.text


@pytest.mark.parametrize("task", sorted(set(solutions()) - set(BEHAVIOUR)))
def test_every_task_has_twelve_wrong_answers_and_six_right_ones(task):
    count = Counter(record.reason is None for record in records() if record.task == task)
    assert count[False] >= 12
    assert count[True] >= 6
    codes = [record.code for record in records() if record.task == task]
    assert len(set(codes)) == len(codes)
