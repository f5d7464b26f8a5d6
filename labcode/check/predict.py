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

    guess: Any
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
        print(f"{self.compared(result, within=within)} {because}")

    def compared(self, result: float | str, *, within: float = 0.0, unsaid: str = "It is") -> str:
        """Return a sentence that says what came out beside what was said.

        Args:
            result: a number, or one of the options.
            within: how far from the result a number still counts as said rightly.
            unsaid: how it begins where nothing was said.

        Raises:
            ValueError: a result that could not have been guessed.
        """
        kind = f"one of {self.options}" if self.options else "a number"
        expect(fits(result, self.options), "result", kind, result)
        right = self.guess == result if self.options else _near(self.guess, result, within)
        said = {None: unsaid, True: "Right, it is", False: f"You said {self.written(self.guess)}; it is"}
        return f"{said[None if self.guess is None else right]} {self.written(result)}."

    def written(self, value: float | str | None) -> str:
        """Return a value with its unit."""
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
    said = fits(guess, options)
    if not said:
        wanted = f"one of: {', '.join(map(repr, options))}" if options else f"a number{unit and ' of '}{unit}"
        print(f"Say {wanted}." if guess is not None else f"No guess yet. In place of None, say {wanted}.")
    return Prediction(guess if said else None, options, unit)


def fits(value: object, options: Sequence[str]) -> bool:
    """Tell whether a value is one of the options; where there are none, whether it is a number."""
    return value in options if options else isinstance(value, Real) and not isinstance(value, bool)


def _near(guess: Any, result: Any, within: float) -> bool:
    return guess is not None and abs(guess - result) <= within
