"""Runs with one planted fault each, on real data: what a diagnosis learns from and is tested on.

The test part of a task is never touched: what a run calls its fresh data comes out of the training and
validation parts.
"""

from dataclasses import replace

import numpy as np
from torch import nn

from labcode._checks import check_one_of
from labcode.applications.baselines import logistic_regression, ridge_predictions
from labcode.applications.metrics import item_losses
from labcode.applications.models import build_model
from labcode.data.dataset import Dataset, Split, group_places, join
from labcode.early_stopping import EarlyStopping
from labcode.experiments.planted_faults import FAULTS, with_inputs
from labcode.experiments.seeded_training import train_model
from labcode.experiments.standard_error import gap_error
from labcode.training import evaluate, predict, seeded
from labcode.training.diagnose import CASES
from labcode.training.history import History

DAYS = {"seattle_weather": (24, 4), "new_york_weather": (6, 1)}  # of a block, and left out at its start


def redrawn(dataset: Dataset, seed: int, *, split: str = "blocks", scale: str = "train") -> Dataset:
    """Share out the training and validation samples anew; in the place of the test part stand fresh data.

    Half of the groups of samples are for training, a quarter each for validation and as fresh data. In a time
    series a group is a block of neighbouring days; its first days are left out, to keep blocks apart.

    Args:
        dataset: a task; its own test part is dropped.
        seed: draws the groups.
        split: "blocks", or "shuffled", a leak: single windows of a time series, which overlap, are drawn.
        scale: inputs are standardized with the "train" part or, a leak, with "all" of them.

    Returns:
        A dataset whose ``test`` are the fresh data.

    Raises:
        ValueError: another split or scale.

    Chapter 9.2.
    """
    check_one_of("split", split, ("blocks", "shuffled"))
    check_one_of("scale", scale, ("train", "all"))
    pool = join(dataset.train, dataset.validation)
    if pool.dates is not None:
        length, purged = DAYS[dataset.name]
        day = (pool.dates - pool.dates.min()).astype(int)
        groups = day // length if split == "blocks" else np.arange(len(day))
        pool = replace(pool, groups=groups.astype(str)).subset(day % length >= purged)
    assert pool.groups is not None
    place = group_places(pool.groups, seed)
    share = place / (place.max() + 1)
    parts = [pool.subset((share >= low) & (share < high)) for low, high in ((0, 0.5), (0.5, 0.75), (0.75, 1))]
    if dataset.mean is not None:
        parts = _standardized(parts, pool if scale == "all" else parts[0])
    train, validation, test = parts
    return replace(dataset, train=train, validation=validation, test=test)


def run_with_fault(dataset: Dataset, case: str, seed: int) -> dict:
    """Train one model with one planted fault, and make every check that ``diagnose`` can use.

    Args:
        dataset: a task; see :func:`redrawn`.
        case: the fault, one of ``labcode.training.diagnose.CASES``.
        seed: draws the parts, the fault's kind and strength, first weights, batches and masks.

    Returns:
        "case" and "kind"; "history", what ``History.to_dict`` gives; and "checks", arguments of ``diagnose``.

    Raises:
        ValueError: another case.

    Chapter 9.2.
    """
    number = CASES.index(check_one_of("case", case, CASES))
    rng = np.random.default_rng([seed, number])
    kind, settings, data = FAULTS[case](redrawn(dataset, seed), rng)
    with seeded(seed):
        model, history = trained(data, settings, seed, left_on=case == "dropout left on")
        again = [evaluate(model, data.validation, data.task)["loss"] for _ in range(3)]
        fresh = evaluate(model, data.test, data.task)["loss"]
        parts = (data.validation, data.test)
        outputs = [predict(model, part.x, part.padding_mask).numpy() for part in parts]
    losses = [item_losses(data.task, *one) for one in zip(outputs, (part.y for part in parts), strict=True)]
    simple = simple_item_losses(data)
    checks = {
        "baseline": [float(of_part.mean()) for of_part in simple],
        "again": again,
        "samples": len(data.validation.y),
        "fresh": fresh,
        "errors": known_errors(fresh=(losses, parts), baseline=(simple, (data.train, data.validation))),
    }
    return {"case": case, "kind": kind, "history": history.to_dict(), "checks": checks}


