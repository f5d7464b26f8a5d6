"""`work/`: whatever learners, updates and power cuts do, no change of a learner's is ever overwritten."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from labcode import _files
from tools.workspace import MANIFEST, RENAMED, Report, synchronize

NAMES = ("notebooks/01_a.ipynb", "notebooks/02_b.ipynb", "exercises/01_a.ipynb")
COURSE = Path(__file__).resolve().parents[2]
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
        (self.root / name).write_text(text, "utf-8")

    @rule(name=st.sampled_from(NAMES))
    def withdraw(self, name):
        (self.root / name).unlink(missing_ok=True)

    @precondition(lambda self: self.present())
    @rule(data=st.data(), copy=st.booleans())
    def edit(self, data, copy):
        path = data.draw(st.sampled_from(self.present()))
        self.edits += 1
        text = data.draw(st.sampled_from(VERSIONS)) if copy else f"mine {self.edits}"
        path.write_text(text, "utf-8")
        self.theirs.pop(path, None)
        if not copy:
            self.theirs[path] = text

    @precondition(lambda self: self.present())
    @rule(data=st.data())
    def delete(self, data):
        path = data.draw(st.sampled_from(self.present()))
        path.unlink()
        self.theirs.pop(path, None)

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

    @rule()
    def update(self):
        synchronize(self.root)
        self.look()
        for name in NAMES:
            if (self.root / name).exists():
                assert (name, (self.root / name).read_text("utf-8")) in self.seen
        again = synchronize(self.root)
        assert again == Report()

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
            self.seen.add((original, path.read_text("utf-8")))

    @invariant()
    def nothing_of_the_learner_is_lost(self):
        for path, text in self.theirs.items():
            assert path.read_text("utf-8") == text, path


Workspace.TestCase.settings = settings(
    max_examples=100, stateful_step_count=30, deadline=None, derandomize=True
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
        (tmp_path / name).write_text("version 1", "utf-8")
    synchronize(tmp_path)
    return tmp_path


def publish(root, text):
    (root / NAMES[0]).write_text(text, "utf-8")
    return synchronize(root)


def test_an_unchanged_notebook_follows_its_newer_version(root):
    report = publish(root, "version 2")
    assert report.replaced == [NAMES[0]]
    assert (root / "work" / NAMES[0]).read_text("utf-8") == "version 2"
    assert "replaced by its newer version" in report.lines()[0]


def test_beside_a_changed_notebook_each_newer_version_is_put_once(root):
    mine, new = root / "work" / NAMES[0], root / "work" / "notebooks" / "01_a.new.ipynb"
    mine.write_text("mine", "utf-8")
    report = publish(root, "version 2")
    assert report.lines() == [
        f"work/{NAMES[0]}: yours is kept; the newer version is notebooks/01_a.new.ipynb."
    ]
    assert (mine.read_text("utf-8"), new.read_text("utf-8")) == ("mine", "version 2")
    new.unlink()
    assert not publish(root, "version 2").beside
    assert not new.exists()


def test_a_changed_newer_version_is_kept_too(root):
    folder = root / "work" / "notebooks"
    (root / "work" / NAMES[0]).write_text("mine", "utf-8")
    publish(root, "version 2")
    publish(root, "version 3")
    assert (folder / "01_a.new.ipynb").read_text("utf-8") == "version 3"
    (folder / "01_a.new.ipynb").write_text("mine too", "utf-8")
    publish(root, "version 4")
    assert (folder / "01_a.new.ipynb").read_text("utf-8") == "mine too"
    assert (folder / "01_a.new-2.ipynb").read_text("utf-8") == "version 4"


def test_what_the_authors_withdraw_stays_with_the_learner(root):
    (root / NAMES[0]).unlink()
    synchronize(root)
    assert (root / "work" / NAMES[0]).exists()


def test_a_deleted_copy_comes_back(root):
    (root / "work" / NAMES[0]).unlink()
    assert synchronize(root).copied == [NAMES[0]]


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
    mine.write_text("mine", "utf-8")
    publish(root, "version 2")
    mine.write_text("version 1", "utf-8")
    assert synchronize(root).replaced == [NAMES[0]]


def test_a_copy_is_there_whole_or_not_at_all(root, monkeypatch):
    def be_killed(source, target):
        raise Killed

    with monkeypatch.context() as context:
        context.setattr(_files.os, "replace", be_killed)
        with pytest.raises(Killed):
            publish(root, "version 2")
    assert (root / "work" / NAMES[0]).read_text("utf-8") == "version 1"
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
