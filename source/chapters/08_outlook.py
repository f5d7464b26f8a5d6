# %% [markdown]
# # Chapter 8: Outlook
#
# *About 75 minutes: 38 of reading, 36 of thinking and trying; the cells run in about one. Needs: chapters
# [3](03_3-4_dropout.ipynb) and [4](04_2-3_weight_decay.ipynb). This chapter mirrors section 8 of the article and can be read on
# two days: the language model and its ablation, then what it writes, what carries over, and the ledger of the whole course.*
#
# **After this chapter you can**
#
# - measure a language model in bits, and say what it has to beat;
# - put AWD-LSTM's recipe together, train it, and read an ablation without being led astray by it;
# - say which regularizers survive in Transformers and state-space models, and why some cannot;
# - look up, for each claim of the article, what was found.

# %% [markdown]
# ## 8. Summary: where the field stands
#
# The article closes with two sentences. Regularization is indispensable against overfitting; and it will go on changing, to
# fit new models and new tasks. The first is settled by numbers, and they stand at the end of this chapter. The second has a
# history by now: the recipe that language models with LSTMs ended with, AWD-LSTM
# ([Merity, Keskar & Socher 2018](https://arxiv.org/abs/1708.02182)), combines most of what this course has taught. We take it
# apart.
#
# ### A text, and a leak in it
#
# A *language model* predicts each next character of a text. Ours comes with Python: what `help()` knows about the language.
# It changes with Python's version, so version and checksum belong to every number below. Reference texts repeat themselves,
# and with them a test part at the end:

# %%
from labcode.applications.language import load, repeated_share

kept, corpus = load(repeats="keep"), load()
texts = {name: kept.decode(getattr(kept, name)) for name in ("train", "test")}
share = repeated_share(texts["test"], texts["train"])
print(kept)
print(corpus)
print(f"of the test part, {share:.1%} stands in paragraphs that training has, too")

# %% tags=["guard"]
assert share > 0.02

# %% [markdown]
# What are these paragraphs worth to a model that only counts? It looks at the five characters before and asks how often each
# character followed them in the training part. Its answer is measured in *bits*, $-\log_2 p$ of the character that came: 1 bit
# is the uncertainty of a coin.
#
# **Question.** How many bits does it need for a character of a repeated paragraph, and how many elsewhere?

# %%
import numpy as np

from labcode.applications.language import ngram_log_probabilities

settings = {"order": 6, "classes": len(kept.vocabulary), "strength": 10.0}
bits = -ngram_log_probabilities(kept.train, kept.test, **settings) / np.log(2)
known = {tuple(one.split()) for one in texts["train"].split("\n\n")}
paragraphs = texts["test"].split("\n\n")
in_train = [tuple(one.split()) in known for one in paragraphs]
lengths = [len(one) + 2 for one in paragraphs]  # each with the blank line behind it
seen = np.repeat(in_train, lengths)[: len(bits)]
print(f"repeated paragraphs {bits[seen].mean():.2f} bits, others {bits[~seen].mean():.2f}")

# %% tags=["guard"]
assert bits[seen].mean() < bits[~seen].mean() - 0.5

# %% [markdown]
# Far fewer bits where the paragraph is known. Whoever tests on these rewards learning by heart, the very thing that
# regularization is against. So `load()` keeps each paragraph where it stands first and drops it elsewhere.
#
# ### Bits, and what has to be beaten
#
# The loss of a language model is $-\ln p$ of the character that came, in *nats*; divided by ln 2 it is in bits. And
# $2^{\text{bits}}$ is the **perplexity**: among how many equally likely characters the model is as uncertain.
#
# We take only 20,000 characters for training, to have a laptop's version of what made AWD-LSTM necessary: more weights than
# data. Guessing with equal probabilities costs the logarithm of the vocabulary's size. How far down does counting get?

# %%
from labcode.applications.language import best_ngram

small = load(20_000)
counted = {"equal chances": np.log2(len(small.vocabulary))}
for order in (1, 2, 3, 6):
    strength, log_p = best_ngram(small, order)
    counted[f"{order}-grams"] = -log_p.mean() / np.log(2)
for name, value in counted.items():
    print(f"{name:<14} {value:.2f} bits a character, perplexity {2**value:5.1f}")

