# %% [markdown]
# # Chapter 4, part 1: Why L1 gives zeros
#
# *About 65 minutes: 30 of reading, 35 of thinking and trying; the cells run in less than one. Needs:
# [chapter 1](01_background.ipynb), derivatives, and the L1 and L2 penalties of [chapter 3](03_1-2_penalties.ipynb). This
# part mirrors section 4.1 of the article.*
#
# **After this chapter you can**
#
# - say when zero is the best value of a weight, check it with one number, and derive the soft threshold;
# - explain why SGD and Adam never arrive at an exact zero and proximal steps and coordinate descent do;
# - decide whether an LSTM needs scattered zeros or whole units removed, and cut a removed unit out of the model.

# %% [markdown]
# ## 4. Mathematics
#
# The article makes two claims: L1 sets weights to zero, and L2 makes them small without doing so. Both are statements about
# *where a minimum lies*, and where a minimum lies can be calculated. We do it on a linear model, in which every answer is
# known, and take each result to an LSTM on the weather.
#
# The data are a classic for this question: ten measurements of 442 patients, and a number for how far their diabetes had
# progressed a year later ([Efron et al. 2004](https://doi.org/10.1214/009053604000000067)). The data term is half of the
# mean squared error,
#
# $$ L(w) = \frac{1}{2n} \lVert y - Xw \rVert^2, \qquad \nabla L(w) = \frac1n X^\top (Xw - y), $$
#
# and every column has mean 0 and standard deviation 1, so a weight is what one standard deviation of its column adds.

# %%
from labcode.linear import lasso, load_diabetes, ridge

task = load_diabetes()
print(task)
print("weights of least squares:", ridge(task, 0.0).round(1))

# %% tags=["guard"]
assert abs(ridge(task, 0.0)).min() > 0.1

# %% [markdown]
# Nothing is zero here. The cholesterol columns `s1` and `s2`, which say nearly the same, carry large weights of opposite
# sign. There is something to tidy up, even where ten weights cannot learn 442 rows by heart.

# %% [markdown]
# ## 4.1 Sparsity of L1
#
# *Sparsity* is the share of weights that are exactly zero.
#
# ### One weight
#
# Take one weight $v$, and a data term whose minimum lies at $z$:
#
# $$ \tfrac12 (v - z)^2 + \lambda |v| \qquad \text{or} \qquad \tfrac12 (v - z)^2 + \tfrac{\lambda}{2} v^2 . $$
#
# **Question.** Let $z = 0.8$ and $\lambda = 1$. Where are the two minima? Try to see it from the slopes at $v = 0$.

# %%
import numpy as np

from labcode import plots

_ = plots.one_weight(z=0.8, lam=1.0)
v = np.linspace(-3, 3, 600_001)
best_l1 = v[np.argmin((v - 0.8) ** 2 / 2 + np.abs(v))]
best_l2 = v[np.argmin((v - 0.8) ** 2 / 2 + v**2 / 2)]
print(f"lowest of 600,001 values: L1 at {abs(best_l1):.3f}, L2 at {best_l2:.3f}")

# %% tags=["guard"]
np.testing.assert_allclose([best_l1, best_l2], [0.0, 0.4], atol=1e-4)

# %% [markdown]
# L1 has its minimum at 0, L2 at 0.4. The data term pulls at $v = 0$ with a slope of −0.8. The L2 penalty is flat there and has
# nothing to set against it, so the minimum moves, but never to 0. The L1 penalty has a *corner*: to leave 0 in any direction
# costs 1 for each unit, and 0.8 does not pay for it.
#
# Now by hand: $z$ is where the data want the weight, λ the strength of both penalties. **Try this:**
#
# 1. Leave λ and move $z$ slowly across λ. When does the minimum of L1 leave 0, when that of L2?
# 2. Then leave $z$ and raise λ. Which minimum arrives at 0, which only comes closer?

# %%
from labcode.widgets import OneWeight

OneWeight().widget()

