# %% [markdown]
# # Chapter 9, part 1: Choosing λ
#
# *About 65 minutes: 28 of reading, 37 of thinking and trying; the cells run in about one. Needs:
# [chapter 1](01_background.ipynb), and validation data as in [chapter 5, part 2](05_3_project.ipynb). This part mirrors
# section 9.1 of the article.*
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
# overfits? This part takes the first, [part 2](09_2-3_diagnosing.ipynb) the second.

# %% [markdown]
# ## 9.1 How do I choose λ?
#
# The article's answer: it depends on the task and the data, and *grid search* (all combinations of a few levels) or *random
# search* (points drawn by chance) find it. That leaves open on which scale, how many tries, which of the two, and what to
# believe of the result.
#
# All of it can be measured if a training is cheap enough to be repeated thousands of times. Ours takes a fraction of a
# second: which of nine men says two Japanese vowels, from 150 training recordings. The validation recordings are cut into
# two halves. One chooses. The other takes no part in the choice, so it can tell what the choice is worth.

# %%
from labcode.data import speech


def halves(validation):
    """Return the 60 recordings that choose, and the 60 that stay fresh."""
    return validation.subset(slice(60)), validation.subset(slice(60, None))


vowels = speech.load(0, "second", longest=16)
chooses, fresh = halves(vowels.validation)
print(vowels)
print(f"{len(chooses.x)} recordings choose, {len(fresh.x)} stay fresh")

# %% tags=["guard"]
assert len(chooses.x) == len(fresh.x) == 60

# %% [markdown]
# One function trains a model and measures it on all three parts. First weights and batches are the same each time, so
# that only the strength differs. A `point` names methods with their strengths; `report` is told the loss after each epoch
# and will be needed later.

# %%
from labcode.experiments import train_once
from labcode.training import evaluate

sizes = {"epochs": 15, "hidden": 16, "batch_size": 75, "learning_rate": 0.03}
options = {"clip_norm": 1.0, "measure_train": False, "progress": False}


def losses_at(point, report=None):
    """Train one model; return its losses on training data and on both halves."""
    settings = {"methods": point, "validation": chooses, **sizes, **options}
    if report is not None:
        settings["on_epoch_end"] = lambda _, losses, model: report(
            losses["validation_loss"]
        )
    model, _ = train_once(vowels, seed=0, **settings)
    parts = (vowels.train, chooses, fresh)
    return [evaluate(model, part, "classification")["loss"] for part in parts]


# %% [markdown]
# The first model has no regularization.

# %%
plain = losses_at({})
print("training {:.3f}, chooses {:.3f}, fresh {:.3f}".format(*plain))

# %% tags=["guard"]
assert plain[0] < 0.5 * min(plain[1:])

# %% [markdown]
# The model overfits: its training loss, a cross-entropy, is a fraction of both others. And the two halves differ by
# chance, since 60 recordings are few. Keep that in mind whenever two settings differ in the second digit.

# %% [markdown]
# ### A scale for λ
#
# λ may be anything from 0.00001 to 1. Draw it evenly between those two numbers, 1,000 times.
#
# **Question.** How many of the draws lie below 0.01, which is more than half of the way in factors of ten?

# %%
from labcode.check import guess

small_ones = guess(
    "1,000 even draws between 0.00001 and 1: how many lie below 0.01?", unit="draws"
)

# %%
import numpy as np

from labcode.search.space import Range

draws = np.random.default_rng(0).random(1000)
scales = {"linear": Range(1e-5, 1.0), "logarithmic": Range(1e-5, 1.0, log=True)}
below = {name: sum(part.at(u) < 0.01 for u in draws) for name, part in scales.items()}
small_ones.met(int(below["linear"]), within=10)
print(f"on a logarithmic scale: {below['logarithmic']} draws")

# %% tags=["guard"]
assert below["linear"] < 30
assert below["logarithmic"] > 500

