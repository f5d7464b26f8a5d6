# %% [markdown] tags=["core"]
# # Chapter 3, part 2: Dropout and recurrent dropout
#
# *About 90 minutes: 45 of reading, 40 of thinking and trying; the cells run in about one. Needs:
# [chapter 1](01_background.ipynb) for the equations and its training loop, section 2.2 of
# [chapter 2](02_core_concepts.ipynb) for the places of the masks. This part mirrors section 3.3 of the article, and goes on
# with 3.4 where the article stops.*
#
# **After this chapter you can**
#
# - write dropout in the article's form and in the form that libraries use, and show that they agree on average;
# - say for any library whether its number is the share that is dropped or the share that is kept;
# - choose between a mask that is new at each step and one that is locked for the sequence, and say what the choice does;
# - write six kinds of dropout in a recurrence as equations, and predict what each leaves of a memory;
# - run recurrent dropout at the speed of a plain LSTM, by one line of algebra.
#
# There is a natural break after section 3.3.

# %% [markdown] tags=["half"]
# ## 3.3 Dropout
#
# A network that knows its training data by heart relies on single units that recognize single days. Dropout takes that
# away: while training, each unit is silent from time to time, so no other unit can rely on it.
#
# The article gives two steps. In training, drop each unit with probability $p$. When testing, use all units and multiply
# their outputs by $1-p$. With a coin $k$ for each unit, 0 with probability $p$ and else 1,
#
# $$ \text{training: } y = k \odot x, \qquad \text{evaluation: } y = (1-p)\, x. $$
#
# Why the factor? A unit of the next layer adds up what it reads. If a quarter of that is silent in training, the sum is
# smaller by a quarter on average. In evaluation nothing is silent, so everything is turned down by a quarter.
#
# Eight units and $p = 0.25$:

# %%
import numpy as np

from labcode.dropout import classic_dropout

rng = np.random.default_rng(0)
x, p = np.array([0.5, -1.0, 2.0, 0.1, -0.3, 1.5, -0.8, 1.2]), 0.25
kept = rng.random(x.shape) >= p
print("coins      ", kept.astype(int))
print("training   ", classic_dropout(x, p, kept))
print("evaluation ", classic_dropout(x, p))
np.testing.assert_array_equal(classic_dropout(x, p, kept), kept * x)
np.testing.assert_array_equal(classic_dropout(x, p), (1 - p) * x)

# %% [markdown] tags=["half"]
# Two of eight are silent on average; since each coin falls on its own, none or four would be no error either. In
# evaluation every unit speaks, at three quarters of its volume.
#
# ### The inverted form
#
# The article's form makes evaluation pay for what training did. Libraries do it the other way round: the kept units are
# turned **up** while training, and evaluation is left alone. This is *inverted dropout*, with a *mask* $m$:
#
# $$ m = \frac{k}{1-p}, \qquad \text{training: } y = m \odot x, \qquad \text{evaluation: } y = x. $$
#
# Here it is in NumPy, with the gradient by hand: what was silent learns nothing from this step, and the others are pulled a
# third harder than usual.

# %%
from labcode.dropout import dropout, dropout_grad

mask = kept / (1 - p)
print("output  ", dropout(x, mask).round(3))
print("gradient", dropout_grad(x, mask, np.ones(8)).round(3))
np.testing.assert_array_equal(dropout(x, mask), mask * x)

# %% [markdown]
# PyTorch finds the gradient by itself. Given the same mask, it is the same to the last digit.

# %%
import torch

from labcode.dropout import dropout_torch

x_torch = torch.tensor(x, requires_grad=True)
y_torch = dropout_torch(x_torch, torch.tensor(mask))
y_torch.sum().backward()
np.testing.assert_array_equal(y_torch.detach().numpy(), mask * x)
np.testing.assert_array_equal(x_torch.grad.numpy(), dropout_grad(x, mask, np.ones(8)))
print("the same output and the same gradient")

# %% [markdown] tags=["half"]
# The article's form and the inverted one are the same up to a constant: $k \odot x = (1-p) \cdot m \odot x$ in training,
# $(1-p)\,x$ in evaluation.
#
# ### Equal on average
#
# That *training and evaluation* agree holds only on average over the coins. So it has to be measured, with an interval:
# 4,000 masks, and for each unit the mean of what it put out minus its value in evaluation.

# %%
from labcode import plots
from labcode.dropout import dropout_mask

masks = dropout_mask((4000, 8), p, rng=rng)
training = masks * x
means, errors = training.mean(axis=0), training.std(axis=0) / np.sqrt(len(training))
_ = plots.means_with_intervals(means - x, errors, ylabel="mean over masks − evaluation")
print("distance in standard errors:", (np.abs(means - x) / errors).round(1))

# %% tags=["guard"]
assert (np.abs(means - x) < 4.5 * errors).all()
np.testing.assert_allclose((1 - p) * training, (masks > 0) * x, rtol=1e-12)

# %% [markdown]
# Draw the mask again, as often as you like. **Try this:**
#
# 1. Move "draw" to the right with the arrow key. Which panel changes as a whole, which less and less?
# 2. Set $p$ to 0.9. How many draws would you need to trust the mean?

# %%
from labcode.widgets import DrawAgain

DrawAgain().widget()

# %% [markdown]
# In the figure with the intervals no mean is further from 0 than chance allows. The interval is widest in the unit with the
# largest value: the noise that dropout adds is proportional to what it drops. Its standard deviation is
# $\sqrt{p/(1-p)}$ times the value: 3 times at $p = 0.9$, so a standard error of a tenth of the value takes 900 draws.
#
# That is the mean of a unit's own output. Behind a bent function such as $\tanh$ the two part. Take one unit with value
# 1.5; with only two outcomes, 0 and $x/(1-p)$, the mean can be written down.
#
# **Question.** Is the mean of $\tanh(m x)$ above or below $\tanh(x)$, and why?

