"""Chapter 5.3's project: add regularizers one at a time, choose on validation data, test once.

``python course.py evidence 05_project`` trains 180 small models and writes
``evidence/results/05_project.json``.

Protocol: an LSTM of 32 units on Seattle's weather, 10 seeds, the same for every setting. At most 40 epochs,
early stopping with patience 6 keeps the best epoch. One kind of regularizer after the other is tried on top
of what was kept before; its strength is the one with the lowest mean validation loss. It is kept if that
mean is lower than without it by more than one standard error of the paired differences. The test year is
read once, for three settings: nothing, early stopping alone, and what was chosen.
"""

import numpy as np

from labcode.constraints import constrain_, max_norm_torch
from labcode.data import load_weather, persistence_loss
from labcode.early_stopping import EarlyStopping
from labcode.experiments import paired_interval, train_once
from labcode.experiments.study import Study
from labcode.penalties import l2_penalty_torch, penalty_by_target
from labcode.training import predict

SEEDS, HIDDEN, EPOCHS, PATIENCE, BLOCK = 10, 32, 40, 6, 30
STAGES = {
    "l2": (0.001, 0.003, 0.01, 0.03, 0.1),
    "output_dropout": (0.1, 0.2, 0.4),
    "recurrent_dropout": (0.1, 0.2, 0.4),
    "max_norm": (1.0, 1.5, 2.0),
}


def options_of(settings: dict) -> dict:
    """Return the arguments of ``train_once`` for settings such as {"l2": 0.01, "output_dropout": 0.2}."""
    settings = dict(settings)
    lam, limit = settings.pop("l2", 0.0), settings.pop("max_norm", None)
    model_options = settings | {"tied": False} if "recurrent_dropout" in settings else settings
    options = {"model_options": model_options}
    if lam:
        strengths = {"input": lam, "recurrent": lam}
        options["penalty"] = lambda model: penalty_by_target(
            l2_penalty_torch, dict(model.lstm.named_parameters()), strengths
        )
    if limit is not None:
        options["constraint"] = lambda model: constrain_(
            model, {"recurrent": lambda u: max_norm_torch(u, limit, "unit")}
        )
    return options


def stop(trace: list[float]) -> int:
    """Return the epoch that early stopping keeps of a trace of validation losses."""
    rule = EarlyStopping(patience=PATIENCE)
    for epoch, loss in enumerate(trace):
        if rule.update(epoch, loss):
            break
    return rule.best_epoch


def run(*, seed: int, settings: dict, stop_early: bool = True, test: bool = False) -> dict:
    """Train one model; return its curves, its best epoch and, if asked, the test year's squared errors."""
    weather = load_weather()
    rule = EarlyStopping(patience=PATIENCE, restore_best_weights=True) if stop_early else None
    options = {"hidden": HIDDEN, "epochs": EPOCHS, "progress": False, "early_stopping": rule}
    model, history = train_once(weather, seed=seed, **options_of(settings), **options)
    curves = {"train": history.train_loss, "validation": history.validation_loss}
    found = {name: _rounded(losses) for name, losses in curves.items()} | {"best": history.best_epoch}
    if test:  # this reads the test data
        errors = np.square(predict(model, weather.test.x).numpy() - weather.test.y)[:, 0]
        found["test_errors"] = errors.astype(float).tolist()
    return found


class Runs:
    """Trains settings on all seeds."""

    def __init__(self, study: Study):
        self.study = study

    def train(self, settings: dict, **options) -> list[dict]:
        """Train every seed."""
        wanted = [{"seed": s, "settings": settings, **options} for s in self.study.seeds(SEEDS)]
        return self.study.map(
            run, wanted, label=", ".join(f"{name} {value:.3g}" for name, value in settings.items()) or "none"
        )

    def curves(self, settings: dict) -> dict:
        """Return the full training and validation curves of every seed, without early stopping."""
        found = self.train(settings, stop_early=False)
        return {name: [one[name] for one in found] for name in ("train", "validation")}

    def kept(self, settings: dict) -> list[float]:
        """Return the validation loss of the epoch that early stopping keeps, for each seed."""
        return [one["validation"][one["best"]] for one in self.train(settings)]

    def test_errors(self, settings: dict, *, stop_early: bool = True) -> np.ndarray:
        """Return the squared errors on the test year, (seeds, days): this reads the test data."""
        found = self.train(settings, stop_early=stop_early, test=True)
        return np.array([one["test_errors"] for one in found])


def choose(runs: Runs, curves: dict) -> tuple[dict, list[dict]]:
    """Add one kind of regularizer at a time; return the chosen settings and the stages' records."""
    chosen, stages = {}, []
    without = [trace[stop(trace)] for trace in curves["0"]["validation"]]
    for name, all_strengths in STAGES.items():
        strengths = runs.study.few(all_strengths)
        if name == "l2":  # their curves are recorded whole
            traces = {s: curves[f"{s:g}"]["validation"] for s in strengths}
            tried = {s: [trace[stop(trace)] for trace in kept] for s, kept in traces.items()}
        else:
            tried = {s: runs.kept(chosen | {name: s}) for s in strengths}
        best = min(tried, key=lambda s: np.mean(tried[s]))
        difference = np.subtract(tried[best], without)
        error = float(difference.std(ddof=1) / len(difference) ** 0.5)
        stages.append(
            {
                "name": name,
                "before": without,
                "tried": {f"{s:g}": losses for s, losses in tried.items()},
                "best": best,
                "mean_difference": round(float(difference.mean()), 5),
                "standard_error": round(error, 5),
                "kept": bool(difference.mean() < -error),
            }
        )
        if stages[-1]["kept"]:
            chosen, without = chosen | {name: best}, tried[best]
    return chosen, stages


def compare(errors: np.ndarray, against: np.ndarray) -> dict:
    """Return the mean paired difference of squared errors and its interval over seeds and 30-day blocks."""
    differences = errors - against
    interval = paired_interval(differences, rng=np.random.default_rng(0), block=BLOCK)
    return {"mean": round(float(differences.mean()), 4), "interval": _rounded(interval)}


def main() -> None:
    """Run everything and write the result."""
    weather, study = load_weather(), Study(__file__)
    runs = Runs(study)
    sweep = {f"{s:g}": runs.curves({"l2": s}) for s in (0, *study.few(STAGES["l2"]))}
    chosen, stages = choose(runs, sweep)
    tested = {
        "no regularization": runs.test_errors({}, stop_early=False),
        "early stopping": runs.test_errors({}),
        "chosen": runs.test_errors(chosen),
    }
    persistence = np.square(weather.test.y[:, 0].astype(float))[None]
    settings = {"seeds": SEEDS, "hidden": HIDDEN, "epochs": EPOCHS, "patience": PATIENCE, "block_days": BLOCK}
    result = {
        "settings": settings,
        "persistence": {name: persistence_loss(split) for name, split in weather.splits.items()},
        "sweep": sweep,
        "stages": stages,
        "chosen": chosen,
        "test": {name: _rounded(errors.mean(axis=1)) for name, errors in tested.items()},
        "against_persistence": {name: compare(errors, persistence) for name, errors in tested.items()},
        "against_early_stopping": {
            name: compare(tested[name], tested["early stopping"]) for name in ("no regularization", "chosen")
        },
    }
    study.save(result)


def _rounded(values) -> list[float]:
    return [round(float(value), 4) for value in values]


if __name__ == "__main__":
    main()
