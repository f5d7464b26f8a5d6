"""The ledger: every claim of the article on one page, with what was found."""

import textwrap
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from labcode._checks import expect
from labcode.experiments.claims import CONDITIONS, HOLDS, NOT_HERE, Claim, as_text, supports
from labcode.plots.style import BASELINE, GAP, TRAIN, VALIDATION

LOOKS = {HOLDS: ("o", TRAIN), CONDITIONS: ("D", GAP), NOT_HERE: ("X", VALIDATION)}
WIDTH = 74  # characters in a line of a claim


def ledger(entries: Sequence[tuple[Claim, Mapping[str, Mapping]]]) -> Axes:
    """Draw claims from top to bottom: section, sentence, verdict, and every effect with its interval.

    Effects have different units, so each is divided by the farther end of its own interval: its side of 0 and
    the width of its interval can be read, its size cannot. The claimed side is always on the right ("equal"
    stays in the middle). A filled mark supports the claim. Beside it stand the verdict, how many effects
    support the claim, and the first of them in figures.

    Args:
        entries: claims with their effects by place, as ``labcode.experiments.ledger.read_ledger`` returns.

    Returns:
        The axes.

    Raises:
        ValueError: no claims.
    """
    expect(len(entries) > 0, "entries", "at least one claim", len(entries))
    figure, ax = plt.subplots(figsize=(10.8, 1.2 + 0.48 * len(entries)), layout="constrained")
    for row, (claim, effects) in enumerate(entries):
        marker, colour = LOOKS[claim.verdict]
        _draw_effects(ax, row, claim, effects, marker, colour)
        supported = sum(supports(effect, claim.direction, claim.margin) for effect in effects.values())
        first, more = as_text(next(iter(effects.values()))), ", …" * (len(effects) > 1)
        label = f"{claim.verdict}: {supported} of {len(effects)}\n{first}{more}"
        ax.text(1.12, row, label, va="center", fontsize="x-small", color=BASELINE)
        if row % 2:
            ax.axhspan(row - 0.5, row + 0.5, color=BASELINE, alpha=0.07, lw=0)
    names = [textwrap.fill(f"{claim.section}  {claim.sentence}", WIDTH) for claim, _ in entries]
    ax.axvline(0, color=BASELINE, ls=":", lw=1)
    ax.set(yticks=range(len(entries)), ylim=(len(entries) - 0.5, -0.5), xlim=(-1.1, 1.1), xticks=[0])
    ax.set_yticklabels(names, fontsize="small", ha="left", x=0)
    ax.tick_params(axis="y", length=0, pad=345)
    ax.set_xlabel("← against the claim     each effect on a scale of its own     for the claim →")
    ax.spines[["top", "right", "left"]].set_visible(False)
    handles = [
        plt.Line2D([], [], marker=marker, color=colour, ls="", label=verdict)
        for verdict, (marker, colour) in LOOKS.items()
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False, fontsize="small")
    return ax


def _draw_effects(ax: Axes, row: int, claim: Claim, effects: Mapping, marker: str, colour: str) -> None:
    side = -1 if claim.direction == "lower" else 1
    for number, effect in enumerate(effects.values(), start=1):
        y = row - 0.4 + 0.8 * number / (len(effects) + 1)
        ends = sorted(side * end for end in effect["interval"])
        scale = max(*map(abs, ends), abs(effect["mean"]), claim.margin or 0.0) or 1.0
        ax.plot([end / scale for end in ends], (y, y), color=colour, lw=1.6)
        filled = supports(effect, claim.direction, claim.margin)
        face = colour if filled else "white"
        size = 5 if len(effects) < 4 else 3.5
        ax.plot(side * effect["mean"] / scale, y, marker=marker, mfc=face, mec=colour, ms=size)
