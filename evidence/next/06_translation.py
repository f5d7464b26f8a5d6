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
from labcode.experiments.effects import compare
from labcode.experiments.runs import Run, kept_epoch, train
from labcode.experiments.study import Study
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
    found = {"loss": item_losses(dataset.task, outputs, y).tolist()}
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
    """Run all, and write record and result."""
    study, variants = Study(__file__), ("last", "early")
    seeds = study.seeds(SEEDS)
    for rate in RATES:
        runs = study.map(run, [{"seed": seed, "rate": rate} for seed in seeds], f"dropout {rate}")
        for name in runs[0]["curves"]:
            study.keep(f"{rate}/{name}", np.array([one["curves"][name] for one in runs]))
        study.keep(f"{rate}/kept", np.array([one["kept"] for one in runs]))
        for variant in variants:
            for measure in runs[0]["test"][variant]:
                values = np.array([one["test"][variant][measure] for one in runs])
                study.keep(f"{rate}/{variant}/{measure}", values if values.ndim == 2 else values[:, None])
    for split in ("validation", "test"):
        for name, values in rules(seeds, split).items():
            study.keep(f"rules/{split}/{name}", np.array(values))
    study.save(summary, settings={"model": MODEL, **BUDGET, "patience": PATIENCE, "width": WIDTH})


def summary(record):
    """Compare early stopping, dropout and beam search with what goes without them."""
    found, plain = {}, record.under("0.0/last/")
    for measure in ("loss", "chrf"):
        last = plain[measure]
        others = {"early stopping": record[f"0.0/early/{measure}"] - last}
        others |= {f"dropout {rate}": record[f"{rate}/last/{measure}"] - last for rate in RATES[1:]}
        found[measure] = compare(others, reference=float(last.mean()) if measure == "loss" else None)
    beams = {name: values - plain["chrf"] for name, values in plain.items() if name.startswith("beam")}
    found["search"] = compare(beams)
    simple = {
        split: {n: np.round(v, 4).tolist() for n, v in record.under(f"rules/{split}/").items()}
        for split in ("validation", "test")
    }
    runs = {
        str(rate): [described(record, rate, seed) for seed in range(len(plain["loss"]))] for rate in RATES
    }
    return {"summary": found, "rules": simple, "runs": runs, "settings": record.about["settings"]}


def described(record, rate, seed):
    """Return one run's curves, the epoch that was kept, and the means of what was measured."""
    curves = {
        name: np.round(record[f"{rate}/{name}"][seed], 5).tolist() for name in ("train", "validation", "chrf")
    }
    tested = {
        variant: {
            name: round(float(v[seed].mean()), 5) for name, v in record.under(f"{rate}/{variant}/").items()
        }
        for variant in ("last", "early")
    }
    return {"curves": curves, "kept": int(record[f"{rate}/kept"][seed]), "test": tested}


if __name__ == "__main__":
    main()
