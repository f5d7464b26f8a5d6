"""A learner's first minutes in a real browser: chapter 1 runs, its slider redraws, exercise 1 answers."""

import os

import pytest
from exercise_trial import try_exercise
from lab_page import BROWSER, COURSE, IDLE, NAMES, Notebook, new_page, opened_course

SCREENSHOT = COURSE / "tests" / "screenshot.png"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None, reason=f"no browser found; looked for {', '.join(NAMES)}"),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A fresh copy of the course, opened with the README's command: its folder and the address."""
    with opened_course(tmp_path_factory.mktemp("a learner's machine")) as opened:
        yield opened


@pytest.fixture
def page():
    with new_page() as page:
        yield page


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
    cells = Notebook(page, address, folder / "work" / "notebooks" / "01_background.ipynb").run_all()
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


def test_exercise_1_left_blank_then_wrong_then_right(lab, page):
    assert try_exercise(page, *lab, "ex01_background") == []
