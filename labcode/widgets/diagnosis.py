"""What a diagnosis would have said while the run was still going on."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from labcode import plots
from labcode.training.diagnose import diagnose
from labcode.training.history import History
from labcode.widgets.base import SliderFigure


class DiagnosisExplorer(SliderFigure):
    """A run under a slider for the epochs seen so far, with its diagnosis at that moment.

    Args:
        train, validation: losses by epoch, of one length.
        checks: arguments of ``diagnose`` that do not depend on the epoch: "baseline" is needed.
        steps: numbers of epochs on the slider.
        value: where the slider stands first; the last by default.

    Raises:
        ValueError: curves that differ in length, or steps that they do not have.
    """

    def __init__(
        self,
        train: Sequence[float],
        validation: Sequence[float],
        checks: Mapping[str, Any],
        *,
        steps: Sequence[int],
        value: int | None = None,
    ):
        self.train, self.validation, self.checks = list(train), list(validation), dict(checks)
        self.axes = plots.run_so_far(train, validation, max(steps), baseline=checks["baseline"][1])
        self.axes.set_title(" ")
        super().__init__(self.axes.figure, steps, setting="epochs seen", value=value)
        self.update(self.value)

    def name(self, seen: int) -> str:
        """Return the case that ``diagnose`` names after so many epochs."""
        history = History(train_loss=self.train[:seen], validation_loss=self.validation[:seen])
        return diagnose(history, **self.checks).case

    def update(self, value: int) -> None:
        """Cut both curves after the epochs seen, and write the diagnosis above them."""
        _, _, train, validation, now, *_ = self.axes.lines
        for line, losses in ((train, self.train), (validation, self.validation)):
            line.set_data(np.arange(value), losses[:value])
        now.set_xdata([value - 1, value - 1])
        self.axes.set_title(f"after {value} epochs: {self.name(value)}")
