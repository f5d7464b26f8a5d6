"""From the record of a declared experiment to its result: what every method changed, in every place.

A place is a task with its own choice of strengths; places of one pool are test years of one series, and are
judged together as well. References are no regularization, tuned as the methods are, at its last epoch and
stopped early, and the method that did best on the validation data.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from labcode.applications import metrics
from labcode.applications.calibration import calibration_error
from labcode.experiments.effects import compare
from labcode.experiments.records import Record
from labcode.experiments.result_tables import BEST

NONE = "none"
SIMPLE = "simple:"  # before the name of a simple baseline
COUNTS = "chrf"  # of translations: counts of groups of letters, by seed and item
PER_RUN = ("train", "validation", "epoch", "capped", "temperature", "curves")
OWN_UNIT = ("gap", "error", "scaled_error", "chrf", "ece", "scaled_ece")
DIGITS = 4

Measures = dict[str, np.ndarray]  # (seeds, items), or (seeds, 1)


def summarize(record: Record) -> dict:
    """Return what a declared experiment's result holds beside its head.

    Args:
        record: as ``labcode.experiments.tuned`` fills it.

    Returns:
        "declaration", "chosen" and "places" as the record has them, and "summary": by place, and by pool,
        "methods" (by label and variant: what it came to, and under "against" its effects by reference and
        measure) and "baselines".
    """
    places = record.about["places"]
    groups = {name: [name] for name in places}
    for name, place in places.items():
        if place.get("pool"):
            groups.setdefault(place["pool"], []).append(name)
    summary = {name: _summary(record, members) for name, members in groups.items()}
    kept = ("declaration", "chosen", "places")
    return {name: record.about[name] for name in kept if name in record.about} | {"summary": summary}


def _summary(record: Record, places: list[str]) -> dict:
    """Return what every method came to in a place, or in several that are taken together."""
    settings, by_place = record.about["places"], [_measures(record, place) for place in places]
    shared = [key for key in by_place[0] if all(key in found for found in by_place)]
    found = {key: _joined([one[key] for one in by_place]) for key in shared}
    units, block = _units(record, places), settings[places[0]]["block"]
    methods: dict = {}
    for label, variant in found:
        if not label.startswith(SIMPLE):
            described = _described(record, places, (label, variant), found[label, variant])
            methods.setdefault(label, {})[variant] = described | {"against": {}}
    for reference, against, compared in _comparisons(found):
        for measure in against:
            differences = {
                label: found[label, variant][measure] - against[measure]
                for label, variant in compared
                if measure in found[label, variant]
            }
            variant = compared[0][1]
            of = None if measure in OWN_UNIT else float(against[measure].mean())
            apart = {"units": units} if units is not None else {"block": block}
            if any(array.shape[1] == 1 for array in differences.values()):
                apart = {}
            for label, effect in compare(differences, reference=of or None, **apart).items():
                methods[label][variant]["against"].setdefault(reference, {})[measure] = effect
    baselines = {
        label.removeprefix(SIMPLE): {name: _round(array.mean()) for name, array in measures.items()}
        for (label, _), measures in found.items()
        if label.startswith(SIMPLE)
    }
    return {"methods": methods, "baselines": baselines}


def _comparisons(found: Mapping) -> Iterator[tuple[str, Measures, list[tuple[str, str]]]]:
    """Yield each reference with its measures, and the labels that are one family against it."""
    methods = [key for key in found if not key[0].startswith(SIMPLE)]
    references = {f"{NONE}_{variant}": (NONE, variant) for variant in ("last", "early")}
    references |= {f"{BEST}_{variant}": (BEST, variant) for variant in ("last", "early")}
    known = {name: found[key] for name, key in references.items() if key in found}
    stopped = known.get(f"{NONE}_early", {})
    if "scaled_loss" in stopped:  # temperature scaling alone, beside every method without it
        scaled = {
            name.removeprefix("scaled_"): a for name, a in stopped.items() if name.startswith("scaled_")
        }
        known[f"{NONE}_early_scaled"] = scaled
    known |= {key[0].removeprefix(SIMPLE): found[key] for key in found if key[0].startswith(SIMPLE)}
    for name, measures in known.items():
        for variant in dict.fromkeys(variant for _, variant in methods):
            itself = {references.get(name)} | ({(BEST, variant)} if name.startswith(BEST) else set())
            compared = [key for key in methods if key[1] == variant and key not in itself]
            if compared:
                yield name, measures, compared


def _measures(record: Record, place: str) -> dict[tuple[str, str], Measures]:
    """Return the measures of every label and variant of a place; "best_single" is one of the labels."""
    found: dict[tuple[str, str], Measures] = {}
    for name, array in record.under(f"{place}/").items():
        label, _, rest = name.partition("/")
        variant, _, measure = rest.partition("/")
        if measure and measure not in PER_RUN:
            number = array if measure == COUNTS else array.astype(np.float64)  # errors are kept as uint8
            found.setdefault((label, variant), {})[measure] = number
    for (label, variant), measures in found.items():
        if COUNTS in measures:
            measures[COUNTS] = np.array([[metrics.chrf_of_counts(c.sum(axis=0))] for c in measures[COUNTS]])
        if f"{place}/{label}/{variant}/train" in record:
            train = record[f"{place}/{label}/{variant}/train"]
            measures["gap"] = measures["loss"] - train[:, None]
        for scaled in ("", "scaled_"):
            if f"{scaled}confidence" in measures:
                confidence = measures.pop(f"{scaled}confidence")
                by_seed = zip(confidence, measures["error"], strict=True)
                measures[f"{scaled}ece"] = np.array([[calibration_error(*one)] for one in by_seed])
    for variant in ("last", "early"):
        best = _best(record.about["chosen"][place], record.about["places"][place], variant)
        if best is not None and (best, variant) in found:
            found[BEST, variant] = found[best, variant]
    return found


def _best(chosen: Mapping, place: Mapping, variant: str) -> str | None:
    """Return the single method with the lowest mean validation loss; combinations have several methods."""
    losses = {
        label: by_variant[variant]["validation"]
        for label, by_variant in chosen.items()
        if variant in by_variant and len(by_variant[variant]["methods"]) == 1
    }
    return min(losses, key=losses.__getitem__) if losses else None


def _joined(parts: list[Measures]) -> Measures:
    """Put several places side by side: their items, or the mean of what has one number a seed."""
    shared = [name for name in parts[0] if all(name in part for part in parts)]
    return {
        name: np.concatenate([part[name] for part in parts], axis=1)
        if parts[0][name].shape[1] > 1
        else np.mean([part[name] for part in parts], axis=0)
        for name in shared
    }


def _units(record: Record, places: list[str]) -> np.ndarray | None:
    """Return which items belong together, (seeds or 1, items); no unit is in two places."""
    names = [f"{place}/units" for place in places]
    if not all(name in record for name in names):
        return None
    found, start = [], 0
    for place, name in zip(places, names, strict=True):
        _, labels = np.unique(record[name], return_inverse=True)
        labels, block = labels.reshape(record[name].shape), record.about["places"][place]["block"]
        if len(labels) == 1 and block > 1:  # a series: neighbouring units, such as days, make up a block
            count = labels.max() + 1
            labels = labels * max(count // block, 1) // count
        found.append(labels + start)
        start += labels.max() + 1
    return np.concatenate(found, axis=1)


def _described(record: Record, places: list[str], key: tuple[str, str], measures: Measures) -> dict:
    """Return what one method came to by itself, by seed and on average."""
    about = {
        "test": {name: _by_seed(array.mean(axis=1)) for name, array in measures.items() if name != "gap"}
    }
    if "gap" in measures:
        about["gap"] = _by_seed(measures["gap"].mean(axis=1))
    for name in ("train", "validation", "epoch", "capped"):
        paths = [f"{place}/{key[0]}/{key[1]}/{name}" for place in places]
        if all(path in record for path in paths):
            about[name] = _by_seed(np.mean([record[path] for path in paths], axis=0))
    return about


def _by_seed(values: np.ndarray) -> dict:
    return {"mean": _round(values.mean()), "by_seed": [_round(value) for value in values]}


def _round(value: float) -> float:
    return round(float(value), DIGITS)
