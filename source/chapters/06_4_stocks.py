# %% [markdown]
# # Chapter 6, part 4: Stocks, what can be learned, what cannot, and three ways to fool yourself
#
# *About 65 minutes: 30 of reading, 34 of thinking and trying; the cells run in about one. Take a break before the leaks.
# Needs: [part 1](06_1_text.ipynb), which shows how results of this chapter are read. This part mirrors section 6 of the
# article.*
#
# **After this chapter you can**
#
# - tell a question about prices that has an answer from one that has none, by what a simple rule reaches and by honest
#   tests;
# - say why a target whose level shifts from year to year is hard, and choose one that does not;
# - recognize three leaks (a shuffled split, a scale of all data, a choice on test data) and say what each is worth.

# %% [markdown]
# ## 6.4 Stock prices
#
# The article lists stock prices among the time series that LSTMs predict, and says that regularization makes the
# predictions more precise. Many pictures on the web agree: a predicted line that follows the real one closely. Most of them
# show tomorrow's *price*, which is today's price and a small change; whoever draws today's price one day later gets the
# same picture. So we ask for what is new tomorrow.
#
# ### The task and the data
#
# Daily prices of Apple, IBM and Microsoft, 2000 to 2009. The model reads the last 22 trading days (a month) of one stock:
# the *return* (the day's change of the logarithm of the price), its size, the range of the day's prices, the change of
# volume. There are three questions about tomorrow:
#
# - **sign**: will the price rise?
# - **raw volatility**: how far apart will the day's highest and lowest price be? *Volatility* is how much a price moves; we
#   take the logarithm of that range, in units of the training years.
# - **volatility**: the same, measured from the mean of the last 22 days.

# %%
import numpy as np

from labcode.data import stocks

tasks = {target: stocks.load(target=target) for target in stocks.TARGETS}
print(tasks["volatility"].describe())

# %% [markdown]
# Years follow each other: 2000 to 2003 train, 2004 and 2005 choose, 2006 to 2009 test, with the crash of 2008 in them.
#
# **Question.** The raw range of one stock, day by day: which of the three parts will lie highest, which lowest?

# %%
from labcode import plots


def of(ticker, split):
    """Return which rows of a split are those of one stock."""
    return np.char.startswith(split.items, ticker)


def day_by_day(data, ticker="MSFT"):
    """Return the days and targets of one stock, by part."""
    rows = {name: of(ticker, split) for name, split in data.splits.items()}
    return {
        name: (s.dates[rows[name]], s.y[rows[name], 0]) for name, s in data.splits.items()
    }


raw, surprise = tasks["raw_volatility"], tasks["volatility"]
_ = plots.time_series(day_by_day(raw), unit="log range of a day\n[training deviations]")

# %% [markdown]
# The validation years are far calmer than those of training, and the test has both, years as calm and the wildest months of
# all. The *level* shifts. Now the same days, measured from the mean of the 22 days before: which of the two pictures would
# you rather have to continue?

# %%
unit = "against its 22-day mean\n[training deviations]"
_ = plots.time_series(day_by_day(surprise), unit=unit)
for name, data in (("raw", raw), ("against its mean", surprise)):
    means = [f"{split} {part.y.mean():+.2f}" for split, part in data.splits.items()]
    print(f"{name:<17}", ", ".join(means))

# %% tags=["guard"]
assert raw.validation.y.mean() < -1
assert all(abs(part.y.mean()) < 0.2 for part in surprise.splits.values())

# %% [markdown]
# On the raw scale the validation years lie more than a standard deviation below the training years; against the last month
# all parts lie near 0.

# %% [markdown]
# ### What simple rules reach
#
# For the two volatilities: the mean of the training years, today's value again, and linear models (*ridge*, with an L2
# penalty) of the whole window or of three numbers, the last day, week and month. For the sign: the frequencies, and
# logistic regression.
#
# **Question.** For which of the three questions will *no* rule beat its simplest one?

