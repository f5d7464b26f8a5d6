"""Checkers of exercise 9, part 1, searching: a logarithmic scale, an equal budget, a search of one's own."""

import math
from dataclasses import dataclass, field

import numpy as np

from labcode.check import random_cases_practice
from labcode.check.core import Case, Checker, Misconception
from labcode.check.random_cases import drawn
from labcode.check.sampler import SamplerChecker, even
from labcode.check.side_effects import Seed


def _log_uniform(u, low, high, *, linear=False, exponents=False, mixed=False, reversed_ends=False):
    """low * (high / low) ** u."""
    u = np.asarray(u, dtype=float)
    if linear:
        return low + u * (high - low)
    if exponents:
        return np.log10(low) + u * (np.log10(high) - np.log10(low))
    if mixed:
        return np.exp(np.log10(low) + u * (np.log10(high) - np.log10(low)))
    if reversed_ends:
        return high * (low / high) ** u
    return low * (high / low) ** u


_SHARES = np.array([0.0, 0.125, 0.25, 0.5, 1.0])

log_uniform = Checker(
    name="log_uniform",
    solution=_log_uniform,
    cases=(
        Case("four factors of ten", (_SHARES, 1e-4, 1.0)),
        Case("one factor of ten", (_SHARES, 2.0, 20.0)),
        Case("a matrix of shares", (np.array([[0.1, 0.9], [0.5, 0.3]]), 1e-5, 1e-2)),
        *drawn(random_cases_practice.log_uniform, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "linear",
            {"linear": True},
            "That is uniform on a LINEAR scale: nine tenths of all tries fall into the last factor of "
            "ten. Even shares belong to the exponents, so interpolate between the logarithms of the ends.",
        ),
        Misconception(
            "the logarithm not undone",
            {"exponents": True},
            "You return exponents, such as -2 for 0.01. Undo the logarithm: 10 ** exponent.",
        ),
        Misconception(
            "two bases",
            {"mixed": True},
            "The logarithm has the base 10 and is undone with exp, which has the base e. Use one base for "
            "both.",
        ),
        Misconception(
            "ends swapped",
            {"reversed_ends": True},
            "The ends are swapped: share 0 should give low and share 1 high.",
        ),
    ),
    praise="Each factor of ten gets the same share of the tries.",
    draw=random_cases_practice.log_uniform,
)


def _paid(losses, steps, budget, *, partly=False):
    """The lowest loss among the trials that a budget of steps has paid for."""
    spent = np.cumsum(steps)
    begun = spent - np.asarray(steps) < budget
    return np.asarray(losses, dtype=float)[begun if partly else spent <= budget]


def _compare(
    a,
    b,
    *,
    own_budget=False,
    by_trials=False,
    partly=False,
    mean=False,
    sign=1.0,
):
    """Best loss of a minus best loss of b, at the largest budget of steps that both have spent."""
    totals = [sum(steps) for _, steps in (a, b)]
    count = min(len(losses) for losses, _ in (a, b))
    found = []
    for (losses, steps), total in zip((a, b), totals, strict=True):
        budget = min(totals)
        kept = _paid(losses, steps, total if own_budget else budget, partly=partly and not own_budget)
        kept = np.asarray(losses, dtype=float)[:count] if by_trials else kept
        found.append(kept.mean() if mean else kept.min())
    return float(sign * (found[0] - found[1]))


_FULL = (np.array([0.75, 0.5, 0.625, 0.5625]), np.array([20, 20, 20, 20]))
_LONG = (np.array([0.875, 0.6875, 0.65625, 0.25, 0.375]), np.array([20, 20, 20, 40, 10]))
_PRUNED = (np.array([0.9, 0.8, 0.7, 0.65, 0.6, 0.45, 0.3]), np.array([20, 5, 5, 20, 5, 30, 20]))

compare_searches = Checker(
    name="compare_searches",
    solution=_compare,
    cases=(
        Case("the second one had more epochs", (_FULL, _LONG)),
        Case("the first one had more epochs", (_LONG, _FULL)),
        Case("many short trials against few full ones", (_PRUNED, _FULL)),
        Case("equal budgets", (_FULL, (np.array([0.6, 0.55]), np.array([40, 40])))),
        *drawn(random_cases_practice.compare_searches, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "different budgets",
            {"own_budget": True},
            "Each search is judged at its OWN budget. Whoever was allowed more epochs had more chances; "
            "compare at the largest budget that both have spent, the smaller of the two sums.",
        ),
        Misconception(
            "trials counted, not epochs",
            {"by_trials": True},
            "You cut both to the same number of TRIALS. They do not cost the same: count the epochs that "
            "were spent.",
        ),
        Misconception(
            "a trial that is only half paid",
            {"partly": True},
            "A trial is counted although the budget ran out in the middle of it. Only a trial whose last "
            "epoch is paid has its loss: cumulative steps <= budget.",
        ),
        Misconception(
            "means compared",
            {"mean": True},
            "You compare mean losses. A search is there to find ONE good setting: take the lowest loss of "
            "each.",
        ),
        Misconception(
            "sign",
            {"sign": -1.0},
            "The difference is b minus a. Asked for is a minus b: negative means that a has found the "
            "better one.",
        ),
    ),
    praise="Same currency, same amount: now the difference means something.",
    draw=random_cases_practice.compare_searches,
)


