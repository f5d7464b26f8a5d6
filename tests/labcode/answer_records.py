"""Answers as learners write them, kept in ``answers/*.txt``: wrong ones with their reason, and right ones.

A line ``# task`` begins a task, ``- reason`` a wrong answer (the reason is a part of the message that it must
get), ``+`` a right one; the indented lines below are the function's body, or the whole function where they
begin with ``def``. ``python -m answer_records [TASK]``, from here, counts them by task, and lists what is
praised that is wrong, refused that is right, and refused without a reason.
"""

import ast
import contextlib
import io
import itertools
import math
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import FunctionType

import torch
from answer_mutants import solutions

from labcode import check
from labcode.check.core import Verdict, findings, variants

FILES = Path(__file__).with_name("answers")
NAMES = {"torch": torch, "math": math, "itertools": itertools, "Fraction": Fraction}
SEED = 0  # of the random cases, the same for all answers


@dataclass(frozen=True)
class Record:
    """One answer: its task, its number there, the reason it must get (None where it is right), its code."""

    task: str
    number: int
    reason: str | None
    code: str

    def __str__(self) -> str:
        return f"{self.task}-{self.number}-{'right' if self.reason is None else 'wrong'}"

    def function(self) -> FunctionType:
        """Return the answer as the function that a learner hands over."""
        tree, around = solutions()[self.task]
        names, text = NAMES | around, self.code
        if not text.startswith(f"def {self.task}("):
            text = f"def {self.task}({ast.unparse(tree.args)}):\n{textwrap.indent(text, '    ')}"
        exec(compile(text, f"<{self}>", "exec"), names)
        return names[self.task]

    def verdict(self) -> Verdict:
        """Return what the check says of the answer."""
        checker = getattr(check, self.task)
        with contextlib.redirect_stdout(io.StringIO()):
            collected = checker.collect(self.function(), seed=SEED)
        return checker.judge(collected)


@cache
def records() -> tuple[Record, ...]:
    """Return all answers, in the order of the files."""
    return tuple(r for path in sorted(FILES.glob("*.txt")) for r in _read(path.read_text(encoding="utf-8")))


def _read(text: str) -> Iterator[Record]:
    task, number, head, body = "", 0, None, []
    for line in [*text.splitlines(), "#"]:
        if line.startswith(" ") or not line:
            body.append(line)
            continue
        if head is not None:
            number += 1
            reason = None if head.startswith("+") else head[1:].strip()
            yield Record(task, number, reason, textwrap.dedent("\n".join(body)).strip())
        head, body = (None if line.startswith("#") else line), []
        if line.startswith("#"):
            task, number = line[1:].strip(), 0


def reason_of(verdict: Verdict) -> str:
    """Return what follows the arrows of a message, or all of it where there are none; in one line."""
    return " ".join((verdict.text.partition("→ ")[2] or verdict.text).split())


def is_told_why(verdict: Verdict) -> bool:
    """Say whether a refusal has a reason, beside the numbers."""
    return findings.UNKNOWN not in " ".join(verdict.text.split()) and (
        "→" in verdict.text or "  expected" not in verdict.text
    )


def _report(tasks: list[str]) -> None:
    variants.SECONDS = 10.0
    print(f"{'task':<28} wrong right  praised refused unexplained otherwise")
    for task in tasks:
        count, faults = dict.fromkeys(("wrong", "right", "praised", "refused", "mute", "otherwise"), 0), []
        for record in (r for r in records() if r.task == task):
            verdict = record.verdict()
            count["right" if record.reason is None else "wrong"] += 1
            if record.reason is None:
                fault = "" if verdict.right else "refused"
            elif verdict.right:
                fault = "praised"
            elif not is_told_why(verdict):
                fault = "mute"
            else:
                fault = "" if record.reason in reason_of(verdict) else "otherwise"
            if fault:
                count[fault] += 1
                faults.append(
                    f"    {record} {fault}: {reason_of(verdict)}\n{textwrap.indent(record.code, ' ' * 8)}"
                )
        print(f"{task:<28}", *(f"{n:6d}" for n in count.values()), flush=True)
        print(*faults, sep="\n", end="\n" if faults else "")


if __name__ == "__main__":
    _report(sys.argv[1:] or list(solutions()))
