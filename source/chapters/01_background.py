# %% [markdown] tags=["core", "slide"]
# # Chapter 1: Background
#
# *About 75 minutes: 35 of reading, 25 of thinking and trying, 15 for the statistics; the cells run in less than one.
# Needs: Python, NumPy arrays, and a first idea of how a neural network is trained. PyTorch is explained where it is
# used. This chapter mirrors section 1 of the article; what that is stands in the
# [contents](00_contents.ipynb#The-article).*
#
# **After this chapter you can**
#
# - train an LSTM on real data and read from two curves whether, and since when, it overfits;
# - say what capacity, the amount of data and noise in the targets do to these curves;
# - explain what a regularizer changes, and try a first one (L2 with early stopping);
# - judge a difference between two methods by an interval, and say what the interval covers.
#
# A word in blue leads to the glossary. Where you find a **Question**, answer it before you run the cell below it.

# %% [markdown] tags=["slide", "short"]
# ## 1. Background
#
# An LSTM, short for *long short-term memory*, is a neural network that reads a sequence step by step and keeps a memory.
# It has many parameters for its size. A model with enough parameters can learn its training data by heart, noise
# included, and that does not help with the next day's weather. This is where the course starts, and the weather is our
# first example: four years of days in Seattle.

# %%
from labcode.data import load_weather, persistence_loss

weather = load_weather()
print(weather.describe())

# %% [markdown]
# The model sees 14 days and forecasts how much the highest temperature will *change* by tomorrow, in units of the standard
# deviation of such changes. The split follows time: learn from the first two years (training data), choose on the third
# (validation data), and use the last one once, for a final test (test data). A random split would put yesterday into
# training and today into the test, and would flatter every model.

# %%
from labcode import plots


def temperature(split):
    """Today's highest temperature, from the last day of each window."""
    return split.x[:, -1, 0] * weather.std[0] + weather.mean[0]


parts = {"training": weather.train, "validation": weather.validation, "test": weather.test}
series = {name: (split.dates - 1, temperature(split)) for name, split in parts.items()}
_ = plots.time_series(series, unit="highest temperature [°C]")

# %% [markdown]
# The seasons repeat; the jumps from day to day hardly do. So there is a simple rival to any model: *persistence*, which
# says that tomorrow will be as today, and predicts a change of 0. As the loss we take the mean squared error, the mean of
# (forecast − outcome)². For persistence it is close to 1, because our unit was chosen so on the training years.

# %%
persistence = persistence_loss(weather.validation)
degrees = weather.target_std * persistence**0.5
print(f"persistence, validation year: mean squared error {persistence:.3f}")
print(f"                              or {degrees:.2f} °C (root mean square)")
unit = f"mean squared error [({weather.target_std:.2f} °C)²]"

# %% tags=["guard"]
assert 0.5 < persistence < 2

# %% [markdown] tags=["slide", "short"]
# Whatever we train has to stay below this line.
#
# ### What a gate does
#
# An LSTM keeps a memory $c$, one number for each of its *hidden units*. At each step it can keep the memory, weaken it,
# or write something new. Two *gates* decide. A gate is a number between 0 (shut) and 1 (open) that something is
# multiplied by:
#
# $$ \text{new memory} = \text{forget gate} \times \text{old memory} + \text{input gate} \times \text{candidate}. $$
#
# Here is that line in Python, for one unit that holds 0.8 and could write −0.5.


# %%
def new_memory(old, candidate, forget_gate, input_gate):
    """Return the memory after one step."""
    return forget_gate * old + input_gate * candidate


print(f"keep     {new_memory(0.8, -0.5, forget_gate=1.0, input_gate=0.0):.2f}")
print(f"replace  {new_memory(0.8, -0.5, forget_gate=0.0, input_gate=1.0):.2f}")
print(f"fade     {new_memory(0.8, -0.5, forget_gate=0.5, input_gate=0.0):.2f}")
print(f"mix      {new_memory(0.8, -0.5, forget_gate=0.9, input_gate=0.2):.2f}")

