"""Language models: what comes next, an ablation beside a published one, and what dropout averages."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from labcode._checks import expect
from labcode.plots.style import BASELINE, CYCLE, GAP, TRAIN, VALIDATION, new_axes

SHOWN = {"\n": "↵", " ": "␣", "\N{REPLACEMENT CHARACTER}": "unknown"}


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
    ax = new_axes(6.4, 0.9 + 0.32 * len(bars)) if ax is None else ax
    kinds = list(dict.fromkeys(groups.values()))
    for row, (name, loss) in enumerate(bars.items()):
        kind = kinds.index(groups[name])
        label = groups[name] if name == next(n for n in bars if groups[n] == groups[name]) else None
        hatch = ("", "//", "..")[kind % 3]
        ax.barh(row, loss, height=0.7, color=CYCLE[kind], hatch=hatch, edgecolor="white", label=label)
        ax.text(loss, row, f" {loss:.2f}", va="center", fontsize="small")
    ax.set(xlabel=unit, yticks=range(len(bars)), yticklabels=list(bars))
    ax.set(ylim=(len(bars) - 0.5, -0.5), xlim=(0, 1.12 * max(bars.values())))
    ax.figure.legend(loc="outside lower center", ncols=len(kinds), frameon=False, fontsize="small")
    return ax


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
    ax = new_axes(6.4, 2.6) if ax is None else ax
    ax.bar(range(len(characters)), probabilities, color=TRAIN, width=0.75)
    ax.set(xticks=range(len(characters)), xticklabels=[SHOWN.get(c, c) for c in characters])
    shown = "".join("↵" if character == "\n" else character for character in context)
    ax.set(xlabel=f"next character after “…{shown}”", ylabel="probability", ylim=(0, 1))
    return ax


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
    size = (8.4, 1.5 + 0.36 * len(ours))
    axes = plt.subplots(1, 2, figsize=size, sharey=True, layout="constrained", width_ratios=(3, 2))[1]
    for row, (part, entry) in enumerate(ours.items()):
        low, high = entry["interval"]
        ends = {"color": TRAIN, "capsize": 3, "fmt": "o", "ms": 6}
        error = [[entry["mean"] - low], [high - entry["mean"]]]
        axes[0].errorbar(entry["mean"], row, xerr=error, **ends)
        if part in published:
            axes[1].barh(row, published[part], height=0.6, color=GAP)
        else:
            axes[1].text(0, row, " not in the table", va="center", fontsize="small", color=BASELINE)
    for ax, unit, title in zip(axes, units, ("here", "published"), strict=True):
        ax.axvline(0, color=BASELINE, ls=":")
        ax.set(xlabel=unit, title=title, yticks=range(len(ours)), yticklabels=list(ours))
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set(ylim=(len(ours) - 0.5, -0.5), ylabel="without …")
    return axes


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
    ax = new_axes(5.6, 3.2) if ax is None else ax
    ax.plot(numbers, mixture, color=TRAIN, marker="o", ms=5, label="mean probability of the passes")
    ax.axhline(single, color=BASELINE, ls=":", label="single passes, on average")
    ax.axhline(off, color=VALIDATION, ls="--", label="one pass, dropout off")
    ax.set(xscale="log", xlabel="passes with dropout on", ylabel=unit)
    ax.set(xticks=numbers, xticklabels=numbers)
    ax.minorticks_off()
    ax.legend(frameon=False, fontsize="small")
    return ax
