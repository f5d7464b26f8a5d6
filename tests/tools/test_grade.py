"""Submissions are graded apart: what is in them earns what it is worth, and touches nothing else."""

import csv
import json
import os
import re
import socket
import subprocess
import sys
import zipfile

import pytest
from submitted import EXERCISE, MOST, PARTLY, defined, write

from labcode import check
from labcode.check.core import Checker
from labcode.check.exercise_02_places import PairChecker
from tools import blanked_library, grade, grade_pages, judge_answers, sandbox, steps, submissions
from tools.process import CourseError
from tools.sandbox import Limits


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("library")
    blanked_library.make(grade.ROOT, folder)
    return folder


@pytest.fixture(scope="module")
def grader(library):
    try:
        sandbox.try_out(grade.PROGRAM, library)
    except (CourseError, OSError) as error:
        pytest.skip(f"nothing runs under bubblewrap here: {error}")
    return grade.Grader(library, 7, unsafe=False)


def points(result) -> dict:
    return {task: one["points"] for task, one in result["tasks"].items()}


HOSTILE = defined("touches", "import os", "os._exit(0)") | {
    "dropped_layers": "dropped_layers = check.dropped_layers.solution",
    "inverted_dropout": PARTLY,
    "penalty_by_part": """
from labcode.check.core import Checker, Verdict, compare
Checker.judge = lambda *given: Verdict(True, 1.0, "right")
compare.same = lambda *given, **more: True
def penalty_by_part(*given): return 0.0
""",
}
SEEN = """
import ctypes, glob, os, socket
CALLS = {"x86_64": (319, 447, 29, 53, 250, 101, 272), "aarch64": (279, 447, 194, 199, 219, 117, 97)}
def masked_step(*given):
    call = ctypes.CDLL(None, use_errno=True).syscall
    said = [call(one, 0, 1, 0, 0, 0) == -1 and ctypes.get_errno() for one in CALLS[os.uname().machine]]
    done = [] if set(said) == {1} else said  # 1: not permitted
    told = [path for path in glob.glob("/proc/*/environ") if b"MARK_OF_A_TEST" in open(path, "rb").read()]
    seen = [*done, *told, *glob.glob("/home/*"), *glob.glob("/root/*"), *glob.glob("PLACE/*")]
    for path in ("PLACE/new", "/library/labcode/new", "/usr/new", "/new", "/dev/new"):
        try:
            open(path, "w")
            seen.append(path)
        except OSError:
            pass
    try:
        socket.create_connection(("127.0.0.1", PORT), timeout=5)
        seen.append("network")
    except OSError:
        pass
    raise RuntimeError(f"seen: {seen}, {len(glob.glob('/proc/[0-9]*/mem'))}")
"""


@pytest.mark.parametrize("unsafe", [False, True])
def test_each_task_earns_what_it_is_worth_whatever_another_does(request, library, tmp_path, unsafe):
    one = grade.Grader(library, 7, unsafe=True) if unsafe else request.getfixturevalue("grader")
    write(tmp_path / "anna.ipynb", HOSTILE)
    result = one.grade(submissions.collect(tmp_path)[0])
    earned = points(result)
    assert 0 < earned.pop("inverted_dropout") < MOST["inverted_dropout"]
    right = {"export_head": 2, "masked_step": 3}
    assert earned == dict.fromkeys(["touches", "dropped_layers", "penalty_by_part"], 0) | right
    assert "ended the program" in result["tasks"]["touches"]["said"]


