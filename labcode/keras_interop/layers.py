"""``keras.layers.LSTM`` and ``RegularizedLSTM``: weights and regularization settings move both ways.

=========================================  ===========================================================
in Keras                                   here
=========================================  ===========================================================
``kernel``, ``recurrent_kernel``, (., 4H)  ``weight_ih_l0``, ``weight_hh_l0``, (4H, .); gates i, f, g, o
``bias``                                   ``bias_ih_l0 + bias_hh_l0``
``dropout=p``                              ``input_dropout=p``
``recurrent_dropout=r``                    ``recurrent_dropout=r, on="h", tied=False``
``implementation=2``                       ``tied=True``: one mask on the input for the four gates
``implementation=1``                       ``tied=False``: a mask for each gate, on the input and on h
``L1(a)``, ``L2(a)``, ``L1L2(a, b)``       ``l1_penalty`` with lam = a, ``l2_penalty`` with lam = 2a, both
``OrthogonalRegularizer(a, mode="rows")``  ``orthogonal_penalty`` with lam = a and mode="columns"
``MaxNorm``, ``UnitNorm``, ``MinMaxNorm``  ``max_norm``, ``unit_norm``, ``min_max_norm``
``axis=0``, ``1``, ``[0, 1]`` of a kernel  ``axis="row"``, ``0``, ``"matrix"``
``NonNeg``                                 ``non_neg``
=========================================  ===========================================================

With ``recurrent_dropout`` Keras takes implementation 1, whichever was asked for. Keras is imported by the
first function that needs it, not with this file: that takes seconds.
"""

import importlib
import os
import sys
import tempfile
from types import ModuleType
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from labcode._checks import check_instance, check_shape, check_tensor, expect
from labcode._targets import target_arrays
from labcode.keras_interop.settings import (
    CONSTRAINTS,
    REGULARIZERS,
    TARGETS,
    from_keras_rule,
    to_keras_rule,
)
from labcode.lstm.module import RegularizedLSTM
from labcode.penalties import WeightRegularization

if TYPE_CHECKING:
    import keras

__all__ = ["WeightRegularization", "from_keras", "import_keras", "keras_masks", "to_keras"]

_LIKE_OURS = {
    "activation": "tanh",
    "recurrent_activation": "sigmoid",
    "go_backwards": False,
    "stateful": False,
    "zero_output_for_mask": False,
    "activity_regularizer": None,
}


def import_keras() -> ModuleType:
    """Import Keras on the backend that the environment variable KERAS_BACKEND names, or else on torch.

    Where KERAS_HOME is not set, Keras neither reads nor writes a settings file in the user's home folder.

    Returns:
        the module ``keras``.

    Raises:
        ValueError: Keras was imported before, on another backend. Chapter 5.
    """
    wanted = os.environ.get("KERAS_BACKEND") or "torch"
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = wanted
        _import_without_settings()
    keras = sys.modules["keras"]
    hint = "it stays what it was when Keras was first imported: start Python anew, call import_keras() first"
    received = keras.backend.backend()
    expect(received == wanted, "Keras's backend", f"{wanted!r} ({hint})", received)
    return keras


