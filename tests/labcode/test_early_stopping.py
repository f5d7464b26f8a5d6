"""EarlyStopping by its properties; the traces of Keras are in ``test_conformance.py``."""

import io
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from labcode.early_stopping import EarlyStopping, usual_mode

EXAMPLES = settings(deadline=None, derandomize=True, max_examples=200)
TRACES = st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=12)
OPTIONS = st.fixed_dictionaries(
    {
        "patience": st.integers(0, 4),
        "min_delta": st.sampled_from([0.0, 1.0, 2.5]),
        "mode": st.sampled_from(["min", "max"]),
        "baseline": st.sampled_from([None, -1.0, 2.0]),
        "start_from_epoch": st.integers(0, 3),
    }
)


def run(stopping, trace, first_epoch=0):
    """Return the epochs at which it advises to stop."""
    return [epoch for epoch, value in enumerate(trace, first_epoch) if stopping.update(epoch, value)]


@EXAMPLES
@given(trace=TRACES, patience=st.integers(0, 4))
def test_stops_when_the_best_epoch_lies_patience_epochs_back(trace, patience):
    stopping = EarlyStopping(patience=patience)
    late = [e for e in range(1, len(trace)) if e - int(np.argmin(trace[: e + 1])) >= max(patience, 1)]
    assert run(stopping, trace) == late
    assert stopping.best == min(trace)
    assert stopping.best_epoch == trace.index(min(trace))
    assert stopping.stopped_epoch == (late[-1] if late else None)


@EXAMPLES
@given(trace=TRACES, options=OPTIONS)
def test_max_is_min_upside_down(trace, options):
    baseline = options["baseline"]
    flipped = options | {
        "mode": "max" if options["mode"] == "min" else "min",
        "baseline": None if baseline is None else -baseline,
    }
    assert run(EarlyStopping(**options), trace) == run(EarlyStopping(**flipped), [-value for value in trace])


@EXAMPLES
@given(trace=TRACES, options=OPTIONS, data=st.data())
def test_goes_on_from_a_saved_state_as_if_never_interrupted(trace, options, data):
    whole, before = (EarlyStopping(**options, restore_best_weights=True) for _ in range(2))
    cut = data.draw(st.integers(0, len(trace)))
    advice = [whole.update(epoch, value, [epoch]) for epoch, value in enumerate(trace)]
    again = [before.update(epoch, value, [epoch]) for epoch, value in enumerate(trace[:cut])]
    after = EarlyStopping(**options, restore_best_weights=True)
    after.load_state_dict(before.state_dict())
    again += [after.update(epoch, value, [epoch]) for epoch, value in enumerate(trace[cut:], cut)]
    assert again == advice
    assert after.state_dict() == whole.state_dict()


@EXAMPLES
@given(trace=TRACES, options=OPTIONS)
def test_reset_makes_it_new(trace, options):
    stopping = EarlyStopping(**options)
    first, state = run(stopping, trace), stopping.state_dict()
    stopping.reset()
    assert stopping.state_dict() == EarlyStopping(**options).state_dict()
    assert run(stopping, trace) == first
    assert stopping.state_dict() == state


def test_baseline_must_be_beaten_to_start_waiting_anew():
    waits = []
    stopping = EarlyStopping(patience=5, baseline=0.5)
    for epoch, value in enumerate([0.9, 0.8, 0.5, 0.4, 0.3]):
        stopping.update(epoch, value)
        waits.append(stopping.wait)
    assert waits == [1, 2, 3, 0, 0]


@pytest.mark.parametrize("make", [np.array, torch.tensor])
def test_the_best_weights_are_a_copy(make):
    weights = {"w": make([0.0])}
    stopping = EarlyStopping(patience=3, restore_best_weights=True)
    for epoch, value in enumerate([3.0, 1.0, 2.0]):
        weights["w"][0] = epoch
        stopping.update(epoch, value, weights)
    assert stopping.best_weights["w"].tolist() == [1]
    stopping.weights_to_restore()["w"][0] = 9
    stopping.state_dict()["best_weights"]["w"][0] = 9
    assert stopping.best_weights["w"].tolist() == [1]


def test_weights_are_kept_only_where_they_are_to_be_restored():
    stopping = EarlyStopping()
    stopping.update(0, 1.0, {"w": [1.0]})
    assert stopping.best_weights is None
    assert stopping.weights_to_restore() is None


def test_nothing_is_restored_before_the_first_monitored_epoch():
    stopping = EarlyStopping(restore_best_weights=True, start_from_epoch=2)
    stopping.update(0, 1.0, [0])
    assert stopping.weights_to_restore() is None
    stopping.update(2, 5.0, [2])
    assert stopping.weights_to_restore() == [2]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("mode", ["min", "max"])
def test_a_value_that_is_not_finite_is_never_the_best_and_is_told_once(bad, mode):
    stopping = EarlyStopping(patience=2, mode=mode, restore_best_weights=True)
    epochs = enumerate([(bad, ["bad"]), (1.0, ["good"]), (bad, ["bad"]), (bad, ["bad"])])
    with pytest.warns(UserWarning, match="counts as no improvement") as told:
        advice = [stopping.update(epoch, value, weights) for epoch, (value, weights) in epochs]
    assert advice == [False, False, False, True]
    assert len(told) == 1
    assert told[0].filename == __file__
    assert (stopping.best, stopping.best_epoch, stopping.wait) == (1.0, 1, 2)
    assert stopping.weights_to_restore() == ["good"]


