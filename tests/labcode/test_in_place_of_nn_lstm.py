"""What people do with ``nn.LSTM``: each assertion runs on it, and on every setting of ``RegularizedLSTM``."""

import ast
import copy
import inspect
import io
import pickle
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pack_sequence, pad_packed_sequence

from labcode.lstm import RegularizedLSTM
from labcode.recurrent_dropout import DropoutSettings

SETTINGS = {
    "off": {},
    "between layers": {"dropout": 0.4},
    "input": {"input_dropout": 0.4},
    "h": {"recurrent_dropout": 0.4},
    "h shared": {"recurrent_dropout": 0.4, "share_mask": "batch"},
    "untied": {"recurrent_dropout": 0.4, "input_dropout": 0.3, "tied": False},
    "g": {"recurrent_dropout": 0.4, "on": "g", "per_step": True},
    "c": {"recurrent_dropout": 0.4, "on": "c"},
    "zoneout": {"zoneout_h": 0.1, "zoneout_c": 0.3},
    "weight drop": {"weight_drop": 0.4},
}


def torch_s(*sizes, **options):
    return nn.LSTM(*sizes, **options)


def ours(rates):
    return lambda *sizes, **options: RegularizedLSTM(*sizes, **(rates | options))


MAKERS = {"nn.LSTM": torch_s} | {name: ours(rates) for name, rates in SETTINGS.items()}
everyone = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
each_of_ours = pytest.mark.parametrize("rates", SETTINGS.values(), ids=SETTINGS)
BIG = {"num_layers": 2, "bidirectional": True}


def drawn(*sizes, seed=0, **options):
    return torch.randn(sizes, generator=torch.Generator().manual_seed(seed), **options)


def states(batch, seed=0, hidden=4, layers=4):
    return tuple(drawn(layers, *batch, hidden, seed=seed + k) for k in (10, 20))


def close(received, wanted, atol=1e-6):
    for one, other in zip(flat(received), flat(wanted), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=atol)


def flat(result):
    """Return the tensors of (output, (h_n, c_n))."""
    output, state = result
    return [output.data if isinstance(output, PackedSequence) else output, *state]


# Arguments


def test_arguments_have_torch_s_names_order_and_defaults():
    theirs = list(inspect.signature(nn.modules.rnn.RNNBase.__init__).parameters.values())[2:]
    mine = list(inspect.signature(RegularizedLSTM).parameters.values())
    assert [(p.name, p.default) for p in mine[: len(theirs)]] == [(p.name, p.default) for p in theirs]
    assert all(p.kind is p.KEYWORD_ONLY for p in mine[len(theirs) :])
    theirs = list(inspect.signature(nn.LSTM.forward).parameters)
    assert list(inspect.signature(RegularizedLSTM.forward).parameters)[: len(theirs)] == theirs


@everyone
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
def test_every_argument_by_position_and_by_name(make, bias, batch_first):
    lstm = make(
        3, 4, 2, bias, batch_first, bidirectional=True, proj_size=0, device="cpu", dtype=torch.float64
    )
    assert (lstm.bias, lstm.batch_first, lstm.bidirectional, lstm.proj_size) == (bias, batch_first, True, 0)
    assert {p.dtype for p in lstm.parameters()} == {torch.float64}
    assert len(list(lstm.parameters())) == (16 if bias else 8)
    output, (h_n, c_n) = lstm(input=drawn(5, 2, 3).double(), hx=None)
    batch = 5 if batch_first else 2
    assert output.shape == (5, 2, 8)
    assert h_n.shape == c_n.shape == (4, batch, 4)


@pytest.mark.parametrize("name", ["bias", "batch_first", "bidirectional"])
def test_flags_are_true_or_false(name):
    for bad in (1, 0.5, None, "yes"):
        with pytest.raises(ValueError, match=f"{name}: expected True or False, received"):
            RegularizedLSTM(3, 4, **{name: bad})


