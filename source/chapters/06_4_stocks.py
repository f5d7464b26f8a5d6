# %% [markdown]
# # Chapter 6, part 4: Stocks, what can be learned, what cannot, and three ways to fool yourself
#
# *About 60 minutes, on two days if you like: the leaks are a second half. Needs:
# [part 1](../notebooks/06_1_text.ipynb), which shows how results of this chapter are read.*
#
# **After this chapter you can**
#
# - tell a question about prices that has an answer from one that has none, by what a simple rule reaches and by honest tests;
# - say why a target whose level shifts from year to year is hard, and choose one that does not;
# - recognize three leaks (a shuffled split, a scale of all data, a choice on test data) and say what each is worth.

# %% [markdown]
# ## 6.4 Stock prices
#
# The article lists stock prices among the time series that LSTMs predict, and says that regularization makes the predictions more
# precise. Many pictures on the web agree: a predicted line that follows the real one closely. Most of them show tomorrow's *price*,
# which is today's price and a small change; whoever draws today's price one day later gets the same picture. So we ask for what is
# new tomorrow.
#
# ### The task and the data
#
# Daily prices of Apple, IBM and Microsoft, 2000 to 2009. From the last 22 trading days of one stock (a month): the return, its
# size, the range of the day's prices, the change of volume. Three questions about tomorrow:
#
# - **sign**: will the price rise?
# - **raw volatility**: how far apart will the day's highest and lowest price be? (The logarithm of that range, in units of the
#   training years.)
# - **volatility**: the same, measured from the mean of the last 22 days.
#
# **Question.** Years follow each other: 2000 to 2003 train, 2004 and 2005 choose, 2006 to 2009 test. What happened in 2008 that no
# training year has seen?

# %%
import numpy as np

from labcode.applications.task_baselines import BASELINES, OF_TARGET
from labcode.data import stocks

tasks = {target: stocks.load(target=target) for target in stocks.TARGETS}
print(tasks["volatility"].describe())

# %% [markdown]
# A crash of the whole market. The raw range of one stock, day by day:
#
# **Question.** A model has seen the blue part only. Where will its idea of a usual day be wrong?

# %%
from labcode import plots


def of(ticker, split):
    """Return which rows of a split are those of one stock."""
    return np.char.startswith(split.items, ticker)


# %% [markdown]
# **Question.** Before you look: which of the three parts will lie highest, which lowest?

# %%
raw = tasks["raw_volatility"]
series = {
    name: (split.dates[of("MSFT", split)], split.y[of("MSFT", split), 0])
    for name, split in raw.splits.items()
}
_ = plots.time_series(series, unit="log range of a day\n[training deviations]")

# %% [markdown]
# Everywhere: the years of validation are far calmer than those of training, and the test has both, years as calm and the wildest months of
# all. The *level* shifts. The second picture shows the same days measured from the mean of the 22 days before.
#
# **Question.** Which of the two pictures would you rather have to continue?

# %%
surprise = tasks["volatility"]
series = {
    name: (split.dates[of("MSFT", split)], split.y[of("MSFT", split), 0])
    for name, split in surprise.splits.items()
}
_ = plots.time_series(series, unit="against its 22-day mean\n[training deviations]")
levels = {t: [float(s.y.mean()) for s in tasks[t].splits.values()] for t in ("raw_volatility", "volatility")}
print({target: np.round(means, 2) for target, means in levels.items()})
assert levels["raw_volatility"][1] < -1 < -0.2 < min(levels["volatility"])

# %% [markdown]
# The means of the three parts say it in numbers: on the raw scale the validation years lie more than a standard deviation below the
# training years; against the last month all parts lie near 0.

# %% [markdown]
# ### What simple rules reach
#
# For the two volatilities: the mean of the training years, today's value again, and linear models (ridge) of the whole window or of
# three numbers, the last day, week and month. For the sign: the frequencies, and logistic regression.
#
# **Question.** For which of the three questions will *no* rule beat its simplest one?

