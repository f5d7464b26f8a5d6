"""The machinery of every checker: run a learner's function, say what is right, what is wrong, and why.

A checker holds one solution whose keyword switches turn on typical mistakes. A wrong answer is compared with
the solution under each switch, then under each pair: where all outputs agree, the mistake has a name.
"""

import copy
import inspect
import sysconfig
import textwrap
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain, combinations
from pathlib import Path

import numpy as np

NOT_THE_LEARNERS = (
    str(Path(__file__).parents[1]),
    *map(sysconfig.get_path, ("stdlib", "purelib", "platlib")),
)


class NotYet(AssertionError):
    """An answer that is not right yet; a notebook shows its message alone, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        """IPython's hook for exceptions that draw themselves."""
        return [str(self)]


@dataclass(frozen=True)
class Case:
    """One call of the learner's function: a label in words, and its arguments."""

    label: str
    args: tuple


@dataclass(frozen=True, eq=False)
class Misconception:
    """A typical mistake: the switches that reproduce it, and what to tell a learner who made it."""

    name: str
    switches: Mapping[str, object]
    message: str


@dataclass(frozen=True)
class Checker:
    """Checks one function of an exercise; call it with the learner's function.

    Args:
        name: the function's name in the exercise.
        solution: the right answer, with a keyword switch for each mistake.
        cases: the calls that are tried; together they tell all misconceptions apart.
        misconceptions: the mistakes that get a message of their own.
        praise: what a right answer has shown, in one sentence.
    """

    name: str
    solution: Callable
    cases: tuple[Case, ...]
    misconceptions: tuple[Misconception, ...]
    praise: str

    def __call__(self, fn: Callable) -> None:
        """Print what is right; raise ``NotYet`` with the feedback when something is not.

        Raises:
            NotYet: the function is blank, stops with an error, or returns a wrong value.
        """
        if not callable(fn):
            raise NotYet(
                f"✗ hand over the function itself, check.{self.name}({self.name}); "
                f"received a value of type {type(fn).__name__}."
            )
        results = [self._run(fn, case) for case in self.cases]
        wanted = self.outputs({})
        marks = [_same(got, want) for got, want in zip(results, wanted, strict=True)]
        if not all(marks):
            raise NotYet(self._feedback(results, wanted, marks))
        print("\n".join([*(f"✓ {case.label}" for case in self.cases), f"{self.name}: right. {self.praise}"]))

    def outputs(self, switches: Mapping[str, object]) -> list:
        """Return the solution's result for each case with the given mistakes switched on."""
        return [self.solution(*copy.deepcopy(case.args), **switches) for case in self.cases]

    def diagnose(self, results: list) -> tuple[Misconception, ...]:
        """Return the one or two misconceptions that reproduce the results exactly; none if nothing does."""
        singles = ((m,) for m in self.misconceptions)
        pairs = combinations(self.misconceptions, 2)
        for found in chain(singles, pairs):
            outputs = self.outputs({k: v for m in found for k, v in m.switches.items()})
            if all(_same(got, want) for got, want in zip(results, outputs, strict=True)):
                return found
        return ()

    def _run(self, fn: Callable, case: Case) -> object:
        """Call the learner's function on a copy of the case; turn every failure into a message."""
        args = copy.deepcopy(case.args)
        result = attempt(self.name, lambda: fn(*args), call=self._call(case))
        if result is None and all(want is not None for want in self.outputs({})):
            raise NotYet(f"✗ {self.name} returned None. Does the function end with `return`?")
        if not _same(args, case.args):
            raise NotYet(
                f"✗ {self.name} changed its own arguments. Work on a copy: the caller still needs them."
            )
        return result

    def _call(self, case: Case) -> str:
        """Write a case as the call it makes, with the names of its arguments."""
        names = inspect.signature(self.solution).parameters
        shown = ", ".join(f"{name}={_show(arg)}" for name, arg in zip(names, case.args, strict=False))
        return f"{self.name}({shown})"

    def _form(self, result: object, wanted: object) -> list[str]:
        """Say what is wrong with a result's form or parts, where no misconception explains it."""
        return _form(result, wanted)

    def _feedback(self, results: list, wanted: list, marks: list[bool]) -> str:
        """Say which cases are right, show the first wrong one, and name the likely misconception."""
        lines = [f"{'✓' if ok else '✗'} {case.label}" for case, ok in zip(self.cases, marks, strict=True)]
        first = marks.index(False)
        lines += [
            f"  First difference, {self.cases[first].label}: {self._call(self.cases[first])}",
            f"    expected {_show(wanted[first])}",
            f"    received {_show(results[first])}",
        ]
        said = [m.message for m in self.diagnose(results)] or self._form(results[first], wanted[first])
        return "\n".join([*lines, *(textwrap.fill(f"→ {message}", 100) for message in said)])


