"""Every exercise: the blank is greeted, right answers pass, each wrong one meets its own message."""

import importlib
import pkgutil
import re

import numpy as np
import pytest
from answer_mutants import BEHAVIOUR

from labcode import check
from labcode.check.core import Case, Checker, NotYet

EXERCISES = [
    importlib.import_module(f"labcode.check.{module.name}")
    for module in pkgutil.iter_modules(check.__path__)
    if re.fullmatch(r"exercise_\d+", module.name)
]
CHECKERS = {checker.name: checker for exercise in EXERCISES for checker in exercise.CHECKERS}
SLOW = dict.fromkeys(BEHAVIOUR, pytest.mark.slow)  # they train models
EACH = [pytest.param(c, marks=SLOW.get(c.name, ()), id=c.name) for c in CHECKERS.values()]
MISTAKES = [
    pytest.param(c, mistake, marks=SLOW.get(c.name, ()), id=f"{c.name}-{mistake.name}")
    for c in CHECKERS.values()
    for mistake in c.misconceptions
]


def test_no_two_exercises_have_a_checker_of_one_name():
    assert len(CHECKERS) == sum(len(exercise.CHECKERS) for exercise in EXERCISES)
    assert set(check.__all__) == CHECKERS.keys() | {
        "limit",
        "points",
        "guess",
        "predict",
        "progress",
        "report",
        "seed",
    }


def feedback(checker, answer) -> str:
    """What a learner reads after a wrong answer."""
    with pytest.raises(NotYet) as caught:
        checker(answer)
    return str(caught.value)


@pytest.mark.parametrize("checker", EACH)
def test_blank_is_greeted_and_solution_passes(checker, capsys):
    def blank(*args):
        raise NotImplementedError

    assert "still blank" in feedback(checker, blank)
    checker(checker.solution)
    assert "right" in capsys.readouterr().out
    assert getattr(check, checker.name) is checker


@pytest.mark.parametrize(("checker", "mistake"), MISTAKES)
def test_each_mistake_meets_its_own_message(checker, mistake):
    found = checker.diagnose(checker.outputs(mistake.switches))
    assert found == (mistake,)


@pytest.mark.parametrize("checker", CHECKERS.values(), ids=lambda c: c.name)
def test_at_least_three_misconceptions_a_task(checker):
    assert len(checker.misconceptions) >= 3
    assert len({mistake.message for mistake in checker.misconceptions}) == len(checker.misconceptions)


def _patience(losses, patience):
    """A learner's own right answer, written unlike ours."""
    for epoch in range(len(losses)):
        best = int(np.argmin(losses[: epoch + 1]))
        if epoch - best >= patience:
            return epoch
    return None


def _late(losses, patience):
    waited, best = 0, float("inf")
    for epoch, loss in enumerate(losses):
        waited = 0 if loss < best else waited + 1
        best = min(best, loss)
        if waited > patience:
            return epoch
    return None


def _previous(losses, patience):
    waited = 0
    for epoch in range(1, len(losses)):
        waited = 0 if losses[epoch] < losses[epoch - 1] else waited + 1
        if waited == patience:
            return epoch
    return None


# Wrong answers as learners write them, beside a fragment of the message each should meet.
WRITTEN = [
    ("generalization_gap", lambda train, validation: np.subtract(train, validation), "sign is reversed"),
    ("generalization_gap", lambda train, validation: validation[-1] - train[-1], "WHEN the gap opens"),
    (
        "generalization_gap",
        lambda train, validation: np.abs(np.subtract(validation, train)),
        "hides the sign",
    ),
    (
        "generalization_gap",
        lambda train, validation: np.divide(validation, train) - 1,
        "divided by the training loss",
    ),
    (
        "l2_penalty",
        lambda weights, lam: lam * sum((w**2).sum() for k, w in weights.items() if "weight" in k),
        "1/2 is missing",
    ),
    (
        "l2_penalty",
        lambda weights, lam: lam / 2 * sum((w**2).sum() for w in weights.values()),
        "biases are in the sum",
    ),
    (
        "l2_penalty",
        lambda weights, lam: (
            lam / 2 * np.linalg.norm(np.concatenate([w.ravel() for k, w in weights.items() if "weight" in k]))
        ),
        "the norm itself",
    ),
    (
        "l2_penalty",
        lambda weights, lam: lam / 2 * (weights["weight_ih_l0"] ** 2).sum(),
        "stopped with|difference",
    ),
    ("stopping_epoch", _late, "One epoch too late"),
    ("stopping_epoch", _previous, "crawls back"),
]


