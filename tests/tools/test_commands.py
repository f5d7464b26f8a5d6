"""course.py: set-up, repair and the commands, on a course in miniature and without a network."""

import ast
import contextlib
import itertools
import json
import os
import re
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
import toy_course

from tools import clean, commands, doctor, lab
from tools.environment import Environment
from tools.installer import Installer
from tools.lock import locked
from tools.preflight import require_room
from tools.process import CourseError, ToolError, clean_environment, signals_as_interrupts
from tools.setup import ensure, is_ready, why_anew
from tools.swap import NEW, leftovers

HANGS = 1800  # seconds: what never ends, not what a busy machine takes
COURSE = toy_course.COURSE
TEST = frozenset({"test"})


@pytest.fixture
def no_process(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError(f"a process was started: {args}")

    monkeypatch.setattr(subprocess, "Popen", refuse)


def snapshot(environment):
    """What is in site-packages: every file, and when it was written."""
    files = (path for path in environment.site_packages.rglob("*") if "__pycache__" not in path.parts)
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in files if path.is_file()}


def installed(environment, name):
    return [path.name for path in environment.site_packages.glob(f"{name}-*.dist-info")]


def write_constraints(environment, text):
    (environment.root / "constraints.txt").write_text(text, "utf-8")


def course(environment, *arguments, **options):
    """Run course.py of the miniature course as a person does."""
    return subprocess.run(
        [sys.executable, "course.py", *arguments],
        cwd=environment.root,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=HANGS,
        **options,
    )


# Set-up


