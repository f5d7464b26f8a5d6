"""One training at one point of a search: strengths of methods, and a learning rate."""

from collections.abc import Mapping

import torch
from torch import nn

from labcode._checks import check_instance, check_number, expect
from labcode.applications.models import build_model
from labcode.data.dataset import Dataset, Split
from labcode.experiments.methods import combine, training_options
from labcode.search import Reporting
from labcode.training import fit, seeded

LEARNING_RATE = "learning_rate"


def train_point(
    dataset: Dataset,
    point: Mapping[str, float],
    *,
    seed: int,
    epochs: int,
    hidden: int = 32,
    batch_size: int = 32,
    validation: Split | None = None,
    report=None,
) -> nn.Module:
    """Train one LSTM for all epochs with the methods and the learning rate of a point.

    Args:
        dataset: what to learn; its test split is not touched.
        point: the strength of each method of ``labcode.experiments.methods`` by its name, where 0 leaves the
            method out, and "learning_rate", 0.01 by default.
        seed: draws the first weights, the order of the batches and the masks.
        epochs: passes over the training data.
        hidden: hidden units of the LSTM.
        batch_size: samples in a batch.
        validation: what is measured after each epoch; the dataset's validation split by default.
        report: function of that loss, such as the one that ``labcode.search.search`` gives to its objective.

    Returns:
        The model as the last epoch left it.

    Raises:
        ValueError: an unknown method, or a strength outside its range.
        FloatingPointError: a loss or a weight became NaN or infinite.

    Chapter 9.1.
    """
    check_instance("point", point, Mapping, "numbers by name")
    rate = check_number(LEARNING_RATE, point.get(LEARNING_RATE, 0.01))
    expect(rate > 0, LEARNING_RATE, "a number above 0", rate)
    effects = combine({name: value for name, value in point.items() if name != LEARNING_RATE and value != 0})
    stopping = None if report is None else Reporting(report, patience=epochs)  # it reports, and never stops
    with seeded(seed):
        model = build_model(dataset, hidden_size=hidden, **effects.model)
        fit(
            model,
            dataset.train,
            dataset.validation if validation is None else validation,
            epochs=epochs,
            generator=torch.Generator().manual_seed(seed),
            task=dataset.task,
            batch_size=batch_size,
            early_stopping=stopping,
            clip_norm=1.0,
            measure_train=False,
            progress=False,
            **training_options(effects, model, rate),
        )
    return model
