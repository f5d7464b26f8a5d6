"""Changes of calls: other functions, other axes, another order, and what is taken for a mean or a sum."""

import ast
import builtins
from collections.abc import Callable, Iterator
from typing import Any

from labcode.check.core.changes_of_means import REDUCED, name_of, of_reduction, parsed

OTHER = "one value in the place of another"
NAMES = {  # functions and methods that are taken for one another
    "mean": ("median", "sum", "max", "min"),
    "median": ("mean",),
    "sum": ("mean", "max"),
    "min": ("max", "mean", "median", "argmin"),
    "max": ("min", "mean", "median", "argmax"),
    "argmin": ("argmax",),
    "argmax": ("argmin",),
    "minimum": ("maximum",),
    "maximum": ("minimum",),
    "floor": ("ceil", "round"),
    "ceil": ("floor", "round"),
    "any": ("all",),
    "all": ("any",),
    "log": ("log2", "log10"),
    "log2": ("log", "log10"),
    "log10": ("log",),
    "cumsum": ("sum",),
    "square": ("abs",),
    "abs": ("square",),
    "std": ("var", "mean", "ptp"),
    "var": ("std", "mean"),
}
UNDONE = {
    "sqrt": "the root",
    "abs": "the absolute value",
    "sorted": "sorting",
    "sort": "sorting",
    "square": "the square",
    "sigmoid": "the sigmoid",
    "_sigmoid": "the sigmoid",
    "tanh": "the tanh",
    "log": "the logarithm",
    "exp": "the exponential",
    "sign": "the sign",
    "ceil": "rounding up",
    "cumsum": "the cumulative sum",
}
SHAPES = ("sigmoid", "_sigmoid", "np.tanh", "np.exp", "np.log", "np.sqrt", "np.abs", "np.sign")


def of_call(node: ast.Call, around) -> Iterator[tuple[str, Callable]]:
    """Yield other functions, other axes, other orders of two calls, and what is taken for a sum or a mean."""
    function = node.func
    name = name_of(node)
    is_numpy = isinstance(function, ast.Attribute) and getattr(function.value, "id", "") == "np"
    for other in NAMES.get(name, ()):
        if isinstance(function, ast.Attribute):
            yield f"`{other}` in place of `{name}`", lambda n, other=other: _renamed(n, other, is_numpy)
        elif hasattr(builtins, other):
            named = ast.Name(other, ast.Load())
            yield f"`{other}` in place of `{name}`", lambda n, f=named: ast.Call(f, n.args, n.keywords)
    if name in UNDONE and node.args:
        yield f"{UNDONE[name]} left out", lambda n: n.args[0]
    if name in ("std", "var"):
        yield "another `ddof`", _other_ddof
    yield from of_reduction(node, name, is_numpy)
    yield from _shapes(node, around)
    yield from _in_turns(node)
    if name in REDUCED:
        given = node.args if is_numpy else [function, *node.args]
        axis = next((k.value for k in node.keywords if k.arg == "axis"), given[1] if len(given) > 1 else None)
        if isinstance(axis, ast.Constant | ast.UnaryOp):
            yield from _axes(node, axis, is_numpy)


def _shapes(node, around):
    """Yield another function of one number that the solution calls, and another of its arguments."""
    function = ast.unparse(node.func)
    if function not in SHAPES or len(node.args) != 1:
        return
    for other in sorted(around.functions & set(SHAPES) - {function}):
        yield (
            f"`{other}` in place of `{function}` in one place",
            lambda n, other=other: ast.Call(ast.parse(other, mode="eval").body, n.args, n.keywords),
        )
    for other in sorted(around.arguments.get(function, set()) - {ast.unparse(node.args[0])}):
        yield OTHER, parsed(f"{function}({other})")
        yield "1 minus another value in the place of one", parsed(f"(1 - {function}({other}))")


def _in_turns(node):
    """Yield the parts of an array as every n-th row or column, where a split makes blocks."""
    if ast.unparse(node.func) == "np.split" and len(node.args) == 2 and node.keywords:
        array, count, axis = *map(ast.unparse, node.args), ast.unparse(node.keywords[0].value)
        places = f"range(k, ({array}).shape[{axis}], {count})"
        form = f"[np.take({array}, {places}, {axis}) for k in range({count})]"
        yield "parts that are taken in turns (every n-th entry), not as blocks", parsed(form)


def _axes(node, axis, is_numpy):
    """Yield another axis, all axes, and the first or last entry in place of what is taken along an axis."""
    old = ast.literal_eval(axis)
    if not isinstance(old, int):
        return
    for new in (0, 1, 2, None):
        if new != old:
            said = "all axes at once" if new is None else f"axis {new} in place of axis {old}"
            yield said, lambda n, new=new: _with_axis(n, new, is_numpy)
    for place, words in ((0, "first"), (-1, "last")):
        yield (
            f"only the {words} entry along axis {old}",
            lambda n, place=place: (
                ast.parse(
                    f"np.take({ast.unparse(n.args[0] if is_numpy else n.func.value)}, {place}, axis={old})",
                    mode="eval",
                ).body
            ),
        )


def _with_axis(node, axis, is_numpy):
    keywords = [k for k in node.keywords if k.arg != "axis"] + [ast.keyword("axis", ast.Constant(axis))]
    return ast.Call(node.func, node.args[:1] if is_numpy else [], keywords)


def _renamed(node, name, is_numpy):
    array = [] if is_numpy else [node.func.value]
    return ast.Call(
        ast.Attribute(ast.Name("np", ast.Load()), name, ast.Load()), [*array, *node.args], node.keywords
    )


def _other_ddof(node):
    old: Any = next(
        (k.value.value for k in node.keywords if k.arg == "ddof" and isinstance(k.value, ast.Constant)), 0
    )
    keywords = [k for k in node.keywords if k.arg != "ddof"] + [ast.keyword("ddof", ast.Constant(1 - old))]
    return ast.Call(node.func, node.args, keywords)
