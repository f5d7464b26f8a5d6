# %% [markdown]
# # Chapter 6, part 2: Translating a user interface
#
# *About 65 minutes: 30 of reading, 33 of thinking and trying; the cells run in about one. Needs:
# [part 1](06_1_text.ipynb), which shows how results of this chapter are read. This part mirrors section 6 of the article.*
#
# **After this chapter you can**
#
# - say what an encoder, a decoder and teacher forcing are, and why the loss in training is not what happens in use;
# - write a translation greedily and by beam search, and score it with chrF;
# - tell a model that overfits from one that has too little to learn from, and a lower loss from a better translation.

# %% [markdown]
# ## 6.2 Machine translation
#
# ### Task and data
#
# The menus and messages of JupyterLab in English, at most 8 words, and what its translators made of them in Chinese, at most
# 12 characters.

# %%
from labcode.applications.task_baselines import BASELINES
from labcode.data import translation

data = translation.load(seed=0)
human = {name: translation.references(data, name) for name in data.splits}
for number in range(0, 1200, 120):
    print(f"{data.train.items[number]:<42} {human['train'][number]}")

# %% [markdown]
# Short ones can be translated word by word, or nearly; longer ones change the order. (If you do not read Chinese: below,
# compare the signs of two translations one by one.)
#
# A model reads the English *words* and writes Chinese *characters*. A word or character that occurs only once outside the
# test part is not learned, but becomes "unknown". How much is there to learn from?

# %%
import numpy as np

print({name: len(split.x) for name, split in data.splits.items()})
words, characters = len(data.vocabulary), len(data.target_vocabulary)
print(f"{words} words, {characters} characters, four signs of each for other uses")
is_unknown = data.validation.x[data.validation.padding_mask] == translation.UNKNOWN
occurrences = np.bincount(data.train.x.ravel(), minlength=words)[len(translation.SPECIAL) :]
print(f"unknown among the validation words: {is_unknown.mean():.0%}")
print(f"words seen at most 5 times in training: {(occurrences <= 5).mean():.0%}")

# %% tags=["guard"]
assert (occurrences <= 5).mean() > 0.5

# %% [markdown]
# More than half of the words occur five times or less. That is little to learn a word's meaning from, and no regularizer
# adds an example. Keep it in mind.

# %% [markdown]
# ### Encoder and decoder
#
# One LSTM, the *encoder*, reads the English words; its final state $(h, c)$ is all that the other one gets. The *decoder*
# starts from that state and predicts one character after the other
# ([Sutskever, Vinyals & Le 2014](https://arxiv.org/abs/1409.3215)).
#
# In training it reads, at each step, the *right* character before, not the one that it would have written. This is *teacher
# forcing*. What the decoder reads stands here above what it has to predict:

# %%
number = next(n for n, text in enumerate(human["train"]) if len(text) == 5)
target = [data.target_vocabulary[token] for token in data.train.y[number] if token >= 0]
print(data.train.items[number])
print("reads:   ", " ".join(["<start>", *target[:-1]]))
print("predicts:", " ".join(target))

# %% tags=["guard"]
assert target[-1] == "<end>"

# %% [markdown]
# The same, moved by one. In use nobody knows the right character; the decoder reads its own, mistakes included. So the loss
# that we watch answers a kinder question than the one that counts: *given that all was right so far*, what is next?
#
# ### What simple rules reach
#
# First by the loss, the cross-entropy of a character. *Token frequencies* knows how often each character is; *pairs of
# tokens* also which one follows which. Neither reads a word of English.
#
# **Question.** Given the right character before, how many of 100 Chinese characters can be guessed without the English?

# %%
from labcode.check import guess

unread = guess("Without reading the English: how many characters are right?", unit="of 100")

# %%
from labcode.applications.metrics import accuracy, item_losses

rules = {}
for name, rule in BASELINES["translation"].items():
    outputs, y = rule(data, "validation"), data.validation.y
    rules[name] = float(item_losses("sequence", outputs, y).mean())
    print(f"{name:<18} cross-entropy {rules[name]:.2f}, right {accuracy(outputs, y):.0%}")
print(f"guessing blindly   cross-entropy {np.log(characters):.2f}")
unread.met(round(100 * accuracy(outputs, y)), within=5)

# %% tags=["guard"]
assert (
    rules["pairs of tokens"] < rules["token frequencies"] - 0.8 < np.log(characters) - 0.8
)

