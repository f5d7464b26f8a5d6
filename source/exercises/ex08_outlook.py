# %% [markdown]
# # Exercise 8: a language model's numbers, and the parts of its recipe
#
# **You will** turn losses into bits and perplexity, set a temperature, smooth labels, say when NT-ASGD begins to
# average, measure what Monte Carlo dropout predicts, write AR and TAR for sequences with padding, and find the
# gradient of a matrix that is used twice. **Time:** about 60 minutes. **Needs:**
# [chapter 8](../notebooks/08_outlook.ipynb) and basic NumPy.
#
# Fill in each blank, run its cell, then run the check below it. The check says what is right, what is wrong and
# which misunderstanding probably lies behind it. Wrong answers cost nothing; try one on purpose.
#
# Your copy is kept in `work/exercises/`, and no update overwrites it. To start afresh, call
# `python course.py restart ex08_outlook` in a terminal: yours stays beside the new one.

# %%
import numpy as np

from labcode import check

# %% [markdown]
# ## Task 1: three units of one loss
#
# *Difficulty ●○○ · 5 minutes*
#
# A language model gave the right characters of a text the losses $-\ln p$ (natural logarithm, "nats"). Return a
# dictionary:
#
# - `"bits"`: bits per character, the mean of $-\log_2 p$;
# - `"perplexity"`: among how many equally likely characters the model is as uncertain as it is on this text.
#
# <details><summary>Hint 1: a coin</summary>
#
# Two equally likely characters: p = 1/2, the loss is ln 2 nats, that is 1 bit, and the perplexity is 2.
# </details>
#
# <details><summary>Hint 2: from nats to bits</summary>
#
# $\log_2 p = \ln p / \ln 2$.
# </details>


# %%
def bits_per_character(losses):
    """Return bits per character and perplexity of losses in nats, as a dictionary of two numbers."""
    # BEGIN SOLUTION
    mean = np.mean(losses)
    return {"bits": mean / np.log(2), "perplexity": np.exp(mean)}
    # END SOLUTION


# %% points=1
check.bits_per_character(bits_per_character)

# %% [markdown]
# ## Task 2: temperature
#
# *Difficulty ●○○ · 5 minutes*
#
# Return the probabilities $\operatorname{softmax}(z / \tau)$ from which a model draws its next character.
#
# - `logits`: z, any shape; the last axis holds the characters.
# - `temperature`: τ, above 0.
#
# The logits may be large, the temperature low: $e^{1000}$ is more than a float can hold.
#
# <details><summary>Hint: a constant that does not count</summary>
#
# Softmax stays the same if all logits of a row are moved by one number. Which number makes the largest of them 0?
# </details>


# %%
def with_temperature(logits, temperature):
    """Return softmax(logits / temperature) over the last axis, shaped as the logits."""
    # BEGIN SOLUTION
    scaled = logits / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
    # END SOLUTION


# %% points=1
check.with_temperature(with_temperature)

# %% [markdown]
# ## Task 3: smoothed labels
#
# *Difficulty ●●○ · 5 minutes*
#
# Label smoothing trains against $(1 - \varepsilon)\,\cdot$ one-hot $+\ \varepsilon / K$, with K classes. Return these
# targets.
#
# - `targets`: numbers of the right classes, (N,); `classes`: K; `epsilon`: ε.
# - Returns an array (N, K). Each row adds up to 1.
#
# <details><summary>Hint: one-hot rows</summary>
#
# `np.eye(K)[targets]` takes a row of the identity matrix for each target.
# </details>


# %%
def smoothed_targets(targets, classes, epsilon):
    """Return the targets of label smoothing, (N, classes)."""
    # BEGIN SOLUTION
    return (1 - epsilon) * np.eye(classes)[targets] + epsilon / classes
    # END SOLUTION


# %% points=1
check.smoothed_targets(smoothed_targets)

# %% [markdown]
# ## Task 4: when NT-ASGD begins to average
#
# *Difficulty ●●○ · 10 minutes*
#
# Averaging begins after the first loss that is **higher than the lowest of those before the last n**. With the losses
# numbered from 0, loss t is compared with losses 0, …, t − n − 1; as long as there are none, nothing happens.
#
# - `losses`: validation losses, in order; `n`: how many of the newest are left out.
# - Returns the number t of that loss, or `None` if there is none.
#
# <details><summary>Hint 1: an example on paper</summary>
#
# With n = 2 and losses 5, 4, 4.5, 3, 3.5, 4.2: loss 3 (3) is compared with 5, loss 4 (3.5) with 5 and 4, loss 5 (4.2)
# with 5, 4 and 4.5, of which the lowest is 4. The answer is 5.
# </details>
#
# <details><summary>Hint 2: a slice that may be empty</summary>
#
# `losses[: max(0, t - n)]`; without the `max` a negative end would count from the back.
# </details>


# %%
def averaging_start(losses, n):
    """Return the number of the loss after which averaging begins, or None."""
    # BEGIN SOLUTION
    for t in range(n + 1, len(losses)):
        if losses[t] > min(losses[: t - n]):
            return t
    return None
    # END SOLUTION


# %% points=2
check.averaging_start(averaging_start)

