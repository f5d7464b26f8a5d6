"""Time every contestant in interleaved rounds, print one table, and keep the figures as JSON and a picture.

Run it as `python course.py bench`. Machines differ and so do two runs on one machine, by 4 to 10 %: what
counts are the ratios to `torch.nn.LSTM`, whose steps are timed between those of all the others.
"""

import argparse
import importlib.util
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from tqdm import tqdm

from benchmarks import redraws, report, training_loop
from benchmarks.contestants import BASELINE, FAMILIES, Size

SIZES = (Size(14, 32, 6, 64), Size(50, 32, 16, 32), Size(100, 32, 128, 256), Size(400, 16, 64, 128))
SMALL_SIZES = (Size(5, 4, 3, 4), Size(6, 4, 3, 4))
GROWTH = {"steps": (25, 50, 100, 200, 400), "hidden": (16, 32, 64, 128, 256)}
SMALL_GROWTH = {"steps": (2, 4), "hidden": (2, 4)}
KERAS_BACKEND = {"keras": {"KERAS_BACKEND": "torch"}, "tensorflow": {"KERAS_BACKEND": "tensorflow"}}
AT_LEAST = 0.01  # seconds that one timing lasts: steps that are shorter are repeated
RESULTS = Path(__file__).parent / "results"


class Worker:
    """A family of contestants in a process of its own; the file `said` takes what the process prints."""

    def __init__(self, family: str, threads: int, device: str, said: IO[str]):
        self.family = family
        variables = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"} | KERAS_BACKEND.get(family, {})
        variables |= {f"{library}_NUM_THREADS": str(threads) for library in ("OMP", "OPENBLAS", "MKL")}
        command = [sys.executable, "-m", "benchmarks.worker", family]
        command += ["--threads", str(threads), "--device", device]
        self.said = said  # not a pipe: one that nobody reads would fill up and stop the process
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": said, "text": True}
        self.process = subprocess.Popen(command, env=variables, **pipes)
        self.versions = self._answer()

    def ask(self, **order) -> object:
        """Send an order and wait for its answer.

        Raises:
            RuntimeError: the process has ended; the message holds what it said.
        """
        print(json.dumps(order), file=self.process.stdin, flush=True)
        return self._answer()

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.said.seek(0)
            said = self.said.read()[-2000:]
            raise RuntimeError(f"benchmark of {self.family}: its process ended: {said}")
        return json.loads(line)


@contextmanager
def working(families: list[str], threads: int, device: str) -> Iterator[dict[str, Worker]]:
    """Start a process for each family, and end them all."""
    with ExitStack() as stack:
        workers = {}
        for family in families:
            said = stack.enter_context(tempfile.TemporaryFile("w+"))
            workers[family] = Worker(family, threads, device, said)
            stack.callback(workers[family].close)
        yield workers


def time_in_rounds(
    workers: dict[str, Worker], chosen: dict[str, str], size: Size, rounds: int, bar: tqdm
) -> dict[str, list[float]]:
    """Return the seconds of each contestant in every round; each round has an order of its own.

    Args:
        workers: the processes by family.
        chosen: family by contestant.
        size: what is timed.
        rounds: how often.
        bar: counts the timings.
    """
    repeats, seconds = {}, {name: [] for name in chosen}
    for name, family in chosen.items():
        warm = workers[family].ask(build=name, size=[size.steps, size.batch, size.features, size.hidden])
        repeats[name] = max(1, round(AT_LEAST / warm))
    shuffled, names = random.Random(0), list(chosen)
    for _ in range(rounds):
        shuffled.shuffle(names)
        for name in names:
            seconds[name].append(workers[chosen[name]].ask(time=name, repeats=repeats[name]))
            bar.update()
    return seconds


