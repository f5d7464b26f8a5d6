# %% [markdown] tags=["core"]
# # Exercise 1: see overfitting, price it, stop it
#
# **You will** write the three tools that chapter 1 used: the generalization gap, the L2 penalty and the patience
# counter; then you make a model overfit on purpose. **Time:** about 45 minutes. **Needs:** [chapter 1](../notebooks/01_background.ipynb) and basic NumPy.
#
# Fill in each blank, run its cell, then run the check below it. The check says what is right, what is wrong and
# which misunderstanding probably lies behind it. Wrong answers cost nothing; try one on purpose.
#
# Your copy is kept in `work/exercises/`, and no update overwrites it. To start afresh, call
# `python course.py restart ex01_background` in a terminal: yours stays beside the new one.
#
# <details><summary>What else a check can do</summary>
#
# `check.progress.show()` prints what you have solved and what comes next; it is kept in `work/progress.jsonl`, on this
# machine only (`check.progress.export()` writes a summary for a teacher, `check.progress.reset()` starts anew).
# `check.report()` prints a block to send where you think that a check is wrong. A function is stopped after 10 seconds;
# `check.limit(60)` allows more. Two things no check can stop: a single call that stays in compiled code, such as
# a product of huge matrices (interrupt the kernel), and `os._exit`, which ends it. Some cases are drawn at random;
# `check.seed(7)` draws those of seed 7 again.
# </details>

# %%
import numpy as np

from labcode import check

# %% [markdown] tags=["half"]
# ## Task 1: the generalization gap
#
# *Difficulty ●○○ · 5 minutes*
#
# Chapter 1 measured, after each epoch, the loss on the data the model was trained on and on data it had not seen.
# Write a function that returns the gap **for each epoch**: how much more the unseen data cost.
#
# - `train_loss`, `validation_loss`: losses by epoch, as arrays **or lists** of equal length.
# - Returns an array of the same length. A positive entry means: worse on unseen data.
#
# <details><summary>Hint 1: what should the sign be?</summary>
#
# Overfitting should be a positive number, and the gap should have the unit of the loss.
# </details>
#
# <details><summary>Hint 2: lists</summary>
#
# Lists cannot be subtracted from each other, arrays can: `np.asarray(train_loss)` turns a list into an array and
# leaves an array as it is.
# </details>


# %%
def generalization_gap(train_loss, validation_loss):
    """Return validation loss minus training loss for every epoch."""
    # BEGIN SOLUTION
    return np.asarray(validation_loss) - np.asarray(train_loss)
    # END SOLUTION


# %% points=1
check.generalization_gap(generalization_gap)

# %% [markdown] tags=["short"]
# ## Task 2: the L2 penalty of an LSTM
#
# *Difficulty ●●○ · 10 minutes*
#
# An LSTM's weights come as a dictionary with PyTorch's names: `weight_ih_l0` multiplies the input and
# `weight_hh_l0` the previous hidden state of layer 0, `bias_ih_l0` and `bias_hh_l0` are its biases; a second layer
# has names that end in `_l1`. Write the penalty
#
# $$\text{penalty} = \frac{\lambda}{2} \sum_{w \,\in\, W, U} w^2$$
#
# over **all input and recurrent weights of all layers**, without the biases.
#
# <details><summary>Hint 1: which entries?</summary>
#
# `for name, w in weights.items()` walks over the dictionary; `name.startswith("weight")` is true for just the
# entries that you need.
# </details>
#
# <details><summary>Hint 2: test it on paper</summary>
#
# With the single weight 3 and λ = 2 the penalty is 2/2 · 9 = 9, and its slope is λ·w = 6. If you get 18, or 3, look
# at the factor, or at the square.
# </details>


# %%
def l2_penalty(weights, lam):
    """Return lam/2 times the sum of the squared input and recurrent weights."""
    # BEGIN SOLUTION
    return lam / 2 * sum(np.sum(w**2) for name, w in weights.items() if name.startswith("weight"))
    # END SOLUTION


# %% points=2
check.l2_penalty(l2_penalty)

