"""Inside, where a submission runs: its cells, then each task's function on the cases; plain data come out.

Imports nothing of the course but `labcode`. What a cell does to this program harms the submission alone: all
that comes out of here is taken for what a learner wrote.
"""

import contextlib
import ctypes
import json
import os
import platform
import signal
import struct
import sys

# By machine: its number in a filter; what must not be called. Each of these takes memory that no process is
# seen to hold (memfd_create, memfd_secret, shmget, msgget, socket, socketpair), reaches keys of the user's
# (add_key, request_key, keyctl), another process (ptrace, process_vm_readv, process_vm_writev, pidfd_getfd)
# or much of the kernel (unshare, setns, bpf, perf_event_open, userfaultfd, io_uring_setup).
FORBIDDEN = {
    "x86_64": (
        0xC000003E,
        (319, 447, 29, 68, 41, 53, 248, 249, 250, 101, 310, 311, 438, 272, 308, 321, 298, 323, 425),
    ),
    "aarch64": (
        0xC00000B7,
        (279, 447, 194, 186, 198, 199, 217, 218, 219, 117, 270, 271, 438, 97, 268, 280, 241, 282, 425),
    ),
}


def main() -> None:
    """Read a job from standard input and do it; nothing else is printed anywhere."""
    job = json.load(sys.stdin)
    send = open_channel()
    limit(**job["limits"])
    if job["apart"]:
        forbid(*FORBIDDEN[platform.machine()])
    from IPython.core.interactiveshell import InteractiveShell

    from labcode.check.core import Checker

    handed_in: dict[str, object] = {}
    _note_instead_of_checking(handed_in)
    collect, shell = Checker.collect, _shell(InteractiveShell)
    for number, source in job["cells"].items():
        if number not in job["skip"]:
            send({"begin": number})
            result = shell.run_cell(source, silent=True)
            error = result.error_before_exec or result.error_in_exec
            send({"end": number, "error": _said(error)})
    for task, seed in job["tasks"].items():
        if task not in job["skip"]:
            send({"begin": task})
            send({"end": task, "text": _collected(task, seed, handed_in, shell.user_ns, collect)})
            if job["apart"]:
                end_others()
    send({"all": True})
    os._exit(0)  # no thread of a learner's goes on


def open_channel():
    """Keep standard output for messages, and turn what anybody prints, or reads, to nothing."""
    channel, null, us = os.dup(1), os.open(os.devnull, os.O_RDWR), os.getpid()
    for standard in (0, 1, 2):
        os.dup2(null, standard)

    def send(message: dict) -> None:
        if os.getpid() != us:  # a copy that a learner's code has made of this program
            os._exit(0)
        text = json.dumps(message).encode() + b"\n"
        while text:
            text = text[os.write(channel, text) :]

    return send


def limit(**limits: int) -> None:
    """Set this process's limits and those of its children, where the system has such."""
    with contextlib.suppress(ImportError):
        import resource

        for name, most in ({"RLIMIT_CORE": 0, "RLIMIT_NOFILE": 256} | limits).items():
            with contextlib.suppress(AttributeError, ValueError, OSError):
                resource.setrlimit(getattr(resource, name), (most, most))


def forbid(machine: int, calls: tuple[int, ...]) -> None:
    """Have the kernel refuse some system calls to this process and all that it starts (seccomp).

    Args:
        machine: whose numbers they are, as the kernel names it; a call by another's ends the process.
        calls: their numbers.

    Raises:
        OSError: the kernel has no such filters.
    """
    read, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06  # of the kernel's filter language
    others = 0x40000000  # a second set of numbers for the same calls
    rules = [(read, 0, 0, 4), (equal, 1, 0, machine), (answer, 0, 0, 0x80000000), (read, 0, 0, 0)]
    tests = [(at_least, others), *((equal, number) for number in calls)]
    rules += [(kind, len(tests) - n, 0, number) for n, (kind, number) in enumerate(tests)]
    rules += [(answer, 0, 0, 0x7FFF0000), (answer, 0, 0, 0x00050001)]  # allowed; not permitted
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
    program = struct.pack("HP", len(rules), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    for request in ((38, 1, 0, 0, 0), (22, 2, program, 0, 0)):  # no new rights; the filter
        if libc.prctl(*request):
            raise OSError(ctypes.get_errno(), "the kernel takes no filter of system calls")


def end_others() -> None:
    """End all processes that a task has left; only inside, where this one is among the first."""
    if os.getpid() > 9 or os.getuid() != 65534:
        return
    with contextlib.suppress(ProcessLookupError):
        for _ in range(1000):
            os.kill(-1, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG) != (0, 0):
                    pass


def _note_instead_of_checking(handed_in: dict[str, object]) -> None:
    """Have each check keep the function that it is called with; it is judged elsewhere."""
    from labcode import check
    from labcode.check.core import Checker

    def note(checker, fn):
        handed_in[checker.name] = fn

    def points(fn, maximum, *, task=None):
        handed_in[task or getattr(fn, "__name__", "")] = fn
        return 0.0

    setattr(Checker, "__call__", note)  # noqa: B010 - a type checker knows no change of a method
    check.points = points


def _shell(kind):
    """Return IPython without a history; magics that ask for a window change nothing."""
    kind.enable_gui = lambda self, gui=None: None
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    return kind.instance(config=config)


def _collected(task, seed, handed_in, names, collect) -> str | None:
    """Return a task's data as text; None where nothing of its name was handed in."""
    from labcode import check

    missing = object()
    answer = handed_in.get(task, names.get(task, missing))
    return None if answer is missing else collect(getattr(check, task), answer, seed=seed).to_json()


def _said(error: BaseException | None) -> str | None:
    try:
        return None if error is None else f"{type(error).__name__}: {error}"[:300]
    except Exception:
        return type(error).__name__


if __name__ == "__main__":
    main()
