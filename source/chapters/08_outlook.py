# %% [markdown]
# # Chapter 8: Outlook
#
# *About 75 minutes. Needs: chapters 3 and 4. This chapter mirrors section 8 of the article and can be read on two days: the
# language model and its ablation, then what it writes, what carries over, and the ledger of the whole course.*
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
# The article closes with two sentences. Regularization is indispensable against overfitting; and it will go on changing,
# to fit new models and new tasks. The first is settled by numbers, and they stand at the end of this chapter. The second
# has a history by now: the recipe that language models with LSTMs ended with, AWD-LSTM
# ([Merity, Keskar & Socher 2018](https://arxiv.org/abs/1708.02182)), combines most of what this course has taught. We take
# it apart.
#
# ### A text, and a leak in it
#
# A language model predicts each next character of a text. Ours comes with Python: what `help()` knows about the language.
# It changes with Python's version, so version and checksum belong to every number below.
#
# **Question.** Reference texts repeat themselves. What could go wrong with a test part at the end of this one?

# %%
from labcode.applications.language import load, repeated_share

kept, corpus = load(repeats="keep"), load()
texts = {name: kept.decode(getattr(kept, name)) for name in ("train", "test")}
share = repeated_share(texts["test"], texts["train"])
print(kept)
print(corpus)
print(f"of the test part, {share:.1%} stands in paragraphs that training has, too")
assert share > 0.02

# %% [markdown]
# Whole paragraphs of the test part have been seen in training. What are they worth to a model that only counts? It looks at
# the five characters before and asks how often each character followed them in the training part.
#
# **Question.** How many bits does it need for a character of a repeated paragraph, how many elsewhere?

# %%
import numpy as np

from labcode.applications.language import ngram_log_probabilities

settings = {"order": 6, "classes": len(kept.vocabulary), "strength": 10.0}
bits = -ngram_log_probabilities(kept.train, kept.test, **settings) / np.log(2)
print(f"over the whole test part {bits.mean():.2f} bits")

# %% [markdown]
# A repeated paragraph is one whose words stand in the training part in the same order.
#
# **Question.** Your two figures?

# %%
known = {tuple(one.split()) for one in texts["train"].split("\n\n")}
paragraphs = texts["test"].split("\n\n")
seen = np.concatenate([np.full(len(one) + 2, tuple(one.split()) in known) for one in paragraphs])
seen = seen[: len(bits)]
print(f"repeated paragraphs {bits[seen].mean():.2f} bits, others {bits[~seen].mean():.2f} bits")
assert bits[seen].mean() < bits[~seen].mean() - 0.5

# %% [markdown]
# Much less. Whoever tests on these rewards learning by heart, the very thing that regularization is against. So `load()`
# keeps each paragraph where it stands first and drops it elsewhere.
#
# ### Bits, and what has to be beaten
#
# The loss of a language model is $-\ln p$ of the character that came, in *nats*. Divided by ln 2 it is in **bits**, and $2^{\text{bits}}$
# is the **perplexity**: among how many equally likely characters the model is as uncertain.
#
# We take only 20,000 characters for training, to have a laptop's version of what made AWD-LSTM necessary: more weights than
# data.
#
# **Question.** Guessing with equal probabilities costs the logarithm of the vocabulary's size. How far down does counting get?

# %%
from labcode.applications.language import best_ngram

small = load(20_000)
counted = {"equal chances": np.log2(len(small.vocabulary))}
for order in (1, 2, 3, 6):
    strength, log_p = best_ngram(small, order)
    counted[f"{order}-grams"] = -log_p.mean() / np.log(2)
for name, value in counted.items():
    print(f"{name:<14} {value:.2f} bits a character, perplexity {2**value:5.1f}")
assert list(counted.values()) == sorted(counted.values(), reverse=True)

# %% [markdown]
# From more than six bits to less than three, on the validation part, without any network. (How far a longer context is
# trusted is a strength too, and was chosen on the same part.)

