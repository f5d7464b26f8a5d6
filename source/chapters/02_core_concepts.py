# %% [markdown] tags=["core"]
# # Chapter 2: Core concepts and how they connect
#
# *About 60 minutes. Needs: [chapter 1](../notebooks/01_background.ipynb). This chapter mirrors section 2 of the
# article.*
#
# **After this chapter you can**
#
# - say of each method what it takes hold of: the loss, the activations, the recurrent state, the weights or the
#   training time;
# - point at its place in an LSTM cell, and write it in one line of mathematics and one line of code;
# - tell which methods must be switched off in evaluation, and see whether they are;
# - read a comparison over three seeds, and say what it does not show.

# %% [markdown]
# ## 2. Core concepts and how they connect
#
# Training repeats three moves: a forward pass through activations and states, a loss with its gradient, a step of the
# weights. Each regularizer gets in at one of these moves, or limits how often they are repeated. Knowing the place
# tells when a method is active, what must be switched off in evaluation, and where its line of code goes.
#
# The article lists the methods. We ask each of them what it touches, with a trick: *train with a step size of 0*. The
# gradient then moves nothing, and whatever changes is the method's own doing.
#
# **Question.** Which parts of the weather does training see, and which one only early stopping?

# %%
import torch

from labcode.data import load_weather
from labcode.training import fit, seeded

weather = load_weather()
print(weather)

# %% [markdown]
# The training years move the weights; the validation year is only measured, unless something like early stopping looks
# at it. The test year is not touched in this chapter.
#
# **Question.** Without a method, what will change in four epochs with a step size of 0?


# %%
def frozen(model, **options):
    """Train for four epochs with a step size of 0, all data in one batch; return the history."""
    setup = {"epochs": 4, "batch_size": 1000, "progress": False}
    setup |= {"optimizer": torch.optim.SGD(model.parameters(), lr=0.0)}
    setup |= {"generator": torch.Generator().manual_seed(0)}
    with seeded(0):
        return fit(model, weather.train, weather.validation, **setup, **options)


# %% [markdown]
# Nothing: the same weights, and four times the same losses. Before that background a method stands out. A penalty needs
# to know what it is a price on; here it is the two matrices of the LSTM.
#
# **Question.** `fit` adds what a penalty returns to the loss. What kind of value must that be?

# %%
from functools import partial

from labcode.penalties import WeightRegularization


def on_weights(penalty, strength):
    """Return a penalty on W and U of a model's LSTM, for `fit`."""
    one = partial(penalty, lam=strength)
    return WeightRegularization(penalties={"input": one, "recurrent": one}).penalty


# %% [markdown]
# A single number, through which a gradient can flow. A constraint, on the other hand, is a rule for the weights
# themselves.
#
# **Question.** What does a constraint return?

# %%
from labcode.constraints import max_norm_torch


def norm_limit(limit):
    """Return a constraint that keeps every row of W and U within a norm, for `fit`."""
    one = partial(max_norm_torch, limit=limit)
    return WeightRegularization(constraints={"input": one, "recurrent": one}).constrain_


# %% [markdown]
# Nothing: it changes the model in place (by PyTorch's habit the last `_` of `constrain_` says so). Now the methods,
# each as the options it needs. No need to understand them yet; the rest of the chapter takes them one by one.
#
# **Question.** The first dictionary of each pair is for the model, the second for the training. Which methods does the
# model have to know of?

# %%
from labcode.early_stopping import EarlyStopping
from labcode.penalties import activation_penalty_torch, l1_penalty_torch, l2_penalty_torch

methods = {
    "L1 penalty": ({}, {"penalty": on_weights(l1_penalty_torch, 0.01)}),
    "L2 penalty": ({}, {"penalty": on_weights(l2_penalty_torch, 0.01)}),
    "activation penalty": ({}, {"activation_penalty": lambda h: activation_penalty_torch(h, 0.1)}),
    "input dropout": ({"input_dropout": 0.5}, {}),
    "output dropout": ({"output_dropout": 0.5}, {}),
    "recurrent dropout": ({"recurrent_dropout": 0.5}, {}),
    "weight drop": ({"weight_drop": 0.5}, {}),
    "zoneout": ({"zoneout_h": 0.5}, {}),
    "max-norm": ({}, {"constraint": norm_limit(0.3)}),
    "early stopping": ({}, {"early_stopping": EarlyStopping(patience=1)}),
}

# %% [markdown]
# Those that draw masks. They compute one thing in training and another in evaluation, which is how we recognize them.
#
# **Question.** Two calls with the same weights: one in training mode, one in evaluation mode. Why does the function
# below set the seed?


