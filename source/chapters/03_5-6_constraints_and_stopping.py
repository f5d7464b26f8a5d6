# %% [markdown] tags=["core"]
# # Chapter 3, part 3: Weight constraints and early stopping
#
# *About 60 minutes. Needs: [chapter 3, part 1](../notebooks/03_1-2_penalties.ipynb). The article names both methods in its
# section 2; sections 3.5 and 3.6 continue its section 3 with their steps.*
#
# **After this chapter you can**
#
# - project the weights of an LSTM after each step, and choose over what one norm is taken;
# - put clipping, step and projection into the right order, and say what each does to the weights;
# - write early stopping as an algorithm, keep the best weights as a copy, and restore them;
# - predict what the early stopping of Keras, Lightning and Ignite will do, and where they differ.

# %% [markdown]
# ## 3.5 Weight constraints
#
# A penalty charges for large weights. A constraint forbids them: after each step of the optimizer every vector of weights
# that lies outside the allowed set is moved to the nearest point inside, its *projection*. For the set of all vectors of
# length at most $c$ that is
#
# $$ w \leftarrow w \cdot \min\!\left(1, \frac{c}{\lVert w \rVert}\right) . $$
#
# **Step 1: the projection.** By hand, in NumPy and in PyTorch.
#
# **Question.** The rows of the matrix have lengths 5, 1 and 0. What does max-norm with $c = 2$ make of each?

# %%
import numpy as np
import torch

from labcode.constraints import max_norm, max_norm_torch

w = np.array([[3.0, 4.0], [0.6, 0.8], [0.0, 0.0]])
by_hand = np.array([[1.2, 1.6], [0.6, 0.8], [0.0, 0.0]])
print(max_norm(w, 2.0))
np.testing.assert_allclose(max_norm(w, 2.0), by_hand, rtol=1e-15)
np.testing.assert_allclose(max_norm_torch(torch.tensor(w), 2.0).numpy(), by_hand, rtol=1e-15)
np.testing.assert_array_equal(max_norm(w, 2.0)[1:], w[1:])

# %% [markdown]
# The long one is shortened and keeps its direction; what is inside is not touched, in not a single bit.
#
# There are more sets to choose from. `unit_norm` allows length 1 only, `min_max_norm` a range of lengths, `non_neg` no
# negative weights.
#
# **Question.** Write down the equation of each before you read on.

# %%
from labcode import plots
from labcode.constraints import min_max_norm, non_neg, unit_norm