@dataclass
class _Objective:
    """Counts what it is asked, and is lowest at λ = 0.01."""

    asked: list = field(default_factory=list)

    def __call__(self, lam):
        self.asked.append(float(lam))
        return abs(math.log10(lam) + 2) + 0.25


def _search(
    objective,
    low,
    high,
    trials,
    rng,
    *,
    linear=False,
    same=False,
    last=False,
    again=False,
    worst=False,
    order=1,
    generator="given",
):
    """Try log-uniform strengths; return the best one and its loss."""
    if generator != "given":
        rng = np.random.default_rng(5) if generator == "own" else np.random
    state = rng.bit_generator.state if same else None
    tried = []
    for _ in range(trials):
        if same:
            rng.bit_generator.state = state
        share = rng.random()
        lam = float(low + share * (high - low) if linear else low * (high / low) ** share)
        tried.append((objective(lam), lam))
    loss, lam = max(tried) if worst else tried[-1] if last else min(tried)
    return (lam, objective(lam) if again else loss)[::order]


def _said(result, given):
    """What can be said of a search, whatever it has drawn."""
    objective, low, high, trials, _ = given
    pair = isinstance(result, tuple | list | np.ndarray) and len(result) == 2
    if not pair or any(isinstance(value, str) or np.ndim(value) for value in result):
        return f"no pair of two numbers: {result!r}"
    losses = [_Objective()(lam) for lam in objective.asked]
    lam, loss = (float(value) for value in result)
    shares = np.log(np.array(objective.asked) / low) / math.log(high / low)
    return {
        f"calls of the objective (budget {trials})": len(objective.asked),
        "every strength lies between low and high": bool(np.all((shares > -1e-9) & (shares < 1 + 1e-9))),
        "no strength comes twice": len(set(objective.asked)) == len(objective.asked),
        "spread evenly over the exponents": even(shares),
        "the loss is": {min(losses): "the lowest one", max(losses): "the highest one"}.get(
            loss, "another one"
        ),
        "the strength belongs to that loss": bool(lam > 0 and abs(_Objective()(lam) - loss) < 1e-9),
    }


random_search = SamplerChecker(
    name="random_search",
    solution=_search,
    numbers=lambda result, given: np.sort(given[0].asked),
    place=4,
    cases=(
        Case("sixty trials over five factors of ten", (1e-5, 1.0, 60, Seed(0))),
        Case("a hundred trials over three", (1e-3, 1.0, 100, Seed(1))),
        Case("four hundred trials over four", (1e-4, 1.0, 400, Seed(2))),
    ),
    misconceptions=(
        Misconception(
            "linear",
            {"linear": True},
            "The strengths are drawn on a LINEAR scale: hardly one of them lies in the lower half of the "
            "exponents. Use your log_uniform.",
        ),
        Misconception(
            "the same point again",
            {"same": True},
            "All strengths are the same: the generator is made anew, or set back, for each trial. Draw "
            "from the one that is handed over.",
        ),
        Misconception(
            "the last one",
            {"last": True},
            "You return the LAST trial. Keep the best one seen so far.",
        ),
        Misconception(
            "one call too many",
            {"again": True},
            "The winner is evaluated once more, so the search spends trials + 1. Keep the loss that you have "
            "seen; an equal budget means equal calls.",
        ),
        Misconception(
            "the highest loss",
            {"worst": True},
            "You keep the HIGHEST loss. A loss is better the lower it is.",
        ),
        Misconception(
            "order of the two",
            {"order": -1},
            "Your result is (loss, strength). Asked for is the strength first, then its loss.",
        ),
        Misconception(
            "a generator of its own",
            {"generator": "own"},
            "`rng` plays no part: every search tries the same strengths, whatever the seed. Draw them from "
            "`rng`, so that whoever calls decides on the seed.",
        ),
        Misconception(
            "the global generator",
            {"generator": "global"},
            "You draw from a global generator, which all programs share: the same seed tries other strengths "
            "at the next call, and whatever else draws from it gets other numbers. Draw from `rng`.",
        ),
    ),
    praise="Log scale, one generator, exactly the budget: a search that can be compared with another.",
    draw=random_cases_practice.random_search,
    draws=1,
    arrange=lambda low, high, trials, seed: (
        _Objective(),
        low,
        high,
        trials,
        np.random.default_rng(int(seed)),
    ),
    summarize=_said,
)
