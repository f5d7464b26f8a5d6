"""Sections 2.1, 3.1, 3.2, 4.1, 4.2: does L1 make exact zeros, does L2 only shrink, and does selecting help?

Run `python course.py evidence sparsity`. LSTMs train without a penalty, with L1 through its subgradient (that
Adam follows if the term is added to the loss), with L1 through the proximal step, and with L2. Of each, the
strength with the lowest mean validation loss at the last epoch trains again and is evaluated on the test
split, once, at its last epoch.

The same again with features of pure noise appended to the inputs, as many as there are real ones, and without
the subgradient: a method that selects features should set all weights of a noise feature to zero, and profit
from it. The noise of a day is the same in all windows that see this day.
"""

from dataclasses import replace

import numpy as np

from labcode.data.dataset import Dataset, Split
from labcode.experiments.effects import compare
from labcode.experiments.kept_runs import runs_of_arrays
from labcode.experiments.records import Record
from labcode.experiments.runs import Run
from labcode.experiments.snapshots import train_and_keep
from labcode.experiments.study import Study
from labcode.experiments.tasks import load

TASKS = {"weather": 30, "speech_vowels": 1}  # block of neighbouring test items
NOISY = ("weather", "speech_vowels")  # tasks that get noise features, too
BUDGET = {"epochs": 25, "batch_size": 64, "learning_rate": 1e-2}
HIDDEN, CHOICE_SEEDS = 32, 3
GRIDS = {
    "l1": (2e-4, 1e-3, 5e-3),
    "l1_proximal": (2e-4, 1e-3, 5e-3, 2.5e-2, 1.25e-1),
    "l2": (3e-3, 2e-2, 1e-1, 5e-1),
}
NONE, PARTS = "none", ("input", "recurrent")
FIRST_DAY, DAYS = np.datetime64("2010-01-01"), 3000  # days that get noise
SMALLEST = 1e-3  # weights below it are as good as zero, but not zero


def with_noise_features(dataset: Dataset, seed: int) -> Dataset:
    """Return the dataset with as many features of standard normal noise as it has real ones."""
    features, rng = dataset.train.x.shape[2], np.random.default_rng(seed)
    splits = {name: _append(split, features, rng, seed) for name, split in dataset.splits.items()}
    names = (*dataset.feature_names, *(f"noise {number}" for number in range(features)))
    return replace(
        dataset, **splits, feature_names=names, feature_units=dataset.feature_units + ("1",) * features
    )


def _append(split: Split, features: int, rng: np.random.Generator, seed: int) -> Split:
    samples, steps, _ = split.x.shape
    if split.dates is None:
        noise = rng.normal(size=(samples, steps, features))
    else:  # one series of noise for all splits, since their windows overlap
        days = (split.dates - FIRST_DAY).astype(int)
        series = np.random.default_rng(seed).normal(size=(DAYS, features))
        noise = series[days[:, None] + np.arange(-steps, 0)]
    return replace(split, x=np.concatenate([split.x, noise.astype(split.x.dtype)], axis=2))


def measured_weights(model) -> dict:
    """Return what became of an LSTM's weight matrices: zeros, sizes, and columns that are all zero.

    Returns:
        By part, "input" (W) and "recurrent" (U): the share of weights that are exactly 0 ("zeros") or
        smaller than ``SMALLEST`` ("small"), and the mean of |w| and of w^2; for each input feature "columns",
        1 if all of its weights are exactly 0 and else 0, "column_zeros", the share that is, and
        "column_norms".
    """
    matrices = (model.lstm.weight_ih_l0, model.lstm.weight_hh_l0)
    found = {}
    for part, matrix in zip(PARTS, matrices, strict=True):
        w = matrix.detach().numpy().astype(np.float64)
        found[part] = {
            "zeros": float(np.mean(w == 0)),
            "small": float(np.mean(np.abs(w) < SMALLEST)),
            "mean_abs": float(np.mean(np.abs(w))),
            "mean_square": float(np.mean(np.square(w))),
        }
    w = matrices[0].detach().numpy()
    columns = {"columns": np.all(w == 0, axis=0), "column_zeros": np.mean(w == 0, axis=0)}
    columns["column_norms"] = np.linalg.norm(w, axis=0)
    return found | {name: np.round(values.astype(float), 5).tolist() for name, values in columns.items()}


