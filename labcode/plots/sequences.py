"""What is written beside what is measured: a loss and a score by epoch, and their differences by method."""

from collections.abc import Mapping

import numpy as np

from labcode._checks import expect
from labcode.plots.style import (
    BASELINE,
    LINES,
    SMALLEST,
    drawn,
    handles_of,
    legend_above,
    legend_below,
    looks,
    new_panels,
)


@drawn("A loss and a score by epoch.")
def loss_and_score(
    losses: Mapping[str, np.ndarray],
    scores: Mapping[str, np.ndarray],
    *,
    rules: Mapping[str, float] | None = None,
    units: tuple[str, str] = ("validation loss\n← lower is better", "chrF\nhigher is better →"),
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
    axes = new_panels(1, 2, height=4.4)[0]
    styles = looks(losses)
    for ax, found, unit, best in zip(axes, (losses, scores), units, (np.argmin, np.argmax), strict=True):
        for number, curves in enumerate(found.values()):
            colour, mean = styles[number].colour, np.mean(curves, axis=0)
            epochs = np.arange(mean.size)
            ax.fill_between(
                epochs, np.min(curves, axis=0), np.max(curves, axis=0), color=colour, alpha=0.12, lw=0
            )
            ax.plot(epochs, mean, color=colour, ls=LINES[number % len(LINES)], label=styles[number].name)
            ax.plot(best(mean), mean[best(mean)], styles[number].marker, color=colour, mec="white", ms=8)
        ax.set(xlabel="epoch (mark: the best of the mean)", ylabel=unit)
    for number, (name, value) in enumerate((rules or {}).items()):
        axes[1].axhline(value, color=BASELINE, ls=(":", "-.")[number % 2], label=f"{name}: {value:.1f}")
    if rules:
        drawn_lines = {line.get_label(): line for line in axes[1].lines[2 * len(losses) :]}
        legend_above(axes[1], drawn_lines)
    legend = legend_below(axes[0].figure, handles_of(axes[0]), title="mean of the seeds; band: their range")
    legend.get_title().set_fontsize(SMALLEST)
    return axes
