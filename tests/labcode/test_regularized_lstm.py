"""The LSTM with every mask: NumPy against torch, against cells of torch, and against finite differences."""

import copy
import io
import math
import re
import shutil

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_lstm import SIZES, Case, assert_agree, central_difference
from torch import nn

from labcode.lstm import RegularizedLSTM, SequenceModel, layers, lstm_backward, lstm_forward, module

# What is masked, by kind: the axes of the mask beside the width, 4 for the gates, B and T; 1 is shared.
METHODS = {
    "input": {"x": "B"},
    "input per step": {"x": "BT"},
    "input per gate": {"x": "4B1"},
    "h": {"h": "B"},
    "h shared by the batch": {"h": "1"},
    "h per step": {"h": "BT"},
    "h per gate": {"h": "4B1"},
    "h per gate and step": {"h": "4BT"},
    "candidate": {"g": "B"},
    "candidate per step": {"g": "BT"},
    "cell": {"c": "B"},
    "cell per step": {"c": "1T"},
    "weight drop": {"weight_hh": ""},
    "zoneout h": {"zoneout_h": "BT"},
    "zoneout c": {"zoneout_c": "BT"},
    "zoneout rates": {"zoneout_h": "1", "zoneout_c": "1"},
    "all": {
        "x": "4BT",
        "h": "4B1",
        "g": "BT",
        "c": "B",
        "weight_hh": "",
        "zoneout_h": "BT",
        "zoneout_c": "BT",
    },
}
every_method = pytest.mark.parametrize("method", METHODS)


def draw_masks(case, kinds):
    """Draw masks for every layer and direction; a third of the entries are exact zeros."""
    (batch, steps, features), masks = case.x.shape, {}
    layers, directions = case.sizes[2], ("", "_reverse")[: case.directions]
    sizes = {"4": 4, "B": batch, "T": steps, "1": 1}
    for layer in range(layers):
        for suffix in (f"_l{layer}{direction}" for direction in directions):
            for kind, axes in kinds.items():
                width = features if layer == 0 else case.directions * case.hidden
                shape = *(sizes[axis] for axis in axes), width if kind == "x" else case.hidden
                shape = (4 * case.hidden, case.hidden) if kind == "weight_hh" else shape
                uniform = torch.rand(shape, generator=case.random, dtype=torch.float64)
                uniform = uniform if axes == "1" else uniform.round()
                masks[kind + suffix] = uniform if kind.startswith("zoneout") else uniform * 1.7
    return masks


@every_method
@settings(deadline=None, derandomize=True, max_examples=6)
@given(sizes=st.fixed_dictionaries(SIZES), padded=st.booleans())
def test_numpy_agrees_with_torch_in_outputs_and_gradients(method, sizes, padded):
    case = Case(**sizes)
    masks, padding = draw_masks(case, METHODS[method]), case.mask if padded else None
    assert_agree(case.run_numpy(padding, masks), case.run_twin(padding, masks))


@every_method
def test_gradients_agree_with_finite_differences(method):
    layers = 2 if method == "all" else 1
    case = Case(batch=2, steps=3, features=2, hidden=2, layers=layers, bidirectional=layers > 1, seed=2)
    masks = draw_masks(case, METHODS[method])
    padding = torch.tensor([[True, True, True], [True, False, True]])

    def loss():
        outputs, _ = case.run_numpy(padding, masks)
        return sum((g.numpy() * r).sum() for g, r in zip(case.loss_weights, outputs, strict=True))

    _, grads = case.run_numpy(padding, masks)
    for name, tensor in case.inputs().items():
        array = tensor.detach().numpy()  # shares its memory, so that a change here is one of the case
        numeric = np.empty_like(array)
        for index in np.ndindex(array.shape):
            numeric[index] = central_difference(loss, array, index)
        np.testing.assert_allclose(grads[name], numeric, rtol=1e-6, atol=1e-9, err_msg=name)


