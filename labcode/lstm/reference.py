"""The LSTM in NumPy, forward and backward by hand beside its equations; its PyTorch twin is in ``module``.

Both take batches first, (B, T, F), order the gates i, f, g, o, and use the weights of ``torch.nn.LSTM``
under the names of its ``state_dict``. With a padding mask, a padded step repeats the previous output and
state, whatever the other masks say, and what the input holds there is ignored. Before a sequence's first
real step the state stays the initial one and the output, having none to repeat, is 0 (as in Keras).
"""

from collections.abc import Mapping

import numpy as np
from numpy import ndarray

from labcode._checks import check_array, check_instance, check_shape, expect
from labcode._masks import _masked_product, _masked_product_grad, check_mask, check_masks

_ONE = np.ones((1, 1))  # a mask that drops nothing
_STEP_KINDS = ("h", "g", "c", "zoneout_h", "zoneout_c")


def lstm_forward(
    x: ndarray,
    weights: Mapping[str, ndarray],
    state: tuple[ndarray, ndarray] | None = None,
    *,
    padding_mask: ndarray | None = None,
    masks: Mapping[str, ndarray] | None = None,
) -> tuple[ndarray, tuple[ndarray, ndarray], tuple]:
    """Run an LSTM over a batch of sequences, in float64, and keep what the backward pass needs.

    Args:
        x: sequences, floating point, (B, T, F).
        weights: arrays under the keys of ``torch.nn.LSTM``'s ``state_dict``: ``weight_ih_l0`` (4H, F),
            ``weight_hh_l0`` (4H, H), ``bias_ih_l0`` and ``bias_hh_l0`` (4H,); ``_l1`` and so on for further
            layers, whose input is D*H wide; ``_l0_reverse`` for a second direction (then D = 2, else 1).
            Without any bias key the LSTM has no biases.
        state: (h_0, c_0), each (layers * D, B, H), layer by layer, forward before reverse; None is zero.
        padding_mask: bool, (B, T), True at real steps; None takes every step as real.
        masks: dropout and zoneout masks by name, layer and direction, such as ``{"h_l0": (B, H)}``; the table
            of ``recurrent_dropout.py`` lists names and shapes. What is not named is not masked.

    Returns:
        output (B, T, D*H) of the last layer, (h_n, c_n) shaped as the state, cache for ``lstm_backward``.

    Raises:
        ValueError: a wrong shape or dtype, an empty sequence, weights missing or left over, an unknown mask.

    Source: Hochreiter & Schmidhuber (1997), with the forget gate of Gers et al. (2000). Chapter 1.
    """
    check_instance("weights", weights, Mapping, "arrays by name")
    weights = {name: check_array(name, array) for name, array in weights.items()}
    layers = _check_weights(weights)
    x = check_array("x", x)
    check_shape("x", x, (None, None, weights["weight_ih_l0"].shape[1]))
    hidden_size = weights["weight_hh_l0"].shape[1]
    state_shape = (sum(map(len, layers)), len(x), hidden_size)
    h_0, c_0 = _state_pair(("h_0", "c_0"), state, state_shape)
    real = np.ones(x.shape[:2], bool) if padding_mask is None else padding_mask
    check_instance("padding_mask", real, ndarray, "an array of dtype bool (True at real steps)")
    check_shape("padding_mask", real, x.shape[:2])
    expect(real.dtype == bool, "padding_mask", "dtype bool (True at real steps)", real.dtype)
    masks = {} if masks is None else masks
    check_masks(masks, x.shape, hidden_size, len(layers), len(layers[0]) == 2)
    masks = {name: check_array(name, mask) for name, mask in masks.items()}

    output, h_n, c_n = np.where(real[:, :, None], x, 0.0), np.empty_like(h_0), np.empty_like(c_0)
    scans: list[tuple] = []
    for directions in layers:
        layer_input, outputs = output, []
        for suffix in directions:
            k, time = len(scans), _time_order(suffix)
            w, u = weights["weight_ih" + suffix], weights["weight_hh" + suffix]
            b = weights.get("bias_ih" + suffix, 0.0) + weights.get("bias_hh" + suffix, 0.0)
            directed, h_n[k], c_n[k], scan = _scan(
                layer_input[:, time],
                real[:, time],
                h_0[k],
                c_0[k],
                w,
                u,
                b,
                _masks_of(suffix, masks, x.shape, u),
            )
            outputs.append(directed[:, time])
            scans.append(scan)
        output = np.concatenate(outputs, axis=2)
    return output, (h_n, c_n), (layers, scans, list(weights))