# %%
from labcode.applications.metrics import item_losses

found = {
    (target, rule): [
        float(item_losses(data.task, make(data, name), data.splits[name].y).mean())
        for name in ("train", "validation")
    ]
    for target, data in tasks.items()
    for rule, make in BASELINES[OF_TARGET[target]].items()
}
for (target, rule), losses in found.items():
    print(f"{target:<15} {rule:<26} training {losses[0]:.3f}, validation {losses[1]:.3f}")
assert found["sign", "logistic regression"][1] > 0.99 * np.log(2)
assert 0.94 < found["volatility", "ridge"][1] / found["volatility", "22-day mean"][1] < 0.98

# %% [markdown]
# For the sign: 0.69 is ln 2, the loss of a coin, and a linear model adds nothing. Volatility is another matter. On the
# raw scale the training mean fails badly, because the level has moved, and everything that looks at the last days does far better.
# Against the last month the gain is small, some 4 % of the squared error, and real.

# %% [markdown]
# ### The sign of the return: next to nothing to learn, much to overfit
#
# One LSTM of 64 units, as `evidence/stocks_sign.toml` declares it, without any regularizer.
#
# **Question.** What will the training accuracy be, and what the validation accuracy?

# %%
from labcode.experiments.declaration import EVIDENCE, read_declaration
from labcode.experiments.runs import make_run, train

sign = read_declaration(EVIDENCE / "stocks_sign.toml")
_, flips = train(make_run(sign, {}, seed=0))
print(f"accuracy: training {flips.train_accuracy[-1]:.3f}, validation {flips.validation_accuracy[-1]:.3f}")
assert flips.train_accuracy[-1] > 0.54
assert 0.45 < flips.validation_accuracy[-1] < 0.55

# %% [markdown]
# **Question.** Guessing has a loss of ln 2. Where does the validation loss go, epoch by epoch?

# %%
coin = {"baseline": float(np.log(2)), "baseline_label": "a coin", "unit": "cross-entropy"}
ax = plots.learning_curves(flips.train_loss, flips.validation_loss, **coin)
ax.set_ylim(0.65, 0.73)
assert flips.validation_loss[-1] > np.log(2)

# %% [markdown]
# It begins to learn its training days by heart and is a coin on others. By its loss it is worse than a coin: it is sure of itself
# without reason, and with every epoch more so.
#
# **Question.** If regularization makes predictions more precise, it should help here. What is the best that it can do? (L2 with two
# strengths, beside the run above.)

# %%
ends, curves = {}, {"none": (flips.train_loss, flips.validation_loss)}
for lam in (0.01, 0.1):
    _, run = train(make_run(sign, {"l2": lam}, seed=0))
    curves[f"L2, λ = {lam:g}"] = run.train_loss, run.validation_loss
    ends[lam] = run.validation_loss[-1], run.validation_accuracy[-1]
    print(f"λ = {lam:<4g} validation loss {ends[lam][0]:.4f}, accuracy {ends[lam][1]:.3f}")
_ = plots.curves_by_setting(curves, **coin)
assert ends[0.1][0] < flips.validation_loss[-1]
assert abs(ends[0.1][0] - np.log(2)) < 0.005
assert all(0.45 < accuracy < 0.55 for _, accuracy in ends.values())

# %% [markdown]
# It can make the model a coin. With the stronger penalty both losses lie at ln 2, and the accuracy is where it was: a half. That is an
# improvement, a model that admits to knowing nothing is better than one that is sure and wrong. But no regularizer adds a
# signal that is not in the data.
#
# That was one seed, and no test. `python course.py evidence stocks_sign` has tried four methods with ten seeds, by the protocol of part 1.
#
# **Question.** Will any of them be clearly better than no regularization, on the test years?

# %%
from labcode.experiments import load_result
from labcode.experiments.result_tables import by_seed, differences, outcomes

