"""The LSTM twice: in NumPy, forward and backward by hand beside its equations, and as a PyTorch module.

Both take batches first, (B, T, F), order the gates i, f, g, o, and use the weights of ``torch.nn.LSTM`` under
the names of its ``state_dict``. With a padding mask, a padded step repeats the previous output and state, and
what the input holds there is ignored. Before a sequence's first real step the state stays the initial one and
the output, having none to repeat, is 0 (as in Keras).
"""

from collections.abc import Mapping

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor, nn
from torch.nn import functional

from labcode.validate import expect, integer, one_of, shape


def lstm_forward(
    x: ndarray,
    weights: Mapping[str, ndarray],
    state: tuple[ndarray, ndarray] | None = None,
    *,
    padding_mask: ndarray | None = None,
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

    Returns:
        output (B, T, D*H) of the last layer, (h_n, c_n) shaped as the state, cache for ``lstm_backward``.

    Raises:
        ValueError: a wrong shape or dtype, an empty sequence, weights missing or left over.

    Source: Hochreiter & Schmidhuber (1997), with the forget gate of Gers et al. (2000). Chapter 1.
    """
    weights = {name: _float64(name, array) for name, array in weights.items()}
    layers = _check_weights(weights)
    x = _float64("x", x)
    shape("x", x, (None, None, weights["weight_ih_l0"].shape[1]))
    state_shape = (sum(map(len, layers)), len(x), weights["weight_hh_l0"].shape[1])
    h_0, c_0 = _state_pair(("h_0", "c_0"), state, state_shape)
    real = np.ones(x.shape[:2], bool) if padding_mask is None else np.asarray(padding_mask)
    shape("padding_mask", real, x.shape[:2])
    expect(real.dtype == bool, "padding_mask", "dtype bool (True at real steps)", real.dtype)

    output, h_n, c_n, scans = np.where(real[:, :, None], x, 0.0), np.empty_like(h_0), np.empty_like(c_0), []
    for directions in layers:
        layer_input, outputs = output, []
        for suffix in directions:
            k, time = len(scans), _time_order(suffix)
            w, u = weights["weight_ih" + suffix], weights["weight_hh" + suffix]
            b = weights.get("bias_ih" + suffix, 0.0) + weights.get("bias_hh" + suffix, 0.0)
            directed, h_n[k], c_n[k], scan = _scan(
                layer_input[:, time], real[:, time], h_0[k], c_0[k], w, u, b
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
    grad = _float64("grad_output", grad_output)
    shape("grad_output", grad, (batch, steps, len(layers[0]) * hidden_size))

    grads, k = {}, len(scans)
    for directions in reversed(layers):
        directed_grads, grad = np.split(grad, len(directions), axis=2), 0.0
        for suffix, directed in zip(reversed(directions), reversed(directed_grads), strict=True):
            k, time = k - 1, _time_order(suffix)
            grad_x, grad_h[k], grad_c[k], by_kind = _scan_backward(
                directed[:, time], grad_h[k], grad_c[k], scans[k]
            )
            grad = grad + grad_x[:, time]
            grads |= {kind + suffix: value for kind, value in by_kind.items()}
    return grad, (grad_h, grad_c), {name: grads[name] for name in names}


def lstm_step(z_x: ndarray, h: ndarray, c: ndarray, u: ndarray) -> tuple[ndarray, ndarray, tuple]:
    """Advance one layer by one step.

    Args:
        z_x: W x + b, the input's share of the gates i, f, g, o, side by side, (B, 4H).
        h, c: state before the step, (B, H).
        u: recurrent weights U, (4H, H).

    Returns:
        the new h and c, and what ``lstm_step_backward`` needs. Chapter 1.
    """
    # z = W x + b + U h
    z_i, z_f, z_g, z_o = np.split(z_x + h @ u.T, 4, axis=1)
    # i, f, o = σ(z),  g = tanh(z)
    i, f, g, o = _sigmoid(z_i), _sigmoid(z_f), np.tanh(z_g), _sigmoid(z_o)
    # c' = f ⊙ c + i ⊙ g
    c_new = f * c + i * g
    # h' = o ⊙ tanh(c')
    h_new = o * np.tanh(c_new)
    return h_new, c_new, (i, f, g, o, c, c_new)


def lstm_step_backward(
    grad_h: ndarray, grad_c: ndarray, u: ndarray, step: tuple
) -> tuple[ndarray, ndarray, ndarray]:
    """Carry a gradient back through one ``lstm_step``: its equations again, the last one first.

    Args:
        grad_h, grad_c: gradients with respect to the new h and c, (B, H).
        u: recurrent weights U, (4H, H).
        step: what ``lstm_step`` returned last.

    Returns:
        gradients with respect to z (B, 4H), and to the h and c before the step (B, H). Chapter 1.
    """
    i, f, g, o, c, c_new = step
    # h' = o ⊙ tanh(c')
    grad_o = grad_h * np.tanh(c_new)
    grad_c = grad_c + grad_h * o * (1 - np.tanh(c_new) ** 2)
    # c' = f ⊙ c + i ⊙ g
    grad_i, grad_f, grad_g = grad_c * g, grad_c * c, grad_c * i
    # σ' = σ (1 - σ),  tanh' = 1 - tanh²
    grad_gates = [grad_i * i * (1 - i), grad_f * f * (1 - f), grad_g * (1 - g**2), grad_o * o * (1 - o)]
    grad_z = np.concatenate(grad_gates, axis=1)
    # z = W x + b + U h
    return grad_z, grad_z @ u, grad_c * f


def _scan(x, real, h, c, w, u, b):
    """Run one layer in one direction over all steps, holding the state at steps that are not real."""
    z_x = x @ w.T + b  # the input's share of every step at once
    before, after, steps = [], [], []
    for t in range(x.shape[1]):
        before.append(h)
        h_new, c_new, step = lstm_step(z_x[:, t], h, c, u)
        h, c = np.where(real[:, t, None], h_new, h), np.where(real[:, t, None], c_new, c)
        after.append(h)
        steps.append(step)
    started = np.logical_or.accumulate(real, axis=1)[:, :, None]
    return np.stack(after, axis=1) * started, h, c, (x, np.stack(before, axis=1), steps, real, started, w, u)


def _scan_backward(grad_output, grad_h, grad_c, scan):
    """Carry a gradient back through one layer in one direction, the last step first."""
    x, h, steps, real, started, w, u = scan
    grad_output = grad_output * started
    grad_z = np.empty((*real.shape, len(u)))
    for t in reversed(range(len(steps))):
        grad_h, now = grad_h + grad_output[:, t], real[:, t, None]
        grad_z[:, t], past_h, past_c = lstm_step_backward(
            np.where(now, grad_h, 0.0), np.where(now, grad_c, 0.0), u, steps[t]
        )
        grad_h, grad_c = np.where(now, past_h, grad_h), np.where(now, past_c, grad_c)
    # the weights are the same at every step, so their gradients add up over the steps
    grads = {
        "weight_ih": np.einsum("btk,btf->kf", grad_z, x),
        "weight_hh": np.einsum("btk,bth->kh", grad_z, h),
    }
    grads |= {name: grad_z.sum(axis=(0, 1)) for name in ("bias_ih", "bias_hh")}
    return grad_z @ w, grad_h, grad_c, grads


def _time_order(suffix):
    """Return the slice that puts the steps into the order in which this direction reads them."""
    return slice(None, None, -1 if suffix.endswith("_reverse") else 1)


def _sigmoid(z):
    """σ(z) = (1 + tanh(z/2)) / 2, the form that cannot overflow."""
    return 0.5 * (1 + np.tanh(0.5 * z))


def _float64(name, array):
    array = np.asarray(array)
    expect(np.issubdtype(array.dtype, np.floating), name, "a floating-point array", array.dtype)
    return array.astype(np.float64, copy=False)


def _state_pair(names, pair, sizes):
    """Return a checked copy of a pair of states, (2, layers * D, B, H), or zeros for None."""
    if pair is None:
        return np.zeros((2, *sizes))
    is_pair = isinstance(pair, tuple | list) and len(pair) == 2
    expect(is_pair, "state", f"a pair ({', '.join(names)})", type(pair))
    for name, array in zip(names, pair, strict=True):
        shape(name, _float64(name, array), sizes)
    return np.array(pair, np.float64)


def _check_weights(weights):
    """Check names and shapes; return the suffixes of each layer's directions, such as [["_l0"], ["_l1"]]."""
    shape("weight_hh_l0", weights.get("weight_hh_l0"), (None, None))
    shape("weight_ih_l0", weights.get("weight_ih_l0"), (None, None))
    rows, hidden_size = 4 * weights["weight_hh_l0"].shape[1], weights["weight_hh_l0"].shape[1]
    directions = ("", "_reverse") if "weight_hh_l0_reverse" in weights else ("",)
    num_layers = sum(name.startswith("weight_hh") for name in weights) // len(directions)
    layers = [[f"_l{layer}{direction}" for direction in directions] for layer in range(num_layers)]

    wanted, input_size = {}, weights["weight_ih_l0"].shape[1]
    for suffixes in layers:
        for suffix in suffixes:
            wanted |= {"weight_ih" + suffix: (rows, input_size), "weight_hh" + suffix: (rows, hidden_size)}
            if "bias_ih_l0" in weights:
                wanted |= {"bias_ih" + suffix: (rows,), "bias_hh" + suffix: (rows,)}
        input_size = len(directions) * hidden_size
    expect(set(weights) == set(wanted), "weights", f"the keys {sorted(wanted)}", sorted(weights))
    for name, sizes in wanted.items():
        shape(name, weights[name], sizes)
    return layers


class RegularizedLSTM(nn.LSTM):
    """Run an LSTM over a batch of sequences, batch first, on any device, with automatic gradients.

    It is ``torch.nn.LSTM``: the same ``state_dict``, the same fused kernel. A padding mask takes a loop over
    the steps instead, several times slower on a CPU.

    Args:
        input_size: features per step, F.
        hidden_size: units per layer and direction, H.
        num_layers: layers, each reading the output of the one below.
        bias: whether the gates have biases.
        bidirectional: whether a second direction reads the sequence backwards (then D = 2, else 1).

    Raises:
        ValueError: a size that is not a whole number of at least 1.

    Source: Hochreiter & Schmidhuber (1997), with the forget gate of Gers et al. (2000). Chapter 1.
    """

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, *, bias=True, bidirectional=False
    ):
        sizes = {"input_size": input_size, "hidden_size": hidden_size, "num_layers": num_layers}
        super().__init__(
            **{name: integer(name, size, low=1) for name, size in sizes.items()},
            bias=one_of("bias", bias, (True, False)),
            batch_first=True,
            bidirectional=one_of("bidirectional", bidirectional, (True, False)),
        )

    @property
    def num_directions(self) -> int:
        """2 if bidirectional, else 1."""
        return 2 if self.bidirectional else 1

    def forward(
        self, x: Tensor, state: tuple[Tensor, Tensor] | None = None, *, padding_mask: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the outputs of the last layer and the final state.

        Args:
            x: sequences, (B, T, F), of the weights' dtype.
            state: (h_0, c_0), each (layers * D, B, H), layer by layer, forward before reverse; None is zero.
            padding_mask: bool, (B, T), True at real steps; None takes every step as real.

        Returns:
            output (B, T, D*H) and (h_n, c_n) shaped as the state.

        Raises:
            ValueError: a wrong shape or dtype, or an empty sequence.
        """
        self._check(x, state, padding_mask)
        if padding_mask is None:
            return super().forward(x, state)

        real = padding_mask.unsqueeze(-1)
        if state is None:
            state = x.new_zeros(2, self.num_layers * self.num_directions, len(x), self.hidden_size)
        output, h_n, c_n = x.masked_fill(~real, 0), [], []
        parameters = zip(*state, self.all_weights, strict=True)
        for _ in range(self.num_layers):
            scans = [
                _masked_scan(output, real, *next(parameters), reverse=reverse)
                for reverse in (False, True)[: self.num_directions]
            ]
            output = torch.cat([scan[0] for scan in scans], dim=-1)
            h_n += [scan[1] for scan in scans]
            c_n += [scan[2] for scan in scans]
        return output, (torch.stack(h_n), torch.stack(c_n))

    def _check(self, x, state, padding_mask):
        dtype = self.weight_ih_l0.dtype
        shape("x", x, (None, None, self.input_size))
        expect(x.dtype == dtype, "x", f"the weights' dtype, {dtype}", x.dtype)
        if state is not None:
            is_pair = isinstance(state, tuple | list) and len(state) == 2
            expect(is_pair, "state", "a pair (h_0, c_0)", type(state))
            for name, tensor in zip(("h_0", "c_0"), state, strict=True):
                shape(name, tensor, (self.num_layers * self.num_directions, len(x), self.hidden_size))
                expect(tensor.dtype == dtype, name, f"the weights' dtype, {dtype}", tensor.dtype)
        if padding_mask is not None:
            shape("padding_mask", padding_mask, tuple(x.shape[:2]))
            is_bool = padding_mask.dtype == torch.bool
            expect(is_bool, "padding_mask", "dtype torch.bool (True at real steps)", padding_mask.dtype)


def _masked_scan(x, real, h, c, parameters, *, reverse):
    """Run one layer in one direction over all steps, holding output and state at steps that are not real."""
    w_ih, w_hh, b_ih, b_hh = parameters if len(parameters) == 4 else (*parameters, None, None)
    output, outputs = torch.zeros_like(h), []
    steps = list(zip(functional.linear(x, w_ih, b_ih).unbind(1), real.unbind(1), strict=True))
    for z_x, now in reversed(steps) if reverse else steps:
        i, f, g, o = (z_x + functional.linear(h, w_hh, b_hh)).chunk(4, dim=-1)
        c_new = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h_new = torch.sigmoid(o) * torch.tanh(c_new)
        output = torch.where(now, h_new, output)
        h, c = torch.where(now, h_new, h), torch.where(now, c_new, c)
        outputs.append(output)
    return torch.stack(outputs[::-1] if reverse else outputs, dim=1), h, c


class SequenceModel(nn.Module):
    """Map each sequence to ``output_size`` numbers, by a linear head on what the LSTM holds at its end.

    The head reads the last layer's final h: the output of the last real step or, with two directions, that of
    both, each having read the whole sequence.

    Args:
        input_size: features per step, F.
        hidden_size: units per layer and direction, H.
        output_size: numbers per sequence: targets, or one logit per class.
        num_layers: layers of the LSTM.
        bidirectional: whether a second direction reads the sequence backwards.

    Raises:
        ValueError: a size that is not a whole number of at least 1.

    Chapter 1.
    """

    def __init__(
        self, input_size: int, hidden_size: int, output_size: int, num_layers: int = 1, *, bidirectional=False
    ):
        super().__init__()
        output_size = integer("output_size", output_size, low=1)
        self.lstm = RegularizedLSTM(input_size, hidden_size, num_layers, bidirectional=bidirectional)
        self.head = nn.Linear(self.lstm.num_directions * hidden_size, output_size)

    def forward(self, x: Tensor, padding_mask: Tensor | None = None) -> Tensor:
        """Return (B, output_size) for sequences x (B, T, F), with a mask as in ``RegularizedLSTM``."""
        _, (h_n, _) = self.lstm(x, padding_mask=padding_mask)
        return self.head(h_n[-self.lstm.num_directions :].transpose(0, 1).flatten(1))
