"""What a script means, as a hash: its syntax tree without imports, docstrings, comments and formatting.

A name that a script imports from the library counts, under the name that it was first known by; where in the
library it lives, and what the script calls it, does not. So a move or a new name makes no result stale, and
another technique or another number does.
"""

import ast
import hashlib
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from labcode._checks import check_given

# names of the library as they are now, and as results first knew them
RENAMED: dict[str, str] = {"ridge_predictions": "ridge"}


def script_hash(path: str | Path) -> str:
    """Return the SHA-256 of what a script means, with which its result is marked.

    Args:
        path: of the script.
    """
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    return hashlib.sha256(json.dumps(plain(tree, _imported(tree))).encode()).hexdigest()


def meaning(function: Callable) -> dict[str, list]:
    """Return the syntax tree of a function, and of what it uses of its script, by name.

    Args:
        function: of a script's top level.

    Raises:
        ValueError: it uses a function that a worker cannot be sent, such as a cached one.
    """
    source = check_given("function", inspect.getsourcefile(function), "a function of a script's file")
    tree = ast.parse(Path(source).read_text(encoding="utf-8"))
    names = _imported(tree)
    defined = {name: node for node in tree.body for name in _defines(node)}
    found: dict[str, list] = {}
    waiting = [function.__name__]
    while waiting:
        one = waiting.pop()
        _refuse_wrapped(one, function.__globals__.get(one))
        found[one] = plain(defined[one], names)
        used = {node.id for node in ast.walk(defined[one]) if isinstance(node, ast.Name)}
        waiting += sorted((used & defined.keys()) - found.keys() - set(waiting))
    return dict(sorted(found.items()))


def _refuse_wrapped(name, value):
    """Refuse what a decorator has put in the place of a function, such as a cache."""
    if not inspect.isfunction(value) and not inspect.isclass(value) and hasattr(value, "__wrapped__"):
        what = "a plain function of the script, which workers can be sent"
        raise ValueError(f"{name}: expected {what}, received {type(value).__name__}")


def _defines(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement of the top level gives a value to."""
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield statement.name
        return
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _imported(tree: ast.Module) -> dict[str, str]:
    """Return what a script calls the names of the library, and the names that these were first known by."""
    return {
        alias.asname or alias.name: RENAMED.get(alias.name, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "labcode"
        for alias in node.names
    }


def plain(node: Any, names: Mapping[str, str]) -> Any:
    """Return a syntax tree as lists and texts, the same in every version of Python."""
    if isinstance(node, list):
        return [plain(one, names) for one in node if not _says_nothing(one)]
    if isinstance(node, ast.Name):
        return ["Name", names.get(node.id, node.id)]
    if isinstance(node, ast.Constant):
        return ["Constant", type(node.value).__name__, repr(node.value)]
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
        return ["Attribute", plain(node.value, names), RENAMED.get(node.attr, node.attr)]
    if not isinstance(node, ast.AST):
        return node
    fields = ((name, value) for name, value in ast.iter_fields(node) if value not in (None, []))
    return [type(node).__name__, *([name, plain(value, names)] for name, value in fields if name != "ctx")]


def _says_nothing(node: Any) -> bool:
    """Tell imports, and texts that stand alone, such as docstrings."""
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return isinstance(node, (ast.Import, ast.ImportFrom)) or (text and isinstance(node.value.value, str))
