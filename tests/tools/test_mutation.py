"""The list of mutants fits the code: none is run here; ``python tests/tools/mutation.py`` does that."""

import ast
import shlex
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import mutation
import pytest

MUTANTS = mutation.read_mutants()
LABCODE, TESTS = mutation.ROOT / "labcode", mutation.ROOT / "tests"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.technique}: {m.mistake}")
def test_a_mutant_changes_one_place_and_what_it_computes(mutant):
    source = (LABCODE / mutant.file).read_text(encoding="utf-8")
    mutated = mutant.apply(source)
    assert ast.dump(ast.parse(mutated)) != ast.dump(ast.parse(source)), "it changes a comment or nothing"


def test_every_technique_has_three_different_mutants():
    counts = Counter(mutant.technique for mutant in set(MUTANTS))
    assert counts.total() == len(MUTANTS)
    assert min(counts.values()) >= 3, counts


@pytest.mark.parametrize("tests", sorted({mutant.tests for mutant in MUTANTS}))
def test_the_tests_that_should_catch_it_exist(tests):
    assert all((TESTS / part).exists() for part in shlex.split(tests) if part.endswith(".py"))


@pytest.mark.parametrize("test", mutation.TESTS)
def test_what_the_fast_tests_name_exists(test):
    path, _, name = test.partition("::")
    assert (TESTS / path).exists()
    assert not name or f"\ndef {name}(" in (TESTS / path).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "change", [{"text": "no such text"}, {"text": "np."}, {"replacement": MUTANTS[0].text}]
)
def test_a_mutant_that_does_not_fit_is_refused(change):
    source = (LABCODE / MUTANTS[0].file).read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="expected a text that occurs once and changes"):
        replace(MUTANTS[0], **change).apply(source)


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("assert True", mutation.SURVIVED),
        ("assert False", mutation.CAUGHT),
        ("while True: pass", mutation.HANGS),
        ("return (", mutation.BROKEN),
    ],
)
def test_the_verdict_is_that_of_the_tests(tmp_path, body, verdict):
    Path(tmp_path, "tests").mkdir()
    Path(tmp_path, "tests", "test_it.py").write_text(f"def test_it():\n    {body}\n", encoding="utf-8")
    timeout = 10 if verdict == mutation.HANGS else 1800
    assert mutation.run_tests(tmp_path, "test_it.py", timeout=timeout)[0] == verdict


@pytest.mark.parametrize(
    ("again", "verdict"), [(mutation.HANGS, mutation.HANGS), (mutation.CAUGHT, mutation.CAUGHT)]
)
def test_what_ran_out_of_time_is_tried_again_alone_and_reported_apart(monkeypatch, again, verdict):
    monkeypatch.setattr(mutation, "copy_project", lambda folder: folder)
    monkeypatch.setattr(mutation, "run_tests", lambda folder, tests: (mutation.SURVIVED, "1 passed"))
    running, tried = [], []

    def attempt(folder, mutant, timeout=mutation.TIMEOUT):
        running.append(mutant)
        tried.append((mutant, timeout, len(running)))
        time.sleep(0.01)
        running.remove(mutant)
        if mutant is not MUTANTS[1]:
            return mutation.CAUGHT, "FAILED test_it"
        return (again if timeout == mutation.ALONE else mutation.HANGS), "longer"

    verdicts = mutation.judge(MUTANTS[:6], 3, attempt=attempt)
    assert verdicts == [mutation.CAUGHT, verdict, *[mutation.CAUGHT] * 4]
    assert tried[-1] == (MUTANTS[1], mutation.ALONE, 1)
    assert len(tried) == 7
    last = mutation.table(MUTANTS[:6], verdicts).splitlines()[-1]
    assert last.endswith("5 of 6, 1 by a time-out alone" if verdict == mutation.HANGS else "6 of 6")


def test_the_table_counts_by_technique():
    verdicts = [mutation.CAUGHT] * (len(MUTANTS) - 1) + [mutation.SURVIVED]
    lines = mutation.table(MUTANTS, verdicts).splitlines()
    assert lines[-1].split() == ["all", str(len(MUTANTS) - 1), "of", str(len(MUTANTS))]
    assert len(lines) == len({mutant.technique for mutant in MUTANTS}) + 1
