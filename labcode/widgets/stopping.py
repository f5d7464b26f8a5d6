"""Early stopping on one trace, under a slider for the patience."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from labcode import plots
from labcode._checks import expect
from labcode.early_stopping import EarlyStopping
from labcode.plots.stopping import mark_stop
from labcode.widgets.base import SliderFigure


class PatienceExplorer(SliderFigure):
    """Where early stopping ends one recorded training, and which epoch it keeps, for each patience.

    Args:
        trace: validation loss after each epoch, finite; epochs count from 0.
        patiences: what the slider can be set to.
        value: where the slider stands first; the last one by default.
        unit: label of the vertical axis, with its unit.

    Raises:
        ValueError: no trace, a loss that is not finite, no patience, or one that ``EarlyStopping`` refuses.
    """

    def __init__(
        self,
        trace: Sequence[float],
        patiences: Sequence[int] = tuple(range(1, 16)),
        *,
        value: int | None = None,
        unit: str = "validation loss",
    ):
        self.trace = np.asarray(trace, dtype=float)
        usable = self.trace.ndim == 1 and self.trace.size > 0 and np.isfinite(self.trace).all()
        expect(usable, "trace", "one finite loss for each epoch", trace)
        self.ends = {patience: stop_and_best(self.trace, patience) for patience in patiences}
        self._axes = plots.stopped_trace(self.trace, stop=None, kept=int(self.trace.argmin()), unit=unit)
        self._axes.set_title(" ", fontsize="medium")
        super().__init__(self._axes.figure, list(patiences), setting="patience", value=value)
        self.update(self.value)

    def update(self, value: int) -> None:
        """Move the stop, the kept epoch and the title to one patience."""
        stop, kept = self.ends[value]
        mark_stop(self._axes, self.trace, stop=stop, kept=kept)
        end = "never stops" if stop is None else f"stops after epoch {stop}"
        self._axes.set_title(
            f"patience {value}: {end}, keeps epoch {kept} (loss {self.trace[kept]:.3f})", fontsize="medium"
        )


def stop_and_best(trace: ArrayLike, patience: int) -> tuple[int | None, int]:
    """Return where ``EarlyStopping`` ends a trace (None: it does not), and the best epoch by then.

    Raises:
        ValueError: no finite loss before the stop, a patience that is no whole number of at least 0.
    """
    rule = EarlyStopping(patience=patience)
    for epoch, value in enumerate(np.asarray(trace, dtype=float)):
        if rule.update(epoch, float(value)):
            break
    if rule.best_epoch is None:
        raise ValueError(f"trace: expected a finite loss before the stop, received {trace!r}")
    return rule.stopped_epoch, rule.best_epoch
