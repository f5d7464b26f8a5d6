"""Keras's regularizers and constraints of a layer as functions of this library, and back.

Two conventions differ: Keras's L2 has no 1/2, and its kernels are the transposes of our weights, so that its
axis 0 is our "row" and the rows of its orthogonal regularizer are our columns. Keras is not imported here: it
is an argument.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from numbers import Integral
from types import ModuleType
from typing import Any

from torch import Tensor

from labcode._checks import check_one_of, expect
from labcode._targets import target_arrays
from labcode.constraints import max_norm_torch, min_max_norm_torch, non_neg_torch, unit_norm_torch
from labcode.keras_interop.activity import ActivityPenalty, LayerRegularization
from labcode.lstm.module import RegularizedLSTM
from labcode.penalties import (
    WeightRegularization,
    l1_l2_penalty_torch,
    l1_penalty_torch,
    l2_penalty_torch,
    orthogonal_penalty_torch,
)

TARGETS = {"input": "kernel", "recurrent": "recurrent", "bias": "bias"}  # ours, and Keras's

# Keras's class: our function, and our arguments by Keras's.
REGULARIZERS = {
    "L1": (l1_penalty_torch, {"l1": "lam"}),
    "L2": (l2_penalty_torch, {"l2": "lam"}),
    "L1L2": (l1_l2_penalty_torch, {"l1": "lam1", "l2": "lam2"}),
    "OrthogonalRegularizer": (orthogonal_penalty_torch, {"factor": "lam", "mode": "mode"}),
}
_BOUNDS = {"min_value": "low", "max_value": "high", "rate": "rate"}
CONSTRAINTS = {
    "MaxNorm": (max_norm_torch, {"max_value": "limit", "axis": "axis"}),
    "UnitNorm": (unit_norm_torch, {"axis": "axis"}),
    "MinMaxNorm": (min_max_norm_torch, _BOUNDS | {"axis": "axis"}),
    "NonNeg": (non_neg_torch, {}),
}
_ACTIVITY = {name: rule for name, rule in REGULARIZERS.items() if name.startswith("L")}


def rules_to_keras(
    keras: ModuleType, regularization: WeightRegularization, lstm: RegularizedLSTM
) -> dict[str, object]:
    """Return Keras's arguments for penalties and constraints, such as ``kernel_regularizer``."""
    arguments = {}
    for kind, functions, table, module in (
        ("regularizer", regularization.penalties, REGULARIZERS, keras.regularizers),
        ("constraint", regularization.constraints, CONSTRAINTS, keras.constraints),
    ):
        for target, function in functions.items():
            name, weights = f"{TARGETS[target]}_{kind}", target_arrays(lstm, target)["_l0"]
            arguments[name] = to_keras_rule(name, function, table, module, weights.detach())
    return arguments


def rules_from_keras(keras: ModuleType, layer: Any, halves: Sequence) -> LayerRegularization:
    """Return what a layer, or each direction of it, has of regularizers and constraints.

    Of weights that are not trained Keras heeds neither.
    """
    found: dict[str, dict[str, partial]] = {"regularizer": {}, "constraint": {}}
    tables = {"regularizer": REGULARIZERS, "constraint": CONSTRAINTS}
    modules = {"regularizer": keras.regularizers, "constraint": keras.constraints}
    for kind, functions in found.items():
        for target, theirs in TARGETS.items():
            name, ndim = f"{theirs}_{kind}", 1 if target == "bias" else 2
            rules = [getattr(half.cell, name) for half in halves]
            rule = _the_same(name, rules, tables[kind], modules[kind], ndim)
            if rule is not None and layer.trainable_weights:
                functions[target] = rule
    return LayerRegularization(
        penalties=found["regularizer"],
        constraints=found["constraint"],
        activation_penalty=_activity_from_keras(keras, layer, halves),
    )


def activity_to_keras(
    keras: ModuleType, activity: ActivityPenalty | None, layer: Any, lstm: RegularizedLSTM
) -> object:
    """Return the ``activity_regularizer`` of a layer of Keras that is to compute what an LSTM does."""
    if activity is None:
        return None
    expect(not layer.return_state, "return_state", "False (Keras penalizes the states, too)", True)
    wanted = {"last": not layer.return_sequences, "bidirectional": lstm.bidirectional}
    received = {name: getattr(activity, name) for name in wanted}
    expect(received == wanted, "activation_penalty", f"{wanted}, as the layer returns", received)
    name, outputs = "activation_penalty", lstm.weight_hh_l0.new_zeros(1, 1)
    return to_keras_rule(name, activity.penalty, _ACTIVITY, keras.regularizers, outputs)


