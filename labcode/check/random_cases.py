"""Arguments drawn at random for each task: what no answer can have been written for.

A function a task, under the task's name; each takes a NumPy generator and returns the arguments of one call.
Sizes are drawn as well, down to one; where equal losses, zeros or bounds matter, numbers come from a coarse
grid of binary fractions, on which every right way to compute agrees exactly. A sampler's sizes are large.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from labcode.check.core import Case
from labcode.check.port import Port
from labcode.check.side_effects import Seed
from labcode.check.trainer import Trainer


def drawn(draw: Callable[[np.random.Generator], tuple], *seeds: int) -> tuple[Case, ...]:
    """Return a case for each seed, with the arguments that ``draw`` makes from it.

    Example:
        >>> drawn(log_uniform, 0, 1)[1].label
        'drawn at random (1)'
    """
    return tuple(Case(f"drawn at random ({seed})", draw(np.random.default_rng([17, seed]))) for seed in seeds)


def _normal(rng, *shape, scale=1.0):
    return np.round(rng.normal(size=shape, scale=scale), 3)


def _grid(rng, n, low=2, high=10):
    """Return losses that are multiples of 1/4, so that some of them are equal."""
    return rng.integers(low, high, n) / 4


def _rate(rng):
    return float(rng.integers(1, 10)) / 10


def _weights(rng, layers=None):
    """Return an LSTM's weights and biases by name, of one or two layers, in PyTorch's order."""
    hidden, features = rng.integers(1, 4, 2)
    state = {}
    for layer in range(rng.integers(1, 3) if layers is None else layers):
        state[f"weight_ih_l{layer}"] = _normal(rng, 4 * hidden, hidden if layer else features)
        state[f"weight_hh_l{layer}"] = _normal(rng, 4 * hidden, hidden)
        state |= {f"bias_{part}_l{layer}": _normal(rng, 4 * hidden) for part in ("ih", "hh")}
    return state


# Exercises 1 to 3


def generalization_gap(rng):
    n = rng.integers(1, 8)
    return rng.uniform(0.1, 2, n), rng.uniform(0.1, 2, n)


def l2_penalty(rng):
    return _weights(rng), float(rng.uniform(0.01, 4))


def stopping_epoch(rng):
    return _grid(rng, rng.integers(1, 16)).tolist(), int(rng.integers(1, 5))


def dropped_layers(rng):
    return int(rng.integers(1, 9)), float(rng.integers(0, 3)) / 4, bool(rng.integers(4))


def inverted_dropout(rng):
    shape = tuple(rng.integers(1, 5, rng.integers(1, 4)))
    p = _rate(rng)
    return _normal(rng, *shape), rng.random(shape) >= p, p, bool(rng.integers(4))


def penalty_by_part(rng):
    strengths = rng.uniform(0.1, 2, (2, 2)).round(3).tolist()
    parts = ("input", "recurrent")
    named = [{part: s for part, s in zip(parts, row, strict=True) if rng.integers(4)} for row in strengths]
    return _weights(rng), *named


def export_head(rng):
    outputs, inputs = rng.integers(1, 5, 2)
    return _normal(rng, outputs, inputs), _normal(rng, outputs), _rate(rng)


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
    return *(_normal(rng, *size) for size in sizes), _normal(rng, 4 * hidden), mask


def l2_step(rng):
    weights = _weights(rng)
    grads = {name: _normal(rng, *w.shape) for name, w in weights.items()}
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
    w = _normal(rng, 4 * hidden, features)
    w[rng.integers(len(w))] = 0.0
    return w, float(rng.uniform(0.2, 2))


def lstm_with_recurrent_dropout(rng):
    batch, steps = rng.integers(1, 4, 2)
    weights = _weights(rng, layers=1)
    x = _normal(rng, batch, steps + 1, weights["weight_ih_l0"].shape[1])
    return x, weights, (rng.random((batch, weights["weight_hh_l0"].shape[1])) < 0.5) * 2.0


# Exercise 4


def soft_threshold(rng):
    shape = tuple(rng.integers(1, 6, rng.integers(1, 3)))
    return rng.integers(-8, 9, shape) / 8 * float(rng.integers(1, 4)), float(rng.integers(0, 9)) / 8


def proximal_step(rng):
    n = rng.integers(1, 7)
    return _normal(rng, n), _normal(rng, n), float(rng.uniform(0.01, 1)), float(rng.uniform(0, 2))


def lasso_violation(rng):
    n = rng.integers(1, 9)
    w = np.where(rng.random(n) < 0.5, 0.0, _normal(rng, n, scale=0.2) + rng.choice([-1e-3, 1e-3]))
    return w, _normal(rng, n, scale=1.5), float(rng.uniform(0.2, 1.5))


def ridge_shares(rng):
    columns = rng.integers(1, 5)
    x = _normal(rng, columns + rng.integers(1, 9), columns) * rng.uniform(0.3, 3, columns)
    return x + rng.integers(0, 2, columns) * 1.5, float(rng.uniform(0.05, 3))


def same_strengths(rng):
    return float(rng.uniform(0.001, 1)), int(rng.integers(1, 1000)), float(rng.uniform(0.001, 0.5))


def dropout_penalty(rng):
    columns = rng.integers(1, 5)
    return _normal(rng, columns), _normal(rng, rng.integers(1, 7), columns) + 0.5, _rate(rng)


def adamw_step(rng):
    shape = tuple(rng.integers(1, 4, 2))
    w, grad, m = (_normal(rng, *shape) for _ in range(3))
    v = rng.uniform(0.001, 1, shape)
    return w, grad, m, v, int(rng.integers(1, 30)), float(rng.uniform(0.001, 0.2)), float(rng.uniform(0, 1))


def dropout_passes(rng):
    inputs, features, hidden, passes = rng.integers(1, 5, 4)
    masks = (rng.random((passes + 1, features)) < 0.5) * 2.0
    return _normal(rng, inputs, features), _normal(rng, features, hidden), _normal(rng, hidden), masks


# Exercise 5


def from_keras_config(rng):
    config: dict[str, Any] = {}
    for part in ("kernel", "recurrent", "bias"):
        rule = {kind: float(rng.uniform(0.001, 0.5)) for kind in ("l1", "l2") if rng.integers(2)}
        config |= {f"{part}_regularizer": rule} if rule else {}
    config |= {name: _rate(rng) for name in ("dropout", "recurrent_dropout") if rng.integers(2)}
    return (config,)


def to_keras_config(rng):
    parts = ("input", "recurrent", "bias")
    return tuple({part: float(rng.uniform(0.001, 1)) for part in parts if rng.integers(2)} for _ in range(2))


def keras_output(rng):
    batch, features, outputs = rng.integers(1, 4, 3)
    p, training = _rate(rng), (True, False, None)[rng.integers(3)]
    x, weight = _normal(rng, batch, features), _normal(rng, features, outputs)
    return x, weight, rng.random((batch, features)) >= p, p, training


def max_norm_of_keras(rng):
    return _normal(rng, *rng.integers(1, 5, 2)), float(rng.uniform(0.2, 2)), int(rng.integers(2))


def kept_epoch(rng):
    return *stopping_epoch(rng), bool(rng.integers(2))


# Exercise 6


def split_by_time(rng):
    start, length = rng.integers(0, 5), rng.integers(4, 12)
    days = rng.integers(start, start + length, rng.integers(1, 25))
    first, second = np.sort(rng.choice(np.arange(start, start + length + 3), 2, replace=False))
    return days, int(rng.integers(1, 4)), int(first), int(second)


def scale_on_training(rng):
    steps, features = rng.integers(1, 4, 2)
    unit, level = rng.uniform(0.2, 6, features), _normal(rng, features, scale=3)
    return tuple(
        _normal(rng, rng.integers(2, 6), steps + 1, features) * unit + level + 0.5 * part for part in range(3)
    )


def forecast_skill(rng):
    n = rng.integers(2, 9)
    today = _normal(rng, n, scale=4)
    outcome = today + _normal(rng, n, scale=2) + 0.5
    return outcome, outcome + _normal(rng, n, scale=float(rng.uniform(0.2, 4))), today


def choose_and_report(rng):
    settings, seeds = rng.integers(4, 9), rng.integers(3, 8)
    quality = rng.uniform(0.6, 0.8, (settings, 1))
    return tuple(quality + 0.2 * rng.exponential(size=(settings, seeds)) for _ in range(2))


def macro_f1(rng):
    classes = rng.integers(2, 6)
    counts = rng.integers(0, 9, (classes, classes)) * (rng.random((classes, classes)) < 0.6)
    counts[0, -1] += 1
    return (counts + np.diag(rng.integers(0, 12, classes)),)


def search_with_beam(rng):
    table, texts = {}, [""]
    for depth in range(5):
        for text in texts:
            tokens = ["."] if depth == 4 else ["a", "b", "c"][: 3 if depth < 2 else 1] + ["."] * (depth > 0)
            table[text] = dict(
                zip(tokens, rng.dirichlet(np.full(len(tokens), 3.0)).round(5).tolist(), strict=True)
            )
        texts = [text + token for text in texts for token in table[text] if token != "."]
    return table, int(rng.integers(2, 4))


# Exercise 7


def weights_for_keras(rng):
    return (_weights(rng, layers=1),)


def weights_for_pytorch(rng):
    hidden, features = rng.integers(1, 5, 2)
    return _normal(rng, features, 4 * hidden), _normal(rng, hidden, 4 * hidden), _normal(rng, 4 * hidden)


def bias_sum(rng):
    n = 4 * rng.integers(1, 4)
    grads = list(_normal(rng, rng.integers(1, 6), n))
    return _normal(rng, n), _normal(rng, n), grads, float(rng.uniform(0.01, 1)), bool(rng.integers(2))


def reorder_gates(rng):
    source, target = rng.choice(["ifgo", "ifco", "ijfo", "iofc"], 2)
    return _normal(rng, 4 * rng.integers(1, 4), rng.integers(1, 4)), str(source), str(target)


def same_settings(rng):
    lam = float(rng.choice([0.01, 0.02, 0.04]))
    clips = rng.choice([0.5, 1.0, 5.0], 2).tolist()
    pytorch = {"lam": lam, "renorm_dim": int(rng.integers(2)), "clip_grad_norm": clips[0]}
    pytorch["bias_hh_frozen"] = bool(rng.integers(2))
    keras = {"l2": lam * float(rng.choice([0.5, 1.0, 2.0])), "axis": int(rng.integers(2))}
    keras[str(rng.choice(["clipnorm", "global_clipnorm"]))] = clips[int(rng.integers(2))]
    return pytorch, keras


def find_faults(rng):
    faults = {"factor": float(rng.choice([1.0, 2.0])), "recurrent": bool(rng.integers(3))}
    faults["drops_in_evaluation"] = faults["recurrent"] and bool(rng.integers(2))
    return (Port("a port", lam=float(rng.choice([0.1, 0.25, 0.5])), **faults),)


def speed_ratio(rng):
    n = rng.integers(2, 9)
    busy = rng.choice([1.0, 1.0, 3.0], n)
    return busy * rng.uniform(1, 3, n), busy * rng.uniform(0.5, 2, n)


# Exercise 8


def bits_per_character(rng):
    return (rng.exponential(1.5, rng.integers(1, 12)),)


def with_temperature(rng):
    shape = tuple(rng.integers(1, 5, rng.integers(1, 4)))
    return _normal(rng, *shape, scale=2) + float(rng.choice([0, 300, -300])), float(rng.uniform(0.05, 4))


def smoothed_targets(rng):
    classes = int(rng.integers(2, 8))
    return rng.integers(0, classes, rng.integers(1, 6)), classes, float(rng.uniform(0, 0.9))


def averaging_start(rng):
    return _grid(rng, rng.integers(1, 16), high=14), int(rng.integers(1, 6))


def mixture_loss(rng):
    passes, places = rng.integers(1, 7, 2)
    classes = rng.integers(2, 6)
    return _normal(rng, passes, places, classes, scale=2), rng.integers(0, classes, places)


def activation_penalties(rng):
    batch, steps, units = rng.integers(1, 5), rng.integers(2, 6), rng.integers(1, 4)
    output = _normal(rng, batch, steps, units)
    lengths = np.append(rng.integers(1, steps + 1, batch - 1), steps)
    dropped = output * (rng.random((batch, 1, units)) < 0.5) * 2.0
    return output, dropped, np.arange(steps) < lengths[:, None], *rng.uniform(0.1, 3, 2).tolist()


def tied_gradient(rng):
    n, hidden, words = rng.integers(1, 8), rng.integers(1, 4), rng.integers(2, 6)
    sizes = ((n, hidden), (n, hidden), (n, words))
    return rng.integers(0, words, n), *(_normal(rng, *size) for size in sizes)


# Exercise 9


def log_uniform(rng):
    low = 10 ** float(rng.uniform(-6, 1))
    return (
        rng.random(tuple(rng.integers(1, 5, rng.integers(1, 3)))),
        low,
        low * 10 ** float(rng.uniform(0.3, 5)),
    )


def compare_searches(rng):
    return tuple((rng.uniform(0.2, 0.9, n), rng.integers(1, 9, n)) for n in rng.integers(8, 16, 2))


def random_search(rng):
    low = 10 ** float(rng.uniform(-6, -4))
    return low, low * 10 ** float(rng.uniform(2, 5)), int(rng.integers(300, 500)), Seed(rng.integers(1000))


def one_standard_error(rng):
    folds, spread = rng.integers(2, 11), rng.uniform(0.1, 0.3)
    means = 0.5 + 0.01 * np.arange(60) + 0.002 * rng.random(60)
    losses = means[:, None] + rng.normal(0, 0.01, (60, folds))
    losses[0] = 0.45 + spread * rng.normal(size=folds)
    losses[0] += 0.5 - losses[0].mean()
    order = rng.permutation(60)
    return np.geomspace(1e-4, 1, 60)[order], losses[order]


def nested_estimate(rng):
    splits, settings = rng.integers(1, 9), rng.integers(1, 7)
    return tuple(0.5 + 0.1 * rng.normal(size=(splits, settings)) for _ in range(2))


def rule_of_thumb(rng):
    n = rng.integers(2, 7)
    train, validation = rng.uniform(0.2, 1, (2, n)).tolist()
    validation[-1] = min(validation[:-1]) * float(rng.uniform(0.95, 1.3))
    return train, validation, float(rng.uniform(0.2, 1))


def samples_needed(rng):
    return rng.exponential(size=rng.integers(2, 12)), float(rng.uniform(0.2, 0.8))


def fair_comparison(rng):
    seeds, common = rng.integers(2, 9), rng.normal(0, 0.1, 8)
    tables: tuple[dict, dict] = ({}, {})
    for name, strengths in zip("ab", rng.integers(1, 7, 2), strict=True):
        quality = rng.uniform(0.7, 0.8, (strengths, 1))
        for table in tables:
            table[name] = quality + common[:seeds] + rng.exponential(0.06, (strengths, seeds))
    return tables