# %%
from labcode.applications.metrics import item_losses
from labcode.applications.task_baselines import BASELINES, OF_TARGET

reached = {}
for target, data in tasks.items():
    for rule, make in BASELINES[OF_TARGET[target]].items():
        for part in ("train", "validation"):
            losses = item_losses(data.task, make(data, part), data.splits[part].y)
            reached[target, rule, part] = float(losses.mean())
        both = [reached[target, rule, part] for part in ("train", "validation")]
        print(
            "{:<15} {:<26} training {:.3f}, validation {:.3f}".format(target, rule, *both)
        )

# %% tags=["guard"]
assert reached["sign", "logistic regression", "validation"] > 0.99 * np.log(2)
gain = [reached["volatility", rule, "validation"] for rule in ("ridge", "22-day mean")]
assert 0.94 < gain[0] / gain[1] < 0.98

# %% [markdown]
# For the sign: 0.69 is ln 2, the loss of a coin, and a linear model adds nothing. On the raw scale the training mean fails
# badly, because the level has moved, and everything that looks at the last days does far better. Against the last month the
# gain is small, some 4 % of the squared error, and real.

# %% [markdown]
# ### The sign of the return: next to nothing to learn, much to overfit
#
# One LSTM of 64 units, as `evidence/stocks_sign.toml` declares it, without any regularizer.
#
# **Question.** On how many of 100 days of the validation years will it be right? And of its training years?

# %%
from labcode.check import guess

days_right = guess(
    "Stocks: on how many validation days is the sign right?", unit="of 100 days"
)

# %%
from labcode.experiments.declaration import EVIDENCE, read_declaration
from labcode.experiments.runs import make_run, train

sign = read_declaration(EVIDENCE / "stocks_sign.toml")
_, flips = train(make_run(sign, {}, seed=0))
print(f"training accuracy   {flips.train_accuracy[-1]:.3f}")
print(f"validation accuracy {flips.validation_accuracy[-1]:.3f}")
days_right.met(round(100 * flips.validation_accuracy[-1]), within=2)
coin = {"baseline": float(np.log(2)), "baseline_label": "a coin", "unit": "cross-entropy"}
ax = plots.learning_curves(flips.train_loss, flips.validation_loss, **coin)
_ = ax.set_ylim(0.65, 0.73)

# %% tags=["guard"]
assert flips.train_accuracy[-1] > 0.53
assert 0.45 < flips.validation_accuracy[-1] < 0.55
assert flips.validation_loss[-1] > np.log(2)

# %% [markdown]
# About half of the validation days, and more of those in training: it begins to learn its training days by heart and is a
# coin on others. By its loss it ends worse than a coin: it is sure of itself without reason.
#
# If regularization makes predictions more precise, it should help here. What is the best that it can do? L2 with two
# strengths, beside the run above:

# %%
ends, curves = {}, {"none": (flips.train_loss, flips.validation_loss)}
for lam in (0.01, 0.1):
    _, run = train(make_run(sign, {"l2": lam}, seed=0))
    curves[f"L2, λ = {lam:g}"] = run.train_loss, run.validation_loss
    ends[lam] = run.validation_loss[-1], run.validation_accuracy[-1]
    print("λ = {:<4g} validation loss {:.4f}, accuracy {:.3f}".format(lam, *ends[lam]))
_ = plots.curves_by_setting(curves, **coin)

# %% tags=["guard"]
assert abs(ends[0.1][0] - np.log(2)) < 0.01
assert ends[0.1][0] < flips.validation_loss[-1]
assert all(0.45 < accuracy < 0.55 for _, accuracy in ends.values())

# %% [markdown]
# It can make the model a coin. With the stronger penalty both losses lie at ln 2, and the accuracy is where it was. That is
# an improvement: a model that admits to knowing nothing is better than one that is sure and wrong. But no regularizer adds a
# signal that is not in the data.
#
# That was one seed, and no test. `python course.py evidence stocks_sign` has tried several methods with ten seeds, by the
# protocol of part 1. First the loss on the test years:

