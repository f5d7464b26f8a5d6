"""The training loop: right sums, right modes, early stopping, Ctrl-C, and clear words for every mistake."""

import copy
import json
import math
import os
import signal
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from training_runs import (
    CLASSES,
    TRAIN,
    VALIDATION,
    CountReads,
    Model,
    Run,
    interrupt_at,
    l2,
    make_data,
    overfitting,
    same,
)

from labcode.constraints import constrain_, max_norm_torch
from labcode.data import load_weather, persistence_loss
from labcode.early_stopping import EarlyStopping
from labcode.lstm import SequenceModel
from labcode.penalties import activation_penalty_torch, temporal_activation_penalty_torch
from labcode.training import evaluate, fit, predict, seeded
from labcode.training.history import History

DEVICES = ["cpu"] + ["cuda"] * torch.cuda.is_available() + ["mps"] * torch.backends.mps.is_available()


# What is computed


@pytest.mark.parametrize(("dtype", "rounding"), [(torch.float32, 1e-6), (torch.float64, 1e-14)])
def test_fit_is_the_plain_loop(dtype, rounding):
    """The textbook loop, written out with an index at a time, reaches the same bits."""
    run = Run(model=lambda: Model().to(dtype), penalty=l2(1e-3), clip_norm=0.5)
    with seeded(5):
        run.fit()
    with seeded(0):
        model = Model().to(dtype)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.tensor(array, dtype=dtype) for array in TRAIN)
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
            assert run.history.objective[epoch] == pytest.approx(np.mean(objectives), rel=rounding)
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
    assert history.train_accuracy[-1] > 0.8
    assert history.validation_accuracy == history.train_accuracy
    assert evaluate(run.model, CLASSES, "classification") == {
        "loss": history.train_loss[-1],
        "accuracy": history.train_accuracy[-1],
    }


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


def test_an_activation_penalty_is_in_the_objective_and_reaches_the_lstm():
    """One step on the whole data equals the step that the sum of all three losses asks for."""
    options = {"model": lambda: Model(p=0.0), "optimizer": torch.optim.SGD, "lr": 0.1, "batch_size": 40}

    def ar_and_tar(output):
        return activation_penalty_torch(output, 2.0) + temporal_activation_penalty_torch(output, 1.0)

    run = Run(epochs=1, penalty=l2(0.1), activation_penalty=ar_and_tar, **options)
    history = run.fit()
    model = Run(**options).model
    x, y = map(torch.tensor, TRAIN)
    output = model.lstm(x)[0]
    change = output[:, 1:] - output[:, :-1]
    objective = ((model.head(output[:, -1]) - y) ** 2).mean() + l2(0.1)(model)
    objective = objective + 2 * (output**2).mean() + (change**2).mean()
    objective.backward()
    assert history.objective[0] == pytest.approx(objective.item(), rel=1e-6)
    for name, weight in model.named_parameters():
        wanted = weight - 0.1 * weight.grad
        torch.testing.assert_close(run.model.state_dict()[name], wanted.detach(), rtol=1e-5, atol=1e-7)


def test_the_hook_of_an_activation_penalty_is_gone_afterwards():
    run = Run(activation_penalty=lambda output: activation_penalty_torch(output, 1.0))
    run.fit()
    assert not run.model.lstm._forward_hooks


def test_a_constraint_holds_after_every_step():
    """Keras's order: the projection follows the step, so the weights that are measured obey it."""
    norms = []

    def onto_the_ball(model):
        assert not torch.is_grad_enabled()
        constrain_(model, {"recurrent": lambda u: max_norm_torch(u, 0.4, "row")})
        norms.append(model.lstm.weight_hh_l0.norm(dim=1).max().item())

    run = Run(lr=0.3, constraint=onto_the_ball)
    run.fit()
    assert len(norms) == 4 * 3
    assert run.model.lstm.weight_hh_l0.norm(dim=1).max() <= 0.4 + 1e-6
    free = Run(lr=0.3)
    free.fit()
    assert free.model.lstm.weight_hh_l0.norm(dim=1).max() > 0.5


def test_a_resumed_run_needs_its_constraint_and_activation_penalty_again(tmp_path):
    options = {"checkpoint": tmp_path / "run.pt", "constraint": lambda model: None}
    Run(epochs=1, **options).fit()
    with pytest.raises(ValueError, match="constraint: expected True"):
        Run(resume=True, **(options | {"constraint": None})).fit()
    assert len(Run(resume=True, **options).fit().objective) == 4


def test_output_dropout_is_part_of_what_a_checkpoint_compares(tmp_path):
    options = {"checkpoint": tmp_path / "run.pt"}
    Run(model=lambda: SequenceModel(3, 4, 1, output_dropout=0.5), epochs=1, **options).fit()
    with pytest.raises(ValueError, match=r"output_dropout=0\.5"):
        Run(model=lambda: SequenceModel(3, 4, 1), resume=True, **options).fit()


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
    run.model.eval()  # whatever mode it comes in
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
    assert len(repr(history)) < 160
    assert f"validation_loss {history.validation_loss[-1]:.4g}" in repr(history)
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


# After each epoch


@pytest.mark.parametrize("rule", [None, EarlyStopping(patience=99)])
def test_on_epoch_end_sees_each_epoch_in_evaluation_and_changes_nothing(rule):
    seen, options = [], {"early_stopping": rule}

    def look(epoch, losses, model):
        found = evaluate(model, VALIDATION)["loss"]
        seen.append((epoch, dict(losses), model.training, found))
        losses.clear()

    plain = Run(**options)
    plain.fit()
    state, watched = plain.state(), Run(**options, on_epoch_end=look)
    history = watched.fit()
    assert same(state, watched.state())
    assert [epoch for epoch, *_ in seen] == [0, 1, 2, 3]
    for epoch, losses, training, found in seen:
        assert losses == {name: getattr(history, name)[epoch] for name in losses}
        assert losses.keys() == {"objective", "train_loss", "validation_loss"}
        assert found == losses["validation_loss"]
        assert not training


