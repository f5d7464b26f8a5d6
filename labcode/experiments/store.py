"""Finished runs as files: none is lost, none is repeated, and several processes may share the folder."""

import json
from pathlib import Path

from filelock import FileLock, Timeout

from labcode._checks import expect
from labcode._files import write_atomically


class Store:
    """A folder with one JSON file for each finished run.

    A run is claimed before it begins, by a lock that the operating system takes back when the process that
    holds it ends, however it ends. A record appears under its name whole or not at all, and never changes.

    Args:
        folder: where the records are; made if needed.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        (self.folder / "locks").mkdir(parents=True, exist_ok=True)
        self._claims: dict[str, FileLock] = {}

    def __contains__(self, key: str) -> bool:
        return self._path(key).exists()

    def read(self, key: str) -> dict:
        """Return the record of a finished run.

        Raises:
            ValueError: it is not finished.
        """
        expect(key in self, "key", f"a finished run in {self.folder.name}/", key)
        return json.loads(self._path(key).read_text(encoding="utf-8"))

    def claim(self, key: str) -> bool:
        """Claim a run for this process, without waiting.

        Returns:
            True if it is ours to do; False if it is finished, or claimed (here or elsewhere).
        """
        if key in self or key in self._claims:
            return False
        lock = FileLock(self.folder / "locks" / f"{key}.lock", thread_local=False)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return False
        if key in self:  # finished by another process between the first look and the claim
            lock.release()
            return False
        self._claims[key] = lock
        return True

    def write(self, key: str, record: dict) -> None:
        """Write the record of a run that this process has claimed, and give the claim back.

        Raises:
            ValueError: the run is not claimed, or has a record already.
        """
        expect(key in self._claims, "key", "a run that this process has claimed", key)
        expect(key not in self, "key", "a run without a record", key)
        write_atomically(self._path(key), json.dumps(record, separators=(",", ":")).encode())
        self.release(key)

    def release(self, key: str | None = None) -> None:
        """Give back one claim, or all that this process holds."""
        for claimed in list(self._claims) if key is None else [key]:
            self._claims.pop(claimed).release()

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"
