"""The built notebooks against their sources and the course's rules, without executing anything."""

import functools
import re
import statistics
from collections import Counter
from pathlib import Path

import jupytext
import nbformat
import pytest
from jupytext.config import load_jupytext_configuration_file

from tools import pages
from tools.build import content_hash, superfluous
from tools.execute import output_text
from tools.sources import INSTALL, draft_cells, targets

ROOT = Path(__file__).resolve().parents[2]
TARGETS = targets(ROOT)
CHAPTERS = [target for target in TARGETS if target.folder == "notebooks" and target.name not in pages.PAGES]
EXERCISES = [target for target in TARGETS if target.folder == "exercises"]
SOLUTIONS = [target for target in TARGETS if target.folder == "solutions"]
SOURCES = sorted({target.source for target in TARGETS})

OUTLINE = {  # the article's sections, by chapter
    "01_background": ["1", "1.1", "1.2"],
    "02_core_concepts": ["2", "2.1", "2.2"],
    "03_1-2_penalties": ["3", "3.1", "3.2"],
    "03_3-4_dropout": ["3.3", "3.4"],
    "03_5-6_constraints_and_stopping": ["3.5", "3.6"],
    "04_1_sparsity": ["4", "4.1"],
    "04_2-3_weight_decay": ["4.2", "4.3"],
    "05_1-2_keras": ["5", "5.1", "5.2"],
    "05_3_project": ["5.3"],
    "06_1_text": ["6", "6.1"],
    "06_2_translation": ["6.2"],
    "06_3_speech": ["6.3"],
    "06_4_stocks": ["6.4"],
    "06_5_weather": ["6.5"],
    "07_tools": ["7"],
    "09_1_choosing": ["9", "9.1"],
    "09_2-3_diagnosing": ["9.2", "9.3"],
    "08_outlook": ["8"],
}

BLOCK = re.compile(r"^[ \t]*#+ ?BEGIN SOLUTION.*?END SOLUTION[ \t]*$", re.DOTALL | re.MULTILINE)
BLANK = r'[ \t]*raise NotImplementedError\("[^"\n]{10,90}"\)'
LINK = re.compile(r"\]\(([^)\s]+)|(?:src|href)=[\"']([^\"']+)")
MACHINE_PATH = re.compile(r"(?<![\w.])(?:/(?:home|root|Users|tmp|var|opt|usr|private)/|[A-Z]:\\)")

each = functools.partial(pytest.mark.parametrize, "target", ids=str)


@functools.cache
def built(target):
    if not target.path.exists():
        pytest.skip("not built: a failure of its own")
    return nbformat.read(target.path, as_version=4)


@functools.cache
def source_cells(path):
    cells = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent").cells
    for cell in cells:
        if "guard" in cell.metadata.get("tags", []):
            cell.source = f"{pages.GUARD}\n{cell.source}"
    code_cells = [cell for cell in cells if cell.cell_type == "code"]
    if any("labcode" in cell.source for cell in code_cells):
        code_cells[0].source = f"{INSTALL}\n{code_cells[0].source}"
    return cells


def code(cells):
    return [cell.source for cell in cells if cell.cell_type == "code"]


def text(cells):
    return [cell.source for cell in cells if cell.cell_type == "markdown"]


def test_the_course_has_the_chapters_of_the_outline():
    assert {target.name for target in CHAPTERS} == set(OUTLINE)


def test_every_source_is_built_and_nothing_else_is_there():
    missing = [str(target) for target in TARGETS if not target.path.exists()]
    assert not missing, f"run `python course.py build`; missing: {missing}"
    assert superfluous(ROOT, TARGETS) == []


@each(argvalues=TARGETS)
def test_a_notebook_is_valid_and_as_it_was_built(target):
    nb = built(target)
    nbformat.validate(nb)
    assert (nb.nbformat, nb.nbformat_minor) == (4, 5)
    assert nb.metadata.course.source == target.source.relative_to(ROOT).as_posix()
    assert content_hash(nb) == nb.metadata.course.content, f"edited by hand; edit {nb.metadata.course.source}"


