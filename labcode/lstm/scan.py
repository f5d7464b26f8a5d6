"""One layer and direction of the LSTM with every mask, as one differentiable function of the whole sequence.

Its equations are those of ``recurrent_dropout.py``: forward as they stand there, backward the last one first.
Autograd would note every operation of every step. Here it notes one, and what is kept of each step is the
gates, c, h and tanh(c'). On the way back, all factors that do not wait for the gradient of the step after are
computed for the whole sequence at once, which leaves few operations in the loop, and dU is one product.

The number of operations is what a small LSTM costs, so that the loops are sparing. All four gates are one σ,
for tanh(z) = 2σ(2z) - 1: what g reads is doubled, and its mask stands for the 1. c and h share their memory,
so that zoneout keeps both at once. Every view is made before its loop.

What autograd or a tracer has to see step by step runs on ``plain_loop.py``: the gradient of a gradient, too.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from labcode.lstm.plain_loop import lstm_plain_loop
from labcode.lstm.products import (
    add_recurrent,
    add_recurrent_gradient,
    doubled_for_g,
    grad_of_input,
    grad_of_weight,
    input_product,
)

_sigmoid_grad = torch.ops.aten.sigmoid_backward  # (a, s) -> a ⊙ s ⊙ (1 - s), where s = σ(z)
_tanh_grad = torch.ops.aten.tanh_backward  # (a, s) -> a ⊙ (1 - s²), where s = tanh(z)


def lstm_scan(
    x: Tensor, weights: Sequence[Tensor], state: Sequence[Tensor], masks: Mapping[str, Tensor], reverse: bool
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
        h after every step, (T, B, H), and the final h and c, (B, H), of x's dtype. They are computed in the
        weights' dtype, and at least in single precision, as in torch's kernels; autocast changes nothing.

    Source: Hochreiter & Schmidhuber (1997); Werbos (1990), "Backpropagation through time". Chapters 1 and 3.
    """
    dtype = torch.promote_types(weights[0].dtype, torch.float32)
    w, u, *biases = (tensor.to(dtype) for tensor in weights)
    b = biases[0] + biases[1] if biases else None
    h, c = (part.to(dtype) for part in state)
    masks = {kind: mask.to(dtype) for kind, mask in masks.items()}
    m_h, m_g, m_c = (masks.get(kind) for kind in "hgc")
    run = lstm_plain_loop if _is_traced() else LSTMFunction.apply
    with _without_autocast(x):
        output, h, c = run(x.to(dtype), w, b, u, h, c, reverse, m_h, m_g, m_c, _of_h_and_c(masks))
    return output.to(x.dtype), h.to(x.dtype), c.to(x.dtype)


class LSTMFunction(torch.autograd.Function):
    """Compute what ``lstm_scan`` returns, and its gradients with respect to x, W, b, U, h and c."""

    @staticmethod
    def forward(ctx, x, w, b, u, h, c, reverse, m_h, m_g, m_c, zoneout):
        """Return h after every step and the final state; keep what ``backward`` reads."""
        ctx.set_materialize_grads(False)
        doubled = doubled_for_g(w)
        gates = input_product(x, w * doubled, None if b is None else b * doubled.squeeze())
        steps, ctx.order = len(gates), _order(len(gates), reverse)
        states = h.new_empty(2, steps + 1, *h.shape)  # h and c, before the sequence and after every step
        states[:, ctx.order[0][1]] = torch.stack([h, c])
        squashed, candidate = h.new_empty(steps, *h.shape), torch.empty_like(h)
        ctx.save_for_backward(x, w, b, u, h, c, m_h, m_g, m_c, zoneout, gates, states, squashed)
        m_g = _ones_for(h) if m_g is None else m_g
        add_product = add_recurrent(u * doubled, len(h), by_gate=m_h is not None and m_h.ndim == 4)
        with torch.inference_mode():  # where operations on small tensors start fastest
            i, f, g, o = (gate.unbind() for gate in gates.chunk(4, dim=-1))
            z, (hs, cs), tanh_c = gates.unbind(), (state.unbind() for state in states), squashed.unbind()
            both = None if zoneout is None else states.unbind(1)
            m_h, m_g, minus_m_g, m_c, kept = (_steps(m, steps) for m in (m_h, m_g, -m_g, m_c, zoneout))
            lerp, mul, tanh = torch.lerp, torch.mul, torch.tanh
            for t, before, after in ctx.order:
                # z = W x + b + U (m_h ⊙ h);  i, f, o = σ(z),  g = tanh(z) = 2σ(2z) - 1
                add_product(z[t], hs[before] if m_h[t] is None else m_h[t] * hs[before]).sigmoid_()
                # c' = m_c ⊙ (f ⊙ c + i ⊙ (m_g ⊙ g))
                lerp(minus_m_g[t], m_g[t], g[t], out=candidate)
                c = mul(f[t], cs[before], out=cs[after]).addcmul_(i[t], candidate)
                if m_c[t] is not None:
                    c.mul_(m_c[t])
                # h' = o ⊙ tanh(c')
                mul(o[t], tanh(c, out=tanh_c[t]), out=hs[after])
                # c ← z_c ⊙ c + (1 - z_c) ⊙ c',  h ← z_h ⊙ h + (1 - z_h) ⊙ h'
                if both is not None:
                    both[after].lerp_(both[before], kept[t])
        return states[0, _sides(reverse)[1]].clone(), *(state.clone() for state in states[:, after])

    @staticmethod
    def backward(ctx, *grads):
        """Return the gradients with respect to x, W, b, U, h and c."""
        saved = ctx.saved_tensors  # asked for once: torch.utils.checkpoint computes it anew each time
        with _without_autocast(saved[0]):
            if torch.is_grad_enabled():  # someone wants the graph of the gradient
                return *_differentiable_gradients(ctx, saved, grads), *[None] * 5
            return *_gradients(ctx, saved, *grads), *[None] * 5


