"""Symptoms side by side, what a diagnosis makes of them, and what a gap foretells."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from labcode._checks import expect
from labcode.plots.style import BASELINE, CYCLE, GAP, TRAIN, VALIDATION, new_axes

MARKERS = ("o", "s", "D", "^", "v", "P")


def symptoms(runs: Mapping[str, Mapping]) -> np.ndarray:
    """Draw the learning curves of several runs, a panel for each, on axes of their own.

    Args:
        runs: by the panel's title, a mapping with "train_loss" and "validation_loss" by epoch and, where
            known, "baseline" (its loss on validation data), "fresh" (the loss on fresh data) and "kept"
            (the epoch whose weights the model holds).

    Returns:
        The axes of the panels, (rows, columns), four in a row.

    Raises:
        ValueError: no run.
    """
    expect(len(runs) > 0, "runs", "at least one run", list(runs))
    columns = min(4, len(runs))
    rows = -(-len(runs) // columns)
    size = (2.7 * columns, 2.35 * rows + 0.4)
    figure, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    for ax in axes.flat[len(runs) :]:
        ax.set_axis_off()
    for ax, (title, run) in zip(axes.flat, runs.items(), strict=False):
        _one_run(ax, run)
        ax.set_title(title, fontsize="medium")
    for ax in axes[:, 0]:
        ax.set_ylabel("loss")
    handles = {label: handle for ax in axes.flat for handle, label in zip(*_legend(ax), strict=True)}
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=5, frameon=False, fontsize="small"
    )
    return axes


def _legend(ax: Axes) -> tuple[list, list]:
    return ax.get_legend_handles_labels()


def _one_run(ax: Axes, run: Mapping) -> None:
    train, validation = np.asarray(run["train_loss"]), np.asarray(run["validation_loss"])
    ax.plot(train, color=TRAIN, ls="--", label="training")
    ax.plot(validation, color=VALIDATION, label="validation")
    kept = len(train) - 1 if run.get("kept") is None else run["kept"]
    if run.get("baseline") is not None:
        ax.axhline(run["baseline"], color=BASELINE, ls=":", label="simple baseline, validation")
    if run.get("fresh") is not None:
        ax.plot(kept, run["fresh"], "D", color=CYCLE[3], ms=6, clip_on=False, label="fresh data")
    ax.plot(kept, validation[kept], "o", color=VALIDATION, ms=5, clip_on=False, label="epoch that is kept")
    ax.set(xlabel="epoch", ylim=(0, None))
    ax.spines[["top", "right"]].set_visible(False)


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
    ax = new_axes(6.6, 4.8) if ax is None else ax
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=130)
    for row, column in np.argwhere(counts > 0):
        colour = "white" if shares[row, column] > 60 else "black"
        label = f"{shares[row, column]:.0f}"
        ax.text(column, row, label, ha="center", va="center", fontsize="small", color=colour)
    ax.set_xticks(range(len(names)), names, rotation=35, ha="right", fontsize="small")
    ax.set_yticks(range(len(names)), names, fontsize="small")
    ax.set(xlabel="named by the rules (% of the row)", ylabel="planted")
    ax.spines[:].set_visible(False)
    return ax


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
    ax = new_axes(6.2, 3.6) if ax is None else ax
    for number, (name, (seen, gain)) in enumerate(groups.items()):
        colour, marker, label = (
            CYCLE[number % len(CYCLE)],
            MARKERS[number % len(MARKERS)],
            name.replace("_", " "),
        )
        ax.plot(seen, gain, marker, color=colour, ms=6, alpha=0.85, mew=0, label=label)
    ax.axhline(0, color=BASELINE, ls=":", lw=1)
    ax.set(xlabel=xlabel, ylabel="loss on fresh data falls by [%]")
    ax.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
    return ax


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
        ax.plot(epochs, losses, color="#CCCCCC", lw=1, zorder=1)
    ax.plot(epochs[:seen], train[:seen], color=TRAIN, ls="--", label="training", zorder=2)
    ax.plot(epochs[:seen], validation[:seen], color=VALIDATION, label="validation", zorder=2)
    ax.axvline(seen - 1, color=GAP, lw=1, label="seen so far")
    ax.axhline(baseline, color=BASELINE, ls=":", label="simple baseline, validation")
    highest = max(*train, *validation)
    ax.set(xlabel="epoch", ylabel="mean squared error", ylim=(0, 1.25 * highest), xlim=(0, len(train) - 1))
    ax.legend(frameon=False, fontsize="small", loc="upper left", ncols=2)
    return ax
