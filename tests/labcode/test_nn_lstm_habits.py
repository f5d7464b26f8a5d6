"""More habits of people who use ``nn.LSTM``: each runs on it, and on every setting of ``RegularizedLSTM``."""

import copy

import pytest
import torch
from test_in_place_of_nn_lstm import BIG, close, drawn, each_of_ours, everyone, flat, states
from torch import nn
from torch.nn.utils import parameters_to_vector, parametrizations, vector_to_parameters
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence
from torch.utils.checkpoint import checkpoint

from labcode.lstm import RegularizedLSTM


def run(lstm, *args, seed=0):
    """Call an LSTM with masks that a seed draws."""
    torch.manual_seed(seed)
    return lstm(*args)


def gradients(lstm, call):
    """Return the gradients of all weights after a backward pass through what a call returns."""
    lstm.zero_grad()
    output, (h_n, c_n) = call()
    (output.square().sum() + h_n.sum() + c_n.square().sum()).backward()
    return [p.grad.clone() for p in lstm.parameters()]


# Weights, by every way to them


def by_vector(lstm, other):
    vector_to_parameters(parameters_to_vector(other.parameters()), lstm.parameters())


def by_data(lstm, other):
    for mine, theirs in zip(lstm.parameters(), other.parameters(), strict=True):
        mine.data = theirs.data.clone()


def by_copy(lstm, other):
    with torch.no_grad():
        for mine, theirs in zip(lstm.parameters(), other.parameters(), strict=True):
            mine.copy_(theirs)


def by_parameter(lstm, other):
    for name, theirs in other.named_parameters():
        setattr(lstm, name, nn.Parameter(theirs.detach().clone()))


def by_state_dict(lstm, other):
    lstm.load_state_dict(other.state_dict())


def by_assigned_state_dict(lstm, other):
    lstm.load_state_dict(copy.deepcopy(other.state_dict()), assign=True)


def by_part(lstm, other):
    """Load what another model has, and more that this one has not."""
    found = lstm.load_state_dict(other.state_dict() | {"head.weight": drawn(2, 2)}, strict=False)
    assert (found.missing_keys, found.unexpected_keys) == ([], ["head.weight"])


def by_plain_lstm(lstm, other):
    """Load the weights of an ``nn.LSTM``, which has those of the other."""
    plain = nn.LSTM(3, 4, **BIG)
    plain.load_state_dict(other.state_dict())
    lstm.load_state_dict(plain.state_dict())


WAYS = [
    by_vector,
    by_data,
    by_copy,
    by_parameter,
    by_state_dict,
    by_assigned_state_dict,
    by_part,
    by_plain_lstm,
]


@everyone
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("way", WAYS)
def test_weights_that_are_put_in_are_those_that_are_used(make, way, training):
    lstm, other, x = make(3, 4, **BIG).train(training), make(3, 4, **BIG).train(training), drawn(5, 2, 3)
    run(lstm, x)
    way(lstm, other)
    close(run(lstm, x), run(other, x), atol=0)
    assert [p.shape for p in lstm._flat_weights] == [p.shape for p in other.parameters()]
    assert all(a is b for a, b in zip(lstm._flat_weights, lstm.parameters(), strict=True))
    assert all(g.isfinite().all() for g in gradients(lstm, lambda: lstm(x)))


@everyone
def test_weights_are_drawn_as_torch_draws_them(make):
    torch.manual_seed(3)
    plain = nn.LSTM(3, 4, **BIG)
    torch.manual_seed(3)
    lstm = make(3, 4, **BIG)
    for again in range(2):
        for mine, theirs in zip(lstm.parameters(), plain.parameters(), strict=True):
            assert torch.equal(mine, theirs)
        for module in (lstm, plain):
            torch.manual_seed(again)
            module.reset_parameters()


@everyone
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("change", [parametrizations.orthogonal, parametrizations.spectral_norm])
def test_parametrizations_of_u_are_trained_through(make, change, training):
    lstm, x = make(3, 4).train(training), drawn(5, 2, 3)
    change(lstm, "weight_hh_l0")
    found = gradients(lstm, lambda: run(lstm, x))
    assert all(grad.isfinite().all() for grad in found)
    assert any(grad.abs().sum() > 0 for grad in gradients(lstm.parametrizations, lambda: run(lstm, x)))


@everyone
def test_old_and_new_names_of_torch_s_own_are_there(make):
    lstm = make(3, 4, **BIG)
    lstm.flatten_parameters()
    assert isinstance(lstm, nn.LSTM | nn.RNNBase)
    assert (lstm.mode, lstm.input_size, lstm.hidden_size, lstm.num_layers) == ("LSTM", 3, 4, 2)
    assert lstm.get_expected_hidden_size(drawn(5, 2, 3), None) == (4, 2, 4)
    lstm.share_memory()
    assert all(p.is_shared() for p in lstm.parameters())
    assert lstm(drawn(5, 2, 3))[0].shape == (5, 2, 8)
    assert not list(lstm.buffers())


