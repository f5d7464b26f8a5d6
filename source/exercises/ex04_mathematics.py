# %% [markdown]
# # Exercise 4: zeros, shrinkage and noise
#
# **You will** write the formulas behind chapter 4: the soft threshold and the proximal step, the proof that a solution
# is one, Ridge along the directions of the data, strengths that agree between libraries, the penalty of dropout, AdamW,
# and predictions with dropout left on. **Time:** about 60 minutes; tasks 1 to 3 belong to
# [part 1](../notebooks/04_1_sparsity.ipynb) and 4 to 8 to [part 2](../notebooks/04_2-3_weight_decay.ipynb). **Needs:** both
# parts and basic NumPy.
#
# Fill in each blank, run its cell, then run the check below it. The check says what is right, what is wrong and
# which misunderstanding probably lies behind it. Wrong answers cost nothing; try one on purpose.
#
# Your copy is kept in `work/exercises/`, and no update overwrites it. To start afresh, call
# `python course.py restart ex04_mathematics` in a terminal: yours stays beside the new one.

# %%
import numpy as np

from labcode import check

# %% [markdown]
# ## Task 1: the soft threshold
#
# *Difficulty ●○○ · 5 minutes*
#
# Write the map that gives the best weight under L1, $\operatorname{sign}(w) \max(|w| - \tau, 0)$, for an array of any
# shape.
#
# - `w`: weights; `threshold`: τ, at least 0.
# - Returns an array shaped as `w`. A weight that is no larger than τ becomes exactly 0.
#
# <details><summary>Hint 1: on paper</summary>
#
# With τ = 1 the weights 3, −2, 0.25 and −0.5 become 2, −1, 0 and 0.
# </details>
#
# <details><summary>Hint 2: without an if</summary>
#
# `np.maximum(a, 0)` compares entry by entry; `np.abs` and `np.sign` do what their names say.
# </details>


# %%
def soft_threshold(w, threshold):
    """Return sign(w) * max(|w| - threshold, 0)."""
    # BEGIN SOLUTION
    return np.sign(w) * np.maximum(np.abs(w) - threshold, 0.0)
    # END SOLUTION


# %% points=1
check.soft_threshold(soft_threshold)

# %% [markdown]
# ## Task 2: a step of proximal SGD
#
# *Difficulty ●○○ · 5 minutes*
#
# One step on *loss* + λ Σ|w|: first a gradient step for the loss alone, then the soft threshold for the penalty. You can
# use your function from task 1.
#
# - `w`: weights; `grad`: the gradient of the loss at `w`, without the penalty.
# - `lr`: the step size; `lam`: λ.
# - Returns the new weights.
#
# <details><summary>Hint: how large is the threshold?</summary>
#
# Without a gradient, a weight should move towards zero by as much as a gradient step of the penalty would move it:
# step size times slope.
# </details>


# %%
def proximal_step(w, grad, lr, lam):
    """Return the weights after a gradient step for the loss and the proximal step for lam * sum |w|."""
    # BEGIN SOLUTION
    return soft_threshold(w - lr * grad, lr * lam)
    # END SOLUTION


# %% points=1
check.proximal_step(proximal_step)

# %% [markdown]
# ## Task 3: is it the minimum?
#
# *Difficulty ●●○ · 10 minutes*
#
# Somebody hands you weights and says that they minimize loss + λ Σ|w|. You know the gradient of the loss there. Write a
# function that says, for each weight, **how far** it is from its condition of part 1; 0 means that it is in place.
#
# - A weight that is not zero should have a gradient of −λ·sign(w): return the distance to that.
# - A weight that is zero should have a gradient in [−λ, λ]: return by how much it lies outside.
#
# <details><summary>Hint 1: distance to an interval</summary>
#
# A gradient of 1.5 lies 0.5 outside of [−1, 1]; one of 0.3 lies 0 outside. Which function from task 1 has that form?
# </details>
#
# <details><summary>Hint 2: two cases in one array</summary>
#
# `np.where(w == 0, a, b)` takes from `a` where the weight is zero and from `b` elsewhere.
# </details>


