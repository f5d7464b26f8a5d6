"""What a library offers, found by searching its public names and arguments, and by trying its optimizers."""

import importlib
import inspect
import pkgutil
import re

import numpy as np
import torch
from torch import nn

import labcode
from labcode._checks import check_one_of
from labcode.keras_interop import import_keras

_KERAS = ("layers", "regularizers", "constraints", "callbacks", "optimizers", "utils")
PLACES = {  # the modules that are searched
    "PyTorch": ("torch.nn", "torch.nn.utils", "torch.nn.utils.parametrizations", "torch.optim"),
    "Keras": tuple(f"keras.{name}" for name in _KERAS),
    "TensorFlow": ("tensorflow", "tensorflow.nn", *(f"tensorflow.keras.{name}" for name in _KERAS)),
}
LIBRARIES = ("labcode", *PLACES)
TAUGHT = (  # files of labcode's packages whose names a learner can use
    "keras_interop.activity",
    "keras_interop.backward",
    "keras_interop.layers",
    "keras_interop.settings",
    "keras_interop.start",
    "libraries.conventions",
    "libraries.stopping_rules",
    "lstm.reference",
    "lstm.module",
    "lstm.sequence_model",
    "lstm.units",
    "training.loop",
)
_STEPS = 10  # RAdam, for one, adapts from its sixth step on
_RATE, _DECAY, _WEIGHT = 0.1, 0.01, np.array([[1.0], [10.0]], "float32")
WITH_ARGUMENTS = r"(^|\.)(LSTM|RegularizedLSTM|EarlyStopping|Adam)$"
FEATURES = {  # what is looked for in "name" or "name(argument=)"
    "L1, L2 penalties": r"(^|\.)l[12](_?l2)?(_penalty)?$|_regularizer=",
    "orthogonal penalty": r"orthogonal_?(regularizer|penalty)",
    "penalty on outputs": r"activity_regularizer=|activation_penalty$",
    "penalty on their change": r"temporal_activation_penalty$",
    "constraints": r"(^|\.)(\w*max_?\w*norm|unit_?norm|non_?neg)$|_constraint=",
    "dropout layers": r"dropout(1d|2d|3d)?$",
    "LSTM(dropout=)": r"LSTM\((input_)?dropout=",
    "recurrent dropout": r"recurrent_dropout=",
    "zoneout": r"zoneout",
    "weight drop": r"weight_?drop|drop_?connect",
    "early stopping": r"early_?stopping$",
    "best weights put back": r"restore_best_weights=",
    "weight decay": r"Adam\w*\(weight_decay=|(^|\.)adamw$",
    "gradient clipping": r"(^|\.)clip_(grads?|by)_\w+$|clipnorm=|clipvalue=",
}


def inventory(library: str) -> list[str]:
    """List the public classes and functions of a library's modules, and the arguments of a few of them.

    Args:
        library: "labcode", "PyTorch", "Keras", or "TensorFlow", which must be installed.

    Returns:
        names such as ``layers.LSTM`` and ``layers.LSTM(recurrent_dropout=)``, sorted.

    Raises:
        ValueError: another library.

    Chapter: 7.
    """
    check_one_of("library", library, LIBRARIES)
    import_keras()
    found = set()
    for module in _labcode_modules() if library == "labcode" else PLACES[library]:
        short = module.removeprefix("tensorflow.").partition(".")[2]
        for name, member in inspect.getmembers(_module(module), callable):
            home = getattr(member, "__module__", "") or ""
            if name.startswith("_") or (library == "labcode" and (home != module or _is_twin(name))):
                continue
            full = ".".join(part for part in (short, name) if part)
            found.add(full)
            if re.search(WITH_ARGUMENTS, full):
                found |= {f"{full}({argument}=)" for argument in _arguments(member)}
    return sorted(found)


def find(pattern: str, names: list[str]) -> list[str]:
    """Return the names that a regular expression is found in, case ignored; of two spellings the first.

    Args:
        pattern: the expression.
        names: of an inventory.

    Chapter: 7.
    """
    hits: dict[str, str] = {}
    for name in names:
        if re.search(pattern, name, re.IGNORECASE):
            last = name.rpartition(".")[2]
            hits.setdefault(last.replace("_", "").lower(), last)
    return sorted(hits.values(), key=str.lower)


