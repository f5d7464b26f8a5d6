"""How well one number puts settings in order: rank correlation, and the area under the ROC curve."""

import numpy as np

from labcode._checks import check_shape, expect


def ranks(values: np.ndarray) -> np.ndarray:
    """Return the rank of each value, 1 for the smallest; equal values share the mean of their ranks.

    Args:
        values: numbers, (N,).

    Raises:
        ValueError: not one axis.
    """
    check_shape("values", values, (None,))
    _, at, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[at]


def rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Return Spearman's correlation of two numbers of each setting; NaN where one of them never changes.

    Args:
        x, y: numbers, (N,) each.

    Raises:
        ValueError: sizes that differ.

    Source: Spearman (1904), The proof and measurement of association between two things. Chapter 9.2.
    """
    check_shape("y", y, np.shape(x))
    a, b = (ranks(values) - (len(values) + 1) / 2 for values in (np.asarray(x), np.asarray(y)))
    size = np.sqrt(np.square(a).sum() * np.square(b).sum())
    return float((a * b).sum() / size) if size > 0 else float("nan")


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
    label = np.asarray(label)
    check_shape("label", label, np.shape(score))
    expect(label.dtype == bool, "label", "booleans", label.dtype)
    true, false = int(label.sum()), int((~label).sum())
    if true == 0 or false == 0:
        return float("nan")
    return float((ranks(np.asarray(score))[label].sum() - true * (true + 1) / 2) / (true * false))