@pytest.mark.parametrize("patience", [0, 1, 2])
def test_an_all_nan_training_stops_after_the_first_epoch_and_restores_nothing(patience):
    stopping = EarlyStopping(patience=patience, restore_best_weights=True)
    with warnings.catch_warnings(action="ignore"):
        advice = [stopping.update(epoch, float("nan"), [epoch]) for epoch in range(3)]
    assert advice == [False, True, True]
    assert stopping.weights_to_restore() is None


def test_state_survives_a_checkpoint_of_plain_types():
    stopping = EarlyStopping(patience=3, restore_best_weights=True)
    stopping.update(0, 0.1, torch.nn.Linear(2, 1).state_dict())
    file = io.BytesIO()
    torch.save(stopping.state_dict(), file)
    file.seek(0)
    again = EarlyStopping(patience=3, restore_best_weights=True)
    again.load_state_dict(torch.load(file, weights_only=True))
    assert (again.best, again.best_epoch, again.wait) == (0.1, 0, 0)
    assert torch.equal(again.best_weights["weight"], stopping.best_weights["weight"])


@pytest.mark.parametrize("make", [np.array, torch.tensor])
def test_a_loaded_state_shares_nothing_with_what_it_came_from(make):
    """A checkpoint's weights are often loaded into the model, which then trains on, in place."""
    before = EarlyStopping(restore_best_weights=True)
    before.update(0, 1.0, {"w": make([1.0])})
    state = before.state_dict()
    after = EarlyStopping(restore_best_weights=True)
    after.load_state_dict(state)
    state["best_weights"]["w"][0] = 9
    assert after.best_weights["w"].tolist() == [1]
    after.best_weights["w"][0] = 7
    assert state["best_weights"]["w"].tolist() == [9]
    assert before.best_weights["w"].tolist() == [1]


def test_after_a_reset_a_value_that_is_not_finite_is_told_again():
    stopping = EarlyStopping(patience=9)
    for _ in range(2):
        with pytest.warns(UserWarning, match="counts as no improvement") as told:
            run(stopping, [float("nan")] * 2)
        assert len(told) == 1
        stopping.reset()


def test_epochs_before_the_start_leave_no_trace():
    stopping = EarlyStopping(start_from_epoch=2, restore_best_weights=True)
    with warnings.catch_warnings(action="error"):
        assert [stopping.update(epoch, float("nan"), [epoch]) for epoch in range(2)] == [False, False]
    assert stopping.state_dict() == EarlyStopping().state_dict()


@pytest.mark.parametrize(("mode", "better"), [("min", -1), ("max", 1)])
def test_a_change_of_min_delta_is_too_small_and_the_next_number_is_enough(mode, better):
    for change, improves in ((0.5, False), (np.nextafter(0.5, 1), True)):
        stopping = EarlyStopping(patience=5, mode=mode, min_delta=0.5)
        stopping.update(0, 0.0)
        stopping.update(1, better * float(change))
        assert (stopping.best_epoch == 1) == improves


@pytest.mark.parametrize("value", [np.float32(0.5), np.float64(0.5), 1])
def test_numbers_of_every_kind_are_monitored(value):
    stopping = EarlyStopping()
    stopping.update(0, value)
    assert type(stopping.best) is float
    assert stopping.best == value


@pytest.mark.parametrize(
    "options",
    [
        {"patience": -1},
        {"patience": 1.5},
        {"min_delta": -0.1},
        {"min_delta": float("nan")},
        {"mode": "auto"},
        {"baseline": float("inf")},
        {"restore_best_weights": None},
        {"start_from_epoch": -1},
    ],
    ids=str,
)
def test_bad_settings_are_refused(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))}: expected .* received"):
        EarlyStopping(**options)


def test_bad_updates_are_refused():
    stopping = EarlyStopping(restore_best_weights=True)
    with pytest.raises(ValueError, match="value: expected a number, received tensor"):
        stopping.update(0, torch.tensor(1.0), [0])
    with pytest.raises(ValueError, match="epoch: expected a whole number of at least 0, received -1"):
        stopping.update(-1, 1.0, [0])
    with pytest.raises(ValueError, match=r"weights: expected the weights of this epoch .* received None"):
        stopping.update(0, 1.0)
    with pytest.raises(ValueError, match="state: expected the keys"):
        stopping.load_state_dict({"best": 1.0})
    assert stopping.state_dict() == EarlyStopping().state_dict()


def test_it_needs_no_framework():
    code = "import sys, labcode.early_stopping; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_mode_is_that_of_the_name():
    assert EarlyStopping().monitor == "validation_loss"
    for monitor, mode in (
        ("validation_loss", "min"),
        ("objective", "min"),
        ("train_accuracy", "max"),
        ("validation_f1", None),
    ):
        assert usual_mode(monitor) == mode
        if mode:
            assert EarlyStopping(monitor=monitor).mode == mode
    with pytest.raises(ValueError, match="mode: expected 'min' or 'max', as 'validation_f1' does not say it"):
        EarlyStopping(monitor="validation_f1")
    for monitor in (None, 3, ""):
        with pytest.raises(ValueError, match="monitor: expected the name of what is measured"):
            EarlyStopping(monitor=monitor)
