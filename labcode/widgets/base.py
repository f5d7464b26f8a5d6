"""The controls and the picture below them that every interactive figure of the course is made of."""

import io
from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure

from labcode._checks import expect
from labcode.plots.style import in_the_look, lift_legend
from labcode.plots.words import DARK, PICTURE_CLASS, describe

BUSY = 'body:has(.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook-ExecutionIndicator[data-status="busy"])'
WAITING = f"""<style>
.course-waiting {{opacity: 0}}
{BUSY} .course-waiting {{opacity: 1; transition: opacity 0.1s 0.3s}}
{BUSY} .course-waits {{opacity: 0.45; transition: opacity 0.1s 0.3s}}
</style>"""  # the kernel cannot say that it is busy, but the page knows it
SAYS = '<div role="status" aria-live="polite" style="line-height: 1.4"><b>{}</b> {}</div>'
MOST_FRAMES = 64


class ControlledFigure:
    """A figure that is drawn once, and of which controls change what depends on their values.

    A subclass draws its figure with the longest texts it will ever hold, so that the layout has room for
    them, passes it on here, and changes lines and texts in ``change``.

    Args:
        figure: the figure, with everything that stays.
        controls: what each control can be set to, in order, by what it moves, for example "hidden units".
        value: where the controls stand first, one value each; their last ones by default.

    Raises:
        ValueError: no values, or a first one that is not among them.
    """

    def __init__(
        self, figure: Figure | SubFigure, controls: Mapping[str, Sequence], *, value: Sequence | None = None
    ):
        figure = figure.get_figure(root=True)
        self.controls = {setting: list(values) for setting, values in controls.items()}
        for setting, values in self.controls.items():
            expect(len(values) > 0, "values", f"at least one value for {setting}", values)
        first = [values[-1] for values in self.controls.values()] if value is None else value
        self.state = self._checked(first)
        plt.close(figure)  # the notebook must not show it beside the widget
        figure.set_dpi(100)
        for ax in figure.axes:
            lift_legend(ax)
        self._canvas = FigureCanvasAgg(figure)
        self._canvas.draw()
        figure.set_layout_engine("none")  # laying out anew would take longer than all the rest

    def change(self, *values: Any) -> None:
        """Change what depends on the controls, one value of each."""
        raise NotImplementedError

    def picture(self, *values: Any) -> bytes:
        """Redraw for one value of each control and return the picture, as the bytes of a PNG file.

        Raises:
            ValueError: a value that a control does not have.
        """
        with in_the_look():
            self.change(*self._checked(values))
            self._canvas.draw()
        written = io.BytesIO()
        plt.imsave(written, self._canvas.buffer_rgba(), format="png", pil_kwargs={"compress_level": 1})
        return written.getvalue()

    def says(self, *values: Any) -> str:
        """Return what the controls stand at, in words, and the titles that go with it; after ``picture``."""
        settings = ", ".join(
            f"{name} {word(value)}" for name, value in zip(self.controls, values, strict=True)
        )
        titles = [ax.get_title() for ax in self._canvas.figure.axes]
        return f"{settings}: {'; '.join(title for title in titles if title.strip())}"

    def alt(self) -> str:
        """Return what the picture shows now, in words and numbers."""
        return describe(self._canvas.figure)

    def frames(self) -> tuple[dict[str, tuple[list[str], int]], list[tuple[str, bytes, str]]]:
        """Record the figure's states for a page without a kernel, at most 64 of them.

        Where there are more, every other value of the number with most of them is left out, again and again;
        where the controls stand first is among those that stay.

        Returns:
            for each control its values in words and which of them is the first one; and for each
            combination of values, the last control's changing fastest, what it says, its picture (PNG) and
            its alt text.
        """
        controls = self._thinned()
        states = []
        for values in product(*controls.values()):
            picture = self.picture(*values)
            states.append((self.says(*values), picture, self.alt()))
        self.change(*self.state)
        first = dict(zip(controls, self.state, strict=True))
        return {name: (list(map(word, v)), v.index(first[name])) for name, v in controls.items()}, states

    def _thinned(self) -> dict[str, list]:
        """Return the values of each control, as many as one has pictures for."""
        controls, first = dict(self.controls), dict(zip(self.controls, self.state, strict=True))
        while prod(map(len, controls.values())) > MOST_FRAMES:
            several = [name for name, values in controls.items() if len(values) > 1]
            numbers = [name for name in several if not isinstance(controls[name][0], str)]
            longest = max(numbers or several, key=lambda name: len(controls[name]))
            values = controls[longest]
            controls[longest] = values[values.index(first[longest]) % 2 :: 2]
        return controls

    def widget(self):
        """Return the controls, what they say in words, and the picture; the last line of a notebook cell."""
        import ipywidgets

        controls = [
            control(setting, values, value)
            for (setting, values), value in zip(self.controls.items(), self.state, strict=True)
        ]
        picture, words = self._shown(self.state)

        def redraw(_):
            self._show(tuple(one.value for one in controls), picture, words)

        for one in controls:
            one.observe(redraw, names="value")
        return ipywidgets.VBox([*controls, words, picture])

    def _shown(self, values: Sequence):
        """Return the widgets of the picture and of the words, as they are at first."""
        import ipywidgets
        from traitlets import Unicode

        class Picture(ipywidgets.Image):
            """An image with a title: the page sets one only where there is a description, if an empty one."""

            description = Unicode("").tag(sync=True)

        width, _ = self._canvas.get_width_height()
        layout = {"width": f"{width}px", "max_width": "100%", "height": "auto"}
        picture = Picture(format="png", layout=layout)  # its own size: stretched, it would blur
        picture.add_class(PICTURE_CLASS)
        picture.add_class("course-waits")
        words = ipywidgets.HTML(layout={"max_width": "640px"})
        self._show(values, picture, words)
        return picture, words

    def _show(self, values: Sequence, picture, words) -> None:
        """Redraw, and say in words what is seen now."""
        picture.value = self.picture(*values)
        picture.tooltip = self.alt()
        says, _, more = self.says(*values).partition(": ")
        waiting = '<span class="course-waiting" aria-hidden="true">waiting for the kernel …</span>'
        words.value = f"{DARK}{WAITING}{SAYS.format(says, more)}{waiting}"

    def _checked(self, values: Sequence) -> tuple:
        expect(len(values) == len(self.controls), "values", f"one of each: {list(self.controls)}", values)
        for (setting, options), value in zip(self.controls.items(), values, strict=True):
            expect(value in options, setting, f"one of {options}", value)
        return tuple(values)


