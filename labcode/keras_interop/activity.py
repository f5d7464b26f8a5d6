"""What Keras adds to the loss for a layer's outputs, and all rules of a layer together."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from labcode._checks import check_instance, check_one_of, check_shape, check_tensor, expect
from labcode.penalties import WeightRegularization


@dataclass(frozen=True)
class ActivityPenalty:
    """Penalize what an LSTM puts out as ``activity_regularizer`` of Keras does: penalty(output) / B.

    Keras adds up over steps and units, where ``activation_penalty`` takes the mean. So ``L2(a)`` of a layer
    that returns sequences is ``activation_penalty`` with alpha = a T H if no step is padded; here T may
    change from batch to batch.

    Args:
        penalty: of all outputs together, such as ``partial(l2_penalty_torch, lam=2 * a)``.
        last: whether only what each direction puts out at its end is penalized (``return_sequences=False``).
        bidirectional: whether the outputs are those of two directions, side by side.

    Raises:
        ValueError: a penalty that is no function, or another kind of flag. Chapter 5.

    >>> from functools import partial
    >>> from labcode.penalties import l2_penalty_torch
    >>> ActivityPenalty(partial(l2_penalty_torch, lam=2.0))(torch.ones(2, 5, 3))
    tensor(15.)
    """

    penalty: Callable[[Tensor], Tensor]
    last: bool = False
    bidirectional: bool = False

    def __post_init__(self):
        expect(callable(self.penalty), "penalty", "a function of a tensor", self.penalty)
        for name in ("last", "bidirectional"):
            check_one_of(name, getattr(self, name), (True, False))

    def __call__(self, output: Tensor, padding_mask: Tensor | None = None) -> Tensor:
        """Return the penalty of one batch, as ``fit`` takes it for its ``activation_penalty``.

        Args:
            output: (B, T, D*H).
            padding_mask: bool, (B, T), True at real steps, which alone count, as in Keras with
                ``zero_output_for_mask``. None counts all: Keras counts padded steps, too.

        Raises:
            ValueError: another shape.
        """
        check_shape("output", check_tensor("output", output), (None, None, None))
        if self.last and self.bidirectional:
            forward, backward = output.chunk(2, dim=2)
            output = torch.cat([forward[:, -1], backward[:, 0]], dim=1)
        elif self.last:
            output = output[:, -1]
        elif padding_mask is not None:
            check_shape("padding_mask", padding_mask, tuple(output.shape[:2]))
            output = output.where(padding_mask.unsqueeze(2), output.new_zeros(()))
        return self.penalty(output) / output.shape[0]


@dataclass(frozen=True, kw_only=True)
class LayerRegularization(WeightRegularization):
    """All that a layer of Keras has of penalties and constraints, as ``fit`` takes them.

    Args:
        penalties, constraints: of weights, by target, as in ``WeightRegularization``.
        activation_penalty: of outputs, for ``fit``'s argument of this name; None for none.

    Raises:
        ValueError: as ``WeightRegularization``, or no ``ActivityPenalty``. Chapter 5.
    """

    activation_penalty: ActivityPenalty | None = None

    def __post_init__(self):
        super().__post_init__()
        if self.activation_penalty is not None:
            expected = "an ActivityPenalty or None (Keras has sums over steps, not means)"
            check_instance("activation_penalty", self.activation_penalty, ActivityPenalty, expected)
