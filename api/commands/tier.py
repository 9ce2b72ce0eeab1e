"""`tollcast tier`: how much an account may watch at once."""

import argparse
import asyncio

from api.commands.command import Command, WithSettings, failed
from config.settings import Settings


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("account", help="its id, acc_...")
    parser.add_argument("tier", choices=("free", "bronze", "silver", "gold"))


def _work(known: argparse.Namespace, settings: Settings) -> int:
    from api.remote import CommandFailed
    from api.tier_command import set_tier
    from api.tiers import Tier

    try:
        asyncio.run(set_tier(settings, known.account, Tier(known.tier)))
    except CommandFailed as error:
        return failed(error)
    print(f"{known.account} has the {known.tier} tier from its next session on")
    return 0


COMMAND = Command(
    "tier",
    "say how much an account may watch at once",
    WithSettings(_work),
    _arguments,
    epilog="What a tier allows is set by sessions.free, sessions.bronze and so on.",
)
