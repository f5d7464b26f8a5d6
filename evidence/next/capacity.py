"""Section 1.1's claims: an LSTM overfits, the more so the larger it is and the noisier its targets are.

Run `python course.py evidence capacity`. Nothing is chosen but the epoch that early stopping keeps, on
validation data; each model is evaluated on the test split at that epoch and at its last one.

Noise: a share of the targets of each split is exchanged among themselves, so that they keep their
distribution and lose their meaning. The gap is measured on test targets with the same noise, since a gap
compares seen and unseen data of one kind; the same on clean test targets is given, too.
"""

from dataclasses import replace

import numpy as np

from labcode.data.dataset import Dataset
from labcode.experiments.effects import compare
from labcode.experiments.kept_runs import runs_of_arrays
from labcode.experiments.records import Record
from labcode.experiments.runs import Run
from labcode.experiments.snapshots import train_and_keep
from labcode.experiments.study import Study
from labcode.experiments.tasks import load

TASKS = {"weather": 30, "speech_vowels": 1}  # block of neighbouring test items
HIDDEN = (8, 16, 32, 64)
NOISE = (0.0, 0.5)
BUDGET = {"epochs": 25, "batch_size": 64, "learning_rate": 1e-2}
STANDARD, SMALL, PATIENCE = 64, 8, 5
VARIANTS = ("last", "early")