chance = load_result("stocks_sign")
effects = {measure: differences(chance, measure=measure) for measure in ("loss", "error")}
_ = plots.effect_forest(effects["loss"], unit="cross-entropy")
assert outcomes(effects["loss"]["none_last"], "last")["lower"] == ["output_dropout"]
assert outcomes(effects["loss"]["none_early"], "early")["lower"] == []

# %% [markdown]
# Trained to the last epoch, one: plain dropout. Against stopping early, none. (The scale: 0.005 of 0.69.)
#
# **Question.** And the decisions: on how many days of the test years are they right? The price rose on 51.0 % of them.


# %%
def days_right(where):
    """Print on which share of the test days each method is right, stopped early."""
    for name, wrong in by_seed(chance, "early", measure="error", where=where).items():
        print(f"{name:<20} {1 - wrong.mean():.1%}, seeds {1 - wrong.max():.1%} to {1 - wrong.min():.1%}")


days_right("summary")
worse = outcomes(effects["error"]["none_early"], "early")["higher"]
rises = tasks["sign"].test.y.mean()
print(f"rises {rises:.1%}; clearly more errors than with early stopping alone: {worse}")
assert worse == ["max_norm", "l2"]
assert abs(rises - 0.51) < 0.001

# %% [markdown]
# Here is a surprise. Stopped in its first epochs, the LSTM is right on 52 % of the test days, one point more than "it will rise" would be. It may
# be a trace of a signal; it is not clear against logistic regression, nor against the frequencies of the training years. And L2 and
# max-norm, whose strength validation data had chosen as high as the grid went, make clearly *more* errors: they turned the model into a constant, as
# the validation years asked, and so removed the trace that the test years had. Whatever it is, it is far less than a trade
# costs.
#
# Whether it is anything can be asked. The same models, with the same strengths, learn from 2003 to 2006 and are tested on 2010 to March
# 2013.
#
# **Question.** Will the LSTM keep its point, and will L2 and max-norm again be the worst?

# %%
days_right("confirmation")
later = {m: differences(chance, measure=m, where="confirmation") for m in ("loss", "error")}
assert outcomes(later["error"]["none_early"], "early")["unclear"][:2] == ["l2", "max_norm"]
assert len(outcomes(later["error"]["none_early"], "early")["unclear"]) == 4
assert abs(by_seed(chance, "early", measure="error", where="confirmation")["none"].mean() - 0.5) < 0.01
assert len(outcomes(later["loss"]["none_last"], "last")["lower"]) == 4

# %% [markdown]
# Neither. The LSTM is at 50 %, and the two that had been clearly worse now have the highest shares, clearly nothing. The point was of
# those years, or of chance: this is what a confirmation is for. One finding gets firmer: trained to its end, the LSTM's *loss* is clearly
# lower with any of the four. It is the same improvement as above, a model that claims less.
#
# ### Volatility: does it overfit?
#
# The same model on the volatility against its 22-day mean.
#
# **Question.** Here there is something to learn. Will the validation curve lie below ridge's line?

# %%
volatility = read_declaration(EVIDENCE / "stocks.toml")
lstm, curve = train(make_run(volatility, {}, seed=0))
ridge = {name: BASELINES["stocks"]["ridge"](surprise, name) for name in ("validation", "test")}
bar = float(np.square(ridge["validation"] - surprise.validation.y).mean())
rule = {"baseline": bar, "baseline_label": "ridge"}

# %% [markdown]
# **Question.** In chapter 1 the validation curve fell, turned, and rose far. Here?

# %%
losses = curve.validation_loss
ax = plots.learning_curves(curve.train_loss, losses, mark_best=False, **rule)
ax.set_ylim(0.75, 1.2)
print(f"validation loss {min(losses):.3f} to {max(losses):.3f}, ridge {bar:.3f}")
assert 0.9 < min(losses) / bar < 1.02

