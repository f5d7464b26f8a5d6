"""What the sources give: which notebooks, with which cells, and on which files their outputs depend."""

import ast
import hashlib
from collections import Counter
from dataclasses import dataclass
from importlib.util import resolve_name
from pathlib import Path

import jupytext
from nbformat import NotebookNode, v4

from tools import exercise
from tools.exercise import SourceError

FORMAT = 1  # raise it when the builder gives other outputs for the same inputs
FOLDERS = {"notebooks": "chapters", "exercises": "exercises", "solutions": "exercises"}
INSTALL = "import labcode  # missing? %pip install PATH (the course's folder), then restart the kernel"
LAZY = "= lazily("  # in a package that imports its files when they are asked for
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


def draft(target: Target) -> NotebookNode:
    """Return a notebook as its source gives it, before execution.

    Raises:
        SourceError: the source breaks a rule; the message names file and place.
    """
    text = target.source.read_text(encoding="utf-8")
    name = target.source.relative_to(target.root).as_posix()
    exercise.check_markers(text, name)
    cells = jupytext.reads(text, fmt="py:percent").cells
    for number, cell in enumerate(cells, start=1):
        _apply_options(cell, target.folder, f"{name}: cell {number}")
    exercise.check_grade_ids(cells, name)
    _say_what_to_install(cells)
    course = {"format": FORMAT, "source": name, "inputs": inputs(target, text)}
    metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}, "course": course}
    return v4.new_notebook(cells=_with_ids(cells), metadata=metadata)


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
    (exercise.for_learner if folder == "exercises" else exercise.for_solution)(cell)


def _say_what_to_install(cells: list[NotebookNode]) -> None:
    """Have the first code cell need labcode first: where it is missing, the error shows this line."""
    code = [cell for cell in cells if cell.cell_type == "code"]
    if any("labcode" in cell.source for cell in code):
        code[0].source = f"{INSTALL}\n{code[0].source}"


def _with_ids(cells: list[NotebookNode]) -> list[NotebookNode]:
    """Return new cells whose ids come from their content, and from their ordinal among equal ones."""
    seen, made = Counter(), []
    for cell in cells:
        key = f"{cell.cell_type}\n{cell.source}"
        identity = hashlib.sha256(f"{seen[key]}\n{key}".encode()).hexdigest()[:12]
        seen[key] += 1
        new = getattr(v4, f"new_{cell.cell_type}_cell")
        made.append(new(cell.source, id=identity, metadata=cell.metadata))
    return made


def inputs(target: Target, text: str) -> dict[str, str]:
    """Return the hash of every file that a notebook's outputs depend on, by its path in the course folder.

    Args:
        target: the notebook.
        text: its source.

    Raises:
        SourceError: a file is not valid Python.
    """
    root, files = target.root, {target.source}
    if target.is_executed:
        files |= modules(target.source, root)
        if root / "labcode" / "data" / "dataset.py" in files:
            files |= {path for path in (root / "labcode" / "data" / "files").glob("*") if path.is_file()}
        files |= {path for path in (root / "evidence" / "results").glob("*.json") if path.stem in text}
        if root / "labcode" / "experiments" / "claims.py" in files:
            files.add(root / "evidence" / "claims.toml")
        if root / "labcode" / "libraries" / "speed.py" in files:
            files |= set((root / "benchmarks" / "results").glob("*.json"))
    named = {path.relative_to(root).as_posix(): path for path in files}
    return {name: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for name, path in sorted(named.items())}


def modules(path: Path, root: Path) -> set[Path]:
    """Return the files of labcode that a Python file imports, directly or through others.

    Raises:
        SourceError: one of them is not valid Python.
    """
    found, queue = set(), [path]
    while queue:
        new = {file for name in _imports(queue.pop(), root) for file in _files(name, root)} - found
        found |= new
        queue.extend(new)
    return found


def _imports(path: Path, root: Path) -> set[str]:
    """Return every dotted name that a Python file may import, those inside its functions included."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        place = f"{path.relative_to(root).as_posix()}:{error.lineno}"
        raise SourceError(f"{place}: {error.msg}") from None
    names, package = set(), ".".join(path.parent.relative_to(root).parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            names |= {f"{base}.{alias.name}" for alias in node.names}
    return names


def _files(name: str, root: Path) -> set[Path]:
    """Return the files of labcode that importing a dotted name runs; none for `tools` or others."""
    parts = name.split(".")
    if parts[0] != "labcode":
        return set()
    prefixes = [root.joinpath(*parts[:end]) for end in range(1, len(parts) + 1)]
    candidates = [file for prefix in prefixes for file in (prefix / "__init__.py", prefix.with_suffix(".py"))]
    found = {file for file in candidates if file.is_file()}
    lazy = [file.parent for file in found if LAZY in file.read_text(encoding="utf-8")]
    return found.union(*(folder.glob("*.py") for folder in lazy))
