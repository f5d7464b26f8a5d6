"""Variants of a task's solution, made by a program: the mean for the median, another axis, `<=` for `<`.

Where a learner's results are those of one variant in every case, the variant is what there is to say.
"""

import ast
import inspect
import textwrap
import types
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, wraps

from labcode.check.core.changes import ONCE, Around, changes
from labcode.check.core.limits import TimeUp, Watch
from labcode.check.solutions import solution_of

SECONDS = 3.0  # for all variants of a solution together; one that runs on for so long is not tried again
ALL = ", in all places"
MOST_ROUNDS = 10_000  # of the loops of a variant in one call; no solution needs a tenth of it
_endless: set[Callable] = set()


def variant(checker, results: list, first: int) -> list[str]:
    """Return a sentence on the variants of the solution that give a learner's results; none if none does.

    Args:
        checker: with the cases and the solution.
        results: what the learner's function returned, plain.
        first: the place of a wrong one; most variants differ there, and are not run on the other cases.
    """
    said: list[str] = []
    running = checker.solution
    one = replace(checker, cases=checker.cases[first : first + 1])
    try:
        with warnings.catch_warnings(action="ignore"), Watch(SECONDS).running():
            for text, solution in _all_variants(checker):
                if {text, text.removesuffix(ALL)} & {*said} or solution in _endless:
                    continue
                running = solution
                if replace(one, solution=solution)._reproduces((), results[first:][:1]) and replace(
                    checker, solution=solution
                )._reproduces((), results):
                    said.append(text)
    except TimeUp:
        _endless.add(running)
    if len(said) > 1:
        return [
            "Your results are those of our solution with one of these changes, so take them as guesses: "
            + "; or ".join(said[:3])
            + "."
        ]
    return [f"Your results are those of our solution with {said[0]}."] if said else []


def _all_variants(checker) -> Iterator[tuple[str, Callable]]:
    """Yield the variants of the exercise's own solution, then those of the checker's."""
    short = solution_of(checker.name)
    if short is not None:
        yield from variants(short)
    yield from variants(checker.solution)


@cache
def variants(solution: Callable) -> tuple[tuple[str, Callable], ...]:
    """Return all variants of a solution, which are made once."""
    return tuple(_variants(solution))


def _variants(solution: Callable) -> Iterator[tuple[str, Callable]]:
    """Yield what is changed, in words, and the changed solution; nothing where its source cannot be read."""
    if not isinstance(solution, types.FunctionType) or solution.__closure__:
        return
    try:
        tree = ast.parse("\n\n".join(textwrap.dedent(inspect.getsource(f)) for f in _reached(solution)))
    except (OSError, SyntaxError, TypeError):
        return
    if not isinstance(tree.body[0], ast.FunctionDef):
        return
    around = Around.of(tree)
    places: dict[str, list] = {}
    for loop in [node for node in ast.walk(tree) if isinstance(node, ast.For | ast.While)]:
        loop.body.insert(0, ast.parse("_round()").body[0])
    for place in _places(tree):
        for text, change in changes(place.node, around):
            places.setdefault(text, []).append((place, change))
    for text, found in places.items():
        for one in found:
            yield from _made(text, tree, [one], solution)
    for text, found in places.items():
        if len(found) > 1 and text not in ONCE:
            yield from _made(f"{text}{ALL}", tree, found, solution)


@dataclass(frozen=True)
class _Place:
    """Where a node of a tree stands: in a field of its parent, or at a number of a list there."""

    parent: ast.AST
    field: str
    number: int | None
    node: ast.AST

    def put(self, node: ast.AST) -> None:
        """Put a node there."""
        if self.number is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.number] = node

    def now(self) -> ast.AST:
        """Return the node that stands there."""
        found = getattr(self.parent, self.field)
        return found if self.number is None else found[self.number]


def _places(tree: ast.AST) -> Iterator[_Place]:
    """Yield the place of every node, those inside after those around them."""
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            for number, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(node, ast.AST):
                    yield _Place(parent, field, number, node)


def _made(text, tree, found, solution) -> Iterator[tuple[str, Callable]]:
    """Yield the solution with changes at some places of its tree, if that is a program; the tree stays."""
    done = []
    rounds = iter(())
    namespace = solution.__globals__ | {"_round": lambda: next(rounds)}
    try:
        for place, change in reversed(found):  # those inside first
            done.append((place, place.now()))
            new = ast.copy_location(change(place.now()), place.node)
            place.put(ast.fix_missing_locations(new))
        exec(compile(tree, "<variant>", "exec"), namespace)
    except Exception:
        return
    finally:
        for place, node in reversed(done):
            place.put(node)
    changed = namespace[solution.__name__]

    @wraps(changed)
    def run(*args, **switches):
        nonlocal rounds
        rounds = iter(range(MOST_ROUNDS))
        return changed(*args, **switches)

    yield text, run


def _reached(solution):
    """Return a solution and the functions of its own module that it calls, the solution first."""
    reached, names = [solution], list(solution.__code__.co_names)
    for name in names:
        found = solution.__globals__.get(name)
        ours = isinstance(found, types.FunctionType) and found.__module__ == solution.__module__
        if ours and found not in reached and not found.__closure__:
            reached.append(found)
            names += found.__code__.co_names
    return reached
