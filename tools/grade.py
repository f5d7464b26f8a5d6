"""Grade notebooks that were handed in: `python -m tools.grade FOLDER` (see teaching/grading.md).

What learners wrote runs inside (``run_answers``, under bubblewrap) and gives plain data, which are judged
outside (``judge_answers``) on cases drawn from the teacher's seed. What was graded is kept: a run that was
stopped goes on.
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from labcode import check
from labcode._files import write_atomically
from labcode.check.core.limits import SECONDS
from tools import blanked_library, grade_pages, sandbox, steps
from tools.grade_results import NOT_RUN, PROGRAM, ROOT, Results
from tools.process import CourseError, clean_environment, say, signals_as_interrupts
from tools.sandbox import LIMITS, Limits
from tools.submissions import Submission, collect, exercise_for, point_out_twice

CELL_SECONDS, SLACK_SECONDS = 30.0, 20.0
JUDGE_SECONDS = 60.0
ENDED = "✗ {} {}. It earns nothing; the other tasks are not touched by that."
NO_EXERCISE = "no task of the course is in it"


class Grader:
    """Grades submissions one by one.

    Args:
        blanked: a folder with `labcode` without solutions.
        seed: the teacher's.
        unsafe: without bubblewrap.
        limits: for each submission.
        root: the course's folder.
    """

    def __init__(self, blanked: Path, seed: int, *, unsafe: bool, limits: Limits = LIMITS, root: Path = ROOT):
        self.blanked, self.seed, self.unsafe, self.limits, self.root = blanked, seed, unsafe, limits, root
        self.exercises = exercises(root)

    def grade(self, one: Submission) -> dict:
        """Return what a submission earns, task by task, and what is to be said of it."""
        exercise = (exercise_for(one.tasks, self.exercises) if one.cells else None) or ""
        result = {"learner": one.learner, "file": str(one.path), "exercise": exercise, "cells": {}}
        result["trouble"] = one.trouble or ("" if exercise else NO_EXERCISE)
        most = self.exercises.get(exercise, {})
        tasks = self._tasks(one, most, result) if most else {}
        points = round(sum(task["points"] for task in tasks.values()), 2)
        return result | {"tasks": tasks, "points": points, "most": sum(most.values())}

    def _tasks(self, one: Submission, most: dict[str, float], result: dict) -> dict[str, dict]:
        """Run a submission and judge what comes out; note in ``result`` where cells stopped."""
        seeds = {task: self.seed_of(task) for task in most}
        ran = self._run(one.cells, seeds)
        if steps.START in ran.stopped:
            result["trouble"] = f"{NOT_RUN}: {ran.stopped[steps.START]}"
        errors = {name: gave.get("error") for name, gave in ran.gave.items() if name in one.cells}
        errors |= {name: why for name, why in ran.stopped.items() if name in one.cells}
        result["cells"] = {name: str(why)[:300] for name, why in errors.items() if why}
        texts = {task: (seeds[task], ran.gave[task].get("text")) for task in most if task in ran.gave}
        judged = self._judge(texts)
        stopped = ran.stopped | judged.stopped
        return {
            task: scored(judged.gave.get(task), points, task, stopped.get(task, ""))
            for task, points in most.items()
        }

    def _run(self, cells: dict[str, str], seeds: dict[str, int]) -> steps.Ran:
        limits = self.limits
        numbers = {"RLIMIT_AS": limits.memory, "RLIMIT_FSIZE": limits.disk, "RLIMIT_CPU": int(limits.seconds)}
        if not self.unsafe:  # outside, it would count all that the teacher runs
            numbers["RLIMIT_NPROC"] = limits.processes
        job = {"cells": cells, "tasks": seeds, "limits": numbers, "apart": not self.unsafe}
        seconds = dict.fromkeys(cells, CELL_SECONDS) | {task: seconds_of(task) for task in seeds}
        if not self.unsafe:
            return steps.run(sandbox.inside(PROGRAM, self.blanked, limits), job, seconds, limits, cells)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            env = clean_environment() | sandbox.variables_for(Path(folder), self.blanked)
            command = [sys.executable, "-s", "-B", str(PROGRAM)]
            return steps.run(command, job, seconds, limits, cells, env, Path(folder))

    def _judge(self, texts: dict[str, tuple]) -> steps.Ran:
        """Judge in another process.

        Raises:
            CourseError: it does not run at all.
        """
        job = {"tasks": texts, "limits": {"RLIMIT_AS": self.limits.memory}}
        command = [sys.executable, "-m", "tools.judge_answers"]
        env = clean_environment() | {"LABCODE_PROGRESS": "off", "OMP_NUM_THREADS": "1"}
        ran = steps.run(command, job, dict.fromkeys(texts, JUDGE_SECONDS), self.limits, (), env, self.root)
        if steps.START in ran.stopped:
            raise CourseError(f"The program that judges answers {ran.stopped[steps.START]}.")
        return ran

    def seed_of(self, task: str) -> int:
        """Return the seed of a task's cases: the same for all learners, and no way back to the teacher's."""
        return int.from_bytes(hashlib.sha256(f"{self.seed} {task}".encode()).digest()[:6], "big")


def scored(gave: dict | None, most: float, task: str, stopped: str) -> dict:
    """Return a task's points and what is said of them."""
    if gave is None:
        return {"points": 0.0, "most": most, "said": ENDED.format(task, stopped)}
    return {"points": round(most * gave["share"], 2), "most": most, "said": gave["said"]}


