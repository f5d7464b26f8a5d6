"""Series, learning curves, weights, and what repeated runs of an experiment gave."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from labcode._checks import expect
from labcode.plots.style import (
    BASELINE,
    CYCLE,
    GAP,
    INK,
    LINES,
    TRAIN,
    VALIDATION,
    better,
    drawn,
    legend_above,
    looks,
    new_axes,
    new_panels,
    printed,
)
from labcode.plots.words import spread, tell

PART = {"training": TRAIN, "train": TRAIN, "validation": VALIDATION}  # of the data; others are neutral


@drawn("Values over dates.")
def time_series(
    series: Mapping[str, tuple[np.ndarray, np.ndarray]], *, unit: str, ax: Axes | None = None
) -> Axes:
    """Draw values over dates, each part in a colour of its own.

    Args:
        series: dates and values, two arrays of one length, by the part's name.
        unit: label of the vertical axis, with its unit.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.
    """
    ax = new_axes(height=2.8) if ax is None else ax
    for (label, (dates, values)), colour in zip(series.items(), CYCLE, strict=False):
        ax.plot(dates, values, color=PART.get(label, colour), lw=0.9, label=label)
    ax.set(xlabel="date", ylabel=unit)
    legend_above(ax)
    return ax


@drawn("Forecast against outcome, one dot a forecast; on the diagonal it is perfect.")
def forecasts(pairs: Mapping[str, tuple[np.ndarray, np.ndarray]], *, unit: str) -> np.ndarray:
    """Draw forecast against outcome, one panel for each split; a perfect forecast lies on the diagonal.

    Args:
        pairs: outcomes and forecasts, two arrays of one size, by the panel's title.
        unit: the unit of both.

    Returns:
        The axes of the panels.
    """
    axes = new_panels(1, len(pairs), height=1.0 + 6.4 / max(2, len(pairs)), sharex=True, sharey=True)[0]
    for ax, (title, (outcomes, predicted)) in zip(axes, pairs.items(), strict=True):
        ax.plot(
            np.ravel(outcomes), np.ravel(predicted), "o", color=PART.get(title, INK), ms=3, alpha=0.5, mew=0
        )
        ax.axline((0, 0), slope=1, color=BASELINE, ls=":")
        ax.set(title=title, xlabel=f"outcome [{unit}]", aspect="equal")
        error = np.abs(np.ravel(outcomes) - np.ravel(predicted)).mean()
        tell(ax, f"{np.size(outcomes)} forecasts, mean absolute error {error:.3g} {unit}.")
    axes[0].set_ylabel(f"forecast [{unit}]")
    return axes


def shade_gap(ax: Axes, train: np.ndarray, validation: np.ndarray) -> None:
    """Shade the generalization gap where the validation loss is the higher one; both losses by epoch."""
    epochs, where, label = np.arange(train.size), validation >= train, "generalization gap"
    ax.fill_between(epochs, train, validation, where=where, color=GAP, alpha=0.3, lw=0, label=label)


@drawn("Learning curves.")
def learning_curves(
    train: ArrayLike,
    validation: ArrayLike,
    *,
    baseline: float | None = None,
    baseline_label: str = "persistence",
    unit: str = "mean squared error",
    mark_best: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw both losses by epoch, shade the generalization gap between them, and mark the best epoch.

    Args:
        train: data loss on the training split after each epoch (epochs count from 0).
        validation: the same on the validation split; as long as ``train``.
        baseline: loss of a simple rule on the validation split, drawn as a horizontal line.
        baseline_label: the rule's name.
        unit: label of the vertical axis, with its unit.
        mark_best: put a marker on the epoch with the lowest validation loss.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: the curves are empty or differ in length.
    """
    train, validation = np.asarray(train, dtype=float), np.asarray(validation, dtype=float)
    expect(train.ndim == 1 and train.size > 0, "train", "one loss for each epoch", train.shape)
    expect(
        train.shape == validation.shape, "validation", f"{train.size} losses, as in train", validation.shape
    )
    ax = new_axes() if ax is None else ax
    epochs = np.arange(train.size)
    shade_gap(ax, train, validation)
    ax.plot(epochs, train, color=TRAIN, ls="--", label="training")
    ax.plot(epochs, validation, color=VALIDATION, label="validation")
    if baseline is not None:
        ax.axhline(baseline, color=BASELINE, ls=":", label=baseline_label)
    if mark_best:
        best = int(np.argmin(validation))
        ax.plot(best, validation[best], "o", color=VALIDATION, label=f"best epoch: {best}")
    ax.set(xlabel="epoch", ylabel=better(unit), ylim=(0, None), xlim=(0, max(train.size - 1, 1)))
    legend_above(ax)
    return ax


