"""What a person can look at: the frames of a recording, forecasts over the days, claims beside the truth."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import ConciseDateFormatter

from labcode._checks import check_shape, expect
from labcode.plots.style import BASELINE, ORANGE, SKY, drawn, legend_above, new_axes, new_panels, styled
from labcode.plots.words import spread, tell

REACH = 3.0  # standard deviations at which the colours of frames end


@drawn("Frames of recordings as pictures, time to the right.")
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
    columns = min(3, len(recordings))
    rows = -(-len(recordings) // columns)
    panels = new_panels(rows, columns, height=2.4 * rows + 0.2, sharey=True)
    axes = panels.ravel()[: len(recordings)]
    for ax in panels.ravel()[len(recordings) :]:
        ax.set_axis_off()
    for ax, (title, frames) in zip(axes, recordings.items(), strict=True):
        check_shape(title, frames, (None, None))
        style = {"cmap": "PuOr", "vmin": -REACH, "vmax": REACH, "aspect": "auto", "origin": "lower"}
        picture = ax.imshow(np.transpose(frames), interpolation="nearest", **style)
        ax.set(title=title, xlabel="frame", yticks=range(0, frames.shape[1], 4))
        tell(
            ax, f"{frames.shape[0]} frames of {frames.shape[1]} features, {spread(np.ravel(frames))} {unit}."
        )
    for ax in panels[:, 0]:
        ax.set_ylabel(feature)
    axes[0].figure.colorbar(picture, ax=panels, label=unit, extend="both", shrink=0.9)
    return axes


@drawn("Outcomes and forecasts, day by day.")
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
    ax = new_axes(height=3.4) if ax is None else ax
    ax.plot(days, outcome, "o", color=BASELINE, ms=3.5, mew=0, label=label)
    for style, values in styled(forecasts, points=len(days)):
        ax.plot(days, values, **style | {"lw": 1.4})
    if np.issubdtype(np.asarray(days).dtype, np.datetime64):
        ax.xaxis.set_major_formatter(ConciseDateFormatter(ax.xaxis.get_major_locator()))
    ax.set(xlabel=xlabel, ylabel=unit)
    legend_above(ax)
    return ax


@drawn("What procedures claim beside what new data say.")
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
    ax = new_axes(height=1.3 + 0.6 * len(pairs)) if ax is None else ax
    told = []
    for row, (name, (claimed, found)) in enumerate(pairs.items()):
        expect(len(claimed) == len(found), name, "as many claims as truths", (len(claimed), len(found)))
        ends = np.mean(claimed), np.mean(found)
        told.append(f"{name}: {claim} {ends[0]:.3g}, {truth} {ends[1]:.3g}")
        ax.annotate("", (ends[1], row), (ends[0], row), arrowprops={"arrowstyle": "->", "color": BASELINE})
        kinds = ((claimed, ends[0], ORANGE, "D", claim, -0.18), (found, ends[1], SKY, "o", truth, 0.18))
        for values, mean, colour, marker, label, shift in kinds:
            ax.plot(values, np.full(len(values), row + shift), marker, color=colour, ms=3.5, alpha=0.4, mew=0)
            shown = f"{label}, mean" if row == 0 else None
            ax.plot(mean, row, marker, color=colour, ms=8, label=shown)
    if reference is not None:
        ax.axvline(reference, color=BASELINE, ls=":", label=reference_label)
    line = "" if reference is None else f"; {reference_label} {reference:g}"
    tell(ax, f"{unit}: {'; '.join(told)}{line}.")
    ax.set(xlabel=unit, yticks=range(len(pairs)), yticklabels=list(pairs))
    ax.set_ylim(len(pairs) - 0.5, -0.5)
    legend_above(ax)
    return ax
