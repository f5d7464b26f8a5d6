"""Symptoms side by side, what a diagnosis makes of them, and what a gap foretells."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from labcode._checks import expect
from labcode.plots.style import (
    BASELINE,
    FAINT,
    INK,
    PURPLE,
    SMALLEST,
    TRAIN,
    VALIDATION,
    better,
    drawn,
    handles_of,
    legend_above,
    legend_below,
    looks,
    new_axes,
    new_panels,
)
from labcode.plots.words import tell


@drawn("Learning curves of several runs.")
def symptoms(runs: Mapping[str, Mapping]) -> np.ndarray:
    """Draw the learning curves of several runs, a panel for each, on axes of their own.

    Args:
        runs: by the panel's title, a mapping with "train_loss" and "validation_loss" by epoch and, where
            known, "baseline" (its loss on validation data), "fresh" (the loss on fresh data) and "kept"
            (the epoch whose weights the model holds).

    Returns:
        The axes of the panels, (rows, columns), three in a row.

    Raises:
        ValueError: no run.
    """
    expect(len(runs) > 0, "runs", "at least one run", list(runs))
    columns = min(3, len(runs))
    rows = -(-len(runs) // columns)
    axes = new_panels(rows, columns, height=2.2 * rows + 0.6)
    for ax in axes.flat[len(runs) :]:
        ax.set_axis_off()
    for ax, (title, run) in zip(axes.flat, runs.items(), strict=False):
        _one_run(ax, run)
        ax.set_title(title)
    for ax in axes[:, 0]:
        ax.set_ylabel(better("loss"))
    legend_below(axes[0, 0].figure, handles_of(*axes.flat))
    return axes


def _one_run(ax: Axes, run: Mapping) -> None:
    train, validation = np.asarray(run["train_loss"]), np.asarray(run["validation_loss"])
    ax.plot(train, color=TRAIN, ls="--", label="training")
    ax.plot(validation, color=VALIDATION, label="validation")
    kept = len(train) - 1 if run.get("kept") is None else run["kept"]
    if run.get("baseline") is not None:
        ax.axhline(run["baseline"], color=BASELINE, ls=":", label="simple baseline, validation")
    if run.get("fresh") is not None:
        ax.plot(kept, run["fresh"], "D", color=PURPLE, ms=6, clip_on=False, label="fresh data")
    ax.plot(kept, validation[kept], "o", color=VALIDATION, ms=5, clip_on=False, label="epoch that is kept")
    ax.set(xlabel="epoch", ylim=(0, None))


@drawn("How often each planted case was given each name.")
def named_cases(matrix: np.ndarray, names: Sequence[str], *, ax: Axes | None = None) -> Axes:
    """Draw how often each planted case (row) was given each name (column), in percent of the row.

    Args:
        matrix: counts, (cases, cases).
        names: the cases, in order.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: a matrix that does not fit the names.
    """
    counts = np.asarray(matrix, dtype=float)
    square = (len(names), len(names))
    expect(counts.shape == square, "matrix", f"counts of shape {square}", counts.shape)
    ax = new_axes(height=4.8) if ax is None else ax
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=130)
    for row, column in np.argwhere(counts > 0):
        colour = "white" if shares[row, column] > 75 else INK
        label = f"{shares[row, column]:.0f}"
        ax.text(column, row, label, ha="center", va="center", fontsize=SMALLEST, color=colour)
    ax.set_xticks(range(len(names)), names, rotation=35, ha="right")
    ax.set_yticks(range(len(names)), names)
    ax.set(xlabel="named by the rules (% of the row)", ylabel="planted")
    ax.spines[:].set_visible(False)
    told = [f"{name} {shares[row, row]:.0f} %" for row, name in enumerate(names)]
    tell(ax, f"given their own name: {', '.join(told)}.")
    return ax


@drawn("What regularizing brought against what was seen before it.")
def gain_by_gap(
    groups: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, xlabel: str, ax: Axes | None = None
) -> Axes:
    """Draw what regularizing brought on fresh data against what was seen before it.

    Args:
        groups: what was seen and the gain, in percent, of several settings, by the task's name.
        xlabel: what was seen, with its unit.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.
    """
    ax = new_axes(height=3.8) if ax is None else ax
    told = []
    for look, (seen, gain) in zip(looks(groups), groups.values(), strict=True):
        ax.plot(seen, gain, look.marker, color=look.colour, ms=6, alpha=0.85, mew=0, label=look.name)
        told.append(f"{look.name} {len(gain)} settings, mean gain {np.mean(gain):.3g} %")
    tell(ax, f"{'; '.join(told)}. Above 0 regularizing helped.")
    ax.axhline(0, color=BASELINE, ls=":", lw=1)
    ax.set(xlabel=xlabel, ylabel=better("loss on fresh data falls by [%]", "higher"))
    legend_above(ax)
    return ax


@drawn("A run up to the epoch seen; what comes later is grey.")
def run_so_far(
    train: Sequence[float], validation: Sequence[float], seen: int, *, baseline: float, ax: Axes | None = None
) -> Axes:
    """Draw the first epochs of a run in full colours and what comes after them in grey.

    Args:
        train: training loss by epoch.
        validation: validation loss by epoch.
        seen: how many epochs are drawn in colour.
        baseline: loss of a simple model on the validation data.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: curves that differ in length, or a number of epochs that they do not have.
    """
    expect(len(train) == len(validation), "validation", f"{len(train)} losses", len(validation))
    expect(1 <= seen <= len(train), "seen", f"1 to {len(train)} epochs", seen)
    ax = new_axes(6.4, 3.6) if ax is None else ax
    epochs = np.arange(len(train))
    for losses in (train, validation):
        ax.plot(epochs, losses, color=FAINT, lw=1.4, zorder=1)
    ax.plot(epochs[:seen], train[:seen], color=TRAIN, ls="--", label="training", zorder=2)
    ax.plot(epochs[:seen], validation[:seen], color=VALIDATION, label="validation", zorder=2)
    ax.axvline(seen - 1, color=INK, lw=1, label="seen so far")
    ax.axhline(baseline, color=BASELINE, ls=":", label="simple baseline, validation")
    highest = max(*train, *validation)
    ax.set(
        xlabel="epoch",
        ylabel=better("mean squared error"),
        ylim=(0, 1.05 * highest),
        xlim=(0, len(train) - 1),
    )
    legend_above(ax)
    return ax
