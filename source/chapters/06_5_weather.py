# %% [markdown]
# # Chapter 6, part 5: Weather, tomorrow in Seattle and in six hours in New York
#
# *About 52 minutes: 20 of reading, 31 of thinking and trying; the cells run in less than one. Needs:
# [part 1](06_1_text.ipynb), which shows how results of this chapter are read. Seattle's weather is the task of
# [chapter 1](01_background.ipynb). This part mirrors section 6 of the article.*
#
# **After this chapter you can**
#
# - judge a forecast beside the rules that a forecaster has for nothing: as today, and as usual at this hour;
# - say which of many regularizers helped in one city, and whether another city confirms it;
# - look at forecasts day by day and see where they fail.

# %% [markdown]
# ## 6.5 Weather
#
# The article names the weather as a use of LSTMs for time series, and says that regularization makes forecasts more
# precise. We have two tasks. **Seattle**: from the last 14 days, how much warmer or colder than today will tomorrow's
# maximum be? **New York**: from the last 24 hours, how much warmer or colder will it be in six hours? All choices are made
# on Seattle; New York only confirms.
#
# ### The task and the data
#
# **Question.** In one of the cities a large part of the change is known in advance, without looking at the weather at all.
# In which one, and why?

# %%
from labcode.data import weather

cities = {"Seattle": weather.load(), "New York": weather.load(part="second")}
for name, city in cities.items():
    print(f"{name}: {city.title}")
    for split, part in city.splits.items():
        days = f"{part.dates[0]} to {part.dates[-1]}"
        print(f"    {split:<11} {len(part.y):>5} forecasts, {days}")
    print(f"    one unit is {city.target_std:.2f} °C")

# %% [markdown]
# In New York: six hours after dawn it is warmer, six hours after noon colder.
#
# In both cities the parts follow each other in time. Seattle's are whole years. New York's are not: training ends in June,
# validation is summer, the test is autumn. That is how forecasts are used, and it is harder than a shuffled split would
# make it look ([part 4](06_4_stocks.ipynb) measures by how much).
#
# One sample a person can read: New York's last 24 hours. What would you say for six hours later?

# %%
import numpy as np

from labcode import plots

york = cities["New York"]
sample = 100
hours = york.train.x[sample] * york.std + york.mean
words = {"label": "temperature", "unit": "temperature [°C]", "xlabel": "hour (0: now)"}
_ = plots.forecast_days(np.arange(-23, 1), hours[:, 0], {"dew point": hours[:, 1]}, **words)

# %%
change = float(york.train.y[sample, 0]) * york.target_std
print(f"six hours later, at {york.train.items[sample]}: {change:+.1f} °C")

# %% [markdown]
# A winter night: since noon, half a day before, the air had dried and the temperature fallen, and it went on falling a little
# until the morning (11:00 UTC is 6 o'clock in New York). The dew point is the temperature at which the air's water condenses.

# %% [markdown]
# ### What simple rules reach
#
# Four rules, all without a network:
#
# - *Persistence*: no change.
# - *Usual temperature*: back to what is usual on this day of the year, in New York at this hour.
# - *Usual change*: the change that is usual on this day, or at this hour.
# - *Ridge*: a linear model of the whole window with an L2 penalty, its strength chosen on validation data.
#
# A rule's *skill* is the share of persistence's squared error that it saves. Persistence itself has the skill 0.
#
# **Question.** How much of the squared error does the hour alone save in New York? And which of the four rules is a trap?

# %%
from labcode.check import guess

hour_alone = guess(
    "New York: how much error does the usual change at this hour save?", unit="%"
)


# %%
def skill(outputs, part):
    """Return the share of persistence's squared error that a forecast saves."""
    return 1 - np.square(outputs - part.y).mean() / np.square(part.y).mean()


# %%
from labcode.applications.task_baselines import BASELINES

RULES = BASELINES["weather"]
skills = {
    name: {
        rule: skill(make(city, "validation"), city.validation)
        for rule, make in RULES.items()
    }
    for name, city in cities.items()
}
for rule in RULES:
    print(
        f"{rule:<18}" + "".join(f"{name} {s[rule]:+7.2f}   " for name, s in skills.items())
    )
