# %% [markdown]
# # A sheet to keep
#
# Two pages to print (*File → Print*), with what one looks up again and again. The reasons stand in the chapters named.
#
# ## One strength, four ways to write it
#
# The λ of the course and of the article: loss + λ/2 · Σw² for L2, loss + λ · Σ|w| for L1. The same model, written in:
#
# | | L2 with strength λ | L1 with strength λ | chapter |
# |---|---|---|---|
# | `labcode` | `l2_penalty_torch(w, λ)` | `l1_penalty_torch(w, λ)` | [3.1-2](03_1-2_penalties.ipynb) |
# | PyTorch, SGD | `weight_decay=λ`, on W and U only | none of its own | [3.1-2](03_1-2_penalties.ipynb) |
# | PyTorch, Adam | `Adam(weight_decay=λ)` is this penalty; `AdamW` is **not** | none of its own | [4.2-3](04_2-3_weight_decay.ipynb) |
# | Keras | `l2(λ/2)` | `l1(λ)` | [5.1-2](05_1-2_keras.ipynb) |
# | scikit-learn, n rows | `Ridge(alpha=nλ/2)` where the loss is the mean squared error | `Lasso(alpha=λ/2)` | [4.2-3](04_2-3_weight_decay.ipynb) |

# %% [markdown]
# ## Where a mask stands
#
# | method | what is multiplied | mask drawn | in `RegularizedLSTM` | elsewhere |
# |---|---|---|---|---|
# | input dropout, locked | $m \odot x_t$ | once a sequence | `input_dropout=` | `LSTM(dropout=)` in Keras |
# | between layers | $m_t \odot h^{(1)}_t$ | each step | `dropout=`, 2 layers or more | `nn.LSTM(dropout=)` |
# | recurrent dropout on h | $U(m \odot h_{t-1})$ | once a sequence | `recurrent_dropout=`, `on="h"` | `LSTM(recurrent_dropout=)` in Keras |
# | recurrent dropout on g | $i \odot (m_t \odot g)$ | each step | `on="g"`, `per_step=True` | |
# | recurrent dropout on c | $m \odot c_t$ | once a sequence | `on="c"`: erases memory | |
# | weight drop | $(m \odot U)\,h_{t-1}$ | once a pass | `weight_drop=` | |
# | zoneout | $h_{t-1}$ in place of $h_t$ | each step | `zoneout_h=`, `zoneout_c=` | |
# | output dropout | $m \odot h_T$ | once a sequence | `SequenceModel(output_dropout=)` | a `Dropout` layer |
#
# All rates but zoneout's are shares that are **dropped**; what is kept is divided by 1 − p in training, and evaluation changes
# nothing. Zoneout's is the share that keeps its old value; in evaluation old and new are mixed in that proportion.
# `model.eval()` before you measure. ([Chapter 3.3-4](03_3-4_dropout.ipynb))

# %% [markdown]
# ## Shapes and axes
#
# B sequences of T steps with F features, H hidden units.
#
# | what | PyTorch and `labcode` | Keras |
# |---|---|---|
# | sequences | (B, T, F) with `batch_first=True`; without it (T, B, F) | (B, T, F) |
# | input weights W | `weight_ih_l0` (4H, F) | `kernel` (F, 4H) |
# | recurrent weights U | `weight_hh_l0` (4H, H) | `recurrent_kernel` (H, 4H) |
# | bias | `bias_ih_l0 + bias_hh_l0`, both (4H) | `bias` (4H) |
# | order of the gates | i, f, g, o | i, f, g, o (the g is called c) |
# | norm of the weights into one gate of a unit | over dimension 1, a row | over axis 0, a column |
# | a locked mask | (B, 1, F) | the same, by `noise_shape` |
#
# The number of weights: 4H(F + H) + 8H in PyTorch, 4H(F + H) + 4H in Keras. PyTorch's gates start with all biases near 0;
# Keras's forget gate starts with a bias of 1.

# %% [markdown]
# ## Which method, when, and on what evidence
#
# Start at the top, and stop where the validation loss no longer gains. The verdicts are read from the course's ledger: *k
# of n* counts places (data sets or splits) where the effect was shown; each has intervals over at least ten seeds
# ([chapter 8](08_outlook.ipynb)).

# %%
from labcode.experiments.ledger import read_ledger

advice = {
    "always first: early stopping": "early-stopping-helps",
    "then one of: dropout of the output": "dropout-helps",
    "... or L2": "l2-helps",
    "... or recurrent dropout, locked": "recurrent-dropout-helps",
    "... or max-norm": "constraints-help",
    "in language and speech, on top of stopping": "language-beyond-early-stopping",
    "in forecasts, on top of stopping": "series-beyond-early-stopping",
    "everything at once": "everything-beats-the-best",
    "to drop useless inputs: proximal L1": "l1-selects-features",
    "instead of stopping early": "solves-overfitting",
}
verdicts = {claim.id: claim.verdict for claim in read_ledger()}
for when, claim in advice.items():
    print(f"{when:<44} {verdicts[claim]}")

# %% [markdown]
# ## Before you believe a result
#
# 1. What does the simplest rule reach (persistence, the mean, counting)?
# 2. Were strength, epoch and model chosen on validation data, and was the test data used once?
# 3. Did the reference get as many trials as the method?
# 4. Is there an interval over seeds *and* test items, and how many comparisons were made? ([chapter 1](01_background.ipynb))
# 5. Both losses in evaluation mode, after the epoch, without the penalty?
