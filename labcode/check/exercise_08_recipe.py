"""Checkers of exercise 8: label smoothing, and when NT-ASGD begins to average."""

import numpy as np

from labcode.check import random_cases_practice
from labcode.check.core import Case, Checker, Misconception
from labcode.check.random_cases import drawn


def _smoothed(targets, classes, epsilon, *, others=False, taken=True, full=False, swapped=False, off=False):
    """(1 - epsilon) * one-hot + epsilon / classes."""
    targets = np.asarray(targets)
    epsilon = 1 - epsilon if swapped else epsilon
    right = np.eye(classes)[targets]
    if off:
        return right
    if others:
        return (1 - epsilon) * right + epsilon / (classes - 1) * (1 - right)
    if full:
        return (1 - epsilon) * right + epsilon * (1 - right)
    if not taken:
        return right + epsilon / classes
    return (1 - epsilon) * right + epsilon / classes


smoothed_targets = Checker(
    name="smoothed_targets",
    solution=_smoothed,
    cases=(
        Case("three samples, four classes", (np.array([0, 3, 1]), 4, 0.1)),
        Case("two classes", (np.array([1, 0, 1]), 2, 0.3)),
        Case("epsilon 0: the classes themselves", (np.array([2, 0]), 3, 0.0)),
        *drawn(random_cases_practice.smoothed_targets, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "only the others",
            {"others": True},
            "You spread epsilon over the OTHER classes. In the usual form (and in torch's label_smoothing) "
            "it is spread over all, the right one included: epsilon / classes each.",
        ),
        Misconception(
            "nothing taken away",
            {"taken": False},
            "The rows add up to more than 1: you add epsilon / classes without taking epsilon from the right "
            "class first.",
        ),
        Misconception(
            "epsilon for each",
            {"full": True},
            "Every other class gets the whole epsilon. It is ONE epsilon for all classes together: divide it "
            "by their number.",
        ),
        Misconception(
            "epsilon for the right class",
            {"swapped": True},
            "epsilon is what is given AWAY; the right class keeps 1 - epsilon of its own.",
        ),
        Misconception(
            "one-hot",
            {"off": True},
            "Those are the plain targets, 0 and 1: epsilon is not used.",
        ),
    ),
    praise="The best logits are finite now: nothing pulls the model towards certainty.",
    draw=random_cases_practice.smoothed_targets,
)


def _newest(losses):
    return losses[-1]


def _start(losses, n, *, all_earlier=False, pick=min, equal=False, late=0, run=False, short=False):
    """The first t with losses[t] > min(losses[:t - n]); None if there is none."""
    losses, waited = [float(loss) for loss in losses], 0
    for t, loss in enumerate(losses):
        if run:
            waited = 0 if t == 0 or loss < min(losses[:t]) else waited + 1
            if waited == n:
                return t
            continue
        older = losses[:t] if all_earlier else losses[: max(0, t - n + short)]
        if older and (loss >= pick(older) if equal else loss > pick(older)):
            return t + late
    return None


_NOISY = np.array([5.0, 4.0, 4.5, 3.0, 3.5, 2.5, 3.2, 2.75, 2.875, 2.6])

averaging_start = Checker(
    name="averaging_start",
    solution=_start,
    cases=(
        Case("a noisy descent that ends, n = 3", (_NOISY, 3)),
        Case("the same with n = 2", (_NOISY, 2)),
        Case("one bad epoch is forgiven", (np.array([5.0, 4.0, 4.5, 3.0, 2.0, 1.0]), 2)),
        Case("falling steadily: never", (np.array([5.0, 4.0, 3.0, 2.0, 1.0]), 2)),
        Case("standing still is not rising", (np.array([3.0, 3.0, 3.0, 3.0, 3.5, 3.5]), 2)),
        Case("rising from the start", (np.array([1.0, 2.0, 3.0, 4.0, 5.0]), 3)),
        Case("up and down", (np.array([4.0, 2.0, 3.0, 2.5, 2.25, 1.5, 2.5, 2.0, 1.75]), 3)),
        *drawn(random_cases_practice.averaging_start, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "all earlier losses",
            {"all_earlier": True},
            "You compare with ALL earlier losses, so the first rise starts it. The last n are left out: that "
            'is what "non-monotone" forgives.',
        ),
        Misconception(
            "highest of the older",
            {"pick": max},
            "You compare with the highest of the older losses; so nearly every run would go on for ever. "
            "Take the lowest.",
        ),
        Misconception(
            "one loss of the past",
            {"pick": _newest},
            "You compare with ONE loss, the one just before the last n. Take the lowest of ALL older ones.",
        ),
        Misconception(
            "equal counts",
            {"equal": True},
            "You start when the loss EQUALS the lowest of the older ones. It must be higher: >.",
        ),
        Misconception(
            "one late",
            {"late": 1},
            "Your answer is one too large. Asked is the number of the loss that triggers, the first being 0.",
        ),
        Misconception(
            "patience",
            {"run": True},
            "That is the patience of early stopping: n losses in a row without a new best. NT-ASGD asks "
            "whether this ONE loss is above the lowest of those more than n back.",
        ),
        Misconception(
            "n - 1 left out",
            {"short": True},
            "You leave out n - 1 losses: the slice must end at t - n, where t is the number of this loss.",
        ),
    ),
    praise="This bookkeeping is all that is new in NT-ASGD: torch does the averaging.",
    draw=random_cases_practice.averaging_start,
)
