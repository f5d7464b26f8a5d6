"""A folder of wheels: filled, checked, and enough to set up from."""

import socket

import pytest
import toy_course

from tools import indexes, wheels
from tools.environment import Environment
from tools.process import CourseError
from tools.setup import ensure
from tools.wheels import Target


@pytest.fixture(scope="module")
def filled(made, tmp_path_factory, variables):
    folder = tmp_path_factory.mktemp("a stick") / "wheels"
    with pytest.MonkeyPatch.context() as monkeypatch:
        toy_course.replace_environment(monkeypatch, variables)
        wheels.make(made, folder, wheels.targets("linux", None))
    return folder


def test_what_a_course_needs_is_there_with_hashes_and_a_page(filled):
    names = {path.name.split("-")[0] for path in filled.glob("*.whl")}
    assert names == {"torch", "toydep", "jupyterlab", "setuptools", "uv"}
    assert not list(filled.glob("toydep-1.1*"))  # another version than that of constraints.txt
    assert not [path for path in filled.rglob("*") if path.suffix in (".part", ".in")]
    assert wheels.check(filled) == 0
    page = (filled / wheels.PAGE).read_text("utf-8")
    assert "    linux, Python 3." in page
    assert "(5 files" in page
    assert len(page.splitlines()) < 30


def test_what_is_there_stays_and_what_is_damaged_is_brought_again(filled, made, variables, capsys):
    damaged, whole = next(filled.glob("toydep*")), next(filled.glob("jupyterlab*"))
    before = whole.stat().st_mtime_ns
    damaged.write_bytes(damaged.read_bytes()[:-1])
    next(filled.glob("setuptools*")).unlink()
    assert wheels.check(filled) == 1
    said = capsys.readouterr().out
    assert f"damaged: {damaged.name}" in said
    assert "missing: setuptools" in said
    (filled / "other-1.0-py3-none-any.whl").write_bytes(b"")
    wheels.make(made, filled, wheels.targets("linux", None))
    assert wheels.check(filled) == 0
    assert "other-1.0-py3-none-any.whl is in no list" in capsys.readouterr().out
    assert whole.stat().st_mtime_ns == before


def test_a_course_is_set_up_from_it_and_no_index_is_asked(filled, tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        index = f"http://127.0.0.1:{server.getsockname()[1]}/simple"
        monkeypatch.delenv("UV_OFFLINE")
        monkeypatch.setenv("PIP_INDEX_URL", index)
        for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS"):  # taken back when the test ends
            monkeypatch.setenv(name, "")
        indexes.take_only_from(filled)
        environment = Environment(toy_course.make_course(tmp_path / "salle 3"))
        ensure(environment)
        server.settimeout(0.1)
        with pytest.raises(TimeoutError):
            server.accept()
    found = {path.name for path in environment.site_packages.glob("*.dist-info")}
    assert {"torch-1.0+cpu.dist-info", "toydep-1.0.dist-info", "jupyterlab-1.0.dist-info"} <= found


def test_what_cannot_be_had_is_said_and_leaves_no_list(made, tmp_path, variables):
    with pytest.raises(CourseError, match=r"Python 3.13 needs cannot be found out"):
        wheels.make(made, tmp_path, [Target("windows", "3.13")])
    assert not list(tmp_path.rglob("*.*"))


def test_what_wheels_are_for_is_said_in_words():
    assert wheels.targets("macos,windows", "3.12, 3.13") == [
        Target(system, python) for system in ("macos", "windows") for python in ("3.12", "3.13")
    ]
    for systems, pythons in (("linux,osx", None), (None, "3.9")):
        with pytest.raises(CourseError, match="Expected a"):
            wheels.targets(systems, pythons)
