# %% [markdown]
# # Chapter 6, part 2: Translating a user interface
#
# *About 45 minutes. Needs: [part 1](../notebooks/06_1_text.ipynb).*
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
#
# **Question.** Read a few. Which of them can be translated word by word?

# %%
from labcode.applications.task_baselines import BASELINES
from labcode.data import translation

data = translation.load(seed=0)
human = {name: translation.references(data, name) for name in data.splits}
for number in range(0, 1200, 120):
    print(f"{data.train.items[number]:<42} {human['train'][number]}")

# %% [markdown]
# Short ones nearly; longer ones change the order. (If you do not read Chinese: below, compare the signs of two translations one by one.) A model reads the English *words* and writes Chinese *characters*. A word or
# character that occurs only once outside the test part is not learned, but becomes "unknown".
#
# **Question.** About 1,200 pairs to learn from. How many different words and characters are there?

# %%
import numpy as np

print({name: len(split.x) for name, split in data.splits.items()})
print(
    f"{len(data.vocabulary)} words, {len(data.target_vocabulary)} characters, four signs of each for other uses"
)
unknown = data.validation.x[data.validation.padding_mask] == translation.UNKNOWN
occurrences = np.bincount(data.train.x.ravel(), minlength=len(data.vocabulary))[len(translation.SPECIAL) :]
print(f"unknown among the validation words: {unknown.mean():.0%}")
print(f"words seen at most 5 times in training: {(occurrences <= 5).mean():.0%}")
assert (occurrences <= 5).mean() > 0.5

# %% [markdown]
# More than half of the words occur five times or less. That is little to learn a word's meaning from, and no regularizer
# adds an example. Keep it in mind.

# %% [markdown]
# ### Encoder and decoder
#
# One LSTM, the *encoder*, reads the English words; its final state $(h, c)$ is all that the other one gets. The *decoder* starts
# from that state and predicts one character after the other ([Sutskever, Vinyals & Le 2014](https://arxiv.org/abs/1409.3215)).
#
# In training it reads, at each step, the *right* character before, not the one that it would have written: **teacher forcing**.
#
# **Question.** What stands under what? Align what the decoder reads with what it has to predict.

# %%
number = next(n for n, text in enumerate(human["train"]) if len(text) == 5)
target = [data.target_vocabulary[token] for token in data.train.y[number] if token >= 0]
print(data.train.items[number])
print("reads:   ", " ".join(["<start>", *target[:-1]]))
print("predicts:", " ".join(target))
assert target[-1] == "<end>"

# %% [markdown]
# The same, moved by one. In use nobody knows the right character; the decoder reads its own, mistakes included. So the
# loss that we watch answers a kinder question than the one that counts: *given that all was right so far*, what is next?
#
# ### What simple rules reach
#
# First by the loss, the cross-entropy of a character. *Token frequencies* knows how often each character is; *pairs of tokens* also
# which one follows which. Neither reads a word of English.
#
# **Question.** How much of a Chinese menu can be guessed without the English?

# %%
from labcode.applications.metrics import accuracy, item_losses

rules = {}
for name, rule in BASELINES["translation"].items():
    outputs = rule(data, "validation")
    rules[name] = float(item_losses("sequence", outputs, data.validation.y).mean())
    print(f"{name:<18} cross-entropy {rules[name]:.2f}, right {accuracy(outputs, data.validation.y):.0%}")
print(f"guessing blindly   cross-entropy {np.log(len(data.target_vocabulary)):.2f}")
assert rules["pairs of tokens"] < rules["token frequencies"] - 0.8 < np.log(len(data.target_vocabulary)) - 0.8

