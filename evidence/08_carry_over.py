"""Chapter 8's question what carries over: four regularizers in a Transformer and in a state-space model.

``python course.py evidence 08_carry_over`` trains about 100 small models and writes
``evidence/results/08_carry_over.json``.

Protocol: one layer of 64 units reads windows of 50 of 20,000 characters of Python's reference text; AdamW, at
most 40 epochs, early stopping with patience 4 keeps the best epoch on 15,000 validation characters. Chosen on
the same characters, with two seeds that are used for nothing else: each model's step size, and the strength
of each regularizer. The test part is read once for each variant and seed. Intervals cover seeds and blocks of
ten windows. All losses are in bits per character.
"""

import numpy as np
import torch

from labcode.applications.language import load, windows
from labcode.applications.metrics import item_losses
from labcode.applications.window_models import WindowModel
from labcode.early_stopping import EarlyStopping
from labcode.experiments.study import Study
from labcode.experiments.summary import compare
from labcode.training import fit, predict, seeded

SEEDS, CHOICE_SEEDS = 5, (100, 101)
TRAIN, VALIDATION, SIZE, STEPS, EPOCHS, PATIENCE, BLOCK = 20_000, 15_000, 64, 50, 40, 4, 10
KINDS, LEARNING_RATES = ("transformer", "state space"), (0.002, 0.005, 0.01)
GRIDS = {
    "dropout": (0.1, 0.2, 0.4),
    "embedding_dropout": (0.05, 0.1, 0.2),
    "decay": (0.03, 0.1, 0.3),
}


def run(*, seed: int, settings: dict, test: bool = False) -> dict:
    """Train one model; return its validation curve and, if asked, the losses of the test's windows."""
    settings, text = dict(settings), load(TRAIN)
    optimizer = {"lr": settings.pop("lr"), "weight_decay": settings.pop("decay", 0.0)}
    with seeded(seed):
        model = WindowModel(len(text.vocabulary), SIZE, **settings)
        history = fit(
            model,
            windows(text.train, STEPS),
            windows(text.validation[:VALIDATION], STEPS),
            optimizer=torch.optim.AdamW(model.parameters(), **optimizer),
            epochs=EPOCHS,
            generator=torch.Generator().manual_seed(seed),
            task="sequence",
            batch_size=8,
            clip_norm=1.0,
            early_stopping=EarlyStopping(patience=PATIENCE, restore_best_weights=True),
            measure_train=False,
            progress=False,
        )
    found = {"validation": bits(history.validation_loss), "best": history.best_epoch}
    found |= {"train": bits([window_losses(model, text.train).mean()])[0]}
    found |= {"parameters": sum(p.numel() for p in model.parameters())}
    if test:  # this reads the test data
        found["test"] = bits(window_losses(model, text.test))
    return found


def window_losses(model: WindowModel, tokens: np.ndarray) -> np.ndarray:
    """Return the mean loss of each window of a text, in nats."""
    split = windows(tokens, STEPS)
    return item_losses("sequence", predict(model, split.x).numpy(), split.y)


def bits(nats) -> list[float]:
    """Return losses in bits, rounded."""
    return [round(float(value) / float(np.log(2)), 4) for value in nats]


def best(study: Study, label: str, candidates: dict[str, dict], record: dict) -> dict:
    """Return the candidate with the lowest mean validation loss at its best epoch, and record the choice."""
    means = {}
    for name, settings in candidates.items():
        wanted = [{"seed": seed, "settings": settings} for seed in CHOICE_SEEDS]
        found = study.map(run, wanted, label=f"{label}, {name}")
        means[name] = round(float(np.mean([min(one["validation"]) for one in found])), 4)
    chosen = min(means, key=means.get)
    record[label] = {"tried": means, "chosen": chosen}
    return candidates[chosen]


def main() -> None:
    """Choose, train, test, compare and write the result."""
    study, choices, variants, against = Study(__file__), {}, {}, {}
    for kind in KINDS:
        rates = {f"{lr:g}": {"kind": kind, "lr": lr} for lr in LEARNING_RATES}
        none = best(study, f"{kind}, lr", rates, choices)
        tested = {"none": none, "tied weights": none | {"tie_weights": True}}
        for name, grid in GRIDS.items():
            candidates = {f"{strength:g}": none | {name: strength} for strength in grid}
            tested[name.replace("_", " ")] = best(study, f"{kind}, {name}", candidates, choices)
        found = {
            name: study.map(
                run,
                [{"seed": s, "settings": settings, "test": True} for s in study.seeds(SEEDS)],
                label=f"{kind}, {name}",
            )
            for name, settings in tested.items()
        }
        losses = {name: np.array([one["test"] for one in runs]) for name, runs in found.items()}
        others = {name: array - losses["none"] for name, array in losses.items() if name != "none"}
        against[kind] = compare(others, block=BLOCK)
        variants[kind] = {name: described(runs, tested[name]) for name, runs in found.items()}
    settings = {"train": TRAIN, "validation": VALIDATION, "size": SIZE, "steps": STEPS, "epochs": EPOCHS}
    settings |= {"seeds": SEEDS, "patience": PATIENCE, "block": BLOCK}
    text = load(TRAIN)
    study.save(
        {
            "text": {"python": text.python, "sha256": text.sha256},
            "settings": settings,
            "choices": choices,
            "variants": variants,
            "summary": {"against none": against},
        }
    )


def described(found: list[dict], settings: dict) -> dict:
    """Return what one variant came to by itself."""
    kept = {
        "train": [one["train"] for one in found],
        "validation": [one["validation"][one["best"]] for one in found],
        "test": [round(float(np.mean(one["test"])), 4) for one in found],
    }
    means = {name: round(float(np.mean(values)), 4) for name, values in kept.items()}
    return {"settings": settings, "parameters": found[0]["parameters"], "mean": means, "test": kept["test"]}


if __name__ == "__main__":
    main()
