"""Run a program that works in steps, and go on without each step that ends it, hangs or takes too much.

The program reads one JSON text, writes a line of JSON when a step begins and one with what it gave. It need
not be trusted: what it sends is bounded, and is data.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.sandbox import MEGABYTE, Limits

TICK, SLOWEST = 0.25, 5
LEAST = 1000  # bytes that a line counts for; empty ones take memory and time, too
MOST_STOPS = 4  # so many steps may end the program, one after the other; then it is not tried again
NOT_TRIED = "was not tried: {} other steps had ended the program before"
MUCH = "too much"
START = "start"  # what comes before the first step
stopping = threading.Event()  # set where all that runs has to end


@dataclass
class Ran:
    """What came of the steps: by name what one gave, or why it stopped."""

    gave: dict[str, dict] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)


def run(
    command: list[str],
    job: dict,
    seconds: Mapping[str, float],
    limits: Limits,
    again: Collection[str] = (),
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
) -> Ran:
    """Run all steps, in a program that is started again where one of them has ended it.

    Args:
        command: the program.
        job: what it reads; of its `skip`, a list of names, it does none.
        seconds: by name, how long each step may work; one that sleeps has five times that.
        limits: what it may take in all.
        again: steps that others build on; they are done again where the program is started again.
        env: its environment variables; None for this process's.
        cwd: where it runs.
    """
    ran, until = Ran(), time.monotonic() + limits.seconds
    while len(ran.stopped) < MOST_STOPS:
        process = _start(command, job | {"skip": [*ran.stopped, *(ran.gave.keys() - again)]}, env, cwd)
        try:
            stop = _listen(process, seconds, limits, until, ran.gave)
        finally:
            end(process)
        if stop is None:
            break
        ran.stopped[stop[0]] = stop[1]
        if stop[0] not in seconds or time.monotonic() > until:
            break
    why = NOT_TRIED.format(len(ran.stopped)) if ran.stopped else "sent nothing"
    ran.stopped |= {name: why for name in seconds if name not in ran.gave and name not in ran.stopped}
    return ran


def _start(command, job, env, cwd) -> subprocess.Popen:
    with tempfile.TemporaryFile() as given:
        given.write(json.dumps(job).encode())
        given.seek(0)
        return subprocess.Popen(
            command,
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )


def end(process: subprocess.Popen) -> None:
    """End a program with all that it has started; bubblewrap's own end takes everything inside along."""
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def _listen(process, seconds, limits, until, gave) -> tuple[str, str] | None:
    """Take in what a program sends, in ``gave``; return the step that stopped it and why, None at its end."""
    lines: queue.Queue[bytes | str] = queue.Queue()
    threading.Thread(target=_read, args=(process.stdout, lines, limits.sent), daemon=True).start()
    step, used, watch = START, 0.0, Watch(process.pid)
    begun = {START}
    while True:
        line = _next(lines)
        if line == MUCH:
            return step, f"sent more than {limits.sent // MEGABYTE} MB of data, or thousands of messages"
        if line == b"":
            return step, "ended the program"
        message = _message(line, seconds)
        if "begin" in message and message["begin"] not in begun:  # the second time it gets no more time
            step, used = message["begin"], 0.0
            begun.add(step)
        elif "end" in message:
            gave.setdefault(message["end"], message)
        elif message.get("all") is True:
            return None
        used += watch.passed()
        if stopping.is_set():
            raise KeyboardInterrupt
        if time.monotonic() > until:
            return step, f"had not ended when the {limits.seconds:g} s of a submission were over"
        if used > seconds.get(step, limits.seconds):
            return step, f"had not ended after {used:.0f} s"
        if watch.memory > limits.memory:
            return step, f"took more than {limits.memory // MEGABYTE:,} MB of memory"


class Watch:
    """Watches a process and all below it: ``memory`` that they hold, in bytes, and how long they have worked.

    Args:
        pid: of the process.
    """

    def __init__(self, pid: int):
        self.pid, self.memory = pid, 0
        self._looked, self._worked = time.monotonic(), 0.0

    def passed(self) -> float:
        """Return how long they have worked since the last look, but at least a fifth of the time.

        So a busy machine costs nobody points, and what only sleeps has an end, too.
        """
        now = time.monotonic()
        if (by_clock := now - self._looked) < TICK:
            return 0.0
        self.memory, worked = usage(self.pid)
        share = min(by_clock, worked - self._worked if worked else by_clock)
        self._looked, self._worked = now, worked
        return max(share, by_clock / SLOWEST)


def _read(stream, lines: queue.Queue, most: int) -> None:
    """Put a program's lines into a queue, b"" at its end, a word where there are too many."""
    with contextlib.suppress(OSError, ValueError):
        while most > 0:
            line = stream.readline(most)
            most -= max(len(line), LEAST)
            lines.put(line)
            if not line:
                return
    lines.put(MUCH)


def _next(lines: queue.Queue) -> Any:
    with contextlib.suppress(queue.Empty):
        return lines.get(timeout=TICK)
    return None


def _message(line: bytes | None, seconds: Mapping[str, float]) -> dict:
    """Return a line's message; an empty one where it is none, or is about a step that there is not."""
    try:
        message = json.loads(line or b"{}")
        named = [message[key] for key in ("begin", "end") if key in message]
        return dict(message) if all(name in seconds for name in named) else {}
    except (ValueError, AttributeError, TypeError, RecursionError):
        return {}


def usage(pid: int) -> tuple[int, float]:
    """Return the bytes of memory that a process and all below it hold, and the seconds they have worked.

    Both are 0 where the system does not say.
    """
    children: dict[int, list[int]] = {}
    told: dict[int, tuple[int, int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(entry.name))
            told[int(entry.name)] = int(fields[21]), sum(map(int, fields[11:15]))
    pages, ticks, waiting = 0, 0, [pid]
    while waiting:
        one = waiting.pop()
        more = told.get(one, (0, 0))
        pages, ticks = pages + more[0], ticks + more[1]
        waiting += children.pop(one, [])
    if not pages:
        return 0, 0.0
    return pages * os.sysconf("SC_PAGE_SIZE"), ticks / os.sysconf("SC_CLK_TCK")
