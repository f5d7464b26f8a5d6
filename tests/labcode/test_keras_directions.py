"""Bidirectional, its halves, go_backwards and RNN(LSTMCell) of Keras beside what becomes of them here."""

import copy
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_sequence

from labcode.keras_interop import BackwardLSTM, from_keras, import_keras, keras_masks, to_keras
from labcode.lstm.module import RegularizedLSTM

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
TOLERANCE = 2e-6
keras = import_keras()
LSTM, Bidirectional = keras.layers.LSTM, keras.layers.Bidirectional
KINDS = {
    "LSTM": LSTM,
    "backwards": lambda units, **options: LSTM(units, go_backwards=True, **options),
    "Bidirectional": lambda units, **options: Bidirectional(
        LSTM(units, **options), dtype=options.get("dtype")
    ),
    "forward half": lambda units, **options: Bidirectional(LSTM(units, **options)).forward_layer,
    "backward half": lambda units, **options: Bidirectional(LSTM(units, **options)).backward_layer,
    "RNN": lambda units, **options: keras.layers.RNN(
        keras.layers.LSTMCell(units, **{k: options.pop(k) for k in list(options) if k in CELL}), **options
    ),
    "both of RNN": lambda units, **options: Bidirectional(KINDS["RNN"](units, **options)),
}
CELL = ("use_bias", "dropout", "recurrent_dropout", "seed", "implementation", "kernel_regularizer")
DROPS = {
    "none": {},
    "input": {"dropout": 0.4},
    "recurrent": {"recurrent_dropout": 0.4},
    "both": {"dropout": 0.3, "recurrent_dropout": 0.4},
}


def built(kind, *, features=3, units=4, seed=0, **options):
    """Return a built layer with weights that are drawn from the seed."""
    layer = KINDS[kind](units, **options)
    layer.build((None, None, features))
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(size=weight.shape) for weight in layer.get_weights()])
    return layer


def drawn(*sizes, seed=0):
    return torch.randn(sizes, generator=torch.Generator().manual_seed(seed))


def last_of(layer, output):
    """Return of a whole sequence what Keras returns without ``return_sequences``."""
    if not isinstance(layer, Bidirectional):
        return output[:, -1]
    forward, backward = output.chunk(2, dim=-1)
    return torch.cat([forward[:, -1], backward[:, 0]], dim=-1)


@pytest.mark.parametrize("drops", DROPS)
@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, derandomize=True, max_examples=2)
@given(
    batch=st.integers(1, 3),
    steps=st.integers(1, 4),
    sequences=st.booleans(),
    padded=st.booleans(),
    with_state=st.booleans(),
    use_bias=st.booleans(),
    seed=st.integers(0, 9),
)
def test_outputs_states_and_gradients_are_those_of_keras(
    kind, drops, batch, steps, sequences, padded, with_state, use_bias, seed
):
    layer = built(
        kind, seed=seed, return_sequences=sequences, return_state=True, use_bias=use_bias, **DROPS[drops]
    )
    lstm, _ = from_keras(layer)
    x, directions = drawn(batch, steps, 3, seed=seed).requires_grad_(), lstm.num_directions
    mask = drawn(batch, steps, seed=seed + 1) < 0.6 if padded else None
    state = [drawn(batch, 4, seed=k) for k in range(2 * directions)] if with_state else None
    masks = keras_masks(layer, x)

    theirs, *states = layer(x, initial_state=state, mask=mask, training=True)
    hx = None if state is None else tuple(torch.stack(state[part::2]) for part in (0, 1))
    output, (h_n, c_n) = lstm(x, hx, padding_mask=mask, masks=masks)
    ours = output if sequences else last_of(layer, output)
    if sequences and padded:  # a half, or both, of a Bidirectional have zeros at padded steps there
        real = mask.flip(1) if isinstance(lstm, BackwardLSTM) else mask
        ours, theirs = (part * real.unsqueeze(2) for part in (ours, theirs))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=TOLERANCE)
    torch.testing.assert_close(
        torch.cat([h_n, c_n]), torch.stack(states[::2] + states[1::2]), rtol=0, atol=TOLERANCE
    )

    direction = drawn(*ours.shape, seed=5)
    weights = [weight.value for weight in layer.trainable_weights]
    their_grads = torch.autograd.grad((theirs * direction).sum(), [x, *weights])
    named = {name: p for name, p in lstm.named_parameters() if p.requires_grad}
    grads = torch.autograd.grad((ours * direction).sum(), [x, *named.values()])
    our_grads = [grads[0], *(grad.T if grad.ndim == 2 else grad for grad in grads[1:])]  # as Keras's lie
    for mine, other in zip(our_grads, their_grads, strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=TOLERANCE * max(1, other.abs().max().item()))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bias": False},
        {"input_dropout": 0.3},
        {"input_dropout": 0.3, "tied": False},
        {"input_dropout": 0.3, "recurrent_dropout": 0.4, "tied": False},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("make", [BackwardLSTM, RegularizedLSTM])
