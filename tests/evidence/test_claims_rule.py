"""One rule leads from results to a verdict, and the file of claims cannot say another."""

import re

import pytest

from labcode.experiments.claims import (
    CONDITIONS,
    HOLDS,
    NOT_HERE,
    Claim,
    effects,
    read_claims,
    rewrite,
    supports,
    verdict,
)

PATH = ("methods", "l2", "early", "loss")
LOWER = {"mean": -0.2, "interval": [-0.3, -0.1], "p_holm": 0.01}
HIGHER = {"mean": 0.2, "interval": [0.1, 0.3], "p_holm": 0.01}
UNSURE = {"mean": -0.1, "interval": [-0.3, 0.1], "p_holm": 0.6}
UNCORRECTED = {"mean": -0.2, "interval": [-0.39, -0.01], "p_holm": 0.2}


def summary(effect):
    """Return a summary that holds one effect, at PATH."""
    return {"methods": {"l2": {"early": {"loss": effect}}}}


def result(effect, confirmation=None):
    """Return a result that holds one effect, and perhaps its confirmation."""
    return {"summary": summary(effect), "confirmation": confirmation and summary(confirmation)}


def claim(*experiments, direction="lower", said=HOLDS, margin=None, found=()):
    """Return a claim on the effect at PATH in these experiments."""
    evidence = tuple((name, PATH) for name in experiments)
    about = {"id": "l2-helps", "section": "4.2", "sentence": "L2 helps.", "margin": margin}
    return Claim(direction=direction, verdict=said, evidence=evidence, found=tuple(found), **about)


@pytest.mark.parametrize(
    ("effect", "lower", "higher"),
    [(LOWER, True, False), (HIGHER, False, True), (UNSURE, False, False), (UNCORRECTED, False, False)],
)
def test_an_effect_supports_a_side_only_if_it_is_sure_after_correction(effect, lower, higher):
    assert (supports(effect, "lower"), supports(effect, "higher")) == (lower, higher)


def test_mean_and_interval_have_to_agree():
    assert not supports(LOWER | {"mean": 0.1}, "lower")
    assert not supports(LOWER | {"interval": [-0.3, 0.0]}, "lower")
    assert not supports(LOWER | {"p_holm": 0.05}, "lower")


@pytest.mark.parametrize(("margin", "supported"), [(0.4, True), (0.3, True), (0.29, False), (0.05, False)])
def test_equality_is_an_interval_within_the_margin(margin, supported):
    assert supports(UNSURE, "equal", margin) is supported


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ({"a": result(LOWER), "b": result(LOWER)}, HOLDS),
        ({"a": result(LOWER, LOWER)}, HOLDS),
        ({"a": result(LOWER)}, CONDITIONS),
        ({"a": result(LOWER, UNSURE)}, CONDITIONS),
        ({"a": result(UNSURE, LOWER)}, CONDITIONS),
        ({"a": result(LOWER, LOWER), "b": result(HIGHER)}, CONDITIONS),
        ({"a": result(LOWER), "b": result(UNCORRECTED, UNSURE)}, CONDITIONS),
        ({"a": result(UNSURE, HIGHER), "b": result(UNCORRECTED)}, NOT_HERE),
        ({"a": result(HIGHER, HIGHER)}, NOT_HERE),
    ],
)
def test_the_verdict_follows_the_rule(results, expected):
    made = claim(*results)
    assert verdict(made, results) == expected
    assert len(effects(made, results)) == sum(1 + bool(r["confirmation"]) for r in results.values())


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ({}, "^l2-helps: expected an experiment with a result, received 'a'"),
        (
            {"a": {"summary": {"methods": {}}}},
            "^l2-helps, a: methods/l2/early/loss: expected a path inside the summary, received 'l2'",
        ),
        (
            {"a": {"summary": summary({"mean": 1.0})}},
            "expected an effect with mean, interval and p_holm",
        ),
    ],
)
def test_what_a_claim_rests_on_has_to_be_there(results, message):
    with pytest.raises(ValueError, match=message):
        effects(claim("a"), results)


def test_verdicts_and_effects_are_written_anew_and_nothing_else(tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text("# a remark\n" + FILE, encoding="utf-8")
    results = {"a": result(LOWER)}
    results["a"]["summary"]["scaling"] = {"mean": 0.001, "interval": [-0.002, 0.003], "p_holm": 0.5}
    first, second = rewrite(path, results)
    assert (first.verdict, second.verdict) == (CONDITIONS, CONDITIONS)
    assert (first.found, second.found) == (("-0.200 [-0.300, -0.100]",), ("+0.001 [-0.002, +0.003]",))
    assert rewrite(path, results) == [first, second]
    before, after = FILE.splitlines(), path.read_text(encoding="utf-8").splitlines()[1:]
    changed = {old.partition(" = ")[0] for old, new in zip(before, after, strict=True) if old != new}
    assert changed == {"verdict", "found"}


FILE = """
[[claim]]
id = "l2-helps"
section = "4.2"
sentence = "L2 lowers the loss on days that the model has not seen."
direction = "lower"
verdict = "holds"
found = ["-0.200 [-0.300, -0.100]"]
[[claim.evidence]]
experiment = "a"
path = ["methods", "l2", "early", "loss"]

[[claim]]
id = "scaling-is-the-same"
section = "3.3"
sentence = "Scaling in training or in evaluation comes to the same."
direction = "equal"
margin = 0.01
verdict = "does not hold here"
found = []
[[claim.evidence]]
experiment = "a"
path = ["scaling"]
"""


def test_claims_are_read(tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text(FILE, encoding="utf-8")
    first, second = read_claims(path)
    assert (first.id, first.evidence, first.margin) == ("l2-helps", (("a", PATH),), None)
    assert (second.direction, second.margin, second.evidence) == ("equal", 0.01, (("a", ("scaling",)),))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('id = "scaling-is-the-same"', 'id = "l2-helps"', "id: expected another one for each claim"),
        ('section = "3.3"\n', "", "scaling-is-the-same: expected the keys"),
        ("margin = 0.01\n", "", "scaling-is-the-same: expected the keys"),
        ("margin = 0.01", "margin = 0.0", "margin: expected above 0"),
        ('direction = "lower"', 'direction = "lower"\nmargin = 1.0', "l2-helps: expected the keys"),
        ('direction = "lower"', 'direction = "smaller"', "direction: expected one of 'lower'"),
        ('verdict = "holds"', 'verdict = "true"', "verdict: expected one of 'holds'"),
        ("found = []", 'found = ""', "scaling-is-the-same: found: expected a list of texts"),
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
