"""What an argument means in Keras (on any backend), in PyTorch and in this library, found by running each.

Every answer is a short text made from what a call returned, so that a library that changes its mind changes
the table of chapter 5. ``evidence/05_conventions.py`` asks Keras on TensorFlow the same questions.
"""

import inspect
import warnings
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any, TypeVar
from unittest import mock

import numpy as np
import torch
from numpy import ndarray
from torch import nn

from labcode.constraints import max_norm
from labcode.dropout import dropout_mask_torch, dropout_torch, locked_dropout_torch
from labcode.keras_interop import from_keras
from labcode.lstm import lstm_forward
from labcode.lstm.module import RegularizedLSTM
from labcode.optimizers import adam, adamw, sgd
from labcode.penalties import l2_penalty

Layer = TypeVar("Layer", bound=nn.Module)

QUESTIONS = {
    "slope": "slope of L2 of strength 0.01 at w = 1",
    "limited": "max-norm limits by default",
    "biases": "biases of an LSTM of 4 units",
    "forget": "forget gate's bias at first",
    "coupled": "weight_decay joins the gradient in",
    "decoupled": "weight_decay stands beside it in",
    "locked": "one mask for all steps",
    "anew": "a new mask at each step",
    "drops": "drops in an LSTM of one layer",
    "masks": "masks of recurrent dropout",
    "leaves": "leaves the fused kernel (on a GPU: cuDNN) with",
    "precision": "a float64 layer multiplies in",
}
_SHARED = ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adamax", "Adadelta", "Muon")
KERAS_OPTIMIZERS = (*_SHARED, "Nadam", "Adafactor", "Ftrl", "Lamb", "Lion")
TORCH_OPTIMIZERS = (*_SHARED, "NAdam", "RAdam")
KERAS_OPTIONS: dict[str, dict[str, Any]] = {  # what an LSTM is asked about, with the shortest name of each
    "dropout": {"dropout": 0.5},
    "recurrent_dropout": {"recurrent_dropout": 0.5},
    "unroll": {"unroll": True},
    "use_bias=False": {"use_bias": False},
    "activation='relu'": {"activation": "relu"},
}
TORCH_OPTIONS: dict[str, dict[str, Any]] = {"dropout": {"dropout": 0.5}, "bias=False": {"bias": False}}
OUR_OPTIONS: dict[str, dict[str, Any]] = {
    "dropout": {"dropout": 0.5},
    "input_dropout": {"input_dropout": 0.5},
    "weight_drop": {"weight_drop": 0.5},
    "recurrent_dropout": {"recurrent_dropout": 0.5},
    "recurrent_dropout, share_mask='batch'": {"recurrent_dropout": 0.5, "share_mask": "batch"},
    "zoneout_h": {"zoneout_h": 0.5},
    "zoneout_c": {"zoneout_c": 0.5},
}
RATE, DECAY, STEPS = 0.1, 0.01, 3  # of the optimizers that are asked


def keras_answers(keras: ModuleType) -> dict[str, str]:
    """Ask Keras, on the backend on which it runs; returns the answers by the keys of ``QUESTIONS``."""
    layers, array, ones = keras.layers, keras.ops.convert_to_numpy, keras.ops.ones((4, 6, 50))
    regularizer, constraint = keras.regularizers.L2(0.01), keras.constraints.MaxNorm(1.0)
    bias = array(_built(layers.LSTM(4)).cell.bias)
    masks = _built(layers.LSTM(4, recurrent_dropout=0.5)).cell.get_recurrent_dropout_mask(ones[:, 0, :4])
    kinds = {name: getattr(layers, name)(0.5) for name in ("Dropout", "SpatialDropout1D")}
    dropped = {name: array(layer(ones, training=True)) for name, layer in kinds.items()}
    rates = [name for name in inspect.signature(layers.LSTM).parameters if "dropout" in name]
    lstms = {name: _built(layers.LSTM(4, **options)) for name, options in KERAS_OPTIONS.items()}
    double = _built(layers.LSTM(4, dtype="float64", use_cudnn=False))
    decoupled = {name: _is_decoupled(_keras_descent(keras, name)) for name in KERAS_OPTIMIZERS}
    return {
        "slope": f"{_slope(lambda w: float(array(regularizer(keras.ops.array(w))))):.3g}",
        "limited": _limited(array(constraint(keras.ops.full((2, 3), 3.0)))),
        "biases": str(bias.size),
        "forget": _start(bias[4:8]),
        **_decay(decoupled),
        **_steps(dropped),
        "drops": _names(n for n in rates if _varies(lambda: array(lstms[n](ones, training=True)))),  # noqa: B023
        "masks": f"{len(masks)}, one for each gate",
        "leaves": _names(n for n, lstm in lstms.items() if not _keras_is_fused(lstm, ones)),
        "precision": _precision(lambda x: array(double(x)), from_keras(double)[0]),
    }


