"""Checkpoints: a resumed run is the run it was, and a file is whole, from this run, or refused."""

import copy
import os

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim import lr_scheduler
from training_runs import TRAIN, Model, Run, l2, overfitting, same

from labcode.early_stopping import EarlyStopping
from labcode.training import seeded

FAST = settings(deadline=None, derandomize=True, max_examples=20)


@FAST
@given(
    first=st.integers(1, 7),
    batch_size=st.sampled_from([7, 16, 40]),
    optimizer=st.sampled_from([torch.optim.Adam, torch.optim.SGD, torch.optim.RMSprop]),
    patience=st.sampled_from([None, 1, 9]),
    options=st.fixed_dictionaries(
        {"clip_norm": st.sampled_from([None, 0.1]), "measure_train": st.booleans(), "lr": st.just(3e-2)}
    ),
    penalized=st.booleans(),
)
def test_a_resumed_run_equals_an_uninterrupted_one(
    tmp_path_factory, first, batch_size, optimizer, patience, options, penalized
):
    def run():
        rule = None if patience is None else EarlyStopping(patience=patience, restore_best_weights=True)
        penalty = l2(1e-3) if penalized else None
        extra = {"optimizer": optimizer, "batch_size": batch_size, "early_stopping": rule, "penalty": penalty}
        return Run(**extra, **options)

    whole, begun, resumed = run(), run(), run()
    with seeded(1):
        whole.fit(epochs=7)
        expected = copy.deepcopy(whole.state())
    path = tmp_path_factory.mktemp("run") / "deeper" / "run.pt"
    with seeded(1):
        begun.fit(epochs=first, checkpoint=path)
    with torch.no_grad():
        for weight in resumed.model.parameters():
            weight.fill_(9.0)
    resumed.generator.set_state(torch.Generator().manual_seed(0).get_state())
    with seeded(99):
        resumed.fit(epochs=7, checkpoint=str(path), resume=True)
        received = resumed.state()
    for name in expected:
        assert same(expected[name], received[name]), name
    assert [entry.name for entry in path.parent.iterdir()] == ["run.pt"]


@pytest.mark.parametrize("patience", [None, 2])
def test_a_finished_run_returns_at_once(tmp_path, patience, monkeypatch):
    def run():
        rule = None if patience is None else EarlyStopping(patience=patience, restore_best_weights=True)
        return overfitting(early_stopping=rule, checkpoint=tmp_path / "run.pt", resume=True)

    first, second = run(), run()
    first.fit()
    expected = copy.deepcopy(first.state())
    content = (tmp_path / "run.pt").read_bytes()
    monkeypatch.setattr(second.optimizer, "step", None)
    second.fit()
    assert same(expected, second.state())
    assert second.history.seconds == first.history.seconds
    assert (tmp_path / "run.pt").read_bytes() == content


def test_resume_without_a_file_begins_anew(tmp_path):
    plain, resumed = Run(), Run()
    for run, options in ((plain, {}), (resumed, {"checkpoint": tmp_path / "run.pt", "resume": True})):
        with seeded(1):
            run.fit(**options)
    assert same(plain.model.state_dict(), resumed.model.state_dict())
    with pytest.raises(ValueError, match=r"checkpoint: expected a file to resume from, received None"):
        Run().fit(resume=True)


def test_an_earlier_run_is_not_overwritten(tmp_path):
    path = tmp_path / "run.pt"
    Run().fit(checkpoint=path)
    content = path.read_bytes()
    with pytest.raises(FileExistsError, match=r"run.pt: expected a new file, received .*resume=True"):
        Run().fit(checkpoint=path)
    assert path.read_bytes() == content
    with pytest.raises(ValueError, match=r"epochs: expected .*at least 4.*, received 3"):
        Run().fit(checkpoint=path, resume=True, epochs=3)


