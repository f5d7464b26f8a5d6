"""The glossary: a page from `source/glossary.toml`, to which the first plain use of a term links."""

import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tools.process import CourseError

PAGE = "00_glossary"
KEYS = {"name", "says", "chapter", "zh", "zh_says"}
NOT_PLAIN = re.compile(  # code, mathematics, links, tags and headings
    r"```.*?```|`[^`]+`|\$\$.*?\$\$|\$[^$]+\$|!?\[[^\]]*\]\([^)]*\)|<summary>.*?</summary>|<[^>]*>|^#[^\n]*$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Term:
    """A word or symbol of the course.

    Args:
        name: in English; the heading under which it stands.
        says: what it means, in a sentence.
        chapter: the notebook that explains it.
        zh: the term in Chinese.
        zh_says: the sentence in Chinese.
        symbol: how formulas write it, in TeX with its dollars; "" for none.
        also: further forms that link here; the plural with s is understood.
        link: whether uses link here; False for a word that means other things, too.
    """

    name: str
    says: str
    chapter: str
    zh: str
    zh_says: str
    symbol: str = ""
    also: tuple[str, ...] = ()
    link: bool = True

    @property
    def anchor(self) -> str:
        """The name of its heading in an address, as JupyterLab makes it."""
        return self.name.replace(" ", "-")

    @property
    def forms(self) -> tuple[str, ...]:
        """The forms whose first use links here."""
        return (self.name, *self.also) if self.link else ()


def read_glossary(path: Path) -> list[Term]:
    """Return the terms of a glossary in alphabetical order; none where there is no file.

    Raises:
        CourseError: an entry lacks a key, has an unknown one, or names what another one names.
    """
    if not path.is_file():
        return []
    terms: list[Term] = []
    for table in tomllib.loads(path.read_text(encoding="utf-8"))["term"]:
        lacking = KEYS - table.keys()
        if lacking:
            raise CourseError(f"{path.name}: {table.get('name')!r} lacks {', '.join(sorted(lacking))}")
        try:
            terms.append(Term(**{**table, "also": tuple(table.get("also", ()))}))
        except TypeError as error:
            raise CourseError(f"{path.name}: {table['name']!r}: {error}") from None
    forms = [form.lower() for term in terms for form in {term.name, *term.forms}]
    twice = sorted({form for form in forms if forms.count(form) > 1})
    if twice:
        raise CourseError(f"{path.name}: {', '.join(twice)} named twice")
    return sorted(terms, key=lambda term: term.name.lower())


def linker(terms: Iterable[Term]) -> Callable[[str], str]:
    """Return a function that links the first use of each term in the texts that it is given in turn."""
    known = {_key(form): term for term in terms for form in term.forms}
    if not known:
        return lambda text: text
    longest_first = sorted(
        (form for term in set(known.values()) for form in term.forms), key=len, reverse=True
    )
    use = re.compile(rf"(?<![\w-])(?:{'|'.join(map(_pattern, longest_first))})s?(?![\w-])")
    linked: set[Term] = set()

    def link(found: re.Match[str]) -> str:
        term = known.get(_key(found[0])) or known[_key(found[0].removesuffix("s"))]
        if term in linked:
            return found[0]
        linked.add(term)
        return f"[{found[0]}]({PAGE}.ipynb#{term.anchor})"

    def with_links(text: str) -> str:
        made, end = [], 0
        for other in NOT_PLAIN.finditer(text):
            made += [use.sub(link, text[end : other.start()]), other[0]]
            end = other.end()
        return "".join([*made, use.sub(link, text[end:])])

    return with_links


def _pattern(form: str) -> str:
    """Return a pattern for a form: across line ends, and with a capital at the start of a sentence."""
    words = r"\s+".join(re.escape(word) for word in form.split())
    return f"[{form[0].upper()}{form[0].lower()}]{words[1:]}" if form[0].isalpha() else words


def _key(form: str) -> str:
    return " ".join(form.split()).lower()


def page(terms: Iterable[Term], name_of: Callable[[str], str]) -> str:
    """Return the glossary as Markdown.

    Args:
        terms: in their order.
        name_of: gives a chapter's short name.
    """
    return "\n\n".join(
        f"### {term.name}\n\n"
        + " · ".join(
            part
            for part in (term.symbol, term.zh, f"[{name_of(term.chapter)}]({term.chapter}.ipynb)")
            if part
        )
        + f"\n\n{term.says}\n\n{term.zh_says}"
        for term in terms
    )