def test_set_up_installs_the_pinned_set_and_the_users_own_build_of_torch(made):
    assert json.loads(made.stamp.read_text("utf-8"))["tool"] == "uv"
    assert not made.marker.exists()
    assert installed(made, "torch") == ["torch-1.0+cpu.dist-info"]
    assert installed(made, "toydep") == ["toydep-1.0.dist-info"]
    assert not installed(made, "pytest")
    overrides = json.loads((made.folder / "share/jupyter/lab/settings/overrides.json").read_text("utf-8"))
    assert overrides["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"


def test_the_installed_course_is_the_folder_itself(made, tmp_path):
    code = "import labcode; print(ascii(labcode.__file__))"
    answer = subprocess.check_output([made.python, "-c", code], cwd=tmp_path, env=made.variables(), text=True)
    assert Path(ast.literal_eval(answer)) == made.root / "labcode" / "__init__.py"


def test_a_second_set_up_starts_no_process(made, no_process):
    ensure(made)


def test_set_up_brings_what_changed_and_keeps_the_rest(made):
    torch = (made.site_packages / "torch.py").stat().st_ino
    write_constraints(made, "torch==1.0\ntoydep==1.1\n")
    ensure(made)
    assert installed(made, "toydep") == ["toydep-1.1.dist-info"]
    assert (made.site_packages / "torch.py").stat().st_ino == torch
    assert is_ready(made, frozenset(), None, True)
    write_constraints(made, toy_course.CONSTRAINTS)
    ensure(made)
    assert installed(made, "toydep") == ["toydep-1.0.dist-info"]


def test_a_failed_update_leaves_the_environment_usable_and_says_how(made, monkeypatch):
    before = snapshot(made)
    write_constraints(made, "torch==1.0\ntoydep==7.0\n")
    with pytest.raises(CourseError, match=r"as it was before; to go on with it, add --no-update"):
        ensure(made)
    assert snapshot(made) == before
    assert not leftovers(made)
    assert not is_ready(made, frozenset(), None, True)
    with monkeypatch.context() as context:
        context.setattr(subprocess, "Popen", None)
        ensure(made, update=False)
    write_constraints(made, toy_course.CONSTRAINTS)
    ensure(made)


def test_no_update_does_not_pass_off_a_part_as_the_whole(made, toy):
    with pytest.raises(CourseError, match="leave out --no-update"):
        ensure(toy, update=False)
    if "test" not in made.read_stamp()["extras"]:
        with pytest.raises(CourseError, match="leave out --no-update"):
            ensure(made, extras=TEST, update=False)


def test_a_full_disk_while_packages_are_replaced_costs_nothing(made, monkeypatch):
    before = snapshot(made)

    def break_off(self):
        (self.site_packages / "half-1.0.dist-info").mkdir()
        (self.site_packages / "toydep.py").unlink()
        raise OSError(28, "No space left on device")

    write_constraints(made, "torch==1.0\ntoydep==1.1\n")
    with monkeypatch.context() as context:
        context.setattr("tools.installer.Installer.install", break_off)
        with pytest.raises(CourseError, match=r"disk is full[\s\S]*add --no-update"):
            ensure(made)
    assert snapshot(made) == before
    assert not leftovers(made)
    write_constraints(made, toy_course.CONSTRAINTS)
    assert is_ready(made, frozenset(), None, True)


def test_what_cannot_be_imported_replaces_nothing(made, monkeypatch):
    before = snapshot(made)
    write_constraints(made, "torch==1.0\ntoydep==1.1\n")
    with monkeypatch.context() as context:
        context.setattr(
            "tools.installer.Installer.install",
            lambda self: (self.site_packages / "torch.py").unlink(),
        )
        with pytest.raises(CourseError, match=r"No module named 'torch'[\s\S]*add --no-update"):
            ensure(made)
    assert snapshot(made) == before
    write_constraints(made, toy_course.CONSTRAINTS)


def test_a_killed_update_costs_nothing_and_is_made_up_for(made):
    write_constraints(made, "torch==1.0\ntoydep==1.1\n")
    before, new = snapshot(made), made.beside(NEW)
    with subprocess.Popen([sys.executable, "course.py", "test"], cwd=made.root) as command:
        wait_for(new.marker.exists)
        command.kill()
    if not new.marker.exists():
        pytest.fail("the set-up had ended before it was killed")
    assert snapshot(made) == before
    again = course(made, "test")
    assert again.returncode == 0, again.stderr
    assert installed(made, "toydep") == ["toydep-1.1.dist-info"]
    assert is_ready(made, TEST, None, True)
    assert not leftovers(made)
    write_constraints(made, toy_course.CONSTRAINTS)
    ensure(made)


def test_a_killed_first_set_up_is_said_and_made_up_for(toy, variables, monkeypatch):
    toy_course.replace_environment(monkeypatch, variables)
    with subprocess.Popen([sys.executable, "course.py", "test"], cwd=toy.root) as command:
        wait_for(toy.marker.exists)
        command.kill()
    assert toy.read_stamp() is None
    again = course(toy, "test")
    assert "An earlier set-up did not end" in again.stdout
    assert again.returncode == 0, again.stderr
    assert is_ready(toy, TEST, None, True)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to whole consoles only")
@pytest.mark.parametrize(("number", "send"), [("SIGINT", "killpg"), ("SIGTERM", "kill"), ("SIGHUP", "kill")])
def test_stopping_a_set_up_takes_one_line_and_stops_its_tools(made, capsys, number, send):
    write_constraints(made, "torch==1.0\ntoydep==1.1\n")
    slow = "import pathlib, time; pathlib.Path('begun').touch(); time.sleep(600)\n"
    (made.site_packages / "slow.pth").write_text(slow, "utf-8")
    with subprocess.Popen(
        [sys.executable, "course.py", "lab"],
        cwd=made.root,
        start_new_session=True,
        stderr=subprocess.PIPE,
    ) as command:
        wait_for((made.root / "begun").exists)
        getattr(os, send)(command.pid, getattr(signal, number))
        said = command.communicate(timeout=HANGS)[1].decode()
    assert command.returncode == 130
    assert said == "\nStopped. Call the same command again to go on.\n"
    with locked(made.root / ".course" / "setup.lock"):
        assert "Another set-up" not in capsys.readouterr().out
    for path in (made.root / "begun", made.site_packages / "slow.pth"):
        path.unlink()
    write_constraints(made, toy_course.CONSTRAINTS)
    ensure(made)


def wait_for(condition):
    deadline = time.monotonic() + HANGS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("change", ["python", "machine"])
def test_what_an_environment_cannot_survive_makes_it_anew(made, monkeypatch, change):
    assert why_anew(made, "cpu") is None
    identity = made.identity() | {change: "4.0.0"}
    monkeypatch.setattr(Environment, "identity", lambda self: identity)
    assert f"for another {change}" in why_anew(made, "cpu")
    assert not is_ready(made, frozenset(), None, False)


def test_a_newer_patch_of_python_goes_on(made, monkeypatch, no_process):
    before = made.identity()
    newer = before | {"python": before["python"] + "1", "base": "elsewhere"}
    monkeypatch.setattr(Environment, "identity", lambda self: newer)
    ensure(made)


def test_another_build_of_torch_is_asked_for_once(made):
    assert "Another build" in why_anew(made, "auto")
    assert is_ready(made, frozenset(), None, True)
    assert not is_ready(made, frozenset(), "auto", True)


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"identity": {}}', "\x00"])
def test_a_damaged_stamp_counts_as_none(made, damage):
    stamp = made.stamp.read_bytes()
    try:
        made.stamp.write_text(damage, "utf-8")
        assert made.read_stamp() is None
        assert "not a complete environment" in why_anew(made, "cpu")
    finally:
        made.stamp.write_bytes(stamp)