class SliderFigure(ControlledFigure):
    """A figure under one slider; ``update`` and ``draw`` take its value.

    Args:
        figure: the figure, with everything that stays.
        values: what the slider can be set to, in order.
        setting: what the slider moves, for example "hidden units".
        value: where the slider stands first; the last value by default.

    Raises:
        ValueError: no values, or a first one that is not among them.
    """

    def __init__(self, figure: Figure | SubFigure, values: Sequence, *, setting: str, value: Any = None):
        super().__init__(figure, {setting: values}, value=None if value is None else (value,))
        self.values, self.setting, (self.value,) = self.controls[setting], setting, self.state

    def update(self, value: Any) -> None:
        """Change what depends on the slider's value, one of ``values``."""
        raise NotImplementedError

    def change(self, *values: Any) -> None:
        """Change what depends on the slider."""
        self.update(*values)

    def draw(self, value: Any) -> bytes:
        """Redraw for one of ``values`` and return the picture, as the bytes of a PNG file.

        Raises:
            ValueError: another value.
        """
        return self.picture(value)


def control(setting: str, values: Sequence, value: Any):
    """Return a slider with a label and a value in words; mouse, Tab and the arrow keys move it."""
    import ipywidgets

    return ipywidgets.SelectionSlider(
        options=[(word(one), one) for one in values],
        value=value,
        description=setting,
        tooltip=f"{setting}: drag, or press Tab and the arrow keys",
        style={"description_width": "initial"},
        layout={"width": "420px", "max_width": "100%"},
    )


def word(value: Any) -> str:
    """Write a value as it is said: 0.1 for a number, "L2, 0.1" for a pair."""
    if isinstance(value, tuple):
        return ", ".join(map(word, value))
    return f"{value:.3g}" if isinstance(value, float) else str(value)
