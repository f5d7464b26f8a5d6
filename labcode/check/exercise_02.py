"""Checkers of exercise 2: inverted dropout, penalties by part, and the older form of dropout."""

import numpy as np

from labcode.check import random_cases
from labcode.check.core import Case, Checker, Misconception
from labcode.check.exercise_02_places import PairChecker, dropped_layers, masked_step, touches
from labcode.check.random_cases import drawn


def _dropout(x, kept, p, training, *, factor=None, share=False, always=False, evaluation=None, swapped=False):
    """Inverted dropout: kept entries over 1 - p in training, x itself in evaluation."""
    x, kept = np.asarray(x, dtype=float), np.asarray(kept)
    if not (training or always):
        return x if evaluation is None else x * evaluation(p)
    scale = 1 / (1 - p) if factor is None else factor(p)
    scale = kept.size / kept.sum() if share else scale
    return x * (~kept if swapped else kept) * scale


_X, _KEPT = np.array([1.0, -2.0, 0.5, 3.0, 4.0]), np.array([True, False, True, True, False])
_SEQUENCES = np.arange(1.0, 9.0).reshape(2, 2, 2)
_KEPT_SEQUENCES = np.array([[[True, True], [False, True]], [[True, True], [True, True]]])

inverted_dropout = Checker(
    name="inverted_dropout",
    solution=_dropout,
    cases=(
        Case("training", (_X, _KEPT, 0.25, True)),
        Case("training, a batch of sequences", (_SEQUENCES, _KEPT_SEQUENCES, 0.2, True)),
        Case("evaluation", (_X, _KEPT, 0.25, False)),
        *drawn(random_cases.inverted_dropout, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "no 1/(1-p)",
            {"factor": lambda p: 1.0},
            "The factor 1/(1-p) is missing. In training the next layer then gets less, on average, than in "
            "evaluation, where nothing is dropped.",
        ),
        Misconception(
            "p taken as the probability to keep",
            {"factor": lambda p: 1 / p},
            "You divide by p: that would be right if p were the probability to KEEP (as in TensorFlow 1). "
            "Here, as in Keras and PyTorch, p is the probability to DROP, so what is kept goes by 1 - p.",
        ),
        Misconception(
            "multiplied by 1-p",
            {"factor": lambda p: 1 - p},
            "You multiply what is kept by 1 - p in training: that makes up for the loss in the wrong "
            "direction. What is kept must become LARGER: divide.",
        ),
        Misconception(
            "scaled by the share that was kept",
            {"share": True},
            "You divide by the share of entries that happened to be kept. The factor is 1/(1-p), the same "
            "for every mask: it is right on average, not in each draw.",
        ),
        Misconception(
            "dropout in evaluation",
            {"always": True},
            "The mask is applied in evaluation, too. The model's answers would then be random; in "
            "evaluation return x.",
        ),
        Misconception(
            "scaled down in evaluation",
            {"evaluation": lambda p: 1 - p},
            "x is multiplied by 1 - p in evaluation although training has already made up for what was "
            "dropped: the correction is there twice. In evaluation return x.",
        ),
        Misconception(
            "scaled up in evaluation",
            {"evaluation": lambda p: 1 / (1 - p)},
            "x is divided by 1 - p in evaluation. Nothing was dropped there, so there is nothing to make up "
            "for: return x.",
        ),
        Misconception(
            "the older form",
            {"factor": lambda p: 1.0, "evaluation": lambda p: 1 - p},
            "That is the older form, the article's: no factor in training, 1 - p in evaluation. It is right "
            "in itself, but asked is the inverted one: 1/(1-p) in training, nothing in evaluation.",
        ),
        Misconception(
            "kept and dropped exchanged",
            {"swapped": True},
            "What should be dropped is kept, and the other way round: `kept` is True where an entry "
            "SURVIVES.",
        ),
    ),
    praise="On average the next layer gets the same in training and in evaluation.",
    draw=random_cases.inverted_dropout,
)


def _by_part(
    weights, l1, l2, *, half1=False, half2=True, absolute=True, swapped=False, biases=False, last=""
):
    """L1 and L2 on W and U, each with a strength of its own."""
    total = 0.0
    for part, letters in (("input", "ih"), ("recurrent", "hh")):
        letters = {"ih": "hh", "hh": "ih"}[letters] if swapped else letters
        prefix = letters if biases else f"weight_{letters}"
        for name, w in weights.items():
            if prefix in name and name.endswith(last):
                l1_part = np.sum(np.abs(w) if absolute else w) * (0.5 if half1 else 1.0)
                l2_part = np.sum(np.square(w)) * (0.5 if half2 else 1.0)
                total += l1.get(part, 0.0) * l1_part + l2.get(part, 0.0) * l2_part
    return total


