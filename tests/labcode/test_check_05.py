"""Exercise 5: answers as learners write them, and the solutions against Keras and PyTorch themselves."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from labcode import check
from labcode.check.core import NotYet
from labcode.check.exercise_05 import CHECKERS
from labcode.check.exercise_05_runs import _INNOCENT, _PLANTED
from labcode.keras_interop import from_keras, import_keras

keras = import_keras()
pytestmark = pytest.mark.filterwarnings("ignore:__array:DeprecationWarning")
BY_NAME = {checker.name: checker for checker in CHECKERS}


def feedback(name, answer) -> str:
    with pytest.raises(NotYet) as caught:
        BY_NAME[name](answer)
    return str(caught.value).replace("\n", " ")


# Right answers, written unlike ours.


def _from_by_hand(config):
    found = {"l1": {}, "l2": {}, "input_dropout": 0, "recurrent_dropout": 0}
    names = {"kernel_regularizer": "input", "recurrent_regularizer": "recurrent", "bias_regularizer": "bias"}
    for key, value in config.items():
        if key in names:
            for kind, strength in value.items():
                found[kind][names[key]] = strength + strength * (kind == "l2")
        else:
            found["input_dropout" if key == "dropout" else key] = value
    return found


def _renorm(weight, limit, axis):
    return torch.renorm(torch.tensor(weight), 2, axis, limit)


def _norm_by_loop(weight, limit, axis):
    kernel = [list(row) for row in np.transpose(weight)]
    vectors = list(zip(*kernel, strict=True)) if axis == 0 else kernel
    scales = [min(1, limit / max(sum(v * v for v in vector) ** 0.5, 1e-30)) for vector in vectors]
    scaled = [[value * scale for value in vector] for vector, scale in zip(vectors, scales, strict=True)]
    return scaled if axis == 0 else np.transpose(scaled)


def _kept_by_slices(trace, patience, restore):
    ends = [e for e in range(len(trace)) if e - int(np.argmin(trace[: e + 1])) >= patience]
    last = ends[0] if ends else len(trace) - 1
    return int(np.argmin(trace[: last + 1])) if restore else last


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("from_keras_config", _from_by_hand),
        ("keras_output", lambda x, w, kept, p, training: (x * (kept / (1 - p) if training else 1)) @ w),
        (
            "keras_output",
            lambda x, w, kept, p, t: torch.tensor(x * kept / (1 - p) if t is True else x) @ w,
        ),
        ("max_norm_of_keras", _renorm),
        ("max_norm_of_keras", _norm_by_loop),
        ("kept_epoch", _kept_by_slices),
        ("planted_mistakes", lambda labels: {"H", "D", "A"}),
        ("planted_mistakes", lambda labels: "adh"),
        ("planted_mistakes", lambda labels: ("D", "A", "H")),
        ("planted_mistakes", lambda labels: np.array(["A", "D", "H"])),
    ],
)
def test_other_right_answers_pass(name, answer, capsys):
    BY_NAME[name](answer)
    assert "right" in capsys.readouterr().out


# Wrong answers as learners write them, beside a fragment of the message each should meet.


def _copied(config):
    found = _from_by_hand(config)
    found["l2"] = {part: lam / 2 for part, lam in found["l2"].items()}
    return found


WRONG = [
    ("from_keras_config", _copied, "TWICE the number"),
    ("from_keras_config", lambda config: config["dropout"], "KeyError"),
    ("to_keras_config", lambda l1, l2: {}, "First difference"),
    (
        "keras_output",
        lambda x, w, kept, p, training: (x * kept / (1 - p)) @ w,
        "mask is applied in evaluation",
    ),
    (
        "keras_output",
        lambda x, w, kept, p, training: x @ w if training is False else (x * kept / (1 - p)) @ w,
        "no argument means evaluation",
    ),
    (
        "max_norm_of_keras",
        lambda w, limit, axis: torch.renorm(torch.tensor(w), 2, 1 - axis, limit),
        "transpose",
    ),
    ("max_norm_of_keras", lambda w, limit, axis: w * min(1, limit / np.linalg.norm(w)), "one factor"),
    ("kept_epoch", lambda trace, patience, restore: int(np.argmin(trace)), "First difference"),
    ("kept_epoch", lambda trace, patience, restore: _kept_by_slices(trace, patience, True), "default"),
    ("planted_mistakes", lambda labels: ["A", "D"], "stops the recording of gradients"),
    ("planted_mistakes", lambda labels: ["A", "D", "H", "I"], "deep copy"),
    ("planted_mistakes", lambda labels: [], "A is missing"),
]


@pytest.mark.parametrize(("name", "answer", "fragment"), WRONG, ids=[w[2] for w in WRONG])
def test_wrong_answers_as_learners_write_them(name, answer, fragment):
    message = feedback(name, answer)
    assert fragment in message, message


def test_every_line_that_is_misjudged_gets_its_own_reason():
    message = feedback("planted_mistakes", lambda labels: list(_INNOCENT))
    assert message.count("→") == len(_INNOCENT) + len(_PLANTED)
    message = feedback("planted_mistakes", lambda labels: ["A", "C", "H"])
    assert message.count("→") == 2
    assert "D is missing" in message
    assert "C is right" in message


# The solutions against what nobody here wrote.


@pytest.mark.parametrize("case", BY_NAME["from_keras_config"].cases, ids=lambda c: c.label)
def test_the_translation_is_that_of_keras_interop(case):
    """A real layer of Keras with these settings, read by ``from_keras``; and the way back."""
    (config,) = case.args
    made = {
        name: keras.regularizers.L1L2(**value) if isinstance(value, dict) else value
        for name, value in config.items()
    }
    layer = keras.layers.LSTM(3, **made)
    layer.build((None, 4, 2))
    lstm, regularization = from_keras(layer)
    ours = BY_NAME["from_keras_config"].solution(config)
    assert (lstm.settings.input_dropout, lstm.settings.recurrent_dropout) == (
        ours["input_dropout"],
        ours["recurrent_dropout"],
    )
    for part, penalty in regularization.penalties.items():
        assert penalty.keywords["lam1"] == pytest.approx(ours["l1"].get(part, 0.0))
        assert penalty.keywords["lam2"] == pytest.approx(ours["l2"].get(part, 0.0))
    back = BY_NAME["to_keras_config"].solution(ours["l1"], ours["l2"])
    assert back == {name: value for name, value in config.items() if name.endswith("regularizer")}


@pytest.mark.parametrize("case", BY_NAME["max_norm_of_keras"].cases, ids=lambda c: c.label)
def test_the_max_norm_is_keras_own(case):
    weight, limit, axis = case.args
    theirs = keras.constraints.MaxNorm(limit, axis=axis)(weight.T)
    ours = BY_NAME["max_norm_of_keras"].solution(weight, limit, axis)
    np.testing.assert_allclose(ours.T, keras.ops.convert_to_numpy(theirs), atol=1e-6)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    trace=st.lists(st.integers(1, 9).map(float), min_size=2, max_size=8),
    patience=st.integers(1, 4),
    restore=st.booleans(),
)
def test_the_kept_epoch_is_that_of_keras_callback(trace, patience, restore):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    stopper = keras.callbacks.EarlyStopping(
        monitor="loss", mode="min", patience=patience, restore_best_weights=restore
    )
    stopper.set_model(model)
    stopper.on_train_begin()
    model.stop_training = False
    for epoch, loss in enumerate(trace):
        model.set_weights([np.array([[float(epoch)]])])
        stopper.on_epoch_end(epoch, {"loss": loss})
        if model.stop_training:
            break
    stopper.on_train_end()
    assert BY_NAME["kept_epoch"].solution(trace, patience, restore) == int(model.get_weights()[0].item())


@pytest.mark.parametrize("training", [True, False, None])
def test_the_output_is_that_of_a_keras_model(training):
    layer, (x, w, *_) = keras.layers.Dropout(0.5, seed=0), BY_NAME["keras_output"].cases[0].args
    kept = keras.ops.convert_to_numpy(layer(np.ones_like(x), training=True)) > 0
    again = keras.layers.Dropout(0.5, seed=0)
    arguments = {} if training is None else {"training": training}
    theirs = keras.ops.convert_to_numpy(again(x, **arguments)) @ w
    np.testing.assert_allclose(BY_NAME["keras_output"].solution(x, w, kept, 0.5, training), theirs, atol=1e-6)


def test_the_checkers_are_exported():
    assert all(getattr(check, checker.name) is checker for checker in CHECKERS)
