"""The diamond and the disk under a slider."""

from collections.abc import Sequence

import numpy as np

from labcode import plots
from labcode._checks import expect
from labcode.linear import LinearTask, best_within, lasso, ridge
from labcode.plots.sparsity import level_line, optimum_title, rim
from labcode.widgets.base import SliderFigure

STRENGTHS = (0, 5, 10, 15, 20, 25, 30, 35, 40)


class DiamondAndDisk(SliderFigure):
    """The least loss of two weights inside a diamond and inside a disk, for strengths λ of L1 on the slider.

    The diamond is as large as the L1 solution of that strength. The disk has the same share of the size
    (length in place of sum |w|) of the weights without a penalty, and with it a λ of its own.

    Args:
        task: a task of two columns.
        strengths: the strengths λ of L1, at least 0, small enough to leave a weight.
        value: where the slider stands first; the last strength by default.

    Raises:
        ValueError: a task of more columns, a strength below 0, or one under which both weights are 0.
    """

    def __init__(
        self, task: LinearTask, strengths: Sequence[float] = STRENGTHS, *, value: float | None = None
    ):
        self._task = task
        self.found = {strength: diamond_and_disk_optima(task, strength) for strength in strengths}
        self.axes = plots.diamond_and_disk(task, self.found[min(strengths)])
        super().__init__(self.axes[0].figure, strengths, setting="strength λ of L1", value=value)
        self.update(self.value)

    def update(self, value: float) -> None:
        """Move both rims, the level lines that touch them, the optima and the titles to one strength."""
        for ax, (norm, (w, strength)) in zip(self.axes, self.found[value].items(), strict=True):
            boundary, level, optimum = ax.lines[:3]
            boundary.set_data(rim(norm, w))
            level.set_data(level_line(self._task, w))
            optimum.set_data(w[:, None])
            ax.set_title(optimum_title(norm, w, strength))


def diamond_and_disk_optima(task: LinearTask, strength: float) -> dict[str, tuple[np.ndarray, float]]:
    """Return the L1 optimum, and the L2 optimum of the same share of its size, with their strengths.

    Args:
        task: the data.
        strength: λ of L1, at least 0, small enough to leave a weight.

    Returns:
        the weights and the strength, by "l1" and "l2".

    Raises:
        ValueError: no task, a strength below 0, or one under which all weights are 0. Chapter 4.
    """
    w, free = lasso(task, strength), ridge(task, 0.0)
    expect(bool(w.any()), "strength", "one under which a weight is left", strength)
    share = np.abs(w).sum() / np.abs(free).sum()
    disk = best_within(task, share * np.linalg.norm(free), "l2") if strength > 0 else (free, 0.0)
    return {"l1": (w, float(strength)), "l2": disk}