# %% [markdown]
# ### The recipe
#
# | part | what it does | where you met it |
# |---|---|---|
# | embedding dropout | silences whole characters (words) of the vocabulary for one piece of text | chapter 3 |
# | locked dropout | one mask a sequence, on what the LSTM reads and on what the head reads | chapter 3 |
# | weight drop | drops entries of $U$, once a forward pass | chapter 3 |
# | AR and TAR | keep small what the head reads, and slow what the LSTM puts out | chapter 3 |
# | weight decay | | chapter 4 |
# | tied weights | one matrix looks characters up and makes the logits | here |
# | NT-ASGD | averages the weights once the validation loss stops falling | here |
# | varied lengths | pieces of text end elsewhere in each epoch | here |
#
# `LanguageModel` takes the first parts as arguments, `fit_language_model` the others.
#
# **Question.** Tied weights are the only part that removes parameters. How many, with 64 units?

# %%
from labcode.applications.language_model import LanguageModel

sizes = {
    tied: sum(p.numel() for p in LanguageModel(len(small.vocabulary), 64, tie_weights=tied).parameters())
    for tied in (False, True)
}
print(f"untied {sizes[False]}, tied {sizes[True]}; characters to learn from: {len(small.train)}")
assert sizes[False] - sizes[True] == 64 * len(small.vocabulary)

# %% [markdown]
# A row for each character, 64 numbers long. What the matrix learns comes from both places, as their sum: exercise 8 lets
# you prove it.
#
# **NT-ASGD** is SGD that starts to average. When? After each epoch the new validation loss is compared with the lowest of
# those **before the last n**; if it is higher, averaging begins. (*Non-monotonically triggered*: a single bad epoch is forgiven.)
#
# **Question.** In which of these traces does averaging begin, with n = 3, and where?

# %%
from labcode.averaging import averaging_start

traces = {
    "falls": [5.0, 4.0, 3.5, 3.2, 3.0, 2.9, 2.8],
    "one bad epoch": [5.0, 4.0, 3.5, 4.5, 3.0, 2.9, 2.8],
    "noise without progress": [5.0, 4.0, 3.0, 3.4, 3.1, 3.3, 3.2],
}
starts = {name: averaging_start(trace, 3) for name, trace in traces.items()}
print(starts)
assert starts == {"falls": None, "one bad epoch": None, "noise without progress": 6}

# %% [markdown]
# Only where nothing has been gained for more than three epochs: 3.2 is higher than 3.0, the lowest of the first three.
#
# Why does averaging help? SGD with a constant step size jitters around a low place, and the mean of jittering weights lies
# nearer to its middle. A parabola shows it, with noisy gradients.
#
# **Question.** By which factor is the mean of 2,000 steps nearer to the minimum at 0 than a single step?

# %%
rng, w, path = np.random.default_rng(0), 1.0, []
for _ in range(2200):
    w = w - 0.5 * (w + rng.normal())
    path.append(w)
path = np.array(path[200:])
print(f"single steps {np.sqrt(np.mean(path**2)):.3f} away, their mean {abs(path.mean()):.3f}")
assert abs(path.mean()) < 0.1 * np.sqrt(np.mean(path**2))

# %% [markdown]
# More than ten times nearer, for the price of a sum. A smaller step size would calm the jitter as well, but slow the way down.

# %% [markdown]
# ### One run of each
#
# Both models have 64 units and the same data. The rates are the authors' for the Penn Treebank, times one factor; step size
# and factor were chosen on validation data, with two seeds that serve for nothing else.
#
# **Question.** Which numbers were chosen?

# %%
from labcode.experiments import load_result

result = load_result("08_language_model")
whole, none = (result["variants"][name]["settings"] for name in ("whole recipe", "none"))
for stage, choice in result["choices"].items():
    print(f"{stage:<15} {choice['chosen']:<20} of {choice['tried']}")
print("the recipe:", whole)
print("recorded with Python", result["text"]["python"], "on the text", result["text"]["sha256"][:12])

