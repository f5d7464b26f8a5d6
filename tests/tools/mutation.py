"""Break each technique in typical ways and show that the tests catch every one; run on demand, not by pytest.

    python tests/tools/mutation.py [TECHNIQUE ...] [--jobs N] [--fast] [--sample N]

The mutants stand in ``mutants.toml``. Each is put into a temporary copy of the project, where the tests
that should catch it run (with ``--fast`` those of ``course.py test --fast``); the checkout is only read. It
is caught if a test fails. One whose tests do not end is tried again, alone and for longer; if they do not end
again, that is counted apart. Each is printed with its verdict, then a table by technique. The exit code is 1
if a mutant survives or its tests cannot run.
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from tools.fast import QUICK, TESTS  # noqa: E402

COPIED = ("labcode", "tools", "tests", "source", "evidence", "pyproject.toml", "constraints.txt", "course.py")
NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.png")
TIMEOUT, ALONE = 900, 2700  # seconds: longer than any of the tests needs, and at the second try
# the first failure is enough: no smaller example is looked for
PYTEST = """
import sys
import pytest
from hypothesis import Phase, settings
settings.register_profile("first failure", phases=(Phase.explicit, Phase.generate))
settings.load_profile("first failure")
sys.exit(pytest.main(sys.argv[1:]))
"""
CAUGHT, HANGS, SURVIVED, BROKEN = "caught", "TIME-OUT", "SURVIVED", "BROKEN"
GOOD = (CAUGHT, HANGS)  # a loop that a mistake makes endless is noticed, too: by whoever waits


@dataclass(frozen=True)
class Mutant:
    """One mistake: a text of a file below ``labcode/``, and what stands there instead."""

    technique: str
    file: str
    mistake: str
    text: str
    replacement: str
    tests: str  # arguments of pytest, in tests/

    def apply(self, source: str) -> str:
        """Return the file's source with the mistake in it.

        Raises:
            ValueError: the text does not occur exactly once, or does not change.
        """
        count = source.count(self.text)
        if count != 1 or self.text == self.replacement:
            raise ValueError(f"{self}: expected a text that occurs once and changes, received {count} times")
        return source.replace(self.text, self.replacement)


def read_mutants() -> list[Mutant]:
    """Return every mutant of ``mutants.toml``."""
    groups = tomllib.loads((Path(__file__).with_name("mutants.toml")).read_text(encoding="utf-8"))["group"]
    return [
        Mutant(group["technique"], group["file"], *mutant, group["tests"])
        for group in groups
        for mutant in group["mutants"]
    ]


def copy_project(folder: Path) -> Path:
    """Copy what the tests need into a folder, and return it."""
    for name in COPIED:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=NOT_COPIED)
        else:
            shutil.copy(source, target)
    return folder


def run_tests(folder: Path, tests: str, timeout: float = TIMEOUT) -> tuple[str, str]:
    """Run tests in a copy of the project; return the verdict on what is in it, and the last line printed."""
    command = [sys.executable, "-c", PYTEST, "-q", "-x", "--tb=no", "-o", "addopts="]
    command += ["-p", "no:cacheprovider", "-p", "no:nbval", *shlex.split(tests)]
    # without bytecode: a file changed twice within a second would be taken for the old one
    changes = {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(folder)}
    options = {"cwd": folder / "tests", "env": os.environ | changes, "capture_output": True, "text": True}
    try:
        result = subprocess.run(command, timeout=timeout, **options)
    except subprocess.TimeoutExpired:
        return HANGS, f"longer than {timeout:g} s"
    lines = result.stdout.splitlines() or result.stderr.splitlines() or ["no output"]
    if result.returncode == 0:
        return SURVIVED, lines[-1]
    failed = [line for line in lines if line.startswith("FAILED ")]
    return (CAUGHT, failed[0]) if failed else (BROKEN, lines[-1])


def try_mutant(folder: Path, mutant: Mutant, timeout: float = TIMEOUT) -> tuple[str, str]:
    """Put a mutant into a copy of the project, run its tests and restore the file."""
    path = folder / "labcode" / mutant.file
    source = path.read_text(encoding="utf-8")
    try:
        path.write_text(mutant.apply(source), encoding="utf-8")
        return run_tests(folder, mutant.tests, timeout)
    except ValueError as error:
        return BROKEN, str(error)
    finally:
        path.write_text(source, encoding="utf-8")


def judge(mutants: Iterable[Mutant], jobs: int, *, attempt: Callable = try_mutant) -> list[str]:
    """Try every mutant, several at a time, each job in a copy of its own; return the verdicts.

    Whatever ran out of time is tried again when nothing else runs, and gets the verdict of that.
    """
    mutants, folders = list(mutants), SimpleQueue()

    def in_a_copy(function, *arguments):
        folder, start = folders.get(), time.perf_counter()
        try:
            return *function(folder, *arguments), time.perf_counter() - start
        finally:
            folders.put(folder)

    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(jobs) as pool:
        for job in range(jobs):
            folders.put(copy_project(Path(scratch, str(job))))
        tests = list(dict.fromkeys(mutant.tests for mutant in mutants))
        unbroken = pool.map(lambda arguments: in_a_copy(run_tests, arguments), tests)
        for arguments, (verdict, line, _) in zip(tests, unbroken, strict=True):
            if verdict != SURVIVED:
                raise SystemExit(f"without a mutant, {arguments} does not pass: {line}")
        found = {}
        results = pool.map(lambda mutant: in_a_copy(attempt, mutant), mutants)
        for mutant, result in zip(mutants, results, strict=True):
            found[mutant] = report(mutant, *result)
        for mutant in [mutant for mutant, verdict in found.items() if verdict == HANGS]:
            found[mutant] = report(mutant, *in_a_copy(attempt, mutant, ALONE))
    return [found[mutant] for mutant in mutants]


def report(mutant: Mutant, verdict: str, line: str, seconds: float) -> str:
    """Print what became of a mutant, and return the verdict."""
    print(f"{verdict:8} {seconds:5.1f} s  {mutant.technique}: {mutant.mistake} ({mutant.file})", flush=True)
    print(f"                  {line.removeprefix('FAILED ')}", flush=True)
    return verdict


def table(mutants: Iterable[Mutant], verdicts: Iterable[str]) -> str:
    """Return how many mutants of each technique were caught, and how many ran out of time, line by line."""
    counts = {}
    for mutant, verdict in zip(mutants, verdicts, strict=True):
        counts.setdefault(mutant.technique, Counter())[verdict] += 1
    counts["all"] = sum(counts.values(), Counter())
    return "\n".join(
        f"{name:24} {count[CAUGHT]:4} of {count.total()}"
        + (f", {count[HANGS]} by a time-out alone" if count[HANGS] else "")
        for name, count in counts.items()
    )


def main() -> int:
    """Try the mutants of the techniques that the command line names, or all."""
    mutants = read_mutants()
    techniques = list(dict.fromkeys(mutant.technique for mutant in mutants))
    parser = argparse.ArgumentParser(description="Show that the tests catch typical mistakes.")
    parser.add_argument("techniques", nargs="*", metavar="TECHNIQUE", help=", ".join(techniques))
    parser.add_argument("--jobs", type=int, default=2, help="mutants tried at a time")
    parser.add_argument("--fast", action="store_true", help="only with the tests of course.py test --fast")
    parser.add_argument("--sample", type=int, metavar="N", help="every N-th mutant only")
    arguments = parser.parse_args()
    unknown = set(arguments.techniques) - set(techniques)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; expected one of {', '.join(techniques)}")
    for name in ("jobs", "sample"):
        if (value := getattr(arguments, name)) is not None and value < 1:
            parser.error(f"--{name}: expected at least 1, received {value}")
    chosen = [m for m in mutants if not arguments.techniques or m.technique in arguments.techniques]
    chosen = chosen[:: arguments.sample]
    if arguments.fast:  # without staleness, which would notice a comment, too
        chosen = [replace(mutant, tests=shlex.join([*TESTS, *QUICK])) for mutant in chosen]
    verdicts = judge(chosen, arguments.jobs)
    print("\n" + table(chosen, verdicts))
    return 0 if all(verdict in GOOD for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
