"""Where a search looks: the values of each hyperparameter, and the points that grid and random search try.

A point depends on the space, the seed and its number alone. So a search that is stopped and goes on, or that
several processes share, neither draws a point twice nor leaves one out.
"""

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labcode._checks import check_integer, check_number, expect

if TYPE_CHECKING:
    from optuna import Trial

Value = float | int | str | bool | None


@dataclass(frozen=True)
class Range:
    """The real numbers that one hyperparameter may take, such as a rate.

    On a logarithmic scale each factor of ten gets the same share of the tries; on a linear scale a range from
    0.00001 to 1 gives nine tenths of them to its last factor of ten.

    Attributes:
        low, high: the ends, in the hyperparameter's own unit.
        log: whether the scale is logarithmic; it then has no 0.

    Raises:
        ValueError: an end that is no finite number, ends that do not ascend, or a logarithm of 0 or less.

    Chapter 9.1.

    >>> [round(value, 6) for value in Range(1e-4, 1e-2, log=True).levels(3)]
    [0.0001, 0.001, 0.01]
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self):
        low, high = check_number("low", self.low), check_number("high", self.high)
        expect(low < high, "low, high", "two numbers, the lower one first", (self.low, self.high))
        _check_log(self.log, low)

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

    def suggest(self, trial: "Trial", name: str) -> float:
        """Ask a trial of Optuna's for a value."""
        return trial.suggest_float(name, self.low, self.high, log=self.log)

    def as_list(self) -> list:
        """Return what is kept on record of it."""
        return [float(self.low), float(self.high), bool(self.log)]

    @property
    def width(self) -> float:
        """The distance between the ends."""
        return self.high - self.low


@dataclass(frozen=True)
class IntRange:
    """The whole numbers that one hyperparameter may take, both ends among them, such as a number of units.

    Attributes:
        low, high: the ends.
        log: whether the scale is logarithmic: from 8 to 128 then as many tries fall below 32 as above.
        step: distance between two values on a linear scale: ``IntRange(32, 128, step=32)``.

    Raises:
        ValueError: an end that is no whole number, ends that do not ascend, a logarithm of 0 or less, a step
            that does not lead from one end to the other, or one on a logarithmic scale.

    Chapter 9.1.

    >>> IntRange(32, 128, step=32).levels(4), IntRange(8, 128, log=True).levels(3), IntRange(1, 2).levels(5)
    ([32, 64, 96, 128], [8, 32, 128], [1, 2])
    """

    low: int
    high: int
    log: bool = False
    step: int = 1

    def __post_init__(self):
        for name in ("low", "high", "step"):
            least = 1 if name == "step" else -(2**53)  # beyond, floats do not tell neighbours apart
            object.__setattr__(self, name, check_integer(name, getattr(self, name), low=least))
        ends = self.low, self.high
        expect(self.low < self.high <= 2**53, "low, high", "two whole numbers, the lower one first", ends)
        _check_log(self.log, self.low)
        expect(self.step == 1 or not self.log, "step", "1 on a logarithmic scale", self.step)
        whole = (self.high - self.low) % self.step == 0
        expect(whole, "step", "one that leads from low to high", self.step)

    def at(self, share: float) -> int:
        """Return the value at a share of the way, each with an even part of it on the range's own scale.

        Raises:
            ValueError: a share outside [0, 1].
        """
        share = check_number("share", share, low=0.0, high=1.0)
        if self.log:
            low, high = self.low - 0.5, self.high + 0.5
            return min(max(round(low * (high / low) ** share), self.low), self.high)
        count = (self.high - self.low) // self.step + 1
        return self.low + self.step * min(int(share * count), count - 1)

    def levels(self, count: int) -> list[int]:
        """Return values at about equal distances on the range's scale, both ends among them; all if few."""
        if check_integer("count", count, low=1) > (self.high - self.low) // self.step:
            return list(range(self.low, self.high + 1, self.step))
        exact = Range(self.low, self.high, self.log).levels(count)
        return sorted({self.low + self.step * round((value - self.low) / self.step) for value in exact})

    def suggest(self, trial: "Trial", name: str) -> int:
        """Ask a trial of Optuna's for a value."""
        return trial.suggest_int(name, self.low, self.high, step=self.step, log=bool(self.log))

    def as_list(self) -> list:
        """Return what is kept on record of it."""
        return ["whole numbers", self.low, self.high, bool(self.log), self.step]


