"""Run declared experiments: `python -m labcode.experiments.command [--quick] [--list] [NAMES...]`.

An experiment goes on where it was stopped, however that was; several processes may work on the same one.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from labcode.course.process import CourseError, say, signals_as_interrupts
from labcode.experiments.declaration import EVIDENCE, Declaration, find_declarations, read_declaration
from labcode.experiments.execute import BACKENDS, Engine
from labcode.experiments.protocol import Experiment
from labcode.experiments.results import save_result
from labcode.experiments.summary import DRAWS, edges, make_result, table

MISSING, STALE, CURRENT = "no result yet", "declaration has changed since its result", "has its result"


def state(declaration: Declaration, results: Path) -> str:
    """Say whether an experiment has a result, and whether that belongs to the declaration as it is now."""
    path = results / f"{declaration.name}.json"
    if not path.is_file():
        return MISSING
    result = json.loads(path.read_text(encoding="utf-8"))
    return CURRENT if result.get("hash") == declaration.hash else STALE


def perform(declaration: Declaration, runs: Path, results: Path, engine: Engine, draws: int = DRAWS) -> dict:
    """Run one experiment to its end and write its result.

    Args:
        declaration: what to try.
        runs: folder of the stores.
        results: folder that receives the result.
        engine: where to compute.
        draws: bootstrap resamples of each interval.

    Returns:
        The result.
    """
    began = time.perf_counter()
    outcome = Experiment(declaration, runs, engine).run()
    result = make_result(declaration, outcome, draws=draws)
    results.mkdir(parents=True, exist_ok=True)
    path = save_result(declaration.name, result, results)
    for line in table(result):
        say(line)
    minutes = (time.perf_counter() - began) / 60
    say(f"{declaration.name}: {result['trainings']} trainings, {minutes:.1f} minutes now; wrote {path}")
    return result


def main(arguments: list[str] | None = None, folder: Path = EVIDENCE) -> int:
    """Run the command line; return the exit code."""
    options = _parser().parse_args(arguments)
    known = find_declarations(folder)
    unknown = sorted(set(options.names) - set(known))
    if unknown:
        raise CourseError(f"No experiment is named {', '.join(unknown)}; there are {', '.join(known)}.")
    chosen = [read_declaration(known[name]) for name in options.names or known]
    states = {declared.name: state(declared, folder / "results") for declared in chosen}
    if options.list:
        for name, found in states.items():
            say(f"{name}: {found}")
        return 0
    if not options.names and not options.quick:
        chosen = [declared for declared in chosen if states[declared.name] != CURRENT]
        if not chosen:
            say("Every experiment has its result.")
    failed, engine = False, Engine(options.backend, options.jobs, options.scheduler)
    if options.quick:
        return _quick(chosen, engine)
    for declared in chosen:
        at_edge = edges(perform(declared, folder / "runs", folder / "results", engine))
        if at_edge:
            say(f"{declared.name}: a best strength lies at an edge, widen the grid: {', '.join(at_edge)}")
            failed = options.strict
    return int(failed)


def _quick(chosen: list[Declaration], engine: Engine) -> int:
    """Run small versions in a new temporary folder; nothing of the course's own is read or written."""
    temporary = Path(tempfile.mkdtemp(prefix="evidence-"))
    for declared in chosen:
        perform(declared.quick(), temporary / "runs", temporary / "results", engine, draws=200)
    say(f"Two seeds, one epoch, one strength: these numbers mean nothing. They are in {temporary}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="course.py evidence", description=__doc__.partition("\n\n")[2])
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="experiments (default: all without a current result)"
    )
    parser.add_argument("--list", action="store_true", help="only say which have their result")
    parser.add_argument("--quick", action="store_true", help="see in minutes whether everything runs")
    parser.add_argument("--strict", action="store_true", help="fail if a grid should be wider")
    parser.add_argument("--jobs", type=int, default=-1, help="processes (default: one on each core)")
    parser.add_argument("--backend", choices=BACKENDS, default="loky", help="joblib's (default: %(default)s)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of Dask, with --backend dask")
    return parser


def run(arguments: list[str] | None = None) -> int:
    """Run the command line; what goes wrong is said in words where words are enough."""
    for stream in (sys.stdout, sys.stderr):
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