# %% [markdown] tags=["slide", "short"]
# A third gate, the *output gate*, says how much of the memory is shown. What the unit shows is its *hidden state* $h$: the
# next layer reads it, and so does the LSTM itself at its next step. All three gates are computed from what comes in and
# from the previous hidden state, so the network learns *when* to keep and when to write.
#
# ### The equations
#
# The function $\sigma(z) = 1/(1+e^{-z})$, the *sigmoid*, turns any number into one between 0 and 1. With the input $x_t$ and
# the previous hidden state $h_{t-1}$, the input, forget and output gate and the candidate $g$ are
#
# $$
# \begin{aligned}
# i &= \sigma(W_i x_t + U_i h_{t-1} + b_i), \\
# f &= \sigma(W_f x_t + U_f h_{t-1} + b_f), \\
# g &= \tanh(W_g x_t + U_g h_{t-1} + b_g), \\
# o &= \sigma(W_o x_t + U_o h_{t-1} + b_o).
# \end{aligned}
# $$
#
# The new cell state and the new hidden state follow, with $\odot$ for a product unit by unit:
#
# $$ c_t = f \odot c_{t-1} + i \odot g, \qquad h_t = o \odot \tanh(c_t). $$

# %% [markdown]
# The input weights $W$ say how the LSTM weighs what comes in, the recurrent weights $U$ how it weighs its own last state, and
# $b$ is a bias. Each of the three holds four parts, one for each line above. Keep $W$ and $U$ apart in your mind: most
# of what this course does to an LSTM is done to one of them and not to the other.
#
# The forget gate $f$ says how much of the old $c$ stays, the input gate $i$ how much of the new comes in. By hand, for one cell
# that holds 1 at the start and is offered another 1 at step 10. **Try this:**
#
# 1. Set $f$ to 0.9. After how many steps is half of the first value gone? Find an $f$ at which more than half is left after 60.
# 2. Close the input gate. What does the cell see of the second value?

# %%
from labcode.widgets import GateMemory

GateMemory().widget()

# %% [markdown] tags=["slide"]
# In PyTorch a model is an object that holds its parameters as arrays, called *tensors*. Our models have one LSTM and, on top
# of its last hidden state, a linear *head* that makes the forecast.
#
# **Question.** Six inputs, 64 hidden units: how many numbers does the model hold? There are about 700 training windows.

# %%
from labcode.check import guess

size = guess(
    "How many parameters has an LSTM with 6 inputs and 64 units, head included?",
    unit="parameters",
)

# %%
from labcode.lstm import SequenceModel
from labcode.training import seeded

with seeded(0):
    model = SequenceModel(input_size=6, hidden_size=64, output_size=1)
for name, parameter in model.named_parameters():
    print(f"{name:<20} {tuple(parameter.shape)}")
parameters = sum(parameter.numel() for parameter in model.parameters())
size.met(parameters, within=1000)
print(f"training windows: {len(weather.train.x)}")

# %% tags=["guard"]
assert parameters > 20 * len(weather.train.x)
assert 600 < len(weather.train.x) < 800

# %% [markdown]
# Most of them stand in `weight_hh_l0`, the matrix $U$: four times 64 × 64. The names are PyTorch's: `ih` is from input to
# hidden, `hh` from hidden to hidden, `l0` the first layer. Far more parameters than examples does not prove that the
# model will overfit, but it could store every target.
#
# `seeded(0)` fixes the *seed*, the number from which all random numbers are drawn: with the same seed, the first weights
# are the same.
#
# The course holds each method twice: in NumPy, to be read beside the equation, and in PyTorch, to be used. Here is the
# whole step in NumPy. (The factors `m` are dropout masks, the subject of chapter 3; until then they are 1.)

# %%
import inspect

from labcode.lstm import step_equations

print(inspect.getsource(step_equations).split('"""')[2])

# %% [markdown]
# Do the two compute the same? We give both the same weights and eight windows.

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

# %% [markdown] tags=["slide", "short"]
# From here on the fast one trains, and the readable one explains.
#
# ### The training loop, once
#
# Training repeats four lines. Take a *batch* of 32 windows; compute the loss; have PyTorch work out its gradient, how
# much the loss changes with each weight (`backward`); let the optimizer change the weights a little against it (`step`).
# Our optimizer is *Adam*, which divides each weight's step by the recent size of its gradient. One pass over all training
# windows, in shuffled batches, is an *epoch*.

