# %% [markdown] tags=["core"]
# # Chapter 3, part 1: Penalties
#
# *About 70 minutes. Needs: [chapter 1](../notebooks/01_background.ipynb), the gradient of a sum, a first idea of SGD and
# Adam. This part mirrors the opening of section 3 of the article and its sections 3.1 and 3.2.*
#
# **After this chapter you can**
#
# - write L1 and L2 as objective, gradient and update, by hand for a whole LSTM, and get PyTorch's numbers;
# - get weights that are *exactly* zero from L1, and say why adding it to the loss does not give you any;
# - say when an L2 penalty and an optimizer's `weight_decay` are the same thing, and convert a λ between libraries;
# - choose which part of an LSTM is penalized, and read what that costs.

# %% [markdown]
# ## 3. Algorithms, step by step
#
# The article states its methods as numbered steps. Chapter 3 carries these steps out, in three notebooks: this one adds
# a penalty to the loss (3.1 L1, 3.2 L2), [the second](../notebooks/03_3-4_dropout.ipynb) puts noise into the network (3.3
# dropout, 3.4 recurrent dropout), [the third](../notebooks/03_5-6_constraints_and_stopping.ipynb) limits weights and time
# (3.5, 3.6). Sections 3.4 to 3.6 go further than the article's steps; the methods are those of its section 2.
#
# For a penalty the steps are always three: **objective**, **gradient**, **update**. We take them with a real LSTM, and
# first without any penalty. Ten batches of the Seattle weather, 32 windows each; 32 hidden units; float64, so that an
# agreement to ten digits means something.
#
# **Question.** What part of an epoch are ten batches?

# %%
import torch

from labcode.data import load_weather, persistence_loss

weather = load_weather()
persistence = persistence_loss(weather.validation)
unit = f"mean squared error [({weather.target_std:.2f} °C)²]"
splits = (torch.tensor(array[:320], dtype=torch.float64).split(32) for array in weather.train)
batches = list(zip(*splits, strict=True))
print(len(batches), "batches of", tuple(batches[0][0].shape), "out of", len(weather.train.x), "windows")

# %% [markdown]
# A bit less than half. Now the model.
#
# **Question.** Which of its arrays are weights in the sense of the article's $w_i$, and which are not?

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
# Now the data loss and its gradient in NumPy. `lstm_backward` is chapter 1's backward pass through time; only the head
# and the squared error are added.
#
# **Question.** The loss sees only the LSTM's last $h$. Where in the code does that show?

# %%
import numpy as np

from labcode.lstm import lstm_backward, lstm_forward


def data_loss(weights, x, y):
    """Return the mean squared error of the model and its gradient for every array of weights."""
    lstm = {name.removeprefix("lstm."): w for name, w in weights.items() if name.startswith("lstm.")}
    output, (h, c), cache = lstm_forward(x, lstm)
    error = h[-1] @ weights["head.weight"].T + weights["head.bias"] - y
    grad_error = 2 * error / error.size
    grads = {"head.weight": grad_error.T @ h[-1], "head.bias": grad_error.sum(axis=0)}
    grad_h = (grad_error @ weights["head.weight"])[None]
    _, _, of_lstm = lstm_backward(np.zeros_like(output), (grad_h, np.zeros_like(c)), cache)
    return np.mean(error**2), grads | {f"lstm.{name}": grad for name, grad in of_lstm.items()}


# %% [markdown]
# The gradient of the output is zero at every step but enters through the final state `h`. To feed this function we need
# the model's parameters as arrays.
#
# **Question.** Why is the copy below needed? (What does `.numpy()` share?)


# %%
def arrays(model):
    """Copy a model's parameters into NumPy arrays, by name."""
    return {name: parameter.detach().numpy().copy() for name, parameter in model.named_parameters()}


# %% [markdown]
# `.numpy()` shares its memory with the parameter; an update of the array would change the model.
#
# **Question.** How do you make sure that a dozen lines of backward pass are right?

# %%
from torch.nn.functional import mse_loss

x, y = batches[0]
loss, grads = data_loss(arrays(model), x.numpy(), y.numpy())
by_torch = mse_loss(model(x), y)
by_torch.backward()
np.testing.assert_allclose(loss, by_torch.item(), rtol=1e-12)
for name, parameter in model.named_parameters():
    np.testing.assert_allclose(grads[name], parameter.grad.numpy(), rtol=1e-9, atol=1e-14)
print(f"data loss {loss:.6f}; {len(grads)} gradients agree")

# %% [markdown]
# Against a second, independent calculation. From here on we can trust both.

# %% [markdown]
# ## 3.1 L1 regularization
#
# **Step 1: the objective.** Add the absolute values of the weights to the loss,
#
# $$ L_\text{reg} = L + \lambda \sum_i |w_i| . $$
#
# **Question.** What is the penalty of $w = (3, -1, 0)$ for $\lambda = 0.5$?

# %%
from labcode.penalties import l1_penalty, l1_penalty_torch

w = np.array([3.0, -1.0, 0.0])
by_hand = 0.5 * np.abs(w).sum()
print(by_hand, l1_penalty(w, 0.5), l1_penalty_torch(torch.tensor(w), 0.5).item())
assert by_hand == l1_penalty(w, 0.5) == l1_penalty_torch(torch.tensor(w), 0.5).item() == 2.0

