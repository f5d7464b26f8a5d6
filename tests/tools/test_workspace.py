"""`work/`: whatever learners, updates and power cuts do, no change of a learner's is ever overwritten."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from labcode import _files
from tools.process import CourseError
from tools.workspace import MANIFEST, RENAMED, Report, read_manifest, restart, synchronize

NAMES = ("notebooks/01_a.ipynb", "notebooks/02_b.ipynb", "exercises/ex01_a.ipynb")
COURSE = Path(__file__).resolve().parents[2]
OUTPUT = {"output_type": "stream", "name": "stdout", "text": ["what one sees after thinking\n"]}


def notebook(text, *, run=True, tags=()):
    """A notebook of two cells; one that was run has outputs."""
    code = {"cell_type": "code", "source": [f"print({text!r})\n", "1"], "metadata": {"tags": [*tags]}}
    code |= {"outputs": [OUTPUT] if run else [], "execution_count": 7 if run else None}
    cells = [{"cell_type": "markdown", "source": text, "metadata": {}}, code]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def text_of(path):
    """What a notebook says, outputs aside."""
    return "".join(json.loads(path.read_text("utf-8"))["cells"][0]["source"])


def outputs_of(path):
    return [cell["outputs"] for cell in json.loads(path.read_text("utf-8"))["cells"] if "outputs" in cell]


VERSIONS = [f"version {number}" for number in range(4)]


replace_file = os.replace


class Killed(BaseException):
    """Stands for kill -9: no handler in the code under test may catch it."""


class Workspace(RuleBasedStateMachine):
    """Learners edit, move on and delete; authors publish; a synchronization runs, or is killed half-way."""

    def __init__(self):
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.theirs = {}  # what only the learner has: path in work/ -> text
        self.seen = set()  # which versions have been in work/, and under which name
        self.away = set()  # what came to work/, was noted, and was then deleted
        self.edits = 0
        for folder in ("notebooks", "exercises"):
            (self.root / folder).mkdir()

    def teardown(self):
        shutil.rmtree(self.root)

    def present(self):
        """The learner's notebooks, by their paths in work/."""
        return sorted(path for path in (self.root / "work").glob("*/*.ipynb") if path.name[0] != ".")

    @rule(name=st.sampled_from(NAMES), text=st.sampled_from(VERSIONS))
    def publish(self, name, text):
        (self.root / name).write_text(notebook(text), "utf-8")

    @rule(name=st.sampled_from(NAMES))
    def withdraw(self, name):
        (self.root / name).unlink(missing_ok=True)

    @precondition(lambda self: self.present())
    @rule(data=st.data(), copy=st.booleans())
    def edit(self, data, copy):
        path = data.draw(st.sampled_from(self.present()))
        self.edits += 1
        text = data.draw(st.sampled_from(VERSIONS)) if copy else f"mine {self.edits}"
        path.write_text(notebook(text), "utf-8")
        self.theirs.pop(path, None)
        if not copy:
            self.theirs[path] = text

    @precondition(lambda self: self.present())
    @rule(data=st.data())
    def run(self, data):
        path = data.draw(st.sampled_from(self.present()))
        path.write_text(notebook(text_of(path)), "utf-8")

    @precondition(lambda self: self.present())
    @rule(data=st.data())
    def delete(self, data):
        path = data.draw(st.sampled_from(self.present()))
        path.unlink()
        self.theirs.pop(path, None)
        if path.relative_to(self.root / "work").as_posix() in read_manifest(self.root / "work")["copied"]:
            self.away |= {path} & {self.root / "work" / name for name in NAMES}

    @rule(name=st.sampled_from(NAMES))
    def restart(self, name):
        if (self.root / name).exists():
            restart(self.root, name)
            path = self.root / "work" / name
            assert text_of(path) == text_of(self.root / name)
            assert outputs_of(path) == [[]]
            if path in self.theirs:
                kept = [text_of(other) for other in self.present() if ".old" in other.name]
                assert self.theirs.pop(path) in kept
            self.away.discard(path)
            self.look()

    @precondition(lambda self: (self.root / "work" / MANIFEST).exists())
    @rule(
        text=st.sampled_from([None, "", "{", "[]", '{"copied": 1}', '{"copied": {"a": []}, "offered": null}'])
    )
    def damage_the_manifest(self, text):
        manifest = self.root / "work" / MANIFEST
        if text is None:
            manifest.unlink()
        else:
            manifest.write_text(text, "utf-8")
        self.away = set()

    @rule()
    def update(self):
        synchronize(self.root)
        self.look()
        for name in NAMES:
            path = self.root / "work" / name
            if (self.root / name).exists() and path not in self.away:
                assert (name, text_of(self.root / name)) in self.seen
        again = synchronize(self.root)
        assert again == Report(deleted=again.deleted)

    @rule(steps=st.integers(0, 4), before=st.booleans())
    def update_and_be_killed(self, steps, before):
        def replace(source, target):
            nonlocal steps
            steps -= 1
            if steps < 0 and before:
                raise Killed
            replace_file(source, target)
            if steps < 0:
                raise Killed

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_files.os, "replace", replace)
            with contextlib.suppress(Killed):
                synchronize(self.root)
        self.look()

    def look(self):
        for path in self.present():
            name = path.relative_to(self.root / "work").as_posix()
            original = name.partition(".")[0] + ".ipynb"
            self.seen.add((original, text_of(path)))

    @invariant()
    def nothing_of_the_learner_is_lost(self):
        for path, text in self.theirs.items():
            assert text_of(path) == text, path

    @invariant()
    def what_was_deleted_stays_away(self):
        assert not any(path.exists() for path in self.away)


