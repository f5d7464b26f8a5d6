# %% [markdown]
# # Chapter 5, part 1: The article's Keras code, completed and checked
#
# *About 55 minutes. Needs: [chapter 3, part 1](../notebooks/03_1-2_penalties.ipynb) for the penalties,
# [part 2](../notebooks/03_3-4_dropout.ipynb) for the masks. No knowledge of Keras.*
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
# The article's practice section shows Keras, in two fragments of two lines each. This part turns them into models that
# run on Seattle's weather, and puts beside each line what it does in numbers. Keras 3 runs on TensorFlow, JAX or PyTorch;
# here it runs on PyTorch, its *backend*, so nothing else has to be installed. The backend is chosen before the first
# import, which is all that `import_keras` does.
#
# **Question.** Why can the backend not be changed later, in the same program?

# %%
from labcode.keras_interop import import_keras

keras = import_keras()
print("Keras", keras.__version__, "on", keras.backend.backend())
assert keras.backend.backend() == "torch"

# %% [markdown]
# Every layer that exists holds tensors of its backend. Two backends in one program would be two kinds of tensors.
#
# **Question.** The data are those of chapter 1. Which number does a forecast have to beat?

# %%
from labcode.data import load_weather, persistence_loss

weather = load_weather()
persistence = persistence_loss(weather.validation)
print(f"persistence, validation year: {persistence:.3f}")

# %% [markdown]
# That of persistence, "tomorrow is as today".

# %% [markdown]
# ## 5.1 L1 and L2 in Keras
#
# The article adds a dense layer of 64 units with a *regularizer* of its kernel, once L1 and once L2, both with 0.01.
# What is missing there: an input, an output, a loss, data. Keras's capital `L1` and `L2` are the classes; the article's
# small letters still work.
#
# **Question.** The window of 14 days and 6 numbers is laid flat. How many weights does the penalized layer have?


