# %% [markdown]
# # Chapter 9, part 2: Is it overfitting? And the questions readers ask
#
# *About 75 minutes; 9.2 and 9.3 can be read on two days. Needs: [chapter 1](../notebooks/01_background.ipynb) and
# [chapter 3, on dropout](../notebooks/03_3-4_dropout.ipynb).*
#
# **After this chapter you can**
#
# - tell an overfit from seven other troubles that a run can have, and say which check settles it;
# - judge what learning curves cannot show, and how often simple rules err;
# - answer ten questions that readers of articles on regularization ask again and again, each with a few lines of code.

# %% [markdown]
# ## 9.2 How to tell whether a model overfits
#
# The article's advice: compare training and validation data; good on the one and bad on the other means overfitting. Chapter 1 was
# such a case. Here it is again, with fresh data besides.
#
# `redrawn` shares Seattle's days of 2012 to 2014 out anew, in blocks of three weeks: half for training, a quarter for validation, and
# a quarter as *fresh data*, which no decision may touch. (The test year stays closed.)
#
# **Question.** 32 hidden units, 40 epochs, no regularization. When should the training have ended?

# %%
import torch

from labcode.data import load_weather
from labcode.experiments.faulty_runs import redrawn, trained
from labcode.experiments.planted_faults import FREE
from labcode.training import evaluate, seeded

days = redrawn(load_weather(), 0)
with seeded(0):
    model, history = trained(days, FREE, 0)

# %% [markdown]
# `FREE` are the settings: nothing that regularizes.
#
# **Question.** Where is the validation loss lowest, and how far has it risen since?

# %%
from labcode import plots

unit = f"mean squared error [({days.target_std:.2f} °C)²]"
_ = plots.learning_curves(history.train_loss, history.validation_loss, baseline=None, unit=unit)
best, last = min(history.validation_loss), history.validation_loss[-1]
print(f"lowest validation loss {best:.2f} after epoch {history.best_epoch}, at the end {last:.2f}")
assert history.best_epoch < 20
assert last > 1.15 * best

# %% [markdown]
# Long before the end. That is an overfit, and the article's picture of it is right. But the picture has three parts, and only together
# do they make the case: the training loss falls, the validation loss *rises*, and nothing else is wrong. Let us put numbers to it.
#
# **Question.** `measures` boils a run down to four numbers without a unit. Which two of them are about overfitting?

# %%
from labcode.training.diagnose import diagnose, measures

for name, value in measures(history).items():
    print(f"{name:<9} {value:6.2f}")

# %% [markdown]
# `rise` (the last validation loss above the lowest) and `gap` (the share by which the training loss is lower than the validation loss). The
# other two, `jumps` and `progress`, ask about the training loss alone: does it go up at times, and has it come to rest?

# %% [markdown]
# ### Two other kinds of curve
#
# Loss by epoch is one kind of learning curve. Two others are worth their price. The loss by *amount of training data* says whether more
# data would help; the loss by *strength* of a regularizer, the validation curve, says on which side of the best strength you stand.
# Both need several runs. Chapter 1 has recorded them, with ten seeds.
#
# **Question.** At which λ do you stand right of the valley, where the model underfits? What do the two curves do there?

# %%
from labcode.experiments import load_result, losses_at

strengths, train, validation = losses_at("best", load_result("01_background")["sweep"])
_ = plots.losses_against(strengths, train, validation, xlabel="strength λ of L2 on W and U", unit=unit)
lowest = validation.mean(axis=1).argmin()
print(f"lowest at λ = {strengths[lowest]:.2g}")
assert 0 < lowest < len(strengths) - 1
assert (validation - train).mean(axis=1)[-1] < (validation - train).mean(axis=1)[0]

# %% [markdown]
# On the right, both curves rise together and the gap nearly closes. So a small gap is no merit by itself: there the model has been
# kept from learning.
#
# **Question.** And the amount of data: from a tenth of two years to all of it, what happens to the gap at each run's best epoch?

# %%
shares, train, validation = losses_at("best", load_result("01_background")["amount"])
for share, t, v in zip(shares, train.mean(axis=1), validation.mean(axis=1), strict=True):
    print(f"{share:4.0%} of the data: training {t:.2f}, validation {v:.2f}, gap {v - t:+.2f}")
assert validation.mean(axis=1)[0] > validation.mean(axis=1)[-1]

