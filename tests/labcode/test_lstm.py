"""The NumPy LSTM and ``RegularizedLSTM`` against ``torch.nn.LSTM`` and against finite differences."""

import copy
import pickle
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from labcode.lstm import RegularizedLSTM, SequenceModel, lstm_backward, lstm_forward

SIZES = {
    "batch": st.integers(1, 4),
    "steps": st.integers(1, 6),
    "features": st.integers(1, 4),
    "hidden": st.integers(1, 4),
    "layers": st.integers(1, 3),
    "bidirectional": st.booleans(),
    "bias": st.booleans(),
    "seed": st.integers(0, 10**6),
}


def drawn_cases(test):
    """Run a test on 60 drawn cases, the same ones every time."""
    return settings(deadline=None, derandomize=True, max_examples=60)(
        given(case=st.builds(Case, **SIZES))(test)
    )


class Case:
    """A float64 ``nn.LSTM``, its inputs, a padding mask, and weights G of a loss sum(G * what it returns)."""

    def __init__(self, *, batch, steps, features, hidden, layers, bidirectional=False, bias=True, seed=0):
        self.random = torch.Generator().manual_seed(seed)
        self.sizes, self.hidden = (features, hidden, layers), hidden
        self.directions = 2 if bidirectional else 1
        self.options = {"bias": bias, "bidirectional": bidirectional}
        self.oracle = nn.LSTM(*self.sizes, batch_first=True, **self.options).double()
        for parameter in self.oracle.parameters():
            parameter.data = self.draw(*parameter.shape)
        self.x = self.draw(batch, steps, features).requires_grad_()
        self.state = tuple(self.draw(layers * self.directions, batch, hidden).requires_grad_() for _ in "hc")
        self.mask = torch.rand((batch, steps), generator=self.random) < 0.6
        returned = (batch, steps, self.directions * hidden), self.state[0].shape, self.state[1].shape
        self.loss_weights = [self.draw(*sizes) for sizes in returned]

    def draw(self, *sizes):
        return torch.randn(sizes, generator=self.random, dtype=torch.float64)

    def inputs(self):
        """Everything a gradient is taken of, by name."""
        return {"x": self.x, "h_0": self.state[0], "c_0": self.state[1]} | dict(
            self.oracle.named_parameters()
        )

    def run_torch(self, lstm):
        """Return the outputs and gradients of a torch LSTM, called as ``lstm(x, state)``."""
        output, (h_n, c_n) = lstm(self.x, self.state)
        loss = sum((g * r).sum() for g, r in zip(self.loss_weights, (output, h_n, c_n), strict=True))
        grads = torch.autograd.grad(loss, self.inputs().values(), materialize_grads=True)
        return [output.detach(), h_n.detach(), c_n.detach()], dict(zip(self.inputs(), grads, strict=True))

    def run_twin(self, mask=None, masks=None):
        """Return the same of ``RegularizedLSTM``, given the oracle's own parameters."""
        twin = RegularizedLSTM(*self.sizes, batch_first=True, **self.options)
        for name, parameter in self.oracle.named_parameters():
            setattr(twin, name, parameter)
        return self.run_torch(lambda x, state: twin(x, state, padding_mask=mask, masks=masks))

    def run_numpy(self, mask=None, masks=None):
        """Return the same of the NumPy LSTM."""
        arrays = {name: tensor.detach().numpy() for name, tensor in self.inputs().items()}
        x, state = arrays.pop("x"), (arrays.pop("h_0"), arrays.pop("c_0"))
        mask = None if mask is None else mask.numpy()
        masks = None if masks is None else {name: tensor.numpy() for name, tensor in masks.items()}
        output, (h_n, c_n), cache = lstm_forward(x, arrays, state, padding_mask=mask, masks=masks)
        grad_output, *grad_state = (g.numpy() for g in self.loss_weights)
        grad_x, (grad_h, grad_c), grad_weights = lstm_backward(grad_output, tuple(grad_state), cache)
        return [output, h_n, c_n], {"x": grad_x, "h_0": grad_h, "c_0": grad_c} | grad_weights

    def one_by_one(self, x, state):
        """Run the oracle on each sequence's real steps alone, then lay its outputs out as the mask says."""
        outputs, finals = [], []
        for b, real in enumerate(self.mask):
            final, nothing = tuple(s[:, b : b + 1].contiguous() for s in state), x.new_zeros(1, self.hidden)
            halves = [nothing[:0]] * self.directions
            if real.any():
                alone, final = self.oracle(x[b : b + 1, real], final)
                halves = alone[0].split(self.hidden, dim=-1)
            seen = real.cumsum(0)  # a padded step repeats the last real one, or in reverse the next one
            laid_out = [torch.cat([nothing, halves[0]])[seen]]
            laid_out += [torch.cat([half, nothing])[seen - real.long()] for half in halves[1:]]
            outputs.append(torch.cat(laid_out, dim=-1))
            finals.append(final)
        h_n, c_n = (torch.cat(parts, dim=1) for parts in zip(*finals, strict=True))
        return torch.stack(outputs), (h_n, c_n)


