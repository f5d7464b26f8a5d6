"""A method's recorded runs: the curves at one strength, and the validation loss that each strength keeps."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np

from labcode._checks import expect
from labcode.plots.applications import VARIANT_STYLES
from labcode.plots.style import CYCLE, TRAIN, VALIDATION

Sweep = Mapping[float, Mapping[str, np.ndarray]]


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
    left, right = axes = plt.subplots(1, 2, figsize=(9.0, 4.0), layout="constrained")[1]
    for split, label, colour, line in (
        ("train", "training", TRAIN, "--"),
        ("validation", "validation", VALIDATION, "-"),
    ):
        left.plot(none[split].mean(axis=0), color="0.6", ls=line, lw=1.2, label=f"{label}, none")
        left.plot([], [], color=colour, ls=line, label=f"{label}, this strength")
    for variant, (colour, marker, _, label) in VARIANT_STYLES.items():
        right.plot([], [], marker, color=colour, alpha=0.3, ms=3, mew=0)
        right.plot([], [], color=colour, marker=marker, ms=5, label=f"{label}, mean")
        right.axhline(none[variant].mean(), color=colour, ls=":", lw=1.2, label=f"{label}, none")
    right.plot([], [], "o", ms=17, mfc="none", mec=CYCLE[2], mew=2, label="shown on the left")
    left.set(xlabel="epoch", ylabel=unit, ylim=(0, 1.15 * none["validation"].mean(axis=0).max()))
    low = min(lowest_loss(sweep) if lowest is None else lowest, none["early"].min())
    high = max(none["last"].max(), none["early"].max())
    right.set(xlim=(-0.6, (most or len(sweep)) - 0.4), ylabel=f"validation {unit}")
    right.set_ylim(low - 0.1 * (high - low + 1e-9), high + 0.4 * (high - low + 1e-9))
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False, fontsize="small", loc="lower left", bbox_to_anchor=(0, 1.07), ncols=2)
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
    strengths = list(sweep)
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
    right.set_xticks(places, [f"{value:g}" for value in strengths])
    right.set_xlabel(f"strength of {name}")
    gap = (sweep[strength]["validation"] - sweep[strength]["train"])[:, -1].mean()
    left.set_title(f"{name}, {strength:g}: gap at the end {gap:.2f}", fontsize="medium")
    right.set_title(f"kept by early stopping: {circled[1]:.3f}", fontsize="medium")
