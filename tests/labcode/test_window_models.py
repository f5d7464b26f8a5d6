"""The Transformer and the state-space model of chapter 8: they look back only, and compute what they say."""

import pytest
import torch
from torch.nn import functional

from labcode.applications.window_models import LONGEST, StateSpace, WindowModel
from labcode.training import seeded

KINDS = ("transformer", "state space")


def model(kind, **options):
    with seeded(0):
        return WindowModel(7, 8, kind, **options).double()


def test_a_state_space_is_the_recurrence_that_it_stands_for():
    with seeded(0):
        layer = StateSpace(5).double()
    u = torch.randn(2, 9, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    h, outputs, a = torch.zeros(2, 5, dtype=torch.float64), [], torch.exp(-layer.log_rate.exp())
    assert ((a > 0) & (a < 1)).all()
    for step in layer.read(u).unbind(dim=1):
        h = a * h + step
        outputs.append(layer.write(h))
    torch.testing.assert_close(layer(u), torch.stack(outputs, dim=1))


@pytest.mark.parametrize("kind", KINDS)
def test_no_place_sees_what_comes_after_it(kind):
    tokens = torch.randint(7, (2, 12), generator=torch.Generator().manual_seed(0))
    changed = tokens.clone()
    changed[:, 6:] = (changed[:, 6:] + 1) % 7
    one, other = (model(kind).eval()(x) for x in (tokens, changed))
    torch.testing.assert_close(one[:, :6], other[:, :6])
    assert not torch.allclose(one[:, 6:], other[:, 6:])


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_is_on_in_training_only_and_tied_weights_are_one_matrix(kind):
    tokens = torch.randint(7, (2, 12), generator=torch.Generator().manual_seed(0))
    net = model(kind, dropout=0.3, embedding_dropout=0.2, tie_weights=True)
    assert net.head.weight is net.embedding.weight
    assert net.head.weight.std() < 0.6
    net.eval()
    torch.testing.assert_close(net(tokens), net(tokens))
    net.train()
    with seeded(1):
        assert not torch.allclose(net(tokens), net(tokens))


@pytest.mark.parametrize("kind", KINDS)
def test_both_learn_a_pattern(kind):
    net, tokens = model(kind), torch.arange(60).remainder(5).reshape(1, 60)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(60):
        loss = functional.cross_entropy(net(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.1


@pytest.mark.parametrize(
    "bad", [{"size": 6}, {"kind": "lstm"}, {"dropout": 1.0}, {"embedding_dropout": -0.1}, {"tie_weights": 2}]
)
def test_bad_arguments_are_refused(bad):
    with pytest.raises(ValueError, match="expected"):
        WindowModel(**{"vocabulary_size": 7, "size": 8, "kind": "transformer"} | bad)


def test_the_transformer_has_a_longest_window():
    with pytest.raises(ValueError, match="at most"):
        model("transformer")(torch.zeros(1, LONGEST + 1, dtype=torch.int64))
