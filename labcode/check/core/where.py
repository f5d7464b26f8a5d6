"""What the right cases, or the right entries, have in common and the wrong ones do not."""

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from labcode.check.core.collect import parameters
from labcode.check.core.compare import numbers, same
from labcode.check.core.show import show

MOST, FEW = 2, 2


def where(checker, results: list, wanted: list, marks: list[bool], *, exactly: bool = True) -> list[str]:
    """Return at most two sentences on which cases or entries are right, true of the cases tried.

    Args:
        checker: with the cases.
        results: what came back.
        wanted: what is expected.
        marks: whether each case is right.
        exactly: say what all wrong ones share and no right one; else what all wrong, or all right ones share.
    """
    entries = _by_entry(checker, results, wanted, exactly)
    return entries or _by_case(*_telling_cases(checker, wanted, marks), exactly)


def _telling_cases(checker, wanted, marks) -> tuple[Any, list[bool]]:
    """Leave out cases that most wrong answers pass: a number is 0, or 0 or an argument is expected."""
    kept = []
    for index, (case, want) in enumerate(zip(checker.cases, wanted, strict=True)):
        value = numbers(want)
        is_zero = value is not None and value.size > 0 and not value.any()
        is_easy = is_zero or any(same(arg, want) for arg in case.args if isinstance(arg, np.ndarray | dict))
        is_easy = is_easy or any(isinstance(arg, float) and arg == 0 for arg in case.args)
        if not (marks[index] and is_easy):
            kept.append(index)
    return replace(checker, cases=tuple(checker.cases[i] for i in kept)), [marks[i] for i in kept]


def _by_case(checker, marks, exactly):
    if all(marks) or not any(marks):
        return []
    names = parameters(checker.solution)
    features: dict[str, list[bool]] = {}
    for index, case in enumerate(checker.cases):
        given = dict(zip(names, case.args, strict=False))
        said = [text for name, arg in given.items() for text in _of_argument(name, arg)]
        for text in [*said, *(_finer(given) if exactly and FEW <= sum(marks) <= len(marks) - FEW else [])]:
            features.setdefault(text, [False] * len(marks))[index] = True
    telling = {text: holds for text, holds in features.items() if sum(holds) > 1 or _is_plain(text)}
    wrong = [not ok for ok in marks]
    if exactly:
        return _just(telling, wrong, list(marks))
    inside = _smallest(telling, wrong)
    if inside:
        return [f"It is wrong only in cases in which {inside}, if not in all of these."]
    inside = _smallest(telling, list(marks))
    return [f"It is right only in cases in which {inside}, if not in all of these."] if inside else []


def _just(telling, wrong, right):
    """Return what holds for all wrong cases and no other, or for all right ones and no other."""
    said = [
        f"It is wrong in just those cases in which {t}." for t, holds in telling.items() if holds == wrong
    ]
    said += [
        f"It is right in just those cases in which {t}." for t, holds in telling.items() if holds == right
    ]
    if len(said) > 1:
        return ["What sets the wrong cases apart may be one of these: " + " ".join(said[:MOST])]
    return said


def _is_plain(text):
    """Tell whether a property means something of one case alone, unlike a size or a drawn number."""
    return " has " not in text and not (" is " in text and "." in text.partition(" is ")[2])


def _smallest(features, meant):
    """Return the feature that holds for all that is meant and for little else; None where none tells much."""
    meant = np.asarray(meant)
    found = {text: np.asarray(holds) for text, holds in features.items()}
    around = {text: holds for text, holds in found.items() if (holds | ~meant).all()}
    around = {text: holds for text, holds in around.items() if (~holds).sum() >= FEW <= meant.sum()}
    return min(around, key=lambda text: around[text].sum(), default=None)


def _of_argument(name, arg):
    """Return sentences that are true of an argument and may be false of others."""
    if arg is None or isinstance(arg, bool | str):
        return [f"{name} is {show(arg)}"]
    if isinstance(arg, dict):
        return [f"{name} is empty"] if not arg else [f"{name} has {key!r}" for key in arg]
    array = numbers(arg)
    if array is None:
        return []
    if array.ndim == 0:
        return [f"{name} is {show(arg)}", f"{name} is {'above' if array > 0 else 'not above'} 0"]
    said = [f"{name} is a {type(arg).__name__}"] if isinstance(arg, list | tuple) else []
    said += [f"{name} has {array.shape[-1]} columns"] if array.ndim == 2 and array.shape[-1] > 1 else []
    said += [f"{name} has one column"] if array.ndim == 2 and array.shape[-1] == 1 else []
    said += [f"{name} has {len(array)} entr{'ies' if len(array) != 1 else 'y'}"]
    said += [f"{name} has a negative entry" if (array < 0).any() else f"{name} has no negative entry"]
    said += [f"{name} holds a 0"] if (array == 0).any() else []
    return said


