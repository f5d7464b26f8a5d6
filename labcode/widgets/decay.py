"""The shrinkage of each direction of the data under a slider."""

from collections.abc import Sequence

import numpy as np

from labcode import plots
from labcode.widgets.base import SliderFigure

STRENGTHS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


class ShrinkageFactors(SliderFigure):
    """What L2, and stopping gradient descent early, leave of the weight along each direction of the data.

    Args:
        values: mean square of the data along each direction (an eigenvalue of x^T x / n), above 0.
        lr: step size of the gradient descent that is stopped after 1 / (lr λ) steps.
        strengths: the strengths λ on the slider.
        value: where the slider stands first; the last by default.
    """

    def __init__(
        self,
        values: Sequence[float],
        *,
        lr: float,
        strengths: Sequence[float] = STRENGTHS,
        value: float | None = None,
    ):
        self._values, self._lr = np.asarray(values, dtype=float), lr
        self.axes = plots.shrinkage_factors(self._values, self.factors(strengths[0]))
        self.axes.set_title(" ")
        super().__init__(self.axes.figure, strengths, setting="strength λ", value=value)
        self.update(self.value)

    def factors(self, strength: float) -> dict[str, np.ndarray]:
        """Return the share that each method leaves, direction by direction, by the method's name."""
        steps = 1 / (self._lr * strength)
        return {
            "L2: σ² / (σ² + λ)": self._values / (self._values + strength),
            "stopped early: 1 − (1 − ησ²)^k": 1 - (1 - self._lr * self._values) ** steps,
        }

    def update(self, value: float) -> None:
        """Move both curves and the title to one strength."""
        for line, shares in zip(self.axes.lines, self.factors(value).values(), strict=False):
            line.set_ydata(shares)
        self.axes.set_title(f"λ = {value:g}   stopped after k = 1/(ηλ) = {1 / (self._lr * value):.0f} steps")
