"""The sizes of weights under a slider for the strength of a penalty."""

from collections.abc import Mapping

import numpy as np

from labcode import plots
from labcode._checks import expect
from labcode.plots.penalties import magnitude_shares
from labcode.widgets.base import SliderFigure


class MagnitudeExplorer(SliderFigure):
    """How large the weights are that several methods leave, at one strength of the penalty at a time.

    Args:
        weights: arrays by the method's name, by the strength; every strength has the same methods.
        setting: what the slider moves.
        value: where the slider stands first; the last strength by default.

    Raises:
        ValueError: no strength, or strengths with other methods.
    """

    def __init__(
        self,
        weights: Mapping[float, Mapping[str, np.ndarray]],
        *,
        setting: str = "strength λ",
        value: float | None = None,
    ):
        names = {tuple(groups) for groups in weights.values()}
        expect(len(names) == 1, "weights", "the same methods at each strength", sorted(names))
        self.shares = {
            strength: {name: magnitude_shares(w) for name, w in groups.items()}
            for strength, groups in weights.items()
        }
        self._axes = plots.magnitude_histogram(next(iter(weights.values())))
        self._axes.set_title(" ")
        super().__init__(self._axes.figure, list(weights), setting=setting, value=value)
        self.update(self.value)

    def update(self, value: float) -> None:
        """Move bars, lines and the title to one strength."""
        bars_and_lines = iter(self._axes.patches)
        for zeros, shares in self.shares[value].values():
            next(bars_and_lines).set(height=zeros)
            next(bars_and_lines).set(data=shares)
        counts = ", ".join(f"{name} {zeros:.0%}" for name, (zeros, _) in self.shares[value].items())
        self._axes.set_title(f"{self.setting} = {value:g}   exactly 0: {counts}")