# %% [markdown]
# The record says which text it belongs to; with another Python the live runs below see a slightly different one.
#
# **Question.** Plain SGD, 20 epochs. What will its two curves look like?

# %%
import torch

from labcode.applications.language_training import fit_language_model
from labcode.training import seeded

# %% [markdown]
# First a function that sorts settings into model, optimizer and training, so that every run is made alike.
#
# **Question.** Which of the settings belong to the training and not to the model?


# %%
def train(settings, epochs, averaging=None, seed=0):
    """Train a model of 64 units with settings of the record; return it and its history."""
    settings = dict(settings, averaging=averaging)
    rates = {"lr": settings.pop("lr"), "weight_decay": settings.pop("decay", 0.0)}
    how = {"epochs": epochs, "batch_size": 8, "steps": 50, "clip_norm": 0.25}
    of_training = ("averaging", "vary", "alpha", "beta")
    how |= {name: settings.pop(name) for name in of_training if name in settings}
    with seeded(seed):
        model = LanguageModel(len(small.vocabulary), 64, **settings)
        optimizer = torch.optim.SGD(model.parameters(), **rates)
        source = torch.Generator().manual_seed(seed)
        return model, fit_language_model(model, small, optimizer=optimizer, generator=source, **how)


# %% [markdown]
# How the text is cut, what is added to the loss, and the averaging.
#
# **Question.** And the two curves?

# %%
from labcode import plots

_, plain = train(none, epochs=20)
curves = [np.array(losses) / np.log(2) for losses in (plain.train_loss, plain.validation_loss)]
_ = plots.learning_curves(
    *curves, baseline=counted["6-grams"], baseline_label="6-grams", unit="bits a character"
)
assert curves[1].min() < counted["3-grams"]
assert curves[1][-1] > curves[1].min() + 0.03
assert curves[0][-1] < curves[1][-1] - 0.5

# %% [markdown]
# It comes down as far as counting in groups of three, and then learns the training text by heart: the picture of chapter 1.
# Counting in groups of six stays ahead of it, all the way. With so little text a network has a lot to catch up on.
#
# **Question.** Now the whole recipe, with a step size of 20, more than was chosen, so that SGD jitters and averaging has
# something to do. Where will you see it in the curve?

# %%
from labcode.averaging import NonMonotonicTrigger

trigger = NonMonotonicTrigger(3)
model, history = train(whole | {"lr": 20}, epochs=24, averaging=trigger)
curves = [np.array(losses) / np.log(2) for losses in (history.train_loss, history.validation_loss)]
best_without = min(plain.validation_loss) / np.log(2)
unit = "bits a character"
_ = plots.learning_curves(*curves, baseline=best_without, baseline_label="best epoch without", unit=unit)
first = trigger.triggered_at
print(f"averaging begins after epoch {first}: {curves[1][first]:.2f} bits, then {curves[1][first + 1]:.2f}")
assert curves[1][first + 1] < curves[1][first] - 0.05

# %% [markdown]
# The curve is restless as long as SGD runs alone. From the epoch after the trigger on it is the averaged model that is
# measured: the loss falls at once, and lies still. One run proves nothing about the recipe, though. For that there is the record.

# %% [markdown]
# ### The ablation
#
# `python course.py evidence 08_language_model` has trained all variants with paired seeds and read the test part once for each.
#
# **Question.** Order them by guess: counting, no regularization (with the best epoch kept), one single dropout with a tuned
# rate, the whole recipe.

# %%
means = {name: one["mean"]["test"] for name, one in result["variants"].items()}
shown = {name: one["test"] for name, one in result["ngrams"].items()}
shown |= {name: means[name] for name in ("none", "single dropout", "whole recipe")}
groups = {name: "counting" if "grams" in name else "LSTM, 64 units" for name in shown}
_ = plots.losses_of_models(shown, groups=groups, unit="bits a character, test part")
against = result["summary"]["against"]
for reference in ("none", "single dropout"):
    entry = against[reference]["whole recipe"]
    print(f"whole recipe minus {reference}: {entry['mean']:+.3f}, 95 % interval {entry['interval']}")
    assert entry["interval"][1] < 0

