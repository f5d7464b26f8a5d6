"""Chapter 9.1: grid, random and TPE at an equal budget, and what the winner's own score is worth.

``python course.py evidence 09_search`` makes 60 searches of 16 trials and writes
``evidence/results/09_search.json``.

Protocol, fixed before the first run. The task: which of nine men says two Japanese vowels, from the first 16
frames. Two hyperparameters: L2's strength λ (logarithmic scale) and the rate of dropout before the head
(linear). A trial trains one LSTM for all epochs and returns its loss on one half of the validation
recordings; the other half, "fresh", chooses nothing and only says what that loss is worth. Ten repeats draw
training and validation recordings anew. All trials of a repeat share one training seed, and its searches
share their first random points. The budget is 16 trials, for the pruned searches as many epochs. The winner
of each search is trained once more and reads the test split, once.

One-standard-error rule: along λ alone, the strongest λ whose loss is at most one standard error (over the
recordings) above the lowest; compared with the lowest itself, on the test split.
"""

import numpy as np

from labcode.applications.metrics import item_losses
from labcode.data import speech
from labcode.experiments import train_once
from labcode.experiments.study import Study
from labcode.experiments.summary import compare
from labcode.search import best, search
from labcode.search.selection import one_standard_error, winners
from labcode.search.space import Range
from labcode.training import predict

REPEATS, TRIALS = 10, 16
MODEL = {"epochs": 15, "hidden": 16, "batch_size": 75}
RATE = 0.03
FIT = {"clip_norm": 1.0, "measure_train": False, "progress": False}
SPACE = {"l2": Range(1e-5, 1.0, log=True), "output_dropout": Range(0.0, 0.9)}
LINEAR = {name: Range(part.low, part.high) for name, part in SPACE.items()}
SEARCHES = {
    "grid": {"method": "grid"},
    "random": {"method": "random"},
    "TPE": {"method": "tpe"},
    "TPE, pruned": {"method": "tpe", "pruning": 4},
    "random, linear scale": {"method": "random", "log": False},
    "coarse to fine": {"method": "random", "fine": True},
}
FINE = 1 / 3  # the part of each range that the second half of "coarse to fine" looks at
PLAIN = {"l2": 0.0, "output_dropout": 0.0}
STRENGTHS = tuple(10.0**exponent for exponent in np.arange(-5.0, 0.1, 0.5))
PAIRS = {
    "random minus grid": ("random", "grid"),
    "TPE minus random": ("TPE", "random"),
    "TPE, pruned, minus TPE": ("TPE, pruned", "TPE"),
    "logarithmic minus linear scale": ("random", "random, linear scale"),
    "coarse to fine minus random": ("coarse to fine", "random"),
    "grid minus none": ("grid", "none"),
    "random minus none": ("random", "none"),
}


def data(repeat: int):
    """Return the dataset of a repeat, and the two halves of its validation recordings, drawn at random."""
    dataset = speech.load(repeat, "second", longest=16)
    half = len(dataset.validation.x) // 2
    return dataset, dataset.validation.subset(slice(half)), dataset.validation.subset(slice(half, None))


def train(repeat: int, point: dict, report=None):
    """Train one model at a point."""
    dataset, choosing, _ = data(repeat)
    tell = None if report is None else lambda epoch, losses, model: report(losses["validation_loss"])
    options = {"learning_rate": RATE, "validation": choosing, "on_epoch_end": tell, **FIT, **MODEL}
    return train_once(dataset, seed=repeat, methods=point, **options)[0]


def losses(model, split) -> np.ndarray:
    """Return the loss of each recording of a split."""
    x, y, padding_mask = split
    return item_losses("classification", predict(model, x, padding_mask).numpy(), y)