@every_method
@pytest.mark.parametrize("padded", [False, True])
def test_torch_gradients_pass_gradcheck(method, padded):
    case = Case(batch=2, steps=3, features=2, hidden=2, layers=2, bidirectional=True)
    lstm = RegularizedLSTM(2, 2, 2, bidirectional=True, batch_first=True).double()
    lstm.load_state_dict(case.oracle.state_dict())
    padding_mask, masks = case.mask if padded else None, draw_masks(case, METHODS[method])

    def run(x, h_0, c_0, *_):
        output, state = lstm(x, (h_0, c_0), padding_mask=padding_mask, masks=masks)
        return (output, *state)

    inputs = case.x, *case.state, *lstm.parameters()
    assert torch.autograd.gradcheck(run, inputs, fast_mode=True)


def test_the_graph_can_be_kept_for_a_second_backward_pass():
    lstm = make({"recurrent_dropout": 0.4, "zoneout_c": 0.2})
    loss = lstm(X)[0].square().sum()
    first, second = (torch.autograd.grad(loss, lstm.parameters(), retain_graph=True) for _ in range(2))
    assert all(map(torch.equal, first, second))


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_loss_may_read_one_of_the_outputs_alone(part):
    case = Case(batch=2, steps=4, features=2, hidden=3, layers=2, bidirectional=True)
    masks = draw_masks(case, METHODS["all"] | {"x": "BT", "h": "B"})
    case.loss_weights = [w if k == part else w * 0 for k, w in enumerate(case.loss_weights)]
    _, by_numpy = case.run_numpy(masks=masks)
    lstm = RegularizedLSTM(*case.sizes, bidirectional=True, batch_first=True).double()
    lstm.load_state_dict(case.oracle.state_dict())
    output, state = lstm(case.x, case.state, masks=masks)
    ((output, *state)[part] * case.loss_weights[part]).sum().backward()
    for name, parameter in lstm.named_parameters():
        np.testing.assert_allclose(parameter.grad, by_numpy[name], atol=1e-10, err_msg=name)
    np.testing.assert_allclose(case.x.grad, by_numpy["x"], atol=1e-10)


def run_cells(case, masks):
    """Run one layer on ``nn.LSTMCell`` alone: what it writes, keeps and lets out follows from two calls."""
    weights = {name.removesuffix("_l0"): p.detach().clone() for name, p in case.oracle.named_parameters()}
    masks = {name.removesuffix("_l0"): mask for name, mask in masks.items()}
    weights["weight_hh"] *= masks.get("weight_hh", 1)
    cell = nn.LSTMCell(*case.sizes[:2]).double()
    cell.load_state_dict(weights)
    (h, c), outputs, no_mask = (s[0].detach() for s in case.state), [], torch.ones(1, 1, dtype=torch.float64)
    for t in range(case.x.shape[1]):
        m = {kind: mask[:, t] if mask.ndim == 3 else mask for kind, mask in masks.items()}
        x_t, h_t = case.x[:, t] * m.get("x", no_mask), h * m.get("h", no_mask)
        _, written = cell(x_t, (h_t, torch.zeros_like(c)))
        h_new, c_new = cell(x_t, (h_t, c))
        o, kept = h_new / c_new.tanh(), c_new - written
        c_new = m.get("c", no_mask) * (kept + m.get("g", no_mask) * written)
        h_new = o * c_new.tanh()
        z_h, z_c = (m.get(kind, 0 * no_mask) for kind in ("zoneout_h", "zoneout_c"))
        h, c = z_h * h + (1 - z_h) * h_new, z_c * c + (1 - z_c) * c_new
        outputs.append(h)
    return [torch.stack(outputs, dim=1), h[None], c[None]]


TIED = {name: kinds for name, kinds in METHODS.items() if not any("4" in axes for axes in kinds.values())}
TIED["all but gates"] = METHODS["all"] | {"x": "BT", "h": "B"}


