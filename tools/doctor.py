"""One screen that says what is in order, and what to do about the rest."""

import json
import platform
import shutil
import sys

from tools.doctor_reports import FORMAT
from tools.environment import Environment
from tools.lab import choose_port
from tools.preflight import GIGABYTES
from tools.process import CourseError, ToolError, run_tool, say
from tools.repair import needs_repair
from tools.setup import is_ready
from tools.workspace import FOLDERS

WORKING_ROOM = 0.5  # GB that a complete environment leaves room for


def examine(environment: Environment, *, as_json: bool = False) -> int:
    """Print a line for each thing a learner depends on, or one JSON text; return 0 if all is in order.

    Args:
        environment: the course's.
        as_json: for a teacher, who reads the files of a class by ``doctor_reports``.
    """
    found = findings(environment)
    if as_json:
        checks = {name: {"ok": in_order, "said": said} for name, (in_order, said) in found.items()}
        say(json.dumps({"format": FORMAT, "system": platform.platform(), "checks": checks}, indent=1))
    else:
        for name, (in_order, said) in found.items():
            say(f"{'OK' if in_order else '!!'}  {name:<12} {said}")
    return 0 if all(in_order for in_order, _ in found.values()) else 1


def findings(environment: Environment) -> dict[str, tuple[bool, str]]:
    """Return for each thing a learner depends on whether it is in order, and what there is to say of it."""
    checks = {
        "Python": check_python,
        "Environment": check_environment,
        "PyTorch": check_torch,
        "Notebooks": check_notebook,
        "Disk": check_disk,
        "Port": check_port,
        "Your work": check_work,
    }
    found = {}
    for name, check in checks.items():
        try:
            found[name] = True, check(environment)
        except (CourseError, OSError) as error:
            found[name] = False, str(error)
    return found


def check_python(environment: Environment) -> str:
    """Return the Python that course.py has accepted."""
    return f"{platform.python_version()}, {sys.executable}"


def check_environment(environment: Environment) -> str:
    """Return where the environment is and what made it.

    Raises:
        CourseError: it is not complete, or not up to date.
    """
    stamp = environment.read_stamp()
    if stamp and is_ready(environment, frozenset(), None, True):
        return f"complete, installed by {stamp['tool']}, {environment.folder}"
    state = "there is none yet" if stamp is None else "out of date"
    if missing := environment.damaged():
        state = f"damaged ({', '.join(missing)} missing or incomplete)"
    elif stamp and needs_repair(environment):
        state = "moved or damaged (it has lost its place or its Python)"
    raise CourseError(f"{state}; `python course.py lab` sees to it")


def check_torch(environment: Environment) -> str:
    """Return PyTorch's version and device.

    Raises:
        CourseError: it does not work.
    """
    return inside(environment, "tools.environment_probe", "torch")


def check_notebook(environment: Environment) -> str:
    """Return that a notebook was executed.

    Raises:
        CourseError: it was not.
    """
    return inside(environment, "tools.environment_probe", "notebook")


def inside(environment: Environment, module: str, *arguments: str) -> str:
    """Return the last line of a module run in the environment.

    Raises:
        CourseError: there is no environment, or the module fails.
    """
    if environment.read_stamp() is None:
        raise CourseError("waits for the environment")
    variables = environment.variables()
    try:
        lines = run_tool(
            environment.python, module, *arguments, env=variables, cwd=environment.root, show=False
        )
    except ToolError as error:
        last = error.said.splitlines()[-1]
        raise CourseError(f"{last} (to make all anew: `python course.py clean`, then `lab`)") from error
    return lines[-1]


def check_disk(environment: Environment) -> str:
    """Return the free room on the course's disk.

    Raises:
        CourseError: too little is left to set up, or to work.
    """
    needed = GIGABYTES["cpu"] if environment.read_stamp() is None else WORKING_ROOM
    free = shutil.disk_usage(environment.root).free / 1e9
    if free < needed:
        raise CourseError(f"{free:.1f} GB free, {needed:.1f} needed; make room")
    return f"{free:.1f} GB free"


def check_port(environment: Environment) -> str:
    """Return the port that `lab` would take.

    Raises:
        CourseError: none is free.
    """
    return f"{choose_port(None)} is free"


def check_work(environment: Environment) -> str:
    """Return how many notebooks the learner has."""
    work = environment.root / "work"
    notebooks = [path for folder in FOLDERS for path in (work / folder).glob("*.ipynb")]
    if not notebooks:
        return "not begun; `lab` copies the notebooks"
    return f"{len(notebooks)} notebooks in {work}; `restart NAME` brings a fresh copy and keeps yours"
