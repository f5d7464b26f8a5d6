# %% [markdown]
# # Chapter 4, part 2: What L2 does, and dropout as noise
#
# *About 60 minutes. Needs: [part 1](../notebooks/04_1_sparsity.ipynb), eigenvectors, the Gaussian distribution. This part
# mirrors section 4.2 of the article and goes on to dropout; 4.2 and 4.3 can be read on two days.*
#
# **After this chapter you can**
#
# - say what L2 does to a weight alone, to a weight with data, and to a direction of the data, and connect it with early
#   stopping and with a Gaussian prior;
# - convert a strength between the article, Keras, PyTorch and scikit-learn, and say why Adam with L2 is not AdamW;
# - derive the penalty that dropout amounts to in a linear model, and judge what the spread of repeated predictions with
#   dropout is worth.

# %% [markdown]
# ## 4.2 Weight decay of L2
#
# ### A weight alone
#
# The article's reason is that the derivative of the penalty is proportional to the weight. Follow it for one weight that
# no data pull at. The gradient of $\frac{\lambda}{2} w^2$ is $\lambda w$, so a step of size $\eta$ gives
#
# $$ w \leftarrow w - \eta \lambda w = (1 - \eta\lambda)\, w, \qquad w_k = (1 - \eta\lambda)^k\, w_0 . $$
#
# **Question.** With η = 0.1 and λ = 0.5, what is left of w₀ = 1 after 20 steps? And do the NumPy and PyTorch optimizers,
# whose `weight_decay` is this λ, do just that?

# %%
import numpy as np
import torch

from labcode.optimizers import sgd

w, twin = np.ones(1), torch.ones(1, dtype=torch.float64)
optimizer, path = torch.optim.SGD([twin], lr=0.1, weight_decay=0.5), [1.0]
for _ in range(100):
    w, _ = sgd(w, np.zeros(1), lr=0.1, weight_decay=0.5)
    twin.grad = torch.zeros(1, dtype=torch.float64)
    optimizer.step()
    path.append(w.item())

# %% [markdown]
# Each loop turn is one step with a data gradient of zero, in NumPy and in PyTorch.
#
# **Question.** Your figure for 20 steps? Compare it, and both paths with the formula.

# %%
print(f"after 20 steps {path[20]:.3f}, after 100 steps {path[100]:.4f}")
np.testing.assert_allclose(path, (1 - 0.1 * 0.5) ** np.arange(101), rtol=1e-12)
np.testing.assert_allclose(w, twin.numpy(), rtol=1e-12)

# %% [markdown]
# All three agree: the share ηλ = 0.05 is lost at every step.
#
# **Question.** L1 takes ηλ from the weight at every step, L2 the share ηλ. Which of them reaches zero, and when?

# %%
from labcode import plots
from labcode.penalties import soft_threshold

path_l1 = [np.ones(1)]
for _ in range(100):
    path_l1.append(soft_threshold(path_l1[-1], 0.1 * 0.5))
_ = plots.decays({"L2": np.array(path), "L1, proximal": np.concatenate(path_l1)})
print(f"L1 is zero after {path_l1.index(0.0)} steps; L2 halves every {np.log(0.5) / np.log(0.95):.1f} steps")
assert path_l1.index(0.0) in (20, 21)
assert min(path) > 0.005

# %% [markdown]
# L1 walks to zero in a straight line and stops there. L2 is a straight line on the logarithmic axis: the same share in
# every step, a half-life, and never zero. This is the article's statement, and without data it holds for any weight.
#
# ### A weight with data
#
# With data the decay ends where both forces balance: $\nabla L(w^*) + \lambda w^* = 0$. So at the end every weight is
# *proportional to the pull* that the data still exert on it, $w^* = -\nabla L(w^*) / \lambda$.
#
# **Question.** The diabetes data of part 1, λ = 0.1. Does gradient descent with weight decay arrive at that balance?

# %%
from labcode.linear import descend, load_diabetes, ridge

task, lam = load_diabetes(), 0.1
balance = descend(task, sgd, 10_000, lr=0.1, weight_decay=lam)[-1]
for name, w, pull in zip(task.names, balance, -task.gradient(balance), strict=True):
    print(f"{name:>4}  pull of the data {pull:7.3f} = 0.1 × weight {w:8.2f}")
np.testing.assert_allclose(lam * balance, -task.gradient(balance), atol=1e-8)
np.testing.assert_allclose(balance, ridge(task, lam), atol=1e-8)

