"""Changes of the flow: statements and branches exchanged, loops cut short, one variable for another."""

import ast
import copy
from collections.abc import Callable, Iterator
from itertools import combinations

EXCHANGED = "two of its statements in the other order"
TAKEN = "one of the two ways of a choice always taken"
LOOPS = {"1:": "without the first", ":-1": "without the last", "::-1": "in the reverse order"}
RANGES = ((-1, 1, "ends one later"), (-1, -1, "ends one earlier"), (0, 1, "begins one later"))
FORMS = {
    "np.mean({})": "the mean of {} in place of it",
    "np.abs({})": "the absolute value of {} in place of it",
    "1.0": "1 in place of {}",
}
TIMES = {
    "twice a value on the way": (ast.Mult, 2),
    "half of a value on the way": (ast.Div, 2),
    "1 more than a value on the way": (ast.Add, 1),
    "1 less than a value on the way": (ast.Sub, 1),
}


def of_flow(node: ast.AST) -> Iterator[tuple[str, Callable]]:
    """Yield a statement's changes, and those of a choice between two values."""
    if isinstance(node, ast.FunctionDef | ast.For | ast.While | ast.If):
        for k in range(len(node.body) - 1):
            yield EXCHANGED, lambda n, k=k: _exchanged(n, k)
    if isinstance(node, ast.If | ast.IfExp):
        for value in (True, False):
            yield TAKEN, lambda n, value=value: _with(n, test=ast.Constant(value))
        yield "a condition turned round", lambda n: _with(n, test=ast.UnaryOp(ast.Not(), n.test))
    elif isinstance(node, ast.BoolOp):
        is_and = isinstance(node.op, ast.And)
        words = "`or` in place of `and`" if is_and else "`and` in place of `or`"
        yield words, lambda n: ast.BoolOp(ast.Or() if is_and else ast.And(), n.values)
        for k in range(len(node.values)):
            yield "one of two conditions alone", lambda n, k=k: n.values[k]
    elif isinstance(node, ast.Call) and ast.unparse(node.func) == "np.where" and len(node.args) == 3:
        yield "the two ways of a choice exchanged", lambda n: _with(n, args=[n.args[0], n.args[2], n.args[1]])
        for k in (1, 2):
            yield TAKEN, lambda n, k=k: n.args[k]
    elif isinstance(node, ast.Call) and ast.unparse(node.func) == "range":
        yield from _ranges()
    elif isinstance(node, ast.AugAssign):
        yield "the last one kept, where all should be added", lambda n: ast.Assign([n.target], n.value)
        yield "subtracted where it should be added", lambda n: _with(n, op=ast.Sub())
    elif isinstance(node, ast.Assign):
        yield from _assigned(node)
    elif isinstance(node, ast.For | ast.comprehension) and isinstance(node.iter, ast.Name):
        for part, words in LOOPS.items():
            taken = ast.parse(f"{node.iter.id}[{part}]", mode="eval").body
            yield f"a loop {words}", lambda n, taken=taken: _with(n, iter=taken)


def _with(node, **fields):
    """Return a node with some fields of its own; the rest it shares."""
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def _exchanged(node, k):
    body = list(node.body)
    body[k : k + 2] = body[k + 1], body[k]
    return _with(node, body=body)


def _ranges():
    """Yield a loop that begins or ends one earlier or later."""
    for place, step, words in RANGES:
        yield f"a loop that {words}", lambda n, place=place, step=step: _moved(n, place, step)


def _moved(call, place, step):
    args = [ast.Constant(0), *call.args] if len(call.args) == 1 else list(call.args)
    args[-1 if place else 0] = ast.BinOp(args[-1 if place else 0], ast.Add(), ast.Constant(step))
    return _with(call, args=args)


def _assigned(node):
    """Yield parts that are unpacked in another order, and another value than the one that is kept."""
    target = node.targets[0]
    if isinstance(target, ast.Tuple) and not isinstance(node.value, ast.Tuple):
        words = "two of the parts that are unpacked exchanged"
        for i, j in combinations(range(len(target.elts)), 2):
            yield words, lambda n, i=i, j=j: _with(n, targets=[_swapped(n.targets[0], i, j)])
    elif isinstance(target, ast.Name) and not isinstance(node.value, ast.Constant | ast.List | ast.Dict):
        for words, (do, number) in TIMES.items():
            yield words, lambda n, d=do, k=number: _with(n, value=ast.BinOp(n.value, d(), ast.Constant(k)))


def _swapped(target, i, j):
    parts = list(target.elts)
    parts[i], parts[j] = parts[j], parts[i]
    return _with(target, elts=parts)


def of_variable(node: ast.Name, around) -> Iterator[tuple[str, Callable]]:
    """Yield another variable in one's place, and the mean, or all but the first, of what it holds."""
    if node.id not in around.variables:
        return
    for other in sorted(around.variables - {node.id}):
        if {other, node.id} <= around.public:
            words = f"`{other}` in place of `{node.id}` in one place"
        elif other in around.public:
            words = f"`{other}` in the place of another value"
        elif node.id in around.public:
            words = f"another value in the place of `{node.id}`"
        else:
            words = "one value in the place of another"
        yield words, lambda n, other=other: ast.Name(other, n.ctx)
    whose = f"`{node.id}`" if node.id in around.public else "a value on the way"
    for form, words in FORMS.items():
        made = ast.parse(form.format(node.id), mode="eval").body
        yield words.format(whose), lambda n, made=made: made
