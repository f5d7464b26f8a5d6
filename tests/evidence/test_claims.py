"""The article's claims: each of its sections has some, and every verdict and number is the results'."""

import json
import re
import shutil
from pathlib import Path

import jupytext
import pytest

from labcode.experiments.claims import PERCENT, as_text, effects, read_claims, rewrite
from labcode.experiments.declaration import EVIDENCE, find_declarations
from labcode.experiments.plan import read_plan
from labcode.experiments.recompute import all_results
from labcode.experiments.result_tables import BEST
from labcode.experiments.study import find_studies

SECTIONS = ["1.1", "1.2", "2.1", "2.2", "3.3", "4.1", "5.1", "5.2", "6", "8", "9.1", "9.2"]  # can fail
IN_TESTS = ["3.1", "3.2", "4.2", "7"]  # claim what cannot fail: the head of claims.toml names the unit tests
CLAIMS = read_claims(EVIDENCE / "claims.toml")
NEXT = read_claims(EVIDENCE / "next" / "claims.toml")
PLANS = {path.stem: read_plan(path) for path in find_declarations(EVIDENCE / "next").values()}
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
    for said, found in zip(CLAIMS, rewrite(Path(path), all_results(EVIDENCE)), strict=True):
        assert said == found


@pytest.mark.parametrize("claims", [CLAIMS, NEXT], ids=["now", "next"])
def test_every_section_has_claims_and_none_counts_an_effect_twice(claims):
    assert {claim.section for claim in claims} == set(SECTIONS)
    assert not set(SECTIONS) & set(IN_TESTS)
    rests = [(claim.direction.replace("not ", ""), claim.evidence) for claim in claims]
    assert [one for one in rests if rests.count(one) > 1] == []
    assert all(len(set(claim.evidence)) == len(claim.evidence) for claim in claims)


def test_what_is_no_claim_is_a_unit_test():
    head = (EVIDENCE / "claims.toml").read_text(encoding="utf-8").partition("[[claim]]")[0]
    files = re.findall(r"tests/labcode/test_\w+\.py|(?<=, )test_\w+\.py", head)
    assert len(files) >= 6
    for file in files:
        assert (EVIDENCE.parent / "tests" / "labcode" / Path(file).name).is_file(), file
    for section in IN_TESTS:
        assert re.search(rf"^#   .*\b{re.escape(section)}\b", head, re.MULTILINE), section


@pytest.mark.parametrize("claim", [*CLAIMS, *NEXT], ids=lambda claim: claim.id)
def test_a_margin_is_one_of_few_and_the_same_wherever_losses_are_compared(claim):
    if claim.unit == PERCENT:
        assert claim.margin in (1.0, 2.0)
        assert all(path[-1] not in ("gap", "error", "chrf") for _, path in claim.evidence)
    if any(path[-1] in ("error", "chrf") for _, path in claim.evidence):
        assert claim.unit not in (None, PERCENT)


@pytest.mark.parametrize("claim", NEXT, ids=lambda claim: claim.id)
def test_what_is_declared_rests_on_experiments_and_has_no_verdict_yet(claim):
    assert {name for name, _ in claim.evidence} <= {*find_declarations(), *find_studies()}
    assert (claim.verdict, claim.found) == ("undecided", ())


def tried(experiment, place, label, measure):
    """Say whether an experiment tries a method at a place (in all places of a pool), and measures it."""
    plan = PLANS[experiment]
    there = [one for one in plan.places if place in (one.task, one.pool)]
    measured = measure != "chrf" or experiment == "translation"
    return bool(there) and measured and all(label in (BEST, *one.labels) for one in there)


def test_a_claim_rests_only_on_what_will_be_tried():
    rests = [(claim.id, name, path) for claim in NEXT for name, path in claim.evidence if name in PLANS]
    assert len(rests) > 100
    assert [one for one in rests if not tried(one[1], one[2][0], one[2][2], one[2][-1])] == []


def test_what_the_article_claims_is_asked_again():
    now = {claim.id for claim in CLAIMS if claim.kind == "article"}
    missing = now - {claim.id for claim in NEXT}
    assert missing <= {"recurrent-beyond-plain"}  # its combination is not run again


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
