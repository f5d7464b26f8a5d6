"""A guess before a result: by mouse, by keyboard or in the code; kept, and met by what comes out."""

import contextlib
import math
import sys
from collections.abc import Sequence

from labcode._checks import expect
from labcode.check import progress
from labcode.check.predict import Prediction, fits


class Guess:
    """A question whose answer one commits before the result is there.

    Args:
        question: what is asked; the guess is kept under it.
        options: what there is to choose from; empty where a number is asked for.
        unit: what the number counts.
        value: what was said; None for nothing yet.
    """

    def __init__(self, question: str, options: tuple[str, ...], unit: str, value: float | str | None):
        self.question, self.options, self.unit = question, options, unit
        self.value = value if fits(value, options) else None

    def say(self, value: float | str) -> str:
        """Commit a guess and keep it; return what to tell the learner.

        Args:
            value: one of the options, or a number, also as one types it. What is neither counts for nothing.
        """
        value = value if self.options else _number(value)
        if not fits(value, self.options):
            return f"Say {self.wanted()}."
        self.value = value
        path = progress.file()
        if path is not None:
            entry = {
                "kind": progress.GUESS,
                "time": progress.now(),
                "question": self.question,
                "guess": value,
            }
            with contextlib.suppress(OSError):
                progress.append(entry, path)
        return self.said()

    def said(self) -> str:
        """Return what was said as a sentence, or what may be said."""
        if self.value is None:
            return f"Say {self.wanted()}."
        return f"Your guess: {Prediction(self.value, self.options, self.unit).written(self.value)}."

    def wanted(self) -> str:
        """Return what counts as a guess: the options, or a number with its unit."""
        return " / ".join(self.options) or f"a number{self.unit and f' [{self.unit}]'}"

    def met(self, result: float | str, *, within: float = 0.0) -> None:
        """Print what came out beside what was said.

        Args:
            result: a number, or one of the options.
            within: how far from the result a number still counts as said rightly.

        Raises:
            ValueError: a result that could not have been guessed.

        >>> guess("How many gates has an LSTM?", unit="gates", mine=4).met(3)
        How many gates has an LSTM? Your guess: 4 gates.
        You said 4 gates; it is 3 gates.
        """
        prediction = Prediction(self.value, self.options, self.unit)
        print(prediction.compared(result, within=within, unsaid="No guess yet; it is"))


def guess(
    question: str, *, options: Sequence[str] = (), unit: str = "", mine: float | str | None = None
) -> Guess:
    """Ask for a guess, which a later cell meets; no guess, or a wrong one, stops nothing.

    In a notebook one clicks or types; `mine=` says it in the code, wherever there is no mouse. What was said
    last is remembered in `work/`, on this machine only.

    Args:
        question: a sentence; no two guesses of the course have the same.
        options: what there is to choose from, at least two that go on "it is …"; none for a number.
        unit: what the number counts.
        mine: the guess.

    Raises:
        ValueError: a single option, or equal ones.

    >>> asked = guess("Which curve rises?", options=("training", "validation"))
    Which curve rises? Say training / validation.
    >>> asked.met("validation")
    No guess yet; it is validation.
    """
    options = tuple(options)
    distinct = len(set(options)) == len(options) != 1
    expect(distinct, "options", "two different ones or more, or none", options)
    asked = Guess(question, options, unit, _kept(question))
    if mine is not None:
        print(question, asked.say(mine))
    elif not _show(asked):
        print(question, asked.said())
    return asked


def _number(value):
    """Return a finite number as Python's own, whole where it is whole; None for anything else."""
    try:
        number = float(value.replace(",", ".") if isinstance(value, str) else value)
        return int(number) if number.is_integer() else number if math.isfinite(number) else None
    except (TypeError, ValueError, OverflowError):
        return None


def _kept(question):
    """Return what was last said to a question; None where nothing was, or nothing is kept."""
    path = progress.file()
    with contextlib.suppress(OSError):
        return progress.guesses(path).get(question) if path else None
    return None


def _show(asked: Guess) -> bool:
    """Show a question with what answers it; tell whether there is a notebook to show it in."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None or not hasattr(shell, "kernel"):
        return False
    try:
        import ipywidgets as widgets
        from IPython.display import display
    except ImportError:
        return False
    print(f"{asked.question} ({asked.wanted()})")  # what stays where widgets do not
    said = widgets.Label("" if asked.value is None else asked.said())
    wide = {"description_width": "initial"}
    if asked.options:
        entry = widgets.RadioButtons(
            options=asked.options, value=asked.value, description="Your guess:", style=wide
        )
        entry.layout.width = "max-content"
    else:
        entry = widgets.Text(
            value="" if asked.value is None else f"{asked.value:g}",
            placeholder="a number, then Enter",
            description=f"Your guess{asked.unit and f' [{asked.unit}]'}:",
            continuous_update=False,
            style=wide,
        )

    def commit(change):
        said.value = asked.say(change["new"])

    entry.observe(commit, names="value")
    display(widgets.VBox([entry, said]))
    return True
