"""Losses and metrics of one's own: what they are given, what the history calls them, what is refused."""

import doctest
import importlib
import json
import math
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, log_loss, roc_auc_score
from test_training_sequences import TOKENS, LanguageModel, make_tokens
from torch import nn
from training_runs import CLASSES, TRAIN, VALIDATION, CountReads, Model, Run, make_data, same

from labcode.data.dataset import IGNORED
from labcode.keras_interop import import_keras
from labcode.label_smoothing import smoothed_cross_entropy, smoothed_cross_entropy_torch
from labcode.training import evaluate, predict
from labcode.training.history import History

THREE = make_data(300, 2)[0], np.random.default_rng(0).choice(3, 300, p=[0.8, 0.15, 0.05])
CLASSIFY = {"model": lambda: Model(outputs=3), "train": THREE, "validation": THREE, "task": "classification"}
SEQUENCES = {"model": LanguageModel, "train": TOKENS, "validation": make_tokens(20, 1), "task": "sequence"}


def real(model, tokens):
    """Return logits and targets of all real tokens, in float64."""
    logits, y = predict(model, tokens[0], tokens[2]).double(), torch.tensor(tokens[1])
    return logits[y != IGNORED], y[y != IGNORED]


# By name


@pytest.mark.parametrize(
    ("name", "keras_name"), [("mse", "MeanSquaredError"), ("mae", "MeanAbsoluteError"), ("huber", "Huber")]
)
def test_a_named_loss_is_keras_s(name, keras_name):
    run = Run(loss=name, model=lambda: Model(p=0.0), lr=0.0)
    history = run.fit()
    theirs = getattr(import_keras().losses, keras_name)()
    for split, losses in ((TRAIN, history.train_loss), (VALIDATION, history.validation_loss)):
        expected = float(theirs(split[1], predict(run.model, split[0]).numpy()))
        assert losses == pytest.approx([expected] * 4, rel=1e-5)
    assert history.objective == pytest.approx(history.train_loss, rel=1e-5)
    assert evaluate(run.model, VALIDATION, loss=name)["loss"] == history.validation_loss[-1]


@pytest.mark.parametrize(
    ("task", "name", "options"),
    [
        ("regression", "mse", {}),
        ("classification", "cross_entropy", CLASSIFY),
        ("sequence", "cross_entropy", SEQUENCES),
    ],
)
def test_without_a_loss_the_task_s_own_is_taken(task, name, options):
    states = []
    for loss in ({}, {"loss": name}):
        run = Run(**options, **loss)
        run.fit()
        states.append(run.state())
    assert same(*states)


# One's own


@pytest.mark.parametrize(
    "loss", [nn.L1Loss(), nn.L1Loss(reduction="none"), lambda p, y: (p - y).abs(), nn.functional.l1_loss]
)
def test_a_loss_of_ones_own_may_return_the_mean_or_each_entry(loss):
    named, own = (Run(loss=one, model=lambda: Model(p=0.0)) for one in ("mae", loss))
    histories = named.fit(), own.fit()
    for name in ("objective", "train_loss", "validation_loss"):
        assert getattr(histories[0], name) == pytest.approx(getattr(histories[1], name), rel=1e-5)
    torch.testing.assert_close(own.model.state_dict(), named.model.state_dict())


def test_weights_of_classes_are_those_of_scikit_learn():
    """On a whole split: the weighted mean over 300 samples is not the mean of those of its batches."""
    weights = torch.tensor([1.0, 5.0, 16.0])
    loss = nn.CrossEntropyLoss(weight=weights)
    run = Run(**CLASSIFY, loss=loss)
    history = run.fit()
    probability = predict(run.model, THREE[0]).double().softmax(dim=1).numpy()
    sample_weight = weights.numpy()[THREE[1]]
    assert history.validation_loss[-1] == pytest.approx(
        log_loss(THREE[1], probability, sample_weight=sample_weight, labels=[0, 1, 2]), rel=1e-5
    )
    assert evaluate(run.model, THREE, "classification", loss=loss)["loss"] == history.validation_loss[-1]
    plain = Run(**CLASSIFY)
    plain.fit()
    rare = [float((predict(one.model, THREE[0]).argmax(1) > 0).float().mean()) for one in (run, plain)]
    assert rare[0] > rare[1]


