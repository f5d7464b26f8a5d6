"""The places of the methods in the LSTM cell, under a slider."""

import numpy as np
from matplotlib.artist import Artist
from matplotlib.legend import Legend

from labcode import plots
from labcode.plots.cell import EQUATIONS, PLACES, highlight_places
from labcode.widgets.base import SliderFigure

WEIGHTS, NORMS = ("penalty_input", "penalty_recurrent"), ("constraint_input", "constraint_recurrent")

# By method: the places it acts on, its line of mathematics and its line of code.
SHOWN_METHODS = {
    "L1 penalty": (
        WEIGHTS,
        r"$L_\mathrm{reg} = L + \lambda \, \Sigma_j |w_j|$",
        "fit(..., penalty=l1)  # l1_penalty_torch(w, lam)",
    ),
    "L2 penalty": (
        WEIGHTS,
        r"$L_\mathrm{reg} = L + (\lambda/2) \, \Sigma_j w_j^2$",
        "fit(..., penalty=l2)  # l2_penalty_torch(w, lam)",
    ),
    "input dropout": (
        ("x",),
        r"$z = W(m_x \odot x_t) + U h_{t-1} + b$",
        "SequenceModel(..., input_dropout=0.2)",
    ),
    "dropout between layers": (
        ("x",),
        r"$x_t$ of the upper layer $= m_x \odot h_t$ of the lower",
        "SequenceModel(..., num_layers=2, dropout=0.2)",
    ),
    "output dropout": (
        ("output",),
        r"$\hat y = V (m_y \odot h_T) + a$, with the head's $V$, $a$",
        "SequenceModel(..., output_dropout=0.5)",
    ),
    "recurrent dropout on h": (
        ("h",),
        r"$z = W x_t + U (m_h \odot h_{t-1}) + b$",
        'SequenceModel(..., recurrent_dropout=0.25, on="h")',
    ),
    "recurrent dropout on g": (
        ("g",),
        r"$c' = f \odot c_{t-1} + i \odot (m_g \odot g)$",
        'SequenceModel(..., recurrent_dropout=0.25, on="g")',
    ),
    "recurrent dropout on c": (
        ("c",),
        r"$c' = m_c \odot (f \odot c_{t-1} + i \odot g)$",
        'SequenceModel(..., recurrent_dropout=0.25, on="c")',
    ),
    "weight drop": (
        ("weight_hh",),
        r"$z = W x_t + (m_U \odot U) h_{t-1} + b$",
        "SequenceModel(..., weight_drop=0.25)",
    ),
    "zoneout": (
        ("zoneout_h", "zoneout_c"),
        r"$h_t = z_h \odot h_{t-1} + (1 - z_h) \odot h'$, and so for $c$",
        "SequenceModel(..., zoneout_h=0.1, zoneout_c=0.1)",
    ),
    "max-norm": (
        NORMS,
        r"$w \leftarrow w \cdot \min(1, r / \Vert w \Vert)$, row by row",
        "fit(..., constraint=limit)  # max_norm_torch(w, r)",
    ),
    "AR": (
        ("ar",),
        r"$L_\mathrm{reg} = L + \alpha \cdot \mathrm{mean}\,(m_y \odot h_t)^2$",
        "fit(..., activation_penalty=ar)",
    ),
    "TAR": (
        ("tar",),
        r"$L_\mathrm{reg} = L + \beta \cdot \mathrm{mean}\,(h_t - h_{t-1})^2$",
        "fit(..., activation_penalty=tar)",
    ),
    "early stopping": (
        (),
        "no place in the cell: it counts epochs",
        "fit(..., early_stopping=EarlyStopping(...))",
    ),
}
ALL = "all methods"


def methods_table() -> str:
    """Return the widget's methods as a Markdown table, each with its line of mathematics and of code."""
    rows = [("method", "mathematics", "code"), ("---", "---", "---")]
    for name, (_, mathematics, code) in SHOWN_METHODS.items():
        rows.append((name, mathematics.replace("|", r"\vert "), f"`{code}`"))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


class CellExplorer(SliderFigure):
    """The LSTM cell, in which a slider picks a method: its place in colour, its mathematics and its code."""

    def __init__(self, *, value: str = ALL):
        axes = self._axes = plots.lstm_cell()
        self._equations = axes.texts[-1]
        x, y = self._equations.get_position()
        self._name = axes.text(x, y, "", va="top", fontsize=10.8, weight="bold")
        self._code = axes.text(x, y - 1.75, "", va="top", fontsize=9, family="monospace")
        super().__init__(axes.figure, [ALL, *SHOWN_METHODS], setting="method", value=value)
        self._keep_as_picture()

    def update(self, value: str) -> None:
        """Show one method, or all of them with the equations of the whole step."""
        places, mathematics, code = SHOWN_METHODS.get(value, (None, EQUATIONS, ""))
        highlight_places(self._axes, places)
        self._equations.set_text(mathematics if value == ALL else "\n" + mathematics)
        self._name.set_text("" if value == ALL else value)
        self._code.set_text(code)

    def _keep_as_picture(self) -> None:
        """Turn what no method changes into one picture: a redraw then draws only the rest."""
        texts = {self._equations, self._name, self._code}
        drawn: list[Artist] = [*self._axes.patches, *self._axes.lines, *self._axes.texts]
        drawn += self._axes.findobj(Legend)
        moving = [artist for artist in drawn if artist.get_gid() in PLACES or artist in texts]
        for artist in moving:
            artist.set_visible(False)
        self._canvas.draw()
        picture = np.array(self._canvas.buffer_rgba())
        for artist in drawn:
            artist.set_visible(artist in moving)
        self._canvas.figure.figimage(picture, zorder=-1)
