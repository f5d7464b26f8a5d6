"""Early stopping: where rules end a trace, and which epoch they hold for the best."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from labcode._checks import expect
from labcode.plots.style import (
    BASELINE,
    INK,
    LINES,
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


@drawn("A validation loss by epoch, its stop and the epoch that is kept.")
def stopped_trace(
    trace: ArrayLike,
    *,
    stop: int | None,
    kept: int,
    unit: str = "validation loss",
    ax: Axes | None = None,
) -> Axes:
    """Draw a validation loss by epoch, where training stops and which epoch is kept; fade what never happens.

    Args:
        trace: validation loss after each epoch; epochs count from 0.
        stop: epoch after which training stops, None if it does not.
        kept: epoch whose weights are kept.
        unit: label of the vertical axis, with its unit.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes. Its first lines are the part that runs, the part that never does, the stop, the kept epoch.

    Raises:
        ValueError: no trace, or an epoch outside it.
    """
    trace = np.asarray(trace, dtype=float)
    expect(trace.ndim == 1 and trace.size > 0, "trace", "one loss for each epoch", trace.shape)
    ax = new_axes(height=3.9) if ax is None else ax
    ax.plot([], [], color=VALIDATION, marker=".", label="epochs that run")
    ax.plot([], [], color=VALIDATION, marker=".", alpha=0.25, label="epochs that never run")
    ax.plot([], [], color=BASELINE, ls="--", label="stop")
    ax.plot([], [], "*", color=INK, ms=14, label="epoch that is kept")
    ax.set(xlabel="epoch", ylabel=better(unit), xlim=(-0.5, trace.size - 0.5))
    legend_above(ax)
    low, high = np.nanmin(trace), np.nanmax(trace)
    ax.set_ylim(low - 0.1 * (high - low + 1e-9), high + 0.1 * (high - low + 1e-9))
    mark_stop(ax, trace, stop=stop, kept=kept)
    return ax


def mark_stop(ax: Axes, trace: ArrayLike, *, stop: int | None, kept: int) -> None:
    """Move what ``stopped_trace`` has drawn to another stop and another kept epoch.

    Raises:
        ValueError: an epoch outside the trace.
    """
    trace = np.asarray(trace, dtype=float)
    last = trace.size - 1 if stop is None else stop
    expect(0 <= last < trace.size, "stop", f"an epoch from 0 to {trace.size - 1}, or None", stop)
    expect(0 <= kept <= last, "kept", f"an epoch from 0 to {last}", kept)
    run, never, line, star = ax.lines[:4]
    epochs = np.arange(trace.size)
    run.set_data(epochs[: last + 1], trace[: last + 1])
    never.set_data(epochs[last:], trace[last:])
    line.set_data(*(([], []) if stop is None else ([stop, stop], ax.get_ylim())))
    star.set_data([kept], [trace[kept]])


@drawn("What stopping rules make of the same traces.")
def rules_on_traces(
    traces: Mapping[str, Sequence[float]], verdicts: Mapping[str, Mapping[str, tuple[int | None, int | None]]]
) -> np.ndarray:
    """Draw what several early-stopping rules make of the same traces, one panel for each trace.

    Below each trace a row for each rule shows the epochs that it lets run, a bar at its stop, and a star at
    the epoch that it holds for the best. A cross at the top stands for a value that is not finite.

    Args:
        traces: losses by epoch, by the panel's title.
        verdicts: for each trace the stop (None: never) and the best epoch (None: none) of each rule, by name.

    Returns:
        The axes of the panels, in rows of two.

    Raises:
        ValueError: no trace, or other titles in the verdicts.
    """
    same = len(traces) > 0 and traces.keys() == verdicts.keys()
    expect(same, "verdicts", f"the titles of the traces, {list(traces)}", list(verdicts))
    columns = min(2, len(traces))
    rows = -(-len(traces) // columns)
    axes = new_panels(rows, columns, height=2.8 * rows + 0.4)
    for ax in axes.ravel()[len(traces) :]:
        ax.set_axis_off()
    for ax, (title, trace) in zip(axes.ravel(), traces.items(), strict=False):
        _one_trace(ax, np.asarray(trace, dtype=float), verdicts[title])
        ax.set_title(title)
    legend_below(axes[0, 0].figure, handles_of(*axes.ravel()))
    return axes


def _one_trace(ax, trace, verdicts):
    """Draw one trace in the upper part of a panel and a row for each rule below it."""
    finite = np.isfinite(trace)
    low, high = trace[finite].min(), trace[finite].max()
    height = (high - low) or 1.0
    ax.plot(np.arange(trace.size), trace, color=BASELINE, marker=".", lw=1.2, label="trace")
    lost = np.flatnonzero(~finite)
    if lost.size:
        ax.plot(lost, np.full(lost.size, high), "x", color=INK, ms=9, mew=2.5, label="not finite")
    styles = looks(verdicts)
    at = low - 0.35 * height * (1 + np.arange(len(verdicts)))
    for number, (y, (stop, best)) in enumerate(zip(at, verdicts.values(), strict=True)):
        last, colour = trace.size - 1 if stop is None else stop, styles[number].colour
        ax.plot([0, last], [y, y], color=colour, lw=2, ls=LINES[number % len(LINES)])
        if stop is not None:
            ax.plot(stop, y, "|", color=colour, ms=14, mew=3)
        if best is not None:
            ax.plot(best, y, "*", color=colour, ms=12, mec="white", mew=0.6)
    told = [f"{rule} stops {_epoch(stop)}, holds {_epoch(best)}" for rule, (stop, best) in verdicts.items()]
    tell(ax, f"{trace.size} epochs, losses {low:.3g} to {high:.3g}; {'; '.join(told)}.")
    ax.plot([], [], "|", color="black", ms=12, mew=3, ls="", label="stops here")
    ax.plot([], [], "*", color="black", ms=11, ls="", label="held for the best")
    ax.axhline(low - 0.17 * height, color=BASELINE, lw=0.5)
    values = [low, high] if high > low else [low]
    ax.set_yticks([*at, *values], [*verdicts, *(f"{value:g}" for value in values)])
    ax.set_xticks(range(0, trace.size, 2 if trace.size > 9 else 1))
    ax.set(xlabel="epoch", xlim=(-0.6, trace.size - 0.4), ylim=(at[-1] - 0.25 * height, high + 0.15 * height))


def _epoch(number: int | None) -> str:
    return "never" if number is None else f"epoch {number}"
