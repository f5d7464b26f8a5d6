"""The rules of a diagnosis on curves made for them, on bad input, and on recorded runs."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcode.experiments import load_result
from labcode.training.diagnose import CASES, CHECKS, FEWEST, LIMITS, diagnose, measures
from labcode.training.history import History

EPOCHS = np.arange(30)
FALL = 0.3 + 0.7 * 0.75**EPOCHS
CLOSE = FALL + 0.05
GOOD = {"baseline": (0.6, 0.62), "again": (0.35, 0.35), "samples": 200, "fresh": 0.36}


def history(train, validation, **fields):
    return History(train_loss=list(train), validation_loss=list(validation), **fields)


RISING = np.where(EPOCHS < 10, CLOSE, CLOSE[9] + 0.02 * (EPOCHS - 9))
JUMPING = FALL + 0.3 * (EPOCHS % 3 == 1)
MADE = {
    "healthy": (FALL, CLOSE, {}),
    "dropout left on": (FALL, CLOSE, {"again": (0.35, 0.36, 0.33)}),
    "small validation set": (FALL, CLOSE, {"samples": 12}),
    "leak": (FALL, CLOSE, {"fresh": 0.9}),
    "shift": (FALL, CLOSE + 1, {"baseline": (0.6, 1.6), "fresh": 1.4}),
    "learning rate too high": (JUMPING, JUMPING + 0.05, {}),
    "overfit": (FALL, RISING, {"fresh": 0.8}),
    "underfit": (FALL + 0.5, CLOSE + 0.5, {"fresh": 0.9}),
}


@pytest.mark.parametrize("case", MADE)
def test_each_case_is_named_and_alone(case):
    train, validation, checks = MADE[case]
    found = diagnose(history(train, validation), **GOOD | checks)
    assert found.case == case
    assert found.also == ()
    assert len(found.reasons) == (case != "healthy")
    assert found.unchecked == ()
    assert str(found).startswith(case)
    assert set(MADE) == set(CASES)


def test_without_checks_the_questions_are_named():
    found = diagnose(history(FALL, CLOSE))
    assert (found.case, found.unchecked) == ("healthy", tuple(CHECKS.values()))
    assert all(question in str(found) for question in CHECKS.values())


def test_a_case_that_a_check_settles_comes_before_what_curves_suggest():
    found = diagnose(history(FALL, RISING), **GOOD | {"again": (0.3, 0.4), "fresh": 0.9})
    assert found.case == "dropout left on"
    assert "overfit" in found.also


def test_early_stopping_is_judged_where_it_keeps():
    stopped = {"best_epoch": 9, "stopped_epoch": 29}
    assert diagnose(history(FALL, RISING, **stopped), **GOOD).case == "healthy"
    assert measures(history(FALL, RISING, **stopped))["rise"] == 0


def test_the_measures_by_hand():
    found = measures(
        history([1.0, 0.5, 0.6, 0.2], [1.0, 0.8, 0.9, 1.0]),
        baseline=(0.4, 0.5),
        again=[0.9, 1.1],
        fresh=1.5,
    )
    wanted = {"rise": 0.25, "gap": 0.8, "jumps": 0.1 / 0.8, "progress": 0.4 / 0.8, "spread": 0.2}
    wanted |= {"leak": 0.5, "shift": 0.25, "fit": 0.5}
    assert found == pytest.approx(wanted)
    assert set(found) == set(LIMITS)


@pytest.mark.parametrize(("samples", "case"), [(FEWEST, "healthy"), (FEWEST - 1, "small validation set")])
def test_the_fewest_samples_are_enough_and_one_less_is_not(samples, case):
    assert diagnose(history(FALL, CLOSE), samples=samples).case == case


@pytest.mark.parametrize("measure", LIMITS)
def test_a_measure_at_its_limit_says_nothing_and_the_next_number_does(measure, monkeypatch):
    module = sys.modules[measures.__module__]
    for value, holds in ((LIMITS[measure], False), (np.nextafter(LIMITS[measure], 9), True)):
        monkeypatch.setattr(module, "measures", lambda *args, value=value, **checks: {measure: value})
        found = diagnose(history(FALL, CLOSE))
        assert (found.case != "healthy", len(found.reasons), found.also) == (holds, holds, ())


@pytest.mark.parametrize(
    ("checks", "name", "difference", "case"),
    [
        ({"fresh": 0.9}, "fresh", 0.9 - CLOSE[-1], "leak"),
        ({"baseline": (0.6, 1.6)}, "baseline", 1.0, "shift"),
    ],
)
def test_a_difference_within_two_standard_errors_is_no_reason(checks, name, difference, case):
    def found(error):
        return diagnose(history(FALL, CLOSE), **GOOD | checks, errors={name: error}).case

    assert found(difference / 2.01) == found(0.0) == case
    assert found(difference / 1.99) == "healthy"
    other = {"fresh": "baseline", "baseline": "fresh"}[name]
    assert diagnose(history(FALL, CLOSE), **GOOD | checks, errors={other: 9.0}).case == case


def test_a_small_difference_stays_small_however_sure():
    assert diagnose(history(FALL, CLOSE), **GOOD, errors={"fresh": 1e-9, "baseline": 1e-9}).case == "healthy"
    found = measures(history([1.0, 0.5], [1.0, 0.8]), fresh=1.2, baseline=(0.5, 0.4), errors={"fresh": 0.1})
    assert found["leak_t"] == pytest.approx(4)
    assert "shift_t" not in found


def test_weights_that_were_put_back_are_judged_as_such():
    """Early stopping that did not end the run, but put the best weights back."""
    run = history(FALL, RISING, best_epoch=9, kept_epoch=9)
    assert diagnose(run, **GOOD).case == "healthy"
    assert diagnose(history(FALL, RISING, best_epoch=9, kept_epoch=29), **GOOD).case == "overfit"


def test_a_run_is_read_and_not_changed():
    run = history(FALL.tolist(), CLOSE.tolist())
    diagnose(run, **GOOD)
    assert run == history(FALL.tolist(), CLOSE.tolist())


def test_losses_of_zero_are_losses():
    assert diagnose(history([1.0, 0.0], [1.0, 0.0]), **GOOD | {"fresh": 0.0}).case in CASES
    assert measures(history([1.0, 1.0], [1.0, 1.0]))["jumps"] == 0


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    curves=st.lists(st.tuples(st.floats(0.01, 10), st.floats(0.01, 10)), min_size=2, max_size=12),
    unit=st.floats(0.01, 100),
)
def test_the_unit_of_the_loss_does_not_matter(curves, unit):
    train, validation = np.array(curves).T
    checks = {"baseline": (1.0, 1.5), "again": (1.0, 1.0), "fresh": 2.0}
    scaled = {name: np.multiply(value, unit).tolist() for name, value in checks.items()}
    one = measures(history(train, validation), **checks)
    other = measures(history(train * unit, validation * unit), **scaled)
    assert other == pytest.approx(one, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("losses", "checks"),
    [
        (([1.0], [1.0]), {}),
        (([1.0, 0.5], []), {}),
        (([1.0, 0.5], [1.0, float("nan")]), {}),
        (([1.0, -0.1], [1.0, 0.5]), {}),
        ((FALL, CLOSE), {"baseline": 0.5}),
        ((FALL, CLOSE), {"baseline": (0.5, 0.6, 0.7)}),
        ((FALL, CLOSE), {"baseline": (0.5, -0.1)}),
        ((FALL, CLOSE), {"again": [0.5]}),
        ((FALL, CLOSE), {"again": "0.5"}),
        ((FALL, CLOSE), {"samples": 0}),
        ((FALL, CLOSE), {"fresh": float("inf")}),
        ((FALL, CLOSE), {"fresh": [0.5]}),
        ((FALL, CLOSE), {"errors": 0.1}),
        ((FALL, CLOSE), {"errors": {"leak": 0.1}}),
        ((FALL, CLOSE), {"errors": {"fresh": -0.1}}),
    ],
)
def test_bad_input_says_what_was_expected(losses, checks):
    with pytest.raises(ValueError, match=r"expected .* received"):
        diagnose(history(*losses), **checks)


def test_no_history_says_what_was_expected():
    with pytest.raises(ValueError, match=r"expected a History, received"):
        diagnose({"train_loss": [1.0, 0.5]})


def named(record, checks):
    names = ("train_loss", "validation_loss", "best_epoch", "stopped_epoch", "kept_epoch")
    seen = {name: record[name] for name in names if name in record}
    return diagnose(History(**seen), **(record["checks"] if checks else {}))


@pytest.mark.parametrize("label", ["all checks", "curves alone"])
def test_the_recorded_error_rates_are_those_of_the_present_rules(label):
    """Whoever changes a rule or a limit has to count anew, and may not do so on the unseen runs alone."""
    result = load_result("09_diagnosis")
    for part, found in result["diagnosis"].items():
        records = [record for record in result["runs"] if record["part"] == part]
        matrix = np.zeros((len(CASES), len(CASES)), dtype=int)
        for record in records:
            name = named(record, label == "all checks").case
            matrix[CASES.index(record["case"]), CASES.index(name)] += 1
        assert found[label]["confusion"] == matrix.tolist()
        assert found[label]["error"] == pytest.approx(1 - np.trace(matrix) / matrix.sum(), abs=1e-4)
        low, high = found[label]["interval"]
        assert low <= found[label]["error"] <= high
