# %% [markdown]
# # Chapter 4, part 1: Why L1 gives zeros
#
# *About 50 minutes. Needs: [chapter 1](../notebooks/01_background.ipynb), derivatives, and the L1 and L2 penalties of
# chapter 3. This part mirrors section 4.1 of the article.*
#
# **After this chapter you can**
#
# - say when zero is the best value of a weight, check it with one number, and derive the soft threshold;
# - explain why SGD and Adam never arrive at an exact zero and proximal steps and coordinate descent do;
# - decide whether an LSTM needs scattered zeros or whole units removed, and cut a removed unit out of the model.

# %% [markdown]
# ## 4. Mathematics
#
# The article makes two claims: L1 sets weights to zero, and L2 makes them small without doing so. Both are statements
# about *where a minimum lies*, and where a minimum lies can be calculated. We do it on a linear model, in which every
# answer is known, and take each result to an LSTM on the weather.
#
# The data are a classic for this question: ten measurements of 442 patients, and a number for how far their diabetes
# had progressed a year later ([Efron et al. 2004](https://doi.org/10.1214/009053604000000067)).
#
# **Question.** Ten columns, 442 rows: will a linear model overfit? Which columns would you expect to matter?

# %%
from labcode.linear import lasso, load_diabetes, ridge

task = load_diabetes()
print(task)
print("weights of least squares:", ridge(task, 0.0).round(1))
assert abs(ridge(task, 0.0)).min() > 0.1

# %% [markdown]
# The data term is half of the mean squared error,
#
# $$ L(w) = \frac{1}{2n} \lVert y - Xw \rVert^2, \qquad \nabla L(w) = \frac1n X^\top (Xw - y), $$
#
# and every column has mean 0 and standard deviation 1, so a weight is what one standard deviation of its column adds.
# Nothing is zero here. The cholesterol columns `s1` and `s2`, which say nearly the same, carry large weights of opposite
# sign. There is something to tidy up, even where ten weights cannot learn 442 rows by heart.

# %% [markdown]
# ## 4.1 Sparsity of L1
#
# ### One weight
#
# Take one weight $v$, and a data term whose minimum lies at $z$:
#
# $$ \tfrac12 (v - z)^2 + \lambda |v| \qquad \text{or} \qquad \tfrac12 (v - z)^2 + \tfrac{\lambda}{2} v^2 . $$
#
# **Question.** Let z = 0.8 and λ = 1. Where are the two minima? Try to see it from the slopes at v = 0. (The cell draws
# both sums and finds their minima by brute force.)

# %%
import numpy as np

from labcode import plots

_ = plots.one_weight(z=0.8, lam=1.0)
v = np.linspace(-3, 3, 600_001)
best_l1 = v[np.argmin((v - 0.8) ** 2 / 2 + np.abs(v))]
best_l2 = v[np.argmin((v - 0.8) ** 2 / 2 + v**2 / 2)]
np.testing.assert_allclose([best_l1, best_l2], [0.0, 0.4], atol=1e-4)

# %% [markdown]
# Now by hand: $z$ is where the data want the weight, λ the strength of both penalties. **Try this:**
#
# 1. Leave λ and move $z$ slowly across λ. When does the minimum of L1 leave 0, when that of L2?
# 2. Then leave $z$ and raise λ. Which minimum arrives at 0, which only comes closer?

# %%
from labcode.widgets import OneWeight

OneWeight().widget()

