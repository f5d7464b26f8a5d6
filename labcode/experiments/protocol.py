"""The protocol: strengths are chosen on validation data, then the test split is used once.

First every method trains at every strength, with the seeds that choose, for the whole budget. Each curve
tells the loss at the last epoch and at the epoch that early stopping would have kept; a strength is chosen
for each of the two. Combinations follow, from the strengths chosen for their parts. Then what was chosen is
trained with all seeds and evaluated on the test split; with ``confirm`` also on a second task.
"""

import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tqdm.auto import tqdm

from labcode.experiments.choice import Choice, choose, validation_losses
from labcode.experiments.declaration import NONE, VARIANTS, Declaration, blocks, canonical_hash
from labcode.experiments.evaluation import evaluate_test
from labcode.experiments.execute import PAUSE, Engine, execute
from labcode.experiments.methods import METHODS, scaled
from labcode.experiments.runs import (
    Run,
    alone,
    curve,
    curve_and_weights,
    kept_epoch,
    make_run,
    with_weights,
)
from labcode.experiments.store import Store
from labcode.experiments.tasks import find_task, load

Grid = dict[float, dict[str, float]]  # each method's strength, by strength or factor


@dataclass(frozen=True)
class Outcome:
    """What a whole experiment came to, before it is summarized.

    Attributes:
        curves: the record of each training for the choice, by its run.
        choices: what was chosen, by method or combination, and variant.
        tested: by task, method or combination, and variant: the records of all seeds, in their order.
        baselines: by task and baseline: the records of all seeds, or of one where seeds draw no other data.
    """

    curves: dict[Run, dict]
    choices: dict[str, dict[str, Choice]]
    tested: dict[str, dict[str, dict[str, list[dict]]]]
    baselines: dict[str, dict[str, list[dict]]]


