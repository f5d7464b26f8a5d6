"""Every regularizer that an experiment can try, by name: what one strength of it changes in a training.

A new method is one line in ``METHODS``. Its strength is of one kind:

- "strength": a factor (λ, α, β), above 0; larger regularizes more;
- "rate": a probability, in (0, 1); larger regularizes more;
- "limit": a bound, above 0; smaller regularizes more.

"dropout" silences what an LSTM reads and what it puts out, both at one rate; masks are locked, one for the
whole sequence, but where a name ends in "step": a new one at each step. "max_norm" bounds the norm of each
row of a matrix, "sum_norm" the sum of these norms. "embedding_dropout" needs a model of tokens. Penalties,
decay and limits act on the input and the recurrent weights of every LSTM of the model, never on its biases or
its head.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from labcode._checks import check_lstms, check_number, check_one_of, expect
from labcode.constraints import constrain_, max_l21_norm_torch, max_norm_torch
from labcode.optimizers import ProximalAdam
from labcode.penalties import (
    activation_penalty_torch,
    l1_penalty_torch,
    l2_penalty_torch,
    penalty_by_target,
    temporal_activation_penalty_torch,
)

TARGETS = ("input", "recurrent")


@dataclass(frozen=True)
class Effects:
    """What one or several methods change.

    Attributes:
        model: keyword arguments of the model.
        penalties: functions of the model's weights, added to the loss.
        activation_penalties: functions of what the LSTM puts out, (B, T, H), and of the padding mask, (B, T)
            or None, added to the loss.
        constraints: functions of the model, called after each step of the optimizer.
        optimizer: "weight_decay" (decoupled) or "lam_l1" (proximal), of the LSTM's weight matrices.
    """

    model: dict[str, object] = field(default_factory=dict)
    penalties: tuple[Callable[[nn.Module], Tensor], ...] = ()
    activation_penalties: tuple[Callable[[Tensor, Tensor | None], Tensor], ...] = ()
    constraints: tuple[Callable[[nn.Module], None], ...] = ()
    optimizer: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Method:
    """A regularizer with one strength.

    Attributes:
        kind: "strength", "rate" or "limit".
        effects: function of the strength that returns what it changes.
    """

    kind: str
    effects: Callable[[float], Effects]


def _model(*options: str, **fixed: object) -> Callable[[float], Effects]:
    """Return a method's effects: the rate becomes these options of the model, beside fixed ones."""
    return lambda rate: Effects(model=dict.fromkeys(options, rate) | fixed)


def _penalty(penalty: Callable) -> Callable[[float], Effects]:
    return lambda lam: Effects(penalties=(partial(_penalize, penalty, lam),))


def _activation(penalty: Callable) -> Callable[[float], Effects]:
    return lambda lam: Effects(activation_penalties=(lambda output, real: penalty(output, lam, real),))


def _limit(projection: Callable) -> Callable[[float], Effects]:
    def effects(limit: float) -> Effects:
        by_target = dict.fromkeys(TARGETS, partial(projection, limit=limit))
        return Effects(constraints=(lambda model: constrain_(model, by_target),))

    return effects


METHODS = {
    "l1": Method("strength", _penalty(l1_penalty_torch)),
    "l1_proximal": Method("strength", lambda lam: Effects(optimizer={"lam_l1": lam})),
    "l2": Method("strength", _penalty(l2_penalty_torch)),
    "weight_decay": Method("strength", lambda decay: Effects(optimizer={"weight_decay": decay})),
    "dropout": Method("rate", _model("input_dropout", "output_dropout")),
    "output_dropout": Method("rate", _model("output_dropout")),
    "input_dropout": Method("rate", _model("input_dropout")),
    "embedding_dropout": Method("rate", _model("embedding_dropout")),
    "recurrent_dropout_h": Method("rate", _model("recurrent_dropout", on="h")),
    "recurrent_dropout_g": Method("rate", _model("recurrent_dropout", on="g")),
    "recurrent_dropout_c": Method("rate", _model("recurrent_dropout", on="c")),
    "recurrent_dropout_step": Method("rate", _model("recurrent_dropout", on="h", per_step=True)),
    "recurrent_dropout_g_step": Method("rate", _model("recurrent_dropout", on="g", per_step=True)),
    "weight_drop": Method("rate", _model("weight_drop")),
    "zoneout": Method("rate", _model("zoneout_h", "zoneout_c")),
    "max_norm": Method("limit", _limit(max_norm_torch)),
    "sum_norm": Method("limit", _limit(max_l21_norm_torch)),
    "ar": Method("strength", _activation(activation_penalty_torch)),
    "tar": Method("strength", _activation(temporal_activation_penalty_torch)),
}


