"""Every number that a technique takes, at both ends of its range and just beyond.

What ``test_fuzz.py`` spoils must be refused in words or give finite results; a limit that is slightly wrong
passes there. Here the range of each argument is written down once, as the chapters give it. A new function is
found by its arguments; only a name that no other function has needs a line in ``RANGES``.
"""

import math
import warnings

import numpy as np
import pytest
from test_fuzz import FUNCTIONS, SPECIFICATIONS, valid_arguments

TINY = 5e-324  # the smallest number above 0
BELOW_ONE = float(np.nextafter(1.0, 0.0))
SHARE, TO_DROP = (0.0, 1.0), (0.0, BELOW_ONE)  # of all; and a probability to drop, or to keep on
NOT_NEGATIVE, POSITIVE, ANY = (0.0, math.inf), (TINY, math.inf), (-math.inf, math.inf)
COUNT, WHOLE = (1, math.inf), (0, math.inf)
RANGES = {
    ("lam", "lam1", "lam2", "lam_l1", "alpha", "beta", "threshold", "weight_decay", "lr"): NOT_NEGATIVE,
    ("min_delta", "low", "high", "limit", "eps"): NOT_NEGATIVE,
    ("clip_by_value.limit", "clip_by_value_torch.limit", "max_norm", "norm_type"): POSITIVE,
    ("epsilon", "rate", "level", "dropout", "zoneout_h", "zoneout_c"): SHARE,
    ("p", "input_dropout", "recurrent_dropout", "weight_drop", "momentum", "dampening"): TO_DROP,
    ("output_dropout",): TO_DROP,
    ("baseline", "value", "loss"): ANY,
    ("patience", "start_from_epoch", "epoch", "seed"): WHOLE,
    ("NonMonotonicTrigger.patience", "averaging_start.patience", "block", "draws"): COUNT,
    ("num_layers", "input_size", "hidden_size", "output_size"): COUNT,
    ("proj_size",): (0, 0),
}
RANGES = {name: limits for names, limits in RANGES.items() for name in names}
CHOICES = {"axis"}  # numbers that name something
FROM_CALLER = {"check_masks", "sample_masks"}  # their sizes were checked when the LSTM was made
WITH = {"min_max_norm": {"low": 0.0, "high": 1.5}, "min_max_norm_torch": {"low": 0.0, "high": 1.5}}


def numbers():
    """Return (function, its valid arguments, the argument, its range) for every number among them."""
    found = {}
    for name, given in SPECIFICATIONS:
        for argument, value in valid_arguments(name, given).items():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if is_number and argument not in CHOICES and name not in FROM_CALLER:
                limits = RANGES.get(f"{name}.{argument}", RANGES.get(argument))
                found.setdefault((name, argument), (given | WITH.get(name, {}), limits))
    return [(*key, *rest) for key, rest in found.items()]


NUMBERS = numbers()
IDS = [f"{name}.{argument}" for name, argument, _, _ in NUMBERS]


def beyond(low, high):
    """Return what lies just outside a range; its ends are whole numbers where it counts something."""
    step = 1 if isinstance(low, int) else None
    outside = [] if low == -math.inf else [low - step if step else float(np.nextafter(low, -math.inf))]
    outside = [-TINY, 0.0] if low == TINY else outside
    if math.isfinite(high):
        outside.append(float(np.nextafter(high, math.inf)))
    return outside


def call(name, given, argument, value):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        FUNCTIONS[name](**valid_arguments(name, given) | {argument: value})


def test_every_number_has_a_range():
    assert [f"{name}.{argument}" for name, argument, _, limits in NUMBERS if limits is None] == []


@pytest.mark.parametrize(("name", "argument", "given", "limits"), NUMBERS, ids=IDS)
def test_the_ends_of_a_range_belong_to_it_and_what_lies_beyond_is_refused(name, argument, given, limits):
    for value in limits:
        if math.isfinite(value):
            call(name, given, argument, value)
    for value in beyond(*limits):
        with pytest.raises(ValueError, match=rf"(?s){argument}.*: expected .*received"):
            call(name, given, argument, value)
