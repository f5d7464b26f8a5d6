# %% [markdown]
# # Exercise 2: sort the methods, then build four of them
#
# **You will** sort the methods of chapter 2 by what they take hold of, find out where an option of `nn.LSTM` acts, write
# dropout and a penalty by part, rescue a network that was trained with the older form of dropout, and put a mask into
# an LSTM step. **Time:** about 55 minutes. **Needs:** [chapter 2](../notebooks/02_core_concepts.ipynb).
#
# As before: fill in a blank, run its cell, run the check below it. A wrong answer costs nothing and gets a reason.
#
# Your copy is kept in `work/exercises/`, and no update overwrites it. To start afresh, call
# `python course.py restart ex02_core_concepts` in a terminal: yours stays beside the new one.

# %%
import numpy as np

from labcode import check

# %% [markdown]
# ## Task 1: where does it take hold?
#
# *Difficulty ●○○ · 5 minutes*
#
# Write a function that names, for each method, the **one** place where it takes hold:
#
# | answer | the method changes … |
# |---|---|
# | `"loss"` | the sum that is minimized |
# | `"activations"` | what goes into the LSTM or comes out of it |
# | `"state"` | what moves from one time step to the next |
# | `"weights"` | the weights, without a gradient |
# | `"time"` | how many epochs are run |
#
# The methods: `"L1"`, `"L2"`, `"activation penalty"`, `"input dropout"`, `"output dropout"`, `"recurrent dropout"`,
# `"zoneout"`, `"max-norm"`, `"early stopping"`. What follows from it later does not count.
#
# <details><summary>Hint 1: nine answers in one line each</summary>
#
# A dictionary from method to place, and `[method]` behind its closing brace.
# </details>
#
# <details><summary>Hint 2: two tests for doubtful cases</summary>
#
# Would it still move a weight if the step size were 0? Would it still change the state if the input were 0?
# </details>


# %%
def touches(method):
    """Return "loss", "activations", "state", "weights" or "time"."""
    # BEGIN SOLUTION
    return {
        "L1": "loss",
        "L2": "loss",
        "activation penalty": "loss",
        "input dropout": "activations",
        "output dropout": "activations",
        "recurrent dropout": "state",
        "zoneout": "state",
        "max-norm": "weights",
        "early stopping": "time",
    }[method]
    # END SOLUTION


# %% points=1
check.touches(touches)

# %% [markdown]
# ## Task 2: which layers drop?
#
# *Difficulty ●○○ · 5 minutes*
#
# `torch.nn.LSTM(..., num_layers=n, dropout=p)` masks what one layer hands up to the next. Return the list of all layers
# whose **output** it masks, counted from 0, for a module in training (`training=True`) or evaluation mode.
#
# For example: with 2 layers, a rate of 0.5 and in training, the answer is `[0]`.
#
# <details><summary>Hint: draw it</summary>
#
# Draw the layers as a stack of boxes. How many seams are there between n boxes? `list(range(k))` gives 0, 1, …, k − 1.
# </details>


# %%
def dropped_layers(num_layers, dropout, training):
    """Return the layers of nn.LSTM whose output its argument `dropout` masks."""
    # BEGIN SOLUTION
    if dropout == 0 or not training:
        return []
    return list(range(num_layers - 1))
    # END SOLUTION


# %% points=1
check.dropped_layers(dropped_layers)

# %% [markdown]
# ## Task 3: inverted dropout
#
# *Difficulty ●●○ · 10 minutes*
#
# Apply dropout to `x`, an array of any shape:
#
# - `kept`: booleans of the same shape, True where an entry survives;
# - `p`: the probability to **drop** with which `kept` was drawn;
# - `training`: whether the model is in training mode.
#
# Return the result in the *inverted* form, the one of all present libraries.
#
# <details><summary>Hint 1: two modes</summary>
#
# In evaluation there is nothing to do. Deal with that case first.
# </details>
#
# <details><summary>Hint 2: what must come out on average?</summary>
#
# In training a single entry is x times a factor with probability 1 − p, and 0 else. Which factor makes the average x?
# </details>


# %%
def inverted_dropout(x, kept, p, training):
    """Return x after dropout, in training or in evaluation."""
    # BEGIN SOLUTION
    if not training:
        return x
    return x * kept / (1 - p)
    # END SOLUTION


# %% points=2
check.inverted_dropout(inverted_dropout)

# %% [markdown]
# ## Task 4: a price for each part
#
# *Difficulty ●●○ · 10 minutes*
#
# An LSTM's weights come as in exercise 1, under PyTorch's names: `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, and so on
# for further layers. `l1` and `l2` are dictionaries of strengths, with the keys `"input"` (W) and `"recurrent"` (U). What
# is not named costs nothing, so a dictionary may be empty. Return
#
# $$ \sum_{\text{part}} \ \lambda_1^{\text{part}} \sum_{w \in \text{part}} |w| +
#    \frac{\lambda_2^{\text{part}}}{2} \sum_{w \in \text{part}} w^2 $$
#
# over all layers. The biases belong to no part.
#
# <details><summary>Hint 1: a strength that may be missing</summary>
#
# `l1.get("input", 0.0)` is the strength, or 0 where none is named.
# </details>
#
# <details><summary>Hint 2: a loop over the names</summary>
#
# For each name decide which part it belongs to, or that it belongs to none. `name.startswith(...)` is safer than
# looking for letters somewhere inside.
# </details>


