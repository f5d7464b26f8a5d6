# %% [markdown]
# # Chapter 9, part 1: Choosing λ
#
# *About 60 minutes. Needs: [chapter 1](../notebooks/01_background.ipynb), and validation data as in
# [chapter 5, part 2](../notebooks/05_3_project.ipynb).*
#
# **After this chapter you can**
#
# - say why a strength is searched on a logarithmic scale, and what a linear one costs;
# - run grid search, random search and TPE with pruning on an equal budget, stop them at will, and share them between
#   processes and machines;
# - say what the winner's own score is worth, and report an honest one;
# - choose by the one-standard-error rule, and say when it helps.

# %% [markdown]
# ## 9. Questions and answers
#
# The article ends with two questions that its readers have: how do I choose the strength, and how do I see that a model
# overfits? This part takes the first, part 2 the second.

# %% [markdown]
# ## 9.1 How do I choose λ?
#
# The article's answer: it depends on the task and the data, and grid search or random search find it. That leaves open on
# which scale, how many tries, which of the two, and what to believe of the result. All of it can be measured if a training
# is cheap enough to be repeated thousands of times. Ours takes a tenth of a second: which of nine men says two Japanese
# vowels, from 150 training recordings.
#
# **Question.** The validation recordings are cut into two halves. One chooses. What could the other be good for?

# %%
from labcode.applications import speech

vowels = speech.load(0, "second", longest=16)
chooses, fresh = vowels.validation.subset(slice(60)), vowels.validation.subset(slice(60, None))
print(vowels)
print(f"{len(chooses.x)} recordings choose, {len(fresh.x)} stay fresh")
assert len(chooses.x) == len(fresh.x) == 60

# %% [markdown]
# It tells what the choice is worth, because it had no part in it. That will be needed below.
#
# **Question.** A model without any regularization: how far apart are its losses on the two halves? They come from the same
# drawer.

# %%
from labcode.experiments.points import train_point
from labcode.training import evaluate

sizes = {"epochs": 15, "hidden": 16, "batch_size": 75}


def losses_at(point, report=None):
    """Train one model; return its losses on training data, on the half that chooses, and on the fresh half."""
    settings = {"learning_rate": 0.03} | point
    model = train_point(vowels, settings, seed=0, validation=chooses, report=report, **sizes)
    return [evaluate(model, split, "classification")["loss"] for split in (vowels.train, chooses, fresh)]


plain = losses_at({})
print("training {:.3f}, chooses {:.3f}, fresh {:.3f}".format(*plain))
assert plain[0] < 0.5 * min(plain[1:])

# %% [markdown]
# The model overfits: its training loss is a fraction of both others. And the halves disagree by themselves, since 60
# recordings are few. Keep that in mind whenever two settings differ in the second digit.

# %% [markdown]
# ### A scale for λ
#
# λ may be anything from 0.00001 to 1. Draw it evenly between those two numbers.
#
# **Question.** How many of 1,000 draws lie below 0.01, which is more than half of the way in factors of ten?

# %%
import numpy as np

from labcode.search_space import Range

shares = np.random.default_rng(0).random(1000)
for name, part in {"linear": Range(1e-5, 1.0), "logarithmic": Range(1e-5, 1.0, log=True)}.items():
    below = np.mean([part.at(share) < 0.01 for share in shares])
    print(f"{name:<12} {below:.0%} of the draws lie below 0.01")
    assert (below < 0.03) == (name == "linear")

# %% [markdown]
# On the linear scale one in a hundred. Nine tenths of all tries go to the last factor of ten. That would be right if
# the effect of λ depended on its *difference* to another. Does it?
#
# **Question.** Eleven strengths, each about three times the one before. What will the validation loss look like along them?

# %%
strengths = Range(1e-5, 1.0, log=True).levels(11)
path = np.array([losses_at({"l2": strength}) for strength in strengths])

