"""The book in Chromium, opened from the disk with the network refused: whole, and alive without a kernel."""

import importlib.util
import re
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
from lab_page import BROWSER, COURSE, new_page

BOOK_IS_THERE = importlib.util.find_spec("myst_nb") and importlib.util.find_spec("math_core")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BOOK_IS_THERE, reason="needs the extra [book]: sphinx, myst-nb, math-core"),
]
SCHEMES = ("light", "dark")
IN_BOTH = ("index.html", "notebooks/01_background.html", "ledger.html")
HELD_AGAINST_AXE = (
    *IN_BOTH,
    "exercises/ex03_algorithms.html",
    "notebooks/00_glossary.html",
    "notebooks/00_sheet.html",
    "notebooks/07_tools.html",
    "api/labcode.penalties.html",
    "teaching/plans.html",
    "search.html",
)
FORMULAS = """() => [...document.querySelectorAll('.math')].filter(e => {
    const set = e.querySelector('math');
    return !set || set.querySelector('merror') || !set.getBoundingClientRect().width;
}).map(e => e.textContent.slice(0, 60))"""
TOO_WIDE = """() => document.documentElement.scrollWidth > innerWidth"""
MOST_BYTES, MOST_OF_A_PAGE = 60e6, 1e6


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    from tools.book.build import build

    folder = tmp_path_factory.mktemp("book") / "Ein Buch"
    build(COURSE, folder)
    return folder


class Page(HTMLParser):
    """The names, links and pictures of a page."""

    def __init__(self, path):
        super().__init__()
        self.names, self.links, self.pictures = set(), set(), set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.names |= {found[key] for key in ("id", "name") if found.get(key)}
        self.links |= {found["href"]} if tag in ("a", "link") and found.get("href") else set()
        self.pictures |= {found["src"]} if tag in ("img", "script") and found.get("src") else set()


def test_every_link_inside_leads_somewhere_and_no_file_comes_from_elsewhere(book):
    pages = {path: Page(path) for path in book.rglob("*.html")}
    assert len(pages) > 60
    wrong = []
    for path, page in pages.items():
        for link in page.links | page.pictures:
            parts = urlsplit(link)
            if parts.scheme and link not in page.pictures:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            names = pages[target].names if target in pages else {parts.fragment}
            is_named = not parts.fragment or unquote(parts.fragment) in names
            if parts.scheme or not target.is_file() or not is_named:
                wrong.append(f"{path.relative_to(book)}: {link}")
    assert wrong == []


def test_every_notebook_is_a_page_and_guards_are_hidden(book):
    for folder in ("notebooks", "exercises"):
        for path in (COURSE / folder).glob("*.ipynb"):
            text = (book / folder / f"{path.stem}.html").read_text(encoding="utf-8")
            assert "Guard: these asserts" not in text
            assert f"work/{folder}/{path.name}" in text or path.stem == "00_glossary"


def test_a_page_and_the_book_are_light_enough(book):
    sizes = {path: path.stat().st_size for path in book.rglob("*") if path.is_file()}
    assert sum(sizes.values()) < MOST_BYTES
    for path in book.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        names = set(re.findall(r"\w+\.webp", text))
        own = len(text.encode()) + sum(sizes[book / "pictures" / name] for name in names)
        assert own < MOST_OF_A_PAGE or path.parts[-2] in ("labcode", "api"), (path.name, own)


@pytest.mark.browser
@pytest.mark.skipif(not BROWSER, reason="needs Chromium or Chrome: none is installed")
def test_the_book_is_whole_and_alive_without_a_kernel_and_a_network(book):
    odd = []
    with new_page() as page:
        watch(page, odd)
        for path in sorted(book.rglob("*.html")):
            name = path.relative_to(book).as_posix()
            if name.startswith("_modules/"):  # a hundred pages of plain code, alike
                continue
            for scheme in SCHEMES if name in IN_BOTH else SCHEMES[:1]:
                page.emulate_media(color_scheme=scheme)
                page.goto(path.as_uri())
                found = [f"not set: {text}" for text in page.evaluate(FORMULAS)]
                found += faults(page) if name in HELD_AGAINST_AXE else []
                odd += [f"{name}, {scheme}: {fault}" for fault in found]
        assert odd == []
        move_a_slider(page, book)
        filter_the_ledger(page, book)
        search(page, book)
        fold_the_code(page, book)
        phone(page, book)
    assert odd == []