# %% [markdown]
# ### The interval at zero
#
# The article's reason is that the derivative of $|w|$ is discontinuous at 0. That is half of it. What decides is that the
# jump has a *width*. At the corner every slope between the left one and the right one is a **subgradient**:
#
# $$
# \partial \lambda |w| = \begin{cases} \{\lambda \operatorname{sign} w\} & w \ne 0 \\ [-\lambda, \lambda] & w = 0 \end{cases}
# $$
#
# and a minimum is where the data's slope and some subgradient cancel. (The sum is *convex*: none of its chords runs below
# it, so such a place is the lowest of all.) L1 on a linear model is the *Lasso*; for every weight of its solution,
#
# $$
# \begin{aligned}
# w_j = 0 \text{ is optimal} &\iff \left| \frac{\partial L}{\partial w_j} \right| \le \lambda, \\
# w_j \ne 0 &\implies \frac{\partial L}{\partial w_j} = -\lambda \operatorname{sign} w_j .
# \end{aligned}
# $$
#
# For L2 the interval is the single point 0: a weight is zero only if the data do not pull at all.
#
# **Question.** Below is the solution for λ = 1. For which weights must the gradient be exactly ±1, and for which only
# between −1 and 1?

# %%
solution = lasso(task, lam=1.0)
pull, zero = task.gradient(solution), solution == 0
for name, w, g in zip(task.names, solution, pull, strict=True):
    print(f"{name:>4}  weight {w + 0.0:8.3f}   gradient of the data loss {g:+.4f}")
np.testing.assert_allclose(pull[~zero], -np.sign(solution[~zero]), rtol=1e-8)
np.testing.assert_array_less(np.abs(pull[zero]), 1)

# %% tags=["guard"]
assert zero.sum() == 3

# %% [markdown]
# At the seven weights that are kept the data pull with exactly λ: the penalty holds the balance. Three are zero, and the data
# pull at them too, only not hard enough. Zero is not "no influence found"; it is "not worth its price".
#
# **Question.** How strong must λ be so that *all* weights are zero? You can read it off the gradient at $w = 0$.

# %%
pull_at_zero = np.abs(task.gradient(np.zeros(10)))
largest = pull_at_zero.max()
print(f"largest pull at w = 0: {largest:.2f}, by {task.names[pull_at_zero.argmax()]}")
shares = (1.001, 0.999, 0.5, 0.1, 0)
counts = {share: int((lasso(task, share * largest) == 0).sum()) for share in shares}
print("zeros among 10, by share of that strength:", counts)

# %% tags=["guard"]
assert (counts[1.001], counts[0.999], counts[0]) == (10, 9, 0)

# %% [markdown]
# As strong as the largest pull: there the last weight goes out, and just below it one comes in. A grid for λ need not reach
# beyond it.

# %% [markdown]
# ### The soft threshold
#
# Back to one weight: what is the minimum of $\frac12 (v - z)^2 + \lambda |v|$ for any $z$? Three cases.
#
# - Suppose $v > 0$. The slope $v - z + \lambda$ must be 0, so $v = z - \lambda$, and that is positive only if $z > \lambda$.
# - Suppose $v < 0$. In the same way $v = z + \lambda$, possible only if $z < -\lambda$.
# - Else $v = 0$: the slope of the data term there is $-z$, and $|{-z}| \le \lambda$ is the interval from above.
#
# Together they are the *soft threshold* of chapter 3,
#
# $$ S_\lambda(z) = \operatorname{sign}(z) \max(|z| - \lambda, 0). $$
#
# At the edge of the interval, $|z| = \lambda$, the weight is already zero. NumPy, PyTorch and a search by brute force agree:

# %%
import torch

from labcode.penalties import soft_threshold, soft_threshold_torch

z = np.array([-3.0, -1.0, 0.4, 1.0, 2.5])
by_numpy = soft_threshold(z, 1.0)
by_search = [v[np.argmin((v - a) ** 2 / 2 + np.abs(v))] for a in z]
print(by_numpy + 0.0)  # + 0.0 turns -0 into 0
by_torch = soft_threshold_torch(torch.tensor(z), 1.0)
np.testing.assert_allclose(by_numpy, by_torch.numpy(), atol=1e-15)
np.testing.assert_allclose(by_numpy, by_search, atol=1e-4)

