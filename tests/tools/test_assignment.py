"""The exercises as sources for nbgrader: what nbgrader needs is there, and nothing else of the course."""

import ast
import re
from types import SimpleNamespace

import nbformat
import pytest

from tools import assignment, commands
from tools.exercise import SourceError, blank
from tools.process import CourseError
from tools.sources import parse

NAMES = sorted(path.stem for path in (assignment.ROOT / "source" / "exercises").glob("*.py"))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("a class") / "new"
    assignment.write_course(folder, [])
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_every_task_keeps_its_solution_between_markers_and_earns_its_points(written, name):
    cells = nbformat.read(written / "source" / name / f"{name}.ipynb", as_version=4).cells
    graded = [cell for cell in cells if "nbgrader" in cell.metadata]
    checks = [cell for cell in graded if cell.metadata.nbgrader.grade]
    solutions = [cell for cell in graded if cell.metadata.nbgrader.solution]
    text = (assignment.ROOT / "source" / "exercises" / f"{name}.py").read_text("utf-8")
    assert len(checks) == len(re.findall(r"^check\.\w+\(\w+\)$", text, re.MULTILINE)) > 0
    assert len(solutions) >= len(checks)
    for cell in checks:
        task = cell.metadata.nbgrader.grade_id.removeprefix("check_")
        assert cell.source.endswith(f'check.points({task}, {cell.metadata.nbgrader.points:g}, task="{task}")')
        assert cell.metadata.nbgrader.locked
    for cell in solutions:
        assert re.search(r"^ *# BEGIN SOLUTION$.*^ *# END SOLUTION$", cell.source, re.MULTILINE | re.DOTALL)
        left = ast.parse(blank(cell.source)).body  # what nbgrader leaves, too
        assert all(ast.get_docstring(one) for one in left if isinstance(one, ast.FunctionDef))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_points_to_a_file_that_a_class_has_not(written, name):
    cells = nbformat.read(written / "source" / name / f"{name}.ipynb", as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert not re.search(r"\]\((?!https?:|#)", text)
    assert "work/exercises" not in text
    assert "course.py" not in text


def test_one_exercise_alone_and_what_is_there_stays(tmp_path):
    new = assignment.write_course(tmp_path, ["ex01_background"])
    assert {path.name for path in new} == {"ex01_background.ipynb", "nbgrader_config.py"}
    assert assignment.write_course(tmp_path, ["ex01_background"]) == []
    config = tmp_path / "nbgrader_config.py"
    config.write_text(config.read_text("utf-8") + "# mine\n", "utf-8")
    with pytest.raises(CourseError, match="is there already"):
        assignment.write_course(tmp_path, [])
    assert config.read_text("utf-8").endswith("# mine\n")
    assert [path.name for path in (tmp_path / "source").iterdir()] == ["ex01_background"]


def test_an_unknown_name_is_answered_with_those_there_are(tmp_path, capsys):
    assert assignment.main([str(tmp_path), "ex01"]) == 1
    said = capsys.readouterr().err
    assert all(word in said for word in ("'ex01'", "ex01_background", "ex09_2_diagnosing"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("last", ["check.f(f)\nprint()", "check.f(lambda x: x)", "_ = check.f(f)"])
def test_a_check_whose_value_nbgrader_would_not_see_is_refused(last):
    text = f"# %%\ndef f(x):\n    # BEGIN SOLUTION\n    return x\n    # END SOLUTION\n\n# %%\n{last}\n"
    with pytest.raises(SourceError, match="last line"):
        parse(text, "assignments", "a.py")


def test_the_settings_are_python_that_nbgrader_reads(written):
    class Settings(dict):
        __getattr__ = dict.__getitem__

        def __missing__(self, key):
            return self.setdefault(key, SimpleNamespace())

    settings = Settings()
    text = (written / "nbgrader_config.py").read_text("utf-8")
    exec(compile(text, "nbgrader_config.py", "exec"), {"get_config": lambda: settings})
    assert "NotImplementedError" in settings["ClearSolutions"].code_stub["python"]
    for warning in ("\n", "UserWarning: x", "[W NNPACK.cpp:61] Could not initialize NNPACK!\n"):
        assert re.search(settings["IgnorePattern"].pattern, warning)
    assert settings["IgnorePattern"].enabled is True
    assert settings["Execute"].timeout > 600


def test_the_commands_hand_over_what_they_were_given(monkeypatch, tmp_path):
    calls = []
    for name in ("ensure", "run_inside"):
        monkeypatch.setattr(
            commands.class_commands, name, lambda environment, *rest, **options: calls.append((rest, options))
        )
    monkeypatch.setenv("COURSE_VENV", "of my own")
    commands.main(["assignment", str(tmp_path), "ex01_background"])
    assert calls[0][1]["extras"] == {"test"}
    assert calls[1][0] == ("tools.assignment", [str(tmp_path.resolve()), "ex01_background"])
    commands.main(["nbgrader", str(tmp_path), "autograde", "ex01_background", "--", "--force"])
    assert calls[2][1]["extras"] == {"grade"}
    assert calls[3][0] == ("nbgrader", ["autograde", "ex01_background", "--force"], tmp_path.resolve())


def test_nbgrader_lives_in_an_environment_of_its_own(monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("COURSE_VENV", raising=False)
    folders = []
    monkeypatch.setattr(
        commands.class_commands, "ensure", lambda environment, **options: folders.append(environment.folder)
    )
    monkeypatch.setattr(commands.class_commands, "run_inside", lambda *arguments: 0)
    with monkeypatch.context() as own:
        own.setenv("COURSE_VENV", "")  # so that what the command sets is taken back
        own.delenv("COURSE_VENV")
        commands.main(["nbgrader", str(tmp_path), "list"])
    assert folders[0].name == ".venv-nbgrader"
    assert commands.main(["nbgrader", str(tmp_path / "none"), "list"]) == 1
    assert "course.py assignment" in capsys.readouterr().err
