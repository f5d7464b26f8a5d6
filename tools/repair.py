"""Fit an environment to where it is now, without a network, after a move, a copy or another Python."""

import contextlib
import json
import os
import sys
from pathlib import Path

from labcode._files import write_atomically
from tools.environment import Environment
from tools.process import ToolError, clean_environment, run_tool


def base_python() -> Path:
    """Return the Python that course.py was called with, not that of an activated environment."""
    return Path(getattr(sys, "_base_executable", None) or sys.executable)


def needs_repair(environment: Environment) -> bool:
    """Return whether a complete environment has lost its Python, or was made for another place."""
    before, now = (environment.read_stamp() or {}).get("identity", {}), environment.identity()
    moved = any(before.get(name) != now[name] for name in ("folder", "course"))
    return moved or not environment.has_python()


def repair(environment: Environment) -> None:
    """Renew what holds the paths of an environment and of its Python, and note it in the stamp.

    Raises:
        ToolError: the Python at hand makes no environments.
        OSError: the environment's files cannot be replaced.
    """
    if sys.platform != "win32":  # there the programs are copies, which venv replaces
        for program in environment.scripts.glob("python*"):
            program.unlink()
    arguments = ("venv", "--without-pip", str(environment.folder))
    run_tool(base_python(), *arguments, env=clean_environment(), cwd=environment.root, show=False)
    point_to_course(environment)
    with contextlib.suppress(ToolError):  # the course itself calls none of these programs
        run_inside(environment, "tools.remake_programs", str(environment.scripts))
    stamp = {"contents": environment.contents()} | (environment.read_stamp() or {})
    stamp |= {"identity": environment.identity()}
    write_atomically(environment.stamp, json.dumps(stamp, indent=1).encode())


def point_to_course(environment: Environment) -> None:
    """Have the environment import labcode from this folder, also where both are moved or copied together."""
    root, packages = environment.root.resolve(), environment.site_packages
    inside = packages.resolve().is_relative_to(root)
    path = os.path.relpath(root, packages.resolve()) if inside else str(root)
    write_atomically(packages / "course.pth", f"{path}\n".encode(errors="surrogateescape"))


def works(environment: Environment) -> bool:
    """Return whether what a lesson needs can be imported."""
    try:
        run_inside(environment, "tools.environment_probe", "imports")
    except (ToolError, OSError):
        return False
    return True


def run_inside(environment: Environment, module: str, *arguments: str) -> list[str]:
    """Run a module in the environment and return its last lines.

    Raises:
        ToolError: it failed.
    """
    variables = environment.variables()
    return run_tool(environment.python, module, *arguments, env=variables, cwd=environment.root, show=False)
