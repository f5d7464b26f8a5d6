"""Rank correlation by its properties, and the area under the ROC curve against scikit-learn's."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from labcode.experiments.ranking import auc, rank_correlation

NUMBERS = st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=3, max_size=20)
EXAMPLES = settings(deadline=None, derandomize=True, max_examples=60)


@EXAMPLES
@given(pairs=NUMBERS)
def test_a_rank_correlation_sees_the_order_alone(pairs):
    x, y = np.array(pairs, dtype=float).T
    found = rank_correlation(x, y)
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert math.isnan(found)
    else:
        assert rank_correlation(np.exp(x), y**3) == pytest.approx(found, abs=1e-12)
        assert rank_correlation(y, -x) == pytest.approx(-found, abs=1e-12)
        assert rank_correlation(x, x) == pytest.approx(1)


def test_a_rank_correlation_by_hand():
    """Ranks 1, 2.5, 2.5, 4 and 1, 3, 2, 4: products of what is off the mean 2.5."""
    found = rank_correlation(np.array([1.0, 5, 5, 9]), np.array([0.0, 2, 1, 8]))
    assert found == pytest.approx(4.5 / np.sqrt(4.5 * 5))


@EXAMPLES
@given(pairs=NUMBERS)
def test_the_area_is_that_of_scikit_learn_and_exact_at_chance(pairs):
    x, y = np.array(pairs, dtype=float).T
    if 0 < (y > 0).sum() < len(y):
        assert auc(x, y > 0) == pytest.approx(roc_auc_score(y > 0, x), abs=1e-12)
        assert auc(np.r_[x, -x], np.r_[y, y] > 0) == 0.5
    else:
        assert math.isnan(auc(x, y > 0))


@pytest.mark.parametrize(
    "call",
    [
        lambda: rank_correlation(np.ones((2, 2)), np.ones((2, 2))),
        lambda: rank_correlation([], []),
        lambda: rank_correlation(np.ones(3), np.ones(4)),
        lambda: auc(np.ones(3), np.ones(3)),
        lambda: auc(np.ones(3), np.ones(2, bool)),
    ],
)
def test_bad_input_says_what_was_expected(call):
    with pytest.raises(ValueError, match=r"expected .* received"):
        call()
