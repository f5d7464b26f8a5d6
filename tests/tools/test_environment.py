"""One install, said in three places: pyproject.toml, constraints.txt and environment.yml agree."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

COURSE = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((COURSE / "pyproject.toml").read_text("utf-8"))["project"]
LISTS = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
DIRECT = [Requirement(line) for lines in LISTS for line in lines]
CONDA = yaml.safe_load((COURSE / "environment.yml").read_text("utf-8"))


def pins():
    lines = (COURSE / "constraints.txt").read_text("utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def conda_packages():
    """environment.yml's packages other than pip's, by name: their version ranges."""
    lines = [line for line in CONDA["dependencies"] if isinstance(line, str)]
    split = (re.fullmatch(r"([\w.-]+)\s*(.*)", line).groups() for line in lines)
    return {name: SpecifierSet(versions) for name, versions in split}


def pip_lines():
    return next(line["pip"] for line in CONDA["dependencies"] if isinstance(line, dict))


def test_every_constraint_is_one_exact_version_named_once():
    for pin in pins():
        assert [clause.operator for clause in pin.specifier] == ["=="], pin
        assert "*" not in str(pin.specifier)
        assert not pin.url
    names = [(canonicalize_name(pin.name), str(pin.marker)) for pin in pins()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("requirement", DIRECT, ids=str)
def test_the_pinned_set_holds_a_version_in_each_range(requirement):
    name = canonicalize_name(requirement.name)
    found = [pin for pin in pins() if canonicalize_name(pin.name) == name]
    assert found, f"constraints.txt does not name {name}"
    for pin in found:
        version = next(iter(pin.specifier)).version
        assert Version(version) in requirement.specifier


@pytest.mark.parametrize("requirement", DIRECT, ids=str)
def test_each_range_says_where_it_begins(requirement):
    assert any(clause.operator == ">=" for clause in requirement.specifier)


def test_conda_takes_the_pythons_of_pyproject():
    assert conda_packages()["python"] == SpecifierSet(PROJECT["requires-python"])


def test_conda_names_no_version_that_contradicts_pyproject():
    by_name = {canonicalize_name(requirement.name): requirement.specifier for requirement in DIRECT}
    pinned = {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in pins()}
    for name, versions in conda_packages().items():
        if name in by_name:
            assert versions in (SpecifierSet(), by_name[name])
        assert pinned.get(name) is None or Version(pinned[name]) in versions


def test_pip_prefers_the_build_for_the_cpu_and_the_pin_allows_it():
    pin = next(pin for pin in pins() if pin.name == "torch")
    version = next(iter(pin.specifier)).version
    assert Version(f"{version}+cpu") > Version(version)
    assert pin.specifier.contains(f"{version}+cpu")


def test_conda_installs_the_same_as_course_py():
    """pip's part holds the constraints and the course itself without extras, and no package of its own."""
    index, *rest = pip_lines()
    assert index.startswith("--extra-index-url https://")
    assert index.endswith("/cpu")
    assert rest == ["-c constraints.txt", "-e ."]
    assert CONDA["channels"] == ["conda-forge"]
    assert CONDA["name"] == PROJECT["name"]
