"""`work/`: the learner's own copies of the notebooks, which no update ever overwrites."""

import contextlib
import hashlib
import itertools
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from labcode._files import write_atomically
from tools.process import CourseError

FOLDERS = ("notebooks", "exercises", "solutions")
MANIFEST = ".course.json"
RENAMED = {  # notebooks as version 0.1 named them, and as they are named now
    "notebooks/03_1_penalties.ipynb": "notebooks/03_1-2_penalties.ipynb",
    "notebooks/03_3_dropout.ipynb": "notebooks/03_3-4_dropout.ipynb",
    "notebooks/03_5_constraints_and_stopping.ipynb": "notebooks/03_5-6_constraints_and_stopping.ipynb",
    "notebooks/04_2_weight_decay.ipynb": "notebooks/04_2-3_weight_decay.ipynb",
    "notebooks/05_1_keras.ipynb": "notebooks/05_1-2_keras.ipynb",
    "notebooks/09_2_diagnosing.ipynb": "notebooks/09_2-3_diagnosing.ipynb",
    "exercises/01_background.ipynb": "exercises/ex01_background.ipynb",
    "exercises/02_core_concepts.ipynb": "exercises/ex02_core_concepts.ipynb",
    "exercises/03_algorithms.ipynb": "exercises/ex03_algorithms.ipynb",
    "exercises/04_mathematics.ipynb": "exercises/ex04_mathematics.ipynb",
    "exercises/05_practice.ipynb": "exercises/ex05_practice.ipynb",
    "exercises/06_applications.ipynb": "exercises/ex06_applications.ipynb",
    "exercises/07_tools.ipynb": "exercises/ex07_tools.ipynb",
    "exercises/08_outlook.ipynb": "exercises/ex08_outlook.ipynb",
    "exercises/09_1_choosing.ipynb": "exercises/ex09_1_choosing.ipynb",
    "exercises/09_2_diagnosing.ipynb": "exercises/ex09_2_diagnosing.ipynb",
}


