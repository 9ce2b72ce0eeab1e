"""`tollcast suspense`: money that came in for nobody known."""

import argparse
import asyncio

from api.commands.command import Command, WithSettings, failed
from config.settings import Settings

_ABOUT = """Money that came in without a number, for a number that nobody has, in another
asset or below the minimum is nobody's until you say so. `list` shows it, `assign PAYMENT ACCOUNT`
credits an account (or your own treasury), `return PAYMENT` pays it to where it came from. Asks the
server that runs, with the token in data_directory."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("list", "assign", "return"))
    parser.add_argument("payment", nargs="?", default="", help="its id, as listed")
    parser.add_argument("account", nargs="?", default="", help="acc_..., or treasury")


def _work(known: argparse.Namespace, settings: Settings) -> int:
    from api import suspense_command
    from api.remote import CommandFailed

    work = {
        "list": lambda: suspense_command.waiting(settings),
        "assign": lambda: suspense_command.assign(settings, known.payment, known.account),
        "return": lambda: suspense_command.give_back(settings, known.payment),
    }
    try:
        print(asyncio.run(work[known.action]()))
    except CommandFailed as error:
        return failed(error)
    return 0


COMMAND = Command(
    "suspense",
    "see money that came in for nobody known, and say whose it is",
    WithSettings(_work),
    _arguments,
    _ABOUT,
)
