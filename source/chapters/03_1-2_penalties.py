# %% [markdown] tags=["core"]
# # Chapter 3, part 1: Penalties
#
# *About 75 minutes: 35 of reading, 40 of thinking and trying; the cells run in less than one. Needs:
# [chapter 1](01_background.ipynb) for the equations and the training loop, and the gradient of a sum. This part mirrors the
# opening of section 3 of the article and its sections 3.1 and 3.2.*
#
# **After this chapter you can**
#
# - write L1 and L2 as objective, gradient and update, by hand for a whole LSTM, and get PyTorch's numbers;
# - get weights that are *exactly* zero from L1, and say why adding it to the loss does not give you any;
# - say when an L2 penalty and an optimizer's `weight_decay` are the same thing, and convert a λ between libraries;
# - choose which part of an LSTM is penalized, and read what that costs.

# %% [markdown] tags=["half"]
# ## 3. Algorithms, step by step
#
# The article states its methods as numbered steps. Chapter 3 carries these steps out, in three notebooks. This one adds a
# penalty to the loss (3.1 L1, 3.2 L2); [the second](03_3-4_dropout.ipynb) puts noise into the network (3.3 dropout, 3.4
# recurrent dropout); [the third](03_5-6_constraints_and_stopping.ipynb) limits weights and time (3.5 and 3.6). Sections 3.4
# to 3.6 go further than the article's steps; the methods are those of its section 2.
#
# For a penalty there are always three steps: **objective**, **gradient**, **update**. We take them with a real LSTM, on ten
# batches of the Seattle weather, a little less than half an epoch. All numbers are float64, so that an agreement to ten
# digits means something.

# %%
import torch

from labcode.data import load_weather, persistence_loss

weather = load_weather()
persistence = persistence_loss(weather.validation)
unit = f"mean squared error [({weather.target_std:.2f} °C)²]"
splits = [torch.tensor(array[:320]).double().split(32) for array in weather.train]
batches = list(zip(*splits, strict=True))
print(len(batches), "batches of", tuple(batches[0][0].shape))

# %%
from labcode.lstm import SequenceModel
from labcode.training import seeded

with seeded(0):
    model = SequenceModel(input_size=6, hidden_size=32, output_size=1).double()
for name, parameter in model.named_parameters():
    print(f"{name:<20} {tuple(parameter.shape)}")

# %% [markdown]
# In this course a penalty acts on the *input weights* $W$ (`weight_ih`) and the *recurrent weights* $U$ (`weight_hh`), each
# with a strength of its own. Biases shift a gate and multiply nothing, so they cannot make the function steep; they are
# left alone unless you name them. So is the linear head here.
#
# Now the data loss and its gradient in NumPy. `lstm_backward` is the chain rule, carried back step by step through the
# equations of chapter 1; only the head and the squared error are added. The loss sees the last $h$ alone, so the gradient
# enters there, and is zero for the outputs of all other steps.


# %%
def of_lstm(named):
    """Return what belongs to the LSTM, under its name there."""
    parts = {name: name.removeprefix("lstm.") for name in named if name.startswith("lstm.")}
    return {short: named[name] for name, short in parts.items()}


# %%
import numpy as np

from labcode.lstm import lstm_backward, lstm_forward


def data_loss(weights, x, y):
    """Return the mean squared error and its gradient for every array of weights."""
    output, (h, c), cache = lstm_forward(x, of_lstm(weights))
    error = h[-1] @ weights["head.weight"].T + weights["head.bias"] - y
    slope = 2 * error / error.size
    into_h = (slope @ weights["head.weight"])[None]
    _, _, grads = lstm_backward(np.zeros_like(output), (into_h, np.zeros_like(c)), cache)
    grads = {f"lstm.{name}": grad for name, grad in grads.items()}
    head = {"head.weight": slope.T @ h[-1], "head.bias": slope.sum(axis=0)}
    return np.mean(error**2), grads | head


# %% [markdown]
# Is it right? PyTorch calculates the same gradients without knowing our formulas. (`copy`, because `.numpy()` shares its
# memory with the parameter.)

# %%
from torch.nn.functional import mse_loss


def arrays(model):
    """Copy a model's parameters into NumPy arrays, by name."""
    return {name: w.detach().numpy().copy() for name, w in model.named_parameters()}


x, y = batches[0]
loss, grads = data_loss(arrays(model), x.numpy(), y.numpy())
by_torch = mse_loss(model(x), y)
by_torch.backward()
np.testing.assert_allclose(loss, by_torch.item(), rtol=1e-12)
for name, w in model.named_parameters():
    np.testing.assert_allclose(grads[name], w.grad.numpy(), rtol=1e-9, atol=1e-14)
print(f"data loss {loss:.6f}; {len(grads)} gradients agree")

# %% [markdown] tags=["day"]
# ## 3.1 L1 regularization
#
# **Step 1: the objective.** Add the absolute values of the weights to the loss,
#
# $$ L_\text{reg} = L + \lambda \sum_i |w_i| . $$
#
# **Step 2: the gradient.** Where $w \ne 0$ the slope of $|w|$ is its sign, so
#
# $$ \frac{\partial L_\text{reg}}{\partial w_i} = \frac{\partial L}{\partial w_i} + \lambda \operatorname{sign}(w_i) . $$
#
# The pull has the same force on a large weight and on a tiny one. At $w = 0$ there is no slope but a whole interval,
# $[-\lambda, \lambda]$ (chapter 4). Programs take its middle, 0: at exactly 0 the penalty does *not* hold the weight.

