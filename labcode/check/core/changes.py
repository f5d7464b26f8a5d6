"""The changes that make variants of a solution, one node of its syntax tree at a time."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from labcode.check.core.changes_of_calls import OTHER, of_call
from labcode.check.core.changes_of_flow import EXCHANGED, of_flow, of_variable

ONCE = (OTHER, EXCHANGED)  # texts under which many changes stand: one at a time is enough
COMPARED = {
    ast.Lt: ("<", ((ast.LtE, "<="), (ast.Gt, ">"))),
    ast.LtE: ("<=", ((ast.Lt, "<"), (ast.GtE, ">="))),
    ast.Gt: (">", ((ast.GtE, ">="), (ast.Lt, "<"))),
    ast.GtE: (">=", ((ast.Gt, ">"), (ast.LtE, "<="))),
}


TEXTS = ("weight", "bias", "ih", "hh")  # parts of names that a mistake may take in each other's place


@dataclass(frozen=True)
class Around:
    """What stands around a node: names and texts of a solution that may be taken for one another.

    Args:
        public: names of the arguments, which the learner knows.
        variables: names that hold a value, arguments included.
        texts: the texts in it.
        functions: what is called.
        arguments: of each function that is called with one argument, these arguments, as text.
    """

    public: frozenset[str]
    variables: frozenset[str]
    texts: tuple[str, ...]
    functions: frozenset[str]
    arguments: dict[str, set[str]]

    @classmethod
    def of(cls, tree: ast.Module) -> "Around":
        """Return what stands in a solution, the first function of its module."""
        top: Any = tree.body[0]
        nodes = list(ast.walk(top))
        public = {arg.arg for arg in top.args.args}
        bound = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        bound -= {name for node in nodes if isinstance(node, ast.Assign) for name in _lists(node)}
        texts = [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        calls = [n for n in nodes if isinstance(n, ast.Call)]
        arguments: dict[str, set[str]] = {}
        for call in calls:
            if len(call.args) == 1 and isinstance(call.args[0], ast.Name):
                arguments.setdefault(ast.unparse(call.func), set()).add(call.args[0].id)
        functions = frozenset(ast.unparse(call.func) for call in calls)
        texts = tuple(text for text in dict.fromkeys(texts) if len(text) < 20)
        return cls(frozenset(public), frozenset(public | bound), texts, functions, arguments)


def _lists(node: ast.Assign) -> Iterator[str]:
    """Yield the names that an assignment gives to a list, which grows: it is no number's place to take."""
    for target in node.targets:
        both = [(target, node.value)]
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            both = list(zip(target.elts, node.value.elts, strict=True))
        yield from (
            t.id for t, v in both if isinstance(t, ast.Name) and isinstance(v, ast.List | ast.ListComp)
        )


def changes(node: ast.AST, around: Around) -> Iterator[tuple[str, Callable]]:
    """Yield the changes of one node: in words, and as a function from the node to a new one."""
    yield from of_flow(node)
    if isinstance(node, ast.Call):
        yield from of_call(node, around)
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARED:
        old_sign, others = COMPARED[type(node.ops[0])]
        for new, new_sign in others:
            yield (
                f"`{new_sign}` in place of `{old_sign}`",
                lambda n, new=new: ast.Compare(n.left, [new(), *n.ops[1:]], n.comparators),
            )
    elif isinstance(node, ast.BinOp):
        yield from _terms(node, around.public)
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        yield from _places(node)
    elif isinstance(node, ast.Constant):
        yield from _constants(node, around)
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield from of_variable(node, around)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not | ast.Invert):
        yield "one sign or `not` left out", lambda n: n.operand


def _constants(node, around):
    """Yield other numbers, and other texts."""
    old = node.value
    if isinstance(old, str) and old in around.texts:
        for text in (*around.texts, *TEXTS):
            if text != old:
                yield f"{text!r} in place of {old!r}", lambda n, text=text: ast.Constant(text)
    if type(old) not in (int, float) or old < 0:
        return
    others = (old + 1, old - 1) if type(old) is int else (1 - old, old * 2, old / 2)
    for value in others if old else (1,):
        yield f"{value:g} in place of {old:g}", lambda n, value=value: ast.Constant(value)


def _terms(node, public):
    """Yield a sum, product or quotient without one of its sides, or turned round."""
    for kept, dropped in (("left", "right"), ("right", "left")):
        side = getattr(node, dropped)
        known = {n.id for n in ast.walk(side) if isinstance(n, ast.Name)} <= public | {"np"}
        said = f"`{ast.unparse(side)}` left out" if known else "one of its terms or factors left out"
        yield said, lambda n, kept=kept: getattr(n, kept)
    if isinstance(node.op, ast.Sub | ast.Div | ast.MatMult):
        word = {ast.Sub: "difference", ast.Div: "quotient", ast.MatMult: "product"}[type(node.op)]
        yield f"a {word} turned round", lambda n: ast.BinOp(n.right, n.op, n.left)
    for old, new, words in (
        (ast.Add, ast.Sub, "`-` in place of `+`"),
        (ast.Sub, ast.Add, "`+` in place of `-`"),
    ):
        if isinstance(node.op, old):
            yield words, lambda n, new=new: ast.BinOp(n.left, new(), n.right)
    if isinstance(node.op, ast.Pow):
        absolute = ast.Name("abs", ast.Load())
        yield "the absolute value in place of a power", lambda n: ast.Call(absolute, [n.left], [])
    if isinstance(node.op, ast.Mult):
        yield "a quotient in place of a product", lambda n: ast.BinOp(n.left, ast.Div(), n.right)
    if isinstance(node.op, ast.Div) and _is_mean(node.left) and _is_mean(node.right):
        yield (
            "the mean of quotients in place of the quotient of means",
            lambda n: ast.Call(n.left.func, [ast.BinOp(n.left.args[0], ast.Div(), n.right.args[0])], []),
        )
    if isinstance(node.op, ast.Mult):
        yield (
            "a quotient, turned round, in place of a product",
            lambda n: ast.BinOp(n.right, ast.Div(), n.left),
        )
    if isinstance(node.op, ast.Div):
        yield "a product in place of a quotient", lambda n: ast.BinOp(n.left, ast.Mult(), n.right)


def _is_mean(node):
    return (
        isinstance(node, ast.Call) and ast.unparse(node.func) in ("np.mean", "np.sum") and len(node.args) == 1
    )


def _places(node):
    """Yield the first entry in place of the last, and a slice that is not cut."""
    part = node.slice
    if isinstance(part, ast.UnaryOp) and isinstance(part.operand, ast.Constant) and part.operand.value == 1:
        yield "the first in place of the last", lambda n: ast.Subscript(n.value, ast.Constant(0), n.ctx)
    if isinstance(part, ast.Constant) and part.value == 0:
        yield "the last in place of the first", lambda n: ast.Subscript(n.value, ast.Constant(-1), n.ctx)
    if isinstance(part, ast.Slice) and part.step is None:
        yield "a part taken whole", lambda n: n.value
    if not isinstance(part, ast.Slice | ast.Tuple | ast.Constant):
        for step, words in ((-1, "before"), (1, "after")):
            other = ast.BinOp(part, ast.Add(), ast.Constant(step))
            yield (
                f"the entry {words} the one that is meant",
                lambda n, other=other: ast.Subscript(n.value, other, n.ctx),
            )
    if isinstance(node.value, ast.Name):
        yield "all of an array in place of a part of it", lambda n: n.value