# %%
from labcode.experiments import load_result
from labcode.experiments.result_tables import by_seed, differences, outcomes
from labcode.plots.style import printed

chance = load_result("stocks_sign")
by_loss = differences(chance)
_ = plots.effect_forest(by_loss, unit="cross-entropy")
print(
    "clear beside early stopping:",
    outcomes(by_loss["none_early"], "early")["lower"] or "none",
)

# %% tags=["guard"]
assert outcomes(by_loss["none_early"], "early")["lower"] == []
none = chance["summary"]["methods"]["none"]["last"]["test"]["loss"]["mean"]
assert all(
    abs(by["last"]["mean"]) < 0.03 * none
    for by in by_loss["none_last"].values()
    if "last" in by
)

# %% [markdown]
# Against stopping early none is clear, and all effects are tiny: look at the scale, beside 0.69. And the decisions, on two
# sets of years? The same models, with the same strengths, also learn from 2003 to 2006 and are tested on 2010 to March 2013.
#
# **Question.** Suppose a model is right on 52 % of the first test years, where the price rose on 51 %. What do you expect of
# it in the second?

# %%
for where, years in (("summary", "2006 to 2009"), ("confirmation", "2010 to March 2013")):
    print(years)
    for name, wrong in by_seed(chance, "early", measure="error", where=where).items():
        seeds = f"seeds {1 - wrong.max():.1%} to {1 - wrong.min():.1%}"
        print(f"  {printed(name):<24} {1 - wrong.mean():.1%}, {seeds}")
    errors = differences(chance, measure="error", where=where)["none_early"]
    more = outcomes(errors, "early")["higher"]
    print("  clearly more errors than with early stopping alone:", more or "none")
print(f"the price rose on {tasks['sign'].test.y.mean():.1%} of the first days")

# %% tags=["guard"]
first, second = (
    1 - by_seed(chance, "early", measure="error", where=where)["none"].mean()
    for where in ("summary", "confirmation")
)
assert first - second > 0.01
assert abs(second - 0.5) < 0.012
assert {"l2", "max_norm"}.isdisjoint(more)

# %% [markdown]
# A coin. Stopped early and without any method, the LSTM had a point more than "it will rise" in the first years; in the
# second it has none. The methods that make clearly *more* errors in the first years turned the model into a constant, as the
# validation years asked; in the second years nothing is clear about them. Whatever the trace was, of those years or of chance,
# this is what a confirmation is for. It is also far less than a trade costs.

# %% [markdown]
# ### Volatility: does it overfit?
#
# The same model on the volatility against its 22-day mean. Here there is something to learn.
#
# **Question.** In chapter 1 the validation curve fell, turned, and rose far. Here?

# %%
volatility = read_declaration(EVIDENCE / "stocks.toml")
lstm, curve = train(make_run(volatility, {}, seed=0))
ridge = {
    part: BASELINES["stocks"]["ridge"](surprise, part) for part in ("validation", "test")
}
bar = float(np.square(ridge["validation"] - surprise.validation.y).mean())
losses, rule = curve.validation_loss, {"baseline": bar, "baseline_label": "ridge"}
ax = plots.learning_curves(curve.train_loss, losses, mark_best=False, **rule)
ax.set_ylim(0.75, 1.2)
print(f"validation loss {min(losses):.3f} to {max(losses):.3f}, ridge {bar:.3f}")

# %% tags=["guard"]
assert 0.9 < min(losses) / bar < 1.04
assert curve.train_loss[-1] < curve.train_loss[0]

# %% [markdown]
# It stays near ridge's line, while the training loss goes on sinking. Much of the gap is there from the start: the
# validation years are harder, as the rule of the 22-day mean has shown above (1.00 in training, 1.10 in validation). So a
# gap alone is no proof of overfitting; what *grows* is. Compare with chapter 1, where the same model ended far above its
# best: here are four times as many windows, and fewer epochs.
#
# ### What helps, and how much
#
# `python course.py evidence stocks` has tried methods and combinations with ten seeds; the test years are 2006 to 2009.

