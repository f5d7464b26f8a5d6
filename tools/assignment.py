"""Make an nbgrader course of the exercises: `python -m tools.assignment DIR [NAMES...]`.

nbgrader gets what it needs to make the learners' copies itself: the solutions between their markers, points
for each check, and settings under which a warning costs nothing. What a teacher has changed stays.
"""

import argparse
import re
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from labcode._files import write_atomically
from tools.process import CourseError, say
from tools.sources import notebook, parse

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\[([^\]]+)\]\((?!https?:|#)[^)]+\)")  # to another file of the course
KEPT_IN_WORK = re.compile(r"Your copy is kept in `work/.*?(?:\n\n|\Z)", re.DOTALL)
SECONDS = 700  # a cell; a check stops a function long before, the longest after 600
CONFIG = f'''"""Settings of nbgrader for the exercises of Regularizing LSTMs; yours to change."""

c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "regularizing-lstms"

# What the learners' copies have in place of a solution.
blank = 'raise NotImplementedError("Your turn: write this part in place of this line.")'
c.ClearSolutions.code_stub = {{"python": blank}}

# nbgrader takes anything on standard error for a failed test, warnings included; these are dropped. An
# exception is no text on standard error and still counts.
c.IgnorePattern.enabled = True
c.IgnorePattern.pattern = r"[\\s\\S]"

# Seconds for a cell. The checks stop a function themselves, most of them after ten.
c.Execute.timeout = {SECONDS}
c.Execute.interrupt_on_timeout = True
'''


def source(path: Path) -> NotebookNode:
    """Return nbgrader's source of an exercise: solutions, markers, points; nothing of the course's folder.

    Args:
        path: of the exercise's own source.

    Raises:
        SourceError: it breaks a rule; the message names file and place.
    """
    cells = parse(path.read_text("utf-8"), "assignments", path.name)
    for cell in cells:
        if cell.cell_type == "markdown":
            cell.source = LINK.sub(r"\1", KEPT_IN_WORK.sub("", cell.source))
    return notebook(cells)


def write_course(folder: Path, names: list[str], root: Path = ROOT) -> list[Path]:
    """Write nbgrader's settings and a source for each exercise; return the files that are new.

    Args:
        folder: of the nbgrader course.
        names: of exercises; all where there is none.
        root: the course's folder.

    Raises:
        CourseError: a name is no exercise's, or a file is there already with another content.
    """
    known = {path.stem: path for path in sorted((root / "source" / "exercises").glob("*.py"))}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise CourseError(f"No exercise is named {unknown[0]!r}. They are: {', '.join(known)}.")
    files = {
        folder / "source" / name / f"{name}.ipynb": (nbformat.writes(source(known[name])) + "\n").encode()
        for name in names or known
    }
    files[folder / "nbgrader_config.py"] = CONFIG.encode()
    new = [path for path in files if not path.exists()]
    changed = [path for path in files if path.exists() and path.read_bytes() != files[path]]
    if changed:
        raise CourseError(
            f"{changed[0]} is there already and differs. Nothing was written: move it away, or choose "
            "another folder."
        )
    for path in new:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, files[path])
    return new


def main(arguments: list[str] | None = None) -> int:
    """Write the course and say what to do next; return the exit code."""
    parser = argparse.ArgumentParser(prog="course.py assignment")
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args(arguments)
    try:
        new = write_course(options.folder, options.names)
    except (CourseError, OSError) as error:
        say(str(error), error=True)
        return 1
    for path in new:
        say(f"wrote {path}")
    say(
        "Next, for each exercise: python course.py nbgrader "
        f'"{options.folder}" generate_assignment NAME (see teaching/grading.md)'
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