# %% [markdown]
# One training at each strength makes a ragged curve, because 60 recordings are few. `python course.py evidence 09_search` has
# repeated it ten times, each time with training and validation recordings drawn anew; the mean is smoother. Both are drawn on
# both scales.
#
# **Question.** On which of them could you choose?

# %%
from labcode import plots
from labcode.experiments import load_result

result = load_result("09_search")
mean_path = np.mean(result["path"]["means"], axis=0)
curves = {"this training": path[:, 1], "mean of ten repeats": mean_path}
_ = plots.curves_on_two_scales(strengths, curves, unit="cross-entropy")
lowest = strengths[mean_path.argmin()]
print(f"mean: {mean_path[0]:.2f} at 0.00001, {mean_path.min():.2f} at {lowest:.2g}, {mean_path[-1]:.2f} at 1")
np.testing.assert_allclose(strengths, result["path"]["strengths"])
assert min(mean_path[0], mean_path[-1]) > 1.3 * mean_path.min()
assert 0.001 < lowest < 0.2

# %% [markdown]
# On the linear scale most of what matters is squeezed into the first tenth of the picture. On the logarithmic one the mean is
# a valley: too weak on the left, too strong on the right. What counts is by which *factor* λ changes. The same holds for a
# learning rate. A dropout rate stays between 0 and 1, acts by difference, and is searched on a linear scale. And λ = 0 is
# on no logarithmic scale: try it separately, as we did above.

# %% [markdown]
# ### Grid, random, model
#
# Two hyperparameters now: λ, and the rate of dropout before the head. A budget of 16 trainings.
#
# - **Grid search**: four levels of each, all combinations.
# - **Random search** ([Bergstra & Bengio 2012](https://jmlr.org/papers/v13/bergstra12a.html)): 16 points, each coordinate drawn
#   on its own scale.
# - **TPE** ([Bergstra et al. 2011](https://papers.nips.cc/paper/4443-algorithms-for-hyper-parameter-optimization)): a few random
#   points, here five; then a model of where the good ones lie and where the others lie proposes the next, one after the other.
#
# **Question.** Each spends 16 trainings. How many *different* values of λ does each of the first two try?

# %%
from labcode.search_space import grid_points, random_point

space = {"l2": Range(1e-5, 1.0, log=True), "output_dropout": Range(0.0, 0.9)}
tries = {
    "grid": grid_points(space, 16, seed=0),
    "random": [random_point(space, n, seed=0) for n in range(16)],
}
different = {name: len({point["l2"] for point in points}) for name, points in tries.items()}
print(different)
assert different == {"grid": 4, "random": 16}

# %% [markdown]
# Four against 16. If only one of the two hyperparameters matters, the grid has made the same four experiments four times over.
# A grid is neat, and it is wasteful in exactly this way, the more so the more hyperparameters there are: with three of them and
# 27 trainings it tries three values of each.
#
# `labcode.search` is a thin layer on the library Optuna, which samples, prunes and keeps the records. It takes a function of a
# point that returns a loss. To be stopped, or pruned, the function reports its loss after every epoch.
#
# **Question.** A small random search of ten trainings. Which point wins?

# %%
from labcode.search import best, search


def objective(point, report):
    """Return the loss on the half that chooses; report it after each epoch, too."""
    return losses_at(point, report)[1]


tried = search(objective, space, trials=10, seed=0)
won = best(tried)
print({name: f"{value:.3g}" for name, value in won.point.items()}, f"loss {won.value:.3f}")
assert won.value == min(trial.value for trial in tried)

# %% [markdown]
# Ten is few; this is to see how it works.
#
# **Stop, and go on.** A search of hours will be interrupted. With a file to keep its records in, it loses nothing. The next cell
# pulls the plug in the middle of the fourth training, then calls the same search again.
#
# **Question.** How many trainings does the second call do?

# %%
import tempfile
from pathlib import Path

journal, calls = Path(tempfile.mkdtemp()) / "vowels.journal", []


def unlucky(point, report):
    """The same objective, but the power fails during the fourth training."""
    calls.append(point)
    if len(calls) == 4:
        raise KeyboardInterrupt
    return objective(point, report)