# %%
def differs_in_training(model, compute):
    """Tell whether a computation gives something else in training than in evaluation."""
    results = []
    for training in (True, False):
        model.train(training)
        with seeded(0), torch.no_grad():
            results.append(compute())
    return not torch.allclose(*results, atol=1e-5)


# %% [markdown]
# So that the table below is the same tomorrow: masks are drawn at random. One more trick is needed. How can we tell
# whether a method acts on the *state* itself, or only on what comes in? By feeding in nothing: then a mask on the input
# has nothing to drop, and a state that still changes was changed from within.
#
# **Question.** Why must the state not start at 0 then?

# %%
x = torch.tensor(weather.validation.x)
nothing = torch.zeros_like(x)
state = torch.full((2, 1, len(x), 8), 0.5).unbind()

# %% [markdown]
# Because a mask on a state of 0 would have nothing to drop either.
#
# **Question.** The five last lines of this function ask five questions. Say each in words.

# %%
from torch.nn.utils import parameters_to_vector

from labcode.lstm import SequenceModel


def touched(model_options, fit_options):
    """Return which of five things a method changes where nothing else does."""
    with seeded(0):
        model = SequenceModel(6, 8, 1, **model_options)
    plain, before = frozen(model), parameters_to_vector(model.parameters())
    run = frozen(model, **fit_options)
    return {
        "loss": run.objective[0] != plain.objective[0],
        "activations": differs_in_training(model, lambda: model(x)),
        "state": differs_in_training(model, lambda: model.lstm(nothing, state)[0]),
        "weights": not torch.equal(before, parameters_to_vector(model.parameters())),
        "time": len(run.objective) < len(plain.objective),
    }


# %% [markdown]
# Does the same forward pass cost more? Does the prediction change in training? Does the state, without any input? Has a
# weight moved, without any step? Are fewer epochs run?
#
# **Question.** How many crosses will each method get, and where?

# %%
touches = {name: touched(*options) for name, options in methods.items()}
print(f"{'':<19}", "  ".join(touches["L1 penalty"]))
for name, row in touches.items():
    print(f"{name:<19}", "  ".join(f"{'x' if yes else '.':^{len(place)}}" for place, yes in row.items()))

# %% [markdown]
# Row by row, one cross for most methods and two for three of them.
#
# **Question.** Read it by columns: which methods share a place?

# %%
by_place = {place: [name for name, row in touches.items() if row[place]] for place in touches["zoneout"]}
for place, names in by_place.items():
    print(f"{place:<12} {', '.join(names)}")
assert by_place["loss"] == ["L1 penalty", "L2 penalty", "activation penalty"]
assert by_place["activations"] == ["input dropout", "output dropout", *by_place["state"]]
assert by_place["state"] == ["recurrent dropout", "weight drop", "zoneout"]
assert by_place["weights"] == ["max-norm"]
assert by_place["time"] == ["early stopping"]

# %% [markdown]
# Five places, and each method has its own. Three things to read off:
#
# - A penalty does not move a weight. It changes the loss, the gradient carries that to the weights, and with a step
#   size of 0 nothing arrives. A constraint needs no gradient: it moves the weights itself.
# - Dropout of inputs and outputs leaves the recurrence alone. The other three reach into it, and what the model puts
#   out changes with it. Weight drop hides weights during a pass; the weights themselves stay what they were.
# - The columns *activations* and *state* hold exactly the methods that tell training from evaluation. They are the ones
#   that can be left on by mistake.
#
# Of course, in real training all of it ends up in the weights. The table says where a method takes hold, not how far it
# reaches.

# %% [markdown]
# ## 2.1 Common regularization methods
#
# The article names four that suit every network: L1, L2, dropout and early stopping. We try them, and later those made
# for LSTMs, on one small model of the weather: 32 hidden units, 24 epochs. Each method is one line.
#
# The strengths are examples. Only one was chosen on data: the λ of L2 is that of chapter 1, from the validation
# year and for 64 units. The others are round numbers that nobody tuned.
#
# **Question.** Which options of `settings` act on the loss, which on activations or the state, which on the weights?

# %%
settings = {
    "none": {},
    "L1": {"penalty": on_weights(l1_penalty_torch, 0.001)},
    "L2": {"penalty": on_weights(l2_penalty_torch, 0.01)},
    "output dropout": {"model_options": {"output_dropout": 0.5}},
    "recurrent dropout": {"model_options": {"recurrent_dropout": 0.25}},
    "max-norm": {"constraint": norm_limit(1.0)},
}

# %% [markdown]
# The penalties on the loss, `model_options` on activations and state, the constraint on the weights: the table in code.
# A run that has been made is remembered (`cache`), so that we can come back to it.
#
# **Question.** What makes two calls with the same seed, but different methods, a fair pair?

