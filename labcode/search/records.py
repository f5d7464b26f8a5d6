"""The records of a search on Optuna: which point comes next, what became of it, and what a death has left.

One process asks and tells, whoever computes. A trial is on record before its objective is called, and
finished in one step; so what was begun and is not finished is begun again, at the same point.
"""

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import optuna
from filelock import FileLock, Timeout
from optuna.storages import BaseStorage, InMemoryStorage, get_storage
from optuna.storages.journal import JournalFileBackend, JournalStorage
from optuna.trial import FrozenTrial, TrialState

from labcode._checks import expect
from labcode.search.space import Point, Space, grid_points, random_point

DIRECTIONS: dict[str, Literal["minimize", "maximize"]] = {"min": "minimize", "max": "maximize"}
STARTUP = 5  # trials that TPE draws at random before it models anything: half of Optuna's, for small budgets


@dataclass(frozen=True)
class Tried:
    """One finished trial.

    Attributes:
        number: its place in the search, from 0.
        point: the hyperparameters, by name.
        value: what the objective returned; of a pruned trial the last value that was reported.
        steps: how often the objective has reported, such as epochs.
        pruned: whether it was stopped before its end.
        mode: "min" if the search was for a low value, "max" if for a high one.
    """

    number: int
    point: Point
    value: float
    steps: int
    pruned: bool
    mode: str = "min"


@dataclass(frozen=True)
class Asked:
    """A trial that is to be done, with all that the process which does it has to know.

    Attributes:
        number, point: as in ``Tried``.
        pruning: how many first reports it is safe; None if it is not to be pruned.
        finished: the trials with which its reports are compared.
        mode: as in ``Tried``.
    """

    number: int
    point: Point
    pruning: int | None
    finished: tuple[FrozenTrial, ...]
    mode: str = "min"


@dataclass(frozen=True)
class Outcome:
    """What became of a trial: what it reported, and the value that it returned, None if it was pruned."""

    reports: tuple[float, ...]
    value: float | None