# %% [markdown]
# The validation loss falls as data are added. As long as it does, more data are a regularizer, and one without a strength to choose.

# %% [markdown]
# ### A gallery of troubles
#
# Overfitting is one of several troubles, and each looks like another one from some side. Below are real runs on two tasks: hourly
# weather in New York, and which of nine men says two vowels. In each run but one a fault was planted: in the settings, in the data, or
# in the model's code (`labcode/experiments/planted_faults.py`). The ordinates differ.
#
# **Question.** Cover the titles. Which ones do you recognize? In which panels do the curves look fine?

# %%
result = load_result("09_diagnosis")
shown = {}
for case, run in result["gallery"].items():
    kept = run["best_epoch"] if run["stopped_epoch"] is not None else None
    seen = {"baseline": run["checks"]["baseline"][1], "fresh": run["checks"]["fresh"], "kept": kept}
    shown[case] = run | seen
_ = plots.symptoms(shown)

# %% [markdown]
# What was done in each, and one of the checks that `labcode` made with the model that the run ended with:
#
# **Question.** Which check belongs to which trouble?

# %%
for case, run in result["gallery"].items():
    checks = run["checks"]
    simple = " to ".join(f"{loss:.2f}" for loss in checks["baseline"])
    spread = max(checks["again"]) - min(checks["again"])
    print(f"{case:<23}{run['kind'][:46]:<48}baseline {simple:<14}again ±{spread:.3f}")

# %% [markdown]
# An overfit and a learning rate that is too high are seen in the curves. Other troubles are not: a leak looks like success, a model
# that drops in evaluation like a noisy one, and a validation set of a dozen samples like any other. There the curves need company.
#
# | symptom | cause | check | remedy |
# |---|---|---|---|
# | the validation loss rises while the training loss falls | **overfit**: noise is learnt by heart | where is the lowest validation loss? | stop there; then L2 or dropout, more data, fewer units |
# | the training loss is no better than that of a simple model | **underfit**: too few units, too much regularization, too few steps | a linear baseline's training loss | weaken the regularizers first, then train longer, then more units |
# | the training loss jumps | **learning rate too high** | all rises of the training loss, against its range | a third of the rate; `clip_norm=1.0` |
# | the loss changes although the model does not | **dropout left on** in evaluation | evaluate twice | `model.eval()`; no `F.dropout` without `training=` |
# | a gap from the first epoch on, for every model | **shift**: the two parts were measured or drawn differently | a baseline's losses on both | repair the data, or draw validation data like those of the later use |
# | validation almost as good as training, and far better than later | **leak**: samples or answers are on both sides | the loss on fresh data; duplicates | split by time or by group, before anything else |
# | figures that change with the split | **small validation set** | count; a standard error | more validation data, or several splits |
# | none of these | **healthy** | | leave it alone |
#
# ### A function that names the case
#
# `diagnose` asks these questions one after the other: first those that a check settles, then those that curves suggest. It names the
# first case that fits, with its reason, and says which questions it could not ask.
#
# **Question.** What will it say of our first run, and what will it complain about?

# %%
print(diagnose(history))
assert diagnose(history).case == "overfit"

# %% [markdown]
# The right case. And four questions that it could not ask. Let us see what an unasked question can cost. The next model has a mistake that
# is easy to make: somebody has written `F.dropout(h, 0.5)` into `forward`, and forgot that `F.dropout` drops *by default*.
#
# **Question.** Both losses are measured in evaluation mode, as always. What will the curves look like?

# %%
with seeded(0):
    broken, noisy = trained(days, FREE | {"output_dropout": 0.5, "epochs": 12}, 0, left_on=True)
_ = plots.learning_curves(noisy.train_loss, noisy.validation_loss, unit=unit)

# %% [markdown]
# One would not give it a second look.
#
# **Question.** Evaluate it three times. What does `diagnose` say without these three numbers, and with them?

# %%
with seeded(1):
    again = [evaluate(broken, days.validation)["loss"] for _ in range(3)]
print("the same model, three times:", [round(loss, 3) for loss in again])
print(f"without: {diagnose(noisy).case}; with: {diagnose(noisy, again=again).case}")
assert diagnose(noisy, again=again).case == "dropout left on"
assert diagnose(noisy).case != "dropout left on"

