"""Walk through the notebooks in JupyterLab in a browser, as a learner has them: `course.py browser`.

    python tests/notebooks/tour.py [NAME ...] [--pictures FOLDER]

Each is opened and run once. Every control of every interactive figure is moved by key and by mouse, and
its picture has to change; a guess is committed and has to be acknowledged; the link to the next page has to
open it; nothing may be wider than the page, at 1280 and at 800 pixels, in the light and in the dark theme;
axe-core may find no serious fault in what the notebook shows; the console has to stay clean. Printed is what
did not fit, for each notebook.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from lab_page import COURSE, Notebook, in_turn
from playwright.sync_api import TimeoutError as NotInTime

CHANGED = "([picture, before]) => picture.src !== before"
SHOWN = ".jp-Notebook .jp-RenderedMarkdown, .jp-Notebook .jp-OutputArea-output"
TOO_WIDE = """() => {
    const edge = document.querySelector('.jp-Notebook').getBoundingClientRect().right;
    const drawn = document.querySelectorAll('.jp-Notebook .jp-Cell img, .jp-Notebook .jp-Cell mjx-container');
    return [...drawn].filter(e => e.getBoundingClientRect().right > edge)
        .map(e => e.closest('.jp-Cell').innerText.slice(0, 60));
}"""
NOT_OURS = re.compile(r"favicon|ResizeObserver|Failed to load resource|lsp|extension", re.IGNORECASE)
ACKNOWLEDGED = re.compile(r"Your guess: \S")
HANDLE = ".noUi-handle"  # ipywidgets gives it no name; the label beside it and the spoken line below do
SERIOUS = ("serious", "critical")


def tour(page, folder: Path, address: str, name: str, pictures: Path | None = None) -> list[str]:
    """Walk through one notebook below ``folder/work``; return what did not fit."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    path = next((folder / "work").glob(f"*/{name}.ipynb"))
    notebook = Notebook(page, address, path)
    outputs = [output for cell in notebook.run_all() for output in cell["outputs"]]
    odd = [f"an error: {o['evalue']}" for o in outputs if o["output_type"] == "error"]
    odd += [f"on stderr: {o['text']}" for o in outputs if o.get("name") == "stderr"]
    if pictures and page.locator(".widget-slider").count():
        page.locator(".widget-slider").first.evaluate("e => e.scrollIntoView({block: 'center'})")
        page.wait_for_timeout(1000)
        page.screenshot(path=pictures / f"{name}.png")
    odd += [*controls(page), *guesses(page), *faults(page)]
    for theme in ("Light", "Dark"):
        notebook.choose("Settings", "Theme", f"JupyterLab {theme}")
        for width in (1280, 800):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(1000)
            odd += [f"too wide at {width} px: {text!r}" for text in page.evaluate(TOO_WIDE)]
            if pictures:
                page.screenshot(path=pictures / f"{name}-{theme}-{width}.png")
    odd += next_page(page)
    return odd + [f"in the console: {text[:200]}" for text in said if not NOT_OURS.search(text)]


def controls(page) -> Iterator[str]:
    """Move every control by key and by mouse; yield those whose picture does not change."""
    for slider in page.locator(".widget-slider").all():
        box = slider.locator("xpath=ancestor::*[contains(@class, 'widget-vbox')][1]")
        picture, handle = box.locator("img.widget-image").first, slider.locator(".noUi-handle").first
        label = slider.locator(".widget-label").inner_text()
        handle.scroll_into_view_if_needed()
        for way, move in (("key", by_key), ("mouse", by_mouse)):
            before = picture.get_attribute("src")
            move(page, slider, handle)
            try:
                page.wait_for_function(CHANGED, arg=[picture.element_handle(), before], timeout=60_000)
            except NotInTime:
                yield f"the picture under {label!r} does not change by {way}"


def by_key(page, slider, handle) -> None:
    """Move a control to the other end of its range."""
    handle.focus()
    at_start = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemin")
    page.keyboard.press("End" if at_start else "Home")


def by_mouse(page, slider, handle) -> None:
    """Drag a control to the end of its range that is further away."""
    track, knob = slider.locator(".noUi-target").bounding_box(), handle.bounding_box()
    height = knob["y"] + knob["height"] / 2
    at = knob["x"] + knob["width"] / 2
    is_left = at < track["x"] + track["width"] / 2
    page.mouse.move(at, height)
    page.mouse.down()
    page.mouse.move(track["x"] + (track["width"] if is_left else 0), height, steps=10)
    page.mouse.up()


def guesses(page) -> Iterator[str]:
    """Commit every guess; yield those that are not acknowledged."""
    for box in page.locator(".widget-vbox", has_text="Your guess").all():
        if box.locator("input[type=radio]").count():
            box.locator("input[type=radio]").first.click()
        else:
            box.locator("input").first.fill("3")
            page.keyboard.press("Enter")
        try:
            box.locator(".widget-label", has_text=ACKNOWLEDGED).wait_for(timeout=60_000)
        except NotInTime:
            yield "a guess is not acknowledged"


def faults(page) -> Iterator[str]:
    """Yield what axe-core calls serious in what the notebook shows."""
    from axe_playwright_python.sync_playwright import Axe

    context = {"include": [SHOWN], "exclude": [HANDLE]}
    found = Axe().run(page, context=context, options={"resultTypes": ["violations"]})
    for violation in found.response["violations"]:
        if violation["impact"] in SERIOUS:
            yield f"axe-core: {violation['help']}: {violation['nodes'][0]['html'][:120]}"


def next_page(page) -> Iterator[str]:
    """Follow the link to the next page, if there is one; yield a fault if it does not open."""
    links = page.locator("//a[following-sibling::text()[1][starts-with(., ' →')]]")
    if not links.count():
        return
    name = links.first.get_attribute("href").partition("?")[0].rpartition("/")[2]
    links.first.scroll_into_view_if_needed()
    links.first.click()
    try:
        page.locator(".lm-TabBar-tabLabel", has_text=name).first.wait_for(timeout=120_000)
    except NotInTime:
        yield f"the next page, {name}, does not open"


def main() -> int:
    """Walk through the notebooks that the command line names, or all chapters."""
    names = [path.stem for path in sorted((COURSE / "notebooks").glob("*.ipynb"))]
    parser = argparse.ArgumentParser(prog="course.py browser", description=__doc__.partition("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", default=names)
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of the pages")
    options = parser.parse_args()
    return in_turn(options.names, tour, options.pictures)


if __name__ == "__main__":
    sys.exit(main())
