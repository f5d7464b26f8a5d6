"""The training loop: right sums, right modes, resumption bit for bit, and clear words for every mistake."""

import copy
import json
import math
import os
import signal
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from labcode.data import load_weather, persistence_loss
from labcode.early_stopping import EarlyStopping
from labcode.history import History
from labcode.lstm import SequenceModel
from labcode.training import evaluate, fit, predict, seeded

FAST = settings(deadline=None, derandomize=True, max_examples=20)
DEVICES = ["cpu"] + ["cuda"] * torch.cuda.is_available() + ["mps"] * torch.backends.mps.is_available()


class Model(nn.Module):
    """A small LSTM with dropout, which draws from torch's global generator in training mode."""

    def __init__(self, outputs=1, hidden=6, p=0.3):
        super().__init__()
        self.lstm = nn.LSTM(3, hidden, batch_first=True)
        self.dropout = nn.Dropout(p)
        self.head = nn.Linear(hidden, outputs)

    def forward(self, x, padding_mask=None):
        return self.head(self.dropout(self.lstm(x)[0][:, -1]))


def make_data(n=40, seed=0, classes=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 5, 3)).astype(np.float32)
    signal_ = x.sum(axis=(1, 2))[:, None]
    y = (signal_[:, 0] > 0).astype(np.int64) if classes else signal_ + rng.standard_normal((n, 1))
    return x, y if classes else y.astype(np.float32)


TRAIN, VALIDATION = make_data(40, 0), make_data(23, 1)
CLASSES = make_data(40, 0, classes=2)


class Run:
    """Everything that one call of fit needs, made anew; keyword arguments replace single parts."""

    def __init__(self, *, lr=1e-2, optimizer=torch.optim.Adam, seed=0, model=Model, train=TRAIN, **options):
        with seeded(seed):
            self.model = model()
        self.optimizer = optimizer(self.model.parameters(), lr=lr)
        self.generator = torch.Generator().manual_seed(seed)
        self.options = {"train": train, "validation": VALIDATION, "epochs": 4, "batch_size": 16} | options
        self.options |= {"optimizer": self.optimizer, "generator": self.generator, "progress": False}

    def fit(self, **options):
        self.history = fit(self.model, **(self.options | options))
        return self.history

    def state(self):
        """All that a resumed run must share with an uninterrupted one."""
        optimizer = self.optimizer.state_dict()
        return {
            "weights": self.model.state_dict(),
            "moments": optimizer["state"],
            "groups": optimizer["param_groups"],
            "generator": self.generator.get_state(),
            "global generator": torch.get_rng_state(),
            "history": {k: v for k, v in self.history.to_dict().items() if k != "seconds"},
        }


def same(a, b):
    """Equal bit for bit, through all containers."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    return a == b


def l2(strength):
    return lambda model: strength * sum(w.square().sum() for w in model.lstm.parameters())


def interrupt_at(call):
    """A penalty of zero during whose n-th call Ctrl-C arrives, by the operating system's own way."""
    calls = 0

    def penalty(model):
        nonlocal calls
        calls += 1
        if calls == call:
            signal.raise_signal(signal.SIGINT)
        return 0.0 * model.head.bias.sum()

    return penalty


# What is computed


def test_fit_is_the_plain_loop():
    """The textbook loop, written out with an index at a time, reaches the same bits."""
    run = Run(penalty=l2(1e-3), clip_norm=0.5)
    with seeded(5):
        run.fit()
    with seeded(0):
        model = Model()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    generator = torch.Generator().manual_seed(0)
    x, y = map(torch.tensor, TRAIN)
    with seeded(5):
        for epoch in range(4):
            order = torch.randperm(40, generator=generator).tolist()
            objectives = []
            for start in (0, 16, 32):
                chosen = order[start : start + 16]
                optimizer.zero_grad()
                loss = ((model(x[chosen]) - y[chosen]) ** 2).mean() + l2(1e-3)(model)
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 0.5)
                optimizer.step()
                objectives += [loss.item()] * len(chosen)
            assert run.history.objective[epoch] == pytest.approx(np.mean(objectives), rel=1e-6)
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, run.model.state_dict()[name]), name


