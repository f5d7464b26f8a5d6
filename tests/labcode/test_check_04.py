"""Exercise 4 as learners write it: other right answers, wrong ones with their messages, and third parties.

``test_check.py`` holds every switch of every checker against its own message.
"""

import math

import numpy as np
import pytest
import torch
from test_check import feedback
from torch import nn

from labcode import check
from labcode.check.exercise_04 import CHECKERS


def by_cases(w, threshold):
    """Three cases and a loop, for arrays of one or two axes."""
    new = w.copy()
    for index in np.ndindex(w.shape):
        if w[index] > threshold:
            new[index] = w[index] - threshold
        elif w[index] < -threshold:
            new[index] = w[index] + threshold
        else:
            new[index] = 0
    return new


def step_by_clipping(w, grad, lr, lam):
    moved = w - lr * grad
    return moved - np.clip(moved, -lr * lam, lr * lam)


def violation_by_projection(w, grad, lam):
    """Distance of -grad to the set of subgradients, its nearest point found by clipping."""
    lower = np.where(w > 0, lam, -lam)
    upper = np.where(w < 0, -lam, lam)
    return np.abs(-grad - np.clip(-grad, lower, upper))


def shares_by_svd(x, lam):
    squares = np.linalg.svd(x, compute_uv=False) ** 2 / len(x)
    return [value / (value + lam) for value in sorted(squares)]


def adamw_by_torch(w, grad, m, v, t, lr, lam):
    weights = torch.tensor(w)
    weights.grad = torch.tensor(grad)
    optimizer = torch.optim.AdamW([weights], lr=lr, weight_decay=lam)
    state = {"step": torch.tensor(float(t - 1)), "exp_avg": torch.tensor(m), "exp_avg_sq": torch.tensor(v)}
    optimizer.state[weights] = state
    optimizer.step()
    return weights, state["exp_avg"], state["exp_avg_sq"]


def penalty_by_loops(w, x, p):
    total = 0.0
    for j in range(len(w)):
        for row in x:
            total += w[j] ** 2 * row[j] ** 2 / len(x)
    return p * total / (2 * (1 - p))


def passes_by_loops(x, w, head, masks):
    means, spreads = [], []
    for row in x:
        outputs = [math.fsum(np.tanh((mask * row) @ w) * head) for mask in masks]
        mean = sum(outputs) / len(outputs)
        means.append(mean)
        spreads.append(math.sqrt(sum((y - mean) ** 2 for y in outputs) / len(outputs)))
    return [means, spreads]


RIGHT = [
    ("soft_threshold", by_cases),
    ("soft_threshold", lambda w, t: nn.functional.softshrink(torch.tensor(w), t)),
    ("proximal_step", step_by_clipping),
    ("lasso_violation", violation_by_projection),
    ("ridge_shares", shares_by_svd),
    (
        "same_strengths",
        lambda lam, n, lr: {
            "adamw_share": 1 - (1 - lr * lam),
            "ridge_alpha": np.float64(lam) / 2 * n,
            "keras_l2": 0.5 * lam,
            "sgd_weight_decay": lam,
        },
    ),
    ("adamw_step", adamw_by_torch),
    ("dropout_penalty", penalty_by_loops),
    ("dropout_passes", passes_by_loops),
]


@pytest.mark.parametrize(("name", "answer"), RIGHT)
def test_other_right_answers_pass(name, answer, capsys):
    getattr(check, name)(answer)
    assert f"{name}: right" in capsys.readouterr().out


def adam_with_l2(w, grad, m, v, t, lr, lam):
    grad = grad + lam * w
    m, v = 0.9 * m + 0.1 * grad, 0.999 * v + 0.001 * grad * grad
    return w - lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8), m, v


def shrunk_by_lam(w, grad, m, v, t, lr, lam):
    m, v = 0.9 * m + 0.1 * grad, 0.999 * v + 0.001 * grad * grad
    return w - lam * w - lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8), m, v


def strengths(**changes):
    def answer(lam, n, lr):
        right = {"keras_l2": lam / 2, "sgd_weight_decay": lam, "ridge_alpha": n * lam / 2}
        values = {name: change(lam, n, lr) for name, change in changes.items()}
        return right | {"adamw_share": lr * lam} | values

    return answer


