# %% [markdown] tags=["core"]
# # Exercise 3: the algorithms, step by step
#
# **You will** write the six steps that chapter 3 is made of: a step with an L2 penalty, a locked dropout mask, clipping,
# a norm constraint, an LSTM with recurrent dropout, and early stopping that gives back the best weights; then a training loop
# that keeps to a constraint. **Time:** about 80 minutes; the tasks do not need each other. **Needs:** the three parts of chapter 3
# ([penalties](../notebooks/03_1-2_penalties.ipynb), [dropout](../notebooks/03_3-4_dropout.ipynb),
# [constraints and stopping](../notebooks/03_5-6_constraints_and_stopping.ipynb)) and basic NumPy.
#
# Fill in each blank, run its cell, then run the check below it. The check says what is right, what is wrong and
# which misunderstanding probably lies behind it. Wrong answers cost nothing; try one on purpose.
#
# Your copy is kept in `work/exercises/`, and no update overwrites it. To start afresh, call
# `python course.py restart ex03_algorithms` in a terminal: yours stays beside the new one.

# %%
import copy

import numpy as np

from labcode import check

# %% [markdown]
# ## Task 1: one step with an L2 penalty
#
# *Difficulty ●○○ · 5 minutes*
#
# The loss is $L + \frac{\lambda}{2} \sum_{w \in W, U} w^2$. Write one step of plain gradient descent on it. You are
# given the gradients of $L$ alone; the penalty's gradient is yours to add.
#
# - `weights`, `grads`: dictionaries of arrays under PyTorch's names, `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`,
#   `bias_hh_l0`. Names that start with `weight` are penalized, the biases are not.
# - Returns a new dictionary with the same names; leave the old arrays as they are.
#
# <details><summary>Hint 1: the slope of the penalty</summary>
#
# Differentiate $\frac{\lambda}{2} w^2$ with respect to $w$. Where does the ½ go?
# </details>
#
# <details><summary>Hint 2: on paper</summary>
#
# One weight of 2, gradient 0, lr 0.1, λ 0.5: the new weight is 2 − 0.1 · 0.5 · 2 = 1.9.
# </details>


# %%
def l2_step(weights, grads, lr, lam):
    """Return the weights after one step against the gradient of loss and L2 penalty."""
    # BEGIN SOLUTION
    new = {}
    for name, w in weights.items():
        decay = lam * w if name.startswith("weight") else 0.0
        new[name] = w - lr * (grads[name] + decay)
    return new
    # END SOLUTION


# %% points=1
check.l2_step(l2_step)

# %% [markdown] tags=["day"]
# ## Task 2: draw a locked mask
#
# *Difficulty ●●○ · 10 minutes*
#
# First **predict, then run**: with a rate of 0.1 and a new mask at every step, in how many percent of all sequences is a
# given unit never dropped in 20 steps? Put your guess in place of `None`; a wrong one is no failure.

# %%
from labcode.check import predict

percent = predict(None, unit="percent")

# %%
kept = np.random.default_rng(0).random((10_000, 20)) >= 0.1
because = "That is 0.9 to the power of 20; a mask that is locked would leave the unit alone in 90 percent."
percent.meet(round(100 * kept.all(axis=1).mean()), because, within=3)

# %% [markdown]
# Draw an inverted dropout mask for a batch of sequences: 0 with probability `p`, else $1/(1-p)$. Draw it **once for each
# sequence and unit**, and repeat it at every step.
#
# - `rng`: a NumPy generator, such as `np.random.default_rng(0)`; draw from it and from nothing else.
# - Returns an array of shape `(batch, steps, units)`.
#
# Your numbers need not be those of the solution: the check looks at the shape, at the values that occur, at the share
# of zeros, and along which axes the mask repeats.
#
# <details><summary>Hint 1: a coin for each entry</summary>
#
# `rng.random(shape)` gives numbers between 0 and 1. A share of 1 − p of them is at least p.
# </details>
#
# <details><summary>Hint 2: repeating</summary>
#
# Draw `(batch, 1, units)` first. `np.repeat` along axis 1, or multiplying by `np.ones((1, steps, 1))`, repeats it along
# the steps.
# </details>


# %%
def locked_mask(rng, batch, steps, units, p):
    """Return an inverted dropout mask (batch, steps, units), one for each sequence, the same at all steps."""
    # BEGIN SOLUTION
    mask = (rng.random((batch, 1, units)) >= p) / (1 - p)
    return np.repeat(mask, steps, axis=1)
    # END SOLUTION


# %% points=2
check.locked_mask(locked_mask)

