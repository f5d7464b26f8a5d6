"""Environments that were moved, copied or damaged: mended without a network where the files allow it."""

import ast
import os
import shutil
import subprocess
import sys

import pytest

from tools import commands
from tools.environment import unversioned
from tools.process import CourseError
from tools.repair import needs_repair
from tools.setup import ensure, is_ready
from tools.swap import leftovers


@pytest.fixture
def no_packages(monkeypatch, tmp_path):
    """A computer that has neither a network nor packages."""
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "empty"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))


def imported_from(environment, folder):
    code = "import labcode; print(ascii(labcode.__file__))"
    command, variables = [environment.python, "-c", code], environment.variables()
    return ast.literal_eval(subprocess.check_output(command, cwd=folder, env=variables, text=True))


@pytest.mark.usefixtures("no_packages")
def test_a_copied_course_goes_on_without_packages(moved, tmp_path, capsys):
    assert needs_repair(moved)
    ensure(moved)
    assert "moved, copied or damaged" in capsys.readouterr().out
    assert is_ready(moved, frozenset(), None, True)
    assert imported_from(moved, tmp_path) == str(moved.root / "labcode" / "__init__.py")
    program = moved.scripts / ("pip.exe" if sys.platform == "win32" else "pip")
    said = subprocess.check_output([program, "--version"], encoding="utf-8", errors="replace")
    assert str(moved.site_packages) in said
    activate = (moved.scripts / "activate").read_text("utf-8")
    assert str(moved.folder) in activate


@pytest.mark.usefixtures("no_packages")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no links to Pythons")
@pytest.mark.parametrize("damage", ["pyvenv.cfg", "python", "all links", "home", "empty pyvenv.cfg"])
def test_what_can_be_mended_without_packages_is(moved, capsys, damage):
    config = moved.folder / "pyvenv.cfg"
    if damage == "pyvenv.cfg":
        config.unlink()
    elif damage == "home":  # a Python that has been replaced by a newer one
        config.write_text("home = /no/python/here\nversion = 3.11.0\n", "utf-8")
    elif damage == "empty pyvenv.cfg":
        config.write_text("", "utf-8")
    else:
        for link in moved.scripts.glob("python*" if damage == "all links" else "python"):
            link.unlink()
            link.symlink_to("/no/python/here")
    ensure(moved)
    assert "mending it" in capsys.readouterr().out
    assert moved.has_python()
    ensure(moved, update=False)
    assert imported_from(moved, moved.root)


def remove(environment, name):
    for path in environment.site_packages.glob(f"{name}*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.mark.parametrize("missing", ["torch.py", "torch-1.0+cpu.dist-info", "jupyterlab", "toydep"])
def test_a_package_that_is_missing_is_installed_again(moved, capsys, missing):
    remove(moved, missing)
    ensure(moved)
    name = missing.partition("-")[0].partition(".")[0]
    assert f"The environment is damaged: {name} missing or incomplete" in capsys.readouterr().out
    assert moved.damaged() == []
    assert (moved.site_packages / f"{name}.py").exists()
    assert not leftovers(moved)


@pytest.mark.usefixtures("no_packages")
def test_without_packages_the_damage_and_the_way_on_are_said(moved, capsys):
    ensure(moved)
    remove(moved, "jupyterlab")
    with pytest.raises(CourseError, match=r"course\.py doctor` says what works; after `clean`"):
        ensure(moved)
    assert "damaged: jupyterlab missing" in capsys.readouterr().out
    with pytest.raises(CourseError, match="leave out --no-update"):
        ensure(moved, update=False)
    assert not leftovers(moved)


@pytest.mark.usefixtures("no_packages")
def test_lab_goes_on_where_an_update_cannot_be_had(moved, monkeypatch, capsys):
    ensure(moved)
    (moved.root / "constraints.txt").write_text("torch==1.0\ntoydep==1.1\n", "utf-8")
    monkeypatch.setattr(commands, "Environment", lambda **_: moved)
    monkeypatch.setattr(commands, "run_lab", lambda environment, **options: 0)
    assert commands.main(["lab"]) == 0
    assert "Going on with the environment as it is" in capsys.readouterr().err
    assert commands.main(["test"]) == 1
    remove(moved, "toydep")
    assert commands.main(["lab"]) == 1


def test_a_package_that_the_learner_has_updated_is_no_damage(moved):
    ensure(moved)
    old = moved.site_packages / "toydep-1.0.dist-info"
    old.rename(moved.site_packages / "toydep-1.1.dist-info")
    assert is_ready(moved, frozenset(), None, True)
    assert unversioned("toydep-1.1.dist-info") == "toydep.dist-info"
    assert unversioned("toydep") == "toydep"


def test_a_copy_while_it_is_updated_shares_files_that_it_does_not_change(moved):
    ensure(moved)
    torch = (moved.site_packages / "torch.py").stat().st_ino
    (moved.root / "constraints.txt").write_text("torch==1.0\ntoydep==1.1\n", "utf-8")
    ensure(moved)
    assert (moved.site_packages / "torch.py").stat().st_ino == torch
    assert os.path.isfile(moved.site_packages / "toydep-1.1.dist-info" / "METADATA")
