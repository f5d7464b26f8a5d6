"""Searches: the points, the methods, and processes that share a search and are killed at any moment.

LABCODE_KILLS=200 pytest tests/labcode/test_search.py makes the kills many; with -s the counts are shown.
"""

import itertools
import math
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import optuna
import pytest
from scipy import stats
from search_runs import KILL, SPACE, bowl, draw_death, logged, make_rng, worker

from labcode.search import best, best_so_far, search
from labcode.search.space import Range, grid_points, random_point
from labcode.search.storage import opened
from labcode.search.trials import STARTUP

METHOD = "forkserver" if sys.platform == "linux" else "spawn"
KILLS = int(os.environ.get("LABCODE_KILLS", "24" if METHOD == "forkserver" else "6"))
KILLS_A_ROUND = 6
ROUNDS = [
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


# Several processes


@pytest.fixture
def context():
    context = multiprocessing.get_context(METHOD)
    if METHOD == "forkserver":
        context.set_forkserver_preload(["search_runs", "optuna.samplers", "sqlalchemy", "pytest"])
    return context


@pytest.fixture(scope="module")
def postgresql():
    """The URL of a PostgreSQL server that runs while the tests of this file do."""
    pytest.importorskip("psycopg", reason="needs the extra [postgresql]")
    places = [*sorted(Path("/usr/lib/postgresql").glob("*/bin")), *map(Path, os.get_exec_path())]
    found = [place for place in places if (place / "initdb").exists() and (place / "pg_ctl").exists()]
    if not found:
        pytest.skip("needs PostgreSQL's server programs (on Debian: apt-get install postgresql)")
    folder, prefix = Path(tempfile.mkdtemp()), []  # short: the name of its socket has at most 107 letters
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # PostgreSQL does not run as root
        try:
            shutil.chown(folder, "postgres")
        except LookupError:
            pytest.skip("runs as root, and there is no user postgres to run the server as")
        prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]

    def call(program, *arguments):
        command = [*prefix, str(found[0] / program), "-D", str(folder / "data"), *arguments]
        done = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, timeout=1800, check=False)
        assert done.returncode == 0, command

    call("initdb", "-U", "course", "-A", "trust", "-N")
    options = f"-k {folder} -c listen_addresses= -c fsync=off"
    call("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
    yield f"postgresql://course@/postgres?host={folder}"
    call("pg_ctl", "-w", "-m", "immediate", "stop")
    shutil.rmtree(folder)


def test_a_trial_belongs_to_one_process_at_a_time(tmp_path):
    check_locks(tmp_path / "journal")


def test_a_trial_belongs_to_one_connection_at_a_time(postgresql):
    check_locks(postgresql)


def check_locks(storage):
    with opened(storage) as (_, one), opened(storage) as (_, other):
        assert one.take("a")
        assert not one.take("a")
        assert not other.take("a")
        assert other.take("b")
        one.release("a")
        assert other.take("a")
        with one.held("c"):
            assert not other.take("c")
        assert other.take("c")
    with opened(storage) as (_, another):
        assert another.take("b")


def test_two_processes_share_a_search_and_are_killed_again_and_again(context, tmp_path):
    kill_and_check(context, tmp_path, KILLS, ROUNDS, lambda round: str(tmp_path / f"{round}.journal"))


def test_the_same_on_postgresql(context, tmp_path, postgresql):
    rounds = [{"method": "tpe", "trials": 12, "pruning": 1}, {"method": "grid", "trials": 16}]
    kill_and_check(context, tmp_path, KILLS // 4, rounds, lambda round: postgresql)


def kill_and_check(context, folder, kills, kinds, storage_of):
    rng, killed, aimed, rounds, again = make_rng(), 0, 0, 0, 0
    while killed < kills:
        rounds += 1
        log, storage, dead = folder / f"{rounds}.log", storage_of(rounds), set()
        journal, wanted = "://" not in storage, min(KILLS_A_ROUND, kills - killed)
        options = kinds[rounds % len(kinds)] | {"storage": storage, "name": f"round {rounds}"}
        children = [start(context, log, options, draw_death(rng, journal)) for _ in range(2)]
        logged_lines = 0
        while any(child.exitcode != 0 for child in children):
            time.sleep(0.005)
            if len(dead) < wanted and count_lines(log) >= logged_lines:
                if logged_lines:
                    rng.choice(children).kill()
                time.sleep(rng.uniform(0, 0.02))
                logged_lines = count_lines(log) + rng.randint(1, 6)
            for place, child in enumerate(children):
                if child.exitcode is not None and child.exitcode != 0:
                    assert child.exitcode == -KILL, "a child failed by itself"
                    dead.add(str(child.pid))
                    death = draw_death(rng, journal) if len(dead) < wanted else (0, None)
                    aimed += death[1] is not None
                    children[place] = start(context, log, options, death)
        killed += len(dead)
        again += check_round(log, options, dead)
    print(f"\n{killed} kills in {rounds} rounds, {aimed} places to die at; {again} trials begun again")
    assert again > 0


def count_lines(log):
    return log.read_bytes().count(b"\n") if log.exists() else 0


def start(context, log, options, death):
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=worker, args=(log, sender, *death, options))
    child.start()
    assert receiver.recv() == "ready"
    return child


def check_round(log, options, dead):
    """Each point was tried to its end once by a process that lived; return how many were begun again."""
    tried = search(value, SPACE, **options)  # returns at once: nothing is left to do
    points = [f"{trial.point['l2']!r},{trial.point['rate']!r}" for trial in tried]
    assert len(set(points)) == len(points) == options["trials"]
    if options["method"] == "grid":
        assert sorted(map(str, grid_points(SPACE, options["trials"], seed=0))) == sorted(
            str(t.point) for t in tried
        )
    if options["method"] == "random":
        assert [t.point for t in tried] == [random_point(SPACE, place, seed=0) for place in range(len(tried))]
    running, ended, again = {}, {}, 0
    for line in log.read_text().splitlines():
        word, process, name = line.split()
        if word == "begin":
            again += name in running
            assert running.get(name, process) in {process, *dead}, "begun twice at a time"
            running[name] = process
        else:
            assert ended.get(name) in {None, *dead}, "ended twice"
            ended[name] = process
    assert set(running) == set(points)
    for trial, name in zip(tried, points, strict=True):
        assert trial.pruned or (name in ended and trial.value == bowl(trial.point) and trial.steps == 3)
    return again


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
        lambda: search(value, SPACE, trials=4, storage="sqlite:///here.db"),
        lambda: search(value, SPACE, trials=4, storage=tempfile.gettempdir()),
    ],
)
def test_a_bad_argument_is_refused_in_words(call):
    with pytest.raises(ValueError, match=r"expected .*, received"):
        call()


def test_without_its_driver_a_url_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ValueError, match=r"expected the extra \[postgresql\] with a URL"):
        search(value, SPACE, trials=4, storage="postgresql://here/there")
