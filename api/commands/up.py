"""`tollcast up`: the server."""

import argparse

from api.commands.command import Command, WithSettings, failed
from config.settings import Settings

_ABOUT = """Start the server. With nothing configured it runs alone: embedded Postgres, a local
Stellar network with play money, local directories for media, and a demo stream with three paying
viewers."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--json", action="store_true", help="announce addresses as one line of JSON"
    )


def _work(known: argparse.Namespace, settings: Settings) -> int:
    from api.ground import StartFailed
    from api.process import serve

    try:
        serve(settings, announce_json=known.json)
    except StartFailed as error:
        return failed(error)
    return 0


COMMAND = Command(
    "up",
    "start the server",
    WithSettings(_work),
    _arguments,
    _ABOUT,
    "Every setting is a flag too, e.g. --http.port=9000; `tollcast config` lists them.",
)