def lstm_backward(
    grad_output: ndarray, grad_state: tuple[ndarray, ndarray] | None, cache: tuple
) -> tuple[ndarray, tuple[ndarray, ndarray], dict[str, ndarray]]:
    """Carry the gradient of a loss back through time, from what ``lstm_forward`` returned to what it took.

    Args:
        grad_output: gradient of the loss with respect to the output, (B, T, D*H).
        grad_state: gradients with respect to h_n and c_n, each (layers * D, B, H); None is zero.
        cache: the cache that ``lstm_forward`` returned.

    Returns:
        grad_x (B, T, F), (grad_h_0, grad_c_0) shaped as the state, grad_weights under the weights' keys.

    Raises:
        ValueError: a gradient of another shape or dtype than what it belongs to.

    Source: Werbos (1990), "Backpropagation through time". Chapter 1.
    """
    layers, scans, names = cache
    batch, steps, hidden_size = scans[0][1].shape
    grad_h, grad_c = _state_pair(("grad_h_n", "grad_c_n"), grad_state, (len(scans), batch, hidden_size))
    grad = check_array("grad_output", grad_output)
    check_shape("grad_output", grad, (batch, steps, len(layers[0]) * hidden_size))

    grads: dict[str, ndarray] = {}
    k = len(scans)
    for directions in reversed(layers):
        directed_grads, grad = np.split(grad, len(directions), axis=2), np.zeros(())
        for suffix, directed in zip(reversed(directions), reversed(directed_grads), strict=True):
            k, time = k - 1, _time_order(suffix)
            grad_x, grad_h[k], grad_c[k], by_kind = _scan_backward(
                directed[:, time], grad_h[k], grad_c[k], scans[k]
            )
            grad = grad + grad_x[:, time]
            grads |= {kind + suffix: value for kind, value in by_kind.items()}
    return grad, (grad_h, grad_c), {name: grads[name] for name in names}


def lstm_step(
    z_x: ndarray,
    h: ndarray,
    c: ndarray,
    u: ndarray,
    m_h: ndarray = _ONE,
    m_g: ndarray = _ONE,
    m_c: ndarray = _ONE,
) -> tuple[ndarray, ndarray, tuple]:
    """Advance one layer by one step.

    Args:
        z_x: W x + b, the input's share of the gates i, f, g, o, side by side, (B, 4H).
        h, c: state before the step, (B, H).
        u: recurrent weights U, (4H, H).
        m_h, m_g, m_c: dropout masks on h, on the candidate g and on the cell, (B, H) or, a mask for each gate
            on h, (4, B, H). By default they are 1: nothing is dropped.

    Returns:
        the new h and c, and what ``lstm_step_backward`` needs. Chapters 1 and 3.
    """
    z_x, h, c = check_array("z_x", z_x), check_array("h", h), check_array("c", c)
    u, m_h = check_array("u", u), check_array("m_h", m_h)
    m_g, m_c = check_array("m_g", m_g), check_array("m_c", m_c)
    check_shape("h", h, (None, None))
    check_shape("z_x", z_x, (len(h), 4 * h.shape[1]))
    check_shape("c", c, h.shape)
    check_shape("u", u, (4 * h.shape[1], h.shape[1]))
    check_mask("m_h", m_h, h.shape, per_gate=True)
    check_mask("m_g", m_g, h.shape)
    check_mask("m_c", m_c, h.shape)
    return step_equations(z_x, h, c, u, m_h, m_g, m_c)


def step_equations(z_x, h, c, u, m_h, m_g, m_c):
    """Do what ``lstm_step`` does, without its checks."""
    # z = W x + b + U (m_h ⊙ h)
    z_i, z_f, z_g, z_o = _gates(z_x + _masked_product(h, u, m_h))
    # i, f, o = σ(z),  g = tanh(z)
    i, f, g, o = _sigmoid(z_i), _sigmoid(z_f), np.tanh(z_g), _sigmoid(z_o)
    # c' = m_c ⊙ (f ⊙ c + i ⊙ (m_g ⊙ g))
    c_new = m_c * (f * c + i * (m_g * g))
    # h' = o ⊙ tanh(c')
    tanh_c = np.tanh(c_new)
    h_new = o * tanh_c
    return h_new, c_new, (i, f, g, o, c, tanh_c, m_h, m_g, m_c)


