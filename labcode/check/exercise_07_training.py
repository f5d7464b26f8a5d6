"""Checker of exercise 7, a training run: a model trained in Keras, carried over to labcode."""

import numpy as np

from labcode.check.core import Case, NotYet
from labcode.check.training_task import (
    IN_EVALUATION_MODE,
    Demand,
    TrainingChecker,
    TrainingFault,
    days,
    left_in_training_mode,
    loss_of,
    parts,
)

UNITS, CLOSE = 8, 1e-5


def handout():
    """Return what the learner gets: 64 days of weather as x and y, arrays."""
    return tuple(days(0, 64))


def _train(x, y, *, learn=True, early=False, head=True, bias="once", turn="T", mode=False):
    """Train a small LSTM in Keras and give its weights to labcode's; the switches spoil that."""
    import torch

    from labcode.keras_interop import import_keras
    from labcode.lstm.sequence_model import SequenceModel

    keras = import_keras()
    keras.utils.set_random_seed(0)
    theirs = keras.Sequential([keras.Input(x.shape[1:]), keras.layers.LSTM(UNITS), keras.layers.Dense(1)])
    theirs.compile(optimizer=keras.optimizers.Adam(0.03), loss="mse")
    initial = theirs.get_weights()
    if learn:
        theirs.fit(x, y, epochs=12, verbose=0)
    kernel, recurrent, b, head_kernel, head_bias = initial if early else theirs.get_weights()
    ours = SequenceModel(x.shape[2], UNITS, 1)
    rows = {"T": recurrent.T, "reshape": recurrent.reshape(4 * UNITS, UNITS)}[turn]
    second = {"once": np.zeros_like(b), "twice": b}[bias]
    state = {"weight_ih_l0": kernel.T, "weight_hh_l0": rows, "bias_ih_l0": b, "bias_hh_l0": second}
    if bias == "left":
        state.pop("bias_hh_l0")
    ours.lstm.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in state.items()})
    if head:
        theirs_head = {"weight": head_kernel.T, "bias": head_bias}
        ours.head.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in theirs_head.items()})
    return theirs, ours.train(mode)


def _measure(result, given) -> dict:
    """Return how far the two models' outputs and weights are apart, and what Keras's has learned."""
    import torch

    theirs, ours = parts(result, "theirs, ours")
    if not hasattr(theirs, "get_weights"):
        raise NotYet(f"✗ `theirs` should be the Keras model; it is of type {type(theirs).__name__}.")
    unseen, (_, y) = days(250, 350), given
    loss_of(ours, unseen)
    if not hasattr(ours, "lstm") or not hasattr(ours, "head"):
        raise NotYet(f"✗ `ours` should be labcode's SequenceModel; it is a {type(ours).__name__}.")
    outputs = np.asarray(theirs.predict(unseen.x, verbose=0))
    kept = theirs.get_weights()
    if [w.shape for w in kept] != [(6, 4 * UNITS), (UNITS, 4 * UNITS), (4 * UNITS,), (UNITS, 1), (1,)]:
        raise NotYet(f"✗ `theirs` should be LSTM({UNITS}) and Dense(1); it has other weights.")
    kernel, recurrent, b, head_kernel, head_bias = kept
    mine = {name: w.detach().numpy() for name, w in ours.named_parameters()}
    training = ours.training
    ours.eval()
    with torch.no_grad():
        gap = np.abs(ours(torch.from_numpy(unseen.x.copy())).numpy() - outputs).max()
    ours.train(training)
    summed = mine["lstm.bias_ih_l0"] + mine["lstm.bias_hh_l0"]
    start = np.repeat([0.0, 1.0, 0.0, 0.0], UNITS)  # Keras's biases before training
    return {
        "training": training,
        "gap": float(gap),
        "loss": float(np.square(theirs.predict(given[0], verbose=0) - y).mean()),
        "constant": float(np.var(y)),
        "untrained": bool(np.array_equal(b, start)),
        "early": bool(np.array_equal(summed, start)),
        "same": {
            "W": _same(mine["lstm.weight_ih_l0"], kernel.T),
            "U": _same(mine["lstm.weight_hh_l0"], recurrent.T),
            "bias": _same(summed, b),
            "head": _same(mine["head.weight"], head_kernel.T) and _same(mine["head.bias"], head_bias),
        },
        "twice": _same(summed, 2 * b),
        "reshaped": _same(mine["lstm.weight_hh_l0"], recurrent.reshape(4 * UNITS, UNITS)),
    }


def _same(first, second) -> bool:
    return first.shape == second.shape and bool(np.allclose(first, second, atol=1e-6))


def _only(facts, part) -> bool:
    return not facts["same"][part] and all(same for name, same in facts["same"].items() if name != part)


train_and_carry = TrainingChecker(
    name="train_and_carry",
    solution=_train,
    cases=(Case("64 days of weather", ()),),
    setup=handout,
    measure=_measure,
    seconds=60.0,
    demands=(
        Demand(
            "Keras's model has learned: training loss {loss:.3f}, a constant has {constant:.3f}",
            lambda facts: facts["loss"] < facts["constant"] and not facts["untrained"],
            "Its training loss is not below that of a constant. Train a few more epochs, or with a higher "
            "learning rate.",
        ),
        Demand(
            "the outputs agree on days that neither has seen: largest difference {gap:.1e}",
            lambda facts: facts["gap"] <= CLOSE,
            "These parts are carried over rightly: {same}. A weight of PyTorch is Keras's kernel "
            "transposed; the two biases must sum up to Keras's one.",
        ),
        IN_EVALUATION_MODE,
    ),
    misconceptions=(
        TrainingFault(
            "not trained",
            {"learn": False},
            "Keras's model was not trained: its biases are those it began with. Two untrained models that "
            "agree prove less, for biases of 0 hide mistakes.",
            shows=lambda facts: facts["untrained"],
        ),
        TrainingFault(
            "carried before training",
            {"early": True},
            "The weights were read before training: the biases of `ours` are Keras's first ones (0, and 1 "
            "for the forget gate). get_weights() is a copy; call it after fit.",
            shows=lambda facts: facts["early"] and not facts["untrained"],
        ),
        TrainingFault(
            "bias twice",
            {"bias": "twice"},
            "Keras's bias is in both of PyTorch's, which are added: every gate has it twice. Set one of "
            "them to zero.",
            shows=lambda facts: facts["twice"],
        ),
        TrainingFault(
            "reshaped",
            {"turn": "reshape"},
            "The recurrent kernel was reshaped; that keeps the order of the numbers and changes their "
            "places. Transpose.",
            shows=lambda facts: facts["reshaped"] and not facts["same"]["U"],
        ),
        TrainingFault(
            "head forgotten",
            {"head": False},
            "The LSTM agrees, the head does not: the Dense layer's kernel (transposed) and bias belong to "
            "the model, too.",
            shows=lambda facts: _only(facts, "head"),
        ),
        left_in_training_mode({"mode": True}),
    ),
    praise="Trained there, run here: equal outputs on unseen days are the proof.",
)
