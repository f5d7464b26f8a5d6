"""Colours and axes that all figures of the course share."""

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

TRAIN, VALIDATION, BASELINE, GAP = "#0072B2", "#D55E00", "#595959", "#E69F00"
CYCLE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")


def new_axes(width: float = 6.4, height: float = 3.6) -> Axes:
    """Open a figure of the given size in inches and return its axes, without the upper and right frame."""
    axes = plt.subplots(figsize=(width, height), layout="constrained")[1]
    axes.spines[["top", "right"]].set_visible(False)
    return axes
