"""The look that all figures of the course share: colours, markers, printed names, sizes, legends.

Colours are those of Okabe and Ito (2008). Two of them mean training and validation and nothing else; each
method has a colour, a marker and a name, the same in every figure, and so has each library.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, NamedTuple, TypeVar

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.legend import Legend
from matplotlib.ticker import FixedLocator, MaxNLocator
from matplotlib.transforms import ScaledTranslation

from labcode.plots.words import CourseFigure

TRAIN, VALIDATION, BASELINE, GAP = "#0072B2", "#D55E00", "#595959", "#9A9A9A"
INK, FAINT = "#1A1A1A", "#D0D0D0"
GREEN, PURPLE, SKY, ORANGE = "#009E73", "#CC79A7", "#56B4E9", "#E69F00"
CYCLE = (GREEN, PURPLE, SKY, ORANGE, INK, "#8A8A8A")  # what is neither a method nor a split
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))
MARKERS = ("o", "s", "D", "^", "v", "P")

WIDTH = 6.4  # inches, the most a figure has: at 480 px its smallest letters have 7 pt
SMALLEST = 9.0  # points
ABOVE = "above"  # names a legend that stands above its axes
LOOK: dict[str, Any] = {
    "font.size": 10.8,  # of which "small" is SMALLEST
    "font.family": ["DejaVu Sans"],
    "axes.titlesize": 10.8,
    "axes.labelsize": 10,
    "xtick.labelsize": SMALLEST,
    "ytick.labelsize": SMALLEST,
    "legend.fontsize": SMALLEST,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.edgecolor": BASELINE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.dpi": 100,
}


class Look(NamedTuple):
    """How a method or a library is drawn: its colour, its marker, and the name that is printed."""

    colour: str
    marker: str
    name: str


METHODS = {
    "none": Look(INK, "o", "no regularization"),
    "l1": Look(GREEN, "o", "L1"),
    "l1_proximal": Look(GREEN, "D", "L1 (proximal)"),
    "l1_l2": Look(GREEN, "P", "L1 + L2"),
    "l2": Look(PURPLE, "s", "L2"),
    "adamw": Look(PURPLE, "X", "AdamW"),
    "dropout": Look(SKY, "o", "dropout"),
    "input_dropout": Look(SKY, "^", "input dropout"),
    "output_dropout": Look(SKY, "s", "output dropout"),
    "embedding_dropout": Look(SKY, "v", "embedding dropout"),
    "recurrent_dropout": Look(ORANGE, "o", "recurrent dropout"),
    "recurrent_dropout_h": Look(ORANGE, "o", "recurrent dropout on h"),
    "recurrent_dropout_g": Look(ORANGE, "s", "recurrent dropout on g"),
    "recurrent_dropout_c": Look(ORANGE, "D", "recurrent dropout on c"),
    "recurrent_dropout_step": Look(ORANGE, "^", "recurrent dropout on h, new at each step"),
    "recurrent_dropout_g_step": Look(ORANGE, "v", "recurrent dropout on g, new at each step"),
    "weight_drop": Look(ORANGE, "P", "weight drop"),
    "zoneout": Look(ORANGE, "X", "zoneout"),
    "zoneout_h": Look(ORANGE, ">", "zoneout on h"),
    "zoneout_c": Look(ORANGE, "<", "zoneout on c"),
    "max_norm": Look("#8C6D00", "s", "max-norm"),
    "unit_norm": Look("#8C6D00", "o", "unit norm"),
    "ar": Look("#7A7A7A", "^", "AR"),
    "tar": Look("#7A7A7A", "v", "TAR"),
    "early_stopping": Look("#7A7A7A", "*", "early stopping"),
    "label_smoothing": Look("#7A7A7A", "D", "label smoothing"),
}
LIBRARIES = {
    "labcode": Look(GREEN, "o", "labcode"),
    "NumPy": Look(SKY, "D", "NumPy"),
    "PyTorch": Look(INK, "s", "PyTorch"),
    "torch": Look(INK, "s", "torch"),
    "Keras": Look(PURPLE, "^", "Keras"),
    "TensorFlow": Look(ORANGE, "v", "TensorFlow"),
}
_SAME_AS = {"no dropout": "none", "no penalty": "none", "no decay": "none", "weight decay": "adamw"}
_KEYS = {key.replace("_", " "): key for key in METHODS} | {m.name.lower(): key for key, m in METHODS.items()}
_KEYS |= _SAME_AS

_FIRST = list(zip(CYCLE, MARKERS, strict=True))
_PAIRS = _FIRST + [
    (colour, marker) for marker in MARKERS for colour in CYCLE if (colour, marker) not in _FIRST
]

Draw = TypeVar("Draw", bound=Callable)
T = TypeVar("T")


def printed(name: str) -> str:
    """Return a method's printed name for its name in code: "max-norm" for "max_norm"."""
    key = str(name).replace(" ", "_")
    return METHODS[key].name if key in METHODS else str(name).replace("_", " ")


