"""Run one tuned experiment to its end: the record first, then the result, computed from it alone."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from labcode.experiments.execute import Engine
from labcode.experiments.place_summary import summarize
from labcode.experiments.plan import Plan
from labcode.experiments.recompute import from_record, keep
from labcode.experiments.records import Record
from labcode.experiments.results import write_result
from labcode.experiments.tuned import TunedExperiment
from tools.process import say

NONE_EARLY = "none_early"


def perform_plan(
    plan: Plan, runs: Path, results: Path, engine: Engine, *, strict: bool = False, draws: int | None = None
) -> dict | None:
    """Run an experiment to its end, and write its record and its result.

    Args:
        plan: what to try.
        runs: folder of the stores.
        results: folder that receives the result; the record goes into ``records`` beside it.
        engine: where to compute.
        strict: whether to stop before a test split is used if what is best lies at an end of its range.
        draws: not used: the summary says how many resamples it takes.

    Returns:
        The result; None if ``strict`` made it stop.
    """
    began = time.perf_counter()
    experiment = TunedExperiment(plan, runs, engine)
    experiment.choose()
    for edge in experiment.edges:
        say(f"{plan.name}: at an end of what was tried: {edge}")
    if strict and experiment.edges:
        return None
    outcome = experiment.evaluate()
    about = outcome.about | {"declaration": asdict(plan)}
    head = {"hash": plan.hash, "training_seconds": about["seconds"], "trainings": about["trainings"]}
    path = keep(plan.name, outcome.arrays, about, head, results.parent)
    result = from_record(Record(path), summarize)
    results.mkdir(parents=True, exist_ok=True)
    write_result(plan.name, result, results)
    for line in lines_of(result):
        say(line)
    differ = {name: n for name, n in about["reproduced"].items() if name not in ("same", "first")}
    if differ:
        say(f"{plan.name}: curves that differ from those of the choice: {differ} (a note, no error)")
    minutes = (time.perf_counter() - began) / 60
    say(f"{plan.name}: {about['trainings']} trainings, {minutes:.1f} minutes now; wrote {path}")
    return result


def lines_of(result: Mapping) -> Iterator[str]:
    """Yield the result as lines to print: each test loss, and its difference to the stopped reference."""
    for place, found in result["summary"].items():
        yield f"{place}: test loss, and minus that of none stopped early, 95 % interval"
        for label, by_variant in found["methods"].items():
            for variant, described in by_variant.items():
                line = f"  {label:<26}{variant:<11}{described['test']['loss']['mean']:>9.4f}"
                effect = described["against"].get(NONE_EARLY, {}).get("loss")
                if effect is not None:
                    low, high = effect["interval"]
                    line += f"  {effect['mean']:+.4f}  [{low:+.4f}, {high:+.4f}]"
                yield line
        for name, losses in found["baselines"].items():
            yield f"  {name:<37}{losses['loss']:>9.4f}"
