"""Penalties against torch's losses and optimizers, gradients against finite differences, and targets.

Twins are compared in ``test_pairs.py``, values of Keras in ``test_conformance.py``.
"""

import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from torch import nn
from torch.nn.utils import parametrizations, prune

from labcode import penalties
from labcode.penalties import (
    WeightRegularization,
    activation_penalty,
    activation_penalty_grad,
    activation_penalty_torch,
    group_soft_threshold,
    group_soft_threshold_grad,
    group_soft_threshold_torch,
    l1_l2_penalty,
    l1_l2_penalty_grad,
    l1_penalty,
    l1_penalty_grad,
    l1_penalty_torch,
    l2_penalty,
    l2_penalty_grad,
    l2_penalty_torch,
    orthogonal_penalty,
    orthogonal_penalty_grad,
    orthogonal_penalty_torch,
    penalty_by_target,
    penalty_grad_by_target,
    soft_threshold,
    soft_threshold_grad,
    soft_threshold_torch,
    target_arrays,
    temporal_activation_penalty,
    temporal_activation_penalty_grad,
    temporal_activation_penalty_torch,
)

EXAMPLES = settings(deadline=None, derandomize=True, max_examples=50)
VALUES = st.floats(-10, 10, allow_subnormal=False)
WEIGHTS = arrays(np.float64, array_shapes(max_dims=3, max_side=4), elements=VALUES)
MATRICES = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=5), elements=VALUES)
STRENGTHS = st.floats(0, 10)
OUTPUTS = arrays(
    np.float64,
    st.tuples(st.integers(1, 3), st.integers(2, 5), st.integers(1, 3)),
    elements=VALUES,
)


@EXAMPLES
@given(w=WEIGHTS, lam1=STRENGTHS, lam2=STRENGTHS)
def test_values_are_those_of_torch_losses(w, lam1, lam2):
    tensor, zeros = torch.from_numpy(w), torch.zeros(w.shape, dtype=torch.float64)
    l1 = lam1 * float(nn.functional.l1_loss(tensor, zeros, reduction="sum"))
    l2 = lam2 / 2 * float(nn.functional.mse_loss(tensor, zeros, reduction="sum"))
    np.testing.assert_allclose(l1_penalty(w, lam1), l1, rtol=1e-12)
    np.testing.assert_allclose(l2_penalty(w, lam2), l2, rtol=1e-12)
    np.testing.assert_allclose(l1_l2_penalty(w, lam1, lam2), l1 + l2, rtol=1e-12)


def test_l2_strength_is_the_weight_decay_of_sgd():
    w = torch.linspace(-2, 2, 7, dtype=torch.float64)
    decayed, penalized = (w.clone().requires_grad_() for _ in range(2))
    decay = torch.optim.SGD([decayed], lr=0.1, weight_decay=0.3)
    plain = torch.optim.SGD([penalized], lr=0.1)
    for _ in range(5):
        decay.zero_grad()
        decayed.sum().backward()
        decay.step()
        plain.zero_grad()
        (penalized.sum() + l2_penalty_torch(penalized, 0.3)).backward()
        plain.step()
    torch.testing.assert_close(penalized, decayed, rtol=1e-14, atol=0)


@EXAMPLES
@given(w=WEIGHTS, lam1=STRENGTHS, lam2=STRENGTHS)
def test_gradients_agree_with_finite_differences(w, lam1, lam2):
    w = np.where(np.abs(w) < 0.01, 0.5, w)  # away from the kink of |w|
    assert_gradient(lambda v: l1_penalty(v, lam1), l1_penalty_grad(w, lam1), w)
    assert_gradient(lambda v: l2_penalty(v, lam2), l2_penalty_grad(w, lam2), w)
    assert_gradient(lambda v: l1_l2_penalty(v, lam1, lam2), l1_l2_penalty_grad(w, lam1, lam2), w)


@pytest.mark.parametrize("mode", ["rows", "columns"])
def test_orthogonal_gradient_agrees_with_finite_differences(mode):
    w = np.random.default_rng(0).normal(size=(4, 3))
    assert_gradient(lambda v: orthogonal_penalty(v, 0.7, mode), orthogonal_penalty_grad(w, 0.7, mode), w)


