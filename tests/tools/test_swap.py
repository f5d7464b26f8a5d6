"""A new environment takes the old one's place: complete or not at all, wherever a kill falls."""

import random
import shutil

import kill_trial
import pytest

from tools.process import CourseError
from tools.swap import NEW, OLD, discard, leftovers, recover

COMPLETE = '{"identity": {}, "inputs": "", "extras": [], "backend": "cpu", "tool": "uv"}'


def environment_with(environment, text, *, complete=True):
    """Lay down as much of an environment as the swap looks at."""
    environment.folder.mkdir()
    (environment.folder / "pyvenv.cfg").write_text(text, "utf-8")
    (environment.stamp if complete else environment.marker).write_text(COMPLETE, "utf-8")


def text_of(environment):
    return (environment.folder / "pyvenv.cfg").read_text("utf-8")


@pytest.mark.parametrize(
    ("here", "new", "old", "then"),
    [
        ("works", None, None, "works"),
        ("works", "half", None, "works"),
        ("works", "complete", None, "new"),
        (None, "complete", "replaced", "new"),
        (None, "half", "replaced", "old"),
        (None, None, "replaced", "old"),
        ("works", None, "replaced", "works"),
        ("works", "complete", "replaced", "new"),
    ],
)
def test_what_a_kill_left_is_finished_or_undone(toy, here, new, old, then):
    if here:
        environment_with(toy, "works")
    if new:
        environment_with(toy.beside(NEW), "new", complete=new == "complete")
    if old:
        environment_with(toy.beside(OLD), "old")
    recover(toy)
    assert text_of(toy) == then
    assert not leftovers(toy)


@pytest.mark.parametrize("suffix", [NEW, OLD])
def test_a_folder_of_another_beside_it_stays(toy, suffix):
    environment_with(toy, "works")
    other = toy.beside(suffix).folder
    other.mkdir()
    (other / "cat.png").touch()
    with pytest.raises(CourseError, match=r"did not make[\s\S]*Move it away"):
        recover(toy)
    assert (other / "cat.png").exists()
    assert text_of(toy) == "works"


def test_half_a_removal_is_still_known_as_ours(toy, monkeypatch):
    environment_with(toy, "works")
    environment_with(toy.beside(OLD), "old")
    (toy.beside(OLD).folder / "lib").mkdir()
    with monkeypatch.context() as context:
        context.setattr(shutil, "rmtree", lambda path: (_ for _ in ()).throw(PermissionError()))
        discard(toy.beside(OLD))
    assert leftovers(toy)
    for name in ("pyvenv.cfg", toy.stamp.name):
        (toy.beside(OLD).folder / name).unlink(missing_ok=True)
    recover(toy)
    assert not leftovers(toy)


def test_where_the_environment_is_a_link_the_swap_happens_where_it_points_to(toy, tmp_path):
    elsewhere = tmp_path / "another disk"
    elsewhere.mkdir()
    try:
        toy.folder.symlink_to(elsewhere / "course", target_is_directory=True)
    except OSError:
        pytest.skip("no links can be made here")
    (elsewhere / "course").mkdir()
    (toy.folder / "pyvenv.cfg").write_text("works", "utf-8")
    environment_with(toy.beside(NEW), "new")
    assert toy.beside(NEW).folder == elsewhere / "course-new"
    recover(toy)
    assert toy.folder.is_symlink()
    assert text_of(toy) == "new"
    assert [path.name for path in elsewhere.iterdir()] == ["course"]


@pytest.mark.skipif(not hasattr(kill_trial.signal, "SIGKILL"), reason="Windows has no SIGKILL")
@pytest.mark.parametrize("step", [1, 2, 3, "any"])
def test_after_a_kill_in_the_swap_the_lab_opens_without_any_packages(moved, variables, step):
    step = random.Random().randrange(4, 200) if step == "any" else step
    kill_trial.opens(moved.root, kill_trial.lab(), variables)
    assert kill_trial.kill_at_step(moved.root, kill_trial.want_update(moved.root), step, variables)
    kill_trial.opens(moved.root, kill_trial.lab(), kill_trial.without_packages(variables))
    assert not leftovers(moved)