# %% tags=["guard"]
assert list(counted.values()) == sorted(counted.values(), reverse=True)

# %% [markdown]
# To about half of the bits, on the validation part, without any network. (How far a longer context is trusted is a strength
# too, and was chosen on the same part.)

# %% [markdown]
# ### The recipe
#
# | part | what it does | where you met it |
# |---|---|---|
# | embedding dropout | silences whole characters (words) of the vocabulary for one piece of text | chapter 3 |
# | locked dropout | one mask a sequence, on what the LSTM reads and on what the head reads | chapter 3 |
# | weight drop | drops entries of $U$, once a forward pass | chapter 3 |
# | AR and TAR | keep small what the head reads, and slow what the LSTM puts out | chapter 3 |
# | weight decay | shrinks every weight a little at each step | chapter 4 |
# | tied weights | one matrix looks characters up and makes the logits | here |
# | NT-ASGD | averages the weights once the validation loss stops falling | here |
# | varied lengths | pieces of text end elsewhere in each epoch | here |
#
# `LanguageModel` takes what acts inside the model as arguments, the optimizer takes weight decay, and `fit_language_model` the rest.
# *Tied weights* are the only part that removes parameters:

# %%
from labcode.applications.language_model import LanguageModel

vocabulary = len(small.vocabulary)
for tied in (False, True):
    net = LanguageModel(vocabulary, 64, tie_weights=tied)
    print(f"tied: {tied!s:<5} {sum(p.numel() for p in net.parameters())} parameters")
print(f"characters to learn from: {len(small.train)}; in the vocabulary: {vocabulary}")

# %% [markdown]
# A row of 64 numbers less for each character of the vocabulary. What the shared matrix learns comes from both places, as their
# sum; exercise 8 lets you prove it.
#
# **NT-ASGD** is SGD that starts to average its weights. When? After each epoch the new validation loss is compared with the
# lowest of those **before the last n**; if it is higher, averaging begins. (*Non-monotonically triggered*: a single bad epoch
# is forgiven.) Three traces, with n = 3:

# %%
traces = {
    "falls": [5.0, 4.0, 3.5, 3.2, 3.0, 2.9, 2.8],
    "one bad epoch": [5.0, 4.0, 3.5, 4.5, 3.0, 2.9, 2.8],
    "noise without progress": [5.0, 4.0, 3.0, 3.4, 3.1, 3.3, 3.2],
}

# %% [markdown]
# **Question.** In which of these traces does averaging begin, and where?

# %%
from labcode.check import guess

begins = guess("NT-ASGD, n = 3: which trace starts the averaging?", options=tuple(traces))

# %%
from labcode.averaging import averaging_start

starts = {name: averaging_start(trace, 3) for name, trace in traces.items()}
print(starts)
begins.met(next(name for name, start in starts.items() if start is not None))

# %% tags=["guard"]
assert starts == {"falls": None, "one bad epoch": None, "noise without progress": 6}

# %% [markdown]
# Only where nothing has been gained for more than three epochs: 3.2 is higher than 3.0, the lowest of the first three.
#
# Why does averaging help? SGD with a constant step size jitters around a low place, and the mean of jittering weights lies
# nearer to its middle. A parabola with its minimum at 0 shows it, with noisy gradients and 2,000 steps.

# %%
rng, w, path = np.random.default_rng(0), 1.0, []
for _ in range(2200):
    w = w - 0.5 * (w + rng.normal())
    path.append(w)
path = np.array(path[200:])
print(
    f"single steps {np.sqrt(np.mean(path**2)):.3f} away, their mean {abs(path.mean()):.3f}"
)

# %% tags=["guard"]
assert abs(path.mean()) < 0.1 * np.sqrt(np.mean(path**2))

# %% [markdown]
# More than ten times nearer, for the price of a sum.
#
# **Try it yourself.** A smaller step size calms the jitter as well. Copy the cell, take 0.05 for 0.5 and start from `w = 30.0`.
# What becomes of the two distances, and how long is the way down now (`print(path[:50])`, without cutting off 200 steps)?

# %% [markdown]
# ### One run of each
#
# All models have 64 units and the same data. The rates are the authors' for the Penn Treebank, times one factor; step sizes
# and factor were chosen on validation data, with two seeds that serve for nothing else.

