"""Checkers of exercise 7: gates, the second bias, equal settings; and the list of all seven."""

import numpy as np

from labcode.check import random_cases_practice
from labcode.check.core import Case, Checker, Misconception
from labcode.check.exercise_07_port import find_faults, speed_ratio
from labcode.check.exercise_07_training import train_and_carry
from labcode.check.exercise_07_weights import rows, weights_for_keras, weights_for_pytorch
from labcode.check.random_cases import drawn


def _reorder_gates(w, source, target, *, inverse=False, interleaved=False, unchanged=False):
    """The rows of w, (4H, n), moved from one order of gates to another; g, c and j are the candidate."""
    w = np.asarray(w, dtype=float)
    source, target = (order.replace("c", "g").replace("j", "g") for order in (source, target))
    source, target = (target, source) if inverse else (source, target)
    if unchanged:
        return w
    if interleaved:
        places = [source.index(gate) for gate in target]
        return w.reshape(-1, 4, w.shape[1])[:, places].reshape(w.shape)
    return w[rows(source, target, len(w))]


_GATES = np.arange(16.0).reshape(8, 2)

reorder_gates = Checker(
    name="reorder_gates",
    solution=_reorder_gates,
    cases=(
        Case("PyTorch to Keras: i f g o to i f c o", (_GATES, "ifgo", "ifco")),
        Case("PyTorch to ONNX: i f g o to i o f c", (_GATES, "ifgo", "iofc")),
        Case("TensorFlow 1 to PyTorch: i j f o to i f g o", (_GATES, "ijfo", "ifgo")),
        Case("3 units, ONNX to Keras", (np.arange(24.0).reshape(12, 2), "iofc", "ifco")),
        *drawn(random_cases_practice.reorder_gates, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "source and target exchanged",
            {"inverse": True},
            "The blocks went the other way. For each gate of the TARGET, in its order, take the block "
            "from where that gate stands in the SOURCE. (Two orders that differ by one exchange hide this "
            "mistake; ONNX's does not.)",
        ),
        Misconception(
            "rows interleaved",
            {"interleaved": True},
            "You moved single rows within groups of four, as if the four gates of a unit stood together. "
            "All rows of a gate stand together: block 0 is rows 0 to H-1, block 1 rows H to 2H-1.",
        ),
        Misconception(
            "nothing moved",
            {"unchanged": True},
            "Nothing has moved. From PyTorch to Keras that is right, i f g o and i f c o are the same "
            "order, but ONNX stores i o f c and TensorFlow 1 stored i j f o.",
        ),
    ),
    praise="Blocks of H rows, and three names for the candidate: that is all there is to gate orders.",
    draw=random_cases_practice.reorder_gates,
)


def _bias_sum(b_ih, b_hh, grads, lr, frozen, *, moves=None, keeps_hh=True, uphill=False):
    """b_ih + b_hh after SGD steps along the gradients of their sum, b_hh frozen or not."""
    times = (1 if frozen else 2) if moves is None else moves
    total = np.asarray(b_ih, dtype=float) + (np.asarray(b_hh, dtype=float) if keeps_hh or not frozen else 0.0)
    step = times * lr * np.sum(np.asarray(grads, dtype=float), axis=0)
    return total + step if uphill else total - step


_BIAS = (np.array([0.5, -1.0]), np.array([0.25, 2.0]), list(np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]])))

