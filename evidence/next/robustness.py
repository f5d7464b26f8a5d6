"""Section 2.1's claim on dropout: does it force an LSTM to learn features that are more robust?

Run `python course.py evidence robustness`. Dropout on the output, the input or the recurrent state, each at
the rate with the lowest mean validation loss at the last epoch, is compared with the same model without any,
at its last epoch and with early stopping. What "robust" may mean is measured on the test split, once:

- "noise": by how much the loss grows if normal noise is added to the (standardized) inputs;
- "silenced": by how much it grows if a random share of the hidden units is silenced at all steps, so that
  neither a unit nor the head reads them;
- "ablation": by how much it grows on average if a single unit is silenced.

Co-adaptation is also read off the activations on the inputs of the validation split: "correlation", the mean
absolute correlation of two units' final h.
"""

from dataclasses import replace

import numpy as np
import torch

from labcode.data.dataset import Dataset
from labcode.experiments.effects import compare
from labcode.experiments.kept_runs import runs_of_arrays
from labcode.experiments.records import Record
from labcode.experiments.runs import Run
from labcode.experiments.snapshots import Trained, train_and_keep
from labcode.experiments.study import Study
from labcode.experiments.tasks import load
from labcode.training import predict

TASKS = {"weather": 30, "speech_vowels": 1}  # block of neighbouring test items
BUDGET = {"epochs": 25, "batch_size": 64, "learning_rate": 1e-2}
HIDDEN, PATIENCE, CHOICE_SEEDS = 32, 5, 3
GRIDS = {
    "output_dropout": (0.02, 0.05, 0.1, 0.2, 0.5, 0.8),
    "input_dropout": (0.02, 0.05, 0.2, 0.4),
    "recurrent_dropout_h": (0.2, 0.5, 0.8, 0.9),
}
NONE, EARLY = "none", "none_early"
NOISE, SILENCED = (0.25, 0.5, 1.0), (0.1, 0.25, 0.5)
DRAWS, ABLATED = 3, 8  # sets of silenced units, single units ablated


def silenced_losses(trained: Trained, dataset: Dataset, units: np.ndarray) -> np.ndarray:
    """Return the test items' losses if units are silent at all steps; the model is as before afterwards."""
    model, index = trained.model, torch.from_numpy(np.asarray(units))
    readers = (model.lstm.weight_hh_l0, model.head.weight)
    before = [weight.detach().clone() for weight in readers]
    with torch.no_grad():
        for weight in readers:
            weight[:, index] = 0
    losses = trained.item_losses(dataset, "test")
    with torch.no_grad():
        for weight, old in zip(readers, before, strict=True):
            weight.copy_(old)
    return losses


def noisy_losses(trained: Trained, dataset: Dataset, size: float, rng: np.random.Generator) -> np.ndarray:
    """Return the test items' losses with normal noise of a size added to their inputs."""
    x = dataset.test.x
    noisy = x + size * rng.normal(size=x.shape).astype(x.dtype)
    return trained.item_losses(replace(dataset, test=replace(dataset.test, x=noisy)), "test")


def mean_correlation(trained: Trained, dataset: Dataset) -> float:
    """Return the mean absolute correlation of two units' final h, over the inputs of the validation split."""
    x, _, *padding_mask = dataset.validation
    heads, model = [], trained.model
    handle = model.head.register_forward_pre_hook(lambda _, inputs: heads.append(inputs[0].numpy().copy()))
    predict(model, x, *padding_mask)
    handle.remove()
    read = np.concatenate(heads).astype(np.float64)
    read -= read.mean(axis=0)
    norms = np.maximum(np.linalg.norm(read, axis=0), 1e-12)
    correlations = np.abs((read / norms).T @ (read / norms))
    return float(correlations[np.triu_indices(len(correlations), 1)].mean())


def probes(trained: Trained, dataset: Dataset, seed: int) -> dict:
    """Return the test items' losses as they are ("clean"), and what noise and silence add to them.

    Noise, silenced sets and ablated units are drawn from the seed: they are the same for every method.
    """
    rng = np.random.default_rng(seed)
    clean = trained.item_losses(dataset, "test")
    found = {"clean": clean}
    for size in NOISE:
        found[f"noise_{size:g}"] = noisy_losses(trained, dataset, size, rng) - clean
    units = trained.model.lstm.hidden_size
    for share in SILENCED:
        chosen = [rng.permutation(units)[: round(share * units)] for _ in range(DRAWS)]
        losses = [silenced_losses(trained, dataset, silent) for silent in chosen]
        found[f"silenced_{share:g}"] = np.mean(losses, axis=0) - clean
    single = [silenced_losses(trained, dataset, [unit]) for unit in rng.permutation(units)[:ABLATED]]
    found["ablation"] = np.mean(single, axis=0) - clean
    rounded = {name: np.round(losses, 5).tolist() for name, losses in found.items()}
    return rounded | {"correlation": mean_correlation(trained, dataset)}


