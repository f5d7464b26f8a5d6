"""Several effects at once: intervals that all hold together, by the largest |t| (max-T).

A claim that rests on twelve effects has twelve chances to be right by luck. The family of an effect is what
its own claim rests on (or the methods of one table that are compared with one reference), nothing else. Its
95 % intervals are made so wide that all of them cover with 95 %: by the distribution of the largest |t|
among them if there is no difference anywhere. Effects of the same seeds and items are resampled together
(the same seeds, the same units, for all), so that what goes up and down together does not count twice;
effects of different data are independent. Where an effect cannot be resampled (an area, a correlation),
it counts as independent of all others, which is never too bold (Šidák).

Source: Westfall and Young (1993), Resampling-based multiple testing (single-step max-T); Šidák (1967),
Rectangular confidence regions for the means of multivariate normal distributions.
"""

import zlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import optimize, special

from labcode._checks import expect
from labcode.experiments.standard_error import LEVEL, Cells, Estimate

DRAWS = 4000
POWER = 0.8


@dataclass(frozen=True)
class Member:
    """One effect of a family.

    Attributes:
        z: its t, at the same probability of the standard normal distribution.
        reach: function of a quantile of the standard normal that returns how far the interval then reaches
            below and above the mean.
        power: how far beyond the interval's half an effect has to be to be seen with 80 % probability.
        cells: what it is resampled from; None where it cannot be.
        data: says of which data it is: only what has the same is resampled together.
    """

    z: float
    reach: Callable[[float], tuple[float, float]]
    power: float
    cells: Cells | None = None
    data: Hashable = None


@dataclass(frozen=True)
class Simultaneous:
    """What the family makes of an effect: (below, above) the mean, the adjusted p, and what could be seen."""

    reach: tuple[float, float]
    p: float
    detectable: float


def of_estimate(found: Estimate, cells: Cells, data: Hashable = None) -> Member:
    """Return the member of a family that an estimate is."""

    def reach(c: float) -> tuple[float, float]:
        half = float(special.stdtrit(found.df, special.ndtr(c)) * found.se) if found.se else 0.0
        return half, half

    z = float(-special.ndtri(found.p / 2)) if found.p > 0 else np.inf
    return Member(z, reach, float(special.stdtrit(found.df, POWER)) * found.se, cells, data)


def of_interval(mean: float, interval: Sequence[float]) -> Member:
    """Return the member of a family that a mean with a 95 % interval is, each side of its own width."""
    low, high = interval
    unit = special.ndtri((1 + LEVEL) / 2)
    expect(low <= high, "interval", "the lower end first", list(interval))
    below, above = max(mean - low, 0.0) / unit, max(high - mean, 0.0) / unit
    towards_zero = below if mean > 0 else above
    z = abs(mean) / towards_zero if towards_zero else (np.inf if mean else 0.0)
    power = float(special.ndtri(POWER)) * max(below, above)
    return Member(z, lambda c: (c * below, c * above), power)


def simultaneous(family: Sequence[Member], *, level: float = LEVEL, draws: int = DRAWS) -> list[Simultaneous]:
    """Return, for each effect of a family, how far its interval reaches, so that all cover together.

    Args:
        family: at least one effect.
        level: coverage of all intervals at once.
        draws: resamples that effects of the same data share.

    Raises:
        ValueError: an empty family.
    """
    expect(len(family) > 0, "family", "at least one effect", len(family))
    largest = [_largest(group, draws) for group in _groups(family)]

    def below(z: float) -> float:
        """Return the probability that no |z| of the family is larger, if there is no difference."""
        return float(np.prod([group(z) for group in largest]))

    c = float(special.ndtri((1 + level) / 2))
    if len(family) > 1:
        c = max(c, float(optimize.bisect(lambda z: below(z) - level, 0.0, 10.0, xtol=1e-6)))
    return [Simultaneous(m.reach(c), min(1.0, 1 - below(m.z)), max(m.reach(c)) + m.power) for m in family]


def _groups(family: Sequence[Member]) -> list[list[Member]]:
    """Put together what is resampled together: the same data, the same seeds and units."""
    groups: dict[Hashable, list[Member]] = {}
    for number, member in enumerate(family):
        key: Hashable = number
        if member.cells is not None:
            key = (member.data, member.cells.totals.shape, member.cells.counts.tobytes())
        groups.setdefault(key, []).append(member)
    return list(groups.values())


def _largest(group: Sequence[Member], draws: int) -> Callable[[float], float]:
    """Return the distribution function of the largest |z| of effects that are resampled together."""
    if len(group) == 1:
        return lambda z: float(1 - 2 * special.ndtr(-z))
    found = [resampled(member.cells, draws) for member in group if member.cells is not None]
    varying = [abs(z) for z in found if np.ptp(z) > 0]
    maxima = np.sort(np.max(varying, axis=0)) if varying else np.zeros(draws)
    return lambda z: float(np.searchsorted(maxima, z, side="left") / (draws + 1))


def resampled(cells: Cells, draws: int = DRAWS) -> np.ndarray:
    """Return a mean's deviations in resamples of seeds and units, in units of their own spread: (draws,).

    All cells of one shape get the same resamples. The deviations are those to first order: what the drawn
    seeds change, plus what the drawn units change.
    """
    by_seed, by_unit = _weights(*cells.totals.shape, draws)
    d = cells.deviations
    parts = (by_seed @ d.sum(axis=1, dtype=np.float32), by_unit @ d.sum(axis=0, dtype=np.float32))
    means = sum(part.astype(float) for part in parts)
    means -= means.mean()
    spread = means.std()
    return means / spread if spread > 0 else np.zeros(draws)


@lru_cache(maxsize=4)
def _weights(seeds: int, units: int, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how often each seed (draws, seeds) and each unit (draws, units) is drawn."""
    rng = np.random.default_rng(zlib.crc32(f"{seeds} {units}".encode()))
    drawn = (
        rng.multinomial(n, np.full(n, 1 / n), draws) if n > 1 else np.ones((draws, 1)) for n in (seeds, units)
    )
    by_seed, by_unit = (weights.astype(np.float32) for weights in drawn)
    return by_seed, by_unit
