"""Early stopping on one trace, under a slider for the patience."""

import html
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from labcode import plots
from labcode._checks import expect
from labcode.early_stopping import EarlyStopping
from labcode.plots.stopping import mark_stop
from labcode.widgets.base import SliderFigure, control


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
        self._axes.set_title(" ")
        super().__init__(self._axes.figure, list(patiences), setting="patience", value=value)
        self.update(self.value)

    def update(self, value: int) -> None:
        """Move the stop, the kept epoch and the title to one patience."""
        stop, kept = self.ends[value]
        mark_stop(self._axes, self.trace, stop=stop, kept=kept)
        end = "never stops" if stop is None else f"stops after epoch {stop}"
        self._axes.set_title(f"patience {value}: {end}, keeps epoch {kept} (loss {self.trace[kept]:.3f})")


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


class OwnTrace(SliderFigure):
    """Early stopping on a trace that is typed in, under a slider for the patience.

    Try this: write a trace on which patience 2 keeps a worse epoch than patience 4. Then one on which no
    patience ever stops. Can a longer patience keep a worse epoch than a shorter one?

    Args:
        trace: losses by epoch at first.
        patiences: what the slider can be set to.
        value: where the slider stands first.
    """

    def __init__(
        self,
        trace: Sequence[float] = (1.0, 0.8, 0.7, 0.75, 0.72, 0.6, 0.66, 0.65, 0.67, 0.7),
        patiences: Sequence[int] = tuple(range(1, 9)),
        *,
        value: int = 2,
    ):
        self.trace = np.asarray(trace, dtype=float)
        self._axes = plots.stopped_trace(self.trace, stop=None, kept=int(self.trace.argmin()))
        self._axes.set_title(" ")
        super().__init__(self._axes.figure, list(patiences), setting="patience", value=value)
        self.update(self.value)

    def update(self, value: int) -> None:
        """Move the curve, its stop, the kept epoch and the title."""
        stop, kept = stop_and_best(self.trace, value)
        low, high = self.trace.min(), self.trace.max()
        room = 0.1 * (high - low + 1e-9)
        self._axes.set(xlim=(-0.5, self.trace.size - 0.5), ylim=(low - room, high + room))
        mark_stop(self._axes, self.trace, stop=stop, kept=kept)
        end = "never stops" if stop is None else f"stops after epoch {stop}"
        self._axes.set_title(f"patience {value}: {end}, keeps epoch {kept} (loss {self.trace[kept]:.3g})")

    def widget(self):
        """Return a field for the trace, the slider, what they say in words, and the picture."""
        import ipywidgets

        slider = control(self.setting, self.values, self.value)
        style = {"style": {"description_width": "initial"}, "layout": {"width": "600px", "max_width": "100%"}}
        written = " ".join(f"{loss:g}" for loss in self.trace)
        field = ipywidgets.Text(
            value=written, description="losses by epoch", continuous_update=False, **style
        )
        picture, words = self._shown((self.value,))

        def redraw(_):
            try:
                self.trace = read_trace(field.value)
            except ValueError as error:
                words.value = f'<div role="alert">{html.escape(str(error))}</div>'
            else:
                self._show((slider.value,), picture, words)

        field.observe(redraw, names="value")
        slider.observe(redraw, names="value")
        return ipywidgets.VBox([field, slider, words, picture])


def read_trace(text: str) -> np.ndarray:
    """Read losses that are parted by spaces or commas; two to a hundred finite numbers.

    Raises:
        ValueError: anything else.
    """
    parts = text.replace(",", " ").split()
    try:
        trace = np.array([float(part) for part in parts])
    except ValueError:
        trace = np.array([])
    usable = 2 <= trace.size <= 100 and bool(np.isfinite(trace).all())
    expect(usable, "trace", "2 to 100 numbers, parted by spaces", text)
    return trace
