"""What a constraint does: vectors before and after a projection, and norms while a model trains."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from labcode._checks import expect
from labcode.plots.style import BASELINE, CYCLE, TRAIN, VALIDATION, new_axes


def projections(
    before: np.ndarray, after: Mapping[str, np.ndarray], radii: Mapping[str, tuple[float, ...]] | None = None
) -> np.ndarray:
    """Draw vectors of the plane before and after projections, one panel for each.

    Args:
        before: the vectors, (vectors, 2).
        after: the same after a projection, by the panel's title.
        radii: radii of circles to draw, by the panel's title.

    Returns:
        The axes of the panels.

    Raises:
        ValueError: no vectors of the plane, no projection, or one of another shape.
    """
    before = np.asarray(before, dtype=float)
    expect(before.ndim == 2 and before.shape[1] == 2, "before", "shape (vectors, 2)", before.shape)
    expect(len(after) > 0, "after", "at least one projection", list(after))
    size = (2.5 * len(after), 2.9)
    axes = plt.subplots(
        1, len(after), figsize=size, sharex=True, sharey=True, layout="constrained", squeeze=False
    )[1][0]
    reach = 1.15 * np.abs(before).max()
    for ax, (title, moved) in zip(axes, after.items(), strict=True):
        moved = np.asarray(moved, dtype=float)
        expect(moved.shape == before.shape, title, f"shape {before.shape}, as before", moved.shape)
        for radius in (radii or {}).get(title, ()):
            ax.add_patch(plt.Circle((0, 0), radius, fill=False, ls=":", ec=BASELINE))
        for start, end in zip(before, moved, strict=True):
            ax.plot(*zip(start, end, strict=True), color=BASELINE, lw=0.9, zorder=1)
        ax.plot(*before.T, "o", color=TRAIN, ms=6, mfc="white", label="before")
        ax.plot(*moved.T, "o", color=VALIDATION, ms=4, label="after")
        ax.axhline(0, color=BASELINE, lw=0.5)
        ax.axvline(0, color=BASELINE, lw=0.5)
        ax.set(title=title, aspect="equal", xlim=(-reach, reach), ylim=(-reach, reach), xlabel="$w_1$")
    axes[0].set_ylabel("$w_2$")
    figure = axes[0].figure
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    return axes


def norms_over_training(
    norms: Mapping[str, np.ndarray],
    *,
    steps_per_epoch: int,
    limit: float | None = None,
    ylabel: str = "norm of the weights of a unit (no unit)",
    ax: Axes | None = None,
) -> Axes:
    """Draw the largest and the median norm of a model's weight vectors after each step.

    Args:
        norms: norms after each step, (steps, vectors), by the run's label.
        steps_per_epoch: optimizer steps in an epoch.
        limit: a limit on the norms, drawn as a horizontal line.
        ylabel: label of the vertical axis.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: no run, or norms that are no (steps, vectors).
    """
    expect(len(norms) > 0, "norms", "at least one run", list(norms))
    ax = new_axes(7.2, 4.0) if ax is None else ax
    if limit is not None:
        ax.axhline(limit, color=BASELINE, ls=":", label=f"limit {limit:g}")
    for number, (label, values) in enumerate(norms.items()):
        values, colour = np.asarray(values, dtype=float), CYCLE[number % len(CYCLE)]
        expect(values.ndim == 2 and values.size > 0, label, "shape (steps, vectors)", values.shape)
        epochs = (1 + np.arange(len(values))) / steps_per_epoch
        marker, every = "os^Dv*"[number % 6], max(1, len(values) // 6)
        ax.plot(epochs, values.max(axis=1), color=colour, label=label, marker=marker, markevery=every, ms=4)
        ax.plot(epochs, np.median(values, axis=1), color=colour, ls="--", lw=1.0)
    ax.plot([], [], color=BASELINE, label="solid: largest")
    ax.plot([], [], color=BASELINE, ls="--", lw=1.0, label="dashed: median")
    ax.locator_params(axis="x", integer=True)
    ax.set(xlabel="epochs", ylabel=ylabel, ylim=(0, None))
    ax.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    return ax
