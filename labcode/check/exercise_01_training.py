"""Checker of exercise 1, a training run: a model that overfits on purpose, and since when."""

from functools import cache

import numpy as np

from labcode.check.core import Case, NotYet
from labcode.check.training_task import (
    IN_EVALUATION_MODE,
    Demand,
    TrainingChecker,
    TrainingFault,
    days,
    left_in_training_mode,
    loss_of,
    parts,
)

RETURNED = "model, train_loss, validation_loss, epoch"


@cache
def handout():
    """Return what the learner gets: 64 days to learn and 100 to validate on, each unpacks into x and y."""
    return days(0, 64), days(100, 200)


def _train(train, validation, *, extra=False, epochs=60, restore=False, mode=False, epoch="best", swap=False):
    """A model of 32 units that learns 64 days by heart; the switches cure or spoil that."""
    import torch

    from labcode.data.dataset import join
    from labcode.early_stopping import EarlyStopping
    from labcode.lstm.sequence_model import SequenceModel
    from labcode.training import fit, seeded

    stopping = EarlyStopping(patience=epochs, restore_best_weights=True) if restore else None
    with seeded(0):
        model = SequenceModel(6, 32, 1)
        history = fit(
            model,
            join(train, validation) if extra else train,
            validation,
            optimizer=torch.optim.Adam(model.parameters(), lr=5e-3),
            epochs=epochs,
            generator=torch.Generator().manual_seed(0),
            early_stopping=stopping,
            progress=False,
        )
    curves = [history.train_loss, history.validation_loss]
    best = int(np.argmin(curves[1]))
    named = {"best": best, "from 1": best + 1, "last": epochs - 1}
    return model.train(mode), *(curves[::-1] if swap else curves), named[epoch]


def _measure(result, given) -> dict:
    """Return the losses that the model has and those that the curves tell, and what epochs there are."""
    model, *curves, epoch = parts(result, RETURNED)
    try:
        train_loss, validation_loss = (np.asarray(curve, dtype=float) for curve in curves)
        epoch = int(epoch)
    except (TypeError, ValueError):
        raise NotYet(f"✗ `{RETURNED}`: two lists of numbers and a whole number were expected.") from None
    if train_loss.ndim != 1 or train_loss.shape != validation_loss.shape or train_loss.size < 2:
        raise NotYet(
            "✗ the two curves should have one loss for each epoch; their shapes are "
            f"{train_loss.shape} and {validation_loss.shape}."
        )
    return {
        **{name: loss_of(model, part) for name, part in zip(("train", "validation"), given, strict=True)},
        "unseen": loss_of(model, days(250, 350)),
        "training": model.training,
        "last_train": train_loss[-1],
        "last_validation": validation_loss[-1],
        "lowest": validation_loss.min(),
        "best": int(validation_loss.argmin()),
        "last": len(train_loss) - 1,
        "epoch": epoch,
    }


def _near(first: float, second: float, room: float) -> bool:
    return abs(first - second) <= room * abs(second)


def _are_the_models(facts: dict) -> bool:
    near = _near(facts["last_validation"], facts["validation"], 0.02)
    return near and _near(facts["last_train"], facts["train"], 0.5)


overfit_on_purpose = TrainingChecker(
    name="overfit_on_purpose",
    solution=_train,
    cases=(Case("64 days of weather", ()),),
    setup=handout,
    measure=_measure,
    seconds=60.0,
    demands=(
        Demand(
            "the validation days played no part in training",
            lambda facts: facts["validation"] > 0.5 * facts["unseen"],
            "",
        ),
        Demand(
            "it overfits: training loss {train:.3f}, validation loss {validation:.3f}",
            lambda facts: facts["train"] < 0.5 * facts["validation"],
            "",
        ),
        Demand(
            "the curves end with the model's own losses",
            _are_the_models,
            "The curves end at {last_train:.3f} and {last_validation:.3f}; the model that came back has "
            "{train:.3f} on training and {validation:.3f} on validation data. Measure both at the end of "
            "each epoch, in evaluation mode, and return the model of the last one.",
        ),
        Demand(
            "the validation loss is past its best, {lowest:.3f}",
            lambda facts: facts["last_validation"] > 1.01 * facts["lowest"],
            "The validation loss is still at its lowest, or nearly so. Train on until it rises: more epochs.",
        ),
        Demand(
            "epoch {epoch} has the lowest validation loss",
            lambda facts: facts["epoch"] == facts["best"],
            "Epoch {epoch} was returned; your validation curve is lowest at epoch {best}, counted from 0.",
        ),
        IN_EVALUATION_MODE,
    ),
    misconceptions=(
        TrainingFault(
            "trained on the validation part",
            {"extra": True},
            "The validation loss is {validation:.2f}, that on days which nobody has seen {unseen:.2f}: "
            "the model has LEARNED the validation days. Then their loss no longer warns of anything.",
            shows=lambda facts: facts["validation"] < 0.5 * facts["unseen"],
        ),
        TrainingFault(
            "cured",
            {"restore": True},
            "The model holds the weights of its best epoch: that is the cure, and here the disease is "
            "wanted. Return the model of the LAST epoch, without restore_best_weights.",
            shows=lambda facts: (
                _near(facts["validation"], facts["lowest"], 0.01)
                and facts["last_validation"] > 1.02 * facts["lowest"]
            ),
        ),
        TrainingFault(
            "not yet overfitted",
            {"epochs": 3},
            "The training loss is not far below the validation loss yet: {train:.2f} and "
            "{validation:.2f}. More epochs, more units or a higher learning rate, and nothing that "
            "regularizes.",
            shows=lambda facts: facts["train"] >= 0.5 * facts["validation"],
        ),
        TrainingFault(
            "curves exchanged",
            {"swap": True},
            "The two curves are exchanged: the first one ends with the model's validation loss.",
            shows=lambda facts: (
                _near(facts["last_train"], facts["validation"], 0.02)
                and _near(facts["last_validation"], facts["train"], 0.5)
            ),
        ),
        TrainingFault(
            "counted from 1",
            {"epoch": "from 1"},
            "One too many: epochs are counted from 0 in this course, as the entries of the curves are.",
            shows=lambda facts: facts["epoch"] == facts["best"] + 1,
        ),
        TrainingFault(
            "last epoch",
            {"epoch": "last"},
            "That is the last epoch, which the training loss likes best. Overfitting began long before: "
            "after the epoch with the lowest VALIDATION loss.",
            shows=lambda facts: facts["epoch"] == facts["last"] != facts["best"],
        ),
        left_in_training_mode({"mode": True}),
    ),
    praise="A model can always be made to overfit; whether it does only data that it has not seen can tell.",
)
