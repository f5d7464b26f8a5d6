"""An effect: a mean paired difference with all that a reader needs to judge its size and its certainty."""

from collections.abc import Mapping, Sequence

import numpy as np

from labcode._checks import check_number, expect
from labcode.experiments.families import DRAWS, Member, of_estimate, of_interval, simultaneous
from labcode.experiments.standard_error import Cells, Estimate, cells, estimate

DIGITS = 5


class Effect(dict):
    """An effect as it goes into a result, that still knows what it was computed from.

    Attributes:
        cells: the differences, by seed and unit.
        estimate: their mean with its standard error.
    """

    def __init__(self, entry: Mapping, cells: Cells, estimate: Estimate):
        super().__init__(entry)
        self.cells, self.estimate = cells, estimate


def compare(
    differences: Mapping[str, np.ndarray],
    *,
    block: int = 1,
    units: np.ndarray | None = None,
    reference: float | Mapping[str, float] | None = None,
    draws: int = DRAWS,
) -> dict[str, Effect]:
    """Return the mean of each paired difference, with intervals by itself and in its family.

    Args:
        differences: method minus reference, by name, (seeds, items) each, or (seeds, 1) for what has one
            number a seed: one family.
        block, units: what belongs together, as in ``labcode.experiments.standard_error.cells``.
        reference: the reference's mean, above 0, one for all or by name; None where the unit speaks for
            itself.
        draws: resamples of the family.

    Returns:
        By name: "mean", "by_seed", "interval" (95 %, of this effect alone), "se", "df", "p"; "simultaneous"
        and "p_adjusted" (of the family); with a reference also "reference" and "percent", the mean and the
        ends of "interval" in % of it.

    Raises:
        ValueError: units that do not fit, or a reference that is not above 0.

    >>> rng = np.random.default_rng(0)
    >>> effect = compare({"l2": rng.normal(-0.2, 0.1, (10, 50))}, reference=2.0)["l2"]
    >>> effect["mean"], [round(end, 3) for end in effect["interval"]], round(effect["percent"][0], 2)
    (-0.20004, [-0.209, -0.191], -10.0)
    """
    found = {label: cells(array, block=block, units=units) for label, array in differences.items()}
    estimates = {label: estimate(one) for label, one in found.items()}
    members = [of_estimate(estimates[label], found[label]) for label in found]
    family = simultaneous(members, draws=draws) if members else []
    effects = {}
    for (label, one), joint in zip(estimates.items(), family, strict=True):
        below, above = joint.reach
        entry = {
            "mean": _round(one.mean),
            "by_seed": _rounded(np.mean(differences[label], axis=1)),
            "interval": _rounded(one.interval()),
            "se": _round(one.se, DIGITS + 2),
            "df": _round(one.df, 2),
            "p": one.p,
            "simultaneous": _rounded((one.mean - below, one.mean + above)),
            "p_adjusted": max(one.p, joint.p),
        }
        if reference is not None:
            of = reference[label] if isinstance(reference, Mapping) else reference
            shares = percent_of(of, (one.mean, *one.interval()))
            entry |= {"reference": _round(of), "percent": _rounded(shares, 3)}
        effects[label] = Effect(entry, found[label], one)
    return effects


def percent_of(reference: float, values: Sequence[float]) -> list[float]:
    """Return values in % of a reference.

    Raises:
        ValueError: a reference that is not above 0, of which nothing is a share.
    """
    of = check_number("reference", float(reference))
    expect(of > 0, "reference", "a number above 0", reference)
    return [100 * float(value) / of for value in values]


def member(effect: Mapping, data: str) -> Member:
    """Return an effect as a member of a claim's family.

    Args:
        effect: an ``Effect``, or a table with "mean" and "interval" (and "se" and "df") that was read from a
            file and can be resampled no more.
        data: the experiment's name: what has the same is resampled together.
    """
    if isinstance(effect, Effect):
        return of_estimate(effect.estimate, effect.cells, data)
    return of_interval(effect["mean"], effect["interval"])


def adjusted_p(effect: Mapping) -> float:
    """Return an effect's p-value in its family; results before the families had Holm's."""
    return effect["p_adjusted"] if "p_adjusted" in effect else effect["p_holm"]


def clear_side(effect: Mapping) -> str:
    """Say "lower" or "higher" where an effect's interval in its family leaves out 0, else "unclear".

    Results before the families have a single interval and Holm's p, which have to agree.
    """
    low, high = effect.get("simultaneous", effect["interval"])
    if "simultaneous" not in effect and adjusted_p(effect) >= 0.05:
        return "unclear"
    if high < 0 and effect["mean"] < 0:
        return "lower"
    return "higher" if low > 0 and effect["mean"] > 0 else "unclear"


def _round(value: float, digits: int = DIGITS) -> float:
    return round(float(value), digits)


def _rounded(values: Sequence[float], digits: int = DIGITS) -> list[float]:
    return [_round(value, digits) for value in values]
