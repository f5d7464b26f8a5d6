"""From a built notebook to a page of the book: without guards and navigation, with solutions folded."""

import base64
import hashlib
import html
import io
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import nbformat
from nbformat import NotebookNode, v4
from PIL import Image

from labcode._files import write_atomically
from tools.pages import CONTENTS, Course, Entry
from tools.process import CourseError

PICTURE, WIDGET = "image/png", ".widget()"
FOLDER = "pictures"  # of the book
INSTALL = re.compile(r"^import labcode  # missing\?[^\n]*\n")  # the build adds it, for copies elsewhere
FIGURE = re.compile(r"\{\{ figure (\S+) (\d+) \}\}")
NAVIGATION = re.compile(r"\n\n[^\n]*\[(?:Contents|Glossary)\]\([^\n]*\Z")
SOLUTION_LINK = re.compile(r"\((?:\.\./)?solutions/(ex\w+\.ipynb)")
ANCHOR = re.compile(r"<a href='([^':]+)'>(.*?)</a>")
LOCAL = re.compile(r"(?<!!)\[([^\]]+)\]\((?![a-z]+:|#)([^)\s#]+)(#[^)\s]*)?\)")


class Pictures:
    """The book's pictures, each kept once under the hash of its bytes.

    Args:
        folder: where they are written.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, picture: bytes, colours: int = 64) -> str:
        """Write a picture (PNG) in few colours as lossless WebP, half as large; return its file's name."""
        name = f"{hashlib.sha256(picture).hexdigest()[:12]}.webp"
        if not (self.folder / name).exists():
            with Image.open(io.BytesIO(picture)) as full:
                few = full.convert("RGB").quantize(
                    colours, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
                )
                written = io.BytesIO()
                few.convert("RGB").save(written, "WEBP", lossless=True, quality=70, method=4)
            write_atomically(self.folder / name, written.getvalue())  # two processes may keep the same
        return name

    def size(self, name: str) -> tuple[int, int]:
        """Return a kept picture's width and height."""
        with Image.open(self.folder / name) as kept:
            return kept.size

    def tag(self, name: str, alt: str, up: str = "../") -> str:
        """Return the HTML of a kept picture; ``up`` leads from the page to the book's folder."""
        width, height = self.size(name)
        source = f'src="{up}{FOLDER}/{name}" width="{width}" height="{height}" loading="lazy"'
        return f'<img class="course-figure" {source} alt="{html.escape(alt, quote=True)}">'


def read(root: Path, folder: str, name: str) -> NotebookNode:
    """Return a built notebook.

    Raises:
        CourseError: it has not been built.
    """
    path = root / folder / f"{name}.ipynb"
    if not path.is_file():
        raise CourseError(f"{folder}/{name}.ipynb is not there: python course.py build")
    return nbformat.read(path, as_version=4)


def chapter(
    nb: NotebookNode, entry: Entry | None, name: str, pictures: Pictures, players: Iterable[str]
) -> NotebookNode:
    """Return a chapter's page.

    Args:
        nb: the built notebook.
        entry: what the course knows of it; None for the glossary.
        name: of the notebook.
        pictures: take the figures.
        players: the HTML of each interactive figure, in order.
    """
    cells, player = [], iter(players)
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            cells.append(_text(cell.source if entry else cell.source.replace("### ", "## ")))
        elif "guard" not in cell.metadata.get("tags", []):
            made = v4.new_code_cell(_code(cell), outputs=[_shown(o, pictures) for o in cell.outputs])
            if WIDGET in cell.source:
                made.outputs.append(_html(next(player)))
            cells.append(made)
    return _page(cells, entry, f"work/notebooks/{name}.ipynb")


def contents(nb: NotebookNode, entry: Entry) -> NotebookNode:
    """Return the page of contents, without the part that reads the learner's progress."""
    cells = [_text(cell.source) for cell in nb.cells if cell.cell_type == "markdown"]
    cells[-2].source = cells[-2].source.partition("## What you have done")[0]
    return _page(cells, entry, f"work/notebooks/{CONTENTS}.ipynb")


def exercise(blank: NotebookNode, solved: NotebookNode, entry: Entry, pictures: Pictures) -> NotebookNode:
    """Return an exercise's page: what a learner gets, and folded below each cell what the solution has."""
    cells = []
    for cell, answer in zip(blank.cells, solved.cells, strict=True):
        if cell.cell_type == "markdown":
            cells.append(_text(cell.source))
            continue
        cells.append(v4.new_code_cell(_code(cell)))
        folded = [f"```python\n{_code(answer)}\n```"] if answer.source != cell.source else []
        folded += [_written(output, pictures) for output in answer.outputs]
        if folded:
            head = "A solution" if answer.source != cell.source else "What it prints once solved"
            summary = f'<details class="solution"><summary>{head}</summary>'
            cells.append(v4.new_markdown_cell("\n\n".join([summary, *folded, "</details>"])))
    return _page(cells, entry, f"work/exercises/{entry.name}.ipynb")


