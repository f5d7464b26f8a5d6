"""Remove what the course's commands made, except the learner's work."""

import shutil
from pathlib import Path

from tools.environment import Environment, private_folder
from tools.lock import locked
from tools.process import CourseError, say
from tools.swap import NEW, OLD

CACHES = (".pytest_cache", ".hypothesis", ".ruff_cache", ".mypy_cache", "build", "*.egg-info")
NESTED_CACHES = ("__pycache__", ".ipynb_checkpoints")


def clean(root: Path, *, dry_run: bool) -> int:
    """Remove environments, private settings and caches (or only list them); return the exit code.

    Raises:
        CourseError: something could not be removed.
    """
    private = private_folder(root)
    with locked(private / "setup.lock"):
        for path in made_by_us(root):
            say(f"{'would remove' if dry_run else 'removing'} {path}")
            if not dry_run and path != private:  # which holds the lock
                remove(path)
    if not dry_run:
        remove(private)
    say(f"Your work in {root / 'work'} stays.")
    return 0


def made_by_us(root: Path) -> list[Path]:
    """Return what may go: links are not followed, and `work/` is not searched."""
    main = [Environment(root), Environment(root, lowest=True)]
    environments = [*main, *(one.beside(suffix) for one in main for suffix in (NEW, OLD))]
    outside = [one.folder for one in environments if one.stamp.exists() or one.marker.exists()]
    own = [f".venv{kind}{suffix}" for kind in ("", "-lowest", "-nbgrader") for suffix in ("", NEW, OLD)]
    inside = [path for pattern in (*own, ".course", *CACHES) for path in root.glob(pattern)]
    kept = {root / "work", root / ".git", *inside}
    searched = [
        path for path in root.iterdir() if path.is_dir() and not path.is_symlink() and path not in kept
    ]
    nested = [path for folder in searched for name in NESTED_CACHES for path in folder.rglob(name)]
    top = [path for name in NESTED_CACHES for path in root.glob(name)]
    return sorted({*outside, *inside, *top, *nested})


def remove(path: Path) -> None:
    """Remove a file, a link (not what it points to) or a folder.

    Raises:
        CourseError: the system does not allow it.
    """
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise CourseError(
            f"{path} cannot be removed: {error}\nClose what still uses it and try again."
        ) from error
