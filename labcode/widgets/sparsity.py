"""The diamond and the disk under a slider."""

from collections.abc import Sequence

import numpy as np

from labcode import plots
from labcode.linear import LinearTask, best_within, ridge
from labcode.plots.sparsity import level_line, rim
from labcode.widgets.base import SliderFigure

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class DiamondAndDisk(SliderFigure):
    """The least loss of two weights inside a diamond and inside a disk, for radii that the slider sets.

    Args:
        task: a task of two columns.
        shares: the radii, as shares of the size (sum |w|, or length) of the weights without a constraint.
        value: where the slider stands first; the last share by default.

    Raises:
        ValueError: a task of more columns, a share that is not above 0.
    """

    def __init__(self, task: LinearTask, shares: Sequence[float] = SHARES, *, value: float | None = None):
        free, self._task, self._found = ridge(task, 0.0), task, {}
        sizes = {"l1": np.abs(free).sum(), "l2": np.linalg.norm(free)}
        for share in shares:
            self._found[share] = {
                norm: best_within(task, share * size, norm) if share < 1 else (free, 0.0)
                for norm, size in sizes.items()
            }
        widest = {norm: w for norm, (w, _) in self._found[max(shares)].items()}
        self.axes = plots.diamond_and_disk(task, widest)
        super().__init__(self.axes[0].figure, shares, setting="radius, as a share", value=value)
        self.update(self.value)

    def update(self, value: float) -> None:
        """Move both rims, the level lines that touch them, the optima and the titles to one radius."""
        for ax, norm in zip(self.axes, ("l1", "l2"), strict=True):
            w, strength = self._found[value][norm]
            boundary, level, optimum = ax.lines[:3]
            boundary.set_data(rim(norm, w))
            level.set_data(level_line(self._task, w))
            optimum.set_data(w[:, None])
            name = norm.upper()
            ax.set_title(f"{name}: w = ({w[0]:.1f}, {w[1]:.1f}), λ = {strength:.3g}", fontsize="medium")
