"""The ledger: every claim of the article in one table, with what was found; filters that need no script."""

import html
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from labcode._checks import expect
from labcode.check.course_map import EXERCISES
from labcode.experiments.claims import Claim, Found, as_text
from labcode.experiments.results import RESULTS
from labcode.experiments.verdicts import VERDICTS

SIGNS = dict(zip(VERDICTS, ("●", "◐", "=", "✕", "?"), strict=True))
METHOD_WORDS = {
    "L1": r"\bL1\b|\bl1",
    "L2": r"\bL2\b|\bl2|weight decay|adamw",
    "dropout": r"(?<!recurrent )(?<!recurrent_)dropout",
    "recurrent dropout": r"recurrent[ _]dropout|weight[ _]drop|locked mask",
    "zoneout": r"zoneout",
    "max-norm": r"max[- _]norm",
    "early stopping": r"early stopping|stops early|patience",
    "averaging": r"averag|\bSWA\b|\bEMA\b",
    "AR, TAR": r"\bT?AR\b|\btar\b",
}
OTHER = "other"
CHAPTERS = tuple(dict.fromkeys(chapter for exercise in EXERCISES for chapter in exercise.chapters))
BOX = "course-ledger"
STYLE = f"""
.{BOX} .filters[hidden] {{display: flex; flex-wrap: wrap; gap: 1em; margin: .5em 0}}
.{BOX} select {{font: inherit; color: inherit; background: transparent; padding: .2em}}
.{BOX} option {{color: #1a1a1a; background: #fff}}
.{BOX} table {{border-collapse: collapse; width: 100%; table-layout: auto}}
.{BOX} td, .{BOX} th {{text-align: left; vertical-align: top; white-space: normal; padding: .35em .5em;
  border-bottom: 1px solid rgba(128, 128, 128, .5)}}
.{BOX} summary {{cursor: pointer}}"""


@dataclass(frozen=True)
class Ledger:
    """Claims with what was found of each; a notebook shows a table with filters, a terminal plain lines."""

    claims: tuple[Claim, ...]

    def __repr__(self) -> str:
        rows = [
            f"{c.section:<5}{SIGNS[c.word]} {c.verdict}: {c.sentence} {_effect(c.found[0])}"
            for c in self.claims
        ]
        return "\n".join(rows)

    def _repr_html_(self) -> str:
        by = {
            "section": list(dict.fromkeys(claim.section for claim in self.claims)),
            "method": [*METHOD_WORDS, OTHER],
            "verdict": list(VERDICTS),
        }
        used = {key: set().union(*(groups_of(claim)[key] for claim in self.claims)) for key in by}
        by = {key: [value for value in values if value in used[key]] for key, values in by.items()}
        rules = [_rule(key, value) for key, values in by.items() for value in values]
        menus = "".join(_menu(key, values) for key, values in by.items())
        head = "".join(f"<th scope='col'>{name}</th>" for name in ("section", "claim", "verdict", "found"))
        rows = "\n".join(map(_row, self.claims))
        return (
            f"<style>{STYLE}\n{''.join(rules)}</style>\n<div class='{BOX}'>\n"
            f"<div class='filters' hidden>{menus}</div>\n"
            f"<table><caption>{len(self.claims)} claims and what was found</caption>"
            f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
        )


def ledger(claims: Sequence[Claim]) -> Ledger:
    """Return claims as a table: section, sentence, verdict, and every effect with its interval and evidence.

    In a notebook the table has a menu each for the section, the method and the verdict. They work by CSS
    alone; where a page drops the style they do not show, and the whole table stands.

    Args:
        claims: as ``labcode.experiments.ledger.read_ledger`` returns them.

    Returns:
        What a notebook shows as an HTML table, and ``print`` as plain lines.

    Raises:
        ValueError: no claims, or one of which nothing was found yet.
    """
    expect(len(claims) > 0, "claims", "at least one claim", len(claims))
    for claim in claims:
        expect(len(claim.found) > 0, claim.id, "at least one effect", claim.found)
    return Ledger(tuple(claims))


def groups_of(claim: Claim) -> dict[str, set[str]]:
    """Return what the filters know of a claim: its section, the methods it speaks of, its verdict."""
    text = " ".join([claim.sentence, claim.id, *("/".join(path) for _, path in claim.evidence)])
    methods = {name for name, words in METHOD_WORDS.items() if re.search(words, text)}
    return {"section": {claim.section}, "method": methods or {OTHER}, "verdict": {claim.word}}


def chapter_of(section: str) -> str | None:
    """Return the name of the chapter that holds a section of the article; None if no chapter does."""
    number, _, part = section.partition(".")
    for chapter in CHAPTERS:
        first, second = chapter.split("_")[:2]
        parts = [int(end) for end in second.split("-")] if second[0].isdigit() else [0, 99]
        if int(first) == int(number) and parts[0] <= int(part.split(".")[0] or 0) <= parts[-1]:
            return chapter
    return None


def _row(claim: Claim) -> str:
    chapter = chapter_of(claim.section)
    section = f"<a href='{chapter}.ipynb'>{claim.section}</a>" if chapter else claim.section
    effects = [f"<li>{html.escape(f'{found.place}: {_effect(found)}')}</li>" for found in claim.found]
    links = ", ".join(_links(name for name, _ in claim.evidence))
    found = (
        f"{html.escape(_effect(claim.found[0]))}<details><summary>{len(effects)} "
        f"effect{'s' * (len(effects) > 1)}, evidence</summary><ul>{''.join(effects)}</ul>{links}</details>"
    )
    classes = " ".join(
        _name(key, value) for key, values in groups_of(claim).items() for value in sorted(values)
    )
    verdict = f"{SIGNS[claim.word]} {html.escape(claim.verdict)}"
    cells = (section, html.escape(claim.sentence), verdict, found)
    return f"<tr class='{classes}'>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _links(names: Iterable[str]) -> list[str]:
    """Return links to the recorded results, from the folder in which the notebook runs."""
    folder = Path(os.path.relpath(RESULTS, Path.cwd())) if RESULTS.anchor == Path.cwd().anchor else None
    return [
        f"<a href='{(folder / f'{name}.json').as_posix()}'>{html.escape(name)}.json</a>" if folder else name
        for name in dict.fromkeys(names)
    ]


def _effect(found: Found) -> str:
    """Write an effect in figures, with its size in % of the reference where it has one."""
    share = f" = {found.percent[0]:+.1f} %" if found.percent else ""
    return f"{as_text(found)}{share}"


def _name(key: str, value: str) -> str:
    """Return a filter's value as a name that CSS takes."""
    return f"{key}-{re.sub(r'[^a-z0-9]+', '-', value.lower())}"


def _menu(key: str, values: Sequence[str]) -> str:
    options = "".join(
        f"<option value='{_name(key, value)}'>{html.escape(value)}</option>" for value in values
    )
    return f"<label>{key} <select><option value='all'>all</option>{options}</select></label>"


def _rule(key: str, value: str) -> str:
    name = _name(key, value)
    return f".{BOX}:has(option[value={name}]:checked) tbody tr:not(.{name}) {{display: none}}\n"
