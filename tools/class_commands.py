"""The subcommands of course.py for those who teach a class."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from tools import class_progress, sandbox, workshop
from tools import wheels as tools_wheels
from tools.environment import Environment, run_inside
from tools.plans import LEVELS
from tools.process import CourseError, say
from tools.setup import ensure
from tools.workspace import synchronize

GRADE = frozenset({"grade"})
NBGRADER_VENV = ".venv-nbgrader"  # beside the course's own environment, which does without its many packages


def assignment(options: argparse.Namespace) -> int:
    """Set up and write sources of the exercises for nbgrader."""
    environment = Environment()
    extras = options.extras | {"test"}
    ensure(environment, extras=extras, backend=options.backend, update=options.update)
    return run_inside(environment, "tools.assignment", [str(options.folder.resolve()), *options.names])


def nbgrader(options: argparse.Namespace) -> int:
    """Set up nbgrader in an environment of its own and run it in the folder of a course of nbgrader's.

    Raises:
        CourseError: the folder is not there.
    """
    if not options.folder.is_dir():
        raise CourseError(f"There is no folder {options.folder}. `python course.py assignment` makes one.")
    os.environ.setdefault("COURSE_VENV", NBGRADER_VENV)
    environment = Environment()
    ensure(environment, extras=options.extras | GRADE, backend=options.backend, update=options.update)
    return run_inside(environment, "nbgrader", [*options.words, *options.rest], options.folder.resolve())


def grade(options: argparse.Namespace) -> int:
    """Set up and grade a folder of notebooks.

    Raises:
        CourseError: submissions cannot be kept apart here, and that was not waived.
    """
    if not options.unsafe and (why := sandbox.refusal()):
        raise CourseError(why)
    environment = Environment()
    ensure(environment, extras=options.extras, backend=options.backend, update=options.update)
    arguments = [str(options.folder.resolve()), "--jobs", str(options.jobs)]
    arguments += ["--unsafe"] if options.unsafe else []
    arguments += ["--out", str(options.out.resolve())] if options.out else []
    arguments += ["--seed", str(options.seed)] if options.seed is not None else []
    return run_inside(environment, "tools.grade", arguments)


def wheels(options: argparse.Namespace) -> int:
    """Set up and fill a folder with wheels, or check one that was filled."""
    if options.check:
        return tools_wheels.check(options.folder)
    wanted = tools_wheels.targets(options.systems, options.pythons)
    environment = Environment()
    ensure(environment, extras=options.extras, backend=options.backend, update=options.update)
    tools_wheels.make(environment, options.folder.resolve(), wanted)
    return 0


def progress(options: argparse.Namespace) -> int:
    """Print what a class has exported of its progress."""
    return class_progress.show(options.folder, Environment().root)


def plan(options: argparse.Namespace) -> int:
    """Write the short notebooks of a plan into `work/`."""
    for line in workshop.write(Environment().root, options.level):
        say(line)
    return 0


def work(options: argparse.Namespace) -> int:
    """Fill `work/` with the learner's copies, where another environment than ours runs them."""
    for line in synchronize(Environment().root).lines():
        say(line)
    return 0


def add(command: Callable[..., argparse.ArgumentParser], setup: argparse.ArgumentParser) -> None:
    """Add these subcommands.

    Args:
        command: adds one, from its name, function, summary and parents.
        setup: the parser of the options of every command that sets up an environment.
    """
    writer = command("assignment", assignment, "write the exercises as sources for nbgrader", setup)
    writer.add_argument("folder", type=Path, metavar="DIR", help="of nbgrader's course; made if need be")
    writer.add_argument(
        "names", nargs="*", metavar="NAME", help="an exercise's name, such as ex01_background (default: all)"
    )
    grader = command("nbgrader", nbgrader, "run nbgrader; its options go after --", setup)
    grader.add_argument("folder", type=Path, metavar="DIR", help="what `assignment` has made")
    grader.add_argument(
        "words", nargs="+", metavar="WORD", help="such as generate_assignment ex01_background"
    )
    judge = command("grade", grade, "grade a folder of notebooks; each runs apart, under bubblewrap", setup)
    judge.add_argument("folder", type=Path, metavar="FOLDER", help="what learners have handed in")
    judge.add_argument(
        "--out", type=Path, metavar="DIR", help="grades.csv and pages (default: FOLDER-graded, beside it)"
    )
    judge.add_argument(
        "--seed", type=int, help="draws the random cases (default: a new one, kept with the results)"
    )
    judge.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="at the same time")
    judge.add_argument(
        "--unsafe", action="store_true", help="without bubblewrap: what is in a notebook runs as you"
    )
    packer = command(
        "wheels", wheels, "fill a folder from which `lab --from` sets up without a network", setup
    )
    packer.add_argument("folder", type=Path, metavar="DIR", help="made if need be; what is there stays")
    packer.add_argument(
        "--for", dest="systems", metavar="SYSTEMS", help=f"of {', '.join(tools_wheels.SYSTEMS)}, with commas"
    )
    packer.add_argument(
        "--python", dest="pythons", metavar="VERSIONS", help="such as 3.12,3.13 (default: this one)"
    )
    packer.add_argument("--check", action="store_true", help="only say what is missing or damaged")
    reader = command("progress", progress, "one table of the progress that a class has exported")
    reader.add_argument("folder", type=Path, metavar="DIR", help="with one NAME.json for each learner")
    planner = command("plan", plan, "write the short notebooks of a plan of teaching/ into work/")
    planner.add_argument("level", choices=LEVELS, metavar="PLAN", help=", ".join(LEVELS))
    command("work", work, "only fill work/ (for a hub or an editor of your own; `lab` does it, too)")
