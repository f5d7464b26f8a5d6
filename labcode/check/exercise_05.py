"""Checkers of exercise 5: settings between Keras and this course, max-norm's axis, planted mistakes."""

import numpy as np

from labcode.check import random_cases_practice
from labcode.check.core import Case, Checker, Misconception
from labcode.check.exercise_05_runs import kept_epoch, keras_output, planted_mistakes
from labcode.check.exercise_05_training import train_as_keras
from labcode.check.random_cases import drawn

_PARTS = {"kernel": "input", "recurrent": "recurrent", "bias": "bias"}


def _from_keras(config, *, factor=2.0, l1_factor=1.0, swapped=False, keep=False, mixed=False):
    """Strengths by part, and the two rates, from the arguments of a Keras LSTM."""
    l1, l2 = {}, {}
    for theirs, ours in _PARTS.items():
        ours = {"input": "recurrent", "recurrent": "input"}.get(ours, ours) if swapped else ours
        rule = config.get(f"{theirs}_regularizer", {})
        if "l1" in rule:
            l1[ours] = l1_factor * rule["l1"]
        if "l2" in rule:
            l2[ours] = factor * rule["l2"]
    rates = config.get("dropout", 0.0), config.get("recurrent_dropout", 0.0)
    first, second = (1 - rate if keep else rate for rate in (rates[::-1] if mixed else rates))
    return {"l1": l1, "l2": l2, "input_dropout": first, "recurrent_dropout": second}


from_keras_config = Checker(
    name="from_keras_config",
    solution=_from_keras,
    cases=(
        Case("L2 on the kernel", ({"kernel_regularizer": {"l2": 0.01}},)),
        Case(
            "L1 on the kernel, L2 on the recurrent kernel",
            ({"kernel_regularizer": {"l1": 0.03}, "recurrent_regularizer": {"l2": 0.005}},),
        ),
        Case("both on the bias", ({"bias_regularizer": {"l1": 0.1, "l2": 0.2}},)),
        Case("two rates", ({"dropout": 0.2, "recurrent_dropout": 0.4},)),
        Case("one rate of two", ({"dropout": 0.3},)),
        Case("the other rate alone", ({"recurrent_dropout": 0.3},)),
        Case("nothing", ({},)),
        *drawn(random_cases_practice.from_keras_config, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "factor 2 forgotten",
            {"factor": 1.0},
            "The L2 strengths are too small by half. Keras's l2 * sum w^2 has no 1/2; here the penalty is "
            "lam/2 * sum w^2, so lam is TWICE the number.",
        ),
        Misconception(
            "factor 2 in the wrong direction",
            {"factor": 0.5},
            "The L2 strengths were halved. That is the way back, from lam to Keras. From Keras to lam: both "
            "penalties must have the gradient 2 * l2 * w = lam * w.",
        ),
        Misconception(
            "L1 doubled",
            {"l1_factor": 2.0},
            "The L1 strengths were doubled, too. L1 is lam * sum |w| in both libraries: only L2 has the 1/2.",
        ),
        Misconception(
            "W and U exchanged",
            {"swapped": True},
            "Input and recurrent weights are exchanged. Keras's `kernel` multiplies x, which is W, "
            '"input"; `recurrent_kernel` multiplies h, which is U.',
        ),
        Misconception(
            "rates taken as the share to keep",
            {"keep": True},
            "The rates became 1 - rate. In Keras 3 and here a rate is the probability to DROP. (The "
            "probability to keep was TensorFlow 1.)",
        ),
        Misconception(
            "the two dropouts exchanged",
            {"mixed": True},
            "The two rates are exchanged. Keras's `dropout` masks what the gates read of x, "
            "`recurrent_dropout` what they read of h.",
        ),
    ),
    praise="The only number that changes is that of L2; everything else is a question of names.",
    draw=random_cases_practice.from_keras_config,
)


def _to_keras(l1, l2, *, factor=0.5, l1_factor=1.0, swapped=False, empty=False):
    """The regularizers of a Keras LSTM by argument, from strengths by part."""
    config = {}
    for theirs, ours in _PARTS.items():
        ours = {"input": "recurrent", "recurrent": "input"}.get(ours, ours) if swapped else ours
        rule = {"l1": l1_factor * l1[ours]} if ours in l1 else {}
        rule |= {"l2": factor * l2[ours]} if ours in l2 else {}
        if rule or empty:
            config[f"{theirs}_regularizer"] = rule
    return config


