"""Section 5's two Keras snippets, completed into models that train: what do they do to weights and loss?

The strengths are the article's own, 0.01 and 0.2, so nothing is chosen. Every model trains for all epochs,
with Adam, on Keras's torch backend; the test split is evaluated once for each model and seed, at the last
epoch. New York's LSTMs take over 5 seconds a run: 5 seeds.
"""

import numpy as np

from labcode.experiments.effects import compare
from labcode.experiments.kept_runs import runs_of_arrays
from labcode.experiments.records import Record
from labcode.experiments.study import Study
from labcode.experiments.tasks import load
from labcode.keras_interop import import_keras

EPOCHS, BATCH, RATE = 20, 32, 3e-3
BLOCKS = {"weather": 30, "weather_new_york": 56}  # windows: a month, a week
DENSE = ("none", "l1", "l2")


def dense(keras, kind):
    """Return the network of 5.1: a regularized layer of 64 units on the whole window."""
    regularizer = {"none": None, "l1": keras.regularizers.l1(0.01), "l2": keras.regularizers.l2(0.01)}[kind]
    return keras.Sequential(
        [
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu", kernel_regularizer=regularizer, name="regularized"),
            keras.layers.Dense(1),
        ]
    )


def recurrent(keras, kind):
    """Return the network of 5.2: an LSTM of 64 units, dropout of its outputs or none, then a smaller LSTM."""
    dropout = [keras.layers.Dropout(0.2)] if kind == "dropout" else []
    return keras.Sequential(
        [
            keras.layers.LSTM(64, return_sequences=True, name="regularized"),
            *dropout,
            keras.layers.LSTM(16),
            keras.layers.Dense(1),
        ]
    )


def run(*, seed: int, task: str, network: str, kind: str) -> dict:
    """Train one network; return its kernel's sums, its training loss, and the test split's squared errors."""
    keras, data = import_keras(), load(task, 0)
    keras.utils.set_random_seed(seed)
    model = {"dense": dense, "recurrent": recurrent}[network](keras, kind)
    model.compile(optimizer=keras.optimizers.Adam(RATE), loss="mse")
    model.fit(data.train.x, data.train.y, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    kernel = np.asarray(model.get_layer("regularized").get_weights()[0], dtype=float)
    errors = {
        split: np.square(model.predict(part.x, verbose=0) - part.y).astype(float).ravel()
        for split, part in (("train", data.train), ("test", data.test))
    }
    return {
        "sum_abs": float(np.abs(kernel).sum()),
        "sum_squares": float(np.square(kernel).sum()),
        "zeros": float(np.mean(kernel == 0)),
        "train": float(errors["train"].mean()),
        "test": errors["test"].tolist(),
    }


def differences(found: dict[str, list[dict]], measure: str) -> dict[str, np.ndarray]:
    """Return each kind minus "none", (seeds, items) for the loss, (seeds, 1) for the others."""
    values = {}
    for kind, runs in found.items():
        if measure == "gap":
            values[kind] = np.array([np.array(one["test"]) - one["train"] for one in runs])
        elif measure == "loss":
            values[kind] = np.array([one["test"] for one in runs])
        else:
            values[kind] = np.array([[one[measure]] for one in runs])
    return {kind: array - values["none"] for kind, array in values.items() if kind != "none"}


def averages(runs: list[dict]) -> dict[str, float]:
    """Return the means over the seeds of what the runs measured."""
    return {name: round(float(np.mean([one[name] for one in runs])), 4) for name in runs[0]}


NETWORKS = {"dense": DENSE, "recurrent": ("none", "dropout")}


def main() -> None:
    """Run everything, and write record and result."""
    study = Study(__file__)
    tasks = study.few(BLOCKS)
    for task in tasks:
        for network, kinds in NETWORKS.items():
            seeds = study.seeds(5 if (task, network) == ("weather_new_york", "recurrent") else 10)
            for kind in kinds:
                about = {"task": task, "network": network, "kind": kind}
                runs = study.map(
                    run, [about | {"seed": seed} for seed in seeds], f"{task}, {network}, {kind}"
                )
                study.keep_runs(f"{task}/{network}/{kind}", runs)
    study.save(summary, tasks=list(tasks))


def summary(record: Record) -> dict:
    """Return the effects and the means, by task and network."""
    effects, means = {}, {}
    for task in record.about["tasks"]:
        effects[task], means[task] = {}, {}
        for network, kinds in NETWORKS.items():
            found = {kind: runs_of_arrays(record.under(f"{task}/{network}/{kind}/")) for kind in kinds}
            blocks = dict.fromkeys(("loss", "gap"), BLOCKS[task])
            if network == "dense":
                blocks |= {"sum_abs": 1, "sum_squares": 1, "zeros": 1}
            effects[task][network] = {
                measure: compare(differences(found, measure), block=own) for measure, own in blocks.items()
            }
            means[task][network] = {kind: averages(runs) for kind, runs in found.items()}
    return {"summary": effects, "means": means}


if __name__ == "__main__":
    main()
