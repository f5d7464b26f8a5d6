"""The builder on a toy course: blanks, metadata, what is executed again, and what `--check` catches."""

import base64
import io
import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat import v4
from PIL import Image

from labcode import _files
from tools import build, build_record, exercise, sources
from tools.execute import NotebookError, execute, normalize
from tools.exercise import SourceError

CHAPTER = """\
# %% [markdown]
# # Toy chapter: Überanpassung
# 5 minutes

# %%
import os
from pathlib import Path
from labcode import penalties

print(penalties.NAME, Path.cwd().name, os.environ["TQDM_DISABLE"], "äλ")

# %%
1 + 1

# %%
1 + 1
"""

EXERCISE = '''\
# %% [markdown]
# # Toy exercise

# %%
from labcode import check


# %%
def double(x):
    """Return twice x."""
    # BEGIN SOLUTION
    return 2 * x
    # END SOLUTION


# %% points=2
check.double(double)

# %% grade_id="module-level"
# BEGIN SOLUTION
answer = double(21)
# END SOLUTION

# %% tags=["raises-exception"]
print(answer)
'''

LABCODE = {
    "__init__.py": "",
    "penalties.py": "def name():\n    from . import _checks\n    return _checks.NAME\n\nNAME = name()\n",
    "_checks.py": "NAME = 'toy labcode'\n",
    "unused.py": "import labcode.data\n",
    "check/__init__.py": "from labcode.check.core import double\n",
    "check/core.py": "def double(fn):\n    assert fn(2) == 4, 'not doubled'\n    print('right')\n",
}


ROOT = Path(__file__).resolve().parents[2]


