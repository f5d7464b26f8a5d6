"""`work/`: the learner's own copies of the notebooks, which no update ever overwrites."""

import hashlib
import itertools
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from labcode._files import write_atomically

FOLDERS = ("notebooks", "exercises")
MANIFEST = ".course.json"


@dataclass
class Report:
    """What a synchronization did, by the paths below `work/`."""

    copied: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    beside: list[tuple[str, str]] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return what a learner should know."""
        lines = [f"work/: {len(self.copied)} notebooks copied for you."] if self.copied else []
        lines += [
            f"work/{name}: replaced by its newer version (you had not changed it)." for name in self.replaced
        ]
        lines += [f"work/{name}: yours is kept; the newer version is {new}." for name, new in self.beside]
        return lines


def synchronize(root: Path) -> Report:
    """Bring new and newer notebooks into `work/` without ever overwriting what the learner has changed.

    A file that is not in `work/` is copied; one that is as it was copied is replaced by its newer version;
    beside one that the learner has changed the newer version is put as `NAME.new.ipynb`, once. What was
    copied, and what was put beside, is remembered as hashes in `work/.course.json`; without that file
    every notebook counts as changed.
    """
    work, report = root / "work", Report()
    manifest = read_manifest(work)
    for folder in FOLDERS:
        (work / folder).mkdir(parents=True, exist_ok=True)
        for part in (work / folder).glob(".*.part"):
            part.unlink()
        for source in sorted((root / folder).glob("*.ipynb")):
            bring(source, work, f"{folder}/{source.name}", manifest, report)
    write_atomically(work / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True).encode())
    return report


def bring(source: Path, work: Path, name: str, manifest: dict[str, dict[str, str]], report: Report) -> None:
    """Bring one notebook up to date and note it in the manifest and the report."""
    target, newest, held = work / name, digest(source), digest(work / name)
    copied, offered = manifest["copied"], manifest["offered"]
    if not os.path.lexists(target):
        write_atomically(target, source.read_bytes())
        report.copied.append(name)
    elif held is not None and held == copied.get(name) != newest:
        write_atomically(target, source.read_bytes())
        report.replaced.append(name)
    elif held != newest:
        if newest not in (copied.get(name), offered.get(name)):
            report.beside.append((name, put_beside(source, work, name, copied)))
            offered[name] = newest
        return
    copied[name] = newest


def put_beside(source: Path, work: Path, name: str, copied: dict[str, str]) -> str:
    """Put a newer version beside a changed notebook, under a name that holds no work of the learner."""
    stem, newest = name.removesuffix(".ipynb"), digest(source)
    for number in itertools.count(1):
        new = f"{stem}.new.ipynb" if number == 1 else f"{stem}.new-{number}.ipynb"
        held = digest(work / new)
        if not os.path.lexists(work / new) or (held is not None and held in (newest, copied.get(new))):
            break
    if held != newest:
        write_atomically(work / new, source.read_bytes())
    copied[new] = newest
    return new


def digest(path: Path) -> str | None:
    """Return the hash of a file's bytes; None where there is no readable file."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def read_manifest(work: Path) -> dict[str, dict[str, str]]:
    """Return the hashes last copied and last put beside; none where the manifest is missing or damaged."""
    try:
        manifest = json.loads((work / MANIFEST).read_text("utf-8"))
        return {
            key: {str(name): str(value) for name, value in manifest[key].items()}
            for key in ("copied", "offered")
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {"copied": {}, "offered": {}}
