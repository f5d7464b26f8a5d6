"""Plans for a class: which sections of which pages, as tagged in the sources, and the minutes of each."""

import re
import runpy
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.process import CourseError

LEVELS = ("short", "half", "day")  # a section tagged `short` belongs to the longer plans, too
HEADING = re.compile(r"^#{1,4} (.+)$", re.MULTILINE)
FENCED = re.compile(r"```.*?```", re.DOTALL)
HEAD_MINUTES = re.compile(r"\b[Aa]bout (\d+) minutes\b")
TASK_MINUTES = re.compile(r"\*Difficulty [●○]+ · (\d+) minutes\*")
ASKS = re.compile(r"\*\*(?:Question\.|Try it yourself\.|Try this:)\*\*")
WORDS_FOR_AN_ASK, WORDS_FOR_CODE = 120, 2  # what thinking takes, in words that could be read in that time


@dataclass
class Section:
    """The cells from one heading to the next.

    Args:
        heading: the last one of its first cell.
        cells: with `cell_type`, `source` and `metadata`.
        level: the plan from which on it belongs to a plan; None where it belongs to none.
        minutes: what it takes to read, think and run.
    """

    heading: str
    cells: list = field(default_factory=list)
    level: str | None = None
    minutes: int = 0

    @property
    def text(self) -> str:
        """Its Markdown."""
        return "\n\n".join(source(cell) for cell in self.cells if cell["cell_type"] == "markdown")

    @property
    def effort(self) -> int:
        """How much there is to read and to think about, in words."""
        shown = [cell for cell in self.cells if "guard" not in tags(cell)]
        code = [source(cell) for cell in shown if cell["cell_type"] == "code"]
        words = len(self.text.split()) + WORDS_FOR_CODE * len(" ".join(code).split())
        return words + WORDS_FOR_AN_ASK * len(ASKS.findall(self.text))


@dataclass(frozen=True)
class Plan:
    """A plan of a given length, as teaching/plans.toml has it.

    Args:
        level: its tag, one of ``LEVELS``.
        title: in words.
        minutes: from the first word to the last, breaks included.
        opening: minutes to get all to the first page.
        closing: minutes for what to remember.
        breaks: minutes, by the page after which they come.
        late: headings of sections that one drops first when time runs out.
    """

    level: str
    title: str
    minutes: int
    opening: int
    closing: int
    breaks: dict[str, int]
    late: tuple[str, ...]

    def has(self, section: Section) -> bool:
        """Tell whether a section belongs to this plan."""
        return section.level is not None and LEVELS.index(section.level) <= LEVELS.index(self.level)

    def chosen(self, sections: Sequence[Section]) -> list[Section]:
        """Return a page's opening and its sections of this plan; nothing where it has none of these."""
        wanted = [section for section in sections[1:] if self.has(section)]
        return [sections[0], *wanted] if wanted else []


def source(cell) -> str:
    """Return a cell's text, which a file may keep as a list of lines."""
    return cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])


def tags(cell) -> list[str]:
    """Return a cell's tags."""
    return cell["metadata"].get("tags", [])


def exercises(root: Path) -> tuple:
    """Return the exercises of a course folder in their order, as `labcode/check/course_map.py` lists them."""
    return runpy.run_path(str(root / "labcode" / "check" / "course_map.py"))["EXERCISES"]


def read_plans(path: Path) -> list[Plan]:
    """Return the plans of a file, the shortest first.

    Raises:
        CourseError: a plan lacks a key or has an unknown one, or a level is not there exactly once.
    """
    tables = tomllib.loads(path.read_text(encoding="utf-8")).get("plan", [])
    try:
        plans = [Plan(**{**table, "late": tuple(table["late"])}) for table in tables]
    except (TypeError, KeyError) as error:
        raise CourseError(f"{path.name}: {error}") from None
    if [plan.level for plan in plans] != list(LEVELS):
        raise CourseError(f"{path.name}: expected one plan for each of {', '.join(LEVELS)}, in this order")
    return plans


def sections(cells: Sequence, name: str) -> list[Section]:
    """Return a page's sections, each with its share of the minutes that the page's head names.

    A task of an exercise says its own minutes. The rest is shared by what there is to read and think about.

    Args:
        cells: of the page, the head first.
        name: of the page, for messages.

    Raises:
        CourseError: a plan's tag stands on a cell that begins no section, or no minutes in the head.
    """
    found = list(_split(cells, name))
    total = HEAD_MINUTES.search(found[0].text) if found else None
    if total is None:
        raise CourseError(f"{name}: expected 'About N minutes' in the first section")
    told = {id(one): int(m[1]) for one in found if (m := TASK_MINUTES.search(one.text))}
    left, effort = int(total[1]) - sum(told.values()), sum(o.effort for o in found if id(o) not in told)
    for one in found:
        one.minutes = told.get(id(one)) or max(1, round(left * one.effort / effort))
    return found


def _split(cells: Sequence, name: str) -> Iterator[Section]:
    """Yield a page's sections without their minutes."""
    section = None
    for cell in cells:
        headings = HEADING.findall(FENCED.sub("", source(cell))) if cell["cell_type"] == "markdown" else []
        levels = [tag for tag in tags(cell) if tag in LEVELS]
        if levels and not headings:
            raise CourseError(
                f"{name}: tag {levels[0]!r}: expected on the first cell of a section, a heading's"
            )
        if headings or section is None:
            if section:
                yield section
            section = Section(headings[-1] if headings else name, level=levels[0] if levels else None)
        section.cells.append(cell)
    if section:
        yield section
