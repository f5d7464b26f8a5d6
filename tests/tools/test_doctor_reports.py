"""`doctor --json` on each computer of a class, and one table of what came back."""

import json

import pytest

from tools import commands, doctor, doctor_reports
from tools.environment import Environment
from tools.process import CourseError


def report(**checks):
    found = {name: {"ok": said is None, "said": said or "fine"} for name, said in checks.items()}
    return json.dumps({"format": doctor_reports.FORMAT, "system": "Linux", "checks": found})


def test_what_one_computer_prints_is_what_the_table_reads(tmp_path, capsys):
    (tmp_path / "course").mkdir()
    code = doctor.examine(Environment(tmp_path / "course"), as_json=True)
    (tmp_path / "anna.json").write_text(capsys.readouterr().out, "utf-8")
    assert code == 1
    assert doctor_reports.show(tmp_path) == 1
    said = capsys.readouterr().out
    found = doctor.findings(Environment(tmp_path / "course"))
    assert said.splitlines()[0].split() == " ".join(found).split()
    assert ["ok" if ok else "!!" for ok, _ in found.values()] == said.splitlines()[1].split()[1:]
    assert "Environment: there is none yet; `python course.py lab` sees to it\n    1: anna" in said


def test_all_in_order(tmp_path, capsys):
    for name in ("anna", "李雷"):
        (tmp_path / f"{name}.json").write_text(report(Python=None, Disk=None), "utf-8")
    assert commands.main(["doctor", "--read", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [
        ["Python", "Disk"],
        ["anna", "ok", "ok"],
        ["李雷", "ok", "ok"],
    ]


def test_one_trouble_is_said_once_with_all_who_have_it(tmp_path, capsys):
    for name in ("anna", "ben"):
        (tmp_path / f"{name}.json").write_text(report(Python=None, Disk="0.3 GB free"), "utf-8")
    (tmp_path / "cleo.json").write_text(report(Python=None), "utf-8")
    assert doctor_reports.show(tmp_path) == 1
    said = capsys.readouterr().out
    assert said.count("0.3 GB free") == 1
    assert "2: anna, ben" in said
    assert "cleo  ok      -" in said


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_as_the_shells_of_three_systems_write_them(tmp_path, encoding):
    path = tmp_path / "a.json"
    path.write_text(report(Disk="voll: 10 €").replace("\n", "\r\n"), encoding)
    assert doctor_reports.read(path) == {"Disk": (False, "voll: 10 €")}


NO_REPORTS = [
    "",
    "not JSON",
    "[]",
    "7",
    '{"format": "another"}',
    '{"format": "course doctor 1"}',
    '{"format": "course doctor 1", "checks": [1]}',
    '{"format": "course doctor 1", "checks": {"a": {"ok": 1}}}',
    '{"format": "course doctor 1", "checks": {"a": {"ok": true, "said": 7}}}',
    "[" * 90_000,
    '{"format": "course doctor 1", "checks": {}}' + " " * 200_000,
]


@pytest.mark.parametrize("text", NO_REPORTS)
def test_what_is_no_report_is_named_and_the_others_are_read(tmp_path, capsys, text):
    (tmp_path / "broken.json").write_text(text, "utf-8")
    (tmp_path / "good.json").write_text(report(Python=None), "utf-8")
    assert doctor_reports.show(tmp_path) == 1
    said = capsys.readouterr().out
    assert "no report" in said
    assert "1: broken" in said
    assert "good  ok" in said


def test_what_others_wrote_cannot_steer_the_terminal(tmp_path, capsys):
    (tmp_path / "a.json").write_text(report(Disk="\x1b[2J\r\nOK  all is well" + "x" * 5000), "utf-8")
    doctor_reports.show(tmp_path)
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert all(len(line) < 300 and not line.startswith("OK") for line in said.splitlines())


def test_a_check_that_claims_to_be_in_order_with_another_word_is_not(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(report(Disk=None).replace("true", '"yes"'), "utf-8")
    assert doctor_reports.read(path) == {"Disk": (False, "fine")}


def test_a_folder_without_reports_says_how_to_make_them(tmp_path):
    with pytest.raises(CourseError, match="doctor --json"):
        doctor_reports.show(tmp_path)
