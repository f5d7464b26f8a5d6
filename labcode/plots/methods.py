"""Several methods side by side, every run a dot."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np

from labcode._checks import expect
from labcode.plots.style import BASELINE, TRAIN, VALIDATION


def losses_by_method(
    panels: Mapping[str, Mapping[str, np.ndarray]],
    *,
    unit: str = "mean squared error",
    baseline: float | None = None,
    baseline_label: str = "persistence",
) -> np.ndarray:
    """Draw losses by method, one panel for each way to read them: a dot for each seed, a bar for the mean.

    Dots of one seed have one shape in every row, so that pairs can be followed.

    Args:
        panels: for each panel's title the losses of each method, one for each seed, by the method's name; the
            methods stand from top to bottom in the order of the first panel.
        unit: what is measured, with its unit.
        baseline: loss of a simple rule on the same data, drawn as a line.
        baseline_label: the rule's name.

    Returns:
        The axes of the panels.

    Raises:
        ValueError: no panel, or panels whose methods or numbers of seeds differ.
    """
    expect(len(panels) > 0, "panels", "at least one panel", list(panels))
    methods = list(next(iter(panels.values())))
    counts = {len(losses) for panel in panels.values() for losses in panel.values()}
    alike = all(panel.keys() == set(methods) for panel in panels.values()) and len(counts) == 1
    expect(alike, "panels", f"the methods {methods} with equally many seeds", sorted(counts))
    size = (3.2 + 2.9 * len(panels), 1.3 + 0.32 * len(methods))
    axes = plt.subplots(
        1, len(panels), figsize=size, sharex=True, sharey=True, layout="constrained", squeeze=False
    )[1][0]
    for ax, (title, panel) in zip(axes, panels.items(), strict=True):
        for row, name in enumerate(methods):
            for seed, loss in enumerate(panel[name]):
                label = f"seed {seed}" if row == 0 else None
                ax.plot(loss, row, "osD^v<>"[seed % 7], color=TRAIN, ms=5, alpha=0.6, mew=0, label=label)
            label = "mean" if row == 0 else None
            ax.plot(np.mean(panel[name]), row, "|", color=VALIDATION, ms=16, mew=2.5, label=label)
        if baseline is not None:
            ax.axvline(baseline, color=BASELINE, ls=":", label=baseline_label)
        ax.set(title=title, xlabel=unit, yticks=range(len(methods)), yticklabels=methods)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylim(len(methods) - 0.5, -0.5)
    handles, labels = axes[0].get_legend_handles_labels()
    axes[0].figure.legend(
        handles, labels, loc="outside lower center", ncols=6, frameon=False, fontsize="small"
    )
    return axes
