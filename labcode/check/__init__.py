"""Checkers for the exercises: `check.l2_penalty(my_function)` says what is right, what is wrong, and why."""

from labcode.check.exercise_01 import generalization_gap, l2_penalty, stopping_epoch
from labcode.check.exercise_02 import (
    dropped_layers,
    export_head,
    inverted_dropout,
    masked_step,
    penalty_by_part,
    touches,
)
from labcode.check.exercise_03 import (
    clip_and_step,
    l2_step,
    locked_mask,
    lstm_with_recurrent_dropout,
    max_norm,
    train_with_early_stopping,
)
from labcode.check.exercise_04 import (
    adamw_step,
    dropout_passes,
    dropout_penalty,
    lasso_violation,
    proximal_step,
    ridge_shares,
    same_strengths,
    soft_threshold,
)

__all__ = [
    "adamw_step",
    "clip_and_step",
    "dropout_passes",
    "dropout_penalty",
    "dropped_layers",
    "export_head",
    "generalization_gap",
    "inverted_dropout",
    "l2_penalty",
    "l2_step",
    "lasso_violation",
    "locked_mask",
    "lstm_with_recurrent_dropout",
    "masked_step",
    "max_norm",
    "penalty_by_part",
    "proximal_step",
    "ridge_shares",
    "same_strengths",
    "soft_threshold",
    "stopping_epoch",
    "touches",
    "train_with_early_stopping",
]
