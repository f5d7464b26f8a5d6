"""Chapter 9.2: what learning curves give away, what they do not, and what three leaks are worth.

Run ``python course.py evidence 09_diagnosis``. It trains about a thousand small models.

1. The gallery. Runs with one planted fault each (``labcode.experiments.planted_faults``) on four tasks. The
   rules of ``diagnose`` were set on two tasks; its error rate is counted on two others. The interval is a
   bootstrap over pairs of task and seed, whose runs share their data. Faults that have no effect on the
   loss on fresh data are left out. (The rules were set on runs of weather and speech, seeds 0 to 5, with the
   same faults at other strengths; two of those seeds are trained again here.)
2. The gap. Twenty-four settings (task, hidden units, training data). Does the gap of the run without
   regularization say how much L2 or dropout will lower the loss on fresh data? Each is the mean of ten
   seeds, and settings are resampled for the intervals; all is trained for 25 epochs, at strengths that were
   written down beforehand. The same is asked of the two first and of the two other tasks alone.
3. Three leaks, on Seattle's weather, with ten seeds: what they make of the loss that is reported, in
   comparison with the honest one. For the third, one of three rates of dropout is chosen.

All of it uses the training and validation parts of the tasks alone; their test parts stay closed.
"""

import copy

import numpy as np
import torch

from labcode.data import load_weather
from labcode.early_stopping import EarlyStopping
from labcode.experiments import train_once
from labcode.experiments.faulty_runs import redrawn, run_with_fault, trained
from labcode.experiments.intervals import bootstrap_p, holm, interval_of
from labcode.experiments.planted_faults import FREE
from labcode.experiments.ranking import auc, rank_correlation
from labcode.experiments.study import Study
from labcode.experiments.summary import compare
from labcode.experiments.tasks import find_task
from labcode.training import evaluate, seeded
from labcode.training.diagnose import CASES, diagnose
from labcode.training.history import History

TUNED, UNSEEN = ("weather", "speech"), ("weather_new_york", "speech_vowels")
HIDDEN, SHARES, EPOCHS = (8, 32), (0.2, 0.5, 1.0), 25
METHODS = {"none": {}, "l2": {"l2": 0.01}, "output_dropout": {"output_dropout": 0.5}}
RATES = (0.0, 0.2, 0.5)
DRAWS = 4000
HARMFUL = ("overfit", "underfit", "learning rate too high", "shift")


def fault(*, task, case, seed):
    """Train one model with one planted fault, and make all checks."""
    record = run_with_fault(find_task(task).load(seed), case, seed)
    history = record["history"]
    for name in ("train_loss", "validation_loss"):
        history[name] = [float(f"{loss:.4g}") for loss in history[name]]
    kept = ("train_loss", "validation_loss", "best_epoch", "stopped_epoch")
    checks = {
        name: [float(f"{v:.6g}") for v in value] if isinstance(value, list) else value
        for name, value in record["checks"].items()
    }
    about = {"task": task, "seed": seed, "case": case, "kind": record["kind"]}
    return about | {name: history[name] for name in kept} | {"checks": checks}


def setting(*, task, hidden, share, method, seed, epochs=EPOCHS):
    """Train one model for the gap; return its losses at the last and at the best epoch."""
    data = redrawn(find_task(task).load(seed), seed)
    small = data.train.last(share)
    settings, states = FREE | METHODS[method] | {"hidden": hidden, "epochs": epochs}, []

    def keep(epoch, losses, model):
        states.append(copy.deepcopy(model.state_dict()))

    with seeded(seed):
        model, history = trained(data, settings, seed, train=small, on_epoch_end=keep)
    at, fresh = {"last": -1, "best": history.best_epoch}, {}
    for when, epoch in at.items():
        model.load_state_dict(states[epoch])
        fresh[when] = evaluate(model, data.test, data.task)["loss"]
    return {
        when: {
            "train": history.train_loss[epoch],
            "validation": history.validation_loss[epoch],
            "fresh": fresh[when],
        }
        for when, epoch in at.items()
    } | {"samples": len(small.y)}


def comparison(*, split, scale, rate, seed, epochs=40):
    """Train with one rate of dropout; return the best validation loss, and the test loss of that epoch."""
    data = redrawn(load_weather(), seed, split=split, scale=scale)
    rule = EarlyStopping(patience=6, restore_best_weights=True)
    options = {"hidden": 32, "epochs": epochs, "progress": False, "early_stopping": rule}
    model, _ = train_once(data, seed=seed, model_options={"output_dropout": rate}, **options)
    return {"validation": rule.best, "test": evaluate(model, data.test)["loss"]}