@pytest.mark.parametrize("n", [1, 40, 600])
def test_losses_are_those_of_the_final_weights_without_dropout(n):
    run = Run(train=make_data(n), model=lambda: Model(p=0.9))
    history = run.fit()
    for split, losses in (("train", history.train_loss), ("validation", history.validation_loss)):
        x, y = run.options[split]
        with torch.no_grad():
            plain = Model(p=0.0)
            plain.load_state_dict(run.model.state_dict())
            prediction = plain.train()(torch.tensor(x)).numpy().astype(np.float64)
        assert losses[-1] == pytest.approx(np.mean((prediction - y) ** 2), rel=1e-5)
        assert evaluate(run.model, (x, y)) == {"loss": losses[-1]}
        np.testing.assert_allclose(predict(run.model, x).numpy(), prediction, atol=1e-6)


def test_classification_measures_cross_entropy_and_accuracy():
    run = Run(
        model=lambda: Model(outputs=2), train=CLASSES, validation=CLASSES, task="classification", lr=3e-2
    )
    history = run.fit(epochs=30)
    logits = predict(run.model, CLASSES[0]).numpy().astype(np.float64)
    logp = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    loss = -np.mean(logp[np.arange(40), CLASSES[1]])
    assert history.train_loss[-1] == pytest.approx(loss, rel=1e-5)
    assert history.train_accuracy[-1] == np.mean(logits.argmax(axis=1) == CLASSES[1])
    assert history.train_accuracy[-1] > 0.9
    assert history.validation_accuracy == history.train_accuracy
    assert evaluate(run.model, CLASSES, "classification") == {
        "loss": history.train_loss[-1],
        "accuracy": history.train_accuracy[-1],
    }


@pytest.mark.parametrize("integers", [np.int8, np.int32, np.uint8])
def test_classes_may_be_of_any_integer_type(integers):
    data = (CLASSES[0], CLASSES[1].astype(integers))
    histories = [
        Run(model=lambda: Model(outputs=2), train=d, validation=d, task="classification", seed=1)
        for d in (CLASSES, data)
    ]
    with seeded(0):
        first = histories[0].fit()
    with seeded(0):
        assert histories[1].fit() == first


def test_a_padding_mask_reaches_the_model():
    """Padded sequences train to the same weights as the short sequences they hold."""
    x, y = make_data(20)
    padded = np.concatenate([x, np.full((20, 4, 3), 7, np.float32)], axis=1)
    mask = np.arange(9) < np.full((20, 1), 5)

    def model():
        return SequenceModel(3, 4, 1)

    masked = Run(model=model, train=(padded, y, mask), validation=(padded, y, mask))
    plain = Run(model=model, train=(x, y), validation=(x, y))
    np.testing.assert_allclose(masked.fit().objective, plain.fit().objective, rtol=1e-4)
    np.testing.assert_allclose(masked.history.validation_loss, plain.history.validation_loss, rtol=1e-4)
    np.testing.assert_allclose(predict(masked.model, padded, mask), predict(plain.model, x), atol=1e-4)


def test_the_penalty_is_in_the_objective_and_not_in_the_losses():
    run = Run(
        lr=0.0,
        optimizer=torch.optim.SGD,
        model=lambda: Model(p=0.0),
        penalty=lambda m: m.head.bias.sum() * 0 + 2,
    )
    history = run.fit()
    np.testing.assert_allclose(history.objective, np.array(history.train_loss) + 2, rtol=1e-6)


@pytest.mark.parametrize("limit", [1e-3, 1e3])
def test_clip_norm_limits_the_step(limit):
    run = Run(lr=1.0, optimizer=torch.optim.SGD, clip_norm=limit, batch_size=40, epochs=1)
    before = nn.utils.parameters_to_vector(run.model.parameters()).detach().clone()
    run.fit()
    step = (nn.utils.parameters_to_vector(run.model.parameters()) - before).norm().item()
    assert step == pytest.approx(limit, rel=1e-3) if limit < 1 else 1e-3 < step < limit


def test_weather_is_learned_better_than_by_persistence():
    weather = load_weather()
    with warnings.catch_warnings(), seeded(0):
        warnings.simplefilter("error")  # the dataset's arrays are read-only, which torch would warn of
        model = SequenceModel(6, 16, 1)
        history = fit(
            model,
            weather.train,
            weather.validation,
            optimizer=torch.optim.Adam(model.parameters(), lr=1e-2),
            epochs=4,
            generator=torch.Generator().manual_seed(0),
            progress=False,
        )
    assert min(history.validation_loss) < persistence_loss(weather.validation)
    assert history.best_epoch == int(np.argmin(history.validation_loss))