# %% [markdown]
# One line of code settles it, and no curve does.
#
# ### How often is it wrong?
#
# Rules of thumb are seldom tested. These were set on runs of two tasks (Seattle's weather, spoken digits) and then tried on runs that
# they had not seen: other tasks, other seeds.
#
# **Question.** Eight names. Who guesses is wrong in seven of eight cases. How often are the rules wrong, with the four checks, and from
# curves alone?

# %%
for part in ("tuned", "unseen"):
    for label, found in result["diagnosis"][part].items():
        low, high = found["interval"]
        print(
            f"{part:<7}{label:<14}{found['runs']:4d} runs, wrong {found['error']:.0%} [{low:.0%}, {high:.0%}]"
        )
unseen = result["diagnosis"]["unseen"]
assert unseen["all checks"]["interval"][1] < unseen["curves alone"]["interval"][0] < 7 / 8
assert unseen["all checks"]["error"] > result["diagnosis"]["tuned"]["all checks"]["error"]

# %% [markdown]
# With the checks more than one run in five is given a wrong name, from curves alone more than half; the intervals do not overlap. On
# the tasks that the rules were set on it was only one in eight: rules, too, fit what they were set on. (These are two tasks with ten seeds,
# and planted faults are plainer than those of life. A fault that had no effect was left out.)
#
# **Question.** Which cases are taken for which?

# %%
_ = plots.named_cases(unseen["all checks"]["confusion"], result["cases"])
named = dict(zip(result["cases"], unseen["all checks"]["confusion"], strict=True))
assert (named["healthy"][2], named["overfit"][3], sum(named["healthy"])) == (7, 13, 20)

# %% [markdown]
# A second evaluation and a count never err here. The trouble is elsewhere: a third of the *healthy* runs are called leaks, and most
# overfits shifts. Both have a reason worth knowing. The fresh data are only a few stormy weeks, or 67 recordings; their loss can be twice
# the validation loss by chance, and then it looks as if a leak had been found. A limit on a difference needs an error bar beside it,
# and these rules have none. And the overfits of New York were trained on the last weeks of the training data, one season, and validated on
# others: a shift that nobody had planned, and a true one.
#
# **Question.** And from curves alone?

# %%
import numpy as np

_ = plots.named_cases(unseen["curves alone"]["confusion"], result["cases"])
alone = np.array(unseen["curves alone"]["confusion"])
assert not np.diag(alone)[:4].any()
print("overfits that are named:", alone[5, 5], "of", alone[5].sum())

# %% [markdown]
# Not one of the first four is ever named: no rule of ours can see them without their check, and most of these runs pass as healthy. Look
# at the gallery again and judge whether you could. What curves do show are rates that are too high, all of which are named, and most overfits.
#
#
# ### While the run is going on
#
# A diagnosis is a statement about the epochs seen so far. The slider shows an unregularized run up to some epoch, and what `diagnose`
# would have said at that moment.
#
# **Question.** How many different names does this run get on its way?

# %%
from labcode.experiments.faulty_runs import simple_losses
from labcode.widgets import DiagnosisExplorer

curves, checks = (history.train_loss, history.validation_loss), {"baseline": simple_losses(days)}
steps = [2, 4, 6, 8, 10, 12, 15, 20, 30, 40]
explorer = DiagnosisExplorer(*curves, checks, steps=steps, value=40)
explorer.widget()

# %% [markdown]
# And as a still picture, after 8 epochs, with the names at every position of the slider.
#
# **Question.** Which of the names would you have acted on?

# %%
ax = plots.run_so_far(history.train_loss, history.validation_loss, 8, baseline=checks["baseline"][1])
_ = ax.set_title(f"after 8 epochs: {explorer.name(8)}", fontsize="medium")
print({step: explorer.name(step) for step in steps})
assert explorer.name(2) == "underfit"
assert explorer.name(40) == "overfit"

# %% [markdown]
# It was an underfit first and an overfit in the end, and healthy in between, as most runs are that nothing regularizes. So *is it
# overfitting?* is half a question. The other half is *when*, and early stopping is the answer to that.

# %% [markdown]
# ### Is a gap a reason to regularize?
#
# The article takes the gap between training and validation for the sign. Then a large gap should foretell that regularizing helps. In
# twenty-four settings (four tasks, 8 or 32 units, a fifth, a half or all of the training data) a model was trained for 25 epochs without anything,
# with L2 of 0.01, and with dropout of 0.5 in front of the head, each with ten seeds. The strengths were written down before.
#
# **Question.** Each dot is one setting, the mean of its seeds. What would the picture look like if the article were right?