# %%
on_average = (1 - p) * np.tanh(1.5 / (1 - p))
measured = np.tanh(dropout_mask((100_000,), p, rng=rng) * 1.5).mean()
print(f"mean over masks {on_average:.3f} (measured {measured:.3f})")
print(f"in evaluation   {np.tanh(1.5):.3f}")

# %% tags=["guard"]
assert abs(measured - on_average) < 0.01
assert on_average < np.tanh(1.5) - 0.15

# %% [markdown]
# Below: $\tanh$ flattens, so the larger outcome gains less than the zero loses. The evaluation mode is therefore an
# *approximation* of the mean over all thinned networks, exact for a linear layer alone. Chapter 4 keeps the masks on in
# evaluation and takes the mean itself.

# %% [markdown]
# ### Which share is p?
#
# [Srivastava et al. (2014)](https://jmlr.org/papers/v15/srivastava14a.html) let $p$ be the probability to **keep**, and
# TensorFlow 1 called it `keep_prob`. The article's $p$ is the probability to drop, and so it is in PyTorch, Keras and this
# course. Do not trust the name; count the zeros.

# %%
ones = np.ones((1000, 100), np.float32)
dropped = {"torch.nn.Dropout(0.2)": torch.nn.Dropout(0.2)(torch.from_numpy(ones)).numpy()}
dropped["labcode, p = 0.2"] = dropout(ones, dropout_mask(ones.shape, 0.2, rng=rng))
for name, values in dropped.items():
    print(
        f"{name:<22} zeros: {(values == 0).mean():.0%}, values {np.unique(values).round(3)}"
    )

# %% tags=["guard"]
assert all(0.19 < (values == 0).mean() < 0.21 for values in dropped.values())

# %% [markdown]
# Both drop a fifth, and scale the rest by 1.25. When you read "dropout 0.8" in a paper of 2014, look which one it is:
# dropping four fifths is a different experiment. And where $p = 0.5$, nobody notices the mistake.

# %% [markdown] tags=["day"]
# ### In a sequence: new at each step, or locked
#
# A sequence raises a question that the article leaves open: is the mask drawn for every step, or once for the sequence?
#
# $$ \text{new: } y_t = m_t \odot x_t, \qquad \text{locked: } y_t = m \odot x_t. $$
#
# The second is *locked dropout* (or *variational dropout*), of [Gal and Ghahramani (2016)](https://arxiv.org/abs/1512.05287). Here
# are both for one sequence of 14 steps and 20 units; a blank square is dropped.

# %%
steps, units = 14, 20
per_step = dropout_mask((steps, units), p, rng=rng)
locked = np.tile(dropout_mask((1, units), p, rng=rng), (steps, 1))
_ = plots.mask_panels({"new at each step": per_step, "locked for the sequence": locked})
print(f"silent in all {steps} steps, new: {p**steps:.0e} of the units, locked: {p}")

# %% tags=["guard"]
assert not (per_step == 0).all(axis=0).any()
assert ((locked == 0).all(axis=0) == (locked == 0).any(axis=0)).all()

# %% [markdown]
# Left: what is hidden today is seen tomorrow, so whatever changes slowly is hardly hidden at all. Right: a blank unit is
# gone for the sequence. In code the locked form is one axis of length 1, in the place of the time: masks (B, F), sequences
# (B, T, F).

# %%
from labcode.dropout import locked_dropout, locked_dropout_torch

sequences, mask = rng.normal(size=(3, steps, units)), dropout_mask((3, units), p, rng=rng)
by_hand = mask[:, None, :] * sequences
by_torch = locked_dropout_torch(torch.tensor(sequences), torch.tensor(mask))
np.testing.assert_array_equal(locked_dropout(sequences, mask), by_hand)
np.testing.assert_array_equal(by_torch.numpy(), by_hand)

# %% [markdown]
# How much noise is that for the LSTM behind it? It can add up over time. Suppose that a unit says 1 at every one of the 14
# steps, and the LSTM takes the mean over them. In both forms that mean is 1 on average.
#
# **Question.** How much further does it spread around 1 if the mask is locked?

# %%
from labcode.check import guess

wider = guess(
    "Mean over 14 steps: how many times wider does it spread, locked?", unit="times"
)

# %%
noise = {}
for name, drawn in (("new at each step", steps), ("locked", 1)):
    noise[name] = dropout_mask((20_000, drawn), p, rng=rng).mean(axis=1).std()
    predicted = np.sqrt(p / (1 - p) / drawn)
    print(f"{name:<17} spread {noise[name]:.3f}, predicted {predicted:.3f}")
    np.testing.assert_allclose(noise[name], predicted, rtol=0.03)
wider.met(round(float(noise["locked"] / noise["new at each step"]), 1), within=0.5)

# %% [markdown]
# A single mask has the variance $p/(1-p)$. New masks are averaged away as $1/T$, a locked one is not: the ratio is the root
# of 14. At the same $p$ the locked form makes more noise, and the longer the sequence the more so. Do not compare the two at
# equal $p$ and call one of them better.
#
# **Try it yourself.** Set `steps` to 100 in the cell of the masks, run from there to here, and say beforehand what becomes
# of the two spreads.

# %% [markdown]
# For text there is one more axis to lock along. The input is then a row of an *embedding* for each word, a row of learned
# numbers. A mask with one entry for each **word of the vocabulary** drops a word wherever it occurs: *embedding dropout*. Here words 2 and 0 are
# dropped from the sentence 2 1 2 3 0.

# %%
from labcode.dropout import embedding_dropout, embedding_dropout_torch

embedding, sentence = rng.normal(size=(4, 3)), np.array([[2, 1, 2, 3, 0]])
row_mask = np.array([0.0, 2.0, 0.0, 2.0])
by_hand = (row_mask[:, None] * embedding)[sentence]
inputs = (torch.tensor(array) for array in (embedding, sentence, row_mask))
np.testing.assert_array_equal(embedding_dropout(embedding, sentence, row_mask), by_hand)
np.testing.assert_array_equal(embedding_dropout_torch(*inputs).numpy(), by_hand)
print("silent positions:", (by_hand == 0).all(axis=2).astype(int))