def named(record, checks=True):
    """Return what ``diagnose`` says of a record, with all checks or from the curves alone."""
    names = ("train_loss", "validation_loss", "best_epoch", "stopped_epoch")
    history = History(**{name: record[name] for name in names})
    return diagnose(history, **(record["checks"] if checks else {})).case


def errors(records, rng):
    """Return error rates with intervals, and the confusion matrix (rows: planted, columns: named)."""
    found = {}
    for label, checks in (("all checks", True), ("curves alone", False)):
        names = [named(record, checks) for record in records]
        wrong = np.array([name != r["case"] for name, r in zip(names, records, strict=True)], dtype=float)
        groups = sorted({(r["task"], r["seed"]) for r in records})
        member = np.array([groups.index((r["task"], r["seed"])) for r in records])
        sums, counts = np.bincount(member, wrong), np.bincount(member)
        drawn = rng.integers(len(groups), size=(DRAWS, len(groups)))
        rates = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
        confusion = np.zeros((len(CASES), len(CASES)), dtype=int)
        for name, r in zip(names, records, strict=True):
            confusion[CASES.index(r["case"]), CASES.index(name)] += 1
        by_task = {
            task: float(np.mean([w for w, r in zip(wrong, records, strict=True) if r["task"] == task]))
            for task in sorted({r["task"] for r in records})
        }
        found[label] = {
            "runs": len(records),
            "error": round(float(wrong.mean()), 4),
            "interval": [round(end, 4) for end in interval_of(rates)],
            "by_task": {task: round(rate, 4) for task, rate in by_task.items()},
            "confusion": confusion.tolist(),
        }
    return found


def averaged(runs):
    """Return the mean losses of the same setting's runs, with several seeds."""
    return {
        when: {name: float(np.mean([run[when][name] for run in runs])) for name in runs[0][when]}
        for when in ("last", "best")
    } | {"samples": runs[0]["samples"]}


def gap_study(settings, runs, rng):
    """Return, for each method, how well the gap foretells its gain; and the settings' numbers."""
    rows = []
    for one, found in zip(settings, runs, strict=True):
        plain, best = found["none"]["last"], found["none"]["best"]["validation"]
        row = one | {"samples": found["none"]["samples"]}
        row["gap"] = plain["validation"] - plain["train"]
        row["relative_gap"] = row["gap"] / plain["validation"]
        row["rise"] = plain["validation"] / best - 1
        row["fresh"] = {m: {when: r[when]["fresh"] for when in ("last", "best")} for m, r in found.items()}
        rows.append(row)
    draws = rng.integers(len(rows), size=(DRAWS, len(rows)))
    effects, families = {}, {}
    for method in ("l2", "output_dropout"):
        gain = np.array([1 - r["fresh"][method]["last"] / r["fresh"]["none"]["last"] for r in rows])
        for score in ("gap", "relative_gap", "rise"):
            x = np.array([r[score] for r in rows])
            drawn = {
                "rank_correlation": np.array([rank_correlation(x[d], gain[d]) for d in draws]),
                "auc": np.array([auc(x[d], gain[d] > 0) for d in draws]) - 0.5,
            }
            whole = {"rank_correlation": rank_correlation(x, gain), "auc": auc(x, gain > 0) - 0.5}
            for measure, values in drawn.items():
                values = values[np.isfinite(values)]
                if not np.isfinite(whole[measure]):
                    continue  # all settings on one side: there is no pair to order
                key = f"{score}/{measure}/{method}"
                entry = {"mean": round(whole[measure], 4)}
                entry["interval"] = [round(end, 4) for end in interval_of(values)]
                effects[key] = entry | {"p": bootstrap_p(values), "draws": len(values)}
                families.setdefault((score, measure), []).append(key)
    summary = {}
    for (score, measure), keys in families.items():
        adjusted = holm({key: effects[key]["p"] for key in keys})
        for key in keys:
            method = key.rpartition("/")[2]
            place = summary.setdefault(score, {}).setdefault(measure, {})
            place[method] = effects[key] | {"p_holm": adjusted[key]}
    return summary, _rounded(rows)


def leak_study(study, seeds):
    """Return what each leak makes of the reported loss, in comparison with the honest report."""

    def losses(split, scale, rates):
        settings = [
            {"split": split, "scale": scale, "rate": rate, "seed": seed, "epochs": study.epochs(40)}
            for seed in seeds
            for rate in rates
        ]
        runs = study.map(comparison, settings, "leaks")
        return (np.array([run[k] for run in runs]).reshape(-1, len(rates)) for k in ("validation", "test"))

    validation, test = losses("blocks", "train", RATES)
    by_validation, by_test = validation.mean(axis=0).argmin(), test.mean(axis=0).argmin()
    plain = test[:, 0]
    differences = {
        "inputs scaled with all data": list(losses("blocks", "all", RATES[:1]))[1][:, 0] - plain,
        "windows shuffled before the split": list(losses("shuffled", "train", RATES[:1]))[1][:, 0] - plain,
        "rate chosen on test data": test[:, by_test] - test[:, by_validation],
        "rate chosen on test data, for each seed": test.min(axis=1) - test[:, by_validation],
    }
    return compare({name: d[:, None] for name, d in differences.items()}), round(float(plain.mean()), 4)


