"""Chapter 8's ablation: AWD-LSTM's recipe on Python's reference text, and the same without each of its parts.

``python course.py evidence 08_language_model`` trains 256 small models and writes
``evidence/results/08_language_model.json``.

Protocol: one LSTM of 64 units reads 20,000 characters, so few that it overfits; SGD with clipping, 24 epochs,
of which the best on 15,000 validation characters is kept. Chosen on the same characters, with two seeds that
are used for nothing else, and with nine trials each: no regularization; a single (locked) dropout on what the
head reads; the whole recipe, with one factor for all rates of the authors' Penn Treebank run; and the first
two with averaging, so that it can be told from the rest of the recipe. None has step sizes to choose, the
others three step sizes and then six strengths. The step size with layer norm and the smoothing of labels have
four trials, on top of the recipe's. Then a part is taken out of the recipe, with all else as it is. The test
part is read once for each variant and seed. Intervals cover seeds and blocks of 500 characters. All losses
are in bits per character.

The text is part of Python and differs a little between its versions: the result names version and checksum.
"""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from labcode.applications.language import Corpus, best_ngram, load
from labcode.applications.language_model import LanguageModel
from labcode.applications.language_training import fit_language_model, text_losses
from labcode.averaging import NonMonotonicTrigger
from labcode.early_stopping import EarlyStopping
from labcode.experiments.declaration import EVIDENCE
from labcode.experiments.effects import compare
from labcode.experiments.records import Record
from labcode.experiments.study import Study
from labcode.training import seeded

SEEDS, CHOICE_SEEDS = 10, (100, 101)
TRAIN, VALIDATION, HIDDEN, EPOCHS, PATIENCE = 20_000, 15_000, 64, 24, 3
ITEM, BLOCK = 100, 5  # characters in a test item, items in a block
READ = {"batch_size": 8, "steps": 50, "clip_norm": 0.25, "measure_train": False}
NONE_RATES = (1.25, 2.5, 3.5, 5, 7, 10, 14, 20, 28)  # nine step sizes where there is no strength to choose
LEARNING_RATES = (5, 10, 20)  # three, and six strengths
RATES, FACTORS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.7), (0.04, 0.075, 0.15, 0.3, 0.6, 1.0)
STEP_RATE, STEP_FACTOR = 0.3, 0.6  # strengths while the step size is chosen
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
SMOOTHINGS = (0.02, 0.05, 0.1, 0.2)
# Test perplexities of papers: without a part, and with it (the authors' line without fine-tuning).
FIGURES = EVIDENCE.parent / "tests" / "conformance" / "paper_figures.json"
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
    """Tries settings with the seeds of the choice, and keeps the curves that it was made from."""

    def __init__(self, study: Study):
        self.study, self.names = study, {}

    def best(self, stage: str, candidates: dict[str, dict]) -> dict:
        """Return the candidate with the lowest mean validation loss at its best epoch."""
        epochs, tried = self.study.epochs(EPOCHS), dict(self.study.few(candidates.items()))
        wanted = [
            {"seed": seed, "settings": settings, "epochs": epochs}
            for settings in tried.values()
            for seed in CHOICE_SEEDS
        ]
        found = self.study.map(run, wanted, label=stage)
        curves = np.array([one["validation"] for one in found]).reshape(len(tried), len(CHOICE_SEEDS), -1)
        self.study.keep(f"choice/{stage}", curves)
        self.names[stage] = list(tried)
        return candidates[chosen(curves, self.names[stage])[1]]

    def tuned(self, stage: str, first: dict[str, dict], strengths: Callable[[dict], dict[str, dict]]) -> dict:
        """Choose a step size among the first candidates, then a strength with it."""
        return self.best(stage, strengths(self.best(f"{stage}, step size", first)))


def chosen(curves: np.ndarray, names: list[str]) -> tuple[dict[str, float], str]:
    """Return each trial's mean validation loss at the best epochs, and the name of the lowest."""
    means = {
        name: round(float(mean), 4) for name, mean in zip(names, curves.min(axis=2).mean(axis=1), strict=True)
    }
    return means, min(means, key=means.get)


