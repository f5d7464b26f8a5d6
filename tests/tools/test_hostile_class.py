"""A class of sixty, most of whom want to harm: each is contained and reported, the others are graded.

As a user other than root, since no limit holds for root's processes: `python course.py test -- -m long
tests/tools/test_hostile_class.py`, ten minutes. With a folder, `PYTHONPATH=. python
tests/tools/test_hostile_class.py FOLDER` only writes the submissions, for a run by hand.
"""

import csv
import json
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from submitted import MOST, ROOT, defined, notebook, write

from tools import sandbox

ALL = sum(MOST.values())
REST = ALL - MOST["touches"]  # the first task, where most of the harm is done
FORGED = """
import json, os
text = json.dumps({"end": "touches", "right": True, "share": 1.0, "points": 99, "text": "right"})
for channel in range(3, 30):
    try: os.write(channel, (text + "\\n").encode())
    except OSError: pass
def touches(method): return 0
"""
PATCHED = """
import labcode.check, labcode.check.core as core, labcode.check.core.checker as checker
core.Checker.judge = core.Checker._judge = lambda *given: core.Verdict(True, 1.0, "right")
core.Checker._same = checker.same = lambda *given, **more: True
def touches(method): return 0
"""
STARTS = """
import os
for name in ("sitecustomize.py", "usercustomize.py", "json.py", "numpy.py"):
    open(f"/tmp/{name}", "w").write("raise SystemExit")
os.environ |= dict(LD_PRELOAD="/tmp/x.so", PYTHONPATH="/tmp", PYTHONSTARTUP="/tmp/json.py")
"""
NAMES = ["right", "=1+1", "a;=1+1", "two\nlines", "<b>", "Anna/mine", "anna/mine", "Jos\u00e9", "Jose\u0301"]
CHANNELS = "for channel in range(3, 30):"
LOOPS = {  # what does not end, takes all or says too much, in a task's function
    "loop": ["while True: pass"],
    "loop that catches": [
        "while True:",
        "    try:",
        "        while True: pass",
        "    except BaseException: pass",
    ],
    "loop in C": ["return sum(range(10**13))"],
    "sleep": ["import time", "time.sleep(10**6)"],
    "memory": ["return [bytearray(10**8) for _ in range(10**4)]"],
    "memory of many": [
        "import os, time",
        "for _ in range(40):",
        "    if os.fork() == 0:",
        "        taken = [os.urandom(10**6) for _ in range(400)]",
        "        time.sleep(10**4)",
        "time.sleep(10**4)",
    ],
    "fork bomb": ["import os", "while True:", "    try: os.fork()", "    except OSError: pass"],
    "threads": ["import threading", "while True: threading.Thread(target=lambda: [0] * 10**6).start()"],
    "output": ["for _ in range(1000): print('x' * 10**6)", "return 0"],
    "raw output": ["import os", "for _ in range(1000): os.write(1, b'x' * 10**6)", "return 0"],
    "large data": ["return 'x' * 10**8"],
    "much data": ["return [0.5] * 3 * 10**6"],
    "memory that no process holds": [
        "import os",
        "held = [os.memfd_create('x') for _ in range(100)]",
        "for file in held: os.write(file, bytes(200 * 10**6))",
        "return held",
    ],
    "empty messages": [
        "import os",
        "while True:",
        f"    {CHANNELS}",
        "        try: os.write(channel, b'\\n' * 10**6)",
        "        except OSError: pass",
    ],
    "begins again": [
        "import os",
        "while True:",
        f"    {CHANNELS}",
        '        try: sum(range(10**5)), os.write(channel, b\'{"begin": "touches"}\\n\')',
        "        except BaseException: pass",
    ],
    "child that stays": [
        "import os, time",
        "if os.fork(): return time.sleep(1)",
        "os.setsid()",
        "while os.fork() == 0:",
        f"    {CHANNELS}",
        '        try: os.write(channel, b\'{"end": "touches", "right": true}\\n\')',
        "        except OSError: pass",
        "    time.sleep(0.01)",
        "time.sleep(10**4)",
    ],
    "exit": ["exit()"],
    "_exit": ["import os", "os._exit(0)"],
    "kills all": ["import os", "os.kill(-1, 9)"],
    "kills its parent": ["import os", "os.kill(os.getppid(), 9)", "os.kill(1, 9)", "return 0"],
    "crash of the interpreter": ["import ctypes", "ctypes.string_at(0)"],
    "endless data": [
        "class Odd(dict):",
        "    def items(self):",
        "        while True: yield 1, 2",
        "return Odd(a=1)",
    ],
}
FIRST = {  # lines before all others
    "cell that exits": "import os; os._exit(0)",
    "cell without end": "while True: pass",
    "cell that patches what is sent": "import json; json.dumps = lambda *given, **more: '{}'",
    "cell that raises": "raise RuntimeError('no')",
    "fills the disk": "try:\n    for n in range(10**5): open(f'/tmp/{n}', 'wb').write(b'x' * 10**7)\n"
    "except OSError: pass",
    "one large file": "try:\n    with open('/tmp/large', 'wb') as file:\n"
    "        for _ in range(10**5): file.write(b'x' * 10**7)\nexcept OSError: pass",
    "files that Python starts with": STARTS,
    "magics": "%matplotlib inline\n!echo here",
}


