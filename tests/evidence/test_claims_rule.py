"""The file of claims: what it may say, and that verdicts and effects are the results'."""

import re

import numpy as np
import pytest

from labcode.experiments.claims import Claim, as_text, effects, judge, read_claims, rewrite
from labcode.experiments.effects import compare

PATH = ("methods", "l2", "early", "against", "none_early", "loss")
LOWER, HIGHER = ({"mean": m, "interval": [m - 0.1, m + 0.1], "p_holm": 0.01} for m in (-0.2, 0.2))
UNSURE = {"mean": -0.1, "interval": [-0.3, 0.1], "p_holm": 0.6}


def summary(effect, path=PATH, reference=2.0):
    """Return a declared experiment's summary that holds one effect at a path."""
    place = effect
    for step in reversed(path):
        place = {step: place}
    none = {"none": {"early": {"test": {"loss": {"mean": reference}}}}}
    return {"methods": place["methods"] | none, "baselines": {"ridge": {"loss": 4.0}}}


def result(effect, confirmation=None, **options):
    """Return a result that holds one effect, and perhaps its confirmation."""
    references = {"none_early": "none", "best_single_early": "l2"}
    found = {"summary": summary(effect, **options), "references": references}
    return found | {"confirmation": confirmation and summary(confirmation, **options)}


def claim(*experiments, direction="lower", path=PATH, **more):
    """Return a claim on the effect at a path in these experiments."""
    about = {"id": "l2-helps", "section": "4.2", "kind": "article", "sentence": "L2 helps.", "found": ()}
    evidence = tuple((name, path) for name in experiments)
    return Claim(direction=direction, verdict="undecided", evidence=evidence, **(about | more))


def test_every_place_of_a_claim_answers_by_the_claims_family():
    results = {"a": result(LOWER, UNSURE), "b": result(HIGHER)}
    made = claim("a", "b")
    found = judge(made, results)
    assert [one.says for one in found] == ["supports", "open", "opposes"]
    assert [one.place for one in found] == [
        f"a: {'/'.join(PATH)}",
        f"a: {'/'.join(PATH)} (transfer)",
        f"b: {'/'.join(PATH)}",
    ]
    assert [one.mean for one in found] == [-0.2, -0.1, 0.2]
    widths = [np.ptp(one.interval) for one in found]
    assert min(widths) > 0.2 * 1.15  # three at once: 2.39 / 1.96
    assert [one.detectable is None for one in found] == [True, False, True]
    assert found[1].detectable > 0.2
    assert list(effects(made, results)) == [one.place for one in found]


def test_a_single_place_keeps_its_interval():
    (one,) = judge(claim("a"), {"a": result(LOWER)})
    assert one.interval == pytest.approx((-0.3, -0.1))
    assert one.percent == pytest.approx((-10, -15, -5))  # of the reference, 2
    (skewed,) = judge(claim("a"), {"a": result(LOWER | {"interval": [-0.5, -0.1]})})
    assert skewed.interval == pytest.approx((-0.5, -0.1))
    assert as_text(one) == "-0.200 [-0.300, -0.100]"


@pytest.mark.parametrize(
    ("margin", "unit", "says"),
    [
        (20.0, "% of the reference", "inside"),
        (10.0, "% of the reference", "supports"),
        (0.31, "own", "inside"),
    ],
)
def test_a_margin_is_in_percent_of_the_reference_or_in_the_effects_unit(margin, unit, says):
    made = claim("a", margin=margin, unit=unit, because="said before")
    assert judge(made, {"a": result(LOWER)})[0].says == says


def test_an_effect_may_bring_its_reference_along():
    made = claim("a", margin=20.0, unit="% of the reference", because="said before")
    (one,) = judge(made, {"a": result(LOWER | {"reference": 1.0})})
    assert (one.says, one.percent[0]) == ("supports", -20)
    baseline = claim("a", path=(*PATH[:4], "ridge", "loss"))
    assert judge(baseline, {"a": result(LOWER, path=baseline.evidence[0][1])})[0].percent[0] == -5


def test_a_share_of_nothing_is_refused():
    made = claim("a", margin=20.0, unit="% of the reference", because="said before")
    with pytest.raises(ValueError, match=r"l2-helps, a: .*: expected an effect with a reference above 0"):
        judge(made, {"a": result(LOWER, reference=-1.0)})
    gap = claim("a", path=(*PATH[:5], "gap"))
    assert judge(gap, {"a": result(LOWER, path=gap.evidence[0][1])})[0].percent is None


def test_the_best_single_method_is_looked_up():
    made = claim("a", path=("methods", "best_single", *PATH[2:]))
    assert judge(made, {"a": result(LOWER)})[0].mean == -0.2


