# %% [markdown] tags=["core"]
# # Chapter 2: Core concepts and how they connect
#
# *About 75 minutes: 35 of reading, 35 of thinking and trying; the cells run in about one. Needs:
# [chapter 1](01_background.ipynb). This chapter mirrors section 2 of the article.*
#
# **After this chapter you can**
#
# - say of each method what it takes hold of: the loss, the activations, the recurrent state, the weights or the training
#   time;
# - point at its place in an LSTM cell, and write it in one line of mathematics and one line of code;
# - tell which methods must be switched off in evaluation, and see whether they are;
# - read a comparison over three seeds, and say what it does not show.

# %% [markdown] tags=["day"]
# ## 2. Core concepts and how they connect
#
# Training repeats three moves: a forward pass through *activations* (what units put out) and states, a loss with its
# gradient, a step of the weights. Each regularizer gets in at one of these moves, or limits how often they are repeated.
# Its place tells when a method is active, what must be switched off in evaluation, and where its line of code goes.
#
# The article lists the methods. We ask each of them what it touches, with a trick: *train with a learning rate of 0*. The
# gradient then moves nothing, and whatever changes is the method's own doing.

# %%
import torch

from labcode.data import load_weather
from labcode.training import fit, seeded

weather = load_weather()


def frozen(model, **options):
    """Train for three epochs with a learning rate of 0; return the history."""
    setup = {"epochs": 3, "batch_size": 1000, "progress": False}
    setup |= {"optimizer": torch.optim.SGD(model.parameters(), lr=0.0)}
    setup |= {"generator": torch.Generator().manual_seed(0)}
    with seeded(0):
        return fit(model, weather.train, weather.validation, **setup, **options)


# %% [markdown]
# Without a method nothing changes: the same weights, and three times the same losses. Against that background a method
# stands out.
#
# Two helpers: a penalty is a function of the model that returns one number, through which a gradient can flow. A
# constraint is a rule for the weights themselves; it returns nothing and changes them in place.

# %%
from functools import partial

from labcode.constraints import max_norm_torch
from labcode.penalties import WeightRegularization


def on_weights(penalty, strength):
    """Return a penalty on W and U of a model's LSTM, for `fit`."""
    one = partial(penalty, lam=strength)
    return WeightRegularization(penalties={"input": one, "recurrent": one}).penalty


def norm_limit(limit):
    """Return a constraint that keeps every row of W and U within a norm, for `fit`."""
    one = partial(max_norm_torch, limit=limit)
    return WeightRegularization(constraints={"input": one, "recurrent": one}).constrain_


# %% [markdown]
# Now the methods, each as the options it needs: the first dictionary is for the model, the second for the training. There is
# no need to understand them yet; the rest of the chapter takes them one by one. (*Weight drop* and *zoneout* are two forms
# of dropout in the recurrence.)

# %%
from labcode.early_stopping import EarlyStopping
from labcode.penalties import activation_penalty_torch, l1_penalty_torch, l2_penalty_torch

methods = {
    "L1 penalty": ({}, {"penalty": on_weights(l1_penalty_torch, 0.01)}),
    "L2 penalty": ({}, {"penalty": on_weights(l2_penalty_torch, 0.01)}),
    "activation penalty": (
        {},
        {"activation_penalty": partial(activation_penalty_torch, alpha=0.1)},
    ),
    "input dropout": ({"input_dropout": 0.5}, {}),
    "output dropout": ({"output_dropout": 0.5}, {}),
    "recurrent dropout": ({"recurrent_dropout": 0.5}, {}),
    "weight drop": ({"weight_drop": 0.5}, {}),
    "zoneout": ({"zoneout_h": 0.5}, {}),
    "max-norm": ({}, {"constraint": norm_limit(0.3)}),
    "early stopping": ({}, {"early_stopping": EarlyStopping(patience=1)}),
}

# %% [markdown]
# What draws random *masks* computes one thing in training and another in evaluation. So the next function asks the model in
# both modes, with the same seed, and compares.


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
# One more trick. Does a method act on the *state* itself, or only on what comes in? Feed in nothing: then a mask on the input
# has nothing to drop, and a state that still changes was changed from within. The state must not start at 0, else a mask on
# it would have nothing to drop either.

