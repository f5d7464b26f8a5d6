"""Chapter 8's ablation: AWD-LSTM's recipe on Python's reference text, and the same without each of its parts.

``python course.py evidence 08_language_model`` trains 170 small models and writes
``evidence/results/08_language_model.json``.

Protocol: one LSTM of 64 units reads 20,000 characters, so few that it overfits; SGD with clipping, 24 epochs,
of which the best on 15,000 validation characters is kept. Chosen on the same characters, with two seeds that
are used for nothing else: the step size without regularization; with that, the rate of a single (locked)
dropout on what the head reads; for the whole recipe first its step size and then its strength, one factor for
all rates of the authors' Penn Treebank run; the step size with layer norm. Then a part is taken out, or
another method added, with all else as it is. The test part is read once for each variant and seed. Intervals
cover seeds and blocks of 500 characters. All losses are in bits per character.

The text is part of Python and differs a little between its versions: the result names version and checksum.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from labcode.applications.language import Corpus, best_ngram, load
from labcode.applications.language_model import LanguageModel
from labcode.applications.language_training import fit_language_model, text_losses
from labcode.averaging import NonMonotonicTrigger
from labcode.early_stopping import EarlyStopping
from labcode.experiments.study import Study
from labcode.experiments.summary import compare
from labcode.training import seeded

SEEDS, CHOICE_SEEDS = 10, (100, 101)
TRAIN, VALIDATION, HIDDEN, EPOCHS, PATIENCE = 20_000, 15_000, 64, 24, 3
ITEM, BLOCK = 100, 5  # characters in a test item, items in a block
READ = {"batch_size": 8, "steps": 50, "clip_norm": 0.25, "measure_train": False}
LEARNING_RATES, RATES, FACTORS = (
    (2.5, 5, 10, 20),
    (0.1, 0.2, 0.3, 0.5, 0.7),
    (0.04, 0.075, 0.15, 0.3, 0.6, 1.0),
)
STEP_FACTOR = 0.6  # of the recipe while its step size is chosen
ORDERS = (1, 2, 3, 6)

# The authors' Penn Treebank settings, those that one layer has: each is multiplied by the chosen factor.
AUTHORS = {"embedding_dropout": 0.1, "input_dropout": 0.4, "output_dropout": 0.4, "weight_drop": 0.5}
AUTHORS |= {"alpha": 2.0, "beta": 1.0, "decay": 1.2e-6}
PARTS = {
    "embedding dropout": ("embedding_dropout",),
    "input and output dropout": ("input_dropout", "output_dropout"),
    "weight drop": ("weight_drop",),
    "AR and TAR": ("alpha", "beta"),
    "weight decay": ("decay",),
    "averaging (NT-ASGD)": ("averaging",),
    "varied lengths": ("vary",),
    "tied weights": ("tie_weights",),
}
NORM_RATES = (1, 2.5, 5, 10)  # layer norm makes what the head reads larger: it has a step size of its own
SMOOTHING = 0.05
# Test perplexities of papers: without a part, and with it (the authors' line without fine-tuning).
FIGURES = Path(__file__).parents[1] / "tests" / "conformance" / "paper_figures.json"
WITHOUT_FINE_TUNING, MELIS = "awd_ablation_ptb_fine-tuning", "melis_T1_LSTM_10M_d1"
PUBLISHED = {
    "embedding dropout": ("awd_ablation_ptb_embedding_dropout", WITHOUT_FINE_TUNING),
    "weight drop": ("awd_ablation_ptb_weight-dropping", WITHOUT_FINE_TUNING),
    "AR and TAR": ("awd_ablation_ptb_AR_TAR", WITHOUT_FINE_TUNING),
    "weight decay": ("awd_ablation_ptb_weight_decay", WITHOUT_FINE_TUNING),
    "averaging (NT-ASGD)": ("awd_ablation_ptb_NT-ASGD", WITHOUT_FINE_TUNING),
    "varied lengths": ("awd_ablation_ptb_variable_sequence_lengths", WITHOUT_FINE_TUNING),
    "tied weights": ("melis_T4_10M_d1_-_shared_embeddings", MELIS),
}
OF_TRAINING = ("vary", "alpha", "beta", "label_smoothing")


def corpus() -> Corpus:
    """Return the text with the parts that are used here."""
    text = load(TRAIN)
    return replace(text, validation=text.validation[:VALIDATION].copy())


def run(*, seed: int, settings: dict, epochs: int = EPOCHS, test: bool = False) -> dict:
    """Train one model; return its validation curve, where averaging began and, if asked, test losses."""
    settings, text = dict(settings), corpus()
    optimizer = {"lr": settings.pop("lr"), "weight_decay": settings.pop("decay", 0.0)}
    rule = NonMonotonicTrigger(PATIENCE) if settings.pop("averaging", False) else None
    training = {name: settings.pop(name) for name in OF_TRAINING if name in settings}
    stopping = EarlyStopping(patience=epochs, restore_best_weights=True)
    with seeded(seed):
        model = LanguageModel(len(text.vocabulary), HIDDEN, **settings)
        history = fit_language_model(
            model,
            text,
            optimizer=torch.optim.SGD(model.parameters(), **optimizer),
            epochs=epochs,
            generator=torch.Generator().manual_seed(seed),
            averaging=rule,
            early_stopping=stopping,
            **training,
            **READ,
        )
    found = {"validation": bits(history.validation_loss), "best": history.best_epoch}
    found |= {"averaged_from": rule.triggered_at if rule else None}
    found |= {"train": bits([text_losses(model, text.train).mean()])[0]}
    found |= {"parameters": sum(p.numel() for p in model.parameters())}
    if test:  # this reads the test data
        found["test"] = items(text_losses(model, text.test))
    return found


def items(losses: np.ndarray) -> list[float]:
    """Return the mean loss of each ``ITEM`` neighbouring characters, in bits."""
    whole = len(losses) // ITEM * ITEM
    return bits(losses[:whole].reshape(-1, ITEM).mean(axis=1))


def bits(nats) -> list[float]:
    """Return losses in bits, rounded."""
    return [round(float(value) / float(np.log(2)), 4) for value in nats]


def recipe(factor: float, lr: float) -> dict:
    """Return the settings of the whole recipe at a strength."""
    scaled = {name: round(factor * value, 10) for name, value in AUTHORS.items()}
    return scaled | {"averaging": True, "vary": True, "tie_weights": True, "lr": lr}


class Choices:
    """Tries settings with the seeds of the choice, and remembers what came of it."""

    def __init__(self, study: Study):
        self.study, self.record = study, {}

    def best(self, stage: str, candidates: dict[str, dict]) -> dict:
        """Return the candidate with the lowest mean validation loss at its best epoch."""
        means = {}
        for name, settings in self.study.few(candidates.items()):
            epochs = self.study.epochs(EPOCHS)
            wanted = [{"seed": seed, "settings": settings, "epochs": epochs} for seed in CHOICE_SEEDS]
            found = self.study.map(run, wanted, label=f"{stage}, {name}")
            means[name] = round(float(np.mean([min(one["validation"]) for one in found])), 4)
        chosen = min(means, key=means.get)
        self.record[stage] = {"tried": means, "chosen": chosen}
        return candidates[chosen]


def variants(none: dict, single: dict, whole: dict) -> dict[str, dict]:
    """Return the settings of everything that is tested, by name."""
    found = {"none": none, "single dropout": single, "whole recipe": whole}
    for part, names in PARTS.items():
        found[f"without {part}"] = {name: value for name, value in whole.items() if name not in names}
    return found


def main() -> None:
    """Choose, train, test, compare and write the result."""
    study, text = Study(__file__), corpus()
    choices = Choices(study)
    none = choices.best("none", {f"lr {lr}": {"lr": lr} for lr in LEARNING_RATES})
    single = choices.best("single dropout", {f"p {p}": none | {"output_dropout": p} for p in RATES})
    rates = {f"lr {lr}": recipe(STEP_FACTOR, lr) for lr in LEARNING_RATES[1:]}
    lr = choices.best("recipe, step size", rates)["lr"]
    whole = choices.best("recipe, factor", {f"factor {f}": recipe(f, lr) for f in FACTORS})
    norms = {f"lr {lr}": whole | {"layer_norm": True, "lr": lr} for lr in NORM_RATES}
    settings = variants(none, single, whole)
    settings["with layer norm"] = choices.best("layer norm, step size", norms)
    settings["with label smoothing"] = whole | {"label_smoothing": SMOOTHING}
    about = {"epochs": study.epochs(EPOCHS), "test": True}
    by_seed = [
        study.map(run, [{"seed": s, "settings": one} | about for one in settings.values()], f"seed {s}")
        for s in study.seeds(SEEDS)
    ]
    found = {name: [runs[at] for runs in by_seed] for at, name in enumerate(settings)}
    tested = {name: np.array([one["test"] for one in runs]) for name, runs in found.items()}
    counted = {f"{n}-grams": best_ngram(text, n, "test") for n in ORDERS}
    rows = {name: np.array([items(-log_p)]) for name, (_, log_p) in counted.items()}
    length = min(array.shape[1] for array in [*tested.values(), *rows.values()])
    tested = {name: array[:, :length] for name, array in tested.items()}
    against = {}
    for reference in ("none", "single dropout", "whole recipe"):
        others = {name: array - tested[reference] for name, array in tested.items() if name != reference}
        against[reference] = compare(others, block=BLOCK)
    study.save(
        {
            "text": {"python": text.python, "sha256": text.sha256, "characters": len(text.vocabulary)},
            "settings": {"train": TRAIN, "validation": VALIDATION, "test": length * ITEM, "hidden": HIDDEN}
            | {"epochs": EPOCHS, "seeds": len(by_seed), "block": BLOCK * ITEM, "authors": AUTHORS},
            "choices": choices.record,
            "variants": {name: described(runs, settings[name]) for name, runs in found.items()},
            "ngrams": {
                name: {"strength": strength, "test": round(float(rows[name].mean()), 4)}
                for name, (strength, _) in counted.items()
            },
            "published": published(),
            "summary": {"against": against},
        }
    )


def published() -> dict[str, dict]:
    """Return what papers found when they left a part out: perplexities, and their ratio as bits per word."""
    cases = {case["id"]: case for case in json.loads(FIGURES.read_text(encoding="utf-8"))["cases"]}
    found = {}
    for part, (left_out, whole) in PUBLISHED.items():
        pair = cases[left_out]["test"], cases[whole]["test"]
        difference = round(float(np.log2(pair[0] / pair[1])), 4)
        found[part] = {
            "without": pair[0],
            "with": pair[1],
            "bits": difference,
            "paper": cases[left_out]["paper"],
        }
    return found


def described(found: list[dict], settings: dict) -> dict:
    """Return what one variant came to by itself."""
    best = [one["validation"][one["best"]] for one in found]
    return {
        "settings": settings,
        "parameters": found[0]["parameters"],
        "validation": [one["validation"] for one in found],
        "best": [one["best"] for one in found],
        "averaged_from": [one["averaged_from"] for one in found],
        "mean": {
            "train": round(float(np.mean([one["train"] for one in found])), 4),
            "validation": round(float(np.mean(best)), 4),
            "test": round(float(np.mean([one["test"] for one in found])), 4),
        },
        "test": [round(float(np.mean(one["test"])), 4) for one in found],
    }


if __name__ == "__main__":
    main()
