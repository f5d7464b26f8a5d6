"""Chapter 9.2: what learning curves give away, what they do not, and what three leaks are worth.

Run ``python course.py evidence 09_diagnosis``. It trains about a thousand small models.

1. The gallery. Runs with one planted fault each (``labcode.experiments.planted_faults``) on four tasks. The
   rules of ``diagnose`` were set on two tasks; its error rate is counted on two others. The interval is a
   bootstrap over pairs of task and seed, whose runs share their data. Faults that have no effect on the
   loss on fresh data are left out. The error rate is also weighed as the cases may come in practice: half of
   the runs healthy, a quarter overfit, all other faults the rest (``MIX``); and it is said how many of the
   healthy runs are accused of something. (The rules were set on runs of weather and speech, seeds 0 to 5,
   with the same faults at other strengths; two of those seeds are trained again here.) A run is judged at
   the epoch whose weights it holds; differences between two sets of data come with their standard errors,
   from item losses, with blocks of days as units in the weather.
2. The gap. Twenty-four settings (task, hidden units, training data). Does the gap of the run without
   regularization say how much L2 or dropout will lower the loss on fresh data? Each is the mean of ten
   seeds, and settings are resampled for the intervals; all is trained for 25 epochs, at strengths that were
   written down beforehand. The gain is asked for twice: against the last epoch, where a rise of the
   validation loss foretells the gain of stopping itself, and against early stopping, both runs stopped. A
   gap is also measured in units of the loss of a constant prediction, so that squared errors and
   cross-entropies can be pooled. And since settings of one task are no strangers to each other, order is
   asked for within each of the four tasks, with tasks as units. The same is asked of the two first and of
   the two other tasks alone.
3. Three leaks, on Seattle's weather, with ten seeds: what they make of the loss that is reported, in
   comparison with the honest one. For the third, one of three rates of dropout is chosen.

All of it uses the training and validation parts of the tasks alone; their test parts stay closed.
"""

import copy

import numpy as np
import torch

from labcode.applications.baselines import class_frequencies, training_mean
from labcode.applications.metrics import item_losses
from labcode.data import load_weather
from labcode.early_stopping import EarlyStopping
from labcode.experiments import train_once
from labcode.experiments.effects import compare
from labcode.experiments.faulty_runs import redrawn, run_with_fault, trained
from labcode.experiments.intervals import bootstrap_p, holm, interval_of
from labcode.experiments.planted_faults import FREE
from labcode.experiments.ranking import auc, rank_correlation
from labcode.experiments.study import Study
from labcode.experiments.tasks import find_task
from labcode.training import evaluate, seeded
from labcode.training.diagnose import CASES, diagnose
from labcode.training.history import History

TUNED, UNSEEN = ("weather", "speech"), ("weather_new_york", "speech_vowels")
HIDDEN, SHARES, EPOCHS = (8, 32), (0.2, 0.5, 1.0), 25
METHODS = {"none": {}, "l2": {"l2": 0.01}, "output_dropout": {"output_dropout": 0.5}}
RATES = (0.0, 0.2, 0.5)
DRAWS = 4000
PLAINLY, STOPPED = "last", "best"  # the gain at the last epoch, and with both runs stopped
GAINS = {"gap": PLAINLY, "gap, both stopped": STOPPED}
SCORES = ("gap", "relative_gap", "standard_gap", "rise")
MIX = {"healthy": 0.5, "overfit": 0.25}  # all other cases share the rest
SEEN = ("train_loss", "validation_loss", "best_epoch", "stopped_epoch", "kept_epoch")
HARMFUL = ("overfit", "underfit", "learning rate too high", "shift")


def fault(*, task, case, seed):
    """Train one model with one planted fault, and make all checks."""
    record = run_with_fault(find_task(task).load(seed), case, seed)
    history = record["history"]
    for name in ("train_loss", "validation_loss"):
        history[name] = [float(f"{loss:.4g}") for loss in history[name]]
    checks = {
        name: [float(f"{v:.6g}") for v in value] if isinstance(value, list) else value
        for name, value in record["checks"].items()
    }
    about = {"task": task, "seed": seed, "case": case, "kind": record["kind"]}
    return about | {name: history[name] for name in SEEN} | {"checks": checks}


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
    } | {"samples": len(small.y), "constant": constant_loss(data)}


def constant_loss(data):
    """Return the validation loss of predicting the training mean, or the classes' frequencies, every time."""
    rule = class_frequencies if data.task == "classification" else training_mean
    return float(item_losses(data.task, rule(data, "validation"), data.validation.y).mean())


