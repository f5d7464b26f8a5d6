# %% [markdown]
# # Exercise 9, part 1: choosing a strength
#
# **You will** draw strengths on a logarithmic scale, compare two searches at an equal budget, write a search of your own,
# choose by the one-standard-error rule, and estimate what a choice is really worth. **Time:** about 50 minutes.
# **Needs:** [chapter 9, part 1](../notebooks/09_1_choosing.ipynb), basic NumPy.
#
# Fill in each blank, run its cell, then run the check below it. The check says what is right, what is wrong and
# which misunderstanding probably lies behind it. Wrong answers cost nothing; try one on purpose.
#
# Your copy is kept in `work/exercises/`, and no update overwrites it. To start afresh, call
# `python course.py restart ex09_1_choosing` in a terminal: yours stays beside the new one.

# %%
import numpy as np

from labcode import check

# %% [markdown]
# ## Task 1: a logarithmic scale
#
# *Difficulty ●○○ · 5 minutes*
#
# A random generator gives shares, evenly spread from 0 to 1. Turn them into strengths that are evenly spread over the
# **exponents** from `low` to `high`.
#
# - `u`: an array of shares, any shape; `low`, `high`: the ends, both above 0.
# - Returns an array shaped as `u`: share 0 gives `low`, share 1 gives `high`, and share 0.5 the middle exponent.
#
# <details><summary>Hint 1: on paper</summary>
#
# From 0.0001 to 1 there are four factors of ten. Share 0.25 has climbed one of them: 0.001.
# </details>
#
# <details><summary>Hint 2: a power</summary>
#
# How many times does `low` have to be multiplied by `high / low` to climb the share u of the way?
# </details>


# %%
def log_uniform(u, low, high):
    """Return strengths from low to high, spread evenly over the exponents."""
    # BEGIN SOLUTION
    return low * (high / low) ** u
    # END SOLUTION


# %% points=1
check.log_uniform(log_uniform)

# %% [markdown]
# ## Task 2: two searches at an equal budget
#
# *Difficulty ●●○ · 10 minutes*
#
# A paper says: "our search finds better settings". It tried 60 settings, the other one 20. Compare two searches in the only
# currency that both pay in, epochs.
#
# - `a`, `b`: each a pair of arrays `(losses, steps)`: the validation loss of each trial, in order, and how many epochs it
#   took.
# - The budget is the largest one that **both** have spent: the smaller of the two sums of epochs. A trial counts if all its
#   epochs lie within the budget.
# - Returns the lowest loss that `a` has found within the budget, minus that of `b`.
#
# <details><summary>Hint: when is a trial paid?</summary>
#
# `np.cumsum(steps)` says how many epochs had been spent when each trial ended.
# </details>


# %%
def compare_searches(a, b):
    """Return the best loss of a minus that of b, at the largest budget of epochs that both have spent."""
    # BEGIN SOLUTION
    budget = min(np.sum(a[1]), np.sum(b[1]))
    best = [np.min(losses[np.cumsum(steps) <= budget]) for losses, steps in (a, b)]
    return best[0] - best[1]
    # END SOLUTION


# %% points=2
check.compare_searches(compare_searches)

# %% [markdown]
# ## Task 3: a search of your own
#
# *Difficulty ●●○ · 10 minutes*
#
# Write random search for one strength on a logarithmic scale. You can use your function from task 1.
#
# - `objective`: function of a strength (a number) that returns a loss; every call costs one training.
# - `low`, `high`: the ends of the range; `trials`: the budget, in calls; `rng`: a NumPy generator (`rng.random()` draws a share).
# - Returns the best strength and its loss, in this order.
#
# <details><summary>Hint: the smallest pair</summary>
#
# Python compares tuples by their first entry first: `min([(0.5, 3.0), (0.2, 7.0)])` is `(0.2, 7.0)`.
# </details>


# %%
def random_search(objective, low, high, trials, rng):
    """Return the best of some strengths, drawn evenly over the exponents, and its loss."""
    # BEGIN SOLUTION
    strengths = log_uniform(rng.random(trials), low, high)
    loss, strength = min((objective(lam), lam) for lam in strengths)
    return strength, loss
    # END SOLUTION


# %% points=2
check.random_search(random_search)

# %% [markdown]
# Let it loose on a real task: which of nine men says these vowels? One half of the validation recordings chooses λ, the other
# half stays fresh.

# %%
import torch

from labcode.data import speech
from labcode.experiments import train_once
from labcode.training import evaluate