def _finer(given):
    """Return what is true of rows of numbers, and of two arguments together."""
    rows = {name: numbers(arg) for name, arg in given.items() if not isinstance(arg, dict)}
    said = [
        t
        for n, row in rows.items()
        if row is not None and row.ndim == 1 < row.size
        for t in _of_series(n, row)
    ]
    return said + _of_several(given)


def _of_series(name, row):
    """Return what is true of a row of numbers, such as the losses of all epochs."""
    changes, smallest = np.diff(row), int(np.argmin(row))
    said = [f"{name} rises somewhere" if (changes > 0).any() else f"{name} never rises"]
    said += [f"{name} falls somewhere" if (changes < 0).any() else f"{name} never falls"]
    said += [f"{name} rises and falls again"] if (np.diff(np.sign(changes[changes != 0])) < 0).any() else []
    said += [f"{name} has {'two' if np.unique(row).size < row.size else 'no two'} equal entries"]
    said += [f"{name} has equal entries side by side"] if (changes == 0).any() else []
    place = {0: "first", row.size - 1: "last"}.get(smallest, "neither the first nor the last")
    return [*said, f"the smallest entry of {name} is {place}"]


def _of_several(given):
    """Return what is true of two arguments together: a whole number that reaches a length."""
    values = {name: numbers(arg) for name, arg in given.items() if not isinstance(arg, bool)}
    scalars = {name: float(a) for name, a in values.items() if a is not None and a.ndim == 0}
    rows = {name: a for name, a in values.items() if a is not None and a.ndim}
    said = []
    for (name, number), (row, array) in product(scalars.items(), rows.items()):
        if isinstance(given[name], int):
            more = "more" if len(array) > number + 1 else "no more"
            said.append(f"{row} has {more} entries than {name} + 1")
    return said


def _by_entry(checker, results, wanted, exactly):
    """Look for what the right entries share, over all cases of arrays."""
    pairs: list[tuple[Any, Any]] = [
        (numbers(got), numbers(want)) for got, want in zip(results, wanted, strict=True)
    ]
    if not all(a is not None and b is not None and a.shape == b.shape and b.ndim for a, b in pairs):
        return []
    ok = [np.isclose(a, b, rtol=1e-6, atol=1e-12, equal_nan=True) for a, b in pairs]
    pooled = np.concatenate([mask.ravel() for mask in ok])
    if pooled.all() or not pooled.any():
        return []
    features: dict[str, list[np.ndarray]] = {}
    for case, (_, want) in zip(checker.cases, pairs, strict=True):
        for text, mask in _of_entries(checker, case, want):
            features.setdefault(text, []).append(np.broadcast_to(mask, want.shape).ravel())
    said = []
    for text, masks in features.items():
        if len(masks) < len(pairs):
            continue
        holds = np.concatenate(masks)
        if np.array_equal(holds, pooled):
            said.append(f"Right are just the entries {text}.")
        elif np.array_equal(holds, ~pooled):
            said.append(f"Wrong are just the entries {text}.")
    if len(said) > 1:
        return ["What sets the wrong entries apart may be one of these: " + " ".join(said[:MOST])]
    if said or exactly:
        return said
    whole = {text: np.concatenate(masks) for text, masks in features.items() if len(masks) == len(pairs)}
    inside = _smallest(whole, ~pooled)
    if inside:
        return [f"Wrong are only entries {inside}, if not all of these."]
    inside = _smallest(whole, pooled)
    return [f"Right are only entries {inside}, if not all of these."] if inside else []


def _of_entries(checker, case, want):
    """Yield properties of an array's entries: place, sign, and the sign of the argument beside them."""
    for axis, name in ((0, "row"), (-1, "column")) if want.ndim > 1 else ((0, "place"),):
        index = np.arange(want.shape[axis])
        shape = [1] * want.ndim
        shape[axis] = -1
        yield f"in the first {name}", (index == 0).reshape(shape)
        yield f"in the last {name}", (index == len(index) - 1).reshape(shape)
    yield "that should be positive", want > 0
    yield "that should be negative", want < 0
    yield "that should be 0", want == 0
    for name, arg in zip(parameters(checker.solution), case.args, strict=False):
        array = numbers(arg)
        if array is not None and array.shape == want.shape:
            yield f"where {name} is positive", array > 0
            yield f"where {name} is negative", array < 0
            yield f"where {name} is 0", array == 0
        elif (
            array is not None
            and array.ndim == 1
            and want.ndim > 1
            and isinstance(arg, np.ndarray)
            and arg.dtype.kind in "iu"
        ):
            rows = np.isin(np.arange(len(want)), arg).reshape(-1, *[1] * (want.ndim - 1))
            yield f"in rows whose number is in {name}", rows
            yield f"in rows whose number is not in {name}", ~rows
