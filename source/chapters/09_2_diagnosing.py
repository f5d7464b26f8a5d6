# %% [markdown]
# # Chapter 9, part 2: Is it overfitting? And the questions readers ask
#
# *About 75 minutes; 9.2 and 9.3 can be read on two days. Needs: [chapter 1](../notebooks/01_background.ipynb) and
# [chapter 3, on dropout](../notebooks/03_3_dropout.ipynb).*
#
# **After this chapter you can**
#
# - tell an overfit from seven other troubles that a run can have, and say which check settles it;
# - judge what learning curves cannot show, and how often simple rules err;
# - answer ten questions that readers of articles on regularization ask again and again, each with a few lines of code.

# %% [markdown]
# ## 9.2 How to tell whether a model overfits
#
# The article's advice: compare training and validation data; good on the one and bad on the other means overfitting. Chapter 1 was
# such a case. Here it is again, with fresh data besides.
#
# `redrawn` shares Seattle's days of 2012 to 2014 out anew, in blocks of three weeks: half for training, a quarter for validation, and
# a quarter as *fresh data*, which no decision may touch. (The test year stays closed.)
#
# **Question.** 32 hidden units, 40 epochs, no regularization. When should the training have ended?

# %%
import torch

from labcode.data import load_weather
from labcode.experiments.faults import FREE
from labcode.experiments.symptoms import redrawn, trained
from labcode.training import seeded

days = redrawn(load_weather(), 0)
with seeded(0):
    model, history = trained(days, FREE, 0)

# %% [markdown]
# `FREE` are the settings: nothing that regularizes.
#
# **Question.** Where is the validation loss lowest, and how far has it risen since?

# %%
from labcode import plots

unit = f"mean squared error [({days.target_std:.2f} °C)²]"
_ = plots.learning_curves(history.train_loss, history.validation_loss, baseline=None, unit=unit)
best, last = min(history.validation_loss), history.validation_loss[-1]
print(f"lowest validation loss {best:.2f} after epoch {history.best_epoch}, at the end {last:.2f}")
assert history.best_epoch < 20
assert last > 1.15 * best

# %% [markdown]
# Long before the end. That is an overfit, and the article's picture of it is right. But the picture has three parts, and only together
# do they make the case: the training loss falls, the validation loss *rises*, and nothing else is wrong. Let us put numbers to it.
#
# **Question.** `measures` boils a run down to four numbers without a unit. Which two of them are about overfitting?

# %%
from labcode.diagnose import diagnose, measures

for name, value in measures(history).items():
    print(f"{name:<9} {value:6.2f}")

# %% [markdown]
# `rise` (the last validation loss above the lowest) and `gap` (the share by which the training loss is lower than the validation loss). The
# other two, `jumps` and `progress`, ask about the training loss alone: does it go up at times, and has it come to rest?

# %% [markdown]
# ### Two other kinds of curve
#
# Loss by epoch is one kind of learning curve. Two others are worth their price. The loss by *amount of training data* says whether more
# data would help; the loss by *strength* of a regularizer, the validation curve, says on which side of the best strength you stand.
# Both need several runs. Chapter 1 has recorded them, with ten seeds.
#
# **Question.** At which λ do you stand right of the valley, where the model underfits? What do the two curves do there?

# %%
from labcode.experiments import load_result, losses_at

strengths, train, validation = losses_at("best", load_result("01_background")["sweep"])
_ = plots.losses_against(strengths, train, validation, xlabel="strength λ of L2 on W and U", unit=unit)
lowest = validation.mean(axis=1).argmin()
print(f"lowest at λ = {strengths[lowest]:.2g}")
assert 0 < lowest < len(strengths) - 1
assert (validation - train).mean(axis=1)[-1] < (validation - train).mean(axis=1)[0]

# %% [markdown]
# On the right, both curves rise together and the gap is gone. So a small gap is no merit by itself: there the model has been kept
# from learning.
#
# **Question.** And the amount of data: from a tenth of two years to all of it, what happens to the gap at each run's best epoch?

# %%
shares, train, validation = losses_at("best", load_result("01_background")["amount"])
for share, t, v in zip(shares, train.mean(axis=1), validation.mean(axis=1), strict=True):
    print(f"{share:4.0%} of the data: training {t:.2f}, validation {v:.2f}, gap {v - t:+.2f}")
assert validation.mean(axis=1)[0] > validation.mean(axis=1)[-1]

# %% [markdown]
# The validation loss falls as data are added. As long as it does, more data are a regularizer, and one without a strength to choose.
