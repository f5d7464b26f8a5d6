"""What is true of the wrong cases alone, or of the wrong entries alone."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from labcode.check.core.collect import parameters
from labcode.check.core.compare import numbers, same
from labcode.check.core.factors import close

FEW = 2  # cases, or entries, from which on a common relation says something


def wrong_cases(checker, results: list, wanted: list, describe: Callable) -> list[str]:
    """Return what relates the results to what is expected in the wrong cases, where others are right.

    Args:
        checker: with the cases.
        results: what came back.
        wanted: what is expected.
        describe: returns sentences that are true of all cases it is given.
    """
    wrong = [i for i, (got, want) in enumerate(zip(results, wanted, strict=True)) if not same(got, want)]
    if not FEW <= len(wrong) < len(results):
        return []
    part = replace(checker, cases=tuple(checker.cases[i] for i in wrong))
    said = describe(part, [results[i] for i in wrong], [wanted[i] for i in wrong])
    return [f"In the {len(wrong)} results that are wrong, of {len(results)}: {text}" for text in said]


def wrong_entries(checker, results: list, wanted: list) -> list[str]:
    """Return what all wrong entries of arrays are, where other entries are right."""
    pairs: list[Any] = [(numbers(got), numbers(want)) for got, want in zip(results, wanted, strict=True)]
    if not all(a is not None and b is not None and a.shape == b.shape and b.ndim for a, b in pairs):
        return []
    wrong = [~np.isclose(a, b, rtol=1e-6, atol=1e-9, equal_nan=True) for a, b in pairs]
    count, size = sum(mask.sum() for mask in wrong), sum(mask.size for mask in wrong)
    if not FEW <= count < size:
        return []
    got, want = (np.concatenate([pair[k][m] for pair, m in zip(pairs, wrong, strict=True)]) for k in (0, 1))
    zeros = _zeros(got, want)
    said = zeros or _entries(got, want) or _of_arguments(checker, got, wrong)
    return [f"Of {size} numbers {count} are wrong. {said}"] if said else []


def _zeros(got, want):
    """Say that 0 stands in other places, and that the numbers are right where neither is 0."""
    more, fewer = ((got == 0) & (want != 0)).sum(), ((got != 0) & (want == 0)).sum()
    if more + fewer < got.size:
        return ""
    if not fewer:
        return "All of these are 0, and should not be."
    if not more:
        return "All of these should be 0, and are not."
    return f"0 stands in other places than it should: {more} are 0 that should not be, {fewer} the other way."


def _entries(got, want):
    for text, other in (
        ("Each of them has the wrong sign.", -want),
        ("Each of them is the absolute value of what is expected.", np.abs(want)),
    ):
        if close(got, other):
            return text
    if np.unique(want.round(9)).size > FEW and np.isfinite(got).all() and want.all():
        ratio, offset = got[0] / want[0], got[0] - want[0]
        if close(got, ratio * want):
            return f"Each of them is {ratio:.4g} times what it should be."
        if close(got, want + offset):
            return f"Each of them is too {'large' if offset > 0 else 'small'} by {abs(offset):.4g}."
    if np.unique(got.round(9)).size == 1 < np.unique(want.round(9)).size:
        return f"Each of them is {got[0]:.4g}."
    return ""


def _of_arguments(checker, got, wrong):
    """Say that what stands in the wrong places is what an argument holds there."""
    for place, name in enumerate(parameters(checker.solution)):
        given: list[Any] = [numbers(c.args[place]) if place < len(c.args) else None for c in checker.cases]
        if all(a is not None and a.shape == mask.shape for a, mask in zip(given, wrong, strict=True)):
            there = np.concatenate([a[mask] for a, mask in zip(given, wrong, strict=True)])
            for sign, text in ((1, "is what `{}` holds there"), (-1, "is minus what `{}` holds there")):
                if close(got, sign * there):
                    return f"Each of them {text.format(name)}."
    return ""