# %% [markdown]
# A good part. Where the right characters before are given, the language itself says much about the next.
#
# Then by what people read. **chrF** compares a translation with a human one by the groups of neighbouring characters that both
# have ([Popović 2015](https://aclanthology.org/W15-3049)): for each length $n$ up to 6 it counts *precision*, the share of the
# translation's groups that the reference has, and *recall*, the share of the reference's groups that the translation has. Their
# means over $n$ give
#
# $$ \text{chrF} = 100 \cdot (1 + \beta^2) \, \frac{P R}{\beta^2 P + R}, \qquad \beta = 2, $$
#
# which counts recall twice as much.
#
# **Question.** The reference is 打开新文件 (open a new file), the translation 打开文件 (open a file). Count groups of one and two
# characters, by hand.

# %%
from labcode.applications.metrics import chrf

precision = np.mean([4 / 4, 2 / 3])  # 打 开 文 件; 打开 and 文件 of 打开 开文 文件
recall = np.mean([4 / 5, 2 / 4])  # of 打 开 新 文 件; of 打开 开新 新文 文件
by_hand = 100 * 5 * precision * recall / (4 * precision + recall)
print(f"by hand {by_hand:.2f}, labcode {chrf(['打开文件'], ['打开新文件'], order=2):.2f}")
np.testing.assert_allclose(chrf(["打开文件"], ["打开新文件"], order=2), by_hand)

# %% [markdown]
# Two rules can be scored so: to *copy* the English, and a *translation memory*, which looks up the training message that shares
# most words and returns its translation. Translators work with such memories.
#
# **Question.** Which score will a copy reach, and which the memory?

# %%
memory = {name: rule(data, "validation") for name, rule in translation.TRANSLATORS.items()}
score = {name: chrf(texts, human["validation"]) for name, texts in memory.items()}
print({name: round(found, 1) for name, found in score.items()})
for number in (1, 3, 5, 7, 9):
    print(
        f"{data.validation.items[number]:<42} {memory['translation memory'][number]:<12} (human: {human['validation'][number]})"
    )
assert score["copy"] < 6 < 15 < score["translation memory"]

# %% [markdown]
# The memory writes perfect Chinese, of a neighbouring message. About a quarter of the possible score is what a network
# has to beat, and no training at all went into it.

# %% [markdown]
# ### Does it overfit?
#
# Now the network, declared in `evidence/translation.toml`: two LSTMs of 96 units. Beside the losses we score its translations after
# every epoch, written greedily (more on that below).
#
# **Question.** What is chrF of a model, then? Write the function that is called after each epoch.

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
# One training, twenty epochs, seed 0, without any regularization.
#
# **Question.** Sketch three curves: training loss, validation loss, chrF. Which epoch would each of them choose?

# %%
from labcode.experiments.declaration import EVIDENCE, read_declaration
from labcode.experiments.runs import make_run, train

declared = read_declaration(EVIDENCE / "translation.toml")


def train_and_score(methods):
    """Train one translator, and score it after each epoch; return it with its curves."""
    scores = []

    def score(epoch, losses, model):
        scores.append(validation_chrf(model))

    model, history = train(make_run(declared, methods, seed=0), on_epoch_end=score)
    return model, {"train": history.train_loss, "validation": history.validation_loss, "chrf": scores}


model, curves = train_and_score({})
best = int(np.argmin(curves["validation"]))
print(f"the validation loss is lowest in epoch {best} of 0 to {declared.epochs - 1}")

# %% [markdown]
# First the losses.
#
# **Question.** How far apart will the two be at the end?

# %%
from labcode import plots

bar = {"baseline": rules["pairs of tokens"], "baseline_label": "pairs of tokens"}
unit = "cross-entropy of a character [nats]"
_ = plots.learning_curves(curves["train"], curves["validation"], **bar, unit=unit)
assert curves["train"][-1] < 0.6 < 2 < curves["validation"][-1]
assert best < len(curves["validation"]) - 2

# %% [markdown]
# It learns its 1,200 pairs by heart. The validation loss turns, as in every chapter, after about half of the epochs. (It is lower
# than that of pairs of tokens all the same: the English helps.)
#
# **Question.** Early stopping would keep the epoch of the lowest loss. Does it keep the best translations?

