"""Searches of equal budget under a slider for the budget."""

from collections.abc import Mapping, Sequence

import numpy as np

from labcode import plots
from labcode.widgets.base import SliderFigure


class BudgetExplorer(SliderFigure):
    """What the winner of each search scores at one budget at a time, where it was chosen and on fresh data.

    Args:
        budgets, validation, fresh, unit: as in ``plots.winners_by_budget``; the slider shows the budgets.
        value: where the slider stands first; the last budget by default.

    Raises:
        ValueError: names that differ, or a first value that is not among the budgets.
    """

    def __init__(
        self,
        budgets: Sequence[int],
        validation: Mapping[str, Sequence[float]],
        fresh: Mapping[str, Sequence[float]],
        *,
        unit: str,
        value: int | None = None,
    ):
        self.scores = np.array([[validation[name], fresh[name]] for name in validation], dtype=float)
        first = budgets[-1] if value is None else value
        self.axes = plots.winners_by_budget(budgets, validation, fresh, budget=first, unit=unit)
        shown = self.scores[np.isfinite(self.scores)]
        margin = 0.05 * np.ptp(shown)
        self.axes[1].set_xlim(shown.min() - margin, shown.max() + margin)
        self.axes[1].set_title(" ")
        super().__init__(self.axes[0].figure, budgets, setting="budget", value=first)
        self.update(first)

    def update(self, value: int) -> None:
        """Move the mark on the left, and both scores of each search on the right, to one budget."""
        left, right = self.axes
        left.lines[0].set_xdata([value, value])
        pairs, rows = self.scores[:, :, self.values.index(value)], np.arange(len(self.scores))[::-1]
        for line, scores in zip(right.lines, pairs.T, strict=True):
            line.set_xdata(scores)
        ends = [[(low, row), (high, row)] for (low, high), row in zip(pairs, rows, strict=True)]
        right.collections[0].set_segments(ends)
        optimism = float(np.nanmean(pairs[:, 1] - pairs[:, 0]))
        right.set_title(f"budget {value}: mean optimism {optimism:.3f}")
