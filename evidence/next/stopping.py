"""Section 2.1 on early stopping: does it help, how does its epoch vary, and what does peeking flatter?

Run `python course.py evidence stopping`. Unregularized models train for the whole budget, and the weights of
every epoch are kept. The epoch is chosen on validation data, by the usual rule with several patiences and as
the lowest loss of all; the test split is evaluated at the chosen epochs and the last. Patience 1 is also
compared with the usual one: the article's early stopping says nothing of a patience.

What peeking flatters is measured on validation data alone. They are halved at random, many times (a series
in blocks of neighbours). The loss on one half at the epoch that is best on this very half is what somebody
reports who chooses the epoch on the data that judge it; the loss on it at the epoch that is best on the other
half is what an honest choice gives.
"""

import numpy as np

from labcode.experiments.effects import compare
from labcode.experiments.records import Record
from labcode.experiments.runs import Run
from labcode.experiments.snapshots import train_and_keep
from labcode.experiments.study import Study
from labcode.experiments.tasks import load

TASKS = {"weather": 30, "weather_new_york": 56, "speech": 1, "speech_vowels": 1}  # blocks of neighbours
BUDGET = {"epochs": 30, "batch_size": 32, "learning_rate": 3e-3}
HIDDEN, PATIENCES, USUAL = 32, (1, 2, 5, 10), 5
HALVINGS, SIZES = 50, (30, 60, None)  # items of each part; None for half of the validation data


def parts(items: int, size: int | None, block: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Draw two parts of the items, of one size and without any in common, in blocks of neighbours."""
    starts = rng.permutation(np.arange(0, items, block))
    half = len(starts) // 2
    chosen = [(starts[at, None] + np.arange(block)).ravel() for at in (slice(half), slice(half, 2 * half))]
    kept = [part[part < items] for part in chosen]
    return tuple(part[:size] for part in kept)


def flattery(by_epoch: np.ndarray, size: int | None, block: int, rng: np.random.Generator) -> np.ndarray:
    """Return by how much peeking lowers each item's reported loss, on average over the halvings: at most ~0.

    Args:
        by_epoch: validation losses, (epochs, items).
        size: items of each part, or None for halves.
        block: neighbours that stay together.
        rng: draws the parts.

    Returns:
        Peeking minus honest choice, (items,).
    """
    total, count = np.zeros(by_epoch.shape[1]), np.zeros(by_epoch.shape[1])
    for _ in range(HALVINGS):
        halves = parts(by_epoch.shape[1], size, block, rng)
        best = [by_epoch[:, half].mean(axis=1).argmin() for half in halves]
        for own, other, half in zip(best, reversed(best), halves, strict=True):
            total[half] += by_epoch[own, half] - by_epoch[other, half]
            count[half] += 1
    return total / np.maximum(count, 1)


def run(seed: int, *, task: str, block: int, hidden: int, epochs: int) -> dict:
    """Train one model and measure what the epochs chosen in several ways come to.

    Returns:
        The curves; "epochs" by way of choosing; "test", the items' losses by way; "flattery" by size of the
        parts, of each validation item.
    """
    settings = BUDGET | {"epochs": epochs}
    dataset = load(task, seed)
    trained = train_and_keep(
        Run(task=task, model=(("hidden_size", hidden),), methods=(), seed=seed, **settings)
    )
    curves = {"train": trained.history.train_loss, "validation": trained.history.validation_loss}
    by_epoch = []
    for epoch in range(epochs):
        trained.at(epoch)
        by_epoch.append(trained.item_losses(dataset, "validation"))
    by_epoch, rng = np.array(by_epoch), np.random.default_rng(seed)
    kept = {f"patience_{patience}": trained.kept(patience) for patience in PATIENCES}
    kept |= {"lowest": int(np.argmin(curves["validation"])), "last": epochs - 1}
    record = {name: np.round(curve, 5).tolist() for name, curve in curves.items()} | {"epochs": kept}
    record["test"] = {}
    for way, epoch in kept.items():
        trained.at(epoch)
        record["test"][way] = np.round(trained.item_losses(dataset, "test"), 5).tolist()
    record["flattery"] = {
        str(size or "half"): np.round(flattery(by_epoch, size, block, rng), 6).tolist() for size in SIZES
    }
    return record


def summarize_task(record: Record, task: str, block: int) -> dict:
    """Return the effects on one task: "helps" (test loss against the last epoch), "patience", "flattery"."""
    tests = record.under(f"{task}/test/")
    last, usual = tests.pop("last"), tests[f"patience_{USUAL}"]
    eager = {"1 instead of 5": tests["patience_1"] - usual}
    about = {"block": block, "reference": float(last.mean())}
    return {
        "helps": compare({way: losses - last for way, losses in tests.items()}, **about),
        "patience": compare(eager, block=block, reference=float(usual.mean())),
        "flattery": compare(record.under(f"{task}/flattery/"), block=block),
        "epochs": {way: epoch_spread(record[f"{task}/epochs/{way}"].astype(int).tolist()) for way in tests},
        "test": {way: round(float(losses.mean()), 4) for way, losses in (tests | {"last": last}).items()},
        "validation_lowest": round(float(record[f"{task}/validation"].min(axis=1).mean()), 4),
    }


def epoch_spread(epochs: list[int]) -> dict:
    """Return how the kept epoch, counted from 0, varies over the seeds."""
    mean, spread = float(np.mean(epochs)), float(np.std(epochs, ddof=1)) if len(epochs) > 1 else 0.0
    return {"mean": round(mean, 2), "std": round(spread, 2), "min": min(epochs), "max": max(epochs)} | {
        "by_seed": epochs
    }


def main() -> None:
    """Run everything, and write record and result."""
    study = Study(__file__)
    about = {"hidden": HIDDEN, "epochs": study.epochs(BUDGET["epochs"])}
    for task, block in TASKS.items():
        settings = [about | {"task": task, "block": block, "seed": seed} for seed in study.seeds(10)]
        records = study.map(run, settings, task)
        for name in ("train", "validation"):
            study.keep(f"{task}/{name}", np.array([record[name] for record in records]))
        for kind in ("test", "flattery", "epochs"):
            for way in records[0][kind]:
                study.keep(f"{task}/{kind}/{way}", np.array([record[kind][way] for record in records]))
    study.save(
        summary,
        settings=BUDGET | {"hidden": HIDDEN, "seeds": 10, "usual_patience": USUAL, "halvings": HALVINGS},
    )


def summary(record: Record) -> dict:
    """Return the effects on every task, and the curves."""
    curves = {
        task: {name: np.round(record[f"{task}/{name}"], 5).tolist() for name in ("train", "validation")}
        for task in TASKS
    }
    found = {task: summarize_task(record, task, block) for task, block in TASKS.items()}
    return {"settings": record.about["settings"], "summary": found, "curves": curves}


if __name__ == "__main__":
    main()
