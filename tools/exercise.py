"""From one exercise source to two notebooks: the learner's, with blanks, and the solved one.

A solution stands between `# BEGIN SOLUTION` and `# END SOLUTION`, each alone on its line. Cells carry the
metadata of nbgrader (schema 3), so that an instructor can collect and grade the exercise with it unchanged.
"""

import re
from collections import Counter

from nbformat import NotebookNode

from tools.process import CourseError

MARKER = re.compile(r"[ \t]*#+[ \t]*(BEGIN|END) SOLUTION[ \t]*")
CELL_START = re.compile(r"# %%(\s|$)")
DEFINITION = re.compile(r"^([ \t]*)(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.MULTILINE)
CHECK_CALL = re.compile(r"^[^#\n]*\bcheck\.(\w+)\(", re.MULTILINE)
LAST_CHECK = re.compile(r"^check\.(\w+)\((\w+)\)\s*\Z", re.MULTILINE)
GRADE_ID = re.compile(r"[A-Za-z0-9_-]+")
OPTIONS = ("tags", "grade_id", "points")
RAISES = "raises-exception"


class SourceError(CourseError):
    """A source breaks the rules of the course's notebooks; the message names file and place."""


def check_markers(text: str, name: str) -> None:
    """Check that every solution block of a source is closed inside its cell, not nested, and not empty.

    Args:
        text: the whole source.
        name: the source's name, for the message.

    Raises:
        SourceError: a marker out of place; it names file and line.
    """
    opened = 0
    for number, line in enumerate(text.splitlines(), start=1):
        marker = MARKER.fullmatch(line)
        fault = None
        if marker is None:
            if "BEGIN SOLUTION" in line or "END SOLUTION" in line:
                fault = "a solution marker must be a comment alone on its line"
            elif opened and CELL_START.match(line):
                fault = f"the cell ends inside the solution block that begins in line {opened}"
        elif marker[1] == "BEGIN":
            fault = f"nested in the solution block that begins in line {opened}" if opened else None
            opened = number
        else:
            if not opened:
                fault = "END SOLUTION without BEGIN SOLUTION"
            elif number == opened + 1:
                fault = "an empty solution block"
            opened = 0
        if fault:
            raise SourceError(f"{name}:{number}: {fault}")
    if opened:
        raise SourceError(f"{name}:{opened}: BEGIN SOLUTION without END SOLUTION")


def has_blank(source: str) -> bool:
    """Tell whether a code cell holds a solution block."""
    return any(MARKER.fullmatch(line) for line in source.splitlines())


def solve(source: str) -> str:
    """Return a cell's solved form: its code without the markers."""
    return "\n".join(line for line in source.split("\n") if not MARKER.fullmatch(line))


def blank(source: str) -> str:
    """Return a cell's blank form: a `raise NotImplementedError` at the indentation of each solution block."""
    kept, inside = [], False
    for line in source.split("\n"):
        marker = MARKER.fullmatch(line)
        if marker is None:
            if not inside:
                kept.append(line)
            continue
        inside = marker[1] == "BEGIN"
        if inside:
            indent = line[: len(line) - len(line.lstrip())]
            name = _enclosing(kept, indent)
            task = f"write {name}" if name else "write this part"
            kept.append(f'{indent}raise NotImplementedError("Your turn: {task} in place of this line.")')
    return "\n".join(kept)


def _enclosing(lines: list[str], indent: str) -> str | None:
    """Return the name of the innermost function or class above that contains the given indentation."""
    for line in reversed(lines):
        definition = DEFINITION.match(line)
        if definition and len(definition[1]) < len(indent):
            return definition[2]
    return None


def grade(cell: NotebookNode, *, points: float | None, grade_id: str | None, name: str) -> None:
    """Write nbgrader's metadata into a code cell that holds a blank or calls a checker; leave others alone.

    Args:
        cell: a code cell as the source has it, markers included.
        points: what a passed check earns; 1 by default, for check cells alone.
        grade_id: nbgrader's name of the cell; by default the function's (`l2_penalty`, `check_l2_penalty`).
        name: the cell's name, for the message.

    Raises:
        SourceError: a blank and a check in one cell, no usable grade_id, or points where none are earned.
    """
    check, is_blank = CHECK_CALL.search(cell.source), has_blank(cell.source)
    if check and is_blank:
        raise SourceError(f"{name}: a blank and its check must stand in two cells")
    if points is not None and not (check and isinstance(points, int | float) and points >= 0):
        raise SourceError(
            f"{name}: points: expected a number of at least 0 on a check cell, received {points!r}"
        )
    if not check and not is_blank:
        if grade_id is not None:
            raise SourceError(f"{name}: grade_id on a cell without a blank or a check")
        return
    if grade_id is None:
        first = DEFINITION.search(cell.source)
        grade_id = f"check_{check[1]}" if check else (first[2] if first else "")
    if not GRADE_ID.fullmatch(str(grade_id)):
        raise SourceError(f"{name}: expected a grade_id of letters, digits, _ and -, received {grade_id!r}")
    kind = {"solution": is_blank, "grade": bool(check), "locked": bool(check), "task": False}
    cell.metadata["nbgrader"] = {"schema_version": 3, "grade_id": grade_id, **kind}
    if check:
        cell.metadata["nbgrader"]["points"] = 1 if points is None else points


def check_grade_ids(cells: list[NotebookNode], name: str) -> None:
    """Check that no two cells share a grade_id.

    Raises:
        SourceError: it names the grade_id that occurs twice.
    """
    counts = Counter(cell.metadata.nbgrader.grade_id for cell in cells if "nbgrader" in cell.metadata)
    twice = [grade_id for grade_id, count in counts.items() if count > 1]
    if twice:
        raise SourceError(f"{name}: grade_id {twice[0]!r} occurs twice")


def for_learner(cell: NotebookNode) -> None:
    """Turn a code cell into the exercise's: blank, and allowed to raise where it is graded."""
    graded = "nbgrader" in cell.metadata
    cell.source = blank(cell.source)
    tags = cell.metadata.get("tags", [])
    if graded and RAISES not in tags:
        cell.metadata["tags"] = [*tags, RAISES]


def for_solution(cell: NotebookNode) -> None:
    """Turn a code cell into the solution's: solved, and with no error allowed anywhere."""
    cell.source = solve(cell.source)
    tags = [tag for tag in cell.metadata.pop("tags", []) if tag != RAISES]
    if tags:
        cell.metadata["tags"] = tags


def for_teacher(cell: NotebookNode) -> None:
    """Turn a code cell into nbgrader's source: markers stay, and a check returns the points that it found.

    Raises:
        SourceError: a check that is not the last line, `check.NAME(NAME)`; nbgrader reads that line's value.
    """
    graded = cell.metadata.get("nbgrader", {})
    if not graded.get("grade"):
        return
    as_points = f'check.points(\\2, {graded["points"]:g}, task="\\1")'
    cell.source, found = LAST_CHECK.subn(as_points, cell.source)
    if not found:
        raise SourceError(
            f"{graded['grade_id']}: expected a last line check.NAME(NAME), received {cell.source!r}"
        )


FORMS = {"exercises": for_learner, "solutions": for_solution, "assignments": for_teacher}
