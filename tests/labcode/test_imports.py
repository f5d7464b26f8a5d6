"""Who may import whom, what comes without PyTorch, and where a module of an earlier version is now."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import labcode

ROOT = Path(labcode.__file__).parent
WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None  # importing it fails
from labcode.lstm import lstm_backward, lstm_forward, lstm_step, step_equations
from labcode.data import Dataset, load_weather, persistence_loss
from labcode.training import History
from labcode.search import Range, grid_points, one_standard_error, winners
from labcode.early_stopping import EarlyStopping
import labcode.keras_interop
weather = load_weather()
"""


def imports_of(path):
    """Every module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_library_needs_nothing_of_the_tools(path):
    assert not {name.partition(".")[0] for name in imports_of(path)} & {"tools", "tests", "benchmarks"}


def test_the_numpy_sides_come_without_torch():
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", ["data", "keras_interop", "lstm", "search", "training"])
def test_a_package_gives_what_it_names(package):
    module = importlib.import_module(f"labcode.{package}")
    assert all(
        getattr(module, name).__module__.startswith("labcode.") or name.isupper()
        for name in module.__all__
        if hasattr(getattr(module, name), "__module__")
    )
    assert not {path.stem for path in ROOT.joinpath(package).glob("*.py")} & set(module.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        module.nothing  # noqa: B018


@pytest.mark.parametrize(("old", "new"), labcode.MOVED.items())
@pytest.mark.parametrize("form", ["import {package}.{name}", "from {package} import {name}"])
def test_an_old_path_says_the_new_one(old, new, form):
    package, _, name = f"labcode.{old}".rpartition(".")
    with pytest.raises(ModuleNotFoundError, match=f"labcode.{old} is now {new}: import it from there"):
        exec(form.format(package=package, name=name), {})
    assert importlib.import_module(new)