try:
    search(unlucky, space, trials=10, seed=0, storage=journal)
except KeyboardInterrupt:
    print(f"stopped in training {len(calls)}")

# %% [markdown]
# Nothing more is needed than the same call.
#
# **Question.** Is the result that of the search that was never stopped?

# %%
again = search(unlucky, space, trials=10, seed=0, storage=journal)
print(f"{len(calls) - 4} trainings after the break; the same trials: {again == tried}")
assert len(calls) == 11
assert again == tried
assert calls[3] == calls[4]

# %% [markdown]
# Seven: the one that was cut off, and six new ones. No point is drawn twice, none is lost. The same file lets several processes
# work on one search: start the script as often as the machine has cores. Each takes what no other has, and a trial whose
# process is killed is taken over by the next. For several machines, put the URL of a PostgreSQL database in the place of the file's
# name (`storage="postgresql://user@host/database"`). The course's tests kill processes at every step of this, dozens of times.
#
# **Pruning.** Most trials are bad, and many show it early. With `pruning=4` each trial is safe for four epochs; from then on it
# is stopped if the best it has reported is above the median of what finished trials had at that epoch.
#
# **Question.** A budget of 10 × 15 epochs. How many trials does it pay for now?

# %%
pruned = search(objective, space, trials=100, steps=10 * 15, seed=0, pruning=4)
stopped = [trial for trial in pruned if trial.pruned]
epochs = sum(trial.steps for trial in pruned)
print(f"{len(pruned)} trials in {epochs} epochs; {len(stopped)} were stopped early")
print(f"best loss {best(pruned).value:.3f}, without pruning {won.value:.3f}")
assert len(pruned) >= len(tried)
assert 10 * 15 <= epochs < 11 * 15

# %% [markdown]
# More trials for the same number of epochs. The currency is what counts here: comparing 10 trials with 10 *pruned* trials would
# compare two different budgets. Pruning has a risk, too: a setting that starts slowly (a small learning rate, strong dropout)
# looks bad early and might have won.

# %% [markdown]
# ### At an equal budget, ten times
#
# One search proves nothing. The same evidence has made six kinds of search, each in all ten repeats, each with a budget of 16
# full trainings.
#
# **Question.** Where will TPE look once its five random points are spent?

# %%
points, winners = {}, {}
for name in ("grid", "random", "TPE"):
    one = result["searches"][name][0]
    points[name] = np.array(one["points"])
    winners[name] = int(np.nanargmin(np.array(one["validation"], dtype=float)))
_ = plots.search_points(points, winners)

# %% [markdown]
# The grid stands in rows and columns. Random search has no pattern. TPE's later trials, the dark ones, gather where earlier ones
# were good.
#
# To compare the six we follow the *winner so far* as the budget is spent, in units of full trainings, because a pruned trial
# costs less. Its loss on the half that chose it can only fall. Its loss on the fresh half is what it is worth.
#
# **Question.** Move the slider from 1 to 16. Which of the two marks on the right moves further to the left?

# %%
from labcode.selection import scores_by_budget
from labcode.widgets import BudgetExplorer

budgets = list(range(1, 17))
validation, on_fresh = {}, {}
for name, repeats in result["searches"].items():
    scores = scores_by_budget(repeats, [result["settings"]["epochs"] * budget for budget in budgets])
    validation[name], on_fresh[name] = (np.nanmean(table, axis=0) for table in scores)
BudgetExplorer(budgets, validation, on_fresh, unit="cross-entropy").widget()

# %% [markdown]
# And as a still picture, with the whole budget spent.
#
# **Question.** By how much do the six differ, compared with the orange bars?

# %%
_ = plots.winners_by_budget(budgets, validation, on_fresh, budget=16, unit="cross-entropy")
spread = np.ptp([scores[-1] for scores in on_fresh.values()])
optimism = np.mean([on_fresh[name][-1] - validation[name][-1] for name in on_fresh])
print(f"between the searches at most {spread:.3f}, mean optimism {optimism:.3f}")