# %% [markdown]
# It does, and the closed form $(X^\top X / n + \lambda I)^{-1} X^\top y / n$ gives the same. A weight is large here if the data
# insist on it. It would be zero only if they did not pull at all, which is the answer of part 1 once more.
#
# **Question.** "L2 makes the weights smaller." *Every* weight? Compare with the weights without a penalty.

# %%
free = ridge(task, 0.0)
left = balance / free
print({name: round(float(share), 2) for name, share in zip(task.names, left, strict=True)})
print(
    f"length of the weight vector: {np.linalg.norm(free):.1f} without, {np.linalg.norm(balance):.1f} with L2"
)
assert np.linalg.norm(balance) < np.linalg.norm(free)
assert left.min() < 0 < 1 < left.max()

# %% [markdown]
# The vector got shorter, but single weights have grown (`s6`) or changed their sign (`age`, `s2`, `s3`). The columns are
# correlated: what `s1` and `s2` did together with large opposite weights, others do now. So the article's sentence is about
# the vector, not about each weight.
# Is there a view in which it is true for every number?
#
# ### Directions
#
# There is: along the eigenvectors of $X^\top X / n$ the columns no longer mix. Let $\sigma_j^2$ be the eigenvalue, the mean
# square of the data along direction $j$, and $a_j$ the unpenalized weight along it. Then
#
# $$ a_j \;\to\; \frac{\sigma_j^2}{\sigma_j^2 + \lambda}\, a_j . $$
#
# (Put $\frac{\sigma^2}{2}(a - a_j)^2 + \frac{\lambda}{2} a^2$ and set the derivative to zero.)
#
# **Question.** Along which directions is more lost: those in which the data vary much, or little?

# %%
values, vectors = np.linalg.eigh(task.x.T @ task.x / len(task.x))
left = (vectors.T @ balance) / (vectors.T @ free)
print("mean square ", values.round(3))
print("share left  ", left.round(3))
np.testing.assert_allclose(left, values / (values + lam), rtol=1e-6)
assert (np.diff(left) > 0).all()

# %% [markdown]
# Now every share lies between 0 and 1. Where the data vary much, hardly anything is lost; where they hardly vary, most of
# it. That is the point of L2: it gives up what the data could not determine anyway, and keeps what they can.
#
# **Question.** Gradient descent that starts at 0 and is stopped after $k$ steps has, along each direction, the share
# $1 - (1 - \eta\sigma_j^2)^k$ of its way behind it. Which directions does it learn first? (η = 0.1, k = 100.)

# %%
lr, k = 0.1, 100
stopped = descend(task, sgd, k, lr=lr)[-1]
reached = (vectors.T @ stopped) / (vectors.T @ free)
print("share reached", reached.round(3))
np.testing.assert_allclose(reached, 1 - (1 - lr * values) ** k, rtol=1e-6)

# %% [markdown]
# The same order: first where the data vary much. Early stopping is a relative of L2, with $1/(\eta k)$ in the place of λ. The
# slider sets λ, and the number of steps follows.
#
# **Question.** Are the two curves ever equal? Where do they differ most?

# %%
from labcode.widgets import ShrinkageFactors

explorer = ShrinkageFactors(values, lr=lr, value=0.003)
explorer.widget()

# %% [markdown]
# And as a still picture, at λ = 0.1.
#
# **Question.** What is the largest difference over all strengths of the slider and all directions?

# %%
_ = plots.shrinkage_factors(values, explorer.factors(0.1))
pairs = [list(explorer.factors(strength).values()) for strength in explorer.values]
difference = max(np.abs(stopping - l2).max() for l2, stopping in pairs)
print(f"largest difference of the two shares: {difference:.2f}")
assert 0.15 < difference < 0.25

# %% [markdown]
# Relatives, not twins: for the same 1/(ηk) early stopping leaves a little more. For an LSTM neither formula
# holds exactly, since its loss is no parabola, but the picture explains why the two methods can do similar things, as they
# did in chapter 1.
#
# ### A prior
#
# A third view: before seeing data, believe each weight to be Gaussian with standard deviation τ around 0, and the noise of
# the targets to be Gaussian with standard deviation s. The most probable weights after seeing the data maximize
#
# $$ \log p(w \mid y) = -\frac{1}{2 s^2} \lVert y - Xw \rVert^2 - \frac{1}{2\tau^2} \lVert w \rVert^2 + \text{const}, $$
#
# and multiplied by $-s^2/n$ that is our loss plus $\frac{\lambda}{2} \lVert w \rVert^2$ with $\lambda = s^2 / (n\tau^2)$.
#
# **Question.** How can PyTorch's distributions, which know nothing of Ridge, confirm it?

