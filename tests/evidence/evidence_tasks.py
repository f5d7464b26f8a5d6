"""Small tasks whose truth is known, and what workers do in tests; declared as "evidence_tasks:NAME"."""

import os
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from labcode.applications.models import TokenModel
from labcode.data.dataset import Split
from labcode.experiments.plan import read_plan
from labcode.experiments.runs import Run
from labcode.experiments.tasks import Task, item_measures
from labcode.lstm import SequenceModel

ITEMS, TEST_ITEMS = 40, 150


class Part(NamedTuple):
    """A split; it unpacks into what ``fit`` takes."""

    x: np.ndarray
    y: np.ndarray


class Data:
    """Splits drawn from a seed; whoever asks for the test split is written down in the file TOY_LOG."""

    def __init__(self, seed, *, classes=0, signal=0.0, poisoned=False):
        self.task = "classification" if classes else "regression"
        rng, fixed = np.random.default_rng(seed), np.random.default_rng(1234)
        self.train, self.validation = (self._draw(rng, ITEMS, classes, signal) for _ in range(2))
        self._test = self._draw(fixed, TEST_ITEMS, classes, signal)
        if poisoned:
            self._test.x.fill(np.nan)

    @property
    def test(self):
        """The test split."""
        log("test")
        return self._test

    @staticmethod
    def _draw(rng, items, classes, signal):
        x = rng.normal(size=(items, 4, 2)).astype(np.float32)
        y = signal * x[:, :, :1].sum(axis=1) + rng.normal(size=(items, 1))
        return Part(x, (y[:, 0] > 0).astype(np.int64) if classes else y.astype(np.float32))


def log(*words):
    """Add a line to the file TOY_LOG, if there is one."""
    if "TOY_LOG" in os.environ:
        line = " ".join(map(str, words)) + "\n"
        descriptor = os.open(os.environ["TOY_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, line.encode())
        os.close(descriptor)


def lines(path):
    """Return the lines of a log, as lists of words."""
    return [line.split() for line in Path(path).read_text().splitlines()] if Path(path).exists() else []


def two_classes(dataset, **options):
    """Make a classifier of two classes."""
    return SequenceModel(2, output_size=2, **options)


def one_number(dataset, **options):
    """Make a model of one number."""
    return SequenceModel(2, output_size=1, **options)


def zero(dataset, split):
    """Predict 0 for every item."""
    return np.zeros_like(getattr(dataset, split).y, dtype=np.float64)


def task(build=one_number, **options):
    """Return a task on ``Data``."""
    return Task(
        load=lambda seed: Data(seed, **options),
        build=build,
        baselines={} if options.get("classes") else {"zero": zero},
        resampled=True,
        measures=item_measures,
    )


NOISE = task()  # nothing to learn: whatever keeps the model small helps
SIGNAL = task(signal=1.0)
CLASSES = task(two_classes, classes=2, signal=1.0)
POISONED = task(poisoned=True)


class Tokens(Data):
    """The same, with tokens 1 to 8 in the place of numbers."""

    @staticmethod
    def _draw(rng, items, classes, signal):
        tokens = rng.integers(1, 9, size=(items, 4))
        return Part(tokens, (tokens.mean(axis=1, keepdims=True) > 4.5).astype(np.float32))


TOKENS = Task(
    load=Tokens,
    build=lambda dataset, **options: TokenModel(9, 4, output_size=1, **options),
    baselines={"zero": zero},
    resampled=True,
)

TOY = """
title = "A toy"
task = "evidence_tasks:NOISE"
seeds = 10
epochs = 4
batch_size = 20
learning_rate = 0.05
patience = 1
block = 1

[model]
hidden_size = 8

[methods]
l2 = [1e-3, 1e-1, 10.0]
max_norm = [1000.0, 2000.0, 3000.0]
"""

PLAN = """
title = "A toy"
seeds = 10
choice_seeds = 3
batch_size = 20
patience = 1
learning_rate = [0.01, 0.1]

[model]
hidden_size = 6

[methods]
l2 = [1e-3, 1.0]
max_norm = [0.3, 3.0]

[combinations.both]
methods = ["l2", "max_norm"]
factors = [0.2, 2.0]

[[places]]
task = "evidence_tasks:NOISE"
epochs = 4
trials = 3

[[places]]
task = "evidence_tasks:SIGNAL"
epochs = 4
trials = 2
transfer_of = "evidence_tasks:NOISE"
labels = ["none", "l2"]
"""


def plan_of(folder, text=PLAN):
    """Write a tuned experiment's file into a folder, and read it."""
    path = Path(folder) / "toy.toml"
    path.write_text(text, encoding="utf-8")
    return read_plan(path)


class Folds(Data):
    """The same, with a test part of each seed's own."""

    def __init__(self, seed):
        super().__init__(seed, signal=1.0)
        whole = self._test
        at = slice(10 * (seed % 10), 10 * (seed % 10) + 10)
        self._test = Split(whole.x[at], whole.y[at], items=np.arange(TEST_ITEMS).astype(str)[at])


class Closed(Data):
    """The same, with a test part that nobody may open."""

    @property
    def test(self):
        """Refuse."""
        raise AssertionError("nobody may look at this test split")


CLOSED = Task(load=Closed, build=one_number, resampled=True)
FOLDS = Task(load=Folds, build=one_number, baselines={"zero": zero}, resampled=True)


def make_runs(number):
    """Return as many runs as wanted, all different; nothing trains them."""
    settings = {"task": "evidence_tasks:NOISE", "model": (), "methods": (), "epochs": 1, "batch_size": 1}
    return [Run(seed=seed, learning_rate=1.0, **settings) for seed in range(number)]


def nap(run):
    """Work for a moment, and say when it begins and ends."""
    log("begin", run.seed, os.getpid())
    time.sleep(float(os.environ.get("TOY_SECONDS", "0.02")))
    log("end", run.seed, os.getpid())
    return {"seed": run.seed, "filler": "x" * 2000}


def nap_or_die(run):
    """Work for a moment; the first to do run 3 is killed in the middle of it."""
    log("begin", run.seed, os.getpid())
    if run.seed == 3 and sum(words[:2] == ["begin", "3"] for words in lines(os.environ["TOY_LOG"])) == 1:
        os.kill(os.getpid(), 9)
    return {"seed": run.seed}


def always_die(run):
    """Never finish."""
    os.kill(os.getpid(), 9)


torch.set_num_threads(1)
