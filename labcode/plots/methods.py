"""Several methods side by side, every run a dot."""

from collections.abc import Mapping

import numpy as np

from labcode._checks import expect
from labcode.plots.style import BASELINE, INK, better, drawn, handles_of, legend_below, looks, new_panels
from labcode.plots.words import spread, tell


@drawn("Losses by method, every run a mark.")
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
    axes = new_panels(1, len(panels), height=1.9 + 0.32 * len(methods), sharex=True, sharey=True)[0]
    styles = looks(methods)
    for ax, (title, panel) in zip(axes, panels.items(), strict=True):
        for row, name in enumerate(methods):
            for seed, loss in enumerate(panel[name]):
                label = f"seed {seed}" if row == 0 else None
                ax.plot(
                    loss,
                    row,
                    "osD^v<>"[seed % 7],
                    color=styles[row].colour,
                    ms=5,
                    alpha=0.6,
                    mew=0,
                    label=label,
                )
            label = "mean" if row == 0 else None
            ax.plot(np.mean(panel[name]), row, "|", color=INK, ms=16, mew=2.5, label=label)
        if baseline is not None:
            ax.axvline(baseline, color=BASELINE, ls=":", label=baseline_label)
        ax.set(title=title, xlabel=better(unit), yticks=range(len(methods)))
        ax.set_yticklabels([look.name for look in styles])
        told = [
            f"{look.name} mean {np.mean(panel[m]):.3g} (seeds {spread(panel[m])})"
            for m, look in zip(methods, styles, strict=True)
        ]
        line = "" if baseline is None else f"; {baseline_label} {baseline:.3g}"
        tell(ax, f"{unit}, lower is better: {'; '.join(told)}{line}.")
    axes[0].set_ylim(len(methods) - 0.5, -0.5)
    legend_below(axes[0].figure, handles_of(axes[0]))
    return axes