def write(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def toy(tmp_path):
    """A course folder with a chapter, an exercise and a small labcode, in a path that is hard to quote."""
    root = tmp_path / "mein Kurs λ"
    write(root, "source/chapters/01_toy.py", CHAPTER)
    write(root, "source/exercises/01_toy.py", EXERCISE)
    for name, text in LABCODE.items():
        write(root, f"labcode/{name}", text)
    return root


@pytest.fixture
def runs(monkeypatch):
    """Replace execution by a quick stand-in; the list holds the folders of what ran."""

    class Runs(list):
        text = "ran\n"

    ran = Runs()

    def fake(nb, folder, root):
        ran.append(folder.name)
        for count, cell in enumerate((cell for cell in nb.cells if cell.cell_type == "code"), start=1):
            picture = v4.new_output("display_data", {"image/png": "aGVsbG8=", "text/plain": "<Figure>"})
            cell.outputs = [v4.new_output("stream", text=ran.text), picture]
            cell.execution_count = count

    monkeypatch.setattr(build, "execute", fake)
    return ran


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


# Exercises: one source, two notebooks


STATEMENTS = st.lists(
    st.sampled_from(["x = x + 1", "", "# a note", "x = 3 * x", "if x > 2:\n    x = -x"]), max_size=4
)


@settings(deadline=None, derandomize=True)
@given(STATEMENTS, STATEMENTS, STATEMENTS, st.sampled_from(["  ", "    "]), st.sampled_from(["#", "###"]))
def test_blank_and_solved_forms_run_as_python(before, solution, after, indent, hashes):
    block = [f"{hashes} BEGIN SOLUTION", "x = 5 - x", *solution, f"{hashes} END SOLUTION"]
    body = "\n".join([*before, *block, *after, "return x"])
    source = "def f(x):\n" + textwrap.indent(body, indent)
    marked, solved, blank = {}, {}, {}
    exec(source, marked)
    exec(exercise.solve(source), solved)
    exec(exercise.blank(source), blank)
    assert [solved["f"](x) for x in range(5)] == [marked["f"](x) for x in range(5)]
    with pytest.raises(NotImplementedError, match="write f in place of this line"):
        blank["f"](1)
    assert "5 - x" not in exercise.blank(source)
    assert "SOLUTION" not in exercise.blank(source) + exercise.solve(source)


def test_blanks_keep_their_indentation_and_name_what_is_asked_for():
    source = textwrap.dedent(
        """
        class Counter:
            def update(self, x):
                if x:
                    # BEGIN SOLUTION
                    self.wait = 0
                    # END SOLUTION
                else:
                    ### BEGIN SOLUTION
                    self.wait += 1
                    ### END SOLUTION

        # BEGIN SOLUTION
        counter = Counter()
        # END SOLUTION
        """
    )
    raised = [line for line in exercise.blank(source).splitlines() if "raise" in line]
    task = 'raise NotImplementedError("Your turn: write {} in place of this line.")'
    assert raised == [" " * 12 + task.format("update")] * 2 + [task.format("this part")]
    compile(exercise.blank(source), "blank", "exec")


@pytest.mark.parametrize(
    ("lines", "place", "fault"),
    [
        (["# END SOLUTION"], 3, "END SOLUTION without BEGIN"),
        (["# BEGIN SOLUTION", "x = 1"], 3, "BEGIN SOLUTION without END"),
        (["# BEGIN SOLUTION", "x = 1", "# BEGIN SOLUTION"], 5, "nested in .* line 3"),
        (["# BEGIN SOLUTION", "x = 1", "# %%", "# END SOLUTION"], 5, "the cell ends inside .* line 3"),
        (["# BEGIN SOLUTION", "# END SOLUTION"], 4, "an empty solution block"),
        (["x = 1  # BEGIN SOLUTION"], 3, "alone on its line"),
        (["# BEGIN SOLUTION: the sum", "x = 1", "# END SOLUTION"], 3, "alone on its line"),
    ],
)
def test_a_marker_out_of_place_names_file_and_line(lines, place, fault):
    text = "\n".join(["# %%", "y = 0", *lines])
    with pytest.raises(SourceError, match=rf"^exercises/a\.py:{place}: .*{fault}"):
        exercise.check_markers(text, "exercises/a.py")


def assert_valid_for_nbgrader(nb):
    """The rules that nbgrader publishes for its cell metadata, schema 3."""
    ids = set()
    for cell in nb.cells:
        meta = cell.metadata.get("nbgrader")
        if meta is None:
            continue
        assert set(meta) - {"points"} == {"schema_version", "grade_id", "grade", "solution", "locked", "task"}
        assert type(meta.schema_version) is int
        assert meta.schema_version == 3
        assert all(type(meta[key]) is bool for key in ("grade", "solution", "locked", "task"))
        assert re.fullmatch(r"[a-zA-Z0-9_\-]+", meta.grade_id)
        assert ("points" in meta) == meta.grade
        assert meta.get("points", 0) >= 0
        assert not meta.task or cell.cell_type == "markdown"
        assert cell.cell_type == "code"
        assert meta.grade_id not in ids
        ids.add(meta.grade_id)


def draft(root, folder):
    return sources.draft(sources.Target(root, folder, "01_toy"))


def test_cells_are_graded_as_nbgrader_wants(toy):
    for folder in ("exercises", "solutions"):
        nb = draft(toy, folder)
        nbformat.validate(nb)
        assert_valid_for_nbgrader(nb)
        graded = [cell.metadata.nbgrader for cell in nb.cells if "nbgrader" in cell.metadata]
        assert [meta.grade_id for meta in graded] == ["double", "check_double", "module-level"]
        assert [meta.solution for meta in graded] == [True, False, True]
        assert [meta.locked for meta in graded] == [meta.grade for meta in graded] == [False, True, False]
        assert graded[1].points == 2


def test_errors_are_allowed_in_the_exercise_and_never_in_the_solution(toy):
    edit(toy / "source/exercises/01_toy.py", "points=2", 'points=2 tags=["raises-exception"]')
    allowed = [cell.metadata.get("tags") for cell in draft(toy, "exercises").cells]
    assert allowed == [None, None, *[["raises-exception"]] * 4]
    assert [cell.metadata.get("tags") for cell in draft(toy, "solutions").cells] == [None] * 6


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('grade_id="module-level"', "", "cell 5: expected a grade_id"),
        ('grade_id="module-level"', 'grade_id="has space"', "received 'has space'"),
        ('grade_id="module-level"', 'grade_id="double"', "grade_id 'double' occurs twice"),
        ("points=2", "points=-1", "cell 4: points: expected a number of at least 0 .* received -1"),
        ("points=2", 'points="2"', "cell 4: points: .* received '2'"),
        ("points=2", "point=2", "cell 4: unknown option 'point'; known are tags, grade_id, points"),
        ('grade_id="module-level"', 'grade_id="m" points=1', "cell 5: points"),
        ('tags=["raises-exception"]', 'grade_id="x"', "cell 6: grade_id on a cell without"),
        ("answer = double(21)", "answer = check.double(21)", "cell 5: a blank and its check"),
        ("    return 2 * x", "    return 2 * * x", r":12: invalid syntax"),
    ],
)
def test_a_source_that_breaks_a_rule_is_named(toy, old, new, fault):
    edit(toy / "source/exercises/01_toy.py", old, new)
    with pytest.raises(SourceError, match=rf"^source/exercises/01_toy\.py.*{fault}"):
        draft(toy, "solutions")


