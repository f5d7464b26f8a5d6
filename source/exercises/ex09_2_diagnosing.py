# %% [markdown]
# # Exercise 9, part 2: read, size, compare
#
# **You will** write the rule of thumb for overfitting and underfitting, read six runs that something is wrong with, say how many
# validation samples a decision needs, find the three leaks in a comparison that is not fair, make a fair one, and repair
# three runs. **Time:** about 75 minutes; no task needs another one. **Needs:** [chapter 9, part 2](../notebooks/09_2-3_diagnosing.ipynb)
# and basic NumPy.
#
# Fill in each blank, run its cell, then run the check below it. The check says what is right, what is wrong and
# which misunderstanding probably lies behind it. Wrong answers cost nothing; try one on purpose.
#
# Your copy is kept in `work/exercises/`, and no update overwrites it. To start afresh, call
# `python course.py restart ex09_2_diagnosing` in a terminal: yours stays beside the new one.

# %%
import numpy as np

from labcode import check

# %% [markdown]
# ## Task 1: a rule of thumb
#
# *Difficulty ●○○ · 10 minutes*
#
# Write the two questions that most people mean by "judging by the curves", in this order:
#
# 1. Is the last validation loss more than 10 % above the lowest one? Then `"overfit"`.
# 2. Otherwise: is the last training loss above the training loss of a simple baseline? Then `"underfit"`.
#
# And if neither: `"healthy"`.
#
# - `train`, `validation`: lists of losses by epoch, of one length; `baseline`: the baseline's training loss.
#
# <details><summary>Hint</summary>
#
# `min(validation)` is the lowest, `validation[-1]` the last.
# </details>


# %%
def rule_of_thumb(train, validation, baseline):
    """Return "overfit", "underfit" or "healthy"."""
    # BEGIN SOLUTION
    rises = validation[-1] > 1.1 * min(validation)
    fits = train[-1] <= baseline
    return "overfit" if rises else ("healthy" if fits else "underfit")
    # END SOLUTION


# %% points=1
check.rule_of_thumb(rule_of_thumb)

# %% [markdown]
# ## Task 2: six runs
#
# *Difficulty ●●○ · 15 minutes*
#
# These are real runs of LSTMs on two tasks. In each one something was done wrong on purpose.

# %%
from labcode import plots
from labcode.experiments import load_result

runs = load_result("09_diagnosis")["unknown"]
lines = {label: {"baseline": run["checks"]["baseline"][1]} for label, run in runs.items()}
_ = plots.symptoms({label: run | lines[label] for label, run in runs.items()})

# %% [markdown]
# The curves alone do not decide it. Four checks were made with the model that each run ended with:

# %%
for label, run in runs.items():
    checks = run["checks"]
    print(label, "baseline, training and validation:", checks["baseline"])
    print("  loss on fresh data:", checks["fresh"], "  validation samples:", checks["samples"])
    print("  the model evaluated three times on validation data:", checks["again"])

# %% [markdown]
# The baseline is a linear model, too simple to overfit much, on the same training and validation data. (Its validation
# loss is drawn as a dotted line; the ordinates differ from panel to panel.)
#
# Return a dictionary: for each label, A to F, one of the names `"dropout left on"`, `"small validation set"`, `"leak"`, `"shift"`,
# `"learning rate too high"`, `"overfit"`, `"underfit"`, `"healthy"`. Each name is right at most once.
#
# <details><summary>Hint 1: certain things first</summary>
#
# A model that is evaluated again on the same data must give the same loss. A baseline that cannot overfit should do about equally
# well on both kinds of data. Validation data should promise what fresh data hold.
# </details>
#
# <details><summary>Hint 2: then the curves</summary>
#
# Where does the *training* loss jump? Where does the validation loss climb while the training loss falls? Where is the training loss
# no better than the baseline's?
# </details>


# %%
def read_runs(labels):
    """Return the likely case of each run, by its label."""
    # BEGIN SOLUTION
    names = ["shift", "overfit", "dropout left on", "underfit", "leak", "learning rate too high"]
    return dict(zip(labels, names, strict=True))
    # END SOLUTION


