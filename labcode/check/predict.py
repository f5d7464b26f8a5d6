"""Predict, then run: a guess is committed before a result is there, and the result answers it."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

from labcode._checks import expect


@dataclass(frozen=True)
class Prediction:
    """A guess that waits for its result.

    Args:
        guess: what was said: a number, or one of the options; None for nothing yet.
        options: what may be said; empty where it is a number.
        unit: what the number counts, such as "rows".
    """

    guess: object
    options: tuple[str, ...] = ()
    unit: str = ""

    def meet(self, result: float | str, because: str, *, within: float = 0.0) -> None:
        """Print what came out beside what was said, and why.

        Args:
            result: a number, or one of the options.
            because: the reason, a sentence.
            within: how far from the result a number still counts as said rightly.

        Raises:
            ValueError: a result that could not have been guessed.

        >>> predict(64, unit="rows").meet(8, "The others are short enough.")
        You said 64 rows; it is 8 rows. The others are short enough.
        >>> predict(None, unit="rows").meet(8, "The others are short enough.")
        It is 8 rows. The others are short enough.
        """
        kind = f"one of {self.options}" if self.options else "a number"
        fits = result in self.options if self.options else _is_number(result)
        expect(fits, "result", kind, result)
        right = self.guess == result if self.options else _near(self.guess, result, within)
        said = {None: "It is", True: "Right, it is", False: f"You said {self._written(self.guess)}; it is"}
        print(f"{said[None if self.guess is None else right]} {self._written(result)}. {because}")

    def _written(self, value: object) -> str:
        number = f"{value:.3g}" if isinstance(value, float) else str(value)
        return f"{number} {self.unit}".rstrip()


def predict(guess: float | str | None, *, options: Sequence[str] = (), unit: str = "") -> Prediction:
    """Commit a guess, in place of None, before the result is there; wrong ones are no failures.

    Args:
        guess: a number, or one of the options. Anything else counts for nothing and stops nothing.
        options: what there is to choose from, if it is no number.
        unit: what the number counts.

    >>> predict("a", options=("up", "down")).guess is None
    Say one of: 'up', 'down'.
    True
    """
    options = tuple(options)
    fits = guess in options if options else _is_number(guess)
    if not fits:
        wanted = f"one of: {', '.join(map(repr, options))}" if options else f"a number{unit and ' of '}{unit}"
        print(f"Say {wanted}." if guess is not None else f"No guess yet. In place of None, say {wanted}.")
    return Prediction(guess if fits else None, options, unit)


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _near(guess: Any, result: Any, within: float) -> bool:
    return guess is not None and abs(guess - result) <= within
