"""One wording for every bad argument: what was expected, and what was received.

Values of arrays are never read here (that would stall a GPU); only hyperparameters, shapes and kinds are.
"""

import math
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from numpy import ndarray
    from torch import Tensor, nn

T = TypeVar("T")


def expect(condition: bool, name: str, expected: str, received: object) -> None:
    """Raise ``ValueError`` naming the argument unless the condition holds."""
    if not condition:
        raise ValueError(f"{name}: expected {expected}, received {received!r}")


def check_number(name: str, value: Any, *, low: float = -math.inf, high: float = math.inf) -> float:
    """Return a finite real hyperparameter in [low, high] as a float.

    Raises:
        ValueError: not a real number, NaN, infinite, or outside [low, high].
    """
    expected = f"a finite number in [{low:g}, {high:g}]" if math.isfinite(low) else "a finite number"
    if math.isfinite(low) and math.isinf(high):
        expected = f"a finite number of at least {low:g}"
    is_real = isinstance(value, Real) and not isinstance(value, bool)
    expect(is_real and math.isfinite(value) and low <= value <= high, name, expected, value)
    return float(value)


def check_integer(name: str, value: Any, *, low: int = 0) -> int:
    """Return a whole hyperparameter of at least ``low`` as an int.

    Raises:
        ValueError: not a whole number, or below ``low``.
    """
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    expect(is_whole and value >= low, name, f"a whole number of at least {low}", value)
    return int(value)


def check_one_of(name: str, value: T, choices: tuple[T, ...]) -> T:
    """Return a value that is one of the choices.

    Raises:
        ValueError: it is none of them.
    """
    is_single = getattr(value, "ndim", 0) == 0  # an array would be compared entry by entry
    expect(is_single and value in choices, name, "one of " + ", ".join(map(repr, choices)), value)
    return value


def check_given(name: str, value: T | None, expected: str) -> T:
    """Return a value that some have and this one must have.

    Raises:
        ValueError: it is None.
    """
    if value is None:
        raise ValueError(f"{name}: expected {expected}, received None")
    return value


def check_instance(name: str, value: object, kind: type, expected: str) -> None:
    """Check that a value is of a kind.

    Raises:
        ValueError: it is of another.
    """
    expect(isinstance(value, kind), name, expected, type(value))


def check_shape(name: str, array: object, sizes: tuple) -> None:
    """Check an array's (or tensor's) shape; ``None`` stands for any size of at least 1.

    Raises:
        ValueError: another number of axes, another size, or an empty axis.
    """
    received = tuple(getattr(array, "shape", ()))
    fits = len(received) == len(sizes) and all(
        (got >= 1 if want is None else got == want) for got, want in zip(received, sizes, strict=True)
    )
    wanted = ", ".join("any" if want is None else str(want) for want in sizes)
    expect(fits, name, f"shape ({wanted}{',' if len(sizes) == 1 else ''})", received)


def check_array(name: str, array: object) -> "ndarray":
    """Return a floating-point array in float64.

    Raises:
        ValueError: integers or anything else, and a tensor that requires a gradient.
    """
    import numpy as np

    try:
        converted = np.asarray(array)
    except (RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"{name}: expected a floating-point array, received {type(array)}") from error
    is_floating = np.issubdtype(converted.dtype, np.floating)
    expect(is_floating, name, "a floating-point array", converted.dtype)
    return converted.astype(np.float64, copy=False)


def check_tensor(name: str, tensor: Any) -> "Tensor":
    """Return a floating-point tensor as it is.

    Raises:
        ValueError: integers or anything else, and an array.
    """
    from torch import Tensor

    is_tensor = isinstance(tensor, Tensor)
    received = tensor.dtype if is_tensor else type(tensor)
    expect(is_tensor and tensor.is_floating_point(), name, "a floating-point tensor", received)
    return tensor


def check_lstms(name: str, model: object) -> "list[nn.LSTM]":
    """Return all LSTMs that a model is or holds.

    Raises:
        ValueError: there is none.
    """
    from torch import nn

    parts = model.modules() if isinstance(model, nn.Module) else ()
    lstms = [part for part in parts if isinstance(part, nn.LSTM)]
    expect(len(lstms) > 0, name, "a module that holds an nn.LSTM", type(model).__name__)
    return lstms