# %%
from labcode.experiments import load_result

result = load_result("08_language_model")
whole, none = (result["variants"][name]["settings"] for name in ("whole recipe", "none"))
for stage, choice in result["choices"].items():
    print(f"{stage}: {choice['chosen']}, of {len(choice['tried'])} tried")
for name, value in whole.items():
    print(f"   {name:<18} {value}")
text = result["text"]
print("recorded with Python", text["python"], "on the text", text["sha256"][:12])

# %% [markdown]
# The record says which text it belongs to; with another Python the live runs below see a slightly different one. A function
# sorts such settings into model, optimizer and training, so that every run is made alike.


# %%
import torch

from labcode.applications.language_training import fit_language_model
from labcode.training import seeded


def train(settings, epochs, averaging=None, seed=0):
    """Train a model of 64 units with settings of the record; return it and its history."""
    settings = dict(settings, averaging=averaging)
    rates = {"lr": settings.pop("lr"), "weight_decay": settings.pop("decay", 0.0)}
    how = {"epochs": epochs, "batch_size": 8, "steps": 50, "clip_norm": 0.25}
    for name in ("averaging", "vary", "alpha", "beta"):  # of the training, not of the model
        if name in settings:
            how[name] = settings.pop(name)
    with seeded(seed):
        net = LanguageModel(len(small.vocabulary), 64, **settings)
        how["optimizer"] = torch.optim.SGD(net.parameters(), **rates)
        how["generator"] = torch.Generator().manual_seed(seed)
        return net, fit_language_model(net, small, **how)


# %% [markdown]
# First plain SGD without any regularization, for 20 epochs.

# %%
from labcode import plots


def in_bits(history):
    """Return training and validation loss by epoch, in bits."""
    return [np.array(x) / np.log(2) for x in (history.train_loss, history.validation_loss)]


_, plain = train(none, epochs=20)
curves, unit = in_bits(plain), "bits a character"
baseline = {"baseline": counted["6-grams"], "baseline_label": "6-grams"}
_ = plots.learning_curves(*curves, **baseline, unit=unit)

# %% tags=["guard"]
assert curves[1].min() < counted["3-grams"]
assert curves[1][-1] > curves[1].min() + 0.03
assert curves[0][-1] < curves[1][-1] - 0.5

# %% [markdown]
# It comes down below counting in groups of three, and then learns the training text by heart: the picture of chapter 1. With so
# little text a network has a lot to catch up on.
#
# Now the whole recipe, with a step size of 20, more than was chosen, so that SGD jitters and averaging has something to do.
# Look for the epoch in which it begins.

# %%
from labcode.averaging import NonMonotonicTrigger

trigger = NonMonotonicTrigger(3)
model, history = train(whole | {"lr": 20}, epochs=24, averaging=trigger)
curves, without = in_bits(history), in_bits(plain)[1].min()
baseline = {"baseline": without, "baseline_label": "best epoch without"}
_ = plots.learning_curves(*curves, **baseline, unit=unit)
first = trigger.triggered_at
print(f"averaging begins after epoch {first}:", end=" ")
print(f"{curves[1][first]:.2f} bits, then {curves[1][first + 1]:.2f}")

# %% tags=["guard"]
assert curves[1][first + 1] < curves[1][first] - 0.05

# %% [markdown]
# The curve is restless as long as SGD runs alone. From the epoch after the trigger on it is the averaged model that is measured:
# the loss falls at once, and lies still. One run proves nothing about the recipe, though. For that there is the record.

# %% [markdown]
# ### The ablation
#
# `python course.py evidence 08_language_model` has trained all variants with ten paired seeds and read the test part once for
# each.
#
# **Question.** Order them: counting in groups of six, no regularization (with the best epoch kept), one single dropout with a
# tuned rate, the whole recipe.

# %%
from labcode.experiments.effects import clear_side

