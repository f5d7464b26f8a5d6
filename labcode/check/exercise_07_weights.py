"""Checkers of exercise 7: an LSTM's weights from PyTorch to Keras, and back."""

import numpy as np

from labcode.check import random_cases_practice
from labcode.check.core import Case, Checker, Misconception
from labcode.check.random_cases import drawn


def _turned(w, how):
    return {"T": w.T, "as it is": w, "reshaped": w.reshape(w.shape[::-1])}[how]


def _weights_for_keras(state, *, kernel="T", recurrent="T", biases=(1.0, 1.0), swapped=False):
    """Kernel (F, 4H), recurrent kernel (H, 4H) and bias (4H,) of Keras from PyTorch's four tensors."""
    arrays = {name: np.asarray(array, dtype=float) for name, array in state.items()}
    if swapped:
        arrays = {name: array[rows("ifog", "ifgo", len(array))] for name, array in arrays.items()}
    bias = biases[0] * arrays["bias_ih_l0"] + biases[1] * arrays["bias_hh_l0"]
    return [_turned(arrays["weight_ih_l0"], kernel), _turned(arrays["weight_hh_l0"], recurrent), bias]


def rows(source, target, length):
    """Where the rows of the target's order stand in the source's."""
    blocks = np.arange(length).reshape(4, -1)
    return np.concatenate([blocks[source.index(gate)] for gate in target])


def _state(features, hidden):
    rng = np.random.default_rng([7, features, hidden])
    shapes: dict[str, tuple[int, ...]] = {"weight_ih_l0": (4 * hidden, features)}
    shapes |= {"weight_hh_l0": (4 * hidden, hidden), "bias_ih_l0": (4 * hidden,), "bias_hh_l0": (4 * hidden,)}
    return {name: rng.normal(size=shape).round(2) for name, shape in shapes.items()}


weights_for_keras = Checker(
    name="weights_for_keras",
    solution=_weights_for_keras,
    cases=(
        Case("3 features, 2 units", (_state(3, 2),)),
        Case("2 features, 3 units", (_state(2, 3),)),
        *drawn(random_cases_practice.weights_for_keras, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "kernel not transposed",
            {"kernel": "as it is"},
            "The kernel still has PyTorch's shape (4H, F). PyTorch computes W x with the gates below each "
            "other; Keras computes x K with the gates side by side, so K is W transposed, (F, 4H).",
        ),
        Misconception(
            "recurrent kernel not transposed",
            {"recurrent": "as it is"},
            "The recurrent kernel still has PyTorch's shape (4H, H). It multiplies h from the right in "
            "Keras, as the kernel does x: transpose both.",
        ),
        Misconception(
            "reshaped",
            {"kernel": "reshaped", "recurrent": "reshaped"},
            "The shapes are right and the numbers stand in the wrong places: `reshape` reads the old rows "
            "on into the new ones. A transpose, `.T`, exchanges rows and columns.",
        ),
        Misconception(
            "one bias forgotten",
            {"biases": (1.0, 0.0)},
            "The bias is `bias_ih` alone. PyTorch adds two biases to the same sum and Keras has one: it "
            "is `bias_ih + bias_hh`.",
        ),
        Misconception(
            "biases averaged",
            {"biases": (0.5, 0.5)},
            "The bias is the mean of the two. Both are ADDED inside the gate, so Keras's one is their sum.",
        ),
        Misconception(
            "gates swapped",
            {"swapped": True},
            "The last two gates are exchanged. Keras calls the candidate c where PyTorch calls it g, and "
            "the order is the same: i, f, candidate, o. Nothing has to be moved.",
        ),
    ),
    praise="Two transposes and one sum carry an LSTM from PyTorch to Keras; the gates stay where they are.",
    draw=random_cases_practice.weights_for_keras,
)


def _weights_for_pytorch(kernel, recurrent_kernel, bias, *, w="T", u="T", shares=(1.0, 0.0)):
    """PyTorch's four arrays by name from Keras's three; the whole bias goes into the one that learns."""
    kernel, recurrent_kernel, bias = (
        np.asarray(array, dtype=float) for array in (kernel, recurrent_kernel, bias)
    )
    state = {"weight_ih_l0": _turned(kernel, w), "weight_hh_l0": _turned(recurrent_kernel, u)}
    return state | {"bias_ih_l0": shares[0] * bias, "bias_hh_l0": shares[1] * bias}


def _kernels(features, hidden):
    state = _state(features, hidden)
    return state["weight_ih_l0"].T, state["weight_hh_l0"].T, state["bias_ih_l0"]


weights_for_pytorch = Checker(
    name="weights_for_pytorch",
    solution=_weights_for_pytorch,
    cases=(
        Case("3 features, 2 units", _kernels(3, 2)),
        Case("2 features, 3 units", _kernels(2, 3)),
        *drawn(random_cases_practice.weights_for_pytorch, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "not transposed",
            {"w": "as it is", "u": "as it is"},
            "The matrices still have Keras's shapes, (F, 4H) and (H, 4H). PyTorch computes W x: transpose "
            "both, to (4H, F) and (4H, H).",
        ),
        Misconception(
            "only the kernel transposed",
            {"u": "as it is"},
            "W is right, U still has Keras's shape (H, 4H). It is transposed as W is.",
        ),
        Misconception(
            "reshaped",
            {"w": "reshaped", "u": "reshaped"},
            "The shapes are right and the numbers stand in the wrong places: `reshape` reads the old rows "
            "on into the new ones. A transpose, `.T`, exchanges rows and columns.",
        ),
        Misconception(
            "the bias twice",
            {"shares": (1.0, 1.0)},
            "Both biases are Keras's bias. PyTorch ADDS them, so every gate gets it twice: a forget gate "
            "that started at 1 starts at 2.",
        ),
        Misconception(
            "the bias in the frozen one",
            {"shares": (0.0, 1.0)},
            "The bias went into `bias_hh`, the one that is frozen beside Keras: the outputs are right and "
            "the bias would never learn. Put it into `bias_ih`.",
        ),
        Misconception(
            "the bias in halves",
            {"shares": (0.5, 0.5)},
            "Each bias got one half. The outputs are right; but `bias_hh` is the one to be frozen, at ZERO, "
            "so that the one that learns is Keras's bias, to be compared and penalized as it is.",
        ),
    ),
    praise="Put one after the other, your two functions give Keras's three arrays back unchanged. Try it.",
    draw=random_cases_practice.weights_for_pytorch,
)
