"""One layer and direction of the LSTM with every mask, as one differentiable function of the whole sequence.

Its equations are those of ``recurrent_dropout.py``: forward as they stand there, backward the last one first.
Autograd would note every operation of every step. Here it notes one, and what is kept of each step is the
gates, h, c and tanh(c'). On the way back, all factors that do not wait for the gradient of the step after are
computed for the whole sequence at once, which leaves few operations in the loop, and dU is one product.
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_KINDS = ("h", "g", "c", "zoneout_h", "zoneout_c")
_sigmoid_grad = torch.ops.aten.sigmoid_backward  # (a, s) -> a ⊙ s ⊙ (1 - s), where s = σ(z)
_tanh_grad = torch.ops.aten.tanh_backward  # (a, s) -> a ⊙ (1 - s²), where s = tanh(z)


def lstm_scan(
    x: Tensor, weights: list[Tensor], state: tuple[Tensor, Tensor], masks: Mapping[str, Tensor], reverse: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Run one layer in one direction over all steps, with the steps as the first axis.

    Args:
        x: what the layer reads, already masked, (T, B, F) or, if each gate has its mask, (4, T, B, F).
        weights: W (4H, F), U (4H, H) and, if there are biases, b_ih and b_hh, (4H,).
        state: h and c before the sequence, each (B, H).
        masks: masks by kind, "h", "g", "c", "zoneout_h" and "zoneout_c", each (T, B, H) or, with one for each
            gate on h, (4, T, B, H); sizes of 1 are shared. They get no gradient.
        reverse: whether the last step is read first.

    Returns:
        h after every step, (T, B, H), and the final h and c, (B, H). They can be differentiated once.

    Source: Hochreiter & Schmidhuber (1997); Werbos (1990), "Backpropagation through time". Chapters 1 and 3.
    """
    w, u, *biases = weights
    return LSTMFunction.apply(
        x, w, sum(biases) if biases else None, u, *state, reverse, *(masks.get(kind) for kind in _KINDS)
    )


class LSTMFunction(torch.autograd.Function):
    """Compute what ``lstm_scan`` returns, and its gradients with respect to x, W, b, U, h and c."""

    @staticmethod
    def forward(ctx, x, w, b, u, h, c, reverse, *masks):
        """Return h after every step and the final state; keep what ``backward`` reads."""
        ctx.set_materialize_grads(False)
        gates = _input_product(x, w, b)  # W x + b of all steps at once; the gates take its place
        steps, ctx.order = len(gates), _order(len(gates), reverse)
        output, squashed = (h.new_empty(steps, *h.shape) for _ in range(2))
        cells = c.new_empty(steps + 1, *c.shape)  # before the sequence and after every step
        cells[ctx.order[0][1]] = c
        ctx.save_for_backward(x, w, u, h, *masks, gates, output, cells, squashed)
        u_t, m_h, m_g, m_c, z_h, z_c = _transposed(u, masks[0]), *(_steps(mask, steps) for mask in masks)
        i, f, g, o = (gate.unbind() for gate in gates.chunk(4, dim=-1))
        z, hs, cs, squashed = (part.unbind() for part in (gates, output, cells, squashed))
        i_f = gates[..., : 2 * h.shape[1]].unbind()
        for t, before, after in ctx.order:
            # z = W x + b + U (m_h ⊙ h)
            _add_product(z[t], h, u_t, m_h[t])
            # i, f, o = σ(z),  g = tanh(z)
            i_f[t].sigmoid_(), g[t].tanh_(), o[t].sigmoid_()
            # c' = m_c ⊙ (f ⊙ c + i ⊙ (m_g ⊙ g))
            candidate = g[t] if m_g[t] is None else m_g[t] * g[t]
            c_new = torch.mul(f[t], cs[before], out=cs[after]).addcmul_(i[t], candidate)
            if m_c[t] is not None:
                c_new.mul_(m_c[t])
            # h' = o ⊙ tanh(c')
            h_new = torch.mul(o[t], torch.tanh(c_new, out=squashed[t]), out=hs[t])
            # h ← z_h ⊙ h + (1 - z_h) ⊙ h',  c ← z_c ⊙ c + (1 - z_c) ⊙ c'
            h = h_new if z_h[t] is None else h_new.lerp_(h, z_h[t])
            if z_c[t] is not None:
                c_new.lerp_(cs[before], z_c[t])
        return output, h.clone(), cs[after].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_output, grad_h, grad_c):
        """Return the gradients with respect to x, W, b, U, h and c, the last step first."""
        x, w, u, h, m_h, m_g, m_c, z_h, z_c, gates, output, cells, squashed = ctx.saved_tensors
        before_c, after_h = (slice(-1), slice(1, None))[:: 1 if ctx.order[0][1] == 0 else -1]
        grad_z, to_c, carried = _factors(gates, cells[before_c], squashed, m_g, m_c, z_h)
        grad_hs = torch.zeros_like(cells)  # before the sequence and after every step
        if grad_output is not None:
            grad_hs[after_h] = grad_output
        if grad_h is not None:
            grad_hs[ctx.order[-1][2]] += grad_h
        grad_c = torch.zeros_like(h) if grad_c is None else grad_c.clone()
        grad_c_wide = grad_c.unsqueeze(1)  # the same memory, to be multiplied with three gates
        m_hs, z_hs, z_cs = (_steps(mask, len(gates)) for mask in (m_h, z_h, z_c))
        hs, zs, to_gates = grad_hs.unbind(), grad_z.unbind(), grad_z.unflatten(-1, (4, -1))
        parts = to_gates[..., :3, :], to_gates[..., 3, :], to_c, carried
        to_ifg, to_o, to_c, carried = (part.unbind() for part in parts)
        for t, before, after in reversed(ctx.order):
            # c ← z_c ⊙ c + (1 - z_c) ⊙ c'
            kept = None if z_cs[t] is None else z_cs[t] * grad_c
            if kept is not None:
                grad_c.sub_(kept)
            # h ← z_h ⊙ h + (1 - z_h) ⊙ h',  h' = o ⊙ tanh(c')
            grad_c.addcmul_(to_c[t], hs[after])
            # the factors of these gradients in that of z become the gradient of z
            to_ifg[t].mul_(grad_c_wide)
            to_o[t].mul_(hs[after])
            # c' = m_c ⊙ (f ⊙ c + i ⊙ (m_g ⊙ g))
            grad_c.mul_(carried[t])
            if kept is not None:
                grad_c.add_(kept)
            # z = W x + b + U (m_h ⊙ h)
            _add_product_grad(hs[before], zs[t], u, m_hs[t])
            if z_hs[t] is not None:
                hs[before].addcmul_(z_hs[t], hs[after])
        needs_x, needs_w, needs_b, needs_u, *_ = ctx.needs_input_grad
        before_h = torch.cat([h.unsqueeze(0), output[:-1]] if before == 0 else [output[1:], h.unsqueeze(0)])
        grad_x = _input_grad(grad_z, x, w) if needs_x else None
        grad_w = _weight_grad(grad_z, x) if needs_w else None
        grad_b = grad_z.sum(dim=(0, 1)) if needs_b else None
        grad_u = _weight_grad(grad_z, before_h if m_h is None else m_h * before_h) if needs_u else None
        return grad_x, grad_w, grad_b, grad_u, hs[before], grad_c, *[None] * 6


