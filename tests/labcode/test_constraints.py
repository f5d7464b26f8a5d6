"""Projections: bounds, the nearest point, what stays bit-identical, and where they apply in an LSTM.

Twins are compared in ``test_pairs.py``, values of Keras and of torch.renorm in ``test_conformance.py``.
"""

import copy
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize
from torch import nn
from torch.nn.utils import prune

from labcode import constraints
from labcode.constraints import (
    constrain,
    constrain_,
    max_l21_norm,
    max_l21_norm_torch,
    max_norm,
    max_norm_torch,
    min_max_norm,
    min_max_norm_torch,
    non_neg,
    non_neg_torch,
    unit_norm,
    unit_norm_torch,
)

EXAMPLES = settings(deadline=None, derandomize=True, max_examples=100)
VALUES = st.floats(-10, 10).map(lambda x: 0.0 if abs(x) < 1e-3 else x)
WEIGHTS = arrays(np.float64, st.sampled_from([(4, 3), (8, 2), (4,), (8, 1)]), elements=VALUES)
AXES = st.sampled_from(["row", "unit", "matrix", 0, -1])
LIMITS = st.floats(0.01, 20)


def norms_of(w, axis):
    """Return the norms that the table in ``constraints`` names, one loop for each."""
    rows, units = w.reshape(len(w), -1), len(w) // 4
    if axis == "row":
        return np.array([np.linalg.norm(row) for row in rows])
    if axis == "unit":
        return np.array([np.linalg.norm(rows[unit::units]) for unit in range(units)])
    if axis == "matrix":
        return np.array([np.linalg.norm(w)])
    return np.atleast_1d(np.linalg.norm(w, axis=axis))


def is_allowed(w, name, limit, axis):
    norms = norms_of(w, axis)
    return {
        "max_norm": (norms <= limit * (1 + 1e-12)).all(),
        "max_l21_norm": norms.sum() <= limit * (1 + 1e-12),
        "min_max_norm": (
            (norms <= limit * (1 + 1e-12)) & ((norms >= limit / 2 * (1 - 1e-12)) | (norms == 0))
        ).all(),
        "unit_norm": np.allclose(norms[norms > 0], 1, rtol=1e-12),
        "non_neg": (w >= 0).all(),
    }[name]


def project(name, w, limit, axis, suffix=""):
    """Call a projection, or its twin on arrays."""
    function = getattr(constraints, name + suffix)
    args = {"max_norm": (limit,), "max_l21_norm": (limit,), "min_max_norm": (limit / 2, limit)}.get(name, ())
    options = {} if name == "non_neg" else {"axis": axis}
    return np.asarray(function(torch.tensor(w) if suffix else w, *args, **options))


NAMES = st.sampled_from(["max_norm", "max_l21_norm", "min_max_norm", "unit_norm", "non_neg"])
CONVEX = st.sampled_from(["max_norm", "max_l21_norm", "non_neg"])
SUFFIXES = st.sampled_from(["", "_torch"])


@EXAMPLES
@given(name=NAMES, w=WEIGHTS, limit=LIMITS, axis=AXES, suffix=SUFFIXES)
def test_the_result_is_allowed_and_projecting_again_changes_nothing(name, w, limit, axis, suffix):
    projected = project(name, w, limit, axis, suffix)
    assert projected.shape == w.shape
    assert is_allowed(projected, name, limit, axis)
    np.testing.assert_allclose(
        project(name, projected, limit, axis, suffix), projected, rtol=1e-12, atol=1e-12
    )


@EXAMPLES
@given(name=NAMES, w=WEIGHTS, limit=LIMITS, axis=AXES, suffix=SUFFIXES, rate=st.floats(0, 1))
def test_what_is_allowed_stays_bit_identical(name, w, limit, axis, suffix, rate):
    norms = norms_of(w, axis)
    w, limit = (
        np.abs(w),
        {"max_l21_norm": norms.sum() * (1 + 1e-9) + 1e-9}.get(name, norms.max() * (1 + 1e-9)),
    )
    if name == "unit_norm":
        w = np.eye(4)[:, : w.shape[-1]]
        np.testing.assert_array_equal(project(name, w, limit, 0, suffix), w)
        return
    if name == "min_max_norm":
        function = getattr(constraints, name + suffix)
        found = function(torch.tensor(w) if suffix else w, 0.0, limit, rate, axis)
    else:
        found = project(name, w, limit, axis, suffix)
    assert np.asarray(found).tobytes() == w.tobytes()


