"""Every public function of the numerical modules, with every argument spoiled in turn, one at a time.

A call must succeed with finite results (some other values are legal, such as a size that broadcasts) or raise
a ``ValueError`` that says what was expected and what was received. Valid arguments come from ``PAIRS`` and,
for what is no twin, from ``OTHERS``; arguments with a default are spoiled as well. What an argument is
spoiled with follows from its valid value.
"""

import importlib
import inspect
import warnings
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from test_pairs import PAIRS, make_arguments
from torch import nn
from torch.utils._pytree import tree_leaves, tree_map_only

from labcode.constraints import max_norm, max_norm_torch
from labcode.early_stopping import EarlyStopping
from labcode.experiments import paired_interval
from labcode.lstm import lstm_forward, lstm_step
from labcode.lstm.sequence_model import SequenceModel
from labcode.penalties import l2_penalty, l2_penalty_grad
from labcode.recurrent_dropout import DropoutSettings
from labcode.training import loop

TECHNIQUES = (
    "averaging constraints dropout early_stopping label_smoothing optimizers penalties recurrent_dropout"
)
OTHER_MODULES = ["lstm.reference", "_masks", "_targets", "lstm.module", "lstm.sequence_model"]
MODULES = [f"labcode.{name}" for name in [*TECHNIQUES.split(), *OTHER_MODULES]]
MODULES = [importlib.import_module(name) for name in MODULES]


def weights(rng):
    """Return the weights of a small bidirectional LSTM by name, as arrays."""
    sizes = {"weight_ih": (8, 3), "weight_hh": (8, 2), "bias_ih": (8,), "bias_hh": (8,)}
    return {k + s: rng.normal(size=size) for k, size in sizes.items() for s in ("_l0", "_l0_reverse")}


def cell(rng):
    """Return the arguments of one step of an LSTM."""
    sizes = {"z_x": (2, 8), "h": (2, 2), "c": (2, 2), "u": (8, 2)}
    return {name: rng.normal(size=size) for name, size in sizes.items()}


def cache(rng):
    """Return what a forward pass leaves for the backward pass."""
    return lstm_forward(rng.normal(size=(2, 5, 3)), weights(rng))[2]


def model(rng):
    """Return a model in float64."""
    return SequenceModel(3, 2, 1).double()


def trained(rng):
    """Return one parameter to optimize, in a list."""
    return [nn.Parameter(torch.ones(2))]


