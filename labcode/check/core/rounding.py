"""How far single precision carries in a task: what differences of nearly equal numbers cost there."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from labcode.check.core.compare import flat, precision, same
from labcode.check.core.values import plain

STEP = float(np.finfo(np.float32).eps)
TIMES, FACTOR = 4, 8
ANYTHING = 1e300  # an error that lets all numbers pass, so that the form alone is compared
MIXED = 1e-5  # of the largest number expected, for an answer in double precision
MOST = 1e-3  # of the largest number expected: beyond it, no error is rounding


def is_near(got: object, want: object) -> bool:
    """Tell whether rounding could be what keeps two plain values apart."""
    left, right = flat(got), flat(want)
    if left.shape != right.shape or not same(got, want, slack=ANYTHING):
        return False
    apart = np.abs(left - right)
    return bool(np.nanmax(apart, initial=0.0) <= MOST * max(np.nanmax(np.abs(right), initial=0.0), 1.0))


def rounding_error(solution: Callable, args: tuple, got: object, want: object) -> float:
    """Return the error to allow where a task is computed in single precision.

    Args:
        solution: the right answer.
        args: of the case; each number is moved by a random part of float32's step.
        got: the learner's plain result; one in double precision may only have had rounded numbers on its way.
        want: the solution's plain result.
    """
    rng, expected = np.random.default_rng(0), flat(want)
    moved = 0.0
    for _ in range(TIMES):
        try:
            near = flat(plain(solution(*nudged(copy.deepcopy(args), rng))))
        except Exception:
            return 0.0
        if near.shape != expected.shape:
            return 0.0
        moved = max(moved, np.abs(near - expected).max(initial=0.0))
    scale = max(np.abs(flat(args)).max(initial=0.0), np.abs(expected).max(initial=0.0))
    if moved > MOST * scale:
        return 0.0
    mixed = MIXED * np.abs(expected).max(initial=0.0)
    return float(min(FACTOR * moved, mixed) if precision(got) == "float64" else FACTOR * moved)


def nudged(value: Any, rng: np.random.Generator) -> Any:
    """Return a value with its real numbers moved by up to float32's step; whole ones stay."""
    if isinstance(value, float):
        return value * (1 + STEP * rng.uniform(-1, 1))
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value * (1 + STEP * rng.uniform(-1, 1, value.shape))
    if isinstance(value, dict):
        return {key: nudged(part, rng) for key, part in value.items()}
    if type(value) in (list, tuple):
        return type(value)(nudged(part, rng) for part in value)
    return value
