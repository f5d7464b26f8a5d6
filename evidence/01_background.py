"""Chapter 1's longer experiments: how far an LSTM overfits Seattle's weather, and what a first cure brings.

`python course.py evidence 01_background` trains some 250 small models and writes
`results/01_background.json`, which the chapter reads. Strengths are chosen on the validation year; the test
year is evaluated once for each method and seed, after that choice.
"""

import numpy as np

from labcode.data import load_weather, persistence_loss
from labcode.early_stopping import EarlyStopping
from labcode.experiments import paired_interval, train_once
from labcode.experiments.study import Study
from labcode.penalties import l2_penalty_torch, penalty_by_target
from labcode.training import evaluate, predict

SETTINGS = {"epochs": 40, "hidden": 64, "learning_rate": 3e-3, "patience": 5, "seeds": 10}
HIDDEN = (4, 8, 16, 32, 64, 128)
FRACTIONS = (0.1, 0.2, 0.5, 1.0)
SHUFFLED = (0.0, 0.5, 1.0)
STRENGTHS = tuple(10.0**exponent for exponent in np.arange(-4.0, 0.1, 0.5))
BLOCK = 30  # days: longer than weather remembers


def run(
    seed: int,
    *,
    hidden: int = SETTINGS["hidden"],
    fraction: float = 1.0,
    shuffled: float = 0.0,
    l2: float = 0.0,
    stop_early: bool = False,
    test: bool = False,
) -> dict:
    """Train one model and return its curves; with ``test`` also its squared errors on the test year.

    A fraction of the data gets as many optimizer steps as all of them: more epochs, of which the curves keep
    one for each pass that the whole data would have made.
    """
    weather = load_weather()
    train = weather.train.last(fraction)
    targets = train.y.copy()
    rng = np.random.default_rng(seed)
    moved = rng.permutation(len(targets))[: round(shuffled * len(targets))]
    targets[moved] = targets[rng.permutation(moved)]

    options = {}
    if l2:
        strengths = {"input": l2, "recurrent": l2}
        options["penalty"] = lambda m: penalty_by_target(
            l2_penalty_torch, dict(m.lstm.named_parameters()), strengths
        )
    if stop_early:
        options["early_stopping"] = EarlyStopping(patience=SETTINGS["patience"], restore_best_weights=True)
    model, history = train_once(
        weather,
        seed=seed,
        hidden=hidden,
        epochs=round(SETTINGS["epochs"] / fraction),
        learning_rate=SETTINGS["learning_rate"],
        train=(train.x, targets),
        progress=False,
        **options,
    )
    every = round(1 / fraction)
    result = {
        "train": history.train_loss[every - 1 :: every],
        "validation": history.validation_loss[every - 1 :: every],
    }
    if test:
        result["kept_train"] = evaluate(model, (weather.train.x, weather.train.y))["loss"]
        result["test_errors"] = (
            np.square(predict(model, weather.test.x).numpy() - weather.test.y).ravel().tolist()
        )
    return result


def curves(runs: list[dict]) -> dict:
    """Keep the curves of several seeds, rounded."""
    return {name: np.round([run[name] for run in runs], 4).tolist() for name in ("train", "validation")}


def choose(sweep: dict[float, list[dict]], pick) -> float:
    """Return the strength whose validation loss, as ``pick`` reads it off a curve, is lowest on average."""
    return min(sweep, key=lambda strength: np.mean([pick(run["validation"]) for run in sweep[strength]]))


def compare(runs: dict[str, list[dict]], reference: str) -> dict:
    """Paired differences in test error to one method, with intervals over seeds, and over seeds and days."""
    base = np.array([run["test_errors"] for run in runs[reference]])
    table = {}
    for name, method_runs in runs.items():
        if name == reference:
            continue
        differences = np.array([run["test_errors"] for run in method_runs]) - base
        by_seed = differences.mean(axis=1, keepdims=True)
        table[name] = {
            "by_seed": np.round(by_seed.ravel(), 4).tolist(),
            "mean": round(float(by_seed.mean()), 4),
            "interval_seeds": paired_interval(by_seed, rng=np.random.default_rng(0)),
            "interval": paired_interval(differences, rng=np.random.default_rng(0), block=BLOCK),
        }
    return table


def main() -> None:
    """Run everything and write the result."""
    weather, study = load_weather(), Study(__file__)

    def seeds(**settings) -> list[dict]:
        wanted = [{"seed": seed, **settings} for seed in study.seeds(SETTINGS["seeds"])]
        return study.map(
            run, wanted, label=", ".join(f"{name} {value:.3g}" for name, value in settings.items()) or "alone"
        )

    capacity = {hidden: seeds(hidden=hidden) for hidden in study.few(HIDDEN)}
    amount = {fraction: seeds(fraction=fraction) for fraction in study.few(FRACTIONS)}
    noise = {share: seeds(shuffled=share) for share in study.few(SHUFFLED)}
    sweep = {strength: seeds(l2=strength) for strength in study.few(STRENGTHS)}
    at_the_end, at_the_best = choose(sweep, lambda curve: curve[-1]), choose(sweep, min)
    methods = {
        "no regularization": {},
        "early stopping": {"stop_early": True},
        "L2": {"l2": at_the_end},
        "L2 and early stopping": {"l2": at_the_best, "stop_early": True},
    }
    tested = {name: seeds(test=True, **settings) for name, settings in methods.items()}
    study.save(
        {
            "settings": SETTINGS | {"block_days": BLOCK},
            "persistence": {
                "validation": persistence_loss(weather.validation),
                "test": persistence_loss(weather.test),
            },
            "capacity": {str(hidden): curves(runs) for hidden, runs in capacity.items()},
            "amount": {str(fraction): curves(runs) for fraction, runs in amount.items()},
            "days": {str(fraction): len(weather.train.last(fraction).x) for fraction in FRACTIONS},
            "noise": {str(share): curves(runs) for share, runs in noise.items()},
            "sweep": {f"{strength:.3g}": curves(runs) for strength, runs in sweep.items()},
            "methods": {
                name: {
                    "settings": methods[name],
                    "train": [round(run["kept_train"], 4) for run in runs],
                    "test": [round(float(np.mean(run["test_errors"])), 4) for run in runs],
                    "epochs": [len(run["train"]) for run in runs],
                }
                for name, runs in tested.items()
            },
            "against_none": compare(tested, "no regularization"),
            "against_early_stopping": compare(tested, "early stopping"),
        },
    )
    if at_the_end in (min(STRENGTHS), max(STRENGTHS)) or at_the_best in (min(STRENGTHS), max(STRENGTHS)):
        print("The best strength lies at an edge of the grid: widen it.")


if __name__ == "__main__":
    main()