# %%
from labcode.training import evaluate

x, y = torch.tensor(weather.train.x), torch.tensor(weather.train.y)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
order = torch.Generator().manual_seed(0)
by_hand = []
for _ in range(3):
    for batch in torch.randperm(len(x), generator=order).split(32):
        optimizer.zero_grad()
        loss = (model(x[batch]) - y[batch]).square().mean()
        loss.backward()
        optimizer.step()
    by_hand.append(evaluate(model, weather.validation)["loss"])
print("validation loss after each epoch:", [round(loss, 3) for loss in by_hand])

# %% [markdown]
# That is all. The course's `labcode.training.fit` is this loop with a progress bar, a history of both losses and a place
# for each regularizer; `train_once` calls it for the weather with everything drawn from one seed. The same seed gives the
# same losses as our loop.

# %%
from labcode.experiments import train_once

_, history = train_once(weather, seed=0, epochs=3)
np.testing.assert_allclose(by_hand, history.validation_loss, rtol=1e-4)
print("the same losses")

# %% [markdown]
# **Try it yourself.** Change `lr`, the learning rate (how far the optimizer goes in one step), to 3e-1 in the loop above,
# make the model anew, and run the loop. What happens to the loss? Then put 3e-3 back.

# %% [markdown] tags=["slide", "short"]
# ## 1.1 Overfitting
#
# Now 40 epochs, without any regularization. After each one the loss is measured in the same way, with the same weights, on
# the training data and on the validation data.
#
# **Question.** Sketch both curves before you run the cell. Where do they part?

# %%
overfitted, history = train_once(weather, seed=0)
_ = plots.learning_curves(
    history.train_loss, history.validation_loss, baseline=persistence, unit=unit
)

# %% [markdown]
# Three phases. At first both curves fall: what is learned holds for any year. Then the training loss goes on falling while
# the validation loss turns: what is learned now holds for the training years alone. This is *overfitting*. In the end the
# model is worse on new data than the rule that nothing changes. The shaded distance is the *generalization gap*,
#
# $$ \text{gap} = \text{validation loss} - \text{training loss}. $$

# %%
best = int(np.argmin(history.validation_loss))
print("epoch  training  validation    gap")
for epoch in (0, best, len(history.gap) - 1):
    losses = (history.train_loss[epoch], history.validation_loss[epoch], history.gap[epoch])
    print(f"{epoch:5d}" + "".join(f"{loss:10.3f}" for loss in losses))

# %% tags=["guard"]
assert min(history.validation_loss) < persistence < history.validation_loss[-1]
assert history.gap[-1] > 5 * abs(history.gap[best])

# %% [markdown] tags=["slide"]
# The model beat persistence for a while, and lost to it by training longer. How does that look, day by day? Below, each dot
# is a day: the forecast against the outcome, where the model was trained and where it was not. A perfect forecast lies on
# the diagonal.

# %%
from labcode.training import predict

pairs = {
    "training years": (weather.train.y, predict(overfitted, weather.train.x)),
    "validation year": (weather.validation.y, predict(overfitted, weather.validation.x)),
}
correlation = {
    name: np.corrcoef(np.ravel(y), np.ravel(p))[0, 1] for name, (y, p) in pairs.items()
}
print("correlation:", {name: round(float(r), 2) for name, r in correlation.items()})
_ = plots.forecasts(pairs, unit="standard deviations")

# %% tags=["guard"]
assert correlation["training years"] > 0.85 > 0.55 > correlation["validation year"]
assert (
    0.6 < predict(overfitted, weather.validation.x).std() / weather.validation.y.std() < 1.3
)

# %% [markdown] tags=["slide"]
# On the left it knows the answers; on the right it is sure of itself and often wrong. Its forecasts swing about as widely
# as the outcomes do, in the wrong places. To store particular days takes particular weights, so let us look at those before
# and after training.

# %%
with seeded(0):
    untrained = SequenceModel(input_size=6, hidden_size=64, output_size=1)
before, after = untrained.lstm.state_dict(), overfitted.lstm.state_dict()
groups = {"W before": before["weight_ih_l0"], "W after": after["weight_ih_l0"]}
groups |= {"U before": before["weight_hh_l0"], "U after": after["weight_hh_l0"]}
_ = plots.weight_histogram(groups)

