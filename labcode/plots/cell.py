"""One picture of the LSTM cell, with the place of every mask, penalty and constraint of the course.

The symbols are those of the equations in ``recurrent_dropout.py``; the names of the masks are its names, too.
"""

from collections.abc import Collection
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyBboxPatch, Patch, Rectangle, RegularPolygon

from labcode._checks import expect
from labcode.plots.style import BASELINE, GREEN, ORANGE, SKY, SMALLEST, drawn, new_axes
from labcode.plots.words import tell

KINDS = {
    "mask": (SKY, "#DDF0FB", "o", "dropout mask (training only)"),
    "zoneout": (ORANGE, "#FBEBCB", "D", "zoneout: keep the previous value"),
    "penalty": (GREEN, "#CFEDE3", "", "penalty in the loss"),
    "constraint": ("#8C6D00", "#EFE6C8", "", "constraint after the step"),
}


@dataclass(frozen=True)
class Place:
    """Where a method takes hold of the cell: its kind, a key of ``KINDS``, its sign, and its centre."""

    kind: str
    sign: str
    at: tuple[float, float]


PLACES = {
    "x": Place("mask", "$m_x$", (3.4, 1.0)),
    "h": Place("mask", "$m_h$", (3.4, 3.4)),
    "weight_hh": Place("mask", "$m_U$", (5.2, 5.2)),
    "g": Place("mask", "$m_g$", (12.4, 7.35)),
    "c": Place("mask", "$m_c$", (14.2, 10.0)),
    "output": Place("mask", "$m_y$", (18.9, 3.6)),
    "zoneout_c": Place("zoneout", "$z_c$", (17.4, 10.0)),
    "zoneout_h": Place("zoneout", "$z_h$", (17.4, 6.0)),
    "penalty_input": Place("penalty", "L1, L2", (4.5, -0.2)),
    "penalty_recurrent": Place("penalty", "L1, L2", (4.5, 2.2)),
    "penalty_bias": Place("penalty", "(L1, L2)", (7.2, 6.35)),
    "constraint_input": Place("constraint", "norm", (6.05, -0.2)),
    "constraint_recurrent": Place("constraint", "norm", (6.05, 2.2)),
    "tar": Place("penalty", "TAR", (20.2, 4.8)),
    "ar": Place("penalty", "AR", (20.2, 2.4)),
}
BOXES = {
    (5.2, 1.0): "$W$",
    (5.2, 3.4): "$U$",
    (7.2, 5.2): "$b$",
    (8.8, 6.0): "$f$: σ",
    (10.6, 6.0): "$i$: σ",
    (12.4, 6.0): "$g$: tanh",
    (14.2, 6.0): "$o$: σ",
    (15.6, 8.2): "tanh",
    (18.9, 1.0): "head",
}
NODES = {(7.2, 3.4): "+", (8.8, 10.0): "×", (12.4, 8.6): "×", (12.4, 10.0): "+", (15.6, 6.0): "×"}
LABELS = {
    (0.6, 10.0): "$c_{t-1}$",
    (0.6, 3.4): "$h_{t-1}$",
    (2.05, 1.0): "$x_t$",
    (7.85, 3.72): "$z$",
    (15.25, 10.35): "$c'$",
    (16.35, 6.35): "$h'$",
    (20.8, 10.0): "$c_t$",
    (20.8, 6.0): "$h_t$",
    (18.9, -0.05): "prediction, or the\n$x$ of the next layer",
}
PATHS = (  # corners of each line; an arrow stands at its last point
    ((1.1, 10.0), (8.5, 10.0)),
    ((9.1, 10.0), (12.1, 10.0)),
    ((12.7, 10.0), (13.7, 10.0)),
    ((14.7, 10.0), (16.8, 10.0)),
    ((18.0, 10.0), (20.3, 10.0)),
    ((1.1, 3.4), (2.9, 3.4)),
    ((3.9, 3.4), (4.5, 3.4)),
    ((5.9, 3.4), (6.9, 3.4)),
    ((2.4, 1.0), (2.9, 1.0)),
    ((3.9, 1.0), (4.5, 1.0)),
    ((5.9, 1.0), (7.2, 1.0), (7.2, 3.1)),
    ((5.2, 4.7), (5.2, 3.95)),
    ((7.2, 4.65), (7.2, 3.7)),
    ((7.5, 3.4), (8.8, 3.4), (8.8, 5.45)),
    ((8.8, 3.4), (10.6, 3.4), (10.6, 5.45)),
    ((10.6, 3.4), (12.4, 3.4), (12.4, 5.45)),
    ((12.4, 3.4), (14.2, 3.4), (14.2, 5.45)),
    ((8.8, 6.55), (8.8, 9.7)),
    ((10.6, 6.55), (10.6, 8.6), (12.1, 8.6)),
    ((12.4, 6.55), (12.4, 6.85)),
    ((12.4, 7.85), (12.4, 8.3)),
    ((12.4, 8.9), (12.4, 9.7)),
    ((15.6, 10.0), (15.6, 8.75)),
    ((15.6, 7.65), (15.6, 6.3)),
    ((14.9, 6.0), (15.3, 6.0)),
    ((15.9, 6.0), (16.8, 6.0)),
    ((18.0, 6.0), (20.3, 6.0)),
    ((18.9, 6.0), (18.9, 4.1)),
    ((18.9, 3.1), (18.9, 1.55)),
)
BYPASSES = {  # what zoneout adds: the way of the previous state around the cell
    "zoneout_c": ((1.5, 10.0), (1.5, 11.3), (17.4, 11.3), (17.4, 10.62)),
    "zoneout_h": ((1.5, 3.4), (1.5, -1.3), (17.4, -1.3), (17.4, 5.38)),
}
NOTE_AT = (1.0, -2.1)
LEADERS = {"tar": ((18.9, 4.8), (19.6, 4.8)), "ar": ((18.9, 2.4), (19.6, 2.4))}  # what AR and TAR look at


