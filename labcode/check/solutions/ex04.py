"""Written by `course.py build` from ``source/exercises/ex04_mathematics.py``; edit it there."""

import numpy as np


def soft_threshold(w, threshold):
    """Return sign(w) * max(|w| - threshold, 0)."""
    return np.sign(w) * np.maximum(np.abs(w) - threshold, 0.0)


def proximal_step(w, grad, lr, lam):
    """Return the weights after a gradient step for the loss and the proximal step for lam * sum |w|."""
    return soft_threshold(w - lr * grad, lr * lam)


def lasso_violation(w, grad, lam):
    """Return, for each weight, its distance from the condition of optimality: an array shaped as w."""
    at_zero = np.maximum(np.abs(grad) - lam, 0.0)
    elsewhere = np.abs(grad + lam * np.sign(w))
    return np.where(w == 0, at_zero, elsewhere)


def ridge_shares(x, lam):
    """Return the share that Ridge leaves along each direction of the data, smallest eigenvalue first."""
    values = np.linalg.eigvalsh(x.T @ x / len(x))
    return values / (values + lam)


def same_strengths(lam, n, lr):
    """Return the settings that amount to lam, as a dictionary of four numbers."""
    return {
        "keras_l2": lam / 2,
        "sgd_weight_decay": lam,
        "ridge_alpha": n * lam / 2,
        "adamw_share": lr * lam,
    }


def dropout_penalty(w, x, p):
    """Return the penalty that dropout on the inputs of a linear model amounts to, a number."""
    return p / (1 - p) / 2 * np.sum(w**2 * np.mean(x**2, axis=0))


def adamw_step(w, grad, m, v, t, lr, lam):
    """Return new weights, m and v after one step of AdamW."""
    m = 0.9 * m + 0.1 * grad
    v = 0.999 * v + 0.001 * grad**2
    step = (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return (1 - lr * lam) * w - lr * step, m, v


def dropout_passes(x, w, head, masks):
    """Return mean and spread over the masks of the predictions with dropout on, (N,) each."""
    passes = np.array([np.tanh((mask * x) @ w) @ head for mask in masks])
    return passes.mean(axis=0), passes.std(axis=0)
