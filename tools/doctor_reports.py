"""What `doctor --json` said on each computer of a class, as one table."""

import json
from collections.abc import Callable
from pathlib import Path

from tools.process import CourseError, say

FORMAT = "course doctor 1"
MOST_BYTES, MOST_CHARACTERS = 100_000, 200
HOW = "On each computer: python course.py doctor --json > NAME.json; then bring the files here."


def show(folder: Path) -> int:
    """Print a row for each report of a folder, then each trouble with the reports that name it.

    Args:
        folder: with one `NAME.json` for each computer.

    Returns:
        0 if every report was read and finds all in order, else 1.

    Raises:
        CourseError: there is no report.
    """
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise CourseError(f"There is no report in {folder}. {HOW}")
    reports: dict[str, dict] = {}
    troubles: dict[str, list[str]] = {}
    for path in paths:
        try:
            reports[printable(path.stem)] = read(path)
        except (OSError, ValueError, RecursionError) as error:
            troubles.setdefault(f"no report ({printable(str(error))})", []).append(printable(path.stem))
    for row in table(reports):
        say(row)
    for name, report in reports.items():
        for check, (in_order, said) in report.items():
            if not in_order:
                troubles.setdefault(f"{check}: {said}", []).append(name)
    for trouble, names in troubles.items():
        say(f"!!  {trouble}\n    {len(names)}: {', '.join(names)}")
    return 1 if troubles else 0


def read(path: Path) -> dict[str, tuple[bool, str]]:
    """Return the checks of one report by name, each with whether all is in order, and what was said.

    Args:
        path: in UTF-8, or in UTF-16 as PowerShell writes it.

    Raises:
        ValueError: it is something else.
    """
    return parsed(path, FORMAT, "doctor --json prints", _checks)


def _checks(report: dict) -> dict[str, tuple[bool, str]]:
    return {
        printable(name): (check["ok"] is True, printable(check["said"]))
        for name, check in report["checks"].items()
    }


def parsed(path: Path, form: str, origin: str, parse: Callable[[dict], dict]) -> dict:
    """Return what ``parse`` makes of a JSON file that somebody has handed in.

    Args:
        path: of the file, in any encoding of JSON, or in UTF-16 as PowerShell writes it.
        form: what it has to name as its format.
        origin: what writes such files, for the message.
        parse: gets what is in it.

    Raises:
        ValueError: it is something else.
    """
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"larger than {MOST_BYTES:,} bytes")
    try:
        content = json.loads(path.read_bytes())
        if content["format"] != form:
            raise ValueError(f"format: expected {form!r}, received {content['format']!r}")
        return parse(content)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"expected what {origin}, received something else ({error!r})") from None


def table(reports: dict[str, dict[str, tuple[bool, str]]]) -> list[str]:
    """Return a heading and a row for each report: ok, !! or, where it has no such check, a dash."""
    checks = list(dict.fromkeys(check for report in reports.values() for check in report))
    width = max((len(name) for name in reports), default=0)
    lines = ["  ".join([" " * width, *checks])] if reports else []
    for name, report in reports.items():
        marks = ["-" if check not in report else "ok" if report[check][0] else "!!" for check in checks]
        cells = [mark.ljust(len(check)) for mark, check in zip(marks, checks, strict=True)]
        lines.append("  ".join([name.ljust(width), *cells]).rstrip())
    return lines


def printable(text: str) -> str:
    """Return a text of somebody's as one short line that cannot steer a terminal.

    Raises:
        ValueError: it is no text.
    """
    if not isinstance(text, str):
        raise ValueError(f"expected text, received {type(text).__name__}")
    line = "".join(character if character.isprintable() else " " for character in text)
    line = " ".join(line.split())
    return line if len(line) <= MOST_CHARACTERS else f"{line[:MOST_CHARACTERS]}…"
