"""teaching/: minutes that add up, short notebooks that run, parts that are what the sources give."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from labcode.check.course_map import EXERCISES
from tools import commands, teaching, workshop
from tools.needed_code import needed
from tools.plans import LEVELS, read_plans, sections
from tools.process import CourseError

ROOT = Path(__file__).resolve().parents[2]
PAGES = teaching.Pages(ROOT)
TEACHING = sorted((ROOT / "teaching").glob("*.md"))
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]+)")

each_plan = pytest.mark.parametrize("plan", PAGES.plans, ids=lambda plan: plan.level)


def chosen(plan):
    return {name: plan.chosen(found) for name, found in PAGES.sections.items() if plan.chosen(found)}


# Minutes


@each_plan
def test_the_minutes_of_a_plan_add_up_and_leave_a_reserve(plan):
    slots = teaching.rows(PAGES, plan)
    assert sum(minutes for minutes, _, _ in slots) == plan.minutes
    assert all(minutes > 0 for minutes, _, _ in slots)
    breaks = sum(plan.breaks.values())
    assert 0.06 <= slots[-1][0] / (plan.minutes - breaks) <= 0.15


@each_plan
def test_what_a_plan_names_belongs_to_it(plan):
    headings = [section.heading for found in chosen(plan).values() for section in found]
    assert all(headings.count(late) == 1 for late in plan.late)
    assert set(plan.breaks) <= set(chosen(plan))


@pytest.mark.parametrize("name", PAGES.sections)
def test_a_pages_sections_take_the_minutes_of_its_head(name):
    found = PAGES.sections[name]
    assert abs(sum(one.minutes for one in found) - PAGES.entries[name].minutes) <= len(found) / 2


def test_a_longer_plan_has_all_of_a_shorter_one():
    sets = [{id(one) for found in chosen(plan).values() for one in found} for plan in PAGES.plans]
    assert sets[0] < sets[1] < sets[2]


def page(*cells):
    made = [v4.new_markdown_cell("# A page\n\nAbout 10 minutes.")]
    for text, tag in cells:
        new = v4.new_markdown_cell if text.startswith("#") or " " not in text else v4.new_code_cell
        made.append(new(text, metadata={"tags": [tag] if tag else []}))
    return made


def test_a_tag_in_the_middle_of_a_section_is_an_error():
    with pytest.raises(CourseError, match=r"toy: tag 'short': expected on the first cell of a section"):
        sections(page(("## One", None), ("x = 1", "short")), "toy")


def test_a_page_without_minutes_is_an_error():
    with pytest.raises(CourseError, match="About N minutes"):
        sections([v4.new_markdown_cell("# A page")], "toy")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('level = "day"', 'level = "half"', "one plan for each of"),
        ("opening", "oening", "oening"),
    ],
)
def test_plans_that_lack_a_level_or_a_key_are_refused(tmp_path, old, new, said):
    text = (ROOT / "teaching" / "plans.toml").read_text("utf-8")
    path = tmp_path / "plans.toml"
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(CourseError, match=said):
        read_plans(path)


# Short notebooks


@each_plan
def test_a_cut_page_reads_no_name_that_nobody_makes(plan, tmp_path):
    for name in chosen(plan):
        cells = workshop.cut(PAGES.cells[name], plan, name, "notebooks")
        code = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
        (tmp_path / f"{name}.py").write_text("\n".join(code), "utf-8")
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "F821"]
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[:2000]


@each_plan
def test_what_is_prepared_asks_nothing_and_shows_nothing(plan):
    for name in chosen(plan):
        for cell in workshop.cut(PAGES.cells[name], plan, name, "notebooks"):
            if cell["source"].startswith(workshop.PREPARED):
                assert cell["metadata"]["jupyter"]["source_hidden"]
                assert not re.search(r"\bguess\(|\.met\(|\.widget\(|^_ = plots|^print", cell["source"], re.M)


NEEDED = [
    ("import a, b\nc = 1", "a", "import a, b"),
    ("x = 1\ny = x\nz = 2", "y", "x = 1\ny = x"),
    ("x = 1\nx = 2", "x", "x = 2"),
    ("x = 1\nx += 1", "x", "x = 1\nx += 1"),
    ("x = {}\nx['a'] = 1\nprint(x)", "x", "x = {}\nx['a'] = 1"),
    ("x = []\nfor i in range(3):\n    x.append(i)", "x", "x = []\nfor i in range(3):\n    x.append(i)"),
    ("y = 2\n@cache\ndef f(x):\n    return x + y", "f", "y = 2\n@cache\ndef f(x):\n    return x + y"),
    ("y = 2\ndef f(y):\n    return y", "f", "def f(y):\n    return y"),
    ("import a\na.draw()", "a", "import a"),
    ("x = 1", "print(7)", ""),
]


@pytest.mark.parametrize(("before", "read", "kept"), NEEDED)
def test_just_what_is_needed_is_kept(before, read, kept):
    assert needed([(before, False), (read, True)]) == [kept, read]


@pytest.fixture
def course(tmp_path):
    """A course's folder with the notebooks that it has to have, not executed."""
    for part in ("source", "teaching", "labcode/check/course_map.py"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / part, tmp_path / part)
    for name, entry in PAGES.entries.items():
        (tmp_path / entry.folder).mkdir(exist_ok=True)
        notebook = v4.new_notebook(cells=[cell.copy() for cell in PAGES.cells[name]])
        nbformat.write(notebook, tmp_path / entry.folder / f"{name}.ipynb")
    return tmp_path