# %% [markdown]
# Both places of word 2 are silent, and that of word 0. With ordinary dropout on the embedded words a repeated word would
# nearly always get through somewhere.

# %% [markdown]
# ### Between the layers
#
# Stacked LSTM layers have a place where ordinary dropout does no harm: on the way **up**, from the outputs of one layer to
# the inputs of the next ([Zaremba et al. 2014](https://arxiv.org/abs/1409.2329)),
#
# $$ z^{(2)}_t = W^{(2)} (m_t \odot h^{(1)}_t) + U^{(2)} h^{(2)}_{t-1} + b^{(2)}. $$
#
# Nothing that moves through time is touched, which is why the authors call it *non-recurrent*. It is the `dropout` of
# `torch.nn.LSTM`, and with one layer it does nothing. Below, a stack of two layers gets the same mask in NumPy and in PyTorch;
# `x_l1` is the input of layer 1, the second one (layers count from 0).

# %%
from labcode.lstm import RegularizedLSTM, lstm_forward
from labcode.recurrent_dropout import non_recurrent_dropout, non_recurrent_dropout_torch
from labcode.training import seeded

m_up = dropout_mask((3, steps, 5), p, rng=rng)  # what the first layer puts out is 5 wide
lower = rng.normal(size=m_up.shape)
by_torch = non_recurrent_dropout_torch(torch.tensor(lower), torch.tensor(m_up))
np.testing.assert_array_equal(non_recurrent_dropout(lower, m_up), m_up * lower)
np.testing.assert_array_equal(by_torch.numpy(), m_up * lower)
with seeded(0):
    stacked = RegularizedLSTM(units, 5, num_layers=2, batch_first=True).double()
weights = {name: w.detach().numpy() for name, w in stacked.named_parameters()}
by_numpy, _, _ = lstm_forward(sequences, weights, masks={"x_l1": m_up})
by_torch, _ = stacked(torch.tensor(sequences), masks={"x_l1": torch.tensor(m_up)})
np.testing.assert_allclose(by_torch.detach().numpy(), by_numpy, atol=1e-12)

# %% [markdown]
# Is that what `torch.nn.LSTM(dropout=)` does, too? A rate of 1 tells without any statistics: everything on the way up is
# dropped, so in training the top layer cannot know the input.

# %%
depends = {}
for mode in ("training", "evaluation"):
    with seeded(0), torch.no_grad():
        lstm = torch.nn.LSTM(units, 5, num_layers=2, dropout=1.0, batch_first=True).double()
        lstm.train(mode == "training")
        first, second = (lstm(torch.tensor(k * sequences))[0] for k in (1, -3))
    depends[mode] = not torch.equal(first, second)
    print(f"{mode:<11} the output depends on the input: {depends[mode]}")

# %% tags=["guard"]
assert depends == {"training": False, "evaluation": True}

# %% [markdown]
# So the mask stands on the way up, and `eval()` takes it away.

# %% [markdown] tags=["half"]
# ### What it does to a forecast
#
# Now the weather of chapter 1. The mask is on what the linear head reads, the LSTM's last $h$ (`output_dropout`). Four rates,
# two seeds, 30 epochs with a large learning rate, so that every run gets far enough to overfit. Losses are measured in
# evaluation mode; with the masks on it would be the loss of thinned networks, and the rates could not be compared. This is a
# demonstration on the validation year, not a comparison of methods.

# %%
from labcode.data import load_weather, persistence_loss
from labcode.experiments import train_once
from labcode.training import evaluate

weather = load_weather()
persistence = persistence_loss(weather.validation)
unit = f"mean squared error [({weather.target_std:.2f} °C)²]"

# %% [markdown]
# The function trains once a seed; the same seed starts from the same weights and batches.

# %%
settings = {
    "hidden": 32,
    "epochs": 30,
    "learning_rate": 1.5e-2,
    "batch_size": 128,
    "measure_train": False,
    "progress": False,
}


def losses(seeds=(0, 1), **model_options):
    """Return the last model; by seed, its training, last and lowest validation losses."""
    runs = [
        train_once(weather, seed=s, model_options=model_options, **settings) for s in seeds
    ]
    train = [evaluate(model, weather.train)["loss"] for model, _ in runs]
    found = [(r.validation_loss[-1], min(r.validation_loss)) for _, r in runs]
    return runs[-1][0], np.array(train), *np.transpose(found)


# %% [markdown]
# **Question.** Which will depend more on the rate: the validation loss after the last epoch, or the lowest one on the way?

# %%
by_rate = {f"p = {rate:g}": losses(output_dropout=rate) for rate in (0.0, 0.25, 0.5, 0.75)}
panels = {
    "after the last epoch": {name: last for name, (_, _, last, _) in by_rate.items()},
    "lowest on the way": {name: lowest for name, (*_, lowest) in by_rate.items()},
}
_ = plots.losses_by_method(panels, unit=f"validation {unit}", baseline=persistence)
training = [round(float(loss.mean()), 2) for _, loss, _, _ in by_rate.values()]
print("mean training loss at the end:", training)

# %% tags=["guard"]
at_end, lowest = (np.array(list(panel.values())) for panel in panels.values())
assert training == sorted(training)
assert at_end[1:].max() < at_end[0].min()
assert at_end[0].min() > persistence
assert np.ptp(lowest.mean(axis=1)) < 0.3 * np.ptp(at_end.mean(axis=1))

# %% [markdown]
# The last loss. Without dropout the model ends above persistence; with it the end is nearer to the best moment. The training
# loss rises with the rate: a day can no longer be stored in a few units, and that is the price. The *lowest* validation loss
# hardly moves. On these data dropout makes the damage of long training smaller; it does not make the forecast much better.
#
# Dropout that is left on by mistake is expensive in another way. Here is the model with $p = 0.5$, measured in both modes.

