"""What can be computed of a wrong result where no misconception fits; each sentence holds for every case.

Where more than one relation fits, all are given, as guesses.
"""

from dataclasses import replace

import numpy as np

from labcode.check.core.arguments import for_other_arguments
from labcode.check.core.choices import choices, exchanged, nothing
from labcode.check.core.compare import numbers, same
from labcode.check.core.echoes import echoes, looked_up
from labcode.check.core.operands import monotone, operands, own_factors, powers, shape_of, steps
from labcode.check.core.relations import lines, relations
from labcode.check.core.show import show
from labcode.check.core.subsets import wrong_cases, wrong_entries
from labcode.check.core.variants import variant
from labcode.check.core.weights import directions, own_offsets, weights
from labcode.check.core.where import where

GUESSES = 3
MANY = 3  # wrong cases from which on it says something that all are on one side
UNKNOWN = "No simple relation to what is expected was found."


def explain(checker, results: list, wanted: list, marks: list[bool], form: list[str]) -> list[str]:
    """Return sentences about a wrong answer, the surest first; never none.

    Args:
        checker: with the cases and the solution.
        results: what the learner's function returned, plain.
        wanted: what the solution returns.
        marks: whether each is right.
        form: what is wrong with the form of the first wrong result.
    """
    if checker.exact_zero and all(map(same, results, wanted)):
        return ["Nearly right: where 0 is expected it must be exactly 0, not a number close to it."]
    found = views(checker, results, wanted)
    first = marks.index(False)
    said = exchanged(results, wanted) or _said_of(found, describe)
    said = said or variant(checker, results, first) or for_other_arguments(checker, results, first)
    said = said or _said_of(found, _looser) or weights(checker, results, wanted)
    if not said and not any(part in sentence for sentence in form for part in FORMS):
        said = _said_of(found, _of_some) + where(checker, results, wanted, marks)
        said = said or _said_of(found, _loosest)
        said = said or where(checker, results, wanted, marks, exactly=False)
    said = [*form, *said] or _said_of(found, _size)
    return said or [f"{UNKNOWN} If yours is right, check.report() prints what to send us."]


def _of_some(checker, got, want):
    """Return what is true of the wrong cases, or of the wrong entries, alone."""
    return wrong_cases(checker, got, want, lambda *part: describe(*part) or _looser(*part)) or wrong_entries(
        checker, got, want
    )


FORMS = ("should be", "came back", "expected", "NaN", "infinity")  # a sentence on the form that says enough


def _said_of(found, describe_one) -> list[str]:
    """Describe every part; what is true of all of them is said once."""
    said = [(name, describe_one(checker, got, want)) for name, checker, got, want in found]
    if len(said) > 1 and all(sentences == said[0][1] for _, sentences in said):
        said = [(None, said[0][1])]
    return [text if name is None else f"Part {name!r}: {text}" for name, texts in said for text in texts]


def views(checker, results: list, wanted: list) -> list[tuple]:
    """Return the results as one view, a name, a checker with the cases, and both lists.

    Where all have the same parts there is a view of each wrong one; dictionaries of other names in each case,
    such as weights, are one view with a case for each name.
    """
    keys = {_keys(value) for value in (*wanted, *results)}
    is_array = all(isinstance(w, list) and numbers(w) is not None for w in wanted)
    pairs = list(zip(results, wanted, strict=True))
    if len(keys) > 1 and all(
        isinstance(b, dict) and isinstance(a, dict) and a.keys() == b.keys() for a, b in pairs
    ):
        named = [(case, a[k], b[k], k) for case, (a, b) in zip(checker.cases, pairs, strict=True) for k in b]
        cases = tuple(
            replace(case, args=tuple(_entry(arg, k) for arg in case.args)) for case, _, _, k in named
        )
        return [
            (None, replace(checker, cases=cases), [a for _, a, _, _ in named], [b for _, _, b, _ in named])
        ]
    if len(keys) != 1 or (found := keys.pop()) is None or is_array:
        return [(None, checker, results, wanted)]
    parts = [(key, checker, [got[key] for got in results], [want[key] for want in wanted]) for key in found]
    return [part for part in parts if not all(map(same, *part[2:]))]


def _entry(arg, key):
    """Return what an argument has under a name; the argument itself where it has no such name."""
    return arg[key] if isinstance(arg, dict) and key in arg else arg


def _keys(value):
    """Return the keys of a result's parts; None where it is a single thing."""
    if isinstance(value, dict):
        return tuple(value)
    return tuple(range(len(value))) if isinstance(value, tuple | list) else None


