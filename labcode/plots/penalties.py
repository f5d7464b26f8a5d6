"""What a penalty does to weights and losses: small weights and exact zeros, and what they cost."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from labcode._checks import expect
from labcode.plots.style import (
    BASELINE,
    LINES,
    SMALLEST,
    TRAIN,
    VALIDATION,
    better,
    drawn,
    legend_above,
    looks,
    new_axes,
    styled,
)
from labcode.plots.words import tell

MAGNITUDES = np.arange(-7.0, 0.51, 0.5)  # edges of the bins, as powers of ten
ZERO_AT, ZERO_WIDTH = -8.0, 0.8  # the place on the axis of what has no logarithm


def magnitude_shares(weights: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the share of weights that are exactly 0, and the shares in bins of the order of magnitude.

    Args:
        weights: any shape, at least one. What is below or above all bins counts in the outermost one.

    Returns:
        the share of zeros, and the shares in the bins between ``MAGNITUDES``; all add up to 1.

    Raises:
        ValueError: no weights.
    """
    sizes = np.abs(np.ravel(np.asarray(weights, dtype=float)))
    expect(sizes.size > 0, "weights", "at least one weight", sizes.shape)
    powers = np.log10(sizes[sizes > 0]).clip(MAGNITUDES[0], MAGNITUDES[-1])
    return 1 - powers.size / sizes.size, np.histogram(powers, MAGNITUDES)[0] / sizes.size


@drawn("Sizes of weights by powers of ten, with exact zeros apart.")
def magnitude_histogram(weights: Mapping[str, np.ndarray], *, ax: Axes | None = None) -> Axes:
    """Draw how large the weights of each group are, by powers of ten, with a bar apart for exact zeros.

    On an ordinary histogram a weight of 1e-5 and a zero lie in the same bin; here they do not.

    Args:
        weights: arrays of any shape, by the label they get in the legend; at most four.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes. Its ``patches`` are, group by group, the bar of zeros and the line of the bins.

    Raises:
        ValueError: no group, more than four, or an empty one.
    """
    expect(0 < len(weights) <= 4, "weights", "one to four groups of weights", list(weights))
    ax = new_axes() if ax is None else ax
    width = ZERO_WIDTH / len(weights)
    told = []
    for number, (look, group) in enumerate(zip(looks(weights), weights.values(), strict=True)):
        zeros, shares = magnitude_shares(group)
        left, colour = ZERO_AT - ZERO_WIDTH / 2 + number * width, look.colour
        size = np.median(np.abs(np.asarray(group, dtype=float)))
        told.append(f"{look.name} {zeros:.0%} exactly 0, median size {size:.2g}")
        hatch = ("", "///", "...", "xxx")[number]
        ax.bar(left, zeros, width, align="edge", fc=colour, ec="white", hatch=hatch, lw=0)
        ax.stairs(shares, MAGNITUDES, color=colour, ls=LINES[number], lw=1.8, label=look.name)
    ax.axvline(MAGNITUDES[0] - 0.3, color=BASELINE, lw=0.8, ls=":")
    powers = range(-7, 1)
    ax.set_xticks([ZERO_AT, *powers], ["exactly 0", *(f"$10^{{{power}}}$" for power in powers)])
    ax.set(xlabel="size of the weight |w| (no unit)", ylabel="share of the weights", ylim=(0, 1))
    tell(ax, f"{'; '.join(told)}.")
    legend_above(ax)
    return ax


@drawn("Learning curves of several runs.")
def curves_by_setting(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    baseline: float | None = None,
    baseline_label: str = "persistence",
    unit: str = "mean squared error",
    ax: Axes | None = None,
) -> Axes:
    """Draw the learning curves of several runs: dashed for training, solid for validation.

    Args:
        curves: training and validation loss after each epoch, by the run's label.
        baseline: loss of a simple rule on the validation split, drawn as a horizontal line.
        baseline_label: the rule's name.
        unit: label of the vertical axis, with its unit.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: no run.
    """
    expect(len(curves) > 0, "curves", "at least one run", list(curves))
    ax = new_axes(height=4.2) if ax is None else ax
    longest = max(len(validation) for _, validation in curves.values())
    for style, (train, validation) in styled(curves, points=longest):
        ax.plot(np.arange(len(train)), train, color=style["color"], ls="--", lw=1.2)
        ax.plot(np.arange(len(validation)), validation, **style | {"ls": "-"})
    if baseline is not None:
        ax.axhline(baseline, color=BASELINE, ls=":", label=baseline_label)
    ax.plot([], [], color=BASELINE, ls="--", lw=1.2, label="dashed: training")
    ax.plot([], [], color=BASELINE, label="solid: validation")
    ax.set(xlabel="epoch", ylabel=better(unit))
    legend_above(ax)
    return ax


@drawn("Losses against the share of weights that are exactly zero.")
def losses_against_zeros(
    strengths: Sequence[float],
    zeros: np.ndarray,
    train: np.ndarray,
    validation: np.ndarray,
    *,
    unit: str = "mean squared error",
    ax: Axes | None = None,
) -> Axes:
    """Draw losses against the share of weights that are exactly zero: seeds as dots, means as lines.

    Args:
        strengths: of the L1 penalty, written beside the means.
        zeros: share of exact zeros, (strengths, seeds).
        train: training losses, (strengths, seeds).
        validation: validation losses, (strengths, seeds).
        unit: label of the vertical axis, with its unit.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: shapes that do not match.
    """
    zeros, train, validation = (np.asarray(values, dtype=float) for values in (zeros, train, validation))
    expected = f"shape ({len(strengths)}, seeds)"
    expect(zeros.ndim == 2 and len(zeros) == len(strengths), "zeros", expected, zeros.shape)
    expect(train.shape == zeros.shape, "train", f"shape {zeros.shape}, as zeros", train.shape)
    expect(validation.shape == zeros.shape, "validation", f"shape {zeros.shape}, as zeros", validation.shape)
    ax = new_axes(height=4.2) if ax is None else ax
    percent = 100 * zeros
    styles = (("training", train, TRAIN, "--", "s"), ("validation", validation, VALIDATION, "-", "o"))
    for label, losses, colour, line, marker in styles:
        ax.plot(percent.mean(axis=1), losses.mean(axis=1), color=colour, ls=line, label=f"{label}, mean")
        ax.plot(percent.ravel(), losses.ravel(), marker, color=colour, ms=4, alpha=0.5, mew=0)
    for strength, x, y in zip(strengths, percent.mean(axis=1), train.mean(axis=1), strict=True):
        ax.annotate(f"{strength:g}", (x, y), (7, -11), textcoords="offset points", fontsize=SMALLEST)
    ax.margins(x=0.08, y=0.12)
    ax.set(xlabel="weights that are exactly 0 [%] (numbers: strength λ)", ylabel=better(unit))
    legend_above(ax)
    return ax
