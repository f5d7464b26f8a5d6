"""Runners of ``constraints.json``, ``optimizer_weight_decay_clip.json`` and ``paper_figures.json``."""

import re

import numpy as np
import torch
from conformance_runners import Runner, float_array, penalty_and_grad

from labcode import constraints, optimizers

TORCH_OPTIMIZERS = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "proximal_sgd": optimizers.ProximalSGD,
}


def on_arrays(module, name, implementation):
    """Return a function of a module, or its twin made to take and to return arrays."""
    if implementation == "numpy":
        return getattr(module, name)
    twin = getattr(module, f"{name}_torch")
    return lambda w, *args, **options: twin(torch.tensor(w), *args, **options).numpy()


def stepper(implementation, name, w, **options):
    """Return a function that takes one step with a gradient and returns the weights after it.

    What the step is given beside the gradient replaces an option from then on. torch's SGD has no decoupled
    decay; there the weights are shrunk before its step.
    """
    if implementation == "numpy":
        state = None

        def step(grad, **changed):
            nonlocal w, state
            w, state = getattr(optimizers, name)(w, grad, state, **options | changed)
            return w

        return step

    shrink = 1.0
    if name == "sgd" and options.pop("decoupled_weight_decay", False):
        shrink = 1 - options["lr"] * options.pop("weight_decay")
    parameter = torch.tensor(w, requires_grad=True)
    optimizer = TORCH_OPTIMIZERS[name]([parameter], **options)

    def step_torch(grad, **changed):
        optimizer.param_groups[0].update(changed)
        parameter.data.mul_(shrink)
        parameter.grad = torch.as_tensor(grad)
        optimizer.step()
        return parameter.detach().numpy().copy()

    return step_torch


def projection(implementation, name, axis=None, reduce_axis=None, max_value=None, min_value=0.0, rate=1.0):
    """Return Keras's or torch's projection as ours, whose plain axes are Keras's."""
    axis = (0 if axis is None else axis) if reduce_axis is None else reduce_axis
    axis = tuple(axis) if isinstance(axis, list) else axis
    calls = {
        "MaxNorm": ("max_norm", {"limit": 2.0 if max_value is None else max_value, "axis": axis}),
        "torch.renorm": ("max_norm", {"limit": max_value, "axis": axis}),
        "UnitNorm": ("unit_norm", {"axis": axis}),
        "MinMaxNorm": (
            "min_max_norm",
            {"low": min_value, "high": 1.0 if max_value is None else max_value, "rate": rate, "axis": axis},
        ),
        "NonNeg": ("non_neg", {}),
    }
    if name == "Constraint":
        return lambda w: w
    ours, options = calls[name]
    return lambda w: on_arrays(constraints, ours, implementation)(w, **options)


def run_projection(case, implementation):
    return {"w": projection(implementation, **case["settings"])(float_array(case["inputs"]["w"]))}


def run_projection_property(case, implementation):
    """Make the matrix that the case describes, such as ``np.random.seed(1); U(-5,5) 3x4; [0,0]=0``."""
    recipe = r"np\.random\.seed\((\d+)\); U\((-?[\d.]+),(-?[\d.]+)\) (\d+)x(\d+); \[0,0\]=0"
    seed, low, high, rows, columns = map(float, re.fullmatch(recipe, case["inputs"]["w"]).groups())
    w = np.random.RandomState(int(seed)).uniform(low, high, (int(rows), int(columns)))
    w[0, 0] = 0.0
    axis = case["settings"].get("axis", case["settings"].get("reduce_axis", 0))
    assert axis == 0, "the expected norms are those of columns"
    norms = np.linalg.norm(projection(implementation, **case["settings"])(w), axis=0)
    expected = case["expected"]
    low, high = expected.get("column_norms_between", (0.0, np.inf))
    is_within = low <= norms.min() and norms.max() <= high
    target = expected.get("column_norms_all", 1.0)
    return {
        "column_norms_all": norms[np.abs(norms - target).argmax()],
        "column_norms_between": [low, high] if is_within else [norms.min(), norms.max()],
    }


