"""What a constraint does: vectors before and after a projection, and norms while a model trains."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle

from labcode._checks import expect
from labcode.plots.style import (
    BASELINE,
    GREEN,
    INK,
    drawn,
    handles_of,
    legend_above,
    legend_below,
    new_axes,
    new_panels,
    styled,
)
from labcode.plots.words import spread, tell


@drawn("Vectors of the plane before and after projections.")
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
    columns = min(3, len(after))
    rows = -(-len(after) // columns)
    panels = new_panels(rows, columns, height=2.5 * rows + 0.3, sharex=True, sharey=True)
    axes = panels.ravel()[: len(after)]
    for ax in panels.ravel()[len(after) :]:
        ax.set_axis_off()
    reach = 1.15 * np.abs(before).max()
    for ax, (title, moved) in zip(axes, after.items(), strict=True):
        moved = np.asarray(moved, dtype=float)
        expect(moved.shape == before.shape, title, f"shape {before.shape}, as before", moved.shape)
        for radius in (radii or {}).get(title, ()):
            ax.add_patch(Circle((0, 0), radius, fill=False, ls=":", ec=BASELINE))
        for start, end in zip(before, moved, strict=True):
            ax.plot(*zip(start, end, strict=True), color=BASELINE, lw=0.9, zorder=1)
        ax.plot(*before.T, "o", color=INK, ms=6, mfc="white", label="before")
        ax.plot(*moved.T, "o", color=GREEN, ms=4, label="after")
        ax.axhline(0, color=BASELINE, lw=0.5)
        ax.axvline(0, color=BASELINE, lw=0.5)
        ax.set(title=title, aspect="equal", xlim=(-reach, reach), ylim=(-reach, reach), xlabel="$w_1$")
        sizes = [spread(np.linalg.norm(vectors, axis=1)) for vectors in (before, moved)]
        tell(ax, f"{len(before)} vectors, lengths {sizes[0]} before, {sizes[1]} after.")
    for ax in panels[:, 0]:
        ax.set_ylabel("$w_2$")
    legend_below(axes[0].figure, handles_of(axes[0]))
    return axes


@drawn("Norms of weight vectors while a model trains.")
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
    ax = new_axes(height=4.0) if ax is None else ax
    if limit is not None:
        ax.axhline(limit, color=BASELINE, ls=":", label=f"limit {limit:g}")
    for (label, values), (style, _) in zip(norms.items(), styled(norms), strict=True):
        values = np.asarray(values, dtype=float)
        expect(values.ndim == 2 and values.size > 0, label, "shape (steps, vectors)", values.shape)
        epochs = (1 + np.arange(len(values))) / steps_per_epoch
        style |= {"markevery": max(1, len(values) // 6), "ls": "-"}
        ax.plot(epochs, values.max(axis=1), **style)
        ax.plot(epochs, np.median(values, axis=1), color=style["color"], ls="--", lw=1.0)
    ax.plot([], [], color=BASELINE, label="solid: largest")
    ax.plot([], [], color=BASELINE, ls="--", lw=1.0, label="dashed: median")
    ax.set(xlabel="epochs", ylabel=ylabel, ylim=(0, None))
    legend_above(ax)
    return ax
