# %% [markdown]
# # Chapter 5, part 1: The article's Keras code, completed and checked
#
# *About 65 minutes: 30 of reading, 30 of thinking and trying; the cells run in about one. Needs:
# [chapter 3, part 1](03_1-2_penalties.ipynb) for the penalties, [part 2](03_3-4_dropout.ipynb) for the masks. No knowledge
# of Keras. This part mirrors sections 5.1 and 5.2 of the article.*
#
# **After this chapter you can**
#
# - complete the article's snippets into Keras models that train, and say what their numbers mean;
# - give an LSTM in Keras a price or a limit for each of its weights, and name the call in `labcode` or PyTorch that does
#   the same;
# - prove that two libraries do the same: same penalty, same gradient, same outputs under the same masks, same steps;
# - read a table of what one word means in four libraries before you copy a setting from one to another.

# %% [markdown]
# ## 5. Practice
#
# The article's practice section shows Keras, in two fragments of two lines each. This part turns them into models that run on
# Seattle's weather, and puts beside each line what it does in numbers. Keras 3 runs on TensorFlow, JAX or PyTorch, its
# *backend*; here it is PyTorch, so nothing else has to be installed. Every layer holds tensors of its backend, so the
# backend is chosen before the first import, which is all that `import_keras` does.

# %%
from labcode.keras_interop import import_keras

keras = import_keras()
print("Keras", keras.__version__, "on", keras.backend.backend())

# %% tags=["guard"]
assert keras.backend.backend() == "torch"

# %% [markdown]
# The data are those of chapter 1, and persistence ("tomorrow is as today") is the loss to beat.

# %%
from labcode.data import load_weather, persistence_loss

weather = load_weather()
persistence = persistence_loss(weather.validation)
print(f"persistence, validation year: {persistence:.3f}")

# %% [markdown]
# ## 5.1 L1 and L2 in Keras
#
# The article adds a dense layer of 64 units with a *regularizer* of its kernel, once L1 and once L2, both with 0.01. What is
# missing there: an input, an output, a loss, data. (Keras's capital `L1` and `L2` are the classes; the article's small letters
# still work.) Here the window of 14 days and 6 numbers is laid flat.


