"""Predictions with dropout left on: reproducible, with the moments of the masks, and without side effects."""

import warnings

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


def test_without_dropout_every_pass_is_the_prediction_and_it_is_said():
    model = made()
    with pytest.warns(RuntimeWarning, match="nothing in this model is random"):
        found = passes(model)
    torch.testing.assert_close(found, predict(model, X).expand(7, 3, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        passes(model, count=1)
        passes(made(recurrent_dropout=0.5))


class Normalized(nn.Module):
    """An LSTM of torch's with batch normalization, dropout and a spectral norm; it takes no generator."""

    def __init__(self, rate):
        super().__init__()
        self.lstm = nn.LSTM(2, 4, batch_first=True)
        self.norm, self.drop = nn.BatchNorm1d(4), nn.Dropout(rate)
        self.head = nn.utils.parametrizations.spectral_norm(nn.Linear(4, 1))

    def forward(self, x):
        return self.head(self.drop(self.norm(self.lstm(x)[0][:, -1])))


def test_only_dropout_is_on_and_every_module_has_its_mode_back():
    torch.manual_seed(0)
    model = Normalized(0.5).train()
    model.norm.eval()  # frozen, as in fine-tuning
    before = {name: value.clone() for name, value in model.state_dict().items()}
    expected = predict(model, X)
    modes, state = [module.training for module in model.modules()], torch.get_rng_state()
    found = passes(model, count=4000)
    assert torch.equal(passes(model), passes(model))
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)
    torch.testing.assert_close(predict(model, X), expected, rtol=0, atol=0)
    torch.testing.assert_close(found.mean(dim=0), expected, rtol=0, atol=0.05)
    assert found.std(dim=0).min() > 0.01


def test_batches_and_padding():
    model = made(recurrent_dropout=0.5)
    mask = np.array([[True] * 5, [True] * 3 + [False] * 2, [True] * 5])
    garbage = np.where(mask[:, :, None], X, 1e3).astype(np.float32)
    seeded = [torch.Generator().manual_seed(1) for _ in range(3)]
    found = monte_carlo_predict(model, garbage, 3, generator=seeded[0], padding_mask=mask)
    clean = monte_carlo_predict(model, X, 3, generator=seeded[1], padding_mask=mask)
    torch.testing.assert_close(found, clean)
    one_by_one = monte_carlo_predict(model, X, 3, generator=seeded[2], padding_mask=mask, batch_size=1)
    assert one_by_one.shape == (3, 3, 1)
    assert len({value.item() for value in one_by_one.flatten()}) == 9


def test_the_noise_of_the_targets_is_added_to_the_spread():
    model, generator = made(output_dropout=0.3), torch.Generator().manual_seed(0)
    bare = monte_carlo_predict(model, X, 4000, generator=generator)
    noisy = monte_carlo_predict(model, X, 4000, generator=generator, noise_std=0.7)
    expected = bare.var(dim=0) + 0.7**2
    torch.testing.assert_close(noisy.var(dim=0), expected, rtol=0.1, atol=0)
    torch.testing.assert_close(noisy.mean(dim=0), bare.mean(dim=0), rtol=0, atol=0.05)


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
    with pytest.raises(ValueError, match=r"expected .*received"):
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