SEQUENCES = {"x": (2, 5, 3), "padding_mask": lambda rng: np.ones((2, 5), bool)}
MASKS = {
    "state": lambda rng: (rng.normal(size=(2, 2, 2)), rng.normal(size=(2, 2, 2))),
    "masks": lambda rng: {"h_l0": rng.random((2, 2)), "x_l0": rng.random((4, 2, 5, 3))},
}
SAMPLED = {"shape": lambda rng: (2, 3), "p": 0.5}
STEP = {"w": (4, 3), "grad": (4, 3), "lr": 0.1}
ADAM = STEP | {"state": lambda rng: (rng.normal(size=(4, 3)), rng.random((4, 3)), 1)}
PARAMS = {"params": trained, "lr": 0.1, "lam_l1": 0.1}
GENERATOR = {"generator": lambda rng: torch.Generator()}
RNG = {"rng": lambda rng: rng}
BY_TARGET = {"weights": weights, "strengths": lambda rng: {"input": 0.1, "bias": 0.2}}
LSTM_SIZES = {"x_shape": lambda rng: (2, 5, 3), "hidden_size": 2, "num_layers": 2, "bidirectional": True}
OTHERS = {
    "EarlyStopping": {"patience": 2, "baseline": 0.5},
    "EarlyStopping.update": {"epoch": 1, "value": 0.5},
    "EarlyStopping.load_state_dict": {"state": lambda rng: EarlyStopping().state_dict()},
    "DropoutSettings": {},
    "NonMonotonicTrigger": {"patience": 2},
    "WeightRegularization": {"penalties": lambda rng: {"input": torch.sum}},
    "WeightRegularization.constrain_": {"model": lambda rng: nn.LSTM(2, 3)},
    "WeightRegularization.penalty": {"model": lambda rng: nn.LSTM(2, 3)},
    "NonMonotonicTrigger.update": {"loss": 0.5},
    "ProximalAdam": PARAMS,
    "ProximalSGD": PARAMS,
    "RegularizedLSTM": {"input_size": 3, "hidden_size": 2},
    "RegularizedLSTM.expected_masks": {"input": (2, 5, 3)},
    "RegularizedLSTM.forward": {"input": SEQUENCES["x"], "padding_mask": SEQUENCES["padding_mask"]}
    | {"hx": MASKS["state"], "masks": MASKS["masks"]},
    "RegularizedLSTM.sample_masks": {"input": (2, 5, 3)} | GENERATOR,
    "SequenceModel": {"input_size": 3, "hidden_size": 2, "output_size": 1, "output_dropout": 0.1},
    "SequenceModel.forward": SEQUENCES | {"masks": MASKS["masks"]} | GENERATOR,
    "adam": ADAM,
    "adamw": ADAM,
    "averaging_start": {"losses": lambda rng: [1.0, 0.5, 0.7], "patience": 1},
    "check_masks": LSTM_SIZES | {"masks": MASKS["masks"]},
    "clip_by_global_norm": {"grads": lambda rng: (rng.normal(size=(4, 3)),), "max_norm": 0.4},
    "constrain": {"weights": weights, "projections": lambda rng: {"bias": lambda b: max_norm(b, 0.1)}},
    "constrain_": {"module": lambda rng: nn.LSTM(3, 2).double()}
    | {"projections": lambda rng: {"bias": lambda b: max_norm_torch(b, 0.1)}},
    "draw_mask": SAMPLED | GENERATOR | {"x": lambda rng: torch.ones(2, 3)},
    "dropout_mask": SAMPLED | RNG,
    "dropout_mask_torch": SAMPLED | GENERATOR,
    "evaluate": {"model": model, "data": lambda rng: (rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 1)))},
    "check_mask": {"name": "mask", "mask": (2, 3), "sizes": lambda rng: (2, 3)},
    "lstm_backward": {"grad_output": (2, 5, 4), "grad_state": MASKS["state"], "cache": cache},
    "lstm_forward": SEQUENCES | MASKS | {"weights": weights},
    "lstm_step": {name: (lambda rng, name=name: cell(rng)[name]) for name in ("z_x", "h", "c", "u")},
    "lstm_step_backward": {"grad_h": (2, 2), "grad_c": (2, 2), "u": (8, 2)}
    | {"step": lambda rng: lstm_step(**cell(rng))[2]},
    "paired_interval": {"differences": (3, 5), "draws": 5} | RNG,
    "penalty_by_target": BY_TARGET | {"penalty": lambda rng: l2_penalty},
    "penalty_grad_by_target": BY_TARGET | {"penalty_grad": lambda rng: l2_penalty_grad},
    "predict": SEQUENCES | {"model": model},
    "proximal_adam": ADAM | {"lam_l1": 0.1},
    "proximal_sgd": STEP | {"lam_l1": 0.1, "state": (4, 3)},
    "sample_masks": {"settings": lambda rng: DropoutSettings(dropout=0.5)} | LSTM_SIZES | RNG,
    "seeded": {"seed": 0},
    "sgd": STEP | {"state": (4, 3)},
    "target_arrays": {"weights": weights, "target": "bias"},
}

# What other code of labcode or torch has made or checked; "*" for all arguments.
NOT_SPOILED = {
    "DropoutSettings.plan": "*",
    "ProximalAdam": ("params",),
    "RegularizedLSTM": ("device",),
    "ProximalAdam.step": "*",
    "ProximalSGD": ("params",),
    "ProximalSGD.step": "*",
    "check_masks": tuple(LSTM_SIZES),
    "draw_mask": ("x",),
    "evaluate": ("model",),
    "check_mask": ("name", "sizes", "per_gate"),
    "lstm_backward": ("cache",),
    "lstm_step_backward": ("step",),
    "predict": ("model",),
    "step_equations": "*",
}


