"""`course.py test --fast`: lint, types and tests all run, and any of them makes it fail."""

from types import SimpleNamespace

import pytest

from tools import commands, fast


@pytest.mark.parametrize("wrong", [None, "check", "format", "mypy", "pytest"])
def test_everything_runs_and_any_part_can_fail_it(monkeypatch, wrong):
    ran = []

    def run(command, **options):
        ran.append(" ".join(command))
        assert options["cwd"] == fast.ROOT
        return SimpleNamespace(returncode=int(wrong is not None and wrong in command))

    monkeypatch.setattr(fast.subprocess, "run", run)
    assert fast.main(["-k", "twins"]) == int(wrong is not None)
    assert len(ran) == 4
    assert ran[-1].endswith(" -k twins")
    for name in (*fast.TESTS, fast.STALENESS):
        assert f" tests/{name} " in ran[-1]
        assert (fast.ROOT / "tests" / name.partition("::")[0]).exists()


def test_the_command_hands_it_on(monkeypatch):
    called = []
    monkeypatch.setattr(commands, "ensure", lambda *args, **options: None)
    monkeypatch.setattr(commands, "run_inside", lambda environment, *command: called.append(command) or 0)
    assert commands.main(["test", "--fast", "--", "-x"]) == 0
    assert called == [("tools.fast", ["-x"])]