def with_figures(text: str, root: Path, pictures: Pictures) -> str:
    """Return a text in which each ``{{ figure NAME NUMBER }}`` is that figure of a chapter, from 1 on."""

    def figure(found: re.Match[str]) -> str:
        outputs = (o for cell in read(root, "notebooks", found[1]).cells for o in cell.get("outputs", ()))
        return figure_tag(list(filter(is_figure, outputs))[int(found[2]) - 1], pictures, up="")

    return FIGURE.sub(figure, text)


def links(text: str, folder: str, course: Course, source: Callable[[str], str | None]) -> str:
    """Return a page's Markdown with links as the book has them.

    Links to solutions lead to the exercise's page, where they are folded; links to files that are no page
    lead to the source where it is public, and are plain words where it is not.

    Args:
        text: of the page.
        folder: in which it lies in the course, "" for the course folder.
        course: the pages.
        source: gives the public address of a path in the course folder, or None.
    """

    def lead(found: re.Match[str]) -> str:
        words, path, anchor = found[1], found[2], (found[3] or "").replace("%", "")
        if path.endswith(".ipynb") or (folder == "teaching" and path.endswith(".md") and "/" not in path):
            return f"[{words}]({path}{anchor})"
        inside = (course.root / folder / path).resolve()
        address = source(inside.relative_to(course.root.resolve()).as_posix())
        return f"[{words}]({address}{anchor})" if address else words

    return LOCAL.sub(lead, SOLUTION_LINK.sub(r"(../exercises/\1", text))


def html_links(text: str, source: Callable[[str], str | None], chapters: str = "") -> str:
    """Return an output's HTML as the book has it: its links, and the ledger's menus, which the theme hides.

    Args:
        text: the HTML.
        source: as in ``links``.
        chapters: leads to the chapters' folder.
    """

    def lead(found: re.Match[str]) -> str:
        path, words = found[1], found[2]
        if path.endswith(".ipynb"):
            return f"<a href='{chapters}{path.removesuffix('ipynb')}html'>{words}</a>"
        address = source(path.removeprefix("../"))
        return f"<a href='{address}'>{words}</a>" if address else words

    return ANCHOR.sub(lead, text).replace("class='filters' hidden", "class='filters'")


def _page(cells: list[NotebookNode], entry: Entry | None, path: str) -> NotebookNode:
    if entry:
        head, _, rest = cells[0].source.partition("\n")
        cells[0].source = f"{head}\n\n*To work on it: `python course.py lab`, then `{path}`.*\n{rest}"
    return v4.new_notebook(cells=cells, metadata={"language_info": {"name": "python"}})


def _text(source: str) -> NotebookNode:
    """Return a cell of text without the links to other pages, which the book shows in its own way."""
    text = NAVIGATION.sub("", source)
    return v4.new_markdown_cell("" if text == "---" else text)


def _code(cell: NotebookNode) -> str:
    return INSTALL.sub("", cell.source)


def _shown(output: NotebookNode, pictures: Pictures) -> NotebookNode:
    """Return an output as the page has it: a figure as a file of its own, with its alt text."""
    return _html(figure_tag(output, pictures)) if is_figure(output) else output


def is_figure(output: NotebookNode) -> bool:
    """Tell whether an output is a figure."""
    return PICTURE in output.get("data", {})


def figure_tag(output: NotebookNode, pictures: Pictures, up: str = "../") -> str:
    """Keep an output's figure; return its HTML, with its alt text (``up``: see ``Pictures.tag``)."""
    name = pictures.keep(base64.b64decode(output.data[PICTURE]))
    return pictures.tag(name, output.metadata.get(PICTURE, {}).get("alt", ""), up)


def _html(text: str) -> NotebookNode:
    return v4.new_output("display_data", data={"text/html": text})


def _written(output: NotebookNode, pictures: Pictures) -> str:
    """Return an output as Markdown."""
    data = output.get("data", {})
    if is_figure(output):
        return figure_tag(output, pictures)
    text = output.text if output.output_type == "stream" else data.get("text/markdown") or data["text/plain"]
    return text if "text/markdown" in data else f"```text\n{text.rstrip()}\n```"
