"""Build the notebooks from their sources: `python -m tools.build [--check] [NAMES...]`.

A chapter gives an executed notebook; an exercise gives the learner's, with blanks, and the executed solution.
What is up to date is not built again, unless it is named.
"""

import argparse
import difflib
import hashlib
import json
import sys
import time
from functools import partial
from io import TextIOWrapper
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from labcode._files import write_atomically
from tools import build_record, short_solutions, teaching
from tools.execute import execute, output_text
from tools.process import CourseError, say
from tools.reachable import Library
from tools.sources import FOLDERS, Target, draft, targets

ROOT = Path(__file__).resolve().parents[1]
SECONDS = {"notebooks": 45, "solutions": 10}  # what a notebook of the folder may take
DIFF_LINES = 24
EDITED = "it was edited by hand: its content is not what was built"


def realize(target: Target, nb: NotebookNode) -> float:
    """Execute a draft in place where the target is executed, seal it, and return the seconds that took.

    Raises:
        NotebookError: a cell fails, or its outputs cannot be kept.
    """
    start = time.perf_counter()
    if target.is_executed:
        target.path.parent.mkdir(exist_ok=True)
        execute(nb, target.path.parent, target.root)
    nb.metadata.course["content"] = content_hash(nb)
    return time.perf_counter() - start


def keep_outputs(target: Target, nb: NotebookNode) -> bool:
    """Give a draft the outputs that are there, if only text has changed; tell whether it could be done."""
    built = read(target.path) if target.path.exists() else None
    if built is None or content_hash(built) != built.metadata.course.get("content"):
        return False
    then, now = built.metadata.course, nb.metadata.course
    old, new = ([cell for cell in one.cells if cell.cell_type == "code"] for one in (built, nb))
    same_code = [cell.source for cell in old] == [cell.source for cell in new]
    if not same_code or (then.get("format"), then.get("inputs")) != (now.format, now.inputs):
        return False
    for cell, before in zip(new, old, strict=True):
        cell.outputs, cell.execution_count = before.outputs, before.execution_count
    nb.metadata.course["content"] = content_hash(nb)
    return True


def content_hash(nb: NotebookNode) -> str:
    """Return the hash of everything in a built notebook, pictures included, the recorded hash aside."""
    course = {key: value for key, value in nb.metadata.course.items() if key != "content"}
    bare = nb | {"metadata": nb.metadata | {"course": course}}
    return hashlib.sha256(json.dumps(bare, sort_keys=True).encode()).hexdigest()


def write(nb: NotebookNode, path: Path) -> None:
    """Write a notebook so that a reader, or a kill at any moment, finds the old file whole or the new one."""
    nbformat.validate(nb)
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, (nbformat.writes(nb) + "\n").encode())


def read(path: Path) -> NotebookNode | None:
    """Return a built notebook; None if the file is no notebook that this builder wrote."""
    try:
        nb = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        nbformat.validate(nb)
    except (ValueError, TypeError, AttributeError, KeyError, nbformat.ValidationError):
        return None  # whatever a file broken by hand makes the parser raise
    return nb if isinstance(nb.metadata.get("course"), dict) else None


def staleness(target: Target, wanted: NotebookNode) -> list[str]:
    """Say, without executing anything, why a built file is not what its sources give; nothing if it may be.

    Args:
        target: the notebook.
        wanted: its draft.

    Returns:
        Lines to print; the first gives the reason.
    """
    if not target.path.exists():
        return ["it is missing"]
    built = read(target.path)
    if built is None:
        return ["it is not a notebook that was built here"]
    difference = diff(_cell_lines(built), _cell_lines(wanted), "built", "source")
    if difference:
        return ["its cells differ from the source's", *difference]
    now, then = wanted.metadata.course, built.metadata.course
    if content_hash(built) != then.get("content"):
        return [EDITED]
    if now.format != then.format:
        return ["the builder has changed"]
    changed = sorted({name for name, _ in now.inputs.items() ^ then.inputs.items()})
    return ["changed since it was built: " + ", ".join(changed)] if changed else []


def diff(old: list[str], new: list[str], old_name: str, new_name: str) -> list[str]:
    """Return a short unified diff; empty if nothing differs."""
    lines = list(difflib.unified_diff(old, new, old_name, new_name, lineterm="", n=1))
    more = [f"... and {len(lines) - DIFF_LINES} more lines"] if len(lines) > DIFF_LINES else []
    return lines[:DIFF_LINES] + more