means = {name: one["mean"]["test"] for name, one in result["variants"].items()}
shown = {name: one["test"] for name, one in result["ngrams"].items()}
shown |= {name: means[name] for name in ("none", "single dropout", "whole recipe")}
groups = {name: "counting" if "grams" in name else "LSTM, 64 units" for name in shown}
_ = plots.losses_of_models(shown, groups=groups, unit="bits a character, test part")
against = result["summary"]["against"]
for reference in ("none", "single dropout"):
    for name in ("whole recipe", "without averaging (NT-ASGD)"):
        entry = against[reference][name]
        found = f"{entry['mean']:+.3f} {entry['interval']} {clear_side(entry)}"
        print(f"{name} minus {reference}: {found}")

# %% tags=["guard"]
for reference in ("none", "single dropout"):
    assert clear_side(against[reference]["whole recipe"]) == "lower"
assert means["none"] > shown["6-grams"] - 0.05
assert means["single dropout"] < shown["6-grams"]
rest = against["single dropout"]["without averaging (NT-ASGD)"]
assert clear_side(rest) == "unclear"
assert means["whole recipe"] < means["without averaging (NT-ASGD)"] - 0.02

# %% [markdown]
# From worst to best: no regularization, which even at its best epoch does not get past counting; counting; a single dropout; the
# recipe. But read the last line. Without averaging, which is a matter of the optimizer, little of the recipe's lead is left:
# seven other parts together are not shown to beat one dropout at a good rate.
#
# And the numbers of a recipe are no part of it. Here is what the choice of the factor saw, with 1.0 for the authors' own rates:

# %%
tried = [choice["tried"] for choice in result["choices"].values()]
factors = next(losses for losses in tried if "factor 1.0" in losses)
for name, loss in factors.items():
    print(f"{name:<13} {loss:.2f} bits, validation part")
print(f"none          {min(result['choices']['none']['tried'].values()):.2f}")

# %% tags=["guard"]
assert factors["factor 1.0"] > min(result["choices"]["none"]["tried"].values())
assert min(factors, key=factors.get) not in ("factor 1.0", "factor 0.04")

# %% [markdown]
# At the authors' full rates it is worse than nothing at all. They trained a large model for hundreds of epochs; ours is small and
# has 24. The factor had to be chosen anew.
#
# Now take one part out of the recipe at a time. On the left our differences, with 95 % intervals; on the right what papers found
# for words, in bits per word. (Merity et al. against their line without fine-tuning, since we do not fine-tune either; tied
# weights from [Melis et al. 2018](https://arxiv.org/abs/1707.05589).)
#
# **Question.** Which part will our recipe miss most?

# %%
ours = {
    name.removeprefix("without "): entry
    for name, entry in against["whole recipe"].items()
    if name.startswith("without ")
}
missed = guess("Which part does our small recipe miss most?", options=tuple(ours))

# %%
published = {part: entry["bits"] for part, entry in result["published"].items()}
units = ("bits a character, minus the whole recipe", "bits a word")
_ = plots.ablation(ours, published, units=units)
missed.met(max(ours, key=lambda part: ours[part]["mean"]))
words = {"higher": "helps", "lower": "hurts", "unclear": "undecided"}
for part, entry in ours.items():
    low, high = entry["interval"]
    found = f"{entry['mean']:+.3f} [{low:+.3f}, {high:+.3f}] {words[clear_side(entry)]}"
    paper = f", in print {published[part]:+.3f}" if part in published else ""
    print(f"{part:<26} {found}{paper}")

# %% tags=["guard"]
assert all(value > 0 for value in published.values())
assert max(ours, key=lambda part: ours[part]["mean"]) == "averaging (NT-ASGD)"
assert clear_side(ours["averaging (NT-ASGD)"]) == "higher"
assert "lower" not in {clear_side(entry) for entry in ours.values()}
assert "unclear" in {clear_side(entry) for entry in ours.values()}

# %% [markdown]
# Its averaging. In print every part helps. Here none is shown to hurt, and several are small beside the chance of a run. The
# paper's table has one run for each line; it says nothing about its own chance.
#
# Weight decay shows what such a table can hide. Its strength is tiny: how much of a weight does it take in the whole training?

# %%
taken = whole["lr"] * whole["decay"] * 50 * 24
print(f"weight decay takes {taken:.2%} of a weight")
for name in ("whole recipe", "without weight decay"):
    print(f"{name:<21} averages after epoch, by seed:", end=" ")
    print(*result["variants"][name]["averaged_from"])

# %% tags=["guard"]
assert taken < 0.01