def run_projected_sequence(case, implementation):
    """Take a step and project, from where Keras stood before each step.

    Keras shrinks every vector by a relative 1e-7 / norm. Carried on, that would grow beyond any relative
    tolerance at a weight which a later step nearly cancels.
    """
    settings, inputs = dict(case["settings"]), case["inputs"]
    name, options = TRANSLATIONS[case["library"]](settings.pop("optimizer"), settings.pop("lr"))
    assert name == "sgd", "an optimizer with a state of its own cannot start anew at each step"
    grad, project = float_array(inputs["grad"]), projection(implementation, **settings)
    starts = [inputs["w0"], *case["expected"]["w_after_each_step"][:-1]]
    steps = [stepper(implementation, name, float_array(w), **options) for w in starts]
    return {"w_after_each_step": [project(step(grad)) for step in steps]}


def from_torch(optimizer="SGD", lr=1e-3, **options):
    """Return our optimizer and its options for a torch optimizer: they have the same names."""
    return {"SGD": "sgd", "Adam": "adam", "AdamW": "adamw"}[optimizer], {"lr": lr, **options}


def from_keras(optimizer="SGD", lr=None, weight_decay=None, beta1=0.9, beta2=0.999, epsilon=1e-7, **options):
    """Return our optimizer and its options for a Keras optimizer, which always decouples its decay."""
    name = {"SGD": "sgd", "Adam": "adam", "AdamW": "adam", "AdamW (Keras)": "adam"}[optimizer]
    if weight_decay is None:
        weight_decay = 0.004 if optimizer.startswith("AdamW") else 0.0
    if options.pop("excluded", False):
        weight_decay = 0.0
    decay = {"weight_decay": weight_decay, "decoupled_weight_decay": True}
    if name == "sgd":
        return name, {"lr": 0.01 if lr is None else lr, **decay, **options}
    assert not options, f"unknown for Adam: {options}"
    return name, {"lr": 0.001 if lr is None else lr, "betas": (beta1, beta2), "eps": epsilon, **decay}


TRANSLATIONS = {"torch": from_torch, "keras": from_keras}


def run_update_sequence(case, implementation):
    """Take the steps; without recorded gradients the loss is the L1 penalty alone."""
    settings, w = dict(case["settings"]), float_array(case["inputs"]["w0"])
    l1 = settings.pop("l1", 0.0)
    name, options = TRANSLATIONS[case["library"]](**settings)
    step, after = stepper(implementation, name, w, **options), []
    steps = case["expected"].get("w_after_each_step", case["inputs"].get("grads"))
    for t, grad in enumerate(float_array(case["inputs"].get("grads", np.zeros_like(steps))), start=1):
        penalty_grad = penalty_and_grad(w, implementation, name="L1", l1=l1)["grad"]
        changed = {}
        if case["library"] == "keras" and name == "adam":  # Keras's epsilon is not bias-corrected, torch's is
            changed["eps"] = options["eps"] / np.sqrt(1 - options["betas"][1] ** t)
        w = step(grad + np.asarray(penalty_grad), **changed)
        after.append(w)
    return {"w_after_each_step": after, "final": after[-1]}


def run_equivalence(case, implementation):
    settings, grads = dict(case["settings"]), float_array(case["inputs"]["grads"])

    def run(name, penalty=0.0, **options):
        """Return the weights after each step, with lam/2 sum(w^2) added to the loss."""
        w, after = float_array(case["inputs"]["w0"]), []
        step = stepper(implementation, name, w, lr=settings["lr"], **options)
        for grad in grads:
            penalty_grad = penalty_and_grad(w, implementation, name="L2", l2=penalty / 2)["grad"]
            w = step(grad + np.asarray(penalty_grad))
            after.append(w)
        return np.array(after)

    if "weight_decay" in settings:
        decay = settings["weight_decay"]
        penalized = run("adam", penalty=decay)
        coupled, decoupled = run("adam", weight_decay=decay), run("adamw", weight_decay=decay)
        return {
            "adam_with_half_penalty": penalized,
            "adam_weight_decay": coupled,
            "adamw": decoupled,
            "adam_equals_penalty": np.allclose(coupled, penalized, rtol=1e-9),
            "adam_equals_adamw": np.allclose(coupled, decoupled, rtol=1e-9),
        }

    wordings = {
        "article": (r"lambda/2\*sum\(w\^2\), lambda=(.+)", lambda lam: run("sgd", penalty=lam)),
        "keras": (r"l2\((.+)\)", lambda l2: run("sgd", penalty=2 * l2)),
        "torch": (r"weight_decay=(.+)", lambda decay: run("sgd", weight_decay=decay)),
    }
    runs = [
        wordings[key][1](float(re.fullmatch(wordings[key][0], text).group(1)))
        for key, text in settings.items()
        if key != "lr"
    ]
    for other in runs[1:]:
        np.testing.assert_allclose(other, runs[0], rtol=0, atol=1e-14)
    return {"w_after_each_step": runs[0], "all_three_equal": len(runs) == 3}