# %%
by_score = int(np.argmax(curves["chrf"]))
for name, epoch in {"lowest loss": best, "highest chrF": by_score, "last": declared.epochs - 1}.items():
    loss, chrf_then = curves["validation"][epoch], curves["chrf"][epoch]
    print(f"{name:<13} epoch {epoch:2d}   loss {loss:.2f}   chrF {chrf_then:.1f}")
print(f"translation memory                     chrF {score['translation memory']:.1f}")
assert curves["chrf"][by_score] < score["translation memory"]

# %% [markdown]
# One run. Two things to note, and to check with more runs: the network stays behind the memory; and the translations seem to go on
# getting better while the loss gets worse.

# %% [markdown]
# ### Lower loss, better translations?
#
# `python course.py evidence 06_translation` trains ten such models, each on another drawing of training and validation messages, and ten more
# with output dropout at 0.3, a rate that was fixed before. After each epoch it measures both.
#
# **Question.** What goes on record of each run, so that the question can be answered?

# %%
from labcode.experiments import load_result

study = load_result("06_translation")
assert study["settings"]["model"] == declared.model
names = {"0.0": "none", "0.3": "output dropout 0.3"}
recorded = {
    measure: {
        names[rate]: np.array([one["curves"][measure] for one in runs])
        for rate, runs in study["runs"].items()
    }
    for measure in ("validation", "chrf")
}
print({measure: {name: array.shape for name, array in found.items()} for measure, found in recorded.items()})

# %% [markdown]
# Both curves, of ten seeds and twenty epochs.
#
# **Question.** In which of the two panels will the dots lie further to the right?

# %%
rule = {"translation memory": float(np.mean(study["rules"]["validation"]["translation memory"]))}
_ = plots.loss_and_score(recorded["validation"], recorded["chrf"], rules=rule)
lowest, highest = recorded["validation"]["none"].argmin(axis=1), recorded["chrf"]["none"].argmax(axis=1)
assert (lowest < highest).all()

# %% [markdown]
# With nothing against it the loss is lowest after twelve epochs or so, and chrF rises almost to the end of training: in every run its best epoch
# comes later than that of the loss. Both are right, about different things. Late in training the model gets ever surer, also of its mistakes, and the loss charges for that; its *first choice*, which is
# all that greedy search reads, meanwhile gets better. With dropout the loss is lower and turns later. The translations are not better. And all stay far
# below the line of the memory.
#
# **Question.** In numbers, on test messages that no other experiment uses. What do early stopping (on the loss) and dropout (to the last epoch)
# change, beside no regularization at the last epoch?

# %%
for measure in ("loss", "chrf"):
    for name, effect in study["summary"][measure].items():
        low, high = effect["interval"]
        print(f"{measure:<5} {name:<15} {effect['mean']:+6.2f}, 95 % interval {low:+.2f} to {high:+.2f}")
loss, read = (study["summary"][measure]["early stopping"]["interval"] for measure in ("loss", "chrf"))
assert loss[1] < 0
assert read[1] < -1
low, high = study["summary"]["chrf"]["dropout 0.3"]["interval"]
assert low < 0 < high

# %% [markdown]
# Early stopping does what it promises, a lower loss, and **costs more than two points of chrF**. Dropout lowers the loss even more, and of chrF we can only say
# that nothing is clear. Whoever wants good translations should stop by a score of translations. The loss is not wrong; it answers
# another question. (We stopped at 20 epochs; more might have raised chrF further.)

# %% [markdown]
# ### Greedy search and beam search
#
# A decoder gives probabilities; somebody has to choose. **Greedy search** takes the most probable character at each step and never
# looks back. **Beam search** keeps the `width` most probable beginnings, extends each by every character, and keeps the best
# `width` of what comes out ([Graves 2012](https://arxiv.org/abs/1211.3711)). The score of a beginning is the sum of its log-probabilities.
#
# **Question.** Could a translation that begins with the *second* best character be more probable as a whole?

# %%
from labcode.applications.decoding import beam_search

