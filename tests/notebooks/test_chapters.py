"""The limits of a chapter: what it asks, how it reads, and what fits beside the file browser."""

import functools
import re
from pathlib import Path

import jupytext
import pytest

from tools import pages, quiz

FOLDER = Path(__file__).resolve().parents[2] / "source" / "chapters"
CHAPTERS = [path.stem for path in sorted(FOLDER.glob("*.py")) if path.stem not in pages.PAGES]
SLIPS = (  # of English that came more than once
    "before that background",
    "which two are it",
    "for who uses",
    "in your guess",
    "is a loss of time",
    "belongs into",
    "which way was gone",
    "the five last",
    "nought or",
    "a hollow case",
    "from the same drawer",
)

each = pytest.mark.parametrize("name", CHAPTERS)


@functools.cache
def cells(name):
    return jupytext.reads((FOLDER / f"{name}.py").read_text("utf-8"), fmt="py:percent").cells


def tagged(cell, tag):
    return tag in cell.metadata.get("tags", [])


def prose(name):
    """The Markdown that is read, quiz and code blocks aside."""
    texts = [cell.source for cell in cells(name) if cell.cell_type == "markdown" and not tagged(cell, "quiz")]
    return re.sub(r"```.*?```", "", "\n\n".join(texts), flags=re.DOTALL)


def code(name, *, guards=True):
    found = [cell for cell in cells(name) if cell.cell_type == "code"]
    return [cell.source for cell in found if guards or not tagged(cell, "guard")]


@each
def test_a_chapter_asks_what_is_worth_an_answer_and_not_more(name):
    guesses = len(re.findall(r"\bguess\(", "\n".join(code(name))))
    questions = prose(name).count("**Question.**")
    tries = prose(name).count("**Try it yourself.**")
    (asked,) = [cell.source for cell in cells(name) if tagged(cell, "quiz")]
    _, quizzed = quiz.read_quiz(asked, name)
    assert 2 <= guesses <= 3
    assert 5 <= questions <= 8
    assert 4 <= len(quizzed) <= 5
    assert tries == 2
    assert guesses + questions + len(quizzed) + tries <= 20


@each
def test_a_guess_is_asked_in_a_cell_of_its_own_and_met_later(name):
    text = "\n# %%\n".join(code(name))
    for asked in re.findall(r"^(\w+) = guess\(", text, re.MULTILINE):
        between = text[text.index(f"{asked} = guess(") :].partition(f"{asked}.met(")
        assert between[1], f"{asked} is never met"
        assert "# %%" in between[0], f"{asked} is met in the cell that asks"


@each
def test_the_quiz_comes_last_and_its_right_answers_do_not_stand_in_one_place(name):
    places = [number for number, cell in enumerate(cells(name)) if tagged(cell, "quiz")]
    assert len(cells(name)) - places[0] <= 2
    _, questions = quiz.read_quiz(cells(name)[places[0]].source, name)
    assert len({[option.is_right for option in question.options].index(True) for question in questions}) > 1


@each
def test_asserts_that_only_guard_the_text_are_folded(name):
    bare = [
        line
        for source in code(name, guards=False)
        for line in source.splitlines()
        if line.startswith("assert ")
    ]
    assert bare == [], "an assert that teaches calls np.testing; others go into a cell tagged guard"


@each
def test_no_wall_of_text_and_no_line_of_code_under_the_edge(name):
    for paragraph in re.split(r"\n\s*\n|\n(?=- |\d+\. |\|)", prose(name)):
        assert len(paragraph.split()) <= 90, paragraph
    for source in code(name):
        assert max(map(len, source.splitlines())) <= 92, source
        assert len(source.splitlines()) <= 20, source


@each
def test_the_head_says_what_it_takes(name):
    head = " ".join(cells(name)[0].source.split())
    assert re.search(r"\*About \d+ minutes: .*reading.*thinking", head)
    assert "Needs:" in head
    assert "article" in head


@each
def test_the_slips_of_english_do_not_come_back(name):
    text = " ".join(prose(name).lower().split())
    assert [slip for slip in SLIPS if slip in text] == []
