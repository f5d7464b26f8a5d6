"""What the processes of ``test_search.py`` do: a small search, with a log of what begins and ends when."""

import os
import signal
import time

import optuna
from optuna.storages.journal import JournalFileBackend, JournalStorage

from labcode.search import Tried, search
from labcode.search.space import Range, random_point

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
SPACE = {"l2": Range(1e-4, 1.0, log=True), "rate": Range(0.0, 0.8)}
CHANGES = ("create_new_study", "create_new_trial", "set_study_user_attr", "set_trial_param")
CHANGES += ("set_trial_intermediate_value", "set_trial_state_values", "set_trial_user_attr")


def bowl(point):
    """A value that is lowest at l2 = 0.01, rate = 0.4."""
    return (point["l2"] ** 0.25 - 0.01**0.25) ** 2 + (point["rate"] - 0.4) ** 2


def write(log, *words):
    """Append one line to the log, in one piece."""
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, (" ".join(map(str, words)) + "\n").encode())
    os.close(handle)


def logged(log, nap=0.0):
    """Return an objective that reports three times, and logs its process and its point."""

    def objective(point, report):
        name = f"{point['l2']!r},{point['rate']!r}"
        write(log, "begin", os.getpid(), name)
        for step in (3, 2, 1):
            report(bowl(point) + step / 10)
            time.sleep(nap)
        write(log, "end", os.getpid(), name)
        return bowl(point)

    return objective


def report_and_return(point, report):
    """An objective that reports three times."""
    for step in (3, 2, 1):
        report(bowl(point) + step / 10)
    return bowl(point)


def die_once(path, how, point, report):
    """An objective that, the first time it is called for the fourth point, dies or fails."""
    report(bowl(point))
    if point == random_point(SPACE, 3, seed=0) and not path.exists():
        path.touch()
        if how == "kill":
            os.kill(os.getpid(), KILL)
        raise RuntimeError("out of memory")
    return bowl(point)


def die_at(change, when):
    """Have this process kill itself before, in the middle of, or after its n-th change of a journal."""
    counted = []

    def watched(method):
        def call(self, *args, **options):
            counted.append(method)
            if len(counted) == change and when == "before":
                os.kill(os.getpid(), KILL)
            result = method(self, *args, **options)
            if len(counted) == change and when == "after":
                os.kill(os.getpid(), KILL)
            return result

        return call

    def torn(self, logs):
        counted.append(logs)
        if len(counted) == change:
            self._lock.acquire()
            with open(self._file_path, "ab") as journal:
                journal.write(b'{"op_code":5,"worker_')
            os.kill(os.getpid(), KILL)
        append(self, logs)

    if when == "torn":
        append, JournalFileBackend.append_logs = JournalFileBackend.append_logs, torn
        return
    for name in CHANGES:
        setattr(JournalStorage, name, watched(getattr(JournalStorage, name)))


def worker(log, change, when, options):
    """What a child does: a search, to its end or until it dies."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if when:
        die_at(change, when)
    search(logged(log, nap=0.004), SPACE, **options)


def finished(journal, name):
    """Return the trials that a dead search has finished, by number, as Optuna reads them."""
    if not journal.exists():
        return {}
    whole = journal.read_bytes().rpartition(b"\n")[0] + b"\n"
    copy = journal.with_name("copy")
    copy.write_bytes(whole)
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(copy))), study_name=name, load_if_exists=True
    )
    return {
        t.number: Tried(t.number, t.params, t.value, t.user_attrs["steps"], t.state.name == "PRUNED")
        for t in study.trials
        if t.state.is_finished()
    }


def draw_death(rng):
    """Return a place at which a child is to die by itself, or (0, None) for a death from outside."""
    when = rng.choice([None, None, "before", "after", "torn"])
    return (rng.randint(1, 60), when) if when else (0, None)
