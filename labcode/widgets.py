"""The course's interactive figures: each is a plain object with a `draw` method, and a thin ipywidgets shell.

A widget never trains; it redraws curves that were computed before. `draw` moves the lines of one figure that
stays open and returns a PNG picture, which takes tens of milliseconds and can be tested without a browser.
"""

import io
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from labcode import plots
from labcode.validate import expect


class CurveExplorer:
    """Learning curves of one setting at a time, with the generalization gap between them.

    Args:
        curves: training and validation losses by epoch, two sequences of one length, by the setting's value.
        setting: what the slider moves, for example "hidden units".
        baseline: loss of a simple rule on the validation split.
        unit: label of the vertical axis.

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
    ):
        lengths = {len(curve) for pair in curves.values() for curve in pair}
        expect(
            len(lengths) == 1, "curves", "two curves of one common length for each setting", sorted(lengths)
        )
        self.curves = {key: np.asarray(pair, dtype=float) for key, pair in curves.items()}
        self.setting = setting
        self._axes, self._canvas = self._open_figure(baseline, unit)

    def _open_figure(self, baseline: float | None, unit: str):
        """Draw once what every redraw uses again: axes, labels, legend, a layout with room for a title."""
        first = next(iter(self.curves.values()))
        axes = plots.learning_curves(*first, baseline=baseline, unit=unit, mark_best=False)
        axes.set_ylim(0, 1.05 * max(pair.max() for pair in self.curves.values()))
        axes.set_title(" ", fontsize="medium")
        axes.get_legend().set_loc("lower left")
        figure = axes.figure
        plt.close(figure)  # the notebook must not show it beside the widget
        figure.set_dpi(96)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        figure.set_layout_engine("none")
        return axes, canvas

    def draw(self, value: object) -> bytes:
        """Redraw for one value of the setting.

        Args:
            value: one of the keys of ``curves``.

        Returns:
            The picture, as the bytes of a PNG file.

        Raises:
            ValueError: a value without curves.
        """
        expect(value in self.curves, self.setting, f"one of {list(self.curves)}", value)
        train, validation = self.curves[value]
        train_line, validation_line, *_ = self._axes.lines
        train_line.set_ydata(train)
        validation_line.set_ydata(validation)
        for shade in list(self._axes.collections):
            shade.remove()
        plots.shade_gap(self._axes, train, validation)
        gap, best = validation[-1] - train[-1], int(np.argmin(validation))
        self._axes.set_title(
            f"{self.setting}: {value}   gap at the end: {gap:.2f}   best epoch: {best}", fontsize="medium"
        )
        self._canvas.draw()
        picture = io.BytesIO()
        plt.imsave(picture, self._canvas.buffer_rgba(), format="png")
        return picture.getvalue()

    def widget(self):
        """Return the slider and the picture it redraws, to be the last line of a notebook cell."""
        import ipywidgets

        keys = list(self.curves)
        slider = ipywidgets.SelectionSlider(
            options=keys, value=keys[-1], description=self.setting, style={"description_width": "initial"}
        )
        width = f"{self._canvas.get_width_height()[0]}px"  # its own size: stretched, it would blur
        picture = ipywidgets.Image(value=self.draw(slider.value), format="png", layout={"width": width})
        slider.observe(lambda change: setattr(picture, "value", self.draw(change["new"])), names="value")
        return ipywidgets.VBox([slider, picture])
