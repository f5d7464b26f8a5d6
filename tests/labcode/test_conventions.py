"""The table of chapter 5: what each library answered, against its documentation and what was recorded."""

import inspect

import numpy as np
import pytest
import torch

from labcode.experiments import load_result
from labcode.keras_interop import import_keras
from labcode.libraries import conventions
from labcode.libraries.conventions import QUESTIONS, keras_answers, labcode_answers, torch_answers

pytestmark = pytest.mark.filterwarnings("ignore:__array:DeprecationWarning")
KERAS, TORCH, OURS = keras_answers(import_keras()), torch_answers(), labcode_answers()


@pytest.mark.parametrize("answers", [KERAS, TORCH, OURS], ids=["keras", "torch", "labcode"])
def test_every_question_is_answered(answers):
    assert list(answers) == list(QUESTIONS)
    assert all(isinstance(answer, str) and answer for answer in answers.values())


def test_keras_answers_the_same_on_tensorflow_as_recorded_but_for_the_precision():
    assert load_result("05_conventions")["answers"] == KERAS | {"precision": "float64"}
    assert (KERAS["precision"], TORCH["precision"], OURS["precision"]) == ("float32", "float64", "float64")


def test_every_optimizer_of_keras_that_all_versions_have_is_asked():
    """What is left out came after the lowest version that the course allows."""
    optimizers = import_keras().optimizers
    known = {
        name
        for name, kind in vars(optimizers).items()
        if inspect.isclass(kind) and "weight_decay" in inspect.signature(kind.__init__).parameters
    }
    assert known - {"ScheduleFreeAdamW"} == {*conventions.KERAS_OPTIMIZERS, "Optimizer"} & known
    assert known >= set(conventions.KERAS_OPTIMIZERS)


def test_the_traps_of_the_chapter():
    assert (KERAS["slope"], OURS["slope"]) == ("0.02", "0.01")
    assert TORCH["slope"].startswith("0.01")
    assert (KERAS["biases"], TORCH["biases"], OURS["biases"]) == ("16", "32", "32")
    assert (KERAS["coupled"], OURS["coupled"], OURS["decoupled"]) == ("nothing", "sgd, adam", "adamw")
    assert TORCH["decoupled"] == "AdamW, Muon"
    assert set(KERAS["decoupled"].split(", ")) == set(conventions.KERAS_OPTIMIZERS)
    assert (TORCH["drops"], KERAS["drops"]) == ("nothing", "dropout, recurrent_dropout")
    assert KERAS["leaves"] == "recurrent_dropout, unroll, use_bias=False, activation='relu'"
    assert (TORCH["leaves"], OURS["leaves"]) == ("nothing", "recurrent_dropout, zoneout_h, zoneout_c")


def test_the_answers_follow_from_what_is_run():
    """Each helper tells the cases apart that it is there for."""
    kernel = np.full((2, 3), 3.0)
    by_axis = {axis: kernel / np.linalg.norm(kernel, axis=axis, keepdims=True) for axis in (0, 1, None)}
    assert conventions._limited(by_axis[0]) == "a unit's incoming weights"
    assert conventions._limited(by_axis[1]) == "an input's outgoing weights"
    assert conventions._limited(by_axis[None]) == "the whole matrix"
    ones, locked = np.ones((2, 3, 4)), np.ones((2, 3, 4))
    locked[0, :, 1] = 0
    anew = ones.copy()
    anew[0, 1, 1] = 0
    assert conventions._steps({"a": locked, "b": anew}) == {"locked": "a", "anew": "b"}
    assert conventions._start(np.ones(3)) == "1"
    assert conventions._start(np.arange(3.0)) == "random"


@pytest.mark.parametrize("name", conventions.TORCH_OPTIMIZERS)
def test_a_decoupled_optimizer_of_torch_is_the_one_that_says_so(name):
    decoupled = conventions._is_decoupled(conventions._torch_descent(name))
    assert decoupled == (name in ("AdamW", "Muon"))


def test_asking_leaves_no_trace_in_a_layer():
    lstm = conventions.RegularizedLSTM(50, 4, batch_first=True)
    assert conventions._our_is_fused(lstm, torch.ones(2, 3, 50))
    assert "_kernel" not in vars(lstm)