# %%
def gains(method, seen="relative_gap"):
    """Return what was seen and what the method brought, in percent, by task."""
    found = {}
    for row in result["settings"]:
        x, y = found.setdefault(row["task"], ([], []))
        x.append(100 * row[seen])
        y.append(100 * (1 - row["fresh"][method]["last"] / row["fresh"]["none"]["last"]))
    return found


_ = plots.gain_by_gap(gains("l2"), xlabel="gap of the run without L2 [% of its validation loss]")

# %% [markdown]
# The dots should rise from the lower left to the upper right. For L2 they do so a little.
#
# **Question.** And for dropout?

# %%
_ = plots.gain_by_gap(
    gains("output_dropout"), xlabel="gap of the run without dropout [% of its validation loss]"
)

# %% [markdown]
# In numbers: a *rank correlation* of 1 would be a perfect order, 0 none; the *area*
# is the share of pairs (helped, not helped) of which the helped one has the larger gap, 0.5 by chance.
#
# **Question.** Three signs: the gap, the gap as a share of the validation loss, and the *rise* of the validation loss above its lowest
# point. Which of them foretells the gain of both methods?

# %%
for seen in ("gap", "relative_gap", "rise"):
    for method in ("l2", "output_dropout"):
        rank, area = (result["summary"]["gap"][seen][m][method] for m in ("rank_correlation", "auc"))
        low, high = rank["interval"]
        print(
            f"{seen:<13}{method:<15}rank correlation {rank['mean']:+.2f} [{low:+.2f}, {high:+.2f}], area {0.5 + area['mean']:.2f}"
        )
gap = result["summary"]["gap"]
assert gap["gap"]["auc"]["output_dropout"]["interval"][1] < 0 < gap["gap"]["auc"]["l2"]["interval"][1]
assert 0 < gap["relative_gap"]["rank_correlation"]["l2"]["interval"][0] < 0.1
assert all(effect["p_holm"] < 0.01 for effect in gap["rise"]["auc"].values())

# %% [markdown]
# The **rise** does, with areas of 0.90 and 0.86. The gap does not. As a difference of losses it says nothing about L2, and for dropout it
# points the wrong way: the largest gaps are those of speech with few recordings, where dropout does harm. As a share of the validation
# loss it goes with the gain of L2, just so, and not with that of dropout.
#
# That fits what the two are. A rise says that training went too far: something is there to be held back. A gap says that two losses differ,
# and not whether this can be helped, nor by what. (Perhaps 8 units have none to spare, whatever the gap. We have not asked.)
#
# **Question.** Twenty-four settings are two times twelve: the first two tasks, and the other two. Does each half say the same?

# %%
for half in ("first", "second"):
    for method, area in result["summary"][f"gap, {half} tasks"]["rise"]["auc"].items():
        print(f"{half:<7}{method:<15}area {0.5 + area['mean']:.2f}, Holm's p {area['p_holm']:.3f}")
        assert (area["p_holm"] < 0.05) == ((half, method) != ("second", "output_dropout"))
assert sum(r["fresh"]["l2"]["last"] > r["fresh"]["none"]["last"] for r in result["settings"]) == 3

# %% [markdown]
# For L2 yes. For dropout the second half points the same way, and is too small to show it.
#
# Two warnings. L2 did harm in three settings only, so that its area rests on those three, and nobody tuned the strengths. And this
# experiment was first made with a single run for each setting: then the rise seemed to say nothing about L2, and the gap nothing about
# anything. Noise hides what is there; it took ten seeds to see it.

# %% [markdown]
# ## 9.3 Questions that readers ask
#
# Eleven questions, found in forums and issue trackers under articles and libraries for LSTMs. Each is answered by a cell.
#
# ### Why is my validation loss *lower* than my training loss?
#
# Asked [about stacked LSTMs](https://datascience.stackexchange.com/questions/124199/lstm-training-interpretation) and many times
# more. Speech of chapter 6: digits, with dropout of 0.5 in front of the head.
#
# **Question.** `fit` keeps three losses for each epoch. Which of them does Keras print as `loss`?

# %%
from labcode.data import speech
from labcode.experiments.planted_faults import SOUND

digits = speech.load(0)
with seeded(0):
    _, dropped = trained(digits, SOUND | {"output_dropout": 0.5, "epochs": 10, "patience": None}, 0)