hour_alone.met(round(float(100 * skills["New York"]["usual change"])), within=10)

# %% tags=["guard"]
assert (
    abs(skills["Seattle"]["usual change"]) < 0.05 < 0.5 < skills["New York"]["usual change"]
)
assert all(found["usual temperature"] < -0.5 for found in skills.values())
assert all(found["ridge"] == max(found.values()) for found in skills.values())

# %% [markdown]
# More than half, on the validation part, which is summer. The trap is the usual temperature: weather does not jump back to
# the climate within a day, and a rule that says so is worse than "as now". (In New York it knows the hours of spring, and
# is asked about summer.) Ridge is the bar in both cities.

# %% [markdown]
# ### Does it overfit?
#
# The LSTM of chapter 1 once more, as `evidence/weather.toml` declares it, now in both cities: the experiments' own runs with
# seed 0. A loss of 1 is one training standard deviation of the change, squared.
#
# **Question.** New York has twice as many windows, and a larger part of its change follows a rule. Will it overfit, too?

# %%
from labcode.experiments.declaration import EVIDENCE, read_declaration
from labcode.experiments.runs import make_run, train

declared = read_declaration(EVIDENCE / "weather.toml")
tasks = {"Seattle": "weather", "New York": "weather_new_york"}
plain = {
    name: train(make_run(declared, {}, seed=0, task=task)) for name, task in tasks.items()
}

# %%
curves = {name: (run.train_loss, run.validation_loss) for name, (_, run) in plain.items()}
_ = plots.curves_by_setting(curves)
found = {}
for name, (_, losses) in curves.items():
    part = cities[name].validation
    ridge = float(np.square(RULES["ridge"](cities[name], "validation") - part.y).mean())
    found[name] = min(losses), losses[-1], ridge
    print(
        "{:<9} best epoch {:.2f}, last epoch {:.2f}, ridge {:.2f}".format(
            name, *found[name]
        )
    )

# %% tags=["guard"]
for best, end, ridge in found.values():
    assert best < 1.06 * ridge
    assert end > 1.2 * ridge

# %% [markdown]
# Yes, the same picture in both: at its best the LSTM is level with ridge or a little better, at its end it clearly loses to
# it, and the training loss goes on falling as if nothing had happened.

# %% [markdown]
# ### What helps, and how much
#
# `python course.py evidence weather` has trained a dozen methods and combinations in Seattle, by the protocol of part 1.
# **Try this:**
#
# 1. Choose L2 and move its strength from the weakest to the strongest. What happens to the *end* of the curve, and what to
#    its lowest point?
# 2. On the right the two lines meet at some strength. What does that mean for early stopping?
# 3. Find a method that moves the lowest point, too.

# %%
from labcode.experiments import load_result
from labcode.experiments.result_tables import sweep
from labcode.widgets import MethodExplorer

result = load_result("weather")
sweeps = {name: sweep(result, name) for name in result["declaration"]["methods"]}
none = sweep(result, "none")[0.0]
first = ("l2", max(sweeps["l2"]))
MethodExplorer(sweeps, none, unit="mean squared error", value=first).widget()

# %% [markdown]
# As a still picture, L2 at its second largest strength:

# %%
strength = sorted(sweeps["l2"])[-2]
_ = plots.strength_sweep(sweeps["l2"], none, strength, name="L2", unit="mean squared error")

# %% tags=["guard"]
end, lowest = (none[kind].mean() for kind in ("last", "early"))
assert sweeps["l2"][strength]["last"].mean() < 0.8 * end
assert abs(sweeps["l2"][strength]["early"].mean() / lowest - 1) < 0.1

# %% [markdown]
# The end of the curve moves down a long way, its lowest point hardly. Where the two lines meet, the last epoch is as good
# as the one that early stopping keeps. Most methods in the menu look like this.
#
# Now the test year, 2015, for every method at the strength that validation chose. Intervals cover seeds and blocks of 30
# days. Left: against no regularization to the last epoch. Right: against stopping early.
#
# **Question.** How many methods will be clearly better than stopping early alone?

