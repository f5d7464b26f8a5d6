"""What a learner meets in a real browser: three chapters from top to bottom, and exercise 1 answered."""

import pytest
from exercise_trial import try_exercise
from lab_page import BROWSER, NAMES, opened_course, visit_once_more_if_it_dies
from tour import tour

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None, reason=f"no browser found; looked for {', '.join(NAMES)}"),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A fresh copy of the course, opened with the README's command: its folder and the address."""
    with opened_course(tmp_path_factory.mktemp("a learner's machine")) as opened:
        yield opened


@pytest.mark.parametrize("name", ["01_background", "03_3-4_dropout", "08_outlook"])
def test_a_chapter_runs_and_answers_the_hand(lab, name):
    assert visit_once_more_if_it_dies(tour, *lab, name) == []


def test_exercise_1_left_blank_then_wrong_then_right(lab):
    assert visit_once_more_if_it_dies(try_exercise, *lab, "ex01_background") == []
