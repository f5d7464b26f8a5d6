"""The recipe in three ways of writing: labcode, PyTorch alone, and Keras on whichever backend it runs."""

from functools import partial

import torch
from torch import nn
from torch.nn import functional

from labcode._checks import expect
from labcode.constraints import constrain_, max_norm_torch
from labcode.keras_interop import import_keras
from labcode.libraries.recipe import Recipe
from labcode.lstm.sequence_model import SequenceModel
from labcode.penalties import l2_penalty_torch, penalty_by_target


def train_labcode(recipe: Recipe, *, freeze: bool = True) -> list[float]:
    """Train a ``SequenceModel`` with labcode's penalty, constraint and masks.

    Args:
        recipe: what is trained.
        freeze: keep ``bias_hh`` at zero, as Keras has one bias; False lets both biases learn.

    Returns:
        the loss of each step's batch, penalty included, before the step.

    Chapter: 7.
    """
    start = recipe.weights()
    model = SequenceModel(
        start["lstm.weight_ih_l0"].shape[1],
        recipe.hidden,
        1,
        tied=False,
        input_dropout=recipe.dropout,
        recurrent_dropout=recipe.recurrent_dropout,
    )
    model.load_state_dict({name: torch.from_numpy(w) for name, w in start.items()})
    model.lstm.bias_hh_l0.requires_grad_(not freeze)
    optimizer = _adam(model, recipe)
    strengths = {"input": recipe.lam, "recurrent": recipe.lam}
    keep_short = {"recurrent": partial(max_norm_torch, limit=recipe.limit)}
    losses = []
    for (x, y), masks in zip(recipe.batches(), recipe.masks(), strict=True):
        masks = {name: torch.from_numpy(mask) for name, mask in masks.items()}
        loss = functional.mse_loss(model(torch.from_numpy(x), masks=masks or None), torch.from_numpy(y))
        weights = dict(model.lstm.named_parameters())
        loss = loss + penalty_by_target(l2_penalty_torch, weights, strengths)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        constrain_(model.lstm, keep_short)
        losses.append(loss.item())
    return losses


def train_pytorch(recipe: Recipe) -> list[float]:
    """Train ``torch.nn.LSTM`` with what PyTorch has: the penalty and the projection are written out.

    Args:
        recipe: what is trained; without dropout, for ``nn.LSTM`` cannot drop within its one layer.

    Returns:
        the loss of each step's batch, penalty included, before the step.

    Raises:
        ValueError: a recipe with dropout.

    Chapter: 7.
    """
    expect(
        recipe.recurrent_dropout == 0, "recurrent_dropout", "0 (nn.LSTM has none)", recipe.recurrent_dropout
    )
    start = recipe.weights()
    lstm = nn.LSTM(start["lstm.weight_ih_l0"].shape[1], recipe.hidden, batch_first=True)
    model = nn.ModuleDict({"lstm": lstm, "head": nn.Linear(recipe.hidden, 1)})
    model.load_state_dict({name: torch.from_numpy(w) for name, w in start.items()})
    weight_ih, weight_hh, _, bias_hh = lstm.parameters()
    bias_hh.requires_grad_(False)
    optimizer, losses = _adam(model, recipe), []
    for x, y in recipe.batches():
        _, (h_n, _) = lstm(torch.from_numpy(x))
        loss = functional.mse_loss(model["head"](h_n[0]), torch.from_numpy(y))
        squares = weight_ih.square().sum() + weight_hh.square().sum()
        loss = loss + recipe.lam / 2 * squares
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            weight_hh.copy_(weight_hh.renorm(2, dim=0, maxnorm=recipe.limit))
        losses.append(loss.item())
    return losses


def train_keras(recipe: Recipe, *, factor: float = 0.5) -> list[float]:
    """Train ``keras.layers.LSTM`` by Keras's own ``train_on_batch``, on the backend that Keras runs on.

    Args:
        recipe: what is trained.
        factor: lam times it is the strength that Keras's L2 is given. Its formula has no 1/2, so that 0.5 is
            right; 1 is the common mistake.

    Returns:
        the loss of each step's batch, penalty included, before the step.

    Chapter: 7.
    """
    model = keras_model(recipe, factor=factor)
    masks, losses = recipe.masks(), []
    for step, (x, y) in enumerate(recipe.batches()):
        if masks[step]:
            give_masks(model.layers[0], masks[step])
        model.reset_metrics()  # else the loss returned is the mean of all steps so far
        losses.append(float(model.train_on_batch(x, y)))
    return losses


def keras_model(recipe: Recipe, *, factor: float = 0.5):
    """Return the compiled ``keras.Sequential`` of a recipe, with its initial weights."""
    keras, start = import_keras(), recipe.weights()
    layer = keras.layers.LSTM(
        recipe.hidden,
        kernel_regularizer=keras.regularizers.L2(factor * recipe.lam),
        recurrent_regularizer=keras.regularizers.L2(factor * recipe.lam),
        recurrent_constraint=keras.constraints.MaxNorm(recipe.limit, axis=0),
        dropout=recipe.dropout,
        recurrent_dropout=recipe.recurrent_dropout,
    )
    x, _ = recipe.batches()[0]
    model = keras.Sequential([keras.Input(x.shape[1:]), layer, keras.layers.Dense(1)])
    kernels = [start[f"lstm.weight_{part}_l0"].T for part in ("ih", "hh")]
    layer.set_weights([*kernels, start["lstm.bias_ih_l0"] + start["lstm.bias_hh_l0"]])
    model.layers[1].set_weights([start["head.weight"].T, start["head.bias"]])
    optimizer = keras.optimizers.Adam(recipe.learning_rate, epsilon=recipe.epsilon)
    model.compile(optimizer, loss="mse", run_eagerly=recipe.recurrent_dropout > 0)
    return model


def give_masks(layer, masks) -> None:
    """Let a layer of Keras use these masks in all its calls, in place of masks that it draws.

    Args:
        layer: a ``keras.layers.LSTM`` with both dropout rates above 0.
        masks: ``x_l0`` (4, B, 1, F) and ``h_l0`` (4, B, 1, H), as for ``RegularizedLSTM``.
    """
    convert = import_keras().ops.convert_to_tensor
    by_gate = {name: [convert(gate[:, 0]) for gate in mask] for name, mask in masks.items()}
    layer.cell.get_dropout_mask = lambda step_input: by_gate.get("x_l0")
    layer.cell.get_recurrent_dropout_mask = lambda h: by_gate["h_l0"]


def _adam(model, recipe):
    """Return Adam over what is trained."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return torch.optim.Adam(trained, lr=recipe.learning_rate, eps=recipe.epsilon)
