"""Courses in miniature: one that was set up once, copies of it, and one that nobody has set up."""

import shutil

import pytest
import toy_course

from tools.environment import Environment
from tools.setup import ensure


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    return toy_course.make_wheels(tmp_path_factory.mktemp("wheels") / "of the course")


@pytest.fixture(scope="session")
def variables(tmp_path_factory, wheels):
    """The environment variables of a computer without a network, but with uv where this one has it."""
    if not toy_course.add_uv(wheels):
        pytest.skip("uv is not installed in the environment that runs the tests")
    return toy_course.without_network(wheels, tmp_path_factory.mktemp("caches"))


@pytest.fixture(autouse=True)
def offline(request, monkeypatch):
    if {"variables", "made", "moved"} & set(request.fixturenames):
        toy_course.replace_environment(monkeypatch, request.getfixturevalue("variables"))
    monkeypatch.delenv("COURSE_VENV", raising=False)


@pytest.fixture(scope="session")
def template(tmp_path_factory, variables):
    """A miniature course, set up once with uv, in a folder with spaces and letters of three scripts."""
    root = toy_course.make_course(tmp_path_factory.mktemp("toy") / "Régularisation des LSTM 正则化")
    with pytest.MonkeyPatch.context() as monkeypatch:
        toy_course.replace_environment(monkeypatch, variables)
        ensure(Environment(root))
    return Environment(root)


@pytest.fixture(scope="module")
def made(tmp_path_factory, template, variables):
    """A miniature course that was set up where it is, for one file of tests."""
    root = tmp_path_factory.mktemp("made") / template.root.name
    shutil.copytree(template.root, root, symlinks=True)
    with pytest.MonkeyPatch.context() as monkeypatch:
        toy_course.replace_environment(monkeypatch, variables)
        ensure(Environment(root))
    return Environment(root)


@pytest.fixture
def moved(tmp_path, template):
    """A copy of a miniature course that was set up elsewhere; nobody has called it here."""
    root = tmp_path / "une copie, 拷贝"
    shutil.copytree(template.root, root, symlinks=True)
    return Environment(root)


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A miniature course that nobody has set up, on a computer where nobody asks for a network."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return Environment(toy_course.make_course(tmp_path / "un cours été"))