# %% [markdown]
# **Step 2: the gradient.** Where $w \ne 0$ the slope of $|w|$ is its sign, so
#
# $$ \frac{\partial L_\text{reg}}{\partial w_i} = \frac{\partial L}{\partial w_i} + \lambda \operatorname{sign}(w_i) . $$
#
# The pull has the same force on a large weight and on a tiny one. At $w = 0$ there is no slope, but a whole interval of
# *subgradients* $[-\lambda, \lambda]$ (chapter 4); programs take its middle, 0.
#
# `penalty_by_target` adds a penalty up over the parts that its strengths name, `penalty_grad_by_target` gives its gradient
# for every array, 0 where nothing is penalized.
#
# **Question.** For which of the six arrays will the gradient change, if the strengths name "input" and "recurrent"?

# %%
from labcode.penalties import l1_penalty_grad, penalty_by_target, penalty_grad_by_target

strengths = {"input": 1e-3, "recurrent": 2e-3}
lstm = {name.removeprefix("lstm."): w for name, w in arrays(model).items() if name.startswith("lstm.")}
pull = penalty_grad_by_target(l1_penalty_grad, lstm, strengths)
for name, array in pull.items():
    print(f"{name:<13} pull of the penalty between {array.min():+.3f} and {array.max():+.3f}")
assert not pull["bias_ih_l0"].any()

# %% [markdown]
# $W$ and $U$, and each with its own strength. The biases feel nothing.
#
# **Question.** PyTorch differentiates the sum of loss and penalty. Is that the data gradient plus the pull?

# %%
model.zero_grad()
penalty = penalty_by_target(l1_penalty_torch, dict(model.lstm.named_parameters()), strengths)
(mse_loss(model(x), y) + penalty).backward()
for name, parameter in model.lstm.named_parameters():
    by_hand = grads[f"lstm.{name}"] + pull[name]
    np.testing.assert_allclose(by_hand, parameter.grad.numpy(), rtol=1e-9, atol=1e-14)
print("data gradient plus pull: equal in all arrays of the LSTM")

# %% [markdown]
# It is, as a gradient is linear. One point is left.
#
# **Question.** What does PyTorch say is the slope of $|w|$ at 0?

# %%
corner = torch.zeros(1, requires_grad=True)
corner.abs().sum().backward()
print("slope at 0:", corner.grad.item(), "  by hand:", l1_penalty_grad(np.zeros(1), 1.0)[0])
assert corner.grad.item() == l1_penalty_grad(np.zeros(1), 1.0)[0] == 0

# %% [markdown]
# The middle of the interval, in both. Keep it in mind: at exactly 0 the penalty does *not* hold the weight.
#
# **Step 3: the update.** Hand the gradient to an optimizer. With plain SGD and a step size $\eta$,
#
# $$ w_i \leftarrow w_i - \eta \left( \frac{\partial L}{\partial w_i} + \lambda \operatorname{sign}(w_i) \right) . $$
#
# Here is training by hand for any optimizer of `labcode.optimizers` and any penalty, and the same in PyTorch. Both
# leave `model` as it is and return the weights after one pass over the ten batches.
#
# **Question.** Compare the two functions line by line. Which line of the first does `backward()` replace?

# %%
import copy


def train_by_hand(update, penalty_grad, strengths, **settings):
    """Train on the ten batches with an update in NumPy; return the weights."""
    weights = arrays(model)
    states = dict.fromkeys(weights)
    for x, y in batches:
        _, grads = data_loss(weights, x.numpy(), y.numpy())
        lstm = {name.removeprefix("lstm."): w for name, w in weights.items() if name.startswith("lstm.")}
        pull = penalty_grad_by_target(penalty_grad, lstm, strengths)
        for name in weights:
            grad = grads[name] + pull.get(name.removeprefix("lstm."), 0.0)
            weights[name], states[name] = update(weights[name], grad, states[name], **settings)
    return weights


# %% [markdown]
# In PyTorch the penalty joins the loss, and `backward` differentiates their sum.
#
# **Question.** Where would you have to add a line for early stopping? (You need not; it comes in 3.6.)


# %%
def train_by_torch(optimizer, penalty=None, strengths=None):
    """Train a copy of the model on the ten batches with a torch optimizer, made by a function of the copy."""
    trained = copy.deepcopy(model)
    optimizer = optimizer(trained)
    for x, y in batches:
        optimizer.zero_grad()
        objective = mse_loss(trained(x), y)
        if penalty is not None:
            lstm = dict(trained.lstm.named_parameters())
            objective = objective + penalty_by_target(penalty, lstm, strengths)
        objective.backward()
        optimizer.step()
    return arrays(trained)


# %% [markdown]
# **Question.** One number should say how far two trained models are apart. Which one forgives nothing?


# %%
def largest_difference(first, second):
    """Return the largest difference between two sets of weights."""
    return max(np.abs(first[name] - second[name]).max() for name in first)


# %% [markdown]
# The largest difference of any weight.
#
# **Question.** Ten steps, each computed from the result of the one before: will the two still agree to ten digits?

