"""What a study's runs returned comes back from the record as it went in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcode.experiments.kept_runs import arrays_of_runs, runs_of_arrays

NUMBERS = st.floats(-100, 100, width=32)
CURVES = st.lists(NUMBERS, min_size=1, max_size=5)


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.tuples(NUMBERS, st.none() | NUMBERS, st.lists(NUMBERS, min_size=1, max_size=5)), min_size=1)
)
def test_runs_come_back_as_they_were(drawn):
    runs = [{"last": {"train": a, "kept": b}, "curve": c, "epoch": 3} for a, b, c in drawn]
    arrays = arrays_of_runs(runs)
    assert set(arrays) == {"last/train", "last/kept", "curve", "epoch"}
    assert all(len(array) == len(runs) for array in arrays.values())
    assert runs_of_arrays(arrays) == runs


def test_rows_of_numbers_keep_their_form():
    runs = [{"grid": [[1.0, 2.0], [3.0, 4.0]]}, {"grid": [[5.0, 6.0], [7.0, 8.0]]}]
    assert arrays_of_runs(runs)["grid"].shape == (2, 2, 2)
    assert runs_of_arrays(arrays_of_runs(runs)) == runs


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ([], "runs: expected at least one"),
        ([{"a": 1}, {"b": 1}], "tables with"),
        ([{"a": "text"}], "a: expected numbers"),
    ],
)
def test_what_a_record_cannot_hold_is_refused(runs, message):
    with pytest.raises(ValueError, match=message):
        arrays_of_runs(runs)


def test_empty_lists_are_no_numbers_lost():
    assert np.isnan(arrays_of_runs([{"a": [1.0]}, {"a": [1.0, 2.0]}])["a"][0, 1])