# %% [markdown]
# The data term pulls at $v = 0$ with a slope of −0.8. The L2 penalty is flat there and has nothing to set against it,
# so the minimum moves, but never to 0. The L1 penalty has a *corner*: to leave 0 in any direction costs 1 for each unit,
# and 0.8 does not pay for it.
#
# ### The interval at zero
#
# The article's reason is that the derivative of $|w|$ is discontinuous at 0. That is half of it. What decides is that the
# jump has a *width*. At the corner every slope between the left one and the right one is a **subgradient**:
#
# $$ \partial \lambda |w| = \begin{cases} \{\lambda \operatorname{sign} w\} & w \ne 0 \\ [-\lambda, \lambda] & w = 0 \end{cases} $$
#
# and a minimum is where the data's slope and some subgradient cancel. For every weight of a Lasso solution,
#
# $$ w_j = 0 \text{ is optimal} \iff \left| \frac{\partial L}{\partial w_j} \right| \le \lambda,
#    \qquad w_j \ne 0 \implies \frac{\partial L}{\partial w_j} = -\lambda \operatorname{sign} w_j . $$
#
# For L2 the interval is the single point 0: a weight is zero only if the data do not pull at all.
#
# **Question.** Here is the solution for λ = 1. Which entries of the gradient should be exactly ±1, and which must only lie
# between?

# %%
solution = lasso(task, lam=1.0)
pull, zero = task.gradient(solution), solution == 0
for name, w, g in zip(task.names, solution, pull, strict=True):
    print(f"{name:>4}  weight {w:8.3f}   gradient of the data loss {g:+.4f}")
assert zero.sum() == 3
assert (np.abs(pull[zero]) < 1).all()
np.testing.assert_allclose(pull[~zero], -np.sign(solution[~zero]), rtol=1e-8)

# %% [markdown]
# Seven weights are kept, and the data pull at each of them with exactly λ: the penalty holds the balance. Three are zero,
# and the data pull at them too, only not hard enough. Zero is not "no influence found"; it is "not worth its price".
#
# **Question.** How strong must λ be so that *all* weights are zero? You can read it off the gradient at w = 0.

# %%
pull_at_zero = np.abs(task.gradient(np.zeros(10)))
largest = pull_at_zero.max()
counts = {share: int((lasso(task, share * largest) == 0).sum()) for share in (1.001, 0.999, 0.5, 0.1, 0)}
print(f"largest pull at w = 0: {largest:.2f}, by {task.names[pull_at_zero.argmax()]}")
print("zeros among 10, by share of that strength:", counts)
assert (counts[1.001], counts[0.999], counts[0]) == (10, 9, 0)

# %% [markdown]
# At the largest pull the last weight goes out, and just below it one comes in. A grid for λ need not reach beyond: all
# there is to search lies between that strength and 0.

# %% [markdown]
# ### The soft threshold
#
# Back to one weight: what is the minimum of $\frac12 (v - z)^2 + \lambda |v|$ for any $z$? Three cases.
#
# - Suppose $v > 0$. The slope $v - z + \lambda$ must be 0, so $v = z - \lambda$, and that is positive only if $z > \lambda$.
# - Suppose $v < 0$. In the same way $v = z + \lambda$, possible only if $z < -\lambda$.
# - Else $v = 0$: the slope of the data term there is $-z$, and $|{-z}| \le \lambda$ is the interval from above.
#
# Together: $S_\lambda(z) = \operatorname{sign}(z) \max(|z| - \lambda, 0)$. `labcode` has it in NumPy and in PyTorch.
#
# **Question.** What do both give for z = −3, −1, 0.4, 1, 2.5 with λ = 1? And what happens exactly at |z| = λ?

# %%
import torch

from labcode.penalties import soft_threshold, soft_threshold_torch

z = np.array([-3.0, -1.0, 0.4, 1.0, 2.5])
by_numpy, by_torch = soft_threshold(z, 1.0), soft_threshold_torch(torch.tensor(z), 1.0)
print(by_numpy + 0.0)  # + 0.0 turns -0 into 0
np.testing.assert_allclose(by_numpy, by_torch.numpy(), atol=1e-15)
np.testing.assert_allclose(by_numpy, [v[np.argmin((v - a) ** 2 / 2 + np.abs(v))] for a in z], atol=1e-4)

# %% [markdown]
# NumPy, PyTorch and a search by brute force agree. At the edge of the interval, |z| = λ, the weight is already zero.
#
# **Question.** Sketch the map from $z$ to the best weight, for L1 and for L2. Which one treats large weights more gently?

