"""The studies of mechanisms: each run gives what its summary needs, and each measure is right."""

import importlib.util
import inspect
import sys
import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from labcode.experiments.runs import Run, alone, train
from labcode.experiments.script_hash import meaning
from labcode.experiments.snapshots import train_and_keep
from labcode.experiments.study import find_studies
from labcode.experiments.tasks import load
from labcode.training import evaluate

EVIDENCE = Path(__file__).resolve().parents[2] / "evidence"
TINY = {"seed": 3, "methods": (), "epochs": 3, "batch_size": 100, "learning_rate": 3e-3}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Use one thread, as studies do: more would wait for each other at such sizes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def script(name):
    """Import a script of evidence/."""
    spec = importlib.util.spec_from_file_location(f"evidence_{name}", EVIDENCE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", find_studies())
def test_all_that_a_study_may_send_to_its_workers_can_be_sent(name, monkeypatch):
    module = script(name)
    monkeypatch.setitem(sys.modules, module.__name__, module)  # where classes look for their source
    functions = [
        f for f in vars(module).values() if inspect.isfunction(f) and f.__module__ == module.__name__
    ]
    assert all(meaning(function) for function in functions)


def effects(summary):
    """Return every effect inside a summary, by its path."""
    found, waiting = {}, [((), summary)]
    while waiting:
        path, place = waiting.pop()
        if (
            isinstance(place, dict)
            and {"mean", "interval"} <= place.keys()
            and {"p_holm", "p_adjusted"} & place.keys()
        ):
            found[path] = place
        elif isinstance(place, dict):
            waiting += [((*path, name), inner) for name, inner in place.items()]
    return found


def small_run(task="speech_vowels", hidden=4, **settings):
    """Return a run that takes a moment."""
    return Run(task=task, model=(("hidden_size", hidden),), **(TINY | settings))


@pytest.fixture(scope="module")
def trained():
    """A small model of the vowels, with the weights of its three epochs."""
    return train_and_keep(small_run())


def test_snapshots_are_those_of_early_stopping_and_of_shorter_trainings(trained):
    validation = load("speech_vowels", 3).validation
    for epoch, loss in enumerate(trained.history.validation_loss):
        assert evaluate(trained.at(epoch), validation, "classification")["loss"] == pytest.approx(loss)
    model, history = train(small_run(epochs=2))
    assert history.validation_loss == trained.history.validation_loss[:2]
    for name, weight in trained.at(1).state_dict().items():
        torch.testing.assert_close(weight, model.state_dict()[name], rtol=0, atol=0)
    best = int(np.argmin(trained.history.validation_loss))
    assert trained.kept(5) == best
    items = trained.item_losses(load("speech_vowels", 3), "validation")
    assert items.mean() == pytest.approx(trained.history.validation_loss[1], rel=1e-5)
    with pytest.raises(ValueError, match="epoch: expected -1 to 2"):
        trained.at(3)
    with pytest.raises(ValueError, match="split"):
        trained.item_losses(load("speech_vowels", 3), "tests")


def test_a_run_may_be_part_of_another():
    def nested():
        with alone(), alone():
            assert torch.get_num_threads() == 1

    thread = threading.Thread(target=nested, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def test_noise_of_targets_keeps_their_distribution():
    capacity = script("capacity")
    dataset = load("speech_vowels", 0)
    noisy = capacity.with_noise(dataset, 0.5, seed=0)
    for name, split in dataset.splits.items():
        changed = noisy.splits[name].y
        np.testing.assert_array_equal(np.sort(changed), np.sort(split.y))
        assert 0.3 < np.mean(changed != split.y) < 0.5  # some of the half meet their own class again
    assert all((capacity.with_noise(dataset, 0.0, 0).train.y == dataset.train.y).tolist())


def test_capacity_finds_gaps_and_slopes():
    capacity = script("capacity")
    records = [capacity.run(s, task="speech_vowels", hidden=4, noise=0.5, epochs=2) for s in (0, 1)]
    assert len(records[0]["last"]["test"]) == 370
    assert records[0]["last"]["noisy"] != records[0]["last"]["test"]
    sizes = {4: records, 8: records, 64: records}
    summary = capacity.summarize_task(sizes, {0.0: records, 0.5: records}, block=1)
    assert ("overfits", "last_minus_early") in effects(summary)
    assert ("capacity", "gap_last") in effects(summary)
    assert ("noise", "gap_last_noisy_0.5") in effects(summary)
    assert summary["capacity"]["gap_last"]["mean"] == 0
    line = {hidden: 3 * np.log2(hidden) * np.ones((2, 5)) for hidden in (4, 8, 64)}
    np.testing.assert_allclose(capacity.slope(line), 3)
    assert summary["overfits"]["gap_last"]["mean"] == pytest.approx(
        np.mean([np.mean(r["last"]["test"]) - r["last"]["train"] for r in records]), abs=1e-3
    )


def test_noise_features_are_one_series_for_all_windows():
    sparsity = script("sparsity")
    weather = load("weather", 0)
    x = sparsity.with_noise_features(weather, seed=1).train.x
    np.testing.assert_array_equal(x[:, :, :6], weather.train.x)
    np.testing.assert_array_equal(x[1:, :-1, 6:], x[:-1, 1:, 6:])  # windows move by one day
    assert abs(x[:, :, 6:].mean()) < 0.1
    assert x[:, :, 6:].std() == pytest.approx(1, abs=0.1)
    later = sparsity.with_noise_features(weather, seed=1).validation.x
    np.testing.assert_array_equal(later[0, :-1, 6:], x[-1, 1:, 6:])  # and on, into the next split
    assert not np.array_equal(x, sparsity.with_noise_features(weather, seed=2).train.x)


def test_sparsity_counts_zeros_and_columns():
    sparsity = script("sparsity")
    model = nn.Module()
    model.lstm = nn.LSTM(4, 2)
    with torch.no_grad():
        model.lstm.weight_ih_l0.fill_(-0.5)
        model.lstm.weight_ih_l0[:, 1] = 0
        model.lstm.weight_ih_l0[0, 0] = 0
        model.lstm.weight_hh_l0.fill_(5e-4)
    found = sparsity.measured_weights(model)
    assert found["columns"] == [0, 1, 0, 0]
    assert found["column_zeros"] == [1 / 8, 1, 0, 0]
    assert found["input"]["zeros"] == pytest.approx(9 / 32)
    assert found["input"]["mean_abs"] == pytest.approx(0.5 * 23 / 32)
    assert found["recurrent"] == pytest.approx(
        {"zeros": 0, "small": 1, "mean_abs": 5e-4, "mean_square": 25e-8}
    )


def test_sparsity_compares_methods_and_noise():
    sparsity = script("sparsity")
    about = {"task": "speech_vowels", "epochs": 1, "test": True}

    def records(noise):
        settings = {"none": 0.0, "l1_proximal": 10.0}
        return {
            method: [
                sparsity.run(seed, method=method, strength=strength, noise=noise, **about) for seed in (0, 1)
            ]
            for method, strength in settings.items()
        }

    noisy, clean = records(True), records(False)
    compared = sparsity.compare_methods(clean, block=1)
    assert compared["zeros"]["input"]["l1_proximal"]["mean"] == 1  # so strong that nothing is left
    assert ("test", "none", "l1_proximal") in effects(compared)
    assert ("test", "l1_proximal", "none") not in effects(compared)
    found = sparsity.compare_noise(noisy, clean, block=1)
    assert found["columns"]["noise"]["l1_proximal"]["mean"] == 1
    assert found["columns"]["noise_minus_real"]["l1_proximal"]["mean"] == 0
    assert found["column_zeros"]["noise"]["l1_proximal"]["mean"] == 1
    assert {("cost_saved", "l1_proximal"), ("norm_ratio", "l1_proximal")} <= set(effects(found))


def test_silencing_is_what_a_mask_on_the_unit_does(trained):
    robustness = script("robustness")
    dataset = load("speech_vowels", 3)
    x, _, padding = dataset.test
    model, before = trained.at(2), trained.item_losses(dataset, "test")
    silenced = robustness.silenced_losses(trained, dataset, [1, 3])
    np.testing.assert_array_equal(trained.item_losses(dataset, "test"), before)
    mask = torch.tensor([1.0, 0.0, 1.0, 0.0]).expand(len(x), 4)
    with torch.no_grad():
        masks = {"h_l0": mask, "output": mask}
        logits = model(torch.from_numpy(x.copy()), torch.from_numpy(padding.copy()), masks=masks)
    expected = nn.functional.cross_entropy(logits, torch.from_numpy(dataset.test.y.copy()), reduction="none")
    np.testing.assert_allclose(silenced, expected.numpy(), rtol=1e-4)


def test_robustness_probes_and_summary(trained):
    robustness = script("robustness")
    dataset = load("speech_vowels", 3)
    correlation = robustness.mean_correlation(trained, dataset)
    with torch.no_grad():
        heads = []
        trained.model.head.register_forward_pre_hook(lambda _, read: heads.append(read[0]))
        x, _, padding = (torch.from_numpy(array.copy()) for array in dataset.validation)
        trained.model(x, padding)
    matrix = np.abs(np.corrcoef(heads[0].numpy().T))
    assert correlation == pytest.approx((matrix.sum() - 4) / 12, rel=1e-4)
    record = robustness.run(0, task="speech_vowels", test=True, epochs=1)
    assert set(record) == {"validation", "last", "early"}
    found = {"none": [record["last"]] * 2, "none_early": [record["early"]] * 2, "x": [record["last"]] * 2}
    summary = robustness.summarize_task(found, block=1)
    assert ("against_none", "noise_0.5", "x") in effects(summary)
    assert ("against_none_early", "correlation", "x") in effects(summary)
    assert ("against_none", "ablation", "none_early") in effects(summary)
    means = summary["means"]["none"]
    assert means["under_ablation"] == pytest.approx(means["clean"] + means["ablation"], abs=2e-4)
    assert all(means[f"silenced_{share:g}"] > 0 for share in robustness.SILENCED[1:])


def test_parts_are_disjoint_blocks():
    stopping = script("stopping")
    one, other = stopping.parts(100, None, 10, np.random.default_rng(0))
    assert len(one) == len(other) == 50
    assert not set(one) & set(other)
    assert all(b - a == 1 or a % 10 == 9 for a, b in pairwise(one))
    assert [len(part) for part in stopping.parts(100, 30, 10, np.random.default_rng(0))] == [30, 30]


def test_peeking_flatters_where_epochs_differ_by_noise_alone():
    stopping = script("stopping")
    rng = np.random.default_rng(0)
    noise = stopping.flattery(rng.normal(size=(40, 300)), None, 1, rng)
    assert noise.mean() < -0.1
    clear = 10 * np.arange(40)[:, None] + rng.normal(size=(40, 300))
    assert np.all(stopping.flattery(clear, None, 1, rng) == 0)


def test_stopping_compares_ways_of_choosing():
    stopping = script("stopping")
    records = [stopping.run(s, task="speech_vowels", block=1, hidden=4, epochs=3) for s in (0, 1)]
    summary = stopping.summarize_task(records, block=1)
    assert ("helps", "patience_5") in effects(summary)
    assert ("flattery", "half") in effects(summary)
    assert summary["epochs"]["lowest"]["by_seed"] == [
        int(np.argmin(record["validation"])) for record in records
    ]
    assert summary["flattery"]["30"]["mean"] <= 0


def test_scaling_expectations_hold_before_a_linear_head():
    scaling = script("scaling")
    records = {
        (form, 0.5): [scaling.run(s, task="speech_vowels", form=form, rate=0.5, epochs=1) for s in (0, 1)]
        for form in scaling.FORMS
    }
    for found in records.values():
        assert found[0]["converted"] < 1e-5
        assert np.abs(found[0]["head"]["bias"]).max() < 0.1
        assert len(found[0]["head"]["bias"]) == scaling.ITEMS
    summary = scaling.summarize_task(records, block=1)
    paths = effects(summary)
    assert {("trained", "last_0.5"), ("expected", "head_article_0.5"), ("converted", "article_0.5")} <= set(
        paths
    )
    assert summary["expected"]["input_inverted_0.5"]["mean"] != 0


def test_both_forms_of_dropout_see_the_same_masks():
    scaling = script("scaling")
    read, head = torch.ones(2, 6), nn.Linear(6, 1)
    masked = []
    for form in scaling.FORMS:
        layer = scaling.HeadDropout(head, 0.5, form)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            masked.append(layer(read) - head.bias)
        layer.eval()
        torch.testing.assert_close(layer(read), head(read if form == "inverted" else read / 2))
    torch.testing.assert_close(masked[0], 2 * masked[1])
