"""The machinery of every checker: run a learner's function, say what is right, what is wrong, and why.

``collect`` runs, within ``limits``, and returns plain ``values``; ``checker`` judges them: ``compare`` says
what is the same, ``findings`` what the difference is; ``blame`` finds the place in the learner's own code.
"""

from labcode.check.core.cases import Case, Misconception, Verdict, seed
from labcode.check.core.checker import Checker
from labcode.check.core.collect import Collected, NotYet, Outcome
from labcode.check.core.limits import limit
from labcode.check.core.values import Odd

__all__ = [
    "Case",
    "Checker",
    "Collected",
    "Misconception",
    "NotYet",
    "Odd",
    "Outcome",
    "Verdict",
    "limit",
    "seed",
]