@pytest.mark.browser
@pytest.mark.skipif(not BROWSER, reason="needs Chromium or Chrome: none is installed")
def test_slides_turn_without_a_network(tmp_path):
    from tools.book.slides import build_slides

    build_slides(COURSE, tmp_path, "01_background")
    odd = []
    with new_page() as page:
        watch(page, odd)
        page.goto((tmp_path / "slides" / "01_background.html").as_uri())
        page.wait_for_function("Reveal.isReady()")
        count, slide = page.evaluate("Reveal.getTotalSlides()"), page.locator("section.present:not(.stack)")
        heights = []
        for _ in range(count):
            heights.append(slide.evaluate("one => one.scrollHeight"))
            assert len(slide.inner_text().splitlines()) > 1 or slide.locator("img").count(), (
                slide.inner_text()
            )
            page.keyboard.press("ArrowRight")
        assert page.evaluate("Reveal.isLastSlide()")
        assert max(heights) <= page.evaluate("Reveal.getConfig().height")
    assert odd == []


def watch(page, odd):
    """Refuse the network; note what was asked of it, and errors."""
    page.route(re.compile(r"^https?:"), lambda route: route.abort())
    own = ("file:", "data:", "blob:")
    page.on("request", lambda r: None if r.url.startswith(own) else odd.append(r.url))
    page.on("console", lambda m: odd.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: odd.append(str(error)))


def faults(page):
    """What axe-core calls serious."""
    from axe_playwright_python.sync_playwright import Axe

    page.add_style_tag(content="* { transition: none !important }")  # colours half-way would be judged
    found = Axe().run(page, options={"resultTypes": ["violations"], "preload": False}).response["violations"]
    serious = (v for v in found if v["impact"] in ("serious", "critical"))
    return [f"axe-core: {v['help']}: {v['nodes'][0]['html'][:120]}" for v in serious]


def move_a_slider(page, book):
    page.goto((book / "notebooks" / "01_background.html").as_uri())
    player = page.locator(".player").first
    picture, slider = player.locator("img"), player.locator("input").first

    def state():
        shown = picture.get_attribute("src"), picture.get_attribute("alt"), player.locator("p").inner_text()
        return *shown, slider.get_attribute("aria-valuetext")

    slider.focus()
    page.keyboard.press("Home")
    before = state()
    page.keyboard.press("End")
    assert all(old != new for old, new in zip(before, state(), strict=True))
    page.wait_for_function("p => p.complete && p.naturalWidth > 0", arg=picture.element_handle())
    page.keyboard.press("Home")
    assert state() == before


def filter_the_ledger(page, book):
    page.goto((book / "ledger.html").as_uri())
    rows = page.locator(".course-ledger tbody tr:visible")
    everything = rows.count()
    page.locator(".course-ledger select").last.select_option(index=1)
    assert 0 < rows.count() < everything


def search(page, book):
    page.goto((book / "search.html").as_uri() + "?q=zoneout")
    page.locator("#search-results li a").first.wait_for()
    assert page.locator("#search-results li").count() > 2


def fold_the_code(page, book):
    page.goto((book / "notebooks" / "01_background.html").as_uri())
    code, button = page.locator(".cell_input").first, page.locator(".fold-code")
    assert code.is_visible()
    button.click()
    assert not code.is_visible()
    button.click()
    assert code.is_visible()


def phone(page, book):
    page.set_viewport_size({"width": 390, "height": 844})
    for name in IN_BOTH:
        page.goto((book / name).as_uri())
        assert not page.evaluate(TOO_WIDE), name