# %%
from labcode.penalties import l1_penalty, l1_penalty_grad, l1_penalty_torch

w, lam = np.array([3.0, -1.0, 0.0]), 0.5
w_torch = torch.tensor(w, requires_grad=True)
penalty = l1_penalty_torch(w_torch, lam)
penalty.backward()
print(f"penalty {lam * np.abs(w).sum()}, pull {lam * np.sign(w)}")
np.testing.assert_allclose([l1_penalty(w, lam), penalty.item()], lam * np.abs(w).sum())
np.testing.assert_array_equal(l1_penalty_grad(w, lam), w_torch.grad.numpy())

# %% [markdown]
# On the LSTM, `penalty_by_target` adds a penalty up over the parts that its strengths name, and `penalty_grad_by_target`
# gives its gradient for every array, 0 where nothing is penalized. PyTorch differentiates the sum of loss and penalty. The
# gradient of a sum is the sum of the gradients, so its numbers should be the data gradient plus the pull.

# %%
from labcode.penalties import penalty_by_target, penalty_grad_by_target

strengths = {"input": 1e-3, "recurrent": 2e-3}
pull = penalty_grad_by_target(l1_penalty_grad, of_lstm(arrays(model)), strengths)
named = dict(model.lstm.named_parameters())
model.zero_grad()
(mse_loss(model(x), y) + penalty_by_target(l1_penalty_torch, named, strengths)).backward()
for name, w in named.items():
    by_hand = grads[f"lstm.{name}"] + pull[name]
    np.testing.assert_allclose(by_hand, w.grad.numpy(), rtol=1e-9, atol=1e-14)
    print(f"{name:<13} pull between {pull[name].min():+.3f} and {pull[name].max():+.3f}")

# %% tags=["guard"]
assert not pull["bias_ih_l0"].any()
assert pull["weight_ih_l0"].all()

# %% [markdown]
# **Step 3: the update.** Hand the gradient to an optimizer. The plainest is *SGD* (stochastic gradient descent), which goes
# a step of size $\eta$, the learning rate, against the gradient of a batch:
#
# $$ w_i \leftarrow w_i - \eta \left( \frac{\partial L}{\partial w_i} + \lambda \operatorname{sign}(w_i) \right) . $$
#
# (With *momentum* 0.9 a step also takes along nine tenths of the step before.) Here is training by hand, for any optimizer
# of `labcode.optimizers` and any penalty. It leaves `model` as it is, and returns the weights after one pass over the ten
# batches.


# %%
def train_by_hand(update, penalty_grad, strengths, **settings):
    """Train on the ten batches with an update in NumPy; return the weights."""
    weights = arrays(model)
    states = dict.fromkeys(weights)
    for x, y in batches:
        _, grads = data_loss(weights, x.numpy(), y.numpy())
        pull = penalty_grad_by_target(penalty_grad, of_lstm(weights), strengths)
        for name, w in weights.items():
            grad = grads[name] + pull.get(name.removeprefix("lstm."), 0.0)
            weights[name], states[name] = update(w, grad, states[name], **settings)
    return weights


# %% [markdown]
# In PyTorch the penalty joins the loss, and `backward` differentiates their sum.

# %%
import copy


def train_by_torch(optimizer, penalty=None, strengths=None):
    """Train a copy of the model; `optimizer` is a function that makes one for the copy."""
    trained = copy.deepcopy(model)
    optimizer = optimizer(trained)
    for x, y in batches:
        optimizer.zero_grad()
        objective = mse_loss(trained(x), y)
        if penalty is not None:
            named = dict(trained.lstm.named_parameters())
            objective = objective + penalty_by_target(penalty, named, strengths)
        objective.backward()
        optimizer.step()
    return arrays(trained)


# %% [markdown]
# Ten steps, each taken from the result of the one before. Adam divides by small numbers, which magnifies the last digits;
# we let it agree to seven places, and SGD to ten.

# %%
from labcode.optimizers import adam, sgd


def largest_difference(first, second):
    """Return the largest difference between two sets of weights."""
    return max(np.abs(first[name] - second[name]).max() for name in first)


by_sgd = train_by_hand(sgd, l1_penalty_grad, strengths, lr=0.1, momentum=0.9)
by_adam = train_by_hand(adam, l1_penalty_grad, strengths, lr=3e-3)
loss_and_penalty = {"penalty": l1_penalty_torch, "strengths": strengths}
torch_sgd = train_by_torch(
    lambda m: torch.optim.SGD(m.parameters(), 0.1, 0.9), **loss_and_penalty
)
torch_adam = train_by_torch(
    lambda m: torch.optim.Adam(m.parameters(), 3e-3), **loss_and_penalty
)
print(f"SGD   largest difference {largest_difference(by_sgd, torch_sgd):.8f}")
print(f"Adam  largest difference {largest_difference(by_adam, torch_adam):.8f}")

