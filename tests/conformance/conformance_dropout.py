"""How the cases of ``dropout_variants.json`` are put to labcode, as in ``conformance_runners.py``."""

import re
import warnings
from dataclasses import dataclass

import numpy as np
import torch
from conformance_runners import Runner, float_array

from labcode import dropout, penalties
from labcode.lstm import RegularizedLSTM, lstm_backward, lstm_forward
from labcode.recurrent_dropout import DropoutSettings, sample_masks, weight_drop, weight_drop_torch

# What each library calls our masks.
KINDS = {"x": "x", "h": "h", "g": "g", "c": "c", "U": "weight_hh"}
LIBRARY_KINDS = {
    "keras": {"input": "x", "recurrent": "h"},
    "espnet": {"h": "zoneout_h", "c": "zoneout_c"},
    "awd-lstm-lm": {"weight": "weight_hh"},
}
NAME = re.compile(r"(?P<kind>[a-zA-Z]+)(_(?P<gate>[ifgo]))?(?P<suffix>_l\d+(_reverse)?)?")


def read_weights(case):
    """Return the weights under torch's names; Keras has one bias, and its weights transposed."""
    inputs = case["inputs"]
    if case["weights_layout"] == "keras":
        weights = {"weight_ih": inputs["kernel"], "weight_hh": inputs["recurrent_kernel"]}
        weights = {name: float_array(w).T.copy() for name, w in weights.items()}
        if inputs.get("bias") is not None:
            weights |= {"bias_ih": float_array(inputs["bias"]), "bias_hh": np.zeros(len(inputs["bias"]))}
        return {f"{name}_l0": w for name, w in weights.items()}
    assert case["weights_layout"] == "torch"
    if "params" in inputs:
        return {name: float_array(w) for name, w in inputs["params"].items()}
    names = ("weight_ih", "weight_hh_raw", "bias_ih", "bias_hh")
    return {name.removesuffix("_raw") + "_l0": float_array(inputs[name]) for name in names if name in inputs}


def read_masks(case):
    """Return the masks under our names."""
    inputs, when = case["inputs"], case["settings"].get("masks", {})
    given = dict(inputs.get("masks", {}))
    given |= {name.replace("_mask", ""): mask for name, mask in inputs.items() if "_mask" in name}
    by_gate, masks = {}, {}
    for name, mask in given.items():
        found = NAME.fullmatch(name)
        kind = (KINDS | LIBRARY_KINDS.get(case["library"], {})).get(found["kind"]) if found else None
        assert kind is not None, f"unknown mask {name}"
        ours = kind + (found["suffix"] or "_l0")
        if mask is None:
            continue
        if found["gate"]:
            by_gate.setdefault(ours, {})[found["gate"]] = float_array(mask)
        else:
            constant = case["library"] == "keras" or when.get(name, "").startswith("constant")
            masks[ours] = one_mask(kind, float_array(mask), case, constant)
    for ours, gates in by_gate.items():
        stacked = np.stack([gates[gate] for gate in "ifgo"])
        masks[ours] = one_mask(ours.partition("_l")[0], stacked, case, constant=stacked.ndim == 3)
    return masks


def one_mask(kind, mask, case, constant):
    """Return a mask in our shape: constant over time, with a leading 4, it has one step."""
    if kind == "weight_hh":
        if mask.ndim == 3:
            mask = np.concatenate(mask, axis=1 if case["weights_layout"] == "keras" else 0)
        return mask.T if case["weights_layout"] == "keras" else mask
    batch, steps, _ = np.shape(case["inputs"]["x"])
    if mask.ndim != 3:
        return mask
    per_gate, per_step = mask.shape[:2] == (4, batch), mask.shape[:2] == (batch, steps)
    assert per_gate or per_step, f"{kind}: a mask of shape {mask.shape}"
    if per_gate and per_step:  # one shape for two things: the case must say which
        per_gate = constant
    return mask[:, :, None] if per_gate else mask


def make_lstm(x, weights, **options):
    """Return a float64 ``RegularizedLSTM`` with these weights."""
    bidirectional = "weight_ih_l0_reverse" in weights
    layers = sum(name.startswith("weight_ih") for name in weights) // (1 + bidirectional)
    sizes = x.shape[2], weights["weight_hh_l0"].shape[1], layers
    options |= {"bias": "bias_ih_l0" in weights, "bidirectional": bidirectional}
    lstm = RegularizedLSTM(*sizes, batch_first=True, **options).double()
    lstm.load_state_dict({name: torch.from_numpy(w) for name, w in weights.items()}, strict=True)
    return lstm