def public():
    """Return every public function, class and method with arguments, and a way to call it with them."""
    found = {"paired_interval": paired_interval, "seeded": seeded_block}
    found |= {"evaluate": loop.evaluate, "predict": loop.predict}
    for module in MODULES:
        for name, value in vars(module).items():
            is_its_own = callable(value) and value.__module__ == module.__name__
            if name.startswith("_") or not is_its_own:
                continue
            found[name] = value
            for method, function in vars(value).items() if inspect.isclass(value) else ():
                if inspect.isfunction(function) and not method.startswith("_"):
                    found[f"{name}.{method}"] = on_a_new_object(name, value, function)
    return {name: function for name, function in found.items() if inspect.signature(function).parameters}


def seeded_block(seed):
    """Enter and leave the block that ``seeded`` makes."""
    with loop.seeded(seed):
        pass


def on_a_new_object(name, cls, method):
    """Return a function that calls a method of an object made for the call, in float64 and in training."""
    sizes = {"RegularizedLSTM": {"input_size": 3, "hidden_size": 2, "bidirectional": True}}
    sizes["SequenceModel"] = sizes["RegularizedLSTM"] | {"output_size": 1}
    sizes["RegularizedLSTM"]["batch_first"] = True
    rates = {"zoneout_h": 0.2, "weight_drop": 0.2} if name in sizes else {}

    def call(*args, **kwargs):
        made = cls(**sizes.get(name, {}), **rates)
        return method(made.double() if name in sizes else made, *args, **kwargs)

    signature = inspect.signature(method)
    call.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])
    return call


FUNCTIONS = public()


def specifications():
    """Return a function's name and its arguments, for every entry of ``PAIRS`` and ``OTHERS``."""
    found = list(OTHERS.items())
    for module, by_hand, twin, arguments in PAIRS:
        name = by_hand.__name__
        found += [(name, arguments), (twin.__name__, arguments)]
        if hasattr(module, f"{name}_grad"):
            extra = {}
            if "grad_output" in inspect.signature(getattr(module, f"{name}_grad")).parameters:
                extra["grad_output"] = np.shape(by_hand(**make_arguments(arguments, 0)))
            found.append((f"{name}_grad", arguments | extra))
    takes_lists = {"clip_by_global_norm_torch": OTHERS["clip_by_global_norm"]}
    return [*found, *takes_lists.items()]


def in_torch(name):
    return name.endswith("_torch") or name.partition(".")[0] in ("RegularizedLSTM", "SequenceModel")


def valid_arguments(name, arguments):
    """Return new arguments that the function takes, those with a default included."""
    made = make_arguments(arguments, 0)
    if in_torch(name):
        made = tree_map_only(np.ndarray, torch.from_numpy, made)
    signature = inspect.signature(FUNCTIONS[name]).parameters.values()
    defaults = {p.name: p.default for p in signature if p.default is not p.empty}
    return defaults | made


ANYTHING = [None, "nonsense", 3, object(), [], {}, np.ones(2), torch.ones(2)]
NUMBERS = [float("nan"), float("inf"), -float("inf"), -0.5, 1.0, 1.5, "0.1", True, [0.1], 1j]
COUNTS = [-1, 0, 1.5, float("nan"), "2", True, [2]]


