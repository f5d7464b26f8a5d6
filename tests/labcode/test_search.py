"""Searches: the points, the methods, several jobs, and searches that are killed at any moment.

LABCODE_KILLS=200 pytest tests/labcode/test_search.py makes the kills many; with -s the counts are shown.
"""

import itertools
import math
import multiprocessing
import os
import random
import sys
import tempfile
import threading
import time
from functools import partial

import numpy as np
import optuna
import pytest
from optuna.storages.journal import JournalFileBackend, JournalStorage
from scipy import stats
from search_runs import (
    KILL,
    SPACE,
    bowl,
    die_once,
    draw_death,
    finished,
    logged,
    report_and_return,
    worker,
)

from labcode.lstm import SequenceModel
from labcode.search import Choice, IntRange, best, best_so_far, search
from labcode.search.records import STARTUP, opened
from labcode.search.space import Range, grid_points, random_point

METHOD = "forkserver" if sys.platform == "linux" else "spawn"
KILLS = int(os.environ.get("LABCODE_KILLS", "5"))
KINDS = [
    {"method": "random", "trials": 30},
    {"method": "grid", "trials": 25},
    {"method": "tpe", "trials": 30},
    {"method": "tpe", "trials": 30, "pruning": 1},
]


def value(point, report):
    return bowl(point)


# Ranges and points


def test_a_range_is_measured_on_its_own_scale():
    linear, log = Range(2.0, 4.0), Range(1e-4, 1.0, log=True)
    assert [linear.at(share) for share in (0, 0.25, 1)] == [2.0, 2.5, 4.0]
    np.testing.assert_allclose([log.at(share) for share in (0, 0.25, 1)], [1e-4, 1e-3, 1.0], rtol=1e-12)
    np.testing.assert_allclose(log.levels(5), np.geomspace(1e-4, 1, 5), rtol=1e-12)
    assert linear.levels(3) == [2.0, 3.0, 4.0]
    assert linear.levels(1) == [3.0]


def test_a_finer_range_lies_inside_and_has_its_share():
    log, linear = Range(1e-4, 1.0, log=True), Range(0.0, 0.8)
    fine = log.near(0.01, 0.5)
    np.testing.assert_allclose([fine.low, fine.high], [1e-3, 1e-1], rtol=1e-9)
    assert fine.log
    np.testing.assert_allclose([linear.near(0.8, 0.25).low, linear.near(0.8, 0.25).high], [0.6, 0.8])
    np.testing.assert_allclose([log.near(2e-4, 0.5).low, log.near(2e-4, 0.5).high], [1e-4, 1e-2], rtol=1e-9)
    assert linear.near(0.3, 1.0) == linear


def test_random_points_are_spread_evenly_on_each_scale():
    points = [random_point(SPACE, place, seed=3) for place in range(2000)]
    l2, rate = ([point[name] for point in points] for name in SPACE)
    assert stats.kstest(l2, stats.loguniform(1e-4, 1).cdf).pvalue > 0.01
    assert stats.kstest(rate, stats.uniform(0, 0.8).cdf).pvalue > 0.01
    assert abs(stats.spearmanr(l2, rate).statistic) < 0.08
    assert len(set(l2)) == 2000
    assert random_point(SPACE, 7, seed=3) == points[7]
    assert random_point(SPACE, 7, seed=4) != points[7]
    neighbours = [random_point(SPACE, place, seed=seed) for seed in range(20) for place in range(20)]
    assert len({tuple(point.values()) for point in neighbours}) == 400, "searches of two seeds share points"


def test_a_grid_has_every_combination_once():
    points = grid_points(SPACE, 25, seed=0)
    levels = [part.levels(5) for part in SPACE.values()]
    assert sorted(tuple(point.values()) for point in points) == sorted(itertools.product(*levels))
    assert points != grid_points(SPACE, 25, seed=1)


# One process