# %% [markdown]
# PLACEHOLDER-A
#
# Now the test recordings. The winner of every search was trained once more and measured on them, once. Differences are paired: both
# searches of a pair had the same recordings, first weights and batches.
#
# **Question.** Which differences will have an interval that does not hold 0?

# %%
difference = result["summary"]["difference"]
_ = plots.paired_differences(
    {name: np.array(entry["by_seed"]) for name, entry in difference.items()},
    {name: tuple(entry["interval"]) for name, entry in difference.items()},
    unit="test loss [cross-entropy]",
)
for name, entry in difference.items():
    low, high = entry["interval"]
    print(f"{name:<31} {entry['mean']:+.3f}  [{low:+.3f}, {high:+.3f}]  Holm's p {entry['p_holm']:.3f}")

# %% [markdown]
# PLACEHOLDER-B

# %% [markdown]
# ### From coarse to fine
#
# A search need not have one range. Half of the budget looks at the whole of it, the other half around the best point found.
#
# **Question.** The best of the coarse half has λ = 0.2. Which range does the finer half get if it is a third as wide?

# %%
part = space["l2"].near(0.2, 1 / 3)
print(f"from {part.low:.3g} to {part.high:.3g}, {'logarithmic' if part.log else 'linear'}")
assert part.high == 1.0
np.testing.assert_allclose(part.low, 1e-5 ** (1 / 3))

# %% [markdown]
# PLACEHOLDER-C

# %% [markdown]
# ### The winner's curse
#
# Why does the winner always look better where it was chosen? Suppose that 16 settings are all equally good, with a true loss of
# 0.30, and that a measurement on few recordings is off by ±0.05.
#
# **Question.** What will the lowest of 16 measurements be, on average? And a second measurement of the winner?

# %%
rng = np.random.default_rng(0)
first, second = rng.normal(0.30, 0.05, (2, 10_000, 16))
rows = np.arange(len(first))
for n in (1, 2, 4, 8, 16):
    chosen = first[:, :n].argmin(axis=1)
    print(
        f"best of {n:>2}: measured {first[rows, chosen].mean():.3f}, again {second[rows, chosen].mean():.3f}"
    )
assert 0.205 < first.min(axis=1).mean() < 0.22
assert abs(second[rows, chosen].mean() - 0.30) < 0.005

# %% [markdown]
# The lowest of 16 is nearly two standard errors too low, and the second measurement is 0.30 again. No cheating is involved: choosing the
# lowest of several noisy numbers chooses low noise, too. The more were tried, the more.
#
# The random search of the evidence can be asked the same: each half chooses once among its trials, the other half measures
# again, and the mean of both is taken, so that it does not matter which half has the harder recordings.
#
# **Question.** Real settings differ in quality. Does that make the optimism larger or smaller than in the game above?

# %%
curse = result["summary"]["optimism"]
for trials, entry in curse.items():
    low, high = entry["interval"]
    print(f"best of {trials:>2} trials: optimism {entry['mean']:+.3f}  [{low:+.3f}, {high:+.3f}]")
random = result["searches"]["random"]
both = scores_by_budget(random, [15 * budget for budget in budgets])
_ = plots.winners_curse(budgets, *(np.nanmean(table, axis=0) for table in both), unit="cross-entropy")

# %% [markdown]
# PLACEHOLDER-D

# %% [markdown]
# ### Nested validation
#
# So the winner's score is no estimate of what you will get. What is? Data that did not choose. And since one split is a matter
# of luck, several: an **outer** loop draws the data anew, an **inner** one searches and chooses, and the winner of each turn is
# measured on the outer loop's fresh data. What is estimated that way is the whole procedure, "search, then take the winner",
# not one setting; each turn may well choose another.
#
# **Question.** Five turns, five strengths. Will all turns choose the same λ?