# %%
_ = plots.shrinkage_curves(1.0)
both = np.array([10.0, 1.5])
print("left of weights of 10 and 1.5:  L1", soft_threshold(both, 1.0), " L2", both / (1 + 1.0))
np.testing.assert_allclose(both - soft_threshold(both, 1.0), 1.0)

# %% [markdown]
# L1 takes the same amount from everybody who has it; L2 takes a share. L1 is hard on small weights and mild to large ones,
# L2 the other way round.
#
# ### The diamond and the disk
#
# There is a picture for two weights. A penalty λ amounts to a budget: least loss subject to $|w_1| + |w_2| \le t$, a
# diamond, or to $w_1^2 + w_2^2 \le t^2$, a disk. The level lines of the loss are ellipses around the unpenalized weights.
# They grow until they touch the diamond or the disk. λ is the price that belongs to the budget: the higher the price, the
# smaller the budget.
#
# We keep two columns, body mass index and blood pressure. The slider sets λ for L1, and with it the diamond. The disk gets
# the same share of what the unpenalized weights use.
#
# **Question.** Move λ up from 0. Which weight is the first to be zero in the diamond, and where? And in the disk?

# %%
from labcode.widgets import DiamondAndDisk

two = load_diabetes(("bmi", "bp"))
explorer = DiamondAndDisk(two, value=5)
explorer.widget()

# %% [markdown]
# In the diamond blood pressure has a weight at λ = 25 and none from 30 on. In the disk both weights shrink together, and
# none is zero at any λ of the slider. For those who read this without running it, here is the slider at 30.
#
# **Question.** Why does the ellipse meet the diamond at a corner although it meets the disk off the axes?

# %%
at_30 = explorer.found[30]
_ = plots.diamond_and_disk(two, at_30)
np.testing.assert_allclose(at_30["l1"][0], lasso(two, 30.0))
np.testing.assert_allclose(at_30["l2"][0], ridge(two, at_30["l2"][1]))
zeros = [strength for strength, found in explorer.found.items() if found["l1"][0][1] == 0]
print("strengths at which the diamond's weight of blood pressure is 0:", zeros)
assert zeros == [30, 35, 40]
assert all((found["l2"][0] > 0).all() for found in explorer.found.values())

# %% [markdown]
# A corner sticks out, and level lines of a whole *range* of directions touch it first: that range is the interval
# $[-\lambda, \lambda]$ seen from outside. A disk has no corner, and one single direction would touch it on the axis. It is
# the corner that counts: a diamond with its corners rounded off would give no zeros, however straight its sides.
#
# The two prices above the panels have different units. The diamond's λ is a slope; the disk's λ is a slope for each unit
# of weight.
#
# **Question.** Between 25 and 30, at which λ does blood pressure drop out? The condition at zero answers without the picture.

# %%
r = two.x[:, 0] @ two.x[:, 1] / len(two.x)
pull_bmi, pull_bp = -two.gradient(np.zeros(2))
exit_bp = (pull_bp - r * pull_bmi) / (1 - r)
print(f"correlation {r:.2f}; blood pressure is out from λ = {exit_bp:.2f} on")
assert lasso(two, exit_bp * 1.001)[1] == 0 < lasso(two, exit_bp * 0.999)[1]
assert 25 < exit_bp < 30

# %% [markdown]
# While `bmi` is in alone, its weight is its own pull less λ. Blood pressure feels its own pull less what `bmi` already
# explains, their correlation $r$ times that weight, and it stays out as long as the rest is at most λ. The border is
# $g_{bp} - r\,(g_{bmi} - \lambda) = \lambda$, solved for λ in the cell.