x, _, padding_mask = data.validation.subset(slice(0, 200))
greedy, beams = greedy_search(model, x, padding_mask), beam_search(model, x, padding_mask, width=4)
one = next(n for n in range(200) if beams[n][0][0][:1] != greedy[n][:1])
print(data.validation.items[one], "(human:", human["validation"][one] + ")")
print("greedy: ", translation.decode(greedy[one], data))
for tokens, log_probability in beams[one]:
    print(f"{log_probability:7.2f}  {translation.decode(tokens, data)}")

# %% [markdown]
# Yes: this is the first message for which the two begin with different characters. Greedy search has gone where the first step looked best.
#
# **Question.** Over 200 messages: how often does the beam find something more probable?


# %%
def best_of(width, power=0.0):
    """Return the best translations of the 200 messages, as texts, and their scores."""
    found = [best[0] for best in beam_search(model, x, padding_mask, width=width, length_power=power)]
    return written(tokens for tokens, _ in found), np.array([score for _, score in found])


narrow, wide, by_mean = best_of(1), best_of(4), best_of(4, power=1.0)
more, less = wide[1] > narrow[1] + 1e-4, wide[1] < narrow[1] - 1e-4
print(
    f"width 4 finds something more probable for {more.mean():.0%}, something less probable for {less.mean():.0%}"
)
assert more.mean() > 0.2 > 0.05 > less.mean()

# %% [markdown]
# For a large part of them; hardly ever something less probable, which can happen, since a beam is no complete search.
#
# **Question.** Is what is more probable better? Three ways to search: greedily, by the sum of the log-probabilities, and by their mean, which
# does not favour short translations.

# %%
several = {
    "greedy": narrow[0],
    "width 4, sum": wide[0],
    "width 4, mean": by_mean[0],
    "human": human["validation"][:200],
}
for name, texts in several.items():
    length = np.mean([len(text) for text in texts])
    print(f"{name:<14} chrF {chrf(texts, human['validation'][:200]):5.1f}, {length:.1f} characters")

# %% [markdown]
# By the sum translations are shorter, since each character costs probability; by the mean they are longer. chrF rises a little.
#
# **Question.** That was one model and 200 messages. And the ten models of the study, on their test messages?

# %%
for name, effect in study["summary"]["search"].items():
    low, high = effect["interval"]
    print(f"{name:<14} beside greedy: chrF {effect['mean']:+.2f}, 95 % interval {low:+.2f} to {high:+.2f}")
    assert low > 1

# %% [markdown]
# Between one and two points, clearly, whichever way lengths are compared: most of what early stopping cost, for a few more seconds of computing and
# without any training.

# %% [markdown]
# ### What helps
#
# Now the protocol of part 1: five methods and all five at once, strengths chosen on validation data with three seeds, the test part once
# with ten. The loss is that of the next character, given the right ones before; the *error* is the share of wrong characters, in the same setting.
#
# **Question.** Which methods do you expect left of 0 beside early stopping? Think of part 1.

# %%
from labcode.experiments.result_tables import differences, outcomes, relative_seconds, sweep

result = load_result("translation")
assert result["hash"] == declared.hash
effects = differences(result)
_ = plots.effect_forest(effects, unit="test cross-entropy")

# %% [markdown]
# Here everything lies left of 0, beside early stopping, too: the penalty, the limit, each kind of dropout, and all five together the most.
# In part 1 only noise on what is read and remembered was left.
#
# **Question.** Clear by the rule, and in which measure?

# %%
wrong = differences(result, measure="error")
for name, found in (("loss", effects), ("wrong characters", wrong)):
    for variant in ("last", "early"):
        sides = outcomes(found[f"none_{variant}"], variant)
        print(f"{name}, {variant}: lower {', '.join(sides['lower'])}")
        assert sides["higher"] == []
