"""The book's pages before Sphinx has them: what is left out, what is folded, where links lead."""

import ast
import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from nbformat import v4
from PIL import Image

from tools.book import lists, pages, slides, widgets
from tools.pages import Course, Entry
from tools.process import CourseError
from tools.sources import INSTALL

ROOT = Path(__file__).resolve().parents[2]
BIB = ROOT / "source" / "references.bib"
ENTRY = Entry("ex01_toy", "exercises", "# # Exercise 1: toys\n# About 45 minutes")


def png(colour=(200, 30, 30)):
    written = io.BytesIO()
    Image.new("RGB", (8, 6), colour).save(written, "PNG")
    return written.getvalue()


def figure(alt):
    data = {pages.PICTURE: base64.b64encode(png()).decode(), "text/plain": alt}
    return v4.new_output("display_data", data=data, metadata={pages.PICTURE: {"alt": alt}})


def notebook(*cells):
    return v4.new_notebook(cells=list(cells))


@pytest.fixture
def pictures(tmp_path):
    return pages.Pictures(tmp_path / "pictures")


def test_a_chapter_loses_what_is_not_for_readers_and_keeps_its_figure_with_alt_text(pictures):
    links = "[Contents](00_contents.ipynb) · [x](y.ipynb)"
    head = v4.new_markdown_cell(f"# Chapter 1: toys\n\n*Text.*\n\n{links}")
    shown = v4.new_code_cell(f"{INSTALL}\nimport labcode", outputs=[figure('a "red" field')])
    guard = v4.new_code_cell("assert True", metadata={"tags": ["guard"]})
    widget = v4.new_code_cell("Toy().widget()")
    page = pages.chapter(notebook(head, shown, guard, widget), ENTRY, "01_toy", pictures, ["<b>player</b>"])
    text, code, moved = page.cells
    assert "Contents" not in text.source
    assert "work/notebooks/01_toy.ipynb" in text.source
    assert code.source == "import labcode"
    (output,) = code.outputs
    assert 'alt="a &quot;red&quot; field"' in output.data["text/html"]
    (kept,) = pictures.folder.iterdir()
    assert f"../pictures/{kept.name}" in output.data["text/html"]
    assert moved.outputs[0].data["text/html"] == "<b>player</b>"


def test_a_picture_is_kept_once_and_looks_the_same(pictures):
    first, again, other = (pictures.keep(png(c)) for c in ((200, 30, 30), (200, 30, 30), (0, 0, 0)))
    assert first == again != other
    with Image.open(pictures.folder / first) as kept:
        np.testing.assert_array_equal(np.asarray(kept.convert("RGB")), np.full((6, 8, 3), (200, 30, 30)))


def test_an_exercise_has_its_solution_folded_below_the_blank(pictures):
    head = v4.new_markdown_cell("# Exercise 1: toys")
    blank = v4.new_code_cell("def f():\n    raise NotImplementedError")
    solved = v4.new_code_cell("def f():\n    return 1")
    check = v4.new_code_cell("check.f(f)")
    answered = v4.new_code_cell("check.f(f)", outputs=[v4.new_output("stream", name="stdout", text="Right.")])
    page = pages.exercise(notebook(head, blank, check), notebook(head, solved, answered), ENTRY, pictures)
    kinds = [cell.cell_type for cell in page.cells]
    assert kinds == ["markdown", "code", "markdown", "code", "markdown"]
    assert "return 1" not in page.cells[1].source
    assert "<details" in page.cells[2].source
    assert "return 1" in page.cells[2].source
    assert "Right." in page.cells[4].source


def test_links_lead_to_pages_or_to_the_public_source_or_are_words():
    text = "[s](../solutions/ex01_a.ipynb) [c](01_b.ipynb#d) [f](../evidence/claims.toml) [w](https://a.b/c)"
    nowhere = pages.links(text, "notebooks", Course(ROOT), lambda path: None)
    assert nowhere == "[s](../exercises/ex01_a.ipynb) [c](01_b.ipynb#d) f [w](https://a.b/c)"
    public = pages.links(text, "notebooks", Course(ROOT), lambda path: f"https://host/{path}")
    assert "[f](https://host/evidence/claims.toml)" in public


# Interactive figures


def needed(text, wanted):
    statements = widgets.needed(ast.parse(text).body, ast.parse(wanted, mode="eval").body)
    return [ast.unparse(statement) for statement in statements]


def test_a_figure_takes_what_it_reads_and_nothing_else():
    text = "import numpy as np\nx = np.ones(3)\ny = 2\nprint(x)\nassert len(x)\nz = x * 2"
    assert needed(text, "f(z)") == ["import numpy as np", "x = np.ones(3)", "z = x * 2"]


def test_a_figure_takes_what_changes_the_values_that_it_reads():
    text = "a = []\nb = {}\nfor n in range(3):\n    a.append(n)\nb['k'] = 1\na = a + [1]\nc = 3\nb.x.add(c)"
    assert needed(text, "f(a)") == ["a = []", "for n in range(3):\n    a.append(n)", "a = a + [1]"]
    assert needed(text, "f(b)") == ["b = {}", "b['k'] = 1", "c = 3", "b.x.add(c)"]


