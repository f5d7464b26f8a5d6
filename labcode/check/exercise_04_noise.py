"""Checkers of exercise 4: the penalty that dropout amounts to, and predictions with dropout left on."""

import numpy as np

from labcode.check import random_cases
from labcode.check.core import Case, Checker, Misconception
from labcode.check.random_cases import drawn


def _penalty(w, x, p, *, factor=None, half=True, mean=True, of_means=False, squared=True, adapts=True):
    """p / (1 - p) / 2 * sum of w^2 times each column's mean square."""
    w, x = np.asarray(w, dtype=float), np.asarray(x, dtype=float)
    squares = np.square(x).mean(axis=0) if mean else np.square(x).sum(axis=0)
    if of_means:
        squares = np.square(x.mean(axis=0)) if mean else np.square(x.sum(axis=0))
    squares = squares if adapts else np.ones(len(w))
    strength = p / (1 - p) if factor is None else factor(p)
    return (0.5 if half else 1.0) * strength * ((w**2 if squared else np.abs(w)) * squares).sum()


_X = np.array([[1.0, -2.0], [3.0, 0.5], [0.0, 1.0]])

dropout_penalty = Checker(
    name="dropout_penalty",
    solution=_penalty,
    cases=(
        Case("p = 0.2", (np.array([1.5, -2.0]), _X, 0.2)),
        Case("p = 0.75", (np.array([0.5, 3.0]), _X, 0.75)),
        Case("one column in a larger unit", (np.array([1.0, 0.25]), _X * np.array([1.0, 10.0]), 0.4)),
        *drawn(random_cases.dropout_penalty, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "variance of an unscaled mask",
            {"factor": lambda p: p * (1 - p)},
            "The factor p(1-p) is the variance of a mask of 0 and 1. An inverted mask is divided by 1 - p, "
            "its variance by (1-p)^2: p/(1-p).",
        ),
        Misconception(
            "p taken as the probability to keep",
            {"factor": lambda p: (1 - p) / p},
            "The factor (1-p)/p belongs to a p that is the probability to KEEP. Here p is the probability "
            "to drop, and more dropping means a stronger penalty.",
        ),
        Misconception(
            "p alone",
            {"factor": lambda p: p},
            "The factor is p. The variance of an inverted mask is p/(1-p): what is kept was made larger, "
            "and varies more.",
        ),
        Misconception(
            "factor 1/2 forgotten",
            {"half": False},
            "The result is twice too large. The data term is HALF of the mean squared error, so the "
            "variance is halved, too.",
        ),
        Misconception(
            "sum over rows",
            {"mean": False},
            "You add the squares of a column up. The loss is a mean over rows, so take the mean of the "
            "squares.",
        ),
        Misconception(
            "squared mean",
            {"of_means": True},
            "You square after taking the mean over rows. Each entry has its own noise, so square first: the "
            "mean of x**2.",
        ),
        Misconception(
            "w not squared",
            {"squared": False},
            "w enters with its absolute value. A variance grows with the square of the factor: w**2.",
        ),
        Misconception(
            "plain L2",
            {"adapts": False},
            "That is plain L2: the columns are missing. The noise of an input is as large as the input "
            "itself, so each weight has a strength of its own, by its column's mean square.",
        ),
    ),
    praise="Dropout on the inputs of a linear model is, on average, this L2 penalty.",
    draw=random_cases.dropout_penalty,
)


def _passes(x, w, head, masks, *, average_first=False, off=False, variance=False, ddof=0, swap=False):
    """Mean and standard deviation over the masks of tanh((mask * x) w) head."""
    x, w, head, masks = (np.asarray(array, dtype=float) for array in (x, w, head, masks))
    if average_first:
        masks = np.repeat(masks.mean(axis=0, keepdims=True), len(masks), axis=0)
    if off:
        masks = np.ones_like(masks)
    outputs = np.array([np.tanh((mask * x) @ w) @ head for mask in masks])
    axis = 1 if swap else 0
    spread = outputs.var(axis=axis, ddof=ddof) if variance else outputs.std(axis=axis, ddof=ddof)
    return outputs.mean(axis=axis), spread


_INPUTS = np.array([[1.0, -1.0], [0.5, 2.0], [2.0, 0.0]])
_WEIGHTS = np.array([[1.0, -0.5, 0.25], [0.5, 1.5, -1.0]])
_HEAD = np.array([1.0, -2.0, 0.5])
_MASKS = np.array([[2.0, 0.0], [0.0, 2.0], [2.0, 2.0], [0.0, 0.0], [2.0, 0.0]])

dropout_passes = Checker(
    name="dropout_passes",
    solution=_passes,
    cases=(
        Case("five masks with p = 0.5", (_INPUTS, _WEIGHTS, _HEAD, _MASKS)),
        Case("two masks", (_INPUTS[:1], _WEIGHTS, _HEAD, _MASKS[:2])),
        Case("nothing dropped: no spread", (_INPUTS, _WEIGHTS, _HEAD, np.ones((4, 2)))),
        *drawn(random_cases.dropout_passes, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "masks averaged first",
            {"average_first": True},
            "You average the masks and predict once. tanh is not linear, so the mean of the predictions is "
            "not the prediction with the mean mask; and the spread is gone. Predict for each mask, then "
            "average.",
        ),
        Misconception(
            "dropout off",
            {"off": True},
            "The masks are not used: that is evaluation mode, one prediction with dropout off. Here dropout "
            "stays ON.",
        ),
        Misconception(
            "variance",
            {"variance": True},
            "The second result is the variance. The spread is its root, in the unit of the prediction.",
        ),
        Misconception(
            "n - 1",
            {"ddof": 1},
            "You divide by the number of passes minus 1. That estimates the spread of all possible masks; "
            "asked is the standard deviation of these passes, as np.std gives it.",
        ),
        Misconception(
            "over the inputs",
            {"swap": True},
            "You average over the inputs: that gives one number for each PASS. Asked is one for each input.",
        ),
    ),
    praise="The mean is a prediction. The spread says where thinned models disagree, not how wrong they are.",
    draw=random_cases.dropout_passes,
)