# %%
from functools import cache

from labcode.experiments import train_once


@cache
def run(method, seed=0):
    """Train the small model with a method; return the model and its history."""
    size = {"hidden": 32, "epochs": 24, "batch_size": 64, "learning_rate": 6e-3}
    return train_once(weather, seed=seed, progress=False, **size, **settings[method])


# %% [markdown]
# They start from the same weights and see the same batches.
#
# ### L1 and L2: a price on weights
#
# Both add a term to the loss, and so a pull to the gradient:
#
# $$ \text{L1: } \lambda \sum_j |w_j|, \ \text{ pull } \lambda \, \text{sign}(w_j); \qquad
#    \text{L2: } \frac{\lambda}{2} \sum_j w_j^2, \ \text{ pull } \lambda w_j. $$
#
# Their sum, L1 + L2, is known as the *elastic net*.
#
# **Question.** Take the weights 3, −1 and 0.2, and λ = 0.5. Which weight does L1 pull hardest, and which L2?

# %%
import numpy as np

from labcode import penalties

w = np.array([3.0, -1.0, 0.2])
for name, strengths in {"l1": [0.5], "l2": [0.5], "l1_l2": [0.5, 0.5]}.items():
    value = getattr(penalties, f"{name}_penalty")(w, *strengths)
    pull = getattr(penalties, f"{name}_penalty_grad")(w, *strengths)
    print(f"{name:<6} penalty {value:.2f}   pull {pull}")
    w_torch = torch.tensor(w, requires_grad=True)
    penalty = getattr(penalties, f"{name}_penalty_torch")(w_torch, *strengths)
    penalty.backward()
    np.testing.assert_allclose([value, *pull], [penalty.item(), *w_torch.grad], rtol=1e-12)

# %% [markdown]
# NumPy and PyTorch agree, in value and in gradient. L2 pulls the large weight hardest and lets go of the small one; L1
# pulls all three alike, however small they have become. So under L1 a weight that the data hardly need is drawn all the
# way in, under L2 it fades.
#
# **Question.** The article says that L1 sets weights to zero. How many exact zeros do you expect in the trained LSTM
# without a penalty, with L1 and with L2? And how many weights *near* zero?


# %%
def lstm_weights(model):
    """Return W and U of a model's LSTM, as one vector."""
    return np.concatenate([w.detach().numpy().ravel() for w in model.lstm.all_weights[0][:2]])


weights = {name: lstm_weights(run(name)[0]) for name in ("none", "L1", "L2")}
near = {name: np.mean(abs(w) < 0.01) for name, w in weights.items()}
for name, w in weights.items():
    print(f"{name:<5} exactly 0: {np.sum(w == 0)} of {w.size}, below 0.01: {near[name]:.0%}")

# %% [markdown]
# Many small weights, and no zero. The usual histogram cannot show the difference; the next figure sorts the weights by
# powers of ten and has a place of its own for exact zeros, at the far left.
#
# **Question.** Where do you expect the hump of each curve?

# %%
from labcode import plots

_ = plots.magnitude_histogram(weights)
assert all(np.sum(w == 0) == 0 for w in weights.values())
assert near["L1"] > near["L2"] + 0.1 > near["none"] + 0.3

# %% [markdown]
# Both penalties empty the model: most weights are close to zero, under L1 more of them. *Exactly* zero is none, with
# either: their place stays empty. A gradient step jumps over zero and back again; exact zeros need another kind of
# step, the proximal one, which chapter 4 derives.

# %% [markdown]
# ### Dropout: a mask on activations
#
# In training each entry is dropped with probability $p$, and what is kept is scaled up; in evaluation nothing happens:
#
# $$ \text{training: } y = m \odot x, \quad m_j = \begin{cases} 0 & \text{with probability } p \\
#    1/(1-p) & \text{else} \end{cases}; \qquad \text{evaluation: } y = x. $$
#
# **Question.** With $p = 0.5$ and an input of ones, which values can come out? What is their mean, over many masks?

# %%
from labcode.dropout import classic_dropout, dropout, dropout_mask, dropout_torch

rng = np.random.default_rng(0)
ones, mask = np.ones(8), dropout_mask((8,), 0.5, rng=rng)
print("one mask:        ", dropout(ones, mask))
many = np.mean([dropout(ones, dropout_mask((8,), 0.5, rng=rng)) for _ in range(10_000)], axis=0)
print("mean over 10 000:", many.round(2))
np.testing.assert_array_equal(dropout(ones, mask), dropout_torch(torch.tensor(ones), torch.tensor(mask)))
assert abs(many - ones).max() < 0.06