# %% [markdown]
# ## Task 3: clip, then step
#
# *Difficulty ●●○ · 10 minutes*
#
# A long sequence can give a gradient that is huge for a single batch. Shorten the gradient of **all weights together** to
# the length `max_norm` if it is longer, and take one step of gradient descent with it.
#
# - `weights`, `grads`: dictionaries of arrays with the same names and shapes.
# - Returns a new dictionary with these names.
#
# <details><summary>Hint 1: which length?</summary>
#
# That of all entries as one long vector: the root of the sum of all squares, over all arrays.
# </details>
#
# <details><summary>Hint 2: one factor</summary>
#
# Every array is multiplied by the same number, `min(1, max_norm / norm)`. If all gradients are 0, the norm is 0: the
# checks do not try that, but your code should know what to do.
# </details>


# %%
def clip_and_step(weights, grads, lr, max_norm):
    """Return the weights after a step with the whole gradient shortened to max_norm."""
    # BEGIN SOLUTION
    norm = np.sqrt(sum(np.sum(g**2) for g in grads.values()))
    scale = 1.0 if norm <= max_norm else max_norm / norm
    return {name: w - lr * scale * grads[name] for name, w in weights.items()}
    # END SOLUTION


# %% points=2
check.clip_and_step(clip_and_step)

# %% [markdown]
# ## Task 4: the max-norm constraint
#
# *Difficulty ●●○ · 10 minutes*
#
# After the optimizer's step each row of a weight matrix, the weights that come into one gate of one unit, is brought back
# to a length of at most `limit`. A row that is short enough stays as it is.
#
# - `w`: (4H, F). Returns an array of the same shape.
# - A row of zeros must come back as zeros.
#
# <details><summary>Hint 1: lengths by row</summary>
#
# `np.sum(w**2, axis=1, keepdims=True)` has shape (4H, 1), so that it can be divided by or multiplied with w directly. One
# step is still missing to the length.
# </details>
#
# <details><summary>Hint 2: zeros</summary>
#
# `limit / np.maximum(length, limit)` is 1 for every row that is short enough, and divides by no zero.
# </details>


# %%
def max_norm(w, limit):
    """Return w with every row that is longer than the limit shortened to it."""
    # BEGIN SOLUTION
    length = np.sqrt(np.sum(w**2, axis=1, keepdims=True))
    return w * limit / np.maximum(length, limit)
    # END SOLUTION


# %% points=2
check.max_norm(max_norm)

# %% [markdown]
# ## Task 5: an LSTM with recurrent dropout
#
# *Difficulty ●●● · 15 minutes*
#
# Write the whole loop of one LSTM layer, from a state of zeros, with the mask on $h$ where the four gates read it (Gal
# and Ghahramani):
#
# $$ z_t = W x_t + U (m \odot h_{t-1}) + b_{ih} + b_{hh}, \qquad
#    c_t = \sigma(z^f) \odot c_{t-1} + \sigma(z^i) \odot \tanh(z^g), \qquad h_t = \sigma(z^o) \odot \tanh(c_t). $$
#
# - `x`: (B, T, F). `weights`: `weight_ih_l0` (4H, F) is W, `weight_hh_l0` (4H, H) is U, the biases have 4H entries.
#   The blocks of H rows stand in the order **i, f, g, o**.
# - `mask`: (B, H), already scaled, the same at every step.
# - Returns all $h_t$, (B, T, H).
#
# `sigmoid` is given.


# %%
def sigmoid(z):
    """Return 1 / (1 + e^-z) for every entry."""
    return 1 / (1 + np.exp(-z))


# %% [markdown]
# <details><summary>Hint 1: before the loop</summary>
#
# `h` and `c` start as `np.zeros((B, H))`; collect each new h in a list; `np.stack` joins the list
# along a new axis 1.
# </details>
#
# <details><summary>Hint 2: inside the loop</summary>
#
# `z = x[:, t] @ W.T + ...` has 4H columns; `np.split(z, 4, axis=1)` gives the four blocks. The mask occurs in one
# place only, and the $h_t$ that you collect is not masked.
# </details>


# %%
def lstm_with_recurrent_dropout(x, weights, mask):
    """Return the outputs (B, T, H) of an LSTM whose gates read mask * h."""
    # BEGIN SOLUTION
    w, u = weights["weight_ih_l0"], weights["weight_hh_l0"]
    b = weights["bias_ih_l0"] + weights["bias_hh_l0"]
    h, c, outputs = np.zeros(mask.shape), np.zeros(mask.shape), []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ w.T + (mask * h) @ u.T + b, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs, axis=1)
    # END SOLUTION


# %% points=3
check.lstm_with_recurrent_dropout(lstm_with_recurrent_dropout)