def to_keras(
    lstm: RegularizedLSTM,
    regularization: WeightRegularization | None = None,
    *,
    return_sequences: bool = False,
    return_state: bool = False,
    unroll: bool = False,
    seed: int | None = None,
) -> "keras.layers.LSTM":
    """Make the ``keras.layers.LSTM`` that computes the same, built and with the same weights.

    Args:
        lstm: one layer, one direction, and only dropout that Keras has: ``input_dropout``, and
            ``recurrent_dropout`` on h with ``tied=False``.
        regularization: penalties and constraints to give the layer, each a ``functools.partial`` of a PyTorch
            twin of this library with keywords; None for none. Keras divides by 1e-7 + norm, so that its
            projections differ from ours by that much.
        return_sequences, return_state, unroll, seed: as in ``keras.layers.LSTM``, with its defaults.

    Returns:
        the layer, of the weights' dtype (on its torch backend Keras multiplies matrices in float32 even so),
        on the device that Keras chooses.

    Raises:
        ValueError: a setting that has no counterpart in Keras, weights not of float32 or float64. Chapter 5.
    """
    check_instance("lstm", lstm, RegularizedLSTM, "a RegularizedLSTM")
    regularization = WeightRegularization() if regularization is None else regularization
    check_instance("regularization", regularization, WeightRegularization, "a WeightRegularization or None")
    _expect_known_to_keras(lstm)
    keras, settings = import_keras(), lstm.settings
    arguments = _rules_to_keras(keras, regularization, lstm)
    if not settings.tied:  # on the shortcut that Keras takes by default, a mask for each gate fails
        arguments |= {"implementation": 1, "use_cudnn": False}
    layer = keras.layers.LSTM(
        lstm.hidden_size,
        use_bias=lstm.bias,
        dropout=settings.input_dropout,
        recurrent_dropout=settings.recurrent_dropout,
        return_sequences=return_sequences,
        return_state=return_state,
        unroll=unroll,
        seed=seed,
        dtype=str(lstm.weight_ih_l0.dtype).removeprefix("torch."),
        **arguments,
    )
    layer.build((None, None, lstm.input_size))
    weights = [lstm.weight_ih_l0.T, lstm.weight_hh_l0.T]
    weights += [lstm.bias_ih_l0 + lstm.bias_hh_l0] if lstm.bias else []
    layer.set_weights([weight.detach().cpu().double().numpy() for weight in weights])
    return layer


def from_keras(layer: "keras.layers.LSTM") -> tuple[RegularizedLSTM, WeightRegularization]:
    """Make the ``RegularizedLSTM`` that computes the same as a layer of Keras, with the same weights.

    Keras has one bias: ``bias_hh_l0`` is 0 and frozen, so that an optimizer's step moves the sum of both as
    it moves Keras's. What the layer returns (``return_sequences``) and how it loops (``unroll``) do not move.

    Args:
        layer: a built ``keras.layers.LSTM`` with tanh and sigmoid.

    Returns:
        the LSTM, of the layer's dtype, on the CPU, in training mode; and the layer's regularizers and
        constraints.

    Raises:
        ValueError: another layer, one that is not built, or a setting that has no counterpart. Chapter 5.
    """
    keras = import_keras()
    _expect_built(keras, layer)
    regularization = _rules_from_keras(keras, layer)
    _expect_known_here(layer)
    drops = layer.dropout > 0 or layer.recurrent_dropout > 0
    kernel, recurrent_kernel, *bias = (torch.from_numpy(w.astype("float64")) for w in layer.get_weights())
    lstm = RegularizedLSTM(
        len(kernel),
        layer.units,
        bias=layer.use_bias,
        input_dropout=layer.dropout,
        recurrent_dropout=layer.recurrent_dropout,
        tied=not (drops and layer.cell.implementation == 1),
        batch_first=True,
    ).to(getattr(torch, layer.variable_dtype))
    weights = {"weight_ih_l0": kernel.T, "weight_hh_l0": recurrent_kernel.T}
    if bias:
        weights |= {"bias_ih_l0": bias[0], "bias_hh_l0": torch.zeros_like(bias[0])}
        lstm.bias_hh_l0.requires_grad_(False)
    lstm.load_state_dict(weights)
    return lstm, regularization