for epoch in (2, 5, 9):
    values = (dropped.objective[epoch], dropped.train_loss[epoch], dropped.validation_loss[epoch])
    print(
        "epoch {}: while training {:.2f}, training data {:.2f}, validation data {:.2f}".format(epoch, *values)
    )
assert dropped.objective[5] > dropped.validation_loss[5]
assert dropped.objective[5] > dropped.train_loss[5]

# %% [markdown]
# The first. It is measured *while* training: with units dropped, with the penalty in it, and with weights that get better during the
# epoch. The other two are measured in evaluation at the end of the epoch, and compare like with like. Nothing is wrong. Something
# *is* wrong if the validation loss is lower and both were measured in evaluation: then look for a leak, or for a validation set
# that is too small or too easy.

# %% [markdown]
# ### Is the rate of dropout the share that is dropped, or kept?
#
# A [classic of course forums](https://github.com/lightaime/cs231n/issues/1), since both conventions exist.
#
# **Question.** How do you find out in any library, without its documentation?

# %%
from labcode.dropout import dropout_mask

ones = torch.ones(100_000)
zeros = {
    "labcode": np.mean(dropout_mask((100_000,), 0.2, rng=np.random.default_rng(0)) == 0),
    "torch": (torch.nn.functional.dropout(ones, 0.2) == 0).double().mean().item(),
}
print({name: round(float(share), 2) for name, share in zeros.items()})
assert all(abs(share - 0.2) < 0.01 for share in zeros.values())

# %% [markdown]
# Count zeros. In this course, PyTorch and Keras the number is the probability to *drop*; TensorFlow's `keep_prob` of 2016 and some
# course notes mean the opposite.

# %% [markdown]
# ### `nn.LSTM(dropout=0.5)` changes nothing. Why?
#
# Reported as unclear [to PyTorch](https://github.com/pytorch/pytorch/issues/5985) and met in [many projects](https://github.com/pyro-ppl/pyro/issues/1415).
#
# **Question.** In training mode, two passes through a model with dropout differ. Through which of these do they?

# %%
import warnings

x = torch.randn(2, 5, 3)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # torch warns in the first case
    stacks = {n: torch.nn.LSTM(3, 8, n, dropout=0.5, batch_first=True).train() for n in (1, 2)}
same = {n: torch.equal(lstm(x)[0], lstm(x)[0]) for n, lstm in stacks.items()}
print({f"{n} layers": "the same twice" if equal else "different" for n, equal in same.items()})
assert same == {1: True, 2: False}

# %% [markdown]
# Only through the second. The argument drops *between* layers, so with one layer there is nothing to drop. Put dropout in front of the
# head (`output_dropout`), or into the recurrence.

# %% [markdown]
# ### Why is `recurrent_dropout` so slow?
#
# [A factor of 25 on a GPU](https://github.com/tensorflow/tensorflow/issues/38236) was reported to TensorFlow: the fused kernels
# of the libraries compute $U h$ for a whole sequence with one $U$ and have no place for a mask on $h$.
#
# **Question.** If all sequences of a batch share one mask $m$, which matrix could be handed to the fused kernel in the place of $U$?

# %%
from labcode.lstm import RegularizedLSTM

with seeded(0):
    lstm = RegularizedLSTM(3, 8, recurrent_dropout=0.5, share_mask="batch", batch_first=True)
    masks = lstm.sample_masks(x, generator=torch.Generator().manual_seed(0))
    fused = torch.nn.LSTM(3, 8, batch_first=True)
fused.load_state_dict(lstm.state_dict())
with torch.no_grad():
    fused.weight_hh_l0 *= masks["h_l0"].flatten()  # column j of U times the mask of unit j
difference = (fused(x)[0] - lstm(x, masks=masks)[0]).abs().max().item()
print(f"mask {tuple(masks['h_l0'].shape)}; largest difference {difference:.0e}")
assert difference < 1e-5

# %% [markdown]
# $U (m \odot h) = (U \operatorname{diag} m)\, h$: a mask on $h$ is a mask on the columns of $U$. So a shared mask costs next to nothing, and
# a mask for each sequence needs a loop over the steps. `python course.py bench` times both. What does sharing cost otherwise?

# %% [markdown]
# ### Does dropout depend on the batch size?
#
# [One mask for each sentence or for each batch?](https://github.com/clab/dynet/pull/812) was a question to a library once, and it
# is the right one. Here are the same 16 windows, once, and four and sixteen times over: the gradient without dropout is the same.
#
# **Question.** Masks are drawn anew and anew. By how much does the gradient scatter? Which of the two rows gets calmer?

