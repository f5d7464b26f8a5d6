"""A checker for functions that train: judged by what is measured of the run, not by digits."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from textwrap import fill

import numpy as np

from labcode.check.core import Case, Checker, Misconception, NotYet, Verdict
from labcode.check.core.collect import parameters


@contextmanager
def repeatable() -> Iterator[None]:
    """Let a block train with the same random numbers at each call, on one thread; leave all as it was.

    Models this small only lose time by sharing out their work, on a busy machine most of it.
    """
    import torch

    from labcode.training import seeded

    threads, kept = torch.get_num_threads(), random.getstate()
    torch.set_num_threads(1)
    random.seed(0)  # Keras draws its first weights from here
    try:
        with seeded(0):
            yield
    finally:
        torch.set_num_threads(threads)
        random.setstate(kept)


@dataclass(frozen=True)
class Demand:
    """What a right run has. Both texts may hold the names of facts in braces.

    Args:
        label: in words, with the figures.
        holds: tells it from the facts.
        said: what to say where it does not hold and no mistake is recognized.
    """

    label: str
    holds: Callable[[dict], bool]
    said: str


@dataclass(frozen=True, eq=False)
class TrainingFault(Misconception):
    """A typical mistake of a run: what it looks like in the facts, beside the switches that make it."""

    shows: Callable[[dict], bool] = lambda facts: False


@dataclass(frozen=True)
class TrainingChecker(Checker):
    """Trains by the learner's function and judges the facts that were measured of what came back.

    Args:
        setup: turns a case's arguments into those of the call, made anew each time.
        measure: turns the result and those arguments into facts, plain data by name.
        demands: what the facts of every case must fulfil.
    """

    setup: Callable[..., tuple]
    measure: Callable[[object, tuple], dict]
    demands: tuple[Demand, ...]

    def outputs(self, switches):
        """Return the facts of the solution's run for each case, the given mistakes switched on."""
        return [self._run(lambda *given: self.solution(*given, **switches), case) for case in self.cases]

    def diagnose(self, results):
        """Return the first mistake that shows in the facts of the first run that fails a demand."""
        failing: dict = next((facts for facts in results if not self._fulfils(facts)), {})
        faults = [m for m in self.misconceptions if isinstance(m, TrainingFault)]
        return tuple([fault for fault in faults if failing and fault.shows(failing)][:1])

    def _fulfils(self, facts: dict) -> bool:
        return all(demand.holds(facts) for demand in self.demands)

    def _given(self, case: Case) -> tuple:
        return self.setup(*case.args)

    def _call(self, case: Case) -> str:
        return f"{self.name}({', '.join(parameters(self.solution))})"

    def _run(self, fn: Callable, case: Case) -> object:
        with repeatable():
            given = self._given(case)
            result = fn(*given)
            return None if result is None else self.measure(result, given)

    def _judge(self, outcomes):
        hindrance = self._hindrance(outcomes, [0.0])
        if hindrance:
            return Verdict(False, 0.0, hindrance)
        results = [outcome.value for outcome in outcomes]
        broken = {
            demand: facts for demand in self.demands for facts in reversed(results) if not demand.holds(facts)
        }
        lines = [
            f"{'✗' if demand in broken else '✓'} {demand.label.format(**broken.get(demand, results[0]))}"
            for demand in self.demands
        ]
        if not broken:
            return Verdict(True, 1.0, "\n".join([*lines, f"{self.name}: right. {self.praise}"]))
        found = self.diagnose(results)
        facts = next(facts for facts in results if not self._fulfils(facts))
        said = [m.message.format(**facts) for m in found] or [
            demand.said.format(**facts) for demand, facts in broken.items()
        ]
        lines += [fill(f"→ {message}", 100) for message in said]
        share = 1 - len(broken) / len(self.demands)
        return Verdict(False, share, "\n".join(lines), tuple(m.name for m in found))


def days(start: int, stop: int):
    """Return these of the 717 windows to learn from Seattle's weather; they unpack into x and y."""
    from labcode.data import weather

    return weather.load().train.subset(slice(start, stop))


def loss_of(model: object, part) -> float:
    """Return a model's mean squared error on a part, measured in evaluation mode.

    Raises:
        NotYet: it is no model, or its forecasts are not finite, or not one for each window.
    """
    from torch import nn

    from labcode.training import predict

    if not isinstance(model, nn.Module):
        raise NotYet(f"✗ a PyTorch model was expected; this is of type {type(model).__name__}.")
    forecast = predict(model, part.x).numpy()
    if forecast.shape != part.y.shape:
        raise NotYet(f"✗ the model should forecast {part.y.shape} values; these are {forecast.shape}.")
    if not np.isfinite(forecast).all():
        raise NotYet("✗ the model's forecasts are not finite: its weights grew without limit.")
    return float(np.square(forecast - part.y).mean())


def parts(result: object, wanted: str) -> tuple:
    """Return what a function returned side by side, such as "model, epoch".

    Raises:
        NotYet: it is another number of things.
    """
    count = wanted.count(",") + 1
    if not isinstance(result, tuple | list) or len(result) != count:
        raise NotYet(f"✗ {count} things were expected, `return {wanted}`; this is {_form(result)}.")
    return tuple(result)


def _form(result: object) -> str:
    if isinstance(result, tuple | list):
        return f"a {type(result).__name__} of {len(result)}"
    return f"one of type {type(result).__name__}"


IN_EVALUATION_MODE = Demand(
    "the model comes in evaluation mode",
    lambda facts: not facts["training"],
    "Call model.eval() before you return it.",
)


def left_in_training_mode(switches) -> TrainingFault:
    """Return the mistake that every task here knows: a model that comes back in training mode."""
    return TrainingFault(
        "handed over in training mode",
        switches,
        "The model is still in training mode: dropout in it would give another forecast at every call. Call "
        "model.eval() before you return it.",
        shows=lambda facts: facts["training"],
    )