def _rounded(value):
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return round(value, 4) if isinstance(value, float) else value


def took(records):
    """Keep the runs whose fault had an effect, and count the others.

    A fault in settings or data has one if the loss on fresh data is at least 5 % above that of the healthy
    run of the same task and seed.
    """
    healthy = {(r["task"], r["seed"]): r["checks"]["fresh"] for r in records if r["case"] == "healthy"}
    kept = [
        r
        for r in records
        if r["case"] not in HARMFUL or r["checks"]["fresh"] >= 1.05 * healthy[r["task"], r["seed"]]
    ]
    return kept, len(records) - len(kept)


def exhibits(records, cases, turn):
    """Return one run of each case, from one task after the other, that of the lowest seed there is."""
    found = {}
    for number, case in enumerate(cases):
        task = UNSEEN[(number + turn) % len(UNSEEN)]
        found[case] = min(
            (r for r in records if r["case"] == case and r["task"] == task), key=lambda r: r["seed"]
        )
    return found


def unknown(records):
    """Return the six runs of the exercise, by label, without what would give them away.

    They are runs that the chapter does not show, and of which ``diagnose`` names the right case, so that the
    task can be solved.
    """
    cases = ("shift", "overfit", "dropout left on", "underfit", "leak", "learning rate too high")
    seen = [id(run) for run in exhibits(records, CASES, 0).values()]
    plain = [r for r in records if id(r) not in seen and named(r) == r["case"]]
    names = ("train_loss", "validation_loss", "checks")
    shown = {}
    for number, (label, case) in enumerate(zip("ABCDEF", cases, strict=True)):
        task = UNSEEN[number % len(UNSEEN)]
        run = min((r for r in plain if r["case"] == case), key=lambda r: (r["task"] != task, r["seed"]))
        shown[label] = {name: run[name] for name in names} | {"kept": kept_epoch(run)}
    return shown


def kept_epoch(run):
    """Return the epoch whose weights a run holds."""
    return len(run["train_loss"]) - 1 if run["stopped_epoch"] is None else run["best_epoch"]


def main():
    """Run everything and write the result."""
    torch.set_num_threads(1)
    study, rng = Study(__file__), np.random.default_rng(0)

    def gallery(tasks, seeds):
        wanted = [{"task": t, "case": c, "seed": s} for t in tasks for s in seeds for c in CASES]
        return took(study.map(fault, wanted, "gallery"))

    unseen, no_effect_unseen = gallery(UNSEEN, [10 + seed for seed in study.seeds(10)])
    places = [
        {"task": t, "hidden": h, "share": share}
        for t in (*TUNED, *UNSEEN)
        for h in HIDDEN
        for share in SHARES
    ]
    seeds, epochs = study.seeds(10), study.epochs(EPOCHS)
    wanted = [
        place | {"method": method, "seed": seed, "epochs": epochs}
        for place in places
        for method in METHODS
        for seed in seeds
    ]
    each = iter(study.map(setting, wanted, "gap"))
    means = [{method: averaged([next(each) for _ in seeds]) for method in METHODS} for _ in places]
    gap, rows = gap_study(places, means, rng)
    parted = {
        f"gap, {name} tasks": gap_study(
            *zip(*((p, m) for p, m in zip(places, means, strict=True) if p["task"] in tasks), strict=True),
            rng,
        )[0]
        for name, tasks in (("first", TUNED), ("second", UNSEEN))
    }
    leaks, honest = leak_study(study, study.seeds(10))
    tuned, no_effect_tuned = gallery(TUNED, study.few(range(2)))
    parts = {"tuned": tuned, "unseen": unseen}
    study.save(
        {
            "cases": list(CASES),
            "diagnosis": {name: errors(records, rng) for name, records in parts.items()},
            "without_effect": {"tuned": no_effect_tuned, "unseen": no_effect_unseen},
            "summary": {"gap": gap, "leaks": leaks} | parted,
            "honest": honest,
            "settings": rows,
            "gallery": exhibits(parts["unseen"], CASES, 0),
            "unknown": unknown(parts["unseen"]),
            "runs": [r | {"part": part} for part, records in parts.items() for r in records],
        }
    )


if __name__ == "__main__":
    main()