def known(name: str) -> Look | None:
    """Return the look of the method or library that a label begins with ("L2, λ = 1", "Keras 3"), if any."""
    text = str(name).lower().replace("_", " ")
    for wanted, key in sorted(_KEYS.items(), key=lambda item: -len(item[0])):
        if text == wanted or text.startswith((f"{wanted} ", f"{wanted},", f"{wanted}:")):
            return METHODS[key]
    for wanted, look in LIBRARIES.items():
        if text.startswith(wanted.lower()):
            return look
    return None


def looks(names: Iterable[str]) -> list[Look]:
    """Return a look for each label of one figure, no two alike: a method's own, or one that is free."""
    names = list(names)
    own = [known(name) for name in names]
    colours = {look.colour for look in own if look}
    free = sorted(_PAIRS, key=lambda pair: pair[0] in colours)  # first the colours that no method here has
    used: set[tuple[str, str]] = set()
    found: list[Look] = []
    for name, look in zip(names, own, strict=True):
        wanted = [(look.colour, marker) for marker in (look.marker, *MARKERS)] if look else []
        pair = next((p for p in (*wanted, *free) if p not in used), _PAIRS[len(found) % len(_PAIRS)])
        used.add(pair)
        found.append(Look(*pair, printed(name)))
    return found


def styled(series: Mapping[str, T], *, points: int | None = None) -> Iterator[tuple[dict[str, Any], T]]:
    """Yield for each label the options of `plot` (colour, line, marker, printed label) and its values.

    Args:
        series: what is drawn, by label.
        points: how many points each line has, where all should not have a marker: six get one, at places that
            differ from line to line, so that lines which coincide can be seen; None for one at each point.
    """
    step = 1 if points is None else max(1, points // 6)
    for number, (look, values) in enumerate(zip(looks(series), series.values(), strict=True)):
        every = (number * step // len(series), step)
        yield (
            {
                "color": look.colour,
                "marker": look.marker,
                "ls": LINES[number % len(LINES)],
                "label": look.name,
                "markevery": every,
                "ms": 4.5,
            },
            values,
        )


@contextmanager
def in_the_look() -> Iterator[None]:
    """Draw with the course's settings; whether figures show by themselves stays as it is found at the end."""
    with mpl.rc_context(LOOK):  # type: ignore[arg-type] # plain names
        yield
        shows = mpl.is_interactive()  # a notebook's backend, if it starts here, has set it
    mpl.interactive(shows)


def new_axes(width: float = WIDTH, height: float = 3.6) -> Axes:
    """Open a figure of the given size in inches and return its axes, without the upper and right frame."""
    return new_panels(1, 1, width=width, height=height)[0, 0]


def new_panels(rows: int, columns: int, *, height: float, width: float = WIDTH, **options) -> np.ndarray:
    """Open a figure of several panels and return the axes, (rows, columns); options as of `subplots`."""
    with in_the_look():
        size = (min(width, WIDTH), height)
        options = {"layout": "constrained", "squeeze": False} | options
        return plt.subplots(rows, columns, figsize=size, FigureClass=CourseFigure, **options)[1]  # type: ignore[call-overload] # of any shape


def drawn(subject: str) -> Callable[[Draw], Draw]:
    """Let a plotting function draw in the course's look, and give its figure the first words of its alt text.

    Args:
        subject: what the figure shows, one sentence without numbers; they follow from what is drawn.
    """

    def decorate(draw: Draw) -> Draw:
        @wraps(draw)
        def styled_draw(*args, **kwargs):
            with in_the_look():
                axes = draw(*args, **kwargs)
                first = np.ravel(np.asarray(axes, dtype=object))[0]
                figure = first.get_figure(root=True)
                if isinstance(figure, CourseFigure) and not figure.subject:
                    figure.subject = subject
                for ax in figure.axes:
                    whole_epochs(ax)
                    lift_legend(ax)
            return axes

        return styled_draw  # type: ignore[return-value]

    return decorate


def whole_epochs(ax: Axes) -> None:
    """Let an axis that counts epochs or steps show whole numbers only."""
    counts = ax.get_xlabel().startswith(("epoch", "step", "frame", "trial"))
    if counts and ax.get_xscale() == "linear" and not isinstance(ax.xaxis.get_major_locator(), FixedLocator):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=2))


