"""Checker of exercise 3, a training run: max-norm that holds after every step, not at the end alone."""

from labcode.check.core import Case, NotYet
from labcode.check.training_task import (
    IN_EVALUATION_MODE,
    Demand,
    TrainingChecker,
    TrainingFault,
    days,
    left_in_training_mode,
    loss_of,
)

LIMIT, EPOCHS, BATCH = 0.6, 25, 32
_ROOM = 1 + 1e-4  # for single precision


class Batches:
    """Batches of weather that note, whenever one is drawn, how long the model's rows of weights are.

    Args:
        model: whose rows are measured, a SequenceModel.
    """

    def __init__(self, model):
        self.model, self.noted = model, []

    def __iter__(self):
        import torch

        data = days(0, 64)
        x, y = torch.from_numpy(data.x.copy()), torch.from_numpy(data.y.copy())
        for _ in range(EPOCHS):
            for start in range(0, len(x), BATCH):
                yield x[start : start + BATCH], y[start : start + BATCH]
                pair = weights(self.model)
                self.noted.append([*(norms(w).max().item() for w in pair), float(pair[1].sum())])

    def __repr__(self) -> str:
        return "batches"


def weights(model) -> list:
    """Return W and U of a SequenceModel with one layer, detached."""
    return [model.lstm.weight_ih_l0.detach(), model.lstm.weight_hh_l0.detach()]


def norms(w, dim=1):
    """Return the lengths of a matrix's rows, or with dim 0 of its columns."""
    return w.square().sum(dim=dim).sqrt()


def handout():
    """Return what the learner gets: a new model with dropout before its head, batches, and the limit."""
    from labcode.lstm.sequence_model import SequenceModel
    from labcode.training import seeded

    with seeded(0):
        model = SequenceModel(6, 16, 1, output_dropout=0.2)
    return model, Batches(model), LIMIT


def _train(model, batches, limit, *, when="after", axis=1, only=(0, 1), stretch=False, lr=1e-2, mode=False):
    """Adam, and rows shortened to the limit after each of its steps; the switches move or spoil that."""
    import torch
    from torch.nn.functional import mse_loss

    def shorten():
        for number, w in enumerate(weights(model)):
            length = w.norm() if axis is None else w.norm(dim=axis, keepdim=True)
            if number in only:
                w *= limit / (length if stretch else length.clamp(min=limit))

    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    for x, y in batches:
        optimizer.zero_grad()
        mse_loss(model(x), y).backward()
        if when == "before":
            shorten()
        optimizer.step()
        if when == "after":
            shorten()
    if when == "end":
        shorten()
    return model.train(mode)


def _measure(result, given) -> dict:
    """Return how long rows were during training and are now, and what the model has learned."""
    model, batches, limit = given
    if result is not model:
        raise NotYet("✗ return the model that you were given, trained in place: `return model`.")
    if not batches.noted or (len({total for *_, total in batches.noted}) == 1 and _moved(model)):
        raise NotYet("✗ no step was seen: draw every batch with `for x, y in batches:`, one step for each.")
    fresh, pair = handout()[0], weights(model)
    facts = {"training": model.training, "limit": limit, "steps": len(batches.noted)}
    for place, (name, w) in enumerate(zip("WU", pair, strict=True)):
        facts[f"during_{name}"] = max(lengths[place] for lengths in batches.noted)
        facts[f"end_{name}"] = norms(w).max().item()
    facts["during"] = max(facts["during_W"], facts["during_U"])
    facts["end"] = max(facts["end_W"], facts["end_U"])
    facts["shortest"] = min(norms(w).min().item() for w in pair)
    facts["columns"] = norms(pair[1], 0).max().item()
    facts["whole"] = pair[1].norm().item()
    facts["before"], facts["after"] = (loss_of(one, days(0, 64)) for one in (fresh, model))
    facts["at_limit"] = int((norms(pair[1]) > limit / 1.01).sum())
    return facts


def _moved(model) -> bool:
    """Tell whether training has changed U at all."""
    return not weights(model)[1].equal(weights(handout()[0])[1])


def _kept(facts, name):
    return facts[f"during_{name}"] <= facts["limit"] * _ROOM