# %% [markdown]
# ### Which algorithm arrives?
#
# So far we spoke of the *minimum*. Step 2 of the article's recipe is "use an optimizer", and the optimizer of a network
# is not coordinate descent. Here are four, on all ten columns, with λ = 1:
#
# - **SGD** and **Adam** on loss plus penalty: the subgradient λ·sign(w) joins the gradient, as it does when you write
#   `loss + penalty` and call `backward` (we use all rows in each step, so that nothing here is noise);
# - **proximal SGD**: a gradient step for the loss alone, then the soft threshold with *step size × λ*;
# - **coordinate descent**: each weight in turn set to its exact best value, a soft threshold (this is how `lasso` works).
#
# **Question.** All four minimize the same convex function. How many exact zeros does each have in the end?

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

# %% [markdown]
# In the cell the proximal method is the only one that does not get the penalty's gradient: its threshold *is* the penalty.
# Giving it both would penalize twice.
#
# **Question.** Count the zeros. Whose distance to the minimum would you expect to be largest?

# %%
ends = {name: path[-1] for name, path in paths.items()} | {"coordinate descent": solution}
for name, w in ends.items():
    distance = np.abs(w - solution).max()
    print(f"{name:<18} {(w == 0).sum()} exact zeros, distance to the minimum {distance:.1e}")
assert [(w == 0).sum() for w in ends.values()] == [0, 0, 3, 3]
assert np.abs(ends["proximal SGD"] - solution).max() < 1e-8

# %% [markdown]
# SGD and Adam come close and have no zero at all. The two that use the soft threshold have the three.
#
# A third party agrees: scikit-learn's `Lasso(alpha=1.0)` solves the same problem.
#
# **Question.** Its documentation writes the data term with 1/(2n), as here. Which `alpha` is our λ = 1?

# %%
from sklearn.linear_model import Lasso

theirs = Lasso(alpha=1.0, tol=1e-12, max_iter=100_000).fit(task.x, task.y).coef_
np.testing.assert_allclose(solution, theirs, atol=1e-5)
print("columns without a weight:", np.array(task.names)[zero])

# %% [markdown]
# `alpha=1.0`, and the same three columns are out: age, one of the two cholesterol columns, and a ratio made of others.
# (That `alpha` is λ holds for this data term; part 2 has a table of such conversions.)
#
# ### Why a plain step misses
#
# Near zero the subgradient is +λ on one side and −λ on the other, never anything small. A step of SGD there is step size
# × λ long, whatever the distance to zero. So the weight *jumps over* the minimum and back: the article's discontinuity is
# the reason why plain gradient steps do **not** find the zero.
#
# **Question.** How large will the jumps be for a step size of 0.05? And for half of it?

# %%
age = task.names.index("age")
tails = {name: path[-60:, age] for name, path in paths.items()}
_ = plots.weight_traces(tails, band=0.05, name="age")
halved = descend(task, sgd, 20_000, lr=0.025, **slope)[-60:, age]
jump, half_jump = np.ptp(tails["SGD"]), np.ptp(halved)
print(f"from lowest to highest: {jump:.3f} with a step size of 0.05, {half_jump:.3f} with half of it")
assert 0.05 < jump < 0.15
assert 0.3 < half_jump / jump < 0.7

# %% [markdown]
# About two step sizes times λ from top to bottom, and half of it with half the step size. A smaller step makes the
# chatter smaller; only a step size that goes to zero would end it. (Adam's band is its own: it divides each step by
# the size of recent gradients.)
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
for steps in (100, 10_000):
    sizes = np.abs(paths["SGD"][steps - 1])
    print(f"after {steps:5d} steps: largest of the three {sizes[zero].max():.2f}, ", end="")
    print(f"smallest of the seven {sizes[~zero].min():.2f}")
    objective = [task.loss(w) + np.abs(w).sum() for w in (paths["SGD"][steps - 1], solution)]
    print(f"   objective {objective[0] / objective[1] - 1:.2%} above its minimum")
    assert (sizes[zero].max() < sizes[~zero].min()) == (steps == 10_000)

# %% [markdown]
# After long training there is a wide gap between chatter and true weights, and any ε inside it will do. After 100 steps,
# with an objective that nobody would call unfinished, there is none: one of the three is larger than a weight that
# belongs in. So cutting equals the proximal step only if the optimizer has converged *and* the weights form two groups.
# A network is hardly ever trained to a minimum.

# %% [markdown]
# ### In an LSTM
#
# Now an LSTM of 32 units on the weather, with L1 on W and U, λ = 0.001, ten epochs: once with Adam and the penalty in the
# loss, once with `ProximalAdam`. There each weight has a step size of its own, and so its own threshold.
#
# **Question.** What has to be equal in both runs to make them a pair? Find it in the cell.

# %%
from labcode.data import load_weather
from labcode.lstm import SequenceModel
from labcode.training import fit, seeded

weather = load_weather()


def train(make_optimizer, epochs, **options):
    """Train 32 units from the same first weights, with the same batches; return model and history."""
    with seeded(0):
        model = SequenceModel(input_size=6, hidden_size=32, output_size=1)
    options |= {"optimizer": make_optimizer(model), "epochs": epochs, "progress": False}
    options["generator"] = torch.Generator().manual_seed(0)
    return model, fit(model, weather.train, weather.validation, **options)


# %% [markdown]
# First weights, batches, epochs and data are equal; the optimizer and the penalty are what may differ.
#
# **Question.** First Adam, with the penalty in the loss. What will its smallest weights look like?

# %%
from functools import partial

from labcode.penalties import WeightRegularization, l1_penalty_torch

l1 = partial(l1_penalty_torch, lam=1e-3)  # 0.001 * sum |w|
l1_in_the_loss = WeightRegularization(penalties={"input": l1, "recurrent": l1}).penalty

in_the_loss, loss_1 = train(lambda m: torch.optim.Adam(m.parameters(), 3e-3), 10, penalty=l1_in_the_loss)

# %% [markdown]
# Wait for the second run before you look. In `ProximalAdam` each group of parameters has a strength of its own.
#
# **Question.** Which parameters get λ in this cell, and which 0?

# %%
from labcode.optimizers import ProximalAdam

W, U = "lstm.weight_ih_l0", "lstm.weight_hh_l0"


def strengths(model, lam, *penalized):
    """Return groups for an optimizer: strength lam for the named parameters, 0 for all others."""
    return [{"params": [w], "lam_l1": lam * (name in penalized)} for name, w in model.named_parameters()]


proximal, loss_2 = train(lambda m: ProximalAdam(strengths(m, 1e-3, W, U), 3e-3, lam_l1=0.0), 10)

# %% [markdown]
# W and U get it; biases and head do not.
#
# **Question.** How many of the 4,864 weights of W and U are exactly zero in each run? And will the losses differ?

# %%
runs = {"Adam, L1 in the loss": (in_the_loss, loss_1), "ProximalAdam": (proximal, loss_2)}
sizes = {}
for name, (model, history) in runs.items():
    sizes[name] = np.concatenate([model.get_parameter(n).detach().numpy().ravel() for n in (W, U)])
    zeros, loss = (sizes[name] == 0).sum(), history.validation_loss[-1]
    print(f"{name:<21} {zeros} of {sizes[name].size} weights are zero, validation loss {loss:.3f}")
assert (sizes["Adam, L1 in the loss"] == 0).sum() == 0
assert (sizes["ProximalAdam"] == 0).mean() > 0.5

# %% [markdown]
# The same strength, about the same loss, and no zero in one run against most of the weights in the other.
#
# **Question.** Could we have cut Adam's small weights off? Look for a gap between small and large: a flat piece of the
# curve.

# %%
_ = plots.share_below(sizes)
cut = [(np.abs(sizes["Adam, L1 in the loss"]) < limit).mean() for limit in (1e-5, 1e-4, 1e-3, 1e-2)]
print("share below 0.00001, 0.0001, 0.001 and 0.01 under Adam:", np.round(cut, 2))
assert (np.diff(cut) > 0.03).all()

