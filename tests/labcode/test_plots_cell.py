"""The picture of the cell: every place is there and can be shown alone; the widget redraws it."""

from itertools import pairwise

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from labcode import plots
from labcode._masks import check_masks
from labcode.plots.cell import BOXES, NODES, PATHS, PLACES, highlight_places
from labcode.widgets import CellExplorer
from labcode.widgets.cell import ALL, SHOWN_METHODS, methods_table


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def _alphas(ax):
    """The transparency of each place's artists, by place."""
    found = {}
    for artist in (*ax.patches, *ax.lines, *ax.texts):
        if artist.get_gid():
            found.setdefault(artist.get_gid(), set()).add(artist.get_alpha())
    return found


def test_every_place_is_drawn_and_named():
    ax = plots.lstm_cell()
    assert _alphas(ax) == {name: {1.0} for name in PLACES}
    assert {place.sign for place in PLACES.values()} <= {text.get_text() for text in ax.texts}
    assert len(ax.get_legend().get_texts()) == 4


def test_the_masks_are_those_that_the_lstm_takes_and_the_output_mask():
    kinds = [name for name, place in PLACES.items() if place.kind in ("mask", "zoneout")]
    masks = {f"{name}_l0": np.ones((1, 1)) for name in kinds if name not in ("weight_hh", "output")}
    masks["weight_hh_l0"] = np.ones((8, 2))
    check_masks(masks, (1, 1, 1), 2, 1, False)
    assert len(masks) == len(kinds) - 1


def test_a_highlight_fades_all_other_places():
    ax = plots.lstm_cell(["h", "zoneout_h"])
    assert _alphas(ax) == {name: {1.0 if name in ("h", "zoneout_h") else 0.16} for name in PLACES}
    highlight_places(ax, None)
    assert set().union(*_alphas(ax).values()) == {1.0}
    highlight_places(ax, [])
    assert set().union(*_alphas(ax).values()) == {0.16}


def test_nothing_stands_on_anything_else():
    centres = [*BOXES, *NODES, *(place.at for place in PLACES.values())]
    for number, (x, y) in enumerate(centres):
        for x2, y2 in centres[:number]:
            assert abs(x - x2) > 0.8 or abs(y - y2) > 0.8, ((x, y), (x2, y2))


def test_every_line_is_level_or_upright():
    for points in PATHS:
        for (x, y), (x2, y2) in pairwise(points):
            assert (x == x2) != (y == y2)


@pytest.mark.parametrize(
    "call",
    [
        lambda: plots.lstm_cell(["z"]),
        lambda: CellExplorer().draw("dropout"),
        lambda: plots.losses_by_method({}),
        lambda: plots.losses_by_method({"last": {"L1": [1.0], "L2": [1.0, 2.0]}}),
        lambda: plots.losses_by_method({"last": {"L1": [1.0]}, "best": {"L2": [1.0]}}),
    ],
)
def test_bad_input_says_what_was_expected(call):
    with pytest.raises(ValueError, match=r"expected .* received"):
        call()


def test_losses_by_method_shows_every_run_and_the_mean():
    last = {"none": [1.0, 1.1, 1.5], "L1": [0.9, 0.8, 0.6]}
    axes = plots.losses_by_method({"last": last, "best": last}, baseline=1.1)
    for ax in axes:
        drawn = [
            (line.get_xdata()[0], line.get_ydata()[0]) for line in ax.lines if len(line.get_xdata()) == 1
        ]
        means = [(np.mean(losses), row) for row, losses in enumerate(last.values())]
        runs = [(loss, row) for row, losses in enumerate(last.values()) for loss in losses]
        np.testing.assert_allclose(sorted(drawn), sorted([*runs, *means]))
        assert ax.get_xlabel()
    assert [tick.get_text() for tick in axes[0].get_yticklabels()] == ["no regularization", "L1"]
    assert axes[0].get_ylim()[0] > axes[0].get_ylim()[1], "the first method stands at the top"


def test_the_slider_names_every_method_and_changes_the_picture():
    explorer = CellExplorer()
    assert explorer.values == [ALL, *SHOWN_METHODS]
    pictures = {value: explorer.draw(value) for value in explorer.values}
    assert len(set(pictures.values())) == len(pictures)
    assert explorer.draw(ALL) == pictures[ALL]
    slider, _, picture = explorer.widget().children
    assert bytes(picture.value) == pictures[ALL]
    slider.value = "zoneout"
    assert bytes(picture.value) == pictures["zoneout"]
    assert plt.get_fignums() == []


def test_each_methods_code_runs():
    """The options that the widget shows are those of the model."""
    from labcode.lstm import SequenceModel

    shown = [code for _, _, code in SHOWN_METHODS.values() if code.startswith("SequenceModel(...")]
    assert len(shown) == 8
    for code in shown:
        eval(code.replace("...", "2, 3, 1"), {"SequenceModel": SequenceModel})


def test_the_table_holds_every_method_in_three_columns():
    header, rule, *rows = methods_table().splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in (header, rule, *rows)]
    assert {len(row) for row in cells} == {3}, "a bar inside a cell would end it"
    assert [row[0] for row in cells[2:]] == list(SHOWN_METHODS)
    assert all(row[2].startswith(("`SequenceModel(", "`fit(")) for row in cells[2:])


def test_the_widgets_first_picture_is_the_static_figure():
    """The part of the picture that was frozen and the part that moves make the whole."""
    explorer = CellExplorer()
    explorer.draw(ALL)
    got = np.asarray(explorer._canvas.buffer_rgba())[..., :3].astype(int)
    figure = plots.lstm_cell().figure
    figure.canvas.draw()
    want = np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)
    assert got.shape == want.shape
    assert np.mean(np.abs(got - want).max(axis=2) > 40) < 0.002
