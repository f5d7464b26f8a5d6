"""Checkers of exercise 9, reading curves: six unknown runs, a rule of thumb, the size of a validation set."""

import math
import textwrap

import numpy as np

from labcode.check import random_cases_practice
from labcode.check.core import Case, Checker, Misconception
from labcode.check.exercise_09_fair import fair_comparison, three_leaks
from labcode.check.random_cases import drawn
from labcode.training.diagnose import CASES

RUNS = {
    "A": "shift",
    "B": "overfit",
    "C": "dropout left on",
    "D": "underfit",
    "E": "leak",
    "F": "learning rate too high",
}
_MISREAD = {
    "A": {
        "overfit": (
            "A looks like one. But the baseline, which is too simple to overfit, has a validation "
            "loss several times its training loss. So the DATA differ, whatever the model does."
        ),
        "underfit": (
            "A learns its training data well. Its trouble is that the validation data are of another "
            "kind: compare the two losses of the baseline."
        ),
        "small validation set": (
            "A has hundreds of validation samples, and its baseline is far from the training data on "
            "them. That is no chance: compare the two losses of the baseline."
        ),
    },
    "B": {
        "healthy": (
            "B was best long ago: its validation loss has climbed since, while the training loss went"
            " on falling."
        ),
        "shift": (
            "B's two curves begin together and part later; data that differ show from the first epoch"
            " on. And the baseline's gap is small beside that of the model."
        ),
        "learning rate too high": (
            "B's training loss falls smoothly. A rate that is too high makes the TRAINING loss jump; "
            "here only the validation loss rises."
        ),
    },
    "C": {
        "learning rate too high": (
            "C's curves jump, but so does the same model when it is evaluated again: three "
            "evaluations, three losses. Something is drawn at random in evaluation."
        ),
        "small validation set": (
            "C's evaluations of one model on the same samples differ. With few samples a loss is "
            "inexact, but it is the same each time."
        ),
        "healthy": (
            "C gives another loss at each evaluation of one and the same model. A model in evaluation"
            " has nothing left to draw."
        ),
    },
    "D": {
        "healthy": (
            "D has no gap because it has learnt little: its training loss is no better than that of "
            "the baseline. Closeness of the curves is no merit by itself."
        ),
        "overfit": (
            "D fits its training data no better than a simple baseline. What has not been learnt by "
            "heart is no overfit."
        ),
        "learning rate too high": (
            "D's training loss falls smoothly, without jumps. It is high because the model has not "
            "fitted more yet, or cannot."
        ),
    },
    "E": {
        "healthy": (
            "E looks too good: compare its validation loss with that on fresh data. What the "
            "validation data promise does not hold elsewhere."
        ),
        "overfit": (
            "E's validation loss does not rise; it follows the training loss down. An overfit shows "
            "on validation data. Here only FRESH data show that something is wrong."
        ),
        "shift": (
            "E's baseline does equally well on training and validation data, and the model, too. The "
            "validation data are not too different; they are too much alike."
        ),
    },
    "F": {
        "overfit": (
            "F's TRAINING loss jumps and ends above its own best. Whoever overfits gets better and "
            "better on the training data."
        ),
        "underfit": (
            "F could do better, and did: its training loss jumps up and down instead of staying high."
            " Its steps are too long."
        ),
        "dropout left on": (
            "F's evaluations of one model agree in all digits, so nothing is drawn in evaluation. The"
            " jumps are there in the weights."
        ),
    },
}
_HINTS = {
    "A": "A: what do the two losses of the baseline say about the data?",
    "B": "B: where was the validation loss lowest, and what has the training loss done since?",
    "C": "C: compare the three evaluations of the same model.",
    "D": "D: compare the training loss with the baseline's training loss.",
    "E": "E: compare the validation loss with the loss on fresh data.",
    "F": "F: look at the training loss alone. Does it fall?",
}


def _read(labels, *, misread=()):
    """The name of the fault behind each run."""
    return {label: RUNS[label] for label in labels} | dict(misread)