# Graphs


@everyone
@pytest.mark.parametrize("training", [True, False])
def test_checkpoints_draw_the_same_masks_again(make, training):
    lstm, x = make(3, 4, **BIG).train(training), drawn(5, 2, 3).requires_grad_()
    plain = gradients(lstm, lambda: run(lstm, x))

    def kept():
        torch.manual_seed(0)
        return checkpoint(lstm, x, use_reentrant=False)

    for mine, theirs in zip(gradients(lstm, kept), plain, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-6)


def in_place(name):
    """Return a change in place, between the forward and the backward pass, of one tensor of a call."""

    def change(lstm, x, hx, output, state):
        found = {"input": x, "h_0": hx[0], "c_0": hx[1], "output": output, "h_n": state[0], "c_n": state[1]}
        tensor = lstm.weight_hh_l0 if name == "weight" else found[name]
        with torch.no_grad() if name in ("weight", "input", "h_0", "c_0") else torch.enable_grad():
            tensor.mul_(2.0)

    return change


@everyone
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", ["input", "h_0", "c_0", "output", "h_n", "c_n", "weight"])
def test_what_is_changed_in_place_is_an_error_or_makes_no_difference(make, name, training):
    """A gradient may not silently be that of other numbers than the forward pass saw."""
    lstm, x, hx = make(3, 4).train(training), drawn(5, 2, 3), states([2], layers=1)
    wanted = None
    for changes in (False, True):
        lstm.zero_grad()
        inputs = [part.clone().requires_grad_() for part in (x, *hx)]
        output, state = run(lstm, inputs[0], tuple(inputs[1:]))
        output, state = output * 1 if not changes and name == "output" else output, list(state)
        if changes:
            try:
                in_place(name)(lstm, inputs[0], inputs[1:], output, state)
            except RuntimeError:  # a view that may not be changed
                return
        factors = {part: 2.0 for part in ("output", "h_n", "c_n") if part == name and not changes}
        loss = (output * factors.get("output", 1.0)).sum() + (state[0] * factors.get("h_n", 1.0)).sum()
        loss = loss + (state[1] * factors.get("c_n", 1.0)).sum()
        try:
            loss.backward()
        except RuntimeError:  # it was seen
            return
        found = [p.grad.clone() for p in (*lstm.parameters(), *inputs)]
        if changes and name == "weight":
            with torch.no_grad():
                lstm.weight_hh_l0.mul_(0.5)
        if wanted is not None:
            close_all(found, wanted)
        wanted = found


def close_all(found, wanted):
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5)


@everyone
def test_a_graph_is_used_once_unless_it_is_kept(make):
    lstm = make(3, 4, **BIG)
    loss = lstm(drawn(5, 2, 3))[0].sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


@everyone
def test_truncated_backpropagation_stops_where_the_state_is_detached(make):
    lstm, x = make(3, 4, num_layers=2).eval(), drawn(6, 2, 3).requires_grad_()
    _, state = lstm(x[:3])
    output, _ = lstm(x[3:], tuple(part.detach() for part in state))
    output.sum().backward()
    assert not x.grad[:3].any()
    assert x.grad[3:].abs().sum(dim=2).min() > 0


@everyone
def test_forward_mode_is_right_or_refused(make):
    lstm, x, direction = make(3, 4).eval().double(), drawn(5, 2, 3).double(), drawn(5, 2, 3, seed=1).double()
    try:
        _, change = torch.func.jvp(lambda x: lstm(x)[0], (x,), (direction,))
    except (RuntimeError, NotImplementedError):
        return
    step = 1e-6
    wanted = (lstm(x + step * direction)[0] - lstm(x - step * direction)[0]) / (2 * step)
    torch.testing.assert_close(change, wanted, rtol=0, atol=1e-7)


@everyone
def test_gradients_of_a_batch_are_those_of_its_samples_together(make):
    lstm, x = make(3, 4).eval(), drawn(5, 2, 3)
    whole = gradients(lstm, lambda: lstm(x))
    alone = [gradients(lstm, lambda b=b: lstm(x[:, b : b + 1])) for b in range(2)]
    close_all([sum(parts) for parts in zip(*alone, strict=True)], whole)


# Inputs


VIEWS = {
    "transposed": lambda x: x.transpose(0, 1).contiguous().transpose(0, 1),
    "every other": lambda x: x.repeat_interleave(2, dim=2)[..., ::2],
    "expanded": lambda x: x[:1].expand(5, -1, -1),
    "flipped twice": lambda x: x.flip(0).flip(0),
}


@everyone
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_how_an_input_lies_in_memory_does_not_matter(make, view, training):
    lstm, x = make(3, 4, **BIG).train(training), view(drawn(5, 2, 3))
    hx = tuple(part.transpose(0, 1).contiguous().transpose(0, 1) for part in states([2]))
    close(run(lstm, x, hx), run(lstm, x.contiguous(), tuple(part.contiguous() for part in hx)))


