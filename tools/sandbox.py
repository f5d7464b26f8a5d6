"""Where learners' code runs: a program under bubblewrap that sees Python, its packages and nothing else.

No network, no other processes, a read-only root, a small /tmp of its own, no way to more rights. The kernel
is the same as the user's, so a fault in it can be a way out.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.process import CourseError

BWRAP = "bwrap"
OLDEST = (0, 8)  # the first that can forbid further user namespaces
HOME = Path("/tmp")
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
OF_ETC = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/fonts")
MEGABYTE = 2**20
WAY_OUT = (
    "Or grade without walls, for a class that you trust: add --unsafe. What they have written then runs as "
    "you, with your files and your network."
)
ROOT_IS_REFUSED = (
    "You are root, and what breaks out of a submission would be root, too. Call this as another user."
)


@dataclass(frozen=True)
class Limits:
    """What a submission may take.

    Args:
        memory: bytes, of each process and of all together.
        disk: bytes in /tmp and /dev/shm, each, and in a file.
        processes: threads and processes.
        seconds: for a submission with all that is tried again.
        sent: bytes of data that come out.
    """

    memory: int = 3 * 1024 * MEGABYTE
    disk: int = 256 * MEGABYTE
    processes: int = 64
    seconds: float = 1200.0
    sent: int = 16 * MEGABYTE


LIMITS = Limits()


def refusal() -> str | None:
    """Return why submissions can't be run apart here, and what to do; None where nothing is in the way."""
    if not sys.platform.startswith("linux"):
        return (
            f"Only Linux has bubblewrap, which keeps a submission apart; this is {sys.platform}.\n{WAY_OUT}"
        )
    if os.getuid() == 0:
        return f"{ROOT_IS_REFUSED}\n{WAY_OUT}"
    if shutil.which(BWRAP) is None:
        return (
            "bubblewrap, which keeps a submission apart, is not installed: apt-get install bubblewrap, or "
            f"dnf install bubblewrap.\n{WAY_OUT}"
        )
    found = version()
    if found < OLDEST:
        return f"bubblewrap {'.'.join(map(str, OLDEST))} or later is needed; this is {found}.\n{WAY_OUT}"
    return None


def try_out(program: Path, library: Path) -> None:
    """Run the program once with nothing to do.

    Raises:
        CourseError: it does not run inside; says why.
    """
    job = json.dumps({"cells": {}, "tasks": {}, "skip": [], "limits": {}, "apart": True})
    command = inside(program, library, LIMITS)
    done = subprocess.run(command, input=job, capture_output=True, text=True, timeout=600)
    if done.returncode or "all" not in done.stdout:
        said = "\n".join(done.stderr.strip().splitlines()[-4:])
        raise CourseError(f"Nothing runs under bubblewrap here. It says:\n{said}\n{WAY_OUT}")


def version() -> tuple[int, ...]:
    """Return bubblewrap's version; (0,) where it does not say."""
    said = subprocess.run([BWRAP, "--version"], capture_output=True, text=True, timeout=60).stdout
    numbers = re.findall(r"\d+", said)
    return tuple(map(int, numbers)) or (0,)


def inside(program: Path, library: Path, limits: Limits) -> list[str]:
    """Return the command that runs a program of Python inside.

    Args:
        program: a file.
        library: a folder from which it imports first.
        limits: of which the sizes are set here; the rest is the program's and the caller's to set.
    """
    shown = [flag for place in python_places() for flag in ("--ro-bind", place, place)]
    size = ["--size", str(limits.disk), "--tmpfs"]
    variables = variables_for(HOME, Path("/library"))
    return [
        *("env", "-i", shutil.which(BWRAP) or BWRAP),  # inside, bubblewrap's own variables can be read
        *("--unshare-all", "--unshare-user", "--disable-userns", "--uid", "65534", "--gid", "65534"),
        *("--die-with-parent", "--new-session", "--cap-drop", "ALL", "--hostname", "class", "--clearenv"),
        *(flag for place in SYSTEM for flag in _as_it_is(place)),
        *(flag for place in OF_ETC for flag in ("--ro-bind-try", place, place)),
        *(*size, str(HOME)),  # first: Python may be below it
        *shown,
        *("--ro-bind", str(library), "/library", "--ro-bind", str(program), "/program.py"),
        *("--proc", "/proc", *size, "/proc/1", "--remount-ro", "/proc/1"),  # whoever rules pid 1 lives on
        *("--dev", "/dev", *size, "/dev/shm", "--remount-ro", "/dev"),
        *("--remount-ro", "/", "--chdir", str(HOME)),
        *(flag for name, value in variables.items() for flag in ("--setenv", name, value)),
        *(os.path.abspath(sys.executable), "-s", "-B", "/program.py"),
    ]


def _as_it_is(place: str) -> list[str]:
    """Return the flags that show a folder of the system, or the link that stands there."""
    if os.path.islink(place):
        return ["--symlink", os.readlink(place), place]
    return ["--ro-bind", place, place] if os.path.isdir(place) else []


def python_places() -> list[str]:
    """Return the folders that this Python and its packages need, beside those of the system."""
    packages = [place for place in sys.path if Path(place).name in ("site-packages", "dist-packages")]
    program = os.path.realpath(sys.executable)
    named = [sys.base_prefix, sys.prefix, os.path.dirname(program), *packages]
    absolute = [Path(os.path.abspath(place)) for place in named]
    found = {path for one in absolute for path in (one, one.resolve())}
    found = {path for path in found if path.is_dir() and not is_system(path)}
    return sorted(str(path) for path in found if not found & set(path.parents))


def is_system(path: Path) -> bool:
    """Return whether a path is in one of the folders that are shown anyway."""
    return any(path.is_relative_to(place) for place in SYSTEM)


def variables_for(home: Path, library: Path) -> dict[str, str]:
    """Return all environment variables of the program."""
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"]),
        "HOME": str(home),
        "USER": "learner",
        "LOGNAME": "learner",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(library),
        "PYTHONUTF8": "1",
        "PYTHONNOUSERSITE": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "KERAS_BACKEND": "torch",
        "KERAS_HOME": str(home / "keras"),
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": str(home / "matplotlib"),
        "IPYTHONDIR": str(home / "ipython"),
        "LABCODE_PROGRESS": "off",
    }