def run(
    seed: int,
    *,
    task: str,
    method: str = NONE,
    rate: float = 0.0,
    test: bool = False,
    epochs: int,
) -> dict:
    """Train one model to the last epoch.

    Returns:
        "validation", the curve; with ``test`` "last" and, without any dropout, "early": the ``probes``.
    """
    dataset, settings = load(task, seed), BUDGET | {"epochs": epochs}
    methods = () if method == NONE else ((method, rate),)
    trained = train_and_keep(
        Run(task=task, model=(("hidden_size", HIDDEN),), methods=methods, seed=seed, **settings),
        measure_train=False,
    )
    record = {"validation": np.round(trained.history.validation_loss, 5).tolist()}
    if test:
        trained.at(-1)
        record["last"] = probes(trained, dataset, seed)
    if test and method == NONE:
        trained.at(trained.kept(PATIENCE))
        record["early"] = probes(trained, dataset, seed)
    return record


def summarize_task(found: dict[str, list[dict]], block: int) -> dict:
    """Return the effects on one task.

    Args:
        found: the probes of all seeds by method, "none" and "none_early" among them.
        block: neighbouring test items that are resampled together.

    Returns:
        For each reference, "against_none" and "against_none_early": by probe and method, method minus
        reference; "means": by method and probe. Probes are what noise and silence add; "under_noise_0.5" is
        the whole loss under this noise.
    """
    arrays = {
        method: {
            probe: np.array([r[probe] for r in records]).reshape(len(records), -1) for probe in records[0]
        }
        for method, records in found.items()
    }
    for by_probe in arrays.values():
        added = [probe for probe in by_probe if probe not in ("clean", "correlation")]
        by_probe |= {f"under_{probe}": by_probe["clean"] + by_probe[probe] for probe in added}
    summary = {}
    for reference in (NONE, EARLY):
        methods = [method for method in arrays if method not in (NONE, EARLY)]
        methods += [EARLY] if reference == NONE else []
        summary[f"against_{reference}"] = {
            probe: compare(
                {method: arrays[method][probe] - base for method in methods},
                block=block if base.shape[1] > 1 else 1,
            )
            for probe, base in arrays[reference].items()
        }
    summary["means"] = {
        method: {probe: round(float(values.mean()), 4) for probe, values in by_probe.items()}
        for method, by_probe in arrays.items()
    }
    return summary


def epochs_of(study: Study) -> int:
    """Return the epochs of each training."""
    return 1 if study.quick else BUDGET["epochs"]


def choose(study: Study, task: str) -> tuple[dict[str, float], dict]:
    """Choose each method's rate on validation data; return the rates, and the means over the whole grid."""
    chosen, grid = {}, {}
    for method, rates in GRIDS.items():
        losses = {}
        for rate in rates:
            about = {"task": task, "method": method, "rate": rate, "epochs": epochs_of(study)}
            settings = [about | {"seed": seed} for seed in study.seeds(CHOICE_SEEDS)]
            records = study.map(run, settings, f"{task}, {method} {rate:g}")
            losses[rate] = float(np.mean([record["validation"][-1] for record in records]))
        chosen[method] = min(losses, key=losses.get)
        grid[method] = {f"{rate:g}": round(loss, 4) for rate, loss in losses.items()}
        if not study.quick and chosen[method] in (rates[0], rates[-1]):
            print(f"{task}, {method}: the best rate, {chosen[method]:g}, lies at an edge of the grid.")
    return chosen, grid


def main() -> None:
    """Run everything, and write record and result."""
    study, about = Study(__file__), {"chosen": {}, "grid": {}}
    for task in TASKS:
        about["chosen"][task], about["grid"][task] = choose(study, task)
        for method, rate in {NONE: 0.0, **about["chosen"][task]}.items():
            shared = {"task": task, "method": method, "rate": rate, "epochs": epochs_of(study), "test": True}
            settings = [shared | {"seed": seed} for seed in study.seeds(10)]
            runs = study.map(run, settings, f"{task}, {method} tested")
            study.keep_runs(f"{task}/{method}", [one["last"] for one in runs])
            if method == NONE:
                study.keep_runs(f"{task}/{EARLY}", [one["early"] for one in runs])
    settings = BUDGET | {"hidden": HIDDEN, "seeds": 10, "choice_seeds": CHOICE_SEEDS, "patience": PATIENCE}
    study.save(summary, settings=settings, **about)


def summary(record: Record) -> dict:
    """Return the effects on every task."""
    about, found = record.about, {}
    for task, block in TASKS.items():
        labels = (NONE, EARLY, *about["chosen"][task])
        runs = {label: runs_of_arrays(record.under(f"{task}/{label}/")) for label in labels}
        found[task] = summarize_task(runs, block)
    return {name: about[name] for name in ("settings", "chosen", "grid")} | {"summary": found}


if __name__ == "__main__":
    main()
