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

from labcode.applications.task_baselines import BASELINES
from labcode.data import speech

digits = speech.load()
print(digits.describe())

# %% [markdown]
# Parts are drawn by recording, and the data do not say who speaks: the same six voices are in all parts. So the test says how
# well *new recordings of known voices* are understood. New voices would be harder, and nothing here measures how much.
#
# **Question.** Three recordings of each of two digits. Can you tell the digits apart by eye?

# %%
from labcode import plots

known, shown = digits.train, {}
for digit in (6, 9):
    for number, at in enumerate(np.flatnonzero(known.y == digit)[:3], 1):
        shown[f"{digits.classes[digit]}, {number}"] = known.x[at][known.padding_mask[at]]
_ = plots.feature_frames(shown, feature="MFCC")

# %% [markdown]
# Each panel is one recording, time to the right, coefficients upwards; the lowest row is the loudness. Recordings of one digit differ in
# length, in voice and in level, hardly less than recordings of two digits do. Some 30 examples of each are all that the
# model gets to find out what matters.

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

rules = {name: rule(digits, "validation") for name, rule in BASELINES["speech"].items()}
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
# One LSTM as `evidence/speech.toml` declares it, 64 units and 40 epochs, without any regularizer: the experiments' own run with
# seed 0.
#
# **Question.** 300 recordings, more than 20,000 weights. How far will the training loss fall?

# %%
from labcode.experiments.declaration import EVIDENCE, read_declaration
from labcode.experiments.runs import make_run, train

declared = read_declaration(EVIDENCE / "speech.toml")
model, plain = train(make_run(declared, {}, seed=0))
weights = sum(w.numel() for w in model.parameters())
print(f"{weights} weights; training accuracy {plain.train_accuracy[-1]:.3f}")
assert weights > 20_000
assert plain.train_accuracy[-1] > 0.98

# %% [markdown]
# (Nearly) to nothing: the training recordings are known by heart.
#
# **Question.** Below is the loss. If it rises after its lowest point, must the accuracy fall?

# %%
_ = plots.learning_curves(
    plain.train_loss,
    plain.validation_loss,
    baseline=float(item_losses("classification", linear, right).mean()),
    baseline_label="logistic regression on means",
    unit="cross-entropy",
)

# %% [markdown]
# The loss has a valley and climbs out of it. Accuracy counts only which digit is named; the loss also asks how sure the model
# was.
#
# **Question.** From the best epoch to the last, by how much does each of the two get worse?

# %%
best = int(np.argmin(plain.validation_loss))
for name in ("validation_loss", "validation_accuracy"):
    values = getattr(plain, name)
    print(f"{name:<20} {values[best]:.3f} at epoch {best}, {values[-1]:.3f} at the end")
assert plain.validation_loss[-1] > 1.15 * plain.validation_loss[best]
assert plain.validation_accuracy[-1] > 0.93 * plain.validation_accuracy[best]

# %% [markdown]
# The loss rises by a good part of its value, the accuracy loses two or three points in a hundred. So most decisions stay as they are; what gets
# worse is how sure the model is where it errs. Whoever needs only the digit sees little overfitting; whoever needs the probability (to
# ask back when unsure) sees much. Both are recorded in what follows.

# %% [markdown]
# ### What helps, and how much
#
# `python course.py evidence speech` has trained twelve methods and two combinations, by the protocol of part 1. First how the curves
# change: choose a method and a strength.
#
# **Question.** For which methods does the validation loss stop climbing? What do they do to the training loss?

# %%
from labcode.experiments import load_result
from labcode.experiments.result_tables import sweep
from labcode.widgets import MethodExplorer

result = load_result("speech")
sweeps = {method: sweep(result, method) for method in result["declaration"]["methods"]}
none = sweep(result, "none")[0.0]
MethodExplorer(sweeps, none, unit="cross-entropy").widget()

# %% [markdown]
# The same as a still picture, for zoneout at 0.8.
#
# **Question.** Which strengths are too weak to change anything, and which too strong?

# %%
method, strength = "zoneout", 0.8
_ = plots.strength_sweep(sweeps[method], none, strength, name=method.replace("_", " "), unit="cross-entropy")

