"""What was tried is kept: a kill loses no whole line, a damaged one stops nothing, two kernels may write."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labcode import check
from labcode.check import course_map, progress
from labcode.check.core import NotYet
from labcode.check.course_map import EXERCISES
from tools.resume import where_one_stopped

SOURCES = Path(__file__).resolve().parents[2] / "source"


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A course folder with a learner's work/, and the working directory in it."""
    (tmp_path / "course.py").touch()
    for exercise in EXERCISES:
        page = tmp_path / "work" / exercise.path
        page.parent.mkdir(parents=True, exist_ok=True)
        page.touch()
    monkeypatch.chdir(tmp_path / "work" / "exercises")
    return tmp_path / "work"


def _right(train, validation):
    return [v - t for t, v in zip(train, validation, strict=True)]


def _reversed_sign(train, validation):
    return [t - v for t, v in zip(train, validation, strict=True)]


def _wrong(answer=_reversed_sign) -> str:
    with pytest.raises(NotYet) as caught:
        check.generalization_gap(answer)
    return str(caught.value)


def test_the_map_names_the_tasks_of_the_sources_in_their_order():
    for exercise in EXERCISES:
        text = (SOURCES / "exercises" / f"{exercise.page}.py").read_text("utf-8")
        assert tuple(re.findall(r"^check\.(\w+)\(", text, re.MULTILINE)) == exercise.tasks
        assert f"# # {exercise.title}\n" in text
        assert all((SOURCES / "chapters" / f"{name}.py").is_file() for name in exercise.chapters)
    assert {page.stem for page in (SOURCES / "exercises").glob("ex*.py")} == {e.page for e in EXERCISES}


def test_running_a_solution_in_work_solves_no_task(work, monkeypatch):
    (work / "solutions").mkdir()
    monkeypatch.chdir(work / "solutions")
    check.generalization_gap(_right)
    assert not list(work.glob("progress*"))
    monkeypatch.chdir(work / "exercises")
    check.generalization_gap(_right)
    assert list(work.glob("progress*"))


def test_outside_of_work_nothing_is_kept_and_show_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    check.generalization_gap(_right)
    assert list(tmp_path.iterdir()) == []
    capsys.readouterr()
    progress.show()
    assert "Nothing is kept here" in capsys.readouterr().out


def test_what_was_done_is_on_the_map_and_on_the_way(work, capsys):
    assert "Next" not in _wrong()
    _wrong()
    third = _wrong()
    assert " ../solutions/ex01_background.ipynb" in third
    assert "../notebooks/01_background.ipynb" in third
    check.generalization_gap(_right)
    assert "Next: l2_penalty." in capsys.readouterr().out
    assert "solutions" not in _wrong()  # counted anew
    progress.show()
    shown = capsys.readouterr().out
    total = sum(len(exercise.tasks) for exercise in EXERCISES)
    assert f"1 of {total} tasks are solved." in shown
    assert "… Exercise 1: see overfitting, price it, stop it: 1 of 4" in shown
    assert "Next: `l2_penalty` in exercises/ex01_background.ipynb" in shown
    assert "generalization_gap: sign reversed (4 times)" in shown
    assert where_one_stopped(work.parent) == "exercises/ex01_background.ipynb"


def test_the_last_task_of_an_exercise_leads_on(work, capsys):
    for name in EXERCISES[0].tasks:
        checker = getattr(check, name)
        checker(checker.solution)
    assert "../notebooks/02_core_concepts.ipynb" in capsys.readouterr().out
    assert where_one_stopped(work.parent) == "exercises/ex02_core_concepts.ipynb"


def test_a_blank_is_no_try(work):
    def blank(train, validation):
        raise NotImplementedError

    assert all("solutions" not in _wrong(blank) for _ in range(5))


def test_damaged_lines_are_set_aside_and_what_follows_is_whole(work, capsys):
    check.generalization_gap(_right)
    kept = work / "progress.jsonl"
    content = kept.read_bytes()
    kept.write_bytes(b"\xff\xfe[[\n" + content + b'{"version": 9}\n' + content[: len(content) // 2])
    check.l2_penalty(check.l2_penalty.solution)
    entries, damaged = progress.read(kept)
    assert [entry["task"] for entry in entries] == ["generalization_gap", "l2_penalty"]
    assert damaged == 3
    capsys.readouterr()
    progress.show()
    assert "3 damaged lines of progress.jsonl set aside" in capsys.readouterr().out
    assert where_one_stopped(work.parent) == "exercises/ex01_background.ipynb"


def test_a_renamed_task_keeps_what_was_done(work, monkeypatch):
    progress.append({"task": "gap", "right": True, "time": "", "reasons": []}, work / "progress.jsonl")
    monkeypatch.setitem(course_map.RENAMED, "gap", "generalization_gap")
    assert progress.read(work / "progress.jsonl")[0][0]["task"] == "generalization_gap"


def test_where_nothing_can_be_written_the_check_still_answers(work, monkeypatch, capsys):
    def refuse(*args):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "open", refuse)
    check.generalization_gap(_right)
    check.generalization_gap(_right)
    said = capsys.readouterr().out
    assert said.count("Read-only file system") == 1
    assert said.count("generalization_gap: right.") == 2


def test_export_tells_reasons_and_no_times_and_reset_keeps_the_old(work):
    _wrong()
    check.generalization_gap(_right)
    told = json.loads(progress.export().read_text("utf-8"))
    assert told["tasks"]["generalization_gap"] == {
        "tries": 2,
        "solved": True,
        "reasons": {"sign reversed": 1},
    }
    old = progress.reset()
    assert len(progress.read(old)[0]) == 2
    assert progress.read(work / "progress.jsonl") == ([], 0)
    assert progress.reset() is None


WRITER = """
import sys
from pathlib import Path
from labcode.check import progress
for number in range(100000):
    entry = {"task": sys.argv[2], "right": False, "number": number, "reasons": ["x" * (number % 50)]}
    progress.append(entry, Path(sys.argv[1]))
    print(number, flush=True)
"""


def _writer(path, name):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name], stdout=subprocess.PIPE, text=True
    )


def test_two_kernels_are_killed_while_they_write_and_no_finished_line_is_lost(tmp_path):
    path = tmp_path / "progress.jsonl"
    for round_ in range(2):
        writers = {name: _writer(path, name) for name in (f"a{round_}", f"b{round_}")}
        first = [writer.stdout.readline() for writer in writers.values()]
        assert first == ["0\n", "0\n"]
        time.sleep(0.3 * (round_ + 1))
        for writer in writers.values():
            writer.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        for name, writer in writers.items():
            finished = 1 + len([line for line in writer.stdout.read().splitlines() if line])
            writer.wait()
            found = [entry["number"] for entry in progress.read(path)[0] if entry["task"] == name]
            assert found[:finished] == list(range(finished))
            assert len(found) <= finished + 1
    progress.append({"task": "last", "right": True}, path)
    assert progress.read(path)[0][-1]["task"] == "last"