@pytest.mark.parametrize("method", ["grid", "random", "tpe"])
def test_a_search_tries_its_budget_and_knows_the_best(method):
    tried = search(value, SPACE, trials=25, method=method, seed=1)
    assert [trial.number for trial in tried] == list(range(25))
    assert [trial.value for trial in tried] == [bowl(trial.point) for trial in tried]
    assert len({tuple(trial.point.values()) for trial in tried}) == 25
    assert best(tried).value == min(bowl(trial.point) for trial in tried) == best_so_far(tried)[-1]
    for trial in tried:
        assert all(SPACE[name].low <= place <= SPACE[name].high for name, place in trial.point.items())
    assert tried == search(value, SPACE, trials=25, method=method, seed=1)
    assert tried != search(value, SPACE, trials=25, method=method, seed=2)


def test_tpe_begins_at_random_and_then_comes_closer():
    chance, model = (
        [search(value, SPACE, trials=40, method=m, seed=s) for s in range(5)] for m in ("random", "tpe")
    )
    for by_chance, by_model in zip(chance, model, strict=True):
        same = [a.point == b.point for a, b in zip(by_chance, by_model, strict=True)]
        assert same == [True] * STARTUP + [False] * (40 - STARTUP)
    later = [
        np.mean([trial.value for tried in found for trial in tried[STARTUP:]]) for found in (chance, model)
    ]
    assert later[1] < 0.9 * later[0]


def test_a_pruned_trial_is_worse_than_the_median_before_it_and_never_the_best():
    def objective(point, report):
        for step in range(4):
            report(bowl(point) + 1 - step / 10)
        return bowl(point)

    tried = search(objective, SPACE, trials=40, pruning=2, seed=5)
    finished = []
    for trial in tried:
        fewer = len(finished) < 5  # as many does Optuna want before it prunes
        worse = not fewer and bowl(trial.point) > np.median([bowl(t.point) for t in finished])
        assert (trial.pruned, trial.steps) == ((True, 3) if worse else (False, 4)), trial
        finished += [] if trial.pruned else [trial]
    assert 5 < sum(trial.pruned for trial in tried) < 35
    assert best(tried).value == min(bowl(trial.point) for trial in finished)
    assert best_so_far(tried)[-1] == best(tried).value


def test_a_budget_of_steps_ends_a_search_before_its_last_trial():
    tried = search(logged(os.devnull), SPACE, trials=50, steps=31)
    assert len(tried) == 11
    assert sum(trial.steps for trial in tried) == 33
    assert len(search(logged(os.devnull), SPACE, trials=5, steps=31)) == 5


def test_what_is_no_number_counts_as_infinitely_bad():
    def objective(point, report):
        if point["rate"] > 0.6:
            raise FloatingPointError("a loss became infinite")
        return math.nan if point["rate"] > 0.4 else point["rate"]

    tried = search(objective, SPACE, trials=30, method="tpe")
    assert [trial.value for trial in tried] == [
        math.inf if trial.point["rate"] > 0.4 else trial.point["rate"] for trial in tried
    ]
    assert best(tried).point["rate"] <= 0.4
    with pytest.raises(ValueError, match=r"expected a trial with a finite value, received"):
        best([trial for trial in tried if math.isinf(trial.value)])
    with pytest.raises(ValueError, match=r"expected a number as its value"):
        search(lambda point, report: "low", SPACE, trials=1)


def test_nothing_of_optunas_settings_is_changed_outside(caplog):
    before = optuna.logging.get_verbosity()
    search(value, SPACE, trials=2)
    assert optuna.logging.get_verbosity() == before


# Whole numbers, categories, and scores


MIXED = {
    "lr": Range(1e-4, 1e-1, log=True),
    "hidden_size": IntRange(8, 64, step=8),
    "num_layers": IntRange(1, 3),
    "on": Choice(["h", "g", "c"]),
    "tied": Choice([True, False]),
}


def score(point, report):
    """A score that is highest with 32 units, 2 layers, masks on g."""
    found = -abs(point["hidden_size"] - 32) / 8 - abs(point["num_layers"] - 2) - (point["on"] != "g")
    report(found - 1)
    report(found)
    return found


