"""All drawing of the course: one look, labelled, with units, and words for whoever cannot see it.

Every function draws on the axes it is given, or on a new figure, and returns the axes. The look stands in
``style``: the colours of Okabe and Ito (2008), which stay apart for every common form of colour blindness, a
marker and a printed name for each method and library, and sizes that can be read at half width. Alt text is
read off a figure by ``words``. Lines and markers differ too, so that a figure printed in grey can be read.
"""

from labcode.plots.applications import confusion, effect_forest, losses_beside_rules, training_costs
from labcode.plots.cell import lstm_cell
from labcode.plots.constraints import norms_over_training, projections
from labcode.plots.curves import (
    forecasts,
    learning_curves,
    losses_against,
    paired_differences,
    shade_gap,
    time_series,
    weight_histogram,
)
from labcode.plots.decay import (
    decays,
    error_by_strength,
    ratios_by_group,
    shrinkage_factors,
    spread_against_error,
)
from labcode.plots.diagnosis import gain_by_gap, named_cases, run_so_far, symptoms
from labcode.plots.language import ablation, losses_of_models, next_characters, passes_and_mean
from labcode.plots.ledger import ledger
from labcode.plots.libraries import curves_by_library, time_growth, time_ratios
from labcode.plots.masks import mask_panels, means_with_intervals, memory_left, relative_times
from labcode.plots.methods import losses_by_method
from labcode.plots.penalties import curves_by_setting, losses_against_zeros, magnitude_histogram
from labcode.plots.predictions import claim_and_truth, feature_frames, forecast_days
from labcode.plots.project import strength_choice
from labcode.plots.search import (
    curves_on_two_scales,
    one_standard_error_path,
    search_points,
    winners_by_budget,
    winners_curse,
)
from labcode.plots.sequences import loss_and_score
from labcode.plots.sparsity import (
    diamond_and_disk,
    one_weight,
    share_below,
    shrinkage_curves,
    weight_traces,
    zero_map,
)
from labcode.plots.stopping import rules_on_traces, stopped_trace
from labcode.plots.style import BASELINE, CYCLE, GAP, TRAIN, VALIDATION, new_axes
from labcode.plots.sweeps import strength_sweep

__all__ = [
    "BASELINE",
    "CYCLE",
    "GAP",
    "TRAIN",
    "VALIDATION",
    "ablation",
    "claim_and_truth",
    "confusion",
    "curves_by_library",
    "curves_by_setting",
    "curves_on_two_scales",
    "decays",
    "diamond_and_disk",
    "effect_forest",
    "error_by_strength",
    "feature_frames",
    "forecast_days",
    "forecasts",
    "gain_by_gap",
    "learning_curves",
    "ledger",
    "loss_and_score",
    "losses_against",
    "losses_against_zeros",
    "losses_beside_rules",
    "losses_by_method",
    "losses_of_models",
    "lstm_cell",
    "magnitude_histogram",
    "mask_panels",
    "means_with_intervals",
    "memory_left",
    "named_cases",
    "new_axes",
    "next_characters",
    "norms_over_training",
    "one_standard_error_path",
    "one_weight",
    "paired_differences",
    "passes_and_mean",
    "projections",
    "ratios_by_group",
    "relative_times",
    "rules_on_traces",
    "run_so_far",
    "search_points",
    "shade_gap",
    "share_below",
    "shrinkage_curves",
    "shrinkage_factors",
    "spread_against_error",
    "stopped_trace",
    "strength_choice",
    "strength_sweep",
    "symptoms",
    "time_growth",
    "time_ratios",
    "time_series",
    "training_costs",
    "weight_histogram",
    "weight_traces",
    "winners_by_budget",
    "winners_curse",
    "zero_map",
]
