"""What is kept of a class that is graded: a file for each submission, its page, the teacher's seed."""

import functools
import hashlib
import json
import secrets
from pathlib import Path

from labcode._files import write_atomically
from tools import grade_pages
from tools.submissions import Submission

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ROOT / "tools" / "run_answers.py"
NOT_RUN = "could not be run"


class Results:
    """What is kept of a class, in a folder.

    Args:
        folder: where.
        seed: the teacher's; None for the one that is kept there, or a new one.
    """

    def __init__(self, folder: Path, seed: int | None):
        self.folder, kept = folder, folder / "seed.txt"
        for name in ("results", "pages"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        if seed is None and kept.exists():
            seed = int(kept.read_text("utf-8"))
        self.seed = secrets.randbelow(10**9) if seed is None else seed
        write_atomically(kept, f"{self.seed}\n".encode())

    def path(self, one: Submission) -> Path:
        """Return where a submission's result is kept."""
        return self.folder / "results" / f"{grade_pages.name_of(str(one.path))}.json"

    def key(self, one: Submission) -> str:
        """Return what a result depends on: the answers, the seed, and the code that grades."""
        parts = [self.seed, graders_code(), one.learner, one.trouble, one.cells]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def read(self, one: Submission) -> dict | None:
        """Return a submission's result; None where it is not graded as it is now."""
        try:
            kept = json.loads(self.path(one).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return kept["result"] if kept.get("key") == self.key(one) else None

    def keep(self, one: Submission, result: dict) -> None:
        """Write a submission's result and page; one that could not be run is tried again the next time."""
        page = self.folder / "pages" / f"{grade_pages.name_of(str(one.path))}.html"
        write_atomically(page, grade_pages.page(result).encode())
        if not result["trouble"].startswith(NOT_RUN):
            text = json.dumps({"key": self.key(one), "result": result}, indent=1)
            write_atomically(self.path(one), text.encode())


@functools.cache
def graders_code() -> str:
    """Return a hash of the checkers, and of what runs answers."""
    digest = hashlib.sha256()
    for path in [PROGRAM, *sorted((ROOT / "labcode" / "check").rglob("*.py"))]:
        digest.update(path.read_bytes())
    return digest.hexdigest()