# %% [markdown]
# It runs along ridge's line from the first epoch on, while the training loss goes on sinking. Much of the gap is there from the
# start: the validation years are harder (the rule of the 22-day mean has a loss of 1.00 in training and 1.10 in validation), so a gap alone is
# no proof of overfitting. What grows is overfitting, and on this curve it can hardly be seen whether that hurts. Compare with
# chapter 1, where the same model ended far above its best: here are four times as many windows, and fewer epochs.
#
# ### What helps, and how much
#
# `python course.py evidence stocks` has tried five methods and two combinations with ten seeds; the test years are 2006 to 2009.
#
# **Question.** How much room is there? Think of the validation curve above, and of ridge.

# %%
result = load_result("stocks")
effects = differences(result)
_ = plots.effect_forest(effects)
for variant, expected in (("last", 7), ("early", 0)):
    clear = outcomes(effects[f"none_{variant}"], variant)
    print(
        f"against none, {variant}: {len(clear['lower'])} of 7 clearly better, {len(clear['higher'])} clearly worse"
    )
    assert (len(clear["lower"]), len(clear["higher"])) == (expected, 0)

# %% [markdown]
# Against a model that is trained to its end every method is clear; what could hardly be seen on one validation curve shows with ten seeds on
# the test years. Against stopping early none is, and their means are nearly 0.
#
# **Question.** How large is all this, beside the rules?

# %%
from labcode.experiments.result_tables import baselines

losses = by_seed(result, "early")
_ = plots.losses_beside_rules(losses, baselines(result), unit="test loss, early stopping")
ended = by_seed(result, "last")["none"].mean()
print(f"no regularization: {ended:.3f} at the last epoch, {losses['none'].mean():.3f} stopped early")
against_ridge = outcomes(differences(result, references=("ridge",))["ridge"], "early")
print({side: len(names) for side, names in against_ridge.items()}, "against ridge")
assert against_ridge["lower"] == []

# %% [markdown]
# Stopping early saves 4 % of the loss, no method adds to that, and with it all means lie some 1.5 % below ridge's line. Not one is clear
# against ridge: four years of days are too few for so little.
#
# ### Later years
#
# The same three stocks, trained on 2003 to 2006, tested on 2010 to March 2013, with the strengths chosen on the years before.
#
# **Question.** Training and test years differ from those above. What do you expect to be the same?

# %%
from labcode.experiments.result_tables import confirmed

_ = plots.effect_forest(differences(result, where="confirmation"))
both = {variant: confirmed(result, variant) for variant in ("last", "early")}
print({variant: len(found["lower"]) for variant, found in both.items()}, "of 7 clearly better in both")
assert len(both["last"]["lower"]) == 7
assert outcomes(differences(result, where="confirmation")["none_early"], "early")["lower"] == []

# %% [markdown]
# Everything, and that is rare: all seven against the last epoch, none against stopping early, and the means in about the same places.
#
# ### What it costs
#
# **Question.** For 1.5 % of the loss: how many times as long would you train?

# %%
from labcode.experiments.result_tables import relative_seconds

costs = relative_seconds(result)
_ = plots.training_costs(costs)
assert costs["recurrent_dropout_h"][0] > 1.4

# %% [markdown]
# Recurrent dropout doubles the time, the others cost little.

# %% [markdown]
# ### A forecast to look at
#
# The LSTM of above and ridge, on one stock in the autumn of 2008, as the crash came.
#
# **Question.** The calm and the wild days: which of them does a forecast catch, the first wild day or the second?

# %%
from labcode.experiments.tasks import model_outputs

forecasts = {"LSTM": model_outputs(lstm, surprise, "test")[:, 0], "ridge": ridge["test"][:, 0]}
days, outcome = surprise.test.dates, surprise.test.y[:, 0]
autumn = (days >= np.datetime64("2008-08-15")) & (days < np.datetime64("2008-12-15"))
rows = autumn & of("MSFT", surprise.test)
lines = {name: values[rows] for name, values in forecasts.items()}
_ = plots.forecast_days(
    days[rows], outcome[rows], lines, unit="against its 22-day mean\n[training deviations]"
)

