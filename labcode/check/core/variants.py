"""Variants of a task's solution, made by a program: the mean for the median, another axis, `<=` for `<`.

Where a learner's results are those of one variant in every case, the variant is what there is to say.
"""

import ast
import copy
import inspect
import textwrap
import types
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

from labcode.check.core.changes import changes
from labcode.check.core.limits import TimeUp, Watch
from labcode.check.solutions import solution_of

SECONDS = 3.0  # for all variants of a solution together; one that runs on for so long is not tried again
_endless: set[Callable] = set()


def variant(checker, results: list, first: int) -> list[str]:
    """Return a sentence on the variants of the solution that give a learner's results; none if none does.

    Args:
        checker: with the cases and the solution.
        results: what the learner's function returned, plain.
        first: the place of a wrong one; most variants differ there, and are not run on the other cases.
    """
    said, running = [], checker.solution
    one = replace(checker, cases=checker.cases[first : first + 1])
    try:
        with warnings.catch_warnings(action="ignore"), Watch(SECONDS).running():
            for text, solution in _all_variants(checker):
                if text in said or solution in _endless:
                    continue
                running = solution
                if not replace(one, solution=solution)._reproduces((), results[first:][:1]):
                    continue
                if replace(checker, solution=solution)._reproduces((), results):
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
    public = {arg.arg for arg in tree.body[0].args.args}
    places: dict[str, list] = {}
    for position, node in enumerate(ast.walk(tree)):
        for text, change in changes(node, public):
            places.setdefault(text, []).append((position, change))
    for text, found in places.items():
        for one in found:
            yield from _made(text, tree, [one], solution)
    for text, found in places.items():
        if len(found) > 1:
            yield from _made(f"{text}, in all places", tree, found, solution)


def _made(text, tree, found, solution) -> Iterator[tuple[str, Callable]]:
    """Yield the solution with changes at some positions of its tree, if that is a program."""
    other = copy.deepcopy(tree)
    nodes = list(ast.walk(other))
    try:
        new = _Replace({nodes[position]: change for position, change in found}).visit(other)
        namespace = dict(solution.__globals__)
        exec(compile(ast.fix_missing_locations(new), "<variant>", "exec"), namespace)
    except Exception:
        return
    yield text, namespace[solution.__name__]


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


class _Replace(ast.NodeTransformer):
    """Changes nodes, those inside first."""

    def __init__(self, changes):
        self.changes = changes

    def visit(self, node):
        new = self.generic_visit(node)
        return self.changes[node](new) if node in self.changes else new
