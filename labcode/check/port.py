"""Exercise 7's port of an LSTM, to be probed from outside."""

from functools import cache

import numpy as np

from labcode._checks import expect

_UNITS, _FEATURES, _RATE = 32, 3, 0.5  # so many units that two masks are never the same


class Port:
    """An LSTM that somebody carried over from another library, with its penalty and its dropout.

    Its documentation: the penalty is lam/2 times the sum of squares; in training, and only there, recurrent
    dropout with rate 0.5 drops units of h on their way into the next step, one mask for the sequence. Whether
    that is so can be found by calling it, and in no other way.

    Args:
        name: what to call it.
        lam: strength of the penalty.
        factor: what the penalty is multiplied by; 1 where the port is right.
        drops_in_evaluation: whether dropout stays on in evaluation.
        recurrent: whether there is any recurrent dropout.
    """

    features = _FEATURES

    def __init__(self, name: str, lam: float = 0.1, factor=1.0, drops_in_evaluation=False, recurrent=True):
        self.name, self.lam = name, lam
        self._rng = np.random.default_rng(0)
        self._hidden = lambda: (factor, drops_in_evaluation, recurrent)

    def __repr__(self) -> str:
        return f"Port({self.name!r}, lam={self.lam})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Port) and repr(self) == repr(other)

    __hash__ = None  # type: ignore[assignment] # Python's way to say that it has none

    @property
    def settings(self) -> dict:
        """What the port was told: its strength and its rate."""
        return {"lam": self.lam, "recurrent_dropout": _RATE}

    def penalty(self, w) -> float:
        """Return the penalty of a weight array."""
        factor, *_ = self._hidden()
        return factor * self.lam / 2 * float(np.sum(np.square(np.asarray(w, dtype=float))))

    def forward(self, x, training: bool) -> np.ndarray:
        """Return h of every step, (T, 32), for one sequence x, (T, features)."""
        x = np.asarray(x, dtype=float)
        expect(x.ndim == 2 and x.shape[1] == _FEATURES, "x", f"shape (T, {_FEATURES})", x.shape)
        _, drops_in_evaluation, recurrent = self._hidden()
        w, u, b = _weights()
        drops = recurrent and (training or drops_in_evaluation)
        mask = (self._rng.random(_UNITS) >= _RATE) / (1 - _RATE) if drops else np.ones(_UNITS)
        h, c, output = np.zeros(_UNITS), np.zeros(_UNITS), []
        for step in x:
            i, f, g, o = np.split(w @ step + u @ (mask * h) + b[:, 0], 4)
            c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
            h = _sigmoid(o) * np.tanh(c)
            output.append(h)
        return np.array(output)


@cache
def _weights() -> tuple[np.ndarray, ...]:
    """Return W, U and the bias, the same for every port."""
    drawn = np.random.default_rng(1)
    return tuple(drawn.normal(size=(4 * _UNITS, n)) / 2 for n in (_FEATURES, _UNITS, 1))


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))
