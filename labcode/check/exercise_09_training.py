"""Checker of exercise 9, training runs: name what is wrong with a run, and make a better one."""

from functools import cache

import numpy as np

from labcode.check.core import Case, NotYet
from labcode.check.training_task import (
    IN_EVALUATION_MODE,
    Demand,
    TrainingChecker,
    TrainingFault,
    left_in_training_mode,
    loss_of,
    parts,
    repeatable,
)

PATIENTS = {  # one thing is wrong with each
    "overfit": {"learning_rate": 0.02, "l2": 0.0, "epochs": 60},
    "underfit": {"learning_rate": 0.02, "l2": 10.0, "epochs": 20},
    "learning rate too high": {"learning_rate": 3.0, "l2": 0.01, "epochs": 20},
}


@cache
def _part(name: str):
    """Return sequences of two features; y is half the sum of the first one's last four, with noise."""
    from labcode.data.dataset import Split

    number, size = {"train": (0, 64), "validation": (1, 100), "test": (2, 200), "unseen": (3, 200)}[name]
    rng = np.random.default_rng(number)
    x = rng.normal(size=(size, 6, 2)).astype(np.float32)
    y = x[:, -4:, :1].sum(axis=1) / 2 + 0.5 * rng.normal(size=(size, 1))
    return Split(x, y.astype(np.float32))


class Data:
    """Three parts of a task that was made up; how often the test part is asked for is noted."""

    def __init__(self, patient: str):
        self._patient = patient
        self.train, self.validation, self.looks = _part("train"), _part("validation"), 0

    def __repr__(self) -> str:
        return "data"

    @property
    def test(self):
        """The part that decides nothing."""
        self.looks += 1
        return _part("test")


def train_run(settings: dict, train, validation):
    """Train a model of 16 units with settings and return it, with its history.

    Args:
        settings: "learning_rate" of Adam, "l2" on W and U, "epochs".
        train, validation: each unpacks into x and y.
    """
    import torch

    from labcode.lstm.sequence_model import SequenceModel
    from labcode.penalties import l2_penalty_torch, penalty_by_target
    from labcode.training import fit

    strengths = {"input": settings["l2"], "recurrent": settings["l2"]}
    with repeatable():
        model = SequenceModel(2, 16, 1)
        history = fit(
            model,
            train,
            validation,
            optimizer=torch.optim.Adam(model.parameters(), lr=settings["learning_rate"]),
            epochs=settings["epochs"],
            generator=torch.Generator().manual_seed(0),
            penalty=lambda model: penalty_by_target(
                l2_penalty_torch, dict(model.lstm.named_parameters()), strengths
            ),
            progress=False,
        )
    return model, history


@cache
def _broken(name: str) -> dict:
    """Return the last losses of a patient's own run, and its lowest validation loss."""
    data = Data(name)
    _, history = train_run(PATIENTS[name], data.train, data.validation)
    curve = history.validation_loss
    return {"broken_train": history.train_loss[-1], "broken": curve[-1], "lowest": min(curve)}


def _repair(settings, data, *, peek=False, extra="", change=True, also=(), named="", spare=(), mode=False):
    """Train, read the curves, name the case, change one setting, train again; the switches spoil that."""
    from labcode.data.dataset import join

    model, history = train_run(settings, data.train, data.validation)
    train, validation = np.array(history.train_loss), np.array(history.validation_loss)
    cures = {"overfit": {"epochs": int(validation.argmin()) + 1}, "underfit": {"l2": 0.01}}
    cures["learning rate too high"] = {"learning_rate": 0.02}
    if train.max() > 3:
        name = "learning rate too high"
    else:
        name = "overfit" if validation[-1] > 1.1 * validation.min() else "underfit"
    part = join(data.train, data.validation) if extra else data.train
    if peek:
        assert data.test is not None
    if change:
        changed = settings | cures[name] | ({"epochs": 80} if extra else {}) | dict(also)
        model, _ = train_run(changed, part, data.validation)
    return (name if name in spare else named or name), model.train(mode)


def setup(name: str):
    """Return a patient's settings, and data."""
    return dict(PATIENTS[name]), Data(name)


