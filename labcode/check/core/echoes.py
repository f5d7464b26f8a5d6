"""What comes back is an argument, or something as simple about one: its length, its last or largest entry."""

from collections.abc import Callable, Iterator
from itertools import permutations
from typing import Any

import numpy as np

from labcode.check.core.collect import parameters
from labcode.check.core.compare import numbers, same

OF_ARRAYS: dict[str, Callable] = {
    "the length of {}": len,
    "the length of {}, minus 1": lambda a: len(a) - 1,
    "the sum of {}": np.sum,
    "the mean of {}": np.mean,
    "the median of {}": np.median,
    "the largest of {}": np.max,
    "the smallest of {}": np.min,
    "the first of {}": lambda a: a[0],
    "the last of {}": lambda a: a[-1],
    "where {} is smallest": np.argmin,
    "where {} is largest": np.argmax,
}


OF_TWO = {  # an array, and a number or another array
    "{} + {}": lambda a, b: a + b,
    "{} - {}": lambda a, b: a - b,
    "{} * {}": lambda a, b: a * b,
    "{} / {}": lambda a, b: a / b,
    "{} * (1 - {})": lambda a, b: a * (1 - b),
    "{} / (1 - {})": lambda a, b: a / (1 - b),
    "{} / (1 + {})": lambda a, b: a / (1 + b),
    "{} clipped to ± {}, entry by entry": lambda a, b: np.clip(a, -b, b) if b.ndim == 0 else None,
}
MEASURES = {  # of two arrays of one shape
    "the correlation of {} and {}": lambda a, b: np.corrcoef(a.ravel(), b.ravel())[0, 1],
    "the mean square of {} - {}": lambda a, b: np.mean((a - b) ** 2),
    "the root of the mean square of {} - {}": lambda a, b: np.sqrt(np.mean((a - b) ** 2)),
    "the mean absolute value of {} - {}": lambda a, b: np.mean(np.abs(a - b)),
    "the mean of {} - {}": lambda a, b: np.mean(a - b),
}


def echoes(checker, results: list) -> list[str]:
    """Return a sentence for each simple thing that the results are in all cases; two cases are needed."""
    if len(results) < 2:
        return []
    kept: set[str] | None = None
    for case, got in zip(checker.cases, results, strict=True):
        fits = {text for text, value in _simple(checker, case) if same(got, value)}
        kept = fits if kept is None else kept & fits
        if not kept:
            return []
    return [f"What comes back is {text}, in every case." for text in sorted(kept or ())]


def _simple(checker, case) -> Iterator[tuple[str, object]]:
    for name, arg in zip(parameters(checker.solution), case.args, strict=False):
        array = numbers(arg)
        if array is None or isinstance(arg, bool):
            continue
        yield f"{name}, unchanged", arg
        if array.ndim and array.size:
            for text, function in OF_ARRAYS.items():
                yield text.format(name), function(array)
    yield from _of_two(checker, case)


def _of_two(checker, case) -> Iterator[tuple[str, object]]:
    """Yield what two arguments give together, an array and a number, or two arrays of one shape."""
    named = zip(parameters(checker.solution), case.args, strict=False)
    given = {name: numbers(arg) for name, arg in named if not isinstance(arg, bool)}
    given = {name: array for name, array in given.items() if array is not None}
    for (one, a), (other, b) in permutations(given.items(), 2):
        if a.ndim and a.size and b.shape in ((), a.shape):
            in_order = one == min(one, other, key=[*given].index)
            measures = MEASURES if b.ndim and b.size > 1 and in_order else {}
            with np.errstate(all="ignore"):
                yield from ((text.format(one, other), do(a, b)) for text, do in (OF_TWO | measures).items())


def looked_up(checker, got: list, want: list) -> list[str]:
    """Say that the entry of an argument came back for its place, or the place for the entry."""
    said = []
    for place, name in enumerate(parameters(checker.solution)):
        given = [numbers(case.args[place]) if place < len(case.args) else None for case in checker.cases]
        if not all(a is not None and a.ndim == 1 and a.size for a in given):
            continue
        if _all(got, want, given, lambda a, wanted: a[wanted.astype(int)]):
            said.append(f"What comes back are entries of `{name}`; asked for is their place.")
        elif _all(got, want, given, lambda a, wanted: a[wanted.astype(int)], moved=True):
            said.append(
                f"What comes back are entries of `{name}`, moved by a number; asked for is their place."
            )
        if _all(want, got, given, lambda a, place: a[place.astype(int)]):
            said.append(f"What comes back is a place within `{name}`; asked for is what stands there.")
    return said


def _all(values, places, given, look_up, *, moved=False) -> bool:
    """Tell whether all values but None are the entries at these places, or off by one number."""
    told = [(v, p, a) for v, p, a in zip(values, places, given, strict=True) if not v is p is None]
    pairs: list[tuple[Any, Any, Any]] = [(numbers(v), numbers(p), a) for v, p, a in told]
    if len(pairs) < 2 or any(v is None or p is None or v.shape != p.shape for v, p, _ in pairs):
        return False
    pairs = [(v, p, a) for v, p, a in pairs if v.size]
    if not all(_are_places(p, a) for _, p, a in pairs) or (moved and not any(v.size > 1 for v, *_ in pairs)):
        return False
    apart = [v - look_up(a, p) for v, p, a in pairs]
    return all(np.ptp(d) < 1e-9 if moved else np.abs(d).max() < 1e-9 for d in apart)


def _are_places(places, array) -> bool:
    return (
        places.size > 0
        and (places == places.round()).all()
        and places.min() >= 0
        and places.max() < len(array)
    )
