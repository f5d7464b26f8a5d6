"""Temperature under a slider: what a language model would write next, and what it wrote."""

import textwrap
from collections.abc import Mapping

import numpy as np

from labcode import plots
from labcode._checks import expect
from labcode.plots.style import SMALLEST, new_panels
from labcode.widgets.base import SliderFigure

WIDTH, LINES = 76, 5


class TemperatureExplorer(SliderFigure):
    """The probabilities of the next character at a temperature, and a text that was drawn at it.

    Args:
        logits: of every character of the vocabulary after the context, (V,).
        vocabulary: the characters.
        samples: what the model wrote, by temperature; its keys are the slider's values.
        context: the text before.
        value: where the slider stands first; the last by default.
        bars: how many characters are shown, the most probable ones.

    Raises:
        ValueError: no samples, a temperature that is not above 0, or logits that do not fit the vocabulary.
    """

    def __init__(
        self,
        logits: np.ndarray,
        vocabulary: tuple[str, ...],
        samples: Mapping[float, str],
        *,
        context: str,
        value: float | None = None,
        bars: int = 14,
    ):
        fits = np.shape(logits) == (len(vocabulary),)
        expect(fits, "logits", f"{len(vocabulary)}, as many as characters", np.shape(logits))
        expect(len(samples) > 0 and min(samples) > 0, "samples", "temperatures above 0", list(samples))
        self._logits, self._samples = np.asarray(logits, dtype=float), dict(samples)
        self._order = np.argsort(-self._logits)[:bars]
        upper, lower = new_panels(2, 1, height=4.4, height_ratios=(3, 2))[:, 0]
        shown = [vocabulary[at] for at in self._order]
        first = next(iter(samples))
        self.axes = plots.next_characters(shown, self.probabilities(first), context=context, ax=upper)
        self.axes.set_title(" ")
        lower.axis("off")
        style = {"family": "monospace", "fontsize": SMALLEST, "va": "top"}
        self._text = lower.text(0, 1, "\n".join([" "] * LINES), transform=lower.transAxes, **style)
        super().__init__(upper.figure, list(samples), setting="temperature", value=value)
        self.update(self.value)

    def probabilities(self, temperature: float) -> np.ndarray:
        """Return softmax(logits / temperature) of the characters that are shown."""
        scaled = self._logits / temperature
        return np.exp(scaled - np.logaddexp.reduce(scaled))[self._order]

    def update(self, value: float) -> None:
        """Move the bars, the title and the text to one temperature."""
        for bar, probability in zip(self.axes.patches, self.probabilities(value), strict=True):
            bar.set(height=probability)
        scaled = self._logits / value
        log_p = scaled - np.logaddexp.reduce(scaled)
        entropy = -(np.exp(log_p) * log_p).sum() / np.log(2)
        self.axes.set_title(f"temperature {value:g}: {entropy:.2f} bits of choice")
        written = self._samples[value].replace("\n", "↵ ")
        lines = textwrap.wrap(written, WIDTH, drop_whitespace=False, break_on_hyphens=False)[:LINES]
        self._text.set_text("\n".join(lines).replace("$", r"\$"))
