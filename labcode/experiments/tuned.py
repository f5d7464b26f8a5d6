"""The protocol of a tuned experiment: no label has more trials than another, and none has them, too.

At each place that chooses, every label trains at its trials with the seeds that choose, for the whole budget.
Each curve tells the loss at the last epoch and at the one that early stopping would have kept; a trial is
chosen for each of the two. Combinations follow, around the strengths that were chosen for their parts with
early stopping. Then what was chosen is trained with all seeds and judged on the test split, once; beside it,
where a place says so, what an earlier place chose ("transfer").
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from labcode._checks import expect
from labcode.experiments.choice import validation_losses
from labcode.experiments.declaration import NONE, VARIANTS, canonical_hash
from labcode.experiments.evaluation import evaluate_test
from labcode.experiments.execute import PAUSE, Engine, execute
from labcode.experiments.methods import METHODS
from labcode.experiments.plan import Place, Plan
from labcode.experiments.record_arrays import about_of, arrays_of
from labcode.experiments.runs import Run, alone, curve
from labcode.experiments.store import Store
from labcode.experiments.tasks import find_task, load
from labcode.experiments.tested_run import EAGER_MARK, curve_and_states, judged
from labcode.experiments.tuning import Choice, Trial, choose_trial

TRANSFER = "transfer"
Chosen = dict[str, dict[str, Choice]]  # by label and variant


@dataclass(frozen=True)
class Judged:
    """A run that is to be judged on the test split.

    Attributes:
        run: what to train.
        marks: at which epochs.
        key: of its record: one run, one look at the test split.
    """

    run: Run
    marks: tuple[str, ...]

    @property
    def key(self) -> str:
        """The run's own key."""
        return self.run.key


@dataclass(frozen=True)
class TunedOutcome:
    """What an experiment came to: the record from which all else is computed.

    Attributes:
        arrays: by name, such as "weather/l2/early/loss".
        about: choices, places, seconds and processors, ready for JSON.
    """

    arrays: dict[str, np.ndarray]
    about: dict