# %% tags=["guard"]
assert largest_difference(by_sgd, torch_sgd) < 1e-10
assert largest_difference(by_adam, torch_adam) < 1e-7
assert largest_difference(by_adam, arrays(model)) > 1e-3

# %% [markdown]
# That is the whole algorithm of the article's section 3.1. Does it do what is said of it, set weights to zero?
#
# ### Near zero
#
# Take one weight that the data do not care about at all. Only the penalty moves it, by $\eta\lambda$ at each step. It starts
# at 0.0042, and $\eta\lambda$ is 0.001.
#
# **Question.** Where is it after 4 steps, after 5, after 6? Does it come to rest?

# %%
from labcode.check import guess

places = ("at 0", "near 0, at another value", "nowhere")
at_rest = guess("A useless weight under L1 and SGD: where does it rest?", options=places)

# %%
from labcode import plots

step_size, lam = 0.1, 0.01
subgradient, proximal = [0.0042], [0.0042]
for _ in range(14):
    w, v = subgradient[-1], proximal[-1]
    subgradient.append(w - step_size * lam * np.sign(w))
    proximal.append(float(np.sign(v) * max(abs(v) - step_size * lam, 0.0)))
traces = {"gradient of |w|": subgradient, "proximal step": proximal}
_ = plots.weight_traces(traces, band=step_size * lam, name="a useless input")
at_rest.met(places[2] if subgradient[-1] * subgradient[-2] < 0 else places[0])
for name, path in traces.items():
    print(f"{name:<15} after 4, 5 and 6 steps:", np.round(path[4:7], 4))

# %% tags=["guard"]
assert all(w != 0 for w in subgradient)
assert proximal[5:] == [0.0] * 10

# %% [markdown]
# Nowhere. The step along the gradient of $|w|$ cannot know how far it is to zero. It jumps over, turns round and jumps over
# again, for ever. The second path stays at zero; before we come to it, move the two settings on which the band depends.
# **Try this:**
#
# 1. Halve the step size. By how much does the band shrink?
# 2. Raise λ instead. Is there any setting at which the first path stays at 0?

# %%
from labcode.widgets import Chatter

Chatter().widget()

# %% [markdown]
# The repair is old: **go no further than to zero.** It is called the *proximal step* or *soft threshold*,
#
# $$ S_t(w) = \operatorname{sign}(w) \max(|w| - t, 0), \qquad t = \eta\lambda, $$
#
# and the algorithm becomes: **(1)** take the optimizer's step for the data loss *alone*; **(2)** soft-threshold the
# penalized weights. Chapter 4 derives the step from the minimum that it computes.
#
# **Question.** With $t = 1$: what becomes of −3, −1, 0.4 and 2.5? And why is the threshold $\eta\lambda$, and not λ?

# %%
from labcode.penalties import soft_threshold, soft_threshold_torch

w = np.array([-3.0, -1.0, 0.4, 2.5])
in_words = np.where(np.abs(w) <= 1, 0.0, w - np.sign(w))
print(soft_threshold(w, 1.0) + 0.0)  # + 0.0 turns -0 into 0
np.testing.assert_array_equal(soft_threshold(w, 1.0), in_words)
np.testing.assert_array_equal(soft_threshold_torch(torch.tensor(w), 1.0).numpy(), in_words)

# %% [markdown]
# Large weights lose a fixed length, and small ones are exactly zero. In a step of length $\eta$ the penalty's force λ moves a
# weight by $\eta\lambda$; a threshold of λ would be a penalty $1/\eta$ times too strong. Adam has a step size for every
# weight, and therefore a threshold for every weight.
#
# `ProximalSGD` and `ProximalAdam` take the strength by *parameter group*, a list of parameters with settings of their own.
# $W$ and $U$ get theirs; biases and head get 0.

# %%
from labcode.optimizers import ProximalAdam, ProximalSGD, proximal_adam

TARGETS = {"lstm.weight_ih_l0": "input", "lstm.weight_hh_l0": "recurrent"}


def groups(model, strengths):
    """Group the parameters by their L1 strength, 0 for what the strengths do not name."""
    members = {}
    for name, w in model.named_parameters():
        members.setdefault(strengths.get(TARGETS.get(name), 0.0), []).append(w)
    return [{"params": members[lam], "lam_l1": lam} for lam in members]


# %% [markdown]
# By hand and in PyTorch, as before. Now the two should agree on every zero, too.

# %%
hands, states = arrays(model), dict.fromkeys(arrays(model))
for x, y in batches:
    _, grads = data_loss(hands, x.numpy(), y.numpy())
    for name, w in hands.items():
        lam = strengths.get(TARGETS.get(name), 0.0)
        step = proximal_adam(w, grads[name], states[name], lr=3e-3, lam_l1=lam)
        hands[name], states[name] = step
torchs = train_by_torch(lambda m: ProximalAdam(groups(m, strengths), lr=3e-3, lam_l1=0.0))
zeros = {name: int((w == 0).sum()) for name, w in hands.items()}
print(f"largest difference {largest_difference(hands, torchs):.8f}; exact zeros:")
print(zeros)

