"""Compared fairly: a right answer is right in any form, a wrong one is wrong in any and gets a sentence."""

import collections
import json
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from labcode.check.core import Case, Checker, Collected, NotYet
from labcode.check.core.compare import precision, same
from labcode.check.core.values import Odd, plain

FLOATS = st.floats(-1e6, 1e6).map(lambda value: round(value, 4))
ARRAYS = hnp.arrays(float, hnp.array_shapes(max_dims=3, max_side=4), elements=FLOATS)
FORMS = {
    "nested lists": np.ndarray.tolist,
    "tuples": lambda a: tuple(a.tolist()),
    "a tensor": torch.tensor,
    "with gradient": lambda a: torch.tensor(a, requires_grad=True) * 1,
    "a parameter": lambda a: torch.nn.Parameter(torch.tensor(a)),
    "single precision": lambda a: a.astype(np.float32),
    "a float tensor": lambda a: torch.tensor(a).float(),
    "of single precision in lists": lambda a: a.astype(np.float32).tolist(),
    "numpy scalars": lambda a: [list(row) if row.ndim == 1 else row for row in a] if a.ndim > 1 else list(a),
    "the other byte order": lambda a: a.astype(">f8"),
    "not contiguous": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "sparse": lambda a: torch.tensor(a).to_sparse(),
    "an iterable with a length": lambda a: collections.deque(a.tolist()),
    "objects": lambda a: a.astype(object),
    "fractions": lambda a: np.vectorize(Fraction, otypes=[object])(a).tolist(),
    "decimals": lambda a: np.vectorize(Decimal, otypes=[object])(a),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@settings(deadline=None, derandomize=True, max_examples=25)
@given(want=ARRAYS)
def test_a_right_array_is_right_in_every_form(form, want):
    assert same(form(want), want)
    assert same(form(want), want.tolist())


@settings(deadline=None, derandomize=True, max_examples=100)
@given(want=ARRAYS, data=st.data())
def test_one_entry_moved_by_a_thousandth_is_wrong(want, data):
    index = data.draw(st.tuples(*(st.integers(0, n - 1) for n in want.shape)))
    got = want.copy()
    got[index] += 1e-3 * max(np.abs(want).max(), 1.0)
    for form in FORMS.values():
        assert not same(form(got), want)


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | ARRAYS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(value=NESTED)
def test_plain_data_are_the_same_as_themselves_also_after_a_way_through_json(value):
    from labcode.check.core.collect import Outcome

    assert same(value, value)
    sent = Collected("task", 3, (Outcome("value", plain(value), changed=("x",)),))
    text = sent.to_json()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    received = Collected.from_json(text)
    np.testing.assert_equal(received.outcomes[0].value, plain(value))
    assert (received.name, received.seed, received.outcomes[0].changed) == ("task", 3, ("x",))


@settings(deadline=None, derandomize=True, max_examples=200)
@given(got=NESTED, want=NESTED)
def test_comparing_anything_with_anything_never_raises(got, want):
    assert same(got, want) in (True, False)
    checker = Checker("f", lambda: want, (Case("a call", ()),), (), "")
    verdict = checker.judge(checker.collect(lambda: got))
    assert verdict.right == (same(got, want) or (got is None and want is None))
    assert verdict.right or "→" in verdict.text or "returned None" in verdict.text


@pytest.mark.parametrize("text", ["", "3", "[]", "{}", '{"format": "labcode check 1"}', "[" * 10**5])
def test_what_is_no_data_of_a_check_is_refused(text):
    with pytest.raises(ValueError, match=r"Expecting|expected the data of a check|format|recursion"):
        Collected.from_json(text)


@pytest.mark.parametrize(
    "value",
    [
        {"array": "AAAA", "dtype": "|O", "shape": [1]},
        {"array": "AAAA", "dtype": "<f8", "shape": [1]},
        {"array": "AAAAAAAAAAA=", "dtype": "<f8", "shape": [-2]},
        {"unknown": 1},
        {"float": "none"},
    ],
)
def test_forged_values_are_refused(value):
    content = {
        "format": "labcode check 1",
        "name": "task",
        "seed": 0,
        "outcomes": [["value", value, "", []]],
    }
    with pytest.raises(ValueError, match=r"."):
        Collected.from_json(json.dumps(content))


def _holds_itself():
    value = [1.0]
    value.append(value)
    return value


def _nested(depth):
    value = 1.0
    for _ in range(depth):
        value = [value]
    return value


ODD = [
    ("1.0", "Text came back"),
    (["1.0", "2.0"], "Text came back"),
    (np.array(["1.0"]), "Text came back"),
    ((x for x in (1, 2)), "computes its entries only when"),
    (map(float, [1]), "computes its entries only when"),
    (_holds_itself(), "contains itself"),
    (_nested(100_000), "nested deeper"),
    ([[1.0], [1.0, 2.0]], "different lengths"),
    ((torch.ones(2), (torch.ones(1), torch.ones(1, requires_grad=True))), "different lengths"),
    (1 + 2j, "Complex numbers"),
    (np.array([1j]), "Complex numbers"),
    (10**400, "about 401 digits"),
    (10**6000, "digits"),
    (Fraction(10**400), "digits"),
    (math.nan, "NaN"),
    (math.inf, "infinity"),
    (Decimal("sNaN"), "no ordinary number"),
    ([0.0] * 10**7, "10,000,000 elements"),
    (np.zeros(10**7), "10,000,000 elements"),
    (len, "parentheses"),
    (object(), "type object"),
    (torch.empty(2, device="meta"), "meta"),
    (np.ma.masked_array([1.0], [True]), "masked"),
    (np.array(["2020-01-01"], dtype="M8[D]"), "datetime64"),
    ({}, "A dictionary"),
    ({1.0}, "set"),
    (np.ones(3), "shape"),
    ([None], "None"),
    (torch.nn.Linear(1, 1), "type Linear"),
]


@pytest.mark.parametrize(("value", "fragment"), ODD, ids=[fragment for _, fragment in ODD])
def test_an_odd_result_gets_a_sentence(value, fragment):
    checker = Checker("f", lambda: 1.0, (Case("a call", ()),), (), "")
    with pytest.raises(NotYet) as caught:
        checker(lambda: value)
    assert fragment in str(caught.value).replace("\n", " ")
    assert len(str(caught.value)) < 2000


def test_a_zero_may_have_to_be_exact():
    loose = Checker("f", lambda: np.array([0.0, 1.0]), (Case("a call", ()),), (), "")
    strict = Checker("f", loose.solution, loose.cases, (), "", exact_zero=True)
    loose(lambda: [1e-13, 1.0])
    strict(lambda: [-0.0, 1.0])
    with pytest.raises(NotYet, match="exactly"):
        strict(lambda: [1e-13, 1.0])


def test_whole_numbers_are_met_exactly_however_large():
    assert same(10**7, 10**7)
    assert same(1e7, 10**7)
    assert not same(10**7 + 1, 10**7)
    assert same(np.float32(3.0), 3)


def test_single_precision_carries_as_far_as_the_task_lets_it():
    cases = (Case("large numbers", (np.array([1000.1, 1000.2, 1000.4]),)),)
    checker = Checker("variance", lambda x: float(np.var(x)), cases, (), "")
    checker(lambda x: x.astype(np.float32).var())
    checker(lambda x: torch.tensor(x).float().var(correction=0))
    with pytest.raises(NotYet):
        checker(lambda x: np.float32(1.05) * x.astype(np.float32).var())
    with pytest.raises(NotYet):
        checker(lambda x: 1.0005 * float(np.var(x)))


def test_the_precision_of_an_answer_is_seen_in_its_digits():
    assert precision(np.float32(0.1).item()) == "float32"
    assert precision([0.5, 0.25]) == "float64"
    assert precision(plain(torch.ones(2).bfloat16())) == "float16"


def test_a_set_of_labels_will_do_for_a_list_of_them():
    assert same({"b", "a"}, ["a", "b"])
    assert not same({"b", "a"}, ["a", "b", "b"])
    assert isinstance(plain({(1, 2)}), Odd)
