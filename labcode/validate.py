"""One wording for every bad argument: what was expected, and what was received.

Values of arrays are never read here (that would stall a GPU); only hyperparameters, shapes and kinds are.
"""

import math
from numbers import Integral, Real


def expect(condition: bool, name: str, expected: str, received: object) -> None:
    """Raise ``ValueError`` naming the argument unless the condition holds."""
    if not condition:
        raise ValueError(f"{name}: expected {expected}, received {received!r}")


def number(name: str, value: object, *, low: float = -math.inf, high: float = math.inf) -> float:
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


def integer(name: str, value: object, *, low: int = 0) -> int:
    """Return a whole hyperparameter of at least ``low`` as an int.

    Raises:
        ValueError: not a whole number, or below ``low``.
    """
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    expect(is_whole and value >= low, name, f"a whole number of at least {low}", value)
    return int(value)


def one_of(name: str, value: object, choices: tuple) -> object:
    """Return a value that is one of the choices.

    Raises:
        ValueError: it is none of them.
    """
    is_single = getattr(value, "ndim", 0) == 0  # an array would be compared entry by entry
    expect(is_single and value in choices, name, "one of " + ", ".join(map(repr, choices)), value)
    return value


def instance(name: str, value: object, kind: type, expected: str) -> None:
    """Check that a value is of a kind.

    Raises:
        ValueError: it is of another.
    """
    expect(isinstance(value, kind), name, expected, type(value))


def shape(name: str, array: object, sizes: tuple) -> None:
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