train_with_max_norm = TrainingChecker(
    name="train_with_max_norm",
    solution=_train,
    cases=(Case("64 days of weather", ()),),
    setup=handout,
    measure=_measure,
    may_change=True,
    seconds=60.0,
    demands=(
        Demand(
            "no row is longer than {limit} at any step: the longest of W {during_W:.3f}, of U {during_U:.3f}",
            lambda facts: facts["during"] <= facts["limit"] * _ROOM,
            "A row got as long as {during:.3f}; the limit is {limit}.",
        ),
        Demand(
            "nor is one at the end: {end:.3f}",
            lambda facts: facts["end"] <= facts["limit"] * _ROOM,
            "The last step is followed by no constraint.",
        ),
        Demand(
            "rows are shortened, not stretched, and not shorter than they must be",
            lambda facts: facts["at_limit"] > 0 and facts["shortest"] < 0.99 * facts["limit"],
            "No row of U has the length {limit}, although training makes rows longer than that; the "
            "longest has {end_U:.3f}. A row that is too long should get just the limit.",
        ),
        Demand(
            "it has learned: training loss {before:.3f} before, {after:.3f} after",
            lambda facts: facts["after"] < 0.75 * facts["before"],
            "The training loss has hardly fallen. Are the gradients set to zero before each backward "
            "pass, and is there one step for each batch? {steps} batches were drawn.",
        ),
        IN_EVALUATION_MODE,
    ),
    misconceptions=(
        TrainingFault(
            "nothing was learned",
            {"lr": 0.0},
            "The training loss has not moved: {before:.3f} before, {after:.3f} after. Does "
            "optimizer.step() run for each batch, on the parameters of this model?",
            shows=lambda facts: facts["after"] > 0.999 * facts["before"],
        ),
        TrainingFault(
            "every row set to the limit",
            {"stretch": True},
            "Every row has the length {limit}: short rows were stretched. That is a unit-norm constraint; "
            "max-norm leaves a row alone that is short enough.",
            shows=lambda facts: facts["shortest"] > 0.99 * facts["limit"],
        ),
        TrainingFault(
            "the whole matrix",
            {"axis": None},
            "The whole matrix was shortened to {limit} as if it were one row. The limit is for each row "
            "on its own: `w.norm(dim=1, keepdim=True)`.",
            shows=lambda facts: facts["whole"] <= facts["limit"] * _ROOM,
        ),
        TrainingFault(
            "columns",
            {"axis": 0},
            "The COLUMNS of U have a length of at most {limit}. What comes into one gate of one unit is a "
            "row: dim=1.",
            shows=lambda facts: facts["columns"] <= facts["limit"] * _ROOM,
        ),
        TrainingFault(
            "only at the end",
            {"when": "end"},
            "At the end the constraint holds; in between a row was {during:.3f} long. Then all steps but "
            "the last were free. Shorten after EVERY step, inside the loop.",
            shows=lambda facts: facts["end"] <= facts["limit"] * _ROOM < facts["during"],
        ),
        TrainingFault(
            "before the step",
            {"when": "before"},
            "The rows are a little too long, by one step: they were shortened and then optimizer.step() "
            "made them longer. First the step, then the constraint.",
            shows=lambda facts: facts["limit"] * _ROOM < facts["during"] < 1.15 * facts["limit"],
        ),
        TrainingFault(
            "U forgotten",
            {"only": (0,)},
            "W keeps to the limit, U does not: its longest row has {during_U:.3f}. Constrain "
            "weight_hh_l0, too.",
            shows=lambda facts: _kept(facts, "W") and not _kept(facts, "U"),
        ),
        TrainingFault(
            "W forgotten",
            {"only": (1,)},
            "U keeps to the limit, W does not: its longest row has {during_W:.3f}. Constrain "
            "weight_ih_l0, too.",
            shows=lambda facts: _kept(facts, "U") and not _kept(facts, "W"),
        ),
        TrainingFault(
            "never constrained",
            {"when": "never"},
            "Rows grow far beyond the limit, to {during:.3f}. Is what you compute written back into the "
            "weights? `w = ...` only gives the name to another tensor; `w.copy_(...)` or `w *= ...`, "
            "inside torch.no_grad(), changes it.",
            shows=lambda facts: facts["end"] > facts["limit"] * _ROOM,
        ),
        left_in_training_mode({"mode": True}),
    ),
    praise="A constraint is kept because it is restored after every step: no step can wander off.",
)