_WEIGHTS = {
    "weight_ih_l0": np.array([[1.0], [-2.0], [0.5], [0.0]]),
    "weight_hh_l0": np.array([[3.0], [0.0], [-1.0], [0.5]]),
}
_BIASES = {"bias_ih_l0": np.array([1.0, -1.5, 0.0, 0.0]), "bias_hh_l0": np.array([0.0, 2.0, 0.0, -0.3])}
_SECOND_LAYER = {
    "weight_ih_l1": np.array([[0.1], [-0.2], [0.3], [0.4]]),
    "weight_hh_l1": np.array([[-0.5], [0.5], [0.7], [1.5]]),
}

penalty_by_part = Checker(
    name="penalty_by_part",
    solution=_by_part,
    cases=(
        Case("L1 on U alone", (_WEIGHTS, {"recurrent": 0.1}, {})),
        Case("L2 on W alone", (_WEIGHTS, {}, {"input": 0.2})),
        Case(
            "both, with four strengths",
            (_WEIGHTS, {"input": 0.3, "recurrent": 0.1}, {"input": 0.5, "recurrent": 2.0}),
        ),
        Case("a layer with biases", (_WEIGHTS | _BIASES, {"input": 0.3}, {"recurrent": 2.0})),
        Case(
            "two layers",
            (_WEIGHTS | _BIASES | _SECOND_LAYER, {"input": 0.3, "recurrent": 0.1}, {"recurrent": 2.0}),
        ),
        *drawn(random_cases.penalty_by_part, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "no absolute value",
            {"absolute": False},
            "The L1 part adds the weights with their signs, so that -2 pays for +2. L1 is the sum of "
            "ABSOLUTE values; without them large weights of both signs would be free.",
        ),
        Misconception(
            "one half on L1",
            {"half1": True},
            "The L1 part is too small by half: the factor 1/2 belongs to L2, where it makes the gradient "
            "lam * w. The gradient of lam * |w| is lam * sign(w) without it.",
        ),
        Misconception(
            "no one half on L2",
            {"half2": False},
            "The L2 part is twice too large: its factor 1/2 is missing. (It is missing in Keras's l2(x), "
            "too, which therefore equals lam = 2x.)",
        ),
        Misconception(
            "W and U exchanged",
            {"swapped": True},
            "The strengths of W and U are exchanged. `weight_ih` leads from the input to the gates, that is "
            'W and "input"; `weight_hh` leads from the hidden state to the gates, that is U and '
            '"recurrent".',
        ),
        Misconception(
            "biases caught by their names",
            {"biases": True},
            'The biases pay, too: "ih" is part of `bias_ih_l0` as well. Ask for names that START with '
            "`weight_ih` or `weight_hh`.",
        ),
        Misconception(
            "first layer only",
            {"last": "_l0"},
            "Only layer 0 pays. A second layer has W and U of its own, whose names end in `_l1`.",
        ),
    ),
    praise="What is not named pays nothing, and each part has its own price.",
    draw=random_cases.penalty_by_part,
)


def _export(weight, bias, p, *, factor=lambda p: 1 - p, scales_bias=False):
    """The head of a network trained with the older dropout, for a library that does nothing in evaluation."""
    weight, bias = np.asarray(weight, dtype=float), np.asarray(bias, dtype=float)
    return weight * factor(p), bias * factor(p) if scales_bias else bias


export_head = PairChecker(
    name="export_head",
    solution=_export,
    cases=(
        Case("one output", (np.array([[2.0, -1.0, 4.0]]), np.array([0.5]), 0.2)),
        Case("two outputs, a high rate", (np.array([[1.0, 2.0], [-3.0, 0.5]]), np.array([1.0, -2.0]), 0.75)),
        Case("no dropout at all", (np.array([[1.0, 2.0]]), np.array([3.0]), 0.0)),
        *drawn(random_cases.export_head, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "divided instead of multiplied",
            {"factor": lambda p: 1 / (1 - p)},
            "You divide by 1 - p: that would make the outputs still larger. In its training this head saw, "
            "on average, only the share 1 - p of each input; now it sees all of it.",
        ),
        Misconception(
            "factor p",
            {"factor": lambda p: p},
            "You multiply by p, the probability to DROP. What arrived on average in training is the share "
            "that was KEPT, 1 - p.",
        ),
        Misconception(
            "bias scaled",
            {"scales_bias": True},
            "The bias is scaled, too. No mask stood in front of the bias: it was there in full all along.",
        ),
        Misconception(
            "nothing changed",
            {"factor": lambda p: 1.0},
            "The weights come back as they were. But nobody makes up for the dropout then: training did not "
            "scale (the older form), and today's evaluation does nothing.",
        ),
    ),
    praise="What the new network computes is the mean of the old one over all its masks.",
    draw=random_cases.export_head,
)


CHECKERS = (touches, dropped_layers, inverted_dropout, penalty_by_part, export_head, masked_step)
