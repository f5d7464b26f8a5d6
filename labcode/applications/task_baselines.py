"""The baselines of each task: what a network has to beat there, without any network.

``BASELINES[task]`` gives functions of (dataset, split) that return predictions, by their names. These go into
``labcode.applications.metrics``, as those of a model do. What translates whole texts is in
``labcode.data.translation.TRANSLATORS``.
"""

import numpy as np

from labcode._checks import check_given
from labcode.applications.baselines import (
    RIDGE_STRENGTHS,
    best_on_validation,
    class_frequencies,
    logistic_on_windows,
    logistic_regression,
    no_change,
    of_all_classes,
    ridge_on_windows,
    ridge_predictions,
    token_frequencies,
    token_pairs,
    training_mean,
)
from labcode.data.dataset import Dataset, Split


def naive_bayes(dataset: Dataset, split: str) -> np.ndarray:
    """Return log-probabilities (N, classes) of naive Bayes on groups of 1 to 3 neighbouring characters.

    A text has a space at both ends. The smoothing is the one with the lowest validation loss.

    Source: Cavnar & Trenkle (1994), "N-gram-based text categorization", for the groups.
    """
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.naive_bayes import MultinomialNB

    groups = CountVectorizer(analyzer="char", ngram_range=(1, 3), lowercase=False)
    known = groups.fit_transform(_spaced(dataset.train)), dataset.train.y

    def predict(part, alpha):
        model = MultinomialNB(alpha=alpha).fit(*known)
        found = model.predict_log_proba(groups.transform(_spaced(part)))
        return of_all_classes(found, model.classes_, len(dataset.classes))

    return best_on_validation(predict, dataset, split, (0.01, 0.03, 0.1, 0.3, 1.0))


def _spaced(split: Split) -> list[str]:
    return [f" {text} " for text in check_given("split.items", split.items, "texts")]


def logistic_on_means(dataset: Dataset, split: str) -> np.ndarray:
    """Predict by a linear classifier of each coefficient's mean and spread over the recording's real frames.

    It does not know in which order the frames came. Its strength is the one with the lowest validation loss.
    """
    known = _summaries(dataset.train), dataset.train.y

    def predict(part, strength):
        return logistic_regression(*known, _summaries(part), classes=len(dataset.classes), lam=strength)

    return best_on_validation(predict, dataset, split, RIDGE_STRENGTHS)


def _summaries(split: Split) -> np.ndarray:
    """Return mean and standard deviation over the real frames, (N, 2 * F)."""
    real = check_given("split.padding_mask", split.padding_mask, "a mask of the real frames")[:, :, None]
    count = real.sum(axis=1)
    mean = (split.x * real).sum(axis=1, dtype=np.float64) / count
    variance = (np.square(split.x - mean[:, None]) * real).sum(axis=1) / count
    return np.concatenate([mean, np.sqrt(variance)], axis=1)


def har_ridge(dataset: Dataset, split: str) -> np.ndarray:
    """Predict by a linear model of the log range's last day, its last week's mean and the whole window's.

    Source: Corsi (2009), "A simple approximate long-memory model of realized volatility": the three spans.
    """

    def spans(part):
        ranges = part.x[:, :, 2].astype(np.float64)
        return np.column_stack([ranges[:, -1], ranges[:, -5:].mean(axis=1), ranges.mean(axis=1)])

    def predict(part, strength):
        return ridge_predictions(spans(dataset.train), dataset.train.y, spans(part), strength)

    return best_on_validation(predict, dataset, split, RIDGE_STRENGTHS)


def last_range(dataset: Dataset, split: str) -> np.ndarray:
    """Predict today's log range again, (N, 1): persistence. For the target "raw_volatility"."""
    return dataset.splits[split].x[:, -1, 2:3].astype(np.float64)


def usual_temperature(dataset: Dataset, split: str) -> np.ndarray:
    """Predict the change to the temperature that is usual at this time of the year (of the day in New York).

    The usual temperature is a sine wave, fitted to the training part; the prediction is (N, 1).
    """
    train, part = dataset.train, dataset.splits[split]
    usual = ridge_predictions(train.x[:, -1, -2:], train.x[:, -1, :1], part.x[:, -1, -2:], 1e-3)
    std = check_given("dataset.std", dataset.std, "what the inputs were standardized with")
    return (usual - part.x[:, -1, :1]) * (std[0] / dataset.target_std)


def usual_change(dataset: Dataset, split: str) -> np.ndarray:
    """Predict the change that is usual at this time of the year (of the day in New York), a sine wave."""
    train, part = dataset.train, dataset.splits[split]
    return ridge_predictions(train.x[:, -1, -2:], train.y, part.x[:, -1, -2:], 1e-3)


BASELINES = {
    "text": {"class frequencies": class_frequencies, "n-gram naive Bayes": naive_bayes},
    "translation": {"token frequencies": token_frequencies, "pairs of tokens": token_pairs},
    "speech": {"class frequencies": class_frequencies, "logistic regression on means": logistic_on_means},
    "stocks": {  # the target "volatility"
        "22-day mean": no_change,
        "ridge": ridge_on_windows,
        "ridge on day, week, month": har_ridge,
    },
    "stocks_raw": {  # the target "raw_volatility"
        "training mean": training_mean,
        "persistence": last_range,
        "ridge": ridge_on_windows,
        "ridge on day, week, month": har_ridge,
    },
    "stocks_sign": {"class frequencies": class_frequencies, "logistic regression": logistic_on_windows},
    "weather": {
        "persistence": no_change,
        "usual temperature": usual_temperature,
        "usual change": usual_change,
        "ridge": ridge_on_windows,
    },
}
OF_TARGET = {"volatility": "stocks", "raw_volatility": "stocks_raw", "sign": "stocks_sign"}  # stocks' tasks
