"""Slides of a chapter: reveal.js by nbconvert, without a network, from cells that its source tags `slide`.

A slide begins at each tagged cell. It shows headings, formulas, lists and questions of the text, and figures;
if it has none of these, what it says and prints first. The rest of the text, and with it the answers, stands
in the speaker's notes (key S).
"""

import re
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from nbformat import NotebookNode, v4

from tools.book.pages import FOLDER, LOCAL, NAVIGATION, Pictures, figure_tag, is_figure, read
from tools.process import CourseError

TAG = "slide"
SHOWN = re.compile(r"#|\$\$|- |\*\*Question")
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$]+)\$|(`[^`]*`)", re.DOTALL)
TEMPLATES = Path(__file__).resolve().parent / "templates"


def build_slides(root: Path, folder: Path, chapter: str) -> None:
    """Write a chapter's slides into ``folder/slides``, with all that they need.

    Raises:
        CourseError: no such chapter, or one without tagged cells.
    """
    from nbconvert import SlidesExporter

    made = folder / "slides"
    nb = slides(read(root, "notebooks", chapter), Pictures(made / FOLDER))
    if not nb.cells:
        raise CourseError(f"source/chapters/{chapter}.py tags no cell with {TAG!r}")
    exporter = SlidesExporter(
        extra_template_basedirs=[str(TEMPLATES)],
        template_name="slides",
        reveal_url_prefix="reveal",
        reveal_theme="white",  # its fonts lie beside it
    )
    text, _ = exporter.from_notebook_node(nb, resources={"metadata": {"name": chapter}})
    (made / f"{chapter}.html").write_text(text, encoding="utf-8")
    shutil.copytree(reveal(), made / "reveal", dirs_exist_ok=True)


def reveal() -> Path:
    """Return the folder of reveal.js, which sphinx-revealjs carries."""
    found = find_spec("sphinx_revealjs")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "_static" / "revealjs"


def slides(nb: NotebookNode, pictures: Pictures) -> NotebookNode:
    """Return a notebook of pairs of cells: a slide, and its notes."""
    cells, heading = [], ""
    for group in _groups(nb):
        shown: list[str] = []
        notes: list[str] = []
        printed: list[str] = []
        for cell in group:
            if cell.cell_type == "markdown":
                for block in re.split(r"\n\n+", NAVIGATION.sub("", cell.source)):
                    (shown if SHOWN.match(block) else notes).append(with_mathml(block))
            else:
                shown += (figure_tag(o, pictures, up="") for o in cell.outputs if is_figure(o))
                printed += (f"```text\n{o.text}```" for o in cell.outputs if o.output_type == "stream")
        if all(block.startswith("#") for block in shown):
            shown += [*notes[:1], *printed[:1]]
        if not shown[0].startswith("#"):
            shown.insert(0, heading)
        heading = next(block for block in reversed(shown) if block.startswith("#"))
        cells += [_cell(shown, "slide"), _cell(notes, "notes")]
    return v4.new_notebook(cells=cells)


def _groups(nb: NotebookNode) -> Iterator[list[NotebookNode]]:
    """Yield the cells of each slide."""
    group: list[NotebookNode] = []
    for cell in nb.cells:
        if TAG in cell.metadata.get("tags", []):
            if group:
                yield group
            group = [cell]
        elif "quiz" in cell.metadata.get("tags", []):
            break
        elif group:
            group.append(cell)
    if group:
        yield group


def with_mathml(text: str) -> str:
    """Return Markdown with its formulas as MathML, and links as words."""

    def formula(found: re.Match[str]) -> str:
        block, inline, code = found.groups()
        if code:
            return code
        from tools.book.mathml import as_mathml

        written = as_mathml(block or inline, display=bool(block))
        return f"<div>{written}</div>" if block else written

    return FORMULA.sub(formula, LOCAL.sub(r"\1", text))


def _cell(parts: list[str], kind: str) -> NotebookNode:
    return v4.new_markdown_cell("\n\n".join(parts), metadata={"slideshow": {"slide_type": kind}})