def run_lstm(implementation, x, weights, state, masks):
    """Return output and final state under the masks, and a function that carries gradients back."""
    if implementation == "numpy":
        output, state_n, cache = lstm_forward(x, weights, state, masks=masks)
        return output, state_n, lambda grads: lstm_backward(grads[0], grads[1:], cache)
    lstm, x = make_lstm(x, weights), torch.tensor(x, requires_grad=True)
    state = tuple(torch.tensor(s, requires_grad=True) for s in state)
    output, state_n = lstm(x, state, masks={name: torch.tensor(mask) for name, mask in masks.items()})

    def backward(grads):
        torch.autograd.backward((output, *state_n), [torch.tensor(grad) for grad in grads])
        return x.grad, [s.grad for s in state], {name: p.grad for name, p in lstm.named_parameters()}

    return output.detach().numpy(), [s.detach().numpy() for s in state_n], backward


def initial_state(case, weights):
    """Return (h_0, c_0), each (layers * D, B, H)."""
    inputs, hidden_size = case["inputs"], weights["weight_hh_l0"].shape[1]
    count, batch = sum(name.startswith("weight_hh") for name in weights), len(inputs["x"])
    given = inputs.get("initial_state") or [inputs.get("h0"), inputs.get("c0")]
    zeros = np.zeros((count, batch, hidden_size))
    return tuple(zeros if s is None else float_array(s).reshape(zeros.shape) for s in given)


def cells(implementation, x, weights, state, masks):
    """Return c after every step: the final c of every beginning of the sequences."""
    assert len(state[0]) == 1, "the cell of every step of a single layer"

    def until(mask, t):
        return mask if mask.ndim == 2 or mask.shape[-2] == 1 else mask[..., :t, :]

    beginnings = [
        run_lstm(implementation, x[:, :t], weights, state, {name: until(m, t) for name, m in masks.items()})
        for t in range(1, x.shape[1] + 1)
    ]
    return np.stack([state_n[1][0] for _, state_n, _ in beginnings], axis=1)


def run_given_masks(case, implementation):
    settings, inputs, weights = case["settings"], case["inputs"], read_weights(case)
    assert settings.get("scaling", "inverted").startswith("inverted")
    assert settings.get("loss", "sum(output^2)").split(" ")[0] in (
        "sum(output^2)",
        "sum(y^2)",
        "sum(G*output)",
    )
    x, state, masks = float_array(inputs["x"]), initial_state(case, weights), read_masks(case)
    output, (h_n, c_n), backward = run_lstm(implementation, x, weights, state, masks)
    grads = [float_array(inputs.get("G", 2 * output))]
    grads += [float_array(inputs.get(name, np.zeros(h_n.shape))).reshape(h_n.shape) for name in ("Gh", "Gc")]
    grad_x, (grad_h, grad_c), grad_weights = backward(tuple(grads))

    keras = case["weights_layout"] == "keras"
    result = {"output": output, "hn": h_n[0] if keras else h_n, "cn": c_n[0] if keras else c_n}
    if "c" in case["expected"]:
        result["c"] = cells(implementation, x, weights, state, masks)
    for name, grad in (("grad_h0", grad_h), ("grad_c0", grad_c)):
        result[name] = np.asarray(grad).reshape(np.shape(inputs.get(name[5:], grad)))
    grads = {"grad_" + name.removesuffix("_l0"): grad for name, grad in grad_weights.items()}
    if keras:
        result |= {
            "grad_kernel": grads["grad_weight_ih"].T,
            "grad_recurrent_kernel": grads["grad_weight_hh"].T,
        }
        result |= {"grad_bias": grads["grad_bias_ih"]} if "grad_bias_ih" in grads else {}
    if "weight_hh_l0" in masks:
        pair = weights["weight_hh_l0"], masks["weight_hh_l0"]
        numpy = implementation == "numpy"
        result["weight_hh_effective"] = (
            weight_drop(*pair) if numpy else weight_drop_torch(*map(torch.tensor, pair))
        )
    return (
        result
        | grads
        | {"grad_x": grad_x, "grad_weight_hh_raw": grads["grad_weight_hh"], "grad_params": grad_weights}
    )