# %%
from labcode.optimizers import adam, sgd

hands = train_by_hand(sgd, l1_penalty_grad, strengths, lr=0.1, momentum=0.9)
torchs = train_by_torch(lambda m: torch.optim.SGD(m.parameters(), 0.1, 0.9), l1_penalty_torch, strengths)
print(f"SGD   largest difference {largest_difference(hands, torchs):.8f}")
assert largest_difference(hands, torchs) < 1e-10

# %% [markdown]
# About as well as float64 can.
#
# **Question.** Adam divides by small numbers, which magnifies last digits. Does it still agree?

# %%
hands = train_by_hand(adam, l1_penalty_grad, strengths, lr=3e-3)
torchs = train_by_torch(lambda m: torch.optim.Adam(m.parameters(), 3e-3), l1_penalty_torch, strengths)
print(f"Adam  largest difference {largest_difference(hands, torchs):.8f}")
assert largest_difference(hands, torchs) < 1e-7
assert largest_difference(hands, arrays(model)) > 1e-3

# %% [markdown]
# It does. That is the whole algorithm of the article's section 3.1. Does it do what is said of it, set weights to zero?

# %% [markdown]
# ### Near zero
#
# Take one weight that the data do not care about at all. Only the penalty moves it, by $\eta\lambda$ at each step.
#
# **Question.** It starts at 0.0042 and $\eta\lambda = 0.001$. Where is it after 4 steps, after 5, after 6?

# %%
step_size, lam = 0.1, 0.01
subgradient, proximal = [0.0042], [0.0042]
for _ in range(14):
    w, v = subgradient[-1], proximal[-1]
    subgradient.append(w - step_size * lam * np.sign(w))
    proximal.append(float(np.sign(v) * max(abs(v) - step_size * lam, 0.0)))
print("steps 3 to 7:", np.round(subgradient[3:8], 4), "against", np.round(proximal[3:8], 4))

# %% [markdown]
# The second rule is held at zero; we come to it. First the first.
#
# **Question.** Will it ever come to rest?

# %%
from labcode import plots

traces = {"subgradient step": subgradient, "proximal step": proximal}
_ = plots.weight_traces(traces, band=step_size * lam, name="a useless input")
assert all(w != 0 for w in subgradient)
assert subgradient[-1] * subgradient[-2] < 0
assert proximal[5:] == [0.0] * 10

# %% [markdown]
# Move the two settings on which the band depends. **Try this:**
#
# 1. Halve the step size. By how much does the band shrink?
# 2. Raise λ instead. Is there any setting at which the first path stays at 0?

# %%
from labcode.widgets import Chatter

Chatter().widget()

# %% [markdown]
# The subgradient step cannot know how far it is to zero. It jumps over it, turns round, jumps over it again, for ever:
# small, never zero. The second rule is the repair, and it is old: **go no further than to zero.** It is called the
# *proximal step* or *soft threshold*,
#
# $$ S_t(w) = \operatorname{sign}(w) \max(|w| - t, 0), \qquad t = \eta\lambda, $$
#
# and the algorithm becomes: **(1)** take the optimizer's step for the data loss *alone*; **(2)** soft-threshold the
# penalized weights by step size times strength. (Chapter 4 derives it from the minimum it computes.)
#
# **Question.** With $t = 1$: what becomes of −3, −1, 0.4 and 2.5? Why must the threshold hold the step size?

# %%
from labcode.penalties import soft_threshold, soft_threshold_torch

w = np.array([-3.0, -1.0, 0.4, 2.5])
in_words = np.where(np.abs(w) <= 1, 0.0, w - np.sign(w))
print(soft_threshold(w, 1.0) + 0.0)
np.testing.assert_array_equal(soft_threshold(w, 1.0), in_words)
np.testing.assert_array_equal(soft_threshold_torch(torch.tensor(w), 1.0).numpy(), in_words)

# %% [markdown]
# Large weights lose a fixed length, small ones are exactly zero. In a step of length $\eta$ the penalty's force $\lambda$
# moves a weight by $\eta\lambda$; a threshold of $\lambda$ would be a penalty $1/\eta$ times too strong. Adam has a step
# size for every weight, and therefore a threshold for every weight.
#
# `ProximalSGD` and `ProximalAdam` take the strength by parameter group.
#
# **Question.** Which groups get the strength 0?

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
# Those of the biases and of the head.
#
# **Question.** In the loop below, which line is step (1) of the algorithm, and which is step (2)?

# %%
hands, states = arrays(model), dict.fromkeys(arrays(model))
for x, y in batches:
    _, grads = data_loss(hands, x.numpy(), y.numpy())
    for name in hands:
        settings = {"lr": 3e-3, "lam_l1": strengths.get(TARGETS.get(name), 0.0)}
        hands[name], states[name] = proximal_adam(hands[name], grads[name], states[name], **settings)

# %% [markdown]
# Both are inside `proximal_adam`: Adam's step on the data gradient, then the threshold with Adam's own step sizes.
#
# **Question.** And PyTorch: does it agree on every weight, and on every zero?

