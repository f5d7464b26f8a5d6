"""What a network has to beat: rules and linear models, on the same windows and splits, without a network.

Each baseline of a task is a function of (dataset, name of the split) that returns what a model would: outputs
(N, 1) of a regression, log-probabilities (N, classes) of a classification. It learns from the training part
alone; its strength, where it has one, is the one with the lowest loss on the validation part.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import log_softmax

from labcode._checks import check_number, check_shape, expect
from labcode.applications.metrics import check_classes, item_losses
from labcode.data.dataset import IGNORED, Dataset, Split

PAIR_SHARES = (0.1, 0.3, 0.5, 0.7, 0.9, 0.99)
RIDGE_STRENGTHS = tuple(10.0**power for power in range(-2, 7))


def best_on_validation(
    predict: Callable[[Split, float], np.ndarray],
    dataset: Dataset,
    split: str,
    strengths: Sequence[float],
) -> np.ndarray:
    """Predict a split with the strength that has the lowest mean loss on the validation part.

    Args:
        predict: function of (one split, strength) that returns predictions, without reading its targets.
        dataset: gives the splits.
        split: "train", "validation" or "test".
        strengths: the strengths to choose from.
    """
    validation = dataset.validation
    tried = [predict(validation, strength) for strength in strengths]
    losses = [item_losses(dataset.task, prediction, validation.y).mean() for prediction in tried]
    return predict(dataset.splits[split], strengths[int(np.argmin(losses))])


def no_change(dataset: Dataset, split: str) -> np.ndarray:
    """Predict 0 for every sample: persistence, where the target is a change."""
    return np.zeros_like(dataset.splits[split].y, dtype=np.float64)


def training_mean(dataset: Dataset, split: str) -> np.ndarray:
    """Predict the mean target of the training part for every sample."""
    mean = dataset.train.y.mean(axis=0, dtype=np.float64)
    return np.broadcast_to(mean, dataset.splits[split].y.shape)


def class_frequencies(dataset: Dataset, split: str) -> np.ndarray:
    """Predict each class as often as it is in the training part; the largest is the majority class."""
    counts = np.bincount(dataset.train.y, minlength=len(dataset.classes)) + 1.0
    return np.tile(np.log(counts / counts.sum()), (len(dataset.splits[split].y), 1))


def token_frequencies(dataset: Dataset, split: str) -> np.ndarray:
    """Predict each token as often as it is among the training targets, wherever it stands: (N, L, V)."""
    tokens, size = dataset.train.y[dataset.train.y != IGNORED], len(dataset.target_vocabulary)
    counts = np.bincount(tokens, minlength=size) + 1.0
    return np.broadcast_to(np.log(counts / counts.sum()), (*dataset.splits[split].y.shape, size))


def token_pairs(dataset: Dataset, split: str) -> np.ndarray:
    """Predict each target token from the right one before it, by counted pairs: a bigram model, (N, L, V).

    Counts of pairs are mixed with how often each token is at all; the share of the pairs is the one with the
    lowest validation loss. It does not read the source.
    """
    size, y = len(dataset.target_vocabulary), dataset.train.y
    counts = np.zeros((size + 1, size))  # the last row: what a translation begins with
    np.add.at(counts, (_tokens_before(y, size)[y != IGNORED], y[y != IGNORED]), 1)
    alone = counts.sum(axis=0) + 1.0
    pairs = (counts + alone / alone.sum()) / (counts.sum(axis=1, keepdims=True) + 1.0)

    def predict(part, share):
        mixed = share * pairs + (1 - share) * alone / alone.sum()
        return np.log(mixed)[_tokens_before(part.y, size)]

    return best_on_validation(predict, dataset, split, PAIR_SHARES)


def ridge_on_windows(dataset: Dataset, split: str) -> np.ndarray:
    """Predict by a linear model with an L2 penalty on all numbers of the window, (N, 1)."""
    train = dataset.train

    def predict(part, strength):
        return ridge_predictions(_flat(train.x), train.y, _flat(part.x), strength)

    return best_on_validation(predict, dataset, split, RIDGE_STRENGTHS)


def logistic_on_windows(dataset: Dataset, split: str) -> np.ndarray:
    """Predict by a linear classifier with an L2 penalty on all numbers of the window, (N, classes)."""
    train = dataset.train

    def predict(part, strength):
        known = _flat(train.x), train.y
        return logistic_regression(*known, _flat(part.x), classes=len(dataset.classes), lam=strength)

    return best_on_validation(predict, dataset, split, RIDGE_STRENGTHS)


def ridge_predictions(x: np.ndarray, y: np.ndarray, x_new: np.ndarray, lam: float) -> np.ndarray:
    """Fit a linear model that shrinks its weights, and predict: minimize sum (y - xw - b)^2 + lam sum w^2.

    Args:
        x: training inputs, (N, F).
        y: training targets, (N, outputs).
        x_new: inputs to predict, (M, F).
        lam: strength of the penalty on w, above 0; the intercept b is not penalized.

    Returns:
        The predictions, (M, outputs) float64.

    Raises:
        ValueError: a wrong shape or strength.

    Source: Hoerl & Kennard (1970), "Ridge regression". Chapter 6.
    """
    from sklearn.linear_model import Ridge

    check_shape("y", y, (len(x), None))
    expect(check_number("lam", lam, low=0.0) > 0, "lam", "a number above 0", lam)
    model = Ridge(alpha=lam, solver="cholesky").fit(np.asarray(x, dtype=np.float64), y)
    return model.predict(np.asarray(x_new, dtype=np.float64)).reshape(-1, np.shape(y)[1])


def logistic_regression(
    x: np.ndarray, y: np.ndarray, x_new: np.ndarray, *, classes: int, lam: float
) -> np.ndarray:
    """Fit a linear classifier that shrinks its weights, and predict: sum cross-entropy + lam / 2 sum w^2.

    Args:
        x: training inputs, (N, F).
        y: training classes, (N,) of integers; at least two of them occur.
        x_new: inputs to predict, (M, F).
        classes: number of classes.
        lam: strength of the penalty on the weights of every class, above 0; intercepts are not penalized.

    Returns:
        Log-probabilities, (M, classes) float64.

    Raises:
        ValueError: a wrong shape or strength, or one class only.

    Chapter 6.
    """
    from sklearn.linear_model import LogisticRegression

    check_shape("y", y, (len(x),))
    expect(check_number("lam", lam, low=0.0) > 0, "lam", "a number above 0", lam)
    check_classes("y", y, classes)
    vectors = 0.5 if len(np.unique(y)) == 2 else 1.0  # of two classes scikit-learn fits w1 - w0 = 2 w1
    model = LogisticRegression(C=1 / (vectors * lam), solver="newton-cholesky", tol=1e-12, max_iter=1000)
    scores = model.fit(np.asarray(x, dtype=np.float64), y).decision_function(np.asarray(x_new, np.float64))
    if scores.ndim == 1:  # of two classes: the second one's score beside 0
        scores = np.column_stack([np.zeros_like(scores), scores])
    return of_all_classes(log_softmax(scores, axis=1), model.classes_, classes)


def of_all_classes(log_probabilities: np.ndarray, known: np.ndarray, classes: int) -> np.ndarray:
    """Return (M, classes) from (M, known); a class that training did not show is as good as impossible."""
    found = np.full((len(log_probabilities), classes), np.log(np.finfo(np.float64).tiny))
    found[:, known] = log_probabilities
    return found


def _tokens_before(y: np.ndarray, first: int) -> np.ndarray:
    """Return the token before each target token, (N, L); ``first`` before the first one."""
    shifted = np.concatenate([np.full((len(y), 1), first), y[:, :-1]], axis=1)
    return np.where(shifted == IGNORED, 0, shifted)


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1)
