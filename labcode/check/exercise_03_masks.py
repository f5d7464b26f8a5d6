"""Checkers of exercise 3 on dropout: a locked mask, and an LSTM with recurrent dropout."""

import numpy as np

from labcode.check import random_cases
from labcode.check.core import Case, Checker, Misconception
from labcode.check.random_cases import drawn
from labcode.check.sampler import SamplerChecker, independent
from labcode.check.side_effects import Seed


def _locked_mask(
    rng,
    batch,
    steps,
    units,
    p,
    *,
    scaled=True,
    keeps=False,
    over=(True, False, True),
    generator="given",
    exact=False,
    pairs=False,
):
    """An inverted dropout mask, (B, T, H), drawn along the axes in ``over`` and shared along the others."""
    sizes = tuple(n if anew else 1 for n, anew in zip((batch, steps, units), over, strict=True))
    if generator != "given":
        rng = np.random.default_rng(5) if generator == "own" else np.random
    drawn = rng.random(sizes)
    if exact and over[2]:
        drawn = (drawn.argsort(axis=2).argsort(axis=2) + 0.5) / units
    kept = drawn >= (1 - p if keeps else p)
    kept = kept[np.arange(sizes[0]) // 2] if pairs else kept
    with np.errstate(invalid="ignore"):  # p = 0 read as "keep nothing" is 0 / 0
        mask = kept / ((p if keeps else 1 - p) if scaled else 1.0)
    return np.broadcast_to(mask, (batch, steps, units)).copy()


def _describe_mask(result, arguments):
    """Say of a mask what does not depend on the numbers drawn."""
    mask = _numbers(result)
    if mask is None:
        return f"a value of type {type(result).__name__}, no array of numbers"
    p, said = arguments[-1], {"shape": mask.shape}
    if mask.ndim != 3 or mask.size == 0:
        return said
    for axis, name in enumerate(("sequence", "step", "unit")):
        said[f"the same for every {name}"] = bool((mask == mask.take([0], axis)).all())
    said["values"] = np.unique(mask.round(6))[:4]
    if np.ptp(mask) == 0:
        return said
    first = mask[:, 0] != 0
    said["two sequences share a mask"] = len(np.unique(first, axis=0)) < len(first)
    said["sequences drop different numbers of units"] = bool(np.ptp(first.sum(axis=1)) > 0)
    said["sequences drawn one by one"] = independent(first.T)
    said["units drawn one by one"] = independent(first)
    draws = (1 if said["the same for every sequence"] else first.shape[0]) * (
        1 if said["the same for every unit"] else first.shape[1]
    )
    share, far = 1 - first.mean(), 6 * np.sqrt(p * (1 - p) / draws)
    near = [name for name, rate in {"p": p, "1 - p": 1 - p}.items() if abs(share - rate) <= far]
    said["share dropped"] = f"about {near[0]}" if near else f"{share:.2f}"
    return said


def _numbers(result):
    """Return a result as an array of numbers; None for what is none, such as text."""
    try:
        mask = np.asarray(result.detach() if hasattr(result, "detach") else result)
    except (TypeError, ValueError, RuntimeError):
        return None
    return mask.astype(float) if mask.dtype.kind in "biuf" else None


locked_mask = SamplerChecker(
    name="locked_mask",
    solution=_locked_mask,
    numbers=lambda result, given: _numbers(result),
    arrange=lambda seed, *rest: (np.random.default_rng(seed), *rest),
    summarize=_describe_mask,
    cases=(
        Case("a batch of sequences, p = 0.2", (Seed(1), 60, 5, 80, 0.2)),
        Case("more is dropped than kept, p = 0.7", (Seed(2), 60, 4, 80, 0.7)),
        Case("nothing is dropped, p = 0", (Seed(3), 2, 3, 4, 0.0)),
    ),
    misconceptions=(
        Misconception(
            "not scaled",
            {"scaled": False},
            "The factor 1/(1-p) is missing: kept entries are 1. Then less arrives in training than in "
            "evaluation, where nothing is dropped. An inverted mask makes up for it at once; its mean is 1.",
        ),
        Misconception(
            "p taken as the probability to keep",
            {"keeps": True},
            "The share p is KEPT. Here, in PyTorch and in Keras p is the probability to DROP (Srivastava et "
            "al. and TensorFlow 1 counted the other way).",
        ),
        Misconception(
            "a new mask at each step",
            {"over": (True, True, True)},
            "Each step has a mask of its own. That is ordinary dropout; a LOCKED mask is drawn once for a "
            "sequence and repeated at all of its steps.",
        ),
        Misconception(
            "one mask for the whole batch",
            {"over": (False, False, True)},
            "All sequences share one mask. Draw one for each: otherwise a batch sees a single thinned "
            "network, and its gradient is noisier. (It is faster, though: the chapter shows when.)",
        ),
        Misconception(
            "one draw for all units of a sequence",
            {"over": (True, False, False)},
            "Each sequence is dropped or kept whole: all its units share one draw. Draw for every unit.",
        ),
        Misconception(
            "locked along the wrong axis",
            {"over": (True, True, False)},
            "The mask changes from step to step and is the same for all units: the axes are exchanged. It "
            "should differ between units and repeat over the steps: (B, 1, H), repeated along axis 1.",
        ),
        Misconception(
            "two sequences, one mask",
            {"pairs": True},
            "Some sequences share their mask with another one. Each sequence has a draw of its own: the "
            "first axis of what you draw has `batch` entries.",
        ),
        Misconception(
            "exactly the share p of each sequence",
            {"exact": True},
            "Every sequence drops the same NUMBER of units. Each unit is dropped with probability p by "
            "itself, so the number differs from sequence to sequence; only its average is p times the units.",
        ),
        Misconception(
            "a generator of its own",
            {"generator": "own"},
            "`rng` plays no part: every call gives the same mask, whatever the seed. "
            "Draw from `rng`, so that whoever calls decides on the seed.",
        ),
        Misconception(
            "the global generator",
            {"generator": "global"},
            "You draw from a global generator (np.random, or torch's), which all programs share: the same "
            "seed gives another mask at the next call, and whatever else draws from it gets other numbers. "
            "Draw from `rng`.",
        ),
    ),
    praise="One thinned network for each sequence, and the same one at all of its steps.",
    draw=random_cases.locked_mask,
    draws=1,
)


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def _recurrent_dropout(x, weights, mask, *, on="h", order="ifgo", bias_hh=True):
    """The outputs of an LSTM from a zero state, the mask on what the gates read of h."""
    w, u = weights["weight_ih_l0"], weights["weight_hh_l0"]
    b = weights["bias_ih_l0"] + (weights["bias_hh_l0"] if bias_hh else 0.0)
    h = c = np.zeros((len(x), u.shape[1]))
    outputs = []
    for t in range(x.shape[1]):
        z = x[:, t] @ w.T + (mask * h if on == "h" else h) @ u.T + b
        parts = dict(zip(order, np.split(z, 4, axis=1), strict=True))
        i, f, o = (_sigmoid(parts[gate]) for gate in "ifo")
        g = np.tanh(parts["g"]) * (mask if on == "g" else 1.0)
        old = mask * c if on == "old c" else c
        c = (f * old + i * g) * (mask if on == "c" else 1.0)
        h = o * np.tanh(c) * (mask if on == "output" else 1.0)
        outputs.append(h)
    return np.stack(outputs, axis=1)


def _lstm_case(steps, batch=2, features=1, hidden=2):
    """Inputs and weights that a formula gives, so that nothing depends on a generator's version."""
    rows = 4 * hidden

    def waves(*sizes, speed):
        return np.sin(speed * np.arange(1.0, 1 + np.prod(sizes))).reshape(sizes)

    weights = {
        "weight_ih_l0": waves(rows, features, speed=1.3),
        "weight_hh_l0": waves(rows, hidden, speed=2.1),
        "bias_ih_l0": 0.5 * waves(rows, speed=0.7),
        "bias_hh_l0": 0.5 * waves(rows, speed=1.9),
    }
    return waves(batch, steps, features, speed=0.9), weights


_MASK = np.array([[2.0, 0.0], [2.0, 2.0]])

lstm_with_recurrent_dropout = Checker(
    name="lstm_with_recurrent_dropout",
    solution=_recurrent_dropout,
    cases=(
        Case("one step: h is still zero, so no mask can show", (*_lstm_case(1), _MASK)),
        Case("four steps, a mask of ones: the plain LSTM", (*_lstm_case(4), np.ones((2, 2)))),
        Case("four steps, one unit of one sequence dropped", (*_lstm_case(4), _MASK)),
        *drawn(random_cases.lstm_with_recurrent_dropout, 0, 1, 2),
    ),
    misconceptions=(
        Misconception(
            "mask on c",
            {"on": "c"},
            "The mask is on the cell c, where Moon et al. put it: there it erases what a dropped cell "
            "remembers, and a kept one grows by 1/(1-p) at every step. Here it belongs on h, where the gates "
            "read it.",
        ),
        Misconception(
            "mask on the old c",
            {"on": "old c"},
            "The mask is on the cell before the step: a dropped unit forgets all it had stored, and a kept "
            "one grows. Only the gates should see the mask, on the way from h to U; c stays whole.",
        ),
        Misconception(
            "mask on the output",
            {"on": "output"},
            "The mask is on the new h_t, which is also the output: the layer above then sees zeros. Mask the "
            "OLD h, only where the four gates read it: U (m * h).",
        ),
        Misconception(
            "mask on the candidate",
            {"on": "g"},
            "The mask is on the candidate g: that is the form of Semeniuta et al., which drops what is "
            "written. Gal and Ghahramani's, asked here, is on h.",
        ),
        Misconception(
            "no mask",
            {"on": "none"},
            "This is the LSTM without dropout: the mask is never used, or only on an h that is still zero. "
            "It is needed at EVERY step, before U.",
        ),
        Misconception(
            "gates in another order",
            {"order": "ifog"},
            "The mask may be right, but candidate and output gate are exchanged: the blocks of 4H rows are "
            "i, f, g, o in PyTorch and in this course.",
        ),
        Misconception(
            "one bias forgotten",
            {"bias_hh": False},
            "`bias_hh_l0` is missing: PyTorch's LSTM adds both of its biases.",
        ),
    ),
    praise="The gates read a thinned h; what is remembered and what is put out stay whole.",
    draw=random_cases.lstm_with_recurrent_dropout,
)
