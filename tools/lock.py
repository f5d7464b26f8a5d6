"""One set-up at a time: a lock on a file, which the system releases with the last process that holds it."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.process import say

if sys.platform == "win32":
    import msvcrt

    def try_lock(descriptor: int) -> bool:
        """Lock the file's first byte and return True, or return False where another process holds it."""
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def try_lock(descriptor: int) -> bool:
        """Lock the file and return True, or return False where another process holds it."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            say("Warning: this file system has no locks; do not run two set-ups of this course at once.")
        return True


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock inside the ``with`` block, waiting (and saying so) while another set-up has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        # Tools started meanwhile inherit the lock: if we are killed, it lasts until they have ended.
        os.set_inheritable(descriptor, True)
        if not try_lock(descriptor):
            say("Another set-up of this course is running; waiting for it (Ctrl-C stops waiting).")
            while not try_lock(descriptor):
                time.sleep(0.2)
        yield
    finally:
        os.close(descriptor)
