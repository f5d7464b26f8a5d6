"""The changes that make variants of a solution, one node of its syntax tree at a time."""

import ast
import builtins
from collections.abc import Callable, Iterator
from typing import Any, TypeGuard

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
COMPARED = {
    ast.Lt: ("<", ((ast.LtE, "<="), (ast.Gt, ">"))),
    ast.LtE: ("<=", ((ast.Lt, "<"), (ast.GtE, ">="))),
    ast.Gt: (">", ((ast.GtE, ">="), (ast.Lt, "<"))),
    ast.GtE: (">=", ((ast.Gt, ">"), (ast.LtE, "<="))),
}
REDUCED = (
    "mean",
    "sum",
    "median",
    "std",
    "var",
    "min",
    "max",
    "argmin",
    "argmax",
    "cumsum",
    "norm",
    "any",
    "all",
)

BENT = (
    "square",
    "abs",
    "sqrt",
    "log",
    "log2",
    "exp",
    "tanh",
    "sign",
)  # what a mean or sum does not commute with


def changes(node: ast.AST, public: set[str]) -> Iterator[tuple[str, Callable]]:
    """Yield the changes of one node: in words, and as a function from the node to a new one."""
    if isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARED:
        old_sign, others = COMPARED[type(node.ops[0])]
        for new, new_sign in others:
            yield (
                f"`{new_sign}` in place of `{old_sign}`",
                lambda n, new=new: ast.Compare(n.left, [new(), *n.ops[1:]], n.comparators),
            )
    elif isinstance(node, ast.BinOp):
        yield from _terms(node, public)
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        yield from _places(node)
    elif isinstance(node, ast.AugAssign):
        yield "the last one kept, where all should be added", lambda n: ast.Assign([n.target], n.value)
    elif isinstance(node, ast.Constant) and _is_number(node.value) and node.value >= 0:
        if node.value == 0:
            others = (1,)
        elif type(node.value) is int:
            others = (node.value + 1, node.value - 1)
        else:
            others = (1 - node.value, node.value * 2, node.value / 2)
        for value in others:
            yield f"{value:g} in place of {node.value:g}", lambda n, value=value: ast.Constant(value)
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in public:
        for other in sorted(public - {node.id}):
            yield (
                f"`{other}` in place of `{node.id}` in one place",
                lambda n, other=other: ast.Name(other, n.ctx),
            )
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not | ast.Invert):
        yield "one sign or `not` left out", lambda n: n.operand


def _calls(node):
    function = node.func
    name = _name_of(node)
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
    yield from _exchanged(node, name, is_numpy)
    yield from _norms(node, name, is_numpy)
    yield from _spreads(node, name, is_numpy)
    if name in REDUCED:
        given = node.args if is_numpy else [function, *node.args]
        axis = next((k.value for k in node.keywords if k.arg == "axis"), given[1] if len(given) > 1 else None)
        if isinstance(axis, ast.Constant | ast.UnaryOp):
            yield from _axes(node, axis, is_numpy)


def _norms(node, name, is_numpy):
    """Yield norms of a matrix that are taken for the sum of its squares or absolute values."""
    array = node.args[0] if is_numpy and node.args else getattr(node.func, "value", None)
    if name != "sum" or array is None or len(node.args) > is_numpy or node.keywords:
        return
    text = ast.unparse(array)
    bare = text.removesuffix(" ** 2")
    if bare == text:
        bare = text.removeprefix("np.abs(").removesuffix(")") if text.startswith("np.abs(") else ""
        made = {"np.linalg.norm(…, 1), which is the largest column sum of a matrix,": "np.linalg.norm({}, 1)"}
    else:
        made = {
            "np.linalg.norm(…, 2)**2, which is another thing for a matrix,": "np.linalg.norm({}, 2) ** 2",
            "the norm, not its square,": "np.linalg.norm({})",
            "the product with the transpose,": "np.sum({0} @ {0}.T)",
        }
    for words, form in made.items() if bare else ():
        yield f"{words} in place of the sum", _parsed(form.format(bare))


def _parsed(text):
    return lambda node: ast.parse(text, mode="eval").body


def _spreads(node, name, is_numpy):
    """Yield the variance and the like for a mean of squares, and a root where there is none."""
    if name in ("mean", "sum") and node.args and is_numpy:
        yield f"a root of the {name}", lambda n: ast.Call(ast.parse("np.sqrt", mode="eval").body, [n], [])
        squared = node.args[0]
        if name == "mean" and isinstance(squared, ast.BinOp) and isinstance(squared.op, ast.Pow):
            for other, words in (("var", "variance"), ("std", "standard deviation")):
                yield (
                    f"the {words} in place of the mean square",
                    lambda n, other=other: ast.Call(
                        ast.Attribute(n.func.value, other, ast.Load()),
                        [n.args[0].left, *n.args[1:]],
                        n.keywords,
                    ),
                )
    if name in ("min", "max", "mean", "median") and is_numpy and len(node.args) == 1 and not node.keywords:
        for place, words in ((0, "first"), (-1, "last")):
            yield (
                f"the {words} entry in place of `{name}`",
                lambda n, place=place: ast.Subscript(n.args[0], ast.Constant(place), ast.Load()),
            )


def _exchanged(node, name, is_numpy):
    """Yield the mean of squares as the square of the mean, and the like, and the other way round."""
    inner = node.args[0] if node.args and (is_numpy or isinstance(node.func, ast.Name)) else None
    if name in REDUCED and isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Pow):
        yield (
            f"the power taken after the {name}, not before it",
            lambda n: ast.BinOp(
                ast.Call(n.func, [n.args[0].left, *n.args[1:]], n.keywords), ast.Pow(), inner.right
            ),
        )
    if isinstance(inner, ast.Call) and inner.args and {name, _name_of(inner)} & set(REDUCED) and name in BENT:
        yield (
            f"`{name}` before `{_name_of(inner)}`, not after it",
            lambda n: ast.Call(
                n.args[0].func,
                [ast.Call(n.func, n.args[0].args[:1], []), *n.args[0].args[1:]],
                n.args[0].keywords,
            ),
        )
    if isinstance(inner, ast.Call) and inner.args and name in REDUCED and _name_of(inner) in BENT:
        yield (
            f"`{_name_of(inner)}` after `{name}`, not before it",
            lambda n: ast.Call(
                n.args[0].func,
                [ast.Call(n.func, [n.args[0].args[0], *n.args[1:]], n.keywords)],
                n.args[0].keywords,
            ),
        )


def _name_of(call):
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


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


def _is_number(value: object) -> TypeGuard[int | float]:
    return type(value) in (int, float)


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
