# %% [markdown]
# # Chapter 1: Background
#
# *About 40 minutes. Needs: Python, NumPy arrays, what a neural network's loss is. This chapter mirrors section 1 of
# the article.*
#
# **After this chapter you can**
#
# - train an LSTM on real data and read from two curves whether, and since when, it overfits;
# - say what capacity, the amount of data and noise in the targets do to the gap between the curves;
# - explain what a regularizer changes, and check a first one (L2 with early stopping) with paired seeds and an
#   interval in place of one lucky run.
#
# Each cell follows a question. Answer it for yourself before you run the cell.

# %% [markdown]
# ## 1. Background
#
# An LSTM reads a sequence step by step and keeps a state. It has many parameters for its size, and that is where
# this course starts: a model with enough parameters can learn its training data by heart, noise included, and
# learning by heart does not help with the next day's weather. We begin with that weather.
#
# **Question.** Four years of days from one city: enough to learn from? What would a fair test of a forecast be?

# %%
from labcode.data import load_weather, persistence_loss

weather = load_weather()
print(weather.describe())

# %% [markdown]
# The split follows time: learn from the first two years, choose on the third, and keep the last one for a single
# final test. A random split would put yesterday into training and today into the test, and would flatter every
# model. Note the target, too: the *change* of the highest temperature, in units of its standard deviation.
#
# **Question.** What does the series look like? Which part of it could a model know in advance?

# %%
from labcode import plots


def temperature(split):
    """Today's highest temperature, from the last day of each window."""
    return split.x[:, -1, 0] * weather.std[0] + weather.mean[0]


parts = {"training": weather.train, "validation": weather.validation, "test": weather.test}
series = {name: (split.dates - 1, temperature(split)) for name, split in parts.items()}
_ = plots.time_series(series, unit="highest temperature [°C]")

# %% [markdown]
# The seasons repeat, and the day-to-day jumps on top of them hardly do. A forecast of tomorrow's change has a simple
# rival: *persistence*, which says that tomorrow is as today and so predicts a change of 0.
#
# **Question.** Its loss is the mean of the squared changes. In which range should it be, given the unit?

# %%
persistence = persistence_loss(weather.validation)
print(f"persistence, validation year: mean squared error {persistence:.3f}")
print(f"                              or {weather.target_std * persistence**0.5:.2f} °C (root mean square)")
unit = f"mean squared error [({weather.target_std:.2f} °C)²]"
assert 0.5 < persistence < 2

# %% [markdown]
# Close to 1, because the unit was made so on the training years. Whatever we train has to stay below this line.

# %% [markdown]
# ### The model
#
# For the input $x_t$ and the previous state $(h_{t-1}, c_{t-1})$ an LSTM computes three gates and a candidate,
#
# $$ i = \sigma(W_i x_t + U_i h_{t-1} + b_i), \quad f = \sigma(W_f x_t + U_f h_{t-1} + b_f), \quad
#    g = \tanh(W_g x_t + U_g h_{t-1} + b_g), \quad o = \sigma(W_o x_t + U_o h_{t-1} + b_o), $$
#
# and from them the new state,
#
# $$ c_t = f \odot c_{t-1} + i \odot g, \qquad h_t = o \odot \tanh(c_t). $$
#
# The forget gate $f$ says how much of the old $c$ stays, the input gate $i$ how much of the new comes in. By hand, for one cell
# that holds 1 at the start and is offered another 1 at step 10. **Try this:**
#
# 1. Set $f$ to 0.9. After how many steps is half of the first value gone? Find an $f$ at which more than half is left after 60.
# 2. Close the input gate. What does the cell see of the second value?

# %%
from labcode.widgets import GateMemory

GateMemory().widget()

# %% [markdown]
# The input weights $W$ and the recurrent weights $U$ of the four parts are stacked into two matrices. Keep them apart
# in your mind: most of what this course does to an LSTM is done to one of them and not to the other.
#
# **Question.** With 6 inputs and 64 hidden units, how many parameters is that? More or fewer than training windows?

# %%
from labcode.lstm import SequenceModel
from labcode.training import seeded

with seeded(0):
    model = SequenceModel(input_size=6, hidden_size=64, output_size=1)
for name, parameter in model.named_parameters():
    print(f"{name:<20} {tuple(parameter.shape)}")
parameters = sum(parameter.numel() for parameter in model.parameters())
print(f"{parameters} parameters for {len(weather.train.x)} training windows")
assert parameters > 20 * len(weather.train.x)

