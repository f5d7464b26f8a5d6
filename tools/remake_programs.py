"""Write the programs of all packages of an environment again: `python -m tools.remake_programs FOLDER`.

Each holds the path of its Python, which a moved environment has left behind.
"""

import sys
from importlib.metadata import distributions
from sysconfig import get_path

from pip._vendor.distlib.scripts import ScriptMaker


def main(folder: str) -> None:
    """Write each package's entry points into the folder."""
    maker = ScriptMaker(None, folder)
    maker.clobber, maker.set_mode, maker.variants = True, True, {""}
    for package in distributions(path=[get_path("purelib")]):
        for point in package.entry_points:
            if point.group in ("console_scripts", "gui_scripts"):
                gui = {"gui": point.group == "gui_scripts"}
                maker.make(f"{point.name} = {point.value.partition('[')[0].strip()}", gui)
    minor = f"pip{sys.version_info[0]}.{sys.version_info[1]}"
    maker.make(f"{minor} = pip._internal.cli.main:main")


if __name__ == "__main__":
    main(sys.argv[1])