# %%
x = torch.tensor(weather.validation.x)
nothing = torch.zeros_like(x)
state = torch.full((2, 1, len(x), 8), 0.5).unbind()

# %% [markdown]
# The last lines of this function ask five questions. Does the same forward pass cost more? Does the prediction change in
# training? Does the state, without any input? Has a weight moved, without any step? Are fewer epochs run?

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
# **Question.** Where will each of the ten methods get its cross? Which ones will get two?

# %%
touches = {name: touched(*options) for name, options in methods.items()}
print(f"{'':<19}", "  ".join(touches["L1 penalty"]))
for name, row in touches.items():
    marks = (f"{'x' if yes else '.':^{len(place)}}" for place, yes in row.items())
    print(f"{name:<19}", "  ".join(marks))

# %% tags=["guard"]
places = list(touches["zoneout"])
by_place = {
    place: [name for name, row in touches.items() if row[place]] for place in places
}
assert by_place["loss"] == ["L1 penalty", "L2 penalty", "activation penalty"]
assert by_place["activations"] == ["input dropout", "output dropout", *by_place["state"]]
assert by_place["state"] == ["recurrent dropout", "weight drop", "zoneout"]
assert by_place["weights"] == ["max-norm"]
assert by_place["time"] == ["early stopping"]

# %% [markdown]
# One cross for most methods, two for the three that reach into the state. Read it by columns:
#
# - A penalty does not move a weight. It changes the loss, the gradient carries that to the weights, and with a learning rate
#   of 0 nothing arrives. A constraint needs no gradient: it moves the weights itself.
# - Dropout of inputs and outputs leaves the recurrence alone. The other three reach into it, and what the model puts out
#   changes with it. Weight drop hides weights during a pass; the weights themselves stay what they were.
# - The columns *activations* and *state* hold exactly the methods that tell training from evaluation. They are the ones that
#   can be left on by mistake.

# %% [markdown]
# Of course, in real training all of it ends up in the weights. The table says where a method takes hold, not how far it
# reaches.
#
# ## 2.1 Common regularization methods
#
# The article names four that suit every network: L1, L2, dropout and early stopping. We try them, and later those made for
# LSTMs, on one small model of the weather: 32 hidden units, 20 epochs. Each method is one line. The strengths are examples:
# the λ of L2 is that of chapter 1, the others are round numbers that nobody tuned.

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
# Two runs with the same seed start from the same weights and see the same batches: they are a fair pair. A run that has been
# made is remembered (`cache`), so that we can come back to it.

# %%
from functools import cache

from labcode.experiments import train_once


@cache
def run(method, seed=0):
    """Train the small model with a method; return the model and its history."""
    size = {"hidden": 32, "epochs": 20, "batch_size": 64, "learning_rate": 6e-3}
    return train_once(weather, seed=seed, progress=False, **size, **settings[method])


# %% [markdown]
# ### L1 and L2: a price on weights
#
# Both add a term to the loss, and so a pull to the gradient:
#
# $$
# \begin{aligned}
# \text{L1:} &\quad \lambda \textstyle\sum_j |w_j|, & \text{pull } & \lambda \, \text{sign}(w_j); \\
# \text{L2:} &\quad \tfrac{\lambda}{2} \textstyle\sum_j w_j^2, & \text{pull } & \lambda w_j.
# \end{aligned}
# $$
#
# L1 is known as the *Lasso* and L2 as *ridge* in linear models; their sum is the *elastic net*. Here they are for three
# weights and λ = 0.5.

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
# NumPy and PyTorch agree, in value and in gradient. L2 pulls the large weight hardest and lets go of the small one; L1 pulls
# all three alike, however small they have become. So under L1 a weight that the data hardly need is drawn all the way in;
# under L2 it fades.
#
# **Question.** The article says that L1 sets weights to zero. The LSTM below has 4,864 weights in W and U. After training
# with L1: how many are exactly 0?

# %%
from labcode.check import guess

zeros_of_l1 = guess(
    "LSTM trained with an L1 penalty: how many weights are exactly 0?", unit="of 4864"
)


# %%
def lstm_weights(model):
    """Return W and U of a model's LSTM, as one vector."""
    return np.concatenate(
        [w.detach().numpy().ravel() for w in model.lstm.all_weights[0][:2]]
    )


