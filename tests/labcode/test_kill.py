"""A run that is killed again and again, at any moment, ends exactly as one that never was.

LABCODE_KILLS=200 pytest tests/labcode/test_kill.py makes it long; with -s the counts are shown.
"""

import io
import multiprocessing
import os
import random
import signal
import sys
import threading
import time

import pytest
import torch
from tqdm.auto import tqdm
from training_runs import Model, make_data, same

from labcode.early_stopping import EarlyStopping
from labcode.training import checkpoint as checkpoint_module
from labcode.training import fit, seeded

# A fork server imports torch once; where forking is not safe, each child imports it anew, in seconds.
METHOD = "forkserver" if sys.platform == "linux" else "spawn"
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
KILLS = int(os.environ.get("LABCODE_KILLS", "20" if METHOD == "forkserver" else "10"))
EPOCHS, SAMPLES, BATCH = 12, 64, 8
BEFORE_REPLACE, AFTER_REPLACE = ("torn", "unsynced", "unreplaced"), ("replaced",)


def die_at(place, write):
    """Have this process kill itself at one place of its n-th write of a checkpoint."""
    opened, replace = [], os.replace

    def die(here):
        if here == place and len(opened) == write:
            os.kill(os.getpid(), KILL)

    class Watched(io.FileIO):
        def __init__(self, *args):
            super().__init__(*args)
            opened.append(self)

        def write(self, data):
            super().write(data[: len(data) // 2])
            die("torn")
            super().write(data[len(data) // 2 :])

        def flush(self):
            die("unsynced")

    def watched_replace(*paths):
        die("unreplaced")
        replace(*paths)
        die("replaced")

    checkpoint_module.open, os.replace = Watched, watched_replace


def train(path, result, place, write, pipe):
    """What a child does: go on with the run, leave its final state in a file, and tell of its steps."""
    torch.set_num_threads(1)
    tqdm.set_lock(threading.RLock())  # its own default is a semaphore, which a kill would leave behind
    steps = []
    with seeded(0):
        model = Model()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        generator = torch.Generator().manual_seed(0)
        optimizer.register_step_post_hook(lambda *_: steps.append(1))
        pipe.send("ready")
        if place:
            die_at(place, write)
        history = fit(
            model,
            make_data(SAMPLES),
            make_data(20, seed=1),
            optimizer=optimizer,
            epochs=EPOCHS,
            generator=generator,
            batch_size=BATCH,
            penalty=lambda model: 1e-4 * model.lstm.weight_hh_l0.square().sum(),
            clip_norm=0.5,
            early_stopping=EarlyStopping(patience=99, restore_best_weights=True),
            checkpoint=path,
            resume=True,
            progress=False,
        )
        state = {"weights": model.state_dict(), "optimizer": optimizer.state_dict()["state"]}
        state |= {"generator": generator.get_state(), "global generator": torch.get_rng_state()}
        state["history"] = {name: value for name, value in history.to_dict().items() if name != "seconds"}
    torch.save(state, result)
    pipe.send(len(steps))


def launch(context, path, result, place=None, write=0, after=None):
    """Start a child and let it die at a place, or kill it some seconds after it begins to train.

    Returns its steps if it finished, None if it was killed, and the seconds that it trained.
    """
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=train, args=(path, result, place, write, sender))
    child.start()
    sender.close()
    try:
        assert receiver.recv() == "ready"
        began = time.perf_counter()
        child.join(after)
    finally:
        child.kill()
        child.join()
    seconds = time.perf_counter() - began
    assert child.exitcode != 1, "the child failed by itself"
    return (receiver.recv() if receiver.poll() and child.exitcode == 0 else None), seconds


@pytest.fixture
def context():
    context = multiprocessing.get_context(METHOD)
    if METHOD == "forkserver":
        from multiprocessing import forkserver  # not there on Windows

        forkserver._forkserver._stop()  # one that another test has started has imported other modules
        context.set_forkserver_preload(["labcode.training.loop", "pytest", "torch._dynamo"])  # slow to import
    return context


def test_killed_runs_end_as_uninterrupted_ones(context, tmp_path):
    steps, seconds = launch(context, tmp_path / "whole.pt", tmp_path / "whole.result")
    assert steps == EPOCHS * SAMPLES // BATCH
    expected = torch.load(tmp_path / "whole.result", weights_only=True)
    rng = random.Random(0)
    kills, aimed, during_write, by_chance, resumptions, runs = 0, 0, 0, 0, 0, 0
    while kills < KILLS:
        runs += 1
        path, result = tmp_path / f"{runs}.pt", tmp_path / f"{runs}.result"
        temporary = tmp_path / f"{runs}.pt.tmp"
        steps, done = None, 0
        while steps is None:
            place = rng.choice([None, None, None, None, *BEFORE_REPLACE, *AFTER_REPLACE])
            after = None if place else rng.uniform(0, seconds / 2)
            steps, _ = launch(context, path, result, place, rng.randint(1, EPOCHS // 2), after)
            resumptions += done > 0
            if steps is None:
                kills += 1
                aimed += place is not None
                during_write += temporary.exists()
                by_chance += temporary.exists() and place is None
                assert place is None or temporary.exists() == (place in BEFORE_REPLACE), place
                before = done
                done = len(checkpoint_module._read(path)["history"]["objective"]) if path.exists() else 0
                assert done >= before, "the run began anew"
        assert steps == (EPOCHS - done) * SAMPLES // BATCH
        received = torch.load(result, weights_only=True)
        for name in expected:
            assert same(expected[name], received[name]), name
        assert not temporary.exists()
    print(
        f"\n{kills} kills in {runs} runs, {resumptions} resumptions: {aimed} aimed, {kills - aimed} at random"
    )
    print(f"{during_write} kills during a write, {by_chance} of them by chance")
    assert during_write > 0
    assert resumptions > 0
