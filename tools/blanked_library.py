"""A copy of `labcode` for where learners' code runs: the checkers' solutions are cut out of it."""

import ast
import compileall
import shutil
from pathlib import Path

READ = {"evidence": ("*.toml", "results/*.json"), "benchmarks": ("results/*.json",)}  # by notebooks, too
BLANK = "raise NotImplementedError"


def make(root: Path, target: Path) -> None:
    """Write the copy.

    Args:
        root: the course's folder.
        target: a folder that becomes one to import from.
    """
    ignored = shutil.ignore_patterns("__pycache__", "shipped")
    shutil.copytree(root / "labcode", target / "labcode", ignore=ignored)
    for folder, patterns in READ.items():
        for path in [path for pattern in patterns for path in (root / folder).glob(pattern)]:
            copy = target / path.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    checks = target / "labcode" / "check"
    for path in checks.glob("solutions/ex*.py"):
        path.unlink()
    for path in checks.glob("exercise_*.py"):
        path.write_text(blank(path.read_text("utf-8")), "utf-8")
    compileall.compile_dir(target, quiet=2)


def blank(text: str) -> str:
    """Return a module's text with the functions that a `solution=` names emptied; their first lines stay.

    >>> print(blank("def f(x):\\n    return 2 * x\\n\\nc = Checker(solution=f)"))
    def f(x):
        raise NotImplementedError
    <BLANKLINE>
    c = Checker(solution=f)
    """
    tree, lines = ast.parse(text), text.splitlines()
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = {
        word.value.id
        for call in calls
        for word in call.keywords
        if word.arg == "solution" and isinstance(word.value, ast.Name)
    }
    bodies = [node.body for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in named]
    for body in sorted(bodies, key=lambda body: -body[0].lineno):
        first, last = body[0], body[-1]
        indent = " " * first.col_offset
        lines[first.lineno - 1 : last.end_lineno] = [f"{indent}{BLANK}"]
    return "\n".join(lines) + "\n"
