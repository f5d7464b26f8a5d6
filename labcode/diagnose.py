"""What is wrong with a training run? Eight cases, told apart by its curves and by four cheap checks.

The rules are simple on purpose, and each is one comparison with one limit. They were set on runs with planted
faults on two tasks; how often they err on others is counted in ``evidence/results/09_diagnosis.json``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labcode.history import History
from labcode.validate import expect, instance, number

LIMITS = {
    "spread": 1e-5,
    "precision": 0.35,
    "leak": 0.5,
    "shift": 0.35,
    "jumps": 0.5,
    "rise": 0.1,
    "gap": 0.8,
    "fit": 1.0,
    "progress": 0.1,
}
"""The limit of each measure, beyond which its rule holds; see :func:`measures`."""

CHECKS = {
    "again": "evaluate the same model on the same validation data again: does its loss change?",
    "standard_error": "how exactly is the validation loss known?",
    "fresh": "what is the loss on data that nobody has looked at?",
    "baseline": "do training and validation data differ for a model too simple to overfit?",
}


@dataclass(frozen=True)
class Diagnosis:
    """What :func:`diagnose` finds.

    Attributes:
        case: the likely case, one of ``CASES``.
        reasons: what speaks for it, in words with numbers.
        also: other cases whose rules hold as well, in their order.
        unchecked: questions that could not be asked, since no check was handed over.
    """

    case: str
    reasons: tuple[str, ...]
    also: tuple[str, ...]
    unchecked: tuple[str, ...]

    def __str__(self) -> str:
        lines = [self.case, *(f"  because {reason}" for reason in self.reasons)]
        lines += [f"  also possible: {', '.join(self.also)}"] if self.also else []
        return "\n".join(lines + [f"  not checked: {question}" for question in self.unchecked])


def measures(
    history: History,
    *,
    baseline: Sequence[float] | None = None,
    again: Sequence[float] | None = None,
    standard_error: float | None = None,
    fresh: float | None = None,
) -> dict[str, float]:
    """Boil a run down to a few numbers without a unit.

    t and v are the training and the validation loss, k the epoch whose weights the model holds: the best one
    if early stopping ended the run, else the last.

    Args:
        history, baseline, again, standard_error, fresh: as for :func:`diagnose`.

    Returns:
        - "rise": v at k above the lowest v, relative to it;
        - "gap": (v - t) / v at k;
        - "jumps": how far t went up, all rises together, relative to its whole range;
        - "progress": how much of the whole fall of t came in the last eighth of the run;
        - "spread": largest minus smallest of ``again``, relative to their mean;
        - "precision": two standard errors, relative to v at k;
        - "leak": the fresh loss above v at k, relative to it;
        - "shift": the baseline's validation loss above its training loss, relative to it;
        - "fit": t at k, relative to the baseline's training loss.

        Those whose check was not handed over are left out.

    Raises:
        ValueError: as for :func:`diagnose`.

    Chapter 9.2.
    """
    train, validation = _curves(history)
    kept = len(train) - 1 if history.stopped_epoch is None else history.best_epoch
    t, v = train[kept], validation[kept]
    steps, span = np.diff(train), np.ptp(train) or 1.0
    recent = max(1, len(train) // 8)
    found = {
        "rise": v / validation.min() - 1,
        "gap": (v - t) / v,
        "jumps": steps[steps > 0].sum() / span,
        "progress": (train[max(kept - recent, 0)] - t) / max(train[0] - t, 1e-12),
    }
    if again is not None:
        losses = np.array([number("again", loss) for loss in _sequence("again", again, 2)])
        found["spread"] = np.ptp(losses) / losses.mean()
    if standard_error is not None:
        found["precision"] = 2 * number("standard_error", standard_error, low=0.0) / v
    if fresh is not None:
        found["leak"] = _loss("fresh", fresh) / v - 1
    if baseline is not None:
        simple = [_loss("baseline", loss) for loss in _sequence("baseline", baseline, 2, 2)]
        found["shift"] = simple[1] / simple[0] - 1
        found["fit"] = t / simple[0]
    return {name: float(value) for name, value in found.items()}


def _curves(history: History) -> tuple[np.ndarray, np.ndarray]:
    instance("history", history, History, "a History")
    curves = [np.array(losses, dtype=float) for losses in (history.train_loss, history.validation_loss)]
    measured = len(curves[0]) >= 2 and curves[0].shape == curves[1].shape
    expected = "training and validation losses of at least 2 epochs"
    expect(measured, "history", expected, [len(curve) for curve in curves])
    positive = all(bool(np.isfinite(curve).all()) and curve.min() > 0 for curve in curves)
    expect(positive, "history", "finite losses above 0", history)
    return curves[0], curves[1]


def _loss(name: str, value: object) -> float:
    value = number(name, value, low=0.0)
    expect(value > 0, name, "a loss above 0", value)
    return value


def _sequence(name: str, values: object, low: int, high: int | None = None) -> list:
    is_list = isinstance(values, Sequence | np.ndarray) and not isinstance(values, str)
    size = len(values) if is_list else 0
    fits = size >= low and (high is None or size <= high)
    expect(fits, name, f"{low} losses" if high else f"at least {low} losses", values)
    return list(values)


CASES = (
    "dropout left on",
    "small validation set",
    "leak",
    "shift",
    "learning rate too high",
    "overfit",
    "underfit",
    "healthy",
)