def test_projections_are_refused_with_what_to_do():
    with pytest.raises(ValueError, match=r"proj_size: expected 0 \(for a smaller output put an nn.Linear"):
        RegularizedLSTM(3, 4, proj_size=2)


# Layouts


@everyone
@pytest.mark.parametrize("with_state", [False, True])
def test_batch_first_exchanges_two_axes_and_nothing_else(make, with_state):
    lstm, x, hx = make(3, 4, **BIG).eval(), drawn(5, 2, 3), states([2]) if with_state else None
    output, state = lstm(x, hx)
    lstm.batch_first = True
    turned, same_state = lstm(x.transpose(0, 1), hx)
    assert output.shape == (5, 2, 8)
    close((turned.transpose(0, 1), same_state), (output, state))


@everyone
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
def test_one_sequence_without_an_axis_for_the_batch(make, training, batch_first):
    lstm = make(3, 4, batch_first=batch_first, **BIG).train(training)
    x, hx = drawn(5, 3), states([])
    output, (h_n, c_n) = lstm(x, hx)
    assert output.shape == (5, 8)
    assert h_n.shape == c_n.shape == (4, 4)
    lstm.eval()
    wide, state = lstm(x.unsqueeze(0 if batch_first else 1), tuple(part.unsqueeze(1) for part in hx))
    close(lstm(x, hx), (wide.squeeze(0 if batch_first else 1), [part.squeeze(1) for part in state]))


@everyone
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
def test_an_empty_batch(make, training, batch_first):
    lstm = make(3, 4, batch_first=batch_first, **BIG).train(training)
    sizes = (0, 5) if batch_first else (5, 0)
    x = torch.zeros(*sizes, 3, requires_grad=True)
    output, (h_n, c_n) = lstm(x)
    (output.sum() + h_n.sum()).backward()
    assert output.shape == (*sizes, 8)
    assert h_n.shape == c_n.shape == (4, 0, 4)
    assert x.grad.shape == x.shape
    assert all((p.grad == 0).all() for p in lstm.parameters())


@everyone
@settings(deadline=None, derandomize=True, max_examples=8)
@given(
    lengths=st.lists(st.integers(1, 5), min_size=1, max_size=5),
    is_sorted=st.booleans(),
    batch_first=st.booleans(),
    with_state=st.booleans(),
)
def test_packed_sequences_are_each_run_alone(make, lengths, is_sorted, batch_first, with_state):
    lengths = sorted(lengths, reverse=True) if is_sorted else lengths
    lstm = make(3, 4, batch_first=batch_first, **BIG).eval()
    sequences = [drawn(n, 3, seed=k) for k, n in enumerate(lengths)]
    hx = states([len(lengths)]) if with_state else None
    packed = pack_sequence(sequences, enforce_sorted=is_sorted)
    output, (h_n, c_n) = lstm(packed, hx)
    assert torch.equal(output.batch_sizes, packed.batch_sizes)
    padded, received_lengths = pad_packed_sequence(output, batch_first=True)
    assert received_lengths.tolist() == lengths
    for b, sequence in enumerate(sequences):
        alone = lstm(sequence, None if hx is None else tuple(part[:, b] for part in hx))
        close((padded[b, : lengths[b]], (h_n[:, b], c_n[:, b])), alone)


@everyone
def test_packed_sequences_train_and_keep_their_order(make):
    lstm, x = make(3, 4, **BIG), drawn(5, 3, 3).requires_grad_()
    packed = pack_padded_sequence(x, torch.tensor([2, 5, 1]), enforce_sorted=False)
    output, (h_n, _) = lstm(packed)
    (output.data.square().sum() + h_n.sum()).backward()
    for name in ("batch_sizes", "sorted_indices", "unsorted_indices"):
        assert torch.equal(getattr(output, name), getattr(packed, name))
    is_read = x.grad.abs().sum(dim=2) > 0
    assert not is_read[2:, 0].any()
    assert not is_read[1:, 2].any()
    assert all(p.grad.isfinite().all() for p in lstm.parameters())