# %% tags=["guard"]
assert largest_difference(hands, torchs) < 1e-7
assert zeros == {name: int((w == 0).sum()) for name, w in torchs.items()}
assert zeros["lstm.weight_ih_l0"] > 0 < zeros["lstm.weight_hh_l0"]
assert sum(zeros.values()) == zeros["lstm.weight_ih_l0"] + zeros["lstm.weight_hh_l0"]

# %% [markdown] tags=["day"]
# After ten steps there are zeros in $W$ and $U$ and nowhere else, and both programs agree which ones.
#
# ### Counting zeros on the weather
#
# Now train in earnest: 20 epochs on the two training years, 32 hidden units, the same λ on $W$ and $U$. A method is an
# optimizer and, where the penalty sits in the loss, a penalty.


# %%
def both(lam):
    """Name W and U, with the same strength."""
    return {"input": lam, "recurrent": lam}


PROXIMAL = "L1 (proximal), Adam"
OPTIMIZERS = {  # functions of model and strength
    "SGD, L1 in the loss": lambda m, lam: torch.optim.SGD(m.parameters(), 0.1, 0.9),
    "Adam, L1 in the loss": lambda m, lam: torch.optim.Adam(m.parameters(), 3e-3),
    "L1 (proximal), SGD": lambda m, lam: ProximalSGD(
        groups(m, both(lam)), 0.1, momentum=0.9, lam_l1=0.0
    ),
    PROXIMAL: lambda m, lam: ProximalAdam(groups(m, both(lam)), 3e-3, lam_l1=0.0),
}
IN_THE_LOSS = {name: l1_penalty_torch for name in OPTIMIZERS if "in the loss" in name}

# %% [markdown]
# The seed draws the first weights and the order of the batches, and nothing else is random here. So two runs with the same
# seed are a pair, in which only the method differs. `cache` remembers each run, and nothing is trained twice.

# %%
from functools import cache, partial

from labcode.penalties import WeightRegularization
from labcode.training import fit


@cache
def trained(method, lam, seed=0):
    """Train one model; return its weights W and U, side by side, and the history."""
    with seeded(seed):
        model = SequenceModel(input_size=6, hidden_size=32, output_size=1)
    settings = {"epochs": 20, "generator": torch.Generator().manual_seed(seed)}
    if method in IN_THE_LOSS:
        one = partial(IN_THE_LOSS[method], lam=lam)
        settings["penalty"] = WeightRegularization(penalties=both(one)).penalty
    settings |= {"optimizer": OPTIMIZERS[method](model, lam), "progress": False}
    history = fit(model, weather.train, weather.validation, **settings)
    w, u = model.lstm.weight_ih_l0.detach(), model.lstm.weight_hh_l0.detach()
    return torch.cat([w, u], dim=1).numpy(), history


# %% [markdown]
# **Question.** Four methods, two with L1 in the loss and two proximal, all with λ = 0.001. How many of the weights in $W$ and
# $U$ does each of them set to exactly 0?

# %%
of_proximal = guess("Proximal Adam, λ = 0.001: how many weights are 0?", unit="of 100")

# %%
print(f"{'':<22} exactly 0   below 0.001   validation loss")
share = {}
for method in OPTIMIZERS:
    weights, history = trained(method, 1e-3)
    share[method], small = np.mean(weights == 0), np.mean(np.abs(weights) < 1e-3)
    loss = history.validation_loss[-1]
    print(f"{method:<22} {share[method]:9.1%} {small:13.1%} {loss:17.3f}")
of_proximal.met(round(100 * float(share[PROXIMAL])), within=5)

# %% tags=["guard"]
assert all(
    found > 0.65 if "proximal" in name else found == 0 for name, found in share.items()
)

# %% [markdown]
# With L1 in the loss most weights become *small* and none becomes zero, under either optimizer. The proximal step at the
# same λ sets most of them to exact zeros. So the article's sentence needs its second half: L1 makes zero the best value, and
# an algorithm that can stop there takes the weight to it. Plain gradient descent, which the article suggests, does not.
#
# Where do the weights pile up that are small and not zero? The slider shows four strengths, the figure below it one.
# **Try this:**
#
# 1. Move λ from the strongest to the weakest. Which of the two methods changes at the bar of zeros, which only in its hill?
# 2. Look for an edge of the hill at which one could cut small weights off.

# %%
from labcode.widgets import MagnitudeExplorer

STRENGTHS = (1e-4, 3e-4, 1e-3, 3e-3)
shown = ("Adam, L1 in the loss", PROXIMAL)
runs = {lam: {name: trained(name, lam)[0] for name in shown} for lam in STRENGTHS}
explorer = MagnitudeExplorer(runs, value=max(runs))
explorer.widget()

# %%
_ = plots.magnitude_histogram(runs[1e-3])

# %% tags=["guard"]
counts = [int((runs[lam][PROXIMAL] == 0).sum()) for lam in STRENGTHS]
assert (np.diff(counts) > 0).all()
assert all((runs[lam]["Adam, L1 in the loss"] != 0).all() for lam in STRENGTHS)
sizes = np.abs(runs[1e-3]["Adam, L1 in the loss"])
assert np.mean((sizes > 1e-4) & (sizes < 1e-2)) > 0.5

