"""The ledger: every claim of the article on one page, with what was found."""

import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from labcode._checks import expect
from labcode.experiments.claims import PERCENT, Claim, Found, as_text
from labcode.experiments.verdicts import (
    CONTRADICTED,
    EQUIVALENT,
    INSIDE,
    SHOWN,
    SOME,
    SUPPORTS,
    UNDECIDED,
)
from labcode.plots.style import BASELINE, GAP, TRAIN, VALIDATION

LOOKS = {
    SHOWN: ("o", TRAIN),
    SOME: ("D", GAP),
    EQUIVALENT: ("s", BASELINE),
    CONTRADICTED: ("X", VALIDATION),
    UNDECIDED: ("P", BASELINE),
}
WIDTH = 74  # characters in a line of a claim


def ledger(claims: Sequence[Claim]) -> Axes:
    """Draw claims from top to bottom: section, sentence, verdict, and every effect with its interval.

    Effects have different units, so each is divided by the farther end of its own interval: its side of 0 and
    the width of its interval can be read, its size cannot. The claimed side is always on the right ("equal"
    stays in the middle). A filled mark supports the claim, or the verdict that nothing that
    matters happens. Beside it stand the verdict with its numbers, and
    the first effect in figures.

    Args:
        claims: as ``labcode.experiments.ledger.read_ledger`` returns them.

    Returns:
        The axes.

    Raises:
        ValueError: no claims, or one of which nothing was found yet.
    """
    expect(len(claims) > 0, "claims", "at least one claim", len(claims))
    for claim in claims:
        expect(len(claim.found) > 0, claim.id, "at least one effect", claim.found)
    figure, ax = plt.subplots(figsize=(10.8, 1.2 + 0.48 * len(claims)), layout="constrained")
    for row, claim in enumerate(claims):
        _draw_effects(ax, row, claim)
        label = f"{claim.verdict}\n{_size(claim.found[0])}{', …' * (len(claim.found) > 1)}"
        ax.text(1.12, row, label, va="center", fontsize="x-small", color=BASELINE)
        if row % 2:
            ax.axhspan(row - 0.5, row + 0.5, color=BASELINE, alpha=0.07, lw=0)
    names = [textwrap.fill(f"{claim.section}  {claim.sentence}", WIDTH) for claim in claims]
    ax.axvline(0, color=BASELINE, ls=":", lw=1)
    ax.set(yticks=range(len(claims)), ylim=(len(claims) - 0.5, -0.5), xlim=(-1.1, 1.1), xticks=[0])
    ax.set_yticklabels(names, fontsize="small", ha="left", x=0)
    ax.tick_params(axis="y", length=0, pad=345)
    ax.set_xlabel("← against the claim     each effect on a scale of its own     for the claim →")
    ax.spines[["top", "right", "left"]].set_visible(False)
    handles = [
        plt.Line2D([], [], marker=marker, color=colour, ls="", label=verdict)
        for verdict, (marker, colour) in LOOKS.items()
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=5, frameon=False, fontsize="small")
    return ax


def _size(found: Found) -> str:
    """Write an effect in figures, with its size in % of the reference where it has one."""
    share = f" = {found.percent[0]:+.1f} %" if found.percent else ""
    return f"{as_text(found)}{share}"


def _draw_effects(ax: Axes, row: int, claim: Claim) -> None:
    marker, colour = LOOKS[claim.word]
    side = -1 if claim.direction in ("lower", "not higher") else 1
    for number, found in enumerate(claim.found, start=1):
        y = row - 0.4 + 0.8 * number / (len(claim.found) + 1)
        in_percent = found.percent if claim.unit == PERCENT else None
        mean, *interval = in_percent or (found.mean, *found.interval)
        ends = sorted(side * end for end in interval)
        scale = max(*map(abs, ends), abs(mean), claim.margin or 0.0) or 1.0
        ax.plot([end / scale for end in ends], (y, y), color=colour, lw=1.6)
        speaks = SUPPORTS if claim.word != EQUIVALENT else INSIDE
        face = colour if found.says == speaks else "white"
        size = 5 if len(claim.found) < 4 else 3.5
        ax.plot(side * mean / scale, y, marker=marker, mfc=face, mec=colour, ms=size)
