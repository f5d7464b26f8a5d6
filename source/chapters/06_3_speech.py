# %% [markdown]
# # Chapter 6, part 3: Speech, which digit is spoken?
#
# *About 40 minutes. Needs: [part 1](../notebooks/06_1_text.ipynb), which shows how results of this chapter are read.*
#
# **After this chapter you can**
#
# - look at recordings as an LSTM sees them, and say what a linear model without any sense of order can do with them;
# - tell a model whose *loss* overfits from one whose *decisions* get worse;
# - read a confusion matrix, and judge which regularizer helped, by how much, at which price.

# %% [markdown]
# ## 6.3 Speech recognition
#
# The article names speech recognition among the uses of LSTMs and says that regularization makes such models generalize
# better. Our task is the smallest of its kind: which of the ten digits does somebody say? Recordings come from the Free Spoken
# Digit Dataset. A recording is a row of frames of 20 to 30 milliseconds, and a frame is thirteen numbers (MFCC): the first
# tells how loud it is, the others roughly describe the shape of its spectrum, from coarse to fine.
#
# ### The task and the data
#
# **Question.** Where could the same *voice* be on both sides of the split, and what would that mean for a test accuracy?

# %%
import numpy as np

from labcode.applications import speech

digits = speech.load()
print(digits.describe())

# %% [markdown]
# Parts are drawn by recording, and the data do not say who speaks: the same six voices are in all parts. So the test says how
# well *new recordings of known voices* are understood. New voices would be harder, and nothing here measures how much.
#
# **Question.** Three recordings of each of two digits. Can you tell the digits apart by eye? Where does each digit have its
# loud vowel?

# %%
from labcode import plots

train = digits.train
shown = {}
for digit in (6, 9):
    for number, at in enumerate(np.flatnonzero(train.y == digit)[:3], 1):
        shown[f"{digits.classes[digit]}, {number}"] = train.x[at][train.padding_mask[at]]
_ = plots.feature_frames(shown, feature="MFCC")

# %% [markdown]
# Each panel is one recording, time to the right; they have different lengths. The lowest row is the loudness. A *six* begins
# with a hiss and ends with one, with a gap before the last; *nine* is voiced from one end to the other. But recordings of one digit
# differ, too, in length and in the voice, and 30 examples of each digit are all that the model gets.

# %% [markdown]
# ### What simple rules reach
#
# Two rules without a network: always the frequencies of the training part, and a linear classifier of 26 numbers, each
# coefficient's mean and spread over the recording. The second one does not know in which order the frames came; a recording
# played backwards is the same to it.
#
# **Question.** How many of the ten digits can be recognized without any order?

# %%
from labcode.applications.metrics import accuracy, item_losses

rules = {name: rule(digits, "validation") for name, rule in speech.BASELINES.items()}
right = digits.validation.y
for name, outputs in rules.items():
    loss = item_losses("classification", outputs, right).mean()
    print(f"{name:<28} loss {loss:.3f}, accuracy {accuracy(outputs, right):.3f}")
linear = rules["logistic regression on means"]
assert 0.8 < accuracy(linear, right) < 0.95

# %% [markdown]
# Most of them. This is the bar: an LSTM, which can use the order, should do clearly better.

# %% [markdown]
# ### Does it overfit?
#
# One LSTM with 64 units, 40 epochs, nothing else. `Run` and `train` are those of the experiments, so this is exactly their run
# with seed 0.
#
# **Question.** 300 recordings, more than 20,000 weights. How far will the training loss fall?

# %%
from labcode.experiments import runs

settings = {"task": "speech", "model": (("hidden_size", 64),), "epochs": 40}
settings |= {"batch_size": 32, "learning_rate": 3e-3}
model, plain = runs.train(runs.Run(methods=(), seed=0, **settings))
weights = sum(w.numel() for w in model.parameters())
print(f"{weights} weights; training accuracy {plain.train_accuracy[-1]:.3f}")
assert plain.train_accuracy[-1] > 0.99

# %% [markdown]
# To nothing: every training recording is known by heart.
#
# **Question.** The curve below is the loss. If it rises after its lowest point, must the accuracy fall?

# %%
_ = plots.learning_curves(
    plain.train_loss,
    plain.validation_loss,
    baseline=float(item_losses("classification", linear, right).mean()),
    baseline_label="logistic regression on means",
    unit="cross-entropy",
)
