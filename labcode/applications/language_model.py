"""A language model with every part of AWD-LSTM's recipe that belongs to the model, and what it writes."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from labcode._checks import check_instance, check_integer, check_number, check_one_of, expect
from labcode.applications.seq2seq import embed
from labcode.dropout import locked_dropout_torch
from labcode.lstm.module import RegularizedLSTM
from labcode.lstm.sequence_model import draw_mask
from labcode.training.batches import evaluation_mode, prepare_inputs

State = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Reading:
    """What a language model makes of a piece of text.

    Attributes:
        logits: of the character after each place, (B, T, V).
        state: (h, c) after the last step, to go on from.
        output: what the LSTM puts out, (B, T, H): what TAR keeps slow.
        dropped: the same as the head reads it, after layer norm and dropout: what AR keeps small.
    """

    logits: Tensor
    state: State
    output: Tensor
    dropped: Tensor


class LanguageModel(nn.Module):
    """Predict each next token of a text: an embedding, a ``RegularizedLSTM``, and a head over the vocabulary.

    Args:
        vocabulary_size: tokens there are, V.
        hidden_size: units per layer, H.
        embedding_size: numbers that stand for a token, E; None for as many as units.
        num_layers: layers of the LSTM.
        tie_weights: whether the head uses the embedding's matrix, (V, E); then E and H must be equal.
        layer_norm: whether what the head reads is brought to mean 0 and variance 1 over the units, then
            scaled and shifted by learned weights.
        embedding_dropout: rate at which, in training, whole tokens of the vocabulary are silenced, in [0, 1).
        output_dropout: rate at which, in training, units are dropped before the head reads them, one mask for
            the whole piece of text, in [0, 1).
        options: keyword arguments of ``RegularizedLSTM``: ``input_dropout`` (locked) for what the first layer
            reads, ``weight_drop``, ``recurrent_dropout``, ``zoneout_h``, ...

    Raises:
        ValueError: a size that is not a whole number of at least 1, a rate outside [0, 1), tied weights of
            two sizes, or an option that ``RegularizedLSTM`` refuses.

    Source: Merity, Keskar & Socher (2018), "Regularizing and optimizing LSTM language models"; Press & Wolf
        (2017) and Inan et al. (2017) for tied weights; Ba, Kiros & Hinton (2016) for layer norm. Chapter 8.
    """

    def __init__(
        self,
        vocabulary_size: int,
        hidden_size: int,
        embedding_size: int | None = None,
        num_layers: int = 1,
        *,
        tie_weights: bool = False,
        layer_norm: bool = False,
        embedding_dropout: float = 0.0,
        output_dropout: float = 0.0,
        **options,
    ):
        super().__init__()
        check_one_of("bidirectional", options.pop("bidirectional", False), (False,))
        vocabulary_size = check_integer("vocabulary_size", vocabulary_size, low=1)
        hidden_size = check_integer("hidden_size", hidden_size, low=1)
        embedding_size = hidden_size if embedding_size is None else embedding_size
        for name, rate in (("embedding_dropout", embedding_dropout), ("output_dropout", output_dropout)):
            expect(0 <= check_number(name, rate) < 1, name, "a probability to drop in [0, 1)", rate)
        self.embedding = nn.Embedding(vocabulary_size, check_integer("embedding_size", embedding_size, low=1))
        self.lstm = RegularizedLSTM(embedding_size, hidden_size, num_layers, batch_first=True, **options)
        self.norm = (
            nn.LayerNorm(hidden_size) if check_one_of("layer_norm", layer_norm, (True, False)) else None
        )
        self.head = nn.Linear(hidden_size, vocabulary_size)
        if check_one_of("tie_weights", tie_weights, (True, False)):
            expect(embedding_size == hidden_size, "embedding_size", f"{hidden_size}, tied", embedding_size)
            self.head.weight = self.embedding.weight
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)  # a matrix that is also the head's must be small
        self.embedding_dropout, self.output_dropout = embedding_dropout, output_dropout

    def read(
        self, tokens: Tensor, state: State | None = None, *, generator: torch.Generator | None = None
    ) -> Reading:
        """Read a piece of text, (B, T) int64, from a state on (None: from zero), and say all about it.

        Args:
            tokens: the piece.
            state: that of an earlier ``Reading``; gradients do not flow into what came before if it is
                detached.
            generator: source of dropout's masks, as in ``RegularizedLSTM``.
        """
        rate = self.embedding_dropout if self.training else 0.0
        embedded = embed(self.embedding, tokens, rate, None, generator)
        output, state = self.lstm(embedded, state, generator=generator)
        dropped = output if self.norm is None else self.norm(output)
        if self.training and self.output_dropout:
            mask = draw_mask(output, output.shape[::2], self.output_dropout, generator)
            dropped = locked_dropout_torch(dropped, mask)
        return Reading(self.head(dropped), state, output, dropped)

    def forward(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Return the logits, (B, T, V), of what follows each token of x, (B, T) int64."""
        return self.read(x, generator=generator).logits

    def extra_repr(self) -> str:
        """Return what ``print`` shows, and a checkpoint compares, beside the layers."""
        rates = {"embedding_dropout": self.embedding_dropout, "output_dropout": self.output_dropout}
        shown = [f"{name}={rate}" for name, rate in rates.items() if rate]
        return ", ".join(shown + ["tie_weights=True"] * (self.head.weight is self.embedding.weight))


def next_logits(model: LanguageModel, tokens) -> Tensor:
    """Return the logits of what comes after a text, (V,), in evaluation mode.

    Args:
        model: the model.
        tokens: the text, (T,) of whole numbers, an array or a tensor.

    Raises:
        ValueError: no text.

    Chapter 8.
    """
    expect(getattr(tokens, "ndim", 0) == 1, "tokens", "shape (any,)", getattr(tokens, "shape", None))
    (tokens,) = prepare_inputs(tokens[None], None, model)
    with evaluation_mode(model):
        return model(tokens)[0, -1]


def generate(
    model: LanguageModel, start, length: int, *, temperature: float = 1.0, generator: torch.Generator
) -> list[int]:
    """Let a model write on: draw each token from softmax(logits / temperature), and read it in turn.

    Args:
        model: a trained model; it is used in evaluation mode.
        start: the text to go on from, (T,) of whole numbers, an array or a tensor.
        length: tokens to write, at least 1.
        temperature: above 0; below 1 the probable becomes more probable, above 1 everything more alike.
        generator: draws the tokens, on the CPU.

    Returns:
        The tokens that were written, without the start.

    Raises:
        ValueError: an argument that does not fit.

    Chapter 8.
    """
    length, temperature = (
        check_integer("length", length, low=1),
        check_number("temperature", temperature, low=0.0),
    )
    expect(temperature > 0, "temperature", "a number above 0", temperature)
    check_instance("generator", generator, torch.Generator, "a torch.Generator")
    expect(getattr(start, "ndim", 0) == 1, "start", "shape (any,)", getattr(start, "shape", None))
    (tokens,), written, state = prepare_inputs(start[None], None, model), [], None
    with evaluation_mode(model):
        for _ in range(length):
            reading = model.read(tokens, state)
            state = reading.state
            chances = functional.softmax(reading.logits[0, -1] / temperature, dim=0)
            drawn = torch.multinomial(chances.to(generator.device), 1, generator=generator)
            written.append(int(drawn))
            tokens = drawn.to(tokens.device)[None]
    return written