def torch_answers() -> dict[str, str]:
    """Ask PyTorch; returns the answers by the keys of ``QUESTIONS``."""
    lstm, ones = nn.LSTM(2, 4), torch.from_numpy(np.ones((4, 6, 50), np.float32))
    double = nn.LSTM(50, 4, batch_first=True).double()
    biases = [lstm.get_parameter(f"bias_{part}_l0").detach().numpy() for part in ("ih", "hh")]
    decoupled = {name: _is_decoupled(_torch_descent(name)) for name in TORCH_OPTIMIZERS}
    single = _quiet(nn.LSTM, 50, 4, batch_first=True, dropout=0.5)
    drops = _varies(lambda: single(ones)[0].detach().numpy())
    w = _torch_descent("SGD")(DECAY, False, gradient=0.0, steps=1)
    return {
        "slope": f"{(1 - w) / RATE:.3g}, of weight_decay",
        "limited": _limited(torch.renorm(torch.from_numpy(np.full((3, 2), 3.0)), 2, 0, 1.0).numpy().T)
        + " (renorm, dim 0)",
        "biases": str(sum(bias.size for bias in biases)),
        "forget": _start(np.concatenate([bias[4:8] for bias in biases])),
        **_decay(decoupled),
        **_steps({"nn.Dropout": nn.Dropout(0.5)(ones).numpy()}),
        "drops": _names(["dropout"] if drops else []),
        "masks": "1" if hasattr(lstm, "recurrent_dropout") else "no such argument",
        "leaves": _names(n for n, options in TORCH_OPTIONS.items() if not _torch_is_fused(options, ones)),
        "precision": _precision(lambda x: _last(double, x), double),
    }


def labcode_answers() -> dict[str, str]:
    """Ask this library; returns the answers by the keys of ``QUESTIONS``."""
    ones, generator = torch.from_numpy(np.ones((4, 6, 50), np.float32)), torch.Generator().manual_seed(0)
    lstm, double = RegularizedLSTM(2, 4, batch_first=True), RegularizedLSTM(50, 4, batch_first=True).double()
    biases = [lstm.get_parameter(f"bias_{part}_l0").detach().numpy() for part in ("ih", "hh")]
    anew = dropout_mask_torch(ones.shape, 0.5, generator=generator)
    locked = dropout_mask_torch((4, 50), 0.5, generator=generator)
    lstms = {
        name: _quiet(RegularizedLSTM, 50, 4, batch_first=True, **options)
        for name, options in OUR_OPTIONS.items()
    }
    rates = [name for name in OUR_OPTIONS if "drop" in name and "share" not in name]
    masks = lstms["recurrent_dropout"].sample_masks(ones)
    rules: dict[str, Callable] = {"sgd": sgd, "adam": adam, "adamw": adamw}
    return {
        "slope": f"{_slope(lambda w: l2_penalty(np.array(w), 0.01)):.3g}",
        "limited": _limited(max_norm(np.full((3, 2), 3.0), 1.0).T),
        "biases": str(sum(bias.size for bias in biases)),
        "forget": _start(np.concatenate([bias[4:8] for bias in biases])),
        **_decay({name: _is_decoupled(_our_descent(rule)) for name, rule in rules.items()}),
        **_steps(
            {
                "dropout": dropout_torch(ones, anew).numpy(),
                "locked_dropout": locked_dropout_torch(ones, locked).numpy(),
            }
        ),
        "drops": _names(n for n in rates if _varies(lambda: lstms[n](ones)[0].detach().numpy())),  # noqa: B023
        "masks": f"{len(masks)}, shared by the gates; 4 with tied=False",
        "leaves": _names(n for n, lstm in lstms.items() if not _our_is_fused(lstm, ones)),
        "precision": _precision(lambda x: _last(double, x), double),
    }


def _slope(penalty: Callable) -> float:
    """Return the slope of a quadratic penalty at 1, from two of its values."""
    return (penalty([1.5]) - penalty([0.5])) / 1.0


def _limited(kernel: ndarray) -> str:
    """Say over what one norm was taken, from a projected kernel (in, out) whose entries were all equal."""
    found = {"a unit's incoming weights": 0, "an input's outgoing weights": 1, "the whole matrix": None}
    return _names(
        n for n, axis in found.items() if np.allclose(np.linalg.norm(kernel, axis=axis), 1, atol=1e-5)
    )


def _start(bias: ndarray) -> str:
    return f"{bias[0]:g}" if np.ptp(bias) == 0 else "random"


def _decay(decoupled: dict[str, bool]) -> dict[str, str]:
    return {
        "coupled": _names(name for name, beside in decoupled.items() if not beside),
        "decoupled": _names(name for name, beside in decoupled.items() if beside),
    }


