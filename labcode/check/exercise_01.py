"""Checkers of exercise 1: the generalization gap, the L2 penalty and the patience counter."""

import numpy as np

from labcode.check import random_cases
from labcode.check.core import Case, Checker, Misconception
from labcode.check.exercise_01_training import overfit_on_purpose
from labcode.check.random_cases import drawn


def _gap(train_loss, validation_loss, *, sign=1.0, absolute=False, relative=False, last_only=False):
    """Validation loss minus training loss, epoch by epoch."""
    gap = sign * (np.asarray(validation_loss, dtype=float) - np.asarray(train_loss, dtype=float))
    gap = np.abs(gap) if absolute else gap
    gap = gap / np.asarray(train_loss, dtype=float) if relative else gap
    return gap[-1] if last_only else gap


generalization_gap = Checker(
    name="generalization_gap",
    solution=_gap,
    cases=(
        Case("a gap that opens", (np.array([1.0, 0.6, 0.2]), np.array([1.1, 0.9, 1.3]))),
        Case("validation below training at first", (np.array([1.0, 0.5]), np.array([0.8, 0.75]))),
        Case("plain lists instead of arrays", ([0.5, 0.25], [0.5, 0.5])),
        *drawn(random_cases.generalization_gap, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "sign reversed",
            {"sign": -1.0},
            "The sign is reversed. The gap is what unseen data cost MORE: validation minus training, so "
            "that overfitting is a positive number.",
        ),
        Misconception(
            "absolute value",
            {"absolute": True},
            "The absolute value hides the sign. A negative gap is information: validation data can be "
            "easier than training data, or dropout may be on while the training loss is measured.",
        ),
        Misconception(
            "relative gap",
            {"relative": True},
            "That is the gap divided by the training loss. As the training loss goes to zero it explodes,"
            " even when validation stands still. The gap is a plain difference, in units of the loss.",
        ),
        Misconception(
            "last epoch only",
            {"last_only": True},
            "One number came back, the last epoch's. The question is WHEN the gap opens, so return the "
            "difference for every epoch.",
        ),
    ),
    praise="A positive value is the price of the unseen; a curve of it shows when the price starts to rise.",
    draw=random_cases.generalization_gap,
)


def _l2(weights, lam, *, factor=0.5, squared=True, biases=False, recurrent=True, mean=False):
    """lam/2 times the sum of squares over the input and recurrent weights."""
    chosen = [
        np.asarray(w, dtype=float)
        for name, w in weights.items()
        if name.startswith("weight_ih")
        or (recurrent and name.startswith("weight_hh"))
        or (biases and name.startswith("bias"))
    ]
    total = sum(np.sum(w**2) for w in chosen)
    total = total / sum(w.size for w in chosen) if mean else total
    return factor * lam * (total if squared else np.sqrt(total))


_ONE_LAYER = {
    "weight_ih_l0": np.array([[1.0], [-2.0], [0.5], [0.0]]),
    "weight_hh_l0": np.array([[3.0], [0.0], [-1.0], [0.5]]),
}
_BIASES = {"bias_ih_l0": np.array([1.0, 1.0, 0.0, 0.0]), "bias_hh_l0": np.array([0.0, 2.0, 0.0, 0.0])}
_SECOND_LAYER = {
    "weight_ih_l1": np.array([[0.1], [0.2], [0.3], [0.4]]),
    "weight_hh_l1": np.array([[-0.5], [0.5], [0.5], [1.5]]),
}