def _cell_lines(nb: NotebookNode) -> list[str]:
    """Return the code, text and metadata of all cells as lines, outputs left out."""
    lines = []
    for cell in nb.cells:
        lines.append(f"[{cell.cell_type} {cell.get('id')}] {json.dumps(cell.metadata, sort_keys=True)}")
        lines.extend(cell.source.splitlines())
    return lines


def _output_lines(nb: NotebookNode) -> list[str]:
    """Return the text outputs of all code cells as lines; pictures are left out."""
    lines = []
    for number, cell in enumerate((cell for cell in nb.cells if cell.cell_type == "code"), start=1):
        lines.append(f"[output of code cell {number}]")
        for output in cell.outputs:
            lines.extend(output_text(output).splitlines())
    return lines


def build(target: Target, library: Library, *, always: bool) -> str | None:
    """Build one notebook, unless it is up to date and not wanted ``always``; return a line to print.

    Raises:
        SourceError: the source breaks a rule.
        NotebookError: a cell fails, or its outputs cannot be kept.
    """
    nb = draft(target, library)
    if not always and not staleness(target, nb):
        return None
    if not always and target.is_executed and keep_outputs(target, nb):
        write(nb, target.path)
        return f"{target}  text"
    seconds = realize(target, nb)
    write(nb, target.path)
    limit = SECONDS.get(target.folder, float("inf"))
    warning = f"  WARNING: more than {limit} s" if seconds > limit else ""
    return f"{target}  {seconds:.1f} s{warning}"


def check(target: Target, library: Library) -> str | None:
    """Compare one built notebook with its sources, and its text outputs with a new execution's.

    Returns:
        What differs and the command that mends it; None if nothing does.

    Raises:
        SourceError: the source breaks a rule.
        NotebookError: a cell fails, or its outputs cannot be kept.
    """
    again = draft(target, library)
    lines = staleness(target, again)
    if target.is_executed and lines in ([], [EDITED]) and (built := read(target.path)):
        realize(target, again)
        difference = diff(_output_lines(built), _output_lines(again), "built", "executed again")
        if difference:
            lines = [*(lines or ["its text outputs differ"]), *difference]
    if not lines:
        return None
    return "\n    ".join(
        [f"STALE {target}: {lines[0]}", *lines[1:], f"mend: python course.py build {target.name}"]
    )


def superfluous(root: Path, known: list[Target]) -> list[Path]:
    """Return the notebooks in the built folders that no source gives."""
    given = {target.path for target in known}
    return [
        path for folder in FOLDERS for path in sorted((root / folder).glob("*.ipynb")) if path not in given
    ]


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Run the command line; return the exit code, 1 if anything failed or is stale."""
    parser = argparse.ArgumentParser(prog="course.py build", description=__doc__.partition("\n\n")[2])
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="build these in any case, e.g. 01_background"
    )
    parser.add_argument("--check", action="store_true", help="build nothing; fail if anything is stale")
    options = parser.parse_args(arguments)
    known, names = targets(root), {Path(name).stem for name in options.names}
    unknown = names - {target.name for target in known}
    if unknown:
        parser.error(f"no source is named {', '.join(sorted(unknown))}")
    chosen = [target for target in known if not names or target.name in names]
    act = check if options.check else partial(build, always=bool(names))
    write_parts = not options.check
    mended = [*short_solutions.mend(root, write=write_parts), *teaching.mend(root, write=write_parts)]
    for path in mended:
        say(f"{'STALE' if options.check else 'written:'} {path.as_posix()}: what the sources give for it")
    library = Library(root)
    failed, done = 0, 0
    for target in chosen:
        try:
            line = act(target, library)
        except CourseError as error:
            line, failed = f"FAILED {target}: {error}", failed + 1
        if line:
            say(line)
            done += 1
    extra = superfluous(root, known)
    for path in extra:
        say(f"SUPERFLUOUS {path.relative_to(root).as_posix()}: no source gives it; delete it")
    if not (names or failed or extra or (options.check and (done or mended))):
        build_record.record(root)
    say(f"{len(chosen) - done} of {len(chosen)} notebooks were up to date")
    return int(failed > 0 or (options.check and done + len(extra) + len(mended) > 0))


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        say("\nInterrupted. What is built is whole; the same command goes on from here.")
        sys.exit(130)