def errors(received, expected):
    """Return the largest error of the outputs and of the gradients, relative where values exceed 1."""
    (outputs, grads), (wanted_outputs, wanted_grads) = received, expected
    assert grads.keys() == wanted_grads.keys()

    def largest(pairs):
        return max(
            float((abs(np.asarray(g) - w.numpy()) / np.maximum(1, abs(w.numpy()))).max()) for g, w in pairs
        )

    return (
        largest(zip(outputs, wanted_outputs, strict=True)),
        largest((grads[name], wanted_grads[name]) for name in grads),
    )


def assert_agree(received, expected):
    output_error, grad_error = errors(received, expected)
    assert output_error <= 1e-12
    assert grad_error <= 1e-10


@drawn_cases
def test_numpy_agrees_with_torch_in_outputs_and_gradients(case):
    assert_agree(case.run_numpy(), case.run_torch(case.oracle))


@drawn_cases
def test_twin_agrees_with_torch_by_the_kernel_and_by_the_loop(case):
    expected = case.run_torch(case.oracle)
    assert_agree(case.run_twin(), expected)
    assert_agree(case.run_twin(torch.ones_like(case.mask)), expected)


@drawn_cases
def test_padding_equals_running_the_real_steps_alone(case):
    expected = case.run_torch(case.one_by_one)
    assert_agree(case.run_numpy(case.mask), expected)
    assert_agree(case.run_twin(case.mask), expected)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_right_padded_batch_equals_each_sequence_alone(bidirectional):
    case = Case(batch=3, steps=5, features=2, hidden=3, layers=2, bidirectional=bidirectional)
    lengths = [5, 2, 3]
    case.mask = torch.arange(5) < torch.tensor(lengths)[:, None]
    (output, h_n, _), _ = case.run_twin(case.mask)
    for b, length in enumerate(lengths):
        alone, (h_alone, _) = case.oracle(
            case.x[b : b + 1, :length], tuple(s[:, b : b + 1] for s in case.state)
        )
        torch.testing.assert_close(output[b, :length], alone[0].detach(), rtol=0, atol=1e-12)
        torch.testing.assert_close(h_n[:, b], h_alone[:, 0].detach(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_gradients_agree_with_finite_differences(bidirectional, masked):
    case = Case(batch=2, steps=4, features=2, hidden=2, layers=2, bidirectional=bidirectional, seed=1)
    mask = torch.tensor([[False, True, True, False], [True, True, False, True]]) if masked else None
    _, grads = case.run_numpy(mask)
    for name, tensor in case.inputs().items():
        array = tensor.detach().numpy()  # shares its memory, so that a change here is one of the case
        numeric = np.empty_like(array)
        for index in np.ndindex(array.shape):
            numeric[index] = central_difference(lambda: loss(case, mask), array, index)
        np.testing.assert_allclose(grads[name], numeric, rtol=1e-6, atol=1e-9, err_msg=name)


def loss(case, mask):
    outputs, _ = case.run_numpy(mask)
    return sum((g.numpy() * r).sum() for g, r in zip(case.loss_weights, outputs, strict=True))


def central_difference(function, array, index, step=1e-5):
    value = array[index]
    array[index] = value + step
    above = function()
    array[index] = value - step
    below = function()
    array[index] = value
    return (above - below) / (2 * step)


def test_before_the_first_real_step_the_output_is_zero_and_the_state_stays():
    case = Case(batch=2, steps=3, features=2, hidden=2, layers=1)
    mask = torch.tensor([[False, True, False], [False, False, False]])
    for outputs, _ in (case.run_numpy(mask), case.run_twin(mask)):
        output, h_n, c_n = map(np.asarray, outputs)
        np.testing.assert_array_equal(output[:, 0], 0)
        np.testing.assert_array_equal(output[0, 1], output[0, 2])
        np.testing.assert_array_equal(output[1], 0)
        np.testing.assert_array_equal(h_n[0, 1], case.state[0][0, 1].detach())
        np.testing.assert_array_equal(c_n[0, 1], case.state[1][0, 1].detach())


@pytest.mark.parametrize("run", [Case.run_numpy, Case.run_twin])
def test_what_stands_in_padded_steps_is_ignored(run):
    case = Case(batch=2, steps=5, features=2, hidden=2, layers=2, bidirectional=True)
    (output, *_), grads = run(case, case.mask)
    with torch.no_grad():
        case.x[~case.mask] = torch.nan
    (same_output, *_), same_grads = run(case, case.mask)
    np.testing.assert_array_equal(output, same_output)
    for name, grad in grads.items():
        np.testing.assert_array_equal(grad, same_grads[name], err_msg=name)


def test_no_state_is_a_zero_state():
    case = Case(batch=2, steps=3, features=2, hidden=2, layers=2, bidirectional=True)
    x, weights = case.x.detach(), {name: tensor.numpy() for name, tensor in case.oracle.state_dict().items()}
    twin = RegularizedLSTM(*case.sizes, batch_first=True, **case.options).double()
    twin.load_state_dict(case.oracle.state_dict())
    expected = case.oracle(x)[0].detach().numpy()
    loop = twin(x, padding_mask=torch.ones(2, 3, dtype=torch.bool))[0].detach().numpy()
    np.testing.assert_allclose(lstm_forward(x.numpy(), weights)[0], expected, atol=1e-12)
    np.testing.assert_allclose(loop, expected, atol=1e-12)

    output, (h_n, _), cache = lstm_forward(x.numpy(), weights)
    without, with_zeros = (lstm_backward(output, g, cache)[2] for g in (None, (0 * h_n, 0 * h_n)))
    assert all((without[name] == with_zeros[name]).all() for name in weights)


def test_numpy_changes_none_of_its_arguments():
    case = Case(batch=2, steps=3, features=2, hidden=2, layers=2)
    before = [tensor.detach().clone() for tensor in (*case.inputs().values(), *case.loss_weights)]
    case.run_numpy(case.mask)
    after = (*case.inputs().values(), *case.loss_weights)
    assert all(torch.equal(was, now) for was, now in zip(before, after, strict=True))


def test_numpy_does_not_overflow():
    case = Case(batch=2, steps=3, features=2, hidden=2, layers=1)
    case.x.data *= 1e6
    with np.errstate(over="raise", invalid="raise"):
        outputs, grads = case.run_numpy()
    assert all(np.isfinite(array).all() for array in (*outputs, *grads.values()))


@pytest.mark.parametrize("options", [{}, {"bias": False}, {"num_layers": 2, "bidirectional": True}])
def test_weights_move_both_ways_and_copies_compute_the_same(options):
    plain, twin = (
        nn.LSTM(3, 4, batch_first=True, **options),
        RegularizedLSTM(3, 4, batch_first=True, **options),
    )
    plain.load_state_dict(twin.state_dict(), strict=True)
    twin.load_state_dict(plain.state_dict(), strict=True)
    x = torch.randn(2, 5, 3)
    expected = plain(x)[0]
    for lstm in (twin, copy.deepcopy(twin), pickle.loads(pickle.dumps(twin))):
        assert torch.equal(lstm(x)[0], expected)
    weights = {name: tensor.numpy() for name, tensor in twin.state_dict().items()}
    np.testing.assert_allclose(lstm_forward(x.numpy(), weights)[0], expected.detach(), atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("mask", [None, torch.ones(2, 5, dtype=torch.bool)], ids=["kernel", "loop"])
def test_twin_keeps_the_dtype(dtype, mask):
    lstm = RegularizedLSTM(3, 4, batch_first=True).to(dtype)
    output, state = lstm(torch.randn(2, 5, 3, dtype=dtype), padding_mask=mask)
    assert {tensor.dtype for tensor in (output, *state)} == {dtype}


@pytest.mark.parametrize("bidirectional", [False, True])
def test_sequence_model_reads_the_end_of_each_sequence(bidirectional):
    model = SequenceModel(3, 4, 2, num_layers=2, bidirectional=bidirectional).double()
    x, lengths = torch.randn(3, 5, 3, dtype=torch.float64), [5, 1, 3]
    mask = torch.arange(5) < torch.tensor(lengths)[:, None]
    together = model(x, mask)
    for b, length in enumerate(lengths):
        output, _ = model.lstm(x[b : b + 1, :length])
        end = torch.cat([output[0, -1, :4], output[0, 0, 4:]])  # the reverse direction ends at the first step
        torch.testing.assert_close(together[b], model.head(end), rtol=0, atol=1e-12)
    torch.testing.assert_close(together[0], model(x)[0], rtol=0, atol=1e-12)


X, STATE = np.zeros((2, 5, 3)), np.zeros((1, 2, 4))
MASK = np.ones((2, 5), bool)
BAD_CALLS = {
    "one axis": ({"x": X[0, 0]}, "x: expected shape (any, any, 3), received (3,)"),
    "other features": ({"x": X[:, :, :2]}, "x: expected shape (any, any, 3), received (2, 5, 2)"),
    "no step": ({"x": X[:, :0]}, "x: expected shape (any, any, 3), received (2, 0, 3)"),
    "integers": ({"x": X.astype(int)}, "x: expected"),
    "no pair": ({"state": STATE}, "state: expected a pair"),
    "state of another batch": ({"state": (STATE, STATE[:, :1])}, "c_0: expected shape (1, 2, 4)"),
    "integer state": ({"state": (STATE.astype(int), STATE)}, "h_0: expected"),
    "mask of another length": ({"padding_mask": MASK[:, :4]}, "padding_mask: expected shape (2, 5)"),
    "mask of numbers": ({"padding_mask": MASK.astype(float)}, "padding_mask: expected dtype"),
}


TORCH_S_NAMES = {"x": "input", "state": "hx"}
OTHER_WORDS = {
    "x: expected shape (any, any, 3), received (3,)": "input: expected shape (B, T, F), or (T, F) of one",
    "x: expected shape (any, any, 3)": "input: expected at least one step, each of 3 features, (..., 3)",
    "x: expected": "input: expected",
    "state: expected a pair": "hx: expected a pair",
}


@pytest.mark.parametrize(("changed", "message"), BAD_CALLS.values(), ids=BAD_CALLS)
def test_bad_calls_say_what_was_expected(changed, message):
    lstm = RegularizedLSTM(3, 4, batch_first=True).double()
    weights = {name: tensor.numpy() for name, tensor in lstm.state_dict().items()}
    call = {"x": X, "state": (STATE, STATE), "padding_mask": MASK} | changed
    with pytest.raises(ValueError, match=re.escape(message)):
        lstm_forward(call.pop("x"), weights, **call)

    call = {"x": X, "state": (STATE, STATE), "padding_mask": MASK} | changed
    call = {TORCH_S_NAMES.get(name, name): to_tensors(value) for name, value in call.items()}
    for ours, theirs in OTHER_WORDS.items():
        message = message.replace(ours, theirs)
    with pytest.raises(ValueError, match=re.escape(message)):
        lstm(**call)


def to_tensors(value):
    return tuple(map(torch.from_numpy, value)) if isinstance(value, tuple) else torch.from_numpy(value)


def test_twin_refuses_another_dtype_than_its_weights():
    with pytest.raises(
        ValueError, match=r"input: expected the weights' dtype, torch.float32, received torch.float64"
    ):
        RegularizedLSTM(3, 4, batch_first=True)(torch.zeros(2, 5, 3, dtype=torch.float64))


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("weight_hh_l0", None, "weight_hh_l0: expected shape"),
        ("weight_ih_l0", None, "weight_ih_l0: expected shape"),
        ("bias_hh_l0", None, "weights: expected the keys"),
        ("weight_hr_l0", np.zeros((2, 4)), "weights: expected the keys"),
        ("weight_ih_l0", np.zeros((15, 3)), "weight_ih_l0: expected shape (16, 3), received (15, 3)"),
        ("bias_ih_l0", np.zeros(15), "bias_ih_l0: expected shape (16"),
        ("bias_ih_l0", np.zeros(16, int), "bias_ih_l0: expected a floating-point array"),
    ],
)
def test_bad_weights_say_what_was_expected(name, array, message):
    weights = {
        key: tensor.numpy() for key, tensor in RegularizedLSTM(3, 4, batch_first=True).state_dict().items()
    }
    weights = {key: value for key, value in (weights | {name: array}).items() if value is not None}
    with pytest.raises(ValueError, match=re.escape(message)):
        lstm_forward(X, weights)


@pytest.mark.parametrize("which", ["grad_output", "grad_h_n"])
def test_bad_gradients_say_what_was_expected(which):
    weights = {
        name: tensor.numpy() for name, tensor in RegularizedLSTM(3, 4, batch_first=True).state_dict().items()
    }
    output, (h_n, c_n), cache = lstm_forward(X, weights)
    grads = {"grad_output": output, "grad_h_n": h_n} | {which: np.zeros((2, 2))}
    with pytest.raises(ValueError, match=f"{which}: expected shape"):
        lstm_backward(grads["grad_output"], (grads["grad_h_n"], c_n), cache)


@pytest.mark.parametrize("sizes", [(0, 4), (3, 2.5), (3, 4, 0), (3, True)])
def test_bad_sizes_are_refused(sizes):
    with pytest.raises(ValueError, match="expected a whole number of at least 1"):
        RegularizedLSTM(*sizes, batch_first=True)
    with pytest.raises(ValueError, match="expected a whole number of at least 1"):
        SequenceModel(*sizes[:2], 1, *sizes[2:])