# %%
def dense_model(regularizer=None):
    """A window laid flat, 64 units with a regularizer, and one output; ready to train."""
    keras.utils.set_random_seed(0)
    hidden = keras.layers.Dense(
        64, activation="relu", kernel_regularizer=regularizer, name="hidden"
    )
    layers = [keras.Input((14, 6)), keras.layers.Flatten(), hidden, keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse", metrics=["mse"])
    return model


# %%
regularizers = {
    "none": None,
    "L1(0.01)": keras.regularizers.L1(0.01),
    "L2(0.01)": keras.regularizers.L2(0.01),
}
dense = {name: dense_model(regularizer) for name, regularizer in regularizers.items()}
kernel = dense["none"].get_layer("hidden").kernel
print("penalized weights:", tuple(kernel.shape))

# %% tags=["guard"]
assert keras.regularizers.l2 is keras.regularizers.L2
assert tuple(kernel.shape) == (14 * 6, 64)

# %% [markdown]
# Keras's *kernel* has the shape (inputs, units): it is the transpose of PyTorch's weights. The biases are not covered; they
# would have their own `bias_regularizer`.
#
# **Question.** Keras reports two numbers for validation, `val_loss` and `val_mse`, although the loss *is* the mean squared error.
# What could be the difference between the two?

# %%
data = {"validation_data": tuple(weather.validation), "batch_size": 64}
difference = {}
for name, model in dense.items():
    history = model.fit(*weather.train, epochs=6, verbose=0, **data).history
    val_loss, val_mse = history["val_loss"][-1], history["val_mse"][-1]
    difference[name] = val_loss - val_mse
    print(f"{name:<9} val_loss {val_loss:.3f}   val_mse {val_mse:.3f}")

# %% [markdown]
# With a regularizer they differ, and by exactly the penalty at the end of training, which Keras keeps in `model.losses`:

# %%
for name, model in dense.items():
    penalty = float(sum(loss.detach() for loss in model.losses))
    print(f"{name:<9} penalty {penalty:.4f}   val_loss - val_mse {difference[name]:.4f}")

# %% tags=["guard"]
for name, model in dense.items():
    penalty = float(sum(loss.detach() for loss in model.losses))
    assert abs(penalty - difference[name]) < 1e-4
assert difference["L1(0.01)"] > 0.5

# %% [markdown]
# In Keras **the validation loss contains the penalty**; `labcode`'s `validation_loss` and most PyTorch programs leave it out. So two
# strengths must never be compared by `val_loss`: the stronger one pays more for the same weights. Ask for the metric and
# compare that, and let early stopping monitor it.
#
# **Try it yourself.** Add `"L2(0.1)": keras.regularizers.L2(0.1)` to `regularizers` and run the three cells again. Do `val_loss` and
# `val_mse` rank the two L2 models alike?
#
# Now the equality. With $\lambda_1 = 0.01$ and $\lambda_2 = 0.02$,
#
# $$ \text{L1}(0.01) = \lambda_1 \sum |w|, \qquad \text{L2}(0.01) = 0.01 \sum w^2 = \frac{\lambda_2}{2} \sum w^2 . $$
#
# The strength of L2 is doubled because of the ½ that the article's L2 has and Keras's has not.

# %%
import torch

from labcode.penalties import l1_penalty, l1_penalty_torch, l2_penalty, l2_penalty_torch

TWINS = {
    "L1(0.01)": (l1_penalty, l1_penalty_torch, 0.01),
    "L2(0.01)": (l2_penalty, l2_penalty_torch, 2 * 0.01),
}
for name, (in_numpy, in_torch, lam) in TWINS.items():
    w = dense[name].get_layer("hidden").kernel.value
    theirs, ours = regularizers[name](w), in_torch(w, lam)
    third = in_numpy(w.detach().double().numpy(), lam)
    print(
        f"{name}: Keras {theirs.item():.6f}, PyTorch {ours.item():.6f}, NumPy {third:.6f}"
    )
    grad, our_grad = (torch.autograd.grad(one, w)[0] for one in (theirs, ours))
    torch.testing.assert_close(theirs, ours, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(grad, our_grad, rtol=1e-6, atol=1e-6)

# %% [markdown]
# Values and gradients agree to $10^{-6}$. Keras's gradient is $2 \cdot 0.01\, w$. Whoever copies "L2, 0.01" into a program with ½,
# or into PyTorch's `weight_decay`, regularizes half as much.

# %% [markdown]
# ### The weights of an LSTM, one by one
#
# An LSTM has three arrays, and Keras gives each its argument: `kernel_regularizer` for $W$, `recurrent_regularizer` for $U$,
# `bias_regularizer` for $b$. `from_keras` makes the `RegularizedLSTM` with the same weights, and reads the settings into
# functions of `labcode`.
#
# **Question.** Which of the three strengths below will come back doubled?

# %%
from labcode.keras_interop import from_keras

L1, L2 = keras.regularizers.L1, keras.regularizers.L2
keras.utils.set_random_seed(1)
prices = {"kernel_regularizer": L1(1e-3), "recurrent_regularizer": L2(5e-3)}
layer = keras.layers.LSTM(16, bias_regularizer=L2(1e-3), **prices)
layer.build((None, 14, 6))
lstm, regularization = from_keras(layer)
for target, penalty in regularization.penalties.items():
    strengths = {name: round(value, 6) for name, value in penalty.keywords.items()}
    print(f"{target:<10} {penalty.func.__name__:<18} {strengths}")

# %% tags=["guard"]
assert regularization.penalties["recurrent"].keywords["lam"] == 2 * 5e-3

# %% [markdown]
# The two L2s. Now each price by itself, with its gradient, which has to be transposed before it can be compared with Keras's.

# %%
from labcode.penalties import target_arrays

named = dict(lstm.named_parameters())
pairs = zip(regularization.penalties.items(), layer.losses, layer.weights, strict=True)
for (target, penalty), theirs, variable in pairs:
    w = target_arrays(named, target)["_l0"]
    grad = torch.autograd.grad(theirs, variable.value)[0]
    our_grad = torch.autograd.grad(penalty(w), w)[0]
    print(f"{target:<10} Keras {theirs.item():.6f}   labcode {penalty(w).item():.6f}")
    torch.testing.assert_close(theirs, penalty(w), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(
        grad, our_grad.T if w.ndim == 2 else our_grad, rtol=1e-6, atol=1e-6
    )

# %% [markdown]
# The bias pays already, before any training: Keras starts the forget gate's bias at 1. It also has one bias where PyTorch has
# two, $b_{ih}$ and $b_{hh}$, so `from_keras` puts it into the first and freezes the second at zero.
#
# Are ten steps of training equal, too? Both sides get the same ten batches, in the same order, and plain descent with momentum.
# The dense layer at the end, which `from_keras` does not know, is copied by hand.

# %%
x, y = (torch.from_numpy(array[:320].copy()) for array in weather.train)
batches = list(zip(x.split(32), y.split(32), strict=True))
head = keras.layers.Dense(1)
network = keras.Sequential([keras.Input((14, 6)), layer, head])
network.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), loss="mse")

our_head = torch.nn.Linear(16, 1)
kernel, bias = map(torch.from_numpy, head.get_weights())
our_head.load_state_dict({"weight": kernel.T, "bias": bias})
parameters = [w for w in (*lstm.parameters(), *our_head.parameters()) if w.requires_grad]
optimizer = torch.optim.SGD(parameters, lr=0.1, momentum=0.9)

# %%
for x, y in batches:
    theirs = float(network.train_on_batch(x, y))
    loss = torch.nn.functional.mse_loss(our_head(lstm(x)[0][:, -1]), y)
    loss = loss + regularization.penalty(lstm)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    torch.testing.assert_close(theirs, loss.item(), rtol=0, atol=1e-5)
trained, _ = from_keras(layer)
for theirs, ours in zip(trained.parameters(), lstm.parameters(), strict=True):
    torch.testing.assert_close(theirs, ours, rtol=0, atol=1e-5)
print("the same loss at each step, and the same weights after ten")

# %% [markdown]
# Equal to $10^{-5}$, in float32. In PyTorch you add the penalty to the loss, and where you forget it nothing complains. In Keras
# it belongs to the layer, and `train_on_batch` collects it.

# %% [markdown]
# ### Limits instead of prices
#
# `kernel_constraint` and its two siblings take a projection, which Keras applies after every step of the optimizer. `MaxNorm` has
# `axis=0` by default.
#
# **Question.** A kernel is (inputs, 4H). Whose weights are limited together, as one vector?

# %%
from labcode.check import guess

readings = ("what one input sends to all gates", "what one gate of one unit receives")
one_vector = guess("MaxNorm, axis=0, on a kernel: what is one vector?", options=readings)

# %%
keras.utils.set_random_seed(2)
limited = keras.layers.LSTM(
    16,
    kernel_constraint=keras.constraints.MaxNorm(0.5),
    recurrent_constraint=keras.constraints.UnitNorm(),
)
network = keras.Sequential([keras.Input((14, 6)), limited, keras.layers.Dense(1)])
network.compile(optimizer=keras.optimizers.SGD(0.5), loss="mse")
_ = network.train_on_batch(*batches[0])
ours, _ = from_keras(limited)
longest = [ours.weight_ih_l0.norm(dim=dim).max().item() for dim in (0, 1)]
print(f"W, longest column {longest[0]:.3f}, longest row {longest[1]:.3f}")
one_vector.met(readings[int(longest[1] < 0.5 + 1e-5)])

# %% tags=["guard"]
assert longest[1] < 0.5 + 1e-5 < longest[0]
norms = ours.weight_hh_l0.norm(dim=1)
torch.testing.assert_close(norms, torch.ones(64), rtol=0, atol=1e-5)

# %% [markdown]
# One vector is what enters *one gate of one unit*: a column of Keras's kernel, a row of ours. `labcode` calls it `"row"`. With
# `axis=1` it would be what one input sends to all gates: a limit on inputs, not on units. Both libraries project to the same
# point:

# %%
import numpy as np

from labcode.constraints import max_norm, max_norm_torch, unit_norm

kernel = np.random.default_rng(0).normal(size=(6, 64)).astype("float32")
for axis, vectors in ((0, "row"), (1, 0), ([0, 1], "matrix")):
    theirs = keras.ops.convert_to_numpy(keras.constraints.MaxNorm(0.5, axis=axis)(kernel))
    ours = max_norm(kernel.T, 0.5, vectors).T
    twin = max_norm_torch(torch.from_numpy(kernel.T.copy()), 0.5, vectors).T.numpy()
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-6)
    np.testing.assert_allclose(twin, ours, rtol=0, atol=1e-6)
    print(f"Keras axis={axis!s:<6} is labcode {vectors!r}")
