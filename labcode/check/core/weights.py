"""An argument that counts too much or too little in what is expected, or whose direction came back."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np

from labcode.check.core.collect import parameters
from labcode.check.core.compare import flat, numbers
from labcode.check.core.factors import close, quantities
from labcode.check.core.values import plain

TELLING = 2  # cases that must bear a statement


def weights(checker, results: list, wanted: list) -> list[str]:
    """Return a sentence for each argument whose part of the result has one factor in each case.

    What an argument adds is what is expected less what would be expected if it were 0; so this is found of
    any solution that is a sum, whatever its terms are.
    """
    pairs = [(flat(got), flat(want)) for got, want in zip(results, wanted, strict=True)]
    if not all(got.shape == want.shape and np.isfinite(got).all() for got, want in pairs):
        return []
    said = []
    for place, name in enumerate(parameters(checker.solution)):
        counted = []
        for case, pair in zip(checker.cases, pairs, strict=True):
            counted.append(_without(checker, case, place, *pair))
            if not counted[-1]:
                break
        else:
            said += _said(checker, f"What `{name}` adds counts {{}} times what it should", counted)
    return said[:TELLING]


def _without(checker, case, place, got, want):
    """Return the factor of what an argument adds in a case, and whether its direction shows; () for none."""
    zero = _zero(case.args[place]) if place < len(case.args) else None
    if zero is None:
        return ()
    args = (*case.args[:place], zero, *case.args[place + 1 :])
    alone = replace(checker, cases=(replace(case, args=copy.deepcopy(args)),))
    try:
        with np.errstate(all="ignore"):
            base = flat(plain(alone.outputs({})[0]))
    except Exception:
        return ()  # the solution does not bear a 0 there
    if base.shape != want.shape or not np.isfinite(base).all():
        return ()
    added, should = got - base, want - base
    if not should.any():
        return (None, False) if close(added, should) else ()
    factor = added @ should / (should @ should)
    shows = np.unique(should[should != 0].round(9)).size > 1
    return (float(factor), shows) if close(added, factor * should) else ()


def _zero(arg):
    """Return an argument with 0 for every real number in it; None for one that holds none."""
    if isinstance(arg, float):
        return 0.0
    if isinstance(arg, np.ndarray) and arg.dtype.kind == "f":
        return np.zeros_like(arg)
    if isinstance(arg, dict) and arg and all(_zero(part) is not None for part in arg.values()):
        return {key: _zero(part) for key, part in arg.items()}
    return None


def directions(checker, pairs: list) -> list[str]:
    """Say that what came back is an argument times one number in each case."""
    for place, name in enumerate(parameters(checker.solution)):
        given = [numbers(c.args[place]) if place < len(c.args) else None for c in checker.cases]
        both = list(zip(given, [got for got, _ in pairs], strict=True))
        if not all(a is not None and a.ndim and a.shape == got.shape for a, got in both):
            continue
        counted: list[tuple] = []
        a: Any
        for a, got in both:
            factor = float((got * a).sum() / (a * a).sum()) if a.any() else None
            fits = close(got, a if factor is None else factor * a)
            counted.append((factor, np.unique(a.round(9)).size > 1) if fits else ())
        if all(counted):
            return _said(checker, f"What comes back is `{name}`, multiplied by {{}}", counted)
    return []


def _said(checker, what, counted):
    """Name the factors of all cases; unnamed, they must be borne out by several numbers in several cases."""
    places = [i for i, (factor, _) in enumerate(counted) if factor is not None]
    factors = np.array([counted[i][0] for i in places])
    if len(places) < TELLING or close(factors, np.ones_like(factors)):
        return []
    known = {name: values for name, values in quantities(checker).items() if "ddof" not in name}
    named = [name for name, values in known.items() if close(factors, values[places])]
    if named:
        return [f"{what.format(named[0])}."]
    if sum(counted[i][1] for i in places) < TELLING or np.isclose(factors, 1).any():
        return []
    if np.ptp(factors) < 1e-6 * abs(factors[0]):
        return [f"{what.format(f'{factors[0]:.4g}')}."]
    listed = ", ".join(f"{factor:.4g}" for factor in factors[:3])
    return [f"{what.format('one number')}, another in each case: {listed} …"]


def own_offsets(pairs: list) -> list[str]:
    """Say that in each case all numbers are off by one number, if not by the same one."""
    apart = [got - want for got, want in pairs if want.size > 1]
    if len(apart) < TELLING or not all(np.isfinite(d).all() and np.ptp(d) < 1e-9 for d in apart):
        return []
    if not all(np.unique(want.round(9)).size > 1 for _, want in pairs if want.size > 1):
        return []
    listed = ", ".join(f"{d.flat[0]:.4g}" for d in apart[:3])
    return [f"In each case one number is added to all that is expected, another in each: {listed} …"]
