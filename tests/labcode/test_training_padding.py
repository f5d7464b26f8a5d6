"""Padded steps count in no loss, penalty or metric, whatever stands there and however many there are."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from training_runs import CountReads, Run

from labcode.data.dataset import IGNORED
from labcode.experiments.methods import combine, training_options
from labcode.keras_interop import import_keras
from labcode.lstm import RegularizedLSTM, SequenceModel
from labcode.penalties import activation_penalty_torch, temporal_activation_penalty_torch
from labcode.training import evaluate, fit, monte_carlo_predict, predict, seeded

LENGTHS = np.array([3, 1, 5, 7, 2, 6, 4, 7, 1, 5])
AR, TAR = partial(activation_penalty_torch, alpha=2.0), partial(temporal_activation_penalty_torch, beta=1.0)


def ar_and_tar(outputs, padding_mask=None):
    return AR(outputs, padding_mask=padding_mask) + TAR(outputs, padding_mask=padding_mask)


def padded_to(steps, kind="regression", garbage=0.0, lengths=LENGTHS):
    """Return x, y and the mask of the same sequences of up to 7 steps, padded to more."""
    rng, mask = np.random.default_rng(0), np.arange(steps) < lengths[:, None]
    x, y = (np.full((len(lengths), steps, size), garbage, np.float64) for size in (3, 1))
    x[:, :7], y[:, :7] = rng.standard_normal((len(lengths), 7, 3)), rng.standard_normal((len(lengths), 7, 1))
    x[~mask], y[~mask] = garbage, garbage
    if kind == "sample":
        y = rng.standard_normal((len(lengths), 1))
    elif kind == "sequence":
        y = np.where(mask, y[:, :, 0] > 0, 999)
    return x, y, mask


class Tagger(nn.Module):
    """Give outputs at each step, of an LSTM that is told which steps are real, or not told."""

    def __init__(self, outputs=1, how="mask", **options):
        super().__init__()
        self.how = how
        self.lstm = (RegularizedLSTM if how == "mask" else nn.LSTM)(3, 4, batch_first=True, **options)
        self.head = nn.Linear(4 * (1 + self.lstm.bidirectional), outputs)

    def forward(self, x, padding_mask=None):
        if self.how == "mask":
            output, _ = self.lstm(x, padding_mask=padding_mask)
        elif self.how == "packed":
            packed = pack_padded_sequence(
                x, padding_mask.sum(1).cpu(), batch_first=True, enforce_sorted=False
            )
            output, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=x.shape[1])
        else:
            output, _ = self.lstm(x)
        return self.head(output)


def run(data, model=Tagger, **options):
    options = {"validation": data, "batch_size": 3, "epochs": 3, "lr": 3e-2} | options
    return Run(model=lambda: model().double(), train=data, **options)


def same_runs(one, other):
    histories = one.fit(), other.fit()
    for name in ("objective", "train_loss", "validation_loss", "train_accuracy"):
        expected = getattr(histories[0], name)
        assert getattr(histories[1], name) == pytest.approx(expected, rel=1e-9), name
    torch.testing.assert_close(one.model.state_dict(), other.model.state_dict(), rtol=0, atol=1e-9)


# Losses and metrics


@pytest.mark.parametrize("garbage", [0.0, 1e3, 1e30, np.nan, np.inf])
def test_a_regression_at_each_step_measures_real_steps_alone(garbage):
    data = padded_to(9, garbage=garbage)
    x, y, mask = data
    torch.manual_seed(0)
    model = Tagger().double()
    error = (predict(model, x, mask).numpy() - np.nan_to_num(y))[mask]
    metrics = {"entries": lambda p, t: p.numel(), "worst": lambda p, t: (p - t).abs().max()}
    found = evaluate(model, data, metrics=metrics)
    assert found == pytest.approx({"loss": np.mean(error**2), "entries": 36 + 5, "worst": abs(error).max()})
    own = evaluate(model, data, loss=lambda p, t: (p - t).square().mean())
    assert own["loss"] == pytest.approx(found["loss"])


def test_keras_measures_the_same_of_a_masked_model():
    keras, (x, y, mask) = import_keras(), padded_to(9)
    inputs = keras.Input((9, 3))
    hidden = keras.layers.LSTM(4, return_sequences=True)(keras.layers.Masking(0.0)(inputs))
    theirs = keras.Model(inputs, keras.layers.TimeDistributed(keras.layers.Dense(1))(hidden))
    theirs.compile(loss="mse", weighted_metrics=["mae"])
    expected = theirs.evaluate(x, y, batch_size=10, verbose=0)

    class Theirs(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def forward(self, x, padding_mask=None):
            return torch.from_numpy(theirs.predict(x.numpy(), verbose=0))

    found = evaluate(Theirs(), (x, y, mask), metrics={"mae": lambda p, t: (p - t).abs().mean()})
    assert [found["loss"], found["mae"]] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("batch_size", [1, 3, 10])
@pytest.mark.parametrize("loss", [None, "mae", nn.HuberLoss(reduction="none")])
def test_the_epoch_s_loss_is_the_mean_over_its_real_steps(batch_size, loss):
    """Whatever the batches; with a batch of one sequence some are all padding."""
    lengths = LENGTHS.copy()
    lengths[[1, 4]] = 0
    data = padded_to(8, lengths=lengths)
    one = run(data, lr=0.0, optimizer=torch.optim.SGD, batch_size=batch_size, loss=loss, epochs=1)
    history = one.fit()
    assert history.objective == pytest.approx(history.train_loss, rel=1e-12)


@pytest.mark.parametrize("kind", ["regression", "sample", "sequence"])
@pytest.mark.parametrize("steps", [8, 70])
def test_training_does_not_depend_on_how_much_padding_there_is(kind, steps):
    options = {"model": {"sample": lambda: SequenceModel(3, 4, 1), "regression": Tagger}.get(kind)}
    if kind == "sequence":
        options = {"model": lambda: Tagger(2), "task": "sequence"}
    one = run(padded_to(7, kind), **options, activation_penalty=ar_and_tar)
    same_runs(one, run(padded_to(steps, kind, 1e30), **options, activation_penalty=ar_and_tar))


def test_a_class_at_a_padded_step_is_no_target():
    x, y, mask = padded_to(9, "sequence")
    torch.manual_seed(0)
    model = Tagger(2).double()
    marked = evaluate(model, (x, np.where(mask, y, IGNORED), mask), "sequence")
    assert evaluate(model, (x, y, mask), "sequence") == marked
    assert marked["accuracy"] == np.mean((predict(model, x, mask).argmax(-1).numpy() == y)[mask])


def test_no_prediction_depends_on_what_stands_at_padding():
    """Not even that of a model which does not look at the mask."""
    for model in (Tagger(how="ignored").double(), SequenceModel(3, 4, 1).double()):
        outputs = []
        for garbage in (0.0, 1e30, np.nan):
            x, _, mask = padded_to(9, garbage=garbage)
            drawn = monte_carlo_predict(
                model, x, 1, generator=torch.Generator().manual_seed(0), padding_mask=mask
            )
            outputs.append((predict(model, x, mask), drawn))
            assert np.isnan(x).any() == np.isnan(garbage)  # the learner's array is as it was
        for other in outputs[1:]:
            assert torch.equal(outputs[0][0], other[0])
            assert torch.equal(outputs[0][1], other[1])


def test_padded_tokens_may_be_any_number():
    model = nn.Sequential(nn.Embedding(5, 3), nn.Flatten(), nn.Linear(12, 1))
    model.forward = lambda x, mask: nn.Sequential.forward(model, x)
    x, mask = np.array([[1, 2, 0, 0], [4, 3, 2, 1]]), np.array([[1, 1, 0, 0], [1, 1, 1, 1]], bool)
    assert torch.equal(predict(model, x, mask), predict(model, np.where(mask, x, -7), mask))
    assert torch.equal(predict(model, x, mask), predict(model, x.astype(np.uint16), mask))


def test_what_could_be_steps_or_outputs_is_refused():
    x, y, mask = padded_to(9)
    model = Tagger(9, how="ignored").double()
    with pytest.raises(ValueError, match=r"data y: expected \(N, T, outputs\) for a target at each step"):
        evaluate(model, (x, y[:, :, 0], mask))
    with pytest.raises(ValueError, match=r"data y: expected a target at a real step, received .padded"):
        evaluate(model, (x, y, mask & False))
    with pytest.raises(ValueError, match="data x: expected finite numbers, received '1 of 270"):
        evaluate(model, (np.where(np.arange(270).reshape(x.shape) == 0, np.nan, x), y, mask))


# AR and TAR


@pytest.mark.parametrize("how", ["mask", "packed", "ignored"])
@pytest.mark.parametrize("penalty", [AR, TAR, ar_and_tar], ids=["AR", "TAR", "both"])
def test_an_activation_penalty_is_the_mean_over_real_steps(how, penalty):
    """Of one step of gradient descent; the mask is the LSTM's, that of packed sequences, or the data's."""
    lengths = np.array([7, 5, 4])
    x, y, mask = padded_to(9, lengths=lengths)
    options = {"lr": 0.1, "optimizer": torch.optim.SGD, "epochs": 1, "model": lambda: Tagger(how=how)}
    one = run((x, y, mask), **options, activation_penalty=penalty)
    history = one.fit()
    two = run((x, y, mask), **options).model
    output = two.lstm(torch.tensor(x * mask[..., None]))[0]
    short = [o[:length] for o, length in zip(output, lengths, strict=True)]
    predicted = torch.cat([two.head(o) for o in short])
    loss = (predicted - torch.tensor(y[mask])).square().mean()
    if penalty is not TAR:
        loss = loss + 2 * torch.cat(short).square().mean()
    if penalty is not AR:
        loss = loss + torch.cat([o.diff(dim=0) for o in short]).square().mean()
    loss.backward()
    assert history.objective[0] == pytest.approx(loss.item(), rel=1e-9)
    for name, weight in two.named_parameters():
        expected = (weight - 0.1 * weight.grad).detach()
        torch.testing.assert_close(one.model.state_dict()[name], expected, rtol=0, atol=1e-10)


def test_a_mask_by_position_is_seen_too():
    class Positional(nn.LSTM):
        def forward(self, x, padding_mask, hx=None):
            seen.append(padding_mask)
            return super().forward(x, hx)

    class Own(Tagger):
        def forward(self, x, padding_mask=None):
            return self.head(self.lstm(x, torch.ones_like(padding_mask))[0])

    seen, received = [], []

    def penalty(outputs, padding_mask=None):
        received.append(padding_mask)
        return outputs.mean()

    def model():
        made = Own()
        made.lstm = Positional(3, 4, batch_first=True)
        return made

    run(padded_to(9), model, epochs=1, activation_penalty=penalty).fit(measure_train=False, validation=None)
    assert len(received) == 1 + 4
    assert all(mask is given for mask, given in zip(received[1:], seen[-4:], strict=True))


@pytest.mark.parametrize("method", ["ar", "tar"])
def test_the_experiments_methods_leave_padding_out(method):
    states = []
    for steps in (7, 20):
        data = padded_to(steps, "sample")
        with seeded(0):
            model = SequenceModel(3, 4, 1).double()
        options = training_options(combine({method: 2.0}), model, 1e-2)
        generator = torch.Generator().manual_seed(0)
        fit(model, data, epochs=3, batch_size=3, generator=generator, progress=False, **options)
        states.append(model.state_dict())
    torch.testing.assert_close(*states, rtol=0, atol=1e-9)


def test_a_penalty_that_cannot_leave_padding_out_is_refused():
    words = (
        r"activation_penalty: expected a function of \(outputs, padding_mask\), since .*lambda outputs, padd"
    )
    with pytest.raises(ValueError, match=words):
        run(padded_to(9), activation_penalty=lambda outputs: outputs.square().mean()).fit()
    x, y, mask = padded_to(7, lengths=np.full(10, 7))
    history = run((x, y, mask), activation_penalty=lambda outputs: outputs.square().mean()).fit()
    other = run((x, y), activation_penalty=partial(activation_penalty_torch, alpha=1.0)).fit()
    assert history.objective == pytest.approx(other.objective, rel=1e-9)

    class Knowing(Tagger):
        def forward(self, x, padding_mask=None):
            return super().forward(x, x[:, :, 0] != 0)

    with pytest.raises(ValueError, match=words):
        run((x, y), Knowing, activation_penalty=lambda outputs: outputs.square().mean()).fit()


def test_an_lstm_on_other_steps_must_be_told_its_padding():
    class Halved(Tagger):
        def forward(self, x, padding_mask=None):
            return super().forward(x[:, ::2])[:, -1]

    data = padded_to(9, "sample")
    with pytest.raises(ValueError, match=r"model: expected LSTMs that are given .*an output \(3, 5, 4\)"):
        run(data, lambda: Halved(how="ignored"), activation_penalty=ar_and_tar).fit()


def test_padding_makes_python_wait_for_no_batch():
    counts = []
    for batch_size in (10, 2):
        one = run(padded_to(9), optimizer=torch.optim.SGD, batch_size=batch_size, epochs=1, validation=None)
        with CountReads() as count:
            one.fit(measure_train=False, activation_penalty=ar_and_tar)
        counts.append(count.reads)
    assert counts[0] == counts[1]
