"""Two successors of the LSTM as language models: a causal Transformer and a linear state-space model.

Both read a window of text at once, without a step-by-step loop, and are as small as they can be, one layer:
they are here for the question which regularizers carry over. ``labcode.training.fit`` trains them, with
``task="sequence"``.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from labcode._checks import check_integer, check_number, check_one_of, check_shape, expect
from labcode.applications.seq2seq import embed

HEADS = 4
LONGEST = 512  # characters in a window of the Transformer, which has a learned vector for each place


class StateSpace(nn.Module):
    """Run a linear recurrence with one memory for each unit: h_t = a h_(t-1) + (B u)_t, y = C h.

    a lies between 0 and 1, is learned, and does not depend on the input. So the whole sequence is one
    convolution with the kernel a^0, a^1, a^2, ..., and there is no gate and no tanh on the way through time.

    Args:
        size: units, H.

    Source: Gu, Goel & Ré (2022), "Efficiently modeling long sequences with structured state spaces", whose
        matrix A is taken as diagonal and real. Chapter 8.
    """

    def __init__(self, size: int):
        super().__init__()
        self.read, self.write = nn.Linear(size, size), nn.Linear(size, size)
        self.log_rate = nn.Parameter(torch.linspace(-4.0, 1.0, size, device=self.read.weight.device))

    def forward(self, u: Tensor) -> Tensor:
        """Return y, (B, T, H), for u, (B, T, H)."""
        check_shape("u", u, (None, None, len(self.log_rate)))
        steps = torch.arange(u.shape[1], device=u.device, dtype=u.dtype)
        kernel = torch.exp(-steps[:, None] * self.log_rate.exp())
        length = 2 * u.shape[1]
        spectrum = torch.fft.rfft(self.read(u), length, dim=1) * torch.fft.rfft(kernel, length, dim=0)
        return self.write(torch.fft.irfft(spectrum, length, dim=1)[:, : u.shape[1]])


class WindowModel(nn.Module):
    """Predict each next token of a window: an embedding, one residual block of a kind, and a head.

    Args:
        vocabulary_size: tokens there are, V.
        size: numbers that stand for a token, and units, H, a multiple of 4.
        kind: "transformer" or "state space".
        dropout: rate of the block's own dropout, a new mask at each place, in [0, 1).
        embedding_dropout: rate at which, in training, whole tokens are silenced, in [0, 1).
        tie_weights: whether the head uses the embedding's matrix.

    Raises:
        ValueError: a size, kind or rate that does not fit.

    Source: Vaswani et al. (2017), "Attention is all you need", for the Transformer. Chapter 8.
    """

    def __init__(
        self,
        vocabulary_size: int,
        size: int,
        kind: str,
        *,
        dropout: float = 0.0,
        embedding_dropout: float = 0.0,
        tie_weights: bool = False,
    ):
        super().__init__()
        expect(check_integer("size", size, low=1) % HEADS == 0, "size", f"a multiple of {HEADS}", size)
        for name, rate in (("dropout", dropout), ("embedding_dropout", embedding_dropout)):
            expect(0 <= check_number(name, rate) < 1, name, "a probability to drop in [0, 1)", rate)
        self.kind, self.embedding_dropout = (
            check_one_of("kind", kind, ("transformer", "state space")),
            embedding_dropout,
        )
        self.embedding = nn.Embedding(check_integer("vocabulary_size", vocabulary_size, low=1), size)
        self.dropout = nn.Dropout(dropout)
        self.block: nn.TransformerEncoderLayer | StateSpace
        if kind == "transformer":
            self.places = nn.Embedding(LONGEST, size)
            self.block = nn.TransformerEncoderLayer(
                size, HEADS, 2 * size, dropout, activation="gelu", batch_first=True, norm_first=True
            )
        else:
            self.block, self.norm = StateSpace(size), nn.LayerNorm(size)
        self.last_norm, self.head = nn.LayerNorm(size), nn.Linear(size, vocabulary_size)
        if check_one_of("tie_weights", tie_weights, (True, False)):
            self.head.weight = self.embedding.weight
            nn.init.normal_(self.embedding.weight, std=size**-0.5)

    def forward(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Return the logits, (B, T, V), of what follows each token of x, (B, T) int64.

        The generator is that of the embedding's mask; torch's layers draw theirs from its global one.
        """
        rate = self.embedding_dropout if self.training else 0.0
        embedded = self.dropout(embed(self.embedding, x, rate, None, generator))
        if self.kind == "transformer":
            steps = x.shape[1]
            expect(steps <= LONGEST, "x", f"at most {LONGEST} steps", steps)
            later = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
            places = self.places(torch.arange(steps, device=x.device))
            out = self.block(embedded + places, src_mask=later)
        else:
            out = embedded + self.dropout(functional.gelu(self.block(self.norm(embedded))))
        return self.head(self.last_norm(out))

    def extra_repr(self) -> str:
        """Return what ``print`` shows, and a checkpoint compares, beside the layers."""
        return f"kind={self.kind!r}, embedding_dropout={self.embedding_dropout}"