# %%
from torch.distributions import Normal

s, tau, n = 60.0, 15.0, len(task.x)
strength = s**2 / (n * tau**2)
w = torch.tensor(ridge(task, strength), requires_grad=True)
noise, prior = Normal(torch.tensor(task.x) @ w, s), Normal(0.0, tau)
(noise.log_prob(torch.tensor(task.y)).sum() + prior.log_prob(w).sum()).backward()
print(f"λ = {strength:.4f}; slope of the log posterior there: at most {w.grad.abs().max():.0e}")
assert w.grad.abs().max() < 1e-9

# %% [markdown]
# The posterior is flat at the Ridge solution: it is the maximum. (In the same way L1 belongs to a prior with the density
# $e^{-|w|/b}$, the Laplace distribution. Its *most probable* weights have zeros; its draws do not.)
#
# A prior makes a prediction: if weights really are drawn from it, then this λ should be the best one. We can draw.
#
# **Question.** 300 weight vectors from the prior, targets with noise for each, Ridge with 25 strengths. At which λ do you
# expect the smallest error in the weights?

# %%
rng, strengths = np.random.default_rng(0), strength * np.geomspace(0.01, 100, 25)
truth = tau * rng.normal(size=(10, 300))
cross = task.x.T @ (task.x @ truth + s * rng.normal(size=(n, 300))) / n
gram = task.x.T @ task.x / n
found = np.array([np.linalg.solve(gram + lam * np.eye(10), cross) for lam in strengths])
errors = np.square(found - truth).sum(axis=1).mean(axis=1)

# %% [markdown]
# The errors are squared distances to the true weights, averaged over the 300 draws.
#
# **Question.** The curve will rise on both sides. What goes wrong on the left, and what on the right?

# %%
_ = plots.error_by_strength(strengths, errors, predicted=strength)
print(f"lowest at λ = {strengths[errors.argmin()]:.3f}; the prior asks for {strength:.3f}")
assert 1 / 2.2 < strengths[errors.argmin()] / strength < 2.2

# %% [markdown]
# The lowest point moves with the noise and with the number of rows. **Try this:**
#
# 1. Make the noise about three times as large. By which factor does the best λ grow?
# 2. With how many more samples do you get the old one back?

# %%
from labcode.widgets import RidgeError

RidgeError().widget()

# %% [markdown]
# On the left the weights follow the noise, on the right they can no longer follow the data, and the lowest point is where
# theory puts it. So λ has a meaning: the noise against the expected size of the weights, divided by the number of rows. More
# data, less λ. (For an LSTM nobody knows τ or s, and one chooses λ on validation data.)

# %% [markdown]
# ### The factor 2
#
# The article, Keras, PyTorch and scikit-learn all have an L2 with one number to set, and mean different things by it. We
# do not trust documentation and measure: how hard does a setting pull at a weight of 3?
#
# **Question.** For a penalty the pull is its slope. How does the function below get it, for a penalty of any library?


# %%
def pull_of(penalty):
    """Return the pull of a penalty at a weight of 3, as a function of its setting."""

    def measured(setting):
        w = torch.tensor([3.0], dtype=torch.float64, requires_grad=True)
        penalty(w, setting).backward()
        return w.grad.item()

    return measured


# %% [markdown]
# From PyTorch's `backward`, which Keras's regularizer allows, too, if Keras runs on PyTorch. Of `Ridge` we take the
# formula that scikit-learn states; the tests of this course check it against the program.
#
# **Question.** Which of the three pulls twice as hard, and why?

# %%
import os

os.environ["KERAS_BACKEND"] = "torch"
import keras

from labcode.penalties import l2_penalty_torch

pulls = {"article: λ/2 Σw²": pull_of(l2_penalty_torch)}
pulls["Keras: l2(x)"] = pull_of(lambda w, x: keras.regularizers.L2(x)(w))
pulls["Ridge: alpha Σw²"] = pull_of(lambda w, alpha: alpha * (w**2).sum())
print({name: round(pull(0.1), 4) for name, pull in pulls.items()})
np.testing.assert_allclose([pull(0.1) for pull in pulls.values()], [0.3, 0.6, 0.6], rtol=1e-6)

# %% [markdown]
# Keras's and Ridge's: without the ½ the pull is twice as hard. PyTorch's optimizers have no formula to look at, only a
# `weight_decay`. We give them a gradient of zero and divide the step by the step size.
#
# **Question.** If `weight_decay` is a λ, what must become of the step when the setting is doubled?