theirs = keras.ops.convert_to_numpy(keras.constraints.UnitNorm()(kernel))
np.testing.assert_allclose(theirs, unit_norm(kernel.T, "row").T, rtol=0, atol=1e-6)

# %% [markdown]
# The last two lines are about `UnitNorm`, which the recurrent kernel had: it stretches short vectors, too, where a limit lets them
# be. Moving to PyTorch, the axis moves, since the matrix is transposed.

# %% [markdown]
# ## 5.2 Dropout in Keras
#
# The article's second fragment is an LSTM of 64 units that returns its output at every step, and a `Dropout(0.2)` on it. It needs
# something that reads the whole sequence: a second LSTM, and an output.

# %%
keras.utils.set_random_seed(0)
layers = [
    keras.Input((14, 6)),
    keras.layers.LSTM(64, return_sequences=True),
    keras.layers.Dropout(0.2),
    keras.layers.LSTM(16),
    keras.layers.Dense(1),
]
stacked = keras.Sequential(layers)
stacked.compile(optimizer=keras.optimizers.Adam(3e-3), loss="mse")
history = stacked.fit(*weather.train, epochs=8, verbose=0, **data).history
print("validation:", np.round(history["val_loss"], 3).tolist())
print(f"persistence {persistence:.3f}")

# %% tags=["guard"]
assert min(history["val_loss"]) < persistence

