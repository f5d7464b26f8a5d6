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
from labcode.nt_asgd import averaging_start

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


def train(settings, epochs, seed=0, **options):
    """Train a model of 64 units with some of the settings of the record."""
    settings = dict(settings)
    names = ("vary", "alpha", "beta")
    how = {"batch_size": 8, "steps": 50, "clip_norm": 0.25} | options
    how |= {name: settings.pop(name) for name in names if name in settings}
    rates = {"lr": settings.pop("lr"), "weight_decay": settings.pop("decay", 0.0)}
    settings.pop("averaging", None)
    with seeded(seed):
        model = LanguageModel(len(small.vocabulary), 64, **settings)
        optimizer = torch.optim.SGD(model.parameters(), **rates)
        source = torch.Generator().manual_seed(seed)
        return model, fit_language_model(
            model, small, optimizer=optimizer, epochs=epochs, generator=source, **how
        )


# %% [markdown]
# The function only sorts settings into model, optimizer and training.

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
# It learns, meets counting, and then learns the training text by heart: the picture of chapter 1.
#
# **Question.** Now the whole recipe. Where will averaging begin, and will you see it in the curve?

# %%
from labcode.nt_asgd import NonMonotonicTrigger

trigger = NonMonotonicTrigger(3)
model, history = train(whole, epochs=24, averaging=trigger)
curves = [np.array(losses) / np.log(2) for losses in (history.train_loss, history.validation_loss)]
_ = plots.learning_curves(
    *curves,
    baseline=min(plain.validation_loss) / np.log(2),
    baseline_label="best epoch without",
    unit="bits a character",
)
print(f"averaging begins after epoch {trigger.triggered_at}")
assert curves[1][-1] - curves[0][-1] < plain.gap[-1] / np.log(2)

# %% [markdown]
# The curve is restless as long as SGD runs alone; from the epoch after the trigger on it is the averaged model that is
# measured, and the curve falls at once and lies still. The gap is much smaller than before. One seed proves nothing, so:
# the record.

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
