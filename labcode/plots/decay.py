"""What L2 does to weights: decay over steps, shrinkage by direction, and what Adam makes of it."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from labcode._checks import expect
from labcode.plots.style import (
    BASELINE,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    better,
    drawn,
    handles_of,
    legend_above,
    legend_below,
    new_axes,
    new_panels,
    styled,
)


@drawn("Weights that nothing but a penalty moves.")
def decays(paths: Mapping[str, np.ndarray], *, ax: Axes | None = None) -> np.ndarray:
    """Draw weights that nothing but a penalty moves, on a linear and on a logarithmic axis.

    Args:
        paths: the weight by step, by the penalty's name; a path that reaches 0 ends there on the second axis.

    Returns:
        The axes of the two panels.
    """
    axes = new_panels(1, 2, height=3.4)[0]
    for axis, scale in zip(axes, ("linear", "log"), strict=True):
        for style, values in styled(paths, points=max(map(len, paths.values()))):
            axis.plot(np.where(values > 0, values, np.nan) if scale == "log" else values, **style)
        axis.set(yscale=scale, xlabel="step", ylabel="weight (no unit)", title=f"{scale} axis")
    legend_below(axes[0].figure, handles_of(axes[0]))
    return axes


@drawn("Share of the weight that is left along each direction of the data.")
def shrinkage_factors(
    values: Sequence[float] | np.ndarray,
    factors: Mapping[str, np.ndarray],
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw, for each direction of the data, the share that is left of its weight.

    Args:
        values: mean square of the data along each direction (an eigenvalue), drawn on a logarithmic axis.
        factors: the share left for each of them, by the method's name.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: shares that do not fit the directions.
    """
    sizes = {name: np.shape(shares) for name, shares in factors.items()}
    expect(set(sizes.values()) == {np.shape(values)}, "factors", f"{len(values)} shares each", sizes)
    ax = new_axes(height=3.8) if ax is None else ax
    for style, shares in styled(factors, points=len(values)):
        ax.plot(values, shares, **style)
    ax.axhline(1, color=BASELINE, ls=":", lw=1)
    ax.set(xscale="log", ylim=(0, 1.05), ylabel="share of the weight that is left")
    ax.set(xlabel="mean square of the data along the direction, σ² (no unit)")
    legend_above(ax)
    return ax


@drawn("Distance to the true weights against the strength of L2.")
def error_by_strength(
    strengths: Sequence[float], errors: Sequence[float], *, predicted: float, ax: Axes | None = None
) -> Axes:
    """Draw how far weights are from the true ones against the strength of L2, and the strength of theory.

    Args:
        strengths: strengths that were tried.
        errors: mean squared distance to the true weights for each.
        predicted: the strength that the prior asks for.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.
    """
    ax = new_axes(height=3.4) if ax is None else ax
    ax.plot(strengths, errors, color=GREEN, marker="o", ms=4, label="mean over simulated data sets")
    ax.axvline(predicted, color=INK, ls="--", label="λ = s² / (n τ²), from the prior")
    ax.set(
        xscale="log",
        xlabel="strength λ of the L2 penalty",
        ylabel=better("squared distance to the true weights"),
    )
    legend_above(ax)
    return ax


@drawn("Size of groups of weights relative to a run without decay.")
def ratios_by_group(
    groups: Sequence[str], ratios: Mapping[str, Sequence[float]], *, xlabel: str, ax: Axes | None = None
) -> Axes:
    """Draw how large groups of weights became, relative to the same weights in a run without decay.

    Args:
        groups: names of the groups, in order.
        ratios: one number for each group, by the method's name.
        xlabel: what tells the groups apart.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.
    """
    ax = new_axes(height=3.8) if ax is None else ax
    for style, values in styled(ratios):
        ax.plot(groups, values, **style | {"ms": 7})
    ax.axhline(1, color=BASELINE, ls=":", lw=1, label="as without decay")
    ax.set(xlabel=xlabel, ylabel="size, relative to no decay", ylim=(0, 1.1))
    legend_above(ax)
    return ax


@drawn("Absolute error against the spread of the passes.")
def spread_against_error(spread: np.ndarray, error: np.ndarray, *, unit: str, ax: Axes | None = None) -> Axes:
    """Draw each forecast's absolute error against the spread of the passes it is a mean of.

    Args:
        spread: standard deviation over passes, one for each forecast.
        error: absolute error of the mean over passes.
        unit: the unit of both.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.
    """
    ax = new_axes(height=4.0) if ax is None else ax
    ax.plot(spread, error, "o", color=INK, ms=3.5, alpha=0.4, mew=0, label="one day")
    line = np.array([0.0, spread.max()])
    ax.fill_between(line, 0, 1.96 * line, color=FAINT, alpha=0.5, lw=0, label="inside 1.96 spreads")
    order = np.array_split(np.argsort(spread), 5)
    x, y = ([values[part].mean() for part in order] for values in (spread, error))
    ax.plot(x, y, color=ORANGE, marker="D", ms=7, label="mean of each fifth")
    ax.set(xlabel=f"spread of the passes [{unit}]", ylabel=f"absolute error [{unit}]")
    ax.set(xlim=(0, None), ylim=(0, None))
    legend_above(ax)
    return ax
