"""Make, update and mend the course's environment; what works is kept until its successor does."""

import contextlib
import json
import os

from labcode._files import write_atomically
from tools.environment import Environment, private_folder
from tools.indexes import pip_settings, silent_host
from tools.installer import NO_NETWORK, Installer, explain
from tools.lock import locked
from tools.preflight import GIGABYTES, elsewhere, refuse_what_cannot_work, require_room
from tools.process import CourseError, ToolError, clean_environment, run_tool, say
from tools.repair import base_python, needs_repair, point_to_course, repair, run_inside, works
from tools.swap import NEW, OLD, clone, discard, empty, leftovers, recover, swap

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
    if is_ready(environment, extras, backend, update) and not leftovers(environment):
        return
    with locked(private_folder(environment.root) / "setup.lock"):
        recover(environment)
        reason = None if mend(environment) else "The environment does not work here; making it anew."
        if reason is None and is_ready(environment, extras, backend, update):
            return
        if not update:
            raise CourseError("There is no complete environment to go on with; leave out --no-update.")
        stamp = environment.read_stamp() or {"extras": ()}
        extras, backend = extras | frozenset(stamp["extras"]), backend or stamp.get("backend", "cpu")
        reason = why_anew(environment, backend) or reason
        if reason is None:
            bring_up_to_date(environment, extras, backend)
        else:
            refuse_what_cannot_work(environment)
            say(reason)
            make(environment, extras, backend)


def is_ready(environment: Environment, extras: frozenset[str], backend: str | None, update: bool) -> bool:
    """Return whether nothing needs doing."""
    stamp = environment.read_stamp()
    if stamp is None or why_anew(environment, backend or stamp.get("backend")) is not None:
        return False
    if needs_repair(environment) or environment.damaged():
        return False
    return extras <= set(stamp["extras"]) and (not update or stamp["inputs"] == environment.inputs())


def can_go_on(environment: Environment, extras: frozenset[str], backend: str | None) -> bool:
    """Return whether an environment that could not be updated or made anew still does its work."""
    stamp = environment.read_stamp()
    if stamp is None or environment.marker.exists() or needs_repair(environment) or environment.damaged():
        return False
    return backend in (None, stamp["backend"]) and extras <= set(stamp["extras"]) and works(environment)


def why_anew(environment: Environment, backend: str | None) -> str | None:
    """Return why the environment must be made from nothing, or None where it need not be."""
    folder, stamp = environment.folder, environment.read_stamp()
    if not os.path.lexists(folder) or (folder.is_dir() and not any(folder.iterdir())):
        return f"Making the course's environment in {folder} (once)."
    if environment.marker.exists():
        return "An earlier set-up did not end; making the environment anew."
    if stamp is None:
        return f"{folder} is not a complete environment of this course; making it anew."
    then, now = stamp["identity"], environment.identity()
    for name, parts in {"python": 2, "machine": None}.items():
        if then.get(name, "").split(".")[:parts] != now[name].split(".")[:parts]:
            change = f"{then.get(name)}; now {now[name]}"
            return f"The environment was made for another {name} ({change}); making it anew."
    if stamp["backend"] != backend:
        return "Another build of PyTorch is wanted; making the environment anew."
    return None


def mend(environment: Environment) -> bool:
    """Mend without a network what a move, a copy or another Python broke; return False where it cannot be."""
    stamp = environment.read_stamp()
    if stamp is None or why_anew(environment, stamp["backend"]) or not needs_repair(environment):
        return True
    just_swapped_in = stamp["identity"].get("folder") == str(environment.beside(NEW).folder)
    if not just_swapped_in:
        say("The environment was moved, copied or damaged, or its Python was replaced; mending it.")
    try:
        repair(environment)
    except (ToolError, OSError) as error:
        say(f"That failed: {error}")
        return False
    return works(environment) or bool(environment.damaged())


