"""From a declared experiment's record to its result, on a record whose numbers are known."""

import json

import numpy as np
import pytest

from labcode.applications.metrics import chrf_of_counts
from labcode.experiments.effects import compare
from labcode.experiments.place_summary import summarize
from labcode.experiments.records import Record, write_record

SEEDS, ITEMS = 6, 40
PLACE = {
    "task": "x",
    "epochs": 9,
    "trials": 2,
    "choices_of": None,
    "transfer_of": None,
    "block": 1,
    "pool": None,
}


def place_arrays(rng, shift=0.0, items=ITEMS):
    """Return the arrays of one place: l2 is lower by 0.5, max_norm as none."""
    base, found = 2 + shift + rng.normal(0, 0.3, (SEEDS, items)), {}
    for label, gain in {"none": 0.0, "l2": 0.5, "max_norm": 0.0, "both": 0.6}.items():
        for variant, more in {"last": 0.2, "early": 0.0}.items():
            loss = base - gain + more + rng.normal(0, 0.05, (SEEDS, items))
            found |= {f"{label}/{variant}/loss": loss, f"{label}/{variant}/train": loss.mean(axis=1) - 0.1}
            found[f"{label}/{variant}/epoch"] = np.full(SEEDS, 3)
        found[f"{label}/trials"] = rng.normal(size=(2, 3, 2, 9))
    return found | {"simple:rule/simple/loss": np.full((1, items), 3.0)}


def chosen(best="l2"):
    losses = {"none": 2.0, "l2": 1.6, "max_norm": 1.7, "both": 1.0} | {best: 1.5}
    methods = {"none": {}, "l2": {"l2": 1}, "max_norm": {"max_norm": 1}, "both": {"l2": 1, "max_norm": 1}}
    return {
        label: {v: {"validation": losses[label], "methods": methods[label]} for v in ("last", "early")}
        for label in losses
    }


def made(tmp_path, arrays, places):
    about = {"places": places, "chosen": dict.fromkeys(places, chosen())}
    return Record(write_record(tmp_path / "toy.npz", arrays, about | {"declaration": {"seeds": SEEDS}}))


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    rng, arrays = np.random.default_rng(0), {}
    for name, shift in {"first": 0.0, "second": 1.0, "other": 2.0}.items():
        arrays |= {f"{name}/{key}": array for key, array in place_arrays(rng, shift).items()}
        arrays[f"{name}/units"] = np.arange(ITEMS)[None]
    arrays["other/units"] = np.arange(SEEDS * ITEMS).reshape(SEEDS, ITEMS)  # each seed has items of its own
    places = {name: dict(PLACE) for name in ("first", "second", "other")}
    places["first"]["pool"] = places["second"]["pool"] = "years"
    return made(tmp_path_factory.mktemp("record"), arrays, places)


@pytest.fixture(scope="module")
def result(record):
    return json.loads(json.dumps(summarize(record)))


def test_every_place_and_every_pool_is_summarized(result):
    assert list(result["summary"]) == ["first", "second", "other", "years"]
    assert result["declaration"] == {"seeds": SEEDS}
    for place in result["summary"].values():
        assert list(place["methods"]) == ["none", "l2", "max_norm", "both", "best_single"]
        assert place["baselines"] == {"rule": {"loss": 3.0}}
        assert place["methods"]["l2"]["early"]["gap"]["mean"] == pytest.approx(0.1, abs=1e-3)
        assert "best_single_early" not in place["methods"]["best_single"]["early"]["against"]
        against = place["methods"]["l2"]["early"]["against"]
        assert set(against) == {"none_last", "none_early", "best_single_last", "best_single_early", "rule"}
        assert set(against["none_early"]) == {"loss", "gap"}
        assert set(against["rule"]) == {"loss"}
        assert "none_early" not in place["methods"]["none"]["early"]["against"]
        assert against["none_early"]["loss"]["mean"] == pytest.approx(-0.5, abs=0.03)
        assert against["none_early"]["loss"]["simultaneous"][1] < 0
        assert against["none_last"]["loss"]["mean"] == pytest.approx(-0.7, abs=0.03)


