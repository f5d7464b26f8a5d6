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

COURSE = Path(__file__).resolve().parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
IDLE = ".jp-Notebook-ExecutionIndicator[data-status='idle']"
SCREENSHOT = COURSE / "tests" / "screenshot.png"
SETUP_SECONDS, RUN_SECONDS = 1800, 1800  # what hangs, not what a busy machine takes

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
    server.wait(RUN_SECONDS)


@pytest.fixture
def page(lab):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(1000 * RUN_SECONDS)
        yield page
        browser.close()


def choose(page, menu: str, item: str) -> None:
    """Choose an item of JupyterLab's menu bar; while the page loads, it may not be there at once."""
    from playwright.sync_api import TimeoutError as NotThereYet

    for _ in range(100):
        page.locator(".lm-MenuBar-itemLabel", has_text=re.compile(f"^{menu}$")).click()
        try:
            page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{item}$")).click(timeout=2000)
        except NotThereYet:
            page.keyboard.press("Escape")
        else:
            return
    pytest.fail(f"JupyterLab's menu has no item {menu} > {item}")


def saved_code_cells(page, path: Path) -> list[dict]:
    """Save the open notebook and return its code cells as they are on the disk."""
    before = path.stat().st_mtime_ns
    for _ in range(300):
        choose(page, "File", "Save Notebook")
        page.wait_for_timeout(1000)
        if path.stat().st_mtime_ns != before and (text := path.read_text(encoding="utf-8")):
            try:
                cells = json.loads(text)["cells"]
            except json.JSONDecodeError:  # read while it was being written
                continue
            return [cell for cell in cells if cell["cell_type"] == "code"]
    pytest.fail(f"{path.name} cannot be saved")


def run_all_cells(page, path: Path) -> list[dict]:
    """Run the open notebook from its first to its last cell and return its code cells as saved."""
    idle = page.locator(IDLE).first
    idle.wait_for()
    page.locator(".jp-CodeCell").first.click()
    deadline = time.monotonic() + RUN_SECONDS

    def wait_until(condition, *repeated):
        while not condition(cell["execution_count"] for cell in saved_code_cells(page, path)):
            assert time.monotonic() < deadline, f"{path.name}: not all of its cells were run in time"
            for menu_and_item in repeated:
                choose(page, *menu_and_item)

    wait_until(lambda counts: not any(counts), ("Edit", "Clear Outputs of All Cells"))
    choose(page, "Run", "Run All Cells")
    wait_until(all)
    idle.wait_for()
    return saved_code_cells(page, path)


def scroll_to(page, element) -> dict:
    """Bring an element into view and return its box; the notebook moves while it measures its cells."""
    for _ in range(400):
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
        page.locator(IDLE).first.wait_for()
        page.wait_for_timeout(1000)
        page.screenshot(path=SCREENSHOT)


def test_exercise_1_greets_the_blank_and_names_a_mistake(lab, page):
    folder, address = lab
    page.goto(f"{address}&reset".replace("notebooks/", "exercises/ex"))
    cells = run_all_cells(page, folder / "work" / "exercises" / "ex01_background.ipynb")
    shown = page.locator(".jp-OutputArea-output", has_text="still blank")
    assert shown.count() == sum("check." in "".join(cell["source"]) for cell in cells) == 3