# %% [markdown]
# It trains and beats persistence. Now the mask, which dropout of ones shows. Keras has a second layer, `SpatialDropout1D`; both see
# (sequences, steps, units).
#
# **Question.** Is a unit dropped at all steps, or anew at each, by `Dropout` and by `SpatialDropout1D`?

# %%
from labcode import plots


def dropout_layers():
    """The two layers, seeded anew each time, so that they draw the same masks again."""
    kinds = keras.layers.Dropout, keras.layers.SpatialDropout1D
    return {kind.__name__: kind(0.2, seed=4) for kind in kinds}


ones = torch.ones(4, 14, 16)
masks = {name: layer(ones, training=True) for name, layer in dropout_layers().items()}
_ = plots.mask_panels({name: mask[0].numpy() for name, mask in masks.items()})

# %% tags=["guard"]
spatial = masks["SpatialDropout1D"]
assert bool((spatial == spatial[:, :1]).all())
assert not bool((masks["Dropout"] == masks["Dropout"][:, :1]).all())

# %% [markdown]
# The article's `Dropout` draws anew at each step, and the next LSTM sees the unit again a step later. A unit that `SpatialDropout1D`
# drops is gone for the whole sequence: it is *locked* dropout. Given these masks, two calls of `labcode` put out the same:

# %%
from labcode.dropout import dropout_torch, locked_dropout_torch

