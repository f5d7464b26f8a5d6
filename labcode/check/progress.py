"""What was tried and solved: kept in `work/progress.jsonl`, on this machine only.

Each check made in `work/` adds one line, which is on the disk before the answer is shown; no line is ever
changed. Elsewhere nothing is kept, unless LABCODE_PROGRESS names a file; LABCODE_PROGRESS=off keeps nothing.
"""

import contextlib
import json
import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from labcode._files import write_atomically
from labcode.check.course_map import EXERCISES, RENAMED

VERSION, NAME = 1, "progress.jsonl"
GUESS = "guess"  # the kind of an entry that is no try at a task
LOCK_SECONDS = 2
NOWHERE = (
    "Nothing is kept here: progress is kept for notebooks in the course's work/ folder, or where the "
    "environment variable LABCODE_PROGRESS names a file."
)


def file() -> Path | None:
    """Return where progress is kept; None where it is not."""
    named = os.environ.get("LABCODE_PROGRESS")
    if named:
        return None if named.lower() == "off" else Path(named)
    work = in_work()
    return work / NAME if work else None


def in_work() -> Path | None:
    """Return the course's `work/` folder if we are in it; running a solution there solves no task."""
    with contextlib.suppress(OSError):
        here = Path.cwd()
        for folder in (here, *here.parents):
            if folder.name == "work" and (folder.parent / "course.py").is_file():
                return None if here.relative_to(folder).parts[:1] == ("solutions",) else folder
    return None


def append(entry: dict, path: Path) -> None:
    """Add a line to a file, whole and on the disk when this returns; other kernels may do so, too.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"version": VERSION, **entry}, ensure_ascii=False).encode() + b"\n"
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(Timeout):
            stack.enter_context(FileLock(_lock(path), timeout=LOCK_SECONDS))
        start = b"" if _ends_a_line(path) else b"\n"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
        try:
            os.write(handle, start + line)
            os.fsync(handle)
        finally:
            os.close(handle)


def _lock(path):
    return path.with_name(f".{path.name}.lock")


def _ends_a_line(path):
    """Tell whether a file is empty or ends in a whole line; one that was cut off by a kill does not."""
    try:
        with path.open("rb") as stream:
            stream.seek(-1, os.SEEK_END)
            return stream.read(1) == b"\n"
    except OSError:
        return True


def read(path: Path) -> tuple[list[dict], int]:
    """Return the entries of a file, the oldest first, and how many lines were set aside as damaged."""
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return [], 0
    entries, damaged = [], 0
    for line in filter(None, lines):
        try:
            entry = json.loads(line)
            if entry.get("kind") == GUESS:
                continue
            known = entry["version"] == VERSION and isinstance(entry["right"], bool)
            task, reasons = str(entry["task"]), [str(reason) for reason in entry.get("reasons", [])]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            known = False
        if known:
            entries.append({**entry, "task": RENAMED.get(task, task), "reasons": reasons})
        else:
            damaged += 1
    return entries, damaged


def guesses(path: Path) -> dict[str, float | str]:
    """Return what was last said to each question; lines that say nothing of the kind are passed over."""
    said = {}
    with contextlib.suppress(FileNotFoundError):
        for line in path.read_bytes().split(b"\n"):
            with contextlib.suppress(ValueError, LookupError, TypeError, AttributeError, RecursionError):
                entry = json.loads(line)
                if entry["kind"] == GUESS:
                    said[str(entry["question"])] = entry["guess"]
    return said


def now() -> str:
    """Return the time, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def wrong_tries(entries: list[dict], task: str) -> int:
    """Return how often a task was answered wrongly since it was last right; a blank is no answer."""
    count = 0
    for entry in entries:
        if entry["task"] == task:
            count = 0 if entry["right"] else count + (not entry.get("blank", False))
    return count


def next_task(entries: list[dict]) -> tuple[str, str] | None:
    """Return page and name of the task to go on with: the first unsolved one from the last tried on."""
    solved = {entry["task"] for entry in entries if entry["right"]}
    order = [(exercise.path, task) for exercise in EXERCISES for task in exercise.tasks]
    last = entries[-1]["task"] if entries else None
    start = next((i for i, (_, task) in enumerate(order) if task == last), 0)
    return next(((page, task) for page, task in order[start:] + order[:start] if task not in solved), None)


def show() -> None:
    """Print the map of the course: what is done, what comes next, and the reasons that came twice."""
    path = file()
    if path is None:
        print(NOWHERE)
        return
    entries, damaged = read(path)
    solved = {entry["task"] for entry in entries if entry["right"]}
    total = sum(len(exercise.tasks) for exercise in EXERCISES)
    print(f"{len(solved)} of {total} tasks are solved.")
    for exercise in EXERCISES:
        done = len(solved & set(exercise.tasks))
        mark = "✓" if done == len(exercise.tasks) else "…" if done else " "
        print(f"{mark} {exercise.title}: {done} of {len(exercise.tasks)}   ({', '.join(exercise.chapters)})")
    if following := next_task(entries):
        print(f"Next: `{following[1]}` in {following[0]}")
    reasons = Counter((e["task"], reason) for e in entries for reason in e["reasons"])
    twice = [f"  {task}: {reason} ({n} times)" for (task, reason), n in reasons.items() if n > 1]
    if twice:
        print("\n".join(["Reasons that came more than once:", *twice]))
    if damaged:
        print(f"{damaged} damaged line{'s' * (damaged != 1)} of {path.name} set aside.")


def export(path: str | Path | None = None) -> Path:
    """Write what a teacher may read: for each task the tries, whether it is solved, and the reasons met.

    Neither times nor answers nor names of people or folders are in it.

    Args:
        path: of the file; by default `progress-export.json` beside what is kept.

    Raises:
        ValueError: nothing is kept here.
    """
    kept = file()
    if kept is None:
        raise ValueError(NOWHERE)
    tasks: dict[str, dict] = {}
    for entry in read(kept)[0]:
        told = tasks.setdefault(entry["task"], {"tries": 0, "solved": False, "reasons": {}})
        told["tries"] += not told["solved"] and not entry.get("blank", False)
        told["solved"] |= entry["right"]
        for reason in entry["reasons"]:
            told["reasons"][reason] = told["reasons"].get(reason, 0) + 1
    target = Path(path) if path is not None else kept.with_name("progress-export.json")
    content = {"format": "labcode progress 1", "tasks": tasks}
    write_atomically(target, json.dumps(content, indent=1, ensure_ascii=False).encode())
    return target


def reset() -> Path | None:
    """Start anew; return under which name the old progress is kept, None where there was none.

    Raises:
        ValueError: nothing is kept here.
    """
    path = file()
    if path is None:
        raise ValueError(NOWHERE)
    with FileLock(_lock(path), timeout=LOCK_SECONDS):
        if not path.exists():
            return None
        number = 1
        while (old := path.with_name(f"progress-{number}.jsonl")).exists():
            number += 1
        os.rename(path, old)
    return old
