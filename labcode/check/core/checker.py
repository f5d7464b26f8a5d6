"""A checker: one task's solution and cases; it says what is right, what is wrong, and why.

It holds one solution whose keyword switches turn on typical mistakes. A wrong answer is compared with the
solution under each switch, then under each pair: where all outputs agree, the mistake has a name. Where none
does, what can be computed of the difference is said.
"""

import copy
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from labcode.check.core import findings
from labcode.check.core.cases import DRAWS, Case, DrawnCase, Misconception, Verdict, drawn, marked, next_seed
from labcode.check.core.collect import Collected, NotYet, Outcome, parameters, run_cases
from labcode.check.core.compare import same
from labcode.check.core.form import form
from labcode.check.core.rounding import is_near, rounding_error
from labcode.check.core.show import show
from labcode.check.core.values import plain

after_judging: list[Callable] = []  # called as f(checker, fn, collected, verdict), returns lines to add

_CANNOT = object()  # the output of a mistake that cannot be made on a case
_kept: dict[tuple, tuple] = {}  # outputs under mistakes, with what their keys name


@dataclass(frozen=True)
class Checker:
    """Checks one function of an exercise; call it with the learner's function.

    Args:
        name: the function's name in the exercise.
        solution: the right answer, with a keyword switch for each mistake.
        cases: the calls that are tried; together they tell all misconceptions apart.
        misconceptions: the mistakes that get a message of their own.
        praise: what a right answer has shown, in one sentence.
        draw: makes one more case (or its arguments) from a generator; new ones are tried at each call.
        draws: how many.
        exact_zero: where 0 is expected, nothing near it will do.
        may_change: the call may work on its arguments in place.
        seconds: what the task needs, where that is more than ``check.limit`` allows.
    """

    name: str
    solution: Callable
    cases: tuple[Case, ...]
    misconceptions: tuple[Misconception, ...]
    praise: str
    draw: Callable[[np.random.Generator], Case | tuple] | None = field(default=None, kw_only=True)
    draws: int = field(default=DRAWS, kw_only=True)
    exact_zero: bool = field(default=False, kw_only=True)
    may_change: bool = field(default=False, kw_only=True)
    seconds: float = field(default=0.0, kw_only=True)

    def __call__(self, fn: Callable) -> None:
        """Print what is right; raise ``NotYet`` with the feedback when something is not.

        Raises:
            NotYet: the function is blank, stops with an error, or returns a wrong value.
        """
        verdict, more = self.examine(fn)
        text = "\n".join([verdict.text, *more])
        if not verdict.right:
            raise NotYet(text)
        print(text)

    def examine(self, fn: Callable) -> tuple[Verdict, list[str]]:
        """Run and judge a function; return the verdict, and what those who listen have to add."""
        collected = self.collect(fn)
        verdict = self.judge(collected)
        return verdict, [line for tell in after_judging for line in tell(self, fn, collected, verdict)]

    def collect(self, fn: Callable, *, seed: int | None = None) -> Collected:
        """Run the learner's function on every case and return plain data; never raises what it raises.

        Args:
            fn: the learner's function.
            seed: draws the random cases; new ones by default.
        """
        seed = next_seed() if seed is None else seed
        return Collected(self.name, seed, run_cases(self, fn, self.with_drawn(seed).cases))

    def judge(self, collected: Collected) -> Verdict:
        """Judge what ``collect`` returned, here or in another process; runs nothing of the learner's.

        Raises:
            ValueError: the data are another task's, or of another number of cases.
        """
        bound = self.with_drawn(collected.seed)
        if collected.name != self.name or len(collected.outcomes) != len(bound.cases):
            raise ValueError(
                f"collected: expected {len(bound.cases)} outcomes of {self.name}, received "
                f"{len(collected.outcomes)} of {collected.name}"
            )
        return bound._judge(collected.outcomes)

    def with_drawn(self, seed: int) -> "Checker":
        """Return this checker with the random cases of a seed among its cases."""
        if self.draw is None:
            return self
        return replace(self, cases=(*self.cases, *drawn(self.draw, self.draws, seed)), draw=None)

    def outputs(self, switches: Mapping[str, object]) -> list:
        """Return the solution's result for each case with the given mistakes switched on."""
        return [self.solution(*copy.deepcopy(case.args), **switches) for case in self.cases]

    def diagnose(self, results: list) -> tuple[Misconception, ...]:
        """Return the misconceptions that reproduce the results exactly: all that do so alone, or a pair."""
        alone = tuple(m for m in self.misconceptions if self._reproduces((m,), results))
        if alone:
            return alone
        pairs = combinations(self.misconceptions, 2)
        return next((pair for pair in pairs if self._reproduces(pair, results)), ())

    def tidy(self, value: object) -> object:
        """Return a plain result in the form that is compared; a hook for subclasses."""
        return value

    def _reproduces(self, found, results) -> bool:
        """Tell whether mistakes give just these results; the first case that tells otherwise is enough."""
        switches = {k: v for m in found for k, v in m.switches.items()}
        for index, (case, got) in enumerate(zip(self.cases, results, strict=True)):
            output = self._under(found, switches, case)
            if output is _CANNOT or not self._same(got, output, index):
                return False
        return True

    def _under(self, found, switches, case) -> object:
        """Return a case's output under mistakes; kept, but for cases that were drawn for this check alone."""
        key = (self.solution, *map(id, found), id(case))
        if key in _kept:
            return _kept[key][0]
        try:
            output = plain(replace(self, cases=(case,)).outputs(switches)[0])
        except Exception:
            output = _CANNOT
        if not isinstance(case, DrawnCase):
            _kept[key] = (output, found, case)
        return output

    def _same(self, got: object, want: object, index: int) -> bool:
        """Compare one case's result, as far as the digits of single precision carry in this task."""
        got, want = plain(got), plain(want)
        if same(got, want, exact_zero=self.exact_zero):
            return True
        if not is_near(got, want):
            return False
        slack = rounding_error(self.solution, self.cases[index].args, got, want)
        return same(got, want, exact_zero=self.exact_zero, slack=slack)

    def _run(self, fn: Callable, case: Case) -> object:
        """Call the learner's function on a case, which is a copy; a hook for subclasses."""
        return fn(*case.args)

    def _given(self, case: Case) -> tuple:
        """Return the arguments of a case's call."""
        return case.args

    def _call(self, case: Case) -> str:
        """Write a case as the call it makes, with the names of its arguments."""
        names = parameters(self.solution)
        shown = ", ".join(f"{name}={show(arg)}" for name, arg in zip(names, case.args, strict=False))
        return f"{self.name}({shown})"

    def _form(self, result: object, wanted: object) -> list[str]:
        """Say what is wrong with a result's form or parts, where no misconception explains it."""
        return form(result, wanted)

    def _judge(self, outcomes: tuple[Outcome, ...]) -> Verdict:
        wanted = [plain(value) for value in self.outputs({})]
        results = [self.tidy(outcome.value) for outcome in outcomes]
        marks = [
            outcome.kind == "value"
            and (self.may_change or not outcome.changed)
            and self._same(got, want, index)
            for index, (outcome, got, want) in enumerate(zip(outcomes, results, wanted, strict=True))
        ]
        share = sum(marks) / len(marks)
        if all(marks):
            return Verdict(True, 1.0, self._praised())
        message = self._hindrance(outcomes, wanted)
        if message:
            return Verdict(
                False, share, "\n".join([*(marked(self.cases, marks) if any(marks) else []), message])
            )
        text = self._feedback(results, wanted, marks)
        read = "".join(text.split())
        names = tuple(m.name for m in self.misconceptions if "".join(m.message.split()) in read)
        return Verdict(False, share, text, names)

    def _praised(self) -> str:
        """Return the text for a right answer."""
        return "\n".join(
            [*marked(self.cases, [True] * len(self.cases)), f"{self.name}: right. {self.praise}"]
        )

    def _hindrance(self, outcomes, wanted) -> str | None:
        """Return what keeps the results from being compared at all, if anything does."""
        for outcome in outcomes:
            if outcome.kind != "value":
                return outcome.said
            if outcome.value is None and all(want is not None for want in wanted):
                return f"✗ {self.name} returned None. Does the function end with `return`?"
            if outcome.changed and not self.may_change:
                return (
                    f"✗ {self.name} changed its own arguments ({', '.join(outcome.changed)}). Work on a "
                    "copy: the caller still needs them."
                )
        return None

    def _feedback(self, results: list, wanted: list, marks: list[bool]) -> str:
        """Say which cases are right, show the first wrong one, and name the likely misconception."""
        first = marks.index(False)
        case = self.cases[first]
        again = f" (check.seed({case.seed}) draws it again)" if isinstance(case, DrawnCase) else ""
        lines = [
            *marked(self.cases, marks),
            f"  First difference, {case.label}{again}: {self._call(case)}",
            f"    expected {show(wanted[first])}",
            f"    received {show(results[first])}",
        ]
        said = self._reasons(results) or self._findings(results, wanted, marks)
        return "\n".join([*lines, *(textwrap.fill(f"→ {message}", 100) for message in said)])

    def _reasons(self, results: list) -> list[str]:
        """Return the messages of the misconceptions that fit; a guess is called one."""
        found = self.diagnose(results)
        said = [m.message for m in found]
        if len(found) > 1 and self._reproduces(found[:1], results):
            return ["Each of these would give just these results, so take them as guesses:", *said]
        if len(found) == 2 and self._reproduces(found, results):
            return ["Two things at once would give just these results:", *said]
        return said

    def _findings(self, results: list, wanted: list, marks: list[bool]) -> list[str]:
        """Return what can be computed of the difference; a hook for subclasses."""
        first = marks.index(False)
        form_said = self._form(results[first], wanted[first])
        try:
            return findings.explain(self, results, wanted, marks, form_said)
        except Exception:  # a result that no finding was made for gets its numbers, and no traceback of ours
            return [*form_said, findings.UNKNOWN]