# %% [markdown]
# About one in a hundred: nine tenths of all tries go to the last factor of ten. That would be right if the effect of λ
# depended on its *difference* to another. Does it? Here are eleven strengths, each about three times the one before, with
# one training at each.
#
# One training makes a ragged curve. The course's experiment (`python course.py evidence 09_search`) has repeated it ten
# times, each time with training and validation recordings drawn anew; the mean is smoother. Both are drawn on both scales.

# %%
from labcode import plots
from labcode.experiments import load_result

strengths = scales["logarithmic"].levels(11)
path = np.array([losses_at({"l2": strength}) for strength in strengths])
result = load_result("09_search")
mean_path = np.mean(result["path"]["means"], axis=0)
curves = {"this training": path[:, 1], "mean of ten repeats": mean_path}
_ = plots.curves_on_two_scales(strengths, curves, unit="cross-entropy")
lowest = mean_path.argmin()
for at in (0, lowest, -1):
    print(f"mean loss {mean_path[at]:.2f} at λ = {strengths[at]:.2g}")

# %% tags=["guard"]
np.testing.assert_allclose(strengths, result["path"]["strengths"])
assert min(mean_path[0], mean_path[-1]) > 1.3 * mean_path.min()
assert 0.001 < strengths[lowest] < 0.2

# %% [markdown]
# On the linear scale most of what matters is squeezed into the first tenth of the picture. On the logarithmic one the mean
# is a valley: too weak on the left, too strong on the right. What counts is by which *factor* λ changes.
#
# The same holds for a learning rate. A dropout rate stays between 0 and 1, acts by difference, and is searched on a linear
# scale. And λ = 0 is on no logarithmic scale: try it separately, as we did above.

# %% [markdown]
# ### Grid, random, model
#
# Two hyperparameters now: λ, and the rate of dropout before the head. A budget of 16 trainings.
#
# - **Grid search**: four levels of each, all combinations.
# - **Random search** ([Bergstra & Bengio 2012](https://jmlr.org/papers/v13/bergstra12a.html)): 16 points, each coordinate
#   drawn on its own scale.
# - **TPE** ([Bergstra et al. 2011](https://papers.nips.cc/paper/4443-algorithms-for-hyper-parameter-optimization)), the
#   *tree-structured Parzen estimator*: a few random points, here five; then a model of where the good ones lie and where
#   the others lie proposes the next, one after the other.
#
# **Question.** How many *different* values of λ does each of the first two try?

# %%
from labcode.search.space import grid_points, random_point

space = {"l2": scales["logarithmic"], "output_dropout": Range(0.0, 0.9)}
tries = {
    "grid": grid_points(space, 16, seed=0),
    "random": [random_point(space, n, seed=0) for n in range(16)],
}
for name, points in tries.items():
    print(f"{name:<7} {len({point['l2'] for point in points})} values of λ")

# %% tags=["guard"]
assert [len({point["l2"] for point in points}) for points in tries.values()] == [4, 16]

# %% [markdown]
# Four against 16. If only one of the two hyperparameters matters, the grid has made the same four experiments four times
# over. The more hyperparameters there are, the worse it gets: with three of them and 27 trainings a grid tries three values
# of each.
#
# `labcode.search` is a thin layer on the library Optuna, which samples points and keeps the records. It takes a function
# of a point that returns a loss, and reports it after every epoch. Here is a random search of ten trainings.

# %%
from labcode.search import best, search


def objective(point, report):
    """Return the loss on the half that chooses; report it after each epoch, too."""
    return losses_at(point, report)[1]


tried = search(objective, space, trials=10, seed=0)
won = best(tried)
print({name: f"{value:.3g}" for name, value in won.point.items()}, f"loss {won.value:.3f}")

# %% tags=["guard"]
assert won.value == min(trial.value for trial in tried)

# %% [markdown]
# ### Stop, and go on
#
# A search of hours will be interrupted. With a file to keep its records in, it loses nothing. The next cell pulls the plug
# in the middle of the fourth training of ten; for the search that looks like Ctrl-C.

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
# Three losses, and which point was begun: all that is in the file. Nothing more is needed now than the same call.
#
# **Question.** How many trainings does the second call do?

