"""Everything in torch runs on the device of its inputs.

Without a GPU two nets catch most faults: functions run on tensors that only claim to be on ``cuda`` or on
``meta``, and the source is searched for tensors made on the default device. With a GPU, values are compared.
"""

import ast
import re

import numpy as np
import pytest
import torch
from test_pairs import IDS, PAIRS, SOURCES, imported_from, make_arguments, to_torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map_only

from labcode.lstm import RegularizedLSTM, SequenceModel, lstm_forward

AVAILABLE = ["cpu"] + ["cuda"] * torch.cuda.is_available() + ["mps"] * torch.backends.mps.is_available()
RATES = {"dropout": 0.5, "input_dropout": 0.5, "recurrent_dropout": 0.5, "weight_drop": 0.5}
RATES |= {"zoneout_h": 0.5, "zoneout_c": 0.5}
MODELS = {
    "kernel": lambda: (RegularizedLSTM(3, 4, 2, bidirectional=True, batch_first=True), {}),
    "loop": lambda: (
        RegularizedLSTM(3, 4, 2, bidirectional=True, batch_first=True),
        {"padding_mask": np.ones((2, 5), bool)},
    ),
    "all masks": lambda: (RegularizedLSTM(3, 4, 2, bidirectional=True, batch_first=True, **RATES), {}),
    "masks for each gate": lambda: (
        RegularizedLSTM(3, 4, batch_first=True, **RATES | {"dropout": 0.0, "tied": False}),
        {},
    ),
    "mask on g": lambda: (
        RegularizedLSTM(3, 4, recurrent_dropout=0.5, on="g", per_step=True, batch_first=True),
        {},
    ),
    "mask on c": lambda: (RegularizedLSTM(3, 4, recurrent_dropout=0.5, on="c", batch_first=True), {}),
    "weight drop": lambda: (RegularizedLSTM(3, 4, weight_drop=0.5, batch_first=True), {}),
    "zoneout in evaluation": lambda: (RegularizedLSTM(3, 4, 2, batch_first=True, **RATES).eval(), {}),
    "model": lambda: (SequenceModel(3, 4, 1), {}),
    "masked model": lambda: (SequenceModel(3, 4, 1), {"padding_mask": np.ones((2, 5), bool)}),
}
DTYPES = {"f": torch.float32, "b": torch.bool, "i": torch.int64}
X = np.random.default_rng(0).normal(size=(2, 5, 3))
PARAMETRIZED = pytest.mark.parametrize(("module", "by_hand", "twin", "arguments"), PAIRS, ids=IDS)