@drawn("Distribution of weights.")
def weight_histogram(weights: Mapping[str, np.ndarray], *, bins: int = 61, ax: Axes | None = None) -> Axes:
    """Draw the distribution of each group of weights as a line on common bins.

    Args:
        weights: arrays of any shape by the label they get in the legend.
        bins: number of bins over the range of all groups.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: no group, or an empty one.
    """
    groups = {label: np.ravel(np.asarray(w, dtype=float)) for label, w in weights.items()}
    expect(
        bool(groups) and all(w.size for w in groups.values()),
        "weights",
        "groups of at least one weight",
        list(groups),
    )
    ax = new_axes() if ax is None else ax
    reach = max(np.abs(w).max() for w in groups.values())
    edges = np.linspace(-reach, reach, bins + 1)
    for number, (look, values) in enumerate(zip(looks(groups), groups.values(), strict=True)):
        heights, _ = np.histogram(values, edges, density=True)
        label = f"{look.name} (std {values.std():.2f})"
        ax.stairs(heights, edges, label=label, lw=1.5, color=look.colour, ls=LINES[number % len(LINES)])
    ax.set(xlabel="weight (no unit)", ylabel="density")
    legend_above(ax)
    return ax


@drawn("Losses against a setting.")
def losses_against(
    values: Sequence[float],
    train: np.ndarray,
    validation: np.ndarray,
    *,
    xlabel: str,
    unit: str = "mean squared error",
    baseline: float | None = None,
    baseline_label: str = "persistence",
    ax: Axes | None = None,
) -> Axes:
    """Draw final training and validation loss against a setting: every seed as a dot, the mean as a line.

    Args:
        values: the settings tried, drawn on a logarithmic axis.
        train: losses of shape (settings, seeds).
        validation: the same for the validation split.
        xlabel: what the setting is, with its unit.
        unit: label of the vertical axis.
        baseline: loss of a simple rule on the validation split.
        baseline_label: the rule's name.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: shapes that do not match.
    """
    train, validation = np.asarray(train, dtype=float), np.asarray(validation, dtype=float)
    expect(
        train.ndim == 2 and len(train) == len(values), "train", f"shape ({len(values)}, seeds)", train.shape
    )
    expect(train.shape == validation.shape, "validation", f"shape {train.shape}, as train", validation.shape)
    ax = new_axes() if ax is None else ax
    styles = (("training", train, TRAIN, "--", "s"), ("validation", validation, VALIDATION, "-", "o"))
    for label, losses, colour, line, marker in styles:
        ax.plot(values, losses.mean(axis=1), color=colour, ls=line, label=f"{label}, mean")
        for column in losses.T:
            ax.plot(values, column, marker, color=colour, ms=3, alpha=0.35, mew=0)
    ax.fill_between(
        values, train.mean(axis=1), validation.mean(axis=1), color=GAP, alpha=0.3, lw=0, label="gap"
    )
    if baseline is not None:
        ax.axhline(baseline, color=BASELINE, ls=":", label=baseline_label)
    ax.set_xscale("log")
    ax.set_xticks(values, [f"{value:.2g}" if value < 1 else f"{value:g}" for value in values])
    ax.minorticks_off()
    ax.set(xlabel=xlabel, ylabel=better(unit), ylim=(0, None))
    legend_above(ax)
    return ax


@drawn("Paired differences to the baseline with their 95 % intervals.")
def paired_differences(
    differences: Mapping[str, np.ndarray],
    intervals: Mapping[str, tuple[float, float]],
    *,
    unit: str = "mean squared error",
    ax: Axes | None = None,
) -> Axes:
    """Draw differences to the baseline: a dot for each seed, a diamond for the mean, a bar for its interval.

    Args:
        differences: method minus baseline, one value for each paired seed, by the method's name.
        intervals: lower and upper end of the 95 % interval, by the same names.
        unit: what is measured, with its unit.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: names that differ.
    """
    expect(
        differences.keys() == intervals.keys(),
        "intervals",
        f"the names {sorted(differences)}",
        sorted(intervals),
    )
    ax = new_axes(height=1.1 + 0.6 * len(differences)) if ax is None else ax
    told = []
    for row, (look, (name, values)) in enumerate(zip(looks(differences), differences.items(), strict=True)):
        ax.plot(
            values, np.full(len(values), row - 0.22), look.marker, color=look.colour, ms=4, alpha=0.6, mew=0
        )
        ax.plot(intervals[name], (row, row), color=INK, lw=3, solid_capstyle="butt")
        ax.plot(np.mean(values), row, "D", color=INK, ms=6)
        told.append(f"{printed(name)} mean {np.mean(values):+.3g}, interval {spread(intervals[name])}")
    tell(ax, f"below 0 is better: {'; '.join(told)}.")
    ax.axvline(0, color=BASELINE, ls=":")
    ax.set(
        xlabel=f"difference to the baseline, {unit}\n← better    0    worse →", yticks=range(len(differences))
    )
    ax.set_yticklabels(map(printed, differences))
    ax.set_ylim(len(differences) - 0.5, -0.5)
    return ax