EQUATIONS = r"""$z = W(m_x \odot x_t) + (m_U \odot U)(m_h \odot h_{t-1}) + b$
$c' = m_c \odot (f \odot c_{t-1} + i \odot (m_g \odot g))$
$h' = o \odot \tanh(c')$
$c_t = z_c \odot c_{t-1} + (1 - z_c) \odot c'$
$h_t = z_h \odot h_{t-1} + (1 - z_h) \odot h'$"""


@drawn("One step of an LSTM cell with the place of every mask, penalty and constraint.")
def lstm_cell(
    highlight: Collection[str] | None = None, *, note: str = EQUATIONS, ax: Axes | None = None
) -> Axes:
    """Draw one step of an LSTM, from left to right, with the place of every mask, penalty and constraint.

    Args:
        highlight: the places to show in colour, keys of ``PLACES``; None for all of them. The others stay
            faintly visible.
        note: lines of text to stand below the cell; by default the equations of the step.
        ax: axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: a place that the cell does not have.
    """
    ax = new_axes(height=6.0) if ax is None else ax
    ax.set(xlim=(0, 21.4), ylim=(-5.9, 11.6), aspect="equal")
    ax.set_axis_off()
    for points in PATHS:
        _path(ax, points, BASELINE)
    for centre, text in BOXES.items():
        _box(ax, centre, text)
    for centre, text in NODES.items():
        ax.add_patch(Circle(centre, 0.3, fc="white", ec="black", lw=1.1))
        _text(ax, centre, text, 11)
    for (x, y), text in LABELS.items():
        _text(ax, (x, y), text, SMALLEST if "\n" in text else 12)
    for name, place in PLACES.items():
        _place(ax, name, place)
    ax.text(*NOTE_AT, note, va="top", fontsize=10, linespacing=1.5)
    _legend(ax)
    highlight_places(ax, highlight)
    shown = PLACES if highlight is None else {name: PLACES[name] for name in PLACES if name in highlight}
    places = [
        f"{KINDS[place.kind][3].partition(':')[0]} at {name.replace('_', ' ')}"
        for name, place in shown.items()
    ]
    tell(ax, f"{len(shown)} places in colour: {'; '.join(places)}.")
    return ax


