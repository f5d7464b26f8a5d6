"""labcode against recorded results of third parties: every case of every file in ``conformance/``.

``CONFORMANCE_DIR`` names another folder of cases. A case out of scope is skipped with its reason; one in
scope passes, or is listed in ``deviations.toml`` and fails.
"""

import copy
import json
import os
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pytest
from conformance_dropout import RUNNERS_DROPOUT
from conformance_linear import RUNNERS_LINEAR
from conformance_optimizers import RUNNERS_OPTIMIZERS
from conformance_runners import RUNNERS as RUNNERS_LSTM

from labcode.libraries.stopping_rules import keras_rule

RUNNERS = RUNNERS_LSTM | RUNNERS_OPTIMIZERS | RUNNERS_LINEAR | RUNNERS_DROPOUT
# Other rules than EarlyStopping's: test_stopping_rules.py runs their traces.
OUT_OF_SCOPE = {"early_stopping_lightning.json", "early_stopping_ignite.json"}
OWN_FOLDER = Path(__file__).parent
FOLDER = Path(os.environ.get("CONFORMANCE_DIR") or OWN_FOLDER)
DEVIATIONS = tomllib.loads((OWN_FOLDER / "deviations.toml").read_text(encoding="utf-8"))["deviation"]
NOT_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


def decode(value):
    """Turn the strings that stand for NaN and infinities into floats."""
    if isinstance(value, dict):
        return {key: decode(part) for key, part in value.items()}
    if isinstance(value, list):
        return [decode(part) for part in value]
    return NOT_FINITE.get(value, value) if isinstance(value, str) else value


def read(folder):
    """Return {file name: cases}."""
    paths = sorted(folder.glob("*.json"))
    return {path.name: decode(json.loads(path.read_text(encoding="utf-8")))["cases"] for path in paths}


def implementations(file, case):
    runner = RUNNERS.get((file, case["library"], case["kind"]))
    return runner.implementations if runner else ("none",)


def compare(received, expected, tolerance, name):
    """Compare numbers within the tolerance and everything else exactly, under the keys that are expected."""
    if isinstance(expected, dict):
        for key, part in expected.items():
            assert key in received, f"{name}: the case expects {key}, which the runner does not return"
            compare(received[key], part, tolerance, f"{name}/{key}")
    elif isinstance(received, list) and isinstance(expected, list):
        assert len(received) == len(expected), name
        for index, (part, wanted) in enumerate(zip(received, expected, strict=True)):
            compare(part, wanted, tolerance, f"{name}/{index}")
    elif expected is None or isinstance(expected, str):
        assert received == expected, name
    else:
        assert received is not None, name
        np.testing.assert_allclose(received, expected, **tolerance, err_msg=name)
        assert np.shape(received) == np.shape(expected), name


def check(file, case, implementation):
    """Run one case in scope; whatever the runner does not know is an error, never passed over."""
    known = (file, case["library"], case["kind"])
    if known not in RUNNERS:
        raise LookupError(f"{case['id']}: no runner for {known}")
    runner = RUNNERS[known]
    judged = getattr(runner, "tolerances", "")  # by the runner itself
    allowed_tol = f"rtol atol {judged}"
    for part, allowed in (("settings", runner.settings), ("inputs", runner.inputs), ("tol", allowed_tol)):
        unknown = set(case.get(part, {})) - set(allowed.split())
        if unknown:
            raise LookupError(f"{case['id']}: unknown {part} {sorted(unknown)}")
    received, expected = runner.run(case, implementation), case["expected"] if runner.is_test else {}
    tolerance = {name: value for name, value in case.get("tol", {}).items() if name not in judged.split()}
    compare(received, expected, {"rtol": 1e-7, "atol": runner.atol} | tolerance, case["id"])


def deviation(file, case):
    """Return the entry by which a case may deviate on purpose, or None."""
    for entry in DEVIATIONS:
        named = entry["file"] == file and fnmatchcase(case["id"], entry["id"])
        if named and (entry.get("best") != "not finite" or holds_what_is_not_finite(case)):
            return entry
    return None