def mean_mask(x, w, head, masks):
    prediction = np.tanh((masks.mean(axis=0) * x) @ w) @ head
    return prediction, np.zeros_like(prediction)


WRONG = [
    ("soft_threshold", lambda w, t: np.where(np.abs(w) > t, w, 0), "HARD threshold"),
    ("soft_threshold", lambda w, t: np.maximum(w - t, 0), "zero has two"),
    ("soft_threshold", lambda w, t: w - t * np.sign(w), "other side of zero"),
    ("soft_threshold", lambda w, t: np.maximum(np.abs(w) - t, 0), "have become positive"),
    ("proximal_step", lambda w, g, lr, lam: by_cases(w - lr * g, lam), "must shrink with the step"),
    ("proximal_step", lambda w, g, lr, lam: by_cases(w, lr * lam) - lr * g, "threshold first"),
    ("proximal_step", lambda w, g, lr, lam: w - lr * (g + lam * np.sign(w)), "jumps over zero"),
    (
        "proximal_step",
        lambda w, g, lr, lam: by_cases(w - lr * (g + lam * np.sign(w)), lr * lam),
        "acts twice",
    ),
    ("lasso_violation", lambda w, g, lam: np.abs(g + lam * np.sign(w)), "sign(0) = 0"),
    ("lasso_violation", lambda w, g, lam: np.maximum(np.abs(g) - lam, 0), "for weights that are not zero"),
    ("ridge_shares", lambda x, lam: 1 / (1 + lam / np.linalg.eigvalsh(x.T @ x)), "divide by len(x)"),
    ("ridge_shares", lambda x, lam: 1 - np.array(shares_by_svd(x, lam)), "LOST"),
    ("same_strengths", strengths(keras_l2=lambda lam, n, lr: lam), "without the 1/2"),
    ("same_strengths", strengths(keras_l2=lambda lam, n, lr: 2 * lam), "wrong way"),
    ("same_strengths", strengths(adamw_share=lambda lam, n, lr: lam), "lacks the step size"),
    ("same_strengths", strengths(ridge_alpha=lambda lam, n, lr: n * lam), "ridge_alpha is twice too large"),
    ("adamw_step", adam_with_l2, "Adam with L2"),
    ("adamw_step", shrunk_by_lam, "shrink by lam in each step"),
    (
        "dropout_penalty",
        lambda w, x, p: p * (1 - p) / 2 * (w**2 * (x**2).mean(0)).sum(),
        "variance of a mask",
    ),
    ("dropout_penalty", lambda w, x, p: (1 - p) / p / 2 * (w**2 * (x**2).mean(0)).sum(), "to KEEP"),
    ("dropout_penalty", lambda w, x, p: p / (1 - p) / 2 * (w**2 * x.mean(0) ** 2).sum(), "square first"),
    ("dropout_penalty", lambda w, x, p: p / (1 - p) / 2 * (w**2).sum(), "plain L2"),
    ("dropout_passes", mean_mask, "average the masks"),
    (
        "dropout_passes",
        lambda x, w, v, masks: (np.tanh(x @ w) @ v, np.zeros(len(x))),
        "evaluation mode",
    ),
]


@pytest.mark.parametrize(("name", "answer", "fragment"), WRONG)
def test_wrong_answers_as_learners_write_them(name, answer, fragment):
    message = feedback(getattr(check, name), answer)
    assert fragment in message.replace("\n", " "), message


def test_two_mistakes_at_once_are_both_named():
    answer = strengths(keras_l2=lambda lam, n, lr: lam, ridge_alpha=lambda lam, n, lr: lam / 2)
    message = feedback(check.same_strengths, answer).replace("\n", " ")
    assert "without the 1/2" in message
    assert "number of rows" in message


def test_no_misconception_is_named_where_none_fits():
    message = feedback(check.soft_threshold, lambda w, threshold: w + 17)
    assert message.count("→") == 1
    assert "lie on a straight line over `w`" in message


def test_every_task_of_the_exercise_is_here():
    assert len(CHECKERS) == 8
    assert sum(len(checker.misconceptions) for checker in CHECKERS) >= 40
