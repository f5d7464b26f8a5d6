"""One regularized LSTM in four libraries: equal curves, what each offers, the record of TensorFlow."""

import importlib.util
import inspect
import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from labcode import libraries
from labcode.experiments import load_result
from labcode.keras_interop import import_keras
from labcode.libraries import RECIPES, Recipe, backends
from labcode.libraries.contestants import give_masks, keras_model
from labcode.libraries.inventory import PLACES, _module
from labcode.libraries.tensorflow_loop import train_tensorflow

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
keras = import_keras()
LIMIT = 1e-4  # in float32, over the steps of a recipe
SHORT = {"hidden": 8, "steps": 6, "batch": 8}
needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="the extra [tensorflow] is absent"
)


def distance(one, other):
    return np.abs(np.subtract(one, other)).max()


@pytest.mark.parametrize("name", RECIPES)
def test_keras_on_torch_and_labcode_have_one_curve_with_another_seed_too(name):
    """Chapter 7 itself compares those of seed 0, over all steps."""
    recipe = replace(RECIPES[name], seed=1)
    assert distance(libraries.train_keras(recipe), libraries.train_labcode(recipe)) < LIMIT


def test_pytorch_has_the_same_curve():
    recipe = RECIPES["penalized"]
    assert distance(libraries.train_pytorch(recipe), libraries.train_labcode(recipe)) < LIMIT


def test_penalty_and_constraint_are_at_work_in_the_recipe():
    """Equal curves would show nothing if the regularization did nothing."""
    recipe = RECIPES["penalized"]
    curve = libraries.train_labcode(recipe)
    for without in (replace(recipe, lam=0.0), replace(recipe, limit=1e3)):
        assert distance(libraries.train_labcode(without), curve) > 10 * LIMIT


@pytest.mark.parametrize("train", [libraries.train_labcode, libraries.train_pytorch, libraries.train_keras])
def test_every_library_is_given_the_optimizers_numbers(train):
    recipe = Recipe(**SHORT)
    for change in ({"epsilon": 1e-2}, {"learning_rate": 1e-2}):
        assert distance(train(replace(recipe, **change)), train(recipe)) > 10 * LIMIT


def test_masks_are_at_work_where_they_are_given():
    dropped = replace(RECIPES["with dropout"], **SHORT)
    plain = replace(dropped, dropout=0.0, recurrent_dropout=0.0)
    assert distance(libraries.train_keras(dropped), libraries.train_keras(plain)) > 10 * LIMIT


def test_each_slip_leaves_the_curve():
    recipe = RECIPES["penalized"]
    curve = libraries.train_labcode(recipe)
    assert distance(libraries.train_keras(recipe, factor=1.0), curve) > 10 * LIMIT
    assert distance(libraries.train_labcode(recipe, freeze=False), curve) > 10 * LIMIT


def test_keras_is_given_the_weights_of_the_recipe():
    recipe = Recipe(**SHORT)
    model, x = keras_model(recipe), torch.from_numpy(recipe.batches()[0][0])
    state = {name: torch.from_numpy(w) for name, w in recipe.weights().items()}
    lstm, head = nn.LSTM(x.shape[2], recipe.hidden, batch_first=True), nn.Linear(recipe.hidden, 1)
    lstm.load_state_dict({name.removeprefix("lstm."): w for name, w in state.items() if "lstm" in name})
    head.load_state_dict({name.removeprefix("head."): w for name, w in state.items() if "head" in name})
    torch.testing.assert_close(model(x), head(lstm(x)[1][0][0]), rtol=0, atol=1e-6)


def test_given_masks_are_used_in_every_call_until_others_are_given():
    recipe = replace(RECIPES["with dropout"], **SHORT)
    layer, (x, _) = keras_model(recipe).layers[0], recipe.batches()[0]
    outputs = []
    for masks in (recipe.masks()[0], recipe.masks()[1]):
        give_masks(layer, masks)
        once, again = (layer(torch.from_numpy(x), training=True) for _ in range(2))
        assert torch.equal(once, again)
        outputs.append(once)
    assert not torch.allclose(*outputs)


@settings(deadline=None, derandomize=True, max_examples=15)
@given(seed=st.integers(0, 99), rate=st.floats(0.05, 0.9), steps=st.integers(1, 4))
def test_a_recipe_draws_the_same_again_and_something_new_for_each_step(seed, rate, steps):
    made = {"seed": seed, "dropout": rate, "recurrent_dropout": rate, "steps": steps, "hidden": 5}
    one, again = Recipe(**made), Recipe(**made)
    for method in ("weights", "batches", "masks"):
        first, second = getattr(one, method)(), getattr(again, method)()
        assert str(first) == str(second)
        assert len(first) == (6 if method == "weights" else steps)
    for masks in one.masks():
        for mask in masks.values():
            values = np.unique(mask)
            np.testing.assert_allclose(values[values > 0], 1 / (1 - rate), rtol=1e-6)
    inputs = [x.tobytes() for x, _ in one.batches()]
    assert len(set(inputs)) == steps


