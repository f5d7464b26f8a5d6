"""Records: the same numbers give the same bytes, small ones, and all of a result is computed from them."""

import io
import json
import re
import zipfile

import numpy as np
import pytest

from labcode.experiments import machine
from labcode.experiments.declaration import EVIDENCE
from labcode.experiments.recompute import all_results, from_record, keep, recomputed, summary_of
from labcode.experiments.records import Record, compact, find_records, padded, write_record
from labcode.experiments.results import load_result, write_result

LOSSES = np.random.default_rng(0).normal(size=(3, 5))
ARRAYS = {"a/loss": LOSSES, "a/error": np.eye(3), "b": np.arange(4), "c": np.array([1.0, np.nan])}
RECORDS = find_records()


def test_what_is_written_is_read(tmp_path):
    path = write_record(tmp_path / "records" / "toy.npz", ARRAYS, {"seeds": 3})
    record = Record(path)
    assert record.about == {"seeds": 3}
    assert list(record) == list(ARRAYS)
    assert len(record) == 4
    np.testing.assert_allclose(record["a/loss"], LOSSES, rtol=1e-7)
    assert record["a/loss"].dtype == np.float64
    np.testing.assert_array_equal(record["a/error"] - 1, np.eye(3) - 1)
    assert record["a/error"].dtype == np.float64
    assert record["b"].dtype == np.int64
    assert list(record.under("a/")) == ["loss", "error"]
    assert "nothing" not in record
    assert record.get("nothing") is None
    with pytest.raises(
        ValueError, match=r"name: expected an array of the record, such as .*, received 'nothing'"
    ):
        record["nothing"]
    with pytest.raises(ValueError, match=r"record: expected a file in records/, received 'other\.npz'"):
        Record(path.with_name("other.npz"))


def test_the_bytes_are_those_of_the_numbers(tmp_path):
    one, two = (write_record(tmp_path / name, ARRAYS, {"x": 1}) for name in ("one.npz", "two.npz"))
    assert one.read_bytes() == two.read_bytes()
    with zipfile.ZipFile(one) as file:
        assert {member.date_time for member in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {member.create_system for member in file.infolist()} == {3}  # on every platform
        assert all(member.compress_type == zipfile.ZIP_DEFLATED for member in file.infolist())
    other = write_record(tmp_path / "three.npz", ARRAYS | {"b": np.arange(1, 5)}, {"x": 1})
    assert other.read_bytes() != one.read_bytes()


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (np.array([0.0, 1.0]), np.uint8),
        (np.array([True, False]), np.uint8),
        (np.array([0, 1]), np.uint8),
        (np.array([0, 2]), np.int32),
        (np.array([0, 2], np.int16), np.int16),
        (np.array([0, 2], np.uint32), np.int32),
        (np.array([0.0, 1.5]), np.float32),
        (np.array([0.0, np.nan]), np.float32),
        ([[1.5, 2]], np.float32),
    ],
)
def test_numbers_take_no_more_room_than_they_need(array, dtype):
    small = compact("x", array)
    assert small.dtype == dtype
    np.testing.assert_array_equal(small, array)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array(["a"]), "x: expected an array of numbers"),
        (np.array([]), "x: expected an array of numbers"),
        (np.array([2**40]), "x: expected whole numbers of 32 bits"),
        (np.array([2**31], np.uint32), "x: expected whole numbers of 32 bits"),
        (np.array([1e300]), "x: expected numbers that float32 can hold"),
    ],
)
def test_what_a_record_cannot_hold_is_refused(array, message):
    with pytest.raises(ValueError, match=message):
        compact("x", array)


@pytest.mark.parametrize("arrays", [{}, {"": LOSSES}, {"about.json": LOSSES}, {" / ": LOSSES}], ids=str)
def test_a_record_has_arrays_with_names(tmp_path, arrays):
    with pytest.raises(ValueError, match="expected"):
        write_record(tmp_path / "toy.npz", arrays, {})
    assert not (tmp_path / "toy.npz").exists()


def test_rows_of_different_lengths_are_padded():
    np.testing.assert_array_equal(padded([[1.0], [2.0, 3.0]]), [[1, np.nan], [2, 3]])
    with pytest.raises(ValueError, match="rows: expected at least one"):
        padded([])


SCRIPT = """
from labcode.experiments.effects import compare

def summary(record):
    return {"summary": {"x": compare({"loss": record["a/loss"]})}, "settings": record.about["settings"]}
"""


@pytest.fixture
def toy(tmp_path):
    (tmp_path / "toy.py").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "results").mkdir()
    keep("toy", ARRAYS, {"settings": {"seeds": 3}}, {"hash": "abc", "training_seconds": 1.5}, tmp_path)
    return tmp_path