@EXAMPLES
@given(name=CONVEX, w=WEIGHTS, limit=LIMITS, axis=AXES, seed=st.integers(0, 99))
def test_no_allowed_point_is_nearer_and_distances_never_grow(name, w, limit, axis, seed):
    projected, rng = project(name, w, limit, axis), np.random.default_rng(seed)
    for scale in (0.01, 1.0, 10.0):
        other = w + scale * rng.normal(size=w.shape)
        allowed = project(name, other, limit, axis)
        assert np.linalg.norm(projected - allowed) <= np.linalg.norm(w - other) * (1 + 1e-9)
        # the angle between what was cut off and any allowed direction is obtuse: the nearest point
        assert ((w - projected) * (allowed - projected)).sum() <= 1e-9 * (1 + np.square(w).sum())


def test_the_cap_on_the_sum_of_norms_is_what_a_solver_finds():
    w = np.random.default_rng(0).normal(size=(4, 2)) * 3
    limit = 5.0
    found = minimize(
        lambda v: np.square(v - w.ravel()).sum() / 2,
        np.full(8, 0.1),
        jac=lambda v: v - w.ravel(),
        constraints={"type": "ineq", "fun": lambda v: limit - np.linalg.norm(v.reshape(4, 2), axis=1).sum()},
        options={"ftol": 1e-14, "maxiter": 500},
    )
    np.testing.assert_allclose(max_l21_norm(w, limit), found.x.reshape(4, 2), atol=1e-5)


def test_the_cap_on_the_sum_of_norms_silences_short_vectors_whole():
    w = np.array([[3.0, 4.0], [0.6, 0.8], [0.0, 0.0]])
    np.testing.assert_allclose(max_l21_norm(w, 3.0), [[1.8, 2.4], [0, 0], [0, 0]], atol=1e-15)
    np.testing.assert_allclose(max_l21_norm(w, 5.0), [[2.7, 3.6], [0.3, 0.4], [0, 0]])
    np.testing.assert_array_equal(max_l21_norm(w, 0.0), np.zeros((3, 2)))


def test_named_axes_are_those_of_keras_on_the_transposed_matrix():
    w = np.random.default_rng(0).normal(size=(8, 3))
    np.testing.assert_array_equal(max_norm(w, 1.0), max_norm(w.T, 1.0, axis=0).T)
    np.testing.assert_allclose(max_norm(w, 1.0, "matrix"), max_norm(w.T, 1.0, axis=(0, 1)).T, rtol=1e-14)
    by_unit = max_norm(w, 1.0, "unit")
    for unit in range(2):  # rows of the gates i, f, g, o of one unit
        gates = [unit, 2 + unit, 4 + unit, 6 + unit]
        np.testing.assert_allclose(by_unit[gates], w[gates] / np.linalg.norm(w[gates]))


def test_of_a_bias_a_row_is_an_entry_and_a_unit_its_four_gates():
    b = np.array([3.0, 0.5, 4.0, 0.5, 0.0, 0.5, 0.0, 0.5])
    np.testing.assert_array_equal(max_norm(b, 1.0), np.minimum(b, 1))
    np.testing.assert_allclose(max_norm(b, 1.0, "unit"), [0.6, 0.5, 0.8, 0.5, 0, 0.5, 0, 0.5])
    np.testing.assert_allclose(max_norm(b, 1.0, "matrix"), b / np.sqrt(26))


