"""The subcommands of course.py for those who teach a class."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from tools import class_progress, workshop
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
    reader = command("progress", progress, "one table of the progress that a class has exported")
    reader.add_argument("folder", type=Path, metavar="DIR", help="with one NAME.json for each learner")
    planner = command("plan", plan, "write the short notebooks of a plan of teaching/ into work/")
    planner.add_argument("level", choices=LEVELS, metavar="PLAN", help=", ".join(LEVELS))
    command("work", work, "only fill work/ (for a hub or an editor of your own; `lab` does it, too)")
