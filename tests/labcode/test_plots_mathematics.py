"""Figures and widgets of chapter 4: labelled, true to what they are given."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.linear_model import Lasso, Ridge

from labcode import plots
from labcode.linear import best_within, load_diabetes, ridge
from labcode.plots.sparsity import level_line, rim
from labcode.widgets import DiamondAndDisk, ShrinkageFactors
from labcode.widgets.sparsity import diamond_and_disk_optima

VALUES = np.array([0.01, 0.1, 1.0, 4.0])


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def two():
    return load_diabetes(("bmi", "bp"))


def figures(two):
    yield from plots.one_weight(0.8, 1.0)
    yield plots.shrinkage_curves(1.0)
    yield from plots.diamond_and_disk(two, diamond_and_disk_optima(two, 30.0))
    yield plots.weight_traces({"SGD": np.sin(np.arange(9.0))}, band=0.1, name="age")
    yield plots.share_below({"Adam": np.array([0.0, 1e-4, 0.5])})
    yield from plots.zero_map({"a": np.eye(3), "b": np.ones((3, 3))}, xlabel="unit", ylabel="weight")
    yield from plots.decays({"L2": 0.9 ** np.arange(5), "L1": np.maximum(1 - 0.4 * np.arange(5), 0)})
    yield plots.shrinkage_factors(VALUES, {"L2": VALUES / (VALUES + 1)})
    yield plots.error_by_strength([0.1, 1.0, 10.0], [3.0, 1.0, 2.0], predicted=1.0)
    yield plots.ratios_by_group(["small", "large"], {"AdamW": [0.8, 0.8]}, xlabel="quarter")
    yield plots.spread_against_error(np.linspace(0.1, 1, 20), np.linspace(1, 2, 20), unit="°C")


def test_every_figure_is_labelled(two):
    drawn = list(figures(two))
    assert len(drawn) == 15
    for ax in drawn:
        shared = [other for other in ax.figure.axes if other.get_ylabel()]
        assert ax.get_xlabel()
        assert shared


@pytest.mark.parametrize(("z", "lam", "l1"), [(0.8, 1.0, 0.0), (2.0, 0.5, 1.5), (-1.0, 0.25, -0.75)])
def test_the_minimum_that_is_marked_is_that_of_the_curve(z, lam, l1):
    for ax, best in zip(plots.one_weight(z, lam), (l1, z / (1 + lam)), strict=True):
        total, marker = ax.lines[2], ax.lines[3]
        lowest = total.get_xdata()[np.argmin(total.get_ydata())]
        np.testing.assert_allclose([marker.get_xdata()[0], lowest], best, atol=0.006)


def test_exact_zeros_count_below_every_limit():
    line = plots.share_below({"w": np.array([0.0, 0.0, 1e-3, 0.5])}).lines[0]
    assert line.get_ydata()[0] == 0.5
    assert line.get_ydata()[-1] == 1.0


def test_zeros_are_white_and_blocks_have_their_names():
    first, _ = plots.zero_map(
        {"a": np.eye(4), "b": np.zeros((4, 4))}, xlabel="unit", ylabel="gate", blocks={"i": 0, "g": 2}
    )
    picture = np.asarray(first.images[0].get_array())
    np.testing.assert_array_equal((picture == 1).all(axis=-1), np.eye(4) == 0)
    assert [tick.get_text() for tick in first.get_yticklabels()] == ["i", "g"]


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_rim_and_level_line_pass_through_the_optimum(two, norm):
    order = {"l1": 1, "l2": 2}[norm]
    w, _ = best_within(two, 0.4 * np.linalg.norm(ridge(two, 0.0), order), norm)
    np.testing.assert_allclose(np.linalg.norm(rim(norm, w), order, axis=0), np.linalg.norm(w, order))
    losses = [two.loss(point) for point in level_line(two, w).T]
    np.testing.assert_allclose(losses, two.loss(w), rtol=1e-9)


def test_wrong_input_is_refused(two):
    ten = load_diabetes()
    with pytest.raises(ValueError, match=r"expected two columns, received"):
        plots.diamond_and_disk(ten, {"l1": (np.ones(10), 1.0), "l2": (np.ones(10), 1.0)})
    with pytest.raises(ValueError, match=r"strength: expected one under which a weight is left, received"):
        DiamondAndDisk(two, (0, 50))
    with pytest.raises(ValueError, match=r"expected 4 shares each, received"):
        plots.shrinkage_factors(VALUES, {"L2": VALUES[:2]})
    for widget in (DiamondAndDisk(two, (5, 30)), ShrinkageFactors(VALUES, lr=0.1)):
        with pytest.raises(ValueError, match=r"expected one of .* received"):
            widget.draw(0.123)


@pytest.fixture(scope="module", params=["diamond and disk", "shrinkage"])
def widget(request, two):
    if request.param == "shrinkage":
        return ShrinkageFactors(VALUES, lr=0.1, value=0.1)
    return DiamondAndDisk(two, value=30)


def test_the_slider_redraws_the_picture(widget):
    slider, _, picture = widget.widget().children
    assert slider.value == widget.value
    before = picture.value
    slider.value = widget.values[-1]
    assert picture.value != before
    assert bytes(picture.value) == widget.draw(widget.values[-1])
    assert bytes(picture.value).startswith(b"\x89PNG")


def test_the_diamond_gives_a_zero_where_the_disk_does_not(two):
    explorer, free = DiamondAndDisk(two, (0, 10, 40), value=10), ridge(two, 0.0)
    for strength, zero in ((0, False), (10, False), (40, True)):
        explorer.update(strength)
        in_diamond, in_disk = (np.ravel(ax.lines[2].get_data()) for ax in explorer.axes)
        lam = explorer.found[strength]["l2"][1]
        theirs = Lasso(alpha=strength, tol=1e-12).fit(two.x, two.y) if strength else None
        np.testing.assert_allclose(in_diamond, theirs.coef_ if strength else free, atol=1e-6)
        np.testing.assert_allclose(in_disk, Ridge(lam * len(two.x)).fit(two.x, two.y).coef_, rtol=1e-6)
        assert (in_diamond[1] == 0) == zero
        assert in_disk[1] > 0
        shares = np.abs(in_diamond).sum() / np.abs(free).sum(), np.linalg.norm(in_disk) / np.linalg.norm(free)
        np.testing.assert_allclose(*shares, rtol=1e-6)
        assert f"λ = {strength}:" in explorer.axes[0].get_title()
        assert f"λ = {lam:.3g}:" in explorer.axes[1].get_title()


def test_both_shrinkages_follow_their_formulas():
    explorer = ShrinkageFactors(VALUES, lr=0.1, value=0.1)
    explorer.update(0.01)
    l2, stopped = (line.get_ydata() for line in explorer.axes.lines[:2])
    np.testing.assert_allclose(l2, VALUES / (VALUES + 0.01))
    np.testing.assert_allclose(stopped, 1 - (1 - 0.1 * VALUES) ** 1000)
    assert "1000 steps" in explorer.axes.get_title()


def test_no_figure_stays_open_behind_the_widgets(two):
    DiamondAndDisk(two, (5,)).draw(5)
    ShrinkageFactors(VALUES, lr=0.1).draw(0.1)
    assert plt.get_fignums() == []