# Modes, randomness, devices


def test_dropout_is_on_in_training_and_off_everywhere_else():
    run, seen = Run(), []
    run.model.dropout.register_forward_pre_hook(
        lambda module, _: seen.append((module.training, torch.is_grad_enabled()))
    )
    run.fit(epochs=2)
    epoch = [(True, True)] * 3 + [(False, False)] * 2
    assert seen[2:] == epoch * 2
    assert seen[:2] == [(False, False)] * 2  # one sample of each split, looked at before training
    assert not run.model.training


@pytest.mark.parametrize("measure", [lambda m: evaluate(m, TRAIN), lambda m: predict(m, TRAIN[0])])
@pytest.mark.parametrize("training", [True, False])
def test_measuring_leaves_every_mode_as_it_was(measure, training):
    model = Model().train(training)
    model.lstm.train(not training)
    first, second = measure(model), measure(model)
    assert same(first, second)
    assert (model.training, model.lstm.training, model.dropout.training) == (training, not training, training)
    with pytest.raises(ValueError, match="model takes"):
        evaluate(model, (TRAIN[0][:, :, :2], TRAIN[1]))
    assert model.training is training
    assert not predict(model, TRAIN[0]).requires_grad


def test_the_seeds_decide_everything():
    def weights(init, dropout, batches):
        run = Run(seed=init)
        run.generator.manual_seed(batches)
        with seeded(dropout):
            run.fit()
        return run.model.state_dict()

    first = weights(0, 0, 0)
    assert same(first, weights(0, 0, 0))
    for other in ((1, 0, 0), (0, 1, 0), (0, 0, 1)):
        assert not same(first, weights(*other)), other


def test_without_dropout_the_global_generator_is_left_alone():
    run, before = Run(model=lambda: Model(p=0.0)), torch.get_rng_state()
    run.fit()
    assert torch.equal(before, torch.get_rng_state())


