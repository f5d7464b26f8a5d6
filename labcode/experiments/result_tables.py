"""Read a declared experiment's result, as ``load_result`` returns it: what a chapter draws and asserts."""

from collections.abc import Mapping, Sequence

import numpy as np

from labcode._checks import check_one_of, expect
from labcode.experiments.declaration import NONE, VARIANTS
from labcode.experiments.effects import clear_side
from labcode.experiments.methods import scaled
from labcode.experiments.runs import kept_epoch

SUMMARIES = ("summary", "confirmation")
NONE_REFERENCES = tuple(f"{NONE}_{variant}" for variant in VARIANTS)
CLEAR, UNCLEAR = ("lower", "higher"), "unclear"
BEST = "best_single"  # the method with the lowest mean validation loss


def differences(
    result: Mapping,
    *,
    measure: str = "loss",
    where: str = "summary",
    references: Sequence[str] = NONE_REFERENCES,
) -> dict[str, dict[str, dict[str, Mapping]]]:
    """Return what every method changed, beside no regularization at both of its epochs.

    Args:
        result: of a declared experiment.
        measure: "loss", "gap", or what else the task measures.
        where: "summary", or "confirmation" for the second task.
        references: what the methods are compared with; a simple baseline's name is one, too.

    Returns:
        Effects, as ``labcode.experiments.effects.compare`` makes them, by reference, method, and variant
        ("last", "early"). The reference itself is left out.

    Raises:
        ValueError: another place, measure or reference, or an experiment without a confirmation.
    """
    methods = _methods(result, where)
    known = {name for by in methods.values() for found in by.values() for name in found["against"]}
    for reference in references:
        check_one_of("references", reference, tuple(sorted(known)))
    return {
        reference: {
            label: {
                variant: _measure(found["against"][reference], measure)
                for variant, found in by_variant.items()
                if reference in found["against"]
            }
            for label, by_variant in methods.items()
        }
        for reference in references
    }


def outcomes(effects: Mapping[str, Mapping[str, Mapping]], variant: str) -> dict[str, list[str]]:
    """Sort the methods of one reference by what is clear about them.

    Args:
        effects: one reference's part of ``differences``.
        variant: "last" or "early".

    Returns:
        The methods under "lower", "higher" and "unclear", each from the lowest mean to the highest.
    """
    check_one_of("variant", variant, VARIANTS)
    found = {label: by_variant[variant] for label, by_variant in effects.items() if variant in by_variant}
    ordered = sorted(found, key=lambda label: found[label]["mean"])
    sides = (*CLEAR, UNCLEAR)
    return {side: [label for label in ordered if clear_side(found[label]) == side] for side in sides}


def confirmed(result: Mapping, variant: str, *, measure: str = "loss") -> dict[str, list[str]]:
    """Name the methods that are clear on the second task as they were on the first, beside no regularization.

    Args:
        result: of an experiment with a confirmation.
        variant: "last" or "early", of the methods and of no regularization.
        measure: as in ``differences``.

    Returns:
        The methods under "lower" and "higher", each from the lowest mean on the first task to the highest.

    Raises:
        ValueError: another variant or measure, or an experiment without a confirmation.
    """
    reference = f"{NONE}_{check_one_of('variant', variant, VARIANTS)}"
    first, second = (
        outcomes(differences(result, measure=measure, where=where)[reference], variant) for where in SUMMARIES
    )
    return {side: [label for label in first[side] if label in second[side]] for side in CLEAR}


def by_seed(result: Mapping, variant: str, *, measure: str = "loss", where: str = "summary") -> dict:
    """Return each method's figures on the test split, one for each seed: (seeds,) by method.

    Raises:
        ValueError: another place, variant or measure.
    """
    check_one_of("variant", variant, VARIANTS)
    return {
        label: np.array(_measure(by_variant[variant]["test"], measure)["by_seed"])
        for label, by_variant in _methods(result, where).items()
    }


