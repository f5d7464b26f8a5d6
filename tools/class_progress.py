"""What the learners of a class have exported of their progress, as one table."""

from collections import Counter
from pathlib import Path
from statistics import median

from tools.doctor_reports import parsed, printable
from tools.plans import exercises
from tools.process import CourseError, say

FORMAT = "labcode progress 1"  # as check.progress.export writes it
HOW = "Each learner runs check.progress.export() and sends work/progress-export.json under a name of its own."
REASONS = 3  # of a task


def show(folder: Path, root: Path) -> int:
    """Print for each task how many solved it, in how many tries, and the commonest reasons why not.

    Args:
        folder: with one `NAME.json` for each learner.
        root: the course's folder.

    Returns:
        0 if every file was read, else 1.

    Raises:
        CourseError: there is no file.
    """
    exports, troubles = [], []
    for path in sorted(folder.glob("*.json")):
        try:
            exports.append(read(path))
        except (OSError, ValueError, RecursionError) as error:
            troubles.append(f"!!  {printable(path.name)}: {printable(str(error))}")
    if not exports and not troubles:
        raise CourseError(f"There is no export in {folder}. {HOW}")
    for line in [*table(exports, exercises(root)), *troubles]:
        say(line)
    return 1 if troubles else 0


def read(path: Path) -> dict[str, dict]:
    """Return the tasks of one export: for each the tries, whether it is solved, and the reasons met.

    Raises:
        ValueError: it is something else.
    """
    return parsed(path, FORMAT, "check.progress.export() writes", _tasks)


def _tasks(export: dict) -> dict[str, dict]:
    return {
        printable(task): {
            "tries": int(told["tries"]),
            "solved": told["solved"] is True,
            "reasons": {printable(reason) for reason in told["reasons"]},
        }
        for task, told in export["tasks"].items()
    }


def table(exports: list[dict[str, dict]], course: tuple) -> list[str]:
    """Return the lines of the table; exercises that nobody has begun are left out."""
    count, lines = len(exports), [f"{len(exports)} exports"]
    for exercise in course:
        begun = [task for task in exercise.tasks if any(task in export for export in exports)]
        if not begun:
            continue
        width = max(map(len, begun))
        lines += ["", exercise.title, f"  {'':<{width}}  solved  tried  tries to solve it (median)"]
        for task in begun:
            told = [export[task] for export in exports if task in export]
            tries = [one["tries"] for one in told if one["solved"]]
            middle = f"{median(tries):g}" if tries else "-"
            lines.append(f"  {task:<{width}}  {len(tries):>6}  {len(told):>5}  {middle}")
            reasons = Counter(reason for one in told for reason in one["reasons"])
            commonest = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:REASONS]
            lines += [f"      {met} of {count}: {reason}" for reason, met in commonest]
    return lines
