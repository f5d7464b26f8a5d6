"""``activity_regularizer`` of Keras, a sum over steps and units by batch, beside our penalties on outputs."""

from functools import partial

import numpy as np
import pytest
import torch

from labcode.keras_interop import (
    ActivityPenalty,
    LayerRegularization,
    WeightRegularization,
    from_keras,
    import_keras,
    to_keras,
)
from labcode.lstm.module import RegularizedLSTM
from labcode.lstm.sequence_model import SequenceModel
from labcode.penalties import activation_penalty_torch, l1_penalty_torch, l2_penalty_torch
from labcode.training import fit, seeded

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
keras = import_keras()
R, LSTM, Bidirectional = keras.regularizers, keras.layers.LSTM, keras.layers.Bidirectional
RULES = {"L1": R.L1(0.3), "L2": R.L2(0.2), "L1L2": R.L1L2(0.3, 0.2)}
LAYERS = {
    "LSTM": LSTM,
    "backwards": lambda units, **options: LSTM(units, go_backwards=True, **options),
    "inside": lambda units, **options: Bidirectional(LSTM(units, **options)),
    "outside": lambda units, activity_regularizer, **options: Bidirectional(
        LSTM(units, **options), activity_regularizer=activity_regularizer
    ),
}
REAL = torch.tensor([[True] * 5, [True, True, True, False, False]])


def drawn(*sizes):
    return torch.randn(sizes, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("mask", [None, REAL], ids=["whole", "padded"])
def test_it_is_the_loss_that_keras_adds(kind, sequences, rule, mask):
    layer = LAYERS[kind](4, return_sequences=sequences, activity_regularizer=RULES[rule])
    x = drawn(2, 5, 3).requires_grad_()
    layer(x, mask=mask)
    theirs = sum(layer.losses)
    lstm, rules = from_keras(layer)
    has_zeros = isinstance(layer, Bidirectional)  # at padded steps
    output, _ = lstm(x, padding_mask=mask)
    ours = rules.activation_penalty(output, mask if has_zeros else None)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    grads = (torch.autograd.grad(loss, x, retain_graph=True)[0] for loss in (ours, theirs))
    torch.testing.assert_close(*grads, rtol=1e-5, atol=1e-6)

    again = to_keras(lstm, rules, return_sequences=sequences)
    assert again.activity_regularizer.get_config() == RULES[rule].get_config()
    again(x, mask=mask)
    torch.testing.assert_close(sum(again.losses), theirs, rtol=1e-5, atol=1e-6)


def test_without_padding_it_is_activation_penalty_with_the_strength_that_the_table_says():
    layer = LSTM(4, return_sequences=True, activity_regularizer=R.L2(0.2))
    layer.build((None, None, 3))
    lstm, rules = from_keras(layer)
    output, _ = lstm(drawn(2, 5, 3))
    wanted = activation_penalty_torch(output, alpha=0.2 * 5 * 4)
    torch.testing.assert_close(rules.activation_penalty(output), wanted)


def test_fit_takes_all_rules_of_a_layer():
    start = {f"{name}_initializer": keras.initializers.GlorotUniform(0) for name in ("kernel", "recurrent")}
    layer = LSTM(4, activity_regularizer=R.L2(5.0), kernel_regularizer=R.L1(0.1), **start)
    layer.build((None, None, 3))
    with seeded(0):
        model = SequenceModel(3, 4, 1)
    model.lstm, rules = from_keras(layer)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 5, 3)), rng.normal(size=(8, 1))

    def size():
        return model.lstm(torch.tensor(x, dtype=torch.float32))[0][:, -1].square().sum().item()

    before = size()
    fit(
        model,
        (x, y),
        optimizer=torch.optim.SGD(model.parameters(), lr=0.01),
        epochs=20,
        batch_size=8,
        generator=torch.Generator().manual_seed(0),
        penalty=rules.penalty,
        activation_penalty=rules.activation_penalty,
        progress=False,
    )
    assert size() < 0.8 * before


class Own(R.Regularizer):
    """One that is nobody else's."""

    def __call__(self, x):
        return x.sum()

    def get_config(self):
        return {}


REFUSED = {
    "states": (
        lambda: LSTM(4, return_state=True, activity_regularizer="l2"),
        r"return_state: expected False with an activity_regularizer \(Keras penalizes the states, too\)",
    ),
    "own": (lambda: LSTM(4, activity_regularizer=Own()), "activity_regularizer: expected None or one of"),
    "orthogonal": (
        lambda: LSTM(4, activity_regularizer=R.OrthogonalRegularizer()),
        "activity_regularizer: expected None or one of Keras's L1, L2, L1L2",
    ),
    "twice": (
        lambda: Bidirectional(LSTM(4, activity_regularizer="l2"), activity_regularizer="l1"),
        "activity_regularizer: expected one on the Bidirectional or on its layers",
    ),
    "one half": (
        lambda: Bidirectional(LSTM(4, activity_regularizer="l2"), backward_layer=LSTM(4, go_backwards=True)),
        "activity_regularizer: expected the same in both directions",
    ),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_the_same_is_refused(make, message):
    layer = make()
    layer.build((None, None, 3))
    with pytest.raises(ValueError, match=f"^{message}"):
        from_keras(layer)


L2 = partial(l2_penalty_torch, lam=0.1)


@pytest.mark.parametrize(
    ("penalty", "options", "message"),
    [
        (ActivityPenalty(L2), {}, "activation_penalty: expected {'last': True"),
        (
            ActivityPenalty(L2, last=True),
            {"return_sequences": True},
            "activation_penalty: expected {'last': F",
        ),
        (
            ActivityPenalty(L2, last=True, bidirectional=True),
            {},
            "activation_penalty: expected {'last': True",
        ),
        (ActivityPenalty(L2, last=True), {"return_state": True}, "return_state: expected False"),
        (
            ActivityPenalty(torch.sum, last=True),
            {},
            "activation_penalty: expected a functools.partial of one",
        ),
        (
            ActivityPenalty(partial(l1_penalty_torch, lam=-1.0), last=True),
            {},
            "lam: expected a finite number",
        ),
    ],
)
def test_what_keras_would_compute_otherwise_is_refused(penalty, options, message):
    rules = LayerRegularization(activation_penalty=penalty)
    with pytest.raises(ValueError, match=f"^{message}"):
        to_keras(RegularizedLSTM(3, 4, batch_first=True), rules, **options)


def test_a_mean_over_steps_is_not_taken_for_a_sum():
    with pytest.raises(ValueError, match=r"activation_penalty: expected an ActivityPenalty or None"):
        LayerRegularization(activation_penalty=partial(activation_penalty_torch, alpha=1.0))
    with pytest.raises(ValueError, match="penalty: expected a function"):
        ActivityPenalty(0.1)
    with pytest.raises(ValueError, match="last: expected one of True, False"):
        ActivityPenalty(L2, last="yes")
    with pytest.raises(ValueError, match="output: expected shape"):
        ActivityPenalty(L2)(torch.ones(2, 4))
    assert isinstance(LayerRegularization(), WeightRegularization)
