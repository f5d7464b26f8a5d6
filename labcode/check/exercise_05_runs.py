"""Checkers of exercise 5, what a run does: dropout in evaluation, kept weights, planted mistakes."""

import numpy as np

from labcode.check import random_cases_practice
from labcode.check.core import Case, Checker, Misconception
from labcode.check.line_finder import LinesChecker
from labcode.check.random_cases import drawn


def _output(x, weight, kept, p, training, *, default=False, always=False, scaled=True, scaled_down=False):
    """What Dropout(p) before a linear layer puts out: dropped with training=True alone."""
    x, weight, kept = (np.asarray(array, dtype=float) for array in (x, weight, kept))
    if always or training or (training is None and default):
        return (x * kept / (1 - p if scaled else 1.0)) @ weight
    return ((1 - p) * x if scaled_down else x) @ weight


_X, _W = np.array([[1.0, -2.0, 0.5], [3.0, 0.5, 1.0]]), np.array([[0.5], [1.0], [-2.0]])
_KEPT = np.array([[True, False, True], [True, True, False]])

keras_output = Checker(
    name="keras_output",
    solution=_output,
    cases=(
        Case("model(x, training=True)", (_X, _W, _KEPT, 0.2, True)),
        Case("model(x, training=False)", (_X, _W, _KEPT, 0.2, False)),
        Case("model(x)", (_X, _W, _KEPT, 0.2, None)),
        *drawn(random_cases_practice.keras_output, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "training by default",
            {"default": True},
            "model(x) was taken as training. In Keras no argument means evaluation. (A PyTorch module is the "
            "one that trains until eval() is called.)",
        ),
        Misconception(
            "dropout always on",
            {"always": True},
            "The mask is applied in evaluation, too: the same x would get another forecast at each call.",
        ),
        Misconception(
            "no 1/(1-p)",
            {"scaled": False},
            "What is kept is not divided by 1 - p. Keras's dropout is inverted: it makes up in training for "
            "what it drops.",
        ),
        Misconception(
            "scaled down in evaluation",
            {"scaled_down": True},
            "x is multiplied by 1 - p in evaluation. Training has made up for the loss already (1/(1-p)): in "
            "evaluation nothing happens.",
        ),
    ),
    praise="One argument decides; whoever forgets it in Keras evaluates, in PyTorch trains.",
    draw=random_cases_practice.keras_output,
)


def _kept(
    trace, patience, restore, *, mode="right", ties=False, late=0, previous=False, resets=True, delta=0.0
):
    """The epoch whose weights a Keras model holds after fit with EarlyStopping."""
    best, epoch, waited, stopped = 0, 0, 0, False
    for epoch, loss in enumerate(trace):
        new = loss < trace[best] - delta or (ties and loss == trace[best]) or epoch == 0
        best = epoch if new else best
        new = loss < trace[epoch - 1] if previous and epoch else new
        waited = waited + 1 if not new else 0 if resets else waited
        stopped = waited >= patience + late
        if stopped:
            break
    if mode == "always":
        restore = True
    if mode == "never":
        restore = False
    if mode == "looks ahead":
        best = int(np.argmin(trace))
    if mode == "only if stopped" and not stopped:
        restore = False
    if mode == "patience back" and restore and not stopped:
        return max(epoch - patience, 0)
    return best if restore else epoch


