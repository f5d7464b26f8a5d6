"""Every technique twice: the NumPy function and its PyTorch twin agree, and are written independently.

A new technique needs one line in its file's ``PAIRS`` and nothing here: (NumPy, PyTorch, arguments), where a
tuple of sizes stands for a float array of that shape, a function of a NumPy ``Generator`` makes any other
array, and everything else is passed as it is. Where the file has a ``<name>_grad``, autograd must agree with
it in the first argument; if it takes a ``grad_output``, that is drawn too.
"""

import ast
import importlib
import inspect
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch

import labcode

ROOT = Path(labcode.__file__).parent
SOURCES = {
    "labcode." + ".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text(encoding="utf-8")
    for path in sorted(ROOT.rglob("*.py"))
}


def definitions(tree):
    """Return the functions and classes of a module by name."""
    kinds = ast.FunctionDef | ast.ClassDef
    return {node.name: node for node in tree.body if isinstance(node, kinds)}


def registered(tree):
    """Return the (NumPy, PyTorch) names in a module's ``PAIRS``."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PAIRS":
            return {(pair.elts[0].id, pair.elts[1].id) for pair in node.value.elts}
    return set()


def imported_from(tree, *packages):
    """Return the names under which a module knows some packages and what it takes from them."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            source = getattr(node, "module", None)
            for alias in node.names:
                if (source or alias.name).partition(".")[0] in packages:
                    names.add((alias.asname or alias.name).partition(".")[0])
    return names


def reached(functions, name):
    """Return every name that a function uses, itself or through others of its file."""
    names, todo = set(), [name]
    while todo:
        function = functions[todo.pop()]
        used = {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}
        used |= {n.attr for n in ast.walk(function) if isinstance(n, ast.Attribute)}
        todo += [n for n in used - names if n in functions]
        names |= used
    return names


def parameters(function):
    """Return the parameters with their defaults, a sampler's source of randomness aside."""
    signature = ast.parse(ast.unparse(function)).body[0].args
    for argument in (*signature.posonlyargs, *signature.args, *signature.kwonlyargs):
        argument.annotation = None
    text = ast.unparse(signature).replace("generator", "rng")
    return [part for part in text.split(", ") if part not in ("*", "rng")]


def faults(source, more_pairs=()):
    """Return what is wrong with the pairs of a module, as sentences."""
    tree = ast.parse(source)
    functions, pairs, found = definitions(tree), registered(tree) | set(more_pairs), []
    public = [name for name in functions if not name.startswith("_")]
    known = {name for pair in pairs for name in pair}
    found += [f"{n} is not in PAIRS" for n in public if n.endswith("_torch") and n not in known]
    found += [
        f"{n} belongs to no function in PAIRS"
        for n in public
        if n.endswith("_grad") and n.removesuffix("_grad") not in known
    ]
    in_numpy, in_torch = imported_from(tree, "numpy"), imported_from(tree, "torch")
    ours = {numpy_name for numpy_name, _ in pairs} | {f"{numpy_name}_grad" for numpy_name, _ in pairs}
    for numpy_name, torch_name in sorted(pairs):
        by_hand = reached(functions, numpy_name)
        if f"{numpy_name}_grad" in functions:
            by_hand |= reached(functions, f"{numpy_name}_grad")
        twin = reached(functions, torch_name)
        found += [f"{numpy_name} reaches {n}" for n in by_hand & (in_torch | {t for _, t in pairs})]
        found += [f"{torch_name} reaches {n}" for n in twin & (in_numpy | ours | {"numpy", "from_numpy"})]
        if (numpy_name, torch_name) in more_pairs:
            continue
        if torch_name != f"{numpy_name}_torch":
            found.append(f"{torch_name} is not called {numpy_name}_torch")
        if parameters(functions[numpy_name]) != parameters(functions[torch_name]):
            found.append(f"{numpy_name} and {torch_name} have different signatures")
    return found


def registered_pairs():
    """Return every entry of every ``PAIRS``, with its module."""
    modules = [name for name, source in SOURCES.items() if registered(ast.parse(source))]
    return [(module, *pair) for module in map(importlib.import_module, modules) for pair in module.PAIRS]


PAIRS = registered_pairs()
IDS = [f"{torch_function.__name__}-{index}" for index, (_, _, torch_function, _) in enumerate(PAIRS)]


def make_arguments(arguments, seed):
    """Return NumPy arguments; a fifth of the drawn entries are exact zeros, where kinks lie."""
    rng = np.random.default_rng(seed)
    made = {}
    for name, value in arguments.items():
        if isinstance(value, tuple):
            made[name] = rng.normal(size=value) * (rng.random(value) < 0.8)
        else:
            made[name] = value(rng) if callable(value) else value
    return made


