"""The rule that leads from intervals to a verdict: each word, each boundary, each direction."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcode.experiments.verdicts import ANSWERS, VERDICTS, answer, in_words, verdict

ENDS = st.tuples(st.floats(-10, 10), st.floats(-10, 10)).map(sorted)
MIRROR = {"lower": "higher", "higher": "lower", "equal": "equal"}
MIRROR |= {"not higher": "not lower", "not lower": "not higher"}


@pytest.mark.parametrize(
    ("interval", "direction", "margin", "expected"),
    [
        ((-3, -1), "lower", None, "supports"),
        ((-3, 0), "lower", None, "open"),
        ((-3, 1), "lower", None, "open"),
        ((0, 3), "lower", None, "open"),
        ((1, 3), "lower", None, "opposes"),
        ((0, 0), "lower", None, "open"),
        ((-3, -1), "lower", 2, "supports"),  # its near end is inside, not the whole
        ((-1, 1), "lower", 2, "inside"),
        ((-1, -0.5), "lower", 2, "inside"),  # clear, and too small to matter
        ((0.5, 1), "lower", 2, "inside"),
        ((-2, 1), "lower", 2, "open"),  # the margin itself is not inside it
        ((-1, 2), "lower", 2, "open"),
        ((1, 3), "lower", 2, "opposes"),
        ((0, 0), "lower", 2, "inside"),
        ((1, 3), "higher", None, "supports"),
        ((-3, -1), "higher", None, "opposes"),
        ((-1, 1), "higher", 2, "inside"),
        ((-1, 1), "equal", 2, "supports"),
        ((-2, 1), "equal", 2, "open"),
        ((-1, 2), "equal", 2, "open"),
        ((1, 3), "equal", 2, "open"),
        ((2, 3), "equal", 2, "opposes"),
        ((-3, -2), "equal", 2, "opposes"),
        ((1, 1.9), "not higher", 2, "supports"),  # clearly worse, by less than the margin
        ((-9, 1), "not higher", 2, "supports"),
        ((-9, -5), "not higher", 2, "supports"),  # better speaks for it
        ((-9, 2), "not higher", 2, "open"),
        ((1, 3), "not higher", 2, "open"),
        ((2, 3), "not higher", 2, "opposes"),
        ((-1, 9), "not lower", 2, "supports"),
        ((-2, 9), "not lower", 2, "open"),
        ((-3, -2), "not lower", 2, "opposes"),
    ],
)
def test_a_place_says_one_of_four_things(interval, direction, margin, expected):
    assert answer(interval, direction, margin) == expected


@given(ENDS, st.sampled_from(sorted(MIRROR)), st.floats(0.1, 5))
def test_the_mirror_image_says_the_same(ends, direction, margin):
    low, high = ends
    assert answer((low, high), direction, margin) == answer((-high, -low), MIRROR[direction], margin)


@pytest.mark.parametrize(
    ("answers", "word", "words"),
    [
        (["supports"], "shown", "shown (1 of 1)"),
        (["supports"] * 3, "shown", "shown (3 of 3)"),
        (["supports", "open"], "shown in some", "shown in some (1 of 2)"),
        (["supports", "inside"], "shown in some", "shown in some (1 of 2; 1 of 2 inside the margin)"),
        (["inside"] * 2, "equivalent", "equivalent (2 of 2 inside the margin)"),
        (["inside", "open"], "undecided", "undecided (1 of 2 inside the margin)"),
        (["open"], "undecided", "undecided (1 place)"),
        (["open", "open"], "undecided", "undecided (2 places)"),
        (["opposes", "open"], "contradicted", "contradicted (in 1 of 2)"),
        (["supports"] * 3 + ["opposes"] * 2, "contradicted", "contradicted (in 2 of 5; shown in 3)"),
        (["opposes", "inside"], "contradicted", "contradicted (in 1 of 2; 1 of 2 inside the margin)"),
    ],
)
def test_a_verdict_has_its_numbers(answers, word, words):
    assert verdict(answers) == word
    assert in_words(answers) == words


@given(st.lists(st.sampled_from(ANSWERS), min_size=1, max_size=6))
def test_every_claim_has_one_verdict_in_whatever_order(answers):
    assert verdict(answers) == verdict(answers[::-1])
    assert verdict(answers) in VERDICTS
    assert verdict([*answers, "opposes"]) == "contradicted"  # one clear counterexample is enough
    assert verdict([*answers, "open"]) != "shown"
    assert in_words(answers).partition(" (")[0] == verdict(answers)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: answer((0, 1), "smaller"), "direction: expected one of 'lower'"),
        (lambda: answer((0, 1), "equal"), "margin: expected one for 'equal', received None"),
        (lambda: answer((0, 1), "not higher"), "margin: expected one for 'not higher'"),
        (lambda: verdict([]), "answers: expected at least one"),
        (lambda: verdict(["yes"]), "answers: expected one of 'supports'"),
    ],
)
def test_what_the_rule_does_not_know_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
