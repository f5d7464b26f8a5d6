"""Search for hyperparameters by grid, at random or with TPE, at a budget: a thin layer on Optuna.

Optuna samples, prunes and stores. This layer adds what a search on real machines needs: the same call in
several processes shares one budget; a process may be killed at any moment, and the call made again; each
point is tried to its end once, none twice, and none is lost.
"""

import math
import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Real

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning, UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from labcode._checks import check_integer, check_one_of, expect
from labcode.early_stopping import EarlyStopping
from labcode.search.space import Space, check_space, grid_points, random_point
from labcode.search.storage import NoLocks, opened

STRATEGIES = ("grid", "random", "tpe")
STARTUP = 5  # trials that TPE draws at random before it models anything: half of Optuna's, for small budgets
PAUSE = 0.2  # seconds between two looks at trials that another process works on

Report = Callable[[float], None]


@dataclass(frozen=True)
class Tried:
    """One finished trial.

    Attributes:
        number: its place in the search, from 0.
        point: the hyperparameters, by name.
        value: what the objective returned; of a pruned trial the last value that was reported.
        steps: how often the objective has reported, such as epochs.
        pruned: whether it was stopped before its end.
    """

    number: int
    point: dict[str, float]
    value: float
    steps: int
    pruned: bool


def search(
    objective: Callable[[dict[str, float], Report], float],
    space: Space,
    *,
    trials: int,
    method: str = "random",
    seed: int = 0,
    steps: int | None = None,
    pruning: int | None = None,
    storage: str | os.PathLike | None = None,
    name: str = "search",
) -> list[Tried]:
    """Try points of a space until the budget is spent, and return all of them.

    With a storage, call it in as many processes as you like (or on as many machines, with PostgreSQL): each
    takes what no other works on. Call it again after a death or an interruption: what was finished stays,
    what was begun is begun again. It returns when all trials are finished, whoever finished them.

    Args:
        objective: function of (point, report) that returns the value to minimize, such as a validation loss.
            It may call ``report(loss)`` after each epoch, which ends a trial that is to be pruned. NaN, or a
            ``FloatingPointError``, count as infinitely bad. Any other error ends the search, which can go on
            later. For the same point it should do the same, since it may be begun again.
        space: the range of each hyperparameter, by its name.
        trials: the budget, of all processes together; for a grid it must make a full one.
        method: "grid", "random", or "tpe" (a model of good and bad points proposes the next one).
        seed: draws the points of "random" and "tpe" and the order of "grid". In one process, a search that
            was stopped and goes on tries what it would have tried anyway.
        steps: a second budget, in reports of all trials together: no trial begins once it is spent.
        pruning: how many first reports a trial is safe; after each later one it is pruned if the best it has
            reported is above the median of what finished trials reported there. None for no pruning.
        storage: None for the memory of this process, the path of a journal file, or the URL of a PostgreSQL
            database; tools for Optuna can read either.
        name: of the search in its storage.

    Returns:
        The trials in the order in which they were begun.

    Raises:
        ValueError: a bad argument, or a search of this name that was begun with other settings.

    Source: Bergstra and Bengio (2012), Random search for hyper-parameter optimization; Bergstra, Bardenet,
        Bengio and Kégl (2011), Algorithms for hyper-parameter optimization. Chapter 9.1.
    """
    expect(callable(objective), "objective", "a function of (point, report)", objective)
    check_space(space)
    trials, seed = check_integer("trials", trials, low=1), check_integer("seed", seed)
    if check_one_of("method", method, STRATEGIES) == "grid":
        grid_points(space, trials, seed=seed)
    steps = None if steps is None else check_integer("steps", steps, low=1)
    pruning = None if pruning is None else check_integer("pruning", pruning)
    expect(isinstance(name, str) and name != "", "name", "some text", name)
    settings = {"method": method, "seed": seed, "pruning": pruning}
    settings["space"] = [
        [key, float(part.low), float(part.high), bool(part.log)] for key, part in space.items()
    ]
    if method == "grid":
        settings["trials"] = trials
    with _quiet(), opened(storage) as (made, locks):
        work = _Search(made, locks, name, space, settings)
        while not work.finished(trials, steps):
            number = work.take(trials, steps)
            if number is None:
                time.sleep(PAUSE)
            else:
                work.run(number, objective)
        return work.tried()


def best(tried: Sequence[Tried]) -> Tried:
    """Return the trial with the lowest value, the first of several; pruned ones do not count.

    Raises:
        ValueError: there is none with a finite value.
    """
    candidates = [trial for trial in tried if not trial.pruned and math.isfinite(trial.value)]
    expect(len(candidates) > 0, "tried", "a trial with a finite value", list(tried))
    return min(candidates, key=lambda trial: trial.value)


def best_so_far(tried: Sequence[Tried]) -> np.ndarray:
    """Return the lowest value that was known after each trial, (trials,): infinite before the first."""
    values = [math.inf if trial.pruned else trial.value for trial in tried]
    return np.minimum.accumulate(np.array(values, dtype=float))


class Reporting(EarlyStopping):
    """Early stopping that also reports each epoch's loss, so that a search can prune the run.

    To be given to ``labcode.training.fit``. With a patience of at least the number of epochs it only reports.

    Args:
        report: what the search has given to the objective.
        options: those of ``EarlyStopping``.

    Chapter 9.1.
    """

    def __init__(self, report: Report, **options):
        super().__init__(**options)
        expect(callable(report), "report", "the function that the search gives to its objective", report)
        self.report = report

    def update(self, epoch: int, value: float, weights: object = None) -> bool:
        """Report the value, and take it in as ``EarlyStopping`` does.

        Raises:
            optuna.TrialPruned: the run is to end here.
        """
        self.report(value)
        return super().update(epoch, value, weights)


