"""Do the exercises in JupyterLab in a browser: left blank, then wrong, then right, then opened again.

    python tests/notebooks/exercise_trial.py [NAME ...] [--pictures FOLDER]

Each task is first left blank, then answered with the mistake that its check lists first, then as in the
solution; after each, the notebook is run as a whole. What a check says has to fit: "still blank", the
mistake's reason, "right". Printed is what did not fit, for each exercise.
"""

import argparse
import json
import re
import sys
from pathlib import Path

from lab_page import COURSE, Notebook, in_turn

sys.path.insert(0, str(COURSE))
from labcode import check

WRONG = """from labcode import check as _check

_checker = _check.{name}


def {name}(*args):
    return _checker.solution(*args, **_checker.misconceptions[0].switches)
"""


def read(folder: str, name: str) -> list[dict]:
    """Return the cells of a built notebook of the course."""
    return json.loads((COURSE / folder / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]


def tasks(name: str) -> dict[int, str]:
    """Return the tasks of an exercise, by the number of the cell that holds the answer."""
    found = {}
    for number, cell in enumerate(read("exercises", name)):
        about = cell["metadata"].get("nbgrader", {})
        if about.get("solution") and not about.get("grade"):
            found[number] = about["grade_id"]
    return found


def said(cell: dict) -> str:
    """Return all that a cell has put out, in one line."""
    texts = [o.get("text", o.get("evalue", "")) for o in cell["outputs"]]
    return " ".join(" ".join("".join(text) for text in texts).split())


def pattern(message: str) -> str:
    """Return the pattern of a message in one line, in which anything may stand for a `{number}`."""
    return ".+?".join(map(re.escape, re.split(r"\{[^}]*\}", " ".join(message.split()))))


def try_exercise(page, folder: Path, address: str, name: str, pictures: Path | None = None) -> list[str]:
    """Do an exercise three times and open it again; return what did not fit."""
    answers = tasks(name)
    checkers = {task: getattr(check, task) for task in answers.values()}
    first = {task: c.misconceptions[0].message for task, c in checkers.items()}
    solution = ["".join(cell["source"]) for cell in read("solutions", name)]
    rounds = {
        "blank": (None, dict.fromkeys(checkers, "still blank")),
        "wrong": ({at: WRONG.format(name=task) for at, task in answers.items()}, first),
        "right": ({at: solution[at] for at in answers}, {task: f"{task}: right." for task in checkers}),
    }
    path, odd = folder / "work" / "exercises" / f"{name}.ipynb", []
    notebook = Notebook(page, address, path)
    for kind, (sources, expected) in rounds.items():
        if sources:
            notebook.write(sources)
        cells = notebook.run_all()
        if pictures:
            page.screenshot(path=pictures / f"{name}-{kind}.png")
        for task, wanted in expected.items():
            calls = [cell for cell in cells if re.search(rf"check\.{task}\(", "".join(cell["source"]))]
            if not any(re.search(pattern(wanted), said(cell)) for cell in calls):
                odd.append(f"{name}, {task}, {kind}: expected {wanted!r}, received {[*map(said, calls)]}")
    again = Notebook(page, address, path)
    kept = ["".join(cell["source"]) for cell in again.saved_code_cells()]
    odd += [f"{name}: {task} was not kept" for at, task in answers.items() if solution[at] not in kept]
    return odd + [
        f"{name}: {task} is not on record as solved" for task in checkers if task not in solved(folder)
    ]


def solved(folder: Path) -> set[str]:
    """Return the tasks that the course has on record as solved."""
    lines = (folder / "work" / "progress.jsonl").read_text(encoding="utf-8").splitlines()
    return {entry["task"] for entry in map(json.loads, lines) if entry.get("right")}


def main() -> int:
    """Do the exercises that the command line names, or all."""
    names = [path.stem for path in sorted((COURSE / "exercises").glob("*.ipynb"))]
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", default=names)
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of the pages")
    options = parser.parse_args()
    return in_turn(options.names, try_exercise, options.pictures)


if __name__ == "__main__":
    sys.exit(main())
