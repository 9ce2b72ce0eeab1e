"""`tollcast keys`: a new stream key for a source."""

import argparse
import asyncio
import json

from api.commands.command import Command, WithSettings, failed
from config.settings import Settings


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", help="the source's name, e.g. main")
    parser.add_argument(
        "--grace",
        type=int,
        default=0,
        metavar="SECONDS",
        help="for how long the key before works as well (0)",
    )


def _work(known: argparse.Namespace, settings: Settings) -> int:
    from api.remote import CommandFailed, regenerate_key

    try:
        key = asyncio.run(regenerate_key(settings, known.source, known.grace))
    except CommandFailed as error:
        return failed(error)
    print(json.dumps({"source": known.source, "streamKey": key}, indent=2))
    return 0


COMMAND = Command("keys", "give a source a new stream key", WithSettings(_work), _arguments)
