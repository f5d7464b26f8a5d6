"""From the records of an experiment's runs to the arrays that are kept of it, and what is said of them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from labcode.experiments.plan import Place, Plan
from labcode.experiments.tasks import find_task, load
from labcode.experiments.tested_run import EAGER, has_stopped
from labcode.experiments.tuning import Choice

Tested = Mapping[str, Mapping[tuple[str, str], list[dict]]]  # by place, label and variant: all seeds
COUNTS = {"error": np.uint8, "chrf": np.uint8}  # where they hold nothing but small whole numbers


def arrays_of(plan: Plan, curves: Mapping, tested: Tested, simple: Mapping) -> dict[str, np.ndarray]:
    """Return the record of an experiment, by name.

    Args:
        plan: what was tried.
        curves: by place and label, the records of the choice, by trial and seed.
        tested: by place, label and variant, the records of all seeds.
        simple: by place and baseline, the records of all seeds, or of one where seeds draw no other data.

    Returns:
        "PLACE/items" and "PLACE/units", numbers of the test items and of what belongs together. Under
        "PLACE/LABEL/VARIANT/" each measure, (seeds, items); "train", "validation", "epoch" and "capped",
        whether early stopping had not ended yet, (seeds,); and "curves", (seeds, 2, epochs). "PLACE/LABEL/
        trials", (trials, seeds, 2, epochs), and "PLACE/LABEL/seconds", of the processor, (trials, seeds).
        "PLACE/simple:BASELINE/simple/", the measures of a baseline.
    """
    found: dict[str, np.ndarray] = {}
    for place in plan.places:
        found |= _under(place.task, _items(place.task, plan.seeds))
        for label, trials in curves.get(place.task, {}).items():
            stacked = [[_curves(record, place.epochs) for record in records] for records in trials]
            found[f"{place.task}/{label}/trials"] = np.array(stacked, dtype=np.float32)
            seconds = [[record["seconds"] for record in records] for records in trials]
            found[f"{place.task}/{label}/seconds"] = np.array(seconds, dtype=np.float32)
        for (label, variant), records in tested[place.task].items():
            arrays = _tested(records, place, plan.patience)
            found |= _under(f"{place.task}/{label}/{variant}", arrays)
        for baseline, records in simple[place.task].items():
            measures = _stacked([record["test"] for record in records])
            found |= _under(f"{place.task}/simple:{baseline}/simple", measures)
    return found


def about_of(plan: Plan, choices: Mapping, trained: Mapping[str, dict], tested: Tested) -> dict:
    """Return what is said beside the arrays, ready for JSON: choices, trials, places, seconds, processors."""
    judged = {
        record["key"]: record
        for by_variant in tested.values()
        for records in by_variant.values()
        for record in records
    }.values()
    everything = [*trained.values(), *judged]
    return {
        "places": {place.task: _described(place) for place in plan.places},
        "chosen": {
            place.task: {
                label: {v: _chosen(choice, place) for v, choice in choices[place.task][label].items()}
                for label in place.labels
            }
            for place in plan.places
        },
        "tried": {place.task: _tried(plan, place) for place in plan.places if place.choices_of is None},
        "trainings": len(everything),
        "seconds": round(sum(record["seconds"] for record in everything), 1),
        "evaluations": len(judged),
        "reproduced": dict(Counter(record["reproduced"] for record in judged)),
        "failed": sum("failed" in record for record in everything),
        "processors": dict(Counter(record["processor"] for record in everything)),
    }


def numbered(names: list[np.ndarray]) -> np.ndarray:
    """Return the number of each name among all of them in order, (rows, items) int32."""
    _, numbers = np.unique(np.stack(names), return_inverse=True)
    return numbers.reshape(len(names), -1).astype(np.int32)


def _items(task: str, seeds: int) -> dict[str, np.ndarray]:
    """Return the numbers of the test items, and of what belongs together: one row if all seeds share them."""
    splits = [load(task, seed).test for seed in (range(seeds) if find_task(task).resampled else (0,))]
    names = [_first_of(split, "items", "dates") for split in splits]
    units = [_first_of(split, "groups", "items", "dates") for split in splits]
    found = {"items": numbered(names), "units": numbered(units)}
    shared = all((array == array[:1]).all() for array in found.values())
    return {name: array[:1] if shared else array for name, array in found.items()}


def _first_of(split, *names: str) -> np.ndarray:
    """Return the first of these attributes that a split has; if none, numbers."""
    found = (getattr(split, name, None) for name in names)
    return next((array for array in found if array is not None), np.arange(len(split.y)))


def _tested(records: list[dict], place: Place, patience: int) -> dict[str, np.ndarray]:
    """Return all arrays of one label and variant."""
    marks = [record["mark"] for record in records]
    arrays = _stacked([record["tested"][mark] for record, mark in zip(records, marks, strict=True)])
    epochs = np.array([record["epochs"][mark] for record, mark in zip(records, marks, strict=True)])
    kept = {
        name: np.array([record[name][epoch] for record, epoch in zip(records, epochs, strict=True)])
        for name in ("train", "validation")
    }
    arrays |= {name: losses.astype(np.float32) for name, losses in kept.items()}
    arrays["epoch"] = epochs.astype(np.int16)
    if marks[0] != "last":
        waits = patience if marks[0] == "early" else EAGER
        capped = [not has_stopped(record["validation"], waits) for record in records]
        arrays["capped"] = np.array(capped, dtype=np.uint8)
    arrays["curves"] = np.array([_curves(record, place.epochs) for record in records], dtype=np.float32)
    return arrays


def _stacked(measures: list[Mapping]) -> dict[str, np.ndarray]:
    """Return each measure of all seeds, (seeds, ...)."""
    found = {}
    for name in measures[0]:
        values = np.array([one[name] for one in measures])
        small = name in COUNTS and (values == values.astype(COUNTS[name])).all()
        found[name] = values.astype(COUNTS[name] if small else np.float32)
    return found


def _curves(record: Mapping, epochs: int) -> np.ndarray:
    """Return the losses by epoch, (2, epochs): training, then validation; NaN where there are none."""
    rows = np.full((2, epochs), np.nan)
    for row, name in zip(rows, ("train", "validation"), strict=True):
        losses = record.get(name, [])
        row[: len(losses)] = losses
    return rows


def _described(place: Place) -> dict:
    return asdict(place) | {"resampled": find_task(place.task).resampled}


def _tried(plan: Plan, place: Place) -> dict[str, list[dict[str, float | None]]]:
    """Return learning rate and strength (of a combination, the factor) of every trial, by label."""
    return {
        label: [
            {"learning_rate": trial.learning_rate, "strength": trial.strength}
            for trial in plan.trials(place, label, {})
        ]
        for label in place.labels
    }


def _chosen(choice: Choice, place: Place) -> dict:
    means = [round(mean, 5) if np.isfinite(mean) else None for mean in choice.validation]
    about: dict[str, Any] = {"trial": choice.number, "learning_rate": choice.trial.learning_rate}
    about |= {"strength": choice.trial.strength, "methods": dict(choice.trial.methods)}
    about |= {"validation": means[choice.number], "means": means, "edge": list(choice.edge)}
    return about | {"chosen_at": place.choices_of or place.task}


def _under(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{prefix}/{name}": array for name, array in arrays.items()}