def test_a_failed_first_set_up_leaves_nothing_but_the_mark_of_it(toy, monkeypatch, capsys):
    def no_room(self):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr("tools.setup.run_tool", lambda *_, **__: toy.site_packages.mkdir(parents=True))
        context.setattr("tools.installer.Installer.install", no_room)
        with pytest.raises(CourseError, match=r"disk is full\. Make room and call the same command again"):
            ensure(toy)
    assert list(toy.folder.iterdir()) == [toy.marker]
    monkeypatch.setattr("tools.setup.is_offline", lambda *_, **__: False)
    monkeypatch.setattr(sys, "_base_executable", str(toy.root / "no python"))
    with pytest.raises(CourseError, match="cannot be made in"):
        ensure(toy)
    assert "An earlier set-up did not end" in capsys.readouterr().out
    assert why_anew(toy, "cpu") is not None


def test_pip_stands_in_where_uv_does_not_run(toy, tmp_path, monkeypatch, capsys):
    wheels = toy_course.make_wheels(tmp_path / "no uv")
    toy_course.replace_environment(monkeypatch, toy_course.without_network(wheels, tmp_path))
    ensure(toy)
    assert "Warning: uv does not run here; using pip instead" in capsys.readouterr().out
    assert toy.read_stamp()["tool"] == "pip"
    assert installed(toy, "toydep") == ["toydep-1.0.dist-info"]
    lowest = Installer(toy.python, toy.site_packages, toy.root, frozenset(), "cpu", lowest=True)
    with pytest.raises(CourseError, match="Only uv"):
        lowest.install()


# Where PyTorch comes from


class Tools:
    """Stands in for pip and uv: says what they were asked, and answers as told."""

    def __init__(self, monkeypatch, settings="", find_links_has=None, fails=None):
        self.settings, self.find_links_has, self.fails = settings, find_links_has, fails
        self.installs = []
        for module in ("installer", "indexes"):
            monkeypatch.setattr(f"tools.{module}.run_tool", self.run)
        monkeypatch.setattr("tools.indexes.find_links", lambda value, root: value)

    def run(self, python, tool, *arguments, env, cwd, show):
        if arguments[:2] == ("config", "list"):
            return self.settings.splitlines()
        if "--dry-run" in arguments:
            assert env["UV_FIND_LINKS"] == "/wheels,https://example.org/more"
            return [f" + torch=={self.find_links_has}"] if self.find_links_has else []
        if "install" in arguments:
            torch = [argument for argument in arguments if argument.startswith("torch")]
            self.installs.append((tool, *torch, env.get("UV_TORCH_BACKEND")))
            if self.fails and env.get("UV_TORCH_BACKEND"):
                raise ToolError(tool, 2, self.fails, shown=True)
        return []


FIND_LINKS = ":env:.find-links='/wheels https://example.org/more'\nglobal.find-links='/overruled'"


def install(environment, backend="cpu"):
    Installer(environment.python, environment.site_packages, environment.root, TEST, backend, False).install()


