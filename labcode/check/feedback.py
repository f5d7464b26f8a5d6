"""What happens around a check: the line in the learner's progress, links, points, and a report to send."""

import inspect
import platform
import sys
import textwrap
from collections import Counter
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

from labcode.check import progress
from labcode.check.core.checker import Checker, Verdict, after_judging
from labcode.check.core.collect import Collected
from labcode.check.core.show import safe
from labcode.check.course_map import chapter_after, exercise_of
from labcode.check.harder import harder

TRIES = 3  # wrong answers after which the solution is offered
_last: list[tuple] = []
_warned: list[str] = []
_wrong: Counter[str] = Counter()  # wrong tries in this kernel, where no progress is kept


def note(checker: Checker, fn: Callable, collected: Collected, verdict: Verdict) -> list[str]:
    """Keep what was tried where progress is kept; return the lines that the learner should read, too."""
    _last[:] = [(checker, fn, collected, verdict)]
    path, exercise = progress.file(), exercise_of(checker.name)
    if exercise is None:
        return []
    if path is None:
        return _solution_after_wrong_tries(exercise, checker.name, verdict.right, collected)
    entry = {"time": progress.now(), "task": checker.name, "right": verdict.right}
    entry["reasons"], blank = list(verdict.reasons), collected.outcomes[0].kind == "blank"
    entry |= {"blank": True} if blank else {}
    try:
        entries, _ = progress.read(path)
        following = progress.next_task([*entries, entry])
        progress.append({**entry, "open": following[0] if following else exercise.path}, path)
    except OSError as error:
        if str(path) not in _warned:
            _warned.append(str(path))
            return [f"(This is not kept in {path.name}: {error.strerror or error}.)"]
        return []
    return _links(exercise, checker.name, verdict.right, [*entries, entry])


def _links(exercise, task, right, entries) -> list[str]:
    """Return where to go: to the next task or chapter; after three tries, to the solution."""
    solved = {entry["task"] for entry in entries if entry["right"]}
    if right:
        left = [name for name in exercise.tasks if name not in solved]
        if left:
            return [f"Next: {left[0]}."]
        chapter = chapter_after(exercise)
        said = "All tasks of this exercise are solved."
        return _linked(said, [("next chapter", f"../notebooks/{chapter}.ipynb")] if chapter else [])
    return _offer(exercise) if progress.wrong_tries(entries, task) >= TRIES else []


def _solution_after_wrong_tries(exercise, task, right, collected) -> list[str]:
    """Count a try where no progress is kept; return what is offered after the third wrong one."""
    _wrong[task] = 0 if right else _wrong[task] + (collected.outcomes[0].kind != "blank")
    return _offer(exercise) if _wrong[task] >= TRIES else []


def _offer(exercise) -> list[str]:
    """Return links to the chapters and the solution, relative to a notebook in `work/` or in the course."""
    pages = [(f"chapter {name}", f"../notebooks/{name}.ipynb") for name in exercise.chapters]
    pages.append(("solution", f"../solutions/{exercise.page}.ipynb"))
    return _linked("Stuck? To read the solution and then write it yourself is a good way, too.", pages)


def _linked(said: str, pages: list[tuple[str, str]]) -> list[str]:
    """Show links in a notebook; return them as lines elsewhere."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None and hasattr(shell, "kernel"):
        from IPython.display import Markdown, display

        display(Markdown(" · ".join([said, *(f"[{name}]({link})" for name, link in pages)])))
        return []
    return [said, *(f"  {name}: {link}" for name, link in pages)]


def points(fn: Callable, maximum: float, *, task: str | None = None) -> float:
    """Return the points that a function earns, for graded notebooks: its share of right cases.

    The feedback is printed, and nothing is raised for a wrong answer.

    Args:
        fn: the learner's function.
        maximum: what a right one earns.
        task: its name; by default the function's own.

    Raises:
        ValueError: maximum is negative, or task names none.
    """
    if isinstance(maximum, bool) or not isinstance(maximum, int | float) or not maximum >= 0:
        raise ValueError(f"maximum: expected a number of at least 0, received {maximum!r}")
    from labcode import check

    name = task if task is not None else getattr(fn, "__name__", type(fn).__name__)
    checker = getattr(check, str(name), None)
    if not isinstance(checker, Checker):
        if task is not None:
            raise ValueError(f"task: expected the name of a task, received {task!r}")
        print(f"✗ no task is named {name!r}; rename the function to what the task calls it.")
        return 0.0
    verdict, more = checker.examine(fn)
    print("\n".join([verdict.text, *more]))
    earned = round(maximum * verdict.share, 2)
    print(f"{name}: {earned:g} of {maximum:g} points")
    return earned


def report() -> None:
    """Print a block to send to us where the last check seems wrong; it holds your answer's code."""
    if not _last:
        print("Nothing was checked yet: run the check first, then check.report().")
        return
    checker, fn, collected, verdict = _last[0]
    try:
        code = textwrap.dedent(inspect.getsource(fn))
    except (OSError, TypeError):
        code = f"(no source: {safe(repr, fn)})"
    print(
        "\n".join(
            [
                "```text",
                f"check.{checker.name}, seed {collected.seed}",
                f"{_versions()}",
                "--- answer",
                code.rstrip(),
                "--- what the check said",
                verdict.text,
                "```",
            ]
        )
    )


def _versions() -> str:
    found = [f"Python {platform.python_version()} on {platform.system()}"]
    for name in ("regularizing-lstms", "numpy", "torch"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} from a folder")
    return ", ".join(found)


after_judging += [harder, note]
