"""Arguments drawn at random for the tasks of exercises 1 to 4: what no answer can have been written for.

A function a task, under the task's name; each takes a NumPy generator and returns the arguments of one call.
Sizes are drawn as well, down to one; where equal losses, zeros or bounds matter, numbers come from a coarse
grid of binary fractions, on which every right way to compute agrees exactly. A sampler's sizes are large.
"""

from collections.abc import Callable

import numpy as np

from labcode.check.core import Case
from labcode.check.side_effects import Seed
from labcode.check.trainer import Trainer


def drawn(draw: Callable[[np.random.Generator], tuple], *seeds: int) -> tuple[Case, ...]:
    """Return a case for each seed, with the arguments that ``draw`` makes from it.

    Example:
        >>> drawn(l2_penalty, 0, 1)[1].label
        'drawn at random (1)'
    """
    return tuple(Case(f"drawn at random ({seed})", draw(np.random.default_rng([17, seed]))) for seed in seeds)


def normal(rng, *shape, scale=1.0):
    """Return normal numbers with three decimals."""
    return np.round(rng.normal(size=shape, scale=scale), 3)


def coarse(rng, n, low=2, high=10):
    """Return losses that are multiples of 1/4, so that some of them are equal."""
    return rng.integers(low, high, n) / 4


def rate(rng):
    """Return a rate from 0.1 to 0.9."""
    return float(rng.integers(1, 10)) / 10


def lstm_weights(rng, layers=None):
    """Return an LSTM's weights and biases by name, of one or two layers, in PyTorch's order."""
    hidden, features = rng.integers(1, 4, 2)
    state = {}
    for layer in range(rng.integers(1, 3) if layers is None else layers):
        state[f"weight_ih_l{layer}"] = normal(rng, 4 * hidden, hidden if layer else features)
        state[f"weight_hh_l{layer}"] = normal(rng, 4 * hidden, hidden)
        state |= {f"bias_{part}_l{layer}": normal(rng, 4 * hidden) for part in ("ih", "hh")}
    return state


# Exercises 1 to 3


def generalization_gap(rng):
    n = rng.integers(1, 8)
    return rng.uniform(0.1, 2, n), rng.uniform(0.1, 2, n)


def l2_penalty(rng):
    return lstm_weights(rng), float(rng.uniform(0.01, 4))


def stopping_epoch(rng):
    return coarse(rng, rng.integers(1, 16)).tolist(), int(rng.integers(1, 5))


def dropped_layers(rng):
    return int(rng.integers(1, 9)), float(rng.integers(0, 3)) / 4, bool(rng.integers(4))


def inverted_dropout(rng):
    shape = tuple(rng.integers(1, 5, rng.integers(1, 4)))
    p = rate(rng)
    return normal(rng, *shape), rng.random(shape) >= p, p, bool(rng.integers(4))


def penalty_by_part(rng):
    strengths = rng.uniform(0.1, 2, (2, 2)).round(3).tolist()
    parts = ("input", "recurrent")
    named = [{part: s for part, s in zip(parts, row, strict=True) if rng.integers(4)} for row in strengths]
    return lstm_weights(rng), *named


def export_head(rng):
    outputs, inputs = rng.integers(1, 5, 2)
    return normal(rng, outputs, inputs), normal(rng, outputs), rate(rng)


def masked_step(rng):
    batch, hidden = rng.integers(1, 4, 2)
    features = hidden  # so that a mask that is put on x fits, and gets its reason
    mask = (rng.random((batch, hidden)) < 0.5) * 2.0
    sizes = (
        (batch, features),
        (batch, hidden),
        (batch, hidden),
        (4 * hidden, features),
        (4 * hidden, hidden),
    )
    return *(normal(rng, *size) for size in sizes), normal(rng, 4 * hidden), mask


def l2_step(rng):
    weights = lstm_weights(rng)
    grads = {name: normal(rng, *w.shape) for name, w in weights.items()}
    return weights, grads, float(rng.uniform(0.01, 1)), float(rng.uniform(0, 2))


def locked_mask(rng):
    sizes = (int(rng.integers(low, high)) for low, high in ((40, 80), (2, 5), (60, 100)))
    return Seed(rng.integers(1000)), *sizes, float(rng.integers(2, 9)) / 10


def train_with_early_stopping(rng):
    losses, patience = stopping_epoch(rng)
    return Trainer(losses), patience, int(rng.integers(1, 14))


def clip_and_step(rng):
    weights, grads, lr, _ = l2_step(rng)
    return weights, {name: 30 * g for name, g in grads.items()}, lr, float(rng.uniform(10, 300))


def max_norm(rng):
    hidden, features = rng.integers(1, 4, 2)
    w = normal(rng, 4 * hidden, features)
    w[rng.integers(len(w))] = 0.0
    return w, float(rng.uniform(0.2, 2))


def lstm_with_recurrent_dropout(rng):
    batch, steps = rng.integers(1, 4, 2)
    weights = lstm_weights(rng, layers=1)
    x = normal(rng, batch, steps + 1, weights["weight_ih_l0"].shape[1])
    return x, weights, (rng.random((batch, weights["weight_hh_l0"].shape[1])) < 0.5) * 2.0


# Exercise 4


def soft_threshold(rng):
    shape = tuple(rng.integers(1, 6, rng.integers(1, 3)))
    return rng.integers(-8, 9, shape) / 8 * float(rng.integers(1, 4)), float(rng.integers(0, 9)) / 8


def proximal_step(rng):
    n = rng.integers(1, 7)
    return normal(rng, n), normal(rng, n), float(rng.uniform(0.01, 1)), float(rng.uniform(0, 2))


def lasso_violation(rng):
    n = rng.integers(1, 9)
    w = np.where(rng.random(n) < 0.5, 0.0, normal(rng, n, scale=0.2) + rng.choice([-1e-3, 1e-3]))
    return w, normal(rng, n, scale=1.5), float(rng.uniform(0.2, 1.5))


def ridge_shares(rng):
    columns = rng.integers(1, 5)
    x = normal(rng, columns + rng.integers(1, 9), columns) * rng.uniform(0.3, 3, columns)
    return x + rng.integers(0, 2, columns) * 1.5, float(rng.uniform(0.05, 3))


def same_strengths(rng):
    return float(rng.uniform(0.001, 1)), int(rng.integers(1, 1000)), float(rng.uniform(0.001, 0.5))


def dropout_penalty(rng):
    columns = rng.integers(1, 5)
    return normal(rng, columns), normal(rng, rng.integers(1, 7), columns) + 0.5, rate(rng)


def adamw_step(rng):
    shape = tuple(rng.integers(1, 4, 2))
    w, grad, m = (normal(rng, *shape) for _ in range(3))
    v = rng.uniform(0.001, 1, shape)
    return w, grad, m, v, int(rng.integers(1, 30)), float(rng.uniform(0.001, 0.2)), float(rng.uniform(0, 1))


def dropout_passes(rng):
    inputs, features, hidden, passes = rng.integers(1, 5, 4)
    masks = (rng.random((passes + 1, features)) < 0.5) * 2.0
    return normal(rng, inputs, features), normal(rng, features, hidden), normal(rng, hidden), masks
