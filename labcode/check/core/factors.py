"""A factor or an offset that all wrong numbers share, named by constants, arguments, or counts of them."""

import math

import numpy as np

from labcode.check.core.collect import parameters

CONSTANTS = {
    "-1": -1.0,
    "2": 2.0,
    "1/2": 0.5,
    "4": 4.0,
    "1/4": 0.25,
    "10": 10.0,
    "1/10": 0.1,
    "1000": 1e3,
    "1/1000": 1e-3,
    "3": 3.0,
    "1/3": 1 / 3,
    "ln 2": math.log(2),
    "2 ln 2": 2 * math.log(2),
    "1/ln 2": 1 / math.log(2),
    "ln 10": math.log(10),
    "1/ln 10": 1 / math.log(10),
    "√2": math.sqrt(2),
    "1/√2": math.sqrt(0.5),
    "π": math.pi,
    "2π": 2 * math.pi,
}


def close(got, candidate) -> bool:
    """Tell whether two arrays hold the same numbers; a candidate may be None."""
    if candidate is None or candidate.shape != got.shape:
        return False
    with np.errstate(all="ignore"):  # as np.allclose, which takes five times as long
        near = np.abs(got - candidate) <= 1e-9 + 1e-6 * np.abs(candidate)
        near &= np.isfinite(candidate)
        return bool((near | (got == candidate) | ((got != got) & (candidate != candidate))).all())


def factors(checker, pairs) -> list[str]:
    """Find the factor, or the offset, that all numbers share; named by the arguments where that fits."""
    said, got, want = [], *(np.concatenate([p[i].ravel() for p in pairs]) for i in (0, 1))
    count = [want_i.size for _, want_i in pairs]
    if want.any():
        said += [
            _factor_text(name)
            for name, values in quantities(checker).items()
            if np.isfinite(values).all() and close(got, np.repeat(values, count) * want)
        ]
        ratio = got[np.flatnonzero(want)[0]] / want[np.flatnonzero(want)[0]]
        if not said and len(np.unique(want[want != 0])) > 1 and close(got, ratio * want):
            said.append(f"Every value is {ratio:.4g} times what it should be.")
        said = said or _about(got, want)
    offset = got[0] - want[0]
    one = len(np.unique(want)) < 2
    if close(got, want + offset) and (not one or float(offset).is_integer()):
        side = "large" if offset > 0 else "small"
        said.append(f"Every value is too {side} by {abs(offset):.4g}.")
    return said


def _factor_text(name):
    if name in ("100", "1/100"):
        return f"Every value is {name} times what it should be: percent and shares are mixed up."
    if name == "-1":
        return "The sign is reversed."
    if name.startswith("ddof"):
        return name.removeprefix("ddof")
    return f"Every value is {name} times what it should be."


def quantities(checker) -> dict[str, np.ndarray]:
    """Return what may be a factor, by name: its value in each case."""
    cases = checker.cases
    quantities = {name: np.full(len(cases), value) for name, value in CONSTANTS.items()}
    quantities |= {"100": np.full(len(cases), 100.0), "1/100": np.full(len(cases), 0.01)}
    for position, name in enumerate(parameters(checker.solution)):
        args = [case.args[position] for case in cases if position < len(case.args)]
        if len(args) < len(cases):
            continue
        with np.errstate(all="ignore"):
            quantities |= _of_numbers(name, args) or _of_sizes(name, args)
    return quantities


def _of_numbers(name, args) -> dict[str, np.ndarray]:
    if not all(isinstance(a, int | float) and not isinstance(a, bool) for a in args):
        return {}
    a = np.array(args, dtype=float)
    return {
        name: a,
        f"1/{name}": 1 / a,
        f"(1 - {name})": 1 - a,
        f"1/(1 - {name})": 1 / (1 - a),
        f"(1 + {name})": 1 + a,
        f"{name}/2": a / 2,
        f"2/{name}": 2 / a,
        f"{name}²": a**2,
        f"√{name}": np.sqrt(a),
        f"1/√{name}": 1 / np.sqrt(a),
        f"(1 - {name})²": (1 - a) ** 2,
        f"1/(1 - {name})²": 1 / (1 - a) ** 2,
        f"√(1 - {name})": np.sqrt(1 - a),
        f"1/√(1 - {name})": 1 / np.sqrt(1 - a),
        f"{name}/(1 - {name})": a / (1 - a),
        f"(1 - {name})/{name}": (1 - a) / a,
    }


def _of_sizes(name, args) -> dict[str, np.ndarray]:
    """Return factors that come from counting along an axis: n, 1/n, and those of the divisor n - 1."""
    shapes = [np.shape(a) if isinstance(a, np.ndarray) else (len(a),) for a in args if _is_counted(a)]
    if len(shapes) < len(args) or not all(shapes):
        return {}
    counts = {f"the length n of {name}": np.array([shape[0] for shape in shapes], dtype=float)}
    if all(len(shape) > 1 for shape in shapes):
        counts[f"the number n of columns of {name}"] = np.array([shape[-1] for shape in shapes], dtype=float)
        counts[f"the number n of entries of {name}"] = np.array([math.prod(shape) for shape in shapes], float)
    found: dict[str, np.ndarray] = {}
    for label, n in counts.items():
        found |= {label: n, f"1/n, n being {label.replace(' n', '', 1)},": 1 / n}
        found |= {f"√n, n being {label.replace(' n', '', 1)},": np.sqrt(n)}
        found |= {f"1/√n, n being {label.replace(' n', '', 1)},": 1 / np.sqrt(n)}
        for text, ratio in (("n - 1 in place of n", n / (n - 1)), ("n in place of n - 1", (n - 1) / n)):
            where = f"n being {label.replace(' n', '', 1)}"
            found[f"ddofIt is divided by {text} ({where}): look at ddof."] = ratio
            found[f"ddofUnder a root, it is divided by {text} ({where}): look at ddof."] = np.sqrt(ratio)
    return found


def _is_counted(value) -> bool:
    return (isinstance(value, np.ndarray) and value.ndim > 0) or (
        isinstance(value, list | tuple) and len(value) > 0
    )


def _about(got, want) -> list[str]:
    """Find the factor of whole numbers that were rounded after it."""
    largest = np.abs(want).argmax()
    if not (np.array_equal(got, np.round(got)) and np.unique(want).size > 1 and abs(want[largest]) >= 100):
        return []
    ratio = got[largest] / want[largest]
    if abs(ratio - 1) > 2 / abs(want[largest]) and (np.abs(got - ratio * want) <= 1 + abs(ratio)).all():
        return [f"Every value is about {ratio:.3g} times what it should be."]
    return []