@pytest.mark.parametrize("yes", [True, np.True_])
def test_on_epoch_end_ends_the_run_and_a_finished_run_stays_finished(tmp_path, yes):
    calls = []

    def stop(epoch, losses, model):
        calls.append(epoch)
        return yes if epoch == 2 else np.False_

    rule = EarlyStopping(patience=99, restore_best_weights=True)
    run = overfitting(on_epoch_end=stop, checkpoint=tmp_path / "run.pt", early_stopping=rule)
    history = run.fit()
    assert (history.stopped_epoch, len(history.objective)) == (2, 3)
    assert evaluate(run.model, VALIDATION)["loss"] == min(history.validation_loss)
    assert run.fit(resume=True) == history
    assert calls == [0, 1, 2]


def test_on_epoch_end_is_called_for_new_epochs_only_after_a_resumption(tmp_path):
    calls, path = [], tmp_path / "run.pt"
    options = {"on_epoch_end": lambda epoch, losses, model: calls.append(epoch), "checkpoint": path}
    Run(**options).fit(epochs=2)
    Run(**options).fit(resume=True)
    assert calls == [0, 1, 2, 3]


def test_what_on_epoch_end_raises_ends_the_run_as_it_is():
    def fail(epoch, losses, model):
        raise KeyError("mine")

    run = Run(on_epoch_end=fail)
    with pytest.raises(KeyError, match="mine"):
        run.fit()
    assert not run.model.training


@pytest.mark.parametrize("answer", [1, 0.0, "stop", np.float64(0.5)])
def test_on_epoch_end_that_returns_something_else_is_refused(answer):
    with pytest.raises(ValueError, match=r"on_epoch_end: expected a function that returns True to stop"):
        Run(on_epoch_end=lambda epoch, losses, model: answer).fit()


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
    "NumPy activation penalty": (
        {"activation_penalty": lambda outputs: 0.5},
        r"activation_penalty\(outputs\): expected a scalar tensor .*received 0.5",
    ),
    "constraint": ({"constraint": 3.0}, "constraint: expected a function of the model, received 3.0"),
    "hook": ({"on_epoch_end": 3.0}, r"on_epoch_end: expected a function of .epoch, losses, model"),
    "monitor": (
        {"early_stopping": EarlyStopping(), "validation": None},
        "early_stopping.monitor: expected what is measured: one of objective, train_loss, received 'val",
    ),
    "maximum": ({"early_stopping": EarlyStopping(mode="max")}, "early_stopping.mode: expected 'min'"),
}


@pytest.mark.parametrize(("change", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named(change, message):
    run = Run()
    before = copy.deepcopy(run.model.state_dict())
    with pytest.raises(ValueError, match=f"(?s){message}"):
        run.fit(**change)
    assert same(before, run.model.state_dict())


def test_an_activation_penalty_needs_an_lstm():
    model = nn.Sequential(nn.Flatten(), nn.Linear(15, 1))
    expected = "model: expected a module that holds an nn.LSTM, received"
    with pytest.raises(ValueError, match=expected):
        Run(model=lambda: model).fit(activation_penalty=lambda outputs: outputs.square().mean())
    model.extra = nn.LSTM(3, 2)
    with pytest.raises(ValueError, match=r"batch_first=True, .* received \[False\]"):
        Run(model=lambda: model).fit(activation_penalty=lambda outputs: outputs.square().mean())


def test_the_optimizer_must_hold_this_model_and_nothing_else():
    run, other = Run(), Model()
    parameters = list(run.model.parameters())
    for held, received in (
        (other.parameters(), r"lacks \['lstm.*holds 6 others .*made anew"),
        (run.model.head.parameters(), r"lacks \['lstm.*holds 0 others"),
        ([*parameters, other.head.bias], r"lacks \[\] and holds 1 others"),
    ):
        with pytest.raises(ValueError, match=f"optimizer: expected .*received .*{received}"):
            run.fit(optimizer=torch.optim.SGD(held, lr=0.1))


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
            {
                "lr": 1e38,
                "train": (TRAIN[0], TRAIN[1] * 1e9),
                "batch_size": 40,
                "measure_train": False,
                "validation": None,
            },
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


def test_a_diverging_run_ends_with_the_best_weights_if_they_are_kept():
    """Every loss up to the last but one is finite; then the learning rate explodes."""
    rule = EarlyStopping(patience=99, restore_best_weights=True)

    def explode(epoch, losses, model):
        for group in run.optimizer.param_groups:
            group["lr"] = 1e30 if epoch == 2 else group["lr"]

    run = Run(early_stopping=rule, on_epoch_end=explode, optimizer=torch.optim.SGD)
    with pytest.raises(FloatingPointError, match=r"epoch 3: .*best weights are back in the model"):
        run.fit()
    assert same(run.model.state_dict(), rule.best_weights)
    assert math.isfinite(rule.best)
    assert evaluate(run.model, VALIDATION)["loss"] == rule.best
    run = Run(optimizer=torch.optim.SGD, lr=1e30, early_stopping=EarlyStopping())
    with pytest.raises(FloatingPointError, match="These weights are lost"):
        run.fit()