@pytest.fixture
def told_nothing(monkeypatch):
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("told_nothing")
class TestTorch:
    def test_it_comes_from_the_users_own_wheels(self, toy, monkeypatch):
        tools = Tools(monkeypatch, FIND_LINKS, find_links_has="1.0+local")
        install(toy)
        assert tools.installs == [("uv", "torch==1.0+local", None)]

    def test_else_it_is_built_for_the_cpu_or_for_the_gpu_that_is_there(self, toy, monkeypatch):
        tools = Tools(monkeypatch, FIND_LINKS)
        install(toy)
        install(toy, "auto")
        assert tools.installs == [("uv", "torch==1.0", "cpu"), ("uv", "torch==1.0", "auto")]

    def test_else_it_is_the_default_build_and_the_price_is_said(self, toy, monkeypatch, capsys):
        tools = Tools(monkeypatch, fails="error: Request failed\n  cause: dns error")
        monkeypatch.setattr("tools.installer.require_room", lambda *_: None)
        install(toy)
        assert tools.installs == [("uv", "torch==1.0", "cpu"), ("uv", "torch==1.0", None)]
        assert "Warning: PyTorch's own index cannot be reached" in capsys.readouterr().out

    @pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the default build is the one for the CPU")
    def test_the_default_build_is_not_begun_without_room_for_it(self, toy, monkeypatch):
        tools = Tools(monkeypatch, fails="dns error")
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=3e9))
        with pytest.raises(CourseError, match=r"about 8\.0 GB .* 3\.0 GB are free"):
            install(toy)
        assert len(tools.installs) == 1

    def test_no_other_build_is_tried_where_the_network_is_not_to_blame(self, toy, monkeypatch):
        tools = Tools(monkeypatch, fails="No solution found when resolving dependencies")
        with pytest.raises(ToolError):
            install(toy)
        assert len(tools.installs) == 1

    def test_what_is_installed_is_left_alone(self, toy, monkeypatch):
        tools = Tools(monkeypatch)
        (toy.site_packages / "torch-1.0+cpu.dist-info").mkdir(parents=True)
        install(toy)
        assert tools.installs == [("uv", None)]


# Places where no environment can be, or must not be


def test_a_file_in_the_way_stays(toy):
    toy.folder.write_text("mine", "utf-8")
    with pytest.raises(CourseError, match=r"is no folder[\s\S]*COURSE_VENV"):
        ensure(toy)
    assert toy.folder.read_text("utf-8") == "mine"


