"""Interactive figures on a page without a kernel: a picture for each state, and sliders that choose."""

import ast
import contextlib
import html
import io
import json
import symtable
from collections.abc import Iterator, Sequence

from nbformat import NotebookNode

from tools.book.pages import WIDGET, Pictures


def programs(nb: NotebookNode) -> Iterator[str]:
    """Yield, for each interactive figure of a notebook, the code that makes it and all that it needs.

    The last line of that code is the figure itself, without ``.widget()``.
    """
    before: list[ast.stmt] = []
    for cell in nb.cells:
        if cell.cell_type != "code":
            continue
        statements = ast.parse(cell.source).body
        if WIDGET in cell.source:
            *own, last = statements
            assert isinstance(last, ast.Expr)
            assert isinstance(last.value, ast.Call)
            assert isinstance(last.value.func, ast.Attribute)
            figure = last.value.func.value
            yield "\n".join(map(ast.unparse, [*needed([*before, *own], figure), figure]))
        before += statements


def needed(statements: Sequence[ast.stmt], wanted: ast.expr) -> list[ast.stmt]:
    """Return the statements that give what an expression reads, in their order.

    A statement is taken where it binds a name that is read later, or changes what that name holds:
    `a.append(1)`, `b[0] = 1`. A function that changes what it is given, and binds nothing, is not.
    """
    modules = {name for one in statements if isinstance(one, ast.Import) for name in _names(one)[1]}
    open_names, taken = _names(ast.Expr(wanted))[0], []
    for statement in reversed(statements):
        read, bound = _names(statement)
        if not (bound | (_changed(statement) - modules)) & open_names:
            continue
        taken.append(statement)
        if isinstance(statement, ast.Assign | ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom):
            open_names -= bound
        open_names |= read
    return taken[::-1]


def _names(statement: ast.stmt) -> tuple[set[str], set[str]]:
    """Return the global names that a statement reads, and those that it binds."""
    table = symtable.symtable(ast.unparse(statement), "cell", "exec")
    read = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced()}
    bound = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
    inner = table.get_children()
    while inner:
        scope = inner.pop()
        inner += scope.get_children()
        read |= {symbol.get_name() for symbol in scope.get_symbols() if symbol.is_global()}
    if isinstance(statement, ast.For):
        read -= {node.id for node in ast.walk(statement.target) if isinstance(node, ast.Name)}
        read |= _names(ast.Expr(statement.iter))[0]
    return read, bound


def _changed(statement: ast.stmt) -> set[str]:
    """Return the names of what a statement changes without binding them."""
    names = set()
    for node in ast.walk(statement):
        changed: ast.expr | None = None
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
            changed = node.value
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            changed = node.value.func
        while isinstance(changed, ast.Subscript | ast.Attribute):
            changed = changed.value
        names |= {changed.id} if isinstance(changed, ast.Name) else set()
    return names


def figures(nb: NotebookNode) -> list:
    """Return a notebook's interactive figures, made anew."""
    made = []
    for program in programs(nb):
        *lines, last = ast.parse(program).body
        names: dict = {"__name__": "__main__"}
        assert isinstance(last, ast.Expr)
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(ast.Module(lines, []), "notebook", "exec"), names)
            made.append(eval(compile(ast.Expression(last.value), "notebook", "eval"), names))
    return made


def player(figure, pictures: Pictures) -> str:
    """Return the HTML of a figure's sliders and its first picture; ``player.js`` moves them.

    Args:
        figure: a ``ControlledFigure``.
        pictures: take its states.
    """
    controls, states = figure.frames()
    shown = [[pictures.keep(picture, colours=32), says, alt] for says, picture, alt in states]
    sliders = "".join(_slider(name, *control) for name, control in controls.items())
    at = 0
    for words, first in controls.values():
        at = at * len(words) + first
    name, says, alt = shown[at]
    names = list(dict.fromkeys(frame[0] for frame in shown))
    alts = list(dict.fromkeys(frame[2] for frame in shown))
    packed = {
        "pictures": names,
        "alts": alts,
        "states": [[names.index(n), s, alts.index(a)] for n, s, a in shown],
    }
    data = json.dumps(packed, ensure_ascii=False).replace("<", "\\u003c")
    return (
        f'<div class="player" role="group" aria-label="interactive figure">{sliders}'
        f'<p role="status" aria-live="polite">{html.escape(says)}</p>{pictures.tag(name, alt)}'
        f'<script type="application/json">{data}</script></div>'
    )


def _slider(name: str, words: Sequence[str], first: int) -> str:
    label, options = html.escape(name), html.escape(json.dumps(words, ensure_ascii=False), quote=True)
    now = html.escape(words[first], quote=True)
    return (
        f'<label><span>{label}</span> <input type="range" min="0" max="{len(words) - 1}" value="{first}" '
        f'data-words="{options}" aria-valuetext="{now}"> <output>{now}</output></label>'
    )
