"""Checkers of exercise 4: the soft threshold, the conditions of optimality, the proximal step."""

import numpy as np

from labcode.check import random_cases
from labcode.check.core import Case, Checker, Misconception
from labcode.check.exercise_04_decay import adamw_step, ridge_shares, same_strengths
from labcode.check.exercise_04_noise import dropout_passes, dropout_penalty
from labcode.check.random_cases import drawn


def _threshold(w, threshold, *, hard=False, crosses=False, sign=True, one_sided=False, clipped=False):
    """sign(w) * max(|w| - threshold, 0)."""
    w = np.asarray(w, dtype=float)
    if clipped:
        return np.clip(w, -threshold, threshold)
    if hard:
        return w * (np.abs(w) > threshold)
    if one_sided:
        return np.maximum(w - threshold, 0.0)
    left = np.abs(w) - threshold
    return (np.sign(w) if sign else 1.0) * (left if crosses else np.maximum(left, 0.0))


soft_threshold = Checker(
    name="soft_threshold",
    solution=_threshold,
    cases=(
        Case("weights on both sides of zero", (np.array([3.0, -2.0, 0.25, -0.5]), 1.0)),
        Case("a weight exactly at the threshold", (np.array([0.5, -0.5, 0.75]), 0.5)),
        Case("a matrix", (np.array([[1.0, -4.0], [0.0, 2.5]]), 2.0)),
        Case("threshold 0 changes nothing", (np.array([1.0, -0.25]), 0.0)),
        *drawn(random_cases.soft_threshold, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "hard threshold",
            {"hard": True},
            "Small weights are set to zero, but the large ones are left as they are. That is a HARD "
            "threshold: it jumps. L1 takes the threshold from every weight that has it: 3 becomes 2.",
        ),
        Misconception(
            "crosses zero",
            {"crosses": True},
            "Small weights come out on the other side of zero: |w| - threshold is negative for them. They "
            "must stop AT zero, so take the maximum of that and 0.",
        ),
        Misconception(
            "sign lost",
            {"sign": False},
            "Negative weights have become positive: the sign is lost with the absolute value. Multiply by "
            "np.sign(w).",
        ),
        Misconception(
            "one side only",
            {"one_sided": True},
            "Every negative weight became 0. max(w - threshold, 0) is right for positive weights only; zero "
            "has two sides.",
        ),
        Misconception(
            "what is cut off",
            {"clipped": True},
            "You return what the threshold takes AWAY, the weight clipped to plus or minus the threshold. "
            "What is left is w minus that.",
        ),
    ),
    praise="The same line is the proximal step of L1, and the heart of coordinate descent.",
    draw=random_cases.soft_threshold,
    exact_zero=True,
)


def _violation(
    w, grad, lam, *, interval=True, sign=1.0, zeros_fine=False, all_zero=False, signed=False, side=0
):
    """The distance of each weight from its condition: 0 at the minimum of loss + lam * sum |w|."""
    w, grad = np.asarray(w, dtype=float), np.asarray(grad, dtype=float)
    at_zero = np.maximum(np.abs(grad) - lam, 0.0)
    at_zero = np.maximum(side * grad - lam, 0.0) if side else at_zero
    elsewhere = grad + sign * lam * np.sign(w)
    elsewhere = elsewhere if signed else np.abs(elsewhere)
    if all_zero:
        return at_zero
    if zeros_fine:
        at_zero = np.zeros_like(at_zero)
    return np.where(w == 0, at_zero, elsewhere) if interval else elsewhere