class _RunsChecker(Checker):
    """Says for each misread run why it is not that, any number of them, and does not show the answer."""

    def _feedback(self, results, wanted, marks):
        said = results[0]
        if not isinstance(said, dict) or set(said) != set(wanted[0]):
            return f"✗ return a dictionary with the keys {', '.join(wanted[0])}, and a name for each."
        unknown = sorted({str(name) for name in said.values()} - set(CASES))
        if unknown:
            return f"✗ no such case: {', '.join(unknown)}. The names are {', '.join(CASES)}."
        wrong = [label for label, name in wanted[0].items() if said[label] != name]
        reasons = [_MISREAD[label].get(said[label], _HINTS[label]) for label in wrong]
        lines = [f"✗ {len(wrong)} of the {len(said)} runs are misread."]
        return "\n".join([*lines, *(textwrap.fill(f"→ {reason}", 100) for reason in reasons)])

    def diagnose(self, results):
        said = set(results[0].items()) if isinstance(results[0], dict) else set()
        return tuple(m for m in self.misconceptions if set(m.switches["misread"]) <= said)

    def tidy(self, value):
        """Return the names in small letters under the labels in capitals; what is no dictionary as it is."""
        if not isinstance(value, dict):
            return value
        return {str(key).strip().upper(): str(name).strip().lower() for key, name in value.items()}


read_runs = _RunsChecker(
    name="read_runs",
    solution=_read,
    cases=(Case("the six runs", ("ABCDEF",)),),
    misconceptions=tuple(
        Misconception(f"{label} taken for {name}", {"misread": ((label, name),)}, text)
        for label, by_name in _MISREAD.items()
        for name, text in by_name.items()
    ),
    praise="Each reading rests on one comparison that the curves alone do not show.",
)


def _rule(
    train, validation, baseline, *, reference="lowest", absolute=False, by="train", first=False, any_gap=False
):
    """overfit, underfit or healthy, by two comparisons in this order."""
    start = {"lowest": min(validation), "first": validation[0], "before": validation[-2:][0]}[reference]
    if any_gap:
        start = train[-1]
    rises = validation[-1] > (start + 0.1 if absolute else 1.1 * start)
    fits = (train if by == "train" else validation)[-1] <= baseline
    if first and not fits:
        return "underfit"
    if rises:
        return "overfit"
    return "healthy" if fits else "underfit"