@dataclass
class Report:
    """What a synchronization did, by the paths below `work/`."""

    renamed: list[tuple[str, str]] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    beside: list[tuple[str, str]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return what a learner should know."""
        lines = [f"work/{old}: is now work/{new}, with your work in it." for old, new in self.renamed]
        lines += [f"work/: {len(self.copied)} notebooks copied for you."] if self.copied else []
        lines += [
            f"work/{name}: replaced by its newer version (you had not changed it)." for name in self.replaced
        ]
        lines += [f"work/{name}: yours is kept; the newer version is {new}." for name, new in self.beside]
        if self.deleted:
            names = " ".join(
                name.removesuffix(".ipynb") if name.startswith("solutions") else Path(name).stem
                for name in self.deleted
            )
            lines.append(
                f"work/: what you deleted stays away; to have it back: python course.py restart {names}"
            )
        return lines


def synchronize(root: Path) -> Report:
    """Bring new and newer notebooks into `work/` without ever overwriting what the learner has changed.

    A notebook that was never in `work/` is copied, without outputs; one that the learner deleted stays away;
    one whose cells are as they were copied, run or not, is replaced by its newer version; beside one that the
    learner has changed the newer version is put as `NAME.new.ipynb`, once. What was copied, and what was put
    beside, is remembered as hashes in `work/.course.json`; without it every notebook counts as changed.
    """
    work, report = root / "work", Report()
    manifest = read_manifest(work)
    rename(root, work, manifest, report)
    for folder in FOLDERS:
        (work / folder).mkdir(parents=True, exist_ok=True)
        for part in (work / folder).glob(".*.part"):
            part.unlink()
        for source in sorted((root / folder).glob("*.ipynb")):
            bring(source, work, f"{folder}/{source.name}", manifest, report)
    write_manifest(work, manifest)
    return report


def restart(root: Path, name: str) -> list[str]:
    """Bring a fresh copy of a notebook into `work/`, keep the learner's beside it, and return what to say.

    Args:
        root: the course's folder.
        name: of the notebook, with or without folders and ending; a solution is named with its folder.

    Raises:
        CourseError: the course has no such notebook.
    """
    folders, _, stem = name.replace("\\", "/").removesuffix(".ipynb").rpartition("/")
    among = FOLDERS[2:] if Path(folders).name == "solutions" else FOLDERS[:2]
    notebooks = {path.stem: path for folder in among for path in sorted((root / folder).glob("*.ipynb"))}
    renamed = {Path(old).stem: Path(new).stem for old, new in RENAMED.items()}
    source = notebooks.get(stem) or notebooks.get(renamed.get(stem, ""))
    if source is None:
        raise CourseError(f"The course has no notebook {stem!r}. It has: {', '.join(notebooks)}")
    work, name = root / "work", f"{source.parent.name}/{source.name}"
    target, manifest, said = work / name, read_manifest(work), []
    target.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(target) and target.read_bytes() != fresh(source):
        old = free_name(work, name, "old", lambda *_: False)
        write_atomically(work / old, target.read_bytes())
        said = [f"work/{old}: is yours as it was."]
    write_atomically(target, fresh(source))
    manifest["copied"][name] = digest(source)
    write_manifest(work, manifest)
    return [f"work/{name}: is a fresh copy. Where it is open: File, then Reload Notebook from Disk.", *said]


def rename(root: Path, work: Path, manifest: dict[str, dict[str, str]], report: Report) -> None:
    """Give the learner's copies the names of today; none takes the place of another file."""
    for old, new in RENAMED.items():
        free = (work / old).is_file() and not os.path.lexists(work / new)
        if free and (root / new).is_file() and not (root / old).exists():
            os.rename(work / old, work / new)
            report.renamed.append((old, new))
        for hashes in manifest.values():
            if old in hashes and not os.path.lexists(work / old):  # moved now, or by a call that was killed
                hashes.setdefault(new, hashes.pop(old))


def bring(source: Path, work: Path, name: str, manifest: dict[str, dict[str, str]], report: Report) -> None:
    """Bring one notebook up to date and note it in the manifest and the report."""
    target, newest, held = work / name, digest(source), held_digest(work / name)
    copied, offered = manifest["copied"], manifest["offered"]
    as_copied = held is not None and copied.get(name) in (held, byte_digest(target))
    if not os.path.lexists(target):
        if name in copied:
            report.deleted.append(name)
            return
        write_atomically(target, fresh(source))
        report.copied.append(name)
    elif as_copied and copied[name] != newest:
        write_atomically(target, fresh(source))
        report.replaced.append(name)
    elif held != newest:
        if newest not in (copied.get(name), offered.get(name)):
            report.beside.append((name, put_beside(source, work, name, copied)))
            offered[name] = newest
        return
    copied[name] = newest


def put_beside(source: Path, work: Path, name: str, copied: dict[str, str]) -> str:
    """Put a newer version beside a changed notebook, under a name that holds no work of the learner."""
    newest = digest(source)
    new = free_name(work, name, "new", lambda new, held: held in (newest, copied.get(new)))
    if held_digest(work / new) != newest:
        write_atomically(work / new, fresh(source))
    copied[new] = newest
    return new


def free_name(work: Path, name: str, word: str, is_ours: Callable[[str, str], bool]) -> str:
    """Return the first of `NAME.word.ipynb`, `NAME.word-2.ipynb` … that is free, or ours by its hash."""
    stem = name.removesuffix(".ipynb")
    for number in itertools.count(1):
        new = f"{stem}.{word}.ipynb" if number == 1 else f"{stem}.{word}-{number}.ipynb"
        held = held_digest(work / new)
        if not os.path.lexists(work / new) or (held is not None and is_ours(new, held)):
            break
    return new


def fresh(source: Path) -> bytes:
    """Return a notebook without outputs, so that the reader thinks first; what is no notebook, as it is."""
    content = source.read_bytes()
    try:
        notebook = json.loads(content)
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell |= {"outputs": [], "execution_count": None}
    except (ValueError, LookupError, TypeError):
        return content
    return (json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def held_digest(path: Path) -> str | None:
    """Return the hash of what the learner holds under a name; None where nothing can be read there."""
    with contextlib.suppress(OSError):
        return digest(path)
    return None


def digest(path: Path) -> str:
    """Return the hash of a notebook's cells, outputs aside; of all bytes where it is none."""
    content = path.read_bytes()
    try:
        cells = json.loads(content)["cells"]
        written = [[cell["cell_type"], "".join(cell["source"]), tags(cell)] for cell in cells]
    except (ValueError, LookupError, TypeError, AttributeError):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha256(json.dumps(written).encode()).hexdigest()


def tags(cell: dict) -> list[str]:
    """Return a cell's tags, which say how it is shown and whether it may fail."""
    return cell.get("metadata", {}).get("tags", [])


def byte_digest(path: Path) -> str | None:
    """Return the hash of a file's bytes (noted so before outputs were left out); None where it has none."""
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


def write_manifest(work: Path, manifest: dict[str, dict[str, str]]) -> None:
    """Write the hashes down."""
    write_atomically(work / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True).encode())
