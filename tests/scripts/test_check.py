"""The commands that developers run."""

import sys
from itertools import product
from pathlib import Path

import pytest

from scripts import check
from scripts import test as test_command

_GOOD = [sys.executable, "-c", "pass"]
_BAD = [sys.executable, "-c", "raise SystemExit(3)"]


def test_all_checks_run_even_when_one_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check, "checks", lambda: [("a", _GOOD), ("b", _BAD), ("c", _GOOD)])
    assert check.main([]) == 1
    said = capsys.readouterr().out
    assert "== c" in said
    assert "check: b failed" in said
    assert check.main(["a", "c"]) == 0
    assert "check: all passed" in capsys.readouterr().out


def test_each_check_is_a_program_that_is_there() -> None:
    names = [name for name, _ in check.checks()]
    assert names == ["format", "lint", "types", "imports", "tests"]
    assert all(Path(command[0]).exists() for _, command in check.checks())


@pytest.mark.parametrize(
    ("results", "expected"), [([0, 5, 5], 0), ([0, 0, 0], 0), ([1, 0, 0], 1), ([0, 0, 1], 1)]
)
def test_each_test_runs_once_and_none_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, results: list[int], expected: int
) -> None:
    commands: list[list[str]] = []

    def fake(command: list[str]) -> int:
        commands.append(command)
        return results[len(commands) - 1]

    monkeypatch.setattr(test_command, "_run", fake)
    assert test_command.main([]) == expected
    chosen = [command[command.index("-m", 2) + 1] for command in commands]
    for marked in product((False, True), repeat=3):
        marks = dict(zip(("end_to_end", "peer", "alone"), marked, strict=True))
        marks["testnet"] = False
        # Expressions of markers are Python's.
        assert sum(eval(each, {}, marks) for each in chosen) == 1, marks
    elsewhere = {"end_to_end": False, "peer": False, "alone": False, "testnet": True}
    assert not any(eval(each, {}, elsewhere) for each in chosen)


def test_arguments_are_pytests_own(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []

    def fake(command: list[str]) -> int:
        commands.append(command)
        return 0

    monkeypatch.setattr(test_command, "_run", fake)
    assert test_command.main(["-k", "ledger"]) == 0
    assert commands == [["-m", "pytest", "-k", "ledger"]]
