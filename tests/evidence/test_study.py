"""A study's runs are kept under what decides them and survive kills; its result has the script's hash."""

import json
import os
import runpy
import signal
import subprocess
import sys
import time

import pytest
from evidence_tasks import lines

from labcode.experiments.declaration import EVIDENCE, find_declarations
from labcode.experiments.script_hash import RENAMED, script_hash
from labcode.experiments.study import Study, find_studies
from tools.evidence import CURRENT, MISSING, STALE, main, state
from tools.process import CourseError

SCRIPT = '''
"""A toy study."""

import os
import time

import torch

from labcode.experiments.study import Study
from labcode.training import evaluate, predict

OFFSET = 10


def shifted(x):
    """Shift it."""
    return x + OFFSET


def run(*, seed, scale=1):
    with open(os.environ["TOY_LOG"], "a") as log:
        log.write(f"{seed} {scale} {torch.get_num_threads()}\\n")
    time.sleep(float(os.environ.get("TOY_SECONDS", "0")))
    return {"value": shifted(seed * scale)}


def unused():
    return evaluate(OFFSET)


def main():
    study = Study(__file__)
    found = study.map(run, [{"seed": seed, "scale": scale} for scale in (1, 2) for seed in study.seeds(6)])
    study.save({"summary": {"values": [one["value"] for one in found]}})


if __name__ == "__main__":
    main()
'''


@pytest.fixture
def toy(tmp_path, monkeypatch):
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    path = tmp_path / "toy.py"
    path.write_text(SCRIPT)
    return path


def perform(path, *arguments):
    """Run the script in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [str(path), "--jobs", "1", *arguments])
        runpy.run_path(str(path), run_name="__main__")


def result_of(path):
    return json.loads((path.parent / "results" / f"{path.stem}.json").read_text())


KEEPING = SCRIPT.replace(
    '    study.save({"summary": {"values": [one["value"] for one in found]}})',
    '''    study.keep("values", [one["value"] for one in found])
    study.save(summary, scales=[1, 2])


def summary(record):
    """Return what the result holds beside its head."""
    return {"summary": {"values": record["values"].tolist(), "scales": record.about["scales"]}}
''',
)


def test_a_result_may_be_computed_from_a_record_and_again(toy, tmp_path, capsys):
    assert KEEPING != SCRIPT
    toy.write_text(KEEPING)
    with pytest.raises(CourseError, match=r"No record in .*/records of toy\."):
        main(["--recompute", "toy"], tmp_path)
    perform(toy)
    result, path = result_of(toy), tmp_path / "results" / "toy.json"
    assert result["summary"] == {"values": [10, 11, 12, 13, 14, 15, 10, 12, 14, 16, 18, 20], "scales": [1, 2]}
    assert result["hash"] == script_hash(toy)
    assert {"command", "processor", "machine", "training_seconds", "made_with"} <= result.keys()
    written = path.read_bytes()
    path.write_text("{}")
    assert main(["--recompute", "toy"], tmp_path) == 0
    assert path.read_bytes() == written
    assert len(lines(tmp_path / "log")) == 12  # nothing ran again
    # Of another length: Python takes its compiled file for a script of the same second and size.
    toy.write_text(KEEPING.replace('"scales": record', '"scales tried": record'))
    assert main(["--recompute"], tmp_path) == 0
    assert set(result_of(toy)["summary"]) == {"values", "scales tried"}


def test_a_study_keeps_each_array_once_and_computes_by_one_function(toy, tmp_path):
    study = Study(toy, ["--jobs", "1"], tmp_path)
    study.keep("values", [1.5])
    with pytest.raises(ValueError, match="name: expected one that is not in the record yet"):
        study.keep("values", [2.5])
    with pytest.raises(ValueError, match="other: expected an array of numbers"):
        study.keep("other", ["a"])
    with pytest.raises(ValueError, match="result: expected a table, or the script's function summary"):
        study.save(lambda record: {})


def test_results_come_in_order_with_one_thread_and_are_not_computed_again(toy, tmp_path):
    perform(toy)
    result = result_of(toy)
    assert result["summary"]["values"] == [10, 11, 12, 13, 14, 15, 10, 12, 14, 16, 18, 20]
    assert result["hash"] == script_hash(toy)
    assert result["command"] == "python course.py evidence toy"
    assert [words[2] for words in lines(tmp_path / "log")] == ["1"] * 12
    perform(toy)
    assert len(lines(tmp_path / "log")) == 12
    assert result_of(toy)["training_seconds"] == result["training_seconds"]


@pytest.mark.parametrize(
    ("old", "new", "runs"),
    [
        ("OFFSET = 10", "OFFSET = 20", 24),
        ("x + OFFSET", "OFFSET + x", 24),
        ("seed * scale", "scale * seed", 24),
        ("study.seeds(6)", "study.seeds(7)", 14),
        ("evaluate(", "predict(", 12),
    ],
)
def test_a_run_is_repeated_if_what_it_uses_has_changed(toy, tmp_path, old, new, runs):
    perform(toy)
    before = script_hash(toy)
    assert old in SCRIPT
    toy.write_text(SCRIPT.replace(old, new))
    assert script_hash(toy) != before
    perform(toy)
    assert len(lines(tmp_path / "log")) == runs


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""A toy study."""', '"""Another text."""'),
        ('"""Shift it."""', '"""Say what it does."""'),
        (
            "from labcode.training import evaluate, predict",
            "from labcode.training.loop import evaluate, predict",
        ),
        ("evaluate, predict\n", "evaluate as measure\n"),
        ("    return x + OFFSET", "    return (  # in one line\n        x + OFFSET\n    )"),
    ],
)
def test_a_result_does_not_hang_on_text_or_on_where_the_library_keeps_things(toy, old, new):
    text = SCRIPT.replace("evaluate(", "measure(") if "measure" in new else SCRIPT
    assert old in text
    toy.write_text(SCRIPT)
    before = script_hash(toy)
    toy.write_text(text.replace(old, new))
    assert script_hash(toy) == before


