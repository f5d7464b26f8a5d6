"""Checkers of exercise 3: a step with L2, a clipped one, the projection after it; and the list of all six."""

import numpy as np

from labcode.check import random_cases
from labcode.check.core import Case, Checker, Misconception
from labcode.check.exercise_03_masks import locked_mask, lstm_with_recurrent_dropout
from labcode.check.exercise_03_stopping import train_with_early_stopping
from labcode.check.exercise_03_training import train_with_max_norm
from labcode.check.random_cases import drawn


def _l2_step(weights, grads, lr, lam, *, factor=1.0, biases=False, inside_lr=True, downhill=True):
    """One step of gradient descent on loss + lam/2 * sum w^2, the penalty over weights alone."""
    new = {}
    for name, w in weights.items():
        decay = factor * lam * w * (biases or name.startswith("weight"))
        step = lr * grads[name] + (lr if inside_lr else 1.0) * decay
        new[name] = w - step if downhill else w + step
    return new


_WEIGHTS = {
    "weight_ih_l0": np.array([[1.0], [-2.0], [0.5], [0.0]]),
    "weight_hh_l0": np.array([[3.0], [0.0], [-1.0], [0.5]]),
    "bias_ih_l0": np.array([1.0, 2.0, 0.0, -1.0]),
    "bias_hh_l0": np.array([0.5, 0.0, 1.0, 0.0]),
}
_GRADS = {name: 0.3 * np.cos(np.arange(w.size)).reshape(w.shape) for name, w in _WEIGHTS.items()}
_NO_GRADS = {name: np.zeros_like(w) for name, w in _WEIGHTS.items()}

l2_step = Checker(
    name="l2_step",
    solution=_l2_step,
    cases=(
        Case("a gradient and no penalty", (_WEIGHTS, _GRADS, 0.1, 0.0)),
        Case("a penalty and no gradient", (_WEIGHTS, _NO_GRADS, 0.1, 0.5)),
        Case("both", (_WEIGHTS, _GRADS, 0.2, 0.5)),
        *drawn(random_cases.l2_step, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "lambda doubled",
            {"factor": 2.0},
            "The weights shrink twice too fast. The penalty here is lam/2 times the sum of squares, so its "
            "gradient is lam * w. (With Keras's l2(x), which has no 1/2, it would be 2x * w.)",
        ),
        Misconception(
            "lambda halved",
            {"factor": 0.5},
            "The weights shrink at half the speed. The 1/2 of the penalty is gone once it is "
            "differentiated: the slope of lam/2 * w^2 is lam * w.",
        ),
        Misconception(
            "wrong direction of the penalty",
            {"factor": -1.0},
            "The penalty drives the weights AWAY from zero: its sign is wrong. Its gradient, lam * w, is "
            "added to the loss's gradient, and the step goes against the sum.",
        ),
        Misconception(
            "uphill",
            {"downhill": False},
            "The whole step has the wrong sign: it climbs. Gradient descent subtracts lr times the gradient.",
        ),
        Misconception(
            "bias decayed",
            {"biases": True},
            "The biases are shrunk, too. The penalty of this course covers W and U; a bias shifts the gates "
            "and makes no function steeper. Decay only the names that start with `weight`.",
        ),
        Misconception(
            "decay without the step size",
            {"inside_lr": False},
            "The decay is not multiplied by lr: whatever the step size, the weights lose the share lam. The "
            "penalty's gradient takes the same step size as the loss's.",
        ),
    ),
    praise="So weight decay in plain gradient descent is one factor, 1 - lr * lam, on W and U.",
    draw=random_cases.l2_step,
)


def _clip_and_step(weights, grads, lr, max_norm, *, norm="global", grows=False, of="gradient"):
    """One step of gradient descent with the gradient of all weights together shortened to max_norm."""
    if of == "nothing":
        max_norm = np.inf
    if norm == "value":
        return {name: w - lr * np.clip(grads[name], -max_norm, max_norm) for name, w in weights.items()}
    norms = {name: np.sqrt(np.sum(g**2)) * (lr if of == "update" else 1.0) for name, g in grads.items()}
    if norm == "sum":
        norms = dict.fromkeys(norms, sum(norms.values()))
    elif norm == "squared":
        norms = dict.fromkeys(norms, sum(n**2 for n in norms.values()))
    elif norm == "global":
        norms = dict.fromkeys(norms, np.sqrt(sum(n**2 for n in norms.values())))
    scales = {name: max_norm / max(n, 1e-300) for name, n in norms.items()}
    if not grows or of == "nothing":
        scales = {name: min(scale, 1.0) for name, scale in scales.items()}
    return {name: w - lr * scales[name] * grads[name] for name, w in weights.items()}


_TWO = {"weight_hh_l0": np.array([[1.0, -1.0], [0.5, 2.0]]), "bias_ih_l0": np.array([0.25, -0.5])}
_LONG = {"weight_hh_l0": np.array([[3.0, 0.0], [0.0, -4.0]]), "bias_ih_l0": np.array([6.0, 8.0])}  # 5 and 10
_SHORT = {"weight_hh_l0": np.array([[0.3, 0.0], [0.0, -0.4]]), "bias_ih_l0": np.array([0.0, 0.1])}

