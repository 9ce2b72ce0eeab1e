"""`tollcast worker`: uploads are made beside a server."""

import argparse

from api.commands.command import Command, WithSettings, failed
from config.settings import Settings

_ABOUT = """Transcode uploads beside a server: start it with the server's database.url and
data_directory (on one machine the data_directory is enough). Any number of workers share the queue;
one that ends gives its jobs back."""


def _work(_known: argparse.Namespace, settings: Settings) -> int:
    from api.ground import StartFailed
    from api.worker import work

    try:
        work(settings)
    except StartFailed as error:
        return failed(error)
    return 0


COMMAND = Command(
    "worker",
    "make uploads beside a server",
    WithSettings(_work),
    description=_ABOUT,
    epilog="Settings are flags too: --data_directory, --database.url, --jobs.workers.",
)
