"""How a series of one's own was scaled, so that a forecast can be led back to its unit."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Scaling:
    """How the windows of a series were cut and scaled, all that a forecast needs beside the model.

    Attributes:
        window: steps that a model reads.
        ahead: steps from the last of them to the target.
        target: the target's column.
        predicts: "change", the target minus the last value read, or "level", the target itself.
        mean, std: of each column, from training data only; a constant column has std 1.
        target_mean, target_std: of the target; the mean of a change is taken as 0, no change.
        missing: what becomes of missing values, as in ``windows``.
    """

    window: int
    ahead: int
    target: int
    predicts: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    target_mean: float
    target_std: float
    missing: str = "refuse"

    def scale(self, values: np.ndarray) -> np.ndarray:
        """Return values of all columns, (..., F), as a model reads them, float32."""
        return ((values - np.array(self.mean)) / np.array(self.std)).astype(np.float32)

    def unscale(self, predictions: np.ndarray | float, last: np.ndarray | float) -> np.ndarray:
        """Return predictions in the target's own unit.

        Args:
            predictions: what a model puts out, (N,) or one number.
            last: the target's column at the last step read, in its own unit, (N,).
        """
        own = self.target_mean + self.target_std * np.asarray(predictions, dtype=float)
        return own + last if self.predicts == "change" else own

    def as_dict(self) -> dict[str, Any]:
        """Return the attributes as plain numbers, texts and tuples: ``Scaling(**as_dict)`` is the same."""
        return asdict(self)
