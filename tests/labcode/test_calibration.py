"""Calibration against scikit-learn and a search by scipy; chrF's counts against sacrebleu."""

import numpy as np
import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

from labcode.applications.calibration import (
    brier_scores,
    calibration_error,
    fit_temperature,
    probabilities,
)
from labcode.applications.metrics import chrf, chrf_counts, chrf_of_counts

WORDS = st.lists(st.text("abc def", min_size=1, max_size=12).filter(str.strip), min_size=1, max_size=6)


def drawn(seed, classes=4, items=60, sure=1.0):
    """Return logits that are ``sure`` times as sure as they should be, and their classes."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(items, classes))
    odds = probabilities(logits)
    y = np.array([rng.choice(classes, p=row) for row in odds])
    return sure * logits, y


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 50), st.integers(2, 5))
def test_brier_is_that_of_scikit_learn(seed, classes):
    logits, y = drawn(seed, classes)
    found = brier_scores(probabilities(logits), y)
    one_hot = np.eye(classes)[y]
    expected = sum(
        brier_score_loss(one_hot[:, k], probabilities(logits)[:, k], pos_label=1) for k in range(classes)
    )
    assert found.mean() == pytest.approx(expected)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 50))
def test_the_calibration_error_is_made_of_scikit_learns_bins(seed):
    logits, y = drawn(seed, sure=2.0)
    odds = probabilities(logits)
    confidence, error = odds.max(axis=1), (odds.argmax(axis=1) != y).astype(float)
    right, sure = calibration_curve(1 - error, confidence, n_bins=10)
    counts = np.histogram(confidence, bins=10, range=(0, 1))[0]
    expected = (np.abs(right - sure) * counts[counts > 0]).sum() / len(y)
    assert calibration_error(confidence, error) == pytest.approx(expected)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 50), st.sampled_from([0.3, 1.0, 4.0]))
def test_the_temperature_is_where_the_loss_is_lowest(seed, sure):
    logits, y = drawn(seed, sure=sure)

    def loss(temperature):
        return log_loss(y, probabilities(logits, temperature), labels=range(4))

    expected = minimize_scalar(loss, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-4}).x
    assert loss(fit_temperature(logits, y)) <= loss(expected) + 1e-6
    scaled = probabilities(logits, fit_temperature(logits, y))
    assert (scaled.argmax(axis=1) == logits.argmax(axis=1)).all()


def test_the_temperature_finds_how_much_too_sure_a_model_is():
    logits, y = drawn(0, items=20_000, sure=3.0)
    assert fit_temperature(logits, y) == pytest.approx(3.0, rel=0.05)


@settings(max_examples=30, deadline=None)
@given(WORDS, st.integers(1, 6))
def test_counts_of_sentences_add_up_to_the_chrf_of_sacrebleu(texts, order):
    hypotheses = texts[::-1]
    whole = chrf_of_counts(chrf_counts(hypotheses, texts, order=order).sum(axis=0))
    assert whole == pytest.approx(chrf(hypotheses, texts, order=order))
    reference = sacrebleu.corpus_chrf(hypotheses, [texts], char_order=order).score
    assert whole == pytest.approx(reference, abs=1e-6)


WRONG = {
    "no temperature": (
        lambda: probabilities(np.zeros((2, 2)), 0.0),
        "temperature: expected a number above 0",
    ),
    "one axis": (lambda: probabilities(np.zeros(2)), "logits: expected"),
    "another class": (lambda: brier_scores(np.full((1, 2), 0.5), np.array([2])), "classes 0 to 1"),
    "other length": (lambda: brier_scores(np.full((2, 2), 0.5), np.array([1])), "probability: expected"),
    "a percentage": (lambda: calibration_error(np.array([90.0]), np.array([0])), "in \\[0, 1\\]"),
    "nobody": (lambda: calibration_error(np.zeros(0), np.zeros(0)), "at least one probability"),
    "no bin": (lambda: calibration_error(np.ones(1), np.zeros(1), bins=0), "bins: expected"),
    "other counts": (lambda: chrf_of_counts(np.zeros((6, 2))), "counts: expected"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_refused_in_words(case):
    call, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        call()