@pytest.mark.parametrize("method", ["random", "tpe"])
def test_points_have_the_types_that_a_model_takes(method):
    tried = search(score, MIXED, trials=12, method=method, mode="max")
    for trial in tried:
        assert [type(value) for value in trial.point.values()] == [float, int, int, str, bool]
        assert trial.value == score(trial.point, lambda value: None)
    assert best(tried).value == max(trial.value for trial in tried) == best_so_far(tried)[-1]
    names = ("hidden_size", "num_layers", "on")
    SequenceModel(
        3, output_size=1, recurrent_dropout=0.1, **{name: best(tried).point[name] for name in names}
    )


@pytest.mark.parametrize("method", ["random", "tpe"])
def test_a_score_is_a_loss_upside_down(method):
    def loss(point, report):
        return -score(point, lambda value: report(-value))

    options = {"trials": 30, "method": method, "pruning": 0, "seed": 3}
    up, down = search(score, MIXED, mode="max", **options), search(loss, MIXED, **options)
    assert [(t.point, -t.value, t.pruned) for t in up] == [(t.point, t.value, t.pruned) for t in down]
    assert any(trial.pruned for trial in up)
    assert best(up).point == best(down).point
    np.testing.assert_array_equal(best_so_far(up), -best_so_far(down))
    with pytest.raises(ValueError, match="tried: expected trials of one mode"):
        best(up + down)


def test_what_is_no_number_is_the_worst_score():
    def objective(point, report):
        if point["num_layers"] == 1:
            raise FloatingPointError
        return math.inf if point["num_layers"] == 2 else 0.5

    tried = search(objective, MIXED, trials=20, mode="max")
    assert {t.value for t in tried if t.point["num_layers"] < 3} == {-math.inf}
    assert best(tried).value == 0.5
    assert best_so_far(tried)[-1] == 0.5


@pytest.mark.parametrize("kind", ["journal", "database"])
def test_mixed_spaces_go_on_where_they_were(kind, tmp_path):
    storage = {"journal": tmp_path / "journal", "database": f"sqlite:///{tmp_path / 'searches.db'}"}[kind]
    options = {"method": "tpe", "mode": "max", "storage": storage}
    search(score, MIXED, trials=7, **options)
    whole = search(score, MIXED, trials=10, **options)
    assert whole == search(score, MIXED, trials=10, **options | {"storage": None})
    assert [type(value) for value in whole[0].point.values()] == [float, int, int, str, bool]
    changes = {
        "num_layers": IntRange(1, 4),
        "hidden_size": IntRange(8, 64),
        "on": Choice(["h", "c", "g"]),
        "tied": Choice([1, 0]),
        "lr": IntRange(1, 2),
    }
    for name, part in changes.items():
        with pytest.raises(ValueError, match=r"storage: expected the settings with which 'search' was begun"):
            search(score, MIXED | {name: part}, trials=10, **options)
    with pytest.raises(ValueError, match=r"storage: expected the settings with which 'search' was begun"):
        search(score, MIXED, trials=10, **options | {"mode": "min"})
    with pytest.raises(ValueError, match="mode: expected one of 'min', 'max', received 'maximize'"):
        search(score, MIXED, trials=10, mode="maximize")


def test_numbers_may_be_numpy_s():
    space = {"lr": Range(np.float32(0.1), np.float64(0.2)), "units": IntRange(np.int64(8), np.int32(16))}
    tried = search(lambda p, report: np.float32(p["units"]), space, trials=np.int64(4), seed=np.int64(1))
    assert [type(value) for value in tried[0].point.values()] == [float, int]
    plain = {"lr": Range(float(np.float32(0.1)), 0.2), "units": IntRange(8, 16)}
    assert [t.point for t in tried] == [random_point(plain, n, seed=1) for n in range(4)]


# Interruptions


