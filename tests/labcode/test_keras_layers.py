"""RegularizedLSTM against keras.layers.LSTM: same weights, same masks, same outputs and gradients.

On its torch backend ``keras.ops.matmul`` multiplies in float32 whatever the layer's dtype, so that most of
this cannot agree better than that. TensorFlow, where it is installed, runs in a process of its own.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from keras_cases import KINDS, SIZES, compare, make_layer

from labcode.keras_interop import from_keras, import_keras, keras_masks, to_keras
from labcode.lstm.module import RegularizedLSTM

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
TESTS = Path(__file__).resolve().parent
COURSE = TESTS.parents[1]
TOLERANCE = 2e-6  # in units of the largest value, for float32
keras = import_keras()


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, derandomize=True, max_examples=8)
@given(sizes=st.fixed_dictionaries(SIZES))
def test_outputs_and_gradients_agree_with_keras(kind, training, sizes):
    errors = compare(kind, training=training, **sizes)
    assert max(errors.values()) < TOLERANCE, errors


@pytest.mark.parametrize("kind", KINDS)
def test_both_implementations_of_keras_compute_the_same_in_evaluation(kind):
    layer = make_layer("none", features=3, hidden=4, seed=1)
    other = make_layer(kind, features=3, hidden=4, seed=1)
    x = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(layer(x), other(x), rtol=0, atol=TOLERANCE)


def test_recurrent_dropout_takes_implementation_1_whichever_is_asked_for():
    """What the table of keras_interop.py says, and why ``tied=False`` is its counterpart."""
    layer = keras.layers.LSTM(4, recurrent_dropout=0.5, dropout=0.5, implementation=2)
    layer.build((None, 5, 3))
    assert layer.cell.implementation == 1
    masks = keras_masks(layer, torch.ones(6, 5, 3))
    for gate in range(1, 4):
        assert not torch.equal(masks["x_l0"][0], masks["x_l0"][gate])
        assert not torch.equal(masks["h_l0"][0], masks["h_l0"][gate])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "none" not in kind])
def test_the_masks_are_those_of_the_next_call_alone(kind):
    layer = make_layer(kind, features=3, hidden=4, seed=1)
    x = torch.randn(6, 5, 3, generator=torch.Generator().manual_seed(0))
    masks = keras_masks(layer, x)
    torch.testing.assert_close(keras_masks(layer, x), masks, rtol=0, atol=0)  # drawn once for the call
    first, second = layer(x, training=True), layer(x, training=True)
    assert not torch.allclose(first, second), "a mask outlived its call"
    lstm, _ = from_keras(layer)
    torch.testing.assert_close(lstm(x, masks=masks)[0][:, -1], first, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bias": False},
        {"input_dropout": 0.3},
        {"input_dropout": 0.3, "tied": False},
        {"recurrent_dropout": 0.4, "tied": False},
        {"input_dropout": 0.3, "recurrent_dropout": 0.4, "tied": False},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_there_and_back_again(options, dtype):
    lstm = RegularizedLSTM(3, 4, batch_first=True, **options).to(dtype)
    layer = to_keras(lstm, return_sequences=True, seed=3)
    back, _ = from_keras(layer)
    assert back.settings == lstm.settings
    assert back.weight_ih_l0.dtype == dtype
    weights = lstm.state_dict()
    if lstm.bias:  # Keras has one
        weights["bias_ih_l0"] = weights["bias_ih_l0"] + weights.pop("bias_hh_l0")
        weights["bias_hh_l0"] = torch.zeros_like(weights["bias_ih_l0"])
        assert not back.bias_hh_l0.requires_grad
    torch.testing.assert_close(dict(back.state_dict()), dict(weights), rtol=0, atol=0)
    again = to_keras(back, return_sequences=True, seed=3)
    config, config_again = layer.get_config(), again.get_config()
    assert config | {"name": ""} == config_again | {"name": ""}
    assert again.cell.implementation == layer.cell.implementation

    x = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0)).to(dtype)
    masks = keras_masks(layer, x)
    torch.testing.assert_close(layer(x, training=True), lstm(x, masks=masks)[0], rtol=0, atol=TOLERANCE)


@pytest.mark.tensorflow
@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="the extra [tensorflow] is absent")
def test_tf_keras_agrees_too(tmp_path):
    """``tf.keras.layers.LSTM`` in a process of its own: a process has one backend."""
    variables = os.environ | {"KERAS_BACKEND": "tensorflow", "KERAS_HOME": str(tmp_path)}
    variables |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    variables |= {"PYTHONPATH": os.pathsep.join([str(COURSE), str(TESTS)])}
    command = [sys.executable, "-m", "keras_cases"]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr[-3000:]
    errors = json.loads(done.stdout.splitlines()[-1])
    assert errors.pop("backend") == "tensorflow"
    assert len(errors) == 4 * len(KINDS)
    assert max(errors.values()) < TOLERANCE, errors