# %%
torchs = train_by_torch(lambda m: ProximalAdam(groups(m, strengths), lr=3e-3, lam_l1=0.0))
zeros = {name: int((w == 0).sum()) for name, w in hands.items()}
print(f"largest difference {largest_difference(hands, torchs):.8f}; exact zeros:", zeros)
assert largest_difference(hands, torchs) < 1e-7
assert zeros == {name: int((w == 0).sum()) for name, w in torchs.items()}
assert zeros["lstm.weight_ih_l0"] > 0 < zeros["lstm.weight_hh_l0"]
assert sum(zeros.values()) == zeros["lstm.weight_ih_l0"] + zeros["lstm.weight_hh_l0"]

# %% [markdown]
# After ten steps there are zeros in $W$ and $U$ and nowhere else, and both programs agree which ones.

# %% [markdown]
# ### Counting zeros on the weather
#
# Now train in earnest: 20 epochs on the two training years, 32 hidden units, the same λ on $W$ and $U$. A method is an
# optimizer and, where the penalty sits in the loss, a penalty.
#
# **Question.** Four methods follow, two with L1 in the loss and two proximal (those need no penalty in the loss). Predict for
# each how many of the 4864 weights in $W$ and $U$ are exactly 0 in the end.


# %%
def both(lam):
    """Name W and U, with the same strength."""
    return {"input": lam, "recurrent": lam}


METHODS = {  # a function of model and strength that makes the optimizer, and a penalty for the loss
    "SGD, L1 in the loss": (lambda m, lam: torch.optim.SGD(m.parameters(), 0.1, 0.9), l1_penalty_torch),
    "Adam, L1 in the loss": (lambda m, lam: torch.optim.Adam(m.parameters(), 3e-3), l1_penalty_torch),
    "proximal SGD": (lambda m, lam: ProximalSGD(groups(m, both(lam)), 0.1, lam_l1=0.0, momentum=0.9), None),
    "proximal Adam": (lambda m, lam: ProximalAdam(groups(m, both(lam)), 3e-3, lam_l1=0.0), None),
}


# %% [markdown]
# Nothing is trained twice below: `cache` remembers each run. With λ = 0 all Adams are the same method.
#
# **Question.** Which lines make two runs with the same seed a pair, so that only the method differs?


# %%
import functools

from labcode.penalties import WeightRegularization
from labcode.training import fit


@functools.cache
def trained(method, lam, seed=0):
    """Train one model on the weather; return its weights W and U, side by side, and the history."""
    with seeded(seed):
        model = SequenceModel(input_size=6, hidden_size=32, output_size=1)
        optimizer, penalty = METHODS[method]
        settings = {"optimizer": optimizer(model, lam), "epochs": 20, "progress": False}
        settings["generator"] = torch.Generator().manual_seed(seed)
        if penalty is not None:
            one = functools.partial(penalty, lam=lam)
            settings["penalty"] = WeightRegularization(penalties=both(one)).penalty
        history = fit(model, weather.train, weather.validation, **settings)
    w, u = model.lstm.weight_ih_l0.detach(), model.lstm.weight_hh_l0.detach()
    return torch.cat([w, u], dim=1).numpy(), history


# %% [markdown]
# The seed draws the first weights and the order of the batches, and nothing else is random here.
#
# **Question.** Your four predictions: were you right?

# %%
print(f"{'':<22} exactly 0   below 0.001   validation loss")
for method in METHODS:
    weights, history = trained(method, 1e-3)
    zeros, small = np.mean(weights == 0), np.mean(np.abs(weights) < 1e-3)
    print(f"{method:<22} {zeros:9.1%} {small:13.1%} {history.validation_loss[-1]:17.3f}")
    assert zeros > 0.7 if "proximal" in method else zeros == 0
    assert small > 0.5

# %% [markdown]
# With L1 in the loss most weights become *small* and none becomes zero, under either optimizer. The proximal step at the
# same λ sets more than 70 % of them to exact zeros. So the article's sentence needs its second half: L1 makes zero the
# best value, and an algorithm that can stop there takes the weight to it. Plain
# gradient descent, which the article suggests, does not.
#
# A histogram of the weights hides this, since all of it happens in one bin. On a scale of powers of ten it is plain.
#
# **Question.** Where do you expect the weights of "Adam, L1 in the loss" to pile up? Think of the step size, 0.003.

# %%
from labcode.widgets import MagnitudeExplorer

STRENGTHS = (1e-4, 3e-4, 1e-3, 3e-3)
shown = ("Adam, L1 in the loss", "proximal Adam")
runs = {lam: {method: trained(method, lam)[0] for method in shown} for lam in STRENGTHS}
explorer = MagnitudeExplorer(runs, value=max(runs))
explorer.widget()

# %% [markdown]
# The same picture at λ = 0.001, to be read without running it.
#
# **Question.** How many zeros has "Adam, L1 in the loss" at any of the four strengths?

# %%
_ = plots.magnitude_histogram(runs[1e-3])
counts = {lam: int((runs[lam]["proximal Adam"] == 0).sum()) for lam in STRENGTHS}
print(f"exact zeros of proximal Adam, of {weights.size}:", counts)
assert (np.diff(list(counts.values())) > 0).all()
assert all((runs[lam]["Adam, L1 in the loss"] != 0).all() for lam in STRENGTHS)
sizes = np.abs(runs[1e-3]["Adam, L1 in the loss"])
assert np.mean((sizes > 1e-4) & (sizes < 1e-2)) > 0.6

