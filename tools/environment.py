"""The course's own virtual environment: where it is, what it was made from, and what programs in it see."""

import contextlib
import hashlib
import json
import os
import platform
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.process import CourseError, clean_environment

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Environment:
    """A virtual environment of the course at ``root``; ``lowest`` is that of the lowest versions."""

    root: Path = ROOT
    lowest: bool = False

    @property
    def folder(self) -> Path:
        """Where it is: `.venv` in the course's folder, or what COURSE_VENV names."""
        named = os.environ.get("COURSE_VENV")
        folder = (self.root / Path(named).expanduser()) if named else self.root / ".venv"
        return folder.with_name(folder.name + "-lowest") if self.lowest else folder

    @property
    def scripts(self) -> Path:
        """The folder of its programs."""
        return self.folder / ("Scripts" if sys.platform == "win32" else "bin")

    @property
    def python(self) -> Path:
        """Its Python."""
        return self.scripts / ("python.exe" if sys.platform == "win32" else "python")

    @property
    def site_packages(self) -> Path:
        """Where its packages are."""
        lib = "Lib" if sys.platform == "win32" else f"lib/python{sys.version_info[0]}.{sys.version_info[1]}"
        return self.folder / lib / "site-packages"

    @property
    def stamp(self) -> Path:
        """Written last: what the environment was made from."""
        return self.folder / "course-stamp.json"

    @property
    def marker(self) -> Path:
        """There while an installation runs, and after one that did not end."""
        return self.folder / "course-setup-unfinished"

    def read_stamp(self) -> dict | None:
        """Return what the environment was made from, or None where no set-up has ended."""
        try:
            stamp = json.loads(self.stamp.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        complete = isinstance(stamp, dict) and stamp.keys() >= {
            "identity",
            "inputs",
            "extras",
            "backend",
            "tool",
        }
        return stamp if complete and self.python.exists() and self.site_packages.is_dir() else None

    def identity(self) -> dict[str, str]:
        """Return what cannot change without making the environment anew."""
        return {
            "python": platform.python_version(),
            "base": os.path.realpath(sys.base_prefix),
            "machine": platform.machine(),
            "folder": str(self.folder),
            "course": str(self.root),
        }

    def inputs(self) -> str:
        """Return the hash of the files that say what is installed."""
        digest = hashlib.sha256()
        for name in ("pyproject.toml", "constraints.txt"):
            digest.update(hashlib.sha256((self.root / name).read_bytes()).digest())
        return digest.hexdigest()

    def variables(self) -> dict[str, str]:
        """Return the environment variables of programs that run in it: nothing of the user's own Jupyter.

        Raises:
            CourseError: the course's folder cannot be written to.
        """
        path = os.pathsep.join([str(self.scripts), os.environ.get("PATH", "")])
        # The course's models are so small that a second thread costs more than it brings.
        variables = {"OMP_NUM_THREADS": "1", "KERAS_BACKEND": "torch"} | clean_environment()
        variables |= private_variables(private_folder(self.root))
        return variables | {"VIRTUAL_ENV": str(self.folder), "PATH": path}


def private_folder(root: Path) -> Path:
    """Return the course's folder for locks, logs and Jupyter's own files, making it if need be.

    Raises:
        CourseError: the course's folder cannot be written to.
    """
    private = root / ".course"
    try:
        private.mkdir(mode=0o700, exist_ok=True)
        if not os.access(private, os.W_OK):
            raise PermissionError(f"no permission to write in {private}")
    except OSError as error:
        raise CourseError(
            f"The course's folder cannot be written to ({error}).\n"
            "Copy the course to a folder of your own and start it there."
        ) from error
    return private


def private_variables(private: Path) -> dict[str, str]:
    """Return the variables that keep Jupyter, IPython, Matplotlib and Keras inside one folder."""
    folders = {
        "JUPYTER_CONFIG_DIR": "jupyter/config",
        "JUPYTER_DATA_DIR": "jupyter/data",
        "JUPYTER_RUNTIME_DIR": "jupyter/runtime",
        "JUPYTERLAB_SETTINGS_DIR": "jupyter/settings",
        "JUPYTERLAB_WORKSPACES_DIR": "jupyter/workspaces",
        "IPYTHONDIR": "ipython",
        "MPLCONFIGDIR": "matplotlib",
        "KERAS_HOME": "keras",
    }
    variables = {name: str(private / folder) for name, folder in folders.items()}
    if not keeps_modes(private):
        variables["JUPYTER_ALLOW_INSECURE_WRITES"] = "true"
    return variables


def keeps_modes(folder: Path) -> bool:
    """Return whether the file system can keep a folder to its owner; FAT cannot, and Jupyter must be told."""
    if sys.platform == "win32":
        return True
    with contextlib.suppress(OSError):
        folder.chmod(0o700)
    return stat.S_IMODE(folder.stat().st_mode) == 0o700
