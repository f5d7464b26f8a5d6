"""The training run of exercise 3, whose losses are known."""

from dataclasses import dataclass, field

import numpy as np

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
        default_factory=lambda: {"w": np.zeros((2, 1)), "b": np.zeros(2)}, repr=False, compare=False
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