def test_vectors_of_zeros_stay():
    w = np.array([[0.0, 0.0], [3.0, 4.0]])
    for function, expected in (
        (max_norm(w, 1.0), [0.6, 0.8]),
        (unit_norm(w), [0.6, 0.8]),
        (min_max_norm(w, 6.0, 7.0), [3.6, 4.8]),
        (max_norm(w, 0.0), [0.0, 0.0]),
        (unit_norm_torch(torch.tensor(w)), [0.6, 0.8]),
        (max_norm_torch(torch.tensor(w), 0.0), [0.0, 0.0]),
    ):
        np.testing.assert_allclose(function, [[0.0, 0.0], expected], rtol=1e-15)


def test_min_max_norm_goes_the_rate_of_the_way():
    w = np.array([[3.0, 4.0], [0.03, 0.04], [0.6, 0.8]])
    norms = norms_of(min_max_norm(w, 0.5, 2.0, rate=0.25), "row")
    np.testing.assert_allclose(norms, [5 - 0.25 * 3, 0.05 + 0.25 * 0.45, 1.0])
    np.testing.assert_array_equal(min_max_norm(w, 0.5, 2.0, rate=0.0), w)


@pytest.fixture
def lstm():
    torch.manual_seed(0)
    return nn.LSTM(3, 4, num_layers=2, bidirectional=True).double()


TARGETS = {
    "input": (partial(max_norm, limit=0.5), partial(max_norm_torch, limit=0.5)),
    "recurrent": (partial(max_norm, limit=0.7, axis="unit"), partial(max_norm_torch, limit=0.7, axis="unit")),
    "bias": (non_neg, non_neg_torch),
}


@pytest.mark.parametrize("target", TARGETS)
def test_constraints_reach_what_they_name_and_nothing_else(lstm, target):
    by_hand, twin = TARGETS[target]
    before = {name: tensor.numpy().copy() for name, tensor in lstm.state_dict().items()}
    constrained = constrain(before, {target: by_hand})
    constrain_(nn.ModuleDict({"lstm": lstm, "head": nn.Linear(8, 1)}), {target: twin})
    kind = {"input": "weight_ih", "recurrent": "weight_hh", "bias": "bias_ih"}[target]
    for name, tensor in lstm.state_dict().items():
        np.testing.assert_allclose(constrained[name], tensor, rtol=1e-12, atol=1e-15)
        changed = not np.array_equal(tensor.numpy(), before[name])
        assert changed == name.startswith(kind), name
    for suffix in ("_l0", "_l1_reverse"):
        if target == "bias":
            b = before["bias_ih" + suffix] + before["bias_hh" + suffix]
            sums = constrained["bias_ih" + suffix] + constrained["bias_hh" + suffix]
            np.testing.assert_allclose(sums, np.maximum(b, 0), atol=1e-15)
            kept = b >= 0
            np.testing.assert_array_equal(
                constrained["bias_ih" + suffix][kept], before["bias_ih" + suffix][kept]
            )
        else:
            np.testing.assert_array_equal(constrained[kind + suffix], by_hand(before[kind + suffix]))


def test_a_frozen_bias_stays_frozen(lstm):
    for name, parameter in lstm.named_parameters():
        if name.startswith("bias_hh"):
            parameter.requires_grad_(False).zero_()
    constrain_(lstm, {"bias": partial(max_norm_torch, limit=0.1)})
    for name, tensor in lstm.state_dict().items():
        if name.startswith("bias_hh"):
            assert not tensor.any()
        elif name.startswith("bias_ih"):
            assert tensor.abs().max() <= 0.1 + 1e-12


def test_training_goes_on_after_a_constraint(lstm):
    optimizer, model = torch.optim.SGD(lstm.parameters(), lr=1.0), copy.deepcopy(lstm)
    for _ in range(3):
        optimizer.zero_grad()
        lstm(torch.ones(5, 2, 3, dtype=torch.float64))[0].square().sum().backward()
        optimizer.step()
        constrain_(lstm, {"recurrent": partial(max_norm_torch, limit=0.3)})
        assert torch.linalg.vector_norm(lstm.weight_hh_l0, dim=1).max() <= 0.3 + 1e-12
    assert lstm.weight_hh_l0.requires_grad
    assert lstm.weight_hh_l0.is_leaf
    assert not torch.equal(lstm.weight_ih_l0, model.weight_ih_l0)


