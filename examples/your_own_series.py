"""From a CSV file of one's own to a model card: python examples/your_own_series.py FILE.csv DATES TARGET"""

import csv
import sys
from pathlib import Path

import torch

from labcode.data import persistence_loss, windows
from labcode.early_stopping import EarlyStopping
from labcode.lstm import SequenceModel
from labcode.search import IntRange, Range, best, search
from labcode.training import evaluate, fit, forecast, save_model, seeded
from labcode.training.diagnose import diagnose
from labcode.training.model_card import model_card

SPACE = {"lr": Range(1e-3, 3e-2, log=True), "hidden_size": IntRange(8, 32, log=True)}
SPACE |= {"recurrent_dropout": Range(0.0, 0.6)}


def train(data, lr, hidden_size, recurrent_dropout, epochs=40):
    with seeded(0):
        model = SequenceModel(1, hidden_size, 1, recurrent_dropout=recurrent_dropout)
        history = fit(
            model,
            data.train,
            data.validation,
            optimizer=torch.optim.Adam(model.parameters(), lr=lr),
            epochs=epochs,
            generator=torch.Generator().manual_seed(0),
            early_stopping=EarlyStopping(patience=5, restore_best_weights=True),
        )
    return model, history


def main(path, dates, target, *, window=24, trials=6, epochs=40):
    rows = list(csv.DictReader(Path(path).read_text().splitlines()))
    series = [float(row[target] or "nan") for row in rows]
    data = windows(series, window=window, dates=[row[dates] for row in rows], missing="last", name=target)
    tried = search(
        lambda point, report: min(train(data, **point, epochs=epochs)[1].validation_loss),
        SPACE,
        trials=trials,
    )
    model, history = train(data, **best(tried).point, epochs=epochs)
    baseline = [persistence_loss(split) for split in (data.train, data.validation)]
    print(data.describe(), diagnose(history, baseline=baseline), sep="\n\n")
    print(f"next {target}: {forecast(model, data, series):.4g}")
    save_model(Path(path).with_suffix(".pt"), model, data)
    facts = {"title": f"A forecast of {target}", "training": f"Adam, early stopping within {epochs} epochs"}
    facts |= {"tried": {str(one.point): f"validation loss {one.value:.3f}" for one in tried}}
    facts |= {"chosen_by": "the lowest validation loss", "unit": "variances of the target"}
    losses = {"LSTM": evaluate(model, data.test)["loss"], "no change": persistence_loss(data.test)}
    results = {name: (loss, None) for name, loss in losses.items()}
    print(model_card(data, model, **facts, results=results, limits=["one series and one test period"]))
    return losses


if __name__ == "__main__":
    main(*sys.argv[1:])