OTHER = copy.deepcopy(TRAIN)
OTHER[0][3, 2, 1] += 1e-6
OTHER_SETTINGS = {
    "lr": ({"lr": 0.5}, r"optimizer.0.lr: expected '0.01'.*received '0.5'"),
    "optimizer": ({"optimizer": torch.optim.AdamW}, "optimizer: expected 'Adam'.*received 'AdamW'"),
    "order": ({"optimizer": lambda p, lr: torch.optim.Adam([*p][::-1], lr)}, r"optimizer.0.params: expected"),
    "hidden": (
        {"model": lambda: Model(hidden=7)},
        r"model.lstm.weight_ih_l0: expected .*24, 3.*received .*28, 3",
    ),
    "dropout": ({"model": lambda: Model(p=0.5)}, r"model: expected .*p=0.3.*received .*p=0.5"),
    "dtype": ({"model": lambda: Model().double()}, "float32.*float64"),
    "batch size": ({"batch_size": 8}, r"batch_size: expected 16.*received 8"),
    "clip": ({"clip_norm": 1.0}, r"clip_norm: expected None.*received 1.0"),
    "measuring": ({"measure_train": False}, "measure_train: expected True.*received False"),
    "data": ({"train": OTHER}, "train data: expected .*received 'sha256"),
    "validation": ({"validation": OTHER}, "validation data: expected .*received 'sha256"),
    "seed": ({"seed": 1}, r"seed of the generator: expected 0.*received 1"),
    "patience": (
        {"early_stopping": EarlyStopping(patience=8)},
        r"early_stopping.patience: expected 9.*received 8",
    ),
    "no stopping": ({"early_stopping": None}, "early_stopping.patience: expected 9.*received None"),
    "penalty": ({"penalty": l2(2e-3)}, r"penalty \(at the saved weights\): expected"),
    "no penalty": ({"penalty": None}, r"penalty \(at the saved weights\): expected .*received 0.0"),
}


@pytest.mark.parametrize(("change", "message"), OTHER_SETTINGS.values(), ids=OTHER_SETTINGS)
def test_a_run_is_resumed_only_as_what_it_was(tmp_path, change, message):
    path = tmp_path / "run.pt"

    def options():
        return {"penalty": l2(1e-3), "early_stopping": EarlyStopping(patience=9), "checkpoint": path}

    Run(**options()).fit()
    content = path.read_bytes()
    Run(**options()).fit(resume=True)
    other = Run(**(options() | change))
    before = copy.deepcopy(
        [other.model.state_dict(), other.optimizer.state_dict(), other.generator.get_state()]
    )
    with pytest.raises(ValueError, match=f"(?s)checkpoint .*run.pt: .*{message}"):
        other.fit(resume=True, epochs=6)
    assert same(before, [other.model.state_dict(), other.optimizer.state_dict(), other.generator.get_state()])
    assert path.read_bytes() == content


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    path = tmp_path_factory.mktemp("finished") / "run.pt"
    run = Run(checkpoint=path)
    run.fit()
    return path.read_bytes(), copy.deepcopy(run.state())


def believed(content, folder, expected):
    """Whether a run resumes from the content with other weights than were saved."""
    path = folder / "run.pt"
    path.write_bytes(content)
    run = Run(checkpoint=path, resume=True)
    try:
        run.fit()
    except ValueError as error:
        assert f"checkpoint {path}: expected a checkpoint" in str(error)  # noqa: PT017
        return False
    return not same(expected["weights"], run.model.state_dict())


@FAST
@given(position=st.floats(0, 1), change=st.integers(1, 255), cut=st.booleans())
def test_a_damaged_checkpoint_is_never_believed(tmp_path_factory, finished, position, change, cut):
    content, expected = bytearray(finished[0]), finished[1]
    place = round(position * (len(content) - 1))
    content[place] ^= change
    if cut:
        del content[place:]
    assert not believed(content, tmp_path_factory.mktemp("damaged"), expected)


def test_a_changed_bit_in_a_weight_is_noticed(tmp_path, finished):
    content, expected = bytearray(finished[0]), finished[1]
    place = content.index(expected["weights"]["head.weight"].numpy().tobytes())
    content[place + 1] ^= 1
    assert not believed(content, tmp_path, expected)


SPRUNG = []


def spring():
    SPRUNG.append(True)


class Trap:
    def __reduce__(self):
        return spring, ()


@pytest.mark.parametrize("content", [b"", b"no checkpoint", {"weights": 1}, [1, 2], Trap()])
def test_another_file_is_no_checkpoint_and_is_not_executed(tmp_path, content):
    path = tmp_path / "run.pt"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(ValueError, match=r"checkpoint .*run.pt: expected a checkpoint .*received"):
        Run(checkpoint=path).fit(resume=True)
    assert not SPRUNG


def test_a_checkpoint_of_an_earlier_version_is_named(tmp_path):
    path = tmp_path / "run.pt"
    Run(checkpoint=path).fit(epochs=1)
    torch.save(torch.load(path, weights_only=True) | {"format": "labcode checkpoint 1"}, path)
    with pytest.raises(ValueError, match=r"delete the file .* received one of an earlier version"):
        Run(checkpoint=path).fit(resume=True)


