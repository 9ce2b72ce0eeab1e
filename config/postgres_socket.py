"""Chooses the folder of a unix socket, whose path has to be short."""

import contextlib
import shutil
import tempfile
from pathlib import Path

# sun_path of sockaddr_un holds 108 bytes on Linux and 104 on macOS, the last one a zero.
_PATH_BYTES_MAX = 103
_SOCKET = ".s.PGSQL.5432"
_PREFIX = "tollcast-"
_PLACES = ("/tmp", "/var/tmp", "/dev/shm")


def socket_folder(directory: Path) -> Path:
    """A folder for the socket: `directory/run`, or a private one elsewhere when that is too long.

    `directory/run.elsewhere` then names it, so that the next start removes what a kill left.
    """
    inside = directory / "run"
    if len(str(inside / _SOCKET).encode()) <= _PATH_BYTES_MAX:
        inside.mkdir(mode=0o700, exist_ok=True)
        return inside
    note = _note(directory)
    with contextlib.suppress(FileNotFoundError):
        remove_socket_folder(directory, Path(note.read_text()))
    folder = _private_folder()
    note.write_text(str(folder))
    return folder


def _private_folder() -> Path:
    """In the first place where one can be made: a server whose data are below /tmp has shut itself
    out of making anything new in there (see `api.lockout`).
    """
    for place in _PLACES[:-1]:
        with contextlib.suppress(OSError):
            return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_PLACES[-1]))


def existing_socket_folder(directory: Path) -> Path:
    """Where a server that was started on `directory` has its socket."""
    note = _note(directory)
    return Path(note.read_text()) if note.exists() else directory / "run"


def remove_socket_folder(directory: Path, folder: Path) -> None:
    """Remove a folder that `socket_folder` made outside of `directory`; keep one inside."""
    note = _note(directory)
    if not note.exists() or note.read_text() != str(folder):
        return
    if folder.name.startswith(_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)
    note.unlink()


def _note(directory: Path) -> Path:
    return directory / "run.elsewhere"
