"""What is measured of a test item beside its loss: calibration of a classifier, chrF of a translation."""

from typing import Any

import numpy as np
from torch import nn

from labcode.applications.calibration import brier_scores, fit_temperature, probabilities
from labcode.applications.decoding import greedy_search
from labcode.applications.metrics import chrf_counts, item_losses
from labcode.data import translation
from labcode.data.dataset import Dataset
from labcode.training import predict


def calibration_measures(model: nn.Module, dataset: Dataset, outputs: np.ndarray) -> dict[str, np.ndarray]:
    """Measure how sure a classifier is, as it is and after temperature scaling on the validation part.

    Args:
        model: a trained classifier.
        dataset: gives the validation part and the test part's classes.
        outputs: the model's logits of the test part, (N, classes).

    Returns:
        "confidence" and "brier", and with "scaled_" before it the same and the loss after scaling, (N,) each;
        "temperature", a number.
    """
    x, y, *padding_mask = dataset.validation
    temperature = fit_temperature(predict(model, x, *padding_mask).numpy(), y)
    plain, scaled = probabilities(outputs), probabilities(outputs, temperature)
    right = dataset.test.y
    return {
        "confidence": plain.max(axis=1),
        "brier": brier_scores(plain, right),
        "scaled_loss": item_losses("classification", outputs / temperature, right),
        "scaled_confidence": scaled.max(axis=1),
        "scaled_brier": brier_scores(scaled, right),
        "temperature": np.array(temperature),
    }


def translation_measures(model: Any, dataset: Dataset, outputs: np.ndarray) -> dict[str, np.ndarray]:
    """Translate the test part greedily, and count what chrF is made of.

    Args:
        model: a trained ``Seq2Seq``.
        dataset: gives the test part.
        outputs: not used: the logits were made with the right tokens given.

    Returns:
        "chrf": (N, 6, 3), what ``labcode.applications.metrics.chrf_counts`` returns.
    """
    x, _, padding_mask = dataset.test
    written = [translation.decode(tokens, dataset) for tokens in greedy_search(model, x, padding_mask)]
    return {"chrf": chrf_counts(written, translation.references(dataset, "test"))}
