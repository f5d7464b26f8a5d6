"""Many runs at once, in processes that are killed at any moment: each is recorded once, none is lost.

LABCODE_KILLS=200 pytest tests/evidence/test_store.py makes it long; with -s the counts are shown.
"""

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from evidence_tasks import TOY, always_die, lines, make_runs, nap, nap_or_die
from joblib.externals.loky import get_reusable_executor
from tqdm.auto import tqdm

from labcode.experiments import store as store_module
from labcode.experiments.execute import Engine, execute
from labcode.experiments.store import Store

METHOD = "forkserver" if sys.platform == "linux" else "spawn"
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
KILLS = int(os.environ.get("LABCODE_KILLS", "20" if METHOD == "forkserver" else "6"))
TESTS = Path(__file__).resolve().parent
COURSE = TESTS.parents[1]
HERE = Engine(backend="sequential")


@pytest.fixture
def log(tmp_path, monkeypatch):
    """The file in which runs say when they begin and end."""
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    get_reusable_executor().shutdown()  # its workers would have the environment of an earlier test
    return tmp_path / "log"


def do(store, runs, work, engine=HERE):
    """Execute runs and record what they return."""
    with tqdm(disable=True) as bar:
        execute(runs, work, lambda run, result: store.write(run.key, result), store, engine, bar)


# The store


def test_a_claim_is_exclusive_and_given_back(tmp_path):
    one, other = Store(tmp_path), Store(tmp_path)
    assert one.claim("a")
    assert not one.claim("a")
    assert not other.claim("a")
    assert other.claim("b")
    one.release("a")
    assert other.claim("a")
    other.release()
    assert one.claim("a")
    assert one.claim("b")


def test_a_record_is_written_once_and_ends_the_claim(tmp_path):
    one, other = Store(tmp_path), Store(tmp_path)
    with pytest.raises(ValueError, match="expected a finished run"):
        one.read("a")
    one.claim("a")
    one.write("a", {"loss": 0.1})
    assert "a" in other
    assert other.read("a") == {"loss": 0.1}
    assert not other.claim("a")
    assert not one.claim("a")
    with pytest.raises(ValueError, match="a run that this process has claimed"):
        one.write("a", {})
    one._claims["a"] = object()
    with pytest.raises(ValueError, match="a run without a record"):
        one.write("a", {})


def test_what_was_finished_between_the_look_and_the_claim_is_not_done_again(tmp_path, monkeypatch):
    store, acquire = Store(tmp_path), store_module.FileLock.acquire

    def late(self, *args, **options):
        (tmp_path / "a.json").write_text("{}")
        return acquire(self, *args, **options)

    monkeypatch.setattr(store_module.FileLock, "acquire", late)
    assert not store.claim("a")
    monkeypatch.undo()
    (tmp_path / "a.json").unlink()
    assert Store(tmp_path).claim("a")


