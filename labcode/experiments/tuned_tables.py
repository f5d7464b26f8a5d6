"""Read a tuned experiment's result, as ``load_result`` returns it: what a chapter draws and asserts.

``where`` is a place of the experiment or a pool of places; by default the pool of the first place, or that
place. What was tried at a place is in the experiment's record.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from labcode._checks import check_one_of
from labcode.experiments.declaration import NONE, VARIANTS
from labcode.experiments.records import RECORDS, Record
from labcode.experiments.result_tables import BEST, CLEAR, NONE_REFERENCES, outcomes
from labcode.experiments.runs import kept_epoch


def record_of(result: Mapping) -> Record:
    """Return the record that a result was computed from."""
    return Record(RECORDS / f"{result['declaration']['name']}.npz")


def differences(
    result: Mapping,
    *,
    measure: str = "loss",
    where: str | None = None,
    references: Sequence[str] = NONE_REFERENCES,
) -> dict[str, dict[str, dict[str, Mapping]]]:
    """Return what every method changed, beside no regularization at both of its epochs.

    Args:
        result: of a tuned experiment.
        measure: "loss", "gap", or what else the task measures.
        where: a place or a pool.
        references: what the methods are compared with; a simple baseline's name is one, too.

    Returns:
        Effects, as ``labcode.experiments.effects.compare`` makes them, by reference, method, and variant
        ("last", "early"). The reference itself is left out.

    Raises:
        ValueError: another place, measure or reference.
    """
    methods = _methods(result, where)
    known = {name for by in methods.values() for found in by.values() for name in found["against"]}
    for reference in references:
        check_one_of("references", reference, tuple(sorted(known)))
    return {
        reference: {
            label: {
                variant: _measure(by_variant[variant]["against"][reference], measure)
                for variant in VARIANTS
                if reference in by_variant[variant]["against"]
            }
            for label, by_variant in methods.items()
        }
        for reference in references
    }


def clear_everywhere(
    result: Mapping, places: Sequence[str], variant: str, *, measure: str = "loss"
) -> dict[str, list[str]]:
    """Name the methods that are clear in several places in one direction, beside no regularization.

    Returns:
        The methods under "lower" and "higher", each from the lowest mean in the first place to the highest.

    Raises:
        ValueError: another place, variant or measure.
    """
    reference = f"{NONE}_{check_one_of('variant', variant, VARIANTS)}"
    found = [
        outcomes(differences(result, measure=measure, where=place)[reference], variant) for place in places
    ]
    return {
        side: [label for label in found[0][side] if all(label in one[side] for one in found)]
        for side in CLEAR
    }


def by_seed(result: Mapping, variant: str, *, measure: str = "loss", where: str | None = None) -> dict:
    """Return each method's figures on the test split, one for each seed: (seeds,) by method.

    Raises:
        ValueError: another place, variant or measure.
    """
    check_one_of("variant", variant, VARIANTS)
    return {
        label: np.array(_measure(by_variant[variant]["test"], measure)["by_seed"])
        for label, by_variant in _methods(result, where).items()
    }


def baselines(result: Mapping, *, measure: str = "loss", where: str | None = None) -> dict[str, float]:
    """Return the simple baselines' mean figure on the test split, by their names."""
    return {name: _measure(found, measure) for name, found in _summary(result, where)["baselines"].items()}


def best_single(result: Mapping, variant: str, *, where: str | None = None) -> str:
    """Name the single method that had the lowest mean validation loss at a place (of a pool, its first)."""
    place = _place(result, where)
    losses = {
        label: by_variant[check_one_of("variant", variant, VARIANTS)]["validation"]
        for label, by_variant in result["chosen"][place].items()
        if label in result["declaration"]["methods"]
    }
    return min(losses, key=losses.__getitem__)


def sweep(
    result: Mapping, label: str, *, where: str | None = None, record: Record | None = None
) -> dict[float, dict[str, np.ndarray]]:
    """Return what was recorded of one method, at every strength at which all seeds stayed finite.

    Every strength had a learning rate of its own; without regularization, the trial that was chosen for the
    last epoch is shown.

    Args:
        result: of a tuned experiment.
        label: a method, a combination, or "none".
        where: a place that chose (of a pool, its first).
        record: of the result; None for the course's.

    Returns:
        By strength (a combination's factor; 0 for none): the curves "train" and "validation", (seeds, epochs)
        each, and the validation loss at the epoch "last" and at that of stopping "early", (seeds,) each.

    Raises:
        ValueError: another place or method.
    """
    place, record = _place(result, where), record_of(result) if record is None else record
    chosen = result["chosen"][place]
    check_one_of("label", label, tuple(chosen))
    trials = record[f"{place}/{label}/trials"]
    strengths = [trial["strength"] for trial in record.about["tried"][place][label]]
    if label == NONE:
        trials, strengths = trials[[chosen[NONE]["last"]["trial"]]], [0.0]
    found, patience = {}, result["declaration"]["patience"]
    for at in np.argsort(strengths):
        train, validation = trials[at].transpose(1, 0, 2)
        if np.isfinite(validation).all():
            kept = [curve[kept_epoch(list(curve), patience)] for curve in validation]
            strength = float(strengths[at])
            found[strength] = {"train": train, "validation": validation, "last": validation[:, -1]}
            found[strength]["early"] = np.array(kept)
    return found


def relative_seconds(
    result: Mapping, *, where: str | None = None, record: Record | None = None
) -> dict[str, tuple[float, float, float]]:
    """Return how long a training takes beside one without regularization: median, lower, upper quartile.

    It is the processor's time, divided by the median of the unregularized runs.
    """
    place, record = _place(result, where), record_of(result) if record is None else record
    none = np.median(record[f"{place}/{NONE}/seconds"])
    return {
        label: tuple(np.quantile(record[f"{place}/{label}/seconds"] / none, (0.5, 0.25, 0.75)).tolist())
        for label in result["chosen"][place]
    }


def _methods(result: Mapping, where: str | None) -> dict[str, Mapping]:
    """Return what every label came to; the best single method is one of them already."""
    return {label: found for label, found in _summary(result, where)["methods"].items() if label != BEST}


def _summary(result: Mapping, where: str | None) -> Mapping:
    first = next(iter(result["places"].values()))
    where = (first["pool"] or first["task"]) if where is None else where
    return result["summary"][check_one_of("where", where, tuple(result["summary"]))]


def _place(result: Mapping, where: str | None) -> str:
    """Return a place that chose; of a pool, its first."""
    chose = {name: place for name, place in result["places"].items() if place["choices_of"] is None}
    pools = {place["pool"]: name for name, place in reversed(chose.items()) if place["pool"]}
    where = next(iter(chose)) if where is None else where
    check_one_of("where", where, (*chose, *pools))
    return pools.get(where, where)


def _measure(found: Mapping, measure: str):
    return found[check_one_of("measure", measure, tuple(found))]
