"""Make the course's environment, bring it up to date, and mend what an interrupted set-up left behind."""

import contextlib
import json
import os
import shutil
import sys
from pathlib import Path

from labcode._files import write_atomically
from tools.environment import Environment, private_folder
from tools.installer import Installer, explain
from tools.lock import locked
from tools.preflight import GIGABYTES, elsewhere, refuse_what_cannot_work, require_room
from tools.process import CourseError, ToolError, clean_environment, run_tool, say

NO_NEWS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


def ensure(
    environment: Environment,
    *,
    extras: frozenset[str] = frozenset(),
    backend: str | None = None,
    update: bool = True,
) -> None:
    """Return once the environment is complete and up to date: at once if it is, else after installing.

    Args:
        environment: what to set up.
        extras: of pyproject.toml, to be there at least.
        backend: the build of PyTorch, ``"cpu"`` or ``"auto"`` (CUDA where there is a GPU); None keeps
            what is there, ``"cpu"`` at first.
        update: False accepts a complete environment that is out of date.

    Raises:
        CourseError: it cannot be made or updated; the message says why and what to do.
    """
    if is_ready(environment, extras, backend, update):
        return
    with locked(private_folder(environment.root) / "setup.lock"):
        if is_ready(environment, extras, backend, update):  # another set-up may just have ended
            return
        if not update:
            raise CourseError("There is no complete environment to go on with; leave out --no-update.")
        stamp = environment.read_stamp() or {}
        backend = backend or stamp.get("backend", "cpu")
        reason = why_anew(environment, backend)
        if reason is None:
            bring_up_to_date(environment, extras | frozenset(stamp["extras"]), backend)
        else:
            refuse_what_cannot_work(environment)
            say(reason)
            make(environment, extras, backend)


def is_ready(environment: Environment, extras: frozenset[str], backend: str | None, update: bool) -> bool:
    """Return whether nothing needs doing."""
    stamp = environment.read_stamp()
    if stamp is None or why_anew(environment, backend or stamp.get("backend")) is not None:
        return False
    return extras <= set(stamp["extras"]) and (not update or stamp["inputs"] == environment.inputs())


def why_anew(environment: Environment, backend: str | None) -> str | None:
    """Return why the environment must be made from nothing, or None where it need not be."""
    folder, stamp = environment.folder, environment.read_stamp()
    if not os.path.lexists(folder) or (folder.is_dir() and not any(folder.iterdir())):
        return f"Making the course's environment in {folder} (once)."
    if environment.marker.exists():
        return "An earlier set-up did not end; making the environment anew."
    if stamp is None:
        return f"{folder} is not a complete environment of this course; making it anew."
    changed = [name for name, value in environment.identity().items() if stamp["identity"].get(name) != value]
    if changed:
        before, now = (identity.get(changed[0]) for identity in (stamp["identity"], environment.identity()))
        return f"The environment was made for another {changed[0]} ({before}; now {now}); making it anew."
    if stamp["backend"] != backend:
        return "Another build of PyTorch is wanted; making the environment anew."
    return None


def make(environment: Environment, extras: frozenset[str], backend: str) -> None:
    """Make the environment from nothing, in place of what an earlier set-up left there."""
    folder, root = environment.folder, environment.root
    try:
        folder.mkdir(parents=True, exist_ok=True)
        environment.marker.touch()
        empty(folder, keep=environment.marker)
    except OSError as error:
        raise CourseError(
            f"The environment cannot be made in {folder}: {error}.\n{elsewhere(folder)}"
        ) from error
    require_room(folder, GIGABYTES[backend])
    base = getattr(sys, "_base_executable", None) or sys.executable  # not the one of an activated environment
    try:
        run_tool(base, "venv", str(folder), env=clean_environment(), cwd=root, show=False)
    except (ToolError, OSError) as error:
        raise CourseError(
            f"The environment cannot be made in {folder}.\n{error}\n{elsewhere(folder)}"
        ) from error
    try:
        install(environment, extras, backend)
    except (ToolError, OSError) as error:
        with contextlib.suppress(OSError):  # half an environment is of no use, and takes room
            empty(folder, keep=environment.marker)
        raise CourseError(f"{explain(error)}\n{error}") from error


def bring_up_to_date(environment: Environment, extras: frozenset[str], backend: str) -> None:
    """Install what has changed; a failure that changed nothing leaves the environment usable."""
    say("Bringing the course's environment up to date.")
    before = packages(environment)
    try:
        environment.marker.touch()
        install(environment, extras, backend)
    except BaseException as error:
        way_on = "The next call makes the environment anew."
        if packages(environment) == before:
            environment.marker.unlink(missing_ok=True)
            way_on = "The environment is as it was before; to go on with it, add --no-update."
        if isinstance(error, ToolError | OSError):
            raise CourseError(f"{explain(error)}\n{error}\n{way_on}") from error
        raise


def install(environment: Environment, extras: frozenset[str], backend: str) -> None:
    """Install, then stamp the environment as complete."""
    inputs = environment.inputs()
    tool = Installer(
        python=environment.python,
        site_packages=environment.site_packages,
        root=environment.root,
        extras=extras,
        backend=backend,
        lowest=environment.lowest,
    ).install()
    settings = environment.folder / "share" / "jupyter" / "lab" / "settings"
    settings.mkdir(parents=True, exist_ok=True)
    write_atomically(settings / "overrides.json", json.dumps(NO_NEWS, indent=1).encode())
    stamp = {"identity": environment.identity(), "inputs": inputs, "extras": sorted(extras)}
    stamp |= {"backend": backend, "tool": tool}
    write_atomically(environment.stamp, json.dumps(stamp, indent=1).encode())
    environment.marker.unlink()


def packages(environment: Environment) -> list[tuple[str, int]]:
    """Return what is installed, as names that change whenever a package comes, goes or is replaced."""
    with os.scandir(environment.site_packages) as entries:
        return sorted(
            (entry.name, entry.stat().st_mtime_ns if entry.name.endswith(".dist-info") else 0)
            for entry in entries
            if entry.name != "__pycache__"
        )


def empty(folder: Path, keep: Path) -> None:
    """Remove everything in a folder but one file."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry != keep:
            entry.unlink()
