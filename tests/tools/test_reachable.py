"""What makes a notebook stale: a change of what its code can reach, and nothing else."""

import pytest

from tools.exercise import SourceError
from tools.reachable import Library

NOTEBOOK = """
import inspect
from labcode import penalties, plots
from labcode.lstm import Model
from labcode.linear import shown

print(penalties.l2(2.0), Model().forward(1.0))
print(inspect.getsource(shown))
for name in ("bars", "lines"):
    getattr(plots, name)()
"""

LABCODE = {
    "__init__.py": "",
    "_checks.py": "def check(n):\n    assert n > 0\n\n\ndef check_other(n):\n    assert n < 0\n",
    "_lazy.py": "def lazily(package, files):\n    return None, []\n",
    "penalties.py": '''
from math import fsum as total

from labcode._checks import check, check_other

FACTOR = {"l2": 0.5}
FACTOR["l1"] = 1.0


def l2(lam):
    """Return the L2 penalty."""
    check(lam)  # first
    return total([FACTOR["l2"] * lam])


def l1(lam):
    check_other(lam)
    return lam
''',
    "linear.py": 'def shown():\n    """Shown."""\n    return 1\n\n\ndef hidden():\n    return shown()\n',
    "lstm/__init__.py": (
        "from labcode._lazy import lazily\n\n"
        '__getattr__, __all__ = lazily(__name__, {"module": ["Model"], "units": ["cut"]})\n'
    ),
    "lstm/module.py": (
        "from . import scan\n\n\nclass Model:\n    def forward(self, x):\n        return scan.step(x)\n\n"
        "    def other(self):\n        from labcode.lstm.units import used_by_a_method\n\n"
        "        return used_by_a_method()\n"
    ),
    "lstm/scan.py": "def step(x):\n    y = x + 1\n    return y\n\n\ndef unused(x):\n    return x\n",
    "lstm/units.py": "def cut():\n    return 1\n\n\ndef used_by_a_method():\n    return 2\n",
    "plots.py": "def bars():\n    return 1\n\n\ndef lines():\n    return 2\n\n\nprint\n",
}


@pytest.fixture
def root(tmp_path):
    for name, text in LABCODE.items():
        path = tmp_path / "labcode" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def changed_by(root, file, old, new):
    """Return the files whose hash an edit changes."""
    before = Library(root).inputs(NOTEBOOK, "source/chapters/01_toy.py")
    path = root / "labcode" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    after = Library(root).inputs(NOTEBOOK, "source/chapters/01_toy.py")
    return {name.removeprefix("labcode/") for name, _ in before.items() ^ after.items()}


MATTERS = {
    "a formula": ("penalties.py", "* lam", "* lam**2"),
    "a constant that it uses": ("penalties.py", "0.5", "0.25"),
    "an item of it that is set later": ("penalties.py", "1.0", "2.0"),
    "a check that it calls": ("_checks.py", "n > 0", "n >= 0"),
    "what a name is imported from": ("penalties.py", "fsum as total", "prod as total"),
    "behind a lazy package": ("lstm/module.py", "return scan.step(x)", "return -scan.step(x)"),
    "behind a relative import": ("lstm/scan.py", "x + 1", "x + 2"),
    "behind an import in a method": ("lstm/units.py", "return 2", "return 3"),
    "a module's member asked for by a text": ("plots.py", "return 2", "return 3"),
    "what a file does on import": ("plots.py", "\nprint\n", "\nprint(1)\n"),
    "a type of what is printed": ("linear.py", "def shown()", "def shown() -> int"),
    "the docstring of what is printed": ("linear.py", "Shown.", "Printed."),
}

DOES_NOT = {
    "a docstring": ("penalties.py", "Return the L2 penalty.", "Other words."),
    "a new docstring": ("lstm/scan.py", "def step(x):\n", 'def step(x):\n    """Step."""\n'),
    "a comment": ("penalties.py", "  # first", ""),
    "the type of an argument": ("penalties.py", "def l2(lam)", "def l2(lam: check_other) -> float"),
    "the type of a variable": ("lstm/scan.py", "y = x", "y: int = x"),
    "formatting": ("penalties.py", "total([FACTOR", "total( [ FACTOR"),
    "a function that is not used": ("penalties.py", "return lam", "return -lam"),
    "a check that is not used": ("_checks.py", "n < 0", "n <= 0"),
    "its neighbour in the file": ("lstm/scan.py", "return x\n", "return -x\n"),
    "a lazy name that is not used": ("lstm/units.py", "return 1", "return 9"),
    "what uses a function, and is not used": ("linear.py", "return shown()", "return -shown()"),
}


@pytest.mark.parametrize("kind", MATTERS)
def test_what_the_code_reaches_matters(root, kind):
    file, old, new = MATTERS[kind]
    assert changed_by(root, file, old, new) == {file}


@pytest.mark.parametrize("kind", DOES_NOT)
def test_nothing_else_does(root, kind):
    assert changed_by(root, *DOES_NOT[kind]) == set()


def test_a_file_that_is_no_python_is_named(root):
    (root / "labcode/lstm/scan.py").write_text("def step(:\n")
    with pytest.raises(SourceError, match=r"labcode/lstm/scan\.py:1: invalid syntax"):
        Library(root).inputs(NOTEBOOK, "source/chapters/01_toy.py")


def test_names_reached_through_the_course_s_own_packages(request):
    """On labcode itself: a technique reaches its checks, and not the technique beside it."""
    library = Library(request.config.rootpath)
    code = "from labcode.lstm import RegularizedLSTM\nRegularizedLSTM(1, 1)"
    reached = library.inputs(code, "source/chapters/x.py")
    assert {"labcode/lstm/module.py", "labcode/lstm/scan.py", "labcode/_checks.py"} <= reached.keys()
    assert "labcode/penalties.py" not in library.inputs(
        "from labcode import constraints\nconstraints.max_norm", "source/chapters/x.py"
    )
