"""Where the trials of a search are kept, and locks that tell which of them somebody is working on.

A trial's lock belongs to the process that works on it. The operating system (or the database server) takes it
back when that process ends, however it ends. So a trial that is not finished and not locked is free: nothing
has to wait for a deadline, and no clock is compared with another.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
from filelock import FileLock, Timeout
from optuna.storages import InMemoryStorage
from optuna.storages.journal import JournalFileBackend, JournalStorage

from labcode._checks import expect

KEEPALIVE = {"tcp_keepalives_idle": 30, "tcp_keepalives_interval": 10, "tcp_keepalives_count": 3}  # seconds


class NoLocks:
    """For a search in the memory of one process: every lock is free."""

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        """Hold a lock inside the block, waiting for it if needed."""
        yield

    def take(self, name: str) -> bool:
        """Take a lock without waiting; say whether it is ours now."""
        return True

    def release(self, name: str) -> None:
        """Give a lock back."""

    def close(self) -> None:
        """Give back all that is held."""


class FileLocks(NoLocks):
    """Locks as files in a folder, for the processes of one machine."""

    def __init__(self, folder: Path):
        self.folder, self._held = folder, {}
        folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        with self._lock(name):
            yield

    def take(self, name: str) -> bool:
        lock = self._lock(name)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return False
        self._held[name] = lock
        return True

    def release(self, name: str) -> None:
        self._held.pop(name).release()

    def close(self) -> None:
        for name in list(self._held):
            self.release(name)

    def _lock(self, name: str) -> FileLock:
        return FileLock(self.folder / f"{_number(name):x}.lock", thread_local=False)


class DatabaseLocks(NoLocks):
    """Advisory locks of a PostgreSQL server, for processes on any machine; held by one connection."""

    def __init__(self, url: str):
        from sqlalchemy import NullPool, create_engine

        engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        self._connection, self._held = engine.connect(), set()
        for name, value in KEEPALIVE.items():  # a machine that loses power says no goodbye
            self._connection.exec_driver_sql(f"SET {name} = {value}")

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        self._call("pg_advisory_lock", name)
        try:
            yield
        finally:
            self._call("pg_advisory_unlock", name)

    def take(self, name: str) -> bool:
        if name in self._held or not self._call("pg_try_advisory_lock", name):
            return False
        self._held.add(name)
        return True

    def release(self, name: str) -> None:
        self._held.remove(name)
        self._call("pg_advisory_unlock", name)

    def close(self) -> None:
        self._held.clear()
        self._connection.close()

    def _call(self, function: str, name: str) -> object:
        key = _number(name) - 2**63  # what PostgreSQL takes is signed
        return self._connection.exec_driver_sql(f"SELECT {function}({key})").scalar()


class JournalLock:
    """The lock of a journal file that Optuna writes under; it first removes half a line that a death left.

    Optuna's own locks are files that stay when their process is killed: the others would wait half a minute.
    """

    def __init__(self, path: Path, lock: FileLock):
        self.path, self._lock = path, lock

    def acquire(self) -> bool:
        """Wait for the lock, and mend the end of the file."""
        self._lock.acquire()
        try:
            self._mend()
        except BaseException:
            self._lock.release()
            raise
        return True

    def release(self) -> None:
        """Give the lock back."""
        self._lock.release()

    def _mend(self) -> None:
        with open(self.path, "rb+") as journal:
            size = journal.seek(0, os.SEEK_END)
            if size == 0:
                return
            journal.seek(size - 1)
            if journal.read(1) != b"\n":
                journal.seek(0)
                journal.truncate(journal.read().rfind(b"\n") + 1)


@contextmanager
def opened(storage: str | os.PathLike | None) -> Iterator[tuple[optuna.storages.BaseStorage, NoLocks]]:
    """Open a storage inside the block, and give back its locks at the end.

    Args:
        storage: None for the memory of this process; the path of a journal file on this machine; or
            the URL of a PostgreSQL database, ``"postgresql://USER:PASSWORD@HOST/DATABASE"``.

    Yields:
        The storage as Optuna takes it, and the locks.

    Raises:
        ValueError: something else, or a URL without the package that speaks to PostgreSQL.
    """
    expected = "None, the path of a journal file, or the URL of a PostgreSQL database"
    expect(storage is None or isinstance(storage, str | os.PathLike), "storage", expected, storage)
    scheme, separator, rest = str(storage).partition("://")
    if storage is None:
        made, locks = InMemoryStorage(), NoLocks()
    elif not separator:
        made, locks = _journal(Path(storage))
    else:
        expect(scheme.partition("+")[0] == "postgresql", "storage", expected, f"a URL with {scheme}://")
        made, locks = _database(f"postgresql+psycopg://{rest}")
    with contextlib.closing(locks):
        try:
            yield made, locks
        finally:
            if separator:
                made.engine.dispose()


def _journal(path: Path) -> tuple[JournalStorage, FileLocks]:
    expect(str(path) not in ("", "."), "storage", "the path of a journal file", str(path))
    expect(not path.is_dir(), "storage", "the path of a journal file", f"the folder {path.name}")
    locks = FileLocks(path.with_name(f"{path.name}.locks"))
    path.touch()
    lock = JournalLock(path, FileLock(locks.folder / "journal.lock", thread_local=False))
    return JournalStorage(JournalFileBackend(os.fspath(path), lock_obj=lock)), locks


def _database(url: str) -> tuple[optuna.storages.RDBStorage, DatabaseLocks]:
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        message = "storage: expected the extra [postgresql] with a URL, received no package psycopg"
        raise ValueError(message) from error
    locks = DatabaseLocks(url)
    with locks.held("tables"):  # two processes that make the same tables at once would stumble
        return optuna.storages.RDBStorage(url), locks


def _number(name: str) -> int:
    """Return a number of 64 bits that stands for a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
