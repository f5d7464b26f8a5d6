"""Checkers for the exercises: `check.l2_penalty(my_function)` says what is right, what is wrong, and why."""

from labcode.check.exercise_01 import generalization_gap, l2_penalty, stopping_epoch

__all__ = ["generalization_gap", "l2_penalty", "stopping_epoch"]