spatial = masks["SpatialDropout1D"]
output = torch.randn(4, 14, 16, generator=torch.Generator().manual_seed(0))
theirs = {name: layer(output, training=True) for name, layer in dropout_layers().items()}
locked = locked_dropout_torch(output, spatial[:, 0])
torch.testing.assert_close(theirs["Dropout"], dropout_torch(output, masks["Dropout"]))
torch.testing.assert_close(theirs["SpatialDropout1D"], locked)
print("values in the masks:", sorted({round(v, 4) for v in spatial.unique().tolist()}))

# %% [markdown]
# The masks hold 0 and $1/(1-0.2) = 1.25$: Keras drops inverted, like this course.

# %% [markdown]
# ### Inside the LSTM
#
# `dropout=` masks what the gates read of $x$, `recurrent_dropout=` what they read of $h$. Keras draws both once for each sequence
# and keeps them for all steps. `keras_masks` reads the masks of a layer's next call, so that `labcode` can use them.

# %%
from labcode.keras_interop import keras_masks

dropping = keras.layers.LSTM(16, dropout=0.2, recurrent_dropout=0.3, seed=4)
dropping.build((None, 14, 6))
x = batches[0][0]
masks = keras_masks(dropping, x)
print({name: tuple(mask.shape) for name, mask in masks.items()})

# %% tags=["guard"]
assert bool((masks["h_l0"][0] != masks["h_l0"][1]).any())

# %% [markdown]
# The shapes are (gates, sequences, 1, features): each gate has a mask of its own, on $x$ as well. This is `tied=False` here;
# `labcode`'s default is the *tied* one of the two forms in the paper of Gal and Ghahramani: one mask that the four gates share. With
# the same weights and these masks, both LSTMs put out the same, in training and in evaluation.

# %%
twin, _ = from_keras(dropping)
in_training, in_evaluation = dropping(x, training=True), dropping(x, training=False)
ours_in_training = twin(x, masks=masks)[0][:, -1]
ours_in_evaluation = twin.eval()(x)[0][:, -1]
torch.testing.assert_close(in_training, ours_in_training, rtol=0, atol=1e-6)
torch.testing.assert_close(in_evaluation, ours_in_evaluation, rtol=0, atol=1e-6)
print("equal in both modes")

# %% [markdown]
# **Question.** There are three ways to get a forecast from a Keras model with dropout: `model(x)`, `model(x, training=True)`,
# `model.predict(x)`. How many of them are random?

# %%
random_calls = guess("Keras, three ways to forecast: how many are random?", unit="of 3")

# %%
network = keras.Sequential([keras.Input((14, 6)), dropping, keras.layers.Dense(1)])
calls = {
    "model(x)": lambda: network(x),
    "model(x, training=True)": lambda: network(x, training=True),
    "model.predict(x)": lambda: torch.from_numpy(network.predict(x, verbose=0)),
}
is_random = {name: not torch.equal(call(), call()) for name, call in calls.items()}
print(is_random)
random_calls.met(sum(is_random.values()))

# %% tags=["guard"]
assert list(is_random.values()) == [False, True, False]
off, predicted = calls["model(x)"](), calls["model.predict(x)"]()
torch.testing.assert_close(off, predicted, rtol=0, atol=1e-6)

# %% [markdown]
# Only the one that asks for it. A Keras model is in evaluation unless told otherwise; a PyTorch module is in *training* until
# `eval()` is called. The same forgotten line has opposite effects.
#
# **Try it yourself.** In a new cell call `twin.train()(x)[0]` twice, then `twin.eval()(x)[0]` twice. Then make a new LSTM with
# `from_keras(dropping)[0]`: in which mode is it?

# %% [markdown]
# ### Early stopping
#
# `EarlyStopping` with `restore_best_weights=True` watches one number of the history. We let a dense model overfit, with
# `patience=3`.
#
# **Question.** How many epochs run after the best one?

# %%
after_the_best = guess(
    "Keras, patience=3: how many epochs run after the best?", unit="epochs"
)

