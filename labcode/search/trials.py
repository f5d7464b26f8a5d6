"""Search for hyperparameters by grid, at random or with TPE, at a budget: a thin layer on Optuna.

Optuna samples, prunes and stores; the engine of the experiments computes, here or elsewhere. This layer adds
what a search on real machines needs: it may be killed at any moment, and the call made again; each point is
tried to its end once, none twice, and none is lost.
"""

import math
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from numbers import Real
from typing import Any

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage

from labcode._checks import check_integer, check_one_of, expect
from labcode.experiments.execute import Engine
from labcode.search.records import DIRECTIONS, Asked, Outcome, Records, Tried, opened
from labcode.search.space import Point, Space, check_space, grid_points

STRATEGIES = ("grid", "random", "tpe")
WORST = {"min": math.inf, "max": -math.inf}

Report = Callable[[float], None]
Objective = Callable[[Point, Report], float]


def search(
    objective: Objective,
    space: Space,
    *,
    trials: int,
    method: str = "random",
    mode: str = "min",
    seed: int = 0,
    steps: int | None = None,
    pruning: int | None = None,
    storage: str | os.PathLike | BaseStorage | None = None,
    name: str = "search",
    jobs: int = 1,
    scheduler: str | None = None,
) -> list[Tried]:
    """Try points of a space until the budget is spent, and return all of them.

    With a storage, call it again after a death or an interruption: what was finished stays, what was begun is
    begun again. This process alone asks and tells; with several jobs others call the objective.

    Args:
        objective: function of (point, report) that returns the value to minimize, such as a validation loss.
            It may call ``report(loss)`` after each epoch, which ends a trial that is to be pruned. NaN and
            infinity, or a ``FloatingPointError``, count as infinitely bad. Any other error ends the search,
            which can go on later. For the same point it should do the same, since it may be begun again.
        space: by the hyperparameter's name, such as that of an argument of the model, where to look: a
            ``Range`` of real numbers, an ``IntRange`` of whole ones, a ``Choice`` of what has no order.
        trials: the budget; for a grid it must make a full one.
        method: "grid", "random", or "tpe" (a model of good and bad points proposes the next one).
        mode: "min" for a loss, "max" for a score.
        seed: draws the points of "random" and "tpe" and the order of "grid". With one job, a search that was
            stopped and goes on tries what it would have tried anyway; with several, what TPE proposes and
            what is pruned depend on which trials are finished by then.
        steps: a second budget, in reports of all trials together: no trial begins once it is spent.
        pruning: how many first reports a trial is safe; after each later one it is pruned if the best it has
            reported is worse than the median of what the trials that were finished when it began had reported
            there. None for no pruning.
        storage: None for the memory of this process; the path of a journal file, which a second process waits
            for while one searches; or a storage of Optuna's, or its URL, which is used as it is. Tools for
            Optuna can read each.
        name: of the search in its storage.
        jobs: trials at a time: 1 calls the objective in this process, more in as many others (-1 for one on
            each core). Those must be able to unpickle it, and see no changes that it makes outside itself.
        scheduler: address of a Dask scheduler, whose workers are used in place of processes of this machine.

    Returns:
        The trials in the order in which they were begun.

    Raises:
        ValueError: a bad argument, or a search of this name that was begun with other settings.

    >>> space = {"lr": Range(1e-4, 1.0, log=True), "num_layers": IntRange(1, 3), "on": Choice(["h", "c"])}
    >>> tried = search(lambda point, report: point["num_layers"], space, trials=20, mode="max")
    >>> best(tried).point["num_layers"]
    3

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
    settings["space"] = [[key, *part.as_list()] for key, part in space.items()]
    if check_one_of("mode", mode, tuple(DIRECTIONS)) == "max":
        settings["mode"] = mode
    if method == "grid":
        settings["trials"] = trials
    engine = _engine(jobs, scheduler)
    with _quiet(), opened(storage) as made:
        records = Records(made, name, space, settings, trials, steps, mode)
        for asked, outcome in engine.results(partial(attempt, objective), records.asked):
            records.tell(asked, outcome)
        return records.tried()


def best(tried: Sequence[Tried]) -> Tried:
    """Return the trial with the best value, the first of several; pruned ones do not count.

    Raises:
        ValueError: there is none with a finite value, or they are of searches for low and for high values.
    """
    candidates = [trial for trial in tried if not trial.pruned and math.isfinite(trial.value)]
    expect(len(candidates) > 0, "tried", "a trial with a finite value", list(tried))
    return (min if _mode(tried) == "min" else max)(candidates, key=lambda trial: trial.value)


def best_so_far(tried: Sequence[Tried]) -> np.ndarray:
    """Return the best value that was known after each trial, (trials,): infinitely bad before the first.

    Raises:
        ValueError: trials of searches for low and for high values.
    """
    mode = _mode(tried)
    values = [WORST[mode] if trial.pruned else trial.value for trial in tried]
    accumulate = (np.minimum if mode == "min" else np.maximum).accumulate
    return accumulate(np.array(values, dtype=float))


def attempt(objective: Objective, asked: Asked) -> Outcome:
    """Call the objective at a point, in whatever process, and return what became of it."""
    with _quiet():
        report = _Reporter(asked)
        try:
            value = _value(objective(dict(asked.point), report), asked.mode)
        except optuna.TrialPruned:
            value = None
        except FloatingPointError:
            value = WORST[asked.mode]
        return Outcome(tuple(report.reports), value)


class _Reporter:
    """Takes an objective's reports, and ends its trial when it is to be pruned."""

    def __init__(self, asked: Asked):
        self.reports: list[float] = []
        self.trial, self.mode = None, asked.mode
        if asked.pruning is not None:
            pruner = optuna.pruners.MedianPruner(n_warmup_steps=asked.pruning)
            study = optuna.create_study(pruner=pruner, direction=DIRECTIONS[asked.mode])
            study.add_trials(asked.finished)
            self.trial = study.ask()

    def __call__(self, loss: float) -> None:
        """Take the loss of one more step.

        Raises:
            optuna.TrialPruned: the trial is to end here.
        """
        self.reports.append(_value(loss, self.mode))
        if self.trial is not None:
            self.trial.report(self.reports[-1], len(self.reports) - 1)
            if self.trial.should_prune():
                raise optuna.TrialPruned


def _engine(jobs: int, scheduler: str | None) -> Engine:
    if scheduler is not None:
        return Engine("dask", scheduler=scheduler)
    return Engine("sequential") if jobs == 1 else Engine("loky", jobs)


def _value(value: Any, mode: str) -> float:
    """Return what an objective returned or reported as a float, infinitely bad if it is no finite number."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    expect(is_number, "objective", "a number as its value and in each report", value)
    return float(value) if math.isfinite(value) else WORST[mode]


def _mode(tried: Sequence[Tried]) -> str:
    modes = {trial.mode for trial in tried} or {"min"}
    expect(len(modes) == 1, "tried", "trials of one mode", sorted(modes))
    return modes.pop()


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
