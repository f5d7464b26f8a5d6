"""One call of each plotting function on small data."""

import numpy as np

from labcode import plots
from labcode.linear import load_diabetes
from labcode.widgets.memory import memory_forms
from labcode.widgets.sparsity import diamond_and_disk_optima

T, V = np.linspace(1.0, 0.2, 20), 0.6 + 0.5 * np.linspace(-0.6, 1.0, 20) ** 2
RNG = np.random.default_rng(0)
DAYS = np.arange("2012-01-01", "2012-01-21", dtype="datetime64[D]")
METHODS = ("none", "l2", "output_dropout", "recurrent_dropout_h", "max_norm")
SEEDS = {name: RNG.normal(1, 0.1, 3) for name in METHODS}
VECTORS = RNG.normal(0, 1, (6, 2))
SEARCH = {"random": np.geomspace(0.5, 0.2, 9), "TPE": np.geomspace(0.5, 0.25, 9)}
KEPT = {0.0: [1.0, 1.1], 0.01: [0.9, 1.0], 0.1: [1.2, 1.0]}


def _run(shift=0.0):
    curves = {"train": np.tile(T + shift, (3, 1)), "validation": np.tile(V + shift, (3, 1))}
    return curves | {"early": np.array([0.6, 0.61, 0.62]) + shift, "last": np.array([1.1, 1.0, 1.2]) + shift}


def _effects(*means):
    wide = {"last": 0.3, "early": 0.02}
    return {
        name: {v: {"mean": m, "interval": [m - w, m + w], "p": 0.01, "p_holm": 0.01} for v, w in wide.items()}
        for name, m in zip(METHODS[1:], means, strict=True)
    }


def _two():
    return load_diabetes(("bmi", "bp"))


