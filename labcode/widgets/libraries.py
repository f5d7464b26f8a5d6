"""The loss curves of several libraries, up to the step where the slider stands."""

from collections.abc import Mapping, Sequence

import numpy as np

from labcode import plots
from labcode.plots.libraries import distance
from labcode.widgets.base import SliderFigure


class LibraryExplorer(SliderFigure):
    """Loss curves of libraries as they are drawn step by step, with their distances to one of them.

    Args:
        curves: the loss of each step by the library's name, all of one length.
        reference: the name that the others are compared with.
        limit: a distance to draw as a line.
        unit: label of the upper axis, with its unit.
        value: step at which the slider stands first; the last one by default.

    Raises:
        ValueError: no curves, curves that differ in length, an unknown reference or step.
    """

    def __init__(
        self,
        curves: Mapping[str, Sequence[float]],
        *,
        reference: str,
        limit: float,
        unit: str = "training loss",
        value: int | None = None,
    ):
        self._curves = {name: np.asarray(curve, dtype=float) for name, curve in curves.items()}
        self._reference = reference
        self.axes = plots.curves_by_library(curves, reference=reference, limit=limit, unit=unit)
        for ax in self.axes:  # the axes stay, whatever is shown
            ax.set(xlim=ax.get_xlim(), ylim=ax.get_ylim())
        self.axes[0].set_title(" ")
        steps = range(1, len(self._curves[reference]) + 1)
        super().__init__(self.axes[0].figure, steps, setting="step", value=value)

    def update(self, value: int) -> None:
        """Show every curve up to one step, and write the largest distance so far above them."""
        steps, reference = np.arange(1, value + 1), self._curves[self._reference]
        others = {name: curve for name, curve in self._curves.items() if name != self._reference}
        for line, curve in zip(self.axes[0].lines, self._curves.values(), strict=True):
            line.set_data(steps, curve[:value])
        for line, curve in zip(self.axes[1].lines, others.values(), strict=False):
            line.set_data(steps, distance(curve[:value], reference[:value]))
        largest = max((np.abs(curve - reference)[:value].max() for curve in others.values()), default=0.0)
        self.axes[0].set_title(f"step {value}, largest distance so far {largest:.1e}")