class WithoutCuda(TorchFunctionMode):
    """Let a build of torch without CUDA index, invert and so on a tensor that claims to be there.

    A few operations look for a real device before FakeTensorMode is asked. Only shapes and devices count
    here, so those operations run on ``meta`` and their results claim to be where the arguments were.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        try:
            return func(*args, **(kwargs or {}))
        except RuntimeError as error:
            if "not linked with support for cuda" not in str(error):
                raise
        devices = {t.device for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor) and t.ndim > 0}
        if len(devices) > 1:
            raise RuntimeError(f"{func.__name__} of tensors on two devices: {devices}")
        args, kwargs = tree_map_only(Tensor, lambda t: claim(t, "meta"), (args, kwargs or {}))
        return tree_map_only(Tensor, lambda t: claim(t, *devices), func(*args, **kwargs))


@pytest.fixture(params=["cuda", "meta"])
def claimed(request):
    """A device that tensors can claim to be on."""
    with torch.no_grad(), FakeTensorMode(), WithoutCuda():
        yield request.param


def claim(like, device):
    """Return a tensor of the same shape and dtype that claims to be on a device."""
    dtype = like.dtype if isinstance(like, Tensor) else DTYPES[like.dtype.kind]
    return torch.empty(like.shape, dtype=dtype, device=device)


def claim_parameters(model, device):
    """Replace parameters by plain tensors that claim to be on a device: autograd would want a real one."""
    for part in model.modules():
        for name, parameter in list(part.named_parameters(recurse=False)):
            delattr(part, name)
            setattr(part, name, claim(parameter, device))


@PARAMETRIZED
def test_functions_stay_on_the_device_of_their_inputs(module, by_hand, twin, arguments, claimed):
    arrays = make_arguments(arguments, 0)
    result = twin(**tree_map_only(np.ndarray, lambda array: claim(array, claimed), arrays))
    assert {tensor.device.type for tensor in tree_leaves(result)} == {claimed}


@pytest.mark.filterwarnings("ignore:PyTorch was compiled without cuDNN")
@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_models_stay_on_the_device_of_their_weights(make, claimed):
    model, options = make()
    claim_parameters(model, claimed)
    result = model(claim(X, claimed), **{name: claim(array, claimed) for name, array in options.items()})
    assert {tensor.device.type for tensor in tree_leaves(result)} == {claimed}


@pytest.mark.parametrize("device", AVAILABLE)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@PARAMETRIZED
def test_functions_keep_the_dtype_and_compute_the_same(module, by_hand, twin, arguments, dtype, device):
    if device == "mps" and dtype == torch.float64:
        pytest.skip("mps has no float64")
    arrays = make_arguments(arguments, 0)
    result = twin(**to_torch(arrays, device, dtype))
    assert {tensor.dtype for tensor in tree_leaves(result)} == {dtype}
    tolerance = 10 * torch.finfo(dtype).eps
    np.testing.assert_allclose(result.cpu().double(), by_hand(**arrays), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("device", AVAILABLE)
@pytest.mark.parametrize("make", [MODELS["kernel"], MODELS["loop"]], ids=["kernel", "loop"])
def test_the_lstm_computes_the_same_on_every_device(make, device):
    dtype, tolerance = (torch.float32, 1e-5) if device == "mps" else (torch.float64, 1e-12)
    lstm, options = make()
    weights = {name: tensor.numpy() for name, tensor in lstm.state_dict().items()}
    output, _ = lstm.to(device, dtype)(
        *to_torch({"x": X}, device, dtype).values(), **to_torch(options, device, dtype)
    )
    np.testing.assert_allclose(output.detach().cpu(), lstm_forward(X, weights)[0], atol=tolerance)


MAKERS = re.compile(
    r"torch\.(arange|as_tensor|empty|eye|full|linspace|logspace|normal|ones|rand|randint|randn|randperm|"
    r"scalar_tensor|tensor|tril_indices|triu_indices|zeros)"
)


def device_faults(source):
    """Return the lines of a module that make a tensor on the default device, or that name a device."""
    tree, found = ast.parse(source), []
    if "torch" not in imported_from(tree, "torch"):
        return found
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = ast.unparse(node.func)
            has_device = any(keyword.arg == "device" for keyword in node.keywords)
            if MAKERS.fullmatch(function) and not has_device:
                found.append(f"line {node.lineno}: {function} without device=")
            if isinstance(node.func, ast.Attribute) and node.func.attr in ("cuda", "mps"):
                found.append(f"line {node.lineno}: .{node.func.attr}()")
        # comparing with a device's name is fine, and so is map_location, where a file is read
        if isinstance(node, ast.Call | ast.keyword | ast.Assign | ast.IfExp | ast.Return | ast.arguments):
            if getattr(node, "arg", None) == "map_location":
                continue
            found += [
                f"line {child.lineno}: the device {child.value!r}"
                for child in ast.iter_child_nodes(node)
                if isinstance(child, ast.Constant)
                and re.fullmatch(r"(cpu|cuda|mps)(:\d+)?", str(child.value))
            ]
    return found


@pytest.mark.parametrize("module", SOURCES)
def test_no_tensor_is_made_on_the_default_device(module):
    assert device_faults(SOURCES[module]) == []


@pytest.mark.parametrize(
    "line",
    [
        "torch.zeros(3)",
        "torch.tensor([1.0])",
        "torch.randn(3, generator=g)",
        "x.cuda()",
        "x.to('cuda:0')",
        "torch.zeros(3, device='cpu')",
        "device = 'cuda' if torch.cuda.is_available() else 'cpu'",
        "def f(device='cuda'): pass",
    ],
)
def test_faults_are_found(line):
    assert device_faults("import torch\n" + line)


@pytest.mark.parametrize(
    "line",
    [
        "torch.zeros(3, device=x.device)",
        "torch.zeros_like(x)",
        "x.new_zeros(3)",
        "x.cpu()",
        "x.device.type == 'cuda'",
        "torch.load(path, map_location='cpu')",
        "torch.cuda.is_available()",
    ],
)
def test_device_agnostic_code_passes(line):
    assert device_faults("import torch\n" + line) == []


@pytest.mark.parametrize("faulty", [lambda x: x + torch.zeros(3), lambda x: x[:, 0] * torch.ones(2)])
def test_a_tensor_made_elsewhere_is_found(faulty, claimed):
    with pytest.raises(RuntimeError, match="device"):
        faulty(torch.empty(2, 3, device=claimed))


def test_indexing_where_tensors_claim_to_be(claimed):
    x = torch.empty(2, 3, device=claimed)
    assert x[:, 1:].shape == (2, 2)
    assert (~(x > 0)).device.type == x[0].device.type == claimed
