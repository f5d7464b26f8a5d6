"""A vector of two weights under the hand, and where each constraint puts it."""

import numpy as np
from matplotlib.patches import Circle

from labcode.constraints import max_norm, min_max_norm, unit_norm
from labcode.plots.style import BASELINE, GREEN, INK, ORANGE, PURPLE, drawn, legend_above, new_axes
from labcode.widgets.base import ControlledFigure

LENGTHS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
ANGLES = tuple(range(0, 360, 15))
LIMITS = (0.5, 1.0, 1.5)
NAMES = ("max-norm", "unit norm", "min-max norm")


class VectorUnderConstraints(ControlledFigure):
    """A vector of the plane under max-norm, unit norm and min-max norm (from half the limit).

    Try this: turn the vector at a length below the limit: which constraint leaves it alone? Then make it
    longer until max-norm takes hold, and shorter until min-max norm does. Does any of them ever change the
    angle?

    Args:
        value: length, angle in degrees and limit at first.
    """

    def __init__(self, *, value: tuple[float, int, float] = (1.5, 30, 1.0)):
        self.axes = self._drawn()
        controls = {"length": LENGTHS, "angle (degrees)": ANGLES, "limit": LIMITS}
        super().__init__(self.axes.figure, controls, value=value)
        self.change(*self.state)

    @drawn("A vector of two weights before and after three constraints.")
    def _drawn(self):
        ax = new_axes(height=4.6)
        self._rims = [Circle((0, 0), 1, fill=False, ls=ls, ec=BASELINE) for ls in ("-", ":")]
        for rim in self._rims:
            ax.add_patch(rim)
        ax.plot([0, 1], [0, 1], color=INK, lw=2.5, marker="o", markevery=[1], label="vector")
        looks = ((GREEN, "s", 15), (PURPLE, "D", 10), (ORANGE, "o", 6))
        for name, (colour, marker, size) in zip(NAMES, looks, strict=True):
            ax.plot([1], [1], marker, color=colour, ms=size, mfc="none", mew=2, label=name)
        ax.axhline(0, color=BASELINE, lw=0.5)
        ax.axvline(0, color=BASELINE, lw=0.5)
        ax.set(xlim=(-2.1, 2.1), ylim=(-2.1, 2.1), aspect="equal", xlabel="$w_1$", ylabel="$w_2$", title=" ")
        legend_above(ax)
        return ax

    def moved(self, length: float, angle: int, limit: float) -> np.ndarray:
        """Return the vector and what each constraint makes of it, (4, 2)."""
        turn = np.deg2rad(angle)
        w = length * np.array([[np.cos(turn), np.sin(turn)]])
        others = max_norm(w, limit), unit_norm(w), min_max_norm(w, limit / 2, limit)
        return np.concatenate([w, *others])

    def change(self, length: float, angle: int, limit: float) -> None:
        """Move the vector, the rims and the three marks."""
        vectors = self.moved(length, angle, limit)
        self.axes.lines[0].set_data(*np.stack([np.zeros(2), vectors[0]]).T)
        for line, vector in zip(self.axes.lines[1:4], vectors[1:], strict=True):
            line.set_data(*vector[:, None])
        for rim, radius in zip(self._rims, (limit, limit / 2), strict=True):
            rim.set_radius(radius)
        norms = np.linalg.norm(vectors[1:], axis=1)
        self.axes.set_title(", ".join(f"{name}: {norm:.2f}" for name, norm in zip(NAMES, norms, strict=True)))