weights = {name: lstm_weights(run(name)[0]) for name in ("none", "L1", "L2")}
near = {name: np.mean(abs(w) < 0.01) for name, w in weights.items()}
for name, w in weights.items():
    print(
        f"{name:<5} exactly 0: {np.sum(w == 0)} of {w.size}, below 0.01: {near[name]:.0%}"
    )
zeros_of_l1.met(int(np.sum(weights["L1"] == 0)))

# %% [markdown]
# Many small weights, and no zero. The usual histogram cannot show the difference; the next figure sorts the weights by powers
# of ten and has a place of its own for exact zeros, at the far left.

# %%
from labcode import plots

_ = plots.magnitude_histogram(weights)

# %% tags=["guard"]
assert all(w.size == 4864 and np.sum(w == 0) == 0 for w in weights.values())
assert near["L1"] > near["L2"] + 0.1 > near["none"] + 0.3

# %% [markdown]
# Both penalties empty the model: most weights are close to zero, under L1 more of them. *Exactly* zero is none, with either.
# A gradient step jumps over zero and back again; exact zeros need another kind of step, the *proximal step*, which chapter 3
# uses and chapter 4 derives.

# %% [markdown]
# ### Dropout: a mask on activations
#
# In training each entry is dropped with probability $p$, and what is kept is scaled up; in evaluation nothing happens:
#
# $$
# \text{training: } y = m \odot x, \quad m_j = \begin{cases} 0 & \text{with probability } p \\
#    1/(1-p) & \text{else;} \end{cases} \qquad \text{evaluation: } y = x.
# $$
#
# With $p = 0.5$ and an input of ones, a unit puts out 0 or 2, and 1 on average: the next layer gets what it is used to.

# %%
from labcode.dropout import classic_dropout, dropout, dropout_mask, dropout_torch

rng = np.random.default_rng(0)
ones, mask = np.ones(8), dropout_mask((8,), 0.5, rng=rng)
print("one mask:        ", dropout(ones, mask))
drawn = [dropout(ones, dropout_mask((8,), 0.5, rng=rng)) for _ in range(10_000)]
print("mean over 10 000:", np.mean(drawn, axis=0).round(2))
by_torch = dropout_torch(torch.tensor(ones), torch.tensor(mask))
np.testing.assert_array_equal(dropout(ones, mask), by_torch)

# %% tags=["guard"]
assert abs(np.mean(drawn, axis=0) - ones).max() < 0.06

# %% [markdown]
# This form is called *inverted* dropout. The article describes the older one: no scaling in training, and a factor $1-p$ when
# testing. The two differ by one factor, the same in both modes.

# %%
p, kept = 0.5, mask > 0
older = {"training": classic_dropout(ones, p, kept), "evaluation": classic_dropout(ones, p)}
inverted = {"training": dropout(ones, mask), "evaluation": ones}
for mode in older:
    print(f"{mode:<11} older {older[mode]}  inverted {inverted[mode]}")
    np.testing.assert_allclose(older[mode], (1 - p) * inverted[mode])

# %% [markdown]
# So they are one method on two scales. All that matters is not to mix them: a model trained in one form and evaluated in the
# other is off by the factor $1-p$. Keras and PyTorch use the inverted form.
#
# Where can a mask stand? On the input, between two layers, and on the output. In our model each is one option. Here are the
# shapes of the masks for 5 windows of 14 days with 6 features.

# %%
dropouts = {"input_dropout": 0.2, "dropout": 0.2, "output_dropout": 0.5}
with seeded(0):
    model = SequenceModel(6, 32, 1, num_layers=2, **dropouts)
masks = model.lstm.sample_masks(x[:5])
for name, drawn in masks.items():
    print(f"{name}: {tuple(drawn.shape)}")

# %% tags=["guard"]
assert masks["x_l0"].shape == (5, 1, 6)
assert masks["x_l1"].shape == (5, 14, 32)

# %% [markdown]
# Between the layers (`x_l1`) there is a mask for each of the 14 steps, as in PyTorch. The input's mask (`x_l0`) is drawn once
# for the whole sequence: a feature that is dropped is dropped on every day. The mask on the output is drawn by the model's
# head, which reads the last step only.
#
# Is dropout on or off? Ask the model twice, on the same days.

