"""Chapter 6 on one page of every task: effects with intervals, simple rules, costs, confusions."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from labcode._checks import expect
from labcode.experiments.effects import adjusted_p
from labcode.plots.style import BASELINE, CYCLE, TRAIN, VALIDATION, new_axes

LEVEL = 0.05
VARIANT_STYLES = {  # colour, marker and place in its row of each variant
    "last": (VALIDATION, "s", 0.17, "last epoch"),
    "early": (TRAIN, "o", -0.17, "early stopping"),
}
REFERENCE_TITLES = {"none_last": "minus none, last epoch", "none_early": "minus none, early stopping"}


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
    size = (3.0 + 3.2 * len(effects), 1.5 + 0.33 * len(labels))
    figure, axes = plt.subplots(
        1, len(effects), figsize=size, sharey=True, layout="constrained", squeeze=False
    )
    for ax, (reference, found) in zip(axes[0], effects.items(), strict=True):
        _one_forest(ax, found, _reach(found) if reach is None else reach)
        ax.set(title=titles.get(reference, reference), xlabel=f"difference in {unit}")
        ax.title.set_size("medium")
        ax.locator_params(axis="x", nbins=5)  # labels such as 0.025 side by side
    axes[0, 0].set_yticks(range(len(labels)), [label.replace("_", " ") for label in labels])
    axes[0, 0].set_ylim(len(labels) - 0.5, -0.5)
    for colour, marker, _, name in VARIANT_STYLES.values():
        axes[0, 0].plot([], [], marker, color=colour, label=name)
    axes[0, 0].plot([], [], "o", mec=BASELINE, mfc="white", label=f"hollow: Holm's p at least {LEVEL}")
    handles = axes[0, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=3, frameon=False, fontsize="small")
    return axes[0]


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
    ax = new_axes(7.2, 1.5 + 0.36 * len(losses)) if ax is None else ax
    for row, found in enumerate(losses.values()):
        dots, bar = ("one seed", "mean") if row == 0 else (None, None)
        ax.plot(found, np.full(len(found), row), "o", color=TRAIN, ms=5, alpha=0.45, mew=0, label=dots)
        ax.plot(np.mean(found), row, "|", color=VALIDATION, ms=16, mew=2.5, label=bar)
    for number, (name, value) in enumerate(rules.items()):
        ax.axvline(value, color=(BASELINE, CYCLE[2], CYCLE[3])[number % 3], ls=(":", "--", "-.")[number % 3])
        ax.lines[-1].set_label(f"{name}: {value:.3g}")
    ax.set_yticks(range(len(losses)), [name.replace("_", " ") for name in losses])
    ax.set(xlabel=unit, ylim=(len(losses) - 0.5, -0.5))
    ax.legend(frameon=False, fontsize="small", loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    return ax


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
    ax = new_axes(6.4, 0.9 + 0.28 * len(costs)) if ax is None else ax
    for row, (median, low, high) in enumerate(costs.values()):
        ax.plot((low, high), (row, row), color=TRAIN, lw=3, alpha=0.4, solid_capstyle="butt")
        ax.plot(median, row, "o", color=TRAIN)
        ax.annotate(f"  {median:.1f}", (max(high, median), row), va="center", fontsize="small")
    ax.axvline(1, color=BASELINE, ls=":")
    ax.set_yticks(range(len(costs)), [name.replace("_", " ") for name in costs])
    ax.set(xlabel="time of a training, none = 1 (dot: median; bar: quartiles)", xlim=(0, None))
    ax.set_ylim(len(costs) - 0.5, -0.5)
    ax.margins(x=0.12)
    return ax


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
    ax = new_axes(0.52 * len(classes) + 2.2, 0.45 * len(classes) + 1.4) if ax is None else ax
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    picture = ax.imshow(shares, cmap="cividis", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        ink = "black" if shares[row, column] > 0.5 else "white"
        ax.text(
            column, row, f"{count}" if count else "", ha="center", va="center", color=ink, fontsize="small"
        )
    ax.set_xticks(range(len(classes)), classes, rotation=45, ha="right")
    ax.set_yticks(range(len(classes)), classes)
    ax.set(xlabel="taken for", ylabel="right class")
    ax.figure.colorbar(picture, ax=ax, label="share of the row", shrink=0.8)
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
    for row, by_variant in enumerate(found.values()):
        for variant, effect in by_variant.items():
            colour, marker, shift, _ = VARIANT_STYLES[variant]
            mean, place, face = effect["mean"], row + shift, colour if adjusted_p(effect) < LEVEL else "white"
            if abs(mean) > reach:
                arrow = ">" if mean > 0 else "<"
                ax.plot(np.sign(mean) * reach, place, arrow, mec=colour, mfc=face, ms=7, clip_on=False)
                ha, text = ("right", f"{mean:+.2g}   ") if mean > 0 else ("left", f"   {mean:+.2g}")
                ax.annotate(text, (np.sign(mean) * reach, place), ha=ha, va="center", fontsize="x-small")
                continue
            ax.plot(np.clip(effect["interval"], -reach, reach), (place, place), color=colour, lw=1.8)
            ax.plot(mean, place, marker, mec=colour, mfc=face, ms=5.5)
    ax.axvline(0, color=BASELINE, ls=":", zorder=0)
    ax.set_xlim(-reach, reach)
    ax.spines[["top", "right"]].set_visible(False)
    for edge in np.arange(len(found) - 1) + 0.5:
        ax.axhline(edge, color="0.92", lw=0.8, zorder=0)