NORMS = [
    (max_norm, (1.0,)),
    (max_norm_torch, (1.0,)),
    (max_l21_norm, (1.0,)),
    (max_l21_norm_torch, (1.0,)),
    (unit_norm, ()),
    (unit_norm_torch, ()),
    (min_max_norm, (0.5, 1.0)),
    (min_max_norm_torch, (0.5, 1.0)),
    (non_neg, ()),
    (non_neg_torch, ()),
]
IDS = [function.__name__ for function, _ in NORMS]


def tensor_for(function, values):
    return torch.tensor(values) if function.__name__.endswith("_torch") else np.array(values)


@pytest.mark.parametrize(("function", "args"), NORMS, ids=IDS)
def test_integer_weights_are_refused(function, args):
    with pytest.raises(ValueError, match="w: expected a floating-point"):
        function(tensor_for(function, [[1, 2], [3, 4]]), *args)


@pytest.mark.parametrize(("function", "args"), NORMS[:-2], ids=IDS[:-2])
@pytest.mark.parametrize("axis", [2, -3, (0, 0), (), "rows", None, 0.0, "unit"])
def test_bad_axes_are_refused(function, args, axis):
    with pytest.raises(ValueError, match=r"axis: expected .row., .unit., .matrix. or|w: expected 4H rows"):
        function(tensor_for(function, [[1.0, 2.0], [3.0, 4.0]]), *args, axis=axis)


@pytest.mark.parametrize(("function", "args"), NORMS[:-2], ids=IDS[:-2])
def test_empty_weights_are_refused(function, args):
    for empty in (np.ones((0, 3)), np.float64(1.0)):
        with pytest.raises(ValueError, match="w: expected at least one weight"):
            function(tensor_for(function, empty), *args)


@pytest.mark.parametrize("function", [f for f, args in NORMS if args], ids=lambda f: f.__name__)
@pytest.mark.parametrize("bad", [-0.1, float("nan"), float("inf"), "1", None, True])
def test_bad_limits_are_refused(function, bad):
    w, name = tensor_for(function, [[1.0, 2.0]]), function.__name__.removesuffix("_torch")
    calls = [{"limit": bad}]
    if name == "min_max_norm":
        calls = [{"low": bad, "high": 1.0}, {"low": 0.0, "high": bad}, {"low": 0.0, "high": 1.0, "rate": bad}]
    for options in calls:
        with pytest.raises(ValueError, match=r"(limit|low|high|rate): expected"):
            function(w, **options)


def test_weights_that_are_computed_from_others_cannot_be_projected(lstm):
    prune.l1_unstructured(lstm, "weight_hh_l0", 0.5)
    with pytest.raises(ValueError, match="module: expected weights that are parameters"):
        constrain_(lstm, {"recurrent": non_neg_torch})
    prune.remove(lstm, "weight_hh_l0")
    constrain_(lstm, {"recurrent": non_neg_torch})
    assert (lstm.weight_hh_l0 >= 0).all()


def test_other_bad_arguments_are_refused(lstm):
    for function in (min_max_norm, min_max_norm_torch):
        w = tensor_for(function, [[1.0, 2.0]])
        with pytest.raises(ValueError, match=r"high: expected at least low = 2, received 1\.0"):
            function(w, 2.0, 1.0)
        with pytest.raises(ValueError, match=r"rate: expected a finite number in \[0, 1\]"):
            function(w, 1.0, 2.0, rate=1.5)
    weights = {name: tensor.numpy() for name, tensor in lstm.state_dict().items()}
    with pytest.raises(ValueError, match="projections: expected a projection for at least one target"):
        constrain(weights, {})
    with pytest.raises(ValueError, match="target: expected one of 'input', 'recurrent', 'bias'"):
        constrain(weights, {"hidden": non_neg})
    with pytest.raises(ValueError, match=r"the projection of input: expected shape \(16, 3\)"):
        constrain(weights, {"input": lambda w: w.T})
    with pytest.raises(
        ValueError, match=r"module: expected a module that holds an nn.LSTM, received 'Linear'"
    ):
        constrain_(nn.Linear(2, 2), {"input": non_neg_torch})
