"""Chapter 6.2's question beside the losses: do translations get better where the loss gets lower?

`python course.py evidence 06_translation` trains 20 small translators in about four minutes and writes
`results/06_translation.json`. After each epoch the loss and chrF are measured on the validation part. Nothing
is chosen by chrF: the rate of dropout is fixed here, and early stopping keeps an epoch by its loss. Test
items are those of the second part, which no other experiment uses, once for each run and variant.
"""

import copy

import numpy as np

from labcode.applications.decoding import beam_search, greedy_search
from labcode.applications.metrics import chrf, item_losses
from labcode.data import translation
from labcode.experiments.runs import Run, kept_epoch, train
from labcode.experiments.study import Study
from labcode.experiments.summary import compare
from labcode.experiments.tasks import forced_outputs, load

TASK = "translation_second"
RATES = (0.0, 0.3)  # of output dropout
SEEDS, PATIENCE = 10, 5
MODEL = {"hidden_size": 96, "embedding_size": 48}
BUDGET = {"epochs": 20, "batch_size": 64, "learning_rate": 5e-3}  # and sizes: as in translation.toml
WIDTH, POWERS = 4, (0.0, 1.0)  # of beam search; only without dropout, at the last epoch


def greedy_chrf(model, dataset, split):
    """Translate a split greedily and return chrF."""
    x, _, padding_mask = dataset.splits[split]
    written = greedy_search(model, x, padding_mask)
    return chrf(
        [translation.decode(tokens, dataset) for tokens in written], translation.references(dataset, split)
    )


def beam_chrf(model, dataset, split, length_power):
    """Translate a split by a beam search and return chrF."""
    x, _, padding_mask = dataset.splits[split]
    found = beam_search(model, x, padding_mask, width=WIDTH, length_power=length_power)
    written = [translation.decode(best[0][0], dataset) for best in found]
    return chrf(written, translation.references(dataset, split))


def measured(model, dataset, beam):
    """Measure the test part: loss, chrF of greedy and, if asked, of beam search by sum and by mean."""
    outputs, y = forced_outputs(model, dataset, "test"), dataset.test.y
    found = {"loss": float(item_losses(dataset.task, outputs, y).mean())}
    found["chrf"] = greedy_chrf(model, dataset, "test")
    if beam:
        found |= {f"beam, power {power:g}": beam_chrf(model, dataset, "test", power) for power in POWERS}
    return found


def run(*, seed, rate):
    """Train one translator; return its curves, and what the test part says of its last and its kept epoch."""
    methods, states, scores = (("output_dropout", rate),) if rate else (), [], []
    settings = Run(task=TASK, model=tuple(MODEL.items()), methods=methods, seed=seed, **BUDGET)
    dataset = load(TASK, seed)

    def keep(epoch, losses, model):
        states.append(copy.deepcopy(model.state_dict()))
        scores.append(greedy_chrf(model, dataset, "validation"))

    model, history = train(settings, on_epoch_end=keep)
    curves = {"train": history.train_loss, "validation": history.validation_loss, "chrf": scores}
    kept = kept_epoch(curves["validation"], PATIENCE)
    tested = {}
    for variant, epoch in (("last", len(states) - 1), ("early", kept)):
        model.load_state_dict(states[epoch])
        tested[variant] = measured(model, dataset, beam=not rate and variant == "last")
    return {"curves": curves, "kept": kept, "test": tested}


def rules(seeds, split):
    """Return chrF of the rules without a network on a split, with the training part of each seed."""
    datasets = [load(TASK, seed) for seed in seeds]
    return {
        name: [chrf(rule(data, split), translation.references(data, split)) for data in datasets]
        for name, rule in translation.TRANSLATORS.items()
    }


def main():
    """Run all, and compare early stopping, dropout and beam search with what goes without them."""
    study = Study(__file__)
    asked = [{"seed": seed, "rate": rate} for rate in RATES for seed in study.seeds(SEEDS)]
    by_rate = {str(rate): [] for rate in RATES}
    for settings, found in zip(asked, study.map(run, asked), strict=True):
        by_rate[str(settings["rate"])].append(found)

    def values(rate, variant, measure):
        return np.array([found["test"][variant][measure] for found in by_rate[rate]])

    summary = {}
    for measure in ("loss", "chrf"):
        last = values("0.0", "last", measure)
        found = {"early stopping": values("0.0", "early", measure) - last}
        found |= {f"dropout {rate}": values(rate, "last", measure) - last for rate in list(by_rate)[1:]}
        summary[measure] = compare({name: difference[:, None] for name, difference in found.items()})
    searched = {name: values("0.0", "last", name) - last for name in by_rate["0.0"][0]["test"]["last"]}
    summary["search"] = compare({n: d[:, None] for n, d in searched.items() if n.startswith("beam")})
    settings = {"settings": {"model": MODEL, **BUDGET, "patience": PATIENCE, "width": WIDTH}}
    simple = {split: rules(study.seeds(SEEDS), split) for split in ("validation", "test")}
    study.save({"summary": summary, "rules": simple, "runs": by_rate, **settings})


if __name__ == "__main__":
    main()
