"""Where a learner stopped, read from `work/progress.jsonl` with the standard library alone."""

import json
from pathlib import Path, PurePosixPath

from tools.workspace import RENAMED


def where_one_stopped(root: Path) -> str | None:
    """Return the page below `work/` that the last check asked to open next; None where there is none.

    Damaged lines are passed over; a page that has been renamed is found under its name of today.
    """
    work = root / "work"
    try:
        lines = (work / "progress.jsonl").read_bytes().splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        try:
            page = str(json.loads(line)["open"])
        except (ValueError, LookupError, TypeError):
            continue
        page = RENAMED.get(page, page)
        if _is_inside(page) and (work / page).is_file():
            return page
    return None


def _is_inside(page: str) -> bool:
    path = PurePosixPath(page)
    return path.suffix == ".ipynb" and not path.is_absolute() and ".." not in path.parts