# %%
from labcode.lstm import SequenceModel


def scatter(copies, share, draws=25):
    """Return how far single gradients of U lie from their mean, relative to it."""
    with seeded(0):
        model, found = SequenceModel(6, 16, 1, recurrent_dropout=0.5, share_mask=share), []
        x, y = (
            torch.tensor(a[:16]).repeat(copies, *[1] * (a.ndim - 1)) for a in (days.train.x, days.train.y)
        )
        for _ in range(draws):
            model.zero_grad()
            torch.nn.functional.mse_loss(model(x), y).backward()
            found.append(model.lstm.weight_hh_l0.grad.clone())
    grads = torch.stack(found)
    return float((grads - grads.mean(0)).square().sum((1, 2)).mean().sqrt() / grads.mean(0).norm())


# %% [markdown]
# The next cell calls it for both ways of drawing.
#
# **Question.** With a mask for each sequence, what should sixteen times as many sequences do to the scatter?

# %%
scatters = {share: [scatter(copies, share) for copies in (1, 4, 16)] for share in ("sample", "batch")}
for share, values in scatters.items():
    shown = ", ".join(f"{value:.2f}" for value in values)
    print(f"a mask for each {share:<7} 16, 64, 256 sequences: {shown}")
assert scatters["sample"][2] < 0.5 * scatters["sample"][0]
assert scatters["batch"][2] > 0.6 * scatters["batch"][0]

# %% [markdown]
# A mask for each sequence averages out over the batch: four times as many sequences, half the scatter, although each sequence is
# dropped from as before. A mask for the batch stays as noisy as it is. (Here it is the calmer one at 16 sequences: their
# gradients partly cancel, and a common mask leaves that in place.) So look again at a rate when you change the batch size.

# %% [markdown]
# ### Does dropout work with stateful LSTMs?
#
# A book's notebook had to [take it out](https://github.com/ageron/handson-ml2/issues/32) for a time, for a fault of the library
# ([TensorFlow 27829](https://github.com/tensorflow/tensorflow/issues/27829)). *Stateful* means that a long sequence is cut into
# pieces and the state is handed from one to the next.
#
# **Question.** Two halves with the state handed over, or the whole sequence at once. When are the outputs the same?

# %%
with seeded(1):
    lstm = RegularizedLSTM(3, 8, recurrent_dropout=0.5, batch_first=True).double()
    long = torch.randn(4, 20, 3).double()
first, other = (lstm.sample_masks(long, generator=torch.Generator().manual_seed(s)) for s in (0, 1))
whole, _ = lstm(long, masks=first)
_, state = lstm(long[:, :10], masks=first)
kept, drawn_anew = (lstm(long[:, 10:], state, masks=masks)[0] for masks in (first, other))
print(f"same masks: {(kept - whole[:, 10:]).abs().max():.0e}")
print(f"new masks in the second half: {(drawn_anew - whole[:, 10:]).abs().max():.2f}")
assert torch.allclose(kept, whole[:, 10:])
assert not torch.allclose(drawn_anew, whole[:, 10:], atol=1e-3)

# %% [markdown]
# When the masks are kept. It works with new masks as well, but then the mask is locked for a piece and not for the sequence: units that
# were off come back in the middle. If you want Gal and Ghahramani's dropout, pass `masks=` along with the state, and draw new ones
# where you reset it. (And call `detach()` on the state, or the gradient runs through all pieces.)

# %% [markdown]
# ### Should the biases be penalized, too?
#
# [Asked](https://stats.stackexchange.com/questions/153605/no-regularisation-term-for-bias-unit-in-neural-network) since 2015. A weight of
# zero means *does not depend on this input*. What does a bias of zero mean? In the forget gate, where nothing else speaks, the
# share $\sigma(b_f)$ of the cell is kept in each step.
#
# **Question.** A model has learnt $b_f = 3$ to remember two weeks. A penalty halves it, or takes it to zero. What is left of the
# memory after 14 steps?

# %%
biases = np.array([3.0, 1.5, 0.0])
left = (1 / (1 + np.exp(-biases))) ** 14
print({float(b): f"{share:.2%}" for b, share in zip(biases, left, strict=True)})
assert left[0] > 0.45 > 0.1 > left[1]
layer = torch.nn.LSTM(6, 64)
count = {
    n: sum(p.numel() for k, p in layer.named_parameters() if k.startswith(n)) for n in ("weight", "bias")
}
print(count, f"biases are {count['bias'] / sum(count.values()):.1%} of all")
assert count["bias"] < 0.03 * sum(count.values())

