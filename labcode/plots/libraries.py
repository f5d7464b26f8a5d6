"""The same run in several libraries, and what a step costs in each."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from labcode._checks import expect
from labcode.plots.style import (
    BASELINE,
    SMALLEST,
    better,
    drawn,
    legend_above,
    looks,
    new_axes,
    new_panels,
    styled,
)
from labcode.plots.words import tell

FLOOR = 1e-8  # a difference of 0 has no place on a logarithmic axis


@drawn("Loss curves of libraries, and their distances to the reference.")
def curves_by_library(
    curves: Mapping[str, Sequence[float]], *, reference: str, limit: float, unit: str = "training loss"
) -> np.ndarray:
    """Draw loss curves of several libraries, and below each one's distance to the reference.

    Args:
        curves: the loss of each step by the library's name, all of one length.
        reference: the name that the others are compared with.
        limit: a distance to draw as a line, such as the largest that counts as equal.
        unit: label of the upper axis, with its unit.

    Returns:
        the two axes; on each the lines come in the order of ``curves`` (below without the reference).

    Raises:
        ValueError: no curves, curves that differ in length, or a reference that is not among them.
    """
    lengths = {len(curve) for curve in curves.values()}
    expect(len(lengths) == 1, "curves", "curves of one common length", sorted(lengths))
    expect(reference in curves, "reference", f"one of {sorted(curves)}", reference)
    axes = new_panels(2, 1, height=5.4, height_ratios=(3, 2), sharex=True)[:, 0]
    upper, lower = axes
    steps = np.arange(1, lengths.pop() + 1)
    for (name, curve), (style, _) in zip(curves.items(), styled(curves, points=len(steps)), strict=True):
        upper.plot(steps, curve, lw=1.4, **style)
        if name != reference:
            lower.plot(steps, distance(curve, curves[reference]), lw=1.4, **style)
    lower.axhline(limit, color=BASELINE, ls=":", lw=1)
    lower.annotate(f"limit {limit:.0e}", (steps[-1], limit), ha="right", va="bottom", fontsize=SMALLEST)
    lower.set(yscale="log", ylim=(FLOOR / 2, None), xlabel="step", ylabel=f"distance to\n{reference}")
    upper.set(ylabel=better(unit))
    legend_above(upper)
    return axes


def distance(curve: ArrayLike, reference: ArrayLike) -> np.ndarray:
    """Return the absolute differences of two curves, at least ``FLOOR`` so that a logarithm can show them."""
    return np.maximum(np.abs(np.subtract(curve, reference)), FLOOR)


@drawn("Times of a training step as multiples of one.")
def time_ratios(
    rows: Mapping[str, tuple[float, float, float]], *, baseline: str, ax: Axes | None = None
) -> Axes:
    """Draw times as multiples of one contestant's, with their quartiles, on a logarithmic axis.

    Args:
        rows: the ratio, its lower and its upper quartile by name.
        baseline: the name of what the ratios are relative to.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: no rows.
    """
    expect(len(rows) > 0, "rows", "at least one contestant", rows)
    ax = new_axes(height=1.2 + 0.27 * len(rows)) if ax is None else ax
    styles = looks(rows)
    for place, (ratio, low, high) in enumerate(rows.values()):
        ax.plot((low, high), (place, place), color=styles[place].colour, lw=2.5, alpha=0.5)
        ax.plot(ratio, place, styles[place].marker, color=styles[place].colour)
        ax.annotate(f"  {ratio:.2g}", (max(high, ratio), place), va="center", fontsize=SMALLEST)
    ax.axvline(1, color=BASELINE, ls=":")
    told = [f"{name} {ratio:.2g} ({low:.2g} to {high:.2g})" for name, (ratio, low, high) in rows.items()]
    tell(ax, f"{baseline} = 1, with quartiles: {'; '.join(told)}.")
    ax.set_xscale("log")
    reach = max(max(row) for row in rows.values())
    ticks = [tick for tick in (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500) if tick <= 2 * reach]
    ax.set_xlim(min(0.7, 0.9 * min(min(row) for row in rows.values())), 2 * reach)
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.set_yticks(range(len(rows)), list(rows))
    ax.invert_yaxis()
    ax.set_xlabel(better(f"time of a training step, {baseline} = 1"))
    return ax


@drawn("Time of a training step against a size.")
def time_growth(rows: Mapping[str, Mapping], *, xlabel: str, ax: Axes | None = None) -> Axes:
    """Draw the time of a step against a size, both on logarithmic axes.

    Args:
        rows: ``values``, ``ms`` (milliseconds) and ``exponent`` (None if unknown) by the contestant's name.
        xlabel: what the size is.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: no rows.
    """
    expect(len(rows) > 0, "rows", "at least one contestant", rows)
    ax = new_axes(height=4.2) if ax is None else ax
    for (name, row), (style, _) in zip(rows.items(), styled(rows), strict=True):
        label = name if row["exponent"] is None else f"{name}: power {row['exponent']:g}"
        ax.plot(row["values"], row["ms"], **style | {"label": label})
    values = next(iter(rows.values()))["values"]
    ax.set(xscale="log", yscale="log", xlabel=xlabel, ylabel=better("milliseconds of a training step"))
    ax.set_xticks(values, [f"{value:g}" for value in values])
    low, high = min(min(row["ms"]) for row in rows.values()), max(max(row["ms"]) for row in rows.values())
    ticks = [tick for tick in (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000) if low / 3 <= tick <= high * 3]
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    legend_above(ax)
    return ax
