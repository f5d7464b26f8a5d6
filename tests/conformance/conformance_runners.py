"""How the cases of ``conformance/`` are put to labcode: one runner for each file, library and kind.

A runner takes a case and the name of an implementation, and returns what was computed under the names that a
case may expect. It translates conventions, such as Keras's l2 = lam / 2, and nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from labcode import penalties
from labcode.early_stopping import EarlyStopping
from labcode.lstm import RegularizedLSTM, lstm_backward, lstm_forward


def float_array(values):
    return np.asarray(values, dtype=np.float64)


def keras_penalty(name, l1=None, l2=None, factor=0.01, mode="rows"):
    """Return our name and strengths for a Keras regularizer, whose l2 has no 1/2."""
    if name == "L1":
        return "l1_penalty", {"lam": 0.01 if l1 is None else l1}
    if name == "L2":
        return "l2_penalty", {"lam": 2 * (0.01 if l2 is None else l2)}
    if name == "L1L2":
        return "l1_l2_penalty", {"lam1": l1 or 0.0, "lam2": 2 * (l2 or 0.0)}
    assert name == "OrthogonalRegularizer", f"unknown regularizer {name}"
    return "orthogonal_penalty", {"lam": factor, "mode": mode}


def penalty_and_grad(w, implementation, **settings):
    name, strengths = keras_penalty(**settings)
    if implementation == "numpy":
        value = getattr(penalties, name)(w, **strengths)
        return {"penalty": value, "grad": getattr(penalties, f"{name}_grad")(w, **strengths)}
    w = torch.tensor(w, requires_grad=True)
    value = getattr(penalties, f"{name}_torch")(w, **strengths)
    value.backward()
    return {"penalty": value.detach(), "grad": w.grad}


def run_penalty(case, implementation):
    return penalty_and_grad(float_array(case["inputs"]["w"]), implementation, **case["settings"])


def run_activity_penalty(case, implementation):
    settings, activations = dict(case["settings"]), float_array(case["inputs"]["activations"])
    assert settings.pop("divide_by") == "batch size"
    return {
        "penalty": penalty_and_grad(activations, implementation, **settings)["penalty"] / len(activations)
    }


def run_layer_losses(case, implementation):
    """Keras lists the activity's loss first."""
    inputs, settings = case["inputs"], case["settings"]
    outputs = keras_lstm(implementation, return_sequences=True, **inputs)["output"]
    penalized = {
        "activity": outputs,
        "kernel": inputs["kernel"],
        "recurrent": inputs["recurrent_kernel"],
        "bias": inputs.get("bias"),
    }
    losses = []
    for part, w in penalized.items():
        if part in settings:
            result = penalty_and_grad(float_array(w), implementation, name="L1L2", **settings[part])
            losses.append(float(result["penalty"]) / (len(w) if part == "activity" else 1))
    return {"losses": losses, "outputs": outputs}


def run_rejects(case, implementation):
    """Put the factor in the place of each strength of each penalty."""
    factor, w, suffix = case["settings"]["factor"], np.ones((2, 2)), ""
    if implementation == "torch":
        w, suffix = torch.from_numpy(w), "_torch"
    calls = [(f"{name}_penalty", (factor,)) for name in ("l1", "l2", "orthogonal")]
    calls += [("l1_l2_penalty", strengths) for strengths in ((factor, 0.1), (0.1, factor))]
    raised = set()
    for name, strengths in calls:
        try:
            raised.add(f"nothing, but returns {getattr(penalties, name + suffix)(w, *strengths)}")
        except Exception as error:
            raised.add(type(error).__name__)
    return {"raises": ", ".join(sorted(raised))}


def run_lstm(implementation, x, weights, state=None, mask=None):
    """Return output and final state, and a function that carries gradients of them back to the inputs."""
    if implementation == "numpy":
        output, state_n, cache = lstm_forward(x, weights, state, padding_mask=mask)
        return output, state_n, lambda grad_output, grad_state: lstm_backward(grad_output, grad_state, cache)

    hidden_size, layers = weights["weight_hh_l0"].shape[1], sum(n.startswith("weight_ih") for n in weights)
    bidirectional = "weight_ih_l0_reverse" in weights
    layers = layers // 2 if bidirectional else layers
    lstm = RegularizedLSTM(
        x.shape[2],
        hidden_size,
        layers,
        bias="bias_ih_l0" in weights,
        bidirectional=bidirectional,
        batch_first=True,
    ).double()
    lstm.load_state_dict({name: torch.from_numpy(w) for name, w in weights.items()}, strict=True)
    if implementation == "torch loop" and mask is None:
        mask = np.ones(x.shape[:2], bool)
    x = torch.tensor(x, requires_grad=True)
    state = None if state is None else tuple(torch.tensor(s, requires_grad=True) for s in state)
    output, state_n = lstm(x, state, padding_mask=None if mask is None else torch.tensor(mask))

    def backward(grad_output, grad_state):
        torch.autograd.backward((output, *state_n), [torch.from_numpy(g) for g in (grad_output, *grad_state)])
        return x.grad, [s.grad for s in state], {name: p.grad for name, p in lstm.named_parameters()}

    return output.detach(), [s.detach() for s in state_n], backward


