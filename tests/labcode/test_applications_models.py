"""The models: padding changes nothing, masks mask, and a search finds what there is to be found."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn
from training_runs import same

from labcode.applications import application, decoding
from labcode.applications.decoding import beam_search, greedy_search
from labcode.applications.models import SETTINGS, PaddedModel, TokenModel, build_model
from labcode.applications.seq2seq import Seq2Seq
from labcode.data.dataset import IGNORED
from labcode.data.translation import END, PADDING, START
from labcode.lstm.sequence_model import SequenceModel
from labcode.penalties import activation_penalty_torch, temporal_activation_penalty_torch
from labcode.training import evaluate, fit, predict, seeded

torch.set_num_threads(1)
RATES = {
    "input_dropout": 0.3,
    "recurrent_dropout": 0.3,
    "weight_drop": 0.3,
    "zoneout_h": 0.2,
    "zoneout_c": 0.1,
}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def right_padded(n=7, steps=6, seed=0):
    lengths = torch.randint(1, steps + 1, (n,), generator=generator(seed))
    return torch.arange(steps) < lengths[:, None]


def pairs(n=8, source=9, target=10, steps=5, seed=0):
    """Return random sources with a padding mask, and targets that end."""
    rng, mask = np.random.default_rng(seed), right_padded(n, steps, seed).numpy()
    x = np.where(mask, rng.integers(4, source, mask.shape), PADDING)
    lengths = rng.integers(1, 5, n)
    y = np.full((n, 6), IGNORED)
    for row, length in zip(y, lengths, strict=True):
        row[: length + 1] = [*rng.integers(4, target, length), END]
    return x, y, mask


def translator(seed=0, **options):
    with seeded(seed):
        return Seq2Seq(9, 10, **{"hidden_size": 16, "embedding_size": 8} | options)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("rates", [{}, RATES, RATES | {"per_step": True}], ids=["plain", "masks", "per step"])
def test_a_padded_model_equals_the_sequence_model(layers, rates):
    """In evaluation, and in training with the same masks: values and gradients."""
    with seeded(0):
        fast = PaddedModel(3, 5, 2, layers, output_dropout=0.4, **rates).double()
    slow = SequenceModel(3, 5, 2, layers, output_dropout=0.4, **rates).double()
    slow.load_state_dict(fast.state_dict())
    mask = right_padded()
    x = torch.randn(7, 6, 3, dtype=torch.float64, generator=generator()) * mask[:, :, None]
    torch.testing.assert_close(fast.eval()(x, mask), slow.eval()(x, mask))
    masks = fast.train().lstm.sample_masks(x, generator=generator(1))
    masks["output"] = torch.rand(7, 5, dtype=torch.float64, generator=generator(2))
    outputs = [model.train()(x, mask, masks=masks) for model in (fast, slow)]
    torch.testing.assert_close(*outputs)
    for output in outputs:
        output.square().sum().backward()
    for one, other in zip(fast.parameters(), slow.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_padding_changes_nothing():
    model = build_model(application("text").load(), hidden_size=8, embedding_size=4, recurrent_dropout=0.2)
    model.eval()
    x = torch.tensor([[3, 5, 7, 0, 0, 0], [3, 5, 7, 9, 9, 9]])
    mask = x != 0
    mask[1, 3:] = False
    short = model(x[:1, :3])
    torch.testing.assert_close(model(x, mask), short.expand(2, -1))
    torch.testing.assert_close(model(x[:1, :3], mask[:1, :3]), short)
    assert not torch.allclose(model(x[1:]), short)


def test_embedding_dropout_silences_whole_tokens():
    with seeded(0):
        model = TokenModel(12, 4, 6, 2, embedding_dropout=0.5)
    x = torch.arange(1, 11).reshape(2, 5)
    seen = []
    model.lstm.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].detach()))
    model.train()(x, generator=generator(3))
    model(x, generator=generator(3))
    assert torch.equal(seen[0], seen[1])
    silent = (seen[0] == 0).all(dim=2)
    assert 0 < silent.sum() < silent.numel()
    torch.testing.assert_close(seen[0][~silent], 2 * model.embedding.weight[x[~silent]].detach())
    model.eval()(x)
    assert torch.equal(seen[2], model.embedding.weight[x])
    row_mask = torch.zeros(12)
    row_mask[3] = 2.0
    model.train()(x, masks={"embedding": row_mask})
    assert torch.equal(seen[3].abs().sum(dim=2) > 0, x == 3)
    assert "embedding_dropout=0.5" in repr(model)


def test_the_decoder_reads_only_what_comes_before():
    """Another target token changes the logits after it, not those up to it; padding counts for nothing."""
    model, (x, y, mask) = translator().eval(), pairs()
    x, y, mask = map(torch.tensor, (x, y, mask))
    y[:] = 5
    before = model(x, mask, targets=y)
    y[:, 2] = 7
    after = model(x, mask, targets=y)
    torch.testing.assert_close(before[:, :3], after[:, :3])
    assert (before[:, 3:] - after[:, 3:]).abs().amax(dim=(1, 2)).min() > 1e-4
    x[~mask] = 8
    torch.testing.assert_close(after, model(x, mask, targets=y))


def test_the_loss_ignores_padding():
    model, (x, y, mask) = translator(), pairs()
    logits = predict(model, x, mask, targets=y).log_softmax(dim=-1)
    real = torch.tensor(y != IGNORED)
    chosen = logits.gather(2, torch.tensor(np.where(real, y, 0))[..., None])[..., 0][real]
    measured = evaluate(model, (x, y, mask), "sequence")
    assert measured["loss"] == pytest.approx(-chosen.mean().item(), rel=1e-5)
    longer = np.concatenate([y, np.full((len(y), 3), IGNORED)], axis=1)
    assert evaluate(model, (x, longer, mask), "sequence") == pytest.approx(measured, rel=1e-5)


def test_eight_pairs_are_learned_by_heart():
    model, data = translator(hidden_size=32), pairs()
    data = tuple(part[np.unique(data[0], axis=0, return_index=True)[1]] for part in data)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    history = fit(
        model, data, optimizer=optimizer, epochs=80, generator=generator(), task="sequence", progress=False
    )
    assert history.train_accuracy[-1] == 1.0
    assert history.train_loss[-1] < 0.05
    wanted = [row[: list(row).index(END)].tolist() for row in data[1]]
    assert greedy_search(model, data[0], data[2]) == wanted
    assert [best[0][0] for best in beam_search(model, data[0], data[2])] == wanted


@pytest.mark.parametrize("option", ["output_dropout", "embedding_dropout", *RATES])
def test_every_dropout_of_a_translator_acts_in_training_and_can_be_repeated(option):
    model, (x, y, mask) = translator(**{option: 0.5}), pairs()
    x, y, mask = map(torch.tensor, (x, y, mask))
    plain = translator().eval()(x, mask, targets=y)
    one, again, other = (model.train()(x, mask, targets=y, generator=generator(s)) for s in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.allclose(one, other)
    assert not torch.allclose(one, plain)
    if "zoneout" not in option:
        torch.testing.assert_close(model.eval()(x, mask, targets=y), plain)


def test_activation_penalties_reach_encoder_and_decoder():
    x, y, mask = pairs()

    def ar_and_tar(output, padding_mask):
        ar = activation_penalty_torch(output, 2.0, padding_mask)
        return ar + temporal_activation_penalty_torch(output, 1.0, padding_mask)

    model = translator()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    options = {"optimizer": optimizer, "epochs": 1, "generator": generator(), "task": "sequence"}
    history = fit(model, (x, y, mask), activation_penalty=ar_and_tar, progress=False, **options)
    model, outputs = translator().train(), []
    for lstm in (model.encoder, model.decoder):
        lstm.register_forward_hook(lambda module, inputs, returned: outputs.append(returned[0]))
    logits = model(torch.tensor(x), torch.tensor(mask), targets=torch.tensor(y))
    loss = nn.functional.cross_entropy(logits.transpose(1, 2), torch.tensor(y))
    real = torch.tensor(mask), torch.tensor(y) != IGNORED
    penalties = [ar_and_tar(output, steps) for output, steps in zip(outputs, real, strict=True)]
    assert history.objective[0] == pytest.approx((loss + sum(penalties)).item(), rel=1e-5)


@pytest.mark.parametrize("power", [0.0, 1.0])
def test_a_beam_of_one_is_greedy_search(power):
    for seed in range(4):
        model, (x, _, mask) = translator(seed), pairs(seed=seed)
        found = beam_search(model, x, mask, width=1, longest=7, length_power=power)
        assert [best[0][0] for best in found] == greedy_search(model, x, mask, longest=7)
        assert all(len(best) == 1 for best in found)


def log_probability(model, x, mask, tokens, ended):
    y = torch.tensor([[*tokens, *([END] if ended else [])]])
    logits = predict(model, x, mask, targets=y)
    logits[..., [PADDING, START]] = -torch.inf
    return logits.log_softmax(dim=-1).gather(2, y[..., None]).sum().item()


@pytest.mark.parametrize("power", [0.0, 0.7])
@pytest.mark.parametrize("seed", range(3))
def test_a_wide_beam_finds_the_best_of_all_translations(power, seed):
    """List every translation of at most three tokens over three letters and score each by teacher forcing."""
    with seeded(seed):
        model = Seq2Seq(9, 6, 12, 6)
    with torch.no_grad():
        model.head.weight.mul_(6)
    x, _, mask = (part[:1] for part in pairs(seed=seed))
    scored, letters = [], [1, 4, 5]
    for length in range(4):
        for tokens in itertools.product(letters, repeat=length):
            ended = length < 3
            total = log_probability(model, x, mask, tokens, ended)
            scored.append((list(tokens), total / (length + ended) ** power))
    scored.sort(key=lambda pair: -pair[1])
    found = beam_search(model, x, mask, width=60, longest=3, length_power=power)[0]
    for (tokens, score), (wanted, best) in zip(found[:5], scored[:5], strict=True):
        assert tokens == wanted
        assert score == pytest.approx(best, abs=1e-4)


def test_a_beam_finds_what_greedy_search_misses():
    """A first token that looks best leads to poor endings; a beam of two keeps the other beginning."""

    def decode(tokens, state):
        first = {START: [0.0, 0.0, 0.0, 0.0, 0.6, 0.4], 4: [0.0, 0.35, 0.0, 0.3, 0.35, 0.0]}
        p = [first.get(int(t), [0.0, 0.02, 0.0, 0.94, 0.02, 0.02]) for t in tokens[:, -1]]
        return torch.tensor(p).clamp(min=1e-9).log()[:, None], state

    state = (torch.zeros(1, 1, 1), torch.zeros(1, 1, 1))
    greedy = decoding._search_one(decode, state, 1, 5, 0.0)[0]
    best, *_ = decoding._search_one(decode, state, 2, 5, 0.0)
    assert greedy[0][0] == 4
    assert best[0] == [5]
    assert best[1] == pytest.approx(np.log(0.4 * 0.94), abs=1e-4)
    assert best[1] > greedy[1]


def test_a_beam_goes_on_while_an_open_beginning_may_still_win():
    """Two translations have ended after two steps, but the open one is more probable than either."""

    def decode(tokens, state):
        following = {START: [0, 0, 0, 0.4, 0.6, 0], 4: [0, 0, 0, 0.3, 0, 0.7], 5: [0, 0, 0, 1, 0, 0]}
        p = torch.tensor([following[int(t)] for t in tokens[:, -1]], dtype=torch.float32)
        return p.clamp(min=1e-9).log()[:, None], state

    state = (torch.zeros(1, 1, 1), torch.zeros(1, 1, 1))
    found = decoding._search_one(decode, state, 2, 5, 0.0)
    assert [tokens for tokens, _ in found] == [[4, 5], []]
    assert found[0][1] == pytest.approx(np.log(0.42), abs=1e-4)


@pytest.mark.parametrize("search", [greedy_search, beam_search])
def test_a_search_leaves_the_model_as_it_was_and_stops_in_time(search):
    model, (x, _, mask) = translator(output_dropout=0.5).train(), pairs()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    with torch.no_grad():
        model.head.bias[END] = -50
    first, second = (search(model, x, mask, longest=4) for _ in range(2))
    assert first == second
    tokens = [best if search is greedy_search else best[0][0] for best in first]
    assert all(len(one) == 4 and not {PADDING, START, END} & set(one) for one in tokens)
    assert model.training
    model.head.bias.data[END] = before["head.bias"][END]
    assert same(before, dict(model.state_dict()))


@pytest.mark.parametrize("name", ["text", "translation", "speech", "stocks", "weather"])
def test_each_application_trains_by_the_one_loop(name):
    """An epoch on a part of the data, with a mask or two, lowers the loss."""
    data = application(name).load()
    sizes = {k: v for k, v in SETTINGS[name].items() if k in ("hidden_size", "embedding_size")}
    with seeded(0):
        model = build_model(data, **sizes, recurrent_dropout=0.1, output_dropout=0.1)
        part, validation = data.train.last(0.2), data.validation.last(0.2)
        before = evaluate(model, validation, data.task)["loss"]
        history = fit(
            model,
            part,
            validation,
            optimizer=torch.optim.Adam(model.parameters(), lr=SETTINGS[name]["learning_rate"]),
            epochs=2,
            generator=generator(),
            task=data.task,
            progress=False,
        )
    assert min(history.validation_loss) < before


MISTAKES = {
    "two directions": (lambda: translator(bidirectional=True), "bidirectional: expected one of False"),
    "two directions of a classifier": (
        lambda: PaddedModel(3, 4, 2, bidirectional=True),
        "bidirectional: expected one of False",
    ),
    "rate": (lambda: translator(output_dropout=1.0), "output_dropout: expected a probability"),
    "embedding rate": (lambda: TokenModel(5, 4, 3, 2, embedding_dropout=1), "embedding_dropout: expected"),
    "vocabulary": (lambda: TokenModel(0, 4, 3, 2), "vocabulary_size: expected"),
    "size": (lambda: Seq2Seq(9, 2.5, 4, 4), "target_size: expected"),
    "width": (lambda: beam_search(translator(), *pairs()[::2], width=0), "width: expected"),
    "longest": (lambda: greedy_search(translator(), *pairs()[::2], longest=0), "longest: expected"),
    "power": (lambda: beam_search(translator(), *pairs()[::2], length_power=-1), "length_power: expected"),
    "unknown token": (
        lambda: evaluate(translator(), (pairs()[0] + 9, *pairs()[1:]), "sequence"),
        "data x: expected tokens that the model takes",
    ),
    "padding shape": (
        lambda: PaddedModel(3, 4, 2)(torch.zeros(2, 5, 3), torch.ones(2, 4, dtype=torch.bool)),
        r"padding_mask: expected shape \(2, 5\)",
    ),
    "no targets": (lambda: predict(translator(), *pairs()[::2]), "targets: expected targets if the model"),
    "too few targets": (
        lambda: predict(translator(), *pairs()[::2], targets=pairs(5)[1]),
        "targets: expected 8 of them, as many as samples, received 5",
    ),
    "targets of one axis": (
        lambda: predict(translator(), *pairs()[::2], targets=pairs()[1][0]),
        r"targets: expected whole numbers, the classes, of shape \(N, L\)",
    ),
    "targets": (
        lambda: predict(SequenceModel(3, 4, 1), torch.zeros(2, 5, 3), targets=torch.zeros(2, 1)),
        "targets: expected targets if the model has teacher forcing",
    ),
}


@pytest.mark.parametrize(("call", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("training", [True, False])
def test_nothing_is_made_on_the_default_device(training):
    """On ``meta`` a tensor that was made elsewhere does not go with the others."""
    rates = RATES | {"output_dropout": 0.3}
    x, y, mask = (torch.tensor(part).to("meta") for part in pairs())
    tokens = TokenModel(9, 4, 6, 2, embedding_dropout=0.3, **rates).to("meta").train(training)
    assert tokens(x, mask).shape == (8, 2)
    features = PaddedModel(3, 4, 2, **rates).to("meta").train(training)
    assert features(x.new_zeros(8, 5, 3, dtype=torch.float32), mask).is_meta
    model = translator(embedding_dropout=0.3, **rates).to("meta").train(training)
    assert model(x, mask, targets=y).shape == (8, 6, 10)
    assert decoding._allowed(model(x, mask, targets=y)).is_meta
