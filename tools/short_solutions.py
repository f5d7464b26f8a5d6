"""Writes the exercises' solutions as functions of labcode.check, which makes variants of them."""

import ast
from collections.abc import Iterator
from pathlib import Path

from labcode._files import write_atomically
from tools.exercise import MARKER, solve

FOLDER = Path("labcode/check/solutions")
HEAD = '"""Written by `course.py build` from ``{}``; edit it there."""\n\n{}'
IMPORTS = {"copy": "import copy", "np": "import numpy as np"}  # a solution that needs more is no short one


def short_solutions(root: Path) -> dict[Path, str]:
    """Return the files of a course folder, below it, with the text that each should have."""
    files = {}
    for source in sorted((root / "source" / "exercises").glob("*.py")):
        text = _file(source.read_text(encoding="utf-8"), source.relative_to(root).as_posix())
        if text:
            name, *more = source.stem.split("_")
            stem = "_".join([name, *(part for part in more[:1] if part.isdigit())])
            files[FOLDER / f"{stem}.py"] = text
    return files


def mend(root: Path, *, write: bool) -> list[Path]:
    """Return the files that are missing or hold another text, having written them if that is wanted.

    A folder without labcode's checks has none.
    """
    if not (root / FOLDER).is_dir():
        return []
    stale = {path: text for path, text in short_solutions(root).items() if _read(root / path) != text}
    for path, text in stale.items() if write else ():
        write_atomically(root / path, text.encode())
    return list(stale)


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _file(source: str, name: str) -> str:
    """Return the text of one file; none for a source without a short solution."""
    functions = list(_functions(source))
    if not functions:
        return ""
    used = {node.id for _, tree in functions for node in ast.walk(tree) if isinstance(node, ast.Name)}
    imports = [line for name, line in IMPORTS.items() if name in used]
    return "\n\n\n".join([HEAD.format(name, "\n\n".join(imports)), *(text for text, _ in functions)]) + "\n"


def _functions(source: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield the solutions that need nothing but numpy, copy and each other, as text and tree."""
    lines = source.split("\n")
    top = ast.parse(source).body
    defined = {node.name: node for node in top if isinstance(node, ast.FunctionDef)}
    bound = {alias.asname or alias.name.partition(".")[0] for node in top for alias in _aliases(node)}
    longer = bound - set(IMPORTS)  # names of other modules
    texts = {
        name: "\n".join(lines[node.lineno - 1 : (node.end_lineno or 0) + 1]) for name, node in defined.items()
    }
    solved = {name for name, text in texts.items() if any(map(MARKER.fullmatch, text.split("\n")))}
    needed = {name: _names(node) for name, node in defined.items()}
    short = {name for name in solved if not needed[name] & longer}
    short |= {other for name in short for other in needed[name] & set(defined)}
    for name, node in defined.items():
        if name in short:
            yield solve(texts[name]).rstrip(), node


def _aliases(node: ast.stmt) -> list[ast.alias]:
    return node.names if isinstance(node, ast.Import | ast.ImportFrom) else []


def _names(node: ast.FunctionDef) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