def _steps(dropped: dict[str, ndarray]) -> dict[str, str]:
    """Sort layers by what they leave of ones, (B, T, F): those that repeat a mask, and those that do not."""
    locked = {name: bool((array == array[:, :1]).all()) for name, array in dropped.items()}
    return {
        "locked": _names(name for name in locked if locked[name]),
        "anew": _names(name for name in locked if not locked[name]),
    }


def _is_decoupled(descent: Callable) -> bool:
    """Whether an optimizer does what shrinking the weight by hand before each step does."""
    return abs(descent(DECAY, False) - descent(0.0, True)) < 1e-5


def _keras_descent(keras: ModuleType, name: str) -> Callable:
    def descent(weight_decay, by_hand):
        w = keras.Variable(np.ones((2, 1)), dtype="float32")
        momentum = {"momentum": 0.9} if name == "SGD" else {}
        kind = getattr(keras.optimizers, name)
        optimizer = kind(RATE, weight_decay=weight_decay, **momentum)
        optimizer.build([w])
        for _ in range(STEPS):
            w.assign(w * (1 - RATE * DECAY) if by_hand else w)
            optimizer.apply([keras.ops.full((2, 1), 0.5)], [w])
        return float(keras.ops.convert_to_numpy(w)[0, 0])

    return descent


def _torch_descent(name: str) -> Callable:
    def descent(weight_decay, by_hand, gradient=0.5, steps=STEPS):
        w = torch.from_numpy(np.ones((2, 1)))  # Muon takes matrices only
        momentum = {"momentum": 0.9} if name == "SGD" else {}
        optimizer = getattr(torch.optim, name)([w], lr=RATE, weight_decay=weight_decay, **momentum)
        for _ in range(steps):
            w.mul_(1 - RATE * DECAY if by_hand else 1.0)
            w.grad = torch.full_like(w, gradient)
            optimizer.step()
        return w[0, 0].item()

    return descent


def _our_descent(rule: Callable) -> Callable:
    def descent(weight_decay, by_hand):
        w, state, momentum = np.ones(1), None, {"momentum": 0.9} if rule is sgd else {}
        for _ in range(STEPS):
            w = w * (1 - RATE * DECAY) if by_hand else w
            w, state = rule(w, np.full(1, 0.5), state, lr=RATE, weight_decay=weight_decay, **momentum)
        return w.item()

    return descent


def _keras_is_fused(lstm: Any, x: Any) -> bool:
    """Whether a layer hands its whole loop to the backend, which would take cuDNN for it on a GPU."""
    import keras.src.layers.rnn.lstm as module

    backend, cell = module.backend, lstm.cell
    with mock.patch.object(backend, "lstm", side_effect=NotImplementedError) as kernel:
        lstm(x, training=True)
    checks = {name: lambda: True for name in backend.cudnn_ok.__globals__ if name.endswith("_available")}
    with mock.patch.dict(backend.cudnn_ok.__globals__, checks):  # as on a machine with a GPU
        fits = backend.cudnn_ok(cell.activation, cell.recurrent_activation, lstm.unroll, cell.use_bias)
    return kernel.called and bool(fits)


def _torch_is_fused(options: dict, x: torch.Tensor) -> bool:
    lstm, kernels = _quiet(nn.LSTM, 50, 4, batch_first=True, **options), nn.modules.rnn._VF
    with mock.patch.object(kernels, "lstm", wraps=kernels.lstm) as kernel:
        lstm(x)
    return kernel.called


def _our_is_fused(lstm: RegularizedLSTM, x: torch.Tensor) -> bool:
    kernels = nn.modules.rnn._VF  # where nn.LSTM, which is asked without masks, finds the kernel
    with (
        mock.patch.object(lstm, "_kernel", wraps=lstm._kernel) as kernel,
        mock.patch.object(kernels, "lstm", wraps=kernels.lstm) as plain,
    ):
        lstm(x)
    return kernel.called or plain.called


def _precision(run: Callable[[ndarray], ndarray], lstm: nn.LSTM) -> str:
    """Say to which precision a layer computes its last output, by the NumPy LSTM with the same weights."""
    x = np.random.default_rng(0).normal(size=(4, 6, 50))
    exact, _, _ = lstm_forward(x, {name: weight.numpy() for name, weight in lstm.state_dict().items()})
    return "float64" if np.abs(run(x) - exact[:, -1]).max() < 1e-12 else "float32"


def _last(lstm: nn.LSTM, x: ndarray) -> ndarray:
    return lstm(torch.from_numpy(x))[0][:, -1].detach().numpy()


def _varies(run: Callable[[], ndarray]) -> bool:
    return not np.array_equal(run(), run())


def _built(layer: Any) -> Any:
    layer.build((None, 6, 50))
    return layer


def _quiet(make: Callable[..., Layer], *sizes: int, **options: object) -> Layer:
    """Make a layer without torch's warning that dropout does nothing in it: that is what is asked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return make(*sizes, **options)


def _names(names: Iterable[str]) -> str:
    return ", ".join(names) or "nothing"
