"""`tollcast ledger`: the books of a server, checked or noted."""

import argparse
import asyncio

from api.commands.command import Command, WithSettings, failed
from config.settings import Settings

_ABOUT = """Look at the ledger of a server, which may run meanwhile. `verify` makes the chain of
seals and every rule of the books anew from what is in the database (and in exported files), names
the first violation of each, and ends with 1 when there is any, with 2 when there is nothing to
read. `head` shows the last seal. Note it elsewhere: `verify --head HASH` later finds out also about
a chain that was made anew as a whole."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("verify", "head"), help="check, or show the last seal")
    parser.add_argument("--json", action="store_true", help="answer as JSON")
    parser.add_argument("--head", metavar="HASH", help="a seal that was noted, to be in the chain")


def _work(known: argparse.Namespace, settings: Settings) -> int:
    from api import ledger_command
    from api.remote import CommandFailed
    from config import logs

    logs.set_up("warning", "text")
    try:
        if known.action == "head":
            seal = asyncio.run(ledger_command.head(settings))
            said = ledger_command.head_json if known.json else ledger_command.head_text
            print(said(seal))
            return 0
        found = asyncio.run(ledger_command.verify(settings, known.head))
    except CommandFailed as error:
        return failed(error, 2)
    say = ledger_command.audit_json if known.json else ledger_command.audit_text
    print(say(found))
    return 0 if found.sound else 1


COMMAND = Command(
    "ledger",
    "check the books, or show the seal to note",
    WithSettings(_work),
    _arguments,
    _ABOUT,
    "Settings are flags too: --data_directory, --database.url.",
)
