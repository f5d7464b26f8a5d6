"""Where a search looks: ranges of hyperparameters, and the points that grid and random search try in them.

A point depends on the range, the seed and its number alone. So a search that is stopped and goes on, or that
several processes share, neither draws a point twice nor leaves one out.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from labcode._checks import check_instance, check_integer, check_number, expect


@dataclass(frozen=True)
class Range:
    """The values that one hyperparameter may take.

    On a logarithmic scale each factor of ten gets the same share of the tries; on a linear scale a range from
    0.00001 to 1 gives nine tenths of them to its last factor of ten.

    Attributes:
        low, high: the ends, in the hyperparameter's own unit.
        log: whether the scale is logarithmic; it then has no 0.

    Raises:
        ValueError: an end that is no finite number, ends that do not ascend, or a logarithm of 0 or less.

    Chapter 9.1.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self):
        low, high = check_number("low", self.low), check_number("high", self.high)
        expect(low < high, "low, high", "two numbers, the lower one first", (self.low, self.high))
        expect(self.log in (True, False), "log", "True or False", self.log)
        expect(not self.log or low > 0, "low", "a number above 0 on a logarithmic scale", self.low)

    def at(self, share: float) -> float:
        """Return the value that lies a share of the way from ``low`` to ``high``, on the range's own scale.

        Raises:
            ValueError: a share outside [0, 1].
        """
        share = check_number("share", share, low=0.0, high=1.0)
        value = self.low * (self.high / self.low) ** share if self.log else self.low + share * self.width
        return float(min(max(value, self.low), self.high))

    def levels(self, count: int) -> list[float]:
        """Return values at equal distances on the range's scale, both ends among them; of one, the middle."""
        count = check_integer("count", count, low=1)
        return [self.at(share) for share in (np.linspace(0, 1, count) if count > 1 else [0.5])]

    def near(self, value: float, share: float) -> "Range":
        """Return the part around a value for a finer search, as wide as a share of this range.

        The part lies inside: near an end it is moved, not cut.

        Raises:
            ValueError: a value outside the range, or a share outside (0, 1].
        """
        value = check_number("value", value, low=self.low, high=self.high)
        expect(0 < check_number("share", share) <= 1, "share", "a number in (0, 1]", share)
        place = np.log(value / self.low) / np.log(self.high / self.low) if self.log else value - self.low
        place = place if self.log else place / self.width
        start = float(np.clip(place - share / 2, 0, 1 - share))
        return Range(self.at(start), self.at(min(1.0, start + share)), self.log)

    @property
    def width(self) -> float:
        """The distance between the ends."""
        return self.high - self.low


Space = Mapping[str, Range]


def check_space(space: Space) -> None:
    """Check that a space is a mapping of names to ranges.

    Raises:
        ValueError: it is not, or it is empty.
    """
    check_instance("space", space, Mapping, "ranges by the hyperparameter's name")
    fits = all(isinstance(name, str) and isinstance(part, Range) for name, part in space.items())
    expect(len(space) > 0 and fits, "space", "at least one Range by its name", dict(space))


def grid_points(space: Space, trials: int, *, seed: int) -> list[dict[str, float]]:
    """Return all points of a grid with as many levels in each direction, in an order that the seed draws.

    Args:
        space: the ranges.
        trials: number of points: a whole number to the power of the number of ranges.
        seed: draws the order, so that a grid that is cut short has not only seen one side.

    Raises:
        ValueError: no space, or a number of points that makes no full grid.
    """
    check_space(space)
    levels = round(check_integer("trials", trials, low=1) ** (1 / len(space)))
    expected = (
        f"a whole number to the power of {len(space)}, for a full grid (such as {levels ** len(space)})"
    )
    expect(levels ** len(space) == trials, "trials", expected, trials)
    points = list(itertools.product(*(part.levels(levels) for part in space.values())))
    order = np.random.default_rng(check_integer("seed", seed)).permutation(trials)
    return [dict(zip(space, points[place], strict=True)) for place in order]


def random_point(space: Space, place: int, *, seed: int) -> dict[str, float]:
    """Return the random point of one number, each hyperparameter drawn evenly on its own scale.

    Args:
        space: the ranges.
        place: the point's number in the search, from 0.
        seed: of the search; another seed draws other points.

    Raises:
        ValueError: no space, or a number below 0.
    """
    check_space(space)
    rng = np.random.default_rng([check_integer("seed", seed), check_integer("place", place)])
    return {
        name: part.at(share)
        for (name, part), share in zip(space.items(), rng.random(len(space)), strict=True)
    }
