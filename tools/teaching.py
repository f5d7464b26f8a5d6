"""Writes the generated parts of teaching/: plans, questions, mistakes, points. `course.py build` calls it.

A part stands between `<!-- begin NAME -->` and `<!-- end NAME -->`; the rest of a page is written by hand.
"""

import re
import tomllib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import jupytext

from labcode._files import write_atomically
from tools.pages import Course, Entry
from tools.plans import LEVELS, Plan, Section, read_plans, sections, source
from tools.process import CourseError
from tools.workshop import LINK_HERE

FOLDER, PLANS = "teaching", "plans.toml"
PART = re.compile(r"(<!-- begin (\w+) -->)\n.*?(<!-- end \2 -->)", re.DOTALL)
QUESTION = re.compile(r"\*\*Question\.\*\*\s+(.+?)(?:\n\s*\n|\Z)", re.DOTALL)
ASIDE = re.compile(r"^#|^\d\. |^\*\*Question|Try this:")  # no answer to the question before
WHOLE = re.compile(r".*[.?!)*]|.*")  # up to the end of a sentence
FACT = re.compile(r"\{\w+[^{}]*\}")  # a figure of the learner's run, in a checker's message
CHECK = re.compile(r"^check\.(\w+)\(", re.MULTILINE)
MISTAKES = 3


class Pages:
    """The pages of a course folder, cut into sections.

    Args:
        root: the course's folder.
    """

    def __init__(self, root: Path):
        self.root = root
        self.entries = {entry.name: entry for entry in Course(root).path if entry.minutes}
        self.cells = {n: jupytext.reads(e.text, fmt="py:percent").cells for n, e in self.entries.items()}
        self.sections = {name: sections(cells, name) for name, cells in self.cells.items()}
        self.plans = read_plans(root / FOLDER / PLANS)
        self.toml = tomllib.loads((root / FOLDER / PLANS).read_text(encoding="utf-8"))


def texts(root: Path) -> dict[Path, str]:
    """Return the pages of teaching/ that have generated parts, with the text that each should have.

    Raises:
        CourseError: a page names a part that nobody writes.
    """
    files, pages = {}, None
    for path in sorted((root / FOLDER).glob("*.md")):
        text = path.read_text(encoding="utf-8")
        if not PART.search(text):
            continue
        pages = pages or Pages(root)
        files[path] = PART.sub(partial(_part, pages, path), text)
    return files


def mend(root: Path, *, write: bool) -> list[Path]:
    """Return the pages whose parts are stale, having written them if that is wanted."""
    wanted = texts(root)
    stale = [path for path in wanted if path.read_text(encoding="utf-8") != wanted[path]]
    for path in stale if write else ():
        write_atomically(path, wanted[path].encode())
    return [path.relative_to(root) for path in stale]


def _part(pages: Pages, path: Path, found: re.Match) -> str:
    if found[2] not in PARTS:
        raise CourseError(f"{path.name}: no part is named {found[2]!r}; they are {', '.join(PARTS)}")
    return "\n".join([found[1], *PARTS[found[2]](pages), found[3]])


def _link(entry: Entry) -> str:
    return f"[{entry.label}](../{entry.folder}/{entry.name}.ipynb)"


def _clock(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02d}"


def rows(pages: Pages, plan: Plan) -> list[tuple[int, str, str]]:
    """Return a plan's slots in their order: minutes, page, what; the last is the reserve."""
    slots = [(plan.opening, "", "Welcome; all have the first page open")]
    for name, entry in pages.entries.items():
        for section in plan.chosen(pages.sections[name]):
            asks = len(QUESTION.findall(section.text))
            asked = f" ({asks} question{'s' * (asks > 1)})" if asks else ""
            heading = section.heading.removeprefix(f"{entry.title.partition(': ')[0]}: ")
            slots.append((section.minutes, _link(entry), heading + asked))
        if name in plan.breaks:
            slots.append((plan.breaks[name], "", "**Break**"))
    slots.append((plan.closing, "", "What to remember; what comes next"))
    left = plan.minutes - sum(minutes for minutes, _, _ in slots)
    return [*slots, (left, "", "Reserve: spend it where the questions are")]


def _plans(pages: Pages) -> Iterator[str]:
    """Yield each plan as a table by the clock, with what it leaves out and what to drop."""
    for plan in pages.plans:
        yield f"## {plan.title} (`{plan.level}`)\n"
        yield "| from | minutes | page | section |\n|---|---|---|---|"
        now, before = 0, ""
        for minutes, page, what in rows(pages, plan):
            yield f"| {_clock(now)} | {minutes} | {page if page != before else ''} | {what} |"
            now, before = now + minutes, page
        yield f"\n**Ends at** {_clock(now)}. **If time runs out**, drop first: {'; '.join(plan.late)}.\n"
        yield "**Left out**, for those who want to read on:\n"
        for name, entry in pages.entries.items():
            chosen = plan.chosen(pages.sections[name])
            left = [one.heading for one in pages.sections[name] if one not in chosen]
            if chosen:
                yield f"- {_link(entry)}: {'; '.join(left) or 'nothing'}."
        yield ""