# %%
with seeded(0), torch.no_grad():
    for mode in ("train", "eval"):
        getattr(model, mode)()
        first, second = model(x[:3]).ravel(), model(x[:3]).ravel()
        print(f"model.{mode}():", first.numpy().round(3), second.numpy().round(3))

# %% tags=["guard"]
with seeded(0), torch.no_grad():
    for mode in (True, False):
        model.train(mode)
        assert torch.equal(model(x[:3]), model(x[:3])) != mode

# %% [markdown]
# In evaluation the two answers agree, in training they do not. This is the quickest test for dropout left on by mistake.
#
# **Try it yourself.** Set all three rates to 0 in the cell that makes the model, and run it and the last cell again: do the
# answers agree in training, too? Then set only `dropout=0.2` and `num_layers=1`. What do you find, and what does the warning
# say?

# %% [markdown]
# ### Early stopping: a limit on training time
#
# Stop after the first epoch $e$ that is `patience` epochs away from the best one so far:
#
# $$ e - \underset{s \le e}{\text{argmin}} \ v_s \ \ge \ \text{patience}, \qquad
#    v_s = \text{validation loss after epoch } s. $$
#
# It looks at nothing but numbers. First the equation, on the curve of the run without regularization and with a patience of
# 5.

# %%
curve = np.array(run("none")[1].validation_loss)
waited = [epoch - np.argmin(curve[: epoch + 1]) for epoch in range(len(curve))]
stop = int(np.argmax(np.array(waited) >= 5))
print("epochs since the best one:", [int(w) for w in waited[: stop + 1]])

# %% [markdown]
# The count is 0 at every new best, and grows by one with every epoch without. The course's class does the same, epoch by
# epoch, as a training loop would ask it; here it is given the recorded curve.


# %%
def replay(losses):
    """Feed a recorded curve to the rule; return the rule as it stands when it stops."""
    rule = EarlyStopping(patience=5)
    for epoch, loss in enumerate(losses):
        if rule.update(epoch, loss):
            break
    return rule


np.testing.assert_equal(replay(curve).stopped_epoch, stop)

# %% [markdown]
# And now live, in a training that really ends there.

# %%
from labcode.training import evaluate

rule = EarlyStopping(patience=5, restore_best_weights=True)
settings["early stopping"] = {"early_stopping": rule}
live, history = run("early stopping")
final = evaluate(live, weather.validation)["loss"]
print(f"stopped after epoch: {stop} by the equation, {history.stopped_epoch} live")
lowest = f"{min(history.validation_loss):.4f}"
print(f"kept: {final:.4f}   best, epoch {history.best_epoch}: {lowest}")
print(f"last, epoch {history.stopped_epoch}: {history.validation_loss[-1]:.4f}")
np.testing.assert_allclose(final, min(history.validation_loss), rtol=1e-5)

# %% tags=["guard"]
assert history.stopped_epoch == stop

# %% [markdown]
# It stops at the same epoch: nothing in training knows of the rule before it stops. So one need not train again to try
# another patience; a recorded curve is enough. The model holds the weights of its best epoch, thanks to
# `restore_best_weights=True`. Without it, training would stop early and yet keep the weights of the last epoch, `patience`
# epochs too late.

# %% [markdown] tags=["day"]
# ## 2.2 Regularization in an LSTM
#
# All of the above applies to an LSTM, too. But an LSTM has more places than a plain layer: two matrices of weights, a state
# that moves through time, and a cell in it that remembers. Here is one step, from left to right, with the place of everything
# that this course does to it. ($z$ is the sum that the gates read; $z_h$ and $z_c$ are the masks of zoneout, which holds on to
# old values.)
#
# **Question.** Which of the masks can make the LSTM *forget* what it had stored?

# %%
_ = plots.lstm_cell()

# %% [markdown]
# Only what stands on the upper line touches the memory: $m_c$ erases it, and $z_c$ does the opposite, it keeps the old value.
# $m_h$, $m_U$ and $m_g$ stand outside that line: they disturb what is read and what is written, and the cell keeps what it
# has.
#
# The dashed price tag on $b$ means: possible, but not unless you name it. The two penalties at the right put their price not
# on weights but on what the LSTM puts out: *activation regularization* (AR) on its size, *temporal activation regularization*
# (TAR) on its change from step to step.