# %%
beyond = guess(
    "Seattle: how many methods are clearly better than early stopping?", unit="methods"
)

# %%
from labcode.experiments.result_tables import differences, outcomes

effects = differences(result)
_ = plots.effect_forest(effects)
stopping = result["summary"]["methods"]["none"]["early"]["against"]["none_last"]["loss"]
print(f"stopping early by itself: {stopping['mean']:+.3f} {stopping['interval']}")
clear = {v: outcomes(effects[f"none_{v}"], v) for v in ("last", "early")}
for variant, sides in clear.items():
    print(
        {side: len(methods) for side, methods in sides.items()}, f"against none, {variant}"
    )
beyond.met(len(clear["early"]["lower"]))

# %% tags=["guard"]
assert len(clear["last"]["lower"]) == len(effects["none_last"]) - 1
assert clear["early"]["lower"] == []

# %% [markdown]
# **Not one**, although against the last epoch all are clear, by about a third of the loss. Nearly everything that any method
# gains is what stopping early gains by itself. Most means in the right panel lie a little below 0; ten seeds and a year of
# days are too few to tell that from nothing. And beside the rules?

# %%
from labcode.experiments.result_tables import baselines, by_seed

losses = by_seed(result, "early")
rules = {rule: baselines(result)[rule] for rule in ("persistence", "ridge")}
_ = plots.losses_beside_rules(losses, rules, unit="test loss, early stopping")
against_ridge = outcomes(differences(result, references=("ridge",))["ridge"], "early")
print({side: len(methods) for side, methods in against_ridge.items()}, "against ridge")

# %% tags=["guard"]
assert not against_ridge["lower"]
assert max(loss.mean() for loss in losses.values()) < rules["ridge"] < rules["persistence"]

# %% [markdown]
# Every mean lies left of ridge's line, that of early stopping alone, too. But not one difference is clear: the days of one
# year vary more than the models do.
#
# ### Another city
#
# New York, with the strengths that were chosen in Seattle.
#
# **Question.** In Seattle most means of the right panel leaned to the better side. Where will they lean here?

# %%
york_effects = differences(result, where="confirmation")
_ = plots.effect_forest(york_effects)
for variant in ("last", "early"):
    sides = outcomes(york_effects[f"none_{variant}"], variant)
    print(
        f"{variant}: {len(sides['lower'])} clearly better, clearly worse: {sides['higher']}"
    )
below = {
    name: [by["early"]["mean"] < 0 for by in found["none_early"].values() if "early" in by]
    for name, found in (("Seattle", effects), ("New York", york_effects))
}
for name, leaning in below.items():
    print(
        f"{name:<8} {sum(leaning)} of {len(leaning)} means below 0 against stopping early"
    )

# %% tags=["guard"]
assert (
    len(outcomes(york_effects["none_last"], "last")["lower"])
    == len(effects["none_last"]) - 1
)
assert outcomes(york_effects["none_early"], "early")["lower"] == []
assert np.mean(below["Seattle"]) > 0.6 > 0.4 > np.mean(below["New York"])

# %% [markdown]
# To the worse side. The left panel is confirmed in full; the right one shows why a confirmation is worth its time. Had we
# reported the leaning, we would have reported chance, or Seattle.
#
# ### What it costs
#
# Time of a training beside one without regularization.

# %%
from labcode.experiments.result_tables import relative_seconds

_ = plots.training_costs(costs := relative_seconds(result))

# %% tags=["guard"]
assert costs["zoneout"][0] > max(
    costs[name][0] for name in ("l2", "max_norm", "output_dropout")
)

# %% [markdown]
# What needs a mask at each step of the loop costs most, zoneout above all; what acts on weights or outputs costs little. Early
# stopping has the opposite price: it saves the epochs that it does not train.

# %% [markdown]
# ### Forecasts to look at
#
# The method with the lowest mean validation loss *in Seattle*, with early stopping, is trained here with seed 0 in both
# cities. Beside it stands the model without any regularization, at its last epoch.

# %%
kept = {
    name: min(loss for loss in one["early"]["validation"].values() if loss is not None)
    for name, one in result["chosen"].items()
}
methods = result["chosen"][min(kept, key=kept.get)]["early"]["methods"]
print("lowest validation loss:", methods)

