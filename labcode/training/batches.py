"""What a learner passes in becomes tensors on the model's device, or an error that says what was expected."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from labcode._checks import check_instance, check_shape, expect
from labcode.data.dataset import IGNORED
from labcode.training.losses import Loss

OWN_LOOP = "a loop of your own (examples/own_loop.py) or Lightning (examples/lightning_module.py)"


def prepare(name: str, data: Iterable, model: nn.Module, loss: Loss) -> list[Tensor]:
    """Check one split's data, once and before any training, and move them to the model.

    Whatever stands at padded steps becomes 0 (-100 among the targets of sequences): it need not be finite,
    and nothing that is computed depends on it.

    Args:
        name: the split's name, for messages.
        data: ``(x, y)`` or ``(x, y, padding_mask)``, as for :func:`labcode.training.fit`.
        model: gives device and dtype, and is run on one sample to compare its outputs with y.
        loss: gives the task; one's own is tried on that sample.

    Returns:
        x, y and, where there is one, the padding mask.

    Raises:
        ValueError: a wrong shape or kind, no data, numbers that are not finite, or no such class.
    """
    x, y, *mask = _parts(name, data)
    x, *mask = prepare_inputs(x, mask[0] if mask else None, model, prefix=f"{name} ")
    name_y, y = f"{name} y", _to_tensor(f"{name} y", y)
    expect(y.shape[:1] == x.shape[:1], name_y, f"{len(x)} targets, as many as samples", tuple(y.shape))
    forced = getattr(model, "teacher_forcing", False)  # a decoder's steps are not x's
    by_step = [] if forced else [part.to(y.device) for part in mask]
    if loss.task == "regression":
        y = _numbers(name_y, y, by_step, next(model.parameters()))
    else:
        y = _classes(name_y, y, by_step, loss.task).to(x.device)
    _check_outputs(name, model, x, y, mask, loss)
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
        padding_mask: (N, T) of booleans, or None. What stands at padded steps becomes 0.
        model: gives device and dtype.
        prefix: put before the names in messages.

    Returns:
        x and, where there is one, the padding mask.

    Raises:
        ValueError: a wrong shape or kind, an empty axis, or numbers that are not finite.
    """
    check_instance("model", model, nn.Module, "a torch.nn.Module")
    like = next(model.parameters(), None)
    expect(like is not None, "model", "a module with parameters", type(model).__name__)
    assert like is not None
    x = _to_tensor(f"{prefix}x", x)
    is_tokens = x.ndim == 2 and _is_whole(x)
    check_shape(f"{prefix}x", x, (None, None) if is_tokens else (None, None, None))
    mask = [] if padding_mask is None else [_real(f"{prefix}padding_mask", padding_mask, x)]
    x = x.to(torch.int64) if is_tokens else x
    if mask:
        x = x.masked_fill(~mask[0] if is_tokens else ~mask[0][:, :, None], 0)
    if is_tokens:
        expect(int(x.min()) >= 0, f"{prefix}x", "tokens' numbers, from 0 on", int(x.min()))
        x = x.to(like.device)
    else:
        x = _floats(f"{prefix}x", x, like.device, like.dtype)
    return [x, *(part.to(like.device) for part in mask)]


def prepare_targets(targets: object, model: nn.Module) -> Tensor:
    """Check the targets of sequences, (N, L) of whole numbers, and move them to the model's device.

    Raises:
        ValueError: a wrong shape or kind, or a sequence of padding alone.
    """
    y = _classes("targets", _to_tensor("targets", targets), [], "sequence")
    return y.to(next(model.parameters()).device)


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


def _to_tensor(name: str, values: Any) -> Tensor:
    if isinstance(values, Tensor):
        return values.detach()
    expect(isinstance(values, np.ndarray), name, "a NumPy array or a tensor", type(values))
    try:
        return torch.from_numpy(np.array(values, order="C"))
    except TypeError as error:
        raise ValueError(f"{name}: expected numbers, received an array of {values.dtype}") from error


