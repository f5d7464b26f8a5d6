"""Checker of exercise 3 on early stopping."""

import copy

import numpy as np

from labcode.check import random_cases
from labcode.check.core import Case, Misconception
from labcode.check.random_cases import drawn
from labcode.check.side_effects import StatefulChecker
from labcode.check.trainer import Trainer


def _train_with_early_stopping(
    trainer,
    patience,
    max_epochs,
    *,
    late=0,
    keeps="best",
    against_previous=False,
    resets=True,
    ties=False,
    restores_at_end=True,
    limited=True,
):
    """Train until `patience` epochs in a row bring no new best; return a copy of the best weights."""
    best, waited, previous, kept, stopped = np.inf, 0, np.inf, trainer.weights, False
    for _ in range(max_epochs if limited else 100):
        loss = trainer.train_epoch()
        reference = previous if against_previous else best
        waited += 1
        if loss < reference or (ties and loss == reference):
            waited = 0 if resets else waited - 1
            kept = copy.deepcopy(trainer.weights)
        best, previous = min(best, loss), loss
        stopped = waited >= patience + late
        if stopped:
            break
    if keeps == "reference":
        return trainer.weights
    return kept if keeps == "best" and (stopped or restores_at_end) else copy.deepcopy(trainer.weights)


def _describe_training(result, arguments):
    """Read the weights after one more epoch, which changes what is kept by reference; epochs count from 0."""
    trainer = arguments[0]
    trained = trainer.epochs
    trainer.train_epoch()
    is_weights = isinstance(result, dict) and result.keys() == trainer.weights.keys()
    if not is_weights:
        return {"epochs trained": trained, "weights of epoch": f"unknown, got a {type(result).__name__}"}
    entries = [np.asarray(result[name], dtype=float) for name in trainer.weights]
    epochs = np.unique(np.concatenate([array.ravel() for array in entries]) - 1).tolist()
    if [array.shape for array in entries] != [w.shape for w in trainer.weights.values()] or len(epochs) > 1:
        return {
            "epochs trained": trained,
            "weights of epoch": f"{epochs}: of several epochs",
        }
    return {"epochs trained": trained, "weights of epoch": epochs[0]}


train_with_early_stopping = StatefulChecker(
    name="train_with_early_stopping",
    solution=_train_with_early_stopping,
    arrange=lambda trainer, *rest: (copy.deepcopy(trainer), *rest),
    summarize=_describe_training,
    cases=(
        Case("patience 1", (Trainer([1.0, 0.8, 0.9, 0.7, 0.6]), 1, 10)),
        Case("patience 2, the best in the middle", (Trainer([1.0, 0.7, 0.8, 0.9, 1.0]), 2, 10)),
        Case(
            "a new best starts the count anew",
            (Trainer([1.0, 0.9, 0.95, 0.8, 0.85, 0.7, 0.75, 0.8, 0.9]), 3, 9),
        ),
        Case(
            "slow recovery that is no new best", (Trainer([1.0, 0.5, 0.9, 0.8, 0.7, 0.6, 0.55, 0.52]), 3, 8)
        ),
        Case("an equal loss is no new best", (Trainer([1.0, 0.8, 0.8, 0.8, 0.8]), 2, 5)),
        Case("small steps are steps", (Trainer([1.0, 0.9999, 0.9998, 0.9997, 0.9996]), 2, 5)),
        Case("the epochs run out first", (Trainer([1.0, 0.7, 0.8, 0.9]), 5, 4)),
        *drawn(random_cases.train_with_early_stopping, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "best weights kept by reference",
            {"keeps": "reference"},
            "The weights that came back still change while the trainer trains on: they are the trainer's own "
            "arrays, kept by reference. `best = trainer.weights` copies nothing, and dict(...) or .copy() of "
            "the dict copies no array. Use copy.deepcopy at the moment of the new best.",
        ),
        Misconception(
            "last weights returned",
            {"keeps": "last"},
            "These are the weights of the LAST epoch, copied at the end. By then `patience` epochs have gone "
            "by since the best ones. Copy whenever a new best arrives, and return that copy.",
        ),
        Misconception(
            "best weights only after a stop",
            {"restores_at_end": False},
            "When the epochs run out before the patience does, the last weights come back. The best ones are "
            "wanted in that case, too.",
        ),
        Misconception(
            "max_epochs ignored",
            {"limited": False},
            "Training went on beyond `max_epochs`, until the patience ran out. Whichever limit is reached "
            "first ends it.",
        ),
        Misconception(
            "one epoch late",
            {"late": 1},
            "One epoch too many: stop as soon as the count of epochs without a new best REACHES the patience "
            "(>=), not when it exceeds it.",
        ),
        Misconception(
            "one epoch early",
            {"late": -1},
            "One epoch too few: the epoch that sets the best counts 0, the first one without a new best "
            "counts 1.",
        ),
        Misconception(
            "compared with the previous epoch",
            {"against_previous": True},
            "Each loss is compared with the epoch before. A loss that crawls back after a jump then looks "
            "like progress, and worse weights replace the best; compare with the BEST so far.",
        ),
        Misconception(
            "count never reset",
            {"resets": False},
            "The count is never set back. Patience is about epochs IN A ROW: a new best starts it anew.",
        ),
        Misconception(
            "a tie counts as new best",
            {"ties": True},
            "An equal loss was taken as a new best. Then a flat curve never stops; a new best is strictly "
            "smaller.",
        ),
    ),
    praise="The rule of `labcode.early_stopping.EarlyStopping`, with the copy that makes it safe.",
    draw=random_cases.train_with_early_stopping,
)
