"""What comes back is an argument, or something as simple about one: its length, its last or largest entry."""

from collections.abc import Iterator

import numpy as np

from labcode.check.core.collect import parameters
from labcode.check.core.compare import numbers, same

OF_ARRAYS = {
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


def echoes(checker, results: list) -> list[str]:
    """Return a sentence for each simple thing that the results are in all cases; two cases are needed."""
    if len(results) < 2:
        return []
    kept: set[str] | None = None
    for case, got in zip(checker.cases, results, strict=True):
        fits = {text for text, value in _simple(checker, case) if same(got, value)}
        kept = fits if kept is None else kept & fits
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
