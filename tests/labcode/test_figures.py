"""Every figure of the course: its words, letters, colours, axes and legends, on small data."""

import re
from functools import cache

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from figure_calls import CALLS
from matplotlib.colors import to_rgb
from matplotlib.ticker import MaxNLocator

from labcode import plots
from labcode.plots.style import LIBRARIES, METHODS, SMALLEST, TRAIN, VALIDATION, WIDTH, in_the_look, looks
from labcode.plots.words import CourseFigure

HALF_WIDTH, LEAST = 480, 7.0  # CSS pixels, points of 96 / 72 pixels
TURN = np.array(  # CSS's hue-rotate(180deg)
    [[-0.574, 1.430, 0.144], [0.426, 0.430, 0.144], [0.426, 1.430, -0.856]]
)


@cache
def figure(name):
    """Draw a function's figure once for all tests, and keep it."""
    axes = np.ravel(np.asarray(CALLS[name](), dtype=object))
    drawn = axes[0].get_figure(root=True)
    drawn.draw_without_rendering()
    plt.close(drawn)
    return drawn


def texts(drawn):
    """The texts of a figure that can be seen."""
    found = [
        text for text in drawn.findobj(matplotlib.text.Text) if text.get_text().strip() and text.get_visible()
    ]
    return [text for text in found if text.axes is None or text.axes.axison or text in text.axes.texts]


def luminance(colour):
    part = np.asarray(colour)
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def in_the_dark(colour):
    """A colour as `invert(1) hue-rotate(180deg)` shows it."""
    return np.clip(TURN @ (1 - np.asarray(colour)), 0, 1)


def test_every_plotting_function_is_called_here():
    helpers = {"new_axes", "shade_gap", "ledger"}
    functions = {name for name in plots.__all__ if callable(getattr(plots, name))}
    assert set(CALLS) == functions - helpers


@pytest.mark.parametrize("name", sorted(CALLS))
def test_a_figure_can_be_read_at_half_width_in_both_themes_and_in_words(name):
    drawn = figure(name)
    assert isinstance(drawn, CourseFigure)
    alt = drawn.alt()
    assert alt.startswith(drawn.subject)
    assert len(re.findall(r"\d", alt.removeprefix(drawn.subject))) >= 2, alt

    width = drawn.get_size_inches()[0]
    assert width <= WIDTH
    scale = min(1, HALF_WIDTH / (100 * width)) * 100 / 96
    small = {
        text.get_text(): text.get_fontsize() for text in texts(drawn) if text.get_fontsize() * scale < LEAST
    }
    assert not small

    face = to_rgb(drawn.get_facecolor())
    for text in texts(drawn):
        if text.axes is not None and text in text.axes.texts and text.axes.images:
            continue  # a number on a coloured cell
        for seen in (lambda c: c, in_the_dark):
            assert contrast(seen(to_rgb(text.get_color())), seen(face)) >= 4.5, text

    for ax in drawn.axes:
        if ax.get_xlabel().startswith("epoch") and isinstance(ax.xaxis.get_major_locator(), MaxNLocator):
            assert all(float(tick).is_integer() for tick in ax.xaxis.get_major_locator()())
        legend = ax.get_legend()
        if legend is not None and ax.axison:
            box, panel = legend.get_window_extent(), ax.get_window_extent()
            assert box.y0 >= panel.y1 - 1 or box.x0 >= panel.x1 - 1, "the legend lies on the data"


def test_training_and_validation_have_colours_that_mean_nothing_else():
    for look in (*METHODS.values(), *LIBRARIES.values()):
        assert look.colour not in (TRAIN, VALIDATION)
    pairs = [(look.colour, look.marker) for look in METHODS.values()]
    assert sum(pairs.count(pair) > 1 for pair in pairs) <= 2  # a group and its usual member


@pytest.mark.parametrize(
    "names", [list(METHODS), list(LIBRARIES), ["L2, λ = 1", "L2, λ = 2", "a", "b", "none"]]
)
def test_no_two_of_a_figure_look_alike(names):
    found = looks(names)
    assert len({(look.colour, look.marker) for look in found}) == len(names)


def test_a_method_looks_the_same_whatever_stands_beside_it():
    for name in ("l2", "L2", "L2, λ = 0.1"):
        (colour, marker, _), *_ = looks([name, "x", "zoneout"])
        assert (colour, marker) == METHODS["l2"][:2]
    assert looks(["max_norm"])[0].name == "max-norm"
    assert SMALLEST * HALF_WIDTH / (96 * WIDTH) >= LEAST


def test_a_cell_shows_the_picture_with_its_words(monkeypatch):
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda data, **options: shown.append((data, options)))
    drawn = figure("learning_curves")
    drawn._ipython_display_()
    (data, options), alt = shown[0], drawn.alt()
    assert data["text/plain"] == alt
    assert options["metadata"]["image/png"]["alt"] == alt
    assert f'src="data:image/png;base64,{data["image/png"]}"' in data["text/html"]
    assert "lowest" in alt
    assert alt.replace("<", "&lt;") in data["text/html"]


def test_a_backend_that_starts_inside_the_look_keeps_on_showing_figures():
    was = matplotlib.is_interactive()
    matplotlib.interactive(False)
    with in_the_look():
        matplotlib.interactive(True)  # as a notebook's backend does when the first figure opens
    shows = matplotlib.is_interactive()
    matplotlib.interactive(was)
    assert shows
