"""What is timed: one training step (forward and backward) of the same LSTM in each library.

Each contestant is a function of a size and a device that returns a function without arguments, which runs
one step. Masks are drawn inside the step, as they are in training. A library is imported when one of its
contestants is built, so that each family can have a process of its own (Keras's backend is chosen there).
"""

from collections.abc import Callable
from dataclasses import astuple, dataclass

RATE = 0.2  # of every dropout here


@dataclass(frozen=True)
class Size:
    """Steps T, batch size B, features F and hidden units H of one timing."""

    steps: int
    batch: int
    features: int
    hidden: int

    def __str__(self) -> str:
        return f"({', '.join(map(str, astuple(self)))})"


Step = Callable[[], None]


def nn_lstm(size: Size, device: str) -> Step:
    """`torch.nn.LSTM`, without any regularization: what all others are compared with."""
    import torch

    return _torch_step(torch.nn.LSTM(size.features, size.hidden, batch_first=True), size, device)


def regularized(**options) -> Callable[[Size, str], Step]:
    """`RegularizedLSTM` with some of its options."""

    def build(size: Size, device: str) -> Step:
        from labcode.lstm import RegularizedLSTM

        return _torch_step(
            RegularizedLSTM(size.features, size.hidden, batch_first=True, **options), size, device
        )

    return build


def plain_loop(size: Size, device: str) -> Step:
    """Recurrent dropout as one writes it first in PyTorch: a loop over the steps, left to autograd."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Loop(nn.LSTM):
        def forward(self, x):
            h = c = x.new_zeros(len(x), self.hidden_size)
            mask = functional.dropout(torch.ones_like(h), RATE)
            outputs = []
            for t in range(x.shape[1]):
                z = functional.linear(x[:, t], self.weight_ih_l0, self.bias_ih_l0)
                z = z + functional.linear(mask * h, self.weight_hh_l0, self.bias_hh_l0)
                i, f, g, o = z.chunk(4, dim=1)
                c = f.sigmoid() * c + i.sigmoid() * g.tanh()
                h = o.sigmoid() * c.tanh()
                outputs.append(h)
            return torch.stack(outputs, dim=1), (h, c)

    return _torch_step(Loop(size.features, size.hidden, batch_first=True), size, device)


def numpy_reference(size: Size, device: str) -> Step:
    """The NumPy LSTM in float64, with the same mask on h; it knows no device."""
    import numpy as np

    from labcode.dropout import dropout_mask
    from labcode.lstm import lstm_backward, lstm_forward

    rng = np.random.default_rng(0)
    shapes = {
        "weight_ih_l0": (4 * size.hidden, size.features),
        "weight_hh_l0": (4 * size.hidden, size.hidden),
    }
    shapes |= dict.fromkeys(("bias_ih_l0", "bias_hh_l0"), (4 * size.hidden,))
    weights = {name: rng.normal(size=shape) / size.hidden**0.5 for name, shape in shapes.items()}
    x = rng.normal(size=(size.batch, size.steps, size.features))

    def step():
        masks = {"h_l0": dropout_mask((size.batch, size.hidden), RATE, rng=rng)}
        output, _, cache = lstm_forward(x, weights, masks=masks)
        lstm_backward(np.ones_like(output), None, cache)

    return step


def keras_lstm(**options) -> Callable[[Size, str], Step]:
    """`keras.layers.LSTM` of Keras 3 on its torch backend."""

    def build(size: Size, device: str) -> Step:
        import keras
        import torch

        with keras.device("cpu" if device == "cpu" else "gpu"):
            layer = keras.layers.LSTM(size.hidden, return_sequences=True, **options)
            layer.build((size.batch, size.steps, size.features))
        x = _sequences(size, device)

        def step():
            for weight in layer.trainable_weights:
                weight.value.grad = None
            layer(x, training=True).sum().backward()
            _wait(torch, device)

        return step

    return build


def tensorflow_lstm(*, jit: bool, **options) -> Callable[[Size, str], Step]:
    """`tf.keras.layers.LSTM` in a `tf.function`, as a graph or compiled by XLA."""

    def build(size: Size, device: str) -> Step:
        import tensorflow as tf

        layer = tf.keras.layers.LSTM(size.hidden, return_sequences=True, **options)
        layer.build((size.batch, size.steps, size.features))
        x = tf.random.normal((size.batch, size.steps, size.features))

        @tf.function(jit_compile=jit)
        def gradients():
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(layer(x, training=True))
            return tape.gradient(loss, layer.trainable_variables)

        return lambda: gradients()[0].numpy()

    return build


def _torch_step(lstm, size, device):
    import torch

    lstm = lstm.to(device).train()
    x = _sequences(size, device)

    def step():
        lstm.zero_grad(set_to_none=True)
        lstm(x)[0].sum().backward()
        _wait(torch, device)

    return step


def _sequences(size, device):
    import torch

    x = torch.randn(size.batch, size.steps, size.features, generator=torch.Generator().manual_seed(0))
    return x.to(device)


def _wait(torch, device):
    """Wait for a GPU to finish what it was given."""
    if device != "cpu":
        torch.cuda.synchronize()


BASELINE = "torch.nn.LSTM"
FAMILIES = {
    "torch": {
        BASELINE: nn_lstm,
        "RegularizedLSTM, all off": regularized(),
        "weight drop": regularized(weight_drop=RATE),
        "recurrent dropout, shared by the batch": regularized(recurrent_dropout=RATE, share_mask="batch"),
        "recurrent dropout on h": regularized(recurrent_dropout=RATE),
        "recurrent dropout on h, by gate": regularized(recurrent_dropout=RATE, tied=False),
        "recurrent dropout on g": regularized(recurrent_dropout=RATE, on="g", per_step=True),
        "recurrent dropout on c": regularized(recurrent_dropout=RATE, on="c"),
        "zoneout": regularized(zoneout_h=RATE, zoneout_c=RATE),
        "plain PyTorch loop, dropout on h": plain_loop,
    },
    "numpy": {"NumPy reference, dropout on h": numpy_reference},
    "keras": {
        "Keras on torch": keras_lstm(),
        "Keras on torch, recurrent_dropout": keras_lstm(recurrent_dropout=RATE),
    },
    "tensorflow": {
        "TensorFlow graph": tensorflow_lstm(jit=False),
        "TensorFlow graph, recurrent_dropout": tensorflow_lstm(jit=False, recurrent_dropout=RATE),
        "TensorFlow XLA, recurrent_dropout": tensorflow_lstm(jit=True, recurrent_dropout=RATE),
    },
}