# %% [markdown]
# None. One method leaves most weights dancing around zero, at sizes between 0.0001 and 0.01, about those of Adam's own
# steps; the other sets most to zero. One could cut the dancers off after training, "all below 0.001", but nobody tells you
# that limit: the hill has no edge there.
#
# ### What the zeros cost
#
# Three seeds for each strength, with the proximal step.
#
# **Question.** How many weights can go before the training loss notices? And the validation loss?

# %%
runs = {lam: [trained("proximal Adam", lam, seed) for seed in range(3)] for lam in (0, *STRENGTHS[1:])}
zeros = np.array([[np.mean(weights == 0) for weights, _ in row] for row in runs.values()])
train = np.array([[history.train_loss[-1] for _, history in row] for row in runs.values()])
validation = np.array([[history.validation_loss[-1] for _, history in row] for row in runs.values()])
for lam, share, loss in zip(runs, zeros.mean(axis=1), validation.mean(axis=1), strict=True):
    print(f"λ = {lam:<6g} {share:5.1%} exact zeros, validation loss {loss:.3f}")

# %% [markdown]
# Here is the same as a picture, with the training loss; each dot is one seed.
#
# **Question.** And if we had stopped the model without a penalty at its best epoch?

# %%
_ = plots.losses_against_zeros(list(runs), zeros, train, validation, unit=unit)
assert (np.diff(train.mean(axis=1)) > 0).all()
assert (validation[1:].mean(axis=1) < validation[0].mean() - 0.03).all()
assert 0.75 < zeros[2].mean() < 0.92
lowest = np.mean([min(history.validation_loss) for _, history in runs[0]])
print(f"λ = 0 at the best epoch of each seed: validation loss {lowest:.3f}")
assert abs(lowest - validation[2].mean()) < 0.03

# %% [markdown]
# The training loss rises with every strength; it notices each zero. The validation loss at the end *falls*: with five
# sixths of the weights gone the forecast of unseen days is better than with all of them. All strengths shown are better than
# none after 20 epochs; the differences among them are as small as those between seeds, and we do not rank them. And mind
# the last line: a model without a penalty, stopped at its best epoch, is about as good. L1 does not beat that here; it makes
# the epoch unimportant, and the model sparse.
#
# ### Which weights go
#
# L1 is said to select features. A feature of the weather enters the LSTM through one column of $W$, 128 weights long.
#
# **Question.** Six columns: the two temperatures, rain, wind, and the season as sine and cosine. Which would you drop?

# %%
columns = np.array([[np.mean(weights[:, k] == 0) for k in range(6)] for weights, _ in runs[3e-3]])
for name, by_seed in zip(weather.feature_names, columns.T, strict=True):
    print(f"{name:<20} zeros in its column: " + "  ".join(f"{share:4.0%}" for share in by_seed))
in_u = np.array([np.mean(weights[:, 6:] == 0) for weights, _ in runs[3e-3]])
print(f"{'U':<20} zeros:               " + "  ".join(f"{share:4.0%}" for share in in_u))
assert (columns < 1).all()
assert columns[:, 2:4].mean() > columns[:, :2].mean()
assert (in_u > columns.mean(axis=1)).all()

# %% [markdown]
# Rain and wind lose most, but no column goes as a whole: zeros fall where single weights are useless, and 128 weights must
# all fall before a feature is out. "L1 selects features" is a sentence about linear models, where a feature *is* one weight.
# In an LSTM it selects connections. (Chapter 4 penalizes whole groups.) And the recurrent weights are nearly all gone at a
# strength at which the input weights are not. The forecast hardly needs them. (That is not to say that it needs no memory:
# with $U = 0$ the gates no longer see the last $h$, but the cell $c$ still carries what came in before.)
#
# If so, then a penalty on $U$ alone should do most of the good. Two more methods, then.
#
# **Question.** What would have to change here to penalize the biases?

# %%
for name, target in (("W", "input"), ("U", "recurrent")):
    make = functools.partial(
        lambda target, m, lam: ProximalAdam(groups(m, {target: lam}), lam_l1=0.0, lr=3e-3), target
    )
    METHODS[f"proximal Adam, {name} only"] = (make, None)

# %% [markdown]
# The name "bias" among the strengths, and the biases among the `TARGETS`.
#
# **Question.** Which of the two do you expect to come closer to the penalty on both?

# %%
losses = {}
for method in ("proximal Adam, W only", "proximal Adam, U only", "proximal Adam"):
    losses[method] = [trained(method, 1e-3, seed)[1].validation_loss[-1] for seed in range(3)]
    print(f"{method:<22} validation loss by seed: " + "  ".join(f"{loss:.3f}" for loss in losses[method]))
gain = {method: validation[0].mean() - np.mean(found) for method, found in losses.items()}
assert gain["proximal Adam, U only"] > gain["proximal Adam, W only"] > 0

# %% [markdown]
# $U$, as expected: most of the way from no penalty (the first dots of the figure above) to a penalty on both. That is a
# reason to keep strengths for $W$ and $U$ apart, as Keras does with its kernel and recurrent regularizers: they do
# different work.