# %% [markdown]
# One method leaves most weights dancing around zero, at about the size of Adam's own steps; the other sets most to zero. One
# could cut the dancers off after training, "all below 0.001", but nobody tells you that limit: the hill has no edge there.
#
# ### What the zeros cost
#
# Three seeds for each strength, with the proximal step.
#
# **Question.** How many weights can go before the training loss notices? And before the validation loss does?

# %%
strongest = (0, *STRENGTHS[1:])
runs = {lam: [trained(PROXIMAL, lam, seed) for seed in range(3)] for lam in strongest}
zeros, train, validation = np.array(
    [
        [(np.mean(w == 0), h.train_loss[-1], h.validation_loss[-1]) for w, h in row]
        for row in runs.values()
    ]
).transpose(2, 0, 1)
_ = plots.losses_against_zeros(list(runs), zeros, train, validation, unit=unit)
lowest = np.mean([min(history.validation_loss) for _, history in runs[0]])
print("exact zeros, mean:         ", [f"{share:.0%}" for share in zeros.mean(axis=1)])
print("validation loss, mean:     ", validation.mean(axis=1).round(3).tolist())
print(f"λ = 0 at each best epoch:   {lowest:.3f}")

# %% tags=["guard"]
assert (np.diff(train.mean(axis=1)) > 0).all()
assert (validation[1:].mean(axis=1) < validation[0].mean() - 0.03).all()
assert 0.7 < zeros[2].mean() < 0.95
assert abs(lowest - validation[2].mean()) < 0.05

# %% [markdown]
# The training loss notices at once: it rises with every strength. The validation loss at the end *falls*: with most of the
# weights gone, unseen days are forecast better than with all of them. Every strength shown is better than none after 20
# epochs; among each other they differ about as much as seeds do, and we do not rank them.
#
# Mind the last line. A model without a penalty, stopped at its best epoch, is about as good. L1 does not beat that here; it
# makes the epoch unimportant, and the model sparse.
#
# **Try it yourself.** Go on where the figure ends: `weights, history = trained(PROXIMAL, 0.01)`, then 0.03. At which
# strength does the validation loss turn upwards, and what share of the weights is left then?
#
# ### Which weights go
#
# L1 is said to select features. A feature of the weather enters the LSTM through one column of $W$, 128 weights long.
#
# **Question.** The six columns are the two temperatures, rain, wind, and the season as sine and cosine. Which would you
# drop? Will L1 drop one as a whole?

# %%
columns = np.array([(weights[:, :6] == 0).mean(axis=0) for weights, _ in runs[3e-3]])
in_u = np.array([(weights[:, 6:] == 0).mean() for weights, _ in runs[3e-3]])
print("exact zeros at λ = 0.003, by seed")
for name, by_seed in zip([*weather.feature_names, "U"], [*columns.T, in_u], strict=True):
    print(f"{name:<20} " + "  ".join(f"{share:4.0%}" for share in by_seed))

# %% tags=["guard"]
assert (columns < 1).all()
assert columns[:, 2:4].mean() > columns[:, :2].mean()
assert (in_u > columns.mean(axis=1)).all()

# %% [markdown]
# Rain and wind lose more than the temperatures, but no column goes as a whole: zeros fall where single weights are useless,
# and 128 of them must fall before a feature is out. "L1 selects features" is a sentence about linear models, where a feature
# *is* one weight. In an LSTM it selects connections. (Chapter 4 penalizes whole groups.)
#
# The last row is the surprise: more zeros stand in $U$ than in $W$. The forecast hardly needs the recurrent weights. That is
# not to say that it needs no memory. With $U = 0$ the gates no longer see the last $h$, but the cell $c$ still carries what
# came in before.
#
# **Question.** A penalty on $W$ alone or on $U$ alone: which brings more of what the penalty on both brings?

# %%
targets = ("on W alone", "on U alone")
does_more = guess(
    "L1 on one matrix alone: which one lowers the loss more?", options=targets
)

# %%
for name, target in zip(targets, ("input", "recurrent"), strict=True):
    OPTIMIZERS[name] = lambda m, lam, target=target: ProximalAdam(
        groups(m, {target: lam}), 3e-3, lam_l1=0.0
    )
gain = {}
print(f"{'no penalty':<20}", validation[0].round(3))
for name in (*targets, PROXIMAL):
    found = np.array([trained(name, 1e-3, s)[1].validation_loss[-1] for s in range(3)])
    gain[name] = validation[0].mean() - found.mean()
    print(f"{name:<20}", found.round(3))
does_more.met(max(targets, key=gain.get))

# %% tags=["guard"]
assert gain["on U alone"] > gain["on W alone"] > 0

# %% [markdown]
# On $U$: that alone goes most of the way from no penalty to a penalty on both. It is a reason to keep strengths for $W$ and
# $U$ apart, as Keras does with its kernel and recurrent regularizers: they do different work.

# %% [markdown] tags=["half"]
# ## 3.2 L2 regularization
#
# **Step 1: the objective.** The squares in place of the absolute values,
#
# $$ L_\text{reg} = L + \frac{\lambda}{2} \sum_i w_i^2 . $$
#
# **Step 2: the gradient.** The ½ is there to cancel the 2:
#
# $$ \frac{\partial L_\text{reg}}{\partial w_i} = \frac{\partial L}{\partial w_i} + \lambda w_i . $$
#
# A weight three times as large is pulled three times as hard. Chapter 1 has it in NumPy and in PyTorch.
#
# Not every library writes the ½: Keras's `l2(x)` adds $x \sum w^2$, whose gradient is $2xw$. So **our λ is twice Keras's
# x.** Whoever copies 0.01 from a Keras program into our λ has halved the penalty; in the other direction it is doubled. In
# the next cell the slope of Keras's term is measured by small steps, and compared with ours.