def check_strength(name: str, strength: float) -> float:
    """Return a method's strength as a float.

    Raises:
        ValueError: an unknown method, or a strength outside its range.
    """
    kind = METHODS[check_one_of("method", name, tuple(METHODS))].kind
    value = check_number(name, strength)
    fits = 0 < value < 1 if kind == "rate" else value > 0
    expect(fits, name, "a rate in (0, 1)" if kind == "rate" else f"a {kind} above 0", strength)
    return value


def scaled(name: str, strength: float, factor: float) -> float:
    """Make a strength ``factor`` times as strong, as combinations of methods need it.

    A limit is divided by the factor. Of a rate the share that is kept is raised to its power, so that it
    stays below 1, and half as strong twice is the whole.
    """
    kind = METHODS[name].kind
    if kind == "rate":
        return 1 - (1 - strength) ** factor
    return strength / factor if kind == "limit" else strength * factor


def combine(strengths: Mapping[str, float]) -> Effects:
    """Put the effects of several methods together, each at its strength; of none, no effect.

    Raises:
        ValueError: an unknown method, a strength outside its range, or two methods that set the same.
    """
    merged = Effects()
    for name, strength in strengths.items():
        one = METHODS[check_one_of("method", name, tuple(METHODS))].effects(check_strength(name, strength))
        for both in (merged.model.keys() & one.model.keys(), merged.optimizer.keys() & one.optimizer.keys()):
            expect(not both, "methods", "methods that set different things", f"two that set {sorted(both)}")
        merged = Effects(
            merged.model | one.model,
            merged.penalties + one.penalties,
            merged.activation_penalties + one.activation_penalties,
            merged.constraints + one.constraints,
            merged.optimizer | one.optimizer,
        )
    return merged


def training_options(effects: Effects, model: nn.Module, learning_rate: float) -> dict[str, Any]:
    """Return what ``labcode.training.fit`` is to be given for a model, its optimizer included."""
    options: dict[str, Any] = {"optimizer": _optimizer(effects.optimizer, model, learning_rate)}
    if effects.penalties:
        options["penalty"] = lambda m: sum(penalty(m) for penalty in effects.penalties)
    if effects.activation_penalties:
        added = effects.activation_penalties
        options["activation_penalty"] = lambda o, padding_mask: sum(one(o, padding_mask) for one in added)
    if effects.constraints:
        options["constraint"] = lambda m: [constraint(m) for constraint in effects.constraints]
    return options


def _optimizer(settings: Mapping[str, float], model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Return Adam, AdamW or proximal Adam; decay and threshold act on the LSTMs' matrices alone."""
    if not settings:
        return torch.optim.Adam(model.parameters(), lr=lr)
    named = [pair for lstm in check_lstms("model", model) for pair in lstm.named_parameters()]
    matrices = [weight for name, weight in named if name.startswith("weight_")]
    ids = {id(w) for w in matrices}
    others = [w for w in model.parameters() if id(w) not in ids]
    groups = [{"params": matrices, **settings}, {"params": others, **dict.fromkeys(settings, 0.0)}]
    if "lam_l1" in settings:
        return ProximalAdam(groups, lr, lam_l1=0.0, decoupled_weight_decay=True)
    return torch.optim.AdamW(groups, lr=lr, weight_decay=0.0)


def _penalize(penalty: Callable, lam: float, model: nn.Module) -> Tensor:
    strengths = dict.fromkeys(TARGETS, lam)
    parameters = (dict(lstm.named_parameters()) for lstm in check_lstms("model", model))
    total: Any = sum(penalty_by_target(penalty, named, strengths) for named in parameters)
    return total