# %%
def decay_of(name):
    """Return the pull of an optimizer's weight_decay at a weight of 3 in its first step."""

    def measured(setting):
        w = torch.tensor([3.0], dtype=torch.float64)
        w.grad = torch.zeros_like(w)
        getattr(torch.optim, name)([w], lr=0.01, weight_decay=setting).step()
        return (3 - w.item()) / 0.01

    return measured


# %% [markdown]
# It must double. So the table has two columns of pulls, and names a λ only where the second is twice the first.
#
# **Question.** Which of the four optimizers will surprise you?

# %%
names = ("SGD", "AdamW", "Adam", "RMSprop")
pulls |= {f"torch.optim.{name}(weight_decay)": decay_of(name) for name in names}
print(f"{'setting':<34} pull at 0.1   pull at 0.2   a setting of 0.1 is λ =")
strength_of = {}
for name, pull in pulls.items():
    proportional = np.isclose(pull(0.2), 2 * pull(0.1))
    strength_of[name] = round(pull(0.1) / 3, 6) if proportional else None
    print(f"{name:<34} {pull(0.1):11.3f} {pull(0.2):13.3f}   {strength_of[name] or 'none'}")
assert list(strength_of.values()) == [0.1, 0.2, 0.2, 0.1, 0.1, None, None]

# %% [markdown]
# This is the table to keep. Keras's `l2(x)` is the article's λ = 2x; `SGD` and `AdamW` pull with λw, as the article does.
# `Adam` and `RMSprop` do something else: they divide the decay by its own size (or a tenth of it, in the first step), so that
# *any* setting pulls alike there. More of that below.
#
# One more factor hides in the *data term*. A penalty has a meaning only in relation to it, and there are three in use: a sum
# of squares (`Ridge`), their mean (Keras's `"mse"`, `fit` in this course), and half of their mean (`Lasso`, this chapter).
#
# **Question.** Let $w$ be the minimum of half of the mean plus λ/2 Σw² with λ = 0.1. Which settings give the same $w$ with the
# other data terms? At a minimum the slopes of data and penalty cancel; the cell checks that.

# %%
w = ridge(task, 0.1)
slope = task.gradient(w)
balances = {
    "half of the mean, λ/2 Σw²": (0.1, slope + 0.1 * w),
    "mean, λ/2 Σw²": (0.2, 2 * slope + 0.2 * w),
    "mean, Keras l2(x)": (0.1, 2 * slope + 2 * 0.1 * w),
    "sum, Ridge(alpha)": (n * 0.1, 2 * n * slope + 2 * (n * 0.1) * w),
}
for name, (setting, balance) in balances.items():
    print(f"{name:<26} setting {setting:5.1f}   largest slope {abs(balance).max():.0e}")
    assert abs(balance).max() < 1e-8

# %% [markdown]
# One and the same minimum, four settings. A λ that is copied from a paper without the convention of its data term is
# a number without a unit.

# %% [markdown]
# ### Adam with L2, and AdamW
#
# Adam divides each gradient by the root of its running mean square, $\sqrt{v}$. If the penalty's gradient joins the loss's
# first, it is divided as well:
#
# $$ \text{Adam + L2:}\quad w \leftarrow w - \eta\,\frac{\overline{\nabla L + \lambda w}}{\sqrt{v} + \epsilon}
#    \qquad \text{AdamW:}\quad w \leftarrow (1 - \eta\lambda)\, w - \eta\,\frac{\overline{\nabla L}}{\sqrt{v} + \epsilon} $$
#
# (the bar is Adam's running mean). A weight with large gradients then decays with $\eta\lambda/\sqrt{v}$, hardly at all; AdamW
# shrinks all by the same share ([Loshchilov & Hutter 2019](https://arxiv.org/abs/1711.05101)).
#
# **Question.** The first step, by hand: w = (1, −2), gradients (0.5, −0.01), η = 0.1, λ = 0.5. In a first step the quotient of
# Adam is just the sign of what was put in. Where do both methods go?

# %%
from labcode.optimizers import adam, adamw

start, grad = np.array([1.0, -2.0]), np.array([0.5, -0.01])
for step, cls in ((adam, torch.optim.Adam), (adamw, torch.optim.AdamW)):
    twin = torch.tensor(start)
    twin.grad = torch.tensor(grad)
    cls([twin], lr=0.1, weight_decay=0.5).step()
    by_numpy, _ = step(start, grad, lr=0.1, weight_decay=0.5)
    print(f"{step.__name__:<6} {by_numpy.round(4)}")
    np.testing.assert_allclose(by_numpy, twin.numpy(), rtol=1e-12)

