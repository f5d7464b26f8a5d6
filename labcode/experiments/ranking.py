"""How well one number puts settings in order: rank correlation, and the area under the ROC curve."""

import numpy as np
from scipy import stats

from labcode._checks import check_shape, expect


def rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Return Spearman's correlation of two numbers of each setting; NaN where one of them never changes.

    Args:
        x, y: numbers, (N,) each.

    Raises:
        ValueError: sizes that differ.

    Source: Spearman (1904), The proof and measurement of association between two things. Chapter 9.2.
    """
    check_shape("x", x, (None,))
    check_shape("y", y, np.shape(x))
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(stats.spearmanr(x, y).statistic)


def auc(score: np.ndarray, label: np.ndarray) -> float:
    """Return the share of pairs, one setting of each class, in which the true one has the higher score.

    Equal scores count half; 0.5 is chance, 1 is a perfect order. NaN where there is only one class.

    Args:
        score: numbers, (N,).
        label: booleans, (N,).

    Raises:
        ValueError: sizes that differ, or no booleans.

    Source: Hanley and McNeil (1982), The meaning and use of the area under a ROC curve. Chapter 9.2.
    """
    score, label = np.asarray(score), np.asarray(label)
    check_shape("label", label, np.shape(score))
    expect(label.dtype == bool, "label", "booleans", label.dtype)
    true, false = int(label.sum()), int((~label).sum())
    if true == 0 or false == 0:
        return float("nan")
    above = stats.rankdata(score)[label].sum() - true * (true + 1) / 2  # pairs in order, exact even at chance
    return float(above / (true * false))
