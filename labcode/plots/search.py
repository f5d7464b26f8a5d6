"""Searches for hyperparameters: where they looked, what they found at a budget, and what that is worth."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from labcode._checks import check_one_of, expect
from labcode.plots.style import (
    BASELINE,
    GAP,
    GREEN,
    INK,
    PURPLE,
    VALIDATION,
    better,
    drawn,
    handles_of,
    legend_above,
    legend_below,
    new_axes,
    new_panels,
    styled,
)
from labcode.plots.words import spread, tell


@drawn("Losses along a strength on a linear and on a logarithmic axis.")
def curves_on_two_scales(
    strengths: Sequence[float], curves: Mapping[str, Sequence[float]], *, unit: str
) -> np.ndarray:
    """Draw losses along a strength on a linear and on a logarithmic axis.

    Args:
        strengths: what was tried, ascending, above 0.
        curves: one loss for each of them, by the curve's name.
        unit: what is measured, with its unit.

    Returns:
        The axes of the two panels.

    Raises:
        ValueError: not one loss for each strength.
    """
    sizes = {name: len(losses) for name, losses in curves.items()}
    expect(set(sizes.values()) == {len(strengths)}, "curves", f"{len(strengths)} losses each", sizes)
    axes = new_panels(1, 2, height=3.7, sharey=True)[0]
    for ax, scale in zip(axes, ("linear", "log"), strict=True):
        for style, losses in styled(curves):
            ax.plot(strengths, losses, **style)
        ax.set(xscale=scale, xlabel="λ of L2 (no unit)", title=f"{scale} axis")
    axes[0].set_ylabel(better(f"validation loss [{unit}]"))
    legend_below(axes[0].figure, handles_of(axes[0]))
    return axes


@drawn("Where searches have looked.")
def search_points(points: Mapping[str, np.ndarray], best: Mapping[str, int]) -> np.ndarray:
    """Draw where searches have looked in the plane of λ and a dropout rate, the later the darker.

    Args:
        points: λ and rate of each trial in order, (trials, 2), by the search's name.
        best: number of the trial that won, by the same names.

    Returns:
        The axes, one panel for each search.

    Raises:
        ValueError: names that differ, or points that are not pairs of numbers.
    """
    expect(list(points) == list(best), "best", f"the names {list(points)}", list(best))
    for name, tried in points.items():
        tried = np.asarray(tried)
        fits = tried.ndim == 2 and tried.shape[1] == 2 and tried.dtype.kind in "iuf"
        wanted = "two numbers for each trial (a category has no place on an axis)"
        expect(fits, f"points of {name!r}", wanted, tried.tolist())
    columns = min(2, len(points))
    rows = -(-len(points) // columns)
    panels = new_panels(rows, columns, height=2.8 * rows + 0.6, sharex=True, sharey=True)
    axes = panels.ravel()[: len(points)]
    for ax in panels.ravel()[len(points) :]:
        ax.set_axis_off()
    for ax, (name, tried) in zip(axes, points.items(), strict=True):
        order = np.arange(1, len(tried) + 1)
        dots = ax.scatter(*tried.T, c=order, cmap="cividis_r", edgecolors=BASELINE, linewidths=0.5, s=36)
        ax.plot(*tried[best[name]], "*", color="#B00020", ms=15, mec="white", label="winner")
        won = tried[best[name]]
        told = f"{len(tried)} trials, λ {spread(tried[:, 0])}, rates {spread(tried[:, 1])}"
        tell(ax, f"{told}; the winner has λ {won[0]:.2g} and rate {won[1]:.2g}.")
        ax.set(xscale="log", xlabel="λ of L2 (no unit)", title=name)
    for ax in panels[:, 0]:
        ax.set_ylabel("rate of output dropout")
    figure = axes[0].figure
    figure.colorbar(dots, ax=panels, label="number of the trial", ticks=MaxNLocator(integer=True))
    legend_below(figure, handles_of(axes[0]))
    return axes


@drawn("The winners' losses by budget, and their optimism at one budget.")
def winners_by_budget(
    budgets: Sequence[float],
    validation: Mapping[str, Sequence[float]],
    fresh: Mapping[str, Sequence[float]],
    *,
    budget: float,
    unit: str,
) -> np.ndarray:
    """Draw the winner's score by budget for several searches, and below it both of its scores at one budget.

    Args:
        budgets: in full trainings, ascending.
        validation: mean score of the winner where it was chosen, by the search's name, one for each budget.
        fresh: the same on data that chose nothing.
        budget: the one that is marked on the left and shown on the right.
        unit: what is measured, with its unit.

    Returns:
        The axes of the two panels.

    Raises:
        ValueError: names that differ, or a budget that is none of them.
    """
    expect(list(validation) == list(fresh), "fresh", f"the names {list(validation)}", list(fresh))
    expect(budget in budgets, "budget", f"one of {list(budgets)}", budget)
    left, right = new_panels(2, 1, height=6.4)[:, 0]
    left.axvline(budget, color=BASELINE, ls=":", lw=1.5)
    rows, place = np.arange(len(fresh))[::-1], list(budgets).index(budget)
    for style, scores in styled(validation, points=len(budgets)):
        left.plot(budgets, scores, **style)
    pairs = np.array([[validation[name][place], fresh[name][place]] for name in fresh])
    right.hlines(rows, *pairs.T, color=GAP, lw=3, alpha=0.6, label="optimism")
    right.plot(pairs[:, 0], rows, "o", color=VALIDATION, ms=7, label="where it was chosen (validation)")
    right.plot(pairs[:, 1], rows, "D", color=GREEN, ms=7, label="on fresh data")
    left.set(xlabel="budget [full trainings]", ylabel=better(f"winner's validation loss [{unit}]"))
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend_above(left)
    right.set(xlabel=better(f"winner's loss [{unit}]"), ylim=(-0.6, len(rows) + 0.4))
    right.set_yticks(rows, list(fresh))
    legend_above(right)
    return np.array([left, right])


@drawn("The winner's two losses against the number of trials it won over.")
def winners_curse(
    budgets: Sequence[float],
    validation: Sequence[float],
    fresh: Sequence[float],
    *,
    unit: str,
    ax: Axes | None = None,
) -> Axes:
    """Draw the winner's two scores against the number of trials it won over.

    Args:
        budgets: numbers of trials, on a logarithmic axis.
        validation: mean score where the winner was chosen.
        fresh: mean score of the same winner on fresh data.
        unit: what is measured, with its unit.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.
    """
    ax = new_axes(height=3.7) if ax is None else ax
    ax.fill_between(budgets, validation, fresh, color=GAP, alpha=0.3, lw=0, label="optimism")
    ax.plot(budgets, fresh, color=GREEN, marker="D", ms=4, label="winner, on fresh data")
    ax.plot(
        budgets, validation, color=VALIDATION, marker="o", ms=4, ls="--", label="winner, where it was chosen"
    )
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.set(xlabel="trials that the winner was chosen from", ylabel=better(f"loss [{unit}]"))
    legend_above(ax)
    return ax


@drawn("Losses along the strength with their standard errors, and the choice.")
def one_standard_error_path(
    strengths: Sequence[float],
    means: Sequence[float],
    errors: Sequence[float],
    chosen: float,
    *,
    unit: str,
    mode: str = "min",
    ax: Axes | None = None,
) -> Axes:
    """Draw losses along the strength with their standard errors, the lowest one, its margin and the choice.

    Args:
        strengths: what was tried, ascending.
        means, errors: validation loss of each, and its standard error.
        chosen: what the one-standard-error rule has chosen.
        unit: what is measured, with its unit.
        mode: "min" for losses, "max" for scores, of which the highest is marked.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: a choice that is none of the strengths.
    """
    strengths, means, errors = list(strengths), np.asarray(means), np.asarray(errors)
    expect(chosen in strengths, "chosen", f"one of {strengths}", chosen)
    is_loss = check_one_of("mode", mode, ("min", "max")) == "min"
    best, ruled = int(means.argmin() if is_loss else means.argmax()), strengths.index(chosen)
    margin = sorted([means[best], means[best] + (errors[best] if is_loss else -errors[best])])
    ax = new_axes(height=3.9) if ax is None else ax
    ax.axhspan(*margin, color=GAP, alpha=0.3, lw=0, label="one standard error")
    ax.errorbar(
        strengths, means, errors, color=VALIDATION, marker="o", ms=4, capsize=3, label="mean ± standard error"
    )
    label = "lowest" if is_loss else "highest"
    ax.plot(strengths[best], means[best], "*", color=INK, ms=14, label=label)
    ax.plot(chosen, means[ruled], "o", ms=15, mfc="none", mec=PURPLE, mew=2, label="chosen by the rule")
    ax.set(
        xscale="log",
        xlabel="λ of L2 (no unit)",
        ylabel=better(
            f"validation {'loss' if is_loss else 'score'} [{unit}]", "lower" if is_loss else "higher"
        ),
    )
    legend_above(ax)
    return ax