# %% [markdown]
# Without regularization the network, even at its best epoch, does not get past counting in groups of six. A single dropout
# puts it ahead, and the recipe goes further. (The single dropout had its rate chosen, at the step size of no regularization.)
#
# **Question.** How much of the recipe's lead is left without averaging, which is a matter of the optimizer?

# %%
entry, lead = (against["single dropout"][n] for n in ("without averaging (NT-ASGD)", "whole recipe"))
print(f"recipe without averaging minus single dropout: {entry['mean']:+.3f}, {entry['interval']}")
assert lead["mean"] < entry["mean"] - 0.02
assert entry["interval"][0] < 0 < entry["interval"][1]

# %% [markdown]
# Next to nothing, and the interval holds 0: seven other parts together are not shown to beat one dropout at a good rate.
#
# **Question.** The recipe was best at a small share of the authors' rates. And at their full rates?

# %%
factors, plainly = (result["choices"][name]["tried"] for name in ("recipe, factor", "none"))
print("validation, by factor:", factors)
print("validation, no regularization:", plainly)
assert factors["factor 1.0"] > min(plainly.values())
assert result["choices"]["recipe, factor"]["chosen"] == "factor 0.15"
assert means["none"] > shown["6-grams"] - 0.05

# %% [markdown]
# Worse than nothing at all. The authors trained a large model for up to 500 epochs; ours is small and has 24. A recipe is not a
# set of numbers, and the factor had to be chosen anew. (The chosen one is 0.15; twice as much is nearly as good, and half as
# much is a little worse.)
#
# Now take one part out of the recipe at a time. On the left our differences, with 95 % intervals; on the right what papers
# found for words, as bits per word.
#
# **Question.** Which part does the authors' table hold for the most important one? Will it be ours?

# %%
ours = {
    name.removeprefix("without "): entry
    for name, entry in against["whole recipe"].items()
    if name.startswith("without ")
}
published = {part: entry["bits"] for part, entry in result["published"].items()}
units = ("bits a character, minus the whole recipe", "bits a word")
_ = plots.ablation(ours, published, units=units)

# %% [markdown]
# Right of 0 the part helps. (Published: Merity et al. against their line without fine-tuning, since we do not fine-tune
# either; tied weights from [Melis et al. 2018](https://arxiv.org/abs/1707.05589).) Each of our intervals stands on ten paired seeds
# and on the blocks of the test text.
#
# **Question.** How many signs agree? When does a sign count?

# %%
signs = {}
for part, entry in ours.items():
    low, high = entry["interval"]
    signs[part] = "helps" if low > 0 else "hurts" if high < 0 else "undecided"
    paper = published.get(part)
    print(f"{part:<26} {entry['mean']:+.3f} [{low:+.3f}, {high:+.3f}]  {signs[part]:<10}", end=" ")
    print("" if paper is None else f"in print it helps, {paper:+.3f}")
agree = [part for part in published if signs[part] == "helps"]
against_print = [part for part in published if signs[part] == "hurts"]
print(f"{len(agree)} of {len(published)} agree, {len(against_print)} disagree, the rest is undecided")
print("paired seeds:", result["settings"]["seeds"])
assert all(value > 0 for value in published.values())
assert set(agree) == {"weight drop", "AR and TAR", "averaging (NT-ASGD)"}
assert signs["input and output dropout"] == "helps"
assert not against_print

# %% [markdown]
# In print every part helps. Here none is shown to hurt, and averaging matters most. Weight drop and the two activation penalties
# help as well, and so do the dropouts of input and output, which print did not take out. The other four are small beside the
# chance of a run. (With three seeds, where we began, embedding dropout and weight decay seemed to help, too.)
#
# But look at weight decay. Its strength is tiny.
#
# **Question.** How much of a weight does it take in the whole training? Can that be what the figure shows?

