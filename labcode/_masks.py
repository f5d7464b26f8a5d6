"""The masks of an LSTM: their names and shapes, and the product that each gate's mask takes part in.

Nothing here needs PyTorch: the NumPy reference and the module check their masks by the same table.
"""

from collections.abc import Mapping

import numpy as np
from numpy import ndarray

from labcode._checks import check_shape, expect


def check_masks(
    masks: Mapping, x_shape: tuple[int, int, int], hidden_size: int, num_layers: int, bidirectional: bool
) -> None:
    """Check the names and shapes of an LSTM's masks, arrays or tensors, by ``recurrent_dropout``'s table.

    Raises:
        ValueError: no mapping, an unknown name, or a mask of another shape.
    """
    expect(isinstance(masks, Mapping), "masks", "masks by name", type(masks))
    batch, steps, width = x_shape
    state = (batch, steps, hidden_size)
    sizes: dict[str, tuple[int, ...]] = {}
    for layer in range(num_layers):
        suffixes = _layer_suffixes(layer, bidirectional)
        for suffix in suffixes:
            sizes |= {kind + suffix: state for kind in ("h", "g", "c", "zoneout_h", "zoneout_c")}
            sizes |= {
                "x" + suffix: (batch, steps, width),
                "weight_hh" + suffix: (4 * hidden_size, hidden_size),
            }
        width = len(suffixes) * hidden_size
    for name, mask in masks.items():
        expect(name in sizes, "masks", f"names among {sorted(sizes)}", name)
        if name.startswith("weight_hh"):
            check_shape(name, mask, sizes[name])
        else:
            constant = len(getattr(mask, "shape", ())) == 2
            wanted = (batch, sizes[name][-1]) if constant else sizes[name]
            check_mask(name, mask, wanted, per_gate=name[0] in "xh" and not constant)


def check_mask(name: str, mask: object, sizes: tuple, *, per_gate: bool = False) -> None:
    """Check that a mask has the given sizes, or 1 in their place, perhaps with a leading 4.

    Raises:
        ValueError: another shape.
    """
    received = tuple(getattr(mask, "shape", ()))
    is_per_gate = per_gate and len(received) == len(sizes) + 1 and received[0] == 4
    shared = received[1:] if is_per_gate else received
    fits = len(shared) == len(sizes) and all(
        got in (1, size) for got, size in zip(shared, sizes, strict=True)
    )
    wanted = f"shape {sizes}" + f" or {(4, *sizes)}" * per_gate + ", or 1 in place of a size"
    expect(fits, name, wanted, received)


def _layer_suffixes(layer: int, bidirectional: bool) -> list[str]:
    """Return how the names of a layer's weights and masks end, one for each direction."""
    return [f"_l{layer}{direction}" for direction in ("", "_reverse")[: 1 + bidirectional]]


def _masked_product(v: ndarray, w: ndarray, mask: ndarray) -> ndarray:
    """Return what ``variational_dropout`` does, without its checks: a loop over steps calls it often."""
    if mask.ndim > v.ndim:
        gates = np.einsum("k...f,khf->...kh", mask * v, w.reshape(4, -1, w.shape[1]))
        return gates.reshape(*v.shape[:-1], len(w))
    return (mask * v) @ w.T


def _masked_product_grad(w: ndarray, mask: ndarray, grad_output: ndarray) -> ndarray:
    """Return what ``variational_dropout_grad`` does, without its checks."""
    if mask.ndim > grad_output.ndim:
        by_gate = grad_output.reshape(*grad_output.shape[:-1], 4, -1)
        return (mask * np.einsum("...kh,khf->k...f", by_gate, w.reshape(4, -1, w.shape[1]))).sum(axis=0)
    return mask * (grad_output @ w)
