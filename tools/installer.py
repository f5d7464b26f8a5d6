"""Fill a virtual environment: uv where it runs, else pip; PyTorch for the CPU unless CUDA is asked for."""

import re
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tools.indexes import pip_settings
from tools.preflight import GIGABYTES, require_room
from tools.process import CourseError, ToolError, clean_environment, run_tool, say

UV = "uv>=0.9,<1"
DISK_WORDS = ("no space left", "os error 28", "os error 112", "not enough space", "disk quota")
NETWORK_WORDS = (
    "failed to fetch", "request failed", "error sending request", "connection", "retrying", "timed out",
    "name resolution", "name or service not known", "getaddrinfo", "dns error", "proxy", "certificate",
)  # fmt: skip
NO_NETWORK = (
    "{host} cannot be reached, and the packages of the course come from there (0.4 GB, once).\n"
    "Connect to the network (behind a proxy: set HTTPS_PROXY) and call the same command again.\n"
    "With a folder of wheels instead: python course.py lab --from FOLDER"
)


@dataclass(frozen=True)
class Installer:
    """Installs the course into one environment.

    Args:
        python: the environment's Python.
        site_packages: the folder of its packages.
        root: the course's folder.
        extras: of pyproject.toml.
        backend: the build of PyTorch, ``"cpu"`` or ``"auto"`` (CUDA where there is a GPU).
        lowest: take the lowest allowed versions instead of those of constraints.txt (PyTorch aside).
        offline: take only what is on this computer, in the user's folder of wheels or in the tools' caches.
    """

    python: Path
    site_packages: Path
    root: Path
    extras: frozenset[str]
    backend: str
    lowest: bool
    offline: bool = False

    def install(self) -> str:
        """Install everything and return the tool that did it, ``"uv"`` or ``"pip"``.

        Raises:
            ToolError: the tool failed; what was there before may have changed.
            CourseError: the lowest versions are wanted, and uv does not run here.
        """
        if self._has_uv():
            self._install_with_uv()
            return "uv"
        if self.lowest:
            raise CourseError("Only uv finds the lowest allowed versions, and it does not run here.")
        say("Warning: uv does not run here; using pip instead, which takes about a minute longer.")
        if not self._has_torch():
            self._warn("pip knows no builds of PyTorch but the default one")
        self._run("pip", "install", "--quiet", "-c", "constraints.txt", *self._course())
        return "pip"

    def _install_with_uv(self) -> None:
        """Resolve, download and install in one call: a failure before its last step changes nothing."""
        arguments = ["--no-index"] if self.no_index else []
        arguments += ["--resolution=lowest-direct"] if self.lowest else ["-c", "constraints.txt"]
        arguments += ["-b", "constraints.txt", *self._course()]
        if self._has_torch():
            self._uv_install(*arguments)
        elif local := self._torch_in_find_links():
            self._uv_install(*arguments, f"torch=={local}")
        else:
            arguments.append(f"torch=={self.torch}")
            try:
                self._uv_install(*arguments, UV_TORCH_BACKEND=self.backend)
            except ToolError as error:
                if not mentions(error, NETWORK_WORDS):
                    raise
                self._warn("PyTorch's own index cannot be reached, so its default build is tried")
                self._uv_install(*arguments)

    def _warn(self, why: str) -> None:
        """Say what the default build of PyTorch costs.

        Raises:
            CourseError: there is no room for it.
        """
        say(f"Warning: {why}; on Linux that brings several GB of CUDA libraries (Ctrl-C stops it).")
        own_wheels = "find-links" in self._pip_settings
        if sys.platform == "linux" and not own_wheels:
            require_room(self.python, GIGABYTES["auto"])

    def _has_uv(self) -> bool:
        """Return whether uv runs in the environment, after bringing it there with pip if need be.

        Raises:
            ToolError: pip lacked the network or room, so that it would fail at the rest too.
        """
        if self._succeeds("uv", "--version"):
            return True
        try:
            self._run("pip", "install", "--quiet", "--retries=2", "--only-binary=uv", UV, show=False)
        except ToolError as error:
            if mentions(error, NETWORK_WORDS + DISK_WORDS):
                raise
            return False
        return self._succeeds("uv", "--version")

    def _has_torch(self) -> bool:
        """Return whether the pinned PyTorch, in whatever build, is installed already."""
        wanted = re.compile(rf"torch-{re.escape(self.torch)}(\+.*)?\.dist-info")
        return any(wanted.fullmatch(entry.name) for entry in self.site_packages.glob("torch-*.dist-info"))

    def _torch_in_find_links(self) -> str | None:
        """Return the version, build included, that the user's own folder of wheels holds, if any."""
        if not self.variables.get("UV_FIND_LINKS"):
            return None
        try:
            lines = self._uv_install(
                "--no-index", "--dry-run", "--no-deps", f"torch=={self.torch}", show=False
            )
        except ToolError:
            return None
        found = re.search(r"\+ torch==(\S+)", "\n".join(lines))
        return found and found[1]

    @cached_property
    def torch(self) -> str:
        """The one version of PyTorch that constraints.txt names."""
        pins = (self.root / "constraints.txt").read_text("utf-8")
        return re.findall(r"^torch==(\S+)", pins, re.MULTILINE)[0]

    @property
    def no_index(self) -> bool:
        """Whether pip was told to ask no index."""
        return "no-index" in self._pip_settings

    @cached_property
    def _pip_settings(self) -> dict[str, str]:
        return pip_settings(self.python, self.root)

    @cached_property
    def variables(self) -> dict[str, str]:
        """The tools' environment variables: uv is told of pip's mirror, folder of wheels and certificates."""
        names = {"index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE", "find-links": "UV_FIND_LINKS"}
        told = {names[name]: value for name, value in self._pip_settings.items() if name in names}
        corrected = {}
        if "UV_FIND_LINKS" in told:
            corrected["PIP_FIND_LINKS"] = told["UV_FIND_LINKS"]
            told["UV_FIND_LINKS"] = ",".join(told["UV_FIND_LINKS"].split())
        if self.offline:
            corrected |= {"UV_OFFLINE": "1", "PIP_NO_INDEX": "1"}
        return told | clean_environment() | corrected

    def _course(self) -> list[str]:
        """Return the arguments that install the course itself, so that edits are seen at once."""
        return ["-e", f".[{','.join(sorted(self.extras))}]" if self.extras else "."]

    def _uv_install(self, *arguments: str, show: bool = True, **variables: str) -> list[str]:
        python = ("--python", str(self.python), "--color=never")
        return self._run("uv", "pip", "install", *python, *arguments, show=show, **variables)

    def _run(self, tool: str, *arguments: str, show: bool = True, **variables: str) -> list[str]:
        return run_tool(
            self.python, tool, *arguments, env=self.variables | variables, cwd=self.root, show=show
        )

    def _succeeds(self, tool: str, *arguments: str) -> bool:
        try:
            self._run(tool, *arguments, show=False)
        except ToolError:
            return False
        return True


def explain(error: Exception, offline: bool) -> str:
    """Return in plain words what a failed installation means, and what to do."""
    if mentions(error, DISK_WORDS):
        return "The disk is full. Make room and call the same command again."
    if offline or mentions(error, NETWORK_WORDS):
        return NO_NETWORK.format(host="The network, or a server on it,")
    return "The installation failed; the tool's message says why. Calling the same command again is safe."


def mentions(error: Exception, words: tuple[str, ...]) -> bool:
    """Return whether one of the words stands in what a tool, or the system, said."""
    said = error.said if isinstance(error, ToolError) else str(error)
    return any(word in said.lower() for word in words)
