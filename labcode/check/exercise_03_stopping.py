"""Checker of exercise 3 on early stopping, and the training run with known losses that it hands out."""

import copy
from dataclasses import dataclass, field

import numpy as np

from labcode.check.core import Case, Misconception
from labcode.check.side_effects import StatefulChecker

MOST_EPOCHS = 1000  # a loop without an end gets a message, not a kernel that hangs


@dataclass
class Trainer:
    """A training run whose validation losses are known: each epoch adds 1 to every weight, in place.

    Args:
        losses: validation loss after each epoch; the last one again when they are used up.
        weights: the weights, changed by ``train_epoch``.
        epochs: epochs trained so far.
    """

    losses: list[float]
    weights: dict[str, np.ndarray] = field(
        default_factory=lambda: {"w": np.zeros(2)}, repr=False, compare=False
    )
    epochs: int = field(default=0, repr=False)

    def train_epoch(self) -> float:
        """Train one epoch and return its validation loss.

        Raises:
            RuntimeError: after 1000 epochs; no task asks for more than ten.
        """
        if self.epochs >= MOST_EPOCHS:
            raise RuntimeError(f"{MOST_EPOCHS} epochs were trained: what ends this loop?")
        for w in self.weights.values():
            w += 1.0
        self.epochs += 1
        return self.losses[min(self.epochs, len(self.losses)) - 1]


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
    epoch = float(np.asarray(result["w"], dtype=float).flat[0]) - 1
    return {"epochs trained": trained, "weights of epoch": int(epoch) if epoch.is_integer() else epoch}


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
        Case("the epochs run out first", (Trainer([1.0, 0.7, 0.8, 0.9]), 5, 4)),
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
)
