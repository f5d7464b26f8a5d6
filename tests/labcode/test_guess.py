"""A guess: said by mouse, keyboard or in the code, kept, met by the result; it never stops a run."""

import json
from importlib import import_module

import numpy as np
import pytest

from labcode import check
from labcode.check import progress
from tools.resume import where_one_stopped

ASKED = "How many weights does one coin silence?"


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Where progress is kept."""
    monkeypatch.setenv("LABCODE_PROGRESS", str(tmp_path / "progress.jsonl"))
    return tmp_path / "progress.jsonl"


class Shell:
    """What IPython gives in a notebook, as far as a guess can tell."""

    kernel = None


@pytest.fixture
def notebook(monkeypatch):
    """What a notebook would show: a list that fills."""
    import IPython
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython, "get_ipython", Shell)
    monkeypatch.setattr(IPython.display, "display", shown.append)
    return shown


def said(capsys):
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("mine", "met"),
    [
        (64, "You said 64 weights; it is 8 weights."),
        (np.int64(64), "You said 64 weights; it is 8 weights."),
        ("8", "Right, it is 8 weights."),
        ("8,4", "Right, it is 8 weights."),
        ("15000", "You said 15000 weights; it is 8 weights."),
        (None, "No guess yet; it is 8 weights."),
        ("many", "No guess yet; it is 8 weights."),
        (float("nan"), "No guess yet; it is 8 weights."),
        ([8], "No guess yet; it is 8 weights."),
    ],
)
def test_a_number_in_the_code_is_met_by_the_result(kept, capsys, mine, met):
    asked = check.guess(ASKED, unit="weights", mine=mine)
    assert said(capsys).startswith(ASKED)
    asked.met(8, within=0.5)
    assert said(capsys) == f"{met}\n"


def test_without_a_notebook_a_question_is_text_and_without_a_unit_the_answer_is_bare(kept, capsys):
    asked = check.guess("Which rises?", options=("training", "validation"))
    assert said(capsys) == "Which rises? Say training / validation.\n"
    asked.met("validation")
    assert said(capsys) == "No guess yet; it is validation.\n"
    check.guess("How many?", mine=64).met(8)
    assert said(capsys).splitlines()[-1] == "You said 64; it is 8."


def test_a_guess_is_kept_and_met_again_in_a_later_kernel_and_is_no_try_at_a_task(kept, capsys):
    check.guess(ASKED, mine=64)
    check.guess(ASKED, mine=32)
    check.guess(ASKED).met(8)
    assert said(capsys).endswith("You said 32; it is 8.\n")
    entries = [json.loads(line) for line in kept.read_text("utf-8").splitlines()]
    assert [(entry["kind"], entry["guess"]) for entry in entries] == [("guess", 64), ("guess", 32)]
    assert progress.read(kept) == ([], 0), "neither a try nor a damaged line"
    progress.show()
    assert "damaged" not in said(capsys)
    exported = progress.export().read_text("utf-8")
    assert ASKED not in exported
    assert where_one_stopped(kept.parent) is None


def test_what_was_kept_for_another_form_of_the_question_counts_for_nothing(kept, capsys):
    check.guess(ASKED, mine=64)
    assert check.guess(ASKED, options=("few", "many")).value is None
    kept.write_bytes(kept.read_bytes() + b'{"kind": "guess"}\nrubbish\n[1]\n')
    assert check.guess(ASKED).value == 64


def test_where_nothing_can_be_written_a_guess_is_met_all_the_same(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LABCODE_PROGRESS", str(tmp_path))  # a folder
    check.guess(ASKED, mine=64).met(8)
    assert "You said 64; it is 8." in said(capsys)


def test_in_a_notebook_one_clicks(kept, notebook, capsys):
    asked = check.guess("Which rises?", options=("training", "validation"))
    assert "Which rises? (training / validation)" in said(capsys), "stays where widgets do not"
    buttons, label = notebook[0].children
    assert buttons.value is None
    assert buttons.description
    buttons.value = "training"
    assert label.value == "Your guess: training."
    asked.met("validation")
    assert said(capsys) == "You said training; it is validation.\n"
    check.guess("Which rises?", options=("training", "validation"))
    assert notebook[1].children[0].value == "training"


def test_in_a_notebook_one_types_and_what_is_no_number_is_said(kept, notebook, capsys):
    asked = check.guess(ASKED, unit="weights")
    field, label = notebook[0].children
    field.value = "about a dozen"
    assert label.value == "Say a number [weights]."
    assert asked.value is None
    field.value = "12.5"
    assert label.value == "Your guess: 12.5 weights."
    asked.met(12.5)
    assert "Right" in said(capsys)


def test_without_widgets_the_notebook_gets_text(kept, notebook, monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "ipywidgets", None)
    check.guess(ASKED)
    assert said(capsys) == f"{ASKED} Say a number.\n"
    assert not notebook


@pytest.mark.parametrize("options", [("one",), ("same", "same")])
def test_options_are_two_or_more_and_different(options):
    with pytest.raises(ValueError, match="two different ones or more"):
        check.guess("?", options=options)


def test_a_result_that_nobody_could_have_guessed_is_an_error_of_ours(kept):
    with pytest.raises(ValueError, match="one of"):
        check.guess("?", options=("up", "down")).met("left")
    with pytest.raises(ValueError, match="a number"):
        check.guess("?").met("left")


def test_the_examples_run():
    import doctest

    assert doctest.testmod(import_module("labcode.check.guess")).failed == 0
