"""Every technique has all its parts, and its examples run; whoever adds one is told which file lacks what."""

import doctest
import importlib
import re
from pathlib import Path

import pytest
import technique_parts
from technique_parts import Course, TechniqueFile, missing

ROOT = Path(__file__).resolve().parents[2]
FILES = [path.name for path in sorted((ROOT / "labcode").glob("[!_]*.py"))]


def test_no_technique_lacks_a_part():
    assert list(missing(ROOT)) == []


@pytest.mark.parametrize("table", ["TOOLS", "TWIN", "NO_PAIR", "CHECKER", "NO_CHECKER", "NO_CHAPTER"])
def test_an_exception_belongs_to_a_technique_and_is_needed(table, monkeypatch):
    exceptions = set(getattr(technique_parts, table))
    assert exceptions <= {name for file in FILES for name in TechniqueFile(Course(ROOT), file).techniques}
    monkeypatch.setattr(technique_parts, table, {})
    said = " ".join(missing(ROOT))
    assert [name for name in exceptions if name not in re.findall(r"\w+", said)] == []


@pytest.mark.parametrize("file", [*FILES, "_targets.py"])
def test_the_examples_run(file):
    module = importlib.import_module(f"labcode.{file.removesuffix('.py')}")
    failed, tried = doctest.testmod(module)
    assert (failed, tried > 0) == (0, True)
