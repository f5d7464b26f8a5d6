"""Wrong answers made by a program: each task's solution, changed in one place, as learners get it wrong.

The solutions are those in ``source/exercises``. ``python -m answer_mutants [TASK]``, from here, lists by task
how many mutants there are and which of them its check does not refuse.
"""

import ast
import copy
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from unittest import mock

import numpy as np

from labcode import check
from labcode.check.core import Checker
from labcode.check.core.compare import same
from labcode.check.core.values import plain
from labcode.check.port import Port
from labcode.check.sampler import SamplerChecker

SOURCES = Path(__file__).parents[2] / "source" / "exercises"
MOST_ROUNDS = 10_000  # of all loops of a mutant together; no solution needs a tenth of it
BEHAVIOUR = (
    "overfit_on_purpose",
    "train_with_max_norm",
    "train_as_keras",
    "regularized_model",
    "train_and_carry",
    "repair_run",
)  # trained and judged by its score: another strength or rate is another right answer

_OPERATORS = {
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div, ast.Add],
    ast.Div: [ast.Mult],
    ast.Pow: [ast.Mult],
    ast.BitAnd: [ast.BitOr],
    ast.MatMult: [ast.Mult],
}
_COMPARISONS = {
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt, ast.GtE],
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt, ast.LtE],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.In: [ast.NotIn],
}
_CALLS = {  # "x" is the argument itself
    "sum": ["mean", "max"],
    "mean": ["sum", "median", "max"],
    "std": ["var"],
    "max": ["min", "mean"],
    "min": ["max", "mean"],
    "argmin": ["argmax"],
    "maximum": ["minimum"],
    "abs": ["x", "square"],
    "sqrt": ["x"],
    "square": ["abs", "x"],
    "sign": ["x", "abs"],
    "exp": ["x", "exp2"],
    "log": ["log2", "log10"],
    "tanh": ["x", "sign"],
    "sigmoid": ["x"],
    "ceil": ["floor", "round"],
    "cumsum": ["x"],
    "diff": ["cumsum"],
    "sorted": ["list"],
    "random": ["standard_normal"],
    "isclose": ["less"],
    "startswith": ["endswith", "count"],
    "deepcopy": ["copy"],
    "eigvalsh": ["x"],
}
_SYMMETRIC = ("maximum", "minimum", "max", "min", "isclose")
_RESULTS = {  # what is done to the whole result, or to each of its parts
    "negative": lambda value: -value,
    "doubled": lambda value: value * 2,
    "absolute value": np.abs,
    "sorted": lambda value: np.sort(value, axis=None).reshape(np.shape(value)),
    "clipped at 0": lambda value: np.maximum(value, 0),
    "rounded": lambda value: np.round(value, 2),
    "reversed": lambda value: np.asarray(value)[::-1],
    "first alone": lambda value: np.asarray(value)[0],
    "last alone": lambda value: np.asarray(value)[-1],
    "one more": lambda value: np.asarray(value) + 1,
    "transposed": np.transpose,
}


class Endless(Exception):
    """A mutant whose loop does not end."""


@dataclass(frozen=True)
class Mutant:
    """A solution changed in one place: the task, what was changed, and the function."""

    task: str
    change: str
    run: Callable


@cache
def solutions() -> dict[str, tuple[ast.FunctionDef, dict]]:
    """Return each task's solution as a tree, and the names around it: its file's imports and functions."""
    found = {}
    for path in sorted(SOURCES.glob("*.py")):
        top = ast.parse(path.read_text(encoding="utf-8")).body
        imports = [n for n in top if isinstance(n, ast.Import) and n.names[0].name in ("numpy", "copy")]
        defined = {node.name: node for node in top if isinstance(node, ast.FunctionDef)}
        around = {}
        exec(compile(ast.Module([*imports, *defined.values()], []), path.name, "exec"), around)
        found |= {name: (node, around) for name, node in defined.items() if name in check.__all__}
    return found


@cache
def mutants(task: str) -> tuple[Mutant, ...]:
    """Return a task's mutants: every place changed in every way, then what is done to the whole result."""
    return tuple(_mutants(task))


def _mutants(task: str) -> Iterator[Mutant]:
    tree, around = solutions()[task]
    seen, labels = {ast.unparse(tree)}, Counter()
    for label, text in _changed(tree):
        if text not in seen:
            seen.add(text)
            labels[label] += 1
            label = label if labels[label] == 1 else f"{label} ({labels[label]})"
            yield Mutant(task, label, _compiled(text, task, around))
    for label, spoil in _RESULTS.items():
        if _matters(task, label, spoil):
            yield Mutant(task, label, _spoilt(around[task], spoil))