# %% tags=["guard"]
assert groups["W after"].std() > 1.5 * groups["W before"].std()
assert groups["U after"].std() > 1.5 * groups["U before"].std()

# %% [markdown]
# Both groups spread out. Large weights make steep functions, and steep functions can pass through every training point.
# This is the handle by which the penalties of chapter 3 take hold of the model.

# %% [markdown] tags=["slide", "half"]
# ### Capacity
#
# The article blames complexity. Let us vary the *capacity*, how much a model could store: from 4 to 128 hidden units. One
# run proves little, so the figure shows the mean of 10 runs a setting, each with a seed of its own. (Experiments of this
# size are kept in `evidence/`; `python course.py evidence` makes them again.)
#
# **Question.** Which of the two losses will depend more on the number of hidden units, training or validation?

# %%
from labcode.experiments import load_result, losses_at

result = load_result("01_background")
hidden, train, validation = losses_at("last", result["capacity"])
_ = plots.losses_against(
    hidden, train, validation, xlabel="hidden units", baseline=persistence, unit=unit
)
gap = (validation - train).mean(axis=1)
print("mean gap after 40 epochs:", gap.round(2).tolist())

# %% tags=["guard"]
assert (np.diff(train.mean(axis=1)) < 0).all()
assert (np.diff(gap[:5]) > 0).all()
assert abs(gap[5] - gap[4]) < 0.2

# %% [markdown] tags=["slide"]
# The training loss falls with every doubling. The gap widens with it up to 64 units and then hardly any more: a model that
# can already store nearly everything has little left to gain by growing. Is small the cure, then? Move the slider, with the
# mouse or the arrow keys, and compare the *lowest* validation loss of 4 units with that of 64. It starts at 128 units; the
# figure below it shows 4.

# %%
from labcode.widgets import CurveExplorer

mean_curves = {
    int(units): (np.mean(runs["train"], axis=0), np.mean(runs["validation"], axis=0))
    for units, runs in result["capacity"].items()
}
explorer = CurveExplorer(
    mean_curves, setting="hidden units", baseline=persistence, unit=unit
)
explorer.widget()

# %%
_ = plots.learning_curves(*mean_curves[4], baseline=persistence, unit=unit)
lowest = {
    h: round(float(validation.min()), 3) for h, (_, validation) in mean_curves.items()
}
epoch_of_lowest = {
    h: int(validation.argmin()) for h, (_, validation) in mean_curves.items()
}
print("lowest mean validation loss:", lowest)
print("reached in epoch:           ", epoch_of_lowest)

# %% tags=["guard"]
assert epoch_of_lowest[128] < epoch_of_lowest[4]
assert max(lowest.values()) - min(lowest.values()) < 0.1

# %% [markdown]
# At its best epoch a large model is about as good as a small one, and it gets there sooner. It overfits later in the same
# run, because nobody stops it. Capacity is not the fault by itself; capacity without a brake is.

# %% [markdown] tags=["slide"]
# ### The amount of data
#
# Now keep 64 units and take only the most recent part of the training years. With a tenth of the days an epoch has a tenth
# of the batches, so 40 epochs would compare short with long training; here every run makes the same number of steps.
#
# **Question.** What will more days change: the loss after the last step, or the best one on the way?

# %%
days = list(result["days"].values())
_, train_last, validation_last = losses_at("last", result["amount"])
_, train_best, validation_best = losses_at("best", result["amount"])
_ = plots.losses_against(
    days,
    train_last,
    validation_last,
    xlabel="training days",
    baseline=persistence,
    unit=unit,
)
print("mean validation loss, last  ", validation_last.mean(axis=1).round(2).tolist())
print("mean validation loss, lowest", validation_best.mean(axis=1).round(2).tolist())

# %% tags=["guard"]
assert validation_last.mean(axis=1).min() > persistence
assert (np.diff(validation_best.mean(axis=1)) < 0).all()
assert validation_best[0].mean() > persistence > validation_best[1].mean()

# %% [markdown] tags=["slide"]
# With long training all four end above persistence, in no clear order: this model has room to memorize not only two
# months but two years. What the days buy is the best epoch. With a tenth of them there is hardly a moment at which the model
# beats persistence; with each larger share it gets further below. Here is the same figure at each run's best epoch.