# %% [markdown]
# Hardly anything. Yet the trigger compares noisy losses, and the slightest change of a run can move it by many epochs, or past
# the end of a short training: that would be a `None`, a run in which averaging was missing, too. So an ablation of one part may
# show the effect of another. With three seeds, where we began, weight decay seemed to help.

# %% [markdown]
# ### Layer norm and label smoothing
#
# Two methods that the recipe does not have. **Layer norm** brings what the head reads to mean 0 and variance 1 over the units.
# **Label smoothing** trains against $1 - \varepsilon$ for the right character, and shares $\varepsilon$ evenly among all of
# them. In NumPy and PyTorch:

# %%
from labcode.label_smoothing import smoothed_cross_entropy, smoothed_cross_entropy_torch

logits, target = np.array([[4.0, 0.0, 0.0, 0.0]]), np.array([0])
by_numpy = smoothed_cross_entropy(logits, target, 0.1)
by_torch = smoothed_cross_entropy_torch(torch.tensor(logits), torch.tensor(target), 0.1)
np.testing.assert_allclose(by_torch.item(), by_numpy, rtol=1e-12)
print(f"smoothed loss {by_numpy:.3f}")

# %% [markdown]
# Let the model become more and more sure: the same logits on four scales.
#
# **Question.** On which scale is the loss lowest, without smoothing and with it?

# %%
sizes, lowest = (1.0, 4.0, 8.0, 32.0), {}
for epsilon in (0.0, 0.1):
    scaled = [logits / 4.0 * size for size in sizes]
    losses = [smoothed_cross_entropy(one, target, epsilon) for one in scaled]
    lowest[epsilon] = sizes[np.argmin(losses)]
    print(f"epsilon {epsilon}: {np.round(losses, 3)}, lowest at {lowest[epsilon]}")

# %% tags=["guard"]
assert lowest[0.0] == 32.0 > lowest[0.1]

# %% [markdown]
# Without smoothing at the largest: more certainty is always rewarded. With it the loss has a minimum at finite logits and grows
# beyond. Does either method help on top of the whole recipe? Smoothing is judged without the smoothing, by plain $-\log_2 p$.

# %%
for name in ("layer norm", "label smoothing"):
    entry = against["whole recipe"][f"with {name}"]
    found = f"{entry['mean']:+.3f} bits, 95 % interval {entry['interval']}"
    print(f"with {name:<16} {found} {clear_side(entry)}")
began = result["variants"]["with layer norm"]["averaged_from"]
print(f"with layer norm averaging never began in {began.count(None)} of {len(began)} runs")

# %% tags=["guard"]
assert clear_side(against["whole recipe"]["with layer norm"]) == "higher"
assert clear_side(against["whole recipe"]["with label smoothing"]) == "lower"

# %% [markdown]
# Label smoothing helps a little more, although its training aims at another loss than the one that is counted here. Layer norm,
# with a step size that was chosen for it, makes it worse. A run in which averaging never began lacks that as well: once more, two
# effects in one figure. And layer norm is a cure for deep stacks that are hard to train; ours has one layer.
#
# ### Dropout left on
#
# Chapter 4 predicted with dropout on, many times (*Monte Carlo dropout*). For a language model the mean is one of probabilities.
# Is the mean over 30 passes better than one pass with dropout off?

# %%
from labcode.applications.language import windows
from labcode.training import predict
from labcode.training.monte_carlo import monte_carlo_predict

x, y = windows(small.validation[:4001], 100)
rows = np.arange(len(x))[:, None], np.arange(100), y
passes = monte_carlo_predict(model, x, 30, generator=torch.Generator().manual_seed(0))
chances = passes.softmax(dim=-1).numpy()[:, *rows]  # of each right character, in each pass
off = -np.log2(predict(model, x).softmax(dim=-1).numpy()[rows]).mean()
numbers = [1, 2, 5, 10, 30]
mixture = [-np.log2(chances[:n].mean(axis=0)).mean() for n in numbers]
single = -np.log2(chances).mean()
_ = plots.passes_and_mean(numbers, mixture, off=off, single=single, unit=unit)
print(f"single passes {single:.3f}, mean of 30 {mixture[-1]:.3f}, dropout off {off:.3f}")

