"""Remembers the bytes of which a build had nothing to do, so that the next one can say so at once."""

import hashlib
from pathlib import Path

from tools.environment import private_folder

READ = ("source", "labcode", "tools", "evidence", "benchmarks/results")  # what a build reads
BUILT = ("notebooks", "exercises", "solutions", "teaching")
LEFT_OUT = ("__pycache__", "runs")  # folders that come and go, and mean nothing


def _record(root: Path) -> Path:
    return private_folder(root) / "built"


def _digest(root: Path) -> str:
    """Return the hash of every file that a build reads or writes."""
    everything = hashlib.sha256()
    for folder in READ + BUILT:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and not set(LEFT_OUT) & set(path.relative_to(root).parts):
                everything.update(f"{path.relative_to(root).as_posix()} {path.stat().st_size}\n".encode())
                everything.update(path.read_bytes())
    return everything.hexdigest()


def is_up_to_date(root: Path) -> bool:
    """Tell whether nothing has changed since a build had nothing left to do."""
    try:
        return _record(root).read_text(encoding="utf-8") == _digest(root)
    except OSError:
        return False


def record(root: Path) -> None:
    """Remember that nothing is left to do."""
    try:
        _record(root).parent.mkdir(exist_ok=True)
        _record(root).write_text(_digest(root), encoding="utf-8")
    except OSError:
        return  # the next build looks at everything again
