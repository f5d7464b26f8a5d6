"""The recorded runs of an experiment under two controls: the method, and its strength."""

from collections.abc import Mapping

import numpy as np

from labcode._checks import expect
from labcode.plots.style import printed
from labcode.plots.sweeps import lowest_loss, move_sweep, strength_sweep
from labcode.widgets.base import SliderFigure


class MethodExplorer(SliderFigure):
    """Learning curves of one method at one strength, and where it stands among all that were tried.

    The value that ``draw`` takes is a pair: (method, strength).

    Args:
        sweeps: each method's recorded runs by strength, as ``result_tables.sweep`` of
            ``labcode.experiments`` returns them.
        none: the same without regularization.
        unit: what is measured, with its unit.
        value: pair that is shown first; the first method at the strength of lowest mean loss by default.

    Raises:
        ValueError: no methods, a method without strengths, or a first value that is not among them.
    """

    def __init__(
        self,
        sweeps: Mapping[str, Mapping[float, Mapping[str, np.ndarray]]],
        none: Mapping[str, np.ndarray],
        *,
        unit: str = "loss",
        value: tuple[str, float] | None = None,
    ):
        self.sweeps = {method: dict(sweep) for method, sweep in sweeps.items()}
        lengths = [len(sweep) for sweep in self.sweeps.values()]
        expect(min(lengths, default=0) > 0, "sweeps", "methods with at least one strength each", lengths)
        values = [(method, strength) for method, sweep in self.sweeps.items() for strength in sweep]
        first = self.best(next(iter(self.sweeps))) if value is None else value
        expect(first in values, "value", f"one of {values}", first)
        self.axes = strength_sweep(
            self.sweeps[first[0]],
            none,
            first[1],
            name=max(self.sweeps, key=len),
            unit=unit,
            most=max(lengths),
            lowest=min(map(lowest_loss, self.sweeps.values())),
        )
        super().__init__(self.axes[0].figure, values, setting="method and strength", value=first)
        self.update(first)

    def best(self, method: str) -> tuple[str, float]:
        """Return a method with the strength at which early stopping keeps the lowest mean loss."""
        sweep = self.sweeps[method]
        return method, min(sweep, key=lambda strength: sweep[strength]["early"].mean())

    def update(self, value: tuple[str, float]) -> None:
        """Move everything to one method and strength."""
        method, strength = value
        move_sweep(self.axes, self.sweeps[method], strength, name=method)

    def widget(self):
        """Return a menu of the methods and a slider of their strengths, above the picture they redraw."""
        import ipywidgets

        look = {"style": {"description_width": "initial"}, "layout": {"width": "300px"}}
        method, strength = self.value
        names = [(printed(name), name) for name in self.sweeps]
        menu = ipywidgets.Dropdown(options=names, value=method, description="method", **look)
        slider = ipywidgets.SelectionSlider(
            description="strength", **self._strengths(method, strength), **look
        )
        picture, words = self._shown((self.value,))

        def redraw(_=None):
            self._show(((menu.value, slider.value),), picture, words)

        def another_method(change):
            slider.unobserve(redraw, names="value")  # one new picture, not one for each step of the way
            slider.options, slider.value = self._strengths(*self.best(change["new"])).values()
            slider.observe(redraw, names="value")
            redraw()

        menu.observe(another_method, names="value")
        slider.observe(redraw, names="value")
        return ipywidgets.VBox([ipywidgets.HBox([menu, slider]), words, picture])

    def _strengths(self, method: str, strength: float) -> dict:
        return {"options": [(f"{s:g}", s) for s in self.sweeps[method]], "value": strength}
