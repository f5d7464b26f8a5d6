"""Checkers of exercise 2: where the methods take hold of a model, and where a mask goes in an LSTM."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from labcode.check import random_cases
from labcode.check.core import Case, Checker, Misconception, NotYet
from labcode.check.core.values import plain
from labcode.check.random_cases import drawn

_TOUCHES = {
    "L1": "loss",
    "max-norm": "weights",
    "output dropout": "activations",
    "recurrent dropout": "state",
    "early stopping": "time",
    "activation penalty": "loss",
    "zoneout": "state",
    "L2": "loss",
    "input dropout": "activations",
}
_WHY = {
    "L1": "it is a price that is added to the loss; the gradient carries it to the weights.",
    "L2": "it is a price that is added to the loss; the gradient carries it to the weights.",
    "activation penalty": "it looks at what the LSTM puts out, but it changes the sum that is minimized.",
    "input dropout": "it zeroes some of what the LSTM reads and leaves the way from step to step alone.",
    "output dropout": "it zeroes some of what the head reads, after the last step.",
    "recurrent dropout": "its mask stands inside the recurrence, on the way from one step to the next.",
    "zoneout": "some units keep their previous h or c instead of the new one.",
    "max-norm": "it shortens rows that are too long, after the optimizer's step and without a gradient.",
    "early stopping": "it counts epochs without a new best and ends the training.",
}
_NOT = {
    "loss": "It adds no term to the loss: the same predictions cost the same as without it.",
    "activations": "It puts no mask on what goes into the LSTM or comes out of it.",
    "state": "With an input of zeros the state takes exactly the steps that it takes without the method.",
    "weights": "With a step size of 0 every weight stays where it is.",
    "time": "As many epochs are run as without it.",
}


def _touched(method, *, wrong=None):
    """The one place where a method takes hold."""
    return (_TOUCHES | (wrong or {}))[method]


@dataclass(frozen=True)
class SortingChecker(Checker):
    """A checker of single answers, each with its own mistakes: it names one for every wrong answer."""

    def diagnose(self, results: list) -> tuple[Misconception, ...]:
        """Return the misconceptions of all cases that are wrong, however many there are."""
        given = {case.args[0]: got for case, got in zip(self.cases, results, strict=True)}
        return tuple(
            mistake
            for mistake in self.misconceptions
            if all(str(given[method]) == place for method, place in mistake.switches["wrong"].items())
        )


@dataclass(frozen=True)
class PairChecker(Checker):
    """A checker of functions that return two things: it says so where one of them is missing."""

    def _run(self, fn, case: Case) -> object:
        """Call the learner's function on a copy of the case; a result that is no pair gets a message."""
        result: Any = super()._run(fn, case)
        if not (isinstance(plain(result), tuple | list | np.ndarray) and len(result) == 2):
            raise NotYet(
                f"✗ {self.name} returned one value of type {type(result).__name__}, expected a pair of two. "
                "Does it end with `return first, second`?"
            )
        return result


touches = SortingChecker(
    name="touches",
    solution=_touched,
    cases=tuple(Case(method, (method,)) for method in _TOUCHES),
    misconceptions=tuple(
        Misconception(
            f"{method} sorted under {wrong}",
            {"wrong": {method: wrong}},
            f"{method} under {wrong!r}: {_WHY[method]} {_NOT[wrong]}",
        )
        for method, right in _TOUCHES.items()
        for wrong in _NOT
        if wrong != right
    ),
    praise="The place tells when a method acts: masks in training only, early stopping between epochs.",
)


def _layers(
    num_layers, dropout, training, *, last=False, single=False, always=False, shift=0, first_only=False
):
    """The layers of nn.LSTM, from 0, whose output its argument `dropout` masks."""
    if dropout == 0 or not (training or always):
        return []
    if num_layers == 1 and single:
        return [0]
    masked = list(range(num_layers if last else num_layers - 1))
    return [layer + shift for layer in (masked[:1] if first_only else masked)]