@pytest.mark.parametrize("kinds", TIED.values(), ids=TIED)
@pytest.mark.parametrize("seed", range(3))
def test_masks_stand_where_cells_of_torch_say(kinds, seed):
    case = Case(batch=3, steps=4, features=3, hidden=2, layers=1, seed=seed)
    masks = draw_masks(case, kinds)
    expected = run_cells(case, masks)
    for outputs, _ in (case.run_numpy(masks=masks), case.run_twin(masks=masks)):
        for received, wanted in zip(outputs, expected, strict=True):
            np.testing.assert_allclose(received, wanted.detach(), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("axes", ["41", "4B"])
def test_masks_per_gate_are_scaled_columns_of_the_gate_s_weights(axes):
    """W_k (m_k ⊙ x) = (W_k diag m_k) x, so that nn.LSTM runs each sequence with weights of its own."""
    case = Case(batch=3, steps=4, features=3, hidden=2, layers=2, bidirectional=True)
    masks = draw_masks(case, {"x": axes + "1", "h": axes + "1"})
    received, received_grads = case.run_twin(masks=masks)
    assert_agree(case.run_numpy(masks=masks), (received, received_grads))
    for b in range(3):
        own = copy.deepcopy(case.oracle)
        for name, mask in masks.items():
            kind, suffix = name.split("_", 1)
            weight = getattr(own, {"x": "weight_ih_", "h": "weight_hh_"}[kind] + suffix)
            columns = mask[:, b if axes == "4B" else 0, 0]
            weight.data *= columns.repeat_interleave(case.hidden, dim=0)
        output, state = own(case.x[b : b + 1], tuple(s[:, b : b + 1].contiguous() for s in case.state))
        for mine, wanted in zip(received, (output[0], *(s[:, 0] for s in state)), strict=True):
            mine = mine[b] if mine is received[0] else mine[:, b]
            torch.testing.assert_close(mine, wanted.detach(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("run", [Case.run_numpy, Case.run_twin])
def test_padding_skips_the_masks_of_padded_steps(run):
    case = Case(batch=3, steps=6, features=2, hidden=2, layers=2, bidirectional=True, seed=4)
    masks = draw_masks(case, METHODS["all"])
    (output, h_n, c_n), _ = run(case, case.mask, masks)
    for b, real in enumerate(case.mask):
        own = Case(batch=1, steps=int(real.sum()), features=2, hidden=2, layers=2, bidirectional=True)
        own.oracle, own.x = case.oracle, case.x[b : b + 1, real]
        own.state = tuple(s[:, b : b + 1] for s in case.state)
        own_masks = {name: of_sequence(mask, b, real) for name, mask in masks.items()}
        (alone, h_alone, c_alone), _ = run(own, None, own_masks)
        np.testing.assert_allclose(output[b][real], alone[0], atol=1e-12)
        np.testing.assert_allclose(h_n[:, b], h_alone[:, 0], atol=1e-12)
        np.testing.assert_allclose(c_n[:, b], c_alone[:, 0], atol=1e-12)
        for t in np.flatnonzero(~real.numpy()):  # forward repeats the step before, reverse the step after
            np.testing.assert_array_equal(output[b, t, :2], output[b, t - 1, :2] if t > 0 else 0)
            np.testing.assert_array_equal(output[b, t, 2:], output[b, t + 1, 2:] if t < 5 else 0)


def of_sequence(mask, b, real):
    """Return what a mask holds for the real steps of one sequence."""
    if mask.ndim == 2:
        return mask[b : b + 1] if len(mask) == len(real) // 2 else mask
    return mask[..., b : b + 1, :, :][..., real, :] if mask.shape[-2] > 1 else mask[..., b : b + 1, :, :]


# Every method as an argument, in two layers and both directions.
ON = {
    "dropout": {"dropout": 0.4},
    "input": {"input_dropout": 0.4},
    "input per step": {"input_dropout": 0.4, "per_step": True},
    "h": {"recurrent_dropout": 0.4},
    "h untied": {"recurrent_dropout": 0.4, "input_dropout": 0.2, "tied": False},
    "h shared": {"recurrent_dropout": 0.4, "share_mask": "batch"},
    "g": {"recurrent_dropout": 0.4, "on": "g"},
    "g per step": {"recurrent_dropout": 0.4, "on": "g", "per_step": True},
    "c": {"recurrent_dropout": 0.4, "on": "c"},
    "weight drop": {"weight_drop": 0.4},
    "zoneout h": {"zoneout_h": 0.4},
    "zoneout c": {"zoneout_c": 0.4},
    "all": {
        "dropout": 0.2,
        "input_dropout": 0.2,
        "recurrent_dropout": 0.3,
        "zoneout_h": 0.1,
        "zoneout_c": 0.2,
        "weight_drop": 0.4,
    },
}
every_setting = pytest.mark.parametrize("options", ON.values(), ids=ON)
X = torch.randn(5, 4, 3, generator=torch.Generator().manual_seed(0))


def make(options, seed=0, **more):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return RegularizedLSTM(3, 4, 2, bidirectional=True, batch_first=True, **(options | more))


def plain(lstm):
    """Return ``nn.LSTM`` with the same weights."""
    oracle = nn.LSTM(3, 4, 2, batch_first=True, bidirectional=True).to(lstm.weight_ih_l0)
    oracle.load_state_dict(lstm.state_dict(), strict=True)
    return oracle


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def as_numpy(tensors):
    return {name: tensor.detach().numpy() for name, tensor in tensors.items()}


@every_setting
def test_training_draws_its_masks_from_the_generator_and_applies_them(options):
    lstm = make(options).double()
    x = X.double()
    output, (h_n, c_n) = lstm(x, generator=seeded(1))
    masks = lstm.sample_masks(x, generator=seeded(1))
    by_numpy, (h_numpy, c_numpy), _ = lstm_forward(x, as_numpy(lstm.state_dict()), masks=as_numpy(masks))
    for received, wanted in ((output, by_numpy), (h_n, h_numpy), (c_n, c_numpy)):
        np.testing.assert_allclose(received.detach(), wanted, atol=1e-12)
    assert torch.equal(lstm(x, generator=seeded(1))[0], output)
    assert not torch.allclose(lstm(x, generator=seeded(2))[0], output)
    assert not torch.allclose(plain(lstm)(x)[0], output)


@every_setting
def test_evaluation_is_deterministic_and_that_of_torch_or_zoneout_s_expectation(options):
    lstm = make(options).eval()
    rates = {kind: options.get(kind, 0.0) for kind in ("zoneout_h", "zoneout_c")}
    suffixes = [f"_l{layer}{direction}" for layer in range(2) for direction in ("", "_reverse")]
    expectation = {kind + s: np.full((1, 4), rate) for kind, rate in rates.items() for s in suffixes}
    by_numpy, _, _ = lstm_forward(X.numpy(), as_numpy(lstm.state_dict()), masks=expectation)

    output, _ = lstm(X)
    np.testing.assert_allclose(output.detach(), by_numpy, atol=1e-6)
    assert torch.equal(lstm(X)[0], output)
    if not any(rates.values()):
        torch.testing.assert_close(output, plain(lstm)(X)[0], rtol=0, atol=1e-6)


@every_setting
def test_evaluation_draws_nothing(options):
    generator, before = seeded(1), torch.get_rng_state()
    make(options).eval()(X, generator=generator)
    assert torch.equal(generator.get_state(), seeded(1).get_state())
    assert torch.equal(torch.get_rng_state(), before)


@every_setting
def test_training_survives_evaluation_copies_and_state_dicts(options):
    lstm = make(options)
    expected = lstm(X, generator=seeded(1))[0]
    lstm.eval()(X)
    lstm.train()
    loaded, buffer = make(options, seed=1), io.BytesIO()
    torch.save(lstm.state_dict(), buffer)
    buffer.seek(0)
    loaded.load_state_dict(torch.load(buffer, weights_only=True), strict=True)
    assert set(lstm.state_dict()) == set(plain(lstm).state_dict())
    for same in (lstm, copy.deepcopy(lstm), loaded, copy.deepcopy(lstm).to("cpu")):
        assert torch.equal(same(X, generator=seeded(1))[0], expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", ["h untied", "g", "c", "weight drop", "all"])
def test_dtype_is_kept(name, training, dtype):
    options = ON[name]
    lstm = make(options).to(dtype).train(training)
    output, state = lstm(X.to(dtype))
    output.sum().backward()
    assert {t.dtype for t in (output, *state, lstm.weight_hh_l0.grad)} == {dtype}
    assert {mask.dtype for mask in lstm.sample_masks(X.to(dtype)).values()} == {dtype}


def test_the_default_generator_is_torch_s():
    lstm, state = make(ON["all"]), torch.get_rng_state()
    first, second = lstm(X)[0], lstm(X)[0]
    torch.set_rng_state(state)
    assert torch.equal(lstm(X)[0], first)
    assert torch.equal(lstm(X)[0], second)


@pytest.mark.parametrize("training", [True, False])
def test_given_masks_replace_all_others(training):
    lstm = make(ON["all"]).train(training)
    torch.testing.assert_close(lstm(X, masks={})[0], plain(lstm)(X)[0], rtol=0, atol=1e-6)
    masks = {"h_l1": torch.zeros(1, 4)}
    expected = make({})(X, masks=masks)[0]
    assert torch.equal(lstm(X, masks=masks)[0], expected)
    assert not torch.allclose(expected, plain(lstm)(X)[0])


SHARED = {"share_mask": "batch", "recurrent_dropout": 0.4}
FUSED = {
    "nothing": {},
    "weight drop": {"weight_drop": 0.4},
    "h shared by the batch": SHARED,
    "h and x of each gate shared by the batch": SHARED | {"tied": False, "input_dropout": 0.4},
    "input": {"input_dropout": 0.4},
    "input per step": {"input_dropout": 0.4, "per_step": True},
    "between layers": {"dropout": 0.4},
    "all of these": SHARED | {"weight_drop": 0.2, "input_dropout": 0.4, "dropout": 0.4},
}


@pytest.mark.parametrize("options", FUSED.values(), ids=FUSED)
def test_the_fused_kernel_runs_where_it_can(options, monkeypatch):
    lstm = make(options)
    monkeypatch.setattr(layers, "lstm_scan", None)
    lstm(X)[0].sum().backward()
    make(ON["all"] | {"zoneout_h": 0.0, "zoneout_c": 0.0}).eval()(X)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    sizes=st.fixed_dictionaries(SIZES),
    axes=st.fixed_dictionaries(
        {"x": st.sampled_from(["1", "11", "411"]), "h": st.sampled_from(["1", "11", "411"])}
    ),
)
def test_a_mask_shared_by_batch_and_steps_is_one_on_columns(sizes, axes):
    """U (m ⊙ h) = (U diag m) h: the fused kernel and the loop over the steps compute the same."""
    case = Case(**sizes)
    masks = draw_masks(case, axes)
    spread = {  # the same masks, written out for every sequence and step
        name: (mask if mask.ndim > 2 else mask[:, None]).expand(
            *mask.shape[: mask.ndim - 3 if mask.ndim > 2 else 0], *case.x.shape[:2], mask.shape[-1]
        )
        for name, mask in masks.items()
    }
    by_step = case.run_twin(torch.ones_like(case.mask), spread)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layers, "lstm_scan", None)
        fused = case.run_twin(masks=masks)
    assert_agree(fused, by_step)


def test_the_kernel_reads_columns_of_u_in_single_precision():
    lstm, mask = make({}), torch.rand(1, 4, generator=seeded(1))
    fused = lstm(X, masks={"h_l0": mask})[0]
    for name, spread in {"sequence": mask.expand(5, 4), "step": mask.expand(1, 4, 4)}.items():
        by_step = lstm(X, masks={"h_l0": spread})[0]
        torch.testing.assert_close(fused, by_step, rtol=0, atol=1e-6, msg=name)


LARGE = {
    "h": {"recurrent_dropout": 0.3},
    "h untied": {"recurrent_dropout": 0.3, "tied": False, "input_dropout": 0.3},
    "g": {"recurrent_dropout": 0.3, "on": "g"},
    "c": {"recurrent_dropout": 0.3, "on": "c"},
    "zoneout": {"zoneout_h": 0.2, "zoneout_c": 0.3},
}


@pytest.mark.parametrize("options", LARGE.values(), ids=LARGE)
def test_half_precision_is_computed_in_single(options):
    """What is stored is rounded, what is computed is not: long sequences add up no errors."""
    torch.manual_seed(0)
    options = options | {"input_dropout": 0.0}  # a masked input is stored, and so rounded once more
    half = RegularizedLSTM(8, 16, batch_first=True, **options).bfloat16()
    x = torch.randn(4, 60, 8, generator=seeded(0)).bfloat16()
    masks = half.sample_masks(x, generator=seeded(1))
    output, state = half(x, masks=masks)
    output.float().sin().sum().backward()
    exact = copy.deepcopy(half).double()(x.double(), masks={name: m.double() for name, m in masks.items()})[0]
    assert {t.dtype for t in (output, *state, *(p.grad for p in half.parameters()))} == {torch.bfloat16}
    torch.testing.assert_close(output.double(), exact, rtol=0, atol=1.001 * 2**-9)  # half of the last digit


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch has no oneDNN here")
@pytest.mark.parametrize("options", LARGE.values(), ids=LARGE)
def test_products_on_onednn_are_those_of_torch(options):
    """Large products in single precision run on oneDNN: as without it, and as in double precision."""
    lstm = RegularizedLSTM(24, 96, 2, bidirectional=True, batch_first=True, **options)
    x = torch.randn(32, 9, 24, generator=seeded(0))

    def run(lstm, x, masks):
        x = x.clone().requires_grad_()
        lstm.zero_grad()
        output, state = lstm(x, masks=masks)
        sum(part.sin().sum() for part in (output, *state)).backward()
        return [output.detach(), x.grad, *(p.grad for p in lstm.parameters())]

    masks = lstm.sample_masks(x, generator=seeded(1))
    fast = run(lstm, x, masks)
    with torch.backends.mkldnn.flags(enabled=False):
        plain = run(lstm, x, masks)
    exact = run(
        copy.deepcopy(lstm).double(), x.double(), {name: mask.double() for name, mask in masks.items()}
    )
    assert any(not torch.equal(a, b) for a, b in zip(fast, plain, strict=True)), "oneDNN was not asked"
    for result in (fast, plain):
        for received, wanted in zip(result, exact, strict=True):
            tolerance = 3e-6 * wanted.abs().max()
            torch.testing.assert_close(received.double(), wanted, rtol=0, atol=float(tolerance))


def test_what_is_kept_for_backward_is_less_than_what_torch_keeps():
    """Its kernel keeps a workspace on a CPU; the loop keeps the gates, h, c, tanh(c) and the masks."""
    x = torch.randn(32, 20, 8)
    loop = RegularizedLSTM(
        8, 16, recurrent_dropout=0.2, per_step=True, zoneout_h=0.1, zoneout_c=0.1, batch_first=True
    )
    own, torch_s = kept(loop, x), kept(nn.LSTM(8, 16, batch_first=True), x)
    assert own <= 1.5 * torch_s
    assert own <= 11.5 * 4 * 32 * 20 * 16  # bytes of 11.5 float32 for each unit and step


def kept(lstm, x):
    """Return the bytes that autograd keeps for a backward pass, weights aside."""
    storages, weights = {}, {p.untyped_storage().data_ptr() for p in lstm.parameters()}

    def note(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        output = lstm(x)
    assert output[0].requires_grad
    return sum(storages.values())


@pytest.mark.parametrize("rate", [0.0, 1.0])
@pytest.mark.parametrize("training", [True, False])
def test_zoneout_at_its_limits_is_the_plain_lstm_or_stands_still(rate, training):
    lstm = make({"zoneout_h": rate, "zoneout_c": rate}).train(training)
    state = tuple(torch.randn(4, 5, 4, generator=seeded(s)) for s in (1, 2))
    output, (h_n, c_n) = lstm(X, state)
    if rate == 0:
        torch.testing.assert_close(output, plain(lstm)(X, state)[0], rtol=0, atol=1e-6)
    else:
        assert torch.equal(h_n, state[0])
        assert torch.equal(c_n, state[1])
        assert torch.equal(output, torch.cat([*h_n[2:]], dim=-1).unsqueeze(1).expand_as(output))


def test_zoneout_s_expectation_is_the_mean_of_one_step():
    lstm = RegularizedLSTM(3, 4, zoneout_h=0.3, zoneout_c=0.6, batch_first=True).double()
    x, state = X[:1, :1].double(), tuple(torch.randn(1, 1, 4, dtype=torch.float64) for _ in "hc")
    many = 20_000
    wide = tuple(s.expand(1, many, 4).contiguous() for s in state)
    _, drawn = lstm(x.expand(many, 1, 3), wide, generator=seeded(1))
    _, expected = lstm.eval()(x, state)
    for sample, mean in zip(drawn, expected, strict=True):
        error = 5 * sample.std(dim=1) / math.sqrt(many)
        assert ((sample.mean(dim=1) - mean[:, 0]).abs() <= error).all()


def test_weight_drop_is_torch_s_lstm_with_dropped_u_alone():
    lstm = make({"weight_drop": 0.5}).double()
    before = copy.deepcopy(lstm.state_dict())
    masks = lstm.sample_masks(X.double(), generator=seeded(1))
    assert set(masks) == {name for name in before if name.startswith("weight_hh")}
    lstm(X.double(), generator=seeded(1))[0].square().sum().backward()

    oracle = plain(lstm)
    with torch.no_grad():
        for name, mask in masks.items():
            getattr(oracle, name).mul_(mask)
    oracle(X.double())[0].square().sum().backward()
    for name, parameter in lstm.named_parameters():
        assert torch.equal(parameter, before[name])
        wanted = getattr(oracle, name).grad * masks.get(name, 1)
        torch.testing.assert_close(parameter.grad, wanted, rtol=0, atol=1e-12)


def test_weight_drop_draws_once_for_each_u_of_a_forward_pass(monkeypatch):
    drawn, draw = [], module.dropout_mask_torch

    def counted(sizes, *args, **options):
        drawn.append(sizes)
        return draw(sizes, *args, **options)

    monkeypatch.setattr(module, "dropout_mask_torch", counted)
    lstm = make({"weight_drop": 0.5})
    first = lstm(X)[0]
    assert drawn == [(16, 4)] * 4
    assert not torch.equal(lstm(X)[0], first)


def test_untied_masks_that_are_equal_are_a_tied_mask():
    lstm, mask = make({}), torch.rand(5, 4, generator=seeded(1))
    tied = lstm(X, masks={"h_l0": mask})[0]
    untied = lstm(X, masks={"h_l0": mask[None, :, None].expand(4, 5, 1, 4)})[0]
    torch.testing.assert_close(tied, untied, rtol=0, atol=1e-6)


def test_dropout_between_layers_is_that_of_stacked_lstms():
    lstm = make({"dropout": 0.5})
    masks = lstm.sample_masks(X, generator=seeded(1))
    below, above = (nn.LSTM(n, 4, batch_first=True, bidirectional=True) for n in (3, 8))
    weights = lstm.state_dict()
    below.load_state_dict({name: w for name, w in weights.items() if "_l0" in name})
    above.load_state_dict({name.replace("_l1", "_l0"): w for name, w in weights.items() if "_l1" in name})
    assert set(masks) == {"x_l1", "x_l1_reverse"}
    expected = above(below(X)[0] * masks["x_l1"])[0]
    torch.testing.assert_close(lstm(X, generator=seeded(1))[0], expected, rtol=0, atol=1e-6)


def test_dropout_of_everything_between_layers_leaves_nothing():
    lstm = make({"dropout": 1.0})
    assert torch.equal(lstm(X)[0], lstm(-X)[0])


def test_dropout_above_a_single_layer_warns_and_changes_nothing():
    with pytest.warns(UserWarning, match="dropout"):
        lstm = RegularizedLSTM(3, 4, dropout=0.5, batch_first=True)
    assert lstm.sample_masks(X) == {}
    assert torch.equal(lstm(X)[0], lstm.eval()(X)[0])


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler, which torch.compile needs on a CPU")
@pytest.mark.skipif(
    " " in torch.__file__, reason="torch.compile does not quote the spaces in torch's own folder"
)
@pytest.mark.parametrize(
    "options",
    [{}, {"weight_drop": 0.4}, {"recurrent_dropout": 0.4, "zoneout_h": 0.1}],
    ids=["kernel", "masked kernel", "loop"],
)
def test_it_compiles(options):
    lstm, state = RegularizedLSTM(3, 4, batch_first=True, **options), torch.get_rng_state()
    expected = lstm(X[:, :2])[0]
    torch.set_rng_state(state)
    torch.testing.assert_close(torch.compile(lstm)(X[:, :2])[0], expected, rtol=0, atol=1e-6)


def test_printing_shows_what_is_on():
    assert "recurrent_dropout=0.3, on='g', zoneout_h=0.1" in repr(
        RegularizedLSTM(3, 4, recurrent_dropout=0.3, on="g", zoneout_h=0.1, batch_first=True)
    )
    assert repr(RegularizedLSTM(3, 4, batch_first=True)) == "RegularizedLSTM(3, 4, batch_first=True)"


def test_sequence_model_passes_the_options_and_masks_on():
    model = SequenceModel(3, 4, 1, num_layers=2, recurrent_dropout=0.3, zoneout_h=0.1, bidirectional=True)
    assert model.lstm.settings.recurrent_dropout == 0.3
    assert model.lstm.settings.zoneout_h == 0.1
    masks = model.lstm.sample_masks(X, generator=seeded(1))
    assert torch.equal(model(X, generator=seeded(1)), model(X, masks=masks))
    assert not torch.equal(model(X, generator=seeded(1)), model(X, generator=seeded(2)))
    assert torch.equal(model.eval()(X), model(X))
    with pytest.raises(TypeError, match="variational"):
        SequenceModel(3, 4, 1, variational=True)


BAD_MASKS = {
    "no mapping": (np.ones((2, 4)), "masks: expected masks by name"),
    "unknown name": ({"h": np.ones((2, 4))}, "masks: expected names among ['c_l0', 'g_l0', 'h_l0'"),
    "no such layer": ({"h_l1": np.ones((2, 4))}, "masks: expected names among"),
    "no such direction": ({"h_l0_reverse": np.ones((2, 4))}, "masks: expected names among"),
    "other width": ({"h_l0": np.ones((2, 3))}, "h_l0: expected shape (2, 4), or 1 in place of a size"),
    "other batch": ({"x_l0": np.ones((3, 3))}, "x_l0: expected shape (2, 3)"),
    "other steps": ({"g_l0": np.ones((2, 4, 4))}, "g_l0: expected shape (2, 5, 4)"),
    "gates of the candidate": ({"g_l0": np.ones((4, 2, 5, 4))}, "g_l0: expected shape (2, 5, 4)"),
    "three gates": ({"h_l0": np.ones((3, 2, 5, 4))}, "h_l0: expected shape (2, 5, 4) or (4, 2, 5, 4)"),
    "one axis": ({"c_l0": np.ones(4)}, "c_l0: expected shape (2, 5, 4)"),
    "weights of one gate": ({"weight_hh_l0": np.ones((4, 4))}, "weight_hh_l0: expected shape (16, 4)"),
    "integers": ({"zoneout_h_l0": np.ones((2, 4), int)}, "zoneout_h_l0: expected"),
    "no array": ({"h_l0": 0.5}, "h_l0: expected shape"),
}


@pytest.mark.parametrize(("masks", "message"), BAD_MASKS.values(), ids=BAD_MASKS)
def test_bad_masks_say_what_was_expected(masks, message):
    lstm, x = RegularizedLSTM(3, 4, batch_first=True).double(), np.zeros((2, 5, 3))
    with pytest.raises(ValueError, match=re.escape(message)):
        lstm_forward(x, as_numpy(lstm.state_dict()), masks=masks)
    if isinstance(masks, dict):
        masks = {k: torch.from_numpy(m) if isinstance(m, np.ndarray) else m for k, m in masks.items()}
    with pytest.raises(ValueError, match=re.escape(message)):
        lstm(torch.from_numpy(x), masks=masks)


def test_masks_of_another_dtype_and_other_generators_are_refused():
    lstm = RegularizedLSTM(3, 4, recurrent_dropout=0.5, batch_first=True)
    with pytest.raises(ValueError, match=r"h_l0: expected the weights' dtype, torch.float32"):
        lstm(X, masks={"h_l0": torch.ones(5, 4, dtype=torch.float64)})
    with pytest.raises(ValueError, match=r"h_l0: expected a mask that needs no gradient"):
        lstm(X, masks={"h_l0": torch.ones(5, 4, requires_grad=True)})
    with pytest.raises(ValueError, match=r"generator: expected a torch.Generator or None, received 3"):
        lstm(X, generator=3)


def test_numpy_changes_none_of_its_arguments():
    case = Case(batch=2, steps=3, features=2, hidden=2, layers=2, bidirectional=True)
    masks = draw_masks(case, METHODS["all"])
    before = {name: mask.clone() for name, mask in masks.items()}
    arrays = {name: p.detach().numpy().copy() for name, p in case.oracle.named_parameters()}
    output, _, cache = lstm_forward(case.x.detach().numpy(), arrays, masks=as_numpy(masks))
    lstm_backward(output, None, cache)
    assert all(torch.equal(before[name], mask) for name, mask in masks.items())
    assert all((arrays[name] == p.detach().numpy()).all() for name, p in case.oracle.named_parameters())
