"""The course's only entry point: `python course.py lab` to learn, `python course.py --help` for the rest.

This file also parses on Python 2 and early 3, so that these get an answer instead of a SyntaxError.
"""

import sys

OLDEST, NEWEST = (3, 11), (3, 14)


def version(numbers):
    return ".".join(map(str, numbers))


def refuse_other_pythons():
    fits = OLDEST <= tuple(sys.version_info[:2]) <= NEWEST and sys.maxsize > 2**32
    if not fits:
        bits = "64-bit" if sys.maxsize > 2**32 else "32-bit"
        sys.exit(
            "This course needs Python " + version(OLDEST) + " to " + version(NEWEST) + " (64-bit); "
            "this is Python "
            + version(sys.version_info[:3])
            + " ("
            + bits
            + "), "
            + str(sys.executable)
            + ".\n"
            "Install a newer one from https://www.python.org/downloads/ (or with conda, pyenv, apt, brew), "
            "then call it by its name, for example:\n    python" + version(OLDEST) + " course.py lab"
        )


if __name__ == "__main__":
    refuse_other_pythons()
    from labcode.course.commands import main

    sys.exit(main())
