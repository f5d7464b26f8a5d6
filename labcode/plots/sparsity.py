"""Why L1 gives zeros: the penalty's corner, the diamond and the disk, and zeros in weight matrices."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.layout_engine import ConstrainedLayoutEngine

from labcode._checks import expect
from labcode.plots.style import (
    BASELINE,
    FAINT,
    GREEN,
    INK,
    METHODS,
    ORANGE,
    PURPLE,
    drawn,
    handles_of,
    legend_above,
    legend_below,
    new_axes,
    new_panels,
    styled,
)
from labcode.plots.words import tell


@drawn("The objective of one weight under L1 and under L2.")
def one_weight(z: float, lam: float) -> np.ndarray:
    """Draw the objective of one weight, (v - z)^2 / 2 plus a penalty, for L1 and for L2, with its minimum.

    Args:
        z: where the data term alone has its minimum.
        lam: strength of both penalties.

    Returns:
        The axes of the two panels.
    """
    axes = new_panels(1, 2, height=3.9, sharey=True)[0]
    v = np.linspace(-1.5, 2.0, 701)
    panels = (
        ("L1: λ |v|", lam * np.abs(v), np.sign(z) * max(abs(z) - lam, 0.0)),
        ("L2: λ/2 v²", lam / 2 * v**2, z / (1 + lam)),
    )
    for ax, colour, (title, penalty, best) in zip(axes, (GREEN, PURPLE), panels, strict=True):
        data = (v - z) ** 2 / 2
        ax.plot(v, data, color=BASELINE, ls="--", label="data term")
        ax.plot(v, penalty, color=ORANGE, ls="-.", label="penalty")
        ax.plot(v, data + penalty, color=colour, label="sum")
        height = np.interp(best, v, data + penalty)
        ax.plot(best, height, "o", color=colour, ms=8, label=f"minimum at v = {best:.2f}")
        ax.plot((0, 0), (0, height + 0.6), color=BASELINE, ls=":", lw=1)
        ax.set(title=title, xlabel="weight v", ylim=(0, 3.4))
        legend_above(ax)
    axes[0].set_ylabel("objective")
    return axes


@drawn("What L1 and L2 make of one weight.")
def shrinkage_curves(lam: float, *, ax: Axes | None = None) -> Axes:
    """Draw what L1 and L2 make of one weight, against what it would be without a penalty.

    Args:
        lam: strength of both penalties.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.
    """
    ax = new_axes(height=4.0) if ax is None else ax
    z = np.linspace(-3, 3, 601)
    ax.axvspan(-lam, lam, color=FAINT, alpha=0.5, lw=0, label="L1 gives exactly 0")
    ax.plot(z, z, color=BASELINE, ls=":", label="no penalty")
    ax.plot(z, np.sign(z) * np.maximum(np.abs(z) - lam, 0), color=GREEN, label="L1: soft threshold")
    ax.plot(z, z / (1 + lam), color=PURPLE, ls="--", label="L2: z / (1 + λ)")
    ax.set(xlabel="z, the best weight without a penalty", ylabel="best weight with it")
    legend_above(ax)
    return ax


@drawn("The least loss inside a diamond and inside a disk.")
def diamond_and_disk(task, solutions: Mapping[str, tuple[np.ndarray, float]]) -> np.ndarray:
    """Draw the level lines of a loss in two weights, and the least loss inside a diamond and inside a disk.

    Args:
        task: a ``labcode.linear.LinearTask`` of two columns.
        solutions: the constrained optimum, (2,), and its strength λ under "l1" and "l2", as ``best_within``
            returns them: the optima lie on the rims that are drawn.

    Returns:
        The axes of the two panels; in each the first three lines are the rim, the level line through the
        optimum, and the optimum.

    Raises:
        ValueError: a task of more columns.
    """
    expect(len(task.names) == 2, "task", "two columns", task.names)
    free = unpenalized(task)
    axes = new_panels(1, 2, height=4.2, sharex=True, sharey=True)[0]
    reach = 1.6 * np.abs(free).max()
    for ax, norm in zip(axes, ("l1", "l2"), strict=True):
        (w, strength), colour = solutions[norm], METHODS[norm].colour
        ax.plot(*rim(norm, w), color=colour, lw=2)
        ax.plot(*level_line(task, w), color=INK, ls="--", label="loss level it touches")
        ax.plot(*w[:, None], "o", color=colour, ms=8, label="least loss inside")
        ax.plot(*free[:, None], "x", color=BASELINE, ms=8, mew=2, label="least loss of all")
        for share in (0.25, 0.5, 0.75):
            ax.plot(*level_line(task, (1 - share) * free), color=BASELINE, lw=0.6, alpha=0.6)
        ax.axhline(0, color=BASELINE, lw=0.6)
        ax.axvline(0, color=BASELINE, lw=0.6)
        ax.set(xlim=(-0.6 * reach, reach), ylim=(-0.6 * reach, reach), aspect="equal")
        ax.set_xlabel(f"weight of {task.names[0]}")
        ax.set_title(optimum_title(norm, w, strength))
    axes[0].set_ylabel(f"weight of {task.names[1]}")
    lines = axes[0].lines[:4]
    ["diamond or disk of radius t", *(line.get_label() for line in lines[1:])]
    legend_below(axes[0].figure, handles_of(axes[0]))
    return axes


def optimum_title(norm: str, w: np.ndarray, strength: float) -> str:
    """Return the title of a panel of ``diamond_and_disk``: the penalty, its strength and the two weights."""
    return f"{norm.upper()}, λ = {strength:.3g}: w = ({w[0]:.1f}, {w[1]:.1f})"


def unpenalized(task) -> np.ndarray:
    """Return the weights of the least loss of all, (2,)."""
    return np.linalg.lstsq(task.x, task.y)[0]


def rim(norm: str, w: np.ndarray) -> np.ndarray:
    """Return the diamond ("l1") or the circle ("l2") around 0 that passes through w, as (2, points)."""
    angles = np.linspace(0, 2 * np.pi, 5 if norm == "l1" else 181)
    return np.linalg.norm(w, {"l1": 1, "l2": 2}[norm]) * np.array([np.cos(angles), np.sin(angles)])


def level_line(task, w: np.ndarray) -> np.ndarray:
    """Return the ellipse of all weights with the loss of w, for a task of two columns, as (2, points)."""
    free = unpenalized(task)
    values, vectors = np.linalg.eigh(task.x.T @ task.x / len(task.x))
    along = vectors.T @ (w - free)
    size = np.sqrt((values * along**2).sum())
    angles = np.linspace(0, 2 * np.pi, 181)
    circle = size * np.array([np.cos(angles), np.sin(angles)]) / np.sqrt(values)[:, None]
    return free[:, None] + vectors @ circle


@drawn("The path of one weight under several optimizers.")
def weight_traces(
    traces: Mapping[str, np.ndarray], *, band: float, name: str, ax: Axes | None = None
) -> Axes:
    """Draw the path of one weight under several optimizers, and a band around 0.

    Args:
        traces: values by step, by the optimizer's name.
        band: half the height of the band, such as step size times strength.
        name: which weight it is.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.
    """
    ax = new_axes(height=3.6) if ax is None else ax
    ax.axhspan(-band, band, color=FAINT, alpha=0.5, lw=0, label=f"± step size × λ = ± {band:g}")
    for style, values in styled(traces, points=max(map(len, traces.values()))):
        ax.plot(values, **style | {"lw": 1})
    ax.set(xlabel="step, counted from the first one shown", ylabel=f"weight of {name}")
    top = max(band, *(np.abs(values).max() for values in traces.values()))
    ax.set_ylim(-1.2 * top, 1.2 * top)
    legend_above(ax)
    return ax


@drawn("Share of weights below a limit.")
def share_below(weights: Mapping[str, np.ndarray], *, ax: Axes | None = None) -> Axes:
    """Draw which share of the weights is smaller than a limit, for every limit; exact zeros count everywhere.

    Args:
        weights: arrays of any shape, by the label they get.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.
    """
    ax = new_axes(height=3.8) if ax is None else ax
    limits = np.geomspace(1e-8, 1, 161)
    for style, w in styled(weights, points=len(limits)):
        ax.plot(limits, (np.abs(np.ravel(w))[:, None] < limits).mean(axis=0), **style)
    ax.set(xscale="log", xlabel="limit ε (no unit)", ylabel="share of weights with |w| < ε", ylim=(0, 1.02))
    legend_above(ax)
    return ax


@drawn("Which weights are exactly zero.")
def zero_map(
    matrices: Mapping[str, np.ndarray], *, xlabel: str, ylabel: str, blocks: Mapping[str, int] | None = None
) -> np.ndarray:
    """Draw which weights of matrices are exactly zero: white; all others are dark.

    Args:
        matrices: by the panel's title, of one shape.
        xlabel: what a column is.
        ylabel: what a row is.
        blocks: the first row of each block of rows, by its name; row numbers by default.

    Returns:
        The axes of the panels.
    """
    layout = ConstrainedLayoutEngine(w_pad=0.08)
    axes = new_panels(1, len(matrices), height=4.2, sharey=True, layout=layout)
    for ax, (title, matrix) in zip(axes[0], matrices.items(), strict=True):
        colours = [to_rgb(c) for c in ("white", GREEN)]
        picture = np.array(colours)[(np.asarray(matrix) != 0).astype(int)]
        ax.imshow(picture, aspect="auto", interpolation="nearest")
        ax.spines[:].set_visible(True)
        ax.set(title=title, xlabel=xlabel)
        tell(
            ax,
            f"{len(picture)} x {picture.shape[1]} weights, {np.mean(np.asarray(matrix) == 0):.0%} exactly 0.",
        )
        if blocks is not None:
            ax.set_yticks(np.array(list(blocks.values())) - 0.5, list(blocks))
    axes[0][0].set_ylabel(ylabel)
    return axes[0]
