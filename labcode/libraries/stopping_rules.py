"""The early-stopping rules of three frameworks as plain functions of a trace, to see where they part.

``EarlyStopping`` is the rule that the course uses. These functions are for comparison: they only read a
trace, the monitored value by epoch, and say what Keras 3.15, Lightning 2.6 and Ignite 0.5 would have done.
The tests hold them against traces recorded from the frameworks.

=====================  =========================  =======================  ==========================
                       Keras                      Lightning                Ignite
=====================  =========================  =======================  ==========================
compared with          best that counted          best that counted        best value seen, or that
                                                                           counted if ``cumulative``
NaN at first           best from then on          stops                    passed over by the next value
NaN later              no improvement             stops                    improvement
infinity at first      best until a finite value  stops                    best until a finite value
infinitely good        best from then on          stops                    best from then on
no value (None)        passed over                refused here             refused here
a value to beat        ``baseline``: to be met    ``stopping_threshold``:  none
                       before patience runs out   stops once it is met
weights at the end     the last; the best with    the last                 the last
                       ``restore_best_weights``
=====================  =========================  =======================  ==========================
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np

from labcode._checks import check_integer, check_number, check_one_of, expect


@dataclass(frozen=True)
class Verdict:
    """What a rule made of a trace; epochs count from 0.

    Attributes:
        stop: epoch after which training ends, None if the trace ends first.
        reason: "patience", "not finite", "threshold" or "divergence"; None without a stop.
        best, best_epoch: the value that the rule holds for the best, and its epoch; None before there is one.
        waits: the rule's counter after each epoch, up to the stop.
    """

    stop: int | None
    reason: str | None
    best: float | None
    best_epoch: int | None
    waits: tuple[int, ...]


def keras_rule(
    trace: Sequence[float],
    *,
    patience: int = 0,
    min_delta: float = 0.0,
    mode: str = "min",
    baseline: float | None = None,
    start_from_epoch: int = 0,
) -> Verdict:
    """Stop as ``keras.callbacks.EarlyStopping`` does; compared in float32.

    Args:
        trace: the monitored value after each epoch, None where an epoch has none, which is passed over.
        patience: epochs without an improvement after which to stop; 0 acts as 1.
        min_delta: smallest change that counts; its sign is ignored.
        mode: "min" for a loss, "max" for a score.
        baseline: value to beat; until then an improvement does not set the counter back.
        start_from_epoch: first epoch that is monitored.

    Returns:
        The verdict.

    Raises:
        ValueError: a trace that holds no numbers, or a setting out of range.

    Source: Keras 3.15. (Later versions set the counter back at any improvement, baseline or not.) Chapter 3.
    """
    trace, patience = _numbers(trace, gaps=True), check_integer("patience", patience)
    delta = _sign(mode) * abs(check_number("min_delta", min_delta))
    baseline = None if baseline is None else check_number("baseline", baseline)
    start = check_integer("start_from_epoch", start_from_epoch)
    best, best_epoch, wait, waits = None, None, 0, []
    for epoch, value in enumerate(trace):
        if epoch >= start and value is not None:
            wait += 1
            if best is None or _beats(value, best, mode, delta):
                best, best_epoch = value, epoch
                if baseline is None or _beats(value, baseline, mode, delta):
                    wait = 0
            elif wait >= patience:
                return Verdict(epoch, "patience", best, best_epoch, (*waits, wait))
        waits.append(wait)
    return Verdict(None, None, best, best_epoch, tuple(waits))


def lightning_rule(
    trace: Sequence[float],
    *,
    patience: int = 3,
    min_delta: float = 0.0,
    mode: str = "min",
    check_finite: bool = True,
    stopping_threshold: float | None = None,
    divergence_threshold: float | None = None,
) -> Verdict:
    """Stop as Lightning's ``EarlyStopping`` does; compared in float32.

    Args:
        trace, mode: as in ``keras_rule``; one value for each validation check.
        patience: checks without an improvement after which to stop; 0 acts as 1.
        min_delta: smallest change that counts. Its sign is kept: below 0 a slightly worse value counts, too.
        check_finite: stop at the first NaN or infinity.
        stopping_threshold: stop once a value is better than this.
        divergence_threshold: stop once a value is worse than this.

    Returns:
        The verdict.

    Raises:
        ValueError: as in ``keras_rule``.

    Source: Lightning 2.6. Chapter 3.
    """
    trace, patience = _numbers(trace), check_integer("patience", patience)
    delta, worse = _sign(mode) * check_number("min_delta", min_delta), {"min": "max", "max": "min"}[mode]
    check_one_of("check_finite", check_finite, (True, False))
    target = None if stopping_threshold is None else check_number("stopping_threshold", stopping_threshold)
    bound = (
        None if divergence_threshold is None else check_number("divergence_threshold", divergence_threshold)
    )
    best, best_epoch, wait, waits = _sign(mode) * -math.inf, None, 0, []
    for epoch, value in enumerate(trace):
        reason = None
        if check_finite and not math.isfinite(value):
            reason = "not finite"
        elif target is not None and _beats(value, target, mode):
            reason = "threshold"
        elif bound is not None and _beats(value, bound, worse):
            reason = "divergence"
        elif _beats(value, best, mode, delta):
            best, best_epoch, wait = value, epoch, 0
        else:
            wait += 1
            reason = "patience" if wait >= patience else None
        waits.append(wait)
        if reason is not None:
            break
    stop = None if reason is None else epoch
    return Verdict(stop, reason, None if best_epoch is None else best, best_epoch, tuple(waits))


def ignite_rule(
    trace: Sequence[float],
    *,
    patience: int,
    threshold: float = 0.0,
    mode: str = "max",
    threshold_mode: str = "abs",
    cumulative: bool = False,
) -> Verdict:
    """Stop as Ignite's ``EarlyStopping`` does.

    Args:
        trace: as in ``keras_rule``; of a score by default, so a loss is passed on with the sign turned.
        patience: events without an improvement after which to stop, at least 1.
        threshold: smallest change that counts, at least 0.
        mode: "max" for a score, "min" for a loss.
        threshold_mode: "abs", or "rel" for a share of the best value.
        cumulative: compare with the last value that counted, and not with the best one seen.

    Returns:
        The verdict.

    Raises:
        ValueError: as in ``keras_rule``.

    Source: Ignite 0.5. Chapter 3.
    """
    trace, patience = _numbers(trace), check_integer("patience", patience, low=1)
    threshold, sign = check_number("threshold", threshold, low=0.0), _sign(mode)
    relative = check_one_of("threshold_mode", threshold_mode, ("abs", "rel")) == "rel"
    check_one_of("cumulative", cumulative, (True, False))
    best, best_epoch, wait, waits = None, None, 0, []
    for epoch, value in enumerate(trace):
        needed = None if best is None else best + sign * threshold * (abs(best) if relative else 1)
        if best is not None and sign * value <= sign * needed:  # False for a NaN on either side
            wait += 1
            if not cumulative and sign * value > sign * best:
                best, best_epoch = value, epoch
        else:
            best, best_epoch, wait = value, epoch, 0
        waits.append(wait)
        if wait >= patience:
            return Verdict(epoch, "patience", best, best_epoch, tuple(waits))
    return Verdict(None, None, best, best_epoch, tuple(waits))


def _beats(value, reference, mode, delta=0.0):
    """Whether a value is better than the reference by more than delta, in float32; never for a NaN."""
    value, reference = np.float32(value) - np.float32(delta), np.float32(reference)
    return bool(value < reference if mode == "min" else value > reference)


def _sign(mode):
    return {"min": -1, "max": 1}[check_one_of("mode", mode, ("min", "max"))]


def _numbers(trace, *, gaps=False):
    """Return the values of a trace as floats, None where there is none."""
    is_flat = isinstance(trace, Sequence | np.ndarray) and not isinstance(trace, str) and len(trace) > 0
    are_numbers = is_flat and all(
        (isinstance(v, Real) and not isinstance(v, bool)) or (gaps and v is None) for v in trace
    )
    expect(are_numbers, "trace", "at least one number, in a list or array", trace)
    return [None if value is None else float(value) for value in trace]