Workspace.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, derandomize=True
)


@pytest.fixture(autouse=True)
def no_disk(monkeypatch):
    """Do not wait for the disk; no power cut is tested here."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


TestWorkspace = Workspace.TestCase


@pytest.fixture
def root(tmp_path):
    for name in NAMES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(notebook("version 1"), "utf-8")
    synchronize(tmp_path)
    return tmp_path


def publish(root, text, **options):
    (root / NAMES[0]).write_text(notebook(text, **options), "utf-8")
    return synchronize(root)


def test_an_unchanged_notebook_follows_its_newer_version(root):
    report = publish(root, "version 2")
    assert report.replaced == [NAMES[0]]
    assert text_of(root / "work" / NAMES[0]) == "version 2"
    assert "replaced by its newer version" in report.lines()[0]


def test_beside_a_changed_notebook_each_newer_version_is_put_once(root):
    mine, new = root / "work" / NAMES[0], root / "work" / "notebooks" / "01_a.new.ipynb"
    mine.write_text(notebook("mine"), "utf-8")
    report = publish(root, "version 2")
    assert report.lines() == [
        f"work/{NAMES[0]}: yours is kept; the newer version is notebooks/01_a.new.ipynb."
    ]
    assert (text_of(mine), text_of(new)) == ("mine", "version 2")
    assert outputs_of(new) == [[]]
    new.unlink()
    assert not publish(root, "version 2").beside
    assert not new.exists()


def test_a_changed_newer_version_is_kept_too(root):
    folder = root / "work" / "notebooks"
    (root / "work" / NAMES[0]).write_text(notebook("mine"), "utf-8")
    publish(root, "version 2")
    publish(root, "version 3")
    assert text_of(folder / "01_a.new.ipynb") == "version 3"
    (folder / "01_a.new.ipynb").write_text(notebook("mine too"), "utf-8")
    publish(root, "version 4")
    assert text_of(folder / "01_a.new.ipynb") == "mine too"
    assert text_of(folder / "01_a.new-2.ipynb") == "version 4"


def test_copies_have_no_outputs_and_the_courses_own_keep_theirs(root):
    for name in NAMES:
        assert outputs_of(root / "work" / name) == [[]]
        assert outputs_of(root / name) == [[OUTPUT]]


def test_a_notebook_that_was_only_run_has_not_been_changed(root):
    mine = root / "work" / NAMES[0]
    mine.write_text(notebook("version 1"), "utf-8")
    assert synchronize(root) == Report()
    assert outputs_of(mine) == [[OUTPUT]]
    assert publish(root, "version 2").replaced == [NAMES[0]]
    assert outputs_of(mine) == [[]]


def test_new_outputs_alone_are_no_newer_version_and_new_tags_are(root):
    mine = root / "work" / NAMES[0]
    mine.write_text(notebook("version 1"), "utf-8")
    assert publish(root, "version 1", run=False) == Report()
    assert outputs_of(mine) == [[OUTPUT]]
    assert publish(root, "version 1", tags=["guard"]).replaced == [NAMES[0]]


def test_what_was_copied_with_outputs_by_an_earlier_version_has_not_been_changed(root):
    for name in NAMES:
        (root / "work" / name).write_bytes((root / name).read_bytes())
    hashes = {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in NAMES}
    (root / "work" / MANIFEST).write_text(json.dumps({"copied": hashes, "offered": {}}), "utf-8")
    assert synchronize(root).replaced == list(NAMES)
    assert outputs_of(root / "work" / NAMES[0]) == [[]]


def test_what_the_authors_withdraw_stays_with_the_learner(root):
    (root / NAMES[0]).unlink()
    synchronize(root)
    assert (root / "work" / NAMES[0]).exists()


def test_a_deleted_copy_stays_away_until_it_is_asked_for(root):
    mine = root / "work" / NAMES[0]
    mine.unlink()
    for report in (synchronize(root), publish(root, "version 2")):
        assert report == Report(deleted=[NAMES[0]])
        assert report.lines() == [
            "work/: what you deleted stays away; to have it back: python course.py restart 01_a"
        ]
    assert not mine.exists()
    restart(root, "notebooks/01_a")
    assert text_of(mine) == "version 2"
    assert synchronize(root) == Report()


def test_a_fresh_start_keeps_what_was_there(root):
    mine, old = root / "work" / NAMES[1], root / "work" / "notebooks" / "02_b.old.ipynb"
    for attempt in ("mine", "mine again"):
        mine.write_text(notebook(attempt), "utf-8")
        said = restart(root, "02_b")
        assert (text_of(mine), outputs_of(mine)) == ("version 1", [[]])
    assert said[-1] == "work/notebooks/02_b.old-2.ipynb: is yours as it was."
    assert (text_of(old), outputs_of(old)) == ("mine", [[OUTPUT]])
    assert len(restart(root, "02_b")) == 1
    assert synchronize(root) == Report()


@pytest.mark.parametrize(
    "name",
    ["02_b", "02_b.ipynb", "notebooks/02_b.ipynb", "work/notebooks/02_b", "work\\notebooks\\02_b.ipynb"],
)
def test_a_notebook_is_named_as_one_sees_it(root, name):
    (root / "work" / NAMES[1]).unlink()
    restart(root, name)
    assert text_of(root / "work" / NAMES[1]) == "version 1"


def test_a_name_that_there_is_not(root):
    with pytest.raises(CourseError, match=r"no notebook '03_c'\. It has: 01_a, 02_b, ex01_a"):
        restart(root, "03_c")


def test_a_kill_during_a_fresh_start_loses_nothing(root, monkeypatch):
    mine = root / "work" / NAMES[0]
    mine.write_text(notebook("mine"), "utf-8")
    steps = iter([replace_file, None])

    def replace(source, target):
        step = next(steps)
        if step is None:
            raise Killed
        step(source, target)

    monkeypatch.setattr(_files.os, "replace", replace)
    with pytest.raises(Killed):
        restart(root, "01_a")
    assert text_of(mine) == text_of(mine.with_suffix(".old.ipynb")) == "mine"


def test_each_exercise_says_where_work_is_kept_and_how_to_start_afresh():
    for source in sorted((COURSE / "source" / "exercises").glob("*.py")):
        head = " ".join(source.read_text("utf-8").partition("\n# %%\n")[0].replace("\n#", " ").split())
        assert "kept in `work/exercises/`" in head, source.name
        assert f"`python course.py restart {source.stem}`" in head, source.name


def test_a_folder_in_a_notebooks_place_is_left_alone(root):
    folders = [root / "work" / NAMES[0], root / "work" / "notebooks" / "01_a.new.ipynb"]
    folders[0].unlink()
    for folder in folders:
        folder.mkdir()
    (root / "work" / MANIFEST).unlink()
    report = publish(root, "version 2")
    assert all(folder.is_dir() for folder in folders)
    assert report.beside == [(NAMES[0], "notebooks/01_a.new-2.ipynb")]


def test_a_notebook_set_back_to_what_was_copied_follows_again(root):
    mine = root / "work" / NAMES[0]
    mine.write_text(notebook("mine"), "utf-8")
    publish(root, "version 2")
    mine.write_text(notebook("version 1"), "utf-8")
    assert synchronize(root).replaced == [NAMES[0]]


def test_a_copy_is_there_whole_or_not_at_all(root, monkeypatch):
    def be_killed(source, target):
        raise Killed

    with monkeypatch.context() as context:
        context.setattr(_files.os, "replace", be_killed)
        with pytest.raises(Killed):
            publish(root, "version 2")
    assert text_of(root / "work" / NAMES[0]) == "version 1"
    assert synchronize(root).replaced == [NAMES[0]]


def test_half_copies_of_a_killed_synchronization_are_removed(root):
    part = root / "work" / "notebooks" / ".01_a.ipynb.part"
    part.touch()
    synchronize(root)
    assert not part.exists()


OLD, NEW = "exercises/03_algorithms.ipynb", "exercises/ex03_algorithms.ipynb"


def renamed_course(root, *, changed):
    """A course whose exercise has been renamed since the learner, perhaps, changed it."""
    for folder in ("notebooks", "exercises"):
        (root / folder).mkdir()
    (root / OLD).write_text("version 0", "utf-8")
    synchronize(root)
    if changed:
        (root / "work" / OLD).write_text("mine", "utf-8")
    (root / OLD).rename(root / NEW)
    (root / NEW).write_text("version 1", "utf-8")


def test_work_follows_a_renamed_notebook(tmp_path):
    renamed_course(tmp_path, changed=True)
    report = synchronize(tmp_path)
    assert report.renamed == [(OLD, NEW)]
    assert f"work/{OLD}: is now work/{NEW}, with your work in it." in report.lines()
    assert not (tmp_path / "work" / OLD).exists()
    assert (tmp_path / "work" / NEW).read_text("utf-8") == "mine"
    assert [name for name, _ in report.beside] == [NEW]
    assert synchronize(tmp_path) == Report()


def test_a_renamed_notebook_that_was_not_changed_is_replaced(tmp_path):
    renamed_course(tmp_path, changed=False)
    assert synchronize(tmp_path).replaced == [NEW]
    assert (tmp_path / "work" / NEW).read_text("utf-8") == "version 1"


def test_a_kill_between_the_move_and_the_manifest_costs_nothing(tmp_path):
    renamed_course(tmp_path, changed=False)
    (tmp_path / "work" / OLD).rename(tmp_path / "work" / NEW)
    assert synchronize(tmp_path).replaced == [NEW]


def test_a_renamed_notebook_takes_no_other_ones_place(tmp_path):
    renamed_course(tmp_path, changed=True)
    (tmp_path / "work" / NEW).write_text("mine, too", "utf-8")
    synchronize(tmp_path)
    assert (tmp_path / "work" / OLD).read_text("utf-8") == "mine"
    assert (tmp_path / "work" / NEW).read_text("utf-8") == "mine, too"


def test_every_new_name_is_a_notebook_of_the_course():
    assert all((COURSE / new).is_file() and not (COURSE / old).exists() for old, new in RENAMED.items())


def test_solutions_come_to_work_too_and_a_bare_name_restarts_the_exercise(tmp_path):
    for folder in ("exercises", "solutions"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "ex01_a.ipynb").write_text(notebook(folder), "utf-8")
    synchronize(tmp_path)
    copies = {folder: tmp_path / "work" / folder / "ex01_a.ipynb" for folder in ("exercises", "solutions")}
    assert {folder: text_of(path) for folder, path in copies.items()} == {f: f for f in copies}
    copies["solutions"].unlink()
    assert "restart solutions/ex01_a" in synchronize(tmp_path).lines()[-1]
    restart(tmp_path, "ex01_a")
    assert not copies["solutions"].exists()
    restart(tmp_path, "solutions/ex01_a")
    assert text_of(copies["solutions"]) == "solutions"
