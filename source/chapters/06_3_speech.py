# %% [markdown]
# # Chapter 6, part 3: Speech, which digit is spoken?
#
# *About 50 minutes: 19 of reading, 30 of thinking and trying; the cells run in less than one. Needs:
# [part 1](06_1_text.ipynb), which shows how results of this chapter are read. This part mirrors section 6 of the article.*
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
# better. Our task is the smallest of its kind: which of the ten digits does somebody say? Recordings come from the Free
# Spoken Digit Dataset.
#
# A recording is a row of *frames* of 20 to 30 milliseconds, and a frame is thirteen numbers, called *MFCC*: the first
# tells how loud it is, the others roughly describe the shape of its spectrum, from coarse to fine.
#
# ### The task and the data
#
# **Question.** Parts are drawn by recording. Where could the same *voice* be, and what would that mean for a test accuracy?

# %%
from labcode.data import speech

digits = speech.load()
print(digits.describe())

# %% [markdown]
# In all parts: the data do not say who speaks, and the same six voices are everywhere. So the test says how well *new
# recordings of known voices* are understood. New voices would be harder, and nothing here measures how much.
#
# Three recordings of each of two digits. Can you tell the digits apart by eye?

# %%
import numpy as np

from labcode import plots

known, shown = digits.train, {}
for digit in (6, 9):
    for number, at in enumerate(np.flatnonzero(known.y == digit)[:3], 1):
        shown[f"{digits.classes[digit]}, {number}"] = known.x[at][known.padding_mask[at]]
_ = plots.feature_frames(shown, feature="MFCC")

# %% [markdown]
# Each panel is one recording, time to the right, coefficients upwards; the lowest row is the loudness. Recordings of one
# digit differ in length, in voice and in level, hardly less than recordings of two digits do. Some 30 examples of each are
# all that the model gets to find out what matters.
#
# **Try it yourself.** Put two digits into `(6, 9)` that you would confuse over a bad line, and then two that you would not.
# Which pair looks more alike? Keep the answer for the confusion matrix below.

# %% [markdown]
# ### What simple rules reach
#
# Two rules without a network: always the frequencies of the training part, and a linear classifier of 26 numbers, each
# coefficient's mean and spread over the recording (*logistic regression*). The second one does not know in which order the
# frames came; a recording played backwards is the same to it.
#
# **Question.** How many of 100 recordings can be recognized without any order?

# %%
from labcode.check import guess

no_order = guess(
    "Spoken digits: how many does a rule without order recognize?", unit="of 100"
)

# %%
from labcode.applications.metrics import accuracy, item_losses
from labcode.applications.task_baselines import BASELINES

right, rule_losses = digits.validation.y, {}
for name, rule in BASELINES["speech"].items():
    outputs = rule(digits, "validation")
    rule_losses[name] = float(item_losses("classification", outputs, right).mean())
    print(
        f"{name:<28} loss {rule_losses[name]:.3f}, accuracy {accuracy(outputs, right):.3f}"
    )
no_order.met(round(100 * accuracy(outputs, right)), within=5)

# %% tags=["guard"]
assert 0.8 < accuracy(outputs, right) < 0.95

# %% [markdown]
# Most of them. This is the bar: an LSTM, which can use the order, should do clearly better.

# %% [markdown]
# ### Does it overfit?
#
# One LSTM as `evidence/speech.toml` declares it, without any regularizer: the experiments' own run with seed 0. It has 300
# recordings to learn from.

# %%
from labcode.experiments.declaration import EVIDENCE, read_declaration
from labcode.experiments.runs import make_run, train

declared = read_declaration(EVIDENCE / "speech.toml")
model, plain = train(make_run(declared, {}, seed=0))
weights = sum(w.numel() for w in model.parameters())
print(f"{weights} weights; training accuracy {plain.train_accuracy[-1]:.3f}")

# %% tags=["guard"]
assert weights > 20_000
assert plain.train_accuracy[-1] > 0.98

# %% [markdown]
# The training recordings are known by heart, or nearly so. Below is the loss.
#
# **Question.** If the validation loss rises after its lowest point, must the accuracy fall?

