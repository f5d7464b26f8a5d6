"""A wheel, installed elsewhere, is enough for the notebooks: results, data and all."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import jupytext
import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("labcode", "benchmarks", "evidence", "pyproject.toml", "README.md", "LICENSE")
CHAPTERS = ("01_background", "06_1_text")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with labcode as a wheel lays it down, far from the course."""
    folder = tmp_path_factory.mktemp("another room")
    (folder / "source").mkdir()
    for name in NEEDED:  # copied, as a build leaves files behind
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / "source" / name)
    build = "import setuptools.build_meta as b, sys; print(b.build_wheel(sys.argv[1]))"
    command = [sys.executable, "-c", build, str(folder)]
    done = subprocess.run(command, cwd=folder / "source", capture_output=True, text=True, check=False)
    if "No module named 'setuptools'" in done.stderr:
        pytest.skip("needs setuptools, which builds the wheel")
    assert done.returncode == 0, done.stderr[-2000:]
    shutil.unpack_archive(next(folder.glob("*.whl")), folder / "site", "zip")
    return folder / "site"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_runs_on_the_wheel_alone(installed, tmp_path, chapter):
    cells = jupytext.read(ROOT / "source" / "chapters" / f"{chapter}.py").cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    where = "import labcode; print('labcode from', labcode.__file__)\n"
    script = tmp_path / "chapter.py"
    script.write_text(where + "display = print\n" + code, encoding="utf-8")
    env = os.environ | {"PYTHONPATH": str(installed), "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script)],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert f"labcode from {installed}" in done.stdout
