"""Secrets that the program makes for itself and keeps in files that only it can read."""

import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from config.limits import SECRET_FILE_BYTES_MAX

_RANDOM_BYTES = 32


class SecretExposed(Exception):
    """A secret's file or folder can be read by others, so the secret may be known to them."""


class SecretFiles:
    """A folder of secrets, one a file: the folder 0700, the files 0600."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> str | None:
        """The secret of that name, or None when there is none.

        Raises:
            SecretExposed: others can read it.
        """
        path = self._folder / name
        try:
            # The open file is judged, not the name, and a link is not followed.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            _refuse_exposed(path, os.fstat(descriptor))
            _refuse_exposed(self._folder, self._folder.stat())
            return file.read(SECRET_FILE_BYTES_MAX).decode().strip()

    def create_or_read(self, name: str, make: Callable[[], str] | None = None) -> tuple[str, bool]:
        """The secret of that name, made now when there is none.

        Safe when several processes start at once: all get the same.

        Args:
            name: of the file.
            make: gives a new secret; 256 random bits as text by default.

        Returns:
            The secret, and whether it was made now.

        Raises:
            SecretExposed: others can read it.
        """
        known = self.read(name)
        if known is not None:
            return known, False
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_exposed(self._folder, self._folder.stat())
        fresh = make() if make is not None else secrets.token_urlsafe(_RANDOM_BYTES)
        return (fresh, True) if self._create(name, fresh) else self.create_or_read(name, make)

    def _create(self, name: str, secret: str) -> bool:
        """Write the whole file or none of it. False when somebody else was first."""
        unfinished = self._folder / f".{name}.{secrets.token_hex(8)}"
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(secret.encode() + b"\n")
                file.flush()
                os.fsync(descriptor)
            (self._folder / name).hardlink_to(unfinished)
        except FileExistsError:
            return False
        finally:
            unfinished.unlink()
        return True


def _refuse_exposed(path: Path, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid():
        raise SecretExposed(f"{path} belongs to another user")
    if stat.S_IMODE(found.st_mode) & 0o077:
        mode = "700" if stat.S_ISDIR(found.st_mode) else "600"
        raise SecretExposed(
            f"{path} is open to others; if nobody had access to this machine: chmod {mode} {path}"
        )
