"""Exercise 7 as learners write it: other right answers, wrong ones with their messages, and PyTorch itself.

``test_check.py`` holds every switch of every checker against its own message.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_check import feedback
from torch import nn

from labcode import check
from labcode.check.port import Port
from labcode.keras_interop import import_keras

NAMES = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")


def weights_by_torch(state):
    ih, hh, b_ih, b_hh = (torch.as_tensor(state[name]) for name in NAMES)
    return ih.t(), hh.t(), b_ih.add(b_hh)


def weights_by_einsum(state):
    return [np.einsum("gf->fg", state[name]) for name in NAMES[:2]] + [np.add(*(state[n] for n in NAMES[2:]))]


def back_by_torch(kernel, recurrent_kernel, bias):
    arrays = kernel.swapaxes(0, 1), recurrent_kernel.swapaxes(0, 1), bias, 0 * bias
    return {name: torch.tensor(array) for name, array in zip(NAMES, arrays, strict=True)}


def reorder_by_loop(w, source, target):
    size, same = len(w) // 4, {"c": "g", "j": "g"}
    new = np.empty_like(w)
    for place, gate in enumerate(target):
        at = [same.get(other, other) for other in source].index(same.get(gate, gate))
        new[place * size : (place + 1) * size] = w[at * size : (at + 1) * size]
    return new.tolist()


def sum_by_torch(b_ih, b_hh, grads, lr, frozen):
    biases = [nn.Parameter(torch.tensor(b_ih)), nn.Parameter(torch.tensor(b_hh), requires_grad=not frozen)]
    optimizer = torch.optim.SGD([b for b in biases if b.requires_grad], lr=lr)
    for grad in grads:
        optimizer.zero_grad()
        (sum(biases) * torch.tensor(grad)).sum().backward()
        optimizer.step()
    return sum(biases).detach()


def same_by_ifs(pytorch, keras):
    verdict = dict.fromkeys(("penalty", "constraint", "clipping", "bias"), False)
    if abs(2 * keras["l2"] - pytorch["lam"]) < 1e-9:
        verdict["penalty"] = True
    if keras["axis"] == pytorch["renorm_dim"]:
        verdict["constraint"] = True
    if "global_clipnorm" in keras and keras["global_clipnorm"] == pytorch["clip_grad_norm"]:
        verdict["clipping"] = True
    verdict["bias"] = pytorch["bias_hh_frozen"]
    return verdict


def faults_by_sets(port):
    x = np.random.default_rng(3).normal(size=(9, port.features))
    evaluations = {port.forward(x, False).tobytes() for _ in range(4)}
    trainings = {port.forward(x, True).tobytes() for _ in range(4)}
    return {
        "recurrence": len(trainings) == 1,
        "evaluation": len(evaluations) > 1,
        "penalty": abs(port.penalty([1.0]) - port.lam / 2) > 1e-9,
    }


def ratio_by_percentiles(ours, theirs):
    rounds = [a / b for a, b in zip(ours, theirs, strict=True)][1:]
    return tuple(np.percentile(rounds, p) for p in (50, 25, 75))


@pytest.mark.parametrize(
    ("checker", "answer"),
    [
        (check.weights_for_keras, weights_by_torch),
        (check.weights_for_keras, weights_by_einsum),
        (check.weights_for_pytorch, back_by_torch),
        (check.reorder_gates, reorder_by_loop),
        (check.bias_sum, sum_by_torch),
        (check.same_settings, same_by_ifs),
        (check.find_faults, faults_by_sets),
        (check.speed_ratio, ratio_by_percentiles),
    ],
)
def test_other_right_answers_pass(checker, answer, capsys):
    checker(answer)
    assert f"{checker.name}: right" in capsys.readouterr().out


def _both_modes(port):
    x = np.ones((4, port.features))
    return check.find_faults.solution(port) | {
        "evaluation": not np.array_equal(port.forward(x, True), port.forward(x, True))
    }


WRONG = [
    (check.weights_for_keras, lambda s: [s[n].T for n in NAMES[:2]] + [s["bias_ih_l0"]], "`bias_ih` alone"),
    (
        check.weights_for_keras,
        lambda s: [s[n].reshape(s[n].shape[::-1]) for n in NAMES[:2]] + [s["bias_ih_l0"] + s["bias_hh_l0"]],
        "`reshape` reads",
    ),
    (check.weights_for_pytorch, lambda k, r, b: back_by_torch(k, r, b) | {NAMES[3]: b}, "starts at 2"),
    (
        check.weights_for_pytorch,
        lambda k, r, b: back_by_torch(k, r, b) | {NAMES[2]: b / 2, NAMES[3]: b / 2},
        "one half",
    ),
    (check.weights_for_pytorch, lambda k, r, b: [k.T, r.T, b], "First difference"),
    (check.reorder_gates, lambda w, source, target: w, "Nothing has moved"),
    (
        check.reorder_gates,
        lambda w, source, target: reorder_by_loop(w, target, source),
        "the other way",
    ),
    (
        check.bias_sum,
        lambda b_ih, b_hh, grads, lr, frozen: b_ih + b_hh - lr * np.sum(grads, axis=0),
        "twice as far",
    ),
    (
        check.same_settings,
        lambda p, k: same_by_ifs(p, k) | {"penalty": k["l2"] == p["lam"]},
        "HALF of lam",
    ),
    (
        check.same_settings,
        lambda p, k: same_by_ifs(p, k) | {"constraint": k["axis"] != p["renorm_dim"]},
        "exchanged the axes",
    ),
    (check.find_faults, _both_modes, "Call evaluation twice"),
    (
        check.find_faults,
        lambda port: faults_by_sets(port) | {"recurrence": not port.settings["recurrent_dropout"]},
        "accepted and do nothing",
    ),
    (check.speed_ratio, lambda a, b: np.quantile(np.divide(a, b), [0.5, 0.25, 0.75]), "first round"),
    (
        check.speed_ratio,
        lambda a, b: np.quantile(np.divide(b, a)[1:], [0.5, 0.25, 0.75]),
        "upside down",
    ),
]


@pytest.mark.parametrize(("checker", "answer", "fragment"), WRONG)
def test_wrong_answers_as_learners_write_them(checker, answer, fragment):
    assert fragment in feedback(checker, answer).replace("\n", " ")


def test_two_mistakes_at_once_are_both_named():
    message = feedback(
        check.weights_for_keras, lambda s: [s[n] for n in NAMES[:2]] + [s[NAMES[2]] + s[NAMES[3]]]
    )
    message = message.replace("\n", " ")
    assert "The kernel still has" in message
    assert "The recurrent kernel still has" in message


def test_an_unknown_name_of_the_candidate_is_explained():
    def blocks(w, source, target):
        return np.concatenate([np.split(w, 4)[source.index(gate)] for gate in target])

    assert "ValueError" in feedback(check.reorder_gates, blocks)


@settings(deadline=None, derandomize=True, max_examples=10)
@given(features=st.integers(1, 4), hidden=st.integers(1, 4), seed=st.integers(0, 99))
def test_keras_computes_with_these_weights_what_pytorch_did(features, hidden, seed):
    """Two libraries that nobody here wrote agree on the solutions of tasks 1 and 2."""
    torch.manual_seed(seed)
    lstm, x = nn.LSTM(features, hidden, batch_first=True), torch.randn(2, 3, features)
    layer = import_keras().layers.LSTM(hidden, return_sequences=True)
    layer.build((None, None, features))
    state = {name: weight.numpy() for name, weight in lstm.state_dict().items()}
    layer.set_weights(check.weights_for_keras.solution(state))
    torch.testing.assert_close(layer(x), lstm(x)[0], rtol=0, atol=2e-6)
    back = check.weights_for_pytorch.solution(*layer.get_weights())
    lstm.load_state_dict({name: torch.from_numpy(array) for name, array in back.items()})
    torch.testing.assert_close(layer(x), lstm(x)[0], rtol=0, atol=2e-6)
    assert not lstm.bias_hh_l0.any()


@settings(deadline=None, derandomize=True)
@given(source=st.permutations("ifgo"), target=st.permutations("ifgo"), hidden=st.integers(1, 3))
def test_reordering_there_and_back_changes_nothing(source, target, hidden):
    w, solution = np.random.default_rng(0).normal(size=(4 * hidden, 2)), check.reorder_gates.solution
    source, target = "".join(source), "".join(target)
    moved = solution(w, source, target)
    np.testing.assert_array_equal(solution(moved, target, source), w)
    for gate in "ifgo":
        theirs, ours = (np.split(array, 4) for array in (w, moved))
        np.testing.assert_array_equal(ours[target.index(gate)], theirs[source.index(gate)])


@pytest.mark.parametrize("dim", [0, 1])
def test_renorm_and_max_norm_mean_the_same_by_the_same_number(dim):
    """The constraint of same_settings, by PyTorch and Keras themselves: U here, U transposed there."""
    u = torch.randn(8, 2, generator=torch.Generator().manual_seed(0))
    theirs = import_keras().constraints.MaxNorm(0.7, axis=dim)(u.T)
    torch.testing.assert_close(theirs.T, u.renorm(2, dim, 0.7), rtol=0, atol=1e-6)


def test_a_port_without_faults_is_an_lstm_of_pytorch_in_evaluation():
    drawn = np.random.default_rng(1)
    w, u, b = (drawn.normal(size=(128, n)) / 2 for n in (3, 32, 1))
    lstm = nn.LSTM(3, 32, batch_first=True).double()
    values = (w, u, b[:, 0], np.zeros(128))
    lstm.load_state_dict({name: torch.from_numpy(value) for name, value in zip(NAMES, values, strict=True)})
    x = np.random.default_rng(0).normal(size=(5, 3))
    expected = lstm(torch.from_numpy(x)[None])[0][0].detach().numpy()
    np.testing.assert_allclose(Port("A").forward(x, training=False), expected, rtol=1e-10)


def test_a_port_tells_nothing_by_its_looks_and_refuses_other_shapes():
    assert repr(Port("B", factor=2.0, recurrent=False)) == "Port('B', lam=0.1)"
    with pytest.raises(ValueError, match=r"expected shape .* received"):
        Port("A").forward(np.ones((4, 2)), training=True)
