"""A checker for functions that draw from a generator: how their numbers are spread, and where they come from.

A right answer fails less than once in a million checks: each bound stands where chance hardly ever gets to.
"""

import random
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from labcode.check.side_effects import Seed, StatefulChecker

_FAR = 7.0  # standard errors; beyond them lies less than one draw in 10 ** 11


@dataclass(frozen=True)
class SamplerChecker(StatefulChecker):
    """Checks a sampler by what can be said of its result, and by calls with the same seed and another one.

    Args:
        numbers: reads the numbers that were drawn, in no order, from the result and the arguments.
        place: of the generator among the arguments of the call.
    """

    numbers: Callable[[object, tuple], np.ndarray]
    place: int = 0

    def _summary(self, fn: Callable, args: tuple, switches: Mapping[str, object]) -> object:
        """Say of a result what ``summarize`` does, and of numbers that vary where they come from."""
        seen: dict[str, Any] = {}

        def watched(*given, **options):
            before, others = _state(given[self.place]), _other_generators()
            result = fn(*given, **options)
            seen.update(result=result, given=given, used=_state(given[self.place]) != before)
            seen["alone"] = _other_generators() == others
            return result

        said = super()._summary(watched, args, switches)
        if not isinstance(said, dict) or np.ptp(first := self.numbers(seen["result"], seen["given"])) == 0:
            return said
        same, other = (self._again(fn, args, more, switches) for more in (0, 1))
        said["draws from the generator that it is given"] = seen["used"]
        said["the same seed gives the same numbers"] = np.array_equal(first, same)
        said["another seed gives other numbers"] = not np.array_equal(first, other)
        said["leaves all other generators alone"] = seen["alone"]
        return said

    def _again(self, fn, args, more, switches) -> np.ndarray:
        """Return the numbers of another call, whose seed is larger by ``more``."""
        given = self.arrange(*(Seed(arg + more) if isinstance(arg, Seed) else arg for arg in args))
        return self.numbers(fn(*given, **switches), given)


def _state(rng: np.random.Generator) -> str:
    return repr(rng.bit_generator.state)


def _other_generators() -> tuple:
    """Return the states of the global generators of Python, NumPy and, where it is in use, PyTorch."""
    torch = sys.modules.get("torch")
    torchs = torch.random.get_rng_state().numpy().tobytes() if torch else b""
    state: Any = np.random.get_state()  # noqa: NPY002
    _, numbers, place, *_ = state
    return random.getstate(), numbers.tobytes(), place, torchs


def independent(kept: np.ndarray) -> bool:
    """Say whether a matrix of 0 and 1 could be drawn entry by entry, judged along its rows.

    Their sums must vary as those of independent draws do, and entries some columns apart must not agree.

    Example:
        >>> independent(np.random.default_rng(0).random((60, 80)) < 0.5)
        True
        >>> independent(np.arange(4800).reshape(60, 80) % 2)
        False
    """
    z = np.asarray(kept, dtype=float)
    if np.ptp(z) == 0:
        return False
    z = (z - z.mean()) / z.std()
    rows, columns = z.shape
    spread = np.sum(z.sum(axis=1) ** 2) / columns / (rows - 1)  # chi squared over its degrees of freedom
    cubic = 2 / (9 * (rows - 1))
    lags = np.arange(1, columns // 2)
    together = np.fft.irfft(np.square(np.abs(np.fft.rfft(z, 2 * columns))).sum(axis=0))[lags]
    far = np.abs(together) / np.sqrt(rows * (columns - lags))
    return bool(max(abs(spread ** (1 / 3) - 1 + cubic) / np.sqrt(cubic), *far) < _FAR)


def even(shares: np.ndarray) -> bool:
    """Say whether numbers from 0 to 1 could be drawn evenly (Kolmogorov and Smirnov's test).

    Example:
        >>> even(np.linspace(0, 1, 50)), even(np.linspace(0, 1, 50) ** 4)
        (True, False)
    """
    ordered = np.sort(shares)
    steps = np.arange(len(ordered) + 1) / len(ordered)
    distance = max(np.max(steps[1:] - ordered), np.max(ordered - steps[:-1]))
    return bool(distance * np.sqrt(len(ordered)) < 3)
