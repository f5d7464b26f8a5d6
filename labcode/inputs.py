"""What a learner passes in becomes tensors on the model's device, or an error that says what was expected."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from labcode.validate import expect, one_of, shape

TASKS = ("regression", "classification")


def prepare(name: str, data: Iterable, model: nn.Module, task: str) -> list[Tensor]:
    """Check one split's data, once and before any training, and move them to the model.

    Args:
        name: the split's name, for messages.
        data: ``(x, y)`` or ``(x, y, padding_mask)``, as for :func:`labcode.training.fit`.
        model: gives device and dtype, and is run on one sample to compare its outputs with y.
        task: "regression" or "classification".

    Returns:
        x, y and, where there is one, the padding mask.

    Raises:
        ValueError: a wrong shape or kind, no data, numbers that are not finite, or no such class.
    """
    one_of("task", task, TASKS)
    expected = "(x, y) or (x, y, padding_mask)"
    expect(isinstance(data, Iterable), name, expected, data)
    parts = list(data)
    expect(len(parts) in (2, 3), name, expected, f"{len(parts)} parts")
    x, *mask = prepare_inputs(parts[0], parts[2] if len(parts) == 3 else None, model, prefix=f"{name} ")
    y = _to_tensor(f"{name} y", parts[1])
    expect(y.shape[:1] == x.shape[:1], f"{name} y", f"{len(x)} targets, as many as samples", tuple(y.shape))
    y = _floats(f"{name} y", y, like=x) if task == "regression" else _classes(f"{name} y", y, like=x)
    _check_outputs(name, model, [x, *mask], y, task)
    return [x, y, *mask]


def prepare_inputs(x: object, padding_mask: object, model: nn.Module, prefix: str = "") -> list[Tensor]:
    """Check inputs and move them to the model's device and dtype.

    Args:
        x: (N, T, F) of floats, a NumPy array or a tensor.
        padding_mask: (N, T) of booleans, or None.
        model: gives device and dtype.
        prefix: put before the names in messages.

    Returns:
        x and, where there is one, the padding mask.

    Raises:
        ValueError: a wrong shape or kind, an empty axis, or numbers that are not finite.
    """
    like = next(model.parameters())
    x = _floats(f"{prefix}x", _to_tensor(f"{prefix}x", x), like)
    shape(f"{prefix}x", x, (None, None, None))
    if padding_mask is None:
        return [x]
    mask = _to_tensor(f"{prefix}padding_mask", padding_mask)
    expect(mask.dtype == torch.bool, f"{prefix}padding_mask", "booleans, True for a real step", mask.dtype)
    shape(f"{prefix}padding_mask", mask, tuple(x.shape[:2]))
    return [x, mask.to(x.device)]


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Switch dropout and gradients off inside the block; each module has its own mode back afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


def _to_tensor(name: str, values: object) -> Tensor:
    if isinstance(values, Tensor):
        return values.detach()
    expect(isinstance(values, np.ndarray), name, "a NumPy array or a tensor", type(values))
    try:
        return torch.from_numpy(np.array(values, order="C"))
    except TypeError as error:
        raise ValueError(f"{name}: expected numbers, received an array of {values.dtype}") from error


def _floats(name: str, values: Tensor, like: Tensor) -> Tensor:
    expect(values.is_floating_point(), name, "floating-point numbers", values.dtype)
    values = values.to(like.device, like.dtype)
    bad = values.numel() - int(values.isfinite().sum())
    expect(bad == 0, name, "finite numbers", f"{bad} of {values.numel()} that are NaN or infinite")
    return values


def _classes(name: str, values: Tensor, like: Tensor) -> Tensor:
    whole = not (values.is_floating_point() or values.is_complex() or values.dtype == torch.bool)
    received = f"{tuple(values.shape)} of {values.dtype}"
    expect(whole and values.ndim == 1, name, "whole numbers, the classes, of shape (N,)", received)
    return values.to(like.device, torch.int64)


def _check_outputs(name: str, model: nn.Module, inputs: Sequence[Tensor], y: Tensor, task: str) -> None:
    """Run one sample, so that a wrong shape is found before it broadcasts into a wrong loss."""
    try:
        with evaluation_mode(model):
            output = model(*(tensor[:1] for tensor in inputs))
    except RuntimeError as error:
        received = f"{tuple(inputs[0].shape)} ({error})"
        raise ValueError(f"{name} x: expected a shape that the model takes, received {received}") from error
    expect(isinstance(output, Tensor), "model(x)", "a tensor (nn.LSTM returns a tuple)", type(output))
    if task == "regression":
        shape(f"{name} y (to compare with the model's outputs)", y, (len(y), *output.shape[1:]))
    else:
        shape("model(x)", output, (1, None))
        low, high, classes = int(y.min()), int(y.max()), output.shape[1]
        expect(low >= 0 and high < classes, f"{name} y", f"classes 0 to {classes - 1}", f"{low} to {high}")
