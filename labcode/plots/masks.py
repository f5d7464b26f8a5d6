"""Dropout masks as pictures, what they leave of a memory, and what they cost."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.ticker import MaxNLocator

from labcode._checks import expect
from labcode.plots.style import (
    BASELINE,
    SKY,
    better,
    drawn,
    handles_of,
    legend_above,
    legend_below,
    new_axes,
    new_panels,
    styled,
)
from labcode.plots.words import tell


@drawn("Dropout masks over the steps of a sequence; empty cells are dropped.")
def mask_panels(masks: Mapping[str, np.ndarray], *, ylabel: str = "unit") -> np.ndarray:
    """Draw masks over the steps of one sequence: a filled square is kept, an empty one dropped.

    Args:
        masks: for each panel's title a mask, (T, units).
        ylabel: what the second axis of the masks counts.

    Returns:
        The axes of the panels.

    Raises:
        ValueError: no mask, or one that has not two axes.
    """
    sizes = [np.shape(mask) for mask in masks.values()]
    fits = len(sizes) > 0 and all(len(size) == 2 for size in sizes)
    expect(fits, "masks", "masks of two axes (T, units)", sizes)
    columns = min(3, len(sizes))
    rows = -(-len(sizes) // columns)
    panels = new_panels(rows, columns, height=2.9 * rows + 0.5, sharey=True)
    axes = panels.ravel()[: len(sizes)]
    for ax in panels.ravel()[len(sizes) :]:
        ax.set_axis_off()
    for ax, (title, mask) in zip(axes, masks.items(), strict=True):
        kept = np.ma.masked_equal(np.asarray(mask).T, 0)
        steps, units = np.shape(mask)
        edges = np.arange(steps + 1) - 0.5, np.arange(units + 1) - 0.5
        ax.pcolormesh(*edges, kept, cmap=ListedColormap([SKY]), edgecolors="white", lw=0.8)
        ax.set(title=title, xlabel="step t", xlim=(-0.5, steps - 0.5), ylim=(units - 0.5, -0.5))
        ax.set_aspect("equal")
        ax.tick_params(length=0)
        ax.yaxis.set_major_locator(MaxNLocator(integer=True))
        alike = (
            "the same at every step"
            if (np.asarray(mask) == np.asarray(mask)[0]).all()
            else "new at each step"
        )
        tell(
            ax,
            f"{steps} steps, {units} units, {np.mean(np.asarray(mask) == 0):.0%} dropped, {alike}.",
        )
    for ax in panels[:, 0]:
        ax.set_ylabel(ylabel)
    return axes


@drawn("Means over masks with their 95 % intervals.")
def means_with_intervals(
    means: np.ndarray, errors: np.ndarray, *, ylabel: str, ax: Axes | None = None
) -> Axes:
    """Draw means over many masks with their 95 % intervals; they should lie around 0.

    Args:
        means: one mean for each unit, (units,).
        errors: their standard errors, (units,).
        ylabel: what is measured.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.
    """
    ax = new_axes(height=3.2) if ax is None else ax
    units = np.arange(len(means))
    label = "mean, 95 % interval"
    ax.errorbar(units, means, 1.96 * np.asarray(errors), fmt="o", color=SKY, ms=4, capsize=4, label=label)
    ax.axhline(0, color=BASELINE, ls=":", lw=1)
    ax.set(xlabel="unit", ylabel=ylabel, xticks=units)
    legend_above(ax)
    return ax


@drawn("What is left of a value in the cell, step by step.")
def memory_left(
    closed_forms: Mapping[str, tuple[np.ndarray, np.ndarray]],
    measured: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
) -> np.ndarray:
    """Draw what is left of a value after t steps: the share of cells that hold it, and how large it is there.

    Args:
        closed_forms: for each method the share of cells that hold anything, and the size in them relative to
            the start, both by step from 0 on, (T + 1,).
        measured: the same from simulated cells, drawn as dots; none by default.

    Returns:
        The axes of the two panels, shares and sizes, with the lines of the closed forms first.
    """
    axes = new_panels(1, 2, height=3.9)[0]
    length = len(next(iter(closed_forms.values()))[0])
    for style, curves in styled(closed_forms, points=length):
        for ax, values in zip(axes, curves, strict=True):
            ax.plot(values, **style)
    for (style, _), curves in zip(styled(closed_forms), (measured or {}).values(), strict=False):
        for ax, values in zip(axes, curves, strict=True):
            ax.plot(values, style["marker"], color=style["color"], ms=4, mfc="none")
    axes[0].set(ylabel="share of cells that hold anything", ylim=(-0.03, 1.05))
    axes[1].set(ylabel="size there, relative to the start", yscale="log")
    axes[1].minorticks_off()
    axes[1].axhline(1, color=BASELINE, ls=":", lw=1)
    for ax in axes:
        ax.set_xlabel("step t")
    legend_below(axes[0].figure, handles_of(axes[0]))
    return axes


@drawn("Times relative to a reference.")
def relative_times(seconds: Mapping[str, Sequence[float]], *, reference: str, ax: Axes | None = None) -> Axes:
    """Draw how many times as long as the reference each way of computing takes, by its fastest run.

    Args:
        seconds: the times of repeated runs, by name.
        reference: the name that counts as 1.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: a reference without times.
    """
    expect(reference in seconds, "reference", f"one of {list(seconds)}", reference)
    ax = new_axes(height=1.2 + 0.4 * len(seconds)) if ax is None else ax
    ratios = {name: min(times) / min(seconds[reference]) for name, times in seconds.items()}
    bars = ax.barh(range(len(ratios)), list(ratios.values()), color=SKY, height=0.6)
    ax.bar_label(bars, [f" {ratio:.1f}" for ratio in ratios.values()])
    ax.axvline(1, color=BASELINE, ls=":")
    ax.set(
        yticks=range(len(ratios)),
        yticklabels=list(ratios),
        xlabel=better(f"time of the fastest run, relative to {reference}"),
    )
    ax.set(ylim=(len(ratios) - 0.5, -0.5), xlim=(0, 1.15 * max(ratios.values())))
    return ax
