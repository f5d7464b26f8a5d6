"""A project's sweep under a slider for the strength."""

from collections.abc import Mapping, Sequence

import numpy as np

from labcode import plots
from labcode.widgets.base import SliderFigure


class StrengthExplorer(SliderFigure):
    """Learning curves at one strength at a time, and where it stands among all that were tried.

    Args:
        curves, kept, reference, reference_label, unit: as in ``plots.strength_choice``.
        value: where the slider stands first; the strength with the lowest mean by default.

    Raises:
        ValueError: strengths that differ, or a first value that is not among them.
    """

    def __init__(
        self,
        curves: Mapping[float, tuple[Sequence[float], Sequence[float]]],
        kept: Mapping[float, Sequence[float]],
        *,
        reference: float | None = None,
        reference_label: str = "ridge",
        unit: str = "mean squared error",
        value: float | None = None,
    ):
        self.curves = {key: np.asarray(pair, dtype=float) for key, pair in curves.items()}
        self.means = {key: float(np.mean(losses)) for key, losses in kept.items()}
        first = min(self.means, key=lambda strength: self.means[strength]) if value is None else value
        self.axes = plots.strength_choice(
            curves, kept, first, reference=reference, reference_label=reference_label, unit=unit
        )
        super().__init__(self.axes[0].figure, list(kept), setting="strength λ", value=first)
        self.update(self.value)

    def update(self, value: float) -> None:
        """Move both curves, the circle and the titles to one strength."""
        left, right = self.axes
        for line, losses in zip(left.lines, self.curves[value], strict=False):
            line.set_ydata(losses)
        right.lines[0].set_data([self.values.index(value)], [self.means[value]])
        left.set_title(f"λ = {value:g}")
        right.set_title(f"what early stopping keeps: {self.means[value]:.3f}")
