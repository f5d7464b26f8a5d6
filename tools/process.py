"""Child processes: an environment free of other Pythons' settings, and two ways to run one."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

# Settings of other environments, of the user's own Jupyter, and those of Python, pip and uv that would
# send an installation elsewhere or change how code runs. Mirrors, caches, proxies and certificates stay.
DROPPED = re.compile(
    r"""(_?CONDA | VIRTUAL_ENV | JUPYTER | JPY_ | IPYTHON | MPL | MATPLOTLIB | __PYVENV_LAUNCHER__) .*
      | PYTHON (HOME | PATH | STARTUP | OPTIMIZE | SAFEPATH | INSPECT | WARNINGS | PLATLIBDIR | USERBASE
        | EXECUTABLE)
      | PIP_ (USER | TARGET | PREFIX | ROOT | PYTHON | REQUIRE_VIRTUALENV | DRY_RUN | NO_DEPS | CONSTRAINT
        | REQUIREMENT | REQUIRE_HASHES | NO_BUILD_ISOLATION)
      | UV_ (PYTHON | SYSTEM_PYTHON | MANAGED_PYTHON | NO_MANAGED_PYTHON | PROJECT | PROJECT_ENVIRONMENT
        | WORKING_DIR | NO_EDITABLE | CONSTRAINT | OVERRIDE | BUILD_CONSTRAINT | EXCLUDE | EXCLUDE_NEWER
        | RESOLUTION | PRERELEASE | REQUIRE_HASHES | NO_BUILD_ISOLATION | TORCH_BACKEND)""",
    re.VERBOSE,
)


class CourseError(Exception):
    """What went wrong and what to do, in words for the person at the terminal."""


class ToolError(CourseError):
    """A tool ended with an error; ``said`` is what it wrote last, which the message quotes unless shown."""

    def __init__(self, tool: str, code: int, said: str, shown: bool):
        self.said = said
        quoted = "its message is above." if shown else "its last lines:\n" + indent(said, "    ")
        super().__init__(f"{tool} ended with code {code}; {quoted}")


def say(text: str, *, error: bool = False) -> None:
    """Print at once; a terminal that was closed meanwhile is no reason to stop."""
    with contextlib.suppress(OSError):
        print(text, flush=True, file=sys.stderr if error else sys.stdout)


def clean_environment() -> dict[str, str]:
    """Return this process's environment variables without what other environments left among them."""
    kept = {name: value for name, value in os.environ.items() if not DROPPED.fullmatch(name)}
    return kept | {"PYTHONNOUSERSITE": "1", "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def run_tool(
    python: Path,
    tool: str,
    *arguments: str,
    env: dict[str, str],
    cwd: Path,
    show: bool = True,
    keep: int = 30,
) -> list[str]:
    """Run `python -m tool` to its end, showing its lines (but uv's list of packages); return the last ones.

    Raises:
        ToolError: the tool ended with an exit code other than 0.
    """
    lines: deque[str] = deque(maxlen=keep)
    with subprocess.Popen(
        [str(python), "-m", tool, *arguments],
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        close_fds=False,  # the set-up's lock stays held while the tool lives, even if we are killed
    ) as process:
        try:
            for line in process.stdout or ():
                lines.append(line.rstrip())
                if show and not line.startswith((" + ", " - ", " ~ ")):
                    say(f"    {line.rstrip()}")
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if process.returncode:
        raise ToolError(tool, process.returncode, "\n".join(list(lines)[-12:]), shown=show)
    return list(lines)


def run_foreground(command: list[str], *, env: dict[str, str], cwd: Path) -> int:
    """Run a command that owns the terminal and return its exit code; signals are left to it."""
    with subprocess.Popen(command, env=env, cwd=cwd) as process:
        previous = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        try:
            while True:
                with contextlib.suppress(KeyboardInterrupt):  # the child gets Ctrl-C too, and answers it
                    code = process.wait()
                    return code if code >= 0 else 128 - code
        finally:
            signal.signal(signal.SIGTERM, previous)


ASKED_TO_END = ("SIGTERM", "SIGHUP", "SIGBREAK")  # the last two: a closed terminal


def heeded(*names: str) -> list[int]:
    """Return the signals of these names that there are here, without those that nohup has us ignore."""
    present = [getattr(signal, name) for name in names if hasattr(signal, name)]
    return [number for number in present if signal.getsignal(number) is not signal.SIG_IGN]


@contextlib.contextmanager
def signals_as_interrupts() -> Iterator[None]:
    """Treat being asked to end and a closed terminal like Ctrl-C."""
    numbers = heeded(*ASKED_TO_END)
    previous = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def interrupts_held() -> Iterator[None]:
    """Hold back Ctrl-C, and what is treated like it, until the block ends."""
    held: list[int] = []
    numbers = heeded("SIGINT", *ASKED_TO_END)
    previous = {number: signal.signal(number, lambda number, _: held.append(number)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        if held:
            raise KeyboardInterrupt