# %% [markdown]
# A good part: the language itself says much about its next character.
#
# Then by what people read. *chrF* compares a translation with a human one by the groups of neighbouring characters that both
# have ([Popović 2015](https://aclanthology.org/W15-3049)). For each length $n$ up to 6 it counts *precision*, the share of
# the translation's groups that the reference has, and *recall*, the share of the reference's groups that the translation
# has. Their means over $n$, $P$ and $R$, give
#
# $$ \text{chrF} = 100 \cdot (1 + \beta^2) \, \frac{P R}{\beta^2 P + R}, \qquad \beta = 2, $$
#
# which counts recall twice as much.
#
# **Question.** The reference is 打开新文件 (open a new file), the translation 打开文件 (open a file). What are precision and
# recall for groups of one character, and of two?

# %%
from labcode.applications.metrics import chrf

precision = np.mean([4 / 4, 2 / 3])  # 打 开 文 件; 打开 and 文件 of 打开 开文 文件
recall = np.mean([4 / 5, 2 / 4])  # of 打 开 新 文 件; of 打开 开新 新文 文件
by_hand = 100 * 5 * precision * recall / (4 * precision + recall)
print(f"by hand {by_hand:.2f}, labcode {chrf(['打开文件'], ['打开新文件'], order=2):.2f}")
np.testing.assert_allclose(chrf(["打开文件"], ["打开新文件"], order=2), by_hand)

# %% [markdown]
# Precision 4/4 and 2/3, recall 4/5 and 2/4. Two rules can be scored so: to *copy* the English, and a *translation memory*,
# which looks up the training message that shares most words and returns its translation. Translators work with such
# memories.

# %%
memory = {name: rule(data, "validation") for name, rule in translation.TRANSLATORS.items()}
score = {name: chrf(texts, human["validation"]) for name, texts in memory.items()}
print({name: round(found, 1) for name, found in score.items()})
for number in (1, 3, 5, 7, 9):
    found, wanted = memory["translation memory"][number], human["validation"][number]
    print(f"{data.validation.items[number]:<44} {found:<12} (human: {wanted})")

# %% tags=["guard"]
assert score["copy"] < 6 < 15 < score["translation memory"]

# %% [markdown]
# The memory writes perfect Chinese, of a neighbouring message. About a quarter of the possible score is what a network has to
# beat, and no training at all went into it.

# %% [markdown]
# ### Does it overfit?
#
# Now the network, declared in `evidence/translation.toml`: two LSTMs of 96 units. After every epoch we also score its
# translations, written greedily (more on that below).

# %%
from labcode.applications.decoding import greedy_search


def written(tokens):
    """Put the translations together again."""
    return [translation.decode(one, data) for one in tokens]


def validation_chrf(model):
    """Translate the validation part greedily, and score it."""
    x, _, padding_mask = data.validation
    return chrf(written(greedy_search(model, x, padding_mask)), human["validation"])


# %% [markdown]
# One training, seed 0, without any regularization.
#
# **Question.** Sketch three curves: training loss, validation loss, chrF. Which epoch would each of them choose?

# %%
from labcode.experiments.declaration import EVIDENCE, read_declaration
from labcode.experiments.runs import make_run, train

declared = read_declaration(EVIDENCE / "translation.toml")


def train_and_score(methods):
    """Train one translator, and score it after each epoch; return it with its curves."""
    scores = []

    def keep(epoch, losses, model):
        scores.append(validation_chrf(model))

    model, history = train(make_run(declared, methods, seed=0), on_epoch_end=keep)
    losses = {"train": history.train_loss, "validation": history.validation_loss}
    return model, {**losses, "chrf": scores}


# %%
from labcode import plots

model, curves = train_and_score({})
bar = {"baseline": rules["pairs of tokens"], "baseline_label": "pairs of tokens"}
unit = "cross-entropy of a character [nats]"
_ = plots.learning_curves(curves["train"], curves["validation"], **bar, unit=unit)
kept = {"lowest loss": int(np.argmin(curves["validation"]))}
kept |= {"highest chrF": int(np.argmax(curves["chrf"])), "last": len(curves["chrf"]) - 1}
for name, at in kept.items():
    loss, found = curves["validation"][at], curves["chrf"][at]
    print(f"{name:<13} epoch {at:2d}   loss {loss:.2f}   chrF {found:.1f}")