# %%
_ = plots.losses_against(
    days,
    train_best,
    validation_best,
    xlabel="training days",
    baseline=persistence,
    unit=unit,
)

# %% tags=["guard"]
assert (np.diff(train_best.mean(axis=1)) > 0).all()

# %% [markdown]
# Now the training loss *rises* with the days: more days are harder to memorize, so the best epoch comes before much has
# been memorized, and both curves approach what can be known about tomorrow at all. Data are the first regularizer. But
# nobody can order more weather of the past.

# %% [markdown] tags=["slide", "short"]
# ### Learning noise
#
# The article says that a model which is too complex learns noise. There is a direct way to see it: shuffle the training
# targets, so that they have nothing to do with their inputs. Whatever is learned then is noise, by construction.
#
# **Question.** The *training* loss starts near 1. Where will it be after 40 epochs?

# %%
options = ("near 1, as before", "well below 1")
on_chance = guess(
    "Training targets shuffled: where does the training loss end?", options=options
)

# %%
rng = np.random.default_rng(0)
shuffled = (weather.train.x, rng.permutation(weather.train.y))
_, chance = train_once(weather, seed=0, train=shuffled)
_ = plots.learning_curves(
    chance.train_loss, chance.validation_loss, baseline=persistence, unit=unit
)
on_chance.met(options[chance.train_loss[-1] < 0.7 * chance.train_loss[0]])

# %% tags=["guard"]
assert chance.train_loss[-1] < 0.7 * chance.train_loss[0]
assert chance.validation_loss[-1] > persistence

# %% [markdown]
# The training loss falls although there is nothing to learn: the model stores chance. (This is the experiment of [Zhang et
# al. 2017](https://arxiv.org/abs/1611.03530) in small.) On the validation year, whose targets are true, this knowledge is
# worse than none. And if only some of the targets are shuffled? Ten runs of each share:

# %%
_, train, validation = losses_at("last", result["noise"])
print("shuffled  training  validation   gap")
columns = (result["noise"], train.mean(axis=1), validation.mean(axis=1))
for share, t, v in zip(*columns, strict=True):
    print(f"{float(share):8.0%}  {t:8.2f}  {v:10.2f}  {v - t:4.2f}")

# %% tags=["guard"]
assert (np.diff(train.mean(axis=1)) > 0).all()
assert (np.diff(validation.mean(axis=1)) > 0).all()
assert abs(np.diff((validation - train).mean(axis=1))[0]) < 0.15

# %% [markdown]
# Both losses rise with the noise: chance is harder to memorize than weather, and it spoils the forecasts of new days. The
# gap, being their difference, hardly moves between the first two rows. So one half of the usual sentence holds here: an
# overfitting model has learned noise and pays for it on unseen data. The other half, that noise shows as a wider gap, does
# not hold while half of the targets are true. Read both curves, not only the distance.

# %% [markdown] tags=["slide", "short"]
# ## 1.2 What regularization does
#
# *Regularization* is whatever we do to training so that the model does better on data it has **not** seen, even if it then
# does worse on the data it has. The article names two ways: an extra term in the loss that charges for large weights, and
# limits of other kinds. Here is one of each; later chapters take them apart.
#
# **A penalty: L2.** Add to the loss $L$ a charge for the size of the weights. The *strength* λ says how much it counts:
#
# $$ L_\text{reg} = L + \frac{\lambda}{2} \sum_j w_j^2, \qquad
#    \frac{\partial L_\text{reg}}{\partial w_j} = \frac{\partial L}{\partial w_j} + \lambda w_j. $$
#
# The gradient now pulls every weight towards zero, in proportion to its size. A weight stays large only if the data pull it
# outwards just as hard. For $w = (3, -1)$ and $\lambda = 0.5$ the penalty is $0.25 \cdot (9 + 1) = 2.5$.

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

# %% [markdown] tags=["slide"]
# Three conventions hide in so short a formula. The factor ½ is the article's; the library Keras has none in its `l2(x)`, so
# its x is our λ/2. The sum runs over the input and recurrent weights, not over the biases. And λ must be chosen, here as
# everywhere: we trained with nine strengths, ten seeds each.
#
# **Question.** What do you expect of the two curves as λ grows from left to right?

