"""The two halves of a check, and what is built on them: points, a report, random cases, blame."""

import json
import subprocess
import sys

import numpy as np
import pytest
from answer_mutants import BEHAVIOUR

from labcode import check
from labcode.check.core import Case, Checker, Collected, Misconception, NotYet


def _scaled(x, factor, *, sign=1.0):
    return sign * factor * x


CASES = (Case("one", (np.array([1.0, -2.0]), 2.0)), Case("two", (np.array([3.0]), 0.5)))
SIGN = Misconception("sign", {"sign": -1.0}, "The sign is wrong.")
CHECKER = Checker("scaled", _scaled, CASES, (SIGN,), "Good.")
DRAWN = Checker(
    "scaled",
    _scaled,
    CASES,
    (SIGN,),
    "Good.",
    draw=lambda rng: (rng.normal(size=3), float(rng.uniform(1, 2))),
)


def said(checker, answer) -> str:
    with pytest.raises(NotYet) as caught:
        checker(answer)
    return str(caught.value)


OTHER_PROCESS = """
import sys
from labcode.check import l2_penalty
from labcode.check.core import Collected
verdict = l2_penalty.judge(Collected.from_json(sys.stdin.read()))
print(verdict.right, verdict.share, "torch" in sys.modules)
print(verdict.text)
"""


def test_another_process_judges_what_this_one_has_collected():
    def twice_too_large(weights, lam):
        return lam * sum((w**2).sum() for name, w in weights.items() if name.startswith("weight"))

    text = check.l2_penalty.collect(twice_too_large).to_json()
    done = subprocess.run([sys.executable, "-c", OTHER_PROCESS], input=text, capture_output=True, text=True)
    first, *rest = done.stdout.splitlines()
    assert first.startswith("False 0.")
    assert rest == said_of(check.l2_penalty, text).splitlines()
    assert "1/2 is missing" in done.stdout


def said_of(checker, text) -> str:
    return checker.judge(Collected.from_json(text)).text


def test_judging_runs_nothing_of_the_learners():
    calls = []

    def answer(x, factor):
        calls.append(x)
        return factor * x

    collected = CHECKER.collect(answer)
    assert len(calls) == 2
    assert CHECKER.judge(collected).right
    assert len(calls) == 2


def test_data_of_another_task_or_of_fewer_cases_are_refused():
    collected = CHECKER.collect(_scaled)
    with pytest.raises(ValueError, match="outcomes of scaled"):
        CHECKER.judge(Collected("other", collected.seed, collected.outcomes))
    with pytest.raises(ValueError, match="expected 2 outcomes"):
        CHECKER.judge(Collected("scaled", collected.seed, collected.outcomes[:1]))


@pytest.mark.parametrize("name", check.__all__)
def test_every_solution_survives_the_way_through_json(name):
    checker = getattr(check, name)
    if not isinstance(checker, Checker) or name in BEHAVIOUR:
        pytest.skip("no checker, or one that trains")
    text = checker.collect(checker.solution, seed=1).to_json()
    assert json.loads(text)["name"] == name
    assert checker.judge(Collected.from_json(text)).right


def test_cases_are_drawn_anew_at_each_call_and_again_by_their_seed(capsys):
    seen = []

    def answer(x, factor):
        seen.append(factor)
        return _scaled(x, factor)

    DRAWN(answer)
    DRAWN(answer)
    assert seen[2:5] != seen[7:10]
    assert "✓ 3 more cases, drawn at random" in capsys.readouterr().out
    check.seed(5)
    try:
        DRAWN(answer)
        DRAWN(answer)
    finally:
        check.seed(None)
    assert seen[12:15] == seen[17:20]
    with pytest.raises(ValueError, match="whole number"):
        check.seed(-1)


def test_a_mistake_that_only_a_drawn_case_shows_names_the_seed():
    message = said(DRAWN, lambda x, factor: _scaled(x, factor) if len(x) < 3 else x)
    assert "✗ 0 of 3 more cases, drawn at random" in message
    seed = int(message.partition("check.seed(")[2].partition(")")[0])
    assert f"factor={DRAWN.with_drawn(seed).cases[2].args[1]!r}" in message


def _with_biases(weights, lam):
    return lam / 2 * sum(np.sum(w**2) for w in weights.values())


def test_points_are_the_share_of_right_cases_and_nothing_is_raised(capsys):
    def half(x, factor):
        return _scaled(x, factor) if len(x) == 2 else 7.0

    def bias_sum(*args):
        return exit()

    assert check.points(check.l2_penalty.solution, 3, task="l2_penalty") == 3
    assert CHECKER.examine(half)[0].share == 0.5
    partly = check.points(_with_biases, 3, task="l2_penalty")
    assert 0 < partly < 3
    assert float(repr(partly)) == partly  # how nbgrader reads it; what it can't read earns all points
    assert check.points(bias_sum, 3) == 0
    assert check.points(7, 3, task="bias_sum") == 0
    assert check.points(half, 3) == 0
    assert "no task is named 'half'" in capsys.readouterr().out
    with pytest.raises(ValueError, match="maximum"):
        check.points(bias_sum, -1)
    with pytest.raises(ValueError, match="name of a task"):
        check.points(bias_sum, 1, task="report")


def test_a_report_holds_code_seed_and_what_was_said(capsys):
    def generalization_gap(train_loss, validation_loss):
        return "my own answer"

    with pytest.raises(NotYet):
        check.generalization_gap(generalization_gap)
    check.report()
    block = capsys.readouterr().out
    assert block.startswith("```text\ncheck.generalization_gap, seed ")
    assert 'return "my own answer"' in block
    assert "Text came back" in block
    assert "numpy" in block
    assert __file__ not in block


def _helper(x):
    raise NotImplementedError("Your turn: write this part in place of this line.")


def test_the_place_in_the_learners_code_is_shown():
    message = said(CHECKER, lambda x, factor: _helper(x) * factor)
    assert "scaled calls `_helper`, which is still blank" in message
    assert "raise NotImplementedError" in message
    assert "in line" in message

    def one(x):
        return x

    message = said(CHECKER, one)
    assert "cannot be called with the task's 2 arguments (x, factor): yours is scaled(x)." in message
    assert "def one(x):" in message
    message = said(CHECKER, lambda x, factor: nump.multiply(x, factor))  # noqa: F821
    assert "Nothing is named `nump` here. Did you mean `np`?" in message
    assert "nump.multiply" in message
    message = said(CHECKER, lambda x, factor: unheard_of_by_anyone(x))  # noqa: F821
    assert "Has the cell that defines it been run?" in message


def test_two_misconceptions_that_fit_equally_are_guesses_and_two_at_once_are_named():
    twin = Misconception("twin", {"sign": -1.0}, "Or it is upside down.")
    message = said(Checker("scaled", _scaled, CASES, (SIGN, twin), ""), lambda x, factor: -factor * x)
    assert "take them as guesses" in message
    assert "The sign is wrong." in message
    assert "Or it is upside down." in message


def test_work_in_place_is_refused_unless_the_task_allows_it(capsys):
    def in_place(x, factor):
        x *= factor
        return x

    assert "changed its own arguments (x)" in said(CHECKER, in_place)
    Checker("scaled", _scaled, CASES, (), "", may_change=True)(in_place)
    assert "right" in capsys.readouterr().out


def test_a_wrong_case_is_told_beside_the_right_ones_where_another_stops():
    message = said(CHECKER, lambda x, factor: factor * x if len(x) == 2 else 1 / 0)
    assert message.startswith("✓ one\n✗ two\n✗ scaled stopped with ZeroDivisionError")