def exchanged(y: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Return targets of which a share, drawn at random, has changed places."""
    moved = rng.permutation(len(y))[: round(share * len(y))]
    y = y.copy()
    y[moved] = y[rng.permutation(moved)]
    return y


def with_noise(dataset: Dataset, share: float, seed: int) -> Dataset:
    """Return the dataset with a share of the targets of each split exchanged."""
    rng = np.random.default_rng(seed)
    splits = {
        name: replace(split, y=exchanged(split.y, share, rng)) for name, split in dataset.splits.items()
    }
    return replace(dataset, **splits)


def run(seed: int, *, task: str, hidden: int, noise: float, epochs: int) -> dict:
    """Train one model and measure it at its last epoch and at the one that early stopping keeps.

    Returns:
        The curves, and for each of the two epochs the training loss and the test items' losses, on clean
        targets ("test") and on targets with the training's noise ("noisy").
    """
    clean = load(task, seed)
    dataset = with_noise(clean, noise, seed)
    settings = BUDGET | {"epochs": epochs}
    trained = train_and_keep(
        Run(task=task, model=(("hidden_size", hidden),), methods=(), seed=seed, **settings), dataset
    )
    curves = {"train": trained.history.train_loss, "validation": trained.history.validation_loss}
    record = {name: np.round(curve, 5).tolist() for name, curve in curves.items()}
    for variant, epoch in {"last": epochs - 1, "early": trained.kept(PATIENCE)}.items():
        trained.at(epoch)
        record[variant] = {"epoch": epoch, "train": curves["train"][epoch]}
        for name, data in {"test": clean, "noisy": dataset}.items():
            record[variant][name] = np.round(trained.item_losses(data, "test"), 5).tolist()
    return record


def gap(records: list[dict], variant: str, measure: str) -> np.ndarray:
    """Return test minus training loss for each seed and test item, (seeds, items)."""
    train = np.array([record[variant]["train"] for record in records])
    return losses(records, variant, measure) - train[:, None]


def losses(records: list[dict], variant: str, measure: str = "test") -> np.ndarray:
    """Return the test losses, (seeds, items)."""
    return np.array([record[variant][measure] for record in records])


def slope(by_hidden: dict[int, np.ndarray]) -> np.ndarray:
    """Return by how much a quantity grows with each doubling of the units, a least-squares line."""
    doublings = np.log2(list(by_hidden))
    weights = (doublings - doublings.mean()) / np.square(doublings - doublings.mean()).sum()
    return sum(weight * values for weight, values in zip(weights, by_hidden.values(), strict=True))


def summarize_task(sizes: dict[int, list[dict]], noises: dict[float, list[dict]], block: int) -> dict:
    """Return the effects on one task.

    Args:
        sizes: records of all seeds by number of units, ascending, without noise.
        noises: the same by share of noise, at one size; 0 among them.
        block: neighbouring test items that are resampled together.

    Returns:
        "overfits", "capacity" and "noise": effects by name; "curves": mean losses and gaps.
    """
    standard, small = noises[0.0], min(sizes, key=lambda hidden: abs(hidden - SMALL))
    largest = max(hidden for hidden in sizes if hidden <= STANDARD)
    overfits = {f"gap_{variant}": gap(standard, variant, "test") for variant in VARIANTS}
    overfits["last_minus_early"] = losses(standard, "last") - losses(standard, "early")
    capacity = {}
    for variant in VARIANTS:
        gaps = {hidden: gap(records, variant, "test") for hidden, records in sizes.items()}
        tests = {hidden: losses(records, variant) for hidden, records in sizes.items()}
        capacity[f"gap_{variant}"] = gaps[largest] - gaps[small]
        capacity[f"gap_{variant}_per_doubling"] = slope(gaps)
        capacity[f"test_{variant}"] = tests[largest] - tests[small]
        capacity[f"test_{variant}_per_doubling"] = slope(tests)
    noise = {}
    for share in [share for share in noises if share]:
        for variant in VARIANTS:
            for measure in ("noisy", "test"):
                difference = gap(noises[share], variant, measure) - gap(standard, variant, measure)
                noise[f"gap_{variant}_{measure}_{share:g}"] = difference
        noise[f"test_last_{share:g}"] = losses(noises[share], "last") - losses(standard, "last")
    families = {"overfits": overfits, "capacity": capacity, "noise": noise}
    reference = float(losses(standard, "last").mean())
    effects = {name: compare(family, block=block, reference=reference) for name, family in families.items()}
    return effects | {"curves": {"hidden": described(sizes), "noise": described(noises)}}


def described(by_setting: dict[float, list[dict]]) -> dict:
    """Return mean losses by setting and variant, and the kept epochs, for figures."""
    return {
        f"{setting:g}": {
            variant: {
                "train": round(float(np.mean([record[variant]["train"] for record in records])), 4),
                "test": round(float(losses(records, variant).mean()), 4),
                "noisy": round(float(losses(records, variant, "noisy").mean()), 4),
                "epochs": [record[variant]["epoch"] for record in records],
            }
            for variant in VARIANTS
        }
        for setting, records in by_setting.items()
    }


MODELS = [(hidden, 0.0) for hidden in HIDDEN] + [(STANDARD, share) for share in NOISE if share]


def main() -> None:
    """Run everything, and write record and result."""
    study = Study(__file__)
    epochs = study.epochs(BUDGET["epochs"])
    for task in TASKS:
        for hidden, share in MODELS:
            about = {"task": task, "hidden": hidden, "noise": share, "epochs": epochs}
            runs = study.map(
                run, [about | {"seed": seed} for seed in study.seeds(10)], f"{task}, {hidden} {share:g}"
            )
            study.keep_runs(f"{task}/{hidden}/{share:g}", runs)
    settings = BUDGET | {"seeds": 10, "patience": PATIENCE, "standard": STANDARD, "small": SMALL}
    study.save(summary, settings=settings)


def summary(record: Record) -> dict:
    """Return the effects on every task."""
    found = {}
    for task, block in TASKS.items():
        runs = {
            (hidden, share): runs_of_arrays(record.under(f"{task}/{hidden}/{share:g}/"))
            for hidden, share in MODELS
        }
        sizes = {hidden: runs[hidden, 0.0] for hidden in HIDDEN}
        noises = {share: runs[STANDARD, share] for share in NOISE}
        found[task] = summarize_task(sizes, noises, block)
    return {"settings": record.about["settings"], "summary": found}


if __name__ == "__main__":
    main()
