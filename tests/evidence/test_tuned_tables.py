"""Reading a tuned experiment's result and its record, on one whose numbers are known."""

import json

import numpy as np
import pytest
from test_place_summary import PLACE, chosen, place_arrays

from labcode.experiments import tuned_tables
from labcode.experiments.place_summary import summarize
from labcode.experiments.records import Record, write_record

LABELS, EPOCHS = ("none", "l2", "max_norm", "both"), 9
CURVE = 1 + 0.1 * np.abs(np.arange(EPOCHS) - 2.0)  # lowest at epoch 2


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    rng, arrays = np.random.default_rng(0), {}
    for name in ("first", "second", "other"):
        arrays |= {f"{name}/{key}": array for key, array in place_arrays(rng).items()}
        for label in LABELS:
            curves = np.array([[CURVE - 0.5, CURVE + trial] for trial in range(3)])  # trial, split, epoch
            arrays[f"{name}/{label}/trials"] = np.repeat(curves[:, None], 3, axis=1)
            arrays[f"{name}/{label}/seconds"] = np.full((3, 3), 3.0 if label == "l2" else 2.0)
    arrays["first/l2/trials"][1, 2] = np.nan  # one seed of one trial failed
    places = {name: PLACE | {"task": name, "trials": 3} for name in ("first", "second", "other")}
    places["first"]["pool"] = places["second"]["pool"] = "years"
    places["second"]["choices_of"] = "first"
    picked = chosen()
    for label in LABELS:
        picked[label]["last"] |= {"trial": 1}
    strengths = {
        "none": [None] * 3,
        "l2": [0.1, 0.3, 0.01],
        "max_norm": [1.0, 2.0, 3.0],
        "both": [1.0, 0.5, 0.2],
    }
    tried = {label: [{"learning_rate": 0.01, "strength": s} for s in of] for label, of in strengths.items()}
    about = {"places": places, "chosen": dict.fromkeys(places, picked)}
    about |= {"tried": {"first": tried, "other": tried}}
    about |= {"declaration": {"name": "toy", "patience": 1, "methods": {"l2": [0, 1], "max_norm": [1, 3]}}}
    record = Record(write_record(tmp_path_factory.mktemp("record") / "toy.npz", arrays, about))
    return json.loads(json.dumps(summarize(record))), record


def test_differences_are_those_of_the_pool_or_of_the_place_that_is_named(made):
    result, _ = made
    for where, place in ((None, "years"), ("other", "other")):
        found = tuned_tables.differences(result, where=where)
        assert list(found) == ["none_last", "none_early"]
        assert list(found["none_early"]) == list(LABELS)
        methods = result["summary"][place]["methods"]
        expected = methods["l2"]["early"]["against"]["none_early"]["loss"]
        assert found["none_early"]["l2"]["early"] == expected
        assert set(found["none_early"]["none"]) == {"last"}
    assert tuned_tables.differences(result, references=["rule"])["rule"]["l2"]["early"]["mean"] < -1


def test_what_is_clear_in_several_places(made):
    result, _ = made
    found = tuned_tables.clear_everywhere(result, ("first", "other"), "early")
    assert found == {"lower": ["both", "l2"], "higher": []}


def test_losses_rules_and_the_best_are_read(made):
    result, _ = made
    losses = tuned_tables.by_seed(result, "early", where="first")
    assert list(losses) == list(LABELS)
    assert losses["l2"].mean() == pytest.approx(losses["none"].mean() - 0.5, abs=0.05)
    assert tuned_tables.baselines(result) == {"rule": 3.0}
    assert tuned_tables.best_single(result, "early") == "l2"


def test_a_sweep_goes_from_the_weakest_to_the_strongest_without_what_failed(made):
    result, record = made
    found = tuned_tables.sweep(result, "l2", where="years", record=record)
    assert list(found) == [0.01, 0.1]
    np.testing.assert_allclose(found[0.01]["validation"], np.tile(CURVE + 2, (3, 1)), rtol=1e-4)
    np.testing.assert_allclose(found[0.01]["last"], CURVE[-1] + 2, rtol=1e-4)
    np.testing.assert_allclose(found[0.01]["early"], 3, rtol=1e-4)
    assert found[0.01]["train"].shape == (3, EPOCHS)
    none = tuned_tables.sweep(result, "none", record=record)
    np.testing.assert_allclose(none[0.0]["last"], CURVE[-1] + 1, rtol=1e-4)  # of the trial that was chosen


def test_seconds_are_relative(made):
    result, record = made
    costs = tuned_tables.relative_seconds(result, record=record)
    assert costs["none"] == (1, 1, 1)
    assert costs["l2"] == (1.5, 1.5, 1.5)


@pytest.mark.parametrize(
    "call",
    [
        lambda result, record: tuned_tables.differences(result, where="nowhere"),
        lambda result, record: tuned_tables.differences(result, measure="chrf"),
        lambda result, record: tuned_tables.differences(result, references=["ridge"]),
        lambda result, record: tuned_tables.by_seed(result, "best"),
        lambda result, record: tuned_tables.best_single(result, "best"),
        lambda result, record: tuned_tables.sweep(result, "dropout", record=record),
        lambda result, record: tuned_tables.sweep(result, "l2", where="second", record=record),
        lambda result, record: tuned_tables.clear_everywhere(result, ("first",), "best"),
    ],
)
def test_bad_input_says_what_was_expected(made, call):
    with pytest.raises(ValueError, match=r"expected one of .* received"):
        call(*made)