# %%
result = load_result("stocks")
effects = differences(result)
_ = plots.effect_forest(effects)
for variant in ("last", "early"):
    sides = outcomes(effects[f"none_{variant}"], variant)
    print(f"against none, {variant}:", {side: len(names) for side, names in sides.items()})

# %% tags=["guard"]
assert len(outcomes(effects["none_last"], "last")["lower"]) == len(effects["none_last"]) - 1
assert outcomes(effects["none_early"], "early")["lower"] == []

# %% [markdown]
# Against a model that is trained to its end every method is clear: what could hardly be seen on one validation curve shows
# with ten seeds on the test years. Against stopping early none is, and their means are nearly 0.
#
# How large is all this, beside ridge?

# %%
from labcode.experiments.result_tables import baselines

by_method = by_seed(result, "early")
_ = plots.losses_beside_rules(
    by_method, baselines(result), unit="test loss, early stopping"
)
ended = by_seed(result, "last")["none"].mean()
alone, linear = by_method["none"].mean(), baselines(result)["ridge"]
print(f"no regularization {ended:.3f} at the last epoch, {alone:.3f} stopped early")
print(f"ridge             {linear:.3f}")
against_ridge = outcomes(differences(result, references=("ridge",))["ridge"], "early")
print("clearly below ridge:", against_ridge["lower"] or "none")

# %% tags=["guard"]
assert against_ridge["lower"] == []
assert 0.02 < 1 - alone / ended < 0.06
assert 0.9 * linear < alone < linear

# %% [markdown]
# Small. Stopping early saves a few hundredths of the loss, no method adds anything clear to that, and with it the LSTM is a
# hair better than ridge, which no interval confirms: four years of days are too few for so little.
#
# ### Later years
#
# The same three stocks, trained on 2003 to 2006, tested on 2010 to March 2013, with the strengths chosen on the years
# before. What do you expect to be the same?

# %%
from labcode.experiments.result_tables import confirmed

later = differences(result, where="confirmation")
_ = plots.effect_forest(later)
for variant in ("last", "early"):
    print(f"{variant}: clearly better in both: {len(confirmed(result, variant)['lower'])}")

# %% tags=["guard"]
assert len(confirmed(result, "last")["lower"]) == len(effects["none_last"]) - 1
assert outcomes(later["none_early"], "early")["lower"] == []

# %% [markdown]
# Everything, and that is rare: all methods against the last epoch, none against stopping early.
#
# ### What it costs
#
# For so little of the loss: how many times as long would you train?

# %%
from labcode.experiments.result_tables import relative_seconds

_ = plots.training_costs(costs := relative_seconds(result))

# %% tags=["guard"]
assert (
    costs["recurrent_dropout_h"][0] > max(costs[name][0] for name in ("l2", "max_norm")) > 0
)

# %% [markdown]
# Recurrent dropout, inside the loop over the days, costs most; the others cost little.

# %% [markdown]
# ### A forecast to look at
#
# The LSTM of above and ridge, on one stock in the autumn of 2008, as the crash came. Which wild day does a forecast catch,
# the first or the second?

# %%
from labcode.experiments.tasks import model_outputs

forecasts = {
    "LSTM": model_outputs(lstm, surprise, "test")[:, 0],
    "ridge": ridge["test"][:, 0],
}
days, outcome = surprise.test.dates, surprise.test.y[:, 0]
autumn = (days >= np.datetime64("2008-08-15")) & (days < np.datetime64("2008-12-15"))
rows = autumn & of("MSFT", surprise.test)
lines = {name: values[rows] for name, values in forecasts.items()}
_ = plots.forecast_days(days[rows], outcome[rows], lines, unit=unit)
together = np.corrcoef(forecasts["LSTM"], forecasts["ridge"])[0, 1]
print(f"correlation of the two forecasts over all test days: {together:.2f}")

# %% tags=["guard"]
assert together > 0.5