def run_keras_given_masks(case, implementation):
    """Training applies the masks, evaluation none: there the module has the rates and draws nothing."""
    settings, weights, x = case["settings"], read_weights(case), float_array(case["inputs"]["x"])
    assert settings["units"] == weights["weight_hh_l0"].shape[1]
    state = initial_state(case, weights)
    if implementation == "numpy":
        evaluated = lstm_forward(x, weights, state)[0]
    else:
        rates = {"input_dropout": settings["dropout"], "recurrent_dropout": settings["recurrent_dropout"]}
        lstm = make_lstm(x, weights, **rates, tied=False).eval()
        evaluated = lstm(torch.tensor(x), tuple(map(torch.tensor, state)))[0].detach()
    trained = run_given_masks(case, implementation)
    return trained | {"train_output": trained["output"], "eval_output": evaluated}


def run_zoneout_evaluation(case, implementation):
    settings, weights, x = case["settings"], read_weights(case), float_array(case["inputs"]["x"])
    assert settings["training"] is False
    rates = {"zoneout_h": settings["z_h"], "zoneout_c": settings["z_c"]}
    state = initial_state(case, weights)
    masks = {f"{kind}_l0": np.full((1, 1), rate) for kind, rate in rates.items()}
    if implementation == "torch":
        masks = as_arrays(make_lstm(x, weights, **rates).eval().expected_masks(torch.tensor(x)))
        lstm = make_lstm(x, weights, **rates).eval()
        output = lstm(torch.tensor(x), tuple(map(torch.tensor, state)))[0].detach()
    else:
        output = lstm_forward(x, weights, state, masks=masks)[0]
    return {"output": output, "c": cells(implementation, x, weights, state, masks)}


def as_arrays(tensors):
    return {name: tensor.numpy() for name, tensor in tensors.items()}


def run_torch_forward(case, implementation):
    """nn.LSTM's own dropout, between layers; what is random has no recorded output."""
    settings, inputs, weights = case["settings"], case["inputs"], read_weights(case)
    assert settings.get("batch_first", True)
    layers, rate, training = settings["layers"], settings["dropout"], settings["training"]
    assert not training or layers == 1 or rate in (0.0, 1.0), "random masks"
    x, state = float_array(inputs["x"]), initial_state(case, weights)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if implementation == "torch":
            lstm = make_lstm(x, weights, dropout=rate).train(training)
            assert lstm.num_layers == layers
            output, (h_n, c_n) = lstm(torch.tensor(x), tuple(map(torch.tensor, state)))
        else:
            options = {"bidirectional": "weight_ih_l0_reverse" in weights, "rng": np.random.default_rng(0)}
            hidden_size = weights["weight_hh_l0"].shape[1]
            masks = sample_masks(DropoutSettings(dropout=rate), x.shape, hidden_size, layers, **options)
            output, (h_n, c_n), _ = lstm_forward(x, weights, state, masks=masks if training else None)
    categories = {warning.category.__name__ for warning in caught if "dropout" in str(warning.message)}
    output, h_n, c_n = (t.detach() if implementation == "torch" else t for t in (output, h_n, c_n))
    return {"output": output, "hn": h_n, "cn": c_n, "warns": "".join(categories) or None}


def draw(implementation, shape, p, seed=0):
    if implementation == "numpy":
        return dropout.dropout_mask(shape, p, rng=np.random.default_rng(seed))
    generator = torch.Generator().manual_seed(seed)
    return dropout.dropout_mask_torch(shape, p, generator=generator, dtype=torch.float64).numpy()


def near(received, expected, tolerance):
    """Return what is expected if a random figure is near it, else the figure."""
    return expected if abs(received - expected) <= tolerance else received


def run_torch_dropout(case, implementation):
    """Both recorded and drawn fractions stray from 1 - p, so that their difference strays by sqrt(2) sd."""
    p, expected, count = case["settings"]["p"], case["expected"], 200_000
    mask = draw(implementation, (count,), p)
    tolerance = 5 * np.sqrt(2) * case.get("tol", {}).get("keep_fraction_sd", np.sqrt(p * (1 - p) / count))
    x = np.random.default_rng(1).normal(size=(2, 3, 4))
    if implementation == "numpy":  # evaluation is a call without masks
        identity = (dropout.dropout(x, draw(implementation, x.shape, 0.0)) == x).all()
    else:
        lstm, x = RegularizedLSTM(4, 3, input_dropout=p, batch_first=True).double().eval(), torch.tensor(x)
        identity = torch.equal(lstm(x)[0], lstm(x, masks={})[0])
    return {
        "distinct_values": np.unique(mask),
        "keep_fraction": near((mask > 0).mean(), expected["keep_fraction"], tolerance),
        "mean": near(mask.mean(), expected["mean"], tolerance / (1 - p)),
        "eval_is_identity": identity,
    }


