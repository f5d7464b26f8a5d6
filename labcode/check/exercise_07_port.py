"""Checkers of exercise 7: a port with faults, probed from outside, and a claim about speed."""

import numpy as np

from labcode.check import random_cases_practice
from labcode.check.core import Case, Checker, Misconception
from labcode.check.port import Port
from labcode.check.random_cases import drawn


def _find_faults(port, *, convention=0.5, modes=False, steps=5, trusting=False):
    """Probe a port from outside: which of three faults does it have?"""
    w, x = np.array([1.0, -2.0, 3.0]), np.ones((steps, port.features))
    calls = [port.forward(x, training=training) for training in (False, modes)]
    first, second = (port.forward(x, training=True) for _ in range(2))
    missing = port.settings["recurrent_dropout"] == 0 if trusting else np.array_equal(first, second)
    return {
        "penalty": not np.isclose(port.penalty(w), convention * port.lam * np.sum(w**2)),
        "evaluation": not np.array_equal(*calls),
        "recurrence": bool(missing),
    }


find_faults = Checker(
    name="find_faults",
    solution=_find_faults,
    cases=(
        Case("port A", (Port("A"),)),
        Case("port B", (Port("B", factor=2.0),)),
        Case("port C", (Port("C", drops_in_evaluation=True),)),
        Case("port D", (Port("D", recurrent=False),)),
        Case("port E", (Port("E", lam=0.3, factor=2.0, recurrent=False),)),
        Case("port F", (Port("F", lam=0.3, factor=2.0, drops_in_evaluation=True),)),
        *drawn(random_cases_practice.find_faults, 0, 1),
    ),
    misconceptions=(
        Misconception(
            "the other convention",
            {"convention": 1.0},
            "Your verdicts on the penalty are exactly reversed: you compared with lam * sum w^2, the "
            "convention of Keras's L2. This port promises lam/2 * sum w^2; twice that is the fault.",
        ),
        Misconception(
            "two modes compared",
            {"modes": True},
            "You compared evaluation with training (or training with itself): those SHOULD differ, for "
            "dropout is on in one of them. Call evaluation twice with the same input: if the two differ, "
            "something random is still on.",
        ),
        Misconception(
            "a sequence of one step",
            {"steps": 1},
            "Every port seems to lack recurrent dropout. Your sequence probably has one step: h is zero "
            "before it, so there is nothing to drop. Probe with a longer one.",
        ),
        Misconception(
            "the setting trusted",
            {"trusting": True},
            "No port seems to lack recurrent dropout. Did you read it from `settings`? That is what the "
            "port was told. An argument can be accepted and do nothing, as `dropout` in a one-layer "
            "nn.LSTM: call the port twice in training mode and compare.",
        ),
    ),
    praise="Three calls from outside find what no reading of the settings shows.",
    draw=random_cases_practice.find_faults,
)


def _speed_ratio(ours, theirs, *, skip=1, mean=False, inverted=False, paired=True):
    """Median, lower and upper quartile of the ratio within each round, the first round left out."""
    ours, theirs = (np.asarray(seconds, dtype=float)[skip:] for seconds in (ours, theirs))
    ours, theirs = (theirs, ours) if inverted else (ours, theirs)
    quantiles = (0.5, 0.25, 0.75)
    if not paired:
        return tuple(np.quantile(ours, quantiles) / np.quantile(theirs, quantiles))
    middle, low, high = np.quantile(ours / theirs, quantiles)
    return (np.mean(ours / theirs) if mean else middle), low, high


_BUSY = np.array([1.0, 1.0, 3.0, 1.0, 1.0, 2.0, 1.0, 1.0])
_OURS = _BUSY * np.array([9.0, 2.0, 2.1, 1.9, 2.2, 2.0, 2.6, 2.05])
_THEIRS = _BUSY * np.array([4.0, 1.0, 1.1, 1.2, 0.9, 1.0, 1.0, 1.05])

speed_ratio = Checker(
    name="speed_ratio",
    solution=_speed_ratio,
    cases=(
        Case("twice as slow, on a machine that was busy now and then", (_OURS, _THEIRS)),
        Case("about equal", (_THEIRS, _THEIRS[::-1] * _BUSY)),
        Case("lists", ([5.0, 1.0, 1.2, 1.1], [1.0, 2.0, 2.1, 2.5])),
        *drawn(random_cases_practice.speed_ratio, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "first round kept",
            {"skip": 0},
            "The first round is in it. It warms caches and compiles kernels, and no later round pays for "
            "that: leave it out.",
        ),
        Misconception(
            "mean in place of the median",
            {"mean": True},
            "The middle value is a mean. One round in which another program ran moves a mean, and hardly "
            "a median.",
        ),
        Misconception(
            "upside down",
            {"inverted": True},
            "The ratio is upside down: a value above 1 should say that OURS takes longer.",
        ),
        Misconception(
            "rounds not paired",
            {"paired": False},
            "You took quantiles of each library first and divided them. A round in which the machine was "
            "busy slows both, and only the ratio WITHIN the round is free of it: divide first.",
        ),
    ),
    praise="A ratio within rounds, its median and its quartiles: that claim survives a busy machine.",
    draw=random_cases_practice.speed_ratio,
)
