"""Learning curves under a slider."""

from collections.abc import Mapping, Sequence

import numpy as np

from labcode import plots
from labcode._checks import expect
from labcode.widgets.base import SliderFigure


class CurveExplorer(SliderFigure):
    """Learning curves of one setting at a time, with the generalization gap between them.

    Args:
        curves: training and validation losses by epoch, two sequences of one length, by the setting's value.
        setting: what the slider moves, for example "hidden units".
        baseline: loss of a simple rule on the validation split.
        unit: label of the vertical axis.
        value: where the slider stands first; the last setting by default.

    Raises:
        ValueError: no curves, or curves that differ in length.
    """

    def __init__(
        self,
        curves: Mapping[object, tuple[Sequence[float], Sequence[float]]],
        *,
        setting: str,
        baseline: float | None = None,
        unit: str = "mean squared error",
        value: object = None,
    ):
        lengths = {len(curve) for pair in curves.values() for curve in pair}
        expect(
            len(lengths) == 1, "curves", "two curves of one common length for each setting", sorted(lengths)
        )
        self.curves = {key: np.asarray(pair, dtype=float) for key, pair in curves.items()}
        first = next(iter(self.curves.values()))
        self._axes = plots.learning_curves(*first, baseline=baseline, unit=unit, mark_best=False)
        self._axes.set_ylim(0, 1.05 * max(pair.max() for pair in self.curves.values()))
        self._axes.set_title(" ")
        super().__init__(self._axes.figure, list(self.curves), setting=setting, value=value)

    def update(self, value: object) -> None:
        """Move both curves, the shaded gap and the title to one value of the setting."""
        train, validation = self.curves[value]
        train_line, validation_line, *_ = self._axes.lines
        train_line.set_ydata(train)
        validation_line.set_ydata(validation)
        for shade in list(self._axes.collections):
            shade.remove()
        plots.shade_gap(self._axes, train, validation)
        gap, best = validation[-1] - train[-1], int(np.argmin(validation))
        self._axes.set_title(f"{self.setting}: {value}   gap at the end: {gap:.2f}   best epoch: {best}")
