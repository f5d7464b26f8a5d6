"""What cannot move between Keras and labcode, refused with what to do instead."""

import torch

from labcode._checks import expect

_ACTIVATIONS = {"activation": "tanh", "recurrent_activation": "sigmoid"}
_NOT_ONE_LAYER = {
    "Sequential": "pass one of its layers: model.layers[i]",
    "Functional": "pass one of its layers: model.get_layer(name)",
    "TimeDistributed": "pass the layer inside: its layer attribute",
    "LSTMCell": "put it into keras.layers.RNN, and build that",
    "StackedRNNCells": "give each cell a layer of its own",
}


def halves_of(keras, layer) -> list:
    """Return the directions of a layer of Keras that can move: one, or the two of a ``Bidirectional``.

    Raises:
        ValueError: another layer, one without weights, or a setting that has no counterpart.
    """
    halves = [layer]
    if type(layer) is keras.layers.Bidirectional:
        halves = [layer.forward_layer, layer.backward_layer]
    for half in halves:
        _expect_lstm(keras, half)
    expect(layer.built, "layer", "a layer that has weights: build or call it first", "one without")
    for half in halves:
        _expect_known_here(keras, half)
    if len(halves) == 2:
        _expect_twins(layer, *halves)
    return halves


def expect_known_to_keras(lstm) -> None:
    """Check that an LSTM has only settings that Keras has, too.

    Raises:
        ValueError: it has another.
    """
    settings, dtype = lstm.settings, lstm.weight_ih_l0.dtype
    expect(dtype in (torch.float32, torch.float64), "lstm", "weights of float32 or float64", dtype)
    expect(lstm.num_layers == 1, "num_layers", "1 (in Keras every layer stands alone)", lstm.num_layers)
    for name in ("dropout", "zoneout_h", "zoneout_c", "weight_drop"):
        rate = getattr(settings, name)
        expect(rate == 0, name, "0 (keras.layers.LSTM has nothing like it)", rate)
    if settings.recurrent_dropout > 0:
        expect(settings.on == "h", "on", "'h', where Keras's recurrent_dropout is", settings.on)
        expected = "False (with recurrent_dropout Keras draws a mask for each gate)"
        expect(not settings.tied, "tied", expected, settings.tied)
    if settings.recurrent_dropout > 0 or settings.input_dropout > 0:
        expect(not settings.per_step, "per_step", "False (Keras locks its masks)", settings.per_step)
        expected = "'sample' (Keras draws a mask for each sequence)"
        expect(settings.share_mask == "sample", "share_mask", expected, settings.share_mask)
    trains = [p.requires_grad for name, p in lstm.named_parameters() if not name.startswith("bias_hh")]
    expect(len(set(trains)) == 1, "lstm", "weights that are trained, or frozen, together", trains)


def _expect_lstm(keras, layer):
    """Check that a layer is an LSTM by itself or around a cell, and nothing that only looks like one."""
    layers = keras.layers
    is_lstm = type(layer) is layers.LSTM
    is_lstm |= type(layer) is layers.RNN and type(layer.cell) is layers.LSTMCell
    kinds = [type(part).__name__ for part in (getattr(layer, "cell", None), layer)]
    hints = [f" ({_NOT_ONE_LAYER[kind]})" for kind in kinds if kind in _NOT_ONE_LAYER and not is_lstm]
    wanted = "a keras.layers.LSTM, or a Bidirectional or RNN of one" + "".join(hints[:1])
    expect(is_lstm, "layer", wanted, type(layer))


def _expect_known_here(keras, layer):
    """Check that a layer has only settings that a ``RegularizedLSTM`` has, too."""
    for name, wanted in _ACTIVATIONS.items():
        received = getattr(layer.cell, name)
        fits = received is keras.activations.get(wanted)
        expect(fits, name, f"{wanted!r}, as in RegularizedLSTM", received)
    expected = "False (here the caller carries the state over: output, state = lstm(x, state))"
    expect(not layer.stateful, "stateful", expected, layer.stateful)
    name = layer.dtype_policy.name
    expect(name in ("float32", "float64"), "dtype", "'float32' or 'float64'", name)
    trained, weights = len(layer.trainable_weights), len(layer.weights)
    received = f"{trained} of {weights} to train"
    expect(trained in (0, weights), "layer", "weights that are trained, or frozen, together", received)


def _expect_twins(layer, forward, backward):
    """Check that the two directions of a ``Bidirectional`` have one setting where we have one."""
    expected = "'concat' (for others merge what from_keras makes of forward_layer and backward_layer)"
    expect(layer.merge_mode == "concat", "merge_mode", expected, layer.merge_mode)
    expected = "False in forward_layer, True in backward_layer"
    order = forward.go_backwards, backward.go_backwards
    expect(order == (False, True), "go_backwards", expected, order)
    pairs: dict[str, tuple] = {
        name: (getattr(forward.cell, name), getattr(backward.cell, name))
        for name in ("units", "use_bias", "dropout", "recurrent_dropout", "implementation")
    }
    pairs["dtype"] = layer.dtype_policy.name, forward.dtype_policy.name, backward.dtype_policy.name
    pairs["trainable"] = bool(forward.trainable_weights), bool(backward.trainable_weights)
    for name, pair in pairs.items():
        expected = "one value for the Bidirectional and both of its layers"
        expect(len(set(pair)) == 1, name, expected, pair)
