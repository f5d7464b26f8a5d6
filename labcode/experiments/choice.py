"""The choice of a strength: the lowest mean validation loss over the seeds, and whether the grid held it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from labcode._checks import expect
from labcode.experiments.runs import kept_epoch


@dataclass(frozen=True)
class Choice:
    """What was chosen for one method and variant.

    Attributes:
        methods: each method with its strength: one, or several for a combination, or nothing for "none".
        strength: the chosen one; for a combination, the factor.
        validation: mean validation loss by strength, infinite where a run failed.
        helps: whether the mean is below that of "none".
        edge: whether the grid should be wider, since the optimum may lie outside it.
    """

    methods: Mapping[str, float]
    strength: float
    validation: Mapping[float, float]
    helps: bool
    edge: bool


def validation_losses(records: Sequence[Mapping], variant: str, patience: int) -> np.ndarray:
    """Read each seed's validation loss off its curve, (seeds,): infinite where the run failed.

    Args:
        records: what ``runs.curve`` returned for each seed.
        variant: "last", or "early" for the epoch that early stopping would have kept.
        patience: of early stopping.
    """
    losses = []
    for record in records:
        curve = record.get("validation")
        if curve is None:
            losses.append(np.inf)
        else:
            losses.append(curve[-1 if variant == "last" else kept_epoch(curve, patience)])
    return np.array(losses)


def choose(
    grid: Mapping[float, Mapping[str, float]],
    losses: Mapping[float, np.ndarray],
    none: np.ndarray,
    *,
    more_is_weaker: bool = False,
) -> Choice:
    """Choose the strength with the lowest mean validation loss.

    The optimum is at an edge if it is the strongest one, or if it is the weakest one and better than no
    regularization by more than one standard error of the paired differences. A weakest one that is no better
    than that is no edge: the optimum then lies at, or next to, no regularization at all.

    Args:
        grid: each method's strength, by strength (or factor) of the grid.
        losses: validation losses by strength, (seeds,) each.
        none: validation losses without regularization, of the same seeds, (seeds,).
        more_is_weaker: whether a larger number regularizes less, as for a limit.

    Raises:
        ValueError: a run of every strength failed.
    """
    means = {strength: float(values.mean()) for strength, values in losses.items()}
    best = min(means, key=means.__getitem__)
    expect(np.isfinite(means[best]), "grid", "a strength at which all runs stay finite", sorted(means))
    weakest_first = sorted(grid, reverse=more_is_weaker)
    against_none = losses[best] - none
    error = against_none.std(ddof=1) / np.sqrt(len(none)) if len(none) > 1 else 0.0
    at_strong_end = best == weakest_first[-1]
    at_weak_end = best == weakest_first[0] and against_none.mean() < -error
    helps, edge = bool(against_none.mean() < 0), bool(at_strong_end or at_weak_end)
    return Choice(dict(grid[best]), best, means, helps, edge and len(grid[best]) > 0)


def edges(choices: Mapping[str, Mapping[str, Choice]]) -> list[str]:
    """Return what was chosen at an edge of its grid, by label and variant, as "label (variant)"."""
    return [
        f"{label} ({variant})"
        for label, by_variant in choices.items()
        for variant, choice in by_variant.items()
        if choice.edge
    ]