# %% [markdown]
# Here is the map from $z$ to the best weight, for both penalties. L1 takes the same amount from every weight that has it; L2
# takes a share. So L1 is hard on small weights and mild to large ones, L2 the other way round.

# %%
_ = plots.shrinkage_curves(1.0)

# %% [markdown]
# ### The diamond and the disk
#
# There is a picture for two weights. A penalty λ amounts to a budget: least loss subject to $|w_1| + |w_2| \le t$, a diamond,
# or to $w_1^2 + w_2^2 \le t^2$, a disk. The level lines of the loss are ellipses around the unpenalized weights. They grow
# until they touch the diamond or the disk. λ is the price that belongs to the budget: the higher the price, the smaller the
# budget.
#
# We keep two columns, body mass index and blood pressure. The slider sets λ for L1, and with it the diamond. The disk gets the
# same share of what the unpenalized weights use. The figure below the slider shows λ = 30. **Try this:**
#
# 1. Move λ up from 0. Which weight is the first to be zero in the diamond, and at which λ?
# 2. Go on to the end. Is any weight of the disk ever zero?

# %%
from labcode.widgets import DiamondAndDisk

two = load_diabetes(("bmi", "bp"))
explorer = DiamondAndDisk(two, value=5)
explorer.widget()

# %% [markdown]
# **Question.** Why does the ellipse meet the diamond at a corner although it meets the disk off the axes?

# %%
at_30 = explorer.found[30]
_ = plots.diamond_and_disk(two, at_30)
np.testing.assert_allclose(at_30["l1"][0], lasso(two, 30.0))
np.testing.assert_allclose(at_30["l2"][0], ridge(two, at_30["l2"][1]))

# %% tags=["guard"]
zeros = [lam for lam, found in explorer.found.items() if found["l1"][0][1] == 0]
assert zeros == [30, 35, 40]
assert all((found["l2"][0] > 0).all() for found in explorer.found.values())

# %% [markdown]
# A corner sticks out, and level lines of a whole *range* of directions touch it first: that range is the interval $[-\lambda,
# \lambda]$ seen from outside. A disk has no corner, and one single direction would touch it on the axis. It is the corner that
# counts: a diamond with its corners rounded off would give no zeros, however straight its sides.
#
# At exactly which λ does blood pressure drop out? While `bmi` is in alone, its weight is its own pull $g_\text{bmi}$ less λ.
# Blood pressure feels its own pull $g_\text{bp}$ less what `bmi` already explains, their correlation $r$ times that weight. It
# stays out as long as the rest is at most λ, so the border is at
#
# $$ g_\text{bp} - r\,(g_\text{bmi} - \lambda) = \lambda . $$

# %%
r = two.x[:, 0] @ two.x[:, 1] / len(two.x)
pull_bmi, pull_bp = -two.gradient(np.zeros(2))
border = (pull_bp - r * pull_bmi) / (1 - r)
print(f"correlation {r:.2f}; blood pressure is out from λ = {border:.2f} on")
below, above = (lasso(two, share * border)[1] for share in (0.99, 1.01))
print(f"its weight just below: {below:.3f}, just above: {above:.3f}")

# %% tags=["guard"]
assert lasso(two, border * 1.001)[1] == 0 < lasso(two, border * 0.999)[1]
assert 25 < border < 30

# %% [markdown]
# ### Which algorithm arrives?
#
# So far we spoke of the *minimum*. Step 2 of the article's recipe is "use an optimizer". Here are four algorithms, on all ten
# columns, with λ = 1:
#
# - **SGD** and **Adam** on loss plus penalty: the subgradient λ·sign(w) joins the gradient, as it does when you write
#   `loss + penalty` and call `backward` (we use all rows in each step, so that nothing here is noise);
# - **proximal SGD**: a gradient step for the loss alone, then the soft threshold with *step size × λ*;
# - **coordinate descent**: each weight in turn set to its exact best value, a soft threshold (this is how `lasso` works).
#
# **Question.** All four minimize the same convex function. How many of them end with exact zeros?

# %%
from labcode.check import guess

arrive = guess("Four algorithms for the Lasso: how many reach exact zeros?", unit="of 4")

# %%
from labcode.linear import descend
from labcode.optimizers import adam, proximal_sgd, sgd
from labcode.penalties import l1_penalty_grad

slope = {"penalty_grad": lambda w: l1_penalty_grad(w, 1.0)}
paths = {
    "SGD": descend(task, sgd, 10_000, lr=0.05, **slope),
    "Adam": descend(task, adam, 10_000, lr=0.05, **slope),
    "proximal SGD": descend(task, proximal_sgd, 10_000, lr=0.05, lam_l1=1.0),
}
ends = {name: path[-1] for name, path in paths.items()} | {"coordinate descent": solution}
for name, w in ends.items():
    distance = np.abs(w - solution).max()
    print(f"{name:<18} {(w == 0).sum()} zeros, distance to the minimum {distance:.1e}")
arrive.met(sum(bool((w == 0).any()) for w in ends.values()))

# %% tags=["guard"]
assert [(w == 0).sum() for w in ends.values()] == [0, 0, 3, 3]
assert np.abs(ends["proximal SGD"] - solution).max() < 1e-8

# %% [markdown]
# Two. SGD and Adam come close and have no zero at all; the two that use the soft threshold have all three. (Proximal SGD does
# not get the penalty's gradient: its threshold *is* the penalty, and both would penalize twice.)
#
# A third party agrees. scikit-learn's `Lasso` writes the data term as we do, so its `alpha` is our λ. That is not so in
# every library; part 2 has a table of such conversions.

# %%
from sklearn.linear_model import Lasso

theirs = Lasso(alpha=1.0, tol=1e-12, max_iter=100_000).fit(task.x, task.y).coef_
np.testing.assert_allclose(solution, theirs, atol=1e-5)
print("columns without a weight:", np.array(task.names)[zero])

# %% [markdown]
# **Try it yourself.** Of the two cholesterol columns `s2` is out, and its twin `s1` is in. Leave the twin out: call
# `load_diabetes` with a tuple of the nine other names, and then `lasso`. What becomes of `s2`?
#
# ### Why a plain step misses
#
# Near zero the subgradient is +λ on one side and −λ on the other, never anything small. A step of SGD there is step size × λ
# long, whatever the distance to zero. So the weight *jumps over* the minimum and back: the article's discontinuity is the
# reason why plain gradient steps do **not** find the zero. Below are the last 60 steps of the column "age".

# %%
age = task.names.index("age")
tails = {name: path[-60:, age] for name, path in paths.items()}
_ = plots.weight_traces(tails, band=0.05, name="age")
halved = descend(task, sgd, 20_000, lr=0.025, **slope)[-60:, age]
jump, half_jump = np.ptp(tails["SGD"]), np.ptp(halved)
print(f"SGD from lowest to highest, step size 0.05:  {jump:.3f}")
print(f"                            step size 0.025: {half_jump:.3f}")

# %% tags=["guard"]
assert 0.05 < jump < 0.15
assert 0.3 < half_jump / jump < 0.7

# %% [markdown]
# About two step sizes times λ from top to bottom, and half of it with half the step size. A smaller step makes the chatter
# smaller; only a step size that goes to zero would end it. (Adam's band is its own: it divides each step by the size of
# recent gradients.)
#
# The proximal step does not jump, because it is no step along a slope. It *solves* the one-weight problem around the place
# where the gradient step ended, and a solution can be exactly zero.
#
# ### Can one just cut off what is tiny?
#
# A common remedy: train with SGD, then set everything below some ε to zero.
#
# **Question.** For which ε does this give the right three zeros here, after 100 steps and after 10,000?

# %%
gap = {}
for steps in (100, 10_000):
    w = paths["SGD"][steps - 1]
    gap[steps] = np.abs(w[zero]).max(), np.abs(w[~zero]).min()
    objective = [task.loss(u) + np.abs(u).sum() for u in (w, solution)]
    print(
        f"after {steps:5d} steps, {objective[0] / objective[1] - 1:.2%} above the minimum:"
    )
    print(
        "   largest of the three {:.2f}, smallest of the seven {:.2f}".format(*gap[steps])
    )

# %% tags=["guard"]
assert gap[100][0] > gap[100][1]
assert gap[10_000][0] < gap[10_000][1]

# %% [markdown]
# After long training there is a wide gap between chatter and true weights, and any ε inside it will do. After 100 steps, with
# an objective that nobody would call unfinished, there is none: one of the three is larger than a weight that should stay.
# So cutting equals the proximal step only if the optimizer has converged *and* the weights form two groups. A network is
# hardly ever trained to a minimum.

# %% [markdown]
# ### In an LSTM
#
# Now an LSTM of 32 units on the weather, with L1 on W and U, λ = 0.001, ten epochs: once with Adam and the penalty in the
# loss, once with `ProximalAdam`. There each weight has a step size of its own, and so its own threshold. First weights,
# batches and data are the same in both runs.

# %%
from labcode.data import load_weather
from labcode.lstm import SequenceModel
from labcode.training import fit, seeded

weather = load_weather()


def train(make_optimizer, epochs, **options):
    """Train 32 units from the same first weights; return the model and its last loss."""
    with seeded(0):
        model = SequenceModel(input_size=6, hidden_size=32, output_size=1)
    options |= {"optimizer": make_optimizer(model), "epochs": epochs, "progress": False}
    options["generator"] = torch.Generator().manual_seed(0)
    history = fit(model, weather.train, weather.validation, **options)
    return model, history.validation_loss[-1]


# %%
from functools import partial

from labcode.optimizers import ProximalAdam
from labcode.penalties import WeightRegularization, l1_penalty_torch

W, U = "lstm.weight_ih_l0", "lstm.weight_hh_l0"


def strengths(model, lam, *penalized):
    """Return groups for an optimizer: strength lam for the named parameters, else 0."""
    named = model.named_parameters()
    return [{"params": [w], "lam_l1": lam * (name in penalized)} for name, w in named]


l1 = partial(l1_penalty_torch, lam=1e-3)  # 0.001 * sum |w|
in_the_loss = WeightRegularization(penalties={"input": l1, "recurrent": l1}).penalty

# %%
runs = {
    "Adam, L1 in the loss": train(
        lambda m: torch.optim.Adam(m.parameters(), 3e-3), 10, penalty=in_the_loss
    ),
    "L1 (proximal), Adam": train(
        lambda m: ProximalAdam(strengths(m, 1e-3, W, U), 3e-3, lam_l1=0.0), 10
    ),
}
weights = {}
for name, (model, loss) in runs.items():
    parts = [model.get_parameter(n).detach().numpy().ravel() for n in (W, U)]
    weights[name] = np.concatenate(parts)
    zeros = (weights[name] == 0).mean()
    print(f"{name:<21} {zeros:4.0%} of the weights are 0, validation loss {loss:.3f}")

# %% tags=["guard"]
assert (weights["Adam, L1 in the loss"] == 0).sum() == 0
assert (weights["L1 (proximal), Adam"] == 0).mean() > 0.5

# %% [markdown]
# The same strength, about the same loss, and no zero in one run against most of the weights in the other. Could we have cut
# Adam's small weights off? Look for a gap between small and large: a flat piece of the curve.

# %%
_ = plots.share_below(weights)

# %% tags=["guard"]
sizes = np.abs(weights["Adam, L1 in the loss"])
assert (
    np.diff([(sizes < limit).mean() for limit in (1e-5, 1e-4, 1e-3, 1e-2)]) > 0.02
).all()

# %% [markdown]
# Under Adam the curve climbs without a flat piece: there is no gap to cut in, and every ε is arbitrary. Under the proximal
# step the flat line *is* the gap, and nobody had to choose.
#
# ### Zeros that scatter, zeros that line up
#
# A matrix with most weights zero costs as many multiplications as before, unless the zeros have an order. What would make an
# LSTM smaller is a *unit* less. Unit $j$ speaks to the others through column $j$ of U, in all four gates, and to the head
# through one more weight. If this whole column is zero, nobody listens to the unit and it can be cut out.
#
# So make the column a *group* and price its length, $\lambda \sum_j \lVert u_j \rVert$ (not squared: the square has no corner).
# Its proximal step shortens each column by the threshold τ, and those that are shorter vanish whole:
#
# $$
# u_j \leftarrow u_j \, \max\left(1 - \frac{\tau}{\lVert u_j \rVert},\, 0\right), \qquad
# \tau = \text{step size} \times \lambda .
# $$
#
# This is the *group lasso* ([Yuan & Lin 2006](https://doi.org/10.1111/j.1467-9868.2005.00532.x)); for the units of an LSTM see
# [Wen et al. 2018](https://arxiv.org/abs/1709.05027). Two columns, (3, 4) and (0.3, 0.4), with threshold 1:

# %%
from labcode.penalties import group_soft_threshold, group_soft_threshold_torch

columns = np.array([[3.0, 0.3], [4.0, 0.4]])
by_numpy = group_soft_threshold(columns, 1.0, "columns")
by_torch = group_soft_threshold_torch(torch.tensor(columns), 1.0, "columns")
print("groups        ", by_numpy.round(1).tolist())
print("single weights", soft_threshold(columns, 1.0).tolist())
np.testing.assert_allclose(by_numpy, by_torch.numpy(), rtol=1e-12)
np.testing.assert_allclose(by_numpy, [[2.4, 0.0], [3.2, 0.0]])

# %% [markdown]
# The first column keeps its direction and loses length 1 of 5; the second, of length 0.5, is gone whole. Thresholding single
# weights takes 1 from each entry, which turns the column.
#
# Both now on the outgoing weights of the 32 units, U and the head, with SGD, whose step size is one number, so that the
# proximal step is exact. (Momentum makes it lr / (1 − momentum).) For the group step, `fit` calls a `constraint` after each
# step of the optimizer. Its λ is larger because it is the price of a whole column.

# %%
from labcode.lstm import units
from labcode.optimizers import ProximalSGD


def with_momentum(lam):
    """SGD with momentum 0.9, and L1 of strength lam on single weights of U and the head."""
    settings = {"lr": 0.02, "momentum": 0.9, "lam_l1": 0.0}
    return lambda m: ProximalSGD(strengths(m, lam, U, "head.weight"), **settings)


step_size = 0.02 / (1 - 0.9)
shorten = partial(units.shorten_units_, threshold=step_size * 0.02)
scattered = train(with_momentum(0.001), 30)
whole = train(with_momentum(0.0), 30, constraint=shorten)

# %% [markdown]
# **Question.** More than half of the outgoing weights are zero in both models. How many of the 32 units are silent under
# single weights, and how many under groups?

# %%
silent_by_chance = guess(
    "L1 on single weights: how many units fall silent?", unit="of 32 units"
)

# %%
left = {"single weights": scattered, "whole units": whole}
blocks = {"i": 0, "f": 32, "g": 64, "o": 96, "head": 128}
maps = {name: units.outgoing_weights(model).detach() for name, (model, _) in left.items()}
_ = plots.zero_map(
    maps, xlabel="unit", ylabel="gate that the weight leads to", blocks=blocks
)
silent = {}
for name, (model, loss) in left.items():
    silent[name] = int(units.silent_units(model).sum())
    zeros = (maps[name] == 0).float().mean()
    print(
        f"{name:<15} {zeros:.0%} zeros, {silent[name]} of 32 units silent, loss {loss:.3f}"
    )
silent_by_chance.met(silent["single weights"], within=1)

# %% tags=["guard"]
assert min((w == 0).float().mean() for w in maps.values()) > 0.4
assert silent["single weights"] <= 4 < 8 <= silent["whole units"]

# %% [markdown]
# Under single weights hardly any: the zeros (white) are dust. Under groups they stand in columns, and many units fell silent.
# (One run and two strengths: this says nothing about which one predicts better. It says what each can remove.)
#
# **Question.** If nobody listens to the silent units, we can cut them out and get the same predictions. Which rows and columns
# of W, U, the biases and the head have to go?

# %%
from labcode.training import predict

model = whole[0]
small = units.without_units(model, units.silent_units(model).nonzero())
before, after = (sum(p.numel() for p in m.parameters()) for m in (model, small))
x = weather.validation.x
difference = (predict(model, x) - predict(small, x)).abs().max().item()
print(f"{before} parameters before, {after} after")
print(f"predictions differ by at most {difference:.0e}")

# %% tags=["guard"]
assert difference < 1e-4
assert after < 0.7 * before

# %% [markdown]
# For each unit four rows of W, of U and of the biases, its column of U, and its weight in the head. The smaller LSTM is the
# same function up to rounding. No ε and no retraining: the zeros were exact, and they stood where they were of use.
#
# **Try it yourself.** Train with groups at half and at twice the price (0.02 in `shorten`). How small does the LSTM get, and
# when does the validation loss notice?

# %% [markdown]
# ## What to remember
#
# - A weight is zero at the minimum if and only if the data pull at it with at most λ. The corner of |w| has a whole interval
#   of slopes; w² has one, and so L2 has no zeros.
# - The soft threshold solves the one-weight problem. Proximal steps and coordinate descent are made of it and give exact
#   zeros.
# - The discontinuous derivative makes zero *optimal*, and makes plain gradient steps *miss* it: they chatter with an amplitude
#   of about step size × λ. Cutting at an ε afterwards is right only where a gap separates two groups.
# - L1 on single weights scatters zeros. The group lasso, with one group for each unit, removes units.

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1.** Two uncorrelated columns; at $w = 0$ the data gradients are 0.3 and −0.5. Which weight is zero in the Lasso solution
# with λ = 0.4?
#
# - [x] The first only.
#   > |0.3| ≤ 0.4. The second is pulled with 0.5 > 0.4, towards a positive weight (the loss falls that way).
# - [ ] The second only, since its gradient is negative.
#   > The sign says in which direction the weight goes. Whether it goes is decided by the size.
# - [ ] Neither: both gradients differ from 0.
#   > That is the condition under L2. Under L1 a whole interval of gradients leaves a weight at zero.
#
# **2.** A colleague adds `lam * w.abs().sum()` to the loss, trains with Adam and reports that 0 % of the weights are zero, so
# "L1 does not work". What happened?
#
# - [ ] λ was too small to move the weights.
#   > A larger λ makes more weights tiny, and none zero.
# - [x] Many weights are tiny: Adam jumps over zero.
#   > The minimum has zeros, but this optimizer cannot stop there. A proximal step would.
# - [ ] Adam switches a penalty in the loss off.
#   > It rescales the gradient, penalty included; it does not remove it.
#
# **3.** Would $\lambda \sum_j \lVert u_j \rVert^2$ over columns remove units?
#
# - [ ] Yes: what removes units is the grouping.
#   > The grouping says *what* goes together. That something goes takes a corner.
# - [ ] Yes, but only for a very large λ.
#   > It makes columns shorter by a share, which never ends at zero.
# - [x] No: the square has no corner at 0.
#   > The sum over columns is just L2 over all weights. The length itself has the corner.
#
# **4.** You double the step size of proximal SGD and leave the threshold as it was. What did you do to the penalty?
#
# - [ ] Nothing: the threshold is the penalty.
#   > The threshold is step size × λ.
# - [x] You halved it.
#   > An unchanged threshold at twice the step size means half the λ.
# - [ ] You doubled it.
#   > The data's step is twice as long now, and the penalty's is not.
#
# **5.** In the picture, when does the ellipse touch the disk exactly on the axis?
#
# - [x] Only by an exact coincidence.
#   > The loss must have no slope along the other weight at that point. For the diamond a whole range of slopes will do.
# - [ ] As soon as the budget is small enough.
#   > A smaller disk has no corner either.
# - [ ] Whenever the two columns are correlated.
#   > Correlation tilts the ellipse; it does not single out the axis.

# %% [markdown]
# **Next:** [part 2](04_2-3_weight_decay.ipynb) asks the same of L2, where nothing is zero and much can be said about
# directions, priors, Adam and dropout. The exercise of this chapter follows it.
