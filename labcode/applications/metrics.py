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
        ValueError: another task, or shapes that do not fit.
    """
    check_one_of("task", task, TASK_KINDS)
    check_shape("prediction", prediction, np.shape(y) + (() if task == "regression" else (None,)))
    if task == "regression":
        squared = np.square(np.asarray(prediction, dtype=np.float64) - y)
        return squared.reshape(len(squared), -1).mean(axis=1)
    logits = np.asarray(prediction, dtype=np.float64)
    real = y != IGNORED
    chosen = np.take_along_axis(logits, np.where(real, y, 0)[..., None], axis=-1)[..., 0]
    losses = np.where(real, np.logaddexp.reduce(logits, axis=-1) - chosen, 0.0).reshape(len(y), -1)
    return losses.sum(axis=1) / real.reshape(len(y), -1).sum(axis=1)


def accuracy(prediction: np.ndarray, y: np.ndarray) -> float:
    """Return the share of right classes (of real tokens), from logits or log-probabilities as above."""
    check_shape("prediction", prediction, (*np.shape(y), None))
    real = y != IGNORED
    return float(np.mean(np.asarray(prediction).argmax(axis=-1)[real] == y[real]))


def confusion_matrix(predicted: np.ndarray, y: np.ndarray, classes: int) -> np.ndarray:
    """Count the samples of each class (row) by the class that they were taken for (column).

    Args:
        predicted: class numbers, (N,) of integers.
        y: right class numbers, (N,) of integers.
        classes: number of classes.

    Returns:
        The counts, (classes, classes) int64.

    Raises:
        ValueError: two shapes, or a class number outside the range.
    """
    classes = check_integer("classes", classes, low=1)
    check_shape("predicted", predicted, np.shape(y))
    both = np.stack([y, predicted])
    low, high = int(both.min()), int(both.max())
    fits = low >= 0 and high < classes
    expect(fits, "y and predicted", f"classes 0 to {classes - 1}", f"{low} to {high}")
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (y, predicted), 1)
    return counts


def macro_f1(predicted: np.ndarray, y: np.ndarray, classes: int) -> float:
    """Return the mean over the classes of F1, so that a rare class counts as much as a frequent one.

    F1 = 2 right / (all taken for the class + all of the class); 0 for a class that is in neither.

    Args:
        predicted, y, classes: as for :func:`confusion_matrix`.
    """
    counts = confusion_matrix(predicted, y, classes)
    both = counts.sum(axis=0) + counts.sum(axis=1)
    return float(np.mean(2 * counts.diagonal() / np.maximum(both, 1)))


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
    order, beta = check_integer("order", order, low=1), check_number("beta", beta, low=0.0)
    expect(len(hypotheses) > 0, "hypotheses", "at least one sentence", len(hypotheses))
    expect(len(references) == len(hypotheses), "references", f"{len(hypotheses)} of them", len(references))
    precisions, recalls = [], []
    for n in range(1, order + 1):
        made, right, wanted = 0, 0, 0
        for hypothesis, reference in zip(hypotheses, references, strict=True):
            groups = _character_groups(hypothesis, n), _character_groups(reference, n)
            made += groups[0].total() if groups[1] else 0
            wanted += groups[1].total()
            right += (groups[0] & groups[1]).total()
        if made > 0 and wanted > 0:
            precisions.append(right / made)
            recalls.append(right / wanted)
    if sum(precisions) == 0:
        return 0.0
    precision, recall = np.mean(precisions), np.mean(recalls)
    return float(100 * (1 + beta**2) * precision * recall / (beta**2 * precision + recall))


def _character_groups(text: str, n: int) -> Counter:
    text = "".join(text.split())
    return Counter(text[at : at + n] for at in range(len(text) - n + 1))
