"""Each mask in its equation against the LSTM's step, and the masks that are drawn: names, shapes, means.

Twins are compared in ``test_pairs.py``, the LSTM with every mask in ``test_regularized_lstm.py``.
"""

import inspect
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from labcode import recurrent_dropout
from labcode._masks import check_masks
from labcode.lstm import RegularizedLSTM, lstm_forward, lstm_step
from labcode.recurrent_dropout import (
    PAIRS,
    DropoutSettings,
    candidate_dropout,
    cell_dropout,
    non_recurrent_dropout,
    sample_masks,
    variational_dropout,
    weight_drop,
    zoneout,
)

EXAMPLES = settings(deadline=None, derandomize=True, max_examples=40)
RNG = np.random.default_rng(0)
Z, U, H, C = (
    RNG.normal(size=(5, 12)),
    RNG.normal(size=(12, 3)),
    RNG.normal(size=(5, 3)),
    RNG.normal(size=(5, 3)),
)
MASK = RNG.integers(0, 2, size=(5, 3)) / 0.6
_, PLAIN_CELL, (INPUT_GATE, FORGET_GATE, CANDIDATE, OUTPUT_GATE, *_) = lstm_step(Z, H, C, U)


@pytest.mark.parametrize(
    ("dropped", "name"), [(candidate_dropout, "m_g"), (cell_dropout, "m_c")], ids=["candidate", "cell"]
)
def test_masks_on_the_cell_are_those_of_the_step(dropped, name):
    h, c, _ = lstm_step(Z, H, C, U, **{name: MASK})
    np.testing.assert_allclose(dropped(C, FORGET_GATE, INPUT_GATE, CANDIDATE, MASK), c, rtol=1e-12)
    np.testing.assert_allclose(OUTPUT_GATE * np.tanh(c), h, rtol=1e-12)


def test_candidate_dropout_never_touches_memory_and_cell_dropout_does():
    everything = np.zeros((1, 1))
    forgetful, remembering = (
        dropped(C, FORGET_GATE, INPUT_GATE, CANDIDATE, everything)
        for dropped in (cell_dropout, candidate_dropout)
    )
    np.testing.assert_array_equal(forgetful, 0)
    np.testing.assert_array_equal(remembering, FORGET_GATE * C)


def test_masks_on_h_and_on_u_are_those_of_the_step():
    weight_mask = RNG.integers(0, 2, size=U.shape) / 0.5
    by_gate = RNG.integers(0, 2, size=(4, 5, 3)) / 0.5
    np.testing.assert_array_equal(variational_dropout(H, U, MASK), (MASK * H) @ U.T)
    np.testing.assert_array_equal(weight_drop(U, weight_mask), weight_mask * U)
    for k, z_k in enumerate(np.split(variational_dropout(H, U, by_gate), 4, axis=1)):
        np.testing.assert_allclose(z_k, (by_gate[k] * H) @ U[3 * k : 3 * k + 3].T, rtol=1e-12)
    for dropped, step in (
        (variational_dropout(H, U, MASK), lstm_step(Z, H, C, U, m_h=MASK)),
        (variational_dropout(H, U, by_gate), lstm_step(Z, H, C, U, m_h=by_gate)),
        (H @ weight_drop(U, weight_mask).T, lstm_step(Z, H, C, weight_drop(U, weight_mask))),
    ):
        expected = lstm_step(Z + dropped, 0 * H, C, U)
        np.testing.assert_allclose(step[0], expected[0], rtol=1e-12)
        np.testing.assert_allclose(step[1], expected[1], rtol=1e-12)


def test_non_recurrent_dropout_is_a_mask_on_what_the_lstm_reads():
    x, mask = RNG.normal(size=(2, 4, 3)), RNG.integers(0, 2, size=(2, 4, 3)) / 0.5
    weights = {"weight_ih_l0": RNG.normal(size=(8, 3)), "weight_hh_l0": RNG.normal(size=(8, 2))}
    expected, _, _ = lstm_forward(non_recurrent_dropout(x, mask), weights)
    np.testing.assert_allclose(lstm_forward(x, weights, masks={"x_l0": mask})[0], expected, rtol=1e-12)


VALUES = arrays(np.float64, (3, 2), elements=st.floats(-10, 10))