# %% [markdown] tags=["day"]
# ## Task 6: early stopping that gives back the best weights
#
# *Difficulty ●●● · 15 minutes*
#
# A `trainer` has a dictionary `trainer.weights` of arrays. `trainer.train_epoch()` trains one epoch, **changes these
# arrays in place**, as every optimizer does, and returns the validation loss. Write the loop around it:
#
# - train at most `max_epochs` epochs, and stop after `patience` epochs in a row without a new best loss (a best is
#   strictly smaller than all before);
# - return the weights of the best epoch, in every case. They must stay as they are, even if the trainer trains on later.
#
# <details><summary>Hint 1: what must you keep?</summary>
#
# The best loss, the epochs since then, and the weights of that moment. All three change at a new best.
# </details>
#
# <details><summary>Hint 2: a copy of what?</summary>
#
# `dict(trainer.weights)` is a new dictionary of the *same* arrays. `copy.deepcopy(trainer.weights)` copies the arrays.
# </details>


# %%
def train_with_early_stopping(trainer, patience, max_epochs):
    """Train until patience runs out; return a copy of the weights of the best epoch."""
    # BEGIN SOLUTION
    best, waited, best_weights = np.inf, 0, None
    for _ in range(max_epochs):
        loss = trainer.train_epoch()
        if loss < best:
            best, waited, best_weights = loss, 0, copy.deepcopy(trainer.weights)
        else:
            waited += 1
        if waited >= patience:
            break
    return best_weights
    # END SOLUTION


# %% points=3
check.train_with_early_stopping(train_with_early_stopping)

# %% [markdown]
# ## Task 7: train under a constraint
#
# *Difficulty ●●● · 15 minutes*
#
# Now a model of PyTorch: `model` is a `SequenceModel` in training mode, with dropout before its head. Write the loop that trains it,
# with one step of Adam for each pair (x, y) of `batches`:
#
# - after **every** step no row of `model.lstm.weight_ih_l0` and of `model.lstm.weight_hh_l0` is longer than `limit`; shorter rows,
#   the biases and the head stay as they are;
# - the model has learned: its training loss falls by a quarter or more;
# - return the model, ready to forecast.
#
# `batches` gives fifty pairs, one after the other. The check looks at the weights whenever one is drawn.
#
# <details><summary>Hint 1: the loop</summary>
#
# For each pair: gradients to zero, `backward()` of `torch.nn.functional.mse_loss`, a step of the optimizer, the constraint.
# Adam's rate may be 0.01.
# </details>
#
# <details><summary>Hint 2: change weights in place</summary>
#
# Under `torch.no_grad()`, `w *= factor` changes a weight; `w = w * factor` makes another tensor and leaves the model alone.
# `w.norm(dim=1, keepdim=True)` has the lengths of the rows, and `.clamp(min=limit)` is `np.maximum`.
# </details>

# %%
import torch


# %%
def train_with_max_norm(model, batches, limit):
    """Train the model, with rows of W and U of at most this length after every step; return it."""
    # BEGIN SOLUTION
    adam = torch.optim.Adam(model.parameters(), lr=1e-2)
    for x, y in batches:
        adam.zero_grad()
        torch.nn.functional.mse_loss(model(x), y).backward()
        adam.step()
        with torch.no_grad():
            for w in (model.lstm.weight_ih_l0, model.lstm.weight_hh_l0):
                w *= limit / w.norm(dim=1, keepdim=True).clamp(min=limit)
    return model.eval()
    # END SOLUTION


# %% points=3
check.train_with_max_norm(train_with_max_norm)

# %% [markdown]
# ## What you have now
#
# - L2 in gradient descent is a factor, $1 - \eta\lambda$, on W and U at every step.
# - A locked mask repeats along the steps; an inverted one has the mean 1, so evaluation needs none.
# - Clipping and max-norm both shorten and never stretch. Clipping acts on the whole gradient **before** the step, max-norm
#   on each row of the weights **after** it.
# - Recurrent dropout on $h$ stands in one place: where the gates read it. The cell keeps what it remembers.
# - Early stopping needs a copy of the best weights, made at the moment they are best.
#
# One question to take along: your mask of task 2 has a row for each sequence, and task 5 multiplies $h$ by it. If all
# sequences shared one row, which weights could you multiply instead, once, before the loop?
#
# <details><summary>Answer</summary>
#
# The columns of U: $U (m \odot h) = (U \,\mathrm{diag}\, m)\, h$. Then the loop is that of the plain LSTM, and a fused
# kernel can run it. With a mask for each sequence there would have to be a U for each sequence.
# </details>
