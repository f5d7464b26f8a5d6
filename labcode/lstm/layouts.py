"""The layouts in which ``torch.nn.LSTM`` takes sequences, each turned into batch first and back."""

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from labcode._checks import check_tensor, expect

State = tuple[Tensor, Tensor]


def to_batch_first(input: Tensor | PackedSequence, batch_first: bool) -> tuple[Tensor, Tensor | None]:
    """Return sequences as (B, T, F), and where packed ones have real steps, (B, T), else None.

    Args:
        input: (B, T, F) if ``batch_first``, else (T, B, F); one sequence, (T, F); or a ``PackedSequence``,
            whose sequences come back in the order in which they were packed.
        batch_first: as in ``torch.nn.LSTM``.

    Raises:
        ValueError: anything else.
    """
    if isinstance(input, PackedSequence):
        check_tensor("input", input.data)
        x, lengths = pad_packed_sequence(input, batch_first=True)
        return x, (torch.arange(x.shape[1], device=lengths.device) < lengths.unsqueeze(1)).to(x.device)
    check_tensor("input", input)
    sizes = "(B, T, F)" if batch_first else "(T, B, F)"
    expect(input.ndim in (2, 3), "input", f"shape {sizes}, or (T, F) of one sequence", tuple(input.shape))
    if input.ndim == 2:
        return input.unsqueeze(0), None
    return (input if batch_first else input.transpose(0, 1)), None


def from_batch_first(
    output: Tensor, state: State, input: Tensor | PackedSequence, batch_first: bool
) -> tuple[Tensor | PackedSequence, State]:
    """Return an output, (B, T, D*H), and a state in the layout that the input came in."""
    if isinstance(input, PackedSequence):
        return _pack_like(output, input), state
    if input.ndim == 2:
        h, c = state
        return output.squeeze(0), (h.squeeze(1), c.squeeze(1))
    return (output if batch_first else output.transpose(0, 1)), state


def _pack_like(output, packed):
    """Pack sequences in the order and with the lengths of those that are packed already."""
    if packed.sorted_indices is not None:
        output = output.index_select(0, packed.sorted_indices)
    sequences = torch.arange(output.shape[0], device=packed.batch_sizes.device).unsqueeze(1)
    lengths = (packed.batch_sizes > sequences).sum(dim=1)  # the longest first
    data = pack_padded_sequence(output, lengths, batch_first=True).data
    return PackedSequence(data, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