def test_a_name_counts_as_results_first_knew_it(toy, monkeypatch):
    before = script_hash(toy)
    toy.write_text(SCRIPT.replace("evaluate", "mean_loss"))
    assert script_hash(toy) != before
    monkeypatch.setitem(RENAMED, "mean_loss", "evaluate")
    assert script_hash(toy) == before


def test_a_result_survives_what_does_not_change_it(toy, tmp_path):
    perform(toy)
    toy.write_text(SCRIPT.replace("Shift it", "Add ten").replace("import time", "import time as time"))
    assert state("toy", script_hash(toy), tmp_path / "results") == CURRENT
    perform(toy)
    assert len(lines(tmp_path / "log")) == 12
    toy.write_text(SCRIPT.replace("OFFSET = 10", "OFFSET = 11"))
    assert state("toy", script_hash(toy), tmp_path / "results") == STALE


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is a signal of POSIX")
def test_a_killed_study_goes_on_where_it_was(toy, tmp_path, monkeypatch):
    monkeypatch.setenv("TOY_SECONDS", "0.1")
    kills = int(os.environ.get("LABCODE_KILLS", "2"))
    for _ in range(kills):
        process = subprocess.Popen(
            [sys.executable, str(toy), "--jobs", "1"], start_new_session=True, stderr=subprocess.DEVNULL
        )
        started, before = time.monotonic(), len(lines(tmp_path / "log"))
        while len(lines(tmp_path / "log")) < before + 2 and time.monotonic() - started < 1800:
            if process.poll() is not None:
                break
            time.sleep(0.02)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    perform(toy)
    assert len(result_of(toy)["summary"]["values"]) == 12
    assert len(lines(tmp_path / "log")) <= 12 + kills  # at most the run in hand is done again
    assert not list((tmp_path / "runs").rglob("*.part"))


def test_a_quick_run_leaves_results_and_stores_alone(toy, tmp_path, capsys):
    perform(toy, "--quick")
    assert not (tmp_path / "results").exists()
    assert "toy.json" in capsys.readouterr().out
    assert len(lines(tmp_path / "log")) == 4


def test_a_quick_run_tries_little(toy, tmp_path):
    whole, quick = (Study(toy, arguments, tmp_path) for arguments in ([], ["--quick"]))
    assert (list(whole.seeds(6)), whole.epochs(25), whole.few("abc")) == ([*range(6)], 25, ("a", "b", "c"))
    assert (list(quick.seeds(6)), quick.epochs(25), quick.few("abc")) == ([0, 1], 1, ("a",))
    with pytest.raises(ValueError, match="number: expected a whole number of at least 1"):
        whole.epochs(0)


def test_the_command_runs_studies_quickly(toy, tmp_path, capsys):
    assert main(["--quick", "--jobs", "1"], tmp_path) == 0
    assert len(lines(tmp_path / "log")) == 4
    assert not (tmp_path / "results").exists()
    toy.write_text(SCRIPT.replace("study = Study", "study = 1 / 0 or Study"))
    assert main(["--quick", "--jobs", "1"], tmp_path) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_settings_and_functions_that_cannot_be_kept_are_refused(toy, tmp_path):
    study = Study(toy, ["--jobs", "1"], tmp_path)
    run = runpy.run_path(str(toy))["run"]
    with pytest.raises(ValueError, match="settings: expected what JSON can hold, received"):
        study.map(run, [{"seed": object()}])
    with pytest.raises(ValueError, match="function: expected one of the top level"):
        study.map(lambda seed: {"seed": seed}, [{"seed": 0}])
    with pytest.raises(ValueError, match="function: expected a function"):
        study.map(len, [{"seed": 0}])
    with pytest.raises(ValueError, match="number: expected a whole number of at least 1"):
        study.seeds(0)
    toy.write_text(SCRIPT.replace("def shifted", "import functools\n\n@functools.cache\ndef shifted"))
    run = runpy.run_path(str(toy))["run"]
    with pytest.raises(ValueError, match=r"shifted: expected a plain function of the script, .* _lru_cache"):
        study.map(run, [{"seed": 0}])


def test_the_command_lists_and_runs_studies(toy, tmp_path, capsys):
    assert find_studies(tmp_path) == {"toy": toy}
    assert main(["--list"], tmp_path) == 0
    assert capsys.readouterr().out == f"toy: {MISSING}\n"
    assert main(["--jobs", "1"], tmp_path) == 0
    assert state("toy", script_hash(toy), tmp_path / "results") == CURRENT
    toy.write_text(SCRIPT.replace("seeds(6)", "seeds(7)"))
    capsys.readouterr()
    main(["--list"], tmp_path)
    assert capsys.readouterr().out == f"toy: {STALE}\n"
    with pytest.raises(CourseError, match=r"No experiment is named tuy; there are toy\."):
        main(["tuy"], tmp_path)


SCRIPTS = {path.stem: path for path in sorted(EVIDENCE.glob("*.py"))}


@pytest.mark.parametrize("path", sorted((EVIDENCE / "results").glob("*.json")), ids=lambda path: path.stem)
def test_every_result_belongs_to_its_script_or_declaration(path):
    """Run `python course.py evidence NAME` where this fails."""
    if path.stem in find_declarations():
        return  # test_declaration.py holds those
    assert path.stem in SCRIPTS, "a result that nothing makes"
    assert json.loads(path.read_text())["hash"] == script_hash(SCRIPTS[path.stem])