@pytest.mark.parametrize(
    "change",
    [
        {"hidden": 0},
        {"steps": 1.5},
        {"lam": -1.0},
        {"limit": 0.0},
        {"learning_rate": float("nan")},
        {"epsilon": 0.0},
        {"dropout": 1.0, "recurrent_dropout": 0.5},
        {"dropout": 0.5},
    ],
    ids=str,
)
def test_a_bad_recipe_says_what_was_expected(change):
    with pytest.raises(ValueError, match=r"expected .* received"):
        Recipe(**change)


def test_what_has_no_dropout_refuses_it():
    with pytest.raises(ValueError, match=r"nn\.LSTM has none"):
        libraries.train_pytorch(RECIPES["with dropout"])


# What the table says, once more, by names that are written here.
KNOWN = {
    "L1, L2 penalties": {"Keras": "L1L2", "labcode": "l2_penalty"},
    "orthogonal penalty": {"Keras": "OrthogonalRegularizer", "labcode": "orthogonal_penalty"},
    "penalty on outputs": {"Keras": "LSTM(activity_regularizer=)", "labcode": "activation_penalty"},
    "penalty on their change": {"labcode": "temporal_activation_penalty"},
    "constraints": {"Keras": "MaxNorm", "labcode": "max_norm"},
    "dropout layers": {"Keras": "SpatialDropout1D", "PyTorch": "Dropout1d", "labcode": "locked_dropout"},
    "LSTM(dropout=)": {
        "Keras": "LSTM(dropout=)",
        "PyTorch": "LSTM(dropout=)",
        "labcode": "RegularizedLSTM(input_dropout=)",
    },
    "recurrent dropout": {
        "Keras": "LSTM(recurrent_dropout=)",
        "labcode": "RegularizedLSTM(recurrent_dropout=)",
    },
    "zoneout": {"labcode": "RegularizedLSTM(zoneout_h=)"},
    "weight drop": {"labcode": "weight_drop"},
    "early stopping": {"Keras": "EarlyStopping", "labcode": "EarlyStopping"},
    "best weights put back": {
        "Keras": "EarlyStopping(restore_best_weights=)",
        "labcode": "EarlyStopping(restore_best_weights=)",
    },
    "weight decay": {"Keras": "AdamW", "PyTorch": "AdamW", "labcode": "adamw"},
    "gradient clipping": {
        "Keras": "Adam(global_clipnorm=)",
        "PyTorch": "clip_grad_value_",
        "labcode": "clip_by_global_norm",
    },
}


@pytest.mark.parametrize("library", ["labcode", "PyTorch", "Keras"])
def test_what_is_known_to_be_there_is_found_and_nothing_else(library):
    found = libraries.offers(library)
    assert list(found) == list(libraries.FEATURES) == list(KNOWN)
    for feature, names in KNOWN.items():
        assert bool(found[feature]) == (library in names), (feature, found[feature])
        if library in names:
            assert names[library] in found[feature]


def test_names_found_exist_and_arguments_are_taken():
    keras_places = (keras.layers, keras.regularizers, keras.constraints, keras.callbacks, keras.optimizers)
    for names in libraries.offers("Keras").values():
        for name in names:
            made, _, argument = name.rstrip("=)").partition("(")
            member = next(getattr(place, made) for place in keras_places if hasattr(place, made))
            assert not argument or argument in inspect.signature(member.__init__).parameters


def test_a_pattern_finds_one_spelling_of_a_name():
    names = ["regularizers.L2", "regularizers.l2", "layers.LSTM(kernel_regularizer=)", "layers.Dense"]
    assert libraries.find(r"(^|\.)l2$|_regularizer=", names) == ["L2", "LSTM(kernel_regularizer=)"]


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "NAdam", "RAdam", "RMSprop"])
def test_the_trial_finds_what_pytorch_says_of_its_optimizers(name):
    """PyTorch's Adam family has a switch for it; its own switch is the oracle."""
    made, found = getattr(torch.optim, name), libraries.decoupled_optimizers("PyTorch")
    weight = nn.Parameter(torch.ones(1))
    group = made([weight], lr=0.1).param_groups[0]
    assert found[name] == (name == "AdamW" or bool(group.get("decoupled_weight_decay", False)))