# %%
model = by_rate["p = 0.5"][0]
off = evaluate(model, weather.validation)["loss"]
x_val, y_val = (torch.tensor(array) for array in weather.validation)
with seeded(0), torch.no_grad():
    on = [(model.train()(x_val) - y_val).square().mean().item() for _ in range(20)]
print(f"validation loss with dropout off {off:.2f}")
print(f"with dropout on {np.mean(on):.2f}, from {min(on):.2f} to {max(on):.2f}")

# %% tags=["guard"]
assert np.mean(on) > off + 0.02

# %% [markdown]
# Worse on average, and different at every call. `model.eval()` before measuring is one line; its absence is a common bug.

# %% [markdown] tags=["day"]
# ## 3.4 Recurrent dropout
#
# Here the course goes on where the article stops. Its section 2.2 recommends dropout "at every time step" of an LSTM and
# does not say on what. One step, with every place that a mask can have:
#
# $$
# \begin{aligned}
# z  &= W(m_x \odot x_t) + (m_U \odot U)(m_h \odot h_{t-1}) + b, \\
# c' &= m_c \odot (f \odot c_{t-1} + i \odot (m_g \odot g)), \\
# h' &= o \odot \tanh(c'),
# \end{aligned}
# $$
#
# where $z$ stands for what goes into the gates. Behind it comes zoneout, $c_t = z_c \odot c_{t-1} + (1 - z_c) \odot c'$, and
# the same for $h$.
#
# **Question.** The upper line of the figure is the memory. Which masks stand on it, and which beside it?

# %%
_ = plots.lstm_cell({"h", "weight_hh", "g", "c", "zoneout_h", "zoneout_c"})

# %% [markdown]
# And the same cell unrolled over eight steps, with four units each. **Try this:**
#
# 1. Compare "on h, locked" with "on h, new". In which does a unit stay away for the whole sequence?
# 2. Follow one unit of $c$ under "on c, new". How many steps does its value survive?
# 3. Choose zoneout. What happens to the value of a unit that is hit?

# %%
from labcode.widgets import UnrolledCell

UnrolledCell().widget()

# %% [markdown] tags=["day"]
# Only $m_c$ and $z_c$ stand on the upper line. Remember that: it decides what is left of a memory. Now one after the other,
# each as an equation, in NumPy, in PyTorch, and with a check that they agree. A batch of 4 and 5 units will do.
#
# ### On h
#
# [Gal and Ghahramani (2016)](https://arxiv.org/abs/1512.05287): the gates read a state with holes, the same holes at every
# step. With one mask for all gates it is *tied*, with one for each gate *untied*:
#
# $$ \text{tied: } U (m_h \odot h), \qquad \text{untied: } U_k (m_k \odot h) \text{ for } k \in \{i, f, g, o\}. $$

# %%
from labcode.recurrent_dropout import variational_dropout, variational_dropout_torch

h, u, tied = (
    rng.normal(size=(4, 5)),
    rng.normal(size=(20, 5)),
    dropout_mask((4, 5), p, rng=rng),
)
by_hand = (tied * h) @ u.T
by_torch = variational_dropout_torch(*(torch.tensor(array) for array in (h, u, tied)))
np.testing.assert_allclose(variational_dropout(h, u, tied), by_hand, rtol=0, atol=1e-12)
np.testing.assert_allclose(by_torch.numpy(), by_hand, rtol=0, atol=1e-12)

# %% [markdown]
# That was the tied form. In the untied one the mask has a leading axis of 4, and the rows of $U$ come in four blocks.

# %%
untied = dropout_mask((4, 4, 5), p, rng=rng)
by_hand = [(m_k * h) @ u_k.T for m_k, u_k in zip(untied, np.split(u, 4), strict=True)]
by_torch = variational_dropout_torch(*(torch.tensor(array) for array in (h, u, untied)))
by_numpy = variational_dropout(h, u, untied)
np.testing.assert_allclose(by_numpy, np.hstack(by_hand), rtol=0, atol=1e-12)
np.testing.assert_allclose(by_torch.numpy(), np.hstack(by_hand), rtol=0, atol=1e-12)
lost = {"one gate": (untied[0] == 0).mean(), "all four": (untied == 0).all(axis=0).mean()}
print(
    "share of the state hidden from", {name: f"{share:.0%}" for name, share in lost.items()}
)

# %% [markdown] tags=["day"]
# Each gate loses sight of other units, and a unit is seldom hidden from all four. Keras's `recurrent_dropout` is this untied
# form; `torch.nn.LSTM` has neither.
#
# ### On g and on c
#
# [Semeniuta et al. (2016)](https://arxiv.org/abs/1603.05118) drop what would be *written*. What was written before is safe,
# so the mask may be new at each step. RnnDrop ([Moon et al. 2015](https://doi.org/10.1109/ASRU.2015.7404775)) drops the
# cell, memory included, with a mask that is locked for the sequence:
#
# $$ \text{on } g: \; c' = f \odot c + i \odot (m_g \odot g), \qquad \text{on } c: \; c' = m_c \odot (f \odot c + i \odot g). $$

# %%
from labcode.recurrent_dropout import candidate_dropout, candidate_dropout_torch

c, g = rng.normal(size=(4, 5)), np.tanh(rng.normal(size=(4, 5)))
f, i, mask = rng.random((4, 5)), rng.random((4, 5)), dropout_mask((4, 5), 0.5, rng=rng)
on_g = f * c + i * (mask * g)
as_tensors = [torch.tensor(array) for array in (c, f, i, g, mask)]
np.testing.assert_allclose(candidate_dropout(c, f, i, g, mask), on_g, rtol=0, atol=1e-12)
by_torch = candidate_dropout_torch(*as_tensors)
np.testing.assert_allclose(by_torch.numpy(), on_g, rtol=0, atol=1e-12)