# %% [markdown]
# NumPy and PyTorch agree. Adam with L2 moved both weights by 0.1, and would have done so without any decay: it vanished in
# the division. AdamW moved by the same 0.1 and took 5 % of each weight besides.
#
# Over many steps √v settles at the size of the gradients. The next cell lets two weights start at 1, with gradients that are
# pure noise, of size 0.01 for one and of size 1 for the other.
#
# **Question.** Why does it average over 2,000 such pairs?

# %%
noise = np.random.default_rng(0).normal(size=(500, 2000, 2)) * [0.01, 1.0]


def left_of_one(step, lam):
    """Mean of 2,000 pairs of weights after 500 steps on noise, from a start at 1."""
    w, state = np.ones((2000, 2)), None
    for grad in noise:
        w, state = step(w, grad, state, lr=1e-3, weight_decay=lam)
    return w.mean(axis=0)


# %% [markdown]
# Because the noise moves single weights about, and only the decay is left in the mean. Adam gets λ = 0.01, AdamW λ = 1, so that
# both effects can be seen.
#
# **Question.** Which method will shrink the two weights of a pair alike?

# %%
by_adam, by_adamw = left_of_one(adam, 0.01), left_of_one(adamw, 1.0)
print("small and large gradients: Adam + L2", by_adam.round(3), " AdamW", by_adamw.round(3))
np.testing.assert_allclose(by_adamw, (1 - 1e-3) ** 500, atol=0.02)
assert by_adam[0] < 0.85 < 0.95 < by_adam[1]

# %% [markdown]
# AdamW does the same to both. Adam with L2 shrinks the quiet weight and spares the noisy one, under the same λ.
#
# Does that happen in an LSTM, too? Three runs on the weather with the same seed: no decay, Adam with L2, and AdamW.
#
# **Question.** Which parameters take the decay in this helper, and which do not?

# %%
from labcode.data import load_weather
from labcode.lstm import SequenceModel
from labcode.training import fit, seeded

weather = load_weather()


def trained(make, lam):
    """Train 32 units for 20 epochs with decay on W and U; return the optimizer, and W and U."""
    with seeded(0):
        model = SequenceModel(input_size=6, hidden_size=32, output_size=1)
    groups = [
        {"params": [w], "weight_decay": lam * ("lstm.w" in name)} for name, w in model.named_parameters()
    ]
    optimizer, batches = make(groups, lr=3e-3), torch.Generator().manual_seed(0)
    fit(model, weather.train, optimizer=optimizer, epochs=20, generator=batches, progress=False)
    return optimizer, [model.lstm.weight_ih_l0, model.lstm.weight_hh_l0]


# %% [markdown]
# W and U do; biases and the head do not.
#
# **Question.** Where does the cell take the size of a weight's gradients from?


# %%
def flat(tensors):
    """All entries of some tensors, in one array."""
    return torch.cat([tensor.detach().ravel() for tensor in tensors]).numpy()


optimizer, plain = trained(torch.optim.Adam, 0.0)
_, by_adam = trained(torch.optim.Adam, 3e-4)
_, by_adamw = trained(torch.optim.AdamW, 0.3)
roots = flat([optimizer.state[w]["exp_avg_sq"].sqrt() for w in plain])
plain, by_adam, by_adamw = flat(plain), flat(by_adam), flat(by_adamw)

# %% [markdown]
# From Adam's own memory in the run without decay, $\sqrt v$ at its end. The strengths, 0.0003 and 0.3, were chosen so that
# both methods leave about as much weight in all.
#
# **Question.** Did they? Compare the lengths of the three weight vectors.

# %%
lengths = [float(np.linalg.norm(w)) for w in (plain, by_adam, by_adamw)]
print("length of W and U together: no decay {:.1f}, Adam + L2 {:.1f}, AdamW {:.1f}".format(*lengths))
assert 0.85 < lengths[1] / lengths[2] < 1.15

# %% [markdown]
# They did, closely enough.
#
# **Question.** Now sort the weights by the size of their gradients, in quarters, and compare each quarter with the same weights
# in the run without decay. Sketch the two lines before you look.

# %%
quarters = np.array_split(roots.argsort(), 4)
ratios = {}
for name, w in {"Adam + L2, λ = 0.0003": by_adam, "AdamW, λ = 0.3": by_adamw}.items():
    ratios[name] = [np.linalg.norm(w[q]) / np.linalg.norm(plain[q]) for q in quarters]