def _changed(tree: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Yield each change and the function's text with it."""
    strings = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)][
        1:
    ]
    for parent in ast.walk(tree):
        if parent is tree.args:
            continue
        for field, value in ast.iter_fields(parent):
            places = value if isinstance(value, list) else [value]
            for index, node in enumerate(places):
                if not isinstance(node, ast.AST) or node is tree.body[0]:
                    continue
                for new in (*_alternatives(node, strings), *_without(node, places, field)):
                    put = [*places[:index], new, *places[index + 1 :]]
                    setattr(parent, field, put if isinstance(value, list) else new)
                    yield f"{_text(node)} -> {_text(new)}", ast.unparse(ast.fix_missing_locations(tree))
                    setattr(parent, field, value)


def _text(node: ast.AST) -> str:
    return type(node).__name__ if isinstance(node, (ast.operator, ast.cmpop)) else ast.unparse(node)


def _alternatives(node: ast.AST, strings: list[str]) -> Iterator[ast.AST]:
    """Yield what may stand in the place of a node."""
    match node:
        case ast.operator():
            yield from (other() for other in _OPERATORS.get(type(node), []))
        case ast.cmpop():
            yield from (other() for other in _COMPARISONS.get(type(node), []))
        case ast.BinOp(left=left, op=op, right=right):
            yield from (left, right)
            if isinstance(op, (ast.Sub, ast.Div, ast.MatMult)):
                yield ast.BinOp(right, op, left)
            if isinstance(op, ast.Pow):
                yield _call("np.abs", left)
        case ast.UnaryOp(operand=operand):
            yield operand
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
            yield from values
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            yield from map(ast.Constant, dict.fromkeys([value + 1, value - 1, 2 * value, value / 2]))
        case ast.Constant(value=str(value)) if value in strings:
            yield ast.Constant(strings[(strings.index(value) + 1) % len(strings)])
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield from (body, orelse, ast.IfExp(test, orelse, body))
        case ast.If(test=test, body=body, orelse=orelse):
            yield ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
            yield from (ast.If(ast.Constant(value), body, orelse) for value in (True, False))
        case ast.Break():
            yield ast.Continue()
        case ast.Name(id="rng"):
            yield ast.parse("np.random.default_rng(5)", mode="eval").body
        case ast.Slice(lower=lower, upper=upper):
            yield ast.Slice()
            if upper:
                yield from (
                    ast.Slice(lower, ast.BinOp(upper, op(), ast.Constant(1))) for op in (ast.Add, ast.Sub)
                )
        case ast.Attribute(value=value, attr="T"):
            yield from (
                value,
                ast.parse(f"{ast.unparse(value)}.reshape({ast.unparse(node)}.shape)", mode="eval").body,
            )
        case ast.Call():
            yield from _other_calls(node)


def _neighbours(number: ast.expr) -> list[ast.expr]:
    """Return one more and one less."""
    return [ast.BinOp(number, op(), ast.Constant(1)) for op in (ast.Add, ast.Sub)]


def _call(name: str, *args: ast.expr) -> ast.Call:
    return ast.Call(ast.parse(name, mode="eval").body, list(args), [])


def _other_calls(node: ast.Call) -> Iterator[ast.AST]:
    """Yield a call of another function, with arguments exchanged or left out, or along another axis."""
    func, args, keywords = node.func, node.args, node.keywords
    method = isinstance(func, ast.Attribute)
    name = func.attr if method else getattr(func, "id", "")
    numpys = method and ast.unparse(func.value) in ("np", "np.linalg", "copy")
    for other in _CALLS.get(name, []):
        if other == "x":
            yield args[0] if numpys or not method else func.value
        elif not method:
            yield ast.Call(ast.Name(other), args, keywords)
        elif other == "median" and not numpys:
            yield ast.Call(ast.parse("np.median", mode="eval").body, [func.value, *args], keywords)
        else:
            yield ast.Call(ast.Attribute(func.value, other), args, keywords)
    if len(args) > 1 and name not in _SYMMETRIC:
        yield ast.Call(func, [args[1], args[0], *args[2:]], keywords)
        yield ast.Call(func, args[:-1], keywords)
    if name == "range":
        yield from (
            _call("range", *args[:-1], ast.BinOp(args[-1], op(), ast.Constant(1)))
            for op in (ast.Add, ast.Sub)
        )
    for index, keyword in enumerate(keywords):
        rest = [*keywords[:index], *keywords[index + 1 :]]
        if keyword.arg != "strict":
            yield ast.Call(func, args, rest)
        if keyword.arg == "axis":
            axes = [v for v in (0, 1) if ast.unparse(keyword.value) != str(v)]
            yield from (ast.Call(func, args, [*rest, ast.keyword("axis", ast.Constant(v))]) for v in axes)


def _without(node: ast.AST, places: list, field: str) -> Iterator[ast.AST]:
    """Yield ``pass`` for a statement that others stand beside, or that changes what was there before."""
    statement = isinstance(node, ast.stmt) and not isinstance(node, ast.Return)
    changes = isinstance(node, (ast.AugAssign, ast.Break, ast.Expr, ast.If)) or len(places) > 1
    if field in ("body", "orelse") and statement and changes:
        yield ast.Pass()