# %% tags=["guard"]
assert mixture[-1] < single
assert abs(mixture[-1] - off) < 0.15

# %% [markdown]
# It is far better than a single pass with dropout on (it can never be worse than the passes' mean loss, by Jensen's
# inequality), and about as good as one pass with dropout off, at thirty times the cost.

# %% [markdown]
# ### What it writes
#
# A language model writes by drawing a character, reading it, and drawing the next. The *temperature* τ divides the logits before
# the softmax: below 1 the probable becomes more probable, above 1 everything becomes more alike. At each τ we let it write 400
# characters and count which share of its words are words of the text.

# %%
from labcode.applications.language_model import generate, next_logits

start, samples = small.encode("   the value of the "), {}
in_text = set(small.decode(small.train).split())
for temperature in (0.3, 0.5, 0.7, 1.0, 1.5):
    source = torch.Generator().manual_seed(0)
    written = generate(model, start, 400, temperature=temperature, generator=source)
    samples[temperature] = small.decode(written)
shares = {t: np.mean([w in in_text for w in s.split()]) for t, s in samples.items()}
print({temperature: round(float(share), 2) for temperature, share in shares.items()})

# %% tags=["guard"]
assert shares[0.3] > shares[1.5] + 0.2

# %% [markdown]
# On the cold side nearly all words are real, and often the same; on the hot side many are invented. The next character at τ = 0.7,
# after a space at the end of a phrase, and a text (↵ is the end of a line, ␣ a space):

# %%
from labcode.widgets import TemperatureExplorer

logits, context = next_logits(model, start).numpy(), small.decode(start[-13:])
chances = np.exp(logits / 0.7 - np.logaddexp.reduce(logits / 0.7))
most = np.argsort(-chances)[:14]
_ = plots.next_characters(
    [small.vocabulary[at] for at in most], chances[most], context=context
)
print(samples[0.7][:150])

# %% [markdown]
# Now choose the temperature. **Try this:**
#
# 1. Start at τ = 1.5 and move left. At which temperature does it stop inventing words?
# 2. Go on to the left end. How many bits of choice are left, and what does the text do?

# %%
TemperatureExplorer(
    logits, small.vocabulary, samples, context=context, value=max(samples)
).widget()

# %% [markdown]
# It has learned what Python's prose looks like, indents included, from 20,000 characters. It has not learned what it means.
#
# **Try it yourself.** Give it a beginning of your own: `generate(model, small.encode("If a class "), 300, temperature=0.5,
# generator=source)`, decoded as above. After how many characters does it lose the thread?

# %% [markdown]
# ### What carries over
#
# Transformers and state-space models have taken the LSTM's place. Which of its regularizers did they inherit? A method carries
# over if what it touches is still there:
#
# | method | touches | Transformer | state-space model |
# |---|---|---|---|
# | embedding dropout, tied weights | the vocabulary's matrix | yes | yes |
# | label smoothing, early stopping, averaging, MC dropout | loss, time, weights | yes | yes |
# | weight decay | weights | yes | yes, but hardly the ones that set the memory |
# | dropout between layers | what goes up | yes, on every sublayer | yes |
# | TAR | neighbouring outputs | possible, not usual | possible |
# | weight drop, zoneout, dropout on h, g or c | the way through time | no such place | a place, but a trap |
#
# New ones came as well: dropout on attention weights, and whole layers dropped (stochastic depth).
#
# **Why a trap?** A linear state-space model remembers by $h_t = a\,h_{t-1} + u_t$, with no gate and no tanh in the way. Drop the
# state with an inverted mask at each step: its mean stays right. But each single memory?
#
# **Question.** One thing to remember, written at step 0, with a = 0.99 and p = 0.1. How many of 100 runs have lost it after 50
# steps?

# %%
lost = guess(
    "A state dropped at each step, p = 0.1: lost after 50 steps?", unit="of 100 runs"
)

# %%
rng, steps, a, p = np.random.default_rng(0), 50, 0.99, 0.1
memory, spread = np.ones(20_000), []
for _ in range(steps):
    memory = a * memory * (rng.random(20_000) >= p) / (1 - p)
    spread.append(memory.std() / memory.mean())