# %% [markdown]
# Zoneout keeps single units of h and c as they were at the step before. With 0.8 the training loss falls more slowly, and the validation loss
# goes lower and stays there: the climb at the end is gone. Beyond that, at 0.9, the model learns too slowly for 40 epochs. L1 and
# L2 in the menu show another picture: whatever their strength, the valley does not get deeper.
#
# Now the test recordings, with every method at the strength that validation data chose. Left: against no regularization to the last
# epoch. Right: against stopping early, which costs nothing.
#
# **Question.** Which panel will have more filled markers left of 0?

# %%
from labcode.experiments.result_tables import confirmed, differences, outcomes

effects = differences(result)
_ = plots.effect_forest(effects, unit="cross-entropy")
clear = {variant: outcomes(effects[f"none_{variant}"], variant)["lower"] for variant in ("last", "early")}
print(clear)
noise = {"zoneout", "recurrent_dropout_h", "input_dropout", "recurrent_dropout_g", "plain_and_recurrent"}
assert set(clear["last"]) == noise
assert clear["early"] == ["zoneout", "recurrent_dropout_h"]

# %% [markdown]
# To the last epoch five are clear, and all five put noise into what the LSTM reads or remembers: zoneout, recurrent dropout
# (on h and on the candidate g), dropout on the inputs, and recurrent together with plain dropout. Against stopping early zoneout and
# recurrent dropout on h remain. What the article recommends by name, L1, L2 and plain dropout, is among the unclear
# ones; all five have means at or above 0 when they stop early, weight decay aside.
#
# **Question.** How large are the two effects, as a share of the loss?

# %%
losses = result["summary"]["methods"]
for name in ("zoneout", "recurrent_dropout_h", "output_dropout", "l2"):
    effect = effects["none_early"][name]["early"]
    share = effect["mean"] / losses["none"]["early"]["test"]["loss"]["mean"]
    low, high = effect["interval"]
    print(f"{name:<20} {effect['mean']:+.3f} [{low:+.3f}, {high:+.3f}], {share:+.0%} of the loss")
assert (
    effects["none_early"]["zoneout"]["early"]["mean"] < -0.2 * losses["none"]["early"]["test"]["loss"]["mean"]
)
assert all(effects["none_early"][name]["early"]["mean"] > 0 for name in ("l1", "l2", "output_dropout"))

# %% [markdown]
# About a quarter of the loss. For plain dropout and L2 nothing is shown, neither help nor harm. L2 is a special case: with early stopping the
# weakest strength of the grid was the best on validation data, so what was tested is hardly any L2 at all.
#
# **Question.** And the decisions? The same figure for the error rate.

# %%
errors = differences(result, measure="error")
_ = plots.effect_forest(errors, unit="error rate")
for variant in ("last", "early"):
    found = outcomes(errors[f"none_{variant}"], variant)
    print(f"{variant}: clearly fewer errors {found['lower']}, clearly more {found['higher']}")
stopped = losses["none"]["early"]["against"]["none_last"]["error"]
print(
    f"stopping early by itself: {stopped['mean']:+.3f} {stopped['interval']}, Holm's p {stopped['p_holm']:.2f}"
)
assert outcomes(errors["none_early"], "early")["lower"] == ["zoneout", "recurrent_dropout_h"]
assert outcomes(errors["none_last"], "last") | {"unclear": 0} == {
    "lower": ["recurrent_dropout_h"],
    "higher": ["l1_proximal"],
    "unclear": 0,
}

# %% [markdown]
# Of decisions less is sure. Recurrent dropout on h makes clearly fewer errors in both cases, zoneout with early stopping; L1 with exact zeros,
# trained to the end, makes clearly more. And stopping early by itself may cost decisions: its mean is one error in a hundred *more* than at the last epoch,
# though after Holm's correction that is not sure. It stops by the loss, and the loss begins to rise while decisions still
# improve a little.
#
# **Question.** Where do all these stand beside the linear classifier, which knows nothing of order?

# %%
from labcode.experiments.result_tables import baselines, by_seed

rates = by_seed(result, "early", measure="error")
simple = baselines(result, measure="error")
shown = {name: value for name, value in simple.items() if "logistic" in name}
_ = plots.losses_beside_rules(rates, shown, unit="error rate on 1,200 test recordings, early stopping")
print({name: round(value, 3) for name, value in simple.items()})

