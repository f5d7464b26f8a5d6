"""Score a model after each epoch, by what people read, beside the losses that training watches."""

from collections.abc import Callable, Mapping

import torch
from torch import nn

from labcode._checks import expect
from labcode.data.dataset import Dataset
from labcode.experiments.methods import combine, training_options
from labcode.experiments.runs import Run, alone
from labcode.experiments.tasks import find_task, load
from labcode.training import fit, seeded


def train_scored(
    run: Run, score: Callable[[nn.Module, Dataset], Mapping[str, float]]
) -> tuple[nn.Module, dict[str, list[float]]]:
    """Train as ``runs.train`` does, to the same weights and losses, and score the model after each epoch.

    Args:
        run: what to train; for all its epochs, so without patience.
        score: function of (model, dataset) that returns numbers by name; it must not draw random numbers from
            torch's global generator.

    Returns:
        The model as the last epoch left it, and by epoch "train", "validation" and the scores.

    Raises:
        ValueError: a run with early stopping.

    Chapter 6.2.
    """
    expect(run.patience is None, "run", "one without patience, whose epochs are all trained", run.patience)
    dataset, effects, curves = load(run.task, run.seed), combine(dict(run.methods)), {}
    with alone(), seeded(run.seed):
        model = find_task(run.task).build(dataset, **(dict(run.model) | effects.model))
        generator = torch.Generator().manual_seed(run.seed)
        options = training_options(effects, model, run.learning_rate)
        options |= {"task": dataset.task, "batch_size": run.batch_size, "progress": False}
        for _ in range(run.epochs):
            history = fit(model, dataset.train, dataset.validation, epochs=1, generator=generator, **options)
            if history.interrupted:
                raise KeyboardInterrupt
            found = {"train": history.train_loss[0], "validation": history.validation_loss[0]}
            for name, value in (found | dict(score(model, dataset))).items():
                curves.setdefault(name, []).append(float(value))
    return model, curves