dropped_layers = Checker(
    name="dropped_layers",
    solution=_layers,
    cases=(
        Case("two layers", (2, 0.5, True)),
        Case("one layer", (1, 0.5, True)),
        Case("four layers", (4, 0.2, True)),
        Case("four layers in evaluation", (4, 0.2, False)),
        Case("a rate of 0", (3, 0.0, True)),
        *drawn(random_cases.dropped_layers, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "after the last layer",
            {"last": True},
            "The last layer is in the list. `nn.LSTM(dropout=)` drops what one layer hands to the next; "
            "what leaves the last layer is never dropped. For that, put an `nn.Dropout` behind it.",
        ),
        Misconception(
            "one layer drops",
            {"single": True},
            "One layer has no next layer to hand anything to: `nn.LSTM(num_layers=1, dropout=0.5)` drops "
            "nothing at all, and PyTorch warns of it.",
        ),
        Misconception(
            "dropout in evaluation",
            {"always": True},
            "Dropout was left on in evaluation. There `nn.LSTM` drops nothing, whatever its rate.",
        ),
        Misconception(
            "the layers that read",
            {"shift": 1},
            "Every number is one too large: these are the layers that READ a masked input (or they were "
            "counted from 1). Asked are the layers whose OUTPUT is masked, counted from 0.",
        ),
        Misconception(
            "first layer only",
            {"first_only": True},
            "Only the first layer is there. With more than two layers there are several seams, and each of "
            "them has a mask.",
        ),
    ),
    praise="With one layer the list is empty: an option that is set and does nothing.",
    draw=random_cases.dropped_layers,
)


def _step(x, h, c, W, U, b, mask, *, where="h", order="ifgo", squashed=True):
    """One LSTM step whose gates read mask * h."""

    def at(place):
        return mask if place == where else 1.0

    z = (at("x") * x) @ W.T + (at("h") * h) @ U.T + b
    z = dict(zip(order, np.split(z, 4, axis=1), strict=True))
    i, f, o = (1 / (1 + np.exp(-z[gate])) for gate in "ifo")
    new_c = at("new c") * (f * (at("c") * c) + i * (at("g") * np.tanh(z["g"])))
    return at("new h") * o * (np.tanh(new_c) if squashed else new_c), new_c


def _arguments(mask, seed):
    """Two sequences with two units and two features, drawn once; the mask as given."""
    rng = np.random.default_rng(seed)
    sizes = ((2, 2), (2, 2), (2, 2), (8, 2), (8, 2), (8,))
    return (*(rng.normal(size=size).round(1) for size in sizes), np.array(mask))


def _misplaced(name, where, message):
    return Misconception(name, {"where": where}, message)


masked_step = PairChecker(
    name="masked_step",
    solution=_step,
    cases=(
        Case("a mask of ones", _arguments([[1.0, 1.0], [1.0, 1.0]], 0)),
        Case("the first unit dropped", _arguments([[0.0, 2.0], [0.0, 2.0]], 0)),
        Case("a mask for each sequence", _arguments([[1.25, 0.0], [0.0, 1.25]], 1)),
        *drawn(random_cases.masked_step, 0, 1, 2),
    ),
    misconceptions=(
        _misplaced(
            "mask on the new cell",
            "new c",
            "The mask is on the new cell c' (RnnDrop). Where it is 0 the memory is erased. Asked is the "
            "mask on h: the gates read `mask * h`, and the cell stays whole.",
        ),
        _misplaced(
            "mask on the old cell",
            "c",
            "The mask is on the cell before the step, so a dropped unit forgets all it had stored. Asked is "
            "the mask on h, in front of U.",
        ),
        _misplaced(
            "mask on the new h",
            "new h",
            "The mask is on what the step returns: that is dropout on the output. The gates of THIS step "
            "have read h without any mask; mask h before it meets U.",
        ),
        _misplaced(
            "mask on the candidate",
            "g",
            "The mask is on the candidate g (Semeniuta et al.): it drops what would be written. Asked is "
            "the mask on h, which all four parts i, f, g and o read.",
        ),
        _misplaced(
            "mask on the input",
            "x",
            "The mask is on x: that is input dropout, it acts through W. Recurrent dropout acts on h, "
            "through U.",
        ),
        _misplaced(
            "mask forgotten",
            "nowhere",
            "The mask plays no part: with and without it the same comes out. It belongs on h, in front of U.",
        ),
        Misconception(
            "gates in another order",
            {"order": "ifog"},
            "The last two parts are exchanged. Here, as in PyTorch and Keras, z holds i, f, g, o in this "
            "order, and g is the one with tanh.",
        ),
        Misconception(
            "no tanh on the cell",
            {"squashed": False},
            "h' is o times the cell itself. The cell can grow without bound; h' = o * tanh(c').",
        ),
    ),
    praise="Variational dropout: the gates read a state with holes, the state itself stays whole.",
    draw=random_cases.masked_step,
)