# %%
model = dense_model()
model.optimizer.learning_rate = 1e-2
watch = {"monitor": "val_mse", "mode": "min", "patience": 3}
stopper = keras.callbacks.EarlyStopping(restore_best_weights=True, **watch)
run = model.fit(*weather.train, epochs=40, verbose=0, callbacks=[stopper], **data)
trace = [float(loss) for loss in run.history["val_mse"]]
print(np.round(trace, 3).tolist())
print("best epoch", stopper.best_epoch, "last epoch", stopper.stopped_epoch)
after_the_best.met(stopper.stopped_epoch - stopper.best_epoch)

# %% tags=["guard"]
assert stopper.stopped_epoch == stopper.best_epoch + 3 == len(trace) - 1

# %% [markdown]
# Three. `labcode`'s rule stops at the same epoch of the same trace. And which weights does the model hold now? Its loss tells from
# outside.

# %%
from labcode.early_stopping import EarlyStopping

rule = EarlyStopping(patience=3)
stopped = next(epoch for epoch, loss in enumerate(trace) if rule.update(epoch, loss))
held = model.evaluate(*weather.validation, verbose=0, return_dict=True)["mse"]
print(f"labcode: best {rule.best_epoch}, last {stopped}")
print(f"the model's loss now {held:.6f}, the best was {min(trace):.6f}")
unit = "mean squared error, validation"
_ = plots.stopped_trace(trace, stop=stopped, kept=rule.best_epoch, unit=unit)

# %% tags=["guard"]
assert (stopped, rule.best_epoch) == (stopper.stopped_epoch, stopper.best_epoch)
assert abs(held - min(trace)) < 1e-5

# %% [markdown]
# It holds those of the star, the best epoch. `restore_best_weights` is *off* by default: then the model is that of the last point,
# the epoch that was bad enough to stop.

# %% [markdown]
# ### One word, four libraries
#
# Most mistakes in moving a regularized model come from a word that means something else. The table below is not typed in:
# `labcode.libraries.conventions` asks each library by running it (two values of a penalty, a projection of a constant matrix, an
# optimizer against shrinking by hand, layers of ones). TensorFlow's column was asked in the same way where TensorFlow is installed,
# by `python evidence/05_conventions.py`.
#
# **Question.** Before you look: in which optimizers of Keras does `weight_decay` join the gradient, as in PyTorch's `Adam`?

# %%
from labcode.experiments import load_result
from labcode.libraries import conventions

recorded = load_result("05_conventions")
answers = {
    "Keras on PyTorch": conventions.keras_answers(keras),
    f"tf.keras, TensorFlow {recorded['versions']['tensorflow']}": recorded["answers"],
    "PyTorch": conventions.torch_answers(),
    "labcode": conventions.labcode_answers(),
}
for key, question in conventions.QUESTIONS.items():
    print(question)
    for library, answer in answers.items():
        print(f"    {library:<28} {answer[key]}")

# %% tags=["guard"]
theirs, tensorflow, pytorch, ours = answers.values()
differs = [key for key in conventions.QUESTIONS if theirs[key] != tensorflow[key]]
assert differs == ["precision"]
assert recorded["tf_keras_is_keras"]
assert theirs["coupled"] == "nothing"
assert "Adam" in pytorch["coupled"]
assert "AdamW" in pytorch["decoupled"]
assert float(theirs["slope"]) == 2 * float(ours["slope"])
assert pytorch["drops"] == "nothing"
assert "recurrent_dropout" in theirs["drops"]
assert "recurrent_dropout" in theirs["leaves"]
assert "share_mask" not in ours["leaves"]

