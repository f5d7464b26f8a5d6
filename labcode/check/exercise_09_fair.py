"""Checkers of exercise 9, comparing: a fair comparison, and the three leaks in an unfair one."""

from typing import Any

import numpy as np

from labcode.check import random_cases_practice
from labcode.check.core import Case, Checker, Misconception
from labcode.check.line_finder import LinesChecker
from labcode.check.random_cases import drawn


def _fair(
    validation,
    test,
    *,
    chosen_on="validation",
    tuned=("a", "b"),
    seed="mean",
    paired=True,
    sign=1.0,
    reported="test",
    ddof=1,
):
    """The chosen strengths, the mean difference a - b on test data and its paired standard error."""
    chosen_by = {"validation": validation, "test": test}[chosen_on]
    report = {"validation": validation, "test": test}[reported]
    reduce: Any = {"mean": np.mean, "best": np.min}[seed]
    chosen, losses = [], {}
    for name in ("a", "b"):
        table = np.asarray(chosen_by[name], dtype=float)
        index = int(np.argmin(reduce(table, axis=1))) if name in tuned else 0
        chosen.append(index)
        losses[name] = np.asarray(report[name], dtype=float)[index]
    difference = sign * (losses["a"] - losses["b"])
    n = len(difference)
    variance = difference.var(ddof=ddof)
    if not paired:
        variance = losses["a"].var(ddof=ddof) + losses["b"].var(ddof=ddof)
    return chosen[0], chosen[1], float(difference.mean()), float(np.sqrt(variance / n))


def _tables(numbers, seeds):
    """Make tables of losses, strengths by seeds, whose seeds resemble each other."""
    rng = np.random.default_rng(numbers)
    common = rng.normal(0, 0.1, seeds)
    made: list[dict] = [{}, {}]
    for name, strengths in (("a", 4), ("b", 3)):
        quality = 0.8 + 0.05 * rng.random((strengths, 1))
        for table in made:
            table[name] = np.round(quality + common + rng.normal(0, 0.05, (strengths, seeds)), 3)
    return tuple(made)


fair_comparison = Checker(
    name="fair_comparison",
    solution=_fair,
    cases=(
        Case("five seeds", _tables(0, 5)),
        Case("four seeds", _tables(1, 4)),
        Case("ten seeds", _tables(2, 10)),
        Case("six seeds", _tables(3, 6)),
        *drawn(random_cases_practice.fair_comparison, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "chosen on test data",
            {"chosen_on": "test"},
            "The strengths were chosen by the TEST losses. Then the smaller test loss is what you looked "
            "for, not what you found. Choose by validation.",
        ),
        Misconception(
            "one side untuned",
            {"tuned": ("a",)},
            "b was left at its first strength while a was tuned. Give both the same chance.",
        ),
        Misconception(
            "the luckiest seed",
            {"seed": "best"},
            "You chose the strength by its best SEED. The luckiest of many is a matter of luck; choose by "
            "the mean over seeds.",
        ),
        Misconception(
            "unpaired",
            {"paired": False},
            "The standard error treats a and b as if their seeds had nothing in common. Take the standard "
            "deviation of the DIFFERENCES, seed by seed.",
        ),
        Misconception(
            "sign",
            {"sign": -1.0},
            "The difference is b minus a. Asked for is a minus b, so that a negative number means that a is "
            "better.",
        ),
        Misconception(
            "validation losses reported",
            {"reported": "validation"},
            "You report the validation losses. They were used to choose, so that they are too low; report "
            "the test losses of the chosen strengths.",
        ),
        Misconception(
            "divided by n",
            {"ddof": 0},
            "The standard deviation is divided by n. From a few seeds use ddof=1.",
        ),
    ),
    praise="Same chance for both, a choice without test data, pairs, and an error bar.",
    draw=random_cases_practice.fair_comparison,
)

_LEAKS = {
    "B": "B is missing: mean and spread of ALL windows, test data included, scale the inputs. Take them from "
    "the training part alone.",
    "C": "C is missing: neighbouring windows share 13 of their 14 days. Shuffled, nearly every test window "
    "has its neighbours in training. Split by time.",
    "H": "H is missing: the rate with the lowest TEST loss is kept. From then on the test part is a "
    "validation part, and nothing is left to test on.",
}
_SOUND = {
    "A": "A is sound: windows are cut from the series, each with the change on its next day.",
    "D": "D is sound: both start from the same seeds, which makes pairs.",
    "E": "E is sound: early stopping watches the validation part, which is there for that.",
    "F": "F is sound: without dropout there is nothing to choose.",
    "G": "G is sound: several rates are tried. How one of them is chosen is another line.",
    "I": "I is sound: differences on the same windows and seeds are pairs.",
    "J": "J is sound: a baseline on the same windows is what a network has to beat.",
}


def _leaking(script, *, missed="", accused=""):
    """The labels of the lines through which test data reach the model or the choice."""
    return sorted((set(_LEAKS) - set(missed)) | set(accused) & set(script))


three_leaks = LinesChecker(
    name="three_leaks",
    solution=_leaking,
    cases=(Case("the script's lines", ("ABCDEFGHIJ",)),),
    misconceptions=(
        *(Misconception(f"{label} missed", {"missed": label}, text) for label, text in _LEAKS.items()),
        *(Misconception(f"{label} accused", {"accused": label}, text) for label, text in _SOUND.items()),
    ),
    praise="In the scaling, in the split and in the choice: the three usual places.",
)