def test_names_of_a_loop_and_of_inner_scopes_are_not_taken_for_those_outside():
    text = "name = slow()\nx = [1]\nfor name in x:\n    print(name)\ny = {name: k for name, k in x}"
    assert needed(text, "f(y, [k for k in y])") == ["x = [1]", "y = {name: k for name, k in x}"]
    text = "k = 1\ndef g(v):\n    k2 = k + v\n    return k2\nk2 = slow()\nv = 1"
    assert needed(text, "g(2)") == ["k = 1", "def g(v):\n    k2 = k + v\n    return k2"]


def test_modules_are_not_changed_by_their_functions():
    assert needed("import numpy as np\nnp.testing.assert_equal(1, 1)", "np.ones(2)") == ["import numpy as np"]


def test_a_program_ends_with_the_figure_and_knows_earlier_cells():
    nb = notebook(
        v4.new_code_cell("from labcode import plots\nn = 2"),
        v4.new_code_cell("toy = Toy(n)\ntoy.widget()"),
        v4.new_code_cell("m = 3\nToy(\n    m, value=n\n).widget()"),
    )
    assert list(widgets.programs(nb)) == ["n = 2\ntoy = Toy(n)\ntoy", "n = 2\nm = 3\nToy(m, value=n)"]


class Toy:
    def frames(self):
        states = [(f"n {n}, word <{w}>", png((n, 0, 0)), f"alt {n}") for n in (1, 2) for w in "ab"]
        return {"n": (["1", "2"], 1), "word": (["<a>", "<b>"], 0)}, states


def test_a_player_holds_every_state_and_each_picture_once(pictures):
    html = widgets.player(Toy(), pictures)
    assert html.count("</script") == 1
    told = json.loads(re.search(r'json">(.*)</script>', html)[1])
    assert [len(told[key]) for key in ("pictures", "alts", "states")] == [2, 2, 4]
    assert told["states"][2] == [1, "n 2, word <a>", 1]
    assert 'alt="alt 2"' in html
    assert 'value="1"' in html


def test_the_script_of_the_book_is_small():
    script = ROOT / "tools" / "book" / "static" / "player.js"
    assert script.stat().st_size < 10_000


# Slides


def tagged(source):
    return v4.new_markdown_cell(source, metadata={"tags": ["slide"]})


def test_a_slide_shows_what_is_short_and_its_notes_hold_the_rest_with_the_answer(pictures):
    before = v4.new_markdown_cell("before the first slide")
    first = tagged("# Chapter 1\n\nWords to say, [linked](x.ipynb).\n\n- one\n- two\n\n**Question.** Why?")
    answer = v4.new_markdown_cell("Because of `$x$`.")
    shown = v4.new_code_cell("draw()", outputs=[figure("curves")])
    second = tagged("Only words.")
    quiz = v4.new_markdown_cell("## Quiz", metadata={"tags": ["quiz"]})
    made = slides.slides(notebook(before, first, shown, answer, second, quiz), pictures).cells
    kinds = [cell.metadata.slideshow.slide_type for cell in made]
    assert kinds == ["slide", "notes"] * 2
    assert made[0].source.startswith("# Chapter 1\n\n- one\n- two\n\n**Question.** Why?\n\n<img")
    assert 'alt="curves"' in made[0].source
    assert made[1].source == "Words to say, linked.\n\nBecause of `$x$`."
    assert made[2].source == "# Chapter 1\n\nOnly words."
    assert made[3].source == "Only words."


def test_chapter_1_is_a_pattern_of_fifteen_to_twenty_five_slides():
    text = (ROOT / "source" / "chapters" / "01_background.py").read_text(encoding="utf-8")
    assert 15 <= len(re.findall(r"^# %%.*\"slide\"", text, re.MULTILINE)) <= 25


# References


def test_every_address_that_a_chapter_names_is_a_reference_and_the_other_way_round():
    sources = (ROOT / "source").rglob("*.py")
    named = {url for path in sources for url in lists.ADDRESS.findall(path.read_text(encoding="utf-8"))}
    assert named == {one.url for one in lists.read_references(BIB)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@misc{a,\n  title = {A},\n}\n", "expected .*url.* received"),
        ("@article{a,\n  title = {A},\n  url = {u},\n}\n", "expected .*author"),
        ("@misc{a,\n  title = {A},\n  url = {u},\n}\n" * 2, "u twice"),
    ],
)
def test_a_reference_that_lacks_something_is_refused(tmp_path, text, message):
    (tmp_path / "r.bib").write_text(text, encoding="utf-8")
    with pytest.raises(CourseError, match=message):
        lists.read_references(tmp_path / "r.bib")


def test_a_reference_names_its_authors_and_the_chapters_that_cite_it():
    one = lists.Reference("T", "https://u", "A and B and C", "2020", "V")
    assert one.line == "A, B and C (2020). [T](https://u). V"
    page = lists.references([one], {"01_background": "see [T](https://u)"}, Course(ROOT))
    assert "[Chapter 1](notebooks/01_background.ipynb)" in page


def test_the_reference_pages_hold_every_public_module_once():
    named = re.findall(r"automodule:: (\S+)", "\n".join(lists.api(ROOT).values()))
    assert len(named) == len(set(named))
    assert {"labcode.penalties", "labcode.lstm.module", "labcode.check.progress"} <= set(named)
    assert not any("._" in name or "solutions" in name for name in named)
