"""From records to a result: paired differences with intervals, by themselves and in their family."""

import math
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from labcode.experiments.choice import Choice
from labcode.experiments.declaration import NONE, VARIANTS, Declaration, blocks
from labcode.experiments.effects import adjusted_p, compare
from labcode.experiments.families import DRAWS
from labcode.experiments.protocol import Outcome
from labcode.experiments.result_tables import BEST
from labcode.experiments.runs import processor

DIGITS = 4

Records = dict[str, dict[str, list[dict]]]  # of all seeds, by method or combination, and variant


def make_result(declaration: Declaration, outcome: Outcome, *, draws: int = DRAWS) -> dict:
    """Return what is kept of an experiment, ready for JSON.

    Args:
        declaration: what was tried.
        outcome: what it came to.
        draws: resamples of each family.

    Returns:
        The declaration and its hash, the choices, every curve, and a summary for each task.
    """
    references = references_of(declaration, outcome.choices)
    summaries = {
        task: summarize(outcome.tested[task], outcome.baselines[task], references, block=block, draws=draws)
        for task, block in blocks(declaration).items()
    }
    tested = [
        r for records in outcome.tested.values() for v in records.values() for rs in v.values() for r in rs
    ]
    seconds = [record["seconds"] for record in (*outcome.curves.values(), *tested)]
    return {
        "command": f"python course.py evidence {declaration.name}",
        "hash": declaration.hash,
        "declaration": asdict(declaration),
        "processor": processor(),
        "training_seconds": round(sum(seconds), 1),
        "trainings": len(seconds),
        "reproduced": {
            "same": sum(record["reproduced"] is True for record in tested),
            "different": sum(record["reproduced"] is False for record in tested),
        },
        "chosen": {
            label: {variant: _choice(choice) for variant, choice in by_variant.items()}
            for label, by_variant in outcome.choices.items()
        },
        "references": {name: label for name, (label, _) in references.items()},
        "summary": summaries[declaration.task],
        "confirmation": summaries[declaration.confirm.task] if declaration.confirm else None,
        "runs": [_run(dict(run.methods), run.seed, record) for run, record in outcome.curves.items()],
    }


def references_of(
    declaration: Declaration, choices: Mapping[str, Mapping[str, Choice]]
) -> dict[str, tuple[str, str]]:
    """Return what all methods are compared with: "none", the declared ones, and the best single method.

    The best single method of a variant is the one with the lowest mean validation loss.

    Returns:
        Label and variant by the reference's name, such as "none_early" or "best_single_last".
    """
    found = {f"{label}_{v}": (label, v) for label in (NONE, *declaration.references) for v in VARIANTS}
    for variant in VARIANTS:
        lowest = {m: min(choices[m][variant].validation.values()) for m in declaration.methods}
        found[f"{BEST}_{variant}"] = (min(lowest, key=lowest.__getitem__), variant)
    return found


def summarize(
    records: Records,
    baselines: Mapping[str, list[dict]],
    references: Mapping[str, tuple[str, str]],
    *,
    block: int = 1,
    draws: int = DRAWS,
) -> dict:
    """Compare every method with the references and with the simple baselines, on the test split.

    Measures are the "loss", what else the task measures, and the "gap", test minus training loss. A
    difference is method minus reference, paired by seed and item; its interval covers both. A family is
    what is compared with one reference in one variant and measure.

    Args:
        records: what ``Experiment.run`` found for one task.
        baselines: the same of the simple baselines.
        references: label and variant by name, as ``references_of`` returns them.
        block: neighbouring test items that are resampled together.
        draws: resamples of each family.

    Returns:
        "methods": by label and variant the epochs, the losses, and under "against" the differences, by
        reference and measure; "baselines": their losses.
    """
    measured = {
        (label, variant): _measures(records[label][variant]) for label in records for variant in VARIANTS
    }
    simple = {name: _test_arrays(found) for name, found in baselines.items()}
    compared_with = {name: measured[key] for name, key in references.items()} | simple
    methods = {
        label: {variant: _described(by_variant[variant], measured[label, variant]) for variant in VARIANTS}
        for label, by_variant in records.items()
    }
    for name, reference in compared_with.items():
        for variant in VARIANTS:
            compared = [label for label in records if references.get(name) != (label, variant)]
            for measure in reference:
                differences = {c: measured[c, variant][measure] - reference[measure] for c in compared}
                of = None if measure == "gap" or reference[measure].mean() <= 0 else reference[measure].mean()
                for label, entry in compare(differences, block=block, reference=of, draws=draws).items():
                    against = methods[label][variant]["against"].setdefault(name, {})
                    against[measure] = entry
    losses = {name: {m: _round(array.mean()) for m, array in found.items()} for name, found in simple.items()}
    return {"methods": methods, "baselines": losses}


