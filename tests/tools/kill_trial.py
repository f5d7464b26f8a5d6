"""Kill set-ups at any moment: what worked before has to work after, with and without a network.

    python tests/tools/kill_trial.py [COURSE] [--kills N] [--seconds N] [--seed N] [--cut-off]

COURSE is a clone whose `course.py lab` has been called once (its constraints.txt changes); without one a
miniature is made. Half of the kills (SIGKILL) come within so many seconds of an update or of making an
environment anew, the other half at a random rename or removal of the swap. After each, `course.py lab` has to
open without a source of packages; with --cut-off without any network (a namespace of its own: Linux, root).
"""

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import toy_course

FATAL = """
import os, runpy, signal, sys
sys.path.insert(0, "")
import tools.setup, tools.swap

step, begun = int(sys.argv.pop(1)), False


def counted(function):
    def call(*args, **options):
        global step
        if begun:
            step -= 1
            if step == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **options)
    return call


def begin(environment):
    global begun
    begun = True
    return put_in_place(environment)


put_in_place, tools.setup.put_in_place = tools.setup.put_in_place, begin
for name in ("rename", "replace", "unlink", "rmdir"):
    setattr(os, name, counted(getattr(os, name)))
sys.argv[0] = "course.py"
runpy.run_path("course.py", run_name="__main__")
"""


def want_update(root: Path) -> list[str]:
    """Change what is to be installed, and return the arguments of the call that sees to it."""
    with (root / "constraints.txt").open("a", encoding="utf-8") as constraints:
        constraints.write(f"# {time.time_ns()}\n")
    return ["lab", "--no-browser"]


def want_anew(root: Path) -> list[str]:
    """Have the environment be of another build of PyTorch, and return the arguments of a call that minds."""
    path = root / ".venv" / "course-stamp.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"backend": "auto"}), "utf-8")
    return ["lab", "--no-browser", "--cpu"]


def kill_at_step(root: Path, arguments: list[str], step: int, variables: dict[str, str]) -> bool:
    """Run course.py and kill it at a step of its swap; return whether it got so far."""
    command = [sys.executable, "-c", FATAL, str(step), *arguments]
    return opens(root, command, variables) is None


def kill_at_time(root: Path, arguments: list[str], seconds: float, variables: dict[str, str]) -> bool:
    """Run course.py and kill it, and the tools that it started, after a time; return whether it still ran."""
    with subprocess.Popen(
        [sys.executable, "course.py", *arguments],
        cwd=root,
        env=variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return True
    return False


def opens(root: Path, command: list[str], variables: dict[str, str]) -> str | None:
    """Run a command that opens JupyterLab, stop it, and return what it said; None where it was killed.

    Raises:
        RuntimeError: it ended by itself without opening JupyterLab.
    """
    said = ""
    with subprocess.Popen(
        command, cwd=root, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    ) as process:
        for line in process.stdout:
            said += line
            if "JupyterLab is ready" in line:
                process.send_signal(signal.SIGTERM)
        code = process.wait()
    if code == -signal.SIGKILL:
        return None
    if code != 0 or "JupyterLab is ready" not in said:
        raise RuntimeError(f"{command} ended with code {code}:\n{said}")
    return said


def without_packages(variables: dict[str, str]) -> dict[str, str]:
    """Return the variables of a computer that can have no package from anywhere."""
    kept = {name: value for name, value in variables.items() if not re.match("PIP_|UV_", name)}
    return kept | {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "UV_OFFLINE": "1", "UV_NO_CACHE": "1"}


def lab(*before: str) -> list[str]:
    """Return the command that has to open JupyterLab, whatever happened."""
    return [*before, sys.executable, "-u", "course.py", "lab", "--no-browser"]


def make_miniature(folder: Path) -> tuple[Path, dict[str, str]]:
    """Make a course in miniature that has been set up, and return it with its environment variables."""
    wheels = toy_course.make_wheels(folder / "wheels")
    toy_course.add_uv(wheels)
    variables = toy_course.without_network(wheels, folder / "caches")
    root = toy_course.make_course(folder / "Régularisation des LSTM 正则化")
    opens(root, lab(), variables)
    return root, variables


def trial(root: Path, variables: dict[str, str], options: argparse.Namespace) -> None:
    """Kill so many set-ups and print one line for each."""
    chance = random.Random(options.seed)
    before = ["unshare", "-n", "sh", "-c", 'ip link set lo up; exec "$@"', "sh"] if options.cut_off else []
    for number in range(1, options.kills + 1):
        want = chance.choice([want_update, want_anew])
        arguments = want(root)
        if number % 2:
            seconds = chance.uniform(0, options.seconds)
            moment, hit = f"after {seconds:.1f} s", kill_at_time(root, arguments, seconds, variables)
        else:
            step = chance.choice([1, 2, 3, 4, 5, 10, 50, 200])
            moment, hit = f"step {step} of the swap", kill_at_step(root, arguments, step, variables)
        start = time.monotonic()
        opens(root, [*lab(*before), "--no-update"], without_packages(variables))
        took = time.monotonic() - start
        killed = "killed" if hit else "had ended"
        print(f"{number:>3}  {want.__name__:<12} {moment:<20} {killed:<10} opens in {took:.0f} s", flush=True)


def main() -> int:
    """Run the trial on the course that is named, or on a miniature."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("course", type=Path, nargs="?", metavar="COURSE")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cut-off", action="store_true")
    options = parser.parse_args()
    inside = options.course and Path(sys.executable).is_relative_to(options.course.resolve())
    if inside:
        parser.error("call it with a Python outside the course: its own environment is what is swapped")
    kept = {name: value for name, value in os.environ.items() if not re.match("PYTHONPATH|COURSE_", name)}
    with tempfile.TemporaryDirectory() as folder:
        if options.course is None:
            trial(*make_miniature(Path(folder)), options)
        else:
            trial(options.course.resolve(), kept, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