@pytest.mark.parametrize("method", ["grid", "random", "tpe"])
def test_a_search_that_is_interrupted_goes_on_as_if_nothing_had_happened(method, tmp_path):
    options = {"trials": 25, "method": method, "pruning": 1}
    whole = search(logged(os.devnull), SPACE, **options)
    log, reports = tmp_path / "log", itertools.count()

    def interrupted(point, report):
        def report_or_stop(loss):
            number = next(reports)
            if number % 20 == 19:
                raise KeyboardInterrupt if number % 40 == 39 else RuntimeError("out of memory")
            report(loss)

        return logged(log)(point, report_or_stop)

    stops, found = 0, None
    while found is None:
        try:
            found = search(interrupted, SPACE, storage=tmp_path / "journal", **options)
        except (KeyboardInterrupt, RuntimeError):
            stops += 1
    assert stops >= 3
    assert found == whole
    assert search(interrupted, SPACE, storage=tmp_path / "journal", **options) == whole
    ends = [line for line in log.read_text().splitlines() if line.startswith("end")]
    assert len(ends) == sum(not trial.pruned for trial in whole)


def test_a_larger_budget_goes_on_after_the_smaller_one(tmp_path):
    few = search(value, SPACE, trials=8, storage=tmp_path / "journal")
    more = search(value, SPACE, trials=12, storage=tmp_path / "journal")
    assert more[:8] == few
    assert more == search(value, SPACE, trials=12)


def test_other_settings_are_refused_and_other_names_are_other_searches(tmp_path):
    options = {"trials": 4, "storage": tmp_path / "journal"}
    first = search(value, SPACE, **options)
    for other in ({"seed": 1}, {"method": "grid"}, {"pruning": 0}, {"space": {"l2": SPACE["l2"]}}):
        with pytest.raises(ValueError, match=r"storage: expected the settings with which 'search' was begun"):
            search(value, **{"space": SPACE, **options, **other})
    assert search(value, SPACE, name="journal", **options) == first


def test_a_line_that_was_left_half_written_is_removed(tmp_path):
    journal = tmp_path / "journal"
    search(value, SPACE, trials=4, storage=journal)
    with journal.open("ab") as file:
        file.write(b'{"op_code":4,"worker')
    assert search(value, SPACE, trials=9, storage=journal) == search(value, SPACE, trials=9)
    assert b'worker{"op' not in journal.read_bytes()


def test_optuna_itself_reads_what_was_stored(tmp_path):
    tried = search(value, SPACE, trials=12, method="tpe", storage=tmp_path / "journal", name="bowl")
    backend = optuna.storages.journal.JournalFileBackend(str(tmp_path / "journal"))
    study = optuna.load_study(study_name="bowl", storage=optuna.storages.JournalStorage(backend))
    assert [trial.params for trial in study.trials] == [trial.point for trial in tried]
    assert study.best_trial.number == best(tried).number
    assert {trial.state.name for trial in study.trials} == {"COMPLETE"}


# Storages of Optuna's


@pytest.mark.parametrize("kind", ["memory", "journal", "database", "url"])
def test_a_storage_of_optunas_works_as_it_is(kind, tmp_path):
    url = f"sqlite:///{tmp_path / 'searches.db'}"
    storage = {
        "memory": optuna.storages.InMemoryStorage,
        "journal": lambda: JournalStorage(JournalFileBackend(str(tmp_path / "journal"))),
        "database": lambda: optuna.storages.RDBStorage(url),
        "url": lambda: url,
    }[kind]()
    options = {"trials": 12, "method": "tpe", "storage": storage, "name": "bowl", "pruning": 1}
    first = search(report_and_return, SPACE, **options | {"trials": 8})
    whole = search(report_and_return, SPACE, **options)
    assert whole[:8] == first
    assert whole == search(report_and_return, SPACE, **options | {"storage": None})
    study = optuna.load_study(study_name="bowl", storage=storage)
    assert [trial.params for trial in study.trials] == [trial.point for trial in whole]


