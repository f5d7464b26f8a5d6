"""A folder of wheels from which the course is set up without a network, on other kinds of computers, too."""

import hashlib
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from labcode._files import write_atomically
from tools.environment import Environment
from tools.installer import UV, Installer
from tools.process import CourseError, ToolError, run_tool, say

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
SUMS, PAGE, LISTS = "SHA256SUMS", "READ_ME.txt", "lists"
AT_ONCE = 12  # packages for which pip is called; what it has brought is kept when it is stopped
ENTRY = re.compile(r"^(\S+==\S+) (?:\\\n +--hash=\S+ ?)+", re.MULTILINE)
TEXT = """Regularizing LSTMs without a network
====================================

This folder holds what the course needs on

{targets}

({number} files, {size:.1f} GB.) On each computer:

1.  Install Python in one of these versions (64-bit), unless it is there.
2.  Copy the folder of the course (the one with course.py) and this folder to its disk, or plug in the stick.
3.  Open a terminal in the folder of the course and call

        python course.py lab --from PATH-OF-THIS-FOLDER

    On Windows: py -3.12 course.py lab --from D:\\wheels

It needs 2.5 GB of free disk, keeps 1.4 GB of them, and ends with JupyterLab in the browser. This folder is
not needed any more then:

        python course.py lab

If something goes wrong: python course.py doctor
To see whether a copy is damaged: python course.py wheels PATH-OF-THIS-FOLDER --check
"""


@dataclass(frozen=True)
class System:
    """A kind of computer: what uv calls it, and the tags of wheels for it, the best ones first."""

    uv: str
    tags: tuple[str, ...]


def _linux(machine: str) -> System:
    newest, oldest = 28, 17
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(newest, oldest - 1, -1)]
    return System(f"{machine}-manylinux_2_28", (*tags, f"manylinux2014_{machine}"))


SYSTEMS = {
    "linux": _linux("x86_64"),
    "linux-arm": _linux("aarch64"),
    "macos": System("aarch64-apple-darwin", ("macosx_14_0_arm64",)),  # PyTorch is for none with Intel
    "windows": System("x86_64-pc-windows-msvc", ("win_amd64",)),
}


@dataclass(frozen=True)
class Target:
    """What a set of wheels is for: a key of ``SYSTEMS``, and a minor version of Python."""

    system: str
    python: str

    def __str__(self) -> str:
        return f"{self.system}, Python {self.python}"


def targets(systems: str | None, pythons: str | None) -> list[Target]:
    """Return what wheels are wanted for; this computer, where nothing is said.

    Args:
        systems: keys of ``SYSTEMS``, with commas between them.
        pythons: such as "3.12,3.13".

    Raises:
        CourseError: one of them is none of the course's.
    """
    here = {"darwin": "macos", "win32": "windows"}.get(sys.platform, "linux")
    named = _split(systems or here, tuple(SYSTEMS), "system")
    versions = _split(pythons or f"{sys.version_info[0]}.{sys.version_info[1]}", PYTHONS, "version of Python")
    return [Target(system, python) for system in named for python in versions]


def _split(words: str, known: tuple[str, ...], what: str) -> list[str]:
    named = [word.strip() for word in words.split(",")]
    for word in named:
        if word not in known:
            raise CourseError(f"Expected a {what} of {', '.join(known)}; received {word!r}.")
    return named


def make(environment: Environment, folder: Path, wanted: list[Target]) -> None:
    """Fill a folder with the wheels for all targets, check their hashes, and write the page to go with them.

    Args:
        environment: the course's, with uv in it.
        folder: made if need be; what it holds already is not downloaded again.
        wanted: what the wheels are for.

    Raises:
        CourseError: uv does not run here, or something cannot be had.
    """
    (folder / LISTS).mkdir(parents=True, exist_ok=True)
    tools = Tools(environment)
    for target in wanted:
        say(f"{target}: finding out what is needed")
        listed = folder / LISTS / f"{target.system}-{target.python}.part"
        more = tools.resolve(target, listed)
        entries = [match[0] for match in ENTRY.finditer(listed.read_text("utf-8"))]
        tools.download(target, entries, folder, more)
        listed.replace(listed.with_suffix(".txt"))
    number, size = write_sums(folder)
    lists = sorted(path.stem.rpartition("-") for path in (folder / LISTS).glob("*.txt"))
    lines = "\n".join(f"    {Target(system, python)}" for system, _, python in lists)
    page = TEXT.format(targets=lines, number=number, size=size / 1e9)
    write_atomically(folder / PAGE, page.encode())
    say(f"{number} wheels, {size / 1e9:.1f} GB, in {folder}; {PAGE} there says how to use them.")