# %% [markdown]
# Under Adam the curve climbs without a flat piece: there is no gap to cut in, and every ε is arbitrary. Under the proximal
# step the flat line *is* the gap, and nobody had to choose.
#
# ### Zeros that scatter, zeros that line up
#
# A matrix with most weights zero costs as many multiplications as before, unless the zeros have an order. What would make
# an LSTM smaller is a *unit* less. Unit $j$ speaks to the others through column $j$ of U, in all four gates, and to the
# head through one more weight. If this whole column is zero, nobody listens to the unit and it can be cut out.
#
# So make the column a *group* and price its length, $\lambda \sum_j \lVert u_j \rVert$ (not squared: the square has no corner).
# Its proximal step shortens each column by the threshold, and those that are shorter vanish whole:
#
# $$ u_j \leftarrow u_j \, \max\left(1 - \frac{\tau}{\lVert u_j \rVert},\, 0\right), \qquad \tau = \text{step size} \times \lambda . $$
#
# This is the group lasso ([Yuan & Lin 2006](https://doi.org/10.1111/j.1467-9868.2005.00532.x)); for the units of an LSTM see
# [Wen et al. 2018](https://arxiv.org/abs/1709.05027).
#
# **Question.** Columns (3, 4) and (0.3, 0.4) with threshold 1: what is left of each?

# %%
from labcode.penalties import group_soft_threshold, group_soft_threshold_torch

columns = np.array([[3.0, 0.3], [4.0, 0.4]])
by_numpy = group_soft_threshold(columns, 1.0, "columns")
by_torch = group_soft_threshold_torch(torch.tensor(columns), 1.0, "columns")
np.testing.assert_allclose(by_numpy, by_torch.numpy(), rtol=1e-12)
np.testing.assert_allclose(by_numpy, [[2.4, 0.0], [3.2, 0.0]])
print("groups", by_numpy.round(1).tolist(), " single weights", soft_threshold(columns, 1.0).tolist())

# %% [markdown]
# The first column keeps its direction and loses length 1 of 5. The second, of length 0.5, is gone whole. Thresholding single
# weights takes 1 from each entry, which turns the column.
#
# Both now on the outgoing weights of the 32 units, U and the head, with strengths that give about as many zeros. We use
# SGD, whose step size is one number, so that the proximal step is exact. (Momentum makes it lr / (1 − momentum).)
#
# **Question.** First single weights. Do you expect columns of zeros in U?

# %%
from labcode.lstm.units import outgoing_weights, shorten_units_, silent_units, without_units
from labcode.optimizers import ProximalSGD


def with_momentum(lam):
    """SGD with momentum 0.9 and an L1 proximal step of strength lam for single weights of U and the head."""
    return lambda model: ProximalSGD(strengths(model, lam, U, "head.weight"), 0.02, momentum=0.9, lam_l1=0.0)


scattered, history_1 = train(with_momentum(0.001), 30)


# %% [markdown]
# `fit` calls a `constraint` after each step of the optimizer. Here it is the group's proximal step, which treats U and the
# head as one matrix: a unit is silent only if all that leaves it is zero.
#
# **Question.** The threshold is step size × λ. Which λ is in this cell?

# %%
threshold = 0.02 / (1 - 0.9) * 0.02
whole, history_2 = train(with_momentum(0.0), 30, constraint=lambda model: shorten_units_(model, threshold))

# %% [markdown]
# 0.02, after the step size 0.02 / (1 − 0.9); larger than for single weights, because it is the price of a column's length.
#
# **Question.** Zeros are white in the picture. What will tell the two panels apart at first sight?

# %%
left = {"single weights": outgoing_weights(scattered), "whole units": outgoing_weights(whole)}
blocks = {"i": 0, "f": 32, "g": 64, "o": 96, "head": 128}
maps = {name: w.detach() for name, w in left.items()}
_ = plots.zero_map(maps, xlabel="unit", ylabel="gate that the weight leads to", blocks=blocks)
silent = {"single weights": silent_units(scattered).sum(), "whole units": silent_units(whole).sum()}
for (name, w), history in zip(left.items(), (history_1, history_2), strict=True):
    print(f"{name:<15} {(w == 0).float().mean():.0%} zeros, {silent[name]} of 32 units silent, ", end="")
    print(f"validation loss {history.validation_loss[-1]:.3f}")
