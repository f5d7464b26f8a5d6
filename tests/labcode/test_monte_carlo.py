"""Predictions with dropout left on: reproducible, with the moments of the masks, and without side effects."""

import numpy as np
import pytest
import torch
from torch import nn

from labcode.lstm import SequenceModel
from labcode.training import predict
from labcode.training.monte_carlo import monte_carlo_predict

X = np.random.default_rng(0).normal(size=(3, 5, 2)).astype(np.float32)


def made(**rates):
    torch.manual_seed(0)
    return SequenceModel(2, 4, 1, **rates).eval()


def passes(model, count=7, seed=0):
    return monte_carlo_predict(model, X, count, generator=torch.Generator().manual_seed(seed))


def test_passes_differ_and_the_seed_makes_them_again():
    model = made(recurrent_dropout=0.5)
    assert passes(model).shape == (7, 3, 1)
    assert torch.equal(passes(model), passes(model))
    assert not torch.equal(passes(model, seed=1), passes(model))
    assert (passes(model).std(dim=0) > 0).all()


def test_without_dropout_every_pass_is_the_prediction():
    model = made()
    torch.testing.assert_close(passes(model), predict(model, X).expand(7, 3, 1))


def test_for_dropout_before_the_linear_head_mean_and_spread_are_known():
    """The head is linear in the mask, so the mean is the prediction and the variance a sum."""
    p, model = 0.3, made(output_dropout=0.3)
    found = passes(model, count=4000)
    hidden = model.lstm(torch.from_numpy(X))[1][0][-1]
    variance = p / (1 - p) * (hidden * model.head.weight).square().sum(dim=1, keepdim=True)
    torch.testing.assert_close(found.mean(dim=0), predict(model, X), rtol=0, atol=0.02)
    torch.testing.assert_close(found.var(dim=0), variance, rtol=0.15, atol=1e-4)


@pytest.mark.parametrize("training", [True, False])
def test_mode_gradients_and_global_randomness_are_left_alone(training):
    model, state = made(input_dropout=0.5).train(training), torch.get_rng_state()
    assert not passes(model).requires_grad
    assert model.training is training
    assert torch.equal(torch.get_rng_state(), state)


def test_the_mode_is_put_back_after_an_error():
    with pytest.raises(ValueError, match=r"x: expected .*received"):
        monte_carlo_predict(model := made(), X[:, :, :1], 2, generator=torch.Generator())
    assert not model.training


@pytest.mark.parametrize(
    ("model", "x", "count", "generator"),
    [
        (nn.Linear, X, 2, torch.Generator()),
        (made(), X, 0, torch.Generator()),
        (made(), X, 2, 0),
        (made(), X[0], 2, torch.Generator()),
    ],
)
def test_bad_arguments_say_what_was_expected(model, x, count, generator):
    with pytest.raises(ValueError, match=r"expected .*received"):
        monte_carlo_predict(model, x, count, generator=generator)
