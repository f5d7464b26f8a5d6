"""Whether two plain values are the same: numbers by value and shape, the rest exactly."""

import numpy as np

from labcode.check.core.values import Odd, plain

RELATIVE = {"float64": 1e-6, "float32": 1e-5, "float16": 4e-3}
ABSOLUTE = {"float64": 1e-12, "float32": 1e-6, "float16": 2e-3}  # times the largest number expected
WHOLE = 0.01  # a whole number is met to this, however large it is


def same(got: object, want: object, *, exact_zero: bool = False, slack: float = 0.0, half: bool = False):
    """Compare two values; numbers as precisely as the answer can be.

    Args:
        got: a learner's value.
        want: the right one.
        exact_zero: where 0 is expected, only 0 will do.
        slack: an error that is allowed on top, absolute.
        half: whether half precision is enough.
    """
    return _same(plain(got), plain(want), exact_zero, slack, half)


def _same(got, want, exact_zero, slack, half):
    if want is None or got is None or isinstance(got, Odd) or isinstance(want, Odd):
        return want is None and got is None
    if isinstance(want, dict):
        return (
            isinstance(got, dict)
            and got.keys() == want.keys()
            and all(_same(got[key], want[key], exact_zero, slack, half) for key in want)
        )
    if isinstance(got, frozenset) and isinstance(want, list):
        got = [value for value in want if value in got] if len(got) == len(want) else got
    if isinstance(want, str | frozenset):
        return type(got) is type(want) and got == want
    right = numbers(want)
    if right is not None:
        left = numbers(got)
        is_alike = left is not None and left.shape == right.shape
        return is_alike and _close(got, want, left, right, exact_zero, slack, half)
    if isinstance(want, tuple | list) and (
        isinstance(got, tuple | list) or (isinstance(got, np.ndarray) and got.ndim > 0)
    ):
        return len(got) == len(want) and all(
            _same(g, w, exact_zero, slack, half) for g, w in zip(got, want, strict=True)
        )
    return isinstance(want, int | complex) and type(got) is type(want) and got == want


def numbers(value: object) -> np.ndarray | None:
    """Return a number, an array, or an even nest of them as an array of floats; None for anything else."""
    if isinstance(value, np.ndarray):
        return value.astype(float) if value.dtype.kind in "biuf" else None
    if isinstance(value, bool | int | float):
        try:
            return np.asarray(float(value))
        except OverflowError:
            return None
    if not isinstance(value, list | tuple):
        return None
    if set(map(type, value)) <= {float, int, bool}:
        try:
            return np.asarray(value, dtype=float)
        except OverflowError:
            return None
    parts = [numbers(part) for part in value]
    arrays = [part for part in parts if part is not None]
    if len(arrays) < len(parts) or len({array.shape for array in arrays}) > 1:
        return None
    return np.stack(arrays)


def flat(value: object) -> np.ndarray:
    """Return the numbers in a value as one row, whatever its form; texts and the like are left out."""
    if isinstance(value, dict):
        value = list(value.values())
    array = numbers(value)
    if array is not None:
        return array.ravel()
    return (
        np.concatenate([np.zeros(0), *map(flat, value)]) if isinstance(value, list | tuple) else np.zeros(0)
    )


def precision(value: object) -> str:
    """Return the precision of the least precise numbers in a value: float64, float32 or float16.

    Numbers that float32 holds exactly, all of them, count as float32: `.tolist()` and `.item()` do not add
    digits.
    """
    kinds = {array.dtype for array in _arrays(value) if array.dtype.kind == "f"}
    for kind in ("float16", "float32"):
        if np.dtype(kind) in kinds:
            return kind
    values = numbers(value)
    if values is None or values.size == 0 or not np.isfinite(values).all():
        return "float64"
    with np.errstate(over="ignore"):
        rounded = values.astype(np.float32)
    return "float32" if (rounded == values).all() and (values != np.round(values, 6)).any() else "float64"


def _arrays(value):
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, list | tuple | dict):
        for part in value.values() if isinstance(value, dict) else value:
            if isinstance(part, np.ndarray | list | tuple | dict):
                yield from _arrays(part)


def is_whole(value: object) -> bool:
    """Tell whether a value holds whole numbers (or truth values) by its types."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "biu"
    return isinstance(value, int) or (isinstance(value, list | tuple) and all(map(is_whole, value)))


def _close(got, want, left, right, exact_zero, slack, half):
    kind = precision(got)
    if kind == "float16" and not half:
        kind = "float32"
    finite = right[np.isfinite(right)]
    scale = float(np.abs(finite).max(initial=0.0))
    absolute = ABSOLUTE[kind] * (max(scale, 1.0) if kind == "float64" else scale) + slack
    if is_whole(want):
        close = np.abs(left - right) <= np.minimum(WHOLE, RELATIVE[kind] * np.abs(right) + 1e-9)
    else:
        with np.errstate(invalid="ignore", over="ignore"):
            close = np.isclose(left, right, rtol=RELATIVE[kind], atol=absolute, equal_nan=True)
    zeros_hold = not exact_zero or not (left[right == 0] != 0).any()
    return bool(close.all()) and zeros_hold