# %% [markdown]
# The second: after a wild day both expect another one, and neither sees the first one coming. Most of the time the two lines
# go together, although one model has more than 10,000 weights and the other 88.

# %% [markdown]
# ### The raw scale
#
# Now the raw volatility, whose level has shifted, trained for longer. A linear model adds up the last days, and that sum is
# right at any level. An LSTM bends: what it does with days that are calmer or wilder than any in training was never asked of
# it.

# %%
from dataclasses import replace

on_raw = replace(volatility, task="stocks_raw", epochs=30, batch_size=32)
lost, raw_curve = train(make_run(on_raw, {}, seed=0))
in_raw = {part: BASELINES["stocks"]["ridge"](raw, part) for part in ("validation", "test")}
raw_bar, ridge_loss = (
    float(np.square(in_raw[part] - raw.splits[part].y).mean()) for part in in_raw
)
rule = {"baseline": raw_bar, "baseline_label": "ridge"}
_ = plots.learning_curves(raw_curve.train_loss, raw_curve.validation_loss, **rule)
losses = np.array(raw_curve.validation_loss)
test_loss = float(np.square(model_outputs(lost, raw, "test") - raw.test.y).mean())
print(f"epochs that are worse than ridge: {(losses > raw_bar).mean():.0%}")
print(f"test: ridge {ridge_loss:.3f}, LSTM at the end {test_loss:.3f}")

# %% tags=["guard"]
assert losses.min() > 0.93 * raw_bar
assert (losses > raw_bar).mean() > 0.5
assert test_loss > ridge_loss

# %% [markdown]
# The curve jumps from epoch to epoch. At its best epoch the LSTM is about even with a linear model; in most epochs it is
# worse, and at the end on the test years, too. Early stopping would save it here, if the epoch could be told from such a
# jumping curve. The better remedy is no regularizer at all: it is the other target, in which the level no longer shifts.

# %% [markdown]
# ### Leak 1: a shuffled split
#
# A *leak* is a way by which training comes to know something of the data it is judged on. From here on we do what nobody
# should do, and measure what it promises. The first leak is the most common: all windows in one bag, some drawn for testing.
# Neighbouring windows share 21 of their 22 days, so nearly every test window has a twin in training.
#
# Is that a leak? Only if the *answer* can be copied from the twin. So we ask two questions: the volatility of **tomorrow**,
# of which the twin knows nothing, and the mean raw volatility of the **next month**, which twins share almost entirely.

# %%
from labcode.applications.leaks import hold_out, mean_of_next
from labcode.data import join

horizon = 22
known = join(raw.train, raw.validation)  # 2000 to 2005; the years after that stay unseen
month = mean_of_next(known, horizon)
for name, part in (("next month", month), ("tomorrow", surprise.train)):
    y = part.y[of("MSFT", part), 0]
    together = np.corrcoef(y[:-1], y[1:])[0, 1]
    print(f"targets of neighbouring days, {name:<11} correlation {together:.3f}")

# %% [markdown]
# Now both splits of the years 2000 to 2005, for the month. `hold_out` takes the last fifth of the days or, given a
# generator, a fifth of the windows drawn anywhere. By time it also leaves out the training windows whose target reaches over
# the boundary, into the part that is held out.

# %%
splits = {
    "by time": hold_out(month, 0.2, ahead=horizon),
    "shuffled": hold_out(month, 0.2, rng=np.random.default_rng(0)),
}
for name, (left, held_out) in splits.items():
    print(f"{name}: learn {left.dates.min()} to {left.dates.max()}, ", end="")
    print(f"held out {held_out.dates.min()} to {held_out.dates.max()}")

# %% tags=["guard"]
assert splits["by time"][0].dates.max() < splits["by time"][1].dates.min()
assert splits["shuffled"][1].dates.min() < splits["shuffled"][0].dates.max()

# %% [markdown]
# Each split gets the same small LSTM, of 32 units for 15 epochs. *Skill* is the share of the squared error that the model
# saves, compared with a rule: "next month as the last one".

# %%
import torch

