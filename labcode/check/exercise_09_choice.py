"""Checkers of exercise 9, part 1, choosing: the one-standard-error rule, and an estimate from outside."""

import numpy as np

from labcode.check import random_cases_practice
from labcode.check.core import Case, Checker, Misconception
from labcode.check.random_cases import drawn


def _rule(
    strengths,
    losses,
    *,
    weakest=False,
    deviation=False,
    lowest=False,
    both=False,
    strict=False,
    ddof=1,
    errors_wide=1.0,
    folds_less=0,
):
    """The strongest strength whose mean loss is at most one standard error above the lowest."""
    losses = np.asarray(losses, dtype=float)
    means, errors = losses.mean(axis=1), losses.std(axis=1, ddof=ddof)
    errors = errors if deviation else errors_wide * errors / np.sqrt(losses.shape[1] - folds_less)
    best = int(means.argmin())
    if lowest:
        return float(strengths[best])
    bound = means[best] + errors[best]
    near = means < bound if strict else means <= bound
    near = means - errors <= bound if both else near
    near[best] = True
    chosen = np.asarray(strengths, dtype=float)[near]
    return float(chosen.min() if weakest else chosen.max())


def _table(means, spreads):
    """Four folds for each strength with exactly this mean and, at ddof 1, this standard error."""
    pattern = np.array([-1.0, -1.0, 1.0, 1.0]) * np.sqrt(3)
    return np.array([mean + spread * pattern for mean, spread in zip(means, spreads, strict=True)])


_STRENGTHS = np.array([0.001, 0.01, 0.1, 1.0, 10.0])
# Mean of the lowest 0.5, standard error 0.25; the third one lies exactly on the bound.
_ON_THE_BOUND = np.array(
    [[0.625, 0.625, 0.625, 0.625], [0.0, 0.0, 1.0, 1.0], [0.75, 0.75, 0.75, 0.75], [1.5, 1.5, 1.5, 1.5]]
)
_ON_THE_BOUND[1] = [0.5 - 0.75, 0.5 + 0.25, 0.5 + 0.25, 0.5 + 0.25]

one_standard_error = Checker(
    name="one_standard_error",
    solution=_rule,
    cases=(
        Case("five strengths, four folds", (_STRENGTHS, _table([0.58, 0.5, 0.54, 0.63, 0.9], [0.1] * 5))),
        Case(
            "unequal errors",
            (_STRENGTHS, _table([0.52, 0.51, 0.5, 0.55, 0.56], [0.01, 0.01, 0.04, 0.2, 0.01])),
        ),
        Case("a loss exactly on the bound", (_STRENGTHS[:4], _ON_THE_BOUND)),
        Case(
            "strengths in another order",
            (_STRENGTHS[::-1], _table([0.9, 0.63, 0.585, 0.5, 0.58], [0.1] * 5)),
        ),
        Case("a narrow margin", (_STRENGTHS, _table([0.6, 0.55, 0.5, 0.545, 0.7], [0.05] * 5))),
        *drawn(random_cases_practice.one_standard_error, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "the weakest one",
            {"weakest": True},
            "Among those within one error you take the WEAKEST. The rule leans the other way: where the data "
            "cannot tell, take the simpler model, the strongest regularization.",
        ),
        Misconception(
            "standard deviation",
            {"deviation": True},
            "The margin is the standard DEVIATION of the folds. The error of a mean is smaller: divide by "
            "the root of the number of folds.",
        ),
        Misconception(
            "two standard errors",
            {"errors_wide": 2.0},
            "The margin is TWO standard errors wide. The rule allows one.",
        ),
        Misconception(
            "root of the folds less one",
            {"folds_less": 1},
            "You divide by the root of the number of folds MINUS 1. The 1 is taken off inside the standard "
            "deviation already (ddof=1); the error of a mean has the root of the number itself.",
        ),
        Misconception(
            "no rule",
            {"lowest": True},
            "You return the strength with the lowest mean. That is where the rule begins: now look for the "
            "strongest one whose mean is within one standard error of it.",
        ),
        Misconception(
            "the other one's error",
            {"both": True},
            "You also subtract the error of the other strengths, so the margin is about twice as wide. "
            "Compare their MEANS with lowest mean + its error.",
        ),
        Misconception(
            "bound left out",
            {"strict": True},
            "A mean exactly on the bound is left out. 'Within one standard error' includes it: <=.",
        ),
        Misconception(
            "divided by n",
            {"ddof": 0},
            "The standard deviation is divided by n. From a few folds use ddof=1.",
        ),
    ),
    praise="As simple as the data allow.",
    draw=random_cases_practice.one_standard_error,
)


def _nested(
    validation,
    fresh,
    *,
    reported="fresh",
    chosen_on="validation",
    together=False,
    sign=1.0,
    last_split=False,
    all_rows=False,
):
    """Mean fresh loss of each split's own winner, and that minus the winner's mean validation loss."""
    tables = {"validation": np.asarray(validation, dtype=float), "fresh": np.asarray(fresh, dtype=float)}
    chooses = tables[chosen_on]
    places = np.full(len(chooses), chooses.mean(axis=0).argmin()) if together else chooses.argmin(axis=1)
    rows = np.arange(len(chooses))
    rows = slice(None) if all_rows else rows
    scores = {name: table[rows, places] for name, table in tables.items()}
    optimism = sign * (scores["fresh"].mean() - scores["validation"].mean())
    estimate = scores[reported][-1] if last_split else scores[reported].mean()
    return float(estimate), float(optimism)


def _losses(seed, splits, settings):
    """Losses of equally good settings: validation and fresh, (splits, settings)."""
    rng = np.random.default_rng(seed)
    return tuple(np.round(0.5 + 0.1 * rng.normal(size=(splits, settings)), 3) for _ in range(2))


nested_estimate = Checker(
    name="nested_estimate",
    solution=_nested,
    cases=(
        Case("five splits, four settings", _losses(0, 5, 4)),
        Case("ten splits, twenty settings", _losses(1, 10, 20)),
        Case("three splits, two settings", _losses(2, 3, 2)),
        *drawn(random_cases_practice.nested_estimate, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "the winner's own score",
            {"reported": "validation"},
            "Your estimate is the winner's VALIDATION loss. It was chosen for being low, luck included; "
            "report what the winner scores on data that did not choose it.",
        ),
        Misconception(
            "fresh data in the choice",
            {"chosen_on": "fresh"},
            "The setting is chosen by its FRESH loss. Then these data are no longer fresh, and nothing is "
            "left to measure with. Choose by validation alone.",
        ),
        Misconception(
            "one choice for all splits",
            {"together": True},
            "You choose ONE setting by its mean over all splits. Then every split has helped to choose "
            "what it measures. Nested means: each split makes its own choice.",
        ),
        Misconception(
            "sign of the optimism",
            {"sign": -1.0},
            "The optimism has the wrong sign: fresh minus validation, positive where the validation loss "
            "promised too much.",
        ),
        Misconception(
            "every winner in every split",
            {"all_rows": True},
            "`table[:, winners]` takes every split's winner from EVERY split. From row i take its "
            "own winner's entry: table[np.arange(len(table)), winners].",
        ),
        Misconception(
            "one split only",
            {"last_split": True},
            "The estimate is that of the last split only. Take the mean over all splits.",
        ),
    ),
    praise="That is what the whole procedure, its choice included, can be expected to score.",
    draw=random_cases_practice.nested_estimate,
)