def test_labels_are_smoothed_by_the_course_s_own():
    loss = partial(smoothed_cross_entropy_torch, epsilon=0.2)
    run = Run(**CLASSIFY, loss=loss)
    history = run.fit()
    logits = predict(run.model, THREE[0]).double().numpy()
    assert history.train_loss[-1] == pytest.approx(smoothed_cross_entropy(logits, THREE[1], 0.2), rel=1e-5)
    run = Run(**SEQUENCES, loss=loss)
    history = run.fit()
    logits, y = real(run.model, TOKENS)
    assert history.train_loss[-1] == pytest.approx(
        smoothed_cross_entropy(logits.numpy(), y.numpy(), 0.2), rel=1e-5
    )
    theirs = Run(**SEQUENCES, loss=nn.CrossEntropyLoss(label_smoothing=0.2))
    theirs.fit()
    torch.testing.assert_close(run.model.state_dict(), theirs.model.state_dict())


def test_two_classes_may_have_one_output():
    x, y = CLASSES[0], CLASSES[1][:, None].astype(np.float32)
    run = Run(train=(x, y), validation=(x, y), loss=nn.BCEWithLogitsLoss(), lr=3e-2)
    history = run.fit(epochs=30, metrics={"auc": lambda p, t: roc_auc_score(t, p)})
    probability = torch.sigmoid(predict(run.model, x).double()).numpy()
    assert history.train_loss[-1] == pytest.approx(log_loss(y[:, 0], probability[:, 0]), rel=1e-5)
    assert history.train_auc[-1] == roc_auc_score(y, probability) > 0.8


def test_several_outputs_may_belong_to_one_target():
    """Quantile regression: three outputs, one target."""
    levels = torch.tensor([0.1, 0.5, 0.9])

    def pinball(prediction, target):
        error = target - prediction
        return torch.maximum(levels * error, (levels - 1) * error).mean()

    run = Run(model=lambda: Model(outputs=3, p=0.0), loss=pinball, epochs=60, lr=3e-2)
    run.fit()
    below = (TRAIN[1] < predict(run.model, TRAIN[0]).numpy()).mean(axis=0)
    assert below[0] < below[1] < below[2]
    with pytest.raises(ValueError, match=r"train y .*expected shape \(40, 3\), received \(40, 1\)"):
        Run(model=lambda: Model(outputs=3)).fit()
    with pytest.raises(ValueError, match=r"train y .*expected shape \(40, any\), received \(40,\)"):
        Run(train=(TRAIN[0], TRAIN[1][:, 0]), loss=pinball).fit()


def test_a_loss_of_ones_own_reads_no_value_in_a_batch():
    counts = []
    for batch_size in (37, 5):
        run = Run(**SEQUENCES, epochs=1, batch_size=batch_size, optimizer=torch.optim.SGD)
        with CountReads() as count:
            run.fit(loss=nn.CrossEntropyLoss(), measure_train=False, validation=None)
        counts.append(count.reads)
    assert counts[0] == counts[1]


LOSSES = {
    "name": ("mape", "loss: expected one of 'mse', 'mae', 'huber', received 'mape'"),
    "name of another task": ("cross_entropy", "loss: expected one of 'mse'"),
    "number": (3.0, r"loss: expected a function of \(prediction, target\).*received 3.0"),
    "class": (nn.MSELoss, r"loss: expected a function .*such as torch.nn.HuberLoss\(\).*received <class"),
    "arguments": (lambda p: p.mean(), r"loss: expected .* takes a prediction \(1, 1\) and a target \(1, 1\)"),
    "kind": (nn.CrossEntropyLoss(weight=torch.ones(2)), r"loss: expected .* received one that fails"),
    "NumPy": (lambda p, y: np.mean((p.detach().numpy() - y.numpy()) ** 2), "loss.* expected a tensor"),
    "float": (lambda p, y: 0.5, r"loss\(prediction, target\).*expected a tensor.*received 0.5"),
    "no gradient": (lambda p, y: (p > y).float().mean(), "expected a tensor with a gradient .*metrics="),
}