to_keras_config = Checker(
    name="to_keras_config",
    solution=_to_keras,
    cases=(
        Case("L2 on W", ({}, {"input": 0.02})),
        Case("L1 on W, L2 on U", ({"input": 0.03}, {"recurrent": 0.01})),
        Case("both on the bias", ({"bias": 0.1}, {"bias": 0.4})),
        Case("nothing", ({}, {})),
        *drawn(random_cases_practice.to_keras_config, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "factor forgotten",
            {"factor": 1.0},
            "Keras's l2 came out as lam itself: the model would be regularized twice as much. Keras has no "
            "1/2, so its number is lam / 2.",
        ),
        Misconception(
            "factor in the wrong direction",
            {"factor": 2.0},
            "lam was doubled. On the way TO Keras it is halved: 2 * l2 * w = lam * w.",
        ),
        Misconception(
            "L1 halved",
            {"l1_factor": 0.5},
            "The L1 strengths were halved. L1 is the same sum in both libraries; only L2 changes.",
        ),
        Misconception(
            "W and U exchanged",
            {"swapped": True},
            'The parts are exchanged: "input" is W, Keras\'s kernel; "recurrent" is U, its recurrent kernel.',
        ),
        Misconception(
            "empty regularizers",
            {"empty": True},
            "A part without a strength has an empty regularizer. Leave its argument out: no regularizer at "
            "all is None in Keras.",
        ),
    ),
    praise="Applied one after the other, your two functions should give back what went in. Try it.",
    draw=random_cases_practice.to_keras_config,
)


def _max_norm(weight, limit, axis, *, transposed=True, whole=False, stretched=False, squared=False):
    """Keras's MaxNorm(limit, axis) of a kernel, for PyTorch's weight, its transpose."""
    weight = np.asarray(weight, dtype=float)
    kernel = weight.T if transposed else weight
    sums = np.sum(kernel**2, axis=None if whole else axis, keepdims=True)
    norm = sums if squared else np.sqrt(sums)
    scale = limit / np.maximum(norm, 1e-300 if stretched else limit)
    return (kernel * scale).T if transposed else kernel * scale


_WEIGHT = np.array([[3.0, 4.0, 0.0], [0.3, 0.0, 0.4]])  # two units, three inputs
_SQUARE = np.array([[3.0, 4.0], [0.5, 0.1]])

max_norm_of_keras = Checker(
    name="max_norm_of_keras",
    solution=_max_norm,
    cases=(
        Case("axis 0, Keras's default", (_WEIGHT, 1.0, 0)),
        Case("axis 1", (_WEIGHT, 2.0, 1)),
        Case("a square matrix, axis 0", (_SQUARE, 1.0, 0)),
        Case("a limit that nothing reaches", (_WEIGHT, 10.0, 0)),
        *drawn(random_cases_practice.max_norm_of_keras, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "axis not translated",
            {"transposed": False},
            "Keras's axis was used on PyTorch's weight. The weight is the kernel's transpose, "
            "(outputs, inputs) for (inputs, outputs): the axis moves with it, 0 becomes 1 and 1 becomes 0.",
        ),
        Misconception(
            "one norm for the whole matrix",
            {"whole": True},
            "All entries were shortened by one factor, from the norm of the whole matrix. One norm is taken "
            "over each vector along the axis (keepdims=True helps).",
        ),
        Misconception(
            "short vectors stretched",
            {"stretched": True},
            "Vectors below the limit were made LONGER. A limit leaves alone what it allows; that every "
            "vector gets the same length is UnitNorm.",
        ),
        Misconception(
            "norm not rooted",
            {"squared": True},
            "The sum of squares was taken as the norm. The norm is its square root.",
        ),
    ),
    praise="For axis=0 that is a unit's row, what enters it: `torch.renorm(weight, 2, 0, limit)`.",
    draw=random_cases_practice.max_norm_of_keras,
)


CHECKERS = (
    from_keras_config,
    to_keras_config,
    max_norm_of_keras,
    keras_output,
    kept_epoch,
    planted_mistakes,
    train_as_keras,
)