def keras_lstm(
    implementation,
    x,
    kernel,
    recurrent_kernel,
    bias=None,
    initial_state=None,
    mask=None,
    *,
    go_backwards=False,
    return_sequences=False,
    calls=1,
):
    x, kernel, recurrent_kernel = map(float_array, (x, kernel, recurrent_kernel))
    weights = {"weight_ih_l0": kernel.T.copy(), "weight_hh_l0": recurrent_kernel.T.copy()}
    if bias is not None:
        weights |= {"bias_ih_l0": float_array(bias), "bias_hh_l0": np.zeros(len(bias))}
    mask = None if mask is None else np.asarray(mask)
    if go_backwards:
        x, mask = x[:, ::-1].copy(), None if mask is None else mask[:, ::-1].copy()
    state = None if initial_state is None else tuple(float_array(s)[None] for s in initial_state)
    for _ in range(calls):
        output, state, _ = run_lstm(implementation, x, weights, state, mask)
        state = tuple(np.asarray(s) for s in state)
    return {"output": output if return_sequences else output[:, -1], "h": state[0][0], "c": state[1][0]}


def run_keras_forward(case, implementation):
    settings, inputs = case["settings"], dict(case["inputs"])
    assert case["weights_layout"] == "keras"
    assert settings["units"] == len(inputs["recurrent_kernel"])
    assert settings.get("use_bias", True) == ("bias" in inputs)
    assert not settings.get("zero_output_for_mask", False), "masked steps repeat the previous output here"
    if "h0" in inputs:
        inputs["initial_state"] = inputs.pop("h0"), inputs.pop("c0")
    return keras_lstm(
        implementation,
        **inputs,
        go_backwards=settings.get("go_backwards", False),
        return_sequences=settings.get("return_sequences", False),
        calls=2 if settings.get("stateful", False) else 1,
    )


def run_torch_forward_and_grad(case, implementation):
    settings, inputs = case["settings"], case["inputs"]
    assert case["weights_layout"] == "torch"
    assert settings["batch_first"]
    assert settings["proj_size"] == 0
    assert settings["gate_order"].startswith("i,f,g,o")
    x, h_0, c_0, *grads = (float_array(inputs[name]) for name in ("x", "h0", "c0", "G", "Gh", "Gc"))
    weights = {name: float_array(w) for name, w in inputs["params"].items()}
    output, (h_n, c_n), backward = run_lstm(implementation, x, weights, (h_0, c_0))
    grad_x, (grad_h, grad_c), grad_params = backward(grads[0], tuple(grads[1:]))
    return {
        "output": output,
        "hn": h_n,
        "cn": c_n,
        "grad_x": grad_x,
        "grad_h0": grad_h,
        "grad_c0": grad_c,
        "grad_params": grad_params,
    }


def run_trace(case, implementation):
    """Train a model whose one weight is the number of the epoch, changed in place as optimizers do."""
    settings, trace = dict(case["settings"]), case["inputs"]["trace"]
    settings.pop("monitor", None)
    last_epoch = settings.pop("external_stop_after_epoch", None)
    settings["min_delta"] = abs(settings.get("min_delta", 0.0))  # Keras ignores its sign
    stopping = EarlyStopping(**settings)
    weights = np.zeros(1) if implementation == "numpy" else torch.zeros(1)
    stop_epoch, waits = None, []
    for epoch, value in enumerate(trace):
        weights[0] = epoch
        has_value = value is not None  # an epoch without one is passed over
        stop = has_value and stopping.update(epoch, value, weights)
        waits.append(stopping.wait)
        if stop:
            stop_epoch = epoch
        if stop or epoch == last_epoch:
            break
    restored = stopping.weights_to_restore()
    return {
        "stop_epoch": stop_epoch,
        "epochs_run": len(waits),
        "best": stopping.best,
        "best_epoch": stopping.best_epoch or 0,  # Keras has 0 where there is none yet
        "stopped_epoch_attr": stopping.stopped_epoch or 0,
        "wait_after_each": waits,
        "weights_after": int((weights if restored is None else restored)[0]),
        "restored_epoch": None if restored is None else int(restored[0]),
    }


@dataclass(frozen=True)
class Runner:
    """A runner, and what its cases may state: anything else would be passed over, so it is an error."""

    run: Callable
    settings: str
    inputs: str
    implementations: tuple = ("numpy", "torch")
    atol: float = 0.0  # what its solver leaves, where a case states no tolerance
    is_test: bool = True  # else the case expects nothing and is only read


LSTM = ("numpy", "torch", "torch loop")
KERAS_LSTM = "x kernel recurrent_kernel bias initial_state h0 c0 mask"
KERAS_SETTINGS = (
    "units go_backwards unroll unit_forget_bias use_bias implementation stateful return_sequences "
    "zero_output_for_mask note map"
)
TORCH_SETTINGS = "T B input hidden layers bidirectional bias proj_size batch_first gate_order"
STOPPING = (
    "monitor patience mode min_delta restore_best_weights baseline start_from_epoch external_stop_after_epoch"
)
RUNNERS = {
    ("regularizers.json", "keras", "penalty"): Runner(run_penalty, "name l1 l2 factor mode", "w"),
    ("regularizers.json", "keras", "penalty+grad"): Runner(run_penalty, "name l1 l2 factor mode", "w"),
    ("regularizers.json", "keras", "activity_penalty"): Runner(
        run_activity_penalty, "name l1 l2 divide_by", "activations"
    ),
    ("regularizers.json", "keras", "layer_losses"): Runner(
        run_layer_losses, "kernel recurrent bias activity", KERAS_LSTM, LSTM
    ),
    ("regularizers.json", "keras", "rejects"): Runner(run_rejects, "factor", ""),
    ("lstm_forward.json", "keras", "forward"): Runner(run_keras_forward, KERAS_SETTINGS, KERAS_LSTM, LSTM),
    ("lstm_forward.json", "torch", "forward+grad"): Runner(
        run_torch_forward_and_grad, TORCH_SETTINGS, "x h0 c0 params G Gh Gc", LSTM
    ),
    ("early_stopping_keras.json", "keras", "trace"): Runner(run_trace, STOPPING, "trace"),
}
