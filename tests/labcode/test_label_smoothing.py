"""Smoothed cross-entropy where a target is no class; its values are compared in ``test_pairs.py``."""

import numpy as np
import pytest
import torch

from labcode.label_smoothing import smoothed_cross_entropy, smoothed_cross_entropy_torch


@pytest.mark.parametrize("targets", [[0, -100, 2], [-100] * 3, [-1, 0, 0], [0, 1, 4]])
def test_a_target_that_is_no_class_is_refused_not_ignored(targets):
    logits, targets = np.zeros((3, 4)), np.array(targets)
    message = f"targets: expected classes 0 to 3, received '{targets.min()} to {targets.max()}'"
    with pytest.raises(ValueError, match=message):
        smoothed_cross_entropy(logits, targets, 0.1)
    with pytest.raises(ValueError, match=message):
        smoothed_cross_entropy_torch(torch.from_numpy(logits), torch.from_numpy(targets), 0.1)