def _activity_from_keras(keras, layer, halves):
    """Return the penalty on a layer's outputs, or None."""
    name = "activity_regularizer"
    inside = _the_same(name, [getattr(h, name) for h in halves], _ACTIVITY, keras.regularizers, 3)
    if inside is None or len(halves) == 1:
        rule = _the_same(name, [getattr(layer, name)], _ACTIVITY, keras.regularizers, 3)
    else:
        rule, outside = inside, layer.activity_regularizer
        expect(outside is None, name, "one on the Bidirectional or on its layers, not on both", outside)
    if rule is None:
        return None
    expected = "False with an activity_regularizer (Keras penalizes the states, too)"
    expect(not layer.return_state, "return_state", expected, layer.return_state)
    return ActivityPenalty(rule, last=not layer.return_sequences, bidirectional=len(halves) == 2)


def _the_same(name, rules, table, module, ndim):
    """Return our function for the rule that all directions of a layer have, or None."""
    ours = [None if rule is None else from_keras_rule(name, rule, table, module, ndim) for rule in rules]
    plain = [None if rule is None else (rule.func, rule.keywords) for rule in ours]
    expect(all(one == plain[0] for one in plain), name, "the same in both directions", rules)
    return ours[0]


def to_keras_rule(name: str, rule: Callable, table: Mapping, module: ModuleType, weights: Tensor) -> object:
    """Return the regularizer or constraint of Keras for a function of this library.

    Args:
        name: what to call it in an error.
        rule: a function of ``table``, as a ``functools.partial`` with keywords where it takes arguments.
        table: ``REGULARIZERS`` or ``CONSTRAINTS``.
        module: ``keras.regularizers`` or ``keras.constraints``.
        weights: what the rule is for, as it lies here.

    Raises:
        ValueError: a function, or an argument of it, that Keras has not or that fails here. Chapter 5.
    """
    function, keywords = (rule.func, rule.keywords) if isinstance(rule, partial) else (rule, {})
    theirs = {ours: theirs for theirs, (ours, _) in table.items()}
    known = ", ".join(ours.__name__ for ours in theirs)
    expect(function in theirs, name, f"a functools.partial of one of {known}", rule)
    expect(not getattr(rule, "args", ()), name, "keywords only: the weights are the first argument", rule)
    try:
        given = inspect.signature(function).bind(None, **keywords)
    except TypeError as error:
        expected = f"the arguments of {function.__name__} by name ({error})"
        raise ValueError(f"{name}: expected {expected}, received {keywords}") from error
    given.apply_defaults()
    rule(weights)  # a bad strength or shape fails in the words of this library
    names = table[theirs[function]][1]
    arguments = {
        keras_name: _TO_KERAS.get(keras_name, _same)(given.arguments[our_name], weights.ndim)
        for keras_name, our_name in names.items()
    }
    return getattr(module, theirs[function])(**arguments)


def from_keras_rule(name: str, rule: Any, table: Mapping, module: ModuleType, ndim: int) -> partial:
    """Return the function of this library, with its arguments, for a regularizer or constraint of Keras.

    Args:
        name, table, module: as in ``to_keras_rule``.
        rule: an object of one of Keras's own classes.
        ndim: axes of the weights, 1 for a bias, else 2.

    Raises:
        ValueError: an object of another class. Chapter 5.
    """
    classes = [keras_class for keras_class in table if type(rule) is getattr(module, keras_class)]
    expect(len(classes) == 1, name, f"None or one of Keras's {', '.join(table)}", rule)
    (function, names), config = table[classes[0]], rule.get_config()
    arguments = {
        our_name: _FROM_KERAS.get(keras_name, _same)(config[keras_name], ndim)
        for keras_name, our_name in names.items()
    }
    return partial(function, **arguments)


def _axis_from_keras(axis, ndim):
    """Translate the axes of a norm on a kernel (in, 4H), or on a bias, into those of its transpose."""
    axes = _axes(axis, ndim)
    if len(axes) == ndim:
        return "matrix"
    return "row" if axes == {0} else 0


def _axis_to_keras(axis, ndim):
    """Translate the axes of a norm here into those of the transpose."""
    if axis == "matrix":
        return list(range(ndim))
    if axis == "row" and ndim == 2:
        return 0
    axes = sorted(ndim - 1 - a for a in _axes(axis, ndim))
    return axes[0] if len(axes) == 1 else axes


def _axes(axis, ndim):
    """Return a set of axes, counted from the first."""
    axes = axis if isinstance(axis, list | tuple) else [axis]
    fits = len(axes) > 0 and all(isinstance(a, Integral) and -ndim <= a < ndim for a in axes)
    expected = f"one that Keras and labcode have: of {ndim}-dimensional weights, or of a matrix 'row'"
    expect(fits, "axis", expected, axis)
    return {a % ndim for a in axes}


def _same(value, ndim):
    return value


def _other_mode(mode, ndim):
    """Rows of a kernel are columns of its transpose."""
    return "columns" if check_one_of("mode", mode, ("rows", "columns")) == "rows" else "rows"


_FROM_KERAS = {"l2": lambda l2, ndim: 2 * l2, "mode": _other_mode, "axis": _axis_from_keras}
_TO_KERAS = {"l2": lambda lam, ndim: lam / 2, "mode": _other_mode, "axis": _axis_to_keras}
