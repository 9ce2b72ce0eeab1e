"""`tollcast signer`: the signer as a service of its own, under an account of its own."""

import os
import pwd
from collections.abc import Sequence
from pathlib import Path

from api.data_layout import signer_folder
from api.remote import CommandFailed
from api.signer_process import brief_of
from config import logs
from config.settings import Settings
from metering.signer.entrance import Listening
from metering.signer.process import work
from metering.signer.vault import prepare


def run_signer(settings: Settings, path: Path, clients: Sequence[str]) -> int:
    """Sign for the processes of some users until SIGTERM; the exit code.

    Args:
        settings: `data_directory` is the signer's own, `database.url` what it reads plans with.
        path: of the socket where it is asked.
        clients: names or numbers of the users that may.

    Raises:
        CommandFailed: it cannot begin.
    """
    if not settings.database.url.get_secret_value():
        raise CommandFailed("a signer of its own needs database.url: a role that reads payouts")
    if os.geteuid() == 0:
        raise CommandFailed("a signer of its own needs an account of its own, and not root's")
    data = settings.data_directory.absolute()
    brief = brief_of(settings, data)
    logs.set_up(settings.log.level, settings.log.format)
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        prepare(signer_folder(data), Path(brief.former_seed))
        entrance = Listening(path.absolute(), {_user(client) for client in clients})
    except OSError as error:
        raise CommandFailed(str(error)) from error
    return work(brief, entrance, beside=False)


def _user(client: str) -> int:
    if client.isdecimal():
        return int(client)
    try:
        return pwd.getpwnam(client).pw_uid
    except KeyError:
        raise CommandFailed(f"there is no user {client!r}") from None
