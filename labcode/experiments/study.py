"""A study: an experiment that is a script, ``evidence/NAME.py``, where a declaration cannot say it.

The script has a function that trains and returns numbers, and a ``main`` that asks for the runs it needs::

    def run(*, seed, hidden):  # at the script's top level
        ...
        return {"train": [...], "test": [...]}

    def main():
        study = Study(__file__)
        small = study.map(run, [{"seed": seed, "hidden": 8} for seed in study.seeds(10)])
        ...
        study.keep("small/loss", [run["test"] for run in small])
        study.save(summary, settings={"hidden": 8})

    def summary(record):  # by this name; pure: of the record alone, without training
        ...
        return {"summary": {"capacity": {"gap": compare({"64 units": differences})}}}

``python course.py evidence NAME`` or the script itself runs it: on all cores, with a progress bar, and
going on where it was stopped. A finished run is kept under its settings and what its function means, with
all that it uses of the script (``script_hash``); the library's own code does not count, ``PROTOCOL`` stands
for it. What the summary is computed from is kept as ``evidence/records/NAME.npz``, and ``python course.py
evidence --recompute NAME`` computes it again. A study may also save a table of its own."""

import argparse
import json
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FunctionType

import numpy as np
import torch
from tqdm.auto import tqdm

from labcode._checks import check_instance, check_integer, expect
from labcode.experiments.declaration import EVIDENCE, canonical_hash
from labcode.experiments.execute import Engine, execute
from labcode.experiments.kept_runs import arrays_of_runs
from labcode.experiments.recompute import SUMMARY, from_record, keep
from labcode.experiments.records import Record, compact
from labcode.experiments.results import save_result, write_result
from labcode.experiments.runs import alone, processor
from labcode.experiments.script_hash import meaning, script_hash
from labcode.experiments.store import Store

IMPORTED = re.compile(r"^from labcode\.experiments\.study import", re.MULTILINE)
QUICK_SEEDS = 2


def find_studies(folder: Path = EVIDENCE) -> dict[str, Path]:
    """Return the script of every study by name."""
    scripts = sorted(folder.glob("*.py"))
    return {path.stem: path for path in scripts if IMPORTED.search(path.read_text(encoding="utf-8"))}


@dataclass(frozen=True)
class Call:
    """One run of a study: a function and its settings.

    Attributes:
        key: hash of all that decides what it comes to.
        settings: keyword arguments, as JSON.
    """

    key: str
    settings: str