lasso_violation = Checker(
    name="lasso_violation",
    solution=_violation,
    cases=(
        Case("zeros inside and outside the interval", (np.zeros(3), np.array([0.5, -1.5, 1.0]), 1.0)),
        Case("kept weights in balance", (np.array([2.0, -3.0]), np.array([-1.0, 1.0]), 1.0)),
        Case("kept weights out of balance", (np.array([2.0, -3.0, 0.5]), np.array([-0.25, 0.5, -1.5]), 0.75)),
        Case("all kinds together", (np.array([1.0, 0.0, 0.0]), np.array([0.5, 0.25, -2.0]), 0.5)),
        *drawn(random_cases.lasso_violation, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "no interval at zero",
            {"interval": False},
            "At w = 0 you take the subgradient to be 0, because sign(0) = 0. There the penalty offers every "
            "slope from -lam to lam, and it takes the one that helps: only the part of |grad| above lam is "
            "left over.",
        ),
        Misconception(
            "sign reversed",
            {"sign": -1.0},
            "The sign of the penalty is reversed. At a minimum the slopes of loss and penalty CANCEL: grad "
            "+ lam * sign(w) = 0.",
        ),
        Misconception(
            "a zero is always right",
            {"zeros_fine": True},
            "You count every zero weight as right. If the data pull at it harder than lam, it pays to leave "
            "zero.",
        ),
        Misconception(
            "the upper end alone",
            {"side": 1},
            "At a zero weight only a gradient above lam counts. The interval has two ends: one below -lam "
            "lies outside as well. Take |grad| - lam.",
        ),
        Misconception(
            "the lower end alone",
            {"side": -1},
            "At a zero weight only a gradient below -lam counts. The interval has two ends: one above lam "
            "lies outside as well. Take |grad| - lam.",
        ),
        Misconception(
            "interval everywhere",
            {"all_zero": True},
            "You use the interval for weights that are not zero, too. Away from zero |w| has one slope "
            "only, so grad must be exactly -lam * sign(w), not just small.",
        ),
        Misconception(
            "sign kept",
            {"signed": True},
            "Some violations are negative. A distance is asked for: take the absolute value.",
        ),
    ),
    praise="With it you can prove that a solution is one, whoever computed it.",
    draw=random_cases.lasso_violation,
)


def _step(w, grad, lr, lam, *, scaled=True, first=False, both=False, proximal=True, uphill=False):
    """A gradient step for the loss, then the soft threshold with lr * lam."""
    w, grad = np.asarray(w, dtype=float), np.asarray(grad, dtype=float)
    grad = -grad if uphill else grad
    threshold = lr * lam if scaled else lam
    if not proximal:
        return w - lr * (grad + lam * np.sign(w))
    if first:
        return _threshold(w, threshold) - lr * grad
    return _threshold(w - lr * (grad + lam * np.sign(w) if both else grad), threshold)


_W, _GRAD = np.array([1.0, -0.5, 0.125, 0.0]), np.array([0.5, 0.25, 1.0, -2.0])

proximal_step = Checker(
    name="proximal_step",
    solution=_step,
    cases=(
        Case("a step of 0.5", (_W, _GRAD, 0.5, 0.25)),
        Case("no gradient: only the penalty acts", (_W, np.zeros(4), 0.125, 2.0)),
        Case("no penalty: a plain step", (_W, _GRAD, 0.25, 0.0)),
        Case("a strong penalty", (_W, _GRAD, 0.125, 6.0)),
        *drawn(random_cases.proximal_step, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "threshold without the step size",
            {"scaled": False},
            "The threshold is lam alone. The penalty acts once per step, so it must shrink with the step: "
            "lr * lam. Else a smaller step size means a stronger penalty.",
        ),
        Misconception(
            "threshold before the step",
            {"first": True},
            "You threshold first and step afterwards: the step moves the zeros away again. First the "
            "gradient step, then the threshold.",
        ),
        Misconception(
            "penalty counted twice",
            {"both": True},
            "The penalty acts twice: its slope lam * sign(w) is in the gradient AND the threshold is "
            "applied. The gradient step is for the loss alone.",
        ),
        Misconception(
            "subgradient step",
            {"proximal": False},
            "That is the plain subgradient step, w - lr * (grad + lam * sign(w)). It jumps over zero and "
            "never stays there; use the soft threshold in place of lam * sign(w).",
        ),
        Misconception(
            "uphill",
            {"uphill": True},
            "The gradient step goes uphill: w + lr * grad. The loss falls against the gradient.",
        ),
    ),
    praise="Gradient for the loss, threshold for the penalty: that is all of proximal SGD.",
    draw=random_cases.proximal_step,
    exact_zero=True,
)

CHECKERS = (
    soft_threshold,
    ridge_shares,
    lasso_violation,
    proximal_step,
    same_strengths,
    dropout_penalty,
    adamw_step,
    dropout_passes,
)