rule_of_thumb = Checker(
    name="rule_of_thumb",
    solution=_rule,
    cases=(
        Case("a rise after the best epoch", ([1.0, 0.5, 0.2, 0.1], [1.1, 0.7, 0.8, 0.9], 0.6)),
        Case("a gap that does not grow", ([1.0, 0.5, 0.4, 0.35], [1.1, 0.7, 0.62, 0.6], 0.5)),
        Case("a small rise", ([1.0, 0.5, 0.4, 0.3], [1.1, 0.7, 0.66, 0.7], 0.5)),
        Case("losses on another scale", ([30.0, 20.0, 10.0], [31.0, 22.0, 23.0], 15.0)),
        Case("small losses", ([0.2, 0.05, 0.02], [0.2, 0.06, 0.09], 0.05)),
        Case("no better than the baseline", ([1.0, 0.9, 0.85], [1.0, 0.92, 0.9], 0.8)),
        Case("as good as the baseline, in training", ([1.0, 0.8, 0.7], [1.0, 0.9, 0.85], 0.75)),
        Case("a rise without a fit", ([1.0, 0.9, 0.88], [1.0, 0.95, 1.3], 0.8)),
        Case("exactly 10 % above the lowest", ([30.0, 20.0, 10.0], [31.0, 3.8, 4.18], 15.0)),
        Case("10.5 % above the lowest", ([300.0, 200.0, 100.0], [310.0, 100.0, 110.5], 150.0)),
        Case("9.5 % above the lowest", ([300.0, 200.0, 100.0], [310.0, 100.0, 109.5], 150.0)),
        Case("just as good as the baseline", ([1.0, 0.75, 0.5], [1.0, 0.9, 0.85], 0.5)),
        Case("better than the baseline, but not at last", ([1.0, 0.4, 0.6], [1.0, 0.9, 0.85], 0.5)),
        Case("one epoch", ([0.5], [0.6], 0.75)),
        Case("slowly, over many epochs", ([1.0, 0.5, 0.4, 0.3, 0.2], [0.9, 0.6, 0.63, 0.66, 0.69], 0.5)),
        *drawn(random_cases_practice.rule_of_thumb, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "every gap an overfit",
            {"any_gap": True},
            "You compare the last validation loss with the last TRAINING loss. Nearly every model has a gap. "
            "The question here is whether training longer has made it worse on validation data.",
        ),
        Misconception(
            "compared with the start",
            {"reference": "first"},
            "You compare the end with the first epoch. In between the loss was lower: compare with the "
            "LOWEST validation loss.",
        ),
        Misconception(
            "compared with the epoch before",
            {"reference": "before"},
            "You compare the last epoch with the one before. A rise is slow: compare with the lowest loss.",
        ),
        Misconception(
            "an absolute margin",
            {"absolute": True},
            "Your margin is 0.1 of the loss's unit. 10 % was asked for: losses have no common scale.",
        ),
        Misconception(
            "validation against the baseline",
            {"by": "validation"},
            "You ask whether the VALIDATION loss beats the baseline. Underfit means that the model does not "
            "even fit what it was trained on: compare the training loss.",
        ),
        Misconception(
            "underfit first",
            {"first": True},
            "You test for underfit first. The rule asks about the rise first; both can be true.",
        ),
    ),
    praise="Two comparisons, and each has its own reference.",
    draw=random_cases_practice.rule_of_thumb,
)


def _samples(losses, margin, *, z=1.96, power=2, half=1.0, of="std", biased=False):
    """ceil((1.96 s / margin)^2)."""
    losses = np.asarray(losses, dtype=float)
    spread = losses.std(ddof=0 if biased else 1)
    if of == "error":
        spread = spread / math.sqrt(len(losses))
    if of == "variance":
        spread = spread**2
    return math.ceil((z * spread / (half * margin)) ** power)


_LOSSES = np.array([0.2, 0.9, 0.4, 1.7, 0.1, 0.6, 2.4, 0.3])

samples_needed = Checker(
    name="samples_needed",
    solution=_samples,
    cases=(
        Case("a margin of 0.1", (_LOSSES, 0.1)),
        Case("half of that margin", (_LOSSES, 0.05)),
        Case("four times the losses", (4 * _LOSSES, 0.1)),
        *drawn(random_cases_practice.samples_needed, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "not squared",
            {"power": 1},
            "The error falls with the ROOT of the number of samples. For half the margin it takes four times "
            "as many: square the quotient.",
        ),
        Misconception(
            "the standard error taken as the spread",
            {"of": "error"},
            "You start from the standard error of these samples, which is divided by their root already. The "
            "formula needs the standard deviation of single losses.",
        ),
        Misconception(
            "the variance taken as the spread",
            {"of": "variance"},
            "You use the variance where the standard deviation belongs: its unit is the loss squared.",
        ),
        Misconception(
            "one standard error",
            {"z": 1.0},
            "You ask for one standard error. A 95 % interval reaches 1.96 of them to each side.",
        ),
        Misconception(
            "two for 1.96",
            {"z": 2.0},
            "You take 2 standard errors, a round figure for the 1.96 of a 95 % interval. Here it is 1.96.",
        ),
        Misconception(
            "the margin taken as the whole width",
            {"half": 0.5},
            "You take the margin for the whole width of the interval. It is the distance to ONE side.",
        ),
        Misconception(
            "the spread around the known mean",
            {"biased": True},
            "np.std divides by n unless told otherwise. From a sample use ddof=1.",
        ),
    ),
    praise="Precision is bought with the square of the samples.",
    draw=random_cases_practice.samples_needed,
)


CHECKERS = (read_runs, rule_of_thumb, samples_needed, fair_comparison, three_leaks)
