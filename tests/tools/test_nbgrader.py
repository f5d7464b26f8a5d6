"""The assignments with the real nbgrader: generated, released, handed in, graded.

Needs the extra [grade] in an environment of its own: `python course.py test --nbgrader -- -m nbgrader`.
"""

import importlib.util
import os
import sys
from pathlib import Path

import nbformat
import pytest

from tools import assignment, exercise
from tools.sources import parse

pytestmark = [
    pytest.mark.nbgrader,
    pytest.mark.long,
    pytest.mark.skipif(
        not importlib.util.find_spec("nbgrader"), reason="nbgrader, the extra [grade], is not installed"
    ),
]
SOURCES = assignment.ROOT / "source" / "exercises"
NAMES = sorted(path.stem for path in SOURCES.glob("*.py"))
LOUD = """import sys, os, warnings
import numpy as np
warnings.warn("a warning")
np.float64(1) / np.float64(0)
print("on standard error", file=sys.stderr)
os.write(2, b"[W NNPACK.cpp:61] Could not initialize NNPACK! Reason: Unsupported hardware.\\n")
"""
# By exercise: a task, an answer that is right in some of its cases, one that is right in none.
WRONG = {
    "ex02_core_concepts": (
        "inverted_dropout",
        "def inverted_dropout(x, kept, p, training):\n    return x * kept / (1 - p)",
        "def inverted_dropout(x, kept, p, training):\n    return 'x'",
    ),
    "ex08_outlook": (
        "mixture_loss",  # no other task builds on it
        "def mixture_loss(logits, targets):\n"
        "    chosen = with_temperature(logits, 1.0)[:, np.arange(len(targets)), targets]\n"
        "    return -np.log(chosen).mean()",  # right for a single pass
        "def mixture_loss(logits, targets):\n    return None",
    ),
}


@pytest.fixture(scope="module")
def nbgrader(tmp_path_factory):
    """A class with all assignments written, and nbgrader's interface to it."""
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import PyFileConfigLoader

    folder = tmp_path_factory.mktemp("class")
    assignment.write_course(folder, [])
    config = PyFileConfigLoader("nbgrader_config.py", path=str(folder)).load_config()
    config.CourseDirectory.root = str(folder)
    config.Exchange.root, config.Exchange.cache = str(folder / "exchange"), str(folder / "cache")
    (folder / "exchange").mkdir(mode=0o777)
    (folder / "exchange").chmod(0o777)
    with pytest.MonkeyPatch.context() as monkeypatch:  # nbgrader calls alembic by its name
        path = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
        monkeypatch.setenv("PATH", os.pathsep.join(path))
        monkeypatch.setenv("PYTHONPATH", str(assignment.ROOT))
        monkeypatch.setenv("LABCODE_PROGRESS", "off")
        monkeypatch.chdir(folder)
        yield NbGraderAPI(config=config)


def released(nbgrader, name):
    """Return the learner's copy of an assignment, which is generated where it is not there yet."""
    path = Path(nbgrader.coursedir.root) / "release" / name / f"{name}.ipynb"
    if not path.exists():
        answer = nbgrader.generate_assignment(name)
        assert answer["success"], answer.get("error") or answer.get("log")
    return nbformat.read(path, as_version=4)


def hand_in(nbgrader, name, student, answers):
    """Hand in the learner's copy with these sources in the cells of these grade ids."""
    nb = released(nbgrader, name)
    for cell in nb.cells:
        cell.source = answers.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
    path = Path(nbgrader.coursedir.root) / "submitted" / student / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(nb, path)


def scores(nbgrader, name, student):
    """Grade what a student has handed in; return scores and maxima by task."""
    answer = nbgrader.autograde(name, student)
    assert answer["success"], answer.get("error") or answer.get("log")
    with nbgrader.gradebook as gradebook:
        notebook = gradebook.find_submission_notebook(name, name, student)
        found = {g.name.removeprefix("check_"): (g.auto_score, g.max_score) for g in notebook.grades}
    return {task: score for task, (score, _) in found.items()}, {
        task: most for task, (_, most) in found.items()
    }


def solved(name):
    cells = parse((SOURCES / f"{name}.py").read_text("utf-8"), "assignments", name)
    graded = [cell for cell in cells if cell.metadata.get("nbgrader", {}).get("solution")]
    return {cell.metadata.nbgrader.grade_id: exercise.solve(cell.source) for cell in graded}


@pytest.mark.parametrize("name", NAMES)
def test_an_assignment_is_generated_with_its_def_lines_and_released(nbgrader, name):
    left = {
        c.metadata.nbgrader.grade_id: c.source
        for c in released(nbgrader, name).cells
        if "nbgrader" in c.metadata
    }
    for grade_id, answer in solved(name).items():
        head = answer.split('"""')[0]
        assert left[grade_id].startswith(head), grade_id
        assert "Your turn" in left[grade_id]
        assert "SOLUTION" not in left[grade_id]
        assert answer.splitlines()[-1] not in left[grade_id].splitlines()
    answer = nbgrader.release_assignment(name)
    assert answer["success"], answer.get("error") or answer.get("log")
    assert list(Path(nbgrader.coursedir.root, "exchange").rglob(f"outbound/{name}/{name}.ipynb"))


@pytest.mark.parametrize("kind", ["right", "blank", "partly", "wrong", "crashing", "loud"])
@pytest.mark.parametrize("name", WRONG)
def test_a_submission_gets_the_points_that_it_earns(nbgrader, name, kind):
    task, partly, wrong = WRONG[name]
    crash = {task: f"raise RuntimeError('this cell stops')\n{solved(name)[task]}"}
    loud = {grade_id: f"{LOUD}{answer}" for grade_id, answer in solved(name).items()}
    loud[task] += f"\nquiet = {task}\ndef {task}(*given):\n" + "".join(
        f"    {line}\n" for line in [*LOUD.splitlines(), "return quiet(*given)"]
    )
    answers = {
        "right": solved(name),
        "blank": {},
        "partly": solved(name) | {task: partly},
        "wrong": solved(name) | {task: wrong},
        "crashing": solved(name) | crash,
        "loud": loud,
    }[kind]
    hand_in(nbgrader, name, kind, answers)
    got, most = scores(nbgrader, name, kind)
    own, maximum = got.pop(task), most.pop(task)
    if kind == "partly":
        assert 0 < own < maximum
    else:
        assert own == (maximum if kind in ("right", "loud") else 0)
    assert got == (dict.fromkeys(most, 0) if kind == "blank" else most)
