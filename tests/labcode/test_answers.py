"""Answers as learners write them: a wrong one gets its reason, no right one is refused, however written."""

import pytest
from answers import exercises_01_to_03, exercises_04_to_09

from labcode import check

FILES = (exercises_01_to_03, exercises_04_to_09)
WRONG = [record for file in FILES for record in file.WRONG]
RIGHT = [record for file in FILES for record in file.RIGHT]
pytestmark = pytest.mark.filterwarnings("ignore")


def judged(task, answer):
    """Judge an answer, on random cases that are the same each time."""
    checker = getattr(check, task)
    return checker.judge(checker.collect(answer, seed=0))


@pytest.mark.parametrize(("task", "answer", "reason"), WRONG, ids=[record[0] for record in WRONG])
def test_a_wrong_answer_is_refused_and_told_why(task, answer, reason):
    verdict = judged(task, answer)
    assert not verdict.right
    assert reason in verdict.text.replace("\n", " ")


@pytest.mark.parametrize(("task", "answer"), RIGHT, ids=[record[0] for record in RIGHT])
def test_a_right_answer_is_praised_however_it_is_written(task, answer):
    verdict = judged(task, answer)
    assert verdict.right, verdict.text
