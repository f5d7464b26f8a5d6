# %% [markdown]
# # Exercise 6: fair splits, honest scores, and a model to regularize
#
# **You will** split by time and scale without a leak, choose and report in the right order, compute a skill and macro F1 by
# hand, search with a beam, and regularize a model that overfits; its score comes from data that you never see.
# **Time:** about 75 minutes; the tasks do not need each other. **Needs:** chapter 6 (tasks 1, 2 and 4:
# [stocks](../notebooks/06_4_stocks.ipynb); 3 and 7: [weather](../notebooks/06_5_weather.ipynb); 5:
# [speech](../notebooks/06_3_speech.ipynb); 6: [translation](../notebooks/06_2_translation.ipynb)) and basic NumPy.
#
# Fill in each blank, run its cell, then run the check below it. The check says what is right, what is wrong and
# which misunderstanding probably lies behind it. Wrong answers cost nothing; try one on purpose.
#
# Your copy is kept in `work/exercises/`, and no update overwrites it. To start afresh, call
# `python course.py restart ex06_applications` in a terminal: yours stays beside the new one.

# %%
import numpy as np

from labcode import check

# %% [markdown]
# ## Task 1: split by time
#
# *Difficulty ●○○ · 10 minutes*
#
# Each row is a forecast, made on the day `days[row]`, of what happens `ahead` days later. Days are whole numbers; rows of
# several stocks stand in no order. Return the **row numbers** of the parts for training, validation and test, three arrays in
# ascending order:
#
# - validation begins with the first target on `validation_start`, the test with the first target on `test_start`;
# - no row is lost, none is in two parts.
#
# <details><summary>Hint 1: which day counts?</summary>
#
# On the evening before validation begins you train your model. Which rows can you use: those that have been *made* by then,
# or those whose outcome is *known* by then?
# </details>
#
# <details><summary>Hint 2: from a condition to row numbers</summary>
#
# `np.flatnonzero(condition)` gives the places at which a condition holds, in ascending order. `(a >= 3) & (a < 5)` is one.
# </details>


# %%
def split_by_time(days, ahead, validation_start, test_start):
    """Return the row numbers for training, validation and test: three arrays."""
    # BEGIN SOLUTION
    target = np.asarray(days) + ahead
    before = np.flatnonzero(target < validation_start)
    between = np.flatnonzero((target >= validation_start) & (target < test_start))
    after = np.flatnonzero(target >= test_start)
    return before, between, after
    # END SOLUTION


# %% points=2
check.split_by_time(split_by_time)

# %% [markdown]
# ## Task 2: scale on what is known
#
# *Difficulty ●○○ · 5 minutes*
#
# `train`, `validation` and `test` hold windows, (N, T, F). Return all three standardized: by feature, with the mean and the
# standard deviation (as `np.std` gives it) over the windows and steps of the **training** part.
#
# <details><summary>Hint: two axes at once</summary>
#
# `a.mean(axis=(0, 1))` of an array (N, T, F) has one number for each feature, and NumPy subtracts it from every step.
# </details>


# %%
def scale_on_training(train, validation, test):
    """Return the three parts in the units of the training part."""
    # BEGIN SOLUTION
    mean, std = train.mean(axis=(0, 1)), train.std(axis=(0, 1))
    return (train - mean) / std, (validation - mean) / std, (test - mean) / std
    # END SOLUTION


# %% points=1
check.scale_on_training(scale_on_training)

# %% [markdown]
# ## Task 3: the skill of a forecast
#
# *Difficulty ●○○ · 5 minutes*
#
# The rule to beat is persistence: tomorrow as today. The skill says which share of the rule's error a forecast saves:
#
# $$ \text{skill} = 1 - \frac{\text{mean squared error of the forecast}}{\text{mean squared error of the rule}} . $$
#
# - `outcome`: what came, (N,); `forecast`: what was forecast; `today`: the value on the day of the forecast.
# - Returns one number.
#
# <details><summary>Hint: three values to think through</summary>
#
# A perfect forecast has the skill 1, the rule itself has 0, and a forecast can have −3.
# </details>