@each_of_ours
def test_packed_sequences_read_the_masks_of_padded_ones(rates):
    lstm, x, lengths = RegularizedLSTM(3, 4, **BIG, **rates), drawn(5, 3, 3), torch.tensor([2, 5, 1])
    packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
    masks = lstm.sample_masks(packed, generator=torch.Generator().manual_seed(1))
    again = lstm.sample_masks(x, generator=torch.Generator().manual_seed(1))
    assert all(torch.equal(masks[name], mask) for name, mask in again.items())
    real = torch.arange(5) < lengths.unsqueeze(1)
    output, state = lstm(packed, masks=masks)
    padded, padded_state = lstm(x, padding_mask=real, masks=masks)
    wanted = pack_padded_sequence(padded, lengths, enforce_sorted=False)
    close((output, state), (wanted, padded_state))
    with pytest.raises(ValueError, match="padding_mask: expected None with a PackedSequence"):
        lstm(packed, padding_mask=real)


@each_of_ours
def test_padding_and_masks_are_batch_first_in_every_layout(rates):
    lstm = RegularizedLSTM(3, 4, batch_first=True, **BIG, **rates)
    x, real = drawn(2, 5, 3), torch.tensor([[True] * 5, [True, True, False, True, False]])
    masks = lstm.sample_masks(x)
    output, state = lstm(x, padding_mask=real, masks=masks)
    lstm.batch_first = False
    turned, same = lstm(x.transpose(0, 1), padding_mask=real, masks=masks)
    close((turned.transpose(0, 1), same), (output, state), atol=0)
    shapes = {name: mask.shape for name, mask in lstm.sample_masks(x.transpose(0, 1)).items()}
    assert shapes == {name: mask.shape for name, mask in masks.items()}


# What is assigned later


def test_settings_assigned_later_are_obeyed_and_shown():
    lstm, x = RegularizedLSTM(3, 4, 2, dropout=0.5), drawn(5, 2, 3)
    lstm.dropout = 0.0
    assert lstm.sample_masks(x) == {}
    assert torch.equal(lstm(x)[0], lstm(x)[0])
    assert repr(lstm) == "RegularizedLSTM(3, 4, num_layers=2)"
    for name, value in {"dropout": 0.5, "zoneout_c": 0.1, "weight_drop": 0.2, "on": "g"}.items():
        setattr(lstm, name, value)
        assert getattr(lstm, name) == getattr(lstm.settings, name) == value
        assert f"{name}={value!r}" in repr(lstm)
    lstm.recurrent_dropout = 0.3
    kinds = {name.partition("_l")[0] for name in lstm.sample_masks(x)}
    assert kinds == {"x", "zoneout_c", "weight_hh", "g"}
    with pytest.raises(ValueError, match="recurrent_dropout: expected a probability"):
        lstm.recurrent_dropout = 1.5


@each_of_ours
def test_it_is_printed_as_it_was_made(rates):
    for options in ({}, {"batch_first": True, "bias": False}, BIG):
        lstm = RegularizedLSTM(3, 4, **(options | rates))
        again = eval(repr(lstm), {"RegularizedLSTM": RegularizedLSTM})
        assert repr(again) == repr(lstm)
        assert again.settings == lstm.settings
    assert repr(RegularizedLSTM(3, 4, 2, dropout=0.3)) == f"Regularized{nn.LSTM(3, 4, 2, dropout=0.3)!r}"


# Copies and conversions


@everyone
def test_copies_compute_the_same(make):
    lstm, x, buffer = make(3, 4, **BIG).eval(), drawn(5, 2, 3), io.BytesIO()
    torch.save(lstm.state_dict(), buffer)
    buffer.seek(0)
    loaded = make(3, 4, **BIG).eval()
    loaded.load_state_dict(torch.load(buffer, weights_only=True))
    for copied in (copy.deepcopy(lstm), pickle.loads(pickle.dumps(lstm)), loaded):
        close(copied(x), lstm(x), atol=0)
        next(copied.parameters()).data.zero_()
        assert next(lstm.parameters()).abs().sum() > 0