# %%
left_to_do = guess(
    "Stopped in the fourth of ten trainings: how many does the second call do?",
    unit="trainings",
)

# %%
again = search(unlucky, space, trials=10, seed=0, storage=journal)
left_to_do.met(len(calls) - 4)
print("the same as the search that was never stopped:", again == tried)

# %% tags=["guard"]
assert len(calls) == 11
assert again == tried
assert calls[3] == calls[4]

# %% [markdown]
# Seven: the one that was cut off, and six new ones. No point is drawn twice, none is lost. On a machine with many cores
# add `jobs=-1`: one process asks and tells, the others train. On many machines give `search` the address of a Dask
# scheduler (`scheduler="tcp://..."`).
#
# ### Pruning
#
# Most trials are bad, and many show it early. With `pruning=4` each trial is safe for four epochs. From then on it is
# stopped if the best it has reported is above the median of what finished trials had at that epoch. The budget below is
# the same as above, counted in epochs: 10 × 15.

# %%
pruned = search(objective, space, trials=100, steps=10 * 15, seed=0, pruning=4)
stopped = [trial for trial in pruned if trial.pruned]
epochs = sum(trial.steps for trial in pruned)
print(f"{len(pruned)} trials in {epochs} epochs; {len(stopped)} were stopped early")
print(f"best loss {best(pruned).value:.3f}, without pruning {won.value:.3f}")

# %% tags=["guard"]
assert len(pruned) >= len(tried)
assert 10 * 15 <= epochs < 11 * 15

# %% [markdown]
# More trials for the same epochs. Epochs are the currency: comparing 10 trials with 10 *pruned* trials would compare two
# different budgets. Pruning has a risk, too: a setting that starts slowly (a small learning rate, strong dropout) looks bad
# early and might have won.
#
# **Try it yourself.** Set `pruning=2` in the cell above. How many trials does the same budget pay for now, and is the best
# loss lower for it?

# %% [markdown]
# ### At an equal budget, ten times
#
# One search proves nothing. The experiment has made six kinds of search, in each of its ten repeats, with a budget of 16
# full trainings each. First the points of one repeat, the later the darker.

# %%
points, winners = {}, {}
for name in ("grid", "random", "TPE"):
    one = result["searches"][name][0]
    points[name] = np.array(one["points"])
    winners[name] = int(np.nanargmin(np.array(one["validation"], dtype=float)))
_ = plots.search_points(points, winners)

# %% [markdown]
# The grid stands in rows and columns, and random search has no pattern. Of TPE's model one sees little in a single search:
# its later trials lean to the middle of the λ axis, and still look elsewhere.
#
# To compare the six we follow the *winner so far* as the budget is spent. Its loss on the half that chose it can only fall.
# Its loss on the fresh half is what it is worth. (By luck one half has the harder recordings. By how much is measured with
# the eleven models along λ, which no search has chosen, and taken out.)

# %%
from labcode.search.selection import scores_by_budget

budgets = list(range(1, 17))
harder = np.mean(result["path"]["fresh"], axis=1) - np.mean(result["path"]["means"], axis=1)
validation, on_fresh = {}, {}
for name, repeats in result["searches"].items():
    own, other = scores_by_budget(repeats, [15 * budget for budget in budgets])
    validation[name] = own.mean(axis=0)
    on_fresh[name] = (other - harder[:, None]).mean(axis=0)
still = {"budget": 16, "unit": "cross-entropy"}
_ = plots.winners_by_budget(budgets, validation, on_fresh, **still)
spread = np.ptp([scores[-1] for scores in on_fresh.values()])
optimism = np.mean([on_fresh[name][-1] - validation[name][-1] for name in on_fresh])
print(f"between the searches at most {spread:.3f}, mean optimism {optimism:.3f}")

# %% tags=["guard"]
assert 0.02 < optimism < 0.1
assert spread < 0.1

