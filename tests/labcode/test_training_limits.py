"""What fit will not do it says, and names the example that shows how."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset
from training_runs import TRAIN, Model, Run, same

from labcode.training import evaluate

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
TENSORS = TensorDataset(*map(torch.tensor, TRAIN))


class Endless(IterableDataset):
    """A stream that must not be read."""

    def __iter__(self):
        raise AssertionError("the stream was read")


def endless():
    raise AssertionError("the stream was read")
    yield


STREAMS = {
    "DataLoader": lambda: DataLoader(TENSORS, 8),
    "TensorDataset": lambda: TENSORS,
    "IterableDataset": Endless,
    "loader of it": lambda: DataLoader(Endless(), 8),
    "generator": endless,
    "iterator": lambda: iter(TRAIN),
}


@pytest.mark.parametrize("make", STREAMS.values(), ids=STREAMS)
def test_data_that_come_in_batches_are_refused_unread(make):
    run = Run()
    words = (
        r"expected \(x, y\) or .* in memory .*examples/own_loop.py.*examples/lightning_module.py.*received"
    )
    with pytest.raises(ValueError, match=f"^train: {words}"):
        run.fit(train=make())
    with pytest.raises(ValueError, match=f"^validation: {words}"):
        run.fit(validation=make())
    with pytest.raises(ValueError, match=f"^data: {words}"):
        evaluate(run.model, make())


def test_other_data_are_named():
    for data in ({"x": 1, "y": 2}, "xy", TRAIN[0], 3):
        with pytest.raises(ValueError, match=r"train: expected \(x, y\) or \(x, y, padding_mask\), received"):
            Run().fit(train=data)
    assert Run(train=(*TRAIN, None)).fit() is not None


def spread():
    model = Model()
    model.head.to("meta")
    return model


MODELS = {
    "DataParallel": lambda: nn.DataParallel(Model()),
    "inside": lambda: nn.Sequential(nn.DataParallel(Model())),
    "two devices": spread,
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_several_devices_are_refused(model):
    with pytest.raises(ValueError, match=r"model: expected a model on one device .*own_loop.py.*received"):
        Run(model=model).fit()


def test_mixed_precision_is_refused_and_evaluation_is_not():
    run = Run(model=lambda: nn.Sequential(nn.Flatten(), nn.Linear(15, 1)))  # oneDNN's LSTM refuses autocast
    before = {name: weight.clone() for name, weight in run.model.state_dict().items()}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with pytest.raises(ValueError, match=r"fit: expected no autocast around it .*examples/own_loop.py"):
            run.fit()
        assert evaluate(run.model, TRAIN)["loss"] > 0
    assert same(before, run.model.state_dict())


def test_an_optimizer_with_a_closure_is_refused():
    with pytest.raises(ValueError, match=r"optimizer: expected one whose step needs no closure .*LBFGS"):
        Run(optimizer=torch.optim.LBFGS).fit()


@pytest.mark.parametrize("optimizer", ["adam", None, torch.optim.Adam])
def test_what_is_no_optimizer_is_named(optimizer):
    with pytest.raises(ValueError, match=r"optimizer: expected a torch.optim.Optimizer, received"):
        Run().fit(optimizer=optimizer)


def test_a_model_without_parameters_and_what_is_no_model_are_named():
    run = Run()
    with pytest.raises(ValueError, match="model: expected a module with parameters, received 'Flatten'"):
        evaluate(nn.Flatten(), TRAIN)
    for model in (None, lambda x: x, Model):
        with pytest.raises(ValueError, match=r"model: expected a torch.nn.Module, received"):
            evaluate(model, TRAIN)
    run.model = lambda x: x
    with pytest.raises(ValueError, match=r"model: expected a torch.nn.Module, received"):
        run.fit()


@pytest.mark.parametrize("name", ["own_loop", "lightning_module"])
def test_the_examples_that_errors_name_are_there(name):
    assert (EXAMPLES / f"{name}.py").is_file()
