"""The examples: each runs, is short, and does what its first line says."""

import importlib.util
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from statsmodels.datasets import co2, sunspots
from torch.utils.data import DataLoader, Sampler, TensorDataset

from labcode.constraints import constrain_, max_norm_torch
from labcode.data import load_weather
from labcode.optimizers import ProximalAdam
from labcode.penalties import WeightRegularization, activation_penalty_torch, l2_penalty_torch
from labcode.training import fit

FOLDER = Path(__file__).parents[2] / "examples"
FILES = sorted(FOLDER.glob("*.py"))


def load(name):
    """Import an example by its name."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_is_short_and_has_a_test(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 60
    assert lines[0].startswith('"""')
    assert f'load("{path.stem}")' in Path(__file__).read_text(encoding="utf-8")


def test_a_loop_of_one_s_own_learns_in_mixed_precision_and_keeps_its_constraint():
    example = load("own_loop")
    torch.manual_seed(0)
    model = example.SequenceModel(1, 16, 1, recurrent_dropout=0.1)
    assert example.train(model) < 0.1  # the waves' variance is 0.5
    assert (model.lstm.weight_hh_l0.norm(dim=1) <= 3.0 + 1e-5).all()


def test_packed_texts_train_the_lstm_that_stands_in_nn_lstm_s_place():
    right, chance = load("packed_text").main(epochs=2)
    assert right > 3 * chance


@pytest.mark.parametrize(
    ("series", "dates", "target", "window"),
    [(sunspots, "YEAR", "SUNACTIVITY", 11), (co2, None, "co2", 30)],
    ids=["sunspots", "co2"],
)
def test_a_series_of_one_s_own_from_csv_to_card(series, dates, target, window, tmp_path, capsys, monkeypatch):
    frame = series.load_pandas().data
    if dates is None:
        dates, frame = "date", frame.rename_axis("date").reset_index()
        frame["date"] = frame["date"].dt.strftime("%Y-%m-%d")
    else:
        frame[dates] = frame[dates].astype(int)
    path = tmp_path / "series.csv"
    frame.to_csv(path, index=False)
    monkeypatch.setenv("TQDM_DISABLE", "1")
    losses = load("your_own_series").main(path, dates, target, window=window, trials=2, epochs=8)
    said = capsys.readouterr().out
    assert losses["LSTM"] < losses["no change"]
    for part in (f"next {target}: ", "# A forecast of", "not checked", "windows of"):
        assert part in said
    assert path.with_suffix(".pt").is_file()


def test_a_keras_model_holds_the_lstm_and_gives_it_back():
    ours, theirs, trained, rules = load("keras_model").main(epochs=1)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert trained.settings.recurrent_dropout == 0.2
    assert (trained.weight_hh_l0.norm(dim=1) <= 1.0 + 1e-5).all()
    assert set(rules.penalties) == {"input"}
    assert set(rules.constraints) == {"recurrent"}


def test_skorch_lets_scikit_learn_search_in_time():
    pytest.importorskip("skorch", reason="the extra [loops] is not installed")
    search = load("skorch_search").main(trials=2, epochs=2)
    assert search.n_splits_ == 1
    assert 0 < -search.best_score_ < 1.5


class Order(Sampler):
    """The batches' order that ``fit`` draws from the same generator."""

    def __init__(self, size, seed):
        self.size, self.generator = size, torch.Generator().manual_seed(seed)

    def __iter__(self):
        return iter(torch.randperm(self.size, generator=self.generator).tolist())

    def __len__(self):
        return self.size


def test_lightning_ends_in_the_same_weights_as_fit():
    pytest.importorskip("lightning", reason="the extra [loops] is not installed")
    example, data = load("lightning_module"), load_weather()
    train = [torch.from_numpy(part.copy()) for part in data.train.last(0.3)]
    validation = [torch.from_numpy(part.copy()) for part in data.validation]
    torch.manual_seed(0)
    theirs = example.Regularized()
    ours = example.SequenceModel(6, 16, 1)
    ours.load_state_dict(theirs.model.state_dict())
    limit = partial(max_norm_torch, limit=theirs.hparams.limit)
    fit(
        ours,
        train,
        validation,
        optimizer=ProximalAdam(ours.parameters(), lr=3e-3, lam_l1=theirs.hparams.lam_l1),
        epochs=3,
        generator=torch.Generator().manual_seed(1),
        penalty=WeightRegularization(penalties={"recurrent": partial(l2_penalty_torch, lam=1e-3)}).penalty,
        activation_penalty=lambda outputs: activation_penalty_torch(outputs, 0.01),
        constraint=lambda model: constrain_(model, {"recurrent": limit}),
        progress=False,
    )
    batches = DataLoader(TensorDataset(*train), 32, sampler=Order(len(train[0]), seed=1))
    trainer = example.trainer(3, enable_progress_bar=False, accelerator="cpu")
    trainer.fit(theirs, batches, DataLoader(TensorDataset(*validation), 256))
    for name, weight in ours.state_dict().items():
        torch.testing.assert_close(theirs.model.state_dict()[name], weight, rtol=0, atol=1e-6)
