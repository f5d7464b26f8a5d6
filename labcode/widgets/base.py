"""The slider and the picture under it that every widget of the course is made of."""

import io
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure

from labcode._checks import expect


class SliderFigure:
    """A figure that is drawn once, and of which a slider changes what depends on its value.

    A subclass draws its figure with the longest texts it will ever hold, so that the layout has room for
    them, passes it on here, and changes lines and texts in ``update``.

    Args:
        figure: the figure, with everything that stays.
        values: what the slider can be set to, in order.
        setting: what the slider moves, for example "hidden units".
        value: where the slider stands first; the last value by default.

    Raises:
        ValueError: no values, or a first one that is not among them.
    """

    def __init__(self, figure: Figure | SubFigure, values: Sequence, *, setting: str, value: Any = None):
        figure = figure.get_figure(root=True)
        self.values, self.setting = list(values), setting
        expect(len(self.values) > 0, "values", "at least one value for the slider", self.values)
        self.value = self.values[-1] if value is None else value
        expect(self.value in self.values, setting, f"one of {self.values}", self.value)
        plt.close(figure)  # the notebook must not show it beside the widget
        figure.set_dpi(96)
        self._canvas = FigureCanvasAgg(figure)
        self._canvas.draw()
        figure.set_layout_engine("none")  # laying out anew would take longer than all the rest

    def update(self, value: Any) -> None:
        """Change what depends on the slider's value, one of ``values``."""
        raise NotImplementedError

    def draw(self, value: Any) -> bytes:
        """Redraw for one value of the slider.

        Args:
            value: one of ``values``.

        Returns:
            The picture, as the bytes of a PNG file.

        Raises:
            ValueError: another value.
        """
        expect(value in self.values, self.setting, f"one of {self.values}", value)
        self.update(value)
        self._canvas.draw()
        picture = io.BytesIO()
        plt.imsave(picture, self._canvas.buffer_rgba(), format="png")
        return picture.getvalue()

    def widget(self):
        """Return the slider and the picture it redraws, to be the last line of a notebook cell."""
        import ipywidgets

        slider = ipywidgets.SelectionSlider(
            options=self.values,
            value=self.value,
            description=self.setting,
            style={"description_width": "initial"},
            layout={"width": "420px"},
        )
        width = f"{self._canvas.get_width_height()[0]}px"  # its own size: stretched, it would blur
        picture = ipywidgets.Image(value=self.draw(slider.value), format="png", layout={"width": width})
        slider.observe(lambda change: setattr(picture, "value", self.draw(change["new"])), names="value")
        return ipywidgets.VBox([slider, picture])
