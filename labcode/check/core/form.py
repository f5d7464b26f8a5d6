"""What is wrong with a result's form: its type, its keys, its length, its shape, or one of its parts."""

import numpy as np

from labcode.check.core.compare import numbers, same
from labcode.check.core.show import names, show
from labcode.check.core.values import Odd


def form(got: object, want: object) -> list[str]:
    """Say how a wrong result differs in form, or which of its parts are wrong, where that helps."""
    if isinstance(got, Odd):
        return [got.said]
    if got is None or want is None:
        return [f"{show(got)} came back where {show(want)} is expected."]
    if isinstance(want, dict):
        if not isinstance(got, dict):
            return [f"A dictionary was expected; this is {kind(got)}."]
        return _keys(got, want) or _parts(got, want, list(want))
    if isinstance(want, tuple | list):
        return _sequence(got, want)
    if isinstance(want, str | frozenset):
        return [] if type(got) is type(want) else [f"{kind(want)} was expected; this is {kind(got)}."]
    return _number(got, want)


def kind(value: object) -> str:
    """Return what a value is, in words.

    >>> kind("1.0"), kind([1, 2])
    ('text', 'of type list')
    """
    if isinstance(value, str):
        return "text"
    if isinstance(value, np.ndarray):
        return "one number" if value.ndim == 0 else f"an array of shape {value.shape}"
    return f"of type {type(value).__name__}"


def _keys(got, want):
    if got.keys() == want.keys():
        return []
    said = f"Its keys should be {names(want)}; these are {names(got) or 'none'}." if want else ""
    missing, more = [k for k in want if k not in got], [k for k in got if k not in want]
    if not want:
        return [f"An empty dictionary was expected; this one has {names(more)}."]
    only = f" Missing: {names(missing)}." if missing and got else ""
    only += f" Not asked for: {names(more)}." if more else ""
    return [said + only]


def _sequence(got, want):
    if not isinstance(got, tuple | list) and not (isinstance(got, np.ndarray) and got.ndim):
        if isinstance(got, frozenset):
            return ["A set came back, which has no order; return a list."]
        return [
            f"{len(want)} value{'s were' if len(want) != 1 else ' was'} expected, side by side; this is one "
            f"{kind(got)}.".replace("one one", "one")
        ]
    if len(got) != len(want):
        return [f"{len(want)} values were expected; these are {len(got)}."]
    return _parts(got, want, range(len(want)))


def _number(got, want):
    right, left = numbers(want), numbers(got)
    if left is None or right is None:
        return [_no_number(got)]
    if _is_truth(got) and not _is_truth(want):
        return ["Truth values came back, True or False; numbers are expected."]
    if left.shape == right.shape:
        return _not_finite(left, right)
    if isinstance(want, np.ndarray) and want.ndim:
        return [f"Its shape should be {want.shape}; it is {left.shape}.{_turned(left, right)}"]
    return [f"One number was expected; this is an array of shape {left.shape}."]


def _is_truth(value):
    return isinstance(value, bool) or (isinstance(value, np.ndarray) and value.dtype.kind == "b")


REDUCED = (
    ("mean", np.mean),
    ("sum", np.sum),
    ("median", np.median),
    ("largest", np.max),
    ("smallest", np.min),
)


def _turned(left, right):
    """Say how an array of another shape was made from the right one, where that can be seen."""
    if left.ndim == 2 and same(left.T, right):
        return " Transposed, it is right."
    if left.size == right.size and same(left.reshape(right.shape), right):
        return " Its values are right."
    if left.ndim == right.ndim and left.shape[1:] == right.shape[1:]:
        for words, part in (("first", right[1:]), ("last", right[:-1])):
            if same(left, part):
                return f" The {words} entry is missing, the others are right."
    for axis in (None, *range(right.ndim)):
        along = "" if axis is None else f" along axis {axis}"
        for words, reduce in REDUCED if right.size else ():
            if same(left, reduce(right, axis=axis)):
                return f" It is the {words} of what is expected{along}."
        for words, place in (("first", 0), ("last", -1)):
            if axis is not None and right.shape[axis] and same(left, right.take(place, axis=axis)):
                return f" It is the {words} entry{along} alone."
    return ""


def _no_number(got):
    """Say why a value is no number or even array of numbers."""
    if isinstance(got, str):
        return f"Text came back, {got[:40]!r}, where a number is expected."
    if isinstance(got, complex) or (isinstance(got, np.ndarray) and got.dtype.kind == "c"):
        return "Complex numbers came back; real ones are expected."
    if isinstance(got, int):
        return f"The number {show(got)} is too large to compare."
    if isinstance(got, dict):
        return (
            f"A dictionary came back, with the keys {names(list(got)[:6]) or 'none'}; numbers are expected."
        )
    if isinstance(got, list | tuple):
        for part in got:
            if isinstance(part, Odd):
                return part.said
            if part is None or (numbers(part) is None and not isinstance(part, list | tuple)):
                return "One of its parts: None." if part is None else f"One of its parts: {_no_number(part)}"
        return "Its rows are of different lengths; an even array of numbers is expected."
    return f"Numbers are expected; this is {kind(got)}."


def _not_finite(left, right):
    """Name NaN and infinity where numbers are expected."""
    for name, test in (
        ("NaN (0/0, or the logarithm or root of a negative number)", np.isnan),
        ("infinity", np.isinf),
    ):
        odd = test(left) & np.isfinite(right)
        if odd.any():
            return [f"{int(odd.sum())} of its {odd.size} numbers: {name}."]
    return []


def _parts(got, want, keys) -> list[str]:
    """Name the wrong parts of a result if others are right, and what is wrong with the form of the first."""
    wrong = [key for key in keys if not same(got[key], want[key])]
    if not wrong:
        return []
    nested = [f"Part {wrong[0]!r}: {said}" for said in form(_item(got[wrong[0]]), want[wrong[0]])]
    if len(wrong) == len(keys):
        return nested
    number = "number " if isinstance(keys, range) else ""
    named = f"only {number}{names(wrong)} is" if len(wrong) == 1 else f"{names(wrong)} are"
    counted = " (counted from 0)" if number else ""
    return [f"Of its {len(keys)} parts {named} wrong{counted}.", *nested]


def _item(value):
    return np.asarray(value) if isinstance(value, np.generic) else value