print(f"translation memory                     chrF {score['translation memory']:.1f}")

# %% tags=["guard"]
assert curves["train"][-1] < 0.8 < 2 < curves["validation"][-1]
assert min(curves["validation"]) < curves["validation"][-1] - 0.02
assert curves["validation"][-1] < rules["pairs of tokens"]
assert max(curves["chrf"]) < score["translation memory"]

# %% [markdown]
# The training loss would choose the last epoch; the validation loss turns well before. The model learns its 1,200 pairs by
# heart. (Its validation loss is lower than that of pairs of tokens all the same: the English helps.) And whatever the epoch,
# by chrF the network stays behind the memory. For the third answer one run says too little.

# %% [markdown]
# ### Lower loss, better translations?
#
# `python course.py evidence 06_translation` trains ten such models, each on another drawing of training and validation
# messages, and ten more with output dropout at 0.3, a rate that was fixed before. After each epoch it measures both.
#
# **Question.** Early stopping would keep the epoch of the lowest loss. Does the best chrF come at the same time?

# %%
TIMES = ("later in every run", "now later, now earlier", "earlier in every run")
best_epoch = guess(
    "Translation: when does the best chrF come, beside the lowest loss?", options=TIMES
)

# %%
from labcode.experiments import load_result

study = load_result("06_translation")
names = {"0.0": "none", "0.3": "output dropout 0.3"}
recorded = {
    measure: {
        names[rate]: np.array([one["curves"][measure] for one in runs])
        for rate, runs in study["runs"].items()
    }
    for measure in ("validation", "chrf")
}
lookup = float(np.mean(study["rules"]["validation"]["translation memory"]))
losses, scores = recorded["validation"], recorded["chrf"]
_ = plots.loss_and_score(losses, scores, rules={"translation memory": lookup})
later = scores["none"].argmax(axis=1) > losses["none"].argmin(axis=1)
best_epoch.met(TIMES[0] if later.all() else TIMES[1] if later.any() else TIMES[2])

# %% tags=["guard"]
assert study["settings"]["model"] == declared.model
assert later.all()
assert scores["none"].max() < lookup
assert losses["output dropout 0.3"].min(axis=1).mean() < losses["none"].min(axis=1).mean()

# %% [markdown]
# Later, in every run. Both are right, about different things. Late in training the model gets ever surer, also of its
# mistakes, and the loss charges for that; its *first choice*, which is all that greedy search reads, meanwhile gets better.
# With dropout the loss is lower and turns later. The translations are hardly better, and all stay far below the line of the
# memory.
#
# In numbers, on test messages that no other experiment uses: what do early stopping (on the loss) and dropout (to the last
# epoch) change, beside no regularization at the last epoch?

# %%
for measure in ("loss", "chrf"):
    for name, effect in study["summary"][measure].items():
        interval = "{:+.2f} to {:+.2f}".format(*effect["interval"])
        print(f"{measure:<5} {name:<15} {effect['mean']:+6.2f}, 95 % interval {interval}")

# %% tags=["guard"]
summary = study["summary"]
assert all(effect["interval"][1] < 0 for effect in summary["loss"].values())
assert summary["chrf"]["early stopping"]["interval"][1] < 0
low, high = summary["chrf"]["dropout 0.3"]["interval"]
assert low < 0 < high

# %% [markdown]
# Early stopping does what it promises, a lower loss, and **costs some chrF**. Dropout lowers the loss, too, and of its chrF
# we can only say that nothing is clear. Whoever wants good translations should stop by a score of translations. The loss is
# not wrong; it answers another question. (All runs had the same number of epochs; more might have raised chrF further.)

# %% [markdown]
# ### Greedy search and beam search
#
# A decoder gives probabilities; somebody has to choose. *Greedy search* takes the most probable character at each step and
# never looks back. *Beam search* keeps the `width` most probable beginnings, extends each by every character, and keeps the
# best `width` of what comes out ([Graves 2012](https://arxiv.org/abs/1211.3711)). The score of a beginning is the sum of its
# log-probabilities.
#
# **Question.** Could a translation that begins with the *second* best character be more probable as a whole?

# %%
from labcode.applications.decoding import beam_search

