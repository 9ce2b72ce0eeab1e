"""The command line: `tollcast up`, and small commands that talk to a running server."""

import argparse
import sys
from collections.abc import Sequence

from api.commands import (
    channel,
    config,
    doctor,
    keys,
    ledger,
    localnet,
    reconcile,
    replay,
    signer,
    suspense,
    tier,
    up,
    verify,
    version,
    worker,
)
from api.commands.command import ByAction, Command, OwnFlags, WithSettings
from config.settings import SettingsError, load, read_environment

_DESCRIPTION = "A streaming server that bills by the second."
# As `tollcast --help` lists them.
_MODULES = (
    *(up, worker, keys, doctor, verify, ledger, signer, reconcile, tier, suspense),
    *(replay, channel, localnet, config, version),
)
_COMMANDS: dict[str, Command] = {module.COMMAND.name: module.COMMAND for module in _MODULES}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (0 well, 1 failed, 2 wrong usage)."""
    parser = _parser()
    known, rest = parser.parse_known_args(arguments)
    run = _COMMANDS[known.command].run
    if isinstance(run, OwnFlags):
        return run.work(rest)
    if isinstance(run, ByAction):
        run = run.runs[known.action]
    if isinstance(run, WithSettings):
        return _with_settings(run, known, rest)
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return run.work(known)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tollcast", description=_DESCRIPTION, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in _COMMANDS.values():
        command.add_to(commands)
    return parser


def _with_settings(run: WithSettings, known: argparse.Namespace, rest: Sequence[str]) -> int:
    try:
        settings = load(rest, read_environment(), known.config)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    return run.work(known, settings)


if __name__ == "__main__":
    sys.exit(main())
