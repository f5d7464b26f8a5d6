"""Exercise 9, reading and comparing: answers as learners write them, and the six runs against their record.

``test_check.py`` holds every switch of every checker against its own message.
"""

import math
import statistics

import numpy as np
import pytest
from test_check import feedback

from labcode import check
from labcode.check.exercise_09_curves import CHECKERS, RUNS
from labcode.experiments import load_result
from labcode.training.diagnose import CASES

RIGHT = [
    ("read_runs", lambda labels: {label.lower(): f" {RUNS[label]} ".upper() for label in labels}),
    (
        "rule_of_thumb",
        lambda train, validation, baseline: (
            "overfit"
            if validation[-1] / np.min(validation) - 1 > 0.1
            else ("healthy", "underfit")[train[-1] > baseline]
        ),
    ),
    (
        "samples_needed",
        lambda losses, margin: math.ceil(statistics.variance(losses) * 1.96**2 / margin**2),
    ),
    ("three_leaks", lambda labels: "hbc"),
    ("three_leaks", lambda labels: {"B", "C", "H"}),
]


def fair(validation, test):
    """Loops, lists and the statistics module."""
    best = {}
    for name, rows in validation.items():
        means = [statistics.fmean(row) for row in rows]
        best[name] = means.index(min(means))
    pairs = zip(test["a"][best["a"]], test["b"][best["b"]], strict=True)
    differences = [float(a - b) for a, b in pairs]
    error = statistics.stdev(differences) / len(differences) ** 0.5
    return [best["a"], best["b"], statistics.fmean(differences), error]


@pytest.mark.parametrize(("name", "answer"), [*RIGHT, ("fair_comparison", fair)])
def test_other_right_answers_pass(name, answer, capsys):
    getattr(check, name)(answer)
    assert f"{name}: right" in capsys.readouterr().out


def reading(**changes):
    return lambda labels: RUNS | changes


def thumb(margin=1.1, reference=min):
    def answer(train, validation, baseline):
        if validation[-1] > margin * reference(validation):
            return "overfit"
        return "underfit" if train[-1] > baseline else "healthy"

    return answer


def chosen_by_test(validation, test):
    rows = {name: int(losses.mean(axis=1).argmin()) for name, losses in test.items()}
    difference = test["a"][rows["a"]] - test["b"][rows["b"]]
    return rows["a"], rows["b"], difference.mean(), difference.std(ddof=1) / len(difference) ** 0.5


def unpaired(validation, test):
    rows = {name: int(losses.mean(axis=1).argmin()) for name, losses in validation.items()}
    a, b = (test[name][rows[name]] for name in "ab")
    return rows["a"], rows["b"], a.mean() - b.mean(), np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a))


def lucky(validation, test):
    rows = {name: int(losses.min(axis=1).argmin()) for name, losses in validation.items()}
    difference = test["a"][rows["a"]] - test["b"][rows["b"]]
    return rows["a"], rows["b"], difference.mean(), difference.std(ddof=1) / len(difference) ** 0.5


WRONG = [
    ("read_runs", reading(A="overfit"), "simple to overfit"),
    ("read_runs", reading(C="learning rate too high"), "three evaluations, three losses"),
    ("read_runs", reading(E="healthy"), "looks too good"),
    ("read_runs", reading(D="healthy", F="overfit"), "2 of the 6 runs are misread"),
    ("read_runs", reading(B="leak"), "where was the validation loss lowest"),
    ("read_runs", reading(B="overfitting"), "no such case: overfitting"),
    ("read_runs", lambda labels: list(RUNS.values()), "a dictionary with the keys"),
    ("rule_of_thumb", lambda t, v, b: "overfit" if v[-1] > 1.1 * t[-1] else "healthy", "First difference"),
    ("rule_of_thumb", thumb(reference=lambda v: v[0]), "compare with the LOWEST"),
    ("rule_of_thumb", thumb(reference=lambda v: v[-2]), "the one before. A rise is slow"),
    ("samples_needed", lambda x, m: math.ceil(1.96 * np.std(x, ddof=1) / m), "ROOT"),
    ("samples_needed", lambda x, m: math.ceil((np.std(x, ddof=1) / m) ** 2), "one standard error"),
    ("samples_needed", lambda x, m: math.ceil((1.96 * np.std(x) / m) ** 2), "ddof=1"),
    ("fair_comparison", chosen_by_test, "chosen by the TEST losses"),
    ("fair_comparison", unpaired, "standard deviation of the DIFFERENCES"),
    ("fair_comparison", lucky, "best SEED"),
    ("three_leaks", lambda labels: ["B", "H"], "share 13 of their 14 days"),
    ("three_leaks", lambda labels: ["B", "C", "H", "E"], "E is sound"),
    ("three_leaks", lambda labels: [], "3 of the lines"),
]


@pytest.mark.parametrize(("name", "answer", "fragment"), WRONG, ids=[w[2] for w in WRONG])
def test_wrong_answers_as_learners_write_them(name, answer, fragment):
    message = feedback(getattr(check, name), answer).replace("\n", " ")
    assert fragment in message, message


def test_the_six_runs_are_what_the_checker_takes_them_for():
    """The unknown runs of the notebook are records of the gallery, whose cases are known."""
    result = load_result("09_diagnosis")
    assert list(result["unknown"]) == list(RUNS)
    for label, run in result["unknown"].items():
        found = [r["case"] for r in result["runs"] if r["train_loss"] == run["train_loss"]]
        assert found == [RUNS[label]]
        assert "case" not in run
        assert "kind" not in run


def test_every_wrong_reading_that_is_explained_is_a_case():
    readings = [dict(m.switches["misread"]) for m in CHECKERS[0].misconceptions]
    assert all(set(reading.values()) <= set(CASES) for reading in readings)


def test_every_task_of_the_exercise_is_here():
    assert [checker.name for checker in CHECKERS] == [
        "read_runs",
        "rule_of_thumb",
        "samples_needed",
        "fair_comparison",
        "three_leaks",
    ]
    assert sum(len(checker.misconceptions) for checker in CHECKERS) >= 40
