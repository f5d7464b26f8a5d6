"""The rules of Keras, Lightning and Ignite against every trace that was recorded from them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_conformance import OWN_FOLDER, read

from labcode.early_stopping import EarlyStopping
from labcode.keras_interop import import_keras
from labcode.libraries.stopping_rules import ignite_rule, keras_rule, lightning_rule

RECORDED = read(OWN_FOLDER)
KERAS, LIGHTNING, IGNITE = (
    RECORDED[f"early_stopping_{name}.json"] for name in ("keras", "lightning", "ignite")
)
KNOWN = {"stop_epoch", "stop_check", "stop_event", "epochs_run", "best", "best_epoch", "restored_epoch"}
KNOWN |= {"stopped_epoch_attr", "wait_after_each", "counter_after_each", "best_after_each", "weights_after"}
KNOWN |= {"reason"}
REASONS = {
    None: "NOT_STOPPED",
    "patience": "PATIENCE_EXHAUSTED",
    "not finite": "NON_FINITE_METRIC",
    "threshold": "STOPPING_THRESHOLD",
    "divergence": "DIVERGENCE_THRESHOLD",
}
EXAMPLES = settings(deadline=None, derandomize=True, max_examples=200)
TRACES = st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=12)
ODD = st.sampled_from([float("nan"), float("inf"), -float("inf"), None])
WITH_ODD = st.lists(st.integers(-4, 4).map(float) | ODD, min_size=1, max_size=12)


def recorded(case):
    """Return what was recorded of a case, published or run again; nothing in it may be unknown."""
    found = (case.get("reproduced_here") or {}) | case["expected"]
    assert set(found) <= KNOWN
    return found


def agree(received, expected):
    """Compare the keys that were recorded; a float32 library's best has 7 digits."""
    for key, value in expected.items():
        if isinstance(value, str) or value is None:
            assert received[key] == value, key
        else:
            np.testing.assert_allclose(received[key], value, rtol=1e-6, err_msg=key)


@pytest.mark.parametrize("case", KERAS, ids=lambda case: case["id"])
def test_keras(case):
    options, trace = dict(case["settings"]), case["inputs"]["trace"]
    options.pop("monitor", None)
    restores = options.pop("restore_best_weights", False)
    last = options.pop("external_stop_after_epoch", len(trace) - 1)
    verdict = keras_rule(trace[: last + 1], **options)
    end = last if verdict.stop is None else verdict.stop
    received = {
        "stop_epoch": verdict.stop,
        "epochs_run": end + 1,
        "best": verdict.best,
        "best_epoch": verdict.best_epoch or 0,  # Keras has 0 where there is none yet
        "stopped_epoch_attr": verdict.stop or 0,
        "wait_after_each": verdict.waits,
        "weights_after": verdict.best_epoch if restores and verdict.best_epoch is not None else end,
        "restored_epoch": verdict.best_epoch,
    }
    agree(received, recorded(case))


@pytest.mark.parametrize("case", LIGHTNING, ids=lambda case: case["id"])
def test_lightning(case):
    if "callbacks" in case["settings"]:  # several rules in one run: the first to stop ends it
        options = [dict(callback) for callback in case["settings"]["callbacks"]]
        stops = [lightning_rule(callback.pop("trace"), **callback).stop for callback in options]
        assert min(stops) == case["expected"]["stop_check"]
        return
    verdict = lightning_rule(case["inputs"]["trace"], **case["settings"])
    best = {"min": np.inf, "max": -np.inf}[case["settings"].get("mode", "min")]
    received = {
        "stop_check": verdict.stop,
        "best": best if verdict.best is None else verdict.best,
        "wait_after_each": verdict.waits,
        "reason": REASONS[verdict.reason],
    }
    agree(received, recorded(case))


@pytest.mark.parametrize("case", IGNITE, ids=lambda case: case["id"])
def test_ignite(case):
    trace, expected = case["inputs"]["trace"], recorded(case)
    verdict = ignite_rule(trace, **case["settings"])
    ends = range(1, len(verdict.waits) + 1)
    received = {
        "stop_event": verdict.stop,
        "counter_after_each": verdict.waits,
        "best_after_each": [ignite_rule(trace[:end], **case["settings"]).best for end in ends],
    }
    agree(received, expected)