def _factors(gates, before, squashed, m_g, m_c, z_h):
    """Return what gradients are multiplied by: of c' and h' for z, of h for c', of c' for the c before."""
    (i, f, g, o), to_z = gates.chunk(4, dim=-1), torch.empty_like(gates)
    to_i, to_f, to_g, to_o = to_z.chunk(4, dim=-1)
    _sigmoid_grad(g if m_g is None else m_g * g, i, grad_input=to_i)
    _sigmoid_grad(before, f, grad_input=to_f)
    _tanh_grad(i, g, grad_input=to_g)
    _sigmoid_grad(squashed, o, grad_input=to_o)
    to_c, carried = _tanh_grad(o, squashed), f
    if m_g is not None:
        to_g.mul_(m_g)
    if m_c is not None:
        to_z.unflatten(-1, (4, -1))[..., :3, :].mul_(m_c.unsqueeze(-2))
        carried = m_c * f
    if z_h is not None:
        to_o.mul_(1 - z_h)
        to_c.mul_(1 - z_h)
    return to_z, to_c, carried


def _order(steps, reverse):
    """Return (t, before, after) for every step as it is read: where its states stand among T+1 of them."""
    return [(t, t + 1, t) for t in range(steps)][::-1] if reverse else [(t, t, t + 1) for t in range(steps)]


def _steps(mask, steps):
    """Return a mask's part for each step, without copying it; None stands for no mask."""
    parts = (None,) if mask is None else mask.unbind(-3)
    return parts if len(parts) == steps else parts * steps


def _by_gate(z):
    """Return the gates' parts of z, side by side in its last axis, along a first axis of 4."""
    return z.unflatten(-1, (4, -1)).movedim(-2, 0)


def _transposed(u, mask):
    """Return U as the right factor of a product, (H, 4H), or that of each gate, (4, H, H)."""
    return u.t() if mask is None or mask.ndim == 3 else u.unflatten(0, (4, -1)).transpose(1, 2)


def _input_product(x, w, b):
    """Return W x + b for all steps, in memory of its own."""
    if x.ndim == 4:
        z = torch.cat([x_k @ w_k.t() for x_k, w_k in zip(x, w.chunk(4), strict=True)], dim=-1)
        return z if b is None else z.add_(b)
    rows = x.flatten(0, 1)
    return (rows @ w.t() if b is None else torch.addmm(b, rows, w.t())).unflatten(0, x.shape[:2])


def _input_grad(grad_z, x, w):
    """Return the gradient of x in W x, Wᵀ grad_z, gate by gate if each reads an x of its own."""
    return grad_z @ w if x.ndim == 3 else _by_gate(grad_z) @ w.unflatten(0, (4, -1)).unsqueeze(1)


def _weight_grad(grad_z, v):
    """Return the gradient of W in W v, added up over all steps and sequences in one product."""
    if v.ndim == 3:
        return grad_z.flatten(0, 1).t() @ v.flatten(0, 1)
    return (_by_gate(grad_z).flatten(1, 2).transpose(1, 2) @ v.flatten(1, 2)).flatten(0, 1)


def _add_product(z, h, u, mask):
    """Add U (m ⊙ h) to z in place, gate by gate if each has a mask of its own."""
    h = h if mask is None else mask * h
    (_by_gate(z).baddbmm_ if u.ndim == 3 else z.addmm_)(h, u)


def _add_product_grad(grad_h, grad_z, u, mask):
    """Add the gradient of h in U (m ⊙ h), m ⊙ (Uᵀ grad_z), to grad_h in place, over all gates."""
    if mask is None:
        grad_h.addmm_(grad_z, u)
    elif mask.ndim == 2:
        grad_h.addcmul_(mask, grad_z @ u)
    else:
        grad_h.add_((_by_gate(grad_z) @ u.unflatten(0, (4, -1))).mul_(mask).sum(dim=0))