# %%
rule = "logistic regression on means"
bar = {"baseline": rule_losses[rule], "baseline_label": rule}
_ = plots.learning_curves(
    plain.train_loss, plain.validation_loss, **bar, unit="cross-entropy"
)
best = int(np.argmin(plain.validation_loss))
for name in ("validation_loss", "validation_accuracy"):
    values = getattr(plain, name)
    print(f"{name:<20} {values[best]:.3f} at epoch {best}, {values[-1]:.3f} at the end")

# %% tags=["guard"]
assert plain.validation_loss[-1] > 1.05 * plain.validation_loss[best]
assert plain.validation_accuracy[-1] > 0.92 * plain.validation_accuracy[best]

# %% [markdown]
# No. The loss has a valley and climbs out of it; of the accuracy a few points in a hundred go at most. Accuracy counts only
# which digit is named; the loss also asks how sure the model was. Most decisions stay as they are, and the model gets surer
# where it errs.
#
# Whoever needs only the digit sees little overfitting; whoever needs the probability, to ask back when unsure, sees much.
# Both are recorded in what follows.

# %% [markdown]
# ### What helps, and how much
#
# `python course.py evidence speech` has trained a dozen methods and combinations, by the protocol of part 1. **Try this:**
#
# 1. Choose zoneout and move its strength up. From which strength on is the climb at the end gone?
# 2. Choose L2. Does its valley get deeper at any strength?
# 3. Find a method whose strongest setting is too strong. How do you see it in the training loss?

# %%
from labcode.experiments import load_result
from labcode.experiments.result_tables import sweep
from labcode.widgets import MethodExplorer

result = load_result("speech")
sweeps = {method: sweep(result, method) for method in result["declaration"]["methods"]}
none = sweep(result, "none")[0.0]
MethodExplorer(sweeps, none, unit="cross-entropy").widget()

# %% [markdown]
# As a still picture, zoneout at the strength that validation chose. It keeps single units of $h$ and $c$ as they were at the
# step before.

# %%
strength = result["chosen"]["zoneout"]["early"]["strength"]
_ = plots.strength_sweep(
    sweeps["zoneout"], none, strength, name="zoneout", unit="cross-entropy"
)

# %% tags=["guard"]
zoned = sweeps["zoneout"][strength]
assert zoned["early"].mean() < none["early"].mean()
rise = zoned["last"].mean() - zoned["validation"].mean(axis=0).min()
assert rise < 0.5 * (none["last"].mean() - none["validation"].mean(axis=0).min())

# %% [markdown]
# The training loss falls more slowly, and the validation loss goes lower and hardly climbs. With L1 and L2, whatever their
# strength, the valley hardly gets deeper.
#
# Now the test recordings, with every method at its chosen strength. Left: against no regularization to the last epoch.
# Right: against stopping early, which costs nothing.
#
# **Question.** Beside early stopping, which kinds of methods will have filled markers left of 0?

# %%
KINDS = (
    "nothing",
    "only noise inside the LSTM or on its input",
    "penalties or limits, too",
)
left = guess("Spoken digits, beside early stopping: what helps clearly?", options=KINDS)

# %%
from labcode.experiments.result_tables import confirmed, differences, outcomes
from labcode.plots.style import printed

effects = differences(result)
_ = plots.effect_forest(effects, unit="cross-entropy")
clear = {v: outcomes(effects[f"none_{v}"], v) for v in ("last", "early")}
for variant, sides in clear.items():
    print(f"{variant:<5} clearly lower:", ", ".join(map(printed, sides["lower"])))
weights_only = {"l1", "l1_proximal", "l2", "weight_decay", "max_norm", "tar"}
helps = set(clear["early"]["lower"])
left.met(KINDS[0] if not helps else KINDS[2] if helps & weights_only else KINDS[1])

# %% tags=["guard"]
assert {"zoneout", "recurrent_dropout_h"} <= helps
assert not (helps | set(clear["last"]["lower"])) & (weights_only | {"output_dropout"})

# %% [markdown]
# Only noise: what is clear acts on what the LSTM reads or remembers, in both panels. Against stopping early, zoneout and
# recurrent dropout on $h$ are among it. What the article recommends by name, L1, L2 and plain dropout, is not.
#
# How large is that, as a share of the loss?

