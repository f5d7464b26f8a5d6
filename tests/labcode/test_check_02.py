"""Exercise 2: answers as learners write them, and the solutions against PyTorch and plain enumeration."""

import warnings
from itertools import combinations, product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from labcode import check
from labcode.check.core import NotYet
from labcode.check.exercise_02 import CHECKERS

BY_NAME = {checker.name: checker for checker in CHECKERS}
PLACES = {name: BY_NAME["touches"].solution(name) for name in (c.args[0] for c in BY_NAME["touches"].cases)}


def feedback(name, answer) -> str:
    with pytest.raises(NotYet) as caught:
        BY_NAME[name](answer)
    return str(caught.value).replace("\n", " ")


# Right answers, written unlike ours.


def _layers_by_loop(num_layers, dropout, training):
    dropped = set()
    for layer in range(num_layers):
        if training and dropout > 0 and layer + 1 < num_layers:
            dropped.add(layer)
    return dropped


def _dropout_in_torch(x, kept, p, training):
    x = torch.tensor(x)
    return torch.where(torch.tensor(kept), x / (1 - p), torch.zeros_like(x)) if training else x


def _dropout_by_loop(x, kept, p, training):
    flat = [(a / (1 - p) if k else 0.0) if training else a for a, k in zip(x.flat, kept.flat, strict=True)]
    return np.array(flat).reshape(x.shape)


def _penalty_in_torch(weights, l1, l2):
    total = torch.zeros(())
    for name, w in weights.items():
        kind = {"weight_ih": "input", "weight_hh": "recurrent"}.get(name[:9])
        w = torch.tensor(w).flatten()
        total = total + l1.get(kind, 0) * w.norm(1) + l2.get(kind, 0) * (w @ w) / 2
    return total


def _step_by_gates(x, h, c, W, U, b, mask):
    """Each gate from its own rows, through torch."""
    x, h, c, W, U, b, mask = (torch.tensor(a) for a in (x, h, c, W, U, b, mask))
    n, read = h.shape[1], h * mask
    i, f, g, o = (x @ W[k : k + n].T + read @ U[k : k + n].T + b[k : k + n] for k in range(0, 4 * n, n))
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return [o.sigmoid() * c.tanh(), c]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("touches", PLACES.get),
        ("touches", lambda method: np.str_(PLACES[method])),
        ("dropped_layers", _layers_by_loop),
        ("dropped_layers", lambda n, p, training: tuple(range(n - 1)) if training and p else ()),
        ("dropped_layers", lambda n, p, training: np.arange(n - 1) if training and p else np.array([])),
        ("inverted_dropout", _dropout_in_torch),
        ("inverted_dropout", _dropout_by_loop),
        ("inverted_dropout", lambda x, kept, p, training: (kept / (1 - p) if training else 1.0) * x),
        ("penalty_by_part", _penalty_in_torch),
        ("export_head", lambda weight, bias, p: [(1 - p) * torch.tensor(weight), torch.tensor(bias)]),
        ("export_head", lambda weight, bias, p: ([[w - p * w for w in row] for row in weight], list(bias))),
        ("masked_step", _step_by_gates),
    ],
)
def test_other_right_answers_pass(name, answer, capsys):
    BY_NAME[name](answer)
    assert "right" in capsys.readouterr().out


# Wrong answers as learners write them, beside a fragment of the message each should meet.


def _penalty_by_letters(weights, l1, l2):
    total = 0
    for part, letters in {"input": "ih", "recurrent": "hh"}.items():
        for name in weights:
            if letters in name:
                w = weights[name]
                total += l1.get(part, 0) * abs(w).sum() + l2.get(part, 0) / 2 * (w**2).sum()
    return total


def _first_layer(weights, l1, l2):
    w, u = weights["weight_ih_l0"], weights["weight_hh_l0"]
    l1_part = l1.get("input", 0) * abs(w).sum() + l1.get("recurrent", 0) * abs(u).sum()
    return l1_part + (l2.get("input", 0) * (w**2).sum() + l2.get("recurrent", 0) * (u**2).sum()) / 2


def _half_of_everything(weights, l1, l2):
    found = 0
    for part, prefix in (("input", "weight_ih"), ("recurrent", "weight_hh")):
        for w in (w for name, w in weights.items() if name.startswith(prefix)):
            found += l1.get(part, 0) * abs(w).sum() + l2.get(part, 0) * (w**2).sum()
    return found / 2


def _output_masked(x, h, c, W, U, b, mask):
    h, c = _step_by_gates(x, h, c, W, U, b, np.ones_like(mask))
    return h * torch.tensor(mask), c


def _cell_masked(x, h, c, W, U, b, mask):
    return _step_by_gates(x, h, mask * c, W, U, b, np.ones_like(mask))