def run_keras_dropout(case, implementation):
    """Ones of a shape in words; a noise shape (B, 1, F) is a mask that the steps share."""
    settings, expected = case["settings"], case["expected"]
    shape = tuple(map(int, re.fullmatch(r"ones \((\d+(?:,\d+)*)\)", case["inputs"]["x"])[1].split(",")))
    x, noise_shape = np.ones(shape), tuple(settings.get("noise_shape") or shape)
    if noise_shape == shape:
        name, mask = "dropout", draw(implementation, shape, settings["rate"])
    else:
        assert noise_shape == (shape[0], 1, shape[2]), noise_shape
        name, mask = "locked_dropout", draw(implementation, noise_shape[::2], settings["rate"])
    y = apply(implementation, name, x, mask)
    tolerance = case.get("tol", {}).get(
        "mean_atol", 5 * np.sqrt(settings["rate"] / (1 - settings["rate"]) / y.size)
    )
    return {
        "mean": near(y.mean(), expected.get("mean", 1.0), tolerance),
        "max": y.max(),
        "all_time_steps_equal": x.ndim == 3 and bool((y == y[:, :1]).all()),
    }


def apply(implementation, name, *arrays):
    """Call a function of ``dropout.py`` or its twin."""
    if implementation == "numpy":
        return getattr(dropout, name)(*arrays)
    return getattr(dropout, f"{name}_torch")(*map(torch.tensor, arrays)).numpy()


def run_fastai_masks(case, implementation):
    settings, p = case["settings"], case["settings"]["p"]
    if "shape" in settings:
        masks = [draw(implementation, tuple(settings["shape"]), p, seed) for seed in range(20)]
        return {"values": np.unique(masks)}
    assert settings["layout"] == "batch,time,feature"
    shape = tuple(case["inputs"]["shape"])
    mask = sampled(implementation, shape, hidden_size=2, input_dropout=p)["x_l0"]
    return {"mask_shape": mask.shape, "kept_scale": mask.max()}


def sampled(implementation, x_shape, hidden_size, seed=0, **rates):
    """Return the masks that an LSTM of one layer draws."""
    if implementation == "numpy":
        rng = np.random.default_rng(seed)
        return sample_masks(DropoutSettings(**rates), x_shape, hidden_size, rng=rng)
    lstm, x = (
        RegularizedLSTM(x_shape[2], hidden_size, batch_first=True, **rates),
        torch.zeros(x_shape, dtype=torch.float64),
    )
    return as_arrays(lstm.sample_masks(x, generator=torch.Generator().manual_seed(seed)))


def run_weight_drop_calls(case, implementation):
    """Two calls in training: U drops anew, which a zero state does not show before the second step."""
    settings, rng = case["settings"], np.random.default_rng(0)
    assert settings.get("weights", ["weight_hh_l0"]) == ["weight_hh_l0"]
    sizes = dict(re.findall(r"([TBD])=(\d+)", case["inputs"].get("x", "(T=2,B=1,D=10)")))
    batch, steps, width = (int(sizes[axis]) for axis in "BTD")
    weights = {"weight_ih_l0": rng.normal(size=(4 * width, width)) / 3}
    weights["weight_hh_l0"] = rng.normal(size=(4 * width, width)) / 3
    zero = settings.get("zero_initial_state", True)
    x, state = (
        rng.normal(size=(batch, steps, width)),
        tuple(rng.normal(size=(2, 1, batch, width)) * (not zero)),
    )
    first, second = (
        run_lstm(
            implementation,
            x,
            weights,
            state,
            sampled(implementation, x.shape, width, seed, weight_drop=settings["p"]),
        )[0]
        for seed in (1, 2)
    )
    equal = [bool((first[:, t] == second[:, t]).all()) for t in range(steps)]
    return {
        "two_train_calls_step0_equal": equal[0],
        "two_train_calls_step1_equal": equal[1],
        "two_train_calls_equal_everywhere": all(equal),
    }