x, _, padding_mask = data.validation.subset(slice(0, 200))
greedy = greedy_search(model, x, padding_mask)
beams = beam_search(model, x, padding_mask, width=4)
one = next((n for n in range(200) if beams[n][0][0][:1] != greedy[n][:1]), 0)
print(data.validation.items[one], "(human:", human["validation"][one] + ")")
print("greedy: ", translation.decode(greedy[one], data))
for tokens, log_probability in beams[one]:
    print(f"{log_probability:7.2f}  {translation.decode(tokens, data)}")

# %% [markdown]
# Yes: this is the first message for which the two begin with different characters. Greedy search went where the first step
# looked best.
#
# **Question.** Is what is more probable a better translation? Three ways to search: greedily, by the sum of the
# log-probabilities, and by their mean, which does not favour short translations.


# %%
def best_of(width, power=0.0):
    """Return the best translations of the 200 messages, as texts, and their scores."""
    beams = beam_search(model, x, padding_mask, width=width, length_power=power)
    found = [best[0] for best in beams]
    return written(tokens for tokens, _ in found), np.array([score for _, score in found])


# %%
narrow, wide, by_mean = best_of(1), best_of(4), best_of(4, power=1.0)
more = (wide[1] > narrow[1] + 1e-4).mean()
print(f"width 4 finds something more probable for {more:.0%} of the messages")
texts = {"greedy": narrow[0], "width 4, sum": wide[0], "width 4, mean": by_mean[0]}
wanted = human["validation"][:200]
for name, one in {**texts, "human": wanted}.items():
    length = np.mean([len(text) for text in one])
    print(f"{name:<14} chrF {chrf(one, wanted):5.1f}, {length:.1f} characters")
print("ten models of the study, on their test messages, beside greedy search:")
for name, effect in study["summary"]["search"].items():
    interval = "{:+.2f} to {:+.2f}".format(*effect["interval"])
    print(f"  {name:<14} chrF {effect['mean']:+.2f}, 95 % interval {interval}")

# %% tags=["guard"]
assert more > 0.2
assert np.mean([len(text) for text in wide[0]]) < np.mean(
    [len(text) for text in by_mean[0]]
)
assert all(effect["interval"][0] > 0 for effect in study["summary"]["search"].values())

# %% [markdown]
# A little: over ten models the gain is clear, whichever way lengths are compared, for a few more seconds of computing and
# without any training. By the sum translations are shorter, since each character costs probability; by the mean they are
# longer.
#
# **Try it yourself.** Score `best_of(2, power=1.0)` and `best_of(16, power=1.0)` in the same way. Where does a wider beam
# stop paying, and does it ever hurt?

# %% [markdown]
# ### What helps
#
# Now the protocol of part 1, for single methods and *everything*, which is several of them at once. The loss is that of the
# next character, given the right ones before; the *error* is the share of wrong characters, in the same setting.
#
# **Question.** In part 1 only noise helped beyond early stopping. Here there are six methods: L2, max-norm, output, embedding and
# recurrent dropout, and everything. How many of them will be clear?

# %%
here = guess(
    "Translation, beside early stopping: how many methods lower the loss?", unit="methods"
)

# %%
from labcode.experiments.result_tables import differences, outcomes
from labcode.plots.style import printed

result = load_result("translation")
effects, wrong = (differences(result, measure=measure) for measure in ("loss", "error"))
_ = plots.effect_forest(effects, unit="test cross-entropy")
for name, found in (("loss", effects), ("wrong characters", wrong)):
    for variant in ("last", "early"):
        lower = outcomes(found[f"none_{variant}"], variant)["lower"]
        print(f"{name}, {variant}, clearly lower:", ", ".join(map(printed, lower)))
here.met(len(outcomes(effects["none_early"], "early")["lower"]))

# %% tags=["guard"]
assert result["hash"] == declared.hash
every = set(effects["none_last"]) - {"none"}
assert all(
    set(outcomes(effects[f"none_{v}"], v)["lower"]) >= every for v in ("last", "early")
)
by_error = {v: set(outcomes(wrong[f"none_{v}"], v)["lower"]) for v in ("last", "early")}
assert {"recurrent_dropout_h", "everything"} <= by_error["last"] & by_error["early"]
assert (
    set(outcomes(differences(result, measure="gap")["none_last"], "last")["lower"]) == every
)

