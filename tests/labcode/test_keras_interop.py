"""What moves between Keras and labcode beside the weights, what is refused, and how Keras is imported."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from labcode.constraints import max_l21_norm_torch, max_norm_torch, non_neg_torch, unit_norm_torch
from labcode.keras_interop import WeightRegularization, from_keras, import_keras, keras_masks, to_keras
from labcode.lstm.module import RegularizedLSTM
from labcode.lstm.sequence_model import SequenceModel
from labcode.penalties import l1_l2_penalty_torch, l1_penalty_torch, l2_penalty_torch
from labcode.training import fit, seeded

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
ROOT = Path(__file__).resolve().parents[2]
keras = import_keras()
R, C = keras.regularizers, keras.constraints
PARTS = {"input": "kernel", "recurrent": "recurrent", "bias": "bias"}
REGULARIZERS = {
    "L1": R.L1(0.03),
    "L2": R.L2(0.03),
    "L1L2": R.L1L2(0.03, 0.05),
    "L1L2 without L1": R.L1L2(l2=0.05),
    "orthogonal rows": R.OrthogonalRegularizer(0.03, mode="rows"),
    "orthogonal columns": R.OrthogonalRegularizer(0.03, mode="columns"),
}
CONSTRAINTS = {
    "max norm": C.MaxNorm(0.7),
    "max norm, axis 1": C.MaxNorm(0.7, axis=1),
    "max norm, last axis": C.MaxNorm(0.7, axis=-1),
    "max norm, axis -2": C.MaxNorm(0.7, axis=-2),
    "max norm, whole": C.MaxNorm(0.7, axis=[0, 1]),
    "unit norm": C.UnitNorm(),
    "unit norm, axis 1": C.UnitNorm(axis=1),
    "min and max": C.MinMaxNorm(0.9, 1.1),
    "min and max, half way": C.MinMaxNorm(0.9, 1.1, rate=0.5, axis=1),
    "not negative": C.NonNeg(),
}


class OwnRegularizer(R.Regularizer):
    """One that is nobody else's."""

    def __call__(self, w):
        return w.sum()

    def get_config(self):
        return {}


class OwnConstraint(C.Constraint):
    """One that is nobody else's."""

    def __call__(self, w):
        return w


def make_layer(**options):
    """Return a built layer with 3 features and 4 units, and weights that a fixed seed draws."""
    layer = keras.layers.LSTM(4, **options)
    layer.build((None, 5, 3))
    rng = np.random.default_rng(0)
    layer.set_weights([0.5 * rng.normal(size=weight.shape) for weight in layer.get_weights()])
    return layer


def our_weights(lstm):
    """Return weights as Keras lays them out."""
    return [lstm.weight_ih_l0.T, lstm.weight_hh_l0.T, lstm.bias_ih_l0 + lstm.bias_hh_l0]


# Regularizers


@pytest.mark.parametrize(
    ("target", "name"), [(t, n) for t in PARTS for n in REGULARIZERS if t != "bias" or n.startswith("L")]
)
def test_a_regularizer_of_keras_is_our_penalty(target, name):
    layer = make_layer(**{f"{PARTS[target]}_regularizer": REGULARIZERS[name]})
    lstm, rules = from_keras(layer)
    assert list(rules.penalties) == [target]
    (theirs,) = layer.losses
    ours = rules.penalty(lstm)
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-7)

    weights = [weight.value for weight in layer.trainable_weights]
    grads = torch.autograd.grad(theirs, weights, allow_unused=True)
    our_grads = torch.autograd.grad(ours, [*lstm.parameters()][:3], allow_unused=True)
    assert [grad is None for grad in grads] == [grad is None for grad in our_grads]
    (index,) = [index for index, grad in enumerate(grads) if grad is not None]
    transposed = grads[index].mT if grads[index].ndim == 2 else grads[index]
    torch.testing.assert_close(our_grads[index], transposed, rtol=1e-6, atol=1e-7)


