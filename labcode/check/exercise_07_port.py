"""Exercise 7's port of an LSTM, to be probed from outside, and the checkers of faults and of speed."""

from dataclasses import dataclass, field

import numpy as np

from labcode._checks import expect
from labcode.check.core import Case, Checker, Misconception

_UNITS, _FEATURES, _RATE = 16, 3, 0.5


@dataclass(frozen=True)
class Port:
    """An LSTM that somebody carried over from another library, with its penalty and its dropout.

    Its documentation: the penalty is lam/2 times the sum of squares; in training, and only there, recurrent
    dropout with rate 0.5 drops units of h on their way into the next step, one mask for the sequence. Whether
    that is so can be found by calling it.

    Args:
        name: what to call it.
        lam: strength of the penalty.
        factor: what the penalty is multiplied by; 1 where the port is right.
        drops_in_evaluation: whether dropout stays on in evaluation.
        recurrent: whether there is any recurrent dropout.
    """

    name: str
    lam: float = 0.1
    factor: float = field(default=1.0, repr=False)
    drops_in_evaluation: bool = field(default=False, repr=False)
    recurrent: bool = field(default=True, repr=False)
    _rng: np.random.Generator = field(
        default_factory=lambda: np.random.default_rng(0), repr=False, compare=False
    )

    @property
    def settings(self) -> dict:
        """What the port was told: its strength and its rate."""
        return {"lam": self.lam, "recurrent_dropout": _RATE}

    @property
    def features(self) -> int:
        """Numbers in each step of an input."""
        return _FEATURES

    def penalty(self, w) -> float:
        """Return the penalty of a weight array."""
        return self.factor * self.lam / 2 * float(np.sum(np.square(np.asarray(w, dtype=float))))

    def forward(self, x, training: bool) -> np.ndarray:
        """Return h of every step, (T, 16), for one sequence x, (T, features)."""
        x = np.asarray(x, dtype=float)
        expect(x.ndim == 2 and x.shape[1] == _FEATURES, "x", f"shape (T, {_FEATURES})", x.shape)
        drawn = np.random.default_rng(1)
        w, u, b = (drawn.normal(size=(4 * _UNITS, n)) / 2 for n in (_FEATURES, _UNITS, 1))
        drops = self.recurrent and (training or self.drops_in_evaluation)
        mask = (self._rng.random(_UNITS) >= _RATE) / (1 - _RATE) if drops else np.ones(_UNITS)
        h, c, output = np.zeros(_UNITS), np.zeros(_UNITS), []
        for step in x:
            i, f, g, o = np.split(w @ step + u @ (mask * h) + b[:, 0], 4)
            c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
            h = _sigmoid(o) * np.tanh(c)
            output.append(h)
        return np.array(output)


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


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
)
