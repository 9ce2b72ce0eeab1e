"""The folder that only the signer reads: the seed, what was signed, and a lock."""

import fcntl
import os
from pathlib import Path
from typing import IO

from config.limits import SECRET_FILE_BYTES_MAX
from config.secret_files import SecretFiles
from config.unprivileged import give_away
from metering.signer.keys import new_seed

SEED = "stellar-hot-seed"
_REGISTER = "signed.jsonl"
_LOCK = "lock"


class VaultInUse(Exception):
    """Another signer works with this folder."""


def prepare(folder: Path, former_seed: Path) -> None:
    """Make the folder, and move the seed of an older installation into it.

    As root it is given to the account that the signer will run as. The seed itself is not read: it
    is the same file under another name.

    Args:
        folder: the signer's; nobody else may open it.
        former_seed: where the seed was kept before; nothing has to be there.

    Raises:
        OSError: it cannot be made or given away.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    give_away(folder, 0o700)
    if former_seed.exists() and not (folder / SEED).exists():
        former_seed.rename(folder / SEED)
    for file in folder.iterdir():
        give_away(file, 0o600)


def seed_in(folder: Path) -> str | None:
    """The seed in a signer's folder, for an operator's own command; None where there is none. Root
    reads that of the account that the signer runs as.

    Raises:
        SecretExposed: others can read it.
        OSError: this account may not.
    """
    if os.geteuid() != 0:
        return SecretFiles(folder).read(SEED)
    try:
        descriptor = os.open(folder / SEED, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read(SECRET_FILE_BYTES_MAX).decode().strip()


class Vault:
    """The folder as the current directory of this process, so that it may lie below closed ones.

    Enter it before rights are dropped, and use it afterwards.
    """

    def __init__(self, folder: Path) -> None:
        os.chdir(folder)
        self._here = Path()

    @property
    def register(self) -> Path:
        """The file of what was signed."""
        return self._here / _REGISTER

    def lock(self) -> IO[bytes]:
        """Keep other signers out until the file is closed.

        Raises:
            VaultInUse: there is one.
        """
        file = (self._here / _LOCK).open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise VaultInUse from None
        return file

    def seed(self) -> str:
        """The hot account's, made now when there is none.

        Raises:
            SecretExposed: others can read it.
        """
        seed, _ = SecretFiles(self._here).create_or_read(SEED, new_seed)
        return seed