# %% [markdown]
# The grey bars say how much more each winner promises than it keeps: its *optimism*. They are about as long as the
# searches are apart. Now from the beginning of the budget. **Try this:**
#
# 1. Move the slider from 1 to 16. Which of the two marks in the lower panel moves further to the left?
# 2. Up to which budget does a winner promise no more than it keeps?

# %%
from labcode.widgets import BudgetExplorer

BudgetExplorer(budgets, validation, on_fresh, unit="cross-entropy", value=1).widget()

# %% tags=["guard"]
early = [on_fresh[name][2] - validation[name][2] for name in on_fresh]
late = [on_fresh[name][15] - validation[name][15] for name in on_fresh]
assert max(early) < 0.01 < min(late)

# %% [markdown]
# The mark where the winner was chosen. Up to three trainings there has hardly been a choice, and no winner promises too much.
# Then the bars grow, on average. More of that below.
#
# Now the test recordings. The winner of every search was trained once more and measured on them, once. Differences are
# paired: both searches of a pair had the same recordings, first weights and batches. The word at the end of a line counts
# all seven comparisons (chapter 1, *many comparisons*): "unclear" where one of so many could look like this by chance.
#
# **Question.** Which differences will be clear?

# %%
from labcode.experiments.effects import clear_side

difference = result["summary"]["difference"]
_ = plots.paired_differences(
    {name: np.array(entry["by_seed"]) for name, entry in difference.items()},
    {name: tuple(entry["interval"]) for name, entry in difference.items()},
    unit="test loss",
)
for name, entry in difference.items():
    low, high = entry["interval"]
    found = f"{entry['mean']:+.3f}  [{low:+.3f}, {high:+.3f}]  {clear_side(entry)}"
    print(f"{name:<31} {found}")

# %% tags=["guard"]
assert {clear_side(entry) for entry in difference.values()} == {"unclear"}
for name in ("random minus grid", "TPE minus random", "coarse to fine minus random"):
    assert difference[name]["interval"][0] < 0 < difference[name]["interval"][1]
untreated = np.mean(result["summary"]["test"]["none"])
for name in ("grid minus none", "random minus none"):
    assert 0.1 < -difference[name]["mean"] / untreated < 0.25
counts = [len(one["steps"]) for one in result["searches"]["TPE, pruned"]]
assert 22 < np.mean(counts) < 28
assert -0.03 < difference["TPE, pruned, minus TPE"]["mean"] < -0.01
assert -0.05 < difference["logarithmic minus linear scale"]["mean"] < -0.02
assert abs(difference["coarse to fine minus random"]["mean"]) < 0.005

# %% [markdown]
# None. Read it soberly.
#
# - **Between grid, random search and TPE no difference can be seen.** The grid was lucky: one of its four levels, λ =
#   0.022, lies near the bottom of the valley, and with two hyperparameters it wastes little. With 16 trials TPE has hardly
#   begun to model.
# - **The choice is worth something, but not even that is clear.** Against no regularization grid and random search lower
#   the test loss by a fifth and a sixth of it. Ten repeats on 370 recordings do not suffice to show that.
# - **Two hints.** Pruning let TPE try about 25 settings for the price of 16, and its winners were a little better. The
#   linear scale cost about 0.03.
#
# The article says that grid or random search find the best coefficient. What they find here is a good one; and which of
# them you take matters less than the scale, the budget, and what you believe of the result.

# %% [markdown]
# ### From coarse to fine
#
# A search need not have one range. Half of the budget looks at the whole of it, the other half around the best point found,
# in a range a third as wide. If the best λ of the coarse half is 0.2:

# %%
part = space["l2"].near(0.2, 1 / 3)
print(f"from {part.low:.3g} to {part.high:.3g}, {'logarithmic' if part.log else 'linear'}")
np.testing.assert_allclose([part.low, part.high], [1e-5 ** (1 / 3), 1.0], rtol=1e-9)

