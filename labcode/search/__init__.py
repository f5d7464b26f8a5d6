"""Hyperparameters by grid, at random or with TPE, on Optuna. Read in this order:

``space``, where to look; ``trials``, the search itself; ``records``, how it survives kills; ``selection``,
what to choose afterwards and how far its score can be believed.
"""

from labcode._lazy import lazily

__getattr__, __all__ = lazily(
    __name__,
    {
        "space": ["Choice", "IntRange", "Range", "check_space", "grid_points", "random_point"],
        "trials": ["best", "best_so_far", "search"],
        "records": ["Tried"],
        "selection": ["one_standard_error", "scores_by_budget", "winners"],
    },
)
