"""What a network has to beat on the same windows: rules and linear models.

A baseline is a function of (dataset, name of the split) that returns predictions for the split. It learns
from the training part alone; its strength, where it has one, is chosen on the validation part.
"""

import numpy as np

from labcode.data import Dataset

RIDGE_STRENGTHS = tuple(10.0**power for power in range(-2, 7))


def no_change(dataset: Dataset, split: str) -> np.ndarray:
    """Predict 0 for every sample: persistence, where the target is a change."""
    return np.zeros_like(getattr(dataset, split).y, dtype=np.float64)


def ridge_on_windows(dataset: Dataset, split: str) -> np.ndarray:
    """Predict by a linear model with an L2 penalty on all numbers of the window, (N, outputs)."""
    train, validation = dataset.train, dataset.validation
    losses = [
        np.square(ridge(train.x, train.y, validation.x, lam) - validation.y).mean() for lam in RIDGE_STRENGTHS
    ]
    best = RIDGE_STRENGTHS[int(np.argmin(losses))]
    return ridge(train.x, train.y, getattr(dataset, split).x, best)


def ridge(x: np.ndarray, y: np.ndarray, x_new: np.ndarray, lam: float) -> np.ndarray:
    """Fit |x w + b - y|^2 + lam |w|^2 in closed form, b free of the penalty, and predict for new inputs.

    Args:
        x, x_new: inputs, (N, ...) and (M, ...), of which all axes but the first are flattened.
        y: targets, (N, outputs).
        lam: strength, above 0.

    Returns:
        Predictions, (M, outputs) float64.
    """
    x, x_new = (part.reshape(len(part), -1).astype(np.float64) for part in (x, x_new))
    x_mean, y_mean = x.mean(axis=0), y.mean(axis=0, dtype=np.float64)
    centred = x - x_mean
    w = np.linalg.solve(centred.T @ centred + lam * np.eye(x.shape[1]), centred.T @ (y - y_mean))
    return (x_new - x_mean) @ w + y_mean
