"""Figures that say in words what they show: the alt text of the course's pictures, read off what is drawn."""

import base64
import html
import io
from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import AxLine, Line2D
from matplotlib.patches import StepPatch

LONGEST = 1500  # characters
PICTURE_CLASS = "course-figure"
DARK = f"""<style>
.{PICTURE_CLASS} {{max-width: 100%; height: auto; border-radius: 6px}}
[data-jp-theme-light="false"] .{PICTURE_CLASS} {{filter: invert(1) hue-rotate(180deg)}}
</style>"""  # dark figures in JupyterLab's dark theme; where the style is dropped they stay white


class CourseFigure(Figure):
    """A figure with alt text, which goes with the picture wherever a notebook shows it.

    JupyterLab knows the alt text of HTML images only, nbconvert and the book that of a picture's metadata;
    GitHub shows pictures. So a cell's output holds the picture in both ways, and the words as plain text.
    """

    subject: str = ""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.told: dict[Axes, str] = {}

    def alt(self) -> str:
        """Return what the figure shows, in words and numbers, as it stands now."""
        return describe(self)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        alt, (width, height) = self.alt(), (round(side * self.dpi) for side in self.get_size_inches())
        written = io.BytesIO()
        self.savefig(written, format="png", dpi=self.dpi)
        picture = base64.b64encode(written.getvalue()).decode()
        bundle = {"image/png": picture, "text/html": image(picture, alt, width, height), "text/plain": alt}
        display(bundle, raw=True, metadata={"image/png": {"alt": alt}})


def image(picture: str, alt: str, width: int, height: int) -> str:
    """Return a PNG picture, in base64, as an HTML image with alt text; dark in JupyterLab's dark theme."""
    source = f'src="data:image/png;base64,{picture}" width="{width}" height="{height}"'
    return f'{DARK}<img class="{PICTURE_CLASS}" {source} alt="{html.escape(alt, quote=True)}">'


def tell(ax: Axes, text: str) -> None:
    """Say in words what a panel shows, in place of what would be read off its lines and bars."""
    figure = ax.get_figure(root=True)
    if isinstance(figure, CourseFigure):
        figure.told[ax] = text


def describe(figure: Figure) -> str:
    """Describe a figure: its subject, then each panel's title, axes and data, with numbers."""
    subject = getattr(figure, "subject", "")
    told = getattr(figure, "told", {})
    panels = [ax for ax in figure.axes if not hasattr(ax, "_colorbar")]
    parts = [subject, *(_panel(ax, told.get(ax)) for ax in panels)]
    text = " ".join(part for part in map(_plain, parts) if part)
    return text if len(text) <= LONGEST else text[:LONGEST].rpartition(" ")[0] + " …"


def spread(values: Iterable[float]) -> str:
    """Write numbers as one, or as their range: "0.3", "0.1 to 0.7"."""
    found = np.ravel(np.asarray(list(values), dtype=float))
    found = found[np.isfinite(found)]
    if not found.size:
        return "no finite value"
    low, high = f"{found.min():.3g}", f"{found.max():.3g}"
    return low if low == high else f"{low} to {high}"


def _plain(text: str) -> str:
    return " ".join(text.replace("$", "").replace("\\", "").replace("_", " ").split())


def _panel(ax: Axes, told: str | None) -> str:
    """Describe one panel: what was told about it, or its axes and what is drawn on them."""
    title = f"{ax.get_title()}:" if ax.get_title().strip() else ""
    if told is not None:
        return f"{title} {told}"
    if not ax.axison:
        return " ".join([title, *(text.get_text() for text in ax.texts)])
    axes = f"{ax.get_ylabel()} against {ax.get_xlabel()}." if ax.get_xlabel() and ax.get_ylabel() else ""
    in_containers = {id(artist) for container in ax.containers for artist in container.get_children()}
    found = [_line(ax, line) for line in ax.lines if id(line) not in in_containers]
    found += [_container(ax, container) for container in ax.containers]
    found += [_step(patch) for patch in ax.patches if isinstance(patch, StepPatch)]
    found += [
        f"{len(np.asarray(dots.get_offsets()))} dots"
        for dots in ax.collections
        if isinstance(dots, PathCollection)
    ]
    found += [_cells(mesh.get_array()) for mesh in ax.collections if isinstance(mesh, QuadMesh)]
    found += [f"picture of {' x '.join(map(str, im.get_size()))} cells" for im in ax.images]
    data = "; ".join(part for part in found if part)
    return " ".join(part for part in (title, axes, data and f"{data}.") if part)


