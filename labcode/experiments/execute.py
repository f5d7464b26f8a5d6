"""Many runs on all cores, or on a Dask cluster: this process claims and records, workers only compute."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from joblib import Parallel, delayed, parallel_config
from tqdm.auto import tqdm

from labcode._checks import check_integer, check_one_of, expect
from labcode.experiments.store import Store

BACKENDS = ("loky", "dask", "sequential")
RESTARTS = 5  # of the workers in a row, without one finished run between them
SETTINGS = {"loky": {"idle_worker_timeout": 30}}  # seconds after which workers of a killed process end
PAUSE = 0.2  # seconds between two looks at runs that another process has claimed


T = TypeVar("T")
R = TypeVar("R")


class Keyed(Protocol):
    """What can be run: a ``Run`` of an experiment or a ``Call`` of a study; the store knows it by its key."""

    @property
    def key(self) -> str:
        """The name of its record."""


K = TypeVar("K", bound=Keyed)


@dataclass(frozen=True)
class Engine:
    """Where runs are computed.

    Attributes:
        backend: joblib's "loky" (processes of this machine), "dask" or, for tests, "sequential".
        jobs: processes of "loky", -1 for one on each core; "dask" uses all of its workers.
        scheduler: address of the Dask scheduler; needed with "dask", and only there.

    Raises:
        ValueError: another backend, a number of jobs below 1 (but -1), a scheduler missing or left over.
    """

    backend: str = "loky"
    jobs: int = -1
    scheduler: str | None = None

    def __post_init__(self):
        check_one_of("backend", self.backend, BACKENDS)
        if self.jobs != -1:
            check_integer("jobs", self.jobs, low=1)
        fits = (self.scheduler is not None) == (self.backend == "dask")
        expect(fits, "scheduler", "an address with the backend 'dask', none without", self.scheduler)

    def results(self, work: Callable[[T], R], runs: Callable[[], Iterator[T]]) -> Iterator[tuple[T, R]]:
        """Yield each run with its result, as it comes in; runs are taken only as workers become free.

        Where a worker dies (killed, out of memory), the pool begins anew with the runs that are left.

        Args:
            work: function of a run that a worker calls.
            runs: returns the runs that are still to do; they are taken in any thread of this process.

        Raises:
            RuntimeError: workers die again and again without finishing anything.
        """
        deaths = 0
        while True:
            try:
                for pair in self._results(work, runs()):
                    deaths = 0
                    yield pair
                return
            except BrokenProcessPool as error:
                deaths += 1
                if deaths > RESTARTS:
                    message = f"workers: expected them to finish a run, received {deaths} deaths in a row"
                    raise RuntimeError(message) from error
                tqdm.write("A worker process died; starting again with the rest.")

    def _results(self, work: Callable[[T], R], runs: Iterator[T]) -> Iterator[tuple[T, R]]:
        """Yield results until the first death; what goes wrong in taking a run is raised at the end."""
        errors = []

        def taken() -> Iterator[T]:
            try:
                yield from runs
            except Exception as error:  # joblib would wait for ever
                errors.append(error)

        with self._workers():
            pool = Parallel(return_as="generator_unordered", pre_dispatch="n_jobs", batch_size=1)
            yield from pool(delayed(_paired)(work, run, os.getpid()) for run in taken())
        if errors:
            raise errors[0]

    @contextmanager
    def _workers(self) -> Iterator[None]:
        """Make joblib use the backend inside the block."""
        if self.backend != "dask":
            with parallel_config(self.backend, n_jobs=self.jobs, **SETTINGS.get(self.backend, {})):
                yield
            return
        try:
            from distributed import Client
        except ImportError as error:
            message = "backend: expected the extra [distributed] with 'dask', received no package distributed"
            raise ValueError(message) from error
        with Client(self.scheduler) as client, parallel_config("dask", client=client):
            yield


def _paired(work: Callable[[T], R], run: T, parent: int) -> tuple[T, R]:
    """Do a run, in a worker or in the process ``parent`` itself, and return it with its result."""
    if os.getpid() != parent and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent answers it
        tqdm.set_lock(threading.RLock())  # its default is a semaphore, which a killed worker would leave
    return run, work(run)


def execute(
    runs: Iterable[K],
    work: Callable[[K], dict],
    record: Callable[[K, dict], None],
    store: Store,
    engine: Engine,
    bar: tqdm,
) -> None:
    """Do every run that has no record yet, and return when all have one.

    Runs that another process has claimed are waited for, and taken over if that process dies.

    Args:
        runs: what to do, each run once.
        work: function of the run that a worker calls.
        record: function of (run, result) that writes the record of a claimed run into the store.
        store: keeps the records, under the runs' keys.
        engine: where to compute.
        bar: progress, one step for each run.

    Raises:
        RuntimeError: workers die again and again without finishing anything.
    """
    waiting = {run.key: run for run in runs}

    def claimed() -> Iterator[K]:
        store.release()
        return (run for key, run in list(waiting.items()) if store.claim(key))

    while waiting:
        _skip(bar, [waiting.pop(key) for key in list(waiting) if key in store])
        before = len(waiting)
        try:
            for run, result in engine.results(work, claimed):
                record(run, result)
                del waiting[run.key]
                bar.update()
        finally:
            store.release()
        if len(waiting) == before > 0:
            time.sleep(PAUSE)


def _skip(bar: tqdm, done: list[Keyed]) -> None:
    """Count runs that were done before or elsewhere, without taking them for speed."""
    if not bar.disable:
        bar.initial += len(done)
        bar.n += len(done)
        bar.refresh()
