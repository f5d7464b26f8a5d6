"""Which statements of the cells that are left out the cells that stay need: imports, functions, data.

A statement is needed if it makes, or changes by an item or a method, a name that is read further down. What
it reads is needed in turn. Changes through another name are not seen: execute what was cut by this.
"""

import ast
import symtable
from collections.abc import Iterator, Sequence

IN_ORDER = (ast.Assign, ast.AnnAssign, ast.Expr)  # these read before they make


def needed(cells: Sequence[tuple[str, bool]]) -> list[str]:
    """Return for each code cell what has to run: all of one that stays, of another what those below need.

    Args:
        cells: each with its code and whether it stays.

    Examples:
        >>> needed([("import math\\nprint(1)\\nx = math.pi", False), ("y = 2", False), ("print(x)", True)])
        ['import math\\nx = math.pi', '', 'print(x)']
    """
    imported = {name for code, _ in cells for name in _imports(code)}
    wanted: set[str] = set()
    parts = []
    for code, stays in reversed(cells):
        kept = []
        for statement in reversed(ast.parse(code).body):
            reads, makes = _names(statement)
            if stays or (makes | _changes(statement) - imported) & wanted:
                wanted = (wanted - makes) | reads
                kept.append(_text(code, statement))
        parts.append(code if stays else "\n".join(reversed(kept)))
    return parts[::-1]


def _imports(code: str) -> Iterator[str]:
    """Yield the names that a cell imports."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)


def _names(statement: ast.stmt) -> tuple[set[str], set[str]]:
    """Return the notebook's names that a statement reads, and those that it makes."""
    table = symtable.symtable(ast.unparse(statement), "cell", "exec")
    makes = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
    reads = set(_reads(table))
    added_to = set(_added_to(statement))
    return (reads if isinstance(statement, IN_ORDER) else reads - makes) | added_to, makes - added_to


def _added_to(statement: ast.stmt) -> Iterator[str]:
    """Yield the names in the place of `a` in `a += 1`: they have to be there before."""
    for node in ast.walk(statement):
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def _reads(table: symtable.SymbolTable) -> Iterator[str]:
    """Yield the names that a piece of code, or a function in it, reads from the notebook."""
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (table.get_type() == "module" or symbol.is_global()):
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _reads(inner)


def _changes(statement: ast.stmt) -> set[str]:
    """Return the names whose object a statement changes: `a[0] = 1`, `a.b = 1`, `a.append(1)`, `a += 1`."""
    targets = [
        node
        for node in ast.walk(statement)
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store)
    ]
    calls = [node.value for node in ast.walk(statement) if isinstance(node, ast.Expr)]
    methods = [call.func for call in calls if isinstance(call, ast.Call)]
    targets += [method for method in methods if isinstance(method, ast.Attribute)]
    return {name for target in targets for name in _base(target)} | set(_added_to(statement))


def _base(node: ast.expr) -> Iterator[str]:
    """Yield the name that a chain of items and attributes begins with."""
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


def _text(code: str, statement: ast.stmt) -> str:
    """Return a statement as it is written, its decorators included."""
    first = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", []))])
    return "\n".join(code.splitlines()[first - 1 : statement.end_lineno])
