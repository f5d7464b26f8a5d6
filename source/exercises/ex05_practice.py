# %% [markdown]
# # Exercise 5: translate and repair
#
# **You will** translate the regularization of an LSTM from Keras to this course's conventions and back, carry a max-norm over to
# PyTorch's layout, say what a Keras model puts out and which weights it holds, find the mistakes in a translated script, and write Keras's `fit`
# as a loop. **Time:** about 65 minutes; the tasks do not need each other. **Needs:** chapter 5
# ([part 1](../notebooks/05_1-2_keras.ipynb), [part 2](../notebooks/05_3_project.ipynb)) and basic NumPy. Keras is not needed.
#
# Fill in each blank, run its cell, then run the check below it. The check says what is right, what is wrong and
# which misunderstanding probably lies behind it. Wrong answers cost nothing; try one on purpose.
#
# Your copy is kept in `work/exercises/`, and no update overwrites it. To start afresh, call
# `python course.py restart ex05_practice` in a terminal: yours stays beside the new one.

# %%
import numpy as np

from labcode import check

# %% [markdown]
# ## Task 1: from Keras
#
# *Difficulty ●○○ · 10 minutes*
#
# A Keras LSTM's settings come as a dictionary, in which whatever is not set is missing:
#
# `{"kernel_regularizer": {"l1": 0.03}, "recurrent_regularizer": {"l2": 0.005}, "dropout": 0.2}`
#
# Keras means $0.005 \sum w^2$ by its `l2`. Return this course's settings, with $\frac{\lambda_2}{2} \sum w^2$ and $\lambda_1 \sum |w|$:
#
# - `"l1"` and `"l2"`: dictionaries of the strengths by part, `"input"` (W), `"recurrent"` (U), `"bias"`; parts without a
#   strength are left out;
# - `"input_dropout"` and `"recurrent_dropout"`: rates, 0.0 where Keras has none.
#
# <details><summary>Hint 1: the gradient decides</summary>
#
# Two penalties do the same if their gradients are the same. What is the slope of $0.005\,w^2$? And of $\frac{\lambda_2}{2} w^2$?
# </details>
#
# <details><summary>Hint 2: the names</summary>
#
# A loop over `{"kernel": "input", "recurrent": "recurrent", "bias": "bias"}.items()`; `config.get(name, {})` is empty where
# nothing is set.
# </details>


# %%
def from_keras_config(config):
    """Return l1 and l2 by part, and the two rates, of a Keras LSTM's settings."""
    # BEGIN SOLUTION
    l1, l2 = {}, {}
    for theirs, ours in {"kernel": "input", "recurrent": "recurrent", "bias": "bias"}.items():
        rule = config.get(theirs + "_regularizer", {})
        if "l1" in rule:
            l1[ours] = rule["l1"]
        if "l2" in rule:
            l2[ours] = 2 * rule["l2"]
    rates = {
        "input_dropout": config.get("dropout", 0.0),
        "recurrent_dropout": config.get("recurrent_dropout", 0.0),
    }
    return {"l1": l1, "l2": l2, **rates}
    # END SOLUTION


# %% points=2
check.from_keras_config(from_keras_config)

# %% [markdown]
# ## Task 2: and back
#
# *Difficulty ●○○ · 5 minutes*
#
# Now the other way: from `l1` and `l2`, strengths by part, to Keras's `kernel_regularizer`, `recurrent_regularizer` and
# `bias_regularizer`, each a dictionary with `"l1"`, `"l2"` or both. A part without any strength has no entry.
#
# <details><summary>Hint</summary>
#
# If task 1 multiplies something, this divides it. `l1[part]` exists if `part in l1`.
# </details>


# %%
def to_keras_config(l1, l2):
    """Return the regularizers of a Keras LSTM for strengths by part."""
    # BEGIN SOLUTION
    config = {}
    for theirs, ours in (("kernel", "input"), ("recurrent", "recurrent"), ("bias", "bias")):
        first = {"l1": l1[ours]} if ours in l1 else {}
        second = {"l2": l2[ours] / 2} if ours in l2 else {}
        if first or second:
            config[f"{theirs}_regularizer"] = first | second
    return config
    # END SOLUTION


# %% points=1
check.to_keras_config(to_keras_config)