bias_sum = Checker(
    name="bias_sum",
    solution=_bias_sum,
    cases=(
        Case("bias_hh frozen", (*_BIAS, 0.1, True)),
        Case("bias_hh frozen at zero, as beside Keras", (_BIAS[0], np.zeros(2), _BIAS[2], 0.1, True)),
        Case("both learn", (*_BIAS, 0.1, False)),
        Case("one step, both learn", (_BIAS[0], _BIAS[1], _BIAS[2][:1], 0.5, False)),
        *drawn(random_cases_practice.bias_sum, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "the sum moves once",
            {"moves": 1},
            "With both biases free the sum moved once a step. Each of the two receives the gradient of "
            "the sum and takes a step of its own, so their sum moves twice as far: a doubled learning "
            "rate.",
        ),
        Misconception(
            "the frozen bias moves",
            {"moves": 2},
            "The frozen bias moved. `requires_grad_(False)` takes it out of the optimizer: only `bias_ih` "
            "steps.",
        ),
        Misconception(
            "the frozen bias is dropped",
            {"keeps_hh": False},
            "The frozen bias is missing in the sum. Frozen means that it does not change, not that it is "
            "zero.",
        ),
        Misconception(
            "uphill",
            {"uphill": True},
            "The bias climbs: gradient descent SUBTRACTS lr times the gradient.",
        ),
    ),
    praise="Two free biases are one bias at twice the learning rate: freeze one beside Keras.",
    draw=random_cases_practice.bias_sum,
    may_change=True,
)


def _same_settings(pytorch, keras, *, l2=0.5, transposed=False, by_variable=False, biases=True):
    """For each setting, whether a run in PyTorch and one in Keras mean the same by theirs."""
    axis = 1 - pytorch["renorm_dim"] if transposed else pytorch["renorm_dim"]
    names = ("global_clipnorm", "clipnorm") if by_variable else ("global_clipnorm",)
    return {
        "penalty": bool(np.isclose(keras["l2"], l2 * pytorch["lam"])),
        "constraint": axis == keras["axis"],
        "clipping": any(keras.get(name) == pytorch["clip_grad_norm"] for name in names),
        "bias": pytorch["bias_hh_frozen"] if biases else True,
    }


def _pytorch(lam, dim, clip, frozen):
    return {"lam": lam, "renorm_dim": dim, "clip_grad_norm": clip, "bias_hh_frozen": frozen}


same_settings = Checker(
    name="same_settings",
    solution=_same_settings,
    cases=(
        Case("a fair pair", (_pytorch(0.02, 0, 1.0, True), {"l2": 0.01, "axis": 0, "global_clipnorm": 1.0})),
        Case(
            "the same numbers everywhere",
            (_pytorch(0.02, 0, 1.0, False), {"l2": 0.02, "axis": 0, "clipnorm": 1.0}),
        ),
        Case(
            "another axis, another limit",
            (_pytorch(0.02, 0, 1.0, True), {"l2": 0.01, "axis": 1, "global_clipnorm": 5.0}),
        ),
        Case("a doubled strength", (_pytorch(0.01, 1, 5.0, False), {"l2": 0.02, "axis": 1, "clipnorm": 0.5})),
        *drawn(random_cases_practice.same_settings, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "factor one half forgotten",
            {"l2": 1.0},
            "You called equal numbers equal penalties. lam/2 times the sum of squares here, l2 times the "
            "sum there: they agree where l2 is HALF of lam.",
        ),
        Misconception(
            "factor the wrong way round",
            {"l2": 2.0},
            "You doubled where you should halve: lam/2 * sum w^2 = l2 * sum w^2 gives l2 = lam/2.",
        ),
        Misconception(
            "axis turned over",
            {"transposed": True},
            "You exchanged the axes. `renorm(dim=0)` keeps dim 0 apart and takes a norm along each row of "
            "U; Keras's `axis=0` is what the norm runs ALONG, down each column of the transposed matrix. "
            "That is the same vector, so the same number means the same.",
        ),
        Misconception(
            "clipnorm taken for the global one",
            {"by_variable": True},
            "`clipnorm` shortens the gradient of each variable by itself. `clip_grad_norm_` takes one "
            "norm over all of them, as `global_clipnorm` does.",
        ),
        Misconception(
            "second bias overlooked",
            {"biases": False},
            "You let two learning biases pass. Keras has one: beside it PyTorch's `bias_hh` must be frozen.",
        ),
    ),
    praise="Equal numbers are not equal settings, and equal settings can be other numbers.",
    draw=random_cases_practice.same_settings,
)

CHECKERS = (
    weights_for_keras,
    weights_for_pytorch,
    reorder_gates,
    bias_sum,
    same_settings,
    find_faults,
    speed_ratio,
    train_and_carry,
)