# %% [markdown]
# A third of the *factors of ten*, moved down so that it stays inside. In the list above it brought nothing: the mean
# difference to plain random search is the smallest of all. The finer half looks around a point that was itself chosen by
# luck, and gives up on the rest. It pays where trainings are dear and the valley is smooth. And where the best point lies
# at an *end* of a range, go wider, not finer.

# %% [markdown]
# ### The winner's curse
#
# Why does the winner always look better where it was chosen? Suppose that 16 settings are all equally good, with a true
# loss of 0.30, and that a measurement on few recordings has a standard error of 0.05.
#
# **Question.** What will the lowest of the 16 measurements be, on average?

# %%
lowest_of_16 = guess(
    "Sixteen settings of true loss 0.30, each measured ± 0.05: the lowest?"
)

# %%
rng = np.random.default_rng(0)
first, second = rng.normal(0.30, 0.05, (2, 10_000, 16))
rows = np.arange(len(first))
for n in (1, 2, 4, 8, 16):
    chosen = first[:, :n].argmin(axis=1)
    measured, repeated = first[rows, chosen].mean(), second[rows, chosen].mean()
    print(f"best of {n:>2}: measured {measured:.3f}, again {repeated:.3f}")
lowest_of_16.met(round(float(measured), 2), within=0.02)

# %% tags=["guard"]
assert 0.205 < measured < 0.22
assert abs(repeated - 0.30) < 0.005

# %% [markdown]
# Nearly two standard errors too low; and a second measurement of the same winner gives 0.30 again. This is the *winner's
# curse*. No cheating is involved: choosing the lowest of several noisy numbers chooses low noise, too. The more were tried,
# the more.
#
# **Try it yourself.** Real settings differ. Copy the cell, without its last line, and put `np.linspace(0.2, 0.4, 16)` in the
# place of 0.30. Is the optimism of the winner, "again" minus "measured", larger or smaller than with equal settings? (For
# n = 16; the first n of this list are its best ones.)

# %% [markdown]
# The random search of the experiment can be asked the same. Each half chooses once among its trials, the other half
# measures again, and the mean of both is taken, so that it does not matter which half has the harder recordings.
#
# **Question.** From the fourth trial to the sixteenth the winner seems to improve. How much of that is real?

# %%
random = result["searches"]["random"]
swapped = [one | {"validation": one["fresh"], "fresh": one["validation"]} for one in random]
by_budget = [15 * budget for budget in budgets]
own, other = np.mean(
    [scores_by_budget(turn, by_budget) for turn in (random, swapped)], axis=(0, 2)
)
_ = plots.winners_curse(budgets, own, other, unit="cross-entropy")
print(f"from 4 to 16 trials: {own[3] - own[15]:.3f} where it was chosen,", end=" ")
print(f"{other[3] - other[15]:.3f} on the other half")
for trials, entry in result["summary"]["optimism"].items():
    low, high = entry["interval"]
    print(f"best of {trials:>2}: optimism {entry['mean']:+.3f}  [{low:+.3f}, {high:+.3f}]")

# %% tags=["guard"]
curse = result["summary"]["optimism"]
means = [entry["mean"] for entry in curse.values()]
assert means == sorted(means)
assert min(curse[n]["interval"][0] for n in ("4", "8", "16")) > 0
assert 1.5 < (own[3] - own[15]) / (other[3] - other[15]) < 3.5
assert 0.2 < (other[15] - own[15]) / other[15] < 0.5

# %% [markdown]
# About half. The curve where the winner was chosen must fall, whatever the search does; the other one is what you get. With
# one trial there is no optimism; from four trials on its interval lies above 0. (The bars above were still near 0 there:
# with one half that chooses, they hang on a correction.) At the end the two curves are more than a quarter of the loss apart.

