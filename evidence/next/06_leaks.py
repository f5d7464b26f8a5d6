"""Chapter 6.4's leaks: what a shuffled split, a scale of all data and a choice on test data promise too much.

Run ``python course.py evidence 06_leaks``. It trains 60 small LSTMs and 1,200 linear models on stocks, and
writes ``evidence/results/06_leaks.json``.

Protocol: LSTMs of 32 units, Adam 0.003, batches of 64, 15 epochs, 10 seeds.

Shuffled split. 20 % of the windows of 2000 to 2005 are held out, the last days or windows drawn anywhere; the
model learns the rest. The claim is its skill on what was held out, the truth its skill on 2006 to 2009. What
a shuffled split flatters by is claim minus truth, less the same of the split by time. Skill is 1 - loss /
loss of a rule.

Scale. The same training, with inputs and targets scaled on 2000 to 2003 or on all years; the loss on the test
years, in the same units, honest minus leaky.

Choice on test. For each seed 120 linear models are candidates, each of 20 of the window's 88 numbers, drawn
by chance. The months of the test years are parted in two: odd and even ones. The best candidate on one half
is chosen (claim), and the other half says what it is worth (truth); both ways, on average. An honest choice
takes the best candidate on the validation years.
"""

import numpy as np
import torch

from labcode.applications.baselines import ridge_predictions
from labcode.applications.leaks import hold_out, mean_of_next, scale_on_all
from labcode.applications.models import build_model
from labcode.data import join, stocks
from labcode.experiments.effects import compare
from labcode.experiments.kept_runs import runs_of_arrays
from labcode.experiments.study import Study
from labcode.training import fit, predict, seeded

SEEDS, HIDDEN, EPOCHS, BATCH, RATE = 10, 32, 15, 64, 3e-3
MONTH, HELD_OUT = 22, 0.2
TARGETS = {"month": "raw_volatility", "tomorrow": "volatility"}
CANDIDATES, COLUMNS, STRENGTH = 120, 20, 100.0


def trained(dataset, train, seed):
    """Return an LSTM trained on these windows."""
    with seeded(seed):
        model = build_model(dataset, hidden_size=HIDDEN)
        fit(
            model,
            train,
            optimizer=torch.optim.Adam(model.parameters(), lr=RATE),
            epochs=EPOCHS,
            batch_size=BATCH,
            generator=torch.Generator().manual_seed(seed),
            task=dataset.task,
            measure_train=False,
            progress=False,
        )
    return model


def score(model, split, task):
    """Return the skill against the rule: no surprise, or the last month's mean again."""
    outputs = predict(model, split.x).numpy()
    rule = split.x[:, :, 2].mean(axis=1, keepdims=True) if task == "month" else 0.0
    return float(1 - np.square(outputs - split.y).mean() / np.square(rule - split.y).mean())


def parts_of(task):
    """Return the dataset, the windows of the known years, those of later ones, and the days of a target."""
    dataset = stocks.load(target=TARGETS[task])
    known, future = join(dataset.train, dataset.validation), dataset.test
    if task != "month":
        return dataset, known, future, 1
    return dataset, mean_of_next(known, MONTH), mean_of_next(future, MONTH), MONTH


def split_run(*, seed, task, shuffled):
    """Train on what one kind of split leaves, and return the score that it claims and the true one."""
    dataset, known, future, ahead = parts_of(task)
    rng = np.random.default_rng(seed) if shuffled else None
    train, held_out = hold_out(known, HELD_OUT, ahead=ahead, rng=rng)
    model = trained(dataset, train, seed)
    return {"claim": score(model, held_out, task), "truth": score(model, future, task)}


def scale_run(*, seed, target, leaky):
    """Train with one kind of scale, and return the test loss in training units."""
    dataset, level, unit = stocks.load(target=target), 0.0, 1.0
    y = dataset.test.y
    if leaky:
        again = scale_on_all(dataset)
        dataset, level, unit = again.dataset, again.level, again.unit
    model = trained(dataset, dataset.train, seed)
    outputs = level + unit * predict(model, dataset.test.x).numpy()
    return {"test": float(np.square(outputs - y).mean())}