# %% [markdown]
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
# **Question.** For $w = (3, -1)$ and λ = 0.01: how do the two pulls compare?

# %%
from labcode.penalties import l2_penalty, l2_penalty_grad, l2_penalty_torch

lam, w = 0.01, np.array([3.0, -1.0])
w_torch = torch.tensor(w, requires_grad=True)
penalty = l2_penalty_torch(w_torch, lam)
penalty.backward()
print("gradient", l2_penalty_grad(w, lam), " PyTorch", w_torch.grad.numpy())
np.testing.assert_allclose(l2_penalty(w, lam), penalty.item(), rtol=1e-12)
np.testing.assert_allclose(l2_penalty_grad(w, lam), w_torch.grad.numpy(), rtol=1e-12)

# %% [markdown]
# A weight three times as large is pulled three times as hard. Now a conversion.
#
# **Question.** Not every library writes the ½: Keras's `l2(x)` adds $x \sum w^2$. Which x has the gradient of λ = 0.01? What
# happens to a learner who copies the 0.01?

# %%
x_keras, h = lam / 2, 1e-6
keras = [x_keras * (np.sum((w + step) ** 2) - np.sum((w - step) ** 2)) / (2 * h) for step in h * np.eye(2)]
print(f"l2({x_keras}): penalty {x_keras * np.sum(w**2)}, slope {np.round(keras, 6)}")
np.testing.assert_allclose(l2_penalty(w, lam), x_keras * np.sum(w**2), rtol=1e-12)
np.testing.assert_allclose(l2_penalty_grad(w, lam), keras, rtol=1e-6)

# %% [markdown]
# **Our λ is twice Keras's x.** Whoever copies 0.01 from a Keras program into our λ, or into PyTorch's `weight_decay`, has
# halved the penalty; in the other direction it is doubled.
#
# **Step 3: the update.** With plain SGD the two terms can be sorted:
#
# $$ w_i \leftarrow w_i - \eta \left( \frac{\partial L}{\partial w_i} + \lambda w_i \right)
#    = (1 - \eta\lambda)\, w_i - \eta \frac{\partial L}{\partial w_i} . $$
#
# First every weight shrinks by the same *share*, then comes the data's step. Read that way the penalty is called **weight
# decay**, and optimizers offer it as a setting. PyTorch's applies to every parameter it is given, biases and head
# included, so it needs groups to be our penalty.
#
# **Question.** What would happen to the biases without the groups below?


# %%
def decayed(model, lam):
    """Put each parameter into a group of its own; W and U decay, the others do not."""
    named = model.named_parameters()
    return [{"params": [w], "weight_decay": lam if name in TARGETS else 0.0} for name, w in named]


# %% [markdown]
# They would decay, too.
#
# **Question.** Three ways on the LSTM, ten steps each: the penalty's gradient by hand, the penalty in the loss, and
# `weight_decay=λ`. Which of them will agree?

# %%
lam = 0.1
hands = train_by_hand(sgd, l2_penalty_grad, both(lam), lr=0.1)
in_loss = train_by_torch(lambda m: torch.optim.SGD(m.parameters(), 0.1), l2_penalty_torch, both(lam))
setting = train_by_torch(lambda m: torch.optim.SGD(decayed(m, lam), 0.1))
careless = train_by_torch(lambda m: torch.optim.SGD(m.parameters(), 0.1, weight_decay=lam))
for name, other in (("penalty in the loss", in_loss), ("weight_decay", setting), ("on all", careless)):
    print(f"{name:<20} differs from the one by hand by {largest_difference(hands, other):.8f}")
assert largest_difference(hands, in_loss) < 1e-12 > largest_difference(hands, setting)
assert largest_difference(hands, careless) > 1e-4

# %% [markdown]
# Three ways, one algorithm. The last line is the careless fourth: `weight_decay` for all parameters also pulls the biases and
# the head to zero, and that is another model.
#
# Now Adam, which divides each weight's gradient by its own recent size. Three candidates for "L2 under Adam":
#
# **Question.** Where does the decay enter in each of them, before Adam's division or beside it?

# %%
hands = train_by_hand(adam, l2_penalty_grad, both(lam), lr=3e-3)
others = {
    "Adam, penalty in the loss": (torch.optim.Adam, l2_penalty_torch, 0.0),
    "Adam(weight_decay=λ)": (torch.optim.Adam, None, lam),
    "AdamW(weight_decay=λ)": (torch.optim.AdamW, None, lam),
}

# %% [markdown]
# Before it in the first two; in AdamW beside it.
#
# **Question.** Will a difference of that kind show after ten steps?

# %%
differences = {}
for name, (optimizer, penalty, decay) in others.items():
    make = functools.partial(lambda optimizer, decay, m: optimizer(decayed(m, decay), 3e-3), optimizer, decay)
    other = train_by_torch(make, penalty, both(lam))
    differences[name] = largest_difference(hands, other)
    print(f"{name:<26} differs from the penalty by hand by {differences[name]:.8f}")
assert max(list(differences.values())[:2]) < 1e-7
assert differences["AdamW(weight_decay=λ)"] > 1e-3

