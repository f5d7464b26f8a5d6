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
from labcode.data import speech

vowels = speech.load(0, "second", longest=16)
chooses, fresh = vowels.validation.subset(slice(60)), vowels.validation.subset(slice(60, None))
print(vowels)
print(f"{len(chooses.x)} recordings choose, {len(fresh.x)} stay fresh")
assert len(chooses.x) == len(fresh.x) == 60

# %% [markdown]
# It tells what the choice is worth, because it had no part in it. That will be needed below.
#
# A model without any regularization comes first. Its losses on the two halves should be alike, since they come from the same
# drawer.
#
# **Question.** What has to be held fixed, so that later only the strength differs?

# %%
from labcode.experiments import train_once
from labcode.training import evaluate

sizes = {"epochs": 15, "hidden": 16, "batch_size": 75, "learning_rate": 0.03}
options = {"validation": chooses, "clip_norm": 1.0, "measure_train": False, "progress": False}


def losses_at(point, report=None):
    """Train one model; return its losses on training data, on the half that chooses, and on the fresh half."""
    tell = None if report is None else lambda epoch, losses, model: report(losses["validation_loss"])
    model, _ = train_once(vowels, seed=0, methods=point, on_epoch_end=tell, **sizes, **options)
    return [evaluate(model, split, "classification")["loss"] for split in (vowels.train, chooses, fresh)]


# %% [markdown]
# A point gives the strength of each method that it names; 0 leaves a method out. `on_epoch_end` is called after each epoch.
#
# **Question.** Is the training loss far below the other two?

# %%
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

from labcode.search.space import Range

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
from labcode.search.space import grid_points, random_point

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


# %% [markdown]
# The interruption looks to the search like Ctrl-C.
#
# **Question.** What has it to know, to go on later?

# %%
try:
    search(unlucky, space, trials=10, seed=0, storage=journal)
except KeyboardInterrupt:
    print(f"stopped in training {len(calls)}")

# %% [markdown]
# The three losses, and which point was begun: all that is in the file. Nothing more is needed now than the same call.
#
# **Question.** Is the result that of the search that was never stopped?

# %%
again = search(unlucky, space, trials=10, seed=0, storage=journal)
print(f"{len(calls) - 4} trainings after the break; the same trials: {again == tried}")
assert len(calls) == 11
assert again == tried
assert calls[3] == calls[4]

# %% [markdown]
# Seven: the one that was cut off, and six new ones. No point is drawn twice, none is lost. On a machine with many cores let
# `search` use them, with `jobs=-1`: one process asks and tells, the others train. On many machines give it the address of a Dask
# scheduler (`scheduler="tcp://..."`). The course's tests kill searches in the middle of this, again and again.
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
# The grid stands in rows and columns. Random search has no pattern. Of TPE's model one sees little in a single search: its
# later trials, the dark ones, lean to the middle of the λ axis, and still look elsewhere.
#
# **Question.** Were the eleven trials that TPE's model proposed better than the same eleven of random search, on average over
# the ten repeats?

# %%
later = {}
for name in ("random", "TPE"):
    later[name] = np.mean([one["validation"][5:] for one in result["searches"][name]])
    print(f"{name:<7} mean validation loss of trials 6 to 16: {later[name]:.3f}")
assert later["TPE"] < later["random"]

# %% [markdown]
# A little. But a search is judged by its best trial, not by its mean.
#
# To compare the six we follow the *winner so far* as the budget is spent, in units of full trainings, because a pruned trial
# costs less. Its loss on the half that chose it can only fall. Its loss on the fresh half is what it is worth. (One thing has
# to be taken out first: by luck one half has the harder recordings. By how much is measured, in each repeat, with the eleven
# models along λ, which no search has chosen.)
#
# **Question.** Move the slider from 1 to 16. Which of the two marks in the lower panel moves further to the left?

# %%
from labcode.search.selection import scores_by_budget
from labcode.widgets import BudgetExplorer

budgets = list(range(1, 17))
harder = np.mean(result["path"]["fresh"], axis=1) - np.mean(result["path"]["means"], axis=1)
validation, on_fresh = {}, {}
for name, repeats in result["searches"].items():
    own, other = scores_by_budget(repeats, [15 * budget for budget in budgets])
    validation[name], on_fresh[name] = own.mean(axis=0), (other - harder[:, None]).mean(axis=0)
BudgetExplorer(budgets, validation, on_fresh, unit="cross-entropy").widget()

# %% [markdown]
# And as a still picture, with the whole budget spent.
#
# **Question.** By how much do the six differ, compared with the grey bars?

