"""Make the book: `python course.py book`, or `python -m tools.book.build [FOLDER]`."""

import argparse
import os
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import nbformat

from tools.book import lists, pages, slides
from tools.glossary import PAGE
from tools.pages import CONTENTS, Course, Entry
from tools.process import CourseError, say

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent


def build(root: Path, folder: Path, *, jobs: int | None = None) -> None:
    """Write the book into a folder, whose contents it replaces.

    Args:
        root: the course folder.
        folder: takes the book; it is new, empty, or holds a book.
        jobs: processes that draw the interactive figures; one on each core by default.

    Raises:
        CourseError: a notebook is missing, the folder holds something else, or Sphinx warns of something.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / "searchindex.js").is_file():
        raise CourseError(f"{folder} holds something that is no book; name another folder.")
    with tempfile.TemporaryDirectory() as temporary:
        source, made = Path(temporary, "pages"), Path(temporary, "book")
        write_pages(root, source, jobs)
        run_sphinx(root, source, made)
        for template in made.glob("_static/*macros.html"):  # of the themes, of no use in the book
            template.unlink()
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(made, folder)
        shutil.copytree(source / "_pictures", folder / pages.FOLDER)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    count = len(list(folder.rglob("*.html")))
    say(f"{count} pages, {size / 1e6:.0f} MB: open {folder / 'index.html'} in a browser")


def run_sphinx(root: Path, source: Path, folder: Path) -> None:
    """Turn pages into HTML; a warning is an error.

    Raises:
        CourseError: Sphinx has said why.
    """
    from sphinx.cmd.build import main as sphinx

    os.environ["COURSE_ROOT"] = str(root)
    doctrees = ["-d", str(source.parent / "doctrees")]
    options = ["-q", "-W", "--keep-going", "-j", "auto", "-b", "html", "-c", str(HERE), *doctrees]
    if sphinx([*options, str(source), str(folder)]):
        raise CourseError("The book has not been made: see the warnings above.")


def write_pages(root: Path, source: Path, jobs: int | None = None) -> None:
    """Write everything that Sphinx reads."""
    os.environ |= {"TQDM_DISABLE": "1", "MPLBACKEND": "agg"}
    course = Course(root)
    tasks = [*course.path, Entry(PAGE, "notebooks", "")]
    with ProcessPoolExecutor(jobs) as pool:
        texts = dict(pool.map(partial(write_page, root, source), tasks))
    address = public_address(root)
    entries = lists.read_references(root / "source" / "references.bib")
    written = {
        "index.md": front(root, source, course),
        "symbols.md": lists.symbols(course.terms, course),
        "references.md": lists.references(entries, texts, course),
        "ledger.md": lists.ledger(address),
        **lists.api(root),
    }
    for path in sorted((root / "teaching").glob("*.md")):
        written[f"teaching/{path.name}"] = path.read_text(encoding="utf-8")
    link = partial(pages.links, course=course, source=address)
    for name, text in written.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        is_text = name.endswith(".md")
        text = link(text, name.rpartition("/")[0]) if is_text else text
        (source / name).write_text(text, encoding="utf-8")


def front(root: Path, source: Path, course: Course) -> str:
    """Return the front page, with the list of all pages that the margin shows."""
    text = (root / "source" / "front.md").read_text(encoding="utf-8")
    text = pages.with_figures(text, root, pages.Pictures(source / "_pictures"))
    path = [f"{entry.folder}/{entry.name}" for entry in course.path]
    sheet, glossary = path.pop(), f"notebooks/{PAGE}"
    teaching = [f"teaching/{page.stem}" for page in sorted((root / "teaching").glob("*.md"))]
    parts = {
        "The course": path,
        "To look up": [sheet, glossary, "symbols", "ledger", "references", "api/index"],
        "For teachers": teaching,
    }
    trees = (_tree(caption, names) for caption, names in parts.items() if names)
    return "\n\n".join([text, *trees])


def _tree(caption: str, names: list[str]) -> str:
    return f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(names) + "\n```"


def write_page(root: Path, source: Path, entry: Entry) -> tuple[str, str]:
    """Write one notebook's page; return its name and its text."""
    from tools.book import widgets

    course, name, address = Course(root), entry.name, public_address(root)
    pictures = pages.Pictures(source / "_pictures")
    nb = pages.read(root, entry.folder, name)
    if entry.folder == "exercises":
        page = pages.exercise(nb, pages.read(root, "solutions", name), entry, pictures)
    elif name == CONTENTS:
        page = pages.contents(nb, entry)
    else:
        players = [widgets.player(figure, pictures) for figure in widgets.figures(nb)]
        page = pages.chapter(nb, None if name == PAGE else entry, name, pictures, players)
    for cell in page.cells:
        if cell.cell_type == "markdown":
            cell.source = pages.links(cell.source, entry.folder, course, address)
        for output in cell.get("outputs", ()):
            if "text/html" in output.get("data", {}):
                output.data["text/html"] = pages.html_links(output.data["text/html"], address)
    path = source / entry.folder / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(page, path)
    return name, "\n\n".join(cell.source for cell in page.cells if cell.cell_type == "markdown")


def public_address(root: Path) -> Callable[[str], str | None]:
    """Return what gives a file's public address, by pyproject.toml's `[project.urls]`; None without."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    base = settings["project"].get("urls", {}).get("Source")
    return lambda path: f"{base.rstrip('/')}/blob/main/{path}" if base else None


def main() -> int:
    """Build the book that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slides", metavar="CHAPTER", help="make this chapter's slides, and not the book")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "book", help="that takes it (book/)")
    options = parser.parse_args()
    try:
        if options.slides:
            slides.build_slides(ROOT, options.folder, options.slides)
        else:
            build(ROOT, options.folder)
    except CourseError as error:
        say(str(error), error=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