# %% [markdown]
# In none: they shrink the weights beside the gradient, as AdamW does. (Ftrl only in appearance:
# [chapter 7](07_tools.ipynb#Where-Keras-surprises) looks at it.) So `Adam(weight_decay=0.01)` is two different algorithms in Keras and
# PyTorch. In both it shrinks the biases, too, unless you say otherwise: Keras has `exclude_from_weight_decay` for that, PyTorch groups
# of parameters. The other traps of the table:
#
# - **Factor 2**: the same number is twice as strong in Keras's `L2`.
# - **One bias or two**: what acts in PyTorch is the sum of two, so a penalty on "the bias" has to be one on that sum.
# - **`nn.LSTM(dropout=)`** does nothing in one layer; in Keras `dropout=` masks the input.
# - **Recurrent dropout** does not exist in `nn.LSTM`; Keras's has a mask for each gate.
# - **The fused kernel** (cuDNN on a GPU): Keras leaves it for a loop over the steps as soon as `recurrent_dropout` is not 0. `labcode`
#   keeps it where the batch shares a mask, `share_mask="batch"`: then the mask is one on the columns of $U$.
# - **The backend** shows in one row: on PyTorch a float64 layer of Keras multiplies its matrices in float32. Whoever compares two
#   libraries to ten digits there compares rounding.

# %% [markdown]
# ## What to remember
#
# - A fragment of two lines hides the choices: what is penalized, by which factor, what is compared.
# - Keras's `val_loss` contains the penalty. Compare and monitor a metric.
# - `L2(x)` is $\lambda = 2x$. Kernels are transposed, so axes swap.
# - `Dropout` after an LSTM draws anew at each step, `SpatialDropout1D` once for a sequence; `recurrent_dropout` once for a
#   sequence and gate.
# - Two libraries agree when penalty, gradient, masked output and ten steps do. That takes one cell each.

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1.** A paper used Keras's `L2(5e-4)`. Which `lam` is it in this course, and which `weight_decay` in PyTorch's `SGD`?
#
# - [ ] 5e-4 for both.
#   > Keras's L2 has no ½, so its gradient is twice that of the same number here.
# - [x] 1e-3 for both.
#   > The gradient is 2 · 5e-4 · w. (`weight_decay` covers every parameter in its group, biases included; give it a group of the
#   > kernels.)
# - [ ] 1e-3 and 5e-4.
#   > `weight_decay` of `SGD` is the factor of w in the gradient, the same as `lam`.
#
# **2.** You raise the strength in Keras and `val_loss` rises. Is the model worse?
#
# - [ ] Yes: a higher validation loss is a worse model.
#   > So it would be if the loss were measured without the penalty.
# - [ ] No: a stronger penalty always generalizes better.
#   > Too strong a penalty underfits. But this number does not show it.
# - [x] One cannot say: it contains the penalty.
#   > Compare `val_mse`, the metric, which does not.
#
# **3.** The article's `Dropout(0.2)` after the LSTM: is it what papers on recurrent dropout mean?
#
# - [x] No: it masks what leaves the LSTM.
#   > Anew at each step, and nothing inside is touched. `recurrent_dropout=` masks what the gates read of $h$.
# - [ ] Yes: it acts at every time step.
#   > On the way up to the next layer, not on the way from step to step.
# - [ ] Only if `return_sequences` is set.
#   > Then there is an output at each step to be masked; the recurrence is untouched all the same.
#
# **4.** A colleague's PyTorch model forecasts something else at each call. What did they forget?
#
# - [ ] A seed.
#   > With a seed the first call is the same in each run; the second still differs from the first.
# - [x] `model.eval()`.
#   > A module is in training until told otherwise. A Keras model is called in evaluation unless `training=True` is passed.
# - [ ] `torch.no_grad()`.
#   > It saves memory; dropout does not ask whether gradients are kept.
#
# **5.** `MaxNorm(2)` on a Dense kernel in Keras. Along which dimension do you take the norm of `linear.weight` in PyTorch?
#
# - [ ] Dimension 0, as `axis=0`.
#   > The matrix is transposed, so the axis moves.
# - [x] Dimension 1, each row.
#   > The kernel's axis 0 (its inputs) is the second axis of the transposed matrix.
# - [ ] Both, the whole matrix.
#   > That would be `axis=[0, 1]`, one norm for all.

# %% [markdown]
# **Next:** a whole project, from data to a model card, in [part 2](05_3_project.ipynb). The exercise of this chapter,
# [translate and repair](../exercises/ex05_practice.ipynb), can be done now or after it.