def test_effects_that_can_be_resampled_share_their_resamples():
    d = np.random.default_rng(0).normal(-0.3, 1, (10, 30))
    live = compare({"l2": d})["l2"]
    twice = [("a", ("x",)), ("a", ("y",))]
    made = Claim(**{**vars(claim("a")), "evidence": tuple(twice)})
    shared = judge(made, {"a": {"summary": {"x": live, "y": live}}})
    apart = judge(made, {"a": {"summary": {"x": dict(live), "y": dict(live)}}})
    assert np.ptp(shared[0].interval) < 0.95 * np.ptp(apart[0].interval)
    other = {name: {"summary": {"x": live}} for name in "ab"}  # of another experiment, as good as independent
    two = judge(Claim(**{**vars(made), "evidence": (("a", ("x",)), ("b", ("x",)))}), other)
    assert np.ptp(two[0].interval) > 1.05 * np.ptp(shared[0].interval)


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ({}, "^l2-helps: expected an experiment with a result, received 'a'"),
        (
            {"a": {"summary": {"methods": {}}}},
            "^l2-helps, a: methods/l2/.*: expected a path inside the summary, received 'l2'",
        ),
        ({"a": result({"mean": 1.0})}, "expected an effect with mean and interval"),
    ],
)
def test_what_a_claim_rests_on_has_to_be_there(results, message):
    with pytest.raises(ValueError, match=message):
        effects(claim("a"), results)


FILE = """
[[claim]]
id = "l2-helps"
section = "4.2"
kind = "article"
sentence = "L2 lowers the loss on days that the model has not seen."
direction = "lower"
verdict = "contradicted"
found = []
[[claim.evidence]]
experiment = "a"
path = ["methods", "l2", "early", "against", "none_early", "loss"]

[[claim]]
id = "scaling-is-the-same"
section = "3.3"
kind = "finding"
sentence = "Scaling in training or in evaluation comes to the same."
direction = "equal"
margin = 0.01
unit = "the loss"
because = "said before"
verdict = "shown (1 of 1)"
found = [
  { place = "a: scaling", mean = 9.0, interval = [8.0, 9.5], says = "opposes" },
]
[[claim.evidence]]
experiment = "a"
path = ["scaling"]
"""


def test_verdicts_and_effects_are_written_anew_and_nothing_else(tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text("# a remark\n" + FILE, encoding="utf-8")
    results = {"a": result(LOWER)}
    results["a"]["summary"]["scaling"] = {"mean": 0.001, "interval": [-0.02, 0.003]}
    first, second = rewrite(path, results)
    assert (first.verdict, first.word) == ("shown (1 of 1)", "shown")
    assert (second.verdict, second.word) == ("undecided (1 place)", "undecided")
    assert first.found == tuple(judge(first, results))
    assert second.found == tuple(judge(second, results))
    written = path.read_text(encoding="utf-8")
    assert rewrite(path, results) == [first, second]
    assert path.read_text(encoding="utf-8") == written
    kept = [line for line in written.splitlines() if not line.startswith(("verdict", "found", "  {", "]"))]
    before = ["# a remark", *FILE.splitlines()]
    assert kept == [line for line in before if not line.startswith(("verdict", "found", "  {", "]"))]


def test_claims_are_read(tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text(FILE, encoding="utf-8")
    first, second = read_claims(path)
    assert (first.id, first.kind, first.evidence, first.margin) == (
        "l2-helps",
        "article",
        (("a", PATH),),
        None,
    )
    assert (second.direction, second.margin, second.evidence) == ("equal", 0.01, (("a", ("scaling",)),))
    assert second.found[0].interval == (8.0, 9.5)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('id = "scaling-is-the-same"', 'id = "l2-helps"', "id: expected another one for each claim"),
        ('section = "3.3"\n', "", "scaling-is-the-same: expected the keys"),
        ("margin = 0.01\n", "", "scaling-is-the-same: expected the keys"),
        ('because = "said before"\n', "", "scaling-is-the-same: expected the keys"),
        ('because = "said before"', 'because = " "', "because: expected some text"),
        ("margin = 0.01", "margin = 0.0", "margin: expected above 0"),
        ('direction = "lower"', 'direction = "lower"\nmargin = 1.0', "l2-helps: expected the keys"),
        ('direction = "lower"', 'direction = "not higher"', "l2-helps: expected the keys"),
        ('direction = "lower"', 'direction = "smaller"', "direction: expected one of 'lower'"),
        ('kind = "article"', 'kind = "rumour"', "kind: expected one of 'article'"),
        ('verdict = "contradicted"', 'verdict = "true"', "verdict: expected one of 'shown'"),
        ("found = []", 'found = ""', "l2-helps: found: expected a list of tables"),
        ('says = "opposes"', 'says = "no"', "found.says: expected one of 'supports'"),
        ("mean = 9.0, ", "", "found: expected the keys"),
        ("mean = 9.0, ", "mean = 9.0, colour = 1, ", "found: expected the keys"),
        ('section = "4.2"', "section = 4.2", "section: expected some text, received 4.2"),
        ('path = ["scaling"]', "path = []", "path: expected a list of names"),
        ('path = ["scaling"]', 'path = ["scaling"]\nweight = 2', "expected the keys experiment and path"),
        (
            '[[claim]]\nid = "l2',
            'title = "x"\n[[claim]]\nid = "l2',
            "expected tables [[claim]] and nothing else",
        ),
        ("[[claim]]", "[[claim]", "claims.toml: "),
    ],
)
def test_a_faulty_file_of_claims_is_refused_in_words(tmp_path, old, new, message):
    path = tmp_path / "claims.toml"
    assert old in FILE
    path.write_text(FILE.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(message)):
        read_claims(path)