def time_growth(
    workers: dict[str, Worker],
    growing: dict[str, str],
    grown: dict[str, list[Size]],
    rounds: int,
    bar: tqdm,
) -> dict[str, dict[int, dict[str, list[float]]]]:
    """Return the seconds of each contestant in every round, for each value of each axis, with one thread."""
    return {
        axis: {getattr(size, axis): time_in_rounds(workers, growing, size, rounds, bar) for size in along}
        for axis, along in grown.items()
    }


def measure_memory(
    chosen: dict[str, str], sizes: tuple[Size, ...], device: str, bar: tqdm
) -> dict[str, dict[str, dict]]:
    """Return the memory of each contestant at each size, every one in a fresh process."""
    found = {str(size): {} for size in sizes}
    for size in sizes:
        for name, family in chosen.items():
            with working([family], 1, device) as workers:
                order = {"memory": name, "size": [size.steps, size.batch, size.features, size.hidden]}
                found[str(size)][name] = workers[family].ask(**order)
            bar.update()
    return found


def run(*, small: bool, threads: list[int], rounds: int, families: list[str], device: str) -> dict:
    """Time everything and return the result, ready to be written as JSON."""
    sizes, growth = (SMALL_SIZES, SMALL_GROWTH) if small else (SIZES, GROWTH)
    chosen = {name: family for family in families for name in FAMILIES[family]}
    growing = {name: family for name, family in chosen.items() if name in report.GROWING}
    grown = {
        axis: [Size(**(vars(Size(50, 32, 16, 32)) | {axis: value})) for value in values]
        for axis, values in growth.items()
    }
    weighed = {name: chosen[name] for name in chosen if not small or name == BASELINE}
    total = rounds * len(chosen) * len(sizes) * len(threads) + len(sizes[1:3]) * len(weighed)
    total += rounds * len(growing) * sum(map(len, grown.values()))
    result = {"rounds": rounds, "device": device, "times": {}, "growth": {}}
    with tqdm(total=total, desc="timings", mininterval=0.1) as bar:
        for count in threads:
            with working(families, count, device) as workers:
                found = {str(size): time_in_rounds(workers, chosen, size, rounds, bar) for size in sizes}
                result["times"][str(count)] = found
                result["versions"] = {name: worker.versions for name, worker in workers.items()}
                if count == 1:
                    result["growth"] = time_growth(workers, growing, grown, rounds, bar)
        if not result["growth"]:
            with working(sorted(set(growing.values())), 1, device) as workers:
                result["growth"] = time_growth(workers, growing, grown, rounds, bar)
        result["memory"] = measure_memory(weighed, sizes[1:3], device, bar)
    return result


def available(families: list[str]) -> list[str]:
    """Leave out TensorFlow where it is not installed, and say so."""
    if "tensorflow" in families and importlib.util.find_spec("tensorflow") is None:
        print("TensorFlow is not installed: left out (`python course.py bench --tensorflow` adds it).")
        return [family for family in families if family != "tensorflow"]
    return families


def devices() -> list[str]:
    """Return the CPU, and CUDA where there is a GPU."""
    import torch

    return ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, time, print, write."""
    parser = argparse.ArgumentParser(prog="course.py bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="tiny sizes and two rounds: does it all run?")
    parser.add_argument("--rounds", type=int, default=None, help="timings of each contestant (30)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument(
        "--output", type=Path, default=RESULTS, help="folder of the JSON files and the picture"
    )
    options = parser.parse_args(arguments)
    rounds = options.rounds or (2 if options.small else 30)
    for device in devices():
        families = [f for f in available(options.families) if device == "cpu" or f in ("torch", "keras")]
        settings = {"small": options.small, "rounds": rounds, "families": families, "device": device}
        result = report.summarize(run(threads=options.threads if device == "cpu" else [1], **settings))
        print(report.table(result))
        for path in report.write(result, options.output):
            print(f"Wrote {path.name}")
    loop = training_loop.run(small=options.small, rounds=rounds, folder=options.output)
    for text, path in (loop, redraws.run(rounds=rounds, folder=options.output)):
        print(f"\n{text}\nWrote {path.name}")


if __name__ == "__main__":
    main()