class Tools:
    """uv, which finds out what is needed, and pip, which brings it.

    Args:
        environment: the course's.
    """

    def __init__(self, environment: Environment):
        self.python, self.root = environment.python, environment.root
        self.installer = Installer(
            self.python, environment.site_packages, self.root, frozenset(), "cpu", False
        )

    def resolve(self, target: Target, listed: Path) -> list[str]:
        """Write what a target needs, each with its hashes; return the options by which pip finds it, too.

        Raises:
            CourseError: it cannot be found out.
        """
        torch = f"torch=={self.installer.torch}{'+cpu' if target.system.startswith('linux') else ''}"
        wanted = listed.with_suffix(".in")
        wanted.write_text("\n".join(["setuptools", UV, torch]) + "\n", "utf-8")
        ways: list[tuple[dict[str, str], list[str]]] = [({}, [])]
        if "+" in torch:
            ways.append(({"UV_TORCH_BACKEND": "cpu"}, ["--extra-index-url", TORCH_INDEX]))
        said = ""
        try:
            for variables, options in ways:
                try:
                    self._compile(target, wanted, listed, variables)
                    return options
                except ToolError as error:
                    said = error.said
        finally:
            wanted.unlink()
        raise CourseError(f"What {target} needs cannot be found out. uv says:\n{said}")

    def _compile(self, target: Target, wanted: Path, listed: Path, variables: dict[str, str]) -> None:
        no_index = ["--no-index"] if self.installer.no_index else []
        arguments = ["pyproject.toml", str(wanted), "-c", "constraints.txt", "-o", str(listed), *no_index]
        arguments += ["--python-version", target.python, "--python-platform", SYSTEMS[target.system].uv]
        arguments += ["--generate-hashes", "--only-binary=:all:", "--no-annotate", "--no-header", "--upgrade"]
        env = self.installer.variables | {"MACOSX_DEPLOYMENT_TARGET": "14.0"} | variables
        run_tool(self.python, "uv", "pip", "compile", *arguments, env=env, cwd=self.root, show=False)

    def download(self, target: Target, entries: list[str], folder: Path, options: list[str]) -> None:
        """Have pip bring what is missing; it refuses what has another hash.

        Raises:
            CourseError: something cannot be had.
        """
        tags = [word for tag in SYSTEMS[target.system].tags for word in ("--platform", tag)]
        options = [*options, "--no-deps", "--require-hashes", "--only-binary=:all:", "--implementation", "cp"]
        options += ["--python-version", target.python, "--dest", str(folder), "--quiet", *tags]
        part = folder / LISTS / "now.part"
        for start in range(0, len(entries), AT_ONCE):
            part.write_text("\n".join(entries[start : start + AT_ONCE]) + "\n", "utf-8")
            try:
                env, cwd = self.installer.variables, self.root
                run_tool(
                    self.python, "pip", "download", "-r", str(part), *options, env=env, cwd=cwd, show=False
                )
            except ToolError as error:
                raise CourseError(f"{error}\nCall the same command again to go on.") from error
            finally:
                part.unlink()
            say(f"{target}: {min(start + AT_ONCE, len(entries))} of {len(entries)}")


def digest(path: Path) -> str:
    """Return a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_sums(folder: Path) -> tuple[int, int]:
    """Write the hash of each wheel that a list names; say which are in none. Return number and bytes."""
    listed = "".join(path.read_text("utf-8") for path in (folder / LISTS).glob("*.txt"))
    known = set(re.findall(r"sha256:([0-9a-f]{64})", listed))
    sums = {path: digest(path) for path in sorted(folder.glob("*.whl"))}
    for path in [path for path, found in sums.items() if found not in known]:
        say(f"{path.name} is in no list: left from another time, or damaged. It can be deleted.")
        del sums[path]
    lines = [f"{found}  {path.name}\n" for path, found in sums.items()]
    write_atomically(folder / SUMS, "".join(lines).encode())
    return len(sums), sum(path.stat().st_size for path in sums)


def check(folder: Path) -> int:
    """Say which wheels of a folder are missing or damaged; return 0 if none is.

    Raises:
        CourseError: there are no hashes in the folder.
    """
    try:
        lines = (folder / SUMS).read_text("utf-8").splitlines()
    except OSError:
        raise CourseError(f"There is no {SUMS} in {folder}; `python course.py wheels` makes one.") from None
    wrong = 0
    for expected, name in (line.split("  ", 1) for line in lines):
        path = folder / os.path.basename(name)
        state = "missing" if not path.is_file() else "" if digest(path) == expected else "damaged"
        wrong += bool(state)
        if state:
            say(f"{state}: {name}")
    say(f"{len(lines) - wrong} of {len(lines)} wheels are as they should be.")
    return 1 if wrong else 0