def to_torch(arguments, device="cpu", dtype=torch.float64):
    """Return the same arguments with tensors for arrays, those of floats in a dtype of choice."""

    def convert(value):
        if not isinstance(value, np.ndarray):
            return value
        return torch.tensor(value, device=device, dtype=dtype if value.dtype.kind == "f" else None)

    return {name: convert(value) for name, value in arguments.items()}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("module", "by_hand", "twin", "arguments"), PAIRS, ids=IDS)
def test_twins_agree_in_values_and_gradients(module, by_hand, twin, arguments, seed):
    assert_twins_agree(by_hand, getattr(module, f"{by_hand.__name__}_grad", None), twin, arguments, seed)


def assert_twins_agree(by_hand, grad, twin, arguments, seed=0):
    arrays = make_arguments(arguments, seed)
    tensors = to_torch(arrays)
    first = next(value.requires_grad_() for value in tensors.values() if isinstance(value, torch.Tensor))
    value, expected = twin(**tensors), by_hand(**arrays)
    np.testing.assert_allclose(value.detach(), expected, rtol=1e-10, atol=1e-14)
    if grad is None:
        return
    if "grad_output" in inspect.signature(grad).parameters:
        arrays["grad_output"] = np.random.default_rng(seed).normal(size=np.shape(expected))
        value = (value * torch.from_numpy(arrays["grad_output"])).sum()
    value.backward()
    np.testing.assert_allclose(grad(**arrays), first.grad, rtol=1e-10, atol=1e-14)


TOY = {"x": (2, 3), "mask": lambda rng: rng.integers(0, 2, size=(2, 3)).astype(float)}


@pytest.mark.parametrize(
    ("by_hand", "grad", "right"),
    [
        (lambda x, mask: mask * x, lambda x, mask, grad_output: mask * grad_output, True),
        (lambda x, mask: mask * x + 1e-9, lambda x, mask, grad_output: mask * grad_output, False),
        (lambda x, mask: mask * x, lambda x, mask, grad_output: mask, False),
    ],
    ids=["right", "wrong value", "wrong gradient"],
)
def test_disagreement_is_found(by_hand, grad, right):
    with nullcontext() if right else pytest.raises(AssertionError):
        assert_twins_agree(by_hand, grad, lambda x, mask: mask * x, TOY)


# Twins that a comparison of values does not fit: samplers, optimizers with a state, functions of lists. Each
# is compared in its own module's tests, and the LSTM's two files in test_regularized_lstm.py.
COMPARED_ELSEWHERE = {
    "labcode.dropout": [("dropout_mask", "dropout_mask_torch")],
    "labcode.optimizers": [
        ("proximal_sgd", "ProximalSGD"),
        ("proximal_adam", "ProximalAdam"),
        ("clip_by_global_norm", "clip_by_global_norm_torch"),
    ],
}


@pytest.mark.parametrize("module", SOURCES)
def test_twins_are_registered_alike_and_independent(module):
    assert faults(SOURCES[module], COMPARED_ELSEWHERE.get(module, ())) == []


def imported_names(module):
    """Return every name that a module of labcode imports, packages included."""
    nodes = [
        node for node in ast.walk(ast.parse(SOURCES[module])) if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    return {alias.name for node in nodes for alias in node.names} | {
        getattr(node, "module", "") for node in nodes
    }


def test_the_two_lstms_are_independent():
    by_numpy = {by_hand.__name__ for _, by_hand, _, _ in PAIRS}
    twins = {twin.__name__ for _, _, twin, _ in PAIRS}
    assert not imported_names("labcode.lstm.reference") & (twins | {"torch"})
    assert not imported_names("labcode.lstm.module") & (by_numpy | {"numpy", "lstm_forward"})


GOOD = """
import numpy as np
import torch
def f(w, lam=1, *, rng): return np.sum(w)
def f_grad(w, lam=1): return np.ones(3)
def f_torch(w, lam=1, *, generator): return total(w)
def total(w): return w.sum()
PAIRS = [(f, f_torch, {"w": (3,)})]
"""
BROKEN = {
    "f_torch is not in PAIRS": ("PAIRS =", "OTHERS ="),
    "f_grad belongs to no function in PAIRS": ("PAIRS =", "OTHERS ="),
    "g_torch is not called f_torch": ("f_torch", "g_torch"),
    "f reaches torch": ("np.sum(w)", "torch.sum(w)"),
    "f reaches f_torch": ("np.sum(w)", "f_torch(w)"),
    "f_torch reaches np": ("w.sum()", "np.sum(w)"),
    "f_torch reaches f": ("w.sum()", "f(w)"),
    "f_torch reaches numpy": ("w.sum()", "w.numpy().sum()"),
    "f and f_torch have different signatures": ("def f_torch(w, lam=1", "def f_torch(w, lam=2"),
}


def test_a_good_module_has_no_faults():
    assert faults(GOOD) == []


@pytest.mark.parametrize(("fault", "change"), BROKEN.items(), ids=BROKEN)
def test_faults_are_found(fault, change):
    assert fault in faults(GOOD.replace(*change))