def run(
    seed: int,
    *,
    task: str,
    method: str = NONE,
    strength: float = 0.0,
    noise: bool = False,
    test: bool = False,
    epochs: int,
) -> dict:
    """Train one model, to the last epoch.

    Returns:
        "validation" loss and "weights" (as ``measured_weights``); with ``test`` also the "train" loss and the
        test items' losses.
    """
    dataset = load(task, seed)
    dataset = with_noise_features(dataset, seed) if noise else dataset
    methods = () if method == NONE else ((method, strength),)
    settings = BUDGET | {"epochs": epochs}
    trained = train_and_keep(
        Run(task=task, model=(("hidden_size", HIDDEN),), methods=methods, seed=seed, **settings),
        dataset,
        measure_train=False,
    )
    model = trained.at(-1)
    record = {"validation": trained.history.validation_loss[-1]}
    record["weights"] = measured_weights(model)
    if test:
        record["train"] = float(trained.item_losses(dataset, "train").mean())
        record["test"] = np.round(trained.item_losses(dataset, "test"), 5).tolist()
    return record


def column(records: list[dict], *path: str) -> np.ndarray:
    """Return one number of each record, (seeds, 1)."""
    values = []
    for record in records:
        for step in path:
            record = record[step]
        values.append(float(np.mean(record)))
    return np.array(values)[:, None]


def tests(records: list[dict]) -> np.ndarray:
    """Return the test losses, (seeds, items)."""
    return np.array([record["test"] for record in records])


def compare_methods(records: dict[str, list[dict]], block: int) -> dict:
    """Return the effects of the chosen strengths on one task.

    Args:
        records: of all seeds, by method, "none" among them.
        block: neighbouring test items that are resampled together.

    Returns:
        "zeros", "small", "mean_abs" and "mean_square" by part: method minus none, over seeds; "test": method
        minus none, and proximal L1 minus l1 and l2.
    """
    methods, none = [method for method in records if method != NONE], records[NONE]
    effects = {}
    for measure in ("zeros", "small", "mean_abs", "mean_square"):
        effects[measure] = {}
        for part in PARTS:
            path = ("weights", part, measure)
            differences = {m: column(records[m], *path) - column(none, *path) for m in methods}
            effects[measure][part] = compare(differences)
    effects["test"] = {
        reference: compare(
            {m: tests(records[m]) - tests(records[reference]) for m in methods if m != reference}, block=block
        )
        for reference in records
    }
    effects["means"] = {method: means(found) for method, found in records.items()}
    return effects


def compare_noise(noisy: dict[str, list[dict]], clean: dict[str, list[dict]], block: int) -> dict:
    """Return what noise features cost, and whether their weights are set to zero.

    Returns:
        "columns": share of the noise features whose weights are all zero ("noise"), and this minus that of
        the real features ("noise_minus_real"); "column_zeros": the same of single weights; "norm_ratio": the
        mean norm of the noise features' weights over that of the real ones', method minus none; "cost": test
        loss with noise features minus without; "cost_saved": a method's cost minus that of none.
    """
    methods = [method for method in noisy if method != NONE]
    found = {}
    for measure in ("columns", "column_zeros"):
        halves = {method: _halves(noisy[method], measure) for method in methods}
        found[measure] = {
            "noise": compare({method: noise for method, (_, noise) in halves.items()}),
            "noise_minus_real": compare({method: noise - real for method, (real, noise) in halves.items()}),
        }
    cost = {method: tests(noisy[method]) - tests(clean[method]) for method in noisy}
    return found | {
        "norm_ratio": compare({m: _norm_ratio(noisy[m]) - _norm_ratio(noisy[NONE]) for m in methods}),
        "cost": compare(cost, block=block),
        "cost_saved": compare({m: cost[m] - cost[NONE] for m in methods}, block=block),
    }


