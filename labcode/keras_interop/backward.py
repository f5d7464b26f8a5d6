"""An LSTM that reads each sequence from its end, as ``go_backwards=True`` of Keras does."""

from collections.abc import Mapping

import torch
from torch import Tensor

from labcode._checks import expect
from labcode.lstm.layouts import State
from labcode.lstm.module import RegularizedLSTM


class BackwardLSTM(RegularizedLSTM):
    """Read each sequence from its last step to its first; what is put out stands in the order of reading.

    So the first output is that of the last step, as in Keras, where ``Bidirectional`` turns it round. All
    else, weights and masks included, is as in ``RegularizedLSTM``.

    Args:
        sizes, options: as ``RegularizedLSTM`` takes them, with one direction.

    Raises:
        ValueError: two directions, or what ``RegularizedLSTM`` refuses. Chapter 5.

    >>> lstm = BackwardLSTM(3, 4, batch_first=True)
    >>> x = torch.randn(2, 5, 3)
    >>> torch.equal(lstm(x)[0], RegularizedLSTM.forward(lstm, x.flip(1))[0])
    True
    """

    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        received = self.bidirectional
        expect(not received, "bidirectional", "False (a RegularizedLSTM reads in both directions)", received)

    def forward(  # type: ignore[override] # takes no packed sequences
        self,
        input: Tensor,
        hx: State | None = None,
        *,
        padding_mask: Tensor | None = None,
        masks: Mapping[str, Tensor] | None = None,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, State]:
        """Return outputs in the order of reading and the final state, as ``RegularizedLSTM`` does.

        Args:
            input, hx, padding_mask, masks, generator: as there, steps in the order of time; of masks that
                differ by step the first is for the step that is read first.

        Raises:
            ValueError: as there, and for a ``PackedSequence``.
        """
        expected = "a tensor (pad packed sequences, and pass a padding_mask)"
        expect(isinstance(input, Tensor), "input", expected, type(input))
        time = 1 if self.batch_first and input.ndim == 3 else 0
        turned = input.flip(time) if input.ndim > time else input
        if isinstance(padding_mask, Tensor) and padding_mask.ndim == 2:
            padding_mask = padding_mask.flip(1)
        return super().forward(  # type: ignore[return-value] # of a tensor, a tensor
            turned, hx, padding_mask=padding_mask, masks=masks, generator=generator
        )