# %% [markdown]
# **Question.** A model that has learned its training days by heart: are its forecasts of other days in Seattle bolder than
# those of the regularized one, further from "no change", or more timid?

# %%
MANNERS = ("bolder", "more timid")
manner = guess(
    "Seattle: how does the model without regularization forecast?", options=MANNERS
)

# %%
from labcode.experiments.tasks import model_outputs

forecasts = {}
for name, city in cities.items():
    run = make_run(declared, methods, seed=0, task=tasks[name], early=True)
    pair = {"no regularization": plain[name][0], "regularized": train(run)[0]}
    outputs = {
        kind: model_outputs(model, city, "test")[:, 0] for kind, model in pair.items()
    }
    forecasts[name] = {kind: city.target_std * values for kind, values in outputs.items()}

# %%
spreads = {}
for name, city in cities.items():
    spreads[name] = {"what came": (city.target_std * city.test.y).std()}
    spreads[name] |= {kind: values.std() for kind, values in forecasts[name].items()}
    print(name, {kind: f"{spread:.1f} °C" for kind, spread in spreads[name].items()})
timid = spreads["Seattle"]["no regularization"] < spreads["Seattle"]["regularized"]
manner.met(MANNERS[int(timid)])

# %% tags=["guard"]
seattle, in_york = spreads["Seattle"], spreads["New York"]
assert seattle["regularized"] < 0.75 * seattle["no regularization"]
assert seattle["no regularization"] / seattle["what came"] > 0.75
assert all(spread > 0.7 * in_york["what came"] for spread in in_york.values())

# %% [markdown]
# Bolder: in Seattle it varies nearly as much as the weather itself, and the regularized one much less. In New York both vary
# nearly as much as what came, because most of it, the wave of the day, can be known.
#
# Day by day, Seattle in spring. On which days are both wrong together, and where only one of them?

# %%
city, test = cities["Seattle"], cities["Seattle"].test
start, end = np.datetime64("2015-04-01"), np.datetime64("2015-06-01")
rows = (test.dates >= start) & (test.dates < end)
lines = {kind: values[rows] for kind, values in forecasts["Seattle"].items()}
unit = "change of temperature [°C]"
_ = plots.forecast_days(
    test.dates[rows], city.target_std * test.y[rows, 0], lines, unit=unit
)

# %% [markdown]
# Both miss the large single jumps: nothing in the fourteen days before told of them. But the model without regularization
# also has swings of its own, to several degrees, on days when little happened. The other one stays closer to zero where it
# does not know.
#
# **Try it yourself.** Set `start` and `end` to a month of winter, and to August. In which season is the regularized model
# closest to "no change", and is it right to be?
#
# New York, five days in October, a forecast every three hours:

# %%
test = york.test
first = int(np.flatnonzero(test.dates == np.datetime64("2013-10-10"))[0])
rows = slice(first, first + 40)
lines = {kind: values[rows] for kind, values in forecasts["New York"].items()}
at = [np.datetime64(item.removesuffix(":00 UTC")) for item in test.items[rows]]
_ = plots.forecast_days(np.array(at), york.target_std * test.y[rows, 0], lines, unit=unit)

# %% [markdown]
# The daily wave is easy, and both models know it. What is left beside it, fronts that come earlier or later, is as hard as
# in Seattle.
#
# All test forecasts of Seattle against what came; a perfect forecast lies on the diagonal.
#
# **Question.** One cloud will be flatter than the diagonal. Is that a fault?

# %%
outcome = city.target_std * city.test.y[:, 0]
clouds = {kind: (outcome, values) for kind, values in forecasts["Seattle"].items()}
_ = plots.forecasts(clouds, unit="°C")
errors = {
    kind: np.sqrt(np.square(values - came).mean())
    for kind, (came, values) in clouds.items()
}
errors["persistence"] = np.sqrt(np.square(outcome).mean())
print({kind: f"{error:.2f} °C" for kind, error in errors.items()})

# %% tags=["guard"]
assert errors["regularized"] < errors["persistence"] < errors["no regularization"]

