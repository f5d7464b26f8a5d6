"""Reading and drawing a result whose truth is known: one method helps, one harms, one does nothing."""

import copy
import json

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from evidence_tasks import TOY

from labcode import plots
from labcode.experiments import result_tables
from labcode.experiments.choice import choose, validation_losses
from labcode.experiments.declaration import VARIANTS, read_declaration
from labcode.experiments.effects import clear_side
from labcode.experiments.protocol import Outcome
from labcode.experiments.runs import kept_epoch, make_run
from labcode.experiments.summary import make_result
from labcode.plots.style import printed
from labcode.widgets import MethodExplorer

SHIFT = {"none": 0.0, "l2": -0.3, "max_norm": 0.3, "tar": 0.0, "both": -0.2}
ITEMS, EPOCHS = 40, 6
MORE = """
tar = [1.0, 2.0, 3.0]

[combinations.both]
methods = ["l2", "tar"]
factors = [0.5, 1.0]

[confirm]
task = "evidence_tasks:SIGNAL"
block = 1
"""


class Toy:
    """An experiment on the toy declaration, made of curves that turn at epoch 2 and are shifted by method."""

    def __init__(self, declared):
        self.declared, self.rng = declared, np.random.default_rng(0)
        self.curves, self.choices = {}, {}
        grids = {"none": {0.0: {}}} | {m: {s: {m: s} for s in grid} for m, grid in declared.methods.items()}
        for variant in VARIANTS:
            for label, grid in grids.items():
                self.choose(label, grid, variant)
            around = {method: self.choices[method][variant].strength for method in ("l2", "tar")}
            both = {f: {method: f * s for method, s in around.items()} for f in (0.5, 1.0)}
            self.choose("both", both, variant)

    def records(self, methods):
        return [self.curves[make_run(self.declared, methods, seed)] for seed in range(self.declared.seeds)]

    def choose(self, label, grid, variant):
        for strength, methods in grid.items():
            for seed in range(self.declared.seeds):
                new = self.train(label, seed, SHIFT[label] + 0.01 * (strength == max(grid)))
                if (label, strength, seed) == ("l2", 10.0, 4):
                    new = {"failed": "NaN", "seconds": 0.1, "processor": "none"}
                self.curves.setdefault(make_run(self.declared, methods, seed), new)
        losses = {s: validation_losses(self.records(m), variant, 1) for s, m in grid.items()}
        none = validation_losses(self.records({}), variant, 1)
        self.choices.setdefault(label, {})[variant] = choose(grid, losses, none)

    def train(self, label, seed, shift):
        noise = 0.001 * self.rng.normal(size=EPOCHS)
        validation = 1 + shift + 0.1 * np.abs(np.arange(EPOCHS) - 2) + noise
        train = np.linspace(1, 0.5, EPOCHS) + 0.01 * seed
        found = {"train": train.tolist(), "validation": validation.tolist(), "processor": "none"}
        return found | {"seconds": (3.0 if label == "tar" else 1.0) * (9.0 if seed == 0 else 2.0)}

    def test(self, record, variant):
        epoch = kept_epoch(record["validation"], 1) if variant == "early" else EPOCHS - 1
        losses = record["validation"][epoch] + 0.05 * self.rng.normal(size=ITEMS)
        found = {"epoch": epoch, "seconds": 1.0, "reproduced": True, "test": {"loss": losses.tolist()}}
        return found | {"curves": {split: record[split] for split in ("train", "validation")}}

    def outcome(self):
        found = {
            label: {v: [self.test(r, v) for r in self.records(by[v].methods)] for v in VARIANTS}
            for label, by in self.choices.items()
        }
        tasks = (self.declared.task, self.declared.confirm.task)
        rules = {"zero": [{"test": {"loss": [1.5] * ITEMS}}]}
        return Outcome(self.curves, self.choices, dict.fromkeys(tasks, found), dict.fromkeys(tasks, rules))


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    path = tmp_path_factory.mktemp("reading") / "toy.toml"
    path.write_text(TOY + MORE, encoding="utf-8")
    declared = read_declaration(path)
    return json.loads(json.dumps(make_result(declared, Toy(declared).outcome(), draws=400)))


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.mark.parametrize("where", ["summary", "confirmation"])
def test_differences_are_paired_and_leave_the_reference_out(result, where):
    found = result_tables.differences(result, where=where)
    assert set(found) == {"none_last", "none_early"}
    assert set(found["none_last"]["none"]) == {"early"}
    assert set(found["none_early"]["none"]) == {"last"}
    zero = result_tables.differences(result, where=where, references=["zero"])["zero"]
    assert set(zero["none"]) == set(VARIANTS)
    for variant in VARIANTS:
        losses = result_tables.by_seed(result, variant, where=where)
        for label in ("l2", "max_norm", "both"):
            effect = found[f"none_{variant}"][label][variant]
            np.testing.assert_allclose(effect["by_seed"], losses[label] - losses["none"], atol=2e-4)