# %% [markdown]
# ## Task 3: what does Keras put out?
#
# *Difficulty ●●○ · 5 minutes*
#
# A Keras model is `Dropout(p)` and then a dense layer without bias. `kept` says which entries of `x` the next mask keeps. Return
# what the model puts out for
#
# - `training=True`: `model(x, training=True)`;
# - `training=False`: `model(x, training=False)`;
# - `training=None`: `model(x)`.
#
# `x`: (B, F). `weight`: (F, outputs), Keras's kernel. `kept`: (B, F) of booleans.
#
# <details><summary>Hint</summary>
#
# Only one of the three uses the mask. It is inverted dropout.
# </details>


# %%
def keras_output(x, weight, kept, p, training):
    """Return what the model puts out, (B, outputs)."""
    # BEGIN SOLUTION
    if training:
        x = np.where(kept, x, 0) / (1 - p)
    return x @ weight
    # END SOLUTION


# %% points=1
check.keras_output(keras_output)

# %% [markdown]
# ## Task 4: the axis of a max-norm
#
# *Difficulty ●●○ · 10 minutes*
#
# `MaxNorm(limit, axis=axis)` shortens the vectors of a Keras **kernel**, (inputs, outputs): along that axis one norm is taken, and a
# vector longer than the limit is scaled down to it. You have PyTorch's **weight**, (outputs, inputs). Return it as Keras would have
# left it.
#
# <details><summary>Hint 1: a detour is allowed</summary>
#
# `weight.T` is the kernel. Do there what Keras does and transpose back.
# </details>
#
# <details><summary>Hint 2: no stretching</summary>
#
# The factor is `limit / np.maximum(norm, limit)`: 1 for every vector that is short enough.
# </details>


# %%
def max_norm_of_keras(weight, limit, axis):
    """Return PyTorch's weight, limited as MaxNorm(limit, axis) limits its kernel."""
    # BEGIN SOLUTION
    norm = np.sqrt((weight**2).sum(axis=1 - axis, keepdims=True))
    return weight * limit / np.maximum(norm, limit)
    # END SOLUTION


# %% points=2
check.max_norm_of_keras(max_norm_of_keras)

# %% [markdown]
# ## Task 5: which weights are left?
#
# *Difficulty ●●○ · 5 minutes*
#
# `fit` ran with `EarlyStopping(patience=patience, restore_best_weights=restore)`. `trace` holds the validation loss of every epoch that
# *would* run without it, from epoch 0. Return the epoch whose weights the model holds after `fit`.
#
# <details><summary>Hint: two questions</summary>
#
# Which epochs ran? Then: the last of them, or the best of them? An equal loss is no improvement.
# </details>


# %%
def kept_epoch(trace, patience, restore):
    """Return the epoch whose weights a Keras model holds after fit."""
    # BEGIN SOLUTION
    best = 0
    for epoch, loss in enumerate(trace):
        if loss < trace[best]:
            best = epoch
        if epoch - best >= patience:
            break
    return best if restore else epoch
    # END SOLUTION


# %% points=2
check.kept_epoch(kept_epoch)

# %% [markdown]
# ## Task 6: find the mistakes
#
# *Difficulty ●●● · 10 minutes*
#
# The model in Keras:
#
# ```python
# model = keras.Sequential([
#     keras.layers.LSTM(64, recurrent_dropout=0.2, kernel_regularizer=keras.regularizers.L2(0.001)),
#     keras.layers.Dropout(0.2),
#     keras.layers.Dense(1),
# ])
# stopper = keras.callbacks.EarlyStopping(monitor="val_mse", mode="min", restore_best_weights=True)
# ```
#
# Someone translated it to PyTorch. Lines that are not named are right, the model is in training mode at first, and `model(x)` calls
# the three layers one after the other. `val_mse` in `H` is what early stopping watches. Only regularization counts: that the
# libraries start from other weights and that Adam's ε differs (chapter 7) is no mistake here.
#
# ```python
# lstm = nn.LSTM(6, 64, batch_first=True, dropout=0.2)                         # A
# drop = nn.Dropout(0.2)                                                       # B
# optimizer = torch.optim.Adam(model.parameters(), lr=0.001)                   # C
# for epoch in range(epochs):
#     for x, y in batches:
#         penalty = 0.001 / 2 * lstm.weight_ih_l0.square().sum()               # D
#         optimizer.zero_grad()                                                # E
#         (mse_loss(model(x), y) + penalty).backward()                         # F
#         optimizer.step()                                                     # G
#     with torch.no_grad(): val_mse = mse_loss(model(x_val), y_val).item()     # H
#     if val_mse < best:
#         best, best_weights = val_mse, copy.deepcopy(model.state_dict())      # I
# model.load_state_dict(best_weights)                                          # J
# ```
#
# Return the list of the labels whose lines do **not** do what the Keras model does. (`labels` is the string of all ten.)
#
# <details><summary>Hint 1: how many?</summary>
#
# Three, each of another kind: an argument, a number, something that is missing.
# </details>
#
# <details><summary>Hint 2: where?</summary>
#
# What does `dropout=` need to have an effect? Which number has a ½ where Keras has none? Which line is run in which mode?
# </details>