# %%
losses = result["summary"]["methods"]
alone = losses["none"]["early"]["test"]["loss"]["mean"]
for name in ("zoneout", "recurrent_dropout_h", "output_dropout", "l2"):
    effect = effects["none_early"][name]["early"]
    interval = "[{:+.3f}, {:+.3f}]".format(*effect["interval"])
    share = f"{effect['mean'] / alone:+.0%} of the loss"
    print(f"{printed(name):<24} {effect['mean']:+.3f} {interval}, {share}")

# %% tags=["guard"]
found = effects["none_early"]
shares = {name: by["early"]["mean"] / alone for name, by in found.items() if "early" in by}
assert max(shares["zoneout"], shares["recurrent_dropout_h"]) < -0.15
assert min(shares["output_dropout"], shares["l2"]) > -0.1

# %% [markdown]
# About a quarter of the loss for the first two. For plain dropout and L2 nothing is shown, neither help nor harm.
#
# **Question.** And the decisions? Will the same figure for the error rate name the same methods?

# %%
errors = differences(result, measure="error")
_ = plots.effect_forest(errors, unit="error rate")
for variant in ("last", "early"):
    sides = outcomes(errors[f"none_{variant}"], variant)
    print(
        f"{variant}: clearly fewer errors {sides['lower']}, clearly more {sides['higher']}"
    )
stopped = losses["none"]["early"]["against"]["none_last"]["error"]
mean, (low, high) = stopped["mean"], stopped["interval"]
print(f"stopping early by itself: {mean:+.3f}, {low:+.3f} to {high:+.3f}; ", end="")
print(f"Holm's p {stopped['p_holm']:.2f}")

# %% tags=["guard"]
fewer = {v: set(outcomes(errors[f"none_{v}"], v)["lower"]) for v in ("last", "early")}
assert "recurrent_dropout_h" in fewer["last"] & fewer["early"]
assert all(fewer[v] <= set(clear[v]["lower"]) for v in fewer)
assert fewer["last"] != set(clear["last"]["lower"])
assert mean > 0

# %% [markdown]
# Not all of them: of decisions less is sure. Recurrent dropout on $h$ makes clearly fewer errors in both panels. And stopping
# early by itself may even cost decisions: its mean lies above 0, though after Holm's correction that is not sure. It stops
# by the loss, and the loss begins to rise while decisions still improve a little.
#
# Where do all these stand beside the linear classifier, which knows nothing of order?

# %%
from labcode.experiments.result_tables import baselines, by_seed

rates = by_seed(result, "early", measure="error")
linear = baselines(result, measure="error")[rule]
_ = plots.losses_beside_rules(rates, {rule: linear}, unit="error rate, early stopping")
for name in ("none", "zoneout"):
    print(f"{printed(name):<30} {rates[name].mean():.3f}")
print(f"{rule:<30} {linear:.3f}")

# %% tags=["guard"]
assert rates["zoneout"].mean() < rates["none"].mean() < linear

# %% [markdown]
# The LSTM errs less often than the linear classifier, and with zoneout less still. So the order of the frames is worth
# something, and a good part of that worth came only with a regularizer.
#
# ### Other data of the same kind
#
# Does it hold elsewhere? The Japanese vowels: nine men say /ae/, and the question is who. 150 recordings to learn from, 370
# to test. Strengths stay as chosen on the digits.

# %%
vowels = differences(result, where="confirmation")
_ = plots.effect_forest(vowels, unit="cross-entropy")
both = {v: confirmed(result, v)["lower"] for v in ("last", "early")}
for variant, names in both.items():
    print(f"{variant:<5} clear on digits and vowels:", ", ".join(map(printed, names)))
    on_vowels = outcomes(vowels[f"none_{variant}"], variant)["lower"]
    print(
        "      on vowels alone:", ", ".join(map(printed, sorted({*on_vowels} - {*names})))
    )

# %% tags=["guard"]
assert "recurrent_dropout_h" in set(both["last"]) & set(both["early"])

