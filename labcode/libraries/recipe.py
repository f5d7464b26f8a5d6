"""What every library is given: the same numbers, drawn by NumPy, so that two processes draw the same."""

from dataclasses import dataclass

import numpy as np
from numpy import ndarray

from labcode._checks import check_integer, check_number, expect
from labcode.data import load_weather


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A short training run on the weather task: its sizes, its regularization, and the seed of all else.

    The loss is the mean squared error plus lam/2 times the sum of squares of W and of U; after each step of
    Adam, no row of U (Keras: no column of the recurrent kernel) is longer than the limit.

    Args:
        hidden: units of the LSTM, H.
        steps: steps of the optimizer.
        batch: windows in a batch, B.
        lam: strength of the L2 penalty on W and on U, at least 0.
        limit: largest norm of a row of U, above 0.
        dropout: rate of the masks on the input, in [0, 1); one for each gate and sequence.
        recurrent_dropout: rate of the masks on h, likewise. Keras has a mask for each gate only where this
            is above 0, so that ``dropout`` alone is refused.
        learning_rate: of Adam.
        epsilon: of Adam, above 0. Keras adds it to the root of the second moment before its correction, and
            PyTorch after it, so that runs are equal only where it is too small to matter.
        seed: draws weights, batches and masks.

    Raises:
        ValueError: an argument outside its range.

    Chapter: 7.
    """

    hidden: int = 32
    steps: int = 50
    batch: int = 32
    lam: float = 1e-3
    limit: float = 0.5
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    learning_rate: float = 3e-3
    epsilon: float = 1e-10
    seed: int = 0

    def __post_init__(self):
        for name in ("hidden", "steps", "batch"):
            check_integer(name, getattr(self, name), low=1)
        check_number("lam", self.lam, low=0.0)
        for name in ("limit", "learning_rate", "epsilon"):
            expect(check_number(name, getattr(self, name)) > 0, name, "a number above 0", getattr(self, name))
        for name in ("dropout", "recurrent_dropout"):
            rate = check_number(name, getattr(self, name))
            expect(0 <= rate < 1, name, "a probability to drop in [0, 1)", rate)
        alone = self.dropout > 0 and self.recurrent_dropout == 0
        expect(not alone, "recurrent_dropout", "above 0 where dropout is", self.recurrent_dropout)

    def weights(self) -> dict[str, ndarray]:
        """Return the initial weights under PyTorch's names, float32, bias_hh at zero."""
        rng, bound = self._rng(0), self.hidden**-0.5
        features, gates = load_weather().train.x.shape[2], 4 * self.hidden
        shapes = {
            "lstm.weight_ih_l0": (gates, features),
            "lstm.weight_hh_l0": (gates, self.hidden),
            "lstm.bias_ih_l0": (gates,),
            "head.weight": (1, self.hidden),
            "head.bias": (1,),
        }
        drawn = {name: rng.uniform(-bound, bound, shape).astype("float32") for name, shape in shapes.items()}
        return drawn | {"lstm.bias_hh_l0": np.zeros(gates, "float32")}

    def batches(self) -> list[tuple[ndarray, ndarray]]:
        """Return inputs (B, T, F) and targets (B, 1) of each step, float32, drawn from the training years."""
        train, rng = load_weather().train, self._rng(1)
        chosen = [rng.choice(len(train.x), self.batch, replace=False) for _ in range(self.steps)]
        return [(train.x[rows].astype("float32"), train.y[rows].astype("float32")) for rows in chosen]

    def masks(self) -> list[dict[str, ndarray]]:
        """Return the masks of each step, scaled by 1/(1-p): ``x_l0`` (4, B, 1, F), ``h_l0`` (4, B, 1, H)."""
        rng, features = self._rng(2), load_weather().train.x.shape[2]
        wanted = {"x_l0": (self.dropout, features), "h_l0": (self.recurrent_dropout, self.hidden)}
        return [
            {
                name: ((rng.random((4, self.batch, 1, size)) >= p) / (1 - p)).astype("float32")
                for name, (p, size) in wanted.items()
                if p > 0
            }
            for _ in range(self.steps)
        ]

    def _rng(self, purpose: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, purpose])


RECIPES = {"penalized": Recipe(), "with dropout": Recipe(dropout=0.2, recurrent_dropout=0.2)}