def test_other_studies_of_a_storage_are_left_alone():
    storage = optuna.storages.InMemoryStorage()
    study = optuna.create_study(storage=storage, study_name="mine")
    study.enqueue_trial({"x": 1.0})
    search(value, SPACE, trials=3, storage=storage)
    assert [trial.state.name for trial in study.trials] == ["WAITING"]


# Several jobs


def test_several_jobs_try_the_same_points_once_each(tmp_path):
    one = search(value, SPACE, trials=12, seed=3)
    log = tmp_path / "log"
    two = search(logged(log), SPACE, trials=12, seed=3, jobs=2, storage=tmp_path / "journal")
    assert [(t.number, t.point, t.value) for t in two] == [(t.number, t.point, t.value) for t in one]
    assert {trial.steps for trial in two} == {3}
    begun = [line.split()[1:] for line in log.read_text().splitlines() if line.startswith("begin")]
    assert len(begun) == 12
    assert str(os.getpid()) not in {process for process, _ in begun}


def test_an_error_in_another_process_ends_the_search_and_the_next_call_goes_on(tmp_path):
    objective, options = partial(die_once, tmp_path / "died", "error"), {"trials": 8, "jobs": 2}
    with pytest.raises(RuntimeError, match="out of memory"):
        search(objective, SPACE, storage=tmp_path / "journal", **options)
    assert len(search(objective, SPACE, storage=tmp_path / "journal", **options)) == 8


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no such kill")
def test_a_worker_that_is_killed_costs_nothing_but_time(tmp_path):
    objective = partial(die_once, tmp_path / "died", "kill")
    tried = search(objective, SPACE, trials=8, jobs=2, pruning=2)
    assert (tmp_path / "died").exists()
    assert [trial.point for trial in tried] == [random_point(SPACE, n, seed=0) for n in range(8)]
    assert [trial.value for trial in tried if not trial.pruned] == [
        bowl(trial.point) for trial in tried if not trial.pruned
    ]


def test_what_goes_wrong_in_asking_is_raised(monkeypatch):
    """With several jobs it goes wrong in a thread of joblib's, which would wait for ever."""
    calls = []

    def full(space, place, *, seed):
        calls.append(place)
        if len(calls) > 4:
            raise OSError("no space left on device")
        return random_point(space, place, seed=seed)

    monkeypatch.setattr("labcode.search.records.random_point", full)
    with pytest.raises(OSError, match="no space left"):
        search(report_and_return, SPACE, trials=10, jobs=2)


def test_a_search_on_dask():
    distributed = pytest.importorskip("distributed", reason="needs the extra [distributed]")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        tried = search(report_and_return, SPACE, trials=6, seed=3, scheduler=cluster.scheduler_address)
    assert tried == search(report_and_return, SPACE, trials=6, seed=3)


def test_a_second_process_waits_for_its_turn(tmp_path, capsys):
    """Two at once would take each other's trials for those of the dead."""
    journal, done = tmp_path / "journal", threading.Event()

    def second():
        search(value, SPACE, trials=3, storage=journal)
        done.set()

    with opened(journal):
        thread = threading.Thread(target=second, daemon=True)
        thread.start()
        assert not done.wait(0.3)
    assert done.wait(60)
    assert "waiting until it ends" in capsys.readouterr().out


# Kills


@pytest.fixture
def context():
    context = multiprocessing.get_context(METHOD)
    if METHOD == "forkserver":
        from multiprocessing import forkserver  # not there on Windows

        forkserver._forkserver._stop()  # one that another test has started has imported other modules
        context.set_forkserver_preload(["search_runs", "optuna.samplers", "pytest"])
    return context