def test_a_plans_notebooks_are_written_once_and_their_links_lead_on(course):
    said = list(workshop.write(course, "short"))
    made = sorted((course / "work" / "short").glob("*.ipynb"))
    assert [path.stem for path in made] == ["01_background", "ex01_background"]
    assert said == [f"work/short/{path.name}" for path in made]
    (course / "work" / "notebooks").symlink_to(course / "notebooks")
    (course / "work" / "exercises").symlink_to(course / "exercises")
    for path in made:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        for cell in notebook.cells:
            for link in LINK.findall(cell.source) if cell.cell_type == "markdown" else ():
                assert (path.parent / link).exists() or "/00_" in link, link
    made[0].write_text("mine", "utf-8")
    assert "stays as it is" in "\n".join(workshop.write(course, "short"))
    assert made[0].read_text("utf-8") == "mine"


def test_a_notebook_that_is_not_built_is_said(course):
    (course / "notebooks" / "01_background.ipynb").unlink()
    with pytest.raises(CourseError, match=r"course\.py build"):
        list(workshop.write(course, "short"))


# Pages


def test_generated_parts_are_what_the_sources_give():
    assert teaching.mend(ROOT, write=False) == [], "mend: python course.py build"


def test_a_part_that_was_edited_is_written_again(course):
    path = course / "teaching" / "syllabus.md"
    before = path.read_text("utf-8")
    path.write_text(
        before.replace("**capstone**", "**Capstone**").replace("# A syllabus", "# Our syllabus"), "utf-8"
    )
    assert teaching.mend(course, write=True) == [Path("teaching/syllabus.md")]
    assert path.read_text("utf-8") == before.replace("# A syllabus", "# Our syllabus")


def test_every_task_has_three_mistakes_with_a_reply():
    text = (ROOT / "teaching" / "mistakes.md").read_text("utf-8")
    blocks = dict(re.findall(r"\(`(\w+)`\)\n\n((?:\|.*\n)+)", text))
    assert list(blocks) == [task for exercise in EXERCISES for task in exercise.tasks]
    assert all(block.count("\n") == 2 + teaching.MISTAKES for block in blocks.values())
    assert "{" not in re.sub(r"`[^`]*`", "", text), "a figure of somebody's run"


def test_points_are_those_of_the_exercises():
    total = sum(teaching.points(PAGES, e.page) for e in EXERCISES)
    source = "".join((ROOT / "source" / "exercises" / f"{e.page}.py").read_text("utf-8") for e in EXERCISES)
    told = re.findall(r"^# %% points=(\d+)", source, re.M)
    assert (len(told), total) == (sum(len(e.tasks) for e in EXERCISES), sum(map(int, told)))


def test_the_reading_group_has_two_questions_with_an_answer_for_every_chapter():
    text = (ROOT / "teaching" / "reading_group.md").read_text("utf-8")
    chapters = re.split(r"^## ", text, flags=re.M)[1:]
    names = [name for name, entry in PAGES.entries.items() if entry.folder == "notebooks"]
    assert [re.findall(r"notebooks/(.+?)\.ipynb", one)[0] for one in chapters] == names
    for one in chapters:
        assert re.findall(r"^\*\*(\d)\. ", one, re.M) == ["1", "2"]
        assert len(re.findall(r"\?\*\*\n\n> ", one)) == 2, one


@pytest.mark.parametrize("path", TEACHING, ids=lambda path: path.stem)
def test_links_lead_to_what_is_there(path):
    for link in LINK.findall(path.read_text("utf-8")):
        assert (path.parent / link).exists(), link


@pytest.mark.parametrize("path", TEACHING, ids=lambda path: path.stem)
def test_commands_are_the_courses(path):
    text = path.read_text("utf-8")
    for words in re.findall(r"python course\.py ([^`\n#>…\[]+)(?!…)(?=[`\n#>])", text):
        commands.parser().parse_args(words.partition(" -- ")[0].replace('"', "").split())


@pytest.mark.parametrize("plan", PAGES.plans, ids=lambda plan: plan.level)
def test_the_levels_are_the_commands_choices(plan):
    assert commands.parser().parse_args(["plan", plan.level]).level in LEVELS