def run_mask_apply(case, implementation):
    inputs, settings = case["inputs"], case["settings"]
    if "words" in inputs:
        arrays = float_array(inputs["weight"]), np.asarray(inputs["words"]), float_array(inputs["row_mask"])
        return {"embedded": apply(implementation, "embedding_dropout", *arrays)}
    assert settings["layout"] == "batch,time,feature"
    x, mask = float_array(inputs["x"]), float_array(inputs["mask"])
    if mask.shape == x.shape:
        return {"y": apply(implementation, "dropout", x, mask)}
    mask = mask[:, 0] if mask.ndim == 3 and mask.shape[1] == 1 else mask
    return {"y": apply(implementation, "locked_dropout", x, mask)}


def run_activation_penalties(case, implementation):
    """AR reads the dropped output, TAR the raw one."""
    settings, inputs, suffix = case["settings"], case["inputs"], ""
    assert settings["layout"] == "batch,time,feature"
    dropped, raw = float_array(inputs["dropped"]), float_array(inputs["raw"])
    if implementation == "torch":
        dropped, raw, suffix = torch.tensor(dropped), torch.tensor(raw), "_torch"
    return {
        "ar": getattr(penalties, "activation_penalty" + suffix)(dropped, settings["alpha"]),
        "tar": getattr(penalties, "temporal_activation_penalty" + suffix)(raw, settings["beta"]),
    }


@dataclass(frozen=True)
class StatisticalRunner(Runner):
    """A runner of what is random: it judges by these tolerances itself."""

    tolerances: str = "keep_fraction_sd mean_atol"


FILE = "dropout_variants.json"
LSTM_INPUTS = (
    "x kernel recurrent_kernel bias weight_ih weight_hh_raw bias_ih bias_hh params "
    "initial_state h0 c0 G Gh Gc masks"
)
MASKS = "x_mask h_mask g_mask c_mask U_mask " + " ".join(
    f"{kind}_mask_{gate} {kind}_{gate}_mask" for kind in "xhU" for gate in "ifgo"
)
MASK_SETTINGS = "p scaling sampling where cell masks loss rule layout note"
GIVEN = Runner(run_given_masks, MASK_SETTINGS, f"{LSTM_INPUTS} {MASKS} weight_mask")
ZONEOUT = "z_h z_c training mask_meaning loss note"
KERAS = Runner(
    run_keras_given_masks,
    "units dropout recurrent_dropout implementation_requested mask_rule input_masks recurrent_masks note",
    f"{LSTM_INPUTS} input_mask recurrent_mask",
)
RUNNERS_DROPOUT = {
    (FILE, library, kind): runner
    for library, runner in {
        "paper equations": GIVEN,
        "pytorch_lm": GIVEN,
        "awd-lstm-lm": GIVEN,
        "espnet": Runner(run_given_masks, ZONEOUT, f"{LSTM_INPUTS} h_mask c_mask"),
        "keras": KERAS,
    }.items()
    for kind in (
        "forward_given_mask",
        "forward_given_masks",
        "forward+grad_given_mask",
        "forward+grad_given_masks",
    )
} | {
    (FILE, "espnet", "forward"): Runner(run_zoneout_evaluation, ZONEOUT, LSTM_INPUTS),
    (FILE, "torch", "forward"): Runner(run_torch_forward, "layers dropout training batch_first", LSTM_INPUTS),
    (FILE, "torch", "property"): StatisticalRunner(run_torch_dropout, "p", ""),
    (FILE, "keras", "property"): StatisticalRunner(run_keras_dropout, "rate noise_shape", "x"),
    (FILE, "fastai", "property"): Runner(run_fastai_masks, "p shape layout", "shape"),
    (FILE, "awd-lstm-lm", "property"): Runner(run_weight_drop_calls, "p weights zero_initial_state", "x"),
    (FILE, "torchnlp", "property"): Runner(run_weight_drop_calls, "p weights zero_initial_state", "x"),
    (FILE, "awd-lstm-lm", "mask_apply"): Runner(
        run_mask_apply, "p layout mask_shape rule", "x mask weight words row_mask"
    ),
    (FILE, "awd-lstm-lm", "penalty"): Runner(run_activation_penalties, "alpha beta layout", "raw dropped"),
}
