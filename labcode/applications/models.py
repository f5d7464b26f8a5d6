"""The model of each application: one LSTM over features or tokens, or an encoder and a decoder."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from labcode._checks import check_integer, check_number, check_one_of, check_shape, expect
from labcode.applications.seq2seq import Seq2Seq, embed
from labcode.data.dataset import Dataset
from labcode.lstm.sequence_model import SequenceModel

SETTINGS = {  # for each task, sizes at which one unregularized LSTM trains in seconds and overfits
    "text": {"hidden_size": 64, "embedding_size": 16, "epochs": 30, "learning_rate": 5e-3, "batch_size": 64},
    "translation": {
        "hidden_size": 128,
        "embedding_size": 64,
        "epochs": 25,
        "learning_rate": 5e-3,
        "batch_size": 64,
    },
    "speech": {"hidden_size": 64, "epochs": 40, "learning_rate": 3e-3, "batch_size": 32},
    "stocks": {"hidden_size": 64, "epochs": 30, "learning_rate": 3e-3, "batch_size": 32},
    "weather": {"hidden_size": 64, "epochs": 40, "learning_rate": 3e-3, "batch_size": 32},
}


class PaddedModel(SequenceModel):
    """Read the LSTM's output at each sequence's last real step: a fast ``SequenceModel`` for right padding.

    What a unidirectional LSTM puts out at a step does not depend on the steps after it. So where padding
    stands only at the end, as it has to here, the LSTM can run over it, on torch's fused kernel, and give the
    same result as ``SequenceModel``, which takes a loop over the steps. ``fit`` leaves the steps of padding
    out of activation penalties.

    Args:
        arguments, options: those of ``SequenceModel``.

    Raises:
        ValueError: two directions, or an argument that ``SequenceModel`` refuses.

    Chapter 6.
    """

    def __init__(self, *arguments, **options):
        check_one_of("bidirectional", options.pop("bidirectional", False), (False,))
        super().__init__(*arguments, **options)

    def _last_output(self, x: Tensor, padding_mask: Tensor | None, **options) -> Tensor:
        if padding_mask is None:
            return super()._last_output(x, None, **options)
        check_shape("padding_mask", padding_mask, tuple(x.shape[:2]))
        output, _ = self.lstm(x, **options)
        last = padding_mask.sum(dim=1).sub(1).clamp(min=0)
        return output.take_along_dim(last[:, None, None], dim=1).squeeze(1)


class TokenModel(PaddedModel):
    """Map each sequence of tokens to ``output_size`` numbers: an embedding before a ``PaddedModel``.

    Args:
        vocabulary_size: tokens there are, V; number 0 is padding.
        embedding_size: numbers that stand for a token, E.
        hidden_size: units per layer and direction, H.
        output_size: numbers per sequence: targets, or one logit per class.
        num_layers: layers of the LSTM.
        embedding_dropout: rate at which, in training, whole tokens of the vocabulary are silenced, in [0, 1).
        options: keyword arguments of ``SequenceModel``, such as ``output_dropout`` or ``recurrent_dropout``.

    Raises:
        ValueError: a size that is not a whole number of at least 1, a rate outside [0, 1), or an option that
            ``SequenceModel`` refuses.

    Chapter 6.1.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_size: int,
        hidden_size: int,
        output_size: int,
        num_layers: int = 1,
        *,
        embedding_dropout: float = 0.0,
        **options,
    ):
        super().__init__(embedding_size, hidden_size, output_size, num_layers, **options)
        vocabulary_size = check_integer("vocabulary_size", vocabulary_size, low=1)
        rate = check_number("embedding_dropout", embedding_dropout)
        expect(0 <= rate < 1, "embedding_dropout", "a probability to drop in [0, 1)", rate)
        self.embedding = nn.Embedding(vocabulary_size, embedding_size, padding_idx=0)
        self.embedding_dropout = embedding_dropout

    def forward(
        self,
        x: Tensor,
        padding_mask: Tensor | None = None,
        *,
        masks: Mapping[str, Tensor] | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Return (B, output_size) for tokens x, (B, T) int64; the rest is as in ``PaddedModel``.

        Among the masks, "embedding" is the one on the vocabulary's rows, (V,).
        """
        row_mask = None
        if masks is not None:
            masks = dict(masks)
            row_mask = masks.pop("embedding", None)
        rate = self.embedding_dropout if self.training and masks is None else 0.0
        embedded = embed(self.embedding, x, rate, row_mask, generator)
        return super().forward(embedded, padding_mask, masks=masks, generator=generator)

    def extra_repr(self) -> str:
        """Return what ``print`` shows, and a checkpoint compares, beside the layers."""
        own = f"embedding_dropout={self.embedding_dropout}" if self.embedding_dropout else ""
        return ", ".join(filter(None, (super().extra_repr(), own)))


def build_model(
    dataset: Dataset, *, hidden_size: int = 64, embedding_size: int = 32, num_layers: int = 1, **options
) -> nn.Module:
    """Make a model that fits a dataset, with new random weights (see ``labcode.training.seeded``).

    Args:
        dataset: gives the task and the sizes of inputs and outputs.
        hidden_size: units per layer and direction, H.
        embedding_size: numbers that stand for a token, E; for tokens only.
        num_layers: layers of each LSTM.
        options: regularizers of the model: every keyword of ``RegularizedLSTM`` (for a translation, of both
            LSTMs), ``output_dropout`` and, for tokens, ``embedding_dropout``.

    Returns:
        A ``SequenceModel``, ``PaddedModel``, ``TokenModel`` or ``Seq2Seq``, to be trained by
        ``labcode.training.fit`` with ``task=dataset.task``.

    Raises:
        ValueError: a bad size or option.

    Chapter 6.
    """
    sizes = {"hidden_size": hidden_size, "num_layers": num_layers}
    if dataset.task == "sequence":
        sizes |= {"embedding_size": embedding_size}
        return Seq2Seq(len(dataset.vocabulary), len(dataset.target_vocabulary), **sizes, **options)
    outputs = len(dataset.classes) if dataset.task == "classification" else dataset.train.y.shape[1]
    if dataset.vocabulary:
        sizes |= {"embedding_size": embedding_size}
        return TokenModel(len(dataset.vocabulary), output_size=outputs, **sizes, **options)
    kind = SequenceModel if dataset.train.padding_mask is None else PaddedModel
    return kind(dataset.train.x.shape[2], output_size=outputs, **sizes, **options)