# %%
def lasso_violation(w, grad, lam):
    """Return, for each weight, its distance from the condition of optimality: an array shaped as w."""
    # BEGIN SOLUTION
    at_zero = np.maximum(np.abs(grad) - lam, 0.0)
    elsewhere = np.abs(grad + lam * np.sign(w))
    return np.where(w == 0, at_zero, elsewhere)
    # END SOLUTION


# %% points=2
check.lasso_violation(lasso_violation)

# %% [markdown]
# With tasks 2 and 3 you have a complete Lasso. On the diabetes data your steps should arrive, and your test should say so.

# %% tags=["raises-exception"]
from labcode.linear import load_diabetes

task, w = load_diabetes(), np.zeros(10)
for _ in range(3000):
    w = proximal_step(w, task.gradient(w), 0.2, 1.0)
largest = lasso_violation(w, task.gradient(w), 1.0).max()
print(f"{(w == 0).sum()} exact zeros; largest violation {largest:.0e}")

# %% [markdown]
# ## Task 4: what Ridge leaves
#
# *Difficulty ●●○ · 10 minutes*
#
# Along each eigenvector of $X^\top X / n$ Ridge leaves the share $\sigma^2 / (\sigma^2 + \lambda)$ of the weight, where
# $\sigma^2$ is the eigenvalue. Return these shares.
#
# - `x`: the data, (n, D); `lam`: λ of the penalty λ/2 Σw², beside half of the mean squared error.
# - Returns an array of D shares, that of the smallest eigenvalue first.
#
# <details><summary>Hint: eigenvalues</summary>
#
# `np.linalg.eigvalsh(a)` gives the eigenvalues of a symmetric matrix, in ascending order.
# </details>


# %%
def ridge_shares(x, lam):
    """Return the share that Ridge leaves along each direction of the data, smallest eigenvalue first."""
    # BEGIN SOLUTION
    values = np.linalg.eigvalsh(x.T @ x / len(x))
    return values / (values + lam)
    # END SOLUTION


# %% points=2
check.ridge_shares(ridge_shares)

# %% [markdown]
# ## Task 5: the same strength everywhere
#
# *Difficulty ●●○ · 10 minutes*
#
# You trained with the **mean** squared error over `n` rows plus λ/2 Σw². Return a dictionary with the settings that have
# the same minimum elsewhere:
#
# - `"keras_l2"`: the x of Keras's `l2(x)`, which adds x Σw² to the same mean squared error;
# - `"sgd_weight_decay"`: `weight_decay` of `torch.optim.SGD`, with the same mean squared error;
# - `"ridge_alpha"`: the alpha of scikit-learn's `Ridge`, which adds alpha Σw² to the **sum** of squared errors;
#
# and, because AdamW has no such penalty,
#
# - `"adamw_share"`: the share of each weight that one step of `AdamW(lr=lr, weight_decay=lam)` takes away.
#
# <details><summary>Hint: compare slopes</summary>
#
# Two objectives have the same minimum if one is a multiple of the other. λ/2 w² has the slope λw, x w² has 2xw.
# </details>


# %%
def same_strengths(lam, n, lr):
    """Return the settings that amount to lam, as a dictionary of four numbers."""
    # BEGIN SOLUTION
    return {
        "keras_l2": lam / 2,
        "sgd_weight_decay": lam,
        "ridge_alpha": n * lam / 2,
        "adamw_share": lr * lam,
    }
    # END SOLUTION


# %% points=2
check.same_strengths(same_strengths)

# %% [markdown]
# ## Task 6: the penalty of dropout
#
# *Difficulty ●●○ · 5 minutes*
#
# A linear model is trained on half of the mean squared error, with inverted dropout on its inputs at rate `p`. On average
# that adds a penalty to the loss. Return it:
#
# $$ \frac{p}{1-p} \cdot \frac12 \sum_j w_j^2 \Big( \frac1n \sum_i x_{ij}^2 \Big) . $$
#
# - `w`: weights, (D,); `x`: inputs, (n, D); `p`: the probability to **drop**.
#
# <details><summary>Hint: by columns</summary>
#
# `np.mean(a, axis=0)` takes the mean over rows, column by column.
# </details>