def _parts(name: str, data: Any) -> list:
    """Take data apart that are held in memory; what hands out batches is left as it is."""
    streams = isinstance(data, DataLoader | TorchDataset | Iterator)
    arrays = f"(x, y) or (x, y, padding_mask), arrays in memory (for what is larger: {OWN_LOOP})"
    expect(not streams, name, arrays, type(data).__name__)
    expected = "(x, y) or (x, y, padding_mask)"
    expect(isinstance(data, Iterable) and not isinstance(data, str | Mapping), name, expected, data)
    parts = list(data)
    expect(len(parts) in (2, 3), name, expected, f"{len(parts)} parts")
    return parts if len(parts) == 2 or parts[2] is not None else parts[:2]


def _real(name: str, padding_mask: object, x: Tensor) -> Tensor:
    mask = _to_tensor(name, padding_mask)
    expect(mask.dtype == torch.bool, name, "booleans, True for a real step", mask.dtype)
    check_shape(name, mask, tuple(x.shape[:2]))
    return mask.to(x.device)


def _floats(name: str, values: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    expect(values.is_floating_point(), name, "floating-point numbers", values.dtype)
    values = values.to(device, dtype)
    bad = values.numel() - int(values.isfinite().sum())
    expect(bad == 0, name, "finite numbers", f"{bad} of {values.numel()} that are NaN or infinite")
    return values


def _numbers(name: str, y: Tensor, mask: Sequence[Tensor], like: Tensor) -> Tensor:
    """Return a regression's targets, in at least float32, since the loss is computed so."""
    if mask and y.shape[:2] == mask[0].shape and not bool(mask[0].all()):
        expected = "(N, T, outputs) for a target at each step, (N, 1, T) for T outputs a sample"
        expect(y.ndim != 2 or y.shape[1] == 1, name, expected, f"{tuple(y.shape)}, with T = {y.shape[1]}")
        if y.ndim == 3:
            y = y.masked_fill(~mask[0][:, :, None], 0)
            expect(bool(mask[0].any()), name, "a target at a real step", "padded steps alone")
    return _floats(name, y, like.device, torch.promote_types(like.dtype, torch.float32))


def _is_whole(values: Tensor) -> bool:
    return not (values.is_floating_point() or values.is_complex() or values.dtype == torch.bool)


def _classes(name: str, values: Tensor, mask: Sequence[Tensor], task: str) -> Tensor:
    sizes, axes = ("(N,)", 1) if task == "classification" else ("(N, L)", 2)
    received = f"{tuple(values.shape)} of {values.dtype}"
    fits = _is_whole(values) and values.ndim == axes
    expect(fits, name, f"whole numbers, the classes, of shape {sizes}", received)
    values = values.to(torch.int64)
    if task == "sequence":
        if mask and values.shape == mask[0].shape:
            values = values.masked_fill(~mask[0], IGNORED)
        empty = int((values == IGNORED).all(dim=1).sum())
        expect(empty == 0, name, "a target that is no padding in each sequence", f"{empty} without any")
    return values


def _check_outputs(
    name: str, model: nn.Module, x: Tensor, y: Tensor, mask: Sequence[Tensor], loss: Loss
) -> None:
    """Run one sample, so that a wrong shape is found before it broadcasts into a wrong loss."""
    first = 0 if x.is_floating_point() else int(x.max(dim=1).values.argmax())  # has the highest token
    one = slice(first, first + 1)
    targets = y[one] if loss.task == "regression" else torch.zeros_like(y[one])
    mask = [tensor[one] for tensor in mask]
    try:
        with evaluation_mode(model):
            output = run(model, x[one], targets, mask)
    except (RuntimeError, IndexError) as error:
        wanted = "a shape" if x.is_floating_point() else "tokens"
        received = f"{tuple(x.shape)} ({error})"
        raise ValueError(f"{name} x: expected {wanted} that the model takes, received {received}") from error
    expect(isinstance(output, Tensor), "model(x)", "a tensor (nn.LSTM returns a tuple)", type(output))
    if loss.task == "regression":
        sizes = (len(y), *output.shape[1:])
        if loss.name is None:  # one's own may read several outputs for a target, such as quantiles
            sizes = (*sizes[:-1], None)
        check_shape(f"{name} y (to compare with the model's outputs)", y, sizes)
    else:
        check_shape("model(x)", output, (1, *y.shape[1:], None))
        real = y[y != IGNORED] if loss.task == "sequence" else y
        low, high, classes = int(real.min()), int(real.max()), output.shape[-1]
        expect(low >= 0 and high < classes, f"{name} y", f"classes 0 to {classes - 1}", f"{low} to {high}")
    loss.check(output, y[one], mask)