@everyone
def test_a_state_may_be_a_list(make):
    lstm, x, hx = make(3, 4, **BIG).eval(), drawn(5, 2, 3), states([2])
    close(lstm(x, list(hx)), lstm(x, hx), atol=0)


@everyone
def test_the_state_of_packed_sequences_is_in_the_order_of_the_batch(make):
    lstm, x, lengths, hx = make(3, 4, **BIG).eval(), drawn(5, 3, 3), torch.tensor([2, 5, 1]), states([3])
    order = lengths.argsort(descending=True)
    loose = pack_padded_sequence(x, lengths, enforce_sorted=False)
    strict = pack_padded_sequence(x[:, order], lengths[order])
    state = lstm(loose, hx)[1]
    sorted_state = lstm(strict, tuple(part[:, order] for part in hx))[1]
    for mine, theirs in zip(state, sorted_state, strict=True):
        torch.testing.assert_close(mine[:, order], theirs, rtol=0, atol=1e-6)


@everyone
def test_one_packed_sequence_and_steps_of_one(make):
    lstm = make(3, 4, **BIG).eval()
    for sequences in ([drawn(5, 3)], [drawn(1, 3), drawn(1, 3, seed=1)]):
        packed, alone = lstm(pack_sequence(sequences)), [lstm(sequence) for sequence in sequences]
        for b, (_, state) in enumerate(alone):
            close_all([part[:, b] for part in packed[1]], state)


@everyone
def test_an_inference_tensor_may_be_read_in_training(make):
    with torch.inference_mode():
        x = drawn(5, 2, 3)
    output, _ = make(3, 4, **BIG).eval()(x.clone())
    output.sum().backward()


@everyone
def test_another_default_dtype_or_device_is_obeyed(make):
    torch.set_default_dtype(torch.float64)
    try:
        lstm = make(3, 4, **BIG)
        assert {tensor.dtype for tensor in flat(lstm(torch.randn(5, 2, 3)))} == {torch.float64}
    finally:
        torch.set_default_dtype(torch.float32)
    with torch.device("meta"):
        lstm = make(3, 4, **BIG)
        assert lstm(torch.randn(5, 2, 3))[0].is_meta


@everyone
def test_wrappers_of_torch_run_it(make):
    lstm, x = make(3, 4, **BIG).eval(), drawn(5, 2, 3)
    averaged = torch.optim.swa_utils.AveragedModel(lstm)
    averaged.update_parameters(lstm)
    close(averaged(x), lstm(x), atol=0)
    close(nn.DataParallel(lstm)(x), lstm(x), atol=0)
    with torch.autograd.set_detect_anomaly(True):
        gradients(lstm, lambda: lstm(x))


REFUSED = {
    "a name that is spelled wrongly": lambda make: make(3, 4, hiden_size=4),
    "no hidden size": lambda make: make(3),
    "hidden size 0": lambda make: make(3, 0),
    "hidden size below 0": lambda make: make(3, -4),
    "hidden size that is not whole": lambda make: make(3, 4.0),
    "no layer": lambda make: make(3, 4, 0),
    "dropout above 1": lambda make: make(3, 4, 2, dropout=1.5),
    "dropout below 0": lambda make: make(3, 4, 2, dropout=-0.1),
    "dropout True": lambda make: make(3, 4, 2, dropout=True),
    "dropout None": lambda make: make(3, 4, 2, dropout=None),
    "an argument that is spelled wrongly": lambda make: make(3, 4)(drawn(5, 2, 3), state=None),
    "complex numbers": lambda make: make(3, 4)(torch.zeros(5, 2, 3, dtype=torch.complex64)),
    "a list": lambda make: make(3, 4)([[1.0, 2.0, 3.0]]),
    "half a state": lambda make: make(3, 4)(drawn(5, 2, 3), drawn(1, 2, 4)[0]),
    "a state of three": lambda make: make(3, 4)(drawn(5, 2, 3), (*states([2], layers=1), drawn(1, 2, 4))),
    "a state of another dtype": lambda make: make(3, 4)(
        drawn(5, 2, 3), tuple(part.double() for part in states([2], layers=1))
    ),
    "weights of another shape": lambda make: make(3, 4).load_state_dict(nn.LSTM(3, 5).state_dict()),
    "weights that lack some": lambda make: make(3, 4).load_state_dict(nn.LSTM(3, 4, bias=False).state_dict()),
}


@everyone
@pytest.mark.filterwarnings("ignore:dropout option adds dropout")
@pytest.mark.parametrize("call", REFUSED.values(), ids=REFUSED)
def test_what_torch_refuses_is_refused(make, call):
    with pytest.raises((RuntimeError, TypeError, ValueError, AttributeError)):
        call(make)


@each_of_ours
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_script_is_refused(rates):
    with pytest.raises(torch.jit.frontend.NotSupportedError):
        torch.jit.script(RegularizedLSTM(3, 4, batch_first=True, **rates))