def _measure(result, given) -> dict:
    """Return what was named, the losses of both runs, and how often the test part was asked for."""
    _, data = given
    looks, true = data.looks, data._patient
    named, model = parts(result, "name, model")
    if named not in PATIENTS:
        raise NotYet(f"✗ the name should be one of {', '.join(map(repr, PATIENTS))}; it is {named!r}.")
    return {
        "named": str(named),
        "true": true,
        "looks": looks,
        "training": model.training if hasattr(model, "training") else False,
        **{part: loss_of(model, _part(part)) for part in ("train", "validation", "unseen")},
        **_broken(true),
    }


def _misnamed(name):
    return lambda facts: facts["true"] == name != facts["named"]


_CURVES = (
    "training loss {broken_train:.2f} at the end, validation loss {broken:.2f} and {lowest:.2f} at its best"
)

repair_run = TrainingChecker(
    name="repair_run",
    solution=_repair,
    cases=tuple(Case(f"a run: {name}", (name,)) for name in PATIENTS),
    setup=setup,
    measure=_measure,
    may_change=True,
    seconds=60.0,
    demands=(
        Demand("the test data were left alone", lambda facts: facts["looks"] == 0, ""),
        Demand(
            "the validation data played no part in training",
            lambda facts: facts["validation"] > 0.6 * facts["unseen"],
            "",
        ),
        Demand(
            "each run has its right name",
            lambda facts: facts["named"] == facts["true"],
            "A run was called {named!r}: " + _CURVES + ".",
        ),
        Demand(
            "each new run is better on validation data, such as {validation:.2f} in place of {broken:.2f}",
            lambda facts: facts["validation"] < 0.95 * facts["broken"],
            "The run with "
            + _CURVES
            + " was not made better: yours has {validation:.2f}. Change what is wrong with "
            "it, and by a large factor.",
        ),
        IN_EVALUATION_MODE,
    ),
    misconceptions=(
        TrainingFault(
            "test data asked for",
            {"peek": True},
            "data.test was asked for. It decides nothing: neither the name nor the settings. Curves of "
            "training and validation are enough.",
            shows=lambda facts: facts["looks"] > 0,
        ),
        TrainingFault(
            "trained on the validation part",
            {"extra": "validation"},
            "The validation loss is {validation:.2f}, that on days which nobody has seen {unseen:.2f}: "
            "the model has LEARNED the validation days. Train on data.train alone.",
            shows=lambda facts: facts["validation"] <= 0.6 * facts["unseen"],
        ),
        TrainingFault(
            "overfitting not seen",
            {"named": "underfit"},
            "A run was called {named!r} whose training loss is far below its validation loss, which has "
            "risen from its "
            "best (" + _CURVES + "). It has learned too much, not too little.",
            shows=_misnamed("overfit"),
        ),
        TrainingFault(
            "underfitting not seen",
            {"named": "overfit"},
            "A run was called {named!r} whose training loss is as high as its validation loss, from first "
            "to last (" + _CURVES + "). Nothing was learned that could be too much.",
            shows=_misnamed("underfit"),
        ),
        TrainingFault(
            "jumps not seen",
            {"named": "underfit", "spare": ("overfit", "underfit")},
            "A run was called {named!r} whose TRAINING loss jumps up and down. Steps that are too long do "
            "that; neither overfitting nor a penalty does.",
            shows=_misnamed("learning rate too high"),
        ),
        TrainingFault(
            "nothing changed",
            {"change": False},
            "The model is as good as the one before: {validation:.3f}. Train again, with settings that "
            "are changed: `settings | {{'l2': ...}}` is a new dictionary with one entry changed.",
            shows=lambda facts: abs(facts["validation"] / facts["broken"] - 1) < 1e-3,
        ),
        TrainingFault(
            "too much of a cure",
            {"also": {"epochs": 2}},
            "The run with " + _CURVES + " was not made better: yours has {validation:.2f}, and {train:.2f} "
            "on the training data, so it has not learned enough yet. The change may go too far: fewer "
            "epochs, a smaller rate or a penalty should leave it time to learn.",
            shows=lambda facts: (
                facts["true"] == facts["named"] != "underfit"
                and facts["validation"] >= 0.95 * facts["broken"]
                and facts["train"] > 0.6 * facts["validation"]
            ),
        ),
        left_in_training_mode({"mode": True}),
    ),
    praise="First what the curves say, then one change, then the curves again.",
)
