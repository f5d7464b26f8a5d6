"""Silencing and removing whole units: the smaller model is the same function."""

import numpy as np
import pytest
import torch
from torch import nn

from labcode.lstm import SequenceModel
from labcode.lstm.units import outgoing_weights, shorten_units_, silent_units, without_units
from labcode.penalties import group_soft_threshold


@pytest.fixture(params=[True, False], ids=["bias", "no bias"])
def model(request):
    torch.manual_seed(0)
    return SequenceModel(3, 5, 2, bias=request.param).double().eval()


def test_each_unit_has_a_column_of_u_and_of_the_head(model):
    weights = outgoing_weights(model)
    assert weights.shape == (22, 5)
    torch.testing.assert_close(weights[:20], model.lstm.weight_hh_l0)
    torch.testing.assert_close(weights[20:], model.head.weight)


def test_shortening_is_the_group_soft_threshold_in_place(model):
    before = outgoing_weights(model).detach().numpy().copy()
    threshold = float(np.median(np.linalg.norm(before, axis=0)))
    shorten_units_(model, threshold)
    after = outgoing_weights(model).detach().numpy()
    np.testing.assert_allclose(after, group_soft_threshold(before, threshold, "columns"), rtol=1e-12)
    silent = np.linalg.norm(before, axis=0) <= threshold
    np.testing.assert_array_equal(silent_units(model), silent)
    assert 0 < silent.sum() < 5


def test_without_silent_units_the_model_predicts_the_same(model):
    x = torch.randn(4, 6, 3, dtype=torch.float64)
    with torch.no_grad():
        for weight in (model.lstm.weight_hh_l0, model.head.weight):
            weight[:, [1, 4]] = 0
    small = without_units(model, silent_units(model).nonzero())
    assert small.lstm.hidden_size == 3
    torch.testing.assert_close(small(x), model(x), rtol=1e-12, atol=1e-12)
    other = without_units(model, [0, 4])
    assert not torch.allclose(other(x), model(x), atol=1e-4)


def test_a_unit_that_only_the_head_hears_is_not_silent(model):
    with torch.no_grad():
        model.lstm.weight_hh_l0[:, 2] = 0
    assert not silent_units(model).any()


def test_removing_nothing_copies(model):
    small = without_units(model, [])
    x = torch.randn(2, 4, 3, dtype=torch.float64)
    torch.testing.assert_close(small(x), model(x))
    with torch.no_grad():
        small.head.weight.zero_()
    assert model.head.weight.abs().sum() > 0


def test_only_what_is_exactly_zero_is_silent(model):
    with torch.no_grad():
        for weight in (model.lstm.weight_hh_l0, model.head.weight):
            weight[:, :3] = 0
        model.lstm.weight_hh_l0[7, 1] = 1e-30
        model.head.weight[0, 2] = -0.0
    assert silent_units(model).tolist() == [True, False, True, False, False]
    shorten_units_(model, 0.0)
    assert silent_units(model).tolist() == [True, False, True, False, False]


@pytest.mark.parametrize("training", [True, False])
def test_the_smaller_model_is_in_evaluation_and_the_other_stays_as_it_was(training):
    torch.manual_seed(0)
    model = SequenceModel(3, 5, 2, dropout=0.0, output_dropout=0.5, recurrent_dropout=0.5).double()
    model.train(training)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    small = without_units(model, [1])
    assert not any(module.training for module in small.modules())
    assert all(module.training == training for module in model.modules())
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    assert small.head.weight.dtype == torch.float64
    assert all(parameter.requires_grad for parameter in small.parameters())
    x = torch.randn(2, 4, 3, dtype=torch.float64)
    torch.testing.assert_close(small.train()(x), small.eval()(x))  # it has no dropout


def test_all_units_but_one_can_go_and_no_unit_is_counted_twice(model):
    assert without_units(model, [0, 1, 2, 4, 4]).lstm.hidden_size == 1
    assert without_units(model, torch.tensor([0, 0])).lstm.hidden_size == 4
    for units in ([-1], [5], range(5)):
        with pytest.raises(ValueError, match="units: expected some of 0 to 4, not all, received"):
            without_units(model, units)


@pytest.mark.parametrize(
    "call",
    [
        lambda: outgoing_weights(nn.LSTM(3, 2)),
        lambda: outgoing_weights(SequenceModel(3, 2, 1, num_layers=2)),
        lambda: silent_units(SequenceModel(3, 2, 1, bidirectional=True)),
        lambda: without_units(SequenceModel(3, 2, 1), [2]),
        lambda: without_units(SequenceModel(3, 2, 1), [0, 1]),
        lambda: shorten_units_(SequenceModel(3, 2, 1), -1.0),
    ],
)
def test_bad_arguments_say_what_was_expected(call):
    with pytest.raises(ValueError, match=r"expected .*received"):
        call()