from labcode.applications.models import build_model
from labcode.training import fit, predict, seeded


def learn(dataset, split, seed=0):
    """Train a small LSTM, and return it."""
    with seeded(seed):
        model = build_model(dataset, hidden_size=32)
        adam = torch.optim.Adam(model.parameters(), lr=3e-3)
        order = torch.Generator().manual_seed(seed)
        quiet = {"measure_train": False, "progress": False}
        fit(
            model, split, optimizer=adam, generator=order, batch_size=64, epochs=15, **quiet
        )
    return model


# %%
def skill(model, split):
    """Return the share of the rule's squared error that a model saves."""
    rule = split.x[:, :, 2].mean(axis=1, keepdims=True)
    error = np.square(predict(model, split.x).numpy() - split.y).mean()
    return 1 - error / np.square(rule - split.y).mean()


# %% [markdown]
# What a split *claims* is the skill on what it held out; the *truth* is the skill on the years 2006 to 2009, which neither
# has seen.
#
# **Question.** Which claim will be higher, and how much of the shuffled split's claim is true?

# %%
copied = guess(
    "Shuffled, next month: what share of the claimed skill is found later?", unit="%"
)

# %%
future = mean_of_next(raw.test, horizon)
for name, (left, held_out) in splits.items():
    model = learn(raw, left)
    claim, truth = skill(model, held_out), skill(model, future)
    print(f"{name}: claimed {claim:+.2f}, on 2006 to 2009 {truth:+.2f}")

# %% tags=["guard"]
assert claim > truth

# %% [markdown]
# That was one seed. `python course.py evidence 06_leaks` has done it with ten, and for the volatility of tomorrow as well.

# %%
leaks = load_result("06_leaks")
pairs = {}
for task, title in {"month": "next month", "tomorrow": "tomorrow"}.items():
    for kind, found in leaks["splits"][task].items():
        pairs[f"{title}, {kind.replace('_', ' ')}"] = (found["claim"], found["truth"])
labels = {"truth": "found in 2006 to 2009", "reference_label": "the rule"}
_ = plots.claim_and_truth(pairs, unit="skill", reference=0.0, **labels)
means = {name: (np.mean(claim), np.mean(truth)) for name, (claim, truth) in pairs.items()}
for name, two in means.items():
    print("{:<20} claimed {:+.2f}, found {:+.2f}".format(name, *two))
claim, truth = means["next month, shuffled"]
copied.met(round(float(100 * truth / claim)), within=10)

# %% tags=["guard"]
assert 0 < truth < 0.6 * claim
assert abs(means["tomorrow, shuffled"][0] - means["tomorrow, by time"][0]) < 0.03
assert abs(truth - means["next month, by time"][1]) < 0.1

# %% [markdown]
# The shuffled split's, and most of it was copied from twins. The split by time is modest, and varies with the seed. For
# tomorrow there is no difference: the twins do not know the answer. And the *models* are not much better or worse, the
# circles lie at about the same place: a leak spoils what you believe, not what you have trained.
#
# **Try it yourself.** Set `horizon = 2`, then 60, and run from there to the cell with one seed. How does the distance between
# the shuffled claim and the truth depend on how much of their answer neighbours share?

# %% [markdown]
# ### Leak 2: a scale of all data
#
# The second leak is one line: standardize the whole table, then split it. Mean and deviation then contain the test years.
#
# **Question.** Do the forecasts of ridge notice? Think of its intercept; its penalty is set near 0 here.

# %%
from labcode.applications.baselines import ridge_predictions
from labcode.applications.leaks import scale_on_all

leaky = scale_on_all(raw)
scaled = {}
for name, data in {"training years": raw, "all years": leaky.dataset}.items():
    flat = [split.x.reshape(len(split.x), -1) for split in (data.train, data.test)]
    scaled[name] = ridge_predictions(flat[0], data.train.y, flat[1], 1e-6)
