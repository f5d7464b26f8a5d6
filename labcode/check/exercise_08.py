"""Checkers of exercise 8: bits and perplexity, temperature, the mean of passes; and the list of all seven."""

import math

import numpy as np

from labcode.check import random_cases_practice
from labcode.check.core import Case, Checker, Misconception
from labcode.check.exercise_08_recipe import averaging_start, smoothed_targets
from labcode.check.exercise_08_weights import activation_penalties, tied_gradient
from labcode.check.random_cases import drawn

_LN2 = float(np.log(2))


def _bits(losses, *, unit=_LN2, base=math.e, product=False, of_each=False, total=False):
    """{"bits": mean / ln 2, "perplexity": exp(mean)} of losses in nats."""
    losses = np.asarray(losses, dtype=float)
    mean = losses.sum() if total else losses.mean()
    bits = mean * unit if product else mean / unit
    perplexity = (base**losses).mean() if of_each else base**mean
    return {"bits": bits, "perplexity": perplexity}


bits_per_character = Checker(
    name="bits_per_character",
    solution=_bits,
    cases=(
        Case("a fair coin, again and again: 1 bit", (np.full(4, _LN2),)),
        Case("four characters", (np.array([0.5, 2.0, 0.0, 1.5]),)),
        Case("one certain, one very wrong", (np.array([0.0, 7.0]),)),
        *drawn(random_cases_practice.bits_per_character, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "nats",
            {"unit": 1.0},
            'Your "bits" are nats: the losses come with the natural logarithm. A bit is ln 2 of a nat, so '
            "divide by ln 2.",
        ),
        Misconception(
            "times ln 2",
            {"product": True},
            "You multiply by ln 2. A nat is MORE than a bit (1.44 bits), so the number must grow: divide.",
        ),
        Misconception(
            "base 10",
            {"unit": np.log(10)},
            "You divide by ln 10: those are decimal digits. A bit belongs to the base 2.",
        ),
        Misconception(
            "two to the nats",
            {"base": 2.0},
            "Your perplexity is 2 to the power of the loss in NATS. Either 2 to the power of the bits or e "
            "to the power of the nats: base and unit belong together.",
        ),
        Misconception(
            "mean of perplexities",
            {"of_each": True},
            "You take the mean of each character's exp(loss). One bad guess then rules everything. "
            "Perplexity is exp of the MEAN loss: first the mean, then exp.",
        ),
        Misconception(
            "sum",
            {"total": True},
            "You add the losses up. A longer text would look worse; it is a mean over the characters.",
        ),
    ),
    praise="The same number in three clothes: nats, bits, perplexity.",
    draw=random_cases_practice.bits_per_character,
)


def _temperature(logits, temperature, *, times=False, divided=None, safe=True, only=False):
    """softmax(logits / temperature) over the last axis."""
    logits = np.asarray(logits, dtype=float)
    if divided is not None:
        probabilities = _softmax(logits) / temperature
        return probabilities / probabilities.sum(axis=-1, keepdims=True) if divided else probabilities
    scaled = logits * temperature if times else logits / temperature
    if only:
        return scaled
    return _softmax(scaled, safe)


def _softmax(logits, safe=True):
    with np.errstate(over="ignore", invalid="ignore"):
        powers = np.exp(logits - logits.max(axis=-1, keepdims=True) if safe else logits)
        return powers / powers.sum(axis=-1, keepdims=True)