# %%
from labcode.recurrent_dropout import cell_dropout, cell_dropout_torch

on_c = mask * (f * c + i * g)
np.testing.assert_allclose(cell_dropout(c, f, i, g, mask), on_c, rtol=0, atol=1e-12)
np.testing.assert_allclose(
    cell_dropout_torch(*as_tensors).numpy(), on_c, rtol=0, atol=1e-12
)

# %% [markdown]
# Look at the dropped cells alone: what is left in them, under each of the two masks?

# %%
silent = mask == 0
print("f c:      ", (f * c)[silent].round(3))
print("mask on g:", on_g[silent].round(3))
print("mask on c:", (on_c[silent] + 0.0).round(3))

# %% tags=["guard"]
np.testing.assert_array_equal(on_g[silent], (f * c)[silent])
assert (on_c[silent] == 0).all()

# %% [markdown]
# On $g$ the old value stays, times the forget gate. On $c$ it is erased.
#
# ### Weight drop
#
# [Merity et al. (2018)](https://arxiv.org/abs/1708.02182) drop single entries of $U$, once for a forward pass, for the whole
# batch:
#
# $$ z = W x + (m_U \odot U)\, h + b. $$

# %%
from labcode.recurrent_dropout import weight_drop, weight_drop_torch

m_u = dropout_mask(u.shape, p, rng=rng)
np.testing.assert_array_equal(weight_drop(u, m_u), m_u * u)
by_torch = weight_drop_torch(torch.tensor(u), torch.tensor(m_u))
np.testing.assert_array_equal(by_torch.numpy(), m_u * u)
print(f"{(m_u == 0).sum()} of {m_u.size} weights of U are missing in this pass")

# %% [markdown]
# A coin on $h$ silences a whole column of $U$, 4H weights at once; here each weight has a coin of its own. And one draw serves
# the pass: no random numbers inside the loop over time, which is a reason for its speed.
#
# ### Zoneout
#
# [Krueger et al. (2017)](https://arxiv.org/abs/1606.01305) let some units skip the step. Nothing is set to 0, so nothing is
# scaled; in evaluation the coin is replaced by its rate.
#
# $$ h_t = z_h \odot h_{t-1} + (1 - z_h) \odot h' \qquad \text{(and the same for } c\text{)} $$

# %%
from labcode.recurrent_dropout import zoneout, zoneout_torch

h_new, z_h = rng.normal(size=h.shape), (rng.random(h.shape) < p).astype(float)
by_hand = np.where(z_h == 1, h, h_new)
by_torch = zoneout_torch(*(torch.tensor(array) for array in (h, h_new, z_h)))
np.testing.assert_allclose(zoneout(h, h_new, z_h), by_hand, rtol=0, atol=1e-12)
np.testing.assert_allclose(by_torch.numpy(), by_hand, rtol=0, atol=1e-12)
np.testing.assert_array_equal(zoneout(h, h_new, np.ones(h.shape)), h)

# %% [markdown]
# With a rate of 1 the state never changes (the last line). It is the opposite of dropout, in a sense: dropout makes a unit
# forget, zoneout makes it unable to. All of them are options of the course's LSTM:
#
# | method | option | mask drawn |
# |---|---|---|
# | Gal and Ghahramani | `recurrent_dropout=p`, `on="h"`, `tied=` | for each sequence, locked |
# | Semeniuta et al. | `recurrent_dropout=p`, `on="g"`, `per_step=True` | for each sequence and step |
# | Moon et al. | `recurrent_dropout=p`, `on="c"` | for each sequence, locked |
# | Merity et al. | `weight_drop=p` | for the pass, for all sequences |
# | Krueger et al. | `zoneout_h=`, `zoneout_c=` | for each sequence and step |
# | Zaremba et al. | `dropout=p` with two layers or more | for each sequence and step, not recurrent |

# %% [markdown] tags=["day"]
# ### What is left of a memory
#
# An LSTM is there to remember. So here is the plainest job that it can have: a cell holds 1, nothing new is written ($i =
# 0$), and the forget gate is 0.95 at each step. Without dropout, $0.95^{20} = 0.36$ is left after 20 steps. We run it for
# 4,000 cells with $p = 0.25$, and put a mask in one place at a time.
#
# **Question.** The mask on $c$ is new at each step. How many of 100 cells still hold anything after 20 steps?

# %%
alive = guess(
    "Mask on c, new at each step: how many cells survive 20 steps?", unit="of 100 cells"
)

# %% [markdown]
# Four places are tried: beside the memory's path, on it (locked, or new at each step), and zoneout.

# %%
from labcode.lstm import lstm_step
from labcode.widgets.memory import PLACES, memory_forms

print(PLACES)

# %% [markdown]
# The function runs the course's `lstm_step`; the gates are set by hand, through $z$, and $U$ is 0.


# %%
def remember(place, p, steps=20, forget=0.95, cells=4000):
    """Return what the cells hold after each step, (steps + 1, cells)."""
    beside, locked, new, zoned = PLACES
    gates = np.tile(
        [-40.0, np.log(forget / (1 - forget)), 0.0, 40.0], (cells, 1)
    )  # i, f, g, o
    h, c, u = np.zeros((cells, 1)), np.ones((cells, 1)), np.zeros((4, 1))
    once, held = dropout_mask((cells, 1), p, rng=rng), [c]
    for _ in range(steps):
        each = dropout_mask((cells, 1), p, rng=rng)
        masks = {
            beside: {"m_h": each, "m_g": each},
            locked: {"m_c": once},
            new: {"m_c": each},
        }
        h, c_new, _ = lstm_step(gates, h, c, u, **masks.get(place, {}))
        c = zoneout(c, c_new, (each == 0).astype(float)) if place == zoned else c_new
        held.append(c)
    return np.array(held)[:, :, 0]