def test_a_folder_of_another_stays(toy, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_VENV", str(tmp_path / "photos"))
    (tmp_path / "photos").mkdir()
    for name in ("pyvenv.cfg", "cat.png"):
        (tmp_path / "photos" / name).write_text("mine", "utf-8")
        with pytest.raises(CourseError, match=r"did not make, so it stays"):
            ensure(toy)
    assert sorted(path.name for path in (tmp_path / "photos").iterdir()) == ["cat.png", "pyvenv.cfg"]


def test_a_course_folder_that_cannot_be_written_to(toy):
    (toy.root / ".course").touch()
    with pytest.raises(CourseError, match=r"cannot be written to[\s\S]*Copy the course"):
        ensure(toy)


def test_a_full_disk_is_seen_beforehand(tmp_path):
    require_room(tmp_path, 0.0)
    with pytest.raises(CourseError, match=r"needs about 1000000.0 GB .*; [\d.]+ GB are free"):
        require_room(tmp_path, 1e6)


def test_a_python_without_venv_is_seen_beforehand(toy, monkeypatch):
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(CourseError, match="ensurepip"):
        ensure(toy)


# Processes


def test_other_environments_do_not_reach_the_tools(monkeypatch):
    foreign = (
        "PYTHONPATH",
        "PIP_USER",
        "PIP_TARGET",
        "UV_PYTHON",
        "VIRTUAL_ENV",
        "CONDA_PREFIX",
        "MPLBACKEND",
    )
    for name in (*foreign, "JUPYTER_CONFIG_DIR", "PIP_INDEX_URL", "UV_CACHE_DIR", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "theirs")
    left = {name for name, value in clean_environment().items() if value == "theirs"}
    assert left == {"PIP_INDEX_URL", "UV_CACHE_DIR", "HTTPS_PROXY"}


def test_nothing_of_jupyter_or_keras_is_outside_the_course(toy):
    variables = toy.variables()
    theirs = ("JUPYTER", "IPYTHON", "MPL", "KERAS_HOME")
    private = {name: Path(value) for name, value in variables.items() if name.startswith(theirs)}
    assert len({*private.values()}) == len(private) == 8
    assert all(path.is_relative_to(toy.root / ".course") for path in private.values())


NAP = """
import pathlib, time
pathlib.Path("begun").touch()
while not pathlib.Path("end").exists():
    time.sleep(0.05)
pathlib.Path("ended").touch()
"""

HOLDER = """
import sys
from pathlib import Path
from tools.installer import Installer
from tools.lock import locked
from tools.process import run_tool, say

with locked(Path("lock")):
    say("locked")
    run_tool(Path(sys.executable), "nap", env={}, cwd=Path("."))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="on Windows a lock ends with the process that took it")
def test_a_lock_outlives_its_holder_while_the_tools_it_started_live(tmp_path, monkeypatch):
    (tmp_path / "nap.py").write_text(NAP, "utf-8")
    variables = os.environ | {"PYTHONPATH": str(COURSE)}
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], cwd=tmp_path, env=variables, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "locked\n"
        wait_for((tmp_path / "begun").exists)
        holder.kill()
    said = []
    monkeypatch.setattr("tools.lock.say", lambda text: (said.append(text), (tmp_path / "end").touch()))
    with locked(tmp_path / "lock"):
        assert (tmp_path / "ended").exists()
    assert "Another set-up of this course is running" in said[0]


def test_a_free_lock_is_taken_silently(tmp_path, capsys):
    for _ in range(2):
        with locked(tmp_path / "lock"):
            pass
    assert capsys.readouterr().out == ""


# Commands


def test_arguments_after_two_dashes_and_the_exit_code_are_pytests(made):
    passed = course(made, "test", "--", "-k", "two words")
    assert passed.stdout.splitlines()[-1] == f"pytest got ['-k', 'two words'] in {made.root}"
    assert passed.returncode == 0
    assert course(made, "test", "--", "fail").returncode == 5
    on_all_cores = f"pytest got {commands.SIDE_BY_SIDE} in {made.root}"
    assert course(made, "test").stdout.splitlines()[-1] == on_all_cores


COMMANDS = "lab restart test build browser book bench evidence assignment nbgrader grade wheels doctor clean"


@pytest.mark.parametrize("command", COMMANDS.split())
def test_each_command_has_help(toy, command):
    answer = course(toy, command, "--help")
    assert answer.returncode == 0
    assert command in answer.stdout


@pytest.mark.parametrize("flags", [[], ["--tensorflow"]])
@pytest.mark.parametrize(
    ("command", "own"),
    [("test", {"test", "loops", "book"}), ("build", {"test"}), ("bench", set())],
)
def test_tensorflow_is_installed_when_it_is_asked_for(monkeypatch, flags, command, own):
    asked = []
    monkeypatch.setattr(commands, "ensure", lambda environment, **options: asked.append(options["extras"]))
    monkeypatch.setattr(commands, "run_inside", lambda environment, module, arguments: arguments)
    rest = commands.main([command, *flags, "--", "an argument"])
    assert rest[-1] == "an argument"
    assert asked == [own | {flag.removeprefix("--") for flag in flags}]


def test_an_old_processor_runs_all_notebooks_with_the_lowest_versions(monkeypatch):
    seen = []
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(commands, "ensure", lambda environment, **options: seen.append(environment.lowest))
    monkeypatch.setattr(commands, "run_inside", lambda environment, module, arguments: arguments)
    arguments = commands.main(["test", "--old", "--", "-x"])
    assert seen == [True]
    assert arguments[-3:] == ["notebooks", "solutions", "-x"]
    assert clean_environment().items() >= commands.OLD_PROCESSOR.items()


def test_failures_are_said_without_a_traceback(toy):
    toy.folder.touch()
    answer = course(toy, "lab", "--no-browser")
    assert answer.returncode == 1
    assert "COURSE_VENV" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_doctor_works_before_any_set_up(toy, no_process, capsys):
    assert doctor.examine(toy) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line[:2] for line in lines] == ["OK", "!!", "!!", "!!", *[line[:2] for line in lines[4:]]]
    assert "python course.py lab" in lines[1]
    assert len(lines) == 7


def test_doctor_examines_the_environment(made, capsys):
    doctor.examine(made)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("OK  Environment  complete")
    assert lines[2].startswith("!!  PyTorch")  # the miniature's is a file of one line
    assert lines[3].startswith("!!  Notebooks")


def test_clean_removes_what_was_made_and_never_follows_a_link(toy, tmp_path, capsys):
    treasure = tmp_path / "elsewhere" / "__pycache__"
    treasure.mkdir(parents=True)
    work = toy.root / "work" / "notebooks" / "__pycache__"
    work.mkdir(parents=True)
    for name in (".venv/lib", ".venv-lowest", ".hypothesis", "labcode/__pycache__", ".course"):
        (toy.root / name).mkdir(parents=True)
    with contextlib.suppress(OSError):  # Windows may not allow links
        (toy.root / "link").symlink_to(tmp_path / "elsewhere")
        (toy.root / ".venv" / "link").symlink_to(tmp_path / "elsewhere")
        (toy.root / ".venv-lowest").rmdir()
        (toy.root / ".venv-lowest").symlink_to(tmp_path / "elsewhere")
    before = sorted(toy.root.rglob("*"))
    clean.clean(toy.root, dry_run=True)
    assert [path for path in sorted(toy.root.rglob("*")) if path.name != "setup.lock"] == before
    assert capsys.readouterr().out.count("would remove") == 5
    clean.clean(toy.root, dry_run=False)
    assert not any((toy.root / name).exists() for name in (".venv", ".venv-lowest", ".hypothesis", ".course"))
    assert not (toy.root / "labcode" / "__pycache__").exists()
    assert work.exists()
    assert treasure.exists()
    assert f"{toy.root / 'work'} stays" in capsys.readouterr().out


# JupyterLab, played by the miniature's own


@contextlib.contextmanager
def running_lab(environment, *arguments):
    """Start `course.py lab`; yields the process and the address it printed, and sees to its end."""
    with subprocess.Popen(
        [sys.executable, "-u", "course.py", "lab", "--no-browser", *arguments],
        cwd=environment.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    ) as process:
        printed = ""
        try:
            for line in process.stdout:
                printed += line
                if found := re.search(r"http://\S+", line):
                    yield process, found[0]
                    break
            else:
                pytest.fail(printed)
        finally:
            process.terminate()


INTERRUPT = signal.CTRL_BREAK_EVENT if sys.platform == "win32" else signal.SIGINT


@pytest.mark.parametrize(
    "number",
    {INTERRUPT, getattr(signal, "SIGHUP", INTERRUPT)}
    | (set() if sys.platform == "win32" else {signal.SIGTERM}),
)
def test_lab_serves_the_first_chapter_until_it_is_told_to_stop(made, number):
    with running_lab(made) as (process, address):
        found = re.fullmatch(
            r"http://127\.0\.0\.1:(\d+)/lab/tree/(?:work)/notebooks/01_toy\.ipynb\?token=(\w+)", address
        )
        port, token = found.groups()
        assert token not in (made.root / ".course/jupyter/runtime/argv").read_text("utf-8")
        assert (made.root / "work" / "exercises" / "01_toy.ipynb").exists()
        process.send_signal(number)
        rest = process.stdout.read()
        assert process.wait(30) == 0
    assert f"Goodbye. Your work is kept in {made.root / 'work'}" in rest
    assert "toy: shut down as asked" in (made.root / ".course" / f"lab-{port}.log").read_text("utf-8")
    assert lab.is_free(int(port))


def test_lab_says_that_a_port_is_taken(made):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = course(made, "lab", "--no-browser", "--port", str(port))
    assert answer.returncode == 1
    assert f"Port {port} is taken" in answer.stderr
    for impossible in (0, 2**16):
        with pytest.raises(CourseError, match="not allowed"):
            lab.choose_port(impossible)


def test_lab_looks_for_a_free_port(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(lab, "FIRST_PORT", taken.getsockname()[1])
        assert lab.choose_port(None) > lab.FIRST_PORT


@contextlib.contextmanager
def another_server(status):
    """A server of somebody else, which answers every request in one way; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def sleeper(tmp_path):
    """A process that neither ends nor serves."""
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], cwd=tmp_path)


