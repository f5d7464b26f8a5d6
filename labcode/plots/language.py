"""Language models: what comes next, an ablation beside a published one, and what dropout averages."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from labcode._checks import expect
from labcode.plots.style import (
    BASELINE,
    CYCLE,
    GREEN,
    INK,
    ORANGE,
    SKY,
    SMALLEST,
    better,
    drawn,
    handles_of,
    legend_above,
    legend_below,
    new_axes,
    new_panels,
)
from labcode.plots.words import spread, tell

SHOWN = {"\n": "↵", " ": "␣", "\N{REPLACEMENT CHARACTER}": "unknown"}


@drawn("Losses of models as bars.")
def losses_of_models(
    bars: Mapping[str, float], *, groups: Mapping[str, str], unit: str, ax: Axes | None = None
) -> Axes:
    """Draw one loss for each model as a bar, those of one group in one colour, the number beside it.

    Args:
        bars: loss by the model's name, from top to bottom.
        groups: the group of each model, by the same names.
        unit: label of the axis, with its unit.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: names that differ.
    """
    expect(bars.keys() == groups.keys(), "groups", f"the names {sorted(bars)}", sorted(groups))
    ax = new_axes(height=1.2 + 0.32 * len(bars)) if ax is None else ax
    kinds = list(dict.fromkeys(groups.values()))
    for row, (name, loss) in enumerate(bars.items()):
        kind = kinds.index(groups[name])
        label = groups[name] if name == next(n for n in bars if groups[n] == groups[name]) else None
        hatch = ("", "//", "..")[kind % 3]
        ax.barh(row, loss, height=0.7, color=CYCLE[kind], hatch=hatch, edgecolor="white", label=label)
        ax.text(loss, row, f" {loss:.2f}", va="center", fontsize=SMALLEST)
    ax.set(xlabel=better(unit), yticks=range(len(bars)), yticklabels=list(bars))
    ax.set(ylim=(len(bars) - 0.5, -0.5), xlim=(0, 1.12 * max(bars.values())))
    legend_below(ax.figure, handles_of(ax))
    return ax


@drawn("Probabilities of the next character.")
def next_characters(
    characters: Sequence[str], probabilities: np.ndarray, *, context: str, ax: Axes | None = None
) -> Axes:
    """Draw how probable each character is to come next, as bars.

    Args:
        characters: the characters, in the order in which they stand on the axis.
        probabilities: one for each of them.
        context: the end of the text before.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: not one probability for each character.
    """
    sizes = (len(characters), np.shape(probabilities))
    expect(sizes[1] == (sizes[0],), "probabilities", f"{sizes[0]}, one for each character", sizes[1])
    ax = new_axes(height=2.6) if ax is None else ax
    ax.bar(range(len(characters)), probabilities, color=SKY, width=0.75)
    ax.set(xticks=range(len(characters)), xticklabels=[SHOWN.get(c, c) for c in characters])
    shown = "".join("↵" if character == "\n" else character for character in context)
    ax.set(xlabel=f"next character after “…{shown}”", ylabel="probability", ylim=(0, 1))
    return ax


@drawn("What it costs to take one part out of a recipe, here and as published.")
def ablation(
    ours: Mapping[str, Mapping], published: Mapping[str, float], *, units: tuple[str, str]
) -> np.ndarray:
    """Draw what it costs to take one part out of a recipe: our figures on the left, published ones beside.

    Args:
        ours: by the part's name a mapping with "mean" and "interval" (95 %): loss without the part minus
            loss with it, above 0 where the part helps. The parts stand from top to bottom.
        published: the same difference in a paper, for those of the parts that it has.
        units: of both.

    Returns:
        The axes of both panels.

    Raises:
        ValueError: a published part that is not among ours.
    """
    expect(published.keys() <= ours.keys(), "published", f"parts among {list(ours)}", list(published))
    axes = new_panels(1, 2, height=1.6 + 0.36 * len(ours), sharey=True, width_ratios=(3, 2))[0]
    told: tuple[list[str], list[str]] = ([], [])
    for row, (part, entry) in enumerate(ours.items()):
        low, high = entry["interval"]
        ends = {"color": GREEN, "capsize": 3, "fmt": "o", "ms": 6}
        told[0].append(f"without {part} {entry['mean']:+.3g} ({spread((low, high))})")
        error = [[entry["mean"] - low], [high - entry["mean"]]]
        axes[0].errorbar(entry["mean"], row, xerr=error, **ends)
        if part in published:
            axes[1].barh(row, published[part], height=0.6, color=ORANGE)
            told[1].append(f"without {part} {published[part]:+.3g}")
        else:
            axes[1].text(0, row, " not in the table", va="center", fontsize=SMALLEST, color=BASELINE)
    for ax, unit, title in zip(axes, units, ("here", "published"), strict=True):
        ax.axvline(0, color=BASELINE, ls=":")
        ax.set(xlabel=f"{unit}\nthe part helps →", title=title)
        ax.set(yticks=range(len(ours)), yticklabels=list(ours))
        tell(ax, f"{'; '.join(told[ax is axes[1]])}.")
    axes[0].set(ylim=(len(ours) - 0.5, -0.5), ylabel="without …")
    return axes


@drawn("Loss of the mean probability over passes with dropout on.")
def passes_and_mean(
    numbers: Sequence[int],
    mixture: Sequence[float],
    *,
    off: float,
    single: float,
    unit: str,
    ax: Axes | None = None,
) -> Axes:
    """Draw the loss of the mean probability over more and more passes with dropout on.

    Args:
        numbers: of passes.
        mixture: loss of the mean probability for each of them.
        off: loss of one pass with dropout off.
        single: mean loss of single passes.
        unit: of the losses.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.
    """
    ax = new_axes(height=3.6) if ax is None else ax
    ax.plot(numbers, mixture, color=SKY, marker="o", ms=5, label="mean probability of the passes")
    ax.axhline(single, color=BASELINE, ls=":", label="single passes, on average")
    ax.axhline(off, color=INK, ls="--", label="one pass, dropout off")
    ax.set(xscale="log", xlabel="passes with dropout on", ylabel=better(unit))
    ax.set(xticks=numbers, xticklabels=numbers)
    ax.minorticks_off()
    legend_above(ax)
    return ax
