"""The standard error of a mean paired difference whose seeds and test items are both drawn at random.

Another ten seeds would have given another mean, and so would other test items. A difference d[s, u] of seed s
on unit u (an item, or items that belong together) is taken as

    mean + seed's effect + unit's effect + the pair's own,

so that the variance of the mean over S seeds and U units is that of three estimated parts,

    V = A + B - AB,   A = Σ a_s² / (S (S - 1)),   B = Σ b_u² / (U (U - 1)),
                      AB = Σ e_su² / (S U (S - 1) (U - 1)),

where a are the deviations of the seeds' means, b those of the units' and e what is left; A and B each hold
the pairs' own part, which is why it is taken off once. V is at least A and at least B. Its degrees of freedom
are Satterthwaite's. So ten seeds decide where they differ most, the items where these do, and nobody has to
say beforehand which.

Units: single items where they are independent; blocks of neighbours in a series, which remember each other;
clusters, such as the recordings of a speaker or the copies of a message. Where every seed has test items of
its own, there is one part only: the seeds' means.

Source: Cornfield and Tukey (1956), Average values of mean squares in factorials; Satterthwaite (1946), An
approximate distribution of estimates of variance components; Owen (2007), The pigeonhole bootstrap.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from labcode._checks import check_array, check_integer, check_number, check_shape, expect

LEVEL = 0.95
EXACT = 1e-12  # a smaller spread, beside the mean, is what sums of equal numbers come to


@dataclass(frozen=True, eq=False)
class Cells:
    """Differences, summed over the items of each unit.

    Attributes:
        totals: sums of the differences, (seeds, units).
        counts: how many items each unit has, (units,).
    """

    totals: np.ndarray
    counts: np.ndarray

    @property
    def mean(self) -> float:
        """The mean over all seeds and items."""
        return float(self.totals.sum() / (len(self.totals) * self.counts.sum()))

    @property
    def deviations(self) -> np.ndarray:
        """What each cell adds to the mean, beside it: (seeds, units), with sum 0."""
        return (self.totals - self.mean * self.counts) / (len(self.totals) * self.counts.sum())


@dataclass(frozen=True)
class Estimate:
    """A mean, its standard error, and the degrees of freedom of that."""

    mean: float
    se: float
    df: float

    @property
    def p(self) -> float:
        """The two-sided p-value of "there is no difference", of Student's t."""
        if self.se == 0:
            return float(self.mean == 0)
        return float(2 * special.stdtr(self.df, -abs(self.mean) / self.se))

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Return Student's interval for the mean.

        Raises:
            ValueError: a level outside [0, 1].
        """
        check_number("level", level, low=0.0, high=1.0)
        half = special.stdtrit(self.df, (1 + level) / 2) * self.se if self.se > 0 else 0.0
        return float(self.mean - half), float(self.mean + half)


def cells(differences: np.ndarray, *, block: int = 1, units: np.ndarray | None = None) -> Cells:
    """Sum differences over what belongs together.

    Args:
        differences: method minus reference, (seeds, items); (seeds, 1) for means, (1, items) for one seed.
        block: at least so many neighbours make up a unit: they are cut into as many parts as go, of nearly
            one size.
        units: labels of what belongs together, in place of blocks: (items,) or (1, items) where all seeds
            have the same items; (seeds, items) where each seed has items that no other has.

    Raises:
        ValueError: not (seeds, items), a single number, fewer than two units, or units that some of the seeds
            share and others do not.

    >>> cells(np.arange(8.0).reshape(2, 4), block=2).totals
    array([[ 1.,  5.],
           [ 9., 13.]])
    """
    differences = check_array("differences", differences)
    check_shape("differences, (seeds, items)", differences, (None, None))
    seeds, items = differences.shape
    expect(bool(np.isfinite(differences).all()), "differences", "finite numbers", differences)
    expect(differences.size > 1, "differences", "several seeds or several items", differences.shape)
    if units is None:
        labels = _blocks(items, block)
    else:
        labels = np.asarray(units)
        if labels.ndim == 2 and len(labels) == seeds > 1:
            if _are_apart(labels):
                return Cells(differences.mean(axis=1, keepdims=True), np.ones(1))
            expect((labels == labels[0]).all(), "units", "the same for all seeds, or none in common", labels)
        labels = labels[0] if labels.ndim == 2 else labels
        check_shape("units", labels, (items,))
    _, of_item, counts = np.unique(labels, return_inverse=True, return_counts=True)
    expect(len(counts) > 1 or items == 1, "units", "at least two of them", len(counts))
    totals = [np.bincount(of_item, weights=row, minlength=len(counts)) for row in differences]
    return Cells(np.array(totals), counts.astype(float))


def estimate(found: Cells) -> Estimate:
    """Return the mean of differences with its standard error, as the head of this file says.

    Args:
        found: as ``cells`` returns them.

    >>> both = estimate(cells(np.array([[0.0, 1.0, 2.0], [1.0, 3.0, 2.0]])))
    >>> round(both.mean, 3), round(both.se, 3), round(both.df, 2)
    (1.5, 0.645, 1.79)
    """
    d = found.deviations
    seeds, units = d.shape
    by_seed, by_unit = d.sum(axis=1), d.sum(axis=0)
    own = d - by_seed[:, None] * found.counts / found.counts.sum() - by_unit / seeds
    parts = {
        "seed": (np.square(by_seed).sum(), seeds - 1, seeds),
        "unit": (np.square(by_unit).sum(), units - 1, units),
        "own": (np.square(own).sum(), (seeds - 1) * (units - 1), seeds * units),
    }
    found_parts = {name: s * n / df if df else 0.0 for name, (s, df, n) in parts.items()}
    a, b, ab = found_parts.values()
    variance = max(a + b - ab, a, b)
    if np.sqrt(variance) <= EXACT * abs(found.mean):
        return Estimate(found.mean, 0.0, float(max(seeds, units) - 1))
    spread = sum(v**2 / parts[name][1] for name, v in found_parts.items() if parts[name][1])
    fewest = min(n - 1 for n in (seeds, units) if n > 1)
    return Estimate(found.mean, float(np.sqrt(variance)), float(max((a + b - ab) ** 2 / spread, fewest)))


def gap_error(
    first: np.ndarray, second: np.ndarray, units: tuple[np.ndarray | None, np.ndarray | None] = (None, None)
) -> float:
    """Return the standard error of the difference of two mean losses, of data that have no item in common.

    Args:
        first, second: losses of single items, (N,) and (M,).
        units: labels of what belongs together in each, (N,) and (M,), such as the days of a series in blocks;
            None where items are independent.

    Raises:
        ValueError: as ``cells``: fewer than two items or units.

    >>> round(gap_error(np.array([1.0, 3.0]), np.array([2.0, 2.0, 8.0])), 3)
    2.236
    """
    parts = zip((first, second), units, strict=True)
    one, other = (estimate(cells(np.asarray(a)[None], units=of)).se for a, of in parts)
    return float(np.hypot(one, other))


def _blocks(items: int, block: int) -> np.ndarray:
    """Cut a series into parts of at least ``block`` neighbours."""
    block = check_integer("block", block, low=1)
    expect(2 * block <= items or items == 1, "block", f"at most half of the {items} items", block)
    return np.arange(items) * max(items // block, 1) // items


def _are_apart(labels: np.ndarray) -> bool:
    """Say whether no two seeds have a unit in common."""
    return sum(len(np.unique(row)) for row in labels) == len(np.unique(labels))
