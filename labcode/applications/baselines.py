"""What a network has to beat: rules and linear models, on the same windows and splits, without a network.

Each baseline of a task is a function of (dataset, name of the split) that returns what a model would: outputs
(N, 1) of a regression, log-probabilities (N, classes) of a classification. It learns from the training part
alone; its strength, where it has one, is the one with the lowest loss on the validation part.
"""

from collections.abc import Callable, Sequence

import numpy as np

from labcode._checks import check_number, check_shape, expect
from labcode.applications.metrics import item_losses
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
        return ridge(_flat(train.x), train.y, _flat(part.x), strength)

    return best_on_validation(predict, dataset, split, RIDGE_STRENGTHS)


def logistic_on_windows(dataset: Dataset, split: str) -> np.ndarray:
    """Predict by a linear classifier with an L2 penalty on all numbers of the window, (N, classes)."""
    train = dataset.train

    def predict(part, strength):
        known = _flat(train.x), train.y
        return logistic_regression(*known, _flat(part.x), classes=len(dataset.classes), lam=strength)

    return best_on_validation(predict, dataset, split, RIDGE_STRENGTHS)


def ridge(x: np.ndarray, y: np.ndarray, x_new: np.ndarray, lam: float) -> np.ndarray:
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
    x, y, x_new = _floats("x", x), _floats("y", y), _floats("x_new", x_new)
    check_shape("y", y, (len(x), None))
    check_shape("x_new", x_new, (None, x.shape[1]))
    expect(check_number("lam", lam, low=0.0) > 0, "lam", "a number above 0", lam)
    centre, level = x.mean(axis=0), y.mean(axis=0)
    centred = x - centre
    w = np.linalg.solve(centred.T @ centred + lam * np.eye(x.shape[1]), centred.T @ (y - level))
    return (x_new - centre) @ w + level


def logistic_regression(
    x: np.ndarray, y: np.ndarray, x_new: np.ndarray, *, classes: int, lam: float
) -> np.ndarray:
    """Fit a linear classifier that shrinks its weights, and predict: sum cross-entropy + lam / 2 sum w^2.

    Args:
        x: training inputs, (N, F).
        y: training classes, (N,) of integers.
        x_new: inputs to predict, (M, F).
        classes: number of classes.
        lam: strength of the penalty on the weights, above 0; intercepts are not penalized.

    Returns:
        Log-probabilities, (M, classes) float64.

    Raises:
        ValueError: a wrong shape or strength.

    Chapter 6.
    """
    check_shape("y", y, (len(x),))
    check_shape("x_new", x_new, (None, np.shape(x)[1]))
    expect(check_number("lam", lam, low=0.0) > 0, "lam", "a number above 0", lam)
    inputs, new = (np.column_stack([a, np.ones(len(a))]) for a in (_floats("x", x), _floats("x_new", x_new)))
    targets, penalized = np.eye(classes)[y], np.full((inputs.shape[1], classes), lam)
    penalized[-1] = 1e-9  # only the differences of the intercepts count; this holds their sum
    weights, loss = np.zeros_like(penalized), np.inf
    for _ in range(200):
        step, step_size = _newton_step(inputs, targets, weights, penalized), 1.0
        while (tried := _penalized_loss(inputs, targets, weights - step_size * step, penalized)) > loss:
            step_size /= 2
            if step_size < 1e-6:
                return _log_softmax(new @ weights)
        weights, previous, loss = weights - step_size * step, loss, tried
        if previous - loss < 1e-10 * abs(loss):
            break
    return _log_softmax(new @ weights)


def _penalized_loss(inputs, targets, weights, penalized):
    fit = -(targets * _log_softmax(inputs @ weights)).sum()
    return fit + (penalized / 2 * np.square(weights)).sum()


def _newton_step(inputs, targets, weights, penalized):
    """Solve Hessian * step = gradient of the penalized loss for all weights together."""
    p = np.exp(_log_softmax(inputs @ weights))
    gradient = inputs.T @ (p - targets) + penalized * weights
    hessian = np.empty((*weights.shape, *weights.shape))
    for one in range(p.shape[1]):
        for other in range(p.shape[1]):
            coupling = p[:, one] * ((one == other) - p[:, other])
            hessian[:, one, :, other] = inputs.T @ (coupling[:, None] * inputs)
    hessian = hessian.reshape(weights.size, weights.size) + np.diag(penalized.ravel())
    return np.linalg.solve(hessian, gradient.ravel()).reshape(weights.shape)


def _floats(name: str, values: np.ndarray) -> np.ndarray:
    floating = np.issubdtype(np.asarray(values).dtype, np.floating)
    expect(floating, name, "a floating-point array", np.asarray(values).dtype)
    return np.asarray(values, dtype=np.float64)


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)


def ngram_naive_bayes(
    texts: Sequence[str],
    y: np.ndarray,
    new: Sequence[str],
    *,
    classes: int,
    alpha: float,
    orders: Sequence[int] = (1, 2, 3),
) -> np.ndarray:
    """Count groups of neighbouring characters by class, and predict: multinomial naive Bayes.

    Args:
        texts: training texts, N of them; a space is put at both ends.
        y: their classes, (N,) of integers.
        new: texts to predict, M of them; groups that no training text has are left out.
        classes: number of classes.
        alpha: what is added to each count, above 0.
        orders: how many neighbouring characters make a group.

    Returns:
        Log-probabilities, (M, classes) float64.

    Raises:
        ValueError: a wrong shape or strength.

    Source: Cavnar & Trenkle (1994), "N-gram-based text categorization", for the groups. Chapter 6.1.
    """
    check_shape("y", y, (len(texts),))
    expect(check_number("alpha", alpha, low=0.0) > 0, "alpha", "a number above 0", alpha)
    known = [_ngrams(text, orders) for text in texts]
    number_of = {
        group: at for at, group in enumerate(sorted({group for groups in known for group in groups}))
    }
    counts = np.full((len(number_of), classes), alpha)
    for groups, label in zip(known, y, strict=True):
        np.add.at(counts[:, label], [number_of[group] for group in groups], 1)
    by_group = np.log(counts / counts.sum(axis=0))
    frequencies = np.bincount(y, minlength=classes) / len(y)
    prior = np.log(np.maximum(frequencies, np.finfo(np.float64).tiny))
    scores = np.array(
        [
            prior + by_group[[number_of[g] for g in _ngrams(t, orders) if g in number_of]].sum(axis=0)
            for t in new
        ]
    )
    return _log_softmax(scores)


def _ngrams(text: str, orders: Sequence[int]) -> list[str]:
    padded = f" {text} "
    return [padded[at : at + n] for n in orders for at in range(len(padded) - n + 1)]


def _tokens_before(y: np.ndarray, first: int) -> np.ndarray:
    """Return the token before each target token, (N, L); ``first`` before the first one."""
    shifted = np.concatenate([np.full((len(y), 1), first), y[:, :-1]], axis=1)
    return np.where(shifted == IGNORED, 0, shifted)


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1)