# %% [markdown]
# Many times more parameters than examples. That alone does not prove that the model will overfit, but it could store
# every target.
#
# `labcode` holds each method of this course twice: in NumPy, to be read beside the equation, and in PyTorch, to be
# used. Here is the whole step in NumPy, `labcode.lstm.lstm_step` without the checks of its arguments. (The three factors `m` are dropout masks, the subject of chapter 3; until then
# they are 1.)

# %%
import inspect

from labcode.lstm import step_equations

print(inspect.getsource(step_equations).split('"""')[2])

# %% [markdown]
# **Question.** Do the two give the same numbers, and to how many digits?

# %%
import copy

import numpy as np
import torch

from labcode.lstm import lstm_forward

x = weather.validation.x[:8].astype(np.float64)
weights = {name: w.double().numpy() for name, w in model.lstm.state_dict().items()}
by_numpy, _, _ = lstm_forward(x, weights)
by_torch, _ = copy.deepcopy(model.lstm).double()(torch.from_numpy(x))
np.testing.assert_allclose(by_numpy, by_torch.detach().numpy(), rtol=0, atol=1e-12)
print("equal to 12 decimals")

# %% [markdown]
# From here on the fast one trains and the readable one explains.

# %% [markdown]
# ## 1.1 Overfitting
#
# We train without any regularization: 40 passes over the training years, with the Adam optimizer. After each pass
# (an *epoch*) the loss is measured in the same way, with the same weights, on the training and on the validation
# data.
#
# **Question.** Sketch both curves before you look. Where do they part?

# %%
from labcode.experiments import train_once

overfitted, history = train_once(weather, seed=0)
_ = plots.learning_curves(history.train_loss, history.validation_loss, baseline=persistence, unit=unit)

# %% [markdown]
# Three phases. At first both curves fall: what is learned holds for any year. Then the training loss goes on falling
# while the validation loss turns: what is learned now holds for the training years only. In the end the model is
# worse on new data than the rule that nothing changes. The shaded distance is the *generalization gap*,
#
# $$ \text{gap} = \text{validation loss} - \text{training loss}. $$
#
# **Question.** The same in numbers: how good was the model at its best, and what is left of it at the end?

# %%
best = int(np.argmin(history.validation_loss))
print("epoch   training   validation   gap")
for epoch in (0, best, len(history.gap) - 1):
    train_loss, validation_loss = history.train_loss[epoch], history.validation_loss[epoch]
    print(f"{epoch:5d}   {train_loss:8.3f}   {validation_loss:10.3f}   {history.gap[epoch]:.3f}")
assert min(history.validation_loss) < persistence < history.validation_loss[-1]
assert history.gap[-1] > 5 * abs(history.gap[best])

# %% [markdown]
# It beat persistence for a while, and lost to it by training longer. Nothing about the model changed but its weights.
#
# **Question.** How does memorizing look, day by day? Compare forecast and outcome where the model was trained and
# where it was not.

# %%
from labcode.training import predict

pairs = {
    "training years": (weather.train.y, predict(overfitted, weather.train.x)),
    "validation year": (weather.validation.y, predict(overfitted, weather.validation.x)),
}
correlation = {name: np.corrcoef(np.ravel(y), np.ravel(p))[0, 1] for name, (y, p) in pairs.items()}
print("correlation:", {name: round(float(r), 2) for name, r in correlation.items()})
_ = plots.forecasts(pairs, unit="standard deviations")
assert correlation["training years"] > 0.85 > 0.55 > correlation["validation year"]
assert 0.7 < predict(overfitted, weather.validation.x).std() / weather.validation.y.std() < 1.2

# %% [markdown]
# On the left it knows the answers; on the right it is sure of itself and often wrong. Its forecasts swing about as
# widely as the outcomes do, in the wrong places.
#
# **Question.** Storing particular days needs particular weights. What has training done to them?

# %%
with seeded(0):
    untrained = SequenceModel(input_size=6, hidden_size=64, output_size=1)
before, after = untrained.lstm.state_dict(), overfitted.lstm.state_dict()
groups = {"W before": before["weight_ih_l0"], "W after": after["weight_ih_l0"]}
groups |= {"U before": before["weight_hh_l0"], "U after": after["weight_hh_l0"]}
_ = plots.weight_histogram(groups)
assert groups["W after"].std() > 1.5 * groups["W before"].std()
assert groups["U after"].std() > 1.5 * groups["U before"].std()

