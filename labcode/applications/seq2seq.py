"""Sequence to sequence: an encoder reads a sentence into a state, a decoder writes another from there."""

import torch
from torch import Tensor, nn

from labcode._checks import check_integer, check_number, check_one_of, expect
from labcode.data.dataset import IGNORED
from labcode.data.translation import PADDING, START
from labcode.dropout import embedding_dropout_torch, locked_dropout_torch
from labcode.lstm.module import RegularizedLSTM
from labcode.lstm.sequence_model import draw_mask


class Seq2Seq(nn.Module):
    """Translate sequences of tokens: the encoder's final (h, c) is where the decoder begins.

    In training, and when a loss is measured, the decoder reads the right tokens before the one that it
    predicts (teacher forcing). Tokens 0 to 3 are padding, unknown, start and end, in both vocabularies.

    Args:
        source_size: tokens of the source vocabulary.
        target_size: tokens of the target vocabulary, V.
        hidden_size: units per layer of both LSTMs, H.
        embedding_size: numbers that stand for a token, E.
        num_layers: layers of both LSTMs.
        output_dropout: rate at which, in training, units of the decoder's output are dropped before the head
            reads them, one mask for the whole sequence, in [0, 1).
        embedding_dropout: rate at which, in training, whole tokens of a vocabulary are silenced, in [0, 1).
        options: keyword arguments of both ``RegularizedLSTM``, such as ``recurrent_dropout``; both directions
            are not possible.

    Raises:
        ValueError: a size that is not a whole number of at least 1, a rate outside [0, 1), or an option that
            ``RegularizedLSTM`` refuses.

    Source: Sutskever, Vinyals & Le (2014), "Sequence to sequence learning with neural networks". Chapter 6.2.
    """

    teacher_forcing = True

    def __init__(
        self,
        source_size: int,
        target_size: int,
        hidden_size: int,
        embedding_size: int,
        num_layers: int = 1,
        *,
        output_dropout: float = 0.0,
        embedding_dropout: float = 0.0,
        **options,
    ):
        super().__init__()
        check_one_of("bidirectional", options.pop("bidirectional", False), (False,))
        sizes = {"source_size": source_size, "target_size": target_size, "embedding_size": embedding_size}
        sizes = {name: check_integer(name, size, low=1) for name, size in sizes.items()}
        for name, rate in (("output_dropout", output_dropout), ("embedding_dropout", embedding_dropout)):
            expect(0 <= check_number(name, rate) < 1, name, "a probability to drop in [0, 1)", rate)
        self.source_embedding = nn.Embedding(source_size, embedding_size, padding_idx=PADDING)
        self.target_embedding = nn.Embedding(target_size, embedding_size, padding_idx=PADDING)
        self.encoder = RegularizedLSTM(embedding_size, hidden_size, num_layers, batch_first=True, **options)
        self.decoder = RegularizedLSTM(embedding_size, hidden_size, num_layers, batch_first=True, **options)
        self.head = nn.Linear(hidden_size, target_size)
        self.output_dropout, self.embedding_dropout = output_dropout, embedding_dropout

    def forward(
        self,
        x: Tensor,
        padding_mask: Tensor | None = None,
        *,
        targets: Tensor,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Return the logits of each target token, given those before it.

        Args:
            x: source tokens, (B, T) int64.
            padding_mask: (B, T) bool, True at real tokens; None takes every token as real.
            targets: right tokens, (B, L) int64, the last real one is the end, -100 is padding.
            generator: source of dropout's masks, as in ``RegularizedLSTM``.

        Returns:
            Logits, (B, L, V).
        """
        start = targets.new_full((len(targets), 1), START)
        read = torch.cat([start, targets[:, :-1].masked_fill(targets[:, :-1] == IGNORED, PADDING)], dim=1)
        return self.decode(read, self.encode(x, padding_mask, generator), generator)[0]

    def encode(
        self, x: Tensor, padding_mask: Tensor | None = None, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the state (h, c) after the last real token, each (layers, B, H)."""
        embedded = self._embed(self.source_embedding, x, generator)
        return self.encoder(embedded, padding_mask=padding_mask, generator=generator)[1]

    def decode(
        self, tokens: Tensor, state: tuple[Tensor, Tensor], generator: torch.Generator | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the logits (B, L, V) of what follows each of the tokens (B, L), and the state after them."""
        embedded = self._embed(self.target_embedding, tokens, generator)
        output, state = self.decoder(embedded, state, generator=generator)
        if self.training and self.output_dropout:
            mask = draw_mask(output, output.shape[::2], self.output_dropout, generator)
            output = locked_dropout_torch(output, mask)
        return self.head(output), state

    def extra_repr(self) -> str:
        """Return what ``print`` shows, and a checkpoint compares, beside the layers."""
        rates = {"output_dropout": self.output_dropout, "embedding_dropout": self.embedding_dropout}
        return ", ".join(f"{name}={rate}" for name, rate in rates.items() if rate)

    def _embed(self, embedding: nn.Embedding, tokens: Tensor, generator: torch.Generator | None) -> Tensor:
        return embed(embedding, tokens, self.embedding_dropout if self.training else 0.0, None, generator)


def embed(
    embedding: nn.Embedding,
    tokens: Tensor,
    rate: float,
    row_mask: Tensor | None,
    generator: torch.Generator | None,
) -> Tensor:
    """Look tokens up, with embedding dropout: a given mask of the rows, or one drawn at a rate above 0.

    Args:
        embedding: V rows of E numbers.
        tokens: (B, T) int64.
        rate: rate at which rows are silenced; 0 for none.
        row_mask: inverted dropout mask of the rows, (V,), or None.
        generator: source of the mask; None is torch's default generator on the CPU.

    Returns:
        The embedded tokens, (B, T, E).
    """
    if row_mask is None and rate:
        row_mask = draw_mask(embedding.weight, embedding.weight.shape[:1], rate, generator)
    return (
        embedding(tokens) if row_mask is None else embedding_dropout_torch(embedding.weight, tokens, row_mask)
    )
