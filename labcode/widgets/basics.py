"""What a gate does to a memory, and what an interval over seeds can be trusted with."""

import numpy as np
from scipy.stats import t as student_t

from labcode.plots.style import BASELINE, GREEN, INK, SKY, drawn, legend_above, new_axes
from labcode.widgets.base import ControlledFigure

GATES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99, 1.0)
INPUTS = (0.0, 0.25, 0.5, 1.0)
SEEDS, EFFECTS, DRAWS = (2, 3, 5, 10, 20), (0.0, 0.2, 0.5, 1.0), tuple(range(1, 9))


class GateMemory(ControlledFigure):
    """What a cell holds of the value 1 that it was given at step 0, by its forget and its input gate.

    The cell is c = f c + i g, with g = 1 at step 10 and 0 at all other steps.

    Try this: set f to 0.9: after how many steps is half of the value gone? Find an f at which half of it is
    left after 60. Then close the input gate: what does the cell see of the second value?

    Args:
        value: forget and input gate at first.
    """

    def __init__(self, *, value: tuple[float, float] = (0.8, 1.0)):
        self._steps = np.arange(61)
        self.axes = self._drawn()
        controls = {"forget gate f": GATES, "input gate i": INPUTS}
        super().__init__(self.axes.figure, controls, value=value)
        self.change(*self.state)

    @drawn("What a cell holds, step by step.")
    def _drawn(self):
        ax = new_axes(height=3.4)
        ax.plot(self._steps, 0.0 * self._steps, color=GREEN, marker="o", markevery=10, label="cell c")
        ax.axvline(10, color=BASELINE, ls=":", label="a second value comes")
        ax.axhline(0.5, color=BASELINE, ls="--", lw=1, label="half")
        ax.set(xlabel="step t", ylabel="cell c (no unit)", ylim=(-0.05, 2.1), xlim=(0, 60), title=" ")
        legend_above(ax)
        return ax

    def cell(self, f: float, i: float) -> np.ndarray:
        """Return c by step, (61,)."""
        later = np.where(self._steps >= 10, f ** np.maximum(self._steps - 10, 0), 0.0)
        return f**self._steps + i * later

    def change(self, f: float, i: float) -> None:
        """Move the curve and the title."""
        c = self.cell(f, i)
        self.axes.lines[0].set_ydata(c)
        steps = np.flatnonzero(f**self._steps <= 0.5)
        half = f"by step {steps[0]}" if steps.size else "not by step 60"
        self.axes.set_title(f"f = {f:g}, i = {i:g}: {c[-1]:.2f} at step 60; half of a value is gone {half}")


class SeedInterval(ControlledFigure):
    """Differences of paired seeds, drawn from N(effect, 1), with their mean and its 95 % interval.

    Try this: set the effect to 0 and draw again and again: how often does the interval miss 0? Then set it to
    1. How many seeds does it take until the interval lies on one side of 0 in most draws? Are 20 enough if
    the effect is 0.5?

    Args:
        value: number of seeds, true effect and draw at first.
    """

    def __init__(self, *, value: tuple[int, float, int] = (5, 0.5, 1)):
        self._noise = np.random.default_rng(7).standard_normal((len(DRAWS), max(SEEDS)))
        self.axes = self._drawn()
        controls = {"seeds": SEEDS, "true effect": EFFECTS, "draw": DRAWS}
        super().__init__(self.axes.figure, controls, value=value)
        self.change(*self.state)

    @drawn("Differences of paired seeds, their mean and its 95 % interval.")
    def _drawn(self):
        ax = new_axes(height=2.6)
        ax.plot([0], [1], "o", color=SKY, alpha=0.8, label="one seed")
        ax.plot([0, 1], [0, 0], color=INK, lw=3, label="95 % interval")
        ax.plot([0], [0], "D", color=INK, label="mean")
        ax.plot([0], [0], "|", color=GREEN, ms=22, mew=3, label="true effect")
        ax.axvline(0, color=BASELINE, ls=":")
        self._cut = [ax.plot([], [], arrow, color=INK, clip_on=False)[0] for arrow in "<>"]
        ax.set(
            xlim=(-4, 4), ylim=(-0.7, 1.6), yticks=[], xlabel="difference, in standard deviations of a seed"
        )
        ax.set_title(" ")
        legend_above(ax)
        return ax

    def interval(self, seeds: int, effect: float, draw: int) -> tuple[np.ndarray, float, float]:
        """Return the differences, their mean and half the width of its interval."""
        values = effect + self._noise[draw - 1, :seeds]
        half = student_t.ppf(0.975, seeds - 1) * values.std(ddof=1) / seeds**0.5
        return values, float(values.mean()), float(half)

    def change(self, seeds: int, effect: float, draw: int) -> None:
        """Move the dots, the mean and the interval."""
        values, mean, half = self.interval(seeds, effect, draw)
        dots, bar, centre, truth = self.axes.lines[:4]
        dots.set_data(values, np.ones(seeds))
        ends = mean - half, mean + half
        bar.set_data(np.clip(ends, -4, 4), [0, 0])
        for arrow, end, edge in zip(self._cut, ends, (-4, 4), strict=True):  # where the bar goes on
            arrow.set_data(([edge], [0]) if abs(end) > 4 else ([], []))
        centre.set_data([mean], [0])
        truth.set_data([effect], [0])
        word = "on one side of 0" if abs(mean) > half else "holds 0"
        self.axes.set_title(f"mean {mean:+.2f} [{mean - half:+.2f}, {mean + half:+.2f}]: {word}")
