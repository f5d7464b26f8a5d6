"""A checker for functions that draw random numbers or drive a training run: what the call changes, too."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from labcode.check.core import Case, Checker, Odd
from labcode.check.core.compare import same
from labcode.check.core.show import show
from labcode.check.core.values import plain


class Seed(int):
    """A case's stand-in for a random generator, shown as the call that makes it."""

    def __repr__(self) -> str:
        return f"np.random.default_rng({int(self)})"


@dataclass(frozen=True)
class StatefulChecker(Checker):
    """Checks a function by what can be said of its result, with arguments made anew for each call.

    Args:
        arrange: turns a case's arguments into those of the call, such as a seed into a generator.
        summarize: turns the result and those arguments into what is compared, in words and numbers.
    """

    arrange: Callable[..., tuple]
    summarize: Callable[[object, tuple], object]

    def outputs(self, switches: Mapping[str, object]) -> list:
        """Return the summary of the solution's result for each case, the given mistakes switched on."""
        return [self._summary(self.solution, case.args, switches) for case in self.cases]

    def _run(self, fn: Callable, case: Case) -> object:
        return self._summary(fn, case.args, {})

    def _given(self, case: Case) -> tuple:
        return self.arrange(*case.args)

    def _form(self, result: object, wanted: object) -> list[str]:
        """Say which facts are not as they should be; the summary's form is not the learner's."""
        if not isinstance(wanted, dict) or not isinstance(result, dict):
            return [result.said if isinstance(result, Odd) else f"What came back is {result}."]
        wrong = [key for key in wanted if key not in result or not same(result[key], wanted[key])]
        return [
            f"{key}: {show(wanted[key])} is expected; it is {show(result.get(key))}." for key in wrong[:3]
        ]

    def _findings(self, results: list, wanted: list, marks: list[bool]) -> list[str]:
        first = marks.index(False)
        return self._form(results[first], wanted[first])

    def _summary(self, fn: Callable, args: tuple, switches: Mapping[str, object]) -> object:
        given = self.arrange(*args)
        result = fn(*given, **switches)
        if result is None:
            return None
        try:
            return self.summarize(result, given)
        except Exception:
            return Odd("unreadable", f"{show(plain(result))} came back, which is not what the task asks for.")