# %%
strengths, train, validation = losses_at("last", result["sweep"])
label = "strength λ of the L2 penalty"
_ = plots.losses_against(
    strengths, train, validation, xlabel=label, baseline=persistence, unit=unit
)
means = validation.mean(axis=1)
strength = strengths[means.argmin()]
print(f"lowest validation loss after 40 epochs at λ = {strength:g}")

# %% tags=["guard"]
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
CurveExplorer(
    strength_curves, setting="strength λ", baseline=persistence, unit=unit
).widget()

# %% [markdown] tags=["slide"]
# On the left of the figure little has changed yet, and the model overfits. On the right the gap has nearly closed, and yet
# the validation loss rises again: the model has become too stiff to follow even what holds for every year. It *underfits*.
# **A small gap is not the goal.** The goal is the lowest point of the validation curve, in between. If it lay at an edge of
# the grid, the grid would be too short.
#
# **A limit: early stopping.** Watch the validation loss, remember the best weights, and stop after `patience` epochs in a
# row without a new best. You will write this counter in the exercise.

# %% [markdown]
# Both together: the penalty on W and U, and a stop with the best weights put back.

# %%
from functools import partial

from labcode.early_stopping import EarlyStopping
from labcode.penalties import WeightRegularization

l2 = partial(l2_penalty_torch, lam=strength)
l2_on_weights = WeightRegularization(penalties={"input": l2, "recurrent": l2}).penalty
patience = EarlyStopping(patience=5, restore_best_weights=True)
cured, cure = train_once(weather, seed=0, penalty=l2_on_weights, early_stopping=patience)
_ = plots.learning_curves(
    cure.train_loss, cure.validation_loss, baseline=persistence, unit=unit
)
print(f"stopped after epoch {cure.stopped_epoch}, weights of epoch {cure.best_epoch} kept")

# %% tags=["guard"]
assert result["settings"]["patience"] == 5
assert max(cure.gap) < 0.5 * history.gap[-1]
assert min(cure.validation_loss) < history.validation_loss[-1]

# %% [markdown] tags=["slide"]
# The training curve no longer runs away, and the validation curve stays down.
#
# **Try it yourself.** Take ten times the strength (`lam=10 * strength`) and run the cell again. Which of the two curves moves
# more? Then leave out the penalty, and then the early stopping: which of the two does the work here?

# %% [markdown] tags=["slide", "short"]
# ### Ten minutes of statistics
#
# One run is one draw of a lottery: other first weights, another loss. So methods are compared over several seeds, and
# *paired*: method minus reference with the same seed, so that luck common to both drops out. Here are ten such
# differences from our records: L2 minus early stopping, on the test year. Below 0 means that L2 was better.

# %%
pair = result["against_early_stopping"]["L2"]
differences = np.array(pair["by_seed"])
print("differences:", differences)
deviation = differences.std(ddof=1)
error = deviation / len(differences) ** 0.5
print(f"mean {differences.mean():+.4f}")
print(f"standard deviation {deviation:.4f}, standard error {error:.4f}")

# %% [markdown] tags=["slide"]
# The standard deviation says how far *one* difference typically lies from the mean. The *standard error* says how far the
# *mean* of ten lies from the one that we would find with endless seeds: the standard deviation divided by the root of n.
# Four times the seeds halve it.
#
# A **95 % interval** is a range made by a rule that covers the true mean in 95 of 100 repetitions of the whole study. For ten
# numbers the rule is: mean ± 2.26 standard errors. (2.26 comes from Student's t distribution; for many numbers it is 1.96.)
# An interval that leaves out 0 lets us say that there is a difference.

# %%
from scipy import stats

reach = stats.t.ppf(0.975, df=len(differences) - 1) * error
middle = differences.mean()
print(f"t interval         {middle - reach:+.4f} to {middle + reach:+.4f}")
draws = rng.choice(differences, size=(4000, len(differences))).mean(axis=1)
low, high = np.quantile(draws, [0.025, 0.975])
print(f"bootstrap interval {low:+.4f} to {high:+.4f}")

# %% tags=["guard"]
assert differences.mean() + reach < 0
assert high < 0
assert reach / error > 2.2

