"""The progress that a class exports, as one table."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from labcode.check import progress
from tools import class_progress, commands
from tools.process import CourseError


def learner(tmp_path, monkeypatch, name, *entries):
    """Export what a learner did, by the course's own function; entries are task, right and reasons."""
    monkeypatch.setenv("LABCODE_PROGRESS", str(tmp_path / "kept" / f"{name}.jsonl"))
    for task, right, *reasons in entries:
        entry = {"task": task, "right": right, "reasons": reasons}
        progress.append(entry, progress.file())
    (tmp_path / "class").mkdir(exist_ok=True)
    progress.export(tmp_path / "class" / f"{name}.json")


def test_a_class_is_counted_by_learners_not_by_tries(tmp_path, monkeypatch, capsys):
    for number in range(3):
        wrong = [("l2_penalty", False, "the bias penalized")] * (number**2 + 1)
        learner(tmp_path, monkeypatch, number, *wrong, ("l2_penalty", True))
    others = ("no factor one half", "a sign reversed", "one layer left out")
    learner(tmp_path, monkeypatch, "4", ("l2_penalty", False, *others))
    learner(tmp_path, monkeypatch, "5", ("locked_mask", True))
    assert commands.main(["progress", str(tmp_path / "class")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "5 exports"
    assert [line.split() for line in lines if line.startswith("  l2_penalty")] == [
        ["l2_penalty", "3", "4", "3"]
    ]
    at = lines.index("      3 of 5: the bias penalized")
    assert lines[at + 1 : at + 3] == ["      1 of 5: a sign reversed", "      1 of 5: no factor one half"]
    assert "one layer" not in "".join(lines)  # the three commonest
    assert [line for line in lines if line.startswith("Exercise")] == [
        "Exercise 1: see overfitting, price it, stop it",
        "Exercise 3: the algorithms, step by step",
    ]


def test_a_task_that_nobody_solved_has_no_median(tmp_path, monkeypatch, capsys):
    learner(tmp_path, monkeypatch, "a", ("l2_penalty", False))
    commands.main(["progress", str(tmp_path / "class")])
    assert "  l2_penalty       0      1  -" in capsys.readouterr().out


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "7",
        '{"format": "another"}',
        '{"format": "labcode progress 1"}',
        '{"format": "labcode progress 1", "tasks": [1]}',
        '{"format": "labcode progress 1", "tasks": {"l2_penalty": 3}}',
        '{"format": "labcode progress 1", "tasks": {"l2_penalty": {"tries": "x", "reasons": {}}}}',
        '{"format": "labcode progress 1", "tasks": {"l2_penalty": {"tries": 1, "solved": 1, "reasons": 4}}}',
        "[" * 90_000,
        '{"format": "labcode progress 1", "tasks": {}}' + " " * 200_000,
    ],
)
def test_what_is_no_export_is_named_and_the_others_are_read(tmp_path, monkeypatch, capsys, text):
    learner(tmp_path, monkeypatch, "good", ("l2_penalty", True))
    (tmp_path / "class" / "bad.json").write_text(text, "utf-8")
    assert commands.main(["progress", str(tmp_path / "class")]) == 1
    said = capsys.readouterr().out
    assert "!!  bad.json: " in said
    assert said.startswith("1 exports")


def test_what_others_wrote_cannot_steer_the_terminal(tmp_path, capsys):
    told = {"tries": 1, "solved": False, "reasons": {"\x1b[2J\nall solved" + "x" * 5000: 1}}
    export = {"format": class_progress.FORMAT, "tasks": {"l2_penalty": told}}
    (tmp_path / "a.json").write_text(json.dumps(export), "utf-8")
    commands.main(["progress", str(tmp_path)])
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert all(len(line) < 300 and not line.startswith("all") for line in said.splitlines())


def test_a_folder_without_exports_says_how_to_make_them(tmp_path):
    with pytest.raises(CourseError, match=r"check\.progress\.export"):
        class_progress.show(tmp_path, tmp_path)


def test_the_commands_need_nothing_but_pythons_own_library():
    code = "import tools.commands, sys; print({'numpy', 'nbformat', 'jupytext'} & set(sys.modules))"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr
