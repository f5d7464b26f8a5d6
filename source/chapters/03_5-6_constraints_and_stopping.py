# %% [markdown] tags=["core"]
# # Chapter 3, part 3: Weight constraints and early stopping
#
# *About 70 minutes: 30 of reading, 40 of thinking and trying; the cells run in less than one. Needs:
# [part 1](03_1-2_penalties.ipynb). The article names both methods in its section 2; sections 3.5 and 3.6 continue its
# section 3 with their steps.*
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
# A penalty charges for large weights. A *constraint* forbids them: after each step of the optimizer, every vector of weights
# that lies outside the allowed set is moved to the nearest point inside, its *projection*. *Max-norm* allows all vectors of
# length at most $c$. Its projection is
#
# $$ w \leftarrow w \cdot \min\!\left(1, \frac{c}{\lVert w \rVert}\right) . $$
#
# **Step 1: the projection.** Three rows of lengths 5, 1 and 0, with $c = 2$: by hand, in NumPy and in PyTorch.

# %%
import numpy as np
import torch

from labcode.constraints import max_norm, max_norm_torch

w = np.array([[3.0, 4.0], [0.6, 0.8], [0.0, 0.0]])
by_hand = np.array([[1.2, 1.6], [0.6, 0.8], [0.0, 0.0]])
print(max_norm(w, 2.0))
np.testing.assert_allclose(max_norm(w, 2.0), by_hand, rtol=1e-15)
np.testing.assert_allclose(max_norm_torch(torch.tensor(w), 2.0), by_hand, rtol=1e-15)
np.testing.assert_array_equal(max_norm(w, 2.0)[1:], w[1:])

# %% [markdown]
# The long one is shortened and keeps its direction; what lies inside does not change by a single bit.
#
# There are more sets to choose from. `unit_norm` allows length 1 only, `min_max_norm` a range of lengths, `non_neg` no
# negative weights. Each is a line of NumPy; the cell compares it with `labcode` in NumPy and in PyTorch, for twelve vectors
# around the origin. (A vector of zeros has no direction; the library leaves it as it is.)

# %%
from labcode import constraints

angle, length = np.linspace(0.2, 6.2, 12), np.tile([0.3, 0.9, 1.6], 4)
before = length[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
norms = np.linalg.norm(before, axis=1, keepdims=True)
limits = {"max_norm": (1.0,), "unit_norm": (), "min_max_norm": (0.6, 1.2), "non_neg": ()}
after = {
    "max_norm": before * np.minimum(1, 1 / norms),
    "unit_norm": before / norms,
    "min_max_norm": before * np.clip(norms, 0.6, 1.2) / norms,
    "non_neg": np.maximum(before, 0),
}
for name, args in limits.items():
    by_numpy = getattr(constraints, name)(before, *args)
    by_torch = getattr(constraints, f"{name}_torch")(torch.tensor(before), *args)
    np.testing.assert_allclose(by_numpy, after[name], rtol=1e-14)
    np.testing.assert_allclose(by_torch.numpy(), after[name], rtol=1e-14)

# %% [markdown]
# **Question.** In which of the four pictures below will vectors get *longer*?

# %%
from labcode import plots

titles = ("max-norm 1", "unit norm", "length 0.6 to 1.2", "not negative")
circles = dict(zip(titles, [(1.0,), (1.0,), (0.6, 1.2)], strict=False))
_ = plots.projections(before, dict(zip(titles, after.values(), strict=True)), circles)

# %% tags=["guard"]
longer = [n for n, w in after.items() if (np.linalg.norm(w, axis=1) > length + 1e-12).any()]
assert longer == ["unit_norm", "min_max_norm"]

# %% [markdown]
# With a unit length and with a range. Only max-norm and non-negative weights are limits in the sense of regularization; the
# other two also push small vectors out. Take a vector in your own hand. **Try this:**
#
# 1. Turn it at a length below the limit. Which constraint leaves it alone?
# 2. Make it longer until max-norm takes hold, then shorter until the range does. Does any of them change the angle?

# %%
from labcode.widgets import VectorUnderConstraints

VectorUnderConstraints().widget()

# %% [markdown]
# Below the limit max-norm leaves it alone, the range down to half the limit; and none of the three ever turns it.
#
# One trap. Keras divides by $10^{-7} + \lVert w \rVert$ to be safe from a zero, also where nothing is to be done. So each step
# takes $10^{-7}$ off a vector that lies inside: harmless in a short training, but not a projection. This is what is left of
# a length of 0.1 after 100,000 steps:

# %%
inside, norm_keras = np.array([[0.06, 0.08]]), 0.1
for _ in range(100_000):
    norm_keras *= min(norm_keras, 1.0) / (1e-7 + norm_keras)
ours = np.linalg.norm(max_norm(inside, 1.0))
print(f"Keras's formula {norm_keras:.3f}, ours {ours:.3f}")

# %% tags=["guard"]
assert 0.089 < norm_keras < 0.091
np.testing.assert_array_equal(max_norm(inside, 1.0), inside)

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
# For $H = 3$ and $U$ of shape (12, 3), the rows of unit 1 are 1, 4, 7 and 10. (Units count from 0.)

# %%
u = np.random.default_rng(0).normal(size=(12, 3))
for axis, vector in (("row", u[1]), ("unit", u[[1, 4, 7, 10]]), ("matrix", u)):
    shrunk = max_norm(u, 0.5, axis)[1] / u[1]
    print(f"{axis:<7} row 1 keeps {shrunk[0]:.3f} of its length")
    np.testing.assert_allclose(shrunk, 0.5 / np.linalg.norm(vector), rtol=1e-12)

# %% [markdown]
# The same limit means something different for each: a limit is a length, and longer vectors have more entries to fill it.
# Say the axis when you report a limit.

# %% [markdown]
# ### The order: clip, step, project
#
# **Step 2: the training step.** Three things happen to a step in an LSTM's training, and they must happen in this order:
#
# 1. **clip** the gradient, if it is too long: $g \leftarrow g \cdot \min(1, m / \lVert g \rVert)$, over all arrays together
#    (*gradient clipping*);
# 2. **step** of the optimizer;
# 3. **project** the weights.
#
# We take five such steps on the weather, by hand and in PyTorch. Part 1 has checked the gradients by hand, so PyTorch may
# calculate them here. The seed makes all programs below start from the same weights.

# %%
from labcode.data import load_weather
from labcode.lstm import SequenceModel
from labcode.training import seeded

weather = load_weather()
unit = f"mean squared error [({weather.target_std:.2f} °C)²]"
splits = [torch.tensor(array[:160]).double().split(32) for array in weather.train]
batches = list(zip(*splits, strict=True))


# %%
def new_model(seed=0):
    """Return the same untrained model each time."""
    with seeded(seed):
        return SequenceModel(input_size=6, hidden_size=32, output_size=1)


def gradients(model, x, y):
    """Fill in the gradients of the mean squared error; return the parameters by name."""
    model.zero_grad()
    torch.nn.functional.mse_loss(model(x), y).backward()
    return dict(model.named_parameters())


# %% [markdown]
# By hand, with two limits that are set low so that they act: 0.1 for the gradient, 0.9 for the norms of the units in $U$.

# %%
from labcode.optimizers import clip_by_global_norm, sgd

LIMIT = 0.9
by_hand, lengths = new_model().double(), []
for x, y in batches:
    named = gradients(by_hand, x, y)
    grads = [w.grad.numpy() for w in named.values()]
    grads, norm = clip_by_global_norm(grads, 0.1, eps=1e-6)
    pairs = zip(named.items(), grads, strict=True)
    weights = {name: sgd(w.detach().numpy(), grad, lr=1.0)[0] for (name, w), grad in pairs}
    weights["lstm.weight_hh_l0"] = max_norm(weights["lstm.weight_hh_l0"], LIMIT, "unit")
    by_hand.load_state_dict({name: torch.tensor(w) for name, w in weights.items()})
    lengths.append(float(norm))
print("norm of the gradient before clipping:", np.round(lengths, 2).tolist())

# %% tags=["guard"]
assert min(lengths) > 0.1

# %% [markdown]
# In PyTorch a constraint is a function of weights under the name of its target, and `constrain_` applies it to the LSTM of a
# model, in place. A training is then the names of its parts, in their order.

# %%
from torch.nn.utils import clip_grad_norm_

from labcode.constraints import constrain_


def max_norm_on_u(limit, axis="unit"):
    """Return the projection of the recurrent weights."""
    return {"recurrent": lambda u: max_norm_torch(u, limit, axis)}


PARTS = {
    "clip": lambda model, optimizer: clip_grad_norm_(model.parameters(), 0.1),
    "step": lambda model, optimizer: optimizer.step(),
    "project": lambda model, optimizer: constrain_(model, max_norm_on_u(LIMIT)),
}


# %%
def trained(order):
    """Train on the five batches, each step made of the parts that are named, in order."""
    model = new_model().double()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    for x, y in batches:
        gradients(model, x, y)
        for part in order.split(", "):
            PARTS[part](model, optimizer)
    return model


by_torch = trained("clip, step, project")
for one, other in zip(by_hand.parameters(), by_torch.parameters(), strict=True):
    np.testing.assert_allclose(one.detach(), other.detach(), rtol=1e-9, atol=1e-12)
print("equal after five steps")

# %% [markdown]
# Now turn the order round, in two ways that are seen in real programs: projecting before the step, and clipping after it.
#
# **Question.** What is wrong with the first? And what does clipping do if it comes after the step?

# %%
from labcode.check import guess

effects = ("nothing at all", "the same as before it", "a shorter step next time")
late_clipping = guess("Clipping after the step: what does it do?", options=effects)


# %%
def unit_norms(model):
    """Return the norm of the recurrent weights that enter each unit, (H,)."""
    u = model.lstm.weight_hh_l0.detach().numpy()
    return np.sqrt(np.square(u.reshape(4, u.shape[1], -1)).sum(axis=(0, 2)))


orders = ("clip, step, project", "clip, project, step")
orders += ("step, clip, project", "step, project")
models = {order: trained(order) for order in orders}
for order, model in models.items():
    print(f"{order:<20} longest vector {unit_norms(model).max():.4f}, limit {LIMIT}")
late, never = (models[order].state_dict() for order in orders[2:])
same = all(torch.equal(late[name], never[name]) for name in late)
late_clipping.met(effects[0 if same else 2])

# %% tags=["guard"]
assert same
assert unit_norms(models["clip, step, project"]).max() < LIMIT + 1e-9
assert unit_norms(models["clip, project, step"]).max() > LIMIT + 1e-6

# %% [markdown]
# Whoever projects first lets the step lead out again: the model that is evaluated and saved breaks its own constraint. And
# clipping after the step changes *nothing*, bit for bit. It shortens a gradient that has been used already and is thrown
# away before the next.

# %% [markdown]
# ### Three brakes, three places
#
# Clipping limits the gradient of one step. A penalty pulls at all weights at all times. A constraint does nothing until a
# vector reaches the limit, and then goes no further. In whole trainings that looks different. `fit` calls `constraint` after
# each step, and our recorder uses this place to note the norms.


# %%
from functools import partial

from labcode.experiments import train_once
from labcode.penalties import WeightRegularization, l2_penalty_torch


def recorder(projections=None):
    """Return a list that fills with the units' norms, and what fills it after each step."""
    norms = []

    def after_step(model):
        if projections is not None:
            constrain_(model, projections)
        norms.append(unit_norms(model))

    return norms, after_step


# %% [markdown]
# **Question.** Sketch how the largest norm of a unit grows in each of four runs: no brake, gradient clipped, L2 on $U$,
# max-norm on $U$. Which two will look alike?

# %%
l2_on_u = WeightRegularization(penalties={"recurrent": partial(l2_penalty_torch, lam=1e-3)})
brakes = {
    "no brake": ({}, None),
    "gradient clipped at 0.2": ({"clip_norm": 0.2}, None),
    "L2, λ = 0.001": ({"penalty": l2_on_u.penalty}, None),
    "max-norm 1.5": ({}, max_norm_on_u(1.5)),
}
options, norms, models = {"hidden": 32, "epochs": 20, "progress": False}, {}, {}
for name, (brake, projections) in brakes.items():
    norms[name], after_step = recorder(projections)
    run = train_once(weather, seed=0, constraint=after_step, **brake, **options)
    models[name] = run[0]
steps_per_epoch = -(-len(weather.train.x) // 32)
_ = plots.norms_over_training(norms, steps_per_epoch=steps_per_epoch, limit=1.5)

# %%
print(f"{'after the first step':<24} median {np.median(norms['no brake'][0]):.2f}")
for name, values in norms.items():
    last = values[-1]
    print(f"{name:<24} median {np.median(last):.2f}, largest {last.max():.2f}")

# %% tags=["guard"]
largest = {name: values[-1].max() for name, values in norms.items()}
assert largest["gradient clipped at 0.2"] > 1.4 * np.max(norms["no brake"][0])
assert np.max(norms["max-norm 1.5"]) < 1.5 + 1e-5
assert largest["L2, λ = 0.001"] < 0.85 * largest["no brake"]

# %% [markdown]
# No brake and clipping: the norms grow with it almost as without, so clipping is no regularizer of the weights. (It keeps
# one bad batch from throwing the model away; and Adam divides by the gradient's size, so it hardly notices a shorter one.)
# The penalty holds *all* norms down from the first step, small ones as well. Max-norm lets them run freely, and draws a line.
#
# So what does a limit do that no vector ever reaches?

# %%
_, after_step = recorder(max_norm_on_u(100.0))
unreached, _ = train_once(weather, seed=0, constraint=after_step, **options)
pairs = list(zip(unreached.parameters(), models["no brake"].parameters(), strict=True))
changed = np.mean([float((a != b).float().mean()) for a, b in pairs])
plain = models["no brake"].lstm.weight_hh_l0
other = (models["L2, λ = 0.001"].lstm.weight_hh_l0 != plain).float().mean()
print(f"max-norm 100: {changed:.0%} of the weights differ from those without a brake")
print(f"L2:           {other:.0%} of the recurrent weights do")

# %% tags=["guard"]
assert changed == 0
assert other > 0.99

# %% [markdown]
# Nothing at all: it is the same run, bit for bit. A penalty has no such dead zone. So choose a max-norm with the norms of the
# model in view, as in the figure above; a value taken from a paper on images may never act on your LSTM.

# %% [markdown]
# ### What it does on the weather
#
# Max-norm on the recurrent weights of each unit, five limits, three seeds. (After the first step the norms are a little above
# 1, as printed above, so the lower limits cut the weights down at once.)
#
# **Question.** Where between the smallest and the largest limit do you expect the lowest validation loss?


# %%
def limited(limit, seed=0, axis="unit"):
    """Train with max-norm on U; return the training and the validation loss at the end."""
    _, after_step = recorder(max_norm_on_u(limit, axis))
    _, history = train_once(weather, seed=seed, constraint=after_step, **options)
    return history.train_loss[-1], history.validation_loss[-1]


limits = (0.25, 0.5, 1.0, 2.0, 4.0)
runs = np.array([[limited(limit, seed) for seed in range(3)] for limit in limits])
train, validation = runs.transpose(2, 0, 1)
label = "limit on the norm of a unit's U"
_ = plots.losses_against(limits, train, validation, xlabel=label, unit=unit)
print("mean validation loss by limit:", validation.mean(axis=1).round(3).tolist())

# %% tags=["guard"]
assert (np.diff(train.mean(axis=1)[:4]) < 0).all()
assert validation[:2].mean() < validation[-1].mean() - 0.03
assert abs(validation[0].mean() - validation[1].mean()) < 0.04

# %% [markdown]
# Not clearly in between: the tighter, the better, until the curve is flat. That is less a success of max-norm than a message
# about the task. With recurrent weights cut to a fifth of their size at the start, the forecast of unseen days loses
# nothing; part 1 found the same by way of zeros. Where the recurrence matters more, expect the curve to turn.
#
# **Try it yourself.** Limit the *whole* matrix: `limited(0.5, axis="matrix")`. It is far tighter than 0.5 for each unit. Now
# try `0.5 * 32**0.5`. Why that number, and do the two losses come near those of 0.5 in the figure?

# %% [markdown] tags=["half"]
# ## 3.6 Early stopping
#
# No term and no limit on weights: a limit on time. *Early stopping* as an algorithm, with a *patience* $p$ and a smallest
# change $\delta$ that counts:
#
# 1. After each epoch measure the loss on the **validation** data.
# 2. If it is lower than the best so far by more than $\delta$: it is the new best. Keep its epoch and a **copy** of the
#    weights, and set the counter to 0.
# 3. Else add 1 to the counter, and stop if it has reached $p$.
# 4. At the end put the kept weights back.
#
# Steps 1 to 3 see numbers, not arrays, so there is no PyTorch twin. They can be checked against the library's class, on five
# hundred random traces. With $p = 2$, the trace 5, 4, 4, 3, 4, 3, 2 ends after epoch 5, counted from 0: an equal value is no
# improvement. Epoch 3 is kept, and epoch 6, which would have been better, never happens.


# %%
def stop_by_hand(trace, patience, min_delta=0.0):
    """Return the epoch after which training stops (None: never) and the kept one."""
    best, best_epoch, counter = np.inf, None, 0
    for epoch, loss in enumerate(trace):
        if loss < best - min_delta:
            best, best_epoch, counter = loss, epoch, 0
        else:
            counter += 1
            if counter >= patience:
                return epoch, best_epoch
    return None, best_epoch


# %%
from labcode.early_stopping import EarlyStopping

print("stops after, keeps:", stop_by_hand([5, 4, 4, 3, 4, 3, 2], patience=2))
rng = np.random.default_rng(0)
for _ in range(500):
    trace, patience = rng.integers(0, 6, size=12) / 2, int(rng.integers(1, 5))
    delta = float(rng.choice([0.0, 0.5, 1.0]))
    rule = EarlyStopping(patience=patience, min_delta=delta)
    any(rule.update(epoch, float(loss)) for epoch, loss in enumerate(trace))
    found = (rule.stopped_epoch, rule.best_epoch)
    np.testing.assert_equal(found, stop_by_hand(trace, patience, delta))

# %% tags=["guard"]
assert stop_by_hand([5, 4, 4, 3, 4, 3, 2], patience=2) == (5, 3)

# %% [markdown] tags=["half"]
# ### Keep a copy
#
# Step 2 says *copy*. Three programs look like one: keep `model.state_dict()`, keep `dict(model.state_dict())`, keep a deep
# copy. We train on past the best epoch, one epoch for each call of `fit`. (Optimizer and generator are made once, so that
# Adam's running means and the order of the batches go on.)

# %%
import copy

from labcode.training import evaluate, fit

model = new_model(seed=1)
one = {"optimizer": torch.optim.Adam(model.parameters(), 3e-3), "epochs": 1}
one |= {"generator": torch.Generator().manual_seed(1), "progress": False}
trace = []
for _ in range(20):
    trace += fit(model, weather.train, weather.validation, **one).validation_loss
    if trace[-1] == min(trace):
        now = model.state_dict()
        kept = {
            "state_dict()": now,
            "dict(...)": dict(now),
            "deepcopy(...)": copy.deepcopy(now),
        }

# %% [markdown]
# All three were refreshed at each new best epoch, and left alone after the last one.
#
# **Question.** Which of the three gives back the best epoch? What do the others give back?

# %%
answers = ("all three", "dict(...) and deepcopy(...)", "deepcopy(...) alone")
best_again = guess("State kept at the best epoch: which one holds it?", options=answers)

# %%
found = {}
for way, state in kept.items():
    restored = new_model()
    restored.load_state_dict(state)
    found[way] = evaluate(restored, weather.validation)["loss"]
    print(f"{way:<14} validation loss {found[way]:.4f}")
print(f"best epoch {int(np.argmin(trace))}: {min(trace):.4f}; last epoch: {trace[-1]:.4f}")
right = [way for way, loss in found.items() if np.isclose(loss, min(trace), rtol=1e-4)]
best_again.met(answers[3 - len(right)])

# %% tags=["guard"]
np.testing.assert_allclose(found["deepcopy(...)"], min(trace), rtol=1e-5)
others = [found["state_dict()"], found["dict(...)"]]
np.testing.assert_allclose(others, trace[-1], rtol=1e-5)
assert trace[-1] > min(trace) + 0.01

# %% [markdown]
# Only the deep copy. `state_dict()` holds the very tensors that the optimizer goes on changing in place, and a new dictionary
# around them holds the same tensors. Nothing fails, nothing warns; the "best" weights are simply the last ones.

# %% [markdown]
# ### Three frameworks, three rules
#
# Keras, Lightning and Ignite each have a class `EarlyStopping`, and they are not the same. `labcode.libraries.stopping_rules`
# holds their rules as functions of a trace; the course's tests compare them with 124 traces recorded from the frameworks
# (Keras 3.15, Lightning 2.6, Ignite 0.5).
#
# Below are five traces of losses, with patience 2, and 3 where progress is slow. A *goal* is Keras's `baseline` and
# Lightning's `stopping_threshold`; Ignite has none. Ignite's rule wants a score that should rise, so it gets the loss with its
# sign turned. NaN, *not a number*, is what a computer makes of a loss that overflowed.

# %%
nan = float("nan")
slow = {"patience": 3, "min_delta": 0.12}
TRACES = {
    "plain": ([1.0, 0.8, 0.7, 0.72, 0.71, 0.75, 0.74], {}),
    "slow, min_delta 0.12": ([1.0, 0.95, 0.9, 0.85, 0.8, 0.75], slow),
    "a NaN later": ([1.0, 0.7, nan, 0.8, 0.75, 0.78, 0.8], {}),
    "a NaN first": ([nan, 0.9, 0.8, 0.7, 0.75, 0.8], {}),
    "goal 0.5": ([0.9, 0.8, 0.7, 0.71, 0.45, 0.44, 0.46, 0.47], {"goal": 0.5}),
}

# %%
from labcode.libraries.stopping_rules import ignite_rule, keras_rule, lightning_rule


def all_rules(trace, patience=2, min_delta=0.0, goal=None):
    """Return the stop and the best epoch that each rule makes of a trace of losses."""
    scores, wait = [-loss for loss in trace], {"patience": patience}
    found = {
        "Keras": keras_rule(trace, min_delta=min_delta, baseline=goal, **wait),
        "Lightning": lightning_rule(
            trace, min_delta=min_delta, stopping_threshold=goal, **wait
        ),
        "Ignite": ignite_rule(scores, threshold=min_delta, **wait),
    }
    return {name: (verdict.stop, verdict.best_epoch) for name, verdict in found.items()}


# %% [markdown]
# **Question.** Where would *you* stop each of the five? Then look where the three rules do. A line shows how long each trains,
# a bar where it stops, a star which epoch it holds for the best.

# %%
ends = {title: all_rules(trace, **more) for title, (trace, more) in TRACES.items()}
_ = plots.rules_on_traces({title: trace for title, (trace, _) in TRACES.items()}, ends)

# %% tags=["guard"]
plain, slow, later, first, goal = ends.values()
assert set(plain.values()) == {(4, 2)}
assert slow == {"Keras": (None, 3), "Lightning": (None, 3), "Ignite": (3, 3)}
assert later == {"Keras": (3, 1), "Lightning": (2, 1), "Ignite": (6, 4)}
assert first == {"Keras": (2, 0), "Lightning": (0, None), "Ignite": (5, 3)}
assert goal == {"Keras": (3, 2), "Lightning": (4, 2), "Ignite": (7, 5)}

# %% [markdown]
# Only on the first do all three end alike.
#
# - **Plain**: without further settings they are one rule.
# - **Slow progress**: each epoch gains 0.05, less than `min_delta`. Keras and Lightning compare with the last value that
#   *counted*, so small gains add up until they count. Ignite compares with the best value *seen*, so no single gain ever
#   counts (unless its cumulative setting is on), and it stops a model that is still learning.
# - **A NaN later**: no improvement for Keras; the end for Lightning (`check_finite`); for Ignite an improvement. It forgets
#   its 0.70 and holds 0.75 for the best, since every comparison with NaN is false and its test asks "is it *not* better?"
# - **A NaN first**: Keras takes it for the best, and no number is lower than NaN. It stops a model that improves at every
#   epoch. (`labcode` differs from Keras here: what is not finite is never the best.)
# - **A goal**: opposite meanings. Keras gives up on a model that has not reached the goal when its patience has run out;
#   Lightning stops a model that *has* reached it, and does not count the value that did.
#
# The word *patience* has two meanings as well. In all three rules $p$ means: stop at the $p$-th epoch in a row without an
# improvement. PyTorch's scheduler `ReduceLROnPlateau`, which lowers the learning rate in place of stopping, acts when
# *more than* $p$ epochs were bad:

# %%
trace = [1.0, 0.9, 0.95, 0.96, 0.97, 0.98]
optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=2)
rates = []
for loss in trace:
    scheduler.step(loss)
    rates.append(optimizer.param_groups[0]["lr"])
stop, acts = all_rules(trace)["Keras"][0], int(np.argmax(np.array(rates) < 1))
print(
    f"patience 2: early stopping ends after epoch {stop}, the scheduler acts after {acts}"
)

# %% tags=["guard"]
assert stop + 1 == acts
assert keras_rule(trace, patience=0) == keras_rule(trace, patience=1)
assert lightning_rule(trace, patience=0) == lightning_rule(trace, patience=1)

# %% [markdown]
# So the famous off-by-one need not be a mistake. (A patience of 0 acts as 1 in Keras and Lightning; Ignite refuses it.)
#
# ### Interrupted and resumed
#
# Lightning and Ignite keep counter and best value in the checkpoint. Keras's callback starts anew with every call of `fit`.
# Here a training is interrupted after epoch 3 and resumed, with the state of the rule and without.

# %%
trace, cut = [1.0, 0.6, 0.7, 0.72, 0.71, 0.69, 0.73, 0.74, 0.75], 4


def resumed(with_state):
    """Run the rule with a break in it; return where it stops and which epoch it keeps."""
    rule = EarlyStopping(patience=4)
    for epoch, value in enumerate(trace):
        if epoch == cut:
            state, rule = rule.state_dict(), EarlyStopping(patience=4)
            if with_state:
                rule.load_state_dict(state)
        if rule.update(epoch, value):
            break
    return rule.stopped_epoch, rule.best_epoch


print("no break      ", stop_by_hand(trace, 4))
print("with its state", resumed(True))
print("anew          ", resumed(False))

# %% tags=["guard"]
assert resumed(True) == stop_by_hand(trace, 4) == (5, 1)
assert resumed(False) == (None, 5)

# %% [markdown]
# With its state the rule stops where it would have stopped; anew, it waits again, and ends with epoch 5, although epoch 1 was
# better. (`fit(..., checkpoint=..., resume=True)` of this course keeps the state and the kept weights.)
#
# None of the three frameworks puts the best weights back by default. Keras does with `restore_best_weights=True`; with the
# others that is the job of a checkpoint callback.

# %% [markdown] tags=["half"]
# ### What patience costs
#
# Back to the weather. Stopping does not change what came before, so we can train 30 epochs once for each of six seeds, and
# ask afterwards what any patience would have done.

# %%
options |= {"epochs": 30, "measure_train": False}
traces = [train_once(weather, seed=s, **options)[1].validation_loss for s in range(6)]
print("epoch of the lowest validation loss:", [int(np.argmin(trace)) for trace in traces])

# %% tags=["guard"]
assert max(map(np.argmin, traces)) > 1.3 * min(map(np.argmin, traces))

# %% [markdown]
# They differ widely: "train for 9 epochs" is no recipe.
#
# **Question.** What does a longer patience cost? Can it ever lead to a worse validation loss? And how many of the six runs
# would a patience of 1 stop too early?

# %%
too_early = guess("Patience 1: how many runs miss a better epoch?", unit="of 6 runs")

# %%
print("patience   stops after   epochs kept            mean validation loss kept")
table = {}
for patience in (1, 2, 3, 5, 8, 12):
    stops, kept = zip(*(stop_by_hand(trace, patience) for trace in traces), strict=True)
    ran = [29 if stop is None else stop for stop in stops]
    table[patience] = (ran, [trace[k] for trace, k in zip(traces, kept, strict=True)])
    epochs = " ".join(f"{k:2d}" for k in kept)
    mean = np.mean(table[patience][1])
    print(f"{patience:8d} {np.mean(ran):13.1f}   {epochs:<22} {mean:.4f}")
ran, kept_losses = (np.array(column) for column in zip(*table.values(), strict=True))
too_early.met(int((kept_losses[0] > kept_losses[-1]).sum()), within=1)

# %% tags=["guard"]
assert (np.diff(ran, axis=0) >= 0).all()
assert (np.diff(kept_losses, axis=0) <= 0).all()
assert np.mean(kept_losses[0] > kept_losses[-1]) >= 0.5
assert kept_losses[3].mean() - kept_losses[-1].mean() < 0.03

# %% [markdown]
# It costs epochs. A longer patience never stops earlier and never keeps a higher validation loss: that follows from the rule,
# on every trace. With patience 1 a run stops at its first hiccup, and most would have improved after it. From patience 5 on
# more of it buys epochs and next to nothing else.
#
# A warning: the kept loss is the lowest of many noisy values, so it flatters. Report the loss on test data that chose nothing.
#
# One of these trainings, under a slider; the figure below it shows patience 3. **Try this:**
#
# 1. Raise the patience step by step. At which value does the kept epoch jump?
# 2. Count the epochs between the two best values. What does the jump have to do with them?

# %%
from labcode.widgets import PatienceExplorer

PatienceExplorer(traces[4], range(1, 13), value=1, unit=unit).widget()

# %%
stop, kept = stop_by_hand(traces[4], patience=3)
_ = plots.stopped_trace(traces[4], stop=stop, kept=kept, unit=unit)

# %% tags=["guard"]
assert len({stop_by_hand(traces[4], p)[1] for p in range(1, 13)}) > 1

# %% [markdown]
# The kept epoch jumps when the patience becomes as long as the wait from one best value to the next. Until then a longer
# patience changes nothing but the bill. Now a trace of your own: write losses into the field and press Enter. **Try this:**
#
# 1. Write a trace on which patience 2 keeps a worse epoch than patience 4.
# 2. Then look for one on which the *longer* patience keeps the worse epoch. Is there any?

# %%
from labcode.widgets import OwnTrace

OwnTrace().widget()

# %% [markdown]
# There is none.
#
# **Try it yourself.** Put `min_delta=0.01` into the call of `stop_by_hand` in the table's cell. How many epochs does it save at
# patience 5, and what does it cost in loss?

# %% [markdown]
# ## What to remember
#
# - A constraint is a projection after each step: max-norm shortens what is too long and leaves the rest alone. Say over what
#   the norm is taken: a row, a unit or the matrix.
# - The order is clip, step, project. Clipping after the step does nothing; projecting before it leaves weights outside.
# - Clipping limits steps, a penalty pulls always, a constraint acts at its boundary only. A limit that is never reached is no
#   regularization.
# - Early stopping needs validation data, a counter, and a *copy* of the weights.
# - The rules of Keras, Lightning and Ignite agree on plain traces and part at `min_delta`, NaN, a goal, and resumption. Longer
#   patience never keeps a worse validation loss; it costs epochs.

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1.** The weights of a unit have norm 0.8; the limit is 1. What do max-norm and unit-norm do?
#
# - [ ] Both leave them alone.
#   > Unit-norm allows no other length than 1.
# - [x] Max-norm nothing; unit-norm lengthens them to 1.
#   > Max-norm acts above its limit alone. Unit-norm pushes small vectors out, which regularizes nothing.
# - [ ] Both lengthen them to 1.
#   > Max-norm never makes anything longer.
#
# **2.** A training script calls `loss.backward()`, `optimizer.step()`, `clip_grad_norm_(...)`. What is clipped?
#
# - [x] A gradient that has been used already.
#   > The next `zero_grad()` throws it away; the training is the same as without the line.
# - [ ] The weights, to the given norm.
#   > It changes `.grad` alone. A limit on weights is a constraint.
# - [ ] The gradient of the next step.
#   > That one is computed anew by the next `backward()`.
#
# **3.** You move a program from Keras to Lightning and turn `baseline=0.5` into `stopping_threshold=0.5`. What happens?
#
# - [ ] The same: both stop at 0.5.
#   > Keras never stops because a goal was reached.
# - [ ] Nothing: Lightning ignores a threshold while patience lasts.
#   > It stops at once when the threshold is passed, whatever patience says.
# - [x] The opposite: Keras gives up without it, Lightning with it.
#   > Keras gives up if 0.5 is not reached in time; Lightning stops as soon as it is.
#
# **4.** `best = model.state_dict()` at the best epoch, `model.load_state_dict(best)` at the end. Which epoch's weights are
# these?
#
# - [ ] The best epoch's: a state is a snapshot.
#   > It is a dictionary of the model's own tensors.
# - [x] The last epoch's.
#   > `best` holds the tensors that training goes on changing; a deep copy is needed.
# - [ ] The first epoch's.
#   > `best` was set at a later epoch, and has followed training since.
#
# **5.** The first validation loss of a run is NaN, and patience is 10. Which rule still finds the best epoch?
#
# - [x] Ignite's.
#   > For it, any value that follows NaN is "not worse", so it forgets the NaN at once.
# - [ ] Keras's.
#   > It holds the NaN for the best, and stops at epoch 10.
# - [ ] Lightning's.
#   > It stops at once, and that may be the wisest.

# %% [markdown]
# **Next:** [exercise 3](../exercises/ex03_algorithms.ipynb) lets you write the steps of this chapter yourself.
