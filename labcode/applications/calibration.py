"""Whether a classifier's probabilities mean what they say: temperature, Brier score, calibration error."""

import numpy as np
from scipy.optimize import minimize_scalar

from labcode._checks import check_integer, check_number, check_shape, expect
from labcode.applications.metrics import check_classes, item_losses

COLDEST, HOTTEST = 0.05, 20.0  # between which the temperature is looked for


def probabilities(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Return the softmax of logits divided by a temperature, (N, classes) float64.

    >>> probabilities(np.array([[0.0, 0.0], [0.0, np.log(3)]]))
    array([[0.5 , 0.5 ],
           [0.25, 0.75]])
    """
    check_shape("logits", logits, (None, None))
    expect(check_number("temperature", temperature) > 0, "temperature", "a number above 0", temperature)
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def fit_temperature(logits: np.ndarray, y: np.ndarray) -> float:
    """Return the temperature, 0.05 to 20, at which held-out data have the lowest cross-entropy.

    One number changes how sure a model is, and never which class it names.

    Args:
        logits: of held-out data, (N, classes).
        y: their classes, (N,) of whole numbers.

    Raises:
        ValueError: shapes that do not fit, or what is no class number.

    Source: Guo, Pleiss, Sun & Weinberger (2017), "On calibration of modern neural networks".

    >>> round(fit_temperature(np.array([[0.0, 2.0]] * 4), np.array([1, 1, 1, 0])), 2)
    1.82
    """
    logits = np.asarray(logits, dtype=np.float64)

    def loss(log_temperature: float) -> float:
        return item_losses("classification", logits / np.exp(log_temperature), y).mean()

    found = minimize_scalar(
        loss, bounds=np.log([COLDEST, HOTTEST]), method="bounded", options={"xatol": 1e-6}
    )
    return float(np.exp(found.x))


def brier_scores(probability: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return each sample's squared distance between the probabilities and the right class, (N,): 0 to 2.

    Args:
        probability: (N, classes).
        y: right classes, (N,) of whole numbers.

    Raises:
        ValueError: shapes that do not fit, or what is no class number.

    Source: Brier (1950), "Verification of forecasts expressed in terms of probability".

    >>> brier_scores(np.array([[0.5, 0.5], [0.0, 1.0]]), np.array([0, 1]))
    array([0.5, 0. ])
    """
    check_shape("probability", probability, (len(y), None))
    right = np.eye(np.shape(probability)[1])[check_classes("y", y, np.shape(probability)[1])]
    return np.square(probability - right).sum(axis=1)


def calibration_error(confidence: np.ndarray, error: np.ndarray, bins: int = 10) -> float:
    """Return the expected calibration error: how far confidence is from the share that is right.

    Samples go into bins of equal width by their confidence; the distances of the bins' means are averaged,
    each bin weighed by its samples.

    Args:
        confidence: probability of the class that was named, (N,), in [0, 1].
        error: 1 where that class was wrong, else 0, (N,).
        bins: number of bins.

    Raises:
        ValueError: shapes that do not fit, no sample, or a confidence outside [0, 1].

    Source: Naeini, Cooper & Hauskrecht (2015), "Obtaining well calibrated probabilities using
        Bayesian binning".

    >>> calibration_error(np.array([0.75, 0.75, 0.75, 0.75]), np.array([0, 0, 1, 1]))
    0.25
    """
    confidence, right = np.asarray(confidence, dtype=np.float64), 1.0 - np.asarray(error, dtype=np.float64)
    check_shape("error", right, confidence.shape)
    fits = confidence.size > 0 and confidence.min() >= 0 and confidence.max() <= 1
    expect(fits, "confidence", "at least one probability in [0, 1]", confidence)
    place = np.minimum((confidence * check_integer("bins", bins, low=1)).astype(int), bins - 1)
    distances = np.bincount(place.ravel(), (right - confidence).ravel(), minlength=bins)
    return float(np.abs(distances).sum() / confidence.size)