def keras_masks(layer: "keras.layers.LSTM", x: Tensor) -> dict[str, Tensor]:
    """Draw the masks that a layer of Keras uses in its next call, and return them under our names.

    Keras draws them once for each call, in evaluation too, and forgets them after it. So its next call on a
    batch of this size, with ``training=True``, drops what these masks drop in a ``RegularizedLSTM``.

    Args:
        layer: a built ``keras.layers.LSTM``.
        x: the batch of that call, (B, T, F).

    Returns:
        masks for ``RegularizedLSTM``: ``x_l0`` (B, F), or (4, B, 1, F) with a mask for each gate; ``h_l0``
        (4, B, 1, H). Of the dtype and on the device of x.

    Raises:
        ValueError: another layer, one that is not built, or an x of another shape or dtype. Chapter 5.
    """
    keras = import_keras()
    _expect_built(keras, layer)
    check_shape("x", check_tensor("x", x), (None, None, layer.cell.kernel.shape[0]))
    cell, batch, dtype = layer.cell, len(x), layer.compute_dtype
    drawn = {
        "x_l0": cell.get_dropout_mask(keras.ops.ones((batch, x.shape[2]), dtype)),
        "h_l0": cell.get_recurrent_dropout_mask(keras.ops.ones((batch, layer.units), dtype)),
    }

    def tensor(value):
        return torch.from_numpy(keras.ops.convert_to_numpy(value).astype("float64")).to(x)

    masks = {}
    for name, mask in drawn.items():
        if isinstance(mask, list):  # one for each gate
            masks[name] = torch.stack([tensor(gate) for gate in mask]).unsqueeze(2)
        elif mask is not None:
            masks[name] = tensor(mask)
    return masks


def _import_without_settings():
    """Import Keras, with an empty folder in the place of the user's settings where none is named."""
    if "KERAS_HOME" in os.environ:
        importlib.import_module("keras")
        return
    with tempfile.TemporaryDirectory() as home:
        os.environ["KERAS_HOME"] = home
        try:
            importlib.import_module("keras")
        finally:
            del os.environ["KERAS_HOME"]


def _rules_to_keras(keras, regularization, lstm):
    """Return Keras's arguments for penalties and constraints, such as ``kernel_regularizer``."""
    arguments, parameters = {}, dict(lstm.named_parameters())
    for kind, functions, table, module in (
        ("regularizer", regularization.penalties, REGULARIZERS, keras.regularizers),
        ("constraint", regularization.constraints, CONSTRAINTS, keras.constraints),
    ):
        for target, function in functions.items():
            name, weights = f"{TARGETS[target]}_{kind}", target_arrays(parameters, target)["_l0"]
            arguments[name] = to_keras_rule(name, function, table, module, weights.detach())
    return arguments


def _rules_from_keras(keras, layer):
    """Return a layer's regularizers and constraints as functions of this library."""
    found = {"regularizer": {}, "constraint": {}}
    tables = {"regularizer": REGULARIZERS, "constraint": CONSTRAINTS}
    modules = {"regularizer": keras.regularizers, "constraint": keras.constraints}
    for kind, functions in found.items():
        for target, theirs in TARGETS.items():
            name, ndim = f"{theirs}_{kind}", 1 if target == "bias" else 2
            rule = getattr(layer, name)
            if rule is not None:
                functions[target] = from_keras_rule(name, rule, tables[kind], modules[kind], ndim)
    return WeightRegularization(penalties=found["regularizer"], constraints=found["constraint"])


def _expect_known_to_keras(lstm):
    """Check that an LSTM has only settings that Keras has, too."""
    settings, dtype = lstm.settings, lstm.weight_ih_l0.dtype
    expect(dtype in (torch.float32, torch.float64), "lstm", "weights of float32 or float64", dtype)
    expect(lstm.num_layers == 1, "num_layers", "1 (in Keras every layer stands alone)", lstm.num_layers)
    expect(not lstm.bidirectional, "bidirectional", "False (in Keras a direction is a layer)", True)
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


def _expect_known_here(layer):
    """Check that a layer has only settings that a ``RegularizedLSTM`` has, too."""
    config, policy = layer.get_config(), layer.dtype_policy
    for name, wanted in _LIKE_OURS.items():
        expect(config[name] == wanted, name, f"{wanted!r}, as in RegularizedLSTM", config[name])
    expect(policy.name in ("float32", "float64"), "dtype", "'float32' or 'float64'", policy.name)


def _expect_built(keras, layer):
    expect(type(layer) is keras.layers.LSTM, "layer", "a keras.layers.LSTM", type(layer))
    expect(layer.built, "layer", "a layer that has weights: build or call it first", "one without")