def seconds_of(task: str) -> float:
    """Return how long a task may work; its check ends Python code before."""
    return SLACK_SECONDS + max(SECONDS, getattr(check, task).seconds)


def exercises(root: Path) -> dict[str, dict[str, float]]:
    """Return by each exercise's name its tasks with their points, as learners' notebooks have them."""
    found: dict[str, dict[str, float]] = {}
    for path in sorted((root / "exercises").glob("*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        graded = [cell["metadata"].get("nbgrader", {}) for cell in cells]
        found[path.stem] = {
            one["grade_id"].removeprefix("check_"): one["points"] for one in graded if one.get("grade")
        }
    return found


def grade_all(submissions: list[Submission], grader: Grader, results: Results, jobs: int) -> list[dict]:
    """Grade what is not graded yet; return all results, in order."""
    found = [results.read(one) for one in submissions]
    left = [number for number, result in enumerate(found) if result is None]
    if len(left) < len(found):
        say(f"{len(found) - len(left)} are graded already.")
    pool = ThreadPoolExecutor(jobs)
    try:
        waiting = {pool.submit(grader.grade, submissions[number]): number for number in left}
        for done in as_completed(waiting):
            number, result = waiting[done], done.result()
            results.keep(submissions[number], result)
            found[number] = result
            say(grade_pages.line(result))
    finally:
        steps.stopping.set()
        pool.shutdown(cancel_futures=True)
        steps.stopping.clear()
    return [result for result in found if result]


def main(arguments: list[str] | None = None) -> int:
    """Grade a folder; return the exit code."""
    parser = argparse.ArgumentParser(prog="course.py grade")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--unsafe", action="store_true")
    options = parser.parse_args(arguments)
    try:
        with signals_as_interrupts():
            grade_folder(options)
    except (CourseError, OSError) as error:
        say(str(error), error=True)
        return 1
    except KeyboardInterrupt:
        say("\nStopped. Call the same command again to go on.", error=True)
        return 130
    return 0


def grade_folder(options: argparse.Namespace) -> None:
    """Grade a folder as the command line says.

    Raises:
        CourseError: it cannot be done here, or the folder is none.
    """
    folder = options.folder.resolve()
    out = (options.out or folder.with_name(folder.name + "-graded")).resolve()
    if not folder.is_dir() or out.is_relative_to(folder):
        raise CourseError(f"Expected a folder, and results elsewhere; received {folder} and {out}.")
    if not options.unsafe and (why := sandbox.refusal()):
        raise CourseError(why)
    with tempfile.TemporaryDirectory() as library:
        blanked_library.make(ROOT, Path(library))
        if not options.unsafe:
            sandbox.try_out(PROGRAM, Path(library))
        results = Results(out, options.seed)
        grader = Grader(Path(library), results.seed, unsafe=options.unsafe)
        submissions = collect(folder)
        point_out_twice(submissions, grader.exercises)
        found = grade_all(submissions, grader, results, max(1, options.jobs))
    write_atomically(out / "grades.csv", grade_pages.table(found).encode("utf-8-sig"))
    say(f"{len(found)} files; the table is {out / 'grades.csv'}, their pages are in {out / 'pages'}.")


if __name__ == "__main__":
    sys.exit(main())
