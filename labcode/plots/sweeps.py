"""A method's recorded runs: the curves at one strength, and the validation loss that each strength keeps."""

from collections.abc import Mapping

import numpy as np

from labcode._checks import expect
from labcode.plots.applications import VARIANT_STYLES
from labcode.plots.style import (
    GAP,
    PURPLE,
    TRAIN,
    VALIDATION,
    better,
    drawn,
    legend_above,
    new_panels,
    printed,
)

Sweep = Mapping[float, Mapping[str, np.ndarray]]


@drawn("Learning curves at one strength, and the losses of all strengths.")
def strength_sweep(
    sweep: Sweep,
    none: Mapping[str, np.ndarray],
    strength: float,
    *,
    name: str,
    unit: str = "loss",
    most: int | None = None,
    lowest: float | None = None,
) -> np.ndarray:
    """Draw the mean curves at one strength beside those of no regularization, and each strength's losses.

    Args:
        sweep: "train" and "validation", (seeds, epochs), and the validation losses "last" and "early",
            (seeds,), by strength, as ``labcode.experiments.result_tables.sweep`` returns them.
        none: the same without regularization.
        strength: the one whose curves are shown.
        name: the method's name.
        unit: what is measured, with its unit.
        most: strengths that the right panel has room for; those of the sweep by default.
        lowest: lowest loss that the right panel has to show; that of the sweep by default. Losses far above
            those of no regularization are cut off.

    Returns:
        The axes of the two panels.

    Raises:
        ValueError: no strengths, or another strength.
    """
    left, right = axes = new_panels(1, 2, height=4.6)[0]
    for split, label, colour, line in (
        ("train", "training", TRAIN, "--"),
        ("validation", "validation", VALIDATION, "-"),
    ):
        left.plot(none[split].mean(axis=0), color=GAP, ls=line, lw=1.2, label=f"{label}, none")
        left.plot([], [], color=colour, ls=line, label=f"{label}, this strength")
    for variant, (marker, line, _, label) in VARIANT_STYLES.items():
        colour = VALIDATION if variant == "early" else "#F0A36B"
        right.plot([], [], marker, color=colour, alpha=0.3, ms=3, mew=0)
        right.plot([], [], color=colour, marker=marker, ls=line, ms=5, label=f"{label}, mean")
        right.axhline(none[variant].mean(), color=GAP, ls=line, lw=1.2, label=f"{label}, none")
    right.plot([], [], "o", ms=17, mfc="none", mec=PURPLE, mew=2, label="shown on the left")
    left.set(xlabel="epoch", ylabel=better(unit), ylim=(0, 1.15 * none["validation"].mean(axis=0).max()))
    low = min(lowest_loss(sweep) if lowest is None else lowest, none["early"].min())
    high = max(none["last"].max(), none["early"].max())
    right.set(xlim=(-0.6, (most or len(sweep)) - 0.4), ylabel=better(f"validation {unit}"))
    right.set_ylim(low - 0.15 * (high - low + 1e-9), high + 0.15 * (high - low + 1e-9))
    for ax in axes:
        legend_above(ax)
    move_sweep(axes, sweep, strength, name=name)
    return axes


def lowest_loss(sweep: Sweep) -> float:
    """Return the lowest validation loss of any seed at any strength."""
    return min(float(found[variant].min()) for found in sweep.values() for variant in VARIANT_STYLES)


def move_sweep(axes: np.ndarray, sweep: Sweep, strength: float, *, name: str) -> None:
    """Move what ``strength_sweep`` has drawn to another method or strength; arguments as there.

    Raises:
        ValueError: no strengths, or another strength.
    """
    left, right = axes
    strengths, name = list(sweep), printed(name)
    expect(strength in strengths, "strength", f"one of {strengths}", strength)
    for split, line in zip(("train", "validation"), left.lines[1::2], strict=True):
        curve = sweep[strength][split].mean(axis=0)
        line.set_data(np.arange(curve.size), curve)
    places = np.arange(len(strengths))
    for variant, dots, line in zip(VARIANT_STYLES, right.lines[0::3], right.lines[1::3], strict=False):
        losses = np.array([found[variant] for found in sweep.values()])
        dots.set_data(np.repeat(places, losses.shape[1]), losses.ravel())
        line.set_data(places, losses.mean(axis=1))
    shown = strengths.index(strength)
    circled = [sweep[strength][variant].mean() for variant in VARIANT_STYLES]
    right.lines[-1].set_data([shown] * len(circled), circled)
    right.set_xticks(places, [f"{value:g}" for value in strengths], rotation=45)
    right.set_xlabel(f"strength of\n{name}")
    gap = (sweep[strength]["validation"] - sweep[strength]["train"])[:, -1].mean()
    left.set_title(f"{strength:g}: gap at the end {gap:.2f}")
    right.set_title(f"early stopping: {circled[1]:.3f}")