CALLS = {
    "ablation": lambda: plots.ablation(
        {"weight drop": {"mean": 0.1, "interval": (0.05, 0.15)}},
        {"weight drop": 3.0},
        units=("bits", "words"),
    ),
    "claim_and_truth": lambda: plots.claim_and_truth(
        {"leaky": ([0.9, 0.8], [0.5, 0.6])}, unit="skill", reference=0.5
    ),
    "confusion": lambda: plots.confusion(np.array([[9, 1], [2, 8]]), ["zero", "one"]),
    "curves_by_library": lambda: plots.curves_by_library(
        {"PyTorch": T, "Keras": T + 1e-6}, reference="PyTorch", limit=1e-4
    ),
    "curves_by_setting": lambda: plots.curves_by_setting({"λ = 0": (T, V), "λ = 1": (V, T)}, baseline=0.9),
    "curves_on_two_scales": lambda: plots.curves_on_two_scales(
        [0.01, 0.1, 1.0], {"mean": [1.0, 0.8, 0.9]}, unit="nats"
    ),
    "decays": lambda: plots.decays({"L2": 0.9 ** np.arange(9), "L1 (proximal)": np.linspace(1, 0, 9)}),
    "diamond_and_disk": lambda: plots.diamond_and_disk(_two(), diamond_and_disk_optima(_two(), 30)),
    "effect_forest": lambda: plots.effect_forest(
        {"none_last": _effects(-0.01, -0.02, 0.4, 0.0), "none_early": _effects(0.0, -0.02, 0.0, 0.01)}
    ),
    "error_by_strength": lambda: plots.error_by_strength([0.1, 1, 10], [3.0, 1.0, 2.0], predicted=1.0),
    "feature_frames": lambda: plots.feature_frames({"one": VECTORS, "two": VECTORS}, feature="MFCC"),
    "forecast_days": lambda: plots.forecast_days(DAYS, T, {"LSTM": V, "ridge": V + 0.1}, unit="°C"),
    "forecasts": lambda: plots.forecasts({"training": (T, T), "test": (T, V)}, unit="°C"),
    "gain_by_gap": lambda: plots.gain_by_gap({"weather": ([1, 2], [3, 4])}, xlabel="gap [%]"),
    "learning_curves": lambda: plots.learning_curves(T, V, baseline=0.9),
    "loss_and_score": lambda: plots.loss_and_score(
        {"none": np.tile(V, (3, 1)), "l2": np.tile(T, (3, 1))},
        {"none": np.tile(T, (3, 1)), "l2": np.tile(V, (3, 1))},
        rules={"copy": 0.5},
    ),
    "losses_against": lambda: plots.losses_against(
        [4, 8], np.ones((2, 3)), np.full((2, 3), 2.0), xlabel="hidden units", baseline=1.5
    ),
    "losses_against_zeros": lambda: plots.losses_against_zeros(
        [0.1, 1.0], np.array([[0.1, 0.2], [0.6, 0.7]]), np.ones((2, 2)), np.full((2, 2), 2.0)
    ),
    "losses_beside_rules": lambda: plots.losses_beside_rules(SEEDS, {"persistence": 1.1, "ridge": 0.9}),
    "losses_by_method": lambda: plots.losses_by_method({"last": SEEDS, "lowest": SEEDS}, baseline=0.9),
    "losses_of_models": lambda: plots.losses_of_models(
        {"a": 2.0, "b": 1.0}, groups={"a": "x", "b": "y"}, unit="bits"
    ),
    "lstm_cell": lambda: plots.lstm_cell(),
    "magnitude_histogram": lambda: plots.magnitude_histogram({"L1": np.zeros(9), "L2": np.full(9, 0.01)}),
    "mask_panels": lambda: plots.mask_panels(
        {"new": (RNG.random((5, 4)) > 0.3) * 1.0, "locked": np.ones((5, 4))}
    ),
    "means_with_intervals": lambda: plots.means_with_intervals(
        np.ones(3), np.full(3, 0.1), ylabel="distance"
    ),
    "memory_left": lambda: plots.memory_left(memory_forms(0.25, steps=8, forget=0.9)),
    "named_cases": lambda: plots.named_cases(np.eye(3), ["overfit", "underfit", "leak"]),
    "next_characters": lambda: plots.next_characters(["a", "\n"], np.array([0.7, 0.3]), context="b"),
    "norms_over_training": lambda: plots.norms_over_training(
        {"none": np.ones((9, 3)), "max_norm": np.full((9, 3), 0.5)}, steps_per_epoch=3, limit=0.5
    ),
    "one_standard_error_path": lambda: plots.one_standard_error_path(
        [0.1, 1.0], [0.5, 0.6], [0.1, 0.1], 1.0, unit="nats"
    ),
    "one_weight": lambda: plots.one_weight(0.8, 1.0),
    "paired_differences": lambda: plots.paired_differences(
        {"L2": np.array([-1.0, 0.5])}, {"L2": (-1.0, 0.5)}
    ),
    "passes_and_mean": lambda: plots.passes_and_mean([1, 2], [2.0, 1.9], off=1.8, single=2.0, unit="bits"),
    "projections": lambda: plots.projections(VECTORS, {"max_norm(1)": VECTORS / 2}, {"max_norm(1)": (1.0,)}),
    "ratios_by_group": lambda: plots.ratios_by_group(
        ["first", "last"], {"AdamW": [0.9, 0.8]}, xlabel="quarter"
    ),
    "relative_times": lambda: plots.relative_times({"a": [1.0], "b": [3.0]}, reference="a"),
    "rules_on_traces": lambda: plots.rules_on_traces(
        {"one": V}, {"one": {"Keras": (9, 4), "labcode": (None, 7)}}
    ),
    "run_so_far": lambda: plots.run_so_far(T, V, 5, baseline=0.5),
    "search_points": lambda: plots.search_points(
        {"random": np.array([[0.1, 0.2], [0.5, 0.4]]), "TPE": np.array([[0.2, 0.1], [0.3, 0.6]])},
        {"random": 0, "TPE": 1},
    ),
    "share_below": lambda: plots.share_below({"L1": np.zeros(9), "L2": np.full(9, 0.01)}),
    "shrinkage_curves": lambda: plots.shrinkage_curves(1.0),
    "shrinkage_factors": lambda: plots.shrinkage_factors([0.1, 1.0], {"L2": np.array([0.5, 0.9])}),
    "spread_against_error": lambda: plots.spread_against_error(T, V, unit="°C"),
    "stopped_trace": lambda: plots.stopped_trace(V, stop=9, kept=7),
    "strength_choice": lambda: plots.strength_choice(dict.fromkeys(KEPT, (T, V)), KEPT, 0.1, reference=0.7),
    "strength_sweep": lambda: plots.strength_sweep({0.1: _run(), 1.0: _run(0.1)}, _run(), 0.1, name="l2"),
    "symptoms": lambda: plots.symptoms({"one": {"train_loss": T, "validation_loss": V, "baseline": 0.8}}),
    "time_growth": lambda: plots.time_growth(
        {"labcode": {"values": [10, 20], "ms": [1.0, 2.0], "exponent": 1.0}}, xlabel="steps T"
    ),
    "time_ratios": lambda: plots.time_ratios(
        {"torch.nn.LSTM": (1, 0.9, 1.1), "Keras": (5, 4, 7)}, baseline="torch.nn.LSTM"
    ),
    "time_series": lambda: plots.time_series({"training": (DAYS, T), "test": (DAYS, V)}, unit="°C"),
    "training_costs": lambda: plots.training_costs({"l2": (1.1, 1.0, 1.2), "zoneout": (1.5, 1.2, 3.8)}),
    "weight_histogram": lambda: plots.weight_histogram({"input": VECTORS, "recurrent": VECTORS / 2}),
    "weight_traces": lambda: plots.weight_traces(
        {"subgradient": T - 0.5, "proximal": V - 0.5}, band=0.1, name="x"
    ),
    "winners_by_budget": lambda: plots.winners_by_budget(
        list(range(1, 10)), SEARCH, {n: s + 0.1 for n, s in SEARCH.items()}, budget=4, unit="nats"
    ),
    "winners_curse": lambda: plots.winners_curse([1, 2, 4], [0.9, 0.8, 0.7], [0.9, 0.9, 0.9], unit="nats"),
    "zero_map": lambda: plots.zero_map(
        {"L1": np.eye(4), "L2": np.ones((4, 4))}, xlabel="unit", ylabel="gate"
    ),
}
