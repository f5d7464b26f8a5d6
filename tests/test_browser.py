"""A learner's first minutes in a real browser: chapter 1 opens, runs, and its slider redraws."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

COURSE = Path(__file__).resolve().parent.parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SCREENSHOT = COURSE / "tests" / "screenshot.png"
SETUP_SECONDS, RUN_SECONDS = 300, 240

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None, reason=f"no browser found; looked for {', '.join(NAMES)}"),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A fresh copy of the course, opened with the README's command; yields its folder and the address."""
    copy = tmp_path_factory.mktemp("a learner's machine") / "Régularisation"
    ignore = shutil.ignore_patterns(
        ".git", ".venv*", ".course", "work", "__pycache__", ".pytest_cache", ".hypothesis"
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
        pytest.fail("course.py lab ended before it printed its address:\n" + "".join(printed))
    watchdog.cancel()
    threading.Thread(target=server.stdout.read, daemon=True).start()
    yield copy, address.group()
    server.terminate()
    server.wait(30)


@pytest.fixture
def page(lab):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        yield page
        browser.close()


def choose(page, menu: str, item: str) -> None:
    """Choose an item of JupyterLab's menu bar."""
    page.locator(".lm-MenuBar-itemLabel", has_text=re.compile(f"^{menu}$")).click()
    page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{item}$")).click()


def saved_code_cells(page, path: Path) -> list[dict]:
    """Save the open notebook and return its code cells as they are on the disk."""
    before = path.stat().st_mtime_ns
    page.keyboard.press("Control+s")
    while path.stat().st_mtime_ns == before:
        page.wait_for_timeout(50)
    page.wait_for_timeout(200)  # the server writes the file in place
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def run_all_cells(page, path: Path) -> list[dict]:
    """Run the open notebook from its first to its last cell and return its code cells as saved."""
    idle = page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").first
    idle.wait_for(timeout=60_000)
    page.locator(".jp-CodeCell").first.wait_for()
    deadline = time.monotonic() + RUN_SECONDS
    while any(cell["execution_count"] for cell in saved_code_cells(page, path)):
        assert time.monotonic() < deadline, "the outputs were not cleared"
        choose(page, "Edit", "Clear Outputs of All Cells")
    choose(page, "Run", "Run All Cells")
    while not all(cell["execution_count"] for cell in saved_code_cells(page, path)):
        assert time.monotonic() < deadline, "the notebook did not run to its end"
        page.wait_for_timeout(1000)
    return saved_code_cells(page, path)


def scroll_to(page, element) -> dict:
    """Bring an element into view and return its box; the notebook moves while it measures its cells."""
    for _ in range(40):
        element.evaluate("e => e.scrollIntoView({block: 'center'})")
        page.wait_for_timeout(250)
        box = element.bounding_box()
        if 100 < box["y"] < 800:
            return box
    pytest.fail("the slider cannot be brought into view")


def test_chapter_1_runs_and_its_slider_redraws(lab, page):
    folder, address = lab
    page.goto(f"{address}&reset")
    cells = run_all_cells(page, folder / "work" / "notebooks" / "01_background.ipynb")
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert not [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]

    picture, handle = page.locator("img.widget-image").first, page.locator(".noUi-handle").first
    box = scroll_to(page, handle)
    before = picture.get_attribute("src")
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] - 120, box["y"] + box["height"] / 2, steps=10)
    page.mouse.up()
    page.wait_for_function("([img, src]) => img.src !== src", arg=[picture.element_handle(), before])
    if os.environ.get("SCREENSHOT"):
        page.screenshot(path=SCREENSHOT)


def test_exercise_1_greets_the_blank_and_names_a_mistake(lab, page):
    folder, address = lab
    page.goto(f"{address}&reset".replace("notebooks/", "exercises/"))
    cells = run_all_cells(page, folder / "work" / "exercises" / "01_background.ipynb")
    shown = page.locator(".jp-OutputArea-output", has_text="still blank")
    assert shown.count() == sum("check." in "".join(cell["source"]) for cell in cells) == 3