class Study:
    """A script's runs and its result.

    Args:
        script: ``__file__`` of the script.
        arguments: of the command line (``--jobs N``, ``--quick``); None for those of the program.
        folder: where ``runs/`` and ``results/`` are, that of the script if None.

    Attributes:
        name: the script's name without its ending.
        quick: whether only to see if everything runs: few seeds, results into a temporary folder.
    """

    def __init__(self, script: str, arguments: Sequence[str] | None = None, folder: Path | None = None):
        self.script = Path(script).resolve()
        self.name = self.script.stem
        parser = argparse.ArgumentParser(prog=self.script.name, description="Run a study of the course.")
        parser.add_argument("--jobs", type=int, default=-1, help="processes (default: one on each core)")
        parser.add_argument("--quick", action="store_true", help="few seeds, only to see that it runs")
        options = parser.parse_args(arguments)
        self.quick, self.engine = options.quick, Engine(jobs=options.jobs)
        folder = self.script.parent if folder is None else Path(folder)
        if self.quick:
            folder = Path(tempfile.mkdtemp(prefix="evidence-"))
        self.store, self.results = Store(folder / "runs" / self.name), folder / "results"
        self.seconds = 0.0
        self.kept: dict[str, np.ndarray] = {}

    def seeds(self, number: int) -> range:
        """Return the paired seeds: ``number`` of them, or two in a quick run."""
        return range(QUICK_SEEDS if self.quick else check_integer("number", number, low=1))

    def few(self, values: Iterable) -> tuple:
        """Return what is to be tried: all of the values, or the first of them in a quick run."""
        return tuple(values)[: 1 if self.quick else None]

    def epochs(self, number: int) -> int:
        """Return how long to train: ``number`` of epochs, or one in a quick run."""
        return 1 if self.quick else check_integer("number", number, low=1)

    def map(
        self, function: Callable[..., dict], settings: Iterable[Mapping[str, object]], label: str = "runs"
    ) -> list[dict]:
        """Call a function with each of the settings, unless it was done before, and return what it returned.

        Args:
            function: of the script's top level; returns a dict that JSON can hold. It runs in another process
                with one thread, and draws all that is random from its settings.
            settings: keyword arguments of each call; what JSON can hold.
            label: what the progress bar says.

        Returns:
            The results, in the order of the settings.

        Raises:
            ValueError: no function of a script, or settings that JSON cannot hold.
        """
        check_instance("function", function, FunctionType, "a function of the script's top level")
        expect("<locals>" not in function.__qualname__, "function", "one of the top level", function)
        means = meaning(function)
        calls = [self._call(function.__name__, means, chosen) for chosen in settings]
        with tqdm(total=len(set(calls)), desc=f"{self.name}, {label}", unit="run", mininterval=1.0) as bar:
            execute(set(calls), partial(_perform, function), self._keep, self.store, self.engine, bar)
        records = {call.key: self.store.read(call.key) for call in calls}
        self.seconds += sum(record["seconds"] for record in records.values())
        return [records[call.key]["result"] for call in calls]

    def keep(self, name: str, array: np.ndarray) -> None:
        """Put numbers into the record, from which alone the summary is computed.

        Args:
            name: like a path, such as "weather/none/loss".
            array: as ``labcode.experiments.records.write_record`` takes it.

        Raises:
            ValueError: the name is taken, or the array is none that a record holds.
        """
        expect(name not in self.kept, "name", "one that is not in the record yet", name)
        self.kept[name] = compact(name, array)

    def keep_runs(self, name: str, runs: Sequence[Mapping]) -> None:
        """Put all numbers of several runs into the record; ``kept_runs.runs_of_arrays`` returns the runs.

        Args:
            name: like a path, such as "weather/64".
            runs: what ``map`` returned, for each seed.

        Raises:
            ValueError: as in ``keep``, and where runs differ in form.
        """
        for path, array in arrays_of_runs(runs).items():
            self.keep(f"{name}/{path}", array)

    def save(self, result: Mapping[str, object] | Callable[[Record], Mapping], **about: object) -> Path:
        """Write the result with the script's hash, and return the file's path.

        Args:
            result: what to write; or the script's function ``summary``, which computes it from the record
                that is written first.
            about: what the record says beside its numbers; what JSON can hold.

        Raises:
            ValueError: a function of another name, or about what JSON cannot hold.
        """
        head = {"hash": script_hash(self.script), "training_seconds": round(self.seconds, 1)}
        self.results.mkdir(parents=True, exist_ok=True)
        if callable(result):
            is_summary = getattr(result, "__name__", None) == SUMMARY
            expect(is_summary, "result", f"a table, or the script's function {SUMMARY}", result)
            record = keep(self.name, self.kept, about, head, self.results.parent)
            path = write_result(self.name, from_record(Record(record), result), self.results)
        else:
            head = {"command": f"python course.py evidence {self.name}", "processor": processor()} | head
            path = save_result(self.name, head | dict(result), self.results)
        print(f"{self.name}: {self.seconds / 60:.1f} minutes of work in all; wrote {path}")
        return path

    def _call(self, function: str, means: dict, settings: Mapping[str, object]) -> Call:
        try:
            key = canonical_hash(["study", self.name, function, means, dict(settings), torch.__version__])
        except (TypeError, ValueError) as error:
            raise ValueError(f"settings: expected what JSON can hold, received {settings!r}") from error
        return Call(key[:32], json.dumps(settings))

    def _keep(self, call: Call, record: dict) -> None:
        self.store.write(call.key, record)


def _perform(function: Callable[..., dict], call: Call) -> dict:
    """Call the function, in a worker, and return its result with the seconds it took."""
    began = time.process_time()
    with alone():
        result = function(**json.loads(call.settings))
    return {"result": result, "seconds": round(time.process_time() - began, 3)}