# %% [markdown]
# 0 or 2, and 1 on average: the next layer gets what it is used to, in training and in evaluation. This form is called
# *inverted* dropout. The article describes the older one: no scaling in training, and a factor $1-p$ when testing.
#
# **Question.** By which factor do the two differ, in training and in evaluation?

# %%
p, kept = 0.5, mask > 0
older = {"training": classic_dropout(ones, p, kept), "evaluation": classic_dropout(ones, p)}
inverted = {"training": dropout(ones, mask), "evaluation": ones}
for mode in older:
    print(f"{mode:<11} older {older[mode]}  inverted {inverted[mode]}")
    np.testing.assert_allclose(older[mode], (1 - p) * inverted[mode])

# %% [markdown]
# By the same factor in both, so they are one method on two scales. All that matters is not to mix them: a model trained
# in one form and evaluated in the other is off by the factor $1-p$. Keras and PyTorch use the inverted form.
#
# Where can a mask stand? On the input, between two layers, and on the output. In our model each is one option:
#
# **Question.** What shapes do the masks have, for 5 windows of 14 days with 6 features? Which one is new at every step?

# %%
with seeded(0):
    model = SequenceModel(6, 32, 1, num_layers=2, input_dropout=0.2, dropout=0.2, output_dropout=0.5)
masks = model.lstm.sample_masks(x[:5])
for name, drawn in masks.items():
    print(f"{name}: {tuple(drawn.shape)}")
assert masks["x_l0"].shape == (5, 1, 6)
assert masks["x_l1"].shape == (5, 14, 32)

# %% [markdown]
# Between the layers (`x_l1`) there is a mask for each of the 14 steps, as in PyTorch. The input's mask (`x_l0`) is
# drawn once for the whole sequence: a feature that is dropped is dropped on every day. The mask on the output is drawn
# by the model's head, which reads the last step only.
#
# **Question.** Call this model twice on the same days. When do the two answers agree?

# %%
with seeded(0), torch.no_grad():
    for mode in ("train", "eval"):
        getattr(model, mode)()
        first, second = model(x[:3]).ravel(), model(x[:3]).ravel()
        print(f"model.{mode}():", first.numpy().round(3), second.numpy().round(3))
        assert torch.equal(first, second) == (mode == "eval")

# %% [markdown]
# In evaluation, always; in training, never. This is the quickest test for dropout left on by mistake: ask twice. (It is
# meant to be left on in one case, Monte Carlo dropout, which chapter 4 comes to.)

# %% [markdown]
# ### Early stopping: a limit on training time
#
# Stop after the first epoch $e$ that is `patience` epochs away from the best one so far:
#
# $$ e - \underset{s \le e}{\text{argmin}} \ v_s \ \ge \ \text{patience}, \qquad
#    v_s = \text{validation loss after epoch } s. $$
#
# It looks at nothing but numbers, so one class serves NumPy, PyTorch and Keras. Here it runs three times: as the
# equation, as the class on a recorded curve, and live. First the equation, on the curve of the run without
# regularization.
#
# **Question.** With a patience of 5, how must the list below end?

# %%
curve = np.array(run("none")[1].validation_loss)
waited = [epoch - np.argmin(curve[: epoch + 1]) for epoch in range(len(curve))]
stop = int(np.argmax(np.array(waited) >= 5))
print("epochs since the best one:", [int(w) for w in waited[: stop + 1]])

# %% [markdown]
# With a 5. The count is 0 at every new best, and grows by one with every epoch without. The class does the same, epoch
# by epoch, as a training loop would ask it.
#
# **Question.** Does it stop at the same place?


# %%
def replay(losses):
    """Feed a recorded curve to the rule; return the rule as it stands when it stops."""
    rule = EarlyStopping(patience=5)
    for epoch, loss in enumerate(losses):
        if rule.update(epoch, loss):
            break
    return rule


assert replay(curve).stopped_epoch == stop

# %% [markdown]
# It does. And now live, in a training that really ends there.
#
# **Question.** The live run has not made the later epochs. Could it stop anywhere else?

# %%
settings["early stopping"] = {"early_stopping": EarlyStopping(patience=5, restore_best_weights=True)}
live, history = run("early stopping")
print(f"stopped after epoch: {stop} by the equation, {history.stopped_epoch} live")
assert history.stopped_epoch == stop

# %% [markdown]
# No: nothing in training knows of the rule before it stops. So for early stopping one need not
# train again: a recorded curve is enough to try every patience.
#
# **Question.** Which weights does the model hold in the end?

# %%
from labcode.training import evaluate

final = evaluate(live, weather.validation)["loss"]
print(f"kept: {final:.4f}   best, epoch {history.best_epoch}: {min(history.validation_loss):.4f}")
print(f"last, epoch {history.stopped_epoch}: {history.validation_loss[-1]:.4f}")
np.testing.assert_allclose(final, min(history.validation_loss), rtol=1e-5)