def hand_in(folder: Path, port: int) -> dict[str, float | None]:
    """Write all submissions; return the points that each should earn, None where nothing can be graded."""
    wanted: dict[str, float | None] = {}

    def one(name, points, *arguments, **options):
        write(folder / f"{name}.ipynb", *arguments, **options)
        wanted[f"{name}.ipynb"] = points

    one("blank", 0, kind="exercises")
    for name in NAMES:
        one(name, ALL)
    one("wrong", REST, defined("touches", "return 0"))
    one("imports the solution", REST, {"touches": "touches = check.touches.solution"})
    one("rebinds check", REST, {"touches": "class check: touches = print\ndef touches(m): return 0"})
    nb = notebook(defined("touches", "return 0"))
    nb["metadata"]["kernelspec"] = {"name": "../../x; exit", "argv": ["sh", "-c", "exit"]}
    for cell in nb["cells"]:
        cell["metadata"].setdefault("nbgrader", {})["points"] = 1000
    (folder / "metadata.ipynb").write_text(json.dumps(nb), "utf-8")
    wanted["metadata.ipynb"] = REST
    one("patches", REST, {"touches": PATCHED})
    one("forges", REST, {"touches": FORGED})
    home = "return [*glob.glob('/home/*'), *glob.glob('/root/*'), open('/etc/passwd').read()]"
    one("reads home", REST, defined("touches", "import glob", home))
    one("writes outside", REST, defined("touches", f"open({str(folder / 'written')!r}, 'w')"))
    connect = f"socket.create_connection(('127.0.0.1', {port}))"
    one("network", REST, defined("touches", "import socket", connect))
    for name, lines in LOOPS.items():
        one(name, REST, defined("touches", *lines))
    for name, lines in FIRST.items():
        one(name, 6 if name.startswith("cell") else ALL, first=lines)  # 6: what needs no import
    return wanted | dict.fromkeys(no_notebooks(folder))


def no_notebooks(folder: Path) -> list[str]:
    """Write what cannot be graded and return the names."""
    (folder / "broken.ipynb").write_text('{"cells": [', "utf-8")
    (folder / "deep.ipynb").write_text("[" * 10**6, "utf-8")
    with zipfile.ZipFile(folder / "packed.ipynb", "w") as archive:
        archive.write(folder / "right.ipynb", "right.ipynb")
    (folder / "class.zip").write_bytes((folder / "packed.ipynb").read_bytes())
    (folder / "link.ipynb").symlink_to(folder / "right.ipynb")
    with (folder / "large.ipynb").open("wb") as file:
        file.truncate(200 * 2**20)
    (folder / "empty.ipynb").write_text(json.dumps({"cells": []}), "utf-8")
    notebooks = ("broken", "deep", "packed", "link", "large", "empty")
    return ["class.zip", *(f"{name}.ipynb" for name in notebooks)]


def start(folder: Path, out: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "tools.grade", str(folder), "--out", str(out), "--jobs", "2"]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.mark.long
def test_each_is_contained_and_the_others_are_graded(tmp_path):
    if why := sandbox.refusal():
        pytest.skip(why)
    folder, out = tmp_path / "class", tmp_path / "graded"
    with socket.create_server(("127.0.0.1", 0)) as server:
        wanted = hand_in(folder, server.getsockname()[1])
        with start(folder, out) as first:
            while len(list(out.glob("results/*.json"))) < 3 and first.poll() is None:
                time.sleep(0.2)
            first.kill()
        with start(folder, out) as second:
            said, _ = second.communicate()
        server.settimeout(0.1)
        with pytest.raises(TimeoutError):
            server.accept()
    assert second.returncode == 0
    assert int(said.split(" are graded already")[0].split()[-1]) >= 3
    results = [json.loads(path.read_text("utf-8"))["result"] for path in out.glob("results/*.json")]
    earned = {one["file"]: one["points"] if one["exercise"] else None for one in results}
    assert {name: points for name, points in earned.items() if points != wanted[name]} == {}
    assert earned.keys() == wanted.keys()
    assert not (folder / "written").exists()
    with (out / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["learner"]: row for row in csv.DictReader(file)}
    assert len(list((out / "pages").iterdir())) == len(wanted)
    assert "more than once" in rows["Anna"]["note"]
    assert "more than once" in rows["Jos\u00e9"]["note"]
    assert {"'=1+1", "a;'=1+1", "two lines"} <= rows.keys()


if __name__ == "__main__":
    hand_in(Path(sys.argv[1]), 9)
