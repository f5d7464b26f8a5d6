"""Changes of sums and means: norms, other means, and another order of what is done to the numbers."""

import ast
from collections.abc import Callable, Iterator

TAKEN = ("mean", "sum", "median", "std", "var", "min", "max", "argmin", "argmax", "cumsum", "norm")
REDUCED = (*TAKEN, "any", "all")
BENT = ("square", "abs", "sqrt", "log", "log2", "exp", "tanh", "sign")  # no mean or sum commutes with these


def of_reduction(node: ast.Call, name: str, is_numpy: bool) -> Iterator[tuple[str, Callable]]:
    """Yield what is taken for a sum or a mean, and other orders of it and of what is done to the numbers."""
    yield from _exchanged(node, name, is_numpy)
    yield from _norms(node, name, is_numpy)
    yield from _spreads(node, name, is_numpy)
    yield from _means(node, name, is_numpy)


def parsed(text: str) -> Callable:
    """Return a change that puts an expression in a node's place, whatever the node is."""
    return lambda node: ast.parse(text, mode="eval").body


def name_of(call: ast.Call) -> str:
    """Return the name of what is called, without what stands before its last dot."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


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
    if isinstance(inner, ast.Call) and inner.args and {name, name_of(inner)} & set(REDUCED) and name in BENT:
        yield (
            f"`{name}` before `{name_of(inner)}`, not after it",
            lambda n: ast.Call(
                n.args[0].func,
                [ast.Call(n.func, n.args[0].args[:1], []), *n.args[0].args[1:]],
                n.args[0].keywords,
            ),
        )
    if isinstance(inner, ast.Call) and inner.args and name in REDUCED and name_of(inner) in BENT:
        yield (
            f"`{name_of(inner)}` after `{name}`, not before it",
            lambda n: ast.Call(
                n.args[0].func,
                [ast.Call(n.func, [n.args[0].args[0], *n.args[1:]], n.keywords)],
                n.args[0].keywords,
            ),
        )


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
        yield f"{words} in place of the sum", parsed(form.format(bare))


def _spreads(node, name, is_numpy):
    """Yield the variance and the like for a mean of squares, and a root where there is none."""
    if name in ("mean", "sum") and node.args and is_numpy:
        yield f"a root of the {name}", lambda n: ast.Call(ast.parse("np.sqrt", mode="eval").body, [n], [])
    if name in ("min", "max", "mean", "median") and is_numpy and len(node.args) == 1 and not node.keywords:
        for place, words in ((0, "first"), (-1, "last")):
            yield (
                f"the {words} entry in place of `{name}`",
                lambda n, place=place: ast.Subscript(n.args[0], ast.Constant(place), ast.Load()),
            )


def _means(node, name, is_numpy):
    """Yield other means than the arithmetic one, and what is taken for a mean of squares."""
    array, more = _taken(node, is_numpy)
    if name != "mean" or array is None:
        return
    text = ast.unparse(array)
    made = {
        "the harmonic mean": f"(1 / np.mean(1 / ({text}){more}))",
        "the geometric mean": f"np.exp(np.mean(np.log({text}){more}))",
        "the root of the mean square": f"np.sqrt(np.mean(np.square({text}){more}))",
        "the logarithm of the mean of exp": f"np.log(np.mean(np.exp({text}){more}))",
        "minus the logarithm of the mean of exp(-…)": f"(-np.log(np.mean(np.exp(-({text})){more})))",
    }
    for words, form in made.items():
        yield f"{words} in place of the mean", parsed(form)
    bare = _squared(array)
    if bare is None:
        return
    made = {
        "the norm": f"np.sqrt(np.sum(np.square({bare}){more}))",
        "the square of the mean": f"np.square(np.mean({bare}{more}))",
        "the variance": f"np.var({bare}{more})",
        "the standard deviation": f"np.std({bare}{more})",
        "the root of the mean square": f"np.sqrt(np.mean(np.square({bare}){more}))",
        "the mean absolute value": f"np.mean(np.abs({bare}){more})",
    }
    for words, form in made.items():
        yield f"{words} in place of the mean square", parsed(form)


def _taken(node, is_numpy):
    """Return what a function such as the mean is taken of, as text, and its further arguments."""
    array, args = (node.args[0], node.args[1:]) if is_numpy and node.args else (None, node.args)
    array = getattr(node.func, "value", None) if array is None else array
    more = [*map(ast.unparse, args), *map(ast.unparse, node.keywords)]
    return array, "".join(f", {text}" for text in more)


def _squared(array):
    """Return what is squared, as text; None where nothing is."""
    if isinstance(array, ast.BinOp) and isinstance(array.op, ast.Pow):
        return ast.unparse(array.left)
    is_square = isinstance(array, ast.Call) and name_of(array) in ("square", "abs") and array.args
    return ast.unparse(array.args[0]) if is_square else None