# %%
taken = whole["lr"] * whole["decay"] * 50 * 24
print(f"weight decay takes {taken:.2%} of a weight")
for name in ("whole recipe", "without weight decay"):
    print(f"{name:<22} averages after epoch {result['variants'][name]['averaged_from']}, by seed")
assert taken < 0.01

# %% [markdown]
# Hardly. The trigger compares noisy losses, and the slightest change of a run can move it by many epochs, or past the end of a
# short training: that is the `None`, a run in which averaging was missing, too. An ablation of one part may so show the effect of
# another. Three paired seeds did not average that away: with them, weight decay seemed to help. With ten nothing is left of it.
#
# The paper's table has one run for each line. It says nothing about its own chance.

# %% [markdown]
# ### Layer norm and label smoothing
#
# Two methods that the recipe does not have. **Layer norm** brings what the head reads to mean 0 and variance 1 over the units.
# **Label smoothing** trains against $(1 - \varepsilon)$ for the right character plus $\varepsilon / V$ for all. In NumPy and PyTorch:
#
# **Question.** Where does the loss of a very sure model go, as its logits grow?

# %%
from labcode.label_smoothing import smoothed_cross_entropy, smoothed_cross_entropy_torch

logits, target = np.array([[4.0, 0.0, 0.0, 0.0]]), np.array([0])
twin = smoothed_cross_entropy_torch(torch.tensor(logits), torch.tensor(target), 0.1)
np.testing.assert_allclose(twin.item(), smoothed_cross_entropy(logits, target, 0.1), rtol=1e-12)
sizes = (1.0, 4.0, 8.0, 32.0)
unsure = [logits / 4.0 * size for size in sizes]

# %% [markdown]
# The twins agree. `unsure` holds the same logits on four scales.
#
# **Question.** With and without smoothing: on which scale is the loss lowest?

# %%
for epsilon in (0.0, 0.1):
    losses = [smoothed_cross_entropy(scaled, target, epsilon) for scaled in unsure]
    print(f"epsilon {epsilon}: {np.round(losses, 3)}, lowest at {sizes[np.argmin(losses)]}")
    assert (np.argmin(losses) == 3) == (epsilon == 0)

# %% [markdown]
# Without smoothing more certainty is always rewarded. With it the loss has a minimum at finite logits and grows beyond.
#
# **Question.** On top of the whole recipe, does either help? Remember in which unit smoothing is judged: plain $-\log_2 p$, without
# the smoothing.

# %%
for name in ("layer norm", "label smoothing"):
    entry = against["whole recipe"][f"with {name}"]
    print(f"with {name:<16} {entry['mean']:+.3f} bits, 95 % interval {entry['interval']}")
began = result["variants"]["with layer norm"]["averaged_from"]
print(f"with layer norm averaging never began in {began.count(None)} of {len(began)} runs")
assert against["whole recipe"]["with layer norm"]["interval"][0] > 0 > entry["interval"][1]
assert entry["p_holm"] < 0.05

# %% [markdown]
# Label smoothing helps a little more, although its training aims at another loss than the one that is counted here. Layer norm,
# with a step size that was chosen for it, makes it worse; averaging, the most important part, often does not even begin in its runs.
# It is a cure for deep stacks that are hard to train, and ours has one layer.
#
# ### Dropout left on
#
# Chapter 4 predicted with dropout on, many times (*Monte Carlo dropout*). For a language model the mean is one of probabilities.
#
# **Question.** In bits: is the mean over 30 passes better than one pass with dropout off?

# %%
from labcode.applications.language import windows
from labcode.training import predict
from labcode.training.monte_carlo import monte_carlo_predict

x, y = windows(small.validation[:4001], 100)
rows = np.arange(len(x))[:, None], np.arange(100), y
passes = monte_carlo_predict(model, x, 30, generator=torch.Generator().manual_seed(0))
chances = passes.softmax(dim=-1).numpy()[:, *rows]
off = predict(model, x).softmax(dim=-1).numpy()[rows]
numbers = [1, 2, 5, 10, 30]
mixture = [-np.log2(chances[:n].mean(axis=0)).mean() for n in numbers]