with_temperature = Checker(
    name="with_temperature",
    solution=_temperature,
    cases=(
        Case("temperature 1: the softmax itself", (np.array([2.0, 1.0, -1.0]), 1.0)),
        Case("temperature 0.5", (np.array([2.0, 1.0, -1.0]), 0.5)),
        Case("temperature 3, two rows", (np.array([[2.0, 1.0, -1.0], [0.0, 0.5, 3.0]]), 3.0)),
        Case("large logits, low temperature", (np.array([90.0, 100.0, 99.0]), 0.1)),
        Case("logits far apart", (np.array([[0.0, 1.0, 900.0], [-1.0, -3.0, -2.0]]), 0.25)),
        Case("rows far apart", (np.array([[0.0, 1.0, 0.5], [2000.0, 2001.0, 2000.0]]), 1.0)),
        *drawn(random_cases_practice.with_temperature, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "multiplied",
            {"times": True},
            "You multiply the logits by the temperature (or raise probabilities to its power, which is the "
            "same): hot then means sure. A HIGH temperature should make characters more alike: divide.",
        ),
        Misconception(
            "probabilities divided",
            {"divided": False},
            "You divide the PROBABILITIES by the temperature; they no longer add up to 1. Divide the logits, "
            "before the softmax.",
        ),
        Misconception(
            "divided and normalized again",
            {"divided": True},
            "You divide the probabilities and normalize again: the temperature cancels and does nothing. It "
            "belongs inside the exponential.",
        ),
        Misconception(
            "overflow",
            {"safe": False},
            "Right for small logits, but exp(1000) is infinite, and infinity by infinity is nan. Subtract "
            "the largest logit first: softmax does not change.",
        ),
        Misconception(
            "no softmax",
            {"only": True},
            "Those are still logits. The softmax is missing: exp, then divide by the sum.",
        ),
    ),
    praise="Below 1 the model writes what it is sure of; above 1 it dares more.",
    draw=random_cases_practice.with_temperature,
)


def _mixture(logits, targets, *, logs=False, averaged=False, summed=False, sign=-1.0, each=False, best=False):
    """-mean over places of log (mean over passes of p(target))."""
    logits, targets = np.asarray(logits, dtype=float), np.asarray(targets)
    places = np.arange(len(targets))
    if averaged:
        return -np.log(_softmax(logits.mean(axis=0))[places, targets]).mean()
    chances = _softmax(logits)[:, places, targets]
    if logs:
        return -np.log(chances).mean()
    pooled = chances.max(axis=0) if best else chances.sum(axis=0) if summed else chances.mean(axis=0)
    losses = sign * np.log(pooled)
    return losses if each else losses.mean()


_PASSES = np.array(
    [
        [[2.0, 0.0, -1.0], [0.5, 0.5, 0.0]],
        [[-1.0, 1.0, 0.0], [1.0, -2.0, 0.0]],
        [[0.0, 0.0, 3.0], [0.0, 1.5, -1.0]],
    ]
)

mixture_loss = Checker(
    name="mixture_loss",
    solution=_mixture,
    cases=(
        Case("three passes, two places", (_PASSES, np.array([0, 1]))),
        Case("two passes", (_PASSES[:2], np.array([2, 2]))),
        Case("one pass: its cross-entropy", (_PASSES[:1], np.array([1, 0]))),
        *drawn(random_cases_practice.mixture_loss, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "mean of the losses",
            {"logs": True},
            "You average the LOSSES of the passes: that is what a single pass costs on average. The mixture "
            "predicts with the mean probability: average first, then the logarithm.",
        ),
        Misconception(
            "mean of the logits",
            {"averaged": True},
            "You average the logits and take one softmax. That is another model (a product of the passes). "
            "MC dropout averages the probabilities.",
        ),
        Misconception(
            "sum over passes",
            {"summed": True},
            "You add the probabilities of the passes up; with many passes that is above 1. Take their mean.",
        ),
        Misconception(
            "sign",
            {"sign": 1.0},
            "The sign is missing: log p is negative, a loss is -log p.",
        ),
        Misconception(
            "one number for each place",
            {"each": True},
            "That is the loss of each place. Asked is their mean, one number.",
        ),
        Misconception(
            "the best pass",
            {"best": True},
            "You take the pass that gave the target the highest probability. That needs to know the target; "
            "a forecast does not.",
        ),
    ),
    praise="By Jensen's inequality it is never above the mean loss of the passes.",
    draw=random_cases_practice.mixture_loss,
)

CHECKERS = (
    bits_per_character,
    with_temperature,
    smoothed_targets,
    averaging_start,
    mixture_loss,
    activation_penalties,
    tied_gradient,
)