def assert_gradient(function, grad, w, step=1e-5):
    for index in np.ndindex(w.shape):
        change = np.zeros_like(w)
        change[index] = step
        numeric = (function(w + change) - function(w - change)) / (2 * step)
        np.testing.assert_allclose(grad[index], numeric, rtol=1e-6, atol=1e-6)


def test_l1_subgradient_at_zero_is_zero():
    w = np.array([-2.0, -0.0, 0.0, 3.0])
    np.testing.assert_array_equal(l1_penalty_grad(w, 0.5), [-0.5, 0, 0, 0.5])
    np.testing.assert_array_equal(l1_l2_penalty_grad(w, 0.5, 0.0), [-0.5, 0, 0, 0.5])


@EXAMPLES
@given(w=MATRICES, scale=st.floats(0.1, 10))
def test_orthogonal_penalty_is_a_mean_cosine(w, scale):
    value = orthogonal_penalty(w, 1.0)
    assert 0 <= value <= 1 + 1e-12
    np.testing.assert_allclose(orthogonal_penalty(scale * w, 1.0), value, atol=1e-12)
    np.testing.assert_allclose(orthogonal_penalty(w.T, 1.0, "columns"), value, atol=1e-12)


def test_orthogonal_penalty_of_known_angles():
    assert orthogonal_penalty(np.eye(3) * 5.0, 1.0) == 0
    np.testing.assert_allclose(orthogonal_penalty(np.array([[1.0, 1.0], [-2.0, -2.0]]), 0.4), 0.4)
    sixty_degrees = np.array([[1.0, 0.0], [0.5, np.sqrt(0.75)]])
    np.testing.assert_allclose(orthogonal_penalty(sixty_degrees, 1.0), 0.5)
    assert orthogonal_penalty(np.array([[0.0, 0.0], [1.0, 2.0]]), 1.0) == 0


@EXAMPLES
@given(w=WEIGHTS, threshold=STRENGTHS, seed=st.integers(0, 99))
def test_soft_threshold_is_the_proximal_point_of_the_l1_penalty(w, threshold, seed):
    new = soft_threshold(w, threshold)
    np.testing.assert_array_equal(new == 0, np.abs(w) <= threshold)
    expected = nn.functional.softshrink(torch.from_numpy(w), threshold)
    np.testing.assert_allclose(new, expected, rtol=1e-14, atol=1e-14)

    def objective(v):
        return np.square(v - w).sum() / 2 + l1_penalty(v, threshold)

    rng = np.random.default_rng(seed)
    for scale in (1e-3, 1.0):
        assert objective(new) <= objective(new + scale * rng.normal(size=w.shape)) + 1e-9
    other = w + rng.normal(size=w.shape)
    assert (np.abs(new - soft_threshold(other, threshold)) <= np.abs(w - other) + 1e-14).all()


def test_soft_threshold_takes_one_threshold_for_each_weight():
    w, thresholds = np.array([2.0, -2.0, 0.5, -0.5]), np.array([0.5, 3.0, 0.0, 0.5])
    np.testing.assert_array_equal(soft_threshold(w, thresholds), [1.5, 0, 0.5, 0])
    np.testing.assert_array_equal(soft_threshold_grad(w, thresholds, 2 * np.ones(4)), [2, 0, 2, 0])
    np.testing.assert_array_equal(soft_threshold(w, np.float64(0.5)), [1.5, -1.5, 0, 0])


