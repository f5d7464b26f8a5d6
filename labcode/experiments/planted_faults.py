"""Faults to plant in a training run: in its settings or in its data; one more is in the model's code.

A fault is a function of (dataset, rng) that returns its kind in words, the settings of the run and the data.
Kind and strength are drawn.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from labcode.data.dataset import Dataset, Split, join

SOUND = {"hidden": 32, "output_dropout": 0.3, "l2": 0.001, "rate": 5e-3, "epochs": 40, "patience": 6}
FREE = SOUND | {"output_dropout": 0.0, "l2": 0.0, "patience": None}


def with_inputs(split: Split, x: np.ndarray) -> Split:
    """Return a part with other inputs; padding stays 0."""
    if split.padding_mask is not None and x.ndim == 3:
        x = x * split.padding_mask[:, :, None]
    return replace(split, x=np.ascontiguousarray(x, dtype=split.x.dtype))


def _healthy(data, rng):
    return "none", SOUND, data


def _overfit(data, rng):
    share = float(rng.choice([0.2, 0.4]))
    return (
        f"no regularization, {share:.0%} of the training data",
        FREE,
        replace(data, train=data.train.last(share)),
    )


def _underfit(data, rng):
    kind = rng.choice(["one hidden unit", "L2 far too strong", "training far too short"])
    changes: dict[str, dict] = {
        "one hidden unit": {"hidden": 1},
        "L2 far too strong": {"l2": 3.0},
        "training far too short": {"rate": 5e-4, "epochs": 8},
    }
    return kind, SOUND | changes[kind], data


def _rate(data, rng):
    rate = float(rng.choice([0.2, 0.3, 0.5]))
    return f"Adam with a rate of {rate:g}", SOUND | {"rate": rate, "patience": None}, data


def _left_on(data, rng):
    rate = float(rng.choice([0.3, 0.5]))
    return f"dropout of {rate:g} in evaluation", SOUND | {"output_dropout": rate, "input_dropout": 0.1}, data


def _small(data, rng):
    size = int(rng.choice([8, 12, 16]))
    chosen = rng.permutation(len(data.validation.y))[:size]
    return (
        f"{size} validation samples",
        SOUND,
        replace(data, validation=data.validation.subset(np.sort(chosen))),
    )


def _shift(data, rng):
    """Let validation and fresh data be measured in another way than the training data."""
    if data.vocabulary:
        share = float(rng.choice([0.2, 0.4]))

        def change(split):
            wrong = (rng.random(split.x.shape) < share) & split.padding_mask
            return np.where(wrong, rng.integers(1, 27, size=split.x.shape), split.x)

        kind = f"{share:.0%} of the letters misread"
    else:
        size = float(rng.choice([1.0, 2.0]))
        offset = size * rng.choice([-1.0, 1.0], size=data.train.x.shape[2])

        def change(split):
            return split.x + offset

        kind = f"another instrument, {size:g} standard deviations off"
    changed = {name: with_inputs(part, change(part)) for name, part in list(data.splits.items())[1:]}
    return kind, SOUND, replace(data, **changed)


def _leak(data, rng):
    if rng.random() < 0.5:
        size = len(data.validation.y)
        share = float(rng.choice([0.6, 0.9]))
        known = rng.choice(len(data.train.y), size=min(round(share * size), len(data.train.y)), replace=False)
        rest = data.validation.subset(slice(len(known), None)) if len(known) < size else data.validation
        mixed = join(data.train.subset(known), rest)
        return (
            f"{share:.0%} of the validation samples are training samples",
            FREE,
            replace(data, validation=mixed),
        )
    parts = {name: _with_answer(part, data) for name, part in list(data.splits.items())[:2]}
    return "the answer stands in the inputs", FREE, replace(data, **parts)


def _with_answer(split: Split, data: Dataset) -> Split:
    """Put the target into the last step's first feature, or a character for the class in front."""
    x = split.x.copy()
    if data.vocabulary:
        x[:, 0] = 1 + split.y
    elif data.task == "regression":
        x[:, -1, 0] = split.y[:, 0]
    else:
        x[:, :, 0] = (split.y - (len(data.classes) - 1) / 2)[:, None] / 2
    return with_inputs(split, x)


FAULTS: dict[str, Callable] = {
    "healthy": _healthy,
    "overfit": _overfit,
    "underfit": _underfit,
    "learning rate too high": _rate,
    "dropout left on": _left_on,
    "shift": _shift,
    "small validation set": _small,
    "leak": _leak,
}
