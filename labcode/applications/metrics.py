"""How good predictions are: losses of single samples, and what people read: accuracy, macro F1, chrF."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from labcode._checks import check_integer, check_number, check_one_of, check_shape, expect
from labcode.data.dataset import IGNORED, TASK_KINDS


def item_losses(task: str, prediction: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the loss of each sample; their mean is what training reports as the loss.

    Args:
        task: "regression" (squared error), "classification" (cross-entropy) or "sequence" (mean cross-entropy
            of a sample's real tokens; training weighs tokens, not samples: there the mean differs a little).
        prediction: (N, outputs); (N, classes) or (N, L, classes), logits or log-probabilities.
        y: targets: (N, outputs); (N,) or (N, L) of class numbers, -100 where a target is padding.

    Returns:
        The losses, (N,) float64.

    Raises:
        ValueError: another task, shapes that do not fit, what is no class number, or a sample without any.
    """
    check_one_of("task", task, TASK_KINDS)
    check_shape("prediction", prediction, np.shape(y) + (() if task == "regression" else (None,)))
    if task == "regression":
        squared = np.square(np.asarray(prediction, dtype=np.float64) - y)
        return squared.reshape(len(squared), -1).mean(axis=1)
    logits, y = np.asarray(prediction, dtype=np.float64), np.asarray(y)
    real = y != IGNORED
    check_classes("y", y[real], logits.shape[-1])
    fits = real.reshape(len(y), -1).any(axis=1).all()
    expect(fits, "y", "at least one real target in each sample", "a sample of padding alone")
    chosen = np.take_along_axis(logits, np.where(real, y, 0)[..., None], axis=-1)[..., 0]
    losses = np.where(real, np.logaddexp.reduce(logits, axis=-1) - chosen, 0.0).reshape(len(y), -1)
    return losses.sum(axis=1) / real.reshape(len(y), -1).sum(axis=1)


def accuracy(prediction: np.ndarray, y: np.ndarray) -> float:
    """Return the share of right classes (of real tokens), from logits or log-probabilities as above.

    Raises:
        ValueError: shapes that do not fit, or no real target.
    """
    check_shape("prediction", prediction, (*np.shape(y), None))
    real = np.asarray(y) != IGNORED
    expect(real.any(), "y", "at least one real target", f"none in shape {np.shape(y)}")
    return float(np.mean(np.asarray(prediction).argmax(axis=-1)[real] == np.asarray(y)[real]))


def check_classes(name: str, values: np.ndarray, classes: int) -> np.ndarray:
    """Return class numbers, or raise the ValueError of what is none: no integer, or outside the range."""
    values = np.asarray(values)
    expect(np.issubdtype(values.dtype, np.integer), name, "class numbers, an array of integers", values.dtype)
    fits = values.size == 0 or (values.min() >= 0 and values.max() < classes)
    expect(fits, name, f"classes 0 to {classes - 1}", values)
    return values


def confusion_matrix(predicted: np.ndarray, y: np.ndarray, classes: int) -> np.ndarray:
    """Count the samples of each class (row) by the class that they were taken for (column).

    Args:
        predicted: class numbers, (N,) of integers.
        y: right class numbers, (N,) of integers.
        classes: number of classes.

    Returns:
        The counts, (classes, classes) int64.

    Raises:
        ValueError: two shapes, no sample, or what is no class number.
    """
    from sklearn import metrics

    return metrics.confusion_matrix(*_checked(predicted, y, classes), labels=range(classes))


def macro_f1(predicted: np.ndarray, y: np.ndarray, classes: int) -> float:
    """Return the mean over the classes of F1, so that a rare class counts as much as a frequent one.

    F1 = 2 right / (all taken for the class + all of the class); 0 for a class that is in neither.

    Args:
        predicted, y, classes: as for :func:`confusion_matrix`.

    Raises:
        ValueError: as for :func:`confusion_matrix`.
    """
    from sklearn import metrics

    y, predicted = _checked(predicted, y, classes)
    return float(metrics.f1_score(y, predicted, labels=range(classes), average="macro", zero_division=0))


def _checked(predicted, y, classes) -> tuple[np.ndarray, np.ndarray]:
    check_integer("classes", classes, low=1)
    y, predicted = np.asarray(y), np.asarray(predicted)
    check_shape("y", y, (None,))
    check_shape("predicted", predicted, y.shape)
    return check_classes("y", y, classes), check_classes("predicted", predicted, classes)


def chrf(hypotheses: Sequence[str], references: Sequence[str], *, order: int = 6, beta: float = 2.0) -> float:
    """Return how many groups of neighbouring characters translations share with references: chrF, 0 to 100.

    For each length n up to ``order``, precision is the share of the hypotheses' groups that are in the
    references, recall the share of the references' groups that are in the hypotheses, counted over all
    sentences together. The score is their F measure, after the mean over the lengths; recall weighs beta
    times as much. White space does not count; nor does, as in the program sacrebleu, what is made of a length
    that the sentence's own reference is too short for.

    Args:
        hypotheses: translations.
        references: one right translation for each.
        order: longest group.
        beta: weight of recall.

    Raises:
        ValueError: two lengths, no sentence, or a bad order or weight.

    Source: Popović (2015), "chrF: character n-gram F-score for automatic MT evaluation". Chapter 6.2.
    """
    beta = check_number("beta", beta, low=0.0)
    return chrf_of_counts(chrf_counts(hypotheses, references, order=order).sum(axis=0), beta=beta)


def chrf_counts(hypotheses: Sequence[str], references: Sequence[str], *, order: int = 6) -> np.ndarray:
    """Count each sentence's groups of neighbouring characters: all that chrF is made of, and sums of it.

    Args:
        hypotheses, references, order: as for :func:`chrf`.

    Returns:
        For each sentence and length the groups made, those of them that are right, and those of the
        reference, (N, order, 3) int64.

    Raises:
        ValueError: two numbers of sentences, no sentence, or a bad order.
    """
    order = check_integer("order", order, low=1)
    expect(len(hypotheses) > 0, "hypotheses", "at least one sentence", len(hypotheses))
    expect(len(references) == len(hypotheses), "references", f"{len(hypotheses)} of them", len(references))
    counts = np.zeros((len(hypotheses), order, 3), dtype=np.int64)
    for row, hypothesis, reference in zip(counts, hypotheses, references, strict=True):
        for n in range(1, order + 1):
            made, wanted = _character_groups(hypothesis, n), _character_groups(reference, n)
            row[n - 1] = made.total() if wanted else 0, (made & wanted).total(), wanted.total()
    return counts


def chrf_of_counts(counts: np.ndarray, *, beta: float = 2.0) -> float:
    """Return the chrF, 0 to 100, of sentences whose counts were added up.

    Args:
        counts: groups made, right and wanted by length, (order, 3).
        beta: weight of recall, as for :func:`chrf`.

    Raises:
        ValueError: another shape, or a weight below 0.
    """
    check_shape("counts", counts, (None, 3))
    beta = check_number("beta", beta, low=0.0)
    made, right, wanted = np.asarray(counts, dtype=np.float64).T
    used = (made > 0) & (wanted > 0)
    if right[used].sum() == 0:
        return 0.0
    precision, recall = (right[used] / made[used]).mean(), (right[used] / wanted[used]).mean()
    return float(100 * (1 + beta**2) * precision * recall / (beta**2 * precision + recall))


def _character_groups(text: str, n: int) -> Counter:
    text = "".join(text.split())
    return Counter(text[at : at + n] for at in range(len(text) - n + 1))