# %% [markdown]
# **Question.** How alike are the two forecasts over all test days? One model has more than 10,000 weights, the other 88.

# %%
together = np.corrcoef(forecasts["LSTM"], forecasts["ridge"])[0, 1]
print(f"correlation of the two forecasts: {together:.2f}")
assert together > 0.6

# %% [markdown]
# Both follow: after a wild day they expect another one. Neither sees the first one coming; what is large and single is noise to
# them. And most of the time the two lines go together.

# %% [markdown]
# ### The raw scale
#
# Now the raw volatility, whose level has shifted, trained for longer: 30 epochs in batches of 32. A linear model adds up the last days,
# and that sum is right at any level. An LSTM bends: what it does with days that are calmer or wilder than any in training was
# never asked of it.
#
# **Question.** How will this validation curve differ from the one above?

# %%
from dataclasses import replace

longer = {"epochs": 30, "batch_size": 32}
on_raw = replace(volatility, task="stocks_raw", **longer)
lost, raw_curve = train(make_run(on_raw, {}, seed=0))
ridge_raw = {name: BASELINES["stocks"]["ridge"](raw, name) for name in ("validation", "test")}
raw_bar = float(np.square(ridge_raw["validation"] - raw.validation.y).mean())
rule = {"baseline": raw_bar, "baseline_label": "ridge"}
_ = plots.learning_curves(raw_curve.train_loss, raw_curve.validation_loss, **rule)

# %% [markdown]
# It jumps from epoch to epoch, touches ridge's line at best, and climbs away from it.
#
# **Question.** In numbers, and on the test years, which hold both the calmest and the wildest months?

# %%
losses = np.array(raw_curve.validation_loss)
test_loss = float(np.square(model_outputs(lost, raw, "test") - raw.test.y).mean())
ridge_loss = float(np.square(ridge_raw["test"] - raw.test.y).mean())
print(
    f"validation: ridge {raw_bar:.3f}, LSTM {losses.min():.3f} at its best epoch, {losses[-1]:.3f} at the end"
)
print(f"            {(losses > raw_bar).mean():.0%} of the epochs are worse than ridge")
print(f"test:       ridge {ridge_loss:.3f}, LSTM at the end {test_loss:.3f}")
assert losses.min() > 0.95 * raw_bar
assert (losses > raw_bar).mean() > 0.6
assert test_loss > 1.03 * ridge_loss

# %% [markdown]
# At its best epoch the LSTM is even with a linear model; in most epochs, and at the end, it is worse, and on the test years, too.
# Early stopping would save it here, if the epoch could be told from such a jumping curve. The better remedy is no regularizer at
# all: it is the other target, in which the level no longer shifts.

# %% [markdown]
# ### Leak 1: a shuffled split
#
# From here on we do what nobody should do, and measure what it promises. The first leak is the most common: all windows in one bag, some
# drawn for testing. Neighbouring windows share 21 of their 22 days, so nearly every test window has a twin in training.
#
# Is that a leak? Only if the *answer* can be copied from the twin. So we ask two questions: the volatility of **tomorrow**, of which
# the twin knows nothing, and the mean raw volatility of the **next month**, which twins share almost entirely.
#
# **Question.** Draw two windows one day apart, with their targets. How many days do the targets share in either question?

# %%
from labcode.applications.leaks import hold_out, mean_of_next
from labcode.data import join

known = join(raw.train, raw.validation)  # 2000 to 2005; the years after that stay unseen
month = mean_of_next(known, 22)
y = month.y[of("MSFT", month), 0]
print(f"targets of neighbouring days correlate with {np.corrcoef(y[:-1], y[1:])[0, 1]:.3f}")
y = surprise.train.y[of("MSFT", surprise.train), 0]
print(f"those of tomorrow's volatility with         {np.corrcoef(y[:-1], y[1:])[0, 1]:.3f}")