@EXAMPLES
@given(w=MATRICES, threshold=STRENGTHS, mode=st.sampled_from(["rows", "columns"]), seed=st.integers(0, 99))
def test_group_soft_threshold_is_the_proximal_point_of_the_sum_of_norms(w, threshold, mode, seed):
    axis = {"rows": 1, "columns": 0}[mode]
    new = group_soft_threshold(w, threshold, mode)
    out = np.linalg.norm(w, axis=axis) <= threshold
    np.testing.assert_array_equal((new == 0).all(axis=axis), out | (np.abs(w) == 0).all(axis=axis))

    def objective(v):
        return np.square(v - w).sum() / 2 + threshold * np.linalg.norm(v, axis=axis).sum()

    rng = np.random.default_rng(seed)
    for scale in (1e-3, 1.0):
        assert objective(new) <= objective(new + scale * rng.normal(size=w.shape)) + 1e-9
    other = w + rng.normal(size=w.shape)
    distance = np.linalg.norm(new - group_soft_threshold(other, threshold, mode))
    assert distance <= np.linalg.norm(w - other) + 1e-12


@EXAMPLES
@given(w=arrays(np.float64, st.integers(1, 9), elements=VALUES), threshold=STRENGTHS)
def test_groups_of_one_weight_are_thresholded_one_by_one(w, threshold):
    expected = nn.functional.softshrink(torch.from_numpy(w), threshold)[:, None]
    np.testing.assert_allclose(group_soft_threshold(w[:, None], threshold), expected, atol=1e-13)


def test_group_soft_threshold_of_known_rows_has_no_nan_at_rows_of_zeros():
    w = np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    np.testing.assert_allclose(group_soft_threshold(w, 1.0), [[2.4, 3.2], [0, 0], [0, 0]], rtol=1e-15)
    np.testing.assert_allclose(group_soft_threshold(w.T, 1.0, "columns").T, group_soft_threshold(w, 1.0))
    np.testing.assert_array_equal(group_soft_threshold(w, 0.0), w)
    tensor = torch.from_numpy(w).requires_grad_()
    group_soft_threshold_torch(tensor, 0.0).sum().backward()
    expected = group_soft_threshold_grad(w, 0.0, grad_output=np.ones((3, 2)))
    np.testing.assert_allclose(tensor.grad, expected)
    np.testing.assert_array_equal(expected, [[1, 1], [1, 1], [0, 0]])


@EXAMPLES
@given(output=OUTPUTS, strength=STRENGTHS)
def test_activation_penalties_are_those_of_torch_losses(output, strength):
    tensor = torch.from_numpy(output)
    ar = strength * float(nn.functional.mse_loss(tensor, torch.zeros_like(tensor)))
    tar = strength * float(nn.functional.mse_loss(tensor[:, 1:], tensor[:, :-1]))
    np.testing.assert_allclose(activation_penalty(output, strength), ar, rtol=1e-12)
    np.testing.assert_allclose(temporal_activation_penalty(output, strength), tar, rtol=1e-12)


def test_activation_penalties_of_a_known_output():
    output = np.array([[[1.0, 2.0], [1.0, 4.0], [-1.0, 4.0]]])
    np.testing.assert_allclose(activation_penalty(output, 2.0), 2 * (1 + 4 + 1 + 16 + 1 + 16) / 6)
    np.testing.assert_allclose(temporal_activation_penalty(output, 2.0), 2 * (0 + 4 + 4 + 0) / 4)
    constant = np.ones((2, 5, 3))
    assert temporal_activation_penalty(constant, 1.0) == 0
    assert activation_penalty(constant, 1.0) == 1


def test_activation_gradients_agree_with_finite_differences():
    output = np.random.default_rng(0).normal(size=(2, 4, 3))
    for penalty, grad in (
        (activation_penalty, activation_penalty_grad),
        (temporal_activation_penalty, temporal_activation_penalty_grad),
    ):
        assert_gradient(lambda v, penalty=penalty: penalty(v, 0.7), grad(output, 0.7), output)


@pytest.fixture
def lstm():
    torch.manual_seed(0)
    return nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True).double()


def numpy_weights(lstm):
    return {name: tensor.numpy() for name, tensor in lstm.state_dict().items()}