# %%
_ = plots.winners_by_budget(budgets, validation, on_fresh, budget=16, unit="cross-entropy")
spread = np.ptp([scores[-1] for scores in on_fresh.values()])
optimism = np.mean([on_fresh[name][-1] - validation[name][-1] for name in on_fresh])
print(f"between the searches at most {spread:.3f}, mean optimism {optimism:.3f}")
assert 0.02 < optimism < 0.1
assert spread < 0.1

# %% [markdown]
# By about as much. The grey bars say that the winner promises more than it keeps, in every search, and they are as long as
# the searches are apart. Early in the search there is no such bar; it grows with the budget. More of that below.
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
    unit="test loss",
)
for name, entry in difference.items():
    low, high = entry["interval"]
    print(f"{name:<31} {entry['mean']:+.3f}  [{low:+.3f}, {high:+.3f}]  Holm's p {entry['p_holm']:.2f}")
for name in ("random minus grid", "TPE minus random", "coarse to fine minus random"):
    assert difference[name]["interval"][0] < 0 < difference[name]["interval"][1]
assert min(entry["p_holm"] for entry in difference.values()) > 0.05

# %% [markdown]
# Read it soberly.
#
# - **Between grid, random search and TPE no difference can be seen.** The grid was lucky: one of its four levels, λ = 0.022, lies
#   near the bottom of the valley, and with two hyperparameters it wastes little. With 16 trials TPE has hardly begun to model.
# - **The choice is worth something.** Against no regularization grid and random search lower the test loss by about 0.05 and
#   0.04, a fifth and a sixth of it. Yet one interval just leaves 0 out and the other just holds it, and after Holm's
#   correction for seven comparisons nothing is left that could be called shown. Ten repeats on 370 recordings do not suffice
#   for even that.
# - **Two hints.** Pruning let TPE try about 25 settings for the price of 16, and its winners were a little better. The linear
#   scale cost about 0.03, with an interval that holds 0.
#
# The article says that grid or random search find the best coefficient. What they find here is a good one; and which of them
# you take matters less than the scale, the budget, and what you believe of the result.
#
# **Question.** How many trials did the pruned searches get for 240 epochs?

# %%
counts = [len(one["steps"]) for one in result["searches"]["TPE, pruned"]]
print(f"between {min(counts)} and {max(counts)} trials; the others had 16")
assert 20 < np.mean(counts) < 30

# %% [markdown]
# The median rule stopped every second of them after a few epochs.

# %% [markdown]
# ### From coarse to fine
#
# A search need not have one range. Half of the budget looks at the whole of it, the other half around the best point found.
#
# **Question.** The best of the coarse half has λ = 0.2. Which range does the finer half get if it is a third as wide?

# %%
part = space["l2"].near(0.2, 1 / 3)
print(f"from {part.low:.3g} to {part.high:.3g}, {'logarithmic' if part.log else 'linear'}")
np.testing.assert_allclose([part.low, part.high], [1e-5 ** (1 / 3), 1.0], rtol=1e-9)
assert abs(difference["coarse to fine minus random"]["mean"]) < 0.005

# %% [markdown]
# In the evidence it brought nothing: the mean difference to plain random search is below 0.005. The finer half looks around a point
# that was itself chosen by luck, and gives up on the rest. It pays where trainings are dear and the valley is smooth. And
# where the best point lies at an *end* of a range, go wider, not finer.

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
means = [entry["mean"] for entry in curse.values()]
assert means == sorted(means)
assert min(curse[n]["interval"][0] for n in ("4", "8", "16")) > 0

# %% [markdown]
# With one trial there is no choice and no optimism. From four trials on its interval lies above 0.
#
# **Question.** From the fourth trial to the sixteenth the winner seems to improve. How much of that is real?

# %%
random = result["searches"]["random"]
swapped = [one | {"validation": one["fresh"], "fresh": one["validation"]} for one in random]
turns = [scores_by_budget(searches, [15 * b for b in budgets]) for searches in (random, swapped)]
own, other = np.mean(turns, axis=(0, 2))
_ = plots.winners_curse(budgets, own, other, unit="cross-entropy")
print(
    f"from 4 to 16 trials: {own[3] - own[15]:.3f} where it was chosen, {other[3] - other[15]:.3f} on the other half"
)
assert own[3] - own[15] > 1.5 * (other[3] - other[15])

