"""The article's claims: each of its sections has some, and every verdict and number is the results'."""

import json
import re
import shutil
from pathlib import Path

import jupytext
import pytest

from labcode.experiments.claims import as_text, effects, read_claims, rewrite
from labcode.experiments.declaration import EVIDENCE

SECTIONS = ["1.1", "1.2", "2.1", "2.2", "3.1", "3.2", "3.3", "4.1", "4.2", "5.1", "5.2", "6", "7", "8"]
SECTIONS += ["9.1", "9.2"]  # those of the article that claim something
CLAIMS = read_claims(EVIDENCE / "claims.toml")
RESULTS = {path.stem: json.loads(path.read_text()) for path in (EVIDENCE / "results").glob("*.json")}
CHAPTERS = sorted((EVIDENCE.parent / "source" / "chapters").glob("*.py"))
SIGNED = r"[-+−]?\d+\.\d+"
INTERVAL = re.compile(rf"({SIGNED}) ?\[({SIGNED}), ?({SIGNED})\]")


def unknown_effects(text, known):
    """Return what is written like an effect, mean [low, high], but is none of those known."""
    wrong = []
    for match in INTERVAL.finditer(text):
        numbers = [number.replace("−", "-") for number in match.groups()]
        digits = len(numbers[0].rpartition(".")[2])
        if not any(
            [f"{v:.{digits}f}" for v in effect] == [f"{float(n):.{digits}f}" for n in numbers]
            for effect in known
        ):
            wrong.append(match.group())
    return wrong


def all_effects(place):
    """Yield mean, low and high of every effect in a result."""
    if isinstance(place, dict):
        if {"mean", "interval"} <= place.keys():
            yield (place["mean"], *place["interval"])
        for value in place.values():
            yield from all_effects(value)
    elif isinstance(place, list):
        for value in place:
            yield from all_effects(value)


def test_every_verdict_and_number_is_that_of_the_results(tmp_path):
    """Run `python course.py evidence --claims` where a result is new."""
    path = shutil.copy(EVIDENCE / "claims.toml", tmp_path)
    for said, found in zip(CLAIMS, rewrite(Path(path), RESULTS), strict=True):
        assert said == found


def test_every_section_has_claims():
    assert {claim.section for claim in CLAIMS} == set(SECTIONS)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_what_holds_holds_in_a_second_place(claim):
    assert len(claim.found) == len(effects(claim, RESULTS))
    if claim.verdict == "holds":
        assert len(claim.found) >= 2


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_an_effect_in_a_chapters_text_is_one_of_the_results(path):
    known = {effect for result in RESULTS.values() for effect in all_effects(result)}
    cells = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent").cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert unknown_effects(text, known) == []


def test_an_effect_that_no_result_has_is_noticed():
    effect = next(iter(effects(CLAIMS[0], RESULTS).values()))
    known = {(effect["mean"], *effect["interval"])}
    text = as_text(effect)
    assert unknown_effects(f"it is {text}, by days", known) == []
    wrong = as_text(effect | {"mean": effect["mean"] + 0.001})
    assert unknown_effects(f"it is {wrong}, by days", known) == [wrong]
