"""What a task is made of: cases, some drawn at random, misconceptions; and what a judgement is."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

DRAWS = 3  # random cases of a checker that draws them
_seed: int | None = None


def seed(number: int | None) -> None:
    """Draw the random cases of all checks from this seed; None for new ones at each call, as at the start.

    Raises:
        ValueError: it is no whole number from 0.
    """
    global _seed
    if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 0):
        raise ValueError(f"number: expected a whole number from 0 or None, received {number!r}")
    _seed = number


def next_seed() -> int:
    """Return the seed that was set, or a new one."""
    return _seed if _seed is not None else secrets.randbelow(10**6)


@dataclass(frozen=True)
class Case:
    """One call of the learner's function: a label in words, and its arguments."""

    label: str
    args: tuple


@dataclass(frozen=True)
class DrawnCase(Case):
    """A case that was drawn at random, and the seed that draws it again."""

    seed: int


@dataclass(frozen=True, eq=False)
class Misconception:
    """A typical mistake: the switches that reproduce it, and what to tell a learner who made it."""

    name: str
    switches: Mapping[str, Any]
    message: str


@dataclass(frozen=True)
class Verdict:
    """What was found: whether all is right, the share of cases that are, the text, and the reasons' names."""

    right: bool
    share: float
    text: str
    reasons: tuple[str, ...] = ()


def drawn(draw: Callable[[np.random.Generator], Case | tuple], number: int, seed: int) -> list[DrawnCase]:
    """Return random cases, the same ones for the same seed.

    Args:
        draw: makes a case, or the arguments of one, from a generator.
        number: of cases.
        seed: of the generator.
    """
    rng, cases = np.random.default_rng(seed), []
    for count in range(1, number + 1):
        made = draw(rng)
        case = made if isinstance(made, Case) else Case(f"drawn at random, no. {count}", made)
        cases.append(DrawnCase(case.label, case.args, seed))
    return cases


def marked(cases: tuple[Case, ...], marks: list[bool]) -> list[str]:
    """Return a line for each case, and one for all that were drawn at random."""
    pairs = list(zip(cases, marks, strict=True))
    lines = [f"{'✓' if ok else '✗'} {case.label}" for case, ok in pairs if not isinstance(case, DrawnCase)]
    random = [ok for case, ok in pairs if isinstance(case, DrawnCase)]
    if random:
        count = f"{len(random)}" if all(random) else f"{sum(random)} of {len(random)}"
        lines.append(f"{'✓' if all(random) else '✗'} {count} more cases, drawn at random")
    return lines