# %% [markdown]
# Both groups spread out. Large weights make steep functions, and steep functions can pass through every training
# point. This is the handle by which the penalties of chapter 3 take hold of the model.

# %% [markdown]
# ### Capacity
#
# The article blames complexity. Let us vary it: from 4 to 128 hidden units. One run proves little, so the figures come
# from 10 runs a setting with different initial weights and batches; `python evidence/01_background.py` makes them
# again in a few minutes.
#
# **Question.** Which of the two curves, training or validation, will depend more on the number of hidden units?

# %%
from labcode.experiments import load_result, losses_at

result = load_result("01_background")
hidden, train, validation = losses_at("last", result["capacity"])
_ = plots.losses_against(hidden, train, validation, xlabel="hidden units", baseline=persistence, unit=unit)
gap = (validation - train).mean(axis=1)
print("mean gap after 40 epochs:", gap.round(2).tolist())
assert (np.diff(train.mean(axis=1)) < 0).all()
assert (np.diff(gap[:5]) > 0).all()
assert abs(gap[5] - gap[4]) < 0.2

# %% [markdown]
# The training loss falls with every doubling. The gap widens with it up to 64 units and then hardly any more: a model
# that can already store nearly everything has little left to gain by growing. So "more capacity, more overfitting" is
# right here, up to a ceiling. Is small the cure, then? Move the slider: it shows the mean curves of the 10 runs. The
# figure below it is the same picture for 128 units, for those who read this without running it.
#
# **Question.** Compare the *lowest* validation loss of 4 units with that of 64. What does the small model pay?

# %%
from labcode.widgets import CurveExplorer

mean_curves = {
    int(units): (np.mean(runs["train"], axis=0), np.mean(runs["validation"], axis=0))
    for units, runs in result["capacity"].items()
}
explorer = CurveExplorer(
    mean_curves, setting="hidden units", value=min(mean_curves), baseline=persistence, unit=unit
)
explorer.widget()

# %%
_ = plots.learning_curves(*mean_curves[128], baseline=persistence, unit=unit)
lowest = {h: round(float(validation.min()), 3) for h, (_, validation) in mean_curves.items()}
epoch_of_lowest = {h: int(validation.argmin()) for h, (_, validation) in mean_curves.items()}
print("lowest mean validation loss:", lowest)
print("reached in epoch:           ", epoch_of_lowest)
assert epoch_of_lowest[128] < epoch_of_lowest[4]

# %% [markdown]
# At its best epoch a large model is about as good as a small one, and it gets there sooner. It overfits later in the
# same run, because nobody stops it. Capacity is not the fault by itself; capacity without a brake is.
#
# **Question.** Is that visible with a single pair of runs here and now, or only on average?

# %%
small_model, small = train_once(weather, seed=1, hidden=4)
large_model, large = train_once(weather, seed=1, hidden=128)
for name, run in (("4 units", small), ("128 units", large)):
    print(
        f"{name:<10} gap at the end {run.gap[-1]:.2f}, lowest validation loss {min(run.validation_loss):.3f}"
    )
assert large.gap[-1] > 2 * small.gap[-1]

# %% [markdown]
# ### The amount of data
#
# Now keep 64 units and take only the most recent part of the training years. One trap first: with a tenth of the days an
# epoch has a tenth of the steps, so a comparison after 40 epochs would compare short with long training. Here every run
# makes the same number of optimizer steps, whatever its data.
#
# **Question.** What do more days change: the loss after the last step, or the best one on the way?

# %%
days = list(result["days"].values())
_, train_last, validation_last = losses_at("last", result["amount"])
_, train_best, validation_best = losses_at("best", result["amount"])
_ = plots.losses_against(
    days, train_last, validation_last, xlabel="training days", baseline=persistence, unit=unit
)
print("mean validation loss, last  ", validation_last.mean(axis=1).round(2).tolist())
print("mean validation loss, lowest", validation_best.mean(axis=1).round(2).tolist())
assert validation_last.mean(axis=1).min() > persistence
assert (np.diff(validation_best.mean(axis=1)) < 0).all()
assert validation_best[0].mean() > persistence > validation_best[1].mean()

# %% [markdown]
# With long training all four end above persistence, in no clear order: this model has room to memorize two years as
# well as two months. What the days buy is the best epoch. With a tenth of them there is hardly a moment at which the
# model beats persistence; with each larger share it gets further below.
#
# **Question.** Here is the same figure at each run's best epoch. Why does the *training* loss rise with the days?