# %% [markdown]
# Those of its best epoch, thanks to `restore_best_weights=True`. Without it, training would stop early and yet keep the
# weights of the last epoch, `patience` epochs too late.

# %% [markdown]
# ## 2.2 Regularization in an LSTM
#
# All of the above applies to an LSTM, too. But an LSTM has more places than a plain layer: two matrices of weights, a
# state that moves through time, and a cell in it that remembers. Here is one step, from left to right, with the
# place of everything that this course does to it. ($z$ is the sum that the gates read; $z_h$ and $z_c$ are zoneout's
# masks.)
#
# **Question.** Which of the masks can make the LSTM *forget* what it had stored?

# %%
_ = plots.lstm_cell()

# %% [markdown]
# Only what stands on the upper line touches the memory: $m_c$ erases it, and $z_c$ does the opposite, it holds on to
# the old value. $m_h$, $m_U$ and $m_g$ stand outside that line: they disturb what is read and what is written, and the
# cell keeps what it has.
#
# The dashed price tag on $b$ means: possible, but not unless you name it. AR and TAR, the two penalties at the right,
# put their price not on weights but on what the LSTM puts out: AR on its size (after the mask $m_y$), TAR on its change
# from step to step. (`fit` hands both of them what the LSTM puts out, before $m_y$; without dropout on the output that
# is the same.)
#
# **Question.** Move the slider through the methods. For each, say the line of mathematics before you read it.

# %%
from labcode.widgets import CellExplorer

CellExplorer(value="weight drop").widget()

# %% [markdown]
# The figure above is its first position. What to look for: the four ways to drop something in the recurrence ($m_h$,
# $m_g$, $m_c$, $m_U$) are different places, not four names for one thing; and early stopping has no place in the cell
# at all.
#
# Here are all of them as a table, to be read without the slider. `fit` and `SequenceModel` are those of this chapter.
#
# **Question.** Which methods are arguments of the model, which of the training? Compare with the table of crosses.

# %%
from IPython.display import Markdown

from labcode.widgets.cell import methods_table

Markdown(methods_table())

# %% [markdown]
# What draws masks is built into the model, which must know whether it is in training or in evaluation. What acts on the
# loss, on the weights after a step or on the time belongs to the training.
#
# ### Penalties by part
#
# $W$ reads the input, $U$ the state, $b$ reads nothing. A penalty can treat them apart:
#
# $$ \text{penalty} = \frac{\lambda_W}{2} \|W\|^2 + \frac{\lambda_U}{2} \|U\|^2 \quad \left(+ \frac{\lambda_b}{2} \|b\|^2
#    \text{ only if named} \right). $$
#
# **Question.** In the trained model without regularization, which part carries most of the squared weights? Does it pay
# if we name only `"input"`?

# %%
trained = {name: w.detach() for name, w in run("none")[0].lstm.named_parameters()}
as_numpy, squares = {name: w.double().numpy() for name, w in trained.items()}, {}
for strengths in ({"input": 2.0}, {"recurrent": 2.0}, {"bias": 2.0}, {"input": 2.0, "recurrent": 2.0}):
    by_torch = penalties.penalty_by_target(l2_penalty_torch, trained, strengths).item()
    print(f"named: {', '.join(strengths):<17}  sum of squares {by_torch:6.1f}")
    by_numpy = penalties.penalty_by_target(penalties.l2_penalty, as_numpy, strengths)
    np.testing.assert_allclose(by_numpy, by_torch, rtol=1e-5)
    squares[", ".join(strengths)] = by_numpy
assert squares["recurrent"] > 2 * squares["input"] > 2 * squares["bias"]

# %% [markdown]
# $U$, by far; it is also the largest matrix. With only `"input"` named it would not pay anything. (With λ = 2 the
# penalty is just the sum of squares, which is why the cell uses it.) The biases are left out as a rule: they multiply
# nothing, so their size does not make the function steeper.

# %% [markdown]
# ### Dropout between the layers, and an option that does nothing
#
# `torch.nn.LSTM` has an argument `dropout`. It drops what one layer hands *up to the next*; behind the last layer there
# is no next.
#
# **Question.** `torch.nn.LSTM(6, 4, num_layers=1, dropout=0.5)`, called twice in training mode: two answers or one?

# %%
import warnings