def _differentiable_gradients(ctx, saved, grads):
    """Return the gradients of the plain loop, which autograd can differentiate again."""
    # aliases, as one of these may have been computed from another
    inputs: list[Any] = [None if v is None else v.view_as(v) for v in saved[:6]]
    x, w, b, u, h, c = inputs
    outputs = lstm_plain_loop(x, w, b, u, h, c, ctx.order[-1][2] == 0, *saved[6:10])
    given = [pair for pair in zip(outputs, grads, strict=True) if pair[1] is not None]
    wanted = [k for k, needed in enumerate(ctx.needs_input_grad[:6]) if needed]
    found = torch.autograd.grad(
        [output for output, _ in given],
        [inputs[k] for k in wanted],
        [grad for _, grad in given],
        create_graph=True,
        materialize_grads=True,
    )
    found = dict(zip(wanted, found, strict=True))
    return [found.get(k) for k in range(6)]


def _gradients(ctx, saved, grad_output, grad_h, grad_c):
    """Return the gradients from what ``forward`` has kept, the last step first."""
    x, w, _, u, h, _, m_h, m_g, m_c, zoneout, gates, states, squashed = saved
    m_g = _ones_for(h) if m_g is None else m_g
    steps, last = len(gates), ctx.order[-1][2]
    side_before, side_after = _sides(reverse=last == 0)
    grad_z, to_c, carried = _factors(gates, states[1, side_before], squashed, m_g, m_c, zoneout)
    # of h and, with zoneout, of c, before the sequence and after every step
    grads = torch.zeros_like(states[: 1 if zoneout is None else 2])
    if grad_output is not None:
        grads[0, side_after] = grad_output
    if grad_h is not None:
        grads[0, last] += grad_h
    grad_c = torch.zeros_like(grads[0, last]) if grad_c is None else grad_c.clone()
    if zoneout is not None:
        grads[1, last] = grad_c
    add_gradient = add_recurrent_gradient(u, len(grad_c), by_gate=m_h is not None and m_h.ndim == 4)
    z_c = None if zoneout is None else zoneout[1]
    with torch.inference_mode():  # where operations on small tensors start fastest
        grad_c_wide = grad_c.unsqueeze(1)  # the same memory, to be multiplied with three gates
        to_gates = grad_z.unflatten(-1, (4, -1))
        to_ifg, to_o = to_gates[..., :3, :].unbind(), to_gates[..., 3, :].unbind()
        z, to_c, carried, hs = grad_z.unbind(), to_c.unbind(), carried.unbind(), grads[0].unbind()
        cs, both = ((), None) if zoneout is None else (grads[1].unbind(), grads.unbind(1))
        m_hs, kept, z_c = (_steps(mask, steps) for mask in (m_h, zoneout, z_c))
        for t, before, after in reversed(ctx.order):
            # c ← z_c ⊙ c + (1 - z_c) ⊙ c',  h ← z_h ⊙ h + (1 - z_h) ⊙ h'
            if both is not None:
                both[before].addcmul_(kept[t], both[after])
                torch.addcmul(cs[after], z_c[t], cs[after], value=-1, out=grad_c)
            # h' = o ⊙ tanh(c')
            grad_c.addcmul_(to_c[t], hs[after])
            # the factors of these gradients in that of z become the gradient of z
            to_ifg[t].mul_(grad_c_wide)
            to_o[t].mul_(hs[after])
            # c' = m_c ⊙ (f ⊙ c + i ⊙ (m_g ⊙ g))
            if both is None:
                grad_c.mul_(carried[t])
            else:
                cs[before].addcmul_(carried[t], grad_c)
            # z = W x + b + U (m_h ⊙ h)
            add_gradient(hs[before], z[t], m_hs[t])
    grad_c = grad_c if zoneout is None else grads[1, before]
    read = states[0, side_before] if m_h is None else m_h * states[0, side_before]
    needs_x, needs_w, needs_b, needs_u, *_ = ctx.needs_input_grad
    grad_x = grad_of_input(grad_z, x, w) if needs_x else None
    grad_w = grad_of_weight(grad_z, x) if needs_w else None
    grad_b = grad_z.sum(dim=(0, 1)) if needs_b else None
    grad_u = grad_of_weight(grad_z, read) if needs_u else None
    return grad_x, grad_w, grad_b, grad_u, grads[0, before], grad_c