# %%
_ = plots.losses_against(
    days, train_best, validation_best, xlabel="training days", baseline=persistence, unit=unit
)
assert (np.diff(train_best.mean(axis=1)) > 0).all()

# %% [markdown]
# More days are harder to memorize, so the best epoch comes before much has been memorized, and both curves approach
# what can be known about tomorrow at all. Data are the first regularizer. But nobody can order more weather of the past.

# %% [markdown]
# ### Learning noise
#
# The article says that a model which is too complex learns noise. There is a direct way to see it: shuffle the training
# targets, so that they have nothing to do with their inputs. Whatever is learned then is noise, by construction.
#
# **Question.** What training loss do you expect on targets that are pure chance? And what validation loss?

# %%
rng = np.random.default_rng(0)
shuffled = (weather.train.x, rng.permutation(weather.train.y))
_, chance = train_once(weather, seed=0, train=shuffled)
_ = plots.learning_curves(chance.train_loss, chance.validation_loss, baseline=persistence, unit=unit)
assert chance.train_loss[-1] < 0.7 * chance.train_loss[0]
assert chance.validation_loss[-1] > persistence

# %% [markdown]
# The training loss falls although there is nothing to learn: the model stores chance. (This is the experiment of
# [Zhang et al. 2017](https://arxiv.org/abs/1611.03530) in small.) On the validation year, whose targets are true, this
# knowledge is worse than none.
#
# **Question.** And when only half of the targets are shuffled? Ten runs of each. Will the gap grow with the noise?

# %%
_, train, validation = losses_at("last", result["noise"])
for share, t, v in zip(result["noise"], train.mean(axis=1), validation.mean(axis=1), strict=True):
    print(
        f"{float(share):4.0%} of the targets shuffled: training {t:.2f}, validation {v:.2f}, gap {v - t:.2f}"
    )
assert (np.diff(train.mean(axis=1)) > 0).all()
assert (np.diff(validation.mean(axis=1)) > 0).all()

# %% [markdown]
# Both losses rise with the noise: chance is harder to memorize than weather (it offers no short cuts), and it spoils the
# forecasts on new days. The gap, being their difference, hardly moves between the first two rows. So one half of the
# usual sentence holds here, that an overfitting model has learned noise and pays for it on unseen data; the other, that
# noise shows as a wider gap, does not hold before nearly everything is noise. Read both curves, not only the distance.

# %% [markdown]
# ## 1.2 What regularization does
#
# *Regularization* is whatever we do to training so that the model does better on data it has **not** seen, even if it
# then does worse on the data it has. The article names two ways: an extra term in the loss that charges for large
# weights, and limits of other kinds. Here is one of each; the chapters that follow take them apart.
#
# **A penalty: L2.** Add to the data loss $L$ a charge for the size of the weights,
#
# $$ L_\text{reg} = L + \frac{\lambda}{2} \sum_j w_j^2, \qquad
#    \frac{\partial L_\text{reg}}{\partial w_j} = \frac{\partial L}{\partial w_j} + \lambda w_j. $$
#
# The gradient now pulls every weight towards zero, in proportion to its size. A weight stays large only if the data
# pull it outwards just as hard.
#
# **Question.** For $w = (3, -1)$ and $\lambda = 0.5$, what are the penalty and its gradient? Reckon first.

# %%
from labcode.penalties import l2_penalty, l2_penalty_grad, l2_penalty_torch

w = np.array([3.0, -1.0])
print("NumPy:   ", l2_penalty(w, 0.5), l2_penalty_grad(w, 0.5))
w_torch = torch.tensor(w, requires_grad=True)
penalty = l2_penalty_torch(w_torch, 0.5)
penalty.backward()
print("PyTorch: ", penalty.item(), w_torch.grad.numpy())
np.testing.assert_allclose(l2_penalty(w, 0.5), penalty.item(), rtol=1e-12)
np.testing.assert_allclose(l2_penalty_grad(w, 0.5), w_torch.grad.numpy(), rtol=1e-12)

# %% [markdown]
# Three conventions hide in so short a formula. The factor ½ is the article's (Keras's `l2(x)` has none, so its x is our
# λ/2). The sum runs over the input and recurrent weights, not over the biases. And λ must be chosen, here as
# everywhere.
#
# **Question.** We trained with nine strengths, ten seeds each. What do you expect of the two curves as λ grows?

