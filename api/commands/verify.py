"""`tollcast verify`: receipts, reports and proofs, checked without the server that made them."""

import argparse
from pathlib import Path

from api.commands.command import Command, WithSettings, failed
from config.settings import Settings

_ABOUT = """Check receipts without the server that made them: how they are written, their chains of
hashes, their signatures, and whether the seconds, prices and sums in them agree; of a folder also
whether one in between is missing. Reports of `tollcast reconcile --json` are checked in the same
way. Names the first element that is wrong, and ends with 1 then.
With --payout check what GET /api/v1/payments/proofs/{id} gave: whether the payment is part of what
its transaction commits to and, where a node is named, whether the chain has that transaction."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", type=Path, nargs="*", metavar="FILE", help="receipts, reports, a folder"
    )
    parser.add_argument(
        "--payout", type=Path, nargs="+", metavar="FILE", help="proofs of payouts instead"
    )
    node = parser.add_mutually_exclusive_group()
    node.add_argument("--rpc", default="", metavar="URL", help="a Stellar RPC node to ask for them")
    node.add_argument("--horizon", default="", metavar="URL", help="or a Horizon server")
    parser.add_argument(
        "--key", type=Path, metavar="JWKS", help="the server's keys, a copy of its jwks.json"
    )


def _work(known: argparse.Namespace, settings: Settings) -> int:
    from api.verify_command import CannotVerify, known_keys, verify_files
    from api.verify_payout import verify_payouts

    try:
        if known.payout:
            urls = {"rpc_url": known.rpc, "horizon_url": known.horizon}
            return 0 if verify_payouts(known.payout, print, **urls) else 1
        if not known.files:
            raise CannotVerify("name a receipt or a report, or a payout with --payout")
        keys = known_keys(known.key, settings.data_directory)
        return 0 if verify_files(known.files, keys, print) else 1
    except CannotVerify as error:
        return failed(error, 2)


COMMAND = Command(
    "verify",
    "check receipts, or proofs of payouts",
    WithSettings(_work),
    _arguments,
    _ABOUT,
)
