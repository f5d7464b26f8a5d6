"""Checkers of exercise 9: reading curves and comparing fairly."""

from labcode.check import exercise_09_curves

CHECKERS = (*exercise_09_curves.CHECKERS,)
