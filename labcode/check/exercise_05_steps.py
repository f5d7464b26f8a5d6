"""What a step of exercise 5's training follows: the gradient as Keras has it, and with typical mistakes."""

from itertools import combinations
from typing import Any

FIRST = 4  # steps that are looked at; the fourth begins the second epoch

DEVIATIONS: dict[str, tuple[dict[str, Any], str]] = {  # what is changed, and what to say of it
    "no penalty": (
        {"factor": 0},
        "The gradient of the penalty is missing: the steps follow the loss of the data alone.",
    ),
    "factor one half": (
        {"factor": 1},
        "The penalty is half as strong as Keras's: L2(l2) there is l2 * sum w^2, without 1/2, and its "
        "gradient 2 * l2 * w.",
    ),
    "biases penalized": (
        {"where": ("weight_ih", "weight_hh", "bias_ih", "bias_hh")},
        "The biases pay the penalty, too. Keras's kernel_regularizer and recurrent_regularizer leave them "
        "alone: take the names that start with `weight`.",
    ),
    "head penalized": (
        {"where": ("weight_ih", "weight_hh", "head.weight")},
        "The head's weights pay the penalty, too. The two regularizers belong to the LSTM: take the names of "
        "`model.lstm` only.",
    ),
    "all penalized": (
        {"where": ("",)},
        "All parameters pay the penalty, the biases and the head as well; W and U of the LSTM should.",
    ),
    "U not penalized": (
        {"where": ("weight_ih",)},
        "Only W pays the penalty. The recurrent weights `weight_hh` should, too.",
    ),
    "W not penalized": (
        {"where": ("weight_hh",)},
        "Only U pays the penalty. The input weights `weight_ih` should, too.",
    ),
    "not clipped": (
        {"clip": "none"},
        "The gradient is not clipped. Call clip_grad_norm_(model.parameters(), clip) between backward() "
        "and step().",
    ),
    "each clipped alone": (
        {"clip": "each"},
        "Each array's gradient is clipped on its own: that is Keras's `clipnorm`. `global_clipnorm` takes "
        "one norm over all of them.",
    ),
    "values clipped": (
        {"clip": "value"},
        "Single values were clipped (Keras's `clipvalue`). Here the length of the whole gradient is limited.",
    ),
    "LSTM clipped alone": (
        {"clip": "lstm"},
        "Only the LSTM's gradient was clipped; the head's belongs to the whole, too: model.parameters().",
    ),
    "not set to zero": (
        {"zero": False},
        "The gradients of earlier batches are still in the sum: PyTorch adds them up. Call "
        "optimizer.zero_grad() before each backward().",
    ),
}


def gradient(model, x, y, before: dict, l2: float, clip: float, wrong=()) -> dict:
    """Return the gradient that a step follows, by name.

    Args:
        model: with the weights of the moment.
        x, y: a batch.
        before: the gradient of the step before, empty for the first.
        l2, clip: the settings.
        wrong: names of deviations.
    """
    import torch
    from torch.nn.functional import mse_loss

    names, parameters = zip(*model.named_parameters(), strict=True)
    grads = torch.autograd.grad(mse_loss(model(x), y), parameters)
    data = dict(zip(names, grads, strict=True))
    return _changed(data, dict(zip(names, parameters, strict=True)), before, l2, clip, wrong)


def _changed(data, weights, before, l2, clip, wrong) -> dict:
    how: dict[str, Any] = {"factor": 2, "where": ("weight_ih", "weight_hh"), "clip": "all", "zero": True}
    for name in wrong:
        how |= DEVIATIONS[name][0]
    grads = {}
    for name, grad in data.items():
        pays = name.removeprefix("lstm.").startswith(how["where"])
        grads[name] = grad + (how["factor"] * l2 * weights[name].detach() if pays else 0)
        if not how["zero"] and name in before:
            grads[name] = grads[name] + before[name]
    return _clipped(grads, clip, how["clip"])


def _clipped(grads: dict, clip: float, how: str) -> dict:
    if how == "value":
        return {name: grad.clamp(-clip, clip) for name, grad in grads.items()}
    chosen = {name: grad for name, grad in grads.items() if how != "lstm" or name.startswith("lstm")}
    norm = sum(grad.square().sum() for grad in chosen.values()).sqrt()
    short = {"none": lambda grad: 1.0, "each": lambda grad: min(1.0, clip / grad.norm().item())}
    factor = short.get(how, lambda grad: min(1.0, clip / norm.item()))
    return {name: grad * factor(grad) if name in chosen else grad for name, grad in grads.items()}


def explained(steps: list, batches: list, l2: float, clip: float) -> tuple | None:
    """Return the deviations, none, one or two, that give the gradients of the first steps; None if none do.

    Args:
        steps: pairs of weights and gradients by name; batches may come in any order.
        batches: pairs (x, y).
        l2, clip: the settings.
    """
    from labcode.lstm.sequence_model import SequenceModel

    units = steps[0][0]["lstm.weight_hh_l0"].shape[1]
    model, found = SequenceModel(batches[0][0].shape[2], units, 1), []
    for state, got in steps:
        model.load_state_dict(state)
        found.append(
            (state, got, [gradient(model, x, y, {}, 0.0, 0.0, ("not clipped",)) for x, y in batches])
        )
    tries = [(), *combinations(DEVIATIONS, 1), *combinations(DEVIATIONS, 2)]
    return next((wrong for wrong in tries if _fits(found, l2, clip, wrong)), None)


def _fits(found, l2, clip, wrong) -> bool:
    before: dict = {}
    for state, got, choices in found:
        made = (_changed(data, state, before, l2, clip, wrong) for data in choices)
        if not any(_near(got, wanted) for wanted in made):
            return False
        before = got
    return True


def _near(got: dict, wanted: dict) -> bool:
    """Tell whether two gradients agree, to 1/1000 of the largest entry of each array."""
    return all(
        name in got and (got[name] - grad).abs().max() <= 1e-3 * grad.abs().max() + 1e-7
        for name, grad in wanted.items()
    )