# %%
def dense_model(regularizer=None):
    """A window laid flat, 64 units with a regularizer, and one output; ready to train."""
    keras.utils.set_random_seed(0)
    hidden = keras.layers.Dense(64, activation="relu", kernel_regularizer=regularizer, name="hidden")
    model = keras.Sequential([keras.Input((14, 6)), keras.layers.Flatten(), hidden, keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse", metrics=["mse"])
    return model


# %% [markdown]
# Three such models: one without a regularizer, for comparison.
#
# **Question.** Check your count.

# %%
regularizers = {
    "none": None,
    "L1(0.01)": keras.regularizers.L1(0.01),
    "L2(0.01)": keras.regularizers.L2(0.01),
}
dense = {name: dense_model(regularizer) for name, regularizer in regularizers.items()}
assert keras.regularizers.l2 is keras.regularizers.L2
assert dense["none"].get_layer("hidden").kernel.shape == (14 * 6, 64)

# %% [markdown]
# $84 \cdot 64 = 5376$, as a *kernel* of shape (inputs, units): the transpose of PyTorch's weights. The biases are not
# covered; they would have their own `bias_regularizer`.
#
# **Question.** Keras reports two numbers for validation, `val_loss` and `val_mse`, although the loss *is* the mean squared
# error. When will they differ?

# %%
histories = {}
for name, model in dense.items():
    data = {"validation_data": tuple(weather.validation), "batch_size": 64}
    histories[name] = model.fit(*weather.train, epochs=6, verbose=0, **data).history
    last = {key: values[-1] for key, values in histories[name].items()}
    print(f"{name:<9} val_loss {last['val_loss']:.3f}   val_mse {last['val_mse']:.3f}")
assert histories["L1(0.01)"]["val_loss"][-1] > 2 * histories["L1(0.01)"]["val_mse"][-1]

# %% [markdown]
# With a regularizer they differ. The question is by how much.
#
# **Question.** Is it the penalty at the end of training? Keras keeps each layer's penalty in `model.losses`.

# %%
for name, model in dense.items():
    penalty = float(sum(loss.detach() for loss in model.losses))
    difference = histories[name]["val_loss"][-1] - histories[name]["val_mse"][-1]
    print(f"{name:<9} penalty {penalty:.4f}   val_loss - val_mse {difference:.4f}")
    assert abs(penalty - difference) < 1e-4

# %% [markdown]
# It is. In Keras **the validation loss contains the penalty**; `labcode`'s `validation_loss` and PyTorch programs, as most
# people write them, do not. So two strengths must never be compared by `val_loss`: the stronger one pays more for the
# same weights. Ask for the metric and compare that, and let early stopping monitor it.
#
# Now the equality. With $\lambda_1 = 0.01$ and $\lambda_2 = 0.02$,
#
# $$ \text{L1}(0.01) = \lambda_1 \sum |w|, \qquad \text{L2}(0.01) = 0.01 \sum w^2 = \frac{\lambda_2}{2} \sum w^2 . $$
#
# **Question.** Why is $\lambda_2$ twice the number in Keras's `L2`?

# %%
import numpy as np
import torch

from labcode.penalties import l1_penalty, l1_penalty_torch, l2_penalty, l2_penalty_torch

TWINS = {
    "L1(0.01)": (l1_penalty, l1_penalty_torch, 0.01),
    "L2(0.01)": (l2_penalty, l2_penalty_torch, 2 * 0.01),
}
# %% [markdown]
# Because of the ½ that the article's L2 has and Keras's has not.
#
# **Question.** To how many digits do Keras, PyTorch and NumPy agree, in the value and in the gradient?

# %%
for name, (in_numpy, in_torch, lam) in TWINS.items():
    w = dense[name].get_layer("hidden").kernel.value
    theirs, ours = regularizers[name](w), in_torch(w, lam)
    grad, our_grad = (torch.autograd.grad(penalty, w)[0] for penalty in (theirs, ours))
    print(f"{name}: {theirs.item():.6f}, {ours.item():.6f}, {in_numpy(w.detach().double().numpy(), lam):.6f}")
    print(f"    gradients differ by at most {(grad - our_grad).abs().max().item():.0e}")
    torch.testing.assert_close(theirs, ours, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(grad, our_grad, rtol=1e-6, atol=1e-6)

# %% [markdown]
# Values and gradients agree to $10^{-6}$. Keras's gradient is $2 \cdot 0.01\, w$. Who copies "L2, 0.01" into a
# program with ½, or into PyTorch's `weight_decay`, regularizes half as much.

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
layer = keras.layers.LSTM(
    16, kernel_regularizer=L1(1e-3), recurrent_regularizer=L2(5e-3), bias_regularizer=L2(1e-3)
)
layer.build((None, 14, 6))
lstm, regularization = from_keras(layer)
# %% [markdown]
# The L1 will not. The settings that came back:
#
# **Question.** Which functions of `labcode` do you expect, with which strengths?

# %%
for target, penalty in regularization.penalties.items():
    strengths = {name: round(value, 6) for name, value in penalty.keywords.items()}
    print(f"{target:<10} {penalty.func.__name__:<18} {strengths}")
assert regularization.penalties["recurrent"].keywords["lam"] == 2 * 5e-3

# %% [markdown]
# The two L2s are doubled. Now each price by itself, with its gradient.
#
# **Question.** What has to be done to our gradient before it can be compared with Keras's?

# %%
from labcode.penalties import target_arrays

named = dict(lstm.named_parameters())
pairs = zip(regularization.penalties.items(), layer.losses, layer.weights, strict=True)
for (target, penalty), theirs, variable in pairs:
    w = target_arrays(named, target)["_l0"]
    grad, our_grad = torch.autograd.grad(theirs, variable.value)[0], torch.autograd.grad(penalty(w), w)[0]
    print(f"{target:<10} Keras {theirs.item():.6f}   labcode {penalty(w).item():.6f}")
    torch.testing.assert_close(theirs, penalty(w), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(grad, our_grad.T if w.ndim == 2 else our_grad, rtol=1e-6, atol=1e-6)

# %% [markdown]
# It has to be transposed. The bias pays already: Keras starts the forget gate's bias at 1. It also has one bias where PyTorch
# has two, $b_{ih}$ and $b_{hh}$, so `from_keras` puts it into the first and freezes the second at zero.
#
# **Question.** Equal penalties and gradients: are ten steps of training equal, too? What could still differ?

# %%
x, y = (torch.from_numpy(array[:320].copy()) for array in weather.train)
batches = list(zip(x.split(32), y.split(32), strict=True))
# %% [markdown]
# The order of the batches could: both get these ten. So could the optimizer, which is plain descent with momentum for both.
#
# **Question.** Which parts of the model does `from_keras` not know?

# %%
head = keras.layers.Dense(1)
network = keras.Sequential([keras.Input((14, 6)), layer, head])
network.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), loss="mse")
# %% [markdown]
# The dense layer at the end, whose weights we copy by hand.
#
# **Question.** Why the transpose?

# %%
our_head = torch.nn.Linear(16, 1)
kernel, bias = head.get_weights()
our_head.load_state_dict({"weight": torch.from_numpy(kernel.T), "bias": torch.from_numpy(bias)})
parameters = [w for w in (*lstm.parameters(), *our_head.parameters()) if w.requires_grad]
optimizer = torch.optim.SGD(parameters, lr=0.1, momentum=0.9)

# %% [markdown]
# A kernel is (inputs, outputs), PyTorch's weight (outputs, inputs). Now the ten steps.
#
# **Question.** Find the line in which the penalty enters. Where is it in the Keras program?

# %%
for x, y in batches:
    theirs = float(network.train_on_batch(x, y))
    loss = torch.nn.functional.mse_loss(our_head(lstm(x)[0][:, -1]), y) + regularization.penalty(lstm)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    assert abs(theirs - loss.item()) < 1e-5

# %% [markdown]
# In PyTorch you add it to the loss, and where you forget it nothing complains. In Keras it belongs to the layer, and
# `train_on_batch` collects it.
#
# **Question.** The losses agreed at each step. And the weights after ten?

# %%
trained, _ = from_keras(layer)
errors = [(a - b).abs().max().item() for a, b in zip(trained.parameters(), lstm.parameters(), strict=True)]
print(f"loss at the tenth step: Keras {theirs:.6f}, labcode {loss.item():.6f}")
print(f"weights after it differ by at most {max(errors):.0e}")
assert max(errors) < 1e-5

# %% [markdown]
# Equal to $10^{-5}$ in float32, all weights of the LSTM after ten steps.

# %% [markdown]
# ### Limits instead of prices
#
# `kernel_constraint` and its two siblings take a projection, which Keras applies after every step of the optimizer.
#
# **Question.** A kernel is (inputs, 4H). `MaxNorm` has `axis=0` by default. Whose weights form one vector?

# %%
keras.utils.set_random_seed(2)
limits = {
    "kernel_constraint": keras.constraints.MaxNorm(0.5),
    "recurrent_constraint": keras.constraints.UnitNorm(),
}
limited = keras.layers.LSTM(16, **limits)
network = keras.Sequential([keras.Input((14, 6)), limited, keras.layers.Dense(1)])
network.compile(optimizer=keras.optimizers.SGD(0.5), loss="mse")
_ = network.train_on_batch(*batches[0])

# %% [markdown]
# Each of the 6 numbers would be a vector of 64 entries with one axis, each of the 64 gates a vector of 6 with the other.
#
# **Question.** Look at the lengths after one step, in our layout, row by row. Which reading was right?

# %%
ours, _ = from_keras(limited)
print("W, longest vector:", ours.weight_ih_l0.norm(dim=1).max().item())
print("U, all vectors:   ", ours.weight_hh_l0.norm(dim=1).unique().tolist()[:1])
assert ours.weight_ih_l0.norm(dim=1).max() < 0.5 + 1e-5
torch.testing.assert_close(ours.weight_hh_l0.norm(dim=1), torch.ones(64), rtol=0, atol=1e-5)

# %% [markdown]
# One vector is what enters *one gate of one unit*: a column of Keras's kernel, a row of ours. `labcode` calls it `"row"`.
#
# **Question.** Do both libraries project to the same point? And what would `axis=1` limit?

# %%
from labcode.constraints import max_norm, max_norm_torch

kernel = np.random.default_rng(0).normal(size=(6, 64)).astype("float32")
for axis, vectors in ((0, "row"), (1, 0), ([0, 1], "matrix")):
    theirs = keras.ops.convert_to_numpy(keras.constraints.MaxNorm(0.5, axis=axis)(kernel))
    ours = max_norm(kernel.T, 0.5, vectors).T
    twin = max_norm_torch(torch.from_numpy(kernel.T.copy()), 0.5, vectors).T.numpy()
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-6)
    np.testing.assert_allclose(twin, ours, rtol=0, atol=1e-6)
    print(
        f"Keras axis={axis!s:<6} is labcode {vectors!r:<8} length of column 0: {np.linalg.norm(theirs[:, 0]):.3f}"
    )

# %% [markdown]
# The same points to $10^{-6}$ (Keras divides by $10^{-7}$ + norm, chapter 3). With `axis=1` one vector is what *one input*
# sends to all gates: a limit on inputs, not on units. Moving to PyTorch, the axis moves, since the matrix is transposed.
#
# **Question.** And `UnitNorm`, which the recurrent kernel had? Which of the vectors does it leave alone?

# %%
from labcode.constraints import unit_norm, unit_norm_torch

theirs = keras.ops.convert_to_numpy(keras.constraints.UnitNorm()(kernel))
twin = unit_norm_torch(torch.from_numpy(kernel.T.copy()), "row").T.numpy()
np.testing.assert_allclose(theirs, unit_norm(kernel.T, "row").T, rtol=0, atol=1e-6)
np.testing.assert_allclose(theirs, twin, rtol=0, atol=1e-6)
print(
    "lengths before:", *(f"{length:.2f}" for length in np.linalg.norm(kernel, axis=0)[:4]), "… and after: 1"
)

# %% [markdown]
# None, unless its length is 1 already: it stretches the short ones, too, where a limit lets them be.

# %% [markdown]
# ## 5.2 Dropout in Keras
#
# The article's second fragment is an LSTM of 64 units that returns its output at every step, and a `Dropout(0.2)` on it. It
# needs something that reads the whole sequence: a second LSTM, and an output.
#
# **Question.** `Dropout` sees (sequences, steps, units). Is one unit dropped at all steps, or anew at each?

# %%
keras.utils.set_random_seed(0)
stacked = keras.Sequential(
    [
        keras.Input((14, 6)),
        keras.layers.LSTM(64, return_sequences=True),
        keras.layers.Dropout(0.2),
        keras.layers.LSTM(16),
        keras.layers.Dense(1),
    ]
)
# %% [markdown]
# The shape does not tell. First the training.
#
# **Question.** Will eight epochs be enough to beat persistence?

# %%
stacked.compile(optimizer=keras.optimizers.Adam(3e-3), loss="mse")
history = stacked.fit(*weather.train, epochs=8, verbose=0, **data).history
print("validation:", np.round(history["val_loss"], 3).tolist(), f"(persistence {persistence:.3f})")
assert min(history["val_loss"]) < persistence

# %% [markdown]
# It trains and beats persistence. Now the mask. Dropout of ones shows it.
#
# **Question.** Keras has a second layer, `SpatialDropout1D`. Look at both masks: which of them has an effect that later steps
# cannot repair?

# %%
from labcode import plots


def dropout_layers():
    """The two layers, with the same seed each time, so that they draw the same masks again."""
    kinds = keras.layers.Dropout, keras.layers.SpatialDropout1D
    return {kind.__name__: kind(0.2, seed=4) for kind in kinds}


ones = torch.ones(4, 14, 16)
masks = {name: layer(ones, training=True) for name, layer in dropout_layers().items()}
_ = plots.mask_panels({name: mask[0].numpy() for name, mask in masks.items()})

# %% [markdown]
# On the right the holes are stripes.
#
# **Question.** How does one say that in code?

# %%
spatial = masks["SpatialDropout1D"]
assert bool((spatial == spatial[:, :1]).all())
assert not bool((masks["Dropout"] == masks["Dropout"][:, :1]).all())

# %% [markdown]
# `SpatialDropout1D`: a unit it drops is gone for the whole sequence. It is what `labcode` and the AWD-LSTM paper call *locked*
# dropout. The article's `Dropout` draws anew at each step, and the next LSTM sees the unit again a step later.
#
# **Question.** Given these masks, which calls of `labcode` give the same outputs?

# %%
from labcode.dropout import dropout_torch, locked_dropout_torch

output = torch.randn(4, 14, 16, generator=torch.Generator().manual_seed(0))
theirs = {name: layer(output, training=True) for name, layer in dropout_layers().items()}
torch.testing.assert_close(theirs["Dropout"], dropout_torch(output, masks["Dropout"]))
torch.testing.assert_close(theirs["SpatialDropout1D"], locked_dropout_torch(output, spatial[:, 0]))
print("values in the masks:", sorted({round(v, 4) for v in spatial.unique().tolist()}))

# %% [markdown]
# `dropout_torch` and `locked_dropout_torch`. The masks hold 0 and $1/(1-0.2) = 1.25$: Keras drops inverted, like this course.

# %% [markdown]
# ### Inside the LSTM
#
# `dropout=` masks what the gates read of $x$, `recurrent_dropout=` what they read of $h$. Keras draws both once for each
# sequence and keeps them for all steps. `keras_masks` reads the masks of a layer's next call, so that `labcode` can use them.
#
# **Question.** Do the four gates share one mask on $h$?

# %%
from labcode.keras_interop import keras_masks

dropping = keras.layers.LSTM(16, dropout=0.2, recurrent_dropout=0.3, seed=4)
dropping.build((None, 14, 6))
x = batches[0][0]
masks = keras_masks(dropping, x)
print({name: tuple(mask.shape) for name, mask in masks.items()})
gates_differ = bool((masks["h_l0"][0] != masks["h_l0"][1]).any())
print("the gates' masks differ:", gates_differ)
assert gates_differ

# %% [markdown]
# They do not: each has a mask of its own, on $x$ as well, (gates, sequences, 1, features). This is `tied=False` here; `labcode`'s
# default, as in the paper of Gal and Ghahramani, is one mask that the four gates share.
#
# **Question.** With the same weights and these masks, do both LSTMs put out the same? And in evaluation?

# %%
twin, _ = from_keras(dropping)
in_training, in_evaluation = dropping(x, training=True), dropping(x, training=False)
ours_in_training = twin(x, masks=masks)[0][:, -1]
ours_in_evaluation = twin.eval()(x)[0][:, -1]
torch.testing.assert_close(in_training, ours_in_training, rtol=0, atol=1e-6)
torch.testing.assert_close(in_evaluation, ours_in_evaluation, rtol=0, atol=1e-6)
print(f"largest difference {(in_training - ours_in_training).abs().max().item():.0e} in training")

# %% [markdown]
# Yes, both.
#
# **Question.** Three ways to get a forecast from a Keras model with dropout. Which of them are random: `model(x)`,
# `model(x, training=True)`, `model.predict(x)`?

# %%
network = keras.Sequential([keras.Input((14, 6)), dropping, keras.layers.Dense(1)])
calls = {
    "model(x)": lambda: network(x),
    "model(x, training=True)": lambda: network(x, training=True),
    "model.predict(x)": lambda: torch.from_numpy(network.predict(x, verbose=0)),
}

# %% [markdown]
# Write down your answer first.
#
# **Question.** Call each twice. Which pairs differ?

# %%
is_random = {name: not torch.equal(call(), call()) for name, call in calls.items()}
print(is_random)
assert list(is_random.values()) == [False, True, False]
torch.testing.assert_close(calls["model(x)"](), calls["model.predict(x)"](), rtol=0, atol=1e-6)

# %% [markdown]
# Only the one that asks for it. A Keras model is in evaluation unless told otherwise; a PyTorch module is in *training* until
# `eval()` is called. The same forgotten line has opposite effects.

# %% [markdown]
# ### Early stopping
#
# `EarlyStopping` with `restore_best_weights=True` watches one number of the history. We let a dense model overfit.
#
# **Question.** `patience=3`, and epochs count from 0. If the best epoch is $k$, which is the last one that runs?

# %%
model = dense_model()
model.optimizer.learning_rate = 1e-2
stopper = keras.callbacks.EarlyStopping(monitor="val_mse", mode="min", patience=3, restore_best_weights=True)
run = model.fit(*weather.train, epochs=40, verbose=0, callbacks=[stopper], **data)

# %% [markdown]
# `fit` returns the history of what ran.
#
# **Question.** Check your answer on it.

# %%
trace = [float(loss) for loss in run.history["val_mse"]]
print(np.round(trace, 3).tolist())
print("last epoch", stopper.stopped_epoch, "best epoch", stopper.best_epoch)
assert stopper.stopped_epoch == stopper.best_epoch + 3 == len(trace) - 1

# %% [markdown]
# Epoch $k + 3$. Now `labcode`'s rule on the same trace; and the weights: they should be those of the best epoch.
#
# **Question.** How can you tell from outside which weights a model holds?

# %%
from labcode.early_stopping import EarlyStopping

rule = EarlyStopping(patience=3)
stopped = next(epoch for epoch, loss in enumerate(trace) if rule.update(epoch, loss))
held = model.evaluate(*weather.validation, verbose=0, return_dict=True)["mse"]
print(
    f"labcode: last {stopped}, best {rule.best_epoch}.   The model's loss now: {held:.6f}, best {min(trace):.6f}"
)
assert (stopped, rule.best_epoch) == (stopper.stopped_epoch, stopper.best_epoch)
assert abs(held - min(trace)) < 1e-5

# %% [markdown]
# By its loss, here on the validation year. Both rules agree.
#
# **Question.** The best epoch is a star. What would the model's loss be without `restore_best_weights`?

# %%
_ = plots.stopped_trace(trace, stop=stopped, kept=rule.best_epoch, unit="mean squared error, validation")

# %% [markdown]
# That of the last point. `restore_best_weights` is *off* by default: then the model is that of the epoch that was bad enough to
# stop.

# %% [markdown]
# ### One word, four libraries
#
# Most mistakes in moving a regularized model come from a word that means something else. The table below is not typed in:
# `labcode.libraries.conventions` asks each library by running it (two values of a penalty, a projection of a constant matrix, an
# optimizer against shrinking by hand, layers of ones, a kernel that is watched). TensorFlow's column was asked in the same way where TensorFlow is
# installed, by `python evidence/05_conventions.py`.
#
# **Question.** Before you look: in which optimizers of Keras does `weight_decay` join the gradient, as in PyTorch's `Adam`?

# %%
from labcode.experiments import load_result
from labcode.libraries.conventions import (
    QUESTIONS,
    keras_answers,
    labcode_answers,
    torch_answers,
)

recorded = load_result("05_conventions")
answers = {
    "Keras on PyTorch": keras_answers(keras),
    f"tf.keras, TensorFlow {recorded['versions']['tensorflow']}": recorded["answers"],
    "PyTorch": torch_answers(),
    "labcode": labcode_answers(),
}

# %% [markdown]
# Four dictionaries of answers, with the same keys.
#
# **Question.** The first row: by which factor do the strengths differ?

# %%
for key, question in QUESTIONS.items():
    print(question)
    for library, answer in answers.items():
        print(f"    {library:<28} {answer[key]}")

# %% [markdown]
# By 2. And of the optimizers of Keras, in none: every one of them shrinks the weights beside the gradient, as AdamW does.
# `Adam(weight_decay=0.01)` is two different algorithms in Keras and PyTorch. (And it shrinks the biases, too; Keras has
# `exclude_from_weight_decay` for that.)
#
# **Question.** Read the rest of the table as a list of traps. Which five would you have walked into?

# %%
theirs, tensorflow, pytorch, ours = answers.values()
differs = [QUESTIONS[key] for key in QUESTIONS if theirs[key] != tensorflow[key]]
print("Keras on PyTorch and tf.keras differ in one answer:", differs)
assert differs == [QUESTIONS["precision"]]
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
# - **Factor 2**: the same number is twice as strong in Keras's `L2`.
# - **One bias or two**: a penalty on "the bias" is on a sum in PyTorch.
# - **`nn.LSTM(dropout=)`** does nothing in one layer; in Keras `dropout=` masks the input.
# - **Recurrent dropout** does not exist in `nn.LSTM`; Keras's has a mask for each gate.
# - **The fused kernel** (cuDNN on a GPU): Keras leaves it for a loop in Python as soon as `recurrent_dropout` is not 0 (and for
#   three settings that have nothing to do with regularization). `labcode` keeps it where the batch shares a mask,
#   `share_mask="batch"`: then the mask is one on the columns of $U$.
# - **The backend** shows in one row: on PyTorch a float64 layer of Keras multiplies its matrices in float32. Who compares
#   two libraries to ten digits there compares rounding.

# %% [markdown]
# ## What to remember
#
# - A fragment of two lines hides the choices: what is penalized, by which factor, what is compared.
# - Keras's `val_loss` contains the penalty. Compare and monitor a metric.
# - `L2(x)` is $\lambda = 2x$. Kernels are transposed, so axes swap.
# - `Dropout` after an LSTM draws anew at each step, `SpatialDropout1D` once for a sequence; `recurrent_dropout` once for a
#   sequence and gate.
# - Two libraries agree when penalty, gradient, masked output and ten steps do. That takes one cell each.

# %% [markdown]
# ## Quiz
#
# **1.** A paper used Keras's `L2(5e-4)`. Which `lam` is it in this course, which `weight_decay` in PyTorch's `SGD`?
#
# <details><summary>Answer</summary>
#
# 1e-3 for both: the gradient is $2 \cdot 5\cdot10^{-4} w$. (But `weight_decay` covers every parameter in its group, biases
# included; give it a group of the kernels.)
# </details>
#
# **2.** You raise the strength and `val_loss` rises. Is the model worse?
#
# <details><summary>Answer</summary>
#
# Not necessarily: `val_loss` contains the penalty. Compare `val_mse`.
# </details>
#
# **3.** The article's `Dropout(0.2)` after the LSTM: is it what the recurrent dropout papers mean?
#
# <details><summary>Answer</summary>
#
# No. It masks what leaves the LSTM, anew at each step, and touches nothing inside it. `recurrent_dropout=` masks what the
# gates read of $h$.
# </details>
#
# **4.** A colleague's PyTorch model forecasts something else at each call. What did they forget, and why does it not happen in
# Keras?
#
# <details><summary>Answer</summary>
#
# `model.eval()`. A Keras model is called in evaluation unless `training=True` is passed.
# </details>
#
# **5.** `MaxNorm(2)` on a Dense kernel in Keras. Along which dimension do you norm `linear.weight` in PyTorch?
#
# <details><summary>Answer</summary>
#
# Along dimension 1, each row: the kernel's axis 0 (its inputs) is the second axis of the transposed matrix.
# </details>

# %% [markdown]
# **Next:** a whole project, from data to a model card, in [part 2](../notebooks/05_3_project.ipynb). The exercise of this chapter,
# [translate and repair](../exercises/ex05_practice.ipynb), can be done now or after it.
