"""Rank correlation and the area under the ROC curve, held against SciPy and scikit-learn."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcode.experiments.ranking import auc, rank_correlation, ranks

stats = pytest.importorskip("scipy.stats")
metrics = pytest.importorskip("sklearn.metrics")

NUMBERS = st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=3, max_size=20)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(pairs=NUMBERS)
def test_ranks_correlation_and_area_are_those_of_the_libraries(pairs):
    x, y = np.array(pairs, dtype=float).T
    np.testing.assert_allclose(ranks(x), stats.rankdata(x))
    if len(set(x)) > 1 and len(set(y)) > 1:
        assert rank_correlation(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    else:
        assert math.isnan(rank_correlation(x, y))
    if 0 < (y > 0).sum() < len(y):
        assert auc(x, y > 0) == pytest.approx(metrics.roc_auc_score(y > 0, x), abs=1e-12)
    else:
        assert math.isnan(auc(x, y > 0))


@pytest.mark.parametrize(
    "call",
    [
        lambda: ranks(np.ones((2, 2))),
        lambda: rank_correlation(np.ones(3), np.ones(4)),
        lambda: auc(np.ones(3), np.ones(3)),
        lambda: auc(np.ones(3), np.ones(2, bool)),
    ],
)
def test_bad_input_says_what_was_expected(call):
    with pytest.raises(ValueError, match=r"expected .* received"):
        call()