def work_slowly_on_disk(write):
    """Make a record's way to the disk long enough to be killed on it, and endless for whom it waits."""

    def slow(path, content):
        part, hold = path.with_name(f".{path.name}.part"), path.with_name(f"hold-{os.getpid()}")
        part.write_bytes(content[: len(content) // 2])
        time.sleep(0.005)
        if hold.exists():
            hold.unlink()
            time.sleep(600)
        write(path, content)
        time.sleep(0.005)

    return slow


def child(folder, number, pipe, variables):
    """What a process of the kill test does: go on with the queue until all is recorded."""
    os.environ |= variables  # a fork server that an earlier test started has that test's
    store_module.write_atomically = work_slowly_on_disk(store_module.write_atomically)
    tqdm.set_lock(threading.RLock())  # its own default is a semaphore, which a kill would leave behind
    pipe.send("ready")
    pipe.recv()
    do(Store(folder), make_runs(number), nap)


def start_child(context, folder, number):
    """Return a process that is ready and waits, and the pipe through which it is told to go on."""
    ours, its = context.Pipe()
    process = context.Process(target=child, args=(folder, number, its, {"TOY_LOG": os.environ["TOY_LOG"]}))
    process.start()
    assert ours.recv() == "ready"
    return process, ours


def test_two_processes_share_a_queue_and_are_killed_again_and_again(tmp_path, log):
    context = multiprocessing.get_context(METHOD)
    if METHOD == "forkserver":
        context.set_forkserver_preload(["evidence_tasks", "labcode.experiments.execute", "pytest"])
    rng, killed, rounds, halves, number = random.Random(0), 0, 0, 0, 40
    while killed < KILLS:
        rounds += 1
        assert rounds <= KILLS, "a whole round without a kill: nobody wrote a record by way of a part"
        folder, dead, children = tmp_path / str(rounds), set(), []
        log.unlink(missing_ok=True)
        store, runs = Store(folder), make_runs(number)
        while not all(run.key in store for run in runs):
            children = [c for c in children if c.is_alive()]
            started = [start_child(context, folder, number) for _ in range(2 - len(children))]
            children += [process for process, _ in started]
            victim, in_writing = rng.choice(children), killed % 2 == 0  # else at any moment
            hold = folder / f"hold-{victim.pid}"
            if killed < KILLS and in_writing:
                hold.touch()
            for _, pipe in started:
                pipe.send("go")
            while hold.exists() and victim.is_alive():
                time.sleep(0.001)
            if not in_writing:
                time.sleep(rng.uniform(0, 0.12))
            if killed < KILLS and victim.is_alive():
                os.kill(victim.pid, KILL)
                victim.join()
                dead.add(str(victim.pid))
                killed += 1
                halves += any(folder.glob(".*.part"))
            hold.unlink(missing_ok=True)
        for process in children:
            process.join(120)
            assert process.exitcode == 0 or str(process.pid) in dead
        check_round(store, runs, lines(log), dead)
    print(f"\n{killed} kills in {rounds} rounds of {number} runs, {halves} left half a file aside")
    assert halves >= KILLS // 3


def check_round(store, runs, logged, dead):
    """Every run has a whole record; whoever began it before was killed, and none was done twice at a time."""
    for run in runs:
        assert store.read(run.key) == {"seed": run.seed, "filler": "x" * 2000}
        began = [pid for what, seed, pid in logged if what == "begin" and int(seed) == run.seed]
        assert began, "a run was never done"
        assert set(began[:-1]) <= dead, "a run was done again though nobody was killed in it"
        assert len(began) == len(set(began))
    assert len(logged) <= 2 * (len(runs) + len(dead))
    assert {path.stem for path in store.folder.glob("*.json")} == {run.key for run in runs}


# Execution


def test_what_is_finished_is_not_repeated(tmp_path, log):
    store, runs = Store(tmp_path / "store"), make_runs(6)
    do(store, runs[:4], nap)
    do(store, [*runs, runs[5]], nap)
    do(store, runs, nap)
    assert sorted(int(seed) for what, seed, _ in lines(log) if what == "begin") == list(range(6))


def test_an_error_in_a_run_is_passed_on_and_leaves_no_claim(tmp_path):
    def fail(run):
        raise ZeroDivisionError(run.seed)

    store, runs = Store(tmp_path), make_runs(2)
    with pytest.raises(ZeroDivisionError):
        do(store, runs, fail)
    assert all(Store(tmp_path).claim(run.key) for run in runs)


def test_runs_of_others_are_waited_for_and_taken_over(tmp_path, log):
    mine, others, runs = Store(tmp_path / "s"), Store(tmp_path / "s"), make_runs(3)
    assert all(others.claim(run.key) for run in runs[:2])

    def finish():
        time.sleep(0.3)
        others.write(runs[0].key, {"seed": "theirs"})
        others.release()  # as if killed, without having finished the second

    thread = threading.Thread(target=finish)
    thread.start()
    do(mine, runs, nap)
    thread.join()
    assert [mine.read(run.key)["seed"] for run in runs] == ["theirs", 1, 2]


def test_a_killed_worker_costs_only_what_it_had_in_hand(tmp_path, log):
    store, runs = Store(tmp_path / "store"), make_runs(8)
    do(store, runs, nap_or_die, Engine(jobs=2))
    assert [store.read(run.key) for run in runs] == [{"seed": seed} for seed in range(8)]
    began = [int(seed) for _, seed, _ in lines(log)]
    assert began.count(3) == 2
    assert len(began) <= 8 + 2  # the killed one, and what the other worker was doing


def test_workers_that_always_die_are_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("labcode.experiments.execute.RESTARTS", 0)
    with pytest.raises(RuntimeError, match="expected them to finish a run, received 1 deaths in a row"):
        do(Store(tmp_path), make_runs(2), always_die, Engine(jobs=2))


def test_dask_brings_every_result_though_a_worker_is_killed(tmp_path, log, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TESTS), str(COURSE)]))
    monkeypatch.setenv("TOY_SECONDS", "0.4")
    store, runs, killed = Store(tmp_path / "store"), make_runs(8), []
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}

    def kill_one():
        while len(found := [pid for what, _, pid in lines(log) if what == "begin"]) < 3:
            time.sleep(0.02)
        os.kill(int(found[-1]), KILL)
        killed.append(found[-1])

    with distributed.LocalCluster(local_directory=tmp_path / "dask", silence_logs=50, **options) as cluster:
        thread = threading.Thread(target=kill_one)
        thread.start()
        do(store, runs, nap, Engine(backend="dask", scheduler=cluster.scheduler_address))
        thread.join()
    assert [store.read(run.key)["seed"] for run in runs] == list(range(8))
    logged = lines(log)
    begun = [pid for what, _, pid in logged if what == "begin"]
    assert killed[0] in begun
    assert str(os.getpid()) not in begun
    assert len(set(begun)) >= 2
    assert len(begun) > sum(what == "end" for what, _, _ in logged), "no run was interrupted"


def test_the_command_goes_on_after_it_was_killed(tmp_path, log):
    small = TOY.replace("seeds = 10", 'seeds = 5\nfew_seeds_because = "tests"').replace(
        "epochs = 4", "epochs = 2"
    )
    (tmp_path / "toy.toml").write_text(small, encoding="utf-8")
    code = (
        "import sys; from pathlib import Path; from tools.evidence import main;"
        "sys.exit(main(['toy', '--backend', 'sequential'], Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    env = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(TESTS), str(COURSE)]),
        "OMP_NUM_THREADS": "1",
    }
    with subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL) as process:
        training = tmp_path / "runs" / "training"
        while len(list(training.glob("*.json"))) < 5:
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    before = {path.name: path.stat().st_mtime_ns for path in training.glob("*.json")}
    assert not (tmp_path / "results").exists()
    assert subprocess.run(command, env=env, capture_output=True, check=False).returncode == 0
    after = {path.name: path.stat().st_mtime_ns for path in training.glob("*.json")}
    assert len(after) == 5 * 7
    assert {name: after[name] for name in before} == before
    assert len(json.loads((tmp_path / "results" / "toy.json").read_text())["runs"]) == 5 * 7