# %%
from labcode.penalties import l2_penalty, l2_penalty_grad, l2_penalty_torch

lam, w, h = 0.01, np.array([3.0, -1.0]), 1e-6
x_keras = lam / 2
steps = h * np.eye(2)
slopes = [x_keras * np.sum((w + s) ** 2 - (w - s) ** 2) / (2 * h) for s in steps]
print(f"l2({x_keras}): penalty {x_keras * np.sum(w**2)}, slopes {np.round(slopes, 6)}")
np.testing.assert_allclose(l2_penalty(w, lam), x_keras * np.sum(w**2), rtol=1e-12)
np.testing.assert_allclose(l2_penalty_grad(w, lam), slopes, rtol=1e-6)

# %% [markdown]
# **Step 3: the update.** With plain SGD the two terms can be sorted:
#
# $$
# \begin{aligned}
# w_i &\leftarrow w_i - \eta \left( \frac{\partial L}{\partial w_i} + \lambda w_i \right) \\
#     &= (1 - \eta\lambda)\, w_i - \eta \frac{\partial L}{\partial w_i} .
# \end{aligned}
# $$
#
# First every weight shrinks by the same *share*, then comes the data's step. Read in this way the penalty is called **weight
# decay**, and optimizers offer it as a setting. PyTorch's `weight_decay` is λ itself, and it applies to every parameter that
# it is given, biases and head included. To be our penalty it needs groups.


# %%
def with_decay(optimizer, lr, lam, on=TARGETS):
    """Return a function that makes an optimizer with weight decay on some parameters."""

    def make(model):
        named = list(model.named_parameters())
        decay = [lam if name in on else 0.0 for name, _ in named]
        pairs = zip(named, decay, strict=True)
        return optimizer([{"params": [w], "weight_decay": d} for (_, w), d in pairs], lr)

    return make


# %%
lam, everything, SGD = 0.1, dict(model.named_parameters()), torch.optim.SGD
hands = train_by_hand(sgd, l2_penalty_grad, both(lam), lr=0.1)
ways = {
    "penalty in the loss": (with_decay(SGD, 0.1, 0.0), l2_penalty_torch, both(lam)),
    "weight_decay": (with_decay(SGD, 0.1, lam),),
    "weight_decay on all": (with_decay(SGD, 0.1, lam, on=everything),),
}
differences = {}
for name, way in ways.items():
    differences[name] = largest_difference(hands, train_by_torch(*way))
    print(f"{name:<20} differs from the penalty by hand by {differences[name]:.8f}")

# %% tags=["guard"]
assert differences["penalty in the loss"] < 1e-12 > differences["weight_decay"]
assert differences["weight_decay on all"] > 1e-4

# %% [markdown]
# By hand, in the loss, as a setting: three ways, one algorithm. The last line is the careless fourth. It also pulls the
# biases and the head to zero, and that is another model.
#
# Now Adam, which divides each weight's gradient by its own recent size.
#
# **Question.** Three candidates for "L2 under Adam" follow. Which of them agree with the penalty by hand? In which does the
# decay come before Adam's division, in which beside it?

# %%
hands = train_by_hand(adam, l2_penalty_grad, both(lam), lr=3e-3)
Adam, AdamW = torch.optim.Adam, torch.optim.AdamW
ways = {
    "Adam, penalty in the loss": (with_decay(Adam, 3e-3, 0.0), l2_penalty_torch, both(lam)),
    "Adam(weight_decay=λ)": (with_decay(Adam, 3e-3, lam),),
    "AdamW(weight_decay=λ)": (with_decay(AdamW, 3e-3, lam),),
}
for name, way in ways.items():
    differences[name] = largest_difference(hands, train_by_torch(*way))
    print(f"{name:<26} differs from the penalty by hand by {differences[name]:.8f}")

# %% tags=["guard"]
assert differences["Adam, penalty in the loss"] < 1e-7 > differences["Adam(weight_decay=λ)"]
assert differences["AdamW(weight_decay=λ)"] > 1e-3

# %% [markdown]
# The first two. Adam's own `weight_decay` is the L2 penalty: it adds λw to the gradient *before* the division, and so the
# decay of a weight is divided by the size of that weight's gradient. *AdamW* shrinks the weights beside the division, by the
# share $\eta\lambda$. Under SGD the two are one; under Adam they are two methods, and a λ tuned for one says nothing about
# the other. Chapter 4 derives and measures it.

# %% [markdown] tags=["half"]
# ### What it does on the weather
#
# L2 in the loss, Adam, 20 epochs, as before. First the curves of one seed: λ = 0 is the run without a penalty.

