"""What a learner's function returns, as plain data: None, bool, numbers, text, list, tuple, set, dict, array.

Tensors, fractions, 0-d arrays, data frames and the like become the plain value they stand for; what cannot be
judged (a generator, a list that holds itself, ten million numbers) becomes an `Odd` with the sentence to say.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Set, Sized
from dataclasses import dataclass
from decimal import Decimal
from numbers import Complex, Integral, Real

import numpy as np

MOST = 10**7  # elements; tasks ask for a few hundred at most
DEEPEST = 50  # lists inside lists
HALF = {"torch.float16", "torch.bfloat16"}


@dataclass(frozen=True)
class Odd:
    """A result, or a part of one, that no task asks for: its kind, and a sentence about it."""

    kind: str
    said: str


class _Refused(Exception):
    """The whole result cannot be taken; carries its ``Odd``."""

    def __init__(self, kind: str, said: str):
        super().__init__(said)
        self.odd = Odd(kind, said)


def plain(value: object) -> object:
    """Return a value as plain data; what is plain already comes back equal.

    >>> from fractions import Fraction
    >>> plain((Fraction(1, 2), range(2)))
    (0.5, [0, 1])
    """
    try:
        return _Reader().read(value, ())
    except _Refused as refused:
        return refused.odd


class _Reader:
    """Walks through one value and counts its elements."""

    def __init__(self):
        self.count = 0

    def read(self, value, above):
        if value is None or isinstance(value, bool | Odd):
            return value
        if isinstance(value, str | bytes):
            return str(value)
        if isinstance(value, np.ndarray | np.generic):
            return self._array(value, above)
        if "torch" in sys.modules and isinstance(value, sys.modules["torch"].Tensor):
            return self._array(_from_torch(value), above)
        if isinstance(value, Complex | Decimal):
            return _number(value)
        if isinstance(value, Mapping | Iterable):
            return self._collection(value, above)
        return _other(value, lambda array: self._array(array, above))

    def _count(self, number):
        self.count += number
        if self.count >= MOST:
            raise _Refused("huge", f"The result has {MOST:,} elements or more; no task asks for so many.")

    def _array(self, value, above):
        if isinstance(value, np.ma.MaskedArray) and np.ma.getmaskarray(value).any():
            return Odd("masked", "Some entries of the result are masked, so they have no value.")
        value = np.asarray(value)
        self._count(value.size)
        if value.dtype.kind in "biufc":
            kind = np.dtype(float) if value.dtype == np.longdouble else value.dtype.newbyteorder("=")
            return bool(value) if value.ndim == 0 and kind.kind == "b" else np.array(value, dtype=kind)
        if value.dtype.kind in "OUS":
            return self.read(value.tolist(), above)
        return Odd("dtype", f"The result is an array of {value.dtype}, not of numbers.")

    def _collection(self, value, above):
        if isinstance(value, Iterator):
            return Odd(
                "lazy",
                f"A value of type {type(value).__name__} came back, which computes its entries only when it "
                "is asked for them. Put list(...) around it, or return an array.",
            )
        is_sized = isinstance(value, Sized)
        if not is_sized or hasattr(value, "__array__"):
            return _other(value, lambda array: self._array(array, above))
        if id(value) in above:
            return Odd("endless", f"The result is a {type(value).__name__} that contains itself.")
        if len(above) >= DEEPEST:
            raise _Refused("deep", f"The result is nested deeper than {DEEPEST} levels.")
        self._count(len(value))
        above = (*above, id(value))
        if isinstance(value, Mapping):
            return {_key(key): self.read(part, above) for key, part in value.items()}
        if set(map(type, value)) <= {float, int, bool}:
            parts = list(value)
        else:
            parts = [self.read(part, above) for part in value]
        if isinstance(value, Set) and not type(value).__name__.startswith("dict_"):
            simple = all(isinstance(part, str | int | float | bool) for part in parts)
            return frozenset(parts) if simple else Odd("set", "A set came back, which has no order.")
        return tuple(parts) if isinstance(value, tuple) else parts


def _number(value):
    """Return a number as int, float or complex; one too large for a float as an int."""
    try:
        if isinstance(value, Integral):
            return int(value)
        return float(value) if isinstance(value, Real | Decimal) else complex(value)
    except OverflowError:
        return int(value)
    except (ValueError, ArithmeticError, TypeError):
        return Odd("number", f"The result holds {value!s:.40}, which is no ordinary number.")


def _from_torch(tensor):
    """Return a tensor's values: without gradient, on the CPU, dense; half precision stays half."""
    tensor = tensor.detach()
    if tensor.is_meta:
        return Odd("meta", "The result is a tensor on the meta device, which has a shape and no values.")
    tensor = (tensor if tensor.layout == sys.modules["torch"].strided else tensor.to_dense()).cpu()
    if str(tensor.dtype) in HALF:
        return tensor.float().numpy().astype(np.float16)
    return tensor.resolve_conj().resolve_neg().numpy()


def _key(key):
    """Return a dictionary's key as text, number, truth value, None, or a tuple of these."""
    if isinstance(key, tuple):
        return tuple(map(_key, key))
    if isinstance(key, np.generic):
        key = key.item()
    return key if key is None or isinstance(key, str | int | float) else f"<{type(key).__name__}>"


def _other(value, read_array):
    """Read what offers itself as an array; describe everything else by its type."""
    name = type(value).__name__
    if hasattr(value, "__array__") and not isinstance(value, type):
        return read_array(np.asarray(value))
    if name == "coroutine":
        value.close()
        return Odd("lazy", "The function is declared with `async def`, so it returns a promise, no value.")
    if callable(value) and not hasattr(value, "parameters"):
        return Odd("function", f"A {name} came back, not a value: were its parentheses forgotten?")
    return Odd("object", f"A value of type {name} came back.")