class Experiment:
    """A declared experiment and its stores.

    Args:
        declaration: what to try.
        folder: where the stores live: ``training/``, shared by all experiments, since a curve depends on its
            run alone, and one for each declaration's test records.
        engine: where to compute.
    """

    def __init__(self, declaration: Declaration, folder: Path, engine: Engine):
        self.declaration, self.engine = declaration, engine
        self.training = Store(Path(folder) / "training")
        self.testing = Store(Path(folder) / f"{declaration.name}-{declaration.hash[:12]}")
        self.seeds = range(declaration.seeds)
        self.choice_seeds = range(declaration.choice_seeds or declaration.seeds)
        self.tasks = tuple(blocks(declaration))
        self.curves: dict[Run, dict] = {}
        self.choices: dict[str, dict[str, Choice]] = {}

    def run(self) -> Outcome:
        """Do all that is not done yet, and return what it came to."""
        self.choose()
        return self.evaluate()

    def choose(self) -> None:
        """Train what the choice of the strengths needs, and choose; the test split is not used."""
        grids: dict[str, Grid] = {NONE: {0.0: {}}}
        grids |= {method: {s: {method: s} for s in grid} for method, grid in self.declaration.methods.items()}
        with self._bar("choice", self._most_choices()) as bar:
            self._choose(grids, VARIANTS, bar)
            for variant in VARIANTS:
                self._choose(self._combinations(variant), (variant,), bar)
            bar.total = bar.n

    def evaluate(self) -> Outcome:
        """Evaluate what was chosen on the test split, and return what the whole experiment came to."""
        labels = len(self.declaration.labels)
        with self._bar("evaluation", len(self.seeds) * labels * len(VARIANTS) * len(self.tasks)) as bar:
            tested = {task: self._test(task, bar) for task in self.tasks}
        baselines = {task: self._baselines(task) for task in self.tasks}
        return Outcome(self.curves, self.choices, tested, baselines)

    def _bar(self, part: str, total: int) -> tqdm:
        name = f"{self.declaration.name}, {part}"
        return tqdm(total=total, desc=name, unit="run", smoothing=0.1, mininterval=1.0)

    def _most_choices(self) -> int:
        """Return how many runs the choice takes, if the variants of no combination share any."""
        grids = [len(grid) for grid in self.declaration.methods.values()]
        grids += [len(VARIANTS) * len(made.factors) for made in self.declaration.combinations.values()]
        return len(self.choice_seeds) * (1 + sum(grids))

    def _combinations(self, variant: str) -> dict[str, Grid]:
        """Return each combination's grid, around the strengths that were chosen for its methods."""
        grids = {}
        for label, made in self.declaration.combinations.items():
            chosen = {method: self.choices[method][variant].strength for method in made.methods}
            grids[label] = {
                factor: {method: scaled(method, strength, factor) for method, strength in chosen.items()}
                for factor in made.factors
            }
        return grids

    def _choose(self, grids: dict[str, Grid], variants: tuple[str, ...], bar: tqdm) -> None:
        """Train the seeds that choose at every strength, and choose a strength for each variant."""
        tried = [methods for grid in grids.values() for methods in grid.values()]
        runs = [make_run(self.declaration, methods, seed) for seed in self.choice_seeds for methods in tried]
        execute(runs, curve, self._keep_curve, self.training, self.engine, bar)
        self.curves |= {run: self.training.read(run.key) for run in runs}
        for variant in variants:
            for label, grid in grids.items():
                losses = {strength: self._losses(methods, variant) for strength, methods in grid.items()}
                is_limit = label in METHODS and METHODS[label].kind == "limit"
                choice = choose(grid, losses, self._losses({}, variant), more_is_weaker=is_limit)
                self.choices.setdefault(label, {})[variant] = choice

    def _losses(self, methods: dict[str, float], variant: str):
        records = [self.curves[make_run(self.declaration, methods, seed)] for seed in self.choice_seeds]
        return validation_losses(records, variant, self.declaration.patience)

    def _keep_curve(self, run: Run, result: dict) -> None:
        self.training.write(run.key, result)

    def _test(self, task: str, bar: tqdm) -> dict[str, dict[str, list[dict]]]:
        """Train what was chosen again, evaluate each run once, and return the records."""
        runs = {
            (label, variant, seed): make_run(
                self.declaration, choice.methods, seed, task=task, early=variant == "early"
            )
            for seed in self.seeds
            for label, by_variant in self.choices.items()
            for variant, choice in by_variant.items()
        }
        execute(runs.values(), curve_and_weights, self._evaluate, self.testing, self.engine, bar)
        tested: dict[str, dict[str, list[dict]]] = {
            label: {variant: [] for variant in VARIANTS} for label in self.choices
        }
        for (label, variant, _), run in runs.items():
            tested[label][variant].append(self.testing.read(run.key))
        return tested

    def _evaluate(self, run: Run, result: dict) -> None:
        """Compare a second training with the first, then put its test losses on record."""
        epoch = len(result["validation"]) - 1
        if run.patience is not None:
            epoch = kept_epoch(result["validation"], run.patience)
        about = {"task": run.task, "methods": dict(run.methods), "seed": run.seed, "epoch": epoch}
        about |= {"reproduced": self._is_reproduced(run, result), "seconds": result["seconds"]}
        about |= {"curves": {name: result[name] for name in ("train", "validation")}}
        task, dataset = find_task(run.task), load(run.task, run.seed)
        model = with_weights(run, result["weights"])
        with alone():
            evaluate_test(self.testing, run.key, task, dataset, partial(task.outputs, model), about)

    def _is_reproduced(self, run: Run, result: dict) -> bool | None:
        """Say whether the curve is that of the first training, bit for bit; None if there was none.

        Raises:
            RuntimeError: it is not, though the processor is the same.
        """
        first = self.curves.get(replace(run, patience=None))
        if first is None:
            return None
        epochs = len(result["validation"])
        same = all(first[name][:epochs] == result[name] for name in ("train", "validation"))
        if not same and first["processor"] == result["processor"]:
            raise RuntimeError(f"{run}: expected the curve of its first training, received another")
        return same

    def _baselines(self, name: str) -> dict[str, list[dict]]:
        """Evaluate the simple baselines of a task, in this process, and return their records."""
        task = find_task(name)
        records: dict[str, list[dict]] = {}
        for baseline, predict in task.baselines.items():
            for seed in self.seeds if task.resampled else (0,):
                key = canonical_hash(["baseline", name, baseline, seed])[:32]
                while key not in self.testing:
                    if self.testing.claim(key):
                        about = {"task": name, "baseline": baseline, "seed": seed}
                        evaluate_test(self.testing, key, task, load(name, seed), predict, about)
                    else:
                        time.sleep(PAUSE)
                records.setdefault(baseline, []).append(self.testing.read(key))
        return records
