"""What a learner's code does to the kernel: nothing. It is stopped in time, cut short, kept from leaving."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
import warnings

import numpy as np
import pytest

from labcode import check
from labcode.check.core import Case, Checker, NotYet, limit
from labcode.check.core import limits as limits_of_checks
from labcode.check.core.limits import LINES, SECONDS

CHECKER = Checker("task", lambda x: x + 1, (Case("one", (1.0,)), Case("two", (2.0,))), (), "Good.")


@pytest.fixture
def short():
    """A limit of a third of a second; the usual one afterwards."""
    limit(0.3)
    yield
    limit(SECONDS)


def said(answer) -> str:
    with pytest.raises(NotYet) as caught:
        CHECKER(answer)
    return str(caught.value)


def _endless(x):
    while True:
        x += 1


def _swallows(x):
    while True:
        with contextlib.suppress(BaseException):
            sum(range(100))


def _waits(x):
    while True:
        time.sleep(0.01)


def _endless_generator(x):
    def steps():
        while True:
            yield x

    return sum(steps())


@pytest.mark.parametrize("answer", [_endless, _swallows, _waits, _endless_generator])
def test_a_loop_without_an_end_is_stopped_and_its_line_named(answer, short):
    message = said(answer)
    assert "was stopped after 0.3 seconds" in message
    assert "check.limit(60)" in message
    assert "in line" in message
    CHECKER(CHECKER.solution)  # nothing is sent afterwards


def test_the_limit_is_that_of_the_whole_check_and_a_task_may_need_more(short):
    slow = Checker("task", CHECKER.solution, CHECKER.cases, (), "", seconds=60.0)

    def takes_longer(x):
        for _ in range(10**6):
            pass
        return x + 1

    slow(takes_longer)
    with pytest.raises(ValueError, match="above 0"):
        check.limit(0)


def test_imports_do_not_count(short, tmp_path, monkeypatch):
    (tmp_path / "takes_its_time.py").write_text("for _ in range(10**7):\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)

    def answer(x):
        import takes_its_time  # noqa: F401

        return x + 1

    CHECKER(answer)


def _raises(error):
    def answer(x):
        raise error

    return answer


class _Unwritable(Exception):
    def __str__(self):
        raise RuntimeError("no")


def _deep(x):
    return _deep(x) + 1


@pytest.mark.parametrize(
    ("answer", "fragment"),
    [
        (lambda x: exit(), "raised SystemExit"),
        (lambda x: quit(3), "raised SystemExit"),
        (lambda x: sys.exit("bye"), "raised SystemExit"),
        (_raises(KeyboardInterrupt()), "raised KeyboardInterrupt"),
        (_raises(GeneratorExit()), "raised GeneratorExit"),
        (_raises(BaseException("odd")), "raised BaseException"),
        (_raises(_Unwritable()), "writing it failed with RuntimeError"),
        (_raises(MemoryError()), "stopped with MemoryError"),
        (_deep, "calls itself without an end"),
    ],
)
def test_no_answer_ends_the_kernel(answer, fragment):
    assert fragment in said(answer)
    assert check.points(answer, 3, task="bias_sum") == 0


def test_very_many_prints_are_cut_and_the_answer_still_counts(capsys):
    def prints(x):
        for number in range(10**5):
            print(number)
        return x + 1

    CHECKER(prints)
    out = capsys.readouterr().out
    assert f"\n{LINES - 1}\n" in out
    assert f"\n{LINES}\n" not in out
    assert "its first 100 lines are kept" in out
    assert "task: right." in out


def test_one_endless_line_is_cut_too(capsys):
    CHECKER(lambda x: print("a" * 10**7) or x + 1)
    assert len(capsys.readouterr().out) < 30_000


def test_warnings_and_what_goes_to_stderr_come_on_standard_output(capsys):
    def warns(x):
        print("to stderr", file=sys.stderr)
        warnings.warn("careful", stacklevel=1)
        return x + 1 + 0 * float(np.float64(1.0) / np.float64(2.0))

    CHECKER(warns)
    out, err = capsys.readouterr()
    assert err == ""
    assert "to stderr" in out
    assert "UserWarning" in out
    assert "careful" in out


CTRL_C = """
import sys
from labcode.check.core import Case, Checker
def endless(x):
    print("running", flush=True)
    while True:
        pass
try:
    Checker("task", lambda x: x, (Case("one", (1,)),), (), "")(endless)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.skipif(os.name == "nt", reason="there a console sends Ctrl-C to the tests themselves, too")
def test_a_real_ctrl_c_still_interrupts():
    process = subprocess.Popen([sys.executable, "-c", CTRL_C], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "running\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate()[0] == "interrupted\n"


def test_a_kernel_outlives_exit():
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3", extra_arguments=["--quiet"])
    try:
        cell = """
            from labcode.check.core import Case, Checker, NotYet
            def leaves(x):
                exit()
            try:
                Checker("task", lambda x: x, (Case("one", (1,)),), (), "")(leaves)
            except NotYet as message:
                print(message)
        """
        outputs = []
        for code in (textwrap.dedent(cell), "print('alive')"):
            reply = client.execute_interactive(
                code, output_hook=lambda message: outputs.append(message["content"]), timeout=120
            )
            assert reply["content"]["status"] == "ok"
            assert not reply["content"]["payload"]
        text = "".join(output.get("text", "") for output in outputs)
        assert "raised SystemExit" in text
        assert "alive" in text
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_nothing_is_taken_back_where_nothing_was_sent(monkeypatch):
    """Python 3.11 hangs after it, as soon as code is traced: in a debugger, or where coverage is measured."""
    sent = []
    monkeypatch.setattr(limits_of_checks, "_raise_in", lambda thread, kind: sent.append(kind))
    with limits_of_checks.guarded(3600.0):
        pass
    assert sent == []