every = set(effects["none_last"]) - {"none"}
assert all(set(outcomes(effects[f"none_{v}"], v)["lower"]) >= every for v in ("last", "early"))
noise = {"embedding_dropout", "recurrent_dropout_h", "everything"}
assert set(outcomes(wrong["none_last"], "last")["lower"]) == noise
assert set(outcomes(wrong["none_early"], "early")["lower"]) >= every
gaps = differences(result, measure="gap")["none_last"]
assert set(outcomes(gaps, "last")["lower"]) == every

# %% [markdown]
# By the loss all are, in both variants. In wrong characters it depends on when one stops: at the last epoch three are clear (dropout of words, dropout on
# $h$, and the combination), beside early stopping all. Two to three characters in a hundred is what the best of them bring.
#
# The recorded runs, to look for yourself; the figure below shows one of them.
#
# **Question.** Does any method at any strength bring the two curves on the left together without lifting both?

# %%
from labcode.widgets import MethodExplorer

none = sweep(result, "none")[0.0]
sweeps = {label: sweep(result, label) for label in result["chosen"] if label != "none"}
method = result["references"]["best_single_early"]
strength = result["chosen"][method]["early"]["strength"]
MethodExplorer(sweeps, none, unit="cross-entropy", value=(method, max(sweeps[method]))).widget()

# %%
_ = plots.strength_sweep(sweeps[method], none, strength, name=method.replace("_", " "), unit="cross-entropy")

# %% [markdown]
# ### Into another language
#
# The same messages into **French**, of at most 12 *words*, with the strengths that were chosen for Chinese.
#
# **Question.** Another language, another script, words in place of characters. What would have to be the same for the strengths to fit?

# %%
from labcode.experiments.result_tables import confirmed

_ = plots.effect_forest(differences(result, where="confirmation"), unit="test cross-entropy")
french = {
    m: {v: confirmed(result, v, measure=m)["lower"] for v in ("last", "early")} for m in ("loss", "error")
}
for name, found in french.items():
    print(f"{name}, clearly lower in both languages: {found}")
assert all(set(found) >= every for found in french["loss"].values())
assert all({"recurrent_dropout_h", "everything"} <= set(found) for found in french["error"].values())

# %% [markdown]
# All of it is confirmed: every method lowers the loss in French, too, against both references; in wrong words, recurrent dropout and the
# combination. On the texts of part 1 nothing of the kind could be confirmed. One difference is known, though not whether it is the reason: there the
# number of steps had shrunk by a third, here both data sets are about equally large.

# %% [markdown]
# ### What it costs
#
# **Question.** Which method works inside the loop over the steps, and so takes the LSTM off its fast path?

# %%
costs = relative_seconds(result)
_ = plots.training_costs(costs)
assert max(set(costs) - {"everything"}, key=lambda label: costs[label][0]) == "recurrent_dropout_h"
assert 1 < costs["recurrent_dropout_h"][0] < costs["everything"][0] < 1.3

# %% [markdown]
# Recurrent dropout takes longest of the single methods, but by less than a tenth here. Sequences are short, and at each step the decoder also
# computes an output for more than 500 characters, which no mask makes slower.
#
# By the loss recurrent dropout is the best single method. Its chrF is not on record.
#
# **Question.** So train it here, once, beside the plain model from above, with the same seed. Lower loss: better translations, this time?

# %%
rate = result["chosen"]["recurrent_dropout_h"]["last"]["strength"]
_, recurrent = train_and_score({"recurrent_dropout_h": rate})
for name, found in (("none", curves), (f"recurrent dropout {rate:g}", recurrent)):
    print(f"{name:<22} last epoch: loss {found['validation'][-1]:.2f}, chrF {found['chrf'][-1]:.1f}")
assert recurrent["validation"][-1] < curves["validation"][-1] - 0.1

# %% [markdown]
# The loss is clearly lower. Of chrF one pair of runs says little: the ten runs of the study differ from each other by several points. It would
# take a study like that one, with this method in it.

# %% [markdown]
# ### Predictions to look at
#
# **Question.** Ten messages of the validation part, not picked. Which translations would you accept?

