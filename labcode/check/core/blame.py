"""Where a learner's own code went wrong, in one message: a blank, an error, a wrong signature, no end."""

import builtins
import difflib
import inspect
import linecache
import sysconfig
import traceback
from collections.abc import Callable
from pathlib import Path

from labcode.check.core.show import cut, safe

NOT_THE_LEARNERS = (
    str(Path(__file__).parents[2]),
    *map(sysconfig.get_path, ("stdlib", "purelib", "platlib")),
)
BLANK = (
    "○ {} is still blank. Replace the line `raise NotImplementedError`, run its cell, then run this one "
    "again. Stuck? The hints above open with a click."
)


def wrong_signature(name: str, fn: Callable, solution: Callable, args: tuple) -> str | None:
    """Return a message where a function cannot take the task's arguments; None where it can.

    Args:
        name: of the task's function.
        fn: the learner's.
        solution: ours, whose parameters have the names of the task's.
        args: of a case.
    """
    try:
        signature = inspect.signature(fn)
    except (TypeError, ValueError):
        return None
    try:
        signature.bind(*args)
    except TypeError:
        wanted = ", ".join(list(inspect.signature(solution).parameters)[: len(args)])
        return (
            f"✗ {name} cannot be called with the task's {len(args)} argument{'s' * (len(args) != 1)} "
            f"({wanted}): yours is {name}{signature}.{_first_line(fn)}"
        )
    return None


def _first_line(fn: Callable) -> str:
    code = getattr(inspect.unwrap(fn), "__code__", None)
    if code is None:
        return ""
    number = code.co_firstlineno
    line = linecache.getline(code.co_filename, number).strip()
    return f"\n  in line {number}: {line}" if line else ""


def is_blank(error: NotImplementedError, fn: Callable) -> bool:
    """Tell whether a function's own `raise NotImplementedError` is what stopped it."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return frame.f_code is getattr(inspect.unwrap(fn), "__code__", frame.f_code)


def stopped(name: str, error: BaseException, call: str, fn: Callable) -> str:
    """Return what to say of an error in the learner's code, with the line of theirs that led to it."""
    where = learners_line(error)
    place = f"  in line {where.lineno}: {where.line}" if where else ""
    helper = where.name if where and not where.name.startswith("<") else None
    if isinstance(error, NotImplementedError):
        *_, (frame, _) = traceback.walk_tb(error.__traceback__)
        if helper and frame.f_code.co_name == helper != name:
            return (
                f"✗ {name} calls `{helper}`, which is still blank. Write it first and run its cell, then run "
                f"this one again.\n{place}"
            )
    said = cut(safe(str, error), 600)
    lines = [f"✗ {name} stopped with {type(error).__name__}: {said}", place, f"  The call was {call}"]
    lines.append(_advice(error, fn))
    return "\n".join(line for line in lines if line)


def _advice(error: BaseException, fn: Callable) -> str:
    """Return what often helps with an error of this kind, or nothing."""
    if isinstance(error, UnboundLocalError):
        return "→ It is used before it has a value on this way through the function."
    if isinstance(error, NameError) and error.name:
        known = [*getattr(inspect.unwrap(fn), "__globals__", {}), *dir(builtins)]
        near = difflib.get_close_matches(error.name, known, n=1)
        meant = f" Did you mean `{near[0]}`?" if near else " Has the cell that defines it been run?"
        return f"→ Nothing is named `{error.name}` here.{meant}"
    if isinstance(error, RecursionError):
        return "→ A function calls itself without an end."
    return ""


def learners_line(error: BaseException) -> traceback.FrameSummary | None:
    """Return the last line of the learner's own code that led to an error, not one of a library."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(NOT_THE_LEARNERS)]
    return (own or frames)[-1] if frames else None


def too_long(name: str, error: BaseException, seconds: float, call: str) -> str:
    """Return what to say of a function that had to be stopped."""
    where = learners_line(error)
    place = f"\n  in line {where.lineno}: {where.line}" if where else ""
    return (
        f"✗ {name} was stopped after {seconds:g} seconds.{place}\n  The call was {call}\n"
        "→ Is there a loop that never ends? If it only needs longer, allow more, for instance "
        "check.limit(60), and check again."
    )