class _Search:
    """One process's hold on a search: takes trials, runs them, and reads what there is."""

    def __init__(self, storage, locks: NoLocks, name: str, space: Space, settings: dict):
        self.locks, self.name, self.space, self.settings = locks, name, space, settings
        pruner = optuna.pruners.NopPruner()
        if settings["pruning"] is not None:
            pruner = optuna.pruners.MedianPruner(n_warmup_steps=settings["pruning"])
        with locks.held(f"search {name}"):
            options = {"study_name": name, "load_if_exists": True, "pruner": pruner}
            self.study = optuna.create_study(storage=storage, **options)
            known = self.study.user_attrs.get("settings", settings)
            expected = f"the settings with which {name!r} was begun, {known}"
            expect(known == settings, "storage", expected, settings)
            if "settings" not in self.study.user_attrs:
                self.study.set_user_attr("settings", settings)

    def finished(self, trials: int, steps: int | None) -> bool:
        """Say whether every trial has ended and no further one may begin."""
        found = self._trials()
        return all(trial.state.is_finished() for trial in found) and not self._may_begin(found, trials, steps)

    def take(self, trials: int, steps: int | None) -> int | None:
        """Take a trial that nobody works on: one that somebody has left, or else a new one."""
        with self.locks.held(f"search {self.name}"):
            found = self._trials()
            for trial in found:
                if not trial.state.is_finished() and self.locks.take(self._lock(trial.number)):
                    if not self._trials()[trial.number].state.is_finished():
                        return trial.number
                    self.locks.release(self._lock(trial.number))  # finished since we looked
            if not self._may_begin(found, trials, steps):
                return None
            place = len(found)
            self.study.enqueue_trial(self._point(place, trials))
            self.locks.take(self._lock(place))
            return place

    def run(self, number: int, objective: Callable) -> None:
        """Run a trial that was taken, and give it back."""
        try:
            trial = self._begin(number)
            point = {key: trial.suggest_float(key, r.low, r.high, log=r.log) for key, r in self.space.items()}
            report = _Reporter(trial, self.settings["pruning"] is not None)
            try:
                result = {"values": _value(objective(point, report))}
            except optuna.TrialPruned:
                result = {"state": TrialState.PRUNED}
            except FloatingPointError:
                result = {"values": math.inf}
            trial.set_user_attr("steps", report.steps)
            self.study.tell(number, skip_if_finished=True, **result)
        except UpdateFinishedTrialError:
            pass  # the lock was lost with its connection, and another process has finished it
        finally:
            self.locks.release(self._lock(number))

    def tried(self) -> list[Tried]:
        """Return the finished trials."""
        return [
            Tried(
                number=trial.number,
                point={key: trial.params[key] for key in self.space},
                value=trial.value,
                steps=trial.user_attrs.get("steps", 0),
                pruned=trial.state == TrialState.PRUNED,
            )
            for trial in self._trials()
        ]

    def _begin(self, number: int) -> optuna.Trial:
        """Mark a trial as running, with a sampler whose draws depend on the seed and its number alone."""
        frozen, storage = self._trials()[number], self.study._storage
        if frozen.state == TrialState.WAITING:
            storage.set_trial_state_values(frozen._trial_id, TrialState.RUNNING)
        words = np.random.SeedSequence([self.settings["seed"], number]).generate_state(1)
        options = {"multivariate": True, "constant_liar": True, "n_startup_trials": STARTUP}
        self.study.sampler = optuna.samplers.TPESampler(seed=int(words[0]), **options)
        return optuna.Trial(self.study, frozen._trial_id)

    def _point(self, place: int, trials: int) -> dict[str, float]:
        """Return what is known of a trial's point before it begins: of TPE's, after its start, nothing."""
        if self.settings["method"] == "grid":
            return grid_points(self.space, trials, seed=self.settings["seed"])[place]
        if self.settings["method"] == "tpe" and place >= STARTUP:
            return {}
        return random_point(self.space, place, seed=self.settings["seed"])

    def _may_begin(self, found: list[FrozenTrial], trials: int, steps: int | None) -> bool:
        spent = sum(trial.user_attrs.get("steps", 0) for trial in found)
        return len(found) < trials and (steps is None or spent < steps)

    def _trials(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False)

    def _lock(self, number: int) -> str:
        return f"trial {number} of {self.name}"


class _Reporter:
    """Takes an objective's reports, and ends its trial when it is to be pruned."""

    def __init__(self, trial: optuna.Trial, pruning: bool):
        self.trial, self.pruning, self.steps = trial, pruning, 0

    def __call__(self, loss: float) -> None:
        """Take the loss of one more step.

        Raises:
            optuna.TrialPruned: the trial is to end here.
        """
        self.steps += 1
        if self.pruning:
            self.trial.report(_value(loss), self.steps - 1)
            if self.trial.should_prune():
                raise optuna.TrialPruned


def _value(value: object) -> float:
    """Return what an objective returned or reported as a float: infinity if it is no finite number."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    expect(is_number, "objective", "a number as its value and in each report", value)
    return float(value) if math.isfinite(value) else math.inf


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what Optuna says about each trial, and its warnings that an option is experimental."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            warnings.filterwarnings("ignore", "The reported value is ignored")  # of a trial begun again
            yield
    finally:
        optuna.logging.set_verbosity(before)