def test_there_and_back_again(make, options, dtype):
    two = {"bidirectional": True} if make is RegularizedLSTM else {}
    lstm = make(3, 4, batch_first=True, **two, **options).to(dtype)
    layer = to_keras(lstm, return_sequences=True, seed=3)
    back, _ = from_keras(layer)
    assert type(back) is make
    assert (back.settings, back.bidirectional) == (lstm.settings, lstm.bidirectional)
    x = drawn(2, 5, 3).to(dtype)
    masks = keras_masks(layer, x)
    kinds = {"input_dropout": "x", "recurrent_dropout": "h"}
    assert {name[0] for name in masks} == {kind for name, kind in kinds.items() if name in options}
    theirs = layer(x, training=True)
    assert theirs.dtype == dtype
    for one in (lstm, back):
        torch.testing.assert_close(one(x, masks=masks)[0], theirs, rtol=0, atol=TOLERANCE)
    trained = {name for name, p in back.named_parameters() if p.requires_grad}
    assert trained == {name for name in dict(lstm.named_parameters()) if not name.startswith("bias_hh")}


def test_a_whole_model_of_keras_computes_the_same_with_our_layers():
    """An embedding with masked zeros, a Bidirectional of two layers, and what each puts out."""
    words = keras.layers.Embedding(9, 3, mask_zero=True)
    layers = [Bidirectional(LSTM(4, return_sequences=True)), Bidirectional(LSTM(2))]
    model = keras.Sequential([words, *layers])
    tokens = torch.tensor([[1, 2, 3, 4], [5, 6, 0, 0]])
    theirs = model(tokens)
    first, second = (from_keras(layer)[0] for layer in layers)
    real = tokens != 0
    output, _ = first(words(tokens), padding_mask=real)
    _, (h_n, _) = second(output, padding_mask=real)
    torch.testing.assert_close(torch.cat(list(h_n), dim=1), theirs, rtol=0, atol=TOLERANCE)


def test_frozen_layers_stay_frozen_and_have_no_rules_for_weights():
    for kind in ("LSTM", "Bidirectional"):
        layer = built(kind, kernel_regularizer="l2", activity_regularizer="l1")
        layer.trainable = False
        assert layer.losses == []
        lstm, rules = from_keras(layer)
        assert not any(p.requires_grad for p in lstm.parameters())
        assert not rules.penalties
        assert rules.activation_penalty is not None
        assert not to_keras(lstm).trainable_weights
        lstm.weight_hh_l0.requires_grad_(True)
        with pytest.raises(ValueError, match="lstm: expected weights that are trained, or frozen, together"):
            to_keras(lstm)
    layer = built("LSTM")
    layer.cell.kernel.trainable = False
    with pytest.raises(ValueError, match="layer: expected weights that are trained, or frozen, together"):
        from_keras(layer)


# BackwardLSTM


@pytest.mark.parametrize("batch_first", [True, False])
def test_a_backward_lstm_is_the_reverse_direction_of_torch(batch_first):
    theirs = nn.LSTM(3, 4, 1, True, batch_first, bidirectional=True)
    ours = BackwardLSTM(3, 4, batch_first=batch_first)
    ours.load_state_dict({k[: -len("_reverse")]: v for k, v in theirs.state_dict().items() if "reverse" in k})
    for sizes in ((5, 2, 3), (5, 3)):
        time = 1 if batch_first and len(sizes) == 3 else 0
        x, h = drawn(*sizes), theirs(drawn(*sizes))[1]
        output, (h_n, c_n) = theirs(x, h)
        turned, state = ours(x, tuple(part[1:] for part in h))
        torch.testing.assert_close(turned.flip(time), output[..., 4:], rtol=0, atol=TOLERANCE)
        torch.testing.assert_close(state, (h_n[1:], c_n[1:]), rtol=0, atol=TOLERANCE)