class TunedExperiment:
    """A tuned experiment and its stores.

    Args:
        plan: what to try, and where.
        folder: where the stores live: ``training/``, shared by all experiments, and one for the plan's test
            records.
        engine: where to compute.
    """

    def __init__(self, plan: Plan, folder: Path, engine: Engine):
        self.plan, self.engine = plan, engine
        self.training = Store(Path(folder) / "training")
        self.testing = Store(Path(folder) / f"{plan.name}-{plan.hash[:12]}")
        self.choices: dict[str, Chosen] = {}
        self.curves: dict[str, dict[str, list[list[dict]]]] = {}  # by place, label, trial and seed
        self.trained: dict[str, dict] = {}  # by key, to compare a second training with the first

    def run(self) -> TunedOutcome:
        """Do all that is not done yet, and return what it came to."""
        self.choose()
        return self.evaluate()

    @property
    def edges(self) -> list[str]:
        """What was chosen at an end of what was tried."""
        return [
            f"{label} ({variant}, {place.task}): {', '.join(choice.edge)}"
            for place in self.plan.places
            if place.choices_of is None
            for label, by_variant in self.choices.get(place.task, {}).items()
            for variant, choice in by_variant.items()
            if choice.edge
        ]

    def choose(self) -> None:
        """Train what the choices need, and choose, place after place; no test split is used."""
        for place in self.plan.places:
            if place.choices_of is not None:
                self.choices[place.task] = self.choices[place.choices_of]
                continue
            self.choices[place.task], self.curves[place.task] = {}, {}
            single = [label for label in place.labels if label not in self.plan.combinations]
            jobs = {label: self.plan.trials(place, label) for label in single}
            self._choose(place, jobs)
            self._choose(place, dict(self._combinations(place)))

    def _combinations(self, place: Place) -> Iterator[tuple[str, list[Trial]]]:
        for label, joint in self.plan.combinations.items():
            if label in place.labels:
                found = self.choices[place.task]
                parts: dict[str, Any] = {
                    method: found[method]["early"].trial.strength for method in joint.methods
                }
                yield label, self.plan.trials(place, label, parts)

    def _choose(self, place: Place, jobs: dict[str, list[Trial]]) -> None:
        """Train every label's trials with the seeds that choose, and choose one for each variant."""
        seeds = range(self.plan.choice_seeds)
        runs = {
            (label, number, seed): self._run(place, trial, seed)
            for seed in seeds
            for label, trials in jobs.items()
            for number, trial in enumerate(trials)
        }
        with self._bar(f"{place.task}, choice", len(runs)) as bar:
            execute(runs.values(), curve, self._keep, self.training, self.engine, bar)
        self.trained |= {run.key: self.training.read(run.key) for run in runs.values()}
        for label, trials in jobs.items():
            records = [[self.trained[runs[label, k, seed].key] for seed in seeds] for k in range(len(trials))]
            self.curves[place.task][label] = records
            for variant in VARIANTS:
                self._choose_one(place, label, variant, trials, records)

    def _choose_one(self, place: Place, label: str, variant: str, trials, records) -> None:
        losses = np.array([validation_losses(one, variant, self.plan.patience) for one in records])
        chosen = self.choices[place.task]
        none = losses[losses.mean(axis=1).argmin()]
        if label != NONE:
            best = self.curves[place.task][NONE][chosen[NONE][variant].number]
            none = validation_losses(best, variant, self.plan.patience)
        weaker = label in METHODS and METHODS[label].kind == "limit"
        choice = choose_trial(trials, losses, none, more_is_weaker=weaker)
        chosen.setdefault(label, {})[variant] = choice

    def evaluate(self) -> TunedOutcome:
        """Judge what was chosen on the test splits, and return what the whole experiment came to."""
        expect(len(self.choices) == len(self.plan.places), "experiment", "choices first", list(self.choices))
        tested = {place.task: self._test(place) for place in self.plan.places}
        simple = {place.task: self._baselines(place) for place in self.plan.places}
        arrays = arrays_of(self.plan, self.curves, tested, simple)
        return TunedOutcome(arrays, about_of(self.plan, self.choices, self.trained, tested))

    def _run(self, place: Place, trial: Trial, seed: int, patience: int | None = None) -> Run:
        return Run(
            task=place.task,
            model=tuple(self.plan.model.items()),
            methods=tuple(trial.methods.items()),
            seed=seed,
            epochs=place.epochs,
            batch_size=self.plan.batch_size,
            learning_rate=trial.learning_rate,
            patience=patience,
        )

    def _wanted(self, place: Place) -> dict[tuple[str, str], tuple[Trial, str]]:
        """Return by label and variant the trial, and the epoch at which it is judged."""
        own = self.choices[place.task]
        found = {(label, v): (own[label][v].trial, v) for label in place.labels for v in VARIANTS}
        found[NONE, EAGER_MARK] = (own[NONE]["early"].trial, EAGER_MARK)
        if place.transfer_of is not None:
            before = self.choices[place.transfer_of]
            found |= {(label, TRANSFER): (before[label]["early"].trial, "early") for label in place.labels}
        return found

    def _test(self, place: Place) -> dict[tuple[str, str], list[dict]]:
        """Train what was chosen again, judge each run once, and return the records of all seeds."""
        wanted, patience = self._wanted(place), self.plan.patience
        runs = {
            (*key, s): self._run(place, wanted[key][0], s) for s in range(self.plan.seeds) for key in wanted
        }
        marks: dict[Run, set[str]] = {}
        for (label, variant, _), run in runs.items():
            marks.setdefault(run, set()).add(wanted[label, variant][1])
        jobs = {
            run: Judged(run if "last" in found else replace(run, patience=patience), tuple(sorted(found)))
            for run, found in marks.items()
        }
        with self._bar(f"{place.task}, evaluation", len(jobs)) as bar:
            work = partial(_train, patience=patience)
            execute(jobs.values(), work, self._judge, self.testing, self.engine, bar)
        read = {run: self.testing.read(job.key) | {"key": job.key} for run, job in jobs.items()}
        return {
            key: [read[runs[*key, s]] | {"mark": mark} for s in range(self.plan.seeds)]
            for key, (_, mark) in wanted.items()
        }

    def _judge(self, job: Judged, result: dict) -> None:
        """Compare a second training with the first, and put on record what the test split says of it."""
        expect(
            job.key not in self.testing, "test", "a first look at the test split", f"a second one, {job.run}"
        )
        with alone():
            tested = judged(job.run, result.pop("weights"))
        self.testing.write(
            job.key, result | {"tested": tested, "reproduced": self._reproduced(job.run, result)}
        )

    def _reproduced(self, run: Run, result: dict) -> str:
        """Say whether the curve is that of the first training, bit for bit, as far as it goes."""
        first = self.trained.get(replace(run, patience=None).key)
        if first is None or "validation" not in first:
            return "first"
        epochs = len(result["validation"])
        if all(first[name][:epochs] == result[name] for name in ("train", "validation")):
            return "same"
        return "different" if first["processor"] == result["processor"] else "other processor"

    def _baselines(self, place: Place) -> dict[str, list[dict]]:
        """Judge the simple baselines of a place, in this process, and return their records."""
        task = find_task(place.task)
        records: dict[str, list[dict]] = {}
        for baseline, predict in task.baselines.items():
            for seed in range(self.plan.seeds) if task.resampled else (0,):
                key = canonical_hash(["baseline", place.task, baseline, seed])[:32]
                while key not in self.testing:
                    if self.testing.claim(key):
                        about = {"task": place.task, "baseline": baseline, "seed": seed}
                        evaluate_test(self.testing, key, task, load(place.task, seed), predict, about)
                    else:
                        time.sleep(PAUSE)
                records.setdefault(baseline, []).append(self.testing.read(key))
        return records

    def _keep(self, run: Run, result: dict) -> None:
        self.training.write(run.key, result)

    def _bar(self, part: str, total: int) -> tqdm:
        return tqdm(total=total, desc=f"{self.plan.name}, {part}", unit="run", smoothing=0.1, mininterval=1.0)


def _train(job: Judged, *, patience: int) -> dict:
    return curve_and_states(job.run, job.marks, patience)
