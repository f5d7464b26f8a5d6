"""What the build adds to every page: links that lead on, quizzes, folded guards, a glossary."""

import functools
import re
import shutil
from pathlib import Path

import pytest

from labcode.check.course_map import EXERCISES
from tools import pages, quiz
from tools.exercise import SourceError
from tools.glossary import NOT_PLAIN, PAGE, Term, linker, page, read_glossary
from tools.process import CourseError
from tools.sources import Target, draft_cells, targets
from tools.workspace import FOLDERS

ROOT = Path(__file__).resolve().parents[2]
TARGETS = targets(ROOT)
CHAPTERS = [one for one in TARGETS if one.folder == "notebooks" and one.name not in pages.PAGES]
LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
TERMS = read_glossary(ROOT / "source" / "glossary.toml")

each = functools.partial(pytest.mark.parametrize, "target", ids=str)


@functools.cache
def cells(target):
    """The cells of a notebook as they will be built."""
    return draft_cells(target, target.source.read_text("utf-8"))


def prose(target):
    return [cell.source for cell in cells(target) if cell.cell_type == "markdown"]


def bar(target):
    """The links under a page's head, by their text."""
    return dict(LINK.findall(prose(target)[0].rpartition("\n\n")[2]))


def test_the_one_list_of_the_course_names_every_source_once():
    path = [entry.name for entry in pages.Course(ROOT).path]
    assert sorted(path) == sorted({one.name for one in TARGETS} - {PAGE})
    assert path[0] == pages.CONTENTS


@each(argvalues=TARGETS)
def test_every_page_says_where_one_can_go(target):
    assert prose(target)[0].endswith(prose(target)[-1].removeprefix("---\n\n"))
    exercise = next((one for one in EXERCISES if target.name in (one.page, *one.chapters)), None)
    wanted = {"notebooks/00_contents", "notebooks/00_glossary"}
    if exercise:
        wanted |= {f"exercises/{exercise.page}", f"solutions/{exercise.page}"}
    found = {(target.path.parent / link).resolve() for link in bar(target).values()}
    assert {ROOT / f"{name}.ipynb" for name in wanted} - {target.path} <= found
    assert target.path not in found
    assert len(found) == len(bar(target))


@each(argvalues=TARGETS)
def test_links_between_pages_hold_in_the_course_and_in_work(target):
    named = {one.path for one in TARGETS}
    for text in prose(target):
        for _, link in LINK.findall(NOT_PLAIN.sub(lambda found: found[0] if "](" in found[0] else "", text)):
            if re.match(r"[a-z]+:|#", link):
                continue
            path = (target.path.parent / link.partition("#")[0]).resolve()
            assert path in named, link
            assert path.parent.name in FOLDERS, "copied into work/, under the same name"


def test_next_leads_through_the_whole_course():
    by_path = {one.path: one for one in TARGETS}
    here, seen = by_path[ROOT / "notebooks" / f"{pages.CONTENTS}.ipynb"], []
    while here:
        seen.append(here.name)
        bar_text = prose(here)[0].rpartition("\n\n")[2]
        onward = re.search(r"\]\(([^)]+)\) →", bar_text)
        here = by_path[(here.path.parent / onward[1]).resolve()] if onward else None
    assert seen == [entry.name for entry in pages.Course(ROOT).path]


def test_the_contents_name_all_pages_and_a_core_path_of_about_eight_hours():
    text = "\n".join(prose(Target(ROOT, "notebooks", pages.CONTENTS)))
    links = {link for _, link in LINK.findall(text)}
    assert {f"{one.name}.ipynb" for one in CHAPTERS} <= links
    assert {f"../exercises/{one.page}.ipynb" for one in EXERCISES} <= links
    entries = [entry for entry in pages.Course(ROOT).path if entry.name not in pages.PAGES]
    assert all(entry.minutes for entry in entries)
    assert 7 <= sum(entry.minutes for entry in entries if entry.is_core) / 60 <= 9
    assert sum("●" in line for line in text.splitlines() if line.startswith("| ")) >= sum(
        e.is_core for e in entries
    )