names = ["smallest", "second", "third", "largest"]
_ = plots.ratios_by_group(names, ratios, xlabel="quarter of the weights, by the size of their gradients")
coupled, decoupled = ratios.values()
print("Adam + L2", np.round(coupled, 2), " AdamW", np.round(decoupled, 2))
assert coupled[3] - coupled[0] > 0.25
assert np.ptp(decoupled) < 0.1

# %% [markdown]
# Two vectors of nearly the same length and of different shape. Adam with L2 took much from the weights whose gradients are
# small and little from those with large ones; AdamW took the same share everywhere. Note the strengths, too: a thousand
# times apart. **A λ does not carry over from one to the other**, and `weight_decay` of `torch.optim.Adam` is not the article's.
# Which one predicts better is a question for validation data and many seeds, not for this figure.

# %% [markdown]
# ## 4.3 Dropout as noise
#
# ### Its expected loss
#
# Take the linear model again and drop *inputs*: each $x_{ij}$ is multiplied by a mask $m_{ij}$ that is 0 with probability $p$ and
# else $1/(1-p)$. It has mean 1 and variance $p/(1-p)$. For one row,
#
# $$ \mathbb{E}\Big[\big(y - \textstyle\sum_j m_j x_j w_j\big)^2\Big] = \big(y - x^\top w\big)^2 + \operatorname{Var}\Big[\textstyle\sum_j m_j x_j w_j\Big]
#    = \big(y - x^\top w\big)^2 + \frac{p}{1-p} \sum_j x_j^2 w_j^2 , $$
#
# because the mean square is the square of the mean plus the variance, and the masks are independent. Over all rows:
#
# $$ \mathbb{E}\, L_{\text{dropout}}(w) = L(w) + \frac{p}{1-p} \cdot \frac{1}{2} \sum_j w_j^2 \Big(\frac1n \sum_i x_{ij}^2\Big) . $$
#
# An L2 penalty, with a strength for each column that *adapts* to its mean square
# ([Wager, Wang & Liang 2013](https://arxiv.org/abs/1307.1493)).
#
# **Question.** With ten columns there are 1,024 masks for a row. The cell computes the loss under each. Why is it enough to give
# all rows the same mask here?

# %%
from itertools import product

p, w = 0.3, ridge(task, 0.1)
kept = np.array(list(product((0.0, 1.0), repeat=10)))
probability = (p ** (1 - kept) * (1 - p) ** kept).prod(axis=1)
losses = np.square(task.y[:, None] - task.x @ (kept / (1 - p) * w).T).mean(axis=0) / 2

# %% [markdown]
# Because an expected value of a sum is the sum of the expected values, row by row, whether or not rows share their mask.
#
# **Question.** The mean of these losses, weighted with their probabilities, against the formula: equal, or nearly so?

# %%
formula = task.loss(w) + p / (1 - p) / 2 * (w**2 * np.square(task.x).mean(axis=0)).sum()
print(f"loss {task.loss(w):.2f}, expected with dropout {probability @ losses:.6f}, formula {formula:.6f}")
np.testing.assert_allclose(probability @ losses, formula, rtol=1e-12)

# %% [markdown]
# To the last digits. Real dropout draws, of course, and a new mask for every row.
#
# **Question.** 2,000 draws: how far from the formula do you expect their mean loss?

# %%
from labcode.dropout import dropout_mask

rng = np.random.default_rng(0)
dropped = [task.x * dropout_mask(task.x.shape, p, rng=rng) for _ in range(2000)]
draws = np.array([np.square(task.y - x @ w).mean() / 2 for x in dropped])
error = draws.std(ddof=1) / np.sqrt(len(draws))
print(f"mean of the draws {draws.mean():.2f} ± {1.96 * error:.2f} (95 %), formula {formula:.2f}")
assert abs(draws.mean() - formula) < 4 * error

# %% [markdown]
# Chance moves the mean a little, by about as much as the interval says. Here every column has mean square 1, so the formula is
# plain L2 with λ = p/(1 − p).
#
# **Question.** Then training *with* dropout, and no penalty at all, should end near Ridge with λ = 0.3/0.7. Does it?

# %%
w, steps = np.zeros(10), []
for x in dropped:
    w = w - 0.03 * x.T @ (x @ w - task.y) / n
    steps.append(w)
with_dropout, by_ridge = np.mean(steps[500:], axis=0), ridge(task, p / (1 - p))
print("dropout", with_dropout.round(1), "\nridge  ", by_ridge.round(1), "\nfree   ", free.round(1))
assert np.abs(with_dropout - by_ridge).max() < 0.5
assert np.abs(free - by_ridge).max() > 10


