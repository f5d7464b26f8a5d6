"""Start JupyterLab on the learner's copies, and stop it cleanly."""

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.environment import Environment, private_folder
from tools.process import CourseError, interrupts_held, say
from tools.resume import where_one_stopped

FIRST_PORT, PORTS = 8888, 100
START_SECONDS, STOP_SECONDS = 600, 10
HOST = "127.0.0.1"
WAY_ON = "`python course.py doctor` says what is wrong; after `python course.py clean`, `lab` makes all anew."


@dataclass(frozen=True)
class Server:
    """A running JupyterLab: its process, its port, the token that opens it, and its log."""

    process: subprocess.Popen
    port: int
    token: str
    log: Path

    @property
    def address(self) -> str:
        """The address of its root."""
        return f"http://{HOST}:{self.port}"

    def request(self, path: str, method: str = "GET", token: str | None = None) -> int | None:
        """Return the HTTP status of a request with the token (or another); None where nothing answers."""
        request = urllib.request.Request(self.address + path, method=method)
        request.add_header("Authorization", f"token {token or self.token}")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never through a proxy
        try:
            with opener.open(request, timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return None

    def answers(self) -> bool:
        """Return whether our server answers: it lets our token in, and no other (a foreign one may)."""
        status = "/api/status"
        return self.request(status) == 200 and self.request(status, token="another") in (401, 403)

    def wait_until_it_answers(self) -> bool:
        """Return True when the server answers, False when its process has ended instead.

        Raises:
            CourseError: neither has happened in ten minutes.
        """
        deadline = time.monotonic() + START_SECONDS
        while self.exit_code() is None:
            if self.answers():
                return True
            if time.monotonic() > deadline:
                raise CourseError(f"JupyterLab does not answer. Its log:{self.last_lines()}")
            time.sleep(0.1)
        return False

    def wait(self) -> int:
        """Return the server's exit code when it ends; short waits let Ctrl-C through on Windows."""
        while (code := self.exit_code()) is None:
            time.sleep(0.2)
        return code

    def exit_code(self) -> int | None:
        """Return the exit code, None while it runs; an interrupt inside Popen could leave its lock taken."""
        with interrupts_held():
            return self.process.poll()

    def stop(self) -> None:
        """Ask the server to stop its kernels and itself; insist where it does not, or on a second Ctrl-C."""
        with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            if self.process.poll() is None and not self.is_asked_to_stop():
                self.process.terminate()
            self.process.wait(STOP_SECONDS)
        self.process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)

    def is_asked_to_stop(self) -> bool:
        """Return whether our server, and not another's at its port, has heard that it is to stop."""
        return self.answers() and self.request("/api/shutdown", "POST") is not None

    def last_lines(self) -> str:
        """Return the end of the log, indented."""
        lines = self.log.read_text("utf-8", errors="replace").splitlines()[-12:]
        return "".join(f"\n    {line}" for line in lines)


def run_lab(environment: Environment, *, port: int | None, browser: bool, first: bool = False) -> int:
    """Serve the course until Ctrl-C, a signal or JupyterLab's own menu ends it; return the exit code.

    Args:
        environment: has been set up.
        port: to serve on; None for the first free one from 8888.
        browser: whether to open the page.
        first: open the table of contents, wherever the learner stopped.

    Raises:
        CourseError: the port is taken, or JupyterLab does not start.
    """
    stopped = None if first else where_one_stopped(environment.root)
    page = page_of(f"work/{stopped}") if stopped else first_page(environment.root)
    server = None
    try:
        while server is None:
            with interrupts_held():  # until it is known what to stop
                server = start(environment, choose_port(port))
            ready = server.wait_until_it_answers()
            if not ready and port is None and not is_free(server.port):
                server = None  # another took the port meanwhile
        if ready:
            url = f"{server.address}{page}?token={server.token}"
            if stopped:
                say(f"It opens where you stopped, {stopped} (--first: at the contents).")
            say(f"JupyterLab is ready: {url}\nStop it here with Ctrl-C.")
            if browser and has_display():
                threading.Thread(target=webbrowser.open, args=[url], daemon=True).start()
        code = server.wait()
        if code != 0:
            say(f"JupyterLab ended with code {code}. Its last lines:{server.last_lines()}\n{WAY_ON}")
            return code if code > 0 else 128 - code
    except KeyboardInterrupt:
        say("\nStopping JupyterLab.")
    finally:
        if server is not None:
            server.stop()
    say(f"Goodbye. Your work is kept in {environment.root / 'work'}")
    return 0


def start(environment: Environment, port: int) -> Server:
    """Start the server apart from the terminal, so that Ctrl-C reaches only us."""
    token = secrets.token_hex(24)
    variables = environment.variables() | {"JUPYTER_TOKEN": token}  # not in argv, which everyone can read
    log = private_folder(environment.root) / f"lab-{port}.log"
    options = {
        "ServerApp.root_dir": environment.root,
        "ServerApp.ip": HOST,
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "LanguageServerManager.autodetect": False,  # it would start whatever language servers the user has
        "Application.log_level": "WARN",
    }
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                str(environment.python),
                "-m",
                "jupyterlab",
                *(f"--{key}={value}" for key, value in options.items()),
            ],
            env=variables,
            cwd=environment.root,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            **apart,
        )
    return Server(process, port, token, log)


def first_page(root: Path) -> str:
    """Return the path of the first notebook in JupyterLab, the contents; of `work/` where there is none."""
    chapters = sorted((root / "work" / "notebooks").glob("*.ipynb"))
    return page_of(f"work/notebooks/{chapters[0].name}" if chapters else "work")


def page_of(path: str) -> str:
    """Return the path in JupyterLab of a file or folder of the course."""
    return f"/lab/tree/{urllib.parse.quote(path)}"


def choose_port(wanted: int | None) -> int:
    """Return the wanted port, or the first free one from 8888.

    Raises:
        CourseError: it is taken, or none is free.
    """
    if wanted is not None:
        if not (0 < wanted < 2**16 and is_free(wanted)):
            raise CourseError(
                f"Port {wanted} is taken or not allowed; leave out --port to have a free one found."
            )
        return wanted
    for port in range(FIRST_PORT, FIRST_PORT + PORTS):
        if is_free(port):
            return port
    raise CourseError(
        f"No port from {FIRST_PORT} to {FIRST_PORT + PORTS - 1} is free; name another with --port."
    )


def is_free(port: int) -> bool:
    """Return whether nothing answers at the port and a server may listen there."""
    with socket.socket() as probe:
        if probe.connect_ex((HOST, port)) == 0:  # macOS lets one listen beside a server of all addresses
            return False
    with socket.socket() as probe:
        if sys.platform != "win32":  # there, the option would let two servers share the port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def has_display() -> bool:
    """Return whether a browser has where to open; without one, some would open in the terminal."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