@EXAMPLES
@given(previous=VALUES, new=VALUES, keep=arrays(bool, (3, 2)), rate=st.floats(0, 1))
def test_zoneout_takes_the_one_or_the_other_and_its_expectation_lies_between(previous, new, keep, rate):
    np.testing.assert_array_equal(zoneout(previous, new, keep.astype(float)), np.where(keep, previous, new))
    expected = zoneout(previous, new, np.full((1, 1), rate))
    assert (np.minimum(previous, new) - 1e-12 <= expected).all()
    assert (expected <= np.maximum(previous, new) + 1e-12).all()
    np.testing.assert_allclose(expected - new, rate * (previous - new), atol=1e-12)


X_SHAPE, HIDDEN, LAYERS = (6, 5, 40), 30, 2


def sample_numpy(seed=0, **rates):
    rng = np.random.default_rng(seed)
    return sample_masks(DropoutSettings(**rates), X_SHAPE, HIDDEN, LAYERS, bidirectional=True, rng=rng)


def sample_torch(seed=0, **rates):
    lstm = RegularizedLSTM(X_SHAPE[2], HIDDEN, LAYERS, bidirectional=True, batch_first=True, **rates)
    x = torch.zeros(X_SHAPE, dtype=torch.float64)
    masks = lstm.sample_masks(x, generator=torch.Generator().manual_seed(seed))
    return {name: mask.numpy() for name, mask in masks.items()}


both_samplers = pytest.mark.parametrize("sample", [sample_numpy, sample_torch])
SUFFIXES = ("_l0", "_l0_reverse", "_l1", "_l1_reverse")


def names(kind, suffixes=SUFFIXES):
    return [kind + suffix for suffix in suffixes]


@both_samplers
@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ({}, {}),
        ({"dropout": 0.5}, dict.fromkeys(names("x", SUFFIXES[2:]), (6, 5, 60))),
        ({"input_dropout": 0.5}, dict.fromkeys(names("x", SUFFIXES[:2]), (6, 1, 40))),
        ({"input_dropout": 0.5, "per_step": True}, dict.fromkeys(names("x", SUFFIXES[:2]), (6, 5, 40))),
        ({"input_dropout": 0.5, "tied": False}, dict.fromkeys(names("x", SUFFIXES[:2]), (4, 6, 1, 40))),
        ({"recurrent_dropout": 0.5}, dict.fromkeys(names("h"), (6, 1, 30))),
        ({"recurrent_dropout": 0.5, "tied": False}, dict.fromkeys(names("h"), (4, 6, 1, 30))),
        ({"recurrent_dropout": 0.5, "share_mask": "batch"}, dict.fromkeys(names("h"), (1, 1, 30))),
        ({"recurrent_dropout": 0.5, "on": "g", "per_step": True}, dict.fromkeys(names("g"), (6, 5, 30))),
        ({"recurrent_dropout": 0.5, "on": "c"}, dict.fromkeys(names("c"), (6, 1, 30))),
        ({"weight_drop": 0.5}, dict.fromkeys(names("weight_hh"), (120, 30))),
        ({"zoneout_h": 0.5}, dict.fromkeys(names("zoneout_h"), (6, 5, 30))),
        ({"zoneout_c": 1.0, "share_mask": "batch"}, dict.fromkeys(names("zoneout_c"), (1, 5, 30))),
    ],
    ids=str,
)
def test_what_is_drawn(sample, rates, expected):
    masks = sample(**rates)
    assert {name: mask.shape for name, mask in masks.items()} == expected
    check_masks(masks, X_SHAPE, HIDDEN, LAYERS, True)


ALL = {
    "dropout": 0.5,
    "input_dropout": 0.5,
    "recurrent_dropout": 0.5,
    "weight_drop": 0.5,
    "zoneout_h": 0.5,
    "zoneout_c": 0.5,
}


@both_samplers
def test_masks_differ_between_samples_steps_gates_layers_and_seeds(sample):
    masks = sample(**ALL, tied=False)
    assert (masks["x_l0"] == masks["x_l0_reverse"]).all(), "both directions read one input"
    assert (masks["x_l1"] == masks["x_l1_reverse"]).all()
    distinct = [masks["h" + suffix][k, b] for suffix in SUFFIXES for k in range(4) for b in range(6)]
    distinct += [masks["zoneout_h" + suffix][b, t] for suffix in SUFFIXES for b in range(6) for t in range(5)]
    assert len({tuple(np.ravel(mask) > 0) for mask in distinct}) == len(distinct)
    again, other = sample(**ALL, tied=False), sample(seed=1, **ALL, tied=False)
    assert all((again[name] == mask).all() for name, mask in masks.items())
    assert all((other[name] != mask).any() for name, mask in masks.items())