def test_the_factor_between_the_two_l2_is_2():
    """In figures, as nothing else in this file would notice a factor that is wrong both ways."""
    lstm, rules = from_keras(make_layer(recurrent_regularizer=R.L2(0.03)))
    assert rules.penalties["recurrent"].func is l2_penalty_torch
    assert rules.penalties["recurrent"].keywords == {"lam": 0.06}
    assert to_keras(lstm, rules).recurrent_regularizer.get_config() == {"l2": 0.03}
    doubled = WeightRegularization(penalties={"input": partial(l1_l2_penalty_torch, lam1=0.2, lam2=0.5)})
    assert to_keras(lstm, doubled).kernel_regularizer.get_config() == {"l1": 0.2, "l2": 0.25}


# Constraints


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (t, n)
        for t in PARTS
        for n, c in CONSTRAINTS.items()
        if t != "bias" or getattr(c, "axis", 0) in (0, -1)
    ],
)
def test_a_constraint_of_keras_is_our_projection(target, name):
    layer = make_layer(**{f"{PARTS[target]}_constraint": CONSTRAINTS[name]})
    lstm, rules = from_keras(layer)
    rules.constrain_(lstm)
    for ours, weight in zip(our_weights(lstm), layer.trainable_weights, strict=True):
        value = weight.value.detach()
        theirs = value if weight.constraint is None else weight.constraint(value)
        torch.testing.assert_close(ours.detach(), theirs, rtol=2e-6, atol=1e-7)


def test_both_move_there_and_back():
    for name, regularizer in REGULARIZERS.items():
        for constraint in CONSTRAINTS.values():
            layer = make_layer(kernel_regularizer=regularizer, recurrent_constraint=constraint)
            lstm, rules = from_keras(layer)
            again = to_keras(lstm, rules)
            config = again.kernel_regularizer.get_config()
            if "orthogonal" not in name:  # whose factor Keras keeps in float32
                assert config == regularizer.get_config()
            assert config == pytest.approx(regularizer.get_config()) or config["mode"] in name
            w = layer.cell.recurrent_kernel.value
            torch.testing.assert_close(again.recurrent_constraint(w), constraint(w), rtol=0, atol=0)


@settings(deadline=None, derandomize=True, max_examples=20)
@given(
    lam1=st.floats(0, 10, width=32),
    lam2=st.floats(0, 10, allow_subnormal=False),
    limit=st.floats(0, 10),
    axis=st.sampled_from([0, 1]),
)
def test_every_strength_and_limit_survives_the_round_trip(lam1, lam2, limit, axis):
    rules = WeightRegularization(
        penalties={
            "input": partial(l1_penalty_torch, lam=lam1),
            "bias": partial(l1_l2_penalty_torch, lam1=lam1, lam2=lam2),
        },
        constraints={"recurrent": partial(max_norm_torch, limit=limit, axis=axis), "bias": non_neg_torch},
    )
    _, back = from_keras(to_keras(RegularizedLSTM(3, 4, batch_first=True), rules))
    assert back.penalties["input"].keywords == {"lam": lam1}
    assert back.penalties["bias"].keywords == {"lam1": lam1, "lam2": lam2}
    assert back.constraints["recurrent"].keywords == {"limit": limit, "axis": ["row", 0][axis == 0]}
    assert back.constraints["bias"].func is non_neg_torch


def test_fit_takes_the_settings_of_a_layer():
    layer = make_layer(
        kernel_regularizer=R.L2(0.1), recurrent_constraint=C.MaxNorm(0.3), bias_constraint=C.NonNeg()
    )
    with seeded(0):
        model = SequenceModel(3, 4, 1)
    model.lstm, rules = from_keras(layer)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 5, 3)), rng.normal(size=(8, 1))
    before = model.lstm.weight_ih_l0.square().sum().item()
    history = fit(
        model,
        (x, y),
        optimizer=torch.optim.SGD(model.parameters(), lr=0.1),
        epochs=3,
        batch_size=8,
        generator=torch.Generator().manual_seed(0),
        penalty=rules.penalty,
        constraint=rules.constrain_,
        progress=False,
    )
    assert history.objective[0] > 0.1 * before  # the penalty is in it
    assert model.lstm.weight_ih_l0.square().sum() < before
    assert model.lstm.weight_hh_l0.norm(dim=1).max() <= 0.3 + 1e-6
    assert model.lstm.bias_ih_l0.min() >= 0
    assert not model.lstm.bias_hh_l0.any()