# %% [markdown]
# The second line is a *bootstrap*. It needs no formula: draw ten of the ten numbers, with repetition, take the mean, do that
# 4,000 times, and cut off 2.5 % on either side. The two intervals are much alike; the bootstrap's is a little too short
# for so few numbers.
#
# One more trap. Each interval errs in 5 of 100 cases. Suppose somebody tries twenty methods that all do *nothing*, each with
# ten seeds.
#
# **Question.** In how many of 100 such studies will at least one method seem to do something?

# %%
false_alarms = guess(
    "Twenty useless methods a study: in how many studies does one seem to work?",
    unit="of 100",
)

# %%
nothing = rng.normal(size=(2000, 20, 10))  # studies, methods, seeds
errors = nothing.std(axis=2, ddof=1) / 10**0.5
excludes_zero = abs(nothing.mean(axis=2)) > stats.t.ppf(0.975, df=9) * errors
false_alarms.met(round(100 * excludes_zero.any(axis=1).mean()), within=5)
print(f"one method alone: {100 * excludes_zero.mean():.0f} of 100")

# %% tags=["guard"]
assert 0.58 < excludes_zero.any(axis=1).mean() < 0.70
assert 0.04 < excludes_zero.mean() < 0.06

# %% [markdown]
# About 64, which is $1 - 0.95^{20}$. This is the trouble with *many comparisons*. The remedy: say beforehand what will be
# compared, and make the intervals wider the more there are. The course's experiments do both.

# %% [markdown] tags=["slide", "short"]
# ### The verdict, on the year that nobody has looked at
#
# So far everything was measured on the validation year, which has also chosen λ and the epoch. A method that is chosen on
# data looks better on them than it is. For the verdict the experiment evaluated the test year 2015 once for each method
# and seed, after all choices were made. Each dot is one paired difference: the method minus no regularization.

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

# %% tags=["guard"]
left_alone = np.mean(result["methods"]["no regularization"]["test"])
for method in methods.values():
    assert method["interval"][1] < 0
    assert 0.25 < -method["mean"] / left_alone < 0.42

# %% [markdown]
# An interval over seeds, with differences that are drawn at random. **Try this:**
#
# 1. Set the true effect to 0 and draw again and again. How often does the interval miss 0?
# 2. Set it to 1. How many seeds does it take until the interval lies on one side of 0 in most draws? Are 20 enough if the
#    effect is 0.5?

# %%
from labcode.widgets import SeedInterval

SeedInterval().widget()

# %% [markdown] tags=["slide"]
# For an effect of 1, as large as the seeds' own spread, ten seeds do; one of 0.5 is found by 20 in two of the eight draws
# here, and in little more than half of all draws.
#
# The effects in the figure are much larger, and all three lie far to the left: on a year that took part in no decision,
# each cure takes about a third off the error of the model that was left alone. The article's sentence holds on these data.
# In numbers, with persistence beside them:

# %%
print(f"{'':<22}  epochs  training   test    gap")
for name, method in result["methods"].items():
    train, test, epochs = (np.mean(method[key]) for key in ("train", "test", "epochs"))
    print(f"{name:<22}  {epochs:6.1f}  {train:8.3f}  {test:5.3f}  {test - train:5.3f}")
print(f"{'persistence':<22}                    {result['persistence']['test']:5.3f}")

# %% tags=["guard"]
test_means = {name: np.mean(method["test"]) for name, method in result["methods"].items()}
assert (
    test_means["early stopping"]
    < result["persistence"]["test"]
    < test_means["no regularization"]
)

# %% [markdown] tags=["slide"]
# Without regularization the LSTM loses to persistence; with any of the cures it wins, and the gap nearly vanishes. Mind how
# little there is to be won: tomorrow's weather is mostly unknown from one station's past, and a regularizer cannot put
# information into the data.
#
# One row looks better than another. Does L2 really beat early stopping? The ten seeds said so above. But they know only the
# luck of training. There is a second kind: that the model was tested on these days and not on others.
#
# **Question.** Which of the two intervals below lets you claim that L2 is better?