def run_search(*, repeat: int, trials: int, method: str, pruning: int | None, log: bool, fine: bool) -> dict:
    """Search once; return every trial, with the fresh loss that the search did not see."""
    space, fresh_losses = SPACE if log else LINEAR, {}
    _, choosing, fresh = data(repeat)

    def objective(point, report):
        model = train(repeat, point, report)
        fresh_losses[tuple(point.values())] = float(losses(model, fresh).mean())
        return float(losses(model, choosing).mean())

    if fine:
        tried = search(objective, space, trials=trials - trials // 2, method=method, seed=repeat)
        finer = {key: part.near(best(tried).point[key], FINE) for key, part in space.items()}
        tried += search(objective, finer, trials=trials // 2, method=method, seed=1000 + repeat)
    elif pruning is None:
        tried = search(objective, space, trials=trials, method=method, seed=repeat)
    else:
        budget = {"trials": 10 * trials, "steps": trials * MODEL["epochs"]}
        tried = search(objective, space, method=method, seed=repeat, pruning=pruning, **budget)
    return {
        "points": [list(trial.point.values()) for trial in tried],
        "validation": [trial.value for trial in tried],
        "fresh": [fresh_losses.get(tuple(trial.point.values())) for trial in tried],
        "steps": [trial.steps for trial in tried],
        "pruned": [trial.pruned for trial in tried],
    }


def run_point(*, repeat: int, point: dict, test: bool) -> dict:
    """Train one setting; return losses: of the items that choose, of the fresh ones, of the test if asked."""
    (dataset, *both), model = data(repeat), train(repeat, point)
    validation, fresh = (losses(model, half) for half in both)
    found = {"validation": validation.tolist(), "fresh": float(fresh.mean())}
    if test:  # this reads the test data
        found["test"] = losses(model, dataset.test).tolist()
    return found


def winner(found: dict) -> dict:
    """Return the point with the lowest validation loss among the trials that were not pruned."""
    place = winners(found["validation"], pruned=found["pruned"])[-1]
    return dict(zip(SPACE, found["points"][place], strict=True))


def tested(study: Study, points: list[dict]) -> np.ndarray:
    """Train one setting a repeat and return its test losses, (repeats, recordings)."""
    wanted = [{"repeat": repeat, "point": point, "test": True} for repeat, point in enumerate(points)]
    return np.array([one["test"] for one in study.map(run_point, wanted, label="test")])


def optimism(found: list[dict], trials: int) -> np.ndarray:
    """Return how much lower the winner's loss is on the half that chose it than on the other, (repeats, 1).

    Each half chooses once among the same trials, and the mean of both is taken: how hard the recordings of a
    half are cancels. Only for searches whose points do not depend on losses.
    """
    rows = []
    for one in found:
        both = [np.array(one[half][:trials], dtype=float) for half in ("validation", "fresh")]
        both = [np.where(np.isfinite(values), values, np.inf) for values in both]
        rows.append([np.mean([other[own.argmin()] - own.min() for own, other in (both, both[::-1])])])
    return np.array(rows)


def compare_searches(study: Study, trials: int) -> tuple[dict, dict]:
    """Make all searches; return the summary, and the trials to be kept."""
    found = {}
    for name, chosen in SEARCHES.items():
        options = {"trials": trials, "pruning": None, "log": True, "fine": False} | chosen
        wanted = [{"repeat": repeat, **options} for repeat in study.seeds(REPEATS)]
        found[name] = study.map(run_search, wanted, label=name)
    test = {name: tested(study, [winner(one) for one in repeats]) for name, repeats in found.items()}
    test["none"] = tested(study, [PLAIN for _ in study.seeds(REPEATS)])
    summary = {
        "test": {name: _rounded(array.mean(axis=1)) for name, array in test.items()},
        "difference": compare({label: test[a] - test[b] for label, (a, b) in PAIRS.items()}),
        "optimism": compare({str(n): optimism(found["random"], n) for n in (1, 2, 4, 8, trials)}),
    }
    return summary, {name: [_kept(one) for one in repeats] for name, repeats in found.items()}


def study_one_standard_error(study: Study) -> tuple[dict, dict]:
    """Choose λ by the lowest loss and by the rule; return the summary, and the losses along λ."""
    points = [PLAIN | {"l2": strength} for strength in STRENGTHS]
    path = []
    for repeat in study.seeds(REPEATS):
        wanted = [{"repeat": repeat, "point": point, "test": False} for point in points]
        path.append(study.map(run_point, wanted, label="along λ"))
    validation = [np.array([one["validation"] for one in repeat]) for repeat in path]
    means = np.array([array.mean(axis=1) for array in validation])
    errors = np.array([array.std(axis=1, ddof=1) / array.shape[1] ** 0.5 for array in validation])
    lowest = [STRENGTHS[place] for place in means.argmin(axis=1)]
    ruled = [one_standard_error(STRENGTHS, m, e) for m, e in zip(means, errors, strict=True)]
    chosen = {"lowest": lowest, "rule": ruled}
    test = {name: tested(study, [PLAIN | {"l2": s} for s in choice]) for name, choice in chosen.items()}
    summary = {
        "test": {name: _rounded(array.mean(axis=1)) for name, array in test.items()},
        "difference": compare({"rule minus lowest": test["rule"] - test["lowest"]}),
    }
    table = {"means": means, "errors": errors, "fresh": [[one["fresh"] for one in r] for r in path]}
    kept = {name: [_rounded(row) for row in rows] for name, rows in table.items()}
    return summary, {"strengths": STRENGTHS} | kept | chosen


def main() -> None:
    """Run everything and write the result."""
    study = Study(__file__)
    trials = 4 if study.quick else TRIALS
    rule, path = study_one_standard_error(study)
    searches, kept = compare_searches(study, trials)
    settings = {"repeats": len(study.seeds(REPEATS)), "trials": trials, "fine": FINE, "rate": RATE} | MODEL
    settings["space"] = {name: [part.low, part.high, part.log] for name, part in SPACE.items()}
    summary = searches | {"one standard error": rule}
    study.save({"settings": settings, "summary": summary, "searches": kept, "path": path})


def _kept(found: dict) -> dict:
    """Return a search's trials with as many digits as a figure needs."""
    numbers = {name: _rounded(found[name]) for name in ("validation", "fresh")}
    points = [[float(f"{value:.4g}") for value in point] for point in found["points"]]
    return numbers | {"points": points, "steps": found["steps"], "pruned": [int(p) for p in found["pruned"]]}


def _rounded(values) -> list[float | None]:
    """Return numbers with four digits after the point; what is missing or infinite as None."""
    return [None if v is None or not np.isfinite(v) else round(float(v), 4) for v in values]


if __name__ == "__main__":
    main()