def comparison(*, split, scale, rate, seed, epochs=40):
    """Train with one rate of dropout; return the best validation loss, and the test loss of that epoch."""
    data = redrawn(load_weather(), seed, split=split, scale=scale)
    rule = EarlyStopping(patience=6, restore_best_weights=True)
    options = {"hidden": 32, "epochs": epochs, "progress": False, "early_stopping": rule}
    model, _ = train_once(data, seed=seed, model_options={"output_dropout": rate}, **options)
    return {"validation": rule.best, "test": evaluate(model, data.test)["loss"]}


def named(record, checks=True):
    """Return what ``diagnose`` says of a record, with all checks or from the curves alone."""
    history = History(**{name: record[name] for name in SEEN})
    return diagnose(history, **(record["checks"] if checks else {})).case


def errors(records, rng):
    """Return error rates with intervals, and the confusion matrix (rows: planted, columns: named)."""
    found = {}
    planted = np.array([CASES.index(r["case"]) for r in records])
    groups = sorted({(r["task"], r["seed"]) for r in records})
    member = np.array([groups.index((r["task"], r["seed"])) for r in records])
    tasks = np.array([r["task"] for r in records])
    other = (1 - sum(MIX.values())) / (len(CASES) - len(MIX))
    shares = np.array([MIX.get(case, other) for case in CASES])
    drawn = np.array(
        [np.bincount(d, minlength=len(groups)) for d in rng.integers(len(groups), size=(DRAWS, len(groups)))]
    )
    for label, checks in (("all checks", True), ("curves alone", False)):
        names = np.array([CASES.index(named(record, checks)) for record in records])
        wrong, weights = names != planted, np.vstack([np.ones(len(groups)), drawn])[:, member]
        by_case = np.array([rate_of(wrong, weights * (planted == c)) for c in range(len(CASES))])
        rates = {
            "even": rate_of(wrong, weights),
            "mix": np.nansum(shares[:, None] * by_case, axis=0)
            / (shares[:, None] * ~np.isnan(by_case)).sum(axis=0),
            "accused": by_case[CASES.index("healthy")],
        }
        confusion = np.zeros((len(CASES), len(CASES)), dtype=int)
        np.add.at(confusion, (planted, names), 1)
        even = with_interval(rates["even"])
        found[label] = {
            "runs": len(records),
            "error": even["mean"],
            "interval": even["interval"],
            "by_task": {
                task: round(float(wrong[tasks == task].mean()), 4) for task in sorted(set(tasks.tolist()))
            },
            "confusion": confusion.tolist(),
        } | {name: with_interval(rates[name]) for name in ("mix", "accused")}
    return found


def rate_of(wrong, weights):
    """Return the weighted share of wrong ones, for each row of weights; NaN where they weigh nothing."""
    total = weights.sum(axis=1)
    return np.where(total > 0, (weights * wrong).sum(axis=1) / np.where(total > 0, total, 1), np.nan)


def with_interval(rates):
    """Return a rate, the first, with the interval of its resamples."""
    ends = interval_of(rates[1:][np.isfinite(rates[1:])])
    return {"mean": round(float(rates[0]), 4), "interval": [round(float(end), 4) for end in ends]}


def rows_of(record):
    """Return the numbers of each setting: means over its seeds."""
    rows = []
    for at, place in enumerate(record.about["places"]):
        losses = record["gap/losses"][at].mean(
            axis=1
        )  # over seeds: method, epoch, (train, validation, fresh)
        train, validation, _ = losses[0, 0]
        constant = float(record["gap/constant"][at].mean())
        row = place | {"samples": int(record["gap/samples"][at]), "gap": validation - train}
        row |= {"relative_gap": row["gap"] / validation, "standard_gap": row["gap"] / constant}
        row["rise"] = validation / losses[0, 1, 1] - 1
        row["fresh"] = {
            method: {when: float(losses[m, e, 2]) for e, when in enumerate((PLAINLY, STOPPED))}
            for m, method in enumerate(METHODS)
        }
        rows.append({key: float(v) if isinstance(v, np.floating) else v for key, v in row.items()})
    return rows


def gains_of(rows, method, when):
    """Return the share of the loss on fresh data that a method saves, in each setting."""
    return np.array([1 - r["fresh"][method][when] / r["fresh"]["none"][when] for r in rows])


def gap_study(rows, when, rng):
    """Return, for each score and method, how well the score foretells the gain: over all of the settings."""
    draws = rng.integers(len(rows), size=(DRAWS, len(rows)))
    effects, families = {}, {}
    for method in list(METHODS)[1:]:
        gain = gains_of(rows, method, when)
        for score in SCORES:
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
    found = {}
    for (score, measure), keys in families.items():
        adjusted = holm({key: effects[key]["p"] for key in keys})
        for key in keys:
            place = found.setdefault(score, {}).setdefault(measure, {})
            place[key.rpartition("/")[2]] = effects[key] | {"p_holm": adjusted[key]}
    return found


