"""What `labcode.training.fit` adds to the forward passes, backward passes and steps that it wraps.

The same epochs are timed in turn as `fit` runs them, with its checks of the data, its shuffling, history and
progress bar, and as a bare loop over batches that were cut before. The clock is that of the processor, which
stands still while other programs run; one thread. What counts is the ratio within a round.
"""

import contextlib
import io
import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.contestants import Size
from benchmarks.report import cpu_name

SIZES = (Size(14, 32, 6, 64), Size(50, 32, 16, 32))  # where a step is short, a loop's work shows
SMALL_SIZES = (Size(4, 4, 3, 4),)
EPOCHS, BATCHES = 5, 23  # as many batches as the weather task has


def loops(size: Size, epochs: int, batches: int) -> dict[str, Callable[[], None]]:
    """Return both ways of training a `SequenceModel` of one size on numbers drawn from a seed.

    Args:
        size: T, B, F and H.
        epochs: passes through the data in one call.
        batches: how many batches the data have.
    """
    import torch

    from labcode.lstm.sequence_model import SequenceModel
    from labcode.training import fit

    random_, rows = np.random.default_rng(0), size.batch * batches
    x = random_.normal(size=(rows, size.steps, size.features)).astype("float32")
    y = random_.normal(size=(rows, 1)).astype("float32")
    cut = list(zip(*(torch.from_numpy(array).split(size.batch) for array in (x, y)), strict=True))

    def trained():
        model = SequenceModel(size.features, size.hidden, 1)
        return model, torch.optim.Adam(model.parameters())

    model, optimizer = trained()

    def bare():
        model.train()
        for _ in range(epochs):
            for x, y in cut:
                optimizer.zero_grad()
                torch.nn.functional.mse_loss(model(x), y).backward()
                optimizer.step()

    fitted, its_optimizer = trained()
    settings = {"optimizer": its_optimizer, "epochs": epochs, "batch_size": size.batch, "progress": True}
    generator = torch.Generator().manual_seed(0)

    def with_fit():
        with contextlib.redirect_stderr(io.StringIO()):  # the bar is drawn, and not shown
            fit(fitted, (x, y), generator=generator, measure_train=False, **settings)

    return {"bare loop": bare, "fit": with_fit}


def measure(sizes: tuple[Size, ...], rounds: int, *, epochs: int = EPOCHS, batches: int = BATCHES) -> dict:
    """Time both in interleaved rounds, one thread; return medians, quartiles and what a step costs."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        found = {str(size): _compare(loops(size, epochs, batches), rounds) for size in sizes}
    finally:
        torch.set_num_threads(threads)
    for row in found.values():
        row["ms_of_a_step"] = round(row.pop("bare") * 1000 / (epochs * batches), 4)
    versions = {"torch": torch.__version__, "numpy": np.__version__}
    settings = {"rounds": rounds, "epochs": epochs, "batches": batches}
    return {"cpu": cpu_name(), "versions": versions, **settings, "overhead": found}


def _compare(run: dict[str, Callable[[], None]], rounds: int) -> dict:
    """Return the share of time that `fit` adds: its median and quartiles over rounds, the first left out."""
    seconds, names, shuffled = {name: [] for name in run}, list(run), random.Random(0)
    for _ in range(rounds + 1):
        shuffled.shuffle(names)
        for name in names:
            began = time.process_time()
            run[name]()
            seconds[name].append(time.process_time() - began)
    bare, fitted = (np.array(seconds[name][1:]) for name in ("bare loop", "fit"))
    low, middle, high = np.quantile(fitted / bare - 1, [0.25, 0.5, 0.75])
    return {
        "bare": float(np.median(bare)),
        "added": round(float(middle), 4),
        "added_quartiles": [round(float(low), 4), round(float(high), 4)],
    }


def table(result: dict) -> str:
    """Write the result as text."""
    lines = [f"What the training loop adds, {result['rounds']} interleaved rounds, 1 thread"]
    for size, row in result["overhead"].items():
        low, high = (f"{100 * value:.1f}" for value in row["added_quartiles"])
        added = f"{100 * row['added']:5.1f} %  (quartiles {low} to {high})"
        lines.append(f"  {size:<22} {added} of a step of {row['ms_of_a_step']:.2f} ms")
    return "\n".join(lines)


def run(*, small: bool, rounds: int, folder: Path) -> tuple[str, Path]:
    """Measure, write `training_loop.json` into a folder, and return the table and the file."""
    sizes, batches = (SMALL_SIZES, 2) if small else (SIZES, BATCHES)
    result, path = measure(sizes, rounds, batches=batches), folder / "training_loop.json"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return table(result), path
