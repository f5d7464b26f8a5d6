"""Chapter 9.1: grid, random and TPE at an equal budget, and what the winner's own score is worth.

``python course.py evidence 09_search`` makes 80 searches of 27 trials and writes
``evidence/results/09_search.json``.

Protocol, fixed before the first run. Three hyperparameters: L2's strength λ (logarithmic scale), the rate of
dropout before the head (linear), the learning rate (logarithmic). A trial trains one LSTM for all epochs and
returns its loss on one half of the validation split; the other half, "fresh", chooses nothing and only says
what that loss is worth. Ten repeats; on the vowels each draws training and validation data anew, on the
weather it only swaps the two halves. All trials of a repeat share one training seed; all searches of a repeat
share their first ten points where they draw at random. The budget is 27 trials, of pruned searches as many
epochs. The winner of each search is trained once more and reads the test split, once.

One-standard-error rule: along λ alone, the strongest λ whose loss is at most one standard error (over the
recordings) above the lowest; compared with the lowest itself, on the test split.
"""

import numpy as np

from labcode.applications.metrics import item_losses
from labcode.experiments.points import train_point
from labcode.experiments.study import Study
from labcode.experiments.summary import compare
from labcode.experiments.tasks import load
from labcode.search import best, search
from labcode.search_space import Range
from labcode.selection import one_standard_error, winners
from labcode.training import predict

REPEATS, TRIALS, HIDDEN = 10, 27, 32
EPOCHS = {"speech_vowels": 15, "weather": 8}
BLOCK = {"speech_vowels": 1, "weather": 30}  # recordings; days: longer than weather remembers
SPACE = {
    "l2": Range(1e-5, 1.0, log=True),
    "output_dropout": Range(0.0, 0.9),
    "learning_rate": Range(1e-3, 1e-1, log=True),
}
LINEAR = {name: Range(part.low, part.high) for name, part in SPACE.items()}
SEARCHES = {
    "grid": {"method": "grid"},
    "random": {},
    "random, linear scale": {"space": LINEAR},
    "coarse to fine": {},
    "TPE": {"method": "tpe"},
    "TPE, pruned": {"method": "tpe", "pruning": 4},
}
NAMES = ["grid", "random", "TPE", "TPE, pruned", "random, linear scale", "coarse to fine"]
FINE = 1 / 3  # the part of each range that the second half of "coarse to fine" looks at
STRENGTHS = tuple(10.0**exponent for exponent in np.arange(-5.0, 0.1, 0.5))
PLAIN = {"l2": 0.0, "output_dropout": 0.0, "learning_rate": 1e-2}


def halves(task: str, repeat: int):
    """Return a task's dataset, and the numbers of the validation items that choose and of the fresh ones."""
    dataset = load(task, repeat)
    items = len(dataset.validation.x)
    by_block = np.arange(items) // BLOCK[task] % 2 == 0  # of 30 days, in turn
    first = by_block if task == "weather" else np.arange(items) < items // 2  # the loader draws recordings
    parts = np.flatnonzero(first), np.flatnonzero(~first)
    return dataset, *(parts if repeat % 2 == 0 else parts[::-1])


def train(task: str, repeat: int, point: dict, report=None):
    """Train one model; return it, its dataset and the numbers of both halves of the validation split."""
    dataset, choosing, fresh = halves(task, repeat)
    options = {"seed": repeat, "epochs": EPOCHS[task], "hidden": HIDDEN, "report": report}
    model = train_point(dataset, point, validation=dataset.validation.subset(choosing), **options)
    return model, dataset, choosing, fresh


def losses(model, dataset, split) -> np.ndarray:
    """Return the loss of each item of a split."""
    x, y, *mask = split
    return item_losses(dataset.task, predict(model, x, *mask).numpy(), y)