# %% [markdown]
# Next to nothing. A bias of zero is no modest statement there, but *forget half at every step*. And biases are few: they are not what
# learns noise by heart. So this course does not penalize them unless named. Keras is of the same mind (`bias_regularizer` is separate);
# PyTorch's `weight_decay` acts on every parameter that the optimizer is given, so put biases into a group with 0.

# %% [markdown]
# ### Is `weight_decay` in Adam the same as L2?
#
# [PyTorch got `AdamW`](https://github.com/pytorch/pytorch/pull/21250) because it is not; chapter 4 has the reason. Here is a test that
# needs no formula: multiply the loss by 100. Nothing real has changed, only a unit.
#
# **Question.** After 40 steps, which optimizer notices?


# %%
def norm_after(cls, factor):
    """Return the length of W after 40 steps on a loss that was multiplied by a factor."""
    with seeded(0):
        model = SequenceModel(6, 16, 1)
    x, y = torch.tensor(days.train.x[:64]), torch.tensor(days.train.y[:64])
    optimizer = cls(model.parameters(), lr=0.01, weight_decay=0.1)
    for _ in range(40):
        optimizer.zero_grad()
        (factor * torch.nn.functional.mse_loss(model(x), y)).backward()
        optimizer.step()
    return model.lstm.weight_ih_l0.norm().item()


# %% [markdown]
# The decay is 0.1 in all cases.
#
# **Question.** Adam divides the gradient by its own size, so the factor cancels. Does it cancel in the decay?

# %%
norms = {
    cls.__name__: [norm_after(cls, f) for f in (1, 100)] for cls in (torch.optim.AdamW, torch.optim.Adam)
}
print({name: [round(value, 2) for value in pair] for name, pair in norms.items()})
assert abs(norms["AdamW"][1] / norms["AdamW"][0] - 1) < 0.02
assert norms["Adam"][1] > 1.2 * norms["Adam"][0]

# %% [markdown]
# `AdamW` does not notice. In `Adam` the decay stands in the gradient and is measured against the loss, so that a loss in other units has
# another regularization. Neither is wrong, but their strengths are different things.

# %% [markdown]
# ### Which should I try first?
#
# [A question with many answers.](https://ai.stackexchange.com/questions/25963/how-should-we-regularize-an-lstm-model) Ours comes from the
# twenty-four settings above.
#
# **Question.** In how many of them did stopping at the best epoch lower the loss on fresh data? And L2 or dropout, each at one strength
# that nobody tuned?

# %%
rows = result["settings"]
brought = {
    "the best epoch, not the last": [r["fresh"]["none"]["best"] / r["fresh"]["none"]["last"] for r in rows],
    "L2 besides": [r["fresh"]["l2"]["best"] / r["fresh"]["none"]["best"] for r in rows],
    "dropout besides": [r["fresh"]["output_dropout"]["best"] / r["fresh"]["none"]["best"] for r in rows],
}
for name, ratios in brought.items():
    lower, mean = np.mean(np.array(ratios) < 1), 1 - np.mean(ratios)
    print(f"{name:<29} lower in {lower:4.0%} of the settings, on average by {mean:+.1%}")
assert np.mean(brought["the best epoch, not the last"]) < 1
assert brought["the best epoch, not the last"].count(1) == 7
assert np.mean(brought["L2 besides"]) < 1 < np.mean(brought["dropout besides"])

# %% [markdown]
# Stopping comes first: it costs nothing, has hardly anything to choose, and lowered the loss by some 5 % on average (in seven settings the last
# epoch was the best in all runs, so there was nothing to gain). L2 brought about 4 % more. Dropout at a rate that nobody had tuned did harm more
# often than not; half of the models have 8 units, and half of 8 is not much. So: early stopping, then *one* of L2 and dropout with its
# strength chosen on validation data, then the other on top, if it still helps.

# %% [markdown]
# ### How much data do I need?
#
# Rules such as [ten samples for each parameter](https://datascience.stackexchange.com/questions/80495/avoiding-overfitting-with-a-large-lstm-net-on-a-small-amount-of-data)
# are quoted; an LSTM of 64 units has more than 18,000 parameters and learns from a few hundred samples.
#
# **Question.** In the same settings: what are the gap and the gain of L2 with a fifth of the data, and with all of them?