def test_what_is_clear_is_named_in_order(result):
    effects = result_tables.differences(result)["none_early"]
    found = result_tables.outcomes(effects, "early")
    assert found == {"lower": ["l2", "both"], "higher": ["max_norm"], "unclear": ["tar"]}
    assert clear_side(effects["none"]["last"]) == "higher"
    assert result_tables.outcomes(effects, "last")["higher"][-1] == "max_norm"


def test_what_is_confirmed_is_clear_on_the_same_side_in_both(result):
    assert result_tables.confirmed(result, "early") == {"lower": ["l2", "both"], "higher": ["max_norm"]}
    other = copy.deepcopy(result)
    other["confirmation"]["methods"]["l2"] = result["summary"]["methods"]["max_norm"]
    other["confirmation"]["methods"]["max_norm"] = result["summary"]["methods"]["tar"]
    assert result_tables.confirmed(other, "early") == {"lower": ["both"], "higher": []}


def test_a_sweep_holds_the_curves_and_what_is_kept_of_them(result):
    l2 = result_tables.sweep(result, "l2")
    assert list(l2) == [1e-3, 1e-1]  # one seed of the third strength failed
    for found in l2.values():
        assert found["train"].shape == found["validation"].shape == (10, EPOCHS)
        np.testing.assert_array_equal(found["last"], found["validation"][:, -1])
        np.testing.assert_array_equal(found["early"], found["validation"].min(axis=1))
    assert list(result_tables.sweep(result, "none")) == [0.0]
    for variant in VARIANTS:
        assert list(result_tables.sweep(result, "both", variant)) == [0.5, 1.0]


def test_seconds_are_relative_and_one_slow_run_does_not_matter(result):
    costs = result_tables.relative_seconds(result)
    assert costs["none"] == (1.0, 1.0, 1.0)
    assert costs["tar"] == (3.0, 3.0, 3.0)
    assert costs["l2"] == (1.0, 1.0, 1.0)


def test_baselines_are_read_with_their_measure(result):
    assert result_tables.baselines(result) == {"zero": 1.5}


@pytest.mark.parametrize(
    "call",
    [
        lambda r: result_tables.differences(r, measure="chrf"),
        lambda r: result_tables.differences(r, where="test"),
        lambda r: result_tables.differences(r, references=["ridge"]),
        lambda r: result_tables.differences(r | {"confirmation": None}, where="confirmation"),
        lambda r: result_tables.confirmed(r | {"confirmation": None}, "last"),
        lambda r: result_tables.by_seed(r, "best"),
        lambda r: result_tables.sweep(r, "dropout"),
        lambda r: result_tables.sweep(r, "l2", "best"),
        lambda r: result_tables.baselines(r, measure="error"),
        lambda r: result_tables.outcomes(result_tables.differences(r)["none_last"], "best"),
        lambda r: plots.effect_forest({}),
        lambda r: plots.effect_forest({"none_last": {"l2": {}}, "none_early": {"l1": {}}}),
        lambda r: plots.losses_beside_rules({}, {}),
        lambda r: plots.training_costs({}),
        lambda r: plots.loss_and_score({}, {}),
        lambda r: plots.loss_and_score({"a": np.ones(3)}, {"a": np.ones(3)}),
        lambda r: plots.loss_and_score({"a": np.ones((2, 3))}, {"a": np.ones((2, 4))}),
        lambda r: plots.confusion(np.ones((2, 3)), ["a", "b"]),
        lambda r: plots.strength_sweep(
            result_tables.sweep(r, "l2"), result_tables.sweep(r, "none")[0.0], 7.0, name="l2"
        ),
        lambda r: MethodExplorer({}, result_tables.sweep(r, "none")[0.0]),
        lambda r: MethodExplorer({"l2": {}}, result_tables.sweep(r, "none")[0.0]),
        lambda r: explorer(r).draw(("l2", 7.0)),
    ],
)
def test_bad_input_says_what_was_expected(result, call):
    with pytest.raises(ValueError, match=r"expected .* received"):
        call(result)


def lines_in(ax, row):
    """Return the lines of a forest that lie in one row."""
    at = [(line, np.unique(line.get_ydata())) for line in ax.lines]
    return [line for line, y in at if len(y) == 1 and abs(y[0] - row) == pytest.approx(0.17)]


def test_the_forest_shows_means_intervals_and_what_is_clear(result):
    effects = result_tables.differences(result)
    last, early = plots.effect_forest(effects)
    labels = [tick.get_text() for tick in last.get_yticklabels()]
    assert labels == [printed(label) for label in effects["none_early"]]
    assert "last epoch" in last.get_title()
    assert "early stopping" in early.get_title()
    assert last.get_xlabel()
    for label, filled in (("l2", True), ("tar", False)):
        interval, marker = lines_in(early, list(effects["none_early"]).index(label))[-2:]
        effect = effects["none_early"][label]["early"]
        np.testing.assert_allclose(interval.get_xdata(), effect["interval"])
        np.testing.assert_allclose(marker.get_xdata(), effect["mean"])
        assert (marker.get_markerfacecolor() != "white") == filled