# %% [markdown]
# Each case also has a closed form. Beside the path nothing happens: $f^t$. On the path a cell that is alive was multiplied
# by $f/(1-p)$ at **every** step; it is alive with probability $(1-p)^t$ if the mask is new each time, and with $1-p$ if it is
# locked. Under zoneout each step keeps the value with probability $p$.

# %%
forms, measured = memory_forms(p, steps=20, forget=0.95), {}
for place, (_, size) in forms.items():
    held = remember(place, p)
    living = held > 0
    measured[place] = living.mean(axis=1), held.sum(axis=1) / living.sum(axis=1)
    rtol = 0.01 if "zoneout" in place else 1e-9
    np.testing.assert_allclose(measured[place][1], size, rtol=rtol)
    print(f"{place:<36} {living[-1].mean():6.1%} hold {measured[place][1][-1]:8.3f}")
alive.met(round(float(100 * measured[PLACES[2]][0][-1]), 1), within=1)

# %% tags=["guard"]
for place, (share, _) in forms.items():
    spread = np.sqrt(share * (1 - share) / 4000)
    assert (np.abs(measured[place][0] - share) <= 4.5 * spread + 1e-3).all()
by_place = dict(zip(("beside", "locked", "new", "zoneout"), forms.values(), strict=True))
assert by_place["new"][0][-1] < 0.01 < 100 < by_place["new"][1][-1]
mean_of_new = by_place["new"][0] * by_place["new"][1]
np.testing.assert_allclose(mean_of_new, 0.95 ** np.arange(21), rtol=1e-9)

# %% [markdown]
# Share times size is the mean over all cells. With a new mask on $c$ it is right, to the last digit, and there is no cell in
# which it is right: more than 99 % hold nothing, and the few that are left hold more than a hundred times what was stored.
# A correct mean is no help to a network that has to read one sequence.

# %% [markdown]
# Locked, three quarters survive. But the factor $1/(1-p)$, meant to be applied once, is applied at every step, so that a kept
# cell **grows** instead of fading ($0.95/0.75 > 1$). Then the mean is not right either. (The growth is that of the inverted
# factor, which this course uses throughout, and no part of Moon et al.'s proposal.)
#
# Masks on $h$, $g$ and $U$ stand beside the path. They are not harmless: where $U$ is not 0, the forget gate is computed from
# a state with holes. But they disturb a decision, not the store. Zoneout leaves a little more than the plain cell does.

# %%
_ = plots.memory_left(forms, measured)

# %% [markdown]
# The slider shows the closed forms for other rates. Look for the $p$ at which one cell in a hundred is left under the new
# mask on $c$, and read off how large it has become.

# %%
from labcode.widgets import MemoryExplorer

MemoryExplorer(value=0.5).widget()

# %% tags=["guard"]
share, size = memory_forms(0.2, steps=20, forget=0.95)[PLACES[2]]
assert 0.01 < share[-1] < 0.02
assert 25 < size[-1] < 40

# %% [markdown]
# It is at about 0.2, and the survivors hold about thirty times what was stored.

# %% [markdown]
# ### A network that has to remember
#
# The cell above had its gates set by hand. A network that learns might find a way around. So here is a task that is nothing
# but memory: the first of 10 steps brings a number between −1 and 1, the other nine bring zeros; at the end, say the number.
# Whoever always says 0 has a loss of about 1/3.

# %%
first = rng.uniform(-1, 1, size=(768, 1)).astype(np.float32)
x_memory = np.zeros((768, 10, 1), np.float32)
x_memory[:, 0] = first
x_unseen, y_unseen = torch.tensor(x_memory[512:]), torch.tensor(first[512:])
always_the_mean = float(y_unseen.var())
print(f"always the mean: {always_the_mean:.3f}")

# %% [markdown]
# Training is the loop of chapter 1, on the first 512 sequences. The bias of the forget gate starts at 1, so that the gate
# starts open, at σ(1) = 0.73, and the gradient finds something of the number left after ten steps.

# %%
from labcode.lstm import SequenceModel
from labcode.training import fit


def train_memory(seed=0, **model_options):
    """Train a model on the memory task."""
    with seeded(seed):
        model = SequenceModel(1, 16, 1, **model_options)
        model.lstm.bias_hh_l0.data[16:32] = 1.0  # a forget gate that starts open
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        order = torch.Generator().manual_seed(seed)
        loop = {"optimizer": optimizer, "epochs": 20, "generator": order, "progress": False}
        fit(model, (x_memory[:512], first[:512]), **loop, measure_train=False)
    return model


# %% [markdown]
# Section 3.3 said that evaluation is an approximation. So we measure twice: with the masks still on (the mean of 20 draws,
# since a single one says as much about the draw as about the model), which tells what the masks leave of the memory; and with
# the masks off, which is what one would use.


# %%
def memory_losses(model):
    """Return the loss with the masks on, the mean of 20 draws, and with the masks off."""
    off = evaluate(model, (x_unseen, y_unseen))["loss"]
    with seeded(1), torch.no_grad():
        on = [
            (model.train()(x_unseen) - y_unseen).square().mean().item() for _ in range(20)
        ]
    return float(np.mean(on)), off


# %%
kinds = {
    "no dropout": {},
    "on h, locked": {"recurrent_dropout": p},
    "on g, new": {"recurrent_dropout": p, "on": "g", "per_step": True},
    "weight drop": {"weight_drop": p},
    "zoneout on c": {"zoneout_c": p},
    "on c, new": {"recurrent_dropout": p, "on": "c", "per_step": True},
    "on c, locked": {"recurrent_dropout": p, "on": "c"},
}

# %% [markdown]
# **Question.** Seven kinds, one run each. Which will have the highest loss with the masks on? And which with the masks
# off?