@both_samplers
@pytest.mark.parametrize("p", [0.2, 0.5, 0.8])
def test_dropout_masks_have_mean_1_and_zoneout_masks_their_rate(sample, p):
    drawn = {name: [] for name in sample(**dict.fromkeys(ALL, p))}
    for seed in range(20):
        for name, mask in sample(seed, **dict.fromkeys(ALL, p)).items():
            drawn[name].append(mask)
    for name, masks in drawn.items():
        zones = name.startswith("zoneout")
        masks, scale = np.stack(masks), 1 if zones else 1 / (1 - p)
        assert set(np.unique(masks)) == {0, scale}
        error = scale * math.sqrt(p * (1 - p) / masks.size)
        assert abs(masks.mean() - (p if zones else 1)) < 5 * error, name


@pytest.mark.parametrize("p", [0.2, 0.5, 0.8])
def test_dropout_keeps_the_mean_of_what_the_gates_read(p):
    v, w, count = RNG.normal(size=(1, 30)), RNG.normal(size=(4, 30)), 4000
    rng, rates = np.random.default_rng(1), DropoutSettings(recurrent_dropout=p)
    mask = sample_masks(rates, (count, 1, 1), 30, rng=rng)["h_l0"][:, 0]
    dropped = variational_dropout(np.broadcast_to(v, (count, 30)), w, mask)
    error = 5 * dropped.std(axis=0) / math.sqrt(count)
    assert (abs(dropped.mean(axis=0) - v @ w.T) < error).all()


def test_a_single_layer_has_nothing_between():
    with pytest.warns(UserWarning, match="a single layer drops nothing"):
        assert sample_masks(DropoutSettings(dropout=0.5), (2, 3, 4), 5, rng=np.random.default_rng(0)) == {}


BAD_SETTINGS = [
    ({name: value}, name)
    for name in ("dropout", "input_dropout", "recurrent_dropout", "weight_drop", "zoneout_h", "zoneout_c")
    for value in (-0.1, 1.1, float("nan"), float("inf"), "0.5", True, None)
]
BAD_SETTINGS += [({name: 1.0}, name) for name in ("input_dropout", "recurrent_dropout", "weight_drop")]
BAD_SETTINGS += [
    ({"on": "o"}, "on"),
    ({"share_mask": "step"}, "share_mask"),
    ({"tied": None}, "tied"),
    ({"per_step": "yes"}, "per_step"),
    ({"on": "g", "tied": False}, "tied"),
]


@pytest.mark.parametrize(("bad", "name"), BAD_SETTINGS, ids=str)
def test_bad_settings_say_what_was_expected(bad, name):
    for make in (DropoutSettings, lambda **options: RegularizedLSTM(3, 4, 2, batch_first=True, **options)):
        with pytest.raises(ValueError, match=f"{name}: expected .*, received"):
            make(**bad)


def test_the_module_takes_every_setting_with_its_default():
    parameters = inspect.signature(RegularizedLSTM).parameters
    for name, default in vars(DropoutSettings()).items():
        assert parameters[name].default == default
        is_torch_s = name == "dropout"
        assert is_torch_s or parameters[name].kind == parameters[name].KEYWORD_ONLY


@pytest.mark.parametrize("rng", [None, 0, np.random])
def test_a_generator_is_required(rng):
    with pytest.raises(ValueError, match="rng: expected a NumPy Generator"):
        sample_masks(DropoutSettings(), (2, 3, 4), 5, rng=rng)


def converted(arguments, convert):
    return {name: convert(np.ones(value)) for name, value in arguments.items()}


@pytest.mark.parametrize(
    ("by_hand", "twin", "arguments"), PAIRS, ids=lambda value: getattr(value, "__name__", str(value))
)
def test_bad_arguments_say_what_was_expected(by_hand, twin, arguments):
    for function, convert in ((by_hand, np.asarray), (twin, torch.from_numpy)):
        for name in arguments:
            good = converted(arguments, convert)
            with pytest.raises(ValueError, match=r"expected .*, received"):
                function(**good | {name: convert(np.ones((7, 7, 7)))})
            with pytest.raises(ValueError, match=rf"{name}.*: expected .*floating.*, received"):
                function(**good | {name: convert(np.ones(good[name].shape, int))})
            with pytest.raises(ValueError, match=r"expected .*, received"):
                function(**good | {name: "mask"})


def test_twins_refuse_two_dtypes():
    v, w, mask = torch.ones(2, 3), torch.ones(8, 3), torch.ones(2, 3, dtype=torch.float64)
    with pytest.raises(ValueError, match="v, w, mask: expected floating-point tensors of one dtype"):
        recurrent_dropout.variational_dropout_torch(v, w, mask)
