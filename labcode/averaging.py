"""NT-ASGD: begin to average the weights once the validation loss has stopped to fall, however noisy it is.

The rule is free of any framework. The averaging itself is in torch: ``torch.optim.swa_utils.AveragedModel``,
for any optimizer, or ``torch.optim.ASGD`` with ``t0=0`` and ``lambd=0``, whose mean lacks the first step.
"""

import math
from collections.abc import Iterable
from numbers import Real

from labcode._checks import check_instance, check_integer, expect


class NonMonotonicTrigger:
    """Say after each validation whether averaging should begin.

    It begins when the loss is higher than the lowest of those before the last ``patience`` ones, which is
    min(losses[:-patience]) where this loss is not yet in ``losses``. A single bad epoch does not do it while
    the losses of long ago are still higher. This is the line of the authors' program.

    Args:
        patience: n of the paper, the number of recent losses that are left out, at least 1.

    Raises:
        ValueError: another patience.

    >>> trigger = NonMonotonicTrigger(patience=1)
    >>> [trigger.update(loss) for loss in [1.0, 0.5, 0.7, 0.6]]
    [False, False, False, True]

    Source: Merity, Keskar & Socher (2018), "Regularizing and optimizing LSTM language models", algorithm 1.
        Chapter 8.
    """

    def __init__(self, patience: int = 5):
        self.patience = check_integer("patience", patience, low=1)
        self.losses: list[float] = []
        self.triggered_at: int | None = None

    @property
    def triggered(self) -> bool:
        """Whether averaging has begun; it never ends again."""
        return self.triggered_at is not None

    def update(self, loss: float) -> bool:
        """Take in one validation loss; return whether averaging is on from here.

        Args:
            loss: the validation loss, a Python or NumPy number. One that is not finite counts as infinite.

        Raises:
            ValueError: no number.
        """
        is_number = isinstance(loss, Real) and not isinstance(loss, bool)
        expect(is_number, "loss", "a number", loss)
        loss = float(loss) if math.isfinite(loss) else math.inf
        older = self.losses[: -self.patience]
        if not self.triggered and older and loss > min(older):
            self.triggered_at = len(self.losses)
        self.losses.append(loss)
        return self.triggered


def averaging_start(losses: Iterable[float], patience: int = 5) -> int | None:
    """Return the number of the validation after which averaging begins, the first being 0; None if never.

    Args:
        losses: validation losses, in order.
        patience: as in ``NonMonotonicTrigger``.

    Raises:
        ValueError: as there.

    >>> averaging_start([1.0, 0.5, 0.7, 0.6], patience=1)
    3
    """
    check_instance("losses", losses, Iterable, "validation losses, in order")
    trigger = NonMonotonicTrigger(patience)
    for loss in losses:
        trigger.update(loss)
    return trigger.triggered_at