@pytest.mark.parametrize(("name", "answer", "fragment"), WRITTEN)
def test_wrong_answers_as_learners_write_them(name, answer, fragment):
    message = feedback(CHECKERS[name], answer)
    assert any(part in message.replace("\n", " ") for part in fragment.split("|")), message


def test_two_mistakes_at_once_are_both_named():
    def both(weights, lam):
        return lam * sum((w**2).sum() for w in weights.values())

    message = feedback(CHECKERS["l2_penalty"], both).replace("\n", " ")
    assert "1/2 is missing" in message
    assert "biases are in the sum" in message


@pytest.mark.parametrize("answer", [_patience, lambda losses, patience: _patience(list(losses), patience)])
def test_other_right_answers_pass(answer):
    CHECKERS["stopping_epoch"](answer)
    CHECKERS["generalization_gap"](
        lambda train, validation: [v - t for t, v in zip(train, validation, strict=True)]
    )


def test_failures_of_the_code_itself_are_explained():
    gap = CHECKERS["generalization_gap"]
    assert "ZeroDivisionError" in feedback(gap, lambda train, validation: 1 / 0)
    assert "`return`" in feedback(gap, lambda train, validation: None)
    assert "np.split(train, 5)" in feedback(gap, lambda train, validation: np.split(train, 5))
    assert "itself" in feedback(gap, 3.0)

    def changes_its_argument(train, validation):
        validation -= train
        return validation

    assert "changed its own arguments" in feedback(gap, changes_its_argument)
    assert NotYet("short")._render_traceback_() == ["short"]


def test_an_array_in_the_place_of_two_arrays_is_wrong_and_not_an_error():
    pair = (np.zeros(2), np.zeros((3, 1)))
    checker = Checker("pair", lambda: pair, (Case("two arrays", ()),), (), "")
    assert "expected ([0., 0.], [[0.], [0.], [0.]])" in feedback(checker, lambda: np.zeros(2))


@pytest.mark.parametrize(
    ("want", "got", "said"),
    [
        ({"a": 1.0, "b": 2.0}, {"a": 1.0}, "→ Its keys should be 'a', 'b'; these are 'a'. Missing: 'b'."),
        ({"a": 1.0, "b": 2.0}, {}, "→ Its keys should be 'a', 'b'; these are none."),
        ({"a": 1.0, "b": 2.0}, [1.0, 2.0], "→ A dictionary was expected; this is of type list."),
        ({"a": 1.0, "b": 2.0}, {"a": 1.0, "b": 3.0}, "→ Of its 2 parts only 'b' is wrong."),
        ((1.0, 2.0), 3.0, "→ 2 values were expected, side by side; this is one of type float."),
        ((1.0, 2.0), (1.0, 2.0, 3.0), "→ 2 values were expected; these are 3."),
        ((1.0, 2.0, 3.0), (1.0, 0.0, 0.0), "→ Of its 3 parts 1, 2 are wrong (counted from 0)."),
        (np.zeros((2, 3)), np.zeros((3, 2)), "→ Its shape should be (2, 3); it is (3, 2)."),
        ([np.zeros(2), np.zeros((2, 3))], [np.ones(2), np.ones((3, 2))], "received ([1., 1.], [[1., 1.],"),
        (
            [np.zeros((2, 3)), 1.0],
            [np.ones((3, 2)), 0.0],
            "→ Part 0: Its shape should be (2, 3); it is (3, 2).",
        ),
    ],
)
def test_where_no_misconception_fits_the_form_and_the_wrong_parts_are_named(want, got, said):
    checker = Checker("f", lambda: want, (Case("a call", ()),), (), "")
    assert said in feedback(checker, lambda: got)


def test_of_a_wrong_number_alone_only_what_is_true_is_said():
    checker = Checker("f", lambda: 3.7, (Case("a call", ()),), (), "")
    assert "→ It is too large in 1 of 1 cases (by 0.3)." in feedback(checker, lambda: 4.0)
