"""What the build adds to every page: where one can go, quizzes, folded guards, links to the glossary."""

import re
import runpy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from nbformat import NotebookNode, v4

from tools import glossary, quiz
from tools.exercise import SourceError
from tools.plans import HEAD_MINUTES, LEVELS

CONTENTS, SHEET = "00_contents", "00_sheet"
PAGES = {
    CONTENTS: "Contents",
    glossary.PAGE: "Glossary",
    SHEET: "Sheet to keep",
}  # notebooks that are no chapters
TAGS = {  # what a cell may be tagged with in a source
    "core": "the first cell of what belongs to the core path",
    "contents": "replaced by the table of all notebooks",
    "glossary": "replaced by the terms of source/glossary.toml",
    "quiz": "rendered from its compact form (tools/quiz.py)",
    "slide": "begins a slide of `course.py book --slides`",
    "guard": "asserts that only hold the text: folded for readers, run by every test",
    "raises-exception": "may fail",
    **dict.fromkeys(LEVELS, "a section of the plans from this length on (tools/plans.py)"),
}
GUARD = "# Guard: these asserts hold the text to its numbers. Nothing new for the reader."
NUMBER = re.compile(r"0?(\d+)(?:_(\d[\d-]*))?_")


@dataclass(frozen=True)
class Entry:
    """A notebook on the course's path."""

    name: str
    folder: str
    text: str

    @property
    def title(self) -> str:
        """Its heading."""
        return next(iter(re.findall(r"^# # (.+)$", self.text, re.MULTILINE)), self.name)

    @property
    def label(self) -> str:
        """Its short name in a link, such as `Chapter 3.3-4`."""
        if self.folder == "exercises":
            return self.title.partition(":")[0]
        if self.name in PAGES:
            return PAGES[self.name]
        found = NUMBER.match(self.name)
        return "Chapter " + ".".join(filter(None, found.groups())) if found else self.title

    @property
    def minutes(self) -> int:
        """How long it takes: reading, thinking and running."""
        found = HEAD_MINUTES.search(self.text)
        return int(found[1]) if found else 0

    @property
    def is_core(self) -> bool:
        """Whether it belongs to the core path."""
        return re.match(r"# %% \[markdown\].*\btags=\[[^\]]*\"core\"", self.text) is not None


class Course:
    """The pages of a course folder, in the order of its one list, `labcode/check/course_map.py`.

    Args:
        root: the course folder.
    """

    def __init__(self, root: Path):
        self.root = root

    @cached_property
    def exercises(self) -> tuple:
        """The exercises in their order, each with its chapters; none in a folder without the list."""
        path = self.root / "labcode" / "check" / "course_map.py"
        return runpy.run_path(str(path))["EXERCISES"] if path.is_file() else ()

    @cached_property
    def path(self) -> list[Entry]:
        """All pages in the order in which one reads: chapters, then their exercise."""
        names = [(CONTENTS, "notebooks")]
        for one in self.exercises:
            names += [*((chapter, "notebooks") for chapter in one.chapters), (one.page, "exercises")]
        names.append((SHEET, "notebooks"))
        sources = {"notebooks": "chapters", "exercises": "exercises"}
        files = [
            (name, folder, self.root / "source" / sources[folder] / f"{name}.py") for name, folder in names
        ]
        return [
            Entry(name, folder, file.read_text("utf-8")) for name, folder, file in files if file.is_file()
        ]

    @cached_property
    def terms(self) -> list[glossary.Term]:
        """The glossary."""
        return glossary.read_glossary(self.root / "source" / "glossary.toml")

    def label(self, name: str) -> str:
        """Return the short name of a page of the path; of another, its file's."""
        return next((entry.label for entry in self.path if entry.name == name), name)

    def exercise_of(self, name: str):
        """Return the exercise that a chapter or an exercise belongs to; None for other pages."""
        return next((one for one in self.exercises if name in (one.page, *one.chapters)), None)

    def navigation(self, name: str, folder: str) -> str:
        """Return links: previous, contents, next, exercise, solution, glossary; "" without a list."""
        if not self.path:
            return ""
        places = [(entry.folder, entry.name, entry.label) for entry in self.path]
        at = next((number for number, place in enumerate(places) if place[1] == name), None)
        before = places[at - 1] if at else None
        after = places[at + 1] if at is not None and at + 1 < len(places) else None
        wanted = [("← {}", before), ("{}", ("notebooks", CONTENTS, "Contents")), ("{} →", after)]
        if one := self.exercise_of(name):
            wanted.append(("{}", ("exercises", one.page, "Exercise")))
            wanted.append(("{}", ("solutions", one.page, "Solution")))
        wanted.append(("{}", ("notebooks", glossary.PAGE, "Glossary")))
        links: dict[str, str] = {}
        for form, place in wanted:
            if place and place[:2] != (folder, name):
                links.setdefault(link := _link(*place[:2], folder), form.format(f"[{place[2]}]({link})"))
        return " · ".join(links.values())

    def contents(self) -> str:
        """Return the table of all chapters and exercises, with their minutes; ● marks the core path."""
        lines = ["| | | minutes | core path |", "|---|---|---|---|"]
        told = [entry for entry in self.path if entry.name not in PAGES]
        for entry in told:
            title, core = entry.title.partition(": ")[2], "●" if entry.is_core else ""
            link = f"[{title}]({_link(entry.folder, entry.name, 'notebooks')})"
            if entry.folder == "exercises":
                link += f" ([solution]({_link('solutions', entry.name, 'notebooks')}))"
            lines.append(f"| {entry.label} | {link} | {entry.minutes} | {core} |")
        hours = [sum(e.minutes for e in told if e.is_core or not core) / 60 for core in (False, True)]
        return "\n".join([*lines, f"| | **all, in hours** | **{hours[0]:.0f}** | **{hours[1]:.0f}** |"])


def _link(target: str, name: str, folder: str) -> str:
    """Return a link from a notebook's folder, valid in the course's folder and in `work/`."""
    return f"{name}.ipynb" if target == folder else f"../{target}/{name}.ipynb"


def complete(
    cells: list[NotebookNode], name: str, folder: str, course: Course, source: str
) -> list[NotebookNode]:
    """Return a page's cells with all that the build adds.

    Args:
        cells: as the source has them, with their tags.
        name: of the notebook.
        folder: in which it is built.
        course: the pages around it.
        source: the path of its source, for messages.

    Raises:
        SourceError: an unknown tag, or a quiz that breaks a rule.
    """
    link = glossary.linker(course.terms) if folder == "notebooks" and name not in PAGES else None
    for number, cell in enumerate(cells, start=1):
        place, tags = f"{source}: cell {number}", cell.metadata.get("tags", [])
        unknown = [tag for tag in tags if tag not in TAGS]
        if unknown:
            raise SourceError(f"{place}: unknown tag {unknown[0]!r}; known are {', '.join(TAGS)}")
        if cell.cell_type == "code":
            if "guard" in tags:
                cell.metadata["jupyter"] = {"source_hidden": True}
                cell.source = f"{GUARD}\n{cell.source}"
        elif "contents" in tags:
            cell.source = course.contents()
        elif "glossary" in tags:
            cell.source = glossary.page(course.terms, course.label)
        elif "quiz" in tags:
            cell.source = quiz.render(cell.source, place)
        elif link:
            cell.source = link(cell.source)
    line = course.navigation(name, folder)
    if not line:
        return cells
    cells[0].source += f"\n\n{line}"
    return [*cells, v4.new_markdown_cell(f"---\n\n{line}")]