# %%
def dropout_penalty(w, x, p):
    """Return the penalty that dropout on the inputs of a linear model amounts to, a number."""
    # BEGIN SOLUTION
    return p / (1 - p) / 2 * np.sum(w**2 * np.mean(x**2, axis=0))
    # END SOLUTION


# %% points=2
check.dropout_penalty(dropout_penalty)

# %% [markdown]
# ## Task 7: a step of AdamW
#
# *Difficulty ●●● · 10 minutes*
#
# With $\beta_1 = 0.9$, $\beta_2 = 0.999$ and $\epsilon = 10^{-8}$:
#
# $$ m \leftarrow \beta_1 m + (1 - \beta_1)\, g, \qquad v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2, $$
# $$ w \leftarrow (1 - \eta\lambda)\, w - \eta\, \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon} . $$
#
# - `w`, `grad`, `m`, `v`: arrays of one shape; `t`: the number of this step, 1 for the first; `lr`: η; `lam`: λ.
# - Returns the new `w`, `m` and `v`, in this order.
#
# <details><summary>Hint 1: what does λ touch?</summary>
#
# Only `w`. Whatever enters m and v is divided by the root of v in the end.
# </details>
#
# <details><summary>Hint 2: what is returned?</summary>
#
# m and v as the first line gives them. Their correction is used for this step only.
# </details>


# %%
def adamw_step(w, grad, m, v, t, lr, lam):
    """Return new weights, m and v after one step of AdamW."""
    # BEGIN SOLUTION
    m = 0.9 * m + 0.1 * grad
    v = 0.999 * v + 0.001 * grad**2
    step = (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return (1 - lr * lam) * w - lr * step, m, v
    # END SOLUTION


# %% points=3
check.adamw_step(adamw_step)

# %% [markdown]
# ## Task 8: predictions with dropout on
#
# *Difficulty ●●● · 5 minutes*
#
# A small network predicts $\tanh(x W)\, v$. With a mask on its inputs it predicts $\tanh((m \odot x) W)\, v$. Predict once for
# each mask, dropout **on**, and return two arrays with one entry for each input: the mean over the passes, and their
# spread (standard deviation, as `np.std` gives it).
#
# - `x`: inputs, (N, F); `w`: W, (F, H); `head`: v, (H,).
# - `masks`: (passes, F), inverted: entries are 0 or 1/(1 − p). Each mask is locked: one for all inputs of a pass.
#
# <details><summary>Hint: a list becomes an array</summary>
#
# `np.array([... for mask in masks])` has the passes along its first axis.
# </details>


# %%
def dropout_passes(x, w, head, masks):
    """Return mean and spread over the masks of the predictions with dropout on, (N,) each."""
    # BEGIN SOLUTION
    passes = np.array([np.tanh((mask * x) @ w) @ head for mask in masks])
    return passes.mean(axis=0), passes.std(axis=0)
    # END SOLUTION


# %% points=2
check.dropout_passes(dropout_passes)

# %% [markdown]
# ## What you have now
#
# - A Lasso of your own, in two lines, and a test that would convince a sceptic.
# - The conversions between four libraries: which formula, which data term, which optimizer.
# - AdamW, in which λ touches the weights and nothing else; and dropout as a penalty that adapts to the data.
#
# One question to take along: the mask in task 8 has mean 1. So the mean of the masks is no dropout at all. Why is the mean of
# the *predictions* still not the prediction without dropout, and for which network would it be?
#
# <details><summary>Answer</summary>
#
# Because tanh bends: the mean of bent values is not the bent mean. For a network that is linear in what is masked the two are
# equal. That is why the article's rule (drop in training, scale at test time) is exact for one linear layer and an
# approximation for an LSTM.
# </details>