def highlight_places(ax: Axes, highlight: Collection[str] | None) -> None:
    """Show the named places of a drawn cell in colour and fade the others; None shows them all.

    Raises:
        ValueError: a place that the cell does not have.
    """
    chosen = set(PLACES if highlight is None else highlight)
    expect(chosen <= set(PLACES), "highlight", f"places among {sorted(PLACES)}", sorted(chosen))
    for artist in (*ax.patches, *ax.lines, *ax.texts, *ax.collections):
        if artist.get_gid() in PLACES:
            artist.set_alpha(1.0 if artist.get_gid() in chosen else 0.16)


def _place(ax, name, place):
    """Draw a method's sign in the shape and colour of its kind, with the line that belongs to it."""
    edge, fill, _, _ = KINDS[place.kind]
    for points in (BYPASSES.get(name), LEADERS.get(name)):
        if points:
            _path(ax, points, edge, name)
    style = {"fc": fill, "ec": edge, "lw": 1.8, "gid": name, "zorder": 3}
    x, y = place.at
    if place.kind == "mask":
        ax.add_patch(Circle(place.at, 0.5, **style))
    elif place.kind == "zoneout":
        ax.add_patch(RegularPolygon(place.at, 4, radius=0.62, **style))
    elif place.kind == "penalty":
        rounded = "round,pad=0,rounding_size=0.28"
        ls = "--" if name == "penalty_bias" else "-"  # as a rule biases are not penalized
        ax.add_patch(FancyBboxPatch((x - 0.75, y - 0.33), 1.5, 0.66, boxstyle=rounded, ls=ls, **style))
    else:
        ax.add_patch(Rectangle((x - 0.75, y - 0.33), 1.5, 0.66, **style))
    _text(ax, place.at, place.sign, 11 if "$" in place.sign else SMALLEST, name)


def _box(ax, centre, text):
    (x, y), style = centre, "round,pad=0,rounding_size=0.12"
    ax.add_patch(FancyBboxPatch((x - 0.8, y - 0.55), 1.6, 1.1, boxstyle=style, fc="#F2F2F2", ec="black"))
    _text(ax, centre, text, SMALLEST)


def _text(ax, at, text, size, name=None):
    ax.text(*at, text, ha="center", va="center", fontsize=size, gid=name, zorder=4)


def _path(ax, points, colour, name=None):
    """Draw a line through the points, with an arrow head that touches the last one."""
    *_, (x, y), (x_end, y_end) = points
    heads = {(1, 0): ">", (-1, 0): "<", (0, 1): "^", (0, -1): "v"}
    direction = _sign(x_end - x), _sign(y_end - y)
    tip = (x_end - 0.09 * direction[0], y_end - 0.09 * direction[1])
    line = (*points[:-1], tip)
    ax.plot(*zip(*line, strict=True), color=colour, lw=1.2, ls="-" if name is None else "--", gid=name)
    ax.plot(*tip, heads[direction], color=colour, ms=4, gid=name)


def _sign(value):
    return (value > 0) - (value < 0)


def _legend(ax):
    """Name the kinds below the cell."""
    handles = [
        Line2D([], [], marker=marker, ls="", ms=9, mfc=fill, mec=edge, mew=1.8, label=label)
        if marker
        else Patch(fc=fill, ec=edge, lw=1.8, label=label)
        for edge, fill, marker, label in KINDS.values()
    ]
    style = {"frameon": False, "fontsize": SMALLEST, "ncols": 2, "handletextpad": 0.5, "columnspacing": 1.6}
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.03), **style)
