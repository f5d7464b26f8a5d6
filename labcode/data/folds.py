"""Which samples are for training, validation and testing, drawn by a seed; what belongs together stays so."""

import numpy as np

from labcode._checks import check_integer, check_number, expect
from labcode.data.dataset import group_places

FOLDS = 10
ORDER = 2026  # seed of the one order in which groups go into folds, whatever the seed of an experiment


def learned_parts(
    groups: np.ndarray, pool: np.ndarray, *, seed: int, train_size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Share out the samples that are not for testing: an order that the seed draws fills training first.

    Args:
        groups: the group of each sample, (N,) of str.
        pool: indices of the samples to share out.
        seed: draws the order of the groups.
        train_size: samples for training.

    Returns:
        The indices of the training and the validation samples. The few samples that share a group with the
        last training sample but came too late for it are left out.

    Raises:
        ValueError: a bad argument, or too few samples to leave any for validation.
    """
    train_size = check_integer("train_size", train_size, low=1)
    rank = group_places(groups[pool], seed)
    order = np.argsort(rank, kind="stable")
    last = rank[order[min(train_size, len(order)) - 1]] if len(order) else 0
    train, validation = pool[order[:train_size]], pool[order[train_size:][rank[order[train_size:]] > last]]
    expect(len(validation) > 0, "train_size", f"fewer than the {len(pool)} samples there are", train_size)
    return train, validation


def redrawn_parts(
    groups: np.ndarray, *, seed: int, train_size: int, test_share: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Share out samples so that each of ten seeds has a test part of its own.

    A share of all groups is for testing only: ten folds, in an order that is always the same, of which the
    seed's last digit names one. No sample of it is learned from or chosen by with any seed, and two seeds
    with other last digits have no test sample in common. All folds have as many samples as the smallest.

    Args:
        groups, seed, train_size: as in ``learned_parts``.
        test_share: share of the groups that is for testing, in (0, 1).

    Returns:
        The indices of the training, validation and test samples.

    Raises:
        ValueError: a bad argument, fewer than ten groups for testing, or too few samples to learn from.
    """
    check_integer("seed", seed)
    expect(0 < check_number("test_share", test_share) < 1, "test_share", "a share in (0, 1)", test_share)
    place = group_places(groups, ORDER)
    tested = place < round(test_share * (place.max() + 1))
    sizes = np.bincount(place[tested] % FOLDS, minlength=FOLDS)
    expect(sizes.min() > 0, "groups", f"enough for {FOLDS} folds", f"{tested.sum()} samples to test")
    test = np.flatnonzero(tested & (place % FOLDS == seed % FOLDS))[: sizes.min()]
    return *learned_parts(groups, np.flatnonzero(~tested), seed=seed, train_size=train_size), test
