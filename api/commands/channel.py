"""`tollcast channel`: payment channels, with a viewer's wallet or as the operator."""

import argparse
import asyncio
from pathlib import Path

from api.commands.command import Alone, ByAction, Command, WithSettings, failed
from config.settings import Settings

_ABOUT = """For viewers who pay from a payment channel: a contract that holds your money and pays
a server only what your browser signs for. `open` makes one for the key that the watch page shows;
`start-closing` and `take-back` return what is left without asking the server, a day apart. Needs no
server here: a wallet's seed in a file, and a Stellar RPC server of the network. For operators,
`write-off` lists payment channels whose payers took back what they had signed for; with one it
shows what giving that up would book, and with --reason books it. That asks the server that runs."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=(*_RUNS,))
    parser.add_argument("contract", nargs="?", default="", help="which one, when it is open")
    parser.add_argument("--server", default="", metavar="URL", help="a Tollcast server")
    parser.add_argument("--rpc", default="", metavar="URL", help="a Stellar RPC server")
    parser.add_argument("--key", default="", metavar="HEX", help="of the browser that will pay")
    parser.add_argument("--amount", default="5", metavar="AMOUNT", help="to put in (5)")
    parser.add_argument(
        "--seed-file",
        type=Path,
        default=Path("wallet.seed"),
        metavar="FILE",
        help="has the wallet's seed (wallet.seed); with play money it is made",
    )
    parser.add_argument("--reason", default="", metavar="TEXT", help="why it is written off")


def _with_wallet(known: argparse.Namespace) -> int:
    from api import channel_command
    from api.remote import CommandFailed

    if not known.server:
        return failed("the following arguments are required: --server", 2)
    viewer = channel_command.Viewer(known.server, known.rpc, known.seed_file)
    try:
        if known.action == "open":
            print(asyncio.run(channel_command.open_channel(viewer, known.key, known.amount)))
        elif known.action == "start-closing":
            asyncio.run(channel_command.start_closing(viewer, known.contract))
        else:
            asyncio.run(channel_command.take_back(viewer, known.contract))
    except CommandFailed as error:
        return failed(error)
    return 0


def _write_off(known: argparse.Namespace, settings: Settings) -> int:
    from api import channel_loss_command
    from api.remote import CommandFailed

    if not known.contract:
        said = channel_loss_command.losses(settings)
    elif not known.reason:
        said = channel_loss_command.dry_run(settings, known.contract)
    else:
        said = channel_loss_command.write_off(settings, known.contract, known.reason)
    try:
        print(asyncio.run(said))
    except CommandFailed as error:
        return failed(error)
    return 0


_RUNS: dict[str, WithSettings | Alone] = {
    **dict.fromkeys(("open", "start-closing", "take-back"), Alone(_with_wallet)),
    "write-off": WithSettings(_write_off),
}

COMMAND = Command(
    "channel",
    "open a payment channel with your wallet, take back what is left, or write it off",
    ByAction(_RUNS),
    _arguments,
    _ABOUT,
)
