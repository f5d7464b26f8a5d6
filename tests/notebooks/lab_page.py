"""JupyterLab in a real browser, driven as a learner does: by its menus and its keyboard."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

COURSE = Path(__file__).resolve().parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
IDLE = ".jp-Notebook-ExecutionIndicator[data-status='idle']"
ACTIVE = ".jp-Notebook .jp-mod-active"
SETUP_SECONDS, RUN_SECONDS = 1800, 1800  # what hangs, not what a busy machine takes


@contextmanager
def opened_course(folder: Path) -> Iterator[tuple[Path, str]]:
    """Open a fresh copy of the course with the README's command; yield the copy and the address.

    Raises:
        RuntimeError: the command ended before it printed an address.
    """
    copy = folder / "Régularisation"
    ignore = shutil.ignore_patterns(
        ".git", ".venv*", ".course", "work", "__pycache__", ".pytest_cache", ".hypothesis", ".mypy_cache"
    )
    shutil.copytree(COURSE, copy, ignore=ignore)
    server = subprocess.Popen(
        [sys.executable, "-u", "course.py", "lab", "--no-browser"],
        cwd=copy,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    watchdog = threading.Timer(SETUP_SECONDS, server.kill)
    watchdog.start()
    printed = []
    for line in server.stdout:
        printed.append(line)
        if address := re.search(r"http://\S+", line):
            break
    else:
        raise RuntimeError("course.py lab ended before it printed its address:\n" + "".join(printed))
    watchdog.cancel()
    threading.Thread(target=server.stdout.read, daemon=True).start()
    try:
        yield copy, address.group()
    finally:
        server.terminate()
        server.wait(RUN_SECONDS)


@contextmanager
def new_page(width: int = 1280, height: int = 900) -> Iterator:
    """Open an empty page of the browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=FLAGS)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(1000 * RUN_SECONDS)
        yield page
        browser.close()


def visit_once_more_if_it_dies(visit: Callable, *arguments):
    """Call ``visit`` with a page and the arguments; once more with a new one if the browser itself fails."""
    from playwright.sync_api import Error

    with new_page() as page:
        crashed = []
        page.on("crash", lambda _: crashed.append(page))
        try:
            return visit(page, *arguments)
        except Error:
            if not crashed and not page.is_closed():
                raise
    print("The browser died; once more.", flush=True)
    with new_page() as page:
        return visit(page, *arguments)


def in_turn(names: Sequence[str], visit: Callable, *more) -> int:
    """Visit notebooks one by one, each on a page of its own; print what did not fit; 1 if anything did not.

    Args:
        names: of the notebooks.
        visit: takes a page, the course's folder, the server's address, a name and what is in ``more``, and
            returns what did not fit.
    """
    odd = []
    with tempfile.TemporaryDirectory() as folder, opened_course(Path(folder)) as opened:
        for name in names:
            found = visit_once_more_if_it_dies(visit, *opened, name, *more)
            print(f"{name}: {len(found) or 'nothing'} odd", *found, sep="\n  ", flush=True)
            odd += found
    return int(bool(odd))


class Notebook:
    """A notebook that is open in JupyterLab.

    Args:
        page: of the browser.
        address: of the server, with its token, as ``opened_course`` yields it.
        path: of the notebook's file, in ``work/``.
    """

    def __init__(self, page, address: str, path: Path):
        self.page, self.path = page, path
        start = re.match(r".*/lab/tree", address).group()
        token = re.search(r"token=\w+", address).group()
        page.goto(f"{'/'.join([start, *path.parts[-3:]])}?{token}&reset")
        self.idle = page.locator(IDLE).first
        self.idle.wait_for()
        page.locator(".jp-Cell").first.wait_for()

    def choose(self, menu: str, *items: str) -> None:
        """Choose an item of the menu bar or of a menu in a menu, which may not be there at once."""
        from playwright.sync_api import TimeoutError as NotThereYet

        for _ in range(100):
            self.page.locator(".lm-MenuBar-itemLabel", has_text=re.compile(f"^{menu}$")).click()
            try:
                for item in items:
                    label = self.page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{item}$"))
                    label.click(timeout=2000)
            except NotThereYet:
                self.page.keyboard.press("Escape")
            else:
                return
        raise RuntimeError(f"JupyterLab's menu has no item {' > '.join([menu, *items])}")

    def saved_code_cells(self) -> list[dict]:
        """Save the notebook and return its code cells as they are on the disk."""
        before = self.path.stat().st_mtime_ns
        for _ in range(300):
            self.choose("File", "Save Notebook")
            self.page.wait_for_timeout(1000)
            if self.path.stat().st_mtime_ns != before and (text := self.path.read_text(encoding="utf-8")):
                try:
                    cells = json.loads(text)["cells"]
                except json.JSONDecodeError:  # read while it was being written
                    continue
                return [cell for cell in cells if cell["cell_type"] == "code"]
        raise RuntimeError(f"{self.path.name} cannot be saved")

    def run_all(self) -> list[dict]:
        """Run it from the first to the last cell and return the code cells as saved."""
        self.page.locator(".jp-CodeCell").first.click()
        deadline = time.monotonic() + RUN_SECONDS

        def wait_until(condition, *repeated):
            while not condition(cell["execution_count"] for cell in self.saved_code_cells()):
                assert time.monotonic() < deadline, f"{self.path.name}: not all of its cells were run in time"
                for menu_and_item in repeated:
                    self.choose(*menu_and_item)

        wait_until(lambda counts: not any(counts), ("Edit", "Clear Outputs of All Cells"))
        self.choose("Run", "Run All Cells")
        wait_until(all)
        self.idle.wait_for()
        return self.saved_code_cells()

    def write(self, sources: dict[int, str]) -> None:
        """Type new contents into cells, by keyboard alone.

        Args:
            sources: what each cell is to hold, by its number among all cells, counted from 0.
        """
        keyboard = self.page.keyboard
        self.page.locator(".jp-Cell").first.click(position={"x": 5, "y": 5})
        keyboard.press("Escape")
        keyboard.press("Control+Home")
        for _ in range(500):  # to the first cell, wherever the click went
            keyboard.press("k")
            if self.page.locator("[data-windowed-list-index='0'].jp-mod-active").count():
                break
        at = 0
        for number, source in sorted(sources.items()):
            for _ in range(number - at):
                keyboard.press("j")
            at = number
            keyboard.press("Enter")
            keyboard.press("Control+a")
            keyboard.press("Delete")
            keyboard.insert_text(source)
            keyboard.press("Escape")
