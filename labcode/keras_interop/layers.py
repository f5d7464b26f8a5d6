"""``keras.layers.LSTM`` and ``RegularizedLSTM``: weights and regularization settings move both ways.

=========================================  ===========================================================
in Keras                                   here
=========================================  ===========================================================
``kernel``, ``recurrent_kernel``, (., 4H)  ``weight_ih_l0``, ``weight_hh_l0``, (4H, .); gates i, f, g, o
``bias``                                   ``bias_ih_l0 + bias_hh_l0``
``Bidirectional(LSTM(H))``, "concat"       ``bidirectional=True``
``go_backwards=True``                      ``BackwardLSTM``
``RNN(LSTMCell(H))``                       as ``LSTM(H)``
``dropout=p``                              ``input_dropout=p``, in ``Bidirectional`` a mask for each
                                           direction, here one for both
``recurrent_dropout=r``                    ``recurrent_dropout=r, on="h", tied=False``
``implementation=2``                       ``tied=True``: one mask on the input for the four gates
``implementation=1``                       ``tied=False``: a mask for each gate, on the input and on h
``L1(a)``, ``L2(a)``, ``L1L2(a, b)``       ``l1_penalty`` with lam = a, ``l2_penalty`` with lam = 2a, both
``OrthogonalRegularizer(a, mode="rows")``  ``orthogonal_penalty`` with lam = a and mode="columns"
``activity_regularizer=L2(a)``             ``ActivityPenalty``; without padding ``activation_penalty`` with
                                           alpha = a T H, over T steps
``MaxNorm``, ``UnitNorm``, ``MinMaxNorm``  ``max_norm``, ``unit_norm``, ``min_max_norm``
``axis=0``, ``1``, ``[0, 1]`` of a kernel  ``axis="row"``, ``0``, ``"matrix"``
``NonNeg``                                 ``non_neg``
``trainable=False``                        ``requires_grad=False``, and no rules for weights
=========================================  ===========================================================

With ``recurrent_dropout`` Keras takes implementation 1, whichever was asked for. What a layer returns
(``return_sequences``, ``return_state``), what stands at padded steps (zeros with ``zero_output_for_mask``, as
in ``Bidirectional``; here the last real output), how it loops (``unroll``, ``use_cudnn``), how its weights
were drawn and the state of its ``seed`` do not move. What can't move is refused: ``limits.py``.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from labcode._checks import check_instance, check_shape, check_tensor
from labcode.keras_interop.activity import LayerRegularization
from labcode.keras_interop.backward import BackwardLSTM
from labcode.keras_interop.limits import expect_known_to_keras, halves_of
from labcode.keras_interop.settings import activity_to_keras, rules_from_keras, rules_to_keras
from labcode.keras_interop.start import import_keras
from labcode.lstm.module import RegularizedLSTM
from labcode.penalties import WeightRegularization

if TYPE_CHECKING:
    import keras

__all__ = ["WeightRegularization", "from_keras", "import_keras", "keras_masks", "to_keras"]


def to_keras(
    lstm: RegularizedLSTM,
    regularization: WeightRegularization | None = None,
    *,
    return_sequences: bool = False,
    return_state: bool = False,
    unroll: bool = False,
    seed: int | None = None,
) -> "keras.layers.LSTM | keras.layers.Bidirectional":
    """Make the layer of Keras that computes the same, built and with the same weights.

    Args:
        lstm: one layer, and only dropout that Keras has: ``input_dropout``, and ``recurrent_dropout`` on h
            with ``tied=False``.
        regularization: penalties and constraints to give the layer, each a ``functools.partial`` of a PyTorch
            twin of this library with keywords; a ``LayerRegularization`` for a penalty on outputs, too; None
            for none. Keras divides by 1e-7 + norm, so that its projections differ from ours by that much.
        return_sequences, return_state, unroll, seed: as in ``keras.layers.LSTM``, with its defaults.

    Returns:
        a ``keras.layers.LSTM``, of two directions in a ``Bidirectional``; of the weights' dtype (on its torch
        backend Keras multiplies matrices in float32 even so), on the device that Keras chooses.

    Raises:
        ValueError: a setting that has no counterpart in Keras, weights not of float32 or float64. Chapter 5.
    """
    check_instance("lstm", lstm, RegularizedLSTM, "a RegularizedLSTM")
    regularization = WeightRegularization() if regularization is None else regularization
    check_instance("regularization", regularization, WeightRegularization, "a WeightRegularization or None")
    expect_known_to_keras(lstm)
    keras, settings = import_keras(), lstm.settings
    dtype = str(lstm.weight_ih_l0.dtype).removeprefix("torch.")
    layer = keras.layers.LSTM(
        lstm.hidden_size,
        use_bias=lstm.bias,
        dropout=settings.input_dropout,
        recurrent_dropout=settings.recurrent_dropout,
        return_sequences=return_sequences,
        return_state=return_state,
        go_backwards=isinstance(lstm, BackwardLSTM),
        unroll=unroll,
        seed=seed,
        dtype=dtype,
        **({} if settings.tied else _BY_GATE),
        **rules_to_keras(keras, regularization, lstm),
    )
    activity = getattr(regularization, "activation_penalty", None)
    activity = activity_to_keras(keras, activity, layer, lstm)
    if lstm.bidirectional:
        layer = keras.layers.Bidirectional(layer, dtype=dtype)
    layer.activity_regularizer = activity
    layer.build((None, None, lstm.input_size))
    for half, suffix in zip(_directions(layer), ("_l0", "_l0_reverse"), strict=False):
        if not settings.tied:  # which a Bidirectional forgets
            half.cell.implementation, half.cell.dropout_mask_count = 1, 4
        _set_weights(half, lstm, suffix)
    layer.trainable = lstm.weight_ih_l0.requires_grad
    return layer


def from_keras(
    layer: "keras.layers.LSTM | keras.layers.Bidirectional | keras.layers.RNN",
) -> tuple[RegularizedLSTM, LayerRegularization]:
    """Make the ``RegularizedLSTM`` that computes the same as a layer of Keras, with the same weights.

    Keras has one bias: ``bias_hh_l0`` is 0 and frozen, so that an optimizer's step moves the sum of both as
    it moves Keras's. What does not move stands above.

    Args:
        layer: a built ``keras.layers.LSTM`` with tanh and sigmoid; such an LSTM in a ``Bidirectional`` that
            concatenates, or one half of it; or an ``RNN`` around an ``LSTMCell``.

    Returns:
        the LSTM, of the layer's dtype, on the CPU, in training mode, a ``BackwardLSTM`` for a layer that goes
        backwards; and the layer's regularizers and constraints.

    Raises:
        ValueError: another layer, one that is not built, or a setting that has no counterpart. Chapter 5.
    """
    keras = import_keras()
    halves = halves_of(keras, layer)
    regularization = rules_from_keras(keras, layer, halves)
    cell = halves[0].cell
    drops = cell.dropout > 0 or cell.recurrent_dropout > 0
    make = BackwardLSTM if halves[0].go_backwards else RegularizedLSTM
    lstm = make(
        cell.kernel.shape[0],
        cell.units,
        bias=cell.use_bias,
        bidirectional=len(halves) == 2,
        input_dropout=cell.dropout,
        recurrent_dropout=cell.recurrent_dropout,
        tied=not (drops and cell.implementation == 1),
        batch_first=True,
    ).to(getattr(torch, halves[0].variable_dtype))
    weights: dict[str, Tensor] = {}
    for half, suffix in zip(halves, ("_l0", "_l0_reverse"), strict=False):
        weights |= _get_weights(half, suffix)
    lstm.load_state_dict(weights)
    for name, parameter in lstm.named_parameters():
        parameter.requires_grad_(bool(layer.trainable_weights) and not name.startswith("bias_hh"))
    return lstm, regularization


def keras_masks(layer: "keras.layers.LSTM | keras.layers.Bidirectional", x: Tensor) -> dict[str, Tensor]:
    """Draw the masks that a layer of Keras uses in its next call, and return them under our names.

    Keras draws them once for each call, in evaluation too, and forgets them after it. So its next call on a
    batch of this size, with ``training=True``, drops what these masks drop in a ``RegularizedLSTM``.

    Args:
        layer: a built layer, as ``from_keras`` takes it.
        x: the batch of that call, (B, T, F).

    Returns:
        masks for ``RegularizedLSTM``: ``x_l0`` (B, F), or (4, B, 1, F) with a mask for each gate; ``h_l0``
        (4, B, 1, H); of a second direction under ``x_l0_reverse`` and ``h_l0_reverse``. Of the dtype and on
        the device of x.

    Raises:
        ValueError: another layer, one that is not built, or an x of another shape or dtype. Chapter 5.
    """
    keras = import_keras()
    halves = halves_of(keras, layer)
    check_shape("x", check_tensor("x", x), (None, None, halves[0].cell.kernel.shape[0]))
    masks: dict[str, Tensor] = {}
    for half, suffix in zip(halves, ("_l0", "_l0_reverse"), strict=False):
        cell, dtype = half.cell, half.compute_dtype
        drawn = {
            "x": cell.get_dropout_mask(keras.ops.ones((len(x), x.shape[2]), dtype)),
            "h": cell.get_recurrent_dropout_mask(keras.ops.ones((len(x), cell.units), dtype)),
        }
        masks |= {name + suffix: _mask(keras, mask, x) for name, mask in drawn.items() if mask is not None}
    return masks


# On the shortcut that Keras takes by default, a mask for each gate fails.
_BY_GATE = {"implementation": 1, "use_cudnn": False}


def _directions(layer):
    """Return the LSTM that a layer is, or the two of a ``Bidirectional``."""
    return [layer.forward_layer, layer.backward_layer] if hasattr(layer, "forward_layer") else [layer]


def _set_weights(half, lstm, suffix):
    names = [kind + suffix for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    w, u, *biases = (getattr(lstm, name).detach().cpu().double() for name in names[: 4 if lstm.bias else 2])
    half.set_weights([w.T.numpy(), u.T.numpy(), *([sum(biases).numpy()] if biases else [])])


def _get_weights(half, suffix):
    kernel, recurrent_kernel, *bias = (torch.from_numpy(w.astype("float64")) for w in half.get_weights())
    weights = {"weight_ih": kernel.T, "weight_hh": recurrent_kernel.T}
    if bias:
        weights |= {"bias_ih": bias[0], "bias_hh": torch.zeros_like(bias[0])}
    return {kind + suffix: weight for kind, weight in weights.items()}


def _mask(keras, mask, x):
    """Return a mask of Keras, or a list of one for each gate, as a tensor."""

    def tensor(value):
        return torch.from_numpy(keras.ops.convert_to_numpy(value).astype("float64")).to(x)

    if isinstance(mask, list):
        return torch.stack([tensor(gate) for gate in mask]).unsqueeze(2)
    return tensor(mask)
