"""The loop of ``scan.py`` as one writes it first: operations that autograd, tracers and vmap see one by one.

It is slower and keeps more memory. It runs where a single function of the whole sequence cannot: for second
derivatives, in ``torch.export``, ``torch.compile``, ``jit.trace``, and in transforms of ``torch.func``.
"""

import torch
from torch import Tensor
from torch.nn import functional


def lstm_plain_loop(
    x: Tensor,
    w: Tensor,
    b: Tensor | None,
    u: Tensor,
    h: Tensor,
    c: Tensor,
    reverse: bool,
    m_h: Tensor | None,
    m_g: Tensor | None,
    m_c: Tensor | None,
    zoneout: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return h after every step, (T, B, H), and the final h and c: what ``LSTMFunction.apply`` returns.

    Args:
        x, reverse, m_h, m_g, m_c: as in ``lstm_scan``.
        w, b, u, h, c: W, the sum of the biases, U, and the state before the sequence.
        zoneout: the masks on h and c with a leading 2, or None.
    """
    inputs = _product(x, w, 4)
    inputs = (inputs if b is None else inputs + b).unbind()
    masks = [_of_steps(mask, len(inputs)) for mask in (m_h, m_g, m_c, zoneout)]
    outputs, order = [], range(len(inputs))
    for t in reversed(order) if reverse else order:
        m_h, m_g, m_c, z = (mask[t] for mask in masks)
        gates = inputs[t] + _product(h if m_h is None else m_h * h, u, 3)
        i, f, g, o = gates.chunk(4, dim=-1)
        i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
        new_c = f * c + i * (g if m_g is None else m_g * g)
        new_c = new_c if m_c is None else m_c * new_c
        new_h = o * new_c.tanh()
        if z is not None:
            new_h, new_c = z[0] * h + (1 - z[0]) * new_h, z[1] * c + (1 - z[1]) * new_c
        h, c = new_h, new_c
        outputs.append(h)
    return torch.stack(outputs[::-1] if reverse else outputs), h, c


def _product(v, w, by_gate):
    """Return W v; if v has as many axes as ``by_gate``, each gate reads its own part of it."""
    if v.ndim < by_gate:
        return functional.linear(v, w)
    return torch.cat([functional.linear(v_k, w_k) for v_k, w_k in zip(v, w.chunk(4), strict=True)], dim=-1)


def _of_steps(mask, steps):
    """Return a mask's part for each step; None stands for no mask."""
    if mask is None:
        return [None] * steps
    parts = mask.unbind(-3)
    return parts if len(parts) == steps else parts * steps