def within_tasks(rows, when):
    """Return the mean rank correlation within a task, by score and method, with tasks as units."""
    tasks, found = list(dict.fromkeys(r["task"] for r in rows)), {}
    for score in SCORES:
        by_method = {}
        for method in list(METHODS)[1:]:
            gain = gains_of(rows, method, when)
            at = [np.array([r["task"] == task for r in rows]) for task in tasks]
            x = np.array([r[score] for r in rows])
            ranks = np.array([rank_correlation(x[one], gain[one]) for one in at])
            if np.isfinite(ranks).all():
                by_method[method] = ranks[:, None]
        found[score] = compare(by_method) if by_method and len(tasks) > 1 else {}
    return found


LEAKS = {"honest": ("blocks", "train"), "scaled": ("blocks", "all"), "shuffled": ("shuffled", "train")}


def leak_runs(study, seeds):
    """Train what the three leaks need, and keep the losses: each (seeds, rates)."""
    for name, (split, scale) in LEAKS.items():
        rates = RATES if name == "honest" else RATES[:1]
        about = {"split": split, "scale": scale, "epochs": study.epochs(40)}
        runs = study.map(
            comparison, [about | {"rate": rate, "seed": seed} for seed in seeds for rate in rates], "leaks"
        )
        for part in ("validation", "test"):
            study.keep(f"leaks/{name}/{part}", np.array([run[part] for run in runs]).reshape(-1, len(rates)))


def leak_study(record):
    """Return what each leak makes of the reported loss, in comparison with the honest report."""
    validation, test = record["leaks/honest/validation"], record["leaks/honest/test"]
    by_validation, by_test = validation.mean(axis=0).argmin(), test.mean(axis=0).argmin()
    plain = test[:, 0]
    differences = {
        "inputs scaled with all data": record["leaks/scaled/test"][:, 0] - plain,
        "windows shuffled before the split": record["leaks/shuffled/test"][:, 0] - plain,
        "rate chosen on test data": test[:, by_test] - test[:, by_validation],
        "rate chosen on test data, for each seed": test.min(axis=1) - test[:, by_validation],
    }
    effects = compare({name: d[:, None] for name, d in differences.items()}, reference=float(plain.mean()))
    return effects, round(float(plain.mean()), 4)


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
        shown[label] = {name: run[name] for name in names} | {"kept": run["kept_epoch"]}
    return shown


def main():
    """Run everything, and write record and result."""
    torch.set_num_threads(1)
    study = Study(__file__)

    def gallery(part, tasks, seeds):
        wanted = [{"task": t, "case": c, "seed": s} for t in tasks for s in seeds for c in CASES]
        kept, without = took(study.map(fault, wanted, "gallery"))
        return [r | {"part": part} for r in kept], without

    unseen, no_effect_unseen = gallery("unseen", UNSEEN, [10 + seed for seed in study.seeds(10)])
    tuned, no_effect_tuned = gallery("tuned", TUNED, study.few(range(2)))
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
    each = study.map(setting, wanted, "gap")
    parts = ("train", "validation", "fresh")
    losses = np.array([[[run[when][part] for part in parts] for when in (PLAINLY, STOPPED)] for run in each])
    shape = len(places), len(METHODS), len(seeds)
    study.keep("gap/losses", losses.reshape(*shape, 2, len(parts)))
    study.keep("gap/constant", np.array([run["constant"] for run in each]).reshape(shape)[:, 0])
    study.keep("gap/samples", np.array([run["samples"] for run in each]).reshape(shape)[:, 0, 0])
    leak_runs(study, study.seeds(10))
    study.save(
        summary,
        places=places,
        runs=[*tuned, *unseen],
        without_effect={"tuned": no_effect_tuned, "unseen": no_effect_unseen},
    )


def summary(record):
    """Return all that is said of the record."""
    rng, rows, runs = np.random.default_rng(0), rows_of(record), record.about["runs"]
    found = {}
    for name, when in GAINS.items():
        found[name] = gap_study(rows, when, rng)
        found[f"{name}, within tasks"] = within_tasks(rows, when)
        for half, tasks in (("first", TUNED), ("second", UNSEEN)):
            found[f"{name}, {half} tasks"] = gap_study([r for r in rows if r["task"] in tasks], when, rng)
    leaks, honest = leak_study(record)
    parts = {part: [r for r in runs if r["part"] == part] for part in ("tuned", "unseen")}
    return {
        "cases": list(CASES),
        "diagnosis": {name: errors(records, rng) for name, records in parts.items()},
        "without_effect": record.about["without_effect"],
        "summary": found | {"leaks": leaks},
        "honest": honest,
        "settings": _rounded(rows),
        "gallery": exhibits(parts["unseen"], CASES, 0),
        "unknown": unknown(parts["unseen"]),
        "runs": runs,
    }


if __name__ == "__main__":
    main()
