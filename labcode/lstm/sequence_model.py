"""A model with one LSTM: sequences in, a few numbers out."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from labcode._checks import check_instance, check_integer, check_number, expect
from labcode.dropout import dropout_mask_torch, dropout_torch
from labcode.lstm.module import RegularizedLSTM


class SequenceModel(nn.Module):
    """Map each sequence to ``output_size`` numbers, by a linear head on what the LSTM holds at its end.

    The head reads the last layer's final h: the output of the last real step or, with two directions, that of
    both, each having read the whole sequence. In training, dropout may stand between the two.

    Args:
        input_size: features per step, F.
        hidden_size: units per layer and direction, H.
        output_size: numbers per sequence: targets, or one logit per class.
        num_layers: layers of the LSTM.
        output_dropout: rate at which, in training, single units of the final h are dropped before the head
            reads them, in [0, 1).
        options: keyword arguments of ``RegularizedLSTM``, such as ``bidirectional`` or ``recurrent_dropout``.

    Raises:
        ValueError: a size that is not a whole number of at least 1, or an option that ``RegularizedLSTM``
            refuses.

    Chapter 1.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        num_layers: int = 1,
        *,
        output_dropout: float = 0.0,
        **options,
    ):
        super().__init__()
        output_size = check_integer("output_size", output_size, low=1)
        rate = check_number("output_dropout", output_dropout)
        expect(0 <= rate < 1, "output_dropout", "a probability to drop in [0, 1)", rate)
        self.lstm = RegularizedLSTM(input_size, hidden_size, num_layers, batch_first=True, **options)
        self.output_dropout = output_dropout
        place: dict[str, Any] = {name: options.get(name) for name in ("device", "dtype")}
        self.head = nn.Linear(self.lstm.num_directions * hidden_size, output_size, **place)

    def forward(
        self,
        x: Tensor,
        padding_mask: Tensor | None = None,
        *,
        masks: Mapping[str, Tensor] | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Return (B, output_size) for sequences x (B, T, F), called as ``RegularizedLSTM`` is.

        Among the masks, "output" is the one on what the head reads, (B, D*H).
        """
        output_mask = None
        if masks is not None:
            check_instance("masks", masks, Mapping, "masks by name")
            masks = dict(masks)
            output_mask = masks.pop("output", None)
        read = self._last_output(x, padding_mask, masks=masks, generator=generator)
        if masks is None and self.training and self.output_dropout:
            output_mask = draw_mask(read, read.shape, self.output_dropout, generator)
        return self.head(read if output_mask is None else dropout_torch(read, output_mask))

    def extra_repr(self) -> str:
        """Return what ``print`` shows, and a checkpoint compares, beside the layers: the head's dropout."""
        return f"output_dropout={self.output_dropout}" if self.output_dropout else ""

    def _last_output(self, x: Tensor, padding_mask: Tensor | None, **options) -> Tensor:
        """Return what the head reads, (B, D*H)."""
        _, (h_n, _) = self.lstm(x, padding_mask=padding_mask, **options)
        return h_n[-self.lstm.num_directions :].transpose(0, 1).flatten(1)


def draw_mask(x: Tensor, shape: Sequence[int], p: float, generator: torch.Generator | None) -> Tensor:
    """Draw an inverted dropout mask with the dtype and device of x; None is torch's own generator."""
    generator = torch.default_generator if generator is None else generator
    return dropout_mask_torch(shape, p, generator=generator, dtype=x.dtype).to(x.device)