def make(environment: Environment, extras: frozenset[str], backend: str) -> None:
    """Make the environment from nothing: beside an older one, which it then replaces, else in its place."""
    offline = is_offline(environment, from_nothing=True)
    complete = environment.read_stamp() is not None
    unfinished = environment.marker.exists() or not (environment.folder / "pyvenv.cfg").exists()
    target = environment if unfinished and not complete else environment.beside(NEW)
    folder, root = target.folder, environment.root
    try:
        folder.mkdir(parents=True, exist_ok=True)
        target.marker.touch()
        empty(folder, keep=target.marker)
        require_room(folder, GIGABYTES[backend])
        run_tool(base_python(), "venv", str(folder), env=clean_environment(), cwd=root, show=False)
    except (ToolError, OSError) as error:
        raise CourseError(
            f"The environment cannot be made in {folder}.\n{error}\n{elsewhere(folder)}"
        ) from error
    try:
        install(target, extras, backend, offline)
    except (ToolError, OSError) as error:
        with contextlib.suppress(OSError):  # half an environment is of no use, and takes room
            empty(folder, keep=target.marker)
        way_on = f"\nThe environment in {environment.folder} is as it was before." if complete else ""
        raise CourseError(f"{explain(error, offline)}\n{error}{way_on}") from error
    if target is not environment:
        put_in_place(environment)


def bring_up_to_date(environment: Environment, extras: frozenset[str], backend: str) -> None:
    """Install what has changed or is missing into a copy, which then replaces the environment."""
    missing = environment.damaged()
    say(
        f"The environment is damaged: {', '.join(missing)} missing or incomplete; installing it again."
        if missing
        else "Bringing the course's environment up to date."
    )
    offline = is_offline(environment, from_nothing=False)
    try:
        install(clone(environment, without=missing), extras, backend, offline)
    except (ToolError, OSError) as error:
        discard(environment.beside(NEW))
        way_on = "The environment is as it was before; to go on with it, add --no-update."
        if missing:
            way_on = "`python course.py doctor` says what works; after `clean`, the next call makes all anew."
        raise CourseError(f"{explain(error, offline)}\n{error}\n{way_on}") from error
    put_in_place(environment)


def put_in_place(environment: Environment) -> None:
    """Replace the environment by the complete one beside it."""
    swap(environment)
    with contextlib.suppress(ToolError, OSError):  # the next call sees that it is still to do
        repair(environment)
    discard(environment.beside(OLD))


def is_offline(environment: Environment, *, from_nothing: bool) -> bool:
    """Return whether only this computer's own packages can be had, and say so.

    Raises:
        CourseError: nothing answers where packages come from, and there are none on this computer.
    """
    root = environment.root
    settings = pip_settings(base_python(), root)
    host = silent_host(settings, base_python(), root)
    if host is None:
        return False
    if from_nothing and "find-links" not in settings:
        raise CourseError(NO_NETWORK.format(host=host))
    say(f"{host} does not answer; trying with what is on this computer.")
    return True


def install(environment: Environment, extras: frozenset[str], backend: str, offline: bool) -> None:
    """Install, then stamp the environment as complete; one that is to replace another has to work first."""
    inputs, packages = environment.inputs(), environment.site_packages
    tool = Installer(
        python=environment.python,
        site_packages=packages,
        root=environment.root,
        extras=extras,
        backend=backend,
        lowest=environment.lowest,
        offline=offline,
    ).install()
    point_to_course(environment)
    settings = environment.folder / "share" / "jupyter" / "lab" / "settings"
    settings.mkdir(parents=True, exist_ok=True)
    write_atomically(settings / "overrides.json", json.dumps(NO_NEWS, indent=1).encode())
    if environment.suffix:
        run_inside(environment, "tools.environment_probe", "imports")
    stamp = {"identity": environment.identity(), "inputs": inputs, "extras": sorted(extras)}
    stamp |= {"backend": backend, "tool": tool, "contents": environment.contents()}
    write_atomically(environment.stamp, json.dumps(stamp, indent=1).encode())
    environment.marker.unlink()
