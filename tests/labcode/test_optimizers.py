"""NumPy optimizers against torch.optim, the places of weight decay, proximal steps against Lasso, clipping.

Recorded runs of torch and Keras are in ``test_conformance.py``.
"""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from sklearn.linear_model import Lasso
from torch import nn

from labcode.optimizers import (
    ProximalAdam,
    ProximalSGD,
    adam,
    adamw,
    clip_by_global_norm,
    clip_by_global_norm_torch,
    clip_by_norm,
    clip_by_norm_torch,
    clip_by_value,
    clip_by_value_torch,
    proximal_adam,
    proximal_sgd,
    sgd,
)
from labcode.penalties import l1_penalty_grad, l2_penalty_grad

EXAMPLES = settings(deadline=None, derandomize=True, max_examples=50)
VALUES = st.floats(-10, 10).map(lambda value: value if abs(value) > 1e-100 else 0.0)  # their squares vanish
GRADS = arrays(np.float64, array_shapes(max_dims=2, max_side=4), elements=VALUES)
W = np.random.default_rng(0).normal(size=(3, 4))
STEPS = np.random.default_rng(1).normal(size=(50, 3, 4))

MOMENTUM = {"momentum": 0.9, "weight_decay": 0.1}
TWINS = {
    "sgd": (sgd, torch.optim.SGD, {"lr": 0.1}),
    "sgd, decay": (sgd, torch.optim.SGD, {"lr": 0.1, "weight_decay": 0.3}),
    "momentum": (sgd, torch.optim.SGD, {"lr": 0.1} | MOMENTUM),
    "dampening": (sgd, torch.optim.SGD, {"lr": 0.1, "dampening": 0.4} | MOMENTUM),
    "nesterov": (sgd, torch.optim.SGD, {"lr": 0.1, "nesterov": True} | MOMENTUM),
    "adam": (adam, torch.optim.Adam, {}),
    "adam, decay": (
        adam,
        torch.optim.Adam,
        {"lr": 0.1, "betas": (0.8, 0.95), "eps": 0.1, "weight_decay": 0.3},
    ),
    "adam, decoupled": (
        adam,
        torch.optim.Adam,
        {"lr": 0.1, "weight_decay": 0.3, "decoupled_weight_decay": True},
    ),
    "adamw": (adamw, torch.optim.AdamW, {}),
    "adamw, decay": (adamw, torch.optim.AdamW, {"lr": 0.1, "betas": (0.8, 0.95), "weight_decay": 0.3}),
    "proximal sgd": (proximal_sgd, ProximalSGD, {"lr": 0.1, "lam_l1": 0.3}),
    "proximal momentum": (
        proximal_sgd,
        ProximalSGD,
        {"lr": 0.1, "lam_l1": 0.1, "nesterov": True} | MOMENTUM,
    ),
    "proximal adam": (proximal_adam, ProximalAdam, {"lr": 0.1, "lam_l1": 0.3}),
    "proximal adamw": (
        proximal_adam,
        ProximalAdam,
        {"lr": 0.1, "lam_l1": 0.3, "weight_decay": 0.3, "decoupled_weight_decay": True, "betas": (0.8, 0.9)},
    ),
}


def numpy_run(update, w, grads, **options):
    """Return the weights after each step; a gradient may be a function of the weights."""
    state, after = None, []
    for grad in grads:
        w, state = update(w, grad(w) if callable(grad) else grad, state, **options)
        after.append(w)
    return np.array(after)


def torch_run(optimizer_class, w, grads, **options):
    w = torch.tensor(w, requires_grad=True)
    optimizer, after = optimizer_class([w], **options), []
    for grad in grads:
        w.grad = torch.as_tensor(grad(w.detach().numpy()) if callable(grad) else grad)
        optimizer.step()
        after.append(w.detach().numpy().copy())
    return np.array(after)


