"""A course in miniature: course.py and its modules as they are, on packages made here, without a network."""

import os
import shutil
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

COURSE = Path(__file__).resolve().parents[2]

PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "toy-course"
version = "1.0"
dependencies = ["torch", "toydep", "jupyterlab"]

[project.optional-dependencies]
test = ["pytest"]
"""

CONSTRAINTS = "torch==1.0\ntoydep==1.0\n"

# What setuptools does for `pip install -e .`, in the few lines that a package of pure Python needs.
BACKEND = """
import tomllib
import zipfile
from pathlib import Path


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = ["Metadata-Version: 2.1", f"Name: {project['name']}", f"Version: {project['version']}"]
    lines += [f"Requires-Dist: {name}" for name in project["dependencies"]]
    for extra, names in extras.items():
        lines.append(f"Provides-Extra: {extra}")
        lines += [f'Requires-Dist: {name}; extra == "{extra}"' for name in names]
    info = "toy_course-1.0.dist-info"
    with zipfile.ZipFile(Path(wheel_directory, "toy_course-1.0-py3-none-any.whl"), "w") as wheel:
        wheel.writestr("toy_course.pth", str(Path.cwd()) + "\\n")
        wheel.writestr(f"{info}/METADATA", "\\n".join(lines) + "\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return "toy_course-1.0-py3-none-any.whl"
"""

# Answers as pytest does, as far as course.py can tell.
PYTEST = """
import os, sys
print("pytest got", sys.argv[1:], "in", os.getcwd())
sys.exit(5 if "fail" in sys.argv else 0)
"""

# Answers as JupyterLab does: the page to those who bring the token, an end to those who ask for it.
JUPYTERLAB = """
import os, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

options = dict(argument.lstrip("-").split("=", 1) for argument in sys.argv[1:])
token = os.environ["JUPYTER_TOKEN"]
Path(os.environ["JUPYTER_RUNTIME_DIR"]).mkdir(parents=True, exist_ok=True)
Path(os.environ["JUPYTER_RUNTIME_DIR"], "argv").write_text(" ".join(sys.argv), "utf-8")
if Path("die").exists():
    print("toy: no kernel today")
    sys.exit(3)


class Handler(BaseHTTPRequestHandler):
    def answer(self):
        allowed = token in self.path or self.headers.get("Authorization") == f"token {token}"
        self.send_response(200 if allowed else 403)
        self.end_headers()
        return allowed

    do_GET = answer

    def do_POST(self):
        if self.answer() and self.path == "/api/shutdown":
            print("toy: shut down as asked")
            threading.Thread(target=self.server.shutdown).start()


HTTPServer((options["ServerApp.ip"], int(options["ServerApp.port"])), Handler).serve_forever()
"""


def make_course(root: Path) -> Path:
    """Make the miniature course in a folder and return the folder."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(COURSE / "tools", root / "tools", ignore=ignore)
    (root / "labcode").mkdir()
    (root / "labcode" / "__init__.py").touch()
    shutil.copy(COURSE / "labcode" / "_files.py", root / "labcode")
    shutil.copy(COURSE / "course.py", root)
    (root / "pyproject.toml").write_text(PYPROJECT, "utf-8")
    (root / "constraints.txt").write_text(CONSTRAINTS, "utf-8")
    (root / "backend.py").write_text(BACKEND, "utf-8")
    for folder in ("notebooks", "exercises"):
        (root / folder).mkdir()
        (root / folder / "01_toy.ipynb").write_text("{}", "utf-8")
    return root


def make_wheels(folder: Path) -> Path:
    """Fill a folder with the packages that the miniature course asks for, and return the folder."""
    folder.mkdir(parents=True)
    make_wheel(folder, "torch", "1.0+cpu", {"torch.py": "device = 'cpu'\n"})
    make_wheel(folder, "toydep", "1.0", {"toydep.py": "version = 0\n"})
    make_wheel(folder, "toydep", "1.1", {"toydep.py": "version = 1\n"})
    make_wheel(folder, "jupyterlab", "1.0", {"jupyterlab.py": JUPYTERLAB})
    make_wheel(folder, "pytest", "1.0", {"pytest.py": PYTEST})
    make_wheel(folder, "setuptools", "80.0", {"setuptools.py": ""})
    return folder


def make_wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> None:
    """Write a wheel of pure Python."""
    info = f"{name}-{version}.dist-info"
    files |= {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)


def add_uv(folder: Path) -> bool:
    """Pack the uv of this environment into a wheel again; False where there is none."""
    try:
        uv = distribution("uv")
    except PackageNotFoundError:
        return False
    tag = next(line[5:] for line in uv.read_text("WHEEL").splitlines() if line.startswith("Tag: "))
    kept = [file for file in uv.files if file.name not in ("RECORD", "INSTALLER", "REQUESTED")]
    with zipfile.ZipFile(folder / f"uv-{uv.version}-{tag}.whl", "w") as wheel:
        for file in kept:
            is_program = file.parts[0] == ".."
            name = f"uv-{uv.version}.data/scripts/{file.name}" if is_program else file.as_posix()
            if file.suffix != ".pyc":
                wheel.write(file.locate(), name)
        wheel.writestr(f"uv-{uv.version}.dist-info/RECORD", "")
    return True


def replace_environment(monkeypatch, variables: dict[str, str]) -> None:
    """Give this process these environment variables and no others."""
    for name in os.environ.keys() - variables.keys():
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def without_network(wheels: Path, home: Path) -> dict[str, str]:
    """Return the environment variables of a computer that has these wheels and nothing else."""
    dropped = ("PIP_", "UV_", "COURSE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    settings = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels.as_uri(), "PIP_CONFIG_FILE": os.devnull}
    caches = {"UV_CACHE_DIR": str(home / "uv"), "PIP_CACHE_DIR": str(home / "pip"), "UV_OFFLINE": "1"}
    return kept | settings | caches