def test_a_backward_lstm_is_copied_and_refuses_what_it_cannot_turn():
    lstm, x = BackwardLSTM(3, 4, batch_first=True, recurrent_dropout=0.2).eval(), drawn(2, 5, 3)
    for again in (copy.deepcopy(lstm), pickle.loads(pickle.dumps(lstm))):
        assert torch.equal(again(x)[0], lstm(x)[0])
    assert repr(lstm) == "BackwardLSTM(3, 4, batch_first=True, recurrent_dropout=0.2)"
    with pytest.raises(ValueError, match=r"input: expected a tensor \(pad packed sequences"):
        lstm(pack_sequence([x[0], x[1, :3]]))
    with pytest.raises(ValueError, match=r"bidirectional: expected False"):
        BackwardLSTM(3, 4, bidirectional=True)
    for bad in (drawn(3), drawn(2, 5, 1, 3), torch.ones(2, 5, 3).long()):
        with pytest.raises(ValueError, match=r"input: expected"):
            lstm(bad)
    with pytest.raises(ValueError, match=r"padding_mask: expected shape \(2, 5\)"):
        lstm(x, padding_mask=torch.ones(2, 4).bool())


# Refusals


def other_half(**options):
    """Return a Bidirectional whose backward layer has other settings."""
    layer = Bidirectional(
        LSTM(4, kernel_regularizer="l2"),
        backward_layer=LSTM(**({"units": 4, "go_backwards": True} | options)),
    )
    layer.build((None, None, 3))
    return layer


REFUSED = {
    "sum": (lambda: built_both(merge_mode="sum"), r"merge_mode: expected 'concat' .*forward_layer.*'sum'"),
    "ave": (lambda: built_both(merge_mode="ave"), r"merge_mode: expected 'concat' .* received 'ave'"),
    "mul": (lambda: built_both(merge_mode="mul"), r"merge_mode: expected 'concat' .* received 'mul'"),
    "None": (lambda: built_both(merge_mode=None), r"merge_mode: expected 'concat' .* received None"),
    "GRU": (lambda: Bidirectional(keras.layers.GRU(4)), r"layer: expected a keras.layers.LSTM, or .*GRU"),
    "not built": (lambda: Bidirectional(LSTM(4)), "layer: expected a layer that has weights"),
    "units": (lambda: other_half(units=5), r"units: expected one value for .* received \(4, 5\)"),
    "use_bias": (lambda: other_half(use_bias=False), r"use_bias: expected one value"),
    "dropout": (lambda: other_half(dropout=0.5), r"dropout: expected one value"),
    "regularizer": (lambda: other_half(), r"kernel_regularizer: expected the same in both directions"),
    "dtype": (lambda: other_half(dtype="float64"), r"dtype: expected one value"),
    "turned round": (
        lambda: built_both(LSTM(4, go_backwards=True), backward_layer=LSTM(4)),
        r"go_backwards: expected False in forward_layer, True in backward_layer, received \(True, False\)",
    ),
    "stateful": (
        lambda: stateful(LSTM(4, stateful=True)),
        r"stateful: expected False \(here the caller carries the state over: output, state = lstm",
    ),
    "stateful both": (lambda: stateful(Bidirectional(LSTM(4, stateful=True))), "stateful: expected False"),
    "relu": (lambda: built_both(LSTM(4, activation="relu")), "activation: expected 'tanh'"),
    "own tanh": (
        lambda: built("LSTM", activation=lambda x: keras.ops.tanh(x)),
        "activation: expected 'tanh'",
    ),
    "no activation": (lambda: built_both(LSTM(4, activation=None)), "activation: expected 'tanh'"),
    "half precision": (lambda: built("LSTM", dtype="mixed_bfloat16"), "dtype: expected 'float32'"),
    "Sequential": (
        lambda: keras.Sequential([keras.Input((5, 3)), LSTM(4)]),
        r"layer: expected a keras.layers.LSTM, .*\(pass one of its layers: model.layers\[i\]\)",
    ),
    "TimeDistributed": (
        lambda: keras.layers.TimeDistributed(LSTM(4)),
        r"layer: expected .*\(pass the layer inside: its layer attribute\)",
    ),
    "stacked cells": (
        lambda: keras.layers.RNN([keras.layers.LSTMCell(4), keras.layers.LSTMCell(4)]),
        r"layer: expected .*\(give each cell a layer of its own\)",
    ),
    "another cell": (
        lambda: keras.layers.RNN(keras.layers.GRUCell(4)),
        r"layer: expected a keras.layers.LSTM",
    ),
    "ConvLSTM1D": (lambda: keras.layers.ConvLSTM1D(4, 2), r"layer: expected a keras.layers.LSTM"),
}


def built_both(layer=None, **options):
    layer = Bidirectional(LSTM(4) if layer is None else layer, **options)
    layer.build((None, None, 3))
    return layer


def stateful(layer):
    layer.build((2, 5, 3))
    return layer


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_move_is_refused_with_what_to_do(make, message):
    layer = make()
    with pytest.raises(ValueError, match=rf"^{message}"):
        from_keras(layer)