# %% [markdown]
# Adam's own `weight_decay` is the L2 penalty: it adds λw to the gradient *before* the division, and so the decay of a weight
# is divided by the size of that weight's gradient. AdamW shrinks the weights beside the division, by the share $\eta\lambda$.
# Under SGD the two are one; under Adam they are two methods, and a λ tuned for one says nothing about the other. Chapter 4
# derives and measures it.

# %% [markdown]
# ### What it does on the weather
#
# L2 in the loss, Adam, 20 epochs, as before.
#
# **Question.** One curve of each strength, first seed. Which λ stops the validation loss from turning upwards? Which is too
# much?

# %%
METHODS["Adam, L2 in the loss"] = (METHODS["Adam, L1 in the loss"][0], l2_penalty_torch)
runs = {lam: [trained("Adam, L2 in the loss", lam, seed) for seed in range(3)] for lam in (1e-3, 1e-2, 1e-1)}
runs = {0: [trained("proximal Adam", 0, seed) for seed in range(3)]} | runs
histories = {f"λ = {lam:g}": row[0][1] for lam, row in runs.items()}
curves = {label: (history.train_loss, history.validation_loss) for label, history in histories.items()}
_ = plots.curves_by_setting(curves, baseline=persistence, unit=unit)
gaps = [np.mean([history.gap[-1] for _, history in row]) for row in runs.values()]
print("mean gap at the end, by strength:", np.round(gaps, 3).tolist())
assert (np.diff(gaps) < 0).all()

# %% [markdown]
# Without a penalty (λ = 0) the two curves part; each strength brings them closer together. At λ = 0.1 they nearly touch, and
# both are held up: the model has become too stiff.
#
# **Question.** And at the end, over three seeds? What has become of the size of the weights, and of exact zeros?

# %%
print("λ        validation loss by seed    mean size of a weight   exact zeros")
means = {}
for lam, row in runs.items():
    losses = [history.validation_loss[-1] for _, history in row]
    size = np.mean([np.abs(weights).mean() for weights, _ in row])
    zeros = sum(int((weights == 0).sum()) for weights, _ in row)
    means[lam] = (np.mean(losses), size)
    print(f"{lam:<8g} " + "  ".join(f"{loss:.3f}" for loss in losses) + f" {size:22.4f} {zeros:15}")
    assert zeros == 0
assert all(means[lam][0] < means[0][0] - 0.03 for lam in (1e-3, 1e-2, 1e-1))
assert means[1e-2][0] < means[1e-1][0]
assert (np.diff([size for _, size in means.values()]) < 0).all()

# %% [markdown]
# Every strength is better than none after 20 epochs, and the middle one better than the strongest. The weights shrink
# many times over, and there is not one zero among them: this half of the article's sentence holds as it stands.
#
# **Question.** L1 and L2 at strengths at which they forecast about equally well: how differently do they get there?

# %%
compared = {
    "no penalty": trained("proximal Adam", 0)[0],
    "L2, λ = 0.01": trained("Adam, L2 in the loss", 1e-2)[0],
    "L1 proximal, λ = 0.001": trained("proximal Adam", 1e-3)[0],
}
_ = plots.magnitude_histogram(compared)
largest = {name: float(np.abs(weights).max()) for name, weights in compared.items()}
print("largest weight:", {name: round(size, 2) for name, size in largest.items()})
assert largest["L2, λ = 0.01"] < largest["L1 proximal, λ = 0.001"]

# %% [markdown]
# L2 moves the whole hill to the left: everyone pays in proportion, and the largest pay most. L1 charges all the same: it
# empties most of the hill into the bar of zeros, and leaves those that are worth their price larger than L2 does.

# %% [markdown]
# ### A price on what the LSTM puts out
#
# Squares can be charged on something else than weights.
# [Merity, McCann and Socher (2017)](https://arxiv.org/abs/1708.01009) put a price on the outputs $h_t$: on their size (*AR*,
# activation regularization) and on their change from step to step (*TAR*, the temporal form),
#
# $$ \text{AR: } \alpha \cdot \text{mean of } h_t^2, \qquad \text{TAR: } \beta \cdot \text{mean of } (h_t - h_{t-1})^2 . $$
#
# **Question.** One unit says 0, 1, 1. What is AR for α = 3, and what is TAR for β = 2?

# %%
from labcode import penalties

said = np.array([0.0, 1.0, 1.0]).reshape(1, 3, 1)  # (sequences, steps, units)
ar, tar = penalties.activation_penalty(said, 3.0), penalties.temporal_activation_penalty(said, 2.0)
print(f"AR {ar:.2f}, TAR {tar:.2f}")
np.testing.assert_allclose([ar, tar], [3.0 * np.mean(said**2), 2.0 * np.mean(np.diff(said, axis=1) ** 2)])

# %% [markdown]
# 3 · 2/3 and 2 · 1/2: there are three outputs, and two changes between them.
#
# **Question.** On the outputs of our LSTM: do value and gradient agree with PyTorch? On which weights will the two act?