@pytest.mark.parametrize("status", [200, 302, 403, 404, 500])
def test_a_server_of_another_is_neither_taken_for_ours_nor_stopped(tmp_path, monkeypatch, status):
    with another_server(status) as other:
        ours = lab.Server(sleeper(tmp_path), other.server_address[1], "token", tmp_path / "log")
        ours.log.write_text("its last words", "utf-8")
        assert not ours.answers()
        monkeypatch.setattr(lab, "START_SECONDS", 0)
        with pytest.raises(CourseError, match=r"does not answer[\s\S]*its last words"):
            ours.wait_until_it_answers()
        ours.stop()
        assert ours.process.poll() is not None
        assert "/api/shutdown" not in other.asked


def test_a_race_for_the_port_is_lost_with_grace(made, monkeypatch, capsys):
    """Another takes the port after we found it free: the next one is tried."""
    with another_server(200) as other:
        taken = other.server_address[1]
        ports = itertools.chain([taken], lab_ports())
        monkeypatch.setattr(lab, "choose_port", lambda wanted: next(ports))
        monkeypatch.setattr(lab.Server, "wait", lambda server: 0)
        assert lab.run_lab(made, port=None, browser=False) == 0
    said = capsys.readouterr().out
    assert "JupyterLab is ready" in said
    assert f":{taken}/" not in said


