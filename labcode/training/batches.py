"""What a learner passes in becomes tensors on the model's device, or an error that says what was expected."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from labcode._checks import check_one_of, check_shape, expect
from labcode.data.dataset import IGNORED, TASK_KINDS


def prepare(name: str, data: Iterable, model: nn.Module, task: str) -> list[Tensor]:
    """Check one split's data, once and before any training, and move them to the model.

    Args:
        name: the split's name, for messages.
        data: ``(x, y)`` or ``(x, y, padding_mask)``, as for :func:`labcode.training.fit`.
        model: gives device and dtype, and is run on one sample to compare its outputs with y.
        task: "regression", "classification" or "sequence".

    Returns:
        x, y and, where there is one, the padding mask.

    Raises:
        ValueError: a wrong shape or kind, no data, numbers that are not finite, or no such class.
    """
    check_one_of("task", task, TASK_KINDS)
    expected = "(x, y) or (x, y, padding_mask)"
    expect(isinstance(data, Iterable), name, expected, data)
    parts = list(data)
    expect(len(parts) in (2, 3), name, expected, f"{len(parts)} parts")
    x, *mask = prepare_inputs(parts[0], parts[2] if len(parts) == 3 else None, model, prefix=f"{name} ")
    y = _to_tensor(f"{name} y", parts[1])
    expect(y.shape[:1] == x.shape[:1], f"{name} y", f"{len(x)} targets, as many as samples", tuple(y.shape))
    like = next(model.parameters())
    y = _floats(f"{name} y", y, like) if task == "regression" else _classes(f"{name} y", y, like, task)
    _check_outputs(name, model, x, y, mask, task)
    return [x, y, *mask]


def run(model: nn.Module, x: Tensor, y: Tensor, mask: Sequence[Tensor] = ()) -> Tensor:
    """Call a model; one whose attribute ``teacher_forcing`` is true is also given the targets.

    Args:
        model: the model.
        x: inputs of a batch.
        y: its targets; a decoder may read those before the one that it predicts.
        mask: nothing, or the padding mask.
    """
    return model(x, *mask, targets=y) if getattr(model, "teacher_forcing", False) else model(x, *mask)


def prepare_inputs(x: object, padding_mask: object, model: nn.Module, prefix: str = "") -> list[Tensor]:
    """Check inputs and move them to the model's device and dtype.

    Args:
        x: (N, T, F) of floats, or (N, T) of whole numbers, the tokens; a NumPy array or a tensor.
        padding_mask: (N, T) of booleans, or None.
        model: gives device and dtype.
        prefix: put before the names in messages.

    Returns:
        x and, where there is one, the padding mask.

    Raises:
        ValueError: a wrong shape or kind, an empty axis, or numbers that are not finite.
    """
    like = next(model.parameters())
    x = _to_tensor(f"{prefix}x", x)
    if x.ndim == 2 and _is_whole(x):
        check_shape(f"{prefix}x", x, (None, None))
        expect(int(x.min()) >= 0, f"{prefix}x", "tokens' numbers, from 0 on", int(x.min()))
        x = x.to(like.device, torch.int64)
    else:
        x = _floats(f"{prefix}x", x, like)
        check_shape(f"{prefix}x", x, (None, None, None))
    if padding_mask is None:
        return [x]
    mask = _to_tensor(f"{prefix}padding_mask", padding_mask)
    expect(mask.dtype == torch.bool, f"{prefix}padding_mask", "booleans, True for a real step", mask.dtype)
    check_shape(f"{prefix}padding_mask", mask, tuple(x.shape[:2]))
    return [x, mask.to(x.device)]


def prepare_targets(targets: object, model: nn.Module) -> Tensor:
    """Check the targets of sequences, (N, L) of whole numbers, and move them to the model's device.

    Raises:
        ValueError: a wrong shape or kind, or a sequence of padding alone.
    """
    return _classes("targets", _to_tensor("targets", targets), next(model.parameters()), "sequence")


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


def _is_whole(values: Tensor) -> bool:
    return not (values.is_floating_point() or values.is_complex() or values.dtype == torch.bool)


def _classes(name: str, values: Tensor, like: Tensor, task: str) -> Tensor:
    sizes, axes = ("(N,)", 1) if task == "classification" else ("(N, L)", 2)
    received = f"{tuple(values.shape)} of {values.dtype}"
    fits = _is_whole(values) and values.ndim == axes
    expect(fits, name, f"whole numbers, the classes, of shape {sizes}", received)
    if task == "sequence":
        empty = int((values == IGNORED).all(dim=1).sum())
        expect(empty == 0, name, "a target that is no padding in each sequence", f"{empty} without any")
    return values.to(like.device, torch.int64)


def _check_outputs(
    name: str, model: nn.Module, x: Tensor, y: Tensor, mask: Sequence[Tensor], task: str
) -> None:
    """Run one sample, so that a wrong shape is found before it broadcasts into a wrong loss."""
    first = 0 if x.is_floating_point() else int(x.max(dim=1).values.argmax())  # has the highest token
    one = slice(first, first + 1)
    targets = y[one] if task == "regression" else torch.zeros_like(y[one])
    try:
        with evaluation_mode(model):
            output = run(model, x[one], targets, [tensor[one] for tensor in mask])
    except (RuntimeError, IndexError) as error:
        wanted = "a shape" if x.is_floating_point() else "tokens"
        received = f"{tuple(x.shape)} ({error})"
        raise ValueError(f"{name} x: expected {wanted} that the model takes, received {received}") from error
    expect(isinstance(output, Tensor), "model(x)", "a tensor (nn.LSTM returns a tuple)", type(output))
    if task == "regression":
        check_shape(f"{name} y (to compare with the model's outputs)", y, (len(y), *output.shape[1:]))
        return
    check_shape("model(x)", output, (1, *y.shape[1:], None))
    real = y[y != IGNORED] if task == "sequence" else y
    low, high, classes = int(real.min()), int(real.max()), output.shape[-1]
    expect(low >= 0 and high < classes, f"{name} y", f"classes 0 to {classes - 1}", f"{low} to {high}")