# %%
for name in ("L2", "L2 and early stopping"):
    method = result["against_early_stopping"][name]
    print(f"{name} minus early stopping: {method['mean']:+.3f}")
    for key, label in (
        ("interval_seeds", "seeds alone   "),
        ("interval", "seeds and days"),
    ):
        low, high = method[key]
        print(f"   {label}  {low:+.3f} to {high:+.3f}")

# %% tags=["guard"]
for name in ("L2", "L2 and early stopping"):
    method = result["against_early_stopping"][name]
    assert method["interval_seeds"][1] < 0 < method["interval"][1]

# %% [markdown]
# By the seeds alone, L2 would be declared the winner. With the days included 0 lies inside the interval: undecided. Ten seeds
# on one short test set are a common way to be sure of too much, so the intervals of this course resample both, seeds and
# blocks of neighbouring days. (A test year remains *one* year; no interval knows what another climate would do.)

# %% [markdown] tags=["slide"]
# ## What to remember
#
# - Overfitting is two curves that part: training loss falling, validation loss rising. The generalization gap between them is
#   a signed difference, measured with the same weights and in the same mode.
# - More capacity widens it, up to the point where everything is memorized. More data lower the best loss on the way; noise
#   raises both curves. A large model at its best epoch need not be worse than a small one; left alone, it becomes so.
# - A regularizer trades training loss for unseen loss. The gap alone is no measure of success: too strong a penalty closes
#   it by making the model useless.
# - Strength and stopping epoch are chosen on validation data; the test data are used once, at the end.
# - Compare in pairs, over several seeds. An interval covers the luck that was resampled, and no other: seeds, test days. With
#   many comparisons, some look good by chance.

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1.** Training loss 0.9, validation loss 0.91, persistence 0.9. Does the model overfit?
#
# - [ ] Yes: the validation loss is the higher one.
#   > By 0.01. Some difference in this direction is normal; a gap so small is no sign of memorizing.
# - [x] No: it underfits, or there is nothing to learn.
#   > It does no better than the simple rule, on either data. To regularize it more cannot help.
# - [ ] One cannot say without the test loss.
#   > The two losses and the rule are enough. The test data are for the final verdict, not for diagnosis.
#
# **2.** A colleague's progress bar shows the training loss while dropout is on, and the validation loss is lower. Is the model
# better on unseen data?
#
# - [ ] Yes: the lower loss is the validation loss.
#   > The two were not measured in the same way, so their difference means little.
# - [ ] No: that is impossible, so there must be a leak.
#   > It is quite common, and needs no leak.
# - [x] One cannot say: the two losses are measured differently.
#   > With dropout on, the training loss is that of a handicapped model, and is taken while the weights still change. Measure
#   > both after the epoch, in evaluation mode.
#
# **3.** You double the hidden units, and the validation loss at the last epoch rises. What do you look at first?
#
# - [x] The lowest validation loss of both runs.
#   > In this chapter larger models reached about the same lowest loss, in fewer epochs. What they needed was to be stopped, or
#   > penalized.
# - [ ] The training loss: if it has fallen, the larger model is better.
#   > It falls with any capacity; that says nothing about new data.
# - [ ] Nothing: more parameters were a mistake.
#   > Not for that reason. At its best epoch the large model may be as good.
#
# **4.** You try nine strengths, take the one with the lowest *test* loss and report that loss. What is wrong with it?
#
# - [ ] Nothing: the test data were not used for training.
#   > They were used for the choice, and that is enough to flatter the result.
# - [x] It is too low: the lowest of nine noisy losses.
#   > A part of it is luck, which will not come again in another year. Choose on validation data; use the test data once.
# - [ ] It is too high: nine strengths are too few.
#   > More strengths would make the flattery larger.
#
# **5.** A 95 % interval over ten seeds, all tested on the same 60 days, leaves out 0. What does it not cover?
#
# - [ ] The luck of the first weights.
#   > That is just what differs between the seeds.
# - [x] The luck of these 60 days.
#   > All ten were tested on the same days. To cover the days, resample them, too, in blocks.
# - [ ] The luck of the order of the batches.
#   > It is drawn from the seed, so the ten seeds cover it.

# %% [markdown]
# **Next:** in the [exercise](../exercises/ex01_background.ipynb) you write the gap, the L2 penalty and the patience counter
# yourself, and make a model overfit on purpose.