@pytest.mark.parametrize(("loss", "message"), LOSSES.values(), ids=LOSSES)
def test_a_loss_that_does_not_fit_is_named(loss, message):
    run = Run()
    with pytest.raises(ValueError, match=f"(?s){message}"):
        run.fit(loss=loss)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        evaluate(run.model, TRAIN, loss=loss)


# Precision


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("task", ["regression", "classification", "sequence"])
def test_the_loss_of_a_half_precise_model_is_not_rounded(dtype, task):
    """Against the same predictions in float64: their loss is exact to float32, and so early stopping sees."""
    data = {"regression": make_data(300), "classification": THREE, "sequence": TOKENS}[task]
    model = {"regression": Model, "classification": lambda: Model(3), "sequence": LanguageModel}[task]
    torch.manual_seed(0)
    model = model().to(dtype)
    found = evaluate(model, data, task)
    if task == "sequence":
        prediction, y = real(model, data)
    else:
        prediction, y = predict(model, data[0]).double(), torch.tensor(data[1])
    loss = nn.functional.mse_loss if task == "regression" else nn.functional.cross_entropy
    expected = loss(prediction, y.double() if task == "regression" else y).item()
    assert found["loss"] == pytest.approx(expected, rel=2e-6)


# Metrics


def macro_f1(prediction, target):
    return f1_score(target, prediction.argmax(dim=1), average="macro", zero_division=0)


def test_metrics_are_scikit_learn_s_on_whole_splits():
    """F1 of 300 samples is not the mean of F1 over batches of 256 and 44."""
    seen = []

    def watched(prediction, target):
        seen.append((len(prediction), torch.is_grad_enabled(), prediction.device.type))
        return macro_f1(prediction, target)

    validation = THREE[0][:50], THREE[1][:50]
    run = Run(**CLASSIFY | {"validation": validation}, metrics={"f1": watched}, lr=0.05)
    history = run.fit()
    assert seen == [(300, False, "cpu"), (50, False, "cpu")] * 4
    expected = macro_f1(predict(run.model, validation[0]), validation[1])
    assert history.metrics["validation_f1"][-1] == history.validation_f1[-1] == expected
    assert len(history.train_f1) == 4
    assert evaluate(run.model, validation, "classification", metrics={"f1": macro_f1}) == {
        "loss": history.validation_loss[-1],
        "accuracy": history.validation_accuracy[-1],
        "f1": expected,
    }
    assert f"validation_f1 {expected:.4g}" in repr(history)


def test_metrics_of_sequences_see_real_tokens_alone():
    def accuracy(prediction, target):
        assert (target >= 0).all()
        return (prediction.argmax(dim=1) == target).double().mean()

    run = Run(**SEQUENCES, metrics={"right": accuracy})
    history = run.fit()
    assert history.validation_right == pytest.approx(history.validation_accuracy, rel=1e-6)


def test_measuring_more_changes_nothing_else():
    plain, measured = (Run(model=lambda: Model(p=0.0), metrics=m) for m in (None, {"zero": lambda p, t: 0}))
    first, second = plain.fit(), measured.fit()
    assert same(plain.model.state_dict(), measured.model.state_dict())
    assert second.metrics == {"train_zero": [0.0] * 4, "validation_zero": [0.0] * 4}
    assert first.metrics == {}
    assert first.validation_loss == second.validation_loss


@pytest.mark.parametrize("number", [np.float32(0.5), np.array(0.5), torch.tensor(0.5), 1, np.int64(1), 0.5])
def test_a_metric_may_be_any_number_and_survives_json(number):
    history = Run(metrics={"m": lambda p, t: number}).fit()
    assert history.validation_m == [float(number)] * 4
    again = History.from_dict(json.loads(json.dumps(history.to_dict())))
    assert again == history
    assert again.validation_m == history.validation_m
    with pytest.raises(AttributeError, match="validation_n"):
        history.validation_n  # noqa: B018