WRONG = [
    ("dropped_layers", lambda n, p, training: list(range(n)) if training and p else [], "last layer is in"),
    (
        "dropped_layers",
        lambda n, p, training: list(range(max(n - 1, 1))) if training and p else [],
        "One layer has no next layer",
    ),
    ("dropped_layers", lambda n, p, training: list(range(n - 1)) if p else [], "left on in evaluation"),
    ("dropped_layers", lambda n, p, training: list(range(1, n)) if training and p else [], "that READ"),
    ("inverted_dropout", lambda x, kept, p, training: x * kept if training else x, "1/(1-p) is missing"),
    ("inverted_dropout", lambda x, kept, p, training: x * kept / p if training else x, "probability to KEEP"),
    ("inverted_dropout", lambda x, kept, p, training: x * kept / (1 - p), "applied in evaluation"),
    (
        "inverted_dropout",
        lambda x, kept, p, training: x * kept / (1 - p) if training else x * (1 - p),
        "correction is there twice",
    ),
    (
        "inverted_dropout",
        lambda x, kept, p, training: x * kept if training else x * (1 - p),
        "the older form, the article's",
    ),
    (
        "inverted_dropout",
        lambda x, kept, p, training: x * kept / kept.mean() if training else x,
        "happened to be kept",
    ),
    ("inverted_dropout", lambda x, kept, p, training: np.where(kept, 0, x / (1 - p)), "SURVIVES"),
    ("penalty_by_part", _penalty_by_letters, "biases pay, too"),
    ("penalty_by_part", _first_layer, "Only layer 0 pays"),
    ("penalty_by_part", _half_of_everything, "The L1 part is too small by half"),
    ("penalty_by_part", lambda weights, l1, l2: l1["input"], "KeyError"),
    ("export_head", lambda weight, bias, p: (weight / (1 - p), bias), "divide by 1 - p"),
    ("export_head", lambda weight, bias, p: (weight * p, bias), "probability to DROP"),
    ("export_head", lambda weight, bias, p: (weight * (1 - p), bias * (1 - p)), "bias is scaled"),
    ("export_head", lambda weight, bias, p: (weight, bias), "come back as they were"),
    ("export_head", lambda weight, bias, p: weight * (1 - p), "expected a pair of two"),
    ("masked_step", _output_masked, "dropout on the output"),
    ("masked_step", _cell_masked, "forgets all it had stored"),
]


@pytest.mark.parametrize(("name", "answer", "fragment"), WRONG, ids=[w[2] for w in WRONG])
def test_wrong_answers_as_learners_write_them(name, answer, fragment):
    message = feedback(name, answer)
    assert fragment in message, message


def test_every_wrongly_sorted_method_gets_its_own_reason():
    message = feedback("touches", lambda method: "weights")
    assert message.count("→") == len(PLACES) - 1
    assert "With a step size of 0 every weight stays where it is" in message
    assert "The same comes back in every case: 'Loss'" in feedback("touches", lambda method: "Loss")


@pytest.mark.parametrize("checker", CHECKERS[1:], ids=lambda c: c.name)
def test_two_mistakes_at_once_are_both_named(checker):
    """Unless one hides the other, in which case what is named gives the same answers."""
    named = 0
    for pair in combinations(checker.misconceptions, 2):
        switches = pair[0].switches | pair[1].switches
        if len(switches) < sum(len(mistake.switches) for mistake in pair):
            continue  # two values of one switch cannot be on together
        outputs = checker.outputs(switches)
        found = checker.diagnose(outputs)
        named += found == pair
        again = checker.outputs({k: v for mistake in found for k, v in mistake.switches.items()})
        assert found
        np.testing.assert_equal(again, outputs)
    assert named >= 2


# The solutions against what nobody here wrote.


@pytest.mark.parametrize("num_layers", [1, 2, 3, 4])
@pytest.mark.parametrize("training", [True, False])
def test_dropped_layers_are_those_of_torch(num_layers, training):
    """At a rate of 1 a layer above a seam reads zeros: its state no longer depends on the input."""
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a single layer, which is the point
        lstm = torch.nn.LSTM(3, 4, num_layers, dropout=1.0).train(training)
    (out, (first, _)), (_, (second, _)) = lstm(torch.randn(5, 2, 3)), lstm(torch.randn(5, 2, 3))
    blind = [layer for layer in range(num_layers) if torch.equal(first[layer], second[layer])]
    assert BY_NAME["dropped_layers"].solution(num_layers, 1.0, training) == [layer - 1 for layer in blind]
    assert (out != 0).all()


@given(p=st.floats(0.05, 0.9), seed=st.integers(0, 99))
def test_inverted_dropout_is_that_of_torch(p, seed):
    x = torch.linspace(1, 2, 40, dtype=torch.float64)
    torch.manual_seed(seed)
    dropped = torch.nn.functional.dropout(x, p, training=True)
    ours = BY_NAME["inverted_dropout"].solution(x.numpy(), (dropped != 0).numpy(), p, True)
    np.testing.assert_allclose(ours, dropped.numpy(), rtol=1e-12)


def test_the_exported_head_gives_the_mean_over_all_masks():
    rng, p = np.random.default_rng(0), 0.3
    weight, bias, x = rng.normal(size=(2, 5)), rng.normal(size=2), rng.normal(size=5)
    mean = np.zeros(2)
    for kept in product((0, 1), repeat=5):
        chance = np.prod(np.where(kept, 1 - p, p))
        mean += chance * (weight @ (np.array(kept) * x) + bias)
    new_weight, new_bias = BY_NAME["export_head"].solution(weight, bias, p)
    np.testing.assert_allclose(new_weight @ x + new_bias, mean, rtol=1e-12)


def test_the_masked_step_is_torchs_cell_that_reads_a_masked_h():
    for case in BY_NAME["masked_step"].cases:
        x, h, c, w, u, b, mask = (torch.tensor(array) for array in case.args)
        cell = torch.nn.LSTMCell(x.shape[-1], h.shape[-1]).double()
        with torch.no_grad():
            for parameter, value in zip(cell.parameters(), (w, u, b, torch.zeros_like(b)), strict=True):
                parameter.copy_(value)
            wanted = cell(x, (mask * h, c))
        for got, want in zip(BY_NAME["masked_step"].solution(*case.args), wanted, strict=True):
            np.testing.assert_allclose(got, want.numpy(), rtol=1e-12)


def test_the_checkers_are_exported():
    assert all(getattr(check, checker.name) is checker for checker in CHECKERS)