clip_and_step = Checker(
    name="clip_and_step",
    solution=_clip_and_step,
    cases=(
        Case("a gradient that is too long", (_TWO, _LONG, 0.1, 2.0)),
        Case("one long and one short part", (_TWO, _SHORT | {"bias_ih_l0": _LONG["bias_ih_l0"]}, 0.5, 3.0)),
        Case("a gradient that is short enough", (_TWO, _SHORT, 0.1, 2.0)),
        Case("a large step size", (_TWO, _SHORT, 20.0, 1.0)),
        *drawn(random_cases.clip_and_step, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "clipped after the step",
            {"of": "nothing"},
            "The step was taken with the whole gradient. Clipping after the step (or clipping a copy) "
            "changes nothing any more: first shorten the gradient, then step.",
        ),
        Misconception(
            "each array apart",
            {"norm": "each"},
            "Each array is shortened by its own norm, which turns the direction of the step. Take ONE norm "
            "over all arrays and scale them all by the same factor.",
        ),
        Misconception(
            "small gradients scaled up",
            {"grows": True},
            "A short gradient was stretched to the limit. Clipping only shortens: the factor is at most 1. "
            "Otherwise the steps could never get smaller near a minimum.",
        ),
        Misconception(
            "update clipped",
            {"of": "update"},
            "The norm was taken of lr * gradient. The limit is one for the gradient; the step is then lr "
            "times what is left, so that the two settings do not depend on each other.",
        ),
        Misconception(
            "entry by entry",
            {"norm": "value"},
            "Each entry was cut off at the limit (clipping by value). That turns the direction; clipping by "
            "norm multiplies the whole gradient by one factor.",
        ),
        Misconception(
            "root forgotten",
            {"norm": "squared"},
            "The sum of squares was taken for the norm: its root is missing. A gradient of length 10 then "
            "counts as 100 and is shortened ten times too much.",
        ),
        Misconception(
            "norms added",
            {"norm": "sum"},
            "The norms of the arrays were added. Lengths at right angles do not add up: sum the SQUARES over "
            "all arrays and take the root once at the end.",
        ),
    ),
    praise="The direction of the whole step is kept; only its length has a limit.",
    draw=random_cases.clip_and_step,
)


def _max_norm(w, limit, *, axis=1, squared=False, grows=False, safe=True):
    """Shorten the rows of w that are longer than the limit to it."""
    lengths = np.sum(w**2, axis=axis, keepdims=True)
    lengths = lengths if squared else np.sqrt(lengths)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = limit / lengths
        scale = scale if grows else np.minimum(scale, 1.0) if safe else np.minimum(lengths, limit) / lengths
        return np.where((lengths == 0) & safe, 0.0, scale * w)


_ROWS = np.array([[3.0, 4.0, 0.0], [0.6, 0.0, 0.8], [0.1, -0.2, 0.2], [-1.0, 2.0, 2.0]])
_ZERO_ROW = np.array([[0.0, 0.0, 0.0], [0.0, 5.0, 12.0], [0.3, 0.0, 0.4], [0.5, 0.5, 0.0]])

max_norm = Checker(
    name="max_norm",
    solution=_max_norm,
    cases=(
        Case("rows of length 5, 1, 0.3 and 3, limit 2", (_ROWS, 2.0)),
        Case("limit 0.5", (_ROWS, 0.5)),
        Case("a row of zeros", (_ZERO_ROW, 1.5)),
        *drawn(random_cases.max_norm, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "squared norm",
            {"squared": True},
            "The rows are compared by their SQUARED length: the root is missing. A row of length 3 then "
            "counts as 9, and a limit of 2 leaves it 2/9 of its length: 0.67 instead of 2.",
        ),
        Misconception(
            "norm over columns",
            {"axis": 0},
            "The columns were shortened. In PyTorch's layout, (4H, in), the weights that come INTO one gate "
            "of a unit are a row: sum over axis 1. (In Keras's layout, (in, 4H), it is axis 0.)",
        ),
        Misconception(
            "one norm for the matrix",
            {"axis": (0, 1)},
            "One norm was taken over the whole matrix, so one long row shortens all the others. Each row has "
            "a limit of its own.",
        ),
        Misconception(
            "rows inside the ball rescaled",
            {"grows": True},
            "Rows shorter than the limit were stretched to it. That is `unit_norm`; a MAX norm leaves alone "
            "what is allowed already: the factor is at most 1.",
        ),
        Misconception(
            "zero divided by zero",
            {"safe": False},
            "A row of zeros became NaN: limit or length was divided by a length of 0. Such a row is allowed "
            "as it is; take min(1, limit / length), or guard the division.",
        ),
    ),
    praise="That is the nearest matrix whose rows all fit, and rows that fitted have not moved.",
    draw=random_cases.max_norm,
)


CHECKERS = (
    l2_step,
    locked_mask,
    lstm_with_recurrent_dropout,
    clip_and_step,
    max_norm,
    train_with_early_stopping,
    train_with_max_norm,
)
