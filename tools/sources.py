"""What the sources give: which notebooks, with which cells, and on which files their outputs depend."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import jupytext
from nbformat import NotebookNode, v4

from tools import exercise, pages
from tools.exercise import SourceError
from tools.reachable import Library

FORMAT = 2  # raise it when the builder gives other outputs for the same inputs
FOLDERS = {"notebooks": "chapters", "exercises": "exercises", "solutions": "exercises"}
READ_BY = {  # files that a module of labcode reads
    "labcode/data/dataset.py": ("labcode/data/files", "*"),
    "labcode/experiments/claims.py": ("evidence", "claims.toml"),
    "labcode/libraries/speed.py": ("benchmarks/results", "*.json"),
}
INSTALL = "import labcode  # missing? %pip install PATH (the course's folder), then restart the kernel"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


@dataclass(frozen=True)
class Target:
    """One notebook to build, and the source that gives it.

    Args:
        root: the course folder.
        folder: the notebook's folder, a key of ``FOLDERS``.
        name: stem of both files, for example `01_background`.
    """

    root: Path
    folder: str
    name: str

    @property
    def source(self) -> Path:
        """The hand-edited file."""
        return self.root / "source" / FOLDERS[self.folder] / f"{self.name}.py"

    @property
    def path(self) -> Path:
        """The built file."""
        return self.root / self.folder / f"{self.name}.ipynb"

    @property
    def is_executed(self) -> bool:
        """False for exercises alone: their blanks are the learner's."""
        return self.folder != "exercises"

    def __str__(self) -> str:
        return f"{self.folder}/{self.name}.ipynb"


def targets(root: Path) -> list[Target]:
    """Return every notebook that the sources of a course folder give, in order."""
    return [
        Target(root, folder, source.stem)
        for folder, sources in FOLDERS.items()
        for source in sorted((root / "source" / sources).glob("*.py"))
    ]


def draft(target: Target, library: Library | None = None) -> NotebookNode:
    """Return a notebook as its source gives it, before execution.

    Args:
        target: the notebook.
        library: labcode's files, where they are already read.

    Raises:
        SourceError: the source breaks a rule; the message names file and place.
    """
    text, name = target.source.read_text(encoding="utf-8"), _name(target)
    cells = draft_cells(target, text)
    reached = inputs(target, text, library or Library(target.root))
    course = {"format": FORMAT, "source": name, "inputs": reached}
    return notebook(cells, course=course)


def notebook(cells: list[NotebookNode], **metadata: object) -> NotebookNode:
    """Return a notebook of Python with these cells, whose ids come from their content."""
    fixed = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    return v4.new_notebook(cells=_with_ids(cells), metadata=fixed | metadata)


def draft_cells(target: Target, text: str) -> list[NotebookNode]:
    """Return a notebook's cells before execution: the source's, and what the build adds to every page.

    Args:
        target: the notebook.
        text: its source.

    Raises:
        SourceError: the source breaks a rule; the message names file and place.
    """
    name = _name(target)
    cells = parse(text, target.folder, name)
    cells = pages.complete(cells, target.name, target.folder, pages.Course(target.root), name)
    _say_what_to_install(cells)
    return cells


def parse(text: str, folder: str, name: str) -> list[NotebookNode]:
    """Return a source's own cells, in the form of the folder that they are for.

    Args:
        text: the source.
        folder: a key of ``FOLDERS``, or `assignments`.
        name: the source's name, for messages.

    Raises:
        SourceError: the source breaks a rule; the message names file and place.
    """
    exercise.check_markers(text, name)
    cells = jupytext.reads(text, fmt="py:percent").cells
    for number, cell in enumerate(cells, start=1):
        _apply_options(cell, folder, f"{name}: cell {number}")
    exercise.check_grade_ids(cells, name)
    return cells


def _name(target: Target) -> str:
    """Return a source's path in the course folder."""
    return target.source.relative_to(target.root).as_posix()


def _apply_options(cell: NotebookNode, folder: str, place: str) -> None:
    """Turn the options after a cell's `# %%` into metadata, and an exercise's cell into the folder's form."""
    layout = ("lines_to_", "cell_marker")  # how jupytext remembers the text's own form
    options = {key: value for key, value in cell.metadata.items() if not key.startswith(layout)}
    unknown = [key for key in options if key not in exercise.OPTIONS]
    if unknown:
        raise SourceError(f"{place}: unknown option {unknown[0]!r}; known are {', '.join(exercise.OPTIONS)}")
    cell.metadata = NotebookNode({"tags": options["tags"]} if "tags" in options else {})
    if cell.cell_type != "code" or folder == "notebooks":
        return
    exercise.grade(cell, points=options.get("points"), grade_id=options.get("grade_id"), name=place)
    exercise.FORMS[folder](cell)


def _say_what_to_install(cells: list[NotebookNode]) -> None:
    """Have the first code cell need labcode first: where it is missing, the error shows this line."""
    code = [cell for cell in cells if cell.cell_type == "code"]
    if any("labcode" in cell.source for cell in code):
        code[0].source = f"{INSTALL}\n{code[0].source}"


def _with_ids(cells: list[NotebookNode]) -> list[NotebookNode]:
    """Return new cells whose ids come from their content, and from their ordinal among equal ones."""
    made: list[NotebookNode] = []
    seen: Counter[str] = Counter()
    for cell in cells:
        key = f"{cell.cell_type}\n{cell.source}"
        identity = hashlib.sha256(f"{seen[key]}\n{key}".encode()).hexdigest()[:12]
        seen[key] += 1
        new = getattr(v4, f"new_{cell.cell_type}_cell")
        made.append(new(cell.source, id=identity, metadata=cell.metadata))
    return made


def inputs(target: Target, text: str, library: Library) -> dict[str, str]:
    """Return the hash of everything that a notebook's outputs depend on, by the path in the course folder.

    Args:
        target: the notebook.
        text: its source.
        library: labcode's files.

    Raises:
        SourceError: a file is not valid Python.
    """
    if not target.is_executed:
        return {}
    root, reached = target.root, library.inputs(text, target.source.relative_to(target.root).as_posix())
    files = {path for path in (root / "evidence" / "results").glob("*.json") if path.stem in text}
    for module, (folder, pattern) in READ_BY.items():
        files |= set((root / folder).glob(pattern)) if module in reached else set()
    whole = {path.relative_to(root).as_posix(): path for path in files if path.is_file()}
    hashes = {name: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for name, path in whole.items()}
    return dict(sorted((reached | hashes).items()))