# %%
L2 = "Adam, L2 in the loss"
OPTIMIZERS[L2], IN_THE_LOSS[L2] = OPTIMIZERS["Adam, L1 in the loss"], l2_penalty_torch
runs = {0: runs[0]}
runs |= {lam: [trained(L2, lam, seed) for seed in range(3)] for lam in (1e-3, 1e-2, 1e-1)}
first = {f"λ = {lam:g}": row[0][1] for lam, row in runs.items()}
curves = {label: (h.train_loss, h.validation_loss) for label, h in first.items()}
_ = plots.curves_by_setting(curves, baseline=persistence, unit=unit)

# %% tags=["guard"]
gaps = [np.mean([history.gap[-1] for _, history in row]) for row in runs.values()]
assert (np.diff(gaps) < 0).all()

# %% [markdown]
# Without a penalty the two curves part; each strength brings them closer together. At λ = 0.1 they are closest, and both are
# held up: the model has become too stiff. Now the end of all three seeds, with the size of the weights.

# %%
print("λ        validation loss by seed    mean size of a weight   exact zeros")
means = {}
for lam, row in runs.items():
    losses = [history.validation_loss[-1] for _, history in row]
    size = np.mean([np.abs(weights).mean() for weights, _ in row])
    zeros = sum(int((weights == 0).sum()) for weights, _ in row)
    means[lam] = (np.mean(losses), size, zeros)
    by_seed = "  ".join(f"{loss:.3f}" for loss in losses)
    print(f"{lam:<8g} {by_seed} {size:22.4f} {zeros:15}")

# %% tags=["guard"]
losses, sizes, zeros = np.array(list(means.values())).T
assert (losses[1:] < losses[0] - 0.03).all()
assert losses[2] < losses[3]
assert (np.diff(sizes) < 0).all()
assert not zeros.any()

# %% [markdown]
# Every strength is better than none after 20 epochs, and the middle one better than the strongest. The weights shrink many
# times over, and there is not one zero among them: this half of the article's sentence holds as it stands.
#
# L1 and L2, at strengths at which they forecast about equally well, get there in different ways:

# %%
compared = {
    "no penalty": runs[0][0][0],
    "L2, λ = 0.01": runs[1e-2][0][0],
    "L1 (proximal), λ = 0.001": trained(PROXIMAL, 1e-3)[0],
}
_ = plots.magnitude_histogram(compared)
largest = {name: float(np.abs(weights).max()) for name, weights in compared.items()}
print("largest weight:", {name: round(size, 2) for name, size in largest.items()})

# %% tags=["guard"]
assert largest["L2, λ = 0.01"] < largest["L1 (proximal), λ = 0.001"]

# %% [markdown]
# L2 moves the whole hill to the left: every weight pays in proportion, and the largest pay most. L1 charges all the same: it
# empties most of the hill into the bar of zeros, and leaves those that are worth their price larger than L2 does.
#
# **Try it yourself.** Does L2, too, work through $U$? In `trained`, put `{"recurrent": one}` in the place of `both(one)`, run
# that cell again, and compare `trained(L2, 1e-2)[1].validation_loss[-1]` with the table. Then try `{"input": one}`.

# %% [markdown]
# ### A price on what the LSTM puts out
#
# Squares can be charged on something else than weights.
# [Merity, McCann and Socher (2017)](https://arxiv.org/abs/1708.01009) put a price on the outputs $h_t$: on their size (*AR*,
# activation regularization) and on their change from step to step (*TAR*, temporal activation regularization),
#
# $$
# \begin{aligned}
# \text{AR: } & \alpha \cdot \text{mean of } h_t^2, \\
# \text{TAR: } & \beta \cdot \text{mean of } (h_t - h_{t-1})^2 .
# \end{aligned}
# $$
#
# A unit that says 0, 1, 1 pays 3 · 2/3 for α = 3 and 2 · 1/2 for β = 2: there are three outputs, and two changes between
# them. On the outputs of our LSTM, value and gradient by hand agree with PyTorch's.

# %%
from labcode import penalties

said = np.array([0.0, 1.0, 1.0]).reshape(1, 3, 1)  # (sequences, steps, units)
print("AR ", penalties.activation_penalty(said, 3.0))
print("TAR", penalties.temporal_activation_penalty(said, 2.0))
output = model.lstm(batches[0][0])[0].detach().requires_grad_()
as_numpy = output.detach().numpy()
for name in ("activation_penalty", "temporal_activation_penalty"):
    by_torch = getattr(penalties, f"{name}_torch")(output, 2.0)
    (slope,) = torch.autograd.grad(by_torch, output)
    by_hand = getattr(penalties, name)(as_numpy, 2.0)
    np.testing.assert_allclose(by_hand, by_torch.item(), rtol=1e-12)
    by_hand = getattr(penalties, f"{name}_grad")(as_numpy, 2.0)
    np.testing.assert_allclose(by_hand, slope.numpy(), rtol=1e-9, atol=1e-16)

# %% [markdown]
# The pull is on the outputs; backpropagation through time carries it to *all* weights of the LSTM, biases included. That sets
# these two apart from L2. `fit` calls such a price `activation_penalty`. (The authors take AR's outputs behind the dropout
# of the outputs, as in the drawing of chapter 2; `fit` takes both before it.)
#
# **Question.** Three runs, same seed, 20 epochs, α = β = 3 (a round number that nobody tuned). Which run has the smallest
# outputs? Which has the steadiest *for their size*?