PLACES = {"right": range(7), "left": range(20, 27), "within": [0, 1, 2, 3, 24, 25, 26]}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("name", ["activation_penalty", "temporal_activation_penalty"])
def test_padded_steps_count_in_no_activation_penalty(name, place):
    by_hand, grad, twin = (getattr(penalties, name + end) for end in ("", "_grad", "_torch"))
    output = np.random.default_rng(0).normal(size=(2, 7, 3))
    padded, real = np.full((2, 27, 3), np.nan), np.zeros((2, 27), bool)
    padded[:, list(place)], real[:, list(place)] = output, True
    tensor = torch.tensor(padded, requires_grad=True)
    value = twin(tensor, 0.3, torch.from_numpy(real))
    value.backward()
    assert by_hand(padded, 0.3, real) == pytest.approx(by_hand(output, 0.3), rel=1e-12)
    assert value.item() == pytest.approx(by_hand(output, 0.3), rel=1e-12)
    for received in (grad(padded, 0.3, real), tensor.grad.numpy()):
        np.testing.assert_allclose(received[:, list(place)], grad(output, 0.3), rtol=1e-12, atol=1e-15)
        assert (received[~real] == 0).all()


@pytest.mark.parametrize("name", ["activation_penalty", "temporal_activation_penalty"])
def test_where_nothing_is_real_nothing_is_penalized(name):
    output, real = np.ones((2, 3, 4)), np.zeros((2, 3), bool)
    assert getattr(penalties, name)(output, 1.0, real) == 0
    twin = getattr(penalties, f"{name}_torch")
    assert twin(torch.from_numpy(output), 1.0, torch.from_numpy(real)) == 0
    for bad in (torch.ones(2, 3), torch.ones(2, 4, dtype=torch.bool), real):
        with pytest.raises(ValueError, match="padding_mask: expected"):
            twin(torch.from_numpy(output), 1.0, bad)


def test_weights_in_use_are_penalized_under_pruning_and_parametrizations():
    lstm = nn.LSTM(3, 4, bias=False)
    prune.l1_unstructured(lstm, "weight_hh_l0", 0.5)
    received = penalty_by_target(l2_penalty_torch, lstm, {"recurrent": 1.0})
    torch.testing.assert_close(received, lstm.weight_hh_l0.square().sum() / 2)
    assert received < lstm.weight_hh_l0_orig.square().sum() / 2
    parametrizations.weight_norm(lstm, "weight_ih_l0")
    received = penalty_by_target(l2_penalty_torch, lstm, {"input": 1.0})
    torch.testing.assert_close(received, lstm.weight_ih_l0.square().sum() / 2)
    for target in ("input", "recurrent"):
        with pytest.raises(ValueError, match="weights: expected the weights that the LSTM uses"):
            penalty_by_target(l2_penalty_torch, dict(lstm.named_parameters()), {target: 1.0})


def test_targets_name_the_input_the_recurrent_weights_and_the_sum_of_the_biases(lstm):
    weights = numpy_weights(lstm)
    suffixes = ["_l0", "_l0_reverse", "_l1", "_l1_reverse"]
    for target, kind in (("input", "weight_ih"), ("recurrent", "weight_hh")):
        found = target_arrays(weights, target)
        assert list(found) == suffixes
        assert all(found[suffix] is weights[kind + suffix] for suffix in suffixes)
    biases = target_arrays(weights, "bias")
    assert list(biases) == suffixes
    np.testing.assert_array_equal(biases["_l1"], weights["bias_ih_l1"] + weights["bias_hh_l1"])


def test_penalty_by_target_adds_up_what_is_named_and_nothing_else(lstm):
    weights, parameters = numpy_weights(lstm), dict(lstm.named_parameters())
    strengths = {"input": 0.1, "recurrent": 0.2}
    expected = sum(0.1 / 2 * (w**2).sum() for name, w in weights.items() if name.startswith("weight_ih"))
    expected += sum(0.2 / 2 * (w**2).sum() for name, w in weights.items() if name.startswith("weight_hh"))
    np.testing.assert_allclose(penalty_by_target(l2_penalty, weights, strengths), expected, rtol=1e-12)

    penalty = penalty_by_target(l2_penalty_torch, parameters, strengths)
    np.testing.assert_allclose(penalty.item(), expected, rtol=1e-12)
    penalty.backward()
    grads = penalty_grad_by_target(l2_penalty_grad, weights, strengths)
    assert list(grads) == list(weights)
    for name, parameter in parameters.items():
        if name.startswith("bias"):
            assert parameter.grad is None
            assert not grads[name].any()
        else:
            np.testing.assert_allclose(grads[name], parameter.grad, rtol=1e-10)


