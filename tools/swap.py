"""A new environment takes the old one's place only when it is complete, and no kill costs either.

`.venv-new` is being made, `.venv` works, `.venv-old` has been replaced. Only between two renames is there no
`.venv`, and the next call finds what to put there.
"""

import contextlib
import os
import shutil
from pathlib import Path

from tools.environment import Environment, unversioned
from tools.preflight import elsewhere
from tools.process import CourseError

NEW, OLD = "-new", "-old"


def swap(environment: Environment) -> None:
    """Put the complete new environment in place of the old one.

    Raises:
        CourseError: the system does not let one of them be renamed; the old one is in its place.
    """
    folder = Path(os.path.realpath(environment.folder))
    new, old = environment.beside(NEW).folder, environment.beside(OLD).folder
    try:
        if folder.exists():
            os.rename(folder, old)
        try:
            os.rename(new, folder)
        except OSError:
            if old.exists():
                os.rename(old, folder)
            raise
    except OSError as error:
        raise CourseError(
            f"The new environment is complete, but cannot take its place in {folder}: {error}.\n"
            f"{elsewhere(folder)}"
        ) from error


def recover(environment: Environment) -> None:
    """Finish or undo what a killed set-up left beside the environment.

    Raises:
        CourseError: what is beside it is not the course's, or cannot be renamed.
    """
    folder = Path(os.path.realpath(environment.folder))
    new, old = environment.beside(NEW), environment.beside(OLD)
    for other in (new, old):
        refuse_anothers(other)
    complete = new.read_stamp() is not None and not new.marker.exists()
    if old.folder.exists() and not folder.exists():  # killed between the two renames
        os.rename((new if complete else old).folder, folder)
    elif complete:
        discard(old)
        swap(environment)
    for other in (new, old):
        discard(other)


def leftovers(environment: Environment) -> bool:
    """Return whether a killed set-up left something beside the environment."""
    return any(os.path.lexists(environment.beside(suffix).folder) for suffix in (NEW, OLD))


def refuse_anothers(environment: Environment) -> None:
    """Refuse to touch a folder that no set-up of the course left.

    Raises:
        CourseError: it says which.
    """
    folder = environment.folder
    if not os.path.lexists(folder):
        return
    ours = (environment.marker, environment.stamp, folder / "pyvenv.cfg")
    is_folder = folder.is_dir() and not folder.is_symlink()
    if not is_folder or (any(folder.iterdir()) and not any(path.exists() for path in ours)):
        raise CourseError(
            f"{folder} holds something that this course did not make, and its place is needed.\nMove it away."
        )


def discard(environment: Environment) -> None:
    """Remove an environment as far as the system lets it be removed; the mark that it is ours goes last."""
    folder = environment.folder
    if folder.is_dir():
        with contextlib.suppress(OSError):
            environment.marker.touch()
            empty(folder, keep=environment.marker)
            environment.marker.unlink()
            folder.rmdir()


def empty(folder: Path, keep: Path) -> None:
    """Remove everything in a folder but one file."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry != keep:
            entry.unlink()


def clone(environment: Environment, without: list[str]) -> Environment:
    """Copy an environment beside itself, without some packages, and return the copy.

    Installers replace the files of packages and never write into them, so these are linked where the disk
    can; the rest is copied.
    """
    new, packages, contents = environment.beside(NEW), environment.site_packages, environment.contents()
    stamped = (environment.read_stamp() or {}).get("contents", {})
    kept = {name for package in contents.keys() - set(without) for name in contents[package]}
    dropped = {name for package in without for name in [*stamped.get(package, []), f"{package}.dist-info"]}

    def left_out(folder: str, names: list[str]) -> list[str]:
        if Path(folder) == environment.folder:
            return [environment.stamp.name]
        return [name for name in names if Path(folder) == packages and is_dropped(name)]

    def is_dropped(name: str) -> bool:
        return unversioned(name) in dropped - kept

    def link(source: str, target: str) -> None:
        inside = Path(source).is_relative_to(packages)
        top = Path(source).relative_to(packages).parts[0] if inside else ""
        if inside and top not in dropped:
            with contextlib.suppress(OSError):
                os.link(source, target)
                return
        shutil.copy2(source, target)

    new.folder.mkdir()
    new.marker.touch()
    shutil.copytree(
        environment.folder, new.folder, symlinks=True, ignore=left_out, copy_function=link, dirs_exist_ok=True
    )
    return new
