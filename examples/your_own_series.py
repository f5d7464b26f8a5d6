"""From a CSV file of one's own to a model card: baseline, search, fit, diagnosis, forecast, card.

    python examples/your_own_series.py FILE.csv DATE_COLUMN TARGET_COLUMN
"""

import csv
import sys

import numpy as np
import torch

from labcode.data import persistence_loss, windows
from labcode.early_stopping import EarlyStopping
from labcode.lstm import SequenceModel
from labcode.search import Range, best, search
from labcode.training import evaluate, fit, forecast, save_model, seeded
from labcode.training.diagnose import diagnose
from labcode.training.model_card import model_card


def main(path, date, target, *, window=24, trials=6, epochs=40):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    series = np.array([float(row[target] or "nan") for row in rows])
    data = windows(series, window=window, dates=[row[date] for row in rows], missing="last", name=target)

    def train(point, report=None):
        with seeded(0):
            model = SequenceModel(1, 32, 1, recurrent_dropout=point["recurrent_dropout"])
            history = fit(
                model,
                data.train,
                data.validation,
                optimizer=torch.optim.Adam(model.parameters(), lr=point["lr"]),
                epochs=epochs,
                generator=torch.Generator().manual_seed(0),
                early_stopping=EarlyStopping(patience=5, restore_best_weights=True),
                progress=False,
            )
        return model, history

    space = {"lr": Range(1e-3, 3e-2, log=True), "recurrent_dropout": Range(0.0, 0.6)}
    tried = search(lambda point, report: min(train(point)[1].validation_loss), space, trials=trials)
    model, history = train(best(tried).point)
    baseline = [persistence_loss(split) for split in (data.train, data.validation)]
    print(data.describe(), diagnose(history, baseline=baseline), sep="\n\n")
    results = {"LSTM": (evaluate(model, data.test)["loss"], None)}
    results["no change"] = (persistence_loss(data.test), None)
    save_model(f"{target}.pt", model, data)
    print(f"\nnext {target}: {forecast(model, data, series):.4g}\n")
    card = model_card(
        data,
        model,
        title=f"A forecast of {target}",
        training=f"Adam, at most {epochs} epochs, early stopping with patience 5",
        tried={f"trial {one.number}": f"{one.point}: {one.value:.3f}" for one in tried},
        chosen_by="the lowest validation loss",
        results=results,
        unit="mean squared error, the target's standard deviation being 1",
        limits=["one series, one test period: no interval over years"],
    )
    print(card)
    return results


if __name__ == "__main__":
    main(*sys.argv[1:])