# %% points=3
check.read_runs(read_runs)

# %% [markdown]
# Now try your rule of task 1 on the six runs. Which of them does it get right, and what does it say about the others?

# %% tags=["raises-exception"]
for label, run in runs.items():
    baseline = run["checks"]["baseline"][0]
    print(label, rule_of_thumb(run["train_loss"], run["validation_loss"], baseline))

# %% [markdown]
# ## Task 3: how many validation samples?
#
# *Difficulty ●●○ · 10 minutes*
#
# The mean loss of $n$ samples has the standard error $s / \sqrt{n}$, where $s$ is the standard deviation of the losses of single
# samples. A 95 % interval reaches 1.96 standard errors to each side. From the losses of a few samples, estimate how many are
# needed for the interval to reach at most `margin` to each side.
#
# - `losses`: losses of single samples, (N,); `margin`: a number above 0, in the same unit.
# - Returns a whole number, the smallest that suffices.
#
# <details><summary>Hint 1: solve for n</summary>
#
# $1.96\, s / \sqrt{n} \le m$ means $n \ge (1.96\, s / m)^2$.
# </details>
#
# <details><summary>Hint 2: two functions</summary>
#
# `np.std(losses, ddof=1)` estimates $s$; `int(np.ceil(a))` rounds up.
# </details>


# %%
def samples_needed(losses, margin):
    """Return how many samples it takes for a 95 % interval of this margin."""
    # BEGIN SOLUTION
    spread = np.std(losses, ddof=1)
    return int(np.ceil((1.96 * spread / margin) ** 2))
    # END SOLUTION


# %% points=2
check.samples_needed(samples_needed)

# %% [markdown]
# ## Task 4: three leaks
#
# *Difficulty ●●○ · 5 minutes*
#
# Somebody claims that dropout lowers the test loss of a weather forecast, and describes what was done:
#
# | | |
# |---|---|
# | **A** | From four years of days, cut windows of 14 days; the target is the change of temperature on the day after. |
# | **B** | Subtract the mean of all windows from every input, and divide by their standard deviation. |
# | **C** | Shuffle the windows. 60 % are for training, 20 % for validation, 20 % for testing. |
# | **D** | Draw ten seeds. With and without dropout, the same ten are used. |
# | **E** | Stop each training early, on the validation windows, and keep the best epoch. |
# | **F** | Train once for each seed without dropout. |
# | **G** | Train once for each seed with each of four rates of dropout. |
# | **H** | Keep the rate with the lowest mean loss on the test windows. |
# | **I** | Report the differences of the test losses, seed by seed, with their mean and its interval. |
# | **J** | Report beside them the loss of persistence on the same test windows. |
#
# Three lines let test data reach the model or the choice. Return their labels as a list.
#
# <details><summary>Hint</summary>
#
# For each line ask: would this line come out differently if the test data were others?
# </details>


# %%
def three_leaks(labels):
    """Return the labels of the lines that leak."""
    # BEGIN SOLUTION
    return ["B", "C", "H"]
    # END SOLUTION


# %% points=2
check.three_leaks(three_leaks)

# %% [markdown]
# What were they worth? On Seattle's weather each was tried alone, with ten seeds: how much lower, or not, is the loss that gets reported
# than the honest one?

# %%
for name, effect in load_result("09_diagnosis")["summary"]["leaks"].items():
    low, high = effect["interval"]
    print(f"{name:<42} {effect['mean']:+.3f}, 95 % interval [{low:+.3f}, {high:+.3f}]")

# %% [markdown]
# Less than one might fear, on this data: a mean over all days is nearly that over the training days, shuffled windows of a noisy
# series do not give the answer away, and of three rates the same one won on both kinds of data. Choosing for each seed anew did
# make the reported loss too low. A leak need not be large to be one: nobody knows its size who has no honest figure to compare with.