def better(label: str, side: str = "lower") -> str:
    """Add to an axis' label which side is the better one; the arrow points there on both axes."""
    return f"{label}\n← lower is better" if side == "lower" else f"{label}\nhigher is better →"


def legend_above(ax: Axes, handles: Mapping[str, Any] | None = None, **options) -> Legend:
    """Put the legend above the axes, where no data can lie, in as many columns as the figure has room for."""
    chosen = {label: handle for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    chosen = dict(handles) if handles is not None else chosen
    figure: Any = ax.get_figure(root=True)
    room = ax.get_position().width * figure.get_size_inches()[0]
    columns = _columns(chosen, room)
    place = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": columns, "borderaxespad": 0.2}
    legend = ax.legend(chosen.values(), chosen.keys(), **{**place, **_TIGHT, **options})
    legend.set_gid(ABOVE)
    lift_legend(ax)
    return legend


def lift_legend(ax: Axes) -> None:
    """Lift a legend that stands above the axes over their title."""
    legend = ax.get_legend()
    if legend is not None and legend.get_gid() == ABOVE and ax.get_title():
        up = ScaledTranslation(0, 17 / 72 * (1 + ax.get_title().count("\n")), ax.figure.dpi_scale_trans)
        legend.set_bbox_to_anchor((0, 1), transform=ax.transAxes + up)


def legend_below(figure, handles: Mapping[str, Any], **options) -> Legend:
    """Put one legend for all panels below them, in as many columns as the figure has room for."""
    columns = _columns(handles, figure.get_size_inches()[0])
    place = {"loc": "outside lower center", "ncols": columns}
    return figure.legend(handles.values(), handles.keys(), **{**place, **_TIGHT, **options})


def handles_of(*axes: Axes) -> dict[str, Any]:
    """Return the handles of all labels on the axes, each label once."""
    return {
        label: handle for ax in axes for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
    }


_TIGHT = {
    "frameon": False,
    "fontsize": SMALLEST,
    "columnspacing": 1.2,
    "handletextpad": 0.5,
    "handlelength": 1.8,
}


def _columns(labels: Iterable[str], inches: float) -> int:
    """Return how many columns of a legend fit: a letter has 0.075 inches, a handle half an inch."""
    labels = list(labels) or [""]
    widest = 0.5 + 0.075 * max(map(len, labels))
    return min(max(1, int(inches / widest)), len(labels))