# %%
trained = {name: train_memory(**options) for name, options in kinds.items()}
left = {name: memory_losses(model) for name, model in trained.items()}
columns = ("masks on", "masks off (evaluation)")
panels = {
    title: {name: [pair[k]] for name, pair in left.items()}
    for k, title in enumerate(columns)
}
_ = plots.losses_by_method(
    panels, baseline=always_the_mean, baseline_label="always the mean"
)
for name, (on, off) in left.items():
    print(f"{name:<13} masks on {on:.4f}, masks off {off:.4f}")

# %% tags=["guard"]
for name, (_, off) in left.items():
    assert (off > 0.03) == name.startswith("on c")
assert max(left, key=lambda name: left[name][0]) == "on c, new"
assert 0.015 < left["on c, new"][0] < 0.1
assert max(left, key=lambda name: left[name][1]) == "on c, locked"
assert left["on c, locked"][0] < 0.015

# %% [markdown]
# Whatever stands beside the memory's path, and zoneout, can be learned with. The two masks on $c$ do worst, for different
# reasons. New at each step, the loss is the highest of all *with the masks on*: cell after cell is erased. The network has
# found a part of a way around, though. After ten masks all 16 cells have been erased in $(1 - 0.75^{10})^{16}$, or 40 %, of
# the sequences, and the loss would be above 0.1 if it did not write the number again, from $h$.
#
# Locked, it remembers well with the masks on, and knows nothing with the masks off.

# %% [markdown]
# Our suspicion is the factor: the network has learned to live with the growth of $1/(1-p)$ at each step, and in evaluation
# there is none. That can be tested without training again: evaluate with a mask that has the factor everywhere, and no
# holes.

# %%
growing = {"c_l0": torch.full((1, 16), 1 / (1 - p))}
with torch.no_grad():
    answer = trained["on c, locked"].eval()(x_unseen, masks=growing)
put_back = (answer - y_unseen).square().mean().item()
print(f"masks off                              {left['on c, locked'][1]:.4f}")
print(f"no holes, but the factor at each step  {put_back:.4f}")

# %% tags=["guard"]
assert put_back < 0.05

# %% [markdown]
# With the factor put back, the memory is there again. So the factor that keeps the mean is right for a mask that is used
# once, and wrong for one that is used ten times in a row. Before you put a mask on what is multiplied step after step, ask
# whether evaluation still computes what training did.
#
# **Try it yourself.** One seed was shown. Train two kinds of your choice with `train_memory(seed=1, ...)` and measure them
# with `memory_losses`. Does the order hold? Then try $p = 0.1$ on $c$, locked: is the factor still a problem?

# %% [markdown]
# ### One mask for the batch, and the fast kernel
#
# `torch.nn.LSTM` runs in a *fused kernel*, one piece of compiled code for all steps. It knows no masks, so a mask for each
# sequence takes a way around it. If the whole batch shares one mask on $h$, there is no need to leave:
#
# $$ U (m \odot h) = (U \,\operatorname{diag} m)\, h. $$
#
# A mask on what is multiplied is a mask on the **columns** of the matrix. Mask $U$ once, and the plain LSTM does the rest. It
# holds for a mask that is constant over time and the same for all sequences; it is no approximation.

# %%
with seeded(0):
    lstm = RegularizedLSTM(6, 64, batch_first=True)
batch = torch.tensor(weather.train.x[:32])
m = torch.tensor(dropout_mask((1, 64), p, rng=rng)).float()
by_sample, _ = lstm(
    batch, masks={"h_l0": m.expand(32, 64)}
)  # 32 masks, which are equal here
plain = torch.nn.LSTM(6, 64, batch_first=True)
plain.load_state_dict({**lstm.state_dict(), "weight_hh_l0": lstm.weight_hh_l0.detach() * m})
outputs = {"nn.LSTM, U diag m": plain(batch)[0]}
outputs["shared mask"] = lstm(batch, masks={"h_l0": m})[0]
for name, output in outputs.items():
    torch.testing.assert_close(output, by_sample, rtol=0, atol=1e-6)
    print(f"{name:<18} the same to 1e-6")

# %% [markdown]
# The same numbers, to the rounding of float32. There is no such $U$ when the mask differs between steps or sequences, stands
# on $g$ or $c$, or is zoneout. Weight drop masks $U$ to begin with.
#
# What does it save? We time three LSTMs of one size, for 50 steps of 32 sequences, forward and backward; drawing the mask is
# part of the price, since every batch needs a new one. The three take turns, and of each the fastest run counts, because
# whatever else the machine does can only make a run slower.

# %%
import time


def seconds(module, x):
    """Time one forward and backward pass in training mode, drawing the mask included."""
    start = time.perf_counter()
    module(x)[0].sum().backward()
    return time.perf_counter() - start


# %%
with seeded(0):
    x_long, rate = torch.randn(32, 50, 16), {"recurrent_dropout": p}
    ways = {
        "torch.nn.LSTM": torch.nn.LSTM(16, 32, batch_first=True),
        "one mask for the batch": RegularizedLSTM(
            16, 32, share_mask="batch", batch_first=True, **rate
        ),
        "a mask for each sequence": RegularizedLSTM(
            16, 32, share_mask="sample", batch_first=True, **rate
        ),
    }

# %%
times = {name: [] for name in ways}
for _ in range(30):
    for name, module in ways.items():
        times[name].append(seconds(module, x_long))
_ = plots.relative_times(times, reference="torch.nn.LSTM")

# %% tags=["guard"]
assert min(times["one mask for the batch"]) < min(times["a mask for each sequence"])

# %% [markdown]
# Your bars will differ from ours, and from run to run. The order is what counts: the shared mask costs little more than the
# plain LSTM, a mask for each sequence clearly more. `share_mask="batch"` is the option that asks for it. The price: a batch
# sees one thinned network where it could see 32, so its gradient is noisier.