l2_penalty = Checker(
    name="l2_penalty",
    solution=_l2,
    cases=(
        Case("weights of one layer", (_ONE_LAYER, 0.2)),
        Case("a layer with biases", (_ONE_LAYER | _BIASES, 0.2)),
        Case("two layers and another lambda", (_ONE_LAYER | _BIASES | _SECOND_LAYER, 3.0)),
        Case("lambda of zero", (_ONE_LAYER | _BIASES, 0.0)),
        *drawn(random_cases.l2_penalty, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "no factor one half",
            {"factor": 1.0},
            "The result is twice too large: the factor 1/2 is missing. With lam/2 the gradient is lam * "
            "w. (Keras's l2(x) has no 1/2: it equals lam = 2x.)",
        ),
        Misconception(
            "norm not squared",
            {"squared": False},
            "That is the norm itself, not its square. The square root changes the gradient: it would pull"
            " with the same total force however large the weights are.",
        ),
        Misconception(
            "bias penalized",
            {"biases": True},
            "The biases are in the sum. A bias does not multiply any input, so shrinking it does not make"
            " the function smoother; it only shifts the gates (the forget gate's bias, say). Take the "
            "names that start with `weight`.",
        ),
        Misconception(
            "recurrent weights forgotten",
            {"recurrent": False},
            "Only `weight_ih` is counted. The recurrent matrix `weight_hh` is usually the larger part of "
            "an LSTM; penalize both here.",
        ),
        Misconception(
            "mean instead of sum",
            {"mean": True},
            "That is the mean over the weights. With a mean, lambda changes its meaning whenever the "
            "model's size changes; the penalty is a sum.",
        ),
    ),
    praise="You have a penalty whose gradient is lam * w, over W and U and not over the biases.",
    draw=random_cases.l2_penalty,
)


def _stop(
    validation_loss,
    patience,
    *,
    late=0,
    against_previous=False,
    resets=True,
    ties=False,
    returns_best=False,
    delta=0.0,
):
    """The epoch after which training stops: `patience` epochs in a row without a new best."""
    best, best_epoch, waited, previous = np.inf, None, 0, np.inf
    for epoch, loss in enumerate(validation_loss):
        reference = (previous if against_previous else best) - delta
        if loss <= reference if ties else loss < reference:
            best_epoch, waited = epoch, 0 if resets else waited
        else:
            waited += 1
        best, previous = min(best, loss), loss
        if waited >= patience + late:
            return best_epoch if returns_best else epoch
    return None


stopping_epoch = Checker(
    name="stopping_epoch",
    solution=_stop,
    cases=(
        Case("patience 1", ([1.0, 0.8, 0.9, 0.7, 0.6], 1)),
        Case("patience 2, the best in the middle", ([1.0, 0.7, 0.8, 0.9, 1.0, 1.1], 2)),
        Case("a new best resets the count", ([1.0, 0.9, 0.95, 0.8, 0.85, 0.7, 0.75, 0.78, 0.8], 3)),
        Case("slow recovery that is no new best", ([1.0, 0.5, 0.9, 0.8, 0.7, 0.6, 0.55], 3)),
        Case("an equal loss is no improvement", ([1.0, 0.8, 0.8, 0.8, 0.8], 2)),
        Case("never stops", ([1.0, 0.9, 0.8, 0.7], 2)),
        Case("small steps are steps", ([1.0, 0.9999, 0.9998, 0.9997, 0.9996], 2)),
        *drawn(random_cases.stopping_epoch, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "one epoch late",
            {"late": 1},
            "One epoch too late: stop as soon as the count of epochs without a new best REACHES the "
            "patience (>=), not when it exceeds it.",
        ),
        Misconception(
            "one epoch early",
            {"late": -1},
            "One epoch too early: the epoch that sets the best counts 0, the first one without "
            "improvement counts 1.",
        ),
        Misconception(
            "compared with the previous epoch",
            {"against_previous": True},
            "Each loss is compared with the epoch before. A loss that crawls back after a jump then looks"
            " like progress; compare with the BEST so far.",
        ),
        Misconception(
            "count never reset",
            {"resets": False},
            "The count is never set back. Patience is about epochs IN A ROW without a new best: a new "
            "best starts the count anew.",
        ),
        Misconception(
            "a tie counts as improvement",
            {"ties": True},
            "An equal loss was taken as an improvement. Then a flat curve never stops; an improvement is "
            "strictly smaller.",
        ),
        Misconception(
            "small steps not counted",
            {"delta": 0.05},
            "A small improvement was not taken as one (a `min_delta`?). Here every loss that is smaller than "
            "the best so far is a new best.",
        ),
        Misconception(
            "best epoch returned",
            {"returns_best": True},
            "That is the best epoch: the weights to go back to. Asked is the epoch after which training "
            "stops, `patience` epochs later.",
        ),
    ),
    praise="That is Keras's rule, and the one `labcode.early_stopping.EarlyStopping` follows.",
    draw=random_cases.stopping_epoch,
)

CHECKERS = (generalization_gap, l2_penalty, stopping_epoch, overfit_on_purpose)
