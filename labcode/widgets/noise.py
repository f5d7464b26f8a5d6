"""Dropout by hand: masks that are drawn again, and where each variant puts them when the cell is unrolled."""

import numpy as np
from matplotlib.patches import Rectangle

from labcode.plots.style import BASELINE, FAINT, INK, ORANGE, SKY, drawn, legend_above, new_axes, new_panels
from labcode.plots.words import tell
from labcode.widgets.base import ControlledFigure

RATES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9)
DRAWS = tuple(range(1, 13))
UNITS, STEPS = 12, 8
VARIANTS = {  # rows of the picture in which a mask acts, and whether it is drawn once for the sequence
    "input dropout, locked": ("x", True),
    "recurrent dropout on h, locked": ("h", True),
    "recurrent dropout on h, new": ("h", False),
    "recurrent dropout on g, new": ("g", False),
    "recurrent dropout on c, locked": ("c", True),
    "recurrent dropout on c, new": ("c", False),
    "zoneout on c": ("zoneout", False),
}
ROWS = {"c": 2, "zoneout": 2, "g": 1, "h": 0, "x": -1}


class DrawAgain(ControlledFigure):
    """What inverted dropout makes of 12 values, and their mean over all draws so far, under p and the draw.

    Try this: press the right arrow on "draw" a few times: which picture changes as a whole, which less and
    less? Then set p to 0.9. How many draws would you need to trust the mean?

    Args:
        seed: of the draws.
        value: p and the number of the draw at first.
    """

    def __init__(self, *, seed: int = 0, value: tuple[float, int] = (0.25, 2)):
        self.x = np.linspace(0.2, 1.3, UNITS)
        self._coins = np.random.default_rng(seed).random((len(DRAWS), UNITS))
        self.axes = self._drawn()
        super().__init__(self.axes[0].figure, {"p": RATES, "draw": DRAWS}, value=value)
        self.change(*self.state)

    @drawn("Twelve values under inverted dropout: one draw, and the mean of all draws so far.")
    def _drawn(self):
        axes = new_panels(1, 2, height=3.4, sharey=True)[0]
        for ax, title in zip(axes, ("draw 12", "mean of 12 draws"), strict=True):
            ax.bar(range(UNITS), self.x, color=SKY, width=0.8, label="value")
            ax.plot(range(UNITS), self.x, "_", color=INK, ms=12, mew=2, label="without dropout")
            ax.set(xlabel="unit", title=title, ylim=(0, 5), xticks=range(0, UNITS, 2))
        axes[0].set_ylabel("value")
        legend_above(axes[0])
        return axes

    def values(self, p: float, draw: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the values of one draw, and the mean of all up to it."""
        outcomes = self.x * (self._coins[:draw] >= p) / (1 - p)
        return outcomes[-1], outcomes.mean(axis=0)

    def change(self, p: float, draw: int) -> None:
        """Move all bars and the titles."""
        one, mean = self.values(p, draw)
        for ax, heights in zip(self.axes, (one, mean), strict=True):
            for bar, height in zip(ax.patches, heights, strict=True):
                bar.set_height(height)
        self.axes[0].set_title(f"draw {draw}: {np.count_nonzero(one == 0)} of {UNITS} dropped")
        off = np.abs(mean - self.x).mean()
        self.axes[1].set_title(f"mean of {draw}: off by {off:.2f}")


class UnrolledCell(ControlledFigure):
    """The cell unrolled over 8 steps, with the masks of four units where each variant of dropout puts them.

    Try this: compare "on h, new" with "on h, locked": in which does one unit stay away for the whole
    sequence? Then follow a unit of c through "on c, new": how many steps does its value survive? And
    under zoneout?

    Args:
        seed: of the draws.
        value: variant, p and the number of the draw at first.
    """

    def __init__(self, *, seed: int = 0, value: tuple = ("recurrent dropout on c, new", 0.25, 1)):
        self._coins = np.random.default_rng(seed).random((len(DRAWS), STEPS, 4))
        self.axes = self._drawn()
        controls = {"variant": tuple(VARIANTS), "p": RATES[1:4], "draw": DRAWS[:6]}
        super().__init__(self.axes.figure, controls, value=value)
        self.change(*self.state)

    @drawn(
        "An LSTM cell unrolled over eight steps, four units each, with the masks of one variant of dropout."
    )
    def _drawn(self):
        ax = new_axes(height=3.9)
        for row, name in ((2, "c"), (1, "g"), (0, "h"), (-1, "x")):
            kind = "-" if row in (0, 2) else ""  # c and h go from step to step
            if kind:
                ax.plot((-0.7, STEPS - 0.3), (row, row), color=FAINT, lw=1.5, zorder=0)
            ax.text(-1.0, row, f"${name}$", ha="center", va="center")
        for t in range(STEPS):
            ax.plot((t, t), (-1, 2), color=FAINT, lw=1, zorder=0)
        self._cells = {}
        for row in (2, 1, 0, -1):
            for t in range(STEPS):
                for unit in range(4):
                    at = (t - 0.32 + 0.17 * unit, row - 0.2)
                    box = Rectangle(at, 0.13, 0.4, fc="white", ec=BASELINE, lw=0.8)
                    self._cells[row, t, unit] = ax.add_patch(box)
        for label, fill in (
            ("kept", SKY),
            ("dropped", INK),
            ("keeps its old value", ORANGE),
            ("no mask", "white"),
        ):
            ax.plot([], [], "s", mfc=fill, mec=BASELINE, label=label)
        ax.set(xlim=(-1.4, STEPS - 0.4), ylim=(-1.5, 2.5), xlabel="step t", xticks=range(STEPS), yticks=[])
        ax.set_title(" ")
        legend_above(ax)
        return ax

    def mask(self, variant: str, p: float, draw: int) -> np.ndarray:
        """Return where a variant drops (or keeps the old value), (steps, units) of booleans."""
        coins = self._coins[draw - 1]
        return np.broadcast_to(coins[:1], coins.shape) < p if VARIANTS[variant][1] else coins < p

    def change(self, variant: str, p: float, draw: int) -> None:
        """Colour the cells of the row in which the variant acts, and count what is left at the end."""
        place, _ = VARIANTS[variant]
        dropped, row = self.mask(variant, p, draw), ROWS[place]
        hit = ORANGE if place == "zoneout" else INK
        for (at, t, unit), cell in self._cells.items():
            cell.set_facecolor("white" if at != row else hit if dropped[t, unit] else SKY)
        said = self.left(variant, p, draw)
        self.axes.set_title(f"{variant}: {dropped.mean():.0%} hit; {said}")
        tell(
            self.axes,
            f"{STEPS} steps of 4 units; hit are " + "; ".join(_steps(dropped[:, u]) for u in range(4)),
        )

    def left(self, variant: str, p: float, draw: int) -> str:
        """Say how many units of c still hold what was written before the first step."""
        dropped = self.mask(variant, p, draw)
        alive = 4 if VARIANTS[variant][0] != "c" else int((~dropped.any(axis=0)).sum())
        return f"{alive} of 4 memories live on"


def _steps(hit: np.ndarray) -> str:
    steps = np.flatnonzero(hit)
    return "no step" if not steps.size else "steps " + ", ".join(map(str, steps))
