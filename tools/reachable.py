"""What can change a notebook's outputs: the definitions of labcode that its code can reach, as syntax trees.

A definition is a statement of a file's top level. It reaches another by naming it: directly, through an
import or as an attribute of a module; a module that is used in any other way is reached whole. Docstrings,
comments, formatting and the annotations of functions mean nothing, except where a function's source is
printed.
"""

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator
from importlib.util import resolve_name
from itertools import chain
from pathlib import Path

from labcode.experiments.script_hash import plain
from tools.exercise import SourceError

EVERYTHING = "*"  # stands for all names of a file
ALWAYS = ""  # stands for the statements of a file that define nothing

Node = tuple[str, str]  # a file's path in the course folder, and a name in it


class File:
    """The definitions and imports of a Python file, by name.

    Args:
        text: its code.
        place: its path in the course folder.

    Raises:
        SourceError: it is not valid Python.
    """

    def __init__(self, text: str, place: str):
        try:
            self.tree = _WithoutTypes().visit(ast.parse(text))
        except SyntaxError as error:
            raise SourceError(f"{place}:{error.lineno}: {error.msg}") from None
        self.text, self.place = text, place
        package = ".".join(Path(place).parent.parts)
        self.imports: dict[str, set[str]] = {}
        for name, origin in chain(_imports(self.tree, package), _lazy_imports(self.tree, package)):
            self.imports.setdefault(name, set()).add(origin)
        self.statements: dict[str, list[ast.stmt]] = {}
        for statement in self.tree.body:
            for name in set(_defines(statement)) or {ALWAYS}:
                self.statements.setdefault(name, []).append(statement)

    def used(self, name: str) -> set[str]:
        """Return what a definition uses, as dotted names: `a`, `a.b`."""
        return {dotted for statement in self.statements.get(name, ()) for dotted in _dotted_names(statement)}

    def meaning(self, name: str, *, printed: bool) -> list:
        """Return what a definition means: its tree, where its names come from, and its text if printed."""
        roots = {dotted.partition(".")[0] for dotted in self.used(name)}
        origins = sorted((root, sorted(self.imports[root])) for root in roots & self.imports.keys())
        statements = self.statements.get(name, [])
        texts = [ast.get_source_segment(self.text, one) for one in statements] if printed else []
        return [name, origins, plain(statements, {}), texts]


class Library:
    """The files of a course folder's labcode, and what each definition in them reaches.

    Args:
        root: the course folder.
    """

    def __init__(self, root: Path):
        self.root = root
        self._files: dict[str, File] = {}
        self._reached: dict[Node, set[Node]] = {}
        self._meanings: dict[tuple[Node, bool], list] = {}

    def inputs(self, code: str, place: str) -> dict[str, str]:
        """Return, for every file of labcode that some code reaches, a hash of what it reaches there.

        Args:
            code: the code, in one text.
            place: the path of its source in the course folder.

        Raises:
            SourceError: the code, or a file that it reaches, is not valid Python.
        """
        start = File(code, place)
        waiting, found = self._named(start, _dotted_names(start.tree)), set()
        waiting = {node for node in waiting if node[0] != place}  # the code itself is known
        while waiting:
            found |= waiting
            waiting = set().union(*map(self._next, waiting)) - found
        printed = {ast.unparse(call.args[0]) for call in _calls("getsource", start.tree)}
        meant: dict[str, list] = {}
        for node in sorted(found):
            meant.setdefault(node[0], []).append(self._meaning(node, node[1] in printed))
        return {
            place: hashlib.sha256(json.dumps(all).encode()).hexdigest()[:16] for place, all in meant.items()
        }

    def _next(self, node: Node) -> set[Node]:
        """Return what a definition or an import leads to in one step."""
        if node not in self._reached:
            file, name = self._file(node[0]), node[1]
            if name == EVERYTHING:
                self._reached[node] = {(file.place, one) for one in file.statements | file.imports}
            else:
                imported = self._resolve(file.imports.get(name, ()))
                self._reached[node] = imported | self._named(file, file.used(name)) | {(file.place, ALWAYS)}
        return self._reached[node]

    def _meaning(self, node: Node, printed: bool) -> list:
        if (node, printed) not in self._meanings:
            self._meanings[node, printed] = self._file(node[0]).meaning(node[1], printed=printed)
        return self._meanings[node, printed]

    def _file(self, place: str) -> File:
        if place not in self._files:
            self._files[place] = File((self.root / place).read_text(encoding="utf-8"), place)
        return self._files[place]

    def _named(self, file: File, dotted_names: Iterable[str]) -> set[Node]:
        """Return the nodes that names used in a file stand for."""
        nodes = set()
        for dotted in dotted_names:
            root, dot, rest = dotted.partition(".")
            nodes |= {(file.place, root)} if root in file.statements else set()
            nodes |= self._resolve(origin + dot + rest for origin in file.imports.get(root, ()))
        return nodes

    def _resolve(self, dotted_names: Iterable[str]) -> set[Node]:
        """Return the nodes that names such as `labcode.lstm.RegularizedLSTM` lead to."""
        ours = (dotted.split(".") for dotted in dotted_names if dotted.partition(".")[0] == "labcode")
        return {node for parts in ours for node in self._along(parts)}

    def _along(self, parts: list[str]) -> Iterator[Node]:
        """Yield the node that a dotted name leads to in each package and module on its way."""
        for end in range(1, len(parts) + 1):
            path = "/".join(parts[:end])
            places = [one for one in (f"{path}.py", f"{path}/__init__.py") if (self.root / one).is_file()]
            if not places:
                return
            file = self._file(places[0])
            name = parts[end] if end < len(parts) else EVERYTHING
            if name == EVERYTHING or name in file.statements | file.imports:
                yield file.place, name


class _WithoutTypes(ast.NodeTransformer):
    """Drop the types of arguments, results and variables; those in the body of a class may make fields."""

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        node.body = [one if isinstance(one, ast.AnnAssign) else self.visit(one) for one in node.body]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.returns = None
        self.generic_visit(node)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.Assign:
        return ast.Assign([node.target], node.value or ast.Constant(None))


def _defines(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement defines, or that it changes an item or an attribute of."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
        return
    for node in ast.walk(statement):
        if isinstance(getattr(node, "ctx", None), ast.Store):
            yield from (one.id for one in ast.walk(node) if isinstance(one, ast.Name))


def _imports(tree: ast.AST, package: str) -> Iterator[tuple[str, str]]:
    """Yield the names that imports bind, and the dotted names that they stand for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            yield from ((alias.asname or alias.name, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (first, first)


def _lazy_imports(tree: ast.AST, package: str) -> Iterator[tuple[str, str]]:
    """Yield what the table of a call `lazily(__name__, {file: [names]})` binds."""
    for call in _calls("lazily", tree):
        for file, names in ast.literal_eval(call.args[1]).items():
            yield from ((name, f"{package}.{file}.{name}") for name in names)


def _calls(function: str, tree: ast.AST) -> list[ast.Call]:
    """Return the calls of a function in a syntax tree."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args)
    return [
        call for call in calls if function in (getattr(call.func, "id", ""), getattr(call.func, "attr", ""))
    ]


def _dotted_names(tree: ast.AST) -> Iterator[str]:
    """Yield the names in a syntax tree, with the attributes asked of them."""
    waiting = [tree]
    while waiting:
        root, attributes = waiting.pop(), []
        while isinstance(root, ast.Attribute):
            attributes.append(root.attr)
            root = root.value
        if isinstance(root, ast.Name):
            yield ".".join([root.id, *reversed(attributes)])
        else:
            waiting.extend(ast.iter_child_nodes(root))
