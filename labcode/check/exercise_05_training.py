"""Checker of exercise 5, a training run: Keras's fit as a loop in PyTorch, watched at each of its steps."""

import numpy as np

from labcode.check.core import Case, NotYet
from labcode.check.exercise_05_steps import DEVIATIONS, FIRST, explained
from labcode.check.training_task import (
    IN_EVALUATION_MODE,
    Demand,
    TrainingChecker,
    TrainingFault,
    days,
    left_in_training_mode,
    loss_of,
)

L2, CLIP, PATIENCE, BATCH, MOST = 0.01, 0.3, 3, 16, 100


def _watched(model, batches, validation):
    """Return an Adam that notes gradients of the first steps, and loss and weights after each epoch."""
    import torch

    class WatchedAdam(torch.optim.Adam):
        steps: list
        trace: list
        states: list
        count: int

        def step(self, closure=None):
            grads = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
            if len(self.steps) < FIRST:
                self.steps.append((_state(model), grads))
            super().step(closure)
            self.count += 1
            if self.count % len(batches) == 0:
                self.trace.append(loss_of(model, validation))
                self.states.append(_state(model))
            if self.count > MOST * len(batches):
                raise NotYet(f"✗ {MOST} epochs were trained: what ends this loop?")

    adam = WatchedAdam(model.parameters(), lr=5e-3)
    adam.steps, adam.trace, adam.states, adam.count = [], [], [], 0
    return adam


def _state(model) -> dict:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def handout():
    """Return what the learner gets: model, optimizer, three batches, validation data, the three settings."""
    import torch

    from labcode.lstm.sequence_model import SequenceModel
    from labcode.training import seeded

    with seeded(0):
        model = SequenceModel(6, 16, 1)
    train, validation = days(0, 48), days(100, 200)
    x, y = torch.from_numpy(train.x.copy()), torch.from_numpy(train.y.copy())
    batches = [(x[i : i + BATCH], y[i : i + BATCH]) for i in range(0, len(x), BATCH)]
    pair = torch.from_numpy(validation.x.copy()), torch.from_numpy(validation.y.copy())
    return model, _watched(model, batches, validation), batches, pair, L2, CLIP, PATIENCE


def _train(
    model, optimizer, batches, validation, l2, clip, patience, *, wrong=(), late=0, restore=True, mode=False
):
    """Train as Keras does; the switches change the gradient, the stop, or what is handed over."""
    import torch
    from torch.nn.functional import mse_loss

    from labcode.check.exercise_05_steps import gradient

    best, waited, kept = np.inf, 0, None
    before: dict = {}
    while waited < patience + late:
        for x, y in batches:
            before = gradient(model, x, y, before, l2, clip, wrong)
            for name, p in model.named_parameters():
                p.grad = before[name]
            optimizer.step()
        with torch.no_grad():
            loss = mse_loss(model(validation[0]), validation[1]).item()
        waited += 1
        if loss < best:
            best, waited, kept = loss, 0, _state(model)
    if restore:
        model.load_state_dict(kept)
    return model.train(mode)


def _measure(result, given) -> dict:
    """Return how the gradients deviate from Keras's, when training stopped, and which epoch came back."""
    model, optimizer, batches, _, l2, clip, patience = given
    if result is not model:
        raise NotYet("✗ return the model that you were given, trained in place: `return model`.")
    if not optimizer.trace:
        raise NotYet("✗ no epoch was seen: call optimizer.step() once for each batch, with this optimizer.")
    trace, state = np.array(optimizer.trace), _state(model)
    held = [epoch for epoch, kept in enumerate(optimizer.states) if _equal(kept, state)]
    deviations = explained(optimizer.steps, batches, l2, clip)
    best = int(trace.argmin())
    return {
        "deviations": [] if deviations is None else list(deviations),
        "explained": deviations is not None,
        "training": model.training,
        "ran": len(trace),
        "whole": optimizer.count % len(batches) == 0,
        "stop": _stop(trace, patience),
        "waited": len(trace) - 1 - best,
        "patience": patience,
        "best": best,
        "held": held[0] if held else None,
    }


def _stop(trace, patience) -> int | None:
    """Return after how many epochs patience has run out."""
    waits = [epoch - int(trace[: epoch + 1].argmin()) for epoch in range(len(trace))]
    return next((epoch + 1 for epoch, waited in enumerate(waits) if waited >= patience), None)


def _equal(first: dict, second: dict) -> bool:
    return all(first[name].equal(second[name]) for name in first)


def _deviates(name):
    return lambda facts: name in facts["deviations"]


train_as_keras = TrainingChecker(
    name="train_as_keras",
    solution=_train,
    cases=(Case("48 days of weather", ()),),
    setup=handout,
    measure=_measure,
    may_change=True,
    seconds=60.0,
    demands=(
        Demand(
            "each step follows the gradient of loss and penalty, clipped as a whole",
            lambda facts: facts["explained"] and not facts["deviations"],
            "The gradients of the first steps are not those of the mean squared error of a batch plus l2 "
            "times the sum of squares of W and U, shortened together to the norm `clip`. Compute them for "
            "one batch on paper, term by term.",
        ),
        Demand(
            "training stops when {patience} epochs in a row have brought no new best: {ran} epochs ran",
            lambda facts: facts["ran"] == facts["stop"] and facts["whole"],
            "The best epoch was {best} (from 0), {ran} epochs ran. Stop as soon as {patience} epochs in a "
            "row brought no new best, after a whole epoch. Is the validation loss that of the whole "
            "validation data?",
        ),
        Demand(
            "the model holds the weights of the best epoch, {best}",
            lambda facts: facts["held"] == facts["best"],
            "The weights that came back are those of epoch {held}; the best was {best}.",
        ),
        IN_EVALUATION_MODE,
    ),
    misconceptions=(
        *(
            TrainingFault(name, {"wrong": (name,)}, message, shows=_deviates(name))
            for name, (_, message) in DEVIATIONS.items()
        ),
        TrainingFault(
            "too patient",
            {"late": 1},
            "Training ran on for {waited} epochs after the best one; patience is {patience}. It stops as "
            "soon as the count REACHES the patience.",
            shows=lambda facts: facts["stop"] is not None and facts["ran"] > facts["stop"],
        ),
        TrainingFault(
            "too impatient",
            {"late": -1},
            "Training stopped after {waited} epochs without a new best; patience is {patience}. A new "
            "best sets the count to 0, and the next epoch without one counts 1.",
            shows=lambda facts: facts["stop"] is None and facts["waited"] == facts["patience"] - 1,
        ),
        TrainingFault(
            "best weights not restored",
            {"restore": False},
            "The model holds the weights of its LAST epoch. Load the best ones before you return it; and "
            "if you do: were they copied? state_dict() refers to the weights that the optimizer changes, "
            "copy.deepcopy(...) does not.",
            shows=lambda facts: facts["held"] == facts["ran"] - 1 != facts["best"],
        ),
        left_in_training_mode({"mode": True}),
    ),
    praise="That is what `fit` does with L2, global_clipnorm and EarlyStopping; nothing of it is hidden now.",
)
