"""Chapter 6 on one page of every task: effects with intervals, simple rules, costs, confusions."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from labcode._checks import expect
from labcode.experiments.effects import adjusted_p
from labcode.plots.style import (
    BASELINE,
    FAINT,
    INK,
    LINES,
    SMALLEST,
    better,
    drawn,
    legend_above,
    legend_below,
    looks,
    new_axes,
    new_panels,
    printed,
)
from labcode.plots.words import spread, tell

LEVEL = 0.05
VARIANT_STYLES = {  # marker, line and place in its row of each variant
    "last": ("s", "--", 0.17, "last epoch"),
    "early": ("o", "-", -0.17, "early stopping"),
}
REFERENCE_TITLES = {"none_last": "minus none, last epoch", "none_early": "minus none, early stopping"}


@drawn("Effects of methods with their 95 % intervals.")
def effect_forest(
    effects: Mapping[str, Mapping[str, Mapping[str, Mapping]]],
    *,
    unit: str = "test loss",
    titles: Mapping[str, str] = REFERENCE_TITLES,
    reach: float | None = None,
) -> np.ndarray:
    """Draw every method's effect with its 95 % interval, one panel for each reference.

    A filled marker is clear by an adjusted p below 0.05, a hollow one is not. What lies outside a panel
    stands as an arrow at its edge.

    Args:
        effects: by reference, method and variant ("last", "early"), as
            ``labcode.experiments.result_tables.differences`` returns them.
        unit: what is measured, with its unit.
        titles: the panels' titles by reference.
        reach: largest distance from 0 to show; in each panel 1.6 times the farthest interval of the variant
            that stops early by default, so that small effects can be seen beside large ones.

    Returns:
        The axes of the panels.

    Raises:
        ValueError: no effects, or references with other methods.
    """
    expect(len(effects) > 0, "effects", "at least one reference", list(effects))
    labels = list(next(iter(effects.values())))
    same = all(list(found) == labels for found in effects.values()) and len(labels) > 0
    expect(same, "effects", "the same methods for every reference", labels)
    axes = new_panels(1, len(effects), height=1.9 + 0.36 * len(labels), sharey=True)
    for ax, (reference, found) in zip(axes[0], effects.items(), strict=True):
        _one_forest(ax, found, _reach(found) if reach is None else reach)
        ax.set(title=titles.get(reference, reference).replace(", ", ",\n"))
        ax.set_xlabel(f"difference in {unit}\n← better    0    worse →")
        ax.locator_params(axis="x", nbins=4)  # labels such as 0.025 side by side
    axes[0, 0].set_yticks(range(len(labels)), map(printed, labels))
    axes[0, 0].set_ylim(len(labels) - 0.5, -0.5)
    handles = {
        name: Line2D([], [], marker=marker, ls="", color=INK)
        for marker, _, _, name in VARIANT_STYLES.values()
    }
    handles[f"hollow: Holm's p at least {LEVEL}"] = Line2D([], [], marker="o", ls="", mec=INK, mfc="white")
    legend_below(axes[0, 0].figure, handles)
    return axes[0]


@drawn("Losses of methods beside simple rules.")
def losses_beside_rules(
    losses: Mapping[str, Sequence[float]],
    rules: Mapping[str, float],
    *,
    unit: str = "test loss",
    ax: Axes | None = None,
) -> Axes:
    """Draw the loss of each method, a dot for each seed and a bar for the mean, and simple rules as lines.

    Args:
        losses: one figure for each seed by the method's name.
        rules: the figure of each simple rule by its name.
        unit: what is measured, with its unit.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: no losses.
    """
    expect(len(losses) > 0, "losses", "at least one method", list(losses))
    ax = new_axes(height=1.7 + 0.36 * len(losses)) if ax is None else ax
    for row, (look, found) in enumerate(zip(looks(losses), losses.values(), strict=True)):
        dots, bar = ("one seed", "mean") if row == 0 else (None, None)
        ax.plot(
            found,
            np.full(len(found), row),
            look.marker,
            color=look.colour,
            ms=5,
            alpha=0.6,
            mew=0,
            label=dots,
        )
        ax.plot(np.mean(found), row, "|", color=INK, ms=16, mew=2.5, label=bar)
    for number, (name, value) in enumerate(rules.items()):
        ax.axvline(value, color=(BASELINE, "#8A8A8A", INK)[number % 3], ls=LINES[-1 - number % 3], lw=1.4)
        ax.lines[-1].set_label(f"{name}: {value:.3g}")
    ax.set_yticks(range(len(losses)), map(printed, losses))
    ax.set(xlabel=better(unit), ylim=(len(losses) - 0.5, -0.5))
    told = [
        f"{printed(name)} mean {np.mean(found):.3g} (seeds {spread(found)})" for name, found in losses.items()
    ]
    tell(ax, f"{unit}, lower is better: {'; '.join(told + [f'{n} {v:.3g}' for n, v in rules.items()])}.")
    legend_above(ax)
    return ax


@drawn("Time of a training relative to one without regularization.")
def training_costs(costs: Mapping[str, tuple[float, float, float]], *, ax: Axes | None = None) -> Axes:
    """Draw how long a training takes beside one without regularization: medians and quartiles.

    Args:
        costs: ratio of the times, its lower and its upper quartile, by the method's name.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: no costs.
    """
    expect(len(costs) > 0, "costs", "at least one method", list(costs))
    ax = new_axes(height=1.2 + 0.28 * len(costs)) if ax is None else ax
    reach = 1.15 * max(
        1.0, *(median for median, _, _ in costs.values()), np.median([c[2] for c in costs.values()])
    )
    for row, (look, (median, low, high)) in enumerate(zip(looks(costs), costs.values(), strict=True)):
        ax.plot(
            (low, min(high, reach)), (row, row), color=look.colour, lw=3, alpha=0.5, solid_capstyle="butt"
        )
        ax.plot(median, row, look.marker, color=look.colour)
        label = f"{median:.1f}" if high <= reach else f"{median:.1f} (to {high:.1f})"
        if high > reach:
            ax.plot(reach, row, ">", color=look.colour, clip_on=False)
        ax.annotate(label, (1.02, row), xycoords=("axes fraction", "data"), va="center", fontsize=SMALLEST)
    ax.axvline(1, color=BASELINE, ls=":")
    ax.set_yticks(range(len(costs)), map(printed, costs))
    ax.set(xlabel=better("time of a training, none = 1 (mark: median; bar: quartiles)"), xlim=(0, reach))
    ax.set_ylim(len(costs) - 0.5, -0.5)
    told = [
        f"{printed(name)} {m:.2g} (quartiles {low:.2g} to {high:.2g})"
        for name, (m, low, high) in costs.items()
    ]
    tell(ax, f"{'; '.join(told)}.")
    return ax


@drawn("Confusion matrix.")
def confusion(counts: np.ndarray, classes: Sequence[str], *, ax: Axes | None = None) -> Axes:
    """Draw a confusion matrix: rows are the right classes, colours are shares of a row, numbers are counts.

    Args:
        counts: samples of each class (row) by the class they were taken for (column), (classes, classes).
        classes: the classes' names.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: counts that are not square, or another number of names.
    """
    counts = np.asarray(counts)
    sizes = (len(classes), len(classes))
    expect(counts.shape == sizes and len(classes) > 0, "counts", f"shape {sizes}", counts.shape)
    ax = new_axes(0.52 * len(classes) + 2.0, 0.45 * len(classes) + 1.4) if ax is None else ax
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    picture = ax.imshow(shares, cmap="cividis", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        ink = "black" if shares[row, column] > 0.5 else "white"
        ax.text(
            column, row, f"{count}" if count else "", ha="center", va="center", color=ink, fontsize=SMALLEST
        )
    ax.set_xticks(range(len(classes)), classes, rotation=45, ha="right")
    ax.set_yticks(range(len(classes)), classes)
    ax.set(xlabel="taken for", ylabel="right class")
    ax.spines[:].set_visible(False)
    ax.figure.colorbar(picture, ax=ax, label="share of the row", shrink=0.8)
    rows = [
        f"{name} {share:.0%} right of {total}"
        for name, share, total in zip(classes, np.diag(shares), counts.sum(1), strict=True)
    ]
    off = np.where(np.eye(len(classes), dtype=bool), 0, counts)
    worst = np.unravel_index(off.argmax(), off.shape)
    right, taken = (classes[int(place)] for place in worst)
    slip = f"Most frequent slip: {right} taken for {taken}, {off[worst]} times."
    tell(ax, f"{'; '.join(rows)}. {slip}")
    return ax


def _reach(found: Mapping[str, Mapping[str, Mapping]]) -> float:
    """Return how far from 0 a panel goes: by its early effects, or by all where there are none."""
    ends = {
        variant: [abs(end) for by in found.values() if variant in by for end in by[variant]["interval"]]
        for variant in VARIANT_STYLES
    }
    return 1.6 * max(ends["early"] or ends["last"]) or 1.0


def _one_forest(ax: Axes, found: Mapping[str, Mapping[str, Mapping]], reach: float) -> None:
    """Draw the rows of one reference."""
    told = []
    for row, (look, (name, by_variant)) in enumerate(zip(looks(found), found.items(), strict=True)):
        colour = look.colour
        for variant, effect in by_variant.items():
            marker, _, shift, words = VARIANT_STYLES[variant]
            told.append(f"{printed(name)}, {words} {effect['mean']:+.2g} ({spread(effect['interval'])})")
            mean, place, face = effect["mean"], row + shift, colour if adjusted_p(effect) < LEVEL else "white"
            if abs(mean) > reach:
                arrow = ">" if mean > 0 else "<"
                ax.plot(np.sign(mean) * reach, place, arrow, mec=colour, mfc=face, ms=7, clip_on=False)
                ha, text = ("right", f"{mean:+.2g}   ") if mean > 0 else ("left", f"   {mean:+.2g}")
                ax.annotate(text, (np.sign(mean) * reach, place), ha=ha, va="center", fontsize=SMALLEST)
                continue
            ends = np.clip(effect["interval"], -reach, reach)
            ax.plot(ends, (place, place), color=colour, lw=1.8)
            for end, arrow in zip(effect["interval"], "<>", strict=True):
                if abs(end) > reach:  # the bar goes on
                    ax.plot(np.sign(end) * reach, place, arrow, color=colour, ms=5, clip_on=False)
            ax.plot(mean, place, marker, mec=colour, mfc=face, ms=5.5)
    tell(ax, f"below 0 is better: {'; '.join(told)}.")
    ax.axvline(0, color=BASELINE, ls=":", zorder=0)
    ax.set_xlim(-reach, reach)
    for edge in np.arange(len(found) - 1) + 0.5:
        ax.axhline(edge, color=FAINT, lw=0.5, zorder=0)
