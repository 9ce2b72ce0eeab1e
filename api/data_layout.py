"""What lies directly in the data directory: all of it is made here, before the server starts.

Nothing can be added later: the server shuts itself out of the folder of the signer, and with it out
of making anything new beside that (see `api.lockout`). Within these folders it can.
"""

from pathlib import Path

CERTIFICATES = "certificates"
SIGNER = "signer"

_FOLDERS = (CERTIFICATES, "ledger", "localnet", "media", "postgres", "secrets", "uploads")
_FILES = ("demo.log", "localnet.log", "server")

# Where earlier versions kept what has to be in one of the folders now.
_MOVED = {
    "localnet.state": "localnet",
    "localnet.state-journal": "localnet",
    "rtmps-certificate.pem": CERTIFICATES,
}


def lay_out(data: Path) -> None:
    """Make the data directory and what it has, as far as it is not there.

    Raises:
        OSError: something cannot be made or moved.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in _FOLDERS:
        (data / name).mkdir(mode=0o700, exist_ok=True)
    for name in _FILES:
        (data / name).touch()
    for name, folder in _MOVED.items():
        former = data / name
        if former.exists():
            former.rename(data / folder / name)


def signer_folder(data: Path) -> Path:
    """Where the key of the account that pays is kept, and what was signed with it."""
    return data / SIGNER