def test_every_optimizer_with_weight_decay_is_tried():
    found = libraries.decoupled_optimizers("Keras")
    assert {"SGD", "Adam", "AdamW", "RMSprop", "Adagrad"} <= set(found)
    assert not {"LossScaleOptimizer", "Optimizer"} & set(found)


@pytest.mark.parametrize(
    "call",
    [
        lambda: libraries.inventory("JAX"),
        lambda: libraries.decoupled_optimizers("labcode"),
        lambda: libraries.load_speed("tpu"),
        lambda: libraries.ratios({"times": {"1": {}}}, "(1, 1, 1, 1)"),
        lambda: libraries.ratios({"times": {"1": {}}}, "(1, 1, 1, 1)", threads=2),
    ],
)
def test_bad_input_says_what_was_expected(call):
    with pytest.raises(ValueError, match=r"expected .* received"):
        call()


def test_ratios_are_read_by_size_and_threads(tmp_path):
    rows = {"torch.nn.LSTM": {"ms": 2.0, "ratio": 1.0, "ratio_quartiles": [1.0, 1.0]}}
    written = {"times": {"2": {"(5, 4, 3, 4)": rows}}}
    (tmp_path / "speed_cpu.json").write_text(json.dumps(written))
    speed = libraries.load_speed("cpu", tmp_path)
    assert libraries.ratios(speed, "(5, 4, 3, 4)", threads=2) == {"torch.nn.LSTM": (1.0, 1.0, 1.0)}


def test_what_was_recorded_of_tensorflow_is_labcodes_curve():
    """The record is of these recipes, and this machine's curves are equal to it."""
    recorded = load_result(backends.RECORD)
    assert recorded["recipes"] == {name: asdict(recipe) for name, recipe in RECIPES.items()}
    assert recorded["backend"] == "tensorflow"
    for name, recipe in RECIPES.items():
        ours = libraries.train_labcode(recipe)
        for curve in recorded["curves"][name].values():
            assert len(curve) == recipe.steps
            assert distance(curve, ours) < LIMIT
    assert set(recorded["curves"]["penalized"]) == {"Keras on TensorFlow", "tf.keras, own loop"}
    assert list(recorded["offers"]) == list(libraries.FEATURES)


def test_without_tensorflow_the_record_is_read_and_other_recipes_are_refused(monkeypatch):
    monkeypatch.setattr(backends.importlib.util, "find_spec", lambda name: None)
    run = libraries.load_tensorflow(RECIPES)
    assert str(run).startswith("TensorFlow recorded (tensorflow ")
    assert run.same_class
    with pytest.raises(ValueError, match="expected the recorded one"):
        libraries.load_tensorflow({"penalized": replace(RECIPES["penalized"], seed=5)})
    with pytest.raises(ValueError, match="expected the recorded one"):
        libraries.load_tensorflow({"another": Recipe()})


@pytest.mark.skipif(os.name == "nt", reason="a script is no program there")
@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in for Python")
def test_a_process_that_fails_says_why(tmp_path):
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'no TensorFlow here' >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(RuntimeError, match="no TensorFlow here"):
        backends.run_tensorflow({}, str(broken))


def test_without_tensorflow_its_process_names_what_is_missing():
    if importlib.util.find_spec("tensorflow") is not None:
        pytest.skip("TensorFlow is here: the next test asks it")
    with pytest.raises(RuntimeError, match="No module named 'tensorflow'"):
        backends.run_tensorflow({}, sys.executable)


@pytest.mark.tensorflow
@needs_tensorflow
def test_tensorflow_has_the_same_curves_now():
    run = libraries.load_tensorflow(RECIPES)
    assert run.source == "run now"
    assert run.same_class
    for name, recipe in RECIPES.items():
        ours = libraries.train_labcode(recipe)
        for contestant, curve in run.curves[name].items():
            assert distance(curve, ours) < LIMIT, contestant
    assert run.offers["recurrent dropout"] == ["LSTM(recurrent_dropout=)"]
    assert all(run.decoupled[name] for name in ("SGD", "Adam", "AdamW", "RMSprop"))


def test_a_loop_in_a_graph_refuses_masks():
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("the extra [tensorflow] is absent")
    with pytest.raises(ValueError, match=r"expected 0, received"):
        train_tensorflow(RECIPES["with dropout"])


def test_importing_the_package_imports_neither_keras_nor_tensorflow():
    code = (
        "import labcode.libraries, sys; assert not {'keras', 'tensorflow', 'matplotlib'} & set(sys.modules)"
    )
    root = str(Path(__file__).resolve().parents[2])
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)


def test_each_library_is_searched_in_modules_that_exist():
    for library in ("PyTorch", "Keras"):
        for place in PLACES[library]:
            assert inspect.ismodule(_module(place))