def test_a_result_is_computed_from_its_record_alone(toy):
    found = recomputed("toy", toy)
    assert found["command"] == "python course.py evidence toy"
    assert (found["hash"], found["training_seconds"]) == ("abc", 1.5)
    assert found["made_with"]["numpy"] == np.__version__
    assert found["machine"] == machine.processor()
    assert found["summary"]["x"]["loss"]["mean"] == pytest.approx(LOSSES.mean(), abs=1e-5)
    assert found["settings"] == {"seeds": 3}
    assert json.loads(json.dumps(found)) == recomputed("toy", toy)
    written = write_result("toy", found, toy / "results").read_bytes()
    assert write_result("toy", recomputed("toy", toy), toy / "results").read_bytes() == written


def test_results_come_from_records_where_there_are_any(toy):
    write_result("toy", {"summary": "old"}, toy / "results")
    write_result("other", {"summary": "kept"}, toy / "results")
    found = all_results(toy)
    assert found["other"] == {"summary": "kept"}
    assert found["toy"] == recomputed("toy", toy)


def test_an_experiment_without_a_summary_is_refused(toy):
    with pytest.raises(ValueError, match="name: expected a study or a declaration"):
        summary_of("nothing", toy)
    (toy / "old.py").write_text("x = 1")
    with pytest.raises(ValueError, match=r"old: expected a script with a function summary\(record\)"):
        summary_of("old", toy)
    with pytest.raises(ValueError, match="about: expected what JSON can hold"):
        keep("toy", ARRAYS, {"seeds": float("nan")}, {}, toy)


@pytest.mark.parametrize("name", RECORDS)
def test_every_result_is_what_its_record_comes_to(name):
    """Run `python course.py evidence --recompute` where this fails."""
    record = Record(RECORDS[name])
    found = json.loads(json.dumps(from_record(record, summary_of(name, EVIDENCE))))
    assert_alike(found, load_result(name))


def assert_alike(found, written):
    """Compare results; on another processor the last digits may differ."""
    assert type(found) is type(written)
    if isinstance(found, dict):
        assert found.keys() == written.keys()
        for key in found:
            assert_alike(found[key], written[key])
    elif isinstance(found, list):
        assert len(found) == len(written)
        for one, other in zip(found, written, strict=True):
            assert_alike(one, other)
    elif isinstance(found, float):
        assert found == pytest.approx(written, rel=1e-3, abs=2e-4)
    else:
        assert found == written


def test_all_records_together_are_small():
    assert sum(path.stat().st_size for path in RECORDS.values()) <= 12e6


def test_the_data_card_loads_a_record_in_five_lines(tmp_path, monkeypatch, capsys):
    card = (EVIDENCE / "records" / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    assert len(list(filter(None, code.splitlines()))) <= 5
    arrays = {f"weather/{method}/early/loss": LOSSES * at for at, method in ((1, "none"), (3, "l2"))}
    keep("weather", arrays, {}, {}, tmp_path / "evidence")
    monkeypatch.chdir(EVIDENCE.parent if "weather" in RECORDS else tmp_path)
    exec(code, {})
    said = capsys.readouterr().out
    assert "python course.py evidence weather" in said
    if "weather" not in RECORDS:
        means = np.fromstring(said[said.index("[") + 1 : said.index("]")], sep=" ")
        np.testing.assert_allclose(means, 2 * LOSSES.mean(axis=1), rtol=1e-4)


def test_numpy_alone_reads_a_record(tmp_path):
    path = write_record(tmp_path / "toy.npz", ARRAYS, {"x": 1})
    found = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
    assert json.loads(found["about.json"]) == {"x": 1}
    assert found["a/loss"].dtype == np.float32


# The machine


CPUINFO = """processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 17
model name\t: AMD EPYC

processor\t: 1
model name\t: another
"""


def test_a_processor_is_said_so_that_another_can_be_told_from_it(tmp_path):
    (tmp_path / "cpuinfo").write_text(CPUINFO)
    found = machine.processor(tmp_path / "cpuinfo")
    assert {key: found[key] for key in ("vendor", "family", "model", "name")} == {
        "vendor": "AuthenticAMD",
        "family": "25",
        "model": "17",
        "name": "AMD EPYC",
    }
    assert machine.label(found) == f"AMD EPYC, family 25, model 17, {found['capability']}"
    elsewhere = machine.processor(tmp_path / "none")
    assert elsewhere["name"]
    assert "family" not in elsewhere
    assert machine.differs(found, found) == []
    assert machine.differs(found, found | {"model": "1", "threads": 99}) == ["model"]
    assert set(machine.differs(found, elsewhere)) == {"vendor", "family", "model"}