# %%
output = model.lstm(batches[0][0])[0].detach().requires_grad_()
as_numpy = output.detach().numpy()
for name in ("activation_penalty", "temporal_activation_penalty"):
    by_torch = getattr(penalties, f"{name}_torch")(output, 2.0)
    (slope,) = torch.autograd.grad(by_torch, output)
    np.testing.assert_allclose(getattr(penalties, name)(as_numpy, 2.0), by_torch.item(), rtol=1e-12)
    by_hand = getattr(penalties, f"{name}_grad")(as_numpy, 2.0)
    np.testing.assert_allclose(by_hand, slope.numpy(), rtol=1e-9, atol=1e-16)
print("values and gradients agree for outputs of shape", tuple(output.shape))

# %% [markdown]
# They agree. The pull is on the outputs; backpropagation through time carries it to *all* weights of the LSTM, biases
# included. That is one thing that sets these two apart from L2.
#
# **Question.** `fit` calls such a price `activation_penalty`. Three runs, same seed, 20 epochs, α = β = 3 (a round number that
# nobody tuned). Which run has the smallest outputs, which the slowest?

# %%
from labcode.experiments import train_once

prices = {"no price": None, "AR": lambda h: penalties.activation_penalty_torch(h, 3.0)}
prices["TAR"] = lambda h: penalties.temporal_activation_penalty_torch(h, 3.0)
x_validation, table = torch.tensor(weather.validation.x), {}
for name, price in prices.items():
    options = {"hidden": 32, "epochs": 20, "progress": False, "activation_penalty": price}
    told, history = train_once(weather, seed=0, **options)
    h = told.lstm(x_validation)[0].detach().numpy()
    table[name] = np.mean(h**2), np.mean(np.diff(h, axis=1) ** 2), history.validation_loss[-1]
    print("{:<9} size {:.4f}, change {:.4f}, validation loss {:.3f}".format(name, *table[name]))

# %% [markdown]
# AR has the smallest, and they change about as little as TAR's: what is small cannot change much.
#
# **Question.** So is TAR superfluous? What does it do that AR does not?

# %%
change_for_size = {name: change / size for name, (size, change, _) in table.items()}
print("change relative to size:", {name: round(float(share), 2) for name, share in change_for_size.items()})
assert table["AR"][0] < table["TAR"][0] < 0.7 * table["no price"][0]
assert table["AR"][1] < 1.3 * table["TAR"][1] < 0.9 * table["no price"][1]
assert change_for_size["TAR"] < 0.6 * change_for_size["AR"]
assert max(table["AR"][2], table["TAR"][2]) < table["no price"][2] - 0.03

# %% [markdown]
# For their size TAR's outputs change less than two thirds as much as AR's: one price says *be small*, the other *be steady*.
# Both end below the run without a price; from one seed and a strength that nobody chose we do not rank them.

# %% [markdown]
# ## What to remember
#
# - A penalty is three steps: objective, gradient, update. Its gradient is λ sign(w) for L1 and λw for L2; biases get none
#   unless you name them.
# - L1 in the loss gives small weights and no zeros, under SGD and under Adam: the step jumps over zero. The proximal step,
#   soft-thresholding by *step size times* λ after the data step, gives exact zeros.
# - On the weather five sixths of the weights can be zero, and after 20 epochs the forecast of unseen days is the better for it. What goes are single
#   connections, mostly recurrent ones; no input feature goes as a whole.
# - L2 and weight decay are one method under SGD. Under Adam the penalty is divided by the gradient's size; AdamW's decay is not.
# - AR and TAR put the price on the outputs in place of the weights: one wants them small, the other steady.
# - Keras's `l2(x)` is λ = 2x here. PyTorch's `weight_decay` is λ itself, on every parameter it is given.
#
# ## Quiz
#
# **1.** After training with L1 in the loss, `(w == 0).sum()` is 0. A colleague raises λ tenfold. Will it help?
#
# <details><summary>Answer</summary>
#
# No. The weights get smaller and more of them dance around zero, in larger jumps. Only a step that can stop at zero gives
# zeros: the proximal one.
# </details>
#
# **2.** Someone soft-thresholds by λ after each step, with a step size of 0.003. What does the model learn?
#
# <details><summary>Answer</summary>
#
# Next to nothing. The threshold should be 0.003 × λ; without the step size the penalty is more than 300 times too strong.
# </details>
#
# **3.** A paper trains with Keras's `l2(0.0005)` and SGD. Which `weight_decay` is the same in PyTorch, and for which parameters?
#
# <details><summary>Answer</summary>
#
# 0.001, in a group that holds exactly the arrays with the regularizer (in Keras the kernel, and the recurrent kernel if it has
# one of its own), and 0 for all others.
# </details>
#
# **4.** With `torch.optim.Adam(weight_decay=λ)`, which weights decay least?
#
# <details><summary>Answer</summary>
#
# Those with the largest gradients: λw is divided by the recent size of the gradient. In AdamW all shrink by the same share.
# </details>
#
# **5.** L2 with λ = 0.1 has the smallest gap of all strengths. Is it the best?
#
# <details><summary>Answer</summary>
#
# No: its validation loss is higher than that of λ = 0.01. A penalty that is too strong closes the gap by spoiling both curves.
# </details>
#
# **Next:** [part 2](../notebooks/03_3-4_dropout.ipynb) turns from the weights to what flows through them: dropout, and
# where to put it in an LSTM.
