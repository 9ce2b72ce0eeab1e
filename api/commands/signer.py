"""`tollcast signer`: who has the key that pays, as a service, and what only its owner does."""

import argparse
import asyncio
from pathlib import Path

from api.commands.command import Alone, ByAction, Command, WithSettings, failed
from config.settings import Settings

_ABOUT = """Sign payouts for a server that runs under another account, which asks at a socket and
cannot read the key: set its stellar.signer_socket. Reads what was planned with database.url, keeps
its key in data_directory/signer, and signs no more than settlement.daily_cap_stroops in 24 hours.
Without it, the server starts a signer by itself. `trust CODE:ISSUER` lets the hot account hold an
asset that is listed in stellar.assets. Nobody can ask a signer for that: run it where the key is,
under the account that may read it, with another wallet's seed in a file, which pays the fee."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", choices=(*_RUNS,), default="serve", help="(serve)")
    parser.add_argument("asset", nargs="?", default="", help="to be trusted, CODE:ISSUER")
    parser.add_argument("--socket", type=Path, metavar="PATH", help="to be made, where it is asked")
    parser.add_argument(
        "--client", action="append", default=[], metavar="USER", help="who may ask; repeatable"
    )
    parser.add_argument(
        "--payer",
        type=Path,
        default=Path("wallet.seed"),
        metavar="FILE",
        help="has the seed of the wallet that pays for a trust line (wallet.seed)",
    )


def _serve(known: argparse.Namespace, settings: Settings) -> int:
    from api.remote import CommandFailed
    from api.signer_command import run_signer

    if known.socket is None or not known.client:
        return failed("the following arguments are required: --socket, --client", 2)
    try:
        return run_signer(settings, known.socket, known.client)
    except CommandFailed as error:
        return failed(error, 2)


def _trust(known: argparse.Namespace, settings: Settings) -> int:
    from api.remote import CommandFailed
    from api.trust_command import trust_asset

    try:
        print(asyncio.run(trust_asset(settings, known.asset, known.payer)))
    except CommandFailed as error:
        return failed(error)
    return 0


_RUNS: dict[str, WithSettings | Alone] = {
    "serve": WithSettings(_serve),
    "trust": WithSettings(_trust),
}

COMMAND = Command(
    "signer",
    "sign payouts for a server of another account, or let its account hold an asset",
    ByAction(_RUNS),
    _arguments,
    _ABOUT,
)