expected = np.sqrt((1 / (1 - p)) ** np.arange(1, steps + 1) - 1)
lost.met(round(float(100 * np.mean(memory == 0)), 1), within=3)
print(f"mean {memory.mean():.2f}, without masks {a**steps:.2f}")
print(f"spread relative to the mean: {spread[-1]:.1f}, by the formula {expected[-1]:.1f}")

# %% tags=["guard"]
assert np.mean(memory == 0) > 0.98
assert abs(spread[9] / expected[9] - 1) < 0.1

# %% [markdown]
# Nearly all: $1 - 0.9^{50}$ of them, and the few that are left shout to keep the mean. The spread grows like $(1-p)^{-t/2}$,
# without limit. The same holds for an LSTM whose cell is dropped at every step (chapter 3); there gates and tanh at least bound
# what the next layer sees. So state-space models drop what goes up, not what goes on.
#
# Do the new models overfit as the LSTM does? One small model of each kind on our text, with and without dropout of 0.2 on what
# goes up. One block stands between an embedding and a head. They see windows of 50 characters, and early stopping keeps the best
# of at most 10 epochs.

# %%
from labcode.applications.window_models import WindowModel
from labcode.early_stopping import EarlyStopping
from labcode.training import fit

parts = [windows(part, 50) for part in (small.train, small.validation[:5_001])]


def train_on_windows(kind, dropout, seed=0):
    """Train one of the models on windows, with early stopping, and return its history."""
    how = {"task": "sequence", "epochs": 10, "batch_size": 8, "progress": False}
    with seeded(seed):
        net = WindowModel(len(small.vocabulary), 64, kind, dropout=dropout)
        how["optimizer"] = torch.optim.AdamW(net.parameters(), lr=0.005, weight_decay=0.0)
        how["early_stopping"] = EarlyStopping(patience=3, restore_best_weights=True)
        return fit(net, *parts, generator=torch.Generator().manual_seed(seed), **how)


# %% [markdown]
# Both losses at the epoch that was kept:

# %%
gaps = {}
for kind in ("transformer", "state space"):
    for dropout in (0.0, 0.2):
        run = train_on_windows(kind, dropout)
        train_bits, validation_bits = (losses[run.best_epoch] for losses in in_bits(run))
        gaps[kind, dropout] = validation_bits - train_bits
        print(f"{kind:<12} dropout {dropout}: training {train_bits:.2f}, ", end="")
        print(f"validation {validation_bits:.2f} bits, epoch {run.best_epoch}")

# %% tags=["guard"]
assert all(gaps[kind, 0.0] > 0.1 for kind in ("transformer", "state space"))

# %% [markdown]
# They know the text that they have seen far better than new text, with dropout as well, and early stopping keeps their best epoch as
# it does the LSTM's. One seed and one strength are an illustration and no measurement. The protocol of this course (a strength chosen
# on validation data, paired seeds, an interval) carries over best of all.

# %% [markdown]
# ### The ledger
#
# The article's other sentence was that regularization prevents overfitting and improves generalization. The course has turned
# the whole article into claims that can fail, each tied to an experiment with paired seeds, intervals and a test part that was
# read once. Here they all are. The menus choose a section, a method or a verdict; a section's number leads to its chapter. Each
# row shows the first effect of a claim with its 95 % interval; a click unfolds the others and where they are recorded.
#
# **Question.** Before you look: which claim of the article do you trust least by now? Find it. What is its verdict?

# %%
from labcode.experiments.ledger import read_ledger

claims = read_ledger()
plots.ledger(claims)

# %% [markdown]
# The intervals of one claim are so wide that all of them hold together, and they alone decide, by a rule that is written once
# (`labcode/experiments/verdicts.py`):
#
# - *shown*: in every place the interval lies on the claimed side; *shown in some*: in k of n, and nowhere on the other side;
# - *contradicted*: somewhere it lies clearly on the other side, whatever it does elsewhere;
# - *equivalent*: everywhere inside the margin, which a claim names with its reason (most often 1 % of the reference's loss);
# - *undecided*: this experiment could not tell. How large an effect it would have seen stands in `evidence/claims.toml`.
#
# What the article says and what the course adds (a *finding*) are told apart: early stopping, for instance, is one of the
# article's own methods, so "better than early stopping" is the course's bar and no claim of the article. How many of each?