def lstm_step_backward(
    grad_h: ndarray, grad_c: ndarray, u: ndarray, step: tuple
) -> tuple[ndarray, ndarray, ndarray]:
    """Carry a gradient back through one ``lstm_step``: its equations again, the last one first.

    Args:
        grad_h, grad_c: gradients with respect to the new h and c, (B, H).
        u: recurrent weights U, (4H, H).
        step: what ``lstm_step`` returned last.

    Returns:
        gradients with respect to z (B, 4H), and to the h and c before the step (B, H). Chapters 1 and 3.
    """
    grad_h, grad_c, u = (
        check_array("grad_h", grad_h),
        check_array("grad_c", grad_c),
        check_array("u", u),
    )
    batch, hidden_size = step[0].shape
    check_shape("grad_h", grad_h, (batch, hidden_size))
    check_shape("grad_c", grad_c, (batch, hidden_size))
    check_shape("u", u, (4 * hidden_size, hidden_size))
    return _step_backward(grad_h, grad_c, u, step)


def _step_backward(grad_h, grad_c, u, step):
    """Do what ``lstm_step_backward`` does, without its checks."""
    i, f, g, o, c, tanh_c, m_h, m_g, m_c = step
    # h' = o ⊙ tanh(c')
    grad_o = grad_h * tanh_c
    grad_c = grad_c + grad_h * o * (1 - tanh_c**2)
    # c' = m_c ⊙ (f ⊙ c + i ⊙ (m_g ⊙ g))
    grad_c = m_c * grad_c
    grad_i, grad_f, grad_g = grad_c * (m_g * g), grad_c * c, grad_c * i * m_g
    # σ' = σ (1 - σ),  tanh' = 1 - tanh²
    grad_gates = [grad_i * i * (1 - i), grad_f * f * (1 - f), grad_g * (1 - g**2), grad_o * o * (1 - o)]
    grad_z = np.concatenate(grad_gates, axis=1)
    # z = W x + b + U (m_h ⊙ h)
    return grad_z, _masked_product_grad(u, m_h, grad_z), grad_c * f


def _scan(x, real, h, c, w, u, b, masks):
    """Run one layer in one direction over all steps, holding the state at steps that are not real."""
    z_x = _masked_product(x, w, masks["x"]) + b  # the input's share of every step at once
    u, before, after, steps = masks["weight_hh"] * u, [], [], []
    # at a padded step all units keep what they hold
    masks |= {kind: np.where(real[:, :, None], masks[kind], 1.0) for kind in ("zoneout_h", "zoneout_c")}
    for t in range(x.shape[1]):
        before.append(h)
        m_h, m_g, m_c, z_h, z_c = (masks[kind][..., t, :] for kind in _STEP_KINDS)
        h_new, c_new, step = step_equations(z_x[:, t], h, c, u, m_h, m_g, m_c)
        # h ← z_h ⊙ h + (1 - z_h) ⊙ h',  c ← z_c ⊙ c + (1 - z_c) ⊙ c'
        h, c = z_h * h + (1 - z_h) * h_new, z_c * c + (1 - z_c) * c_new
        after.append(h)
        steps.append(step)
    started = np.logical_or.accumulate(real, axis=1)[:, :, None]
    scan = x, np.stack(before, axis=1), steps, started, w, u, masks
    return np.stack(after, axis=1) * started, h, c, scan


def _scan_backward(grad_output, grad_h, grad_c, scan):
    """Carry a gradient back through one layer in one direction, the last step first."""
    x, h, steps, started, w, u, masks = scan
    grad_output = grad_output * started
    grad_z = np.empty((*h.shape[:2], len(u)))
    for t in reversed(range(len(steps))):
        grad_h = grad_h + grad_output[:, t]
        # h ← z_h ⊙ h + (1 - z_h) ⊙ h',  c ← z_c ⊙ c + (1 - z_c) ⊙ c'
        z_h, z_c = masks["zoneout_h"][:, t], masks["zoneout_c"][:, t]
        grad_z[:, t], past_h, past_c = _step_backward((1 - z_h) * grad_h, (1 - z_c) * grad_c, u, steps[t])
        grad_h, grad_c = past_h + z_h * grad_h, past_c + z_c * grad_c
    # the weights are the same at every step, so their gradients add up over the steps
    grads = {
        "weight_ih": _weight_grad(grad_z, masks["x"] * x),
        "weight_hh": masks["weight_hh"] * _weight_grad(grad_z, masks["h"] * h),
    }
    grads |= {name: grad_z.sum(axis=(0, 1)) for name in ("bias_ih", "bias_hh")}
    return _masked_product_grad(w, masks["x"], grad_z), grad_h, grad_c, grads