# %%
from labcode.experiments import train_once

prices = {
    "no price": None,
    "AR": partial(penalties.activation_penalty_torch, alpha=3.0),
    "TAR": partial(penalties.temporal_activation_penalty_torch, beta=3.0),
}
x_validation, table = torch.tensor(weather.validation.x), {}
print(f"{'':<9} {'size':>6} {'change':>7} {'change / size':>14} {'validation loss':>16}")
for name, price in prices.items():
    options = {"hidden": 32, "epochs": 20, "progress": False, "activation_penalty": price}
    priced, history = train_once(weather, seed=0, **options)
    h = priced.lstm(x_validation)[0].detach().numpy()
    size, change = np.mean(h**2), np.mean(np.diff(h, axis=1) ** 2)
    table[name] = size, change, change / size, history.validation_loss[-1]
    print("{:<9} {:6.3f} {:7.3f} {:14.2f} {:16.3f}".format(name, *table[name]))

# %% tags=["guard"]
assert table["AR"][0] < table["TAR"][0] < 0.8 * table["no price"][0]
assert max(table["AR"][1], table["TAR"][1]) < 0.9 * table["no price"][1]
assert table["TAR"][2] < 0.75 * table["AR"][2]
assert max(table["AR"][3], table["TAR"][3]) < table["no price"][3] - 0.02

# %% [markdown]
# AR has the smallest, TAR the steadiest, and the run without a price comes close to it. AR's outputs change little, too,
# because what is small cannot change much; for their size TAR's change clearly less. One price says *be small*, the other
# *be steady*. Both end below the run without a price; from one seed and a strength that nobody chose we do not rank them.

# %% [markdown]
# ## What to remember
#
# - A penalty is three steps: objective, gradient, update. Its gradient is λ sign(w) for L1 and λw for L2; biases get none
#   unless you name them.
# - L1 in the loss gives small weights and no zeros, under SGD and under Adam: the step jumps over zero. The proximal step,
#   soft-thresholding by *step size times* λ after the data step, gives exact zeros.
# - On the weather most weights can be zero, and after 20 epochs the forecast of unseen days is the better for it. What goes
#   are single connections, mostly recurrent ones; no input feature goes as a whole.
# - L2 and weight decay are one method under SGD. Under Adam the penalty is divided by the gradient's size; AdamW's decay is
#   not.
# - AR and TAR put the price on the outputs in place of the weights: one wants them small, the other steady.
# - Keras's `l2(x)` is λ = 2x here. PyTorch's `weight_decay` is λ itself, on every parameter it is given.

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1.** After training with L1 in the loss, `(w == 0).sum()` is 0. A colleague raises λ tenfold. Will it help?
#
# - [ ] Yes: a stronger pull takes the weights all the way.
#   > It takes them to zero and past it. The step is ten times as long and misses zero by more.
# - [x] No: more weights dance around zero, in larger jumps.
#   > Only a step that can stop at zero gives zeros: the proximal one.
# - [ ] No: λ has no effect on weights as small as that.
#   > The force of L1 is the same on a tiny weight as on a large one.
#
# **2.** Someone soft-thresholds by λ after each step, with a step size of 0.003. What does the model learn?
#
# - [x] Next to nothing: the penalty is over 300 times too strong.
#   > The threshold should be 0.003 × λ; what is missing is a factor of 1/0.003.
# - [ ] The same, with a few more zeros.
#   > At each step all weights lose more than 300 times what they should, and most are taken back to zero.
# - [ ] More than it should: the penalty is 300 times too weak.
#   > A threshold without the small factor is larger, not smaller.
#
# **3.** A paper trains with Keras's `l2(0.0005)` and SGD. Which `weight_decay` is the same in PyTorch?
#
# - [ ] 0.0005, for the arrays that have the regularizer in Keras.
#   > Keras's term has no ½, so its gradient is twice as large as that of `weight_decay=0.0005`.
# - [ ] 0.001, for all parameters.
#   > That would pull at the biases, too, which have no regularizer there.
# - [x] 0.001, for the arrays that have the regularizer in Keras.
#   > λ = 2x, in a parameter group that holds exactly these arrays, and 0 for all others.
#
# **4.** With `torch.optim.Adam(weight_decay=λ)`, which weights decay least?
#
# - [ ] All decay by the same share.
#   > That is AdamW, or SGD.
# - [x] Those with the largest gradients.
#   > λw is divided by the recent size of the gradient.
# - [ ] Those with the smallest gradients.
#   > Division by a small number makes the decay larger.
#
# **5.** L2 with λ = 0.1 has the smallest gap of all strengths. Is it the best?
#
# - [x] No: its validation loss is higher than that of λ = 0.01.
#   > A penalty that is too strong closes the gap by spoiling both curves.
# - [ ] Yes: the gap is what regularization is meant to close.
#   > The aim is a low loss on unseen data; a model that knows nothing has no gap at all.
# - [ ] No: a smaller gap means more overfitting.
#   > It means less, but there are other ways to be bad.

# %% [markdown]
# **Next:** [part 2](03_3-4_dropout.ipynb) turns from the weights to what flows through them: dropout, and where to put it in
# an LSTM.