# %% [markdown]
# `chances` holds the probability of each right character in each pass.
#
# **Question.** Sketch the curve before you look.

# %%
single, off = -np.log2(chances).mean(), -np.log2(off).mean()
_ = plots.passes_and_mean(numbers, mixture, off=off, single=single, unit="bits a character")
print(f"single passes {single:.3f}, mean of 30 {mixture[-1]:.3f}, dropout off {off:.3f}")
assert mixture[-1] < single
assert abs(mixture[-1] - off) < 0.15

# %% [markdown]
# The mean over passes is far better than a single pass (it can never be worse than the passes' mean loss, by Jensen's
# inequality). Ten passes are about as good as one pass with dropout off, and thirty not much better, at thirty times the cost.

# %% [markdown]
# ### What it writes
#
# A language model writes by drawing a character, reading it, and drawing the next. The **temperature** τ divides the logits before
# the softmax: below 1 the probable becomes more probable, above 1 everything becomes more alike.
#
# **Question.** Which share of the words that it writes will be words of the text, at τ = 0.3 and at τ = 1.5?

# %%
from labcode.applications.language_model import generate, next_logits

start, samples = small.encode("   the value of the "), {}
for temperature in (0.3, 0.5, 0.7, 1.0, 1.5):
    source = torch.Generator().manual_seed(0)
    written = generate(model, start, 400, temperature=temperature, generator=source)
    samples[temperature] = small.decode(written)
print(samples[0.5][:200])

# %% [markdown]
# Five texts of 400 characters, of which this is the beginning of one.
#
# **Question.** And the shares?

# %%
vocabulary, shares = set(small.decode(small.train).split()), {}
for temperature, sample in samples.items():
    shares[temperature] = np.mean([word in vocabulary for word in sample.split()])
print({temperature: round(float(share), 2) for temperature, share in shares.items()})
assert shares[0.3] > shares[1.5] + 0.2

# %% [markdown]
# The colder, the more real words, and the more of the same ones. The slider shows the next character and a text for each
# temperature. (↵ is the end of a line, ␣ a space.)
#
# **Question.** At which temperature does it begin to invent words?

# %%
from labcode.widgets import TemperatureExplorer

logits = next_logits(model, start).numpy()
explorer = TemperatureExplorer(
    logits, small.vocabulary, samples, context=small.decode(start[-13:]), value=max(samples)
)
explorer.widget()

# %% [markdown]
# And as a still picture, at τ = 0.7.
#
# **Question.** After a space at the end of a phrase: which letters would you expect?

# %%
most = np.argsort(-logits)[:14]
shown = [small.vocabulary[at] for at in most]
_ = plots.next_characters(shown, explorer.probabilities(0.7), context=small.decode(start[-13:]))
print(samples[0.7][:150])
assert explorer.probabilities(0.7).sum() <= 1.0001

# %% [markdown]
# It has learned what Python's prose looks like, indents included, from 20,000 characters. It has not learned what it means.

# %% [markdown]
# ### What carries over
#
# Transformers and state-space models have taken the LSTM's place. Which of its regularizers did they inherit? A method
# carries over if what it touches is still there:
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
# state with an inverted mask at each step: its mean stays right. Its variance?
#
# **Question.** One thing to remember, written at step 0, a = 0.99, p = 0.1. What do 20,000 masks make of it after 50 steps?

# %%
rng, steps, a, p = np.random.default_rng(0), 50, 0.99, 0.1
memory, spread = np.ones(20_000), []
for _ in range(steps):
    memory = a * memory * (rng.random(20_000) >= p) / (1 - p)
    spread.append(memory.std() / memory.mean())
expected = np.sqrt((1 / (1 - p)) ** np.arange(1, steps + 1) - 1)
print(f"mean {memory.mean():.2f} (without masks {a**steps:.2f}); {np.mean(memory == 0):.1%} have lost it")
print(f"spread relative to the mean: {spread[-1]:.1f}, by the formula {expected[-1]:.1f}")
assert np.mean(memory == 0) > 0.98
assert abs(spread[9] / expected[9] - 1) < 0.1