# %% [markdown]
# ## Task 5: the loss of many passes
#
# *Difficulty ●●○ · 10 minutes*
#
# With dropout left on, a model gave other logits in each pass. Monte Carlo dropout predicts with the **mean probability**
# over the passes. Return its loss in nats: the mean over places of $-\ln \overline{p}$ of the right class.
#
# - `logits`: (passes, N, classes); `targets`: (N,).
#
# <details><summary>Hint 1: in which order?</summary>
#
# First the softmax of every pass, then the mean over passes, then the logarithm. Each other order is another model.
# </details>
#
# <details><summary>Hint 2: picking</summary>
#
# `probabilities[:, np.arange(N), targets]` picks, in every pass, the probability of each place's right class.
# </details>


# %%
def mixture_loss(logits, targets):
    """Return the mean loss, in nats, of the mean probability over passes, one number."""
    # BEGIN SOLUTION
    chosen = with_temperature(logits, 1.0)[:, np.arange(len(targets)), targets]
    return -np.log(chosen.mean(axis=0)).mean()
    # END SOLUTION


# %% points=2
check.mixture_loss(mixture_loss)

# %% [markdown]
# Your functions together: three passes that are sure of different things. Each of them is often wrong; is their mixture?

# %% tags=["raises-exception"]
passes = 4.0 * np.eye(3)[[[0, 1, 0], [0, 2, 2], [1, 1, 2]]]
right = np.array([0, 1, 2])
alone = [mixture_loss(one[None], right) for one in passes]
together = mixture_loss(passes, right)
print(f"passes {np.round(alone, 2)}, mean {np.mean(alone):.2f}; mixture {together:.2f}")
assert together < min(alone)

# %% [markdown]
# ## Task 6: AR and TAR with padding
#
# *Difficulty ●●● · 15 minutes*
#
# Activation regularization keeps small what the head reads, temporal activation regularization keeps slow what the LSTM
# puts out. Return a dictionary with both penalties of a batch:
#
# - `"ar"`: α times the mean of the squared entries of `dropped`, over real steps;
# - `"tar"`: β times the mean of the squared changes of `output` from one step to the next, over pairs of steps that are
#   **both** real.
#
# - `output`, `dropped`: what the LSTM puts out, before and after its dropout, (B, T, H).
# - `mask`: (B, T), True at real steps; padding stands at the end.
# - `alpha`, `beta`: the strengths.
#
# <details><summary>Hint 1: picking real steps</summary>
#
# `dropped[mask]` is (real steps, H): a mask of two axes picks along both.
# </details>
#
# <details><summary>Hint 2: pairs</summary>
#
# `np.diff(output, axis=1)` has T − 1 changes; change t belongs to steps t and t + 1. `mask[:, 1:] & mask[:, :-1]`.
# </details>


# %%
def activation_penalties(output, dropped, mask, alpha, beta):
    """Return {"ar": ..., "tar": ...} of a batch with padding."""
    # BEGIN SOLUTION
    changes = np.diff(output, axis=1)[mask[:, 1:] & mask[:, :-1]]
    return {"ar": alpha * np.square(dropped[mask]).mean(), "tar": beta * np.square(changes).mean()}
    # END SOLUTION


# %% points=3
check.activation_penalties(activation_penalties)

# %% [markdown]
# ## Task 7: a matrix that is used twice
#
# *Difficulty ●●● · 10 minutes*
#
# With tied weights one matrix $E$, (V, H), does two things: a word w is read as row $E_w$, and the head makes the logits
# $z = h E^\top$. You have the gradients at both places. Return the gradient of $E$.
#
# - `words`: the words that were read, (N,); `grad_embedded`: the gradient of each one's row, (N, H).
# - `hidden`: h, (N, H); `grad_logits`: the gradient of the logits, (N, V).
# - Returns an array (V, H).
#
# <details><summary>Hint 1: the chain rule</summary>
#
# What is used twice gets the sum of both gradients.
# </details>
#
# <details><summary>Hint 2: a word that occurs twice</summary>
#
# `np.add.at(rows, words, grad_embedded)` adds each gradient to its word's row, again and again if need be.
# </details>


# %%
def tied_gradient(words, grad_embedded, hidden, grad_logits):
    """Return the gradient of the matrix that embeds the words and makes the logits, (V, H)."""
    # BEGIN SOLUTION
    grad = grad_logits.T @ hidden
    np.add.at(grad, words, grad_embedded)
    return grad
    # END SOLUTION


# %% points=3
check.tied_gradient(tied_gradient)

# %% [markdown]
# PyTorch does not know that you worked it out by hand. Does its automatic differentiation agree?

# %% tags=["raises-exception"]
import torch

E = torch.randn(6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
words = torch.tensor([1, 4, 1, 0])
embedded = E[words]
hidden = torch.tanh(embedded)
logits = hidden @ E.T
slopes = torch.autograd.grad(logits.logsumexp(dim=1).sum(), [E, embedded, logits])
by_hand = tied_gradient(*(t.detach().numpy() for t in (words, slopes[1], hidden, slopes[2])))
np.testing.assert_allclose(by_hand, slopes[0].numpy())
print("the same, to the last digits")

# %% [markdown]
# ## What you have now
#
# - Losses that you can compare with a paper's, whatever its unit.
# - Four parts of the recipe in a few lines each: smoothing, the trigger, AR and TAR, tied weights.
# - The loss of Monte Carlo dropout, which is not the loss of a pass.
#
# One question to take along: bits per character of this text and perplexity per word of a paper's text are both made of
# losses. What else, beside the unit, keeps you from comparing them?
#
# <details><summary>Answer</summary>
#
# The text. Its entropy, its vocabulary and what counts as unknown differ. What can be compared is how much a method
# changes the loss on one text, and even that only in its sign with any confidence.
# </details>