# %% [markdown]
# The linear classifier errs on 13 of 100 recordings, an LSTM without regularization on 10 or 11, zoneout on 8. So the order of the frames
# is worth something, and half of what it is worth came only with a regularizer.
#
# ### Other data of the same kind
#
# Does it hold elsewhere? The Japanese vowels: nine men say /ae/, and the question is who. 150 recordings to learn from, 370 to test.
# Strengths stay as chosen on the digits.
#
# **Question.** Which methods will keep their sign, and which will lose it?

# %%
vowels = differences(result, where="confirmation")
_ = plots.effect_forest(vowels, unit="cross-entropy")
both = {variant: confirmed(result, variant)["lower"] for variant in ("last", "early")}
print("clearly lower on digits and vowels:", both)
assert both["early"] == ["recurrent_dropout_h"]
assert set(both["last"]) == noise - {"zoneout"}

# %% [markdown]
# Recurrent dropout on h is the only one that is clear in both, against both references. Zoneout, the winner on digits, is unclear on the
# vowels; weight drop and max-norm, unclear on digits, are clear there. Trained to the last epoch even L1 and L2 are clear on the vowels, and
# were not on the digits. Two tasks of one kind, two lists.
#
# **Question.** One comparison is still missing. How many vowels does the linear classifier get wrong?

# %%
rule = baselines(result, measure="error", where="confirmation")["logistic regression on means"]
rates = by_seed(result, "early", measure="error", where="confirmation")
best = min(rates, key=lambda name: rates[name].mean())
print(
    f"linear {rule:.3f}, LSTM without {rates['none'].mean():.3f}, lowest of all methods {rates[best].mean():.3f}"
)
assert rule < rates[best].mean() < rates["none"].mean()

# %% [markdown]
# Fewer than any LSTM, with any method. Who speaks is in the *means* of the frames, and their order adds little: a
# regularized LSTM is a better LSTM, and may still be the wrong model.
#
#
# ### What it costs
#
# **Question.** Which methods need a mask at every step, or a matrix product more, and so a slower loop?

# %%
from labcode.experiments.result_tables import relative_seconds

costs = relative_seconds(result)
_ = plots.training_costs(costs)
assert 1.2 < costs["recurrent_dropout_h"][0] < costs["zoneout"][0]

# %% [markdown]
# Those that need a mask at each step: zoneout takes about 2.3 times as long as an LSTM without, recurrent dropout about 1.7 times. Some bars are wide
# because the machine had other work at times. Penalties and limits cost next to nothing.

# %% [markdown]
# ### Predictions to look at
#
# One model to look at, made here: the method that early stopping kept with the lowest mean validation loss, at its chosen strength, seed 0.
# Rows of the matrix are the digits that were spoken, columns what they were taken for.
#
# **Question.** Which two digits would you confuse over a bad line?

# %%
from labcode.applications.metrics import confusion_matrix, macro_f1
from labcode.experiments.tasks import model_outputs

kept = {
    name: min(x for x in one["early"]["validation"].values() if x) for name, one in result["chosen"].items()
}
winner = min((name for name in kept if name != "none"), key=kept.get)
chosen = result["chosen"][winner]["early"]["methods"]
better, stopped = train(make_run(declared, chosen, seed=0, early=True))
print(f"{winner}, {chosen}")

# %% [markdown]
# **Question.** The diagonal holds what was right. Where are the two largest numbers off it?

# %%
outputs = model_outputs(better, digits, "test")
taken, spoken = outputs.argmax(axis=1), digits.test.y
counts = confusion_matrix(taken, spoken, 10)
_ = plots.confusion(counts, digits.classes)

# %% [markdown]
# **Question.** In words: which three pairs hold most of the mistakes? And how do accuracy and macro F1 compare?

# %%
off = counts - np.diag(counts.diagonal())
pairs = [np.unravel_index(at, off.shape) for at in np.argsort(off, axis=None)[::-1][:3]]
for digit, other in pairs:
    print(
        f"{digits.classes[digit]} taken for {digits.classes[other]}: {off[digit, other]} of {counts[digit].sum()}"
    )
