"""Where the course's files are, and how one is written: whole or not at all, whenever the power goes."""

import os
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent  # the course's folder, or that of installed packages
SHIPPED = Path(__file__).resolve().parent / "shipped"  # what a wheel carries of the folders beside labcode


def course_folder(name: str) -> Path:
    """Return a folder of the course that stands beside labcode, from a checkout or from a wheel.

    Args:
        name: "evidence" or "benchmarks".
    """
    return SHIPPED / name if (SHIPPED / name).is_dir() else HOME / name


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, let it reach the disk, then give it its own name."""
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