# %% [markdown]
# Recurrent dropout on $h$ is clear in both, against both references. For the rest: two tasks of one kind, two lists. Methods
# that are unclear on digits are clear on vowels, and the other way round.
#
# **Question.** One comparison is missing. How many vowels does the linear classifier get wrong, beside the best LSTM?

# %%
SIDES = ("fewer", "more")
linear_on_vowels = guess(
    "Vowels: how many mistakes does the linear rule make?", options=SIDES
)

# %%
linear = baselines(result, measure="error", where="confirmation")[rule]
on_vowels = by_seed(result, "early", measure="error", where="confirmation")
lowest = min(on_vowels, key=lambda name: on_vowels[name].mean())
for name, rate in (
    ("linear", linear),
    *((n, on_vowels[n].mean()) for n in ("none", lowest)),
):
    print(f"{printed(name):<30} {rate:.3f}")
linear_on_vowels.met(SIDES[int(linear > on_vowels[lowest].mean())])

# %% tags=["guard"]
assert linear < on_vowels[lowest].mean() < on_vowels["none"].mean()

# %% [markdown]
# Fewer than any LSTM, with any method. Who speaks is in the *means* of the frames, and their order adds little: a
# regularized LSTM is a better LSTM, and may still be the wrong model.
#
# ### What it costs
#
# Time of a training beside one without regularization, seed by seed.

# %%
from labcode.experiments.result_tables import relative_seconds

_ = plots.training_costs(costs := relative_seconds(result))

# %% tags=["guard"]
assert costs["l2"][0] < costs["recurrent_dropout_h"][0] < costs["zoneout"][0]

# %% [markdown]
# Those that need a mask at each step of the loop cost most: zoneout more than twice, recurrent dropout somewhat less. Some
# bars are wide because the machine had other work at times.

# %% [markdown]
# ### Predictions to look at
#
# One model to look at, made here: the method with the lowest mean validation loss under early stopping, at its chosen
# strength, seed 0.

# %%
kept = {
    name: min(x for x in one["early"]["validation"].values() if x)
    for name, one in result["chosen"].items()
}
chosen = result["chosen"][min(kept, key=kept.get)]["early"]["methods"]
better, _ = train(make_run(declared, chosen, seed=0, early=True))
print(chosen)

# %% [markdown]
# In the confusion matrix rows are the digits that were spoken, columns what they were taken for. *Macro F1* is the mean over
# the digits of F1, which is high where few recordings of a digit are missed and few others are taken for it.
#
# **Question.** Where will the largest numbers off the diagonal stand?

# %%
from labcode.applications.metrics import confusion_matrix, macro_f1
from labcode.experiments.tasks import model_outputs

outputs, spoken = model_outputs(better, digits, "test"), digits.test.y
taken = outputs.argmax(axis=1)
counts = confusion_matrix(taken, spoken, 10)
_ = plots.confusion(counts, digits.classes)
off = counts - np.diag(counts.diagonal())
for at in np.argsort(off, axis=None)[::-1][:3]:
    digit, other = np.unravel_index(at, off.shape)
    share = f"{off[digit, other]} of {counts[digit].sum()}"
    print(f"{digits.classes[digit]} taken for {digits.classes[other]}: {share}")
print(
    f"accuracy {accuracy(outputs, spoken):.3f}, macro F1 {macro_f1(taken, spoken, 10):.3f}"
)

# %% tags=["guard"]
assert accuracy(outputs, spoken) > 0.85
assert abs(accuracy(outputs, spoken) - macro_f1(taken, spoken, 10)) < 0.03
assert np.sort(off, axis=None)[-9:].sum() > 0.3 * off.sum()

# %% [markdown]
# In a few places: of 90 pairs a handful hold a large part of the mistakes. Accuracy and macro F1 are nearly the same, because
# all digits are about equally frequent; with a rare digit they would part.
#
# **Try it yourself.** Set `chosen = {}` in the cell before (early stopping alone) and run the two cells again. Are the same
# pairs on top? How many mistakes were removed, and in which rows?
#
# The mistake of which the model was surest, between a typical recording of the digit that was said and one of the digit
# that it was taken for. Whose fault is it?

