"""Run one declared experiment to its end: train, choose, test once, and write what it came to."""

import time
from pathlib import Path

from labcode.experiments.choice import edges
from labcode.experiments.declaration import Declaration
from labcode.experiments.execute import Engine
from labcode.experiments.plan import Plan
from labcode.experiments.protocol import Experiment
from labcode.experiments.results import save_result
from labcode.experiments.summary import DRAWS, make_result, table
from tools.plan_evidence import perform_plan
from tools.process import say


def perform(
    declaration: Declaration | Plan,
    runs: Path,
    results: Path,
    engine: Engine,
    *,
    draws: int = DRAWS,
    strict: bool = False,
) -> dict | None:
    """Run one experiment to its end and write its result.

    Args:
        declaration: what to try.
        runs: folder of the stores.
        results: folder that receives the result.
        engine: where to compute.
        draws: resamples of each family.
        strict: whether to stop before the test split is used if a best strength lies at an edge of its grid.

    Returns:
        The result; None if ``strict`` made it stop.
    """
    if isinstance(declaration, Plan):
        return perform_plan(declaration, runs, results, engine, strict=strict)
    began = time.perf_counter()
    experiment = Experiment(declaration, runs, engine)
    experiment.choose()
    at_edge = edges(experiment.choices)
    if at_edge:
        say(f"{declaration.name}: a best strength lies at an edge, widen the grid: {', '.join(at_edge)}")
        if strict:
            return None
    result = make_result(declaration, experiment.evaluate(), draws=draws)
    results.mkdir(parents=True, exist_ok=True)
    path = save_result(declaration.name, result, results)
    for line in table(result):
        say(line)
    minutes = (time.perf_counter() - began) / 60
    say(f"{declaration.name}: {result['trainings']} trainings, {minutes:.1f} minutes now; wrote {path}")
    return result