@everyone
def test_a_whole_module_is_loaded_once_its_classes_are_known_to_be_safe(make):
    lstm, x, buffer = make(3, 4, **BIG).eval(), drawn(5, 2, 3), io.BytesIO()
    torch.save(lstm, buffer)
    buffer.seek(0)
    with torch.serialization.safe_globals([type(lstm), DropoutSettings]):
        close(torch.load(buffer, weights_only=True)(x), lstm(x), atol=0)


@everyone
def test_state_dicts_are_torch_s(make):
    lstm, plain = make(3, 4, **BIG), nn.LSTM(3, 4, **BIG)
    assert lstm.state_dict().keys() == plain.state_dict().keys()
    plain.load_state_dict(lstm.state_dict(), strict=True)
    assert len(lstm.all_weights) == len(plain.all_weights)


@everyone
@pytest.mark.parametrize("training", [True, False])
def test_conversions_change_the_dtype_of_all_that_is_returned(make, training):
    lstm = make(3, 4, **BIG).train(training)
    for dtype in (torch.float64, torch.bfloat16, torch.float32):
        result = flat(lstm.to(dtype)(drawn(5, 2, 3).to(dtype)))
        assert {tensor.dtype for tensor in result} == {dtype}
    with pytest.raises(ValueError, match=r"torch.float32"):
        lstm(drawn(5, 2, 3).double())


@everyone
def test_meta_tensors_have_shapes_and_no_values(make):
    lstm = make(3, 4, device="meta", **BIG)
    output, (h_n, _) = lstm(torch.zeros(5, 2, 3, device="meta"))
    assert (output.shape, h_n.shape) == ((5, 2, 8), (4, 2, 4))
    assert output.is_meta
    real = lstm.to_empty(device="cpu")
    real.reset_parameters()
    assert real(drawn(5, 2, 3))[0].isfinite().all()


# What stands in the place of weights, and around the call


def scaled(lstm):
    """Make U twice what it was, by a parametrization."""

    class Twice(nn.Module):
        def forward(self, u):
            return 2 * u

    parametrize.register_parametrization(lstm, "weight_hh_l0", Twice())


def pruned(lstm):
    prune.custom_from_mask(lstm, "weight_hh_l0", drawn(16, 4) > 0)


def normed(lstm):
    parametrizations.weight_norm(lstm, "weight_hh_l0")
    lstm.parametrizations.weight_hh_l0.original0.data *= 1.5


@everyone
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("change", [scaled, pruned, normed])
def test_pruned_and_parametrized_weights_are_the_ones_that_are_used(make, change, training):
    lstm, plain, x = make(3, 4), make(3, 4), drawn(5, 2, 3)
    change(lstm)
    weights = {name: getattr(lstm, name).detach().clone() for name, _ in plain.named_parameters()}
    plain.load_state_dict(weights)
    torch.manual_seed(0)
    received = lstm.train(training)(x)
    received[0].sum().backward()
    torch.manual_seed(0)
    close(received, plain.train(training)(x))
    assert all(p.grad is not None for p in lstm.parameters())


@everyone
def test_functional_call_takes_other_weights(make):
    lstm, other, x = make(3, 4, **BIG).eval(), make(3, 4, **BIG).eval(), drawn(5, 2, 3)
    close(torch.func.functional_call(lstm, other.state_dict(), (x,)), other(x))


@everyone
def test_hooks_see_the_call_and_its_results(make):
    lstm, x, seen = make(3, 4), drawn(5, 2, 3).requires_grad_(), []
    lstm.register_forward_pre_hook(lambda module, args: seen.append(args[0].shape))
    lstm.register_forward_hook(lambda module, args, result: (result[0] * 0, result[1]))
    lstm.register_full_backward_hook(lambda module, grad_input, grad_output: seen.append(grad_input[0].shape))
    output, _ = lstm(x)
    output.sum().backward()
    assert seen == [x.shape, x.shape]
    assert (output == 0).all()