assert (left["single weights"] == 0).float().mean() > 0.5
assert silent["single weights"] <= 3 < 10 <= silent["whole units"]

# %% [markdown]
# Most weights are zero in both, but on the left they are dust, and on the right whole units fell silent. (One run and two
# strengths: this says nothing about which one predicts better. It says what each can remove.)
#
# **Question.** If the claim is right, we can cut the silent units out and get the same predictions. Which rows and
# columns of W, U, the biases and the head have to go?

# %%
from labcode.training import predict

small = without_units(whole, silent_units(whole).nonzero())
sizes = [sum(p.numel() for p in model.parameters()) for model in (whole, small)]
x = weather.validation.x
difference = (predict(whole, x) - predict(small, x)).abs().max().item()
print(f"{sizes[0]} parameters before, {sizes[1]} after; predictions differ by at most {difference:.0e}")
assert difference < 1e-4
assert sizes[1] < 0.6 * sizes[0]

# %% [markdown]
# For each unit four rows of W, of U and of the biases, its column of U, and its weight in the head. The smaller LSTM is the
# same function up to rounding. No ε and no retraining: the zeros were exact, and they stood where they were of use.

# %% [markdown]
# ## What to remember
#
# - A weight is zero at the minimum if and only if the data pull at it with at most λ. The corner of |w| has a whole
#   interval of slopes; w² has one, and so L2 has no zeros.
# - The soft threshold solves the one-weight problem. Proximal steps and coordinate descent are made of it and give exact
#   zeros.
# - The discontinuous derivative makes zero *optimal*, and makes plain gradient steps *miss* it: they chatter with an
#   amplitude of about step size × λ. Cutting at an ε afterwards is right only where a gap separates two groups.
# - L1 on single weights scatters zeros. The group lasso, with one group for each unit, removes units.
#
# ## Quiz
#
# **1.** At w = 0 the data gradient of one weight is 0.3 and of another −0.5. Which of them may be zero in the Lasso
# solution with λ = 0.4, if these are the only two columns and they are uncorrelated?
#
# <details><summary>Answer</summary>
#
# The first: |0.3| ≤ 0.4. The second is pulled with 0.5 > 0.4, towards a positive weight (the loss falls that way).
# </details>
#
# **2.** A colleague adds `lam * w.abs().sum()` to the loss, trains with Adam and reports that 0 % of the weights are zero,
# so "L1 does not work". What happened?
#
# <details><summary>Answer</summary>
#
# L1 worked: many weights are tiny. The optimizer jumps over zero at every step and cannot stop on it. A proximal step
# would.
# </details>
#
# **3.** Would $\lambda \sum_j \lVert u_j \rVert^2$ over columns remove units?
#
# <details><summary>Answer</summary>
#
# No. The square is smooth at 0, and the sum over columns is just L2 over all weights. The length itself has the corner.
# </details>
#
# **4.** You double the step size of proximal SGD and leave the threshold as it was. What did you do to the penalty?
#
# <details><summary>Answer</summary>
#
# Halved it. The threshold is step size × λ, so an unchanged threshold means half the λ.
# </details>
#
# **5.** In the picture, when does the ellipse touch the disk exactly on the axis?
#
# <details><summary>Answer</summary>
#
# Only if the loss has no slope along the other weight at that point: an exact coincidence. For the diamond a whole range
# of slopes will do.
# </details>
#
# **Next:** [part 2](../notebooks/04_2-3_weight_decay.ipynb) asks the same of L2, where nothing is zero and much can be said about
# directions, priors, Adam and dropout. The exercise of this chapter follows it.
