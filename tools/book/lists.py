"""The book's pages that are no notebooks: symbols, references, the ledger, the library's modules."""

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.book.pages import html_links
from tools.glossary import PAGE, Term
from tools.pages import Course
from tools.process import CourseError

FIELD = re.compile(r"^\s*(\w+)\s*=\s*\{(.*)\},?\s*$", re.MULTILINE)
ENTRY = re.compile(r"^@(\w+)\{([^,\s]+),\n(.*?)^\}", re.MULTILINE | re.DOTALL)
ADDRESS = re.compile(r"\]\((https?://[^)\s]+)\)")
INNER = re.compile(r"\._|^labcode\.check\.(?!guess$|progress$|feedback$)")
THREAD, PAPER = {"title", "url"}, {"author", "title", "year", "url", "venue"}
VENUES = {"journal": "venue", "booktitle": "venue"}


def jupyter_anchor(heading: str) -> str:
    """Return a heading's name in an address: JupyterLab's, without the sign that an address would encode."""
    return heading.replace(" ", "-").replace("%", "")


@dataclass(frozen=True)
class Reference:
    """An entry of ``source/references.bib``: a paper, or a thread (@misc), which has no author and year."""

    title: str
    url: str
    author: str = ""
    year: str = ""
    venue: str = ""

    @property
    def line(self) -> str:
        """The entry as the book prints it."""
        link = f"[{self.title}]({self.url})"
        if not self.author:
            return link
        *others, last = self.author.split(" and ")
        authors = last if not others else f"{', '.join(others)} and {last}"
        return f"{authors} ({self.year}). {link}. {self.venue}"


def read_references(path: Path) -> list[Reference]:
    """Return the entries of a BibTeX file whose fields stand one on a line, by author; threads last.

    Raises:
        CourseError: an entry lacks a field, or two have one address.
    """
    found = []
    for kind, key, body in ENTRY.findall(path.read_text(encoding="utf-8")):
        fields = {VENUES.get(name, name): value for name, value in FIELD.findall(body)}
        needed = THREAD if kind == "misc" else PAPER
        if needed != fields.keys():
            raise CourseError(f"{path.name}: {key}: expected {sorted(needed)}, received {sorted(fields)}")
        found.append(Reference(**fields))
    urls = [one.url for one in found]
    if twice := {url for url in urls if urls.count(url) > 1}:
        raise CourseError(f"{path.name}: {', '.join(sorted(twice))} twice")
    return sorted(found, key=lambda one: (not one.author, one.author.lower(), one.year, one.title.lower()))


def references(entries: Iterable[Reference], texts: Mapping[str, str], course: Course) -> str:
    """Return the page of references, each with the chapters that link to it.

    Args:
        entries: of the file.
        texts: the Markdown of each page, by the notebook's name.
        course: the pages around it.
    """
    lines = ["# References", "What the chapters cite, and where."]
    for one in entries:
        citing = [name for name, text in texts.items() if one.url in ADDRESS.findall(text)]
        places = ", ".join(f"[{course.label(name)}]({_folder(name)}/{name}.ipynb)" for name in citing)
        lines.append(f"- {one.line}" + (f" *{places}*" if places else ""))
    return "\n\n".join(lines[:2]) + "\n\n" + "\n".join(lines[2:])


def _folder(name: str) -> str:
    return "exercises" if name.startswith("ex") else "notebooks"


def symbols(terms: Iterable[Term], course: Course) -> str:
    """Return the page of symbols: how formulas write a term, and where it is explained."""
    lines = [
        "# Symbols",
        "",
        "| symbol | term | 中文 | explained in |",
        "|---|---|---|---|",
    ]
    for term in terms:
        if term.symbol:
            entry = f"[{term.name}](notebooks/{PAGE}.ipynb#{term.anchor})"
            chapter = f"[{course.label(term.chapter)}](notebooks/{term.chapter}.ipynb)"
            lines.append(f"| {term.symbol.replace('|', chr(92) + '|')} | {entry} | {term.zh} | {chapter} |")
    return "\n".join(lines)


def ledger(source: Callable[[str], str | None]) -> str:
    """Return the page of claims: what the article says, what was found, on what evidence."""
    from labcode.experiments.ledger import read_ledger
    from labcode.plots import ledger as table

    text = (
        "# The ledger\n\nEvery claim of the article, in our own words, and what experiments found: *k of n* "
        "counts places (data sets or splits) in which the effect was shown. How to read the table: "
        "[chapter 8](notebooks/08_outlook.ipynb#The-ledger)."
    )
    claims = html_links(table(read_ledger())._repr_html_(), source, "notebooks/")
    return f"{text}\n\n```{{raw}} html\n{claims}\n```"


def modules(root: Path) -> dict[str, str]:
    """Return the library's public modules that document something, each with the first line of its text."""
    found = {}
    for path in sorted((root / "labcode").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        text = ast.get_docstring(tree)
        defines = any(isinstance(s, ast.FunctionDef | ast.ClassDef) and s.name[0] != "_" for s in tree.body)
        if text and defines and not INNER.search(name):
            found[name] = " ".join(text.split("\n\n")[0].split())
    return found


def api(root: Path) -> dict[str, str]:
    """Return the pages of the API reference, by path: one for each part of the library, and their list."""
    pages: dict[str, list[str]] = {}
    for name in modules(root):
        pages.setdefault(".".join(name.split(".")[:2]), []).append(name)
    made = {
        f"api/{part}.rst": "\n".join([_title(part), *map(_module, names)]) for part, names in pages.items()
    }
    listed = "\n".join(f"   {part}" for part in pages)
    made["api/index.rst"] = (
        f"{_title('The library')}\n"
        "Every method stands here twice, in NumPy to read and in PyTorch to use: ``l2_penalty`` and\n"
        "``l2_penalty_torch``. Examples are run by the tests; *source* leads to the code.\n\n"
        f".. toctree::\n   :maxdepth: 1\n\n{listed}\n"
    )
    return made


def _title(text: str) -> str:
    return f"{text}\n{'=' * len(text)}\n"


def _module(name: str) -> str:
    return f"\n{name}\n{'-' * len(name)}\n\n.. automodule:: {name}\n"
