"""Chapter 9.2: what learning curves give away, what they do not, and what three leaks are worth.

Run ``python course.py evidence 09_diagnosis``. It trains about a thousand small models.

1. The gallery. Runs with one planted fault each (``labcode.experiments.faults``) on five tasks. The rules
   of ``diagnose`` were set on two tasks; its error rate is counted on three others, and on new seeds of the
   first two. The interval is a bootstrap over pairs of task and seed, whose runs share their data.
2. The gap. Thirty settings (task, hidden units, training data), five seeds each. Does the gap of the run
   without regularization say how much L2 or dropout will lower the loss on fresh data? Settings are
   resampled for the intervals; all is trained for 30 epochs, at the strengths below, chosen beforehand.
3. The bias. L2 on W and U with and without the biases, on two tasks.
4. Three leaks, in a choice among five rates of dropout on Seattle's weather: what they make of the loss
   that is reported, in comparison with the honest one.

All of it uses the training and validation parts of the tasks alone; their test parts stay closed.
"""

import numpy as np
import torch

from labcode.data import load_weather
from labcode.diagnose import CASES, diagnose
from labcode.early_stopping import EarlyStopping
from labcode.experiments import train_once
from labcode.experiments.faults import FREE
from labcode.experiments.intervals import bootstrap_p, holm, interval_of
from labcode.experiments.ranking import auc, rank_correlation
from labcode.experiments.study import Study
from labcode.experiments.summary import compare
from labcode.experiments.symptoms import redrawn, run_with_fault, trained
from labcode.experiments.tasks import find_task
from labcode.history import History
from labcode.penalties import l2_penalty_torch, penalty_by_target
from labcode.training import evaluate, seeded

TUNED, UNSEEN = ("weather", "speech"), ("weather_new_york", "speech_vowels", "text")
HIDDEN, SHARES = (8, 32, 64), (0.25, 1.0)
METHODS = {"none": {}, "l2": {"l2": 0.01}, "output_dropout": {"output_dropout": 0.5}}
RATES = (0.0, 0.1, 0.2, 0.4, 0.6)
SPLITS = (("blocks", "train"), ("blocks", "all"), ("shuffled", "train"))
DRAWS = 4000


class Best(EarlyStopping):
    """Remembers the best weights and leaves the model as training left it."""

    def weights_to_restore(self):
        """Return nothing."""


def fault(*, task, case, seed):
    """Train one model with one planted fault, and make all checks."""
    record = run_with_fault(find_task(task).load(seed), case, seed)
    history = record["history"]
    for name in ("train_loss", "validation_loss"):
        history[name] = [float(f"{loss:.4g}") for loss in history[name]]
    kept = ("train_loss", "validation_loss", "best_epoch", "stopped_epoch")
    checks = {
        name: [round(v, 5) for v in value] if isinstance(value, list) else round(value, 5)
        for name, value in record["checks"].items()
    }
    about = {"task": task, "seed": seed, "case": case, "kind": record["kind"]}
    return about | {name: history[name] for name in kept} | {"checks": checks}


def setting(*, task, hidden, share, method, seed):
    """Train one model for the gap; return its losses at the last and at the best epoch."""
    data = redrawn(find_task(task).load(seed), seed)
    small = data.train.last(share)
    rule, settings = Best(patience=30, restore_best_weights=True), FREE | METHODS[method]
    with seeded(seed):
        model, history = trained(
            data, settings | {"hidden": hidden, "epochs": 30}, seed, train=small, stopping=rule
        )
    fresh = {"last": evaluate(model, data.test, data.task)["loss"]}
    model.load_state_dict(rule.best_weights)
    fresh["best"] = evaluate(model, data.test, data.task)["loss"]
    at = {"last": -1, "best": rule.best_epoch}
    return {
        when: {
            "train": history.train_loss[epoch],
            "validation": history.validation_loss[epoch],
            "fresh": fresh[when],
        }
        for when, epoch in at.items()
    } | {"samples": len(small.y)}


def bias(*, task, penalized, lam, seed):
    """Train with L2 on W and U, or on W, U and the biases; return the loss on fresh data."""
    data = redrawn(find_task(task).load(seed), seed)
    strengths = dict.fromkeys(("input", "recurrent", "bias") if penalized else ("input", "recurrent"), lam)
    model, _ = train_once(
        data,
        seed=seed,
        hidden=32,
        epochs=30,
        progress=False,
        penalty=lambda m: penalty_by_target(l2_penalty_torch, dict(m.lstm.named_parameters()), strengths),
    )
    return {"fresh": evaluate(model, data.test)["loss"]}