def test_an_effect_is_that_of_the_items_with_their_units(record, result):
    none, l2 = (record[f"first/{label}/early/loss"] for label in ("none", "l2"))
    effect = compare({"l2": l2 - none}, reference=none.mean())["l2"]
    found = result["summary"]["first"]["methods"]["l2"]["early"]["against"]["none_early"]["loss"]
    for key in ("mean", "interval", "se", "percent", "reference"):
        assert found[key] == pytest.approx(effect[key])
    assert (
        "percent" not in result["summary"]["first"]["methods"]["l2"]["early"]["against"]["none_early"]["gap"]
    )
    none, l2 = (record[f"other/{label}/early/loss"] for label in ("none", "l2"))
    own = compare({"l2": (l2 - none).mean(axis=1)[:, None]})["l2"]
    found = result["summary"]["other"]["methods"]["l2"]["early"]["against"]["none_early"]["loss"]
    assert (found["se"], found["df"]) == (own["se"], SEEDS - 1)


def test_a_pool_puts_the_items_of_its_places_side_by_side(record, result):
    both = [
        record[f"{place}/l2/early/loss"] - record[f"{place}/none/early/loss"] for place in ("first", "second")
    ]
    effect = compare({"l2": np.concatenate(both, axis=1)})["l2"]
    found = result["summary"]["years"]["methods"]["l2"]["early"]["against"]["none_early"]["loss"]
    assert found["interval"] == pytest.approx(effect["interval"])


def test_the_best_single_method_is_by_validation_and_no_combination(result):
    methods = result["summary"]["first"]["methods"]
    assert methods["best_single"]["early"]["test"] == methods["l2"]["early"]["test"]
    best, l2 = (methods[m]["early"]["against"]["none_early"]["loss"] for m in ("best_single", "l2"))
    assert best == l2
    assert "best_single_early" not in methods["best_single"]["early"]["against"]


def test_a_series_has_blocks_of_neighbouring_units(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {f"first/{key}": array for key, array in place_arrays(rng).items()}
    arrays["first/units"] = np.repeat(np.arange(20), 2)[None]  # two items a day
    found = summarize(made(tmp_path, arrays, {"first": PLACE | {"block": 5}}))
    difference = arrays["first/l2/early/loss"] - arrays["first/none/early/loss"]
    expected = compare({"l2": difference.astype(np.float32)}, block=10)["l2"]
    effect = found["summary"]["first"]["methods"]["l2"]["early"]["against"]["none_early"]["loss"]
    assert effect["interval"] == pytest.approx(expected["interval"], abs=2e-5)


def test_what_is_no_mean_of_items_has_one_number_a_seed(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {f"first/{key}": array for key, array in place_arrays(rng).items()}
    for label in ("none", "l2"):
        for variant in ("last", "early"):
            arrays[f"first/{label}/{variant}/chrf"] = rng.integers(1, 9, (SEEDS, ITEMS, 6, 3)) + np.array(
                [4, 0, 4]
            )
            arrays[f"first/{label}/{variant}/confidence"] = rng.uniform(0.3, 1, (SEEDS, ITEMS))
            arrays[f"first/{label}/{variant}/scaled_confidence"] = rng.uniform(0.3, 1, (SEEDS, ITEMS))
            arrays[f"first/{label}/{variant}/scaled_loss"] = arrays[f"first/{label}/{variant}/loss"] - 0.1
            arrays[f"first/{label}/{variant}/error"] = rng.integers(0, 2, (SEEDS, ITEMS))
    found = summarize(made(tmp_path, arrays, {"first": dict(PLACE)}))["summary"]["first"]["methods"]
    effect = found["l2"]["early"]["against"]["none_early"]["chrf"]
    scores = [
        [chrf_of_counts(c.sum(axis=0)) for c in arrays[f"first/{label}/early/chrf"]]
        for label in ("l2", "none")
    ]
    np.testing.assert_allclose(effect["by_seed"], np.subtract(*scores), atol=1e-5)
    assert "percent" not in effect
    assert "ece" in found["l2"]["early"]["against"]["none_early"]
    scaled = found["l2"]["early"]["against"]["none_early_scaled"]["loss"]["mean"]
    assert scaled == pytest.approx(
        found["l2"]["early"]["against"]["none_early"]["loss"]["mean"] + 0.1, abs=1e-4
    )
