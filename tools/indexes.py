"""Where packages come from, as the user has told pip, and whether anything answers there."""

import ast
import os
import re
import socket
import threading
import urllib.parse
import urllib.request
from pathlib import Path

from tools.process import CourseError, ToolError, clean_environment, run_tool

SECONDS = 8  # to look up a host and connect to it
SWITCHED_ON = ("1", "true", "yes", "on")


def pip_settings(python: Path, root: Path) -> dict[str, str]:
    """Return pip's settings by name, from its files and (these win) from the PIP_ variables.

    Args:
        python: its pip is asked; where it has none, only the variables count.
        root: the course's folder.

    Raises:
        CourseError: `find-links` names a folder that is not there.
    """
    env = clean_environment()
    try:
        lines = run_tool(python, "pip", "config", "list", env=env, cwd=root, show=False)
    except ToolError:
        told = ((name[4:].lower().replace("_", "-"), env[name]) for name in env if name.startswith("PIP_"))
        lines = [f":env:.{name}={value!r}" for name, value in told]
    lines.sort(key=lambda line: line.startswith(":env:"))
    found = (re.fullmatch(r"\S+\.([a-z-]+)=(['\"].*['\"])", line) for line in lines)
    settings = {match[1]: ast.literal_eval(match[2]) for match in found if match}
    if settings.get("no-index", "").lower() not in SWITCHED_ON:
        settings.pop("no-index", None)
    if "find-links" in settings:
        settings["find-links"] = find_links(settings["find-links"], root)
    return settings


def take_only_from(folder: Path) -> None:
    """Have pip and uv, in this process and its children, take packages from a folder of wheels alone.

    Raises:
        CourseError: it is no folder, or holds no wheel.
    """
    if not any(folder.glob("*.whl")):
        raise CourseError(f"{folder} is no folder with wheels (*.whl), so nothing can be installed from it.")
    os.environ.update(PIP_NO_INDEX="1", PIP_FIND_LINKS=folder.resolve().as_uri())


def find_links(value: str, root: Path) -> str:
    """Return pip's `find-links` with a folder whose path has spaces as an address that has none.

    Raises:
        CourseError: a folder in it is not there.
    """
    whole = root / Path(value.strip()).expanduser()
    if any(letter.isspace() for letter in value.strip()) and whole.exists():
        return whole.resolve().as_uri()
    for place in value.split():
        parts = urllib.parse.urlsplit(place)
        path = urllib.request.url2pathname(parts.path) if parts.scheme == "file" else place
        remote = len(parts.scheme) > 1 and parts.scheme != "file"
        if not remote and not (root / Path(path).expanduser()).exists():
            raise CourseError(
                f"pip's setting find-links (PIP_FIND_LINKS) names {place}, which is not there.\n"
                f"It reads: {value}\n"
                "Spaces separate places in it. Write a folder with spaces in its path as an address, "
                "with %20 for each: file:///home/me/my%20wheels"
            )
    return value


def silent_host(settings: dict[str, str], python: Path, root: Path) -> str | None:
    """Return the host that packages come from if it does not answer; None if it does, or none is needed."""
    if "no-index" in settings or os.environ.get("UV_OFFLINE", "").lower() in SWITCHED_ON:
        return None
    told = (settings.get("index-url"), os.environ.get("UV_DEFAULT_INDEX"), os.environ.get("UV_INDEX_URL"))
    index = urllib.parse.urlsplit(next(filter(None, told), None) or default_index(python, root))
    if index.scheme not in ("http", "https") or not index.hostname:
        return None
    proxies = urllib.request.getproxies()
    proxy = settings.get("proxy") or proxies.get(index.scheme) or proxies.get("all")
    if proxy and not urllib.request.proxy_bypass(index.hostname):
        index = urllib.parse.urlsplit(proxy if "//" in proxy else f"//{proxy}", scheme="http")
    try:
        port = index.port or {"https": 443, "http": 80}.get(index.scheme, 1080)
    except ValueError:
        return None
    return None if answers(index.hostname or "", port) else index.hostname


def default_index(python: Path, root: Path) -> str:
    """Return the index that pip takes where none is named, as its help says; "" where there is no pip."""
    try:
        env = clean_environment()
        lines = run_tool(python, "pip", "download", "--help", env=env, cwd=root, show=False, keep=200)
    except ToolError:
        return ""
    found = re.search(r"\(default\s+(https?://\S+?)\)", " ".join(lines))
    return found[1] if found else ""


def answers(host: str, port: int) -> bool:
    """Return whether one can connect to a port of a host within a few seconds, its look-up included."""
    connected = threading.Event()

    def connect() -> None:
        try:
            socket.create_connection((host, port), timeout=SECONDS).close()
            connected.set()
        except (OSError, UnicodeError):
            pass

    attempt = threading.Thread(target=connect, daemon=True)  # a look-up cannot be given a time limit
    attempt.start()
    attempt.join(SECONDS)
    return connected.is_set()
