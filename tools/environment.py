"""The course's own virtual environment: where it is, what it was made from, and what programs in it see."""

import contextlib
import hashlib
import json
import os
import platform
import stat
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from tools.process import CourseError, clean_environment, run_foreground

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Environment:
    """A virtual environment of the course at ``root``.

    Args:
        root: the course's folder.
        lowest: the one of the lowest versions.
        suffix: of another one beside it: "-new" while it is made, "-old" once it is replaced.
    """

    root: Path = ROOT
    lowest: bool = False
    suffix: str = ""

    @property
    def folder(self) -> Path:
        """Where it is: `.venv` in the course's folder, or what COURSE_VENV names."""
        named = os.environ.get("COURSE_VENV")
        folder = (self.root / Path(named).expanduser()) if named else self.root / ".venv"
        folder = folder.with_name(folder.name + "-lowest") if self.lowest else folder
        if self.suffix:  # where `.venv` is a link, beside what it points to
            folder = Path(os.path.realpath(folder))
        return folder.with_name(folder.name + self.suffix)

    def beside(self, suffix: str) -> "Environment":
        """Return the environment beside this one."""
        return replace(self, suffix=suffix)

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
        if sys.platform == "win32":
            return self.folder / "Lib" / "site-packages"
        usual = self.folder / f"lib/python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
        others = sorted(self.folder.glob("lib/python3.*/site-packages"))  # of another Python than this one
        return others[0] if others and not usual.is_dir() else usual

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
        needed = {"identity", "inputs", "extras", "backend", "tool"}
        return stamp if isinstance(stamp, dict) and stamp.keys() >= needed else None

    def has_python(self) -> bool:
        """Return whether its Python, and the one that this stands on, are there."""
        with contextlib.suppress(OSError, ValueError):
            lines = (self.folder / "pyvenv.cfg").read_text("utf-8").splitlines()
            pairs = (line.partition("=") for line in lines)
            settings = {name.strip(): value.strip() for name, equals, value in pairs if equals}
            return self.python.exists() and Path(settings.get("home", "nowhere")).is_dir()
        return False

    def contents(self) -> dict[str, list[str]]:
        """Return by each installed package the names in site-packages that it brought."""
        return {
            info.name.partition("-")[0]: brought_by(info) for info in self.site_packages.glob("*.dist-info")
        }

    def damaged(self) -> list[str]:
        """Return the packages that were there when the set-up ended, and of which something is missing."""
        stamp, folder = self.read_stamp() or {}, self.site_packages
        present = {unversioned(name) for name in os.listdir(folder)} if folder.is_dir() else set()
        return sorted(
            name for name, held in stamp.get("contents", {}).items() if not present.issuperset(held)
        )

    def identity(self) -> dict[str, str]:
        """Return what it stands on: another Python needs another environment, another place only a repair."""
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


def run_inside(environment: Environment, module: str, arguments: list[str], cwd: Path | None = None) -> int:
    """Run a module with the environment's Python, in the course's folder or another; return its exit code."""
    command = [str(environment.python), "-m", module, *arguments]
    return run_foreground(command, env=environment.variables(), cwd=cwd or environment.root)


def unversioned(name: str) -> str:
    """Return the name of an entry of site-packages, without the version that a `.dist-info` has in it."""
    return name.partition("-")[0] + ".dist-info" if name.endswith(".dist-info") else name


def brought_by(info: Path) -> list[str]:
    """Return the names in site-packages that a package brought, as its record says."""
    try:
        lines = (info / "RECORD").read_text("utf-8").splitlines()
    except (OSError, ValueError):
        lines = []
    names = {line.strip('"').partition(",")[0].partition("/")[0] for line in lines}
    return sorted(
        {unversioned(name) for name in names} - {"", "..", "__pycache__"} | {unversioned(info.name)}
    )


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
