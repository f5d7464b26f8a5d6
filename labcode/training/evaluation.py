"""A model measured, and its predictions: in evaluation mode, without gradients."""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from labcode._checks import expect
from labcode.training.batches import evaluation_mode, prepare, prepare_inputs, prepare_targets, run
from labcode.training.losses import (
    Loss,
    LossFunction,
    Metrics,
    check_metrics,
    find_loss,
    full_precision,
    in_batches,
    select_real,
)

EVALUATION_BATCH = 256


def evaluate(
    model: nn.Module,
    data: Iterable,
    task: str = "regression",
    *,
    loss: str | LossFunction | None = None,
    metrics: Metrics | None = None,
) -> dict[str, float]:
    """Measure a model's mean loss on data, in evaluation mode and without gradients.

    Losses are computed in at least float32, whatever the model's dtype. Padded steps count in none of the
    numbers. A loss of one's own, and metrics, are computed once, on the predictions of all data.

    Args:
        model: called as ``model(x)`` or ``model(x, padding_mask)``; its mode is as before afterwards.
        data: ``(x, y)`` or ``(x, y, padding_mask)``, as for :func:`labcode.training.fit`.
        task: "regression" (mean squared error), "classification" (cross-entropy) or "sequence" (the same,
            the mean over all real tokens).
        loss, metrics: as for :func:`labcode.training.fit`.

    Returns:
        "loss", "accuracy" (the share of right classes or tokens) unless it is a regression, and the metrics.

    Raises:
        ValueError: data that do not fit the model or the task, or a loss or a metric that does not fit them.

    >>> x, y = torch.zeros(2, 5, 3), torch.tensor([[1.0], [3.0]])
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(15, 1, bias=False))
    >>> evaluate(model, (x, y), loss="mae", metrics={"worst": lambda p, t: (p - t).abs().max()})
    {'loss': 2.0, 'worst': 3.0}

    Chapter: 1.2.
    """
    found = find_loss(task, loss)
    return measure(model, prepare("data", data, model, found), found, check_metrics(metrics))


def predict(
    model: nn.Module,
    x: np.ndarray | Tensor,
    padding_mask: np.ndarray | Tensor | None = None,
    *,
    targets: np.ndarray | Tensor | None = None,
) -> Tensor:
    """Compute a model's outputs in evaluation mode (without dropout) and without gradients.

    Args:
        model: called as ``model(x)`` or ``model(x, padding_mask)``; its mode is as before afterwards.
        x: inputs, (N, T, F) of floats, or (N, T) of whole numbers, the tokens.
        padding_mask: (N, T) of booleans, True for a real step, or None.
        targets: (N, L) of whole numbers, for a model with teacher forcing; None for others.

    Returns:
        The outputs, (N, outputs) or (N, L, classes), on the CPU.

    Raises:
        ValueError: inputs of another shape or kind, empty, or not finite.

    Chapter: 1.2.
    """
    x, *mask = prepare_inputs(x, padding_mask, model)
    forced = getattr(model, "teacher_forcing", False)
    expect(forced == (targets is not None), "targets", "targets if the model has teacher forcing", targets)
    y = prepare_targets(targets, model) if forced else x
    expect(len(y) == len(x), "targets", f"{len(x)} of them, as many as samples", len(y))
    with evaluation_mode(model):
        batches = zip(*(tensor.split(EVALUATION_BATCH) for tensor in (x, y, *mask)), strict=True)
        return torch.cat([run(model, x, y, mask) for x, y, *mask in batches]).cpu()


def measure(model: nn.Module, tensors: Sequence[Tensor], loss: Loss, metrics: Metrics) -> dict[str, float]:
    """Measure one split, which ``prepare`` has checked; the rest is as in :func:`evaluate`."""
    like, kept = next(model.parameters()), []
    total, right, entries = sum_of_losses(like), sum_of_losses(like), 0
    with evaluation_mode(model):
        for x, y, mask, count in in_batches(tensors, EVALUATION_BATCH, loss.task):
            prediction = full_precision(run(model, x, y, mask))
            entries += count
            if loss.name is not None:  # a mean over entries: that of a split is made of those of its batches
                total += loss(prediction, y, mask, count) * count
            if loss.name is None or metrics:
                kept.append(select_real(loss.task, prediction, y, mask, count))
            if loss.task != "regression":
                right += (prediction.argmax(dim=-1) == y).sum()
        found = {"loss": total.item() / entries}
        if loss.task != "regression":
            found["accuracy"] = right.item() / entries
        if kept:
            prediction, y = (torch.cat(parts) for parts in zip(*kept, strict=True))
            if loss.name is None:
                found["loss"] = loss.function(prediction, y).mean().item()
            if metrics:
                prediction, y = prediction.cpu(), y.cpu()
            found |= {name: _number(name, metric(prediction, y)) for name, metric in metrics.items()}
    return found


def measure_splits(
    model: nn.Module, splits: Mapping[str, Sequence[Tensor]], loss: Loss, metrics: Metrics
) -> dict[str, float]:
    """Measure several splits, under the names of the history, such as "validation_loss"."""
    return {
        f"{split}_{name}": value
        for split, tensors in splits.items()
        for name, value in measure(model, tensors, loss, metrics).items()
    }


def sum_of_losses(like: Tensor) -> Tensor:
    """Start a sum on the device, so that the loop never waits for it, in at least float32."""
    return like.new_zeros((), dtype=torch.promote_types(like.dtype, torch.float32))


def _number(name: str, value: Any) -> float:
    value = value.item() if isinstance(value, Tensor | np.ndarray | np.generic) and value.ndim == 0 else value
    expect(isinstance(value, Real), f"metrics[{name!r}](prediction, target)", "a number", value)
    return float(value)
