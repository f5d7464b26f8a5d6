"""Bootstrap intervals and p-values that cover the seeds and the test items, and Holm's correction of them."""

from collections.abc import Iterator, Mapping

import numpy as np

from labcode._checks import check_array, check_instance, check_integer, check_number, check_shape, expect


def resamples(
    seeds: int, items: int, *, rng: np.random.Generator, block: int = 1, draws: int = 4000
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Draw seeds, and blocks of neighbouring items, with replacement and independently of each other.

    Blocks keep the dependence between neighbours of a time series (the circular block bootstrap);
    ``block=1`` draws single items, which is right where they are independent.

    Args:
        seeds, items: how many there are.
        rng: NumPy generator.
        block: neighbouring items that are drawn together.
        draws: number of resamples.

    Yields:
        The numbers of the seeds (seeds,) and of the items (items,) of one resample.

    Raises:
        ValueError: no generator, a block longer than the items, or a number below 1.

    Source: Politis and Romano (1992), A circular block-resampling procedure for stationary data; Owen (2007),
        The pigeonhole bootstrap, for the two directions at once. Chapter 1.2.
    """
    expect(isinstance(rng, np.random.Generator), "rng", "a NumPy Generator", rng)
    block = check_integer("block", block, low=1)
    expect(block <= items, "block", f"at most {items}, the number of items", block)
    for _ in range(check_integer("draws", draws, low=1)):
        rows = rng.integers(seeds, size=seeds)
        starts = rng.integers(items, size=-(-items // block))
        yield rows, (starts[:, None] + np.arange(block)).ravel()[:items] % items


def resample_weights(
    seeds: int, items: int, *, rng: np.random.Generator, block: int = 1, draws: int = 4000
) -> tuple[np.ndarray, np.ndarray]:
    """Return ``resamples`` as weights, which many differences of one shape can share.

    Returns:
        The share of each seed in each resample, (draws, seeds), and that of each item, (draws, items).
    """
    by_seed, by_item = np.empty((draws, seeds)), np.empty((draws, items))
    for draw, (rows, columns) in enumerate(resamples(seeds, items, rng=rng, block=block, draws=draws)):
        by_seed[draw] = np.bincount(rows, minlength=seeds) / seeds
        by_item[draw] = np.bincount(columns, minlength=items) / items
    return by_seed, by_item


def bootstrap_means(differences: np.ndarray, weights: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return the mean difference of each resample, (draws,).

    Args:
        differences: as in ``paired_interval``, (seeds, items).
        weights: what ``resample_weights`` returned for that many seeds and items.
    """
    by_seed, by_item = weights
    check_shape("differences, (seeds, items)", differences, (by_seed.shape[1], by_item.shape[1]))
    return (by_seed * (by_item @ check_array("differences", differences).T)).sum(axis=1)


def paired_interval(
    differences: np.ndarray,
    *,
    rng: np.random.Generator,
    block: int = 1,
    level: float = 0.95,
    draws: int = 4000,
) -> tuple[float, float]:
    """Bootstrap an interval for a mean paired difference that covers the seeds and the test items.

    Args:
        differences: method minus baseline, one loss difference for each seed and test item: (seeds, items).
            A single column of means, (seeds, 1), gives an interval over seeds alone.
        rng: NumPy generator that draws the resamples.
        block: neighbouring items that are resampled together.
        level: coverage that the interval aims at, in [0, 1].
        draws: number of resamples.

    Returns:
        The lower and the upper end, in units of the loss.

    Raises:
        ValueError: not (seeds, items), a block longer than the items, or a level outside [0, 1].

    Source: as in ``resamples``. Chapter 1.2.
    """
    differences, level = (
        check_array("differences", differences),
        check_number("level", level, low=0.0, high=1.0),
    )
    check_shape("differences, (seeds, items)", differences, (None, None))
    drawn = resamples(*differences.shape, rng=rng, block=block, draws=draws)
    means = np.array([differences[rows].mean(axis=0)[columns].mean() for rows, columns in drawn])
    return interval_of(means, level)


def interval_of(means: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Return the interval that holds the middle share ``level`` of the resampled means."""
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def bootstrap_p(means: np.ndarray) -> float:
    """Return the two-sided p-value of "there is no difference", from resampled means of the difference.

    p = (1 + 2 * min(#(d <= 0), #(d >= 0))) / (draws + 1), at most 1: small where almost all resamples lie on
    one side of 0. It is below 0.05 just about when 0 lies outside the 95 % interval of the same resamples.

    Args:
        means: what ``bootstrap_means`` returned, (draws,).

    Raises:
        ValueError: not one axis of floats.

    Source: Efron and Tibshirani (1993), An introduction to the bootstrap, chapter 15; the 1 is that of
        Davison and Hinkley (1997), Bootstrap methods and their application, section 4.2.3.
    """
    means = check_array("means", means)
    check_shape("means", means, (None,))
    fewer = min(np.count_nonzero(means <= 0), np.count_nonzero(means >= 0))
    return float(min(1.0, (1 + 2 * fewer) / (len(means) + 1)))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjust p-values for their number, so that the chance of even one false alarm stays below the level.

    The smallest of m is multiplied by m, the next by m - 1, and so on; none gets smaller than one before it.

    Args:
        p_values: p by name, each in [0, 1].

    Returns:
        Adjusted p by the same names, at most 1.

    Raises:
        ValueError: no mapping, or a p-value outside [0, 1].

    Source: Holm (1979), A simple sequentially rejective multiple test procedure.
    """
    check_instance("p_values", p_values, Mapping, "p-values by name")
    checked = {name: check_number(f"p of {name}", p, low=0.0, high=1.0) for name, p in p_values.items()}
    adjusted, largest = {}, 0.0
    for rank, name in enumerate(sorted(checked, key=checked.__getitem__)):
        largest = max(largest, min(1.0, (len(checked) - rank) * checked[name]))
        adjusted[name] = largest
    return {name: adjusted[name] for name in checked}
