"""One weight under a penalty: where its minimum goes, and how its path reaches 0 or never does."""

from collections.abc import Sequence

import numpy as np

from labcode import plots
from labcode.plots.style import BASELINE, FAINT, METHODS, better, drawn, legend_above, new_axes
from labcode.widgets.base import ControlledFigure

PLACES = tuple(round(z, 1) for z in np.linspace(-1.4, 1.8, 17))
STRENGTHS = tuple(round(lam, 1) for lam in np.linspace(0, 2, 11))
STEP_SIZES, PULLS = (0.01, 0.02, 0.05, 0.1, 0.2), (0.1, 0.2, 0.5, 1.0)
NOISES, SAMPLES = (0.1, 0.3, 1.0, 3.0), (10, 30, 100, 300, 1000)


class OneWeight(ControlledFigure):
    """The objective (v - z)^2 / 2 plus a penalty of one weight, under sliders for z and λ.

    Try this: leave λ at 1 and move z slowly through 1; the minimum of L1 leaves 0 only there, that of L2 at
    once. Then leave z and raise λ: which of the two minima arrives at 0, and which only comes closer?

    Args:
        value: z and λ at first.
    """

    def __init__(self, *, value: tuple[float, float] = (1.4, 0.6)):
        self.axes = plots.one_weight(max(PLACES), min(STRENGTHS))
        self._v = self.axes[0].lines[0].get_xdata()
        super().__init__(self.axes[0].figure, {"z": PLACES, "strength λ": STRENGTHS}, value=value)
        self.change(*self.state)

    def minima(self, z: float, lam: float) -> tuple[float, float]:
        """Return the best weight under L1 and under L2."""
        return float(np.sign(z) * max(abs(z) - lam, 0.0)), z / (1 + lam)

    def change(self, z: float, lam: float) -> None:
        """Move all curves, both minima and the titles."""
        v, data = self._v, (self._v - z) ** 2 / 2
        penalties = lam * np.abs(v), lam / 2 * v**2
        names = "L1: λ |v|", "L2: λ/2 v²"
        for ax, penalty, best, name in zip(self.axes, penalties, self.minima(z, lam), names, strict=True):
            for line, heights in zip(ax.lines, (data, penalty, data + penalty), strict=False):
                line.set_ydata(heights)
            height = float(np.interp(best, v, data + penalty))
            ax.lines[3].set_data([best], [height])
            ax.lines[3].set_label(f"minimum at v = {best:.2f}")
            ax.get_legend().get_texts()[3].set_text(f"minimum at v = {best:.2f}")
            ax.lines[4].set_ydata((0, height + 0.6))
            ax.set_title(f"{name}, minimum {best:.2f}")


class Chatter(ControlledFigure):
    """A useless weight that L1 pulls to 0: with the gradient of |w|, and with the proximal step.

    Try this: halve the step size; by how much does the band shrink in which the first path jumps? Then
    raise λ instead. Is there any setting of the two at which the first path stays at 0?

    Args:
        steps: how many are drawn.
        value: step size and λ at first.
    """

    def __init__(self, *, steps: int = 60, value: tuple[float, float] = (0.1, 0.5)):
        self._steps = np.arange(steps + 1)
        self.axes = self._drawn()
        controls = {"step size": STEP_SIZES, "strength λ": PULLS}
        super().__init__(self.axes.figure, controls, value=value)
        self.change(*self.state)

    @drawn("The path of a useless weight under L1, by the gradient of |w| and by the proximal step.")
    def _drawn(self):
        ax = new_axes(height=3.6)
        self._band = ax.axhspan(-0.1, 0.1, color=FAINT, alpha=0.5, lw=0, label="± step size × λ")
        for key, label, line in (("l1", "gradient of |w|", "--"), ("l1_proximal", "proximal step", "-")):
            (curve,) = ax.plot(self._steps, 0.0 * self._steps, line, lw=1, ms=3, label=label, alpha=0.9)
            curve.set(color=METHODS[key].colour, marker=METHODS[key].marker)
        ax.lines[0].set_color(BASELINE)
        ax.axhline(0, color=BASELINE, lw=0.6)
        ax.set(xlabel="step", ylabel="weight", xlim=(0, self._steps[-1]), ylim=(-0.3, 0.6), title=" ")
        legend_above(ax)
        return ax

    def paths(self, lr: float, lam: float, start: float = 0.53) -> np.ndarray:
        """Return both paths, (2, steps + 1): w - lr λ sign(w), and the same that stops at 0."""
        jump, found = lr * lam, np.full((2, len(self._steps)), start)
        for t in self._steps[1:]:
            w, v = found[:, t - 1]
            found[:, t] = w - jump * np.sign(w), np.sign(v) * max(abs(v) - jump, 0.0)
        return found

    def change(self, lr: float, lam: float) -> None:
        """Move both paths and the band."""
        found = self.paths(lr, lam)
        for line, path in zip(self.axes.lines, found, strict=False):
            line.set_ydata(path)
        self._band.set(y=-lr * lam, height=2 * lr * lam)
        zero = np.flatnonzero(found[1] == 0)
        when = f"exactly 0 from step {zero[0]}" if zero.size else "not at 0 yet"
        last = np.abs(found[0][-10:]).max()
        self.axes.set_title(f"proximal: {when}; gradient: up to {last:.2g} away at the end")


class RidgeError(ControlledFigure):
    """How far L2's weights lie from the true ones, by λ, under sliders for noise and number of samples.

    The mean over noise and over true weights from the prior N(0, 1), in closed form, with data of unit
    variance: (λ^2 + s^2 / n) / (1 + λ)^2. It is least at λ = s^2 / n.

    Try this: make the noise ten times as large; by which factor does the best λ grow? With how many more
    samples do you get the old one back?

    Args:
        strengths: λ along the axis.
        value: noise s and number n at first.
    """

    def __init__(
        self, *, strengths: Sequence[float] = tuple(np.geomspace(1e-4, 10, 81)), value: tuple = (1.0, 30)
    ):
        self._lam = np.asarray(strengths, dtype=float)
        self.axes = self._drawn()
        super().__init__(self.axes.figure, {"noise s": NOISES, "samples n": SAMPLES}, value=value)
        self.change(*self.state)

    @drawn("Mean squared distance of L2's weights to the true ones against λ.")
    def _drawn(self):
        ax = new_axes(height=3.6)
        style = METHODS["l2"]
        ax.plot(self._lam, self._lam, color=style.colour, lw=2, label="mean over noise and weights")
        ax.plot([1], [1], style.marker, color=style.colour, ms=9, label="least, at λ = s²/n")
        ax.axhline(1, color=BASELINE, ls=":", label="all weights 0")
        ax.set(xscale="log", yscale="log", ylim=(5e-6, 20), xlabel="strength λ (no unit)", title=" ")
        ax.minorticks_off()  # they take longer to draw than all the rest
        ax.set_ylabel(better("squared distance\nto the true weights"))
        legend_above(ax)
        return ax

    def error(self, lam: float | np.ndarray, s: float, n: int) -> np.ndarray:
        """Return the mean squared distance of one weight at a strength."""
        return (np.square(lam) + s**2 / n) / np.square(1 + np.asarray(lam))

    def change(self, s: float, n: int) -> None:
        """Move the curve, its lowest point and the title."""
        best = s**2 / n
        self.axes.lines[0].set_ydata(self.error(self._lam, s, n))
        self.axes.lines[1].set_data([best], [self.error(best, s, n)])
        gain = 1 - self.error(best, s, n) / self.error(0.0, s, n)
        self.axes.set_title(f"best λ = {best:.2g}; {gain:.1%} less error than without L2")