# Tags


TOY = '# %% [markdown]\n# # Toy\n\n# %% tags=["{tag}"]\nassert 1 + 1 == 2\n'


def toy(root, text):
    (root / "source" / "chapters").mkdir(parents=True, exist_ok=True)
    target = Target(root, "notebooks", "01_toy")
    target.source.write_text(text, "utf-8")
    return draft_cells(target, text)


def test_a_guard_is_folded_and_says_what_it_is_and_still_runs(tmp_path):
    _, guard = toy(tmp_path, TOY.format(tag="guard"))
    assert guard.metadata == {"tags": ["guard"], "jupyter": {"source_hidden": True}}
    assert guard.source == f"{pages.GUARD}\nassert 1 + 1 == 2"
    _, plain = toy(tmp_path, TOY.format(tag="raises-exception"))
    assert plain.metadata == {"tags": ["raises-exception"]}


def test_an_unknown_tag_is_an_error(tmp_path):
    with pytest.raises(
        SourceError, match=r"source/chapters/01_toy.py: cell 2: unknown tag 'gaurd'; known are core"
    ):
        toy(tmp_path, TOY.format(tag="gaurd"))


# Quizzes


QUIZ = """## Quiz

**1.** Which of *two*,
both `x < 1`?

- [ ] The first, `x < 1`
  and $a_1$.
  > Too *small*.
- [x] The second.
  > Since
  > so.

**2.** And now?

- [x] Yes.
  > Yes.
- [ ] No.
  > No.
"""


def test_a_quiz_unfolds_without_a_script():
    text = quiz.render(QUIZ, "here")
    assert text.count("<details><summary>") == text.count("</summary>") == text.count("</details>") == 4
    assert "**1.** Which of *two*,\nboth `x < 1`?\n\n" in text
    assert (
        "<summary>a) The first, <code>x &lt; 1</code> and $a_1$.</summary>\n\n**Not quite.** Too *small*.\n\n"
        in text
    )
    assert "<summary>b) The second.</summary>\n\n**Right.** Since\nso.\n\n</details>" in text
    assert "[x]" not in text


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("- [ ] No", "- [x] No", "question 2: .* received 2, 2 of them right"),
        ("- [x] Yes", "- [ ] Yes", "question 2: .* received 2, 0 of them right"),
        ("  > No.\n", "", "question 2: no reason .* 'No.'"),
        ("- [ ] No.\n  > No.\n", "", "question 2: .* received 1"),
        ("**2.**", "**3.**", "expected question 2, received 3"),
        (QUIZ, "## Quiz", "a quiz without a question"),
    ],
)
def test_a_quiz_that_breaks_a_rule_is_named(old, new, fault):
    with pytest.raises(SourceError, match=f"here: {fault}"):
        quiz.render(QUIZ.replace(old, new), "here")


# Glossary


def test_the_glossary_has_sixty_terms_in_two_languages_and_chapters_that_use_them():
    assert len(TERMS) >= 60
    chapters = {entry.name: entry.text.lower() for entry in pages.Course(ROOT).path}
    for term in TERMS:
        assert re.search(r"[\u4e00-\u9fff]", term.zh_says), term.name
        assert term.says.endswith(".")
        assert len(re.findall(r"(?<!\d)\. ", term.says)) == 0, "one sentence"
        words = [" ".join(form.split()).lower() for form in (term.name, *term.also)]
        text = " ".join(chapters[term.chapter].replace("\n#", " ").split())
        assert any(word in text for word in words), f"{term.name} does not occur in {term.chapter}"


