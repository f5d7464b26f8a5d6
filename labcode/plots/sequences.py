"""What is written beside what is measured: a loss and a score by epoch, and their differences by method."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np

from labcode._checks import expect
from labcode.plots.style import CYCLE

LINES = ("-", "--", "-.", ":")


def loss_and_score(
    losses: Mapping[str, np.ndarray],
    scores: Mapping[str, np.ndarray],
    *,
    rules: Mapping[str, float] | None = None,
    units: tuple[str, str] = ("validation loss", "chrF (higher is better)"),
) -> np.ndarray:
    """Draw a loss and a score by epoch side by side, and mark each curve's best epoch.

    Args:
        losses: by the method's name, (seeds, epochs) each; drawn is the mean, and a band of the seeds' range.
        scores: the same of the score, of which more is better.
        rules: scores of simple rules, drawn as lines in the right panel.
        units: the labels of the two vertical axes.

    Returns:
        The axes of the two panels.

    Raises:
        ValueError: no curves, or other methods or shapes in the two.
    """
    shapes = {name: np.shape(curves) for name, curves in losses.items()}
    expect(len(shapes) > 0 and all(len(s) == 2 for s in shapes.values()), "losses", "(seeds, epochs)", shapes)
    other = {name: np.shape(curves) for name, curves in scores.items()}
    expect(other == shapes, "scores", f"the shapes of the losses, {shapes}", other)
    axes = plt.subplots(1, 2, figsize=(9.4, 3.9), layout="constrained")[1]
    for ax, found, unit, best in zip(axes, (losses, scores), units, (np.argmin, np.argmax), strict=True):
        for number, (name, curves) in enumerate(found.items()):
            colour, mean = CYCLE[number % len(CYCLE)], np.mean(curves, axis=0)
            epochs = np.arange(mean.size)
            ax.fill_between(
                epochs, np.min(curves, axis=0), np.max(curves, axis=0), color=colour, alpha=0.12, lw=0
            )
            ax.plot(epochs, mean, color=colour, ls=LINES[number % len(LINES)], label=name)
            ax.plot(best(mean), mean[best(mean)], "o", color=colour, mec="white", ms=8)
        ax.set(xlabel="epoch (dot: the best of the mean)", ylabel=unit)
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.spines[["top", "right"]].set_visible(False)
    for number, (name, value) in enumerate((rules or {}).items()):
        axes[1].axhline(value, color="0.35", ls=(":", "-.")[number % 2], label=f"{name}: {value:.1f}")
    axes[0].legend(frameon=False, fontsize="small", title="mean, range of the seeds", title_fontsize="small")
    if rules:
        handles, labels = axes[1].get_legend_handles_labels()
        drawn = len(losses)
        axes[1].legend(handles[drawn:], labels[drawn:], frameon=False, fontsize="small")
    return axes