@dataclass(frozen=True)
class Choice:
    """The values that one hyperparameter may take where they have no order, such as the name of a method.

    Attributes:
        options: texts, numbers, True, False or None, at least two and no two alike; of other things take the
            names, and look the things up in the objective.

    Raises:
        ValueError: anything else.

    Chapter 9.1.

    >>> Choice(["h", "g", "c"]).at(0.5)
    'g'
    """

    options: Sequence[Value]

    def __post_init__(self):
        is_list = isinstance(self.options, Sequence | np.ndarray) and not isinstance(
            self.options, str | bytes
        )
        expected = "at least two different texts, numbers, True, False or None (of other things their names)"
        expect(is_list, "options", expected, self.options)
        plain = tuple(v.item() if isinstance(v, np.generic) else v for v in self.options)
        are_plain = all(
            v is None or isinstance(v, str | int) or (isinstance(v, float) and math.isfinite(v))
            for v in plain
        )
        expect(are_plain and len(plain) == len(set(plain)) > 1, "options", expected, self.options)
        object.__setattr__(self, "options", plain)

    def at(self, share: float) -> Value:
        """Return the value at a share of the list, each with an even part of it.

        Raises:
            ValueError: a share outside [0, 1].
        """
        share = check_number("share", share, low=0.0, high=1.0)
        return self.options[min(int(share * len(self.options)), len(self.options) - 1)]

    def levels(self, count: int) -> list[Value]:
        """Return all values, however many are asked for."""
        check_integer("count", count, low=1)
        return list(self.options)

    def suggest(self, trial: "Trial", name: str) -> Value:
        """Ask a trial of Optuna's for a value."""
        return trial.suggest_categorical(name, self.options)

    def as_list(self) -> list:
        """Return what is kept on record of it, in which 1, 1.0 and True differ."""
        return ["one of", json.dumps(self.options)]


Part = Range | IntRange | Choice
Space = Mapping[str, Part]
Point = dict[str, Value]


def check_space(space: Space) -> None:
    """Check that a space is a mapping of names to values.

    Raises:
        ValueError: it is not, or it is empty.
    """
    fits = isinstance(space, Mapping) and len(space) > 0
    fits = fits and all(isinstance(name, str) and isinstance(part, Part) for name, part in space.items())
    expect(fits, "space", "at least one Range, IntRange or Choice by the hyperparameter's name", space)


def grid_points(space: Space, trials: int, *, seed: int) -> list[Point]:
    """Return all points of a grid, in an order that the seed draws.

    It has as many levels in each direction; fewer in an ``IntRange`` that has no more, and all of a
    ``Choice``.

    Args:
        space: the values of each hyperparameter.
        trials: number of points, of a full grid.
        seed: draws the order, so that a grid that is cut short has not only seen one side.

    Raises:
        ValueError: no space, or a number of points that makes no full grid.

    >>> grid_points({"hidden_size": IntRange(8, 32), "on": Choice(["h", "c"])}, 4, seed=0)[0]
    {'hidden_size': 32, 'on': 'h'}
    """
    check_space(space)
    check_integer("trials", trials, low=1)
    levels = _levels(space, trials)
    found = math.prod(map(len, levels))
    expect(found == trials, "trials", f"as many as a full grid has (such as {found})", trials)
    points = list(itertools.product(*levels))
    order = np.random.default_rng(check_integer("seed", seed)).permutation(trials)
    return [dict(zip(space, points[place], strict=True)) for place in order]


def random_point(space: Space, place: int, *, seed: int) -> Point:
    """Return the random point of one number, each hyperparameter drawn evenly on its own scale.

    Args:
        space: the values of each hyperparameter.
        place: the point's number in the search, from 0.
        seed: of the search; another seed draws other points.

    Raises:
        ValueError: no space, or a number below 0.

    >>> space = {"lr": Range(1e-4, 1e-1, log=True), "hidden_size": IntRange(8, 64)}
    >>> random_point(space, 0, seed=0) == random_point(space, 0, seed=0) != random_point(space, 1, seed=0)
    True
    """
    check_space(space)
    rng = np.random.default_rng([check_integer("seed", seed), check_integer("place", place)])
    return {
        name: part.at(share)
        for (name, part), share in zip(space.items(), rng.random(len(space)), strict=True)
    }


def _levels(space, trials):
    """Return the levels of each part, as few as make a grid of a number of trials, or the next larger one."""
    numbers = [part for part in space.values() if not isinstance(part, Choice)]
    options = math.prod(len(part.options) for part in space.values() if isinstance(part, Choice))
    sizes = [math.inf if isinstance(p, Range) else (p.high - p.low) // p.step + 1 for p in numbers]
    count = max(1, math.floor((trials / options) ** (1 / max(1, len(numbers)))))
    levels = [part.levels(count) for part in space.values()]
    while math.prod(map(len, levels)) < trials and count < max(sizes, default=1):
        count += 1
        levels = [part.levels(count) for part in space.values()]
    return levels


def _check_log(log, low):
    expect(log in (True, False), "log", "True or False", log)
    expect(not log or low > 0, "low", "a number above 0 on a logarithmic scale", low)
