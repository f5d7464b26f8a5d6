"""Figures and the widget of chapter 8: labelled, true to what they are given."""

import html
import re
from dataclasses import replace
from pathlib import Path

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from labcode import plots
from labcode.experiments.ledger import read_ledger
from labcode.widgets import TemperatureExplorer

OURS = {
    "tied weights": {"mean": 0.2, "interval": [0.1, 0.3]},
    "weight decay": {"mean": -0.01, "interval": [-0.05, 0.02]},
}
VOCABULARY, LOGITS = ("\N{REPLACEMENT CHARACTER}", "\n", " ", "a", "$"), np.array([-3.0, 1.0, 2.0, 3.0, 0.0])
SAMPLES = {0.5: "a a a", 1.0: "a\na $x$ and a long text that goes on " * 12, 2.0: "$a\n"}
CLAIMS = """
[[claim]]
id = "late"
section = "10.2"
kind = "finding"
sentence = "A claim of a late section, in a sentence that is long enough to need another line on the page."
direction = "lower"
verdict = "undecided (1 place)"
found = [
  { place = "one: b", mean = -0.01, interval = [-0.1, 0.1], says = "open", detectable = 0.14 },
]
[[claim.evidence]]
experiment = "one"
path = ["b"]

[[claim]]
id = "early"
section = "2.1"
kind = "article"
sentence = "It lowers the loss."
direction = "lower"
verdict = "shown in some (1 of 2)"
found = [
  { place = "one: a", mean = -0.2, interval = [-0.3, -0.1], percent = [-10, -15, -5], says = "supports" },
  { place = "one: b", mean = -0.01, interval = [-0.1, 0.1], says = "open", detectable = 0.14 },
]
[[claim.evidence]]
experiment = "one"
path = ["a"]
[[claim.evidence]]
experiment = "one"
path = ["b"]

[[claim]]
id = "same"
section = "2.1"
kind = "article"
sentence = "It changes nothing that matters."
direction = "lower"
margin = 20.0
unit = "% of the reference"
because = "so it was said"
verdict = "equivalent (1 of 1 inside the margin)"
found = [
  { place = "two: b", mean = 0.1, interval = [-0.1, 0.1], percent = [5.0, -5.0, 10.0], says = "inside" },
]
[[claim.evidence]]
experiment = "two"
path = ["b"]
"""


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "claims.toml").write_text(CLAIMS, encoding="utf-8")
    return tmp_path


def test_every_figure_is_labelled(folder):
    drawn = [
        plots.losses_of_models({"a": 2.0, "b": 1.0}, groups={"a": "x", "b": "y"}, unit="bits"),
        plots.next_characters(["a", "\n"], np.array([0.7, 0.3]), context="b\n"),
        *plots.ablation(OURS, {"tied weights": 0.1}, units=("bits", "bits a word")),
        plots.passes_and_mean([1, 2], [2.0, 1.9], off=1.8, single=2.0, unit="bits"),
    ]
    for ax in drawn:
        assert ax.get_xlabel()
        assert any(other.get_ylabel() or other.get_yticklabels() for other in ax.figure.axes)


def test_an_ablation_shows_means_intervals_and_what_is_not_published():
    ours, published = plots.ablation(OURS, {"tied weights": 0.1}, units=("bits", "bits a word"))
    centres = [container.lines[0].get_xydata()[0] for container in ours.containers]
    np.testing.assert_allclose(centres, [[0.2, 0], [-0.01, 1]])
    ends = [container.lines[2][0].get_segments()[0][:, 0] for container in ours.containers]
    np.testing.assert_allclose(ends, [[0.1, 0.3], [-0.05, 0.02]])
    assert [bar.get_width() for bar in published.patches] == [0.1]
    assert [text.get_text().strip() for text in published.texts] == ["not in the table"]
    assert [label.get_text() for label in ours.get_yticklabels()] == list(OURS)
    with pytest.raises(ValueError, match="published"):
        plots.ablation(OURS, {"nonsense": 0.1}, units=("", ""))


