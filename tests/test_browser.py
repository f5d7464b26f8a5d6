"""A learner's first minutes in a real browser: chapter 1 opens, runs, and its slider redraws."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
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


def run_all_cells(page, saved: Path) -> list[dict]:
    """Run the open notebook from its first to its last cell, save it, and return its code cells as saved."""
    page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for(timeout=60_000)
    page.locator(".lm-MenuBar-itemLabel", has_text=re.compile("^Run$")).click()
    page.locator(".lm-Menu-itemLabel", has_text=re.compile("^Run All Cells$")).click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.jp-InputPrompt')].every(p => !p.textContent.includes('*'))"
    )
    page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for(timeout=1000 * RUN_SECONDS)
    before = saved.stat().st_mtime_ns
    page.keyboard.press("Control+s")
    for _ in range(100):
        if saved.stat().st_mtime_ns != before:
            break
        page.wait_for_timeout(100)
    return [
        cell for cell in json.loads(saved.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"
    ]


def test_chapter_1_runs_and_its_slider_redraws(lab, page):
    folder, address = lab
    page.goto(address)
    cells = run_all_cells(page, folder / "work" / "notebooks" / "01_background.ipynb")
    assert all(cell["execution_count"] for cell in cells)
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert not [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]

    picture, handle = (
        page.locator("img.widget-image").first,
        page.locator(".widget-slider .noUi-handle").first,
    )
    handle.scroll_into_view_if_needed()
    before, box = picture.get_attribute("src"), handle.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] - 120, box["y"] + box["height"] / 2, steps=10)
    page.mouse.up()
    page.wait_for_function("([img, src]) => img.src !== src", arg=[picture.element_handle(), before])
    if os.environ.get("SCREENSHOT"):
        page.screenshot(path=SCREENSHOT)


def test_exercise_1_greets_the_blank_and_names_a_mistake(lab, page):
    folder, address = lab
    page.goto(address.replace("notebooks/01_background", "exercises/01_background"))
    cells = run_all_cells(page, folder / "work" / "exercises" / "01_background.ipynb")
    shown = page.locator(".jp-OutputArea-output", has_text="still blank")
    assert shown.count() == sum("check." in "".join(cell["source"]) for cell in cells) == 3