@each(argvalues=TARGETS)
def test_the_text_is_the_sources_with_what_the_build_adds(target):
    *cells, last = built(target).cells
    assert "Contents](" in last.source or target.name == pages.CONTENTS
    link, made = (
        re.compile(rf"\[([^\]]+)\]\({pages.glossary.PAGE}\.ipynb#[^)]+\)"),
        {"contents", "glossary", "quiz"},
    )
    for number, (cell, source) in enumerate(zip(cells, source_cells(target.source), strict=True)):
        if cell.cell_type == "code" or made & set(source.metadata.get("tags", [])):
            continue
        written = cell.source.rpartition("\n\n")[0] if number == 0 else cell.source
        assert link.sub(r"\1", written) == link.sub(r"\1", source.source)


@each(argvalues=TARGETS)
def test_the_cells_are_what_the_build_would_make_today(target):
    made = draft_cells(target, target.source.read_text(encoding="utf-8"))
    assert [cell.source for cell in built(target).cells] == [cell.source for cell in made]


@each(argvalues=CHAPTERS)
def test_a_chapters_code_is_the_sources(target):
    assert code(built(target).cells) == code(source_cells(target.source))


@each(argvalues=SOLUTIONS)
def test_a_solutions_code_is_the_sources_without_markers(target):
    wanted = [
        re.sub(r"^[ \t]*#+ ?(BEGIN|END) SOLUTION[ \t]*(\n|$)", "", s, flags=re.MULTILINE)
        for s in code(source_cells(target.source))
    ]
    assert [s.rstrip("\n") for s in code(built(target).cells)] == [s.rstrip("\n") for s in wanted]


@each(argvalues=EXERCISES)
def test_an_exercises_code_is_the_sources_with_blanks(target):
    for source, blank in zip(code(source_cells(target.source)), code(built(target).cells), strict=True):
        assert re.fullmatch(BLANK.join(map(re.escape, BLOCK.split(source))), blank), blank


@each(argvalues=EXERCISES)
def test_an_exercise_gives_nothing_away(target):
    source = target.source.read_text(encoding="utf-8")
    public = {line.strip() for line in BLOCK.sub("", source).splitlines()}
    hidden = {line.strip() for block in BLOCK.findall(source) for line in block.splitlines()[1:-1]}
    secret = {line.removeprefix("return ") for line in hidden - public}
    shown = "\n".join(cell.source for cell in built(target).cells)
    assert secret, "an exercise without a blank"
    assert [line for line in secret if len(line) > 6 and line in shown] == []
    assert "SOLUTION" not in shown
    for cell in built(target).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
        if cell.cell_type == "code" and "NotImplementedError" in cell.source:
            assert "raises-exception" in cell.metadata.tags
            assert cell.metadata.nbgrader.solution


