"""Label smoothing: never ask for certainty. Each function stands here in NumPy and in PyTorch."""

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from labcode._checks import check_array, check_instance, check_number, check_shape, check_tensor, expect

_NO_CLASS = torch.iinfo(torch.int64).min  # what torch would leave out: -100 is no class, and is refused


def smoothed_cross_entropy(logits: ndarray, targets: ndarray, epsilon: float) -> float:
    """Keep a classifier from certainty: cross-entropy against (1 - epsilon) * target + epsilon / classes.

    Args:
        logits: floating point, (N, classes).
        targets: numbers of the right classes, integers, (N,).
        epsilon: share of the probability that is spread over all classes, the right one included, in [0, 1].

    Returns:
        the mean over samples, a scalar.

    Raises:
        ValueError: a wrong shape or dtype, a class that does not exist, or epsilon outside [0, 1].

    >>> smoothed_cross_entropy(np.zeros((2, 4)), np.array([0, 3]), epsilon=0.1).round(4)  # log 4
    np.float64(1.3863)

    Source: Szegedy et al. (2016), "Rethinking the Inception architecture for computer vision", section 7.
        Chapter 8.
    """
    logits, wanted = _log_softmax(check_array("logits", logits)), _wanted(logits, targets, epsilon)
    return -(wanted * logits).sum(axis=1).mean()


def smoothed_cross_entropy_grad(logits: ndarray, targets: ndarray, epsilon: float) -> ndarray:
    """Return the gradient with respect to the logits, (softmax - smoothed targets) / N.

    >>> smoothed_cross_entropy_grad(np.zeros((1, 4)), np.array([0]), epsilon=0.5)
    array([[-0.375,  0.125,  0.125,  0.125]])
    """
    wanted = _wanted(logits, targets, epsilon)
    logits = check_array("logits", logits)
    return (np.exp(_log_softmax(logits)) - wanted) / len(wanted)


def smoothed_cross_entropy_torch(logits: Tensor, targets: Tensor, epsilon: float) -> Tensor:
    """Keep a classifier from certainty: the twin of ``smoothed_cross_entropy``.

    Raises:
        ValueError: as there; a class that does not exist is found on the CPU alone.

    >>> smoothed_cross_entropy_torch(torch.zeros(2, 4), torch.tensor([0, 3]), epsilon=0.1)
    tensor(1.3863)
    """
    check_shape("logits", check_tensor("logits", logits), (None, None))
    check_instance("targets", targets, Tensor, "a tensor of dtype torch.int64")
    check_shape("targets", targets, (len(logits),))
    expect(targets.dtype == torch.int64, "targets", "dtype torch.int64", targets.dtype)
    epsilon = check_number("epsilon", epsilon, low=0.0, high=1.0)
    try:
        return torch.nn.functional.cross_entropy(
            logits, targets, ignore_index=_NO_CLASS, label_smoothing=epsilon
        )
    except IndexError as error:
        wanted, received = f"classes 0 to {logits.shape[1] - 1}", f"{targets.min()} to {targets.max()}"
        raise ValueError(f"targets: expected {wanted}, received {received!r}") from error


def _wanted(logits, targets, epsilon):
    check_shape("logits", check_array("logits", logits), (None, None))
    check_shape("targets", targets, (len(logits),))
    whole = isinstance(targets, ndarray) and np.issubdtype(targets.dtype, np.integer)
    expect(whole, "targets", "an array of integers", type(targets))
    epsilon, classes = check_number("epsilon", epsilon, low=0.0, high=1.0), np.shape(logits)[1]
    low, high = int(targets.min()), int(targets.max())
    expect(low >= 0 and high < classes, "targets", f"classes 0 to {classes - 1}", f"{low} to {high}")
    wanted = np.full((len(logits), classes), epsilon / classes)
    wanted[np.arange(len(logits)), targets] += 1 - epsilon
    return wanted


def _log_softmax(logits):
    check_shape("logits", logits, (None, None))
    return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)


# (NumPy, PyTorch, arguments): a tuple of sizes stands for an array of that shape.
PAIRS = [
    (
        smoothed_cross_entropy,
        smoothed_cross_entropy_torch,
        {"logits": (5, 4), "targets": lambda rng: rng.integers(0, 4, size=5), "epsilon": 0.1},
    ),
]
