"""One training of one model of an experiment, with everything random drawn from one seed."""

from collections.abc import Callable, Mapping

import torch
from torch import nn

from labcode.applications.models import build_model
from labcode.data import Dataset
from labcode.experiments.methods import combine, training_options
from labcode.training import History, fit, seeded


def train_model(
    dataset: Dataset,
    *,
    seed: int,
    build: Callable[..., nn.Module] = build_model,
    model_options: Mapping[str, object] | None = None,
    methods: Mapping[str, float] | None = None,
    learning_rate: float = 3e-3,
    train: tuple | None = None,
    validation: tuple | None = None,
    **options,
) -> tuple[nn.Module, History]:
    """Make and train one model of an experiment; all of them do it here.

    Call it inside ``seeded``, as ``train_once`` does: first weights and masks are drawn from torch's global
    generator, and what follows in the block draws on.

    Args:
        dataset: what to learn; its test split is not touched.
        seed: draws the order of the batches.
        build: function of (dataset, options by keyword) that makes the model.
        model_options: those options, such as ``{"hidden_size": 32, "recurrent_dropout": 0.25}``.
        methods: strength by name of a method of ``labcode.experiments.methods``, such as ``{"l2": 0.01}``; 0
            leaves the method out.
        learning_rate: of the optimizer: Adam, unless a method needs another.
        train: inputs and targets to use in place of ``dataset.train``.
        validation: what to measure after each epoch in place of ``dataset.validation``.
        options: anything else that ``labcode.training.fit`` takes.

    Returns:
        The model as training left it, and the history of its losses.

    Raises:
        ValueError: an unknown method, or an argument that does not fit.
        FloatingPointError: a loss or a weight became NaN or infinite.
        KeyboardInterrupt: the training was interrupted; half a run is no result.
    """
    effects = combine({name: strength for name, strength in (methods or {}).items() if strength})
    model = build(dataset, **(dict(model_options or {}) | effects.model))
    history = fit(
        model,
        dataset.train if train is None else train,
        dataset.validation if validation is None else validation,
        generator=torch.Generator().manual_seed(seed),
        task=dataset.task,
        **training_options(effects, model, learning_rate),
        **options,
    )
    if history.interrupted:
        raise KeyboardInterrupt
    return model, history


def train_once(
    dataset: Dataset, *, seed: int, hidden: int = 64, epochs: int = 40, **options
) -> tuple[nn.Module, History]:
    """Train one LSTM on a dataset, with everything random drawn from one seed.

    Two calls with the same seed start from the same weights and see the same batches, so that what differs
    between them is the setting that differs: they are a pair.

    Args:
        dataset: what to learn; its test split is not touched.
        seed: draws the initial weights, the order of the batches and the dropout masks.
        hidden: hidden units of the LSTM.
        epochs: passes over the training data.
        options: anything else that ``train_model`` or `labcode.training.fit` takes: ``model_options``,
            ``methods``, ``learning_rate``, a penalty, early stopping, clipping.

    Returns:
        The model as training left it, and the history of its losses.

    Chapter: 1.1.
    """
    sizes = {"hidden_size": hidden} | dict(options.pop("model_options", None) or {})
    with seeded(seed):
        return train_model(dataset, seed=seed, epochs=epochs, model_options=sizes, **options)
