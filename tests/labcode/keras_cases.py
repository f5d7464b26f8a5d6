"""Layers of Keras and what their RegularizedLSTM computes beside them, on whichever backend Keras runs.

``python -m keras_cases``, with KERAS_BACKEND=tensorflow in its environment, compares every kind of layer
there and prints the errors as JSON: ``test_keras_layers.py`` calls it where TensorFlow is installed.
"""

import json

import numpy as np
import torch
from hypothesis import strategies as st

from labcode.keras_interop import from_keras, import_keras, keras_masks

BY_GATE = {"implementation": 1, "use_cudnn": False}  # with Keras's shortcut, masks for each gate fail
KINDS = {
    "none": {},
    "none, implementation 1": BY_GATE,
    "input": {"dropout": 0.4},
    "input, implementation 1": {"dropout": 0.4} | BY_GATE,
    "recurrent": {"recurrent_dropout": 0.4},
    "input and recurrent": {"dropout": 0.3, "recurrent_dropout": 0.4},
}
SIZES = {
    "batch": st.integers(1, 4),
    "steps": st.integers(1, 5),
    "features": st.integers(1, 4),
    "hidden": st.integers(1, 5),
    "padded": st.booleans(),
    "with_state": st.booleans(),
    "use_bias": st.booleans(),
    "unroll": st.booleans(),
    "return_sequences": st.booleans(),
    "dtype": st.sampled_from(["float32", "float64"]),
    "seed": st.integers(0, 9),
}


def make_layer(kind, *, features, hidden, seed, **options):
    """Return a built layer of a kind, with weights that are drawn from the seed."""
    layer = import_keras().layers.LSTM(hidden, seed=seed, **KINDS[kind], **options)
    layer.build((None, None, features))
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(size=weight.shape) for weight in layer.get_weights()])
    return layer


def compare(
    kind,
    *,
    training,
    batch=3,
    steps=5,
    features=2,
    hidden=4,
    padded=False,
    with_state=False,
    seed=0,
    dtype="float32",
    **options,
):
    """Run a layer and its RegularizedLSTM; return the largest errors of outputs and gradients.

    An error is relative to the largest value of its array, where that is above 1.
    """
    keras = import_keras()
    layer = make_layer(
        kind, features=features, hidden=hidden, seed=seed, dtype=dtype, return_state=True, **options
    )
    lstm, _ = from_keras(layer)
    rng = np.random.default_rng(100 + seed)
    inputs = [rng.normal(size=(batch, steps, features))]
    if with_state:
        inputs += [rng.normal(size=(batch, hidden)) for _ in "hc"]
    padding = rng.random((batch, steps)) < 0.6 if padded else None
    inputs = [array.astype(dtype) for array in inputs]
    masks = keras_masks(layer, torch.from_numpy(inputs[0])) if training else None

    run = _run_on_torch if keras.backend.backend() == "torch" else _run_on_tensorflow
    sequence = layer.return_sequences
    theirs, their_grads = run(layer, inputs, padding, training)
    ours, our_grads = _run_twin(lstm.train(training), inputs, padding, masks, sequence)
    found = [*zip(theirs, ours, strict=True)], [*zip(their_grads, our_grads, strict=True)]
    return {
        name: max(abs(a - b).max() / max(1.0, abs(b).max()) for a, b in pairs)
        for name, pairs in zip(("outputs", "gradients"), found, strict=True)
    }


def _directions(outputs):
    """Return fixed weights of the sum whose gradient is compared."""
    rng = np.random.default_rng(7)
    return [rng.normal(size=tuple(output.shape)) for output in outputs]


def _run_twin(lstm, inputs, padding, masks, sequence):
    x, *state = (torch.from_numpy(array).requires_grad_() for array in inputs)
    padding = None if padding is None else torch.from_numpy(padding)
    pair = tuple(part[None] for part in state) if state else None
    output, (h_n, c_n) = lstm(x, pair, padding_mask=padding, masks=masks)
    outputs = [output if sequence else output[:, -1], h_n[0], c_n[0]]
    loss = sum((o * torch.from_numpy(d)).sum() for o, d in zip(outputs, _directions(outputs), strict=True))
    weights = [lstm.weight_ih_l0, lstm.weight_hh_l0, *([lstm.bias_ih_l0] if lstm.bias else [])]
    grads = torch.autograd.grad(loss, [x, *state, *weights])
    grads = [grad.numpy() for grad in grads]
    first = 1 + len(state)
    transposed = [grad.T for grad in grads[first : first + 2]]  # Keras's kernels are (in, 4H)
    return [o.detach().numpy() for o in outputs], [*grads[:first], *transposed, *grads[first + 2 :]]


def _run_on_torch(layer, inputs, padding, training):
    x, *state = (torch.from_numpy(array).requires_grad_() for array in inputs)
    mask = None if padding is None else torch.from_numpy(padding)
    outputs = layer(x, initial_state=state or None, mask=mask, training=training)
    loss = sum((o * torch.from_numpy(d)).sum() for o, d in zip(outputs, _directions(outputs), strict=True))
    grads = torch.autograd.grad(loss, [x, *state, *(weight.value for weight in layer.trainable_weights)])
    return [o.detach().numpy() for o in outputs], [grad.numpy() for grad in grads]


def _run_on_tensorflow(layer, inputs, padding, training):
    import tensorflow as tf

    assert type(layer) is tf.keras.layers.LSTM
    x, *state = (tf.constant(array) for array in inputs)
    mask = None if padding is None else tf.constant(padding)
    with tf.GradientTape() as tape:
        tape.watch([x, *state])
        outputs = layer(x, initial_state=state or None, mask=mask, training=training)
        loss = sum(
            tf.reduce_sum(o * d.astype(o.dtype.name))
            for o, d in zip(outputs, _directions(outputs), strict=True)
        )
    grads = tape.gradient(loss, [x, *state, *(weight.value for weight in layer.trainable_weights)])
    return [o.numpy() for o in outputs], [grad.numpy() for grad in grads]


if __name__ == "__main__":
    errors = {"backend": import_keras().backend.backend()}
    rng = np.random.default_rng(0)
    for kind in KINDS:
        for training in (False, True):
            for padded in (False, True):
                names = ("batch", "steps", "features", "hidden", "seed")
                sizes = dict(zip(names, rng.integers(1, 6, 5).tolist(), strict=True))
                flags = {"padded": padded, "with_state": padded, "return_sequences": not padded}
                found = compare(kind, training=training, use_bias=bool(rng.integers(4)), **sizes, **flags)
                errors[f"{kind}, {training=}, {padded=}"] = float(max(found.values()))
    print(json.dumps(errors))