def table(result: Mapping) -> list[str]:
    """Return the result as lines to print: the test loss of each method, and its difference to none's."""
    lines = [f"{'':<22}{'':<7}{'strength':>9}{'test loss':>11}   minus none's, 95 % interval     adjusted p"]
    for label, by_variant in result["summary"]["methods"].items():
        for variant, found in by_variant.items():
            strength = result["chosen"][label][variant]["strength"]
            start = f"{label:<22}{variant:<7}{strength:>9.3g}{found['test']['loss']['mean']:>11.4f}"
            entry = found["against"].get(f"{NONE}_{variant}")
            if entry is not None:
                mean, (low, high) = entry["loss"]["mean"], entry["loss"]["interval"]
                start += f"   {mean:+.4f}  [{low:+.4f}, {high:+.4f}]   {adjusted_p(entry['loss']):.4f}"
            lines.append(start)
    lines += [f"{name:<38}{found['loss']:>11.4f}" for name, found in result["summary"]["baselines"].items()]
    return lines


def _test_arrays(records: list[dict]) -> dict[str, np.ndarray]:
    """Return each measure of the test items, (seeds, items), or (1, items) where seeds don't matter."""
    return {name: np.array([record["test"][name] for record in records]) for name in records[0]["test"]}


def _measures(records: list[dict]) -> dict[str, np.ndarray]:
    """Return each measure of the test items, (seeds, items), and beside them the generalization gap."""
    measures = _test_arrays(records)
    train = np.array([record["curves"]["train"][record["epoch"]] for record in records])
    return measures | {"gap": measures["loss"] - train[:, None]}


def _described(records: list[dict], measures: Mapping[str, np.ndarray]) -> dict:
    """Return what one method came to by itself: its epochs and its losses, by seed and on average."""
    kept = {
        split: [record["curves"][split][record["epoch"]] for record in records]
        for split in ("train", "validation")
    }
    return {
        "epochs": [record["epoch"] for record in records],
        **{split: _by_seed(np.array(losses)) for split, losses in kept.items()},
        "test": {name: _by_seed(a.mean(axis=1)) for name, a in measures.items() if name != "gap"},
        "gap": _by_seed(measures["gap"].mean(axis=1)),
        "against": {},
    }


def _by_seed(values: np.ndarray) -> dict:
    return {"mean": _round(values.mean()), "by_seed": _rounded(values)}


def _choice(choice: Choice) -> dict:
    means = {
        f"{s:.6g}": _round(mean) if math.isfinite(mean) else None for s, mean in choice.validation.items()
    }
    return asdict(choice) | {"methods": dict(choice.methods), "validation": means}


def _run(methods: dict[str, float], seed: int, record: dict) -> dict:
    losses = {name: _rounded(record[name]) for name in ("train", "validation") if name in record}
    failed = {"failed": record["failed"]} if "failed" in record else {}
    return {"methods": methods, "seed": seed, "seconds": record["seconds"]} | losses | failed


def _round(value: float) -> float:
    return round(float(value), DIGITS)


def _rounded(values) -> list[float]:
    return [_round(value) for value in values]
