"""What is checked before an environment is made, so that it fails early and in plain words."""

import importlib.util
import os
import platform
import shutil
import sys
from pathlib import Path

from tools.environment import Environment
from tools.process import CourseError

GIGABYTES = {"cpu": 2.5, "auto": 8.0}  # room for a new environment and its downloads, by PyTorch's build


def refuse_what_cannot_work(environment: Environment) -> None:
    """Refuse at once what would fail later, or what would remove another's files.

    Raises:
        CourseError: this Python or this computer cannot, or the folder is another's.
    """
    if not all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
        raise CourseError(
            "This Python cannot make environments: its modules venv and ensurepip are missing.\n"
            f"On Debian and Ubuntu: sudo apt install python3.{sys.version_info[1]}-venv. "
            "Elsewhere: take the Python of https://www.python.org/downloads/ or of conda."
        )
    if sys.platform == "darwin" and platform.machine() == "x86_64":
        raise CourseError(
            "PyTorch is no longer built for Macs with an Intel processor, so the course cannot run here.\n"
            "On a Mac with Apple silicon, install an arm64 (or universal2) Python and call that."
        )
    folder = environment.folder
    if os.path.lexists(folder) and not folder.is_dir():
        raise CourseError(
            f"{folder} is there, but is no folder.\n"
            "Move it away, or name a folder elsewhere in the environment variable COURSE_VENV."
        )
    ours = environment.marker.exists() or environment.stamp.exists()
    default = (
        folder.parent == environment.root and not folder.is_symlink() and (folder / "pyvenv.cfg").exists()
    )
    if folder.is_dir() and any(folder.iterdir()) and not (ours or default):
        raise CourseError(
            f"{folder} holds something that this course did not make, so it stays.\n"
            "Move it away, or name an empty folder in the environment variable COURSE_VENV."
        )


def require_room(folder: Path, gigabytes: float) -> None:
    """Check the free room on the folder's disk.

    Raises:
        CourseError: there is less than asked for.
    """
    free = shutil.disk_usage(folder).free / 1e9
    if free < gigabytes:
        raise CourseError(
            f"The set-up needs about {gigabytes:.1f} GB on the disk of {folder}; {free:.1f} GB are free.\n"
            "Make room, or name a folder on another disk in the environment variable COURSE_VENV."
        )


def elsewhere(folder: Path) -> str:
    """Return what to do where a folder cannot hold an environment."""
    advice = (
        "Close what still uses it (JupyterLab, an activated terminal), or name a folder elsewhere in the "
    )
    advice += "environment variable COURSE_VENV, and call the same command again."
    if sys.platform == "win32" and len(str(folder)) > 100:
        advice += (
            f" Windows may find the path too long ({len(str(folder))} characters); a short one is C:\\course."
        )
    return advice