class _Counted(ast.NodeTransformer):
    """Counts the rounds of every loop."""

    def _loop(self, node):
        self.generic_visit(node)
        node.body.insert(0, ast.Expr(ast.Call(ast.Name("_round", ast.Load()), [], [])))
        return node

    visit_For = visit_While = _loop


def _compiled(text: str, task: str, around: dict) -> Callable:
    """Return the function, which raises ``Endless`` after too many rounds of its loops."""
    rounds = [0]

    def count():
        rounds[0] += 1
        if rounds[0] > MOST_ROUNDS:
            raise Endless(task)

    names = around | {"_round": count}
    tree = ast.fix_missing_locations(_Counted().visit(ast.parse(text)))
    exec(compile(tree, f"<mutant of {task}>", "exec"), names)

    def run(*args):
        rounds[0] = 0
        return names[task](*args)

    return run


def _spoilt(solution: Callable, spoil: Callable) -> Callable:
    """Return the solution with something done to its result, or to each of its parts."""
    return lambda *args: _done(spoil, solution(*args))


def _done(spoil: Callable, result: object) -> object:
    if isinstance(result, dict):
        return {name: spoil(value) for name, value in result.items()}
    if isinstance(result, (tuple, list)):
        return type(result)(spoil(value) for value in result)
    return result if result is None else spoil(result)


def _matters(task: str, label: str, spoil: Callable) -> bool:
    """Say whether this, done to the result, ever spoils it: what sorts a single number is no mistake."""
    if label == "reversed" and isinstance(getattr(check, task), SamplerChecker):
        return False  # a random mask reversed is another one
    for seed in range(200):
        result, epochs = expected(task, seed)
        done = _outcome(lambda *args, result=result: _done(spoil, copy.deepcopy(result)), ())
        if not same((result, epochs), (done[0], epochs)):
            return True
    return False


def arguments(task: str, seed: int) -> tuple:
    """Return arguments drawn at random, or those of one of the task's cases; made anew each time."""
    checker = getattr(check, task)
    drawn = checker.draw(np.random.default_rng(seed)) if checker.draw else None
    args = drawn or copy.deepcopy(checker.cases[seed % len(checker.cases)].args)
    return getattr(checker, "arrange", lambda *args: args)(*args)


@cache
def expected(task: str, seed: int) -> tuple:
    """Return what the solution gives on these arguments, computed once for all its mutants."""
    return _outcome(solutions()[task][1][task], arguments(task, seed))


def _outcome(answer: Callable, args: tuple) -> tuple:
    """Return an answer's plain result, or its error's name, and the epochs that a trainer has run."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return plain(answer(*args)), getattr(args[0], "epochs", None) if args else None
    except Exception as error:
        return type(error).__name__, None


@cache
def different(task: str) -> tuple[int, ...]:
    """Return a thousand seeds; of ports, which have few faults, one seed for each that is different."""
    ports = {}
    for seed in range(1000):
        first = arguments(task, seed)[0]
        if not isinstance(first, Port):
            return tuple(range(1000))
        ports.setdefault((first.lam, first._hidden()), seed)
    return tuple(ports.values())


def agrees(task: str, answer: Callable, seed: int) -> bool:
    """Say whether an answer gives what the solution gives on the arguments of this seed."""
    return same(_outcome(answer, arguments(task, seed)), expected(task, seed))


def refused(checks: tuple[Checker, ...], answer: Callable) -> bool:
    """Say whether a check, as one check a case, refuses an answer."""
    with mock.patch("labcode.check.core.findings.explain", return_value=[]):  # whether, and not why
        return any(not one.judge(one.collect(answer, seed=0)).right for one in checks)


def one_by_one(task: str) -> tuple[Checker, ...]:
    """Return the check of a task as one check a case; the cases drawn at random are the same each time."""
    checker = replace(getattr(check, task), misconceptions=()).with_drawn(0)
    return tuple(replace(checker, cases=(case,)) for case in checker.cases)


def survivors(task: str) -> tuple[int, dict[str, Callable]]:
    """Return how many mutants a task has, and those that its check does not refuse, by what was changed."""
    made, checks = mutants(task), one_by_one(task)
    return len(made), {mutant.change: mutant.run for mutant in made if not refused(checks, mutant.run)}


if __name__ == "__main__":
    for name in sys.argv[1:] or (name for name in solutions() if name not in BEHAVIOUR):
        begin = time.perf_counter()
        count, left = survivors(name)
        print(
            f"{name}: {count} mutants, {len(left)} left, {time.perf_counter() - begin:.1f} s",
            *left,
            sep="\n    ",
        )
