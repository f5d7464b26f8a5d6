"""What recurrent dropout leaves of a memory, under a slider for the drop probability."""

from typing import Any

import numpy as np

from labcode import plots
from labcode._checks import check_integer, check_number, expect
from labcode.widgets.base import SliderFigure

RATES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
PLACES = ("beside the path: m on g, h or U", "on c, locked", "on c, new at each step", "zoneout on c")


def memory_forms(p: float, *, steps: int, forget: float) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return what is left of a value in the cell, by where the mask stands, in closed form.

    The cell writes nothing new, c' = f ⊙ c, with one forget gate f at every step. A mask beside this path
    leaves f^t. One on the path lets a cell live with probability (1-p)^t if it is new at each step, and 1-p
    if it is locked; a cell that lives holds (f / (1-p))^t. Zoneout keeps every cell, and on average the share
    (p + (1-p) f)^t.

    Args:
        p: probability to drop, or zoneout's rate, in [0, 1).
        steps: number of steps, T.
        forget: the forget gate f, in (0, 1].

    Returns:
        for each place the share of cells that hold anything, and the (mean) size in them, each (T + 1,).

    Raises:
        ValueError: an argument outside its range.

    Source: the forms follow from the equations of ``recurrent_dropout.py``. Chapter 3.
    """
    p, forget = check_number("p", p), check_number("forget", forget)
    expect(0 <= p < 1, "p", "a probability to drop in [0, 1)", p)
    expect(0 < forget <= 1, "forget", "a forget gate in (0, 1]", forget)
    t = np.arange(check_integer("steps", steps, low=1) + 1)
    sure, kept = np.ones(len(t)), 1 - p
    locked = np.where(t > 0, kept, 1.0)
    grown = (forget / kept) ** t
    forms = (
        (sure, forget**t),
        (locked, grown),
        (kept**t, grown),
        (sure, (p + kept * forget) ** t),
    )
    return dict(zip(PLACES, forms, strict=True))


class MemoryExplorer(SliderFigure):
    """What a cell that should hold a value still holds after t steps, by where the mask stands.

    Args:
        steps: number of steps.
        forget: the forget gate, the same at every step, in (0, 1].
        value: where the slider stands first; the last rate by default.

    Raises:
        ValueError: an argument outside its range.
    """

    def __init__(self, *, steps: int = 20, forget: float = 0.95, value: float | None = None):
        self._options: dict[str, Any] = {"steps": steps, "forget": forget}
        self.axes = plots.memory_left(memory_forms(RATES[-1], **self._options))
        self.axes[0].set_title(" ")
        super().__init__(self.axes[0].figure, RATES, setting="probability p", value=value)
        self.update(self.value)

    def update(self, value: float) -> None:
        """Move all curves and the title to one probability, on axes that stay."""
        forms = memory_forms(value, **self._options)
        for ax, curves in zip(self.axes, zip(*forms.values(), strict=True), strict=True):
            for line, values in zip(ax.lines, curves, strict=False):
                line.set_ydata(values)
        self.axes[0].set_title(f"p = {value:g}, forget gate {self._options['forget']:g}")