@everyone
def test_frozen_weights_get_no_gradient(make):
    lstm = make(3, 4, **BIG).requires_grad_(False)
    lstm.weight_hh_l1.requires_grad_(True)
    lstm(drawn(5, 2, 3))[0].sum().backward()
    assert {name for name, p in lstm.named_parameters() if p.grad is not None} == {"weight_hh_l1"}
    with torch.no_grad():
        assert not lstm(drawn(5, 2, 3))[0].requires_grad
    with torch.inference_mode():
        assert lstm(drawn(5, 2, 3))[0].is_inference()


@everyone
def test_a_state_is_carried_over(make):
    lstm, x = make(3, 4, num_layers=2).eval(), drawn(6, 2, 3)
    first, state = lstm(x[:4])
    second, state = lstm(x[4:], state)
    close((torch.cat([first, second]), state), lstm(x))


BAD_CALLS = {
    "another width": (drawn(5, 2, 4), None, "input: expected at least one step"),
    "no step": (drawn(0, 2, 3), None, "input: expected at least one step"),
    "four axes": (drawn(5, 2, 1, 3), None, "input: expected shape"),
    "integers": (torch.ones(5, 2, 3, dtype=torch.long), None, "input: expected a floating-point tensor"),
    "state of another batch": (drawn(5, 2, 3), states([3], layers=1), r"h_0: expected shape \(1, 2, 4\)"),
    "state without a batch": (drawn(5, 2, 3), states([], layers=1), r"h_0: expected shape \(1, 2, 4\)"),
    "state with a batch": (drawn(5, 3), states([1], layers=1), r"h_0: expected shape \(1, 4\)"),
}


@each_of_ours
@pytest.mark.parametrize(("x", "hx", "message"), BAD_CALLS.values(), ids=BAD_CALLS)
def test_bad_calls_are_refused_in_words_where_torch_refuses_them(rates, x, hx, message):
    rates = rates | {"dropout": 0.0}
    with pytest.raises((RuntimeError, ValueError)):
        nn.LSTM(3, 4)(x, hx)
    with pytest.raises(ValueError, match=message):
        RegularizedLSTM(3, 4, **rates)(x, hx)


# Layout in the repository


ROOT = Path(__file__).parents[2]
SOURCES = [
    p
    for room in ("labcode", "source", "tests", "benchmarks", "evidence")
    for p in (ROOT / room).rglob("*.py")
]


def without_layout(text):
    """Return the lines of a source that make a ``RegularizedLSTM`` and leave its layout to the default."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and makes_one(node):
            named = {keyword.arg for keyword in node.keywords}
            found += [node.lineno] if "batch_first" not in named and len(node.args) < 5 else []
    return found


def makes_one(call):
    """Tell ``RegularizedLSTM(...)`` and a function that is given the class first, and then arguments."""
    first = [call.func, *call.args[:1]] if len(call.args) > 1 else [call.func]
    names = {getattr(node, "id", getattr(node, "attr", None)) for node in first}
    return "RegularizedLSTM" in names and getattr(call.func, "id", "") not in ("isinstance", "setattr")


@pytest.mark.parametrize("source", ["RegularizedLSTM(3, 4)", "quiet(lstm.RegularizedLSTM, 3, 4)"])
def test_the_search_for_layouts_finds_them(source):
    assert without_layout(source) == [1]
    assert without_layout(source[:-1] + ", batch_first=False)") == []


def test_every_construction_says_which_layout_it_has():
    own = {Path(__file__).resolve(), ROOT / "tests/labcode/test_lstm_transforms.py"}
    faults = {str(p.relative_to(ROOT)): without_layout(p.read_text("utf-8")) for p in SOURCES if p not in own}
    assert {name: lines for name, lines in faults.items() if lines} == {}