def holds_what_is_not_finite(case):
    """Tell whether Keras, anywhere in a trace, holds NaN or an infinity for the best value."""
    names = ("patience", "min_delta", "mode", "baseline", "start_from_epoch")
    options = {name: case["settings"][name] for name in names if name in case["settings"]}
    trace = case["inputs"]["trace"][: case["expected"].get("epochs_run")]
    held = [keras_rule(trace[: end + 1], **options).best for end in range(len(trace))]
    return any(best is not None and not np.isfinite(best) for best in held)


def judge(file, case, implementation):
    """Skip, run, or expect to fail, as the case's scope and the deviations say."""
    if case["scope"].startswith("out: "):
        pytest.skip(case["scope"])
    assert case["scope"] == "in", f"{case['id']}: unknown scope {case['scope']}"
    entry = deviation(file, case)
    try:
        check(file, case, implementation)
    except AssertionError:
        if entry is None:
            raise
        pytest.xfail(entry["reason"])
    if entry is not None and "best" not in entry:
        pytest.fail(f"{case['id']} is listed as a deviation, and passes")


SLOW = {"l1_exact_zeros_sgd_adam_prox_lasso", "ran_project_after_sgd_step_lr1.0", "diabetes_lasso_path"}
LONG = {("l1_exact_zeros_sgd_adam_prox_lasso", "torch")}  # 60,000 steps, each through torch and back
CASES = [
    pytest.param(
        file,
        case,
        implementation,
        id=f"{Path(file).stem}-{case['id']}-{implementation}",
        marks=[pytest.mark.slow] * (case["id"] in SLOW)
        + [pytest.mark.long] * ((case["id"], implementation) in LONG),
    )
    for file, cases in read(FOLDER).items()
    for case in cases
    for implementation in implementations(file, case)
]


@pytest.mark.filterwarnings("ignore:EarlyStopping")
@pytest.mark.parametrize(("file", "case", "implementation"), CASES)
def test_case(file, case, implementation):
    judge(file, case, implementation)


def test_every_file_has_a_runner_and_cases():
    files = read(FOLDER)
    assert files, f"no *.json in {FOLDER}"
    assert set(files) <= {file for file, _, _ in RUNNERS} | OUT_OF_SCOPE
    assert all(files.values())


@pytest.mark.filterwarnings("ignore:EarlyStopping")
def test_every_deviation_is_that_of_a_case():
    cases = [(file, case) for file, cases in read(OWN_FOLDER).items() for case in cases]
    for entry in DEVIATIONS:
        listed = [(file, case) for file, case in cases if deviation(file, case) is entry]
        failed = 0
        for file, case in listed:
            try:
                check(file, case, implementations(file, case)[0])
            except AssertionError:
                failed += 1
        assert failed > len(listed) / 2, entry


EXAMPLE = {
    "id": "example",
    "library": "keras",
    "kind": "penalty",
    "scope": "in",
    "settings": {"name": "L1", "l1": 0.1},
    "inputs": {"w": [1.0, -2.0]},
    "expected": {"penalty": 0.3},
}


def test_the_example_passes():
    judge("regularizers.json", EXAMPLE, "numpy")


@pytest.mark.parametrize(
    "change",
    [
        {"library": "jax"},
        {"kind": "penalties"},
        {"scope": "in part"},
        {"settings": {"name": "L1", "l3": 0.1}},
        {"settings": {"name": "L3"}},
        {"inputs": {"w": [1.0, -2.0], "mask": [1.0, 0.0]}},
        {"expected": {"penalty": 0.3, "hessian": 0.0}},
        {"expected": {"penalty": 0.31}},
        {"expected": {"penalty": [0.3]}},
        {"tol": {"rtol": 1e-7, "ulp": 1}},
    ],
    ids=str,
)
def test_what_is_unknown_or_wrong_fails_loudly(change):
    with pytest.raises((AssertionError, LookupError)):
        judge("regularizers.json", copy.deepcopy(EXAMPLE) | change, "numpy")


def test_a_deviation_that_starts_to_pass_fails(monkeypatch):
    entry = {"file": "regularizers.json", "id": "exam*", "reason": "none"}
    monkeypatch.setitem(globals(), "DEVIATIONS", [entry])
    with pytest.raises(pytest.fail.Exception, match="is listed as a deviation, and passes"):
        judge("regularizers.json", EXAMPLE, "numpy")
    with pytest.raises(pytest.xfail.Exception):
        judge("regularizers.json", EXAMPLE | {"expected": {"penalty": 1.0}}, "numpy")
