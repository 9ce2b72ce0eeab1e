"""`tollcast signer`: payouts are signed for a server of another account."""

import argparse
from pathlib import Path

from api.commands.command import Command, WithSettings, failed
from config.settings import Settings

_ABOUT = """Sign payouts for a server that runs under another account, which asks at a socket and
cannot read the key: set its stellar.signer_socket. Reads what was planned with database.url, keeps
its key in data_directory/signer, and signs no more than settlement.daily_cap_stroops in 24 hours.
Without it, the server starts a signer by itself."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--socket", type=Path, required=True, metavar="PATH", help="to be made")
    parser.add_argument(
        "--client", action="append", required=True, metavar="USER", help="who may ask; repeatable"
    )


def _work(known: argparse.Namespace, settings: Settings) -> int:
    from api.remote import CommandFailed
    from api.signer_command import run_signer

    try:
        return run_signer(settings, known.socket, known.client)
    except CommandFailed as error:
        return failed(error, 2)


COMMAND = Command(
    "signer",
    "sign payouts for a server of another account",
    WithSettings(_work),
    _arguments,
    _ABOUT,
)