def trained(
    data: Dataset, settings: dict, seed: int, *, left_on: bool = False, **options
) -> tuple[nn.Module, History]:
    """Train a model with settings such as ``SOUND``; call it inside ``seeded``.

    Args:
        data: what to learn.
        settings: hidden units, rates of dropout, strength of L2, learning rate, epochs and patience.
        seed: draws the order of the batches.
        left_on: whether the model drops in evaluation, too.
        options: anything else that ``train_model`` takes, such as ``train``, what to train on.
    """
    rates = {name: rate for name, rate in settings.items() if name.endswith("dropout")}
    if settings["patience"] is not None:
        options["early_stopping"] = EarlyStopping(patience=settings["patience"], restore_best_weights=True)
    return train_model(
        data,
        seed=seed,
        build=build_left_on if left_on else build_model,
        model_options={"hidden_size": settings["hidden"], "embedding_size": 16} | rates,
        methods={"l2": settings["l2"]},
        learning_rate=settings["rate"],
        epochs=settings["epochs"],
        batch_size=64 if len(options.get("train", data.train).y) >= 300 else 32,
        progress=False,
        **options,
    )


class DropoutLeftOn(nn.Module):
    """A model with a mistake: it switches itself to training at each call, so that it always drops."""

    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner = inner

    def forward(self, *args, **options):
        """Return what the model inside returns in training."""
        self.inner.train()
        return self.inner(*args, **options)


def build_left_on(data: Dataset, **options) -> DropoutLeftOn:
    """Make a model as ``build_model`` does, with that mistake."""
    return DropoutLeftOn(build_model(data, **options))


def known_errors(**differences: tuple) -> dict[str, float]:
    """Return the standard errors that ``diagnose`` takes, by name, of pairs of losses and of parts.

    What stands in one group alone (one block of days) has none, and is left out.
    """
    return {
        name: gap_error(losses[0], losses[1], units=(parts[0].groups, parts[1].groups))
        for name, (losses, parts) in differences.items()
        if all(len(np.unique(part.groups)) > 1 for part in parts)
    }


def simple_losses(data: Dataset) -> list[float]:
    """Return the training and the validation loss of a model too simple to overfit much."""
    return [float(losses.mean()) for losses in simple_item_losses(data)]


def simple_item_losses(data: Dataset) -> list[np.ndarray]:
    """Return the losses of the training and of the validation samples, by a model too simple to overfit much.

    It is linear in a summary: the last step of a regression's window, the mean over the frames of a
    recording, the share of each character in a text.
    """

    def summary(split):
        if data.vocabulary:
            counts = np.stack([(split.x == token).sum(axis=1) for token in range(len(data.vocabulary))], 1)
            counts[:, 0] = 0
            return counts / counts.sum(axis=1, keepdims=True) * 10.0
        if split.padding_mask is None:
            return split.x[:, -1].astype(np.float64)
        real = split.padding_mask[:, :, None]
        return (split.x * real).sum(axis=1, dtype=np.float64) / real.sum(axis=1)

    known, strength = (summary(data.train), data.train.y), 0.03 * len(data.train.y)
    losses = []
    for split in (data.train, data.validation):
        if data.task == "regression":
            outputs = ridge_predictions(*known, summary(split), strength)
        else:
            outputs = logistic_regression(*known, summary(split), classes=len(data.classes), lam=strength)
        losses.append(item_losses(data.task, outputs, split.y))
    return losses


def _standardized(parts: list[Split], by: Split) -> list[Split]:
    real = by.x.reshape(-1, by.x.shape[2]) if by.padding_mask is None else by.x[by.padding_mask]
    mean, std = real.mean(axis=0), real.std(axis=0)
    return [with_inputs(part, (part.x - mean) / std) for part in parts]