def test_a_checkpoint_is_written_beside_then_replaced(tmp_path, monkeypatch):
    events, path = [], tmp_path / "run.pt"
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (events.append("fsync"), fsync(fd)))
    monkeypatch.setattr(os, "replace", lambda a, b: (events.append((a.name, b.name)), replace(a, b)))
    (tmp_path / "run.pt.tmp").write_bytes(b"left over by a kill")
    Run().fit(checkpoint=path, epochs=1)
    assert events[:2] == ["fsync", ("run.pt.tmp", "run.pt")]
    assert events[2:] == ["fsync"] * (os.name == "posix")
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.pt"]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_failing_disk_leaves_the_last_checkpoint(tmp_path, monkeypatch, broken):
    path = tmp_path / "run.pt"
    Run().fit(checkpoint=path, epochs=2)
    content = path.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, broken, fail)
        with pytest.raises(OSError, match="No space left"):
            Run().fit(checkpoint=path, resume=True)
    assert path.read_bytes() == content
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.pt"]
    assert len(Run().fit(checkpoint=path, resume=True).objective) == 4


SCHEDULERS = {
    "StepLR": lambda optimizer: lr_scheduler.StepLR(optimizer, step_size=1, gamma=np.float64(0.5)),
    "MultiStepLR": lambda optimizer: lr_scheduler.MultiStepLR(optimizer, [1, 3], gamma=0.1),
    "CosineAnnealingLR": lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, T_max=4),
    "plateau": lambda optimizer: lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=1e9),
    "in turn": lambda optimizer: lr_scheduler.SequentialLR(
        optimizer,
        [lr_scheduler.LinearLR(optimizer, total_iters=2), lr_scheduler.ExponentialLR(optimizer, 0.5)],
        milestones=[2],
    ),
}


@pytest.mark.parametrize("kind", SCHEDULERS)
def test_a_schedule_goes_on_where_it_was(tmp_path, kind):
    def run(epochs, **options):
        one = Run(**options)
        one.fit(epochs=epochs, scheduler=SCHEDULERS[kind](one.optimizer))
        return one

    state = run(5).state()
    plain = Run()
    plain.fit(epochs=5)
    assert not same(plain.state()["weights"], state["weights"])
    path = {"checkpoint": tmp_path / "run.pt", "resume": True}
    for epochs in (2, 4):
        run(epochs, **path)
    assert same(run(5, **path).state(), state)


def test_the_schedule_is_that_of_a_plain_loop():
    run, rates = Run(lr=0.08, optimizer=torch.optim.SGD), []
    scheduler = lr_scheduler.StepLR(run.optimizer, step_size=2, gamma=0.5)
    run.optimizer.register_step_post_hook(lambda optimizer, *_: rates.append(optimizer.param_groups[0]["lr"]))
    run.fit(epochs=4, batch_size=40, scheduler=scheduler)
    assert rates == [0.08, 0.08, 0.04, 0.04]


def test_a_schedule_of_another_optimizer_or_kind_is_refused(tmp_path):
    path = tmp_path / "run.pt"
    run = Run(checkpoint=path)
    with pytest.raises(ValueError, match=r"scheduler: expected one of torch.optim.lr_scheduler, of this"):
        run.fit(scheduler=SCHEDULERS["StepLR"](Run().optimizer))
    run.fit(epochs=2, scheduler=SCHEDULERS["StepLR"](run.optimizer))
    with pytest.raises(ValueError, match=r"scheduler: expected 'StepLR', as the run began, received None"):
        Run(checkpoint=path, resume=True).fit()


def test_numbers_of_numpys_go_into_a_checkpoint_and_come_back(tmp_path):
    path = tmp_path / "run.pt"
    numbers = {"lr": np.logspace(-4, -1, 4)[1], "clip_norm": np.float32(0.5), "batch_size": np.int64(16)}
    rule = EarlyStopping(patience=np.int64(9), min_delta=np.float64(0.0))
    Run(**numbers, early_stopping=rule, checkpoint=path).fit(epochs=np.int64(2))
    run = Run(**numbers, early_stopping=rule, checkpoint=path, resume=True)
    history = run.fit()
    python = {"lr": float(numbers["lr"]), "clip_norm": 0.5, "batch_size": 16}
    whole = Run(**python, early_stopping=EarlyStopping(patience=9))
    assert history == whole.fit()
    assert same(run.state()["weights"], whole.state()["weights"])
    assert (
        Run(**python, early_stopping=EarlyStopping(patience=9), checkpoint=path, resume=True).fit() == history
    )