@pytest.mark.parametrize(("update", "optimizer_class", "options"), TWINS.values(), ids=TWINS)
def test_fifty_steps_are_those_of_torch(update, optimizer_class, options):
    expected = torch_run(optimizer_class, W, STEPS, **options)
    np.testing.assert_allclose(numpy_run(update, W, STEPS, **options), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("update", [sgd, adam, adamw], ids=lambda f: f.__name__)
def test_arguments_are_not_changed_in_place(update):
    w, grad = W.copy(), STEPS[0].copy()
    _, state = update(w, grad, lr=0.1)
    before = copy.deepcopy(state)
    update(w, grad, state, lr=0.1)
    np.testing.assert_array_equal(w, W)
    np.testing.assert_array_equal(grad, STEPS[0])
    np.testing.assert_equal(state, before)


@EXAMPLES
@given(w=GRADS, seed=st.integers(0, 9), lr=st.floats(0.01, 1), decay=st.floats(0, 1))
def test_under_plain_sgd_coupled_and_decoupled_decay_are_one(w, seed, lr, decay):
    grads = np.random.default_rng(seed).normal(size=(5, *w.shape))
    coupled = numpy_run(sgd, w, grads, lr=lr, weight_decay=decay)
    decoupled = numpy_run(sgd, w, grads, lr=lr, weight_decay=decay, decoupled_weight_decay=True)
    np.testing.assert_allclose(coupled, decoupled, rtol=1e-12, atol=1e-12)
    penalized = numpy_run(sgd, w, [lambda v, g=g: g + l2_penalty_grad(v, decay) for g in grads], lr=lr)
    np.testing.assert_allclose(coupled, penalized, rtol=1e-12, atol=1e-12)
    still = numpy_run(sgd, w, [np.zeros_like(w)], lr=lr, weight_decay=decay, decoupled_weight_decay=True)[0]
    np.testing.assert_allclose(still, (1 - lr * decay) * w, rtol=1e-15)


@pytest.mark.parametrize(
    ("update", "options"),
    [
        (sgd, {"lr": 0.1, "momentum": 0.9}),
        (sgd, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
        (adam, {"lr": 0.1}),
    ],
    ids=["momentum", "nesterov", "adam"],
)
def test_with_momentum_and_under_adam_they_part(update, options):
    coupled = numpy_run(update, W, STEPS[:5], **options, weight_decay=0.3)
    decoupled = numpy_run(update, W, STEPS[:5], **options, weight_decay=0.3, decoupled_weight_decay=True)
    assert np.abs(coupled - decoupled).max() > 0.01
    penalized = [lambda v, g=g: g + l2_penalty_grad(v, 0.3) for g in STEPS[:5]]
    np.testing.assert_allclose(coupled, numpy_run(update, W, penalized, **options), rtol=1e-12)


def test_under_adam_only_the_decoupled_decay_shrinks_weights_alike():
    w, grads = np.ones(2), np.tile([0.01, 10.0], (100, 1)) * np.tile([[1.0], [-1.0]], (50, 1))
    options = {"lr": 0.01, "weight_decay": 0.1}
    coupled, decoupled = numpy_run(adam, w, grads, **options), numpy_run(adamw, w, grads, **options)
    plain = numpy_run(adamw, w, grads, lr=0.01, weight_decay=0.0)
    lost_coupled, lost_decoupled = (plain - coupled)[-1], (plain - decoupled)[-1]
    np.testing.assert_allclose(lost_decoupled[0], lost_decoupled[1], rtol=0.05)
    assert lost_coupled[0] > 10 * abs(lost_coupled[1])


# A small Lasso: 30 samples, 6 features, the last three without effect.
X = np.random.default_rng(2).normal(size=(30, 6)) * [1.0, 2.0, 0.5, 1.0, 2.0, 0.5]
Y = X @ [2.0, -1.0, 3.0, 0.0, 0.0, 0.0] + 0.1 * np.random.default_rng(3).normal(size=30)
LAM = 0.3
LASSO = Lasso(alpha=LAM, fit_intercept=False, tol=1e-14, max_iter=10**6).fit(X, Y).coef_


def lasso_grad(w):
    """The gradient of mean((X w - y)^2) / 2, without the penalty."""
    return X.T @ (X @ w - Y) / len(Y)


PROXIMAL = {
    "sgd": (proximal_sgd, ProximalSGD, {"lr": 0.05}),
    "momentum": (proximal_sgd, ProximalSGD, {"lr": 0.05, "momentum": 0.8}),
    "nesterov": (proximal_sgd, ProximalSGD, {"lr": 0.05, "momentum": 0.8, "nesterov": True}),
    "adam": (proximal_adam, ProximalAdam, {"lr": 0.01}),
}


@pytest.mark.parametrize(("by_hand", "twin", "options"), PROXIMAL.values(), ids=PROXIMAL)
def test_proximal_steps_reach_the_lasso_with_its_exact_zeros(by_hand, twin, options):
    w = np.zeros(6)
    by_numpy = numpy_run(by_hand, w, [lasso_grad] * 3000, lam_l1=LAM, **options)[-1]
    by_torch = torch_run(twin, w, [lasso_grad] * 3000, lam_l1=LAM, **options)[-1]
    assert 2 <= (LASSO == 0).sum() < 6
    for found in (by_numpy, by_torch):
        np.testing.assert_array_equal(found == 0, LASSO == 0)
        np.testing.assert_allclose(found, LASSO, atol=1e-8)


@pytest.mark.parametrize(("update", "lr"), [(sgd, 0.05), (adam, 0.01)], ids=["sgd", "adam"])
def test_the_subgradient_gives_no_exact_zeros(update, lr):
    grad = [lambda w: lasso_grad(w) + l1_penalty_grad(w, LAM)] * 3000
    found = numpy_run(update, np.ones(6), grad, lr=lr)[-1]
    assert (found != 0).all()
    assert np.abs(found - LASSO).max() < 0.1


@EXAMPLES
@given(w=GRADS, lr=st.floats(0.01, 1), lam=st.floats(0, 10), seed=st.integers(0, 9))
def test_the_proximal_step_is_non_expansive_and_zeroes_what_is_small(w, lr, lam, seed):
    other, grad = w + np.random.default_rng(seed).normal(size=w.shape), np.zeros_like(w)
    (new, _), (new_other, _) = (proximal_sgd(v, grad, lr=lr, lam_l1=lam) for v in (w, other))
    assert (np.abs(new - new_other) <= np.abs(w - other) + 1e-14).all()
    np.testing.assert_array_equal(new == 0, np.abs(w) <= lr * lam)


def test_without_a_penalty_the_proximal_optimizers_are_those_of_torch():
    for ours, torchs in ((ProximalSGD, torch.optim.SGD), (ProximalAdam, torch.optim.Adam)):
        found = torch_run(ours, W, STEPS, lr=0.1, lam_l1=0.0)
        np.testing.assert_array_equal(found, torch_run(torchs, W, STEPS, lr=0.1))


@pytest.mark.parametrize("optimizer_class", [ProximalSGD, ProximalAdam])
def test_groups_have_strengths_of_their_own(optimizer_class):
    torch.manual_seed(0)
    lstm = nn.LSTM(3, 4)
    recurrent = {"params": [lstm.weight_hh_l0], "lam_l1": 100.0}
    optimizer = optimizer_class([recurrent, {"params": [lstm.weight_ih_l0]}], lr=0.01, lam_l1=0.0)
    optimizer.add_param_group({"params": [lstm.bias_ih_l0], "lam_l1": 100.0})
    optimizer.add_param_group({"params": [lstm.bias_hh_l0]})
    lstm(torch.ones(5, 2, 3))[0].sum().backward()
    lstm.bias_ih_l0.grad = None  # no gradient, no step, no penalty
    optimizer.step()
    assert [group["lam_l1"] for group in optimizer.param_groups] == [100.0, 0.0, 100.0, 0.0]
    zeros = {name: bool((w == 0).all()) for name, w in lstm.named_parameters()}
    assert zeros == {"weight_ih_l0": False, "weight_hh_l0": True, "bias_ih_l0": False, "bias_hh_l0": False}


@pytest.mark.parametrize("optimizer_class", [ProximalSGD, ProximalAdam])
def test_a_proximal_optimizer_resumes_from_its_state_dict(optimizer_class):
    options = {"lr": 0.1, "lam_l1": 0.3}
    whole = torch_run(optimizer_class, W, STEPS[:6], **options)
    w = torch.tensor(W, requires_grad=True)
    first = optimizer_class([w], **options)
    for step, grad in enumerate(STEPS[:6]):
        if step == 3:
            second = optimizer_class([w], lr=1.0, lam_l1=0.0)
            second.load_state_dict(first.state_dict())
            first = second
        w.grad = torch.tensor(grad)
        first.step()
    np.testing.assert_array_equal(w.detach(), whole[-1])


def test_proximal_adam_leaves_alone_what_got_no_gradient():
    """At v = 0 the step size would be lr / eps: one step, and the words of other batches were gone."""
    table = nn.Embedding(6, 3)
    start, optimizer = table.weight.detach().clone(), ProximalAdam(table.parameters(), 1e-2, lam_l1=1e-3)
    w, state = start.double().numpy(), None
    for words in ([0, 1], [0, 2], [0, 2], [0, 2]):
        optimizer.zero_grad()
        table(torch.tensor(words)).square().sum().backward()
        grad = table.weight.grad.double().numpy()
        optimizer.step()
        w, state = proximal_adam(w, grad, state, lr=1e-2, lam_l1=1e-3)
    assert torch.equal(table.weight[3:], start[3:])
    assert (table.weight[:3] != start[:3]).all()
    np.testing.assert_allclose(table.weight.detach(), w, rtol=1e-4)


@pytest.mark.parametrize("norm_type", [1, 1.5, 2.0, 3, 3.5, np.inf, np.float32(1)])
def test_clipping_by_any_norm_is_that_of_torch(norm_type):
    rng = np.random.default_rng(0)
    grads = [rng.normal(size=(4, 3)), rng.normal(size=5)]
    parameters = [nn.Parameter(torch.zeros(grad.shape, dtype=torch.float64)) for grad in grads]
    for limit in (0.5, 100.0):
        for parameter, grad in zip(parameters, grads, strict=True):
            parameter.grad = torch.tensor(grad)
        wanted = nn.utils.clip_grad_norm_(parameters, limit, norm_type=norm_type).item()
        options = {"eps": 1e-6, "norm_type": norm_type}
        clipped, norm = clip_by_global_norm(grads, limit, **options)
        tensors, twin_s_norm = clip_by_global_norm_torch([torch.tensor(g) for g in grads], limit, **options)
        assert norm == pytest.approx(wanted, rel=1e-12)
        assert twin_s_norm.item() == pytest.approx(wanted, rel=1e-12)
        for parameter, by_hand, tensor in zip(parameters, clipped, tensors, strict=True):
            np.testing.assert_allclose(by_hand, parameter.grad, rtol=1e-12)
            np.testing.assert_allclose(tensor, parameter.grad, rtol=1e-12)


@pytest.mark.parametrize("norm_type", [0, -1, float("nan"), "inf", True])
def test_other_norms_are_refused(norm_type):
    for clip, grad in ((clip_by_norm, np.ones(3)), (clip_by_norm_torch, torch.ones(3))):
        with pytest.raises(ValueError, match="norm_type: expected"):
            clip(grad, 1.0, norm_type)


def test_a_closure_is_called_with_gradients_and_its_loss_returned():
    w = torch.tensor([1.0, -2.0], requires_grad=True)
    optimizer = ProximalSGD([w], lr=0.1, lam_l1=1.0)

    def closure():
        optimizer.zero_grad()
        loss = w.square().sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 5.0
    torch.testing.assert_close(w.detach(), torch.tensor([0.7, -1.5]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("optimizer_class", [ProximalSGD, ProximalAdam])
def test_the_dtype_of_the_weights_is_kept(optimizer_class, dtype):
    w = torch.ones(3, dtype=dtype, requires_grad=True)
    w.grad = torch.tensor([1.0, -1.0, 0.0], dtype=dtype)
    optimizer_class([w], lr=0.1, lam_l1=0.5).step()
    assert w.dtype == dtype
    assert w.isfinite().all()


@EXAMPLES
@given(grads=st.lists(GRADS, min_size=1, max_size=3), limit=st.floats(0.1, 10))
def test_clipping_by_the_global_norm_is_that_of_torch(grads, limit):
    parameters = [nn.Parameter(torch.zeros(grad.shape, dtype=torch.float64)) for grad in grads]
    for parameter, grad in zip(parameters, grads, strict=True):
        parameter.grad = torch.tensor(grad)
    torch_norm = nn.utils.clip_grad_norm_(parameters, limit)
    tensors = [torch.tensor(grad) for grad in grads]
    for clipped, norm in (
        clip_by_global_norm(grads, limit, eps=1e-6),
        clip_by_global_norm_torch(tensors, limit, eps=1e-6),
    ):
        np.testing.assert_allclose(norm, torch_norm, rtol=1e-12)
        for found, parameter in zip(clipped, parameters, strict=True):
            np.testing.assert_allclose(found, parameter.grad, rtol=1e-12)


@EXAMPLES
@given(grads=st.lists(GRADS, min_size=1, max_size=3), limit=st.floats(0.1, 10))
def test_clipping_by_norm_bounds_it_and_keeps_the_direction(grads, limit):
    clipped, norm = clip_by_global_norm(grads, limit)
    flat, new = (np.concatenate([g.ravel() for g in some]) for some in (grads, clipped))
    np.testing.assert_allclose(norm, np.linalg.norm(flat), rtol=1e-12)
    assert np.linalg.norm(new) <= limit * (1 + 1e-12)
    np.testing.assert_allclose(new * norm, flat * min(norm, limit), rtol=1e-12, atol=1e-12)
    by_itself = clip_by_norm(grads[0], limit)
    assert np.linalg.norm(by_itself) <= limit * (1 + 1e-12)
    if np.linalg.norm(grads[0]) <= limit:
        np.testing.assert_array_equal(by_itself, grads[0])
        np.testing.assert_array_equal(clip_by_norm_torch(torch.tensor(grads[0]), limit), grads[0])


@EXAMPLES
@given(grad=GRADS, limit=st.floats(0.1, 10))
def test_clipping_by_value_is_that_of_torch(grad, limit):
    parameter = nn.Parameter(torch.zeros(grad.shape, dtype=torch.float64))
    parameter.grad = torch.tensor(grad)
    nn.utils.clip_grad_value_([parameter], limit)
    np.testing.assert_array_equal(clip_by_value(grad, limit), parameter.grad)


def test_clipping_by_value_can_turn_the_direction_and_by_norm_cannot():
    grad = np.array([1.0, 100.0])
    np.testing.assert_array_equal(clip_by_value(grad, 1.0), [1.0, 1.0])
    np.testing.assert_allclose(clip_by_norm(grad, 1.0) * np.linalg.norm(grad), grad)


UPDATES = {
    "sgd": (sgd, {"lr": 0.1}),
    "adam": (adam, {}),
    "adamw": (adamw, {}),
    "proximal_sgd": (proximal_sgd, {"lr": 0.1, "lam_l1": 0.1}),
    "proximal_adam": (proximal_adam, {"lam_l1": 0.1}),
}
BAD = [-0.1, float("nan"), float("inf"), "0.1", None, True]


@pytest.mark.parametrize(("update", "options"), UPDATES.values(), ids=UPDATES)
@pytest.mark.parametrize("bad", BAD)
def test_bad_settings_are_refused(update, options, bad):
    for name in {"lr", "weight_decay"} | set(options):
        with pytest.raises(ValueError, match=f"{name}: expected a finite number of at least 0, received"):
            update(W, W, **options | {name: bad})


@pytest.mark.parametrize("bad", [*BAD, 1.0])
def test_shares_lie_between_0_and_1(bad):
    for name in ("momentum", "dampening"):
        with pytest.raises(ValueError, match=f"{name}: expected"):
            sgd(W, W, lr=0.1, **{name: bad})
    for betas in ((bad, 0.9), (0.9, bad)):
        with pytest.raises(ValueError, match="betas: expected"):
            adam(W, W, betas=betas)


@pytest.mark.parametrize(("update", "options"), UPDATES.values(), ids=UPDATES)
def test_bad_arrays_are_refused(update, options):
    with pytest.raises(ValueError, match=r"w: expected a floating-point array, received dtype\('int64'\)"):
        update(np.ones(3, int), np.ones(3), **options)
    with pytest.raises(ValueError, match=r"grad: expected shape \(3,\), received \(4,\)"):
        update(np.ones(3), np.ones(4), **options)
    _, state = update(np.ones(4), np.ones(4), **options)
    with pytest.raises(ValueError, match=r"expected shape \(3,\), received \(4,\)"):
        update(np.ones(3), np.ones(3), state, **options)


def test_other_bad_arguments_are_refused():
    for options in ({"momentum": 0.0}, {"momentum": 0.9, "dampening": 0.1}):
        with pytest.raises(ValueError, match="nesterov: expected False without momentum or with dampening"):
            sgd(W, W, lr=0.1, nesterov=True, **options)
    with pytest.raises(ValueError, match="nesterov: expected one of True, False"):
        sgd(W, W, lr=0.1, nesterov="yes")
    with pytest.raises(ValueError, match="betas: expected a pair"):
        adam(W, W, betas=(0.9,))
    for function in (clip_by_global_norm, clip_by_global_norm_torch):
        with pytest.raises(ValueError, match="grads: expected at least one gradient"):
            function([], 1.0)


CLIPS = [clip_by_value, clip_by_value_torch, clip_by_norm, clip_by_norm_torch]


@pytest.mark.parametrize("clip", CLIPS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("limit", [*BAD, 0.0])
def test_bad_limits_are_refused(clip, limit):
    with pytest.raises(ValueError, match="expected a"):
        clip(torch.ones(3) if clip.__name__.endswith("torch") else np.ones(3), limit)


@pytest.mark.parametrize("clip", CLIPS, ids=lambda f: f.__name__)
def test_integer_gradients_are_refused(clip):
    with pytest.raises(ValueError, match="expected a floating-point"):
        clip(torch.ones(3, dtype=torch.int64) if clip.__name__.endswith("torch") else np.ones(3, int), 1.0)


@pytest.mark.parametrize("optimizer_class", [ProximalSGD, ProximalAdam])
@pytest.mark.parametrize("lam", BAD)
def test_bad_strengths_are_refused_by_the_twins(optimizer_class, lam):
    w = torch.ones(3, requires_grad=True)
    with pytest.raises(ValueError, match="lam_l1: expected"):
        optimizer_class([w], lr=0.1, lam_l1=lam)
    w.grad = torch.ones(3)
    with pytest.raises(ValueError, match="lam_l1: expected"):
        optimizer_class([{"params": [w], "lam_l1": lam}], lr=0.1, lam_l1=0.1).step()
