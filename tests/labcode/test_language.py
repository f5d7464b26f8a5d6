"""The language corpus, n-grams, the language model with its training, and what it writes."""

import math
from collections import Counter

import numpy as np
import pytest
import torch
from torch.nn import functional

from labcode.applications.language import (
    Corpus,
    best_ngram,
    load,
    ngram_log_probabilities,
    reference_text,
    repeated_share,
    streams,
    windows,
)
from labcode.applications.language_model import LanguageModel, generate, next_logits
from labcode.applications.language_training import (
    fit_language_model,
    objective_of,
    piece_lengths,
    text_losses,
)
from labcode.averaging import NonMonotonicTrigger
from labcode.early_stopping import EarlyStopping
from labcode.training import evaluate, fit, seeded

torch.set_num_threads(1)
RATES = {"embedding_dropout": 0.2, "input_dropout": 0.3, "output_dropout": 0.3, "weight_drop": 0.3}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def small_corpus(size=900, classes=6, seed=0):
    """A text in which each character depends on the one before it, in three parts."""
    rng = np.random.default_rng(seed)
    table, text = rng.dirichlet(np.full(classes, 0.3), size=classes), [1]
    for _ in range(size):
        text.append(int(rng.choice(classes, p=table[text[-1]])))
    parts = np.split(np.array(text, dtype=np.int64), [size * 6 // 10, size * 8 // 10])
    return Corpus(*parts, tuple("?abcde"[:classes]), "", "")


def language_model(seed=0, hidden=8, **options):
    with seeded(seed):
        return LanguageModel(6, hidden, **options)


def trained(epochs=3, seed=0, model_options=None, **options):
    """Train a small model and return it with its history."""
    corpus = small_corpus()
    with seeded(seed):
        model = LanguageModel(6, 8, **(model_options or {}))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
        options = {"batch_size": 4, "steps": 16, "generator": generator(seed)} | options
        return model, fit_language_model(model, corpus, optimizer=optimizer, epochs=epochs, **options), corpus


# --- the text ---


def test_the_parts_follow_each_other_and_lose_nothing_but_rare_characters():
    corpus, text = load(), reference_text()
    joined = "".join(corpus.decode(part) for part in (corpus.train, corpus.validation, corpus.test))
    assert len(joined) == len(text)
    different = [(a, b) for a, b in zip(joined, text, strict=True) if a != b]
    assert {a for a, _ in different} <= {corpus.vocabulary[0]}
    train = Counter(text[: len(corpus.train)])
    assert all(train[b] < 5 for _, b in different)
    assert abs(len(corpus.test) - len(text) / 10) <= 1
    assert len(corpus.sha256) == 64
    assert corpus.python.startswith("3.")


def test_a_smaller_training_part_lies_next_to_the_validation_part():
    corpus, whole = load(5000), load()
    train = "".join(whole.vocabulary[token] for token in whole.train[-5000:])
    known = [at for at, token in enumerate(corpus.train) if token]
    assert [corpus.vocabulary[corpus.train[at]] for at in known] == [train[at] for at in known]
    with pytest.raises(ValueError, match="at most"):
        load(10**9)
    with pytest.raises(ValueError, match="one of"):
        load(repeats="some")


def test_no_paragraph_is_there_twice_unless_asked_for():
    paragraphs = [tuple(one.split()) for one in reference_text().split("\n\n")]
    assert len(set(paragraphs)) == len(paragraphs)
    corpus, kept = load(), load(repeats="keep")
    assert repeated_share(corpus.decode(corpus.test), corpus.decode(corpus.train)) < 0.001
    assert repeated_share(kept.decode(kept.test), kept.decode(kept.train)) > 0.02
    assert repeated_share("a b\n\nc", "a  b\n\nd") == pytest.approx(3 / 4)


def test_windows_and_streams_predict_the_next_character():
    split = windows(np.arange(11), 3)
    np.testing.assert_array_equal(split.x, [[0, 1, 2], [3, 4, 5], [6, 7, 8]])
    np.testing.assert_array_equal(split.y, split.x + 1)
    x, y = streams(np.arange(12), 3)
    np.testing.assert_array_equal(x, [[0, 1, 2], [3, 4, 5], [6, 7, 8]])
    np.testing.assert_array_equal(y, x + 1)
    for bad in (np.arange(3.0), np.arange(4).reshape(2, 2), [1, 2, 3]):
        with pytest.raises(ValueError, match="expected"):
            windows(bad, 2)
    with pytest.raises(ValueError, match="more than"):
        streams(np.arange(3), 3)


# --- n-grams ---


def test_ngrams_equal_counting_by_hand():
    train, text, s = "abracadabra", "abacus", 0.7
    number = {c: at for at, c in enumerate("abcdrus")}

    def p(c, h):
        if h is None:
            return 1 / 7
        shorter = p(c, h[1:] if h else None)
        followed = [train[at + len(h)] for at in range(len(train) - len(h)) if train[at : at + len(h)] == h]
        return (followed.count(c) + s * shorter) / (len(followed) + s)

    numbers = [np.array([number[c] for c in part]) for part in (train, text)]
    for order in (1, 2, 3):
        wanted = [math.log(p(c, text[max(0, at - order + 1) : at])) for at, c in enumerate(text)]
        found = ngram_log_probabilities(*numbers, order=order, classes=7, strength=s)
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_ngrams_are_probabilities_and_longer_ones_know_more():
    corpus = small_corpus(3000)
    chances = [
        np.exp(
            ngram_log_probabilities(corpus.train, np.array([1, 2, c]), order=3, classes=6, strength=1.0)[2]
        )
        for c in range(6)
    ]
    assert sum(chances) == pytest.approx(1)
    losses = [-best_ngram(corpus, order, "test")[1].mean() for order in (1, 2)]
    assert losses[1] < losses[0] - 0.1
    with pytest.raises(ValueError, match="numbers 0 to 2"):
        ngram_log_probabilities(corpus.train, corpus.test, order=1, classes=3, strength=1.0)
    with pytest.raises(ValueError, match="strength"):
        ngram_log_probabilities(corpus.train, corpus.test, order=1, classes=6, strength=0.0)


# --- the model ---


def test_the_state_carries_the_text_on():
    model, tokens = language_model().double(), torch.randint(6, (2, 10), generator=generator())
    model.eval()
    whole, first = model.read(tokens), model.read(tokens[:, :4])
    second = model.read(tokens[:, 4:], first.state)
    torch.testing.assert_close(torch.cat([first.logits, second.logits], dim=1), whole.logits)
    torch.testing.assert_close(model(tokens), whole.logits)


def test_tied_weights_are_one_matrix_with_the_sum_of_both_gradients():
    tied, untied = language_model(tie_weights=True).double(), language_model().double()
    assert sum(p.numel() for p in untied.parameters()) - sum(p.numel() for p in tied.parameters()) == 6 * 8
    weights = tied.state_dict()
    untied.load_state_dict(weights)
    tokens = torch.randint(6, (2, 5), generator=generator())
    for model in (tied, untied):
        functional.cross_entropy(model(tokens).flatten(0, 1), tokens.flatten()).backward()
    both = untied.embedding.weight.grad + untied.head.weight.grad
    torch.testing.assert_close(tied.embedding.weight.grad, both)
    with pytest.raises(ValueError, match="embedding_size"):
        language_model(embedding_size=4, tie_weights=True)


def test_dropout_acts_in_training_only_and_its_masks_are_locked():
    model = language_model(**RATES, layer_norm=True).double()
    tokens = torch.randint(6, (3, 7), generator=generator())
    model.eval()
    torch.testing.assert_close(model(tokens), model(tokens))
    model.train()
    one, again, other = (model.read(tokens, generator=generator(seed)) for seed in (1, 1, 2))
    torch.testing.assert_close(one.logits, again.logits)
    assert not torch.allclose(one.logits, other.logits)
    zeros = one.dropped == 0
    assert zeros.any()
    assert (zeros == zeros[:, :1]).all(), "the same units at every step"
    kept = ~zeros
    torch.testing.assert_close(one.dropped[kept], model.norm(one.output)[kept] / 0.7)


def test_a_silenced_token_is_silent_wherever_it_stands():
    model = language_model(embedding_dropout=0.5).train()
    seen = []
    model.lstm.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    model(torch.tensor([[0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5]]), generator=generator(0))
    silent = (seen[0][0] == 0).all(dim=1)
    assert 0 < silent[:6].sum() < 6
    assert (silent[:6] == silent[6:]).all()


@pytest.mark.parametrize("options", [{"embedding_dropout": 1.0}, {"output_dropout": -0.1}, {"layer_norm": 2},
    {"tie_weights": None}, {"bidirectional": True}, {"hidden": 0}, {"nonsense": 1}])  # fmt: skip
def test_bad_options_are_refused(options):
    with pytest.raises((ValueError, TypeError), match=r"expected|nonsense"):
        language_model(**options)


def test_the_model_fits_into_the_courses_training_loop():
    corpus, model = small_corpus(), language_model()
    split = windows(corpus.train, 12)
    history = fit(
        model,
        split,
        optimizer=torch.optim.Adam(model.parameters(), lr=0.02),
        epochs=2,
        generator=generator(),
        task="sequence",
        progress=False,
    )
    assert history.train_loss[1] < history.train_loss[0]


# --- training ---


def test_the_objective_is_cross_entropy_with_ar_and_tar():
    model = language_model(output_dropout=0.4).double().train()
    tokens, y = (torch.randint(6, (2, 5), generator=generator(seed)) for seed in (0, 1))
    reading = model.read(tokens, generator=generator())
    plain = functional.cross_entropy(reading.logits.flatten(0, 1), y.flatten())
    torch.testing.assert_close(objective_of(reading, y), plain)
    ar, tar = (
        reading.dropped.square().mean(),
        (reading.output[:, 1:] - reading.output[:, :-1]).square().mean(),
    )
    torch.testing.assert_close(objective_of(reading, y, alpha=2.0, beta=3.0), plain + 2 * ar + 3 * tar)
    assert objective_of(reading, y, label_smoothing=0.2) != plain


def test_the_losses_of_a_text_are_those_of_its_rows():
    corpus, model = small_corpus(), language_model()
    losses = text_losses(model, corpus.test, batch_size=1)
    logits = model.eval()(torch.tensor(corpus.test[None, :-1]))[0]
    wanted = functional.cross_entropy(logits, torch.tensor(corpus.test[1:]), reduction="none")
    np.testing.assert_allclose(losses, wanted.detach(), rtol=1e-4)
    rows = text_losses(model, corpus.test, batch_size=3)
    np.testing.assert_allclose(rows[:10], losses[:10], rtol=1e-4)
    assert len(rows) == (len(corpus.test) - 1) // 3 * 3
    split = windows(corpus.test, len(rows) // 3)
    assert rows.mean() == pytest.approx(
        evaluate(model, (split.x[:3], split.y[:3]), "sequence")["loss"], rel=1e-4
    )


def test_training_learns_and_repeats_itself():
    one, again = (trained(vary=True, model_options=RATES, alpha=0.1, beta=0.1) for _ in range(2))
    assert one[1] == again[1]
    assert one[1].validation_loss[-1] < one[1].validation_loss[0]
    assert one[1].validation_loss[-1] == pytest.approx(text_losses(one[0], one[2].validation).mean())
    assert not one[0].training
    other = trained(vary=True, seed=1)
    assert other[1].validation_loss != one[1].validation_loss


def test_pieces_fill_a_row_and_vary_around_their_length():
    assert list(piece_lengths(40, steps=16, vary=False, generator=generator())) == [16, 16, 8]
    assert list(piece_lengths(36, steps=16, vary=False, generator=generator())) == [16, 16]
    lengths = list(piece_lengths(100_000, steps=70, vary=True, generator=generator()))
    assert 100_000 - 5 < sum(lengths) <= 100_000
    halves = np.array(lengths) < 52
    assert 0.02 < halves.mean() < 0.09
    assert np.array(lengths)[~halves].mean() == pytest.approx(70, abs=1)
    assert np.array(lengths)[~halves].std() == pytest.approx(5, abs=0.7)


def test_averaging_hands_over_the_mean_of_the_weights():
    """Start it after the first epoch: what comes back is the mean over the steps of the others."""
    rule = NonMonotonicTrigger(1)
    rule.losses, rule.triggered_at = [1.0], 0
    steps = []
    with seeded(0):
        model = LanguageModel(6, 8, tie_weights=True)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    optimizer.register_step_post_hook(lambda *_: steps.append(model.lstm.weight_hh_l0.detach().clone()))
    how = {"epochs": 2, "generator": generator(), "batch_size": 4, "steps": 16, "averaging": rule}
    history = fit_language_model(model, small_corpus(), optimizer=optimizer, **how)
    torch.testing.assert_close(model.lstm.weight_hh_l0.detach(), torch.stack(steps).mean(dim=0))
    assert model.head.weight is model.embedding.weight
    assert len(history.validation_loss) == 2


def test_the_trigger_sees_the_losses_that_were_measured():
    rule = NonMonotonicTrigger(1)
    _, history, _ = trained(epochs=6, averaging=rule)
    assert rule.losses == history.validation_loss[: len(rule.losses)]


def test_early_stopping_keeps_the_best_epoch():
    rule = EarlyStopping(patience=1, restore_best_weights=True)
    model, history, corpus = trained(epochs=60, early_stopping=rule, model_options={"tie_weights": True})
    assert history.stopped_epoch == history.best_epoch + 1
    best = history.validation_loss[history.best_epoch]
    assert text_losses(model, corpus.validation).mean() == pytest.approx(best, rel=1e-6)


@pytest.mark.parametrize("bad", [{"epochs": 0}, {"steps": 4}, {"alpha": -1.0}, {"label_smoothing": 2.0},
    {"clip_norm": 0.0}, {"vary": 2}, {"batch_size": 10**6}, {"generator": 0}])  # fmt: skip
def test_bad_training_arguments_are_refused(bad):
    with pytest.raises(ValueError, match="expected"):
        trained(**bad)


# --- writing ---


def test_what_is_written_follows_the_models_probabilities():
    model = language_model()
    start = torch.tensor([1, 2, 3])
    chances = torch.softmax(next_logits(model, start) / 0.5, dim=0)
    written = [
        generate(model, start, 1, temperature=0.5, generator=generator(seed))[0] for seed in range(400)
    ]
    shares = np.bincount(written, minlength=6) / 400
    assert np.abs(shares - chances.numpy()).max() < 5 * math.sqrt(0.25 / 400)
    cold = generate(model, start, 5, temperature=1e-3, generator=generator())
    model.eval()
    for at, token in enumerate(cold):
        read = torch.cat([start, torch.tensor(cold[:at], dtype=torch.int64)])
        assert token == int(next_logits(model, read).argmax())
    for bad in ({"length": 0}, {"temperature": 0.0}, {"generator": None}):
        with pytest.raises(ValueError, match="expected"):
            generate(**{"model": model, "start": start, "length": 1, "generator": generator()} | bad)