in_honest_units = leaky.level + leaky.unit * scaled["all years"]
apart = np.abs(in_honest_units - scaled["training years"]).max()
print(f"largest difference of two forecasts, in the same units: {apart:.0e}")

# %% tags=["guard"]
assert apart < 0.01

# %% [markdown]
# They do not: whatever the scale shifts, intercept and weights shift back. An LSTM can notice, in principle: where its units
# bend depends on where 0 is. By how much did the leak lower the test loss of the study's small LSTM, on the raw scale?

# %%
effect = leaks["summary"]["leaks"]["flattery"]["scaled on all data, raw_volatility"]
losses = leaks["scales"]["raw_volatility"]
honest, flattered = (np.mean(losses[kind]) for kind in ("on_training", "on_all"))
print(f"test loss {honest:.4f}, with the leak {flattered:.4f}")
print("flattered by {:+.4f}".format(effect["mean"]), end=", 95 % interval over the seeds ")
print("{:+.4f} to {:+.4f}".format(*effect["interval"]))

# %% tags=["guard"]
assert effect["interval"][0] < 0 < effect["interval"][1]

# %% [markdown]
# By nothing that ten seeds could show, although the level shifts by more than a deviation. That is no licence: with fewer
# data, heavier tails or a scale by the largest value it may be otherwise, and the honest way costs nothing. But whoever looks
# for the reason of a result that is too good should look elsewhere first.

# %% [markdown]
# ### Leak 3: a choice on test data
#
# The third leak needs no code at all: try many things, report the best test score. We start without any model: 120 coins,
# each of which forecasts the sign of the return on all test days. The odd months choose the best coin, the even ones check
# it.
#
# **Question.** On how many of 100 days is the best coin right, in the months that chose it?

# %%
best_coin = guess(
    "The best of 120 coins: on how many days is it right?", unit="of 100 days"
)

# %%
sign_test, candidates = tasks["sign"].test, 120
odd = sign_test.dates.astype("datetime64[M]").astype(int) % 2 == 1
coins = np.random.default_rng(0).integers(2, size=(candidates, len(sign_test.y)))
right = coins == sign_test.y
best = right[:, odd].mean(axis=1).argmax()
chose, checked = (100 * right[best, months].mean() for months in (odd, ~odd))
best_coin.met(round(float(chose), 1), within=1)
print(f"in the other months it is right on {checked:.1f} %")

# %% tags=["guard"]
assert chose > 52 > checked
assert abs(right[:, odd].mean() - 0.5) < 0.01

# %% [markdown]
# The best coin looks like a discovery, and is a coin. In the study the candidates are real models: 120 linear ones for each
# of ten seeds, each of 20 of the window's 88 numbers, drawn by chance. The best on odd months is checked on even ones and the
# other way round; beside it stands the honest choice, on the validation years.

# %%
names = {"on_test": "chosen on test months", "on_validation": "chosen on validation years"}
pairs = {
    names[kind]: tuple(100 * np.array(one[what]) for what in ("claim", "truth"))
    for kind, one in leaks["choices"].items()
}
labels = {"truth": "found in other months", "reference": 50.0}
_ = plots.claim_and_truth(pairs, unit="accuracy [%]", **labels)
for name, two in pairs.items():
    print("{:<27} claimed {:.1f} %, found {:.1f} %".format(name, *map(np.mean, two)))

# %% tags=["guard"]
for claim, truth in pairs.values():
    assert np.mean(claim) - np.mean(truth) > 1.5

# %% [markdown]
# The best of 120 trained models is worth about as little as the best of 120 coins. Look at the second row, too: the best on
# the *validation* years is flattered there, and does not keep it. Whatever chooses is flattered. That is why there is a third
# part, which does not choose.
#
# **Try it yourself.** Set `candidates` to 1, 12 and 1,200 in the cell of the coins. How does the claim grow with the number of
# attempts, and what becomes of the check?

# %% [markdown]
# ### What the leaks were worth
#
# All on one page, with intervals over the ten seeds: the first and second row in skill, the third in loss, the last in shares
# of days.