# %%
def mean_by_share(share):
    """Return the mean gap and the mean gain of L2 over the settings with a share of the data."""
    chosen = [r for r in rows if r["share"] == share]
    gain = [1 - r["fresh"]["l2"]["last"] / r["fresh"]["none"]["last"] for r in chosen]
    return np.mean([r["relative_gap"] for r in chosen]), np.mean(gain)


by_share = {share: mean_by_share(share) for share in (0.2, 0.5, 1.0)}
for share, (gap, gain) in by_share.items():
    print(
        f"{share:4.0%} of the training data: gap {gap:.0%} of the validation loss, L2 lowers the loss by {gain:+.1%}"
    )
best = {(r["task"], r["hidden"], r["share"]): r["fresh"]["none"]["best"] for r in rows}
fewer = [best[t, h, 0.2] > best[t, h, 1.0] for t, h, share in best if share == 1.0]
print(f"more data lowered the loss of the best epoch in {sum(fewer)} of {len(fewer)} cases")
assert all(fewer)

# %% [markdown]
# Two things here are not what one reads. The gap shrinks little, and L2 brings *more* where there are more data. Part of the reason is a trap:
# a fifth of the data for the same 25 epochs means a fifth of the steps, so those runs had not even begun to overfit. Compare amounts of
# data at equal steps, as chapter 1 does. What is sure: five times the data lowered the loss in every case. There is no number of samples that
# suffices. Train on a half and on all of what you have; if the second is clearly better, more data will help, and no regularizer is as
# good.

# %% [markdown]
# ## What to remember
#
# - An overfit is a validation loss that *rises* while the training loss falls. A gap alone is not one, and the absence of a gap is no merit.
#   The rise foretold where L2 and dropout help; the gap did not, or hardly.
# - Curves show overfits and learning rates that are too high. Leaks, shifts, dropout left on and small validation sets need a check: fresh
#   data, a simple baseline, a second evaluation, a count.
# - A rule of thumb has an error rate. Ours is in `evidence/results/09_diagnosis.json`; ask others for theirs.
# - A run is an underfit first. The question is not only whether, but when it overfits.
# - Rates are probabilities to drop; `nn.LSTM(dropout=)` needs two layers; a mask for each sequence averages out over the batch, a shared one
#   does not; `weight_decay` in Adam depends on the unit of the loss.
#
# ## Quiz
#
# **1.** Training loss 0.10, validation loss 0.40, and the validation loss is still falling. Overfit?
#
# <details><summary>Answer</summary>
#
# Not yet. There is a gap, but more training still helps on data that were not trained on. It becomes one when the validation loss turns.
# </details>
#
# **2.** Both curves lie on each other and are almost flat, at the loss of a linear model. A friend is glad that nothing overfits. You?
#
# <details><summary>Answer</summary>
#
# It underfits. Weaken the regularizers, train longer or take more units; then look again.
# </details>
#
# **3.** In a new project the validation loss is better than anything published. What do you do before you celebrate?
#
# <details><summary>Answer</summary>
#
# Look for a leak: duplicates across the split, windows that overlap, inputs that know the answer. Then measure on data that did
# not exist when you made the split.
# </details>
#
# **4.** The validation loss lies above the training loss from the first epoch on, by the same amount. Which one experiment tells an overfit
# from a shift?
#
# <details><summary>Answer</summary>
#
# A model that cannot overfit, such as a linear one with few inputs. If it has the same gap, the data differ.
# </details>
#
# **5.** You halve the batch size of a model with one dropout mask for each *sequence*. Is the gradient noisier? And with one for the batch?
#
# <details><summary>Answer</summary>
#
# In the first case yes, by about √2 as far as the masks are concerned: fewer masks are averaged. In the second the masks' noise stays as it
# is, since there is one mask before and after.
# </details>
#
# **6.** You sum the loss over 32 samples where you took their mean before. What happens to the regularization with `Adam(weight_decay=)`, and
# with `AdamW(weight_decay=)`?
#
# <details><summary>Answer</summary>
#
# In Adam it becomes about 32 times weaker relative to the loss; in AdamW nothing changes.
# </details>
#
# **Next:** [exercise 9, part 2](../exercises/ex09_2_diagnosing.ipynb) lets you read six runs, size a validation set, compare fairly and find
# three leaks.