# %%
x, _, padding_mask = data.validation.subset(slice(0, 400, 40))
for at, text in zip(range(0, 400, 40), written(greedy_search(model, x, padding_mask)), strict=True):
    print(f"{data.validation.items[at]:<44} {text:<14} (human: {human['validation'][at]})")

# %% [markdown]
# A few are right or nearly so. Most are fluent, and say something else: the decoder has learned what such messages sound like. It is the decoder's
# language, not the reading of English, that 1,200 examples suffice for.
#
# **Question.** And messages of the *training* part?

# %%
x, _, padding_mask = data.train.subset(slice(0, 1200, 120))
for at, text in zip(range(0, 1200, 120), written(greedy_search(model, x, padding_mask)), strict=True):
    print(f"{data.train.items[at]:<44} {text:<14} (human: {human['train'][at]})")
texts = written(greedy_search(model, data.train.x, data.train.padding_mask))
print(f"chrF on the training part: {chrf(texts, human['train']):.0f}")
assert chrf(texts, human["train"]) > 60

# %% [markdown]
# ### The article's claim, and what was found
#
# The article's sentence, in our words: LSTMs are widely used for machine translation and similar tasks, and there regularization makes them
# generalize better and keeps them from overfitting.
#
# - *They overfit*: yes. Of its training messages the model knows nearly all by heart.
# - *Regularization keeps them from it*: every method narrows the gap, and lowers the loss on new messages.
# - *They generalize better*: by the loss, with every method, beyond early stopping, in Chinese and in French; and with the best, two or three characters in a hundred more
#   are right, given the right ones before. By chrF, which is closer to what people want of a translation, stopping early made them worse and output dropout made no clear
#   difference. **What is missing here is data, and no regularizer adds any.** Most words occur five times or less.
# - And *widely used*: a lookup of the nearest message is better by several points. (LSTMs were the state of the art of translation for a few years, on
#   collections ten thousand times as large.)

# %% [markdown]
# ## What to remember
#
# - An encoder's last state begins a decoder. In training the decoder reads the right characters (teacher forcing), in use its own.
# - Greedy search takes the best step, beam search keeps several beginnings. More probable is not the same as better.
# - chrF compares groups of characters with a human translation, recall counting twice. It is what people read, the loss is what training sees.
# - Early stopping on the loss lowered the loss and worsened the translations. Stop by what you want.
# - Compare with a rule that needs no training. Here it is a lookup, and it wins.
#
# ## Quiz
#
# **1.** Why can a decoder have a low loss and write poor translations?
#
# <details><summary>Answer</summary>
#
# The loss is measured with the right characters before. In use one early mistake is read by all later steps, which have never seen such a
# beginning in training.
# </details>
#
# **2.** What is beam search with a width of 1? And does a larger width always find a translation that is at least as probable?
#
# <details><summary>Answer</summary>
#
# Greedy search. No: a beginning that the narrow beam would have kept can be pushed out by others that look better for a moment. It is rare, and a
# search that keeps everything would be exact, and far too large.
# </details>
#
# **3.** By the *sum* of log-probabilities short translations are favoured. Why?
#
# <details><summary>Answer</summary>
#
# Each further character adds a negative number. Dividing by the length compares the mean of a character instead, and lets longer ones win.
# </details>
#
# **4.** You want the epoch with the best translations. What do you do, and what must you not do?
#
# <details><summary>Answer</summary>
#
# Translate the validation part after each epoch, and stop by its chrF; greedy search is fast enough for that. Not: look at the chrF of the test
# part to choose. It is measured once, at the end.
# </details>
#
# **5.** With a hundred times more messages, which of the two would gain more, the network or the memory?
#
# <details><summary>Answer</summary>
#
# Both gain. The memory finds nearer neighbours. The network sees each word often enough to learn what it means, and can then put together what
# no neighbour has said; on large collections such models have replaced memories. It has not been shown here.
# </details>
#
# **Next:** [part 3](../notebooks/06_3_speech.ipynb) listens to spoken digits. The exercise to all five parts is
# [exercise 6](../exercises/ex06_applications.ipynb).