def test_what_lies_outside_a_panel_is_an_arrow_at_its_edge(result):
    effects = {"none_early": result_tables.differences(result)["none_early"]}
    ax = plots.effect_forest(effects, reach=0.1)[0]
    right = [line for line in ax.lines if line.get_marker() == ">"]
    left = [line for line in ax.lines if line.get_marker() == "<"]
    found = [effect for by in effects["none_early"].values() for effect in by.values()]
    outside = [
        value
        for effect in found
        for value in ([effect["mean"]] if abs(effect["mean"]) > 0.1 else effect["interval"])
        if abs(value) > 0.1
    ]
    assert len(right) + len(left) == len(outside) > 0
    assert {line.get_xdata()[0] for line in right} == {0.1}
    assert ax.get_xlim() == (-0.1, 0.1)


def test_rules_costs_and_confusions_are_labelled(result):
    losses = result_tables.by_seed(result, "early")
    ax = plots.losses_beside_rules(losses, {"zero": 1.5}, unit="loss")
    assert ax.get_xlabel().startswith("loss\n")
    assert "zero: 1.5" in ax.get_legend_handles_labels()[1]
    bars = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "|"]
    np.testing.assert_allclose(bars, [found.mean() for found in losses.values()])
    ax = plots.training_costs(result_tables.relative_seconds(result))
    assert "none = 1" in ax.get_xlabel()
    assert [text.get_text().strip() for text in ax.texts] == ["1.0", "1.0", "1.0", "3.0", "1.0"]
    ax = plots.confusion(np.array([[9, 1], [0, 4]]), ["a", "b"])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("taken for", "right class")
    assert [text.get_text() for text in ax.texts] == ["9", "1", "", "4"]
    np.testing.assert_allclose(np.asarray(ax.images[0].get_array()), [[0.9, 0.1], [0, 1]])


def test_loss_and_score_each_mark_their_own_best_epoch():
    losses = {"none": np.array([[3.0, 1.0, 2.0], [3.0, 1.5, 2.0]]), "other": np.ones((2, 3))}
    scores = {"none": np.array([[1.0, 2.0, 4.0], [1.0, 2.0, 3.0]]), "other": np.ones((2, 3))}
    left, right = plots.loss_and_score(losses, scores, rules={"memory": 5.0})
    for ax, epoch, value in ((left, 1, 1.25), (right, 2, 3.5)):
        assert ax.get_xlabel()
        assert ax.get_ylabel()
        np.testing.assert_allclose(ax.lines[1].get_xydata(), [[epoch, value]])
    (legend,) = left.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [printed("none"), printed("other")]
    assert [text.get_text() for text in right.get_legend().get_texts()] == ["memory: 5.0"]


def explorer(result, **options):
    sweeps = {label: result_tables.sweep(result, label) for label in ("l2", "tar", "both")}
    return MethodExplorer(sweeps, result_tables.sweep(result, "none")[0.0], **options)


def test_the_static_figure_shows_one_strength(result):
    l2, none = result_tables.sweep(result, "l2"), result_tables.sweep(result, "none")[0.0]
    left, right = plots.strength_sweep(l2, none, 0.1, name="l2", unit="cross-entropy")
    np.testing.assert_allclose(left.lines[0].get_ydata(), none["train"].mean(axis=0))
    np.testing.assert_allclose(left.lines[3].get_ydata(), l2[0.1]["validation"].mean(axis=0))
    np.testing.assert_allclose(right.lines[4].get_ydata(), [found["early"].mean() for found in l2.values()])
    np.testing.assert_allclose(right.lines[-1].get_xdata(), 1)
    assert [tick.get_text() for tick in right.get_xticklabels()] == ["0.001", "0.1"]
    assert left.get_ylabel().startswith("cross-entropy")
    low, high = right.get_ylim()
    assert low < min(found["early"].min() for found in l2.values()) < none["last"].max() < high


def test_menu_and_slider_redraw_the_picture(result):
    made = explorer(result)
    assert made.value[0] == "l2"
    controls, _, picture = made.widget().children
    menu, slider = controls.children
    before = picture.value
    slider.value = next(s for s in (1e-3, 1e-1) if s != slider.value)
    assert picture.value != before
    assert bytes(picture.value) == made.draw(("l2", slider.value))
    menu.value = "tar"
    assert [value for _, value in slider.options] == [1.0, 2.0, 3.0]
    assert slider.value == made.best("tar")[1]
    assert bytes(picture.value) == made.draw(("tar", slider.value))
    menu.value, slider.value = "both", 0.5
    assert bytes(picture.value) == made.draw(("both", 0.5))
    assert made.axes[0].get_title().startswith("0.5: ")