def _questions(pages: Pages) -> Iterator[str]:
    """Yield the questions of the sections that belong to a plan, with what the page says below the answer."""
    for name, entry in pages.entries.items():
        asked = [
            (one, pair) for one in pages.sections[name] if one.level for pair in answers(pages, name, one)
        ]
        if asked:
            yield f"## {_link(entry)}: {entry.title.partition(': ')[2]}\n"
        for section, (question, answer) in asked:
            levels = ", ".join(LEVELS[LEVELS.index(section.level) :])
            said = LINK_HERE.sub("](../notebooks/", answer)
            yield f"**{question}** *({section.heading}; {levels})*\n\n> {said}\n"


def answers(pages: Pages, name: str, section: Section) -> Iterator[tuple[str, str]]:
    """Yield each question of a section, with the first paragraph below the cell that answers it."""
    cells = pages.cells[name]
    for cell in section.cells:
        for question in QUESTION.findall(source(cell)) if cell["cell_type"] == "markdown" else ():
            after = cells[next(i for i, one in enumerate(cells) if one is cell) + 1 :]
            if "guess(" in source(after[0]):
                after = after[next(i for i, one in enumerate(after) if ".met(" in source(one)) :]
            below = (source(one) for one in after if one["cell_type"] == "markdown")
            said = next(said for text in below for said in text.split("\n\n") if not ASIDE.search(said))
            yield " ".join(question.split()), WHOLE.findall(" ".join(said.split()))[0]


def _mistakes(pages: Pages) -> Iterator[str]:
    """Yield for each task the first mistakes that its checker knows, with what it replies."""
    from labcode import check

    for name, entry in pages.entries.items():
        if entry.folder != "exercises":
            continue
        yield f"## {_link(entry)}: {entry.title.partition(': ')[2]}\n"
        for section in pages.sections[name]:
            for task in CHECK.findall("\n".join(source(cell) for cell in section.cells)):
                yield f"**{section.heading}** (`{task}`)\n\n| mistake | reply |\n|---|---|"
                for mistake in getattr(check, task).misconceptions[:MISTAKES]:
                    said = FACT.sub("…", mistake.message).replace("|", "\\|")
                    yield f"| {mistake.name} | {' '.join(said.split())} |"
                yield ""


def points(pages: Pages, name: str) -> float:
    """Return the points of an exercise: what its source gives each check, 1 where it says nothing."""
    cells = [cell for cell in pages.cells[name] if cell.cell_type == "code" and CHECK.search(cell.source)]
    return sum(cell.metadata.get("points", 1) for cell in cells)


def _weeks(pages: Pages) -> Iterator[str]:
    """Yield the weeks with their pages, hours and points."""
    yield "| week | read | hand in | hours | points |\n|---|---|---|---|---|"
    total = 0.0
    for number, week in enumerate(pages.toml["week"], start=1):
        entries = [pages.entries[name] for name in week["pages"]]
        read = [_link(e) for e in entries if e.folder == "notebooks"]
        hand = [_link(e) for e in entries if e.folder == "exercises"]
        earned = sum(points(pages, e.name) for e in entries if e.folder == "exercises")
        told = "; ".join(filter(None, [", ".join(hand), week.get("also")]))
        hours = f"{sum(e.minutes for e in entries) / 60:.1f}"
        yield f"| {number} | {', '.join(read)} | {told} | {hours} | {f'{earned:g}' if hand else ''} |"
        total += earned
    capstone = sum(one["points"] for one in pages.toml["criterion"])
    yield f"| | | **exercises** | | **{total:g}** |\n| | | **capstone** | | **{capstone}** |"
    yield f"| | | **all** | | **{total + capstone:g}** |\n"
    told = {name for week in pages.toml["week"] for name in week["pages"]}
    more = [e for name, e in pages.entries.items() if name not in told]
    extra = [f"{_link(e)} ({points(pages, e.name):g} points)" for e in more if e.folder == "exercises"]
    read = ", ".join(_link(entry) for entry in more if entry.folder == "notebooks")
    yield f"Not in it, for those who want more: {read};"
    yield f"with {', '.join(extra)}."


def _rubric(pages: Pages) -> Iterator[str]:
    """Yield what the capstone is judged by."""
    yield "| | points | full | half |\n|---|---|---|---|"
    for one in pages.toml["criterion"]:
        yield f"| **{one['name']}** | {one['points']} | {one['full']} | {one['half']} |"


PARTS: dict[str, Callable[[Pages], Iterator[str]]] = {
    "plans": _plans,
    "questions": _questions,
    "mistakes": _mistakes,
    "weeks": _weeks,
    "rubric": _rubric,
}