for num_layers in (1, 2):
    with seeded(0), torch.no_grad(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        lstm = torch.nn.LSTM(6, 4, num_layers, dropout=0.5, batch_first=True).train()
        first, second = lstm(x[:3])[0], lstm(x[:3])[0]
    agree, zeros = torch.equal(first, second), int((first == 0).sum())
    print(f"num_layers={num_layers}: answers agree: {agree}, warnings: {len(caught)}, zeros: {zeros}")
    assert agree == (num_layers == 1) == (len(caught) == 1)
    assert zeros == 0

# %% [markdown]
# With one layer the option does nothing, and a warning says so; many a "regularized" model was never regularized. With
# two layers something is dropped, but not in what comes out: no entry of the output is 0. Dropout after the last layer
# is up to you, and in our model its name is `output_dropout`.

# %% [markdown]
# ### Recurrent dropout: one name, several methods
#
# The article speaks of dropout "at every time step". That leaves open *what* is dropped, and whether the mask is new at
# each step or locked for the sequence. Five answers are in use:
#
# - **on h** ([Gal and Ghahramani 2016](https://arxiv.org/abs/1512.05287); Keras's `recurrent_dropout`, where each gate
#   has a mask of its own): $U(m_h \odot h_{t-1})$. The gates read a state with holes, the same holes at each step; the
#   state itself stays whole.
# - **on g** ([Semeniuta et al. 2016](https://arxiv.org/abs/1603.05118)): $f \odot c_{t-1} + i \odot (m_g \odot g)$. Some
#   of what would be written is not; nothing written earlier is lost.
# - **on c** (RnnDrop, Moon et al. 2015): $m_c \odot c'$. The memory itself is erased in some cells.
# - **weight drop** ([Merity et al. 2018](https://arxiv.org/abs/1708.02182)): $(m_U \odot U) h_{t-1}$. Single
#   connections are missing for one pass, for the whole batch.
# - **zoneout** ([Krueger et al. 2017](https://arxiv.org/abs/1606.01305)): $z_h \odot h_{t-1} + (1-z_h) \odot h'$. Some
#   units skip the step and keep their value. Nothing is set to 0, so nothing is scaled.
#
# Chapter 3 takes them step by step. Here we only check that the NumPy step of chapter 1, with its factors $m$ in place,
# and the PyTorch module mean the same.
#
# **Question.** Which of these shapes mean one mask for the whole sequence, which a new one at each step?

# %%
shapes = {"h": (50, 32), "g": (50, 14, 32), "c": (50, 32), "weight_hh": (128, 32), "zoneout_h": (50, 14, 32)}
masks = {name: dropout_mask(shape, 0.25, rng=rng) for name, shape in shapes.items()}
masks["zoneout_h"] = (masks["zoneout_h"] == 0).astype(float)  # 1 where the previous value is kept

# %% [markdown]
# Those with the 14 days in them are new at each step. (On h, g and c a mask can stand in either form;
# here each is as its authors have it.)
#
# **Question.** Each mask hits a quarter of its entries. After which of them do you expect zeros in the final $h$?

# %%
import copy

from labcode.lstm import lstm_forward

lstm, days = copy.deepcopy(run("none")[0].lstm).double(), weather.validation.x[:50].astype(float)
zeros = {}
for name, mask in masks.items():
    _, (by_numpy, _), _ = lstm_forward(days, as_numpy, masks={f"{name}_l0": mask})
    _, (by_torch, _) = lstm(torch.tensor(days), masks={f"{name}_l0": torch.tensor(mask)})
    np.testing.assert_allclose(by_numpy, by_torch.detach().numpy(), atol=1e-10)
    zeros[name] = float(np.mean(by_numpy == 0))
print("zeros in the final h:", {name: f"{share:.0%}" for name, share in zeros.items()})
assert [name for name, share in zeros.items() if share > 0] == ["c"]

# %% [markdown]
# Only after the mask on the cell, which silences a quarter of the units for the whole sequence. A mask on h leaves no
# zero in what the LSTM puts out, so it cannot be replaced by dropout on the output, nor the other way round: they are
# two methods that happen to share a word.
#
# As options of the model all five are one line each: `recurrent_dropout=0.25` with `on="h"`, `"g"` or `"c"`,
# `weight_drop=0.25`, `zoneout_h=0.1`.

# %% [markdown]
# ### Weight constraints: a wall instead of a price
#
# A penalty charges for size, a constraint forbids it. After each step of the optimizer, every row $w_j$ of a matrix
# that has grown too long is shortened:
#
# $$ w_j \leftarrow w_j \cdot \min \left(1, \ \frac{r}{\|w_j\|} \right). $$
#
# **Question.** Rows $(3, 4)$ and $(0.3, 0.4)$, limit $r = 1$. What comes out?

# %%
from labcode.constraints import max_norm

rows = np.array([[3.0, 4.0], [0.3, 0.4]])
print(max_norm(rows, 1.0).round(2).tolist())
np.testing.assert_allclose(max_norm(rows, 1.0), max_norm_torch(torch.tensor(rows), 1.0))
lengths = np.linalg.norm(rows, axis=1, keepdims=True)
np.testing.assert_allclose(max_norm(rows, 1.0), rows * np.minimum(1, 1 / lengths))

# %% [markdown]
# The long row keeps its direction, the short one is not touched at all. L2 would have shrunk both.
#
# **Question.** How long do the rows of $W$ and $U$ get without a limit, and how many reach it?


# %%
def row_norms(model):
    """Return the norms of all rows of W and U of a model's LSTM."""
    return np.concatenate([np.linalg.norm(w.detach(), axis=1) for w in model.lstm.all_weights[0][:2]])


for name in ("none", "max-norm"):
    norms = row_norms(run(name)[0])
    print(f"{name:<8}  longest row {norms.max():.2f}, share at or above 1: {np.mean(norms > 0.999):.0%}")
assert row_norms(run("max-norm")[0]).max() < 1 + 1e-5
assert row_norms(run("none")[0]).max() > 1.5
assert np.mean(norms > 0.999) > 0.15

# %% [markdown]
# The wall holds. Whether it stands where it is needed is another question, and we come to it now.

# %% [markdown]
# ### A first comparison
#
# Six ways to regularize the small model and one to leave it alone, three seeds each. Within a seed all start from the
# same weights and see the same batches. Early stopping needs no runs of its own: we replay the rule on the curves of
# the runs without regularization, which gives the same, as seen above.
#
# **Question.** Look at the strengths in `settings` again. Which method do you expect to do least?

# %%
seeds, trained_methods = range(3), [name for name in settings if name != "early stopping"]
curves = {name: [run(name, seed)[1].validation_loss for seed in seeds] for name in trained_methods}
assert all(len(losses) == 24 for runs in curves.values() for losses in runs)

# %% [markdown]
# Each run gives a curve of 24 losses. To compare curves one must say *where* to read them.
#
# **Question.** At the last epoch or at the best one: which reading flatters, and which methods does it flatter most?

# %%
last = {name: [losses[-1] for losses in runs] for name, runs in curves.items()}
best = {name: [min(losses) for losses in runs] for name, runs in curves.items()}
last["early stopping"] = [replay(losses).best for losses in curves["none"]]
best["early stopping"] = last["early stopping"]

# %% [markdown]
# The best epoch flatters, as it is picked on the very data it is measured on; and most of all it flatters a method that
# does badly afterwards. So we look at both.
#
# **Question.** What do you expect of "none" on either side?

# %%
from labcode.data import persistence_loss

unit = f"mean squared error [({weather.target_std:.2f} °C)²]"
panels = {"after the last epoch": last, "at the best epoch": best}
_ = plots.losses_by_method(panels, unit=unit, baseline=persistence_loss(weather.validation))

# %% [markdown]
# Left, the models as training leaves them; right, as they were in their best epoch, with hindsight. Every dot is a run,
# and one shape is one seed.
#
# **Question.** Which statements would you dare to make from this picture, and on which side of it?

# %%
print(f"{'mean validation loss':<22} last    best")
for name in last:
    print(f"{name:<22} {np.mean(last[name]):.3f}   {np.mean(best[name]):.3f}")

# %% [markdown]
# A table of means invites a ranking. It does not show whether the seeds agree with it.
#
# **Question.** Which of your statements still hold if *every* seed has to agree?

# %%
gain = {name: np.subtract(last["none"], last[name]) for name in last if name != "none"}
for name, gains in gain.items():
    print(f"{name:<18} better than none by {np.round(gains, 3)}")
others = [gains for name, gains in gain.items() if name != "max-norm"]
assert np.min(others) > 0.02
assert np.mean(gain["max-norm"]) < 0.5 * np.min(np.mean(others, axis=1))
assert np.mean(gain["early stopping"]) > 0.6 * np.max(np.mean(others, axis=1))

# %% [markdown]
# What one may say, here, with these strengths: left alone, the model ends worse than under any of five methods, for
# each seed. Max-norm with a limit of 1 does much less, although many rows stand at the wall. That says nothing against
# constraints: nobody looked for a better limit. And what regularization brings here, stopping in time brings for the
# most part, too.
#
# And at the best epoch?
#
# **Question.** From the best to the worst mean: how far apart are the methods, on the left and on the right?

# %%
means = {title: [np.mean(runs) for runs in losses.values()] for title, losses in panels.items()}
for title, values in means.items():
    print(f"{title:<21} {np.ptp(values):.3f} apart")
assert np.ptp(means["at the best epoch"]) < 0.5 * np.ptp(means["after the last epoch"])

# %% [markdown]
# They lie much closer together: on the right, *every* method has been stopped in time.
#
# **Question.** Take the five methods that work. In how many of their ten pairs do all three seeds agree on who is
# better? How many would agree if the seeds were coins?

# %%
from itertools import combinations

working = [name for name in last if name not in ("none", "max-norm")]
for title, losses in panels.items():
    signs = [np.sign(np.subtract(losses[a], losses[b])).sum() for a, b in combinations(working, 2)]
    agree = int(np.sum(np.abs(signs) == len(seeds)))
    assert agree > len(signs) / 4 + 1
    print(f"{title:<21} all seeds agree in {agree} of {len(signs)} pairs; coins: {len(signs) / 4} on average")

# %% [markdown]
# More pairs than coins would, so some of these differences are real. But three coins fall alike in one case of four: a
# pair without any difference would now and then agree, too, and the picture does not say which one that is.
#
# **Question.** Are the two dropouts better or worse than early stopping?

# %%
lead = {}
for title, losses in panels.items():
    dropouts = np.mean([losses["output dropout"], losses["recurrent dropout"]])
    lead[title] = dropouts - np.mean(losses["early stopping"])
    print(f"{title:<21} dropout minus early stopping: {lead[title]:+.3f}")
assert lead["after the last epoch"] > 0.01 > 0.005 > lead["at the best epoch"]

# %% [markdown]
# That depends on the panel. And here is why three seeds, or ten, do not make a ranking:
#
# - **Where one reads decides.** After the last epoch the two dropouts are worse than early stopping; at the best epoch
#   that lead is gone. A comparison must fix the moment before it looks.
# - **The strengths were not chosen.** A method with a lucky strength beats one with an unlucky strength.
# - **All seeds share one validation year.** Seeds say how much luck there is in training, not how much there is in these
#   days (chapter 1).
#
# So: no ranking yet. Chapter 3 opens the methods; an honest ranking takes chosen strengths, ten paired seeds and a test
# year, as at the end of chapter 1.

# %% [markdown]
# ## What to remember
#
# - Five places: penalties act on the **loss**, dropout on **activations**, its recurrent forms on the **state**,
#   constraints on the **weights**, early stopping on the **training time**.
# - L1 pulls every weight alike, L2 in proportion to its size. By gradient steps neither gives exact zeros.
# - Inverted dropout scales by 1/(1−p) in training and does nothing in evaluation. Asked twice in evaluation, a model
#   must answer twice the same.
# - "Recurrent dropout" names a family. Say what is masked (h, g, c or U), and whether the mask is locked.
# - `nn.LSTM(dropout=)` acts between layers only: with one layer it does nothing.
# - Three seeds show large effects. They do not rank methods whose strengths nobody chose.
#
# ## Quiz
#
# **1.** With a step size of 0, which of these changes the weights: L2 penalty, max-norm, recurrent dropout?
#
# <details><summary>Answer</summary>
#
# Max-norm alone. It projects the weights after the step, whatever the step was. The penalty acts through the gradient,
# and dropout does not write into the weights at all.
# </details>
#
# **2.** A colleague puts `dropout=0.3` into a one-layer `nn.LSTM` and finds that "dropout does not help on our data".
# What do you reply?
#
# <details><summary>Answer</summary>
#
# That it was never on. The argument drops what one layer hands to the next, and there is none. The data have not been
# asked yet.
# </details>
#
# **3.** You load a network from an old paper that was trained with dropout 0.5 and no scaling. In today's evaluation
# mode its outputs look too large. Why?
#
# <details><summary>Answer</summary>
#
# It was trained in the older form: in training half of the inputs arrived, in evaluation all of them do, without the
# factor 1−p that the older form asks for. Multiply once, for good: put 1−p into the weights behind the dropout.
# </details>
#
# **4.** Under L1 the histogram shows a tall spike at 0, but `(w == 0).sum()` is 0. Is that a bug?
#
# <details><summary>Answer</summary>
#
# No. The pull of L1 does not grow weaker near 0, so a step carries the weight past it, and the next one back. It
# dances around 0 at a distance of about a step. Exact zeros need the proximal step of chapter 4.
# </details>
#
# **5.** Which mask lets a unit keep its memory for the whole sequence, although it is dropped: the one on c or the one
# on g?
#
# <details><summary>Answer</summary>
#
# The one on g: it stops what would be written, while $f \odot c_{t-1}$ passes. The mask on c multiplies the memory
# itself by 0.
# </details>
#
# **Next:** [exercise 2](../exercises/ex02_core_concepts.ipynb): sort the methods, write dropout and a penalty by part,
# rescue a network trained with the older form, and put one mask into an LSTM step.