def test_cell_ids_come_from_content_and_ordinal_alone(toy):
    before = [cell.id for cell in draft(toy, "notebooks").cells]
    assert len(set(before)) == len(before)  # two of the cells are equal
    edit(toy / "source/chapters/01_toy.py", "5 minutes", "6 minutes")
    after = [cell.id for cell in draft(toy, "notebooks").cells]
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, True, True, True]


# What a notebook depends on


def test_inputs_are_the_files_that_can_change_an_output(toy):
    write(toy, "labcode/data/dataset.py", "def load():\n    return 1\n")
    write(toy, "labcode/data/__init__.py", "")
    write(toy, "labcode/data/files/rain.csv", "1")
    write(toy, "evidence/results/capacity.json", "{}")
    write(toy, "evidence/results/other.json", "{}")

    def names(folder):
        return set(draft(toy, folder).metadata.course.inputs)

    chapter = {"labcode/penalties.py", "labcode/_checks.py"}
    assert names("notebooks") == chapter
    edit(
        toy / "source/chapters/01_toy.py",
        "1 + 1",
        "from labcode.data import dataset; dataset.load(); load_result('capacity')",
    )
    assert names("notebooks") == chapter | {
        "labcode/data/files/rain.csv",
        "labcode/data/dataset.py",
        "evidence/results/capacity.json",
    }
    assert names("exercises") == set()
    for file in ("labcode/experiments/__init__.py", "evidence/claims.toml"):
        write(toy, file, "")
    write(toy, "labcode/experiments/claims.py", "def ledger():\n    return []\n")
    edit(
        toy / "source/chapters/01_toy.py",
        "from labcode import",
        "from labcode.experiments import claims; claims.ledger(); from labcode import",
    )
    assert "evidence/claims.toml" in names("notebooks")


# Building and checking


def test_only_what_changed_is_executed_again(toy, runs, monkeypatch):
    assert build.main([], toy) == 0
    assert runs == ["notebooks", "solutions"]
    before = {path: path.stat().st_mtime_ns for path in toy.glob("*/*.ipynb")}
    assert len(before) == 3

    def built_after(*arguments):
        runs.clear()
        assert build.main(list(arguments), toy) == 0
        return list(runs)

    assert built_after() == []
    assert {path: path.stat().st_mtime_ns for path in toy.glob("*/*.ipynb")} == before
    write(toy, "labcode/unused.py", "changed = True\n")
    assert built_after() == []
    write(toy, "labcode/_checks.py", "NAME = 'changed'\n")
    assert built_after() == ["notebooks"]
    edit(toy / "source/exercises/01_toy.py", "2 * x", "x + x")
    assert built_after() == ["solutions"]
    assert built_after("01_toy") == ["notebooks", "solutions"]
    edit(toy / "source/chapters/01_toy.py", "5 minutes", "6 minutes")
    assert built_after() == []
    edit(toy / "labcode/penalties.py", "def name():\n", 'def name():\n    """Return the name."""\n')
    assert built_after() == []
    monkeypatch.setattr(sources, "FORMAT", sources.FORMAT + 1)
    assert built_after() == ["notebooks", "solutions"]


def test_a_build_with_nothing_to_do_remembers_so(toy, runs):
    assert not build_record.is_up_to_date(toy)
    build.main(["01_toy"], toy)
    assert not build_record.is_up_to_date(toy)  # the others were not looked at
    build.main([], toy)
    assert build_record.is_up_to_date(toy)
    write(toy, "labcode/__pycache__/unused.pyc", "")
    assert build_record.is_up_to_date(toy)
    for changed in ("labcode/unused.py", "notebooks/01_toy.ipynb", "tools/build.py", "source/new.py"):
        write(toy, changed, "changed\n")
        assert not build_record.is_up_to_date(toy)
        build_record.record(toy)


