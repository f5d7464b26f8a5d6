"""Intervals cover what they say, and results are kept whole."""

import json
from functools import partial

import numpy as np
import pytest
import torch

from labcode.data import load_weather
from labcode.experiments import load_result, losses_at, paired_interval, save_result, train_once
from labcode.penalties import WeightRegularization, l2_penalty_torch


def _covered(rng, *, item_correlation, block):
    """Draw (seeds, items) differences with true mean 0 and a series' dependence; is 0 inside the interval?"""
    seeds, items = 10, 120
    noise = rng.normal(size=items)
    for item in range(1, items):
        noise[item] = item_correlation * noise[item - 1] + np.sqrt(1 - item_correlation**2) * noise[item]
    differences = noise + 0.3 * rng.normal(size=(seeds, 1)) + 0.5 * rng.normal(size=(seeds, items))
    low, high = paired_interval(differences, rng=rng, block=block, draws=300)
    return low <= 0 <= high


def test_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = np.mean([_covered(rng, item_correlation=0.0, block=1) for _ in range(200)])
    assert 0.88 <= covered <= 0.99


def test_blocks_are_needed_where_neighbours_depend_on_each_other():
    rng = np.random.default_rng(1)
    single = np.mean([_covered(rng, item_correlation=0.9, block=1) for _ in range(120)])
    blocks = np.mean([_covered(rng, item_correlation=0.9, block=20) for _ in range(120)])
    assert single < 0.75
    assert blocks > single + 0.1


def test_seeds_alone_give_a_narrower_interval_than_seeds_and_items():
    rng = np.random.default_rng(2)
    differences = rng.normal(size=(1, 100)) + 0.1 * rng.normal(size=(10, 1))
    narrow = np.ptp(paired_interval(differences.mean(axis=1, keepdims=True), rng=rng))
    wide = np.ptp(paired_interval(differences, rng=rng))
    assert wide > 2 * narrow


@pytest.mark.parametrize(
    ("differences", "options"),
    [
        (np.zeros(3), {}),
        (np.zeros((0, 3)), {}),
        (np.zeros((2, 3)), {"block": 4}),
        (np.zeros((2, 3)), {"block": 0}),
        (np.zeros((2, 3)), {"level": 1.5}),
    ],
)
def test_bad_arguments(differences, options):
    with pytest.raises(ValueError, match=r"expected .* received"):
        paired_interval(differences, rng=np.random.default_rng(0), **options)


def test_results_round_trip_with_their_versions(tmp_path):
    path = save_result("toy", {"losses": [1.0, 0.5]}, tmp_path)
    assert load_result("toy", tmp_path)["losses"] == [1.0, 0.5]
    assert set(json.loads(path.read_text())["made_with"]) == {"python", "numpy", "torch", "machine"}
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(ValueError, match="expected a result"):
        load_result("absent", tmp_path)


def test_losses_are_read_at_the_last_or_the_best_epoch_of_each_run():
    curves = {
        "4": {"train": [[3.0, 2.0, 1.0], [6.0, 5.0, 4.0]], "validation": [[3.0, 2.0, 4.0], [1.0, 7.0, 8.0]]},
        "0.5": {"train": [[9.0, 9.5, 9.7]], "validation": [[9.0, 8.0, 7.0]]},
    }
    settings, train, validation = losses_at("best", {"4": curves["4"]})
    assert (settings, train.tolist(), validation.tolist()) == ([4.0], [[2.0, 6.0]], [[2.0, 1.0]])
    settings, train, validation = losses_at("last", {"0.5": curves["0.5"]})
    assert (settings, train.tolist(), validation.tolist()) == ([0.5], [[9.7]], [[7.0]])
    with pytest.raises(ValueError, match=r"expected one of 'last', 'best'"):
        losses_at("first", curves)


def test_a_run_with_dropout_is_made_again_from_its_seed_alone():
    """The masks, too, come from the seed, and the caller's own random state stays as it was."""
    weather = load_weather()
    small = {
        "hidden": 4,
        "epochs": 1,
        "train": tuple(array[:64] for array in weather.train),
        "progress": False,
    }
    curves = []
    for caller in (1, 2):
        torch.manual_seed(caller)
        before = torch.get_rng_state()
        model, history = train_once(weather, seed=0, model_options={"output_dropout": 0.5}, **small)
        assert torch.equal(torch.get_rng_state(), before)
        curves.append(history.train_loss + history.objective)
    _, plain = train_once(weather, seed=0, **small)
    assert model.output_dropout == 0.5
    assert curves[0] == curves[1] != plain.train_loss + plain.objective


def test_an_interrupted_training_is_no_result():
    def interrupt(epoch, losses, model):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_once(load_weather(), seed=0, hidden=2, epochs=3, on_epoch_end=interrupt, progress=False)


def test_methods_of_strength_0_are_left_out_and_others_are_those_of_the_protocol():
    small = {"hidden": 4, "epochs": 1, "progress": False}
    weather = load_weather()
    _, plain = train_once(weather, seed=0, **small)
    _, none = train_once(weather, seed=0, methods={"l2": 0.0, "output_dropout": 0}, **small)
    _, named = train_once(weather, seed=0, methods={"l2": 0.1}, **small)
    rules = WeightRegularization(
        penalties=dict.fromkeys(("input", "recurrent"), partial(l2_penalty_torch, lam=0.1))
    )
    _, written = train_once(weather, seed=0, penalty=rules.penalty, **small)
    assert plain == none
    assert named == written != plain