# %%
strengths, train, validation = losses_at("last", result["sweep"])
label = "strength λ of the L2 penalty"
_ = plots.losses_against(strengths, train, validation, xlabel=label, baseline=persistence, unit=unit)
means = validation.mean(axis=1)
strength = strengths[means.argmin()]
print(f"{len(strengths)} strengths; lowest validation loss after 40 epochs at λ = {strength:g}")
assert min(strengths) < strength < max(strengths)
assert means[-1] - train[-1].mean() < 0.1
assert means[-1] > means.min() + 0.03

# %% [markdown]
# The curves behind these points. **Try this:**
#
# 1. Start at the weakest λ and move up. At which strength does the validation curve stop turning upwards?
# 2. Go on to the strongest. Which of the two curves tells you that it is too much?

# %%
strength_curves = {
    float(lam): (np.mean(runs["train"], axis=0), np.mean(runs["validation"], axis=0))
    for lam, runs in result["sweep"].items()
}
CurveExplorer(strength_curves, setting="strength λ", baseline=persistence, unit=unit).widget()

# %% [markdown]
# On the left little has changed yet, and the model overfits. On the right the gap has nearly closed, and yet the
# validation loss rises again: the model has become too stiff to follow even what holds for every year. **A small gap is
# not the goal.** The goal is the lowest point of the validation curve, in between. (That it lies inside the grid and not
# at its edge is asserted above: an optimum at an edge means that the grid was too short.)
#
# **A limit: early stopping.** Watch the validation loss, remember the best weights, and stop after `patience` epochs
# in a row without a new best. You will write this counter in the exercise. The library's version keeps a *copy* of the
# best weights and puts them back.
#
# The penalty for our LSTM names what is penalized, here the input weights W and the recurrent weights U.

# %%
from functools import partial

from labcode.penalties import WeightRegularization

l2 = partial(l2_penalty_torch, lam=strength)
l2_on_weights = WeightRegularization(penalties={"input": l2, "recurrent": l2}).penalty


# %% [markdown]
# **Question.** Both together, in one live run with the same seed as above. Where will it stop?

# %%
from labcode.early_stopping import EarlyStopping

patience = EarlyStopping(patience=result["settings"]["patience"], restore_best_weights=True)
cured, cure = train_once(weather, seed=0, penalty=l2_on_weights, early_stopping=patience)
_ = plots.learning_curves(cure.train_loss, cure.validation_loss, baseline=persistence, unit=unit)
print(f"stopped after epoch {cure.stopped_epoch}, weights of epoch {cure.best_epoch} kept")
assert max(cure.gap) < 0.5 * history.gap[-1]

# %% [markdown]
# The training curve is no longer the model's pride, and the validation curve stays down.
#
# **Question.** One run is one lucky or unlucky draw. Three pairs, each with the same first weights and the same batches
# in both runs: is the difference stable?

# %%
options = {"penalty": l2_on_weights, "progress": False}
for seed in range(1, 4):
    _, plain = train_once(weather, seed=seed, progress=False)
    rule = EarlyStopping(patience=5, restore_best_weights=True)
    _, regularized = train_once(weather, seed=seed, early_stopping=rule, **options)
    kept = regularized.validation_loss[regularized.best_epoch]
    print(f"seed {seed}: validation loss {plain.validation_loss[-1]:.3f} without, {kept:.3f} with")
    assert kept < plain.validation_loss[-1]

# %% [markdown]
# ### The verdict, on the year that nobody has looked at
#
# So far everything was measured on the validation year, which has also chosen λ and the epoch; a method that is chosen on
# data looks better on them than it is. For the verdict the script evaluated the test year 2015, once for each method
# and seed, after all choices were made. Each dot is one *paired* difference: the method minus no regularization, with
# the same seed.
#
# **Question.** How far left of 0 do you expect the dots, and are all methods there?

# %%
methods = result["against_none"]
_ = plots.paired_differences(
    {name: np.array(method["by_seed"]) for name, method in methods.items()},
    {name: tuple(method["interval"]) for name, method in methods.items()},
    unit=f"test {unit}",
)
for name, method in methods.items():
    low, high = method["interval"]
    print(f"{name:<22} {method['mean']:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}")
    assert high < 0
    assert 0.25 < -method["mean"] / np.mean(result["methods"]["no regularization"]["test"]) < 0.42

# %% [markdown]
# An interval over seeds, with differences that are drawn at random. **Try this:**
#
# 1. Set the true effect to 0 and draw again and again. How often does the interval miss 0?
# 2. Set it to 0.5. How many seeds does it take until the interval lies on one side of 0 in most draws?

# %%
from labcode.widgets import SeedInterval