def candidates_run(*, seed):
    """Return each candidate's accuracy on the validation years and on both halves of the test years."""
    dataset, rng = stocks.load(target="sign"), np.random.default_rng(seed)
    odd = dataset.test.dates.astype("datetime64[M]").astype(int) % 2 == 1
    flat = {name: split.x.reshape(len(split.x), -1) for name, split in dataset.splits.items()}
    signs = 2.0 * dataset.train.y[:, None] - 1
    found = {"validation": [], "odd": [], "even": []}
    for _ in range(CANDIDATES):
        columns = rng.choice(flat["train"].shape[1], COLUMNS, replace=False)
        known = flat["train"][:, columns], signs
        said = {
            name: ridge_predictions(*known, flat[name][:, columns], STRENGTH)[:, 0] > 0
            for name in ("validation", "test")
        }
        right = said["test"] == dataset.test.y
        found["validation"].append(float((said["validation"] == dataset.validation.y).mean()))
        found["odd"].append(float(right[odd].mean()))
        found["even"].append(float(right[~odd].mean()))
    return found


def choice_of(run):
    """Return what a choice on test data and one on validation data claim and find, for one seed."""
    tables = {name: np.array(run[name]) for name in ("validation", "odd", "even")}
    best = {name: int(values.argmax()) for name, values in tables.items()}
    honest = best["validation"]
    return {
        "on_test": {
            "claim": (tables["odd"][best["odd"]] + tables["even"][best["even"]]) / 2,
            "truth": (tables["even"][best["odd"]] + tables["odd"][best["even"]]) / 2,
        },
        "on_validation": {
            "claim": tables["validation"][honest],
            "truth": (tables["odd"][honest] + tables["even"][honest]) / 2,
        },
    }


def splits(study):
    """Return claims and truths of both kinds of split, by task, and what the shuffled one flatters by."""
    kinds = [(task, kind) for task in TARGETS for kind in ("shuffled", "by_time")]
    runs = _by_seed(
        study, split_run, {pair: {"task": pair[0], "shuffled": pair[1] == "shuffled"} for pair in kinds}
    )
    found, flattery = {task: {} for task in TARGETS}, {}
    for (task, kind), of_seeds in runs.items():
        found[task][kind] = {name: [run[name] for run in of_seeds] for name in ("claim", "truth")}
    for task, by_kind in found.items():
        excess = {kind: np.subtract(one["claim"], one["truth"]) for kind, one in by_kind.items()}
        flattery[f"shuffled split, {task}"] = excess["shuffled"] - excess["by_time"]
    return found, flattery


def scales(study):
    """Return the test losses with both kinds of scale, and what the leaky one flatters by."""
    target = "raw_volatility"
    kinds = {kind: {"target": target, "leaky": kind == "on_all"} for kind in ("on_all", "on_training")}
    runs = _by_seed(study, scale_run, kinds)
    losses = {kind: [run["test"] for run in of_seeds] for kind, of_seeds in runs.items()}
    flattery = np.subtract(losses["on_training"], losses["on_all"])
    return {target: losses}, {f"scaled on all data, {target}": flattery}


def choices(study):
    """Return claims and truths of both kinds of choice, and what the choice on test data flatters by."""
    runs = study.map(candidates_run, [{"seed": seed} for seed in study.seeds(SEEDS)], "candidates")
    by_seed = [choice_of(run) for run in runs]
    found = {
        kind: {name: [one[kind][name] for one in by_seed] for name in ("claim", "truth")}
        for kind in ("on_test", "on_validation")
    }
    on_test = found["on_test"]
    return found, {"chosen on test, sign": np.subtract(on_test["claim"], on_test["truth"])}


def main():
    """Run everything, and write record and result."""
    study = Study(__file__)
    found = {"splits": splits(study), "scales": scales(study), "choices": choices(study)}
    for name, (one, flattery) in found.items():
        study.keep_runs(f"details/{name}", [one])
        for label, values in flattery.items():
            study.keep(f"flattery/{label}", np.array(values))
    settings = {"seeds": SEEDS, "hidden": HIDDEN, "epochs": EPOCHS, "candidates": CANDIDATES}
    study.save(summary, settings=settings, parts=list(found))


def summary(record):
    """Return by how much each leak flatters, and the losses by seed."""
    effects = compare({name: values[:, None] for name, values in record.under("flattery/").items()})
    details = {
        name: _rounded(runs_of_arrays(record.under(f"details/{name}/"))[0]) for name in record.about["parts"]
    }
    return {"settings": record.about["settings"], "summary": {"leaks": {"flattery": effects}}} | details


def _by_seed(study, function, settings):
    """Call a function with each of the settings and every seed; return the results of all seeds by key."""
    seeds = study.seeds(SEEDS)
    calls = [one | {"seed": seed} for one in settings.values() for seed in seeds]
    found = study.map(function, calls, function.__name__)
    return {key: found[at * len(seeds) : (at + 1) * len(seeds)] for at, key in enumerate(settings)}


def _rounded(value):
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return [round(float(one), 4) for one in value]


if __name__ == "__main__":
    main()
