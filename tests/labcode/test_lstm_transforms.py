"""What torch makes of a module: gradients of gradients, autocast, exporters, tracers, transforms."""

import copy
import importlib.util
import io
import re
import warnings
from contextlib import nullcontext

import pytest
import torch
from test_in_place_of_nn_lstm import BIG, SETTINGS, close, drawn, each_of_ours, flat, states
from test_lstm import Case
from test_regularized_lstm import METHODS, draw_masks
from torch import nn

from labcode.lstm import RegularizedLSTM, layers, scan
from labcode.lstm.plain_loop import lstm_plain_loop

every_method = pytest.mark.parametrize("method", METHODS)
ONES, REAL = (
    torch.ones(3, 5, dtype=torch.bool),
    torch.tensor([[True] * 5, [True, False] * 2 + [True], [False] * 5]),
)


@every_method
def test_second_derivatives_agree_with_finite_differences_of_the_first(method):
    case = Case(batch=2, steps=3, features=2, hidden=2, layers=1, bidirectional=True)
    lstm = RegularizedLSTM(*case.sizes, bidirectional=True, batch_first=True).double()
    lstm.load_state_dict(case.oracle.state_dict())
    masks = draw_masks(case, METHODS[method])

    def run(x, h_0, c_0, *_):
        output, state = lstm(x, (h_0, c_0), padding_mask=case.mask, masks=masks)
        return (output, *state)

    inputs = case.x, *case.state, *lstm.parameters()
    assert torch.autograd.gradgradcheck(run, inputs, fast_mode=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("call", [{}, {"padding_mask": ONES}], ids=["kernel", "loop"])
def test_a_penalty_on_the_gradient_of_a_sum_reaches_the_weights(call, dtype):
    """The incoming gradient of a sum needs none itself: what notices a cut graph may not rest on it."""
    lstm = RegularizedLSTM(4, 6, batch_first=True).to(dtype)
    plain = nn.LSTM(4, 6, batch_first=True).double()
    plain.load_state_dict(lstm.state_dict())
    grads = []
    for module, options in ((lstm, call), (plain, {})):
        x = drawn(3, 5, 4).to(module.weight_hh_l0.dtype).requires_grad_()
        output = module(x, **options)[0]
        (grad,) = torch.autograd.grad(output.sum(), x, create_graph=True)
        (output.mean() + 10 * grad.square().sum()).backward()
        grads.append([p.grad.double() for p in module.parameters()])
    for received, wanted in zip(*grads, strict=True):
        torch.testing.assert_close(
            received, wanted, rtol=1e-4, atol=1e-5 if dtype == torch.float32 else 1e-12
        )


def test_gradients_stay_apart_where_one_input_was_computed_from_another():
    lstm = RegularizedLSTM(4, 4, recurrent_dropout=0.3).double()
    masks = lstm.sample_masks(drawn(5, 2, 4).double())

    def run(v):
        x = (v * lstm.weight_hh_l0[:4]).sum(dim=1).expand(5, 2, 4)  # x hangs on U
        return lstm(x, (v[:1].expand(1, 2, 4), x[:1]), masks=masks)[0]

    v = drawn(4, 4).double().requires_grad_()
    assert torch.autograd.gradgradcheck(run, (v,), fast_mode=True)
    (plain,) = torch.autograd.grad(run(v).sum(), lstm.weight_hh_l0)
    (graph,) = torch.autograd.grad(run(v).sum(), lstm.weight_hh_l0, create_graph=True)
    torch.testing.assert_close(graph, plain, rtol=0, atol=1e-12)


@every_method
def test_the_plain_loop_computes_what_the_function_computes(method, monkeypatch):
    case = Case(batch=2, steps=4, features=3, hidden=2, layers=2, bidirectional=True)
    masks = draw_masks(case, METHODS[method])
    outputs, grads = case.run_twin(case.mask, masks)
    monkeypatch.setattr(scan, "_is_traced", lambda: True)
    same, same_grads = case.run_twin(case.mask, masks)
    for received, wanted in zip([*outputs, *grads.values()], [*same, *same_grads.values()], strict=True):
        torch.testing.assert_close(received, wanted, rtol=0, atol=1e-12)


# Autocast


@each_of_ours
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("backward_inside", [False, True])
def test_autocast_runs_behind_a_linear_and_is_near_single_precision(rates, dtype, backward_inside):
    lstm, x = RegularizedLSTM(3, 4, **BIG, **rates), drawn(5, 2, 3)
    lstm = lstm.double() if dtype == torch.float64 else lstm
    exact, masks = copy.deepcopy(lstm), lstm.sample_masks(x.to(lstm.weight_hh_l0.dtype))
    x, hx = x.to(dtype), tuple(part.to(dtype) for part in states([2]))
    with torch.backends.mkldnn.flags(enabled=False):  # whose LSTM needs a processor with bfloat16
        with torch.autocast("cpu", torch.bfloat16):
            result = lstm(x, hx, masks=masks)
            loss = sum(part.float().sum() for part in flat(result))
            loss.backward() if backward_inside else None
        loss.backward() if not backward_inside else None
        wanted = exact(
            x.to(exact.weight_hh_l0.dtype), tuple(h.to(exact.weight_hh_l0.dtype) for h in hx), masks=masks
        )
    sum(part.float().sum() for part in flat(wanted)).backward()
    assert {part.dtype for part in flat(result)} == {dtype}
    close([flat(result)[0].float(), []], [flat(wanted)[0].float(), []], atol=0.03)
    for p, q in zip(lstm.parameters(), exact.parameters(), strict=True):
        assert p.grad.dtype == p.dtype
        torch.testing.assert_close(p.grad, q.grad, rtol=0, atol=0.03 * float(1 + q.grad.abs().max()))


@pytest.mark.parametrize("rates", [SETTINGS["untied"], SETTINGS["zoneout"]], ids=["untied", "zoneout"])
def test_the_loop_is_exact_under_autocast(rates):
    """It multiplies in the weights' dtype, and so does its gradient: autocast changes nothing."""
    lstm, x = RegularizedLSTM(3, 4, **rates), drawn(5, 2, 3)
    masks, grads = lstm.sample_masks(x), []
    for context in (nullcontext(), torch.autocast("cpu", torch.bfloat16)):
        with context:
            (grad,) = torch.autograd.grad(lstm(x, masks=masks)[0].square().sum(), lstm.weight_hh_l0)
        grads.append(grad)
    assert torch.equal(*grads)


def test_without_autocast_another_dtype_is_refused():
    with pytest.raises(ValueError, match="input: expected the weights' dtype"):
        RegularizedLSTM(3, 4, zoneout_h=0.1)(drawn(5, 2, 3).bfloat16())


# Exporters and tracers: in evaluation, any batch size


class Padded(nn.Module):
    """A model whose sequences are padded."""

    def __init__(self):
        super().__init__()
        self.lstm = RegularizedLSTM(3, 4, batch_first=True, recurrent_dropout=0.3, **BIG)

    def forward(self, x, padding_mask):
        return self.lstm(x, padding_mask=padding_mask)


class Wrapped(nn.Module):
    """One input, one output."""

    def __init__(self, lstm):
        super().__init__()
        self.lstm = lstm

    def forward(self, x):
        return self.lstm(x)[0]


def exported(rates):
    return Wrapped(RegularizedLSTM(3, 4, batch_first=True, **BIG, **rates))


MODELS = {
    "kernel": (lambda: exported({"recurrent_dropout": 0.3, "dropout": 0.2}), ()),
    "zoneout": (lambda: exported(SETTINGS["zoneout"]), ()),
    "padding": (Padded, (REAL[:, :3].contiguous(),)),
}
every_model = pytest.mark.parametrize(("make", "more"), MODELS.values(), ids=MODELS)


def small_and_large(more):
    """Return what a model is shown, and a larger batch to run it on; a graph grows with the steps, so few."""
    small = drawn(3, 3, 3), *more
    return small, (drawn(7, 3, 3, seed=1), *(torch.cat([mask.flip(0), mask, mask[:1]]) for mask in more))


def first(result):
    return result[0] if isinstance(result, tuple) else result


@every_model
@pytest.mark.parametrize("strict", [False, True])
def test_an_exported_model_takes_any_batch(make, more, strict):
    model, (small, large) = make().eval(), small_and_large(more)
    batch = torch.export.Dim("batch")
    program = torch.export.export(model, small, dynamic_shapes=({0: batch},) * len(small), strict=strict)
    torch.testing.assert_close(first(program.module()(*large)), first(model(*large)), rtol=0, atol=1e-6)


@every_model
def test_a_traced_model_takes_any_batch_and_no_other_number_of_steps(make, more):
    model, (small, large) = make().eval(), small_and_large(more)
    with warnings.catch_warnings():  # torch's own check of sizes, in nn.LSTM, warns
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        traced = torch.jit.trace(model, small)
    torch.testing.assert_close(first(traced(*large)), first(model(*large)), rtol=0, atol=1e-6)
    if make is not MODELS["kernel"][0]:
        with pytest.raises(RuntimeError):
            traced(*(part[:, :2] for part in large))


@every_model
@pytest.mark.parametrize("dynamo", [False, True])
def test_an_onnx_graph_takes_any_batch(make, more, dynamo):
    for name in ("onnx", "onnxscript", "onnxruntime"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    import onnxruntime

    model, (small, large), buffer = make().eval(), small_and_large(more), io.BytesIO()
    if dynamo:
        shapes = ({0: torch.export.Dim("batch")},) * len(small)
        torch.onnx.export(model, small, dynamo=True, dynamic_shapes=shapes, verbose=False).save(buffer)
    else:
        names = ["x", "real"][: len(small)]
        axes = {name: {0: "batch"} for name in names}
        torch.onnx.export(model, small, buffer, dynamo=False, input_names=names, dynamic_axes=axes)
    session = onnxruntime.InferenceSession(buffer.getvalue())
    given = {put.name: tensor.numpy() for put, tensor in zip(session.get_inputs(), large, strict=True)}
    received = torch.from_numpy(session.run(None, given)[0])
    torch.testing.assert_close(received, first(model(*large)), rtol=0, atol=1e-5)


@pytest.mark.parametrize("rates", [rates for rates in SETTINGS.values() if rates], ids=list(SETTINGS)[1:])
@pytest.mark.parametrize("record", [torch.export.export, torch.jit.trace], ids=["export", "trace"])
def test_masks_are_not_recorded_as_constants(rates, record):
    lstm = RegularizedLSTM(3, 4, **BIG, **rates)
    message = "an exported or traced LSTM: expected evaluation mode, as what is drawn here would be the same"
    with pytest.raises(ValueError, match=re.escape(message)):
        record(lstm, (drawn(5, 2, 3),))


# Transforms


@each_of_ours
def test_torch_func_s_gradients_are_autograd_s(rates):
    lstm, x = RegularizedLSTM(3, 4, **BIG, **rates), drawn(5, 2, 3)
    masks, weights = lstm.sample_masks(x), dict(lstm.named_parameters())

    def loss(weights, x):
        return torch.func.functional_call(lstm, weights, (x,), {"masks": masks})[0].square().sum()

    received = torch.func.grad(loss)(weights, x)
    wanted = torch.autograd.grad(loss(weights, x), list(weights.values()))
    for name, grad in zip(weights, wanted, strict=True):
        torch.testing.assert_close(received[name], grad, rtol=0, atol=1e-5)


@pytest.mark.parametrize("rates", [SETTINGS["zoneout"], SETTINGS["untied"]], ids=["zoneout", "untied"])
def test_vmap_runs_the_loop_over_many_batches(rates):
    lstm, x = RegularizedLSTM(3, 4, **rates), drawn(3, 5, 2, 3)
    masks = lstm.sample_masks(x[0])
    received = torch.vmap(lambda batch: lstm(batch, masks=masks)[0])(x)
    close([received, []], [torch.stack([lstm(batch, masks=masks)[0] for batch in x]), []])


def test_the_function_runs_where_nothing_is_traced(monkeypatch):
    """The plain loop is the slow one: eager training never takes it."""
    monkeypatch.setattr(scan, "lstm_plain_loop", None)
    lstm = RegularizedLSTM(3, 4, **BIG, **SETTINGS["zoneout"])
    lstm(drawn(5, 2, 3), padding_mask=None)[0].sum().backward()
    assert layers.lstm_scan is scan.lstm_scan
    assert callable(lstm_plain_loop)