def test_a_submission_sees_nothing_of_the_teachers(grader, tmp_path, monkeypatch):
    monkeypatch.setenv("MARK_OF_A_TEST", "a secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        text = SEEN.replace("PLACE", str(tmp_path)).replace("PORT", str(server.getsockname()[1]))
        write(tmp_path / "anna.ipynb", {"masked_step": text})
        result = grader.grade(submissions.collect(tmp_path)[0])
    assert "seen: [], 1" in result["tasks"]["masked_step"]["said"]
    assert result["points"] == sum(MOST.values()) - MOST["masked_step"]


def test_the_library_that_learners_code_sees_has_no_solution(library):
    program = """
from labcode import check
from labcode.check.core import Checker
from labcode.check.exercise_02_places import PairChecker
for name in check.__all__:
    solution = getattr(getattr(check, name), "solution", None)
    if solution is None:
        continue
    try:
        solution(*[None] * solution.__code__.co_argcount)
    except NotImplementedError:
        continue
    print(name)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(library)},
        cwd=library,
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert not list(library.rglob("solutions/ex*"))
    assert "2 * x" not in blanked_library.blank("def f(x):\n    return 2 * x\n\nc = Checker(solution=f)\n")


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("while True: pass", "had not ended after"),
        ("import os; os._exit(3)", "ended the program"),
        ("import os; [os.write(channel, b'x' * 10**6) for _ in range(3)]", "sent more than"),
        ("taken = bytearray(10**9)\nwhile True: pass", "of memory"),
        ("for _ in range(3): print('\\n' * 10**6)", "thousands of messages"),
        ("while sum(range(10**6)): print(json.dumps(dict(begin=name)), flush=True)", "had not ended after"),
        ("print('{}', 7, 'null', '[]', '{\"end\": []}', '{\"begin\": \"other\"}', sep='\\n')", None),
    ],
)
def test_a_step_that_does_not_end_well_is_left_out_and_the_others_are_done(lines, why):
    program = f"""
import json, sys
job, channel = json.load(sys.stdin), 1
for name in ("one", "two", "three"):
    if name not in job["skip"]:
        print(json.dumps(dict(begin=name)), flush=True)
        if name == "two":
            exec({lines!r})
        print(json.dumps(dict(end=name)), flush=True)
print(json.dumps(dict(all=True)), flush=True)
"""
    limits = Limits(memory=500 * sandbox.MEGABYTE, sent=2 * sandbox.MEGABYTE, seconds=200)
    seconds = {"one": 1000, "two": 2 if why and "ended after" in why else 1000, "three": 1000}
    ran = steps.run([sys.executable, "-c", program], {}, seconds, limits)
    assert [*ran.gave] == (["one", "three"] if why else ["one", "two", "three"])
    assert why is None or why in ran.stopped["two"]


def collected(task, seed=3) -> str:
    checker = getattr(check, task)
    return checker.collect(checker.solution, seed=seed).to_json()


def test_data_that_no_check_has_collected_earn_nothing():
    assert judge_answers.judged("touches", 3, collected("touches"))[:2] == (True, 1.0)
    assert judge_answers.judged("touches", 3, None)[2].startswith("○")
    made_up = [
        collected("touches", seed=4),
        collected("l2_step"),
        collected("touches").replace("outcomes", "nothing"),
        '{"right": true, "share": 1.0}',
        "7",
        "[" * 10**5,
        json.dumps({"format": "labcode check 1", "name": "touches", "seed": 3, "outcomes": []}),
        {"not": "text"},
    ]
    for text in made_up:
        right, share, said = judge_answers.judged("touches", 3, text)
        assert (right, share) == (False, 0.0)
        assert said.startswith("✗ What came back")
    facts = json.dumps(
        {
            "format": "labcode check 1",
            "name": "repair_run",
            "seed": 3,
            "outcomes": [["value", {"dict": []}, "", []]] * len(check.repair_run.cases),
        }
    )
    assert judge_answers.judged("repair_run", 3, facts)[1] == 0.0


def test_what_is_no_notebook_is_told_by_what_it_is(tmp_path):
    write(tmp_path / "right.ipynb")
    (tmp_path / "broken.ipynb").write_text('{"cells": [', "utf-8")
    (tmp_path / "deep.ipynb").write_text("[" * 10**5, "utf-8")
    (tmp_path / "other.ipynb").write_text('{"cells": [{"cell_type": "code", "source": [7]}]}', "utf-8")
    with zipfile.ZipFile(tmp_path / "packed.ipynb", "w") as archive:
        archive.writestr("a.ipynb", "{}")
    (tmp_path / "class.zip").write_bytes(b"PK")
    (tmp_path / "essay.docx").write_bytes(b"")
    (tmp_path / "link.ipynb").symlink_to(tmp_path / "right.ipynb")
    (tmp_path / "folder").symlink_to(tmp_path)
    with (tmp_path / "large.ipynb").open("wb") as file:
        file.truncate(200 * 2**20)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.ipynb")
    said = {str(one.path): one.trouble for one in submissions.collect(tmp_path)}
    assert said.pop("right.ipynb") == ""
    assert said.pop("large.ipynb").startswith("200 MB")
    assert all(said.values())
    assert len(said) == len(list(tmp_path.iterdir())) - 2
    assert [path for path, why in said.items() if "link" in why] == ["folder", "link.ipynb"]
    assert "zip" in said["packed.ipynb"]


def test_one_name_twice_is_pointed_out_in_both(tmp_path):
    exercises = grade.exercises(grade.ROOT)
    for name in ("anna.ipynb", "Anna/mine.ipynb", "ben/a.ipynb", "Jos\u00e9.ipynb", "Jose\u0301/mine.ipynb"):
        write(tmp_path / name)
    other = {"cells": [{"cell_type": "code", "source": "check.l2_step(f)"}]}
    (tmp_path / "ben" / "b.ipynb").write_text(json.dumps(other), "utf-8")
    found = submissions.collect(tmp_path)
    submissions.point_out_twice(found, exercises)
    said = {str(one.path): one.trouble for one in found}
    assert "also anna.ipynb" in said["Anna/mine.ipynb"]
    assert "also Anna/mine.ipynb" in said["anna.ipynb"]
    assert "also Jose\u0301" in said["Jos\u00e9.ipynb"]  # one name, as two systems write it
    assert said["ben/a.ipynb"] == said["ben/b.ipynb"] == ""


def test_names_and_texts_of_learners_steer_neither_page_nor_table():
    task = {"points": 1.0, "most": 2.0, "said": "<script>alert(1)</script>"}
    result = {
        "learner": "=cmd|x\n\udcff\x1b[2J",
        "file": "a; =cmd.ipynb",
        "exercise": EXERCISE,
        "tasks": {"touches": task},
    }
    result |= {"points": 1.0, "most": 2.0, "trouble": "<b>", "cells": {"cell 3": "<i>"}}
    page = grade_pages.page(result)
    assert not any(tag in page for tag in ("<script>", "<b>", "<i>"))
    assert "&lt;script&gt;" in page
    page.encode()
    heading, row = csv.reader(grade_pages.table([result]).splitlines())
    assert row[:5] == ["'=cmd|x \\udcff [2J", "a;' =cmd.ipynb", EXERCISE, "1.0", "2.0"]
    assert (heading[-1], row[-1]) == ("touches", "1.0")


def test_the_page_names_the_tasks_whose_answers_could_be_made_up_or_learned_by_heart():
    checkers = [one for one in vars(check).values() if isinstance(one, Checker)]
    measured = {one.name for one in checkers if type(one)._run not in (Checker._run, PairChecker._run)}
    fixed = {one.name for one in checkers if one.draw is None} - measured
    page = (grade.ROOT / "teaching" / "grading.md").read_text("utf-8")
    _, made_up, by_heart = page.partition("**What that cannot prevent")[2].split("\n- ")[1:4]
    assert set(re.findall(r"`(\w+)`", made_up)) == measured
    assert set(re.findall(r"`(\w+)`", by_heart)) == fixed


def test_points_are_those_of_the_learners_notebooks():
    exercises = grade.exercises(grade.ROOT)
    assert exercises[EXERCISE] == MOST
    assert len(exercises) == 10
    tasks = [task for points in exercises.values() for task in points]
    assert len(set(tasks)) == len(tasks) > 60
    assert all(hasattr(check, task) for task in tasks)


class Counting:
    """Stands for a grader; says which it was asked for."""

    def __init__(self):
        self.asked = []

    def grade(self, one):
        self.asked.append(str(one.path))
        trouble = f"{grade.NOT_RUN}: no memory" if "ben" in self.asked[-1] and len(self.asked) < 4 else ""
        return {"learner": one.learner, "file": str(one.path), "exercise": "", "tasks": {}, "cells": {}} | {
            "points": 0.0,
            "most": 0.0,
            "trouble": trouble,
        }


def test_what_was_graded_stays_so_until_it_changes(tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    for name in ("anna", "ben", "cy"):
        write(folder / f"{name}.ipynb")
    grader = Counting()

    def go(seed=None):
        grader.asked.clear()
        results = grade.Results(out, seed)
        return len(grade.grade_all(submissions.collect(folder), grader, results, 1)), sorted(grader.asked)

    assert go() == (3, ["anna.ipynb", "ben.ipynb", "cy.ipynb"])
    assert go() == (3, ["ben.ipynb"])  # it could not be run
    assert go() == (3, ["ben.ipynb"])
    write(folder / "anna.ipynb", {"touches": "def touches(method): pass"})
    write(folder / "dan.ipynb")
    assert go()[1] == ["anna.ipynb", "ben.ipynb", "dan.ipynb"]
    assert go(12)[1] == ["anna.ipynb", "ben.ipynb", "cy.ipynb", "dan.ipynb"]
    assert len(list((out / "pages").iterdir())) == 4


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("os.getuid", lambda: 0, "You are root"),
        ("shutil.which", lambda name: None, "apt-get install bubblewrap"),
        ("sys.platform", "darwin", "Only Linux"),
        ("version", lambda: (0, 6, 1), "0.8 or later"),
    ],
)
def test_where_nothing_can_be_kept_apart_it_refuses_and_says_what_to_do(monkeypatch, name, value, said):
    monkeypatch.setattr("os.getuid", lambda: 1000)
    monkeypatch.setattr("shutil.which", lambda name: name)
    monkeypatch.setattr(sandbox, "version", lambda: (0, 8))
    assert sandbox.refusal() is None
    monkeypatch.setattr(f"tools.sandbox.{name}", value)
    assert said in sandbox.refusal()
    assert "--unsafe" in sandbox.refusal()


def test_results_do_not_go_among_what_was_handed_in(tmp_path, capsys):
    assert grade.main([str(tmp_path), "--unsafe", "--out", str(tmp_path / "out")]) == 1
    assert grade.main([str(tmp_path / "none"), "--unsafe"]) == 1
    assert "results elsewhere" in capsys.readouterr().err


def test_seeds_are_the_same_for_all_and_others_for_another_task(library):
    one, two = (grade.Grader(library, seed, unsafe=True) for seed in (7, 8))
    assert one.seed_of("touches") == one.seed_of("touches") != one.seed_of("l2_step")
    assert one.seed_of("touches") != two.seed_of("touches")