# %% [markdown]
# About half. The dashed line must fall, whatever the search does; the solid line is what you get. At the end they are a quarter of
# the loss apart. With fewer recordings to choose by, or more trials, it would be worse. (In the game above all differences
# were luck. Here a few settings are truly bad, and beating those is no luck; among the good ones it is as in the game.)

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
    table = np.array([losses_at({"l2": lam}) for lam in strengths[2::2]])
    for own, other in ((1, 2), (2, 1)):  # each half chooses once, and the other one measures
        place = int(table[:, own].argmin())
        choices.append(strengths[2::2][place])
        inner.append(table[place, own])
        outer.append(table[place, other])

# %% [markdown]
# `losses_at` sees the data of the turn, because they have the same names. Both halves take each role once: ten choices.
#
# **Question.** Which of the two means would you report?

# %%
print("chosen λ:", ", ".join(f"{lam:.2g}" for lam in choices))
print(f"winners' own scores: mean {np.mean(inner):.3f}")
by_turn = np.reshape(outer, (5, 2)).mean(axis=1)
error = by_turn.std(ddof=1) / np.sqrt(5)
print(f"on the outer data:   mean {np.mean(outer):.3f} ± {error:.3f}")
assert np.mean(outer) > np.mean(inner)
assert max(choices) > 5 * min(choices)

# %% [markdown]
# The second, with its error. The first is lower because each of its numbers was chosen for being low. And the choices differ by
# factors of ten: "the best λ" is not one number that a search uncovers, but a valley that each half sees a little
# differently. The model you hand over is then trained on all the data with one more search; what you report is the outer mean.
#
# The test recordings of the evidence played the outer role in the same way: for each search they were read once, after its
# choice.

# %% [markdown]
# ### One standard error
#
# Near its bottom the valley is flat, and its lowest point is partly luck. The **one-standard-error rule** says: among all
# strengths whose loss is at most one standard error above the lowest, take the *strongest*. Where the data cannot tell, the
# simpler model gets the benefit.
#
# **Question.** The error bars below are standard errors over 60 recordings. How far to the right will the rule go?

# %%
from labcode.search.selection import one_standard_error

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
assert (factors >= 1).all()
assert rule["interval"][0] < 0 < rule["mean"]

# %% [markdown]
# Rather worse: in seven of ten repeats the rule took a stronger λ, up to a hundred times, and the test loss came out about 0.03 higher,
# with an interval that barely holds 0. The rule did not help here. Why?
#
# **Question.** A recording that is hard is hard for every λ. What does that do to the error bars, and to the error of a
# *difference*?

# %%
from labcode.applications.metrics import item_losses
from labcode.training import predict

vowels = speech.load(0, "second", longest=16)
chooses = vowels.validation.subset(slice(60))
x, y, padding_mask = chooses
items = []
for lam in (path["lowest"][0], path["rule"][0]):
    model, _ = train_once(vowels, seed=0, methods={"l2": lam}, **sizes, **options)
    items.append(item_losses("classification", predict(model, x, padding_mask).numpy(), y))

# %% [markdown]
# The losses of all 60 recordings under the lowest λ and under the rule's.
#
# **Question.** How large are the two kinds of standard error?

# %%
alone, paired = (values.std(ddof=1) / np.sqrt(60) for values in (items[0], items[1] - items[0]))
print(f"mean difference {np.mean(items[1] - items[0]):.3f}")
print(f"standard error of one loss {alone:.3f}, of the difference {paired:.3f}")
assert paired < 0.75 * alone

# %% [markdown]
# The error of the difference is about half as large, and by that the rule's λ *is* worse. Most of the error bar is shared by
# all strengths, so the rule's margin is too wide for the question it is used for. It is a preference for simplicity, not a
# way to a lower loss. Use it where simplicity has a value of its own (zeros under L1, fewer features, a smaller model), and
# with the standard error of paired differences.

# %% [markdown]
# ## What to remember
#
# - λ and the learning rate are searched on a logarithmic scale, rates on a linear one; λ = 0 is tried separately.
# - Grid search tries few values of each hyperparameter, random search as many as it has trials. On two of them, with 16
#   trials, neither they nor TPE could be told apart; pruning bought half as many trials again.
# - Compare searches at an equal budget in what is really spent: epochs.
# - A search with a journal file can be killed and continued; its trials can use all cores.
# - The winner's own score is too low, the more so the more was tried and the fewer the data. Report what it scores on data that
#   did not choose; nest the search to have that several times.
# - The one-standard-error rule buys simplicity. Here it bought no lower loss.
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
# **Next:** [exercise 9, part 1](../exercises/ex09_1_choosing.ipynb) lets you write the scale, the comparison, a search, the rule
# and the nested estimate yourself; part 2 asks what is wrong with a model.
