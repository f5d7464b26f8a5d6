"""Data that do not fit the model or the task are named before any training."""

import numpy as np
import pytest
import torch
from torch import nn
from training_runs import CLASSES, TRAIN, Model, Run

from labcode.training import evaluate, predict, seeded


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


def test_a_model_that_returns_a_tuple_is_named():
    with pytest.raises(ValueError, match=r"model\(x\): expected a tensor .*tuple"):
        Run(model=lambda: nn.LSTM(3, 1, batch_first=True)).fit()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X.astype(int),), "^x: expected floating-point numbers"),
        ((X[0],), r"^x: expected shape \(any, any, any\), received \(5, 3\)"),
        ((X, np.ones((40, 4), bool)), r"^padding_mask: expected shape \(40, 5\), received \(40, 4\)"),
    ],
)
def test_predict_names_what_does_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        predict(Model(), *arguments)
