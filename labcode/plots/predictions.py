"""What a person can look at: the frames of a recording, forecasts over the days, claims beside the truth."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import ConciseDateFormatter

from labcode._checks import check_shape, expect
from labcode.plots.style import BASELINE, CYCLE, TRAIN, VALIDATION, new_axes

STYLES = ("-", "--", "-.", ":")
REACH = 3.0  # standard deviations at which the colours of frames end


def feature_frames(
    recordings: Mapping[str, np.ndarray], *, feature: str, unit: str = "training standard deviations"
) -> np.ndarray:
    """Draw recordings as pictures, one panel each: time to the right, features upwards.

    Args:
        recordings: standardized features of the real frames, (T, F), by the panel's title.
        feature: what a row of the picture is.
        unit: the unit of the colours.

    Returns:
        The axes of the panels.

    Raises:
        ValueError: no recording, or one that is not (T, F).
    """
    expect(len(recordings) > 0, "recordings", "at least one recording", list(recordings))
    size = (1.2 + 2.2 * len(recordings), 2.6)
    figure, axes = plt.subplots(
        1, len(recordings), figsize=size, sharey=True, layout="constrained", squeeze=False
    )
    for ax, (title, frames) in zip(axes[0], recordings.items(), strict=True):
        check_shape(title, frames, (None, None))
        style = {"cmap": "PuOr", "vmin": -REACH, "vmax": REACH, "aspect": "auto", "origin": "lower"}
        picture = ax.imshow(np.transpose(frames), interpolation="nearest", **style)
        ax.set(title=title, xlabel="frame", yticks=range(0, frames.shape[1], 4))
        ax.title.set_size("medium")
    axes[0, 0].set_ylabel(feature)
    figure.colorbar(picture, ax=axes[0], label=unit, extend="both", shrink=0.9)
    return axes[0]


def forecast_days(
    days: np.ndarray,
    outcome: np.ndarray,
    forecasts: Mapping[str, np.ndarray],
    *,
    unit: str,
    label: str = "outcome",
    xlabel: str = "date",
    ax: Axes | None = None,
) -> Axes:
    """Draw what came, day by day, and what was forecast for the same days.

    Args:
        days: dates, or whatever orders the forecasts, (N,).
        outcome: what came, (N,).
        forecasts: what was forecast, (N,) each, by the forecaster's name.
        unit: label of the vertical axis, with its unit.
        label: what the dots are.
        xlabel: label of the horizontal axis.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: lengths that differ.
    """
    for name, values in {"outcome": outcome, **forecasts}.items():
        check_shape(name, values, (len(days),))
    ax = new_axes(8.0, 3.2) if ax is None else ax
    ax.plot(days, outcome, "o", color=BASELINE, ms=3.5, mew=0, label=label)
    for number, (name, values) in enumerate(forecasts.items()):
        ax.plot(days, values, color=CYCLE[number % len(CYCLE)], ls=STYLES[number % 4], lw=1.4, label=name)
    if np.issubdtype(np.asarray(days).dtype, np.datetime64):
        ax.xaxis.set_major_formatter(ConciseDateFormatter(ax.xaxis.get_major_locator()))
    ax.set(xlabel=xlabel, ylabel=unit)
    ax.legend(
        frameon=False, fontsize="small", ncols=1 + len(forecasts), loc="lower right", bbox_to_anchor=(1, 1)
    )
    return ax


def claim_and_truth(
    pairs: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    unit: str,
    claim: str = "claimed",
    truth: str = "found on new data",
    reference: float | None = None,
    reference_label: str = "chance",
    ax: Axes | None = None,
) -> Axes:
    """Draw what a procedure claims beside what new data say, one row for each procedure.

    Args:
        pairs: claims and truths, one for each seed, by the procedure's name.
        unit: what is measured, with its unit.
        claim, truth: labels of the two.
        reference: a value to compare with, drawn as a line.
        reference_label: its label.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: no procedure, or claims and truths of different number.
    """
    expect(len(pairs) > 0, "pairs", "at least one procedure", list(pairs))
    ax = new_axes(7.2, 1.1 + 0.6 * len(pairs)) if ax is None else ax
    for row, (name, (claimed, found)) in enumerate(pairs.items()):
        expect(len(claimed) == len(found), name, "as many claims as truths", (len(claimed), len(found)))
        ends = np.mean(claimed), np.mean(found)
        ax.annotate("", (ends[1], row), (ends[0], row), arrowprops={"arrowstyle": "->", "color": BASELINE})
        kinds = ((claimed, ends[0], VALIDATION, "D", claim, -0.18), (found, ends[1], TRAIN, "o", truth, 0.18))
        for values, mean, colour, marker, label, shift in kinds:
            ax.plot(values, np.full(len(values), row + shift), marker, color=colour, ms=3.5, alpha=0.4, mew=0)
            shown = f"{label}, mean" if row == 0 else None
            ax.plot(mean, row, marker, color=colour, ms=8, label=shown)
    if reference is not None:
        ax.axvline(reference, color=BASELINE, ls=":", label=reference_label)
    ax.set(xlabel=unit, yticks=range(len(pairs)), yticklabels=list(pairs))
    ax.set_ylim(len(pairs) - 0.5, -0.5)
    ax.legend(frameon=False, fontsize="small", ncols=3, loc="lower right", bbox_to_anchor=(1, 1))
    return ax