# %% [markdown]
# ### Nested validation
#
# So the winner's score is no estimate of what you will get. What is? Data that did not choose. And since one split is a
# matter of luck, several: an **outer** loop draws the data anew, an **inner** one searches and chooses, and the winner of
# each turn is measured on the outer loop's fresh data. This is *nested validation*. What it estimates is the whole
# procedure, "search, then take the winner", not one setting.
#
# Five turns with five strengths each. Both halves take each role once: ten choices. (`losses_at` sees the data of the
# turn, because they have the same names.)
#
# **Question.** Will all turns choose about the same λ?

# %%
inner, outer, choices = [], [], []
for turn in range(5):
    vowels = speech.load(turn, "second", longest=16)
    chooses, fresh = halves(vowels.validation)
    table = np.array([losses_at({"l2": lam}) for lam in strengths[2::2]])
    for own, other in ((1, 2), (2, 1)):  # columns: of the half that chooses, of the other
        place = int(table[:, own].argmin())
        choices.append(strengths[2::2][place])
        inner.append(table[place, own])
        outer.append(table[place, other])
by_turn = np.reshape(outer, (5, 2)).mean(axis=1)
error = by_turn.std(ddof=1) / np.sqrt(5)
print("chosen λ:", ", ".join(f"{lam:.2g}" for lam in choices))
print(f"winners' own scores: mean {np.mean(inner):.3f}")
print(f"on the outer data:   mean {np.mean(outer):.3f} ± {error:.3f}")

# %% tags=["guard"]
assert np.mean(outer) > np.mean(inner)
assert max(choices) > 5 * min(choices)

# %% [markdown]
# They do not: "the best λ" is not one number that a search uncovers, but a valley that each half sees a little differently.
# The first mean is lower because each of its numbers was chosen for being low. The second one, with its standard error, is
# what you report. The model that you hand over is then trained on all the data, after one more search.

# %% [markdown]
# ### One standard error
#
# Near its bottom the valley is flat, and its lowest point is partly luck. The **one-standard-error rule** says: among all
# strengths whose loss is at most one standard error above the lowest, take the *strongest*. Where the data cannot tell, the
# simpler model gets the benefit. Here it is for one of the ten repeats; the bars are standard errors over 60 recordings.

# %%
from labcode.search.selection import one_standard_error

path = result["path"]
means, errors = np.array(path["means"][0]), np.array(path["errors"][0])
ruled = one_standard_error(path["strengths"], means, errors)
_ = plots.one_standard_error_path(
    path["strengths"], means, errors, ruled, unit="cross-entropy"
)

# %% tags=["guard"]
assert ruled == path["rule"][0] >= path["lowest"][0]

# %% [markdown]
# **Question.** In each repeat the lowest λ and the rule's were trained and measured on the test recordings. Which of the
# two comes out lower?

# %%
factors = np.array(path["rule"]) / np.array(path["lowest"])
rule = result["summary"]["one standard error"]["difference"]["rule minus lowest"]
print("the rule's λ, times the lowest:", ", ".join(f"{factor:.3g}" for factor in factors))
print(
    f"test loss, rule minus lowest: {rule['mean']:+.3f}, 95 % interval {rule['interval']}"
)

# %% tags=["guard"]
assert (factors >= 1).all()
assert (factors > 1).sum() == 7
assert 10 < max(factors) < 1000
assert rule["interval"][0] < 0 < rule["mean"]
assert clear_side(rule) == "unclear"

# %% [markdown]
# The lowest, on average: in seven of ten repeats the rule took a stronger λ, and the mean loss came out higher, though the
# interval just holds 0. So the rule did not help here. Why?
#
# A recording that is hard is hard for every λ. That makes the bars in the figure long, but it cancels in a *difference*.
# We train both models of the repeat in the figure and take the losses of all 60 recordings under each.

# %%
from labcode.applications.metrics import item_losses
from labcode.training import predict

vowels = speech.load(0, "second", longest=16)
chooses, _ = halves(vowels.validation)
x, y, padding_mask = chooses
items = []
for lam in (path["lowest"][0], path["rule"][0]):
    model, _ = train_once(vowels, seed=0, methods={"l2": lam}, **sizes, **options)
    scores = predict(model, x, padding_mask).numpy()
    items.append(item_losses("classification", scores, y))
