"""Layers of an LSTM with masks: each on torch's fused kernel where mathematics allows, else step by step.

A mask on h that is the same at every step and for every sequence of the batch is one on the columns of U:
U (m ⊙ h) = (U diag m) h, and with one for each gate U_k (m_k ⊙ h) = (U_k diag m_k) h. So is one on x, with W.
The kernel then runs on the masked weights, as it does with weight drop. Other masks on x that the gates share
multiply x before the kernel reads it. What remains goes to ``scan.py``: masks on h for each sequence
or step, on g or on c, zoneout, a mask on x for each gate and sequence, and padding.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from labcode.lstm.scan import lstm_scan
from labcode.recurrent_dropout import weight_drop_torch


def lstm_layers(
    x: Tensor,
    state: tuple[Tensor, Tensor],
    weights: Mapping[str, Sequence[Tensor]],
    masks: Mapping[str, Tensor],
    padding_mask: Tensor | None,
    kernel: Callable,
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Run the layers of an LSTM with masks, batch first, as ``RegularizedLSTM.forward`` does.

    Args:
        x: sequences, (B, T, F).
        state: (h_0, c_0), each (layers * D, B, H).
        weights: [W, U] or [W, U, b_ih, b_hh] of each layer and direction by suffix, such as "_l0_reverse".
        masks: masks by name, as in the table of ``recurrent_dropout.py``.
        padding_mask: bool, (B, T), True at real steps, or None.
        kernel: what runs layers without masks, called as ``kernel(x, state, tensors)`` with a list of tensors
            for each layer and direction.

    Returns:
        output (B, T, D*H) and (h_n, c_n) shaped as the state. Chapter 3.
    """
    directions = 2 if "_l0_reverse" in weights else 1
    masks = _steps_first(masks)
    pairs = [_onto_weights(tensors, _masks_of(suffix, masks)) for suffix, tensors in weights.items()]
    layers = [pairs[k : k + directions] for k in range(0, len(pairs), directions)]
    real = None if padding_mask is None else padding_mask.t().unsqueeze(-1)
    if padding_mask is not None:
        x = x.masked_fill(~padding_mask.unsqueeze(-1), 0)
    if real is None and all(map(_fits_kernel, layers)) and not any(kinds for _, kinds in pairs[directions:]):
        return _run_fused(x, state, pairs, kernel)
    finals = []
    for layer, h_c in zip(layers, zip(*(part.split(directions) for part in state), strict=True), strict=True):
        if real is None and _fits_kernel(layer):
            x, final = _run_fused(x, h_c, layer, kernel)
        else:
            x, final = _run_steps(x, h_c, layer, real)
        finals.append(final)
    h_n, c_n = (torch.cat(parts) for parts in zip(*finals, strict=True))
    return x, (h_n, c_n)


def _run_fused(x, state, pairs, kernel):
    """Run layers that fit the kernel, of which the first may have a mask on x."""
    mask = pairs[0][1].get("x")
    x = x if mask is None else mask.transpose(0, 1) * x
    return kernel(x, state, [weights for weights, _ in pairs])


def _run_steps(x, state, pairs, real):
    """Run one layer step by step, in all its directions."""
    x, outputs, finals = x.transpose(0, 1), [], []
    for (weights, masks), *h_c, reverse in zip(
        pairs, *(part.unbind() for part in state), (False, True), strict=False
    ):
        read = x.contiguous() if "x" not in masks else masks["x"] * x
        if real is not None:  # at a padded step all units keep what they hold
            for kind in ("zoneout_h", "zoneout_c"):
                masks[kind] = torch.where(real, masks.get(kind, 0), 1).to(x)
        output, *final = lstm_scan(read, weights, h_c, masks, reverse)
        if real is not None:
            output = output.masked_fill(~_started(real, reverse), 0)
        outputs.append(output)
        finals.append(final)
    h_n, c_n = (torch.stack(parts) for parts in zip(*finals, strict=True))
    output = outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=-1)
    return output.transpose(0, 1), (h_n, c_n)


def _started(real, reverse):
    """Return where a direction has read a real step, this one or one before: (T, B, 1)."""
    steps = real.long()  # ONNX adds up no booleans
    return (steps.flip(0).cumsum(0).flip(0) if reverse else steps.cumsum(0)) > 0


def _steps_first(masks):
    """Return all masks as ``lstm_scan`` takes them; what was one tensor stays one."""
    turned = {id(m): m.unsqueeze(0) if m.ndim == 2 else m.transpose(-3, -2) for m in masks.values()}
    return {n: m if n.startswith("weight_hh") else turned[id(m)] for n, m in masks.items()}


def _masks_of(suffix, masks):
    """Return the masks that are named for one layer and direction, by kind."""
    return {name.removesuffix(suffix): mask for name, mask in masks.items() if name.endswith(suffix)}


def _onto_weights(weights, masks):
    """Return one direction's weights with the masks that can move onto them, and the masks that cannot."""
    w, u, *biases = weights
    if "weight_hh" in masks:
        u = weight_drop_torch(u, masks.pop("weight_hh"))
    if _is_of_columns(masks.get("x")):
        w = _mask_columns(w, masks.pop("x"))
    if _is_of_columns(masks.get("h")):
        u = _mask_columns(u, masks.pop("h"))
    return [w, u, *biases], masks


def _is_of_columns(mask):
    return mask is not None and mask.shape[-3:-1] == (1, 1)


def _mask_columns(w, mask):
    """Return W diag m, the mask's units being columns of W; with a leading 4, gate by gate."""
    return (w.unflatten(0, (4, -1)) * mask.reshape(-1, 1, mask.shape[-1])).flatten(0, 1)


def _fits_kernel(pairs):
    """Return whether a layer's masks leave it to the kernel: none but one on x that all gates read."""
    on_x = [masks.get("x") for _, masks in pairs]
    others = any(kind != "x" for _, masks in pairs for kind in masks)
    is_one = all(mask is on_x[0] for mask in on_x)
    return not others and is_one and (on_x[0] is None or on_x[0].ndim == 3)