# %%
def planted_mistakes(labels):
    """Return the labels of the lines with a mistake."""
    # BEGIN SOLUTION
    return ["A", "D", "H"]
    # END SOLUTION


# %% points=3
check.planted_mistakes(planted_mistakes)

# %% [markdown]
# ## Task 7: Keras's fit, as a loop
#
# *Difficulty ●●● · 20 minutes*
#
# First **predict, then run**: the gradient of a model has six arrays, each of the length 1. With `clipnorm=0.3` Keras shortens each of
# them on its own. How long is the whole gradient then? Put your guess in place of `None`; a wrong one is no failure.

# %%
from labcode.check import predict

length = predict(None)

# %%
drawn = np.random.default_rng(0).normal(size=(6, 100))
grads = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
because = "It grows with the root of the number of arrays; global_clipnorm=0.3 would give 0.3."
length.meet(float(np.linalg.norm(0.3 * grads)), because, within=0.02)

# %% [markdown]
# Translate this training to PyTorch, step by step (the model is an LSTM and a dense layer, one output):
#
# ```python
# keras.layers.LSTM(16, kernel_regularizer=L2(l2), recurrent_regularizer=L2(l2))
# model.compile(Adam(global_clipnorm=clip), loss="mse")
# stopper = EarlyStopping(patience=patience, restore_best_weights=True)
# model.fit(batches, validation_data=validation, callbacks=[stopper])
# ```
#
# You get labcode's `model`, an `optimizer` of its parameters, `batches` (a list of pairs (x, y), one pass through it is an epoch; no
# shuffling), `validation` (one pair) and the three numbers. Train until patience runs out, and return the model, ready to forecast. The
# check looks at each step of the optimizer. (PyTorch's LSTM has a second bias; here both learn, chapter 7 says what that changes.)
#
# <details><summary>Hint 1: which weights?</summary>
#
# `model.lstm.named_parameters()` has PyTorch's names: W and U are those that start with `weight`.
# </details>
#
# <details><summary>Hint 2: the order inside the loop</summary>
#
# Gradients to zero, loss plus penalty, `backward()`, `torch.nn.utils.clip_grad_norm_`, step. After an epoch: the validation loss
# without gradients; a new best keeps a `copy.deepcopy` of `model.state_dict()`.
# </details>

# %%
import copy

import torch
from torch.nn.functional import mse_loss


# %%
def train_as_keras(model, optimizer, batches, validation, l2, clip, patience):
    """Train as Keras's fit with L2, global_clipnorm and EarlyStopping does; return the model."""
    # BEGIN SOLUTION
    best, waited, step = np.inf, 0, optimizer.step
    penalized = [w for name, w in model.lstm.named_parameters() if name.startswith("weight")]
    while waited < patience:
        for inputs, targets in batches:
            model.zero_grad()
            penalty = l2 * sum(w.square().sum() for w in penalized)
            (mse_loss(model(inputs), targets) + penalty).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
            step()
        with torch.inference_mode():
            loss, waited = mse_loss(model(validation[0]), validation[1]).item(), waited + 1
        if loss < best:
            best, waited, kept = loss, 0, copy.deepcopy(model.state_dict())
    model.load_state_dict(kept)
    return model.eval()
    # END SOLUTION


# %% points=4
check.train_as_keras(train_as_keras)

# %% [markdown]
# ## What you have now
#
# - From Keras to this course: L2 doubles, L1 and rates stay, kernels are transposed.
# - `model(x)` evaluates in Keras and trains in PyTorch.
# - Without `restore_best_weights` early stopping hands over the epoch that was bad enough to stop.
# - A translated script runs without complaint and regularizes something else. An equality that is asserted finds it.
#
# One question to take along: the script of task 6, repaired, has an LSTM with `recurrent_dropout`. Which two numbers of both
# programs would you compare first to see that they agree, and what must be the same before you can?
#
# <details><summary>Answer</summary>
#
# The penalty, which needs equal weights only; then the outputs in evaluation. For training steps the masks must be the same, too, or
# all rates 0, and the same batches.
# </details>
