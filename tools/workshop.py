"""Short copies of notebooks for a class: the sections of a plan, and the code that they need of others."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from labcode._files import write_atomically
from tools.needed_code import needed
from tools.plans import Plan, exercises, read_plans, sections, source
from tools.process import CourseError

PREPARED = "# Prepared: from sections that this plan leaves out.\n"
LINK_HERE = re.compile(r"\]\((?=[\w-]+\.ipynb)")  # to a notebook of the same folder


def write(root: Path, level: str) -> Iterator[str]:
    """Write a plan's notebooks to `work/LEVEL/` and yield what to say; a file that is there stays.

    Args:
        root: the course's folder.
        level: the plan's tag.

    Raises:
        CourseError: a built notebook is not there, or a page breaks a rule of plans.
    """
    plan = next(one for one in read_plans(root / "teaching" / "plans.toml") if one.level == level)
    for name, folder in [page for one in exercises(root) for page in _pages(one)]:
        path = root / folder / f"{name}.ipynb"
        target = root / "work" / level / path.name
        if not path.is_file():
            raise CourseError(f"There is no {path}; `python course.py build` makes it.")
        notebook = json.loads(path.read_text(encoding="utf-8"))
        notebook["cells"] = cut(notebook["cells"], plan, name, folder)
        if notebook["cells"] and target.exists():
            yield f"work/{level}/{target.name}: was there, and stays as it is."
        elif notebook["cells"]:
            target.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(target, (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode())
            yield f"work/{level}/{target.name}"


def _pages(exercise) -> list[tuple[str, str]]:
    """Return the pages of an exercise and its chapters, each with its folder."""
    return [*((chapter, "notebooks") for chapter in exercise.chapters), (exercise.page, "exercises")]


def cut(cells: Sequence, plan: Plan, name: str, folder: str) -> list[dict]:
    """Return a page's cells of a plan, without outputs; none where the plan leaves the page out.

    What they need of the other sections' code comes along, folded.

    Args:
        cells: of the whole page.
        plan: says which sections.
        name: of the page, for messages.
        folder: of the page, to which its links are relative.
    """
    found = sections(cells, name)
    chosen = plan.chosen(found)
    if not chosen:
        return []
    pairs = [(cell, section in chosen) for section in found for cell in section.cells]
    code = [(source(cell), stays) for cell, stays in pairs if cell["cell_type"] == "code"]
    to_run = iter(needed(code))
    kept: list[dict] = []
    for cell, stays in pairs:
        text = next(to_run) if cell["cell_type"] == "code" else ""
        if stays:
            kept.append(bare(cell, folder))
        elif text and kept[-1]["source"].startswith(PREPARED):
            kept[-1]["source"] += f"\n{text}"
        elif text:
            hidden = {"jupyter": {"source_hidden": True}}
            kept.append(bare(cell, folder) | {"source": PREPARED + text, "metadata": hidden})
    return kept


def bare(cell, folder: str) -> dict:
    """Return a copy of a cell without outputs, its links as they are right in a folder beside the page's."""
    new = dict(cell) | {"source": source(cell)}
    if cell["cell_type"] == "code":
        return new | {"outputs": [], "execution_count": None}
    return new | {"source": LINK_HERE.sub(f"](../{folder}/", new["source"])}