# %% [markdown]
# Move the slider through the methods. For each, say the line of mathematics before you read it.

# %%
from labcode.widgets import CellExplorer

CellExplorer(value="weight drop").widget()

# %% [markdown]
# The four ways to drop something in the recurrence ($m_h$, $m_g$, $m_c$, $m_U$) are different places, not four names for one
# thing; and early stopping has no place in the cell at all. Here are all of them as a table.

# %%
from IPython.display import Markdown

from labcode.widgets.cell import methods_table

Markdown(methods_table())

# %% [markdown]
# What draws masks is built into the model, which must know whether it is in training or in evaluation. What acts on the loss,
# on the weights after a step or on the time belongs to the training.
#
# ### Penalties by part
#
# $W$ reads the input, $U$ the state, $b$ reads nothing. A penalty can treat them apart; the bias pays only if it is named:
#
# $$ \text{penalty} = \frac{\lambda_W}{2} \|W\|^2 + \frac{\lambda_U}{2} \|U\|^2
#    \quad \left(+ \frac{\lambda_b}{2} \|b\|^2 \right). $$
#
# With λ = 2 the penalty is just the sum of squares, so we can read off which part carries most.

# %%
trained = {name: w.detach() for name, w in run("none")[0].lstm.named_parameters()}
as_numpy, squares = {name: w.double().numpy() for name, w in trained.items()}, {}
for named in (("input",), ("recurrent",), ("bias",), ("input", "recurrent")):
    lam = dict.fromkeys(named, 2.0)
    by_torch = penalties.penalty_by_target(l2_penalty_torch, trained, lam).item()
    print(f"named: {', '.join(named):<17}  sum of squares {by_torch:6.1f}")
    by_numpy = penalties.penalty_by_target(penalties.l2_penalty, as_numpy, lam)
    np.testing.assert_allclose(by_numpy, by_torch, rtol=1e-5)
    squares[", ".join(named)] = by_numpy

# %% tags=["guard"]
assert squares["recurrent"] > 2 * squares["input"] > 2 * squares["bias"]

# %% [markdown]
# $U$, by far; it is also the largest matrix. The biases are left out as a rule: they multiply nothing, so their size does not
# make the function steeper.

# %% [markdown] tags=["day"]
# ### Dropout between the layers, and an option that does nothing
#
# `torch.nn.LSTM` has an argument `dropout`. It drops what one layer hands *up to the next*.
#
# **Question.** A single layer, `dropout=0.5`, in training mode. We ask it twice. Do the two answers differ?

# %%
answers = ("different each time", "the same both times")
one_layer = guess(
    "One layer, dropout=0.5, asked twice in training: what is the answer?", options=answers
)

# %%
import warnings