# %% [markdown]
# None, and 21 of 22. Now both splits of the years 2000 to 2005, for the month. `hold_out` takes the last fifth of the days or, given a
# generator, a fifth of the windows drawn anywhere. By time it also leaves out the training windows whose target reaches into the
# part that is held out.
#
# **Question.** What is lost if we do not leave those out? Which of the exercise's mistakes is that?

# %%
by_time = hold_out(month, 0.2, ahead=22)
shuffled = hold_out(month, 0.2, rng=np.random.default_rng(0))
for name, (left, held_out) in {"by time": by_time, "shuffled": shuffled}.items():
    print(f"{name}: learn {left.dates.min()} to {left.dates.max()}, ", end="")
    print(f"held out {held_out.dates.min()} to {held_out.dates.max()}")
assert by_time[0].dates.max() < by_time[1].dates.min()
assert shuffled[1].dates.min() < shuffled[0].dates.max()

# %% [markdown]
# (A target that reaches over the boundary: "split by the day of the forecast".) Each split gets the same small LSTM. What the split
# *claims* is the skill on what it held out; the *truth* is the skill on the years 2006 to 2009, which neither has seen. Skill is the
# share of the squared error that the model saves, compared with "next month as the last one".
#
# **Question.** Which claim will be higher? And which truth?

# %%
import torch

from labcode.applications.models import build_model
from labcode.training import fit, predict, seeded


def learn(dataset, split, seed=0):
    """Train an LSTM of 32 units for 15 epochs, and return it."""
    with seeded(seed):
        model = build_model(dataset, hidden_size=32)
        adam = torch.optim.Adam(model.parameters(), lr=3e-3)
        options = {"generator": torch.Generator().manual_seed(seed), "batch_size": 64, "epochs": 15}
        fit(model, split, optimizer=adam, measure_train=False, progress=False, **options)
    return model


# %% [markdown]
# That is the model of the study below, with its seed 0.
#
# **Question.** Your guess for both claims and both truths?


# %%
def skill(model, split):
    """Return the share of the squared error of "next month as the last one" that a model saves."""
    rule = split.x[:, :, 2].mean(axis=1, keepdims=True)
    return 1 - np.square(predict(model, split.x).numpy() - split.y).mean() / np.square(rule - split.y).mean()


# %% [markdown]
# **Question.** Last chance to guess. Which of the four numbers is the largest?

# %%
future = mean_of_next(raw.test, 22)
for name, (left, held_out) in {"by time": by_time, "shuffled": shuffled}.items():
    model = learn(raw, left)
    print(f"{name}: claimed {skill(model, held_out):+.2f}, on 2006 to 2009 {skill(model, future):+.2f}")

# %% [markdown]
# One seed shows the pattern. `python course.py evidence 06_leaks` has done it with ten, and for the volatility of tomorrow as well.
#
# **Question.** For which of the two does the shuffled split flatter, and does it make the *model* better or worse?

# %%
leaks = load_result("06_leaks")
pairs = {}
for task, title in {"month": "next month", "tomorrow": "tomorrow"}.items():
    for kind, found in leaks["splits"][task].items():
        pairs[f"{title}, {kind.replace('_', ' ')}"] = (found["claim"], found["truth"])
labels = {"truth": "found in 2006 to 2009", "reference_label": "the rule"}
_ = plots.claim_and_truth(pairs, unit="skill", reference=0.0, **labels)
for name, (claim, truth) in pairs.items():
    print(f"{name:<20} claimed {np.mean(claim):+.2f}, found {np.mean(truth):+.2f}")

# %% [markdown]
# For the next month the shuffled split claims a skill of 0.36, and the years to come show 0.13: two thirds of the claim were copied from twins. The split by
# time is modest and varies with the seed; in these years it even claims too little. For tomorrow there is no difference: the twins do not
# know the answer. And the *models* are not worse, the circles lie at about the same place: a leak spoils what you believe, not what
# you have trained.
#
#
# ### Leak 2: a scale of all data
#
# The second leak is one line: standardize the whole table, then split it. Mean and deviation then contain the test years.
#
# **Question.** Does ridge care? Think of its intercept, before the next cell (its penalty is set near 0 here).