# %% [markdown] tags=["day"]
# ## Task 3: the patience counter
#
# *Difficulty ●●● · 15 minutes*
#
# Early stopping watches the validation loss and gives up after `patience` epochs **in a row without a new best**.
# Write a function that reads the losses one epoch after the other, counting epochs from 0, and returns the epoch
# after which training stops, or `None` if it never does.
#
# An example with patience 2: the losses 1.0, 0.7, 0.8, 0.9, … have their best at epoch 1; epochs 2 and 3 bring no
# new best, so training stops after epoch **3**.
#
# <details><summary>Hint 1: what must you remember?</summary>
#
# Two things: the best loss so far, and how many epochs have passed since. A new best changes both.
# </details>
#
# <details><summary>Hint 2: the order inside the loop</summary>
#
# First decide whether this epoch is a new best (strictly smaller) and set the counter to 0 or one up; only then
# compare the counter with the patience, with `>=`.
# </details>


# %%
def stopping_epoch(validation_loss, patience):
    """Return the epoch after which training stops, or None."""
    # BEGIN SOLUTION
    best, waited = np.inf, 0
    for epoch, loss in enumerate(validation_loss):
        if loss < best:
            best, waited = loss, 0
        else:
            waited += 1
        if waited >= patience:
            return epoch
    return None
    # END SOLUTION


# %% points=3
check.stopping_epoch(stopping_epoch)

# %% [markdown]
# ## Task 4: overfit on purpose
#
# *Difficulty ●●● · 15 minutes*
#
# Here are 64 days of Seattle's weather to learn, and 100 to validate on. First **predict, then run**: a model with 32 units has how
# many weights for each of the 64 days? Put your guess in place of `None`; a wrong one is no failure.

# %%
from labcode.check import predict

weights_a_day = predict(None, unit="weights for each day")

# %%
import torch

from labcode.check.exercise_01_training import handout
from labcode.lstm.sequence_model import SequenceModel
from labcode.training import fit, seeded

train, validation = handout()
count = sum(p.numel() for p in SequenceModel(6, 32, 1).parameters())
because = "With so many more weights than days, all days can be learned by heart."
weights_a_day.meet(round(count / len(train.y)), because, within=20)

# %% [markdown]
# Write a function that trains a model so that it overfits: at the end its training loss is less than half of its validation loss,
# and the validation loss is above its lowest one. Train on `train` alone. Return four things:
#
# - the model of the last epoch;
# - its training and its validation loss after each epoch, two lists, as `fit` returns them in its history;
# - the epoch with the lowest validation loss, counted from 0.
#
# Your digits need not be those of the solution: the check measures what your model does.
#
# <details><summary>Hint 1: the parts</summary>
#
# Chapter 1 trains with `fit(model, train, validation, optimizer=..., epochs=..., generator=...)`. The optimizer is
# `torch.optim.Adam(model.parameters(), lr=...)`, the generator `torch.Generator().manual_seed(0)`.
# </details>
#
# <details><summary>Hint 2: it does not overfit yet</summary>
#
# More epochs. Adam with a rate of 0.005 needs about fifty of them.
# </details>


# %%
def overfit_on_purpose(train, validation):
    """Return an overfitted model, its two curves, and the epoch with the lowest validation loss."""
    # BEGIN SOLUTION
    options = {"epochs": 60, "generator": torch.Generator().manual_seed(0), "progress": False}
    with seeded(0):
        model = SequenceModel(6, 32, 1)
        adam = torch.optim.Adam(model.parameters(), lr=5e-3)
        history = fit(model, train, validation, optimizer=adam, **options)
    best = int(np.argmin(history.validation_loss))
    return model, history.train_loss, history.validation_loss, best
    # END SOLUTION


# %% points=3
check.overfit_on_purpose(overfit_on_purpose)

# %% [markdown]
# ## What you have now
#
# - The gap is a signed difference, epoch by epoch: its curve shows **when** memorizing starts.
# - The L2 penalty is half of λ times a **sum of squares**, over `W` and `U`; biases stay out unless you say so.
# - Patience counts epochs in a row without a **new best**, and stops when the count **reaches** it.
#
# One question to take along: the epoch that `stopping_epoch` returns is not the best one. Which weights should a
# program keep, and what happens if it keeps a *reference* to them instead of a copy?
#
# <details><summary>Answer</summary>
#
# Those of the best epoch, `patience` epochs earlier. The optimizer changes weights in place, so a reference would
# point at the newest values, not the best ones: `labcode.early_stopping.EarlyStopping` keeps a deep copy.
# </details>