agree = {}
for layers in (1, 2):
    with seeded(0), torch.no_grad(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        lstm = torch.nn.LSTM(6, 4, layers, dropout=0.5, batch_first=True).train()
        first, second = lstm(x[:3])[0], lstm(x[:3])[0]
    agree[layers], zeros = torch.equal(first, second), int((first == 0).sum())
    print(f"layers: {layers}, answer {answers[agree[layers]]}", end="")
    print(f"; warnings: {len(caught)}, zeros: {zeros}")
one_layer.met(answers[agree[1]])

# %% tags=["guard"]
assert agree == {1: True, 2: False}
assert zeros == 0

# %% [markdown]
# With one layer the option does nothing, since there is no next layer, and a warning says so; many a "regularized" model was
# never regularized. With two layers something is dropped, but not in what comes out: no entry of the output is 0. Dropout
# after the last layer is up to you, and in our model its name is `output_dropout`.

# %% [markdown] tags=["day"]
# ### Recurrent dropout: one name, several methods
#
# The article speaks of dropout "at every time step". That leaves open *what* is dropped, and whether the mask is new at each
# step or locked for the sequence. Five answers are in use:
#
# - **on h** ([Gal and Ghahramani 2016](https://arxiv.org/abs/1512.05287); Keras's `recurrent_dropout`, where each gate has a
#   mask of its own): $U(m_h \odot h_{t-1})$. The gates read a state with holes, the same holes at each step.
# - **on g** ([Semeniuta et al. 2016](https://arxiv.org/abs/1603.05118)): $f \odot c_{t-1} + i \odot (m_g \odot g)$. Some of
#   what would be written is not; nothing written earlier is lost.
# - **on c** (RnnDrop, Moon et al. 2015): $m_c \odot c'$. The memory itself is erased in some cells.
# - **weight drop** ([Merity et al. 2018](https://arxiv.org/abs/1708.02182)): $(m_U \odot U) h_{t-1}$. Single connections are
#   missing for one pass, for the whole batch.
# - **zoneout** ([Krueger et al. 2017](https://arxiv.org/abs/1606.01305)): $z_h \odot h_{t-1} + (1-z_h) \odot h'$. Some units
#   skip the step and keep their value. Nothing is set to 0, so nothing is scaled.

# %% [markdown]
# Chapter 3 takes them step by step. Here we only check that the NumPy step of chapter 1, with its factors $m$ in place, and
# the PyTorch module mean the same. The shapes say how often a mask is drawn: those with the 14 days in them are new at each
# step.

# %%
shapes = {"h": (50, 32), "g": (50, 14, 32), "c": (50, 32)}
shapes |= {"weight_hh": (128, 32), "zoneout_h": (50, 14, 32)}
masks = {name: dropout_mask(shape, 0.25, rng=rng) for name, shape in shapes.items()}
masks["zoneout_h"] = (masks["zoneout_h"] == 0).astype(
    float
)  # 1: the previous value is kept

# %% [markdown]
# **Question.** Each mask hits a quarter of its entries. After which of them do you expect zeros in the final $h$?

# %%
import copy

from labcode.lstm import lstm_forward

lstm, days = (
    copy.deepcopy(run("none")[0].lstm).double(),
    weather.validation.x[:50].astype(float),
)
zeros = {}
for name, mask in masks.items():
    _, (by_numpy, _), _ = lstm_forward(days, as_numpy, masks={f"{name}_l0": mask})
    _, (by_torch, _) = lstm(torch.tensor(days), masks={f"{name}_l0": torch.tensor(mask)})
    np.testing.assert_allclose(by_numpy, by_torch.detach().numpy(), atol=1e-10)
    zeros[name] = float(np.mean(by_numpy == 0))
print("zeros in the final h:", {name: f"{share:.0%}" for name, share in zeros.items()})

# %% tags=["guard"]
assert [name for name, share in zeros.items() if share > 0] == ["c"]

# %% [markdown]
# Only after the mask on the cell, which silences a quarter of the units for the whole sequence. A mask on h leaves no zero in
# what the LSTM puts out, so it cannot be replaced by dropout on the output, nor the other way round: they are two methods
# that happen to share a word. As options of the model all five are one line each: `recurrent_dropout=0.25` with `on="h"`,
# `"g"` or `"c"`, `weight_drop=0.25`, `zoneout_h=0.1`.

# %% [markdown]
# ### Weight constraints: a wall instead of a price
#
# A penalty charges for size, a *constraint* forbids it. After each step of the optimizer, every row $w_j$ of a matrix that has
# grown too long is shortened to a length $r$; this one is called *max-norm*:
#
# $$ w_j \leftarrow w_j \cdot \min \left(1, \ \frac{r}{\|w_j\|} \right). $$

# %%
from labcode.constraints import max_norm

rows = np.array([[3.0, 4.0], [0.3, 0.4]])
print(max_norm(rows, 1.0).round(2).tolist())
np.testing.assert_allclose(max_norm(rows, 1.0), max_norm_torch(torch.tensor(rows), 1.0))
lengths = np.linalg.norm(rows, axis=1, keepdims=True)
np.testing.assert_allclose(max_norm(rows, 1.0), rows * np.minimum(1, 1 / lengths))

# %% [markdown]
# The long row keeps its direction, the short one is not touched at all. L2 would have shrunk both. How long do the rows of $W$
# and $U$ get without a limit, and how many reach it?


# %%
def row_norms(model):
    """Return the norms of all rows of W and U of a model's LSTM."""
    both = model.lstm.all_weights[0][:2]
    return np.concatenate([np.linalg.norm(w.detach(), axis=1) for w in both])


norms = {name: row_norms(run(name)[0]) for name in ("none", "max-norm")}
for name, found in norms.items():
    share = np.mean(found > 0.999)
    print(f"{name:<8}  longest row {found.max():.2f}, share at or above 1: {share:.0%}")

# %% tags=["guard"]
assert norms["max-norm"].max() < 1 + 1e-5
assert norms["none"].max() > 1.5
assert np.mean(norms["max-norm"] > 0.999) > 0.15

# %% [markdown]
# The wall holds. Whether it stands where it is needed is another question, and we come to it now.

# %% [markdown]
# ### A first comparison
#
# Six ways to regularize the small model and one to leave it alone, three seeds each. Within a seed all start from the same
# weights and see the same batches. Early stopping needs no runs of its own: we replay the rule on the curves of the runs
# without regularization.

# %%
seeds = range(3)
trained_methods = [name for name in settings if name != "early stopping"]
curves = {
    name: [run(name, s)[1].validation_loss for s in seeds] for name in trained_methods
}

# %% [markdown]
# Each run gives a curve of 20 losses, and one must say *where* to read them. The best epoch flatters, as it is picked on the
# very data it is measured on, and it flatters most a method that does badly afterwards. So we look at both: the last epoch
# and the best one.

# %%
last = {name: [losses[-1] for losses in runs] for name, runs in curves.items()}
best = {name: [min(losses) for losses in runs] for name, runs in curves.items()}
last["early stopping"] = [replay(losses).best for losses in curves["none"]]
best["early stopping"] = last["early stopping"]

# %% [markdown]
# **Question.** Look at the figure that comes. Which statements about methods would you dare to make, and from which side of
# it?

# %%
from labcode.data import persistence_loss

unit = f"mean squared error [({weather.target_std:.2f} °C)²]"
persistence = persistence_loss(weather.validation)
panels = {"after the last epoch": last, "at the best epoch": best}
_ = plots.losses_by_method(panels, unit=unit, baseline=persistence)
gain = {name: np.subtract(last["none"], last[name]) for name in last if name != "none"}
for name, gains in gain.items():
    print(f"{name:<18} better than none, at the end, by {np.round(gains, 3)}")

# %% tags=["guard"]
others = [gains for name, gains in gain.items() if name != "max-norm"]
assert np.min(others) > 0.01
assert np.mean(gain["max-norm"]) < 0.6 * np.min(np.mean(others, axis=1))
assert np.mean(gain["early stopping"]) > 0.6 * np.max(np.mean(others, axis=1))

# %% [markdown]
# What one may say, here, with these strengths: left alone, the model ends worse than under any of five methods, for each
# seed. Max-norm with a limit of 1 does much less, although many rows stand at the wall. That says nothing against constraints:
# nobody looked for a better limit. And what regularization brings here, stopping in time brings for the most part, too.
#
# At the best epoch they lie much closer together: there, *every* method has been stopped in time.

# %%
for title, losses in panels.items():
    means = [np.mean(runs) for runs in losses.values()]
    dropouts = np.mean([losses["output dropout"], losses["recurrent dropout"]])
    lead = dropouts - np.mean(losses["early stopping"])
    print(f"{title:<21} best to worst mean {np.ptp(means):.3f}")
    print(f"{'':<21} the two dropouts minus early stopping {lead:+.3f}")

# %% tags=["guard"]
spreads = [
    np.ptp([np.mean(runs) for runs in losses.values()]) for losses in panels.values()
]
assert spreads[1] < 0.5 * spreads[0]
leads = [
    np.mean([losses["output dropout"], losses["recurrent dropout"]])
    - np.mean(losses["early stopping"])
    for losses in panels.values()
]
assert leads[0] > 0.005
assert leads[1] < leads[0] - 0.005

# %% [markdown]
# **Question.** Five methods work, so there are ten pairs of them. In how many would all three seeds agree on who is better,
# if the seeds were coins?

# %%
from itertools import combinations

working = [name for name in last if name not in ("none", "max-norm")]
pairs = list(combinations(working, 2))
for title, losses in panels.items():
    signs = [np.sign(np.subtract(losses[a], losses[b])).sum() for a, b in pairs]
    agreed = int(np.sum(np.abs(signs) == len(seeds)))
    print(f"{title:<21} {agreed} of {len(pairs)} pairs; coins: {len(pairs) / 4} on average")

# %% [markdown]
# Three coins fall alike in one case of four. If more pairs agree, some of the differences are real; but a pair without any
# difference would now and then agree, too, and the picture does not say which one that is.
#
# **Try it yourself.** Multiply the strength of one penalty by 10 in `settings`, call `run.cache_clear()` and run the comparison
# again. Does its place in the figure change more than the seeds' spread?

# %% [markdown]
# Here is why three seeds, or ten, do not make a ranking:
#
# - **Where one reads decides.** A comparison must fix the moment before it looks.
# - **The strengths were not chosen.** A method with a lucky strength beats one with an unlucky strength.
# - **All seeds share one validation year.** Seeds say how much luck there is in training, not how much there is in these days
#   (chapter 1).
#
# So: no ranking yet. Chapter 3 opens the methods; an honest ranking takes chosen strengths, ten paired seeds and a test year,
# as at the end of chapter 1.

# %% [markdown]
# ## What to remember
#
# - Five places: penalties act on the **loss**, dropout on **activations**, its recurrent forms on the **state**, constraints
#   on the **weights**, early stopping on the **training time**.
# - L1 pulls every weight alike, L2 in proportion to its size. By gradient steps neither gives exact zeros.
# - Inverted dropout scales by 1/(1−p) in training and does nothing in evaluation. Asked twice in evaluation, a model must
#   answer twice the same.
# - "Recurrent dropout" names a family. Say what is masked (h, g, c or U), and whether the mask is locked.
# - `nn.LSTM(dropout=)` acts between layers only: with one layer it does nothing.
# - Three seeds show large effects. They do not rank methods whose strengths nobody chose.

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1.** With a learning rate of 0, which of these changes the weights?
#
# - [ ] An L2 penalty.
#   > It acts through the gradient, and the gradient is multiplied by 0.
# - [x] Max-norm.
#   > It projects the weights after the step, whatever the step was.
# - [ ] Weight drop.
#   > It hides weights for one pass. The weights themselves stay what they were.
#
# **2.** A colleague puts `dropout=0.3` into a one-layer `nn.LSTM` and finds that dropout does not help on her data. What do
# you reply?
#
# - [x] It was never on.
#   > The argument drops what one layer hands to the next, and there is none. The data have not been asked yet.
# - [ ] 0.3 is too little; try 0.5.
#   > No rate would do anything in this place.
# - [ ] Her data need a penalty instead.
#   > Perhaps; but this run says nothing about dropout.
#
# **3.** A network from an old paper was trained with dropout 0.5 and no scaling. In today's evaluation mode its outputs look
# too large. Why?
#
# - [ ] Dropout is still on.
#   > Then they would vary from call to call, and not be too large.
# - [ ] Its weights were not penalized.
#   > That may be so, but it gives no sudden factor between training and evaluation.
# - [x] The factor 1 − p of the older form is missing.
#   > In training half of the inputs arrived, now all of them do. Multiply once, for good: put 1 − p into the weights behind
#   > the dropout.
#
# **4.** Under L1 the histogram shows a tall spike at 0, but `(w == 0).sum()` is 0. Is that a bug?
#
# - [ ] Yes: L1 sets weights to zero.
#   > Its optimum has zeros, but gradient steps do not get there exactly.
# - [x] No: the weights jump about zero.
#   > The pull of L1 does not grow weaker near 0, so a step carries the weight past it, and the next one back. Exact zeros need
#   > the proximal step.
# - [ ] No: λ is too small.
#   > A larger λ makes the jumps larger.
#
# **5.** Which mask lets a unit keep its memory for the whole sequence, although it is dropped?
#
# - [x] The one on g.
#   > It stops what would be written, while $f \odot c_{t-1}$ passes.
# - [ ] The one on c.
#   > It multiplies the memory itself by 0.
# - [ ] Neither: dropped is dropped.
#   > It depends on what is dropped: the news, or the store.

# %% [markdown]
# **Next:** in the [exercise](../exercises/ex02_core_concepts.ipynb) you sort the methods, write dropout and a penalty by part,
# rescue a network trained with the older form, and put one mask into an LSTM step.
