"""How values are written in a message: briefly, whatever they are."""

from collections.abc import Iterable

import numpy as np

from labcode.check.core.values import Odd

LONGEST = 120
WIDEST_INT = 10**30


def show(value: object) -> str:
    """Write a value briefly: arrays as rounded lists, long ones cut, huge numbers by their length."""
    if isinstance(value, Odd):
        return f"({value.kind})" if value.kind != "object" else "(an object)"
    if isinstance(value, dict):
        return cut("{" + ", ".join(f"{show(k)}: {show(v)}" for k, v in list(value.items())[:40]) + "}", 400)
    if isinstance(value, tuple) or (isinstance(value, list) and not _is_flat(value)):
        return cut("({})".format(", ".join(map(show, value[:40]))), 400)
    if isinstance(value, np.ndarray | np.generic):
        return np.array2string(np.asarray(value), precision=4, threshold=12, separator=", ").replace("\n", "")
    if isinstance(value, int) and abs(value) > WIDEST_INT:
        return f"(a whole number of about {int(abs(value).bit_length() * 0.30103) + 1} digits)"
    if isinstance(value, list) and len(value) > 200:
        return f"(a list of {len(value):,} values: {show(value[:3])[:-1]}, ...])"
    if isinstance(value, frozenset):
        return cut("{" + ", ".join(sorted(map(repr, value))) + "}")
    return cut(safe(repr, value))


def _is_flat(value: list) -> bool:
    return not any(isinstance(v, np.ndarray | list | tuple | dict | Odd) or _is_wide(v) for v in value[:1000])


def _is_wide(value) -> bool:
    return isinstance(value, int) and abs(value) > WIDEST_INT


def cut(text: str, longest: int = LONGEST) -> str:
    """Shorten a text to a length.

    >>> cut("a" * 9, 8)
    'aaaaa...'
    """
    return text if len(text) <= longest else text[: longest - 3] + "..."


def safe(write, value: object) -> str:
    """Return ``write(value)``, or, where the value's own code fails, its type."""
    try:
        return str(write(value))
    except Exception as error:
        return f"({type(value).__name__}; writing it failed with {type(error).__name__})"


def names(keys: Iterable) -> str:
    """Write keys side by side."""
    return ", ".join(map(repr, keys))