def test_characters_that_cannot_be_seen_have_names():
    ax = plots.next_characters(VOCABULARY, np.full(5, 0.2), context="x\ny")
    assert [label.get_text() for label in ax.get_xticklabels()] == ["unknown", "↵", "␣", "a", "$"]
    assert "x↵y" in ax.get_xlabel()


def test_the_ledger_reads_any_file_of_claims_in_the_articles_order(folder):
    claims = read_ledger(folder)
    assert [claim.id for claim in claims] == ["early", "same", "late"]
    table = plots.ledger(claims)
    assert [line.split()[0] for line in repr(table).splitlines()] == ["2.1", "2.1", "10.2"]
    for text in (repr(table), html.unescape(table._repr_html_())):
        for found in (
            "shown in some (1 of 2)",
            "-0.200 [-0.300, -0.100] = -10.0 %",
            "equivalent (1 of 1 inside the margin)",
            "+0.100 [-0.100, +0.100] = +5.0 %",
            "undecided (1 place)",
            "-0.010 [-0.100, +0.100]",
        ):
            assert found in text
    with pytest.raises(ValueError, match=r"claims\.toml"):
        read_ledger(folder / "results")
    with pytest.raises(ValueError, match="at least one claim"):
        plots.ledger([])
    with pytest.raises(ValueError, match="early: expected at least one effect"):
        plots.ledger([replace(claims[0], found=())])


def test_every_claim_is_under_a_choice_of_each_menu_and_every_choice_has_a_claim(folder):
    for claims in (read_ledger(folder), read_ledger()):
        page = plots.ledger(claims)._repr_html_()
        rows = [set(classes.split()) for classes in re.findall(r"<tr class='([^']*)'", page)]
        assert len(rows) == len(claims)
        menus = [re.findall(r"<option value='([^']*)'", menu)[1:] for menu in page.split("<select>")[1:]]
        assert len(menus) == 3
        for choices in menus:
            assert all(row & set(choices) for row in rows)
            for choice in choices:
                assert any(choice in row for row in rows)
                assert f":has(option[value={choice}]:checked) tbody tr:not(.{choice}) " in page
        assert "<script" not in page


def test_the_ledger_leads_to_chapters_and_to_evidence_that_are_there(monkeypatch):
    root = Path(__file__).resolve().parents[2]
    monkeypatch.chdir(root / "notebooks")
    links = set(re.findall(r"<a href='([^']*)'", plots.ledger(read_ledger())._repr_html_()))
    assert {Path(link).suffix for link in links} == {".ipynb", ".json"}
    assert [link for link in links if not (root / "notebooks" / link).exists()] == []


def test_the_widget_shows_softmax_and_the_text_of_its_temperature():
    widget = TemperatureExplorer(LOGITS, VOCABULARY, SAMPLES, context="b", value=1.0)
    for temperature in SAMPLES:
        widget.draw(temperature)
        wanted = np.exp(LOGITS / temperature) / np.exp(LOGITS / temperature).sum()
        shown = [bar.get_height() for bar in widget.axes.patches]
        np.testing.assert_allclose(shown, sorted(wanted, reverse=True))
        assert f"temperature {temperature:g}:" in widget.axes.get_title()
    assert widget._text.get_text() == r"\$a↵ "
    widget.draw(1.0)
    assert len(widget._text.get_text().split("\n")) == 5
    for bad in ({"samples": {}}, {"samples": {0.0: ""}}, {"logits": LOGITS[1:]}, {"value": 3.0}):
        options = {"logits": LOGITS, "vocabulary": VOCABULARY, "samples": SAMPLES, "context": ""} | bad
        with pytest.raises(ValueError, match="expected"):
            TemperatureExplorer(**options)


def test_the_same_temperature_gives_the_same_picture():
    widget = TemperatureExplorer(LOGITS, VOCABULARY, SAMPLES, context="b")
    assert widget.draw(1.0) == widget.draw(1.0) != widget.draw(2.0)
    assert plt.get_fignums() == []