def test_no_recorded_trace_is_missing():
    assert [len(cases) for cases in (KERAS, LIGHTNING, IGNITE)] == [70, 36, 18]


@EXAMPLES
@given(trace=TRACES, patience=st.integers(1, 4))
def test_without_further_settings_all_three_and_the_courses_rule_agree(trace, patience):
    stopping = EarlyStopping(patience=patience)
    stop = next((epoch for epoch, value in enumerate(trace) if stopping.update(epoch, value)), None)
    verdicts = [
        rule(trace, patience=patience, mode="min") for rule in (keras_rule, lightning_rule, ignite_rule)
    ]
    assert {verdict.stop for verdict in verdicts} == {stop}
    assert {verdict.best_epoch for verdict in verdicts} == {stopping.best_epoch}
    assert len({verdict.waits for verdict in verdicts}) == 1


@EXAMPLES
@given(trace=TRACES, patience=st.integers(1, 4), delta=st.sampled_from([0.0, 1.0, 2.5]))
def test_max_is_min_upside_down(trace, patience, delta):
    flipped = [-value for value in trace]
    rules = ((keras_rule, "min_delta"), (lightning_rule, "min_delta"), (ignite_rule, "threshold"))
    for rule, name in rules:
        down = rule(trace, patience=patience, mode="min", **{name: delta})
        up = rule(flipped, patience=patience, mode="max", **{name: delta})
        assert (down.stop, down.best_epoch, down.waits) == (up.stop, up.best_epoch, up.waits)


class DummyModel:
    """What Keras's callback needs of a model."""

    stop_training = False


@pytest.mark.filterwarnings("ignore:Early stopping conditioned on metric")
@EXAMPLES
@given(
    trace=WITH_ODD,
    patience=st.integers(0, 4),
    delta=st.sampled_from([0.0, 1.0, -1.0, 2.5]),
    mode=st.sampled_from(["min", "max"]),
    start=st.integers(0, 3),
)
def test_keras_itself_agrees(trace, patience, delta, mode, start):
    settings = {"patience": patience, "min_delta": delta, "mode": mode, "start_from_epoch": start}
    callback = import_keras().callbacks.EarlyStopping(monitor="val_loss", **settings)
    callback.set_model(DummyModel())
    callback.on_train_begin()
    stop = None
    for epoch, value in enumerate(trace):
        callback.on_epoch_end(epoch, {} if value is None else {"val_loss": value})
        if callback.model.stop_training:
            stop = epoch
            break
    verdict = keras_rule(trace, **settings)
    assert (verdict.stop, verdict.waits[-1]) == (stop, callback.wait)
    assert repr(verdict.best) == repr(callback.best)  # NaN is not equal to itself


@pytest.mark.parametrize(
    "call",
    [
        lambda: keras_rule([]),
        lambda: keras_rule("12"),
        lambda: keras_rule(None),
        lambda: keras_rule([1.0, "2"]),
        lambda: lightning_rule([1.0, None]),
        lambda: ignite_rule([1.0, None], patience=1),
        lambda: keras_rule([1.0], patience=-1),
        lambda: keras_rule([1.0], mode="auto"),
        lambda: keras_rule([1.0], baseline=float("nan")),
        lambda: keras_rule([1.0], start_from_epoch=0.5),
        lambda: lightning_rule([1.0], min_delta=float("inf")),
        lambda: lightning_rule([1.0], check_finite="yes"),
        lambda: lightning_rule([1.0], stopping_threshold="0.1"),
        lambda: lightning_rule([1.0], divergence_threshold=float("nan")),
        lambda: ignite_rule([1.0], patience=0),
        lambda: ignite_rule([1.0], patience=1, threshold=-0.1),
        lambda: ignite_rule([1.0], patience=1, threshold_mode="relative"),
        lambda: ignite_rule([1.0], patience=1, cumulative=None),
    ],
)
def test_bad_input_says_what_was_expected(call):
    with pytest.raises(ValueError, match=r"expected .* received"):
        call()
