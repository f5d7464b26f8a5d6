"""What a learner's code may not do to the kernel: run for ever, end it, fill its screen.

Python code is stopped by an exception that another thread sends it, on every system. What cannot be stopped:
one call that stays in C (a product of huge matrices, `time.sleep`), and `os._exit`, which ends the process.
"""

import builtins
import contextlib
import ctypes
import io
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator

SECONDS, TICK, SLOWEST = 10.0, 0.1, 3
LINES, CHARACTERS = 100, 20_000
_seconds: float | None = SECONDS


class TimeUp(BaseException):
    """Sent into a learner's code whose time is over; no `except Exception` of theirs stops it."""


class Ended(Exception):
    """A learner's code called exit() or raised SystemExit, KeyboardInterrupt or the like; says which."""


def limit(seconds: float | None) -> None:
    """Set how long one check may run a learner's function, in this kernel.

    Args:
        seconds: above 0; None for no limit. It is 10 at the start.

    Raises:
        ValueError: it is not above 0.
    """
    global _seconds
    if seconds is not None and not (isinstance(seconds, int | float) and seconds > 0):
        raise ValueError(f"seconds: expected a number above 0 or None, received {seconds!r}")
    _seconds = seconds


def seconds_for(least: float) -> float | None:
    """Return the limit in force for a check that takes ``least`` seconds of its own; None for none."""
    return None if _seconds is None else max(_seconds, least)


class Watch:
    """Sends ``TimeUp`` into the thread that made it once its time is over, until the block has ended.

    Its time is what the process has worked, so that a busy machine refuses nobody, but at least a third of
    what has passed; imports do not count.

    Args:
        seconds: until then; None for never.
    """

    def __init__(self, seconds: float | None):
        self.seconds, self.thread = seconds, threading.get_ident()
        self.lock, self.over = threading.Lock(), threading.Event()
        self.late = False

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Watch a block; what is sent too late for it is taken back."""
        if self.seconds is None:
            yield
            return
        threading.Thread(target=self._send, args=(self.seconds,), daemon=True).start()
        try:
            yield
        finally:
            self._end()

    def _end(self):
        while not self.over.is_set():
            with contextlib.suppress(TimeUp), self.lock:
                self.over.set()
        if self.late:  # else there is nothing to take back, and Python 3.11 hangs on it in a debugger
            _raise_in(self.thread, None)

    def _send(self, seconds: float):
        used, then = 0.0, (time.monotonic(), time.process_time())
        while used < seconds and not self.over.wait(min(TICK, seconds / 4)):
            now = time.monotonic(), time.process_time()
            passed, worked = now[0] - then[0], now[1] - then[1]
            used += 0.0 if _is_importing(self.thread) else max(min(passed, worked), passed / SLOWEST)
            then = now
        while True:  # again and again: a bare `except:` in a loop swallows the first ones
            with self.lock:
                if self.over.is_set():
                    return
                self.late = True
                _raise_in(self.thread, TimeUp)
            self.over.wait(0.02)


def _is_importing(thread: int) -> bool:
    """Tell whether a thread is in the middle of an import; that of PyTorch alone can take long."""
    frame = sys._current_frames().get(thread)
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    what = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)


class FirstLines(io.TextIOBase):
    """Passes the first hundred lines on and drops the rest."""

    def __init__(self, target):
        self.target, self.lines, self.characters, self.dropped = target, 0, 0, False

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Write what still has room."""
        if not self.dropped:
            kept = "".join(text[: CHARACTERS - self.characters].splitlines(True)[: LINES - self.lines])
            self.target.write(kept)
            self.lines += kept.count("\n")
            self.characters += len(kept)
            self.dropped = len(text) > len(kept)
        return len(text)

    def flush(self) -> None:
        """Pass it on."""
        self.target.flush()

    def close_with_a_word(self) -> None:
        """Say that something was left out."""
        if self.dropped:
            self.target.write(f"\n(more was printed; only its first {LINES} lines are kept)\n")


@contextlib.contextmanager
def guarded(seconds: float | None) -> Iterator[Watch]:
    """Run a learner's code: limited in time and output, warnings to standard output, no way out.

    Raises:
        TimeUp: inside the block, when the time is over.
        Ended: the block raised SystemExit, KeyboardInterrupt (not one from the keyboard) or the like.
    """
    watch, output = Watch(seconds), FirstLines(sys.stdout)
    with _interrupts() as pressed, _no_exit(), warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output), watch.running():
                yield watch
        except (Exception, TimeUp):
            raise
        except BaseException as error:
            if pressed:
                raise
            raise Ended(type(error).__name__) from error
        finally:
            output.close_with_a_word()


def _show_warning(message, category, filename, lineno, file=None, line=None):
    print(f"{category.__name__}, line {lineno}: {message}")


@contextlib.contextmanager
def _interrupts() -> Iterator[list]:
    """Note a real Ctrl-C, so that it is told from a KeyboardInterrupt which the code itself raises."""
    pressed: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield pressed
        return

    def note(number, frame):
        pressed.append(number)
        before(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _no_exit() -> Iterator[None]:
    """Make exit() and quit() raise SystemExit and do nothing else, in a kernel and in a terminal."""

    def leave(code=None, *args, **kwargs):
        raise SystemExit(code)

    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    kept = {name: getattr(builtins, name) for name in ("exit", "quit") if hasattr(builtins, name)}
    for name in kept:
        setattr(builtins, name, leave)
    if shell is not None:
        shell.ask_exit = leave
    try:
        yield
    finally:
        for name, function in kept.items():
            setattr(builtins, name, function)
        if shell is not None:
            del shell.ask_exit