def baselines(result: Mapping, *, measure: str = "loss", where: str = "summary") -> dict[str, float]:
    """Return the simple baselines' mean figure on the test split, by their names."""
    _methods(result, where)
    return {name: _measure(found, measure) for name, found in result[where]["baselines"].items()}


def reference_mean(result: Mapping, where: str, path: Sequence[str]) -> float | None:
    """Return the mean of what an effect's method was compared with, in the effect's measure.

    Args:
        result: of a declared experiment, or another.
        where: as in ``differences``.
        path: of the effect, inside the summary.

    Returns:
        The mean; None for other paths than ``differences`` follows, for the gap, and for what is not above 0.
    """
    if path[0] != "methods" or "against" not in path or path[-1] == "gap":
        return None
    found, (reference, measure) = result[where], path[-2:]
    if reference in found["baselines"]:
        mean = found["baselines"][reference][measure]
    else:
        variant = reference.rpartition("_")[2]
        mean = found["methods"][result["references"][reference]][variant]["test"][measure]["mean"]
    return mean if mean > 0 else None


def sweep(result: Mapping, label: str, variant: str = "last") -> dict[float, dict[str, np.ndarray]]:
    """Return what was recorded of one method, at every strength at which all seeds stayed finite.

    Args:
        result: of a declared experiment.
        label: a method, a combination, or "none".
        variant: says which strengths a combination was made of; for a method both are the same.

    Returns:
        By strength (a combination's factor; 0 for none): the curves "train" and "validation", (seeds, epochs)
        each, and the validation loss at the epoch "last" and at that of stopping "early", (seeds,) each.

    Raises:
        ValueError: another method or variant.
    """
    found, patience = {}, result["declaration"]["patience"]
    for strength, methods in _grid(result, label, variant).items():
        runs = _runs(result, methods)
        if any("failed" in run for run in runs):
            continue
        curves = {split: np.array([run[split] for run in runs]) for split in ("train", "validation")}
        kept = [curve[kept_epoch(list(curve), patience)] for curve in curves["validation"]]
        found[strength] = curves | {"last": curves["validation"][:, -1], "early": np.array(kept)}
    return found


def relative_seconds(result: Mapping) -> dict[str, tuple[float, float, float]]:
    """Return how long a training takes beside one without regularization: median, lower, upper quartile.

    Times are divided by the median of the unregularized runs. Other work on the machine that made the result
    is in these figures, too: read large ratios only.
    """
    none, found = float(np.median([run["seconds"] for run in _runs(result, {})])), {}
    for label in result["chosen"]:
        grids = [_grid(result, label, variant) for variant in VARIANTS]
        runs = [run for grid in grids for methods in grid.values() for run in _runs(result, methods)]
        ratios = [run["seconds"] / none for run in runs if "failed" not in run]
        median, low, high = np.quantile(ratios, (0.5, 0.25, 0.75))
        found[label] = (float(median), float(low), float(high))
    return found


def _grid(result: Mapping, label: str, variant: str) -> dict[float, dict[str, float]]:
    """Return what was tried for a method or a combination: each method's strength by strength or factor."""
    check_one_of("variant", variant, VARIANTS)
    declared, chosen = result["declaration"], result["chosen"]
    check_one_of("label", label, tuple(chosen))
    if label == NONE:
        return {0.0: {}}
    if label in declared["methods"]:
        return {strength: {label: strength} for strength in declared["methods"][label]}
    made = declared["combinations"][label]
    around = {method: chosen[method][variant]["strength"] for method in made["methods"]}
    return {
        factor: {method: scaled(method, strength, factor) for method, strength in around.items()}
        for factor in made["factors"]
    }


def _runs(result: Mapping, methods: Mapping[str, float]) -> list[Mapping]:
    runs = [run for run in result["runs"] if run["methods"] == methods]
    return sorted(runs, key=lambda run: run["seed"])


def _methods(result: Mapping, where: str) -> Mapping:
    found = result[check_one_of("where", where, SUMMARIES)]
    expect(found is not None, "where", "an experiment with a confirmation", where)
    return found["methods"]


def _measure(found: Mapping, measure: str):
    return found[check_one_of("measure", measure, tuple(found))]