# %%
from labcode.applications.baselines import ridge_predictions
from labcode.applications.leaks import scale_on_all

leaky = scale_on_all(raw)
forecasts = {}
for name, data in {"training years": raw, "all years": leaky.dataset}.items():
    flat = [split.x.reshape(len(split.x), -1) for split in (data.train, data.test)]
    forecasts[name] = ridge_predictions(flat[0], data.train.y, flat[1], 1e-6)

# %% [markdown]
# **Question.** How far apart are the two forecasts, in the same units?

# %%
in_honest_units = leaky.level + leaky.unit * forecasts["all years"]
print(
    f"largest difference of two forecasts: {np.abs(in_honest_units - forecasts['training years']).max():.1e}"
)
assert np.abs(in_honest_units - forecasts["training years"]).max() < 0.01

# %% [markdown]
# It does not: whatever the scale shifts, intercept and weights shift back. A linear model cannot even notice this leak. An LSTM can, in
# principle: where its units bend depends on where 0 is.
#
# **Question.** By how much will the leak lower the LSTM's test loss, on the raw scale with its shift? (Ten seeds, the study's small LSTM.)

# %%
losses = leaks["scales"]["raw_volatility"]
effect = leaks["summary"]["leaks"]["flattery"]["scaled on all data, raw_volatility"]
low, high = effect["interval"]
print(f"test loss {np.mean(losses['on_training']):.4f}, with the leak {np.mean(losses['on_all']):.4f}")
print(f"flattered by {effect['mean']:+.4f}, 95 % interval over the seeds [{low:+.4f}, {high:+.4f}]")

# %% [markdown]
# By nothing that ten seeds could show, although the level shifts by more than a deviation. That is no licence: with fewer data, heavier
# tails or a scale by the largest value it may be otherwise, and the honest way costs nothing. But who looks for the reason of a result
# that is too good should look elsewhere first.
#
#
# ### Leak 3: a choice on test data
#
# The third leak needs no code at all: try many things, report the best test score. We start without any model: 120 coins, each of which
# forecasts the sign of the return on all test days.
#
# **Question.** Half of the test months choose the best coin, the other half check it. What do you expect in either half?

# %%
sign_test = tasks["sign"].test
odd = sign_test.dates.astype("datetime64[M]").astype(int) % 2 == 1
coins = np.random.default_rng(0).integers(2, size=(120, len(sign_test.y)))
right = coins == sign_test.y
best = right[:, odd].mean(axis=1).argmax()
print(f"rises among all test days: {sign_test.y.mean():.1%}")
print(
    f"best of 120 coins: {right[best, odd].mean():.1%} in odd months, {right[best, ~odd].mean():.1%} in even ones"
)
assert right[best, odd].mean() > 0.52 > 0.515 > right[:, odd].mean()

# %% [markdown]
# The best coin looks like a discovery, and is a coin. In the study the candidates are real models: 120 linear ones for each of ten
# seeds, each of 20 of the window's 88 numbers, drawn by chance. The best on odd months is checked on even ones and the other way
# round; beside it stands the honest choice, on the validation years.
#
# **Question.** Will the best of 120 trained models be worth more than the best of 120 coins?

# %%
names = {"on_test": "chosen on test months", "on_validation": "chosen on validation years"}
pairs = {
    names[kind]: (100 * np.array(one["claim"]), 100 * np.array(one["truth"]))
    for kind, one in leaks["choices"].items()
}
_ = plots.claim_and_truth(pairs, unit="accuracy [%]", truth="found in other months", reference=50.0)
for name, (claim, truth) in pairs.items():
    print(f"{name:<27} claimed {np.mean(claim):.1f} %, found {np.mean(truth):.1f} %")

