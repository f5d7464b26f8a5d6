"""The course's only entry point: `python course.py lab` to learn, `python course.py --help` for the rest.

This file also parses on Python 2 and early 3, so that these get an answer instead of a SyntaxError.
"""

import os
import sys

OLDEST, NEWEST = (3, 11), (3, 14)


def version(numbers):
    return ".".join(map(str, numbers))


def refuse_other_pythons():
    bits = 64 if sys.maxsize > 2**32 else 32
    if OLDEST <= tuple(sys.version_info[:2]) <= NEWEST and bits == 64:
        return
    found = version(sys.version_info[:3]) + " (" + str(bits) + "-bit), " + str(sys.executable)
    lines = [
        "This course needs Python " + version(OLDEST) + " to " + version(NEWEST) + " (64-bit).",
        "This is Python " + found,
        "Install one of those (https://www.python.org/downloads/, conda, pyenv, brew) and call it by name:",
        "    python" + version(OLDEST) + " course.py lab",
        "    py -" + version(OLDEST) + " course.py lab        (on Windows)",
    ]
    sys.exit("\n".join(lines))


def take_utf8():
    """Start again in UTF-8 mode where paths would be read as ASCII (LC_ALL=C with PYTHONUTF8=0)."""
    if sys.getfilesystemencoding() != "utf-8" and os.environ.get("PYTHONUTF8") != "1":
        os.environ["PYTHONUTF8"], os.environ["LC_ALL"] = "1", "C.UTF-8"  # 3.11 reads .pth files by the latter
        os.execv(sys.executable, sys.orig_argv)


if __name__ == "__main__":
    refuse_other_pythons()
    take_utf8()
    from tools.commands import main

    sys.exit(main())
