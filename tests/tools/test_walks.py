"""CONTRIBUTING's walks, walked: a toy technique and a toy task, added to a temporary copy of the course."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from walks import TASK, TECHNIQUE, apply

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "labcode"))
from technique_parts import missing  # noqa: E402

WALKED = re.compile(r"^\d+\. (`.*)$", re.MULTILINE)


def section(title):
    """Return a section of CONTRIBUTING."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return text.partition(f"\n### {title}\n")[2].partition("\n#")[0]


def files_of(title):
    """Return the first file that each step of a walk names."""
    return [re.search(r"`([^`]+)`", step).group(1) for step in WALKED.findall(section(title))]


def fits(named, file):
    """Say whether a file is the one that a walk names; NAME and the stars stand for anything."""
    return re.fullmatch(re.escape(named).replace("NAME", ".+").replace(r"\*", ".+"), file) is not None


@pytest.fixture
def copy(tmp_path):
    for name in ("labcode", "source", "tools", "tests/labcode", "tests/tools"):
        ignored = shutil.ignore_patterns("__pycache__", "shipped")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "evidence").mkdir()
    return tmp_path


def run(copy, *command):
    """Run a module in the copy."""
    settings = {"PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    environment = os.environ | settings
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def run_tests(copy, *files):
    """Run the tests of some files that name the toy."""
    plain = ["-q", "-p", "no:cacheprovider", "-p", "no:nbval", "-o", "addopts=", "-k", "toy"]
    said = run(copy, "pytest", *plain, *(f"tests/{file}" for file in files))
    return int(re.search(r"(\d+) passed", said).group(1))


@pytest.mark.parametrize(("title", "walk"), [("A technique", TECHNIQUE), ("A task (a data set)", TASK)])
def test_what_is_walked_here_is_what_contributing_says(title, walk):
    named = files_of(title)
    places = [[fits(name, file) for name in named].index(True) for file in walk]
    assert places == sorted(places), "the order"


@pytest.mark.parametrize("title", ["An exercise task", "A widget"])
def test_the_other_walks_name_files_that_are_there(title):
    named = files_of(title)
    assert len(named) >= 3
    for name in named:
        assert list(ROOT.glob(name.replace("NAME", "*"))), name


def test_a_technique_takes_what_the_walk_says_and_nothing_else(copy):
    apply(copy, TECHNIQUE)
    assert list(missing(copy)) == []
    files = ("labcode/test_pairs.py", "labcode/test_fuzz.py", "labcode/test_boundaries.py")
    assert run_tests(copy, *files, "tools/test_mutation.py") >= 5 + 6 + 3 + 3


@pytest.mark.parametrize("forgotten", TECHNIQUE)
def test_whoever_forgets_a_step_is_told_the_file(copy, forgotten):
    apply(copy, TECHNIQUE, but=forgotten)
    said = list(missing(copy))
    if forgotten == "labcode/penalties.py":
        assert said == []  # there is no technique then
        return
    folder = forgotten.rpartition("/")[0]
    assert said
    assert all(forgotten in sentence or f"{folder}/" in sentence for sentence in said)
    assert all("toy_penalty" in sentence for sentence in said)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("def toy_penalty_torch", "def other_torch", "toy_penalty has no twin, toy_penalty_torch"),
        ("    (toy_penalty,", "    # (toy_penalty,", "toy_penalty and its twin are not in PAIRS"),
        (
            ">>> toy_penalty_grad",
            "toy_penalty_grad",
            "toy_penalty_grad has no example (>>>) in its docstring",
        ),
    ],
)
def test_whoever_forgets_a_part_of_the_techniques_file_is_told_so(copy, old, new, said):
    toy = TECHNIQUE["labcode/penalties.py"]
    assert toy.count(old) == 1
    apply(copy, TECHNIQUE | {"labcode/penalties.py": toy.replace(old, new)})
    assert f"labcode/penalties.py: {said}" in list(missing(copy))


def test_a_task_takes_what_the_walk_says_and_nothing_else(copy):
    apply(copy, TASK)
    assert run_tests(copy, "labcode/test_applications_data.py") >= 5
    said = run(copy, "tools.evidence", "--quick", "--backend", "sequential", "toy")
    assert "toy:" in said