def spoiled(value):
    """Yield what could be passed by mistake in place of a valid value."""
    yield from ANYTHING
    if isinstance(value, np.ndarray | torch.Tensor):
        yield from spoiled_arrays(value)
    elif isinstance(value, float):
        yield from NUMBERS
    elif isinstance(value, int) and not isinstance(value, bool):
        yield from COUNTS
    elif isinstance(value, bool):
        yield from ("yes", 2, float("nan"), [True], np.array([True, False]))
    elif isinstance(value, str):
        yield from ("", value.upper(), [value], np.array([value, value]))
    elif isinstance(value, torch.dtype):
        yield from (torch.int64, "float32", np.float32)
    elif isinstance(value, Mapping):
        yield value | {"nonsense": next(iter(value.values()))}
        yield list(value.values())
        for key in value:
            yield {other: kept for other, kept in value.items() if other != key}
            yield from (value | {key: bad} for bad in spoiled(value[key]))
    elif isinstance(value, tuple | list):
        yield from ((), value[:-1], value + value[:1])
        for index in range(len(value)):
            changed = ([*value[:index], bad, *value[index + 1 :]] for bad in spoiled(value[index]))
            yield from map(type(value), changed)


def spoiled_arrays(array):
    """Yield an array in other shapes, in other dtypes and of the other library, and what is no array."""
    numpy_array = np.asarray(array)
    others = [numpy_array[None], numpy_array.sum(axis=0), numpy_array.sum()]
    for axis in range(numpy_array.ndim):
        others += [np.take(numpy_array, indices, axis) for indices in ([], [0], [0, 0, -1, -1, -1, -1, -1])]
    dtypes = ("float32", "float16", "int64", "bool", "complex128")
    others += [numpy_array.astype(dtype) for dtype in dtypes]
    if isinstance(array, torch.Tensor):
        yield numpy_array
        yield from (torch.tensor(other) for other in others)
        yield torch.tensor(numpy_array, dtype=torch.bfloat16)
    else:
        yield from others
        yield from (numpy_array.astype(object), numpy_array.astype(str), torch.from_numpy(numpy_array))
        yield torch.tensor(numpy_array, dtype=torch.bfloat16)
    if numpy_array.dtype.kind == "f":
        yield torch.tensor(numpy_array, requires_grad=True)
    yield from (numpy_array.tolist(), [[1.0], [1.0, 2.0]])


def is_finite(value):
    """Say whether a number, or every entry of an array or tensor of floats, is finite."""
    if isinstance(value, torch.Tensor):
        return bool(value.isfinite().all())
    is_float = isinstance(value, float) or (isinstance(value, np.ndarray) and value.dtype.kind == "f")
    return bool(np.isfinite(value).all()) if is_float else True


def fault(name, arguments):
    """Return what is wrong with the way in which a call ends, or None."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            warnings.simplefilter("ignore", UserWarning)
            result = FUNCTIONS[name](**arguments)
    except ValueError as error:
        says_both = "expected" in str(error) and "received" in str(error)
        return None if says_both else f"ValueError: {error}"
    except DOCUMENTED.get(name, ()):
        return None
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finite = all(is_finite(leaf) for leaf in tree_leaves(result))
    return None if finite else "a result that is not finite"


DOCUMENTED = dict.fromkeys(("embedding_dropout", "embedding_dropout_grad"), IndexError)
DOCUMENTED |= {"embedding_dropout_torch": IndexError}
SPECIFICATIONS = specifications()
IDS = [f"{name}-{index}" for index, (name, _) in enumerate(SPECIFICATIONS)]


def test_every_public_function_is_fuzzed():
    everything = {name for name, arguments in NOT_SPOILED.items() if arguments == "*"}
    assert {name for name, _ in SPECIFICATIONS} | everything == set(FUNCTIONS)


@pytest.mark.parametrize(("name", "arguments"), SPECIFICATIONS, ids=IDS)
def test_valid_arguments_succeed(name, arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        FUNCTIONS[name](**valid_arguments(name, arguments))


@pytest.mark.parametrize(("name", "arguments"), SPECIFICATIONS, ids=IDS)
def test_a_spoiled_argument_succeeds_or_is_refused_in_words(name, arguments):
    faults = []
    for argument, value in valid_arguments(name, arguments).items():
        if argument in NOT_SPOILED.get(name, ()):
            continue
        for bad in spoiled(value):
            found = fault(name, valid_arguments(name, arguments) | {argument: bad})
            if found:
                faults.append(f"{argument} = {bad!r:.200}: {found}")
    assert not faults, "\n".join(faults)
