"""A checker for functions that draw random numbers or drive a training run: what the call changes, too."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from labcode.check.core import Case, Checker


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
        return super()._run(lambda *args: self._summary(fn, args, {}), case)

    def _form(self, result: object, wanted: object) -> list[str]:
        """Say nothing: the summary's form is not the learner's, and its words are shown already."""
        return []

    def _summary(self, fn: Callable, args: tuple, switches: Mapping[str, object]) -> object:
        given = self.arrange(*args)
        result = fn(*given, **switches)
        return None if result is None else self.summarize(result, given)