angle, length = np.linspace(0.2, 6.2, 12), np.tile([0.3, 0.9, 1.6], 4)
before = length[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
after = {
    "max_norm(1)": max_norm(before, 1.0),
    "unit_norm": unit_norm(before),
    "min_max_norm(0.6, 1.2)": min_max_norm(before, 0.6, 1.2),
    "non_neg": non_neg(before),
}

# %% [markdown]
# The equations stand in the next cell but one; first a picture.
#
# **Question.** Twelve vectors around the origin. In which of the four pictures will vectors get *longer*?

# %%
circles = {"max_norm(1)": (1.0,), "unit_norm": (1.0,), "min_max_norm(0.6, 1.2)": (0.6, 1.2)}
_ = plots.projections(before, after, circles)
longer = [name for name, w in after.items() if (np.linalg.norm(w, axis=1) > length + 1e-12).any()]
print("vectors get longer in", longer)
assert longer == ["unit_norm", "min_max_norm(0.6, 1.2)"]

# %% [markdown]
# Take a vector in your own hand. **Try this:**
#
# 1. Turn it at a length below the limit. Which constraint leaves it alone?
# 2. Make it longer until max-norm takes hold, then shorter until the range does. Does any of them change the angle?

# %%
from labcode.widgets import VectorUnderConstraints

VectorUnderConstraints().widget()

# %% [markdown]
# The second and the third. Only max-norm and non-negative weights are limits in the sense of regularization; a range or
# a unit length also pushes small vectors out. The equations are one line each:
#
# **Question.** Which of these lines would fail on a vector of zeros, and what does the library do there?

# %%
norms = np.linalg.norm(before, axis=1, keepdims=True)
in_words = {
    "max_norm(1)": before * np.minimum(1, 1 / norms),
    "unit_norm": before / norms,
    "min_max_norm(0.6, 1.2)": before * np.clip(norms, 0.6, 1.2) / norms,
    "non_neg": np.maximum(before, 0),
}
for name, projected in after.items():
    np.testing.assert_allclose(projected, in_words[name], rtol=1e-14)
assert not unit_norm(np.zeros((1, 2))).any()

# %% [markdown]
# All that divide by the length would; the library leaves a vector of zeros, which has no direction, as it is.
#
# **Question.** And the PyTorch twins?

# %%
from labcode.constraints import min_max_norm_torch, non_neg_torch, unit_norm_torch

t = torch.tensor(before)
twins = (max_norm_torch(t, 1.0), unit_norm_torch(t), min_max_norm_torch(t, 0.6, 1.2), non_neg_torch(t))
for projected, twin in zip(after.values(), twins, strict=True):
    np.testing.assert_allclose(projected, twin.numpy(), rtol=1e-14)
print("NumPy and PyTorch agree on all four")

# %% [markdown]
# They agree. Keras avoids the division by zero in another way: it divides by $10^{-7} + \lVert w \rVert$. That also touches
# vectors that are inside the ball.
#
# **Question.** A vector of length 0.1, limit 1, so nothing to do. How much of it is left after 100 000 steps of either rule?

# %%
steps, limit = 100_000, 1.0
norm_keras = 0.1
for _ in range(steps):
    norm_keras *= min(norm_keras, limit) / (1e-7 + norm_keras)
vector = np.array([[0.06, 0.08]])
print(f"Keras's formula {norm_keras:.4f}, ours {np.linalg.norm(max_norm(vector, limit)):.4f}")
assert 0.089 < norm_keras < 0.091
np.testing.assert_array_equal(max_norm(vector, limit), vector)

# %% [markdown]
# Each step takes 1e-7 off the length, so a tenth is gone: harmless in a short training, but no projection.

# %% [markdown]
# ### One norm over what?
#
# A weight matrix of an LSTM has $4H$ rows: the gates $i, f, g, o$ below each other. There are three sensible vectors in it:
#
# - `"row"`: the weights that enter *one gate of one unit*, $4H$ norms. This is Keras's default (there the matrix is
#   transposed, so it is `axis=0`).
# - `"unit"`: all weights that enter *one unit*, its four rows together, $H$ norms.
# - `"matrix"`: everything, one norm.
#
# **Question.** For $H = 3$ and $U$ of shape (12, 3), which rows belong to unit 1? (Units count from 0.)

# %%
u = np.random.default_rng(0).normal(size=(12, 3))
of_unit_1 = u[[1, 4, 7, 10]]
for axis, vector in (("row", u[1]), ("unit", of_unit_1), ("matrix", u)):
    projected = max_norm(u, 0.5, axis)
    shrunk = projected[1] / u[1]
    print(f"{axis:<7} row 1 keeps {shrunk[0]:.3f} of its length")
    np.testing.assert_allclose(shrunk, 0.5 / np.linalg.norm(vector), rtol=1e-12)
np.testing.assert_allclose(np.linalg.norm(max_norm(u, 0.5, "unit")[[1, 4, 7, 10]]), 0.5)

# %% [markdown]
# The same limit means something different for each: a limit is a length, and longer vectors have more entries to fill it.
# Say the axis when you report a limit.

# %% [markdown]
# ### The order: clip, step, project
#
# **Step 2: the training step.** Three things happen to a step in an LSTM's training, and they must happen in this order:
#
# 1. **clip** the gradient, if it is too long: $g \leftarrow g \cdot \min(1, m / \lVert g \rVert)$, over all arrays together;
# 2. **step** of the optimizer;
# 3. **project** the weights.
#
# We take five such steps on the weather, by hand and in PyTorch. First the model and its gradients; part 1 has checked them
# by hand, so PyTorch may calculate them here.
#
# **Question.** How many windows do the five batches hold?

# %%
from labcode.data import load_weather

weather = load_weather()
unit = f"mean squared error [({weather.target_std:.2f} °C)²]"
batches = [
    [torch.tensor(a[k : k + 32], dtype=torch.float64) for a in weather.train] for k in range(0, 160, 32)
]

# %% [markdown]
# Five times 32, in time order.
#
# **Question.** Why must `new_model` below set the seed each time?

# %%
from labcode.lstm import SequenceModel
from labcode.training import seeded


def new_model():
    """Return the same untrained model each time."""
    with seeded(0):
        return SequenceModel(input_size=6, hidden_size=32, output_size=1).double()


# %% [markdown]
# So that all programs below start from the same weights.
#
# **Question.** Why does each step begin with `zero_grad`?


# %%
def gradients(model, x, y):
    """Fill in the gradients of the batch's mean squared error; return the parameters by name."""
    model.zero_grad()
    torch.nn.functional.mse_loss(model(x), y).backward()
    return dict(model.named_parameters())


# %% [markdown]
# PyTorch adds to what is there. Now the step by hand.
#
# **Question.** Both limits, 0.1 for the gradient and 0.9 for the norms of $U$, are set low, so that they act. How would you
# see that they do?

# %%
from labcode.optimizers import clip_by_global_norm, sgd

LIMIT = 0.9
by_hand = new_model()
for x, y in batches:
    named = gradients(by_hand, x, y)
    grads, norm = clip_by_global_norm([w.grad.numpy() for w in named.values()], 0.1, eps=1e-6)
    pairs = zip(named.items(), grads, strict=True)
    weights = {name: sgd(w.detach().numpy(), grad, lr=1.0)[0] for (name, w), grad in pairs}
    weights["lstm.weight_hh_l0"] = max_norm(weights["lstm.weight_hh_l0"], LIMIT, "unit")
    by_hand.load_state_dict({name: torch.tensor(array) for name, array in weights.items()})
    print(f"norm of the gradient {norm:.2f} before clipping")
    assert norm > 0.1


# %% [markdown]
# The gradients were longer than 0.1 each time, so clipping acted.
#
# **Question.** In PyTorch a constraint is a function of weights under the name of its target. Which norm does this one limit?


# %%
def max_norm_on_u(limit):
    """The projection of the recurrent weights of each unit."""
    return {"recurrent": lambda u: max_norm_torch(u, limit, "unit")}


# %% [markdown]
# `constrain_` applies such a projection to the LSTM of a model, in place and without gradient.
#
# **Question.** In PyTorch each part of a step is one line. Which of the three needs the optimizer, which only the model?

# %%
from torch.nn.utils import clip_grad_norm_

from labcode.constraints import constrain_

PARTS = {
    "clip": lambda model, optimizer: clip_grad_norm_(model.parameters(), 0.1),
    "step": lambda model, optimizer: optimizer.step(),
    "project": lambda model, optimizer: constrain_(model, max_norm_on_u(LIMIT)),
}

# %% [markdown]
# Only the step needs it. A training is then the names of its parts, in their order.
#
# **Question.** Clipping and stepping both read the gradient. Which of them changes it?


# %%
def trained(order):
    """Train on the five batches, each step made of the parts that are named, in their order."""
    model = new_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    for x, y in batches:
        gradients(model, x, y)
        for part in order.split(", "):
            PARTS[part](model, optimizer)
    return model


# %% [markdown]
# Clipping does, in place.
#
# **Question.** Do the weights agree with those by hand?


# %%
for one, other in zip(by_hand.parameters(), trained("clip, step, project").parameters(), strict=True):
    np.testing.assert_allclose(one.detach().numpy(), other.detach().numpy(), rtol=1e-9, atol=1e-12)
print("equal after five steps")

# %% [markdown]
# Equal. Now turn the order round, in two ways that are seen in real programs. We look at the norms of the units.
#
# **Question.** $U$ has the shape $(4H, H)$. Over which axes of its shape $(4, H, H)$ does the norm of a unit sum?


# %%
def unit_norms(model):
    """Return the norm of the recurrent weights that enter each unit, (H,)."""
    u = model.lstm.weight_hh_l0.detach().numpy()
    return np.sqrt(np.square(u.reshape(4, u.shape[1], -1)).sum(axis=(0, 2)))


# %% [markdown]
# Over the gates and over what comes in, the first and the last.
#
# **Question.** What is wrong with "project, then step"? And what does clipping after the step do?


# %%
orders = ("clip, step, project", "clip, project, step", "step, clip, project", "step, project")
models = {order: trained(order) for order in orders}
for order, model in models.items():
    print(f"{order:<20} longest vector {unit_norms(model).max():.4f}, limit {LIMIT}")
late, never = (models[order].state_dict() for order in ("step, clip, project", "step, project"))
assert all(torch.equal(late[name], never[name]) for name in late)
assert unit_norms(models["clip, step, project"]).max() < LIMIT + 1e-9
assert unit_norms(models["clip, project, step"]).max() > LIMIT + 1e-6

# %% [markdown]
# Whoever projects first lets the step lead out again: the model that is evaluated and saved breaks its own constraint. And
# clipping after the step changes *nothing*, bit for bit: it shortens a gradient that has been used already and is thrown
# away before the next.

# %% [markdown]
# ### Three brakes, three places
#
# Clipping limits the gradient of one step. A penalty pulls at all weights at all times. A constraint does nothing until
# a vector reaches the limit, and then goes no further. In whole trainings that looks different. `fit` calls `constraint`
# after each step; the recorder below uses this place.
#
# **Question.** Sketch how the largest norm of a unit grows in each of four runs: no brake, clipping, L2, max-norm.


# %%
def recorder(projections=None):
    """Return a list that fills with the units' norms, and what fills it after each step."""
    norms = []

    def after_step(model):
        if projections is not None:
            constrain_(model, projections)
        norms.append(unit_norms(model))

    return norms, after_step


# %% [markdown]
# Keep your sketch for the figure. The penalty of part 1, on $U$ alone:
#
# **Question.** What is its gradient, and for which array is it not 0?

# %%
from functools import partial

from labcode.experiments import train_once
from labcode.penalties import WeightRegularization, l2_penalty_torch

l2_on_u = WeightRegularization(penalties={"recurrent": partial(l2_penalty_torch, lam=1e-3)})


# %% [markdown]
# It is λ times $U$, for $U$ only.
#
# **Question.** Four runs, the same seed. In which of them will the recorder also change the weights?


# %%
settings = {
    "no brake": ({}, None),
    "gradient clipped at 0.2": ({"clip_norm": 0.2}, None),
    "L2 penalty, λ = 0.001": ({"penalty": l2_on_u.penalty}, None),
    "max-norm 1.5": ({}, max_norm_on_u(1.5)),
}
# %% [markdown]
# In the last one only: the others pass no projection.
#
# **Question.** Compare the figure with your sketch.

# %%
options, norms, models = {"hidden": 32, "epochs": 20, "progress": False}, {}, {}
for name, (brake, projections) in settings.items():
    norms[name], after_step = recorder(projections)
    models[name], _ = train_once(weather, seed=0, constraint=after_step, **brake, **options)
_ = plots.norms_over_training(norms, steps_per_epoch=-(-len(weather.train.x) // 32), limit=1.5)

# %% [markdown]
# Two lines climb together, one stays low, one runs into the limit.
#
# **Question.** Which two are it in numbers, and how many units sit at the limit in the end?

# %%
last = {name: np.array(values)[-1] for name, values in norms.items()}
for name, values in last.items():
    print(f"{name:<24} largest {values.max():.2f}, median {np.median(values):.2f}")
print(f"{'(after the first step)':<24} median {np.median(norms['no brake'][0]):.2f}")
print("units at the limit:", int((last["max-norm 1.5"] > 1.5 - 1e-5).sum()), "of 32")
assert last["gradient clipped at 0.2"].max() > 1.5 * np.max(norms["no brake"][0])
assert np.max(norms["max-norm 1.5"]) < 1.5 + 1e-5
assert last["L2 penalty, λ = 0.001"].max() < 0.8 * last["no brake"].max()

# %% [markdown]
# Clipping is no regularizer of the weights: they grow with it almost as without. (It keeps one bad batch from throwing the
# model away; and Adam divides by the gradient's size, so it hardly notices a shorter one.) The penalty holds *all* norms down
# from the first step, small ones as well. Max-norm lets them run freely, and draws a line.
#
# **Question.** What does a limit do that no vector ever reaches? And a penalty that is as small?

# %%
_, after_step = recorder(max_norm_on_u(100.0))
unreached, _ = train_once(weather, seed=0, constraint=after_step, **options)
pairs = zip(unreached.parameters(), models["no brake"].parameters(), strict=True)
same = all(torch.equal(a, b) for a, b in pairs)
other = models["L2 penalty, λ = 0.001"].lstm.weight_hh_l0 != models["no brake"].lstm.weight_hh_l0
print("limit 100: all weights as without a constraint, bit for bit:", same)
print(f"L2: {other.float().mean():.0%} of the recurrent weights are other ones")
assert same
assert other.float().mean() > 0.99

# %% [markdown]
# Nothing at all: with a wide limit it is the same run. A penalty has no such dead zone. So a max-norm must be chosen with
# the norms of the model in view, as in the figure above; a value taken from a paper on images may never act on
# your LSTM.

# %% [markdown]
# ### What it does on the weather
#
# Max-norm on the recurrent weights of each unit, five limits, three seeds. (The norms start near 1.15, as printed
# above, so the lower limits cut the weights down at the very first step.)
#
# **Question.** Where between the smallest and the largest limit do you expect the lowest validation loss?

# %%
limits, seeds = (0.25, 0.5, 1.0, 2.0, 4.0), range(3)
runs = []
for limit in limits:
    _, after_step = recorder(max_norm_on_u(limit))
    runs.append([train_once(weather, seed=seed, constraint=after_step, **options)[1] for seed in seeds])
train = np.array([[history.train_loss[-1] for history in row] for row in runs])
validation = np.array([[history.validation_loss[-1] for history in row] for row in runs])
print("mean validation loss by limit:", validation.mean(axis=1).round(3).tolist())

# %% [markdown]
# It falls from right to left.
#
# **Question.** And the training loss? Does the figure look like the one for λ in chapter 1, turned round?

# %%
_ = plots.losses_against(limits, train, validation, xlabel="limit on the norm of a unit's U", unit=unit)
assert (np.diff(train.mean(axis=1)[:4]) < 0).all()
assert validation[:2].mean() < validation[-1].mean() - 0.03
assert abs(validation[0].mean() - validation[1].mean()) < 0.03

# %% [markdown]
# The tighter, the better, and at the end flat: there is no lowest point inside this grid. That is less a success of max-norm
# than a message about the task: with recurrent weights cut to a fifth of their size at the start the forecast of unseen days
# loses nothing. Part 1 found the same by way of zeros. Where the recurrence matters more, expect the curve to turn.

# %% [markdown]
# ## 3.6 Early stopping
#
# No term and no limit on weights: a limit on time. As an algorithm, with patience $p$ and a smallest change $\delta$ that
# counts:
#
# 1. After each epoch measure the loss on the **validation** data.
# 2. If it is lower than the best so far by more than $\delta$: it is the new best. Keep its epoch and a **copy** of the weights,
#    and set the counter to 0.
# 3. Else add 1 to the counter, and stop if it has reached $p$.
# 4. At the end put the kept weights back.
#
# The rule sees numbers, not arrays, so there is no PyTorch twin; it can be checked against the library's class.
#
# **Question.** Find the four steps of the algorithm in the function. Which one is missing?


# %%
def stop_by_hand(trace, patience, min_delta=0.0):
    """Return the epoch after which training stops (None: it does not) and the epoch that is kept."""
    best, best_epoch, counter = np.inf, None, 0
    for epoch, loss in enumerate(trace):
        if loss < best - min_delta:
            best, best_epoch, counter = loss, epoch, 0
        else:
            counter += 1
            if counter >= patience:
                return epoch, best_epoch
    return None, best_epoch


# %% [markdown]
# The copy of the weights, and step 4 with it: a function of a trace has none.
#
# **Question.** With $p = 2$, where does it stop on 5, 4, 4, 3, 4, 3, 2? Which epoch is kept?


# %%
print(stop_by_hand([5, 4, 4, 3, 4, 3, 2], patience=2))
assert stop_by_hand([5, 4, 4, 3, 4, 3, 2], patience=2) == (5, 3)

# %% [markdown]
# After epoch 5, counting from 0, and epoch 3 is kept: an equal value is no improvement. Epoch 6, which would have been better,
# never happens.
#
# **Question.** Does it agree with `EarlyStopping` on five hundred random traces?

# %%
from labcode.early_stopping import EarlyStopping

rng = np.random.default_rng(0)
for _ in range(500):
    trace, patience = rng.integers(0, 6, size=12) / 2, int(rng.integers(1, 5))
    delta = float(rng.choice([0.0, 0.5, 1.0]))
    rule = EarlyStopping(patience=patience, min_delta=delta)
    for epoch, value in enumerate(trace):
        if rule.update(epoch, float(value)):
            break
    assert (rule.stopped_epoch, rule.best_epoch) == stop_by_hand(trace, patience, delta)
print("agrees on 500 traces")

# %% [markdown]
# It does. (The class has more: a baseline, a first epoch to watch, a state for checkpoints.)

# %% [markdown]
# ### Keep a copy
#
# Step 2 says *copy*. Three programs that all look like one: keep `model.state_dict()`, keep `dict(model.state_dict())`, keep a
# deep copy. We train on past the best epoch, one epoch for each call of `fit`, and then put back what each has kept.
#
# **Question.** Why must optimizer and generator be made once, and not in the loop?

# %%
import copy

from labcode.training import fit

with seeded(1):
    model = SequenceModel(input_size=6, hidden_size=32, output_size=1)
optimizer, generator = torch.optim.Adam(model.parameters(), 3e-3), torch.Generator().manual_seed(1)
one = {"optimizer": optimizer, "generator": generator, "epochs": 1, "progress": False}


# %% [markdown]
# Adam's running means and the order of the batches should go on, not start anew.
#
# **Question.** Which of the three gives back the best epoch? What do the others give back?


# %%
trace, kept = [], {}
for _ in range(20):
    trace += fit(model, weather.train, weather.validation, **one).validation_loss
    if trace[-1] == min(trace):
        state = model.state_dict()
        kept = {"state_dict()": state, "dict(...)": dict(state), "deepcopy(...)": copy.deepcopy(state)}

# %% [markdown]
# All three were refreshed at each new best epoch, and left alone after the last one.
#
# **Question.** Your last chance to change your answer: which losses will the three models have?

# %%
from labcode.training import evaluate

found = {}
for way, state in kept.items():
    restored = SequenceModel(input_size=6, hidden_size=32, output_size=1)
    restored.load_state_dict(state)
    found[way] = evaluate(restored, weather.validation)["loss"]
    print(f"{way:<14} validation loss {found[way]:.4f}")
print(f"best epoch {int(np.argmin(trace))}: {min(trace):.4f}; last epoch: {trace[-1]:.4f}")
np.testing.assert_allclose(found["deepcopy(...)"], min(trace), rtol=1e-6)
np.testing.assert_allclose([found["state_dict()"], found["dict(...)"]], trace[-1], rtol=1e-6)
assert trace[-1] > min(trace) + 0.01

# %% [markdown]
# Only the deep copy. `state_dict()` holds the very tensors that the optimizer goes on changing in place, and a new dictionary
# around them holds the same tensors. Nothing fails, nothing warns; the "best" weights are simply the last ones.

# %% [markdown]
# ### Three frameworks, three rules
#
# Keras, Lightning and Ignite each have a class `EarlyStopping`, and they are not the same. `labcode.libraries.stopping_rules` holds
# their rules as functions of a trace; the course's tests compare them with 106 traces recorded from the frameworks (Keras
# 3.15, Lightning 2.6, Ignite 0.5).
#
# Here are five traces. A *goal* is Keras's `baseline` and Lightning's `stopping_threshold`; Ignite has none.
#
# **Question.** For each, say where *you* would stop.

# %%
nan = float("nan")
TRACES = {
    "plain": ([1.0, 0.8, 0.7, 0.72, 0.71, 0.75, 0.74], {}),
    "slow, min_delta 0.12": ([1.0, 0.95, 0.9, 0.85, 0.8, 0.75], {"patience": 3, "min_delta": 0.12}),
    "a NaN later": ([1.0, 0.7, nan, 0.8, 0.75, 0.78, 0.8], {}),
    "a NaN first": ([nan, 0.9, 0.8, 0.7, 0.75, 0.8], {}),
    "goal 0.5": ([0.9, 0.8, 0.7, 0.71, 0.45, 0.44, 0.46, 0.47], {"goal": 0.5}),
}

# %% [markdown]
# These are losses; patience is 2, and 3 where the progress is slow.
#
# **Question.** Ignite's rule expects a score that should rise. How does the function below make one of a loss?

# %%
from labcode.libraries.stopping_rules import ignite_rule, keras_rule, lightning_rule


def all_rules(trace, patience=2, min_delta=0.0, goal=None):
    """Return what the three rules make of a trace of losses."""
    scores = [-loss for loss in trace]
    return {
        "Keras": keras_rule(trace, patience=patience, min_delta=min_delta, baseline=goal),
        "Lightning": lightning_rule(trace, patience=patience, min_delta=min_delta, stopping_threshold=goal),
        "Ignite": ignite_rule(scores, patience=patience, threshold=min_delta),
    }


# %% [markdown]
# By turning its sign. In the figure a line shows how long each rule trains, a bar where it stops, a star which epoch it
# holds for the best.
#
# **Question.** Which panels surprise you?

# %%
verdicts = {title: all_rules(trace, **options) for title, (trace, options) in TRACES.items()}
ends = {
    title: {name: (verdict.stop, verdict.best_epoch) for name, verdict in rules.items()}
    for title, rules in verdicts.items()
}
_ = plots.rules_on_traces({title: trace for title, (trace, _) in TRACES.items()}, ends)

# %% [markdown]
# Only in the first panel the three end alike.
#
# **Question.** Can you explain each stop from what you see? The explanations stand below; here are the numbers to check
# yours, as (stop, best epoch).

# %%
plain, slow, later, first, goal = ends.values()
for title, rules in ends.items():
    print(f"{title:<34}", rules)
assert set(plain.values()) == {(4, 2)}
assert slow == {"Keras": (None, 3), "Lightning": (None, 3), "Ignite": (3, 3)}
assert later == {"Keras": (3, 1), "Lightning": (2, 1), "Ignite": (6, 4)}
assert first == {"Keras": (2, 0), "Lightning": (0, None), "Ignite": (5, 3)}
assert goal == {"Keras": (3, 2), "Lightning": (4, 2), "Ignite": (7, 5)}

# %% [markdown]
# - **Plain**: all agree. Without further settings they are one rule.
# - **Slow progress**: each epoch gains 0.05, less than `min_delta`. Keras and Lightning compare with the last value that
#   *counted*, so small gains add up until they count. Ignite compares with the best value *seen*, so no single gain ever
#   counts (unless its cumulative setting is on), and it stops a model that is still learning.
# - **A NaN later**: no improvement for Keras; the end for Lightning (`check_finite`); for Ignite an improvement. It forgets its
#   0.70 and holds 0.75 for the best, since every comparison with NaN is false and its test asks "is it *not* better?"
# - **A NaN first**: Keras takes it for the best, and no number is lower than NaN. It stops a model that improves at every
#   epoch. (`labcode` differs from Keras here: what is not finite is never the best.)
# - **A goal**: opposite meanings. Keras gives up on a model that has not reached the goal when its patience has run out;
#   Lightning stops a model that *has* reached it, and does not count the value that did.
#
# **Question.** And patience itself? What should a patience of 0 mean?

# %%
trace = [1.0, 0.9, 0.95, 0.96, 0.97, 0.98]
print("patience 1 stops after epoch", {name: v.stop for name, v in all_rules(trace, patience=1).items()})
assert keras_rule(trace, patience=0) == keras_rule(trace, patience=1)
assert lightning_rule(trace, patience=0) == lightning_rule(trace, patience=1)

# %% [markdown]
# 0 acts as 1 (Ignite refuses it).
#
# **Question.** PyTorch's scheduler `ReduceLROnPlateau` has a patience, too. After which epoch does it act on the same trace?

# %%
optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=2)
rates = []
for loss in trace:
    scheduler.step(loss)
    rates.append(optimizer.param_groups[0]["lr"])
print("early stopping, patience 2, stops after epoch", keras_rule(trace, patience=2).stop)
print("ReduceLROnPlateau, patience 2, acts after epoch", int(np.argmax(np.array(rates) < 1)))
assert keras_rule(trace, patience=2).stop + 1 == int(np.argmax(np.array(rates) < 1))

# %% [markdown]
# In all three rules patience $p$ means: stop at the $p$-th epoch in a row without an improvement. PyTorch's scheduler acts
# when *more than* $p$ epochs were bad, one later. The famous off-by-one need not be a mistake: one word has two meanings.
#
# ### Interrupted and resumed
#
# Lightning and Ignite keep counter and best value in the checkpoint. Keras's callback starts anew with every call of `fit`.
#
# **Question.** A training is interrupted after epoch 3 and resumed. What does each habit make of the trace?

# %%
trace, cut = [1.0, 0.6, 0.7, 0.72, 0.71, 0.69, 0.73, 0.74, 0.75], 4


def resumed(with_state):
    """Run the rule on the trace with a break in it; return where it stops and which epoch it keeps."""
    rule = EarlyStopping(patience=4)
    for epoch, value in enumerate(trace):
        if epoch == cut:
            state, rule = rule.state_dict(), EarlyStopping(patience=4)
            if with_state:
                rule.load_state_dict(state)
        if rule.update(epoch, value):
            break
    return rule.stopped_epoch, rule.best_epoch


# %% [markdown]
# (Epochs 0 to 3 are before the break.)
#
# **Question.** Where does each stop, and which epoch does it keep?

# %%
print("without a break", stop_by_hand(trace, 4), " with its state", resumed(True), " anew", resumed(False))
assert resumed(True) == stop_by_hand(trace, 4) == (5, 1)
assert resumed(False) == (None, 5)

# %% [markdown]
# With its state the rule stops where it would have stopped; anew, it waits again, and ends with epoch 5, although epoch 1 was
# better. (`fit(..., checkpoint=..., resume=True)` of this course keeps the state and the kept weights.)
#
# None of the three frameworks puts the best weights back by default. Keras does with `restore_best_weights=True`; with the others
# that is the job of a checkpoint callback.

# %% [markdown]
# ### What patience costs
#
# Back to the weather. Stopping does not change what came before, so we can train 30 epochs once for each of six seeds, and
# ask afterwards what any patience would have done.
#
# **Question.** How much will the best epoch differ between seeds?

# %%
options |= {"epochs": 30, "measure_train": False}
traces = [train_once(weather, seed=seed, **options)[1].validation_loss for seed in range(6)]
print("epoch of the lowest validation loss, by seed:", [int(np.argmin(trace)) for trace in traces])
assert max(map(np.argmin, traces)) > 1.5 * min(map(np.argmin, traces))

# %% [markdown]
# Widely: "train for 9 epochs" is no recipe.
#
# **Question.** What does a longer patience cost, and can it ever lead to a worse validation loss?

# %%
print("patience   stops after epoch   epochs kept                     mean validation loss kept")
table = {}
for patience in (1, 2, 3, 5, 8, 12):
    stops, kept = zip(*(stop_by_hand(trace, patience) for trace in traces), strict=True)
    ran = [29 if stop is None else stop for stop in stops]
    table[patience] = (ran, [trace[k] for trace, k in zip(traces, kept, strict=True)])
    epochs = " ".join(f"{k:2d}" for k in kept)
    print(f"{patience:8d} {np.mean(ran):19.1f}   {epochs:<30}  {np.mean(table[patience][1]):.4f}")

# %% [markdown]
# The loss kept falls with patience, the epochs rise.
#
# **Question.** Which of these trends is certain, and which holds on average only?

# %%
ran, kept_losses = (np.array(column) for column in zip(*table.values(), strict=True))
print(
    "seeds that a patience of 1 costs a better epoch:", int((kept_losses[0] > kept_losses[-1]).sum()), "of 6"
)
assert (np.diff(ran, axis=0) >= 0).all()
assert (np.diff(kept_losses, axis=0) <= 0).all()
assert np.mean(kept_losses[0] > kept_losses[-1]) > 0.5
assert kept_losses[3].mean() - kept_losses[-1].mean() < 0.02

# %% [markdown]
# On each trace: a longer patience never stops earlier and never keeps a higher validation loss (both are asserted, and both
# follow from the rule). It costs epochs. With patience 1 every run stops at its first hiccup, and most would have improved
# after it. From patience 5 on more of it buys epochs and next to nothing else.
#
# A warning: the kept loss is the lowest of many noisy values, so it flatters. Report the loss on test data that chose nothing.
#
# **Question.** Here is one of these trainings under a slider. At which patience does the kept epoch jump, and why then?

# %%
from labcode.widgets import PatienceExplorer

explorer = PatienceExplorer(traces[4], range(1, 13), value=1, unit=unit)
explorer.widget()

# %% [markdown]
# The same picture at patience 3, to be read without running it.
#
# **Question.** What would you have to know to set the patience right before the first jump?

# %%
stop, kept = stop_by_hand(traces[4], patience=3)
_ = plots.stopped_trace(traces[4], stop=stop, kept=kept, unit=unit)
jumps = [p for p in range(2, 13) if stop_by_hand(traces[4], p)[1] != stop_by_hand(traces[4], p - 1)[1]]
print(
    f"patience 3: stops after epoch {stop}, keeps epoch {kept}; another epoch is kept from patience {jumps} on"
)
assert len(jumps) >= 1

# %% [markdown]
# Now a trace of your own: write losses into the field and press Enter. **Try this:**
#
# 1. Write a trace on which patience 2 keeps a worse epoch than patience 4.
# 2. Then look for one on which the *longer* patience keeps the worse epoch. Is there any?

# %%
from labcode.widgets import OwnTrace

OwnTrace().widget()

# %% [markdown]
# The kept epoch jumps when the patience becomes as long as the wait from one best value to the next. Until then a longer patience
# changes nothing but the bill.

# %% [markdown]
# ## What to remember
#
# - A constraint is a projection after each step: max-norm shortens what is too long and leaves the rest alone. Say over what
#   the norm is taken: a row, a unit or the matrix.
# - The order is clip, step, project. Clipping after the step does nothing; projecting before it leaves weights outside.
# - Clipping limits steps, a penalty pulls always, a constraint acts at its boundary only. A limit that is never reached
#   is no regularization.
# - Early stopping needs validation data, a counter, and a *copy* of the weights.
# - The rules of Keras, Lightning and Ignite agree on plain traces and part at `min_delta`, NaN, a goal, and resumption.
#   Longer patience never keeps a worse validation loss; it costs epochs.
#
# ## Quiz
#
# **1.** The weights of a unit have norm 0.8, the limit is 1. What does max-norm do? What would unit-norm do?
#
# <details><summary>Answer</summary>
#
# Max-norm: nothing. Unit-norm: it lengthens them to 1, since it allows no other length.
# </details>
#
# **2.** A training script calls `loss.backward()`, `optimizer.step()`, `clip_grad_norm_(...)`. What is clipped?
#
# <details><summary>Answer</summary>
#
# A gradient that has been used. The next `zero_grad()` throws it away; the training is the same as without the line.
# </details>
#
# **3.** You move a program from Keras to Lightning and turn `baseline=0.5` into `stopping_threshold=0.5`. What happens?
#
# <details><summary>Answer</summary>
#
# The opposite: Keras gives up if 0.5 is not reached in time, Lightning stops as soon as it is.
# </details>
#
# **4.** `best = model.state_dict()` at the best epoch, `model.load_state_dict(best)` at the end. Which epoch's weights are these?
#
# <details><summary>Answer</summary>
#
# The last one's. `best` holds the tensors that training goes on changing; a deep copy is needed.
# </details>
#
# **5.** The first validation loss of a run is NaN and patience is 10. Which of the three rules will still find the best epoch?
#
# <details><summary>Answer</summary>
#
# Ignite's. Keras holds the NaN for the best and stops at epoch 10, Lightning stops at once (and that may be the wisest).
# </details>
#
# **Next:** [exercise 3](../exercises/ex03_algorithms.ipynb) lets you write the steps of this chapter yourself.
