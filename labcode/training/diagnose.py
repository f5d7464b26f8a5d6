"""What is wrong with a training run? Eight cases, told apart by its curves and by four cheap checks.

The rules are simple on purpose, and each is one comparison with one limit. A difference between two sets of
data is no reason where its standard error leaves open whether there is one. The limits were set on runs with
planted faults on two tasks; how often the rules err on others is counted in
``evidence/results/09_diagnosis.json``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from labcode._checks import check_instance, check_integer, check_number, check_one_of, expect
from labcode.training.history import History

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

TINY = 1e-9  # in the place of a loss of 0, so that quotients stay finite

LIMITS = {
    "spread": 1e-5,
    "leak": 0.75,
    "shift": 0.7,
    "jumps": 0.5,
    "rise": 0.15,
    "gap": 0.95,
    "fit": 1.0,
    "progress": 0.12,
}
"""The limit of each measure, beyond which its rule holds; see :func:`measures`."""

FEWEST = 30  # validation samples
SURE = 2.0  # standard errors above 0, the least of a difference whose error is known

CHECKS = {
    "again": "evaluate the same model on the same validation data again: does its loss change?",
    "samples": "how many validation samples are there?",
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
    fresh: float | None = None,
    errors: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Boil a run down to a few numbers without a unit.

    t and v are the training and the validation loss, k the epoch whose weights the model holds, the history's
    ``kept_epoch``; where that is not known, the best one if early stopping ended the run, else the last.

    Args:
        history, baseline, again, fresh, errors: as for :func:`diagnose`.

    Returns:
        The numbers by name.

        - "rise": v at k above the lowest v, relative to it;
        - "gap": (v - t) / v at k;
        - "jumps": how far t went up, all rises together, relative to its whole range;
        - "progress": how much of the whole fall of t came in the last eighth of a run, 0 for a run that
          early stopping ended, or that went on for longer than that after k;
        - "spread": largest minus smallest of ``again``, relative to their mean;
        - "leak": the fresh loss above v at k, relative to it;
        - "shift": the baseline's validation loss above its training loss, relative to it;
        - "fit": t at k, relative to the baseline's training loss;
        - "leak_t" and "shift_t": how many standard errors the differences behind "leak" and "shift" are.

        Those whose check was not handed over are left out.

    Raises:
        ValueError: as for :func:`diagnose`.

    Chapter 9.2.
    """
    train, validation = _curves(history)
    kept = _kept_epoch(history, len(train))
    t, v = train[kept], validation[kept]
    steps, span = np.diff(train), np.ptp(train) or 1.0
    recent = max(1, len(train) // 8)
    ended = history.stopped_epoch is not None or kept + recent < len(train)
    found = {
        "rise": v / validation.min() - 1,
        "gap": (v - t) / v,
        "jumps": steps[steps > 0].sum() / span,
        "progress": 0.0 if ended else (train[max(kept - recent, 0)] - t) / span,
    }
    if again is not None:
        losses = np.array([check_number("again", loss) for loss in _sequence("again", again, 2)])
        found["spread"] = np.ptp(losses) / losses.mean()
    errors = _errors(errors)
    if fresh is not None:
        found["leak"] = _loss("fresh", fresh) / v - 1
        found |= _t("leak_t", fresh - v, errors.get("fresh"))
    if baseline is not None:
        simple = [_loss("baseline", loss) for loss in _sequence("baseline", baseline, 2, 2)]
        found["shift"] = simple[1] / simple[0] - 1
        found["fit"] = t / simple[0]
        found |= _t("shift_t", simple[1] - simple[0], errors.get("baseline"))
    return {name: float(value) for name, value in found.items()}


def _rules(m: Mapping[str, float], samples: int | None) -> dict[str, str]:
    """Return the reason of every rule that holds, by case, the most certain case first."""

    def beyond(name):
        return m.get(name, -np.inf) > LIMITS[name] and m.get(f"{name}_t", np.inf) > SURE

    found = {}
    if beyond("spread"):
        found["dropout left on"] = (
            f"the same model on the same data gave losses that differ by {m['spread']:.1%}"
        )
    if samples is not None and samples < FEWEST:
        found["small validation set"] = f"there are only {samples} validation samples"
    if beyond("leak"):
        found["leak"] = f"on fresh data the loss is {m['leak']:.0%} higher than on validation data"
    if beyond("shift"):
        found["shift"] = (
            f"even a simple baseline has a loss {m['shift']:.0%} higher on validation than on training data"
        )
    if beyond("jumps"):
        found["learning rate too high"] = (
            f"the training loss went up, too: all rises together are {m['jumps']:.0%} of its range"
        )
    if beyond("rise"):
        found["overfit"] = f"the validation loss has risen by {m['rise']:.0%} since its best epoch"
    elif beyond("gap"):
        found["overfit"] = f"the training loss is {m['gap']:.0%} lower than the validation loss"
    if beyond("fit"):
        found["underfit"] = f"the training loss is {m['fit']:.2f} times that of a simple baseline"
    elif beyond("progress"):
        found["underfit"] = f"{m['progress']:.0%} of the fall of the training loss came at the very end"
    return found


def diagnose(
    history: History,
    *,
    baseline: Sequence[float] | None = None,
    again: Sequence[float] | None = None,
    samples: int | None = None,
    fresh: float | None = None,
    errors: Mapping[str, float] | None = None,
) -> Diagnosis:
    """Name what is probably wrong with a run, with the reasons.

    The rules are asked in the order of ``CASES``, from what a check settles to what curves suggest; the first
    that holds gives the name. A check that is not handed over is not held against the run.

    Args:
        history: what ``fit`` returned, with training and validation losses of at least 2 epochs.
        baseline: training and validation loss of a model too simple to overfit much.
        again: losses of one and the same model on the same validation data, at least 2.
        samples: how many validation samples there are.
        fresh: the model's loss on data that nobody has looked at.
        errors: standard errors of two differences, "fresh": of the fresh minus the validation loss, and
            "baseline": of the baseline's validation minus its training loss. What is known of these keeps
            chance from being called a leak or a shift; see ``labcode.experiments.standard_error.gap_error``.

    Returns:
        The diagnosis; printed, it gives its reasons.

    Raises:
        ValueError: curves that are missing or not above 0, or a check that is no loss.

    Chapter 9.2.
    """
    samples = None if samples is None else check_integer("samples", samples, low=1)
    reasons = _rules(measures(history, baseline=baseline, again=again, fresh=fresh, errors=errors), samples)
    checks = {"baseline": baseline, "again": again, "samples": samples, "fresh": fresh}
    cases = [case for case in CASES if case in reasons]
    return Diagnosis(
        case=cases[0] if cases else "healthy",
        reasons=tuple(reasons[case] for case in cases[:1]),
        also=tuple(cases[1:]),
        unchecked=tuple(question for name, question in CHECKS.items() if checks[name] is None),
    )


def _kept_epoch(history: History, epochs: int) -> int:
    if history.kept_epoch is not None:
        return history.kept_epoch
    if history.stopped_epoch is None or history.best_epoch is None:
        return epochs - 1
    return history.best_epoch


def _curves(history: History) -> tuple[np.ndarray, np.ndarray]:
    check_instance("history", history, History, "a History")
    curves = [np.array(losses, dtype=float) for losses in (history.train_loss, history.validation_loss)]
    measured = len(curves[0]) >= 2 and curves[0].shape == curves[1].shape
    expected = "training and validation losses of at least 2 epochs"
    expect(measured, "history", expected, [len(curve) for curve in curves])
    losses = all(bool(np.isfinite(curve).all()) and curve.min() >= 0 for curve in curves)
    expect(losses, "history", "finite losses of at least 0", history)
    return np.maximum(curves[0], TINY), np.maximum(curves[1], TINY)


def _errors(errors: Mapping[str, float] | None) -> dict[str, float]:
    known = {} if errors is None else errors
    check_instance("errors", known, Mapping, "standard errors by name")
    return {
        check_one_of("errors", name, ("fresh", "baseline")): check_number(f"errors, {name}", error, low=0.0)
        for name, error in known.items()
    }


def _t(name: str, difference: float, error: float | None) -> dict[str, float]:
    return {} if error is None else {name: difference / max(error, TINY)}


def _loss(name: str, value: object) -> float:
    return max(check_number(name, value, low=0.0), TINY)


def _sequence(name: str, values: Any, low: int, high: int | None = None) -> list:
    is_list = isinstance(values, Sequence | np.ndarray) and not isinstance(values, str)
    size = len(values) if is_list else 0
    fits = size >= low and (high is None or size <= high)
    expect(fits, name, f"{low} losses" if high else f"at least {low} losses", values)
    return list(values)