def variants(choices: Choices) -> dict[str, dict]:
    """Choose, and return the settings of everything that is tested, by name."""
    with_averaging = {"averaging": True}
    plain = {f"lr {lr}": {"lr": lr} for lr in NONE_RATES}
    found = {"none": choices.best("none", plain)}
    averaged = {name: one | with_averaging for name, one in plain.items()}
    dropped = {f"lr {lr}": {"lr": lr, "output_dropout": STEP_RATE} for lr in LEARNING_RATES}
    found["single dropout"] = choices.tuned("single dropout", dropped, rates_of)
    rates = {f"lr {lr}": recipe(STEP_FACTOR, lr) for lr in LEARNING_RATES}
    lr = choices.best("recipe, step size", rates)["lr"]
    whole = choices.best("recipe, factor", {f"factor {f}": recipe(f, lr) for f in FACTORS})
    found["whole recipe"] = whole
    for part, names in PARTS.items():
        found[f"without {part}"] = {name: value for name, value in whole.items() if name not in names}
    norms = {f"lr {lr}": whole | {"layer_norm": True, "lr": lr} for lr in NORM_RATES}
    found["with layer norm"] = choices.best("layer norm, step size", norms)
    smoothed = {f"epsilon {e}": whole | {"label_smoothing": e} for e in SMOOTHINGS}
    found["with label smoothing"] = choices.best("label smoothing", smoothed)
    found["none + averaging"] = choices.best("none + averaging", averaged)
    both = {name: one | with_averaging for name, one in dropped.items()}
    found["single dropout + averaging"] = choices.tuned("single dropout + averaging", both, rates_of)
    return found


def rates_of(settings: dict) -> dict[str, dict]:
    """Return the same settings with each rate of dropout."""
    return {f"p {p}": settings | {"output_dropout": p} for p in RATES}


def main() -> None:
    """Choose, train, test, and write record and result."""
    study, text = Study(__file__), corpus()
    choices = Choices(study)
    settings = variants(choices)
    about = {"epochs": study.epochs(EPOCHS), "test": True}
    by_seed = [
        study.map(run, [{"seed": s, "settings": one} | about for one in settings.values()], f"seed {s}")
        for s in study.seeds(SEEDS)
    ]
    counted = {f"{n}-grams": best_ngram(text, n, "test") for n in ORDERS}
    rows = {name: items(-log_p) for name, (_, log_p) in counted.items()}
    length = min(map(len, [*rows.values(), *(one["test"] for one in by_seed[0])]))
    for at, name in enumerate(settings):
        runs = [one[at] for one in by_seed]
        study.keep(f"{name}/test", np.array([one["test"][:length] for one in runs]))
        for curve in ("validation", "best", "train"):
            study.keep(f"{name}/{curve}", np.array([one[curve] for one in runs]))
        began = [np.nan if one["averaged_from"] is None else one["averaged_from"] for one in runs]
        study.keep(f"{name}/averaged_from", np.array(began))
    for name, row in rows.items():
        study.keep(f"{name}/test", np.array([row[:length]]))
    study.save(
        summary,
        text={"python": text.python, "sha256": text.sha256, "characters": len(text.vocabulary)},
        settings={"train": TRAIN, "validation": VALIDATION, "test": length * ITEM, "hidden": HIDDEN}
        | {"epochs": about["epochs"], "seeds": len(by_seed), "block": BLOCK * ITEM, "authors": AUTHORS},
        names=choices.names,
        variants={
            name: {"settings": one, "parameters": by_seed[0][at]["parameters"]}
            for at, (name, one) in enumerate(settings.items())
        },
        ngrams={name: strength for name, (strength, _) in counted.items()},
        published=published(),
    )


def summary(record: Record) -> dict:
    """Compare every variant with three references, and describe it by itself."""
    about = record.about
    tested = {name: record[f"{name}/test"] for name in about["variants"]}
    against = {}
    for reference in ("none", "single dropout", "whole recipe"):
        others = {name: array - tested[reference] for name, array in tested.items() if name != reference}
        against[reference] = compare(others, block=BLOCK, reference=float(tested[reference].mean()))
    tried = {stage: chosen(record[f"choice/{stage}"], names) for stage, names in about["names"].items()}
    return {
        "text": about["text"],
        "settings": about["settings"],
        "choices": {stage: {"tried": means, "chosen": best} for stage, (means, best) in tried.items()},
        "variants": {name: one | described(record, name) for name, one in about["variants"].items()},
        "ngrams": {
            name: {"strength": strength, "test": round(float(record[f"{name}/test"].mean()), 4)}
            for name, strength in about["ngrams"].items()
        },
        "published": about["published"],
        "summary": {"against": against},
    }


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


def described(record: Record, name: str) -> dict:
    """Return what one variant came to by itself."""
    validation, best = record[f"{name}/validation"], record[f"{name}/best"].astype(int)
    began = record[f"{name}/averaged_from"]
    losses = {
        "train": record[f"{name}/train"],
        "validation": np.take_along_axis(validation, best[:, None], axis=1),
        "test": record[f"{name}/test"],
    }
    return {
        "validation": np.round(validation, 4).tolist(),
        "best": best.tolist(),
        "averaged_from": [None if np.isnan(epoch) else int(epoch) for epoch in began],
        "mean": {split: round(float(values.mean()), 4) for split, values in losses.items()},
        "test": [round(float(mean), 4) for mean in losses["test"].mean(axis=1)],
    }


if __name__ == "__main__":
    main()