# %%
sure = outputs.max(axis=1) - np.take_along_axis(outputs, spoken[:, None], axis=1)[:, 0]
worst = int(np.argmax(sure))
said, heard = (digits.classes[d] for d in (spoken[worst], taken[worst]))
looks = {f"said {said}, heard {heard}": worst}
for digit in (spoken[worst], taken[worst]):
    alike = np.flatnonzero((spoken == digit) & (taken == digit))
    middle = np.argsort(outputs[alike].max(axis=1))[len(alike) // 2]
    looks[f"a usual {digits.classes[digit]}"] = alike[middle]
test = digits.test
frames = {name: test.x[at][test.padding_mask[at]] for name, at in looks.items()}
_ = plots.feature_frames(frames, feature="MFCC")

# %% [markdown]
# Judge for yourself. What is wrong is less the decision than how sure it was; such cases are what makes a loss large while the
# error rate stays small.
#
# ### The article's claim, and what we found
#
# > Regularization makes LSTMs for speech recognition generalize better. (Our words for the first point of section 6.)
#
# What would you write under it?

# %%
for where, found in {"digits": effects, "vowels": vowels}.items():
    for variant in ("last", "early"):
        sides = outcomes(found[f"none_{variant}"], variant)
        print(f"{where}, {variant:<5}: {len(sides['lower'])} clearly better than none")

# %% [markdown]
# *Some* regularization does, and not the one that the article has in mind. On digits noise inside the LSTM lowers the loss
# beyond what early stopping gives; L1, L2 and plain dropout show nothing. On vowels most methods help a model that was
# trained to its end, few a model that stops early, and a linear rule beats them all. Decisions gain less than
# probabilities. Under the sentence belongs: *which* method, compared with *what*, measured *how*.

# %% [markdown]
# ## What to remember
#
# - The order of the frames is what a network adds to a linear model of their means; a recording must be worth more than its
#   averages, or the network is not.
# - Loss and error rate can disagree: late in training the model gets surer, not much worse. Say which of the two you chose
#   by.
# - New recordings of known voices are not new voices. A test answers the question that its split asks.
# - A confusion matrix says *where* a model errs; one number says only how often.

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1.** The validation loss rises from epoch 20 on, the accuracy hardly falls. Your application asks back when the model is
# unsure. Which epoch do you keep?
#
# - [ ] The last: its accuracy is as good, and it has learned more.
#   > What it has learned since is to be sure, also where it is wrong. Then it does not ask back.
# - [x] That of the lowest loss.
#   > Asking back needs probabilities that mean something, and they are what got worse.
# - [ ] That of the highest accuracy.
#   > Accuracy does not see how sure a wrong answer is.
#
# **2.** Why does the linear classifier on means not notice when a recording is played backwards?
#
# - [x] Mean and spread over the frames do not depend on their order.
#   > They are all that it sees of a recording.
# - [ ] A spoken digit sounds alike in both directions.
#   > It does not, and an LSTM can hear the difference.
# - [ ] It has learned from recordings in both directions.
#   > All are played forwards.
#
# **3.** A colleague reports 92 % on "unseen recordings" and promises 92 % for new customers. What is missing?
#
# - [ ] An interval over ten seeds.
#   > It would be good to have, and would answer the same question about the same voices.
# - [ ] A regularizer, since the model overfits to the recordings.
#   > 92 % was measured on recordings outside of training.
# - [x] A test on voices that were not in training.
#   > The split was by recording, so every voice of the test was in training. Split by speaker; the data here do not name them.
#
# **4.** One digit makes up 1 % of the recordings and is never recognized. What do accuracy and macro F1 over ten digits say?
#
# - [ ] Both lose one point in a hundred.
#   > So does accuracy, which counts recordings. Macro F1 counts digits.
# - [x] Accuracy loses 1 point, macro F1 about ten.
#   > One of ten classes has F1 = 0, and all classes count alike.
# - [ ] Accuracy loses ten points, macro F1 loses 1.
#   > It is the other way round: accuracy does not notice rare classes.

# %% [markdown]
# **Next:** [part 4](06_4_stocks.ipynb), where there is sometimes nothing to learn at all.
# [Exercise 6](../exercises/ex06_applications.ipynb), task 5, lets you compute macro F1 from a confusion matrix.