@pytest.mark.parametrize(
    "kind",
    [*(pytest.param(kind, marks=pytest.mark.long) for kind in KINDS[:-1]), KINDS[-1]],
    ids=lambda kind: kind["method"] + ", pruned" * ("pruning" in kind),
)
def test_a_search_that_is_killed_loses_no_finished_trial_and_repeats_none(context, tmp_path, kind):
    """Kill it after a drawn number of trials, or at a drawn change of its journal; go on until it ends."""
    rng, dead = random.Random(str(kind)), []
    log, journal = tmp_path / "log", tmp_path / "journal"
    options = kind | {"storage": journal, "name": "killed"}
    share = -(-KILLS // len(KINDS)) if KILLS < 20 else KILLS // len(KINDS)
    while True:
        death = draw_death(rng) if len(dead) < share else (0, None)
        child = context.Process(target=worker, args=(log, *death, options))
        child.start()
        if death[1] is None and len(dead) < share:
            wanted = count_lines(log) + rng.randint(1, 12)
            while child.is_alive() and count_lines(log) < wanted:
                time.sleep(0.002)
            time.sleep(rng.uniform(0, 0.02))
            child.kill()
        child.join()
        if child.exitcode == 0:
            break
        assert child.exitcode == -KILL, "the child failed by itself"
        dead.append((count_lines(log), finished(journal, "killed")))
    tried = search(value, SPACE, **options)  # returns at once: nothing is left to do
    assert tried == search(logged(os.devnull), SPACE, **kind), "another search than without kills"
    lines = [line.split() for line in log.read_text().splitlines()]
    for place, known in dead:
        assert [t for t in tried if t.number in known] == list(known.values()), "a finished trial was lost"
        again = {name for word, _, name in lines[place:] if word == "begin"}
        assert not again & {name_of(trial) for trial in known.values()}, "a finished trial was repeated"
    begun = [name for word, _, name in lines if word == "begin"]
    assert set(begun) == {name_of(trial) for trial in tried}
    assert len(begun) <= len(tried) + len(dead)
    print(f"\n{len(dead)} kills; {len(begun) - len(tried)} trials begun again")


def name_of(trial):
    return f"{trial.point['l2']!r},{trial.point['rate']!r}"


def count_lines(log):
    return log.read_bytes().count(b"\n") if log.exists() else 0


# Bad arguments


@pytest.mark.parametrize(
    "call",
    [
        lambda: Range(1.0, 1.0),
        lambda: Range(0.0, 1.0, log=True),
        lambda: Range(0.0, math.inf),
        lambda: Range("0", 1.0),
        lambda: Range(0.0, 1.0, log=2),
        lambda: Range(0.0, 1.0).at(1.5),
        lambda: Range(0.0, 1.0).levels(0),
        lambda: Range(0.0, 1.0).near(2.0, 0.5),
        lambda: Range(0.0, 1.0).near(0.5, 0.0),
        lambda: grid_points(SPACE, 24, seed=0),
        lambda: random_point(SPACE, -1, seed=0),
        lambda: search(3, SPACE, trials=4),
        lambda: search(value, {}, trials=4),
        lambda: search(value, [Range(0.0, 1.0)], trials=4),
        lambda: search(value, {"l2": (0.0, 1.0)}, trials=4),
        lambda: search(value, SPACE, trials=0),
        lambda: search(value, SPACE, trials=4.0),
        lambda: search(value, SPACE, trials=5, method="grid"),
        lambda: search(value, SPACE, trials=4, method="bayes"),
        lambda: search(value, SPACE, trials=4, seed=-1),
        lambda: search(value, SPACE, trials=4, steps=0),
        lambda: search(value, SPACE, trials=4, pruning=-1),
        lambda: search(value, SPACE, trials=4, name=""),
        lambda: search(value, SPACE, trials=4, storage=3),
        lambda: search(value, SPACE, trials=4, storage=""),
        lambda: search(value, SPACE, trials=4, storage="nothing://here/there"),
        lambda: search(value, SPACE, trials=4, jobs=0),
        lambda: search(value, SPACE, trials=4, jobs=1.5),
        lambda: search(value, SPACE, trials=4, storage=tempfile.gettempdir()),
    ],
)
def test_a_bad_argument_is_refused_in_words(call):
    with pytest.raises(ValueError, match=r"expected .*, received"):
        call()
