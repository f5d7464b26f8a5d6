"""Whole units of an LSTM: the weights by which a unit is heard, shortening them together, cutting units out.

A unit speaks through its column of U, in all four gates at once, and through its column of the head. Where
all of that is zero nobody listens, and the unit can be removed without changing a prediction.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from labcode._checks import check_instance, expect
from labcode.lstm.sequence_model import SequenceModel
from labcode.penalties import group_soft_threshold_torch


def outgoing_weights(model: SequenceModel) -> Tensor:
    """Return what leaves each unit, U on top of the head: (4H + outputs, H), one column for each unit.

    Raises:
        ValueError: no ``SequenceModel`` with one layer and one direction. Chapter 4.
    """
    check_instance("model", model, SequenceModel, "a SequenceModel")
    plain = model.lstm.num_layers == 1 and not model.lstm.bidirectional
    expect(plain, "model", "one layer and one direction", model.lstm)
    return torch.cat([model.lstm.weight_hh_l0, model.head.weight])


@torch.no_grad()
def shorten_units_(model: SequenceModel, threshold: float) -> None:
    """Take the group lasso's proximal step for every unit, in place: those that are short go silent.

    Args:
        model: as in ``outgoing_weights``.
        threshold: step size times the strength of the penalty, the sum over units of the length of their
            column.

    Raises:
        ValueError: another model, a threshold below 0.

    Source: Wen et al. (2018), "Learning intrinsic sparse structures within long short-term memory", whose
        groups hold the incoming weights as well. Chapter 4.
    """
    new = group_soft_threshold_torch(outgoing_weights(model), threshold, "columns")
    recurrent, head = new.split([len(model.lstm.weight_hh_l0), len(model.head.weight)])
    model.lstm.weight_hh_l0.copy_(recurrent)
    model.head.weight.copy_(head)


def silent_units(model: SequenceModel) -> Tensor:
    """Return which units nobody listens to, (H,) of booleans: all that leaves them is exactly zero."""
    return (outgoing_weights(model) == 0).all(dim=0)


@torch.no_grad()
def without_units(model: SequenceModel, units: Sequence[int] | Tensor) -> SequenceModel:
    """Return a new, smaller model without some units: their rows in all four gates and their columns go.

    Args:
        model: as in ``outgoing_weights``; it stays as it is. The new one has no dropout.
        units: numbers of the units to remove; not all of them.

    Returns:
        The smaller model, in evaluation mode. It predicts the same if the units were silent.

    Raises:
        ValueError: another model, a unit that it does not have, or all of them.

    Chapter: 4.1.
    """
    outgoing_weights(model)
    hidden, gone = model.lstm.hidden_size, {int(unit) for unit in units}
    expect(gone < set(range(hidden)), "units", f"some of 0 to {hidden - 1}, not all", sorted(gone))
    kept = [unit for unit in range(hidden) if unit not in gone]
    rows = [gate * hidden + unit for gate in range(4) for unit in kept]
    sizes = (model.lstm.input_size, len(kept), model.head.out_features)
    small = SequenceModel(*sizes, bias=model.lstm.bias).to(model.head.weight)
    weights = {name: w[rows] for name, w in model.lstm.state_dict().items()}
    weights["weight_hh_l0"] = weights["weight_hh_l0"][:, kept]
    small.lstm.load_state_dict(weights)
    small.head.load_state_dict({"weight": model.head.weight[:, kept], "bias": model.head.bias})
    return small.eval()
