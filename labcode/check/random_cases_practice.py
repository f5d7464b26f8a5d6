"""Arguments drawn at random for the tasks of exercises 5 to 9, as in ``random_cases``."""

from typing import Any

import numpy as np

from labcode.check.port import Port
from labcode.check.random_cases import coarse, lstm_weights, normal, rate, stopping_epoch
from labcode.check.side_effects import Seed

# Exercise 5


def from_keras_config(rng):
    config: dict[str, Any] = {}
    for part in ("kernel", "recurrent", "bias"):
        rule = {kind: float(rng.uniform(0.001, 0.5)) for kind in ("l1", "l2") if rng.integers(2)}
        config |= {f"{part}_regularizer": rule} if rule else {}
    config |= {name: rate(rng) for name in ("dropout", "recurrent_dropout") if rng.integers(2)}
    return (config,)


def to_keras_config(rng):
    parts = ("input", "recurrent", "bias")
    return tuple({part: float(rng.uniform(0.001, 1)) for part in parts if rng.integers(2)} for _ in range(2))


def keras_output(rng):
    batch, features, outputs = rng.integers(1, 4, 3)
    p, training = rate(rng), (True, False, None)[rng.integers(3)]
    x, weight = normal(rng, batch, features), normal(rng, features, outputs)
    return x, weight, rng.random((batch, features)) >= p, p, training


def max_norm_of_keras(rng):
    return normal(rng, *rng.integers(1, 5, 2)), float(rng.uniform(0.2, 2)), int(rng.integers(2))


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
    unit, level = rng.uniform(0.2, 6, features), normal(rng, features, scale=3)
    return tuple(
        normal(rng, rng.integers(2, 6), steps + 1, features) * unit + level + 0.5 * part for part in range(3)
    )


def forecast_skill(rng):
    n = rng.integers(2, 9)
    today = normal(rng, n, scale=4)
    outcome = today + normal(rng, n, scale=2) + 0.5
    return outcome, outcome + normal(rng, n, scale=float(rng.uniform(0.2, 4))), today


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
    return (lstm_weights(rng, layers=1),)


def weights_for_pytorch(rng):
    hidden, features = rng.integers(1, 5, 2)
    return normal(rng, features, 4 * hidden), normal(rng, hidden, 4 * hidden), normal(rng, 4 * hidden)


def bias_sum(rng):
    n = 4 * rng.integers(1, 4)
    grads = list(normal(rng, rng.integers(1, 6), n))
    return normal(rng, n), normal(rng, n), grads, float(rng.uniform(0.01, 1)), bool(rng.integers(2))


def reorder_gates(rng):
    source, target = rng.choice(["ifgo", "ifco", "ijfo", "iofc"], 2)
    return normal(rng, 4 * rng.integers(1, 4), rng.integers(1, 4)), str(source), str(target)


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
    return normal(rng, *shape, scale=2) + float(rng.choice([0, 300, -300])), float(rng.uniform(0.05, 4))


def smoothed_targets(rng):
    classes = int(rng.integers(2, 8))
    return rng.integers(0, classes, rng.integers(1, 6)), classes, float(rng.uniform(0, 0.9))


def averaging_start(rng):
    return coarse(rng, rng.integers(1, 16), high=14), int(rng.integers(1, 6))


def mixture_loss(rng):
    passes, places = rng.integers(1, 7, 2)
    classes = rng.integers(2, 6)
    return normal(rng, passes, places, classes, scale=2), rng.integers(0, classes, places)


def activation_penalties(rng):
    batch, steps, units = rng.integers(1, 5), rng.integers(2, 6), rng.integers(1, 4)
    output = normal(rng, batch, steps, units)
    lengths = np.append(rng.integers(1, steps + 1, batch - 1), steps)
    dropped = output * (rng.random((batch, 1, units)) < 0.5) * 2.0
    return output, dropped, np.arange(steps) < lengths[:, None], *rng.uniform(0.1, 3, 2).tolist()


def tied_gradient(rng):
    n, hidden, words = rng.integers(1, 8), rng.integers(1, 4), rng.integers(2, 6)
    sizes = ((n, hidden), (n, hidden), (n, words))
    return rng.integers(0, words, n), *(normal(rng, *size) for size in sizes)


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
