"""One training of one model, with everything random drawn from one seed."""

from collections.abc import Mapping

import torch

from labcode.data import Dataset
from labcode.lstm import SequenceModel
from labcode.training import History, fit, seeded


def train_once(
    dataset: Dataset,
    *,
    seed: int,
    hidden: int = 64,
    epochs: int = 40,
    learning_rate: float = 3e-3,
    train: tuple | None = None,
    model_options: Mapping | None = None,
    **options,
) -> tuple[SequenceModel, History]:
    """Train one LSTM on a dataset, with everything random drawn from one seed.

    Two calls with the same seed start from the same weights and see the same batches, so that what differs
    between them is the setting that differs: they are a pair.

    Args:
        dataset: what to learn; its test split is not touched.
        seed: draws the initial weights, the order of the batches and the dropout masks.
        hidden: hidden units of the LSTM.
        epochs: passes over the training data.
        learning_rate: of the Adam optimizer.
        train: inputs and targets to use in place of ``dataset.train``.
        model_options: keyword arguments of the model, such as ``{"recurrent_dropout": 0.25}``.
        options: anything else that `labcode.training.fit` takes: a penalty, early stopping, clipping.

    Returns:
        The model as training left it, and the history of its losses.

    Chapter: 1.1.
    """
    with seeded(seed):
        sizes = (dataset.train.x.shape[2], hidden, dataset.train.y.shape[1])
        model = SequenceModel(*sizes, **(model_options or {}))
        history = fit(
            model,
            dataset.train if train is None else train,
            dataset.validation,
            optimizer=torch.optim.Adam(model.parameters(), lr=learning_rate),
            epochs=epochs,
            generator=torch.Generator().manual_seed(seed),
            **options,
        )
    return model, history