def offers(library: str) -> dict[str, list[str]]:
    """Return what an installed library has for each of ``FEATURES``: the names found, none if it has nothing.

    Args:
        library: as for ``inventory``.

    Chapter: 7.
    """
    names = inventory(library)
    return {feature: find(pattern, names) for feature, pattern in FEATURES.items()}


def decoupled_optimizers(library: str) -> dict[str, bool]:
    """Say of each optimizer with ``weight_decay`` whether it is decoupled, by ten steps with gradient zero.

    Decoupled decay takes the share lr * decay from a weight at each step and nothing else. Coupled decay
    enters the gradient, which momentum keeps and Adam divides by its own size: large and small weights, or
    the first step and the next, then lose other shares.

    Args:
        library: "PyTorch" or "Keras".

    Returns:
        True or False by the optimizer's name.

    Raises:
        ValueError: another library.

    Chapter: 7.
    """
    check_one_of("library", library, ("PyTorch", "Keras"))
    return decoupled_in_keras() if library == "Keras" else _decoupled_in_pytorch()


def decoupled_in_keras() -> dict[str, bool]:
    """Try every optimizer of Keras on the backend it runs on."""
    keras = import_keras()
    found = {}
    for name, made in _optimizers(keras.optimizers, keras.optimizers.Optimizer):
        weight = keras.Variable(_WEIGHT)
        optimizer = made(learning_rate=_RATE, weight_decay=_DECAY, **_momentum(made))
        optimizer.build([weight])
        for _ in range(_STEPS):
            optimizer.apply([keras.ops.zeros_like(weight)], [weight])
        found[name] = _is_decoupled(keras.ops.convert_to_numpy(weight))
    return found


def _decoupled_in_pytorch():
    found = {}
    for name, made in _optimizers(torch.optim, torch.optim.Optimizer):
        weight = nn.Parameter(torch.from_numpy(_WEIGHT.copy()))
        optimizer = made([weight], lr=_RATE, weight_decay=_DECAY, **_momentum(made))
        weight.grad = torch.zeros_like(weight)
        for _ in range(_STEPS):
            optimizer.step()
        found[name] = _is_decoupled(weight.detach().numpy())
    return found


def _optimizers(module, base):
    """Return the optimizers of a module that take ``weight_decay``, by name."""
    classes = inspect.getmembers(
        module, lambda m: inspect.isclass(m) and issubclass(m, base) and m is not base
    )
    return [
        (name, made)
        for name, made in classes
        if "weight_decay" in inspect.signature(made.__init__).parameters
    ]


def _momentum(made):
    """Return momentum as a keyword where an optimizer has it and starts without."""
    momentum = inspect.signature(made.__init__).parameters.get("momentum")
    return {"momentum": 0.9} if momentum is not None and momentum.default == 0 else {}


def _is_decoupled(after):
    return bool(np.allclose(after, _WEIGHT * (1 - _RATE * _DECAY) ** _STEPS, rtol=1e-5))


def _labcode_modules():
    techniques = [m.name for m in pkgutil.iter_modules(labcode.__path__) if not (m.ispkg or m.name[0] == "_")]
    return [f"labcode.{name}" for name in (*techniques, *TAUGHT)]


def _is_twin(name):
    """Say whether a name of labcode is the PyTorch twin or the gradient of another."""
    return name.endswith(("_torch", "_grad"))


def _module(path):
    """Import a library and walk to one of its modules; TensorFlow's are attributes."""
    root, *names = path.split(".")
    module = importlib.import_module(path if root == "labcode" else root)
    for name in names if root != "labcode" else ():
        module = getattr(module, name)
    return module


def _arguments(member):
    """Return the names of a class's arguments; where it passes them on, those of its bases, too."""
    names = set()
    for base in inspect.getmro(member) if inspect.isclass(member) else ():
        if "__init__" in vars(base) and base is not object:
            names |= set(inspect.signature(vars(base)["__init__"]).parameters)
    return names - {"self", "args", "kwargs"}
