"""A sweep over the strength of a regularizer: the curves at one strength, and the choice among all."""

from collections.abc import Mapping, Sequence

import numpy as np

from labcode._checks import expect
from labcode.plots.style import (
    BASELINE,
    INK,
    PURPLE,
    TRAIN,
    VALIDATION,
    better,
    drawn,
    legend_above,
    new_panels,
)


@drawn("Learning curves at one strength, and the loss that each strength keeps.")
def strength_choice(
    curves: Mapping[float, tuple[Sequence[float], Sequence[float]]],
    kept: Mapping[float, Sequence[float]],
    strength: float,
    *,
    reference: float | None = None,
    reference_label: str = "ridge",
    unit: str = "mean squared error",
) -> np.ndarray:
    """Draw the mean learning curves at one strength, and the validation loss that each strength keeps.

    Args:
        curves: mean training and validation losses by epoch, by the strength.
        kept: validation loss of the kept epoch, one for each seed, by the same strengths, in ascending order;
            0 stands for no penalty.
        strength: the one that is shown on the left and circled on the right.
        reference: loss of a simple model on the validation split.
        reference_label: that model's name.
        unit: what is measured, with its unit.

    Returns:
        The axes of the two panels.

    Raises:
        ValueError: strengths that differ, or another strength.
    """
    strengths = list(kept)
    expect(list(curves) == strengths, "curves", f"the strengths {strengths}", list(curves))
    expect(strength in strengths, "strength", f"one of {strengths}", strength)
    left, right = new_panels(1, 2, height=4.4)[0]
    train, validation = curves[strength]
    left.plot(train, color=TRAIN, ls="--", label="training")
    left.plot(validation, color=VALIDATION, label="validation")
    losses, places = np.array(list(kept.values())), np.arange(len(strengths))
    means = losses.mean(axis=1)
    best, shown = int(means.argmin()), strengths.index(strength)
    right.plot([shown], [means[shown]], "o", ms=17, mfc="none", mec=PURPLE, mew=2, label="shown on the left")
    right.plot(places, losses, ".", color=VALIDATION, alpha=0.35, ms=6)
    right.plot(places, means, color=VALIDATION, marker="o", ms=5, label="mean of the seeds")
    right.plot(best, means[best], "*", color=INK, ms=13, label=f"lowest: λ = {strengths[best]:g}")
    for ax in (left, right):
        if reference is not None:
            ax.axhline(reference, color=BASELINE, ls=":", label=reference_label)
        legend_above(ax)
    left.set(xlabel="epoch", ylabel=better(unit), title=f"λ = {strength:g}")
    right.set(
        ylabel="validation loss, same unit",
        xlabel="strength λ of L2 (0: no penalty)",
        title="kept by early stopping",
    )
    right.set_xticks(places, [f"{s:g}" for s in strengths])
    highest = max(np.max(pair) for pair in curves.values())
    spread = np.ptp(losses)
    right.set_ylim(losses.min() - 0.25 * spread, losses.max() + 0.25 * spread)  # room for the ring
    right.set_xlim(-0.6, len(strengths) - 0.4)
    left.set_ylim(0, 1.05 * max(highest, losses.max()))
    return np.array([left, right])