# %% [markdown]
# ### On the weather
#
# At last each kind on the forecast, all at the rate 0.25, otherwise as in section 3.3. Note what this cannot show: the rates
# are not tuned, one rate is not one *strength* (a locked mask makes more noise, remember), and two seeds are two seeds.
#
# **Question.** The windows have 14 days. Will the locked mask on $c$ be the worst here, too?

# %%
kinds["zoneout on h, c"] = {"zoneout_h": 0.1, "zoneout_c": p}
names = ("on h, locked", "on g, new", "on c, locked", "weight drop", "zoneout on h, c")
by_kind = {"no dropout": by_rate["p = 0"][1:]}
by_kind |= {name: losses(**kinds[name])[1:] for name in names}
columns = ("validation loss, last epoch", "validation loss, lowest")
panels = {
    title: {name: found[k] for name, found in by_kind.items()}
    for k, title in enumerate(columns, start=1)
}
_ = plots.losses_by_method(panels, unit=unit, baseline=persistence)
for name, (train, *_) in by_kind.items():
    print(f"{name:<16} mean training loss {train.mean():.2f}")

# %% tags=["guard"]
train, at_end, lowest = np.array(list(by_kind.values())).transpose(1, 0, 2)
assert (at_end[1:] < at_end[0]).all()
assert (train[1:] > train[0]).all()
assert np.ptp(lowest.mean(axis=1)) < 0.08
assert train.mean(axis=1).argmax() == list(by_kind).index("on c, locked")
assert at_end.mean(axis=1)[3] < at_end.mean(axis=1).min() + 0.08

# %% [markdown]
# No. All kinds hold back the memorizing: each ends below the run without dropout. The lowest losses on the way lie so near to
# each other that two seeds cannot rank them, and we do not.
#
# The locked mask on $c$, which failed in the memory task, has the highest training loss here and ends with the lowest
# validation loss, or nearly so. At this rate it is simply the strongest brake. That it can be used at all fits a forecast
# that lives on the last days and needs no number kept unchanged for two weeks; we have not shown that this is the reason. A
# method is not good or bad by itself: ask what the task has to remember.

# %% [markdown]
# ## What to remember
#
# - Dropout: coins in training, a factor somewhere. The article puts $1-p$ into evaluation, libraries put $1/(1-p)$ into
#   training; the same up to a constant, right on average, exact for linear layers only.
# - $p$ is the share that is *dropped*, unless a paper or an old library says otherwise. Count zeros if in doubt. `eval()`
#   before measuring.
# - A new mask at each step can be averaged away over time; a locked one cannot, so it makes more noise at the same $p$.
# - "Recurrent dropout" is several methods. On $h$, $g$ or $U$ it stands beside the memory's path; on $c$ it erases memory, and
#   the factor $1/(1-p)$ makes what is kept grow, in training only; zoneout keeps it longer. `nn.LSTM(dropout=)` is none of them.
# - A mask on $h$ that the batch shares and that is constant over time is a mask on the columns of $U$: full speed, same
#   numbers.

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1.** You train with the inverted form and also multiply by $1-p$ in evaluation. What is wrong?
#
# - [ ] Nothing: training and evaluation now treat the units alike.
#   > The mask of the inverted form has mean 1 already, so evaluation must leave the activations alone.
# - [x] You pay twice: in evaluation all activations are too small by the factor 1 − p.
#   > The factor stands in training already. The error multiplies with every layer that has dropout.
# - [ ] The activations are too large in evaluation.
#   > They are multiplied by a number below 1.
#
# **2.** A unit carries the season, which changes little over 14 days. Dropout of 0.5 on the input, new at each step: can the LSTM
# still know the season?
#
# - [ ] In every second sequence.
#   > That is the locked mask. A new one has to hide it fourteen times in a row.
# - [ ] No: half of the information is gone.
#   > Half of the days show it, and one of them is enough.
# - [x] Nearly always.
#   > It is hidden on all 14 days with probability $0.5^{14}$, about 1 in 16,000.
#
# **3.** A new mask on $c$ at each step, inverted, $p = 0.1$. The mean of the memory is right after 50 steps. Is it of use?
#
# - [x] No: about 1 cell in 200 is alive, and holds nearly 200 times too much.
#   > $0.9^{50}$ is about 0.5 %, and the survivors were multiplied by $1/0.9^{50}$. The mean over cells is right, and no cell
#   > is.
# - [ ] Yes: a right mean is what dropout promises.
#   > It promises that for one use of the mask. A network reads one sequence, not the mean over all masks.
# - [ ] No: the mean fades with the forget gate.
#   > That it does without dropout, too.
#
# **4.** `torch.nn.LSTM(6, 64, num_layers=1, dropout=0.5)` overfits as before. Why?
#
# - [ ] 0.5 is too little.
#   > No rate would do anything here.
# - [x] Its dropout stands between layers, and there is only one.
#   > For dropout in the recurrence use `RegularizedLSTM(6, 64, recurrent_dropout=0.25)`; for the output, a dropout before the
#   > head.
# - [ ] The model is in evaluation mode while it trains.
#   > Then it would have no dropout either, but a new module starts in training mode.
#
# **5.** Somebody masks $U$ with one mask entry for each *row* and calls it recurrent dropout on $h$. Is it?
#
# - [ ] Yes: rows and columns are the same up to a transpose.
#   > $U$ is multiplied from the right by $h$, so what is read stands in the columns.
# - [ ] Yes, if the batch shares the mask.
#   > Sharing is needed, but it does not turn rows into columns.
# - [x] No: it drops what single gates get from the whole state.
#   > $(U \operatorname{diag} m)\,h$ masks the columns, one for each unit that is read; $(\operatorname{diag} m)\, U h$ is
#   > another method.

# %% [markdown]
# **Next:** [part 3](03_5-6_constraints_and_stopping.ipynb) leaves the noise and sets limits: constraints on the weights, and
# early stopping. The [exercise](../exercises/ex03_algorithms.ipynb) lets you write the steps of all three parts.