def comparison(*, split, scale, rate, seed):
    """Train with one rate of dropout; return the best validation loss, and the test loss of that epoch."""
    data = redrawn(load_weather(), seed, split=split, scale=scale)
    rule = EarlyStopping(patience=6, restore_best_weights=True)
    options = {"hidden": 32, "epochs": 40, "progress": False, "early_stopping": rule}
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


def gap_study(settings, runs, rng):
    """Return, for each method, how well the gap foretells its gain; and the settings' numbers."""
    rows = []
    for one, by_method in zip(settings, runs, strict=True):
        mean = {
            method: {
                when: {k: float(np.mean([r[when][k] for r in found])) for k in found[0][when]}
                for when in ("last", "best")
            }
            for method, found in by_method.items()
        }
        plain = mean["none"]["last"]
        row = one | {"samples": by_method["none"][0]["samples"]}
        row["gap"] = plain["validation"] - plain["train"]
        row["relative_gap"] = row["gap"] / plain["validation"]
        row["rise"] = plain["validation"] / mean["none"]["best"]["validation"] - 1
        row["fresh"] = {m: {when: found[when]["fresh"] for when in found} for m, found in mean.items()}
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


def bias_study(study, seeds):
    """Return the loss on fresh data with the biases penalized minus that without, by task and strength."""
    found = {}
    for task in ("weather", "weather_new_york"):
        differences = {}
        for lam in (0.01, 0.1):
            runs = {
                flag: study.map(
                    bias, [{"task": task, "penalized": flag, "lam": lam, "seed": s} for s in seeds], "bias"
                )
                for flag in (True, False)
            }
            pairs = zip(runs[True], runs[False], strict=True)
            differences[f"{lam:g}"] = np.array([[a["fresh"] - b["fresh"]] for a, b in pairs])
        found[task] = compare(differences)
    return found


def leak_study(study, seeds):
    """Return what each leak makes of the reported loss, in comparison with the honest report."""
    losses = {}
    for split, scale in SPLITS:
        settings = [
            {"split": split, "scale": scale, "rate": rate, "seed": seed} for seed in seeds for rate in RATES
        ]
        runs = study.map(comparison, settings, "leaks")
        for name in ("validation", "test"):
            shape = (len(seeds), len(RATES))
            losses[split, scale, name] = np.array([run[name] for run in runs]).reshape(shape)

    def reported(split, scale, by):
        chosen = losses[split, scale, by].mean(axis=0).argmin()
        return losses[split, scale, "test"][:, chosen]

    honest = reported("blocks", "train", "validation")
    each = losses["blocks", "train", "test"].min(axis=1)
    leaking = {
        "scaled with all data": reported("blocks", "all", "validation"),
        "windows shuffled before the split": reported("shuffled", "train", "validation"),
        "rate chosen on test data": reported("blocks", "train", "test"),
        "rate chosen on test data, for each seed": each,
    }
    differences = {name: (losses_ - honest)[:, None] for name, losses_ in leaking.items()}
    return compare(differences), round(float(honest.mean()), 4)


def _rounded(value):
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return round(value, 4) if isinstance(value, float) else value


def main():
    """Run everything and write the result."""
    torch.set_num_threads(1)
    study, rng = Study(__file__), np.random.default_rng(0)
    tuning, later = study.seeds(10), [10 + seed for seed in study.seeds(10)]

    def gallery(tasks, seeds, label):
        wanted = [{"task": t, "case": c, "seed": s} for t in tasks for s in seeds for c in CASES]
        return study.map(fault, wanted, label)

    parts = {
        "tuned": gallery(TUNED, tuning, "gallery for the rules"),
        "new seeds": gallery(TUNED, later, "gallery, new seeds"),
        "unseen": gallery(UNSEEN, later, "gallery, unseen tasks"),
    }
    places = [
        {"task": t, "hidden": h, "share": share}
        for t in (*TUNED, *UNSEEN)
        for h in HIDDEN
        for share in SHARES
    ]
    seeds = study.seeds(5)
    runs = [
        {m: study.map(setting, [place | {"method": m, "seed": s} for s in seeds], "gap") for m in METHODS}
        for place in places
    ]
    gap, rows = gap_study(places, runs, rng)
    leaks, honest = leak_study(study, study.seeds(10))
    study.save(
        {
            "cases": list(CASES),
            "diagnosis": {name: errors(records, rng) for name, records in parts.items()},
            "summary": {"gap": gap, "bias": bias_study(study, study.seeds(10)), "leaks": leaks},
            "honest": honest,
            "settings": rows,
            "runs": parts["tuned"] + parts["new seeds"] + parts["unseen"],
        }
    )


if __name__ == "__main__":
    main()
