"""What a search tries: as many trials for every method as for none, over learning rate and strength.

The trials are the points of a lattice, not random ones: learning rates at even distances on a logarithmic
scale, strengths in steps of the golden ratio. Twelve random points leave a fifth of a range without any; here
both are covered evenly by any number of points, and every method, and none, is tried at the same learning
rates, so that none of them is luckier in what was drawn.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from labcode._checks import check_integer, expect
from labcode.experiments.methods import METHODS, check_strength
from labcode.search.space import Range

GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Trial:
    """One setting that is tried.

    Attributes:
        learning_rate: of the optimizer.
        strength: of the method, factor of a combination; None without regularization.
        methods: strength by method; empty without regularization.
    """

    learning_rate: float
    strength: float | None
    methods: Mapping[str, float]


@dataclass(frozen=True)
class Choice:
    """What was chosen for one label and variant.

    Attributes:
        number: of the trial.
        trial: the trial itself.
        validation: mean validation loss of each trial, infinite where a run failed.
        edge: what was chosen at an end of what was tried: "learning rate", "weakest", "strongest".
    """

    number: int
    trial: Trial
    validation: tuple[float, ...]
    edge: tuple[str, ...]


def lattice(trials: int) -> list[tuple[float, float]]:
    """Return points in the unit square, (place of the learning rate, place of the strength) each.

    >>> [(round(u, 3), round(v, 3)) for u, v in lattice(3)]
    [(0.167, 0.5), (0.5, 0.118), (0.833, 0.736)]
    """
    trials = check_integer("trials", trials, low=1)
    return [((k + 0.5) / trials, (0.5 + k * GOLDEN) % 1) for k in range(trials)]


def place_in_range(method: str | None, low: float, high: float, share: float) -> float:
    """Return the strength a share of the way from one end of a range to the other.

    The scale is logarithmic; of a rate it is that of its odds, p / (1 - p), so that 0.9 to 0.95 is as far as
    0.1 to 0.05.

    Args:
        method: its name; None for the factor of a combination, or a learning rate.
        low, high: the ends.
        share: in [0, 1].
    """
    if method is None or METHODS[method].kind != "rate":
        return Range(low, high, log=True).at(share)
    odds = Range(low / (1 - low), high / (1 - high), log=True).at(share)
    return odds / (1 + odds)


def choose_trial(
    trials: Sequence[Trial], losses: np.ndarray, none: np.ndarray, *, more_is_weaker: bool = False
) -> Choice:
    """Choose the trial with the lowest mean validation loss.

    Args:
        trials: what was tried.
        losses: validation losses, (trials, seeds), infinite where a run failed.
        none: those of the best trial without regularization, (seeds,): the weakest strength is an edge only
            if it is better than these by more than one standard error.
        more_is_weaker: whether a larger number regularizes less, as for a limit.

    Raises:
        ValueError: a run of every trial failed.
    """
    means = losses.mean(axis=1)
    best = int(np.argmin(means))
    expect(np.isfinite(means[best]), "trials", "one at which all runs stay finite", len(trials))
    rates = [trial.learning_rate for trial in trials]
    edge = ["learning rate"] if len(trials) > 1 and rates[best] in (min(rates), max(rates)) else []
    strength = trials[best].strength
    if strength is not None and len(trials) > 1:
        weakest_first = sorted((t.strength for t in trials if t.strength is not None), reverse=more_is_weaker)
        better = none - losses[best]
        error = better.std(ddof=1) / np.sqrt(len(none)) if len(none) > 1 else 0.0
        edge += ["strongest"] if strength == weakest_first[-1] else []
        edge += ["weakest"] if strength == weakest_first[0] and better.mean() > error else []
    return Choice(best, trials[best], tuple(means.tolist()), tuple(edge))


def check_range(name: str, ends: Any, method: str | None = None) -> tuple[float, float]:
    """Return the two ends of a range of strengths, factors or learning rates.

    Raises:
        ValueError: no two numbers in ascending order, or an end that is no strength of the method.
    """
    fits = isinstance(ends, list) and len(ends) == 2
    expect(fits, name, "two numbers, the ends of a range", ends)
    if method is not None:
        ends = [check_strength(method, end) for end in ends]
    low, high = ends
    found = Range(low, high, log=True)
    return found.low, found.high