print(f"accuracy {accuracy(outputs, spoken):.3f}, macro F1 {macro_f1(taken, spoken, 10):.3f}")
assert accuracy(outputs, spoken) > 0.88
assert abs(accuracy(outputs, spoken) - macro_f1(taken, spoken, 10)) < 0.02

# %% [markdown]
# Mistakes are not spread evenly: a few pairs hold a large part of them. Accuracy and macro F1 are nearly the same, because all
# digits are about equally frequent; with a rare digit they would part.
#
# **Question.** Below: the mistake of which the model was surest, between a typical recording of the digit that was said and one of the
# digit that it was taken for. Whose fault is it?

# %%
sure = outputs.max(axis=1) - np.take_along_axis(outputs, spoken[:, None], axis=1)[:, 0]
worst = int(np.argmax(sure))
names = [digits.classes[d] for d in (spoken[worst], taken[worst])]
looks = {f"said {names[0]}, heard {names[1]}": worst}
for digit, name in zip((spoken[worst], taken[worst]), names, strict=True):
    alike = np.flatnonzero((spoken == digit) & (taken == digit))
    looks[f"a usual {name}"] = alike[np.argsort(outputs[alike].max(axis=1))[len(alike) // 2]]
_ = plots.feature_frames(
    {name: digits.test.x[at][digits.test.padding_mask[at]] for name, at in looks.items()}, feature="MFCC"
)

# %% [markdown]
# Judge for yourself. The pictures of the two usual ones are not far apart, and the one in question shares something with both. What is wrong
# is less the decision than how sure it was; such cases are what makes a loss large while the error rate stays small.
#
# ### The article's claim, and what we found
#
# > Regularization makes LSTMs for speech recognition generalize better. (Our words for the first point of section 6.)
#
# **Question.** What would you write under it?

# %%
for where, found in {"digits": effects, "vowels": vowels}.items():
    for variant in ("last", "early"):
        lower = outcomes(found[f"none_{variant}"], variant)["lower"]
        print(
            f"{where}, {variant:<5}: {len(lower)} of {len(found[f'none_{variant}']) - 1} clearly better than none"
        )

# %% [markdown]
# *Some* regularization does, and not the one that the article has in mind. On digits noise inside the LSTM lowers the loss by about a
# quarter, beyond what early stopping gives; L1, L2 and plain dropout show nothing. On vowels most methods help a model that was
# trained to its end, few a model that stops early, and a linear rule beats them all. Decisions gain less than
# probabilities. Under the sentence belongs: *which* method, compared with *what*, measured *how*.

# %% [markdown]
# ## What to remember
#
# - The order of the frames is what a network adds to a linear model of their means; a recording must be worth more than its
#   averages, or the network is not.
# - Loss and error rate can disagree: late in training the model gets surer, not much worse. Say which of the two you chose by.
# - New recordings of known voices are not new voices. A test answers the question that its split asks.
# - A confusion matrix says *where* a model errs; one number says only how often.
#
# ## Quiz
#
# **1.** The validation loss rises from epoch 20 on, the accuracy hardly falls. Your application asks back when the model is unsure. Which
# epoch do you keep?
#
# <details><summary>Answer</summary>
#
# That of the lowest loss. Asking back needs probabilities that mean something, and they are what got worse.
# </details>
#
# **2.** Why does the linear classifier on means not notice when a recording is played backwards?
#
# <details><summary>Answer</summary>
#
# It sees each coefficient's mean and spread over the frames. Both stay the same whatever order the frames have.
# </details>
#
# **3.** A colleague reports 92 % on "unseen recordings" and promises 92 % for new customers. What is missing?
#
# <details><summary>Answer</summary>
#
# New customers are new voices. The split was by recording, so every voice of the test was in training. Split by speaker to answer that
# question; the data here do not name the speakers.
# </details>
#
# **4.** One digit makes up 1 % of the recordings and is never recognized. What do accuracy and macro F1 over ten digits say?
#
# <details><summary>Answer</summary>
#
# Accuracy loses 1 point at most. Macro F1 loses a tenth: one of ten classes has F1 = 0.
# </details>
#
# **Next:** [part 4](../notebooks/06_4_stocks.ipynb), where there is sometimes nothing to learn at all.
# [Exercise 6](../exercises/ex06_applications.ipynb), task 5, lets you compute macro F1 from a confusion matrix.