# %%
def forecast_skill(outcome, forecast, today):
    """Return the skill of a forecast against persistence."""
    # BEGIN SOLUTION
    return 1 - np.mean((outcome - forecast) ** 2) / np.mean((outcome - today) ** 2)
    # END SOLUTION


# %% points=1
check.forecast_skill(forecast_skill)

# %% [markdown]
# ## Task 4: choose, then report
#
# *Difficulty ●○○ · 5 minutes*
#
# Four settings were trained with several seeds each. You have two tables of losses, `validation` and `test`, both (settings,
# seeds). Return the number of the setting that you would choose (the row), and the loss that you would report for it.
#
# <details><summary>Hint: two tables, two jobs</summary>
#
# One of them may decide, the other one may speak. Means over the seeds in both.
# </details>


# %%
def choose_and_report(validation, test):
    """Return the chosen row, and the loss to report for it."""
    # BEGIN SOLUTION
    row = int(validation.mean(axis=1).argmin())
    return row, test[row].mean()
    # END SOLUTION


# %% points=1
check.choose_and_report(choose_and_report)

# %% [markdown]
# ## Task 5: macro F1 from a confusion matrix
#
# *Difficulty ●●○ · 10 minutes*
#
# `counts[i, j]` says how many samples of class i were taken for class j. For each class
#
# $$ F_1 = \frac{2 \cdot \text{right}}{\text{all taken for the class} + \text{all of the class}}, $$
#
# and 0 for a class that is in neither. Return the mean over **all** classes.
#
# <details><summary>Hint 1: three sums</summary>
#
# The right ones are `counts.diagonal()`. Which of `counts.sum(axis=0)` and `counts.sum(axis=1)` is which does not even matter
# here. Why?
# </details>
#
# <details><summary>Hint 2: nothing over nothing</summary>
#
# `np.maximum(a, 1)` leaves counts as they are, and makes a 0 a 1.
# </details>


# %%
def macro_f1(counts):
    """Return the mean over the classes of F1, a number."""
    # BEGIN SOLUTION
    both = counts.sum(axis=0) + counts.sum(axis=1)
    return np.mean(2 * counts.diagonal() / np.maximum(both, 1))
    # END SOLUTION


# %% points=2
check.macro_f1(macro_f1)

# %% [markdown]
# ## Task 6: greedy, or with a beam
#
# *Difficulty ●●● · 20 minutes*
#
# A decoder writes one token after the other. Here it is a table: `table[text]` holds the probabilities of the next token after
# the beginning `text`; a token is one character, and `"."` ends a sentence. The beginning of all is `""`.
#
# Write beam search: keep the `width` most probable beginnings at each step, extend each of them by every token, and keep the
# `width` best of all these. A beginning that ends in `"."` is finished: it is put aside and no longer extended. When none is
# open any more, return the most probable finished sentence and its probability, as a pair.
#
# <details><summary>Hint 1: what to carry along</summary>
#
# A list of pairs (text, probability), in the beginning `[("", 1.0)]`, and a second list for the finished ones.
# </details>
#
# <details><summary>Hint 2: one step</summary>
#
# Make all pairs `(text + token, p * q)`, sort them by the probability with `sorted(pairs, key=lambda pair: -pair[1])`, keep
# `[:width]`. Then part the finished from the open ones: `text.endswith(".")`.
# </details>


# %%
def search_with_beam(table, width):
    """Return the most probable sentence found, and its probability."""
    # BEGIN SOLUTION
    beginnings, finished = [("", 1.0)], []
    while beginnings:
        longer = [(text + token, p * q) for text, p in beginnings for token, q in table[text].items()]
        best = sorted(longer, key=lambda pair: -pair[1])[:width]
        finished += [pair for pair in best if pair[0].endswith(".")]
        beginnings = [pair for pair in best if not pair[0].endswith(".")]
    return max(finished, key=lambda pair: pair[1])
    # END SOLUTION