def _factors(gates, before, squashed, m_g, m_c, zoneout):
    """Return what gradients are multiplied by: of c' and h' for z, of h for c', of c' for the c before."""
    (i, f, g, o), to_z = gates.chunk(4, dim=-1), torch.empty_like(gates)
    to_i, to_f, to_g, to_o = to_z.chunk(4, dim=-1)
    _sigmoid_grad(torch.lerp(-m_g, m_g, g, out=to_i), i, grad_input=to_i)
    _sigmoid_grad(before, f, grad_input=to_f)
    _sigmoid_grad(torch.mul(4 * m_g, i, out=to_g), g, grad_input=to_g)  # of 2σ(2z) - 1
    _sigmoid_grad(squashed, o, grad_input=to_o)
    to_c, carried = _tanh_grad(o, squashed), f
    if m_c is not None:
        to_z.unflatten(-1, (4, -1))[..., :3, :].mul_(m_c.unsqueeze(-2))
        carried = m_c * f
    if zoneout is not None:
        for factor in (to_o, to_c):
            factor.addcmul_(factor, zoneout[0], value=-1)
    return to_z, to_c, carried


def _is_traced():
    """Return whether single operations are wanted: by a compiler, an exporter, a tracer, a transform."""
    is_transformed = torch._C._are_functorch_transforms_active
    return torch.compiler.is_compiling() or torch.jit.is_tracing() or is_transformed()


def is_autocast_on(x: Tensor) -> bool:
    """Return whether autocast is on for the device of x."""
    device = x.device.type
    return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)


def _without_autocast(x) -> AbstractContextManager:
    return torch.autocast(x.device.type, enabled=False) if is_autocast_on(x) else nullcontext()


def _ones_for(h):
    return torch.ones_like(h).unsqueeze(0)


def _order(steps, reverse):
    """Return (t, before, after) for every step as it is read: where its states stand among T+1 of them."""
    return [(t, t + 1, t) for t in range(steps)][::-1] if reverse else [(t, t, t + 1) for t in range(steps)]


def _sides(reverse):
    """Return where the states before and after each step stand among T+1 of them."""
    sides = slice(None, -1), slice(1, None)
    return sides[::-1] if reverse else sides


def _steps(mask, steps):
    """Return a mask's part for each step, without copying it; None stands for no mask."""
    parts = (None,) if mask is None else mask.unbind(-3)
    return parts if len(parts) == steps else parts * steps


def _of_h_and_c(masks):
    """Return both zoneout masks in one tensor with a leading 2, as h and c are kept, or None."""
    drawn = masks.get("zoneout_h"), masks.get("zoneout_c")
    given = [mask for mask in drawn if mask is not None]
    none = given[0].new_zeros(1, 1, 1) if given else None
    return torch.stack(torch.broadcast_tensors(*(none if m is None else m for m in drawn))) if given else None