differences = items[1] - items[0]
alone, paired = (values.std(ddof=1) / np.sqrt(60) for values in (items[0], differences))
print(f"mean difference {np.mean(differences):+.3f}")
print(f"standard error of one loss {alone:.3f}, of the difference {paired:.3f}")

# %% tags=["guard"]
assert paired < 0.75 * alone

# %% [markdown]
# The error of the difference is much smaller. Most of the bar is shared by all strengths, so the rule's margin is too wide
# for the question it is used for. The rule is a preference for simplicity, not a way to a lower loss. Use it where
# simplicity has a value of its own (zeros under L1, fewer features, a smaller model), and with the standard error of paired
# differences.

# %% [markdown]
# ## What to remember
#
# - λ and the learning rate are searched on a logarithmic scale, rates on a linear one; λ = 0 is tried separately.
# - Grid search tries few values of each hyperparameter, random search as many as it has trials. On two of them, with 16
#   trials, neither they nor TPE could be told apart.
# - Compare searches at an equal budget in what is really spent: epochs.
# - A search with a journal file can be killed and continued; its trials can use all cores.
# - The winner's own score is too low, the more so the more was tried and the fewer the data. Report what it scores on data
#   that did not choose; nest the search to have that several times.
# - The one-standard-error rule buys simplicity. Here it bought no lower loss.

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1.** You search λ between 0.0001 and 1 with 20 random tries on a linear scale. How many of them, on average, lie below
# 0.01?
#
# - [ ] Ten of the 20.
#   > That is the logarithmic scale: two of its four factors of ten lie below 0.01.
# - [ ] Two of the 20.
#   > A tenth of the range ends at 0.1, not at 0.01.
# - [x] A fifth of one.
#   > The part below 0.01 is a hundredth of the range, and 20 × 0.01 = 0.2. Most such searches never look there.
#
# **2.** Four hyperparameters, a grid with five levels each. How many trainings, and how many different values of λ?
#
# - [x] 625 trainings, 5 values.
#   > All combinations are 5 × 5 × 5 × 5, and each coordinate still has five levels. Random search would try 625 values.
# - [ ] 20 trainings, 5 values.
#   > That would be four searches along one axis each, with the other three held fixed.
# - [ ] 625 trainings, 625 values.
#   > That is random search at the same price.
#
# **3.** A colleague compares "TPE, 100 trials with pruning" with "random search, 100 trials", and random search has the lower
# loss. What do you ask first?
#
# - [ ] Which random seed both of them had.
#   > Several seeds would be better than one, but first the two must be comparable at all.
# - [x] How many epochs each has spent.
#   > Pruned trials are cheaper. At the same number of epochs TPE would have had more of them.
# - [ ] Whether the scale was logarithmic.
#   > A good question, but both had the same scale.
#
# **4.** "We tried 200 settings; the best has a validation loss of 0.212." Why does 0.212 not belong in the report?
#
# - [ ] 200 settings are too few to find the best one.
#   > With more settings the number would be even more flattering.
# - [ ] A validation loss is always higher than a test loss.
#   > The winner's is, on average, the lower one.
# - [x] It is the lowest of 200 noisy numbers.
#   > It was chosen for being low. Measure the winner once on data that chose nothing, or nest the whole search.
#
# **5.** After the search you look at the test loss of the three best settings and keep the best of *those*. What has happened?
#
# - [ ] Nothing bad: three are few.
#   > Even the lowest of three is too low, as the best of 2 and of 4 above were.
# - [x] The test data have chosen.
#   > Their score is now a winner's score, too, and there is nothing left to measure with.
# - [ ] The model was trained on test data.
#   > No weight has learned from them. But choosing is enough to spoil the measurement.

# %% [markdown]
# **Next:** [exercise 9, part 1](../exercises/ex09_1_choosing.ipynb) lets you write the scale, the comparison, a search, the
# rule and the nested estimate yourself; part 2 asks what is wrong with a model.