def _weight_grad(grad_z, v):
    """Return the gradient of W in z = W v, where v has a leading 4 if each gate reads a v of its own."""
    if v.ndim == 3:
        return grad_z.reshape(-1, grad_z.shape[2]).T @ v.reshape(-1, v.shape[2])
    by_gate = grad_z.reshape(*grad_z.shape[:2], 4, -1)
    return np.einsum("btkh,kbtf->khf", by_gate, v).reshape(grad_z.shape[2], -1)


def _masks_of(suffix, masks, sizes, u):
    """Return one direction's masks by kind, steps in its order; 1 (for zoneout 0) where none is named."""
    found = {"weight_hh": masks.get("weight_hh" + suffix, np.ones(u.shape))}
    for kind in ("x", *_STEP_KINDS):
        mask = masks.get(kind + suffix, np.zeros((1, 1)) if kind.startswith("zoneout") else _ONE)
        mask = mask[:, None] if mask.ndim == 2 else mask
        mask = np.broadcast_to(mask, (*mask.shape[:-3], *sizes[:2], mask.shape[-1]))
        found[kind] = mask[..., _time_order(suffix), :]
    return found


def _time_order(suffix):
    """Return the slice that puts the steps into the order in which this direction reads them."""
    return slice(None, None, -1 if suffix.endswith("_reverse") else 1)


def _gates(z):
    """Return the four gates' parts of z, (B, 4H)."""
    size = z.shape[1] // 4
    return [z[:, k * size : (k + 1) * size] for k in range(4)]


def _sigmoid(z):
    """σ(z) = (1 + tanh(z/2)) / 2, the form that cannot overflow."""
    return 0.5 * (1 + np.tanh(0.5 * z))


def _state_pair(names, pair, sizes):
    """Return a checked copy of a pair of states, (2, layers * D, B, H), or zeros for None."""
    if pair is None:
        return np.zeros((2, *sizes))
    is_pair = isinstance(pair, tuple | list) and len(pair) == 2
    expect(is_pair, "state", f"a pair ({', '.join(names)})", type(pair))
    for name, array in zip(names, pair, strict=True):
        check_shape(name, check_array(name, array), sizes)
    return np.array(pair, np.float64)


def _check_weights(weights):
    """Check names and shapes; return the suffixes of each layer's directions, such as [["_l0"], ["_l1"]]."""
    check_shape("weight_hh_l0", weights.get("weight_hh_l0"), (None, None))
    check_shape("weight_ih_l0", weights.get("weight_ih_l0"), (None, None))
    rows, hidden_size = 4 * weights["weight_hh_l0"].shape[1], weights["weight_hh_l0"].shape[1]
    directions = ("", "_reverse") if "weight_hh_l0_reverse" in weights else ("",)
    num_layers = sum(name.startswith("weight_hh") for name in weights) // len(directions)
    layers = [[f"_l{layer}{direction}" for direction in directions] for layer in range(num_layers)]

    wanted: dict[str, tuple[int, ...]] = {}
    input_size = weights["weight_ih_l0"].shape[1]
    for suffixes in layers:
        for suffix in suffixes:
            wanted |= {"weight_ih" + suffix: (rows, input_size), "weight_hh" + suffix: (rows, hidden_size)}
            if "bias_ih_l0" in weights:
                wanted |= {"bias_ih" + suffix: (rows,), "bias_hh" + suffix: (rows,)}
        input_size = len(directions) * hidden_size
    expect(set(weights) == set(wanted), "weights", f"the keys {sorted(wanted)}", sorted(weights))
    for name, sizes in wanted.items():
        check_shape(name, weights[name], sizes)
    return layers