def run_search(*, task: str, name: str, repeat: int, trials: int) -> dict:
    """Search once; return every trial, with the fresh loss that the search did not see."""
    options, fresh_losses = dict(SEARCHES[name]), {}
    space = options.pop("space", SPACE)

    def objective(point, report):
        model, dataset, choosing, fresh = train(task, repeat, point, report)
        both = losses(model, dataset, dataset.validation)
        fresh_losses[tuple(point.values())] = float(both[fresh].mean())
        return float(both[choosing].mean())

    if name == "coarse to fine":
        tried = search(objective, space, trials=trials - trials // 2, seed=repeat)
        finer = {key: part.near(best(tried).point[key], FINE) for key, part in space.items()}
        tried += search(objective, finer, trials=trials // 2, seed=1000 + repeat)
    elif "pruning" in options:
        tried = search(
            objective, space, trials=10 * trials, steps=trials * EPOCHS[task], seed=repeat, **options
        )
    else:
        tried = search(objective, space, trials=trials, seed=repeat, **options)
    return {
        "points": [list(t.point.values()) for t in tried],
        "validation": [t.value for t in tried],
        "fresh": [None if t.pruned else fresh_losses.get(tuple(t.point.values())) for t in tried],
        "steps": [t.steps for t in tried],
        "pruned": [t.pruned for t in tried],
    }


def run_point(*, task: str, repeat: int, point: dict, test: bool) -> dict:
    """Train one setting; return losses: of the items that choose, of the fresh ones, of the test if asked."""
    model, dataset, choosing, fresh = train(task, repeat, point)
    both = losses(model, dataset, dataset.validation)
    found = {"validation": both[choosing].tolist(), "fresh": float(both[fresh].mean())}
    if test:  # this reads the test data
        found["test"] = losses(model, dataset, dataset.test).tolist()
    return found


def winner(found: dict) -> dict:
    """Return the point with the lowest validation loss among the trials that were not pruned."""
    place = winners(found["validation"], pruned=found["pruned"])[-1]
    return dict(zip(SPACE, found["points"][place], strict=True))


def tested(study: Study, task: str, points: list[dict]) -> np.ndarray:
    """Train one setting a repeat and return its test losses, (repeats, items)."""
    wanted = [{"task": task, "repeat": r, "point": p, "test": True} for r, p in enumerate(points)]
    return np.array([one["test"] for one in study.map(run_point, wanted, label=f"{task}, test")])


def searches(study: Study, task: str, names: list[str], trials: int) -> dict[str, list[dict]]:
    """Make the searches of a task, all repeats of each."""
    found = {}
    for name in names:
        wanted = [{"task": task, "name": name, "repeat": r, "trials": trials} for r in study.seeds(REPEATS)]
        found[name] = study.map(run_search, wanted, label=f"{task}, {name}")
    return found


def optimism(found: list[dict], trials: int) -> np.ndarray:
    """Return how much lower the winner's loss is on the half that chose it than on the other, (repeats, 1).

    Each half chooses once among the same trials, and the mean of both is taken: how hard the items of a half
    are cancels. Only for searches whose points do not depend on losses.
    """
    rows = []
    for one in found:
        halves_of = [np.array(one[half][:trials], dtype=float) for half in ("validation", "fresh")]
        halves_of = [np.where(np.isfinite(values), values, np.inf) for values in halves_of]
        pairs = (halves_of, halves_of[::-1])
        rows.append([np.mean([other[chosen.argmin()] - chosen.min() for chosen, other in pairs])])
    return np.array(rows)


def differences(test: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the paired differences of test losses that the chapter speaks of."""
    pairs = {
        "random minus grid": ("random", "grid"),
        "TPE minus random": ("TPE", "random"),
        "TPE, pruned, minus TPE": ("TPE, pruned", "TPE"),
        "coarse to fine minus random": ("coarse to fine", "random"),
        "random minus random, linear scale": ("random", "random, linear scale"),
        "grid minus none": ("grid", "none"),
        "random minus none": ("random", "none"),
    }
    return {label: test[a] - test[b] for label, (a, b) in pairs.items() if a in test and b in test}


def study_task(study: Study, task: str, names: list[str], trials: int) -> tuple[dict, dict]:
    """Do all searches of a task; return its summary, and the trials to be kept."""
    found = searches(study, task, names, trials)
    test = {"none": tested(study, task, [PLAIN for _ in study.seeds(REPEATS)])}
    for name, repeats in found.items():
        test[name] = tested(study, task, [winner(one) for one in repeats])
    curse = {f"{n} trials": optimism(found["random"], n) for n in (1, 3, 9, trials)}
    summary = {
        "test": {name: _rounded(array.mean(axis=1)) for name, array in test.items()},
        "difference": compare(differences(test), block=BLOCK[task]),
        "optimism": compare(curse),
    }
    return summary, {name: [_kept(one) for one in repeats] for name, repeats in found.items()}


def study_one_standard_error(study: Study) -> tuple[dict, dict]:
    """Choose λ by the lowest loss and by the rule; return the summary, and the losses along λ."""
    task, points = "speech_vowels", [PLAIN | {"l2": strength} for strength in STRENGTHS]
    path = [
        study.map(
            run_point,
            [{"task": task, "repeat": r, "point": p, "test": False} for p in points],
            label="along λ",
        )
        for r in study.seeds(REPEATS)
    ]
    validation = [np.array([one["validation"] for one in repeat]) for repeat in path]
    means = np.array([array.mean(axis=1) for array in validation])
    errors = np.array([array.std(axis=1, ddof=1) / array.shape[1] ** 0.5 for array in validation])
    lowest = means.argmin(axis=1)
    ruled = [one_standard_error(STRENGTHS, m, e) for m, e in zip(means, errors, strict=True)]
    by_rule = {
        "lowest": tested(study, task, [points[place] for place in lowest]),
        "rule": tested(study, task, [points[STRENGTHS.index(strength)] for strength in ruled]),
    }
    summary = {
        "test": {name: _rounded(array.mean(axis=1)) for name, array in by_rule.items()},
        "difference": compare({"rule minus lowest": by_rule["rule"] - by_rule["lowest"]}),
    }
    kept = {
        "strengths": STRENGTHS,
        "means": [_rounded(m) for m in means],
        "errors": [_rounded(e) for e in errors],
    }
    kept |= {"fresh": [_rounded(one["fresh"] for one in repeat) for repeat in path]}
    return summary, kept | {"lowest": [STRENGTHS[place] for place in lowest], "rule": list(ruled)}


def main() -> None:
    """Run everything and write the result."""
    study = Study(__file__)
    trials = 8 if study.quick else TRIALS
    vowels, kept = study_task(study, "speech_vowels", NAMES, trials)
    rule, path = study_one_standard_error(study)
    weather, _ = study_task(study, "weather", ["grid", "random"], trials)
    settings = {"repeats": len(study.seeds(REPEATS)), "trials": trials, "epochs": EPOCHS}
    settings |= {"space": {name: [part.low, part.high, part.log] for name, part in SPACE.items()}}
    result = {
        "settings": settings | {"hidden": HIDDEN, "fine": FINE, "plain": PLAIN, "block": BLOCK},
        "summary": {"vowels": vowels, "weather": weather, "one_standard_error": rule},
        "searches": kept,
        "path": path,
    }
    study.save(result)


def _kept(found: dict) -> dict:
    """Return a search's trials with as many digits as a figure needs."""
    numbers = {name: _rounded(found[name]) for name in ("validation", "fresh")}
    points = [[float(f"{value:.4g}") for value in point] for point in found["points"]]
    return numbers | {"points": points, "steps": found["steps"], "pruned": [int(p) for p in found["pruned"]]}


def _rounded(values) -> list[float | None]:
    """Return numbers with four digits after the point; infinite ones as None."""
    return [None if v is None or not np.isfinite(v) else round(float(v), 4) for v in values]


if __name__ == "__main__":
    main()
