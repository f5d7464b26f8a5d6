"""The subcommands of course.py."""

import argparse
import os
import sys
from io import TextIOWrapper
from pathlib import Path

from tools import build_record, class_commands, doctor_reports
from tools.clean import clean
from tools.doctor import examine
from tools.environment import Environment, private_folder, run_inside
from tools.indexes import take_only_from
from tools.lab import run_lab
from tools.lock import locked
from tools.process import CourseError, run_foreground, say, signals_as_interrupts
from tools.setup import can_go_on, ensure
from tools.workspace import restart, synchronize

TEST, LOOPS, DISTRIBUTED = frozenset({"test"}), frozenset({"loops"}), frozenset({"distributed"})
BOOK = frozenset({"book"})
# A notebook is one file, one kernel.
SIDE_BY_SIDE = ["-n", "auto", "--maxprocesses", "4", "--dist", "loadfile", "-m", "not long"]
# Other sums than here: what a text says of a live run has to hold on any processor. One notebook at a time:
# two of them, with two threads each, wait for one another.
OLD_PROCESSOR = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "OMP_NUM_THREADS": "2"}


def lab(options: argparse.Namespace) -> int:
    """Set up, fill `work/` and serve JupyterLab."""
    if options.wheels:
        take_only_from(options.wheels)
    environment = Environment()
    try:
        ensure(environment, extras=options.extras, backend=options.backend, update=options.update)
    except CourseError as error:
        if not can_go_on(environment, options.extras, options.backend):
            raise
        say(f"{error}\nGoing on with the environment as it is.", error=True)
    with locked(private_folder(environment.root) / "setup.lock"):
        report = synchronize(environment.root)
    for line in report.lines():
        say(line)
    return run_lab(environment, port=options.port, browser=options.browser, first=options.first)


def test(options: argparse.Namespace) -> int:
    """Set up and run every test, on all cores unless there are other arguments for pytest."""
    environment = Environment(lowest=options.lowest or options.old)
    extras = TEST | LOOPS | BOOK | options.extras
    ensure(environment, extras=extras, backend=options.backend, update=options.update)
    if options.fast:
        return run_inside(environment, "tools.fast", options.rest)
    if options.old:
        os.environ |= OLD_PROCESSOR
        return run_inside(environment, "pytest", ["notebooks", "solutions", *options.rest])
    return run_inside(environment, "pytest", options.rest or SIDE_BY_SIDE)


def browser(options: argparse.Namespace) -> int:
    """Set up and walk through the notebooks in a browser."""
    environment = Environment()
    ensure(environment, extras=TEST | options.extras, backend=options.backend, update=options.update)
    tour = environment.root / "tests" / "notebooks" / "tour.py"
    command = [str(environment.python), str(tour), *options.names, *options.rest]
    return run_foreground(command, env=environment.variables(), cwd=environment.root)


def build(options: argparse.Namespace) -> int:
    """Set up and build the notebooks from their sources."""
    environment = Environment()
    everything = not (options.names or options.check or options.rest)
    if everything and build_record.is_up_to_date(environment.root):
        say("All notebooks are up to date")
        return 0
    extras = TEST | options.extras
    ensure(environment, extras=extras, backend=options.backend, update=options.update)
    check = ["--check"] if options.check else []
    return run_inside(environment, "tools.build", [*check, *options.names, *options.rest])


def book(options: argparse.Namespace) -> int:
    """Set up and make the book."""
    environment = Environment()
    ensure(environment, extras=BOOK | options.extras, backend=options.backend, update=options.update)
    slides = ["--slides", options.slides] if options.slides else []
    return run_inside(environment, "tools.book.build", [str(options.folder.resolve()), *slides])


def bench(options: argparse.Namespace) -> int:
    """Set up and time the LSTMs; what follows -- goes to the benchmark."""
    environment = Environment()
    ensure(environment, extras=options.extras, backend=options.backend, update=options.update)
    small = ["--small"] if options.small else []
    return run_inside(environment, "benchmarks", [*small, *options.rest])


def evidence(options: argparse.Namespace) -> int:
    """Set up and run the experiments that evidence/ declares."""
    environment = Environment()
    extras = options.extras | (DISTRIBUTED if options.engine == "dask" else frozenset())
    ensure(environment, extras=extras, backend=options.backend, update=options.update)
    flags = ("list", "quick", "strict", "claims", "recompute")
    arguments = [f"--{name}" for name in flags if getattr(options, name)]
    for name, value in {
        "jobs": options.jobs,
        "backend": options.engine,
        "scheduler": options.scheduler,
        "folder": options.folder and options.folder.resolve(),  # the experiments run from the course's folder
    }.items():
        arguments += [] if value is None else [f"--{name}", str(value)]
    return run_inside(environment, "tools.evidence", [*arguments, *options.names, *options.rest])


def start_afresh(options: argparse.Namespace) -> int:
    """Bring fresh copies of notebooks and keep the learner's beside them."""
    root = Environment().root
    with locked(private_folder(root) / "setup.lock"):
        for line in [line for name in options.names for line in restart(root, name)]:
            say(line)
    return 0


def doctor(options: argparse.Namespace) -> int:
    """Say what is in order and what is not, here or on the computers of a class."""
    return doctor_reports.show(options.read) if options.read else examine(Environment(), as_json=options.json)