def attempt(name: str, run: Callable[[], object], call: str) -> object:
    """Return what the learner's function returns; turn a blank and every error into a message.

    Args:
        name: of the function.
        run: calls it.
        call: how that call is written.

    Raises:
        NotYet: the function is blank or stops with an error.
    """
    try:
        return run()
    except NotImplementedError:
        raise NotYet(
            f"○ {name} is still blank. Replace the line `raise NotImplementedError`, run its cell, "
            "then run this one again. Stuck? The hints above open with a click."
        ) from None
    except Exception as error:
        where = _learners_line(error)
        raise NotYet(
            f"✗ {name} stopped with {type(error).__name__}: {error}\n"
            f"  in line {where.lineno}: {where.line}\n  The call was {call}"
        ) from error


def _learners_line(error: Exception) -> traceback.FrameSummary:
    """Return the last line of the learner's own code that led to an error, not one of a library."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(NOT_THE_LEARNERS)]
    return (own or frames)[-1]


def _same(got: object, want: object) -> bool:
    """Compare nested results: numbers and arrays by value (relative 1e-6) and shape, the rest exactly."""
    if want is None or got is None:
        return got is want
    if isinstance(want, dict):
        return (
            isinstance(got, dict) and got.keys() == want.keys() and all(_same(got[k], want[k]) for k in want)
        )
    if isinstance(want, (tuple, list)) and not isinstance(got, np.ndarray) and hasattr(got, "__len__"):
        return len(got) == len(want) and all(_same(g, w) for g, w in zip(got, want, strict=True))
    try:
        left, right = np.asarray(got, dtype=float), np.asarray(want, dtype=float)
    except (TypeError, ValueError):
        return isinstance(got, type(want)) and got == want
    return left.shape == right.shape and np.allclose(left, right, rtol=1e-6, atol=1e-12, equal_nan=True)


def _form(got: object, want: object) -> list[str]:
    """Say how a wrong result differs in form, or which of its parts are wrong, where that helps."""
    if isinstance(want, dict):
        if not isinstance(got, dict):
            return [f"A dictionary was expected; this is of type {type(got).__name__}."]
        if got.keys() != want.keys():
            return [f"Its keys should be {_names(want)}; these are {_names(got) or 'none'}."]
        return _parts(got, want, list(want))
    if isinstance(want, (tuple, list)):
        if not isinstance(got, (tuple, list)):
            return [
                f"{len(want)} values were expected, side by side; this is one of type {type(got).__name__}."
            ]
        if len(got) != len(want):
            return [f"{len(want)} values were expected; these are {len(got)}."]
        return _parts(got, want, range(len(want)))
    if isinstance(want, np.ndarray) and np.shape(got) != want.shape:
        return [f"Its shape should be {want.shape}; it is {np.shape(got)}."]
    return []


def _parts(got, want, keys) -> list[str]:
    """Name the wrong parts of a result if others are right, and what is wrong with the form of the first."""
    wrong = [key for key in keys if not _same(got[key], want[key])]
    nested = [f"Part {wrong[0]!r}: {said}" for said in _form(got[wrong[0]], want[wrong[0]])]
    if len(wrong) == len(keys):
        return nested
    named = f"only {_names(wrong)} is" if len(wrong) == 1 else f"{_names(wrong)} are"
    counted = " (counted from 0)" if isinstance(keys, range) else ""
    return [f"Of its {len(keys)} parts {named} wrong{counted}.", *nested]


def _names(keys) -> str:
    return ", ".join(map(repr, keys))


def _show(value: object) -> str:
    """Write a value briefly: arrays as rounded lists, long ones cut."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {_show(v)}" for k, v in value.items()) + "}"
    if isinstance(value, tuple) or (
        isinstance(value, list) and any(isinstance(v, np.ndarray) for v in value)
    ):
        return "({})".format(", ".join(map(_show, value)))
    if isinstance(value, (np.ndarray, np.generic)):
        return np.array2string(np.asarray(value), precision=4, threshold=12, separator=", ").replace("\n", "")
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."
