"""Written by `course.py build` from ``source/exercises/ex09_1_choosing.py``; edit it there."""

import numpy as np


def log_uniform(u, low, high):
    """Return strengths from low to high, spread evenly over the exponents."""
    return low * (high / low) ** u


def compare_searches(a, b):
    """Return the best loss of a minus that of b, at the largest budget of epochs that both have spent."""
    budget = min(np.sum(a[1]), np.sum(b[1]))
    best = [np.min(losses[np.cumsum(steps) <= budget]) for losses, steps in (a, b)]
    return best[0] - best[1]


def random_search(objective, low, high, trials, rng):
    """Return the best of some strengths, drawn evenly over the exponents, and its loss."""
    strengths = log_uniform(rng.random(trials), low, high)
    loss, strength = min((objective(lam), lam) for lam in strengths)
    return strength, loss


def one_standard_error(strengths, losses):
    """Return the strongest strength within one standard error of the lowest mean loss."""
    means = losses.mean(axis=1)
    best = means.argmin()
    error = losses[best].std(ddof=1) / np.sqrt(losses.shape[1])
    return strengths[means <= means[best] + error].max()


def nested_estimate(validation, fresh):
    """Return the mean fresh loss of each split's winner, and the optimism of its validation loss."""
    rows, winners = np.arange(len(validation)), validation.argmin(axis=1)
    estimate = fresh[rows, winners].mean()
    return estimate, estimate - validation[rows, winners].mean()
