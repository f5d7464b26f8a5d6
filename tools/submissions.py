"""What learners have handed in: the files of a folder, read without running or trusting anything in them."""

import json
import os
import re
import stat
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

MOST_BYTES = 20 * 2**20
MOST_CELLS = 500
ZIP = b"PK\x03\x04"
HIDDEN = (".", "__")  # what a system or a packer leaves
PACKED = (".zip", ".rar", ".7z", ".gz", ".tgz", ".xz", ".tar")


class Unreadable(Exception):
    """Why a file is no submission, in words."""


@dataclass
class Submission:
    """A file that was handed in.

    Args:
        path: below the folder.
        learner: the folder's name that it lies in, at the top; its own name where it lies in none.
        cells: the code, by "cell N", counted from 1 over all cells.
        tasks: the tasks' names that it may have answered, as far as its text tells.
        trouble: why it cannot be graded, or what to look at.
    """

    path: Path
    learner: str
    cells: dict[str, str] = field(default_factory=dict)
    tasks: frozenset[str] = frozenset()
    trouble: str = ""


def collect(folder: Path) -> list[Submission]:
    """Return all files of a folder and below; what is no notebook has its trouble said, and no cells."""
    found = []
    for where, folders, names in os.walk(folder):
        links = [name for name in folders if Path(where, name).is_symlink()]
        folders[:] = [name for name in folders if not name.startswith(HIDDEN)]
        paths = [Path(where, name) for name in [*links, *names] if not name.startswith(HIDDEN)]
        found += [_submission(path, folder) for path in paths]
    return sorted(found, key=lambda one: str(one.path))


def _submission(path: Path, folder: Path) -> Submission:
    below = path.relative_to(folder)
    one = Submission(below, below.parts[0] if len(below.parts) > 1 else below.stem)
    try:
        one.cells = read(path)
        one.tasks = frozenset(name for text in one.cells.values() for name in named(text))
    except Unreadable as error:
        one.trouble = str(error)
    return one


def read(path: Path) -> dict[str, str]:
    """Return the code cells of a notebook.

    Raises:
        Unreadable: it is something else.
    """
    if path.is_symlink():
        raise Unreadable("a link to another place; the file itself has to be handed in")
    if path.suffix.lower() in PACKED:
        raise Unreadable("packed; unpack it, and grade again")
    if path.suffix.lower() != ".ipynb":
        raise Unreadable("no notebook (.ipynb)")
    content = _content(path)
    if content.startswith(ZIP):
        raise Unreadable("a zip archive under a notebook's name; unpack it, and grade again")
    try:
        cells = json.loads(content)["cells"]
        codes = {f"cell {n}": _source(cell) for n, cell in enumerate(cells, 1) if cell["cell_type"] == "code"}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        said = re.sub(r"\s+", " ", str(error))[:80]
        raise Unreadable(f"no notebook of format 4 ({type(error).__name__}: {said})") from None
    if len(codes) > MOST_CELLS:
        raise Unreadable(f"{len(codes):,} cells of code; at most {MOST_CELLS} are run")
    return codes


def _content(path: Path) -> bytes:
    """Return a file's bytes; only a plain file's, whatever it has become meanwhile.

    Raises:
        Unreadable: it is larger than a notebook is, or cannot be read.
    """
    flags = (
        os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    )
    try:
        with open(os.open(path, flags), "rb") as file:
            what = os.fstat(file.fileno())
            if not stat.S_ISREG(what.st_mode):
                raise Unreadable("no plain file")
            if what.st_size > MOST_BYTES:
                raise Unreadable(f"{what.st_size / 2**20:,.0f} MB; at most {MOST_BYTES // 2**20} are read")
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise Unreadable(f"cannot be read ({error.strerror or error})") from None


def _source(cell: dict) -> str:
    source = cell["source"]
    text = source if isinstance(source, str) else "".join(source)
    return text.encode("utf-8", "replace").decode()  # half a surrogate is in no program


def named(text: str) -> set[str]:
    """Return what a cell defines, and what it calls of `check`."""
    pairs = re.findall(r"^[ \t]*def[ \t]+(\w+)|\bcheck\.(\w+)\(", text, re.MULTILINE)
    return {name for pair in pairs for name in pair if name}


def exercise_for(tasks: frozenset[str], exercises: dict[str, dict[str, float]]) -> str | None:
    """Return the exercise with most of these tasks; None where none has any.

    Args:
        tasks: names.
        exercises: by name, the points of the tasks of each.
    """
    counts = Counter({name: len(tasks & points.keys()) for name, points in exercises.items()})
    name, count = counts.most_common(1)[0]
    return name if count else None


def point_out_twice(submissions: list[Submission], exercises: dict[str, dict[str, float]]) -> None:
    """Say of each submission whose learner has handed in the same exercise in another file, too."""
    groups: dict[tuple, list[Submission]] = {}
    for one in submissions:
        key = unicodedata.normalize("NFKC", one.learner).casefold(), exercise_for(one.tasks, exercises)
        if key[1]:
            groups.setdefault(key, []).append(one)
    for group in groups.values():
        for one in group if len(group) > 1 else []:
            others = ", ".join(str(other.path) for other in group if other is not one)
            one.trouble = f"handed in more than once: also {others}"