# %% [markdown]
# On average over the steps, yes. Here dropout *is* a shrinkage: masks make the prediction vary, the more so the larger the
# weights, and squared loss charges for it.
#
# **Question.** What does "adapts" mean in practice? We write one column in another unit (ten times its numbers). Which
# method gives the same predictions as before: L2, or dropout?


# %%
def predictions(x, adapt):
    """Predictions of the best weights under L2 (adapt = 0) or under dropout's expected loss (adapt = 1)."""
    strengths = p / (1 - p) * np.square(x).mean(axis=0) ** adapt
    return x @ np.linalg.solve(x.T @ x / n + np.diag(strengths), x.T @ task.y / n)


other_unit = task.x * np.where(np.array(task.names) == "bmi", 10.0, 1.0)
changes = [np.abs(predictions(other_unit, a) - predictions(task.x, a)).max() for a in (0, 1)]
print(f"largest change of a prediction: L2 {changes[0]:.2f}, dropout {changes[1]:.0e}")
assert changes[1] < 1e-8 < 1 < changes[0]

# %% [markdown]
# Dropout does not care about units: the weight becomes ten times smaller, the mean square a hundred times larger. L2 does
# care: a column in large numbers needs only a small weight, and gets off cheaply.
#
# All this is exact for a linear model and squared loss. In an LSTM the noise passes through gates and many steps; "an adaptive L2"
# is then a first approximation and not a theorem, and the masks that are drawn once for a whole sequence (locked, or
# *variational*) act on all steps together.

# %% [markdown]
# ### Dropout left on
#
# [Gal & Ghahramani 2016](https://arxiv.org/abs/1506.02142) read dropout as approximate Bayesian inference: each mask is a draw of
# the weights from a distribution. Then one should predict with dropout *on*, many times, take the mean, and read the
# spread as the model's uncertainty. With locked masks each pass is one thinned LSTM for the whole sequence.
#
# **Question.** What should the spread do if it is a measure of uncertainty? Write down two things that one could check.

# %%
from labcode.experiments import train_once
from labcode.training.monte_carlo import monte_carlo_predict

rates = {"input_dropout": 0.2, "recurrent_dropout": 0.2, "output_dropout": 0.2}
model, _ = train_once(weather, seed=0, hidden=32, epochs=20, model_options=rates, progress=False)
x, y = weather.validation
passes = monte_carlo_predict(model, x, 100, generator=torch.Generator().manual_seed(0)).numpy()
mean, spread = passes.mean(axis=0), passes.std(axis=0)
print(f"{len(passes)} passes over {len(x)} days; spread {spread.min():.2f} to {spread.max():.2f}")

# %% [markdown]
# Two things: it should be larger where the error is larger; and an interval made of it should contain the outcome as
# often as it says. First the mean.
#
# **Question.** In evaluation mode dropout is off, one pass with the mean of the masks. Is that the mean of the passes?

# %%
from labcode.training import predict

at_once = predict(model, x).numpy()
single, of_mean, off = (np.square(one - y).mean() for one in (passes, mean, at_once))
print(f"mean squared error: single passes {single:.3f}, mean of 100 {of_mean:.3f}, dropout off {off:.3f}")
print(f"mean of 100 against dropout off: up to {np.abs(mean - at_once).max():.2f} apart")
assert single > max(of_mean, off) + 0.01
assert abs(of_mean - off) < 0.03
assert np.abs(mean - at_once).max() > 0.05

# %% [markdown]
# Not the same: a mean of nonlinear functions is not the function of the mean. In the error the two hardly differ, and single
# passes are worse than both, on average. (The 100 passes cost a hundred times as much.)
#
# **Question.** Now the spread. Is the error larger on days on which the passes disagree? The interval resamples blocks of 14
# neighbouring days.

# %%
from labcode.experiments import paired_interval

error, spread = np.abs(y - mean)[:, 0], spread[:, 0]
products = (spread - spread.mean()) / spread.std() * (error - error.mean()) / error.std()
low, high = paired_interval(products[None], rng=np.random.default_rng(0), block=14)
_ = plots.spread_against_error(spread, error, unit="standard deviations")
print(f"correlation of spread and error {products.mean():.2f}, 95 % interval {low:.2f} to {high:.2f}")
assert 0 < products.mean() < 0.4
assert error[spread > np.quantile(spread, 0.8)].mean() > error.mean()

# %% [markdown]
# A weak relation. Where the passes disagree most the mean error is the largest, but below that the diamonds hardly rise, and the
# cloud is everywhere. For a single day the spread says little about whether to distrust the forecast.
#
# **Question.** And the second check: how many outcomes lie within 1.96 spreads of the mean, where 95 % should?

