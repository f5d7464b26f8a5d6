"""Checker of exercise 6, a model to regularize: its score comes from days that the learner does not get."""

import itertools
import textwrap
from dataclasses import dataclass

import numpy as np

from labcode.check.core import Case, Checker, Misconception, NotYet

SEEDS, HIDDEN = (0, 1, 2), 64
_LOOKS = itertools.count(1)