def test_a_named_bias_is_penalized_as_the_sum_of_both(lstm):
    weights, parameters = numpy_weights(lstm), dict(lstm.named_parameters())
    penalty_by_target(l1_penalty_torch, parameters, {"bias": 0.3}).backward()
    grads = penalty_grad_by_target(l1_penalty_grad, weights, {"bias": 0.3})
    for name, parameter in parameters.items():
        expected = 0 * weights[name] if parameter.grad is None else parameter.grad
        np.testing.assert_allclose(grads[name], expected, rtol=1e-10)
    b = weights["bias_ih_l0"] + weights["bias_hh_l0"]
    np.testing.assert_allclose(grads["bias_ih_l0"], 0.3 * np.sign(b))
    np.testing.assert_allclose(grads["bias_hh_l0"], 0.3 * np.sign(b))


def test_bad_targets_say_what_was_expected(lstm):
    weights = numpy_weights(nn.LSTM(3, 4, bias=False))
    with pytest.raises(
        ValueError, match=r"target: expected one of 'input', 'recurrent', 'bias', received 'hidden'"
    ):
        penalty_by_target(l2_penalty, weights, {"hidden": 0.1})
    with pytest.raises(ValueError, match=r"weights: expected keys that start with bias_ih"):
        penalty_by_target(l2_penalty, weights, {"bias": 0.1})
    for function in (penalty_by_target, penalty_grad_by_target):
        with pytest.raises(ValueError, match=r"strengths: expected a strength for at least one target"):
            function(l2_penalty_grad, weights, {})


FUNCTIONS = [getattr(penalties, name) for name in vars(penalties) if re.match(r"(l1|l2|l1_l2)_penalty", name)]
ORTHOGONAL = [orthogonal_penalty, orthogonal_penalty_grad, orthogonal_penalty_torch]


def call(function, w, lam):
    w = torch.tensor(w) if function.__name__.endswith("_torch") else np.array(w)
    return function(w, *[lam] * (2 if "l1_l2" in function.__name__ else 1))


@pytest.mark.parametrize("function", FUNCTIONS + ORTHOGONAL, ids=lambda f: f.__name__)
@pytest.mark.parametrize("lam", [-0.1, float("nan"), float("inf"), "0.1", None, True])
def test_bad_strengths_are_refused(function, lam):
    with pytest.raises(ValueError, match=r"lam1?: expected a finite number of at least 0"):
        call(function, [[1.0, 2.0], [3.0, 4.0]], lam)


@pytest.mark.parametrize("function", FUNCTIONS + ORTHOGONAL, ids=lambda f: f.__name__)
def test_integer_weights_are_refused(function):
    with pytest.raises(ValueError, match=r"w: expected a?\s?floating-point"):
        call(function, [[1, 2], [3, 4]], 0.1)


@pytest.mark.parametrize("function", ORTHOGONAL, ids=lambda f: f.__name__)
def test_orthogonal_penalty_needs_a_matrix_of_at_least_two_vectors(function):
    for w, message in (([1.0, 2.0], "w: expected shape"), ([[1.0, 2.0]], "w: expected at least two rows")):
        with pytest.raises(ValueError, match=message):
            call(function, w, 0.1)
    w = torch.ones(2, 2) if function is orthogonal_penalty_torch else np.ones((2, 2))
    with pytest.raises(ValueError, match=r"mode: expected one of 'rows', 'columns', received 'row'"):
        function(w, 0.1, "row")


ACTIVATION = [getattr(penalties, name) for name in vars(penalties) if "activation_penalty" in name]
SOFT = [soft_threshold, soft_threshold_torch]


@pytest.mark.parametrize("function", ACTIVATION, ids=lambda f: f.__name__)
@pytest.mark.parametrize("strength", [-0.1, float("nan"), float("inf"), "0.1", None, True])
def test_bad_strengths_of_activation_penalties_are_refused(function, strength):
    with pytest.raises(ValueError, match=r"(alpha|beta): expected a finite number of at least 0"):
        call(function, np.ones((2, 3, 4)), strength)


