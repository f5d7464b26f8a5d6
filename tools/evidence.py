"""Run declared experiments: `python -m tools.evidence [--quick] [--list] [--all] [--recompute] [NAMES...]`.

An experiment goes on where it was stopped, however that was; several processes may work on the same one.
With --folder DIR, declarations and studies of one's own are those in DIR; a task "module:NAME" may live
there, too, and runs, records and results go beside them.
"""

import argparse
import importlib
import json
import os
import sys
import tempfile
import time
import traceback
from io import TextIOWrapper
from pathlib import Path

from labcode.experiments.claims import rewrite
from labcode.experiments.declaration import EVIDENCE, Declaration, find_declarations, read_declaration
from labcode.experiments.execute import BACKENDS, Engine
from labcode.experiments.plan import Plan, is_plan, read_plan
from labcode.experiments.recompute import all_results, recomputed
from labcode.experiments.records import find_records
from labcode.experiments.results import write_result
from labcode.experiments.script_hash import script_hash
from labcode.experiments.study import find_studies
from tools.evidence_run import perform
from tools.process import CourseError, run_foreground, say, signals_as_interrupts

MISSING, STALE, CURRENT = "no result yet", "declaration has changed since its result", "has its result"


def state(name: str, expected_hash: str, results: Path) -> str:
    """Say whether an experiment has a result, and whether that belongs to the declaration as it is now."""
    path = results / f"{name}.json"
    if not path.is_file():
        return MISSING
    result = json.loads(path.read_text(encoding="utf-8"))
    return CURRENT if result.get("hash") == expected_hash else STALE


def main(arguments: list[str] | None = None, folder: Path = EVIDENCE) -> int:
    """Run the command line; return the exit code."""
    options = _parser().parse_args(arguments)
    if options.folder is not None:
        folder = _own(options.folder)
    known, studies = find_declarations(folder), find_studies(folder)
    unknown = sorted(set(options.names) - set(known) - set(studies))
    if unknown:
        there = ", ".join([*known, *studies])
        raise CourseError(f"No experiment is named {', '.join(unknown)}; there are {there}.")
    results, names = folder / "results", options.names or [*known, *studies]
    if options.recompute:
        _recompute(options.names, folder)
    if options.claims or options.recompute:
        return _rewrite_claims(folder)
    declared = {name: _read(known[name]) for name in names if name in known}
    hashes = {name: declaration.hash for name, declaration in declared.items()}
    hashes |= {name: script_hash(studies[name]) for name in names if name in studies}
    states = {name: state(name, expected, results) for name, expected in hashes.items()}
    if options.list:
        for name, found in states.items():
            say(f"{name}: {found}")
        return 0
    if not (options.names or options.quick or options.all):
        names = [name for name in names if states[name] != CURRENT]
        if not names:
            say("Every experiment has its result. Name those to run again, or give --all.")
    engine = Engine(options.backend, options.jobs, options.scheduler)
    if options.quick:
        sys.path.insert(0, str(folder))  # before workers start: they import the studies, too
        _quick([declared[n] for n in names if n in declared], engine)
        return _run_studies_quickly([studies[n] for n in names if n in studies], options.jobs)
    stopped = [
        name
        for name in names
        if name in declared
        and perform(declared[name], folder / "runs", results, engine, strict=options.strict) is None
    ]
    failed = _run_studies([studies[name] for name in names if name in studies], options.jobs)
    return int(bool(stopped)) or failed


def _read(path: Path) -> Declaration | Plan:
    return read_plan(path) if is_plan(path) else read_declaration(path)


def _own(folder: Path) -> Path:
    """Return a folder of one's own, from which this process and its workers can import tasks."""
    if not folder.is_dir():
        raise CourseError(f"There is no folder {folder}.")
    folder = folder.resolve()
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    paths = [str(folder), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    return folder


def _recompute(names: list[str], folder: Path) -> None:
    """Compute results again from their records, those named or all that have one, and write them."""
    records = find_records(folder / "records")
    without = sorted(set(names) - set(records))
    if without:
        raise CourseError(f"No record in {folder.name}/records of {', '.join(without)}.")
    for name in names or records:
        began = time.perf_counter()
        path = write_result(name, recomputed(name, folder), folder / "results")
        say(f"{name}: computed again in {time.perf_counter() - began:.1f} s; wrote {path}")


def _rewrite_claims(folder: Path) -> int:
    """Write verdicts and effects into the file of claims, if there is one, and say the verdicts."""
    path = folder / "claims.toml"
    if path.is_file():
        for claim in rewrite(path, all_results(folder)):
            say(f"{claim.section:<5}{claim.id:<42}{claim.verdict}")
    return 0


def _run_studies(scripts: list[Path], jobs: int) -> int:
    """Run the studies, each as a program of its own; return the exit code of the first that fails, or 0."""
    for script in scripts:
        say(f"{script.stem}: {script.name}")
        command = [sys.executable, str(script), "--jobs", str(jobs)]
        code = run_foreground(command, env=dict(os.environ), cwd=script.parent.parent)
        if code:
            return code
    return 0


def _run_studies_quickly(scripts: list[Path], jobs: int) -> int:
    """Run small versions of the studies, in this process: libraries load once. Return 1 if one fails."""
    arguments = sys.argv
    try:
        for script in scripts:
            say(f"{script.stem}: {script.name}")
            sys.argv = [str(script), "--jobs", str(jobs), "--quick"]
            sys.modules.pop(script.stem, None)
            importlib.import_module(script.stem).main()
    except Exception:
        traceback.print_exc()
        return 1
    finally:
        sys.argv = arguments
    return 0


def _quick(chosen: list[Declaration | Plan], engine: Engine) -> None:
    """Run small versions in a new temporary folder; nothing of the course's own is read or written."""
    temporary = Path(tempfile.mkdtemp(prefix="evidence-"))
    for declared in chosen:
        perform(declared.quick(), temporary / "runs", temporary / "results", engine, draws=200)
    say(f"Two seeds, one epoch, one strength: these numbers mean nothing. They are in {temporary}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="course.py evidence", description=__doc__.partition("\n\n")[2])
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="experiments (default: all without a current result)"
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="all, those with a result, too (runs kept in evidence/runs are not repeated)",
    )
    parser.add_argument("--list", action="store_true", help="only say which have their result")
    parser.add_argument("--quick", action="store_true", help="see in minutes whether everything runs")
    parser.add_argument(
        "--strict", action="store_true", help="stop before the test if a grid should be wider"
    )
    parser.add_argument("--claims", action="store_true", help="write the verdicts into claims.toml")
    parser.add_argument(
        "--recompute",
        action="store_true",
        help="results and verdicts anew from the records, without training",
    )
    parser.add_argument(
        "--folder", type=Path, metavar="DIR", help="declarations of your own, and their tasks"
    )
    parser.add_argument("--jobs", type=int, default=-1, help="processes (default: one on each core)")
    parser.add_argument("--backend", choices=BACKENDS, default="loky", help="joblib's (default: %(default)s)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of Dask, with --backend dask")
    return parser


def run(arguments: list[str] | None = None) -> int:
    """Run the command line; what goes wrong is said in words where words are enough."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        with signals_as_interrupts():
            return main(arguments)
    except (CourseError, ValueError, OSError) as error:
        say(str(error), error=True)
        return 1
    except KeyboardInterrupt:
        say("\nStopped. What is finished is kept; the same command goes on from here.", error=True)
        return 130


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(run())