# %% [markdown]
# No. Chosen on test months, the best claims 53.5 %; in the other months it is right on 51.1 % of the days, as often as the price rose. Look at the second row,
# too: the best on the *validation* years claims 53.1 % there, and is a coin later. Whatever chooses is flattered. That is why there is a
# third part, which does not choose.
#
#
# ### What the leaks were worth
#
# All on one page, with intervals over the ten seeds.
#
# **Question.** Rank the leaks by how much damage they do here. Would the ranking be the same on your data?

# %%
flattery = leaks["summary"]["leaks"]["flattery"]
clear = [name for name, effect in flattery.items() if effect["interval"][0] > 0 and effect["p_holm"] < 0.05]
assert clear == ["shuffled split, month", "chosen on test, sign"]
for name, effect in flattery.items():
    low, high = effect["interval"]
    print(f"{name:<36} {effect['mean']:+.4f}  [{low:+.4f}, {high:+.4f}]  Holm's p {effect['p_holm']:.3f}")

# %% [markdown]
# Two are clear: the shuffled split where neighbours share their answer (skill), and the choice on test data where there is next to nothing to learn (share of days,
# 2.5 points of a hundred). Two are not: the shuffled split for tomorrow, and the scale. A leak is not a matter of form. It flatters by as
# much of the answer as it lets through, and that can be measured: build the same pipeline with and without it.

# %% [markdown]
# ### The article's claim, and what we found
#
# > Regularization makes an LSTM's predictions of stock prices more precise. (Our words for the second point of section 6.)
#
# The sign of a return: no. Regularization can keep a model from believing in what is not there, which is worth something, but beyond stopping
# early nothing becomes more precise, and two methods removed the little there was. Volatility: a little can be learned. Every regularizer helps a model that is trained too
# long, by some 3 % of the loss; none adds anything clear to stopping early, and a linear model is about as good. Three stocks and ten years are a small test; but beware of every larger claim that comes without its rule, its split and the
# number of its attempts.

# %% [markdown]
# ## What to remember
#
# - Ask for what is new tomorrow: a line that follows the price shows nothing. The sign of a daily return is nearly a coin; volatility can
#   be forecast a little.
# - A gap between training and validation loss can be overfitting or harder years. A rule's two losses tell them apart.
# - If the level of a target shifts from year to year, predict the difference to a recent mean.
# - A shuffled split leaks where neighbours share their answer. Split by time, and leave out the targets that reach over the boundary.
# - Scale on training data; choose on validation data; read the test once.
#
# ## Quiz
#
# **1.** Somebody predicts the mean temperature of the next 30 days, splits the days at random and reports a skill of 0.9. Your first
# question?
#
# <details><summary>Answer</summary>
#
# How much of a test day's target do training days share? Neighbouring targets have 29 of 30 days in common. Ask for a split by time
# with a gap of 30 days.
# </details>
#
# **2.** Why does a linear model with an intercept not notice that it was scaled on all data?
#
# <details><summary>Answer</summary>
#
# Its forecasts do not depend on where 0 is and how large a unit is: weights and intercept adapt. (With a strong penalty on the weights the
# unit matters a little.) A network bends somewhere, and the scale decides where.
# </details>
#
# **3.** A colleague tried 200 settings and reports 54 % of signs right on the test years. What do you expect on next year's data?
#
# <details><summary>Answer</summary>
#
# About 50 %. The best of 200 coins looks just like that. Only data that chose nothing can tell.
# </details>
#
# **4.** The raw volatility has a *lower* loss with ridge (0.56) than the volatility against its mean (1.05). Is it easier to predict?
#
# <details><summary>Answer</summary>
#
# No: the two losses are in other units and have other rules. On the raw scale even "as today" explains most; compare each with its own best
# simple rule.
# </details>
#
# **Next:** [part 5](../notebooks/06_5_weather.ipynb), the weather. [Exercise 6](../exercises/ex06_applications.ipynb): tasks 1, 2 and 4 let
# you write a split, a scale and a choice that do not leak.