# %% [markdown]
# All but about 0.5 % of the units have forgotten, and these few shout to keep the mean. The spread grows like $(1-p)^{-t/2}$,
# without limit. The same holds for an LSTM whose cell is dropped at every step (chapter 3); there gates and tanh at
# least bound what the next layer sees. So state-space models drop what goes up, not what goes on.
#
# **Question.** One small model of each kind on our text, with and without dropout of 0.2 on what goes up. Do they overfit
# as the LSTM does?

# %%
from labcode.applications.window_models import WindowModel
from labcode.early_stopping import EarlyStopping
from labcode.training import fit

parts = [windows(part, 50) for part in (small.train, small.validation[:5_001])]
how = {"task": "sequence", "epochs": 10, "batch_size": 8, "progress": False}
print(WindowModel(len(small.vocabulary), 64, "state space"))

# %% [markdown]
# One block, between an embedding and a head; the Transformer's is `torch.nn.TransformerEncoderLayer`.
#
# **Question.** Why is there no state to carry from window to window in the Transformer?


# %%
def train_on_windows(kind, dropout, seed=0):
    """Train one of the models on windows, with early stopping, and return its history."""
    with seeded(seed):
        net = WindowModel(len(small.vocabulary), 64, kind, dropout=dropout)
        how["optimizer"] = torch.optim.AdamW(net.parameters(), lr=0.005, weight_decay=0.0)
        how["early_stopping"] = EarlyStopping(patience=3, restore_best_weights=True)
        return fit(net, *parts, generator=torch.Generator().manual_seed(seed), **how)


pairs = [(kind, dropout) for kind in ("transformer", "state space") for dropout in (0.0, 0.2)]
runs = {pair: train_on_windows(*pair) for pair in pairs}

# %% [markdown]
# It looks at all places of its window at once. Early stopping keeps the best of at most 10 epochs.
#
# **Question.** Read both losses at the epoch that was kept.

# %%
for (kind, dropout), run in runs.items():
    at = run.best_epoch
    train_bits, validation_bits = (losses[at] / np.log(2) for losses in (run.train_loss, run.validation_loss))
    print(
        f"{kind:<12} dropout {dropout}: training {train_bits:.2f}, validation {validation_bits:.2f} bits, epoch {at}"
    )
gaps = {key: run.gap[run.best_epoch] / np.log(2) for key, run in runs.items()}
assert all(gaps[kind, 0.0] > 0.1 for kind in ("transformer", "state space"))

# %% [markdown]
# They overfit as the LSTM does, and early stopping saves them in the same way. Dropout on what goes up moves both losses of the
# Transformer and of the state-space model, not always for the better: one seed and one strength are an illustration and no
# measurement. The protocol of this course (a strength chosen on validation data, paired seeds, an interval) carries over best of all.
#
# ### The ledger
#
# The article's other sentence was that regularization prevents overfitting and improves generalization. The course has
# turned the whole article into claims that can fail, each tied to an experiment with paired seeds, intervals and a test
# part that was read once. Here they all are.
#
# **Question.** Before you look: which claim of the article do you trust least by now?

# %%
from labcode.experiments.ledger import read_ledger

claims = read_ledger()
plots.ledger(claims)

# %% [markdown]
# The menus choose a section, a method or a verdict; a section's number leads to its chapter. Each row shows the first effect of a
# claim with its 95 % interval; a click unfolds all of them and where they are recorded. The intervals of one claim are so wide that all of them hold together, and they alone decide, by a rule that is
# written once (`labcode/experiments/verdicts.py`):
#
# - *shown*: in every place the interval lies on the claimed side; *shown in some*: in k of n, and nowhere on the other side;
# - *contradicted*: somewhere it lies clearly on the other side, whatever it does elsewhere;
# - *equivalent*: everywhere inside the margin, which a claim names with its reason (most often 1 % of the reference's loss);
# - *undecided*: this experiment could not tell. How large an effect it would have seen stands in
#   `evidence/claims.toml`.
#
# What the article says and what the course adds are told apart: its early stopping, for instance, is one of its own methods, so
# "better than early stopping" is the course's bar and no claim of the article.
#
# **Question.** How many of each?

