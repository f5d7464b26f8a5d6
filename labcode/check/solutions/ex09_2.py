"""Written by `course.py build` from ``source/exercises/ex09_2_diagnosing.py``; edit it there."""

import numpy as np


def rule_of_thumb(train, validation, baseline):
    """Return "overfit", "underfit" or "healthy"."""
    rises = validation[-1] > 1.1 * min(validation)
    fits = train[-1] <= baseline
    return "overfit" if rises else ("healthy" if fits else "underfit")


def read_runs(labels):
    """Return the likely case of each run, by its label."""
    names = ["shift", "overfit", "dropout left on", "underfit", "leak", "learning rate too high"]
    return dict(zip(labels, names, strict=True))


def samples_needed(losses, margin):
    """Return how many samples it takes for a 95 % interval of this margin."""
    spread = np.std(losses, ddof=1)
    return int(np.ceil((1.96 * spread / margin) ** 2))


def three_leaks(labels):
    """Return the labels of the lines that leak."""
    return ["B", "C", "H"]


def fair_comparison(validation, test):
    """Return the chosen rows of a and b, the mean difference a - b on test data, and its standard error."""
    rows = {name: int(losses.mean(axis=1).argmin()) for name, losses in validation.items()}
    difference = test["a"][rows["a"]] - test["b"][rows["b"]]
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    return rows["a"], rows["b"], difference.mean(), error