def describe(checker, got: list, want: list) -> list[str]:
    """Return what relates one part of all results to what is expected; at most three guesses."""
    constant = _constant(got, want)
    if constant and not isinstance(want[0], list | tuple):
        return constant
    echoed = echoes(checker, got) or looked_up(checker, got, want)
    if echoed:
        return echoed if len(echoed) < 2 else _guesses(echoed)
    if all(isinstance(value, bool) for value in (*got, *want)):
        opposite = all(a is not b for a, b in zip(got, want, strict=True))
        if opposite:
            return ["Every answer is the opposite of what is expected: True and False are exchanged."]
    chosen = choices(got, want) or nothing(got, want)
    if chosen:
        return chosen
    checker, pairs = _paired(checker, got, want)
    if pairs is not None:
        found = relations(checker, pairs)
        return found if len(found) < 2 else _guesses(found)
    if all(isinstance(value, list | tuple) for part in (got, want) for value in part):
        return constant + _elements(got, want)
    return constant


def _looser(checker, got, want):
    """Return relations that leave some numbers open: an argument put to it, factors, a scale and a centre."""
    checker, pairs = _paired(checker, got, want)
    if pairs is None:
        return []
    found = operands(checker, pairs)
    found = found if len(found) < 2 else _guesses(found)
    found = found or own_factors(pairs) or directions(checker, pairs) or own_offsets(pairs)
    return found or steps(checker, pairs) or lines(pairs) or powers(pairs)


def _loosest(checker, got, want):
    """Return what the results have in common that the right ones do not, or the order that both share."""
    checker, pairs = _paired(checker, got, want)
    return (shape_of(checker, pairs) or monotone(pairs)) if pairs is not None else []


def _paired(checker, got, want):
    """Return pairs of arrays of one shape, and the checker of their cases; None where some do not pair.

    Cases in which nothing (None) is right and came back say nothing about numbers, and are left out.
    """
    kept = [i for i, (a, b) in enumerate(zip(got, want, strict=True)) if not a is b is None]
    pairs = [(numbers(got[i]), numbers(want[i])) for i in kept]
    if not pairs or not all(a is not None and b is not None and a.shape == b.shape for a, b in pairs):
        return checker, None
    return replace(checker, cases=tuple(checker.cases[i] for i in kept)), pairs


def _guesses(found):
    listed = " ".join(f"({number}) {text}" for number, text in enumerate(found[:GUESSES], start=1))
    return [f"Each of these fits all cases, so take them as guesses. {listed}"]


def _constant(got, want):
    """Say that the same comes back whatever is asked."""
    if len(got) < 2 or any(not same(value, got[0]) for value in got[1:]):
        return []
    if all(same(value, want[0]) for value in want[1:]):
        return []
    return [f"The same comes back in every case: {show(got[0])}."]


def _elements(got, want):
    """Compare lists element by element: order, what is missing, what is too much."""
    if all(len(a) == len(b) and same(list(a)[::-1], list(b)) for a, b in zip(got, want, strict=True)):
        return ["The order is reversed."]
    for a, b in zip(got, want, strict=True):
        missing = [x for x in b if not any(same(y, x) for y in a)]
        more = [x for x in a if not any(same(x, y) for y in b)]
        if missing or more:
            parts = [f"missing {show(missing)}"] * bool(missing) + [f"not expected {show(more)}"] * bool(more)
            return [f"In the first wrong case: {', '.join(parts)}."]
        if len(a) > len(b):
            return ["In the first wrong case some elements come more than once."]
        if not same(list(a), list(b)):
            return ["In the first wrong case the elements are right and their order is not."]
    return []


def _size(checker, got, want):
    """Say how large the differences are, on which side and in how many cases, where nothing else is found."""
    pairs = [(numbers(a), numbers(b)) for a, b in zip(got, want, strict=True) if not same(a, b)]
    pairs = [(a, b) for a, b in pairs if a is not None and b is not None and a.shape == b.shape]
    if not pairs:
        return []
    apart = [(a - b)[~np.isclose(a, b, rtol=1e-6, atol=1e-12, equal_nan=True)] for a, b in pairs]
    sides = {"too large" if d > 0 else "too small" for differences in apart for d in differences}
    single = all(b.size == 1 for _, b in pairs)
    if len(sides) == 1 and len(pairs) >= MANY:
        part = "In every wrong case it is" if single else "Whatever is wrong is"
        return [f"{part} {sides.pop()}: by {_listed(np.abs(d).max() for d in apart)}"]
    if single:
        said = [
            f"{words} in {len(by)} of {len(got)} cases (by {_listed(by)})"
            for words, sign in (("too large", 1), ("too small", -1))
            if (by := [abs(float(d[0])) for d in apart if d.size and sign * d[0] > 0])
        ]
        return [f"It is {' and '.join(said)}."] if said else []
    wrong, size = np.concatenate(apart), sum(np.size(b) for b in want if b is not None)
    more, furthest = int((wrong > 0).sum()), np.abs(wrong).max(initial=0.0)
    return [
        f"Over all cases {wrong.size} of {size} numbers are wrong, {more} of them too large and "
        f"{wrong.size - more} too small, by at most {furthest:.4g}."
    ]


def _listed(values) -> str:
    values = list(values)
    return ", ".join(f"{value:.4g}" for value in values[:MANY]) + " …" * (len(values) > MANY)