torch.set_num_threads(1)  # a model this small only loses time by sharing out its work
vowels = speech.load(0, "second", longest=16)
chooses, fresh = vowels.validation.subset(slice(60)), vowels.validation.subset(slice(60, None))
models = {}


def validation_loss(lam):
    """Train an LSTM with L2 of this strength; return its loss on the half that chooses."""
    options = {"hidden": 32, "epochs": 15, "learning_rate": 0.01, "clip_norm": 1.0, "progress": False}
    models[lam], _ = train_once(vowels, seed=0, methods={"l2": lam}, validation=chooses, **options)
    return evaluate(models[lam], chooses, "classification")["loss"]


# %% [markdown]
# Eight trainings, a few seconds.

# %% tags=["raises-exception"]
lam, loss = random_search(validation_loss, 1e-5, 1.0, 8, np.random.default_rng(0))
print(f"λ = {lam:.2g}: loss {loss:.3f} where it was chosen,", end=" ")
print(f"{evaluate(models[lam], fresh, 'classification')['loss']:.3f} on fresh recordings")

# %% [markdown]
# Two halves of 60 recordings each, and two different numbers for one model. Which of them you may report is task 5.
#
# ## Task 4: one standard error
#
# *Difficulty ●●○ · 10 minutes*
#
# Choose the **strongest** strength whose mean loss is at most one standard error above the lowest mean. The standard error is
# that of the strength with the lowest mean.
#
# - `strengths`: an array, in any order; larger means stronger.
# - `losses`: (strengths, folds), one validation loss for each strength and fold.
# - Returns the chosen strength.
#
# <details><summary>Hint 1: the error of a mean</summary>
#
# Standard deviation (`ddof=1`) of the folds, divided by the root of their number.
# </details>
#
# <details><summary>Hint 2: the strongest</summary>
#
# `strengths[mask].max()`, where the mask says which means are low enough.
# </details>


# %%
def one_standard_error(strengths, losses):
    """Return the strongest strength within one standard error of the lowest mean loss."""
    # BEGIN SOLUTION
    means = losses.mean(axis=1)
    best = means.argmin()
    error = losses[best].std(ddof=1) / np.sqrt(losses.shape[1])
    return strengths[means <= means[best] + error].max()
    # END SOLUTION


# %% points=2
check.one_standard_error(one_standard_error)

# %% [markdown]
# ## Task 5: what the choice is worth
#
# *Difficulty ●●● · 15 minutes*
#
# Several splits of the data; in each, every setting was trained and measured twice: on the validation part, and on a fresh part
# that is to choose nothing. Estimate what *"search, then take the winner"* scores, and how much the winner's own score promises
# too much.
#
# - `validation`, `fresh`: losses, (splits, settings).
# - In each split the winner is the setting with the lowest validation loss **of that split**.
# - Returns two numbers: the mean, over the splits, of the winner's fresh loss; and the optimism, that mean minus the mean of
#   the winners' validation losses.
#
# <details><summary>Hint: one entry of each row</summary>
#
# `table[np.arange(len(table)), places]` takes from row i the entry `places[i]`.
# </details>


# %%
def nested_estimate(validation, fresh):
    """Return the mean fresh loss of each split's winner, and the optimism of its validation loss."""
    # BEGIN SOLUTION
    rows, winners = np.arange(len(validation)), validation.argmin(axis=1)
    estimate = fresh[rows, winners].mean()
    return estimate, estimate - validation[rows, winners].mean()
    # END SOLUTION


# %% points=3
check.nested_estimate(nested_estimate)

# %% [markdown]
# Settings that do **nothing** show the optimism bare: here every setting is exactly as good as every other, and all
# differences are luck.

# %% tags=["raises-exception"]
rng = np.random.default_rng(0)
for settings in (1, 3, 9, 27):
    estimate, optimism = nested_estimate(*rng.normal(0.5, 0.05, (2, 2000, settings)))
    print(f"{settings:>2} settings: fresh loss {estimate:.3f}, optimism {optimism:.3f}")

# %% [markdown]
# ## What you have now
#
# - A scale on which a strength can be searched, a search, and a fair way to compare it with another.
# - A rule for choosing where the data cannot tell, and an honest number to report.
#
# One question to take along: with 27 settings that do nothing the winner looks better by two standard deviations of the noise.
# Your validation set is made four times as large. How large is the optimism now?
#
# <details><summary>Answer</summary>
#
# The noise of a mean falls with the root of the number of items, so it halves, and the optimism with it. More validation data
# or fewer settings: both keep a winner honest.
# </details>
