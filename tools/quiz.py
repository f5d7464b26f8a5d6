"""A chapter's quiz: from its compact form in the source to options that unfold, without a script.

In the source, a markdown cell tagged `quiz` holds a heading and then, for each question:

    **1.** The question, on one line or more?

    - [ ] An option.
      > Why it is wrong.
    - [x] The right one.
      > Why it is right.
"""

import html
import re
from dataclasses import dataclass, field
from string import ascii_lowercase

from tools.exercise import SourceError

QUESTION = re.compile(r"\*\*(\d+)\.\*\* +(.*)")
OPTION = re.compile(r"- \[([ x])\] +(.*)")
REASON = re.compile(r" +> ?(.*)")
INLINE = ((re.compile(r"`([^`]+)`"), r"<code>\1</code>"), (re.compile(r"\*([^*]+)\*"), r"<em>\1</em>"))


@dataclass
class Option:
    """What one may choose, whether it is right, and why."""

    is_right: bool
    text: list[str]
    reason: list[str] = field(default_factory=list)


@dataclass
class Question:
    """What is asked, and what one may choose."""

    text: list[str]
    options: list[Option] = field(default_factory=list)


def read_quiz(source: str, place: str) -> tuple[str, list[Question]]:
    """Return what stands before the first question, and the questions.

    Args:
        source: of the cell.
        place: its name, for the message.

    Raises:
        SourceError: a question out of order, without exactly one right option, or an option without a reason.
    """
    head: list[str] = []
    questions: list[Question] = []
    lines = head
    for line in source.splitlines():
        if found := QUESTION.match(line):
            questions.append(Question([found[2]]))
            lines = questions[-1].text
            if int(found[1]) != len(questions):
                raise SourceError(f"{place}: expected question {len(questions)}, received {found[1]}")
        elif questions and (found := OPTION.match(line)):
            questions[-1].options.append(Option(found[1] == "x", [found[2]]))
            lines = questions[-1].options[-1].text
        elif questions and questions[-1].options and (found := REASON.match(line)):
            lines = questions[-1].options[-1].reason
            lines.append(found[1])
        else:
            lines.append(line.strip() if questions else line)
    for number, question in enumerate(questions, start=1):
        _check(question, f"{place}: question {number}")
    if not questions:
        raise SourceError(f"{place}: a quiz without a question, which begins with **1.**")
    return "\n".join(head).strip(), questions


def _check(question: Question, place: str) -> None:
    right = sum(option.is_right for option in question.options)
    if len(question.options) < 2 or right != 1:
        raise SourceError(
            f"{place}: expected two options or more, one of them right ([x]); received "
            f"{len(question.options)}, {right} of them right"
        )
    for option in question.options:
        if not "".join(option.reason).strip():
            raise SourceError(f"{place}: no reason (> ...) below the option {' '.join(option.text)!r}")


def render(source: str, place: str) -> str:
    """Return a quiz as Markdown: each option unfolds to whether it is right, and why.

    Raises:
        SourceError: see ``read_quiz``.
    """
    head, questions = read_quiz(source, place)
    parts = [head, "*Choose an answer, then unfold it.*"]
    for number, question in enumerate(questions, start=1):
        gap = "<br>" if number > 1 else ""  # lists of options end without one
        parts.append(f"{gap}**{number}.** " + "\n".join(question.text).strip())
        for letter, option in zip(ascii_lowercase, question.options, strict=False):
            verdict = "**Right.**" if option.is_right else "**Not quite.**"
            summary = f"<details><summary>{letter}) {_as_html(' '.join(option.text).strip())}</summary>"
            reason = "\n".join(option.reason).strip()
            parts += [summary, f"{verdict} {reason}", "</details>"]
    return "\n\n".join(part for part in parts if part)


def _as_html(text: str) -> str:
    """Return an option as HTML, since Markdown is not read inside a summary."""
    text = html.escape(text, quote=False)
    for pattern, replacement in INLINE:
        text = pattern.sub(replacement, text)
    return text
