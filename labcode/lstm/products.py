"""Matrix products of the LSTM's loop, on the library that ``torch.nn.LSTM`` itself runs on.

On a CPU, torch multiplies matrices with MKL and runs its LSTM on oneDNN. Here oneDNN does both, in single
precision, where torch has it and a product is large enough to repay its start: on processors that MKL was not
made for it is twice as fast. Its operator is the one that ``torch.compile`` calls. Elsewhere, on a GPU too,
the products are torch's own.

Where each gate has a mask of its own, x and h have a leading 4, and each gate its own product.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

_HAS_ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
_REPAID = 2**20  # multiplications that repay oneDNN's start, which takes some microseconds


def linear(x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
    """Return x Wᵀ + b, (N, M), for x (N, F), w (M, F) and b (M,). It gets no gradient."""
    if not _fits_onednn(w, len(x)):
        return functional.linear(x, w, b)
    x, w = (v if v.t().is_contiguous() else v.contiguous() for v in (x, w))
    return _onednn(x, w, b)


def input_product(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
    """Return W x + b, (T, B, 4H), for x (T, B, F) or (4, T, B, F), in memory of its own."""
    if x.ndim == 4:
        z = torch.cat([x_k @ w_k.t() for x_k, w_k in zip(x, w.chunk(4), strict=True)], dim=-1)
        return z if b is None else z.add_(b)
    return linear(x.flatten(0, 1), w, b).unflatten(0, x.shape[:2])


def grad_of_input(grad_z: Tensor, x: Tensor, w: Tensor) -> Tensor:
    """Return the gradient of x in W x, Wᵀ grad_z, shaped as x."""
    if x.ndim == 4:
        return _gates_first(grad_z) @ w.unflatten(0, (4, -1)).unsqueeze(1)
    return linear(grad_z.flatten(0, 1), w.t()).unflatten(0, x.shape[:2])


def grad_of_weight(grad_z: Tensor, v: Tensor) -> Tensor:
    """Return the gradient of W in W v, (4H, F), added up over all steps and sequences in one product."""
    if v.ndim == 4:
        return (_gates_first(grad_z).flatten(1, 2).transpose(1, 2) @ v.flatten(1, 2)).flatten(0, 1)
    return linear(v.flatten(0, 1).t(), grad_z.flatten(0, 1).t()).t()


def add_recurrent(u: Tensor, batch: int, *, by_gate: bool) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the function of z (B, 4H) and what U reads, v, that adds U v to z in place and returns z.

    Args:
        u: U, (4H, H), prepared once for all steps.
        batch: sequences, B.
        by_gate: whether v, (B, H), has a leading 4, each gate reading its own.
    """
    if by_gate:
        by_gates = u.unflatten(0, (4, -1)).transpose(1, 2)
        return lambda z, v: _gates_first(z).baddbmm_(v, by_gates)
    if _fits_onednn(u, batch):
        packed = _packed(u, batch)
        return lambda z, v: z.add_(_onednn(v, packed))
    transposed = u.t()
    return lambda z, v: z.addmm_(v, transposed)


def add_recurrent_gradient(
    u: Tensor, batch: int, *, by_gate: bool
) -> Callable[[Tensor, Tensor, Tensor | None], Tensor]:
    """Return the function of grad_h (B, H), grad_z (B, 4H) and m that adds m ⊙ (Uᵀ grad_z) to grad_h.

    Args:
        u, batch, by_gate: as in ``add_recurrent``; m has the leading 4, and is None without a mask.
    """
    if by_gate:
        by_gates = u.unflatten(0, (4, -1))
        return lambda grad_h, grad_z, m: grad_h.add_((_gates_first(grad_z) @ by_gates).mul_(m).sum(dim=0))
    if not _fits_onednn(u, batch):
        return lambda grad_h, grad_z, m: (
            grad_h.addmm_(grad_z, u) if m is None else grad_h.addcmul_(m, grad_z.mm(u))
        )
    packed = _packed(u.t().contiguous(), batch)
    return lambda grad_h, grad_z, m: (
        grad_h.add_(_onednn(grad_z, packed)) if m is None else grad_h.addcmul_(m, _onednn(grad_z, packed))
    )


def doubled_for_g(w: Tensor) -> Tensor:
    """Return the factors of rows of W, U and b, (4H, 1), that double what g reads."""
    factors = w.new_ones(len(w), 1)
    factors.chunk(4)[2].fill_(2)
    return factors


def _gates_first(z):
    """Return the gates' parts of z, side by side in its last axis, along a first axis of 4."""
    return z.unflatten(-1, (4, -1)).movedim(-2, 0)


def _fits_onednn(w, rows):
    is_possible = _HAS_ONEDNN and torch.backends.mkldnn.enabled and w.device.type == "cpu"
    return is_possible and w.dtype == torch.float32 and rows * w.numel() >= _REPAID


def _packed(w, rows):
    return torch.ops.mkldnn._reorder_linear_weight(w, rows)


def _onednn(x, w, b=None):
    return torch.ops.mkldnn._linear_pointwise(x, w, b, "none", [], "")