def remove(options: argparse.Namespace) -> int:
    """Remove what the other commands made."""
    return clean(Environment().root, dry_run=options.dry_run)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    setup = argparse.ArgumentParser(add_help=False)
    builds = setup.add_mutually_exclusive_group()
    builds.add_argument(
        "--cuda", dest="backend", action="store_const", const="auto", help="PyTorch for this computer's GPU"
    )
    builds.add_argument(
        "--cpu",
        dest="backend",
        action="store_const",
        const="cpu",
        help="PyTorch without CUDA (the default at first)",
    )
    setup.add_argument(
        "--tensorflow",
        dest="extras",
        action="store_const",
        const=frozenset({"tensorflow"}),
        default=frozenset(),
        help="install TensorFlow too, which chapter 7 compares with",
    )
    setup.add_argument(
        "--no-update",
        dest="update",
        action="store_false",
        help="go on with the environment as it is (offline)",
    )

    main = argparse.ArgumentParser(
        prog="course.py",
        description="Regularizing LSTMs: everything the course can do, one word each.",
        epilog="Your work is kept in work/, on copies that no update overwrites. What you delete there stays "
        "away; `restart NAME` brings a fresh copy of a notebook and keeps yours beside it.",
    )
    commands = main.add_subparsers(required=True, metavar="COMMAND")

    def command(name, function, summary, *parents):
        added = commands.add_parser(
            name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.", parents=parents
        )
        added.set_defaults(function=function)
        return added

    opener = command("lab", lab, "open the course in JupyterLab, on your own copies in work/", setup)
    opener.add_argument("--no-browser", dest="browser", action="store_false", help="only print the address")
    opener.add_argument(
        "--first", action="store_true", help="at the table of contents, not where you stopped"
    )
    opener.add_argument(
        "--from", dest="wheels", type=Path, metavar="DIR", help="install from a folder of wheels, no network"
    )
    opener.add_argument("--port", type=int, help="serve here (default: the first free one from 8888)")
    restarter = command("restart", start_afresh, "bring a fresh copy of a notebook; yours is kept beside it")
    restarter.add_argument("names", nargs="+", metavar="NAME", help="such as ex01_background")
    tester = command("test", test, "run every test; arguments after -- go to pytest", setup)
    tester.add_argument(
        "--lowest", action="store_true", help="with the lowest versions that pyproject.toml allows"
    )
    tester.add_argument(
        "--old",
        action="store_true",
        help="run all notebooks as on an old processor, with two threads and the lowest versions",
    )
    tester.add_argument(
        "--fast", action="store_true", help="lint, and for each technique the cheap tests, in a few minutes"
    )
    tester.add_argument(
        "--nbgrader",
        dest="extras",
        action="store_const",
        const=class_commands.GRADE,
        help="install nbgrader too, with which assignments are tested",
    )
    builder = command(
        "build", build, "build the notebooks from source/ (all that changed, or those named)", setup
    )
    builder.add_argument(
        "--check", action="store_true", help="build nothing; fail if something is not up to date"
    )
    builder.add_argument("names", nargs="*", metavar="NAME", help="a notebook's name, such as 01_background")
    binder = command("book", book, "make the course as pages for a browser, to read offline", setup)
    binder.add_argument(
        "--slides", metavar="CHAPTER", help="make this chapter's slides instead, as 01_background"
    )
    folder = Path(__file__).resolve().parents[1] / "book"
    binder.add_argument("folder", nargs="?", type=Path, default=folder, help="takes it (book/)")
    walker = command(
        "browser", browser, "walk through the notebooks in Chromium, as a learner has them", setup
    )
    walker.add_argument("names", nargs="*", metavar="NAME", help="a notebook's name, such as 01_background")
    timer = command(
        "bench",
        bench,
        "time the LSTMs against PyTorch, Keras and TensorFlow; arguments after -- as well",
        setup,
    )
    timer.add_argument("--small", action="store_true", help="tiny sizes, in seconds: does it all run?")
    experimenter = command(
        "evidence", evidence, "run the declared experiments (those without a result)", setup
    )
    for flag, meaning in {
        "list": "only say which have their result",
        "quick": "see in minutes whether everything runs",
        "strict": "stop before the test if a grid should be wider",
        "claims": "write the verdicts that the results lead to into evidence/claims.toml",
        "recompute": "compute results and verdicts anew from evidence/records, without training",
    }.items():
        experimenter.add_argument(f"--{flag}", action="store_true", help=meaning)
    experimenter.add_argument("--jobs", type=int, help="processes (default: one on each core)")
    experimenter.add_argument(
        "--backend", dest="engine", choices=("loky", "dask"), help="joblib's (default: loky, processes here)"
    )
    experimenter.add_argument("--scheduler", metavar="ADDRESS", help="of Dask, with --backend dask")
    experimenter.add_argument(
        "--folder", type=Path, metavar="DIR", help="run declarations of your own, and tasks, that live in DIR"
    )
    experimenter.add_argument(
        "names", nargs="*", metavar="NAME", help="an experiment's name, such as weather"
    )
    class_commands.add(command, setup)
    checker = command("doctor", doctor, "check Python, PyTorch, disk, port and notebooks, and say what to do")
    ways = checker.add_mutually_exclusive_group()
    ways.add_argument("--json", action="store_true", help="print it as JSON, for whoever looks after a class")
    ways.add_argument(
        "--read", type=Path, metavar="DIR", help="one table of the *.json that a class has sent"
    )
    cleaner = command("clean", remove, "remove environments and caches, never work/")
    cleaner.add_argument("--dry-run", action="store_true", help="only list them")
    return main


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; what goes wrong is said in words, without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # no stream that a test or an editor put in its place
            stream.reconfigure(errors="replace")
    arguments = sys.argv[1:] if arguments is None else arguments
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    options = parser().parse_args(arguments[:cut])
    options.rest = arguments[cut + 1 :]
    try:
        with signals_as_interrupts():
            return options.function(options)
    except (CourseError, OSError) as error:
        say(str(error), error=True)
        return 1
    except KeyboardInterrupt:
        say("\nStopped. Call the same command again to go on.", error=True)
        return 130
