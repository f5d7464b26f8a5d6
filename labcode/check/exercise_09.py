"""Checkers of exercise 9: searching and choosing, reading curves and comparing fairly."""

from labcode.check import exercise_09_choice, exercise_09_curves, exercise_09_search, exercise_09_training

CHECKERS = (
    exercise_09_search.log_uniform,
    exercise_09_search.compare_searches,
    exercise_09_search.random_search,
    exercise_09_choice.one_standard_error,
    exercise_09_choice.nested_estimate,
    *exercise_09_curves.CHECKERS,
    exercise_09_training.repair_run,
)
