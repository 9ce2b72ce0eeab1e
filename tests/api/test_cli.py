"""The command line as a whole: what it lists, and what that costs."""

import re
import subprocess
import sys

import pytest

from api.cli import main

COMMANDS = (
    *("up", "worker", "keys", "doctor", "verify", "ledger", "signer", "reconcile", "tier"),
    *("suspense", "replay", "channel", "localnet", "config", "version"),
)
# What takes long to import; a command brings what it needs when it runs.
HEAVY = ("aiohttp", "asyncpg", "stellar_sdk", "av", "uvloop", "cryptography")


def helped(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_every_command_is_listed_and_has_help_of_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    listed = re.findall(r"^    (\w+)  +\S", helped(capsys), re.MULTILINE)
    assert tuple(listed) == COMMANDS
    for command in set(COMMANDS) - {"localnet"}:  # which imports the SDK to answer
        assert f"tollcast {command} " in helped(capsys, command)


@pytest.mark.process
def test_nothing_that_takes_long_is_imported_to_list_commands() -> None:
    script = f"""import sys, api.cli
sys.argv = ["tollcast", "config"]
assert api.cli.main() == 0
print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"""
    ended = subprocess.run(
        [sys.executable, "-P", "-c", script], check=True, capture_output=True, text=True
    )
    assert ended.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["version", "--loud"], 2, "unrecognized arguments: --loud"),
        (["replay", "7", "--http.port=1"], 2, "unrecognized arguments: --http.port=1"),
        (["channel", "open", "--server=x", "--http.port=1"], 2, "unrecognized arguments"),
        (["channel", "open"], 2, "required: --server"),
        (["config", "--http.prot=1"], 2, "did you mean http.port?"),
        (["ledger", "--http.port=1"], 2, "required: action"),
        (["dance"], 2, "invalid choice: 'dance'"),
    ],
)
def test_flags_that_a_command_does_not_take_are_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, told: str
) -> None:
    try:
        ended: object = main(arguments)
    except SystemExit as refused:
        ended = refused.code
    assert ended == code
    assert told in capsys.readouterr().err