# %% [markdown]
# **All of them**, by the loss and in both panels: the penalty, the limit, each kind of dropout, and *everything*. In wrong
# characters less is clear at the last epoch; recurrent dropout on $h$ and the combination are, in both.
#
# The recorded runs, to look for yourself. **Try this:**
#
# 1. Move the strength of recurrent dropout. Do the two curves on the left come together, and is the training loss lifted?
# 2. Find a method at a strength that brings them together and leaves the validation loss as high as before.

# %%
from labcode.experiments.result_tables import sweep
from labcode.widgets import MethodExplorer

none = sweep(result, "none")[0.0]
sweeps = {label: sweep(result, label) for label in result["chosen"] if label != "none"}
method = result["references"]["best_single_early"]
strength = result["chosen"][method]["early"]["strength"]
first = (method, max(sweeps[method]))
MethodExplorer(sweeps, none, unit="cross-entropy", value=first).widget()

# %% [markdown]
# And as a still picture, the best single method by validation loss at its chosen strength:

# %%
words = {"name": printed(method), "unit": "cross-entropy"}
_ = plots.strength_sweep(sweeps[method], none, strength, **words)

# %% [markdown]
# ### Into another language
#
# The same messages into **French**, of at most 12 *words*, with the strengths that were chosen for Chinese. What would have
# to be the same for the strengths to fit?

# %%
from labcode.experiments.result_tables import confirmed

_ = plots.effect_forest(
    differences(result, where="confirmation"), unit="test cross-entropy"
)
french = {
    (measure, variant): confirmed(result, variant, measure=measure)["lower"]
    for measure in ("loss", "error")
    for variant in ("last", "early")
}
for (measure, variant), found in french.items():
    print(f"{measure}, {variant}, clearly lower in both:", ", ".join(map(printed, found)))

# %% tags=["guard"]
assert all(set(french["loss", variant]) >= every for variant in ("last", "early"))
both = set(french["error", "last"]) & set(french["error", "early"])
assert {"recurrent_dropout_h", "everything"} <= both

# %% [markdown]
# All of it is confirmed: every method lowers the loss in French, too, against both references; in wrong words, recurrent
# dropout and the combination do. On the texts of part 1 nothing of the kind could be confirmed. One difference is known,
# though not whether it is the reason: there the number of steps had shrunk by a third, here both data sets are about equally
# large.

# %% [markdown]
# ### What it costs
#
# Time of a training beside one without regularization, seed by seed.

# %%
from labcode.experiments.result_tables import relative_seconds

_ = plots.training_costs(costs := relative_seconds(result))

# %% tags=["guard"]
assert 1 < costs["recurrent_dropout_h"][0] < 1.5

# %% [markdown]
# Recurrent dropout works inside the loop over the steps, but costs little here. Sequences are short, and at each step the
# decoder also computes an output for more than 500 characters, which no mask makes slower.
#
# Its loss is low. Its chrF is not on record, so we train it once, with the seed of the plain model above. Lower loss: better
# translations, this time?

# %%
rate = result["chosen"]["recurrent_dropout_h"]["last"]["strength"]
_, recurrent = train_and_score({"recurrent_dropout_h": rate})
for name, found in (("none", curves), (f"recurrent dropout {rate:g}", recurrent)):
    loss, last = found["validation"][-1], found["chrf"][-1]
    print(f"{name:<22} last epoch: loss {loss:.2f}, chrF {last:.1f}")

# %% tags=["guard"]
assert recurrent["validation"][-1] < curves["validation"][-1] - 0.05

# %% [markdown]
# The loss is clearly lower. Of chrF one pair of runs says little: the ten runs of the study differ from each other by several
# points. It would take a study like that one, with this method in it.

# %% [markdown]
# ### Predictions to look at
#
# Ten messages of the validation part, not picked. Which translations would you accept?


# %%
def show(split, every):
    """Print some messages of a part, with both translations."""
    x, _, padding_mask = data.splits[split].subset(slice(0, 10 * every, every))
    for at, text in enumerate(written(greedy_search(model, x, padding_mask))):
        number = at * every
        message, wanted = data.splits[split].items[number], human[split][number]
        print(f"{message:<44} {text:<14} (human: {wanted})")


show("validation", every=40)

# %% [markdown]
# A few are right or nearly so. Most are fluent, and say something else: the decoder has learned what such messages sound
# like. It is the decoder's language, not the reading of English, that 1,200 examples suffice for. And messages of the
# *training* part?