kept_epoch = Checker(
    name="kept_epoch",
    solution=_kept,
    cases=(
        Case("restored after a stop", ([1.0, 0.7, 0.8, 0.9, 0.5], 2, True)),
        Case("not restored after a stop", ([1.0, 0.7, 0.8, 0.9, 0.5], 2, False)),
        Case("restored, but it never stopped", ([1.0, 0.6, 0.7, 0.8], 4, True)),
        Case("neither restored nor stopped", ([1.0, 0.9, 0.8, 0.85], 3, False)),
        Case("a stop that is long past", ([1.0, 0.7, 0.8, 0.9, 0.95, 1.0, 0.5], 2, False)),
        Case("a tie", ([1.0, 0.7, 0.9, 0.7, 0.8], 5, True)),
        Case("a tie of the first two", ([0.5, 0.5, 0.75], 3, True)),
        Case("small steps are steps", ([1.0, 0.9999, 0.9998, 0.9997, 0.9996], 2, False)),
        Case("one epoch", ([0.5], 2, True)),
        *drawn(random_cases_practice.kept_epoch, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "restored without being asked",
            {"mode": "always"},
            "restore_best_weights=False was overlooked, Keras's default: the model then holds the weights of "
            "the last epoch that ran.",
        ),
        Misconception(
            "never restored",
            {"mode": "never"},
            "That is the last epoch in every case. With restore_best_weights=True the model holds the best "
            "one's weights.",
        ),
        Misconception(
            "best of epochs that never ran",
            {"mode": "looks ahead"},
            "The best epoch of the whole list came back. Training stopped before it: what never ran has no "
            "weights.",
        ),
        Misconception(
            "training never stopped",
            {"late": 10**6},
            "All epochs of the list were taken as run. Training stops as soon as patience epochs in a row "
            "brought no new best.",
        ),
        Misconception(
            "one epoch late",
            {"late": 1},
            "Training ran one epoch too many: it stops as soon as the count of epochs without a new best "
            "REACHES the patience (>=), not when it exceeds it.",
        ),
        Misconception(
            "one epoch early",
            {"late": -1},
            "Training ran one epoch too few: the epoch that sets the best counts 0, the next one without a "
            "new best counts 1.",
        ),
        Misconception(
            "compared with the previous epoch",
            {"previous": True},
            "Each loss is compared with the epoch before. A loss that crawls back after a jump then looks "
            "like progress; compare with the BEST so far.",
        ),
        Misconception(
            "count never reset",
            {"resets": False},
            "The count is never set back. Patience is about epochs IN A ROW: a new best starts it anew.",
        ),
        Misconception(
            "small steps not counted",
            {"delta": 0.05},
            "A small improvement was not taken as one (a `min_delta`?). Keras's default is 0: each loss that "
            "is smaller than the best so far is a new best.",
        ),
        Misconception(
            "restored only after a stop",
            {"mode": "only if stopped"},
            "You restore only where training was stopped. In Keras 3 the best weights come back at the end "
            "of every training, stopped or not.",
        ),
        Misconception(
            "patience counted back",
            {"mode": "patience back"},
            "You count patience epochs back from the end. That is the best epoch only after a stop; where "
            "all epochs ran, look for the lowest loss.",
        ),
        Misconception(
            "the later of two equal epochs",
            {"ties": True},
            "An equal loss was taken as an improvement. The first of two equal epochs is kept.",
        ),
    ),
    praise="Two questions, in this order: which epochs ran, and which of them is held?",
    draw=random_cases_practice.kept_epoch,
)

_PLANTED = {
    "A": "A is missing: nn.LSTM(dropout=) drops between layers, and there is one layer. Recurrent dropout "
    "does not exist in nn.LSTM; use RegularizedLSTM(recurrent_dropout=0.2, tied=False).",
    "D": "D is missing: Keras's L2(0.001) is 0.001 * sum w^2, without 1/2. This line regularizes half as "
    "much; it would be right with 0.002 / 2.",
    "H": "H is missing: no_grad() stops the recording of gradients, not dropout. The head's dropout is still "
    "on; model.eval() before, model.train() after.",
}
_INNOCENT = {
    "B": "B is right: Keras's Dropout(0.2) in front of the Dense layer is nn.Dropout(0.2) here, and both "
    "rates are probabilities to drop.",
    "C": "C is right: the penalty stands in the loss, so the optimizer needs no weight_decay. With both the "
    "weights would pay twice.",
    "E": "E is right: PyTorch adds gradients up, so they are set to zero before each backward pass.",
    "F": "F is right: in PyTorch the penalty has to be added to the loss by hand.",
    "G": "G is right: the step comes after the gradients.",
    "I": "I is right: a deep copy. Without it the 'best' weights would go on changing with the model.",
    "J": "J is right: this is restore_best_weights=True.",
}


def _planted(script, *, missed="", accused=""):
    """The labels of the lines that do not do what the Keras model does."""
    return sorted((set(_PLANTED) - set(missed)) | set(accused) & set(script))


planted_mistakes = LinesChecker(
    name="planted_mistakes",
    solution=_planted,
    cases=(Case("the script's lines", ("ABCDEFGHIJ",)),),
    misconceptions=(
        *(Misconception(f"{label} missed", {"missed": label}, text) for label, text in _PLANTED.items()),
        *(Misconception(f"{label} accused", {"accused": label}, text) for label, text in _INNOCENT.items()),
    ),
    praise="Factor 2, an argument that does something else, and dropout left on.",
)