def test_a_metric_that_is_not_defined_does_not_end_the_run():
    history = Run(metrics={"m": lambda p, t: math.nan}).fit()
    assert len(history.objective) == 4
    assert all(map(math.isnan, history.validation_m))


METRICS = {
    "list": ([macro_f1], "metrics: expected functions of .prediction, target. by name"),
    "loss": ({"loss": macro_f1}, "metrics: expected names other than 'loss' and 'accuracy'"),
    "no name": ({"": macro_f1}, "metrics: expected names other than"),
    "number as name": ({3: macro_f1}, "metrics: expected names other than"),
    "no function": ({"f1": 0.5}, "metrics.'f1'.: expected a function of .prediction, target., received 0.5"),
    "tensor": ({"e": lambda p, t: (p - t).abs()}, "metrics.'e'..prediction, target.: expected a number"),
    "text": ({"e": lambda p, t: "good"}, "metrics.'e'..prediction, target.: expected a number"),
}


@pytest.mark.parametrize(("metrics", "message"), METRICS.values(), ids=METRICS)
def test_metrics_that_do_not_fit_are_named(metrics, message):
    run = Run()
    for call in (lambda: run.fit(metrics=metrics), lambda: evaluate(run.model, TRAIN, metrics=metrics)):
        with pytest.raises(ValueError, match=f"(?s){message}"):
            call()


# Checkpoints


def test_a_run_with_a_loss_and_metrics_of_ones_own_is_resumed(tmp_path):
    options = {**CLASSIFY, "loss": nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 3.0]))}
    options |= {"metrics": {"f1": macro_f1, "none": lambda p, t: math.nan}}
    whole, path = Run(**options), {"checkpoint": tmp_path / "run.pt", "resume": True}
    whole.fit()
    Run(**options, **path).fit(epochs=2)
    resumed = Run(**options, **path)
    resumed.fit()
    for key, value in whole.state().items():
        received = resumed.state()[key]
        if key == "history":
            value, received = (
                {**part, "metrics": part["metrics"]["validation_f1"]} for part in (value, received)
            )
        assert same(value, received), key


OTHERS = {
    "loss": ({"loss": nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 9.0]))}, "train_loss .at the saved"),
    "no loss": ({"loss": None}, "loss: expected 'a function', as the run began, received 'cross_entropy'"),
    "metric": ({"metrics": {"f1": lambda p, t: 2.0}}, "train_f1 .at the saved weights.: expected 0"),
    "no metric": ({"metrics": None}, r"metrics: expected \['f1'\], as the run began, received \[\]"),
}


@pytest.mark.parametrize(("change", "message"), OTHERS.values(), ids=OTHERS)
def test_a_run_is_resumed_with_its_own_loss_and_metrics_only(tmp_path, change, message):
    options = {**CLASSIFY, "loss": nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 3.0]))}
    options |= {"metrics": {"f1": macro_f1}, "checkpoint": tmp_path / "run.pt"}
    Run(**options).fit(epochs=2)
    other = Run(**options | change, resume=True)
    before = {name: value.clone() for name, value in other.model.state_dict().items()}
    with pytest.raises(ValueError, match=message):
        other.fit()
    assert same(before, other.model.state_dict())


def test_a_history_of_an_earlier_version_is_read():
    history = Run().fit().to_dict()
    earlier = {name: value for name, value in history.items() if name not in ("metrics", "kept_epoch")}
    assert History.from_dict(earlier).kept_epoch is None
    with pytest.raises(ValueError, match="values: expected the keys"):
        History.from_dict(earlier | {"loss": []})


@pytest.mark.parametrize("file", ["loop", "evaluation"])
def test_the_examples_in_the_docstrings_run(file):
    failed, tried = doctest.testmod(importlib.import_module(f"labcode.training.{file}"))
    assert (failed, tried > 0) == (0, True)