@each(argvalues=EXERCISES)
def test_every_blank_has_a_check_and_a_grade_id_of_its_own(target):
    graded = [cell.metadata.nbgrader for cell in built(target).cells if "nbgrader" in cell.metadata]
    assert len({meta.grade_id for meta in graded}) == len(graded)
    assert [meta.solution for meta in graded] == [True, False] * (len(graded) // 2)
    assert all(meta.points > 0 for meta in graded if meta.grade)


@each(argvalues=EXERCISES)
def test_an_exercises_tasks_are_marked_and_their_minutes_add_up(target):
    prose = "\n".join(text(source_cells(target.source)))
    numbers = re.findall(r"^## Task (\d+): ", prose, re.MULTILINE)
    marks = re.findall(r"^\*Difficulty (●○○|●●○|●●●) · (\d+) minutes\*$", prose, re.MULTILINE)
    assert list(map(int, numbers)) == list(range(1, len(marks) + 1))
    (total,) = re.findall(r"\*\*Time:\*\*\s+about (\d+) minutes", prose)
    assert sum(int(minutes) for _, minutes in marks) == int(total)
    grades = [dots.count("●") for dots, _ in marks]
    assert len(grades) >= (5 if target.name.startswith(("02", "03", "04")) else 3)
    assert grades == sorted(grades), "tasks rise in difficulty"


@each(argvalues=CHAPTERS + SOLUTIONS)
def test_an_executed_notebook_ran_from_top_to_bottom(target):
    cells = [cell for cell in built(target).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        errors = [output_text(output) for output in cell.outputs if output.output_type == "error"]
        assert not errors or "raises-exception" in cell.metadata.get("tags", [])


@each(argvalues=SOLUTIONS)
def test_a_solution_is_solved(target):
    for cell in built(target).cells:
        assert "SOLUTION" not in cell.source
        assert cell.cell_type != "code" or "NotImplementedError" not in cell.source
        assert "raises-exception" not in cell.metadata.get("tags", [])


@each(argvalues=CHAPTERS)
def test_a_chapter_follows_the_article_and_says_how_long_it_takes(target):
    prose = "\n".join(text(built(target).cells))
    sections = re.findall(r"^## (\d+(?:\.\d+)*)\.? ", prose, re.MULTILINE)
    assert sections == OUTLINE[target.name]
    assert re.search(r"\b\d+ minutes\b", text(built(target).cells)[0])


@each(argvalues=TARGETS)
def test_one_title(target):
    prose = re.sub(r"^```.*?^```", "", "\n".join(text(built(target).cells)), flags=re.DOTALL | re.MULTILINE)
    assert len(re.findall(r"^# ", prose, re.MULTILINE)) == 1


@each(argvalues=[target for target in TARGETS if target.name != pages.glossary.PAGE])
def test_code_cells_are_short_and_plain(target):
    sources = [source.removeprefix(f"{INSTALL}\n") for source in code(built(target).cells)]
    lengths = [len(source.removeprefix(f"{pages.GUARD}\n").splitlines()) for source in sources]
    longest = sources[lengths.index(max(lengths))]
    assert max(lengths) <= 20, longest
    assert statistics.mean(lengths) <= 8 or target.name in pages.PAGES
    assert not any(source.startswith("%%") for source in sources)
    assert not any("../" in source for source in sources), "a copy in work/ has other neighbours"


def test_no_code_is_copied_within_or_between_sources():
    sources = (source for path in SOURCES for source in code(source_cells(path)))
    cells = Counter(source.removeprefix(f"{INSTALL}\n") for source in sources)
    assert [source for source, count in cells.items() if count > 1 and len(source.splitlines()) > 3] == []


@each(argvalues=TARGETS)
def test_links_lead_somewhere_in_the_course_and_in_its_copy(target):
    folders = ["notebooks", "exercises", "solutions"]  # what work/ holds
    for prose in text(built(target).cells):
        for link in (a or b for a, b in LINK.findall(prose)):
            if re.match(r"[a-z]+:|#", link):
                continue
            path = (target.path.parent / link.partition("#")[0]).resolve()
            assert path.is_file(), f"{link} in {target}"
            assert path.parent.name in folders, f"{link} in {target} leaves work/"


@each(argvalues=TARGETS)
def test_nothing_of_the_builders_machine_or_desk_is_left(target):
    for cell in built(target).cells:
        shown = [output_text(output) for output in cell.get("outputs", [])]
        shown += ["\n".join(output.get("traceback", [])) for output in cell.get("outputs", [])]
        for found in map(MACHINE_PATH.search, shown):
            assert found is None, found
        assert str(ROOT) not in "\n".join(shown)
        assert not re.search(r"TODO|FIXME|PLACEHOLDER", cell.source)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_jupyterlab_saves_a_source_as_it_is(path):
    config = load_jupytext_configuration_file(str(ROOT / "source" / "jupytext.toml"))
    before = path.read_text(encoding="utf-8")
    nb = jupytext.reads(before, fmt="py:percent", config=config)
    nb.metadata |= {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    for cell in nb.cells:
        cell.metadata |= {"trusted": True, "collapsed": False}
    assert jupytext.writes(nb, fmt="py:percent", config=config) == before