class Records:
    """What a search has on record.

    Args:
        storage: as Optuna takes it.
        name: of the search in the storage.
        space: where it looks.
        settings: "method", "seed", "pruning", and what else must be the same when the search goes on.
        trials, steps, mode: the budgets and the direction, as in ``search``.

    Raises:
        ValueError: the storage knows a search of this name with other settings.
    """

    def __init__(
        self,
        storage: BaseStorage,
        name: str,
        space: Space,
        settings: Mapping[str, Any],
        trials: int,
        steps: int | None,
        mode: str = "min",
    ):
        self.space, self.settings, self.trials, self.steps = space, settings, trials, steps
        self.mode = mode
        self.study = optuna.create_study(
            storage=storage, study_name=name, load_if_exists=True, direction=DIRECTIONS[mode]
        )
        known = self.study.user_attrs.get("settings", settings)
        expect(known == settings, "storage", f"the settings with which {name!r} was begun, {known}", settings)
        if "settings" not in self.study.user_attrs:
            self.study.set_user_attr("settings", settings)
        self._begun: dict[int, optuna.Trial] = {}
        self._lock = threading.Lock()  # an engine asks from another thread than the one that is told

    def asked(self) -> Iterator[Asked]:
        """Yield the trials to do: first those that were begun and not finished, then new ones."""
        mine = set()
        while True:
            with self._lock:
                found = self._found()
                left = [t.number for t in found if not t.state.is_finished() and t.number not in mine]
                if not left and not self._may_begin(found):
                    return
                number = left[0] if left else self._add(len(found))
                mine.add(number)
                one = self._begin(number)
            yield one

    def tell(self, asked: Asked, outcome: Outcome) -> None:
        """Put on record what became of a trial."""
        pruned = outcome.value is None
        with self._lock:
            trial = self._begun.pop(asked.number)
            if pruned or asked.pruning is not None:
                for step, value in enumerate(outcome.reports):
                    trial.report(value, step)
            trial.set_user_attr("steps", len(outcome.reports))
            ended = {"state": TrialState.PRUNED} if pruned else {"values": outcome.value}
            self.study.tell(trial, **ended)

    def tried(self) -> list[Tried]:
        """Return the finished trials."""
        return [
            Tried(
                number=trial.number,
                point={key: trial.params[key] for key in self.space},
                value=trial.value,  # type: ignore[arg-type] # which a finished trial has
                steps=trial.user_attrs.get("steps", 0),
                pruned=trial.state == TrialState.PRUNED,
                mode=self.mode,
            )
            for trial in self._found()
        ]

    def _may_begin(self, found: Sequence[FrozenTrial]) -> bool:
        spent = sum(trial.user_attrs.get("steps", 0) for trial in found)
        return len(found) < self.trials and (self.steps is None or spent < self.steps)

    def _add(self, place: int) -> int:
        """Put a new trial on record, with what is known of its point: of TPE's, after its start, nothing."""
        point = {}
        if self.settings["method"] == "grid":
            point = grid_points(self.space, self.trials, seed=self.settings["seed"])[place]
        elif self.settings["method"] == "random" or place < STARTUP:
            point = random_point(self.space, place, seed=self.settings["seed"])
        self.study.enqueue_trial(point)
        return place

    def _begin(self, number: int) -> Asked:
        """Mark a trial as running, with a sampler whose draws depend on the seed and its number alone."""
        found = self._found()
        frozen = found[number]
        if frozen.state == TrialState.WAITING:
            self.study._storage.set_trial_state_values(frozen._trial_id, TrialState.RUNNING)
        words = np.random.SeedSequence([self.settings["seed"], number]).generate_state(1)
        self.study.sampler = optuna.samplers.TPESampler(
            seed=int(words[0]), multivariate=True, constant_liar=True, n_startup_trials=STARTUP
        )
        trial = self._begun[number] = optuna.Trial(self.study, frozen._trial_id)
        point = {key: part.suggest(trial, key) for key, part in self.space.items()}
        pruning = self.settings["pruning"]
        compared = () if pruning is None else tuple(t for t in found if t.state == TrialState.COMPLETE)
        return Asked(number, point, pruning, compared, self.mode)

    def _found(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False)


@contextmanager
def opened(storage: str | os.PathLike | BaseStorage | None) -> Iterator[BaseStorage]:
    """Open a storage inside the block.

    Args:
        storage: None for the memory of this process, the path of a journal file, or a storage of Optuna's or
            the URL of one, which is used as it is.

    Raises:
        ValueError: something else, or what Optuna cannot open.
    """
    expected = "None, the path of a journal file, or a storage of Optuna's or its URL"
    expect(
        storage is None or isinstance(storage, str | os.PathLike | BaseStorage), "storage", expected, storage
    )
    if storage is None:
        yield InMemoryStorage()
    elif isinstance(storage, BaseStorage):
        yield storage
    elif "://" in str(storage):
        yield _from_url(str(storage))
    else:
        with _journal(Path(storage)) as journal:
            yield journal


def _from_url(url: str) -> BaseStorage:
    try:
        return get_storage(url)
    except Exception as error:  # of SQLAlchemy, or of a driver that is missing
        scheme = url.partition("://")[0]
        raise ValueError(
            f"storage: expected a URL that Optuna can open, received {scheme}:// ({error})"
        ) from error


@contextmanager
def _journal(path: Path) -> Iterator[JournalStorage]:
    """Open a journal for this process alone: another one waits until it ends, however it ends."""
    fits = str(path) not in ("", ".") and not path.is_dir()
    expect(fits, "storage", "the path of a journal file", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(f"{path}.lock", thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        print(f"Another process searches in {path.name}; waiting until it ends.")
        lock.acquire()
    try:
        path.touch()
        whole = path.read_bytes().rfind(b"\n") + 1
        os.truncate(path, whole)  # a death may have left half a line
        # Optuna asks of a lock what filelock's have, too: acquire and release
        yield JournalStorage(JournalFileBackend(os.fspath(path), lock_obj=lock))  # type: ignore[arg-type]
    finally:
        lock.release()