@pytest.mark.parametrize("function", ACTIVATION, ids=lambda f: f.__name__)
def test_outputs_that_are_no_sequences_are_refused(function):
    for output, message in (
        (np.ones((2, 3)), "output: expected shape"),
        (np.ones((2, 0, 3)), "output: expected shape"),
        (np.ones((2, 3, 4), int), "output: expected a floating-point"),
    ):
        with pytest.raises(ValueError, match=message):
            call(function, output, 0.1)


@pytest.mark.parametrize(
    "function",
    [temporal_activation_penalty, temporal_activation_penalty_grad, temporal_activation_penalty_torch],
    ids=lambda f: f.__name__,
)
def test_one_step_has_no_change(function):
    with pytest.raises(ValueError, match=r"output: expected at least two steps"):
        call(function, np.ones((2, 1, 3)), 0.1)


@pytest.mark.parametrize("function", SOFT, ids=lambda f: f.__name__)
@pytest.mark.parametrize("threshold", [-0.1, float("nan"), float("inf"), "0.1", None, True])
def test_bad_thresholds_are_refused(function, threshold):
    with pytest.raises(ValueError, match=r"threshold: expected a finite number of at least 0"):
        call(function, [1.0, 2.0], threshold)


def test_thresholds_and_gradients_of_another_shape_are_refused():
    w = np.ones((2, 3))
    with pytest.raises(ValueError, match=r"threshold: expected shape \(2, 3\), received \(3,\)"):
        soft_threshold(w, np.ones(3))
    with pytest.raises(ValueError, match=r"threshold: expected shape \(2, 3\), received \(3,\)"):
        soft_threshold_torch(torch.tensor(w), torch.ones(3))
    with pytest.raises(ValueError, match=r"grad_output: expected shape \(2, 3\)"):
        soft_threshold_grad(w, 0.1, np.ones(3))
    for function in SOFT:
        with pytest.raises(ValueError, match="w: expected a floating-point"):
            call(function, [1, 2], 0.1)


def test_a_threshold_is_differentiable_where_the_weight_survives():
    w = torch.tensor([2.0, -0.3, 0.0], dtype=torch.float64, requires_grad=True)
    soft_threshold_torch(w, 0.5).sum().backward()
    np.testing.assert_array_equal(w.grad, [1.0, 0.0, 0.0])
    assert activation_penalty_torch(torch.ones(1, 2, 3), 1.0).item() == 1


def test_weight_regularization_is_the_sum_over_all_lstms_and_projects_them():
    model = nn.ModuleList([nn.LSTM(3, 4), nn.LSTM(4, 2, num_layers=2)]).double()
    rules = WeightRegularization(
        penalties={"input": lambda w: l2_penalty_torch(w, 0.3), "bias": lambda b: l1_penalty_torch(b, 0.2)},
        constraints={"recurrent": lambda u: u.clamp(min=0)},
    )
    expected = sum(
        0.15 * (getattr(lstm, f"weight_ih_l{layer}") ** 2).sum()
        + 0.2 * (getattr(lstm, f"bias_ih_l{layer}") + getattr(lstm, f"bias_hh_l{layer}")).abs().sum()
        for lstm in model
        for layer in range(lstm.num_layers)
    )
    torch.testing.assert_close(rules.penalty(model), expected)
    prune.random_unstructured(model[0], "weight_ih_l0", amount=0.5)
    used = model[0].weight_ih_l0.detach()
    alone = WeightRegularization(penalties={"input": lambda w: l2_penalty_torch(w, 0.3)})
    torch.testing.assert_close(alone.penalty(model[0]), 0.15 * used.square().sum())
    rules.constrain_(model[1])
    assert model[1].weight_hh_l1.min() >= 0
    assert model[1].weight_ih_l1.min() < 0
    with pytest.raises(ValueError, match=r"model: expected .* nn\.LSTM, received 'Linear'"):
        rules.penalty(nn.Linear(1, 1))