def _halves(records: list[dict], measure: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of a measure over the real features and over the noise features, (seeds, 1) each."""
    values = np.array([record["weights"][measure] for record in records])
    real, noise = np.split(values, 2, axis=1)
    return real.mean(axis=1, keepdims=True), noise.mean(axis=1, keepdims=True)


def _norm_ratio(records: list[dict]) -> np.ndarray:
    real, noise = _halves(records, "column_norms")
    return noise / np.maximum(real, 1e-12)


def means(records: list[dict]) -> dict:
    """Return the means over the seeds of all that was measured of one method at one strength."""
    found = {
        name: float(np.mean([np.mean(r[name]) for r in records])) for name in records[0] if name != "weights"
    }
    for part in PARTS:
        for measure in records[0]["weights"][part]:
            found[f"{part}_{measure}"] = float(np.mean([r["weights"][part][measure] for r in records]))
    for measure in ("columns", "column_zeros", "column_norms"):
        found[measure] = np.mean([r["weights"][measure] for r in records], axis=0).tolist()
    return {
        name: round(value, 5) if isinstance(value, float) else [round(share, 3) for share in value]
        for name, value in found.items()
    }


def epochs_of(study: Study) -> int:
    """Return the epochs of each training."""
    return 1 if study.quick else BUDGET["epochs"]


def choose(study: Study, task: str, noise: bool) -> tuple[dict[str, float], dict]:
    """Choose each method's strength on validation data; return them, and what the whole grid came to."""
    chosen, grid = {NONE: 0.0}, {}
    for method, strengths in GRIDS.items():
        if noise and method == "l1":
            continue
        for strength in strengths:
            about = {"task": task, "method": method, "strength": strength, "noise": noise}
            about |= {"epochs": epochs_of(study)}
            settings = [about | {"seed": seed} for seed in study.seeds(CHOICE_SEEDS)]
            label = f"{task}{' and noise' if noise else ''}, {method} {strength:g}"
            grid.setdefault(method, {})[f"{strength:g}"] = means(study.map(run, settings, label))
        losses = {s: grid[method][f"{s:g}"]["validation"] for s in strengths}
        chosen[method] = min(losses, key=losses.get)
        if not study.quick and chosen[method] in (strengths[0], strengths[-1]):
            print(f"{label}: the best strength, {chosen[method]:g}, lies at an edge of the grid.")
    return chosen, grid


def main() -> None:
    """Run everything, and write record and result."""
    study, about = Study(__file__), {"chosen": {}, "grid": {}}
    for task, noise in [(task, False) for task in TASKS] + [(task, True) for task in NOISY]:
        place = f"{task}_noise" if noise else task
        about["chosen"][place], about["grid"][place] = choose(study, task, noise)
        for method, strength in about["chosen"][place].items():
            shared = {"task": task, "method": method, "strength": strength, "noise": noise, "test": True}
            shared |= {"epochs": epochs_of(study)}
            settings = [shared | {"seed": seed} for seed in study.seeds(10)]
            study.keep_runs(f"{place}/{method}", study.map(run, settings, f"{place}, {method} tested"))
    settings = BUDGET | {"hidden": HIDDEN, "seeds": 10, "choice_seeds": CHOICE_SEEDS, "smallest": SMALLEST}
    study.save(summary, settings=settings, **about)


def summary(record: Record) -> dict:
    """Return the effects of the chosen strengths, on every task without and with features of noise."""
    about = record.about
    runs = {
        place: {method: runs_of_arrays(record.under(f"{place}/{method}/")) for method in chosen}
        for place, chosen in about["chosen"].items()
    }
    found = {place: compare_methods(one, TASKS[place.removesuffix("_noise")]) for place, one in runs.items()}
    for task in NOISY:
        found[f"{task}_noise"] |= compare_noise(runs[f"{task}_noise"], runs[task], TASKS[task])
    return {name: about[name] for name in ("settings", "chosen", "grid")} | {"summary": found}


if __name__ == "__main__":
    main()