@each(argvalues=CHAPTERS)
def test_no_term_is_used_in_a_chapter_before_it_links_to_its_meaning(target):
    anchors = set(re.findall(r"^### (.+)$", "\n".join(prose(Target(ROOT, "notebooks", PAGE))), re.MULTILINE))
    tagged = [set(cell.metadata.get("tags", [])) for cell in cells(target) if cell.cell_type == "markdown"]
    text = "\n\n".join(t for t, tags in zip(prose(target), tagged, strict=True) if "quiz" not in tags)
    links = re.findall(rf"\]\({PAGE}\.ipynb#([^)]+)\)", text)
    assert {link.replace("-", " ") for link in links} <= {anchor.replace("-", " ") for anchor in anchors}
    assert len(links) == len(set(links)), "the first use alone"
    for term in TERMS:
        before = text.partition(f"]({PAGE}.ipynb#{term.anchor})")[0].rpartition("[")[0] or text
        if term.anchor not in links:
            before = text
        plain = " ".join(NOT_PLAIN.sub(" ¦ ", before).split())
        longer = [
            f for other in TERMS for f in other.forms if term.name.lower() in f.lower() and other is not term
        ]
        for form in longer:
            plain = re.sub(re.escape(form), "¦", plain, flags=re.IGNORECASE)
        if term.name.islower() and term.link:
            assert not re.search(rf"(?<![\w-]){re.escape(term.name)}(?![\w-])", plain), (
                f"{term.name} without a link"
            )


GATE = Term("gate", "Says.", "01_a", "门", "句。", also=("valve",))
BOTH = (GATE, Term("forget gate", "Forgets.", "01_a", "遗忘门", "句。"))


@pytest.mark.parametrize(
    ("text", "linked"),
    [
        ("A gate, a gate.", "A [gate](G#gate), a gate."),
        ("Gates open.", "[Gates](G#gate) open."),
        ("The forget\ngate and a gate.", "The [forget\ngate](G#forget-gate) and a [gate](G#gate)."),
        ("A valve.", "A [valve](G#gate)."),
        ("`gate`, $gate$, [gate](x), # gate", "`gate`, $gate$, [gate](x), # [gate](G#gate)"),
        ("# A gate\n\nIt is a gate", "# A gate\n\nIt is a [gate](G#gate)"),
        ("```\ngate\n```\ngated, investigate, gate-like", None),
        ("<details><summary>gate</summary>\n\ngate", "<details><summary>gate</summary>\n\n[gate](G#gate)"),
    ],
)
def test_the_first_plain_use_links_and_nothing_else(text, linked):
    assert linker(BOTH)(text) == (linked or text).replace("(G#", f"({PAGE}.ipynb#")


def test_what_was_linked_in_one_cell_is_plain_in_the_next():
    link = linker(BOTH)
    assert "](" in link("a gate")
    assert link("a gate") == "a gate"


def test_the_page_holds_both_languages_and_a_link_to_the_chapter():
    text = page([GATE], lambda name: "Chapter 1")
    assert text == "### gate\n\n门 · [Chapter 1](01_a.ipynb)\n\nSays.\n\n句。"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("zh = ", "cn = "), "'a' lacks zh"),
        (("name = ", 'sign = "x"\nname = '), "'a': .*sign"),
        (
            ("", '[[term]]\nname="b"\nalso=["A"]\nsays="."\nchapter="c"\nzh="d"\nzh_says="e"\n'),
            "a named twice",
        ),
    ],
)
def test_a_faulty_entry_is_named(tmp_path, change, fault):
    entry = '[[term]]\nname = "a"\nsays = "."\nchapter = "c"\nzh = "d"\nzh_says = "e"\n'
    old, new = change
    (tmp_path / "glossary.toml").write_text(entry.replace(old, new, 1) if old else new + entry, "utf-8")
    with pytest.raises(CourseError, match=fault):
        read_glossary(tmp_path / "glossary.toml")


def test_a_course_without_a_list_has_no_bar(tmp_path):
    (first, *_) = toy(tmp_path, TOY.format(tag="guard"))
    assert first.source == "# Toy"
    shutil.rmtree(tmp_path)