def lab_ports():
    """Ports that are free at this moment."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        yield port


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signals to itself")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_while_the_server_is_being_started_leaves_none_behind(made, monkeypatch, name):
    begun, start = [], lab.start

    def start_and_be_told_to_stop(environment, port):
        begun.append(start(environment, port))
        os.kill(os.getpid(), getattr(signal, name))
        return begun[0]

    monkeypatch.setattr(lab, "start", start_and_be_told_to_stop)
    with signals_as_interrupts():
        assert lab.run_lab(made, port=None, browser=False) == 0
    assert begun[0].process.poll() is not None


@pytest.mark.skipif(sys.platform == "win32", reason="on Windows paths are no bytes")
def test_a_path_outside_ascii_works_in_the_c_locale(made):
    variables = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0"}
    answer = course(made, "test", "--", "é", env=variables)
    assert answer.returncode == 0, answer.stderr
    assert f"in {made.root}" in answer.stdout
    assert "mending" not in answer.stdout


def test_lab_passes_on_how_a_server_died(made):
    (made.root / "die").touch()
    try:
        answer = course(made, "lab", "--no-browser")
    finally:
        (made.root / "die").unlink()
    assert answer.returncode == 3
    assert "toy: no kernel today" in answer.stdout


# Which Pythons


def test_the_versions_in_course_py_are_those_of_pyproject():
    names = runpy.run_path(str(COURSE / "course.py"), run_name="course")
    project = tomllib.loads((COURSE / "pyproject.toml").read_text("utf-8"))["project"]
    (low, high), after = (names["OLDEST"], names["NEWEST"]), names["NEWEST"][1] + 1
    assert project["requires-python"] == f">={low[0]}.{low[1]},<{high[0]}.{after}"


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 10, 99), (3, 15, 0), (4, 0, 0)])
def test_other_versions_get_a_clear_answer(version):
    code = (
        f"import runpy, sys; sys.version_info = {version}; runpy.run_path('course.py', run_name='__main__')"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=COURSE, capture_output=True, text=True)
    assert answer.returncode == 1
    assert "needs Python 3.11 to 3.14 (64-bit)" in answer.stderr
    assert ".".join(map(str, version)) in answer.stderr


def old_pythons():
    names = ("python2", "python2.7", *(f"python3.{minor}" for minor in range(5, 11)))
    found = [Path(path) for path in map(shutil.which, names) if path]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found += [path for old in ("2.*", "3.?.*", "3.10.*") for path in pyenv.glob(f"{old}/bin/python")]
    return {real for real in found if subprocess.run([real, "-c", ""], capture_output=True).returncode == 0}


def test_old_pythons_that_are_here_get_a_clear_answer():
    pythons = old_pythons()
    if not pythons:
        pytest.skip("no Python older than 3.11 is installed here")
    for python in pythons:
        answer = subprocess.run([python, "course.py", "lab"], cwd=COURSE, capture_output=True, text=True)
        assert answer.returncode == 1
        assert "needs Python 3.11 to 3.14" in answer.stderr, python


def test_course_py_needs_nothing_but_the_standard_library():
    code = "import sys; sys.path.insert(0, '.'); import tools.commands"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], cwd=COURSE, check=True)