def test_no_rules_cost_nothing_and_change_nothing():
    rules, lstm = WeightRegularization(), nn.LSTM(3, 4)
    before = {name: tensor.clone() for name, tensor in lstm.state_dict().items()}
    assert rules.penalty(lstm).item() == 0
    rules.constrain_(lstm)
    torch.testing.assert_close(dict(lstm.state_dict()), before, rtol=0, atol=0)


# Refusals


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("num_layers", {"num_layers": 2}),
        ("zoneout_h", {"zoneout_h": 0.1}),
        ("zoneout_c", {"zoneout_c": 0.1}),
        ("weight_drop", {"weight_drop": 0.1}),
        ("on", {"recurrent_dropout": 0.1, "on": "g"}),
        ("on", {"recurrent_dropout": 0.1, "on": "c"}),
        ("tied", {"recurrent_dropout": 0.1}),
        ("per_step", {"input_dropout": 0.1, "per_step": True}),
        ("share_mask", {"input_dropout": 0.1, "share_mask": "batch"}),
    ],
    ids=str,
)
def test_what_keras_has_not_is_refused(name, options):
    with pytest.raises(ValueError, match=rf"^{name}: expected .*, received "):
        to_keras(RegularizedLSTM(3, 4, batch_first=True, **options))


@pytest.mark.filterwarnings("ignore:dropout option adds dropout after all but last")
def test_dropout_between_layers_is_refused():
    with pytest.raises(ValueError, match=r"^dropout: expected 0 .*, received 0\.5"):
        to_keras(RegularizedLSTM(3, 4, dropout=0.5, batch_first=True))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("axis", {"kernel_constraint": C.MaxNorm(1.0, axis=2)}),
        ("activation", {"activation": "relu"}),
        ("recurrent_activation", {"recurrent_activation": "hard_sigmoid"}),
        ("dtype", {"dtype": "mixed_bfloat16"}),
        ("kernel_regularizer", {"kernel_regularizer": OwnRegularizer()}),
        ("bias_constraint", {"bias_constraint": OwnConstraint()}),
        ("input_dropout", {"dropout": 1.0}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_labcode_has_not_is_refused(name, options):
    with pytest.raises(ValueError, match=rf"^{name}: expected .*, received "):
        from_keras(make_layer(**options))


def test_a_class_of_ones_own_is_not_taken_for_keras_s():
    class L2(R.L2):
        def __call__(self, x):
            return 2 * super().__call__(x)

    with pytest.raises(ValueError, match=r"^kernel_regularizer: expected None or one of Keras's L1, L2"):
        from_keras(make_layer(kernel_regularizer=L2(0.1)))


def test_a_stateful_layer_is_refused():
    layer = keras.layers.LSTM(4, stateful=True)
    layer.build((2, 5, 3))
    with pytest.raises(ValueError, match=r"^stateful: expected False"):
        from_keras(layer)


@pytest.mark.parametrize(
    "layer", [keras.layers.GRU(4), keras.layers.LSTMCell(4), nn.LSTM(3, 4), None], ids=type
)
def test_another_layer_is_refused(layer):
    with pytest.raises(ValueError, match=r"^layer: expected a keras\.layers\.LSTM, or a Bidirectional"):
        from_keras(layer)
    with pytest.raises(ValueError, match=r"^layer: expected a keras\.layers\.LSTM, or a Bidirectional"):
        keras_masks(layer, torch.ones(2, 5, 3))


def test_a_layer_without_weights_is_refused():
    with pytest.raises(ValueError, match=r"^layer: expected a layer that has weights"):
        from_keras(keras.layers.LSTM(4))


def test_an_lstm_of_torch_or_of_another_dtype_is_refused():
    with pytest.raises(ValueError, match=r"^lstm: expected a RegularizedLSTM"):
        to_keras(nn.LSTM(3, 4))
    with pytest.raises(ValueError, match=r"^lstm: expected weights of float32 or float64"):
        to_keras(RegularizedLSTM(3, 4, batch_first=True).bfloat16())


@pytest.mark.parametrize("x", [torch.ones(2, 3), torch.ones(2, 5, 4), torch.ones(2, 5, 3).int()], ids=str)
def test_masks_for_another_input_are_refused(x):
    with pytest.raises(ValueError, match=r"^x: expected .*, received "):
        keras_masks(make_layer(dropout=0.5), x)


@pytest.mark.parametrize(
    ("message", "function"),
    [
        ("expected a functools.partial of one of max_norm_torch", partial(max_l21_norm_torch, limit=1.0)),
        ("expected a functools.partial of one of max_norm_torch", torch.abs),
        ("expected keywords only", partial(max_norm_torch, 1.0)),
        ("expected the arguments of max_norm_torch", max_norm_torch),
        ("axis: expected one that Keras and labcode have", partial(max_norm_torch, limit=1.0, axis="unit")),
        (
            "axis: expected 'row', 'unit', 'matrix' or different axes",
            partial(max_norm_torch, limit=1.0, axis=2),
        ),
        ("limit: expected a finite number of at least 0", partial(max_norm_torch, limit=-1.0)),
    ],
)
def test_a_constraint_that_keras_has_not_is_refused(message, function):
    rules = WeightRegularization(constraints={"recurrent": function})
    with pytest.raises(ValueError, match=message):
        to_keras(RegularizedLSTM(3, 4, batch_first=True), rules)


def test_a_norm_for_each_bias_alone_is_refused():
    """Keras has no axis for it: its axis 0 takes the norm of the whole bias."""
    rules = WeightRegularization(constraints={"bias": unit_norm_torch})
    with pytest.raises(ValueError, match="axis: expected one that Keras and labcode have"):
        to_keras(RegularizedLSTM(3, 4, batch_first=True), rules)


@pytest.mark.parametrize("argument", ["penalties", "constraints"])
@pytest.mark.parametrize(
    "value", [None, {"input": 0.1}, {"kernel": torch.abs}], ids=["None", "a number", "another name"]
)
def test_rules_by_target_alone_are_taken(argument, value):
    with pytest.raises(ValueError, match=rf"{argument}: expected .*, received "):
        WeightRegularization(**{argument: value})


def test_a_strength_below_0_is_refused_before_keras_sees_it():
    rules = WeightRegularization(penalties={"input": partial(l2_penalty_torch, lam=-0.1)})
    with pytest.raises(ValueError, match="lam: expected a finite number of at least 0"):
        to_keras(RegularizedLSTM(3, 4, batch_first=True), rules)


def test_a_model_without_an_lstm_is_refused():
    with pytest.raises(ValueError, match=r"^model: expected a module that holds an nn\.LSTM"):
        WeightRegularization().penalty(nn.Linear(3, 4))


# The import


def run(code, tmp_path, **variables):
    """Run code in a process whose home folder is empty, and return what it prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KERAS")}
    kept |= {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "PYTHONPATH": str(ROOT)} | variables
    done = subprocess.run(
        [sys.executable, "-c", code], env=kept, capture_output=True, text=True, timeout=1800
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_keras_is_imported_by_the_function_that_needs_it_on_torch_and_leaves_no_file(tmp_path):
    code = """if True:
        import sys
        import labcode
        assert "torch" not in sys.modules
        import labcode.keras_interop as interop
        assert "keras" not in sys.modules
        print(interop.import_keras().backend.backend())
        import os
        assert "KERAS_HOME" not in os.environ
        assert "tensorflow" not in sys.modules"""
    assert run(code, tmp_path) == "torch"
    assert not (tmp_path / ".keras").exists()


def test_the_settings_of_the_course_and_of_the_user_are_heeded(tmp_path):
    code = "from labcode.keras_interop import import_keras; print(import_keras().config.floatx())"
    home = tmp_path / "of the course"
    home.mkdir()
    (home / "keras.json").write_text('{"floatx": "float64"}', encoding="utf-8")
    assert run(code, tmp_path, KERAS_HOME=str(home), KERAS_BACKEND="") == "float64"


def test_another_backend_is_an_error_that_says_what_to_do(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    with pytest.raises(
        ValueError, match=r"expected 'torch' \(.*start Python anew.*\), received 'tensorflow'"
    ):
        import_keras()
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    assert import_keras() is keras