# %% points=3
check.search_with_beam(search_with_beam)

# %% [markdown]
# ## Task 7: cure a model
#
# *Difficulty ●●● · 20 minutes*
#
# You get one year of Seattle's weather to learn (`train`) and another one to choose on (`validation`); each unpacks into x and
# y, as in chapter 1. The days that the check scores on are **not handed out**. Here is the patient: 64 units, 40 epochs.

# %%
import torch

from labcode import plots
from labcode.check.exercise_06_model import handout
from labcode.lstm.sequence_model import SequenceModel
from labcode.training import fit, seeded

torch.set_num_threads(1)  # a model this small only loses time by sharing out its work
train, validation = handout()
with seeded(0):
    model = SequenceModel(6, 64, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(0)
    options = {"optimizer": optimizer, "generator": generator, "epochs": 40, "progress": False}
    history = fit(model, train, validation, **options)
_ = plots.learning_curves(history.train_loss, history.validation_loss, mark_best=False)

# %% [markdown]
# Write a function that trains the same model (64 units) from the given seed so that it does not overfit, and returns it. The means
# are yours: early stopping, L2, dropout, max-norm, several of them. The check trains with three seeds and asks that the mean
# loss on the held-out days is below that of ridge, a linear model that has learned the same year.
#
# Choose on validation data. The check counts how often it has looked at the held-out days; every look that leads to a change
# makes them a second validation part.
#
# <details><summary>Hint 1: the cheapest cure</summary>
#
# Look at the curve: at some epoch the model was good. `fit` takes `early_stopping=EarlyStopping(patience=5,
# restore_best_weights=True)`, from `labcode.early_stopping`.
# </details>
#
# <details><summary>Hint 2: a penalty</summary>
#
# `fit` takes `penalty`, a function of the model: `WeightRegularization(penalties={"input": l2, "recurrent": l2}).penalty`, from
# `labcode.penalties`, with `l2 = partial(l2_penalty_torch, lam=...)`. Try strengths on a logarithmic scale.
# </details>
#
# <details><summary>Hint 3: dropout</summary>
#
# `SequenceModel(6, 64, 1, output_dropout=0.5)`; it has `recurrent_dropout`, too. All that is random belongs into the block `with
# seeded(seed):`.
# </details>


# %%
def regularized_model(train, validation, seed):
    """Return a SequenceModel of 64 units, trained from this seed on `train`, that does not overfit."""
    # BEGIN SOLUTION
    from functools import partial

    from labcode.early_stopping import EarlyStopping
    from labcode.penalties import WeightRegularization, l2_penalty_torch

    l2 = partial(l2_penalty_torch, lam=0.03)
    options = {"epochs": 60, "generator": torch.Generator().manual_seed(seed), "progress": False}
    options["early_stopping"] = EarlyStopping(patience=5, restore_best_weights=True)
    options["penalty"] = WeightRegularization(penalties={"input": l2, "recurrent": l2}).penalty
    with seeded(seed):
        model = SequenceModel(6, 64, 1)
        adam = torch.optim.Adam(model.parameters(), lr=3e-3)
        fit(model, train, validation, optimizer=adam, measure_train=False, **options)
    return model
    # END SOLUTION


# %% points=4
check.regularized_model(regularized_model)

# %% [markdown]
# ## What you have now
#
# - A split and a scale that let nothing of the future through, and a report whose number was not chosen for being low.
# - Three scores by hand: skill, macro F1, and the probability that beam search maximizes.
# - A model that was worse than a linear one, and is better now, on days that played no part in it.
#
# One question to take along: you tried five strengths, and the check printed five held-out losses. You keep the strength whose
# held-out loss was lowest. What is that number worth?
#
# <details><summary>Answer</summary>
#
# It is a validation loss now: the lowest of five, too low on average. For an honest number you need days that none of the five was
# scored on. [Chapter 6.4](../notebooks/06_4_stocks.ipynb) measures how far such a choice can lead astray.
# </details>