# %%
inner, outer, choices = [], [], []
for turn in range(5):
    vowels = speech.load(turn, "second", longest=16)
    chooses, fresh = vowels.validation.subset(slice(60)), vowels.validation.subset(slice(60, None))
    table = {lam: losses_at({"l2": lam}) for lam in strengths[2::2]}
    choices.append(min(table, key=lambda lam: table[lam][1]))
    inner.append(table[choices[-1]][1])
    outer.append(table[choices[-1]][2])

# %% [markdown]
# `losses_at` sees the data of the turn, because they have the same names.
#
# **Question.** Which of the two means would you report?

# %%
print("chosen λ:", ", ".join(f"{lam:.2g}" for lam in choices))
print(f"winners' own scores: mean {np.mean(inner):.3f}")
error = np.std(outer, ddof=1) / np.sqrt(len(outer))
print(f"on the outer data:   mean {np.mean(outer):.3f} ± {error:.3f}")

# %% [markdown]
# PLACEHOLDER-E

# %% [markdown]
# ### One standard error
#
# Near its bottom the valley is flat, and its lowest point is partly luck. The **one-standard-error rule** says: among all
# strengths whose loss is at most one standard error above the lowest, take the *strongest*. Where the data cannot tell, the
# simpler model gets the benefit.
#
# **Question.** The error bars below are standard errors over 60 recordings. How far to the right will the rule go?

# %%
from labcode.selection import one_standard_error

path = result["path"]
means, errors = (np.array(path[name]) for name in ("means", "errors"))
ruled = one_standard_error(path["strengths"], means[0], errors[0])
_ = plots.one_standard_error_path(path["strengths"], means[0], errors[0], ruled, unit="cross-entropy")
assert ruled == path["rule"][0] >= path["lowest"][0]

# %% [markdown]
# That is one of ten repeats.
#
# **Question.** Does the stronger λ score better or worse on the test recordings?

# %%
factors = np.array(path["rule"]) / np.array(path["lowest"])
rule = result["summary"]["one standard error"]["difference"]["rule minus lowest"]
print("the rule's λ is larger by the factors", ", ".join(f"{factor:.3g}" for factor in factors))
print(f"test loss, rule minus lowest: {rule['mean']:+.3f}, 95 % interval {np.round(rule['interval'], 3)}")

# %% [markdown]
# PLACEHOLDER-F

# %% [markdown]
# ## What to remember
#
# PLACEHOLDER-G
#
# ## Quiz
#
# **1.** You search λ between 0.0001 and 1 with 20 random tries on a linear scale. How many of them, on average, lie below 0.01?
#
# <details><summary>Answer</summary>
#
# 20 × 0.01, a fifth of one. On the logarithmic scale half of them.
# </details>
#
# **2.** Four hyperparameters, a grid with five levels each. How many trainings, and how many different values of λ?
#
# <details><summary>Answer</summary>
#
# 625 trainings, five values. Random search gives 625.
# </details>
#
# **3.** A colleague compares "TPE, 100 trials with pruning" with "random search, 100 trials". What do you ask?
#
# <details><summary>Answer</summary>
#
# How many epochs each has spent. Pruned trials are cheaper; at the same number of epochs TPE would have had more of them.
# </details>
#
# **4.** "We tried 200 settings; the best has a validation loss of 0.212." Why do you not put 0.212 into the report?
#
# <details><summary>Answer</summary>
#
# It is the lowest of 200 noisy numbers, and chosen for that. Measure the winner once on data that chose nothing, or nest the
# whole search.
# </details>
#
# **5.** After the search you look at the test loss of the three best settings and keep the best of *those*. What has happened?
#
# <details><summary>Answer</summary>
#
# The test data have chosen. Their score is now a winner's score, too, and there is nothing left to measure with.
# </details>
#
# **6.** The lowest loss is at the largest λ of the range. What next?
#
# <details><summary>Answer</summary>
#
# The valley may go on outside. Widen the range and search on; what has been tried already is kept.
# </details>
#
# **Next:** [exercise 9, part 1](../exercises/09_1_choosing.ipynb) lets you write the scale, the comparison, a search, the rule
# and the nested estimate yourself; part 2 asks what is wrong with a model.
