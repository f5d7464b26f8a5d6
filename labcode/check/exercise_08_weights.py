"""Checkers of exercise 8: AR and TAR on a padded batch, and the gradient of a matrix that is used twice."""

import numpy as np

from labcode.check import random_cases_practice
from labcode.check.core import Case, Checker, Misconception
from labcode.check.random_cases import drawn


def _penalties(
    output, dropped, mask, alpha, beta, *, padded=False, border=False, ar_on="dropped", **mistakes
):
    """alpha * mean of dropped^2 and beta * mean of the squared changes of output, over real steps."""
    arrays = {"output": np.asarray(output, dtype=float), "dropped": np.asarray(dropped, dtype=float)}
    real = np.asarray(mask, dtype=bool)
    alpha, beta = (beta, alpha) if mistakes.get("swapped") else (alpha, beta)
    levels, changes = arrays[ar_on], np.diff(arrays[mistakes.get("tar_on", "output")], axis=1)
    pairs = real[:, :-1] if border else real[:, 1:] & real[:, :-1]
    if padded:
        real, pairs = np.ones_like(real), np.ones_like(pairs)
    pool = np.sum if mistakes.get("summed") else np.mean
    power = np.abs if mistakes.get("absolute") else np.square
    factor = 0.5 if mistakes.get("half") else 1.0
    return {
        "ar": factor * alpha * pool(power(levels[real])),
        "tar": factor * beta * pool(power(changes[pairs])),
    }


_RNG = np.random.default_rng(8)
_OUTPUT = _RNG.normal(size=(2, 4, 3)).round(2)
_DROPPED = _OUTPUT * np.array([[[2.0, 0.0, 2.0]], [[0.0, 2.0, 2.0]]])
_PADDED = np.array([[True, True, True, True], [True, True, False, False]])

activation_penalties = Checker(
    name="activation_penalties",
    solution=_penalties,
    cases=(
        Case("no padding", (_OUTPUT, _DROPPED, np.ones((2, 4), dtype=bool), 2.0, 1.0)),
        Case("the second sequence has two steps", (_OUTPUT, _DROPPED, _PADDED, 2.0, 1.0)),
        Case("other strengths", (_OUTPUT, _DROPPED, _PADDED, 0.5, 3.0)),
        *drawn(random_cases_practice.activation_penalties, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "padding counted",
            {"padded": True},
            "Steps of padding are in the means. What the LSTM does there is nobody's business: only real "
            "steps, and only pairs of two real steps.",
        ),
        Misconception(
            "pair across the border",
            {"border": True},
            "A pair of the last real step and the first of padding is among your changes. Both steps of a "
            "pair must be real.",
        ),
        Misconception(
            "AR before dropout",
            {"ar_on": "output"},
            "Your AR reads the output before its dropout. AR keeps small what the head READS: the dropped "
            "output.",
        ),
        Misconception(
            "TAR after dropout",
            {"tar_on": "dropped"},
            "Your TAR reads the dropped output. Its factor 1/(1-p) would count as change. TAR compares what "
            "the LSTM puts out, before dropout.",
        ),
        Misconception(
            "not squared",
            {"absolute": True},
            "You take absolute values. Both penalties are means of SQUARES.",
        ),
        Misconception(
            "factor 1/2",
            {"half": True},
            "Both are half as large as they should be: in AR and TAR there is no 1/2.",
        ),
        Misconception(
            "sums",
            {"summed": True},
            "You add up in place of taking means. The strength would then depend on batch, length and units.",
        ),
        Misconception(
            "strengths exchanged",
            {"swapped": True},
            "alpha and beta are exchanged: alpha belongs to AR, beta to TAR.",
        ),
    ),
    praise="Small where the head reads, slow where the LSTM writes, and blind to padding.",
    draw=random_cases_practice.activation_penalties,
)


def _tied(
    words, grad_embedded, hidden, grad_logits, *, parts="both", overwrite=False, mean=False, replaces=False
):
    """The gradient of E, (V, H), used by the embedding (rows) and by the head (logits = hidden E^T)."""
    words, hidden = np.asarray(words), np.asarray(hidden, dtype=float)
    grad_embedded, grad_logits = np.asarray(grad_embedded, dtype=float), np.asarray(grad_logits, dtype=float)
    rows = np.zeros((grad_logits.shape[1], hidden.shape[1]))
    if overwrite:
        rows[words] = grad_embedded
    else:
        np.add.at(rows, words, grad_embedded)
    head = grad_logits.T @ hidden
    if replaces:
        return np.where(np.isin(np.arange(len(rows)), words)[:, None], rows, head)
    if parts != "both":
        return rows if parts == "embedding" else head
    return (rows + head) / (2 if mean else 1)


_WORDS = np.array([0, 2, 0, 3])
_HIDDEN, _GRAD_X, _GRAD_Z = (_RNG.normal(size=size).round(2) for size in ((4, 2), (4, 2), (4, 5)))

tied_gradient = Checker(
    name="tied_gradient",
    solution=_tied,
    cases=(
        Case("four words, one of them twice", (_WORDS, _GRAD_X, _HIDDEN, _GRAD_Z)),
        Case("every word once", (np.array([4, 1, 2, 0]), _GRAD_X, _HIDDEN, _GRAD_Z)),
        Case("one word", (_WORDS[:1], _GRAD_X[:1], _HIDDEN[:1], _GRAD_Z[:1])),
        *drawn(random_cases_practice.tied_gradient, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "head alone",
            {"parts": "head"},
            "Only the head's part is there. The same matrix also looked the words up: each lookup adds its "
            "gradient to the word's row.",
        ),
        Misconception(
            "embedding alone",
            {"parts": "embedding"},
            "Only the lookup's part is there. The same matrix also made the logits: grad_logits.T @ hidden "
            "belongs to it, for every word of the vocabulary.",
        ),
        Misconception(
            "repeated words overwritten",
            {"overwrite": True},
            "A word that occurs twice keeps only its last gradient: rows[words] = ... overwrites (and += "
            "adds once). np.add.at(rows, words, ...) adds every occurrence.",
        ),
        Misconception(
            "put in place of the head's part",
            {"replaces": True, "overwrite": True},
            "The words that were read have lost the head's gradient: their rows were set, not added to. Both "
            "parts count for every row.",
        ),
        Misconception(
            "mean of both parts",
            {"mean": True},
            "You take the mean of the two parts. A weight that is used twice gets the SUM: that is the chain "
            "rule.",
        ),
    ),
    praise="Through the head even words that were not read learn: that is what tying gives to rare ones.",
    draw=random_cases_practice.tied_gradient,
)
