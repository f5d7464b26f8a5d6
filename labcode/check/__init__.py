"""Checkers for the exercises: `check.l2_penalty(my_function)` says what is right, what is wrong, and why.

Beside them: ``points`` for graded notebooks, ``report`` for a check that seems wrong, ``limit`` for a
function that needs longer, ``seed`` to draw the same random cases again, ``progress`` for what is done,
``predict`` (in the code) and ``guess`` (by mouse or keyboard) to commit a guess before something is run.
"""
# ruff: noqa: F401 - what is imported here is what the package offers, as __all__ says below

from labcode.check import progress
from labcode.check.core import limit, seed
from labcode.check.exercise_01 import generalization_gap, l2_penalty, overfit_on_purpose, stopping_epoch
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
    train_with_max_norm,
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
from labcode.check.exercise_05 import (
    from_keras_config,
    kept_epoch,
    keras_output,
    max_norm_of_keras,
    planted_mistakes,
    to_keras_config,
    train_as_keras,
)
from labcode.check.exercise_06 import (
    choose_and_report,
    forecast_skill,
    macro_f1,
    regularized_model,
    scale_on_training,
    search_with_beam,
    split_by_time,
)
from labcode.check.exercise_07 import (
    bias_sum,
    find_faults,
    reorder_gates,
    same_settings,
    speed_ratio,
    train_and_carry,
    weights_for_keras,
    weights_for_pytorch,
)
from labcode.check.exercise_08 import (
    activation_penalties,
    averaging_start,
    bits_per_character,
    mixture_loss,
    smoothed_targets,
    tied_gradient,
    with_temperature,
)
from labcode.check.exercise_09_choice import nested_estimate, one_standard_error
from labcode.check.exercise_09_curves import read_runs, rule_of_thumb, samples_needed
from labcode.check.exercise_09_fair import fair_comparison, three_leaks
from labcode.check.exercise_09_search import compare_searches, log_uniform, random_search
from labcode.check.exercise_09_training import repair_run
from labcode.check.feedback import points, report
from labcode.check.guess import guess
from labcode.check.predict import predict

_OTHERS = ("guess", "limit", "points", "predict", "progress", "report", "seed")
__all__ = sorted(name for name, value in globals().items() if name in _OTHERS or hasattr(value, "judge"))