# %%
flattery = leaks["summary"]["leaks"]["flattery"]
for name, effect in flattery.items():
    interval = "[{:+.4f}, {:+.4f}]".format(*effect["interval"])
    print(f"{name:<36} {effect['mean']:+.4f} {interval} Holm's p {effect['p_holm']:.3f}")

# %% tags=["guard"]
clear = {n for n, e in flattery.items() if e["interval"][0] > 0 and e["p_holm"] < 0.05}
assert clear == {"shuffled split, month", "chosen on test, sign"}

# %% [markdown]
# Two are clear: the shuffled split where neighbours share their answer, and the choice on test data where there is next to
# nothing to learn. Two are not: the shuffled split for tomorrow, and the scale. A leak is not a matter of form. It flatters
# by as much of the answer as it lets through, and that can be measured: build the same pipeline with and without it.

# %% [markdown]
# ### The article's claim, and what we found
#
# > Regularization makes an LSTM's predictions of stock prices more precise. (Our words for the second point of section 6.)
#
# The sign of a return: no. Regularization can keep a model from believing in what is not there, which is worth something, but
# beyond stopping early nothing becomes more precise. Volatility: a little can be learned. Every regularizer helps a model
# that is trained too long; none adds anything clear to stopping early, and a linear model is about as good. Three stocks and
# some years are a small test; but beware of every larger claim that comes without its rule, its split and the number of its
# attempts.

# %% [markdown]
# ## What to remember
#
# - Ask for what is new tomorrow: a line that follows the price shows nothing. The sign of a daily return is nearly a coin;
#   volatility can be forecast a little.
# - A gap between training and validation loss can be overfitting or harder years. A rule's two losses tell them apart.
# - If the level of a target shifts from year to year, predict the difference to a recent mean.
# - A shuffled split leaks where neighbours share their answer. Split by time, and leave out the targets that reach over the
#   boundary.
# - Scale on training data; choose on validation data; read the test once.

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1.** Somebody predicts the mean temperature of the next 30 days, splits the days at random and reports a skill of 0.9.
# Your first question?
#
# - [ ] With how many seeds?
#   > Ten seeds would repeat the same leak ten times.
# - [x] How much of a test day's target do training days share?
#   > Neighbouring targets have 29 of 30 days in common. Ask for a split by time with a gap of 30 days.
# - [ ] Was the scale computed on all days?
#   > That leak is small here, beside one that shares the answer.
#
# **2.** Why does a linear model with an intercept not notice that it was scaled on all data?
#
# - [x] Its weights and its intercept adapt to any level and unit.
#   > The forecasts stay the same. With a strong penalty the unit matters a little, and a network bends somewhere.
# - [ ] The test years have the same level as the training years.
#   > They have not; the figures above show it.
# - [ ] It is too simple to overfit.
#   > A leak is not overfitting, and simple models can profit from leaks, too.
#
# **3.** A colleague tried 200 settings and reports 54 % of signs right on the test years. What do you expect on next year's
# data?
#
# - [ ] About 54 %: it was measured on test years.
#   > The test years chose the setting, so they are test years no longer.
# - [ ] Less than 50 %: what overfits must be wrong.
#   > It need not do worse than a coin either.
# - [x] About 50 %.
#   > The best of 200 coins looks just like that. Only data that chose nothing can tell.
#
# **4.** The raw volatility has a *lower* loss with ridge than the volatility against its mean. Is it easier to predict?
#
# - [ ] Yes: the lower loss is the better forecast.
#   > The two losses have other units, and other rules to be compared with.
# - [x] One cannot say so: compare each with its own best simple rule.
#   > On the raw scale even "as today" explains a large part.
# - [ ] No: a target that shifts cannot be predicted.
#   > It can, by whatever looks at the last days.

# %% [markdown]
# **Next:** [part 5](06_5_weather.ipynb), the weather. [Exercise 6](../exercises/ex06_applications.ipynb): tasks 1, 2 and 4
# let you write a split, a scale and a choice that do not leak.