SeedInterval().widget()

# %% [markdown]
# All three dots-and-bars lie far to the left: on a year that took part in no decision, each cure takes about a third
# off the error of the model that was left alone. The article's sentence holds on these data.
#
# **Question.** How large is the gap that is left, and does a regularized LSTM beat persistence on the test year?

# %%
print(f"{'':<22}  epochs  training   test    gap")
for name, method in result["methods"].items():
    train, test, epochs = (np.mean(method[key]) for key in ("train", "test", "epochs"))
    print(f"{name:<22}  {epochs:6.1f}  {train:8.3f}  {test:5.3f}  {test - train:5.3f}")
print(f"{'persistence':<22}                    {result['persistence']['test']:5.3f}")
test_means = {name: np.mean(method["test"]) for name, method in result["methods"].items()}
assert test_means["early stopping"] < result["persistence"]["test"] < test_means["no regularization"]

# %% [markdown]
# Without regularization the LSTM loses to persistence; with any of the cures it wins, and the gap nearly vanishes. Mind
# how little it is that can be won: next-day weather from one station's past is mostly unknown, and a regularizer cannot
# put information into the data.
#
# One row looks better than another. Does L2 really beat early stopping? Both are cures; their difference is small, and
# here it matters what an interval is made of.
#
# **Question.** First from the ten seeds alone, then from the seeds *and* the days that happened to be in the test year.
# Which of the two lets you claim that L2 is better?

# %%
for name in ("L2", "L2 and early stopping"):
    method = result["against_early_stopping"][name]
    print(f"{name} minus early stopping: {method['mean']:+.3f}")
    for key, label in (("interval_seeds", "seeds alone   "), ("interval", "seeds and days")):
        low, high = method[key]
        print(f"   {label}  {low:+.3f} to {high:+.3f}")
    assert method["interval_seeds"][1] < 0 < method["interval"][1]

# %% [markdown]
# Seeds alone say how much luck there is in training, and by them L2 would be declared the winner. They do not say how much
# luck there is in having been tested on these days and not on others, and with that included 0 lies inside the interval:
# undecided. Ten seeds on one short test set are a common way to be sure of too much, so the intervals of this course
# resample both, seeds and blocks of neighbouring days. (A test year remains *one* year; no interval knows what another
# climate would do.)

# %% [markdown]
# ## What to remember
#
# - Overfitting is two curves that part: training loss falling, validation loss rising. The generalization gap between
#   them is a signed difference, measured with the same weights and in the same mode.
# - More capacity widens it, up to the point where everything is memorized. More data lower the best loss on the way;
#   noise raises both curves. A large model at its best epoch need not be worse than a small one; left alone, it becomes so.
# - A regularizer trades training loss for unseen loss. The gap alone is no measure of success: too strong a
#   penalty closes it by making the model useless.
# - Strength and stopping epoch are chosen on validation data; the test data are used once, at the end. Compare in
#   pairs, over several seeds, and give an interval that covers the test days too.
#
# ## Quiz
#
# **1.** Training loss 0.9, validation loss 0.91, persistence 0.9. Does the model overfit?
#
# <details><summary>Answer</summary>
#
# No: the gap is close to zero. It *underfits*, or there is nothing to learn: it does no better than the simple rule.
# Regularizing it more cannot help.
# </details>
#
# **2.** A colleague reports the training loss that the progress bar shows while dropout is on, and a validation loss
# that is lower. Is the model better on unseen data?
#
# <details><summary>Answer</summary>
#
# One cannot say. With dropout on, the training loss is measured on a handicapped model, and over an epoch while the
# weights still change. Measure both losses after the epoch, in evaluation mode, as `labcode.training.fit` does.
# </details>
#
# **3.** You double the hidden units and the validation loss at the last epoch rises. Should you go back?
#
# <details><summary>Answer</summary>
#
# Not for that reason: look at the *lowest* validation loss first. In this chapter larger models reached about the same
# lowest loss, in fewer epochs; what they needed was to be stopped, or penalized.
# </details>
#
# **4.** You try nine strengths, take the one with the lowest *test* loss and report that loss. What is wrong with it?
#
# <details><summary>Answer</summary>
#
# The test year took part in the choice, so the lowest of nine noisy losses is lower than what the method would
# reach on a tenth year. Choose on validation data; use the test data once.
# </details>
#
# **Next:** [exercise 1](../exercises/ex01_background.ipynb) lets you write the gap, the L2 penalty and the patience
# counter yourself.
