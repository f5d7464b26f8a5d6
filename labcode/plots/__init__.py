"""All drawing of the course: colour-blind-safe, labelled, with units.

Every function draws on the axes it is given, or on a new figure, and returns the axes. The colours are those
of Okabe and Ito (2008), which stay apart for every common form of colour blindness; line styles differ too,
so that a figure printed in grey can still be read.
"""

from labcode.plots.curves import (
    forecasts,
    learning_curves,
    losses_against,
    paired_differences,
    shade_gap,
    time_series,
    weight_histogram,
)
from labcode.plots.style import BASELINE, CYCLE, GAP, TRAIN, VALIDATION, new_axes

__all__ = [
    "BASELINE",
    "CYCLE",
    "GAP",
    "TRAIN",
    "VALIDATION",
    "forecasts",
    "learning_curves",
    "losses_against",
    "new_axes",
    "paired_differences",
    "shade_gap",
    "time_series",
    "weight_histogram",
]