# %%
def penalty_by_part(weights, l1, l2):
    """Return the L1 and L2 penalties on W and U, each with its own strength."""
    # BEGIN SOLUTION
    total = 0.0
    for part, prefix in {"input": "weight_ih", "recurrent": "weight_hh"}.items():
        for name, w in weights.items():
            if name.startswith(prefix):
                total += l1.get(part, 0.0) * np.abs(w).sum() + l2.get(part, 0.0) / 2 * (w**2).sum()
    return total
    # END SOLUTION


# %% points=2
check.penalty_by_part(penalty_by_part)

# %% [markdown]
# ## Task 5: rescue an old network
#
# *Difficulty ●●○ · 10 minutes*
#
# A network was trained with the older form of dropout: in front of its linear head, activations were dropped with
# probability `p` and **not** scaled. The head computes `weight @ x + bias`. You load it into a library of today, which
# does nothing in evaluation. Return a new `(weight, bias)` with which the outputs in evaluation are what the older
# form asks for: the average over the masks.
#
# <details><summary>Hint 1: one output, on paper</summary>
#
# weight 2, bias 0.5, x = 1, p = 0.2: in training the output is 2.5 with probability 0.8 and 0.5 else. What is the average?
# </details>
#
# <details><summary>Hint 2: what stood behind the mask?</summary>
#
# The mask was on x. Which of the two, weight or bias, ever met it?
# </details>


# %%
def export_head(weight, bias, p):
    """Return the weight and bias of the head for evaluation without any factor."""
    # BEGIN SOLUTION
    return weight * (1 - p), bias
    # END SOLUTION


# %% points=2
check.export_head(export_head)

# %% [markdown]
# ## Task 6: a mask in the LSTM step
#
# *Difficulty ●●● · 15 minutes*
#
# Write one step of an LSTM with recurrent dropout **on h** (Gal and Ghahramani): the gates read the previous state
# through the mask. The mask holds its factor 1/(1−p) already. With the gates in the order i, f, g, o:
#
# $$ z = W x + U (m \odot h) + b, \quad i, f, o = \sigma(z_i), \sigma(z_f), \sigma(z_o), \quad g = \tanh(z_g), $$
# $$ c' = f \odot c + i \odot g, \qquad h' = o \odot \tanh(c'). $$
#
# - `x`: (B, F); `h`, `c`, `mask`: (B, H); `W`: (4H, F); `U`: (4H, H); `b`: (4H,).
# - Return the pair `(h', c')`, each (B, H).
#
# <details><summary>Hint 1: rows are sequences</summary>
#
# With a sequence in each row, $Wx$ is `x @ W.T`.
# </details>
#
# <details><summary>Hint 2: four parts</summary>
#
# `np.split(z, 4, axis=1)` returns z's four parts, side by side.
# </details>


# %%
def sigmoid(z):
    """Return the logistic function of every entry."""
    return 1 / (1 + np.exp(-z))


# %%
def masked_step(x, h, c, W, U, b, mask):
    """Return the state (h, c) after one LSTM step whose gates read h through a mask."""
    # BEGIN SOLUTION
    z_i, z_f, z_g, z_o = np.split(x @ W.T + (mask * h) @ U.T + b, 4, axis=1)
    c_new = sigmoid(z_f) * c + sigmoid(z_i) * np.tanh(z_g)
    return sigmoid(z_o) * np.tanh(c_new), c_new
    # END SOLUTION


# %% points=3
check.masked_step(masked_step)

# %% [markdown]
# ## What you have now
#
# - A method is known by its place: loss, activations, state, weights or time.
# - `nn.LSTM(dropout=)` has as many masks as there are seams between layers: none, with one layer.
# - Inverted dropout divides by 1 − p in training and does nothing in evaluation; the older form is the same thing times
#   1 − p.
# - Each part of an LSTM can have its own price, and biases have none.
# - Recurrent dropout on h leaves the state whole: it changes what the gates **read**.
#
# One question to take along: in task 6, should the mask be drawn anew at each time step, or once for the whole
# sequence? What does a unit that is dropped at *every* step still do?
#
# <details><summary>Answer</summary>
#
# Gal and Ghahramani draw it once for the sequence; chapter 3 shows what that changes. A unit that is dropped at every step
# is not dead: its h is still computed, its cell still remembers, and the output still sees it. Only the gates of the
# next step do not read it.
# </details>