def test_seeded_is_reproducible_and_disturbs_nobody():
    before = torch.get_rng_state()
    with seeded(3):
        first = Model().state_dict()
    with seeded(3):
        assert same(first, Model().state_dict())
    with pytest.raises(ZeroDivisionError), seeded(3):
        torch.rand(()) / (1 // 0)
    assert torch.equal(before, torch.get_rng_state())
    with seeded(4):
        assert not same(first, Model().state_dict())
    with pytest.raises(ValueError, match=r"seed: expected .* received -1"), seeded(-1):
        pass


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_data_move_to_the_model(device, dtype):
    if device == "mps" and dtype == torch.float64:
        pytest.skip("MPS has no float64")
    run = Run(model=lambda: Model().to(device, dtype), train=[array.astype(np.float64) for array in TRAIN])
    history = run.fit()
    assert history.train_loss[-1] < history.train_loss[0]
    output = predict(run.model, TRAIN[0])
    assert output.dtype == dtype
    assert output.device.type == "cpu"


def test_no_tensor_is_made_on_the_default_device():
    run = Run(optimizer=torch.optim.SGD)
    with torch.device("meta"):
        history = run.fit(early_stopping=EarlyStopping(patience=9, restore_best_weights=True), clip_norm=1.0)
        evaluate(run.model, TRAIN)
    assert all(map(math.isfinite, history.train_loss))


class CountReads(TorchDispatchMode):
    """Count how often Python waits for a tensor's value, and all operations."""

    def __init__(self):
        super().__init__()
        self.reads = self.operations = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.operations += 1
        self.reads += function is torch.ops.aten._local_scalar_dense.default
        return function(*args, **(kwargs or {}))


def test_python_waits_once_an_epoch_not_once_a_batch():
    """A read per batch stalls a GPU. The loop's own operations per batch are few, too."""
    counts = {}
    for batch_size in (40, 1):
        run = Run(
            model=lambda: Model(p=0.0),
            optimizer=torch.optim.SGD,
            batch_size=batch_size,
            epochs=1,
            validation=None,
        )
        with CountReads() as count:
            run.fit(measure_train=False)
        counts[batch_size] = count
    assert counts[1].reads == counts[40].reads

    model, (x, y) = Model(p=0.0), map(torch.tensor, make_data(1))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
    with CountReads() as bare:
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()
    per_batch = (counts[1].operations - counts[40].operations) / 39
    assert per_batch <= bare.operations + 6


# History


def test_history_knows_its_gap_and_survives_json():
    history = Run().fit()
    assert np.array_equal(history.gap, np.subtract(history.validation_loss, history.train_loss))
    again = History.from_dict(json.loads(json.dumps(history.to_dict())))
    assert again == history
    assert again.seconds == history.seconds > 0
    with pytest.raises(ValueError, match=r"values: expected the keys .* received"):
        History.from_dict({"losses": []})


def test_what_is_not_measured_is_empty():
    history = Run(measure_train=False).fit()
    assert history.train_loss == []
    assert len(history.validation_loss) == 4
    alone = Run(validation=None).fit()
    assert (alone.validation_loss, alone.best_epoch) == ([], None)
    for missing in (history, alone):
        with pytest.raises(ValueError, match=r"gap: expected .*measure_train"):
            missing.gap  # noqa: B018


def test_measuring_does_not_change_the_training():
    full, bare = Run(), Run(measure_train=False, validation=None)
    for run in (full, bare):
        with seeded(0):
            run.fit()
    assert same(full.model.state_dict(), bare.model.state_dict())


def test_the_progress_bar_can_be_switched_off(capsys, monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    for progress, variable, shown in (
        (None, "", True),
        (None, "1", False),
        (True, "1", True),
        (False, "", False),
    ):
        monkeypatch.setenv("TQDM_DISABLE", variable)
        Run().fit(progress=progress)
        text = capsys.readouterr().err
        assert ("epochs" in text) == shown
        assert ("validation_loss" in text) == shown


# Early stopping


def overfitting(**options):
    return Run(lr=0.05, model=lambda: Model(p=0.0), epochs=40, **options)


@pytest.mark.parametrize("restore", [True, False])
@pytest.mark.parametrize("patience", [2, 5])
def test_early_stopping_ends_the_run_and_restores_a_copy(restore, patience):
    losses = overfitting().fit().validation_loss
    rule = EarlyStopping(patience=patience)
    stop = next(epoch for epoch, loss in enumerate(losses) if rule.update(epoch, loss))

    run = overfitting(early_stopping=EarlyStopping(patience=patience, restore_best_weights=restore))
    history = run.fit()
    assert history.validation_loss == losses[: stop + 1]
    assert (history.stopped_epoch, history.best_epoch) == (stop, rule.best_epoch)
    expected = min(losses[: stop + 1]) if restore else losses[stop]
    assert evaluate(run.model, VALIDATION)["loss"] == expected


def test_best_weights_are_restored_without_a_stop_too():
    run = overfitting(early_stopping=EarlyStopping(patience=99, restore_best_weights=True))
    history = run.fit()
    assert history.stopped_epoch is None
    assert (
        evaluate(run.model, VALIDATION)["loss"] == min(history.validation_loss) < history.validation_loss[-1]
    )


def test_a_rule_used_twice_begins_anew():
    rule = EarlyStopping(patience=2, restore_best_weights=True)
    assert overfitting(early_stopping=rule).fit() == overfitting(early_stopping=rule).fit()


# Checkpoints


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
    "optimizer": ({"optimizer": torch.optim.AdamW}, "optimizer"),
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


@FAST
@given(position=st.floats(0, 1), change=st.integers(1, 255), cut=st.booleans())
def test_a_damaged_checkpoint_is_never_believed(tmp_path_factory, finished, position, change, cut):
    content, expected = bytearray(finished[0]), finished[1]
    place = round(position * (len(content) - 1))
    content[place] ^= change
    if cut:
        del content[place:]
    path = tmp_path_factory.mktemp("damaged") / "run.pt"
    path.write_bytes(content)
    run = Run(checkpoint=path, resume=True)
    try:
        run.fit()
    except ValueError as error:
        named = f"checkpoint {path}: expected a checkpoint" in str(error)
    else:
        named = False
    assert named or same(expected["weights"], run.model.state_dict())


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


# Interruption


@pytest.mark.parametrize("call", range(2, 14))
def test_ctrl_c_returns_the_history_and_a_usable_model(tmp_path, capsys, call):
    """The penalty is asked once before training, and in each epoch by three batches and the checkpoint."""
    path, (saved, step) = tmp_path / "run.pt", divmod(call - 2, 4)
    finished_epochs = saved + (step == 3)

    def rule():
        return EarlyStopping(patience=9, restore_best_weights=True)

    run = Run(penalty=interrupt_at(call), checkpoint=path, early_stopping=rule())
    with seeded(1):
        history = run.fit()
    assert history.interrupted
    lengths = {len(history.objective), len(history.train_loss), len(history.validation_loss)}
    assert lengths == {finished_epochs}
    assert not run.model.training
    assert math.isfinite(evaluate(run.model, TRAIN)["loss"])
    line = f"Interrupted after {finished_epochs} of 4 epochs. To go on: call fit again with resume=True.\n"
    assert capsys.readouterr().out == line

    whole = Run(penalty=interrupt_at(0), early_stopping=rule())
    resumed = Run(penalty=interrupt_at(0), early_stopping=rule(), checkpoint=path, resume=True)
    with seeded(1):
        whole.fit()
        expected = copy.deepcopy(whole.state())
    with seeded(77 if saved else 1):
        resumed.fit()
        assert same(expected, resumed.state())
    assert not resumed.history.interrupted


@pytest.mark.parametrize("place", ["evaluation", "saving"])
def test_ctrl_c_between_the_batches(tmp_path, monkeypatch, capsys, place):
    run = Run(checkpoint=tmp_path / "run.pt")
    evaluations = []

    def interrupt(*_):
        evaluations.append(run.model.training)
        if (
            evaluations.count(False) == 5
        ):  # two samples before training, two splits, and the next epoch's first
            signal.raise_signal(signal.SIGINT)

    if place == "evaluation":
        run.model.register_forward_hook(interrupt)
    else:
        monkeypatch.setattr(os, "replace", lambda *_: signal.raise_signal(signal.SIGINT))
    history = run.fit()
    assert history.interrupted
    assert len(history.objective) == len(history.train_loss) == len(history.validation_loss) == 1
    assert (tmp_path / "run.pt").exists() == (place == "evaluation")
    assert not (tmp_path / "run.pt.tmp").exists()
    assert capsys.readouterr().out.count("\n") == 1


def test_ctrl_c_without_a_checkpoint_says_what_would_help(capsys):
    Run(penalty=interrupt_at(3)).fit()
    assert "checkpoint=FILE" in capsys.readouterr().out


# Mistakes


def with_value(value):
    x = TRAIN[0].copy()
    x[2, 1, 0] = value
    return x, TRAIN[1]


X, Y = TRAIN
NOT_PAIRS = {
    "x alone": (X, "train: expected .*received"),
    "x as list": ((X.tolist(), Y), "train x: expected a NumPy array or a tensor"),
    "nothing": (None, "train: expected .*received None"),
    "lengths": ((X, Y[:-1]), r"train y: expected 40 targets.*received \(39, 1\)"),
    "2-D x": ((X[:, 0], Y), r"train x: expected shape \(any, any, any\), received \(40, 3\)"),
    "features": ((X[:, :, :2], Y), r"train x: expected a shape that the model takes.*\(40, 5, 2\)"),
    "flat y": ((X, Y[:, 0]), r"train y .*expected shape \(40, 1\), received \(40,\)"),
    "wide y": ((X, np.repeat(Y, 2, axis=1)), r"train y .*expected shape \(40, 1\), received \(40, 2\)"),
    "NaN": (with_value(np.nan), "train x: expected finite numbers, received '1 of 600"),
    "infinity": (with_value(-np.inf), "train x: expected finite numbers"),
    "NaN target": ((X, np.where(np.arange(40)[:, None] == 7, np.nan, Y)), "train y: expected finite"),
    "overflow": ((X.astype(np.float64) * 1e300, Y), "train x: expected finite"),
    "integers": ((X.astype(int), Y), "train x: expected floating-point numbers, received torch.int64"),
    "integer y": ((X, Y.astype(int)), "train y: expected floating-point numbers"),
    "objects": ((X.astype(object), Y), "train x: expected numbers, received an array of object"),
    "empty": ((X[:0], Y[:0]), r"train x: expected shape .*received \(0, 5, 3\)"),
    "no steps": ((X[:, :0], Y), r"train x: expected shape .*received \(40, 0, 3\)"),
    "mask shape": ((X, Y, np.ones((40, 4), bool)), r"train padding_mask: expected shape \(40, 5\)"),
    "mask kind": ((X, Y, np.ones((40, 5))), "train padding_mask: expected booleans"),
    "scalar y": ((X, torch.tensor(1.0)), "train y: expected 40 targets"),
}


@pytest.mark.parametrize(("train", "message"), NOT_PAIRS.values(), ids=NOT_PAIRS)
def test_data_that_do_not_fit_are_named(train, message):
    run = Run(train=train)
    with pytest.raises(ValueError, match=message):
        run.fit()
    with pytest.raises(ValueError, match=message.replace("train", "data", 1)):
        evaluate(run.model, train)
    if train is not None:
        with pytest.raises(ValueError, match=message.replace("train", "validation", 1)):
            Run(validation=train).fit()


MISTAKES = {
    "task": ({"task": "ranking"}, "task: expected one of 'regression', 'classification'"),
    "epochs": ({"epochs": 0}, "epochs: expected a whole number of at least 1, received 0"),
    "batch": ({"batch_size": 2.5}, "batch_size: expected .* received 2.5"),
    "clip": ({"clip_norm": 0}, "clip_norm: expected a number above 0"),
    "clip NaN": ({"clip_norm": math.nan}, "clip_norm: expected a finite number"),
    "generator": ({"generator": 0}, "generator: expected a torch.Generator, received 0"),
    "NumPy penalty": (
        {"penalty": lambda model: 0.5},
        r"penalty\(model\): expected a scalar tensor .*received 0.5",
    ),
    "vector penalty": ({"penalty": lambda model: model.head.weight}, r"penalty\(model\): expected a scalar"),
    "monitor": ({"early_stopping": EarlyStopping(), "validation": None}, "validation: expected data"),
    "maximum": ({"early_stopping": EarlyStopping(mode="max")}, "early_stopping.mode: expected 'min'"),
    "other model": (
        {"optimizer": torch.optim.SGD(Model().parameters(), lr=1)},
        "optimizer: expected .*made anew",
    ),
    "part": (
        {"optimizer": torch.optim.SGD(Model().head.parameters(), lr=1)},
        "optimizer: expected .*lacks.*lstm",
    ),
}


@pytest.mark.parametrize(("change", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named(change, message):
    run = Run()
    before = copy.deepcopy(run.model.state_dict())
    with pytest.raises(ValueError, match=f"(?s){message}"):
        run.fit(**change)
    assert same(before, run.model.state_dict())


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (CLASSES[1] + 1, "train y: expected classes 0 to 1, received '1 to 2'"),
        (CLASSES[1] - 1, "train y: expected classes 0 to 1, received '-1 to 0'"),
        (CLASSES[1].astype(np.float32), "train y: expected whole numbers"),
        (CLASSES[1][:, None], r"train y: expected whole numbers.*\(40, 1\)"),
        (CLASSES[1] == 1, "train y: expected whole numbers"),
    ],
)
def test_classes_that_do_not_exist_are_named(y, message):
    with pytest.raises(ValueError, match=message):
        Run(model=lambda: Model(outputs=2), train=(X, y), task="classification").fit()


def test_a_model_that_returns_a_tuple_is_named():
    with pytest.raises(ValueError, match=r"model\(x\): expected a tensor .*tuple"):
        Run(model=lambda: nn.LSTM(3, 1, batch_first=True)).fit()


def test_a_frozen_part_may_be_left_out_of_the_optimizer():
    run = Run()
    run.model.lstm.requires_grad_(False)
    optimizer = torch.optim.SGD(run.model.head.parameters(), lr=0.1)
    before = copy.deepcopy(run.model.lstm.state_dict())
    assert len(run.fit(optimizer=optimizer).objective) == 4
    assert same(before, run.model.lstm.state_dict())


@pytest.mark.parametrize(
    ("options", "epoch"),
    [
        ({"lr": 1e30}, 0),
        (
            {"lr": 1e38, "train": (X, Y * 1e9), "batch_size": 40, "measure_train": False, "validation": None},
            0,
        ),
        ({"lr": 60.0, "epochs": 50, "model": lambda: Model(p=0.0)}, None),
    ],
)
def test_a_diverging_run_stops_and_says_why(tmp_path, options, epoch):
    path = tmp_path / "run.pt"
    run = Run(optimizer=torch.optim.SGD, checkpoint=path, **options)
    named = r"epoch \d+" if epoch is None else f"epoch {epoch}"
    with pytest.raises(
        FloatingPointError, match=f"{named}: expected finite .*received .*learning rate.*clip_norm"
    ):
        run.fit()
    assert not run.model.training
    if path.exists():
        saved = torch.load(path, weights_only=True)["model"]
        assert all(weight.isfinite().all() for weight in saved.values())