# %%
show("train", every=120)
x, _, padding_mask = data.train
learned = chrf(written(greedy_search(model, x, padding_mask)), human["train"])
print(f"chrF on the training part: {learned:.0f}")

# %% tags=["guard"]
assert learned > 60

# %% [markdown]
# Nearly all are known by heart.
#
# **Try it yourself.** Call `show("validation", every=20)` and count the translations that you would accept, or those that
# share at least half of their signs with the human one. Then keep the recurrent model, with
# `model, recurrent = train_and_score(...)` in the cell above, and count again. Does your count agree with chrF?

# %% [markdown]
# ### The article's claim, and what was found
#
# The article's sentence, in our words: LSTMs are widely used for machine translation and similar tasks, and there
# regularization makes them generalize better and keeps them from overfitting.
#
# - *They overfit*: yes. Of its training messages the model knows nearly all by heart.
# - *Regularization keeps them from it*: every method narrows the gap, and lowers the loss on new messages.
# - *They generalize better*: by the loss, with every method, beyond early stopping, in Chinese and in French. By chrF, which
#   is closer to what people want of a translation, stopping early made them worse and output dropout made no clear
#   difference. **What is missing here is data, and no regularizer adds any.**
# - And *widely used*: a lookup of the nearest message is better by several points. (LSTMs were the state of the art of
#   translation for a few years, on collections ten thousand times as large.)

# %% [markdown]
# ## What to remember
#
# - An encoder's last state begins a decoder. In training the decoder reads the right characters (teacher forcing), in use its
#   own.
# - Greedy search takes the best step, beam search keeps several beginnings. More probable is not the same as better.
# - chrF compares groups of characters with a human translation, recall counting twice. It is closer to what people read; the
#   loss is what training sees.
# - Early stopping on the loss lowered the loss and worsened the translations. Stop by what you want.
# - Compare with a rule that needs no training. Here it is a lookup, and it wins.

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1.** Why can a decoder have a low loss and write poor translations?
#
# - [x] The loss is measured with the right characters before.
#   > In use one early mistake is read by all later steps, which have never seen such a beginning in training.
# - [ ] The loss is measured on the training messages.
#   > The validation loss is not, and it has the same trouble.
# - [ ] A low loss means that the model is unsure of everything.
#   > A model that is unsure of everything has a high loss.
#
# **2.** What is beam search with a width of 1? And does a larger width always find a translation that is at least as
# probable?
#
# - [ ] A random choice; yes, more beginnings cannot hurt.
#   > Nothing is drawn at random, and they can.
# - [ ] Greedy search; yes, it sees all that greedy search sees.
#   > Not to the end: a beginning that greedy search follows can be pushed out by others that look better for a moment.
# - [x] Greedy search; no, though mostly.
#   > Only a search that keeps every beginning would be exact, and it would be far too large.
#
# **3.** By the *sum* of log-probabilities short translations are favoured. Why?
#
# - [ ] Short messages are more frequent in the training part.
#   > That would be learned by the model, and would be no fault of the sum.
# - [x] Each further character adds a negative number.
#   > Dividing by the length compares the mean of a character instead, and lets longer ones win.
# - [ ] The beam is too narrow to hold long ones.
#   > Its width counts beginnings; their length is free.
#
# **4.** You want the epoch with the best translations. What do you do?
#
# - [ ] Stop by the validation loss, as always.
#   > Here the best chrF comes later, in every run of the study.
# - [x] Translate the validation part after each epoch, and stop by its chrF.
#   > Greedy search is fast enough for that.
# - [ ] Choose the epoch with the best chrF on the test part.
#   > That is a choice on test data. The test part is measured once, at the end.
#
# **5.** With a hundred times more messages, which would gain, the network or the memory?
#
# - [ ] Only the memory: it finds nearer neighbours.
#   > It does, but the network sees each word more often, too.
# - [ ] Only the network: a lookup cannot learn.
#   > A lookup with more to look up finds nearer neighbours.
# - [x] Both, and the network can put together what no neighbour has said.
#   > On large collections such models have replaced memories. It has not been shown here.

# %% [markdown]
# **Next:** [part 3](06_3_speech.ipynb) listens to spoken digits. The exercise to all five parts is
# [exercise 6](../exercises/ex06_applications.ipynb).
