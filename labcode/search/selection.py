"""After a search: which setting to choose, and how far its own score can be believed."""

from collections.abc import Mapping, Sequence

import numpy as np

from labcode._checks import check_one_of, check_shape, expect


def one_standard_error(
    strengths: Sequence[float],
    means: Sequence[float],
    errors: Sequence[float],
    *,
    more_is_weaker: bool = False,
    mode: str = "min",
) -> float:
    """Choose the strongest regularization whose loss cannot be told from the lowest one.

    With the lowest mean loss at strength b, it is the strongest s with means[s] <= means[b] + errors[b]. The
    error is that of b, the lowest mean; the bound is included. Of scores it is the highest, and
    means[s] >= means[b] - errors[b].

    Args:
        strengths: what was tried, numbers in any order, no two alike.
        means: mean validation loss of each; infinite (minus infinity for a score) for one that failed.
        errors: standard error of each mean: standard deviation over root of the number (items, folds, seeds).
        more_is_weaker: whether a smaller number regularizes more, as for the limit of a norm or a number of
            units.
        mode: "min" for losses, "max" for scores.

    Returns:
        The chosen strength, one of ``strengths``.

    Raises:
        ValueError: categories, which have no order; not one mean and one error for each strength, no finite
            mean, or an error below 0.

    >>> one_standard_error([0.01, 0.1, 1.0], means=[0.85, 0.84, 0.80], errors=[0.02, 0.02, 0.01], mode="max")
    0.1

    Source: Breiman, Friedman, Olshen and Stone (1984), Classification and regression trees. Chapter 9.1.
    """
    strengths, means, errors = (np.asarray(values) for values in (strengths, means, errors))
    wanted = "numbers (categories have no order: choose among them by their means)"
    expect(strengths.dtype.kind in "iuf", "strengths", wanted, strengths.tolist())
    sign = 1.0 if check_one_of("mode", mode, ("min", "max")) == "min" else -1.0
    means, errors = sign * means.astype(float), errors.astype(float)
    check_shape("strengths", strengths, (None,))
    for name, values in {"means": means, "errors": errors}.items():
        check_shape(name, values, (len(strengths),))
    expect(len(set(strengths.tolist())) == len(strengths), "strengths", "no two alike", strengths.tolist())
    expect(
        not np.isnan(means).any() and bool(np.isfinite(means).any()),
        "means",
        "a finite value",
        (sign * means).tolist(),
    )
    expect(not np.isneginf(means).any(), "means", "no value that is infinitely good", (sign * means).tolist())
    lowest = int(means.argmin())
    error = float(errors[lowest])
    expect(
        np.isfinite(error) and error >= 0, "errors", "at the lowest mean a finite number of at least 0", error
    )
    near = strengths[means <= means[lowest] + error]
    return (near.min() if more_is_weaker else near.max()).item()


def winners(
    values: Sequence[float] | np.ndarray, *, pruned: Sequence[bool] | None = None, mode: str = "min"
) -> np.ndarray:
    """Return, for each budget of a search, the place of the trial that had won by then.

    Args:
        values: validation loss of each trial, in the order of the search; infinite for one that failed.
        pruned: which trials were stopped before their end, and cannot win; none by default.
        mode: "min" for losses, "max" for scores, of which minus infinity stands for one that failed.

    Returns:
        Places, (trials,): entry n - 1 belongs to a budget of n trials; the first of equal ones wins; -1
        before any trial is finished.

    Raises:
        ValueError: no trial, NaN, or not one mark for each trial.

    Chapter 9.1.
    """
    values = np.array(values, dtype=float)
    check_shape("values", values, (None,))
    expect(not np.isnan(values).any(), "values", "no NaN", values.tolist())
    values *= 1.0 if check_one_of("mode", mode, ("min", "max")) == "min" else -1.0
    if pruned is not None:
        marks = np.asarray(pruned, dtype=bool)
        check_shape("pruned", marks, (len(values),))
        values[marks] = np.inf
    lowest = np.minimum.accumulate(values)
    found = [int(np.argmin(values[: n + 1])) if np.isfinite(lowest[n]) else -1 for n in range(len(values))]
    return np.array(found)


def scores_by_budget(
    searches: Sequence[Mapping[str, Sequence]], budgets: Sequence[float], *, mode: str = "min"
) -> tuple[np.ndarray, np.ndarray]:
    """Return what the winner scores, where it was chosen and on fresh data, for growing budgets of steps.

    Args:
        searches: repeats of one search, each with "validation", "fresh", "steps" and "pruned" by trial:
            losses, None for what failed; what the trial cost; whether it was stopped before its end.
        budgets: steps that may be spent; a trial counts once all its steps are paid.
        mode: "min" for losses, "max" for scores.

    Returns:
        Validation and fresh values, (searches, budgets) each, NaN where no trial was finished.

    Raises:
        ValueError: no search or no budget.

    Chapter 9.1.
    """
    expect(len(searches) > 0 and len(budgets) > 0, "searches, budgets", "at least one", (searches, budgets))
    rows = []
    for one in searches:
        losses = np.array([one["validation"], one["fresh"]], dtype=float)  # None becomes NaN
        failed = -np.inf if mode == "max" else np.inf
        places = winners(np.where(np.isfinite(losses[0]), losses[0], failed), pruned=one["pruned"], mode=mode)
        paid = np.searchsorted(np.cumsum(one["steps"]), budgets, side="right") - 1
        won = np.where(paid >= 0, places[paid], -1)
        rows.append(np.where(won >= 0, losses[:, won], np.nan))
    validation, fresh = np.swapaxes(rows, 0, 1)
    return validation, fresh
