"""What a teacher hands back: a page for each submission, and one table of all."""

import csv
import hashlib
import io
import os
import re
from html import escape

from tools.doctor_reports import printable

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>body {{ max-width: 50rem; margin: 2rem auto; padding: 0 1rem; font-family: sans-serif }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; background: #f3f3f3; color: #111; padding: .7rem }}
td, th {{ text-align: left; padding: .2rem 1.5rem .2rem 0 }}</style>
<h1>{title}</h1>
<p>{learner}, {file}. {points:g} of {most:g} points.</p>
{notes}
<table><tr><th>Task<th>Points</tr>
{rows}
</table>
{parts}
</html>
"""
FORMULA = re.compile(r"(^|;)(?=\s*[=+\-@])")  # what a spreadsheet would run; some split at semicolons


def page(result: dict) -> str:
    """Return a submission's page in HTML; what a learner has written stands in it as text only.

    Args:
        result: of ``grade.one``.
    """
    tasks = result["tasks"]
    notes = [result["trouble"], *(f"{name} stopped: {why}" for name, why in result["cells"].items())]
    return PAGE.format(
        title=escape(result["exercise"] or "not graded"),
        learner=escape(readable(result["learner"])),
        file=escape(readable(result["file"])),
        points=result["points"],
        most=result["most"],
        notes="\n".join(f"<p>{escape(readable(note))}</p>" for note in notes if note),
        rows="\n".join(
            f"<tr><td>{name}<td>{task['points']:g} of {task['most']:g}</tr>" for name, task in tasks.items()
        ),
        parts="\n".join(
            f"<h2>{name}</h2>\n<pre>{escape(readable(task['said']))}</pre>" for name, task in tasks.items()
        ),
    )


def table(results: list[dict]) -> str:
    """Return all submissions as CSV: a row each, a column for each task."""
    tasks = list(dict.fromkeys(task for result in results for task in result["tasks"]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["learner", "file", "exercise", "points", "of", "note", "page", *tasks])
    for result in results:
        has = bool(result["exercise"])
        scores = [result["tasks"].get(task, {}).get("points", "") for task in tasks]
        numbers = [result["points"], result["most"]] if has else ["", ""]
        page_name = f"pages/{name_of(result['file'])}.html"
        names = [cell(result[name]) for name in ("learner", "file", "exercise")]
        writer.writerow([*names, *numbers, cell(result["trouble"]), page_name, *scores])
    return text.getvalue()


def cell(text: str) -> str:
    """Return a text of somebody's for a table: one line, and no formula."""
    return FORMULA.sub(r"\1'", printable(readable(text)))


def readable(text: str) -> str:
    """Return a text that can be written as UTF-8; a file's name may hold bytes that are none."""
    return text.encode("utf-8", "backslashreplace").decode()


def line(result: dict) -> str:
    """Return a submission's result in one line."""
    earned = f"{result['points']:g} of {result['most']:g}" if result["exercise"] else "not graded"
    return printable(readable(f"{earned:<12} {result['file']}  {result['trouble']}"))


def name_of(file: str) -> str:
    """Return the name of a submission's page, and of what is kept of it: short, and like no other's."""
    readably = re.sub(r"[^\w.-]+", "_", file.removesuffix(".ipynb"))[:40]
    return f"{readably}-{hashlib.sha256(os.fsencode(file)).hexdigest()[:8]}"