# %%
half = len(error) // 2
constant = np.sqrt(np.square(error[:half]).mean())
print(f"within 1.96 spreads: {(error < 1.96 * spread).mean():.0%} of the days")
print(f"within 1.96 × {constant:.2f}: {(error[half:] < 1.96 * constant).mean():.0%} of the second half-year")
assert (error < 1.96 * spread).mean() < 0.6
assert (error[half:] < 1.96 * constant).mean() > 0.85

# %% [markdown]
# Far too few. The spread holds what the thinned models disagree about, and nothing of the noise in the weather itself. One
# constant number, measured on other days, comes far closer to what it promises, at no cost at all.
#
# **Question.** Is the spread worth nothing, then? Give the model days that do not exist: all temperatures four
# standard deviations higher.

# %%
impossible = x.copy()
impossible[:, :, :2] += 4
again = monte_carlo_predict(model, impossible, 100, generator=torch.Generator().manual_seed(0))
there = again.numpy().std(axis=0).mean()
print(f"mean spread: {spread.mean():.2f} on real days, {there:.2f} on impossible ones")
assert there > 2 * spread.mean()

# %% [markdown]
# Here it speaks up: the passes agree where there were data and disagree where there were none. So the spread is a sign of
# unfamiliar *inputs*. It is not an error bar: its scale depends on $p$, which you chose before seeing any data. (This was one
# model on one year; it chose nothing, and it claims no more than it shows.)

# %% [markdown]
# ## What to remember
#
# - Without data L2 shrinks every weight by the same share per step, and never to zero. With data it stops where λw balances
#   the pull. It shortens the weight *vector*; single weights may grow.
# - Along the eigenvectors of the data the share left is σ²/(σ² + λ). Early stopping acts alike, with 1/(ηk) as λ. A Gaussian
#   prior gives the same penalty, with λ = s²/(nτ²).
# - A strength has no meaning without its convention: λ/2 or λ, sum or mean or half of the mean. Keras's `l2(x)` is λ = 2x.
# - In Adam an L2 gradient is divided by √v; weights with large gradients hardly decay. AdamW shrinks all alike. Their λ
#   are not interchangeable.
# - In a linear model dropout on the inputs is, on average, L2 with a strength p/(1 − p) times each column's mean square.
# - The spread of passes with dropout on notices strange inputs. It is no calibrated error bar.
#
# ## Quiz
#
# **1.** η = 0.01, λ = 0.1, no data. After how many steps is a weight halved, roughly?
#
# <details><summary>Answer</summary>
#
# Each step leaves 1 − 0.001, so about ln 2 / 0.001, some 700 steps.
# </details>
#
# **2.** You set `kernel_regularizer=l2(0.01)` in Keras. Which `weight_decay` of `torch.optim.SGD` is the same, if both losses are
# the mean squared error?
#
# <details><summary>Answer</summary>
#
# 0.02: the slope of 0.01 w² is 0.02 w. And only on the kernel, so put W into a parameter group of its own.
# </details>
#
# **3.** You switch from `Adam(weight_decay=1e-4)` to `AdamW(weight_decay=1e-4)` and the model overfits more. Why?
#
# <details><summary>Answer</summary>
#
# Adam divides the decay by √v, which is far below 1 for most weights, so that it acts much more strongly. AdamW with the same
# number hardly decays at all. Choose its strength anew.
# </details>
#
# **4.** A column is constant and you forgot to centre it. Which direction does L2 shrink least?
#
# <details><summary>Answer</summary>
#
# The one with the largest mean square, which may now be the constant column's: it holds a large number everywhere. Centre
# the columns, or leave the intercept out of the penalty.
# </details>
#
# **5.** With p = 0.5, how strong is the L2 penalty that dropout on standardized inputs amounts to? And with p → 1?
#
# <details><summary>Answer</summary>
#
# λ = 0.5/0.5 = 1 (for half of the mean squared error). It grows without limit as p approaches 1.
# </details>
#
# **6.** "Our MC dropout intervals are narrow, so the forecast is safe." What do you reply?
#
# <details><summary>Answer</summary>
#
# Narrow means that the thinned models agree. Noise in the targets is not in it, and the rate p sets its scale. Count how many
# outcomes fall inside, on data that chose nothing.
# </details>
#
# **Next:** [exercise 4](../exercises/ex04_mathematics.ipynb) lets you write the soft threshold, the proximal and the AdamW step,
# the conversions, and dropout's penalty yourself.