# %%
from labcode.experiments.verdicts import VERDICTS

for kind in ("article", "finding"):
    verdicts = [claim.word for claim in claims if claim.kind == kind]
    print(f"{kind:<8}", {verdict: verdicts.count(verdict) for verdict in VERDICTS})

# %% tags=["guard"]
for claim in claims:
    says = [found.says for found in claim.found]
    assert ("supports" in says) == (
        claim.word.startswith("shown") or "shown in" in claim.verdict
    )

# %% [markdown]
# Whatever the numbers say today, they were found on small data, with small models, on a laptop, and the test parts have been
# seen by whoever wrote these sentences. *Undecided* is no "no", and *contradicted* means: here. The point of the ledger is that
# you can make it again (`python course.py evidence --folder DIR`), and change a verdict.

# %% [markdown]
# ## What to remember
#
# - Test text must not repeat training text: paragraphs that were seen cost a counting model far fewer bits.
# - A language model is measured in bits a character (or perplexity, $2^{\text{bits}}$), and has to beat counting with long
#   contexts.
# - AWD-LSTM's recipe: embedding dropout, locked dropout, weight drop, AR and TAR, weight decay, tied weights, averaged SGD,
#   varied lengths. NT-ASGD begins to average when a loss is above the lowest of those before the last n.
# - An **ablation** answers "what does this part add to all the others, at these strengths and this budget?", and nothing else.
#   Compare a recipe with its best single part, tuned as carefully.
# - What touches the vocabulary's matrix, the loss, the weights or what goes up carries over to Transformers and state-space
#   models. What touches the way through time does not.
# - The ledger lists what was claimed, where it was shown and where contradicted, and what could not be decided.

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1.** A model has a loss of 0.69 nats a character. What is its perplexity?
#
# - [ ] 0.69
#   > That is the loss itself. The perplexity is its exponential.
# - [x] 2
#   > 0.69 / ln 2 is about 1 bit, and 2 to the power of 1 is 2: as uncertain as a fair coin.
# - [ ] 1
#   > That is the loss in bits. A perplexity of 1 would be a model that is always sure and right.
#
# **2.** Training with label smoothing gives a *higher* training loss than without. Does it fit worse?
#
# - [x] One cannot say from these two numbers.
#   > The smoothed loss has a floor above 0, the entropy of the smoothed targets. Compare plain cross-entropy.
# - [ ] Yes: its training loss is higher.
#   > The two are different losses, so their difference means little.
# - [ ] No: smoothing always fits better.
#   > It may fit worse or better; these two numbers do not tell.
#
# **3.** With n = 5 and the validation losses 9, 8, 7, 7.5, 7.4, 7.3, 7.2, 7.1: has averaging begun?
#
# - [ ] Yes: 7.1 is above the lowest loss, 7.
#   > 7 is among the last five losses before it, which are left out.
# - [ ] Yes: there were five epochs without a new best.
#   > That is patience. NT-ASGD asks whether the loss is above the lowest of those before the last n.
# - [x] No: 7.1 is below both 9 and 8.
#   > These two are what is left when the five losses before the last one are left out.
#
# **4.** Take out any single part, and the recipe loses next to nothing. Does that show that none of them is needed?
#
# - [ ] Yes: each of them can go.
#   > Each alone can go. Nobody has taken out two.
# - [x] No: two parts may do the same job.
#   > Then either can go, but not both. An ablation that removes one part at a time does not see it.
# - [ ] Yes, if there were enough seeds.
#   > More seeds make the intervals shorter, but they do not ask about two parts at once.
#
# **5.** Why does nobody use recurrent dropout in a Transformer?
#
# - [x] There is no state that moves from step to step.
#   > So there is nothing to drop on that way. Its dropouts sit on what goes up, on the embedding and on the attention weights.
# - [ ] Transformers do not overfit.
#   > They do, as the one above did.
# - [ ] It would be too slow.
#   > Masks are cheap there; there is no place for this one.

# %% [markdown]
# **Next:** [exercise 8](../exercises/ex08_outlook.ipynb) lets you compute bits and temperatures, the trigger of NT-ASGD, AR and
# TAR with padding, and the gradient of a matrix that is used twice. Chapter 9 answers the article's questions.