# %% [markdown]
# It is none. Squared errors are smallest for the mean over what may come, and a mean varies less than what it is the mean
# of. The other cloud is as wide as the weather, for nothing: on average it is further from the diagonal than "no change"
# would be.
#
# **Try it yourself.** Put another method into `methods` above, `{"l2": 0.03}` or `{"recurrent_dropout_h": 0.6}`, and run
# from there. How much do spread and error depend on the method? Then take `methods = {}`: early stopping alone.

# %% [markdown]
# ### The article's claim, and what we found
#
# > Regularization makes an LSTM's forecasts of the weather more precise. (Our words for the second point of section 6.)
#
# What would you write under it? The effects at the last epoch, as shares of the loss:

# %%
for name, effect in {"Seattle": effects, "New York": york_effects}.items():
    where = "summary" if name == "Seattle" else "confirmation"
    reference = result[where]["methods"]["none"]["last"]["test"]["loss"]["mean"]
    means = [by["last"]["mean"] for by in effect["none_last"].values() if "last" in by]
    low, high = (f"{edge / reference:+.0%}" for edge in (min(means), max(means)))
    print(f"{name}: {low} to {high} of the loss without regularization")

# %% tags=["guard"]
assert (
    max(by["last"]["mean"] for by in york_effects["none_last"].values() if "last" in by) < 0
)

# %% [markdown]
# Compared with a model that is trained to its last epoch: yes, every method, in both cities. (Such a model is worse than
# persistence in Seattle and worse than ridge in New York, so that is not hard.) Compared with the same model stopped early:
# nothing is shown, and the means that lean to better in Seattle lean to worse in New York. The sentence is true for those
# who do not watch their validation loss.

# %% [markdown]
# ## What to remember
#
# - A forecast is judged beside the rules that cost nothing: as now, as usual, a linear model. In New York's summer the hour
#   alone explains more than half.
# - Two references: no regularization to the end is easily beaten; stopping early is not.
# - A second city confirms, or does not. What holds in one place in one year is a beginning.
# - A careful forecast varies less than what it forecasts. What cannot be known in advance should not be in it.

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1.** A model has a skill of 0.5 against persistence in New York's validation part. Is it good?
#
# - [ ] Yes: it halves the squared error.
#   > Of the weakest rule. Another rule does better without any weather in it.
# - [x] No: the usual change at that hour saves more.
#   > Compare with the best rule, not with the weakest.
# - [ ] One cannot say without the loss in °C.
#   > The unit drops out of the skill; what is missing is a better rule.
#
# **2.** Your forecasts vary as much as the outcomes do, and are half right. What would a good regularizer do to their
# spread?
#
# - [x] Make it smaller.
#   > If a part of the outcome cannot be known, the best forecast for squared errors is the mean over what may come, and that
#   > varies less.
# - [ ] Leave it, and move the forecasts to the right days.
#   > No regularizer knows the right days.
# - [ ] Make it larger, so that no extreme is missed.
#   > Bolder forecasts that are half right cost more squared error than they save.
#
# **3.** Strengths were chosen in Seattle and used in New York. What does a missing effect in New York *not* show?
#
# - [ ] That this strength is no recipe for both cities.
#   > Just that is what it suggests.
# - [ ] That the effect in Seattle may be chance.
#   > It makes that more likely.
# - [x] That the method cannot help in New York.
#   > It may need another strength there, which nobody has tried.
#
# **4.** Fourteen intervals hold 0, and twelve of the means lie below 0. May you say that regularization probably helps?
#
# - [ ] Yes: twelve of fourteen by chance is very unlikely.
#   > For fourteen separate studies. These share the same test year, the same seeds and the same reference.
# - [x] No: they share a test year and a reference, so they lean together.
#   > If the reference had bad luck on these days, all fourteen look better. The second city leaned the other way.
# - [ ] No: means say nothing.
#   > They are the best single guesses that there are; but these guesses are not independent.

# %% [markdown]
# **Next:** in [exercise 6](../exercises/ex06_applications.ipynb), task 3 is the skill of a forecast, and in task 7 you cure an
# LSTM on Seattle's weather; its score comes from days that you do not get.
