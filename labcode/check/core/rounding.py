"""How far single precision carries in a task: what differences of nearly equal numbers cost there."""

import copy
from collections.abc import Callable

import numpy as np

from labcode.check.core.compare import flat
from labcode.check.core.values import plain

STEP = float(np.finfo(np.float32).eps)
TIMES, FACTOR = 4, 8
MOST = 1e-3  # of the largest number expected: beyond it, no error is rounding


def rounding_error(solution: Callable, args: tuple, want: object) -> float:
    """Return the error to allow where a task is computed in single precision.

    Args:
        solution: the right answer.
        args: of the case; each number is moved by a random part of float32's step.
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
    return FACTOR * float(moved) if moved <= MOST * scale else 0.0


def nudged(value: object, rng: np.random.Generator) -> object:
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