def _cells(values: Any) -> str:
    kept = 1 - np.ma.getmaskarray(values).mean()
    return f"{np.size(values)} cells, {kept:.0%} filled"


def _step(patch: StepPatch) -> str:
    heights, edges, _ = patch.get_data()
    top = int(np.nanargmax(heights))
    return f"{patch.get_label()}: highest {heights[top]:.3g}, from {edges[top]:.3g} to {edges[top + 1]:.3g}"


def _line(ax: Axes, line: Line2D) -> str:
    """Describe a labelled line: the height of a level one, the ends and the extreme of a curve."""
    label, at, values = line.get_label(), np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
    if str(label).startswith("_") or isinstance(line, AxLine) or not len(values) or not line.get_visible():
        return ""
    if line.get_transform() == ax.get_yaxis_transform():
        return f"{label}: a line at {_number(values[0])}"
    if line.get_transform() == ax.get_xaxis_transform():
        return f"{label}: a line at {_number(at[0])}"
    if len(values) == 1:
        return f"{label}: {_number(values[0])} at {_number(at[0])}"
    heights = np.asarray(values, dtype=float)
    if not np.isfinite(heights).any():
        return ""
    kept = np.flatnonzero(np.isfinite(heights))
    first, last = kept[0], kept[-1]
    ends = f"{label}: {_number(heights[first])} at {_number(at[first])}, "
    ends += f"{_number(heights[last])} at {_number(at[last])}"
    low, high = int(np.nanargmin(heights)), int(np.nanargmax(heights))
    span = (np.nanmax(heights) - np.nanmin(heights)) * 0.01
    for name, place in (("lowest", low), ("highest", high)):
        if abs(heights[place] - heights[first]) > span and abs(heights[place] - heights[last]) > span:
            ends += f", {name} {_number(heights[place])} at {_number(at[place])}"
    return ends


def _container(ax: Axes, container: Any) -> str:
    """Describe bars by the names at their axis, and points with intervals by their values."""
    if isinstance(container, BarContainer):
        upright = container.orientation == "vertical"
        axis = ax.xaxis if upright else ax.yaxis
        names = {
            round(at, 6): text.get_text()
            for at, text in zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=False)
        }
        bars = [
            (bar.get_x() + bar.get_width() / 2, bar.get_height())
            if upright
            else (bar.get_y() + bar.get_height() / 2, bar.get_width())
            for bar in container
        ]
        return ", ".join(f"{names.get(round(at, 6)) or _number(at)} {_number(size)}" for at, size in bars)
    if isinstance(container, ErrorbarContainer) and container.has_yerr and len(container[2]):
        points, bars = container[0].get_xydata(), container[2][-1].get_segments()
        written = [
            f"{_number(y)} ({_number(bar[0][1])} to {_number(bar[-1][1])}) at {_number(x)}"
            for (x, y), bar in zip(points[:8], bars, strict=False)
        ]
        return f"{container.get_label()}: {', '.join(written)}"
    return ""


def _number(value: Any) -> str:
    """Write a number with three digits, a date as a date, a name as it is."""
    if isinstance(value, str | np.str_):
        return str(value)
    if isinstance(value, np.datetime64):
        return str(value.astype("datetime64[D]"))
    return f"{float(value):.3g}" if abs(float(value)) < 1000 else f"{float(value):.0f}"