def test_text_alone_keeps_the_outputs(toy, runs, capsys):
    build.main([], toy)
    runs.clear()
    edit(toy / "source/chapters/01_toy.py", "5 minutes", "6 minutes")
    assert build.main([], toy) == 0
    assert not runs
    assert "notebooks/01_toy.ipynb  text" in capsys.readouterr().out
    built = build.read(toy / "notebooks/01_toy.ipynb")
    assert "6 minutes" in built.cells[0].source
    assert built.cells[1].outputs[0].text == "ran\n"
    edit(toy / "notebooks/01_toy.ipynb", "ran\\n", "won\\n")  # outputs that nobody can vouch for
    edit(toy / "source/chapters/01_toy.py", "6 minutes", "7 minutes")
    assert build.main([], toy) == 0
    assert runs == ["notebooks"]


def test_an_unknown_name_is_an_error(toy, runs, capsys):
    with pytest.raises(SystemExit):
        build.main(["02_missing"], toy)
    assert "no source is named 02_missing" in capsys.readouterr().err


def without_ids(path):
    """Turn a notebook into the older form 4.4, as an old Jupyter saves it."""
    text = re.sub(r'^ +"id": .*\n', "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    path.write_text(text.replace('"nbformat_minor": 5', '"nbformat_minor": 4'), encoding="utf-8")


STALE = {
    "missing": ("notebooks", lambda p: p.unlink(), "missing"),
    "broken": ("notebooks", lambda p: p.write_text("<<<<<<< ours\n"), "not a notebook that was built here"),
    "old form": ("notebooks", without_ids, "cells differ"),
    "foreign": (
        "notebooks",
        lambda p: nbformat.write(v4.new_notebook(), p),
        "not a notebook that was built here",
    ),
    "exercise": (
        "exercises",
        lambda p: edit(p, "Your turn", "My turn"),
        '-    raise NotImplementedError\\("My turn',
    ),
    "code": ("solutions", lambda p: edit(p, "2 * x", "3 * x"), r"-    return 3 \* x"),
    "tags": ("exercises", lambda p: edit(p, "raises-exception", "raises"), "cells differ"),
    "output": ("notebooks", lambda p: edit(p, "ran\\n", "won\\n"), r"edited by hand[\s\S]*-won\s+\+ran"),
    "picture": ("notebooks", lambda p: edit(p, "aGVsbG8=", "aGVsbG9="), "edited by hand"),
    "kernel": ("exercises", lambda p: edit(p, "ipykernel", "conda"), "edited by hand"),
    "inputs": (
        "notebooks",
        lambda p: write(p.parents[1], "labcode/_checks.py", ""),
        "changed .*: labcode/_checks.py",
    ),
    "source": (
        "notebooks",
        lambda p: edit(p.parents[1] / "source/chapters/01_toy.py", "5 m", "6 m"),
        r"\+6 minutes",
    ),
}


@pytest.mark.parametrize("kind", STALE)
def test_check_catches_what_is_stale_and_build_mends_it(toy, runs, capsys, kind):
    folder, spoil, words = STALE[kind]
    build.main([], toy)
    assert build.main(["--check"], toy) == 0
    spoil(toy / folder / "01_toy.ipynb")
    capsys.readouterr()
    assert build.main(["--check"], toy) == 1
    said = capsys.readouterr().out
    assert re.search(rf"STALE {folder}/01_toy\.ipynb: .*", said)
    assert re.search(words, said)
    assert "mend: python course.py build 01_toy" in said
    assert "2 of 3 notebooks were up to date" in said
    assert build.main([], toy) == 0
    assert build.main(["--check"], toy) == 0


def test_check_catches_outputs_that_come_out_otherwise_and_naming_mends_them(toy, runs, capsys):
    build.main([], toy)
    runs.text = "ran differently\n"
    assert build.main([], toy) == 0  # nothing that is known without executing has changed
    assert build.main(["--check"], toy) == 1
    assert "+ran differently" in capsys.readouterr().out
    assert build.main(["01_toy"], toy) == 0
    assert build.main(["--check"], toy) == 0


def test_check_catches_a_notebook_without_a_source(toy, runs, capsys):
    build.main([], toy)
    (toy / "exercises/01_toy.ipynb").rename(toy / "exercises/02_old.ipynb")
    build.main([], toy)
    assert build.main(["--check"], toy) == 1
    assert "SUPERFLUOUS exercises/02_old.ipynb" in capsys.readouterr().out


def test_a_failing_notebook_is_reported_and_the_others_are_built(toy, monkeypatch, capsys):
    def fake(nb, folder, root):
        if folder.name == "notebooks":
            raise NotebookError("cell 3 fails")

    monkeypatch.setattr(build, "execute", fake)
    assert build.main([], toy) == 1
    assert "FAILED notebooks/01_toy.ipynb: cell 3 fails" in capsys.readouterr().out
    assert sorted(path.parent.name for path in toy.glob("*/*.ipynb")) == ["exercises", "solutions"]


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_an_interrupted_build_leaves_whole_files(toy, runs, monkeypatch, moment):
    build.main([], toy)
    path = toy / "notebooks/01_toy.ipynb"
    before = path.read_bytes()

    def interrupt(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_files.os, moment, interrupt)
        runs.text = "another text\n"
        with pytest.raises(KeyboardInterrupt):
            build.main(["01_toy"], toy)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["01_toy.ipynb"]


# Execution


def notebook(*cells):
    return v4.new_notebook(
        cells=[v4.new_code_cell(source, outputs=list(outputs)) for source, *outputs in cells]
    )


@pytest.mark.parametrize(
    ("output", "fault"),
    [
        (
            v4.new_output("stream", name="stderr", text="a warning\n"),
            "code cell 2 writes to stderr: a warning",
        ),
        (
            v4.new_output("execute_result", {"text/plain": "<object at 0x7f12ab34cd56>"}),
            "code cell 2 shows an object's",
        ),
        (
            v4.new_output("display_data", {"text/html": "<b>at 0x000001F2AB34CD56</b>"}),
            "code cell 2 shows an object's",
        ),
        (v4.new_output("stream", text="read {root}/x.csv"), "code cell 2 shows this machine's path"),
    ],
)
def test_outputs_that_differ_elsewhere_are_refused(tmp_path, output, fault):
    if "text" in output:
        output.text = output.text.format(root=tmp_path)
    with pytest.raises(NotebookError, match=fault):
        normalize(notebook(["1"], ["2", output]), tmp_path)


def test_outputs_that_differ_from_run_to_run_are_dropped(tmp_path):
    widget = {
        "application/vnd.jupyter.widget-view+json": {"model_id": "c0ffee"},
        "text/plain": "IntSlider(at 0x7f12ab34cd56)",
    }
    trace = ["\x1b[31m---", f"File {tmp_path}/x.py", "\x1b[31mValueError\x1b[39m: no"]
    result = v4.new_output("execute_result", {"text/plain": "0xdeadbeef"}, execution_count=7)
    nb = notebook(
        ["slider", v4.new_output("display_data", widget)],
        ["fails", v4.new_output("error", ename="ValueError", evalue="no", traceback=trace)],
        [
            "result",
            result,
            v4.new_output("stream", name="stderr", text="Matplotlib is building the font cache; wait.\n"),
        ],
    )
    normalize(nb, tmp_path)
    assert [cell.execution_count for cell in nb.cells] == [1, 2, 3]
    assert nb.cells[0].outputs == []
    assert nb.cells[1].outputs[0].traceback == ["ValueError: no"]
    assert nb.cells[2].outputs == [result | {"execution_count": 3}]


@pytest.mark.parametrize("transparent", [False, True])
def test_pictures_have_at_most_256_colours_and_look_the_same(tmp_path, transparent):
    figure, axes = plt.subplots(figsize=(3, 2))
    axes.plot([0, 1, 0], label="a curve")
    axes.legend()
    raw = io.BytesIO()
    figure.savefig(raw, transparent=transparent)
    plt.close(figure)
    picture = v4.new_output("display_data", {"image/png": base64.b64encode(raw.getvalue()).decode()})
    nb = notebook(["plot", picture])
    normalize(nb, tmp_path)
    small = base64.b64decode(nb.cells[0].outputs[0].data["image/png"])
    assert len(small) < 0.6 * len(raw.getvalue())
    before, after = (Image.open(io.BytesIO(data)) for data in (raw.getvalue(), small))
    assert after.mode == "P"
    difference = np.abs(np.asarray(before.convert("RGBA"), int) - np.asarray(after.convert("RGBA"), int))
    assert difference.mean() < 3
    assert np.asarray(after.convert("RGBA"))[0, 0, 3] == (0 if transparent else 255)


def test_a_picture_is_kept_once_with_its_alt_text(tmp_path):
    raw = io.BytesIO()
    Image.new("RGB", (8, 8)).save(raw, "PNG")
    data = {
        "image/png": base64.b64encode(raw.getvalue()).decode(),
        "text/html": "<img>",
        "text/plain": "words",
    }
    metadata = {"image/png": {"alt": "words"}}
    nb = notebook(["plot", v4.new_output("display_data", data, metadata=metadata)])
    normalize(nb, tmp_path)
    (output,) = nb.cells[0].outputs
    assert sorted(output.data) == ["image/png", "text/plain"]
    assert output.metadata == metadata


@pytest.fixture
def hostile_user(tmp_path, monkeypatch):
    """Settings of a user that would change a notebook: another kernel, a start-up file, a backend, a path."""
    spec = {
        "argv": [sys.executable, "-c", "raise SystemExit('the wrong kernel')"],
        "display_name": "x",
        "language": "x",
    }
    write(tmp_path, "jupyter/kernels/python3/kernel.json", json.dumps(spec))
    write(tmp_path, "home/.ipython/profile_default/startup/00.py", "print = None\n")
    write(tmp_path, "elsewhere/labcode/__init__.py", "raise SystemExit('the wrong labcode')\n")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("TQDM_DISABLE", "0")


def test_a_real_build_is_clean_and_gives_the_same_bytes_again(toy, hostile_user):
    assert build.main([], toy) == 0
    built = {path.relative_to(toy): path.read_bytes() for path in toy.glob("*/*.ipynb")}
    chapter, solution = (
        nbformat.read(toy / f / "01_toy.ipynb", as_version=4) for f in ("notebooks", "solutions")
    )
    assert chapter.cells[1].outputs[0].text == "toy labcode notebooks 1 äλ\n"
    assert chapter.cells[2].outputs[0].data["text/plain"] == "2"
    assert [cell.outputs[0].text for cell in solution.cells if cell.get("outputs")] == ["right\n", "42\n"]
    assert build.main(["01_toy"], toy) == 0
    assert {path.relative_to(toy): path.read_bytes() for path in toy.glob("*/*.ipynb")} == built


def test_nbval_passes_over_blanks_and_fails_on_a_wrong_solution(toy, runs):
    build.main([], toy)
    edit(toy / "solutions/01_toy.ipynb", "return 2 * x", "return 3 * x")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--color=no", "-rA"]
    command += ["--nbval-lax", "--nbval-current-env", "--rootdir", str(toy), "exercises", "solutions"]
    env = {**os.environ, "PYTHONPATH": str(toy), "PYTHONUTF8": "1"}
    result = subprocess.run(command, cwd=toy, env=env, capture_output=True, encoding="utf-8", check=False)
    assert re.findall(r"^FAILED (.*?)(?: - |$)", result.stdout, re.MULTILINE) == [
        "solutions/01_toy.ipynb::Cell 2"
    ]
    assert "1 failed, 9 passed" in result.stdout


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("x = 1\n1 / 0", "ZeroDivisionError"),
        (
            "import ipywidgets\nipywidgets.interact(lambda x: 1 / x, x=(0, 0))",
            "a widget's callback fails: ZeroDiv",
        ),
        ("import os\nos.write(2, b'why')\nos._exit(3)", r"Kernel died \(code cells begun: 1\)[\s\S]*why"),
    ],
)
def test_a_notebook_that_fails_is_not_kept(tmp_path, source, fault):
    with pytest.raises(NotebookError, match=fault):
        execute(notebook([source]), tmp_path, tmp_path)


# A room without labcode


def test_where_labcode_is_missing_the_error_says_what_to_install(tmp_path):
    cell = write(tmp_path, "cell.py", f"{sources.INSTALL}\nimport numpy\n")
    answer = subprocess.run([sys.executable, "-I", "-S", cell], cwd=tmp_path, capture_output=True, text=True)
    assert "ModuleNotFoundError: No module named 'labcode'" in answer.stderr
    assert "%pip install PATH (the course's folder)" in answer.stderr
