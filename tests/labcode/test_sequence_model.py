"""The model around the LSTM: dropout between its last state and the head."""

import pytest
import torch
from torch import nn

from labcode.lstm.sequence_model import SequenceModel

X = torch.linspace(-1, 1, 4 * 5 * 3).reshape(4, 5, 3)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def test_output_dropout_silences_units_before_the_head_and_scales_the_others():
    """With an identity in place of the head, every number is 0 or what evaluation gives, over 1 - p."""
    model = SequenceModel(3, 64, 1, output_dropout=0.25)
    model.head = nn.Identity()
    kept = model.eval()(X)
    dropped = model.train()(X, generator=seeded(0))
    silent = dropped == 0
    assert 0.15 < silent.float().mean() < 0.35
    torch.testing.assert_close(dropped[~silent], kept[~silent] / 0.75)
    assert not torch.equal(silent[0], silent[1]), "one mask for each sequence"


def test_output_dropout_draws_from_the_generator_and_only_in_training():
    model = SequenceModel(3, 8, 1, output_dropout=0.5)
    assert torch.equal(model(X, generator=seeded(1)), model(X, generator=seeded(1)))
    assert not torch.equal(model(X, generator=seeded(1)), model(X, generator=seeded(2)))
    torch.manual_seed(3)
    first = model(X)
    torch.manual_seed(3)
    assert torch.equal(first, model(X))
    assert torch.equal(model.eval()(X), model(X))


def test_given_masks_replace_all_that_would_be_drawn():
    model = SequenceModel(3, 8, 1, output_dropout=0.5)
    assert torch.equal(model(X, masks={}), model.eval()(X))
    mask = torch.zeros(4, 8)
    assert torch.equal(model.train()(X, masks={"output": mask}), model.head.bias.expand(4, 1))
    with pytest.raises(ValueError, match="mask"):
        model(X, masks={"output": torch.ones(4, 7)})


@pytest.mark.parametrize("rate", [1.0, -0.1, float("nan"), "0.5"])
def test_a_rate_outside_its_range_is_refused(rate):
    with pytest.raises(ValueError, match="output_dropout: expected"):
        SequenceModel(3, 4, 1, output_dropout=rate)


def test_printing_shows_the_rate():
    assert "output_dropout=0.5" in repr(SequenceModel(3, 4, 1, output_dropout=0.5))
    assert "output_dropout" not in repr(SequenceModel(3, 4, 1))