def run_clip(case, implementation):
    settings = dict(case["settings"])
    norm_type = settings.pop("norm_type", 2.0)
    assert settings.pop("scope", "per variable") == "per variable"
    ((setting, limit),) = settings.items()
    grads = [float_array(grad) for grad in case["inputs"]["grads"]]
    if setting in ("clipnorm", "clipvalue"):
        name = {"clipnorm": "clip_by_norm", "clipvalue": "clip_by_value"}[setting]
        return {"grads": [on_arrays(optimizers, name, implementation)(grad, limit) for grad in grads]}

    options = {"eps": {"max_norm": 1e-6, "global_clipnorm": 0.0}[setting], "norm_type": norm_type}
    if implementation == "numpy":
        clipped, norm = optimizers.clip_by_global_norm(grads, limit, **options)
    else:
        clipped, norm = optimizers.clip_by_global_norm_torch(list(map(torch.tensor, grads)), limit, **options)
    return {"grads": clipped, "total_norm": norm}


def read_figure(case, implementation):
    """Check that a figure says what it is, where it is from, how far it was checked, and its value."""
    required = {"id", "origin", "paper", "task", "model", "unit", "source", "checked", "kind", "library"}
    required |= {"scope", "inputs", "valid", "test"}
    assert required <= set(case), f"{case['id']} lacks {required - set(case)}"
    unknown = set(case) - required - {"test_mc", "note"}
    assert not unknown, f"{case['id']}: unknown {unknown}"
    assert case["inputs"] == {}
    assert all(isinstance(case[key], str) and case[key] for key in required - {"inputs", "valid", "test"})
    values = [case[key] for key in ("valid", "test", "test_mc") if case.get(key) is not None]
    assert values or case.get("note"), f"{case['id']} has neither a value nor a note that states it"
    assert all(isinstance(value, float | int) and 0 < value < np.inf for value in values)
    return {}


CONSTRAINT = {"keras": "name max_value min_value rate axis", "torch": "name max_value reduce_axis"}
OPTIMIZER = {
    "keras": "optimizer lr momentum nesterov weight_decay beta1 beta2 epsilon excluded l1",
    "torch": "optimizer lr momentum dampening nesterov weight_decay betas eps decoupled_weight_decay l1",
}
CLIP = {"keras": "clipnorm clipvalue global_clipnorm scope", "torch": "max_norm norm_type"}
RUNNERS_OPTIMIZERS = {
    ("paper_figures.json", "paper", "figure"): Runner(read_figure, "", "", ("read",), is_test=False)
}
for library in ("keras", "torch"):
    RUNNERS_OPTIMIZERS |= {
        ("constraints.json", library, "projection"): Runner(run_projection, CONSTRAINT[library], "w"),
        ("constraints.json", library, "property"): Runner(run_projection_property, CONSTRAINT[library], "w"),
        ("constraints.json", library, "sequence"): Runner(
            run_projected_sequence, CONSTRAINT[library] + " optimizer lr", "w0 grad"
        ),
        ("optimizer_weight_decay_clip.json", library, "update_sequence"): Runner(
            run_update_sequence, OPTIMIZER[library], "w0 grads"
        ),
        ("optimizer_weight_decay_clip.json", library, "equivalence"): Runner(
            run_equivalence, "lr article keras torch weight_decay", "w0 grads"
        ),
        ("optimizer_weight_decay_clip.json", library, "clip"): Runner(run_clip, CLIP[library], "grads"),
    }