# %%
from labcode.experiments.verdicts import VERDICTS

for kind in ("article", "finding"):
    verdicts = [claim.word for claim in claims if claim.kind == kind]
    print(f"{kind:<8}", {verdict: verdicts.count(verdict) for verdict in VERDICTS})
for claim in claims:
    says = [found.says for found in claim.found]
    assert ("supports" in says) == (claim.word.startswith("shown") or "shown in" in claim.verdict)

# %% [markdown]
# Whatever the numbers say today, they were found on small data, with small models, on a laptop, and the test parts have been
# seen by whoever wrote these sentences. *Undecided* is no "no", and *contradicted* means: here. The point of the ledger is
# that you can run it again with your own data (`python course.py evidence --folder DIR`), and change a verdict.

# %% [markdown]
# ## What to remember
#
# - Test text must not repeat training text: paragraphs that were seen cost a counting model about half as many bits.
# - A language model is measured in bits a character (or perplexity, $2^{\text{bits}}$), and has to beat counting with long contexts.
# - AWD-LSTM's recipe: embedding dropout, locked dropout, weight drop, AR and TAR, weight decay, tied weights, averaged SGD, varied
#   lengths. NT-ASGD begins to average when a loss is above the lowest of those before the last n.
# - An ablation answers "what does this part add to all the others, at these strengths and this budget?", and nothing else.
#   Compare a recipe with its best single part, tuned as carefully.
# - What touches the vocabulary's matrix, the loss, the weights or what goes up carries over to Transformers and state-space
#   models. What touches the way through time does not.
# - The ledger lists what was claimed, where it was shown and where contradicted, and what could not be decided.
#
# ## Quiz
#
# **1.** A model has a loss of 0.69 nats a character. Bits? Perplexity?
#
# <details><summary>Answer</summary>
#
# 0.69 / ln 2 is about 1 bit, the perplexity 2: as uncertain as a fair coin.
# </details>
#
# **2.** Training with label smoothing gives a *higher* training loss than without. Does it fit worse?
#
# <details><summary>Answer</summary>
#
# That cannot be said from these two numbers: the smoothed loss has a floor above 0, the entropy of the smoothed targets.
# Compare plain cross-entropy.
# </details>
#
# **3.** With n = 5 and the validation losses 9, 8, 7, 7.5, 7.4, 7.3, 7.2, 7.1: has averaging begun?
#
# <details><summary>Answer</summary>
#
# No. The last loss, number 7, is compared with the lowest of 9 and 8 (the five before it are left out), and 7.1 is lower.
# </details>
#
# **4.** Take out any single part, and the recipe loses next to nothing. Does that show that none of them is needed?
#
# <details><summary>Answer</summary>
#
# No. Two parts may do the same job, so that either can go, but not both. An ablation that removes one part at a time does not
# see it.
# </details>
#
# **5.** Why does nobody use recurrent dropout in a Transformer?
#
# <details><summary>Answer</summary>
#
# There is no state that moves from step to step, and so nothing to drop on that way. Its dropouts sit on what goes up, on the
# embedding and on the attention weights.
# </details>
#
# **6.** A paper reports a gain of 0.01 bits from one seed. What do you ask?
#
# <details><summary>Answer</summary>
#
# For more seeds and an interval; whether the baseline was tuned with the same budget; whether test data took part in any
# choice; and whether the test text repeats the training text.
# </details>
#
# **Next:** [exercise 8](../exercises/ex08_outlook.ipynb) lets you compute bits and temperatures, the trigger of NT-ASGD, AR and TAR
# with padding, and the gradient of a matrix that is used twice. Chapter 9 answers the article's questions.