# %% [markdown]
# ## Task 5: a fair comparison
#
# *Difficulty ●●● · 15 minutes*
#
# Two methods, `"a"` and `"b"`, were trained at several strengths with the same seeds. You receive two dictionaries with the losses
# of all these runs, one array (strengths, seeds) for each method. Column $j$ belongs to the same seed in all of them.
#
# - `validation`, `test`: losses by method, such as `validation["a"]`. The methods may have different numbers of strengths.
# - Returns four numbers: the chosen strength of a (its row), that of b, the mean over seeds of (a minus b), and its standard error.
#
# For each method choose the row with the lowest **mean validation** loss. Report the chosen rows on **test** data, and take the standard
# error of the **paired** differences: their standard deviation (`ddof=1`) divided by the root of the number of seeds.
#
# <details><summary>Hint 1: choose</summary>
#
# `validation["a"].mean(axis=1).argmin()` is a row.
# </details>
#
# <details><summary>Hint 2: pair</summary>
#
# First subtract, seed by seed. Then take mean and standard deviation of what is left.
# </details>


# %%
def fair_comparison(validation, test):
    """Return the chosen rows of a and b, the mean difference a - b on test data, and its standard error."""
    # BEGIN SOLUTION
    rows = {name: int(losses.mean(axis=1).argmin()) for name, losses in validation.items()}
    difference = test["a"][rows["a"]] - test["b"][rows["b"]]
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    return rows["a"], rows["b"], difference.mean(), error
    # END SOLUTION


# %% points=3
check.fair_comparison(fair_comparison)

# %% [markdown]
# ## Task 6: repair a run
#
# *Difficulty ●●● · 20 minutes*
#
# `train_run(settings, train, validation)` trains a small LSTM on a task that was made up, and returns the model and its history. First
# **predict, then run**: this run has 60 epochs. Which one has the lowest validation loss? Put your guess in place of `None`; a wrong one
# is no failure.

# %%
from labcode.check import predict

epoch = predict(None)

# %%
from labcode.check.exercise_09_training import setup, train_run

settings, data = setup("overfit")
model, history = train_run(settings, data.train, data.validation)
_ = plots.learning_curves(history.train_loss, history.validation_loss)
because = "From then on the training loss fell, and the model got worse on other data."
epoch.meet(int(np.argmin(history.validation_loss)), because, within=5)

# %% [markdown]
# Write a function that repairs a run. It receives settings such as `{"learning_rate": 0.02, "l2": 0.0, "epochs": 60}`, in which one thing
# is wrong, and `data` with the parts `train`, `validation` and `test`. Train with the settings, read the two curves in the
# history, and return
#
# - what is wrong: `"overfit"`, `"underfit"` or `"learning rate too high"`;
# - a model from `train_run`, trained with one setting changed, that is better on validation data.
#
# The check hands over three runs, one of each kind. To predict 0 always costs about 1.3.
#
# <details><summary>Hint 1: tell them apart</summary>
#
# Steps that are too long show in the *training* loss: somewhere it is far above 1.3. For the others ask the rule of task 1.
# </details>
#
# <details><summary>Hint 2: what to change</summary>
#
# `settings | {"l2": 0.01}` is a new dictionary with one entry changed. A run that overfits was good once: at which epoch?
# </details>


# %%
def repair_run(settings, data):
    """Return the name of what is wrong with a run, and a better model."""
    # BEGIN SOLUTION
    _, history = train_run(settings, data.train, data.validation)
    validation = np.array(history.validation_loss)
    if max(history.train_loss) > 3:
        name, change = "learning rate too high", {"learning_rate": 0.02}
    elif validation[-1] > 1.1 * validation.min():
        name, change = "overfit", {"epochs": int(validation.argmin()) + 1}
    else:
        name, change = "underfit", {"l2": settings["l2"] / 1000}
    model, _ = train_run(settings | change, data.train, data.validation)
    return name, model
    # END SOLUTION


# %% points=4
check.repair_run(repair_run)

# %% [markdown]
# ## What you have now
#
# - Eight names for what can be wrong with a run, and the comparison that belongs to each.
# - A rule of thumb, and an idea of what it cannot see.
# - The number of samples that a decision needs, and a comparison that gives both sides the same chance.
# - A question for every line of a description: would it come out differently if the test data were others?
